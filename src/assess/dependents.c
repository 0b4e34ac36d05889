/*-------------------------------------------------------------------------
 *
 * dependents.c
 *	  Drops that are refused for what depends on the object.
 *
 * Types and routines are not cloned, so their drop is not tried: pg_depend
 * tells.  What an earlier statement may have changed is not counted.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/objectaddress.h"
#include "nodes/parsenodes.h"
#include "storage/lmgr.h"

#include "assess/dependents.h"
#include "base/spi.h"
#include "base/transaction.h"
#include "compat/server.h"

/* $1 and $2 the object, $3 the first OID of the trial. */
static PgmQuery dependents_query = {
	"WITH RECURSIVE o (classid, objid) AS (SELECT $1, $2 UNION "
	"SELECT d.classid, d.objid FROM o JOIN pg_depend d "
	"ON d.refclassid = o.classid AND d.refobjid = o.objid "
	"WHERE d.deptype IN ('i', 'a')) "
	"SELECT pg_describe_object(d.classid, d.objid, d.objsubid), "
	"coalesce(CASE d.classid WHEN 'pg_class'::regclass THEN d.objid "
	"WHEN 'pg_trigger'::regclass THEN (SELECT tgrelid FROM pg_trigger "
	"WHERE oid = d.objid) "
	"WHEN 'pg_attrdef'::regclass THEN (SELECT adrelid FROM pg_attrdef "
	"WHERE oid = d.objid) "
	"WHEN 'pg_constraint'::regclass THEN (SELECT conrelid FROM pg_constraint "
	"WHERE oid = d.objid) "
	"WHEN 'pg_rewrite'::regclass THEN (SELECT ev_class FROM pg_rewrite "
	"WHERE oid = d.objid) "
	"WHEN 'pg_policy'::regclass THEN (SELECT polrelid FROM pg_policy "
	"WHERE oid = d.objid) END, 0)::int8 "
	"FROM o JOIN pg_depend d ON d.refclassid = o.classid "
	"AND d.refobjid = o.objid WHERE d.deptype = 'n' "
	"AND (d.classid, d.objid) NOT IN (SELECT classid, objid FROM o) "
	"AND ($3 = 0 OR d.objid < $3) ORDER BY d.classid, d.objid, d.objsubid",
	3, {OIDOID, OIDOID, OIDOID}
};

static bool
is_of_interest(const DropStmt *drop)
{
	if (drop->behavior == DROP_CASCADE)
		return false;
	switch (drop->removeType)
	{
		case OBJECT_AGGREGATE:
		case OBJECT_COLLATION:
		case OBJECT_DOMAIN:
		case OBJECT_FUNCTION:
		case OBJECT_OPERATOR:
		case OBJECT_PROCEDURE:
		case OBJECT_ROUTINE:
		case OBJECT_SCHEMA:
		case OBJECT_TYPE:
			return true;
		default:
			return false;
	}
}

static bool
is_changed(List *past, Oid relid)
{
	ListCell   *lc;

	foreach(lc, past)
	{
		PgmVerdict *verdict = lfirst(lc);
		Node	   *stmt = verdict->source->statements[verdict->n].raw->stmt;
		PgmEffect  *effect;

		/* what does not belong to a relation is dropped by its own name */
		if (!OidIsValid(relid))
		{
			if (IsA(stmt, DropStmt) || verdict->opaque)
				return true;
			continue;
		}
		effect = pgm_verdict_find(verdict, relid);
		if (verdict->opaque ||
			(effect != NULL && effect->mode > RowExclusiveLock))
			return true;
	}
	return false;
}

/* Several objects may need each other. */
static void
look_at(PgmVerdict *verdict, const ObjectAddress *object, List *past,
		Oid first_oid)
{
	Datum		values[3] = {ObjectIdGetDatum(object->classId),
	ObjectIdGetDatum(object->objectId), ObjectIdGetDatum(first_oid)};
	PgmSpiScope scope;
	uint64		n;

	pgm_spi_begin(&scope);
	n = pgm_spi_execute(&dependents_query, values, NULL);
	for (uint64 i = 1; i <= n; i++)
	{
		char	   *name = pgm_spi_text(i, 1);

		if (name == NULL || is_changed(past, (Oid) pgm_spi_int64(i, 2)))
			continue;
		verdict->sqlerrcode = ERRCODE_DEPENDENT_OBJECTS_STILL_EXIST;
		verdict->reason = MemoryContextStrdup(scope.outer,
											  psprintf("other objects depend on what it drops: %s", name));
		break;
	}
	pgm_spi_end(&scope);
}

typedef struct LookAt
{
	PgmVerdict *verdict;
	DropStmt   *drop;
	List	   *past;
	Oid			first_oid;
} LookAt;

static void
try_look_at(void *arg)
{
	const LookAt *look = arg;
	Relation	relation = NULL;
	ObjectAddress object = get_object_address(look->drop->removeType,
											  linitial(look->drop->objects),
											  &relation, AccessShareLock,
											  true);

	if (OidIsValid(object.objectId))
		look_at(look->verdict, &object, look->past, look->first_oid);
}

void
pgm_find_dependents(PgmVerdict *verdict, List *past, Oid first_oid)
{
	Node	   *stmt = verdict->source->statements[verdict->n].raw->stmt;
	LookAt		look = {verdict, NULL, past, first_oid};

	if (!IsA(stmt, DropStmt) || verdict->sqlerrcode != 0)
		return;
	look.drop = castNode(DropStmt, stmt);

	/* of several the ones may be what depends on the others */
	if (!is_of_interest(look.drop) || list_length(look.drop->objects) != 1)
		return;

	/* if it fails, say over which of several is meant, so will the run */
	(void) pgm_txn_look(try_look_at, &look);
}

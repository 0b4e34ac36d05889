/*-------------------------------------------------------------------------
 *
 * dependents.c
 *	  What is refused for what depends on the object: drops, a change of type
 *	  for what is not cloned, and a constraint of a domain for what an online
 *	  change keeps.
 *
 * Types and routines are not cloned, so their drop is not tried: pg_depend
 * tells.  What an earlier statement may have changed is not counted; but what
 * one changes online is kept as it was, for the way back.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/objectaddress.h"
#include "catalog/pg_type.h"
#include "nodes/makefuncs.h"
#include "nodes/parsenodes.h"
#include "parser/parse_type.h"
#include "storage/lmgr.h"

#include "assess/dependents.h"
#include "base/spi_list.h"
#include "base/transaction.h"
#include "clone/misfit.h"
#include "compat/server.h"
#include "lint/lint.h"
#include "online/shadow_table.h"

#define KEPT_REMEDY \
	"It is kept for the way back of an online change.  Call pgmigrate.finalize() before."

/*
 * $1 and $2 the object, $3 the first OID of the trial.  What depends on it;
 * the relation whose statements change that; for a column its name; the table
 * that it is part of, so that a copy for the way back has it too, but not of
 * such a copy itself; and of a copy the table that was changed, which the
 * trigger of the dual write is on.
 */
static PgmQuery dependents_query = {
	"WITH RECURSIVE o (classid, objid) AS (SELECT $1, $2 UNION "
	"SELECT d.classid, d.objid FROM o JOIN pg_depend d "
	"ON d.refclassid = o.classid AND d.refobjid = o.objid "
	"WHERE d.deptype IN ('i', 'a', 'e')), "
	"d AS (SELECT d.classid, d.objid, d.objsubid, "
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
	"WHERE oid = d.objid) END, 0) AS relid "
	"FROM o JOIN pg_depend d ON d.refclassid = o.classid "
	"AND d.refobjid = o.objid WHERE d.deptype = 'n' "
	"AND (d.classid, d.objid) NOT IN (SELECT classid, objid FROM o) "
	"AND ($3 = 0 OR d.objid < $3)) "
	"SELECT pg_describe_object(d.classid, d.objid, d.objsubid), "
	"d.relid::int8, (SELECT attname::text FROM pg_attribute "
	"WHERE d.classid = 'pg_class'::regclass AND attrelid = d.objid "
	"AND attnum = d.objsubid AND attnum > 0), "
	"CASE WHEN d.classid IN ('pg_trigger'::regclass, 'pg_rewrite'::regclass, "
	"'pg_policy'::regclass) OR pg_describe_object(d.classid, d.objid, "
	"d.objsubid) ~ '\\mpgmigrate_\\d+_\\d+' THEN 0 "
	"ELSE coalesce((SELECT indrelid FROM pg_index WHERE indexrelid = d.relid), "
	"d.relid) END::int8, coalesce((SELECT CASE WHEN "
	"n.nspname LIKE 'pgmigrate\\_online\\_%' THEN (SELECT min(t.tgrelid::int8) "
	"FROM pg_trigger t "
	"WHERE substring(t.tgname, '^zzz_pgmigrate_(\\d+)(?:_|$)') "
	"= substring(n.nspname, '^pgmigrate_online_(\\d+)(?:_|$)')) END "
	"FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace "
	"WHERE c.oid = d.relid), 0) "
	"FROM d ORDER BY d.classid, d.objid, d.objsubid",
	3, {OIDOID, OIDOID, OIDOID}
};

/*
 * What the server refuses to change the type of columns $2 of tables $1 for,
 * and a copy of the tables has not.
 */
static PgmQuery users_query = {
	"SELECT format('cannot alter type of column \"%s\", which is used by %s', "
	"a.attname, pg_describe_object(d.classid, d.objid, d.objsubid)) "
	"FROM pg_attribute a JOIN pg_depend d "
	"ON d.refclassid = 'pg_class'::regclass AND d.refobjid = a.attrelid "
	"AND d.refobjsubid = a.attnum WHERE a.attrelid = ANY ($1) "
	"AND a.attname::text = ANY ($2) AND d.classid IN ('pg_proc'::regclass, "
	"'pg_publication_rel'::regclass) ORDER BY 1",
	2, {OIDARRAYOID, TEXTARRAYOID}
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
		case OBJECT_EXTENSION:
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
		PgmVerdict *verdict = ((PgmJudged *) lfirst(lc))->verdict;
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

/* ---- what online changes keep */

static Node *
statement_of(const PgmJudged *judged)
{
	return judged->source->statements[judged->n].raw->stmt;
}

/* Does it change the type of a column, or drop one?  NULL: of any. */
static bool
changes_column(Node *stmt, const char *column)
{
	ListCell   *lc;

	if (!IsA(stmt, AlterTableStmt))
		return false;
	foreach(lc, castNode(AlterTableStmt, stmt)->cmds)
	{
		const AlterTableCmd *cmd = lfirst_node(AlterTableCmd, lc);

		if ((cmd->subtype == AT_AlterColumnType ||
			 cmd->subtype == AT_DropColumn) &&
			(column == NULL || strcmp(cmd->name, column) == 0))
			return true;
	}
	return false;
}

/* A later change of the columns gives up what an earlier one has kept. */
static bool
is_given_up(List *past, Oid relid)
{
	ListCell   *lc;

	foreach(lc, past)
	{
		const PgmJudged *judged = lfirst(lc);

		if (judged->verdict->opaque ||
			(changes_column(statement_of(judged), NULL) &&
			 pgm_verdict_find(judged->verdict, relid) != NULL))
			return true;
	}
	return false;
}

/* Are the columns of its table the same ones after it? */
static bool
leaves_columns(Node *stmt)
{
	switch (nodeTag(stmt))
	{
		case T_AlterTableStmt:
			return !changes_column(stmt, NULL);
		case T_CreatePolicyStmt:
		case T_CreateTrigStmt:
		case T_IndexStmt:
			return true;
		case T_DropStmt:
			return castNode(DropStmt, stmt)->removeType != OBJECT_TABLE;
		default:
			return false;
	}
}

/*
 * Will the table as it was before it be there, for the way back, or at least
 * its columns?
 */
static bool
is_kept_by(const PgmJudged *judged, Oid relid, bool column)
{
	const PgmStrategy *strategy = judged->strategy;

	return strategy != NULL && strategy->relid == relid &&
		(strategy->kind == PGM_STRATEGY_SHADOW_TABLE ||
		 (column && strategy->kind == PGM_STRATEGY_SHADOW_COLUMN)) &&
		strategy->back.none == NULL;
}

/*
 * The statement of the same revision that keeps a column of a table, or what
 * else is part of the table, as it is now; NULL if none is certain to.
 * Between revisions somebody may give up what is kept.
 */
static const PgmJudged *
find_keeper(const PgmVerdict *verdict, List *past, Oid relid,
			const char *column)
{
	const PgmJudged *keeper = NULL;
	int			last = -1;		/* of those that it is carried out with */
	ListCell   *lc;

	foreach(lc, past)
	{
		const PgmJudged *judged = lfirst(lc);
		Node	   *stmt = statement_of(judged);
		const PgmEffect *effect = pgm_verdict_find(judged->verdict, relid);

		if (judged->verdict->opaque)
			return NULL;
		if (effect == NULL || effect->mode <= RowExclusiveLock ||
			(keeper != NULL && judged->n <= last))
			continue;
		if ((column != NULL || keeper != NULL) && leaves_columns(stmt))
			continue;
		if (judged->source != verdict->source ||
			!is_kept_by(judged, relid, column != NULL))
			return NULL;
		if (keeper != NULL &&
			(column == NULL || changes_column(statement_of(keeper), column)))
			return NULL;
		keeper = judged;
		last = judged->strategy->kind == PGM_STRATEGY_SHADOW_TABLE ?
			pgm_shadow_last(relid, judged->source, judged->n) : judged->n;
	}
	return keeper;
}

/*
 * The downgrade may be carried out by what the upgrade has kept, and keeps
 * nothing then.
 */
static bool
is_downgrade(const PgmSource *source)
{
	return source->what != NULL && strcmp(source->what, "downgrade") == 0;
}

/* A row of dependents_query. */
typedef struct Dependent
{
	char	   *description;
	Oid			relid;
	char	   *column;
	Oid			part_of;
	Oid			changed;
} Dependent;

static void *
make_dependent(uint64 row)
{
	Dependent  *result = palloc(sizeof(Dependent));

	result->description = pgm_spi_text(row, 1);
	result->relid = (Oid) pgm_spi_int64(row, 2);
	result->column = pgm_spi_text(row, 3);
	result->part_of = (Oid) pgm_spi_int64(row, 4);
	result->changed = (Oid) pgm_spi_int64(row, 5);
	return result;
}

/*
 * Is it there by then?  If several are dropped, it may be one of them, but not
 * what is kept.
 */
static bool
stands_in_the_way(PgmVerdict *verdict, List *past, bool several,
				  const Dependent *dependent)
{
	const PgmJudged *keeper;

	if (!is_changed(past, dependent->relid))
	{
		if (several || (OidIsValid(dependent->changed) &&
						is_given_up(past, dependent->changed)))
			return false;
		if (OidIsValid(dependent->changed))
			verdict->remedy = pstrdup(KEPT_REMEDY);
		return true;
	}
	if (!OidIsValid(dependent->part_of) || is_downgrade(verdict->source))
		return false;
	keeper = find_keeper(verdict, past, dependent->part_of,
						 dependent->column);
	if (keeper == NULL)
		return false;
	verdict->remedy = psprintf("Statement %d is carried out online, and what its table had before is kept for the way back.  Put the DROP into a later revision, before which pgmigrate.finalize() is called, or write \"-- pgmigrate: plain\" before statement %d.",
							   keeper->n + 1, keeper->n + 1);
	return true;
}

/*
 * Does a copy have it, or will have by then, for the way back?  Beside the
 * copies is a table with a column of their row type, for which the server
 * refuses what would have it read values of the domain.
 */
static bool
is_in_copy(PgmVerdict *verdict, List *past, const Dependent *dependent)
{
	const PgmJudged *keeper;

	if (OidIsValid(dependent->changed))
	{
		if (is_given_up(past, dependent->changed))
			return false;
		verdict->remedy = pstrdup(KEPT_REMEDY);
		return true;
	}
	if (!OidIsValid(dependent->part_of) || is_downgrade(verdict->source))
		return false;
	keeper = find_keeper(verdict, past, dependent->part_of, NULL);
	if (keeper == NULL)
		return false;
	verdict->remedy = psprintf("Statement %d is carried out online, and its table is kept as it was for the way back.  Put this into a later revision, before which pgmigrate.finalize() is called, or before statement %d.",
							   keeper->n + 1, keeper->n + 1);
	return true;
}

static void
look_at_domain(PgmVerdict *verdict, Oid domain, List *past, Oid first_oid)
{
	Datum		values[3] = {ObjectIdGetDatum(TypeRelationId),
	ObjectIdGetDatum(domain), ObjectIdGetDatum(first_oid)};
	ListCell   *lc;

	foreach(lc, pgm_spi_list(&dependents_query, values, NULL, make_dependent))
	{
		const Dependent *dependent = lfirst(lc);

		if (dependent->description == NULL ||
			!is_in_copy(verdict, past, dependent))
			continue;
		verdict->sqlerrcode = ERRCODE_FEATURE_NOT_SUPPORTED;
		verdict->reason = psprintf("an online change keeps what has the domain: %s",
								   dependent->description);
		break;
	}
}

/* Does it make the server read the values that there are? */
static bool
reads_values(const AlterDomainStmt *stmt)
{
	return stmt->subtype == 'O' || stmt->subtype == 'V' ||
		(stmt->subtype == 'C' && IsA(stmt->def, Constraint) &&
		 !castNode(Constraint, stmt->def)->skip_validation);
}

static void
look_at(PgmVerdict *verdict, const ObjectAddress *object, List *past,
		bool several, Oid first_oid)
{
	Datum		values[3] = {ObjectIdGetDatum(object->classId),
	ObjectIdGetDatum(object->objectId), ObjectIdGetDatum(first_oid)};
	List	   *dependents;
	ListCell   *lc;

	dependents = pgm_spi_list(&dependents_query, values, NULL,
							  make_dependent);
	foreach(lc, dependents)
	{
		const Dependent *dependent = lfirst(lc);

		if (dependent->description == NULL ||
			!stands_in_the_way(verdict, past, several, dependent))
			continue;
		verdict->sqlerrcode = ERRCODE_DEPENDENT_OBJECTS_STILL_EXIST;
		verdict->reason = psprintf("other objects depend on what it drops: %s",
								   dependent->description);
		break;
	}
}

/* May an earlier statement have dropped it, or made it something else? */
static bool
is_touched(List *past)
{
	ListCell   *lc;

	foreach(lc, past)
	{
		const PgmVerdict *verdict = ((PgmJudged *) lfirst(lc))->verdict;

		switch (nodeTag(statement_of(lfirst(lc))))
		{
			case T_AlterPublicationStmt:
			case T_CreateFunctionStmt:
			case T_DropStmt:
				return true;
			default:
				if (verdict->opaque)
					return true;
				break;
		}
	}
	return false;
}

static void
find_users(PgmVerdict *verdict, const AlterTableStmt *stmt, List *past)
{
	Oid			relid = pgm_lookup_relation(stmt->relation);
	List	   *columns = pgm_altered_types(stmt);
	Datum		values[2];

	if (columns == NIL || !OidIsValid(relid) || is_touched(past))
		return;
	values[0] = pgm_oid_array_datum(lcons_oid(relid, pgm_descendants(relid)));
	values[1] = pgm_names_datum(columns);
	verdict->reason = pgm_spi_one_text(&users_query, values);
	if (verdict->reason != NULL)
		verdict->sqlerrcode = ERRCODE_FEATURE_NOT_SUPPORTED;
}

typedef struct LookAt
{
	PgmVerdict *verdict;
	DropStmt   *drop;			/* or NULL, and … */
	AlterDomainStmt *alter;
	List	   *past;
	Oid			first_oid;
} LookAt;

static void
try_look_at(void *arg)
{
	const LookAt *look = arg;
	ListCell   *lc;

	if (look->alter != NULL)
	{
		Oid			domain = typenameTypeId(NULL,
											makeTypeNameFromNameList(look->alter->typeName));

		look_at_domain(look->verdict, domain, look->past, look->first_oid);
		return;
	}
	foreach(lc, look->drop->objects)
	{
		Relation	relation = NULL;
		ObjectAddress object = get_object_address(look->drop->removeType,
												  lfirst(lc), &relation,
												  AccessShareLock, true);

		if (OidIsValid(object.objectId) && look->verdict->sqlerrcode == 0)
			look_at(look->verdict, &object, look->past,
					list_length(look->drop->objects) > 1, look->first_oid);
	}
}

void
pgm_find_dependents(PgmVerdict *verdict, List *past, Oid first_oid)
{
	Node	   *stmt = verdict->source->statements[verdict->n].raw->stmt;
	LookAt		look = {verdict, NULL, NULL, past, first_oid};

	if (verdict->sqlerrcode != 0)
		return;
	if (IsA(stmt, AlterTableStmt) && verdict->tried)
		find_users(verdict, castNode(AlterTableStmt, stmt), past);
	if (IsA(stmt, AlterDomainStmt) &&
		reads_values(castNode(AlterDomainStmt, stmt)))
		look.alter = castNode(AlterDomainStmt, stmt);
	else if (IsA(stmt, DropStmt) && is_of_interest(castNode(DropStmt, stmt)))
		look.drop = castNode(DropStmt, stmt);
	else
		return;

	/* if it fails, say over which of several is meant, so will the run */
	(void) pgm_txn_look(try_look_at, &look);
}

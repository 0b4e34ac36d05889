/*-------------------------------------------------------------------------
 *
 * foreign_keys.c
 *	  Foreign keys of others on a column whose type changes.
 *
 * The statement makes such a constraint again, and would look for all rows of
 * the referencing table in a table that is empty at the time.  What it was
 * valid for holds after the switch as before: the rows are proven to be the
 * same, and a wider number equals no other one.  So it is made again without
 * that look, and is valid as before in the same transaction.
 *
 * Locks: the referencing tables are locked with the table, see with_locks.c.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/table.h"
#include "access/xact.h"
#include "catalog/indexing.h"
#include "catalog/pg_constraint.h"
#include "catalog/pg_type.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"

#include "base/spi_list.h"
#include "online/dependents.h"
#include "online/internal.h"

/* Of table $1, whose two layouts are those of $2 and $3. */
static PgmQuery find_query = {
	"SELECT k.oid::int8, k.conrelid::int8, k.conname::text FROM pg_constraint k "
	"WHERE k.contype = 'f' AND k.confrelid = $1 AND k.convalidated "
	/* those of partitions follow that of their table */
	"AND k.conparentid = 0 "
	"AND k.confkey && ARRAY(SELECT o.attnum FROM pg_attribute o "
	"JOIN pg_attribute n ON n.attrelid = $3 AND n.attname = o.attname "
	"WHERE o.attrelid = $2 AND o.atttypid <> n.atttypid) "
	"ORDER BY k.conrelid, k.oid",
	3, {OIDOID, OIDOID, OIDOID},
	.generic = true
};

/* Is it of a table that has no rows then either? */
static bool
goes_along(const PgmShadow *shadow, Oid relid)
{
	ListCell   *lc;

	foreach(lc, shadow->family)
	{
		if (lfirst(lc) != shadow && ((PgmShadow *) lfirst(lc))->root == relid)
			return true;
	}
	return false;
}

static void *
make_key(uint64 row)
{
	PgmIncomingKey *key = palloc(sizeof(PgmIncomingKey));

	key->constraint = (Oid) pgm_spi_int64(row, 1);
	key->relid = (Oid) pgm_spi_int64(row, 2);
	key->name = pgm_spi_text(row, 3);
	return key;
}

List *
pgm_shadow_incoming_keys(const PgmShadow *shadow)
{
	Datum		values[3];
	List	   *result;
	ListCell   *lc;

	/* of partitions they are refused */
	if (shadow->root != shadow->relid)
		return NIL;
	values[0] = ObjectIdGetDatum(shadow->relid);
	values[1] = ObjectIdGetDatum(shadow->old);
	values[2] = ObjectIdGetDatum(shadow->beside);
	result = pgm_spi_list(&find_query, values, NULL, make_key);
	foreach(lc, result)
	{
		if (goes_along(shadow, ((PgmIncomingKey *) lfirst(lc))->relid))
			result = foreach_delete_current(result, lc);
	}
	return result;
}

static void
set_valid(Oid constraint, bool valid)
{
	Relation	rel = table_open(ConstraintRelationId, RowExclusiveLock);
	HeapTuple	tuple = SearchSysCacheCopy1(CONSTROID,
											ObjectIdGetDatum(constraint));
	Form_pg_constraint form;

	if (!HeapTupleIsValid(tuple))
		elog(ERROR, "cache lookup failed for constraint %u", constraint);
	form = (Form_pg_constraint) GETSTRUCT(tuple);
	form->convalidated = valid;
	CatalogTupleUpdate(rel, &tuple->t_self, tuple);
	CacheInvalidateRelcacheByRelid(form->conrelid);
	if (OidIsValid(form->confrelid))
		CacheInvalidateRelcacheByRelid(form->confrelid);
	table_close(rel, RowExclusiveLock);
	CommandCounterIncrement();
}

/* Before the statement. */
void
pgm_shadow_suspend_keys(List *keys)
{
	ListCell   *lc;

	foreach(lc, keys)
		set_valid(((PgmIncomingKey *) lfirst(lc))->constraint, false);
}

/* After it: they are others by then, of the same names. */
void
pgm_shadow_restore_keys(List *keys)
{
	ListCell   *lc;

	foreach(lc, keys)
	{
		const PgmIncomingKey *key = lfirst(lc);

		set_valid(get_relation_constraint_oid(key->relid, key->name, false),
				  true);
	}
}

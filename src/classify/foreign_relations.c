/*-------------------------------------------------------------------------
 *
 * foreign_relations.c
 *	  Does a query on relations run code of other roles?
 *
 * What a query on a table runs is that of the table, of all below it, and of
 * the relations that its rules and views name.  What a foreign key cascades to
 * is written as its owner, but for the triggers that are deferred: they fire
 * at the commit, as whoever has begun it.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_type.h"

#include "base/spi.h"
#include "classify/foreign_dependencies.h"
#include "classify/foreign_relations.h"

/* $1 the relations, $2 whether rows are written, $3 whose are passed over. */
static PgmQuery reached_query = {
	"WITH RECURSIVE r (relid, cascaded) AS ("
	"SELECT unnest($1), false UNION SELECT e.relid, r.cascaded OR e.cascaded "
	"FROM r, LATERAL ("
	"SELECT i.inhrelid, false FROM pg_inherits i WHERE i.inhparent = r.relid "
	"UNION ALL SELECT d.refobjid, false FROM pg_rewrite w JOIN pg_depend d "
	"ON d.classid = 'pg_rewrite'::regclass AND d.objid = w.oid "
	"AND d.refclassid = 'pg_class'::regclass WHERE w.ev_class = r.relid "
	"UNION ALL SELECT f.conrelid, true FROM pg_constraint f WHERE $2 "
	"AND f.confrelid = r.relid AND f.contype = 'f' "
	"AND (f.confupdtype IN ('c', 'n', 'd') "
	"OR f.confdeltype IN ('c', 'n', 'd'))) AS e (relid, cascaded)) "
	"SELECT 'pg_class'::regclass::int8, r.relid::int8 FROM r "
	"WHERE NOT r.cascaded AND NOT EXISTS (SELECT FROM pg_class c "
	"WHERE c.oid = r.relid AND c.relowner = $3) "
	"UNION SELECT 'pg_proc'::regclass::int8, g.tgfoid::int8 "
	"FROM r JOIN pg_trigger g ON g.tgrelid = r.relid WHERE $2 "
	"AND NOT g.tgisinternal AND g.tgenabled <> 'D' "
	"AND (g.tgdeferrable OR NOT r.cascaded)",
	3, {OIDARRAYOID, BOOLOID, OIDOID}
};

static char *
strange_in(List *relids, Oid role, bool written, Oid but_of)
{
	PgmSpiScope scope;
	Datum		values[3];
	Datum	   *elements = palloc(sizeof(Datum) * Max(list_length(relids), 1));
	MemoryContext old;
	List	   *classids = NIL;
	List	   *objids = NIL;
	uint64		nrows;
	int			n = 0;
	ListCell   *lc;

	foreach(lc, relids)
		elements[n++] = ObjectIdGetDatum(lfirst_oid(lc));
	values[0] = pgm_array_datum(OIDOID, n, elements);
	values[1] = BoolGetDatum(written);
	values[2] = ObjectIdGetDatum(but_of);
	pgm_spi_begin(&scope);
	nrows = pgm_spi_execute(&reached_query, values, NULL);
	old = MemoryContextSwitchTo(scope.outer);
	for (uint64 i = 1; i <= nrows; i++)
	{
		classids = lappend_oid(classids, (Oid) pgm_spi_int64(i, 1));
		objids = lappend_oid(objids, (Oid) pgm_spi_int64(i, 2));
	}
	MemoryContextSwitchTo(old);
	pgm_spi_end(&scope);
	return pgm_strange_object(classids, objids, role);
}

char *
pgm_strange_in_relations(List *relids, Oid role, bool written)
{
	return strange_in(relids, role, written, InvalidOid);
}

char *
pgm_strange_in_others(List *relids, Oid owner)
{
	return strange_in(relids, owner, false, owner);
}

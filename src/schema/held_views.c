/*-------------------------------------------------------------------------
 *
 * held_views.c
 *	  Views and rules whose text cannot be had at once.
 *
 * The server locks what a view or a rule reads to put it out, and the view
 * itself: what others hold, or wait for, is found by asking without waiting.
 * The locks that are had stay until the end of the transaction, as those of
 * putting out would.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "storage/lmgr.h"

#include "base/spi.h"
#include "schema/held_views.h"

#define RULES \
	"FROM pg_rewrite w JOIN pg_class c ON c.oid = w.ev_class " \
	"JOIN pg_namespace n ON n.oid = c.relnamespace AND n.nspname = ANY ($1) "

/* With what each reads, the relation that it is of among them. */
static PgmQuery reads_query = {
	"SELECT CASE w.rulename WHEN '_RETURN' THEN w.ev_class ELSE w.oid END"
	"::int8, d.refobjid::int8 " RULES
	"JOIN pg_depend d ON d.classid = 'pg_rewrite'::regclass "
	"AND d.objid = w.oid AND d.refclassid = 'pg_class'::regclass "
	"UNION SELECT CASE w.rulename WHEN '_RETURN' THEN w.ev_class "
	"ELSE w.oid END::int8, w.ev_class::int8 " RULES "ORDER BY 2",
	1, {TEXTARRAYOID}
};

List *
pgm_schema_held_views(Datum schemas)
{
	uint64		rows = pgm_spi_execute_snapshot(&reads_query, &schemas);
	Oid			had = InvalidOid;
	List	   *held = NIL;

	for (uint64 row = 1; row <= rows; row++)
	{
		Oid			oid = (Oid) pgm_spi_int64(row, 1);
		Oid			reads = (Oid) pgm_spi_int64(row, 2);

		/* the same relation comes in one row after the other */
		if (reads == had)
			continue;
		if (ConditionalLockRelationOid(reads, AccessShareLock))
			had = reads;
		else
			held = list_append_unique_oid(held, oid);
	}
	return held;
}

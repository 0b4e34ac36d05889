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

#include "storage/lmgr.h"

#include "base/spi.h"
#include "schema/held_views.h"

/* With what each reads, the relation that it is of among them. */
static PgmQuery reads_query = {
	"SELECT CASE w.rulename WHEN '_RETURN' THEN w.ev_class ELSE w.oid END"
	"::int8, d.refobjid::int8 FROM pg_rewrite w "
	"JOIN pg_depend d ON d.classid = 'pg_rewrite'::regclass "
	"AND d.objid = w.oid AND d.refclassid = 'pg_class'::regclass "
	"WHERE w.ev_class >= 16384 "
	"UNION SELECT CASE w.rulename WHEN '_RETURN' THEN w.ev_class "
	"ELSE w.oid END::int8, w.ev_class::int8 FROM pg_rewrite w "
	"WHERE w.ev_class >= 16384"
};

List *
pgm_schema_held_views(void)
{
	uint64		rows = pgm_spi_execute_snapshot(&reads_query, NULL);
	List	   *had = NIL;
	List	   *held = NIL;

	for (uint64 row = 1; row <= rows; row++)
	{
		Oid			oid = (Oid) pgm_spi_int64(row, 1);
		Oid			reads = (Oid) pgm_spi_int64(row, 2);

		if (list_member_oid(had, reads))
			continue;
		if (ConditionalLockRelationOid(reads, AccessShareLock))
			had = lappend_oid(had, reads);
		else
			held = list_append_unique_oid(held, oid);
	}
	return held;
}

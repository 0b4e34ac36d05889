/*-------------------------------------------------------------------------
 *
 * statistics_targets.c
 *	  Targets of statistics objects, which ALTER COLUMN ... TYPE forgets.
 *
 * The server makes a statistics object over the column again, without its
 * target.  So it does for the change, which is what the statement does, and
 * once more for the way back, which is to be without a trace.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/table.h"
#include "access/xact.h"
#include "catalog/pg_type.h"
#include "utils/rel.h"

#include "base/spi.h"
#include "base/spi_list.h"
#include "online/internal.h"
#include "online/layout.h"

/* On table $1 or a partition of it. */
static PgmQuery targets_query = {
	"SELECT jsonb_build_object('statistics_targets', jsonb_agg("
	"jsonb_build_object('schema', n.nspname, 'name', s.stxname, "
	"'target', s.stxstattarget)))::text "
	"FROM pg_statistic_ext s JOIN pg_namespace n ON n.oid = s.stxnamespace "
	"WHERE (s.stxrelid = $1 OR s.stxrelid IN (SELECT relid "
	"FROM pg_partition_tree($1))) AND coalesce(s.stxstattarget, -1) >= 0 "
	"HAVING count(*) > 0",
	1, {OIDOID}
};

/* That of an object that has one, or is somebody else's, is left alone. */
static PgmQuery restore_query = {
	"SELECT format('ALTER STATISTICS %I.%I SET STATISTICS %s', n.nspname, "
	"s.stxname, t.target) FROM jsonb_to_recordset($2::jsonb -> "
	"'statistics_targets') AS t (schema text, name text, target int) "
	"JOIN pg_namespace n ON n.nspname = t.schema "
	"JOIN pg_statistic_ext s ON s.stxnamespace = n.oid AND s.stxname = t.name "
	"JOIN pg_class c ON c.oid = s.stxrelid AND c.relowner = s.stxowner "
	"WHERE (s.stxrelid = $1 OR s.stxrelid IN (SELECT relid "
	"FROM pg_partition_tree($1))) AND coalesce(s.stxstattarget, -1) < 0 "
	"ORDER BY s.oid",
	2, {OIDOID, TEXTOID}
};

static bool
may_have_statistics(Oid relid)
{
	Relation	rel = table_open(relid, NoLock);
	bool		result = rel->rd_rel->relkind == RELKIND_PARTITIONED_TABLE ||
		RelationGetStatExtList(rel) != NIL;

	table_close(rel, NoLock);
	return result;
}

char *
pgm_statistics_targets(Oid relid)
{
	Datum		values[1] = {ObjectIdGetDatum(relid)};

	/* what nobody needs is not planned under the lock of a switch */
	if (!may_have_statistics(relid))
		return NULL;
	return pgm_spi_one_text(&targets_query, values);
}

/* "targets" is NULL, or has them as an object of jsonb among others. */
void
pgm_statistics_restore_targets(Oid relid, const char *targets)
{
	Datum		values[2];
	ListCell   *lc;

	if (targets == NULL)
		return;
	values[0] = ObjectIdGetDatum(relid);
	values[1] = pgm_text_datum(targets);
	foreach(lc, pgm_spi_texts(&restore_query, values))
		pgm_layout_run_text(lfirst(lc));
	CommandCounterIncrement();
}

/*-------------------------------------------------------------------------
 *
 * progress.c
 *	  What is shown of a comparison while it runs.
 *
 * A comparison writes nothing, so that it works on a standby and in a
 * transaction that is read only; what it is at is told by what the server
 * shows of its process.  Within a run that shows something else there.  A
 * session may have any query: that it is one of ours is told by a lock that
 * nobody else can take.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/namespace.h"
#include "pgstat.h"
#include "storage/lmgr.h"
#include "tcop/tcopprot.h"
#include "utils/lsyscache.h"
#include "utils/timestamp.h"

#include "base/relation_size.h"
#include "compare/internal.h"

#define SHOW_EVERY_MS 1000

/* As pgmigrate.progress has it; a standby grants it too. */
#define MARKER "metrics_marker"
#define MARKER_LOCK RowShareLock

static void
show(const PgmCompareProgress *progress, int64 rows)
{
	char	   *text = psprintf("/* pgmigrate: comparing%s, %lld of %.0f rows, %s with %s */ %s",
								progress->again ? " what differs" : "",
								(long long) rows, progress->rows,
								progress->comparison->a_name,
								progress->comparison->b_name,
								debug_query_string);

	pgstat_report_activity(STATE_RUNNING, text);
	pfree(text);
}

void
pgm_compare_progress_begin(PgmCompareProgress *progress,
						   const PgmComparison *comparison,
						   const PgmCompareRange *range, bool again)
{
	Oid			marker = progress->marker;

	memset(progress, 0, sizeof(PgmCompareProgress));
	progress->marker = marker;
	if (range != NULL || debug_query_string == NULL ||
		strncmp(debug_query_string, "/* pgmigrate:", 13) == 0)
		return;
	if (!OidIsValid(marker))
	{
		marker = get_relname_relid(MARKER, get_namespace_oid("pgmigrate", false));
		if (!OidIsValid(marker) ||
			!ConditionalLockRelationOid(marker, MARKER_LOCK))
			return;
		progress->marker = marker;
	}
	progress->comparison = comparison;
	progress->again = again;
	progress->rows = pgm_counted_rows(comparison->a);
	if (comparison->b != comparison->a)
		progress->rows += pgm_counted_rows(comparison->b);
	progress->shown = GetCurrentTimestamp();
	show(progress, 0);
}

void
pgm_compare_progress(PgmCompareProgress *progress, int64 rows,
					 TimestampTz now)
{
	if (progress->comparison == NULL ||
		!TimestampDifferenceExceeds(progress->shown, now, SHOW_EVERY_MS))
		return;
	progress->shown = now;
	show(progress, rows);
}

void
pgm_compare_progress_end(PgmCompareProgress *progress)
{
	if (progress->comparison != NULL)
		pgstat_report_activity(STATE_RUNNING, debug_query_string);
	if (OidIsValid(progress->marker))
		UnlockRelationOid(progress->marker, MARKER_LOCK);
	memset(progress, 0, sizeof(PgmCompareProgress));
}

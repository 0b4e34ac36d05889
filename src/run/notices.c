/*-------------------------------------------------------------------------
 *
 * notices.c
 *	  What is worth a word before a run, and instead of one.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "base/spi.h"
#include "run/internal.h"
#include "store/journal.h"

static PgmQuery user_tables_query = {
	"SELECT count(*) FROM pg_class c "
	"JOIN pg_namespace n ON n.oid = c.relnamespace "
	"WHERE c.relkind IN ('r', 'p') AND c.relpersistence <> 't' "
	"AND n.nspname <> 'information_schema' AND n.nspname !~ '^pg_' "
	"AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = "
	"'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e')"
};

static PgmQuery any_revision_query = {
	"SELECT FROM pgmigrate.revision LIMIT 1"
};

/* A schema-only dump has no revisions: then nothing can be to do. */
void
pgm_runner_notice_nothing(void)
{
	PgmSpiScope scope;
	bool		any;

	pgm_spi_begin(&scope);
	any = pgm_spi_execute(&any_revision_query, NULL, NULL) > 0;
	pgm_spi_end(&scope);
	if (any)
		ereport(NOTICE,
				errmsg("nothing to do, the database is at the target already"));
	else
		ereport(NOTICE,
				errmsg("nothing to do, no revision is stored"),
				errhint("Store revisions with pgmigrate.revision() or pgmigrate.load(); those that are in effect already, as after a restore of the schema only, are recorded with pgmigrate.stamp()."));
}

/*
 * A ledger that is empty is not proof of an empty database: it may have been
 * restored without data, or migrated by another tool so far.
 */
void
pgm_runner_notice_tables(const PgmPlan *plan)
{
	PgmSpiScope scope;
	int64		tables;

	if (plan->nheads > 0 || pgm_journal_any_run())
		return;
	pgm_spi_begin(&scope);
	pgm_spi_execute(&user_tables_query, NULL, NULL);
	tables = pgm_spi_int64(1, 1);
	pgm_spi_end(&scope);
	if (tables > 0)
		ereport(NOTICE,
				errmsg_plural("no revision is recorded as applied, but the database has " INT64_FORMAT " table",
							  "no revision is recorded as applied, but the database has " INT64_FORMAT " tables",
							  (unsigned long) tables, tables),
				errhint("If some revisions are in effect already, record them with pgmigrate.stamp()."));
}

void
pgm_runner_notice_plain(PgmRunner *runner, int n, const PgmStrategy *strategy)
{
	if (!strategy->refused ||
		(runner->told_step == runner->step && n < runner->told))
		return;
	runner->told_step = runner->step;
	runner->told = n + 1;
	ereport(NOTICE,
			errmsg("statement %d runs as it is written: %s", n + 1,
				   strategy->why));
}

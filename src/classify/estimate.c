/*-------------------------------------------------------------------------
 *
 * estimate.c
 *	  About how long a statement will take.
 *
 * The size of what it goes through, divided by the throughput that earlier
 * runs on this cluster had with the same kind of work; without those, by a
 * cautious one that is said to be assumed.  Sizes are those of the files, so
 * bloat counts, and nothing is counted or locked.  For an index it is that of
 * the table, weighed by what its kind of index takes.
 *
 * What a statement waits for, locks or the transactions that a concurrent
 * build waits for, is no part of the estimate.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_class.h"
#include "lib/stringinfo.h"

#include "base/relation_size.h"
#include "base/spi.h"
#include "classify/estimate.h"
#include "classify/index_weight.h"
#include "compat/command.h"
#include "compat/parse.h"
#include "compat/server.h"
#include "sql/kinds.h"

/* For lack of measurements: slow disks, cold caches. */
static const PgmRate assumed[PGM_NWORKS] = {
	[PGM_WORK_NONE] = {0, 0, 5},
	[PGM_WORK_SCAN] = {0, 200000000, 0},
	[PGM_WORK_INDEX] = {0, 40000000, 0},
	[PGM_WORK_CONCURRENTLY] = {0, 20000000, 0},
	[PGM_WORK_REWRITE] = {0, 20000000, 0}
};

static const char *const work_names[PGM_NWORKS] = {
	[PGM_WORK_NONE] = "catalog",
	[PGM_WORK_SCAN] = "scan",
	[PGM_WORK_INDEX] = "index build",
	[PGM_WORK_CONCURRENTLY] = "concurrent index build",
	[PGM_WORK_REWRITE] = "rewrite"
};

static PgmQuery rates_query = {
	"SELECT t.work, t.samples, t.bytes_per_second, "
	"(t.milliseconds * 1000)::int8 FROM pgmigrate.throughput t"
};

const char *
pgm_work_name(PgmWork work)
{
	return work_names[work];
}

static const PgmStatement *
statement_of(const PgmVerdict *verdict)
{
	return &verdict->source->statements[verdict->n];
}

/* An index over the rows of a table, other than as part of a rewrite. */
static PgmWork
index_work(const PgmVerdict *verdict)
{
	Node	   *stmt = statement_of(verdict)->raw->stmt;

	switch (nodeTag(stmt))
	{
		case T_IndexStmt:
			return castNode(IndexStmt, stmt)->concurrent ?
				PGM_WORK_CONCURRENTLY : PGM_WORK_INDEX;
		case T_ReindexStmt:
			return pgm_reindex_is_concurrent(castNode(ReindexStmt, stmt)) ?
				PGM_WORK_CONCURRENTLY : PGM_WORK_INDEX;
		case T_AlterTableStmt:
			return pgm_index_weight(stmt, InvalidOid) > 0 ?
				PGM_WORK_INDEX : PGM_WORK_NONE;
		default:
			return PGM_WORK_NONE;
	}
}

bool
pgm_depends_on_rows(const PgmVerdict *verdict)
{
	Node	   *stmt = statement_of(verdict)->raw->stmt;

	if (IsA(stmt, VacuumStmt))
		return !pgm_vacuum_is_full(castNode(VacuumStmt, stmt));
	return pgm_statement_is(stmt, PGM_TIMED_BY_ROWS);
}

PgmWork
pgm_work_of(const PgmVerdict *verdict, const PgmEffect *effect)
{
	PgmWork		work;

	/* the rows of what is fresh are not known, those of others are */
	if (effect->created_here || !OidIsValid(effect->relid) ||
		(effect->relkind != RELKIND_RELATION &&
		 effect->relkind != RELKIND_MATVIEW))
		return PGM_WORK_NONE;

	/* TRUNCATE makes a new file, but writes nothing to it */
	if (pgm_depends_on_rows(verdict) ||
		IsA(statement_of(verdict)->raw->stmt, TruncateStmt))
		return PGM_WORK_NONE;
	if (effect->rewrites == PGM_TRUE)
		return PGM_WORK_REWRITE;
	work = index_work(verdict);
	if (work != PGM_WORK_NONE &&
		(effect->scans == PGM_TRUE || effect->subject))
		return work;
	return effect->scans == PGM_TRUE ? PGM_WORK_SCAN : PGM_WORK_NONE;
}

int64
pgm_work_bytes(Oid relid, PgmWork work)
{
	switch (work)
	{
		case PGM_WORK_NONE:
			return 0;
		case PGM_WORK_REWRITE:
			return pgm_total_bytes(relid);
		default:
			return pgm_heap_bytes(relid);
	}
}

double
pgm_work_weight(const PgmVerdict *verdict, Oid relid, PgmWork work)
{
	return work == PGM_WORK_INDEX || work == PGM_WORK_CONCURRENTLY ?
		pgm_index_weight(statement_of(verdict)->raw->stmt, relid) : 1;
}

double
pgm_estimate_effect(const PgmRates *rates, const PgmVerdict *verdict,
					const PgmEffect *effect)
{
	PgmWork		work = pgm_work_of(verdict, effect);

	if (work == PGM_WORK_NONE)
		return 0;
	return pgm_work_weight(verdict, effect->relid, work) *
		pgm_estimate_work(rates, work, pgm_work_bytes(effect->relid, work));
}

/* The text alone does not always tell whether an ALTER TABLE rewrites. */
bool
pgm_rewrite_is_known(const PgmVerdict *verdict)
{
	ListCell   *lc;

	if (verdict->rewrites != PGM_FALSE || verdict->tried ||
		!IsA(statement_of(verdict)->raw->stmt, AlterTableStmt))
		return verdict->rewrites != PGM_UNSET;
	foreach(lc, verdict->effects)
	{
		const PgmEffect *effect = lfirst(lc);

		if (effect->subject && effect->rewrites == PGM_UNSET)
			return false;
	}
	return true;
}

bool
pgm_scan_is_known(const PgmVerdict *verdict)
{
	return !verdict->opaque && pgm_rewrite_is_known(verdict) &&
		!pgm_depends_on_rows(verdict);
}

void
pgm_rates_load(PgmRates *rates)
{
	PgmSpiScope scope;
	uint64		rows;

	memcpy(rates->rate, assumed, sizeof(assumed));
	pgm_spi_begin(&scope);
	rows = pgm_spi_execute(&rates_query, NULL, NULL);
	for (uint64 i = 1; i <= rows; i++)
	{
		char	   *name = pgm_spi_text(i, 1);

		for (int work = 0; work < PGM_NWORKS; work++)
		{
			PgmRate    *rate = &rates->rate[work];

			if (strcmp(name, work_names[work]) != 0)
				continue;
			rate->samples = pgm_spi_int32(i, 2);
			rate->bytes_per_second = Max(pgm_spi_int64(i, 3), 1);
			rate->ms = pgm_spi_int64(i, 4) / 1000.0;
		}
	}
	pgm_spi_end(&scope);
}

double
pgm_estimate_work(const PgmRates *rates, PgmWork work, int64 bytes)
{
	return work == PGM_WORK_NONE ? 0 :
		bytes * 1000.0 / rates->rate[work].bytes_per_second;
}

char *
pgm_estimate_json(const PgmRates *rates, const PgmVerdict *verdict,
				  const PgmEffect *effect)
{
	PgmWork		work = pgm_work_of(verdict, effect);
	const PgmRate *rate = &rates->rate[work];
	double		weight;
	StringInfoData buf;

	if (work == PGM_WORK_NONE)
		return NULL;
	weight = pgm_work_weight(verdict, effect->relid, work);
	initStringInfo(&buf);
	appendStringInfo(&buf, "{\"estimated\": true, \"ms\": %.0f, \"work\": \"%s\", \"bytes\": " INT64_FORMAT ", \"bytes_per_second\": " INT64_FORMAT,
					 pgm_estimate_effect(rates, verdict, effect),
					 work_names[work], pgm_work_bytes(effect->relid, work),
					 rate->bytes_per_second);
	if (weight != 1)
		appendStringInfo(&buf, ", \"weight\": %g", weight);
	if (rate->samples > 0)
		appendStringInfo(&buf, ", \"basis\": \"throughput of earlier runs\", \"samples\": %d}",
						 rate->samples);
	else
		appendStringInfoString(&buf, ", \"basis\": \"assumed throughput\"}");
	return buf.data;
}

double
pgm_estimate_statement(const PgmRates *rates, const PgmVerdict *verdict)
{
	double		ms = rates->rate[PGM_WORK_NONE].ms;
	ListCell   *lc;

	if (verdict->sqlerrcode != 0)
		return -1;
	if (verdict->planned && pgm_depends_on_rows(verdict))
		return ms + pgm_estimate_work(rates, PGM_WORK_SCAN,
									  verdict->read_bytes) +
			pgm_estimate_work(rates, PGM_WORK_REWRITE, verdict->written_bytes);
	if (!pgm_scan_is_known(verdict))
		return -1;
	foreach(lc, verdict->effects)
		ms += pgm_estimate_effect(rates, verdict, lfirst(lc));
	return ms;
}

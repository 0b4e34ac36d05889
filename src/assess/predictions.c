/*-------------------------------------------------------------------------
 *
 * predictions.c
 *	  What assessments have found out, kept for the runs that follow.
 *
 * A run does not try its statements before it runs them, that would cost more
 * than most of them do; but what a trial has told is better than what the text
 * tells.  A run goes by what its own role has assessed, with the search_path
 * that it has: what a name means to another role is nothing to it.
 *
 * A row is added when an assessment differs from the last one of the same
 * text, and all but the newest few are deleted, those that somebody has locked
 * excepted: so two of them never wait for each other.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/transam.h"
#include "catalog/namespace.h"
#include "catalog/pg_type.h"
#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "storage/lock.h"
#include "utils/json.h"

#include "assess/predictions.h"
#include "base/spi.h"

static PgmQuery keep_query = {
	"INSERT INTO pgmigrate.assessment "
	"(revision, digest, statements, role, search_path) "
	"SELECT $1, $2, $3::jsonb, $4, $5 WHERE $3::jsonb IS DISTINCT FROM "
	"(SELECT a.statements FROM pgmigrate.assessment a WHERE a.digest = $2 "
	"AND a.role = $4 AND a.search_path = $5 "
	"ORDER BY a.assessed DESC LIMIT 1)",
	5, {TEXTOID, TEXTOID, TEXTOID, OIDOID, TEXTOID}
};

static PgmQuery prune_query = {
	"DELETE FROM pgmigrate.assessment WHERE ctid = ANY (ARRAY("
	"SELECT a.ctid FROM pgmigrate.assessment a "
	"WHERE a.digest = $1 AND a.role = $2 "
	"ORDER BY a.assessed DESC OFFSET 5 FOR UPDATE SKIP LOCKED))",
	2, {TEXTOID, OIDOID}
};

static PgmQuery any_query = {
	"SELECT FROM pgmigrate.assessment LIMIT 1"
};

static PgmQuery recall_query = {
	"SELECT (s.value->>'rewrites')::bool, (s.value->>'scans')::bool, "
	"coalesce(to_regclass(r.value->>'relation')::oid, 0)::int8, "
	"coalesce((r.value->>'mode')::int, 0), "
	"(r.value->>'rewrites')::bool, (r.value->>'scans')::bool "
	"FROM (SELECT a.statements FROM pgmigrate.assessment a "
	"WHERE a.digest = $1 AND a.role = $3 AND a.search_path = $4 "
	"ORDER BY a.assessed DESC LIMIT 1) AS l "
	"CROSS JOIN jsonb_array_elements(l.statements) AS s "
	"LEFT JOIN jsonb_array_elements(s.value->'relations') AS r ON true "
	"WHERE (s.value->>'statement')::int = $2",
	4, {TEXTOID, INT4OID, OIDOID, TEXTOID}
};

static void
append_flag(StringInfo buf, const char *name, PgmTristate value)
{
	if (value != PGM_UNSET)
		appendStringInfo(buf, ", \"%s\": %s", name,
						 value == PGM_TRUE ? "true" : "false");
}

static int
compare_effects(const ListCell *a, const ListCell *b)
{
	const PgmEffect *left = lfirst(a);
	const PgmEffect *right = lfirst(b);

	return left->relid < right->relid ? -1 : left->relid > right->relid;
}

/* In an order that is the same the next time. */
static void
append_verdict(StringInfo buf, const PgmVerdict *verdict)
{
	List	   *effects = list_copy(verdict->effects);
	bool		first = true;
	ListCell   *lc;

	list_sort(effects, compare_effects);

	appendStringInfo(buf, "{\"statement\": %d", verdict->n + 1);
	append_flag(buf, "rewrites", verdict->rewrites);
	append_flag(buf, "scans", verdict->scans);
	appendStringInfoString(buf, ", \"relations\": [");
	foreach(lc, effects)
	{
		const PgmEffect *effect = lfirst(lc);

		if (effect->created_here || !OidIsValid(effect->relid))
			continue;
		appendStringInfoString(buf, first ? "{\"relation\": " :
							   ", {\"relation\": ");
		escape_json(buf, pgm_effect_name(effect));
		appendStringInfo(buf, ", \"mode\": %d", effect->mode);
		append_flag(buf, "rewrites", effect->rewrites);
		append_flag(buf, "scans", effect->scans);
		appendStringInfoChar(buf, '}');
		first = false;
	}
	appendStringInfoString(buf, "]}");
}

void
pgm_prediction_keep(const char *revision, const char *digest, List *verdicts)
{
	PgmSpiScope scope;
	Datum		values[5];
	StringInfoData buf;
	ListCell   *lc;

	initStringInfo(&buf);
	foreach(lc, verdicts)
	{
		const PgmVerdict *verdict = lfirst(lc);

		if (!verdict->tried || verdict->sqlerrcode != 0)
			continue;
		appendStringInfoString(&buf, buf.len == 0 ? "[" : ", ");
		append_verdict(&buf, verdict);
	}
	if (buf.len == 0)
		return;
	appendStringInfoChar(&buf, ']');
	values[0] = pgm_text_datum(revision);
	values[1] = pgm_text_datum(digest);
	values[2] = pgm_text_datum(buf.data);
	values[3] = ObjectIdGetDatum(GetUserId());
	values[4] = pgm_text_datum(namespace_search_path);
	pgm_spi_begin(&scope);
	if (pgm_spi_execute(&keep_query, values, NULL) > 0)
	{
		values[0] = values[1];
		values[1] = values[3];
		pgm_spi_execute(&prune_query, values, NULL);
	}
	pgm_spi_end(&scope);
}

bool
pgm_prediction_any(void)
{
	PgmSpiScope scope;
	uint64		rows;

	pgm_spi_begin(&scope);
	rows = pgm_spi_execute(&any_query, NULL, NULL);
	pgm_spi_end(&scope);
	return rows > 0;
}

static PgmTristate
flag(uint64 row, int column)
{
	return pgm_spi_isnull(row, column) ? PGM_UNSET :
		pgm_spi_bool(row, column) ? PGM_TRUE : PGM_FALSE;
}

/* The relations may have gone or come since: what is not there is left out. */
bool
pgm_prediction_recall(const char *digest, PgmVerdict *verdict)
{
	PgmSpiScope scope;
	Datum		values[4];
	uint64		rows;
	ListCell   *lc;

	values[0] = pgm_text_datum(digest);
	values[1] = Int32GetDatum(verdict->n + 1);
	values[2] = ObjectIdGetDatum(GetUserId());
	values[3] = pgm_text_datum(namespace_search_path);
	pgm_spi_begin(&scope);
	rows = pgm_spi_execute(&recall_query, values, NULL);
	if (rows > 0)
	{
		verdict->tried = true;
		verdict->rewrites = flag(1, 1);
		verdict->scans = flag(1, 2);
		foreach(lc, verdict->effects)
			((PgmEffect *) lfirst(lc))->mode = NoLock;
	}
	for (uint64 i = 1; i <= rows; i++)
	{
		Oid			relid = (Oid) pgm_spi_int64(i, 3);
		LOCKMODE	mode = pgm_spi_int32(i, 4);
		MemoryContext old;
		PgmEffect  *effect;

		if (relid < FirstNormalObjectId || mode < NoLock || mode > MaxLockMode)
			continue;
		old = MemoryContextSwitchTo(scope.outer);
		effect = pgm_verdict_effect(verdict, relid, mode);
		effect->rewrites = flag(i, 5);
		effect->scans = flag(i, 6);
		effect->tried = true;
		MemoryContextSwitchTo(old);
	}
	pgm_spi_end(&scope);
	return rows > 0;
}

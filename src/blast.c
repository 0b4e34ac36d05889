/*-------------------------------------------------------------------------
 *
 * blast.c
 *	  Whom a lock will block, and about how long.
 *
 * Reads catalog and statistics views only, with the rights of the caller where
 * they tell of other sessions.  A time is always an estimate and says so: it
 * comes from what earlier runs measured, else from a cautious throughput.
 *
 * Copyright (c) 2026, pgmigrate developers
 *
 * IDENTIFICATION
 *	  src/blast.c
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "blast.h"
#include "catalog/pg_authid.h"
#include "catalog/pg_class.h"
#include "catalog/pg_type.h"
#include "compat.h"
#include "miscadmin.h"
#include "spi.h"
#include "utils/builtins.h"
#include "utils/json.h"
#include "utils/lsyscache.h"

/*
 * The live numbers.  Rates in bytes per second, for lack of measurements: a
 * rewrite of a table with its indexes, and a scan.
 */
static PgmQuery details_query = {
	"WITH rel AS (SELECT c.oid, c.relkind, "
	"CASE WHEN c.relkind IN ('r', 'm', 't') "
	"THEN pg_total_relation_size(c.oid) "
	"WHEN c.relkind IN ('i', 'S') THEN pg_relation_size(c.oid) "
	"ELSE (SELECT coalesce(sum(pg_total_relation_size(p.relid)), 0) "
	"FROM pg_partition_tree(c.oid) p) END AS bytes, "
	"greatest(c.reltuples, 0)::int8 AS rows FROM pg_class c WHERE c.oid = $1), "
	"holders AS (SELECT jsonb_build_object('pid', l.pid, 'mode', l.mode, "
	"'application', CASE WHEN $4 THEN a.application_name END, "
	"'state', CASE WHEN $4 THEN a.state END, "
	"'transaction_age_ms', "
	"(extract(epoch FROM clock_timestamp() - a.xact_start) * 1000)::int8) AS h "
	"FROM pg_locks l LEFT JOIN pg_stat_activity a ON a.pid = l.pid "
	"WHERE l.relation = $1 AND l.granted AND l.database = (SELECT oid FROM "
	"pg_database WHERE datname = current_database()) "
	"AND l.pid IS DISTINCT FROM pg_backend_pid() LIMIT 20), "
	"views AS (SELECT DISTINCT w.ev_class::regclass::text AS name "
	"FROM pg_depend d JOIN pg_rewrite w ON w.oid = d.objid "
	"WHERE d.classid = 'pg_rewrite'::regclass "
	"AND d.refclassid = 'pg_class'::regclass AND d.refobjid = $1 "
	"AND w.ev_class <> $1), "
	"functions AS (SELECT DISTINCT d.objid::regprocedure::text AS name "
	"FROM pg_depend d WHERE d.classid = 'pg_proc'::regclass AND "
	"((d.refclassid = 'pg_class'::regclass AND d.refobjid = $1) OR "
	"(d.refclassid = 'pg_type'::regclass AND d.refobjid = "
	"(SELECT reltype FROM pg_class WHERE oid = $1)))), "
	"keys AS (SELECT DISTINCT conrelid::regclass::text AS name "
	"FROM pg_constraint WHERE contype = 'f' AND confrelid = $1 "
	"AND conrelid <> $1), "
	"publications AS (SELECT p.pubname::text AS name FROM pg_publication p "
	"WHERE p.puballtables OR EXISTS (SELECT FROM pg_publication_rel r "
	"WHERE r.prpubid = p.oid AND r.prrelid = $1)), "
	"stats AS (SELECT stxname::text AS name FROM pg_statistic_ext "
	"WHERE stxrelid = $1), "
	"rate AS (SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY "
	"(details->>'bytes_per_second')::float8)::int8 AS measured "
	"FROM pgmigrate.run_step WHERE state = 'done' "
	"AND details ? 'bytes_per_second') "
	"SELECT jsonb_strip_nulls(jsonb_build_object("
	"'bytes', r.bytes, 'rows', r.rows, "
	"'holders', (SELECT jsonb_agg(h) FROM holders), "
	"'views', (SELECT jsonb_agg(name ORDER BY name) FROM views), "
	"'functions', (SELECT jsonb_agg(name ORDER BY name) FROM functions), "
	"'referenced_by', (SELECT jsonb_agg(name ORDER BY name) FROM keys), "
	"'publications', (SELECT jsonb_agg(name ORDER BY name) "
	"FROM publications), "
	"'statistics', (SELECT jsonb_agg(name ORDER BY name) FROM stats), "
	"'estimate', CASE WHEN $2 OR $3 THEN jsonb_build_object("
	"'estimated', true, 'ms', (r.bytes * 1000.0 / coalesce(rate.measured, "
	"CASE WHEN $2 THEN 20000000 ELSE 200000000 END))::int8, "
	"'basis', CASE WHEN rate.measured IS NULL THEN 'assumed throughput' "
	"ELSE 'throughput of earlier runs' END) END))::text "
	"FROM rel r, rate",
	4, {OIDOID, BOOLOID, BOOLOID, BOOLOID}
};

/* Of partitions and indexes the size is enough. */
static PgmQuery size_query = {
	"SELECT jsonb_build_object('bytes', CASE WHEN relkind IN ('r', 'm', 'i', "
	"'S') THEN pg_relation_size(oid) ELSE 0 END, "
	"'rows', greatest(reltuples, 0)::int8)::text "
	"FROM pg_class WHERE oid = $1",
	1, {OIDOID}
};

const char *
pgm_blast_words(const PgmVerdict *verdict, const PgmTouch *touch)
{
	if (touch == NULL)
	{
		if (verdict->opaque)
			return "runs code that cannot be looked into: its locks cannot be known before it runs";
		return "locks no relation";
	}
	if (touch->fresh)
		return "nobody else can use it yet";
	switch (touch->mode)
	{
		case AccessShareLock:
		case RowShareLock:
			return "blocks other schema changes only";
		case RowExclusiveLock:
			return "blocks schema changes and index builds, not reads or writes";
		case ShareUpdateExclusiveLock:
			return "blocks other schema changes and VACUUM, not reads or writes";
		case ShareLock:
		case ShareRowExclusiveLock:
		case ExclusiveLock:
			return "blocks writes; reads go on";
		default:
			return "blocks reads and writes";
	}
}

static char *
run_details(PgmQuery *query, const Datum *values)
{
	PgmSpiScope scope;
	char	   *result = NULL;

	pgm_spi_begin(&scope);
	if (pgm_spi_execute(query, values, NULL) > 0)
		result = pgm_spi_text(1, 1);
	pgm_spi_end(&scope);
	return result == NULL ? pstrdup("{}") : result;
}

static void
append_objects(StringInfo buf, const PgmVerdict *verdict)
{
	ListCell   *lc;

	appendStringInfoString(buf, "\"objects\": [");
	foreach(lc, verdict->objects)
	{
		const PgmObject *object = lfirst(lc);

		if (lc != list_head(verdict->objects))
			appendStringInfoString(buf, ", ");
		appendStringInfoString(buf, "{\"catalog\": ");
		escape_json(buf, get_rel_name(object->classid));
		appendStringInfo(buf, ", \"lock_mode\": \"%s\"}",
						 pgm_lock_mode_name(object->mode));
	}
	appendStringInfoChar(buf, ']');
}

/* Is this the statement's own work, not only dragged along? */
static bool
is_first_lock(const PgmVerdict *verdict, const PgmTouch *touch)
{
	ListCell   *lc;

	foreach(lc, verdict->touches)
	{
		if (((PgmTouch *) lfirst(lc))->mode != NoLock)
			return lfirst(lc) == touch;
	}
	return true;
}

const char *
pgm_blast_details(const PgmVerdict *verdict, const PgmTouch *touch)
{
	StringInfoData buf;
	char	   *live = pstrdup("{}");

	if (touch != NULL && OidIsValid(touch->relid))
	{
		Datum		values[4];

		values[0] = ObjectIdGetDatum(touch->relid);
		values[1] = BoolGetDatum(touch->rewrites == PGM_TRUE);
		values[2] = BoolGetDatum(touch->scans == PGM_TRUE);
		values[3] = BoolGetDatum(has_privs_of_role(GetUserId(),
												   ROLE_PG_READ_ALL_STATS));
		live = run_details(touch->named ? &details_query : &size_query,
						   values);
	}

	initStringInfo(&buf);
	appendStringInfo(&buf, "{\"tried\": %s", verdict->tried ? "true" : "false");
	if (verdict->reason != NULL && verdict->sqlerrcode == 0)
	{
		appendStringInfoString(&buf, ", \"not_tried\": ");
		escape_json(&buf, verdict->reason);
	}
	if (verdict->top_level)
		appendStringInfoString(&buf, ", \"transaction\": false");
	if (touch != NULL && touch->relkind != 0)
		appendStringInfo(&buf, ", \"relkind\": \"%c\"", touch->relkind);
	if (touch != NULL && touch->fresh)
		appendStringInfoString(&buf, ", \"fresh\": true");
	if (verdict->objects != NIL && is_first_lock(verdict, touch))
	{
		appendStringInfoString(&buf, ", ");
		append_objects(&buf, verdict);
	}
	/* join the two objects */
	if (strcmp(live, "{}") != 0)
		appendStringInfo(&buf, ", %s", live + 1);
	else
		appendStringInfoChar(&buf, '}');
	return buf.data;
}

/*-------------------------------------------------------------------------
 *
 * blast_radius.c
 *	  Whom a lock will block, and about how long.
 *
 * Reads catalog and statistics views only and takes no lock, with the rights
 * of the caller where they tell of other sessions.  What they say of a
 * relation is read once, however many statements are about it.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_authid.h"
#include "catalog/pg_class.h"
#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/hsearch.h"
#include "utils/json.h"
#include "utils/lsyscache.h"

#include "assess/blast_radius.h"
#include "assess/mentions.h"
#include "base/clock.h"
#include "base/relation_size.h"
#include "base/spi_list.h"
#include "classify/estimate.h"
#include "compat/catalog.h"
#include "compat/server.h"

/* The JSON text of a relation's live numbers, read once. */
typedef struct Live
{
	Oid			relid;			/* hash key */
	char	   *numbers;		/* its members, NULL if not read yet */
	char	   *mentions;		/* who mentions it; of a named one */
} Live;

struct PgmBlast
{
	MemoryContext context;		/* of what is kept */
	HTAB	   *live;
	PgmRates	rates;
	int64		until;			/* 0: time does not matter */
	bool		late;
	PgmMentions *mentions;		/* NULL until somebody asks */
};

static PgmQuery numbers_query = {
	"WITH rel AS (SELECT c.relnamespace, CASE WHEN c.reltuples >= 0 "
	"THEN c.reltuples::int8 END AS rows FROM pg_class c WHERE c.oid = $1), "
	"held AS (SELECT l.granted, jsonb_build_object('pid', l.pid, "
	"'mode', l.mode, 'application', CASE WHEN $2 THEN a.application_name END, "
	"'state', CASE WHEN $2 THEN a.state END, "
	"'transaction_age_ms', "
	"(extract(epoch FROM clock_timestamp() - a.xact_start) * 1000)::int8) AS h "
	"FROM pg_locks l LEFT JOIN pg_stat_activity a ON a.pid = l.pid "
	"WHERE l.relation = $1 AND l.database = (SELECT oid FROM "
	"pg_database WHERE datname = current_database()) "
	"AND l.pid IS DISTINCT FROM pg_backend_pid() "
	"ORDER BY a.xact_start, l.pid, l.mode LIMIT 20), "
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
	"WHERE (p.puballtables AND NOT EXISTS (SELECT FROM pg_publication_rel r "
	"WHERE r.prpubid = p.oid AND r.prrelid = $1 AND " PGM_SQL_IS_EXCEPTED ")) "
	"OR EXISTS (SELECT FROM pg_publication_rel r WHERE r.prpubid = p.oid "
	"AND r.prrelid = $1 AND NOT " PGM_SQL_IS_EXCEPTED ") "
	"OR " PGM_SCHEMA_IS_PUBLISHED("p.oid", "(SELECT relnamespace FROM rel)") "), "
	"stats AS (SELECT stxname::text AS name FROM pg_statistic_ext "
	"WHERE stxrelid = $1) "
	"SELECT jsonb_strip_nulls(jsonb_build_object("
	"'bytes', $3, 'rows', coalesce(nullif($4, -1), r.rows), "
	"'holders', (SELECT jsonb_agg(h) FROM held WHERE granted), "
	"'waiters', (SELECT jsonb_agg(h) FROM held WHERE NOT granted), "
	"'views', (SELECT jsonb_agg(name ORDER BY name) FROM views), "
	"'functions', (SELECT jsonb_agg(name ORDER BY name) FROM functions), "
	"'referenced_by', (SELECT jsonb_agg(name ORDER BY name) FROM keys), "
	"'publications', (SELECT jsonb_agg(name ORDER BY name) "
	"FROM publications), "
	"'statistics', (SELECT jsonb_agg(name ORDER BY name) FROM stats)"
	"))::text FROM rel r",
	4, {OIDOID, BOOLOID, INT8OID, INT8OID}
};

/* Of partitions and indexes the size is enough. */
static PgmQuery size_query = {
	"SELECT jsonb_strip_nulls(jsonb_build_object('bytes', $3, 'rows', "
	"coalesce(nullif($4, -1), CASE WHEN reltuples >= 0 THEN reltuples::int8 END)))::text "
	"FROM pg_class WHERE oid = $1",
	4, {OIDOID, BOOLOID, INT8OID, INT8OID}
};

PgmBlast *
pgm_blast_begin(int64 until)
{
	PgmBlast   *blast = palloc0(sizeof(PgmBlast));
	HASHCTL		control = {0};

	control.keysize = sizeof(Oid);
	control.entrysize = sizeof(Live);
	blast->context = CurrentMemoryContext;
	control.hcxt = CurrentMemoryContext;
	blast->live = hash_create("pgmigrate blast radius", 32, &control,
							  HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
	blast->until = until;
	pgm_rates_load(&blast->rates);
	return blast;
}

const char *
pgm_blast_words(const PgmVerdict *verdict, const PgmEffect *effect)
{
	if (effect == NULL)
	{
		if (verdict->opaque && !verdict->plain)
			return "runs code that cannot be looked into: its locks cannot be known before it runs";
		return "locks no relation";
	}
	if (effect->created_here && !effect->earlier)
		return "nobody else can use it yet";
	switch (effect->mode)
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

/* The members of the JSON object that a query returns, "" if it has none. */
static char *
query_members(PgmQuery *query, const Datum *values)
{
	char	   *result = pgm_spi_one_text(query, values);

	if (result == NULL)
		return pstrdup("");
	result[strlen(result) - 1] = '\0';
	return result + 1;
}

/* Of a partitioned table the sum over its partitions. */
static int64
size_now(const PgmEffect *effect)
{
	int64		bytes = pgm_total_bytes(effect->relid);
	ListCell   *lc;

	if (effect->relkind != RELKIND_PARTITIONED_TABLE)
		return bytes;
	foreach(lc, pgm_descendants(effect->relid))
		bytes += pgm_total_bytes(lfirst_oid(lc));
	return bytes;
}

/* Where the catalog does not know it; -1 if nobody does. */
static double
rows_now(const PgmEffect *effect)
{
	double		rows = pgm_size_rows(effect->relid);
	ListCell   *lc;

	if (effect->relkind != RELKIND_PARTITIONED_TABLE ||
		!pgm_size_is_noted(effect->relid))
		return rows;
	rows = 0;
	foreach(lc, pgm_descendants(effect->relid))
		rows += Max(pgm_size_rows(lfirst_oid(lc)), 0);
	return rows;
}

static char *
read_numbers(const PgmEffect *effect)
{
	double		rows = rows_now(effect);
	Datum		values[4];

	values[0] = ObjectIdGetDatum(effect->relid);
	values[1] = BoolGetDatum(has_privs_of_role(GetUserId(),
											   ROLE_PG_READ_ALL_STATS));
	values[2] = Int64GetDatum(effect->named ? size_now(effect) :
							  pgm_heap_bytes(effect->relid));
	values[3] = Int64GetDatum(rows < 0 ? -1 : (int64) rows);
	return query_members(effect->named ? &numbers_query : &size_query, values);
}

static void
append_member(StringInfo buf, const char *name, const char *json)
{
	if (json != NULL)
		appendStringInfo(buf, "%s\"%s\": %s", buf->len > 0 ? ", " : "", name,
						 json);
}

/* Who mentions the relation: what may use it, for all that is known. */
static char *
mention_members(PgmBlast *blast, const PgmEffect *effect)
{
	StringInfoData buf;
	const char *trouble;

	if (blast->mentions == NULL)
		blast->mentions = pgm_mentions_load();
	initStringInfo(&buf);
	append_member(&buf, "functions_that_mention_it",
				  pgm_mentions_json(blast->mentions, PGM_MENTION_FUNCTION,
									effect->schema, effect->name, false, NULL));
	append_member(&buf, "statements_that_mention_it",
				  pgm_mentions_json(blast->mentions, PGM_MENTION_STATEMENT,
									effect->schema, effect->name, false, NULL));
	trouble = pgm_mentions_trouble(blast->mentions);
	if (trouble != NULL)
	{
		appendStringInfo(&buf, "%s\"statements_not_known\": ",
						 buf.len > 0 ? ", " : "");
		escape_json(&buf, trouble);
	}
	return buf.data;
}

static const Live *
find_live(PgmBlast *blast, const PgmEffect *effect)
{
	Live	   *live;
	bool		found;

	live = hash_search(blast->live, &effect->relid, HASH_ENTER, &found);
	if (!found)
		live->numbers = live->mentions = NULL;
	if (live->numbers == NULL || (effect->named && live->mentions == NULL))
	{
		MemoryContext old = MemoryContextSwitchTo(blast->context);

		live->numbers = read_numbers(effect);
		if (effect->named)
			live->mentions = mention_members(blast, effect);
		MemoryContextSwitchTo(old);
	}
	return live;
}

/*
 * Which prepared statements will have another result, in words; NULL if none.
 * Sets the column that they return, NULL if only those are meant that return
 * all columns.
 */
static const char *
changed_results(const PgmVerdict *verdict, const PgmEffect *effect,
				const char **column)
{
	Node	   *stmt = verdict->source->statements[verdict->n].raw->stmt;
	const char *result = NULL;
	ListCell   *lc;

	*column = NULL;
	if (!effect->subject || effect->created_here || !OidIsValid(effect->relid))
		return NULL;
	if (IsA(stmt, RenameStmt))
		return castNode(RenameStmt, stmt)->renameType == OBJECT_COLUMN ?
			"those that return all columns" : NULL;
	if (!IsA(stmt, AlterTableStmt))
		return NULL;
	foreach(lc, castNode(AlterTableStmt, stmt)->cmds)
	{
		AlterTableCmd *cmd = lfirst_node(AlterTableCmd, lc);

		if (cmd->subtype == AT_AlterColumnType)
		{
			*column = cmd->name;
			return "those that return the column or all columns";
		}
		if (cmd->subtype == AT_AddColumn || cmd->subtype == AT_DropColumn)
			result = "those that return all columns";
	}
	return result;
}

static void
append_prepared(StringInfo buf, const PgmBlast *blast,
				const PgmVerdict *verdict, const PgmEffect *effect)
{
	StringInfoData members;
	const char *column;
	const char *which = changed_results(verdict, effect, &column);

	if (which == NULL)
		return;
	initStringInfo(&members);
	append_member(&members, "which", psprintf("\"%s\"", which));
	append_member(&members, "error",
				  "\"cached plan must not change result type\"");
	append_member(&members, "in_this_session",
				  pgm_mentions_json(blast->mentions, PGM_MENTION_PREPARED,
									effect->schema, effect->name, true, column));
	append_member(&members, "candidates",
				  pgm_mentions_json(blast->mentions, PGM_MENTION_STATEMENT,
									effect->schema, effect->name, true, column));
	append_member(buf, "prepared_statements_that_fail_once",
				  psprintf("{%s}", members.data));
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
is_first_lock(const PgmVerdict *verdict, const PgmEffect *effect)
{
	ListCell   *lc;

	foreach(lc, verdict->effects)
	{
		if (((PgmEffect *) lfirst(lc))->mode != NoLock)
			return lfirst(lc) == effect;
	}
	return true;
}

static bool
is_late(PgmBlast *blast)
{
	if (!blast->late && blast->until != 0)
		blast->late = pgm_clock_monotonic() > blast->until;
	return blast->late;
}

const char *
pgm_blast_details(PgmBlast *blast, const PgmVerdict *verdict,
				  const PgmEffect *effect)
{
	StringInfoData buf;

	initStringInfo(&buf);
	appendStringInfo(&buf, "{\"tried\": %s", verdict->tried ? "true" : "false");
	if (verdict->reason != NULL && verdict->sqlerrcode == 0)
	{
		appendStringInfoString(&buf, ", \"not_tried\": ");
		escape_json(&buf, verdict->reason);
	}
	if (verdict->top_level)
		appendStringInfoString(&buf, ", \"transaction\": false");
	if (effect != NULL && effect->relkind != 0)
		appendStringInfo(&buf, ", \"relkind\": \"%c\"", effect->relkind);
	if (effect != NULL && effect->created_here)
		appendStringInfoString(&buf, ", \"fresh\": true");
	if (effect != NULL && OidIsValid(effect->like))
	{
		appendStringInfoString(&buf, ", \"like\": ");
		escape_json(&buf, pgm_relation_name(effect->like));
	}
	if (verdict->objects != NIL && is_first_lock(verdict, effect))
	{
		appendStringInfoString(&buf, ", ");
		append_objects(&buf, verdict);
	}
	if (is_late(blast))
		appendStringInfoString(&buf, ", \"not_looked_at\": \"assess_timeout\"");
	else if (effect != NULL && OidIsValid(effect->relid))
	{
		const Live *live = find_live(blast, effect);

		if (live->numbers[0] != '\0')
			appendStringInfo(&buf, ", %s", live->numbers);
		if (effect->named && live->mentions[0] != '\0')
			appendStringInfo(&buf, ", %s", live->mentions);
		append_member(&buf, "estimate",
					  pgm_estimate_json(&blast->rates, verdict, effect));
		if (effect->named)
			append_prepared(&buf, blast, verdict, effect);
	}
	appendStringInfoChar(&buf, '}');
	return buf.data;
}

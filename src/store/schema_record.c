/*-------------------------------------------------------------------------
 *
 * schema_record.c
 *	  The schema as the last run left it, object by object.
 *
 * One row of pgmigrate.schema_object per object of the model, and one more of
 * kind "database" that has the fingerprint of them all: where that is the
 * same, nothing is compared.  Only rows that differ are written.
 *
 * What a run found when it began is not told from what it did: it becomes
 * what the run left.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/json.h"
#include "utils/memutils.h"
#include "utils/resowner.h"
#include "utils/varlena.h"

#include "base/digest.h"
#include "base/settings.h"
#include "base/spi.h"
#include "base/spi_list.h"
#include "base/transaction.h"
#include "schema/fingerprint.h"
#include "store/schema_record.h"

/* The objects as they are now: kinds, identities, definitions. */
#define NOW_ARGS 3
#define NOW "unnest($1, $2, $3) AS n (kind, identity, definition)"

/*
 * Has a run, done or not, made a change of the schema that is committed?  The
 * step of a backfill has no revision, and changes rows.
 */
#define HAS_LEFT(run) \
	"(EXISTS (SELECT FROM pgmigrate.run_step s " \
	"WHERE s.run = " run " AND s.state = 'done' AND s.revision <> '') " \
	"OR EXISTS (SELECT FROM pgmigrate.begun_statement b " \
	"WHERE b.run = " run " AND b.state <> 'undone'))"

static PgmQuery kept_query = {
	"SELECT o.definition ->> 'fingerprint', o.run, (SELECT max(r.id) "
	"FROM pgmigrate.run r WHERE r.id > o.run AND " HAS_LEFT("r.id") ") "
	"FROM pgmigrate.schema_object o WHERE o.kind = 'database'"
};

static PgmQuery has_left_query = {
	"SELECT " HAS_LEFT("$1"),
	1, {INT8OID}
};

static PgmQuery forget_query = {
	"DELETE FROM pgmigrate.schema_object o WHERE o.kind <> 'database' "
	"AND NOT EXISTS (SELECT FROM " NOW " "
	"WHERE n.kind = o.kind AND n.identity = o.identity)",
	NOW_ARGS, {TEXTARRAYOID, TEXTARRAYOID, TEXTARRAYOID}
};

static PgmQuery keep_query = {
	"INSERT INTO pgmigrate.schema_object AS o "
	"(kind, identity, definition, run, address) "
	"SELECT n.kind, n.identity, n.definition::jsonb, $4, n.address::int8[] "
	"FROM unnest($1, $2, $3, $5) AS n (kind, identity, definition, address) "
	"LEFT JOIN pgmigrate.schema_object k "
	"ON k.kind = n.kind AND k.identity = n.identity "
	"WHERE k.definition IS DISTINCT FROM n.definition::jsonb "
	"OR k.address IS DISTINCT FROM n.address::int8[] "
	"ON CONFLICT (kind, identity) DO UPDATE SET definition = "
	"excluded.definition, run = excluded.run, address = excluded.address",
	NOW_ARGS + 2, {TEXTARRAYOID, TEXTARRAYOID, TEXTARRAYOID, INT8OID,
	TEXTARRAYOID}
};

static PgmQuery keep_fingerprint_query = {
	"INSERT INTO pgmigrate.schema_object (kind, identity, definition, run) "
	"VALUES ('database', '', jsonb_build_object('fingerprint', $1), $2) "
	"ON CONFLICT (kind, identity) DO UPDATE "
	"SET definition = excluded.definition, run = excluded.run",
	2, {TEXTOID, INT8OID}
};

/* Of an object that changed, the properties that did. */
#define PROPERTIES(these, others) \
	"(SELECT string_agg(p.key || ': ' || p.value, chr(10) ORDER BY p.key) " \
	"FROM jsonb_each_text(" these ") AS p " \
	"WHERE " others " ->> p.key IS DISTINCT FROM p.value)"

/* a pattern is of the identity, of kind and identity, or of the table */
#define DRIFT \
	"SELECT o.kind || ' ' || o.identity, " \
	"CASE WHEN o.kept IS NULL THEN 'added' WHEN o.now IS NULL THEN 'removed' " \
	"ELSE 'changed' END, " \
	PROPERTIES("o.kept", "coalesce(o.now, '{}')") ", " \
	PROPERTIES("o.now", "coalesce(o.kept, '{}')") " " \
	"FROM (SELECT coalesce(k.kind, n.kind) AS kind, " \
	"coalesce(k.identity, n.identity) AS identity, k.definition AS kept, " \
	"n.definition::jsonb AS now FROM " NOW " FULL JOIN " \
	"(SELECT * FROM pgmigrate.schema_object WHERE kind <> 'database') AS k " \
	"ON k.kind = n.kind AND k.identity = n.identity) AS o " \
	"WHERE o.kept IS DISTINCT FROM o.now " \
	"AND NOT EXISTS (SELECT FROM unnest($4) AS i (pattern) " \
	"WHERE o.identity LIKE i.pattern " \
	"OR o.kind || ' ' || o.identity LIKE i.pattern " \
	"OR regexp_replace(o.identity, '^.* on ', '') LIKE i.pattern) "
#define DRIFT_ORDER "ORDER BY o.identity COLLATE \"C\", o.kind"

static PgmQuery drift_query = {
	DRIFT DRIFT_ORDER,
	NOW_ARGS + 1, {TEXTARRAYOID, TEXTARRAYOID, TEXTARRAYOID, TEXTARRAYOID}
};

/*
 * A relation itself and what is on it, if the last run has left it; not what a
 * statement CONCURRENTLY has left INVALID, nor that it is gone by now.
 */
static PgmQuery drift_on_query = {
	DRIFT "AND coalesce(coalesce(o.now, o.kept) ->> 'valid', '') <> 'no' "
	"AND EXISTS (SELECT FROM unnest($5) AS r (name) "
	"WHERE (o.identity = r.name OR starts_with(o.identity, r.name || '.') "
	"OR right(o.identity, length(r.name) + 4) = ' on ' || r.name "
	"OR (o.kind = 'index' AND position(' ' || r.name || ' USING ' "
	"IN coalesce(o.kept, o.now) ->> 'definition') > 0)) "
	"AND EXISTS (SELECT FROM pgmigrate.schema_object t "
	"WHERE t.kind IN ('table', 'foreign table', 'view', 'materialized view', "
	"'sequence') AND t.identity = r.name)) " DRIFT_ORDER,
	NOW_ARGS + 2, {TEXTARRAYOID, TEXTARRAYOID, TEXTARRAYOID, TEXTARRAYOID,
	TEXTARRAYOID}
};

static PgmQuery any_known_query = {
	"SELECT FROM pgmigrate.schema_object WHERE kind IN ('table', "
	"'foreign table', 'view', 'materialized view', 'sequence') "
	"AND identity = ANY ($1) LIMIT 1",
	1, {TEXTARRAYOID}
};

/* Did an earlier run than $1 leave something that is not recorded? */
static PgmQuery missing_before_query = {
	"SELECT EXISTS (SELECT FROM pgmigrate.run r WHERE r.id < $1 "
	"AND r.id > (SELECT coalesce(max(o.run), 0) "
	"FROM pgmigrate.schema_object o WHERE o.kind = 'database') "
	"AND " HAS_LEFT("r.id") ")",
	1, {INT8OID}
};

/*
 * Nobody waits for one who waits to read; and if the record of a run before
 * is missing, what was in its way may be there for long.
 */
#define LOCK_WAIT_MS 2000
#define LOCK_WAIT_AGAIN_MS 200

/*
 * Of a longer value its digest is kept: all definitions together are one
 * argument of a query, and whoever may make a function could fill the record.
 */
#define KEPT_BYTES (1024 * 1024)

#define DIGEST_HEAD "{\"bytes\": "

char *
pgm_schema_record_digest(const char *value)
{
	size_t		length = strlen(value);
	PgmDigest	digest;

	if (length <= KEPT_BYTES)
		return NULL;
	pgm_digest_init(&digest, "pgmigrate definition");
	pgm_digest_text(&digest, value);
	return psprintf(DIGEST_HEAD "%zu, \"digest\": \"%s\"}", length,
					pgm_digest_final(&digest));
}

bool
pgm_schema_record_is_digest(const char *kept)
{
	return strncmp(kept, DIGEST_HEAD, strlen(DIGEST_HEAD)) == 0;
}

static void
append_value(StringInfo json, const char *value)
{
	char	   *digest = pgm_schema_record_digest(value);

	if (digest == NULL)
		escape_json(json, value);
	else
		appendStringInfoString(json, digest);
}

static char *
object_definition(const PgmSchemaObject *object)
{
	StringInfoData json;

	initStringInfo(&json);
	appendStringInfoChar(&json, '{');
	for (int i = 0; i < object->nproperties; i++)
	{
		if (object->values[i] == NULL ||
			pgm_schema_is_hidden(object->properties[i]))
			continue;
		if (json.len > 1)
			appendStringInfoChar(&json, ',');
		escape_json(&json, object->properties[i]);
		appendStringInfoChar(&json, ':');
		append_value(&json, object->values[i]);
	}
	appendStringInfoChar(&json, '}');
	return json.data;
}

/* The arguments of NOW. */
static void
set_objects(const PgmSchema *schema, Datum *values)
{
	char	  **texts[NOW_ARGS];

	for (int i = 0; i < NOW_ARGS; i++)
		texts[i] = palloc_extended(sizeof(char *) * (schema->nobjects + 1),
								   MCXT_ALLOC_HUGE);
	for (int i = 0; i < schema->nobjects; i++)
	{
		texts[0][i] = unconstify(char *, schema->objects[i].kind);
		texts[1][i] = unconstify(char *, schema->objects[i].identity);
		texts[2][i] = object_definition(&schema->objects[i]);
	}
	for (int i = 0; i < NOW_ARGS; i++)
		values[i] = pgm_text_array_datum(schema->nobjects, texts[i]);
}

/* What the catalogs call the objects: who has another name then is seen. */
static Datum
addresses(const PgmSchema *schema)
{
	char	  **texts;

	texts = palloc_extended(sizeof(char *) * (schema->nobjects + 1),
							MCXT_ALLOC_HUGE);
	for (int i = 0; i < schema->nobjects; i++)
	{
		const PgmSchemaAddress *address = &schema->objects[i].address;

		texts[i] = psprintf("{%u,%u,%d}", address->classid, address->objid,
							address->subid);
	}
	return pgm_text_array_datum(schema->nobjects, texts);
}

/*
 * What was kept last: false if nothing was.  A run that has left something
 * since and was not kept is in *missing, else 0: one that was killed, say.
 */
static bool
find_kept(char **fingerprint, int64 *run, int64 *missing)
{
	if (pgm_spi_execute(&kept_query, NULL, NULL) == 0)
		return false;
	*fingerprint = pgm_spi_text(1, 1);
	*run = pgm_spi_int64(1, 2);
	*missing = pgm_spi_int64(1, 3);
	return true;
}

static void
keep(int64 run)
{
	PgmSchema  *schema = pgm_schema_read(0, NULL);
	char	   *fingerprint = pgm_schema_digest(schema);
	char	   *kept;
	int64		kept_run;
	int64		missing;
	Datum		values[NOW_ARGS + 2];
	PgmSpiScope scope;

	pgm_spi_begin(&scope);
	if (!find_kept(&kept, &kept_run, &missing) ||
		strcmp(kept, fingerprint) != 0)
	{
		set_objects(schema, values);
		values[NOW_ARGS] = Int64GetDatum(run);
		values[NOW_ARGS + 1] = addresses(schema);
		pgm_spi_execute(&forget_query, values, NULL);
		pgm_spi_execute(&keep_query, values, NULL);
	}
	values[0] = pgm_text_datum(fingerprint);
	values[1] = Int64GetDatum(run);
	pgm_spi_execute(&keep_fingerprint_query, values, NULL);
	pgm_spi_end(&scope);
}

/*
 * The server locks what a view reads to put it out: nobody must wait for that
 * behind a lock that others hold.
 */
static void
limit_lock_wait(bool again)
{
	char		milliseconds[16];

	snprintf(milliseconds, sizeof(milliseconds), "%d", again ?
			 LOCK_WAIT_AGAIN_MS : Max(pgm_lock_timeout, LOCK_WAIT_MS));
	(void) set_config_option("lock_timeout", milliseconds, PGC_USERSET,
							 PGC_S_SESSION, GUC_ACTION_SAVE, true, 0, false);
}

static bool
is_missing_before(int64 run)
{
	Datum		value = Int64GetDatum(run);

	return pgm_spi_one_bool(&missing_before_query, &value);
}

static bool
has_left(int64 run)
{
	Datum		value = Int64GetDatum(run);

	return pgm_spi_one_bool(&has_left_query, &value);
}

/* A cancel that comes now does not undo the run either. */
static void
try_keep(int64 run, bool failed, bool again)
{
	MemoryContext outer = CurrentMemoryContext;
	MemoryContext context = AllocSetContextCreate(outer,
												  "pgmigrate schema record",
												  ALLOCSET_DEFAULT_SIZES);
	ResourceOwner owner = CurrentResourceOwner;
	int			sub = pgm_txn_begin_sub();
	int			guc_level = NewGUCNestLevel();

	MemoryContextSwitchTo(context);
	PG_TRY();
	{
		limit_lock_wait(again || is_missing_before(run));
		if (!failed || has_left(run))
			keep(run);
		AtEOXact_GUC(false, guc_level);
		pgm_txn_release_sub();
	}
	PG_CATCH();
	{
		ErrorData  *edata;

		MemoryContextSwitchTo(outer);
		edata = CopyErrorData();
		FlushErrorState();
		pgm_txn_rollback_sub(sub);
		ereport(WARNING,
				errcode(edata->sqlerrcode),
				errmsg("could not record the schema that the run leaves: %s",
					   edata->message),
				errdetail("What the run did stays; drift() compares with what an earlier run has left."));
	}
	PG_END_TRY();
	CurrentResourceOwner = owner;
	MemoryContextSwitchTo(outer);
	MemoryContextDelete(context);
}

void
pgm_schema_record_keep(int64 run)
{
	try_keep(run, false, false);
}

void
pgm_schema_record_keep_failed(int64 run)
{
	try_keep(run, true, false);
}

/* 0 if all is recorded that a run has left. */
static int64
find_missing(void)
{
	PgmSpiScope scope;
	char	   *fingerprint;
	int64		run;
	int64		missing = 0;

	pgm_spi_begin(&scope);
	(void) find_kept(&fingerprint, &run, &missing);
	pgm_spi_end(&scope);
	return missing;
}

void
pgm_schema_record_settle(void)
{
	int64		missing = find_missing();

	if (missing == 0)
		return;
	ereport(NOTICE,
			errmsg("the schema that run " INT64_FORMAT " has left was not recorded, it is recorded as it is now",
				   missing),
			errdetail("What was changed by hand since then is not told."));
	try_keep(missing, false, true);
}

void
pgm_schema_record_refuse_missing(void)
{
	int64		missing = find_missing();

	if (missing != 0)
		ereport(ERROR,
				errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				errmsg("the schema that run " INT64_FORMAT " has left was not recorded",
					   missing),
				errdetail("What its revisions have done is not told from what was changed by hand."),
				errhint("The next run records it, and so does pgmigrate.stamp(); what was changed by hand is part of that then."));
}

static Datum
ignored_patterns(void)
{
	List	   *patterns;
	ListCell   *cell;
	char	  **texts;
	int			n = 0;

	/* the setting's check has seen that it can be split */
	(void) SplitGUCList(pstrdup(pgm_drift_ignore), ',', &patterns);
	texts = palloc(sizeof(char *) * (list_length(patterns) + 1));
	foreach(cell, patterns)
		texts[n++] = lfirst(cell);
	return pgm_text_array_datum(n, texts);
}

static void
put_out(uint64 rows, PgmDriftRow row, void *arg)
{
	for (uint64 i = 1; i <= rows; i++)
	{
		char	   *texts[4];

		for (int j = 0; j < lengthof(texts); j++)
			texts[j] = pgm_spi_text(i, j + 1);
		row(texts, arg);
	}
}

bool
pgm_schema_record_drift(PgmDriftRow row, void *arg)
{
	char	   *fingerprint;
	int64		run;
	int64		missing;
	Datum		values[NOW_ARGS + 1];
	PgmSpiScope scope;

	pgm_spi_begin(&scope);
	if (!find_kept(&fingerprint, &run, &missing))
	{
		pgm_spi_end(&scope);
		ereport(NOTICE,
				errmsg("no schema is recorded to compare with"),
				errhint("The end of a run records it, and so does pgmigrate.stamp()."));
		return true;
	}
	if (missing != 0)
		ereport(NOTICE,
				errmsg("the schema that run " INT64_FORMAT " has left was not recorded, what is compared is that of run " INT64_FORMAT,
					   missing, run),
				errdetail("What differs may have been done by a revision."),
				errhint("The next run records it, and so does pgmigrate.stamp()."));
	set_objects(pgm_schema_read(0, NULL), values);
	values[NOW_ARGS] = ignored_patterns();
	put_out(pgm_spi_execute(&drift_query, values, NULL), row, arg);
	pgm_spi_end(&scope);
	return missing == 0;
}

void
pgm_schema_record_drift_on(int n, char **schemas, char **relations,
						   PgmDriftRow row, void *arg)
{
	Datum		values[NOW_ARGS + 2];
	Datum		names[1];
	char	   *fingerprint;
	int64		run;
	int64		missing;
	uint64		rows;
	PgmSpiScope scope;

	names[0] = pgm_text_array_datum(n, relations);
	pgm_spi_begin(&scope);
	limit_lock_wait(false);
	if (pgm_spi_execute(&any_known_query, names, NULL) > 0 &&
		find_kept(&fingerprint, &run, &missing))
	{
		set_objects(pgm_schema_read(n, schemas), values);
		values[NOW_ARGS] = ignored_patterns();
		values[NOW_ARGS + 1] = names[0];
		rows = pgm_spi_execute(&drift_on_query, values, NULL);
		if (rows > 0 && missing != 0)
			ereport(NOTICE,
					errmsg("the schema that run " INT64_FORMAT " has left was not recorded, so what was changed by hand is not told",
						   missing),
					errhint("See pgmigrate.drift(), which compares with what run " INT64_FORMAT " has left.",
							run));
		else
			put_out(rows, row, arg);
	}
	pgm_spi_end(&scope);
}

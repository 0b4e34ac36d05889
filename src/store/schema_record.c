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
 * The server locks what a view or a rule reads to put it out.  Those that
 * others have locked for too long keep the rows that they had, and the row of
 * the database names them: nobody compares them, until another run records
 * them.
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

#define OBJECT "o.kind || ' ' || o.identity"

/* Was it locked by others, so that the last record left it as it was? */
#define IS_SKIPPED "EXISTS (SELECT FROM pgmigrate.schema_object s " \
	"WHERE s.kind = 'database' AND s.definition -> 'skipped' ? (" OBJECT "))"

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
	"FROM pgmigrate.run r WHERE r.id > o.run AND " HAS_LEFT("r.id") "), "
	"(SELECT string_agg(s, ', ' ORDER BY s COLLATE \"C\") "
	"FROM jsonb_array_elements_text(o.definition -> 'skipped') AS s) "
	"FROM pgmigrate.schema_object o WHERE o.kind = 'database'"
};

static PgmQuery has_left_query = {
	"SELECT " HAS_LEFT("$1"),
	1, {INT8OID}
};

static PgmQuery forget_query = {
	"DELETE FROM pgmigrate.schema_object o WHERE o.kind <> 'database' "
	"AND " OBJECT " <> ALL ($4) AND NOT EXISTS (SELECT FROM " NOW " "
	"WHERE n.kind = o.kind AND n.identity = o.identity)",
	NOW_ARGS + 1, {TEXTARRAYOID, TEXTARRAYOID, TEXTARRAYOID, TEXTARRAYOID}
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
	"VALUES ('database', '', jsonb_build_object('fingerprint', $1) || "
	"CASE $3 WHEN '{}' THEN '{}' ELSE jsonb_build_object('skipped', $3) END, "
	"$2) "
	"ON CONFLICT (kind, identity) DO UPDATE "
	"SET definition = excluded.definition, run = excluded.run",
	3, {TEXTOID, INT8OID, TEXTARRAYOID}
};

/* Of an object that changed, the properties that did. */
#define PROPERTIES(these, others) \
	"(SELECT string_agg(p.key || ': ' || p.value, chr(10) ORDER BY p.key) " \
	"FROM jsonb_each_text(" these ") AS p " \
	"WHERE " others " ->> p.key IS DISTINCT FROM p.value)"

/* a pattern is of the identity, of kind and identity, or of the table */
#define DRIFT \
	"SELECT " OBJECT ", " \
	"CASE WHEN o.kept IS NULL THEN 'added' WHEN o.now IS NULL THEN 'removed' " \
	"ELSE 'changed' END, " \
	PROPERTIES("o.kept", "coalesce(o.now, '{}')") ", " \
	PROPERTIES("o.now", "coalesce(o.kept, '{}')") " " \
	"FROM (SELECT coalesce(k.kind, n.kind) AS kind, " \
	"coalesce(k.identity, n.identity) AS identity, k.definition AS kept, " \
	"n.definition::jsonb AS now FROM " NOW " FULL JOIN " \
	"(SELECT * FROM pgmigrate.schema_object WHERE kind <> 'database') AS k " \
	"ON k.kind = n.kind AND k.identity = n.identity) AS o " \
	"WHERE o.kept IS DISTINCT FROM o.now AND NOT " IS_SKIPPED " " \
	"AND NOT EXISTS (SELECT FROM unnest($4) AS i (pattern) " \
	"WHERE o.identity LIKE i.pattern " \
	"OR " OBJECT " LIKE i.pattern " \
	"OR regexp_replace(o.identity, '^.* on ', '') LIKE i.pattern) "
#define DRIFT_ORDER "ORDER BY o.identity COLLATE \"C\", o.kind"

static PgmQuery drift_query = {
	DRIFT DRIFT_ORDER,
	NOW_ARGS + 1, {TEXTARRAYOID, TEXTARRAYOID, TEXTARRAYOID, TEXTARRAYOID}
};

/*
 * A relation itself and what is on it, if the last run has left it; not what
 * others have locked, $6, nor what a statement CONCURRENTLY has left INVALID,
 * nor that it is gone by now.
 */
static PgmQuery drift_on_query = {
	DRIFT "AND " OBJECT " <> ALL ($6) "
	"AND coalesce(coalesce(o.now, o.kept) ->> 'valid', '') <> 'no' "
	"AND EXISTS (SELECT FROM unnest($5) AS r (name) "
	"WHERE (o.identity = r.name OR starts_with(o.identity, r.name || '.') "
	"OR right(o.identity, length(r.name) + 4) = ' on ' || r.name "
	"OR (o.kind = 'index' AND position(' ' || r.name || ' USING ' "
	"IN coalesce(o.kept, o.now) ->> 'definition') > 0)) "
	"AND EXISTS (SELECT FROM pgmigrate.schema_object t "
	"WHERE t.kind IN ('table', 'foreign table', 'view', 'materialized view', "
	"'sequence') AND t.identity = r.name)) " DRIFT_ORDER,
	NOW_ARGS + 3, {TEXTARRAYOID, TEXTARRAYOID, TEXTARRAYOID, TEXTARRAYOID,
	TEXTARRAYOID, TEXTARRAYOID}
};

static PgmQuery any_known_query = {
	"SELECT FROM pgmigrate.schema_object WHERE kind IN ('table', "
	"'foreign table', 'view', 'materialized view', 'sequence') "
	"AND identity = ANY ($1) LIMIT 1",
	1, {TEXTARRAYOID}
};

/* Is something not recorded that was there before run $1, or left by one? */
static PgmQuery missing_before_query = {
	"SELECT EXISTS (SELECT FROM pgmigrate.run r WHERE r.id < $1 "
	"AND r.id > (SELECT coalesce(max(o.run), 0) "
	"FROM pgmigrate.schema_object o WHERE o.kind = 'database') "
	"AND " HAS_LEFT("r.id") ") OR EXISTS (SELECT "
	"FROM pgmigrate.schema_object o WHERE o.kind = 'database' "
	"AND o.definition ? 'skipped')",
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

typedef struct Kept
{
	char	   *fingerprint;	/* "" if something was skipped */
	int64		run;
	int64		missing;		/* a later run that was not kept, or 0: one
								 * that was killed, say */
	char	   *skipped;		/* what was locked by others, or NULL */
} Kept;

/* What was kept last: false if nothing was. */
static bool
find_kept(Kept *kept)
{
	memset(kept, 0, sizeof(Kept));
	if (pgm_spi_execute(&kept_query, NULL, NULL) == 0)
		return false;
	kept->fingerprint = pgm_spi_text(1, 1);
	kept->run = pgm_spi_int64(1, 2);
	kept->missing = pgm_spi_int64(1, 3);
	kept->skipped = pgm_spi_text(1, 4);
	return true;
}

static Datum
skipped_objects(const PgmSchema *schema)
{
	char	  **texts = palloc(sizeof(char *) *
							   (list_length(schema->skipped) + 1));
	ListCell   *lc;
	int			n = 0;

	foreach(lc, schema->skipped)
		texts[n++] = lfirst(lc);
	return pgm_text_array_datum(n, texts);
}

/* Of what is skipped the rows stay as they were. */
static void
keep(const PgmSchema *schema, int64 run)
{
	char	   *fingerprint = schema->skipped != NIL ? pstrdup("") :
		pgm_schema_digest(schema);
	Kept		kept;
	Datum		values[NOW_ARGS + 2];
	PgmSpiScope scope;

	pgm_spi_begin(&scope);
	if (!find_kept(&kept) || schema->skipped != NIL ||
		strcmp(kept.fingerprint, fingerprint) != 0)
	{
		set_objects(schema, values);
		values[NOW_ARGS] = skipped_objects(schema);
		pgm_spi_execute(&forget_query, values, NULL);
		values[NOW_ARGS] = Int64GetDatum(run);
		values[NOW_ARGS + 1] = addresses(schema);
		pgm_spi_execute(&keep_query, values, NULL);
	}
	values[0] = pgm_text_datum(fingerprint);
	values[1] = Int64GetDatum(run);
	values[2] = skipped_objects(schema);
	pgm_spi_execute(&keep_fingerprint_query, values, NULL);
	if (schema->skipped != NIL && find_kept(&kept))
		ereport(WARNING,
				errcode(ERRCODE_LOCK_NOT_AVAILABLE),
				errmsg_plural("could not record %d view or rule, for a lock of another transaction",
							  "could not record %d views or rules, for locks of other transactions",
							  list_length(schema->skipped),
							  list_length(schema->skipped)),
				errdetail_internal("%s", kept.skipped),
				errhint("The next run records them; until then drift() leaves them out."));
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

typedef struct Record
{
	int64		run;
	bool		failed;
	bool		again;
	bool		unheld;			/* only what is to be had without waiting */
} Record;

static void
record(const Record *task)
{
	int			guc_level = NewGUCNestLevel();

	limit_lock_wait(task->again || is_missing_before(task->run));
	if (!task->failed || has_left(task->run))
		keep(task->unheld ? pgm_schema_read_unheld(0, NULL) :
			 pgm_schema_read(0, NULL), task->run);
	AtEOXact_GUC(false, guc_level);
}

/* The error, or NULL; a cancel is one, too. */
static ErrorData *
try_record(const Record *task)
{
	MemoryContext context = CurrentMemoryContext;
	ResourceOwner owner = CurrentResourceOwner;
	ErrorData  *volatile edata = NULL;
	int			sub = pgm_txn_begin_sub();

	PG_TRY();
	{
		record(task);
		pgm_txn_release_sub();
	}
	PG_CATCH();
	{
		MemoryContextSwitchTo(context);
		edata = CopyErrorData();
		FlushErrorState();
		pgm_txn_rollback_sub(sub);
	}
	PG_END_TRY();
	CurrentResourceOwner = owner;
	MemoryContextSwitchTo(context);
	return edata;
}

/*
 * A cancel that comes now does not undo the run either.  What is locked for
 * longer than can be waited for is left out, where it is views and rules.
 */
static void
try_keep(Record task)
{
	MemoryContext outer = CurrentMemoryContext;
	MemoryContext context = AllocSetContextCreate(outer,
												  "pgmigrate schema record",
												  ALLOCSET_DEFAULT_SIZES);
	ErrorData  *edata;

	MemoryContextSwitchTo(context);
	edata = try_record(&task);
	if (edata != NULL && !task.unheld &&
		edata->sqlerrcode == ERRCODE_LOCK_NOT_AVAILABLE)
	{
		task.again = true;
		task.unheld = true;
		edata = try_record(&task);
	}
	if (edata != NULL)
		ereport(WARNING,
				errcode(edata->sqlerrcode),
				errmsg("could not record the schema that the run leaves: %s",
					   edata->message),
				errdetail("What the run did stays; drift() compares with what an earlier run has left."));
	MemoryContextSwitchTo(outer);
	MemoryContextDelete(context);
}

void
pgm_schema_record_keep(int64 run)
{
	Record		task = {.run = run};

	try_keep(task);
}

void
pgm_schema_record_keep_amid(int64 run)
{
	Record		task = {.run = run,.again = true,.unheld = true};

	try_keep(task);
}

void
pgm_schema_record_keep_failed(int64 run)
{
	Record		task = {.run = run,.failed = true};

	try_keep(task);
}

/* 0 if all is recorded that a run has left. */
static int64
find_missing(void)
{
	PgmSpiScope scope;
	Kept		kept;

	pgm_spi_begin(&scope);
	(void) find_kept(&kept);
	pgm_spi_end(&scope);
	return kept.missing;
}

void
pgm_schema_record_settle(void)
{
	int64		missing = find_missing();
	Record		task = {.run = missing,.again = true};

	if (missing == 0)
		return;
	ereport(NOTICE,
			errmsg("the schema that run " INT64_FORMAT " has left was not recorded, it is recorded as it is now",
				   missing),
			errdetail("What was changed by hand since then is not told."));
	try_keep(task);
}

void
pgm_schema_record_refuse_missing(void)
{
	int64		missing = find_missing();
	PgmSpiScope scope;
	Kept		kept;

	if (missing != 0)
		ereport(ERROR,
				errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				errmsg("the schema that run " INT64_FORMAT " has left was not recorded",
					   missing),
				errdetail("What its revisions have done is not told from what was changed by hand."),
				errhint("The next run records it, and so does pgmigrate.stamp(); what was changed by hand is part of that then."));
	pgm_spi_begin(&scope);
	if (find_kept(&kept) && kept.skipped != NULL)
		ereport(ERROR,
				errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				errmsg("not all of the schema that run " INT64_FORMAT " has left was recorded",
					   kept.run),
				errdetail("Other transactions had locked %s.", kept.skipped),
				errhint("The next run records it, and so does pgmigrate.stamp(); what was changed by hand is part of that then."));
	pgm_spi_end(&scope);
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
	Kept		kept;
	Datum		values[NOW_ARGS + 1];
	PgmSpiScope scope;

	pgm_spi_begin(&scope);
	if (!find_kept(&kept))
	{
		pgm_spi_end(&scope);
		ereport(NOTICE,
				errmsg("no schema is recorded to compare with"),
				errhint("The end of a run records it, and so does pgmigrate.stamp()."));
		return true;
	}
	if (kept.missing != 0)
		ereport(NOTICE,
				errmsg("the schema that run " INT64_FORMAT " has left was not recorded, what is compared is that of run " INT64_FORMAT,
					   kept.missing, kept.run),
				errdetail("What differs may have been done by a revision."),
				errhint("The next run records it, and so does pgmigrate.stamp()."));
	if (kept.skipped != NULL)
		ereport(NOTICE,
				errmsg("not all of the schema that run " INT64_FORMAT " has left was recorded, for locks of other transactions",
					   kept.run),
				errdetail("Not compared: %s.", kept.skipped),
				errhint("The next run records it, and so does pgmigrate.stamp()."));
	set_objects(pgm_schema_read(0, NULL), values);
	values[NOW_ARGS] = ignored_patterns();
	put_out(pgm_spi_execute(&drift_query, values, NULL), row, arg);
	pgm_spi_end(&scope);
	return kept.missing == 0 && kept.skipped == NULL;
}

void
pgm_schema_record_drift_on(int n, char **schemas, char **relations,
						   PgmDriftRow row, void *arg)
{
	Datum		values[NOW_ARGS + 3];
	Datum		names[1];
	Kept		kept;
	uint64		rows;
	PgmSpiScope scope;

	names[0] = pgm_text_array_datum(n, relations);
	pgm_spi_begin(&scope);
	limit_lock_wait(false);
	if (pgm_spi_execute(&any_known_query, names, NULL) > 0 &&
		find_kept(&kept))
	{
		const PgmSchema *schema = pgm_schema_read_unheld(n, schemas);

		set_objects(schema, values);
		values[NOW_ARGS] = ignored_patterns();
		values[NOW_ARGS + 1] = names[0];
		values[NOW_ARGS + 2] = skipped_objects(schema);
		rows = pgm_spi_execute(&drift_on_query, values, NULL);
		if (rows > 0 && kept.missing != 0)
			ereport(NOTICE,
					errmsg("the schema that run " INT64_FORMAT " has left was not recorded, so what was changed by hand is not told",
						   kept.missing),
					errhint("See pgmigrate.drift(), which compares with what run " INT64_FORMAT " has left.",
							kept.run));
		else
			put_out(rows, row, arg);
	}
	pgm_spi_end(&scope);
}

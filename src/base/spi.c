/*-------------------------------------------------------------------------
 *
 * spi.c
 *	  Our own queries: constant text, kept plans, a pinned environment.
 *
 * The only caller of SPI_*.  The ledger belongs to the owner of the extension
 * and nobody else may write it, so a scope runs as that owner, with
 * SECURITY_LOCAL_USERID_CHANGE so that nothing inside can change the role, and
 * with search_path pinned.  Row security of our tables is not used and is
 * switched to raise an error, should somebody add it.
 *
 * Plans are kept for the life of the backend.  The plan cache replans them
 * from their text when the extension is dropped and made again.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/xact.h"
#include "catalog/namespace.h"
#include "catalog/pg_namespace.h"
#include "catalog/pg_type.h"
#include "commands/extension.h"
#include "jit/jit.h"
#include "miscadmin.h"
#include "storage/latch.h"
#include "storage/proc.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/resowner.h"
#include "utils/snapmgr.h"
#include "utils/syscache.h"
#include "utils/timeout.h"
#include "utils/timestamp.h"
#include "utils/tuplestore.h"

#include "base/cancel.h"
#include "base/spi.h"
#include "base/transaction.h"
#include "compat/lock.h"
#include "compat/server.h"

/* Where text results are copied to; that of the innermost open scope. */
static MemoryContext result_context = NULL;

/* There is no schema of ours, and nobody who owns it. */
static bool without_schema = false;

Oid
pgm_extension_oid(void)
{
	return get_extension_oid("pgmigrate", false);
}

Oid
pgm_schema_owner(void)
{
	Oid			owner;
	HeapTuple	tuple;

	tuple = SearchSysCache1(NAMESPACENAME, CStringGetDatum("pgmigrate"));
	if (!HeapTupleIsValid(tuple))
		ereport(ERROR,
				errcode(ERRCODE_UNDEFINED_SCHEMA),
				errmsg("schema \"%s\" does not exist", "pgmigrate"),
				errhint("Run CREATE EXTENSION pgmigrate in this database."));
	owner = ((Form_pg_namespace) GETSTRUCT(tuple))->nspowner;
	ReleaseSysCache(tuple);
	return owner;
}

static void
begin_scope(PgmSpiScope *scope, Oid role, int sec_context)
{
	scope->outer = CurrentMemoryContext;
	scope->save_read_only = XactReadOnly;
	GetUserIdAndSecContext(&scope->save_user, &scope->save_sec_context);
	SetUserIdAndSecContext(role, scope->save_sec_context | sec_context);
	scope->guc_level = NewGUCNestLevel();
	(void) set_config_option("search_path", "pg_catalog, pg_temp",
							 PGC_USERSET, PGC_S_SESSION,
							 GUC_ACTION_SAVE, true, 0, false);
	(void) set_config_option("row_security", "off",
							 PGC_USERSET, PGC_S_SESSION,
							 GUC_ACTION_SAVE, true, 0, false);
	PushActiveSnapshot(GetTransactionSnapshot());
	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "SPI_connect failed");
	scope->save_result_context = result_context;
	result_context = scope->outer;
}

void
pgm_spi_without_schema(void)
{
	without_schema = true;
}

void
pgm_spi_begin(PgmSpiScope *scope)
{
	if (without_schema)
		begin_scope(scope, GetUserId(), SECURITY_LOCAL_USERID_CHANGE |
					SECURITY_RESTRICTED_OPERATION);
	else
		begin_scope(scope, pgm_schema_owner(), SECURITY_LOCAL_USERID_CHANGE);

	/* to compile a query of the catalog takes a hundred times as long */
	if (jit_enabled)
		(void) set_config_option("jit", "off", PGC_USERSET, PGC_S_SESSION,
								 GUC_ACTION_SAVE, true, 0, false);
}

/* How long the ledger session may wait for a lock, in one transaction. */
static int	ledger_limit = 0;
static LocalTransactionId ledger_limit_lxid = InvalidLocalTransactionId;

void
pgm_spi_limit_ledger(int ms)
{
	ledger_limit = ms;
	ledger_limit_lxid = pgm_local_xid();
}

/*
 * The ledger session: what a revision has SET cannot make the record fail.
 * Read only, role, timeouts and search_path are put back for the scope.  An
 * abort in it restores XactReadOnly as well: at the end of a
 * subtransaction to what it was, at the start of a transaction to the default.
 */
void
pgm_spi_begin_ledger(PgmSpiScope *scope)
{
	char		limit[16];

	pgm_spi_begin(scope);
	XactReadOnly = false;
	snprintf(limit, sizeof(limit), "%d",
			 ledger_limit_lxid == pgm_local_xid() ? ledger_limit : 0);
	(void) set_config_option("lock_timeout", limit, PGC_USERSET, PGC_S_SESSION,
							 GUC_ACTION_SAVE, true, 0, false);
}

void
pgm_spi_begin_as(PgmSpiScope *scope, Oid role)
{
	begin_scope(scope, role, SECURITY_LOCAL_USERID_CHANGE |
				SECURITY_RESTRICTED_OPERATION);
}

void
pgm_spi_prefer_index(void)
{
	(void) set_config_option("enable_seqscan", "off",
							 PGC_USERSET, PGC_S_SESSION,
							 GUC_ACTION_SAVE, true, 0, false);
}

void
pgm_spi_end(PgmSpiScope *scope)
{
	if (SPI_finish() != SPI_OK_FINISH)
		elog(ERROR, "SPI_finish failed");
	PopActiveSnapshot();

	/* triggers and functions of others that ran in it leave no setting */
	AtEOXact_GUC(false, scope->guc_level);
	XactReadOnly = scope->save_read_only;
	result_context = scope->save_result_context;
	SetUserIdAndSecContext(scope->save_user, scope->save_sec_context);
	MemoryContextSwitchTo(scope->outer);
}

/* The current memory context stays what it is; SPI would switch to its own. */
static uint64
execute(PgmQuery *query, const Datum *values, const bool *nulls,
		bool read_only)
{
	MemoryContext context = CurrentMemoryContext;
	char		null_flags[PGM_QUERY_MAX_ARGS + 1];
	int			rc;

	Assert(query->nargs <= PGM_QUERY_MAX_ARGS);

	if (query->plan == NULL)
	{
		SPIPlanPtr	plan = SPI_prepare_cursor(query->sql, query->nargs,
											  query->argtypes,
											  query->generic ?
											  CURSOR_OPT_GENERIC_PLAN : 0);

		if (plan == NULL)
			elog(ERROR, "could not prepare \"%s\": %s", query->sql,
				 SPI_result_code_string(SPI_result));
		SPI_keepplan(plan);
		query->plan = plan;
	}

	for (int i = 0; i < query->nargs; i++)
		null_flags[i] = (nulls != NULL && nulls[i]) ? 'n' : ' ';
	null_flags[query->nargs] = '\0';

	/* one level only: the result of the query before is not needed now */
	SPI_freetuptable(SPI_tuptable);
	SPI_tuptable = NULL;

	/*
	 * Of a UNION with LIMIT 1 the server would plan what begins soonest, not
	 * what ends soonest; where there is no row it reads whole catalogs.
	 */
	rc = SPI_execute_plan(query->plan, unconstify(Datum *, values),
						  null_flags, read_only, query->first ? 1 : 0);
	if (rc < 0)
		elog(ERROR, "could not execute \"%s\": %s", query->sql,
			 SPI_result_code_string(rc));
	MemoryContextSwitchTo(context);
	return SPI_processed;
}

uint64
pgm_spi_execute(PgmQuery *query, const Datum *values, const bool *nulls)
{
	return execute(query, values, nulls, false);
}

uint64
pgm_spi_execute_latest(PgmQuery *query, const Datum *values,
					   const bool *nulls)
{
	uint64		rows;

	/* no other snapshot can be had in parallel mode */
	PushActiveSnapshot(IsInParallelMode() ? GetActiveSnapshot() :
					   GetLatestSnapshot());
	rows = execute(query, values, nulls, true);
	PopActiveSnapshot();
	return rows;
}

uint64
pgm_spi_execute_snapshot(PgmQuery *query, const Datum *values)
{
	return execute(query, values, NULL, true);
}

uint64
pgm_spi_execute_built(const char *sql, bool read_only, int nargs, char **args)
{
	Oid			types[PGM_QUERY_MAX_ARGS];
	Datum		values[PGM_QUERY_MAX_ARGS];
	char		null_flags[PGM_QUERY_MAX_ARGS + 1];
	MemoryContext context = CurrentMemoryContext;
	int			rc;

	Assert(nargs <= PGM_QUERY_MAX_ARGS);

	for (int i = 0; i < nargs; i++)
	{
		types[i] = TEXTOID;
		values[i] = args[i] ? CStringGetTextDatum(args[i]) : (Datum) 0;
		null_flags[i] = args[i] ? ' ' : 'n';
	}
	null_flags[nargs] = '\0';
	SPI_freetuptable(SPI_tuptable);
	SPI_tuptable = NULL;
	rc = SPI_execute_with_args(sql, nargs, types, values, null_flags,
							   read_only, 0);
	if (rc < 0)
		elog(ERROR, "could not execute \"%s\": %s", sql,
			 SPI_result_code_string(rc));
	MemoryContextSwitchTo(context);
	return SPI_processed;
}

/*
 * The query may have read a table that is not ours, so the type is not taken
 * on trust: a number read as a text would be the address of it.
 */
static Datum
column_value(uint64 row, int column, Oid type, bool *isnull)
{
	TupleDesc	desc;

	if (SPI_tuptable == NULL || row < 1 || row > SPI_tuptable->numvals)
		elog(ERROR, "query has no row " UINT64_FORMAT, row);
	desc = SPI_tuptable->tupdesc;
	if (column < 1 || column > desc->natts)
		elog(ERROR, "query has no column %d", column);
	if (OidIsValid(type) && SPI_gettypeid(desc, column) != type)
		ereport(ERROR,
				errcode(ERRCODE_DATATYPE_MISMATCH),
				errmsg("column \"%s\" has type %s instead of %s",
					   NameStr(TupleDescAttr(desc, column - 1)->attname),
					   format_type_be(SPI_gettypeid(desc, column)),
					   format_type_be(type)));
	return SPI_getbinval(SPI_tuptable->vals[row - 1], desc, column, isnull);
}

bool
pgm_spi_isnull(uint64 row, int column)
{
	bool		isnull;

	(void) column_value(row, column, InvalidOid, &isnull);
	return isnull;
}

char *
pgm_spi_text(uint64 row, int column)
{
	bool		isnull;
	Datum		value = column_value(row, column, TEXTOID, &isnull);
	MemoryContext old;
	char	   *result;

	if (isnull)
		return NULL;
	old = MemoryContextSwitchTo(result_context);
	result = TextDatumGetCString(value);
	MemoryContextSwitchTo(old);
	return result;
}

int64
pgm_spi_int64(uint64 row, int column)
{
	bool		isnull;
	Datum		value = column_value(row, column, INT8OID, &isnull);

	return isnull ? 0 : DatumGetInt64(value);
}

int32
pgm_spi_int32(uint64 row, int column)
{
	bool		isnull;
	Datum		value = column_value(row, column, INT4OID, &isnull);

	return isnull ? 0 : DatumGetInt32(value);
}

bool
pgm_spi_bool(uint64 row, int column)
{
	bool		isnull;
	Datum		value = column_value(row, column, BOOLOID, &isnull);

	return !isnull && DatumGetBool(value);
}

TimestampTz
pgm_spi_timestamp(uint64 row, int column)
{
	bool		isnull;
	Datum		value = column_value(row, column, TIMESTAMPTZOID, &isnull);

	return isnull ? 0 : DatumGetTimestampTz(value);
}

/* An array without elements, or null, has n = 0. */
char	  **
pgm_spi_text_array(uint64 row, int column, int *n)
{
	bool		isnull;
	Datum		value = column_value(row, column, TEXTARRAYOID, &isnull);
	MemoryContext old;
	char	  **result = NULL;

	*n = 0;
	if (isnull)
		return NULL;
	old = MemoryContextSwitchTo(result_context);
	result = pgm_text_array_values(value, n);
	MemoryContextSwitchTo(old);
	return result;
}

/* OIDs, in an array of text. */
Oid *
pgm_spi_oid_array(uint64 row, int column, int *n)
{
	char	  **texts = pgm_spi_text_array(row, column, n);
	Oid		   *oids = MemoryContextAlloc(result_context,
										  sizeof(Oid) * Max(*n, 1));

	for (int i = 0; i < *n; i++)
		oids[i] = (Oid) strtoul(texts[i], NULL, 10);
	return oids;
}

/* As its output function has it, NULL for null. */
char *
pgm_spi_output(uint64 row, int column)
{
	MemoryContext old = MemoryContextSwitchTo(result_context);
	char	   *result = SPI_getvalue(SPI_tuptable->vals[row - 1],
									  SPI_tuptable->tupdesc, column);

	MemoryContextSwitchTo(old);
	return result;
}

int
pgm_spi_columns(void)
{
	return SPI_tuptable->tupdesc->natts;
}

char *
pgm_spi_column_name(int column)
{
	Form_pg_attribute att = TupleDescAttr(SPI_tuptable->tupdesc, column - 1);

	return MemoryContextStrdup(result_context, NameStr(att->attname));
}

List *
pgm_spi_oids(PgmQuery *query, const Datum *values)
{
	PgmSpiScope scope;
	List	   *result = NIL;
	uint64		rows;

	pgm_spi_begin(&scope);
	rows = pgm_spi_execute(query, values, NULL);
	for (uint64 i = 1; i <= rows; i++)
	{
		MemoryContext old = MemoryContextSwitchTo(scope.outer);

		result = lappend_oid(result, (Oid) pgm_spi_int64(i, 1));
		MemoryContextSwitchTo(old);
	}
	pgm_spi_end(&scope);
	return result;
}

void
pgm_spi_offer(const char *name, TupleDesc tupdesc, Tuplestorestate *store,
			  int64 rows)
{
	EphemeralNamedRelation relation =
		palloc0(sizeof(EphemeralNamedRelationData));
	int			rc;

	relation->md.name = pstrdup(name);
	relation->md.reliddesc = InvalidOid;
	relation->md.tupdesc = tupdesc;
	relation->md.enrtype = ENR_NAMED_TUPLESTORE;
	relation->md.enrtuples = rows;
	relation->reldata = store;
	rc = SPI_register_relation(relation);
	if (rc != SPI_OK_REL_REGISTER)
		elog(ERROR, "could not register \"%s\": %s", name,
			 SPI_result_code_string(rc));
}

void
pgm_spi_store(Tuplestorestate *store, TupleDesc tupdesc)
{
	for (uint64 i = 0; i < SPI_processed; i++)
		tuplestore_puttuple(store, SPI_tuptable->vals[i]);
}

Datum
pgm_text_datum(const char *text)
{
	return CStringGetTextDatum(text);
}

/* Argument i of a query; no text is null. */
void
pgm_set_text(Datum *values, bool *nulls, int i, const char *text)
{
	nulls[i] = text == NULL;
	values[i] = text == NULL ? (Datum) 0 : pgm_text_datum(text);
}

/* Of a type that is as wide as a column of numbers is. */
Datum
pgm_array_datum(Oid type, int n, Datum *elements)
{
	int16		length;
	bool		by_value;
	char		align;

	get_typlenbyvalalign(type, &length, &by_value, &align);
	return PointerGetDatum(construct_array(elements, n, type, length, by_value,
										   align));
}

Datum
pgm_oid_array_datum(const List *oids)
{
	Datum	   *elements = palloc(sizeof(Datum) * (list_length(oids) + 1));
	int			n = 0;
	ListCell   *lc;

	foreach(lc, oids)
		elements[n++] = ObjectIdGetDatum(lfirst_oid(lc));
	return pgm_array_datum(OIDOID, n, elements);
}

Datum
pgm_text_array_datum(int n, char **texts)
{
	Datum	   *elements = palloc(sizeof(Datum) * Max(n, 1));

	for (int i = 0; i < n; i++)
		elements[i] = CStringGetTextDatum(texts[i]);
	return PointerGetDatum(construct_array(elements, n, TEXTOID, -1, false,
										   TYPALIGN_INT));
}

/* NULL elements are refused: nothing of ours has a use for them. */
char	  **
pgm_text_array_values(Datum array, int *n)
{
	Datum	   *elements;
	bool	   *nulls;
	char	  **result;

	deconstruct_array(DatumGetArrayTypeP(array), TEXTOID, -1, false,
					  TYPALIGN_INT, &elements, &nulls, n);
	result = palloc(sizeof(char *) * Max(*n, 1));
	for (int i = 0; i < *n; i++)
	{
		if (nulls[i])
			ereport(ERROR,
					errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
					errmsg("array must not contain nulls"));
		result[i] = TextDatumGetCString(elements[i]);
	}
	return result;
}

void
pgm_spi_utility(const char *command)
{
	int			guc_level = NewGUCNestLevel();
	int			rc;

	(void) set_config_option("search_path", "pg_catalog, pg_temp",
							 PGC_USERSET, PGC_S_SESSION,
							 GUC_ACTION_SAVE, true, 0, false);
	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "SPI_connect failed");
	rc = SPI_execute(command, false, 0);
	if (rc < 0)
		elog(ERROR, "could not execute \"%s\": %s", command,
			 SPI_result_code_string(rc));
	SPI_finish();
	AtEOXact_GUC(false, guc_level);
}

typedef struct Attempt
{
	void		(*action) (void *arg);
	void	   *arg;
} Attempt;

/* Settings that it changes are put back also where it does not fail. */
static void
attempt_with_settings(void *arg)
{
	const Attempt *attempt = arg;
	int			guc_level = NewGUCNestLevel();

	attempt->action(attempt->arg);
	AtEOXact_GUC(false, guc_level);
}

bool
pgm_spi_try(void (*action) (void *arg), void *arg, ErrorData **error)
{
	MemoryContext save_result_context = result_context;
	Attempt		attempt = {action, arg};

	*error = pgm_txn_try(attempt_with_settings, &attempt);
	result_context = save_result_context;
	return *error == NULL;
}

/* A query about what is not ours, and what came of it. */
typedef struct Probe
{
	const char *query;
	bool		pinned;			/* search_path */
	bool		explain;		/* an EXPLAIN, no SELECT */
	int			columns;
	MemoryContext context;		/* of the result */
	uint64		nrows;
	char	  **values;			/* row by row, NULL for null */
	ErrorData  *error;			/* NULL if all is well */
} Probe;

static void
run_probe(void *arg)
{
	Probe	   *probe = arg;
	MemoryContext old;

	if (probe->pinned)
		(void) set_config_option("search_path", "pg_catalog, pg_temp",
								 PGC_USERSET, PGC_S_SESSION,
								 GUC_ACTION_SAVE, true, 0, false);
	PushActiveSnapshot(GetTransactionSnapshot());
	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "SPI_connect failed");
	if (SPI_execute(probe->query, !probe->explain, 0) !=
		(probe->explain ? SPI_OK_UTILITY : SPI_OK_SELECT))
		elog(ERROR, "could not execute \"%s\"", probe->query);
	probe->nrows = SPI_processed;
	old = MemoryContextSwitchTo(probe->context);
	probe->values = MemoryContextAllocHuge(probe->context, sizeof(char *) *
										   (probe->nrows * probe->columns + 1));
	for (uint64 i = 0; i < probe->nrows; i++)
		for (int column = 0; column < probe->columns; column++)
			probe->values[i * probe->columns + column] =
				SPI_getvalue(SPI_tuptable->vals[i], SPI_tuptable->tupdesc,
							 column + 1);
	MemoryContextSwitchTo(old);
	SPI_finish();
	PopActiveSnapshot();
}

static bool
try_probe(Probe *probe)
{
	probe->context = CurrentMemoryContext;
	return pgm_spi_try(run_probe, probe, &probe->error);
}

bool
pgm_spi_probe(const char *query, int64 *count, char **text)
{
	Probe		probe = {query, false, false, 2};

	if (!try_probe(&probe))
	{
		*text = probe.error->message;
		*count = probe.error->sqlerrcode;
		return false;
	}
	if (probe.nrows != 1)
		elog(ERROR, "could not execute \"%s\"", query);
	*count = strtoll(probe.values[0], NULL, 10);
	*text = probe.values[1];
	return true;
}

/* In a signal handler. */
static void
time_is_over(void)
{
	pgm_cancelled_by_us = true;
	InterruptPending = true;
	QueryCancelPending = true;
	SetLatch(MyLatch);
}

/* Of one that took longer, the message says that. */
static bool
try_in_time(Probe *probe, int limit)
{
	static TimeoutId timeout = MAX_TIMEOUTS;
	volatile bool ok = false;
	volatile bool late = false;

	if (limit <= 0)
		return try_probe(probe);
	if (timeout == MAX_TIMEOUTS)
		timeout = RegisterTimeout(USER_TIMEOUT, time_is_over);
	enable_timeout_after(timeout, limit);
	PG_TRY();
	{
		ok = try_probe(probe);
	}
	PG_FINALLY();
	{
		disable_timeout(timeout, false);

		/* over at the last moment, when nothing was left to interrupt */
		late = pgm_cancelled_by_us;
		if (late)
			QueryCancelPending = false;
		pgm_cancelled_by_us = false;
	}
	PG_END_TRY();
	if (!ok && late)
		probe->error->message = psprintf("it takes longer than %d ms%s", limit,
										 probe->explain ? " to plan it" : "");
	return ok;
}

bool
pgm_spi_probe_rows(const char *query, int columns, int limit,
				   char ***values, uint64 *n, ErrorData **error)
{
	Probe		probe = {query, true, false, columns};

	if (!try_in_time(&probe, limit))
	{
		*error = probe.error;
		return false;
	}
	*values = probe.values;
	*n = probe.nrows;
	return true;
}

bool
pgm_spi_explain(const char *explain, int limit, char **plan, char **message)
{
	Probe		probe = {explain, false, true, 1};
	bool		save_read_only = XactReadOnly;
	bool		ok;

	XactReadOnly = true;
	ok = try_in_time(&probe, limit);
	XactReadOnly = save_read_only;
	*plan = ok && probe.nrows == 1 ? probe.values[0] : NULL;
	*message = ok ? NULL : probe.error->message;
	return *plan != NULL;
}

static PgmQuery extension_schema_query = {
	"SELECT quote_ident(n.nspname) FROM pg_extension e "
	"JOIN pg_namespace n ON n.oid = e.extnamespace WHERE e.extname = $1",
	1, {TEXTOID}
};

char *
pgm_extension_schema(const char *extension)
{
	PgmSpiScope scope;
	Datum		values[1];
	char	   *schema = NULL;

	values[0] = pgm_text_datum(extension);
	pgm_spi_begin(&scope);
	if (pgm_spi_execute(&extension_schema_query, values, NULL) > 0)
		schema = pgm_spi_text(1, 1);
	pgm_spi_end(&scope);
	return schema;
}

/*-------------------------------------------------------------------------
 *
 * scratch.c
 *	  Work in another database of the cluster, in a background worker.
 *
 *	caller						worker
 *	segment, register, wait		connect as the caller's role, settings
 *								for each task:
 *								  run the text, or read the schema
 *	<- done, or model
 *	<- ERROR, or end of queue	exit
 *
 * A scratch database is called pgmigrate_scratch_<pid>_<n>; the pid is that of
 * the session that made it, so one whose session is gone is known by its name
 * and dropped by the next that comes.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_authid.h"
#include "commands/dbcommands.h"
#include "libpq/pqformat.h"
#include "libpq/pqmq.h"
#include "libpq/pqsignal.h"
#include "miscadmin.h"
#include "pgstat.h"
#include "postmaster/bgworker.h"
#include "postmaster/interrupt.h"
#include "storage/dsm.h"
#include "storage/ipc.h"
#include "storage/pmsignal.h"
#include "storage/proc.h"
#include "storage/shm_toc.h"
#include "utils/builtins.h"
#include "utils/memutils.h"
#include "utils/resowner.h"
#include "utils/syscache.h"

#include "base/clock.h"
#include "base/session_settings.h"
#include "base/spi.h"
#include "base/transaction.h"
#include "compat/queue.h"
#include "compat/server.h"
#include "diff/scratch.h"
#include "exec/execute.h"

#define SCRATCH_MAGIC 0x70676d73
#define SCRATCH_QUEUE_SIZE 65536
#define SCRATCH_TICK_MS 100

enum
{
	KEY_REQUEST = 1,
	KEY_SETTINGS,
	KEY_QUEUE,
	KEY_TEXTS
};

/* Messages of the worker besides errors and notices. */
#define MESSAGE_DONE 'd'
#define MESSAGE_MODEL 'm'

typedef struct Request
{
	NameData	database;
	NameData	role;
	Size		settings_size;
	int			ntasks;
	PgmScratchOp ops[FLEXIBLE_ARRAY_MEMBER];
} Request;

/* The caller's side. */
typedef struct Helper
{
	dsm_segment *segment;
	shm_mq_handle *queue;
	BackgroundWorkerHandle *handle;
	int			done;
	int			ntasks;
	PgmScratchTask *tasks;
} Helper;

static PgmQuery create_query = {
	"SELECT format('CREATE DATABASE %s TEMPLATE template0 ENCODING %L "
	"LC_COLLATE %L LC_CTYPE %L', chr(37) || 's', pg_encoding_to_char(d.encoding), "
	"d.datcollate, d.datctype) || CASE to_jsonb(d) ->> 'datlocprovider' "
	"WHEN 'i' THEN format(' LOCALE_PROVIDER icu ICU_LOCALE %L', "
	"coalesce(to_jsonb(d) ->> 'datlocale', to_jsonb(d) ->> 'daticulocale')) "
	"WHEN 'b' THEN format(' LOCALE_PROVIDER builtin BUILTIN_LOCALE %L', "
	"to_jsonb(d) ->> 'datlocale') ELSE '' END "
	"FROM pg_database d WHERE d.datname = current_database()"
};

static PgmQuery left_over_query = {
	"SELECT d.datname::text FROM pg_database d "
	"WHERE d.datname ~ '^pgmigrate_scratch_[0-9]+_[0-9]+$' "
	"AND pg_has_role($1::oid, d.datdba, 'USAGE') "
	"AND (split_part(d.datname, '_', 3)::int = pg_backend_pid() "
	"OR NOT EXISTS (SELECT FROM pg_stat_activity a "
	"WHERE a.pid = split_part(d.datname, '_', 3)::int))",
	1, {OIDOID}
};

static void
fill_request(Helper *helper, shm_toc *toc, const char *database,
			 const StringInfo settings, Size texts)
{
	Request    *request;
	char	   *space;

	request = shm_toc_allocate(toc, offsetof(Request, ops) +
							   sizeof(PgmScratchOp) * helper->ntasks);
	memset(request, 0, offsetof(Request, ops));
	namestrcpy(&request->database, database);
	namestrcpy(&request->role, GetUserNameFromId(GetUserId(), false));
	request->settings_size = settings->len;
	request->ntasks = helper->ntasks;
	for (int i = 0; i < helper->ntasks; i++)
		request->ops[i] = helper->tasks[i].op;
	shm_toc_insert(toc, KEY_REQUEST, request);

	space = shm_toc_allocate(toc, Max(settings->len, 1));
	memcpy(space, settings->data, settings->len);
	shm_toc_insert(toc, KEY_SETTINGS, space);

	space = shm_toc_allocate(toc, texts);
	shm_toc_insert(toc, KEY_TEXTS, space);
	for (int i = 0; i < helper->ntasks; i++)
	{
		const char *text = helper->tasks[i].text;

		strcpy(space, text == NULL ? "" : text);
		space += strlen(space) + 1;
	}
}

static void
create_segment(Helper *helper, const char *database)
{
	shm_toc_estimator estimator;
	StringInfoData settings;
	shm_toc    *toc;
	shm_mq	   *queue;
	Size		size;
	Size		texts = 0;

	initStringInfo(&settings);
	pgm_session_serialize(&settings);
	for (int i = 0; i < helper->ntasks; i++)
		texts += 1 + (helper->tasks[i].text == NULL ? 0 :
					  strlen(helper->tasks[i].text));

	shm_toc_initialize_estimator(&estimator);
	shm_toc_estimate_chunk(&estimator, offsetof(Request, ops) +
						   sizeof(PgmScratchOp) * helper->ntasks);
	shm_toc_estimate_chunk(&estimator, Max(settings.len, 1));
	shm_toc_estimate_chunk(&estimator, texts);
	shm_toc_estimate_chunk(&estimator, SCRATCH_QUEUE_SIZE);
	shm_toc_estimate_keys(&estimator, 4);
	size = shm_toc_estimate(&estimator);
	helper->segment = dsm_create(size, 0);
	toc = shm_toc_create(SCRATCH_MAGIC, dsm_segment_address(helper->segment),
						 size);
	fill_request(helper, toc, database, &settings, texts);
	queue = shm_mq_create(shm_toc_allocate(toc, SCRATCH_QUEUE_SIZE),
						  SCRATCH_QUEUE_SIZE);
	shm_toc_insert(toc, KEY_QUEUE, queue);
	shm_mq_set_receiver(queue, MyProc);
	helper->queue = shm_mq_attach(queue, helper->segment, NULL);
}

static void
start_worker(Helper *helper)
{
	BackgroundWorker worker = {0};

	worker.bgw_flags = BGWORKER_SHMEM_ACCESS |
		BGWORKER_BACKEND_DATABASE_CONNECTION;
	worker.bgw_start_time = BgWorkerStart_RecoveryFinished;
	worker.bgw_restart_time = BGW_NEVER_RESTART;
	strlcpy(worker.bgw_library_name, "pgmigrate", BGW_MAXLEN);
	strlcpy(worker.bgw_function_name, "pgmigrate_scratch_main", BGW_MAXLEN);
	strlcpy(worker.bgw_name, "pgmigrate scratch worker", BGW_MAXLEN);
	strlcpy(worker.bgw_type, "pgmigrate scratch worker", BGW_MAXLEN);
	worker.bgw_main_arg =
		UInt32GetDatum(dsm_segment_handle(helper->segment));
	worker.bgw_notify_pid = MyProcPid;
	if (!RegisterDynamicBackgroundWorker(&worker, &helper->handle))
		ereport(ERROR,
				errcode(ERRCODE_CONFIGURATION_LIMIT_EXCEEDED),
				errmsg("could not register a background worker"),
				errhint("Raise \"max_worker_processes\"."));
	shm_mq_set_handle(helper->queue, helper->handle);
}

static char *
get_text(StringInfo message)
{
	return pstrdup(pq_getmsgrawstring(message));
}

static PgmSchema *
receive_model(StringInfo message)
{
	PgmSchema  *schema = palloc0(sizeof(PgmSchema));

	schema->nobjects = pq_getmsgint(message, 4);
	schema->objects = palloc_extended(sizeof(PgmSchemaObject) *
									  (schema->nobjects + 1),
									  MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);
	for (int i = 0; i < schema->nobjects; i++)
	{
		PgmSchemaObject *object = &schema->objects[i];
		char	  **properties;

		object->kind = get_text(message);
		object->identity = get_text(message);
		object->nproperties = pq_getmsgint(message, 4);
		properties = palloc(sizeof(char *) * (object->nproperties + 1));
		object->values = palloc(sizeof(char *) * (object->nproperties + 1));
		object->properties = properties;
		for (int j = 0; j < object->nproperties; j++)
		{
			properties[j] = get_text(message);
			object->values[j] = get_text(message);
		}
	}
	schema->ndependencies = pq_getmsgint(message, 4);
	schema->dependencies = palloc_extended(sizeof(PgmSchemaDependency) *
										   (schema->ndependencies + 1),
										   MCXT_ALLOC_HUGE);
	for (int i = 0; i < schema->ndependencies; i++)
	{
		schema->dependencies[i].object = pq_getmsgint(message, 4);
		schema->dependencies[i].needs = pq_getmsgint(message, 4);
		schema->dependencies[i].type = (char) pq_getmsgbyte(message);
	}
	return schema;
}

/* A message of the worker: an answer, or an error or notice to raise. */
static void
receive(Helper *helper, char *data, Size size)
{
	StringInfoData message;
	ErrorData	edata;
	int			type;

	initStringInfo(&message);
	appendBinaryStringInfo(&message, data, size);
	type = pq_getmsgbyte(&message);
	if ((type == MESSAGE_DONE || type == MESSAGE_MODEL) &&
		helper->done < helper->ntasks)
	{
		PgmScratchTask *task = &helper->tasks[helper->done++];

		if (type == MESSAGE_MODEL)
			task->schema = receive_model(&message);
		else
		{
			task->sets_owners = pq_getmsgbyte(&message) != 0;
			task->grants = pq_getmsgbyte(&message) != 0;
		}
		task->done = true;
	}
	else if (type == 'E' || type == 'N')
	{
		pq_parse_errornotice(&message, &edata);
		edata.cursorpos = 0;
		if (edata.elevel >= ERROR)
		{
			WaitForBackgroundWorkerShutdown(helper->handle);
			edata.elevel = ERROR;
			ThrowErrorData(&edata);
		}
		if (edata.elevel >= WARNING)
			ThrowErrorData(&edata);
	}
	pfree(message.data);
}

static void
follow(Helper *helper)
{
	for (;;)
	{
		Size		size;
		void	   *data;
		shm_mq_result result;

		CHECK_FOR_INTERRUPTS();
		result = shm_mq_receive(helper->queue, &size, &data, true);
		if (result == SHM_MQ_SUCCESS)
			receive(helper, data, size);
		else if (result == SHM_MQ_DETACHED)
			break;
		else
			pgm_clock_wait(SCRATCH_TICK_MS);
	}
	WaitForBackgroundWorkerShutdown(helper->handle);
	if (helper->done < helper->ntasks)
		ereport(ERROR,
				errcode(ERRCODE_CONNECTION_EXCEPTION),
				errmsg("the pgmigrate scratch worker stopped without an answer"),
				errhint("See the server log."));
}

/*
 * Our session ends or fails: nobody would hear of what the worker does.  Runs
 * in error recovery, or, with a code, at the exit of the process.
 */
static void
stop_worker(int code, Datum arg)
{
	Helper	   *helper = (Helper *) DatumGetPointer(arg);
	pid_t		pid;

	/* without the postmaster the worker stops by itself */
	if (helper->handle == NULL || !PostmasterIsAlive())
		return;
	HOLD_INTERRUPTS();
	TerminateBackgroundWorker(helper->handle);
	while (GetBackgroundWorkerPid(helper->handle, &pid) != BGWH_STOPPED)
		pgm_clock_wait(10);
	RESUME_INTERRUPTS();
}

void
pgm_scratch_work(const char *database, int n, PgmScratchTask *tasks)
{
	Helper		helper = {0};

	helper.ntasks = n;
	helper.tasks = tasks;
	create_segment(&helper, database);

	/* before the worker exists, so that none is ever without a watcher */
	PG_ENSURE_ERROR_CLEANUP(stop_worker, PointerGetDatum(&helper));
	{
		start_worker(&helper);
		follow(&helper);
	}
	PG_END_ENSURE_ERROR_CLEANUP(stop_worker, PointerGetDatum(&helper));
	dsm_detach(helper.segment);
}

char *
pgm_scratch_name(int n)
{
	return psprintf("pgmigrate_scratch_%d_%d", MyProcPid, n);
}

static bool
may_create_database(Oid role)
{
	HeapTuple	tuple = SearchSysCache1(AUTHOID, ObjectIdGetDatum(role));
	bool		result;

	if (!HeapTupleIsValid(tuple))
		return false;
	result = ((Form_pg_authid) GETSTRUCT(tuple))->rolcreatedb;
	ReleaseSysCache(tuple);
	return result || superuser_arg(role);
}

static void
run_commands(char *text)
{
	PgmScratchTask task = {PGM_SCRATCH_COMMAND, text};

	pgm_scratch_work(get_database_name(MyDatabaseId), 1, &task);
}

void
pgm_scratch_create(int n, char **names)
{
	StringInfoData commands;
	PgmSpiScope scope;
	Datum		values[1];
	uint64		rows;
	char	   *create;

	if (!may_create_database(GetUserId()))
		ereport(ERROR,
				errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				errmsg("permission denied to create a scratch database"),
				errhint("Grant CREATEDB to role \"%s\".",
						GetUserNameFromId(GetUserId(), false)));
	initStringInfo(&commands);
	values[0] = ObjectIdGetDatum(GetUserId());
	pgm_spi_begin(&scope);
	rows = pgm_spi_execute_latest(&left_over_query, values, NULL);
	for (uint64 i = 1; i <= rows; i++)
		appendStringInfo(&commands, "DROP DATABASE IF EXISTS %s WITH (FORCE);",
						 quote_identifier(pgm_spi_text(i, 1)));
	pgm_spi_execute(&create_query, NULL, NULL);
	create = pgm_spi_text(1, 1);
	pgm_spi_end(&scope);
	for (int i = 0; i < n; i++)
	{
		const char *place = strstr(create, "%s");

		appendStringInfo(&commands, "%.*s%s%s;", (int) (place - create),
						 create, names[i], place + 2);
	}
	run_commands(commands.data);
}

void
pgm_scratch_drop(int n, char **names)
{
	MemoryContext context = CurrentMemoryContext;
	StringInfoData commands;

	initStringInfo(&commands);
	for (int i = 0; i < n; i++)
		appendStringInfo(&commands, "DROP DATABASE IF EXISTS %s WITH (FORCE);",
						 names[i]);
	PG_TRY();
	{
		run_commands(commands.data);
	}
	PG_CATCH();
	{
		ErrorData  *edata;

		MemoryContextSwitchTo(context);
		edata = CopyErrorData();
		FlushErrorState();
		ereport(WARNING,
				errcode(edata->sqlerrcode),
				errmsg("could not drop a scratch database: %s",
					   edata->message),
				errhint("The next call drops it."));
	}
	PG_END_TRY();
}

/* From here on: in the worker. */

static shm_mq_handle *to_caller = NULL;

static void
send_message(StringInfo message)
{
	/* without a reader there is nobody to do it for */
	if (pgm_shm_mq_send(to_caller, message->len, message->data) !=
		SHM_MQ_SUCCESS)
		ereport(ERROR,
				errcode(ERRCODE_CONNECTION_FAILURE),
				errmsg("the session that asked for a scratch database is gone"));
	pfree(message->data);
}

static void
send_text(StringInfo message, const char *text)
{
	appendBinaryStringInfo(message, text, strlen(text) + 1);
}

static void
send_model(const PgmSchema *schema)
{
	StringInfoData message;

	initStringInfo(&message);
	pq_sendbyte(&message, MESSAGE_MODEL);
	pq_sendint32(&message, schema->nobjects);
	for (int i = 0; i < schema->nobjects; i++)
	{
		const PgmSchemaObject *object = &schema->objects[i];
		int			n = 0;

		for (int j = 0; j < object->nproperties; j++)
			n += object->values[j] != NULL;
		send_text(&message, object->kind);
		send_text(&message, object->identity);
		pq_sendint32(&message, n);
		for (int j = 0; j < object->nproperties; j++)
			if (object->values[j] != NULL)
			{
				send_text(&message, object->properties[j]);
				send_text(&message, object->values[j]);
			}
	}
	pq_sendint32(&message, schema->ndependencies);
	for (int i = 0; i < schema->ndependencies; i++)
	{
		pq_sendint32(&message, schema->dependencies[i].object);
		pq_sendint32(&message, schema->dependencies[i].needs);
		pq_sendbyte(&message, schema->dependencies[i].type);
	}
	send_message(&message);
}

static bool
reaches_out(Node *stmt)
{
	switch (nodeTag(stmt))
	{
		case T_AlterRoleSetStmt:
		case T_AlterRoleStmt:
		case T_AlterSystemStmt:
		case T_AlterTableSpaceOptionsStmt:
		case T_AlterDatabaseSetStmt:
		case T_AlterDatabaseStmt:
		case T_AlterSubscriptionStmt:
		case T_CreateRoleStmt:
		case T_CreateSubscriptionStmt:
		case T_CreateTableSpaceStmt:
		case T_CreatedbStmt:
		case T_DropRoleStmt:
		case T_DropSubscriptionStmt:
		case T_DropTableSpaceStmt:
		case T_DropdbStmt:
		case T_GrantRoleStmt:
			return true;
		case T_CopyStmt:
			return castNode(CopyStmt, stmt)->is_program;
		default:
			return false;
	}
}

/*
 * Nothing of a scratch database may be felt outside of it; BEGIN and COMMIT
 * are left out, the text is one transaction anyway.
 */
static bool
is_to_be_run(const PgmSource *source, int n)
{
	PgmStatement *statement = &source->statements[n];

	if (reaches_out(statement->raw->stmt))
		ereport(ERROR,
				errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				errmsg("cannot run %s in a scratch database", statement->tag),
				errdetail("It would act outside of the database; it is in line %d of the text.",
						  statement->line),
				errhint("Take it out of the text."));
	return pgm_statement_refusal(statement->raw->stmt) !=
		PGM_REFUSED_TRANSACTION;
}

static bool
sets_owner(Node *stmt)
{
	ListCell   *cell;

	if (IsA(stmt, CreateSchemaStmt))
		return castNode(CreateSchemaStmt, stmt)->authrole != NULL;
	if (IsA(stmt, AlterTableStmt))
		foreach(cell, castNode(AlterTableStmt, stmt)->cmds)
			if (lfirst_node(AlterTableCmd, cell)->subtype == AT_ChangeOwner)
			return true;
	return IsA(stmt, AlterOwnerStmt);
}

/* Commands of psql that pg_dump writes: their lines are made blank. */
static void
blank_commands(char *text)
{
	static const char *const commands[] = {
		"\\restrict ", "\\unrestrict ", "\\connect "
	};

	for (char *line = text; line != NULL && *line;)
	{
		char	   *end = line + strcspn(line, "\n");

		for (int i = 0; i < lengthof(commands); i++)
			if (strncmp(line, commands[i], strlen(commands[i])) == 0)
				memset(line, ' ', end - line);
		line = *end ? end + 1 : NULL;
	}
}

static void
run_text(PgmScratchOp op, char *text)
{
	PgmExec		exec = {0};
	PgmSource  *source;
	StringInfoData message;
	bool		owners = false;
	bool		grants = false;
	bool		block = op == PGM_SCRATCH_LOAD;

	exec.worker = true;
	exec.label = "scratch database";
	blank_commands(text);
	pgm_txn_begin();
	source = pgm_source_parse(text, PGM_SOURCE_OTHER, NULL);
	pgm_txn_commit();
	if (block)
		pgm_txn_begin_block();
	for (int i = 0; i < source->nstatements; i++)
	{
		Node	   *stmt = source->statements[i].raw->stmt;

		CHECK_FOR_INTERRUPTS();
		if (block && !is_to_be_run(source, i))
			continue;
		owners |= sets_owner(stmt);
		grants |= IsA(stmt, GrantStmt) ||
			IsA(stmt, AlterDefaultPrivilegesStmt);
		if (!block)
			pgm_txn_begin();
		(void) pgm_exec_statement(&exec, source, i, true);
		if (!block)
			pgm_txn_commit();
	}
	if (block)
		pgm_txn_commit();
	initStringInfo(&message);
	pq_sendbyte(&message, MESSAGE_DONE);
	pq_sendbyte(&message, owners);
	pq_sendbyte(&message, grants);
	send_message(&message);
}

static void
do_task(PgmScratchOp op, char *text)
{
	if (op != PGM_SCRATCH_MODEL)
	{
		run_text(op, text);
		return;
	}
	pgm_txn_begin();
	send_model(pgm_schema_read_all(GetUserId()));
	pgm_txn_commit();
}

static shm_toc *
attach_segment(Datum main_arg)
{
	dsm_segment *segment;
	shm_toc    *toc = NULL;
	shm_mq	   *queue;

	segment = dsm_attach(DatumGetUInt32(main_arg));
	if (segment != NULL)
		toc = shm_toc_attach(SCRATCH_MAGIC, dsm_segment_address(segment));
	if (toc == NULL)
		ereport(ERROR,
				errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				errmsg("could not map dynamic shared memory segment"));
	queue = shm_toc_lookup(toc, KEY_QUEUE, false);
	shm_mq_set_sender(queue, MyProc);
	dsm_pin_mapping(segment);
	to_caller = shm_mq_attach(queue, segment, NULL);
	pq_redirect_to_shm_mq(segment, to_caller);
	return toc;
}

void
pgmigrate_scratch_main(Datum main_arg)
{
	MemoryContext context;
	shm_toc    *toc;
	Request    *request;
	char	   *text;

	pqsignal(SIGTERM, die);
	pqsignal(SIGHUP, SignalHandlerForConfigReload);
	BackgroundWorkerUnblockSignals();
	CurrentResourceOwner = ResourceOwnerCreate(NULL, "pgmigrate scratch");
	toc = attach_segment(main_arg);
	request = shm_toc_lookup(toc, KEY_REQUEST, false);
	context = AllocSetContextCreate(TopMemoryContext, "pgmigrate scratch",
									ALLOCSET_DEFAULT_SIZES);
	MemoryContextSwitchTo(context);
	BackgroundWorkerInitializeConnection(NameStr(request->database),
										 NameStr(request->role),
										 BGWORKER_BYPASS_ROLELOGINCHECK);
	pgm_txn_begin();
	pgm_session_apply(shm_toc_lookup(toc, KEY_SETTINGS, false),
					  request->settings_size);
	pgm_txn_commit();
	text = shm_toc_lookup(toc, KEY_TEXTS, false);
	for (int i = 0; i < request->ntasks; i++)
	{
		do_task(request->ops[i], pstrdup(text));
		text += strlen(text) + 1;
	}
	pgstat_report_activity(STATE_IDLE, NULL);
}

/*-------------------------------------------------------------------------
 *
 * task.c
 *	  Work in another database of the cluster, as a job of a worker.
 *
 *	caller						worker
 *	launch, follow				for each task:
 *								  run the text, or read the schema
 *	result of a task			<- answer
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/xact.h"
#include "catalog/namespace.h"
#include "commands/dbcommands.h"
#include "libpq/pqformat.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "utils/guc.h"
#include "utils/inval.h"
#include "utils/memutils.h"

#include "base/spi.h"
#include "base/transaction.h"
#include "compat/server.h"
#include "exec/execute.h"
#include "process/entry.h"
#include "process/follow.h"
#include "process/report.h"
#include "schema/catalogs.h"
#include "scratch/outside.h"
#include "scratch/scratch.h"

/* Of a statement in the context of its error. */
#define SHOWN_BYTES 200

/* The caller's side. */
typedef struct Work
{
	const char *database;
	int			ntasks;
	int			done;
	PgmScratchTask *tasks;
	MemoryContext context;		/* of what comes back */
	void		(*beside) (void *arg);
	void	   *beside_arg;
} Work;

/* True when all that is read has come. */
static bool
receive_reading(StringInfo message, PgmScratchTask *task)
{
	bool		catalogs = pq_getmsgbyte(message) != 0;

	return pgm_scratch_get_answer(message, catalogs ?
								  &task->reading.catalogs :
								  &task->reading.model) &&
		catalogs == task->catalogs;
}

/* What a worker answers for a task. */
static void
receive(StringInfo message, void *arg)
{
	Work	   *work = arg;
	MemoryContext old = MemoryContextSwitchTo(work->context);

	if (work->done < work->ntasks)
	{
		PgmScratchTask *task = &work->tasks[work->done];

		if (task->op == PGM_SCRATCH_MODEL)
			work->done += receive_reading(message, task);
		else
		{
			task->is_empty = pq_getmsgbyte(message) != 0;
			task->sets_owners = pq_getmsgbyte(message) != 0;
			task->grants = pq_getmsgbyte(message) != 0;
			work->done++;
		}
	}
	MemoryContextSwitchTo(old);
}

/* All texts are in one message. */
static void
check_size(const Work *work)
{
	Size		size = 0;

	for (int i = 0; i < work->ntasks; i++)
		size += work->tasks[i].text == NULL ? 0 : strlen(work->tasks[i].text);
	if (size >= MaxAllocSize - 1024)
		ereport(ERROR,
				errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				errmsg("the SQL for a scratch database is too long"),
				errdetail("It has %zu bytes, and cannot have more than %zu.",
						  size, (Size) MaxAllocSize - 1024),
				errhint("Leave a part of the schema to another revision with \"pgmigrate.autogenerate_include\" or \"pgmigrate.autogenerate_exclude\"."));
}

static void
launch_and_follow(void *arg)
{
	static const PgmRunRight none = {PGM_RUN_NONE, 0};
	Work	   *work = arg;
	PgmProcess *process;
	StringInfoData payload;
	bool		bracket = !IsTransactionState();

	check_size(work);
	initStringInfo(&payload);
	pq_sendint32(&payload, work->ntasks);
	for (int i = 0; i < work->ntasks; i++)
	{
		const char *text = work->tasks[i].text;

		pq_sendbyte(&payload, work->tasks[i].op);
		pq_sendbyte(&payload, work->tasks[i].catalogs);
		pgm_scratch_put_text(&payload, text == NULL ? "" : text);
	}
	if (bracket)
		pgm_txn_begin();

	/* another process may have made the database just now */
	AcceptInvalidationMessages();
	process = pgm_process_launch_in(get_database_oid(work->database, false),
									PGM_JOB_SCRATCH, none, payload.data,
									payload.len, 0);
	if (bracket)
		pgm_txn_commit();
	process->answer = receive;
	process->answer_arg = work;
	if (work->beside != NULL)
		work->beside(work->beside_arg);
	(void) pgm_process_follow(process);
	pfree(payload.data);
}

void
pgm_scratch_work(const char *database, int n, PgmScratchTask *tasks)
{
	Work		work = {database, n, 0, tasks, CurrentMemoryContext};

	pgm_process_guarded(launch_and_follow, &work);
}

void
pgm_scratch_work_beside(const char *database, int n, PgmScratchTask *tasks,
						void (*beside) (void *arg), void *arg)
{
	Work		work = {database, n, 0, tasks, CurrentMemoryContext, beside,
	arg};

	pgm_process_guarded(launch_and_follow, &work);
}

/* From here on: in the worker. */

/*
 * Nothing of a scratch database may be felt outside of it; BEGIN and COMMIT
 * are left out, the text is one transaction anyway.
 */
static bool
is_to_be_run(const PgmSource *source, int n)
{
	PgmStatement *statement = &source->statements[n];

	if (pgm_outside_reaches(statement->raw->stmt))
		ereport(ERROR,
				errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				errmsg("cannot run %s in a scratch database", statement->tag),
				errdetail("It would act outside of the database; it is in line %d of the text.",
						  statement->line),
				errhint("Take it out of the text."));
	return pgm_statement_refusal(statement->raw->stmt) !=
		PGM_REFUSED_TRANSACTION;
}

/* A timeout of this name is one of a server to come: of a newer pg_dump. */
static bool
sets_unknown_timeout(Node *stmt)
{
	static const char end[] = "_timeout";
	const char *name = !IsA(stmt, VariableSetStmt) ? NULL :
		castNode(VariableSetStmt, stmt)->name;
	size_t		length = name == NULL ? 0 : strlen(name);

	return length > strlen(end) &&
		strcmp(name + length - strlen(end), end) == 0 &&
		strchr(name, '.') == NULL &&
		GetConfigOption(name, true, false) == NULL;
}

/* pg_dump -n public has it, though a new database does too. */
static bool
makes_public_again(Node *stmt)
{
	CreateSchemaStmt *schema = (CreateSchemaStmt *) stmt;

	return IsA(stmt, CreateSchemaStmt) && schema->schemaname != NULL &&
		strcmp(schema->schemaname, "public") == 0 &&
		schema->authrole == NULL && schema->schemaElts == NIL &&
		OidIsValid(get_namespace_oid("public", true));
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

/*
 * The line of a COPY whose rows follow in the text, as pg_dump writes them; 0:
 * there is none.
 */
static int
line_of_rows(const char *text)
{
	static const char copy[] = "COPY ";
	static const char from[] = " FROM stdin;";
	int			copied = 0;
	int			n = 1;

	for (const char *line = text; *line; n++)
	{
		size_t		next = strcspn(line, "\n");
		size_t		len = next;

		if (len > 0 && line[len - 1] == '\r')
			len--;
		if (len >= strlen(copy) + strlen(from) &&
			strncmp(line, copy, strlen(copy)) == 0 &&
			strncmp(line + len - strlen(from), from, strlen(from)) == 0)
			copied = n;
		else if (copied > 0 && len == 2 && strncmp(line, "\\.", 2) == 0)
			return copied;
		line += next + (line[next] == '\n' ? 1 : 0);
	}
	return 0;
}

static void
refuse_rows(const char *text)
{
	int			line = line_of_rows(text);

	if (line > 0)
		ereport(ERROR,
				errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				errmsg("the text has rows of a table, not definitions only"),
				errdetail("They begin after line %d.", line),
				errhint("Leave them out, as \"pg_dump --schema-only\" does."));
}

/* The number of a statement says nothing where nobody has seen the text. */
static void
statement_context(void *arg)
{
	const char *text = arg;
	int			length = strlen(text);

	errcontext("for a scratch database: %.*s%s",
			   pg_mbcliplen(text, length, SHOWN_BYTES), text,
			   length > SHOWN_BYTES ? "..." : "");
}

static void
run_statement(const PgmExec *exec, const PgmSource *source, int n)
{
	ErrorContextCallback callback;

	callback.callback = statement_context;
	callback.arg = pgm_statement_text(source, n);
	callback.previous = error_context_stack;
	error_context_stack = &callback;
	(void) pgm_exec_statement(exec, source, n, true);
	error_context_stack = callback.previous;
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
	refuse_rows(text);
	pgm_txn_begin();
	source = pgm_source_parse(text, PGM_SOURCE_OTHER, NULL);
	pgm_txn_commit();
	if (block)
		pgm_txn_begin_block();
	for (int i = 0; i < source->nstatements; i++)
	{
		Node	   *stmt = source->statements[i].raw->stmt;

		pgm_process_check_cancel();
		if (block && (!is_to_be_run(source, i) || sets_unknown_timeout(stmt) ||
					  makes_public_again(stmt)))
			continue;
		owners |= sets_owner(stmt);
		grants |= IsA(stmt, GrantStmt) ||
			IsA(stmt, AlterDefaultPrivilegesStmt);
		if (!block)
			pgm_txn_begin();
		run_statement(&exec, source, i);
		if (!block)
			pgm_txn_commit();
	}
	if (block)
		pgm_txn_commit();
	initStringInfo(&message);
	pq_sendbyte(&message, source->nstatements == 0);
	pq_sendbyte(&message, owners);
	pq_sendbyte(&message, grants);
	pgm_report_answer(&message);
}

/* What is read is sent when nothing is held any more. */
static void
read_schema(bool catalogs)
{
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext,
												  "pgmigrate reading",
												  ALLOCSET_DEFAULT_SIZES);
	MemoryContext old = MemoryContextSwitchTo(context);
	PgmReading	reading = {NULL};

	pgm_txn_begin();
	MemoryContextSwitchTo(context);
	if (catalogs)
		pgm_schema_read_both(GetUserId(), &reading);
	else
		reading.model = pgm_schema_read_all(GetUserId());
	pgm_txn_commit();
	pgm_scratch_answer_model(0, reading.model);
	if (catalogs)
		pgm_scratch_answer_model(1, reading.catalogs);
	MemoryContextSwitchTo(old);
	MemoryContextDelete(context);
}

void
pgm_scratch_enter(const PgmJob *job)
{
	if (job->guard)
		ereport(ERROR,
				errcode(ERRCODE_INVALID_AUTHORIZATION_SPECIFICATION),
				errmsg("cannot work in a scratch database as role \"%s\"",
					   GetUserNameFromId(GetUserId(), false)),
				errdetail("The worker could log in as \"%s\" only.",
						  GetUserNameFromId(job->session_role, false)),
				errhint("Connect as the role itself, which needs LOGIN."));

	pgm_spi_without_schema();

	/* nothing of it is to last */
	SetConfigOption("synchronous_commit", "off", PGC_USERSET, PGC_S_SESSION);
	SetConfigOption("client_min_messages", "warning", PGC_USERSET,
					PGC_S_SESSION);
}

/* To put a database away takes its time, however little the caller has. */
static void
lift_timeouts(void)
{
	SetConfigOption("lock_timeout", "0", PGC_USERSET, PGC_S_SESSION);
	SetConfigOption("statement_timeout", "0", PGC_USERSET, PGC_S_SESSION);
}

static void
do_tasks(const PgmJob *job)
{
	MemoryContext context = AllocSetContextCreate(TopMemoryContext,
												  "pgmigrate scratch",
												  ALLOCSET_DEFAULT_SIZES);
	StringInfoData payload;
	int			n;

	MemoryContextSwitchTo(context);
	pgm_scratch_enter(job);
	initStringInfo(&payload);
	appendBinaryStringInfo(&payload, job->payload, job->payload_size);
	n = pq_getmsgint(&payload, 4);
	for (int i = 0; i < n; i++)
	{
		PgmScratchOp op = pq_getmsgbyte(&payload);
		bool		catalogs = pq_getmsgbyte(&payload) != 0;
		char	   *text = pgm_scratch_get_text(&payload);

		if (op == PGM_SCRATCH_MODEL)
			read_schema(catalogs);
		else
		{
			if (op == PGM_SCRATCH_COMMAND)
				lift_timeouts();
			pgm_outside_refuse(op == PGM_SCRATCH_LOAD);
			run_text(op, text);
		}
	}
}

void
pgm_scratch_register(void)
{
	pgm_process_register(PGM_JOB_SCRATCH, do_tasks);
}

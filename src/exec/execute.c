/*-------------------------------------------------------------------------
 *
 * execute.c
 *	  Run the statements of a revision.
 *
 * A statement goes through a portal of its own, as one from a client does, so
 * that hooks, event triggers and command triggers see it, and so that commands
 * which manage their own transactions can.  Its trees live in the memory
 * context that is current at the call, which must survive such commits.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/xact.h"
#include "catalog/pg_type.h"
#include "commands/trigger.h"
#include "executor/tuptable.h"
#include "miscadmin.h"
#include "nodes/makefuncs.h"
#include "parser/analyze.h"
#include "pgstat.h"
#include "storage/proc.h"
#include "tcop/dest.h"
#include "tcop/utility.h"
#include "utils/builtins.h"
#include "utils/portal.h"
#include "utils/snapmgr.h"
#include "utils/timeout.h"
#include "utils/timestamp.h"

#include "base/clock.h"
#include "base/session_settings.h"
#include "base/spi_list.h"
#include "base/sqlstate.h"
#include "compat/server.h"
#include "exec/copy_rows.h"
#include "exec/execute.h"
#include "exec/suggestion.h"
#include "sql/parse_text.h"

/* Triggers may leave work to triggers that are deferred; not for ever. */
#define PGM_DEFERRED_ROUNDS 100

typedef struct StatementContext
{
	const PgmSource *source;
	int			n;
	int64		over;			/* on the monotonic clock, 0 for no limit */
	bool		guarded;
	bool		top_level;
	PgmSuggestion suggestion;
} StatementContext;

/* A receiver that checks boolean columns. */
typedef struct VerifyReceiver
{
	DestReceiver pub;
	const PgmSource *source;
	TupleDesc	tupdesc;
	uint64		rows;
	int			booleans;
} VerifyReceiver;

/* Triggers that can be deferred: relation, and what SET CONSTRAINTS needs. */
static PgmQuery deferrable_query = {
	"SELECT t.tgrelid::int8, n.nspname::text, c.conname::text, "
	"bool_or(t.tginitdeferred), has_schema_privilege($1, n.oid, 'USAGE') "
	"FROM pg_trigger t JOIN pg_constraint c ON c.oid = t.tgconstraint "
	"JOIN pg_namespace n ON n.oid = c.connamespace WHERE t.tgdeferrable "
	"GROUP BY t.tgrelid, n.oid, n.nspname, c.conname",
	1, {OIDOID}
};

/* A cursor that is filled at commit, declared by what we run. */
static PgmQuery held_query = {
	"SELECT name FROM pg_cursors WHERE is_holdable "
	"AND creation_time >= statement_timestamp() LIMIT 1"
};

static bool
sets_role(Node *stmt)
{
	return IsA(stmt, VariableSetStmt) &&
		castNode(VariableSetStmt, stmt)->name != NULL &&
		pg_strcasecmp(castNode(VariableSetStmt, stmt)->name, "role") == 0;
}

/* What code does that is called by the statement, not it itself. */
static void
hint_transaction(const StatementContext *context)
{
	const PgmStatement *statement = &context->source->statements[context->n];
	Node	   *stmt = statement->raw->stmt;
	bool		code = IsA(stmt, DoStmt) || IsA(stmt, CallStmt);

	if (geterrcode() == ERRCODE_INVALID_TRANSACTION_TERMINATION && code &&
		(!context->top_level || IsTransactionBlock() || IsSubTransaction()))
		errhint("The revision is one transaction.  With transactional => false a DO block or a procedure can commit, outside of an EXCEPTION block.");
	else if (geterrcode() == ERRCODE_ACTIVE_SQL_TRANSACTION &&
			 IsA(stmt, SelectStmt) && !statement->marked)
		errhint("A function that refuses transactions needs the comment \"-- pgmigrate: no-transaction\" before its statement.  A command that a function calls must be a statement of the revision.");
	else if (geterrcode() == ERRCODE_ACTIVE_SQL_TRANSACTION &&
			 (code || IsA(stmt, SelectStmt)))
		errhint("Code runs in a transaction.  Make the command a statement of the revision, which is committed by itself then.");
}

static void
statement_error_callback(void *arg)
{
	StatementContext *context = arg;
	const PgmSource *source = context->source;
	int			line;

	/* the server names its own setting only, and a hint only if it has one */
	if (context->over > 0 && geterrcode() == ERRCODE_QUERY_CANCELED &&
		pgm_clock_monotonic() >= context->over)
		errhint("The statement ran into \"%s\".",
				"pgmigrate.concurrently_timeout");

	/* it speaks of a function that nobody has called */
	if (context->guarded && geterrcode() == ERRCODE_INSUFFICIENT_PRIVILEGE &&
		sets_role(source->statements[context->n].raw->stmt))
		errhint("The session user is not the current role, so a revision must not change the role.  Connect as the role that is to run it, or leave %s out of the revision.",
				"SET ROLE");

	if (context->suggestion.sqlerrcode != 0 &&
		geterrcode() == context->suggestion.sqlerrcode)
		errhint("%s", context->suggestion.hint);
	hint_transaction(context);

	line = pgm_statement_error_position(source, context->n);
	if (source->what == NULL)
		return;
	if (source->revision != NULL)
		errcontext("%s SQL of revision \"%s\", statement %d of %d, line %d",
				   source->what, source->revision, context->n + 1,
				   source->nstatements, line);
	else
		errcontext("statement %d of %d, line %d", context->n + 1,
				   source->nstatements, line);
	if (source->file != NULL)
		errcontext("loaded from file \"%s\"", source->file);
}

static void
report_statement(const PgmExec *exec, const PgmSource *source, int n)
{
	char	   *text = pgm_statement_text(source, n);
	char	   *activity;

	if (source->revision != NULL)
		activity = psprintf("/* pgmigrate: %s, revision %s, statement %d of %d */ %s",
							exec->label, source->revision, n + 1,
							source->nstatements, text);
	else
		activity = psprintf("/* pgmigrate: %s */ %s", exec->label, text);
	debug_query_string = activity;
	pgstat_report_activity(STATE_RUNNING, activity);

	/* the server's own logging of statements is for those of clients */
	if (log_statement != LOGSTMT_NONE &&
		log_statement >=
		GetCommandLogLevel((Node *) source->statements[n].raw))
		ereport(LOG,
				errmsg("statement: %s", text),
				errhidestmt(true));
}

/*
 * The server gets the statement's own text, not that of the revision: what
 * hooks log, count or send to other servers is this text.  Returns the rows
 * processed.
 */
static uint64
run_portal(const PgmSource *source, int n, bool top_level,
		   DestReceiver *receiver)
{
	const char *text;
	RawStmt    *raw = pgm_statement_alone(source, n, &text);
	List	   *querytrees;
	List	   *plantrees;
	Portal		portal;
	QueryCompletion qc;
	bool		snapshot = analyze_requires_snapshot(raw);

	if (snapshot)
		PushActiveSnapshot(GetTransactionSnapshot());
	querytrees = pg_analyze_and_rewrite_fixedparams(raw, text, NULL, 0, NULL);
	plantrees = pg_plan_queries(querytrees, text, CURSOR_OPT_PARALLEL_OK,
								NULL);
	if (snapshot)
		PopActiveSnapshot();

	/* the unnamed portal may be that of the query that called us */
	portal = CreateNewPortal();
	portal->visible = false;
	PortalDefineQuery(portal, NULL, text,
					  CreateCommandTag(raw->stmt), plantrees, NULL);
	PortalStart(portal, NULL, 0, InvalidSnapshot);
	InitializeQueryCompletion(&qc);
	(void) pgm_portal_run(portal, top_level, receiver, &qc);
	PortalDrop(portal, false);
	return qc.nprocessed;
}

/* Rows of COPY, or a portal of the statement's own. */
static uint64
run_statement(const PgmSource *source, int n, bool top_level,
			  DestReceiver *receiver)
{
	uint64		rows;

	if (!pgm_copy_rows(source, n, &rows))
		rows = run_portal(source, n, top_level, receiver);
	return rows;
}

/*
 * In the caller's session the server has armed the timeout for the statement
 * that called us.  What the revision itself has SET bounds each statement of
 * its own, unless that of the caller ends before.
 */
static uint64
run_bounded(const PgmExec *exec, const PgmSource *source, int n,
			bool top_level, DestReceiver *receiver)
{
	bool		armed = get_timeout_active(STATEMENT_TIMEOUT);
	TimestampTz outer = armed ? get_timeout_finish_time(STATEMENT_TIMEOUT) : 0;
	TimestampTz own;
	uint64		rows;

	if (exec->worker || StatementTimeout <= 0 ||
		StatementTimeout == exec->session_timeout)
		return run_statement(source, n, top_level, receiver);
	own = TimestampTzPlusMilliseconds(GetCurrentTimestamp(),
									  StatementTimeout);
	if (armed && outer <= own)
		return run_statement(source, n, top_level, receiver);

	enable_timeout_at(STATEMENT_TIMEOUT, own);
	PG_TRY();
	{
		rows = run_statement(source, n, top_level, receiver);
	}
	PG_FINALLY();
	{
		disable_timeout(STATEMENT_TIMEOUT, false);
		if (armed)
			enable_timeout_at(STATEMENT_TIMEOUT, outer);
	}
	PG_END_TRY();
	return rows;
}

/* Outside of a block there is no guard, and this one could do anything. */
static void
refuse_marked(void)
{
	ereport(ERROR,
			errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
			errmsg("cannot run a statement outside of a transaction block as another role than the session user"),
			errdetail("The comment \"pgmigrate: no-transaction\" stands before it."),
			errhint("Connect as the role itself."));
}

/* What records the step of a script would have the rights of another role. */
static void
check_session_user(Oid expected)
{
	if (GetSessionUserId() != expected)
		ereport(ERROR,
				errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				errmsg("code that a statement runs has changed \"%s\"",
					   "session_authorization"),
				errdetail("A revision runs with the rights of the role that calls upgrade or downgrade."));
}

static uint64
exec_statement(const PgmExec *exec, const PgmSource *source, int n,
			   bool top_level, DestReceiver *receiver)
{
	StatementContext context;
	ErrorContextCallback callback;
	PgmGuard	guard;
	bool		guarded = exec->guard && !source->statements[n].top_level;
	bool		sets = pgm_sets_reading(source->statements[n].raw->stmt);
	PgmReading	reading = pgm_reading();
	Oid			role = GetUserId();
	Oid			session = GetSessionUserId();
	uint64		rows;

	CHECK_FOR_INTERRUPTS();
	if (exec->guard && source->statements[n].marked)
		refuse_marked();

	context.source = source;
	context.n = n;
	context.over = 0;
	context.guarded = guarded;
	context.top_level = top_level;
	memset(&context.suggestion, 0, sizeof(PgmSuggestion));
	callback.callback = statement_error_callback;
	callback.arg = &context;
	callback.previous = error_context_stack;
	error_context_stack = &callback;

	if (exec->worker)
	{
		int			limit = StatementTimeout;

		if (exec->time_limit > 0 && (limit == 0 || exec->time_limit < limit))
		{
			limit = exec->time_limit;
			context.over = pgm_clock_monotonic() + limit * INT64CONST(1000);
		}
		report_statement(exec, source, n);
		if (limit > 0)
			enable_timeout_after(STATEMENT_TIMEOUT, limit);
	}

	/*
	 * A statement that commits by itself cannot run under the guard.  It is
	 * one of a few kinds of command, none of which changes the role; but see
	 * below.
	 */
	if (guarded)
		pgm_guard_raise(&guard);

	/*
	 * A statement of a function that calls us may have changed what this one
	 * sees.
	 */
	if (!top_level)
		CommandCounterIncrement();
	if (!source->statements[n].top_level)
		context.suggestion =
			pgm_exec_suggestion(source->statements[n].raw->stmt);
	rows = run_bounded(exec, source, n, top_level, receiver);
	if (!source->statements[n].top_level)
		CommandCounterIncrement();

	if (guarded)
		pgm_guard_lower(&guard);
	else if (exec->guard && GetUserId() != role)
		ereport(ERROR,
				errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				errmsg("statement changed the role"));
	check_session_user(session);
	if (!sets)
		pgm_reading_check(&reading);

	if (exec->worker)
	{
		disable_timeout(STATEMENT_TIMEOUT, false);
		debug_query_string = NULL;
	}

	error_context_stack = callback.previous;
	return rows;
}

uint64
pgm_exec_statement(const PgmExec *exec, const PgmSource *source, int n,
				   bool top_level)
{
	return exec_statement(exec, source, n, top_level, None_Receiver);
}

static void
verify_startup(DestReceiver *self, int operation, TupleDesc tupdesc)
{
	VerifyReceiver *receiver = (VerifyReceiver *) self;

	receiver->tupdesc = tupdesc;
	receiver->rows = 0;
	receiver->booleans = 0;
	for (int i = 0; i < tupdesc->natts; i++)
		if (TupleDescAttr(tupdesc, i)->atttypid == BOOLOID)
			receiver->booleans++;
	if (receiver->booleans == 0)
		ereport(ERROR,
				errcode(ERRCODE_DATATYPE_MISMATCH),
				errmsg("verify query has no boolean column"),
				errhint("Write the check as a boolean column, such as SELECT count(*) = 0 AS ok."));
}

static bool
verify_receive(TupleTableSlot *slot, DestReceiver *self)
{
	VerifyReceiver *receiver = (VerifyReceiver *) self;

	receiver->rows++;
	slot_getallattrs(slot);
	for (int i = 0; i < receiver->tupdesc->natts; i++)
	{
		Form_pg_attribute attribute = TupleDescAttr(receiver->tupdesc, i);

		if (attribute->atttypid != BOOLOID)
			continue;
		if (!slot->tts_isnull[i] && DatumGetBool(slot->tts_values[i]))
			continue;
		ereport(ERROR,
				errcode(PGM_ERRCODE_VERIFY_FAILED),
				errmsg("verification of revision \"%s\" failed",
					   receiver->source->revision),
				errdetail("Column \"%s\" is %s in row " UINT64_FORMAT " of the verify query.",
						  NameStr(attribute->attname),
						  slot->tts_isnull[i] ? "null" : "false",
						  receiver->rows),
				errhint("Mend the data or the revision, then run it again."));
	}
	return true;
}

static void
verify_nothing(DestReceiver *self)
{
}

void
pgm_exec_verify_query(const PgmExec *exec, const PgmSource *source, int n,
					  bool top_level)
{
	VerifyReceiver receiver = {{0}};

	receiver.pub.receiveSlot = verify_receive;
	receiver.pub.rStartup = verify_startup;
	receiver.pub.rShutdown = verify_nothing;
	receiver.pub.rDestroy = verify_nothing;
	receiver.pub.mydest = DestNone;
	receiver.source = source;
	exec_statement(exec, source, n, top_level, &receiver.pub);
}

void
pgm_exec_verify(const PgmExec *exec, const PgmSource *source, bool top_level)
{
	for (int i = 0; i < source->nstatements; i++)
		pgm_exec_verify_query(exec, source, i, top_level);
}

/* A receiver of names of objects and whether they are as they should be. */
typedef struct ObjectReceiver
{
	DestReceiver pub;
	MemoryContext context;
	List	   *failed;
} ObjectReceiver;

static void
objects_startup(DestReceiver *self, int operation, TupleDesc tupdesc)
{
	if (tupdesc->natts != 2 ||
		TupleDescAttr(tupdesc, 0)->atttypid != TEXTOID ||
		TupleDescAttr(tupdesc, 1)->atttypid != BOOLOID)
		elog(ERROR, "not a generated verification");
}

static bool
objects_receive(TupleTableSlot *slot, DestReceiver *self)
{
	ObjectReceiver *receiver = (ObjectReceiver *) self;
	MemoryContext old;

	slot_getallattrs(slot);
	if (!slot->tts_isnull[1] && DatumGetBool(slot->tts_values[1]))
		return true;
	old = MemoryContextSwitchTo(receiver->context);
	receiver->failed = lappend(receiver->failed,
							   slot->tts_isnull[0] ? pstrdup("?") :
							   TextDatumGetCString(slot->tts_values[0]));
	MemoryContextSwitchTo(old);
	return true;
}

List *
pgm_exec_failed_objects(const PgmExec *exec, const PgmSource *source, int n,
						bool top_level)
{
	ObjectReceiver receiver = {{0}};

	receiver.pub.receiveSlot = objects_receive;
	receiver.pub.rStartup = objects_startup;
	receiver.pub.rShutdown = verify_nothing;
	receiver.pub.rDestroy = verify_nothing;
	receiver.pub.mydest = DestNone;
	receiver.context = CurrentMemoryContext;
	exec_statement(exec, source, n, top_level, &receiver.pub);
	return receiver.failed;
}

/* Constraints whose triggers are waiting for the commit. */
typedef struct DeferredConstraints
{
	List	   *pending;
	List	   *initially;		/* of those, INITIALLY DEFERRED */
	bool		nameable;		/* by the current user, all of them */
} DeferredConstraints;

static void
find_deferred(DeferredConstraints *deferred)
{
	PgmSpiScope scope;
	uint64		rows;
	Datum		values[1];

	memset(deferred, 0, sizeof(DeferredConstraints));
	deferred->nameable = true;
	values[0] = ObjectIdGetDatum(GetUserId());
	pgm_spi_begin(&scope);
	rows = pgm_spi_execute(&deferrable_query, values, NULL);
	for (uint64 i = 1; i <= rows; i++)
	{
		MemoryContext old;
		RangeVar   *name;

		if (!AfterTriggerPendingOnRel((Oid) pgm_spi_int64(i, 1)))
			continue;
		old = MemoryContextSwitchTo(scope.outer);
		name = makeRangeVar(pgm_spi_text(i, 2), pgm_spi_text(i, 3), -1);
		deferred->pending = lappend(deferred->pending, name);
		if (pgm_spi_bool(i, 4))
			deferred->initially = lappend(deferred->initially, name);
		deferred->nameable &= pgm_spi_bool(i, 5);
		MemoryContextSwitchTo(old);
	}
	pgm_spi_end(&scope);
}

static void
set_constraints(List *names, bool deferred)
{
	ConstraintsSetStmt *stmt = makeNode(ConstraintsSetStmt);

	stmt->constraints = names;
	stmt->deferred = deferred;
	AfterTriggerSetState(stmt);
}

/*
 * What would run at commit, when no guard is up any more: triggers that were
 * deferred again while the deferred ones were fired, and cursors WITH HOLD.
 */
static void
refuse_work_at_commit(void)
{
	DeferredConstraints deferred;
	char	   *cursor;

	find_deferred(&deferred);
	cursor = pgm_spi_one_text(&held_query, NULL);
	if (deferred.pending != NIL)
		ereport(ERROR,
				errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				errmsg("cannot defer triggers to the commit here"),
				errdetail("The session user is another than the current user, with whose rights the revision runs."));
	if (cursor != NULL)
		ereport(ERROR,
				errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				errmsg("cannot hold cursor \"%s\" open here", cursor),
				errdetail("The session user is another than the current user, with whose rights the revision runs."));
}

/*
 * What a revision leaves deferred is fired, and deferred again for what else
 * is in the transaction.  That goes by name, so where the user may not name a
 * constraint, all of them become immediate.
 */
void
pgm_exec_fire_deferred(const PgmExec *exec)
{
	if (!exec->guard)
		return;
	for (int i = 0; i < PGM_DEFERRED_ROUNDS; i++)
	{
		DeferredConstraints deferred;
		PgmGuard	guard;

		CHECK_FOR_INTERRUPTS();
		find_deferred(&deferred);
		if (deferred.pending == NIL)
			break;
		pgm_guard_raise(&guard);
		set_constraints(deferred.nameable ? deferred.pending : NIL, false);
		if (deferred.nameable && deferred.initially != NIL)
			set_constraints(deferred.initially, true);
		pgm_guard_lower(&guard);
	}
	refuse_work_at_commit();
}

/*-------------------------------------------------------------------------
 *
 * refused.c
 *	  What a revision must not contain, whatever it is for.
 *
 * A revision must do the same wherever it runs: in a worker, in the caller's
 * transaction and as a script of psql.  What cannot, because it belongs to the
 * session, to the transaction of the run or to the way text is read, is
 * refused when the revision is stored, rather than in the middle of a run.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "compat/parse.h"
#include "sql/refused.h"
#include "sql/relation_names.h"
#include "sql/set_statement.h"

/* Functions whose effect, or result, ends with the transaction. */
static const char *const transaction_functions[] = {
	"lo_open", "pg_advisory_xact_lock", "pg_advisory_xact_lock_shared",
	"pg_export_snapshot", "pg_try_advisory_xact_lock",
	"pg_try_advisory_xact_lock_shared"
};

static bool
is_listed(const char *name, const char *const *list, int n)
{
	for (int i = 0; i < n; i++)
		if (strcmp(name, list[i]) == 0)
			return true;
	return false;
}

static PgmRefusal
copy_refusal(CopyStmt *copy)
{
	if (copy->filename != NULL || copy->is_program)
		return PGM_REFUSED_NOT;
	return copy->is_from ? PGM_REFUSED_COPY_FROM : PGM_REFUSED_COPY_TO;
}

static PgmRefusal
setting_refusal(const char *name)
{
	static const char *const modes[] = {
		"transaction_deferrable", "transaction_isolation",
		"transaction_read_only"
	};

	if (pg_strcasecmp(name, "session_authorization") == 0)
		return PGM_REFUSED_AUTHORIZATION;
	for (int i = 0; i < lengthof(modes); i++)
		if (pg_strcasecmp(name, modes[i]) == 0)
			return PGM_REFUSED_MODE;
	if (pg_strcasecmp(name, "exit_on_error") == 0)
		return PGM_REFUSED_EXIT;
	return pg_strcasecmp(name, "backslash_quote") == 0 ?
		PGM_REFUSED_LEXING : PGM_REFUSED_NOT;
}

static PgmRefusal
set_refusal(VariableSetStmt *set)
{
	if (set->name == NULL)
		return PGM_REFUSED_NOT;
	if (set->kind == VAR_SET_MULTI)
		return strncmp(set->name, "TRANSACTION", strlen("TRANSACTION")) == 0 ?
			PGM_REFUSED_MODE : PGM_REFUSED_NOT;
	return setting_refusal(set->name);
}

static PgmRefusal
call_refusal(const FuncCall *call)
{
	const char *name = pgm_catalog_function(call);
	const char *setting;

	if (name == NULL || strcmp(name, "set_config") != 0 ||
		list_length(call->args) != 3)
		return PGM_REFUSED_NOT;
	setting = pgm_constant_text(linitial(call->args));
	return setting == NULL ? PGM_REFUSED_NOT : setting_refusal(setting);
}

static bool
find_refused_call(Node *node, void *context)
{
	PgmRefusal *refusal = context;

	if (node == NULL)
		return false;
	if (IsA(node, FuncCall))
	{
		*refusal = call_refusal(castNode(FuncCall, node));
		if (*refusal != PGM_REFUSED_NOT)
			return true;
	}
	return pgm_walk_raw(node, find_refused_call, context);
}

/* The statements that the walker of raw trees knows. */
static bool
has_expressions(Node *stmt)
{
	switch (nodeTag(stmt))
	{
		case T_SelectStmt:
		case T_InsertStmt:
		case T_UpdateStmt:
		case T_DeleteStmt:
		case T_MergeStmt:
			return true;
		default:
			return false;
	}
}

PgmRefusal
pgm_statement_refusal(Node *stmt)
{
	PgmRefusal	refusal = PGM_REFUSED_NOT;

	switch (nodeTag(stmt))
	{
		case T_TransactionStmt:
			return PGM_REFUSED_TRANSACTION;
		case T_CopyStmt:
			return copy_refusal(castNode(CopyStmt, stmt));
		case T_DiscardStmt:
			return castNode(DiscardStmt, stmt)->target == DISCARD_ALL ?
				PGM_REFUSED_DISCARD : PGM_REFUSED_NOT;
		case T_VariableSetStmt:
			return set_refusal(castNode(VariableSetStmt, stmt));
		case T_ListenStmt:
		case T_UnlistenStmt:
			return PGM_REFUSED_LISTEN;
		default:
			if (has_expressions(stmt))
				(void) find_refused_call(stmt, &refusal);
			return refusal;
	}
}

const char *
pgm_refusal_words(PgmRefusal refusal)
{
	switch (refusal)
	{
		case PGM_REFUSED_NOT:
			return NULL;
		case PGM_REFUSED_TRANSACTION:
			return "transaction control";
		case PGM_REFUSED_COPY_FROM:
			return "COPY FROM STDIN";
		case PGM_REFUSED_COPY_TO:
			return "COPY TO STDOUT";
		case PGM_REFUSED_DISCARD:
			return "DISCARD ALL";
		case PGM_REFUSED_AUTHORIZATION:
			return "SET SESSION AUTHORIZATION";
		case PGM_REFUSED_LISTEN:
			return "LISTEN";
		case PGM_REFUSED_MODE:
			return "SET TRANSACTION";
		case PGM_REFUSED_LEXING:
			return "SET backslash_quote";
		case PGM_REFUSED_EXIT:
			return "SET exit_on_error";
	}
	return NULL;				/* keep compiler quiet */
}

static int
refusal_detail(PgmRefusal refusal)
{
	switch (refusal)
	{
		case PGM_REFUSED_NOT:
		case PGM_REFUSED_TRANSACTION:
			return 0;
		case PGM_REFUSED_COPY_FROM:
			return errdetail("The server runs revisions, and has no client to read from.");
		case PGM_REFUSED_COPY_TO:
			return errdetail("The server runs revisions, and has no client to write to.");
		case PGM_REFUSED_DISCARD:
			return errdetail("It would reset the role and the settings that the run has from its caller.");
		case PGM_REFUSED_AUTHORIZATION:
			return errdetail("A revision runs with the rights of the role that calls upgrade or downgrade.");
		case PGM_REFUSED_LISTEN:
			return errdetail("The server runs revisions, in a session that ends with the run.");
		case PGM_REFUSED_MODE:
			return errdetail("The transaction is that of the run, which has begun it already.");
		case PGM_REFUSED_LEXING:
			return errdetail("A revision is parsed when it is stored and when it runs, which must not depend on the session.");
		case PGM_REFUSED_EXIT:
			return errdetail("An error would end the process before it is recorded.");
	}
	return 0;					/* keep compiler quiet */
}

static int
refusal_hint(PgmRefusal refusal)
{
	switch (refusal)
	{
		case PGM_REFUSED_COPY_FROM:
			return errhint("Use INSERT, or COPY from a file on the server.");
		case PGM_REFUSED_LISTEN:
			return errhint("Listen in the session that is to be notified; %s is allowed.",
						   "NOTIFY");
		case PGM_REFUSED_MODE:
			return errhint("Leave it out; the calling session's \"%s\" and \"%s\" do not change what a run does.",
						   "default_transaction_isolation",
						   "default_transaction_read_only");
		case PGM_REFUSED_LEXING:
			return errhint("Write the text as it is to be read, then leave the setting out.");
		default:
			return 0;
	}
}

void
pgm_statement_refuse(Node *stmt)
{
	PgmRefusal	refusal = pgm_statement_refusal(stmt);

	if (refusal == PGM_REFUSED_NOT)
		return;
	if (refusal == PGM_REFUSED_TRANSACTION)
		ereport(ERROR,
				errcode(ERRCODE_INVALID_TRANSACTION_TERMINATION),
				errmsg("transaction control is not allowed in a revision"),
				errhint("Each revision is one transaction already; for statements that cannot run in one, pass transactional => false."));
	ereport(ERROR,
			errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
			errmsg("%s is not allowed in a revision",
				   pgm_refusal_words(refusal)),
			refusal_detail(refusal), refusal_hint(refusal));
}

static const char *
lock_words(LockClauseStrength strength)
{
	switch (strength)
	{
		case LCS_FORKEYSHARE:
			return "SELECT FOR KEY SHARE";
		case LCS_FORSHARE:
			return "SELECT FOR SHARE";
		case LCS_FORNOKEYUPDATE:
			return "SELECT FOR NO KEY UPDATE";
		default:
			return "SELECT FOR UPDATE";
	}
}

typedef struct TransactionSearch
{
	bool		row_locks;		/* do they count? */
	const char *found;
} TransactionSearch;

/* A call whose effect ends with the transaction, by what it is called. */
static bool
find_transaction_call(Node *node, void *context)
{
	TransactionSearch *search = context;

	if (node == NULL)
		return false;
	if (IsA(node, FuncCall))
	{
		FuncCall   *call = castNode(FuncCall, node);
		const char *name = pgm_catalog_function(call);

		if (name == NULL)
			search->found = NULL;
		else if (is_listed(name, transaction_functions,
						   lengthof(transaction_functions)))
			search->found = pstrdup(name);
		else if (strcmp(name, "set_config") == 0 &&
				 list_length(call->args) == 3 &&
				 pgm_constant_is_true(lthird(call->args)))
			search->found = "set_config(..., true)";
		if (search->found != NULL)
			return true;
	}
	if (search->row_locks && IsA(node, SelectStmt) &&
		castNode(SelectStmt, node)->lockingClause != NIL)
	{
		search->found =
			lock_words(linitial_node(LockingClause,
									 castNode(SelectStmt, node)->lockingClause)->strength);
		return true;
	}
	return pgm_walk_raw(node, find_transaction_call, context);
}

static const char *
needs_block(Node *stmt)
{
	if (IsA(stmt, LockStmt))
		return "LOCK TABLE";
	if (IsA(stmt, DeclareCursorStmt) &&
		(castNode(DeclareCursorStmt, stmt)->options & CURSOR_OPT_HOLD) == 0)
		return "DECLARE CURSOR";
	return NULL;
}

const char *
pgm_statement_ends_alone(Node *stmt)
{
	TransactionSearch search = {true, NULL};
	Node	   *query = pgm_query_run(stmt);

	if (IsA(stmt, ConstraintsSetStmt))
		return "SET CONSTRAINTS";
	if (IsA(stmt, VariableSetStmt))
		return castNode(VariableSetStmt, stmt)->is_local ? "SET LOCAL" : NULL;
	if (query == NULL ||
		!(IsA(query, SelectStmt) || IsA(query, InsertStmt) ||
		  IsA(query, UpdateStmt) || IsA(query, DeleteStmt) ||
		  pgm_is_merge(query)))
		return NULL;

	/* what changes rows that are there locks others for itself */
	search.row_locks = IsA(query, SelectStmt) || IsA(query, InsertStmt);
	(void) find_transaction_call(query, &search);
	return search.found;
}

/* A table that does something at the end of its transaction. */
static void
warn_on_commit(Node *stmt)
{
	const RangeVar *table;
	OnCommitAction action;

	if (IsA(stmt, CreateStmt))
	{
		table = castNode(CreateStmt, stmt)->relation;
		action = castNode(CreateStmt, stmt)->oncommit;
	}
	else if (IsA(stmt, CreateTableAsStmt))
	{
		table = castNode(CreateTableAsStmt, stmt)->into->rel;
		action = castNode(CreateTableAsStmt, stmt)->into->onCommit;
	}
	else
		return;
	if (action != ONCOMMIT_DROP && action != ONCOMMIT_DELETE_ROWS)
		return;
	ereport(WARNING,
			action == ONCOMMIT_DROP ?
			errmsg("temporary table \"%s\" is gone before the statement after it",
				   table->relname) :
			errmsg("temporary table \"%s\" is emptied before each statement",
				   table->relname),
			errdetail("The revision runs statement by statement, each committed by itself."),
			errhint("Leave ON COMMIT out; a temporary table ends with the revision."));
}

void
pgm_statement_refuse_alone(Node *stmt)
{
	const char *words = needs_block(stmt);

	if (words != NULL)
		ereport(ERROR,
				errcode(ERRCODE_NO_ACTIVE_SQL_TRANSACTION),
				errmsg("%s can only be used in transaction blocks", words),
				errdetail("The revision runs statement by statement, each committed by itself."),
				errhint("Put the statements that need it into a revision of their own, without the one that cannot run in a transaction block."));
	words = pgm_statement_ends_alone(stmt);
	if (words != NULL)
		ereport(WARNING,
				errmsg("%s has no effect on the statements after it", words),
				errdetail("The revision runs statement by statement, each committed by itself."),
				errhint("Use what holds for the session, such as SET; it ends with the revision."));
	warn_on_commit(stmt);
}

/*-------------------------------------------------------------------------
 *
 * watched_plan.c
 *	  The plan of a query, looked at, and executed only where it may be.
 *
 * To plan a query can run code: functions of constants, checks of domains.  So
 * it is planned as the role that watches it, in a restricted context, and not
 * at all where it reaches code that is neither of the server or an extension
 * nor of that role.  Code of the role itself would not gain a right, but could
 * keep up a run, against all cancels, or make it fail: it counts only if the
 * role has the privileges of who runs.
 *
 * Parameters are put in as literals, where the parser has found them, so that
 * they get their types from the query as those of a driver do.  Where they
 * have no values the generic plan is looked at, of a prepared statement.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/xact.h"
#include "catalog/pg_authid.h"
#include "catalog/pg_type.h"
#include "commands/prepare.h"
#include "miscadmin.h"
#include "parser/parse_node.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"

#include "base/settings.h"
#include "base/spi.h"
#include "base/transaction.h"
#include "classify/foreign_code.h"
#include "compat/parse.h"
#include "compat/server.h"
#include "gate/watched_plan.h"
#include "sql/statements.h"

/* What a plan may wait for each lock, while a run holds its own. */
#define PGM_WATCHED_LOCK_TIMEOUT "100ms"

/* In milliseconds; what is executed has a limit of its own. */
#define PGM_WATCHED_TIMEOUT 5000

#define PGM_WATCHED_PREPARED "pgmigrate watched plan"

typedef struct Found
{
	List	   *refs;			/* of ParamRef *, by their location */
} Found;

typedef struct Attempt
{
	const PgmWatched *watched;
	PgmWatchedPlan *plan;
	Oid			trusted;		/* whose code may run */
	MemoryContext context;		/* of the answer */
} Attempt;

static bool
find_parameters(Node *node, void *context)
{
	Found	   *found = context;

	if (node == NULL)
		return false;
	if (IsA(node, ParamRef))
		found->refs = lappend(found->refs, node);
	return pgm_walk_raw(node, find_parameters, context);
}

static int
by_location(const ListCell *a, const ListCell *b)
{
	return ((ParamRef *) lfirst(a))->location -
		((ParamRef *) lfirst(b))->location;
}

static char *
with_parameters(const PgmWatched *watched, Node *stmt)
{
	Found		found = {NIL};
	const char *at = watched->query;
	StringInfoData text;
	ListCell   *lc;

	(void) find_parameters(stmt, &found);
	list_sort(found.refs, by_location);
	initStringInfo(&text);
	foreach(lc, found.refs)
	{
		const ParamRef *ref = lfirst(lc);
		const char *place = watched->query + ref->location;
		const char *value;

		if (ref->number < 1 || ref->number > watched->nparameters)
			ereport(ERROR,
					errcode(ERRCODE_UNDEFINED_PARAMETER),
					errmsg("there is no parameter $%d", ref->number),
					errhint("Give its value to pgmigrate.watch()."));
		if (place < at)
			continue;			/* the same, met twice */
		appendBinaryStringInfo(&text, at, place - at);
		value = watched->parameters[ref->number - 1];
		appendStringInfo(&text, " %s ",
						 value == NULL ? "NULL" : quote_literal_cstr(value));
		at = place + 1 + strspn(place + 1, "0123456789");

		/* one value may be put in many times */
		if (text.len > (int64) pgm_max_revision_size * 1024)
			pgm_source_check_size(text.data, "watched");
	}
	appendStringInfoString(&text, at);
	return text.data;
}

static Node *
parse(const PgmWatched *watched)
{
	List	   *list = pg_parse_query(watched->query);
	Node	   *stmt = list_length(list) == 1 ?
		linitial_node(RawStmt, list)->stmt : NULL;

	if (stmt == NULL || nodeTag(stmt) == T_ExplainStmt ||
		(!IsA(stmt, SelectStmt) && !IsA(stmt, InsertStmt) &&
		 !IsA(stmt, UpdateStmt) && !IsA(stmt, DeleteStmt) &&
		 !pgm_is_merge(stmt)))
		ereport(ERROR,
				errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				errmsg("a watched query must be one SELECT, INSERT, UPDATE, DELETE or MERGE"));
	return stmt;
}

static void
set_local(const char *name, const char *value)
{
	(void) set_config_option(name, value, PGC_USERSET, PGC_S_SESSION,
							 GUC_ACTION_SAVE, true, 0, false);
}

/*
 * PREPARE, which a restricted context does not allow; what it would run was
 * looked at before.  A null of a domain would run the checks of that.
 */
static char *
prepare(const PgmWatched *watched, Node *stmt)
{
	PrepareStmt *node = makeNode(PrepareStmt);
	ParseState *pstate = make_parsestate(NULL);
	CachedPlanSource *source;
	StringInfoData text;

	node->name = pstrdup(PGM_WATCHED_PREPARED);
	node->query = stmt;
	pstate->p_sourcetext = watched->query;
	PrepareQuery(pstate, node, 0, 0);
	source = FetchPreparedStatement(PGM_WATCHED_PREPARED, true)->plansource;
	initStringInfo(&text);
	appendStringInfoString(&text, "EXECUTE \"" PGM_WATCHED_PREPARED "\"");
	for (int i = 0; i < source->num_params; i++)
	{
		if (get_typtype(source->param_types[i]) == TYPTYPE_DOMAIN)
			ereport(ERROR,
					errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
					errmsg("the query is not planned, parameter $%d is of a domain",
						   i + 1));
		appendStringInfoString(&text, i == 0 ? " (NULL" : ", NULL");
	}
	if (source->num_params > 0)
		appendStringInfoChar(&text, ')');
	set_local("plan_cache_mode", "force_generic_plan");
	return text.data;
}

/* The first is that of the topmost node, whose parts come after it. */
static double
number_of(const char *json, const char *name)
{
	const char *at = strstr(json, psprintf("\"%s\": ", name));

	return at == NULL ? 0 : strtod(at + strlen(name) + 4, NULL);
}

static void
explain(void *arg)
{
	Attempt    *attempt = arg;
	const PgmWatched *watched = attempt->watched;
	PgmWatchedPlan *plan = attempt->plan;
	Node	   *stmt;
	char	   *strange;
	char	   *text;

	set_local("search_path", watched->search_path);
	set_local("lock_timeout", PGM_WATCHED_LOCK_TIMEOUT);
	stmt = parse(watched);
	strange = pgm_strange_code(stmt, NULL, attempt->trusted, true);
	if (strange != NULL)
		ereport(ERROR,
				errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				errmsg("the query is not planned, it reaches %s", strange));
	plan->executed = watched->execute && IsA(stmt, SelectStmt);
	text = psprintf("EXPLAIN (%sVERBOSE, FORMAT JSON) %s",
					plan->executed ? "ANALYZE, BUFFERS, " : "",
					watched->generic ? prepare(watched, stmt) :
					with_parameters(watched, stmt));
	if (!pgm_spi_explain(text, plan->executed ? 0 : PGM_WATCHED_TIMEOUT,
						 &plan->json, &plan->error))
		return;
	plan->cost = number_of(plan->json, "Total Cost");
	plan->ms = number_of(plan->json, "Actual Total Time");
	plan->blocks = (int64) (number_of(plan->json, "Shared Hit Blocks") +
							number_of(plan->json, "Shared Read Blocks"));
}

/* The locks of the plan go with it, also where it is cancelled. */
static void
explain_aside(void *arg)
{
	Attempt    *attempt = arg;
	const PgmWatched *watched = attempt->watched;
	Oid			save_user;
	int			save_context;
	ErrorData  *error;

	GetUserIdAndSecContext(&save_user, &save_context);
	SetUserIdAndSecContext(watched->role, save_context |
						   SECURITY_LOCAL_USERID_CHANGE |
						   SECURITY_RESTRICTED_OPERATION);
	MemoryContextSwitchTo(attempt->context);
	if (!pgm_spi_try(explain, attempt, &error))
		attempt->plan->error = error->message;
	SetUserIdAndSecContext(save_user, save_context);
	if (watched->generic &&
		FetchPreparedStatement(PGM_WATCHED_PREPARED, false) != NULL)
		DropPreparedStatement(PGM_WATCHED_PREPARED, false);
}

void
pgm_watched_explain(const PgmWatched *watched, PgmWatchedPlan *plan)
{
	Attempt		attempt = {watched, plan, BOOTSTRAP_SUPERUSERID,
	CurrentMemoryContext};
	ErrorData  *error;

	memset(plan, 0, sizeof(PgmWatchedPlan));
	if (!OidIsValid(watched->role))
	{
		plan->error = pstrdup("the role that watches it does not exist any more");
		return;
	}
	if (has_privs_of_role(watched->role, GetUserId()))
		attempt.trusted = watched->role;
	error = pgm_txn_look(explain_aside, &attempt);
	if (error != NULL)
		plan->error = error->message;
}

/*-------------------------------------------------------------------------
 *
 * verify.c
 *	  The verify queries of applied revisions, at any time.
 *
 * A run has verified a revision once.  Here the same queries run again, each
 * in a read-only subtransaction that is rolled back, so that the answer is
 * complete though one of them fails.  They find names as they did after the
 * upgrade, which may have SET search_path.  Texts of authors without the
 * caller's rights are refused as in a run, and the role cannot be changed.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "miscadmin.h"
#include "utils/guc.h"
#include "utils/memutils.h"
#include "utils/resowner.h"

#include "base/cancel.h"
#include "base/sqlstate.h"
#include "base/transaction.h"
#include "compat/server.h"
#include "exec/execute.h"
#include "lock/held.h"
#include "run/generated.h"
#include "run/verify.h"
#include "store/authors.h"
#include "store/run_plan.h"

/* Why a query does not hold, in the current context. */
static const char *
reason(const ErrorData *edata)
{
	if (edata->detail == NULL)
		return edata->message;

	/* the message has the revision, which is known */
	if (edata->sqlerrcode == PGM_ERRCODE_VERIFY_FAILED)
		return edata->detail;
	return psprintf("%s: %s", edata->message, edata->detail);
}

/* Is it the end of our work, not of this query? */
static bool
is_cancel(const ErrorData *edata)
{
	return pgm_error_is_cancel(edata) ||
		edata->sqlerrcode == ERRCODE_ADMIN_SHUTDOWN ||
		edata->elevel >= FATAL;
}

static int
compare_names(const ListCell *a, const ListCell *b)
{
	return strcmp(lfirst(a), lfirst(b));
}

/*
 * The objects that no later revision did something to, in an order that does
 * not depend on the plan of the query.
 */
static const char *
still_wrong(const char *revision, const List *failed)
{
	List	   *sorted = list_copy(failed);
	StringInfoData buf;
	ListCell   *lc;

	initStringInfo(&buf);
	list_sort(sorted, compare_names);
	foreach(lc, sorted)
		if (!pgm_verification_superseded(revision, lfirst(lc)))
		appendStringInfo(&buf, "%s%s", buf.len > 0 ? ", " :
						 "Not as the revision has left it: ",
						 (char *) lfirst(lc));
	if (buf.len == 0)
		return NULL;
	appendStringInfoChar(&buf, '.');
	return buf.data;
}

/* NULL if it holds. */
static const char *
run_query(const PgmSource *source, int n, bool generated)
{
	PgmExec		exec = {0};
	MemoryContext context = CurrentMemoryContext;
	ResourceOwner owner = CurrentResourceOwner;
	ErrorData  *volatile edata = NULL;
	List	   *volatile failed = NIL;
	PgmSetAside *aside = pgm_held_set_aside();
	int			level = pgm_txn_begin_sub();

	exec.guard = true;
	PG_TRY();
	{
		(void) set_config_option("transaction_read_only", "on",
								 PGC_USERSET, PGC_S_SESSION,
								 GUC_ACTION_LOCAL, true, 0, false);
		if (generated)
		{
			MemoryContextSwitchTo(context);
			failed = pgm_generated_ask(&exec, source, n, false);
		}
		else
			pgm_exec_verify_query(&exec, source, n, false);
	}
	PG_CATCH();
	{
		MemoryContextSwitchTo(context);
		edata = CopyErrorData();
		FlushErrorState();
	}
	PG_END_TRY();

	/* before it goes on, or the transaction of the caller stays aborted */
	pgm_txn_rollback_sub(level);
	MemoryContextSwitchTo(context);
	CurrentResourceOwner = owner;
	pgm_held_give_back(aside);
	if (edata == NULL)
		return still_wrong(source->revision, failed);
	if (is_cancel(edata))
		ReThrowError(edata);
	return reason(edata);
}

static void
verify_revision(const PgmRevision *revision, PgmVerifyVisitor visit,
				void *arg)
{
	PgmVerification verification = {revision->id, "written", 1, NULL};
	PgmSource  *upgrade;
	PgmSource  *verify;
	int			guc_level;

	verification.detail = pgm_revision_why_not_trusted(revision);
	if (verification.detail != NULL)
	{
		visit(&verification, arg);
		return;
	}
	upgrade = pgm_source_parse(revision->upgrade, PGM_SOURCE_UPGRADE,
							   revision->id);
	verify = pgm_source_parse(revision->verify, PGM_SOURCE_VERIFY,
							  revision->id);
	guc_level = NewGUCNestLevel();
	for (int i = 0; i < upgrade->nstatements; i++)
		pgm_source_follow(upgrade, i);
	for (int i = 0; i < verify->nstatements; i++)
	{
		verification.statement = i + 1;
		verification.detail = run_query(verify, i, false);
		visit(&verification, arg);
	}
	AtEOXact_GUC(false, guc_level);
}

/* Of the text that is stored; what was applied may have been another. */
static void
verify_generated(const PgmRevision *revision, PgmVerifyVisitor visit,
				 void *arg)
{
	PgmVerification verification = {revision->id, "generated", 0, NULL};
	char	   *id = revision->id;
	const PgmGenerated *generated = pgm_verification_get(1, &id)[0];
	PgmSource  *source;

	if (generated == NULL || generated->upgrade == NULL ||
		strcmp(generated->digest, revision->digest) != 0)
		return;
	source = pgm_source_parse(generated->upgrade, PGM_SOURCE_VERIFY,
							  revision->id);
	for (int i = 0; i < source->nstatements; i++)
	{
		verification.statement = i + 1;
		verification.detail = run_query(source, i, true);
		visit(&verification, arg);
	}
}

/* The ids of the range, or of all revisions, that are applied. */
static char **
applied_ids(const char *range, int *n)
{
	PgmPlan    *plan = pgm_plan_load();
	bool	   *applied = pgm_graph_applied(plan->graph, plan->rows);
	PgmGraphError error = {PGM_GRAPH_OK};
	PgmRevSet	set;
	char	  **ids;

	if (!pgm_graph_range(plan->graph, plan->rows,
						 range == NULL ? "base:heads" : range, &set, &error))
		pgm_graph_raise(&error);
	ids = palloc(sizeof(char *) * Max(set.n, 1));
	*n = 0;
	for (int i = 0; i < set.n; i++)
		if (applied[set.rev[i]])
			ids[(*n)++] = pstrdup(pgm_graph_id(plan->graph, set.rev[i]));
	if (*n == 0 && set.n == 1)
		ereport(ERROR,
				errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				errmsg("revision \"%s\" is not applied",
					   pgm_graph_id(plan->graph, set.rev[0])));
	return ids;
}

void
pgm_verify_applied(const char *range, PgmVerifyVisitor visit, void *arg)
{
	MemoryContext context;
	int			n;
	char	  **ids = applied_ids(range, &n);

	context = AllocSetContextCreate(CurrentMemoryContext,
									"pgmigrate verify",
									ALLOCSET_DEFAULT_SIZES);
	for (int i = 0; i < n; i++)
	{
		MemoryContext old = MemoryContextSwitchTo(context);
		PgmRevision *revision = pgm_revision_get(ids[i]);

		CHECK_FOR_INTERRUPTS();
		if (revision != NULL && revision->verify != NULL)
			verify_revision(revision, visit, arg);
		else if (revision != NULL)
			verify_generated(revision, visit, arg);
		MemoryContextSwitchTo(old);
		MemoryContextReset(context);
	}
	MemoryContextDelete(context);
}

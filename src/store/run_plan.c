/*-------------------------------------------------------------------------
 *
 * run_plan.c
 *	  From the stored graph and the ledger to the steps of a run.
 *
 * Reads only.  Everything that can be known before the first step is refused
 * here, so that a refused run has changed nothing.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/xact.h"
#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/memutils.h"

#include "base/digest.h"
#include "base/spi_list.h"
#include "base/sqlstate.h"
#include "compat/server.h"
#include "store/authors.h"
#include "store/journal.h"
#include "store/ledger.h"
#include "store/begun_statement.h"
#include "store/run_plan.h"

static PgmQuery revertible_query = {
	"SELECT id FROM pgmigrate.operation "
	"WHERE revision = $1 AND state = 'switched' ORDER BY id DESC LIMIT 1",
	1, {TEXTOID}
};

static PgmQuery no_downgrade_query = {
	"SELECT u.id FROM unnest($1) WITH ORDINALITY AS u (id, n) "
	"JOIN pgmigrate.revision r ON r.id = u.id "
	"WHERE r.downgrade IS NULL ORDER BY u.n LIMIT 1",
	1, {TEXTARRAYOID}
};

/*
 * By number: steps run about in the order in which they were stored, so that
 * neighbours are on one page, where the ids are all over their index.
 */
static PgmQuery texts_query = {
	"SELECT CASE WHEN $2 THEN r.upgrade ELSE r.downgrade END, "
	"CASE WHEN $2 THEN r.downgrade ELSE r.upgrade END "
	"FROM unnest($1) WITH ORDINALITY AS u (seq, n) "
	"JOIN pgmigrate.revision r ON r.seq = u.seq ORDER BY u.n",
	2, {INT8ARRAYOID, BOOLOID}
};

static PgmQuery by_statement_query = {
	"SELECT r.id FROM unnest($1) WITH ORDINALITY AS u (id, n) "
	"JOIN pgmigrate.revision r ON r.id = u.id "
	"WHERE NOT r.transactional ORDER BY u.n LIMIT 1",
	1, {TEXTARRAYOID}
};

/* Texts read at a time: a bound on memory, not on anything else. */
#define PGM_TEXT_BATCH 200

PgmDirection
pgm_direction_of_command(const char *command)
{
	if (strcmp(command, "upgrade") == 0)
		return PGM_UP;
	if (strcmp(command, "downgrade") == 0)
		return PGM_DOWN;
	ereport(ERROR,
			errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			errmsg("unrecognized direction \"%s\"", command),
			errhint("The directions are \"upgrade\" and \"downgrade\"."));
}

const char *
pgm_direction_name(PgmDirection direction)
{
	switch (direction)
	{
		case PGM_UP:
			return "up";
		case PGM_DOWN:
			return "down";
		case PGM_STAMP:
			return "stamp";
	}
	return NULL;				/* keep compiler quiet */
}

char	  **
pgm_graph_ids(const PgmGraph *graph, PgmRevSet set)
{
	char	  **ids = palloc(sizeof(char *) * Max(set.n, 1));

	for (int i = 0; i < set.n; i++)
		ids[i] = unconstify(char *, pgm_graph_id(graph, set.rev[i]));
	return ids;
}

char	  **
pgm_plan_step_ids(const PgmPlan *plan, int from, int n)
{
	char	  **ids = palloc(sizeof(char *) * Max(n, 1));

	for (int i = 0; i < n; i++)
		ids[i] = unconstify(char *,
							pgm_graph_id(plan->graph,
										 plan->steps.steps[from + i].rev));
	return ids;
}

PgmPlan *
pgm_plan_load(void)
{
	PgmPlan    *plan = palloc0(sizeof(PgmPlan));
	PgmGraphError error = {PGM_GRAPH_OK};

	plan->graph = pgm_revision_graph(&plan->seqs);
	plan->heads = pgm_ledger_heads(&plan->nheads);
	if (!pgm_graph_rows(plan->graph, plan->nheads, plan->heads, &plan->rows,
						&error))
		pgm_graph_raise(&error);
	return plan;
}

/*
 * To be looked at, also when rows of revisions were lost: those are in it with
 * a seq of 0, before all others.
 */
PgmPlan *
pgm_plan_load_with_holes(void)
{
	PgmPlan    *plan = palloc0(sizeof(PgmPlan));
	PgmGraphError error = {PGM_GRAPH_OK};

	plan->graph = pgm_revision_graph_with_holes(&plan->seqs);
	plan->heads = pgm_ledger_heads(&plan->nheads);
	if (!pgm_graph_rows(plan->graph, plan->nheads, plan->heads, &plan->rows,
						&error))
		pgm_graph_raise(&error);
	return plan;
}

static void
refuse_partly(const PgmPartly *partly, PgmDirection direction)
{
	int64		standing = pgm_begun_standing(partly->revision);

	if (direction == PGM_DOWN)
		ereport(ERROR,
				errcode(PGM_ERRCODE_PARTLY_APPLIED),
				errmsg("revision \"%s\" is partly applied", partly->revision),
				errdetail("Run " INT64_FORMAT " did %d of its %d statements%s, which a downgrade to there would not take back.",
						  partly->run, partly->done, partly->statements,
						  partly->in_parts ? PGM_PARTS_OF_NEXT : ""),
				standing == 0 ?
				errhint("Finish it with pgmigrate.upgrade(%s), then downgrade; or undo those statements by hand and stamp the current heads, which forgets them.",
						quote_literal_cstr(partly->revision)) :
				partly->done == 0 ?
				errhint("Finish it with pgmigrate.upgrade(%s), then downgrade; or end what it has begun with SELECT * FROM pgmigrate.revert(" INT64_FORMAT "), then downgrade.",
						quote_literal_cstr(partly->revision), standing) :
				errhint("Finish it with pgmigrate.upgrade(%s), then downgrade; or end what it has begun with SELECT * FROM pgmigrate.revert(" INT64_FORMAT "), undo those statements by hand and stamp the current heads, which forgets them.",
						quote_literal_cstr(partly->revision), standing));
	ereport(ERROR,
			errcode(PGM_ERRCODE_PARTLY_APPLIED),
			errmsg("revision \"%s\" is partly taken back",
				   partly->revision),
			errdetail("Run " INT64_FORMAT " did %d of the %d statements of its downgrade%s, which an upgrade to there would not take back.",
					  partly->run, partly->done, partly->statements,
					  partly->in_parts ? PGM_PARTS_OF_NEXT : ""),
			errhint("Finish that with pgmigrate.downgrade() to below it, then upgrade; or make good by hand what those statements have undone and stamp the current heads, which forgets them."));
}

/*
 * Is it among what the targets of an upgrade need, or among what a downgrade
 * shall leave nothing of?
 */
static bool
plan_passes(const PgmPlan *plan, int rev)
{
	PgmRevSet	ends = plan->steps.ends;
	PgmRevSet	self = {1, &rev};
	bool		up = plan->direction == PGM_UP;
	bool	   *below = pgm_graph_applied(plan->graph, up ? ends : self);
	bool		passes = up && below[rev];

	for (int i = 0; !up && i < ends.n; i++)
		passes |= below[ends.rev[i]];
	pfree(below);
	return passes;
}

/*
 * A revision that stopped in the middle goes on in the direction in which it
 * began, over the parents that it began on.  What it has done would not be
 * taken back by the steps below it, nor made again by those above: the ledger
 * would say what the database is not.
 */
void
pgm_plan_check_partly(const PgmPlan *plan)
{
	int			n;
	PgmPartly  *partly = pgm_begun_partly(&n);

	for (int i = 0; i < n; i++)
	{
		int			rev = pgm_graph_find(plan->graph, partly[i].revision);

		if (rev < 0 ||
			strcmp(partly[i].direction,
				   pgm_direction_name(plan->direction)) == 0 ||
			!plan_passes(plan, rev))
			continue;

		/* of a run that is in progress the caller is told something else */
		if (!pgm_journal_in_work(partly[i].revision))
			refuse_partly(&partly[i], plan->direction);
	}
}

PgmPlan *
pgm_plan_make(PgmDirection direction, const char *target)
{
	PgmPlan    *plan = pgm_plan_load();
	PgmGraphError error = {PGM_GRAPH_OK};
	bool		ok = false;

	plan->direction = direction;
	switch (direction)
	{
		case PGM_UP:
			ok = pgm_graph_plan_upgrade(plan->graph, plan->rows, target,
										&plan->steps, &error);
			break;
		case PGM_DOWN:
			ok = pgm_graph_plan_downgrade(plan->graph, plan->rows, target,
										  &plan->steps, &error);
			break;
		case PGM_STAMP:
			ok = pgm_graph_plan_stamp(plan->graph, plan->rows, target,
									  &plan->steps, &error);
			break;
	}
	if (!ok)
		pgm_graph_raise(&error);
	if (direction != PGM_STAMP)
	{
		pgm_ledger_check_complete(plan->graph, plan->rows);
		pgm_plan_check_partly(plan);
	}
	return plan;
}

void
pgm_plan_notice_direction(const PgmPlan *plan, const char *target)
{
	PgmGraphError error = {PGM_GRAPH_OK};
	PgmPlan		down = *plan;

	if (plan->direction != PGM_UP || plan->steps.nsteps > 0 ||
		!pgm_graph_plan_downgrade(plan->graph, plan->rows, target,
								  &down.steps, &error) ||
		down.steps.nsteps == 0)
		return;
	ereport(NOTICE,
			errmsg("an upgrade to \"%s\" has nothing to do", target),
			errdetail_plural("A downgrade to it takes back %d revision.",
							 "A downgrade to it takes back %d revisions.",
							 down.steps.nsteps, down.steps.nsteps),
			errhint("Look at that with direction => 'downgrade'."));
}

char	  **
pgm_plan_heads_after(const PgmPlan *plan, int *n)
{
	PgmRevSet	rows = pgm_graph_rows_after(plan->graph, plan->rows,
											&plan->steps);

	*n = rows.n;
	return pgm_graph_ids(plan->graph, rows);
}

/* A revision that becomes a head (1) or is one no more (-1). */
typedef struct HeadMove
{
	int			rev;
	int			by;
} HeadMove;

static int
compare_moves(const void *a, const void *b)
{
	const HeadMove *left = a;
	const HeadMove *right = b;

	return (left->rev > right->rev) - (left->rev < right->rev);
}

static int
add_moves(HeadMove *moves, int n, PgmRevSet set, int by)
{
	for (int i = 0; i < set.n; i++)
	{
		moves[n].rev = set.rev[i];
		moves[n++].by = by;
	}
	return n;
}

/* Its cost is that of the steps, not of the graph. */
PgmHeadsChange
pgm_plan_heads_change(const PgmPlan *plan, int step, int n)
{
	const PgmGraphStep *steps = &plan->steps.steps[step - 1];
	PgmHeadsChange change = {0};
	HeadMove   *moves;
	int			nmoves = 0;

	for (int i = 0; i < n; i++)
		nmoves += steps[i].rows_removed.n + steps[i].rows_added.n;
	moves = palloc(sizeof(HeadMove) * Max(nmoves, 1));
	change.removed = palloc(sizeof(char *) * Max(nmoves, 1));
	change.added = palloc(sizeof(char *) * Max(nmoves, 1));
	nmoves = 0;
	for (int i = 0; i < n; i++)
	{
		nmoves = add_moves(moves, nmoves, steps[i].rows_removed, -1);
		nmoves = add_moves(moves, nmoves, steps[i].rows_added, 1);
	}
	if (n > 1)
		qsort(moves, nmoves, sizeof(HeadMove), compare_moves);

	for (int i = 0; i < nmoves;)
	{
		int			rev = moves[i].rev;
		char	   *id = unconstify(char *, pgm_graph_id(plan->graph, rev));
		int			sum = 0;

		for (; i < nmoves && moves[i].rev == rev; i++)
			sum += moves[i].by;
		if (sum < 0)
			change.removed[change.nremoved++] = id;
		else if (sum > 0)
			change.added[change.nadded++] = id;
	}
	return change;
}

/* The last operation of a revision that revert() takes back, or 0. */
static int64
find_revertible(const char *revision)
{
	Datum		values[1];

	values[0] = pgm_text_datum(revision);
	return pgm_spi_one_int64(&revertible_query, values, NULL);
}

static void
refuse_no_downgrade(const char *revision)
{
	int64		operation = find_revertible(revision);

	ereport(ERROR,
			errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
			errmsg("revision \"%s\" has no downgrade SQL", revision),
			operation != 0 ?
			errhint("What its operation " INT64_FORMAT " has changed is kept for the way back: pgmigrate.revert(" INT64_FORMAT ") takes it back, and the revision stays applied until pgmigrate.stamp() says otherwise.",
					operation, operation) :
			errhint("Undo it by hand and record that with pgmigrate.stamp(), or write a new revision that takes its effect back."));
}

static void
refuse_by_statement(const char *id)
{
	ereport(ERROR,
			errcode(ERRCODE_ACTIVE_SQL_TRANSACTION),
			errmsg("revision \"%s\" cannot run inside a transaction block",
				   id),
			errdetail("It runs statement by statement, each committed by itself."),
			!IsTransactionBlock() && IsolationUsesXactSnapshot() ?
			errhint("Set \"default_transaction_isolation\" to \"read committed\" for this session.") :
			errhint("Call SELECT pgmigrate.upgrade() or downgrade() as a statement of its own, outside of BEGIN, functions and multi-statement queries, with \"pgmigrate.transaction_per_migration\" on."));
}

static void
check_source(const PgmPlan *plan, int step, const PgmSource *source, void *arg)
{
	if (source->top_level)
		refuse_by_statement(source->revision);
}

static void
check_one_transaction(const PgmPlan *plan, Datum *ids)
{
	PgmSpiScope scope;

	pgm_spi_begin(&scope);
	if (pgm_spi_execute(&by_statement_query, ids, NULL) > 0)
		refuse_by_statement(pgm_spi_text(1, 1));
	pgm_spi_end(&scope);
	pgm_plan_each_source(plan, check_source, NULL);
}

void
pgm_plan_check(const PgmPlan *plan, bool one_transaction)
{
	char	   *missing = NULL;
	Datum		values[1];

	if (plan->steps.nsteps == 0)
		return;
	values[0] = pgm_text_array_datum(plan->steps.nsteps,
									 pgm_plan_step_ids(plan, 0,
													   plan->steps.nsteps));

	if (plan->direction == PGM_DOWN)
	{
		PgmSpiScope scope;

		pgm_spi_begin(&scope);
		if (pgm_spi_execute(&no_downgrade_query, values, NULL) > 0)
			missing = pgm_spi_text(1, 1);
		pgm_spi_end(&scope);
		if (missing != NULL)
			refuse_no_downgrade(missing);
	}
	pgm_authors_check(plan->steps.nsteps,
					  pgm_plan_step_ids(plan, 0, plan->steps.nsteps),
					  GetUserId());
	if (one_transaction)
		check_one_transaction(plan, values);
}

PgmSource *
pgm_revision_source(const PgmRevision *revision, PgmDirection direction)
{
	PgmSource  *source;

	if (direction == PGM_UP)
	{
		source = pgm_source_parse(revision->upgrade, PGM_SOURCE_UPGRADE,
								  revision->id);
		source->file = revision->file;
		source->opposite = revision->downgrade;
		return source;
	}
	if (revision->downgrade == NULL)
		refuse_no_downgrade(revision->id);
	source = pgm_source_parse(revision->downgrade, PGM_SOURCE_DOWNGRADE,
							  revision->id);
	source->opposite = revision->upgrade;
	return source;
}

static void
visit_batch(const PgmPlan *plan, int from, int n, PgmPlanVisitor visit,
			void *arg)
{
	char	  **ids = pgm_plan_step_ids(plan, from, n);
	char	  **texts = palloc(sizeof(char *) * n);
	char	  **opposites = palloc(sizeof(char *) * n);
	Datum	   *seqs = palloc(sizeof(Datum) * n);
	PgmSpiScope scope;
	Datum		values[2];

	for (int i = 0; i < n; i++)
		seqs[i] = Int64GetDatum(plan->seqs[plan->steps.steps[from + i].rev]);
	values[0] = pgm_array_datum(INT8OID, n, seqs);
	values[1] = BoolGetDatum(plan->direction == PGM_UP);
	pgm_spi_begin(&scope);
	if (pgm_spi_execute(&texts_query, values, NULL) != n)
		elog(ERROR, "revisions of the plan are not stored");
	for (int i = 0; i < n; i++)
	{
		texts[i] = pgm_spi_text(i + 1, 1);
		opposites[i] = pgm_spi_text(i + 1, 2);
	}
	pgm_spi_end(&scope);

	for (int i = 0; i < n; i++)
	{
		PgmSource  *source;

		if (texts[i] == NULL)
			refuse_no_downgrade(ids[i]);
		source = pgm_source_parse(texts[i], plan->direction == PGM_UP ?
								  PGM_SOURCE_UPGRADE : PGM_SOURCE_DOWNGRADE,
								  ids[i]);
		source->opposite = opposites[i];
		visit(plan, from + i + 1, source, arg);
	}
}

void
pgm_plan_each_source(const PgmPlan *plan, PgmPlanVisitor visit, void *arg)
{
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext,
												  "pgmigrate plan sources",
												  ALLOCSET_DEFAULT_SIZES);
	MemoryContext old = MemoryContextSwitchTo(context);

	for (int i = 0; i < plan->steps.nsteps; i += PGM_TEXT_BATCH)
	{
		CHECK_FOR_INTERRUPTS();
		visit_batch(plan, i, Min(PGM_TEXT_BATCH, plan->steps.nsteps - i),
					visit, arg);
		MemoryContextReset(context);
	}
	MemoryContextSwitchTo(old);
	MemoryContextDelete(context);
}

char *
pgm_plan_digest(const PgmPlan *plan)
{
	PgmDigest	digest;

	pgm_digest_init(&digest, "pgmigrate plan");
	pgm_digest_text(&digest, plan->direction == PGM_UP ? "up" : "down");
	for (int i = 0; i < plan->steps.nsteps; i++)
	{
		const char *id = pgm_graph_id(plan->graph, plan->steps.steps[i].rev);
		PgmRevision *revision = pgm_revision_get(id);

		pgm_digest_text(&digest, id);
		pgm_digest_text(&digest, revision ? revision->digest : "");
	}
	return pgm_digest_final(&digest);
}

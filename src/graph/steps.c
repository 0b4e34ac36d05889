/*-------------------------------------------------------------------------
 *
 * steps.c
 *	  Plans: which revisions run, in which order, and the rows after each.
 *
 * The rows are at all times the maximal elements of what is applied.  Running
 * a revision changes only what stands directly below it, so each step carries
 * the rows it removes and adds, and all of them together are no larger than
 * the graph.
 *
 *-------------------------------------------------------------------------
 */
#ifndef FRONTEND
#include "postgres.h"
#else
#include "postgres_fe.h"
#endif

#include "graph/internal.h"
#include "graph/target.h"

/* A plan under construction; rows come from one array for all steps. */
typedef struct PlanBuilder
{
	PgmGraphPlan *plan;
	int		   *space;
} PlanBuilder;

static void
start_plan(PlanBuilder *builder, PgmGraphPlan *plan, int nsteps, int64 nrows)
{
	plan->nsteps = 0;
	plan->steps = pgm_graph_alloc(nsteps, sizeof(PgmGraphStep));
	builder->plan = plan;
	builder->space = pgm_graph_alloc(nrows, sizeof(int));
}

static PgmGraphStep *
start_step(PlanBuilder *builder, int rev)
{
	PgmGraphStep *step = &builder->plan->steps[builder->plan->nsteps++];

	memset(step, 0, sizeof(PgmGraphStep));
	step->rev = rev;
	return step;
}

static void
put_row(PlanBuilder *builder, PgmRevSet *set, int rev)
{
	if (set->n == 0)
		set->rev = builder->space;
	set->rev[set->n++] = rev;
	builder->space++;
}

/* An upper bound for the rows that steps over this set can move. */
static int64
count_moves(const PgmGraph *graph, PgmRevSet order)
{
	int64		total = order.n;

	for (int i = 0; i < order.n; i++)
		total += edge_set(&graph->full, order.rev[i]).n;
	return total;
}

static bool *
row_flags(const PgmGraph *graph, PgmRevSet rows)
{
	bool	   *is_row = pgm_graph_alloc0(graph->n, sizeof(bool));

	for (int i = 0; i < rows.n; i++)
		is_row[rows.rev[i]] = true;
	return is_row;
}

/* Steps up, last of the order first: a revision covers all it stands on. */
static void
build_steps_up(const PgmGraph *graph, PgmRevSet rows, PgmRevSet order,
			   PgmGraphPlan *plan)
{
	PlanBuilder builder;
	bool	   *is_row = row_flags(graph, rows);

	start_plan(&builder, plan, order.n, count_moves(graph, order));
	for (int i = order.n - 1; i >= 0; i--)
	{
		int			rev = order.rev[i];
		PgmRevSet	below = edge_set(&graph->full, rev);
		PgmGraphStep *step = start_step(&builder, rev);

		PGM_CHECK_INTERRUPTS();
		for (int k = 0; k < below.n; k++)
		{
			if (is_row[below.rev[k]])
				put_row(&builder, &step->rows_removed, below.rev[k]);
			is_row[below.rev[k]] = false;
		}
		put_row(&builder, &step->rows_added, rev);
		is_row[rev] = true;
	}
	pfree(is_row);
}

/*
 * Steps down.  What a revision stood on gets its row back once nothing
 * applied stands on it any more; counting the applied revisions above each
 * one says when.
 */
static void
build_steps_down(const PgmGraph *graph, PgmRevSet rows, const bool *applied,
				 PgmRevSet order, PgmGraphPlan *plan)
{
	PlanBuilder builder;
	bool	   *is_row = row_flags(graph, rows);
	int		   *above = pgm_graph_alloc0(graph->n, sizeof(int));

	for (int r = 0; r < graph->n; r++)
	{
		PgmRevSet	below = edge_set(&graph->full, r);

		for (int k = 0; applied[r] && k < below.n; k++)
			above[below.rev[k]]++;
	}

	start_plan(&builder, plan, order.n, count_moves(graph, order));
	for (int i = 0; i < order.n; i++)
	{
		int			rev = order.rev[i];
		PgmRevSet	below = edge_set(&graph->full, rev);
		PgmGraphStep *step = start_step(&builder, rev);

		PGM_CHECK_INTERRUPTS();
		if (is_row[rev])
			put_row(&builder, &step->rows_removed, rev);
		is_row[rev] = false;
		for (int k = 0; k < below.n; k++)
		{
			int			p = below.rev[k];

			if (--above[p] > 0 || is_row[p])
				continue;
			put_row(&builder, &step->rows_added, p);
			is_row[p] = true;
		}
	}
	pfree(is_row);
	pfree(above);
}

bool
pgm_graph_plan_upgrade(const PgmGraph *graph, PgmRevSet rows,
					   const char *input, PgmGraphPlan *plan,
					   PgmGraphError *error)
{
	PgmTarget	target;
	PgmRevSet	targets;
	PgmRevSet	order;
	bool	   *applied;
	bool	   *todo;

	memset(plan, 0, sizeof(PgmGraphPlan));
	if (!pgm_graph_read_target(input, &target, error) ||
		!pgm_graph_upgrade_target(graph, rows, &target, &targets, error) ||
		!pgm_graph_check_overlap(graph, targets, false, error) ||
		!pgm_graph_check_overlap(graph, rows, true, error))
		return false;

	/* To run: what the targets reach before coming to what is applied. */
	applied = pgm_graph_applied(graph, rows);
	todo = pgm_graph_alloc(graph->n, sizeof(bool));
	memcpy(todo, applied, graph->n * sizeof(bool));
	pgm_graph_mark(graph, &graph->full, targets, todo);
	for (int r = 0; r < graph->n; r++)
		todo[r] = todo[r] && !applied[r];

	order = pgm_graph_order(graph, todo, targets);
	build_steps_up(graph, rows, order, plan);
	plan->ends = targets;
	pfree(applied);
	pfree(todo);
	pfree(order.rev);
	return true;
}

/*
 * Where dropping starts: the roots if the target is base, else its children.
 * If there are several, a branch keeps those it stands on.
 */
static bool
downgrade_start(const PgmGraph *graph, const PgmTarget *target, int rev,
				int branch, PgmRevSet *start, PgmGraphError *error)
{
	PgmRevSet	all;
	bool	   *below;

	all = rev < 0 ? pgm_graph_roots(graph) : edge_set(&graph->children, rev);
	*start = pgm_graph_copy_set(all);
	if (branch < 0 || all.n <= 1)
		return true;

	below = pgm_graph_alloc0(graph->n, sizeof(bool));
	pgm_graph_mark(graph, &graph->parents, single_set(&branch), below);
	start->n = 0;
	for (int i = 0; i < all.n; i++)
	{
		if (below[all.rev[i]])
			start->rev[start->n++] = all.rev[i];
	}
	pfree(below);
	if (start->n == 0)
		return pgm_graph_fail(error, PGM_GRAPH_NOT_ON_BRANCH,
							  psprintf("target \"%s\" is not a valid downgrade target",
									   target->input),
							  psprintf("No child of revision \"%s\" is on the way to revision \"%s\".",
									   graph->revision[rev].id,
									   graph->revision[branch].id),
							  pstrdup("Leave the branch out, or name one that begins there."));
	return true;
}

static bool
fail_not_applied(const PgmGraph *graph, int rev, bool applied, bool branch,
				 PgmGraphError *error)
{
	char	   *detail;

	if (!applied)
		detail = pstrdup("The revision is not applied.");
	else if (branch)
		detail = pstrdup("Nothing above the revision is applied on this branch.");
	else
		detail = pstrdup("The revision is applied only because other revisions depend on it.");
	return pgm_graph_fail(error, PGM_GRAPH_NOT_APPLIED,
						  psprintf("revision \"%s\" is not a valid downgrade target",
								   graph->revision[rev].id),
						  detail,
						  pstrdup("Name a revision below the current heads, which pgmigrate.current() shows, or \"base\"."));
}

bool
pgm_graph_plan_downgrade(const PgmGraph *graph, PgmRevSet rows,
						 const char *input, PgmGraphPlan *plan,
						 PgmGraphError *error)
{
	PgmTarget	target;
	PgmRevSet	start;
	PgmRevSet	order;
	bool	   *applied;
	bool	   *drop;
	bool	   *is_row;
	int			rev;
	int			branch;

	memset(plan, 0, sizeof(PgmGraphPlan));
	if (!pgm_graph_read_target(input, &target, error) ||
		!pgm_graph_downgrade_target(graph, rows, &target, &rev, &branch,
									error) ||
		!downgrade_start(graph, &target, rev, branch, &start, error))
		return false;

	applied = pgm_graph_applied(graph, rows);
	drop = pgm_graph_alloc0(graph->n, sizeof(bool));
	pgm_graph_mark(graph, &graph->full_children, start, drop);
	for (int r = 0; r < graph->n; r++)
		drop[r] = drop[r] && applied[r];

	order = pgm_graph_order(graph, drop, rows);
	is_row = row_flags(graph, rows);
	if (order.n == 0 && rev >= 0 && !is_row[rev])
		return fail_not_applied(graph, rev, applied[rev], branch >= 0, error);
	build_steps_down(graph, rows, applied, order, plan);
	plan->ends = start;
	pfree(applied);
	pfree(drop);
	pfree(is_row);
	pfree(order.rev);
	return true;
}

/* What the targets of a stamp amount to. */
typedef struct StampTargets
{
	int			nread;
	bool		base;			/* plain "base": all rows */
	bool		any_base;		/* that, or "label@base" */
	PgmRevSet	revs;			/* revisions to stamp, each once */
	PgmRevSet	lines;			/* whose lines have the rows concerned */
} StampTargets;

static void
add_unique(PgmRevSet *set, bool *seen, int rev)
{
	if (!seen[rev])
		set->rev[set->n++] = rev;
	seen[rev] = true;
}

/*
 * "label@heads" may give heads that depend on each other; of one list of
 * heads, those on top say it all.
 */
static PgmRevSet
maximal_of(const PgmGraph *graph, PgmRevSet set)
{
	PgmRevSet	result = pgm_graph_copy_set(set);
	bool	   *inside;

	if (set.n <= 1)
		return result;
	inside = pgm_graph_applied(graph, set);
	result.n = 0;
	for (int i = 0; i < set.n; i++)
	{
		PgmRevSet	above = edge_set(&graph->full_children, set.rev[i]);
		bool		covered = false;

		for (int k = 0; k < above.n && !covered; k++)
			covered = inside[above.rev[k]];
		if (!covered)
			result.rev[result.n++] = set.rev[i];
	}
	pfree(inside);
	return result;
}

static bool
read_stamp_targets(const PgmGraph *graph, const char *input,
				   StampTargets *stamp, PgmGraphError *error)
{
	static const char *const blanks = " \t\r\n\f\v,";
	bool	   *seen = pgm_graph_alloc0(graph->n, sizeof(bool));
	bool	   *on_line = pgm_graph_alloc0(graph->n, sizeof(bool));
	const char *s = input == NULL ? "" : input + strspn(input, blanks);

	memset(stamp, 0, sizeof(StampTargets));
	stamp->revs.rev = pgm_graph_alloc(graph->n, sizeof(int));
	stamp->lines.rev = pgm_graph_alloc(graph->n, sizeof(int));
	do
	{
		size_t		len = strcspn(s, blanks);
		PgmTarget	target;
		PgmRevSet	set;
		int			branch;

		if (!pgm_graph_read_target(pnstrdup(s, len), &target, error) ||
			!pgm_graph_absolute_target(graph, &target, &set, error))
			return false;
		set = maximal_of(graph, set);
		for (int i = 0; i < set.n; i++)
		{
			add_unique(&stamp->revs, seen, set.rev[i]);
			add_unique(&stamp->lines, on_line, set.rev[i]);
		}
		if (target.branch != NULL)
		{
			if (!pgm_graph_find_branch(graph, &target, &branch, error))
				return false;
			add_unique(&stamp->lines, on_line, branch);
		}
		if (strcmp(target.anchor, "base") == 0)
		{
			stamp->any_base = true;
			stamp->base |= target.branch == NULL;
		}
		stamp->nread++;
		s += len;
		s += strspn(s, blanks);
	} while (*s != '\0');
	pfree(seen);
	pfree(on_line);

	if (stamp->any_base && stamp->revs.n > 0)
		return pgm_graph_fail(error, PGM_GRAPH_SYNTAX,
							  pstrdup("\"base\" cannot be combined with other targets"),
							  pstrdup("It stands for no revision at all."),
							  pstrdup("Name \"base\" alone, or the other targets alone."));

	/* one that another stands on is said twice, not wrong */
	stamp->revs = maximal_of(graph, stamp->revs);
	return true;
}

/* Is a row of the set a proper ancestor or descendant of one of revs? */
static bool
touches_line(const PgmGraph *graph, PgmRevSet set, PgmRevSet revs)
{
	bool	   *below = pgm_graph_alloc0(graph->n, sizeof(bool));
	bool	   *above = pgm_graph_alloc0(graph->n, sizeof(bool));
	bool		result = false;

	for (int i = 0; i < revs.n; i++)
	{
		pgm_graph_mark(graph, &graph->full,
					   edge_set(&graph->full, revs.rev[i]), below);
		pgm_graph_mark(graph, &graph->full_children,
					   edge_set(&graph->full_children, revs.rev[i]), above);
	}
	for (int i = 0; i < set.n && !result; i++)
		result = below[set.rev[i]] || above[set.rev[i]];
	pfree(below);
	pfree(above);
	return result;
}

/* The rows on the full line, up or down, of any of the revisions given. */
static PgmRevSet
rows_on_lines(const PgmGraph *graph, PgmRevSet rows, PgmRevSet revs)
{
	PgmRevSet	result = pgm_graph_copy_set(rows);
	bool	   *below = pgm_graph_alloc0(graph->n, sizeof(bool));
	bool	   *above = pgm_graph_alloc0(graph->n, sizeof(bool));

	pgm_graph_mark(graph, &graph->full, revs, below);
	pgm_graph_mark(graph, &graph->full_children, revs, above);
	result.n = 0;
	for (int i = 0; i < rows.n; i++)
	{
		if (below[rows.rev[i]] || above[rows.rev[i]])
			result.rev[result.n++] = rows.rev[i];
	}
	pfree(below);
	pfree(above);
	return result;
}

/*
 * The steps of a stamp: the first also removes the rows that go.  Rows that
 * someone left below others go too, so that the rows are maximal afterwards.
 */
static void
build_steps_stamp(const PgmGraph *graph, PgmRevSet rows, PgmRevSet removed,
				  PgmRevSet added, int rev, PgmGraphPlan *plan)
{
	PlanBuilder builder;
	bool	   *goes = row_flags(graph, removed);
	PgmRevSet	after;
	PgmRevSet	kept;
	PgmGraphStep *step = NULL;

	after.n = 0;
	after.rev = pgm_graph_alloc((int64) rows.n + added.n, sizeof(int));
	for (int i = 0; i < rows.n; i++)
	{
		if (!goes[rows.rev[i]])
			after.rev[after.n++] = rows.rev[i];
	}
	for (int i = 0; i < added.n; i++)
		after.rev[after.n++] = added.rev[i];
	kept = maximal_of(graph, after);
	pfree(goes);
	goes = row_flags(graph, rows);
	for (int i = 0; i < kept.n; i++)
		goes[kept.rev[i]] = false;

	start_plan(&builder, plan, added.n + 1, (int64) rows.n + added.n);
	for (int i = 0; i < rows.n; i++)
	{
		if (!goes[rows.rev[i]])
			continue;
		if (step == NULL)
			step = start_step(&builder, added.n > 0 ? added.rev[0] : rev);
		put_row(&builder, &step->rows_removed, rows.rev[i]);
	}
	for (int i = 0; i < added.n; i++)
	{
		if (i > 0 || step == NULL)
			step = start_step(&builder, added.rev[i]);
		put_row(&builder, &step->rows_added, added.rev[i]);
	}
	pfree(goes);
}

/*
 * Each target is looked at from the rows at the start.  One that is a row
 * needs nothing; if rows are below or above one, all rows concerned give way;
 * otherwise it is added.
 */
bool
pgm_graph_plan_stamp(const PgmGraph *graph, PgmRevSet rows,
					 const char *input, PgmGraphPlan *plan,
					 PgmGraphError *error)
{
	StampTargets stamp;
	PgmRevSet	concerned;
	PgmRevSet	added;
	bool	   *is_row;

	memset(plan, 0, sizeof(PgmGraphPlan));
	pgm_graph_clear(error);
	if (!read_stamp_targets(graph, input, &stamp, error))
		return false;

	concerned = stamp.base ? pgm_graph_copy_set(rows) :
		rows_on_lines(graph, rows, stamp.lines);
	is_row = row_flags(graph, rows);
	added = pgm_graph_copy_set(stamp.revs);
	added.n = 0;
	for (int i = 0; i < stamp.revs.n; i++)
	{
		if (!is_row[stamp.revs.rev[i]])
			added.rev[added.n++] = stamp.revs.rev[i];
	}
	pfree(is_row);

	if (!stamp.any_base && !touches_line(graph, concerned, added))
		concerned.n = 0;
	build_steps_stamp(graph, rows, concerned, added,
					  stamp.revs.n > 0 ? stamp.revs.rev[0] : -1, plan);
	return true;
}

PgmRevSet
pgm_graph_rows_after(const PgmGraph *graph, PgmRevSet rows,
					 const PgmGraphPlan *plan)
{
	bool	   *is_row = row_flags(graph, rows);
	PgmRevSet	after;

	for (int i = 0; i < plan->nsteps; i++)
	{
		const PgmGraphStep *step = &plan->steps[i];

		for (int k = 0; k < step->rows_removed.n; k++)
			is_row[step->rows_removed.rev[k]] = false;
		for (int k = 0; k < step->rows_added.n; k++)
			is_row[step->rows_added.rev[k]] = true;
	}
	after.n = 0;
	after.rev = pgm_graph_alloc(graph->n, sizeof(int));
	for (int r = 0; r < graph->n; r++)
	{
		if (is_row[r])
			after.rev[after.n++] = r;
	}
	pfree(is_row);
	return after;
}

/* The first step gives them rows, of which those on top say it all. */
void
pgm_graph_keep_applied(const PgmGraph *graph, PgmRevSet rows,
					   const bool *keep, PgmGraphPlan *plan)
{
	PgmRevSet	after = pgm_graph_rows_after(graph, rows, plan);
	bool	   *before = pgm_graph_applied(graph, rows);
	bool	   *still = pgm_graph_applied(graph, after);
	PgmRevSet	lost;
	PgmRevSet  *added;
	int		   *all;

	lost.n = 0;
	lost.rev = pgm_graph_alloc(graph->n, sizeof(int));
	for (int r = 0; r < graph->n; r++)
	{
		if (keep[r] && before[r] && !still[r])
			lost.rev[lost.n++] = r;
	}
	lost = maximal_of(graph, lost);
	if (lost.n > 0)
	{
		added = &plan->steps[0].rows_added;
		all = pgm_graph_alloc((int64) added->n + lost.n, sizeof(int));
		memcpy(all, lost.rev, lost.n * sizeof(int));
		for (int i = 0; i < added->n; i++)
			all[lost.n + i] = added->rev[i];
		added->rev = all;
		added->n += lost.n;
	}
	pfree(before);
	pfree(still);
}

bool
pgm_graph_split_range(const char *range, char **start, char **end)
{
	const char *colon = strchr(range, ':');

	*start = *end = NULL;
	if (colon == NULL)
	{
		*end = pstrdup(range);
		return false;
	}
	if (colon > range)
		*start = pnstrdup(range, colon - range);
	if (colon[1] != '\0')
		*end = pstrdup(colon + 1);
	return true;
}

/* Is this side of a range "+N" or "-N" of this sign and nothing else? */
static bool
is_bare_offset(const PgmTarget *target, bool up)
{
	return target->anchor == NULL && target->branch == NULL &&
		(target->offset > 0) == up;
}

/* Resolve one side of a range as so many steps from the other side. */
static bool
offset_from(const PgmGraph *graph, const PgmTarget *target, PgmRevSet from,
			PgmRevSet *result, PgmGraphError *error)
{
	int			rev;

	if (from.n > 1)
		return pgm_graph_fail(error, PGM_GRAPH_AMBIGUOUS_WALK,
							  psprintf("relative target \"%s\" is ambiguous",
									   target->input),
							  psprintf("The other end of the range is several revisions: %s.",
									   pgm_graph_list(graph, from)),
							  pstrdup("Give one revision as the other end."));
	if (!pgm_graph_walk(graph, target->input, from.n == 1 ? from.rev[0] : -1,
						target->offset, NULL, true, &rev, error))
		return false;
	*result = pgm_graph_copy_set(single_set(&rev));
	result->n = rev < 0 ? 0 : 1;
	return true;
}

/* Resolve both sides of a range. */
static bool
resolve_range(const PgmGraph *graph, PgmRevSet rows, const char *start_text,
			  const char *end_text, PgmRevSet *start, PgmRevSet *end,
			  PgmGraphError *error)
{
	PgmTarget	start_target;
	PgmTarget	end_target;

	if (!pgm_graph_read_target(start_text, &start_target, error) ||
		!pgm_graph_read_target(end_text, &end_target, error))
		return false;
	if (is_bare_offset(&start_target, false))
		return pgm_graph_resolve(graph, rows, end_text, end, error) &&
			offset_from(graph, &start_target,
						is_bare_offset(&end_target, true) ? rows : *end,
						start, error);
	if (!pgm_graph_resolve(graph, rows, start_text, start, error))
		return false;
	if (is_bare_offset(&end_target, true))
		return offset_from(graph, &end_target, *start, end, error);
	return pgm_graph_resolve(graph, rows, end_text, end, error);
}

bool
pgm_graph_range(const PgmGraph *graph, PgmRevSet rows, const char *range,
				PgmRevSet *result, PgmGraphError *error)
{
	char	   *start_text;
	char	   *end_text;
	PgmRevSet	start;
	PgmRevSet	end;
	PgmRevSet	order;
	bool	   *needed;
	bool	   *before;

	result->n = 0;
	result->rev = NULL;
	if (range == NULL || range[0] == '\0')
		return pgm_graph_fail(error, PGM_GRAPH_SYNTAX,
							  pstrdup("range must not be empty"), NULL,
							  pstrdup("Use \"base:heads\" for everything."));
	if (!pgm_graph_split_range(range, &start_text, &end_text))
		return pgm_graph_resolve(graph, rows, range, result, error);
	if (!resolve_range(graph, rows, start_text ? start_text : "base",
					   end_text ? end_text : "heads", &start, &end, error))
		return false;

	needed = pgm_graph_applied(graph, end);
	before = pgm_graph_applied(graph, start);
	for (int i = 0; i < start.n; i++)
	{
		if (!needed[start.rev[i]])
			return pgm_graph_fail(error, PGM_GRAPH_NOT_A_RANGE,
								  psprintf("range \"%s\" does not follow one line of revisions",
										   range),
								  psprintf("Revision \"%s\" is not an ancestor of the end of the range.",
										   graph->revision[start.rev[i]].id),
								  pstrdup("Write the earlier revision first."));
		before[start.rev[i]] = false;
	}

	/* The order of all that the end needs, then only what is in the range. */
	order = pgm_graph_order(graph, needed, end);
	result->rev = pgm_graph_alloc(order.n, sizeof(int));
	for (int i = order.n - 1; i >= 0; i--)
	{
		if (!before[order.rev[i]])
			result->rev[result->n++] = order.rev[i];
	}
	pfree(needed);
	pfree(before);
	pfree(order.rev);
	return true;
}

/*-------------------------------------------------------------------------
 *
 * order.c
 *	  The order in which a set of revisions runs.
 *
 * The order is that of Alembic, which takes one leg after the other.  It is
 * defined by a list C of candidates, at first the tops of the set:
 *
 *	  Look at c = C[i].  If c is a proper ancestor of some C[j], go to the
 *	  first such j.  Else emit c and replace it by the first of what it stands
 *	  on, still to run and not in C; the others are appended to C.  If there is
 *	  none, remove C[i] and go to i - 1, or stay at 0.
 *
 * Taken literally that costs a look at all ancestors of all candidates for
 * each revision.  Three facts make it cheap:
 *
 *	- The set is convex, and whatever is still to run is below or in C.  So c
 *	  is an ancestor of another candidate exactly if it has a full child in the
 *	  set that is still to run; a counter knows.
 *
 *	- A position of C is never filled again once removed, and appended ones
 *	  come last.  So positions can be numbered for good ("slots"), kept in a
 *	  list, and compared by number.
 *
 *	- The lowest slot above a revision never falls: candidates only move down
 *	  and new slots are higher.  So a value found once holds until the
 *	  candidate it was found at is emitted.
 *
 *-------------------------------------------------------------------------
 */
#ifndef FRONTEND
#include "postgres.h"
#else
#include "postgres_fe.h"
#endif

#include "graph/internal.h"

/*
 * Work after which looking for the next candidate keeps a list of them.  The
 * result does not depend on it; tests set it to 0 to use the lists always.
 */
#ifndef SEARCH_LIMIT
#define SEARCH_LIMIT 64
#endif

/* A candidate above a revision, and the slot it is in. */
typedef struct Candidate
{
	int			slot;
	int			rev;
} Candidate;

/* The candidates found above one revision, by slot. */
typedef struct CandidateList
{
	int			rev;
	int			n;
	int			next;
	Candidate  *item;
} CandidateList;

typedef struct OrderState
{
	const PgmGraph *graph;
	bool	   *pending;		/* in the set and still to run */
	int		   *npending;		/* full children still to run */
	int		   *slot;			/* slot of a candidate, or -1 */
	Candidate  *lowest;			/* last known lowest slot at or above; .rev is
								 * where, or -1 */
	int		   *occupant;		/* by slot: revision, or -1 if removed */
	int		   *prev;			/* by slot: list of the slots in use */
	int		   *next;
	int			nslots;
	int			first;
	int			last;
	int		   *stack;
	int		   *scan;			/* search position among the full children */
	int		   *mark;			/* last list a revision was put on */
	int			epoch;
	int			nlists;
	int		   *list_of;		/* index of the list kept for a revision */
	CandidateList *lists;
} OrderState;

static void
append_slot(OrderState *state, int rev)
{
	int			slot = state->nslots++;

	state->occupant[slot] = rev;
	state->slot[rev] = slot;
	state->prev[slot] = state->last;
	state->next[slot] = -1;
	if (state->last >= 0)
		state->next[state->last] = slot;
	else
		state->first = slot;
	state->last = slot;
}

/* Take a slot out; returns the one to go on with, or -1 if none is left. */
static int
remove_slot(OrderState *state, int slot)
{
	int			before = state->prev[slot];
	int			after = state->next[slot];

	state->occupant[slot] = -1;
	if (before >= 0)
		state->next[before] = after;
	else
		state->first = after;
	if (after >= 0)
		state->prev[after] = before;
	else
		state->last = before;
	return before >= 0 ? before : state->first;
}

/* Does the cached lowest slot at or above rev still hold? */
static bool
lowest_is_known(const OrderState *state, int rev)
{
	int			where = state->lowest[rev].rev;

	return where >= 0 && state->pending[where];
}

/*
 * Find the lowest slot at or above each full child of rev, and with that the
 * lowest above rev itself.  Depth first without recursion: a revision waits
 * on the stack until all children still to run are known.  Returns the number
 * of edges looked at.
 */
static int
find_lowest_above(OrderState *state, int rev, Candidate *result)
{
	const PgmEdges *up = &state->graph->full_children;
	int			depth = 0;
	int			work = 0;

	state->stack[depth++] = rev;
	state->scan[rev] = up->off[rev];
	state->lowest[rev].slot = PG_INT32_MAX;
	state->lowest[rev].rev = -1;
	while (depth > 0)
	{
		int			top = state->stack[depth - 1];
		int			child;

		PGM_CHECK_INTERRUPTS();
		work++;
		if (state->scan[top] == up->off[top + 1])
		{
			/* The revision asked about does not count itself. */
			if (--depth > 0 && state->slot[top] >= 0 &&
				state->slot[top] < state->lowest[top].slot)
			{
				state->lowest[top].slot = state->slot[top];
				state->lowest[top].rev = top;
			}
			continue;
		}
		child = up->to[state->scan[top]];
		if (!state->pending[child])
			state->scan[top]++;
		else if (lowest_is_known(state, child))
		{
			state->scan[top]++;
			if (state->lowest[child].slot < state->lowest[top].slot)
				state->lowest[top] = state->lowest[child];
		}
		else
		{
			state->lowest[child].slot = PG_INT32_MAX;
			state->lowest[child].rev = -1;
			state->scan[child] = up->off[child];
			state->stack[depth++] = child;
		}
	}
	*result = state->lowest[rev];
	if (state->slot[rev] >= 0 && state->slot[rev] < result->slot)
	{
		state->lowest[rev].slot = state->slot[rev];
		state->lowest[rev].rev = rev;
	}
	return work;
}

static int
compare_candidates(const void *a, const void *b)
{
	int			x = ((const Candidate *) a)->slot;
	int			y = ((const Candidate *) b)->slot;

	return x < y ? -1 : x > y;
}

/* List all candidates above rev, lowest slot first. */
static void
build_list(OrderState *state, CandidateList *list)
{
	const PgmEdges *up = &state->graph->full_children;
	int			epoch = ++state->epoch;
	int			depth = 0;
	int			found = 0;

	state->stack[depth++] = list->rev;
	for (int at = 0; at < depth; at++)
	{
		PgmRevSet	above = edge_set(up, state->stack[at]);

		PGM_CHECK_INTERRUPTS();
		for (int i = 0; i < above.n; i++)
		{
			int			child = above.rev[i];

			if (!state->pending[child] || state->mark[child] == epoch)
				continue;
			state->mark[child] = epoch;
			state->stack[depth++] = child;
			found += state->slot[child] >= 0;
		}
	}
	if (list->item != NULL)
		pfree(list->item);
	list->item = pgm_graph_alloc(found, sizeof(Candidate));
	list->n = 0;
	list->next = 0;
	for (int at = 1; at < depth; at++)
	{
		int			rev = state->stack[at];

		if (state->slot[rev] < 0)
			continue;
		list->item[list->n].slot = state->slot[rev];
		list->item[list->n++].rev = rev;
	}
	qsort(list->item, list->n, sizeof(Candidate), compare_candidates);
}

/* Nobody asks what is above a revision once it was emitted. */
static void
drop_list(OrderState *state, int rev)
{
	CandidateList *list;

	if (state->list_of[rev] < 0)
		return;
	list = &state->lists[state->list_of[rev]];
	if (list->item != NULL)
		pfree(list->item);
	list->item = NULL;
}

/*
 * The lowest slot above a revision that has candidates above it.
 *
 * Usually the cached values answer at once.  A revision that many legs meet
 * at is asked about after each leg, and a long row of revisions that each
 * fall out of date is found anew each time; for those a list of all that is
 * above is kept.  Its front is right while everything before it was emitted
 * and its slot removed; slots made since are higher than all in the list.
 */
static int
lowest_slot_above(OrderState *state, int rev)
{
	CandidateList *list;
	Candidate	found;

	if (state->list_of[rev] < 0)
	{
		if (find_lowest_above(state, rev, &found) <= SEARCH_LIMIT)
			return found.slot;
		state->list_of[rev] = state->nlists;
		list = &state->lists[state->nlists++];
		list->rev = rev;
		list->item = NULL;
		list->n = list->next = 0;
		return found.slot;
	}

	list = &state->lists[state->list_of[rev]];
	while (list->next < list->n)
	{
		Candidate  *front = &list->item[list->next];

		if (state->pending[front->rev])
			return front->slot;
		if (state->occupant[front->slot] >= 0)
			break;				/* moved on, perhaps to another leg */
		list->next++;
	}
	build_list(state, list);
	return list->item[0].slot;
}

static void
init_state(OrderState *state, const PgmGraph *graph, const bool *todo)
{
	int			n = graph->n;

	memset(state, 0, sizeof(OrderState));
	state->graph = graph;
	state->pending = pgm_graph_alloc(n, sizeof(bool));
	memcpy(state->pending, todo, n * sizeof(bool));
	state->npending = pgm_graph_alloc0(n, sizeof(int));
	state->slot = pgm_graph_alloc(n, sizeof(int));
	state->lowest = pgm_graph_alloc(n, sizeof(Candidate));
	state->occupant = pgm_graph_alloc(n, sizeof(int));
	state->prev = pgm_graph_alloc(n, sizeof(int));
	state->next = pgm_graph_alloc(n, sizeof(int));
	state->stack = pgm_graph_alloc((int64) n + 1, sizeof(int));
	state->scan = pgm_graph_alloc(n, sizeof(int));
	state->mark = pgm_graph_alloc0(n, sizeof(int));
	state->list_of = pgm_graph_alloc(n, sizeof(int));
	state->lists = pgm_graph_alloc(n, sizeof(CandidateList));
	state->first = state->last = -1;
	for (int r = 0; r < n; r++)
	{
		PgmRevSet	below = edge_set(&graph->full, r);

		state->slot[r] = -1;
		state->list_of[r] = -1;
		state->lowest[r].rev = -1;
		for (int i = 0; todo[r] && i < below.n; i++)
			state->npending[below.rev[i]]++;
	}
}

static void
free_state(OrderState *state)
{
	pfree(state->pending);
	pfree(state->npending);
	pfree(state->slot);
	pfree(state->lowest);
	pfree(state->occupant);
	pfree(state->prev);
	pfree(state->next);
	pfree(state->stack);
	pfree(state->scan);
	pfree(state->mark);
	pfree(state->list_of);
	pfree(state->lists);
}

/*
 * Emit the candidate in a slot: the first of what it stands on takes the
 * slot, the others are appended.  Returns the slot to go on with.
 */
static int
emit_candidate(OrderState *state, int slot)
{
	int			rev = state->occupant[slot];
	PgmRevSet	below = edge_set(&state->graph->full, rev);
	bool		replaced = false;

	state->pending[rev] = false;
	drop_list(state, rev);
	for (int i = 0; i < below.n; i++)
	{
		int			next = below.rev[i];

		state->npending[next]--;
		if (!state->pending[next] || state->slot[next] >= 0)
			continue;
		if (replaced)
			append_slot(state, next);
		else
		{
			state->occupant[slot] = next;
			state->slot[next] = slot;
			replaced = true;
		}
	}
	return replaced ? slot : remove_slot(state, slot);
}

/*
 * Order the revisions of a set, those above first.  The set must be convex,
 * and everything in it must be at or below one of the tops in it.  The tops
 * are looked at in load order.
 */
PgmRevSet
pgm_graph_order(const PgmGraph *graph, const bool *todo, PgmRevSet tops)
{
	OrderState	state;
	PgmRevSet	result;
	bool	   *is_top = pgm_graph_alloc0(graph->n, sizeof(bool));
	int			slot;

	init_state(&state, graph, todo);
	for (int i = 0; i < tops.n; i++)
		is_top[tops.rev[i]] = true;
	for (int r = 0; r < graph->n; r++)
	{
		if (is_top[r] && todo[r])
			append_slot(&state, r);
	}
	pfree(is_top);

	result.n = 0;
	result.rev = pgm_graph_alloc(graph->n, sizeof(int));
	slot = state.first;
	while (slot >= 0)
	{
		int			rev = state.occupant[slot];

		PGM_CHECK_INTERRUPTS();
		if (state.npending[rev] > 0)
			slot = lowest_slot_above(&state, rev);
		else
		{
			result.rev[result.n++] = rev;
			slot = emit_candidate(&state, slot);
		}
	}
	free_state(&state);
	return result;
}

/* Turn an order round. */
static void
reverse_set(PgmRevSet set)
{
	for (int i = 0, j = set.n - 1; i < j; i++, j--)
	{
		int			swap = set.rev[i];

		set.rev[i] = set.rev[j];
		set.rev[j] = swap;
	}
}

PgmRevSet
pgm_graph_topological(const PgmGraph *graph)
{
	bool	   *all = pgm_graph_alloc(graph->n, sizeof(bool));
	PgmRevSet	heads = pgm_graph_real_heads(graph);
	PgmRevSet	result;

	memset(all, true, graph->n);
	result = pgm_graph_order(graph, all, heads);
	reverse_set(result);
	pfree(all);
	pfree(heads.rev);
	return result;
}

bool *
pgm_graph_above(const PgmGraph *graph, const bool *marked)
{
	PgmRevSet	order = pgm_graph_topological(graph);
	bool	   *above = pgm_graph_alloc0(graph->n, sizeof(bool));

	for (int i = 0; i < order.n; i++)
	{
		int			rev = order.rev[i];
		PgmRevSet	sets[2];

		sets[0] = pgm_graph_parents(graph, rev);
		sets[1] = pgm_graph_depends(graph, rev);
		for (int set = 0; set < lengthof(sets); set++)
		{
			for (int j = 0; j < sets[set].n; j++)
				above[rev] |= above[sets[set].rev[j]] ||
					marked[sets[set].rev[j]];
		}
	}
	pfree(order.rev);
	return above;
}

/*-------------------------------------------------------------------------
 *
 * group.c
 *	  Which changes of one table go in one ALTER TABLE.
 *
 * An item joins the statement of its table that is nearest, where one of the
 * two may pass what stands between them.
 *
 *-------------------------------------------------------------------------
 */
#ifndef FRONTEND
#include "postgres.h"
#else
#include "postgres_fe.h"
#endif

#include "diff/group.h"

/* One statement; its items, and those of its table, are chained. */
typedef struct Group
{
	int			first;			/* items */
	int			last;
	bool		moves;
	bool		retypes;
	int			before;			/* groups, or -1 */
	int			after;
	int			earlier;		/* of the same table */
} Group;

typedef struct State
{
	const PgmGrouping *grouping;
	Group	   *groups;
	int			ngroups;
	int			first;			/* groups, or -1 */
	int			last;
	int		   *next;			/* item of the same group, or -1 */
	int		   *latest;			/* group of each table, or -1 */
	bool	   *retyped;		/* does a type of the table change? */
} State;

/* What cannot go along with a change of type stays out of its statement. */
static bool
fits(const State *state, const Group *group, const PgmGroupItem *item)
{
	const PgmGroupItem *other = &state->grouping->items[group->first];

	return !state->retyped[item->table] ||
		(item->role == PGM_DDL_APART) == (other->role == PGM_DDL_APART);
}

static bool
passes(const State *state, int item, const Group *group)
{
	for (int other = group->first; other >= 0; other = state->next[other])
		if (state->grouping->is_bound(item, other, state->grouping->arg))
			return false;
	return true;
}

/*
 * Can the item come up to the group?  A change of type goes up to another one
 * only: else those that cannot follow it would be in another copy.
 */
static bool
can_rise(const State *state, int item, int n)
{
	if (!state->grouping->items[item].moves ||
		(state->grouping->items[item].role == PGM_DDL_RETYPE &&
		 !state->groups[n].retypes))
		return n == state->last;
	for (int i = state->groups[n].after; i >= 0; i = state->groups[i].after)
		if (!passes(state, item, &state->groups[i]))
			return false;
	return true;
}

/* Can the group go down to the end? */
static bool
can_sink(const State *state, int n)
{
	const Group *group = &state->groups[n];

	if (!group->moves)
		return false;
	for (int item = group->first; item >= 0; item = state->next[item])
		for (int i = group->after; i >= 0; i = state->groups[i].after)
			if (!passes(state, item, &state->groups[i]))
				return false;
	return true;
}

static void
append_group(State *state, int n)
{
	Group	   *group = &state->groups[n];

	group->before = state->last;
	group->after = -1;
	if (state->last >= 0)
		state->groups[state->last].after = n;
	else
		state->first = n;
	state->last = n;
}

static void
sink(State *state, int n)
{
	Group	   *group = &state->groups[n];

	if (n == state->last)
		return;
	if (group->before >= 0)
		state->groups[group->before].after = group->after;
	else
		state->first = group->after;
	state->groups[group->after].before = group->before;
	append_group(state, n);
}

static bool
join_group(State *state, int n, int item)
{
	Group	   *group = &state->groups[n];

	if (!fits(state, group, &state->grouping->items[item]))
		return false;
	if (!can_rise(state, item, n))
	{
		if (!can_sink(state, n))
			return false;
		sink(state, n);
	}
	state->next[group->last] = item;
	group->last = item;
	group->moves &= state->grouping->items[item].moves;
	group->retypes |= state->grouping->items[item].role == PGM_DDL_RETYPE;
	return true;
}

static void
add_item(State *state, int n)
{
	const PgmGroupItem *item = &state->grouping->items[n];
	Group	   *group;

	state->next[n] = -1;
	for (int i = item->table < 0 ? -1 : state->latest[item->table]; i >= 0;
		 i = state->groups[i].earlier)
		if (join_group(state, i, n))
			return;
	group = &state->groups[state->ngroups];
	group->first = group->last = n;
	group->moves = item->moves;
	group->retypes = item->role == PGM_DDL_RETYPE;
	group->earlier = -1;
	if (item->table >= 0)
	{
		group->earlier = state->latest[item->table];
		state->latest[item->table] = state->ngroups;
	}
	append_group(state, state->ngroups++);
}

void
pgm_group(const PgmGrouping *grouping, int *order, bool *begins)
{
	State		state = {.grouping = grouping,.first = -1,.last = -1};
	int			n = 0;

	state.groups = palloc0(sizeof(Group) * (grouping->nitems + 1));
	state.next = palloc(sizeof(int) * (grouping->nitems + 1));
	state.latest = palloc(sizeof(int) * (grouping->ntables + 1));
	state.retyped = palloc0(sizeof(bool) * (grouping->ntables + 1));
	for (int i = 0; i < grouping->ntables; i++)
		state.latest[i] = -1;
	for (int i = 0; i < grouping->nitems; i++)
		if (grouping->items[i].table >= 0 &&
			grouping->items[i].role == PGM_DDL_RETYPE)
			state.retyped[grouping->items[i].table] = true;
	for (int i = 0; i < grouping->nitems; i++)
		add_item(&state, i);
	for (int i = state.first; i >= 0; i = state.groups[i].after)
		for (int item = state.groups[i].first; item >= 0;
			 item = state.next[item])
		{
			begins[n] = item == state.groups[i].first;
			order[n++] = item;
		}
}

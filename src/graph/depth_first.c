/*-------------------------------------------------------------------------
 *
 * depth_first.c
 *	  A topological order of anything that has numbered nodes and edges.
 *
 * For the revisions of the graph, when it is sealed, and for those of files
 * that are no graph yet.  The order in which revisions run is that of Alembic,
 * which is not depth first: see order.c.
 *
 *-------------------------------------------------------------------------
 */
#ifndef FRONTEND
#include "postgres.h"
#else
#include "postgres_fe.h"
#endif

#include "graph/depth_first.h"
#include "graph/internal.h"

typedef enum NodeState
{
	UNSEEN,
	OPEN,						/* on the stack */
	PLACED
} NodeState;

typedef struct Search
{
	PgmFollowEdge follow;
	const void *arg;
	NodeState  *state;
	int		   *edge;			/* by node: the next one to follow */
	int		   *stack;			/* each has an edge to the one above it */
	int			depth;
	int		   *order;
	int			nplaced;
} Search;

static void
open_node(Search *search, int node)
{
	search->state[node] = OPEN;
	search->stack[search->depth++] = node;
}

/* Place a node, after all that it leads to; or the first node of a cycle. */
static int
place(Search *search, int root)
{
	open_node(search, root);
	while (search->depth > 0)
	{
		int			node = search->stack[search->depth - 1];
		int			to = search->follow(search->arg, node,
										search->edge[node]++);

		PGM_CHECK_INTERRUPTS();
		if (to == PGM_NO_EDGE)
		{
			search->state[node] = PLACED;
			search->order[search->nplaced++] = node;
			search->depth--;
		}
		else if (to == PGM_NO_NODE)
			continue;
		else if (search->state[to] == OPEN)
			return to;
		else if (search->state[to] == UNSEEN)
			open_node(search, to);
	}
	return PGM_NO_NODE;
}

bool
pgm_depth_first(int n, PgmFollowEdge follow, const void *arg, int *order,
				int *ncycle)
{
	Search		search = {0};
	int			cycle = PGM_NO_NODE;
	int			bottom = 0;

	search.follow = follow;
	search.arg = arg;
	search.state = palloc0(Max((Size) n, 1) * sizeof(NodeState));
	search.edge = palloc0(Max((Size) n, 1) * sizeof(int));
	search.stack = palloc(Max((Size) n, 1) * sizeof(int));
	search.order = order;
	for (int node = 0; node < n && cycle == PGM_NO_NODE; node++)
	{
		if (search.state[node] == UNSEEN)
			cycle = place(&search, node);
	}
	if (cycle != PGM_NO_NODE)
	{
		while (search.stack[bottom] != cycle)
			bottom++;
		*ncycle = search.depth - bottom;
		memcpy(order, search.stack + bottom, *ncycle * sizeof(int));
	}
	pfree(search.state);
	pfree(search.edge);
	pfree(search.stack);
	return cycle == PGM_NO_NODE;
}

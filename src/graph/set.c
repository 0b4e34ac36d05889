/*-------------------------------------------------------------------------
 *
 * set.c
 *	  The revision graph: reading a sealed one, sets of revisions, labels.
 *
 * Walks keep their own stack, visit what they reach once, and can be
 * interrupted.
 *
 *-------------------------------------------------------------------------
 */
#ifndef FRONTEND
#include "postgres.h"
#else
#include "postgres_fe.h"
#endif

#include "lib/stringinfo.h"

#include "graph/internal.h"

/* "a", "b" and 3 more, for messages. */
char *
pgm_graph_list(const PgmGraph *graph, PgmRevSet set)
{
	StringInfoData buf;
	int			shown = Min(set.n, PGM_LIST_MAX);

	initStringInfo(&buf);
	for (int i = 0; i < shown; i++)
		appendStringInfo(&buf, "%s\"%s\"", i > 0 ? ", " : "",
						 graph->revision[set.rev[i]].id);
	if (set.n > shown)
		appendStringInfo(&buf, ", and %d more", set.n - shown);
	return buf.data;
}

int
pgm_graph_size(const PgmGraph *graph)
{
	return graph->n;
}

const char *
pgm_graph_id(const PgmGraph *graph, int rev)
{
	return graph->revision[rev].id;
}

/* The revision of exactly this id; labels and prefixes do not count. */
int
pgm_graph_find(const PgmGraph *graph, const char *id)
{
	const PgmName *found = pgm_graph_lookup(graph, id);

	return found == NULL || found->is_label ? -1 : found->rev;
}

PgmRevSet
pgm_graph_parents(const PgmGraph *graph, int rev)
{
	return edge_set(&graph->parents, rev);
}

PgmRevSet
pgm_graph_children(const PgmGraph *graph, int rev)
{
	return edge_set(&graph->children, rev);
}

PgmRevSet
pgm_graph_depends(const PgmGraph *graph, int rev)
{
	return edge_set(&graph->depends, rev);
}

/* All revisions without an edge of this kind, in load order. */
static PgmRevSet
without_edges(const PgmGraph *graph, const PgmEdges *edges)
{
	PgmRevSet	result;

	result.n = 0;
	result.rev = pgm_graph_alloc(graph->n, sizeof(int));
	for (int r = 0; r < graph->n; r++)
	{
		if (edges->off[r] == edges->off[r + 1])
			result.rev[result.n++] = r;
	}
	return result;
}

PgmRevSet
pgm_graph_down_heads(const PgmGraph *graph)
{
	return without_edges(graph, &graph->children);
}

/* Full edges and declared ones agree on this: what N leaves out of one
 * revision, an ancestor of it keeps. */
PgmRevSet
pgm_graph_real_heads(const PgmGraph *graph)
{
	return without_edges(graph, &graph->full_children);
}

PgmRevSet
pgm_graph_roots(const PgmGraph *graph)
{
	return without_edges(graph, &graph->parents);
}

PgmRevSet
pgm_graph_copy_set(PgmRevSet set)
{
	PgmRevSet	copy;

	copy.n = set.n;
	copy.rev = pgm_graph_alloc(set.n, sizeof(int));
	if (set.n > 0)
		memcpy(copy.rev, set.rev, set.n * sizeof(int));
	return copy;
}

/*
 * Mark start and all that edges reach from it.  What is marked already is
 * taken to have been followed already.
 */
void
pgm_graph_mark(const PgmGraph *graph, const PgmEdges *edges, PgmRevSet start,
			   bool *mark)
{
	int		   *stack = pgm_graph_alloc(graph->n, sizeof(int));
	int			depth = 0;

	for (int i = 0; i < start.n; i++)
	{
		if (!mark[start.rev[i]])
			stack[depth++] = start.rev[i];
		mark[start.rev[i]] = true;
	}
	while (depth > 0)
	{
		PgmRevSet	next = edge_set(edges, stack[--depth]);

		PGM_CHECK_INTERRUPTS();
		for (int i = 0; i < next.n; i++)
		{
			if (!mark[next.rev[i]])
				stack[depth++] = next.rev[i];
			mark[next.rev[i]] = true;
		}
	}
	pfree(stack);
}

/* The line of rev by parents: its ancestors, itself, its descendants. */
bool *
pgm_graph_line(const PgmGraph *graph, int rev)
{
	bool	   *line = pgm_graph_alloc0(graph->n, sizeof(bool));

	pgm_graph_mark(graph, &graph->parents, single_set(&rev), line);
	/* No revision is above and below rev, so only rev itself stops this. */
	line[rev] = false;
	pgm_graph_mark(graph, &graph->children, single_set(&rev), line);
	return line;
}

bool
pgm_graph_rows(const PgmGraph *graph, int n, char **ids, PgmRevSet *rows,
			   PgmGraphError *error)
{
	bool	   *seen = pgm_graph_alloc0(graph->n, sizeof(bool));

	pgm_graph_clear(error);
	rows->n = 0;
	rows->rev = pgm_graph_alloc(n, sizeof(int));
	for (int i = 0; i < n; i++)
	{
		int			rev = pgm_graph_find(graph, ids[i]);

		if (rev < 0)
			return pgm_graph_fail(error, PGM_GRAPH_UNKNOWN_ROW,
								  psprintf("current revision \"%s\" is not stored", ids[i]),
								  pstrdup("The database is recorded to be at a revision that it does not know."),
								  pstrdup("Load the missing revision, or use stamp with \"purge\" to record another one."));
		if (!seen[rev])
			rows->rev[rows->n++] = rev;
		seen[rev] = true;
	}
	pfree(seen);
	return true;
}

bool *
pgm_graph_applied(const PgmGraph *graph, PgmRevSet rows)
{
	bool	   *applied = pgm_graph_alloc0(graph->n, sizeof(bool));

	pgm_graph_mark(graph, &graph->full, rows, applied);
	return applied;
}

/* Report that one of a set stands on another. */
static bool
fail_overlap(const PgmGraph *graph, int below, int above, bool are_rows,
			 PgmGraphError *error)
{
	const char *lower = graph->revision[below].id;
	const char *upper = graph->revision[above].id;
	char	   *detail = psprintf("Revision \"%s\" is an ancestor or a dependency of revision \"%s\".",
								  lower, upper);

	if (are_rows)
		return pgm_graph_fail(error, PGM_GRAPH_OVERLAP,
							  psprintf("current revisions \"%s\" and \"%s\" overlap",
									   lower, upper),
							  detail,
							  pstrdup("Use stamp to record what is really applied."));
	return pgm_graph_fail(error, PGM_GRAPH_OVERLAP,
						  psprintf("target revisions \"%s\" and \"%s\" overlap",
								   lower, upper),
						  detail, pstrdup("Name only one of the two."));
}

/*
 * Refuse a set in which one revision is an ancestor of another.  Within all
 * that the set reaches, that is one with a child there; what is above such a
 * child ends in another element of the set.
 */
bool
pgm_graph_check_overlap(const PgmGraph *graph, PgmRevSet set, bool are_rows,
						PgmGraphError *error)
{
	bool	   *inside = pgm_graph_applied(graph, set);

	for (int i = 0; i < set.n; i++)
	{
		PgmRevSet	above = edge_set(&graph->full_children, set.rev[i]);
		bool	   *mark;

		for (int k = 0; k < above.n; k++)
		{
			if (!inside[above.rev[k]])
				continue;
			mark = pgm_graph_alloc0(graph->n, sizeof(bool));
			pgm_graph_mark(graph, &graph->full_children, above, mark);
			for (int j = 0; j < set.n; j++)
			{
				if (mark[set.rev[j]])
					return fail_overlap(graph, set.rev[i], set.rev[j],
										are_rows, error);
			}
		}
	}
	pfree(inside);
	return true;
}

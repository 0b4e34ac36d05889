/*-------------------------------------------------------------------------
 *
 * internal.h
 *	  What the files of the revision graph share among themselves.
 *
 * Nothing outside graph*.c, target.c and steps.c includes this.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGM_GRAPH_INTERNAL_H
#define PGM_GRAPH_INTERNAL_H

#include "graph/graph.h"

#ifndef FRONTEND
#include "miscadmin.h"
#define PGM_CHECK_INTERRUPTS() CHECK_FOR_INTERRUPTS()
#else
#define PGM_CHECK_INTERRUPTS() ((void) 0)
#endif

/* Names shown in a message before the list is cut short. */
#define PGM_LIST_MAX 10

/* Edges of one kind: those of rev are to[off[rev]] .. to[off[rev + 1] - 1]. */
typedef struct PgmEdges
{
	int		   *off;
	int		   *to;
} PgmEdges;

/* A revision as it was added; names holds parents, depends, then labels. */
typedef struct PgmRevision
{
	char	   *id;
	int			nparents;
	int			ndepends;
	int			nlabels;
	char	  **names;
} PgmRevision;

/* An id or a label; both live in one name space. */
typedef struct PgmName
{
	const char *name;
	int			rev;
	bool		is_label;
} PgmName;

struct PgmGraph
{
	int			n;
	int			capacity;
	PgmRevision *revision;

	/* The rest is there once the graph is sealed. */
	int			nnames;
	PgmName    *names;
	int		   *buckets;		/* open addressing; index into names, or -1 */
	uint32		bucket_mask;

	PgmEdges	parents;		/* P(r), as declared, each once */
	PgmEdges	children;
	PgmEdges	depends;		/* D(r), labels resolved */
	PgmEdges	dependents;
	PgmEdges	full;			/* F(r): parents, then what else is needed */
	PgmEdges	full_children;
	int		   *position;		/* rank in some topological order */
};

static inline PgmRevSet
edge_set(const PgmEdges *edges, int rev)
{
	PgmRevSet	set;

	set.n = edges->off[rev + 1] - edges->off[rev];
	set.rev = edges->to + edges->off[rev];
	return set;
}

static inline PgmRevSet
single_set(const int *rev)
{
	PgmRevSet	set;

	set.n = 1;
	set.rev = unconstify(int *, rev);
	return set;
}

extern void *pgm_graph_alloc(int64 count, Size size);
extern void *pgm_graph_alloc0(int64 count, Size size);
extern bool pgm_graph_fail(PgmGraphError *error, PgmGraphErrorCode code,
						   char *message, char *detail, char *hint);
extern void pgm_graph_clear(PgmGraphError *error);
extern char *pgm_graph_list(const PgmGraph *graph, PgmRevSet set);
extern const PgmName *pgm_graph_lookup(const PgmGraph *graph,
									   const char *name);
extern PgmRevSet pgm_graph_copy_set(PgmRevSet set);
extern void pgm_graph_mark(const PgmGraph *graph, const PgmEdges *edges,
						   PgmRevSet start, bool *mark);
extern bool *pgm_graph_line(const PgmGraph *graph, int rev);
extern bool pgm_graph_check_overlap(const PgmGraph *graph, PgmRevSet set,
									bool are_rows, PgmGraphError *error);
extern PgmRevSet pgm_graph_order(const PgmGraph *graph, const bool *todo,
								 PgmRevSet tops);

#endif							/* PGM_GRAPH_INTERNAL_H */

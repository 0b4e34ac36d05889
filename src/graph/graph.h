/*-------------------------------------------------------------------------
 *
 * graph.h
 *	  The revision graph: parents, dependencies, labels, targets, plans.
 *
 * Pure: knows nothing of the server, so it is tested outside of it.  Revisions
 * are numbered in load order, sets of them are arrays of numbers.  Memory is
 * from palloc and freed with the caller's context.  A set may be a view into
 * the graph: do not change or free it.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGM_GRAPH_GRAPH_H
#define PGM_GRAPH_GRAPH_H

typedef struct PgmGraph PgmGraph;

#define PGM_ID_MAX 63			/* bytes of an id or a label */

typedef enum PgmGraphErrorCode
{
	PGM_GRAPH_OK = 0,
	PGM_GRAPH_BAD_ID,			/* illegal id or label */
	PGM_GRAPH_DUPLICATE,		/* id or label used twice */
	PGM_GRAPH_MISSING,			/* parent or dependency not stored */
	PGM_GRAPH_CYCLE,
	PGM_GRAPH_SYNTAX,			/* target text cannot be read */
	PGM_GRAPH_UNKNOWN,			/* no revision or label of that name */
	PGM_GRAPH_AMBIGUOUS_PREFIX, /* several ids or labels begin so */
	PGM_GRAPH_UNKNOWN_ROW,		/* a current row without stored revision */
	PGM_GRAPH_UNKNOWN_LABEL,
	PGM_GRAPH_NOT_ON_BRANCH,
	PGM_GRAPH_MULTIPLE_HEADS,
	PGM_GRAPH_AMBIGUOUS_WALK,	/* fork or merge on a relative path */
	PGM_GRAPH_OUT_OF_RANGE,		/* +N or -N leaves the graph */
	PGM_GRAPH_OVERLAP,			/* one target or row above another */
	PGM_GRAPH_NOT_APPLIED,		/* not a valid downgrade target */
	PGM_GRAPH_NOT_A_RANGE		/* a:b not on one line */
} PgmGraphErrorCode;

/* In the message style of PostgreSQL; detail and hint may be NULL. */
typedef struct PgmGraphError
{
	PgmGraphErrorCode code;
	char	   *message;
	char	   *detail;
	char	   *hint;
} PgmGraphError;

typedef struct PgmRevSet
{
	int			n;
	int		   *rev;
} PgmRevSet;

typedef enum PgmDirection
{
	PGM_UP, PGM_DOWN, PGM_STAMP
} PgmDirection;

/* One step of a plan and what it does to the rows of pgmigrate.head. */
typedef struct PgmGraphStep
{
	int			rev;			/* for a stamp, the revision stamped, or -1 */
	PgmRevSet	rows_removed;
	PgmRevSet	rows_added;
} PgmGraphStep;

typedef struct PgmGraphPlan
{
	int			nsteps;
	PgmGraphStep *steps;
	PgmRevSet	ends;			/* the targets; down, the lowest to go */
} PgmGraphPlan;

/* Building: add all in load order, then seal, which refuses broken graphs. */
extern PgmGraph *pgm_graph_create(int capacity);
extern int	pgm_graph_add(PgmGraph *graph, const char *id, int nparents,
						  char **parents, int ndepends, char **depends,
						  int nlabels, char **labels);
extern bool pgm_graph_seal(PgmGraph *graph, PgmGraphError *error);

/* Is this legal as an id or a label? */
extern bool pgm_graph_check_id(const char *id, const char *what,
							   PgmGraphError *error);

/* Reading. */
extern int	pgm_graph_size(const PgmGraph *graph);
extern const char *pgm_graph_id(const PgmGraph *graph, int rev);
extern int	pgm_graph_find(const PgmGraph *graph, const char *id);	/* or -1 */
extern PgmRevSet pgm_graph_parents(const PgmGraph *graph, int rev);
extern PgmRevSet pgm_graph_children(const PgmGraph *graph, int rev);
extern PgmRevSet pgm_graph_depends(const PgmGraph *graph, int rev);
extern PgmRevSet pgm_graph_down_heads(const PgmGraph *graph);
extern PgmRevSet pgm_graph_real_heads(const PgmGraph *graph);
extern PgmRevSet pgm_graph_roots(const PgmGraph *graph);

/* Ids of pgmigrate.head to revisions. */
extern bool pgm_graph_rows(const PgmGraph *graph, int n, char **ids,
						   PgmRevSet *rows, PgmGraphError *error);

/* applied[rev] for all that the rows imply; size(graph) flags. */
extern bool *pgm_graph_applied(const PgmGraph *graph, PgmRevSet rows);

/* All revisions in the order of an upgrade. */
extern PgmRevSet pgm_graph_topological(const PgmGraph *graph);

/* above[rev] for all that stand on a marked one; size(graph) flags each. */
extern bool *pgm_graph_above(const PgmGraph *graph, const bool *marked);

/* A target for looking: also "current", and bare "+N" or "-N". */
extern bool pgm_graph_resolve(const PgmGraph *graph, PgmRevSet rows,
							  const char *target, PgmRevSet *result,
							  PgmGraphError *error);

/* Plans.  Nothing to do is a plan of no steps. */
extern bool pgm_graph_plan_upgrade(const PgmGraph *graph, PgmRevSet rows,
								   const char *target, PgmGraphPlan *plan,
								   PgmGraphError *error);
extern bool pgm_graph_plan_downgrade(const PgmGraph *graph, PgmRevSet rows,
									 const char *target, PgmGraphPlan *plan,
									 PgmGraphError *error);

/* Targets separated by blanks or commas; a purge passes no rows. */
extern bool pgm_graph_plan_stamp(const PgmGraph *graph, PgmRevSet rows,
								 const char *targets, PgmGraphPlan *plan,
								 PgmGraphError *error);

/* Keep what is flagged and applied so, where the plan of a stamp loses it. */
extern void pgm_graph_keep_applied(const PgmGraph *graph, PgmRevSet rows,
								   const bool *keep, PgmGraphPlan *plan);

/* The rows after all steps of a plan. */
extern PgmRevSet pgm_graph_rows_after(const PgmGraph *graph, PgmRevSet rows,
									  const PgmGraphPlan *plan);

/*
 * "a:b": a, and what b needs and a does not, parents first; a must be below b.
 * An empty a is base, an empty b heads.  A bare "-N" for a counts from b, "+N"
 * for b from a, both from the current row.  No colon: pgm_graph_resolve().
 */
extern bool pgm_graph_range(const PgmGraph *graph, PgmRevSet rows,
							const char *range, PgmRevSet *result,
							PgmGraphError *error);

/* The sides of a range, NULL if empty; false and only *end without a colon. */
extern bool pgm_graph_split_range(const char *range, char **start, char **end);

#endif							/* PGM_GRAPH_GRAPH_H */

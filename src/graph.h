/*-------------------------------------------------------------------------
 *
 * graph.h
 *	  The revision graph: parents, dependencies, labels, targets, plans.
 *
 * Pure: knows nothing of the server, so it is unit-tested and fuzzed outside
 * of it.  Revisions are numbered in load order; every set of revisions that
 * crosses this interface is an array of those numbers.  All memory comes from
 * palloc in the caller's current context and is freed with it.  Sets may be
 * views into the graph: read them, do not change or free them.
 *
 * Copyright (c) 2026, pgmigrate developers
 *
 * IDENTIFICATION
 *	  src/graph.h
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGM_GRAPH_H
#define PGM_GRAPH_H

typedef struct PgmGraph PgmGraph;

/* Longest id or label, in bytes. */
#define PGM_ID_MAX 63

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

/* What is wrong, in the message style of PostgreSQL; detail, hint or NULL. */
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
	PGM_UP,
	PGM_DOWN,
	PGM_STAMP
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
} PgmGraphPlan;

/*
 * Building.  Add every revision in load order, then seal.  Seal resolves names
 * and refuses broken graphs; nothing else may be called on a graph that was
 * not sealed with success.
 */
extern PgmGraph *pgm_graph_create(int capacity);
extern int	pgm_graph_add(PgmGraph *graph, const char *id,
						  int nparents, char **parents,
						  int ndepends, char **depends,
						  int nlabels, char **labels);
extern bool pgm_graph_seal(PgmGraph *graph, PgmGraphError *error);

/* Is this text legal as the id of a revision or as a label? */
extern bool pgm_graph_check_id(const char *id, const char *what,
							   PgmGraphError *error);

/* Reading. */
extern int	pgm_graph_size(const PgmGraph *graph);
extern const char *pgm_graph_id(const PgmGraph *graph, int rev);
extern int	pgm_graph_find(const PgmGraph *graph, const char *id);	/* or -1 */
extern PgmRevSet pgm_graph_parents(const PgmGraph *graph, int rev);
extern PgmRevSet pgm_graph_children(const PgmGraph *graph, int rev);
extern PgmRevSet pgm_graph_depends(const PgmGraph *graph, int rev);
extern PgmRevSet pgm_graph_dependents(const PgmGraph *graph, int rev);
extern PgmRevSet pgm_graph_down_heads(const PgmGraph *graph);
extern PgmRevSet pgm_graph_real_heads(const PgmGraph *graph);
extern PgmRevSet pgm_graph_roots(const PgmGraph *graph);

/*
 * Labels in force at each revision.  A label holds for the revision that
 * declares it, for all descendants by parents, and for its ancestors up to,
 * and without, the previous fork or merge.  Array of size(graph)
 * NULL-terminated lists of label texts owned by the graph.
 */
extern char ***pgm_graph_effective_labels(const PgmGraph *graph);

/* Ids of pgmigrate.head to revisions; PGM_GRAPH_UNKNOWN_ROW. */
extern bool pgm_graph_rows(const PgmGraph *graph, int n, char **ids,
						   PgmRevSet *rows, PgmGraphError *error);

/* applied[rev] for all that the rows imply; size(graph) flags. */
extern bool *pgm_graph_applied(const PgmGraph *graph, PgmRevSet rows);

/* All revisions, parents and dependencies first, in the order of upgrade. */
extern PgmRevSet pgm_graph_topological(const PgmGraph *graph);

/*
 * A target to revisions, for commands that only look: besides what upgrade and
 * downgrade take, "current" is allowed, and "+N" and "-N" both count from the
 * current row.  "base" is the empty set.
 */
extern bool pgm_graph_resolve(const PgmGraph *graph, PgmRevSet rows,
							  const char *target, PgmRevSet *result,
							  PgmGraphError *error);

/*
 * Plans.  Nothing to do is a plan of no steps.  On error nothing is planned.
 */
extern bool pgm_graph_plan_upgrade(const PgmGraph *graph, PgmRevSet rows,
								   const char *target, PgmGraphPlan *plan,
								   PgmGraphError *error);
extern bool pgm_graph_plan_downgrade(const PgmGraph *graph, PgmRevSet rows,
									 const char *target, PgmGraphPlan *plan,
									 PgmGraphError *error);

/*
 * Targets separated by blanks or commas.  For a purge, which forgets all rows
 * first, the caller deletes them and passes none here.
 */
extern bool pgm_graph_plan_stamp(const PgmGraph *graph, PgmRevSet rows,
								 const char *targets, PgmGraphPlan *plan,
								 PgmGraphError *error);

/*
 * Revisions of a range, parents first.  "a:b" is what b needs and a does not,
 * and a itself, so both ends are included as in "alembic history"; every
 * revision of a must be an ancestor of b.  A missing start is base, meaning
 * from the roots on, a missing end is heads; "current" stands for the rows.
 * "-N" as start counts down from the end, "+N" as end up from the start, both
 * stopping at the edge of the graph; if both are offsets, both count from the
 * current row.  Without a colon the text is a target, and the result what it
 * resolves to: one revision, or all of "heads".
 */
extern bool pgm_graph_range(const PgmGraph *graph, PgmRevSet rows,
							const char *range, PgmRevSet *result,
							PgmGraphError *error);

/*
 * Split a range at its colon.  A side that is empty is set to NULL.  Without a
 * colon the whole text is *end, *start is NULL, and the result is false.  The
 * sides are not checked.
 */
extern bool pgm_graph_split_range(const char *range, char **start,
								  char **end);

#endif							/* PGM_GRAPH_H */

/*-------------------------------------------------------------------------
 *
 * guard.h
 *	  Do queries that matter keep their plans?
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGM_GATE_GUARD_H
#define PGM_GATE_GUARD_H

#include "nodes/pg_list.h"

#include "gate/watched_plan.h"

/* Less than that is not worth a word, however many times it is more. */
#define PGM_GUARD_MIN_COST 50.0

/* The plans of the watched queries of one run; lives as long as that. */
typedef struct PgmGuard PgmGuard;

/* NULL where nothing is watched, or the guard is off.  In a transaction. */
extern PgmGuard *pgm_guard_create(MemoryContext context, int64 run);

/* Before a step, and after it in its last transaction. */
extern void pgm_guard_before(PgmGuard *guard);

/*
 * Keep and tell what got slower; an error if that is to be refused, and can.
 */
extern void pgm_guard_after(PgmGuard *guard, int64 run, int step,
							const char *revision, bool can_refuse);

/* What is watched by hand, PgmWatched *. */
extern List *pgm_guard_watched(void);

/*
 * Which indexes a plan stands on, as jsonb; why another plan is there
 * afterwards, and what would help, or NULL.  New statistics for its tables,
 * where the current user may make them.
 */
extern char *pgm_guard_known(const char *plan);
extern void pgm_guard_cause(const char *known, const char *plan,
							char **cause, char **proposal);
extern void pgm_guard_analyze(const char *plan);

/* As the current user.  The cost of the plan now. */
extern double pgm_guard_watch(const char *name, const char *query,
							  int nparameters, char **parameters);
extern bool pgm_guard_unwatch(const char *name);

#endif							/* PGM_GATE_GUARD_H */

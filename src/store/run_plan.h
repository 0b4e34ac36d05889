/*-------------------------------------------------------------------------
 *
 * run_plan.h
 *	  From the stored graph and the ledger to the steps of a run.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGM_STORE_RUN_PLAN_H
#define PGM_STORE_RUN_PLAN_H

#include "graph/graph.h"
#include "sql/statements.h"
#include "store/ledger.h"
#include "store/revision.h"

typedef struct PgmPlan
{
	PgmGraph   *graph;
	int64	   *seqs;			/* of the rows of its revisions */
	PgmRevSet	rows;			/* current heads */
	int			nheads;
	char	  **heads;			/* their ids, in order of id */
	PgmDirection direction;
	PgmGraphPlan steps;
} PgmPlan;

/* Graph and current heads, without steps. */
extern PgmPlan *pgm_plan_load(void);
extern PgmPlan *pgm_plan_load_with_holes(void);

/*
 * Refuses, with PM004, to turn round over a revision that stopped in the
 * middle.  A stamp does not, it forgets them.
 */
extern PgmPlan *pgm_plan_make(PgmDirection direction, const char *target);

/* The same for steps that were put into the plan by hand. */
extern void pgm_plan_check_partly(const PgmPlan *plan);

/*
 * For who looks at an upgrade to what stands below what is applied, and may
 * mean the way down: a notice that says how to ask for that.
 */
extern void pgm_plan_notice_direction(const PgmPlan *plan,
									  const char *target);

/* The heads after the plan, as ids. */
extern char **pgm_plan_heads_after(const PgmPlan *plan, int *n);

/* What n steps from this one, counted from 1, do to the heads in sum. */
extern PgmHeadsChange pgm_plan_heads_change(const PgmPlan *plan, int step,
											int n);

/*
 * Refuse what cannot end well before anything is done: a downgrade without
 * script, SQL of authors without the caller's rights, altered revisions; in
 * one transaction also what needs several.
 */
extern void pgm_plan_check(const PgmPlan *plan, bool one_transaction);

/* The text to run in this direction; refuses a missing downgrade. */
extern PgmSource *pgm_revision_source(const PgmRevision *revision,
									  PgmDirection direction);

/*
 * Call back with the statements of each step, from 1, in order.  The source
 * lives in a memory context that is reset after each call.
 */
typedef void (*PgmPlanVisitor) (const PgmPlan *plan, int step,
								const PgmSource *source, void *arg);
extern void pgm_plan_each_source(const PgmPlan *plan, PgmPlanVisitor visit,
								 void *arg);

/* "upgrade" or "downgrade"; an error for anything else. */
extern PgmDirection pgm_direction_of_command(const char *command);
extern const char *pgm_direction_name(PgmDirection direction);
extern char **pgm_graph_ids(const PgmGraph *graph, PgmRevSet set);

/* Of the revisions of n steps from this one, counted from 0; none is base. */
extern char **pgm_plan_step_ids(const PgmPlan *plan, int from, int n);

/* What an attestation and a rehearsal are about. */
extern char *pgm_plan_digest(const PgmPlan *plan);

#endif							/* PGM_STORE_RUN_PLAN_H */

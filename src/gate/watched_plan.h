/*-------------------------------------------------------------------------
 *
 * watched_plan.h
 *	  The plan of a query, looked at, and executed only where it may be.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGM_GATE_WATCHED_PLAN_H
#define PGM_GATE_WATCHED_PLAN_H

typedef struct PgmWatched
{
	char	   *name;
	char	   *query;
	int			nparameters;
	char	  **parameters;		/* NULL for null */
	char	   *search_path;
	Oid			role;			/* InvalidOid: it is gone */
	bool		generic;		/* parameters have no values */
	bool		execute;		/* if it is a SELECT, read only */
} PgmWatched;

typedef struct PgmWatchedPlan
{
	char	   *json;			/* NULL: it cannot be planned … */
	char	   *error;			/* … and why */
	double		cost;
	bool		executed;		/* the following are known */
	double		ms;
	int64		blocks;			/* that it touched */
} PgmWatchedPlan;

/*
 * In a subtransaction that is taken back, with the rights of the watcher; an
 * error is an answer.  It waits for no lock to speak of.
 */
extern void pgm_watched_explain(const PgmWatched *watched,
								PgmWatchedPlan *plan);

#endif							/* PGM_GATE_WATCHED_PLAN_H */

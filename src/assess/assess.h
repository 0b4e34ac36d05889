/*-------------------------------------------------------------------------
 *
 * assess.h
 *	  Tell what revisions will do, before they do it.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGM_ASSESS_ASSESS_H
#define PGM_ASSESS_ASSESS_H

#include "lint/lint.h"
#include "store/revision.h"
#include "store/run_plan.h"

/*
 * Plans longer than this are told by their text alone: nobody reads those of a
 * hundred thousand revisions, and to try them takes longer than to plan them.
 */
#define PGM_ASSESSED_STEPS 100

/* What to assess: sources in the order in which they would run. */
typedef struct PgmAssessItem
{
	PgmSource  *source;
	char	   *revision;		/* or NULL */
	char	   *digest;			/* of the revision, or NULL */
	bool		trusted;		/* its SQL may run with the caller's rights */
	bool		authored;		/* … as it is stored: it is known by whom */
	char	   *why_plain;		/* none of it is carried out online, or NULL */
	int			done;			/* statements that a run has done already */
	List	   *leftovers;		/* of PgmSource *: what the run does first */
	const PgmRevision *downgraded;	/* it is the downgrade of this, or NULL */
} PgmAssessItem;

/*
 * A list of PgmJudged, in the caller's memory context.  With "trial" the
 * statements are tried on empty clones; nothing remains of that.  With "data"
 * the rows of live tables are looked at too.
 */
extern List *pgm_assess(List *items, bool trial, bool data);

/* When an assessment that begins now must be over; 0 is never. */
extern int64 pgm_assess_until(void);

/*
 * Keep what the trials told, for the runs of these texts.  In a transaction;
 * nothing is done where it may not write.
 */
extern void pgm_assess_keep(List *items, List *judged);

/* The items of a plan: what is left to do. */
extern List *pgm_assess_plan_items(const PgmPlan *plan);

/* What the caller of a run permits. */
typedef struct PgmAllowance
{
	int			n;
	char	  **rules;
	const char *reason;			/* NULL only where there are no rules */
} PgmAllowance;

/* Raises an error for what is no rule, and for rules without a reason. */
extern void pgm_allowance_check(const PgmAllowance *allowance);

/*
 * Where "pgmigrate.environment" is production, refuse a plan with a finding of
 * level danger that is not allowed with a reason.  In a transaction of the
 * worker or of the caller, before the run is written.  Can statements be
 * carried out online?
 */
extern void pgm_assess_gate(const PgmPlan *plan,
							const PgmAllowance *allowance, bool online);

#endif							/* PGM_ASSESS_ASSESS_H */

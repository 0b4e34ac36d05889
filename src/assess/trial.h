/*-------------------------------------------------------------------------
 *
 * trial.h
 *	  What a statement really does: run on empty clones, and taken back.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGM_ASSESS_TRIAL_H
#define PGM_ASSESS_TRIAL_H

#include "classify/verdict.h"
#include "clone/clone.h"

typedef struct PgmTrial
{
	PgmClones  *clones;
	bool		off;			/* nothing is tried any more … */
	char	   *why;			/* … because of this */
	bool		authored;		/* functions that the text makes may run */
	bool		incomplete;		/* a statement before had no effect here */
	bool		took_live;		/* the statement has locked a live relation */
	bool		stale;			/* the clones are to be looked at again */
	Oid			first_oid;		/* what is made in the trial has later ones */
	bool		carries;		/* the statement takes along its views … */
	List	   *aside;			/* … put aside, of PgmShadowView * … */
	int			aside_until;	/* … until this statement is done */
	MemoryContext context;
} PgmTrial;

/*
 * Begin: enters a subtransaction.  "sources" are all that will be tried; the
 * tables they name are cloned now, as a "whole" or what the statements need of
 * them.  End: everything is rolled back.
 */
extern PgmTrial *pgm_trial_begin(List *sources, bool whole);
extern void pgm_trial_end(PgmTrial *trial);

/*
 * Try one statement and write what it did into its verdict, which comes from
 * pgm_classify.  Its effect stays for the next ones.  A failure is a result:
 * sqlerrcode and reason.  If it is not to be tried, "reason" says why.
 */
extern void pgm_trial_run(PgmTrial *trial, PgmVerdict *verdict);

/*
 * Point a statement to the clones and run it; a plain form only stands for
 * that of the verdict.
 */
extern void pgm_trial_try(PgmTrial *trial, PgmVerdict *verdict, Node *stmt,
						  bool plain);

/* A failure is that of the statement. */
extern void pgm_trial_note_failure(PgmTrial *trial, PgmVerdict *verdict,
								   const ErrorData *edata);

#endif							/* PGM_ASSESS_TRIAL_H */

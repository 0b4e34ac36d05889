/*-------------------------------------------------------------------------
 *
 * row_checks.h
 *	  Look for the rows that will make a statement fail.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGM_ASSESS_ROW_CHECKS_H
#define PGM_ASSESS_ROW_CHECKS_H

#include "clone/clone.h"
#include "lint/lint.h"

/* What the statements that run earlier leave behind; all zero at first. */
typedef struct PgmDataPast
{
	List	   *judged;			/* of PgmJudged *: ALTER TABLE */
	List	   *changes;		/* of PgmJudged *: what changes rows */
	List	   *made;			/* of tables, see made_tables.c */
	PgmJudged  *any;			/* one that may change any, or NULL */
} PgmDataPast;

/*
 * Adds a finding for each kind of row that is in the way.  "clones" are those
 * that the statement was tried on, or NULL.
 */
extern void pgm_datacheck_statement(PgmJudged *judged,
									const PgmDataPast *past,
									PgmClones *clones);

/* Rows that the statement depends on may be others by then. */
extern void pgm_datacheck_unsure(PgmJudged *judged, const PgmEffect *effect,
								 const PgmJudged *by);
extern void pgm_datacheck_remember(PgmJudged *judged, PgmDataPast *past);

#endif							/* PGM_ASSESS_ROW_CHECKS_H */

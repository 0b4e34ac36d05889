/*-------------------------------------------------------------------------
 *
 * dependents.h
 *	  Drops that are refused for what depends on the object.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGM_ASSESS_DEPENDENTS_H
#define PGM_ASSESS_DEPENDENTS_H

#include "classify/verdict.h"

/*
 * A statement that drops types or routines without CASCADE, and was not tried:
 * note its failure if something needs them.  "past" are the
 * statements before it, of PgmJudged *, for they may take away what does, or
 * keep it; objects from "first_oid" on are the trial's own, 0 if there is none.
 */
extern void pgm_find_dependents(PgmVerdict *verdict, List *past,
								Oid first_oid);

#endif							/* PGM_ASSESS_DEPENDENTS_H */

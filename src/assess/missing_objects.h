/*-------------------------------------------------------------------------
 *
 * missing_objects.h
 *	  Statements about what is no relation that fail for what they name.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGM_ASSESS_MISSING_OBJECTS_H
#define PGM_ASSESS_MISSING_OBJECTS_H

#include "classify/verdict.h"

/*
 * Note the failure of a statement that a trial does not tell: it names what is
 * not there, what is something else or belongs to somebody else, or makes what
 * there is already; and none of the statements before, whose verdicts are
 * "past", can have changed that.  Nothing of the statement is run.
 */
extern void pgm_find_missing_objects(PgmVerdict *verdict, const List *past);

#endif							/* PGM_ASSESS_MISSING_OBJECTS_H */

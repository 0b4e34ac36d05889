/*-------------------------------------------------------------------------
 *
 * wrong_names.h
 *	  Statements about rows that fail for a name.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGM_ASSESS_WRONG_NAMES_H
#define PGM_ASSESS_WRONG_NAMES_H

#include "classify/verdict.h"

/*
 * A query, which is never tried: note its failure if it names what there is
 * not, writes what a column cannot have, or lacks the right to write, and none
 * of the statements before can have changed that; "past" are their verdicts.
 */
extern void pgm_find_wrong_names(PgmVerdict *verdict, const List *past,
								 bool authored);

#endif							/* PGM_ASSESS_WRONG_NAMES_H */

/*-------------------------------------------------------------------------
 *
 * type_change.h
 *	  What goes by a column whose type changes, in a trial.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGM_ASSESS_TYPE_CHANGE_H
#define PGM_ASSESS_TYPE_CHANGE_H

#include "assess/trial.h"

/*
 * A statement on clones has failed: which object of the clone does not fit,
 * that the error may name it.  The statement is the one that names the clones.
 */
extern void pgm_type_change_name(PgmTrial *trial, PgmVerdict *verdict,
								 Node *stmt);

/* The detail says what it is that goes by a column. */
extern const char *pgm_type_change_failure(const PgmVerdict *verdict,
										   const ErrorData *edata);

/*
 * The server has refused the statement for what goes by a column.  Try it as
 * it is carried out online, in one pass with those up to "last": views are put
 * aside in the subtransaction that runs it.
 */
extern void pgm_type_change_carry(PgmTrial *trial, PgmVerdict *verdict,
								  int last);
extern void pgm_type_change_aside(PgmTrial *trial, Node *stmt);

/*
 * Have them again, over what the columns are now.  What fails is a failure of
 * the statement if it is the last that they were put aside for.
 */
extern void pgm_type_change_again(PgmTrial *trial, PgmVerdict *verdict);

#endif							/* PGM_ASSESS_TYPE_CHANGE_H */

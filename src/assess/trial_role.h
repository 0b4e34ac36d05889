/*-------------------------------------------------------------------------
 *
 * trial_role.h
 *	  With whose rights a statement is tried, and when it must not be.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGM_ASSESS_TRIAL_ROLE_H
#define PGM_ASSESS_TRIAL_ROLE_H

#include "classify/verdict.h"

/*
 * The owner of the named tables, if the caller has his rights; of those of
 * several owners only the caller may be able to drop them all.
 */
extern Oid	pgm_trial_role(const PgmVerdict *verdict);

/*
 * Could an expression of somebody else be evaluated with the rights of the
 * trial?  For the sake of a key, an index or a constraint that comes with the
 * statement.
 */
extern bool pgm_trial_runs_foreign_code(const PgmVerdict *verdict, Node *stmt);

#endif							/* PGM_ASSESS_TRIAL_ROLE_H */

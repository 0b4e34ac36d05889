/*-------------------------------------------------------------------------
 *
 * trial_method.h
 *	  The table access method of the copies that statements are tried on.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGM_CLONE_TRIAL_METHOD_H
#define PGM_CLONE_TRIAL_METHOD_H

#include "access/tableam.h"
#include "nodes/parsenodes.h"

#define PGM_TRIAL_METHOD "pgmigrate_trial"

extern const TableAmRoutine *pgm_trial_method(void);

/* Tables of it can be made until the current subtransaction is rolled back. */
extern void pgm_trial_method_allow(void);

/*
 * Where a statement about such a relation sets "heap", lead it to what the
 * copies have.
 */
extern void pgm_trial_method_redirect(Node *stmt, char relkind);

/* New tables get it, too, where they would be of "heap". */
extern void pgm_trial_method_default(void);

#endif							/* PGM_CLONE_TRIAL_METHOD_H */

/*-------------------------------------------------------------------------
 *
 * online_statement.h
 *	  Carry out a statement by its strategy, not as it is written.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGM_RUN_ONLINE_STATEMENT_H
#define PGM_RUN_ONLINE_STATEMENT_H

#include "run/internal.h"

/* In the handler of an error that was flushed: end its transaction. */
extern void pgm_runner_clear(PgmRunner *runner, const ErrorData *edata);

/*
 * Is a statement of the step to be carried out online, or was it begun so?  In
 * a transaction.
 */
extern bool pgm_runner_is_online(PgmRunner *runner, const PgmStep *step);

/*
 * Of a revision that was amended since: take back what online statements have
 * begun, true if there were any, for then the transaction is a new one.
 */
extern bool pgm_runner_take_back_amended(PgmRunner *runner,
										 const PgmStep *step);

#endif							/* PGM_RUN_ONLINE_STATEMENT_H */

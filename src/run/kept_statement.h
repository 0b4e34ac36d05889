/*-------------------------------------------------------------------------
 *
 * kept_statement.h
 *	  A statement of a revision that drops what is kept for the way back.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGM_RUN_KEPT_STATEMENT_H
#define PGM_RUN_KEPT_STATEMENT_H

#include "run/internal.h"
#include "run/shadow_statement.h"
#include "strategy/strategy.h"

/* Outside of a transaction: carry it out, and mark it as done. */
extern void pgm_runner_keep(PgmRunner *runner, PgmOnline *online);

/*
 * In a transaction: has what was kept come back, by hand or in a try before?
 */
extern bool pgm_runner_has_kept(const char *revision);

/*
 * In a transaction: does statement n of a downgrade make again what an
 * operation of the revision has kept, or is it about what came back so?  It is
 * then replaced.
 */
extern bool pgm_runner_find_kept(const PgmStep *step, int n,
								 const char *digest, PgmPass *pass);

#endif							/* PGM_RUN_KEPT_STATEMENT_H */

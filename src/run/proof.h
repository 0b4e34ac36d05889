/*-------------------------------------------------------------------------
 *
 * proof.h
 *	  Verifications that the server generates, in a run.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGM_RUN_PROOF_H
#define PGM_RUN_PROOF_H

#include "run/internal.h"

/* Of a new run. */
extern void pgm_runner_begin_proof(PgmRunner *runner);

/* Before statement n, while what it does is noted. */
extern void pgm_runner_watch(PgmRunner *runner, const PgmSource *source,
							 int n);

/* After it: what the server does not tell of. */
extern void pgm_runner_watched(PgmRunner *runner, const PgmSource *source,
							   int n);

/*
 * After the statements of an upgrade, what they made is to be kept, or is
 * compared with what they made before; an error if that does not hold.
 */
extern void pgm_runner_prove(PgmRunner *runner, const PgmStep *step,
							 bool top_level);

/* After those of a downgrade: a WARNING if something is left. */
extern void pgm_runner_prove_undone(PgmRunner *runner, const PgmStep *step,
									bool top_level);

/* What is to be kept with the rows of the step, false for nothing. */
extern bool pgm_runner_proof(PgmRunner *runner, const PgmStep *step,
							 PgmVerificationRow *row);

#endif							/* PGM_RUN_PROOF_H */

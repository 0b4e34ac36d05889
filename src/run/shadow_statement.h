/*-------------------------------------------------------------------------
 *
 * shadow_statement.h
 *	  A statement of a revision that goes by way of a shadow table.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGM_RUN_SHADOW_STATEMENT_H
#define PGM_RUN_SHADOW_STATEMENT_H

#include "run/internal.h"
#include "strategy/strategy.h"

/*
 * In a transaction: has the downgrade something to revert at all; the
 * operation that statement n takes back, or 0; and the table that statement n
 * goes by a shadow of, by its strategy or as it was begun, or InvalidOid.
 */
extern bool pgm_runner_has_revertible(const PgmRunner *runner,
									  const PgmStep *step);
extern int64 pgm_runner_to_revert(const PgmRunner *runner,
								  const PgmStep *step,
								  const PgmSource *source, int n);
extern Oid	pgm_runner_shadow_table(const PgmRunner *runner,
									const PgmStep *step, int n,
									const char *digest,
									const PgmStrategy *strategy);

/* Outside of one: carry it out, and mark the statement as done. */
extern void pgm_runner_revert(PgmRunner *runner, const PgmExec *exec,
							  int64 operation, int n, const char *digest);
extern void pgm_runner_by_shadow(PgmRunner *runner, const PgmExec *exec,
								 const PgmStep *step, const PgmSource *source,
								 int n, Oid relid, const char *digest);

#endif							/* PGM_RUN_SHADOW_STATEMENT_H */

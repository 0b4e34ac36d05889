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

/* Statements that are carried out together, or taken back. */
typedef struct PgmPass
{
	const PgmSource *source;
	int			first;
	int			last;
	char	   *digest;			/* with the last of them */
	Oid			relid;
	int64		reverted;		/* the operation that they take back, or 0 */
	bool		is_there;		/* nothing is left to do */
	bool		column;			/* by way of another column */
} PgmPass;

/* In a transaction: has the downgrade something to revert at all? */
extern bool pgm_runner_has_revertible(const PgmRunner *runner,
									  const PgmStep *step);

/*
 * In a transaction, before the first statement: raise what one of the ways
 * back would be refused with, so that none is gone while another cannot be.
 */
extern void pgm_runner_foresee_reverts(const PgmRunner *runner,
									   const PgmStep *step);

/*
 * In a transaction: is statement n the first of some that go by a shadow of
 * their table, by its strategy or as it was begun, or that take such back?
 * "digest" is that of the statements before.
 */
extern bool pgm_runner_find_pass(const PgmRunner *runner, const PgmStep *step,
								 const PgmSource *source, int n,
								 const char *digest,
								 const PgmStrategy *strategy, PgmPass *pass);

/*
 * In a transaction: the table of which a former operation is in the way of
 * statement n, as its triggers hold the columns; or InvalidOid.
 */
extern Oid	pgm_runner_held_table(const PgmSource *source, int n);

/* In an error callback: which statements of which revision it is about. */
extern void pgm_runner_error_context(const PgmSource *source, int first,
									 int last);

/* Outside of one: carry it out, and mark the statements as done. */
extern void pgm_runner_pass(PgmRunner *runner, const PgmExec *exec,
							const PgmStep *step, const PgmPass *pass);

#endif							/* PGM_RUN_SHADOW_STATEMENT_H */

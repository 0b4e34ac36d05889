/*-------------------------------------------------------------------------
 *
 * execute.h
 *	  Run the statements of a revision.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGM_EXEC_EXECUTE_H
#define PGM_EXEC_EXECUTE_H

#include "sql/statements.h"

/* Where and for whom statements run. */
typedef struct PgmExec
{
	bool		worker;			/* in a worker: arm statement_timeout, report
								 * activity, log statements */
	bool		guard;			/* the role must not be changed */
	int			time_limit;		/* ms for a statement of the worker, 0 for
								 * that of statement_timeout only */
	int			session_timeout;	/* statement_timeout of the caller, in
									 * whose session it runs */
	const char *label;			/* "upgrade 2 of 5", for pg_stat_activity */
} PgmExec;

/*
 * Run statement n.  In a transaction.  top_level is what the server calls
 * isTopLevel: true in a transaction of the worker, false in a function.
 * Returns the number of rows that it is about, as its command tag would.
 */
extern uint64 pgm_exec_statement(const PgmExec *exec, const PgmSource *source,
								 int n, bool top_level);

/* Run all queries of a verify text; an error unless all their columns hold. */
extern void pgm_exec_verify(const PgmExec *exec, const PgmSource *source,
							bool top_level);

/* Only query n of it. */
extern void pgm_exec_verify_query(const PgmExec *exec,
								  const PgmSource *source, int n,
								  bool top_level);

/*
 * Query n of a generated verification: each row names an object and says
 * whether it is as it should be.  The names of those that are not.
 */
extern List *pgm_exec_failed_objects(const PgmExec *exec,
									 const PgmSource *source, int n,
									 bool top_level);

/*
 * Fire deferred constraint triggers now, so that they run under the guard and
 * fail as part of the revision, not of the commit.
 */
extern void pgm_exec_fire_deferred(const PgmExec *exec);

#endif							/* PGM_EXEC_EXECUTE_H */

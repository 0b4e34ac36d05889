/*-------------------------------------------------------------------------
 *
 * shadow_table.h
 *	  Change a table by way of another one beside it.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGM_ONLINE_SHADOW_TABLE_H
#define PGM_ONLINE_SHADOW_TABLE_H

#include "lock/ladder.h"
#include "store/operation.h"
#include "strategy/strategy.h"

typedef struct PgmShadowRequest
{
	const PgmExec *exec;
	PgmLockWait *wait;
	int64		run;
	const char *revision;		/* NULL without one */
	const char *direction;
	int			number;			/* of the statement, from 1, or 0 */
	const char *digest;
	Oid			relid;
	const PgmSource *source;	/* the statements, NULL to rewrite as it is */
	int			n;				/* the first of them … */
	int			last;			/* … and the last */
	bool		column;			/* by way of another column */
	const PgmSource *inverse;	/* what the author takes it back by, or NULL */
	const PgmSource *partitioning;	/* or what it is partitioned by, see
									 * PgmRebuildRequest */

	List	   *column_order;	/* names, see order.h, or NIL */
	const char *order_by;		/* of the rows: an index, or a list; or NULL */

	/* in the transaction that switches it, or goes back; may be NULL */
	void		(*completed) (void *arg);
	void	   *completed_arg;
} PgmShadowRequest;

/*
 * In a worker, outside of a transaction, up to the switch.  Goes on with what
 * an earlier run has left.  Returns the number of the operation.
 */
extern int64 pgm_shadow_statement(const PgmShadowRequest *request);

/*
 * The first statement that alters a table, from n on, after others that drop
 * what would be in its way, or n.  The last of those on the table that can go
 * in one pass; it may be one that makes again what was dropped.  In a
 * transaction.
 */
extern bool pgm_shadow_alters(const PgmSource *source, int n);
extern int	pgm_shadow_first(const PgmSource *source, int n);
extern int	pgm_shadow_last(Oid relid, const PgmSource *source, int n);

/* Of a pass over several tables, see joint.c; -1 if it is none. */
extern int	pgm_shadow_joint_last(const PgmSource *source, int n);

/* Of a known pass from n on: the last one, with what makes things again. */
extern int	pgm_shadow_with_made(const PgmSource *source, int n, int last);

/*
 * Why a statement cannot be carried out so, or NULL.  In a transaction that
 * has locked the table; or in one that has not: the lock is then asked for
 * without waiting and given back, for a look must not keep others out.  The
 * reader is who analyzes what the text computes, or InvalidOid.
 */
extern char *pgm_shadow_refusal(Oid relid, const PgmSource *source, int n,
								Oid reader);
extern char *pgm_shadow_refusal_unlocked(Oid relid, const PgmSource *source,
										 int n, Oid reader);

/* Will it be possible to go back?  Locks as pgm_shadow_refusal_unlocked. */
extern void pgm_shadow_foresee_back(const PgmWayBackOf *of, PgmWayBack *back);

/*
 * In a worker outside of a transaction, else inside: back to what was before,
 * from every state; what was done, or NULL for nothing.  Rows that do not fit
 * any more are an error unless they may be left out.  Of the request are read
 * who executes it, the statements, of which those that do not alter a table
 * are run with it, and what is to be called.
 */
extern const char *pgm_shadow_revert(const PgmShadowRequest *asked,
									 int64 operation, bool without_unfit);

/*
 * The table whose statement an operation belongs to: that of a partition is
 * one of several, which are reverted together.
 */
extern Oid	pgm_shadow_root(const PgmOperation *operation);
extern bool pgm_shadow_are_one(const PgmOperation *a, const PgmOperation *b);

/*
 * A table has one way back.  What changes it again takes that away from the
 * change before: in a transaction, is there one; outside of one in a worker,
 * finalize it, and say so.
 */
extern bool pgm_shadow_can_revert(Oid relid);
extern void pgm_shadow_finalize_former(const PgmExec *exec, Oid relid);

/* Drop what is kept for the way back. */
extern const char *pgm_shadow_finalize(const PgmExec *exec, int64 operation);
extern void pgm_shadow_warn_unfinalized(const PgmOperation *operation,
										const ErrorData *edata);

#endif							/* PGM_ONLINE_SHADOW_TABLE_H */

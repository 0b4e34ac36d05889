/*-------------------------------------------------------------------------
 *
 * needs.h
 *	  The relation locks that statements need, and who is in their way.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGM_LOCK_NEEDS_H
#define PGM_LOCK_NEEDS_H

#include "utils/hsearch.h"

#include "classify/classify.h"

/* Longest name of a transaction, see below. */
#define PGM_TRANSACTION_LEN 24

typedef struct PgmLockNeed
{
	Oid			relid;
	LOCKMODE	mode;
	int			rank;			/* named tables, parents, other tables,
								 * indexes */
	char	   *name;
} PgmLockNeed;

/* Filled statement by statement; lives in the context given. */
typedef struct PgmLockNeeds
{
	MemoryContext context;
	PgmClassifier classifier;
	List	   *list;			/* of PgmLockNeed *, one per relation */
	HTAB	   *by_relid;		/* the same, NULL before the first */
	bool		long_work;		/* may rewrite or scan a table */
	bool		slow;			/* the last statement may work long, so that
								 * what it carries is held long */
	bool		unsure;			/* may wait for locks that are not known */
	bool		opaque;			/* and those may be strong ones */
	TransactionId transaction;	/* has locked rows, or invalid */
} PgmLockNeeds;

/* Somebody whose lock, held or asked for before us, conflicts with a need. */
typedef struct PgmBlocker
{
	int			pid;			/* 0: a prepared transaction */
	bool		holds;			/* not only waits itself */
	bool		lasting;		/* will not end soon: do not ask */
	bool		autovacuum;
	bool		wraparound;		/* one that must not be disturbed */
	char	   *transaction;	/* as in pg_locks.virtualtransaction */
	char	   *kind;			/* of backend, or gid of the transaction */
	char	   *user;
	char	   *application;
	char	   *state;
	char	   *query;			/* NULL if the current user may not see it */
	char	   *mode;
	int64		age;			/* of its transaction, ms; -1 if not known */
	char	   *json;
	const PgmLockNeed *need;	/* NULL: rows */
} PgmBlocker;

extern void pgm_lockneeds_init(PgmLockNeeds *needs, MemoryContext context);

/* In a transaction; takes no relation lock. */
extern void pgm_lockneeds_statement(PgmLockNeeds *needs,
									const PgmSource *source, int n);

/*
 * May the statement work so long that nobody should wait meanwhile for a lock
 * which a later one needs?
 */
extern bool pgm_statement_is_slow(const PgmVerdict *verdict, Node *stmt);

/* Nothing but the locks that reading and writing rows takes. */
extern bool pgm_lockneeds_weak(const PgmLockNeeds *needs);
extern void pgm_lockneeds_add(PgmLockNeeds *needs, Oid relid, LOCKMODE mode,
							  int rank, const char *name);

/* Put them into the order in which locks are taken. */
extern void pgm_lockneeds_sort(PgmLockNeeds *needs);

/* Is each need of some among those of the other, as strong or stronger? */
extern bool pgm_lockneeds_covered(const PgmLockNeeds *needs,
								  const PgmLockNeeds *by);

/*
 * Who is in the way: a list of PgmBlocker *, holders first, the oldest first.
 * None is lasting yet.  In a transaction.
 */
extern List *pgm_lockneeds_blockers(const PgmLockNeeds *needs);

/* The first so many as a jsonb array, and a hash of who they all are. */
extern char *pgm_blockers_json(List *blockers, int max);
extern uint32 pgm_blockers_hash(List *blockers);

/* As a sentence for messages. */
extern char *pgm_blocker_text(const PgmBlocker *blocker, bool with_query);

#endif							/* PGM_LOCK_NEEDS_H */

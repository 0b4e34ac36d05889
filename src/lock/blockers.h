/*-------------------------------------------------------------------------
 *
 * blockers.h
 *	  Who is in the way of locks that are needed.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGM_LOCK_BLOCKERS_H
#define PGM_LOCK_BLOCKERS_H

#include "nodes/pg_list.h"

/* Longest name of a transaction, see below. */
#define PGM_TRANSACTION_LEN 24

struct PgmLockNeed;
struct PgmLockNeeds;

/* Somebody whose lock, held or asked for before us, conflicts with a need. */
typedef struct PgmBlocker
{
	int			pid;			/* 0: a prepared transaction */
	char	   *node;			/* of Citus, NULL: this one */
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
	const struct PgmLockNeed *need; /* NULL: rows */
} PgmBlocker;

/*
 * A list of PgmBlocker *, holders first, the oldest first.  None is lasting
 * yet.  In a transaction.
 */
extern List *pgm_blockers_find(const struct PgmLockNeeds *needs);

/* The same on the other nodes of Citus; each of them is asked. */
extern List *pgm_node_blockers(const struct PgmLockNeeds *needs);

/* The first so many as a jsonb array, and a hash of who they all are. */
extern char *pgm_blockers_json(List *blockers, int max);
extern uint32 pgm_blockers_hash(List *blockers);

/* As a sentence for messages. */
extern char *pgm_blocker_text(const PgmBlocker *blocker, bool with_query);

#endif							/* PGM_LOCK_BLOCKERS_H */

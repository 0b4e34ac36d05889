/*-------------------------------------------------------------------------
 *
 * needs.h
 *	  The relation locks that statements need.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGM_LOCK_NEEDS_H
#define PGM_LOCK_NEEDS_H

#include "utils/hsearch.h"

#include "classify/classify.h"
#include "lock/blockers.h"

typedef struct PgmLockNeed
{
	Oid			relid;
	LOCKMODE	mode;
	bool		of_statement;	/* which takes it itself */
	char	   *name;
} PgmLockNeed;

/* Filled statement by statement; lives in the context given. */
typedef struct PgmLockNeeds
{
	MemoryContext context;
	PgmClassifier classifier;
	List	   *list;			/* of PgmLockNeed *, one per relation, in the
								 * order in which they are taken: that of the
								 * statements */
	HTAB	   *by_relid;		/* the same, NULL before the first */
	bool		long_work;		/* may rewrite or scan a table */
	bool		slow;			/* the last statement may work long, so that
								 * what it carries is held long */
	bool		unsure;			/* may wait for locks that are not known */
	bool		opaque;			/* and those may be strong ones */
	TransactionId transaction;	/* has locked rows, or invalid */
} PgmLockNeeds;

extern void pgm_lockneeds_init(PgmLockNeeds *needs, MemoryContext context);

/* In a transaction; takes no relation lock. */
extern void pgm_lockneeds_statement(PgmLockNeeds *needs,
									const PgmSource *source, int n);

/*
 * May the statement work so long that nobody should wait meanwhile for a lock
 * which a later one needs?
 */
extern bool pgm_statement_is_slow(const PgmVerdict *verdict, Node *stmt);

/* What is needed of a relation, or NULL. */
extern const PgmLockNeed *pgm_lockneeds_find(const PgmLockNeeds *needs,
											 Oid relid);

/* Nothing but the locks that reading and writing rows takes. */
extern bool pgm_lockneeds_weak(const PgmLockNeeds *needs);
extern void pgm_lockneeds_add(PgmLockNeeds *needs, Oid relid, LOCKMODE mode,
							  const char *name);

/* If it is needed, it is to be taken before all others. */
extern void pgm_lockneeds_first(PgmLockNeeds *needs, Oid relid);

/* Is each need of some among those of the other, as strong or stronger? */
extern bool pgm_lockneeds_covered(const PgmLockNeeds *needs,
								  const PgmLockNeeds *by);

#endif							/* PGM_LOCK_NEEDS_H */

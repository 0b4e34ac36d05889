/*-------------------------------------------------------------------------
 *
 * sync.h
 *	  What a session has compiled for a trigger of the dual write.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGM_ONLINE_SYNC_H
#define PGM_ONLINE_SYNC_H

#include "utils/reltrigger.h"

#include "online/mapping.h"
#include "online/target.h"

/* No key of a row: some were not even looked at. */
#define PGM_ESTRANGED_KEY ""

/* What a session has compiled for a trigger. */
typedef struct PgmSync
{
	Oid			trigger;
	Oid			source;
	Oid			owner;
	MemoryContext context;
	bool		valid;			/* no definition has changed since */
	List	   *domains;		/* that it uses: hashes of the system cache */
	bool		estranged;		/* rows are not written along any more */
	int			uses;			/* calls that are at it, one inside another */
	int			level;			/* of transactions, of the first of them */
	PgmTarget  *target;
	PgmMapping *mapping;
	PgmKey		source_key;
	TupleTableSlot *source_slot;
	bool		evaluate_may_fail;
	bool		write_may_fail;
	bool		back;			/* from the new rows to the old ones */
	char	  **settings;
	int			nsettings;
	struct PgmColumnSync *pairs;	/* of columns, without a table beside */
} PgmSync;

/*
 * In the trigger, with the rights of the owner: what is kept for it, or what
 * is made of it now, in the current memory context.  Its uses are counted by
 * the caller, who notes the level of the first.
 */
extern PgmSync *pgm_sync_find(Relation source, const Trigger *trigger,
							  void (*make) (PgmSync *sync, Relation source,
											const Trigger *trigger));

/* Of what else it computes with: the expressions of a mapping, as text. */
extern void pgm_sync_note_domains(PgmSync *sync, const char *columns);

/* The table beside follows a change of a row; either slot may be NULL. */
extern void pgm_sync_follow(PgmSync *sync, Relation source,
							TupleTableSlot *old, TupleTableSlot *new);

/*
 * It does not follow while it has another owner, whose code is not to run for
 * this one; that is noted.
 */
extern void pgm_sync_note_estranged(Oid unfit);

/* Both are locked, and the owner is current. */
extern bool pgm_sync_demands_more(Relation target, Relation source);

/* In a subtransaction; false if the data does not allow it. */
extern bool pgm_sync_attempt(void (*work) (void *arg), void *arg);

#endif							/* PGM_ONLINE_SYNC_H */

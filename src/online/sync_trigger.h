/*-------------------------------------------------------------------------
 *
 * sync_trigger.h
 *	  Every write to a table goes to the table beside too.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGM_ONLINE_SYNC_TRIGGER_H
#define PGM_ONLINE_SYNC_TRIGGER_H

#include "commands/trigger.h"

#include "online/mapping.h"

/* What a pair of triggers has to know. */
typedef struct PgmSyncSpec
{
	int64		operation;
	Oid			source;			/* the table that has the triggers */
	Oid			source_key;		/* its unique index … */
	Oid			target;
	Oid			target_key;		/* … and the one of the target */
	const PgmMappingText *mapping;
	char	  **settings;		/* for its expressions */
	int			nsettings;
	bool		write_may_fail; /* the target demands more than the source */
	bool		back;			/* the target has the rows of before … */
	bool		part;			/* … of which the source has some */
} PgmSyncSpec;

/* Returns the row trigger.  In a transaction, with the source locked. */
extern Oid	pgm_sync_create(const PgmSyncSpec *spec);
extern void pgm_sync_drop(Oid source, int64 operation);

/* Is this row trigger, or any, there, and does it fire in every session? */
extern bool pgm_sync_is_intact(Oid source, int64 operation, Oid trigger);

/* The OID of a trigger function of ours, whoever asks. */
extern Oid	pgm_sync_function(const char *name);

/* The functions of the triggers. */
extern void pgm_sync_row(TriggerData *data);
extern void pgm_sync_truncate(TriggerData *data);

/* Raises an error: a function was called by another trigger than ours. */
extern void pgm_sync_refuse_trigger(void);

/* Of a trigger that was made in this transaction. */
extern void pgm_sync_fire_always(Oid trigger);

#endif							/* PGM_ONLINE_SYNC_TRIGGER_H */

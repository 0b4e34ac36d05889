/*-------------------------------------------------------------------------
 *
 * shadow_column.h
 *	  A column changed by way of another one of the same table.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGM_ONLINE_SHADOW_COLUMN_H
#define PGM_ONLINE_SHADOW_COLUMN_H

#include "commands/trigger.h"

#include "sql/statements.h"

/* The function of the trigger. */
extern HeapTuple pgm_column_row(TriggerData *data);

/* Why it cannot be, as pgm_shadow_refusal_unlocked. */
extern char *pgm_column_refusal_unlocked(Oid relid, const PgmSource *source,
										 int n, Oid reader);

#endif							/* PGM_ONLINE_SHADOW_COLUMN_H */

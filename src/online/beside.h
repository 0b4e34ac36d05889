/*-------------------------------------------------------------------------
 *
 * beside.h
 *	  Tables beside belong to the owner of the table, but only we write them.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGM_ONLINE_BESIDE_H
#define PGM_ONLINE_BESIDE_H

#include "commands/trigger.h"

/* In the schema of an operation: keys of rows that did not fit. */
#define PGM_UNFIT_TABLE "pgm unfit"

/*
 * Nobody else writes to a table, as long as it has these triggers; who may do
 * that can drop them, but not make them again.
 */
extern void pgm_beside_guard(Oid relid);
extern void pgm_beside_unguard(Oid relid);
extern bool pgm_beside_is_guarded(Oid relid);
extern bool pgm_beside_is_alone(Oid relid);
extern void pgm_beside_trigger(TriggerData *data);

/* Run a command that writes to it, as the current user. */
extern void pgm_beside_utility(Oid relid, const char *command);

/*
 * The table of what did not fit belongs to the owner of our schema, and the
 * tables beside cannot be rewritten while it has columns of their row types.
 */
extern Oid	pgm_unfit_create(const char *schema);
extern void pgm_unfit_hold(Oid unfit, Oid relid);
extern void pgm_unfit_let_go(Oid unfit, Oid relid);
extern void pgm_unfit_give_away(Oid unfit, Oid reader);

/* That of a table beside; an error if it is not there any more. */
extern Oid	pgm_unfit_of(Oid relid);

extern void pgm_unfit_note(Oid unfit, const char *key);
extern int64 pgm_unfit_count(Oid unfit, const char *key);	/* NULL: all */
extern void pgm_unfit_forget(Oid unfit, const char *key);	/* NULL: all */

#endif							/* PGM_ONLINE_BESIDE_H */

/*-------------------------------------------------------------------------
 *
 * column_default.h
 *	  Defaults that a statement gives to the columns whose type it changes.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGM_ONLINE_COLUMN_DEFAULT_H
#define PGM_ONLINE_COLUMN_DEFAULT_H

#include "online/internal.h"

/* Of the subcommands of a statement those that change a type. */
extern List *pgm_column_retypings(const List *commands);

/*
 * As the owner, once the columns that follow are there: what the statement
 * sets is kept in the details, for the switch.
 */
extern void pgm_column_keep_defaults(PgmShadow *shadow);

/* True if the statement sets it, or drops it: then it is NULL. */
extern bool pgm_column_new_default(const PgmShadow *shadow,
								   const char *column, char **text);

#endif							/* PGM_ONLINE_COLUMN_DEFAULT_H */

/*-------------------------------------------------------------------------
 *
 * local_effects.h
 *	  Statements that have no effect outside of this database.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGM_CLASSIFY_LOCAL_EFFECTS_H
#define PGM_CLASSIFY_LOCAL_EFFECTS_H

#include "sql/statements.h"

/*
 * Is all that statement n does undone when its commit is lost?  False where
 * that cannot be told.  In a transaction, before the statement runs.
 */
extern bool pgm_statement_is_local(const PgmSource *source, int n);

/* The same of what is not the text of anybody: who hears of each statement? */
extern bool pgm_database_is_local(void);

#endif							/* PGM_CLASSIFY_LOCAL_EFFECTS_H */

/*-------------------------------------------------------------------------
 *
 * generated.h
 *	  The verification of a revision that has none, from what it did.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGM_RUN_GENERATED_H
#define PGM_RUN_GENERATED_H

#include "exec/changed_objects.h"
#include "exec/execute.h"
#include "store/verification.h"

/*
 * From the catalogs as they are after the statements of an upgrade, in the
 * current context.  NULL if it has changed nothing that can be told.
 */
extern PgmGenerated *pgm_generated_write(const PgmChangedObjects *changed);

/* Query n, or all of a text: the names of objects that are not as it says. */
extern List *pgm_generated_ask(const PgmExec *exec, const PgmSource *source,
							   int n, bool top_level);
extern List *pgm_generated_ask_all(const PgmExec *exec, const char *text,
								   const char *revision, bool top_level);

#endif							/* PGM_RUN_GENERATED_H */

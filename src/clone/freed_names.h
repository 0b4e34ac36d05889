/*-------------------------------------------------------------------------
 *
 * freed_names.h
 *	  Names that a statement before has freed for what is made in the text.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGM_CLONE_FREED_NAMES_H
#define PGM_CLONE_FREED_NAMES_H

#include "clone/clone.h"

/*
 * Before a statement is tried: where it gives something a name, or a schema,
 * that a live relation still has but its clone has not, what gets it has to
 * stand beside the clones.  The names in it are not yet led to clones.
 */
extern void pgm_freed_names(PgmClones *clones, Node *stmt);

#endif							/* PGM_CLONE_FREED_NAMES_H */

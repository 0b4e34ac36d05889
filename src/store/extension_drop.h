/*-------------------------------------------------------------------------
 *
 * extension_drop.h
 *	  DROP EXTENSION waits for the run in progress.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGM_STORE_EXTENSION_DROP_H
#define PGM_STORE_EXTENSION_DROP_H

#include "nodes/nodes.h"

/*
 * Before a DROP EXTENSION or DROP OWNED, if it is about this extension and its
 * user may: with the run lock, to the end of the transaction.
 */
extern void pgm_extension_drop_begin(const Node *stmt);

#endif							/* PGM_STORE_EXTENSION_DROP_H */

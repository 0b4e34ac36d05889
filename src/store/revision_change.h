/*-------------------------------------------------------------------------
 *
 * revision_change.h
 *	  Who amended, removed and approved revisions, and what they were before.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGM_STORE_REVISION_CHANGE_H
#define PGM_STORE_REVISION_CHANGE_H

#include "store/revision.h"

/* Before the change, in the transaction that makes it. */
extern void pgm_change_keep_texts(const PgmRevision *before,
								  const char *change);
extern void pgm_change_keep_approval(const PgmRevision *revision);

#endif							/* PGM_STORE_REVISION_CHANGE_H */

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

/*
 * The texts, flag and digest that it had, NULL if it never had the digest.
 * Without one, those that it had at first, NULL if they never changed.
 */
extern PgmRevision *pgm_change_texts(const char *id, const char *digest);

/* False if nobody has approved it. */
extern bool pgm_change_last_approval(const char *id, char **digest,
									 char **role);

#endif							/* PGM_STORE_REVISION_CHANGE_H */

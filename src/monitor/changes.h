/*-------------------------------------------------------------------------
 *
 * changes.h
 *	  What became of the SQL of a revision.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGM_MONITOR_CHANGES_H
#define PGM_MONITOR_CHANGES_H

#include "store/revision.h"

/*
 * The texts of the revision as they are, against those that had the digest; a
 * unified difference for each that differs, empty if none does.  Raises an
 * error if it never had the digest.
 */
extern char *pgm_changes_since(const PgmRevision *now, const char *digest);

/* Against those that were approved last, NULL if none were. */
extern char *pgm_changes_since_approval(const PgmRevision *now);

/* Against those that were stored first, as far as that is known. */
extern char *pgm_changes_since_stored(const PgmRevision *now);

#endif							/* PGM_MONITOR_CHANGES_H */

/*-------------------------------------------------------------------------
 *
 * verification.h
 *	  What the server itself says a revision made: pgmigrate.verification.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGM_STORE_VERIFICATION_H
#define PGM_STORE_VERIFICATION_H

#include "nodes/pg_list.h"

/* A row of it: revision, digest, and the values below. */
#define PGM_VERIFICATION_INSERT \
	"INSERT INTO pgmigrate.verification (revision, digest, upgrade, " \
	"downgrade, objects, made) "
#define PGM_VERIFICATION_REPLACE \
	"ON CONFLICT (revision) DO UPDATE SET digest = excluded.digest, " \
	"upgrade = excluded.upgrade, downgrade = excluded.downgrade, " \
	"objects = excluded.objects, made = excluded.made, written_at = now()"

/* Before a name among the objects: all that is on it or in it. */
#define PGM_WHOLE "* "

typedef struct PgmGenerated
{
	char	   *upgrade;		/* queries, NULL if there is nothing to ask */
	char	   *downgrade;
	int			nobjects;		/* titles of what it did something to */
	char	  **objects;
	int			nmade;			/* of those that its downgrade takes away */
	char	  **made;
	char	   *digest;			/* of the revision, of stored ones */
} PgmGenerated;

/* Of a revision that is applied. */
typedef struct PgmVerificationRow
{
	const char *revision;
	const char *digest;
	bool		written;		/* the revision has a verification itself */
	const PgmGenerated *generated;
} PgmVerificationRow;

/* A row of its own in the current context; the names are the caller's. */
extern void pgm_verification_copy(PgmVerificationRow *row,
								  const char *revision, const char *digest,
								  bool written,
								  const PgmGenerated *generated);

/* Four values for its row, null for no row. */
extern void pgm_verification_values(const PgmVerificationRow *row,
									Datum *values, bool *nulls);

/* With the work of the steps. */
extern void pgm_verification_keep(int n, const PgmVerificationRow *rows);

/* NULL for those that have none; by position, in the current context. */
extern PgmGenerated **pgm_verification_get(int n, char **revisions);

/*
 * Of an object that is not as an applied revision has left it: has one that
 * was applied later done something to it?
 */
extern bool pgm_verification_superseded(const char *revision,
										const char *object);

#endif							/* PGM_STORE_VERIFICATION_H */

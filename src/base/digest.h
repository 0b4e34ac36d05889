/*-------------------------------------------------------------------------
 *
 * digest.h
 *	  Canonical digests of revisions.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGM_BASE_DIGEST_H
#define PGM_BASE_DIGEST_H

#include "lib/stringinfo.h"

typedef struct PgmDigest
{
	StringInfoData input;
} PgmDigest;

extern void pgm_digest_init(PgmDigest *digest, const char *domain);
extern void pgm_digest_text(PgmDigest *digest, const char *text);
extern void pgm_digest_bytes(PgmDigest *digest, const char *text, int len);
extern void pgm_digest_array(PgmDigest *digest, int n, char **texts);

/* Lower-case hexadecimal, 64 digits. */
extern char *pgm_digest_final(PgmDigest *digest);

#endif							/* PGM_BASE_DIGEST_H */

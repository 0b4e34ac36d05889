/*-------------------------------------------------------------------------
 *
 * content.h
 *	  Are two texts of a revision the same but for how a file is saved?
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGM_STORE_CONTENT_H
#define PGM_STORE_CONTENT_H

#include "store/revision.h"

/* NULL, a text that is not there, is the same as NULL only. */
extern bool pgm_content_same(const char *a, const char *b);

/*
 * A digest of the texts that tells apart what pgm_content_same() does.  The
 * digest that is stored is of the texts as they are.
 */
extern char *pgm_content_digest(const char *upgrade, const char *downgrade,
								const char *verify,
								PgmTristate transactional);

#endif							/* PGM_STORE_CONTENT_H */

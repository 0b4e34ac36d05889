/*-------------------------------------------------------------------------
 *
 * known.h
 *	  Stored revisions by their content, for files without an id.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGM_INTEROP_KNOWN_H
#define PGM_INTEROP_KNOWN_H

#include "store/revision.h"

typedef struct PgmKnown PgmKnown;

/*
 * The stored revision of the content of this one, whose digest is of
 * pgm_content_digest(), and take it: it is not returned again.  NULL if there
 * is none left.  *known is NULL before the first call.
 */
extern PgmRevision *pgm_known_take(PgmKnown **known,
								   const PgmRevision *revision);

#endif							/* PGM_INTEROP_KNOWN_H */

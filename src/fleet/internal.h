/*-------------------------------------------------------------------------
 *
 * internal.h
 *	  Between the caller of a fleet and its workers.
 *
 * Texts go over in the encoding of the caller's database.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGM_FLEET_INTERNAL_H
#define PGM_FLEET_INTERNAL_H

#include "lib/stringinfo.h"

#include "fleet/fleet.h"

/* What a worker answers: the first byte of a message. */
#define PGM_FLEET_ENTERED 'E'
#define PGM_FLEET_NOT_THERE 'N' /* no extension */
#define PGM_FLEET_AT 'A'		/* steps done, heads */

/* Instead of a run: what the others have left is to be recorded. */
#define PGM_FLEET_RECORD (-2)

/* run 0: upgrade; else only look what became of the run, -1 for none */
extern void pgm_fleet_put_job(StringInfo payload, const PgmFleet *fleet,
							  const char *schema, int64 run);

#endif							/* PGM_FLEET_INTERNAL_H */

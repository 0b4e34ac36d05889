/*-------------------------------------------------------------------------
 *
 * sample.h
 *	  Some rows of each table for a rehearsal.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGM_REHEARSE_SAMPLE_H
#define PGM_REHEARSE_SAMPLE_H

#include "lib/stringinfo.h"

typedef struct PgmSample
{
	StringInfoData message;
	char	   *description;	/* for people */
} PgmSample;

/*
 * At most so many rows of each table, and those that their foreign keys need,
 * as the current user may read them; in a transaction of its own.  Lives in
 * the current context.
 */
extern void pgm_rehearse_draw_sample(int rows, PgmSample *sample);

/*
 * In the scratch database: these rows and no others are in the tables then,
 * and sequences go on as there.  In a transaction of its own.
 */
extern void pgm_rehearse_load_sample(StringInfo message);

#endif							/* PGM_REHEARSE_SAMPLE_H */

/*-------------------------------------------------------------------------
 *
 * partition_sample.h
 *	  Partitions that stand for others alike.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGM_CLONE_PARTITION_SAMPLE_H
#define PGM_CLONE_PARTITION_SAMPLE_H

#include "nodes/pg_list.h"

typedef struct PgmSample PgmSample;

/* Lives in the current memory context. */
extern PgmSample *pgm_sample_new(void);

/*
 * Choose among leaf partitions, of any number of tables, those that stand for
 * all; the "named" ones stand for themselves only.  Takes no lock on any of
 * them.
 */
extern List *pgm_sample_choose(PgmSample *sample, List *leaves, List *named);

/* For which this one, a partition or an index of it, stands; OIDs. */
extern List *pgm_sample_alike(PgmSample *sample, Oid relid);

/* Is it told by one that is alike in all that matters? */
extern bool pgm_sample_is_exact(PgmSample *sample, Oid relid);

#endif							/* PGM_CLONE_PARTITION_SAMPLE_H */

/*-------------------------------------------------------------------------
 *
 * sequences.h
 *	  Sequences on the way back.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGM_ONLINE_SEQUENCES_H
#define PGM_ONLINE_SEQUENCES_H

#include "online/internal.h"

/* What a sequence gives next on the way back, as it was before the lock. */
typedef struct PgmSequenceNext
{
	Oid			relid;
	AttrNumber	column;
	bool		upwards;
	int64		value;
} PgmSequenceNext;

/*
 * The sequence of an identity that has passed what the old type
 * of its column holds begins again after what is in the old rows, which the
 * query has as v.  With the locks; ahead of them only what is asked of rows,
 * where no index knows it.
 */
extern void pgm_shadow_look_at_sequences(PgmShadow *shadow);
extern void pgm_shadow_set_sequences_back(PgmShadow *head, bool ahead);
extern void pgm_sequence_set_back(PgmShadow *shadow, Oid relid,
								  AttrNumber column, Oid type,
								  const char *rows, bool ahead);
extern bool pgm_is_first_in_index(Oid relid, AttrNumber column);

#endif							/* PGM_ONLINE_SEQUENCES_H */

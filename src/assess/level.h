/*-------------------------------------------------------------------------
 *
 * level.h
 *	  How bad a finding is for the tables as they are.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGM_ASSESS_LEVEL_H
#define PGM_ASSESS_LEVEL_H

#include "nodes/pg_list.h"

/*
 * Set the levels of findings by what the statements do.  Of PgmJudged *, all
 * of a source, with what they lose.  In a transaction.
 */
extern void pgm_level_by_effect(List *judged);

#endif							/* PGM_ASSESS_LEVEL_H */

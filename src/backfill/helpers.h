/*-------------------------------------------------------------------------
 *
 * helpers.h
 *	  More processes for the ranges of a backfill.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGM_BACKFILL_HELPERS_H
#define PGM_BACKFILL_HELPERS_H

#include "backfill/internal.h"
#include "process/entry.h"

/* All ranges, with as many helpers as it is to have. */
extern void pgm_helpers_work(PgmBackfill *backfill);

/* Raise what helpers have reported so far; nothing if there are none. */
extern void pgm_helpers_poll(void);

/* In a helper: what it is there for. */
extern void pgm_helpers_help(const PgmJob *job);

#endif							/* PGM_BACKFILL_HELPERS_H */

/*-------------------------------------------------------------------------
 *
 * pacer.h
 *	  How large the next chunk is to be.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGM_BACKFILL_PACER_H
#define PGM_BACKFILL_PACER_H

/* How large the next chunk is to be: blocks, or rows of a list. */
typedef struct PgmPacer
{
	double		rate;			/* units per ms, 0 before the first */
	double		limit;			/* no more than twice the last */
	int			waiters;		/* chunks since somebody waited for one */
} PgmPacer;

/*
 * Units of a chunk that is to take so many ms: as many as given if it is the
 * first, and never more than the most; a unit may have as many rows.
 */
extern int	pgm_pacer_next(const PgmPacer *pacer, int target, int first,
						   int most, int rows_per_unit);
extern void pgm_pacer_done(PgmPacer *pacer, int units, double ms,
						   bool waited_on);

/* After so many ms of a chunk: is what it has done to be committed? */
extern bool pgm_pacer_over(int target, double ms);

#endif							/* PGM_BACKFILL_PACER_H */

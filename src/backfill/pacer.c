/*-------------------------------------------------------------------------
 *
 * pacer.c
 *	  How large the next chunk is to be.
 *
 * A chunk locks the rows that it has changed until it commits, so the time
 * that it takes is the time that others wait for it at most.  The size follows
 * a mean of the rates of the last chunks, in which the newest counts for a
 * third; one that was slower than that is believed at once.
 *
 * Pages are a poor measure of time: those whose rows are dead, or do not meet
 * the condition, are passed in no time, and nobody knows where they end.  So a
 * chunk has never more of them than would hold what no server changes in the
 * time of several chunks, and what takes longer all the same is committed in
 * between.
 *
 * Pure reckoning: nothing here looks at the server.
 *
 *-------------------------------------------------------------------------
 */
#ifndef FRONTEND
#include "postgres.h"
#else
#include "postgres_fe.h"
#endif

#include "backfill/pacer.h"

/* While somebody has waited for us, and for so many chunks after. */
#define PGM_WAITED_DIVISOR 4
#define PGM_WAITED_CHUNKS 10

/* No server changes more in a millisecond; five times what is usual. */
#define PGM_ROWS_PER_MS 500

int
pgm_pacer_next(const PgmPacer *pacer, int target, int first, int most,
			   int rows_per_unit)
{
	double		units = (double) PGM_ROWS_PER_MS * target / rows_per_unit;

	if (pacer->rate == 0)
		return Min(first, most);
	units = Min(units, pacer->rate * target);
	if (pacer->waiters > 0)
		units /= PGM_WAITED_DIVISOR;
	units = Min(units, pacer->limit);
	return (int) Max(Min(units, most), 1);
}

void
pgm_pacer_done(PgmPacer *pacer, int units, double ms, bool waited_on)
{
	double		rate = units / Max(ms, 0.1);

	if (pacer->rate == 0 || rate < pacer->rate / 2)
		pacer->rate = rate;
	else
		pacer->rate = pacer->rate * 2 / 3 + rate / 3;
	pacer->limit = units * 2.0;
	if (waited_on)
		pacer->waiters = PGM_WAITED_CHUNKS;
	else if (pacer->waiters > 0)
		pacer->waiters--;
}

bool
pgm_pacer_over(int target, double ms)
{
	return ms > 1.5 * target;
}

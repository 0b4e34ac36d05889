/*-------------------------------------------------------------------------
 *
 * test_pacer.c
 *	  How large the next chunk of a backfill is: times that are made up.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres_fe.h"

#include "backfill/pacer.h"
#include "unit.h"

#define TARGET 100
#define FIRST 8
#define MOST 65536
#define PER_PAGE 60

static int
next(const PgmPacer *pacer)
{
	return pgm_pacer_next(pacer, TARGET, FIRST, MOST, PER_PAGE);
}

/* Chunk by chunk, each at so many ms for a page; the last one's pages. */
static int
pass(PgmPacer *pacer, int chunks, double ms_per_page)
{
	int			pages = 0;

	for (int i = 0; i < chunks; i++)
	{
		pages = next(pacer);
		pgm_pacer_done(pacer, pages, pages * ms_per_page, false);
	}
	return pages;
}

static void
test_pages(void)
{
	PgmPacer	pacer = {0};
	int			dead;
	int			full;

	unit_check(next(&pacer) == FIRST, false, "pacer: the first chunk");
	full = pass(&pacer, 30, 0.5);
	unit_check(full > 180 && full < 220, false,
			   "pacer: full pages take the time of a chunk: %d", full);

	/* pages of which none has a row are passed in no time */
	dead = pass(&pacer, 30, 0.001);
	unit_check(dead > 2 * full, false,
			   "pacer: empty pages come in larger chunks: %d", dead);
	unit_check(dead * PER_PAGE <= TARGET * 500, false,
			   "pacer: but not in such as would be full for seconds: %d", dead);
	unit_check(pgm_pacer_over(TARGET, dead * 0.5), false,
			   "pacer: a chunk that comes upon full pages is cut");
	full = pass(&pacer, 2, 0.5);
	unit_check(full < 220, false,
			   "pacer: and the next is as large as it was: %d", full);
	unit_check(!pgm_pacer_over(TARGET, full * 0.5), false,
			   "pacer: it is not cut");
}

static void
test_others(void)
{
	PgmPacer	pacer = {0};
	int			before;
	int			waited;

	before = pass(&pacer, 30, 0.001);
	pgm_pacer_done(&pacer, before, before * 0.001, true);
	waited = next(&pacer);
	unit_check(waited <= before / 4, false,
			   "pacer: a quarter while somebody waits: %d of %d", waited, before);
	unit_check(pgm_pacer_next(&pacer, TARGET, FIRST, 3, PER_PAGE) == 3, false,
			   "pacer: no more than there is");
	pgm_pacer_done(&pacer, 1, 1000000, false);
	unit_check(next(&pacer) == 1, false, "pacer: at least one");
	pass(&pacer, 30, 0.001);
	unit_check(pgm_pacer_next(&pacer, 1, FIRST, MOST, 500) == 1, false,
			   "pacer: one page, where it holds more rows than allowed");
	unit_check(pgm_pacer_next(&pacer, 1, FIRST, MOST, 1) <= 500, false,
			   "pacer: rows of a list are bounded as those of pages");
}

void
test_pacer(void)
{
	test_pages();
	test_others();
}

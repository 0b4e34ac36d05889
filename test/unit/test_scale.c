/*-------------------------------------------------------------------------
 *
 * test_scale.c
 *	  Large graphs: nothing may recurse, and nothing may be quadratic.
 *
 * The limits are generous, so that only a change of the order of growth is
 * caught, also on a slow machine and with sanitizers.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres_fe.h"

#include <time.h>

#include "unit.h"

#define N 100000
#define LIMIT 2.0

static double
seconds(clock_t start)
{
	return (double) (clock() - start) / CLOCKS_PER_SEC;
}

/* Add revision "r<number>" with parents and dependencies given by number. */
static void
add(PgmGraph *graph, int number, int nparents, const int *parents,
	int ndepends, const int *depends)
{
	char		id[16];
	char	  **names = palloc(sizeof(char *) * (nparents + ndepends + 1));

	snprintf(id, sizeof(id), "r%d", number);
	for (int i = 0; i < nparents + ndepends; i++)
		names[i] = psprintf("r%d", i < nparents ? parents[i] :
							depends[i - nparents]);
	pgm_graph_add(graph, id, nparents, names, ndepends, names + nparents,
				  0, NULL);
	for (int i = 0; i < nparents + ndepends; i++)
		pfree(names[i]);
	pfree(names);
}

/* Seal, then up to all heads and down to base, each within the limit. */
static void
run_up_and_down(PgmGraph *graph, const char *name)
{
	PgmGraphError error;
	PgmRevSet	rows = {0, NULL};
	PgmGraphPlan plan;
	clock_t		start = clock();
	bool		ok = pgm_graph_seal(graph, &error);
	int			n = pgm_graph_size(graph);
	double		spent = seconds(start);

	unit_check(ok && spent < LIMIT, false, "%s: seal (%.3f s)", name, spent);
	if (!ok)
		return;
	start = clock();
	ok = pgm_graph_plan_upgrade(graph, rows, "heads", &plan, &error);
	spent = seconds(start);
	unit_check(ok && plan.nsteps == n && spent < LIMIT, false,
			   "%s: upgrade (%.3f s)", name, spent);
	rows = pgm_graph_real_heads(graph);
	start = clock();
	ok = pgm_graph_plan_downgrade(graph, rows, "base", &plan, &error);
	spent = seconds(start);
	unit_check(ok && plan.nsteps == n && spent < LIMIT, false,
			   "%s: downgrade (%.3f s)", name, spent);
	start = clock();
	ok = pgm_graph_plan_stamp(graph, rows, "r0", &plan, &error);
	spent = seconds(start);
	unit_check(ok && spent < LIMIT, false, "%s: stamp (%.3f s)", name, spent);
}

static void
test_chain(void)
{
	PgmGraph   *graph = pgm_graph_create(N);

	for (int i = 0; i < N; i++)
	{
		int			parent = i - 1;

		add(graph, i, i > 0, &parent, 0, NULL);
	}
	run_up_and_down(graph, "chain");
}

/* Legs of a fork that end in one merge. */
static void
test_legs(int nlegs, bool merge, const char *name)
{
	PgmGraph   *graph = pgm_graph_create(0);
	int		   *tip = palloc(sizeof(int) * nlegs);
	int			made = 1;

	add(graph, 0, 0, NULL, 0, NULL);
	for (int i = 0; i < nlegs; i++)
		tip[i] = 0;
	while (made < N)
	{
		int			leg = (made - 1) % nlegs;

		add(graph, made, 1, &tip[leg], 0, NULL);
		tip[leg] = made++;
	}
	if (merge)
		add(graph, made, nlegs, tip, 0, NULL);
	pfree(tip);
	run_up_and_down(graph, name);
}

static void
test_roots(void)
{
	PgmGraph   *graph = pgm_graph_create(N);

	for (int i = 0; i < N; i++)
	{
		int			parent = i - N / 2;

		add(graph, i, parent >= 0, &parent, 0, NULL);
	}
	run_up_and_down(graph, "50,000 roots");
}

/* Two chains, each revision of the second depending on one of the first. */
static void
test_ladder(void)
{
	PgmGraph   *graph = pgm_graph_create(N);

	for (int i = 0; i < N; i++)
	{
		int			parent = i - 2;
		int			depend = i - 1;

		add(graph, i, i > 1, &parent, i % 2, &depend);
	}
	run_up_and_down(graph, "ladder");
}

/* A chain with one more head beside each of its revisions. */
static void
test_comb(bool tops_first)
{
	PgmGraph   *graph = pgm_graph_create(N);

	for (int k = 0; k < N; k++)
	{
		int			i = tops_first ? N - 1 - k : k;
		int			parent = i % 2 ? i - 1 : i - 2;

		add(graph, i, parent >= 0, &parent, 0, NULL);
	}
	run_up_and_down(graph, tops_first ? "comb, tops first" : "comb");
}

/* Merges and dependencies at random, mostly near by. */
static void
test_random(int reach, const char *name)
{
	PgmGraph   *graph = pgm_graph_create(N);
	uint32		state = 12345;

	for (int i = 0; i < N; i++)
	{
		int			to[4];
		int			nparents;
		int			ndepends;

		for (int k = 0; k < 4; k++)
		{
			state = state * 1664525 + 1013904223;
			to[k] = i == 0 ? 0 : i - 1 - (int) ((state >> 8) % Min(i, reach));
		}
		nparents = i == 0 || (state >> 16) % 50 == 0 ? 0 :
			(state >> 20) % 10 == 0 ? 2 : 1;
		ndepends = i > 0 && (state >> 12) % 10 == 0 ? 2 : 0;
		add(graph, i, nparents, to, ndepends, to + 2);
	}
	run_up_and_down(graph, name);
}

void
test_scale(void)
{
	test_chain();
	test_legs(1000, true, "1,000 parents");
	test_legs(1000, false, "1,000 heads");
	test_legs(50000, true, "50,000 parents");
	test_roots();
	test_ladder();
	test_comb(false);
	test_comb(true);
	test_random(10, "random, near");
	test_random(N, "random, far");
}

/*-------------------------------------------------------------------------
 *
 * test_property.c
 *	  Random graphs and commands, compared with the oracle step by step.
 *
 * SEED and GRAPHS in the environment override what is tried; the seed is
 * printed, and a failure prints the graph in the notation of the examples.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres_fe.h"

#include <time.h>

#include "oracle.h"
#include "unit.h"

#define MAX_REPORTS 10

static uint64 seed_state;

/* xorshift64*; the same on every platform, unlike rand(). */
static uint32
draw(uint32 limit)
{
	seed_state ^= seed_state >> 12;
	seed_state ^= seed_state << 25;
	seed_state ^= seed_state >> 27;
	return (uint32) ((seed_state * UINT64CONST(2685821657736338717)) >> 33) %
		limit;
}

static void
draw_name(char *out, const char *prefix)
{
	static const int lengths[] = {1, 2, 3, 4};
	int			len = lengths[draw(4)];

	strcpy(out, prefix);
	out += strlen(out);
	for (int i = 0; i < len; i++)
		*out++ = "abx"[draw(3)];
	*out = '\0';
}

static bool
name_taken(const OracleGraph *graph, const char *name)
{
	for (int r = 0; r < graph->n; r++)
	{
		if (strcmp(graph->rev[r].id, name) == 0 ||
			strcmp(graph->rev[r].label, name) == 0)
			return true;
	}
	return false;
}

static void
draw_graph(OracleGraph *graph)
{
	int			n = 1 + draw(ORACLE_MAX);
	int			at[ORACLE_MAX]; /* load order of the i-th made */
	uint32		root_odds = 1 + draw(8);
	uint32		merge_odds = 1 + draw(6);
	uint32		depend_odds = 1 + draw(8);
	bool		shuffle = draw(3) == 0;

	memset(graph, 0, sizeof(OracleGraph));
	graph->n = n;
	for (int i = 0; i < n; i++)
		at[i] = i;
	for (int i = n - 1; shuffle && i > 0; i--)
	{
		int			j = draw(i + 1);
		int			swap = at[i];

		at[i] = at[j];
		at[j] = swap;
	}
	for (int i = 0; i < n; i++)
	{
		OracleRev  *rev = &graph->rev[at[i]];
		char		name[8];
		int			lowest = draw(3) == 0 ? 0 : Max(0, i - 3);

		do
			draw_name(name, "");
		while (name_taken(graph, name));
		strcpy(rev->id, name);
		if (draw(4) == 0)
		{
			draw_name(name, "L");
			if (!name_taken(graph, name))
				strcpy(rev->label, name);
		}
		if (i > 0 && draw(root_odds + 1) > 0)
			rev->nparents = draw(merge_odds) == 0 ? 1 + draw(3) : 1;
		for (int k = 0; k < rev->nparents; k++)
			rev->parent[k] = at[lowest + draw(i - lowest)];
		if (i > 0 && draw(depend_odds) == 0)
			rev->ndepends = 1 + draw(3);
		for (int k = 0; k < rev->ndepends; k++)
			rev->depend[k] = at[draw(i)];
		for (int k = 1; k < rev->nparents; k++)
		{
			for (int j = 0; j < k; j++)
			{
				if (rev->parent[j] == rev->parent[k])
				{
					rev->nparents = 1;
					break;
				}
			}
		}
	}
}

static char *
graph_text(const OracleGraph *graph)
{
	char	   *input = pstrdup("");

	for (int r = 0; r < graph->n; r++)
	{
		const OracleRev *rev = &graph->rev[r];

		input = psprintf("%s%s%s", input, r > 0 ? " " : "", rev->id);

		for (int i = 0; i < rev->nparents; i++)
			input = psprintf("%s%c%s", input, i == 0 ? '<' : ',',
							 graph->rev[rev->parent[i]].id);

		for (int i = 0; i < rev->ndepends; i++)
		{
			const OracleRev *to = &graph->rev[rev->depend[i]];

			/* Some by label: it means the same. */
			input = psprintf("%s%c%s", input, i == 0 ? '+' : ',',
							 to->label[0] && i == 0 ? to->label : to->id);
		}
		if (rev->label[0])
			input = psprintf("%s/%s", input, rev->label);
	}
	return input;
}

static const char *
draw_symbol(const OracleGraph *graph)
{
	const OracleRev *rev = &graph->rev[draw(graph->n)];
	char	   *name = pstrdup(rev->label[0] && draw(2) ? rev->label : rev->id);

	switch (draw(12))
	{
		case 0:
			return "head";
		case 1:
			return "base";
		case 2:
			return "heads";
		case 3:
			name[1 + draw(strlen(name))] = '\0';
			return name;
		default:
			return name;
	}
}

static const char *
draw_branch(const OracleGraph *graph)
{
	const char *name;

	do
		name = draw_symbol(graph);
	while (strcmp(name, "base") == 0 || strncmp(name, "head", 4) == 0);
	return name;
}

static char *
draw_target(const OracleGraph *graph)
{
	char		sign = draw(2) ? '+' : '-';
	int			offset = draw(20) == 0 ? 0 : 1 + draw(3);

	switch (draw(8))
	{
		case 0:
			return psprintf("%s@%s", draw_branch(graph), draw_symbol(graph));
		case 1:
			return psprintf("%c%d", sign, offset);
		case 2:
			return psprintf("%s@%c%d", draw_branch(graph), sign, offset);
		case 3:
			return psprintf("%s%c%d", draw_symbol(graph), sign, offset);
		case 4:
			return psprintf("%s@%s%c%d", draw_branch(graph),
							draw_symbol(graph), sign, offset);
		default:
			return pstrdup(draw_symbol(graph));
	}
}

static uint32
to_mask(PgmRevSet set)
{
	uint32		mask = 0;

	for (int i = 0; i < set.n; i++)
		mask |= (uint32) 1 << set.rev[i];
	return mask;
}

/* NULL, or what is wrong with a plan. */
static const char *
compare_plans(const OracleGraph *oracle, uint32 rows, char command,
			  const PgmGraphPlan *plan, const OraclePlan *expected)
{
	if (command != 'S' && plan->nsteps != expected->nsteps)
		return "number of steps";
	for (int i = 0; i < plan->nsteps; i++)
	{
		const PgmGraphStep *step = &plan->steps[i];
		uint32		removed = to_mask(step->rows_removed);
		uint32		added = to_mask(step->rows_added);

		if ((removed & ~rows) || (added & rows & ~removed))
			return "moves of rows";
		rows = (rows & ~removed) | added;
		if (command == 'S')
			continue;
		if (step->rev != expected->step[i])
			return "order";
		if (rows != expected->rows[i])
			return "rows after a step";
		if (rows != oracle_maximal(oracle, oracle_ancestors(oracle, rows)))
			return "rows not maximal";
	}
	if (rows != expected->final)
		return "rows at the end";
	return NULL;
}

/* Try one command; returns whether it agrees, and moves the rows on. */
static bool
try_command(const OracleGraph *oracle, const PgmGraph *graph, uint32 *mask,
			int *ok_count)
{
	static const char commands[] = "UUDDS";
	char		command = commands[draw(5)];
	char	   *target = draw_target(oracle);
	int			row_list[ORACLE_MAX];
	PgmRevSet	rows = {0, row_list};
	PgmGraphPlan plan;
	PgmGraphError error;
	OraclePlan	expected;
	bool		must_work;
	bool		works;
	const char *wrong;

	if (command == 'S' && draw(4) == 0)
		target = psprintf("%s %s", target, draw_symbol(oracle));
	for (int r = oracle->n - 1; r >= 0; r--)
	{
		if (*mask & ((uint32) 1 << r))
			row_list[rows.n++] = r;
	}
	must_work = oracle_plan(oracle, *mask, command, target, &expected);
	works = command == 'U' ?
		pgm_graph_plan_upgrade(graph, rows, target, &plan, &error) :
		command == 'D' ?
		pgm_graph_plan_downgrade(graph, rows, target, &plan, &error) :
		pgm_graph_plan_stamp(graph, rows, target, &plan, &error);

	wrong = works && !must_work ? "should be refused" :
		!works && must_work ? unit_error(&error) :
		works ? compare_plans(oracle, *mask, command, &plan, &expected) :
		NULL;
	if (!works)
		unit_error(&error);
	if (wrong != NULL)
	{
		printf("# %s [%s] %c %s: %s\n", graph_text(oracle),
			   unit_ids(graph, rows), command, target, wrong);
		return false;
	}
	*ok_count += works;
	if (works)
		*mask = expected.final;
	return true;
}

void
test_property(void)
{
	const char *env_seed = getenv("SEED");
	const char *env_graphs = getenv("GRAPHS");
	uint64		seed = env_seed ? strtoull(env_seed, NULL, 10) : 20260101;
	int			ngraphs = env_graphs ? atoi(env_graphs) : 100000;
	int			reports = 0;
	int			commands = 0;
	int			worked = 0;
	int			passed_before = unit_passed;
	int			failed_before = unit_failed;
	clock_t		start = clock();

	printf("# SEED=" UINT64_FORMAT " GRAPHS=%d\n", seed, ngraphs);
	seed_state = seed * UINT64CONST(0x9E3779B97F4A7C15) + 1;
	for (int i = 0; i < ngraphs && reports < MAX_REPORTS; i++)
	{
		OracleGraph oracle;
		PgmGraph   *graph;
		uint32		mask = 0;

		draw_graph(&oracle);
		oracle_prepare(&oracle);
		graph = unit_graph(graph_text(&oracle));
		for (int k = 0; k < 8; k++)
		{
			bool		agrees = try_command(&oracle, graph, &mask, &worked);

			commands++;
			if (!unit_check(agrees, true, "graph %d, command %d", i, k))
			{
				reports++;
				break;
			}
		}
	}
	printf("# %d commands, %d of them not refused, %.1f s\n", commands, worked,
		   (double) (clock() - start) / CLOCKS_PER_SEC);

	/* all of them are one test: their number must not hide a lost suite */
	printf("%d random commands\n", unit_passed - passed_before);
	unit_passed = passed_before + (unit_failed == failed_before ? 1 : 0);
}

/*-------------------------------------------------------------------------
 *
 * oracle.c
 *	  The rules of targets and plans once more, for small graphs only.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres_fe.h"

#include "oracle.h"

#define BIT(r) ((uint32) 1 << (r))
#define FOR_EACH(r, set) \
	for (int r = 0; r < graph->n; r++) if ((set) & BIT(r))

/* One bit per parent. */
static uint32
find_parents(const OracleGraph *graph, int r)
{
	uint32		set = 0;

	for (int i = 0; i < graph->rev[r].nparents; i++)
		set |= BIT(graph->rev[r].parent[i]);
	return set;
}

static uint32
parents(const OracleGraph *graph, int r)
{
	return graph->parents[r];
}

/* r and its ancestors by parents. */
static uint32
find_line_down(const OracleGraph *graph, int r)
{
	uint32		set = BIT(r);

	FOR_EACH(p, parents(graph, r))
		set |= find_line_down(graph, p);
	return set;
}

static uint32
line_down(const OracleGraph *graph, int r)
{
	return graph->line_down[r];
}

/* Ancestors, itself, descendants by parents. */
static uint32
line(const OracleGraph *graph, int r)
{
	uint32		set = line_down(graph, r);

	for (int x = 0; x < graph->n; x++)
	{
		if (line_down(graph, x) & BIT(r))
			set |= BIT(x);
	}
	return set;
}

/* F(r) in order: parents, then dependencies no P-ancestor declares. */
static int
full(const OracleGraph *graph, int r, int *out)
{
	const OracleRev *rev = &graph->rev[r];
	uint32		declared = 0;
	uint32		have = 0;
	int			n = 0;

	FOR_EACH(q, line_down(graph, r) & ~BIT(r))
	{
		for (int i = 0; i < graph->rev[q].ndepends; i++)
			declared |= BIT(graph->rev[q].depend[i]);
	}
	for (int i = 0; i < rev->nparents + rev->ndepends; i++)
	{
		int			to = i < rev->nparents ? rev->parent[i] :
			rev->depend[i - rev->nparents];

		if (i >= rev->nparents && (declared & BIT(to)))
			continue;
		if (!(have & BIT(to)))
			out[n++] = to;
		have |= BIT(to);
	}
	return n;
}

static uint32
find_full_set(const OracleGraph *graph, int r)
{
	int			f[8];
	int			n = full(graph, r, f);
	uint32		set = 0;

	for (int i = 0; i < n; i++)
		set |= BIT(f[i]);
	return set;
}

static uint32
full_set(const OracleGraph *graph, int r)
{
	return graph->full[r];
}

/* r and everything reachable by F. */
static uint32
find_anc(const OracleGraph *graph, int r)
{
	uint32		set = BIT(r);

	FOR_EACH(p, full_set(graph, r))
		set |= find_anc(graph, p);
	return set;
}

static uint32
anc(const OracleGraph *graph, int r)
{
	return graph->anc[r];
}

void
oracle_prepare(OracleGraph *graph)
{
	for (int r = 0; r < graph->n; r++)
		graph->parents[r] = find_parents(graph, r);
	for (int r = 0; r < graph->n; r++)
		graph->line_down[r] = find_line_down(graph, r);
	for (int r = 0; r < graph->n; r++)
		graph->full[r] = find_full_set(graph, r);
	for (int r = 0; r < graph->n; r++)
		graph->anc[r] = find_anc(graph, r);
}

uint32
oracle_ancestors(const OracleGraph *graph, uint32 set)
{
	uint32		result = 0;

	FOR_EACH(r, set)
		result |= anc(graph, r);
	return result;
}

/* Those of a set that no other of the set stands on. */
uint32
oracle_maximal(const OracleGraph *graph, uint32 set)
{
	uint32		result = set;

	FOR_EACH(r, set)
		result &= ~(anc(graph, r) & ~BIT(r));
	return result;
}

static int
count(uint32 set)
{
	int			n = 0;

	for (; set != 0; set &= set - 1)
		n++;
	return n;
}

static int
only(uint32 set)
{
	int			r = 0;

	while (!(set & BIT(r)))
		r++;
	return r;
}

static uint32
down_heads(const OracleGraph *graph)
{
	uint32		set = BIT(graph->n) - 1;

	for (int r = 0; r < graph->n; r++)
		set &= ~parents(graph, r);
	return set;
}

static uint32
real_heads(const OracleGraph *graph)
{
	return oracle_maximal(graph, BIT(graph->n) - 1);
}

static uint32
roots(const OracleGraph *graph)
{
	uint32		set = 0;

	for (int r = 0; r < graph->n; r++)
	{
		if (graph->rev[r].nparents == 0)
			set |= BIT(r);
	}
	return set;
}

static uint32
children(const OracleGraph *graph, int r)
{
	uint32		set = 0;

	for (int x = 0; x < graph->n; x++)
	{
		if (parents(graph, x) & BIT(r))
			set |= BIT(x);
	}
	return set;
}

/*
 * The revision of a name, -1 if there is none or the prefix is ambiguous.
 * Prefixes count only within a set.
 */
static int
find(const OracleGraph *graph, const char *name, uint32 within)
{
	int			found = -1;
	int			nfound = 0;

	for (int r = 0; r < graph->n; r++)
	{
		if (strcmp(graph->rev[r].id, name) == 0 ||
			(*name && strcmp(graph->rev[r].label, name) == 0))
			return r;
	}
	FOR_EACH(r, within)
	{
		const char *names[2] = {graph->rev[r].id, graph->rev[r].label};

		for (int i = 0; i < 2; i++)
		{
			if (strlen(names[i]) > 3 &&
				strncmp(names[i], name, strlen(name)) == 0)
			{
				found = r;
				nfound++;
			}
		}
	}
	return nfound == 1 ? found : -1;
}

typedef struct Parsed
{
	bool		branch;
	int			on;				/* the branch */
	char		anchor[32];		/* empty: none */
	bool		relative;
	int			offset;
} Parsed;

static bool
parse(const OracleGraph *graph, const char *target, Parsed *p)
{
	char		input[64];
	char	   *at;
	char	   *sign;

	memset(p, 0, sizeof(Parsed));
	strlcpy(input, target, sizeof(input));
	at = strchr(input, '@');
	if (at != NULL)
	{
		*at = '\0';
		p->branch = true;
		p->on = find(graph, input, BIT(graph->n) - 1);
		if (p->on < 0)
			return false;
		memmove(input, at + 1, strlen(at + 1) + 1);
	}
	sign = strpbrk(input, "+-");
	if (sign != NULL)
	{
		p->relative = true;
		p->offset = atoi(sign);
		*sign = '\0';
	}
	strlcpy(p->anchor, input, sizeof(p->anchor));
	return p->anchor[0] != '\0' || p->offset != 0;
}

/* What a symbol stands for; within is the line to be on, or everything. */
static bool
anchor(const OracleGraph *graph, const Parsed *p, bool use_branch,
	   uint32 *result)
{
	uint32		within = use_branch && p->branch ? line(graph, p->on) :
		BIT(graph->n) - 1;
	int			r;

	*result = 0;
	if (strcmp(p->anchor, "base") == 0)
		return true;
	if (strcmp(p->anchor, "heads") == 0)
	{
		*result = use_branch && p->branch ? down_heads(graph) & within :
			real_heads(graph);
		return true;
	}
	if (strcmp(p->anchor, "head") == 0)
	{
		*result = down_heads(graph) & within;
		return count(*result) <= 1;
	}
	r = find(graph, p->anchor, within);
	if (r < 0 || !(within & BIT(r)))
		return false;
	*result = BIT(r);
	return true;
}

/* Walk from a revision, -1 being base; false if lost. */
static bool
walk(const OracleGraph *graph, int r, int offset, uint32 within, int *result)
{
	for (; offset > 0; offset--)
	{
		uint32		next = (r < 0 ? roots(graph) : children(graph, r)) & within;

		if (count(next) != 1)
			return false;
		r = only(next);
	}
	for (; offset < 0; offset++)
	{
		if (r < 0 || graph->rev[r].nparents > 1)
			return false;
		r = graph->rev[r].nparents == 0 ? -1 : graph->rev[r].parent[0];
	}
	*result = r;
	return true;
}

/* Resolve a target with an offset to one revision, -1 being base. */
static bool
relative(const OracleGraph *graph, uint32 rows, const Parsed *p, int *result)
{
	uint32		within = p->branch ? line(graph, p->on) : BIT(graph->n) - 1;
	uint32		start;

	if (p->anchor[0] != '\0')
	{
		/* Up, the branch only chooses the way; down, the start is on it. */
		if (!anchor(graph, p, p->offset <= 0 || strcmp(p->anchor, "head") == 0,
					&start))
			return false;
	}
	else
	{
		start = rows & within;
		if (start == 0 && p->branch)
		{
			uint32		applied = oracle_ancestors(graph, rows);

			start = applied & within;
			FOR_EACH(r, applied & (p->offset > 0 ? within : ~0u))
				start &= ~(p->offset > 0 ? full_set(graph, r) :
						   parents(graph, r));
		}
	}
	if (count(start) > 1)
		return false;
	return walk(graph, start == 0 ? -1 : only(start), p->offset, within,
				result);
}

/* The order of the rules, to the letter. */
static void
run_order(const OracleGraph *graph, uint32 todo, uint32 tops, OraclePlan *plan)
{
	int			c[ORACLE_MAX * 2];
	int			n = 0;
	int			i = 0;

	plan->nsteps = 0;
	FOR_EACH(r, tops & todo)
		c[n++] = r;
	while (n > 0)
	{
		int			f[8];
		int			nf;
		int			j;
		bool		replaced = false;
		int			r = c[i];

		for (j = 0; j < n; j++)
		{
			if (j != i && c[j] != r && (anc(graph, c[j]) & BIT(r)))
				break;
		}
		if (j < n)
		{
			i = j;
			continue;
		}
		plan->step[plan->nsteps++] = r;
		todo &= ~BIT(r);
		nf = full(graph, r, f);
		for (int k = 0; k < nf; k++)
		{
			bool		listed = false;

			for (j = 0; j < n; j++)
				listed |= c[j] == f[k];
			if (listed || !(todo & BIT(f[k])))
				continue;
			if (replaced)
				c[n++] = f[k];
			else
				c[i] = f[k];
			replaced = true;
		}
		if (!replaced)
		{
			memmove(&c[i], &c[i + 1], (n - i - 1) * sizeof(int));
			n--;
			i = Max(i - 1, 0);
		}
	}
}

static bool
upgrade(const OracleGraph *graph, uint32 rows, const Parsed *p,
		OraclePlan *plan)
{
	uint32		targets;
	int			r;

	if (p->anchor[0] == '\0' && p->offset < 0)
		return false;
	if (p->relative)
	{
		if (!relative(graph, rows, p, &r) || (r < 0 && p->offset < 0))
			return false;
		targets = r < 0 ? 0 : BIT(r);
	}
	else if (!anchor(graph, p, true, &targets))
		return false;
	if (oracle_maximal(graph, targets) != targets ||
		oracle_maximal(graph, rows) != rows)
		return false;

	run_order(graph, oracle_ancestors(graph, targets) &
			  ~oracle_ancestors(graph, rows), targets, plan);
	for (int i = 0, j = plan->nsteps - 1; i < j; i++, j--)
	{
		r = plan->step[i];
		plan->step[i] = plan->step[j];
		plan->step[j] = r;
	}
	for (int i = 0; i < plan->nsteps; i++)
	{
		rows &= ~full_set(graph, plan->step[i]);
		rows |= BIT(plan->step[i]);
		plan->rows[i] = rows;
	}
	plan->final = rows;
	return true;
}

static bool
downgrade(const OracleGraph *graph, uint32 rows, Parsed *p, OraclePlan *plan)
{
	uint32		start;
	uint32		drop = 0;
	int			t;

	if (p->anchor[0] == '\0')
	{
		if (p->offset > 0 || rows == 0 || !relative(graph, rows, p, &t))
			return false;
		if (!p->branch)
		{
			p->branch = true;
			p->on = only(rows);
		}
	}
	else if (p->relative)
	{
		if (!relative(graph, rows, p, &t))
			return false;
	}
	else
	{
		uint32		target;

		if (!anchor(graph, p, strncmp(p->anchor, "head", 4) == 0, &target) ||
			count(target) > 1)
			return false;
		t = target == 0 ? -1 : only(target);
	}

	start = t < 0 ? roots(graph) : children(graph, t);
	if (p->branch && count(start) > 1)
	{
		start &= line_down(graph, p->on);
		if (start == 0)
			return false;
	}
	FOR_EACH(x, oracle_ancestors(graph, rows))
	{
		if (anc(graph, x) & start)
			drop |= BIT(x);
	}
	if (drop == 0 && t >= 0 && !(rows & BIT(t)))
		return false;

	run_order(graph, drop, rows, plan);
	for (int i = 0; i < plan->nsteps; i++)
	{
		int			r = plan->step[i];
		uint32		below = full_set(graph, r);
		uint32		others;

		rows &= ~BIT(r);
		others = rows;
		FOR_EACH(q, below)
		{
			bool		covered = (oracle_ancestors(graph, others) & BIT(q)) ||
				(oracle_ancestors(graph, below & ~BIT(q)) & BIT(q));

			if (!covered)
				rows |= BIT(q);
		}
		plan->rows[i] = rows;
	}
	plan->final = rows;
	return true;
}

/* Is a on the full line of b? */
static bool
related(const OracleGraph *graph, int a, int b)
{
	return (anc(graph, a) & BIT(b)) || (anc(graph, b) & BIT(a));
}

static bool
stamp(const OracleGraph *graph, uint32 rows, const char *input,
	  OraclePlan *plan)
{
	char		copy[64];
	uint32		targets = 0;
	uint32		lines = 0;
	uint32		rel = 0;
	uint32		after = rows;
	bool		base = false;
	bool		plain_base = false;

	strlcpy(copy, input, sizeof(copy));
	for (char *s = strtok(copy, " "); s != NULL; s = strtok(NULL, " "))
	{
		Parsed		p;
		uint32		set;
		int			r;

		if (!parse(graph, s, &p) || p.anchor[0] == '\0')
			return false;
		if (p.relative)
		{
			if (!relative(graph, 0, &p, &r))
				return false;
			set = r < 0 ? 0 : BIT(r);
		}
		else if (!anchor(graph, &p, true, &set))
			return false;
		set = oracle_maximal(graph, set);
		targets |= set;
		lines |= set | (p.branch ? BIT(p.on) : 0);
		if (strcmp(p.anchor, "base") == 0)
		{
			base = true;
			plain_base |= !p.branch;
		}
	}
	if (base && targets != 0)
		return false;
	targets = oracle_maximal(graph, targets);

	FOR_EACH(r, rows)
	{
		FOR_EACH(x, lines)
		{
			if (related(graph, r, x))
				rel |= BIT(r);
		}
	}
	if (base)
		after = plain_base ? 0 : rows & ~rel;
	FOR_EACH(d, targets & ~rel)
	{
		FOR_EACH(r, rel)
		{
			if (related(graph, r, d))
				after &= ~rel;
		}
	}
	plan->final = after | (targets & ~rel);
	return true;
}

bool
oracle_plan(const OracleGraph *graph, uint32 rows, char command,
			const char *target, OraclePlan *plan)
{
	Parsed		p;

	memset(plan, 0, sizeof(OraclePlan));
	if (command == 'S')
		return stamp(graph, rows, target, plan);
	if (!parse(graph, target, &p))
		return false;
	return command == 'U' ? upgrade(graph, rows, &p, plan) :
		downgrade(graph, rows, &p, plan);
}

/*-------------------------------------------------------------------------
 *
 * order.c
 *	  Parents before children, where the files name their parents.
 *
 *-------------------------------------------------------------------------
 */
#ifndef FRONTEND
#include "postgres.h"
#else
#include "postgres_fe.h"
#endif

#include "format/internal.h"
#include "graph/depth_first.h"

/* An id or a label, and the revision that bears it. */
typedef struct NameEntry
{
	const char *name;
	int			revision;
} NameEntry;

typedef struct Sorter
{
	PgmFormatContext *cx;
	PgmFormatRevision *revisions;
	int			n;
	int			nnames;
	NameEntry  *names;
	int		   *order;
} Sorter;

static int
name_cmp(const void *a, const void *b)
{
	return strcmp(((const NameEntry *) a)->name,
				  ((const NameEntry *) b)->name);
}

static void
add_names(Sorter *sorter)
{
	int			size = 0;

	for (int i = 0; i < sorter->n; i++)
		size += 1 + sorter->revisions[i].nlabels;
	sorter->names = palloc(Max(size, 1) * sizeof(NameEntry));
	for (int i = 0; i < sorter->n; i++)
	{
		PgmFormatRevision *revision = &sorter->revisions[i];

		for (int j = -1; j < revision->nlabels; j++)
		{
			const char *name = j < 0 ? revision->id : revision->labels[j];

			if (name == NULL)
				continue;
			sorter->names[sorter->nnames].name = name;
			sorter->names[sorter->nnames++].revision = i;
		}
	}
	qsort(sorter->names, sorter->nnames, sizeof(NameEntry), name_cmp);
}

/*
 * The revision that an edge leads to, to the parents and then to what it
 * depends on; none if it is not among the files, so that it must be stored.
 */
static int
follow_edge(const void *arg, int rev, int edge)
{
	const Sorter *sorter = arg;
	const PgmFormatRevision *revision = &sorter->revisions[rev];
	int			nparents = Max(revision->nparents, 0);
	NameEntry	key;
	NameEntry  *found;

	if (edge >= nparents + revision->ndepends)
		return PGM_NO_EDGE;
	key.name = edge < nparents ? revision->parents[edge] :
		revision->depends[edge - nparents];
	found = bsearch(&key, sorter->names, sorter->nnames, sizeof(NameEntry),
					name_cmp);
	return found ? found->revision : PGM_NO_NODE;
}

static bool
fail_cycle(Sorter *sorter, int rev, int to)
{
	const char *file = sorter->revisions[rev].upgrade.file;
	const char *id = sorter->revisions[rev].id;

	/* what is stood on was found by its id or label, so it may have no id */
	return pgm_format_fail(sorter->cx, file, 0,
						   psprintf("revisions stand on each other in a cycle"),
						   psprintf("Revision \"%s\" stands on \"%s\", which stands on it.",
									id ? id : file,
									sorter->revisions[to].id ?
									sorter->revisions[to].id :
									sorter->revisions[to].upgrade.file),
						   NULL);
}

/*
 * A revision without parents named stands on the one before it by file name.
 * As the order is about to change, that is put down by its id.  Where names
 * are no numbers, and others name their parents, a line was forgotten.
 */
static bool
name_implicit_parents(Sorter *sorter, bool named)
{
	for (int i = 0; i < sorter->n; i++)
	{
		PgmFormatRevision *revision = &sorter->revisions[i];
		PgmFormatRevision *previous = revision - 1;
		const char *file = revision->upgrade.file;

		if (revision->nparents >= 0)
			continue;
		if (named && pgm_format_digits(pgm_format_basename(file)) == 0)
			return pgm_format_fail(sorter->cx, file, 0,
								   psprintf("file does not name its parent"),
								   psprintf("Other files name theirs, and its own name does not begin with a number."),
								   pstrdup("Add a line \"-- down_revision: ...\", with \"base\" if it has none."));
		if (i == 0)
			continue;
		if (previous->id == NULL)
			return pgm_format_fail(sorter->cx, revision->upgrade.file, 0,
								   psprintf("file does not name its parent"),
								   psprintf("The file before it, \"%s\", has no id.",
											previous->upgrade.file),
								   pstrdup("Add a line \"-- down_revision: ...\", or take those lines out of all files."));
		revision->nparents = 1;
		revision->parents = palloc(sizeof(char *));
		revision->parents[0] = pstrdup(previous->id);
	}
	return true;
}

/* Which revisions has nobody as parent? */
static bool *
find_tops(Sorter *sorter, int *ntops)
{
	bool	   *is_top = palloc(sorter->n * sizeof(bool));

	*ntops = sorter->n;
	memset(is_top, true, sorter->n * sizeof(bool));
	for (int i = 0; i < sorter->n; i++)
	{
		for (int j = 0; j < sorter->revisions[i].nparents; j++)
		{
			int			to = follow_edge(sorter, i, j);

			if (to >= 0 && is_top[to])
			{
				is_top[to] = false;
				(*ntops)--;
			}
		}
	}
	return is_top;
}

/* Mark the revision at a place of the order, and all that it stands on. */
static void
mark_leg(const Sorter *sorter, int top, bool *marked)
{
	memset(marked, false, sorter->n * sizeof(bool));
	marked[sorter->order[top]] = true;
	for (int i = top; i >= 0; i--)
	{
		int			rev = sorter->order[i];
		int			to;

		if (!marked[rev])
			continue;
		for (int edge = 0;
			 (to = follow_edge(sorter, rev, edge)) != PGM_NO_EDGE; edge++)
		{
			if (to != PGM_NO_NODE)
				marked[to] = true;
		}
	}
}

/*
 * Of legs that end at heads of their own the one that was loaded last runs
 * first, as in Alembic.  So the last leg of the order comes first now; each
 * by itself stays as it was.  This is no order of its own, but undoes ahead of
 * time what that of the run, see graph/order.c, does with the legs.
 */
static void
last_leg_first(Sorter *sorter)
{
	int			ntops;
	bool	   *is_top = find_tops(sorter, &ntops);
	bool	   *marked = palloc(sorter->n * sizeof(bool));
	bool	   *done = palloc0(sorter->n * sizeof(bool));
	int		   *order = palloc(sorter->n * sizeof(int));
	int			norder = 0;

	for (int i = 1; i < sorter->nnames; i++)
	{
		if (strcmp(sorter->names[i - 1].name, sorter->names[i].name) == 0)
			return;				/* an error that is told later */
	}
	if (ntops < 2)
		return;
	for (int i = sorter->n - 1; i >= 0; i--)
	{
		if (!is_top[sorter->order[i]])
			continue;
		mark_leg(sorter, i, marked);
		for (int j = 0; j <= i; j++)
		{
			int			rev = sorter->order[j];

			if (!marked[rev] || done[rev])
				continue;
			done[rev] = true;
			order[norder++] = rev;
		}
	}
	sorter->order = order;
}

static bool
sort_revisions(PgmFormatContext *cx, bool legs)
{
	PgmFormatResult *result = cx->result;
	PgmFormatRevision *sorted;
	Sorter		sorter;
	bool		named = false;
	bool		depending = false;
	int			n = result->nrevisions;
	int			ncycle;

	for (int i = 0; i < n; i++)
	{
		named |= result->revisions[i].nparents >= 0;
		depending |= result->revisions[i].ndepends > 0;
	}
	if (!named && !depending)
		return true;

	memset(&sorter, 0, sizeof(sorter));
	sorter.cx = cx;
	sorter.n = n;
	sorter.revisions = result->revisions;
	if (!name_implicit_parents(&sorter, named))
		return false;
	add_names(&sorter);
	sorter.order = palloc(n * sizeof(int));
	if (!pgm_depth_first(n, follow_edge, &sorter, sorter.order, &ncycle))
		return fail_cycle(&sorter, sorter.order[ncycle - 1],
						  sorter.order[0]);
	if (legs)
		last_leg_first(&sorter);

	sorted = palloc(cx->revisions_size * sizeof(PgmFormatRevision));
	for (int i = 0; i < n; i++)
		sorted[i] = result->revisions[sorter.order[i]];
	pfree(result->revisions);
	result->revisions = sorted;
	return true;
}

bool
pgm_format_sort(PgmFormatContext *cx)
{
	return sort_revisions(cx, false);
}

/*
 * The same for a list in an order that is to be that of the run.
 */
bool
pgm_format_sort_legs(PgmFormatContext *cx)
{
	return sort_revisions(cx, true);
}

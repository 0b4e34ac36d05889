/*-------------------------------------------------------------------------
 *
 * graph.c
 *	  The revision graph: building and sealing.
 *
 * Revisions are numbered in load order.  Sealing resolves every name once and
 * lays each kind of edge out as one array with offsets, so that all later
 * walks are over integers.  The edges are those of doc/concepts: parents (P),
 * dependencies (D), and the full edges (F): the parents, then those
 * dependencies that no ancestor by parents declares already.
 *
 * Nothing here recurses, since a history may be as deep as it is long, and
 * nothing costs more than the size of the graph, but for dependencies that
 * are declared again further up, see drop_repeated_depends().
 *
 *-------------------------------------------------------------------------
 */
#ifndef FRONTEND
#include "postgres.h"
#else
#include "postgres_fe.h"
#endif

#include "common/hashfn.h"
#include "lib/stringinfo.h"

#include "graph/depth_first.h"
#include "graph/internal.h"

/*
 * Bytes of an array of count elements.  What cannot be represented is turned
 * into a size that no allocator grants.
 */
static Size
array_size(int64 count, Size size)
{
	if (count < 0 || (uint64) count > (SIZE_MAX / 2) / size)
		return SIZE_MAX / 2;
	return Max((Size) count, 1) * size;
}

void *
pgm_graph_alloc(int64 count, Size size)
{
	return palloc(array_size(count, size));
}

void *
pgm_graph_alloc0(int64 count, Size size)
{
	return palloc0(array_size(count, size));
}

void
pgm_graph_clear(PgmGraphError *error)
{
	memset(error, 0, sizeof(PgmGraphError));
}

static const char id_hint[] =
"Use letters, digits and \"_\", up to 63 bytes.";

/* Fill in the error; always false, for "return pgm_graph_fail(...)". */
bool
pgm_graph_fail(PgmGraphError *error, PgmGraphErrorCode code,
			   char *message, char *detail, char *hint)
{
	error->code = code;
	error->message = message;
	error->detail = detail;
	error->hint = hint;
	return false;
}

PgmGraph *
pgm_graph_create(int capacity)
{
	PgmGraph   *graph = palloc0(sizeof(PgmGraph));

	graph->capacity = Max(capacity, 8);
	graph->revision = pgm_graph_alloc(graph->capacity, sizeof(PgmRevision));
	return graph;
}

/* Copy strings behind each other; returns where the next one goes. */
static char *
copy_names(char **to, char *space, int n, char **from)
{
	for (int i = 0; i < n; i++)
	{
		Size		len = strlen(from[i]) + 1;

		to[i] = space;
		memcpy(space, from[i], len);
		space += len;
	}
	return space;
}

static Size
names_length(int n, char **names)
{
	Size		len = 0;

	for (int i = 0; i < n; i++)
		len += strlen(names[i]) + 1;
	return len;
}

/*
 * Add one revision and return its number.  Everything is copied: one
 * allocation for the pointers and the text of all names.
 */
int
pgm_graph_add(PgmGraph *graph, const char *id, int nparents, char **parents,
			  int ndepends, char **depends, int nlabels, char **labels)
{
	PgmRevision *revision;
	int			nnames = nparents + ndepends + nlabels;
	Size		id_len = strlen(id) + 1;
	Size		text_len;
	char	   *space;

	if (graph->n == graph->capacity)
	{
		int			capacity = graph->capacity * 2;
		PgmRevision *grown = pgm_graph_alloc(capacity, sizeof(PgmRevision));

		memcpy(grown, graph->revision,
			   (Size) graph->n * sizeof(PgmRevision));
		pfree(graph->revision);
		graph->revision = grown;
		graph->capacity = capacity;
	}

	text_len = id_len + names_length(nparents, parents) +
		names_length(ndepends, depends) + names_length(nlabels, labels);
	revision = &graph->revision[graph->n];
	revision->names = palloc((Size) nnames * sizeof(char *) + text_len);
	revision->nparents = nparents;
	revision->ndepends = ndepends;
	revision->nlabels = nlabels;

	space = (char *) (revision->names + nnames);
	revision->id = space;
	memcpy(space, id, id_len);
	space = copy_names(revision->names, space + id_len, nparents, parents);
	space = copy_names(revision->names + nparents, space, ndepends, depends);
	copy_names(revision->names + nparents + ndepends, space, nlabels, labels);

	return graph->n++;
}

/*
 * Decode one character of UTF-8.  What is not well-formed (another server
 * encoding) counts byte by byte, as a character that nobody objects to.
 */
static int
next_character(const unsigned char *s, uint32 *code)
{
	int			len;

	if (s[0] < 0x80)
	{
		*code = s[0];
		return 1;
	}
	len = s[0] >= 0xF0 ? 4 : s[0] >= 0xE0 ? 3 : s[0] >= 0xC2 ? 2 : 1;
	*code = s[0] & (0xFF >> (len + 1));
	for (int i = 1; i < len; i++)
	{
		if ((s[i] & 0xC0) != 0x80)
			len = 1;
		else
			*code = (*code << 6) | (s[i] & 0x3F);
	}
	if (len == 1)
		*code = 0xFFFD;
	return len;
}

/* Blanks, controls and characters without a glyph look like nothing. */
static bool
is_invisible(uint32 code)
{
	return code < 0x20 ||
		(code >= 0x7F && code <= 0xA0) || code == 0xAD ||
		(code >= 0x2000 && code <= 0x200F) ||
		(code >= 0x2028 && code <= 0x202F) ||
		(code >= 0x205F && code <= 0x206F) ||
		code == 0x3000 || code == 0xFEFF;
}

static bool
is_reserved(const char *name)
{
	return strcmp(name, "head") == 0 || strcmp(name, "heads") == 0 ||
		strcmp(name, "base") == 0 || strcmp(name, "current") == 0;
}

/*
 * Is this legal as an id or a label?  "what" is the word for it in messages.
 * A name that could not be told from the grammar of targets is refused.
 */
bool
pgm_graph_check_id(const char *id, const char *what, PgmGraphError *error)
{
	const unsigned char *s = (const unsigned char *) id;

	if (id[0] == '\0')
		return pgm_graph_fail(error, PGM_GRAPH_BAD_ID,
							  psprintf("%s must not be empty", what), NULL,
							  pstrdup(id_hint));
	if (is_reserved(id))
		return pgm_graph_fail(error, PGM_GRAPH_BAD_ID,
							  psprintf("%s \"%s\" is reserved", what, id),
							  pstrdup("The words \"head\", \"heads\", \"base\" and \"current\" have a meaning of their own in targets."),
							  pstrdup("Choose another name."));
	while (*s != '\0')
	{
		uint32		code;
		int			len = next_character(s, &code);
		int			at = (int) ((const char *) s - id);

		if (code == ' ' || is_invisible(code))
			return pgm_graph_fail(error, PGM_GRAPH_BAD_ID,
								  psprintf("%s contains a blank or a character that cannot be printed", what),
								  psprintf("It is the character with code %u at byte %d.",
										   code, at + 1),
								  pstrdup(id_hint));
		if (strchr("@-+:,", *s) != NULL)
			return pgm_graph_fail(error, PGM_GRAPH_BAD_ID,
								  psprintf("character \"%c\" is not allowed in %s \"%s\"",
										   *s, what, id),
								  pstrdup("The characters \"@\", \"-\", \"+\", \":\" and \",\" have a meaning of their own in targets."),
								  pstrdup("Use \"_\" or \".\" in its place."));
		s += len;
	}
	if (strlen(id) > PGM_ID_MAX)
		return pgm_graph_fail(error, PGM_GRAPH_BAD_ID,
							  psprintf("%s \"%s\" is too long", what, id),
							  psprintf("At most %d bytes are allowed.",
									   PGM_ID_MAX),
							  pstrdup("Choose a shorter name; the message can say the rest."));
	return true;
}

/* The bucket of a name: its own, or the empty one where it would go. */
static uint32
find_bucket(const PgmGraph *graph, const char *name)
{
	uint32		bucket = hash_bytes((const unsigned char *) name,
									(int) strlen(name));

	for (;;)
	{
		int			at;

		bucket &= graph->bucket_mask;
		at = graph->buckets[bucket];
		if (at < 0 || strcmp(graph->names[at].name, name) == 0)
			return bucket;
		bucket++;
	}
}

const PgmName *
pgm_graph_lookup(const PgmGraph *graph, const char *name)
{
	int			at = graph->buckets[find_bucket(graph, name)];

	return at < 0 ? NULL : &graph->names[at];
}

static bool
add_name(PgmGraph *graph, const char *name, int rev, bool is_label,
		 PgmGraphError *error)
{
	uint32		bucket;
	PgmName    *entry;

	if (!pgm_graph_check_id(name, is_label ? "label" : "revision identifier",
							error))
		return false;
	bucket = find_bucket(graph, name);
	if (graph->buckets[bucket] >= 0)
	{
		const PgmName *other = &graph->names[graph->buckets[bucket]];

		if (!is_label)
			return pgm_graph_fail(error, PGM_GRAPH_DUPLICATE,
								  psprintf("revision \"%s\" already exists", name),
								  pstrdup("A revision with this identifier is stored."),
								  pstrdup("Choose another identifier, or change the stored revision with pgmigrate.amend()."));
		if (!other->is_label)
			return pgm_graph_fail(error, PGM_GRAPH_DUPLICATE,
								  psprintf("label \"%s\" of revision \"%s\" is already the identifier of a revision",
										   name, graph->revision[rev].id),
								  pstrdup("Labels and identifiers share one space of names."),
								  pstrdup("Choose another label."));
		return pgm_graph_fail(error, PGM_GRAPH_DUPLICATE,
							  psprintf("label \"%s\" of revision \"%s\" is already used by revision \"%s\"",
									   name, graph->revision[rev].id,
									   graph->revision[other->rev].id),
							  pstrdup("A label stands for one revision."),
							  pstrdup("Choose another label."));
	}
	graph->buckets[bucket] = graph->nnames;
	entry = &graph->names[graph->nnames++];
	entry->name = name;
	entry->rev = rev;
	entry->is_label = is_label;
	return true;
}

/* Enter all ids, then all labels, so that an id never loses to a label. */
static bool
index_names(PgmGraph *graph, PgmGraphError *error)
{
	int64		total = graph->n;
	uint32		nbuckets = 16;

	for (int r = 0; r < graph->n; r++)
		total += graph->revision[r].nlabels;
	while (nbuckets < total * 2)
		nbuckets *= 2;
	graph->bucket_mask = nbuckets - 1;
	graph->buckets = pgm_graph_alloc(nbuckets, sizeof(int));
	memset(graph->buckets, 0xFF, nbuckets * sizeof(int));
	graph->names = pgm_graph_alloc(total, sizeof(PgmName));

	for (int r = 0; r < graph->n; r++)
	{
		PGM_CHECK_INTERRUPTS();
		if (!add_name(graph, graph->revision[r].id, r, false, error))
			return false;
	}
	for (int r = 0; r < graph->n; r++)
	{
		PgmRevision *revision = &graph->revision[r];
		char	  **labels = revision->names + revision->nparents +
			revision->ndepends;

		for (int i = 0; i < revision->nlabels; i++)
		{
			if (!add_name(graph, labels[i], r, true, error))
				return false;
		}
	}
	return true;
}

/* Look up one parent or dependency of rev; a parent is never a label. */
static bool
resolve_name(const PgmGraph *graph, int rev, const char *name, bool is_parent,
			 int *result, PgmGraphError *error)
{
	const PgmName *found = pgm_graph_lookup(graph, name);
	const char *id = graph->revision[rev].id;

	if (found == NULL && is_parent)
		return pgm_graph_fail(error, PGM_GRAPH_MISSING,
							  psprintf("parent \"%s\" of revision \"%s\" does not exist",
									   name, id),
							  pstrdup("No stored revision has this identifier."),
							  pstrdup("Store the parent first, or take one that pgmigrate.history() lists."));
	if (found == NULL)
		return pgm_graph_fail(error, PGM_GRAPH_MISSING,
							  psprintf("dependency \"%s\" of revision \"%s\" does not exist",
									   name, id),
							  pstrdup("No stored revision has this identifier or label."),
							  pstrdup("Store what it depends on first."));
	if (is_parent && found->is_label)
		return pgm_graph_fail(error, PGM_GRAPH_MISSING,
							  psprintf("parent \"%s\" of revision \"%s\" is a label, not a revision",
									   name, id),
							  NULL,
							  psprintf("The label stands for revision \"%s\".",
									   graph->revision[found->rev].id));
	if (found->rev == rev)
		return pgm_graph_fail(error, PGM_GRAPH_CYCLE,
							  psprintf(is_parent ?
									   "revision \"%s\" is its own parent" :
									   "revision \"%s\" depends on itself", id),
							  pstrdup("What a revision stands on must be there before it."),
							  pstrdup("Name another revision."));
	*result = found->rev;
	return true;
}

/*
 * Resolve the parents or the dependencies of every revision into edges.
 * Named twice counts once: seen[p] is the last revision that took p.
 */
static bool
resolve_edges(PgmGraph *graph, bool is_parent, PgmEdges *edges,
			  PgmGraphError *error)
{
	int64		total = 0;
	int			used = 0;
	int		   *seen = pgm_graph_alloc(graph->n, sizeof(int));

	for (int r = 0; r < graph->n; r++)
	{
		total += is_parent ? graph->revision[r].nparents :
			graph->revision[r].ndepends;
		seen[r] = -1;
	}
	edges->off = pgm_graph_alloc((int64) graph->n + 1, sizeof(int));
	edges->to = pgm_graph_alloc(total, sizeof(int));
	for (int r = 0; r < graph->n; r++)
	{
		PgmRevision *revision = &graph->revision[r];
		char	  **names = revision->names +
			(is_parent ? 0 : revision->nparents);
		int			n = is_parent ? revision->nparents : revision->ndepends;

		PGM_CHECK_INTERRUPTS();
		edges->off[r] = used;
		for (int i = 0; i < n; i++)
		{
			int			to = -1;

			if (!resolve_name(graph, r, names[i], is_parent, &to, error))
				return false;
			if (seen[to] == r)
				continue;
			seen[to] = r;
			edges->to[used++] = to;
		}
	}
	edges->off[graph->n] = used;
	pfree(seen);
	return true;
}

/* The same edges from the other end, sources in load order. */
static void
reverse_edges(int n, const PgmEdges *edges, PgmEdges *reverse)
{
	int			total = edges->off[n];
	int		   *next = pgm_graph_alloc0((int64) n + 1, sizeof(int));

	reverse->off = pgm_graph_alloc0((int64) n + 1, sizeof(int));
	reverse->to = pgm_graph_alloc(total, sizeof(int));
	for (int i = 0; i < total; i++)
		reverse->off[edges->to[i] + 1]++;
	for (int r = 0; r < n; r++)
	{
		reverse->off[r + 1] += reverse->off[r];
		next[r] = reverse->off[r];
	}
	for (int r = 0; r < n; r++)
	{
		for (int i = edges->off[r]; i < edges->off[r + 1]; i++)
			reverse->to[next[edges->to[i]]++] = r;
	}
	pfree(next);
}

/* Where an edge leads: to the parents, then the dependencies. */
static int
follow_edge(const void *arg, int rev, int edge)
{
	const PgmGraph *graph = arg;
	PgmRevSet	parents = edge_set(&graph->parents, rev);
	PgmRevSet	depends = edge_set(&graph->depends, rev);

	if (edge < parents.n)
		return parents.rev[edge];
	edge -= parents.n;
	return edge < depends.n ? depends.rev[edge] : PGM_NO_EDGE;
}

static bool
fail_cycle(const PgmGraph *graph, const int *cycle, int length,
		   PgmGraphError *error)
{
	const char *id = graph->revision[cycle[0]].id;
	StringInfoData buf;

	initStringInfo(&buf);
	appendStringInfo(&buf, "\"%s\"", id);
	for (int i = 1; i <= length; i++)
	{
		if (i <= PGM_LIST_MAX || i == length)
			appendStringInfo(&buf, " -> \"%s\"",
							 graph->revision[cycle[i % length]].id);
		else if (i == PGM_LIST_MAX + 1)
			appendStringInfoString(&buf, " -> ...");
	}
	return pgm_graph_fail(error, PGM_GRAPH_CYCLE,
						  psprintf("revision \"%s\" is its own ancestor", id),
						  psprintf("The cycle of %d revisions, each followed by its parent or dependency, is %s.",
								   length, buf.data),
						  pstrdup("Take one of these links out."));
}

/* Give every revision a rank above all that it stands on, or find a cycle. */
static bool
assign_positions(PgmGraph *graph, PgmGraphError *error)
{
	int		   *order = pgm_graph_alloc(graph->n, sizeof(int));
	int			length;

	if (!pgm_depth_first(graph->n, follow_edge, graph, order, &length))
		return fail_cycle(graph, order, length, error);
	graph->position = pgm_graph_alloc(graph->n, sizeof(int));
	for (int i = 0; i < graph->n; i++)
		graph->position[order[i]] = i;
	pfree(order);
	return true;
}

/*
 * Strike target from the dependencies of those of its dependents that have
 * another dependent among their ancestors by parents.  One sweep up from all
 * of them, never above the highest, finds them; struck[] goes by the index of
 * the edge in graph->depends.
 */
static void
drop_repeated_depends(const PgmGraph *graph, int target, int *stack,
					  int *reached, bool *struck)
{
	PgmRevSet	above = edge_set(&graph->dependents, target);
	int			depth = 0;
	int			limit = 0;

	for (int i = 0; i < above.n; i++)
	{
		limit = Max(limit, graph->position[above.rev[i]]);
		stack[depth++] = above.rev[i];
	}
	while (depth > 0)
	{
		PgmRevSet	children = edge_set(&graph->children, stack[--depth]);

		PGM_CHECK_INTERRUPTS();
		for (int i = 0; i < children.n; i++)
		{
			int			child = children.rev[i];

			/* The dependents themselves are on the stack from the start. */
			if (reached[child] == target ||
				graph->position[child] > limit)
				continue;
			reached[child] = target;
			stack[depth++] = child;
		}
	}
	for (int i = 0; i < above.n; i++)
	{
		int			rev = above.rev[i];

		if (reached[rev] != target)
			continue;
		for (int k = graph->depends.off[rev];
			 k < graph->depends.off[rev + 1]; k++)
		{
			if (graph->depends.to[k] == target)
				struck[k] = true;
		}
	}
}

/* Build the full edges: P(r), then N(r), without duplicates. */
static void
build_full_edges(PgmGraph *graph)
{
	int			n = graph->n;
	int			ndepends = graph->depends.off[n];
	bool	   *struck = pgm_graph_alloc0(ndepends, sizeof(bool));
	int		   *seen = pgm_graph_alloc(n, sizeof(int));
	int		   *stack = pgm_graph_alloc((int64) n * 2, sizeof(int));
	PgmEdges   *full = &graph->full;
	int			used = 0;

	for (int r = 0; r < n; r++)
		seen[r] = -1;
	for (int r = 0; r < n; r++)
	{
		if (edge_set(&graph->dependents, r).n > 1)
			drop_repeated_depends(graph, r, stack, seen, struck);
	}

	full->off = pgm_graph_alloc((int64) n + 1, sizeof(int));
	full->to = pgm_graph_alloc((int64) graph->parents.off[n] + ndepends,
							   sizeof(int));
	for (int r = 0; r < n; r++)
		seen[r] = -1;
	for (int r = 0; r < n; r++)
	{
		PgmRevSet	parents = edge_set(&graph->parents, r);

		full->off[r] = used;
		for (int i = 0; i < parents.n; i++)
		{
			seen[parents.rev[i]] = r;
			full->to[used++] = parents.rev[i];
		}
		for (int k = graph->depends.off[r]; k < graph->depends.off[r + 1]; k++)
		{
			if (!struck[k] && seen[graph->depends.to[k]] != r)
				full->to[used++] = graph->depends.to[k];
		}
	}
	full->off[n] = used;
	pfree(stack);
	pfree(seen);
	pfree(struck);
	reverse_edges(n, full, &graph->full_children);
}

bool
pgm_graph_seal(PgmGraph *graph, PgmGraphError *error)
{
	pgm_graph_clear(error);
	if (!index_names(graph, error) ||
		!resolve_edges(graph, true, &graph->parents, error) ||
		!resolve_edges(graph, false, &graph->depends, error))
		return false;
	reverse_edges(graph->n, &graph->parents, &graph->children);
	reverse_edges(graph->n, &graph->depends, &graph->dependents);
	if (!assign_positions(graph, error))
		return false;
	build_full_edges(graph);
	return true;
}

/*-------------------------------------------------------------------------
 *
 * target.c
 *	  Targets: the text that says where to go, read and resolved.
 *
 * The rules are those of Alembic, with an error of its own for each thing
 * that can be wrong.  Base, "nothing applied", is -1 where one revision is
 * meant and the empty set where several may be.
 *
 *-------------------------------------------------------------------------
 */
#ifndef FRONTEND
#include "postgres.h"
#else
#include "postgres_fe.h"
#endif

#include "lib/stringinfo.h"

#include "graph/internal.h"
#include "graph/target.h"

/* A name must be longer than this, in characters, to be found by a prefix. */
#define MIN_PREFIXED 3

static const char offset_hint[] =
"Write how many revisions to go, as in \"+2\", \"-1\" or \"revision+1\".";

static bool
fail_syntax(const char *input, char *detail, char *hint, PgmGraphError *error)
{
	return pgm_graph_fail(error, PGM_GRAPH_SYNTAX,
						  psprintf("target \"%s\" cannot be read", input),
						  detail, hint);
}

/* Read "+N" or "-N" up to the end of the text. */
static bool
read_offset(const char *s, PgmTarget *target, PgmGraphError *error)
{
	const char *digits = s + 1;
	int64		value = 0;

	for (s++; *s >= '0' && *s <= '9'; s++)
		value = Min(value * 10 + (*s - '0'), PG_INT32_MAX);
	if (s == digits)
		return fail_syntax(target->input,
						   psprintf("A number must follow \"%c\".", digits[-1]),
						   pstrdup(offset_hint), error);
	if (*s != '\0')
		return fail_syntax(target->input,
						   psprintf("Nothing may follow the number, but \"%s\" does.",
									s),
						   pstrdup(offset_hint), error);
	target->relative = true;
	target->offset = digits[-1] == '-' ? -(int) value : (int) value;
	return true;
}

/* Refuse what no target may contain, before it is taken apart. */
static bool
check_target_text(const char *input, PgmGraphError *error)
{
	if (input == NULL || input[0] == '\0')
		return pgm_graph_fail(error, PGM_GRAPH_SYNTAX,
							  pstrdup("target must not be empty"), NULL,
							  pstrdup("Use \"head\", \"base\", or the identifier of a revision."));
	if (strchr(input, ':') != NULL)
		return pgm_graph_fail(error, PGM_GRAPH_SYNTAX,
							  psprintf("range \"%s\" is not allowed as a target",
									   input),
							  NULL,
							  pstrdup("Ranges are for script and history."));
	for (const char *s = input; *s != '\0'; s++)
	{
		if ((unsigned char) *s <= ' ' || *s == ',' || *s == 0x7F)
			return fail_syntax(input,
							   pstrdup("It contains a blank, a comma or a control character."),
							   pstrdup("Only stamp takes several targets."),
							   error);
	}
	return true;
}

bool
pgm_graph_read_target(const char *input, PgmTarget *target,
					  PgmGraphError *error)
{
	const char *rest = input;
	const char *at;
	size_t		len;

	memset(target, 0, sizeof(PgmTarget));
	pgm_graph_clear(error);
	if (!check_target_text(input, error))
		return false;
	target->input = input;

	at = strchr(rest, '@');
	if (at != NULL)
	{
		target->branch = pnstrdup(rest, at - rest);
		rest = at + 1;
		if (at == input || strcspn(target->branch, "+-") < at - input)
			return fail_syntax(input,
							   pstrdup("A branch label or a revision must stand before \"@\"."),
							   NULL, error);
		if (*rest == '\0' || strchr(rest, '@') != NULL)
			return fail_syntax(input,
							   pstrdup("One revision or one offset must stand after \"@\"."),
							   NULL, error);
	}

	len = strcspn(rest, "+-");
	if (len > 0)
		target->anchor = pnstrdup(rest, len);
	if (rest[len] != '\0' && !read_offset(rest + len, target, error))
		return false;
	if (target->anchor == NULL && target->offset == 0)
		return fail_syntax(input,
						   pstrdup("The number of revisions to go must not be 0."),
						   pstrdup(offset_hint), error);
	return true;
}

/* Characters of UTF-8 text: bytes that do not continue one. */
static int
character_count(const char *s)
{
	int			count = 0;

	for (; *s != '\0'; s++)
		count += (*s & 0xC0) != 0x80;
	return count;
}

/* Name the candidates of an ambiguous prefix. */
static bool
fail_ambiguous(const char *prefix, int n, const PgmName **found,
			   PgmGraphError *error)
{
	StringInfoData buf;
	int			shown = Min(n, PGM_LIST_MAX);

	initStringInfo(&buf);
	for (int i = 0; i < shown; i++)
		appendStringInfo(&buf, "%s\"%s\"", i > 0 ? ", " : "",
						 found[i]->name);
	if (n > shown)
		appendStringInfo(&buf, ", and %d more", n - shown);
	return pgm_graph_fail(error, PGM_GRAPH_AMBIGUOUS_PREFIX,
						  psprintf("revision prefix \"%s\" is ambiguous", prefix),
						  psprintf("It could be %s.", buf.data),
						  pstrdup("Give more characters of the one that is meant."));
}

/*
 * Find a revision by id, label, or unique prefix of either.  If line is given,
 * prefixes count only for revisions on it.  *rev is -1 if there is none.
 */
static bool
find_name(const PgmGraph *graph, const char *name, const bool *line, int *rev,
		  PgmGraphError *error)
{
	const PgmName *exact = pgm_graph_lookup(graph, name);
	const PgmName *found[PGM_LIST_MAX];
	size_t		len = strlen(name);
	int			n = 0;

	*rev = -1;
	if (exact != NULL)
	{
		*rev = exact->rev;
		return true;
	}
	for (int i = 0; i < graph->nnames; i++)
	{
		const PgmName *entry = &graph->names[i];

		if (strncmp(entry->name, name, len) != 0 ||
			character_count(entry->name) <= MIN_PREFIXED ||
			(line != NULL && !line[entry->rev]))
			continue;
		if (n < PGM_LIST_MAX)
			found[n] = entry;
		n++;
	}
	if (n > 1)
		return fail_ambiguous(name, n, found, error);
	if (n == 1)
		*rev = found[0]->rev;
	return true;
}

bool
pgm_graph_find_branch(const PgmGraph *graph, const PgmTarget *target,
					  int *rev, PgmGraphError *error)
{
	if (!find_name(graph, target->branch, NULL, rev, error))
		return false;
	if (*rev < 0)
		return pgm_graph_fail(error, PGM_GRAPH_UNKNOWN_LABEL,
							  psprintf("branch \"%s\" does not exist",
									   target->branch),
							  psprintf("No label or revision has this name, in target \"%s\".",
									   target->input),
							  pstrdup("See the labels in pgmigrate.branches() and pgmigrate.history()."));
	return true;
}

/* Find a symbol that is not a reserved word; line narrows prefixes. */
static bool
find_symbol(const PgmGraph *graph, const PgmTarget *target, const bool *line,
			int *rev, PgmGraphError *error)
{
	const char *anchor = target->anchor;

	if (!find_name(graph, anchor, line, rev, error))
		return false;
	if (*rev < 0 && line != NULL)
	{
		/* Tell a revision that is elsewhere from one that is nowhere. */
		if (!find_name(graph, anchor, NULL, rev, error))
			return false;
	}
	if (*rev < 0)
		return pgm_graph_fail(error, PGM_GRAPH_UNKNOWN,
							  psprintf("revision \"%s\" does not exist", anchor),
							  pstrdup("No revision, label or longer name that begins so is stored."),
							  pstrdup("See the stored revisions in pgmigrate.history()."));
	if (line != NULL && !line[*rev])
		return pgm_graph_fail(error, PGM_GRAPH_NOT_ON_BRANCH,
							  psprintf("revision \"%s\" is not on branch \"%s\"",
									   graph->revision[*rev].id,
									   target->branch),
							  pstrdup("It is neither an ancestor nor a descendant of it."),
							  psprintf("Leave \"%s@\" out, or see pgmigrate.branches().",
									   target->branch));
	return true;
}

/* Keep only what is on the line; a line of NULL is everything. */
static PgmRevSet
filter_line(PgmRevSet set, const bool *line)
{
	PgmRevSet	result = pgm_graph_copy_set(set);

	result.n = 0;
	for (int i = 0; i < set.n; i++)
	{
		if (line == NULL || line[set.rev[i]])
			result.rev[result.n++] = set.rev[i];
	}
	return result;
}

static bool
fail_multiple(const PgmGraph *graph, const PgmTarget *target, PgmRevSet set,
			  PgmGraphError *error)
{
	return pgm_graph_fail(error, PGM_GRAPH_MULTIPLE_HEADS,
						  psprintf("target \"%s\" matches several heads",
								   target->input),
						  psprintf("The heads are %s.",
								   pgm_graph_list(graph, set)),
						  target->branch != NULL ?
						  pstrdup("Name one of them, or use \"label@heads\" for all.") :
						  pstrdup("Name one of them, narrow to a branch with \"label@head\", or use \"heads\" for all."));
}

/*
 * What a symbol stands for, without its offset.  line is that of the branch
 * and NULL if there is none.
 */
static bool
symbol_set(const PgmGraph *graph, const PgmTarget *target, const bool *line,
		   PgmRevSet *result, PgmGraphError *error)
{
	const char *anchor = target->anchor;
	int			rev;

	result->n = 0;
	result->rev = NULL;
	if (strcmp(anchor, "base") == 0)
		return true;
	if (strcmp(anchor, "heads") == 0 && line == NULL)
		*result = pgm_graph_real_heads(graph);
	else if (strcmp(anchor, "head") == 0 || strcmp(anchor, "heads") == 0)
	{
		PgmRevSet	heads = pgm_graph_down_heads(graph);

		*result = filter_line(heads, line);
		if (strcmp(anchor, "head") == 0 && result->n > 1)
			return fail_multiple(graph, target, *result, error);
	}
	else if (strcmp(anchor, "current") == 0)
		return pgm_graph_fail(error, PGM_GRAPH_SYNTAX,
							  psprintf("target \"%s\" is not allowed here",
									   target->input),
							  pstrdup("The word \"current\" is for commands that only look."),
							  pstrdup("Name a revision, or count from the current one as in \"+1\"."));
	else
	{
		if (!find_symbol(graph, target, line, &rev, error))
			return false;
		*result = pgm_graph_copy_set(single_set(&rev));
	}
	return true;
}

/* The same where one revision is needed; -1 is base. */
static bool
symbol_revision(const PgmGraph *graph, const PgmTarget *target,
				const bool *line, int *rev, PgmGraphError *error)
{
	PgmRevSet	set;

	if (!symbol_set(graph, target, line, &set, error))
		return false;
	if (set.n > 1)
		return fail_multiple(graph, target, set, error);
	*rev = set.n == 1 ? set.rev[0] : -1;
	return true;
}

static bool
fail_range(const char *input, int offset, PgmGraphError *error)
{
	return pgm_graph_fail(error, PGM_GRAPH_OUT_OF_RANGE,
						  psprintf("relative target \"%s\" is out of range", input),
						  offset == 1 ?
						  pstrdup("There is no revision above the starting point.") :
						  offset == -1 ?
						  pstrdup("There is no revision below the starting point.") :
						  abs(offset) == PG_INT32_MAX ?
						  pstrdup("There are fewer revisions than that.") :
						  psprintf(offset > 0 ?
								   "There are fewer than %d revisions above the starting point." :
								   "There are fewer than %d revisions below the starting point.",
								   abs(offset)),
						  pstrdup(offset > 0 ?
								  "Use \"heads\" to go up as far as possible." :
								  "Use \"base\" to go down as far as possible."));
}

/* A walk came to a revision where it could go on in several ways. */
static bool
fail_fork(const PgmGraph *graph, const char *input, int rev, PgmRevSet choice,
		  bool up, PgmGraphError *error)
{
	char	   *message = psprintf("relative target \"%s\" is ambiguous", input);
	char	   *names = pgm_graph_list(graph, choice);

	if (!up)
		return pgm_graph_fail(error, PGM_GRAPH_AMBIGUOUS_WALK, message,
							  psprintf("Revision \"%s\" is a merge of %s.",
									   graph->revision[rev].id, names),
							  pstrdup("Name one of these parents instead."));
	return pgm_graph_fail(error, PGM_GRAPH_AMBIGUOUS_WALK, message,
						  rev < 0 ?
						  psprintf("There are several roots: %s.", names) :
						  psprintf("Revision \"%s\" has several children: %s.",
								   graph->revision[rev].id, names),
						  pstrdup("Choose a branch with \"label@\", or name a revision."));
}

bool
pgm_graph_walk(const PgmGraph *graph, const char *input, int rev, int offset,
			   const bool *line, bool clamp, int *result,
			   PgmGraphError *error)
{
	bool		up = offset > 0;

	for (int left = abs(offset); left > 0; left--)
	{
		PgmRevSet	choice;

		PGM_CHECK_INTERRUPTS();
		if (!up && rev < 0)
		{
			if (clamp)
				break;
			return fail_range(input, offset, error);
		}
		if (!up)
			choice = edge_set(&graph->parents, rev);
		else
			choice = filter_line(rev < 0 ? pgm_graph_roots(graph) :
								 edge_set(&graph->children, rev), line);
		if (choice.n > 1)
			return fail_fork(graph, input, rev, choice, up, error);
		if (up && choice.n == 0)
		{
			if (clamp)
				break;
			return fail_range(input, offset, error);
		}
		rev = choice.n == 1 ? choice.rev[0] : -1;
		if (up)
			pfree(choice.rev);
	}
	*result = rev;
	return true;
}

static bool
fail_many_rows(const PgmGraph *graph, const PgmTarget *target, PgmRevSet rows,
			   PgmGraphError *error)
{
	return pgm_graph_fail(error, PGM_GRAPH_AMBIGUOUS_WALK,
						  psprintf("relative target \"%s\" is ambiguous",
								   target->input),
						  psprintf("There are several current revisions to start from: %s.",
								   pgm_graph_list(graph, rows)),
						  target->branch != NULL ?
						  pstrdup("Start from one of them, as in \"revision+1\" or \"revision-1\".") :
						  psprintf("Choose a branch, as in \"label@%s\".",
								   target->input));
}

/*
 * What is applied on a line without having a row there, because something
 * applied elsewhere implies it: the highest such revisions.
 */
static PgmRevSet
implied_on_line(const PgmGraph *graph, PgmRevSet rows, const bool *line,
				bool up)
{
	bool	   *applied = pgm_graph_applied(graph, rows);
	const PgmEdges *edges = up ? &graph->full_children : &graph->children;
	PgmRevSet	result;

	result.n = 0;
	result.rev = pgm_graph_alloc(graph->n, sizeof(int));
	for (int r = 0; r < graph->n; r++)
	{
		PgmRevSet	above = edge_set(edges, r);
		bool		highest = applied[r] && line[r];

		/*
		 * Going up, only what is on the line itself can be higher.  Going
		 * down, all children count: what they stand on is no tip.
		 */
		for (int i = 0; highest && i < above.n; i++)
		{
			if (applied[above.rev[i]] && (!up || line[above.rev[i]]))
				highest = false;
		}
		if (highest)
			result.rev[result.n++] = r;
	}
	pfree(applied);
	return result;
}

/*
 * Where a target without symbol starts: the current row, the one on the
 * branch if there is a branch.  -1 is base.
 */
static bool
current_start(const PgmGraph *graph, PgmRevSet rows, const PgmTarget *target,
			  const bool *line, int *rev, PgmGraphError *error)
{
	PgmRevSet	start = filter_line(rows, line);

	if (start.n == 0 && line != NULL)
		start = implied_on_line(graph, rows, line, target->offset > 0);
	if (start.n > 1)
		return fail_many_rows(graph, target, start, error);
	*rev = start.n == 1 ? start.rev[0] : -1;
	return true;
}

/* The line of the branch of a target, NULL if it has none. */
static bool
branch_line(const PgmGraph *graph, const PgmTarget *target, bool **line,
			PgmGraphError *error)
{
	int			rev;

	*line = NULL;
	if (target->branch == NULL)
		return true;
	if (!pgm_graph_find_branch(graph, target, &rev, error))
		return false;
	*line = pgm_graph_line(graph, rev);
	return true;
}

/*
 * Resolve a target that has an offset to one revision, -1 for base.  A branch
 * narrows each step up; a walk down has no choice, so there it must contain
 * the start.
 */
static bool
relative_revision(const PgmGraph *graph, PgmRevSet rows,
				  const PgmTarget *target, int *rev, PgmGraphError *error)
{
	bool		up = target->offset > 0;
	bool	   *line;
	int			start = -1;

	if (!branch_line(graph, target, &line, error))
		return false;
	if (target->anchor == NULL)
	{
		if (!current_start(graph, rows, target, line, &start, error))
			return false;
	}
	else if (strcmp(target->anchor, "head") == 0 || !up)
	{
		if (!symbol_revision(graph, target, line, &start, error))
			return false;
	}
	else if (!symbol_revision(graph, target, NULL, &start, error))
		return false;
	return pgm_graph_walk(graph, target->input, start, target->offset, line,
						  false, rev, error);
}

/* A revision, or -1 for base, as a set. */
static PgmRevSet
revision_set(int rev)
{
	PgmRevSet	set = single_set(&rev);

	if (rev < 0)
		set.n = 0;
	return pgm_graph_copy_set(set);
}

/* Refuse an offset from the current rows that goes the wrong way. */
static bool
check_direction(const PgmTarget *target, bool up, PgmGraphError *error)
{
	if (!target->relative || target->anchor != NULL ||
		(target->offset > 0) == up)
		return true;
	if (up)
		return pgm_graph_fail(error, PGM_GRAPH_SYNTAX,
							  psprintf("relative target \"%s\" is not allowed in an upgrade",
									   target->input),
							  NULL,
							  pstrdup("Use it with downgrade, or give the revision to start from, as in \"revision-1\"."));
	return pgm_graph_fail(error, PGM_GRAPH_SYNTAX,
						  psprintf("relative target \"%s\" is not allowed in a downgrade",
								   target->input),
						  NULL,
						  pstrdup("Use it with upgrade, or give the revision to start from, as in \"revision+1\"."));
}

bool
pgm_graph_absolute_target(const PgmGraph *graph, const PgmTarget *target,
						  PgmRevSet *result, PgmGraphError *error)
{
	PgmRevSet	no_rows = {0, NULL};
	bool	   *line;
	int			rev;

	if (target->anchor == NULL)
		return pgm_graph_fail(error, PGM_GRAPH_SYNTAX,
							  psprintf("relative target \"%s\" has no revision to start from",
									   target->input),
							  NULL,
							  pstrdup("Give one, as in \"revision+1\" or \"head-1\"."));
	if (target->relative)
	{
		if (!relative_revision(graph, no_rows, target, &rev, error))
			return false;
		*result = revision_set(rev);
		return true;
	}
	return branch_line(graph, target, &line, error) &&
		symbol_set(graph, target, line, result, error);
}

bool
pgm_graph_upgrade_target(const PgmGraph *graph, PgmRevSet rows,
						 const PgmTarget *target, PgmRevSet *result,
						 PgmGraphError *error)
{
	int			rev;

	if (!check_direction(target, true, error))
		return false;
	if (!target->relative)
		return pgm_graph_absolute_target(graph, target, result, error);
	if (!relative_revision(graph, rows, target, &rev, error))
		return false;
	/* Nothing can be upgraded to base: the walk down left the graph. */
	if (rev < 0 && target->offset < 0)
		return fail_range(target->input, target->offset, error);
	*result = revision_set(rev);
	return true;
}

/*
 * An id is not checked to be on the branch, which here only chooses the legs
 * that go: "left@fork" names a revision below the branch or beside it.
 */
bool
pgm_graph_downgrade_target(const PgmGraph *graph, PgmRevSet rows,
						   const PgmTarget *target, int *rev, int *branch,
						   PgmGraphError *error)
{
	bool	   *line = NULL;

	*branch = -1;
	if (!check_direction(target, false, error))
		return false;
	if (target->branch != NULL &&
		!pgm_graph_find_branch(graph, target, branch, error))
		return false;
	if (target->relative)
	{
		if (target->anchor == NULL && rows.n == 0)
			return fail_range(target->input, target->offset, error);
		if (!relative_revision(graph, rows, target, rev, error))
			return false;
		/* A plain -N takes only the leg of the row it starts from. */
		if (target->anchor == NULL && target->branch == NULL)
			*branch = rows.rev[0];
		return true;
	}
	if (*branch >= 0 && (strcmp(target->anchor, "head") == 0 ||
						 strcmp(target->anchor, "heads") == 0))
		line = pgm_graph_line(graph, *branch);
	return symbol_revision(graph, target, line, rev, error);
}

bool
pgm_graph_resolve(const PgmGraph *graph, PgmRevSet rows, const char *input,
				  PgmRevSet *result, PgmGraphError *error)
{
	PgmTarget	target;
	int			rev;

	if (!pgm_graph_read_target(input, &target, error))
		return false;
	if (target.anchor != NULL && strcmp(target.anchor, "current") == 0)
	{
		bool	   *line;

		if (!branch_line(graph, &target, &line, error))
			return false;
		*result = filter_line(rows, line);
		if (!target.relative)
			return true;
		if (result->n > 1)
			return fail_many_rows(graph, &target, *result, error);
		rev = result->n == 1 ? result->rev[0] : -1;
		if (!pgm_graph_walk(graph, input, rev, target.offset, line, false,
							&rev, error))
			return false;
		*result = revision_set(rev);
		return true;
	}
	if (!target.relative)
		return pgm_graph_absolute_target(graph, &target, result, error);
	if (!relative_revision(graph, rows, &target, &rev, error))
		return false;
	*result = revision_set(rev);
	return true;
}

/*-------------------------------------------------------------------------
 *
 * sqitch.c
 *	  Sqitch: a plan, and scripts to deploy, revert and verify each change.
 *
 * A plan is a line of changes, so each revision has the one before it as
 * parent, and what a change requires besides is kept as its dependencies.
 * Tags become branch labels.  A change that is planned again (reworked) keeps
 * the name for its first instance, whose revision was perhaps loaded before
 * the rework; later ones get a number.
 *
 *-------------------------------------------------------------------------
 */
#ifndef FRONTEND
#include "postgres.h"
#else
#include "postgres_fe.h"
#endif

#include "format/internal.h"

typedef struct SqitchChange
{
	char	   *name;
	char	   *id;
	int			line;
	char	   *note;
	char	   *requires;		/* text between the brackets, or NULL */
	PgmFormatList tags;
	int			next;			/* the same change planned again, or -1 */
	bool		reworked;		/* not the first of its name */
	int			ndeps;
	int		   *deps;			/* changes of this plan it requires */
} SqitchChange;

/* A change or a tag by its name. */
typedef struct SqitchName
{
	const char *name;
	int			change;
	int			line;
} SqitchName;

typedef struct SqitchPlan
{
	PgmFormatContext *cx;
	const char *file;
	size_t		dirlen;			/* of the folder the plan is in */
	int			nchanges;
	int			changes_size;
	SqitchChange *changes;
	SqitchName *names;			/* by name, then order in the plan */
	int			ntags;
	int			tags_size;
	SqitchName *tags;
} SqitchPlan;

static bool
fail(SqitchPlan *plan, int line, char *message, char *detail)
{
	return pgm_format_fail(plan->cx, plan->file, line, message, detail, NULL);
}

static int
name_cmp(const void *a, const void *b)
{
	const SqitchName *x = a;
	const SqitchName *y = b;
	int			cmp = strcmp(x->name, y->name);

	return cmp ? cmp : x->change - y->change;
}

/*
 * The note of a change, behind the planner's address; Sqitch writes the line
 * ends in it as "\n".
 */
static char *
read_note(const char *p, const char *end)
{
	const char *address = memchr(p, '>', end - p);
	const char *hash = memchr(address ? address : p, '#',
							  end - (address ? address : p));
	char	   *note;
	char	   *to;

	if (hash == NULL)
		return NULL;
	for (hash++; hash < end && (*hash == ' ' || *hash == '\t'); hash++)
		;
	while (end > hash && (end[-1] == ' ' || end[-1] == '\t'))
		end--;
	if (hash == end)
		return NULL;
	note = to = pnstrdup(hash, end - hash);
	for (char *from = note; *from; from++)
	{
		if (from[0] == '\\' && (from[1] == 'n' || from[1] == '\\'))
		{
			from++;
			*to++ = *from == 'n' ? '\n' : '\\';
		}
		else
			*to++ = *from;
	}
	*to = '\0';
	return note;
}

static bool
read_tag(SqitchPlan *plan, int line, const char *name, size_t len)
{
	SqitchName *tag;

	if (len == 0)
		return fail(plan, line, psprintf("tag has no name"), NULL);
	if (plan->nchanges == 0)
		return fail(plan, line, psprintf("tag has no change before it"), NULL);
	if (plan->tags == NULL)
	{
		plan->tags_size = 8;
		plan->tags = palloc(plan->tags_size * sizeof(SqitchName));
	}
	else if (plan->ntags >= plan->tags_size)
	{
		plan->tags_size *= 2;
		plan->tags = repalloc(plan->tags,
							  plan->tags_size * sizeof(SqitchName));
	}
	tag = &plan->tags[plan->ntags++];
	tag->name = pnstrdup(name, len);
	tag->change = plan->nchanges - 1;
	tag->line = line;
	pgm_format_list_add(&plan->changes[tag->change].tags,
						pstrdup(tag->name));
	return true;
}

static bool
read_change(SqitchPlan *plan, int line, const char *name, const char *end)
{
	SqitchChange *change;
	const char *p = name;

	while (p < end && *p != ' ' && *p != '\t')
		p++;
	if (p == name)
		return fail(plan, line, psprintf("change has no name"), NULL);
	if (plan->changes == NULL)
	{
		plan->changes_size = 8;
		plan->changes = palloc(plan->changes_size * sizeof(SqitchChange));
	}
	else if (plan->nchanges >= plan->changes_size)
	{
		plan->changes_size *= 2;
		plan->changes = repalloc(plan->changes,
								 plan->changes_size * sizeof(SqitchChange));
	}
	change = &plan->changes[plan->nchanges++];
	memset(change, 0, sizeof(*change));
	change->name = pnstrdup(name, p - name);
	change->line = line;
	change->next = -1;
	while (p < end && (*p == ' ' || *p == '\t'))
		p++;
	if (p < end && *p == '[')
	{
		const char *close = memchr(p, ']', end - p);

		if (close == NULL)
			return fail(plan, line,
						psprintf("list of requirements is not closed"), NULL);
		change->requires = pnstrdup(p + 1, close - p - 1);
		p = close + 1;
	}
	change->note = read_note(p, end);
	return true;
}

static bool
read_pragma(SqitchPlan *plan, int line, const char *p, const char *end)
{
	const char *equals = memchr(p, '=', end - p);
	const char *stop = equals;

	if (equals == NULL)
		return true;
	while (stop > p && (stop[-1] == ' ' || stop[-1] == '\t'))
		stop--;
	for (equals++; equals < end && (*equals == ' ' || *equals == '\t');
		 equals++)
		;
	while (end > equals && (end[-1] == ' ' || end[-1] == '\t'))
		end--;
	if (stop - p == 7 && strncmp(p, "project", 7) == 0)
		plan->cx->result->project = pnstrdup(equals, end - equals);
	return true;
}

static bool
read_plan(SqitchPlan *plan, int file)
{
	PgmFormatReader reader;
	PgmFormatLine line;

	pgm_format_reader(&reader, plan->cx->files[file].data,
					  plan->cx->files[file].len, 1);
	while (pgm_format_line(&reader, &line))
	{
		const char *p = line.start;
		const char *end = p + line.len;
		bool		ok;

		while (p < end && (*p == ' ' || *p == '\t'))
			p++;
		if (p == end || *p == '#')
			continue;
		if (*p == '%')
		{
			for (p++; p < end && *p == ' '; p++)
				;
			ok = read_pragma(plan, line.number, p, end);
		}
		else if (*p == '@')
		{
			const char *stop = ++p;

			while (stop < end && *stop != ' ' && *stop != '\t')
				stop++;
			ok = read_tag(plan, line.number, p, stop - p);
		}
		else if (*p == '-')
			ok = fail(plan, line.number,
					  psprintf("plan reverts a change, which is not supported"),
					  NULL);
		else
		{
			if (*p == '+')
				for (p++; p < end && (*p == ' ' || *p == '\t'); p++)
					;
			ok = read_change(plan, line.number, p, end);
		}
		if (!ok)
			return false;
	}
	return true;
}

/*
 * Sort the names, link the instances of reworked changes and give ids.
 */
static bool
index_names(SqitchPlan *plan)
{
	plan->names = palloc(Max(plan->nchanges, 1) * sizeof(SqitchName));
	for (int i = 0; i < plan->nchanges; i++)
	{
		plan->names[i].name = plan->changes[i].name;
		plan->names[i].change = i;
		plan->names[i].line = plan->changes[i].line;
	}
	qsort(plan->names, plan->nchanges, sizeof(SqitchName), name_cmp);
	if (plan->ntags > 0)
		qsort(plan->tags, plan->ntags, sizeof(SqitchName), name_cmp);

	for (int i = 0, instance = 1; i < plan->nchanges; i++)
	{
		SqitchChange *change = &plan->changes[plan->names[i].change];

		if (i > 0 && strcmp(plan->names[i - 1].name, change->name) == 0)
		{
			char	   *name = psprintf("%s_%d", change->name, ++instance);

			change->id = pgm_format_id(name, strlen(name));
			change->reworked = true;
			plan->changes[plan->names[i - 1].change].next =
				plan->names[i].change;
		}
		else
		{
			instance = 1;
			change->id = pgm_format_id(change->name, strlen(change->name));
		}
	}
	for (int i = 1; i < plan->ntags; i++)
	{
		if (strcmp(plan->tags[i - 1].name, plan->tags[i].name) == 0)
			return fail(plan, plan->tags[i].line,
						psprintf("tag \"@%s\" is given twice",
								 plan->tags[i].name),
						psprintf("The other is in line %d.",
								 plan->tags[i - 1].line));
	}
	return true;
}

/* First of the sorted entries that has this name, or n. */
static int
find_name(const SqitchName *entries, int n, const char *name)
{
	int			low = 0;
	int			high = n;

	while (low < high)
	{
		int			middle = low + (high - low) / 2;

		if (strcmp(entries[middle].name, name) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low < n && strcmp(entries[low].name, name) == 0 ? low : n;
}

/*
 * The change that "name", "name@tag" or "@tag" means to change number i: the
 * last instance before it, or up to the tag; else the first one after it.
 * -1 if there is none.
 */
static int
resolve(SqitchPlan *plan, int i, char *dep)
{
	char	   *at = strchr(dep, '@');
	int			before = i;
	int			found;

	if (at != NULL)
	{
		int			tag = find_name(plan->tags, plan->ntags, at + 1);

		if (tag == plan->ntags)
			return -1;
		if (at == dep)
			return plan->tags[tag].change;
		before = plan->tags[tag].change + 1;
		*at = '\0';
	}
	found = find_name(plan->names, plan->nchanges, dep);
	if (at != NULL)
		*at = '@';
	if (found == plan->nchanges)
		return -1;
	found = plan->names[found].change;
	while (plan->changes[found].next >= 0 &&
		   plan->changes[found].next < before)
		found = plan->changes[found].next;
	return found;
}

/*
 * One word between the brackets of change number i.
 */
static bool
read_requirement(SqitchPlan *plan, int i, char *dep)
{
	SqitchChange *change = &plan->changes[i];
	const char *project = plan->cx->result->project;
	char	   *colon = strchr(dep, ':');
	int			target;

	if (*dep == '!')
	{
		pgm_format_warn(plan->cx, plan->file, change->line,
						psprintf("conflict of \"%s\" with \"%s\" is not kept",
								 change->name, dep + 1));
		return true;
	}
	if (colon != NULL &&
		!(project != NULL && strlen(project) == (size_t) (colon - dep) &&
		  strncmp(project, dep, colon - dep) == 0))
	{
		pgm_format_warn(plan->cx, plan->file, change->line,
						psprintf("requirement \"%s\" of another project is not kept",
								 dep));
		return true;
	}
	if (colon != NULL)
		dep = colon + 1;
	if (strlen(dep) == 40 && strspn(dep, "0123456789abcdef") == 40)
	{
		pgm_format_warn(plan->cx, plan->file, change->line,
						psprintf("requirement \"%s\" by its digest is not kept",
								 dep));
		return true;
	}
	target = resolve(plan, i, dep);
	if (target < 0)
		return fail(plan, change->line,
					psprintf("change \"%s\" requires \"%s\", which is not in the plan",
							 change->name, dep), NULL);
	change->deps[change->ndeps++] = target;
	return true;
}

static bool
read_requirements(SqitchPlan *plan)
{
	for (int i = 0; i < plan->nchanges; i++)
	{
		SqitchChange *change = &plan->changes[i];
		char	   *p = change->requires;
		int			nwords = 1;

		if (p == NULL)
			continue;
		for (const char *c = p; *c; c++)
			nwords += *c == ' ' || *c == '\t';
		change->deps = palloc(nwords * sizeof(int));
		for (;;)
		{
			size_t		len;
			bool		last;

			p += strspn(p, " \t");
			len = strcspn(p, " \t");
			if (len == 0)
				break;
			last = p[len] == '\0';
			p[len] = '\0';
			if (!read_requirement(plan, i, p))
				return false;
			if (last)
				break;
			p += len + 1;
		}
	}
	return true;
}

/*
 * Can 'from' reach 'to' by what changes require?  Asked at most once, to tell
 * a cycle from a plan in the wrong order.
 */
static bool
reaches(SqitchPlan *plan, int from, int to)
{
	bool	   *seen = palloc0(plan->nchanges * sizeof(bool));
	int		   *stack = palloc(plan->nchanges * sizeof(int));
	int			depth = 0;

	stack[depth++] = from;
	seen[from] = true;
	while (depth > 0)
	{
		SqitchChange *change = &plan->changes[stack[--depth]];

		for (int i = 0; i < change->ndeps; i++)
		{
			int			dep = change->deps[i];

			if (dep == to)
				return true;
			if (!seen[dep])
			{
				seen[dep] = true;
				stack[depth++] = dep;
			}
		}
	}
	return false;
}

static bool
check_order(SqitchPlan *plan)
{
	for (int i = 0; i < plan->nchanges; i++)
	{
		SqitchChange *change = &plan->changes[i];

		for (int j = 0; j < change->ndeps; j++)
		{
			SqitchChange *dep = &plan->changes[change->deps[j]];

			if (change->deps[j] < i)
				continue;
			if (change->deps[j] == i || reaches(plan, change->deps[j], i))
				return fail(plan, change->line,
							psprintf("changes require each other in a cycle"),
							psprintf("Change \"%s\" requires \"%s\" (line %d), which requires it.",
									 change->name, dep->name, dep->line));
			return fail(plan, change->line,
						psprintf("change \"%s\" requires \"%s\", which comes later",
								 change->name, dep->name),
						psprintf("Change \"%s\" is in line %d.", dep->name,
								 dep->line));
		}
	}
	return true;
}

/*
 * The file of a change in one of the script folders, or -1.  Instances that
 * were reworked later have their next tag in the name.
 */
static int
find_script(SqitchPlan *plan, const SqitchChange *change, const char *folder)
{
	PgmFormatContext *cx = plan->cx;
	const char *tag = NULL;
	char	   *path;
	int			low = 0;
	int			high = cx->nfiles;

	if (change->next >= 0)
	{
		for (const SqitchChange *c = change;
			 tag == NULL && c < &plan->changes[change->next]; c++)
		{
			if (c->tags.n > 0)
				tag = c->tags.items[0];
		}
	}
	path = psprintf("%.*s%s/%s%s%s.sql", (int) plan->dirlen, plan->file,
					folder, change->name, tag ? "@" : "", tag ? tag : "");
	while (low < high)
	{
		int			middle = low + (high - low) / 2;

		if (strcmp(cx->files[middle].name, path) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	if (low < cx->nfiles && strcmp(cx->files[low].name, path) == 0)
	{
		pfree(path);
		return low;
	}
	pfree(path);
	return -1;
}

/*
 * Only queries are kept of a verify script, so one that is no text for a
 * revision, with savepoints, variables or commands of psql, is passed over.
 */
static bool
add_verify(SqitchPlan *plan, int file, PgmFormatRevision *revision)
{
	PgmFormatError *reason;
	PgmFormatScript script;
	PgmFormatFlag transactional = revision->transactional;

	if (!pgm_format_data(plan->cx, file))
		return false;
	memset(&script, 0, sizeof(script));
	script.file = plan->cx->files[file].name;
	script.data = plan->cx->files[file].data;
	script.len = plan->cx->files[file].len;
	script.line = 1;
	script.allow_rollback = true;
	reason = pgm_format_try_clean(plan->cx, &script);
	if (reason != NULL)
	{
		pgm_format_warn(plan->cx, script.file, reason->line,
						psprintf("verify script of change \"%s\" is passed over: %s",
								 revision->id, reason->message));
		return true;
	}
	pgm_format_take(plan->cx, revision, &script, &revision->verify);
	revision->transactional = transactional;
	return true;
}

static void
add_relations(SqitchPlan *plan, const SqitchChange *change,
			  PgmFormatRevision *revision)
{
	if (change->ndeps > 0)
		revision->depends = palloc(change->ndeps * sizeof(char *));
	for (int i = 0; i < change->ndeps; i++)
		revision->depends[revision->ndepends++] =
			plan->changes[change->deps[i]].id;
	if (change->tags.n > 0)
		revision->labels = palloc(change->tags.n * sizeof(char *));
	for (int i = 0; i < change->tags.n; i++)
	{
		const char *tag = change->tags.items[i];

		if (find_name(plan->names, plan->nchanges, tag) < plan->nchanges)
			pgm_format_warn(plan->cx, plan->file, change->line,
							psprintf("tag \"@%s\" has the name of a change and is not kept",
									 tag));
		else
			revision->labels[revision->nlabels++] =
				pgm_format_id(tag, strlen(tag));
	}
}

static bool
add_change(SqitchPlan *plan, const SqitchChange *change)
{
	PgmFormatContext *cx = plan->cx;
	PgmFormatRevision *revision;
	int			file = find_script(plan, change, "deploy");

	if (file < 0)
		return fail(plan, change->line,
					psprintf("change \"%s\" has no deploy script",
							 change->name), NULL);
	revision = pgm_format_add(cx, change->id,
							  pstrdup(change->note ? change->note :
									  change->name));
	add_relations(plan, change, revision);
	if (!pgm_format_whole(cx, file, revision, &revision->upgrade))
		return false;
	file = find_script(plan, change, "revert");
	if (file < 0)
		pgm_format_warn(cx, plan->file, change->line,
						psprintf("change \"%s\" has no revert script",
								 change->name));
	else if (!pgm_format_whole(cx, file, revision, &revision->downgrade))
		return false;
	file = find_script(plan, change, "verify");
	return file < 0 || add_verify(plan, file, revision);
}

bool
pgm_format_read_sqitch(PgmFormatContext *cx)
{
	SqitchPlan	plan;
	int			file = -1;

	for (int i = 0; i < cx->nfiles; i++)
	{
		if (strcmp(pgm_format_basename(cx->files[i].name),
				   "sqitch.plan") != 0)
			continue;
		if (file >= 0)
			return pgm_format_fail(cx, cx->files[i].name, 0,
								   psprintf("there are several plans"),
								   psprintf("The other is \"%s\".",
											cx->files[file].name),
								   pstrdup("Load the folder of each by itself."));
		file = i;
	}
	if (file < 0)
		return pgm_format_fail(cx, NULL, 0,
							   psprintf("there is no file \"sqitch.plan\""),
							   NULL, NULL);
	if (!pgm_format_data(cx, file))
		return false;
	memset(&plan, 0, sizeof(plan));
	plan.cx = cx;
	plan.file = cx->files[file].name;
	plan.dirlen = pgm_format_basename(plan.file) - plan.file;
	if (!read_plan(&plan, file) || !index_names(&plan) ||
		!read_requirements(&plan) || !check_order(&plan))
		return false;
	for (int i = 0; i < plan.nchanges; i++)
	{
		(void) add_change(&plan, &plan.changes[i]);
	}
	return cx->result->error.message == NULL;
}

/*-------------------------------------------------------------------------
 *
 * alembic.c
 *	  The SQL that "alembic upgrade base:head --sql" prints, and its
 *	  downgrade, split into revisions.
 *
 * Each revision is a comment "-- Running upgrade a -> b", what the revision
 * does, and the statements that change the rows of the version table.  Such a
 * comment within a revision's own SQL does not begin a revision, since the
 * statements on the version table were not seen yet.
 *
 *		OUTSIDE --comment--> INSIDE --version statement--> CLOSING
 *		   ^                                                  |
 *		   +--------------------- comment --------------------+
 *
 * The comment names the parents.  Dependencies it does not name, but where a
 * dependency was a current head its row goes: so rows that go and are not of
 * a parent are dependencies.  Others are implied by the order of the output,
 * so the legs are put into the order that makes them run in that of the
 * output.
 *
 *-------------------------------------------------------------------------
 */
#ifndef FRONTEND
#include "postgres.h"
#else
#include "postgres_fe.h"
#endif

#include "format/internal.h"
#include "format/prose.h"

typedef enum SplitState
{
	STATE_OUTSIDE,
	STATE_INSIDE,
	STATE_CLOSING
} SplitState;

typedef struct AlembicSection
{
	const PgmFormatFile *file;
	const char *word;			/* which way, or the name of a function */
	size_t		wordlen;
	PgmFormatList from;			/* ids on either side of the arrow */
	PgmFormatList to;
	bool		up;
	char	   *id;
	PgmFormatList others;		/* parents, on one of the sides */
	PgmFormatList removed;		/* ids whose rows go */
	int			line;			/* of the comment */
	size_t		start;
	int			start_line;
	size_t		end;
} AlembicSection;

typedef struct AlembicReader
{
	PgmFormatContext *cx;
	const PgmFormatFile *file;
	SplitState	state;
	int			nsections;
	int			size;
	AlembicSection *sections;
} AlembicReader;

static AlembicSection *
current(AlembicReader *reader)
{
	return &reader->sections[reader->nsections - 1];
}

/*
 * Ids between commas.
 */
static void
read_ids(PgmFormatList *list, const char *p, const char *end)
{
	while (p < end)
	{
		const char *start;

		while (p < end && (*p == ' ' || *p == ','))
			p++;
		for (start = p; p < end && *p != ' ' && *p != ','; p++)
			;
		if (p > start)
			pgm_format_list_add(list, pnstrdup(start, p - start));
	}
}

static const char *
find_arrow(const char *p, const char *end)
{
	for (; p + 1 < end; p++)
	{
		if (p[0] == '-' && p[1] == '>')
			return p;
	}
	return NULL;
}

/* Are these ids with commas between them, or nothing? */
static bool
are_ids(const char *p, const char *end)
{
	bool		comma = true;

	for (;;)
	{
		while (p < end && *p == ' ')
			p++;
		if (p == end)
			return true;
		if (!comma)
			return false;
		while (p < end && *p != ' ' && *p != ',')
			p++;
		comma = p < end && *p == ',';
		p += comma;
	}
}

/*
 * "Running upgrade a -> b".  The word is the name of the function that runs,
 * so a decorator makes it another one.
 */
bool
pgm_format_alembic_marker(const PgmFormatLine *line)
{
	const char *rest;
	const char *end;
	const char *arrow;
	const char *word;
	size_t		len;

	if (!pgm_format_marker(line, "Running", &rest, &len))
		return false;
	end = rest + len;
	for (word = rest; word < end && (isalnum((unsigned char) *word) ||
									 strchr("_.<>", *word) != NULL); word++)
		;
	if (word == rest || word == end || *word != ' ')
		return false;
	arrow = find_arrow(word, end);
	return arrow != NULL && are_ids(word, arrow) && are_ids(arrow + 2, end);
}

/*
 * Does the comment begin a revision?  Then open its section.
 */
static bool
open_section(AlembicReader *reader, const PgmFormatLine *line)
{
	AlembicSection section;
	const char *rest;
	const char *arrow;
	const char *end;
	size_t		len;

	if (!pgm_format_alembic_marker(line) ||
		!pgm_format_marker(line, "Running", &rest, &len))
		return false;
	memset(&section, 0, sizeof(section));
	end = rest + len;
	section.word = rest;
	while (*rest != ' ')
		rest++;
	section.wordlen = rest - section.word;
	arrow = find_arrow(rest, end);
	read_ids(&section.from, rest, arrow);
	read_ids(&section.to, arrow + 2, end);
	if (section.from.n + section.to.n == 0)
		return false;

	section.id = section.to.n > 0 ? section.to.items[0] :
		section.from.items[0];
	section.file = reader->file;
	section.line = line->number;
	section.start = line->next;
	section.start_line = line->number + 1;
	if (reader->sections == NULL)
	{
		reader->size = 8;
		reader->sections = palloc(reader->size * sizeof(AlembicSection));
	}
	else if (reader->nsections >= reader->size)
	{
		reader->size *= 2;
		reader->sections = repalloc(reader->sections,
									reader->size * sizeof(AlembicSection));
	}
	reader->sections[reader->nsections++] = section;
	reader->state = STATE_INSIDE;
	return true;
}

/*
 * Look for the begin of a revision in the comments before a statement.
 */
static void
read_comments(AlembicReader *reader, const PgmSqlItem *item, int line)
{
	PgmSqlLexer lexer;
	PgmSqlToken token;
	const char *data = reader->file->data;

	pgm_sqlscan_lexer(&lexer, data + item->start, item->body - item->start,
					  line);
	do
	{
		PgmFormatLine comment;

		pgm_sqlscan_token(&lexer, &token);
		if (token.kind != PGM_SQL_COMMENT ||
			lexer.input[token.start] != '-')
			continue;
		if (item->start + token.start > 0 &&
			data[item->start + token.start - 1] != '\n')
			continue;
		memset(&comment, 0, sizeof(comment));
		comment.start = lexer.input + token.start;
		comment.len = token.end - token.start;
		if (comment.len > 0 && comment.start[comment.len - 1] == '\r')
			comment.len--;
		comment.number = token.line;
		comment.next = item->start + token.end;
		if (comment.next < reader->file->len)
			comment.next++;		/* the newline */
		if (open_section(reader, &comment))
			return;
	} while (token.kind != PGM_SQL_END);
}

/*
 * The next token must be an equals sign and then a literal; its value.
 */
static char *
read_value(PgmSqlLexer *lexer, bool equals)
{
	PgmSqlToken token;
	char	   *value;
	char	   *to;

	pgm_sqlscan_significant(lexer, &token);
	if (equals)
	{
		if (!pgm_sqlscan_is_symbol(lexer, &token, '='))
			return NULL;
		pgm_sqlscan_significant(lexer, &token);
	}
	if (token.kind != PGM_SQL_STRING || lexer->input[token.start] != '\'')
		return NULL;
	value = pnstrdup(lexer->input + token.start + 1,
					 token.end - token.start - 2);
	to = value;
	for (const char *from = value; *from; from++)
	{
		if (from[0] == '\'' && from[1] == '\'')
			from++;
		*to++ = *from;
	}
	*to = '\0';
	return value;
}

/*
 * Skip the tokens of a name, up to the key word or symbol that ends it; false
 * if something else comes.
 */
static bool
skip_name(PgmSqlLexer *lexer, const char *word, char symbol)
{
	PgmSqlToken token;

	for (;;)
	{
		pgm_sqlscan_significant(lexer, &token);
		if (word ? pgm_sqlscan_is_word(lexer, &token, word) :
			pgm_sqlscan_is_symbol(lexer, &token, symbol))
			return true;
		if (token.kind != PGM_SQL_WORD && token.kind != PGM_SQL_NAME &&
			!pgm_sqlscan_is_symbol(lexer, &token, '.'))
			return false;
	}
}

static bool
next_is_word(PgmSqlLexer *lexer, const char *word)
{
	PgmSqlToken token;

	pgm_sqlscan_significant(lexer, &token);
	return pgm_sqlscan_is_word(lexer, &token, word);
}

/* "WHERE table.version_num = 'x'", behind WHERE. */
static char *
read_condition(PgmSqlLexer *lexer)
{
	PgmSqlToken token;
	bool		column = false;

	for (;;)
	{
		pgm_sqlscan_significant(lexer, &token);
		if (pgm_sqlscan_is_symbol(lexer, &token, '='))
			break;
		column = pgm_sqlscan_is_word(lexer, &token, "version_num");
		if (token.kind != PGM_SQL_WORD && token.kind != PGM_SQL_NAME &&
			!pgm_sqlscan_is_symbol(lexer, &token, '.'))
			return NULL;
	}
	return column ? read_value(lexer, false) : NULL;
}

/*
 * Is the statement one on the version table?  The table may have any name;
 * its column tells.  Ids it adds and removes, or NULL.
 */
static bool
is_version_statement(AlembicReader *reader, const PgmSqlItem *item,
					 char **added, char **removed)
{
	PgmSqlLexer lexer;
	PgmSqlToken token;

	*added = *removed = NULL;
	pgm_sqlscan_lexer(&lexer, reader->file->data + item->body,
					  item->body_end - item->body, item->line);
	pgm_sqlscan_significant(&lexer, &token);
	if (pgm_sqlscan_is_word(&lexer, &token, "insert"))
	{
		if (!next_is_word(&lexer, "into") || !skip_name(&lexer, NULL, '(') ||
			!next_is_word(&lexer, "version_num") ||
			!skip_name(&lexer, NULL, ')') ||
			!next_is_word(&lexer, "values") || !skip_name(&lexer, NULL, '('))
			return false;
		*added = read_value(&lexer, false);
		return *added != NULL;
	}
	if (pgm_sqlscan_is_word(&lexer, &token, "update"))
	{
		if (!skip_name(&lexer, "set", 0) ||
			!next_is_word(&lexer, "version_num"))
			return false;
		*added = read_value(&lexer, true);
		if (*added == NULL || !next_is_word(&lexer, "where"))
			return false;
		*removed = read_condition(&lexer);
		return *removed != NULL;
	}
	if (pgm_sqlscan_is_word(&lexer, &token, "delete"))
	{
		if (!next_is_word(&lexer, "from") || !skip_name(&lexer, "where", 0))
			return false;
		*removed = read_condition(&lexer);
		return *removed != NULL;
	}
	return false;
}

/*
 * What may stand outside of revisions: transaction control, the version table
 * itself, settings.
 */
static bool
check_outside(AlembicReader *reader, const PgmSqlItem *item)
{
	PgmSqlLexer lexer;
	PgmSqlToken token;
	bool		table;

	if (item->kind == PGM_SQL_EMPTY || item->kind == PGM_SQL_REST)
		return true;
	pgm_sqlscan_lexer(&lexer, reader->file->data + item->body,
					  item->body_end - item->body, item->line);
	pgm_sqlscan_significant(&lexer, &token);
	if (pgm_sqlscan_is_word(&lexer, &token, "begin") ||
		pgm_sqlscan_is_word(&lexer, &token, "commit"))
		return true;
	if (pgm_sqlscan_is_word(&lexer, &token, "set"))
	{
		pgm_format_warn(reader->cx, reader->file->name, item->line,
						psprintf("setting outside of any revision is passed over"));
		return true;
	}
	table = (pgm_sqlscan_is_word(&lexer, &token, "create") ||
			 pgm_sqlscan_is_word(&lexer, &token, "drop"));
	if (table && next_is_word(&lexer, "table"))
	{
		while (token.kind != PGM_SQL_END)
		{
			pgm_sqlscan_significant(&lexer, &token);
			if (pgm_sqlscan_is_word(&lexer, &token, "version_num") ||
				pgm_sqlscan_is_word(&lexer, &token, "alembic_version"))
				return true;
		}
	}
	return pgm_format_fail(reader->cx, reader->file->name, item->line,
						   psprintf("statement stands outside of any revision"),
						   NULL,
						   pstrdup("Take it out, or move it into a revision."));
}

static bool
read_item(AlembicReader *reader, const PgmSqlItem *item, int line)
{
	char	   *added;
	char	   *removed;

	if (reader->state != STATE_INSIDE)
		read_comments(reader, item, line);

	if (item->kind == PGM_SQL_STATEMENT && reader->state != STATE_OUTSIDE &&
		is_version_statement(reader, item, &added, &removed))
	{
		if (reader->state == STATE_INSIDE)
			current(reader)->end = item->body;
		reader->state = STATE_CLOSING;
		if (removed != NULL)
			pgm_format_list_add(&current(reader)->removed, removed);
		return true;
	}
	return reader->state == STATE_INSIDE || check_outside(reader, item);
}

static bool
read_file(AlembicReader *reader)
{
	PgmSqlSplitter splitter;
	PgmSqlItem	item;
	int			line = 1;

	reader->state = STATE_OUTSIDE;
	pgm_sqlscan_splitter(&splitter, reader->file->data, reader->file->len, 1);
	while (pgm_sqlscan_next(&splitter, &item))
	{
		if (!read_item(reader, &item, line))
			return false;
		line = splitter.lexer.line;
	}
	if (splitter.error)
		return pgm_format_fail(reader->cx, reader->file->name,
							   splitter.error_line, splitter.error, NULL,
							   NULL);
	if (reader->state == STATE_INSIDE)
		return pgm_format_fail(reader->cx, reader->file->name,
							   current(reader)->line,
							   psprintf("revision \"%s\" has no statement on the version table",
										current(reader)->id),
							   NULL, NULL);
	return true;
}

static bool
has_word(const AlembicSection *section, const char *word)
{
	return section->wordlen == strlen(word) &&
		pg_strncasecmp(section->word, word, section->wordlen) == 0;
}

/*
 * Which way do the sections of a file go, from 'first' on?  Alembic prints one
 * way at a time.  Where no comment says which, since all functions are
 * decorated, the base tells, which an upgrade comes from.
 */
static bool
find_direction(AlembicReader *reader, int first)
{
	bool		up = true;
	bool		known = false;

	for (int i = first; i < reader->nsections; i++)
	{
		const AlembicSection *section = &reader->sections[i];
		bool		down = has_word(section, "downgrade");

		if (down || has_word(section, "upgrade") ||
			(!known && (section->from.n == 0 || section->to.n == 0)))
		{
			up = !down && section->to.n > 0;
			known = true;
		}
	}
	for (int i = first; i < reader->nsections; i++)
	{
		AlembicSection *section = &reader->sections[i];
		const PgmFormatList *ids;

		section->up = has_word(section, "upgrade") ||
			(up && !has_word(section, "downgrade"));
		ids = section->up ? &section->to : &section->from;
		section->others = section->up ? section->from : section->to;
		if (ids->n == 0)
			return pgm_format_fail(reader->cx, section->file->name,
								   section->line,
								   psprintf("revisions of both ways stand in one file"),
								   NULL, NULL);
		section->id = ids->items[0];
	}
	return true;
}

static bool
add_text(AlembicReader *reader, const AlembicSection *section,
		 PgmFormatRevision *revision, PgmFormatText *text)
{
	PgmFormatScript script;

	memset(&script, 0, sizeof(script));
	script.file = section->file->name;
	script.data = section->file->data + section->start;
	script.len = section->end - section->start;
	script.line = section->start_line;
	script.trim = true;
	if (!pgm_format_clean(reader->cx, &script))
		return false;
	pgm_format_take(reader->cx, revision, &script, text);
	return true;
}

static bool
contains(const PgmFormatList *list, const char *id)
{
	for (int i = 0; i < list->n; i++)
	{
		if (strcmp(list->items[i], id) == 0)
			return true;
	}
	return false;
}

static bool
add_upgrade(AlembicReader *reader, const AlembicSection *section)
{
	PgmFormatRevision *revision = pgm_format_add(reader->cx, section->id,
												 pstrdup(""));
	PgmFormatList depends;

	memset(&depends, 0, sizeof(depends));
	revision->nparents = section->others.n;
	revision->parents = section->others.items;
	for (int i = 0; i < section->removed.n; i++)
	{
		if (!contains(&section->others, section->removed.items[i]))
			pgm_format_list_add(&depends, section->removed.items[i]);
	}
	revision->ndepends = depends.n;
	revision->depends = depends.items;
	return add_text(reader, section, revision, &revision->upgrade);
}

/* Sections by id, those of upgrades first. */
static int
section_cmp(const void *a, const void *b)
{
	const AlembicSection *x = *(AlembicSection *const *) a;
	const AlembicSection *y = *(AlembicSection *const *) b;
	int			cmp = strcmp(x->id, y->id);

	if (cmp == 0)
		cmp = (int) y->up - (int) x->up;
	return cmp ? cmp : x->line - y->line;
}

/*
 * Downgrades go to the revisions of their ids.  revision_of holds, by section
 * number, the revision that an upgrade's section became.
 */
static bool
add_downgrades(AlembicReader *reader, const int *revision_of)
{
	AlembicSection **sorted = palloc(reader->nsections *
									 sizeof(AlembicSection *));
	AlembicSection *up = NULL;

	for (int i = 0; i < reader->nsections; i++)
		sorted[i] = &reader->sections[i];
	qsort(sorted, reader->nsections, sizeof(AlembicSection *), section_cmp);
	for (int i = 0; i < reader->nsections; i++)
	{
		AlembicSection *section = sorted[i];
		PgmFormatRevision *revision;

		if (section->up)
		{
			up = section;
			continue;
		}
		if (up == NULL || strcmp(up->id, section->id) != 0)
			return pgm_format_fail(reader->cx, section->file->name,
								   section->line,
								   psprintf("revision \"%s\" has a way down but none up",
											section->id),
								   NULL, NULL);
		revision = reader->cx->result->revisions +
			revision_of[up - reader->sections];
		if (revision->downgrade.text != NULL)
			return pgm_format_fail(reader->cx, section->file->name,
								   section->line,
								   psprintf("downgrade of revision \"%s\" is given twice",
											section->id),
								   psprintf("The other is in \"%s\", line %d.",
											revision->downgrade.file,
											revision->downgrade.line),
								   NULL);
		if (!add_text(reader, section, revision, &revision->downgrade))
			return false;
	}
	return true;
}

bool
pgm_format_read_alembic(PgmFormatContext *cx)
{
	AlembicReader reader;
	int		   *revision_of;
	int			first;

	memset(&reader, 0, sizeof(reader));
	reader.cx = cx;
	for (int i = 0; i < cx->nfiles; i++)
	{
		PgmFormatFile *file;

		if (!pgm_format_ends(cx->files[i].name, ".sql") && cx->nfiles > 1)
			continue;
		if (!pgm_format_data(cx, i))
			return false;
		file = palloc(sizeof(PgmFormatFile));
		*file = cx->files[i];
		file->data = pgm_format_without_prose(cx, &cx->files[i]);
		reader.file = file;
		first = reader.nsections;
		if (!read_file(&reader) || !find_direction(&reader, first))
			return false;
	}
	if (reader.nsections == 0)
		return true;
	revision_of = palloc(reader.nsections * sizeof(int));
	for (int i = 0; i < reader.nsections; i++)
	{
		revision_of[i] = cx->result->nrevisions;
		if (reader.sections[i].up &&
			!add_upgrade(&reader, &reader.sections[i]))
			return false;
	}
	return add_downgrades(&reader, revision_of) && pgm_format_sort_legs(cx);
}

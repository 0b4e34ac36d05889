/*-------------------------------------------------------------------------
 *
 * heading.c
 *	  Is there a way down in what is to be a way up?
 *
 * Many tools keep both ways in one file, under comments as headings.  Read as
 * one text the way down would run as part of the way up, and drop what it has
 * just made.  So a text for the way up that has such a heading is refused,
 * whoever's it is: a comment at the begin of its line that says nothing but
 * the name of a way down, as in "-- down", "-- === Rollback ===", "-- +goose Down"
 * or "# --- !Downs", or has it set off from the rest by punctuation, as in
 * "-- down: drop it", "-- Step 2: Rollback of the above" or "-- Rollback
 * script for users".  What stands in a literal is none.
 *
 * Words can mislead: "-- down: boolean" and "-- revert #123" are no headings.
 * So all but the plain name of a way down must be followed by SQL that undoes
 * what stands before.  If it drops what was just made, a sentence with such a
 * word, as in "-- ROLLBACK users table", is a heading too; and if nothing is
 * left of all that was done, any comment is.
 *
 *-------------------------------------------------------------------------
 */
#ifndef FRONTEND
#include "postgres.h"
#else
#include "postgres_fe.h"
#endif

#include "format/heading.h"
#include "format/internal.h"
#include "format/undo.h"
#include "sql/lexer.h"

/* A heading of more words than this is a sentence. */
#define MAX_WORDS 8

/* Of a longer line, so many words are looked at. */
#define MAX_LINE_WORDS 14

/* What stands before a name of a way down, as in "Step 2: Rollback". */
#define MAX_LABEL_WORDS 4

/* Longer lines are no headings. */
#define MAX_LINE_BYTES 256

/* Bytes of a heading that its error shows. */
#define SHOWN_BYTES 80

/* Words for a way down. */
static const char *const ways_down[] = {
	"down", "downs", "undo", "rollback", "rollbacks", "revert", "reverts",
	"reverse", "downgrade", "downgrades", "downsql", "unapply", "backout",
	"backward", "backwards"
};

/* Of these, words that begin many a sentence. */
static const char *const weak_ways_down[] = {
	"backward", "backwards", "reverse", "reverts", "rollbacks"
};

/* Words that need SQL that undoes something to be a heading. */
static const char *const hints_of_ways_down[] = {
	"teardown", "uninstall", "unmigrate"
};

/* "-- revert #123" names what was done elsewhere. */
static const char *const references[] = {
	"revert", "reverts", "undo"
};

/* "undo / redo" and "commit or rollback" are no headings. */
static const char *const opposites[] = {
	"commit", "forward", "forwards", "redo", "up", "ups"
};

/* Words that may stand beside them, the names of tools among them. */
static const char *const fillers[] = {
	"above", "actions", "all", "begin", "begins", "below", "block", "changes",
	"code", "comes", "commands", "dbmate", "ddl", "everything", "following",
	"for", "goose", "here", "how", "instructions", "is", "made", "micrate",
	"migrate", "migration", "migrations", "now", "of", "on", "part",
	"pgmigrate", "plan", "procedure", "rambler", "region", "revision", "run",
	"schema", "script", "scripts", "section", "sql", "start", "starts",
	"statement", "statements", "step", "steps", "the", "this", "to", "version",
	"way"
};

/* "Rollback script for ..." names one, "undo the mistake of ..." does not. */
static const char *const nouns[] = {
	"code", "instructions", "migration", "migrations", "part", "script",
	"scripts", "section", "sql", "statements", "step", "steps"
};

/* "down drop it" */
static const char *const removals[] = {
	"delete", "destroy", "drop", "remove", "restore"
};

/* "status: down" tells of a value. */
static const char *const value_labels[] = {
	"action", "arrow", "audit", "default", "defaults", "enum", "event",
	"example", "fixme", "hint", "key", "note", "notes", "order", "see", "sort",
	"sorted", "state", "states", "status", "todo",
	"transaction", "value", "values", "vote", "warning"
};

/* "rollback: none", "rollback: DROP TABLE t;" */
static const char *const no_way[] = {
	"cannot", "impossible", "irreversible", "is", "never", "no", "none", "not",
	"nothing", "see"
};
static const char *const sql_verbs[] = {
	"alter", "create", "delete", "drop", "insert", "rename", "truncate",
	"update"
};

/* "DOWN is a state" */
static const char *const of_sentences[] = {
	"and", "are", "if", "is", "means", "or", "payment", "payments", "time",
	"to", "was", "when"
};

/* How much does a line look like a heading? */
typedef enum HeadingKind
{
	HEADING_NONE,
	HEADING_LIKELY,				/* if a statement stands before it */
	HEADING_SECTION,			/* if it stands between statements */
	HEADING_NAME				/* says nothing but that */
} HeadingKind;

typedef struct HeadingWord
{
	const char *text;
	size_t		len;
	bool		broken;			/* more than a blank or a comma before it */
	bool		opened;			/* a parenthesis */
} HeadingWord;

/* Where a search for a heading is. */
typedef struct HeadingSearch
{
	const PgmFormatScript *script;
	bool		statement;		/* has one been passed? */
	bool		removes;		/* does the next one? */
	const char *start;			/* of the first heading, NULL: none */
	size_t		len;
	int			line;
	HeadingKind kind;
	bool		reference;		/* can it be about what was done elsewhere? */
	PgmFormatLine first;		/* of the comments, where no heading is */
	bool		worded;			/* has a line of them a word? */
	bool		hinted;			/* and one for a way down? */
} HeadingSearch;

static bool
is_one_of(const char *word, size_t len, int n, const char *const *words)
{
	for (int i = 0; i < n; i++)
	{
		if (strlen(words[i]) == len &&
			pg_strncasecmp(words[i], word, len) == 0)
			return true;
	}
	return false;
}

#define word_is_of(word, list) \
	is_one_of((word)->text, (word)->len, lengthof(list), list)

static bool
word_is(const HeadingWord *word, const char *what)
{
	return is_one_of(word->text, word->len, 1, &what);
}

/*
 * How many bytes from p on are letters?  In UTF-8 dashes, arrows, boxes and
 * pictures are none; headings are drawn with them.  "migrateDown" is two words.
 */
static size_t
letters(const char *p, const char *end)
{
	const char *start = p;

	for (; p < end; p++)
	{
		unsigned char c = (unsigned char) *p;

		if (c < 0x80 ? !((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z')) :
			c == 0xC2 || c == 0xE2 || c == 0xEF || c >= 0xF0 ||
			(p == start && c < 0xC0))
			break;
		if (p > start && c >= 'A' && c <= 'Z' && p[-1] >= 'a' && p[-1] <= 'z')
			break;
	}
	return p - start;
}

/* Is it more than a blank, a comma or an apostrophe that parts two words? */
static bool
is_break(const char *p, const char *end)
{
	for (const char *at = p; at < end; at++)
	{
		if (strchr(":()[]{}<>|=*#@!~/", *at) != NULL)
			return true;
		if (*at == '-' && at > p && at + 1 < end)
			return true;
		if (*at == ';' || (*at == '.' && at + 1 < end && at[1] == ' '))
			return true;
		if ((unsigned char) *at >= 0x80 && strncmp(at, "\xe2\x80\x99", 3) != 0)
			return true;
		if ((unsigned char) *at >= 0x80)
			at += 2;
	}
	return false;
}

/* The words of a line; one more than "max" where there are more. */
static int
split_words(const char *text, size_t len, HeadingWord *words, int max)
{
	size_t		pos = 0;
	size_t		last = 0;
	int			n = 0;

	while (pos < len && n <= max)
	{
		size_t		size = letters(text + pos, text + len);

		if (size > 0)
		{
			words[n].text = text + pos;
			words[n].len = size;
			words[n].broken = is_break(text + last, text + pos);
			words[n].opened = memchr(text + last, '(', pos - last) != NULL;
			n++;
			last = pos + size;
		}
		pos += Max(size, 1);
	}
	return n;
}

/* How many words from this one on are a word for a way down, 0: it is none. */
static int
way_down_words(const HeadingWord *words, int n)
{
	if (n > 1 && word_is(&words[0], "roll") && word_is(&words[1], "back"))
		return 2;
	return word_is_of(&words[0], ways_down) ? 1 : 0;
}

/* Is there a word for a way down among these? */
static bool
hints_at_way_down(const HeadingWord *words, int n)
{
	for (int i = 0; i < n; i++)
	{
		if (way_down_words(words + i, n - i) > 0 ||
			word_is_of(&words[i], hints_of_ways_down) ||
			(i + 1 < n && word_is(&words[i], "tear") &&
			 word_is(&words[i + 1], "down")))
			return true;
	}
	return false;
}

/* Do the words say nothing but the name of a way down? */
static bool
names_way_down(const HeadingWord *words, int n)
{
	static const char *const tern[] = {"create", "above", "drop", "below"};
	int			ntern = 0;
	bool		down = false;

	for (int i = 0; i < n && ntern < lengthof(tern); i++)
		ntern = word_is(&words[i], tern[ntern]) ? ntern + 1 : 0;
	if (ntern == lengthof(tern) && n == ntern)
		return true;
	if (n > MAX_WORDS)
		return false;
	for (int i = 0; i < n;)
	{
		int			found = way_down_words(words + i, n - i);

		if (found == 0 && !word_is_of(&words[i], fillers))
			return false;
		down |= found > 0;
		i += Max(found, 1);
	}
	return down;
}

/* "up / down" and "rollback or commit" are directions, or values. */
static bool
has_opposite(const HeadingWord *words, int from, int to, int n)
{
	static const char *const joints[] = {"and", "or"};

	return (from > 0 && word_is_of(&words[from - 1], opposites)) ||
		(from > 1 && word_is_of(&words[from - 1], joints) &&
		 word_is_of(&words[from - 2], opposites)) ||
		(to < n && word_is_of(&words[to], opposites)) ||
		(to + 1 < n && word_is_of(&words[to], joints) &&
		 word_is_of(&words[to + 1], opposites));
}

/* Is what follows the name SQL in the comment, or says that there is none? */
static bool
is_remark(const HeadingWord *word, const char *end)
{
	while (end > word->text && strchr(" \t\r\n*/", end[-1]) != NULL)
		end--;
	return word_is_of(word, no_way) ||
		(word_is_of(word, sql_verbs) && end[-1] == ';');
}

/* Are the words up to this one a label before the name of a way down? */
static bool
is_label(const HeadingWord *words, int from)
{
	while (from > 0 && !words[from].broken &&
		   word_is_of(&words[from - 1], fillers))
		from--;
	if (!words[from].broken || words[from].opened || from > MAX_LABEL_WORDS)
		return false;
	for (int i = 0; i < from; i++)
	{
		if (word_is_of(&words[i], value_labels))
			return false;
	}
	return true;
}

/*
 * Do the words after the name, without a break between, belong to a heading?
 * "Rollback script for users" and "DOWN users" are such.
 */
static bool
goes_on_as_heading(const HeadingWord *words, int from, int to, int n)
{
	bool		down = word_is(&words[from], "down");

	while (to < n - 1 && (word_is(&words[to], "the") ||
						  word_is(&words[to], "this")))
		to++;
	if (word_is(&words[0], "the"))
		return false;
	if (word_is_of(&words[to], nouns) || word_is_of(&words[to], removals) ||
		(down && word_is(&words[to], "transaction")))
		return true;
	if (to < n - 1 &&
		(word_is(&words[to], "from") || word_is(&words[to], "to")))
		return word_is(&words[to + 1], "v") ||
			word_is(&words[to + 1], "version") ||
			word_is(&words[to + 1], "previous");
	if (word_is(&words[to], "for") || word_is(&words[to], "of"))
		return !down && n - from <= 5;
	return strncmp(words[from].text, "DOWN", 4) == 0 &&
		!word_is_of(&words[to], of_sentences);
}

/* What is the line, if the words between from and to name a way down? */
static HeadingKind
kind_of_name(const HeadingWord *words, int from, int to, int n,
			 const char *end)
{
	bool		first = true;
	int			next = to;

	for (int i = 0; i < from; i++)
		first &= word_is_of(&words[i], fillers);
	if (has_opposite(words, from, to, n) ||
		(!first && !is_label(words, from)))
		return HEADING_NONE;
	while (next < n && !words[next].broken &&
		   word_is_of(&words[next], fillers))
		next++;
	if (next < n && !words[next].broken &&
		!(first && goes_on_as_heading(words, from, to, n)))
		return HEADING_NONE;
	if (next == to && next < n && word_is_of(&words[from], weak_ways_down))
		return HEADING_NONE;
	if (next < n && is_remark(&words[next], end))
		return HEADING_NONE;
	return first && pg_strncasecmp(words[from].text, "down", 4) == 0 ?
		HEADING_SECTION : HEADING_LIKELY;
}

/* "Revert 12" and "Rollback of #12" may be about something else. */
static bool
is_numbered(const HeadingWord *words, int n, const char *end)
{
	for (const char *at = words[n - 1].text; at < end; at++)
	{
		if (*at >= '0' && *at <= '9')
			return pg_strncasecmp(words[0].text, "down", 4) != 0;
	}
	return false;
}

/* "reference", unless NULL: can it be about what was done elsewhere? */
static HeadingKind
heading_kind(const char *text, size_t len, bool *reference)
{
	HeadingWord words[MAX_LINE_WORDS + 1];
	HeadingKind kind = HEADING_NONE;
	bool		refers = false;
	int			n;

	if (len >= MAX_LINE_BYTES)
		return HEADING_NONE;
	n = split_words(text, len, words, MAX_LINE_WORDS);
	for (int i = 0; i < n && kind == HEADING_NONE; i++)
	{
		int			found = way_down_words(words + i, n - i);

		if (found == 0)
			continue;
		refers = word_is_of(&words[i], references);
		kind = kind_of_name(words, i, i + found, n, text + len);
	}
	if (reference != NULL)
		*reference = refers;
	if (!names_way_down(words, n))
		return kind;
	if (!is_numbered(words, n, text + len))
		return HEADING_NAME;
	return refers ? HEADING_LIKELY : HEADING_SECTION;
}

static bool
is_way_down(const char *word, size_t len)
{
	return is_one_of(word, len, lengthof(ways_down), ways_down);
}

/*
 * Does the comment begin its line?  Play writes "# --- !Downs".  One that ends
 * before its line does may have the way down behind it.
 */
static bool
begins_line(const PgmFormatScript *script, size_t start)
{
	const char *data = script->data;

	while (start > 0 && strchr(" \t#", data[start - 1]) != NULL &&
		   data[start - 1] != '\0')
		start--;
	return start == 0 || data[start - 1] == '\n';
}

/* A line above that says "up" makes a list of both, not two sections. */
static bool
follows_up(const char *data, const char *line)
{
	HeadingWord words[MAX_LINE_WORDS + 1];
	const char *start;

	while (line > data && line[-1] != '\n')
		line--;
	if (line == data)
		return false;
	for (start = --line; start > data && start[-1] != '\n';)
		start--;
	return split_words(start, line - start, words, MAX_LINE_WORDS) > 1 &&
		word_is(&words[0], "up");
}

/*
 * Is the next line SQL in a comment, so that nothing of the way down runs?
 * A block, unless NULL, is the end of the comment that the line is in.
 */
static bool
precedes_commented_sql(const char *line, const char *end, const char *block)
{
	end = block != NULL ? block : end;
	line = memchr(line, '\n', end - line);
	if (line == NULL)
		return false;
	for (line++; line < end && (*line == ' ' || *line == '\t');)
		line++;
	if (block == NULL && (end - line < 2 || strncmp(line, "--", 2) != 0))
		return false;
	for (; line < end && *line != '\n'; line++)
	{
		if (*line == ';' &&
			(line + 1 == end || pgm_format_blank(line + 1, 1)))
			return true;
	}
	return false;
}

/* Take a line of a comment for a heading, if it is one. */
static void
try_line(HeadingSearch *heading, const char *line, size_t len, int number,
		 HeadingKind least, const char *block)
{
	const char *data = heading->script->data;
	bool		reference = false;
	HeadingKind kind = heading_kind(line, len, &reference);

	if (kind <= heading->kind || kind < least ||
		(kind != HEADING_NAME && follows_up(data, line)) ||
		(!heading->removes &&
		 precedes_commented_sql(line, data + heading->script->len, block)))
		return;
	heading->start = line;
	heading->len = Min(strcspn(line, "\r\n"), len);
	heading->line = number;
	heading->kind = kind;
	heading->reference = reference;
}

/* Note what could be a heading by what follows it. */
static void
note_comment(HeadingSearch *heading, const char *text, size_t len, int number)
{
	PgmFormatReader reader;
	PgmFormatLine line;
	HeadingWord words[MAX_LINE_WORDS + 1];

	pgm_format_reader(&reader, text, len, number);
	while (!heading->hinted && pgm_format_line(&reader, &line))
	{
		int			n = split_words(line.start, line.len, words,
									MAX_LINE_WORDS);

		heading->hinted = hints_at_way_down(words, Min(n, MAX_LINE_WORDS));
		if (heading->hinted || heading->first.start == NULL ||
			(n > 0 && !heading->worded))
			heading->first = line;
		heading->worded |= n > 0;
	}
}

/*
 * The lines of a comment are looked at one by one, but those that together say
 * no more than a name are one heading.  Within a statement only that counts.
 */
static void
try_comment(HeadingSearch *heading, const char *text, size_t len, int number,
			HeadingKind least)
{
	PgmFormatReader reader;
	PgmFormatLine line;

	if (least == HEADING_NAME || memchr(text, '\n', len) == NULL ||
		heading_kind(text, len, NULL) == HEADING_NAME)
	{
		try_line(heading, text, len, number, least, NULL);
		return;
	}
	pgm_format_reader(&reader, text, len, number);
	while (pgm_format_line(&reader, &line))
		try_line(heading, line.start, line.len, line.number, least,
				 text + len);
}

/*
 * Look for a heading between two offsets of the script, of this kind or a
 * surer one.
 */
static void
search(HeadingSearch *heading, size_t from, size_t to, int line,
	   HeadingKind least)
{
	const PgmFormatScript *script = heading->script;
	PgmSqlLexer lexer;
	PgmSqlToken token;

	pgm_sqlscan_lexer(&lexer, script->data + from, to - from, line);
	while (heading->kind != HEADING_NAME)
	{
		pgm_sqlscan_token(&lexer, &token);
		if (token.kind == PGM_SQL_END || token.kind == PGM_SQL_UNTERMINATED)
			return;
		if (token.kind == PGM_SQL_COMMENT &&
			begins_line(script, from + token.start))
		{
			if (least != HEADING_NAME)
				note_comment(heading, lexer.input + token.start,
							 token.end - token.start, token.line);
			try_comment(heading, lexer.input + token.start,
						token.end - token.start, token.line, least);
		}
	}
}

static char *
hint_of(PgmFormatContext *cx, const PgmFormatFile *file)
{
	PgmFormat	format = file ? pgm_format_by_contents(file) : PGM_FORMAT_AUTO;

	if (format != PGM_FORMAT_AUTO && format != PGM_FORMAT_STRUCTURE &&
		format != cx->result->format)
		return psprintf("Load it as format \"%s\", which is what it looks like.",
						pgm_format_name(format));
	return pstrdup("Give the way down a file of its own, such as 0001_name.down.sql beside 0001_name.up.sql, or write the headings of format \"dbmate\": \"-- migrate:up\" and \"-- migrate:down\".");
}

/*
 * Liquibase has its own language of comments, which nothing here reads: its
 * changesets would become one revision.
 */
static bool
check_liquibase(PgmFormatContext *cx, const PgmFormatScript *script)
{
	PgmFormatReader reader;
	PgmFormatLine line;
	const char *rest;
	size_t		len;

	pgm_format_reader(&reader, script->data, script->len, script->line);
	while (pgm_format_line(&reader, &line))
	{
		if (pgm_format_blank(line.start, line.len))
			continue;
		if (!pgm_format_marker(&line, "liquibase formatted sql", &rest, &len))
			return true;
		return pgm_format_fail(cx, script->file, line.number,
							   psprintf("changelogs of Liquibase are not supported"),
							   psprintf("Its changesets and their rollbacks would become one way up."),
							   pstrdup("Write each changeset as files 0001_name.up.sql and 0001_name.down.sql."));
	}
	return true;
}

/*
 * Could there be a heading?  Cheap, and blind to literals.  A way down without
 * any word for it drops something.
 */
static bool
may_have_heading(const PgmFormatScript *script)
{
	PgmFormatReader reader;
	PgmFormatLine line;

	pgm_format_reader(&reader, script->data, script->len, 1);
	while (pgm_format_line(&reader, &line))
	{
		if (heading_kind(line.start, line.len, NULL) != HEADING_NONE)
			return true;
		for (size_t i = 0; i + 4 <= line.len; i++)
		{
			if ((line.start[i] == 'd' || line.start[i] == 'D') &&
				pg_strncasecmp(line.start + i, "drop", 4) == 0)
				return true;
		}
	}
	return false;
}

/*
 * Is what was found before the statement "first" the heading of a way down, by
 * what follows?  What stands before all statements has nothing to undo.
 */
static bool
is_heading(HeadingSearch *heading, const PgmUndo *undo, int first)
{
	if (heading->kind == HEADING_NAME)
		return true;
	if (heading->start != NULL &&
		(heading->statement ?
		 pgm_undo_some(undo, first, !heading->reference) : heading->removes))
		return true;
	if (heading->first.start == NULL || !heading->statement ||
		!((heading->hinted && pgm_undo_next(undo, first)) ||
		  pgm_undo_all(undo, first, heading->hinted)))
		return false;
	heading->start = heading->first.start;
	heading->len = heading->first.len;
	heading->line = heading->first.number;
	return true;
}

/* Look for a heading, statement by statement. */
static bool
find_heading(HeadingSearch *heading)
{
	const PgmFormatScript *script = heading->script;
	const PgmUndo *undo = pgm_undo_read(script);
	const PgmSqlItem *items;
	int			nitems = pgm_undo_items(undo, &items);
	int			line = script->line;

	for (int i = 0; i < nitems; i++)
	{
		const PgmSqlItem *item = &items[i];
		bool		does = pgm_undo_does_something(undo, i);

		heading->removes = pgm_undo_removes(undo, i);
		search(heading, item->start, item->body, line,
			   heading->statement ? HEADING_LIKELY : HEADING_SECTION);
		if (does && is_heading(heading, undo, i))
			return true;
		if (does && heading->kind != HEADING_NAME)
		{
			heading->start = heading->first.start = NULL;
			heading->kind = HEADING_NONE;
			heading->hinted = heading->worded = false;
		}
		heading->removes = true;
		search(heading, item->body,
			   item->kind == PGM_SQL_META ? item->body : item->body_end,
			   item->line, HEADING_NAME);
		if (does && heading->kind == HEADING_NAME)
			return true;
		for (size_t at = item->start; at < item->end; at++)
			line += script->data[at] == '\n';
		heading->statement |= does;
	}
	return false;
}

/*
 * Refuse a text for the way up that has a heading of a way down with SQL after
 * it.  Where only comments follow, nothing of them would run.
 */
bool
pgm_format_check_way_up(PgmFormatContext *cx, const PgmFormatScript *script)
{
	HeadingSearch heading = {.script = script};
	const PgmFormatFile *file = NULL;

	if (!check_liquibase(cx, script))
		return false;
	if (!may_have_heading(script) || !find_heading(&heading))
		return true;

	for (int i = 0; i < cx->nfiles && file == NULL; i++)
	{
		if (strcmp(cx->files[i].name, script->file) == 0)
			file = &cx->files[i];
	}
	return pgm_format_fail(cx, script->file, heading.line,
						   psprintf("file has a way down that would run as part of the way up"),
						   psprintf("Its heading is \"%.*s\".",
									(int) Min(heading.len, SHOWN_BYTES),
									heading.start),
						   hint_of(cx, file));
}

/*
 * Does the name of the file, or of a folder it is in, say that it is a way
 * down?  Not the names that the formats know for it.
 */
bool
pgm_format_is_way_down(const char *path)
{
	const char *base = pgm_format_basename(path);
	size_t		len = strlen(base);

	while (path < base)
	{
		size_t		n = strcspn(path, "/");

		if (is_way_down(path, n))
			return true;
		path += n + 1;
	}
	if (!pgm_format_ends(base, ".sql"))
		return false;
	len -= strlen(".sql");
	for (size_t i = len; i > 0; i--)
	{
		if (base[i - 1] == '.')
			return is_way_down(base + i, len - i);
	}
	return false;
}

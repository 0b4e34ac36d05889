/*-------------------------------------------------------------------------
 *
 * native.c
 *	  Reading our own format.
 *
 *		-- pgmigrate: revision
 *		-- id: 4f1c9a0be2d7
 *		-- message: add customers
 *		-- down_revision: 1a2b3c4d5e6f, 0f1e2d3c4b5a
 *		-- depends_on: 99aa88bb77cc
 *		-- branch_labels: billing
 *		-- transactional: false
 *
 *		-- migrate:up
 *		CREATE TABLE customer (id int);
 *
 *		-- migrate:down
 *		DROP TABLE customer;
 *
 *		-- migrate:verify
 *		SELECT true;
 *
 * One file is one revision.  Every key may be missing: without an id the
 * store computes one, without down_revision the file before this one by name
 * is the parent, and "down_revision: base" means that there is none.
 *
 * A text is everything between the lines of two markers but for the last
 * newline, which belongs to the marker: so any text can be written, one
 * without final newline too.  A line of a text that would read as a marker is
 * written with a backslash before "migrate:", and such lines lose a backslash
 * when read.  A section that is there but empty is an empty text, one that is
 * missing is none.  In a message, backslash escapes stand for line ends and
 * the like.
 *
 * Texts are taken as they are, without regard to what SQL they hold: what a
 * revision may not hold is refused when it is stored.
 *
 *-------------------------------------------------------------------------
 */
#ifndef FRONTEND
#include "postgres.h"
#else
#include "postgres_fe.h"
#endif

#include "format/internal.h"

static const char *const header_keys[] = {
	"pgmigrate", "id", "message", "down_revision", "depends_on",
	"branch_labels", "transactional", "repeatable"
};

typedef struct NativeFile
{
	PgmFormatContext *cx;
	const PgmFormatFile *file;
	PgmFormatRevision *revision;
	PgmFormatReader reader;
	PgmFormatText *section;		/* the open one */
	StringInfoData text;
	bool		marker_crlf;	/* did the last marker's line end so? */
} NativeFile;

static bool
fail(NativeFile *native, int line, char *message, const char *hint)
{
	return pgm_format_fail(native->cx, native->file->name, line, message,
						   NULL, hint ? pstrdup(hint) : NULL);
}

/*
 * Undo the escapes of a message.
 */
static bool
read_message(NativeFile *native, int line, const char *value, size_t len,
			 char **message)
{
	StringInfoData buf;

	initStringInfo(&buf);
	for (size_t i = 0; i < len; i++)
	{
		char		c = value[i];
		char		hex[3] = {0};

		if (c != '\\')
		{
			appendStringInfoChar(&buf, c);
			continue;
		}
		c = ++i < len ? value[i] : '\0';
		if (c == 'n')
			c = '\n';
		else if (c == 'r')
			c = '\r';
		else if (c == 't')
			c = '\t';
		else if (c == 'x' && i + 2 < len &&
				 isxdigit((unsigned char) value[i + 1]) &&
				 isxdigit((unsigned char) value[i + 2]))
		{
			memcpy(hex, value + i + 1, 2);
			c = (char) strtol(hex, NULL, 16);
			i += 2;
		}
		else if (c != '\\')
			c = '\0';
		if (c == '\0')
			return fail(native, line,
						psprintf("unknown escape in the message"),
						"Write a backslash as two.");
		appendStringInfoChar(&buf, c);
	}
	*message = buf.data;
	return true;
}

/*
 * A list of ids between commas.
 */
static bool
read_list(NativeFile *native, int line, const char *value, size_t len,
		  PgmFormatList *list)
{
	const char *end = value + len;

	memset(list, 0, sizeof(*list));
	while (value < end)
	{
		const char *comma = memchr(value, ',', end - value);
		const char *stop = comma ? comma : end;
		const char *next = comma ? comma + 1 : end;
		char	   *id;

		while (value < stop && (*value == ' ' || *value == '\t'))
			value++;
		while (stop > value && (stop[-1] == ' ' || stop[-1] == '\t'))
			stop--;
		id = pnstrdup(value, stop - value);
		if (!pgm_format_id_legal(id))
			return fail(native, line,
						psprintf("\"%s\" cannot be the id of a revision", id),
						NULL);
		pgm_format_list_add(list, id);
		value = next;
	}
	return true;
}

static bool
read_flag(NativeFile *native, int line, const char *value, size_t len,
		  bool *flag)
{
	*flag = len == 4 && strncmp(value, "true", 4) == 0;
	if (*flag || (len == 5 && strncmp(value, "false", 5) == 0))
		return true;
	return fail(native, line, psprintf("value must be true or false"), NULL);
}

static bool
set_key(NativeFile *native, int line, const char *key, const char *value,
		size_t len)
{
	PgmFormatRevision *revision = native->revision;
	PgmFormatList list;
	bool		flag;

	if (strcmp(key, "pgmigrate") == 0)
		return len == 8 && strncmp(value, "revision", 8) == 0 ? true :
			fail(native, line, psprintf("unknown kind of file"),
				 "The first line of a revision's file is \"-- pgmigrate: revision\".");
	if (strcmp(key, "message") == 0)
		return read_message(native, line, value, len, &revision->message);
	if (strcmp(key, "transactional") == 0)
	{
		if (!read_flag(native, line, value, len, &flag))
			return false;
		revision->transactional = flag ? PGM_FLAG_ON : PGM_FLAG_OFF;
		return true;
	}
	if (strcmp(key, "repeatable") == 0)
		return read_flag(native, line, value, len, &revision->repeatable);
	if (strcmp(key, "id") == 0)
	{
		revision->id = pnstrdup(value, len);
		return pgm_format_id_legal(revision->id) ? true :
			fail(native, line,
				 psprintf("\"%s\" cannot be the id of a revision",
						  revision->id), NULL);
	}

	if (strcmp(key, "down_revision") == 0 && len == 4 &&
		strncmp(value, "base", 4) == 0)
		len = 0;
	if (!read_list(native, line, value, len, &list))
		return false;
	if (strcmp(key, "down_revision") == 0)
	{
		revision->nparents = list.n;
		revision->parents = list.items;
	}
	else if (strcmp(key, "depends_on") == 0)
	{
		revision->ndepends = list.n;
		revision->depends = list.items;
	}
	else
	{
		revision->nlabels = list.n;
		revision->labels = list.items;
	}
	return true;
}

/* Is what follows "pgmigrate:" said to lint? */
static bool
is_for_lint(const char *rest, size_t len)
{
	return memchr(rest, ' ', len) != NULL &&
		!(len > 8 && pg_strncasecmp(rest, "revision", 8) == 0);
}

/* Are they the same but for case, and for what stands between words? */
static bool
reads_like(const char *key, const char *p, size_t len)
{
	for (size_t i = 0; i < len; i++)
	{
		if (strchr("-_ \t.", p[i]) != NULL)
			continue;
		key += *key == '_';
		if (*key++ != pg_ascii_tolower((unsigned char) p[i]))
			return false;
	}
	return *key == '\0';
}

/*
 * The key that a line of the header begins with, and its value.  A colon
 * behind a word makes it one, and so do a colon and an equals sign behind what
 * reads like a key; all else is a remark.
 */
static bool
find_key(const char *p, size_t len, size_t *key, size_t *value)
{
	size_t		words = 0;
	size_t		at = 0;

	while (at < len && p[at] != ':' && p[at] != '=')
		at++;
	if (at == len)
		return false;
	*value = at + 1;
	while (at > 0 && (p[at - 1] == ' ' || p[at - 1] == '\t'))
		at--;
	*key = at;
	for (size_t i = 0; i < at; i++)
	{
		if (p[i] == ' ' || p[i] == '\t')
			words++;
		else if (!isalnum((unsigned char) p[i]) && p[i] != '_' && p[i] != '-')
			return false;
	}
	if (words == 0 && p[*value - 1] == ':')
		return at > 0;
	for (int i = 0; i < lengthof(header_keys); i++)
	{
		if (reads_like(header_keys[i], p, at))
			return true;
	}
	return false;
}

/*
 * A line before the first section: "-- key: value", or a remark.
 */
static bool
read_header_line(NativeFile *native, const PgmFormatLine *line,
				 unsigned int *seen)
{
	const char *p;
	const char *like = NULL;
	size_t		len;
	size_t		word;
	size_t		value;
	bool		equals;

	if (pgm_format_blank(line->start, line->len))
		return true;
	if (!pgm_format_marker(line, "", &p, &len))
		return fail(native, line->number,
					psprintf("text before the first section"),
					"SQL to apply stands after a line \"-- migrate:up\".");
	if (!find_key(p, len, &word, &value))
		return true;			/* a remark */
	equals = p[value - 1] == '=';
	for (; value < len && (p[value] == ' ' || p[value] == '\t'); value++)
		;
	if (word == 9 && strncmp(p, "pgmigrate", 9) == 0 &&
		is_for_lint(p + value, len - value))
		return fail(native, line->number,
					psprintf("comment for a statement stands in the header"),
					"It stands above its statement, after a line \"-- migrate:up\".");
	for (int i = 0; i < lengthof(header_keys); i++)
	{
		if (reads_like(header_keys[i], p, word))
			like = header_keys[i];
		if (equals || strlen(header_keys[i]) != word ||
			strncmp(header_keys[i], p, word) != 0)
			continue;
		if (*seen & (1U << i))
			return fail(native, line->number,
						psprintf("\"%s\" is given twice", header_keys[i]),
						NULL);
		*seen |= 1U << i;
		return set_key(native, line->number, header_keys[i], p + value,
					   len - value);
	}
	return fail(native, line->number,
				psprintf("unknown key \"%.*s\"", (int) Min(word, 60), p),
				like ? psprintf("Write \"-- %s: ...\".", like) :
				"Keys are id, message, down_revision, depends_on, branch_labels, transactional and repeatable.");
}

/*
 * Does the line read as a marker, or as one that was made not to?  Then
 * *backslashes tells how often, and *at where "migrate:" begins.
 */
bool
pgm_format_native_marker(const char *start, size_t len, size_t *at,
						 int *backslashes)
{
	const char *p = start;
	const char *end = start + len;

	while (p < end && (*p == ' ' || *p == '\t'))
		p++;
	if (end - p < 2 || p[0] != '-' || p[1] != '-')
		return false;
	for (p += 2; p < end && (*p == ' ' || *p == '\t'); p++)
		;
	for (*backslashes = 0; p < end && *p == '\\'; p++)
		(*backslashes)++;
	*at = p - start;
	return end - p >= 8 && strncmp(p, "migrate:", 8) == 0;
}

/*
 * End the open section: the newline before the marker is the marker's.
 */
static void
close_section(NativeFile *native)
{
	StringInfo	buf = &native->text;

	if (native->section == NULL)
		return;
	if (buf->len > 0 && buf->data[buf->len - 1] == '\n')
	{
		buf->len--;
		if (native->marker_crlf && buf->len > 0 &&
			buf->data[buf->len - 1] == '\r')
			buf->len--;
		buf->data[buf->len] = '\0';
	}
	native->section->text = pstrdup(buf->data);
	native->section = NULL;
}

static bool
open_section(NativeFile *native, const PgmFormatLine *line, const char *name,
			 size_t len)
{
	PgmFormatRevision *revision = native->revision;

	close_section(native);
	native->marker_crlf = line->crlf;
	while (len > 0 && (name[len - 1] == ' ' || name[len - 1] == '\t'))
		len--;
	if (len == 2 && strncmp(name, "up", 2) == 0)
		native->section = &revision->upgrade;
	else if (len == 4 && strncmp(name, "down", 4) == 0)
		native->section = &revision->downgrade;
	else if (len == 6 && strncmp(name, "verify", 6) == 0)
		native->section = &revision->verify;
	else
		return fail(native, line->number, psprintf("unknown section \"%.*s\"",
												   (int) Min(len, 60), name),
					"Sections are \"-- migrate:up\", \"-- migrate:down\" and \"-- migrate:verify\".");
	if (native->section->file != NULL)
		return fail(native, line->number, psprintf("section is given twice"),
					NULL);
	native->section->file = pstrdup(native->file->name);
	native->section->line = line->number + 1;
	resetStringInfo(&native->text);
	return true;
}

static bool
read_file(NativeFile *native)
{
	PgmFormatLine line;
	unsigned int seen = 0;
	bool		in_header = true;

	pgm_format_reader(&native->reader, native->file->data, native->file->len,
					  1);
	initStringInfo(&native->text);
	while (pgm_format_line(&native->reader, &line))
	{
		size_t		at;
		int			backslashes;
		bool		marker = pgm_format_native_marker(line.start, line.len,
													  &at, &backslashes);

		if (marker && backslashes == 0)
		{
			in_header = false;
			if (!open_section(native, &line, line.start + at + 8,
							  line.len - at - 8))
				return false;
		}
		else if (in_header)
		{
			if (!read_header_line(native, &line, &seen))
				return false;
		}
		else
		{
			/* of an escaped marker, all but the last backslash */
			if (marker)
				appendBinaryStringInfo(&native->text, line.start, at - 1);
			else
				at = 0;
			appendBinaryStringInfo(&native->text, line.start + at,
								   line.next - line.offset - at);
		}
	}
	close_section(native);
	pfree(native->text.data);
	if (native->revision->upgrade.text == NULL)
		return fail(native, 0, psprintf("file has no section \"up\""),
					"SQL to apply stands after a line \"-- migrate:up\".");
	return true;
}

/*
 * Is the file one of ours?  The line "-- pgmigrate: revision" is among the
 * comments at its top.  Another word in its place is a slip of the pen, to be
 * told by the reader; several words are a comment for lint, as in "allow rule
 * because ...".
 */
bool
pgm_format_is_native(const PgmFormatFile *file)
{
	PgmFormatReader reader;
	PgmFormatLine line;
	const char *rest;
	size_t		len;

	if (file->data == NULL)
		return false;
	pgm_format_reader(&reader, file->data, file->len, 1);
	while (pgm_format_line(&reader, &line))
	{
		if (pgm_format_blank(line.start, line.len))
			continue;
		if (!pgm_format_marker(&line, "", &rest, &len) ||
			(len >= 8 && pg_strncasecmp(rest, "migrate:", 8) == 0))
			return false;
		if (pgm_format_marker(&line, "pgmigrate:", &rest, &len) &&
			!is_for_lint(rest, len))
			return true;
	}
	return false;
}

bool
pgm_format_read_native(PgmFormatContext *cx)
{
	for (int i = 0; i < cx->nfiles; i++)
	{
		NativeFile	native;
		const char *base = pgm_format_basename(cx->files[i].name);
		size_t		stem = strlen(base);

		if (!pgm_format_is_native(&cx->files[i]))
			continue;
		if (!pgm_format_data(cx, i))
			return false;
		memset(&native, 0, sizeof(native));
		native.cx = cx;
		native.file = &cx->files[i];
		native.revision = pgm_format_add(cx, NULL, NULL);
		if (!read_file(&native))
			return false;
		if (native.revision->message == NULL)
		{
			if (pgm_format_ends(base, ".sql"))
				stem -= strlen(".sql");
			native.revision->message = pgm_format_words(base, stem);
		}
	}
	return pgm_format_sort(cx);
}

/*-------------------------------------------------------------------------
 *
 * text.c
 *	  Lines, markers, names and ids of migration files.
 *
 *-------------------------------------------------------------------------
 */
#ifndef FRONTEND
#include "postgres.h"
#else
#include "postgres_fe.h"
#endif

#include "lib/stringinfo.h"
#include "mb/pg_wchar.h"

#include "format/internal.h"

/* A sequence starts low; a number above this is a time. */
#define MAX_SEQUENCE 1000000

void
pgm_format_reader(PgmFormatReader *reader, const char *data, size_t len,
				  int first_line)
{
	reader->data = data;
	reader->len = len;
	reader->pos = 0;
	reader->number = first_line;
}

/*
 * Read the next line; false at the end.
 */
bool
pgm_format_line(PgmFormatReader *reader, PgmFormatLine *line)
{
	const char *start = reader->data + reader->pos;
	const char *eol;

	if (reader->pos >= reader->len)
		return false;
	eol = memchr(start, '\n', reader->len - reader->pos);
	line->start = start;
	line->offset = reader->pos;
	line->number = reader->number++;
	line->len = eol ? eol - start : reader->len - reader->pos;
	line->next = reader->pos + line->len + (eol ? 1 : 0);
	line->crlf = eol && line->len > 0 && start[line->len - 1] == '\r';
	if (line->len > 0 && start[line->len - 1] == '\r')
		line->len--;
	reader->pos = line->next;
	return true;
}

/* Offset of the first byte that is not valid UTF-8, or len. */
size_t
pgm_format_invalid_utf8(const char *s, size_t len)
{
	size_t		pos = 0;

	while (pos < len)
	{
		const unsigned char *p = (const unsigned char *) s + pos;
		int			width;

		if (*p < 0x80)
		{
			pos++;
			continue;
		}
		width = pg_utf_mblen(p);
		if (pos + width > len || !pg_utf8_islegal(p, width))
			return pos;
		pos += width;
	}
	return len;
}

bool
pgm_format_blank(const char *start, size_t len)
{
	for (size_t i = 0; i < len; i++)
	{
		if (strchr(" \t\r\n\f\v", start[i]) == NULL || start[i] == '\0')
			return false;
	}
	return true;
}

/*
 * Is the line a comment that begins with this marker, in any case and with
 * any blanks around the dashes?  Then rest is what follows, without blanks
 * around it; the marker must end where a word ends.
 */
bool
pgm_format_marker(const PgmFormatLine *line, const char *marker,
				  const char **rest, size_t *restlen)
{
	const char *p = line->start;
	const char *end = line->start + line->len;
	size_t		len = strlen(marker);

	while (p < end && (*p == ' ' || *p == '\t'))
		p++;
	if (end - p < 2 || p[0] != '-' || p[1] != '-')
		return false;
	p += 2;
	while (p < end && (*p == ' ' || *p == '\t'))
		p++;
	if ((size_t) (end - p) < len || pg_strncasecmp(p, marker, len) != 0)
		return false;
	p += len;
	if (p < end && len > 0 && marker[len - 1] != ':' &&
		*p != ' ' && *p != '\t')
		return false;
	while (p < end && (*p == ' ' || *p == '\t'))
		p++;
	while (end > p && (end[-1] == ' ' || end[-1] == '\t'))
		end--;
	*rest = p;
	*restlen = end - p;
	return true;
}

const char *
pgm_format_basename(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

bool
pgm_format_ends(const char *name, const char *suffix)
{
	size_t		namelen = strlen(name);
	size_t		len = strlen(suffix);

	return namelen >= len && strcmp(name + namelen - len, suffix) == 0;
}

static bool
id_char_legal(unsigned char c)
{
	return c > ' ' && c != 0x7f && strchr("@-+:,", c) == NULL;
}

/*
 * The legal id nearest to a name of another tool: what an id may not contain
 * becomes an underscore.  A name too long is cut, and told apart from others
 * that begin alike by a hash of the whole.
 */
char *
pgm_format_id(const char *name, size_t len)
{
	char	   *id;
	size_t		keep = len;

	if (len > PGM_FORMAT_ID_MAX)
	{
		uint32		hash = 2166136261U;

		for (size_t i = 0; i < len; i++)
			hash = (hash ^ (unsigned char) name[i]) * 16777619U;
		keep = PGM_FORMAT_ID_MAX - 9;
		while (keep > 0 && ((unsigned char) name[keep] & 0xC0) == 0x80)
			keep--;
		id = psprintf("%.*s_%08x", (int) keep, name, hash);
	}
	else
		id = pnstrdup(name, len);
	for (char *p = id; *p; p++)
	{
		if (!id_char_legal(*p))
			*p = '_';
	}
	return id;
}

bool
pgm_format_id_legal(const char *id)
{
	size_t		len = strlen(id);

	if (len == 0 || len > PGM_FORMAT_ID_MAX)
		return false;
	for (const char *p = id; *p; p++)
	{
		if (!id_char_legal(*p))
			return false;
	}
	return true;
}

/* The message in a file name: its words, which underscores separate. */
char *
pgm_format_words(const char *name, size_t len)
{
	char	   *words = pnstrdup(name, len);

	for (char *p = words; *p; p++)
	{
		if (*p == '_')
			*p = ' ';
	}
	return words;
}

/* A file name for a message, the reverse of the above as far as it goes. */
char *
pgm_format_slug(const char *message)
{
	StringInfoData slug;

	initStringInfo(&slug);
	for (const char *p = message; *p && slug.len < 48; p++)
	{
		char		c = pg_tolower((unsigned char) *p);

		if ((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'))
			appendStringInfoChar(&slug, c);
		else if (slug.len > 0 && slug.data[slug.len - 1] != '_')
			appendStringInfoChar(&slug, '_');
	}
	while (slug.len > 0 && slug.data[slug.len - 1] == '_')
		slug.data[--slug.len] = '\0';
	if (slug.len == 0)
		appendStringInfoString(&slug, "revision");
	return slug.data;
}

/* How many digits does the string begin with? */
size_t
pgm_format_digits(const char *s)
{
	return strspn(s, "0123456789");
}

/*
 * Compare two versions: numbers between dots, of any length; 1 equals 01 and
 * 1.0.
 */
int
pgm_format_version_cmp(const char *a, const char *b)
{
	while (*a || *b)
	{
		size_t		alen;
		size_t		blen;
		int			cmp;

		a += strspn(a, "0");
		b += strspn(b, "0");
		alen = strcspn(a, ".");
		blen = strcspn(b, ".");
		if (alen != blen)
			return alen < blen ? -1 : 1;
		cmp = strncmp(a, b, alen);
		if (cmp != 0)
			return cmp;
		a += alen + (a[alen] == '.' ? 1 : 0);
		b += blen + (b[blen] == '.' ? 1 : 0);
	}
	return 0;
}

/* qsort comparator: by version, then kind, then file. */
int
pgm_format_entry_cmp(const void *a, const void *b)
{
	const PgmFormatEntry *x = a;
	const PgmFormatEntry *y = b;
	int			cmp = pgm_format_version_cmp(x->version, y->version);

	if (cmp == 0)
		cmp = x->kind - y->kind;
	if (cmp == 0)
		cmp = x->file - y->file;
	return cmp;
}

void
pgm_format_list_add(PgmFormatList *list, char *item)
{
	if (list->items == NULL)
	{
		list->size = 4;
		list->items = palloc(list->size * sizeof(char *));
	}
	else if (list->n >= list->size)
	{
		list->size *= 2;
		list->items = repalloc(list->items, list->size * sizeof(char *));
	}
	list->items[list->n++] = item;
}

/*
 * Numbers that are not times should have no gap: a file may be missing.
 * Where steps of one are the exception, gaps are a habit.
 */
void
pgm_format_warn_of_gaps(PgmFormatContext *cx, int n,
						const PgmFormatEntry *entries)
{
	int			nsteps = 0;
	int			nones = 0;

	for (int pass = 0; pass < 2; pass++)
	{
		int			previous = -1;

		for (int i = 0; i < n; i++)
		{
			const char *version = entries[i].version;
			int			number;

			if (strlen(version) > 9 || atoi(version) > MAX_SEQUENCE)
				return;
			number = atoi(version);
			if (previous >= 0 && number != previous && pass == 0)
			{
				nsteps++;
				nones += number == previous + 1;
			}
			if (previous >= 0 && number > previous + 1 && pass == 1)
				pgm_format_warn(cx, cx->files[entries[i].file].name, 0,
								psprintf("no version between %d and %d was found",
										 previous, number));
			previous = number;
		}
		if (nones * 2 < nsteps)
			return;
	}
}

/*-------------------------------------------------------------------------
 *
 * printable.c
 *	  Texts of others as they may be shown on a terminal.
 *
 * A terminal obeys what it is sent: an escape sequence clears the screen,
 * moves the cursor or sets the title, a carriage return goes back over what is
 * shown, and a bidirectional override shows a line in another order than it
 * has.  psql shows values as they are when its output is not aligned.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "lib/stringinfo.h"
#include "mb/pg_wchar.h"

#include "base/printable.h"

/* Those that are one byte in every encoding of a server. */
static bool
is_control_byte(unsigned char c)
{
	return (c < 0x20 && c != '\n' && c != '\t') || c == 0x7F;
}

/* C1, separators of lines, and what changes the direction of writing. */
static bool
is_control_character(pg_wchar code)
{
	return (code >= 0x80 && code <= 0x9F) || code == 0x061C ||
		code == 0x2028 || code == 0x2029 ||
		(code >= 0x202A && code <= 0x202E) ||
		(code >= 0x2066 && code <= 0x2069);
}

static pg_wchar
code_of(const char *at)
{
	return utf8_to_unicode((const unsigned char *) at);
}

static char *
printable(const char *text, bool one_line)
{
	bool		utf8 = GetDatabaseEncoding() == PG_UTF8;
	StringInfoData buf;

	initStringInfo(&buf);
	for (const char *at = text; *at != '\0';)
	{
		int			length = pg_mblen(at);

		if (at[0] == '\r' && at[1] == '\n')
			;					/* the next one says it */
		else if (one_line && (*at == '\n' || *at == '\t'))
			appendStringInfoChar(&buf, ' ');
		else if (is_control_byte((unsigned char) *at))
			appendStringInfo(&buf, "\\x%02x", (unsigned char) *at);
		else if (utf8 && length > 1 && length <= 3 &&
				 is_control_character(code_of(at)))
			appendStringInfo(&buf, "\\u%04x", (unsigned int) code_of(at));
		else
			appendBinaryStringInfo(&buf, at, length);
		at += length;
	}
	return buf.data;
}

char *
pgm_printable(const char *text)
{
	return printable(text, false);
}

char *
pgm_printable_line(const char *text)
{
	return printable(text, true);
}

char *
pgm_text_cut(const char *text, int max)
{
	int			length = strlen(text);

	if (length <= max)
		return pstrdup(text);
	return psprintf("%.*s...", pg_mbcliplen(text, length, max - 3), text);
}

/* Columns of one character. */
static int
columns_of(const char *at)
{
	return Max(pg_encoding_dsplen(GetDatabaseEncoding(), at), 0);
}

int
pgm_text_columns(const char *text)
{
	int			columns = 0;

	for (; *text != '\0'; text += pg_mblen(text))
		columns += columns_of(text);
	return columns;
}

const char *
pgm_text_line_end(const char *text, int width)
{
	const char *blank = NULL;
	int			columns = 0;

	for (const char *at = text; *at != '\0'; at += pg_mblen(at))
	{
		columns += columns_of(at);
		if (columns > width && *at != ' ')
			return blank != NULL ? blank : at == text ? at + pg_mblen(at) : at;
		if (*at == ' ' && at > text && at[-1] != ' ')
			blank = at;
	}
	return NULL;
}

char *
pgm_text_lines(const char *text, int width)
{
	StringInfoData buf;

	initStringInfo(&buf);
	for (;;)
	{
		const char *next = strchr(text, '\n');
		char	   *line = next != NULL ? pnstrdup(text, next - text) :
			pstrdup(text);
		const char *end;

		while ((end = pgm_text_line_end(line, width)) != NULL)
		{
			const char *rest = end + strspn(end, " ");

			if (*rest == '\0')
				break;
			appendBinaryStringInfo(&buf, line, end - line);
			appendStringInfoChar(&buf, '\n');
			line = unconstify(char *, rest);
		}
		appendStringInfoString(&buf, line);
		if (next == NULL)
			return buf.data;
		appendStringInfoChar(&buf, '\n');
		text = next + 1;
	}
}

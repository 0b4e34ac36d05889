/*-------------------------------------------------------------------------
 *
 * copy_rows.c
 *	  COPY ... FROM STDIN with its data, as INSERT statements.
 *
 * The data of COPY needs a client that sends it.  Rewritten, every field is a
 * literal of unknown type, so it goes through the input function of its
 * column just as COPY would have it; OVERRIDING SYSTEM VALUE gives identity
 * columns what the data says, as COPY does.  Each row keeps its line, so that
 * an error's position leads back into the file.  With WHERE the rows are an
 * array of JSON, since the condition wants values with their types.
 *
 * The comment in the head says that it was COPY: what runs the revision does
 * then what COPY does about rules, views and rows that are too short.
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

#include "format/copy_rows.h"
#include "format/internal.h"
#include "sql/lexer.h"

/* Rows of one INSERT. */
#define BATCH_ROWS 500

static bool
refuse(PgmFormatContext *cx, const PgmFormatScript *script, int line,
	   char *message)
{
	return pgm_format_fail(cx, script->file, line, message, NULL,
						   pstrdup("Write the data as INSERT."));
}

static int
hex_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

/*
 * One escape of the text format; p is behind the backslash.  Returns the
 * position behind the escape.
 */
static const char *
read_escape(const char *p, const char *end, char *value, bool *numeric)
{
	static const char letters[] = "bfnrtv";
	static const char meanings[] = "\b\f\n\r\t\v";
	const char *letter;
	char		c = *p++;
	int			code = 0;

	if (c >= '0' && c <= '7')
	{
		code = c - '0';
		for (int i = 0; i < 2 && p < end && *p >= '0' && *p <= '7'; i++)
			code = code * 8 + (*p++ - '0');
		*numeric = true;
		*value = (char) (code & 0377);
	}
	else if (c == 'x' && p < end && hex_value(*p) >= 0)
	{
		for (int i = 0; i < 2 && p < end && hex_value(*p) >= 0; i++)
			code = code * 16 + hex_value(*p++);
		*numeric = true;
		*value = (char) code;
	}
	else if (c != '\0' && (letter = strchr(letters, c)) != NULL)
		*value = meanings[letter - letters];
	else
		*value = c;
	return p;
}

/*
 * A value as a literal that stays in one line, whatever the setting of
 * standard_conforming_strings.
 */
static void
append_literal(StringInfo out, const char *value, size_t len)
{
	bool		escapes = false;

	for (size_t i = 0; i < len && !escapes; i++)
		escapes = value[i] == '\\' || value[i] == '\n' || value[i] == '\r';
	appendStringInfoString(out, escapes ? "E'" : "'");
	for (size_t i = 0; i < len; i++)
	{
		char		c = value[i];

		if (c == '\n')
			appendStringInfoString(out, "\\n");
		else if (c == '\r')
			appendStringInfoString(out, "\\r");
		else
		{
			if (c == '\'' || c == '\\')
				appendStringInfoChar(out, c);
			appendStringInfoChar(out, c);
		}
	}
	appendStringInfoChar(out, '\'');
}

/* A string of JSON within a literal that begins with E. */
static void
append_json_string(StringInfo out, const char *value, size_t len)
{
	appendStringInfoChar(out, '"');
	for (size_t i = 0; i < len; i++)
	{
		unsigned char c = value[i];

		if (c < 0x20)
			appendStringInfo(out, "\\\\u%04x", c);
		else if (c == '\\')
			appendStringInfoString(out, "\\\\\\\\");
		else if (c == '"')
			appendStringInfoString(out, "\\\\\"");
		else if (c == '\'')
			appendStringInfoString(out, "''");
		else
			appendStringInfoChar(out, c);
	}
	appendStringInfoChar(out, '"');
}

/*
 * The value of the column with number n, NULL if value is.  What a row has
 * too much is told at its end.
 */
static void
append_value(StringInfo out, const PgmCopyTarget *target, int n,
			 const char *value, size_t len)
{
	bool		json = target->condition != NULL && n < target->columns.n;

	if (json)
	{
		const char *name = target->columns.items[n];

		append_json_string(out, name, strlen(name));
		appendStringInfoString(out, ": ");
	}
	if (value == NULL)
		appendStringInfoString(out, json ? "null" : "NULL");
	else if (json)
		append_json_string(out, value, len);
	else
		append_literal(out, value, len);
}

/*
 * One field, from start to end without its delimiter.
 */
static bool
append_field(PgmFormatContext *cx, const PgmFormatScript *script, int line,
			 const PgmCopyTarget *target, int n, StringInfo value,
			 StringInfo out)
{
	/* value holds the raw field; it shrinks in place */
	const char *p = value->data;
	const char *end = p + value->len;
	char	   *to = value->data;
	bool numeric = false;

	if (strcmp(p, target->null) == 0)
	{
		append_value(out, target, n, NULL, 0);
		return true;
	}
	while (p < end)
	{
		char		c = *p++;

		if (c == '\r')
			return refuse(cx, script, line,
						  psprintf("literal carriage return in the data of COPY"));
		if (c == '\\')
		{
			if (p == end)
				return refuse(cx, script, line,
							  psprintf("backslash at the end of a row in the data of COPY"));
			p = read_escape(p, end, &c, &numeric);
		}
		*to++ = c;
	}
	if (numeric)
	{
		size_t		len = to - value->data;

		if (memchr(value->data, '\0', len) != NULL ||
			(cx->options->utf8 &&
			 pgm_format_invalid_utf8(value->data, len) < len))
			return refuse(cx, script, line,
						  psprintf("escape in the data of COPY makes no valid text"));
	}
	append_value(out, target, n, value->data, to - value->data);
	return true;
}

/* Is the column with this number, from 0, one that the option is for? */
static bool
is_forced(const PgmCopyTarget *target, bool all, const PgmFormatList *columns,
		  int n)
{
	for (int i = 0; i < columns->n && !all && n < target->columns.n; i++)
		all = strcmp(columns->items[i], target->columns.items[n]) == 0;
	return all;
}

/*
 * The same for the CSV format.  Returns the end of the field, NULL if an error
 * was recorded.
 */
static const char *
append_csv_field(PgmFormatContext *cx, const PgmFormatScript *script, int line,
				 const char *p, const char *end, const PgmCopyTarget *target,
				 int n, StringInfo value, StringInfo out)
{
	bool		quoted = false;
	bool		inside = false;
	bool		null;

	resetStringInfo(value);
	for (; p < end && (inside || *p != target->delimiter); p++)
	{
		if (inside && *p == target->escape && p + 1 < end &&
			(p[1] == target->escape || p[1] == target->quote))
			appendStringInfoChar(value, *++p);
		else if (*p == target->quote)
		{
			inside = !inside;
			quoted = true;
		}
		else if (*p == '\r' && !inside)
		{
			(void) refuse(cx, script, line,
						  psprintf("literal carriage return in the data of COPY"));
			return NULL;
		}
		else
			appendStringInfoChar(value, *p);
	}
	if (inside)
	{
		(void) refuse(cx, script, line,
					  psprintf("quoted field is not ended in the data of COPY"));
		return NULL;
	}
	null = strcmp(value->data, target->null) == 0;
	if (quoted)
		null = null && is_forced(target, target->all_null,
								 &target->force_null, n);
	else
		null = null && !is_forced(target, target->all_not_null,
								  &target->not_null, n);
	append_value(out, target, n, null ? NULL : value->data, value->len);
	return p;
}

/*
 * The end of the row at p in the CSV format: the first newline outside of
 * quotes, as COPY itself looks for it.
 */
static const char *
end_of_csv_row(const PgmCopyTarget *target, const char *p, const char *end,
			   int *ninner)
{
	bool		inside = false;
	bool		escaped = false;

	*ninner = 0;
	for (; p < end && (inside || *p != '\n'); p++)
	{
		bool		escape = inside && target->escape != target->quote &&
			*p == target->escape;

		if (*p == '\n')
			(*ninner)++;
		else if (*p == target->quote && !escaped)
			inside = !inside;
		escaped = escape && !escaped;
	}
	return p;
}

/*
 * The end of the row at p: the first newline without a backslash before it.
 */
static const char *
end_of_row(const char *p, const char *end, int *ninner)
{
	*ninner = 0;
	for (; p < end && *p != '\n'; p++)
	{
		if (*p == '\\' && p + 1 < end)
		{
			p++;
			if (*p == '\n')
				(*ninner)++;
		}
	}
	return p;
}

/*
 * One row as "(...)".  Every row must have as many fields as the first, or as
 * there are columns: the server's message could not name the line.
 */
static bool
append_row(PgmFormatContext *cx, const PgmFormatScript *script, int line,
		   const char *p, const char *end, PgmCopyTarget *target,
		   StringInfo out)
{
	StringInfoData field;
	int			nfields = 0;

	initStringInfo(&field);
	appendStringInfoChar(out, target->condition == NULL ? '(' : '{');
	for (;;)
	{
		if (nfields++ > 0)
			appendStringInfoString(out, ", ");
		if (target->csv)
		{
			p = append_csv_field(cx, script, line, p, end, target,
								 nfields - 1, &field, out);
			if (p == NULL)
				return false;
		}
		else
		{
			const char *start = p;

			for (; p < end && *p != target->delimiter; p++)
			{
				if (*p == '\\' && p + 1 < end)
					p++;
			}
			resetStringInfo(&field);
			appendBinaryStringInfo(&field, start, p - start);
			if (!append_field(cx, script, line, target, nfields - 1, &field,
							  out))
				return false;
		}
		if (p >= end)
			break;
		p++;
	}
	pfree(field.data);
	appendStringInfoChar(out, target->condition == NULL ? ')' : '}');
	if (target->ncolumns == 0)
		target->ncolumns = nfields;
	if (nfields != target->ncolumns)
		return pgm_format_fail(cx, script->file, line,
							   psprintf("row of COPY has %d fields instead of %d",
										nfields, target->ncolumns),
							   NULL, NULL);
	return true;
}

/* Is the row ASCII, where its encoding is not that of the file? */
static bool
check_encoding(PgmFormatContext *cx, const PgmFormatScript *script, int line,
			   const char *p, const char *end)
{
	for (; p < end; p++)
	{
		line += *p == '\n';
		if (IS_HIGHBIT_SET(*p))
			return pgm_format_fail(cx, script->file, line,
								   psprintf("row of COPY has characters that are not ASCII, and another encoding than the file"),
								   NULL,
								   pstrdup("Save the file in the encoding of the database, and leave out the option ENCODING."));
	}
	return true;
}

bool
pgm_format_copy(PgmFormatContext *cx, const PgmFormatScript *script,
				const PgmSqlItem *item, StringInfo out)
{
	PgmCopyTarget target;
	const char *p = script->data + item->data;
	const char *end = script->data + item->data_end;
	const char *eol = memchr(p, '\n', end - p);
	bool		crlf = eol != NULL && eol > p && eol[-1] == '\r';
	int			line = item->data_line;
	int			nrows = 0;
	int			batch_start = 0;
	int			ninner;
	bool		header;
	const char *tail;

	if (!pgm_format_copy_target(cx, script, item, &target))
		return false;
	if (target.ascii && !check_encoding(cx, script, line, p, end))
		return false;
	tail = target.condition == NULL ? "" : target.condition;

	for (header = target.header; p < end; p = eol + 1)
	{
		const char *row_end;

		eol = target.csv ? end_of_csv_row(&target, p, end, &ninner) :
			end_of_row(p, end, &ninner);
		if (header)
		{
			header = false;
			target.nnewlines += 1 + ninner;
			line += 1 + ninner;
			continue;
		}
		row_end = eol - (crlf && eol > p && eol[-1] == '\r' ? 1 : 0);

		/* the size rule keeps many long heads from swelling the text */
		if (nrows == 0)
		{
			appendBinaryStringInfo(out, target.head.data, target.head.len);
			for (int i = 0; i < target.nnewlines; i++)
				appendStringInfoChar(out, '\n');
			appendStringInfoChar(out, '\n');
			batch_start = out->len;
		}
		else if (nrows % BATCH_ROWS == 0 &&
				 out->len - batch_start > target.head.len)
		{
			appendStringInfoString(out, tail);
			appendStringInfoString(out, ";\n");
			batch_start = out->len;
			appendBinaryStringInfo(out, target.head.data, target.head.len);
			appendStringInfoChar(out, ' ');
		}
		else
			appendStringInfoString(out, ",\n");
		if (!append_row(cx, script, line, p, row_end, &target, out))
			return false;
		for (int i = 0; i < ninner; i++)
			appendStringInfoChar(out, '\n');
		line += 1 + ninner;
		nrows++;
	}
	if (nrows > 0)
	{
		appendStringInfoString(out, tail);
		appendStringInfoChar(out, ';');
	}
	else
		for (int i = 0; i < target.nnewlines; i++)
			appendStringInfoChar(out, '\n');
	appendStringInfoChar(out, '\n');
	pfree(target.head.data);
	return true;
}

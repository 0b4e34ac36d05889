/*-------------------------------------------------------------------------
 *
 * format_copy.c
 *	  COPY ... FROM STDIN with its data, as INSERT statements.
 *
 * The data of COPY needs a client that sends it.  Rewritten, every field is a
 * literal of unknown type, so it goes through the input function of its
 * column just as COPY would have it; OVERRIDING SYSTEM VALUE gives identity
 * columns what the data says, as COPY does.  Each row keeps its line, so that
 * an error's position leads back into the file.
 *
 * Copyright (c) 2026, pgmigrate developers
 *
 * IDENTIFICATION
 *	  src/format_copy.c
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

#include "format_impl.h"
#include "sqlscan.h"

/* Rows of one INSERT. */
#define BATCH_ROWS 500

typedef struct CopyTarget
{
	StringInfoData head;		/* INSERT INTO t (a, b) ... VALUES */
	int			ncolumns;		/* 0: not known before the first row */
	int			nnewlines;		/* of the COPY statement, that head has not */
} CopyTarget;

static bool
refuse(PgmFormatContext *cx, const PgmFormatScript *script, int line,
	   char *message)
{
	return pgm_format_fail(cx, script->file, line, message, NULL,
						   pstrdup("Only the text format with its defaults is read.  Write the data as INSERT."));
}

/*
 * Options after FROM STDIN: none, or the text format by name.
 */
static bool
read_options(PgmFormatContext *cx, const PgmFormatScript *script,
			 PgmSqlLexer *lexer)
{
	PgmSqlToken token;
	bool		format = false;

	pgm_sqlscan_significant(lexer, &token);
	if (pgm_sqlscan_is_word(lexer, &token, "with"))
		pgm_sqlscan_significant(lexer, &token);
	if (pgm_sqlscan_is_symbol(lexer, &token, '('))
	{
		pgm_sqlscan_significant(lexer, &token);
		if (pgm_sqlscan_is_word(lexer, &token, "format"))
		{
			pgm_sqlscan_significant(lexer, &token);
			if (token.kind == PGM_SQL_STRING &&
				token.end - token.start == 6 &&
				memcmp(lexer->input + token.start, "'text'", 6) == 0)
				format = true;
			else
				format = pgm_sqlscan_is_word(lexer, &token, "text");
			pgm_sqlscan_significant(lexer, &token);
		}
		if (!format || !pgm_sqlscan_is_symbol(lexer, &token, ')'))
			return refuse(cx, script, token.line,
						  psprintf("option of COPY is not supported"));
		pgm_sqlscan_significant(lexer, &token);
	}
	if (!pgm_sqlscan_is_symbol(lexer, &token, ';'))
		return refuse(cx, script, token.line,
					  psprintf("option of COPY is not supported"));
	return true;
}

/*
 * Read "COPY name (columns) FROM STDIN" and make the head of the INSERT, in
 * one line and without comments: a second batch begins in the line of a row.
 */
static bool
read_target(PgmFormatContext *cx, const PgmFormatScript *script,
			const PgmSqlItem *item, CopyTarget *target)
{
	PgmSqlLexer lexer;
	PgmSqlToken token;
	size_t		end = 0;

	memset(target, 0, sizeof(*target));
	initStringInfo(&target->head);
	appendStringInfoString(&target->head, "INSERT INTO");
	pgm_sqlscan_lexer(&lexer, script->data + item->body,
					  item->body_end - item->body, item->line);
	pgm_sqlscan_significant(&lexer, &token);	/* COPY */
	pgm_sqlscan_significant(&lexer, &token);
	if ((token.kind != PGM_SQL_WORD && token.kind != PGM_SQL_NAME) ||
		pgm_sqlscan_is_word(&lexer, &token, "binary"))
		return refuse(cx, script, token.line,
					  psprintf("COPY without a table name"));

	while (!pgm_sqlscan_is_word(&lexer, &token, "from"))
	{
		if (token.kind == PGM_SQL_END)
			return refuse(cx, script, item->line,
						  psprintf("COPY without FROM STDIN"));
		if (pgm_sqlscan_is_symbol(&lexer, &token, '('))
			target->ncolumns = 1;
		else if (pgm_sqlscan_is_symbol(&lexer, &token, ','))
			target->ncolumns++;
		if (end != token.start)
			appendStringInfoChar(&target->head, ' ');
		appendBinaryStringInfo(&target->head, lexer.input + token.start,
							   token.end - token.start);
		end = token.end;
		pgm_sqlscan_significant(&lexer, &token);
	}
	pgm_sqlscan_significant(&lexer, &token);	/* STDIN */
	if (!pgm_sqlscan_is_word(&lexer, &token, "stdin"))
		return refuse(cx, script, token.line,
					  psprintf("COPY without FROM STDIN"));
	if (!read_options(cx, script, &lexer))
		return false;
	appendStringInfoString(&target->head, " OVERRIDING SYSTEM VALUE VALUES");

	for (size_t i = item->body; i < item->body_end; i++)
		target->nnewlines += script->data[i] == '\n';
	for (const char *p = target->head.data; *p; p++)
		target->nnewlines -= *p == '\n';
	return true;
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

/*
 * One field, from start to end without its delimiter.
 */
static bool
append_field(PgmFormatContext *cx, const PgmFormatScript *script, int line,
			 StringInfo value, StringInfo out)
{
	/* value holds the raw field; it shrinks in place */
	const char *p = value->data;
	const char *end = p + value->len;
	char	   *to = value->data;
	bool numeric = false;

	if (value->len == 2 && p[0] == '\\' && p[1] == 'N')
	{
		appendStringInfoString(out, "NULL");
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
	append_literal(out, value->data, to - value->data);
	return true;
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
		   const char *p, const char *end, CopyTarget *target,
		   StringInfo out)
{
	StringInfoData field;
	int			nfields = 0;

	initStringInfo(&field);
	appendStringInfoChar(out, '(');
	for (;;)
	{
		const char *start = p;

		for (; p < end && *p != '\t'; p++)
		{
			if (*p == '\\' && p + 1 < end)
				p++;
		}
		resetStringInfo(&field);
		appendBinaryStringInfo(&field, start, p - start);
		if (nfields++ > 0)
			appendStringInfoString(out, ", ");
		if (!append_field(cx, script, line, &field, out))
			return false;
		if (p >= end)
			break;
		p++;
	}
	pfree(field.data);
	appendStringInfoChar(out, ')');
	if (target->ncolumns == 0)
		target->ncolumns = nfields;
	if (nfields != target->ncolumns)
		return pgm_format_fail(cx, script->file, line,
							   psprintf("row of COPY has %d fields instead of %d",
										nfields, target->ncolumns),
							   NULL, NULL);
	return true;
}

bool
pgm_format_copy(PgmFormatContext *cx, const PgmFormatScript *script,
				const PgmSqlItem *item, StringInfo out)
{
	CopyTarget	target;
	const char *p = script->data + item->data;
	const char *end = script->data + item->data_end;
	const char *eol = memchr(p, '\n', end - p);
	bool		crlf = eol != NULL && eol > p && eol[-1] == '\r';
	int			line = item->data_line;
	int			nrows = 0;
	int			batch_start = 0;
	int			ninner;

	if (!read_target(cx, script, item, &target))
		return false;

	for (; p < end; p = eol + 1)
	{
		const char *row_end;

		eol = end_of_row(p, end, &ninner);
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
		appendStringInfoChar(out, ';');
	else
		for (int i = 0; i < target.nnewlines; i++)
			appendStringInfoChar(out, '\n');
	appendStringInfoChar(out, '\n');
	pfree(target.head.data);
	return true;
}

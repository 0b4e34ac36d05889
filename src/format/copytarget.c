/*-------------------------------------------------------------------------
 *
 * copytarget.c
 *	  The statement COPY ... FROM STDIN of a file: table, columns, options.
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

/* The COPY statement as it is being read; token is the next one. */
typedef struct CopyReader
{
	PgmFormatContext *cx;
	const PgmFormatScript *script;
	PgmSqlLexer lexer;
	PgmSqlToken token;
} CopyReader;

static bool
refuse(PgmFormatContext *cx, const PgmFormatScript *script, int line,
	   char *message)
{
	return pgm_format_fail(cx, script->file, line, message, NULL,
						   pstrdup("Write the data as INSERT."));
}

static void
advance(CopyReader *reader)
{
	pgm_sqlscan_significant(&reader->lexer, &reader->token);
}

/* Is the next token this word?  Then go behind it. */
static bool
accept_word(CopyReader *reader, const char *word)
{
	if (!pgm_sqlscan_is_word(&reader->lexer, &reader->token, word))
		return false;
	advance(reader);
	return true;
}

static bool
accept_symbol(CopyReader *reader, char symbol)
{
	if (!pgm_sqlscan_is_symbol(&reader->lexer, &reader->token, symbol))
		return false;
	advance(reader);
	return true;
}

/* A name as the server folds it. */
static bool
read_name(CopyReader *reader, char **name)
{
	const PgmSqlToken *token = &reader->token;
	const char *p = reader->lexer.input + token->start;
	const char *end = reader->lexer.input + token->end;
	char	   *to;

	*name = to = palloc(end - p + 1);
	if (token->kind == PGM_SQL_WORD)
	{
		for (; p < end; p++)
			*to++ = pg_ascii_tolower((unsigned char) *p);
	}
	else if (token->kind == PGM_SQL_NAME && *p == '"')
	{
		for (p++; p < end - 1; p++)
		{
			*to++ = *p;
			p += *p == '"';
		}
	}
	else
		return false;
	*to = '\0';
	advance(reader);
	return true;
}

/* The value of a literal, as far as options of COPY have a use for it. */
static bool
read_string(CopyReader *reader, char **value)
{
	static const char letters[] = "bfnrtv\\'";
	static const char meanings[] = "\b\f\n\r\t\v\\'";
	const PgmSqlToken *token = &reader->token;
	const char *p = reader->lexer.input + token->start;
	const char *end = reader->lexer.input + token->end - 1;
	bool		escapes = *p == 'E' || *p == 'e';
	char	   *to;

	p += escapes;
	if (token->kind != PGM_SQL_STRING || *p != '\'')
		return false;
	*value = to = palloc(end - p + 1);
	for (p++; p < end; p++)
	{
		if (*p == '\'')
			p++;
		else if (*p == '\\' && escapes)
		{
			const char *letter = strchr(letters, *++p);

			if (letter == NULL)
				return false;
			*to++ = meanings[letter - letters];
			continue;
		}
		*to++ = *p;
	}
	*to = '\0';
	advance(reader);
	return true;
}

/* An option of one byte that rows can be taken apart by. */
static bool
read_byte(CopyReader *reader, char *byte)
{
	char	   *value;

	if (!read_string(reader, &value) || strlen(value) != 1 ||
		*value == '\n' || *value == '\r')
		return false;
	*byte = *value;
	return true;
}

/* Columns in parentheses, or as the old syntax has them, without. */
static bool
read_columns(CopyReader *reader, bool *all, PgmFormatList *columns)
{
	bool		paren;
	char	   *name;

	if (accept_symbol(reader, '*'))
	{
		*all = true;
		return true;
	}
	paren = accept_symbol(reader, '(');
	do
	{
		if (!read_name(reader, &name))
			return false;
		pgm_format_list_add(columns, name);
	} while (accept_symbol(reader, ','));
	return !paren || accept_symbol(reader, ')');
}

/* A boolean, which may be missing. */
static bool
read_boolean(CopyReader *reader, bool *value)
{
	static const char *const names[] = {"true", "on", "1", "false", "off", "0"};
	const PgmSqlToken *token = &reader->token;
	const char *start = reader->lexer.input + token->start;
	size_t		len = token->end - token->start;

	*value = true;
	if (token->kind == PGM_SQL_SYMBOL)
		return true;
	if (token->kind == PGM_SQL_STRING && len > 2)
	{
		start++;
		len -= 2;
	}
	for (int i = 0; i < lengthof(names); i++)
	{
		if (strlen(names[i]) != len ||
			pg_strncasecmp(names[i], start, len) != 0)
			continue;
		*value = i < 3;
		advance(reader);
		return true;
	}
	return false;
}

/*
 * The text has the encoding of the database.  Rows that are ASCII are the same
 * in all encodings.
 */
static bool
read_encoding(CopyReader *reader, PgmCopyTarget *target)
{
	char	   *value;
	int			encoding;

	if (!read_string(reader, &value))
		return false;
	encoding = pg_char_to_encoding(value);
	target->ascii = encoding != PG_UTF8 && encoding != PG_SQL_ASCII;
	return encoding >= 0;
}

/*
 * An option that both syntaxes have under a name, behind that and AS.
 */
static bool
read_value(CopyReader *reader, PgmCopyTarget *target, const char *name)
{
	if (strcmp(name, "delimiter") == 0)
		return read_byte(reader, &target->delimiter);
	if (strcmp(name, "quote") == 0)
		return read_byte(reader, &target->quote);
	if (strcmp(name, "escape") == 0)
		return read_byte(reader, &target->escape);
	if (strcmp(name, "null") == 0)
		return read_string(reader, &target->null) &&
			strpbrk(target->null, "\r\n") == NULL;
	if (strcmp(name, "encoding") == 0)
		return read_encoding(reader, target);
	return false;
}

/* An option within the parentheses. */
static bool
read_option(CopyReader *reader, PgmCopyTarget *target)
{
	char	   *name;
	bool		ignored;

	if (!read_name(reader, &name))
		return false;
	if (strcmp(name, "format") == 0)
	{
		char	   *format;

		if (!read_string(reader, &format) && !read_name(reader, &format))
			return false;
		target->csv = strcmp(format, "csv") == 0;
		return target->csv || strcmp(format, "text") == 0;
	}
	if (strcmp(name, "header") == 0)
		return read_boolean(reader, &target->header);
	if (strcmp(name, "freeze") == 0)	/* makes no difference to the rows */
		return read_boolean(reader, &ignored);
	if (strcmp(name, "force_not_null") == 0)
		return read_columns(reader, &target->all_not_null, &target->not_null);
	if (strcmp(name, "force_null") == 0)
		return read_columns(reader, &target->all_null, &target->force_null);
	return read_value(reader, target, name);
}

/* An option of the syntax of old. */
static bool
read_old_option(CopyReader *reader, PgmCopyTarget *target)
{
	char	   *name;

	if (!read_name(reader, &name))
		return false;
	if (strcmp(name, "csv") == 0)
		return target->csv = true;
	if (strcmp(name, "header") == 0)
		return target->header = true;
	if (strcmp(name, "freeze") == 0)
		return true;
	if (strcmp(name, "force") == 0)
	{
		if (accept_word(reader, "not"))
			return accept_word(reader, "null") &&
				read_columns(reader, &target->all_not_null,
							 &target->not_null);
		return accept_word(reader, "null") &&
			read_columns(reader, &target->all_null, &target->force_null);
	}
	(void) accept_word(reader, "as");
	return read_value(reader, target, name);
}

/* Are these among the named columns?  Without names nobody can tell here. */
static bool
are_columns(const PgmCopyTarget *target, const PgmFormatList *columns)
{
	for (int i = 0; i < columns->n; i++)
	{
		bool		found = false;

		for (int j = 0; j < target->columns.n && !found; j++)
			found = strcmp(target->columns.items[j], columns->items[i]) == 0;
		if (!found)
			return false;
	}
	return true;
}

/*
 * Do the options go together?  Set what is not given.
 */
static bool
complete_options(PgmCopyTarget *target)
{
	if (!target->csv &&
		(target->quote != '\0' || target->escape != '\0' ||
		 target->all_not_null || target->all_null ||
		 target->not_null.n + target->force_null.n > 0 ||
		 (target->delimiter != '\0' &&
		  strchr("\\.abcdefghijklmnopqrstuvwxyz0123456789",
				 target->delimiter) != NULL)))
		return false;
	if (target->delimiter == '\0')
		target->delimiter = target->csv ? ',' : '\t';
	if (target->quote == '\0')
		target->quote = '"';
	if (target->escape == '\0')
		target->escape = target->quote;
	if (target->null == NULL)
		target->null = pstrdup(target->csv ? "" : "\\N");
	return strchr(target->null, target->delimiter) == NULL &&
		(!target->csv || (target->delimiter != target->quote &&
						  strchr(target->null, target->quote) == NULL)) &&
		are_columns(target, &target->not_null) &&
		are_columns(target, &target->force_null);
}

/* WHERE and what follows, in one line and without comments. */
static void
read_condition(CopyReader *reader, PgmCopyTarget *target)
{
	StringInfoData text;
	const PgmSqlToken *token = &reader->token;
	size_t		end = token->start;

	initStringInfo(&text);
	while (token->kind != PGM_SQL_END &&
		   !pgm_sqlscan_is_symbol(&reader->lexer, token, ';'))
	{
		if (end != token->start)
			appendStringInfoChar(&text, ' ');
		appendBinaryStringInfo(&text, reader->lexer.input + token->start,
							   token->end - token->start);
		end = token->end;
		advance(reader);
	}
	target->condition = text.data;
}

/*
 * What stands after FROM STDIN, to the semicolon.
 */
static bool
read_options(CopyReader *reader, PgmCopyTarget *target)
{
	int			line = reader->token.line;
	bool		ok = !accept_word(reader, "using") ||
		(accept_word(reader, "delimiters") &&
		 read_byte(reader, &target->delimiter));

	(void) accept_word(reader, "with");
	if (ok && accept_symbol(reader, '('))
	{
		do
		{
			line = reader->token.line;
			ok = read_option(reader, target);
		} while (ok && accept_symbol(reader, ','));
		ok = ok && accept_symbol(reader, ')');
	}
	else
	{
		while (ok &&
			   !pgm_sqlscan_is_word(&reader->lexer, &reader->token, "where") &&
			   !pgm_sqlscan_is_symbol(&reader->lexer, &reader->token, ';'))
		{
			line = reader->token.line;
			ok = read_old_option(reader, target);
		}
	}
	if (ok && pgm_sqlscan_is_word(&reader->lexer, &reader->token, "where"))
		read_condition(reader, target);
	if (!ok || !pgm_sqlscan_is_symbol(&reader->lexer, &reader->token, ';') ||
		!complete_options(target))
		return refuse(reader->cx, reader->script, line,
					  psprintf("option of COPY is not supported"));
	return true;
}

/*
 * A condition is about values that have the types of their columns, as
 * literals in VALUES have not: the rows become JSON, of which each string goes
 * through the input function of its column.  Columns that are not listed
 * cannot be asked for, since COPY would know their defaults.
 *
 * In the head, "alias" is where the last part of the table's name begins, and
 * "columns" where the parenthesis behind it opens.
 */
static void
add_condition(PgmCopyTarget *target, size_t columns, size_t alias)
{
	size_t		table = strlen(PGM_COPY_HEAD) + 1;
	size_t		end = columns;
	char	   *head = pstrdup(target->head.data);

	if (head[end - 1] == ' ')
		end--;
	appendStringInfo(&target->head,
					 " OVERRIDING SYSTEM VALUE SELECT * FROM"
					 " (SELECT %.*s FROM json_populate_recordset(NULL::%.*s, E'[",
					 (int) strlen(head + columns) - 2, head + columns + 1,
					 (int) (end - table), head + table);
	target->condition = psprintf("]')) AS %.*s %s",
								 (int) (end - alias), head + alias,
								 target->condition);
	pfree(head);
}

/*
 * Read "COPY name (columns) FROM STDIN" and make the head of the INSERT, in
 * one line and without comments but for ours: a second batch begins in the
 * line of a row.
 */
bool
pgm_format_copy_target(PgmFormatContext *cx, const PgmFormatScript *script,
					   const PgmSqlItem *item, PgmCopyTarget *target)
{
	CopyReader	reader;
	const PgmSqlToken *token = &reader.token;
	size_t		end = 0;
	size_t		alias = 0;
	size_t		columns = 0;

	memset(&reader, 0, sizeof(reader));
	reader.cx = cx;
	reader.script = script;
	memset(target, 0, sizeof(*target));
	initStringInfo(&target->head);
	appendStringInfoString(&target->head, PGM_COPY_HEAD);
	pgm_sqlscan_lexer(&reader.lexer, script->data + item->body,
					  item->body_end - item->body, item->line);
	advance(&reader);			/* COPY */
	advance(&reader);
	if ((token->kind != PGM_SQL_WORD && token->kind != PGM_SQL_NAME) ||
		pgm_sqlscan_is_word(&reader.lexer, token, "binary"))
		return refuse(cx, script, token->line,
					  psprintf("COPY without a table name"));

	while (!pgm_sqlscan_is_word(&reader.lexer, token, "from"))
	{
		char	   *name;

		if (token->kind == PGM_SQL_END)
			return refuse(cx, script, item->line,
						  psprintf("COPY without FROM STDIN"));
		if (end != token->start)
			appendStringInfoChar(&target->head, ' ');
		appendBinaryStringInfo(&target->head,
							   reader.lexer.input + token->start,
							   token->end - token->start);
		end = token->end;
		if (pgm_sqlscan_is_symbol(&reader.lexer, token, '('))
		{
			target->ncolumns = 1;
			columns = target->head.len - 1;
		}
		else if (target->ncolumns == 0)
			alias = target->head.len - (token->end - token->start);
		else if (pgm_sqlscan_is_symbol(&reader.lexer, token, ','))
			target->ncolumns++;
		else if (read_name(&reader, &name))
		{
			pgm_format_list_add(&target->columns, name);
			continue;
		}
		advance(&reader);
	}
	advance(&reader);			/* FROM */
	if (!accept_word(&reader, "stdin"))
		return refuse(cx, script, token->line,
					  psprintf("COPY without FROM STDIN"));
	if (!read_options(&reader, target))
		return false;
	if (target->condition == NULL)
		appendStringInfoString(&target->head, " OVERRIDING SYSTEM VALUE VALUES");
	else if (columns > 0)
		add_condition(target, columns, alias);
	else
		return pgm_format_fail(cx, script->file, item->line,
							   psprintf("WHERE of COPY without a list of columns is not supported"),
							   NULL, pstrdup("Name the columns."));

	for (size_t i = item->body; i < item->body_end; i++)
		target->nnewlines += script->data[i] == '\n';
	for (const char *p = target->head.data; *p; p++)
		target->nnewlines -= *p == '\n';
	return true;
}

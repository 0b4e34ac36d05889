/*-------------------------------------------------------------------------
 *
 * lexer.c
 *	  Lexical scanning of SQL scripts: tokens, and a script's statements.
 *
 * The token rules are those of the server's scan.l, the statement rules those
 * of psql: a semicolon ends a statement outside of parentheses and outside of
 * the BEGIN ATOMIC ... END body of a function.  Unlike psql this refuses what
 * cannot be meant: an unclosed quote, comment, parenthesis or data block is an
 * error with the line where it begins, not a statement that swallows the rest.
 *
 *-------------------------------------------------------------------------
 */
#ifndef FRONTEND
#include "postgres.h"
#else
#include "postgres_fe.h"
#endif

#include "sql/lexer.h"

/* What the splitter must know of the statement it is in. */
typedef struct StatementState
{
	int			nwords;
	bool		is_copy;		/* first word is COPY */
	bool		copy_from;		/* last word was FROM */
	bool		copy_stdin;		/* FROM STDIN was seen */
	int			routine;		/* words of CREATE OR REPLACE seen, or -1 */
	bool		is_routine;		/* all of them were */
	int			begin_depth;	/* BEGIN ATOMIC and CASE without END */
	int			begin_line;
	int			paren_depth;
	int			paren_line;
	int			bracket_depth;
	PgmSqlToken previous;		/* last significant token */
} StatementState;

static inline bool
is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f' ||
		c == '\v';
}

static inline bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static inline bool
is_name_start(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' ||
		(unsigned char) c >= 0x80;
}

/* Byte at pos, or NUL behind the end, which no text contains. */
static inline char
byte_at(const PgmSqlLexer *lexer, size_t pos)
{
	return pos < lexer->len ? lexer->input[pos] : '\0';
}

void
pgm_sqlscan_lexer(PgmSqlLexer *lexer, const char *text, size_t len, int line)
{
	lexer->input = text;

	lexer->len = len;
	lexer->pos = 0;
	lexer->line = line;
}

/*
 * Position after the end of a nested comment, or 0.
 */
static size_t
end_of_comment(const PgmSqlLexer *lexer, size_t pos)
{
	int			depth = 1;

	pos += 2;
	while (pos + 1 < lexer->len)
	{
		const char *p = lexer->input + pos;

		if (p[0] == '/' && p[1] == '*')
		{
			depth++;
			pos += 2;
		}
		else if (p[0] == '*' && p[1] == '/')
		{
			pos += 2;
			if (--depth == 0)
				return pos;
		}
		else
			pos++;
	}
	return 0;
}

/*
 * If a literal that was closed before pos goes on in a later line, as the
 * standard has it, the position of the quote where it does; else 0.
 */
static size_t
continuation_quote(const PgmSqlLexer *lexer, size_t pos)
{
	bool		newline = false;

	for (;;)
	{
		char		c = byte_at(lexer, pos);

		if (is_space(c))
		{
			if (c == '\n' || c == '\r')
				newline = true;
			pos++;
		}
		else if (c == '-' && byte_at(lexer, pos + 1) == '-')
		{
			const char *eol = memchr(lexer->input + pos, '\n',
									 lexer->len - pos);

			if (eol == NULL)
				return 0;
			pos = eol - lexer->input;
		}
		else
			return c == '\'' && newline ? pos : 0;
	}
}

/*
 * Position after the end of what begins with a quote at pos, or 0.  In a
 * string with escapes, continuation segments have escapes too, although
 * nothing announces it there.
 */
static size_t
end_of_quoted(const PgmSqlLexer *lexer, size_t pos, char quote, bool escapes)
{
	size_t		next;

	pos++;
	while (pos < lexer->len)
	{
		char		c = lexer->input[pos];

		if (c == quote)
		{
			if (byte_at(lexer, pos + 1) == quote)
				pos += 2;
			else if (escapes &&
					 (next = continuation_quote(lexer, pos + 1)) != 0)
				pos = next + 1;
			else
				return pos + 1;
		}
		else if (c == '\\' && escapes)
			pos += 2;
		else
			pos++;
	}
	return 0;
}

/*
 * If pos begins the opening tag of a dollar quote, the tag's length; else 0.
 */
static size_t
dollar_tag_length(const PgmSqlLexer *lexer, size_t pos)
{
	size_t		end = pos + 1;

	if (is_name_start(byte_at(lexer, end)))
	{
		do
			end++;
		while (is_name_start(byte_at(lexer, end)) ||
			   is_digit(byte_at(lexer, end)));
	}
	return byte_at(lexer, end) == '$' ? end + 1 - pos : 0;
}

/*
 * Position after the end of a dollar quote, or 0.  A tag has no dollar sign
 * inside, so a comparison never reads past the next one and the search is
 * linear.
 */
static size_t
end_of_dollar(const PgmSqlLexer *lexer, size_t pos, size_t taglen)
{
	const char *tag = lexer->input + pos;
	const char *end = lexer->input + lexer->len;
	const char *p = tag + taglen;

	while ((p = memchr(p, '$', end - p)) != NULL)
	{
		if ((size_t) (end - p) < taglen)
			return 0;
		if (memcmp(p, tag, taglen) == 0)
			return p + taglen - lexer->input;
		p++;
	}
	return 0;
}

/*
 * Kind and end of the token at the lexer's position, which is not the end of
 * the text.  A token without end has end 0.
 */
static void
scan_token(const PgmSqlLexer *lexer, PgmSqlToken *token)
{
	size_t		pos = token->start;
	char		c = lexer->input[pos];
	char		next = byte_at(lexer, pos + 1);
	size_t		taglen;

	if (is_space(c))
	{
		token->kind = PGM_SQL_SPACE;
		while (is_space(byte_at(lexer, pos)))
			pos++;
		token->end = pos;
	}
	else if (c == '-' && next == '-')
	{
		const char *eol = memchr(lexer->input + pos, '\n', lexer->len - pos);

		token->kind = PGM_SQL_COMMENT;
		token->end = eol ? eol - lexer->input : lexer->len;
	}
	else if (c == '/' && next == '*')
	{
		token->kind = PGM_SQL_COMMENT;
		token->what = "comment";
		token->end = end_of_comment(lexer, pos);
	}
	else if (c == '\'' || ((c == 'e' || c == 'E') && next == '\''))
	{
		bool		escapes = (c != '\'');

		token->kind = PGM_SQL_STRING;
		token->what = "quoted string";
		token->end = end_of_quoted(lexer, pos + (escapes ? 1 : 0), '\'',
								   escapes);
	}
	else if (c == '"')
	{
		token->kind = PGM_SQL_NAME;
		token->what = "quoted identifier";
		token->end = end_of_quoted(lexer, pos, '"', false);
	}
	else if (c == '$' && (taglen = dollar_tag_length(lexer, pos)) != 0)
	{
		token->kind = PGM_SQL_STRING;
		token->what = "dollar-quoted string";
		token->end = end_of_dollar(lexer, pos, taglen);
	}
	else if (is_name_start(c) || is_digit(c))
	{
		/* also the letters of 1e5, and no dollar quote right after either */
		token->kind = is_digit(c) ? PGM_SQL_NUMBER : PGM_SQL_WORD;
		while (is_name_start(c) || is_digit(c) ||
			   (c == '$' && token->kind == PGM_SQL_WORD))
			c = byte_at(lexer, ++pos);
		token->end = pos;
	}
	else
	{
		token->kind = c == '\\' ? PGM_SQL_BACKSLASH : PGM_SQL_SYMBOL;
		token->end = pos + 1;
	}
}

void
pgm_sqlscan_token(PgmSqlLexer *lexer, PgmSqlToken *token)
{
	const char *p;
	const char *end;

	token->start = token->end = lexer->pos;
	token->line = lexer->line;
	token->kind = PGM_SQL_END;
	token->what = NULL;
	if (lexer->pos >= lexer->len)
		return;

	scan_token(lexer, token);
	if (token->end == 0)
	{
		token->kind = PGM_SQL_UNTERMINATED;
		token->end = lexer->len;
	}

	p = lexer->input + token->start;
	end = lexer->input + token->end;
	while ((p = memchr(p, '\n', end - p)) != NULL)
	{
		lexer->line++;
		p++;
	}
	lexer->pos = token->end;
}

void
pgm_sqlscan_significant(PgmSqlLexer *lexer, PgmSqlToken *token)
{
	do
		pgm_sqlscan_token(lexer, token);
	while (token->kind == PGM_SQL_SPACE || token->kind == PGM_SQL_COMMENT);
}

bool
pgm_sqlscan_is_word(const PgmSqlLexer *lexer, const PgmSqlToken *token,
					const char *word)
{
	size_t		len = token->end - token->start;

	return token->kind == PGM_SQL_WORD && strlen(word) == len &&
		pg_strncasecmp(lexer->input + token->start, word, len) == 0;
}

bool
pgm_sqlscan_is_symbol(const PgmSqlLexer *lexer, const PgmSqlToken *token,
					  char symbol)
{
	return token->kind == PGM_SQL_SYMBOL &&
		lexer->input[token->start] == symbol;
}

void
pgm_sqlscan_splitter(PgmSqlSplitter *splitter, const char *text, size_t len,
					 int line)
{
	pgm_sqlscan_lexer(&splitter->lexer, text, len, line);
	splitter->error = NULL;
	splitter->error_line = 0;
}

static bool
split_error(PgmSqlSplitter *splitter, int line, char *message)
{
	splitter->error = message;
	splitter->error_line = line;
	return false;
}

/*
 * Does the statement begin with CREATE [OR REPLACE] FUNCTION or PROCEDURE?
 * Called for each word in turn until that is known.
 */
static void
follow_routine(const PgmSqlLexer *lexer, StatementState *state,
			   const PgmSqlToken *token)
{
	bool		routine = pgm_sqlscan_is_word(lexer, token, "function") ||
		pgm_sqlscan_is_word(lexer, token, "procedure");

	if (state->nwords == 0)
		state->routine = pgm_sqlscan_is_word(lexer, token, "create") ? 1 : -1;
	else if ((state->routine == 1 || state->routine == 3) && routine)
		state->is_routine = true;
	else if (state->routine == 1 && pgm_sqlscan_is_word(lexer, token, "or"))
		state->routine = 2;
	else if (state->routine == 2 &&
			 pgm_sqlscan_is_word(lexer, token, "replace"))
		state->routine = 3;
	else
		state->routine = -1;
}

/*
 * Count BEGIN ATOMIC, CASE and END of a routine's body.  None of them counts
 * where it is but a name, after a dot or AS; and CASE in parentheses has its
 * END in there with it.
 */
static void
follow_body(const PgmSqlLexer *lexer, StatementState *state,
			const PgmSqlToken *token)
{
	if (state->paren_depth > 0 ||
		pgm_sqlscan_is_symbol(lexer, &state->previous, '.') ||
		pgm_sqlscan_is_word(lexer, &state->previous, "as"))
		return;

	if (state->begin_depth == 0)
	{
		if (pgm_sqlscan_is_word(lexer, token, "atomic") &&
			pgm_sqlscan_is_word(lexer, &state->previous, "begin"))
		{
			state->begin_depth = 1;
			state->begin_line = token->line;
		}
	}
	else if (pgm_sqlscan_is_word(lexer, token, "case"))
		state->begin_depth++;
	else if (pgm_sqlscan_is_word(lexer, token, "end"))
		state->begin_depth--;
}

static void
follow_word(const PgmSqlLexer *lexer, StatementState *state,
			const PgmSqlToken *token)
{
	if (state->routine >= 0 && !state->is_routine)
		follow_routine(lexer, state, token);
	else if (state->is_routine)
		follow_body(lexer, state, token);

	if (state->nwords == 0)
		state->is_copy = pgm_sqlscan_is_word(lexer, token, "copy");
	else if (state->is_copy && state->paren_depth == 0)
	{
		if (state->copy_from &&
			pgm_sqlscan_is_word(lexer, &state->previous, "from") &&
			pgm_sqlscan_is_word(lexer, token, "stdin"))
			state->copy_stdin = true;
		state->copy_from = pgm_sqlscan_is_word(lexer, token, "from");
	}
	if (state->nwords < 1000)
		state->nwords++;
}

/*
 * Is the colon the begin of a psql variable?  It is not in casts, assignments
 * and array slices, nor between the key and the value of JSON_OBJECT, where an
 * expression ends right before it.
 */
static bool
is_variable(const PgmSqlLexer *lexer, const StatementState *state,
			const PgmSqlToken *token)
{
	char		next = byte_at(lexer, token->end);
	const PgmSqlToken *previous = &state->previous;

	if (!is_name_start(next) && next != '\'' && next != '"')
		return false;
	if (state->bracket_depth > 0)
		return false;
	switch (previous->kind)
	{
		case PGM_SQL_WORD:
			return previous->end < token->start;
		case PGM_SQL_NAME:
		case PGM_SQL_STRING:
		case PGM_SQL_NUMBER:
			return false;
		case PGM_SQL_SYMBOL:
			return strchr(":)]", lexer->input[previous->start]) == NULL;
		default:
			return true;
	}
}

/*
 * Take notice of a symbol; true if it ends the statement.
 */
static bool
follow_symbol(const PgmSqlLexer *lexer, StatementState *state,
			  const PgmSqlToken *token, PgmSqlItem *item)
{
	switch (lexer->input[token->start])
	{
		case '(':
			if (state->paren_depth++ == 0)
				state->paren_line = token->line;
			break;
		case ')':
			if (state->paren_depth > 0)
				state->paren_depth--;
			break;
		case '[':
			state->bracket_depth++;
			break;
		case ']':
			if (state->bracket_depth > 0)
				state->bracket_depth--;
			break;
		case ':':
			if (item->variable_line == 0 && is_variable(lexer, state, token))
				item->variable_line = token->line;
			break;
		case ';':
			return state->paren_depth == 0 && state->begin_depth == 0;
		default:
			break;
	}
	return false;
}

/*
 * The data block after COPY ... FROM STDIN: from the next line to the line
 * that has nothing but the end marker.
 */
static bool
take_copy_data(PgmSqlSplitter *splitter, PgmSqlItem *item)
{
	PgmSqlLexer *lexer = &splitter->lexer;
	const char *end = lexer->input + lexer->len;
	const char *p = lexer->input + lexer->pos;

	while (p < end && *p != '\n' && is_space(*p))
		p++;
	if (p < end && *p != '\n')
		return split_error(splitter, lexer->line,
						   psprintf("COPY FROM STDIN is followed by other text in its line"));
	if (p < end)
		p++;
	lexer->line++;

	item->kind = PGM_SQL_COPY;
	item->data = p - lexer->input;
	item->data_line = lexer->line;
	while (p < end)
	{
		const char *eol = memchr(p, '\n', end - p);
		const char *next = eol ? eol + 1 : end;
		size_t		len = (eol ? eol : end) - p;

		if (len > 0 && p[len - 1] == '\r')
			len--;
		if (len == 2 && p[0] == '\\' && p[1] == '.')
		{
			/* the newline stays, as that of any statement */
			item->data_end = p - lexer->input;
			item->end = lexer->pos = item->data_end + 2;
			return true;
		}
		lexer->line++;
		p = next;
	}
	return split_error(splitter, item->line,
					   psprintf("data of COPY is not ended by a line with \"\\.\""));
}

/*
 * A psql command: the rest of its line.
 */
static void
take_meta(PgmSqlSplitter *splitter, PgmSqlItem *item)
{
	PgmSqlLexer *lexer = &splitter->lexer;
	const char *eol = memchr(lexer->input + item->body, '\n',
							 lexer->len - item->body);

	item->kind = PGM_SQL_META;
	lexer->pos = eol ? eol - lexer->input : lexer->len;
	if (lexer->pos > item->body && lexer->input[lexer->pos - 1] == '\r')
		lexer->pos--;
	item->body_end = item->end = lexer->pos;
	item->terminated = true;
}

/*
 * The text ended within a statement.
 */
static bool
finish_statement(PgmSqlSplitter *splitter, const StatementState *state,
				 PgmSqlItem *item)
{
	if (state->paren_depth > 0)
		return split_error(splitter, state->paren_line,
						   psprintf("parenthesis is not closed"));
	if (state->begin_depth > 0)
		return split_error(splitter, state->begin_line,
						   psprintf("BEGIN ATOMIC has no END"));
	if (state->copy_stdin)
		return split_error(splitter, item->line,
						   psprintf("COPY FROM STDIN has no data"));
	item->body_end = state->previous.end;
	item->end = splitter->lexer.len;
	return true;
}

/*
 * Read on to the end of the statement that begins with token.
 */
static bool
take_statement(PgmSqlSplitter *splitter, PgmSqlToken *token, PgmSqlItem *item)
{
	PgmSqlLexer *lexer = &splitter->lexer;
	StatementState state;

	memset(&state, 0, sizeof(state));
	state.previous.kind = PGM_SQL_END;
	for (;;)
	{
		switch (token->kind)
		{
			case PGM_SQL_END:
				return finish_statement(splitter, &state, item);
			case PGM_SQL_UNTERMINATED:
				return split_error(splitter, token->line,
								   psprintf("%s is not ended", token->what));
			case PGM_SQL_BACKSLASH:
				return split_error(splitter, token->line,
								   psprintf("psql command within a statement"));
			case PGM_SQL_WORD:
				follow_word(lexer, &state, token);
				break;
			case PGM_SQL_SYMBOL:
				if (!follow_symbol(lexer, &state, token, item))
					break;
				item->terminated = true;
				item->end = item->body_end = token->end;
				if (token->start == item->body)
					item->kind = PGM_SQL_EMPTY;
				if (state.copy_stdin)
					return take_copy_data(splitter, item);
				return true;
			default:
				/* the first word must be the first token */
				if (state.nwords == 0)
					state.nwords = 1;
				break;
		}
		if (state.nwords == 0)
			state.nwords = 1;
		state.previous = *token;
		pgm_sqlscan_significant(lexer, token);
	}
}

bool
pgm_sqlscan_next(PgmSqlSplitter *splitter, PgmSqlItem *item)
{
	PgmSqlLexer *lexer = &splitter->lexer;
	PgmSqlToken token;

	if (splitter->error != NULL)
		return false;

	memset(item, 0, sizeof(*item));
	item->kind = PGM_SQL_STATEMENT;
	item->start = lexer->pos;
	pgm_sqlscan_significant(lexer, &token);
	item->body = token.start;
	item->line = token.line;

	if (token.kind == PGM_SQL_BACKSLASH)
	{
		take_meta(splitter, item);
		return true;
	}
	if (token.kind == PGM_SQL_END)
	{
		item->kind = PGM_SQL_REST;
		item->body_end = item->end = token.end;
		return item->end > item->start;
	}
	return take_statement(splitter, &token, item);
}

/*-------------------------------------------------------------------------
 *
 * source_text.c
 *	  Parts of a statement's text that its parse tree only points at.
 *
 * A parse tree cannot be turned back to text before it is analyzed, so an
 * expression of a statement is cut out of it.  The server's scanner finds the
 * ends, and is not misled by quotes and comments.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "parser/scanner.h"

#include "compat/scan.h"
#include "sql/lexer.h"
#include "sql/source_text.h"

typedef struct Scan
{
	core_yyscan_t scanner;
	core_yy_extra_type extra;
	core_YYSTYPE value;
	char	   *text;
	YYLTYPE		at;				/* of the token */
	int			token;			/* 0 at the end */
	int			depth;			/* of parentheses and brackets, after it */
} Scan;

static void
begin_scan(Scan *scan, const char *text)
{
	memset(scan, 0, sizeof(Scan));
	scan->text = pstrdup(text);
	scan->scanner = scanner_init(scan->text, &scan->extra, &ScanKeywords,
								 ScanKeywordTokens);
	pgm_scan_quietly(&scan->extra);
}

static bool
next_token(Scan *scan)
{
	scan->token = core_yylex(&scan->value, &scan->at, scan->scanner);
	if (scan->token == '(' || scan->token == '[')
		scan->depth++;
	else if (scan->token == ')' || scan->token == ']')
		scan->depth--;
	return scan->token != 0;
}

static bool
is_word(const Scan *scan, const char *word)
{
	const char *at = scan->text + scan->at;
	size_t		length = strlen(word);

	return pg_strncasecmp(at, word, length) == 0 &&
		!isalnum((unsigned char) at[length]) && at[length] != '_' &&
		at[length] != '$';
}

static bool
is_any_word(const Scan *scan, const char *const *words)
{
	for (; words != NULL && *words != NULL; words++)
		if (is_word(scan, *words))
			return true;
	return false;
}

static char *
trimmed(const char *text, int length)
{
	while (length > 0 && isspace((unsigned char) *text))
	{
		text++;
		length--;
	}
	while (length > 0 && isspace((unsigned char) text[length - 1]))
		length--;
	return length == 0 ? NULL : pnstrdup(text, length);
}

/* From here to where it ends. */
static char *
slice_on(Scan *scan, int start, const char *const *words)
{
	int			depth = scan->depth;

	while (next_token(scan))
	{
		if (scan->depth < depth)
			break;
		if (scan->depth == depth && scan->token != ')' && scan->token != ']' &&
			(scan->token == ',' || scan->token == ';' ||
			 is_any_word(scan, words)))
			break;
	}
	return trimmed(scan->text + start,
				   (scan->token == 0 ? (int) strlen(scan->text) :
					scan->at) - start);
}

/* The rest of the statement from a position on. */
static char *
rest_of(const PgmSource *source, int n, int start)
{
	const PgmStatement *statement = &source->statements[n];
	int			end = statement->offset + statement->length;

	if (start < statement->offset || start >= end)
		return NULL;
	return pnstrdup(source->text + start, end - start);
}

char *
pgm_slice(const PgmSource *source, int n, int start,
		  const char *const *words)
{
	char	   *rest = rest_of(source, n, start);
	Scan		scan;
	char	   *result;

	if (rest == NULL)
		return NULL;
	begin_scan(&scan, rest);
	result = slice_on(&scan, 0, words);
	scanner_finish(scan.scanner);
	return result;
}

char *
pgm_slice_after(const PgmSource *source, int n, int start, const char *word,
				const char *const *words)
{
	char	   *rest = rest_of(source, n, start);
	Scan		scan;
	char	   *result = NULL;

	if (rest == NULL)
		return NULL;
	begin_scan(&scan, rest);
	while (next_token(&scan))
	{
		if (scan.depth != 0 || !is_word(&scan, word))
			continue;
		result = slice_on(&scan, scan.at + strlen(word), words);
		break;
	}
	scanner_finish(scan.scanner);
	return result;
}

char *
pgm_slice_parens(const PgmSource *source, int n, int start, int *after)
{
	char	   *rest = rest_of(source, n, start);
	Scan		scan;
	int			begin = -1;
	char	   *result = NULL;

	if (rest == NULL)
		return NULL;
	begin_scan(&scan, rest);
	while (next_token(&scan))
	{
		if (begin < 0 && scan.token == '(')
			begin = scan.at;
		if (begin < 0 || scan.depth > 0)
			continue;
		result = pnstrdup(scan.text + begin, scan.at + 1 - begin);
		if (after != NULL)
			*after = start + scan.at + 1;
		break;
	}
	scanner_finish(scan.scanner);
	return result;
}

List *
pgm_slice_list(const char *list)
{
	char	   *inner = pnstrdup(list + 1, strlen(list) - 2);
	Scan		scan;
	List	   *result = NIL;
	int			start = 0;

	begin_scan(&scan, inner);
	do
	{
		char	   *item = slice_on(&scan, start, NULL);

		if (item != NULL)
			result = lappend(result, item);
		start = scan.at + 1;
	} while (scan.token != 0);
	scanner_finish(scan.scanner);
	return result;
}

char *
pgm_slice_trim(char *text)
{
	PgmSqlLexer lexer;
	PgmSqlToken token;
	size_t		end = 0;

	pgm_sqlscan_lexer(&lexer, text, strlen(text), 1);
	for (;;)
	{
		pgm_sqlscan_significant(&lexer, &token);
		if (token.kind == PGM_SQL_END || token.kind == PGM_SQL_UNTERMINATED)
			break;
		end = token.end;
	}
	text[end] = '\0';
	return text;
}

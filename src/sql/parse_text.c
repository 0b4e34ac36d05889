/*-------------------------------------------------------------------------
 *
 * parse_text.c
 *	  The raw parse trees of a text, read as psql would read it.
 *
 * What a backslash means must not depend on who stores or runs a revision, so
 * standard_conforming_strings is pinned to on.  Old dumps set it off, which
 * holds for the text after it: psql sends one statement after the other.  Such
 * a text is parsed in parts.
 *
 * A part is parsed with all that is before it made a comment, which keeps the
 * positions, in bytes and in characters, those of the whole text.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "mb/pg_wchar.h"
#include "nodes/parsenodes.h"
#include "parser/parser.h"
#include "tcop/tcopprot.h"
#include "utils/builtins.h"
#include "utils/guc.h"

#include "compat/parse.h"
#include "compat/scan.h"
#include "sql/lexer.h"
#include "sql/parse_text.h"
#include "sql/set_statement.h"

#define PGM_CONFORMING "standard_conforming_strings"

/* Times that a text may change how the rest of it is read. */
#define PGM_CHANGES_MAX 100

static List *
parse_with(const char *text, bool conforming)
{
	int			guc_level = NewGUCNestLevel();
	List	   *raw_list;

	if (PGM_STRINGS_CONFORM != conforming)
		(void) set_config_option(PGM_CONFORMING, conforming ? "on" : "off",
								 PGC_USERSET, PGC_S_SESSION,
								 GUC_ACTION_SAVE, true, 0, false);
	if (!conforming)
		(void) set_config_option("escape_string_warning", "off",
								 PGC_USERSET, PGC_S_SESSION,
								 GUC_ACTION_SAVE, true, 0, false);
	raw_list = pg_parse_query(text);
	AtEOXact_GUC(true, guc_level);
	return raw_list;
}

/* Is the token, the first of a statement, that of a SET to off? */
static bool
sets_off(PgmSqlLexer *lexer, PgmSqlToken *token)
{
	if (!pgm_sqlscan_is_word(lexer, token, "set"))
		return false;
	pgm_sqlscan_significant(lexer, token);
	if (pgm_sqlscan_is_word(lexer, token, "session") ||
		pgm_sqlscan_is_word(lexer, token, "local"))
		pgm_sqlscan_significant(lexer, token);
	if (!pgm_sqlscan_is_word(lexer, token, PGM_CONFORMING))
		return false;
	pgm_sqlscan_significant(lexer, token);
	if (!pgm_sqlscan_is_word(lexer, token, "to") &&
		!pgm_sqlscan_is_symbol(lexer, token, '='))
		return false;
	pgm_sqlscan_significant(lexer, token);
	return pgm_sqlscan_is_word(lexer, token, "off") ||
		pgm_sqlscan_is_word(lexer, token, "false");
}

/*
 * Where the first statement ends after which the text cannot be read any more
 * as what is before it; 0 if there is none.
 */
static size_t
end_of_conforming(const char *text)
{
	PgmSqlLexer lexer;
	PgmSqlToken token;
	bool		found = false;
	bool		first = true;

	pgm_sqlscan_lexer(&lexer, text, strlen(text), 1);
	for (;;)
	{
		pgm_sqlscan_significant(&lexer, &token);
		if (token.kind == PGM_SQL_END || token.kind == PGM_SQL_UNTERMINATED)
			return 0;
		if (first && sets_off(&lexer, &token))
		{
			found = true;
			continue;
		}
		first = pgm_sqlscan_is_symbol(&lexer, &token, ';');
		if (first && found)
			return token.end;
	}
}

/* The first so many bytes, which end with a semicolon, made a comment. */
static void
comment_out(char *text, size_t end)
{
	for (size_t i = 0; i < end; i++)
		if (text[i] == '\n' || text[i] == '\r')
			text[i] = ' ';
	text[0] = text[1] = '-';
	text[end - 1] = '\n';
}

/* The first statement begins where the text is no comment. */
static void
move_begin(List *raw_list, int begin)
{
	RawStmt    *first;

	if (raw_list == NIL)
		return;
	first = linitial_node(RawStmt, raw_list);
	if (first->stmt_len > 0)
		first->stmt_len -= begin - first->stmt_location;
	first->stmt_location = begin;
}

static List *
parse_from(char *rest, size_t begin, bool conforming)
{
	List	   *raw_list;

	comment_out(rest, begin);
	raw_list = parse_with(rest, conforming);
	move_begin(raw_list, begin);
	return raw_list;
}

bool
pgm_conforming_after(Node *stmt, bool conforming)
{
	const char *value;
	bool		on = true;

	if (pgm_statement_sets(stmt, PGM_CONFORMING, &value) &&
		(value == NULL || parse_bool(value, &on)))
		return on;
	return conforming;
}

/*
 * The first statement at or after "from" that changes how the text after it
 * is read; -1 if none.
 */
static int
next_change(List *raw_list, int from, bool *conforming)
{
	for (int i = from; i < list_length(raw_list) - 1; i++)
	{
		Node	   *stmt = list_nth_node(RawStmt, raw_list, i)->stmt;

		if (pgm_conforming_after(stmt, *conforming) != *conforming)
		{
			*conforming = !*conforming;
			return i;
		}
	}
	return -1;
}

/* It is a key word, be it in upper or in lower case, in all that writes it. */
static bool
mentions_conforming(const char *text)
{
	return strstr(text, PGM_CONFORMING) != NULL ||
		strstr(text, "STANDARD_CONFORMING_STRINGS") != NULL;
}

List *
pgm_parse_text(const char *text)
{
	List	   *raw_list;
	char	   *rest;
	size_t		end;
	bool		conforming;
	int			done = 0;
	int			n;

	if (!mentions_conforming(text))
		return parse_with(text, true);

	rest = pstrdup(text);
	end = end_of_conforming(text);
	conforming = end == 0;
	raw_list = parse_with(conforming ? text : pnstrdup(text, end), true);
	if (!conforming)
	{
		done = list_length(raw_list);
		raw_list = list_concat(raw_list, parse_from(rest, end, false));
	}
	for (int i = 0; (n = next_change(raw_list, done, &conforming)) >= 0; i++)
	{
		RawStmt    *set = list_nth_node(RawStmt, raw_list, n);

		if (i == PGM_CHANGES_MAX)
			ereport(ERROR,
					errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
					errmsg("\"%s\" is changed too often", PGM_CONFORMING),
					errdetail("At most %d times are allowed.",
							  PGM_CHANGES_MAX),
					errhint("Split the text into several revisions."));
		done = n + 1;
		raw_list = list_concat(list_truncate(raw_list, done),
							   parse_from(rest, set->stmt_location +
										  set->stmt_len + 1, conforming));
	}
	pfree(rest);
	return raw_list;
}

RawStmt *
pgm_parse_statement(const char *text, bool conforming)
{
	List	   *raw_list = parse_with(text, conforming);

	Assert(list_length(raw_list) == 1);
	return linitial_node(RawStmt, raw_list);
}

PgmReading
pgm_reading(void)
{
	PgmReading	reading;

	reading.conforming = PGM_STRINGS_CONFORM;
	reading.encoding = pg_get_client_encoding();
	return reading;
}

bool
pgm_sets_reading(Node *stmt)
{
	const char *value;

	return (IsA(stmt, VariableSetStmt) &&
			castNode(VariableSetStmt, stmt)->kind == VAR_RESET_ALL) ||
		pgm_statement_sets(stmt, PGM_CONFORMING, &value) ||
		pgm_statement_sets(stmt, "client_encoding", &value);
}

void
pgm_reading_check(const PgmReading *expected)
{
	PgmReading	now = pgm_reading();

	if (now.conforming == expected->conforming &&
		now.encoding == expected->encoding)
		return;
	ereport(ERROR,
			errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
			errmsg("code that a statement runs has changed \"%s\"",
				   now.encoding == expected->encoding ? PGM_CONFORMING :
				   "client_encoding"),
			errdetail("The statements after it were read without that; psql would read them otherwise."),
			errhint("Write SET as a statement of the revision."));
}

static bool
forget_position(Node *node, void *context)
{
	if (node == NULL)
		return false;
	if (IsA(node, A_Const))
		castNode(A_Const, node)->location = -1;
	else if (IsA(node, ParamRef))
		castNode(ParamRef, node)->location = -1;
	return raw_expression_tree_walker(node, forget_position, context);
}

SelectStmt *
pgm_parse_part(const char *text)
{
	Node	   *stmt = linitial_node(RawStmt, pg_parse_query(text))->stmt;

	(void) forget_position(stmt, NULL);
	return castNode(SelectStmt, stmt);
}

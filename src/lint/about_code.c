/*-------------------------------------------------------------------------
 *
 * about_code.c
 *	  Rules about settings, privileges and code in a revision.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "utils/builtins.h"

#include "base/settings.h"
#include "compat/server.h"
#include "lint/internal.h"
#include "sql/lexer.h"

/* ---- timeouts */

/* SET of a timeout, in milliseconds; -1 if it is not that. */
static int
timeout_set(const VariableSetStmt *set, const char *name)
{
	const A_Const *value;
	const char *text;
	int			result;

	if (set->kind != VAR_SET_VALUE || set->name == NULL ||
		pg_strcasecmp(set->name, name) != 0 || list_length(set->args) != 1 ||
		!IsA(linitial(set->args), A_Const))
		return -1;
	value = linitial(set->args);
	text = ExtractSetVariableArgs((VariableSetStmt *) set);
	return value != NULL && parse_int(text, &result, GUC_UNIT_MS, NULL) ?
		result : -1;
}

/* Who comes after may wait so long; a few seconds are what is advised. */
#define LONG_WAIT 10000

static void
lint_set(PgmLint *lint, const VariableSetStmt *set)
{
	int			timeout = timeout_set(set, "lock_timeout");

	if (pgm_lock_timeout > 0 && timeout > Max(pgm_lock_timeout, LONG_WAIT))
		pgm_lint_add(lint, "long-lock-timeout",
					 psprintf("statements may wait %d ms for a lock, and all who come after wait as long", timeout),
					 psprintf("Leave it out: locks are asked for %d ms at a time, and again, by \"pgmigrate.lock_timeout\".",
							  pgm_lock_timeout));
}

/* What the settings until here do to a CONCURRENTLY statement. */
void
pgm_lint_concurrent_build(PgmLint *lint)
{
	if (lint->past->timeout != NULL)
		pgm_lint_add(lint, "timeout-concurrently",
					 psprintf("%s covers a statement that waits for all transactions: when it strikes, an invalid index is left",
							  lint->past->timeout),
					 psprintf("-- before it:\nRESET %s;", lint->past->timeout));
	if (pgm_concurrently_corrupts(pgm_server_version()))
		pgm_lint_add(lint, "concurrently-corrupts",
					 pstrdup("PostgreSQL 14.0 to 14.3 may build an index CONCURRENTLY without some of the rows"),
					 pstrdup("Update the server first."));
}

/* A timeout that is on for the statements to come, or no more. */
void
pgm_lint_setting_remember(PgmLint *lint, const VariableSetStmt *set)
{
	static const char *const names[] = {"lock_timeout", "statement_timeout", "transaction_timeout"};
	PgmLintPast *past = lint->past;

	for (int i = 0; i < lengthof(names); i++)
	{
		bool		same = past->timeout != NULL &&
			strcmp(past->timeout, names[i]) == 0;

		if (set->kind == VAR_RESET_ALL && same)
			past->timeout = NULL;
		else if (set->name == NULL || set->is_local ||
				 pg_strcasecmp(set->name, names[i]) != 0)
			continue;
		else if (timeout_set(set, names[i]) > 0)
			past->timeout = names[i];
		else if (same)
			past->timeout = NULL;
	}
}

/* ---- privileges */

static bool
is_public(const List *grantees)
{
	ListCell   *lc;

	foreach(lc, grantees)
	{
		if (lfirst_node(RoleSpec, lc)->roletype == ROLESPEC_PUBLIC)
			return true;
	}
	return false;
}

/* What is granted to a role by name is meant so; the rest is worth a look. */
static void
lint_grant(PgmLint *lint, const GrantStmt *grant)
{
	if (lint->effect != NULL && lint->effect->created_here)
		return;
	if (!grant->is_grant)
		pgm_lint_add(lint, "authz-update",
					 pstrdup("running applications may lose a privilege at commit"),
					 pstrdup("Review it with those who own the data."));
	else if (is_public(grant->grantees))
		pgm_lint_add(lint, "authz-update",
					 pstrdup("every role gets the privilege at commit"),
					 pstrdup("Grant it to the roles that need it."));
}

/* ---- code */

static bool
quotes(const PgmSqlLexer *lexer, const PgmSqlToken *token)
{
	static const char *const functions[] = {"quote_ident", "quote_literal", "quote_nullable", "format"};

	for (int i = 0; i < lengthof(functions); i++)
	{
		if (pgm_sqlscan_is_word(lexer, token, functions[i]))
			return true;
	}
	return false;
}

/* Is what stands here, after a name, a cast to what cannot be harmful? */
static bool
is_cast_to_safe_type(PgmSqlLexer lexer)
{
	PgmSqlToken token;

	pgm_sqlscan_significant(&lexer, &token);
	if (!pgm_sqlscan_is_symbol(&lexer, &token, ':'))
		return false;
	pgm_sqlscan_significant(&lexer, &token);
	pgm_sqlscan_significant(&lexer, &token);
	return !pgm_sqlscan_is_word(&lexer, &token, "text") &&
		!pgm_sqlscan_is_word(&lexer, &token, "varchar");
}

/* The name that EXECUTE appends as it is, or NULL; up to the semicolon. */
static char *
appended_name(PgmSqlLexer *lexer)
{
	bool		bar = false;
	int			bars = 0;
	PgmSqlToken token;

	for (;;)
	{
		pgm_sqlscan_significant(lexer, &token);
		if (token.kind == PGM_SQL_END || token.kind == PGM_SQL_UNTERMINATED ||
			pgm_sqlscan_is_symbol(lexer, &token, ';') ||
			pgm_sqlscan_is_word(lexer, &token, "using"))
			return NULL;
		bar = pgm_sqlscan_is_symbol(lexer, &token, '|');
		if (bars == 2 && (token.kind == PGM_SQL_WORD ||
						  token.kind == PGM_SQL_NAME) &&
			!quotes(lexer, &token) && !is_cast_to_safe_type(*lexer))
			return pnstrdup(lexer->input + token.start,
							token.end - token.start);
		bars = bar ? bars + 1 : 0;
	}
}

static void
lint_body(PgmLint *lint, const char *body)
{
	PgmSqlLexer lexer;
	PgmSqlToken token;

	pgm_sqlscan_lexer(&lexer, body, strlen(body), 1);
	for (;;)
	{
		char	   *name;

		pgm_sqlscan_significant(&lexer, &token);
		if (token.kind == PGM_SQL_END || token.kind == PGM_SQL_UNTERMINATED)
			return;
		if (!pgm_sqlscan_is_word(&lexer, &token, "execute"))
			continue;
		name = appended_name(&lexer);
		if (name == NULL)
			continue;
		pgm_lint_add(lint, "dynamic-sql",
					 psprintf("EXECUTE appends %s as it is: what it holds is run", name),
					 psprintf("Append quote_ident(%s) or quote_literal(%s), or use format() with %%I and %%L.", name, name));
		return;
	}
}

static void
lint_code(PgmLint *lint, List *options)
{
	ListCell   *lc;

	foreach(lc, options)
	{
		DefElem    *option = lfirst_node(DefElem, lc);
		Node	   *text = option->arg;

		if (strcmp(option->defname, "as") != 0 || text == NULL)
			continue;
		if (IsA(text, List))
			text = linitial(castNode(List, text));
		if (IsA(text, String))
			lint_body(lint, strVal(text));
	}
}

void
pgm_lint_code(PgmLint *lint)
{
	Node	   *stmt = lint->stmt;

	switch (nodeTag(stmt))
	{
		case T_VariableSetStmt:
			lint_set(lint, castNode(VariableSetStmt, stmt));
			break;
		case T_GrantStmt:
			lint_grant(lint, castNode(GrantStmt, stmt));
			break;
		case T_CreateFunctionStmt:
			lint_code(lint, castNode(CreateFunctionStmt, stmt)->options);
			break;
		case T_DoStmt:
			lint_code(lint, castNode(DoStmt, stmt)->args);
			break;
		default:
			break;
	}
}

/*-------------------------------------------------------------------------
 *
 * lint.c
 *	  Rules about statements that hurt a database in use.
 *
 * What a statement locks, rewrites and reads comes from its verdict, never
 * from its text; the rules only give that a name and say what to do instead.
 * A table that nobody else can use yet raises no alarm.
 *
 * A finding is allowed by a comment that belongs to the statement:
 *
 *	-- pgmigrate: allow create-index because the table has ten rows
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_class.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"

#include "base/printable.h"
#include "compat/server.h"
#include "lint/hint.h"
#include "lint/internal.h"
#include "sql/lexer.h"

static PgmTristate
work_below(const PgmLint *lint, bool rewrites)
{
	const PgmEffect *effect = lint->effect;
	PgmTristate work = rewrites ? effect->rewrites : effect->scans;
	List	   *below;
	ListCell   *lc;

	if (work == PGM_TRUE || !OidIsValid(effect->relid))
		return work;
	below = pgm_descendants(effect->relid);
	foreach(lc, lint->verdict->effects)
	{
		const PgmEffect *other = lfirst(lc);

		if ((rewrites ? other->rewrites : other->scans) == PGM_TRUE &&
			list_member_oid(below, other->relid))
			return PGM_TRUE;
	}
	return work;
}

PgmTristate
pgm_lint_rewrites(const PgmLint *lint)
{
	return work_below(lint, true);
}

PgmTristate
pgm_lint_scans(const PgmLint *lint)
{
	return work_below(lint, false);
}

const char *
pgm_lint_relation(Oid relid)
{
	const char *schema = get_namespace_name(get_rel_namespace(relid));
	const char *name = get_rel_name(relid);

	return name == NULL ? "" : quote_qualified_identifier(schema, name);
}

const char *
pgm_lint_qualified(const RangeVar *name)
{
	Oid			relid = pgm_lookup_relation(name);

	return OidIsValid(relid) ? pgm_lint_relation(relid) :
		quote_qualified_identifier(name->schemaname, name->relname);
}

PgmFinding *
pgm_lint_find(PgmJudged *judged, const char *rule, const PgmEffect *effect,
			  char *message, char *hint)
{
	PgmFinding *finding = palloc0(sizeof(PgmFinding));

	finding->rule = pgm_lint_rule(rule);
	if (finding->rule == NULL)
		elog(ERROR, "there is no rule \"%s\"", rule);
	finding->level = finding->rule->level;
	finding->relation = effect == NULL ? NULL : pgm_effect_name(effect);
	finding->message = pgm_printable_line(message);
	finding->hint = hint;
	judged->findings = lappend(judged->findings, finding);
	return finding;
}

void
pgm_lint_add(PgmLint *lint, const char *rule, char *message, char *hint)
{
	ListCell   *lc;

	message = pgm_printable_line(message);

	/* once for each statement, however many parts of it say so */
	foreach(lc, lint->judged->findings)
	{
		const PgmFinding *finding = lfirst(lc);

		if (strcmp(finding->rule->id, rule) == 0 &&
			strcmp(finding->message, message) == 0)
			return;
	}
	(void) pgm_lint_find(lint->judged, rule, lint->effect, message, hint);
}

/* The relation that the statement is about: the first it names. */
static PgmEffect *
subject(const PgmVerdict *verdict)
{
	ListCell   *lc;

	foreach(lc, verdict->effects)
	{
		PgmEffect  *effect = lfirst(lc);

		if (effect->named)
			return effect;
	}
	return NULL;
}

/* What revision() will refuse to store. */
static void
lint_refused(PgmLint *lint)
{
	PgmRefusal	refusal = pgm_statement_refusal(lint->stmt);

	if (refusal == PGM_REFUSED_NOT)
		return;
	if (refusal == PGM_REFUSED_TRANSACTION)
	{
		(void) pgm_lint_find(lint->judged, "transaction-control", NULL,
							 pstrdup("each revision is a transaction already"),
							 pstrdup("Leave BEGIN, COMMIT, ROLLBACK and SAVEPOINT out."));
		return;
	}
	(void) pgm_lint_find(lint->judged, "not-in-a-revision", NULL,
						 psprintf("%s is not allowed in a revision",
								  pgm_refusal_words(refusal)),
						 pstrdup("Leave it out. Load rows with INSERT, or with COPY from a file on the server."));
}

/*
 * What no rule above has an eye on: work that others wait for is told all the
 * same.
 */
static void
lint_work(PgmLint *lint)
{
	ListCell   *lc;

	/* with IF NOT EXISTS there may be nothing to do */
	if (IsA(lint->stmt, IndexStmt))
		return;
	foreach(lc, lint->judged->findings)
	{
		if (((PgmFinding *) lfirst(lc))->level != PGM_LEVEL_INFO)
			return;
	}
	foreach(lc, lint->verdict->effects)
	{
		PgmEffect  *effect = lfirst(lc);
		bool		rewrites = effect->rewrites == PGM_TRUE &&
			effect->mode == AccessExclusiveLock;

		/* nobody writes to a materialized view but those that refresh it */
		LOCKMODE	least = effect->relkind == RELKIND_MATVIEW ?
			AccessExclusiveLock : ShareLock;

		if (effect->created_here || effect->relkind == RELKIND_INDEX ||
			!(rewrites ||
			  (effect->scans == PGM_TRUE && effect->mode >= least)))
			continue;
		(void) pgm_lint_find(lint->judged, "long-work", effect,
							 psprintf("%s is %s while it is locked", pgm_effect_name(effect),
									  rewrites ? "rewritten" : "read"),
							 pstrdup("Do it while the table is small, or while nobody needs it."));
	}
}

/*
 * Does the statement run code that cannot be looked into?  Queries that call
 * but what came with the server do not, and the script of an extension is its
 * maker's to know.
 */
bool
pgm_lint_is_code(const PgmLint *lint)
{
	return lint->verdict->opaque && !lint->verdict->plain &&
		!IsA(lint->stmt, CreateExtensionStmt) &&
		!IsA(lint->stmt, AlterExtensionStmt);
}

/* Has it an effect on a table of others that only a trial could tell? */
static bool
is_unknown(const PgmVerdict *verdict)
{
	ListCell   *lc;

	if (!verdict->by_kind)
		return true;
	foreach(lc, verdict->effects)
	{
		const PgmEffect *effect = lfirst(lc);

		if (!effect->created_here && effect->mode > RowExclusiveLock &&
			(effect->rewrites == PGM_UNSET || effect->scans == PGM_UNSET))
			return true;
	}
	return false;
}

/*
 * What the server does not do to a column that something goes by, an online
 * change may: then what is in the way of that is what the user can change.
 */
static char *
remedy_of_failure(const PgmJudged *judged)
{
	const PgmVerdict *verdict = judged->verdict;

	if (verdict->remedy != NULL || judged->strategy == NULL ||
		!judged->strategy->refused ||
		(verdict->sqlerrcode != ERRCODE_FEATURE_NOT_SUPPORTED &&
		 verdict->sqlerrcode != ERRCODE_INVALID_TABLE_DEFINITION))
		return verdict->remedy;
	return psprintf("Nor is it carried out online: %s.",
					judged->strategy->why);
}

/*
 * Rules about time, for a table that an earlier revision makes and that is not
 * there yet: others have it by then, and no one knows how large it is.  What
 * else it has, such as keys and indexes, cannot be asked for.
 */
static void
lint_earlier(PgmLint *lint)
{
	PgmJudged  *judged = lint->judged;
	List	   *before = judged->findings;
	ListCell   *lc;

	judged->findings = NIL;
	pgm_lint_table(lint);
	pgm_lint_index(lint);
	foreach(lc, judged->findings)
	{
		PgmFinding *finding = lfirst(lc);

		if (!pgm_rule_is_blocking(finding->rule->id))
			continue;
		finding->level = PGM_LEVEL_WARNING;
		finding->hint = psprintf("An earlier revision makes %s, and how large it will be is not known: upgrade to that one and assess again, or let it do this too.",
								 lint->name);
		before = lappend(before, finding);
	}
	judged->findings = before;
}

static void
begin(PgmLint *lint, PgmJudged *judged, PgmLintPast *past)
{
	lint->judged = judged;
	lint->verdict = judged->verdict;
	lint->stmt = judged->source->statements[judged->n].raw->stmt;
	lint->past = past;
	lint->effect = subject(judged->verdict);
	lint->name = lint->effect ? pgm_effect_name(lint->effect) : "";
}

void
pgm_lint_remember(PgmJudged *judged, PgmLintPast *past)
{
	PgmLint		lint;

	begin(&lint, judged, past);
	pgm_lint_flow_remember(&lint);
	pgm_lint_room_remember(&lint);
	pgm_lint_citus_remember(&lint);
}

void
pgm_lint_statement(PgmJudged *judged, PgmLintPast *past)
{
	PgmLint		lint;
	PgmVerdict *verdict = judged->verdict;

	begin(&lint, judged, past);
	if (verdict->sqlerrcode == ERRCODE_INSUFFICIENT_PRIVILEGE &&
		verdict->remedy == NULL)
		verdict->remedy = pgm_lint_privilege(&lint);
	if (verdict->sqlerrcode == ERRCODE_INSUFFICIENT_PRIVILEGE &&
		verdict->remedy != NULL)
	{
		PgmFinding *finding = pgm_lint_find(judged, "missing-privilege",
											lint.effect,
											psprintf("role %s may not run it: %s",
													 quote_identifier(GetUserNameFromId(GetUserId(), false)),
													 verdict->reason),
											verdict->remedy);

		finding->details = pstrdup("{\"sqlstate\": \"42501\"}");
	}
	else if (verdict->sqlerrcode != 0)
	{
		PgmFinding *finding = pgm_lint_find(judged, "trial-fails", lint.effect,
											psprintf("the statement fails: %s",
													 verdict->reason),
											remedy_of_failure(judged));

		finding->details = psprintf("{\"sqlstate\": \"%s\"%s}",
									unpack_sql_state(verdict->sqlerrcode),
									verdict->position == 0 ? "" :
									psprintf(", \"position\": %d",
											 verdict->position));
	}
	else if (pgm_lint_is_code(&lint))
		(void) pgm_lint_find(judged, "opaque-step", NULL,
							 pstrdup("what it locks and changes cannot be known before it runs"),
							 pstrdup("Write it as plain statements, or run it while nobody needs what it touches."));
	else if (verdict->reason != NULL && !verdict->top_level &&
			 is_unknown(verdict))
		(void) pgm_lint_find(judged, "not-tried", lint.effect,
							 psprintf("judged by its text only: %s",
									  verdict->reason),
							 NULL);
	lint_refused(&lint);

	/*
	 * Nobody waits for a table that only we have, and a foreign one has no
	 * rows here that could be read or written anew.
	 */
	if (lint.effect == NULL ||
		!(lint.effect->created_here ||
		  lint.effect->relkind == RELKIND_FOREIGN_TABLE))
	{
		pgm_lint_table(&lint);
		pgm_lint_index(&lint);
		pgm_lint_safe_forms(&lint);
	}
	else if (lint.effect->earlier)
		lint_earlier(&lint);
	pgm_lint_object(&lint);
	pgm_lint_citus(&lint);
	pgm_lint_name(&lint);
	pgm_lint_code(&lint);
	lint_work(&lint);
	lint.effect = subject(verdict);
	pgm_lint_way_back(&lint);
	pgm_lint_flow(&lint);
	pgm_lint_room(&lint);
}

/* ---- allowed findings */

/* The next word of [at, end), in place; NULL if there is none. */
static char *
next_word(const char **at, const char *end)
{
	const char *start;

	while (*at < end && (isspace((unsigned char) **at) || **at == ','))
		(*at)++;
	start = *at;
	while (*at < end && !isspace((unsigned char) **at) && **at != ',')
		(*at)++;
	return start == *at ? NULL : pnstrdup(start, *at - start);
}

static bool
allow(PgmJudged *judged, const char *rule, const char *reason)
{
	bool		any = false;
	ListCell   *lc;

	foreach(lc, judged->findings)
	{
		PgmFinding *finding = lfirst(lc);

		if (strcmp(finding->rule->id, rule) == 0)
		{
			finding->allowed = reason;
			any = true;
		}
	}
	return any;
}

static void
find_malformed(PgmJudged *judged, const char *why)
{
	(void) pgm_lint_find(judged, "allow-malformed", NULL,
						 psprintf("a comment for pgmigrate allows nothing: %s", why),
						 pstrdup("Write \"allow\", the rule, \"because\" and the reason."));
}

/* Another word than "allow": is it meant so, as a rule follows? */
static void
read_other_word(PgmJudged *judged, const char *other, const char *at,
				const char *end)
{
	char	   *word;

	/* how it is to be carried out, see strategy/marks.c */
	if (strcmp(other, "plain") == 0 || strcmp(other, "online") == 0)
		return;
	while ((word = next_word(&at, end)) != NULL)
	{
		if (pgm_lint_rule(word) != NULL)
		{
			find_malformed(judged, psprintf("\"%s\" is not \"allow\"", other));
			return;
		}
	}
}

static void
read_allowance(PgmJudged *judged, const char *at, const char *end)
{
	List	   *rules = NIL;
	char	   *reason = NULL;
	char	   *word = next_word(&at, end);
	ListCell   *lc;

	if (word == NULL)
		return;
	if (strcmp(word, "allow") != 0)
	{
		read_other_word(judged, word, at, end);
		return;
	}
	while ((word = next_word(&at, end)) != NULL)
	{
		if (strcmp(word, "because") == 0)
		{
			reason = pgm_strategy_reason(at, end);
			break;
		}
		if (strcmp(word, "*/") != 0)
			rules = lappend(rules, word);
	}
	if (rules == NIL)
		find_malformed(judged, "it names no rule");
	foreach(lc, rules)
	{
		const char *rule = lfirst(lc);

		if (reason == NULL)
			(void) pgm_lint_find(judged, "allow-without-reason", NULL,
								 psprintf("rule \"%s\" is allowed without a reason, so it is not",
										  rule),
								 pstrdup("Write \"because\" and the reason behind it."));
		else if (!allow(judged, rule, reason))
			(void) pgm_lint_find(judged, "allow-unused", NULL,
								 pgm_lint_rule(rule) == NULL ?
								 psprintf("there is no rule \"%s\" to allow", rule) :
								 psprintf("rule \"%s\" is allowed, but has found nothing",
										  rule),
								 pstrdup("Remove the comment."));
	}
}

/*
 * Where the comments of statement n end and those of the next one begin: a
 * comment that ends the last line of a statement is the statement's.
 */
static size_t
end_of_comments(const PgmSource *source, int n)
{
	const PgmStatement *statement = &source->statements[n];
	size_t		end = statement->offset + statement->length;
	PgmSqlLexer lexer;
	PgmSqlToken token;

	if (n == source->nstatements - 1)
		return end + strlen(source->text + end);
	pgm_sqlscan_lexer(&lexer, source->text, statement[1].offset, 1);
	lexer.pos = end;
	for (;;)
	{
		pgm_sqlscan_token(&lexer, &token);
		if (memchr(source->text + token.start, '\n',
				   token.end - token.start) != NULL)
			return lexer.pos;

		/* the next one begins on the same line: they are its comments */
		if (token.kind != PGM_SQL_SPACE && token.kind != PGM_SQL_COMMENT &&
			!pgm_sqlscan_is_symbol(&lexer, &token, ';'))
			return end;
		if (pgm_sqlscan_is_symbol(&lexer, &token, ';'))
			end = token.end;
	}
}

static void
read_comment(PgmJudged *judged, const char *at, const char *end)
{
	while (at < end)
	{
		const char *line_end = memchr(at, '\n', end - at);

		if (line_end == NULL)
			line_end = end;
		for (const char *c = at; c + 10 <= line_end; c++)
			if (strncmp(c, "pgmigrate:", 10) == 0)
			{
				read_allowance(judged, c + 10, line_end);
				break;
			}
		at = line_end + 1;
	}
}

void
pgm_lint_suppress(PgmJudged *judged)
{
	const PgmSource *source = judged->source;
	PgmSqlLexer lexer;
	PgmSqlToken token;

	pgm_sqlscan_lexer(&lexer, source->text,
					  end_of_comments(source, judged->n), 1);
	if (judged->n > 0)
		lexer.pos = end_of_comments(source, judged->n - 1);
	do
	{
		pgm_sqlscan_token(&lexer, &token);
		if (token.kind == PGM_SQL_COMMENT)
			read_comment(judged, source->text + token.start,
						 source->text + token.end);
	} while (token.kind != PGM_SQL_END && token.kind != PGM_SQL_UNTERMINATED);
}

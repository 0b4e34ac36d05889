/*-------------------------------------------------------------------------
 *
 * about_order.c
 *	  Rules about what a statement does after the ones before it.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_class.h"
#include "catalog/pg_constraint.h"
#include "utils/builtins.h"

#include "compat/parse.h"
#include "compat/server.h"
#include "lint/hint.h"
#include "lint/internal.h"

static Node *
statement_of(const PgmJudged *judged)
{
	return judged->source->statements[judged->n].raw->stmt;
}

static bool
is_table(const PgmEffect *effect)
{
	return effect->relkind == RELKIND_RELATION ||
		effect->relkind == RELKIND_PARTITIONED_TABLE;
}

static const char *
locked_for(const PgmEffect *held)
{
	return held->mode == AccessExclusiveLock ? "reads and writes" : "writes";
}

static void
lint_held_locks(PgmLint *lint)
{
	const PgmEffect *held = lint->past->locked;
	ListCell   *lc;

	if (held == NULL || lint->judged->source->top_level)
		return;
	foreach(lc, lint->verdict->effects)
	{
		PgmEffect  *effect = lfirst(lc);

		if (!is_table(effect) || effect->created_here)
			continue;
		if ((effect->rewrites == PGM_TRUE || effect->scans == PGM_TRUE) &&
			(effect->relid != held->relid ||
			 held->mode == AccessExclusiveLock))
			pgm_lint_add(lint, "rewrite-holding-locks",
						 psprintf("%s stays locked for %s while %s is %s", pgm_effect_name(held), locked_for(held),
								  effect->relid == held->relid ? "it" : pgm_effect_name(effect),
								  effect->rewrites == PGM_TRUE ? "rewritten" : "read"),
						 pstrdup("Put this statement into a revision of its own."));
		if (effect->named && effect->mode == AccessExclusiveLock &&
			held->mode == AccessExclusiveLock && effect->relid != held->relid)
			pgm_lint_add(lint, "several-locked-tables",
						 psprintf("%s and %s are locked for reads and writes at the same time", pgm_effect_name(held), pgm_effect_name(effect)),
						 pstrdup("Put them into revisions of their own."));
	}
}

/* The constraint that this part of ALTER TABLE adds as NOT VALID, or NULL. */
static const char *
added_not_valid(AlterTableCmd *cmd)
{
	Constraint *constraint;

	if (cmd->subtype != AT_AddConstraint)
		return NULL;
	constraint = castNode(Constraint, cmd->def);
	return constraint->skip_validation ? constraint->conname : NULL;
}

static bool
adds_not_valid(Node *stmt, const char *name)
{
	ListCell   *lc;

	if (!IsA(stmt, AlterTableStmt))
		return false;
	foreach(lc, castNode(AlterTableStmt, stmt)->cmds)
	{
		const char *added = added_not_valid(lfirst_node(AlterTableCmd, lc));

		if (added != NULL && strcmp(added, name) == 0)
			return true;
	}
	return false;
}

static void
lint_validate(PgmLint *lint, AlterTableStmt *stmt)
{
	ListCell   *lc;
	ListCell   *other;

	if (lint->effect == NULL || lint->effect->created_here)
		return;
	foreach(lc, stmt->cmds)
	{
		AlterTableCmd *cmd = lfirst_node(AlterTableCmd, lc);
		bool		added;

		if (cmd->subtype != AT_ValidateConstraint)
			continue;
		added = adds_not_valid((Node *) stmt, cmd->name);
		foreach(other, lint->judged->source->top_level ? NIL :
				lint->past->alters)
			added |= adds_not_valid(statement_of(lfirst(other)), cmd->name);
		if (added)
			pgm_lint_add(lint, "validate-same-tx",
						 psprintf("the lock of adding %s is held while it is validated", quote_identifier(cmd->name)),
						 psprintf(PGM_LATER "ALTER TABLE %s VALIDATE CONSTRAINT %s;", lint->name, quote_identifier(cmd->name)));
	}
}

typedef struct Altered
{
	Oid			relid;			/* hash key */
	int			n;
} Altered;

static bool
validates(AlterTableStmt *stmt)
{
	ListCell   *lc;

	foreach(lc, stmt->cmds)
	{
		if (lfirst_node(AlterTableCmd, lc)->subtype == AT_ValidateConstraint)
			return true;
	}
	return false;
}

/* Does it read or rewrite the table that it is about? */
static bool
is_work(const PgmLint *lint)
{
	AlterTableStmt *stmt = castNode(AlterTableStmt, lint->stmt);

	return lint->effect != NULL && !lint->effect->created_here &&
		OidIsValid(lint->effect->relid) &&
		pgm_alter_table_kind(stmt) == OBJECT_TABLE && !validates(stmt) &&
		(pgm_lint_rewrites(lint) == PGM_TRUE ||
		 pgm_lint_scans(lint) == PGM_TRUE);
}

/* The table is read or rewritten twice, where once would do. */
static void
lint_mergeable(PgmLint *lint, AlterTableStmt *stmt)
{
	const PgmSource *source = lint->judged->source;
	Altered    *altered;
	char	   *rest;

	if (lint->past->altered == NULL || !is_work(lint))
		return;
	altered = hash_search(lint->past->altered, &lint->effect->relid, HASH_FIND,
						  NULL);
	rest = pgm_lint_trim(pgm_source_after_name(source, lint->judged->n,
											   stmt->relation->location));
	if (altered == NULL || rest == NULL)
		return;
	pgm_lint_add(lint, "mergeable-alters",
				 psprintf("statement %d reads or rewrites %s too", altered->n + 1, lint->name),
				 psprintf("%s,%s;",
						  pgm_lint_trim(pgm_statement_text(source, altered->n)),
						  rest));
}

/* Does the text of this statement have the new value as a literal? */
static void
lint_enum_value(PgmLint *lint)
{
	char	   *text;
	ListCell   *lc;

	if (IsA(lint->stmt, AlterEnumStmt) || lint->past->enums == NIL ||
		lint->judged->source->top_level)
		return;
	text = pgm_statement_text(lint->judged->source, lint->judged->n);
	foreach(lc, lint->past->enums)
	{
		AlterEnumStmt *other = castNode(AlterEnumStmt,
										statement_of(lfirst(lc)));
		char	   *value = quote_literal_cstr(other->newVal);

		if (strstr(text, value) != NULL)
			pgm_lint_add(lint, "enum-value-used-same-tx",
						 psprintf("value %s cannot be used in the transaction that adds it", value),
						 pstrdup("Use it in a later revision."));
	}
}

/* Does the statement change rows, as many as it finds? */
static bool
changes_rows(Node *stmt)
{
	SelectStmt *select;

	switch (nodeTag(stmt))
	{
		case T_UpdateStmt:
		case T_DeleteStmt:
			return true;
		case T_CopyStmt:
			return castNode(CopyStmt, stmt)->is_from;
		case T_InsertStmt:
			select = (SelectStmt *) castNode(InsertStmt, stmt)->selectStmt;
			return select != NULL && IsA(select, SelectStmt) &&
				select->fromClause != NIL;
		default:
			return pgm_is_merge(stmt);
	}
}

static void
lint_rows_under_lock(PgmLint *lint)
{
	const PgmEffect *held = lint->past->locked;

	if (held == NULL || lint->judged->source->top_level)
		return;
	if (pgm_lint_is_code(lint))
	{
		pgm_lint_add(lint, "rows-under-lock",
					 psprintf("%s stays locked for %s while code runs that cannot be looked into", pgm_effect_name(held), locked_for(held)),
					 pstrdup("Put this statement into a revision of its own."));
		return;
	}
	if (!changes_rows(lint->stmt) || lint->effect == NULL ||
		lint->effect->created_here || pgm_lint_scans(lint) == PGM_TRUE)
		return;
	pgm_lint_add(lint, "rows-under-lock",
				 psprintf("%s stays locked for %s while rows of %s change", pgm_effect_name(held), locked_for(held), lint->name),
				 pstrdup("Put this statement into a revision of its own."));
}

static void
lint_mixed(PgmLint *lint)
{
	if (lint->verdict->top_level && lint->judged->source->nstatements > 1)
		pgm_lint_add(lint, "mixed-tx-modes",
					 pstrdup("the statements of this revision are committed one by one"),
					 pstrdup("Put statements that cannot run in a transaction into revisions of their own."));
}

static void
remember_altered(PgmLint *lint, AlterTableStmt *stmt)
{
	Altered    *altered;
	bool		found;
	ListCell   *lc;

	foreach(lc, stmt->cmds)
	{
		if (added_not_valid(lfirst_node(AlterTableCmd, lc)) == NULL)
			continue;
		lint->past->alters = lappend(lint->past->alters, lint->judged);
		break;
	}
	if (!is_work(lint))
		return;
	if (lint->past->altered == NULL)
	{
		HASHCTL		control = {0};

		control.keysize = sizeof(Oid);
		control.entrysize = sizeof(Altered);
		control.hcxt = CurrentMemoryContext;
		lint->past->altered = hash_create("pgmigrate altered tables", 16,
										  &control,
										  HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
	}
	altered = hash_search(lint->past->altered, &lint->effect->relid,
						  HASH_ENTER, &found);
	if (!found)
		altered->n = lint->judged->n;
}

/* For the statements to come. */
void
pgm_lint_flow_remember(PgmLint *lint)
{
	PgmLintPast *past = lint->past;
	ListCell   *lc;

	if (IsA(lint->stmt, AlterTableStmt))
		remember_altered(lint, castNode(AlterTableStmt, lint->stmt));
	if (IsA(lint->stmt, VariableSetStmt))
		pgm_lint_setting_remember(lint, castNode(VariableSetStmt, lint->stmt));
	pgm_lint_name_remember(lint);
	if (IsA(lint->stmt, AlterEnumStmt) &&
		castNode(AlterEnumStmt, lint->stmt)->oldVal == NULL)
		past->enums = lappend(past->enums, lint->judged);
	foreach(lc, lint->verdict->effects)
	{
		const PgmEffect *effect = lfirst(lc);

		/* SHARE and what is above it keep writers away */
		if (is_table(effect) && !effect->created_here &&
			effect->mode >= ShareLock &&
			(past->locked == NULL ||
			 (effect->mode == AccessExclusiveLock &&
			  past->locked->mode != AccessExclusiveLock)))
			past->locked = effect;
	}
}

void
pgm_lint_flow(PgmLint *lint)
{
	lint_mixed(lint);
	lint_held_locks(lint);
	lint_rows_under_lock(lint);
	lint_enum_value(lint);
	if (IsA(lint->stmt, AlterTableStmt))
	{
		lint_validate(lint, castNode(AlterTableStmt, lint->stmt));
		lint_mergeable(lint, castNode(AlterTableStmt, lint->stmt));
	}
}

/* A table that a statement locks against everybody, for the first time. */
typedef struct Taken
{
	const PgmEffect *effect;
	int			n;
} Taken;

static bool
is_taken(List *taken, Oid relid)
{
	ListCell   *lc;

	foreach(lc, taken)
	{
		if (((Taken *) lfirst(lc))->effect->relid == relid)
			return true;
	}
	return false;
}

/*
 * As many as are told of at most.  A finding needs one, and what locks more
 * tables than that is told by others.
 */
#define TAKEN_MAX 64

static List *
taken_tables(List *judged)
{
	List	   *taken = NIL;
	ListCell   *lc;
	ListCell   *other;

	foreach(lc, judged)
	{
		const PgmJudged *one = lfirst(lc);

		foreach(other, one->verdict->effects)
		{
			const PgmEffect *effect = lfirst(other);
			Taken	   *entry;

			if (!is_table(effect) || effect->created_here || !effect->named ||
				effect->mode != AccessExclusiveLock ||
				is_taken(taken, effect->relid))
				continue;
			entry = palloc(sizeof(Taken));
			entry->effect = effect;
			entry->n = one->n;
			taken = lappend(taken, entry);
			if (list_length(taken) == TAKEN_MAX)
				return taken;
		}
	}
	return taken;
}

/* Of this statement: the first table that a later one locks, or NULL. */
static const Taken *
taken_later(List *taken, int n)
{
	ListCell   *lc;

	foreach(lc, taken)
	{
		if (((Taken *) lfirst(lc))->n > n)
			return lfirst(lc);
	}
	return NULL;
}

static const PgmEffect *
work_of(const PgmVerdict *verdict)
{
	ListCell   *lc;

	foreach(lc, verdict->effects)
	{
		const PgmEffect *effect = lfirst(lc);

		if (is_table(effect) && !effect->created_here &&
			(effect->rewrites == PGM_TRUE || effect->scans == PGM_TRUE))
			return effect;
	}
	return NULL;
}

/* Is it told already of a lock that an earlier statement took? */
static bool
holds_locks(const PgmJudged *judged)
{
	ListCell   *lc;

	foreach(lc, judged->findings)
	{
		const PgmFinding *finding = lfirst(lc);

		if (strcmp(finding->rule->id, "rewrite-holding-locks") == 0)
			return true;
	}
	return false;
}

void
pgm_lint_foresee(List *judged)
{
	List	   *taken;
	ListCell   *lc;

	if (judged == NIL ||
		((PgmJudged *) linitial(judged))->source->top_level)
		return;
	taken = taken_tables(judged);
	foreach(lc, judged)
	{
		PgmJudged  *one = lfirst(lc);
		const Taken *later = taken_later(taken, one->n);
		const PgmEffect *work = later == NULL ? NULL : work_of(one->verdict);
		bool		same;

		if (work == NULL || holds_locks(one))
			continue;
		same = work->relid == later->effect->relid;
		(void) pgm_lint_find(one, "rewrite-holding-locks", work,
							 psprintf("%s is locked for reads and writes from the start, for statement %d, while %s is %s",
									  pgm_effect_name(later->effect), later->n + 1,
									  same ? "it" : pgm_effect_name(work),
									  work->rewrites == PGM_TRUE ? "rewritten" : "read"),
							 pstrdup("Put this statement into a revision of its own."));
	}
}

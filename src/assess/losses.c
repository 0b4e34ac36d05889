/*-------------------------------------------------------------------------
 *
 * losses.c
 *	  What rows are gone once a statement has run.
 *
 * Rows that no downgrade brings back are a danger where there are any, and a
 * DELETE where it takes many, unless they were stored elsewhere before.  They
 * go with what is named, and with what CASCADE, a foreign key or a type takes
 * along.  The size of the file tells whether there are any: one that was
 * emptied by DELETE counts as full until VACUUM has cut it off, which errs to
 * the safe side.
 *
 * What is dropped online is kept until it is finalized, and a downgrade brings
 * it back: that wants a look and no more.  The values of a column are kept in
 * the rows, so who writes the rows anew loses them.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_class.h"
#include "catalog/pg_type.h"
#include "utils/lsyscache.h"

#include "assess/kept_rows.h"
#include "assess/losses.h"
#include "base/relation_size.h"
#include "base/spi.h"
#include "compat/parse.h"

/*
 * Of online changes of a table that can be taken back yet: does one keep
 * columns, and has another made a table since, which keeps the former file?
 */
static PgmQuery keeping_query = {
	"SELECT EXISTS (SELECT FROM pgmigrate.operation s WHERE s.relid = $1 AND s.method = 'table' "
	"AND s.state = 'switched' AND s.id > k.id) "
	"FROM pgmigrate.operation k WHERE k.relid = $1 AND k.state = 'switched' "
	"AND k.details ? 'columns' AND k.method = 'in place' "
	"AND k.system_identifier = pgmigrate.system_identifier() "
	"AND k.database = current_database() ORDER BY k.id DESC LIMIT 1",
	1, {OIDOID}
};

/* What is known of a table before a statement. */
typedef struct Keeping
{
	bool		columns;		/* some were dropped, and are kept */
	bool		file;			/* … in the file before this one */
} Keeping;

int64
pgm_bytes_of_rows(const PgmEffect *effect)
{
	int64		bytes = pgm_heap_bytes(effect->relid);
	ListCell   *lc;

	foreach(lc, pgm_descendants(effect->relid))
		bytes += pgm_heap_bytes(lfirst_oid(lc));
	return bytes;
}

const PgmEffect *
pgm_finding_effect(const PgmJudged *judged, const PgmFinding *finding)
{
	ListCell   *lc;

	if (finding->relation == NULL)
		return NULL;
	foreach(lc, judged->verdict->effects)
	{
		const PgmEffect *effect = lfirst(lc);

		if (strcmp(pgm_effect_name(effect), finding->relation) == 0)
			return effect;
	}
	return NULL;
}

/* A MERGE that updates most rows may delete some: nobody knows how many. */
static bool
keeps_most(const PgmVerdict *verdict, Node *stmt)
{
	return pgm_is_merge(stmt) && pgm_merge_does(stmt, CMD_UPDATE) &&
		verdict->planned && verdict->changed_rows >= 0 &&
		verdict->changed_rows < verdict->all_rows * 0.9;
}

static bool
is_kept(const PgmJudged *judged)
{
	return judged->strategy->kind == PGM_STRATEGY_KEEP;
}

/* Once for each relation; NULL: what it holds. */
static void
add_loss(PgmJudged *judged, const PgmEffect *effect, char *what)
{
	PgmFinding *loss;
	int64		bytes;
	ListCell   *lc;

	if (effect == NULL || effect->created_here || !OidIsValid(effect->relid))
		return;
	foreach(lc, judged->findings)
	{
		const PgmFinding *finding = lfirst(lc);

		if (strcmp(finding->rule->id, "loses-data") == 0 &&
			finding->relation != NULL &&
			strcmp(finding->relation, pgm_effect_name(effect)) == 0)
			return;
	}
	bytes = pgm_bytes_of_rows(effect);
	if (bytes == 0)
		return;
	if (what == NULL)
		what = psprintf("%s holds " INT64_FORMAT " kB of rows",
						pgm_effect_name(effect), (bytes + 1023) / 1024);
	loss = pgm_lint_find(judged, "loses-data", effect,
						 psprintf(is_kept(judged) ?
								  "data loss: %s, and nothing brings them back once finalize() has run" :
								  "data loss: %s, and no downgrade brings them back",
								  what),
						 pstrdup("Keep what it holds under another name, or in a backup that was tried, until nobody needs it."));
	loss->details = psprintf("{\"bytes\": " INT64_FORMAT "}", bytes);
	if (is_kept(judged))
		loss->level = PGM_LEVEL_WARNING;
}

static void
add_deleted(PgmJudged *judged, const PgmFinding *finding)
{
	const PgmVerdict *verdict = judged->verdict;
	Node	   *stmt = judged->source->statements[judged->n].raw->stmt;
	const PgmEffect *effect = pgm_finding_effect(judged, finding);
	char	   *what = NULL;

	if (effect == NULL || !finding->rows_go || keeps_most(verdict, stmt) ||
		pgm_rows_are_kept(judged->source, judged->n, effect->relid))
		return;
	if (!verdict->planned && verdict->all_rows > 0)
		what = psprintf("up to %.0f rows of %s are deleted",
						verdict->all_rows, finding->relation);
	else if (verdict->planned && verdict->changed_rows < verdict->all_rows)
		what = psprintf("about %.0f of %.0f rows of %s are deleted",
						verdict->changed_rows, verdict->all_rows,
						finding->relation);
	add_loss(judged, effect, what);
}

/* What is below another one goes with that. */
static bool
is_part(const PgmVerdict *verdict, const PgmEffect *effect)
{
	ListCell   *lc;

	foreach(lc, verdict->effects)
	{
		const PgmEffect *other = lfirst(lc);

		if (other->named && other != effect && OidIsValid(other->relid) &&
			list_member_oid(pgm_descendants(other->relid), effect->relid))
			return true;
	}
	return false;
}

/* All tables that the statement takes from everybody, named or not. */
static void
add_locked(PgmJudged *judged)
{
	ListCell   *lc;

	foreach(lc, judged->verdict->effects)
	{
		const PgmEffect *effect = lfirst(lc);

		if ((effect->relkind == RELKIND_RELATION ||
			 effect->relkind == RELKIND_PARTITIONED_TABLE) &&
			effect->mode == AccessExclusiveLock && !effect->created_here &&
			OidIsValid(effect->relid) &&
			(effect->named || !is_part(judged->verdict, effect)))
			add_loss(judged, effect, NULL);
	}
}

static bool
is_computed(const ColumnDef *column)
{
	ListCell   *lc;

	foreach(lc, column->constraints)
		if (lfirst_node(Constraint, lc)->contype == CONSTR_GENERATED)
		return true;
	return false;
}

/* Does this statement, or one after it, add the column with an expression? */
static bool
is_computed_again(const PgmJudged *judged, Oid relid, const char *name)
{
	for (int i = judged->n; i < judged->source->nstatements; i++)
	{
		const AlterTableStmt *stmt =
			(const AlterTableStmt *) judged->source->statements[i].raw->stmt;
		ListCell   *lc;

		if (!IsA(stmt, AlterTableStmt) ||
			pgm_lookup_relation(stmt->relation) != relid)
			continue;
		foreach(lc, stmt->cmds)
		{
			const AlterTableCmd *cmd = lfirst(lc);

			if (cmd->subtype == AT_AddColumn &&
				strcmp(castNode(ColumnDef, cmd->def)->colname, name) == 0)
				return is_computed(castNode(ColumnDef, cmd->def));
		}
	}
	return false;
}

/* What all columns that are dropped had was computed, and will be again. */
static bool
drops_computed(const PgmJudged *judged, const PgmEffect *effect)
{
	const PgmStatement *statement = &judged->source->statements[judged->n];
	const AlterTableStmt *stmt = (const AlterTableStmt *) statement->raw->stmt;
	ListCell   *lc;

	if (effect == NULL || !IsA(stmt, AlterTableStmt))
		return false;
	foreach(lc, stmt->cmds)
	{
		const AlterTableCmd *cmd = lfirst(lc);
		AttrNumber	column;

		if (cmd->subtype != AT_DropColumn)
			continue;
		column = get_attnum(effect->relid, cmd->name);
		if (column <= 0 ||
			get_attgenerated(effect->relid, column) == '\0' ||
			!is_computed_again(judged, effect->relid, cmd->name))
			return false;
	}
	return true;
}

static void
note_finding(PgmJudged *judged, const PgmFinding *finding)
{
	const char *rule = finding->rule->id;
	const PgmEffect *effect = pgm_finding_effect(judged, finding);

	if (strcmp(rule, "bulk-update") == 0)
		add_deleted(judged, finding);
	else if (strcmp(rule, "drop-column") == 0)
	{
		if (!drops_computed(judged, effect))
			add_loss(judged, effect, NULL);
	}
	else if (strcmp(rule, "drop-table") == 0)
		add_loss(judged, effect, NULL);
	else if (strcmp(rule, "truncate") == 0 ||
			 strcmp(rule, "drop-schema") == 0)
		add_locked(judged);
	else if (strcmp(rule, "cascading-delete") == 0 ||
			 (strcmp(rule, "drop-cascade") == 0 && effect != NULL &&
			  effect->relkind != RELKIND_VIEW &&
			  effect->relkind != RELKIND_MATVIEW))
		add_loss(judged, effect, pstrdup(finding->message));
}

/* ---- columns that are kept in the rows */

static Keeping
keeping_of(Oid relid)
{
	Datum		values[1] = {ObjectIdGetDatum(relid)};
	Keeping		keeping = {false, false};
	PgmSpiScope scope;

	pgm_spi_begin(&scope);
	if (pgm_spi_execute(&keeping_query, values, NULL) > 0)
	{
		keeping.columns = true;
		keeping.file = pgm_spi_bool(1, 1);
	}
	pgm_spi_end(&scope);
	return keeping;
}

static bool
makes_table(const PgmJudged *judged, Oid relid)
{
	return judged->strategy->kind == PGM_STRATEGY_SHADOW_TABLE &&
		judged->strategy->relid == relid;
}

/* Statements before it, of this plan, in the order in which they run. */
static Keeping
keeping_before(const List *judged, int at, Oid relid)
{
	Keeping		keeping = keeping_of(relid);

	for (int i = 0; i < at; i++)
	{
		const PgmJudged *one = list_nth(judged, i);

		if (is_kept(one) && one->strategy->relid == relid)
			keeping.columns = true;
		else if (keeping.columns && makes_table(one, relid))
			keeping.file = true;
	}
	return keeping;
}

/* Does it write the rows anew, and what was dropped of them is gone? */
static bool
ends_keeping(const List *judged, int at, const PgmEffect *effect)
{
	const PgmJudged *one = list_nth(judged, at);
	bool		makes = makes_table(one, effect->relid);
	Keeping		keeping;

	if (!makes && (one->strategy->kind != PGM_STRATEGY_PLAIN ||
				   effect->rewrites != PGM_TRUE))
		return false;
	keeping = keeping_before(judged, at, effect->relid);
	return keeping.columns && (keeping.file || !makes);
}

static void
note_kept(const List *judged, int at)
{
	PgmJudged  *one = list_nth(judged, at);
	ListCell   *lc;

	foreach(lc, one->verdict->effects)
	{
		const PgmEffect *effect = lfirst(lc);

		if (effect->relkind == RELKIND_RELATION && !effect->created_here &&
			OidIsValid(effect->relid) && ends_keeping(judged, at, effect))
			add_loss(one, effect,
					 psprintf("columns of %s that were dropped are kept in its rows, which are written anew",
							  pgm_effect_name(effect)));
	}
}

void
pgm_note_losses(List *judged, int n)
{
	for (int at = list_length(judged) - n; at < list_length(judged); at++)
	{
		PgmJudged  *one = list_nth(judged, at);
		List	   *findings = list_copy(one->findings);
		ListCell   *lc;

		foreach(lc, findings)
			note_finding(one, lfirst(lc));
		list_free(findings);
		note_kept(judged, at);
	}
}

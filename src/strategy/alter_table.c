/*-------------------------------------------------------------------------
 *
 * alter_table.c
 *	  ALTER TABLE in pieces, none of which holds a strong lock for long.
 *
 *	first		columns that the constraints need, and the constraints NOT
 *				VALID; with helpers that will prove that there are no nulls
 *	validate	each of them by itself, while the application writes
 *	build		the index of each key, CONCURRENTLY
 *	last		all the rest, keys USING INDEX, SET NOT NULL; the helpers go
 *
 * What fails does so before the last transaction, and what the pieces before
 * have made is taken back then, so that the statement is done or not done.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_class.h"
#include "catalog/pg_constraint.h"
#include "commands/defrem.h"
#include "nodes/makefuncs.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"

#include "base/spi_list.h"
#include "classify/classify.h"
#include "classify/related_relations.h"
#include "compat/command.h"
#include "compat/constraint.h"
#include "compat/not_null.h"
#include "compat/parse.h"
#include "compat/server.h"
#include "sql/source_text.h"
#include "strategy/columns.h"
#include "strategy/fill_column.h"
#include "strategy/internal.h"

/* Nulls are kept out of a column by its mark, or by a CHECK in these words. */
static PgmQuery nullable_query = {
	"SELECT NOT EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = $1 "
	"AND a.attname = $2 AND NOT a.attisdropped AND (a.attnotnull "
	"OR EXISTS (SELECT FROM pg_constraint k WHERE k.conrelid = a.attrelid "
	"AND k.contype = 'c' AND k.convalidated "
	"AND pg_get_expr(k.conbin, k.conrelid) = "
	"format('(%I IS NOT NULL)', a.attname))))",
	2, {OIDOID, TEXTOID}
};

/* The pieces, lists of texts. */
typedef struct Pieces
{
	PgmMaker   *maker;
	const char *only;			/* ONLY or nothing */
	List	   *new_columns;	/* of String: those that are made */
	bool		columns_first;	/* all of them, to keep their order */
	List	   *taken;			/* of String: names of new constraints */
	List	   *dropped;		/* of String: names of those that go */
	List	   *first;
	List	   *bound;			/* those of first that are constraints */
	List	   *undo;			/* of first */
	List	   *validate;		/* of String: names */
	List	   *last;
	List	   *helpers;		/* of String: names */
	List	   *proved;			/* of String: columns … */
	List	   *proofs;			/* … and names of what proves them */
	List	   *keys;			/* of Constraint *, with a name and an index */
	List	   *references;		/* of Constraint *, by partition … */
	List	   *reference_texts;	/* … and what comes after their names */
	const char *why_plain;
	List	   *fill;			/* of PgmFilledColumn * */
	bool		refers_to_itself;	/* a foreign key of it does */
	bool		fills;			/* a new column has values of its own */
	bool		rewrites;		/* another part does */
	bool		is_long;		/* without an online form */
	bool		online;			/* is anything gained? */
} Pieces;

static bool
is_among(List *names, const char *name)
{
	ListCell   *lc;

	foreach(lc, names)
	{
		if (strcmp(strVal(lfirst(lc)), name) == 0)
			return true;
	}
	return false;
}

static char *
join(List *texts)
{
	StringInfoData buf;
	ListCell   *lc;

	initStringInfo(&buf);
	foreach(lc, texts)
		appendStringInfo(&buf, "%s%s", buf.len > 0 ? ", " : "",
						 (char *) lfirst(lc));
	return buf.data;
}

static char *
alter(const Pieces *pieces, const char *parts)
{
	return psprintf("ALTER TABLE %s%s %s", pieces->only,
					pieces->maker->table, parts);
}

static void
add_long_work(Pieces *pieces, PgmWork work)
{
	pieces->is_long = true;
	pgm_strategy_add_work(pieces->maker, pieces->maker->relid, work);
}

static List *
add_name(List *names, const char *name)
{
	return lappend(names, makeString(pstrdup(name)));
}

/* NOT VALID, VALIDATE; "text" is what comes after the constraint's name. */
static void
add_not_valid(Pieces *pieces, const char *name, const char *text)
{
	char	   *part = psprintf("ADD CONSTRAINT %s %s NOT VALID",
								quote_identifier(name), text);

	pieces->first = lappend(pieces->first, part);
	pieces->bound = lappend(pieces->bound, part);
	pieces->undo = lappend(pieces->undo,
						   psprintf("DROP CONSTRAINT IF EXISTS %s",
									quote_identifier(name)));
	pieces->validate = add_name(pieces->validate, name);
	pieces->taken = add_name(pieces->taken, name);
	pieces->online = true;
	pgm_strategy_add_work(pieces->maker, pieces->maker->relid,
						  PGM_WORK_SCAN);
}

/* May the column be null, here or in a child? */
static bool
is_nullable(const Pieces *pieces, const char *column)
{
	const AlterTableStmt *stmt = castNode(AlterTableStmt,
										  pieces->maker->stmt);
	List	   *relids = list_make1_oid(pieces->maker->relid);
	ListCell   *lc;

	if (stmt->relation->inh)
		relids = list_concat(relids, pgm_descendants(pieces->maker->relid));
	foreach(lc, relids)
	{
		Datum		values[2] = {ObjectIdGetDatum(lfirst_oid(lc)),
		pgm_text_datum(column)};

		if (pgm_spi_one_bool(&nullable_query, values))
			return true;
	}
	return false;
}

/* A proof that the column has no nulls, unless there is one. */
static void
prove_not_null(Pieces *pieces, const char *column)
{
	bool		native = pgm_not_null_can_be_not_valid();
	char	   *name;

	if (is_among(pieces->proved, column) || !is_nullable(pieces, column))
		return;
	if (*pieces->only && (native || pieces->maker->subject->relkind ==
						  RELKIND_PARTITIONED_TABLE))
	{
		pieces->why_plain = "it is about the table ONLY";
		return;
	}
	pieces->proved = add_name(pieces->proved, column);
	name = pgm_name_helper(pieces->maker->relid, column, "not_null",
						   native ? pieces->taken :
						   pgm_names_given(pieces->maker->stmt, pieces->taken));
	pieces->proofs = add_name(pieces->proofs, name);
	if (native)
	{
		add_not_valid(pieces, name, psprintf("NOT NULL %s",
											 quote_identifier(column)));
		return;
	}
	add_not_valid(pieces, name,
				  psprintf("CHECK (%s IS NOT NULL)%s",
						   quote_identifier(column),
						   *pieces->only ? " NO INHERIT" : ""));
	pieces->helpers = add_name(pieces->helpers, name);
}

static void
set_not_null(Pieces *pieces, const char *column)
{
	bool		nullable = is_nullable(pieces, column);
	char	   *name = pgm_not_valid_not_null(pieces->maker->relid, column);

	if (name != NULL)
	{
		pieces->validate = add_name(pieces->validate, name);
		pieces->online = true;
		pgm_strategy_add_work(pieces->maker, pieces->maker->relid,
							  PGM_WORK_SCAN);
		return;
	}
	prove_not_null(pieces, column);

	/* the proof is the constraint itself, or there is none to need */
	if (!pgm_not_null_can_be_not_valid() || !nullable)
		pieces->last = lappend(pieces->last,
							   psprintf("ALTER COLUMN %s SET NOT NULL",
										quote_identifier(column)));
}

/* Does a part of the statement drop a constraint of that name? */
static bool
drops(const Pieces *pieces, const char *name)
{
	ListCell   *lc;

	foreach(lc, castNode(AlterTableStmt, pieces->maker->stmt)->cmds)
	{
		const AlterTableCmd *cmd = lfirst_node(AlterTableCmd, lc);

		if (cmd->subtype == AT_DropConstraint && strcmp(cmd->name, name) == 0)
			return true;
	}
	return false;
}

/*
 * The name of a key that is made anew is free when it is made, but not yet
 * when its index is built.
 */
static void
name_key(const Pieces *pieces, Constraint *key)
{
	Oid			relid = pieces->maker->relid;
	char	   *usual = makeObjectName(get_rel_name(relid), NULL, "pkey");

	if (key->conname == NULL && key->contype == CONSTR_PRIMARY &&
		drops(pieces, usual))
		key->conname = usual;
	key->conname = pgm_name_constraint(relid, key, key->keys, pieces->taken);
	key->indexname = drops(pieces, key->conname) ?
		pgm_name_helper(relid, NULL, "new_key", pieces->taken) : key->conname;
}

/* Is it about the partitions at all, and could they have it? */
static bool
cannot_have_by_partition(Pieces *pieces)
{
	if (*pieces->only)
		pieces->why_plain = "it is about the table ONLY";
	else if (pgm_strategy_has_foreign_partition(pieces->maker->relid))
		pieces->why_plain = "a partition is a foreign table";
	else
		return false;
	return true;
}

static void
add_key(Pieces *pieces, const Constraint *constraint, const char *text)
{
	Constraint *key = copyObject(unconstify(Constraint *, constraint));
	Oid			relid = pieces->maker->relid;
	bool		partitioned =
		pieces->maker->subject->relkind == RELKIND_PARTITIONED_TABLE;
	ListCell   *lc;

	if (key->contype == CONSTR_PRIMARY)
		foreach(lc, key->keys)
			prove_not_null(pieces, strVal(lfirst(lc)));
	name_key(pieces, key);
	if (is_among(pieces->taken, key->indexname) ||
		OidIsValid(get_relname_relid(key->indexname,
									 pieces->maker->namespace)) ||
		(partitioned && strcmp(key->indexname, key->conname) != 0))
	{
		pieces->why_plain = "a relation has the name of the key";
		return;
	}
	if (!drops(pieces, key->conname) &&
		OidIsValid(get_relation_constraint_oid(relid, key->conname, true)))
	{
		pieces->why_plain = "a constraint has the name of the key";
		return;
	}
	if (!pgm_strategy_has_partition_key(relid, key->keys))
	{
		pieces->why_plain = "it lacks a column of the partition key";
		return;
	}
	if (partitioned && cannot_have_by_partition(pieces))
		return;
	pgm_strategy_take(pieces->maker, relid, key->conname);
	pieces->taken = add_name(pieces->taken, key->indexname);
	pieces->keys = lappend(pieces->keys, key);

	/* that of a partitioned table finds those of the partitions */
	pieces->last = lappend(pieces->last,
						   partitioned ?
						   psprintf("ADD CONSTRAINT %s %s",
									quote_identifier(key->conname), text) :
						   psprintf("ADD CONSTRAINT %s %s USING INDEX %s%s",
									quote_identifier(key->conname),
									pgm_strategy_key_kind(key),
									quote_identifier(key->indexname),
									pgm_strategy_key_deferral(key)));
	pieces->online = true;
	pgm_strategy_add_work(pieces->maker, relid, PGM_WORK_INDEX);
}

/* The columns of an index that is to be the primary key. */
static void
prove_key_of_index(Pieces *pieces, const char *name)
{
	ListCell   *lc;

	foreach(lc, pgm_strategy_index_columns(pieces->maker->relid, name))
		prove_not_null(pieces, lfirst(lc));
}

/* The constraint's text without ADD and its name. */
static char *
after_name(const char *text, const Constraint *constraint)
{
	return pgm_strategy_skip_words(text, constraint->conname ? 3 : 1);
}

/* A foreign key of a partitioned table, where it cannot be NOT VALID. */
static bool
key_by_partition(const Pieces *pieces)
{
	return pieces->maker->subject->relkind == RELKIND_PARTITIONED_TABLE &&
		!pgm_partitioned_keys_not_valid();
}

/* It finds those of the partitions, which are valid by then. */
static void
add_reference(Pieces *pieces, const char *name, const Constraint *constraint,
			  const char *text)
{
	Constraint *reference = copyObject(unconstify(Constraint *, constraint));

	if (cannot_have_by_partition(pieces))
		return;
	reference->conname = pstrdup(name);
	pieces->references = lappend(pieces->references, reference);
	pieces->reference_texts = lappend(pieces->reference_texts,
									  pstrdup(text));
	pieces->taken = add_name(pieces->taken, name);
	pieces->last = lappend(pieces->last,
						   psprintf("ADD CONSTRAINT %s %s",
									quote_identifier(name), text));
	pieces->online = true;
	pgm_strategy_add_work(pieces->maker, pieces->maker->relid,
						  PGM_WORK_SCAN);
}

static void
add_constraint(Pieces *pieces, const Constraint *constraint,
			   const char *text)
{
	Oid			relid = pieces->maker->relid;
	char	   *name;

	if (constraint->contype == CONSTR_PRIMARY &&
		constraint->indexname != NULL)
		prove_key_of_index(pieces, constraint->indexname);
	if (!pgm_constraint_is_checked(constraint) ||
		constraint->indexname != NULL)
	{
		pieces->last = lappend(pieces->last, pstrdup(text));
		return;
	}
	if (pgm_not_null_column(constraint) != NULL)
	{
		name = constraint->conname ? constraint->conname :
			pgm_name_helper(relid, pgm_not_null_column(constraint),
							"not_null", pieces->taken);
		add_not_valid(pieces, name, after_name(text, constraint));
		return;
	}
	switch (constraint->contype)
	{
		case CONSTR_CHECK:
			name = pgm_name_constraint(relid, constraint, NIL,
									   pieces->taken);
			add_not_valid(pieces, name, after_name(text, constraint));
			break;
		case CONSTR_FOREIGN:
			pieces->refers_to_itself |=
				pgm_lookup_relation(constraint->pktable) == relid;
			name = pgm_name_constraint(relid, constraint,
									   constraint->fk_attrs, pieces->taken);
			if (key_by_partition(pieces))
				add_reference(pieces, name, constraint,
							  after_name(text, constraint));
			else
				add_not_valid(pieces, name, after_name(text, constraint));
			break;
		case CONSTR_PRIMARY:
		case CONSTR_UNIQUE:
			add_key(pieces, constraint, after_name(text, constraint));
			break;
		default:
			pieces->why_plain = "there is no concurrent form for an exclusion constraint";
			add_long_work(pieces, PGM_WORK_INDEX);
			break;
	}
}

/* Does a constraint of this statement need the column? */
static bool
is_needed(const Pieces *pieces, const char *column)
{
	ListCell   *lc;

	foreach(lc, castNode(AlterTableStmt, pieces->maker->stmt)->cmds)
	{
		AlterTableCmd *cmd = lfirst_node(AlterTableCmd, lc);
		Constraint *constraint;

		if (cmd->subtype == AT_SetNotNull && strcmp(cmd->name, column) == 0)
			return true;
		if (cmd->subtype != AT_AddConstraint)
			continue;
		constraint = castNode(Constraint, cmd->def);
		if (is_among(constraint->keys, column) ||
			is_among(constraint->including, column) ||
			is_among(constraint->fk_attrs, column) ||
			(constraint->raw_expr != NULL &&
			 pgm_name_mentioned(constraint->raw_expr, column)))
			return true;
	}
	return false;
}

/*
 * A new column that is filled after it is made; false if it is to be made
 * otherwise.
 */
static bool
fill_column(Pieces *pieces, AlterTableCmd *cmd, const char *text)
{
	PgmMaker   *maker = pieces->maker;
	ColumnDef  *column = castNode(ColumnDef, cmd->def);
	PgmFilledColumn *filled = pgm_filled_column(maker, column, text);
	PgmColumnParts *parts;
	ListCell   *lc;
	ListCell   *lc2;

	if (filled == NULL || *pieces->only)
		return false;
	pieces->first = list_concat(pieces->first, filled->parts);
	pieces->undo = lappend(pieces->undo,
						   psprintf("DROP COLUMN IF EXISTS %s",
									quote_identifier(column->colname)));
	pieces->new_columns = add_name(pieces->new_columns, column->colname);
	pieces->fill = lappend(pieces->fill, filled);
	pieces->online = true;
	if (filled->not_null)
		set_not_null(pieces, column->colname);
	parts = pgm_column_parts(maker->source, maker->n, cmd, text);
	forboth(lc, parts->constraints, lc2, parts->texts)
		add_constraint(pieces, lfirst(lc), lfirst(lc2));
	return true;
}

/* ADD COLUMN IF NOT EXISTS, and it does. */
static bool
is_there(const Pieces *pieces, const AlterTableCmd *cmd)
{
	return cmd->missing_ok &&
		get_attnum(pieces->maker->relid,
				   castNode(ColumnDef, cmd->def)->colname) !=
		InvalidAttrNumber;
}

/*
 * Is a new column to be there before the last transaction?  Then all are made
 * with it, for their order is that of the statement.
 */
static bool
columns_come_first(const Pieces *pieces, List *texts)
{
	const PgmMaker *maker = pieces->maker;
	ListCell   *lc;
	ListCell   *lc2;

	forboth(lc, castNode(AlterTableStmt, maker->stmt)->cmds, lc2, texts)
	{
		AlterTableCmd *cmd = lfirst_node(AlterTableCmd, lc);
		ColumnDef  *column;

		if (cmd->subtype != AT_AddColumn || is_there(pieces, cmd))
			continue;
		column = castNode(ColumnDef, cmd->def);
		if (pgm_column_is_filled(column) ||
			is_needed(pieces, column->colname) ||
			pgm_column_parts(maker->source, maker->n, cmd,
							 pgm_slice_trim(lfirst(lc2)))->constraints != NIL)
			return true;
	}
	return false;
}

/* A new column, and the constraints that are written with it. */
static void
add_column(Pieces *pieces, AlterTableCmd *cmd, const char *text)
{
	ColumnDef  *column = castNode(ColumnDef, cmd->def);
	PgmColumnParts *parts;
	ListCell   *lc;
	ListCell   *lc2;

	if (is_there(pieces, cmd))
	{
		pieces->last = lappend(pieces->last, pstrdup(text));
		return;
	}
	if (pgm_column_is_filled(column))
	{
		pgm_strategy_add_work(pieces->maker, pieces->maker->relid,
							  PGM_WORK_REWRITE);
		if (!fill_column(pieces, cmd, text))
			pieces->fills = true;
		return;
	}
	parts = pgm_column_parts(pieces->maker->source, pieces->maker->n, cmd,
							 text);
	if (pieces->columns_first)
	{
		pieces->first = lappend(pieces->first, parts->bare);
		pieces->undo = lappend(pieces->undo,
							   psprintf("DROP COLUMN IF EXISTS %s",
										quote_identifier(column->colname)));
		pieces->new_columns = add_name(pieces->new_columns, column->colname);
	}
	else
		pieces->last = lappend(pieces->last, pstrdup(text));
	forboth(lc, parts->constraints, lc2, parts->texts)
		add_constraint(pieces, lfirst(lc), lfirst(lc2));
}

/* What has no rows is only told where new partitions are to be. */
static void
move_table(Pieces *pieces, const char *tablespace)
{
	PgmMaker   *maker = pieces->maker;

	if (maker->subject->relkind != RELKIND_RELATION ||
		pgm_is_in_tablespace(maker->relid, tablespace))
		return;
	pieces->rewrites = true;
	pgm_strategy_add_work(maker, maker->relid, PGM_WORK_REWRITE);
}

static void
add_part(Pieces *pieces, AlterTableCmd *cmd, const char *text)
{
	switch (cmd->subtype)
	{
		case AT_AddColumn:
			add_column(pieces, cmd, text);
			break;
		case AT_AddConstraint:
			add_constraint(pieces, castNode(Constraint, cmd->def), text);
			break;
		case AT_SetNotNull:
			set_not_null(pieces, cmd->name);
			break;
		case AT_AlterColumnType:
			/* an untried verdict does not tell, and all are to say the same */
			if (pgm_type_change_may_rewrite(pieces->maker->relid, cmd))
			{
				pieces->rewrites = true;
				pgm_strategy_add_work(pieces->maker, pieces->maker->relid,
									  PGM_WORK_REWRITE);
			}
			pieces->last = lappend(pieces->last, pstrdup(text));
			break;
		case AT_SetTableSpace:
			move_table(pieces, cmd->name);
			pieces->last = lappend(pieces->last, pstrdup(text));
			break;
		default:
			if (!pgm_strategy_part_is_short(cmd))
				pieces->why_plain = "a part of it has no online form";
			if (pgm_strategy_part_is_long(pieces->maker->relid, cmd))
				add_long_work(pieces, PGM_WORK_REWRITE);
			if (cmd->subtype == AT_DropConstraint ||
				cmd->subtype == AT_DropColumn)
				pieces->dropped = add_name(pieces->dropped, cmd->name);
			pieces->last = lappend(pieces->last, pstrdup(text));
			break;
	}
}

/* Does one part make what another one drops? */
static bool
is_at_odds(const Pieces *pieces)
{
	ListCell   *lc;

	foreach(lc, pieces->dropped)
	{
		const char *name = strVal(lfirst(lc));

		if (is_among(pieces->taken, name) ||
			is_among(pieces->new_columns, name) || is_needed(pieces, name))
			return true;
	}
	return false;
}

static void
add_validation(const Pieces *pieces, const char *name)
{
	char	   *part = psprintf("VALIDATE CONSTRAINT %s",
								quote_identifier(name));
	PgmStrategyStep *step = pgm_strategy_add_step(pieces->maker,
												  alter(pieces, part), NULL);
	ListCell   *lc;
	ListCell   *lc2;

	forboth(lc, pieces->proofs, lc2, pieces->proved)
	{
		const char *column = strVal(lfirst(lc2));

		if (strcmp(strVal(lfirst(lc)), name) != 0)
			continue;

		/* a helper is not what the user has written */
		if (is_among(pieces->helpers, name))
			step->column = pstrdup(column);

		/* null was allowed before, and may have been written */
		step->refill = pgm_fill_again(pieces->maker, pieces->fill, column);
	}
}

/*
 * What is made at first.  A constraint comes after the filling: before that an
 * UPDATE by somebody else of a row that has no value yet would violate it.
 */
static void
make_first_steps(Pieces *pieces)
{
	PgmMaker   *maker = pieces->maker;
	List	   *first = pieces->fill == NIL ? pieces->first :
		list_difference_ptr(pieces->first, pieces->bound);

	if (first != NIL)
		(void) pgm_strategy_add_step(maker,
									 pgm_fill_around(pieces->fill,
													 alter(pieces, join(first))),
									 pgm_fill_undo(pieces->fill,
												   alter(pieces, join(pieces->undo))));
	if (pieces->fill == NIL)
		return;
	pgm_fill_steps(maker, pieces->fill);
	if (pieces->bound != NIL)
		(void) pgm_strategy_add_step(maker,
									 alter(pieces, join(pieces->bound)),
									 NULL);
}

/* The pieces in their order. */
static void
make_steps(Pieces *pieces)
{
	PgmMaker   *maker = pieces->maker;
	List	   *drops = NIL;
	char	   *sql = NULL;
	ListCell   *lc;
	ListCell   *lc2;

	make_first_steps(pieces);
	foreach(lc, pieces->validate)
		add_validation(pieces, strVal(lfirst(lc)));
	foreach(lc, pieces->keys)
	{
		const Constraint *key = lfirst(lc);

		if (maker->subject->relkind == RELKIND_PARTITIONED_TABLE)
			pgm_strategy_keys_of_partitions(maker, key, pieces->proved == NIL ?
											NULL :
											linitial(maker->strategy->steps));
		else
			pgm_strategy_build_index(maker, maker->relid, true,
									 key->indexname, pgm_strategy_key_definition(key));
	}
	forboth(lc, pieces->references, lc2, pieces->reference_texts)
		pgm_strategy_references_of_partitions(maker, lfirst(lc), lfirst(lc2));
	if (pieces->last != NIL)
		sql = alter(pieces, join(pieces->last));
	foreach(lc, pieces->helpers)
		drops = lappend(drops,
						psprintf("DROP CONSTRAINT %s",
								 quote_identifier(strVal(lfirst(lc)))));
	if (drops != NIL)
		sql = psprintf("%s%s%s", sql ? sql : "", sql ? ";\n" : "",
					   alter(pieces, join(drops)));
	foreach(lc, pieces->fill)
	{
		const PgmFilledColumn *filled = lfirst(lc);

		if (filled->finish != NULL)
			sql = psprintf("%s%s%s", sql ? sql : "", sql ? ";\n" : "",
						   filled->finish);
	}
	if (sql != NULL)
		(void) pgm_strategy_add_step(maker, sql, NULL);
}

/* What goes through all rows needs another kind; true if it does. */
static bool
choose_kind(const Pieces *pieces)
{
	PgmStrategy *strategy = pieces->maker->strategy;

	if (!pieces->fills && !pieces->rewrites)
		return pgm_strategy_keep_columns(pieces->maker);
	strategy->kind = PGM_STRATEGY_SHADOW_TABLE;
	strategy->name = "shadow table";
	strategy->method = PGM_METHOD_TABLE;
	return true;
}

static const char *
strategy_name(const Pieces *pieces)
{
	if (pieces->fill != NIL)
		return "add column, then fill";
	if (pieces->keys != NIL)
		return "unique index concurrently, then constraint";
	if (pieces->proved != NIL)
		return "prove not null, then set";
	return "not valid, then validate";
}

void
pgm_strategy_alter_table(PgmMaker *maker)
{
	AlterTableStmt *stmt = castNode(AlterTableStmt, maker->stmt);
	char	   *rest = pgm_source_after_name(maker->source, maker->n,
											 stmt->relation->location);
	List	   *texts;
	Pieces		pieces = {0};
	ListCell   *lc;
	ListCell   *lc2;

	if (list_length(stmt->cmds) == 1)
	{
		AlterTableCmd *cmd = linitial_node(AlterTableCmd, stmt->cmds);

		if (cmd->subtype == AT_AttachPartition ||
			cmd->subtype == AT_DetachPartition)
		{
			pgm_strategy_partition(maker, cmd);
			return;
		}
	}
	if (rest == NULL || (maker->subject->relkind != RELKIND_RELATION &&
						 maker->subject->relkind != RELKIND_PARTITIONED_TABLE))
		return;
	texts = pgm_slice_list(psprintf("(%s)", rest));
	if (list_length(texts) != list_length(stmt->cmds))
		return;

	pieces.maker = maker;
	pieces.only = stmt->relation->inh ? "" : "ONLY ";
	pieces.columns_first = columns_come_first(&pieces, texts);
	forboth(lc, stmt->cmds, lc2, texts)
		add_part(&pieces, lfirst_node(AlterTableCmd, lc),
				 pgm_slice_trim(lfirst(lc2)));
	if (choose_kind(&pieces) || !(pieces.online || pieces.is_long))
		return;
	if (pieces.why_plain == NULL && is_at_odds(&pieces))
		pieces.why_plain = "one part of it makes what another one drops";
	if (pieces.why_plain == NULL && pieces.refers_to_itself &&
		pieces.keys != NIL)
		pieces.why_plain = "a foreign key of it may refer to a key of it";
	if (pieces.why_plain != NULL)
	{
		pgm_strategy_stay_plain(maker, pieces.why_plain);
		return;
	}
	pgm_strategy_by_steps(maker, strategy_name(&pieces));
	make_steps(&pieces);
}

/*-------------------------------------------------------------------------
 *
 * safe_form.c
 *	  The safe form of a statement, written for its own table.
 *
 * Names that a statement leaves to the server are those that the server would
 * choose, so that what a hint proposes ends as the statement itself would.  A
 * hint is SQL that ends with a semicolon, one statement in a line, and says in
 * comments what must come between them; or it is words that end with a period.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_class.h"
#include "catalog/pg_constraint.h"
#include "catalog/pg_inherits.h"
#include "commands/defrem.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"

#include "compat/constraint.h"
#include "compat/parse.h"
#include "compat/server.h"
#include "lint/internal.h"
#include "lint/safe_form.h"
#include "strategy/names.h"

/* As many of the relations below one are written out, the others counted. */
#define PGM_WRITTEN_OUT 4

char *
pgm_lint_joined(List *names, const char *between)
{
	StringInfoData buf;
	ListCell   *lc;

	initStringInfo(&buf);
	foreach(lc, names)
	{
		if (buf.len > 0)
			appendStringInfoString(&buf, between);
		appendStringInfoString(&buf, strVal(lfirst(lc)));
	}
	return buf.data;
}

/*
 * The name that a constraint has or gets; quoted.  "columns" are those of a
 * key or foreign key.  The table may be called otherwise by then.
 */
const char *
pgm_lint_constraint_name(const PgmLint *lint, const Constraint *constraint,
						 List *columns)
{
	Oid			namespace = get_rel_namespace(lint->effect->relid);

	return quote_identifier(pgm_name_constraint_of(lint->effect->name,
												   namespace, constraint,
												   columns, NIL));
}

static const char *
deferral(const Constraint *constraint)
{
	if (constraint->initdeferred)
		return " DEFERRABLE INITIALLY DEFERRED";
	return constraint->deferrable ? " DEFERRABLE" : "";
}

static const char *
key_action(char action)
{
	switch (action)
	{
		case FKCONSTR_ACTION_RESTRICT:
			return "RESTRICT";
		case FKCONSTR_ACTION_CASCADE:
			return "CASCADE";
		case FKCONSTR_ACTION_SETNULL:
			return "SET NULL";
		case FKCONSTR_ACTION_SETDEFAULT:
			return "SET DEFAULT";
		default:
			return NULL;
	}
}

static char *
foreign_key_clause(const Constraint *constraint, List *columns)
{
	StringInfoData buf;
	const char *on_update = key_action(constraint->fk_upd_action);
	const char *on_delete = key_action(constraint->fk_del_action);
	List	   *set = pgm_foreign_key_set_columns(constraint);

	initStringInfo(&buf);
	appendStringInfo(&buf, "FOREIGN KEY (%s) REFERENCES %s",
					 pgm_name_list(columns),
					 pgm_lint_qualified(constraint->pktable));
	if (constraint->pk_attrs != NIL)
		appendStringInfo(&buf, " (%s)", pgm_name_list(constraint->pk_attrs));
	if (constraint->fk_matchtype == FKCONSTR_MATCH_FULL)
		appendStringInfoString(&buf, " MATCH FULL");
	if (on_update != NULL)
		appendStringInfo(&buf, " ON UPDATE %s", on_update);
	if (on_delete != NULL)
		appendStringInfo(&buf, " ON DELETE %s", on_delete);
	if (on_delete != NULL && set != NIL)
		appendStringInfo(&buf, " (%s)", pgm_name_list(set));
	appendStringInfoString(&buf, deferral(constraint));
	return buf.data;
}

/* The tables with the rows of a relation: itself, or what is below it. */
List *
pgm_lint_leaves(Oid relid)
{
	List	   *leaves = NIL;
	ListCell   *lc;

	if (get_rel_relkind(relid) != RELKIND_PARTITIONED_TABLE)
		leaves = lappend_oid(leaves, relid);
	foreach(lc, pgm_descendants(relid))
	{
		if (get_rel_relkind(lfirst_oid(lc)) == RELKIND_RELATION)
			leaves = lappend_oid(leaves, lfirst_oid(lc));
	}
	return leaves;
}

/* Leave the rest of many relations to the reader; true at the first of it. */
bool
pgm_lint_and_so_on(StringInfo buf, List *relids, int i)
{
	if (i < PGM_WRITTEN_OUT || list_length(relids) == i + 1)
		return false;
	appendStringInfo(buf, "-- the same for %d more, then:\n",
					 list_length(relids) - i);
	return true;
}

char *
pgm_lint_done(StringInfo buf)
{
	while (buf->len > 0 && buf->data[buf->len - 1] == '\n')
		buf->data[--buf->len] = '\0';
	return buf->data;
}

/* Names of constraints and indexes of other relations than the subject. */
static const char *
chosen_name(Oid relid, const char *columns, const char *label,
			bool constraint)
{
	return quote_identifier(ChooseRelationName(get_rel_name(relid), columns,
											   label,
											   get_rel_namespace(relid),
											   constraint));
}

static const char *
proof_name(const PgmLint *lint, const char *column)
{
	return quote_identifier(ChooseConstraintName(lint->effect->name, column,
												 "not_null",
												 get_rel_namespace(lint->effect->relid),
												 NIL));
}

/*
 * Prove that a column has no nulls, with locks that nobody notices.  Ends
 * within the revision in which SET NOT NULL, or a primary key, is free.
 */
void
pgm_lint_prove_not_null(StringInfo buf, const PgmLint *lint,
						const char *column)
{
	const char *name = proof_name(lint, column);
	const char *quoted = quote_identifier(column);

	if (pgm_not_null_can_be_not_valid())
		appendStringInfo(buf, "ALTER TABLE %s ADD CONSTRAINT %s NOT NULL %s NOT VALID;\n",
						 lint->name, name, quoted);
	else
		appendStringInfo(buf, "ALTER TABLE %s ADD CONSTRAINT %s CHECK (%s IS NOT NULL) NOT VALID;\n",
						 lint->name, name, quoted);
	appendStringInfo(buf, PGM_LATER "ALTER TABLE %s VALIDATE CONSTRAINT %s;\n",
					 lint->name, name);
}

/* After that: nothing is left to be read. */
void
pgm_lint_set_not_null(StringInfo buf, const PgmLint *lint,
					  const char *column, bool set)
{
	if (pgm_not_null_can_be_not_valid())
		return;
	if (set)
		appendStringInfo(buf, PGM_LATER "ALTER TABLE %s ALTER COLUMN %s SET NOT NULL;\n",
						 lint->name, quote_identifier(column));
	appendStringInfo(buf, "ALTER TABLE %s DROP CONSTRAINT %s;\n",
					 lint->name, proof_name(lint, column));
}

/* A foreign key of a partitioned table, where that cannot be NOT VALID. */
static void
key_of_partitions(StringInfo buf, const PgmLint *lint, const char *clause,
				  const char *columns)
{
	List	   *leaves = pgm_lint_leaves(lint->effect->relid);
	ListCell   *lc;

	foreach(lc, leaves)
	{
		Oid			relid = lfirst_oid(lc);
		const char *name;

		name = quote_identifier(ChooseConstraintName(get_rel_name(relid),
													 columns, "fkey",
													 get_rel_namespace(relid),
													 NIL));
		if (pgm_lint_and_so_on(buf, leaves, foreach_current_index(lc)))
			break;
		appendStringInfo(buf, "ALTER TABLE %s ADD CONSTRAINT %s %s NOT VALID;\n"
						 PGM_LATER "ALTER TABLE %s VALIDATE CONSTRAINT %s;\n",
						 pgm_lint_relation(relid), name, clause,
						 pgm_lint_relation(relid), name);
	}
	appendStringInfoString(buf, PGM_LATER);
}

char *
pgm_lint_not_valid(const PgmLint *lint, const Constraint *constraint,
				   List *columns)
{
	const char *name = pgm_lint_constraint_name(lint, constraint, columns);
	const char *clause;
	StringInfoData buf;

	initStringInfo(&buf);
	if (constraint->contype == CONSTR_FOREIGN)
	{
		clause = foreign_key_clause(constraint, columns);
		if (lint->effect->relkind == RELKIND_PARTITIONED_TABLE &&
			!pgm_partitioned_keys_not_valid())
		{
			key_of_partitions(&buf, lint, clause, pgm_lint_joined(columns, "_"));
			appendStringInfo(&buf, "ALTER TABLE %s ADD CONSTRAINT %s %s;",
							 lint->name, name, clause);
			return buf.data;
		}
	}
	else
		clause = psprintf("CHECK %s%s",
						  pgm_lint_parens(lint, constraint->location),
						  constraint->is_no_inherit ? " NO INHERIT" : "");
	appendStringInfo(&buf, "ALTER TABLE %s ADD CONSTRAINT %s %s NOT VALID;\n"
					 PGM_LATER "ALTER TABLE %s VALIDATE CONSTRAINT %s;",
					 lint->name, name, clause, lint->name, name);
	return buf.data;
}

/* The index of a key, and what makes it one, of one table. */
static void
key_of_table(StringInfo buf, const char *table, const char *name,
			 const char *kind, const char *definition, const char *deferral)
{
	appendStringInfo(buf, "CREATE UNIQUE INDEX CONCURRENTLY %s ON %s %s;\n"
					 PGM_LATER "ALTER TABLE %s ADD CONSTRAINT %s %s USING INDEX %s%s;\n",
					 name, table, definition, table, name, kind, name,
					 deferral);
}

char *
pgm_lint_key_by_index(const PgmLint *lint, const Constraint *constraint,
					  List *columns)
{
	bool		primary = constraint->contype == CONSTR_PRIMARY;
	const char *name = pgm_lint_constraint_name(lint, constraint, columns);
	const char *kind = primary ? "PRIMARY KEY" : "UNIQUE";
	char	   *definition = psprintf("(%s)", pgm_name_list(columns));
	List	   *nullable = NIL;
	List	   *leaves;
	StringInfoData buf;
	ListCell   *lc;

	initStringInfo(&buf);
	if (constraint->including != NIL)
		definition = psprintf("%s INCLUDE (%s)", definition,
							  pgm_name_list(constraint->including));
	if (primary)
		nullable = pgm_lint_nullable(lint->effect->relid, columns);
	foreach(lc, nullable)
		pgm_lint_prove_not_null(&buf, lint, strVal(lfirst(lc)));
	if (nullable != NIL)
		appendStringInfoString(&buf, PGM_LATER);
	if (lint->effect->relkind != RELKIND_PARTITIONED_TABLE)
		key_of_table(&buf, lint->name, name, kind,
					 pgm_nulls_not_distinct(constraint) ?
					 psprintf("%s NULLS NOT DISTINCT", definition) :
					 definition, deferral(constraint));
	else
	{
		leaves = pgm_lint_leaves(lint->effect->relid);
		foreach(lc, leaves)
		{
			Oid			relid = lfirst_oid(lc);

			if (pgm_lint_and_so_on(&buf, leaves, foreach_current_index(lc)))
				break;
			key_of_table(&buf, pgm_lint_relation(relid),
						 chosen_name(relid, primary ? NULL :
									 pgm_lint_joined(columns, "_"),
									 primary ? "pkey" : "key", true),
						 kind,
						 pgm_nulls_not_distinct(constraint) ?
						 psprintf("%s NULLS NOT DISTINCT", definition) :
						 definition, deferral(constraint));
			appendStringInfoString(&buf, PGM_LATER);
		}
		appendStringInfo(&buf, "ALTER TABLE %s ADD CONSTRAINT %s %s%s %s%s;\n",
						 lint->name, name, kind,
						 pgm_nulls_not_distinct(constraint) ?
						 " NULLS NOT DISTINCT" : "",
						 definition, deferral(constraint));
	}
	foreach(lc, nullable)
		pgm_lint_set_not_null(&buf, lint, strVal(lfirst(lc)), false);
	return pgm_lint_done(&buf);
}

/* One level of an index on a partitioned table, and what is below it. */
static void
index_of_partitions(StringInfo buf, Oid relid, const char *parent,
					const char *unique, const char *definition,
					const char *columns, int *left)
{
	ListCell   *lc;

	foreach(lc, find_inheritance_children(relid, NoLock))
	{
		Oid			child = lfirst_oid(lc);
		bool		partitioned =
			get_rel_relkind(child) == RELKIND_PARTITIONED_TABLE;
		const char *schema = get_namespace_name(get_rel_namespace(child));
		const char *name = chosen_name(child, columns, "idx", false);
		const char *qualified = psprintf("%s.%s", quote_identifier(schema),
										 name);

		if ((*left)-- <= 0)
			continue;
		appendStringInfo(buf, PGM_LATER "CREATE %sINDEX %s%s ON %s%s%s;\n",
						 unique,
						 partitioned ? "" : "CONCURRENTLY ", name,
						 partitioned ? "ONLY " : "",
						 pgm_lint_relation(child), definition);
		if (partitioned)
			index_of_partitions(buf, child, qualified, unique, definition,
								columns, left);
		appendStringInfo(buf, PGM_LATER "ALTER INDEX %s ATTACH PARTITION %s;\n",
						 parent, qualified);
	}
}

char *
pgm_lint_index_by_partition(const PgmLint *lint, Oid relid,
							const char *unique, const char *name,
							const char *definition, const char *columns)
{
	const char *schema = get_namespace_name(get_rel_namespace(relid));
	int			left = PGM_WRITTEN_OUT;
	StringInfoData buf;

	initStringInfo(&buf);
	if (*name == '\0')
		name = chosen_name(relid, columns, "idx", false);
	appendStringInfo(&buf, "CREATE %sINDEX %s ON ONLY %s%s;\n", unique, name,
					 pgm_lint_relation(relid), definition);
	index_of_partitions(&buf, relid,
						psprintf("%s.%s", quote_identifier(schema), name),
						unique, definition, columns, &left);
	if (left < 0)
		appendStringInfo(&buf, "-- the same for %d more partitions", -left);
	return pgm_lint_done(&buf);
}

/*-------------------------------------------------------------------------
 *
 * lint_form.c
 *	  The safe form of a statement, written for its own table.
 *
 * Names that a statement leaves to the server are those that the server would
 * choose, so that what a hint proposes ends as the statement itself would.
 *
 * Copyright (c) 2026, pgmigrate developers
 *
 * IDENTIFICATION
 *	  src/lint_form.c
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_class.h"
#include "catalog/pg_constraint.h"
#include "compat.h"
#include "compat_constraint.h"
#include "compat_parse.h"
#include "lint_private.h"
#include "slice.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"

static char *
joined(List *names, const char *between)
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

/* The only column of an expression, or NULL if there are several or none. */
typedef struct OnlyColumn
{
	const char *name;
	bool		several;
} OnlyColumn;

static bool
column_walker(Node *node, void *context)
{
	OnlyColumn *only = context;

	if (node == NULL)
		return false;
	if (IsA(node, ColumnRef))
	{
		Node	   *last = llast(castNode(ColumnRef, node)->fields);
		const char *name = IsA(last, String) ? strVal(last) : NULL;

		only->several |= name == NULL ||
			(only->name != NULL && strcmp(only->name, name) != 0);
		only->name = name;
		return only->several;
	}
	return raw_expression_tree_walker(node, column_walker, context);
}

static const char *
column_of_check(Node *expression)
{
	OnlyColumn	only = {NULL, false};

	(void) column_walker(expression, &only);
	return only.several ? NULL : only.name;
}

/*
 * The name that a constraint has or gets; quoted.  "columns" are those of a
 * key or foreign key.
 */
const char *
pgm_lint_constraint_name(const PgmLint *lint, const Constraint *constraint,
						 List *columns)
{
	const char *table = lint->touch->name;
	Oid			namespace = get_rel_namespace(lint->touch->relid);
	const char *name = constraint->conname;

	if (name == NULL)
		switch (constraint->contype)
		{
			case CONSTR_CHECK:
				name = ChooseConstraintName(table,
											column_of_check(constraint->raw_expr),
											"check", namespace, NIL);
				break;
			case CONSTR_FOREIGN:
				name = ChooseConstraintName(table, joined(columns, "_"),
											"fkey", namespace, NIL);
				break;
			case CONSTR_PRIMARY:
				name = ChooseRelationName(table, NULL, "pkey", namespace,
										  true);
				break;
			default:
				name = ChooseRelationName(table,
										  joined(list_concat_copy(columns,
																  constraint->including),
												 "_"),
										  "key", namespace, true);
				break;
		}
	return quote_identifier(name);
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
					 pgm_lint_names(columns),
					 pgm_lint_qualified(constraint->pktable));
	if (constraint->pk_attrs != NIL)
		appendStringInfo(&buf, " (%s)", pgm_lint_names(constraint->pk_attrs));
	if (constraint->fk_matchtype == FKCONSTR_MATCH_FULL)
		appendStringInfoString(&buf, " MATCH FULL");
	if (on_update != NULL)
		appendStringInfo(&buf, " ON UPDATE %s", on_update);
	if (on_delete != NULL)
		appendStringInfo(&buf, " ON DELETE %s", on_delete);
	if (on_delete != NULL && set != NIL)
		appendStringInfo(&buf, " (%s)", pgm_lint_names(set));
	appendStringInfoString(&buf, deferral(constraint));
	return buf.data;
}

/* ALTER TABLE … ADD CONSTRAINT … NOT VALID, and its validation. */
char *
pgm_lint_not_valid(const PgmLint *lint, const Constraint *constraint,
				   List *columns)
{
	const char *name = pgm_lint_constraint_name(lint, constraint, columns);
	char	   *clause;

	if (constraint->contype == CONSTR_FOREIGN)
	{
		clause = foreign_key_clause(constraint, columns);
		if (lint->touch->relkind == RELKIND_PARTITIONED_TABLE &&
			!pgm_partitioned_keys_not_valid())
			return psprintf("Add it to each partition first, NOT VALID, and VALIDATE it there in a later revision; then ALTER TABLE %s ADD CONSTRAINT %s %s;",
							lint->name, name, clause);
	}
	else
	{
		const char *condition;

		condition = pgm_slice_parens(lint->judged->source, lint->judged->n,
									 constraint->location, NULL);
		clause = psprintf("CHECK %s%s", condition ? condition : "(...)",
						  constraint->is_no_inherit ? " NO INHERIT" : "");
	}
	return psprintf("ALTER TABLE %s ADD CONSTRAINT %s %s NOT VALID; in a later revision ALTER TABLE %s VALIDATE CONSTRAINT %s;",
					lint->name, name, clause, lint->name, name);
}

/* A unique index CONCURRENTLY that becomes the index of the constraint. */
char *
pgm_lint_key_by_index(const PgmLint *lint, const Constraint *constraint,
					  List *columns)
{
	const char *name = pgm_lint_constraint_name(lint, constraint, columns);
	const char *kind = constraint->contype == CONSTR_PRIMARY ?
		"PRIMARY KEY" : "UNIQUE";
	char	   *definition = psprintf("(%s)", pgm_lint_names(columns));

	if (constraint->including != NIL)
		definition = psprintf("%s INCLUDE (%s)", definition,
							  pgm_lint_names(constraint->including));
	if (pgm_nulls_not_distinct(constraint))
		definition = psprintf("%s NULLS NOT DISTINCT", definition);
	if (lint->touch->relkind == RELKIND_PARTITIONED_TABLE)
		return psprintf("CREATE UNIQUE INDEX CONCURRENTLY ... %s on each partition, and ADD %s USING INDEX there; then ALTER TABLE %s ADD CONSTRAINT %s %s (%s);",
						definition, kind, lint->name, name, kind,
						pgm_lint_names(columns));
	return psprintf("CREATE UNIQUE INDEX CONCURRENTLY %s ON %s %s; then ALTER TABLE %s ADD CONSTRAINT %s %s USING INDEX %s%s;",
					name, lint->name, definition, lint->name, name, kind,
					name, deferral(constraint));
}

/*-------------------------------------------------------------------------
 *
 * names.c
 *	  Names as the server chooses them for what a statement leaves unnamed.
 *
 * The end of a strategy is that of the statement itself, so what it makes in
 * pieces has to be called what the statement would have called it.  The server
 * decides that after parse analysis; here it is told from the raw tree, which
 * needs nobody's rights.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_constraint.h"
#include "commands/defrem.h"
#include "mb/pg_wchar.h"
#include "parser/parse_target.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"

#include "compat/parse.h"
#include "compat/server.h"
#include "strategy/names.h"

char *
pgm_name_relation(Oid relid)
{
	return pgm_name_beside(relid, get_rel_name(relid));
}

char *
pgm_name_beside(Oid relid, const char *name)
{
	Oid			namespace = get_rel_namespace(relid);

	return quote_qualified_identifier(get_namespace_name(namespace), name);
}

char *
pgm_name_list(List *names)
{
	StringInfoData buf;
	ListCell   *lc;

	initStringInfo(&buf);
	foreach(lc, names)
		appendStringInfo(&buf, "%s%s", buf.len > 0 ? ", " : "",
						 quote_identifier(strVal(lfirst(lc))));
	return buf.data;
}

/* As ChooseIndexNameAddition: more than a name can be is cut off later. */
static char *
joined(List *names)
{
	StringInfoData buf;
	ListCell   *lc;

	initStringInfo(&buf);
	foreach(lc, names)
	{
		if (buf.len > 0)
			appendStringInfoChar(&buf, '_');
		appendStringInfoString(&buf, strVal(lfirst(lc)));
		if (buf.len >= NAMEDATALEN)
		{
			buf.data[NAMEDATALEN - 1] = '\0';
			break;
		}
	}
	return buf.data;
}

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

/* As ChooseIndexColumnNames does it. */
static List *
index_columns(List *elements)
{
	List	   *names = NIL;
	ListCell   *lc;

	foreach(lc, elements)
	{
		IndexElem  *element = lfirst_node(IndexElem, lc);
		char	   *name = element->name;
		char	   *unique;

		if (name == NULL && element->expr != NULL)
			name = FigureIndexColname(element->expr);
		if (name == NULL)
			name = pstrdup("expr");
		unique = name;
		for (int i = 1; is_among(names, unique); i++)
		{
			char	   *number = psprintf("%d", i);
			int			length = pg_mbcliplen(name, strlen(name),
											  NAMEDATALEN - 1 - strlen(number));

			unique = psprintf("%.*s%s", length, name, number);
		}
		names = lappend(names, makeString(unique));
	}
	return names;
}

/* As ChooseRelationName, which does not know what is still to be made. */
static char *
choose_relation_name(const char *table, const char *columns,
					 const char *label, Oid namespace, bool constraint,
					 List *taken)
{
	char	   *numbered = pstrdup(label);

	for (int i = 1;; i++)
	{
		char	   *name = makeObjectName(table, columns, numbered);

		if (!OidIsValid(get_relname_relid(name, namespace)) &&
			!(constraint && ConstraintNameExists(name, namespace)) &&
			!is_among(taken, name))
			return name;
		numbered = psprintf("%s%d", label, i);
	}
}

char *
pgm_name_index(Oid relid, List *params, List *including, List *taken)
{
	List	   *names = index_columns(list_concat_copy(params, including));

	return choose_relation_name(get_rel_name(relid), joined(names), "idx",
								get_rel_namespace(relid), false, taken);
}

typedef struct OnlyColumn
{
	const char *row;			/* what stands for all columns, or NULL */
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
			(only->row != NULL && strcmp(only->row, name) == 0) ||
			(only->name != NULL && strcmp(only->name, name) != 0);
		only->name = name;
		return only->several;
	}
	return raw_expression_tree_walker(node, column_walker, context);
}

/*
 * The only column that an expression names, or NULL.  The name of the table
 * is its row, unless a column has it.
 */
static char *
only_column(Node *expression, const char *table, Oid namespace)
{
	OnlyColumn	only = {table, NULL, false};
	Oid			relid = get_relname_relid(table, namespace);

	if (get_attnum(relid, table) != InvalidAttrNumber)
		only.row = NULL;
	(void) column_walker(expression, &only);
	return only.several || only.name == NULL ? NULL : pstrdup(only.name);
}

static bool
mention_walker(Node *node, void *context)
{
	if (node == NULL)
		return false;
	if (IsA(node, ColumnRef))
	{
		Node	   *last = llast(castNode(ColumnRef, node)->fields);

		return !IsA(last, String) || strcmp(strVal(last), context) == 0;
	}
	return raw_expression_tree_walker(node, mention_walker, context);
}

bool
pgm_name_mentioned(Node *expression, const char *column)
{
	return mention_walker(expression, unconstify(char *, column));
}

/* The server has the names that are taken as plain strings. */
static char *
choose_constraint_name(const char *table, Oid namespace, const char *column,
					   const char *label, List *taken)
{
	List	   *others = NIL;
	ListCell   *lc;

	foreach(lc, taken)
		others = lappend(others, strVal(lfirst(lc)));
	return ChooseConstraintName(table, column, label, namespace, others);
}

List *
pgm_names_given(Node *stmt, List *taken)
{
	List	   *names = list_copy(taken);
	ListCell   *lc;

	foreach(lc, castNode(AlterTableStmt, stmt)->cmds)
	{
		AlterTableCmd *cmd = lfirst_node(AlterTableCmd, lc);
		Constraint *constraint;

		if (cmd->subtype != AT_AddConstraint)
			continue;
		constraint = castNode(Constraint, cmd->def);
		if (constraint->conname != NULL)
			names = lappend(names, makeString(constraint->conname));
	}
	return names;
}

char *
pgm_name_helper(Oid relid, const char *column, const char *label,
				List *taken)
{
	return choose_constraint_name(get_rel_name(relid),
								  get_rel_namespace(relid), column, label,
								  taken);
}

char *
pgm_name_constraint(Oid relid, const Constraint *constraint, List *columns,
					List *taken)
{
	return pgm_name_constraint_of(get_rel_name(relid),
								  get_rel_namespace(relid), constraint,
								  columns, taken);
}

char *
pgm_name_constraint_of(const char *table, Oid namespace,
					   const Constraint *constraint, List *columns,
					   List *taken)
{
	if (constraint->conname != NULL)
		return constraint->conname;
	switch (constraint->contype)
	{
		case CONSTR_CHECK:
			return choose_constraint_name(table, namespace,
										  only_column(constraint->raw_expr,
													  table, namespace),
										  "check", taken);
		case CONSTR_FOREIGN:
			return choose_constraint_name(table, namespace,
										  joined(columns), "fkey",
										  taken);
		case CONSTR_PRIMARY:
			return choose_relation_name(table, NULL, "pkey", namespace, true,
										taken);
		default:
			return choose_relation_name(table,
										joined(list_concat_copy(columns,
																constraint->including)),
										"key", namespace, true, taken);
	}
}

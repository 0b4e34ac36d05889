/*-------------------------------------------------------------------------
 *
 * columns.c
 *	  The parts of a column's definition.
 *
 * A constraint reaches from where it begins to where the next one does; its
 * attributes, DEFERRABLE and so on, are nodes of the same list.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/namespace.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_type.h"
#include "nodes/makefuncs.h"
#include "parser/parse_coerce.h"
#include "parser/parse_type.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"

#include "compat/constraint.h"
#include "compat/parse.h"
#include "compat/server.h"
#include "sql/source_text.h"
#include "strategy/columns.h"
#include "strategy/internal.h"

static bool
is_attribute(const Constraint *constraint)
{
	switch (constraint->contype)
	{
		case CONSTR_ATTR_DEFERRABLE:
		case CONSTR_ATTR_NOT_DEFERRABLE:
		case CONSTR_ATTR_DEFERRED:
		case CONSTR_ATTR_IMMEDIATE:
			return true;
		default:
			return pgm_constraint_is_enforcement(constraint);
	}
}

const char *
pgm_serial_type(const TypeName *type)
{
	static const char *const types[][2] = {
		{"smallserial", "smallint"}, {"serial2", "smallint"},
		{"serial", "integer"}, {"serial4", "integer"},
		{"bigserial", "bigint"}, {"serial8", "bigint"}
	};

	if (type == NULL || list_length(type->names) != 1)
		return NULL;
	for (int i = 0; i < lengthof(types); i++)
		if (strcmp(strVal(linitial(type->names)), types[i][0]) == 0)
			return types[i][1];
	return NULL;
}

static bool
has_value(const ColumnDef *column)
{
	ListCell   *lc;

	foreach(lc, column->constraints)
	{
		Constraint *constraint = lfirst_node(Constraint, lc);

		if (constraint->contype == CONSTR_DEFAULT ||
			constraint->contype == CONSTR_GENERATED ||
			constraint->contype == CONSTR_IDENTITY)
			return true;
	}
	return false;
}

/* Does it read or index the rows, if it is made with the column? */
static bool
comes_after(const ColumnDef *column, const Constraint *constraint)
{
	switch (constraint->contype)
	{
		case CONSTR_CHECK:
			return pgm_constraint_is_checked(constraint);
		case CONSTR_FOREIGN:
			return pgm_constraint_is_checked(constraint) && has_value(column);
		case CONSTR_PRIMARY:
		case CONSTR_UNIQUE:
			return true;
		default:
			return false;
	}
}

/* As a constraint of the table, which names its column. */
static Constraint *
of_table(const ColumnDef *column, const Constraint *constraint,
		 List *attributes)
{
	Constraint *result = copyObject(unconstify(Constraint *, constraint));
	List	   *columns = list_make1(makeString(pstrdup(column->colname)));
	ListCell   *lc;

	if (result->contype == CONSTR_FOREIGN)
		result->fk_attrs = columns;
	else if (result->contype != CONSTR_CHECK)
		result->keys = columns;
	foreach(lc, attributes)
	{
		ConstrType	attribute = lfirst_node(Constraint, lc)->contype;

		result->deferrable |= attribute == CONSTR_ATTR_DEFERRABLE ||
			attribute == CONSTR_ATTR_DEFERRED;
		result->initdeferred |= attribute == CONSTR_ATTR_DEFERRED;
	}
	return result;
}

/*
 * "text" is how it is written with the column.  Key words that a column's
 * form does not have are put in.
 */
static char *
text_of_table(const Constraint *constraint, const char *text)
{
	const char *column;
	char	   *prefix = constraint->conname == NULL ? pstrdup("ADD") :
		psprintf("ADD CONSTRAINT %s", quote_identifier(constraint->conname));
	char	   *form;

	text = pgm_strategy_skip_words(text, constraint->conname ? 2 : 0);
	switch (constraint->contype)
	{
		case CONSTR_FOREIGN:
			column = pgm_name_list(constraint->fk_attrs);
			return psprintf("%s FOREIGN KEY (%s) %s", prefix, column, text);
		case CONSTR_PRIMARY:
			form = pgm_strategy_skip_words(text, 2);
			return psprintf("%s PRIMARY KEY (%s) %s", prefix,
							pgm_name_list(constraint->keys), form);
		case CONSTR_UNIQUE:
			form = pgm_strategy_skip_words(text,
										   pgm_nulls_not_distinct(constraint) ?
										   4 : 1);
			return psprintf("%s UNIQUE%s (%s) %s", prefix,
							pgm_nulls_not_distinct(constraint) ?
							" NULLS NOT DISTINCT" : "",
							pgm_name_list(constraint->keys), form);
		default:
			return psprintf("%s %s", prefix, text);
	}
}

static void
undivided(PgmColumnParts *parts, const char *text)
{
	parts->bare = pstrdup(text);
	parts->constraints = NIL;
	parts->texts = NIL;
}

/* Where the next constraint begins, or the part of the statement ends. */
static int
end_of(List *constraints, int i, int end)
{
	for (i++; i < list_length(constraints); i++)
	{
		Constraint *next = list_nth_node(Constraint, constraints, i);

		if (!is_attribute(next))
			return next->location;
	}
	return end;
}

static List *
attributes_of(List *constraints, int i)
{
	List	   *result = NIL;

	for (i++; i < list_length(constraints); i++)
	{
		Constraint *next = list_nth_node(Constraint, constraints, i);

		if (!is_attribute(next))
			break;
		result = lappend(result, next);
	}
	return result;
}

PgmColumnParts *
pgm_column_parts(const PgmSource *source, int n, AlterTableCmd *cmd,
				 const char *text)
{
	ColumnDef  *column = castNode(ColumnDef, cmd->def);
	PgmColumnParts *parts = palloc0(sizeof(PgmColumnParts));
	List	   *all = column->constraints;
	int			start;
	int			end;
	int			at;
	StringInfoData bare;

	undivided(parts, text);
	if (all == NIL || column->collClause != NULL ||
		linitial_node(Constraint, all)->location < 0)
		return parts;

	/* the text is a part of the source, up to a comment */
	start = pgm_strategy_find(source, n, text,
							  linitial_node(Constraint, all)->location);
	if (start < 0)
		return parts;
	end = start + strlen(text);
	initStringInfo(&bare);
	at = start;
	for (int i = 0; i < list_length(all); i++)
	{
		Constraint *constraint = list_nth_node(Constraint, all, i);
		int			stop;
		Constraint *later;

		if (is_attribute(constraint) || !comes_after(column, constraint))
			continue;
		if (constraint->location < at)
		{
			undivided(parts, text);
			return parts;
		}
		stop = end_of(all, i, end);
		later = of_table(column, constraint, attributes_of(all, i));
		appendBinaryStringInfo(&bare, source->text + at,
							   constraint->location - at);
		parts->constraints = lappend(parts->constraints, later);
		parts->texts = lappend(parts->texts,
							   text_of_table(later,
											 pgm_slice_trim(pnstrdup(source->text + constraint->location,
																	 stop - constraint->location))));
		at = stop;
	}
	appendBinaryStringInfo(&bare, source->text + at, end - at);
	parts->bare = pgm_slice_trim(bare.data);
	return parts;
}

/* ---- values */

static bool
volatile_walker(Node *node, void *context)
{
	if (node == NULL)
		return false;
	if (IsA(node, FuncCall))
	{
		FuncCandidateList candidate;

		for (candidate = pgm_function_candidates(castNode(FuncCall,
														  node)->funcname);
			 candidate != NULL; candidate = candidate->next)
			if (func_volatile(candidate->oid) == PROVOLATILE_VOLATILE)
				return true;
	}
	return raw_expression_tree_walker(node, volatile_walker, context);
}

bool
pgm_column_is_filled(const ColumnDef *column)
{
	ListCell   *lc;

	if (column->typeName != NULL && column->typeName->names != NIL &&
		strstr(strVal(llast(column->typeName->names)), "serial") != NULL)
		return true;
	foreach(lc, column->constraints)
	{
		Constraint *constraint = lfirst_node(Constraint, lc);

		switch (constraint->contype)
		{
			case CONSTR_IDENTITY:
				return true;
			case CONSTR_GENERATED:
				if (!pgm_generated_is_virtual(constraint))
					return true;
				break;
			case CONSTR_DEFAULT:
				if (volatile_walker(constraint->raw_expr, NULL))
					return true;
				break;
			default:
				break;
		}
	}
	return false;
}

bool
pgm_type_change_may_rewrite(Oid relid, const AlterTableCmd *cmd)
{
	const ColumnDef *column = castNode(ColumnDef, cmd->def);
	AttrNumber	attnum = get_attnum(relid, cmd->name);
	Oid			from;
	Oid			to;
	Oid			collation;
	int32		old_limit;
	int32		new_limit;

	if (attnum == InvalidAttrNumber || column->raw_default != NULL ||
		column->collClause != NULL)
		return true;
	get_atttypetypmodcoll(relid, attnum, &from, &old_limit, &collation);
	to = LookupTypeNameOid(NULL, column->typeName, true);
	if (!OidIsValid(to) || from == BPCHAROID || from == NUMERICOID ||
		get_typtype(to) == TYPTYPE_DOMAIN || !IsBinaryCoercible(from, to))
		return true;
	typenameTypeIdAndMod(NULL, column->typeName, &to, &new_limit);
	return new_limit >= 0 && (old_limit < 0 || new_limit < old_limit);
}

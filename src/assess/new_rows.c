/*-------------------------------------------------------------------------
 *
 * new_rows.c
 *	  The rows of a table as an ALTER TABLE leaves them.
 *
 * Constraints of the statement are held against what its other parts make of
 * the rows: a column that USING has filled has no nulls any more, and a CHECK
 * of a column whose type changes is written for the new type.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "catalog/namespace.h"
#include "catalog/pg_attribute.h"
#include "catalog/pg_type.h"
#include "parser/parse_coerce.h"
#include "parser/parse_type.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/syscache.h"
#include "utils/typcache.h"

#include "assess/new_rows.h"
#include "clone/misfit.h"
#include "compat/server.h"
#include "sql/source_text.h"

static bool
is_null_constant(Node *expression)
{
	return expression != NULL && IsA(expression, A_Const) &&
		castNode(A_Const, expression)->isnull;
}

/* The sequence types that are none to the catalog. */
static bool
is_serial(const TypeName *name)
{
	static const char *const words[] = {
		"smallserial", "serial2", "serial", "serial4", "bigserial", "serial8"
	};

	if (list_length(name->names) != 1)
		return false;
	for (int i = 0; i < lengthof(words); i++)
		if (strcmp(strVal(linitial(name->names)), words[i]) == 0)
			return true;
	return false;
}

static bool
lookup_type(const TypeName *name, Oid *oid, int32 *typmod)
{
	Type		type;

	if (is_serial(name))
		return false;
	type = LookupTypeName(NULL, name, typmod, true);
	if (type == NULL)
		return false;
	*oid = typeTypeId(type);
	ReleaseSysCache(type);
	return true;
}

/* A domain may have a default of its own, or refuse nulls. */
static bool
domain_refuses_null(Oid type)
{
	while (get_typtype(type) == TYPTYPE_DOMAIN)
	{
		HeapTuple	tuple = SearchSysCache1(TYPEOID, ObjectIdGetDatum(type));
		Form_pg_type form;
		bool		refuses;

		if (!HeapTupleIsValid(tuple))
			return false;
		form = (Form_pg_type) GETSTRUCT(tuple);
		refuses = form->typnotnull;
		type = form->typbasetype;
		ReleaseSysCache(tuple);
		if (refuses)
			return true;
	}
	return false;
}

bool
pgm_column_is_required(const ColumnDef *column)
{
	bool		required = false;
	Oid			type;
	int32		typmod;
	ListCell   *lc;

	if (is_serial(column->typeName))
		return false;
	foreach(lc, column->constraints)
	{
		Constraint *constraint = lfirst(lc);

		if (!IsA(constraint, Constraint))
			continue;
		switch (constraint->contype)
		{
			case CONSTR_NOTNULL:
			case CONSTR_PRIMARY:
				required = true;
				break;
			case CONSTR_DEFAULT:
				if (!is_null_constant(constraint->raw_expr))
					return false;
				break;
			case CONSTR_IDENTITY:
			case CONSTR_GENERATED:
				return false;
			default:
				break;
		}
	}
	if (!lookup_type(column->typeName, &type, &typmod))
		return required;
	if (get_typtype(type) != TYPTYPE_DOMAIN)
		return required;
	return (required || domain_refuses_null(type)) &&
		get_typdefault(type) == NULL;
}

/* Digits before the point of numeric(p,s), and the scale. */
static bool
numeric_fits(int32 from_mod, int32 to_mod)
{
	int			from_scale;
	int			to_scale;
	int			from_whole;
	int			to_whole;

	if (to_mod < 0)
		return true;
	if (from_mod < 0)
		return false;
	from_scale = (from_mod - VARHDRSZ) & 0x7ff;
	to_scale = (to_mod - VARHDRSZ) & 0x7ff;
	from_whole = (((from_mod - VARHDRSZ) >> 16) & 0xffff) - from_scale;
	to_whole = (((to_mod - VARHDRSZ) >> 16) & 0xffff) - to_scale;

	/* negative scales are stored otherwise: they are left to a look */
	return from_scale < 1024 && to_scale < 1024 && to_scale >= from_scale &&
		to_whole >= from_whole;
}

static int
number_rank(Oid type)
{
	switch (type)
	{
		case INT2OID:
			return 1;
		case INT4OID:
			return 2;
		case INT8OID:
			return 3;
		case NUMERICOID:
			return 4;
		case FLOAT4OID:
			return 5;
		case FLOAT8OID:
			return 6;
		default:
			return 0;
	}
}

static bool
is_string(Oid type)
{
	return type == TEXTOID || type == VARCHAROID || type == BPCHAROID;
}

/* Every integer is a numeric and a float, a float is no numeric. */
static bool
number_fits(Oid from, Oid to, int32 to_mod)
{
	if (from == NUMERICOID)
		return false;
	if (to == NUMERICOID)
		return to_mod < 0 && number_rank(from) < 4;
	return number_rank(to) > number_rank(from);
}

/* Types whose precision is rounded to, never refused. */
static bool
is_rounded(Oid type)
{
	return type == TIMEOID || type == TIMETZOID || type == TIMESTAMPOID ||
		type == TIMESTAMPTZOID || type == INTERVALOID;
}

static bool
is_moment(Oid type)
{
	return type == TIMESTAMPOID || type == TIMESTAMPTZOID;
}

bool
pgm_type_takes_all(Oid from, int32 from_mod, Oid to, int32 to_mod)
{
	Oid			base = getBaseTypeAndTypmod(from, &from_mod);

	if (get_typtype(to) == TYPTYPE_DOMAIN)
		return from == to;
	if (OidIsValid(get_element_type(base)) &&
		OidIsValid(get_element_type(to)))
		return pgm_type_takes_all(get_element_type(base), from_mod,
								  get_element_type(to), to_mod);
	if (base == NUMERICOID && to == NUMERICOID)
		return numeric_fits(from_mod, to_mod);
	if (is_string(base) && is_string(to))
		return to_mod < 0 || (from_mod >= 0 && from_mod <= to_mod);
	if (is_string(to))
		return to_mod < 0 && base != JSONBOID;
	if (is_moment(base) && is_moment(to))
		return true;
	if (base == to)
		return to_mod < 0 || to_mod == from_mod || is_rounded(to);
	if (number_rank(base) > 0 && number_rank(to) > 0)
		return number_fits(base, to, to_mod);
	return to_mod < 0 && IsBinaryCoercible(base, to);
}

/* ---- rows */

/* The text of a default that is a constant, NULL if it is something else. */
static char *
constant_text(Node *expression)
{
	A_Const    *constant;

	if (expression == NULL)
		return pstrdup("NULL");
	if (!IsA(expression, A_Const))
		return NULL;
	constant = castNode(A_Const, expression);
	if (constant->isnull)
		return pstrdup("NULL");
	switch (nodeTag(&constant->val))
	{
		case T_Integer:
			return psprintf("%d", intVal(&constant->val));
		case T_Float:
			return pstrdup(castNode(Float, &constant->val)->fval);
		case T_Boolean:
			return pstrdup(boolVal(&constant->val) ? "true" : "false");
		case T_String:
			return quote_literal_cstr(strVal(&constant->val));
		default:
			return NULL;
	}
}

/* What a new column has in the rows that are there; NULL if not known. */
static char *
value_of_new(const ColumnDef *column)
{
	Node	   *expression = NULL;
	Oid			type;
	int32		typmod;
	char	   *value;
	ListCell   *lc;

	if (!lookup_type(column->typeName, &type, &typmod) ||
		get_typtype(type) == TYPTYPE_DOMAIN)
		return NULL;
	foreach(lc, column->constraints)
	{
		Constraint *constraint = lfirst(lc);

		if (!IsA(constraint, Constraint))
			continue;
		if (constraint->contype == CONSTR_IDENTITY ||
			constraint->contype == CONSTR_GENERATED)
			return NULL;
		if (constraint->contype == CONSTR_DEFAULT)
			expression = constraint->raw_expr;
	}
	value = constant_text(expression);
	return value == NULL ? NULL :
		psprintf("CAST(%s AS %s)", value,
				 format_type_with_typemod(type, typmod));
}

bool
pgm_new_value_is_known(const ColumnDef *column)
{
	return value_of_new(column) != NULL;
}

/* The new type of a column that the statement changes, or NULL. */
static const ColumnDef *
new_type_of(const AlterTableStmt *stmt, const char *column)
{
	ListCell   *lc;

	foreach(lc, stmt->cmds)
	{
		const AlterTableCmd *cmd = lfirst_node(AlterTableCmd, lc);

		if (cmd->subtype == AT_AlterColumnType &&
			strcmp(cmd->name, column) == 0)
			return castNode(ColumnDef, cmd->def);
	}
	return NULL;
}

/* Of a type that is still to be made the query says that it is not there. */
static char *
type_text(const TypeName *name)
{
	Oid			type;
	int32		typmod;

	return lookup_type(name, &type, &typmod) ?
		format_type_with_typemod(type, typmod) :
		NameListToQuotedString(name->names);
}

/* The constraints of the statement see the value in its new type. */
static char *
value_in_new_type(const PgmLook *look, const ColumnDef *changed, char *value)
{
	char	   *expression = NULL;

	if (changed->raw_default != NULL)
		expression = pgm_slice_after(look->judged->source, look->judged->n,
									 changed->location, "using", NULL);
	return psprintf("CAST((%s\n) AS %s)", expression ? expression : value,
					type_text(changed->typeName));
}

static void
add_old_columns(StringInfo buf, const PgmLook *look,
				const AlterTableStmt *stmt)
{
	Oid			relid = look->effect->relid;
	char	   *name;

	for (AttrNumber n = 1; (name = get_attname(relid, n, true)) != NULL; n++)
	{
		const ColumnDef *changed;
		char	   *value;

		/* dropped */
		if (!OidIsValid(get_atttype(relid, n)))
			continue;
		changed = new_type_of(stmt, name);
		value = psprintf("t.%s", quote_identifier(name));
		if (changed != NULL)
			value = value_in_new_type(look, changed, value);
		appendStringInfo(buf, "%s AS %s, ", value, quote_identifier(name));
	}
}

static bool
changes_rows(const AlterTableStmt *stmt)
{
	ListCell   *lc;

	foreach(lc, stmt->cmds)
	{
		const AlterTableCmd *cmd = lfirst_node(AlterTableCmd, lc);

		if (cmd->subtype == AT_AddColumn ||
			cmd->subtype == AT_AlterColumnType)
			return true;
	}
	return false;
}

static const char *
with_changes(const PgmLook *look, const AlterTableStmt *stmt,
			 const char *from)
{
	StringInfoData buf;
	ListCell   *lc;

	initStringInfo(&buf);
	appendStringInfoString(&buf, "(SELECT ");
	add_old_columns(&buf, look, stmt);
	foreach(lc, stmt->cmds)
	{
		const AlterTableCmd *cmd = lfirst_node(AlterTableCmd, lc);
		const ColumnDef *column;
		char	   *value;

		if (cmd->subtype != AT_AddColumn)
			continue;
		column = castNode(ColumnDef, cmd->def);
		if (get_attnum(look->effect->relid, column->colname) !=
			InvalidAttrNumber)
			continue;
		value = value_of_new(column);
		if (value != NULL)
			appendStringInfo(&buf, "%s AS %s, ", value,
							 quote_identifier(column->colname));
	}
	appendStringInfo(&buf, "%s AS pgmigrate_key FROM %s) AS t", look->key,
					 from);
	return buf.data;
}

void
pgm_look_at_new_rows(PgmLook *look, const AlterTableStmt *stmt)
{
	if (!changes_rows(stmt))
		return;
	look->own = with_changes(look, stmt, look->own);
	look->from = with_changes(look, stmt, look->from);
	look->key = "t.pgmigrate_key";
}

bool
pgm_rows_are_retyped(const PgmEffect *effect, List *before)
{
	ListCell   *lc;

	foreach(lc, before)
	{
		const PgmJudged *by = lfirst(lc);
		Node	   *stmt = by->source->statements[by->n].raw->stmt;

		if (pgm_verdict_find(by->verdict, effect->relid) != NULL &&
			pgm_altered_types(castNode(AlterTableStmt, stmt)) != NIL)
			return true;
	}
	return false;
}

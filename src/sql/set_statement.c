/*-------------------------------------------------------------------------
 *
 * set_statement.c
 *	  Which setting a statement sets, and to what, as far as its text tells.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/namespace.h"
#include "utils/builtins.h"
#include "utils/guc.h"

#include "sql/set_statement.h"

/* NULL if it is no constant, or the null value. */
static A_Const *
constant_of(Node *node)
{
	A_Const    *constant;

	while (node != NULL && IsA(node, TypeCast))
		node = castNode(TypeCast, node)->arg;
	if (node == NULL || !IsA(node, A_Const))
		return NULL;
	constant = castNode(A_Const, node);
	return constant->isnull ? NULL : constant;
}

const char *
pgm_constant_text(Node *node)
{
	A_Const    *constant = constant_of(node);

	return constant != NULL && IsA(&constant->val, String) ?
		strVal(&constant->val) : NULL;
}

bool
pgm_constant_is_true(Node *node)
{
	A_Const    *constant = constant_of(node);
	bool		value;

	if (constant == NULL)
		return false;
	if (IsA(&constant->val, Boolean))
		return boolVal(&constant->val);
	return IsA(&constant->val, String) &&
		parse_bool(strVal(&constant->val), &value) && value;
}

const char *
pgm_catalog_function(const FuncCall *call)
{
	char	   *schema;
	char	   *name;

	DeconstructQualifiedName(call->funcname, &schema, &name);
	return schema == NULL || strcmp(schema, "pg_catalog") == 0 ? name : NULL;
}

/* The only expression of SELECT without anything else, or NULL. */
static Node *
selected_expression(Node *stmt)
{
	SelectStmt *select;

	if (!IsA(stmt, SelectStmt))
		return NULL;
	select = castNode(SelectStmt, stmt);
	if (list_length(select->targetList) != 1 || select->fromClause != NIL ||
		select->whereClause != NULL || select->withClause != NULL ||
		select->intoClause != NULL)
		return NULL;
	return linitial_node(ResTarget, select->targetList)->val;
}

FuncCall *
pgm_selected_call(Node *stmt)
{
	Node	   *expression = selected_expression(stmt);

	return expression == NULL || !IsA(expression, FuncCall) ? NULL :
		castNode(FuncCall, expression);
}

bool
pgm_statement_sets(Node *stmt, const char *name, const char **value)
{
	FuncCall   *call;
	const char *function;
	const char *setting;

	if (IsA(stmt, VariableSetStmt))
	{
		VariableSetStmt *set = castNode(VariableSetStmt, stmt);

		if (set->name == NULL || pg_strcasecmp(set->name, name) != 0)
			return false;
		*value = set->kind == VAR_SET_VALUE ? ExtractSetVariableArgs(set) :
			NULL;
		return true;
	}
	call = pgm_selected_call(stmt);
	if (call == NULL)
		return false;
	function = pgm_catalog_function(call);
	if (function == NULL || strcmp(function, "set_config") != 0 ||
		list_length(call->args) != 3)
		return false;
	setting = pgm_constant_text(linitial(call->args));
	*value = pgm_constant_text(lsecond(call->args));
	return setting != NULL && *value != NULL &&
		pg_strcasecmp(setting, name) == 0;
}

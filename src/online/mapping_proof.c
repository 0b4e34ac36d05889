/*-------------------------------------------------------------------------
 *
 * mapping_proof.c
 *	  Does what becomes of a new value make that value again?
 *
 * After USING v * 10 a cast takes a new value for an old one, ten times too
 * large, and nobody would notice.  What the change would make of it is not the
 * new value then, so that it does not fit, as one that cannot be cast.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "nodes/makefuncs.h"
#include "utils/typcache.h"

#include "compat/parse.h"
#include "online/mapping_proof.h"

bool
pgm_using_is_cast(Node *using, const char *column)
{
	Node	   *name;

	while (IsA(using, TypeCast))
		using = castNode(TypeCast, using)->arg;
	if (!IsA(using, ColumnRef))
		return false;
	name = llast(castNode(ColumnRef, using)->fields);
	return IsA(name, String) && strcmp(strVal(name), column) == 0;
}

AlterTableCmd *
pgm_retyping(List *commands, const char *column)
{
	ListCell   *lc;

	foreach(lc, commands)
	{
		AlterTableCmd *command = lfirst_node(AlterTableCmd, lc);

		if (command->subtype == AT_AlterColumnType &&
			strcmp(command->name, column) == 0)
			return command;
	}
	return NULL;
}

typedef struct Replacement
{
	List	   *columns;
	bool		stays;
	bool		failed;
} Replacement;

static Node *
replace(Node *node, void *context)
{
	Replacement *replacement = context;

	if (node == NULL)
		return NULL;
	if (IsA(node, Var))
	{
		AttrNumber	column = castNode(Var, node)->varattno;
		Node	   *value = column <= 0 ||
			column > list_length(replacement->columns) ? NULL :
			list_nth(replacement->columns, column - 1);

		if (value == NULL && !replacement->stays)
			replacement->failed = true;
		return copyObject(value == NULL ? node : value);
	}
	return expression_tree_mutator(node, replace, context);
}

Node *
pgm_mapping_proof(Node *again, List *columns, bool stays, Var *made)
{
	Replacement replacement = {columns, stays};
	Oid			equals = lookup_type_cache(made->vartype,
										   TYPECACHE_EQ_OPR)->eq_opr;
	DistinctExpr *differ = makeNode(DistinctExpr);

	again = replace(again, &replacement);
	if (replacement.failed || !OidIsValid(equals))
		return NULL;
	differ->opno = equals;
	differ->opresulttype = BOOLOID;
	differ->inputcollid = made->varcollid;
	differ->args = list_make2(again, made);
	differ->location = -1;
	set_opfuncid((OpExpr *) differ);
	return (Node *) makeBoolExpr(NOT_EXPR, list_make1(differ), -1);
}

char *
pgm_mapping_to_text(List *columns, List *proofs)
{
	ListCell   *lc;

	foreach(lc, proofs)
		if (lfirst(lc) != NULL)
		return nodeToString(list_make2(columns, proofs));
	return nodeToString(columns);
}

/* Of what cannot be made nothing is stored. */
static bool
has_proofs(List *list)
{
	return list != NIL && linitial(list) != NULL && IsA(linitial(list), List);
}

List *
pgm_mapping_columns(const char *text)
{
	List	   *list = stringToNode(text);

	return has_proofs(list) ? linitial(list) : list;
}

List *
pgm_mapping_proofs(const char *text)
{
	List	   *list = stringToNode(text);

	return has_proofs(list) ? lsecond(list) : NIL;
}

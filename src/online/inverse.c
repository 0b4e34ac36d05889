/*-------------------------------------------------------------------------
 *
 * inverse.c
 *	  What the author of a change has written to take it back.
 *
 * A revision has two texts: where the one changes types, the USING of the
 * other says what becomes of the values that are written after the switch.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "catalog/pg_index.h"
#include "utils/syscache.h"

#include "classify/verdict.h"
#include "compat/parse.h"
#include "online/internal.h"
#include "online/mapping_proof.h"

/* One after the other nobody can tell what they make of a value. */
static List *
without_stages(List *commands)
{
	List	   *result = NIL;
	ListCell   *lc;

	foreach(lc, commands)
	{
		AlterTableCmd *command = lfirst_node(AlterTableCmd, lc);
		List	   *others;

		if (command->subtype != AT_AlterColumnType)
			continue;
		others = list_delete_ptr(list_copy(commands), command);
		if (pgm_retyping(others, command->name) == NULL)
			result = lappend(result, command);
	}
	return result;
}

static bool
reads_walker(Node *node, void *commands)
{
	if (node == NULL)
		return false;
	if (IsA(node, ColumnRef))
	{
		Node	   *name = llast(castNode(ColumnRef, node)->fields);

		return !IsA(name, String) ||
			pgm_retyping(commands, strVal(name)) != NULL;
	}
	return raw_expression_tree_walker(node, reads_walker, commands);
}

/*
 * Those of a later statement that read what an earlier one has changed would
 * be computed of the value of before.
 */
static List *
add_statement(List *earlier, List *commands)
{
	List	   *result = list_copy(earlier);
	ListCell   *lc;

	foreach(lc, commands)
	{
		AlterTableCmd *command = lfirst_node(AlterTableCmd, lc);

		if (command->subtype != AT_AlterColumnType ||
			pgm_retyping(earlier, command->name) != NULL ||
			!reads_walker(castNode(ColumnDef, command->def)->raw_default,
						  earlier))
			result = lappend(result, command);
	}
	return result;
}

List *
pgm_inverse_commands(const PgmSource *inverse, Oid relid)
{
	List	   *result = NIL;

	for (int i = 0; i < inverse->nstatements; i++)
	{
		AlterTableStmt *stmt =
			(AlterTableStmt *) inverse->statements[i].raw->stmt;

		if (IsA(stmt, AlterTableStmt) &&
			pgm_lookup_relation(stmt->relation) == relid)
			result = add_statement(result, stmt->cmds);
	}
	return without_stages(result);
}

Bitmapset *
pgm_key_columns(Oid index)
{
	HeapTuple	tuple = SearchSysCache1(INDEXRELID, ObjectIdGetDatum(index));
	Form_pg_index form;
	Bitmapset  *result = NULL;

	if (!HeapTupleIsValid(tuple))
		elog(ERROR, "cache lookup failed for index %u", index);
	form = (Form_pg_index) GETSTRUCT(tuple);
	for (int i = 0; i < form->indnkeyatts; i++)
		result = bms_add_member(result, form->indkey.values[i]);
	ReleaseSysCache(tuple);
	return result;
}

void
pgm_shadow_inverse(const PgmShadow *shadow, PgmInverse *inverse)
{
	const PgmShadowRequest *request = shadow->request;

	memset(inverse, 0, sizeof(PgmInverse));
	inverse->change = pgm_shadow_commands(shadow);
	inverse->change_text = request->source == NULL ? "" :
		request->source->text;
	inverse->text = "";
	if (request->inverse != NULL)
	{
		inverse->commands = pgm_inverse_commands(request->inverse,
												 shadow->root);
		inverse->text = request->inverse->text;
	}
}

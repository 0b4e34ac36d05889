/*-------------------------------------------------------------------------
 *
 * side_effects.c
 *	  Queries that do nothing but compute, and statements that run code.
 *
 * A query is pure if it names no relation and nothing that did not come with
 * the server; that is told from its raw parse tree.  Only a query that reaches
 * no code of others is analyzed, in a subtransaction.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/transam.h"
#include "access/xact.h"
#include "catalog/namespace.h"
#include "catalog/pg_aggregate.h"
#include "catalog/pg_language.h"
#include "catalog/pg_proc.h"
#include "miscadmin.h"
#include "parser/parser.h"
#include "utils/builtins.h"
#include "utils/catcache.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/resowner.h"
#include "utils/snapmgr.h"
#include "utils/syscache.h"
#include "utils/typcache.h"

#include "base/cancel.h"
#include "classify/foreign_code.h"
#include "classify/foreign_names.h"
#include "classify/side_effects.h"
#include "compat/catalog.h"
#include "compat/parse.h"
#include "compat/server.h"
#include "sql/relation_names.h"

static bool
names_relation(Node *node, void *context)
{
	if (node == NULL)
		return false;
	if (IsA(node, RangeVar) || IsA(node, IntoClause))
		return true;
	return pgm_walk_raw(node, names_relation, context);
}

/*
 * A function of that name which may do anything: one in a language that runs
 * SQL, and not said to be without effects.  Those in C seldom do, and there
 * are many of them that only make a value.
 */
static bool
may_be_code(List *name)
{
	char	   *schema;
	char	   *function;
	CatCList   *list;
	bool		found = false;

	DeconstructQualifiedName(name, &schema, &function);
	list = SearchSysCacheList1(PROCNAMEARGSNSP, CStringGetDatum(function));
	for (int i = 0; i < list->n_members && !found; i++)
	{
		HeapTuple	tuple = &list->members[i]->tuple;
		Form_pg_proc form = (Form_pg_proc) GETSTRUCT(tuple);

		if (form->prolang == INTERNALlanguageId ||
			form->prolang == ClanguageId ||
			form->provolatile != PROVOLATILE_VOLATILE)
			continue;
		found = schema == NULL ? FunctionIsVisible(form->oid) :
			form->pronamespace == get_namespace_oid(schema, true);
	}
	ReleaseSysCacheList(list);
	return found;
}

static bool
calls_code(Node *node, void *context)
{
	if (node == NULL)
		return false;
	if (IsA(node, FuncCall) && may_be_code(castNode(FuncCall, node)->funcname))
		return true;
	return pgm_walk_raw(node, calls_code, context);
}

bool
pgm_statement_calls_code(Node *stmt)
{
	Node	   *query = pgm_query_run(stmt);

	if (query == NULL)
		return false;
	switch (nodeTag(query))
	{
		case T_InsertStmt:
		case T_UpdateStmt:
		case T_DeleteStmt:
		case T_SelectStmt:
			return calls_code(query, NULL);
		case T_ExecuteStmt:

			/* by itself it is told apart, and so is CREATE TABLE AS it */
			return IsA(stmt, ExplainStmt);
		case T_DeclareCursorStmt:
			return IsA(stmt, ExplainStmt) && calls_code(query, NULL);
		default:
			return pgm_is_merge(query) && calls_code(query, NULL);
	}
}

static bool is_harmful_function(Oid function, void *context);

/* It is "internal" and immutable itself, whatever it is made of. */
static bool
is_harmful_aggregate(Oid function)
{
	HeapTuple	tuple = SearchSysCache1(AGGFNOID, ObjectIdGetDatum(function));
	bool		harmful = false;

	if (HeapTupleIsValid(tuple))
	{
		Form_pg_aggregate form = (Form_pg_aggregate) GETSTRUCT(tuple);
		Oid			parts[] = {
			form->aggtransfn, form->aggfinalfn, form->aggcombinefn,
			form->aggserialfn, form->aggdeserialfn, form->aggmtransfn,
			form->aggminvtransfn, form->aggmfinalfn
		};

		for (int i = 0; i < lengthof(parts) && !harmful; i++)
			harmful = OidIsValid(parts[i]) &&
				is_harmful_function(parts[i], NULL);
		ReleaseSysCache(tuple);
	}
	return harmful;
}

/*
 * Code of this database, but for that of extensions: a function in C can only
 * be made by a superuser.
 */
static bool
is_harmful_function(Oid function, void *context)
{
	HeapTuple	tuple;
	Form_pg_proc proc;
	bool		harmful;

	if (function < FirstNormalObjectId)
		return !pgm_builtin_is_harmless(function);
	tuple = SearchSysCache1(PROCOID, ObjectIdGetDatum(function));
	if (!HeapTupleIsValid(tuple))
		return true;
	proc = (Form_pg_proc) GETSTRUCT(tuple);
	harmful = proc->provolatile == PROVOLATILE_VOLATILE ||
		(proc->prolang != ClanguageId &&
		 proc->prolang != INTERNALlanguageId) ||
		(proc->prokind == PROKIND_AGGREGATE &&
		 is_harmful_aggregate(function));
	ReleaseSysCache(tuple);
	return harmful;
}

bool
pgm_function_is_harmful(Oid function)
{
	return is_harmful_function(function, NULL);
}

static bool
is_harmful(Node *node, void *context)
{
	if (node == NULL)
		return false;
	if (check_functions_in_node(node, is_harmful_function, context))
		return true;
	if (IsA(node, CoerceToDomain))
		return pgm_domain_has_constraints(exprType(node));
	if (IsA(node, NextValueExpr))
		return true;
	if (IsA(node, Query))
		return query_tree_walker(castNode(Query, node), is_harmful, context,
								 0);
	return expression_tree_walker(node, is_harmful, context);
}

/* One that cannot be analyzed will not run either. */
bool
pgm_sql_is_harmless(const char *sql)
{
	MemoryContext old = CurrentMemoryContext;
	ResourceOwner owner = CurrentResourceOwner;
	volatile bool harmless = true;

	BeginInternalSubTransaction(NULL);
	MemoryContextSwitchTo(old);
	PG_TRY();
	{
		RawStmt    *raw = linitial_node(RawStmt, pg_parse_query(sql));
		List	   *queries;

		PushActiveSnapshot(GetTransactionSnapshot());
		harmless = pgm_strange_code(raw->stmt, NULL, GetUserId(),
									false) == NULL;
		if (harmless)
		{
			queries = pg_analyze_and_rewrite_fixedparams(raw, sql, NULL, 0,
														 NULL);
			harmless = !is_harmful(linitial(queries), NULL);
		}
		PopActiveSnapshot();
		ReleaseCurrentSubTransaction();
	}
	PG_CATCH();
	{
		ErrorData  *edata;

		MemoryContextSwitchTo(old);
		edata = CopyErrorData();
		FlushErrorState();
		RollbackAndReleaseCurrentSubTransaction();
		MemoryContextSwitchTo(old);
		CurrentResourceOwner = owner;
		if (pgm_error_is_cancel(edata))
			ReThrowError(edata);
	}
	PG_END_TRY();
	MemoryContextSwitchTo(old);
	CurrentResourceOwner = owner;
	return harmless;
}

bool
pgm_query_is_pure(const PgmSource *source, int n)
{
	Node	   *stmt = source->statements[n].raw->stmt;

	return IsA(stmt, SelectStmt) && !names_relation(stmt, NULL) &&
		pgm_query_is_plain(stmt);
}

/*-------------------------------------------------------------------------
 *
 * pure.c
 *	  Queries that neither lock nor change anything.
 *
 * A query is analyzed as the server would do it, in a subtransaction, but only
 * if it names no relation: then analysis locks nothing.  Whatever runs code
 * that did not come with the server is not pure.
 *
 * Copyright (c) 2026, pgmigrate developers
 *
 * IDENTIFICATION
 *	  src/pure.c
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/transam.h"
#include "access/xact.h"
#include "catalog/pg_language.h"
#include "catalog/pg_proc.h"
#include "compat.h"
#include "compat_catalog.h"
#include "compat_parse.h"
#include "nodes/nodeFuncs.h"
#include "parser/parser.h"
#include "pure.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/resowner.h"
#include "utils/snapmgr.h"
#include "utils/syscache.h"
#include "utils/typcache.h"

static bool
names_relation(Node *node, void *context)
{
	if (node == NULL)
		return false;
	if (IsA(node, RangeVar) || IsA(node, IntoClause))
		return true;
	return raw_expression_tree_walker(node, names_relation, context);
}

/* Volatile, but for their own session or value only. */
static const char *const harmless[] = {
	"clock_timestamp", "gen_random_uuid", "random", "random_normal",
	"set_config", "timeofday", "uuidv4", "uuidv7"
};

/* Those that read tables given by name or as text are said to be stable. */
static bool
is_impure_function(Oid function, void *context)
{
	char	   *name;

	if (function >= FirstNormalObjectId)
		return true;
	name = get_func_name(function);
	if (name == NULL || strstr(name, "_to_xml") != NULL)
		return true;
	if (func_volatile(function) != PROVOLATILE_VOLATILE)
		return false;
	for (int i = 0; i < lengthof(harmless); i++)
		if (strcmp(name, harmless[i]) == 0)
			return false;
	return true;
}

/* A domain may have a CHECK that runs anything. */
static bool
is_impure(Node *node, void *context)
{
	if (node == NULL)
		return false;
	if (check_functions_in_node(node, is_impure_function, context))
		return true;
	if (IsA(node, CoerceToDomain) || IsA(node, NextValueExpr))
		return true;
	if (IsA(node, Query))
		return query_tree_walker(castNode(Query, node), is_impure, context, 0);
	return expression_tree_walker(node, is_impure, context);
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
		return is_impure_function(function, context);
	tuple = SearchSysCache1(PROCOID, ObjectIdGetDatum(function));
	if (!HeapTupleIsValid(tuple))
		return true;
	proc = (Form_pg_proc) GETSTRUCT(tuple);
	harmful = proc->provolatile == PROVOLATILE_VOLATILE ||
		(proc->prolang != ClanguageId && proc->prolang != INTERNALlanguageId);
	ReleaseSysCache(tuple);
	return harmful;
}

static bool
is_harmful(Node *node, void *context)
{
	if (node == NULL)
		return false;
	if (check_functions_in_node(node, is_harmful_function, context))
		return true;
	if (IsA(node, CoerceToDomain))
		return DomainHasConstraints(exprType(node));
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
		queries = pg_analyze_and_rewrite_fixedparams(raw, sql, NULL, 0, NULL);
		PopActiveSnapshot();
		harmless = !is_harmful(linitial(queries), NULL);
		ReleaseCurrentSubTransaction();
	}
	PG_CATCH();
	{
		ErrorData  *edata;

		MemoryContextSwitchTo(old);
		edata = CopyErrorData();
		if (edata->sqlerrcode == ERRCODE_QUERY_CANCELED)
			PG_RE_THROW();
		FlushErrorState();
		RollbackAndReleaseCurrentSubTransaction();
	}
	PG_END_TRY();
	MemoryContextSwitchTo(old);
	CurrentResourceOwner = owner;
	return harmless;
}

static bool
analyze(const PgmSource *source, int n)
{
	RawStmt    *raw = copyObject(source->statements[n].raw);
	Query	   *query;

	query = linitial_node(Query,
						  pg_analyze_and_rewrite_fixedparams(raw, source->text,
															 NULL, 0, NULL));
	return !is_impure((Node *) query, NULL);
}

bool
pgm_query_is_pure(const PgmSource *source, int n)
{
	MemoryContext old = CurrentMemoryContext;
	ResourceOwner owner = CurrentResourceOwner;
	volatile bool pure = false;

	if (!IsA(source->statements[n].raw->stmt, SelectStmt) ||
		names_relation(source->statements[n].raw->stmt, NULL))
		return false;
	BeginInternalSubTransaction(NULL);
	MemoryContextSwitchTo(old);
	PG_TRY();
	{
		PushActiveSnapshot(GetTransactionSnapshot());
		pure = analyze(source, n);
		PopActiveSnapshot();
		ReleaseCurrentSubTransaction();
	}
	PG_CATCH();
	{
		ErrorData  *edata;

		MemoryContextSwitchTo(old);
		edata = CopyErrorData();
		if (edata->sqlerrcode == ERRCODE_QUERY_CANCELED)
			PG_RE_THROW();
		FlushErrorState();
		RollbackAndReleaseCurrentSubTransaction();
	}
	PG_END_TRY();
	MemoryContextSwitchTo(old);
	CurrentResourceOwner = owner;
	return pure;
}

/*-------------------------------------------------------------------------
 *
 * foreign_names.c
 *	  Names in a statement, and whether what they may mean is code of others.
 *
 * A name means every object of that name in the schema, or in the search path:
 * which of them the server takes depends on types, and those on an analysis.
 * What belongs to somebody is remembered, and asked for all at once in the
 * end.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/transam.h"
#include "access/xact.h"
#include "catalog/index.h"
#include "catalog/namespace.h"
#include "catalog/pg_class.h"
#include "catalog/pg_operator.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_type.h"
#include "parser/parse_type.h"
#include "utils/builtins.h"
#include "utils/catcache.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"

#include "classify/foreign_names.h"
#include "classify/verdict.h"
#include "compat/server.h"

bool
pgm_strange_refuse(PgmStrangeWalk *walk, char *what)
{
	walk->found = what;
	return true;
}

static void
remember(PgmStrangeWalk *walk, Oid classid, Oid objid)
{
	if (list_member_oid(walk->objids, objid))
		return;
	walk->classids = lappend_oid(walk->classids, classid);
	walk->objids = lappend_oid(walk->objids, objid);
}

bool
pgm_strange_is_ours(HeapTuple tuple)
{
	TransactionId xmin = HeapTupleHeaderGetXmin(tuple->t_data);

	return TransactionIdIsCurrentTransactionId(xmin);
}

/* ---- names */

typedef struct LookFor
{
	char	   *schema;			/* or NULL */
	char	   *name;
	Oid			namespace;
} LookFor;

/* False if it cannot be told where the name leads. */
static bool
read_name(List *strings, LookFor *name)
{
	if (list_length(strings) < 1 || list_length(strings) > 2)
		return false;
	name->schema = list_length(strings) == 2 ? strVal(linitial(strings)) :
		NULL;
	name->name = strVal(llast(strings));
	name->namespace = InvalidOid;
	if (name->schema == NULL)
		return true;
	if (strcmp(name->schema, "pg_temp") == 0)
		return false;
	name->namespace = get_namespace_oid(name->schema, true);
	return true;
}

static bool
may_mean(const PgmStrangeWalk *walk, const LookFor *name, Oid namespace)
{
	return name->schema != NULL ? name->namespace == namespace :
		list_member_oid(walk->path, namespace);
}

bool
pgm_strange_name(PgmStrangeWalk *walk, const char *kind, List *strings)
{
	return pgm_strange_refuse(walk, psprintf("%s %s", kind, NameListToString(strings)));
}

/* ---- functions */

/* Volatile, but for their own session or value only. */
static const char *const harmless[] = {
	"clock_timestamp", "gen_random_uuid", "random", "random_normal",
	"set_config", "timeofday", "uuidv4", "uuidv7"
};

static bool
is_harmless(const char *name)
{
	for (int i = 0; i < lengthof(harmless); i++)
		if (strcmp(name, harmless[i]) == 0)
			return true;
	return false;
}

static bool
runs_text(const char *name)
{
	return strstr(name, "_to_xml") != NULL ||
		strstr(name, "_validator") != NULL ||
		strncmp(name, "pg_input_", 9) == 0;
}

bool
pgm_builtin_is_harmless(Oid function)
{
	char	   *name = get_func_name(function);

	return name != NULL && !runs_text(name) &&
		(func_volatile(function) != PROVOLATILE_VOLATILE || is_harmless(name));
}

/*
 * Some functions of the server run code that they are told by a value: queries
 * as text, views by name, the input functions of a type by its OID.
 */
static bool
is_harmless_builtin(const PgmStrangeWalk *walk, Form_pg_proc proc)
{
	const char *name = NameStr(proc->proname);

	for (int i = 0; i < proc->pronargs; i++)
		if (proc->proargtypes.values[i] == CSTRINGOID ||
			proc->proargtypes.values[i] == INTERNALOID)
			return false;
	if (runs_text(name))
		return false;
	if (proc->provolatile != PROVOLATILE_VOLATILE)
		return true;
	return !(walk->plain || walk->computed) ||
		(is_harmless(name) &&
	/* which would lead the names to come elsewhere */
		 !(walk->computed && strcmp(name, "set_config") == 0));
}

/* A query that names built-in types only seldom means one for others. */
static bool
takes_other_type(const Oid *types, int n)
{
	for (int i = 0; i < n; i++)
		if (types[i] >= FirstNormalObjectId)
			return true;
	return false;
}

static bool
is_harmless_function(PgmStrangeWalk *walk, HeapTuple tuple)
{
	Form_pg_proc proc = (Form_pg_proc) GETSTRUCT(tuple);

	if (proc->oid < FirstNormalObjectId)
		return is_harmless_builtin(walk, proc);
	if (walk->plain || (!walk->authored && pgm_strange_is_ours(tuple)))
		return false;
	if (walk->computed && proc->provolatile == PROVOLATILE_VOLATILE)
		return false;
	remember(walk, ProcedureRelationId, proc->oid);
	if (proc->proowner == walk->role)
		return true;

	/* a stable one may read what its arguments say, as crosstab() does */
	return !proc->prosecdef && proc->provolatile != PROVOLATILE_STABLE;
}

static bool
find_functions(PgmStrangeWalk *walk, const LookFor *name, bool *any)
{
	CatCList   *list = SearchSysCacheList1(PROCNAMEARGSNSP,
										   CStringGetDatum(name->name));
	bool		harmless_all = true;

	for (int i = 0; i < list->n_members && harmless_all; i++)
	{
		HeapTuple	tuple = &list->members[i]->tuple;

		Form_pg_proc proc = (Form_pg_proc) GETSTRUCT(tuple);

		if (!may_mean(walk, name, proc->pronamespace) ||
			(walk->plain &&
			 takes_other_type(proc->proargtypes.values, proc->pronargs)))
			continue;
		*any = true;
		harmless_all = is_harmless_function(walk, tuple);
	}
	ReleaseSysCacheList(list);
	return harmless_all;
}

/* ---- types */

static bool
find_type(PgmStrangeWalk *walk, const LookFor *name, Oid namespace, bool *any)
{
	Oid			type = GetSysCacheOid2(TYPENAMENSP, Anum_pg_type_oid,
									   CStringGetDatum(name->name),
									   ObjectIdGetDatum(namespace));

	if (!OidIsValid(type))
		return true;
	*any = true;
	if (type < FirstNormalObjectId)
		return true;
	remember(walk, TypeRelationId, type);
	return !walk->plain;
}

static bool
find_types(PgmStrangeWalk *walk, const LookFor *name, bool *any)
{
	ListCell   *lc;

	if (name->schema != NULL)
		return !OidIsValid(name->namespace) ||
			find_type(walk, name, name->namespace, any);
	foreach(lc, walk->path)
	{
		if (!find_type(walk, name, lfirst_oid(lc), any))
			return false;
	}
	return true;
}

bool
pgm_strange_type(PgmStrangeWalk *walk, TypeName *type)
{
	LookFor		name;
	bool		any = false;

	if (type->names == NIL || type->pct_type || !read_name(type->names, &name))
		return pgm_strange_refuse(walk, psprintf("type %s", TypeNameToString(type)));
	if (!find_types(walk, &name, &any) || (walk->plain && !any))
		return pgm_strange_name(walk, "type", type->names);
	return false;
}

/* A function of a type's name with one argument is a cast. */
bool
pgm_strange_function(PgmStrangeWalk *walk, List *strings, bool attribute)
{
	LookFor		name;
	bool		any = false;

	if (!read_name(strings, &name) || !find_functions(walk, &name, &any) ||
		!find_types(walk, &name, &any))
		return pgm_strange_name(walk, "function", strings);
	if (walk->plain && !any && !attribute)
		return pgm_strange_name(walk, "function", strings);
	return false;
}

/* What looks like a column may be a function of the whole row. */
bool
pgm_strange_attributes(PgmStrangeWalk *walk, List *fields, int from)
{
	for (int i = from; i < list_length(fields); i++)
	{
		Node	   *field = list_nth(fields, i);

		if (IsA(field, String) &&
			pgm_strange_function(walk, list_make1(field), true))
			return true;
	}
	return false;
}

/* ---- operators */

static bool
find_operators(PgmStrangeWalk *walk, const LookFor *name)
{
	CatCList   *list = SearchSysCacheList1(OPERNAMENSP,
										   CStringGetDatum(name->name));
	bool		harmless_all = true;

	for (int i = 0; i < list->n_members && harmless_all; i++)
	{
		Form_pg_operator operator = (Form_pg_operator)
			GETSTRUCT(&list->members[i]->tuple);
		Oid			operands[2] = {operator->oprleft, operator->oprright};
		HeapTuple	tuple;

		if (operator->oid < FirstNormalObjectId ||
			!may_mean(walk, name, operator->oprnamespace) ||
			(walk->plain && takes_other_type(operands, 2)))
			continue;
		remember(walk, OperatorRelationId, operator->oid);
		tuple = SearchSysCache1(PROCOID, ObjectIdGetDatum(operator->oprcode));
		harmless_all = HeapTupleIsValid(tuple) &&
			is_harmless_function(walk, tuple);
		if (HeapTupleIsValid(tuple))
			ReleaseSysCache(tuple);
	}
	ReleaseSysCacheList(list);
	return harmless_all;
}

bool
pgm_strange_operator(PgmStrangeWalk *walk, List *strings)
{
	LookFor		name;

	if (strings == NIL)
		return false;
	if (!read_name(strings, &name) || !find_operators(walk, &name))
		return pgm_strange_name(walk, "operator", strings);
	return false;
}

bool
pgm_strange_implied(PgmStrangeWalk *walk)
{
	static const char *const implied[] = {"=", "<>", "<", "<=", ">", ">="};

	for (int i = 0; i < lengthof(implied); i++)
	{
		Node	   *name = (Node *) makeString(pstrdup(implied[i]));

		if (pgm_strange_operator(walk, list_make1(name)))
			return true;
	}
	return false;
}

/* ---- relations */

bool
pgm_strange_relation(RangeVar *name, PgmNameRole role, void *arg)
{
	PgmStrangeWalk *walk = arg;
	Oid			relid = pgm_lookup_relation(name);
	char		kind;

	if (!OidIsValid(relid) || relid < FirstNormalObjectId)
		return false;
	remember(walk, RelationRelationId, relid);
	kind = get_rel_relkind(relid);
	if (kind == RELKIND_INDEX || kind == RELKIND_PARTITIONED_INDEX)
		remember(walk, RelationRelationId, IndexGetRelation(relid, true));
	return false;
}

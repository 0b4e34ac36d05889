/*-------------------------------------------------------------------------
 *
 * foreign_code.c
 *	  Does a statement reach code of other roles when it is looked at?
 *
 * To analyze a statement is to run some of it: the literal of a domain runs
 * its CHECK, the bound of a partition is evaluated, constant expressions are
 * computed by the planner.  So before that the names in the raw parse tree are
 * looked up, and nothing else is done.  Each function, operator and type that
 * a name may mean must have come with the server or belong to the role or to a
 * superuser, as those of extensions do: the members of an extension may be
 * others', since the owner of a trusted one can add his own.  What is not
 * known is refused.
 *
 * Operator classes, access methods and the like are made by superusers only;
 * so what an operator class or a cast calls is looked at where it is made.
 *
 * A volatile function is called by the bound of a partition only; nobody else
 * computes it before there is a row.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/xact.h"
#include "catalog/namespace.h"
#include "catalog/pg_trigger.h"
#include "miscadmin.h"
#include "nodes/makefuncs.h"
#include "parser/parser.h"
#include "utils/catcache.h"
#include "utils/memutils.h"
#include "utils/resowner.h"
#include "utils/syscache.h"

#include "base/cancel.h"
#include "classify/foreign_code.h"
#include "classify/foreign_dependencies.h"
#include "classify/foreign_names.h"
#include "compat/command.h"
#include "compat/constraint.h"
#include "compat/parse.h"
#include "compat/server.h"
#include "sql/relation_names.h"

static bool walk_node(Node *node, void *context);
static bool visit_statement(PgmStrangeWalk *walk, Node *stmt);

/* ---- parts of statements */

static bool
walk_list(PgmStrangeWalk *walk, List *nodes)
{
	ListCell   *lc;

	foreach(lc, nodes)
	{
		if (walk_node(lfirst(lc), walk))
			return true;
	}
	return false;
}

static bool
visit_bound(PgmStrangeWalk *walk, PartitionBoundSpec *bound)
{
	bool		result;

	walk->computed = true;
	result = walk_list(walk, bound->listdatums) ||
		walk_list(walk, bound->lowerdatums) ||
		walk_list(walk, bound->upperdatums);
	walk->computed = false;
	return result;
}

static bool
visit_constraint(PgmStrangeWalk *walk, Constraint *constraint)
{
	ListCell   *lc;

	foreach(lc, constraint->exclusions)
	{
		List	   *pair = lfirst(lc);

		if (walk_node(linitial(pair), walk) ||
			pgm_strange_operator(walk, lsecond(pair)))
			return true;
	}
	return walk_node(constraint->raw_expr, walk) ||
		walk_node(constraint->where_clause, walk);
}

static bool
visit_column(PgmStrangeWalk *walk, ColumnDef *column)
{
	return walk_node((Node *) column->typeName, walk) ||
		walk_node(column->raw_default, walk) ||
		walk_list(walk, column->constraints);
}

static bool
visit_alter_cmd(PgmStrangeWalk *walk, AlterTableCmd *cmd)
{
	switch (pgm_alter_cmd_type(cmd))
	{
		case AT_AddColumn:
		case AT_ColumnDefault:
		case AT_AddConstraint:
		case AT_AlterColumnType:
		case AT_AttachPartition:
			return walk_node(cmd->def, walk);
		default:
			return pgm_is_set_expression(cmd) && walk_node(cmd->def, walk);
	}
}

/* ---- the tree */

/* What a grammar rule makes that the server's own walker does not know. */
static bool
walk_definition(Node *node, PgmStrangeWalk *walk, bool *known)
{
	*known = true;
	switch (nodeTag(node))
	{
		case T_List:
			return walk_list(walk, (List *) node);
		case T_ColumnDef:
			return visit_column(walk, castNode(ColumnDef, node));
		case T_Constraint:
			return visit_constraint(walk, castNode(Constraint, node));
		case T_AlterTableCmd:
			return visit_alter_cmd(walk, castNode(AlterTableCmd, node));
		case T_IndexElem:
			return walk_node(castNode(IndexElem, node)->expr, walk);
		case T_StatsElem:
			return walk_node(castNode(StatsElem, node)->expr, walk);
		case T_PartitionSpec:
			return walk_list(walk, castNode(PartitionSpec, node)->partParams);
		case T_PartitionElem:
			return walk_node(castNode(PartitionElem, node)->expr, walk);
		case T_PartitionBoundSpec:
			return visit_bound(walk, castNode(PartitionBoundSpec, node));
		case T_PartitionCmd:
			return walk_node((Node *) castNode(PartitionCmd, node)->bound,
							 walk);
		case T_DefElem:
			return castNode(DefElem, node)->arg != NULL &&
				IsA(castNode(DefElem, node)->arg, TypeName) &&
				walk_node(castNode(DefElem, node)->arg, walk);
		case T_FunctionParameter:
			return walk_node((Node *) castNode(FunctionParameter,
											   node)->argType, walk) ||
				walk_node(castNode(FunctionParameter, node)->defexpr, walk);
		case T_RangeVar:
			return pgm_strange_relation((RangeVar *) node, PGM_NAME_READ,
										walk);
		case T_TableLikeClause: /* its names are visited */
		case T_IntoClause:
			return false;
		default:
			*known = false;
			return false;
	}
}

static bool
visit_expression(PgmStrangeWalk *walk, Node *node)
{
	List	   *names;

	switch (nodeTag(node))
	{
		case T_FuncCall:
			names = castNode(FuncCall, node)->funcname;
			return pgm_strange_function(walk, names, false);
		case T_TypeName:
			return pgm_strange_type(walk, castNode(TypeName, node));
		case T_ColumnRef:
			names = castNode(ColumnRef, node)->fields;
			return pgm_strange_attributes(walk, names, 1);
		case T_A_Indirection:
			names = castNode(A_Indirection, node)->indirection;
			return pgm_strange_attributes(walk, names, 0);
		case T_A_Expr:
			/* BETWEEN is no operator */
			return castNode(A_Expr, node)->kind < AEXPR_BETWEEN &&
				pgm_strange_operator(walk, castNode(A_Expr, node)->name);
		case T_SubLink:
			names = castNode(SubLink, node)->operName;
			return pgm_strange_operator(walk, names);
		case T_SortBy:
			return pgm_strange_operator(walk, castNode(SortBy, node)->useOp);
		default:
			return false;
	}
}

static bool
walk_node(Node *node, void *context)
{
	PgmStrangeWalk *walk = context;
	bool		known;
	bool		found;

	if (node == NULL)
		return false;
	found = walk_definition(node, walk, &known);
	if (known)
		return found;
	return visit_expression(walk, node) ||
		pgm_walk_raw(node, walk_node, context);
}

/* ---- functions that are made */

static const char *
function_option(CreateFunctionStmt *stmt, const char *name, Node **arg)
{
	ListCell   *lc;

	foreach(lc, stmt->options)
	{
		DefElem    *option = lfirst_node(DefElem, lc);

		if (strcmp(option->defname, name) != 0)
			continue;
		*arg = option->arg;
		return option->arg != NULL && IsA(option->arg, String) ?
			strVal(option->arg) : "";
	}
	return NULL;
}

/* Another of that name, by whomever: it may be replaced, or hidden. */
static bool
function_exists(CreateFunctionStmt *stmt)
{
	CatCList   *list = SearchSysCacheList1(PROCNAMEARGSNSP,
										   CStringGetDatum(strVal(llast(stmt->funcname))));
	bool		exists = false;

	for (int i = 0; i < list->n_members; i++)
		exists |= !pgm_strange_is_ours(&list->members[i]->tuple);
	ReleaseSysCacheList(list);
	return exists;
}

/* The statements of a body; one that is no SQL is an error of the trial. */
static List *
parse_body(const char *text)
{
	MemoryContext old = CurrentMemoryContext;
	ResourceOwner owner = CurrentResourceOwner;
	List	   *volatile result = NIL;

	BeginInternalSubTransaction(NULL);
	MemoryContextSwitchTo(old);
	PG_TRY();
	{
		result = pg_parse_query(text);
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
	return result;
}

static bool
visit_body(PgmStrangeWalk *walk, List *statements)
{
	ListCell   *lc;

	foreach(lc, statements)
	{
		Node	   *stmt = lfirst_node(RawStmt, lc)->stmt;

		if (visit_statement(walk, stmt))
			return true;
	}
	return false;
}

/* RETURN, or statements in lists of lists. */
static bool
visit_atomic(PgmStrangeWalk *walk, Node *body)
{
	ListCell   *lc;

	if (body == NULL || !IsA(body, List))
		return walk_node(body, walk);
	foreach(lc, (List *) body)
	{
		Node	   *node = lfirst(lc);

		if (IsA(node, List) ? visit_atomic(walk, node) :
			IsA(node, ReturnStmt) ? walk_node(node, walk) :
			visit_statement(walk, node))
			return true;
	}
	return false;
}

/*
 * The validator of a language compiles the body: in SQL it analyzes it, in C
 * it loads a library.
 */
static bool
visit_create_function(PgmStrangeWalk *walk, CreateFunctionStmt *stmt)
{
	Node	   *arg = NULL;
	Node	   *setting = NULL;
	const char *language = function_option(stmt, "language", &arg);

	if (!walk->authored && function_exists(stmt))
		return pgm_strange_name(walk, "function", stmt->funcname);
	if (function_option(stmt, "support", &arg) != NULL)
		return pgm_strange_refuse(walk, pstrdup("a support function"));
	if (walk_list(walk, stmt->parameters) ||
		walk_node((Node *) stmt->returnType, walk) ||
		visit_atomic(walk, stmt->sql_body))
		return true;
	if (stmt->sql_body != NULL)
		return false;
	if (language == NULL || (strcmp(language, "sql") != 0 &&
							 strcmp(language, "plpgsql") != 0))
		return pgm_strange_refuse(walk, psprintf("language %s",
												 language ? language : "sql"));
	if (strcmp(language, "plpgsql") == 0 ||
		function_option(stmt, "as", &arg) == NULL || !IsA(arg, List) ||
		!IsA(linitial((List *) arg), String))
		return false;

	/* its names are looked for by another path */
	if (function_option(stmt, "set", &setting) != NULL)
		return pgm_strange_refuse(walk, pstrdup("a body with settings of its own"));
	return visit_body(walk, parse_body(strVal(linitial((List *) arg))));
}

/* ---- statements */

static bool
visit_range(PgmStrangeWalk *walk, CreateRangeStmt *stmt)
{
	ListCell   *lc;

	foreach(lc, stmt->params)
	{
		DefElem    *option = lfirst_node(DefElem, lc);

		if (strcmp(option->defname, "subtype") != 0 &&
			strcmp(option->defname, "collation") != 0 &&
			strcmp(option->defname, "multirange_type_name") != 0)
			return pgm_strange_refuse(walk, psprintf("the %s of a range",
													 option->defname));
		if (strcmp(option->defname, "subtype") == 0 &&
			walk_node(option->arg, walk))
			return true;
	}
	return false;
}

/* A type, which may be written as a string. */
static bool
visit_type_option(PgmStrangeWalk *walk, Node *type)
{
	if (type != NULL && IsA(type, String))
		type = (Node *) makeTypeNameFromNameList(list_make1(type));
	return type == NULL || !IsA(type, TypeName) || walk_node(type, walk);
}

/*
 * An aggregate's first state is read by the input function of its type.  The
 * options have old names, too.
 */
static bool
visit_define(PgmStrangeWalk *walk, DefineStmt *stmt)
{
	bool		read = false;
	ListCell   *lc;

	foreach(lc, stmt->definition)
	{
		const char *option = lfirst_node(DefElem, lc)->defname;

		if (strcmp(option, "mstype") == 0)
			return pgm_strange_refuse(walk, pstrdup("a moving aggregate"));
		read |= strncmp(option, "initcond", 8) == 0;
	}
	foreach(lc, stmt->definition)
	{
		DefElem    *option = lfirst_node(DefElem, lc);

		if (read && strncmp(option->defname, "stype", 5) == 0 &&
			visit_type_option(walk, option->arg))
			return walk->found != NULL ||
				pgm_strange_refuse(walk, pstrdup("a type of the aggregate"));
	}
	return false;
}

/* What the cast is of may be types of the server's, so nothing names it. */
static bool
visit_cast(PgmStrangeWalk *walk, CreateCastStmt *stmt)
{
	if (stmt->func != NULL)
		return pgm_strange_function(walk, stmt->func->objname, false);

	/* values that are taken for others may take the server down */
	return !stmt->inout &&
		pgm_strange_refuse(walk, pstrdup("a cast without a function"));
}

/* So may be the type of an operator class. */
static bool
visit_operator_class(PgmStrangeWalk *walk, CreateOpClassStmt *stmt)
{
	ListCell   *lc;

	foreach(lc, stmt->items)
	{
		CreateOpClassItem *item = lfirst_node(CreateOpClassItem, lc);
		List	   *name = item->name == NULL ? NIL : item->name->objname;

		if (item->itemtype == OPCLASS_ITEM_FUNCTION ?
			pgm_strange_function(walk, name, false) :
			pgm_strange_operator(walk, name))
			return true;
	}
	return false;
}

static bool
visit_create(PgmStrangeWalk *walk, CreateStmt *stmt)
{
	return walk_list(walk, stmt->tableElts) ||
		walk_list(walk, stmt->constraints) ||
		walk_node((Node *) stmt->ofTypename, walk) ||
		walk_node((Node *) stmt->partspec, walk) ||
		walk_node((Node *) stmt->partbound, walk);
}

/* With ENABLE ALWAYS one on TRUNCATE fires on an empty table. */
static bool
visit_trigger(PgmStrangeWalk *walk, CreateTrigStmt *stmt)
{
	if (TRIGGER_FOR_TRUNCATE(stmt->events))
		return pgm_strange_name(walk, "trigger function", stmt->funcname);
	return walk_node(stmt->whenClause, walk);
}

static bool
visit_parts(PgmStrangeWalk *walk, Node *stmt)
{
	switch (nodeTag(stmt))
	{
		case T_AlterTableStmt:
			return walk_list(walk, castNode(AlterTableStmt, stmt)->cmds);
		case T_CreateStmt:
			return visit_create(walk, castNode(CreateStmt, stmt));
		case T_IndexStmt:
			return walk_list(walk, castNode(IndexStmt, stmt)->indexParams) ||
				walk_node(castNode(IndexStmt, stmt)->whereClause, walk);
		case T_CreateTrigStmt:
			return visit_trigger(walk, castNode(CreateTrigStmt, stmt));
		case T_CreatePolicyStmt:
			return walk_node(castNode(CreatePolicyStmt, stmt)->qual, walk) ||
				walk_node(castNode(CreatePolicyStmt, stmt)->with_check, walk);
		case T_AlterPolicyStmt:
			return walk_node(castNode(AlterPolicyStmt, stmt)->qual, walk) ||
				walk_node(castNode(AlterPolicyStmt, stmt)->with_check, walk);
		case T_RuleStmt:
			return walk_node(castNode(RuleStmt, stmt)->whereClause, walk) ||
				walk_list(walk, castNode(RuleStmt, stmt)->actions);
		case T_CreateStatsStmt:
			return walk_list(walk, castNode(CreateStatsStmt, stmt)->exprs);
		case T_CompositeTypeStmt:
			return walk_list(walk, castNode(CompositeTypeStmt,
											stmt)->coldeflist);
		case T_CreateDomainStmt:
			return walk_node((Node *) castNode(CreateDomainStmt,
											   stmt)->typeName, walk) ||
				walk_list(walk, castNode(CreateDomainStmt, stmt)->constraints);
		case T_CreateRangeStmt:
			return visit_range(walk, castNode(CreateRangeStmt, stmt));
		case T_CreateFunctionStmt:
			return visit_create_function(walk, castNode(CreateFunctionStmt,
														stmt));
		case T_DefineStmt:
			return visit_define(walk, castNode(DefineStmt, stmt));
		case T_CreateCastStmt:
			return visit_cast(walk, castNode(CreateCastStmt, stmt));
		case T_CreateOpClassStmt:
			return visit_operator_class(walk, castNode(CreateOpClassStmt,
													   stmt));
		case T_CreateSeqStmt:
			return walk_list(walk, castNode(CreateSeqStmt, stmt)->options);
		case T_AlterSeqStmt:
			return walk_list(walk, castNode(AlterSeqStmt, stmt)->options);
		default:
			return pgm_strange_refuse(walk, pstrdup("a statement of this kind"));
	}
}

static bool
visit_elements(PgmStrangeWalk *walk, List *elements)
{
	ListCell   *lc;

	foreach(lc, elements)
	{
		if (visit_statement(walk, lfirst(lc)))
			return true;
	}
	return false;
}

static bool
visit_statement(PgmStrangeWalk *walk, Node *stmt)
{
	pgm_names_visit(stmt, pgm_strange_relation, walk);
	switch (nodeTag(stmt))
	{
		case T_RenameStmt:
		case T_DropStmt:
		case T_TruncateStmt:
		case T_ClusterStmt:
		case T_ReindexStmt:
		case T_AlterObjectSchemaStmt:
		case T_CommentStmt:
		case T_CreateEnumStmt:
		case T_CreateOpFamilyStmt:
		case T_AlterEnumStmt:
		case T_GrantStmt:
			return false;
		case T_SelectStmt:
		case T_InsertStmt:
		case T_UpdateStmt:
		case T_DeleteStmt:
			return walk_node(stmt, walk);
		case T_ViewStmt:
			return walk_node(castNode(ViewStmt, stmt)->query, walk);
		case T_CreateTableAsStmt:
			stmt = castNode(CreateTableAsStmt, stmt)->query;
			return IsA(stmt, SelectStmt) ? walk_node(stmt, walk) :
				pgm_strange_refuse(walk, pstrdup("a prepared statement"));
		case T_CreateSchemaStmt:
			return visit_elements(walk, castNode(CreateSchemaStmt,
												 stmt)->schemaElts);
		default:
			return pgm_is_merge(stmt) ? walk_node(stmt, walk) :
				visit_parts(walk, stmt);
	}
}

/* ---- questions */

/* As the role, whose name and rights decide what the path leads to. */
static void
look(PgmStrangeWalk *walk, Node *stmt)
{
	Oid			save_user;
	int			save_sec_context;

	GetUserIdAndSecContext(&save_user, &save_sec_context);

	/* to the clones the names are led as the caller */
	pgm_names_visit(stmt, pgm_strange_relation, walk);
	SetUserIdAndSecContext(walk->role, save_sec_context |
						   SECURITY_LOCAL_USERID_CHANGE);
	walk->path = fetch_search_path(true);
	if (!pgm_strange_implied(walk))
		(void) visit_statement(walk, stmt);
	SetUserIdAndSecContext(save_user, save_sec_context);
}

/* A clone has the code of its table, also where that was renamed meanwhile. */
char *
pgm_strange_code(Node *stmt, Node *led, Oid role, bool authored)
{
	PgmStrangeWalk walk = {.role = role,.authored = authored};

	if (led != NULL)
		pgm_names_visit(led, pgm_strange_relation, &walk);

	look(&walk, stmt);
	return walk.found != NULL ? walk.found :
		pgm_strange_object(walk.classids, walk.objids, role);
}

bool
pgm_query_is_plain(Node *stmt)
{
	PgmStrangeWalk walk = {.role = GetUserId(),.plain = true};

	look(&walk, stmt);
	return walk.found == NULL && walk.objids == NIL;
}

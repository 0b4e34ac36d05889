/*-------------------------------------------------------------------------
 *
 * wrong_names.c
 *	  Statements about rows that fail for a name.
 *
 * Queries are not tried, for they change rows and run code.  Their names are
 * looked up by the server's own analysis, of a SELECT of all expressions that
 * are in the statement: to analyze it as it is would lock the table that it
 * writes to.  Of that one the columns are looked up here.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/transam.h"
#include "catalog/namespace.h"
#include "catalog/pg_attribute.h"
#include "catalog/pg_class.h"
#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "nodes/makefuncs.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/snapmgr.h"
#include "utils/syscache.h"

#include "assess/constant_rows.h"
#include "assess/row_plans.h"
#include "assess/wrong_names.h"
#include "base/transaction.h"
#include "classify/foreign_code.h"
#include "classify/foreign_dependencies.h"
#include "compat/parse.h"
#include "compat/server.h"
#include "sql/kinds.h"

/* ---- is it certain? */

/* Can it have made, or changed, what the statement names? */
static bool
may_matter(PgmVerdict *earlier, const PgmVerdict *verdict)
{
	Node	   *stmt = earlier->source->statements[earlier->n].raw->stmt;
	ListCell   *lc;

	if (earlier->opaque && !earlier->plain)
		return true;
	if (pgm_statement_is(stmt, PGM_CHANGES_ROWS) ||
		IsA(stmt, SelectStmt) || IsA(stmt, VariableSetStmt))
		return false;
	if (!IsA(stmt, AlterTableStmt) && !IsA(stmt, IndexStmt) &&
		!IsA(stmt, CommentStmt))
		return true;
	foreach(lc, verdict->effects)
	{
		const PgmEffect *effect = lfirst(lc);

		if (effect->named && pgm_verdict_find(earlier, effect->relid) != NULL)
			return true;
	}
	return false;
}

static bool
is_certain(const PgmVerdict *verdict, const List *past)
{
	ListCell   *lc;

	foreach(lc, verdict->effects)
	{
		if (((PgmEffect *) lfirst(lc))->created_here)
			return false;
	}
	foreach(lc, past)
	{
		if (may_matter(lfirst(lc), verdict))
			return false;
	}
	return true;
}

/* ---- what is looked up */

static void
be_writable(Oid relid, const char *name)
{
	char		kind = get_rel_relkind(relid);

	if (kind == RELKIND_MATVIEW || kind == RELKIND_SEQUENCE)
		ereport(ERROR,
				errcode(ERRCODE_WRONG_OBJECT_TYPE),
				kind == RELKIND_SEQUENCE ?
				errmsg("cannot change sequence \"%s\"", name) :
				errmsg("cannot change materialized view \"%s\"", name));
}

/* The columns that are written to; indirection into them is not looked at. */
static void
check_columns(const RangeVar *name, List *targets, bool once)
{
	Oid			relid = pgm_lookup_relation(name);
	List	   *seen = NIL;
	ListCell   *lc;

	if (!OidIsValid(relid))
		ereport(ERROR,
				errcode(ERRCODE_UNDEFINED_TABLE),
				errmsg("relation \"%s\" does not exist", name->relname));
	be_writable(relid, name->relname);
	foreach(lc, targets)
	{
		const ResTarget *target = lfirst_node(ResTarget, lc);

		if (target->name == NULL)
			continue;
		if (get_attnum(relid, target->name) == InvalidAttrNumber)
			ereport(ERROR,
					errcode(ERRCODE_UNDEFINED_COLUMN),
					errmsg("column \"%s\" of relation \"%s\" does not exist",
						   target->name, name->relname));
		if (target->indirection != NIL)
			continue;
		if (list_member(seen, makeString(target->name)))
			ereport(ERROR,
					errcode(once ? ERRCODE_DUPLICATE_COLUMN :
							ERRCODE_SYNTAX_ERROR),
					once ?
					errmsg("column \"%s\" specified more than once",
						   target->name) :
					errmsg("multiple assignments to same column \"%s\"",
						   target->name));
		seen = lappend(seen, makeString(target->name));
	}
}

static int
count_columns(Oid relid)
{
	int			n = 0;

	for (AttrNumber attnum = 1; get_attname(relid, attnum, true) != NULL;
		 attnum++)
	{
		/* one that was dropped has no type */
		if (OidIsValid(get_atttype(relid, attnum)))
			n++;
	}
	return n;
}

/* More values than columns, or fewer than are named. */
static void
check_values(const InsertStmt *insert)
{
	const SelectStmt *select = (SelectStmt *) insert->selectStmt;
	int			nvalues;
	int			ncolumns = list_length(insert->cols);

	if (select == NULL || !IsA(select, SelectStmt) ||
		select->valuesLists == NIL)
		return;
	nvalues = list_length(linitial(select->valuesLists));
	if (insert->cols == NIL)
		ncolumns = count_columns(pgm_lookup_relation(insert->relation));
	if (nvalues > ncolumns)
		ereport(ERROR,
				errcode(ERRCODE_SYNTAX_ERROR),
				errmsg("INSERT has more expressions than target columns"));
	if (nvalues < ncolumns && insert->cols != NIL)
		ereport(ERROR,
				errcode(ERRCODE_SYNTAX_ERROR),
				errmsg("INSERT has more target columns than expressions"));
}

/* ---- values */

static bool
is_default(const Node *value)
{
	return value == NULL || IsA(value, SetToDefault) ||
		IsA(value, MultiAssignRef);
}

/* One value for one column, as it is written. */
static void
check_value(Oid relid, const char *column, Node *value, bool update)
{
	AttrNumber	attnum = get_attnum(relid, column);
	HeapTuple	tuple;
	FormData_pg_attribute att;

	if (is_default(value) || attnum <= 0)
		return;
	tuple = SearchSysCacheAttNum(relid, attnum);
	if (!HeapTupleIsValid(tuple))
		return;
	memcpy(&att, GETSTRUCT(tuple), ATTRIBUTE_FIXED_PART_SIZE);
	ReleaseSysCache(tuple);
	if (att.attgenerated != '\0' ||
		att.attidentity == ATTRIBUTE_IDENTITY_ALWAYS)
		ereport(ERROR,
				errcode(ERRCODE_GENERATED_ALWAYS),
				update ?
				errmsg("column \"%s\" can only be updated to DEFAULT", column) :
				errmsg("cannot insert a non-DEFAULT value into column \"%s\"",
					   column));
	pgm_check_assigned_constant(relid, column, value);
}

static void
check_updated(const UpdateStmt *update, Oid relid)
{
	ListCell   *lc;

	foreach(lc, update->targetList)
	{
		const ResTarget *target = lfirst_node(ResTarget, lc);

		if (target->indirection == NIL)
			check_value(relid, target->name, target->val, true);
	}
}

/* Rows of VALUES. */
static void
check_inserted(const InsertStmt *insert, Oid relid)
{
	const SelectStmt *select = (SelectStmt *) insert->selectStmt;
	ListCell   *row;
	ListCell   *lc;
	ListCell   *lc2;

	if (select == NULL || !IsA(select, SelectStmt) ||
		insert->override != OVERRIDING_NOT_SET)
		return;
	foreach(row, select->valuesLists)
		forboth(lc, insert->cols, lc2, lfirst_node(List, row))
	{
		const ResTarget *target = lfirst_node(ResTarget, lc);

		if (target->indirection == NIL)
			check_value(relid, target->name, lfirst(lc2), false);
	}
}

/* On the table or on one of its columns. */
static void
check_privilege(PgmVerdict *verdict, const RangeVar *name, AclMode mode,
				const char *privilege)
{
	Oid			relid = pgm_lookup_relation(name);

	if (pg_class_aclcheck(relid, GetUserId(), mode) == ACLCHECK_OK ||
		(mode != ACL_DELETE &&
		 pg_attribute_aclcheck_all(relid, GetUserId(), mode,
								   ACLMASK_ANY) == ACLCHECK_OK))
		return;
	verdict->remedy = psprintf("GRANT %s ON %s TO %s;", privilege,
							   quote_qualified_identifier(get_namespace_name(get_rel_namespace(relid)),
														  name->relname),
							   quote_identifier(GetUserNameFromId(GetUserId(),
																  false)));
	ereport(ERROR,
			errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
			errmsg("permission denied for %s %s",
				   get_rel_relkind(relid) == RELKIND_VIEW ? "view" : "table",
				   name->relname));
}

/*
 * The table, locked; InvalidOid if it reaches code of others.  To open it is
 * to plan its partition keys, and to convert a value the CHECKs of a domain:
 * what is constant there would run.
 */
static Oid
lock_harmless(const RangeVar *name)
{
	Oid			relid = RangeVarGetRelid(name, AccessShareLock, true);

	return pgm_strange_object(list_make1_oid(RelationRelationId),
							  list_make1_oid(relid), GetUserId()) == NULL ?
		relid : InvalidOid;
}

/* Values to be assigned, as the targets of a SELECT. */
static List *
values_of(List *targets)
{
	List	   *values = NIL;
	ListCell   *lc;

	foreach(lc, targets)
	{
		ResTarget  *target = makeNode(ResTarget);

		target->val = lfirst_node(ResTarget, lc)->val;
		target->location = -1;
		if (!is_default(target->val))
			values = lappend(values, target);
	}
	return values;
}

static SelectStmt *
select_from(List *targets, RangeVar *relation, List *from, Node *where,
			WithClause *with)
{
	SelectStmt *select = makeNode(SelectStmt);

	select->targetList = targets;
	select->fromClause = lcons(relation, list_copy(from));
	select->whereClause = where;
	select->withClause = with;
	return select;
}

/* NULL if there is nothing to look up. */
static Node *
query_of(PgmVerdict *verdict, Node *stmt)
{
	UpdateStmt *update;
	DeleteStmt *delete;
	InsertStmt *insert;
	Oid			relid;

	switch (nodeTag(stmt))
	{
		case T_UpdateStmt:
			update = castNode(UpdateStmt, stmt);
			check_columns(update->relation, update->targetList, false);
			check_privilege(verdict, update->relation, ACL_UPDATE, "UPDATE");
			check_updated(update, lock_harmless(update->relation));
			if (pgm_is_positioned(update->whereClause))
				return NULL;
			return (Node *) select_from(values_of(update->targetList),
										update->relation, update->fromClause,
										update->whereClause,
										update->withClause);
		case T_DeleteStmt:
			delete = castNode(DeleteStmt, stmt);
			check_columns(delete->relation, NIL, false);
			check_privilege(verdict, delete->relation, ACL_DELETE, "DELETE");
			if (pgm_is_positioned(delete->whereClause))
				return NULL;
			return (Node *) select_from(NIL, delete->relation,
										delete->usingClause,
										delete->whereClause,
										delete->withClause);
		case T_InsertStmt:
			insert = castNode(InsertStmt, stmt);
			check_columns(insert->relation, insert->cols, true);
			check_values(insert);
			check_privilege(verdict, insert->relation, ACL_INSERT, "INSERT");
			relid = lock_harmless(insert->relation);
			check_inserted(insert, relid);
			pgm_check_inserted_rows(insert, relid);

			/* values can be DEFAULT, and a WITH of its own hides names */
			return insert->withClause == NULL ? insert->selectStmt : NULL;
		case T_SelectStmt:
			return stmt;
		case T_ExplainStmt:
			return query_of(verdict, castNode(ExplainStmt, stmt)->query);
		case T_DeclareCursorStmt:
			return query_of(verdict, castNode(DeclareCursorStmt, stmt)->query);
		default:
			if (pgm_is_merge(stmt))
				check_columns(pgm_merge_target(stmt), NIL, false);
			return NULL;
	}
}

/* What writes rows in a WITH would lock their table. */
static bool
can_be_analyzed(Node *query)
{
	SelectStmt *select;

	if (query == NULL || !IsA(query, SelectStmt))
		return false;
	select = castNode(SelectStmt, query);
	if (select->valuesLists != NIL)
		return false;
	select->intoClause = NULL;
	select->lockingClause = NIL;
	return !pgm_with_changes(select->withClause);
}

static void
look_up(PgmVerdict *verdict, Node *stmt, bool authored)
{
	RawStmt    *raw = makeNode(RawStmt);

	raw->stmt = query_of(verdict, stmt);
	if (!can_be_analyzed(raw->stmt) ||
		pgm_strange_code(raw->stmt, NULL, GetUserId(), authored) != NULL)
		return;
	(void) pg_analyze_and_rewrite_fixedparams(raw, verdict->source->text,
											  NULL, 0, NULL);
}

/*
 * Is there, or is there not, what it names?  Rights of its own have been
 * looked at here; those on what it reads were not.
 */
static bool
is_certain_error(const PgmVerdict *verdict, int sqlerrcode)
{
	switch (ERRCODE_TO_CATEGORY(sqlerrcode))
	{
		case ERRCODE_SYNTAX_ERROR_OR_ACCESS_RULE_VIOLATION:
			return sqlerrcode != ERRCODE_INDETERMINATE_DATATYPE &&
				(sqlerrcode != ERRCODE_INSUFFICIENT_PRIVILEGE ||
				 verdict->remedy != NULL);
		case ERRCODE_DATA_EXCEPTION:
		case ERRCODE_INTEGRITY_CONSTRAINT_VIOLATION:
			return true;
		default:
			return false;
	}
}

typedef struct LookUp
{
	PgmVerdict *verdict;
	bool		authored;
} LookUp;

static void
try_look_up(void *arg)
{
	const LookUp *look = arg;
	PgmVerdict *verdict = look->verdict;

	PushActiveSnapshot(GetTransactionSnapshot());
	look_up(verdict,
			copyObject(verdict->source->statements[verdict->n].raw->stmt),
			look->authored);
}

void
pgm_find_wrong_names(PgmVerdict *verdict, const List *past, bool authored)
{
	LookUp		look = {verdict, authored};
	ErrorData  *error;

	if (verdict->sqlerrcode != 0 || !is_certain(verdict, past))
		return;
	error = pgm_txn_look(try_look_up, &look);
	if (error != NULL && is_certain_error(verdict, error->sqlerrcode))
	{
		verdict->sqlerrcode = error->sqlerrcode;
		verdict->reason = error->message;
		verdict->position = error->cursorpos;
	}
}

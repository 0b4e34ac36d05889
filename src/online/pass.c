/*-------------------------------------------------------------------------
 *
 * pass.c
 *	  Which statements on a table go in one pass.
 *
 * Each of them runs as it is written, on the copy and in the switch.  But the
 * rows are mapped once, from what they were before the first: so none may go
 * by what an earlier one has made of a column.
 *
 * What a statement before them drops because the server would refuse, a view,
 * a policy or a trigger on the column, and what one after them makes again,
 * goes along: it is not there for the moment of the switch only.  So is a
 * materialized view dropped; one that is to be filled is made after the
 * switch, by its own statement.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/namespace.h"
#include "commands/policy.h"
#include "commands/trigger.h"
#include "nodes/parsenodes.h"
#include "rewrite/rewriteSupport.h"
#include "utils/lsyscache.h"

#include "compat/parse.h"
#include "online/dependents.h"
#include "online/internal.h"
#include "strategy/strategy.h"

static bool
mentions_walker(Node *node, void *context)
{
	ListCell   *lc;

	if (node == NULL)
		return false;
	if (IsA(node, ColumnRef))
	{
		foreach(lc, castNode(ColumnRef, node)->fields)
		{
			Node	   *field = lfirst(lc);

			if (IsA(field, A_Star) ||
				(IsA(field, String) &&
				 list_member((List *) context, field)))
				return true;
		}
		return false;
	}
	return raw_expression_tree_walker(node, mentions_walker, context);
}

/* The column that a subcommand is about, or NULL. */
static const char *
column_of(const AlterTableCmd *command)
{
	return command->subtype == AT_AddColumn ?
		castNode(ColumnDef, command->def)->colname : command->name;
}

/* Does a subcommand depend on what was made of these columns? */
static bool
goes_by(const AlterTableCmd *command, List *made)
{
	const char *column = column_of(command);

	if (column != NULL && command->subtype != AT_AddConstraint &&
		command->subtype != AT_DropConstraint &&
		list_member(made, makeString(pstrdup(column))))
		return true;
	return command->subtype == AT_AlterColumnType &&
		mentions_walker(castNode(ColumnDef, command->def)->raw_default, made);
}

/* Of the list, what a subcommand makes another column. */
static List *
add_made(List *made, const AlterTableCmd *command)
{
	if (command->subtype != AT_AlterColumnType &&
		command->subtype != AT_AddColumn)
		return made;
	return lappend(made, makeString(pstrdup(column_of(command))));
}

static bool
can_go_along(Oid relid, const PgmSource *source, int n, List *made)
{
	Node	   *stmt = source->statements[n].raw->stmt;
	char	   *reason;
	ListCell   *lc;

	if (!IsA(stmt, AlterTableStmt) || pgm_joint_is_key(source, n) ||
		pgm_strategy_mark(source, n, &reason) == PGM_MARK_PLAIN ||
		castNode(AlterTableStmt, stmt)->objtype != OBJECT_TABLE ||
		pgm_lookup_relation(castNode(AlterTableStmt, stmt)->relation) != relid)
		return false;
	foreach(lc, castNode(AlterTableStmt, stmt)->cmds)
	{
		AlterTableCmd *command = lfirst_node(AlterTableCmd, lc);

		if (!pgm_shadow_supports(relid, command) || goes_by(command, made))
			return false;
	}
	return true;
}

bool
pgm_shadow_can_go_along(Oid relid, const PgmSource *source, int n)
{
	return can_go_along(relid, source, n, NIL);
}

/* ---- what goes along */

bool
pgm_shadow_alters(const PgmSource *source, int n)
{
	Node	   *stmt = source->statements[n].raw->stmt;

	return IsA(stmt, AlterTableStmt) &&
		castNode(AlterTableStmt, stmt)->objtype == OBJECT_TABLE;
}

/* Others are about foreign keys between it and those that go with it. */
bool
pgm_shadow_changes(const PgmShadow *shadow, int n)
{
	const PgmSource *source = shadow->request->source;

	if (source == NULL || !pgm_shadow_alters(source, n) ||
		pgm_joint_is_key(source, n))
		return false;
	return list_length(pgm_shadow_heads(shadow->family)) < 2 ||
		pgm_lookup_relation(castNode(AlterTableStmt,
									 source->statements[n].raw->stmt)->relation) == shadow->root;
}

static bool
drops_dependent(const PgmSource *source, int n)
{
	Node	   *stmt = source->statements[n].raw->stmt;

	if (!IsA(stmt, DropStmt))
		return false;
	switch (castNode(DropStmt, stmt)->removeType)
	{
		case OBJECT_VIEW:
		case OBJECT_MATVIEW:
		case OBJECT_RULE:
		case OBJECT_POLICY:
		case OBJECT_TRIGGER:
			return true;
		default:
			return false;
	}
}

/* A materialized view is not filled under the locks of the switch. */
static bool
makes_dependent(const PgmSource *source, int n)
{
	Node	   *stmt = source->statements[n].raw->stmt;

	switch (nodeTag(stmt))
	{
		case T_ViewStmt:
		case T_RuleStmt:
		case T_CreatePolicyStmt:
		case T_CreateTrigStmt:
			return true;
		case T_CreateTableAsStmt:
			return ((CreateTableAsStmt *) stmt)->objtype == OBJECT_MATVIEW &&
				((CreateTableAsStmt *) stmt)->into->skipData;
		case T_GrantStmt:
			return castNode(GrantStmt, stmt)->objtype == OBJECT_TABLE;
		case T_CommentStmt:
			switch (castNode(CommentStmt, stmt)->objtype)
			{
				case OBJECT_VIEW:
				case OBJECT_MATVIEW:
				case OBJECT_RULE:
				case OBJECT_POLICY:
				case OBJECT_TRIGGER:
				case OBJECT_COLUMN:
					return true;
				default:
					return false;
			}
		case T_AlterTableStmt:
			return castNode(AlterTableStmt, stmt)->objtype == OBJECT_VIEW;
		default:
			return false;
	}
}

int
pgm_shadow_first(const PgmSource *source, int n)
{
	int			first = pgm_joint_decisive(source, n);

	if (first >= 0)
		return first;
	first = n;
	while (first < source->nstatements && drops_dependent(source, first))
		first++;
	return first < source->nstatements && pgm_shadow_alters(source, first) ?
		first : n;
}

int
pgm_shadow_with_made(const PgmSource *source, int n, int last)
{
	if (!drops_dependent(source, n))
		return last;
	while (last + 1 < source->nstatements && makes_dependent(source, last + 1))
		last++;
	return last;
}

/* One of the objects of a DROP; InvalidOid if it is not there. */
static Oid
dropped_object(ObjectType type, Node *object)
{
	List	   *name = castNode(List, object);
	Oid			relid;
	char	   *own;

	if (type == OBJECT_MATVIEW)
	{
		relid = RangeVarGetRelid(makeRangeVarFromNameList(name), NoLock, true);
		return OidIsValid(relid) ?
			get_rewrite_oid(relid, ViewSelectRuleName, true) : InvalidOid;
	}
	if (type == OBJECT_VIEW)
		return RangeVarGetRelid(makeRangeVarFromNameList(name), NoLock, true);
	own = strVal(llast(name));
	name = list_truncate(list_copy(name), list_length(name) - 1);
	relid = RangeVarGetRelid(makeRangeVarFromNameList(name), NoLock, true);
	if (!OidIsValid(relid))
		return InvalidOid;
	switch (type)
	{
		case OBJECT_RULE:
			return get_rewrite_oid(relid, own, true);
		case OBJECT_POLICY:
			return get_relation_policy_oid(relid, own, true);
		default:
			return get_trigger_oid(relid, own, true);
	}
}

/*
 * Is what was dropped before a statement still away after it?  It is if the
 * statement makes nothing that could have one of the names.
 */
static bool
makes_nothing_again(const PgmSource *source, int n)
{
	Node	   *stmt = source->statements[n].raw->stmt;
	ListCell   *lc;

	switch (nodeTag(stmt))
	{
		case T_AlterTableStmt:
			foreach(lc, castNode(AlterTableStmt, stmt)->cmds)
			{
				switch (lfirst_node(AlterTableCmd, lc)->subtype)
				{
					case AT_AddColumn:
					case AT_AddConstraint:
					case AT_AttachPartition:
						return false;
					default:
						break;
				}
			}
			return true;
		case T_DropStmt:
			return castNode(DropStmt, stmt)->removeType == OBJECT_INDEX ||
				drops_dependent(source, n);
		case T_CreateStmt:
		case T_IndexStmt:
		case T_InsertStmt:
		case T_UpdateStmt:
		case T_DeleteStmt:
		case T_GrantStmt:
		case T_CommentStmt:
			return true;
		default:
			return false;
	}
}

/*
 * A look before the run finds all of it still there; the run itself, only
 * what goes along with the statement.
 */
List *
pgm_shadow_dropped_before(const PgmSource *source, int n)
{
	List	   *result = NIL;

	for (int i = n - 1; i >= 0 && makes_nothing_again(source, i); i--)
	{
		const DropStmt *stmt = (const DropStmt *)
			source->statements[i].raw->stmt;
		ListCell   *lc;

		result = list_concat(result,
							 pgm_joint_with_descendants(pgm_joint_dropped(source,
																		  i)));
		if (!IsA(stmt, DropStmt) || stmt->removeType == OBJECT_INDEX)
			continue;
		foreach(lc, stmt->objects)
			result = lappend_oid(result, dropped_object(stmt->removeType,
														lfirst(lc)));
	}
	return result;
}

List *
pgm_shadow_dropped(const PgmShadow *shadow)
{
	const PgmShadowRequest *request = shadow->request;

	return request->source == NULL ? NIL :
		pgm_shadow_dropped_before(request->source,
								  pgm_shadow_first(request->source,
												   request->n));
}

/*
 * A comment on the table, or on something of it, is no more than a row of the
 * catalog: it can be of the switch.  What else could stand there cannot: an
 * index takes its time, and the copy has those that the table had.
 */
static bool
may_stand_between(Oid relid, const PgmSource *source, int n)
{
	const CommentStmt *stmt = (const CommentStmt *)
		source->statements[n].raw->stmt;
	List	   *name;

	if (!IsA(stmt, CommentStmt))
		return false;
	switch (stmt->objtype)
	{
		case OBJECT_TABLE:
			name = castNode(List, stmt->object);
			break;
		case OBJECT_COLUMN:
		case OBJECT_TABCONSTRAINT:
			name = castNode(List, stmt->object);
			name = list_truncate(list_copy(name), list_length(name) - 1);
			break;
		default:
			return false;
	}
	return name != NIL &&
		pgm_lookup_relation(makeRangeVarFromNameList(name)) == relid;
}

int
pgm_shadow_last(Oid relid, const PgmSource *source, int n)
{
	List	   *made = NIL;
	int			begin = n;
	int			last = pgm_shadow_joint_last(source, n);

	if (last >= 0)
		return last;
	n = pgm_shadow_first(source, n);
	last = n;

	for (int i = n; i < source->nstatements; i++)
	{
		ListCell   *lc;

		if (i > n && may_stand_between(relid, source, i))
			continue;
		if (!can_go_along(relid, source, i, made))
			break;
		foreach(lc, castNode(AlterTableStmt,
							 source->statements[i].raw->stmt)->cmds)
			made = add_made(made, lfirst_node(AlterTableCmd, lc));
		last = i;
	}
	return pgm_shadow_with_made(source, begin, last);
}

List *
pgm_shadow_commands(const PgmShadow *shadow)
{
	const PgmShadowRequest *request = shadow->request;
	List	   *result = NIL;

	if (request->source == NULL)
		return NIL;
	for (int i = request->n; i <= request->last; i++)
		if (pgm_shadow_changes(shadow, i))
			result = list_concat(result,
								 castNode(AlterTableStmt,
										  request->source->statements[i].raw->stmt)->cmds);
	return result;
}

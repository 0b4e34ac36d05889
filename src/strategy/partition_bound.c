/*-------------------------------------------------------------------------
 *
 * partition_bound.c
 *	  What the rows of a partition fulfil, as the server proves it.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/table.h"
#include "miscadmin.h"
#include "nodes/makefuncs.h"
#include "parser/parse_node.h"
#include "parser/parse_utilcmd.h"
#include "storage/lmgr.h"
#include "utils/acl.h"
#include "utils/rel.h"
#include "utils/ruleutils.h"
#include "utils/snapmgr.h"

#include "classify/verdict.h"
#include "compat/parse.h"
#include "compat/partition.h"
#include "compat/server.h"
#include "strategy/partition_bound.h"

static bool
is_constant(Node *node)
{
	if (IsA(node, TypeCast))
		return is_constant(castNode(TypeCast, node)->arg);

	/* MINVALUE, MAXVALUE */
	return IsA(node, A_Const) || IsA(node, ColumnRef);
}

static bool
are_constant(List *nodes)
{
	ListCell   *lc;

	foreach(lc, nodes)
	{
		if (!is_constant(lfirst(lc)))
			return false;
	}
	return true;
}

static char *
read_bound(Oid parent, const PartitionBoundSpec *bound)
{
	Relation	relation;
	ParseState *pstate;
	PartitionBoundSpec *spec;
	List	   *quals;
	List	   *context;
	char	   *condition;

	relation = table_open(parent, NoLock);
	pstate = make_parsestate(NULL);
	spec = transformPartitionBound(pstate, relation,
								   unconstify(PartitionBoundSpec *, bound));
	quals = pgm_bound_condition(relation, spec);
	context = deparse_context_for(RelationGetRelationName(relation), parent);
	condition = deparse_expression((Node *) make_ands_explicit(quals),
								   context, false, false);
	free_parsestate(pstate);
	table_close(relation, NoLock);
	return condition;
}

/*
 * As the owner, as for a trial: the server plans the key's expressions, and
 * reads constants by the domain that they are cast to.
 */
char *
pgm_partition_bound_text(Oid parent, const PartitionBoundSpec *bound)
{
	Oid			owner;
	Oid			save_user;
	int			save_sec_context;
	char	   *text;

	if (!are_constant(bound->listdatums) ||
		!are_constant(bound->lowerdatums) ||
		!are_constant(bound->upperdatums) ||
		!ConditionalLockRelationOid(parent, AccessShareLock))
		return NULL;
	owner = pgm_relation_owner(parent);
	if (!OidIsValid(owner) || !has_privs_of_role(GetUserId(), owner))
		return NULL;
	GetUserIdAndSecContext(&save_user, &save_sec_context);
	SetUserIdAndSecContext(owner, save_sec_context |
						   SECURITY_RESTRICTED_OPERATION |
						   SECURITY_LOCAL_USERID_CHANGE);
	PushActiveSnapshot(GetTransactionSnapshot());
	text = read_bound(parent, bound);
	PopActiveSnapshot();
	SetUserIdAndSecContext(save_user, save_sec_context);
	return text;
}

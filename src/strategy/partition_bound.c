/*-------------------------------------------------------------------------
 *
 * partition_bound.c
 *	  What the rows of a partition fulfil, as the server proves it.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/table.h"
#include "nodes/makefuncs.h"
#include "parser/parse_node.h"
#include "parser/parse_utilcmd.h"
#include "storage/lmgr.h"
#include "utils/rel.h"
#include "utils/ruleutils.h"

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

char *
pgm_partition_bound_text(Oid parent, const PartitionBoundSpec *bound)
{
	Relation	relation;
	ParseState *pstate;
	PartitionBoundSpec *spec;
	List	   *quals;
	List	   *context;
	char	   *condition;

	if (!are_constant(bound->listdatums) ||
		!are_constant(bound->lowerdatums) ||
		!are_constant(bound->upperdatums) ||
		!ConditionalLockRelationOid(parent, AccessShareLock))
		return NULL;
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

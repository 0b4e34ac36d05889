/*-------------------------------------------------------------------------
 *
 * checks.h
 *	  Which constraints new rows are held to, by server version.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGM_COMPAT_CHECKS_H
#define PGM_COMPAT_CHECKS_H

#include "executor/executor.h"
#if PG_VERSION_NUM >= 180000
#include "rewrite/rewriteHandler.h"
#endif
#include "utils/rel.h"

/* Is a new row held to it? */
static inline bool
pgm_check_is_enforced(const ConstrCheck *check)
{
#if PG_VERSION_NUM >= 180000
	return check->ccenforced;
#else
	return true;
#endif
}

/*
 * Have ExecConstraints() look at the checks that are valid, and no other: for
 * rows that were there before one was made.
 */
static inline void
pgm_check_valid_ones(ResultRelInfo *result, Relation rel, EState *estate)
{
	TupleConstr *constr = RelationGetDescr(rel)->constr;
	int			n = constr == NULL ? 0 : constr->num_check;
	ExprState **exprs = palloc0(sizeof(ExprState *) * Max(n, 1));

	for (int i = 0; i < n; i++)
	{
		Node	   *expr;

		if (!constr->check[i].ccvalid)
			continue;
		expr = stringToNode(constr->check[i].ccbin);
#if PG_VERSION_NUM >= 180000
		expr = expand_generated_columns_in_expr(expr, rel, 1);
#endif
		exprs[i] = ExecPrepareExpr((Expr *) expr, estate);
	}
#if PG_VERSION_NUM >= 180000
	result->ri_CheckConstraintExprs = exprs;
#else
	result->ri_ConstraintExprs = exprs;
#endif
}

#endif							/* PGM_COMPAT_CHECKS_H */

/*-------------------------------------------------------------------------
 *
 * needless_check.c
 *	  CHECK constraints that something else says as well.
 *
 * The safe forms prove by a CHECK that there are no nulls, or that a partition
 * has the rows of its bound.  When that is said by the column or the bound
 * itself, the CHECK can go, and nobody need be warned.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/relation.h"
#include "catalog/pg_class.h"
#include "nodes/makefuncs.h"
#include "optimizer/optimizer.h"
#include "storage/lmgr.h"
#include "utils/lsyscache.h"
#include "utils/partcache.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"

#include "base/spi_list.h"
#include "classify/foreign_dependencies.h"
#include "lint/internal.h"
#include "online/owner.h"

static PgmQuery not_null_query = {
	"SELECT a.attname::text FROM pg_constraint k JOIN pg_attribute a "
	"ON a.attrelid = k.conrelid AND a.attnum = ANY (k.conkey) "
	"WHERE k.conrelid = $1 AND k.conname = $2 AND k.contype = 'c' "
	"AND pg_get_expr(k.conbin, k.conrelid) = "
	"format('(%I IS NOT NULL)', a.attname)",
	2, {OIDOID, TEXTOID}
};

/* Does this part make the column NOT NULL, or make the same name again? */
static bool
says_it_again(const AlterTableCmd *cmd, const char *column, const char *name)
{
	const Constraint *added;

	if (cmd->subtype == AT_SetNotNull)
		return column != NULL && strcmp(cmd->name, column) == 0;
	if (cmd->subtype != AT_AddConstraint)
		return false;
	added = castNode(Constraint, cmd->def);
	return (column != NULL && added->contype == CONSTR_PRIMARY) ||
		(added->conname != NULL && strcmp(added->conname, name) == 0);
}

/* In this statement, or in one before it about the same table. */
static bool
is_said_by_text(const PgmLint *lint, const char *column, const char *name)
{
	const PgmSource *source = lint->judged->source;

	for (int n = 0; n <= lint->judged->n; n++)
	{
		Node	   *stmt = source->statements[n].raw->stmt;
		ListCell   *lc;

		if (!IsA(stmt, AlterTableStmt) ||
			pgm_lookup_relation(castNode(AlterTableStmt, stmt)->relation) !=
			lint->effect->relid)
			continue;
		foreach(lc, castNode(AlterTableStmt, stmt)->cmds)
		{
			if (says_it_again(lfirst_node(AlterTableCmd, lc), column, name))
				return true;
		}
	}
	return false;
}

/* As the server does it before it compares: NOT is carried inward. */
static List *
simplify(Node *condition)
{
	condition = eval_const_expressions(NULL, condition);
	return make_ands_implicit(canonicalize_qual((Expr *) condition, true));
}

static bool
implies_check(Relation relation, const char *name)
{
	const TupleConstr *constr = RelationGetDescr(relation)->constr;
	List	   *bound = RelationGetPartitionQual(relation);

	if (bound == NIL)
		return false;
	bound = simplify((Node *) make_ands_explicit(bound));
	for (int i = 0; constr != NULL && i < constr->num_check; i++)
	{
		const ConstrCheck *check = &constr->check[i];

		if (strcmp(check->ccname, name) == 0)
			return predicate_implied_by(simplify(stringToNode(check->ccbin)),
										bound, false);
	}
	return false;
}

/*
 * To simplify and compare expressions runs functions of the owner.  The table
 * that it is a partition of may have another.
 */
static bool
is_implied(Relation relation, const char *name)
{
	PgmOwnerScope scope;
	bool		result;

	if (pgm_strange_object(list_make1_oid(RelationRelationId),
						   list_make1_oid(RelationGetRelid(relation)),
						   relation->rd_rel->relowner) != NULL)
		return false;
	pgm_owner_enter(&scope, relation->rd_rel->relowner);
	PushActiveSnapshot(GetTransactionSnapshot());
	result = implies_check(relation, name);
	PopActiveSnapshot();
	pgm_owner_leave(&scope);
	return result;
}

static bool
is_said_by_bound(Oid relid, const char *name)
{
	Relation	relation;
	bool		implied;

	if (!get_rel_relispartition(relid) ||
		!ConditionalLockRelationOid(relid, AccessShareLock))
		return false;
	relation = relation_open(relid, NoLock);
	implied = is_implied(relation, name);
	relation_close(relation, AccessShareLock);
	return implied;
}

bool
pgm_lint_check_is_needless(const PgmLint *lint, const char *name)
{
	Datum		values[2] = {ObjectIdGetDatum(lint->effect->relid),
	pgm_text_datum(name)};
	char	   *column = pgm_spi_one_text(&not_null_query, values);

	if (column != NULL &&
		pgm_lint_nullable(lint->effect->relid,
						  list_make1(makeString(column))) == NIL)
		return true;
	return is_said_by_text(lint, column, name) ||
		is_said_by_bound(lint->effect->relid, name);
}

/*-------------------------------------------------------------------------
 *
 * index_weight.c
 *	  How much work the indexes are that a statement builds.
 *
 * The access methods differ by more than a hundred times in what they make of
 * the same rows, and REINDEX TABLE builds all indexes of a table, one after
 * the other.  So that one throughput does for all of them, both the estimate
 * and what is measured count each index in builds of one btree.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "catalog/pg_class.h"
#include "commands/defrem.h"
#include "utils/syscache.h"

#include "classify/index_weight.h"
#include "classify/related_relations.h"
#include "classify/verdict.h"
#include "compat/parse.h"

/*
 * Roughly, each with the kinds of columns that it is there for: GIN with
 * words of a text, GiST with ranges, the graphs of pgvector as its manual has
 * it.  What is not known is taken for a btree.
 */
static const struct
{
	const char *name;
	double		weight;
}			methods[] = {
	{"brin", 0.25},
	{"gin", 4},
	{"gist", 6},
	{"hash", 1.5},
	{"hnsw", 40},
	{"ivfflat", 5},
	{"spgist", 4},
};

static double
weight_of_method(const char *name)
{
	if (name != NULL)
		for (int i = 0; i < lengthof(methods); i++)
			if (strcmp(methods[i].name, name) == 0)
				return methods[i].weight;
	return 1;
}

static double
weight_of_index(Oid index)
{
	HeapTuple	tuple = SearchSysCache1(RELOID, ObjectIdGetDatum(index));
	Oid			method;

	if (!HeapTupleIsValid(tuple))
		return 0;
	method = ((Form_pg_class) GETSTRUCT(tuple))->relam;
	ReleaseSysCache(tuple);
	return weight_of_method(get_am_name(method));
}

static double
weight_of_added(const AlterTableStmt *stmt)
{
	double		weight = 0;
	ListCell   *lc;

	foreach(lc, stmt->cmds)
	{
		AlterTableCmd *cmd = lfirst_node(AlterTableCmd, lc);
		Constraint *constraint;

		if (cmd->subtype != AT_AddConstraint)
			continue;
		constraint = castNode(Constraint, cmd->def);
		if (constraint->indexname != NULL)
			continue;
		if (constraint->contype == CONSTR_PRIMARY ||
			constraint->contype == CONSTR_UNIQUE)
			weight += 1;
		else if (constraint->contype == CONSTR_EXCLUSION)
			weight += weight_of_method(constraint->access_method);
	}
	return weight;
}

static double
weight_of_rebuilt(const ReindexStmt *stmt, Oid relid)
{
	double		weight = 0;
	ListCell   *lc;

	if (stmt->kind == REINDEX_OBJECT_INDEX)
	{
		Oid			index = stmt->relation == NULL ? InvalidOid :
			pgm_lookup_relation(stmt->relation);

		return OidIsValid(index) ? weight_of_index(index) : 1;
	}
	foreach(lc, pgm_related_indexes(relid))
		weight += weight_of_index(lfirst_oid(lc));
	return weight;
}

double
pgm_index_weight(Node *stmt, Oid relid)
{
	switch (nodeTag(stmt))
	{
		case T_IndexStmt:
			return weight_of_method(castNode(IndexStmt, stmt)->accessMethod);
		case T_AlterTableStmt:
			return weight_of_added(castNode(AlterTableStmt, stmt));
		case T_ReindexStmt:
			return weight_of_rebuilt(castNode(ReindexStmt, stmt), relid);
		default:
			return 1;
	}
}

/*-------------------------------------------------------------------------
 *
 * nodes.c
 *	  The revisions of the graph as they are drawn.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "base/spi.h"
#include "monitor/nodes.h"

/* One row per revision, in load order, as the graph numbers them. */
static PgmQuery nodes_query = {
	"SELECT v.message, v.applied_at, v.state, v.branch_labels "
	"FROM pgmigrate.revision r "
	"JOIN pgmigrate.revisions v ON v.revision = r.id ORDER BY r.seq"
};

static PgmNodeState
node_state(PgmNodeState state, bool applied)
{
	if (state == PGM_NODE_PARTLY)
		return state;
	if (applied)
		return PGM_NODE_APPLIED;
	return state == PGM_NODE_APPLIED ? PGM_NODE_PENDING : state;
}

/*
 * What the heads say and what is recorded as applied are at odds where rows of
 * one of them were lost: nobody knows then if such a revision is in effect.
 */
void
pgm_nodes_load(PgmNodes *nodes)
{
	PgmPlan    *plan = pgm_plan_load_with_holes();
	int			size = pgm_graph_size(plan->graph);
	bool	   *applied = pgm_graph_applied(plan->graph, plan->rows);
	PgmSpiScope scope;
	uint64		rows;
	int			lost = 0;
	bool		any_recorded = false;

	while (lost < size && plan->seqs[lost] == 0)
		lost++;
	nodes->plan = plan;
	nodes->draw = palloc0(sizeof(PgmDrawNode) * Max(size, 1));
	nodes->applied_at = palloc0(sizeof(TimestampTz) * Max(size, 1));
	pgm_spi_begin(&scope);
	rows = pgm_spi_execute(&nodes_query, NULL, NULL);
	if (rows != size - lost)
		ereport(ERROR,
				errcode(ERRCODE_T_R_SERIALIZATION_FAILURE),
				errmsg("revisions were changed while they were read"),
				errhint("Try again."));
	for (int i = 0; i < lost; i++)
		nodes->draw[i].state = PGM_NODE_LOST;
	for (int i = lost; i < size; i++)
	{
		nodes->applied_at[i] = pgm_spi_timestamp(i - lost + 1, 2);
		any_recorded = any_recorded || nodes->applied_at[i] != 0;
	}
	for (int i = lost; i < size; i++)
	{
		PgmDrawNode *node = &nodes->draw[i];
		int			row = i - lost + 1;
		PgmNodeState state;

		node->message = pgm_spi_text(row, 1);
		state = pgm_node_state(pgm_spi_text(row, 3));
		/* below a hole the heads do not tell, but the ledger does */
		if (lost > 0 && state == PGM_NODE_APPLIED)
			applied[i] = true;
		node->state = node_state(state, applied[i]);
		if (lost == 0 && any_recorded && state != PGM_NODE_PARTLY &&
			applied[i] != (nodes->applied_at[i] != 0))
			node->state = PGM_NODE_LOST;
		node->labels = pgm_spi_text_array(row, 4, &node->nlabels);
	}
	pgm_spi_end(&scope);
	for (int i = 0; i < plan->rows.n; i++)
		nodes->draw[plan->rows.rev[i]].is_current = true;
}

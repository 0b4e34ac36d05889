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
	"SELECT r.message, date_trunc('second', a.applied_at), EXISTS (SELECT FROM pgmigrate.run_step s "
	"WHERE s.revision = r.id AND s.state IN ('failed', 'cancelled') "
	"AND NOT s.details ? 'forgotten' "
	"AND NOT EXISTS (SELECT FROM pgmigrate.run_step t "
	"WHERE t.revision = r.id AND t.state <> 'pending' "
	"AND (t.run, t.step) > (s.run, s.step))), r.branch_labels "
	"FROM pgmigrate.revision r "
	"LEFT JOIN pgmigrate.applied a ON a.revision = r.id ORDER BY r.seq"
};

void
pgm_nodes_load(PgmNodes *nodes)
{
	PgmPlan    *plan = pgm_plan_load();
	int			size = pgm_graph_size(plan->graph);
	bool	   *applied = pgm_graph_applied(plan->graph, plan->rows);
	PgmSpiScope scope;
	uint64		rows;

	nodes->plan = plan;
	nodes->draw = palloc0(sizeof(PgmDrawNode) * Max(size, 1));
	nodes->applied_at = palloc0(sizeof(TimestampTz) * Max(size, 1));
	pgm_spi_begin(&scope);
	rows = pgm_spi_execute(&nodes_query, NULL, NULL);
	if (rows != size)
		ereport(ERROR,
				errcode(ERRCODE_T_R_SERIALIZATION_FAILURE),
				errmsg("revisions were changed while they were read"),
				errhint("Try again."));
	for (int i = 0; i < size; i++)
	{
		PgmDrawNode *node = &nodes->draw[i];

		node->message = pgm_spi_text(i + 1, 1);
		nodes->applied_at[i] = pgm_spi_timestamp(i + 1, 2);
		node->state = applied[i] ? PGM_NODE_APPLIED :
			pgm_spi_bool(i + 1, 3) ? PGM_NODE_FAILED : PGM_NODE_PENDING;
		node->labels = pgm_spi_text_array(i + 1, 4, &node->nlabels);
	}
	pgm_spi_end(&scope);
	for (int i = 0; i < plan->rows.n; i++)
		nodes->draw[plan->rows.rev[i]].is_current = true;
}

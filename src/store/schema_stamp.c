/*-------------------------------------------------------------------------
 *
 * schema_stamp.c
 *	  What a stamp of schemas says of the revisions of the database: nothing.
 *
 * What is applied follows from the heads: what a revision depends on is
 * applied with it, and goes with the last one that stands on it.  Where it is
 * said that a schema is at a revision, nobody has said so of the database, and
 * where it is taken back from the last schema, the database is what it was.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "base/printable.h"
#include "base/spi.h"
#include "store/schema_stamp.h"

static PgmQuery of_schemas_query = {
	"SELECT id, for_schema FROM pgmigrate.revision "
	"WHERE for_schema IS NOT NULL"
};

/* The schema of each revision, by its number; NULL for the others. */
static char **
load_schemas(const PgmGraph *graph)
{
	PgmSpiScope scope;
	uint64		rows;
	char	  **schemas = palloc0(sizeof(char *) *
								  Max(pgm_graph_size(graph), 1));

	pgm_spi_begin(&scope);
	rows = pgm_spi_execute(&of_schemas_query, NULL, NULL);
	for (uint64 i = 1; i <= rows; i++)
	{
		int			rev = pgm_graph_find(graph, pgm_spi_text(i, 1));

		if (rev >= 0)
			schemas[rev] = pgm_spi_text(i, 2);
	}
	pgm_spi_end(&scope);
	return schemas;
}

static void
refuse_pending(const PgmGraph *graph, int rev, const char *schema)
{
	const char *id = pgm_graph_id(graph, rev);

	ereport(ERROR,
			errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
			errmsg("revision \"%s\", which schema \"%s\" depends on, is not applied",
				   id, pgm_printable_line(schema)),
			errdetail("It belongs to the database, not to the schema."),
			errhint("Upgrade the database to \"%s\" first; or, if it is in effect there, record that with pgmigrate.stamp().",
					id));
}

void
pgm_schema_stamp_check(PgmPlan *plan)
{
	const PgmGraph *graph = plan->graph;
	int			n = pgm_graph_size(graph);
	char	  **schemas = load_schemas(graph);
	bool	   *of_schemas = palloc0(Max(n, 1));
	bool	   *shared;
	bool	   *before;
	bool	   *after;

	for (int i = 0; i < n; i++)
		of_schemas[i] = schemas[i] != NULL;
	shared = pgm_graph_above(graph, of_schemas);
	for (int i = 0; i < n; i++)
		shared[i] = !shared[i] && !of_schemas[i];
	pgm_graph_keep_applied(graph, plan->rows, shared, &plan->steps);

	before = pgm_graph_applied(graph, plan->rows);
	after = pgm_graph_applied(graph, pgm_graph_rows_after(graph, plan->rows,
														  &plan->steps));
	for (int i = 0; i < n; i++)
	{
		PgmRevSet	depends = pgm_graph_depends(graph, i);

		for (int k = 0; after[i] && of_schemas[i] && k < depends.n; k++)
			if (shared[depends.rev[k]] && !before[depends.rev[k]])
				refuse_pending(graph, depends.rev[k], schemas[i]);
	}
}

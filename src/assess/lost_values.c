/*-------------------------------------------------------------------------
 *
 * lost_values.c
 *	  Does a change of type lose values that are there?
 *
 * A value is not lost that comes out again as it was, by the USING of the
 * downgrade, or by a cast where a cast has made the new one.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "nodes/parsenodes.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"

#include "assess/lost_values.h"
#include "base/spi.h"
#include "classify/side_effects.h"
#include "classify/verdict.h"
#include "online/mapping_proof.h"
#include "sql/source_text.h"

static PgmFinding *
finding_of(const PgmLook *look, const char *column)
{
	ListCell   *lc;

	foreach(lc, look->judged->findings)
	{
		PgmFinding *finding = lfirst(lc);

		if (finding->column != NULL && strcmp(finding->column, column) == 0)
			return finding;
	}
	return NULL;
}

/* What the downgrade says of the column, once; or NULL. */
static const char *
said_back(const PgmLook *look, const char *column)
{
	const PgmSource *opposite = pgm_source_opposite(look->judged->source);
	const char *result = NULL;
	int			times = 0;

	for (int i = 0; opposite != NULL && i < opposite->nstatements; i++)
	{
		AlterTableStmt *stmt =
			(AlterTableStmt *) opposite->statements[i].raw->stmt;
		AlterTableCmd *cmd;

		if (!IsA(stmt, AlterTableStmt) ||
			pgm_lookup_relation(stmt->relation) != look->effect->relid ||
			(cmd = pgm_retyping(stmt->cmds, column)) == NULL)
			continue;
		times++;
		if (castNode(ColumnDef, cmd->def)->raw_default != NULL)
			result = pgm_slice_after(opposite, i,
									 castNode(ColumnDef, cmd->def)->location,
									 "using", NULL);
	}
	return times == 1 ? result : NULL;
}

static void
judge(const PgmLook *look, PgmFinding *finding, int64 count,
	  const char *example)
{
	const char *what;

	if (count > 0)
		what = psprintf(INT64_FORMAT " rows of %s lose something, such as %s",
						count, look->name, example);
	else if (look->sampled)
		what = "none of the rows that were looked at loses anything";
	else
		what = "no row that is there loses anything";
	finding->message = psprintf("%s; %s", finding->message, what);
	finding->level = count > 0 ? PGM_LEVEL_DANGER :
		look->sampled ? PGM_LEVEL_WARNING : PGM_LEVEL_INFO;
}

void
pgm_look_lost_values(PgmLook *look, const AlterTableCmd *cmd,
					 const char *value, const char *type)
{
	PgmFinding *finding = finding_of(look, cmd->name);
	Node	   *using = castNode(ColumnDef, cmd->def)->raw_default;
	const char *name = quote_identifier(cmd->name);
	const char *back = said_back(look, cmd->name);
	const char *query;
	int64		count;
	char	   *example;

	if (finding == NULL || (back == NULL && using != NULL &&
							!pgm_using_is_cast(using, cmd->name)))
		return;
	back = psprintf("((%s\n)::%s)", back != NULL ? back : name,
					format_type_be_qualified(get_atttype(look->effect->relid,
														 get_attnum(look->effect->relid,
																	cmd->name))));
	query = psprintf("SELECT pg_catalog.count(*), pg_catalog.min(t.pgmigrate_was::pg_catalog.text) "
					 "FROM (SELECT (%s\n)::%s AS %s, t.%s AS pgmigrate_was FROM %s) AS t "
					 "WHERE %s OPERATOR(pg_catalog.<>) t.pgmigrate_was "
					 "OR (%s IS NULL AND t.pgmigrate_was IS NOT NULL)",
					 value, type, name, name, look->from, back, back);
	if (pgm_sql_is_harmless(query) && pgm_spi_probe(query, &count, &example))
		judge(look, finding, count, example);
}

/*-------------------------------------------------------------------------
 *
 * metrics.c
 *	  Figures for a monitoring system.
 *
 * The figures are those of the view pgmigrate.metrics.  They are read as the
 * owner of the extension, so that whoever may call it gets all of them: what
 * others do in pg_stat_activity is hidden from a role, and all that is told of
 * it here is numbers.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "lib/stringinfo.h"
#include "miscadmin.h"

#include "base/spi.h"
#include "monitor/metrics.h"

#define COLUMN_NAME 1
#define COLUMN_TYPE 2
#define COLUMN_HELP 3
#define COLUMN_VALUE 4
#define COLUMN_LABELS 5			/* names and values in turn */

/* Lines of a metric must be together, with what it is before them. */
static PgmQuery metrics_query = {
	"SELECT m.name, m.type, m.help, m.value::text, "
	"ARRAY['database', current_database()::text] || "
	"ARRAY(SELECT t.x FROM jsonb_each_text(m.labels) WITH ORDINALITY AS l, "
	"LATERAL unnest(ARRAY[l.key, l.value]) WITH ORDINALITY AS t (x, n) "
	"ORDER BY l.ordinality, t.n) "
	"FROM pgmigrate.metrics m ORDER BY m.name COLLATE \"C\", m.labels"
};

/*
 * Both look at other sessions only: to ask is not to read.  The column of the
 * statistics is not there before version 16, and null then.  The text of a
 * query is anybody's, so it counts only where it could have read them.
 */
static PgmQuery read_query = {
	"SELECT greatest("
	"(SELECT (to_jsonb(s) ->> 'last_seq_scan')::timestamptz "
	"FROM pg_stat_all_tables s "
	"WHERE s.relid = 'pgmigrate.metrics_marker'::regclass), "
	"(SELECT max(a.query_start) FROM pg_stat_activity a "
	"WHERE a.datname = current_database() AND a.pid <> pg_backend_pid() "
	"AND a.query ~ 'pgmigrate\\.metrics(_text\\()?\\M' "
	"AND (has_function_privilege(a.usesysid, 'pgmigrate.metrics_text()', "
	"'EXECUTE') OR has_table_privilege(a.usesysid, 'pgmigrate.metrics', "
	"'SELECT')) "
	"AND a.query !~ 'pgmigrate\\.metrics_read'))"
};

/* The text with what would end it, or its line, escaped. */
static void
append_escaped(StringInfo buf, const char *text, bool quoted)
{
	for (; *text != '\0'; text++)
	{
		if (*text == '\n')
			appendStringInfoString(buf, "\\n");
		else if (*text == '\\' || (quoted && *text == '"'))
			appendStringInfo(buf, "\\%c", *text);
		else
			appendStringInfoChar(buf, *text);
	}
}

static void
append_labels(StringInfo buf, char **labels, int n)
{
	for (int i = 0; i + 1 < n; i += 2)
	{
		appendStringInfo(buf, "%s%s=\"", i == 0 ? "{" : ",", labels[i]);
		append_escaped(buf, labels[i + 1], true);
		appendStringInfoChar(buf, '"');
	}
	if (n > 0)
		appendStringInfoChar(buf, '}');
}

void
pgm_metrics_text(PgmMetricsLine emit, void *arg)
{
	PgmSpiScope scope;
	StringInfoData line;
	const char *last = "";
	uint64		rows;

	initStringInfo(&line);
	pgm_spi_begin(&scope);
	rows = pgm_spi_execute(&metrics_query, NULL, NULL);
	for (uint64 i = 1; i <= rows; i++)
	{
		char	   *name = pgm_spi_text(i, COLUMN_NAME);
		int			nlabels;
		char	  **labels = pgm_spi_text_array(i, COLUMN_LABELS, &nlabels);

		if (strcmp(name, last) != 0)
		{
			resetStringInfo(&line);
			appendStringInfo(&line, "# HELP %s ", name);
			append_escaped(&line, pgm_spi_text(i, COLUMN_HELP), false);
			emit(line.data, arg);
			emit(psprintf("# TYPE %s %s", name,
						  pgm_spi_text(i, COLUMN_TYPE)), arg);
			last = name;
		}
		resetStringInfo(&line);
		appendStringInfoString(&line, name);
		append_labels(&line, labels, nlabels);
		appendStringInfo(&line, " %s", pgm_spi_text(i, COLUMN_VALUE));
		emit(line.data, arg);
	}
	pgm_spi_end(&scope);
}

TimestampTz
pgm_metrics_read(void)
{
	PgmSpiScope scope;
	TimestampTz result;

	pgm_spi_begin(&scope);
	pgm_spi_execute(&read_query, NULL, NULL);
	result = pgm_spi_timestamp(1, 1);
	pgm_spi_end(&scope);
	return result;
}

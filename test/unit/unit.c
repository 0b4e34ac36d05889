/*-------------------------------------------------------------------------
 *
 * unit.c
 *	  A harness small enough to be read: counting, graphs from text.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres_fe.h"

#include <ctype.h>

#include "lib/stringinfo.h"
#include "unit.h"

int			unit_passed;
int			unit_failed;

static const char *const code_names[] = {
	"OK", "BAD_ID", "DUPLICATE", "MISSING", "CYCLE", "SYNTAX", "UNKNOWN",
	"AMBIGUOUS_PREFIX", "UNKNOWN_ROW", "UNKNOWN_LABEL", "NOT_ON_BRANCH",
	"MULTIPLE_HEADS", "AMBIGUOUS_WALK", "OUT_OF_RANGE", "OVERLAP",
	"NOT_APPLIED", "NOT_A_RANGE"
};

bool
unit_check(bool passed, bool quiet, const char *fmt,...)
{
	va_list		args;

	if (passed)
		unit_passed++;
	else
		unit_failed++;
	if (passed && quiet)
		return passed;
	printf("%sok %d - ", passed ? "" : "not ", unit_passed + unit_failed);
	va_start(args, fmt);
	vprintf(fmt, args);
	va_end(args);
	printf("\n");
	return passed;
}

void
unit_is(const char *got, const char *expected, const char *name)
{
	if (!unit_check(strcmp(got, expected) == 0, false, "%s", name))
		printf("#   got      %s\n#   expected %s\n", got, expected);
}

/* Split a comma-separated part of a revision; returns how many. */
static int
split_part(char *part, char **out)
{
	int			n = 0;

	for (char *p = strtok(part, ","); p != NULL; p = strtok(NULL, ","))
		out[n++] = p;
	return n;
}

PgmGraph *
unit_build(const char *spec)
{
	PgmGraph   *graph = pgm_graph_create(1);

	while (*spec != '\0')
	{
		size_t		len = strcspn(spec, " ");
		char	   *word = pnstrdup(spec, len);
		char	   *part[3] = {NULL, NULL, NULL};
		char	   *list[3][16];
		int			n[3];

		for (char *p = word; *p != '\0'; p++)
		{
			static const char kinds[] = "<+/";
			const char *kind = strchr(kinds, *p);

			if (kind == NULL)
				continue;
			part[kind - kinds] = p + 1;
			*p = '\0';
		}
		for (int i = 0; i < 3; i++)
			n[i] = part[i] == NULL ? 0 : split_part(part[i], list[i]);
		pgm_graph_add(graph, word, n[0], list[0], n[1], list[1], n[2],
					  list[2]);
		spec += len;
		spec += strspn(spec, " ");
	}
	return graph;
}

PgmGraph *
unit_graph(const char *spec)
{
	PgmGraph   *graph = unit_build(spec);
	PgmGraphError error;

	if (!pgm_graph_seal(graph, &error))
	{
		printf("Bail out! %s: %s\n", spec, error.message);
		exit(2);
	}
	return graph;
}

bool
unit_rows(const PgmGraph *graph, const char *ids, PgmRevSet *rows,
		  PgmGraphError *error)
{
	char	   *words[64];
	int			n = 0;
	char	   *copy = pstrdup(ids);

	for (char *p = strtok(copy, " "); p != NULL; p = strtok(NULL, " "))
		words[n++] = p;
	return pgm_graph_rows(graph, n, words, rows, error);
}

char *
unit_ids(const PgmGraph *graph, PgmRevSet set)
{
	StringInfoData buf;

	initStringInfo(&buf);
	for (int i = 0; i < set.n; i++)
		appendStringInfo(&buf, "%s%s", i > 0 ? " " : "",
						 pgm_graph_id(graph, set.rev[i]));
	return buf.data;
}

/* Check an error for the style of messages and name its code. */
char *
unit_error(const PgmGraphError *error)
{
	const char *input[2] = {error->detail, error->hint};
	const char *m = error->message;

	if (m == NULL || m[0] == '\0' || isupper((unsigned char) m[0]) ||
		m[strlen(m) - 1] == '.' || strchr(m, '\n') != NULL)
		unit_check(false, false, "style of message: %s", m ? m : "(null)");
	for (int i = 0; i < 2; i++)
	{
		const char *t = input[i];

		if (t != NULL && (t[0] == '\0' || islower((unsigned char) t[0]) ||
						  t[strlen(t) - 1] != '.' || strchr(t, '\n') != NULL))
			unit_check(false, false, "style of detail or hint: %s", t);
	}
	return psprintf("!%s", code_names[error->code]);
}

char *
unit_describe(const PgmGraph *graph, PgmRevSet rows, const PgmGraphPlan *plan,
			  char sign)
{
	int			n = pgm_graph_size(graph);
	bool	   *is_row = palloc0(n + 1);
	bool		first = true;
	StringInfoData buf;

	initStringInfo(&buf);
	for (int i = 0; i < rows.n; i++)
		is_row[rows.rev[i]] = true;
	for (int i = 0; i < plan->nsteps; i++)
	{
		PgmGraphStep *step = &plan->steps[i];

		appendStringInfo(&buf, "%c%s ", sign,
						 step->rev < 0 ? "" : pgm_graph_id(graph, step->rev));
		for (int k = 0; k < step->rows_removed.n; k++)
		{
			if (!is_row[step->rows_removed.rev[k]])
				appendStringInfoString(&buf, "(row not there) ");
			is_row[step->rows_removed.rev[k]] = false;
		}
		for (int k = 0; k < step->rows_added.n; k++)
		{
			if (is_row[step->rows_added.rev[k]])
				appendStringInfoString(&buf, "(row there already) ");
			is_row[step->rows_added.rev[k]] = true;
		}
	}
	appendStringInfoChar(&buf, '[');
	for (int r = 0; r < n; r++)
	{
		if (!is_row[r])
			continue;
		appendStringInfo(&buf, "%s%s", first ? "" : " ",
						 pgm_graph_id(graph, r));
		first = false;
	}
	appendStringInfoChar(&buf, ']');
	pfree(is_row);
	return buf.data;
}

/*-------------------------------------------------------------------------
 *
 * main.c
 *	  Run the unit tests of the readers of migration files.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres_fe.h"

#include "lib/stringinfo.h"

#include "unit.h"

static int	npassed = 0;
static int	nfailed = 0;

void
check(bool ok, const char *name)
{
	if (ok)
		npassed++;
	else
	{
		nfailed++;
		printf("FAILED: %s\n", name);
	}
}

void
check_text(const char *got, const char *expected, const char *name)
{
	bool		ok = strcmp(got, expected) == 0;

	check(ok, name);
	if (!ok)
		printf("--- expected\n%s\n--- got\n%s\n---\n", expected, got);
}

PgmFormatResult *
read_pairs(PgmFormat format, const char *const *pairs)
{
	PgmFormatResult *result = palloc(sizeof(PgmFormatResult));
	PgmFormatOptions options = {.format = format,.utf8 = true};
	PgmFormatFile files[64];
	int			n = 0;

	for (; pairs[0] != NULL; pairs += 2)
	{
		files[n].name = pairs[0];
		files[n].data = pairs[1];
		files[n++].len = strlen(pairs[1]);
	}
	pgm_format_parse(&options, n, files, result);
	return result;
}

static void
dump_list(StringInfo out, const char *name, int n, char **items)
{
	if (n <= 0)
		return;
	appendStringInfo(out, " %s=", name);
	for (int i = 0; i < n; i++)
		appendStringInfo(out, "%s%s", i ? "," : "", items[i]);
}

static void
dump_text(StringInfo out, const char *name, const PgmFormatText *text)
{
	if (text->text != NULL)
		appendStringInfo(out, "  %s %s:%d {%s}\n", name, text->file,
						 text->line, text->text);
}

static void
dump_note(StringInfo out, const char *kind, const PgmFormatNote *note)
{
	appendStringInfo(out, "%s %s", kind, note->file ? note->file : "-");
	if (note->line)
		appendStringInfo(out, ":%d", note->line);
	appendStringInfo(out, ": %s\n", note->message);
}

static void
dump_error(StringInfo out, const PgmFormatError *error)
{
	PgmFormatNote note = {error->message, error->file, error->line, false};

	dump_note(out, "error", &note);
	if (error->detail)
		appendStringInfo(out, "detail %s\n", error->detail);
	if (error->hint)
		appendStringInfo(out, "hint %s\n", error->hint);
}

char *
dump_result(const PgmFormatResult *result)
{
	StringInfoData out;

	initStringInfo(&out);
	if (result->error.message)
	{
		dump_error(&out, &result->error);
		for (int i = 0; i < result->nmore_errors; i++)
			dump_error(&out, &result->more_errors[i]);
		return out.data;
	}
	if (result->project)
		appendStringInfo(&out, "project %s\n", result->project);
	for (int i = 0; i < result->nrevisions; i++)
	{
		PgmFormatRevision *rev = &result->revisions[i];

		appendStringInfo(&out, "%s [%s]", rev->id ? rev->id : "-",
						 rev->message);
		if (rev->nparents == 0)
			appendStringInfoString(&out, " base");
		dump_list(&out, "parents", rev->nparents, rev->parents);
		dump_list(&out, "depends", rev->ndepends, rev->depends);
		dump_list(&out, "labels", rev->nlabels, rev->labels);
		dump_list(&out, "versions", rev->nversions, rev->versions);
		if (rev->transactional != PGM_FLAG_UNSET)
			appendStringInfo(&out, " transactional=%s",
							 rev->transactional == PGM_FLAG_ON ? "on" : "off");
		if (rev->repeatable)
			appendStringInfoString(&out, " repeatable");
		appendStringInfoChar(&out, '\n');
		dump_text(&out, "up", &rev->upgrade);
		dump_text(&out, "down", &rev->downgrade);
		dump_text(&out, "verify", &rev->verify);
	}
	for (int i = 0; i < result->nwarnings; i++)
		dump_note(&out, result->warnings[i].loss ? "loss" : "warning",
				  &result->warnings[i]);
	for (int i = 0; i < result->nskipped; i++)
		dump_note(&out, "skipped", &result->skipped[i]);
	return out.data;
}

void
expect(const char *name, PgmFormat format, const char *const *pairs,
	   const char *expected)
{
	check_text(dump_result(read_pairs(format, pairs)), expected, name);
}

void
expect_script(const char *name, const char *text, const char *expected)
{
	PgmFormatResult *result = read_pairs(PGM_FORMAT_GOLANG,
										 FILES("1_a.up.sql", text));
	StringInfoData out;

	initStringInfo(&out);
	if (result->error.message)
		dump_error(&out, &result->error);
	else
	{
		PgmFormatRevision *rev = &result->revisions[0];

		if (rev->transactional == PGM_FLAG_OFF)
			appendStringInfoString(&out, "off ");
		appendStringInfo(&out, "%d {%s}\n", rev->upgrade.line,
						 rev->upgrade.text);
		for (int i = 0; i < result->nwarnings; i++)
			dump_note(&out, "warning", &result->warnings[i]);
	}
	check_text(out.data, expected, name);
}

int
main(int argc, char **argv)
{
	test_sqlscan();
	test_script();
	test_copy();
	test_native();
	test_pairs();
	test_markers();
	test_both_ways();
	test_headings();
	test_flyway();
	test_sqitch();
	test_alembic();
	test_structure();
	test_detect();
	test_write();
	test_history();
	printf("%d passed, %d failed\n", npassed, nfailed);
	return nfailed > 0;
}

/*-------------------------------------------------------------------------
 *
 * test_history.c
 *	  Writing, long histories, large inputs.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres_fe.h"

#include "lib/stringinfo.h"

#include "unit.h"

#include <time.h>

#define NREVISIONS 600

static double
seconds_since(struct timespec *start)
{
	struct timespec now;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
	return now.tv_sec - start->tv_sec + (now.tv_nsec - start->tv_nsec) / 1e9;
}

static void
add(PgmFormatFile *files, int *n, char *name, char *data)
{
	files[*n].name = name;
	files[*n].data = data;
	files[(*n)++].len = strlen(data);
}

static void
add_files(PgmFormat format, int i, PgmFormatFile *files, int *n,
		  StringInfo all)
{
	char	   *up = psprintf("CREATE TABLE t%d (a int);\n", i);
	char	   *down = psprintf("DROP TABLE t%d;\n", i);

	switch (format)
	{
		case PGM_FORMAT_GOLANG:
			add(files, n, psprintf("%d_add_t%d.up.sql", i, i), up);
			add(files, n, psprintf("%d_add_t%d.down.sql", i, i), down);
			break;
		case PGM_FORMAT_DIESEL:
			add(files, n, psprintf("2020-01-01-%06d_t/up.sql", i), up);
			add(files, n, psprintf("2020-01-01-%06d_t/down.sql", i), down);
			break;
		case PGM_FORMAT_DBMATE:
			add(files, n, psprintf("%d_add_t%d.sql", i, i),
				psprintf("-- migrate:up\n%s\n-- migrate:down\n%s", up, down));
			break;
		case PGM_FORMAT_GOOSE:
			add(files, n, psprintf("%05d_add_t%d.sql", i, i),
				psprintf("-- +goose Up\n-- +goose StatementBegin\n%s-- +goose StatementEnd\n\n-- +goose Down\n%s",
						 up, down));
			break;
		case PGM_FORMAT_FLYWAY:
			add(files, n, psprintf("V1.%d__add_t%d.sql", i, i), up);
			add(files, n, psprintf("U1.%d__add_t%d.sql", i, i), down);
			break;
		case PGM_FORMAT_SQITCH:
			appendStringInfo(all, "t%d%s 2012-07-16T17:25:07Z A <a@b.c> # t%d\n",
							 i, i > 1 ? psprintf(" [t%d]", i / 2) : "", i);
			add(files, n, psprintf("deploy/t%d.sql", i),
				psprintf("BEGIN;\n%sCOMMIT;\n", up));
			add(files, n, psprintf("revert/t%d.sql", i),
				psprintf("BEGIN;\n%sCOMMIT;\n", down));
			break;
		case PGM_FORMAT_ALEMBIC:
			appendStringInfo(all, "-- Running upgrade r%d -> r%d\n\n%s\n"
							 "UPDATE alembic_version SET version_num='r%d' WHERE alembic_version.version_num = 'r%d';\n\n"
							 "-- Running downgrade r%d -> r%d\n\n%s\n"
							 "UPDATE alembic_version SET version_num='r%d' WHERE alembic_version.version_num = 'r%d';\n\n",
							 i - 1, i, up, i, i - 1, i, i - 1, down, i - 1, i);
			break;
		default:
			add(files, n, psprintf("%04x.sql", i * 40503 % 65536),
				psprintf("-- pgmigrate: revision\n-- id: r%d\n-- message: t\n-- down_revision: %s\n"
						 "-- migrate:up\n%s\n-- migrate:down\n%s\n",
						 i, i > 1 ? psprintf("r%d", i - 1) : "base", up, down));
			break;
	}
}

/*
 * A history of n revisions in its tool's layout, read in the right order with
 * all its texts.
 */
static bool
history(PgmFormat format, int n)
{
	PgmFormatFile *files = palloc((2 * n + 1) * sizeof(PgmFormatFile));
	PgmFormatOptions options = {.format = PGM_FORMAT_AUTO,.utf8 = true};
	PgmFormatResult result;
	StringInfoData all;
	int			nfiles = 0;

	initStringInfo(&all);
	for (int i = 1; i <= n; i++)
		add_files(format, i, files, &nfiles, &all);
	if (all.len > 0)
		add(files, &nfiles, pstrdup(format == PGM_FORMAT_SQITCH ?
									"sqitch.plan" : "all.sql"), all.data);
	if (!pgm_format_parse(&options, nfiles, files, &result))
	{
		printf("%s\n", dump_result(&result));
		return false;
	}
	if (result.format != format || result.nrevisions != n ||
		result.nwarnings != 0 || result.nskipped != 0)
		return false;
	for (int i = 0; i < n; i++)
	{
		PgmFormatRevision *rev = &result.revisions[i];
		char	   *up = psprintf("CREATE TABLE t%d (a int);", i + 1);
		char	   *down = psprintf("DROP TABLE t%d;", i + 1);

		if (strncmp(rev->upgrade.text, up, strlen(up)) != 0 ||
			rev->downgrade.text == NULL ||
			strncmp(rev->downgrade.text, down, strlen(down)) != 0)
			return false;
	}
	return true;
}

static void
test_histories(void)
{
	static const PgmFormat formats[] = {
		PGM_FORMAT_PGMIGRATE, PGM_FORMAT_GOLANG, PGM_FORMAT_DIESEL,
		PGM_FORMAT_DBMATE, PGM_FORMAT_GOOSE, PGM_FORMAT_FLYWAY,
		PGM_FORMAT_SQITCH, PGM_FORMAT_ALEMBIC
	};

	for (int i = 0; i < lengthof(formats); i++)
	{
		struct timespec start;

		check(history(formats[i], NREVISIONS), pgm_format_name(formats[i]));
		clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &start);
		check(history(formats[i], 10000), pgm_format_name(formats[i]));
		check(seconds_since(&start) < 2.0, "10,000 revisions take no time");
	}
}

/* Texts of one repeated piece, which a careless scanner is slow on. */
static void
test_large(void)
{
	static const char *const pieces[] = {
		";", "'", "$a", "$a$", "$", "/*", "--\n", "(", "E'\n", "\\echo\n",
		"a;", "COPY t FROM stdin;\n\\.\n", ":a", "-- +goose ", "x\t",
		"E'' -- c\n", "BEGIN;COMMIT;", "${", "e''\n", "COPY t FROM stdin;\n\n\\.\n"
	};

	for (int i = 0; i < lengthof(pieces); i++)
	{
		StringInfoData text;
		struct timespec start;
		PgmFormatOptions options = {.utf8 = true};
		PgmFormatFile file;

		initStringInfo(&text);
		while (text.len < 1000000)
			appendStringInfoString(&text, pieces[i]);
		file.data = text.data;
		file.len = text.len;

		clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &start);
		for (int f = PGM_FORMAT_PGMIGRATE; f <= PGM_FORMAT_STRUCTURE; f++)
		{
			PgmFormatResult result;

			options.format = f;
			file.name = f == PGM_FORMAT_SQITCH ? "sqitch.plan" :
				f == PGM_FORMAT_FLYWAY ? "V1__a.sql" : "1_a.sql";
			pgm_format_parse(&options, 1, &file, &result);
		}
		check(seconds_since(&start) < 5.0, pieces[i]);
		pfree(text.data);
	}
}

static void
test_limit(void)
{
	PgmFormatOptions options = {.max_file_bytes = 10,.utf8 = true};
	PgmFormatFile file = {.name = "1_a.up.sql",.data = "1234567890a",.len = 11};
	PgmFormatResult result;

	check(!pgm_format_parse(&options, 1, &file, &result), "too large");
	check_text(dump_result(&result),
			   "error 1_a.up.sql: file is too large\n"
			   "detail It has 11 bytes, and the limit is 10.\n", "too large");
	file.len = 10;
	check(pgm_format_parse(&options, 1, &file, &result), "at the limit");
	file.data = "12\n4567\0a0";
	check(!pgm_format_parse(&options, 1, &file, &result), "zero byte");
	check_text(dump_result(&result),
			   "error 1_a.up.sql:2: file has a zero byte\n"
			   "hint Save the file as plain text in UTF-8.\n", "zero byte");
	file.data = NULL;
	check(!pgm_format_parse(&options, 1, &file, &result), "not read");
	check_text(dump_result(&result), "error 1_a.up.sql: file was not read\n",
			   "not read");
}

void
test_history(void)
{
	test_histories();
	test_large();
	test_limit();
}

static char *
write_all(PgmFormat format, const PgmFormatResult *from)
{
	StringInfoData out;
	PgmFormatError error;
	PgmFormatFile *files;
	int			n;

	initStringInfo(&out);
	if (!pgm_format_write(format, from->nrevisions, from->revisions, &n,
						  &files, &error))
		return error.message;
	for (int i = 0; i < n; i++)
		appendStringInfo(&out, "%s {%.*s}\n", files[i].name,
						 (int) files[i].len, files[i].data);
	return out.data;
}

void
test_write(void)
{
	PgmFormatResult *result;

	result = read_pairs(PGM_FORMAT_AUTO,
						FILES("7_add_x.up.sql", "a;\n", "7_add_x.down.sql", "",
							  "10_b.up.sql", "b"));
	check_text(write_all(PGM_FORMAT_PGMIGRATE, result),
			   "7_add_x.sql {-- pgmigrate: revision\n-- id: 7\n-- message: add x\n\n"
			   "-- migrate:up\na;\n\n-- migrate:down\n\n}\n"
			   "10_b.sql {-- pgmigrate: revision\n-- id: 10\n-- message: b\n\n"
			   "-- migrate:up\nb\n}\n", "writing our own");
	check_text(write_all(PGM_FORMAT_GOLANG, result),
			   "7_add_x.up.sql {a;\n}\n7_add_x.down.sql {}\n10_b.up.sql {b}\n",
			   "writing golang-migrate");
	check_text(write_all(PGM_FORMAT_PLAIN, result),
			   "7_add_x.up.sql {BEGIN;\na;\nCOMMIT;\n}\n"
			   "7_add_x.down.sql {BEGIN;\nCOMMIT;\n}\n"
			   "10_b.up.sql {BEGIN;\nb\n;\nCOMMIT;\n}\n", "writing plain SQL");
	check_text(write_all(PGM_FORMAT_GOOSE, result),
			   "cannot write format \"goose\"", "writing goose");

	result = read_pairs(PGM_FORMAT_AUTO,
						FILES("V1.2__Add x-y!.sql", "a -- c", "V1.2__Add x-y!.sql.conf",
							  "executeInTransaction=false", "R__a/b.sql", "c"));
	check_text(write_all(PGM_FORMAT_PLAIN, result),
			   "000001_add_x_y.up.sql {a -- c}\n",
			   "writing what cannot be in a transaction");
	check_text(write_all(PGM_FORMAT_PGMIGRATE, result),
			   "1.2_add_x_y.sql {-- pgmigrate: revision\n-- id: 1.2\n-- message: Add x-y!\n"
			   "-- transactional: false\n\n-- migrate:up\na -- c\n}\n",
			   "writing a version with dots");
	result->revisions[0].id = pstrdup("../x");
	check(strncmp(write_all(PGM_FORMAT_PGMIGRATE, result),
				  "_._x_1_add_x_y.sql {", 20) == 0, "an id is no path");
	result->revisions[0].id = pstrdup("a b");
	check_text(write_all(PGM_FORMAT_PGMIGRATE, result),
			   "\"a b\" cannot be the id of a revision", "writing a bad id");
}

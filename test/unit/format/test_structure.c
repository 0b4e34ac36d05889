/*-------------------------------------------------------------------------
 *
 * test_structure.c
 *	  Dumps to start from, and detection.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres_fe.h"

#include "lib/stringinfo.h"

#include "unit.h"

#define DUMP "--\n-- PostgreSQL database dump\n--\n\n"

void
test_structure(void)
{
	expect("structure of Rails", PGM_FORMAT_AUTO,
		   FILES("db/structure.sql",
				 "\\restrict abc\nSET client_encoding = 'UTF8';\na;\n\n"
				 "INSERT INTO \"schema_migrations\" (version) VALUES\n('20190101000000'),\n('20200101000000');\n\\unrestrict abc\n"),
		   "20200101000000 [baseline from structure.sql] versions=20190101000000,20200101000000\n"
		   "  up db/structure.sql:2 {SET client_encoding = 'UTF8';\na;\n\n"
		   "INSERT INTO \"schema_migrations\" (version) VALUES\n('20190101000000'),\n('20200101000000');\n}\n");
	expect("structure of dbmate", PGM_FORMAT_AUTO,
		   FILES("schema.sql", DUMP "a;\nINSERT INTO public.schema_migrations (version) VALUES ('7');\n"),
		   "7 [baseline from schema.sql] versions=7\n"
		   "  up schema.sql:1 {" DUMP "a;\nINSERT INTO public.schema_migrations (version) VALUES ('7');\n}\n");
	expect("dump with data", PGM_FORMAT_AUTO,
		   FILES("my-dump.sql", DUMP "COPY public.schema_migrations (version) FROM stdin;\n5\n4\n\\.\n"),
		   "5 [baseline from my-dump.sql] versions=5,4\n"
		   "  up my-dump.sql:1 {" DUMP "INSERT /* COPY */ INTO public.schema_migrations (version) OVERRIDING SYSTEM VALUE VALUES\n('5'),\n('4');\n}\n");
	expect("dump alone", PGM_FORMAT_AUTO,
		   FILES("my-dump.sql", DUMP "a;"),
		   "my_dump [baseline from my-dump.sql]\n  up my-dump.sql:1 {" DUMP "a;}\n");
	expect("dump that connects", PGM_FORMAT_AUTO,
		   FILES("d.sql", DUMP "\\connect x\n"),
		   "error d.sql:5: psql command \"\\connect\" is not supported\nhint Write what it does as SQL.\n");
	expect("two dumps", PGM_FORMAT_AUTO,
		   FILES("a.sql", DUMP, "b.sql", DUMP),
		   "error b.sql: there are several files to start from\ndetail The other is \"a.sql\".\n");
}

void
test_detect(void)
{
	PgmFormat	format;

	expect("mixed names", PGM_FORMAT_AUTO,
		   FILES("1_a.up.sql", "a", "V1__a.sql", "a"),
		   "error V1__a.sql: format of the files is ambiguous\n"
		   "detail This file is of format \"flyway\", but \"1_a.up.sql\" is of format \"golang-migrate\".\n"
		   "hint Name the format, or load the files of each tool by themselves.\n");
	expect("mixed contents", PGM_FORMAT_AUTO,
		   FILES("1_a.sql", "-- +goose Up\na", "2_a.sql", "-- migrate:up\n"),
		   "error 2_a.sql: format of the files is ambiguous\n"
		   "detail This file is of format \"dbmate\", but \"1_a.sql\" is of format \"goose\".\n"
		   "hint Name the format, or load the files of each tool by themselves.\n");
	expect("name against contents", PGM_FORMAT_AUTO,
		   FILES("1_a.up.sql", "-- +goose Up\na"),
		   "error 1_a.up.sql: format of the files is ambiguous\n"
		   "detail The name is one of format \"golang-migrate\", but the contents are of format \"goose\".\n"
		   "hint Name the format, or load the files of each tool by themselves.\n");
	expect("a dump as a migration", PGM_FORMAT_AUTO,
		   FILES("V1__a.sql", DUMP "a;", "V2__a.sql", "b"),
		   "1 [a]\n  up V1__a.sql:1 {" DUMP "a;}\n2 [a]\n  up V2__a.sql:1 {b}\n");
	expect("our own by a name of another's", PGM_FORMAT_AUTO,
		   FILES("V1__a.sql", "-- pgmigrate: revision\n-- id: V1\n-- migrate:up\n"),
		   "V1 [V1  a]\n  up V1__a.sql:4 {}\n");
	expect("nothing known", PGM_FORMAT_AUTO, FILES("a.sql", "a;"),
		   "error a.sql: format of the files could not be detected\n"
		   "detail Neither name nor contents are those of a known tool: \"a.sql\".\n"
		   "hint Name the files as 0001_name.up.sql and 0001_name.down.sql, or name the format.  The formats are \"auto\", \"pgmigrate\", \"golang-migrate\", \"plain\", \"diesel\", \"dbmate\", \"goose\", \"flyway\", \"sqitch\", \"alembic\", \"atlas\", \"prisma\", \"refinery\", \"node-pg-migrate\", \"sql-migrate\", \"micrate\", \"rambler\", \"tern\" and \"structure\".\n");
	expect("no SQL", PGM_FORMAT_AUTO, FILES("a.txt", "a;"),
		   "error -: no migration file was found\n"
		   "hint Name the files as the tool does, such as 0001_name.up.sql, or name the format.\n");
	expect("wrong format", PGM_FORMAT_GOOSE, FILES("a.sql", "a;"),
		   "error -: no migration of format \"goose\" was found\n"
		   "hint Leave the format out to have it detected.\n");
	expect("file twice", PGM_FORMAT_AUTO,
		   FILES("./1_a.sql", "a;", "1_a.sql", "a;"),
		   "error 1_a.sql: file was given twice\n");
	check(pgm_format_by_name("Golang-Migrate", &format) &&
		  format == PGM_FORMAT_GOLANG, "name of a format");
	check(!pgm_format_by_name("x", &format), "unknown name of a format");
	for (int i = PGM_FORMAT_AUTO; i <= PGM_FORMAT_STRUCTURE; i++)
		check(pgm_format_by_name(pgm_format_name(i), &format) && format == i,
			  pgm_format_name(i));
	check(pgm_format_reads("a/b.sql") && pgm_format_reads("sqitch.plan") &&
		  pgm_format_reads("V1__a.sql.conf") &&
		  pgm_format_reads("x/metadata.toml"), "files to read");
	check(!pgm_format_reads("a.go") && !pgm_format_reads("b.png"),
		  "files not to read");
}

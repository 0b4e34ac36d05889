/*-------------------------------------------------------------------------
 *
 * test_both_ways.c
 *	  Files that hold both ways: those that are read, and those refused.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres_fe.h"

#include "lib/stringinfo.h"

#include "unit.h"

#define MESSAGE "file has a way down that would run as part of the way up\n"
#define OWN_FILE "hint Give the way down a file of its own, such as 0001_name.down.sql beside 0001_name.up.sql, or write the headings of format \"dbmate\": \"-- migrate:up\" and \"-- migrate:down\".\n"

static void
test_node(void)
{
	expect("node-pg-migrate", PGM_FORMAT_AUTO,
		   FILES("1700000000001_add-users.sql",
				 "-- Up Migration\na;\n\n-- Down Migration\nb;\n",
				 "1700000000002_x.sql", "--no transaction\n\n---- UP  MIGRATION ----\r\na;\r\n",
				 "1700000000003_y.sql", "a;\n"),
		   "1700000000001 [add-users]\n"
		   "  up 1700000000001_add-users.sql:2 {a;\n}\n"
		   "  down 1700000000001_add-users.sql:5 {b;\n}\n"
		   "1700000000002 [x] transactional=off\n"
		   "  up 1700000000002_x.sql:4 {a;\r\n}\n"
		   "1700000000003 [y]\n  up 1700000000003_y.sql:1 {a;\n}\n");
	expect("node-pg-migrate, what follows the words", PGM_FORMAT_NODE,
		   FILES("1_a.sql", "-- Up Migration (x)\na;\n--down migration: y\nb;"),
		   "1 [a]\n  up 1_a.sql:2 {a;\n}\n  down 1_a.sql:4 {b;}\n");
	expect("node-pg-migrate, only down", PGM_FORMAT_AUTO,
		   FILES("1_a.sql", "a;\n-- Down Migration\nb;\n"),
		   "error 1_a.sql:1: statement before the first section\n");
	expect("node-pg-migrate, down first", PGM_FORMAT_AUTO,
		   FILES("1_a.sql", "-- Down Migration\nb;\n-- Up Migration\na;\n"),
		   "error 1_a.sql:1: section \"down\" has no \"up\" before it\n");
}

static void
test_sql_migrate(void)
{
	expect("sql-migrate", PGM_FORMAT_AUTO,
		   FILES("001-add_users.sql",
				 "-- comment\n-- +migrate Up\na;\n-- +migrate StatementBegin\nb;\n"
				 "-- +migrate StatementEnd\n\n-- +migrate Down\nc;\n",
				 "002_i.sql", "-- +migrate Up notransaction\na;\n-- +migrate Down notransaction\n"),
		   "001 [add users]\n  up 001-add_users.sql:3 {a;\n\nb;\n}\n"
		   "  down 001-add_users.sql:9 {c;\n}\n"
		   "002 [i] transactional=off\n  up 002_i.sql:2 {a;\n}\n  down 002_i.sql:4 {}\n");
	expect("sql-migrate, unknown marker", PGM_FORMAT_AUTO,
		   FILES("1_a.sql", "-- +migrate Up\n-- +migrate Sideways\n"),
		   "error 1_a.sql:2: marker \"+migrate Sideways\" is not supported\n");
	expect("goose has no notransaction", PGM_FORMAT_AUTO,
		   FILES("1_a.sql", "-- +goose Up notransaction\na;\n"),
		   "error 1_a.sql:1: marker \"+goose Up notransaction\" is not supported\n");
	expect("micrate", PGM_FORMAT_AUTO,
		   FILES("20160524162446_a.sql",
				 "-- +micrate Up\na;\n\n-- +micrate Down\nb;\n"),
		   "20160524162446 [a]\n  up 20160524162446_a.sql:2 {a;\n}\n"
		   "  down 20160524162446_a.sql:5 {b;\n}\n");
}

static void
test_rambler_and_tern(void)
{
	expect("rambler", PGM_FORMAT_AUTO,
		   FILES("201409272258_a.sql", "-- rambler up\n\na;\n-- rambler down\n\nb;\n"),
		   "201409272258 [a]\n  up 201409272258_a.sql:3 {a;\n}\n"
		   "  down 201409272258_a.sql:6 {b;\n}\n");
	expect("tern", PGM_FORMAT_AUTO,
		   FILES("001_a.sql", "-- up here\na;\n\n---- create above / drop below ----\n\nb;\n",
				 "002_b.sql", "---- tern: disable-tx ----\na;\n---- create above / drop below ----\n\n",
				 "003_c.sql", "a;\n"),
		   "001 [a]\n  up 001_a.sql:1 {-- up here\na;\n}\n  down 001_a.sql:6 {b;\n}\n"
		   "002 [b] transactional=off\n"
		   "  up 002_b.sql:1 {---- tern: disable-tx ----\na;\n}\n"
		   "003 [c]\n  up 003_c.sql:1 {a;\n}\n");
	expect("tern, separator twice", PGM_FORMAT_AUTO,
		   FILES("001_a.sql", "a;\n---- create above / drop below ----\nb;\n---- create above / drop below ----\n"),
		   "error 001_a.sql:4: section is given twice, or \"down\" before \"up\"\n");
	expect("tern, template", PGM_FORMAT_AUTO,
		   FILES("001_a.sql", "{{ template \"shared/x.sql\" . }}\n---- create above / drop below ----\n"),
		   "error 001_a.sql:1: template of tern is not supported\n"
		   "hint Write what it gives in its place.\n");
}

static void
test_folders(void)
{
	expect("prisma", PGM_FORMAT_AUTO,
		   FILES("20240101000001_init/migration.sql", "a;\n",
				 "20240102000000_b/migration.sql", "b;\n",
				 "20240102000000_b/down.sql", "c;\n",
				 "migration_lock.toml", ""),
		   "20240101000001 [init]\n  up 20240101000001_init/migration.sql:1 {a;\n}\n"
		   "20240102000000 [b]\n  up 20240102000000_b/migration.sql:1 {b;\n}\n"
		   "  down 20240102000000_b/down.sql:1 {c;\n}\n"
		   "skipped migration_lock.toml: not a migration file of this format\n");
	expect("prisma, one time twice", PGM_FORMAT_AUTO,
		   FILES("m/20240101000001_a/migration.sql", "a;",
				 "m/20240101000001_b/down.sql", "c;",
				 "m/20240101000001_b/migration.sql", "b;",
				 "m/20240101000001_c/migration.sql", "d;",
				 "m/20240101000002_d/migration.sql", "e;"),
		   "20240101000001 [a]\n  up m/20240101000001_a/migration.sql:1 {a;}\n"
		   "20240101000001_b [b]\n  up m/20240101000001_b/migration.sql:1 {b;}\n"
		   "  down m/20240101000001_b/down.sql:1 {c;}\n"
		   "20240101000001_c [c]\n  up m/20240101000001_c/migration.sql:1 {d;}\n"
		   "20240101000002 [d]\n  up m/20240101000002_d/migration.sql:1 {e;}\n");
	expect("drizzle, folders", PGM_FORMAT_AUTO,
		   FILES("20240101000001_x_y/migration.sql", "a;--> statement-breakpoint\nb;",
				 "20240101000001_x_y/snapshot.json", "{}"),
		   "20240101000001 [x y]\n  up 20240101000001_x_y/migration.sql:1 {a;--> statement-breakpoint\nb;}\n"
		   "skipped 20240101000001_x_y/snapshot.json: not a migration file of this format\n");
	expect("drizzle, flat", PGM_FORMAT_AUTO,
		   FILES("0000_x.sql", "a;\n--> statement-breakpoint\nb;", "meta/_journal.json", "{}"),
		   "0000 [x]\n  up 0000_x.sql:1 {a;\n--> statement-breakpoint\nb;}\n"
		   "skipped meta/_journal.json: not a migration file of this format\n");
	expect("hasura", PGM_FORMAT_AUTO,
		   FILES("default/1600000000000_x/up.sql", "a;", "default/1600000000000_x/down.sql", "b;"),
		   "1600000000000 [x]\n  up default/1600000000000_x/up.sql:1 {a;}\n"
		   "  down default/1600000000000_x/down.sql:1 {b;}\n");
	expect("supabase", PGM_FORMAT_AUTO,
		   FILES("20240101000001_x.sql", "a;"),
		   "20240101000001 [x]\n  up 20240101000001_x.sql:1 {a;}\n");
	expect("refinery", PGM_FORMAT_REFINERY,
		   FILES("V1__x.sql", "a ${b};", "U2__y.sql", "b;"),
		   "1 [x]\n  up V1__x.sql:1 {a ${b};}\n2 [y]\n  up U2__y.sql:1 {b;}\n");
	expect("refinery taken for Flyway", PGM_FORMAT_AUTO,
		   FILES("V1__x.sql", "a;", "U2__y.sql", "b;"),
		   "error U2__y.sql: version \"2\" has a way down but none up\n"
		   "hint Those of refinery are ways up: if it wrote the files, name format \"refinery\".\n");
	expect("another tool's files with Atlas's sums", PGM_FORMAT_AUTO,
		   FILES("atlas.sum", "h1:x\n", "1_a.sql", "-- +goose Up\na;\n-- +goose Down\nb;\n"),
		   "1 [a]\n  up 1_a.sql:2 {a;\n}\n  down 1_a.sql:4 {b;\n}\n"
		   "skipped atlas.sum: not a migration file of this format\n");
}

/* All that is wrong with a folder comes at once. */
static void
test_errors(void)
{
	expect("errors of several files", PGM_FORMAT_AUTO,
		   FILES("1_a.up.sql", "a;\n'x\n", "2_b.up.sql", "a;", "3_c.up.sql", "\\i x\n\\i y\n"),
		   "error 1_a.up.sql:2: quoted string is not ended\n"
		   "error 3_c.up.sql:1: psql command \"\\i\" is not supported\n"
		   "hint Write what it does as SQL.\n");
	expect("errors of several sections", PGM_FORMAT_AUTO,
		   FILES("1_a.sql", "-- +goose Up\n\\i x\n", "2_b.sql", "-- +goose Up\n\\i x\n"),
		   "error 1_a.sql:2: psql command \"\\i\" is not supported\n"
		   "hint Write what it does as SQL.\n"
		   "error 2_b.sql:2: psql command \"\\i\" is not supported\n"
		   "hint Write what it does as SQL.\n");
	expect("a way down that ends in a literal", PGM_FORMAT_AUTO,
		   FILES("1_a.up.sql", "a;", "1_a.down.sql", "b;\nc 'x;\n"),
		   "1 [a]\n  up 1_a.up.sql:1 {a;}\n"
		   "loss 1_a.down.sql:2: way down cannot be read and is left out: quoted string is not ended\n");
	expect("the same in a section", PGM_FORMAT_AUTO,
		   FILES("1_a.sql", "-- migrate:up\na;\n-- migrate:down\nb (;\n"),
		   "1 [a]\n  up 1_a.sql:2 {a;\n}\n"
		   "loss 1_a.sql:4: way down cannot be read and is left out: parenthesis is not closed\n");
	expect("ways down by name", PGM_FORMAT_AUTO,
		   FILES("1_a.undo.sql", "a;", "down/2_b.sql", "b;", "3_slow_down.sql", "c;"),
		   "error 1_a.undo.sql: file is a way down by its name\n"
		   "hint Name the ways of a revision 0001_name.up.sql and 0001_name.down.sql.\n"
		   "error down/2_b.sql: file is a way down by its name\n"
		   "hint Name the ways of a revision 0001_name.up.sql and 0001_name.down.sql.\n");
}

void
test_both_ways(void)
{
	test_node();
	test_sql_migrate();
	test_rambler_and_tern();
	test_folders();
	test_errors();
}

/* The heading stands in the second line; what undoes the first follows. */
static void
refused(const char *heading)
{
	StringInfoData text;
	StringInfoData wanted;

	initStringInfo(&text);
	appendStringInfo(&text, "CREATE TABLE a ();\n%s\nDROP TABLE a;\n", heading);
	initStringInfo(&wanted);
	appendStringInfo(&wanted, "error 1_a.sql:2: " MESSAGE
					 "detail Its heading is \"%s\".\n" OWN_FILE,
					 heading[0] == '#' ? heading + 2 : heading);
	expect(heading, PGM_FORMAT_PLAIN, FILES("1_a.sql", text.data), wanted.data);
	expect(heading, PGM_FORMAT_AUTO, FILES("1_a.sql", text.data), wanted.data);
}

static void
accepted(const char *text)
{
	StringInfoData wanted;

	initStringInfo(&wanted);
	appendStringInfo(&wanted, "1 [a]\n  up 1_a.sql:1 {%s}\n", text);
	expect(text, PGM_FORMAT_AUTO, FILES("1_a.sql", text), wanted.data);
	expect(text, PGM_FORMAT_PLAIN, FILES("1_a.sql", text), wanted.data);
}

/* The same between what comes before and what comes after it. */
static void
refused_between(const char *before, const char *heading, const char *after)
{
	StringInfoData text;
	StringInfoData wanted;

	initStringInfo(&text);
	appendStringInfo(&text, "%s\n%s\n%s\n", before, heading, after);
	initStringInfo(&wanted);
	appendStringInfo(&wanted, "error 1_a.sql:2: " MESSAGE
					 "detail Its heading is \"%s\".\n" OWN_FILE, heading);
	expect(text.data, PGM_FORMAT_AUTO, FILES("1_a.sql", text.data),
		   wanted.data);
}

/* Pairs of statements of which the second takes back the first. */
static void
test_undoing(void)
{
	static const char *const pairs[][2] = {
		{"CREATE TABLE s.a (n int);", "DROP TABLE IF EXISTS A CASCADE;"},
		{"CREATE TABLE a (n int);", "TRUNCATE TABLE ONLY a;"},
		{"CREATE SCHEMA s; CREATE TABLE s.a ();", "DROP SCHEMA s CASCADE;"},
		{"CREATE UNIQUE INDEX CONCURRENTLY IF NOT EXISTS i ON a (b);", "DROP INDEX i;"},
		{"CREATE INDEX ON a (b);", "DROP INDEX a_b_idx;"},
		{"CREATE OR REPLACE FUNCTION f(int, int) RETURNS int LANGUAGE sql AS '';", "DROP FUNCTION x(int, int), f(int, int);"},
		{"CREATE MATERIALIZED VIEW v AS SELECT 1;", "DROP MATERIALIZED VIEW v;"},
		{"ALTER TABLE a ADD b int, ADD COLUMN IF NOT EXISTS \"C\" numeric(3, 4);", "ALTER TABLE ONLY s.a DROP COLUMN c;"},
		{"ALTER TABLE a ADD CONSTRAINT k CHECK (b > 0);", "ALTER TABLE a DROP CONSTRAINT k;"},
		{"ALTER TABLE a ADD FOREIGN KEY (b) REFERENCES c;", "ALTER TABLE a DROP CONSTRAINT a_b_fkey;"},
		{"ALTER TABLE a RENAME b TO c;", "ALTER TABLE a RENAME COLUMN c TO b;"},
		{"ALTER TABLE a RENAME TO b;", "ALTER TABLE b RENAME TO a;"},
		{"ALTER TABLE a ALTER b TYPE bigint;", "ALTER TABLE a ALTER COLUMN b TYPE int;"},
		{"ALTER TABLE a ENABLE ROW LEVEL SECURITY;", "ALTER TABLE a DISABLE ROW LEVEL SECURITY;"},
		{"DROP TABLE a;", "CREATE TABLE a (n int);"},
		{"INSERT INTO a VALUES (1);", "DELETE FROM a WHERE n = 1;"},
		{"DELETE FROM a;", "INSERT INTO a VALUES (1);"},
		{"UPDATE a SET b = 2;", "UPDATE a SET b = 1;"},
		{"GRANT SELECT ON a, b TO x;", "REVOKE SELECT ON TABLE b FROM x;"},
		{"COMMENT ON COLUMN a.b IS 'x';", "COMMENT ON COLUMN a.b IS 'y';"},
		{"SELECT cron.schedule('job', '* * * * *', 'x');", "SELECT cron.unschedule('job');"},
		{"DO $$BEGIN CREATE TABLE a (); END$$;", "DO $$BEGIN DROP TABLE a; END$$;"},
		{"BEGIN; CREATE TABLE a (); COMMIT;", "BEGIN; DROP TABLE a; COMMIT;"},
	};

	for (int i = 0; i < lengthof(pairs); i++)
	{
		refused_between(pairs[i][0], "-- Rollback: back to 3", pairs[i][1]);
		refused_between(pairs[i][0], "-- down: boolean", pairs[i][1]);
	}
}

/* Any comment, where nothing is left, or what was made is dropped. */
static void
test_sentences(void)
{
	static const char *const comments[] = {
		"-- ROLLBACK users table", "-- tear down", "-- Teardown", "-- undo #12",
		"-- To roll this back:", "-- ==== zur\xc3\xbc" "ck ====", "/* remove it */",
		"-- To rollback this migration, run:"
	};

	for (int i = 0; i < lengthof(comments); i++)
		refused_between("CREATE TABLE a (n int); CREATE INDEX i ON a (n); INSERT INTO a VALUES (1); SELECT audit('a');",
						comments[i], "DROP INDEX i; DROP TABLE a;");
	/* something is left, but no longer needs what is dropped */
	refused_between("CREATE TABLE a (n int); INSERT INTO kinds VALUES ('x');",
					"-- tear down users", "DROP TABLE a;");
	refused_between("ALTER TABLE a ALTER b SET NOT NULL; ALTER TABLE a RENAME c TO d;",
					"-- roll back users", "ALTER TABLE a RENAME d TO c; ALTER TABLE a ALTER b DROP NOT NULL;");
	/* what was made is used, but what was dropped for it comes back */
	refused_between("ALTER TABLE a ADD b int; UPDATE a SET b = c::int; ALTER TABLE a DROP c;",
					"-- ROLLBACK users table", "ALTER TABLE a DROP b; ALTER TABLE a ADD c text;");
	refused_between("ALTER TABLE a ADD b int, DROP c; UPDATE a SET b = 0;",
					"-- To rollback this migration, run:", "ALTER TABLE a DROP COLUMN b, ADD COLUMN c text; UPDATE d SET e = 1;");
	refused_between("ALTER TABLE a DROP b;", "-- ROLLBACK users table",
					"ALTER TABLE a ADD b int;");
	refused_between("CREATE FUNCTION f() RETURNS int LANGUAGE sql AS ''; GRANT EXECUTE ON FUNCTION f() TO x; COMMENT ON FUNCTION f() IS 'x';",
					"-- back to 0", "DROP FUNCTION f();");
	refused_between("CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS ''; CREATE TRIGGER t AFTER INSERT ON a EXECUTE FUNCTION f();",
					"-- back to 0", "DROP FUNCTION f() CASCADE;");
	refused_between("ALTER TABLE a ADD b int; UPDATE c SET d = 0;",
					"-- Rollback users: drop the column", "ALTER TABLE a DROP b;");
}

static void
add_many(StringInfo text, const char *statement)
{
	for (int i = 0; i < 5000; i++)
		appendStringInfo(text, "%s%d;\n", statement, i);
}

/*
 * Many comments, each of which could be a heading, and many statements: these
 * end only if there is a limit.
 */
static void
test_many_headings(void)
{
	StringInfoData text;

	initStringInfo(&text);
	add_many(&text, "CREATE TABLE t");
	add_many(&text, "INSERT INTO u SELECT n FROM t");
	add_many(&text, "-- tear down of it\nDROP TABLE t");
	accepted(text.data);

	/* these look like headings */
	resetStringInfo(&text);
	add_many(&text, "SELECT a");
	add_many(&text, "-- revert: of it\nDROP TABLE x");
	expect("too much to tell", PGM_FORMAT_PLAIN, FILES("1_a.sql", text.data),
		   "error 1_a.sql:5001: " MESSAGE "detail Its heading is \"-- revert: of it\".\n" OWN_FILE);
}

void
test_headings(void)
{
	test_many_headings();
	refused("-- down");
	refused("--DOWN");
	refused("-- === DOWN ===");
	refused("-- Rollback:");
	refused("-- roll back");
	refused("/* undo */");
	refused("-- //@UNDO");
	refused("# --- !Downs");
	refused("-- !Downs");
	refused("-- @down");
	refused("-- down.sql --");
	refused("-- migrate down (sql)");
	refused("-- 2. Revert migration");
	refused("-- \xe2\x94\x80\xe2\x94\x80 DOWN \xe2\x94\x80\xe2\x94\x80");
	refused("-- create above / drop below");
	refused("-- down: drop it");
	refused("-- Step 2: Rollback of the above");
	refused("/* DOWN: drop it */");
	test_undoing();
	test_sentences();

	expect("a way down where the way up is not ended", PGM_FORMAT_AUTO,
		   FILES("1_a.sql", "a\n-- down\nb\n"),
		   "error 1_a.sql:2: " MESSAGE "detail Its heading is \"-- down\".\n" OWN_FILE);
	expect("after data", PGM_FORMAT_AUTO,
		   FILES("1_a.sql", "COPY a FROM stdin;\n-- up\n'\n\\.\n-- undo\nb;"),
		   "error 1_a.sql:5: " MESSAGE "detail Its heading is \"-- undo\".\n" OWN_FILE);
	expect("in a file of the way up", PGM_FORMAT_AUTO,
		   FILES("1_a.up.sql", "a;\n-- down\nb;"),
		   "error 1_a.up.sql:2: " MESSAGE "detail Its heading is \"-- down\".\n" OWN_FILE);
	expect("in a section", PGM_FORMAT_AUTO,
		   FILES("1_a.sql", "-- migrate:up\na;\n-- down\nb;\n-- migrate:down\n"),
		   "error 1_a.sql:3: " MESSAGE "detail Its heading is \"-- down\".\n" OWN_FILE);
	expect("of another format", PGM_FORMAT_PLAIN,
		   FILES("1_a.sql", "-- +goose Up\na;\n-- +goose Down\nb;"),
		   "error 1_a.sql:3: " MESSAGE "detail Its heading is \"-- +goose Down\".\n"
		   "hint Load it as format \"goose\", which is what it looks like.\n");
	expect("Liquibase", PGM_FORMAT_AUTO,
		   FILES("1_a.sql", "\n--liquibase formatted sql\n--changeset a:1\na;\n--rollback b;\n"),
		   "error 1_a.sql:2: changelogs of Liquibase are not supported\n"
		   "detail Its changesets and their rollbacks would become one way up.\n"
		   "hint Write each changeset as files 0001_name.up.sql and 0001_name.down.sql.\n");

	accepted("a;\n-- scales down the table\nb;\n");
	accepted("a;\n-- undo log\nb;\n");
	accepted("CREATE TABLE a (n int);\n-- down: boolean\nALTER TABLE a ADD down boolean;\n");
	accepted("CREATE TABLE a (n int);\n-- down: boolean\nINSERT INTO a VALUES (1);\n");
	accepted("ALTER TABLE a ADD b int;\n-- revert #123\nALTER TABLE a ALTER c SET DEFAULT 0;\n");
	accepted("CREATE TABLE a (n int);\n-- revert #123\nDROP INDEX users_name_idx;\n");
	accepted("-- down: boolean\nCREATE TABLE a (down boolean);\n");
	accepted("-- down: boolean\nCREATE TABLE a (down boolean);\nDROP TABLE b;\n");
	accepted("CREATE TEMP TABLE a (n int);\n-- tear down\nDROP TABLE a;\n");
	accepted("CREATE TABLE a (n int);\nINSERT INTO b SELECT n FROM a;\n-- tear down the helper\nDROP TABLE a;\n");
	accepted("CREATE FUNCTION f() RETURNS int LANGUAGE sql AS '';\nSELECT f();\n-- undo what was needed\nDROP FUNCTION f();\n");
	accepted("ALTER TABLE a ADD CONSTRAINT k CHECK (b IS NOT NULL) NOT VALID;\nALTER TABLE a VALIDATE CONSTRAINT k;\n"
			 "ALTER TABLE a ALTER b SET NOT NULL;\n-- undo the helper: it is proved\nALTER TABLE a DROP CONSTRAINT k;\n");
	accepted("DROP VIEW v;\nALTER TABLE a DROP b;\n-- as before\nCREATE VIEW v AS SELECT 1;\n");
	accepted("DROP VIEW v;\n-- undo the change of 3\nCREATE VIEW v AS SELECT 1;\n");
	accepted("ALTER TABLE a RENAME TO b;\n-- the new one\nCREATE TABLE a ();\nDROP TABLE b;\n");
	accepted("a;\n-- d\xc3\xb6wn\nb;\n");
	accepted("a; -- down\nb;\n");
	accepted("a;\n-- up: yes\n-- down: no\nb;\n");
	accepted("a;\n-- down\n-- drop a;\nb;\n");
	expect("a way down of which a part is a comment", PGM_FORMAT_AUTO,
		   FILES("1_a.sql", "a;\n-- down\n-- b;\nALTER TABLE a DROP b;\n"),
		   "error 1_a.sql:2: " MESSAGE "detail Its heading is \"-- down\".\n" OWN_FILE);
	expect("a way down in a comment of several lines", PGM_FORMAT_AUTO,
		   FILES("1_a.sql", "a;\n/*\n * Down\n * by b\n */\nc;\n"),
		   "error 1_a.sql:3: " MESSAGE "detail Its heading is \" * Down\".\n" OWN_FILE);
	accepted("a '\n-- down\n';\nb;\n");
	accepted("a $$\n-- down\nb;\n$$;\nb;\n");
	accepted("a \"\n-- down\n\";\n");
	accepted("a;\n-- Rollback:\n-- DROP TABLE a;\n");
	accepted("a;\n/* down\nDROP TABLE a;\n*/\nb;\n");
	accepted("COPY down FROM x;\ndown;\n");
}

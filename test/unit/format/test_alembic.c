/*-------------------------------------------------------------------------
 *
 * test_alembic.c
 *	  The output of alembic --sql.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres_fe.h"

#include "lib/stringinfo.h"

#include "unit.h"

#define ROW(a) "INSERT INTO alembic_version (version_num) VALUES ('" a "');\n\n"
#define STEP(a, b) "UPDATE alembic_version SET version_num='" b "' WHERE alembic_version.version_num = '" a "';\n\n"
#define DEL(a) "DELETE FROM alembic_version WHERE alembic_version.version_num = '" a "';\n\n"

static char *
read_file(const char *path)
{
	FILE	   *f = fopen(path, "rb");
	StringInfoData text;
	char		buf[4096];
	size_t		n;

	initStringInfo(&text);
	if (f == NULL)
		return text.data;

	while ((n = fread(buf, 1, sizeof(buf), f)) > 0)
		appendBinaryStringInfo(&text, buf, n);
	fclose(f);
	return text.data;
}

/* What Alembic itself printed for a history with a fork, a merge, a second
 * base, a dependency and an autocommit block. */
static void
test_real(void)
{
	char	   *up = read_file("data/alembic_up.txt");
	char	   *down = read_file("data/alembic_down.txt");
	static const char expected[] =
		"aaaa [] base\n  up up.sql:10 {CREATE TABLE t_aaaa (a int);\n}\n  down down.sql:45 {DROP TABLE t_aaaa;\n}\n"
		"eeee [] base\n  up up.sql:16 {CREATE TABLE t_eeee (a int);\n}\n  down down.sql:39 {DROP TABLE t_eeee;\n}\n"
		"cccc [] parents=aaaa\n  up up.sql:22 {CREATE TABLE t_cccc (a int);\n}\n  down down.sql:33 {DROP TABLE t_cccc;\n}\n"
		"bbbb [] parents=aaaa\n  up up.sql:28 {CREATE TABLE t_bbbb (a int);\n\n"
		"INSERT INTO t_bbbb VALUES (1); -- Running upgrade x -> y;\n}\n  down down.sql:27 {DROP TABLE t_bbbb;\n}\n"
		"dddd [] parents=bbbb,cccc\n  up up.sql:36 {CREATE TABLE t_dddd (a int);\n}\n  down down.sql:19 {DROP TABLE t_dddd;\n}\n"
		"ffff [] parents=dddd depends=eeee\n  up up.sql:44 {CREATE TABLE t_ffff (a int);\n}\n  down down.sql:11 {DROP TABLE t_ffff;\n}\n"
		"gggg [] parents=ffff transactional=off\n  up up.sql:52 {CREATE TABLE t_gggg (a int);\n\n"
		"CREATE TABLE x (\n    id INTEGER\n);\n\n\n\ncreate index concurrently i on x(id);\n}\n"
		"  down down.sql:5 {DROP TABLE t_gggg;\n}\n"
		"warning up.sql:51: file has several transactions and will run statement by statement\n";

	expect("alembic, its own output", PGM_FORMAT_AUTO,
		   FILES("down.sql", down, "up.sql", up), expected);
}

static void
test_forms(void)
{
	expect("alembic, one transaction each, other table, CRLF", PGM_FORMAT_AUTO,
		   FILES("x.sql",
				 "BEGIN;\r\n\r\nCREATE TABLE \"My\".v (version_num varchar(32));\r\n\r\n"
				 "-- Running upgrade  -> a\r\n\r\nx;\r\n\r\n"
				 "INSERT INTO \"My\".v (version_num) VALUES ('a') RETURNING \"My\".v.version_num;\r\n\r\nCOMMIT;\r\n\r\n"
				 "BEGIN;\r\n\r\n-- Running upgrade a -> b\r\n\r\n"
				 "UPDATE \"My\".v SET version_num='b' WHERE \"My\".v.version_num = 'a';\r\n\r\nCOMMIT;\r\n\r\n"),
		   "a [] base\n  up x.sql:7 {x;\r\n}\n"
		   "b [] parents=a\n  up x.sql:17 {}\n"
		   "warning x.sql:16: revision has no statement\n");
	expect("alembic, part of a history", PGM_FORMAT_AUTO,
		   FILES("x.sql", "-- Running upgrade a -> b\nx;\n" STEP("a", "b")
				 "-- Running downgrade b -> a\n" STEP("b", "a")),
		   "b [] parents=a\n  up x.sql:2 {x;\n}\n  down x.sql:6 {}\n");
	expect("alembic, its words in SQL", PGM_FORMAT_AUTO,
		   FILES("x.sql", "-- Running upgrade  -> a\n"
				 "-- Running upgrade z -> y\nselect '\n-- Running upgrade q -> r\n';\n"
				 "/*\n-- Running upgrade q -> r\n*/ y;\n" ROW("a")
				 "-- Running upgrade a -> b\nz;\n" STEP("a", "b")),
		   "a [] base\n  up x.sql:2 {-- Running upgrade z -> y\nselect '\n-- Running upgrade q -> r\n';\n"
		   "/*\n-- Running upgrade q -> r\n*/ y;\n}\n"
		   "b [] parents=a\n  up x.sql:12 {z;\n}\n");
	expect("alembic, its words between statements", PGM_FORMAT_AUTO,
		   FILES("x.sql", "-- Running upgrade  -> a\nx;\n-- Running upgrade q -> r\ny;\n"
				 "INSERT INTO v (version_num) VALUES ('a'); -- Running upgrade q -> r\n"
				 "-- Running upgrade a -> b\nz;\n" STEP("a", "b")),
		   "a [] base\n  up x.sql:2 {x;\n-- Running upgrade q -> r\ny;\n}\n"
		   "b [] parents=a\n  up x.sql:7 {z;\n}\n");
	expect("alembic, a decorated function", PGM_FORMAT_AUTO,
		   FILES("down.sql", "-- Running wrapper b -> a\ny;\n" STEP("b", "a")
				 "-- Running wrapper a -> \nx;\n" DEL("a"),
				 "up.sql", "-- Running wrapper  -> a\nx;\n" ROW("a")
				 "-- Running my_up a -> b\ny;\n" STEP("a", "b")),
		   "a [] base\n  up up.sql:2 {x;\n}\n  down down.sql:6 {x;\n}\n"
		   "b [] parents=a\n  up up.sql:6 {y;\n}\n  down down.sql:2 {y;\n}\n");
	expect("alembic, some decorated functions", PGM_FORMAT_AUTO,
		   FILES("down.sql", "-- Running wrapper c -> b\ny;\n" STEP("c", "b")
				 "-- Running downgrade b -> a\nx;\n" STEP("b", "a"),
				 "up.sql", "-- Running upgrade a -> b\nx;\n" STEP("a", "b")
				 "-- Running wrapper b -> c\ny;\n" STEP("b", "c")),
		   "b [] parents=a\n  up up.sql:2 {x;\n}\n  down down.sql:6 {x;\n}\n"
		   "c [] parents=b\n  up up.sql:6 {y;\n}\n  down down.sql:2 {y;\n}\n");
	expect("alembic, words like its own in other files", PGM_FORMAT_AUTO,
		   FILES("1_a.sql", "-- Running the update of a -> b\nx;\n"),
		   "1 [a]\n  up 1_a.sql:1 {-- Running the update of a -> b\nx;\n}\n");
	expect("alembic, the last leg first", PGM_FORMAT_AUTO,
		   FILES("x.sql", "-- Running upgrade  -> x\nx;\n" ROW("x")
				 "-- Running upgrade  -> c\nc;\n" ROW("c")
				 "-- Running upgrade x -> y\ny;\n" STEP("x", "y")
				 "-- Running upgrade c -> d\nd;\n" STEP("c", "d")),
		   "c [] base\n  up x.sql:6 {c;\n}\nd [] parents=c\n  up x.sql:14 {d;\n}\n"
		   "x [] base\n  up x.sql:2 {x;\n}\ny [] parents=x\n  up x.sql:10 {y;\n}\n");
	expect("alembic, merge and fork", PGM_FORMAT_AUTO,
		   FILES("x.sql", "-- Running upgrade a -> b\nx;\n" ROW("b")
				 "-- Running upgrade b, c -> d\n" DEL("b") STEP("c", "d")),
		   "b [] parents=a\n  up x.sql:2 {x;\n}\nd [] parents=b,c\n  up x.sql:6 {}\n"
		   "warning x.sql:6: revision has no statement\n");
}

static void
test_alembic_errors(void)
{
	expect("alembic, no version statement", PGM_FORMAT_AUTO,
		   FILES("x.sql", "\n-- Running upgrade  -> a\nx;\n"),
		   "error x.sql:2: revision \"a\" has no statement on the version table\n");
	expect("alembic, SQL outside", PGM_FORMAT_AUTO,
		   FILES("x.sql", "-- Running upgrade  -> a\nx;\n" ROW("a") "y;\n"),
		   "error x.sql:5: statement stands outside of any revision\n"
		   "hint Take it out, or move it into a revision.\n");
	expect("alembic, prose", PGM_FORMAT_AUTO,
		   FILES("x.sql", "INFO  [x] It's \xe2\x80\xa6\n\n-- Running <lambda>  -> a\n"
				 "Moving $$ ...\n[{'a': 1}]\nselect 1;\n    1 done; next\n\n" ROW("a")
				 "=== a\nUpdate: /* b\n-- Running upgrade a -> b\n"
				 "CREATE FUNCTION f() AS 'Done.\nNone\n';\nDone\n" STEP("a", "b") "\nOver.\n"),
		   "a [] base\n  up x.sql:6 {select 1;\n}\n"
		   "b [] parents=a\n  up x.sql:14 {CREATE FUNCTION f() AS 'Done.\nNone\n';\n}\n"
		   "loss x.sql:1: text that is no SQL is left out: INFO  [x] It's \xe2\x80\xa6\n"
		   "loss x.sql:4: text that is no SQL is left out: Moving $$ ...\n"
		   "loss x.sql:7: text that is no SQL is left out:     1 done; next\n"
		   "loss x.sql:11: text that is no SQL is left out: === a\n"
		   "loss x.sql:17: text that is no SQL is left out: Done\n"
		   "loss x.sql:21: text that is no SQL is left out: Over.\n");
	expect("alembic, misspelt statement", PGM_FORMAT_AUTO,
		   FILES("x.sql", "-- Running upgrade  -> a\nCREAT TABLE x (\n    id int\n);\n" ROW("a")),
		   "a [] base\n  up x.sql:2 {CREAT TABLE x (\n    id int\n);\n}\n");
	expect("alembic, setting outside", PGM_FORMAT_AUTO,
		   FILES("x.sql", "SET search_path = z;\n-- Running upgrade  -> a\nx;\n" ROW("a")),
		   "a [] base\n  up x.sql:3 {x;\n}\n"
		   "warning x.sql:1: setting outside of any revision is passed over\n");
	expect("alembic, down alone", PGM_FORMAT_AUTO,
		   FILES("x.sql", "-- Running downgrade b -> a\nx;\n" STEP("b", "a")),
		   "error x.sql:1: revision \"b\" has a way down but none up\n");
	expect("alembic, twice", PGM_FORMAT_AUTO,
		   FILES("x.sql", "-- Running upgrade  -> a\nx;\n" ROW("a"),
				 "y.sql", "-- Running upgrade  -> a\nx;\n" ROW("a")),
		   "error y.sql:2: revision \"a\" is given twice\n"
		   "detail The other is in \"x.sql\", line 2.\n");
	expect("alembic, parent that is no id", PGM_FORMAT_AUTO,
		   FILES("x.sql", "-- Running upgrade a@b -> c\nx;\n" ROW("c")),
		   "error x.sql:2: \"a@b\" cannot be the id of a revision\n"
		   "detail An id has 1 to 63 bytes without blanks, commas and any of \"@-+:\".\n");
	expect("alembic, rollback", PGM_FORMAT_AUTO,
		   FILES("x.sql", "BEGIN;\n-- Running upgrade  -> a\nx;\nROLLBACK;\n" ROW("a")),
		   "error x.sql:4: ROLLBACK is not allowed in a revision\n");
	expect("alembic, unended quote", PGM_FORMAT_AUTO,
		   FILES("x.sql", "BEGIN;\n-- Running upgrade  -> a\n'x;\n" "ROW"),
		   "error x.sql:3: quoted string is not ended\n");
}

void
test_alembic(void)
{
	test_real();
	test_forms();
	test_alembic_errors();
}

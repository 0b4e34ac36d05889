/*-------------------------------------------------------------------------
 *
 * test_markers.c
 *	  dbmate and goose.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres_fe.h"

#include "lib/stringinfo.h"

#include "unit.h"

#define UP "-- +goose Up\n"
#define DOWN "-- +goose Down\n"

static void
test_dbmate(void)
{
	expect("dbmate", PGM_FORMAT_AUTO,
		   FILES("20151127184807_add_users.sql",
				 "-- c\n\n-- migrate:up\n\nCREATE TABLE a ();\n\n"
				 "-- migrate:down\nDROP TABLE a;\n",
				 "20151127184808_cic.sql",
				 "-- migrate:up transaction:false\r\nCIC;\r\n-- migrate:down\r\n\r\n"),
		   "20151127184807 [add users]\n"
		   "  up 20151127184807_add_users.sql:5 {CREATE TABLE a ();\n}\n"
		   "  down 20151127184807_add_users.sql:8 {DROP TABLE a;\n}\n"
		   "20151127184808 [cic] transactional=off\n"
		   "  up 20151127184808_cic.sql:2 {CIC;\r\n}\n"
		   "  down 20151127184808_cic.sql:5 {}\n");
	expect("dbmate, no down", PGM_FORMAT_AUTO,
		   FILES("1_a.sql", "--migrate:up\nBEGIN;a;COMMIT;"),
		   "1 [a]\n  up 1_a.sql:2 {a;}\n");
	expect("dbmate, prologue", PGM_FORMAT_AUTO,
		   FILES("1_a.sql", "a;\n-- migrate:up\n"),
		   "error 1_a.sql:1: statement before the first section\n");
	expect("dbmate, order", PGM_FORMAT_DBMATE,
		   FILES("1_a.sql", "-- migrate:down\n-- migrate:up\n"),
		   "error 1_a.sql:1: section \"down\" has no \"up\" before it\n");
	expect("dbmate, twice", PGM_FORMAT_AUTO,
		   FILES("1_a.sql", "-- migrate:up\na;\n-- migrate:up\n"),
		   "error 1_a.sql:3: section is given twice, or \"down\" before \"up\"\n");
	expect("dbmate, option", PGM_FORMAT_AUTO,
		   FILES("1_a.sql", "-- migrate:up transactions:false\na;\n"),
		   "error 1_a.sql:1: unknown option \"transactions:false\" of a section\n");
	expect("dbmate, no section", PGM_FORMAT_DBMATE,
		   FILES("1_a.sql", "-- x\n"),
		   "error 1_a.sql: file has no section \"up\"\n");
	expect("dbmate, error in a section", PGM_FORMAT_AUTO,
		   FILES("1_a.sql", "-- migrate:up\na;\n\n\n'x\n-- migrate:down\n"),
		   "error 1_a.sql:5: quoted string is not ended\n");
	expect("dbmate, duplicate", PGM_FORMAT_AUTO,
		   FILES("1_a.sql", "-- migrate:up\na;\n", "01_b.sql", "-- migrate:up\na;\n"),
		   "error 1_a.sql: version \"1\" is given twice\n"
		   "detail The other file is \"01_b.sql\".\n");
}

static void
test_goose(void)
{
	expect("goose", PGM_FORMAT_AUTO,
		   FILES("00001_add_users.sql",
				 UP "a;\n\n-- +goose StatementBegin\nCREATE FUNCTION f() AS $$\nb;\n$$;\n"
				 "-- +goose StatementEnd\nc;\n" DOWN "-- nothing\n",
				 "00002_cic.sql",
				 "-- +goose NO TRANSACTION\r\n-- +goose Up\r\n--  +goose statementbegin\r\nCIC;\r\n"
				 "-- +goose StatementEnd\r\n\r\n-- +goose Down\r\n",
				 "00002_x_test.go", "", "embed.go", ""),
		   "00001 [add users]\n"
		   "  up 00001_add_users.sql:2 {a;\n\n\nCREATE FUNCTION f() AS $$\nb;\n$$;\n\nc;\n}\n"
		   "  down 00001_add_users.sql:11 {-- nothing\n}\n"
		   "00002 [cic] transactional=off\n"
		   "  up 00002_cic.sql:4 {CIC;\r\n}\n"
		   "  down 00002_cic.sql:8 {}\n"
		   "skipped 00002_x_test.go: not a migration file of this format\n"
		   "skipped embed.go: not a migration file of this format\n");
	expect("goose, error's line after markers", PGM_FORMAT_AUTO,
		   FILES("1_a.sql", UP "-- +goose StatementBegin\na;\n-- +goose StatementEnd\n\\i x\n"),
		   "error 1_a.sql:5: psql command \"\\i\" is not supported\n"
		   "hint Write what it does as SQL.\n");
	expect("goose, ENVSUB", PGM_FORMAT_AUTO,
		   FILES("1_a.sql", "-- +goose ENVSUB ON\n" UP "a;\n"),
		   "error 1_a.sql:1: marker \"+goose ENVSUB ON\" is not supported\n");
	expect("goose, open statement", PGM_FORMAT_AUTO,
		   FILES("1_a.sql", UP "-- +goose StatementBegin\na;\n" DOWN),
		   "error 1_a.sql:2: StatementBegin has no StatementEnd\n");
	expect("goose, open statement at the end", PGM_FORMAT_AUTO,
		   FILES("1_a.sql", UP "-- +goose StatementBegin\na;\n"),
		   "error 1_a.sql:2: StatementBegin has no StatementEnd\n");
	expect("goose, end alone", PGM_FORMAT_AUTO,
		   FILES("1_a.sql", UP "-- +goose StatementEnd\na;\n"),
		   "error 1_a.sql:2: StatementEnd without StatementBegin\n");
	expect("goose, nested", PGM_FORMAT_AUTO,
		   FILES("1_a.sql", UP "-- +goose StatementBegin\n-- +goose StatementBegin\na;\n"),
		   "error 1_a.sql:3: StatementBegin is out of place\n");
	expect("goose, prologue", PGM_FORMAT_AUTO,
		   FILES("1_a.sql", "a;\n" UP), "error 1_a.sql:1: statement before the first section\n");
	expect("goose, Go", PGM_FORMAT_AUTO,
		   FILES("1_a.sql", UP "a;", "2_b.go", ""),
		   "error 2_b.go: migration is written in Go\nhint Write it as SQL.\n");
	expect("goose, down twice", PGM_FORMAT_AUTO,
		   FILES("1_a.sql", UP DOWN DOWN),
		   "error 1_a.sql:3: section is given twice, or \"down\" before \"up\"\n");
}

void
test_markers(void)
{
	test_dbmate();
	test_goose();
}

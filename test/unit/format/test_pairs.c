/*-------------------------------------------------------------------------
 *
 * test_pairs.c
 *	  golang-migrate, plain, Diesel and Atlas.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres_fe.h"

#include "lib/stringinfo.h"

#include "unit.h"

static void
test_golang(void)
{
	expect("golang", PGM_FORMAT_AUTO,
		   FILES("20190226002946_add_users.up.sql", "BEGIN;\na;\nCOMMIT;\n",
				 "20190226002946_add_users.down.sql", "b;\n",
				 "20180101000000_first.up.sql", "c;\n"),
		   "20180101000000 [first]\n  up 20180101000000_first.up.sql:1 {c;\n}\n"
		   "20190226002946 [add users]\n"
		   "  up 20190226002946_add_users.up.sql:2 {a;\n}\n"
		   "  down 20190226002946_add_users.down.sql:1 {b;\n}\n");
	expect("numbers, not text, order", PGM_FORMAT_AUTO,
		   FILES("10_b.up.sql", "b", "9_a.up.sql", "a", "0011_c.up.sql", "c"),
		   "9 [a]\n  up 9_a.up.sql:1 {a}\n10 [b]\n  up 10_b.up.sql:1 {b}\n"
		   "0011 [c]\n  up 0011_c.up.sql:1 {c}\n");
	expect("empty down", PGM_FORMAT_AUTO,
		   FILES("1_a.up.sql", "a", "1_a.down.sql", "", "2.up.sql", "b"),
		   "1 [a]\n  up 1_a.up.sql:1 {a}\n  down 1_a.down.sql:1 {}\n"
		   "2 []\n  up 2.up.sql:1 {b}\n");
	expect("down without up", PGM_FORMAT_AUTO,
		   FILES("0001_a.up.sql", "a", "x/0002_b.down.sql", "b"),
		   "error x/0002_b.down.sql: version \"0002\" has a way down but none up\n");
	expect("duplicate", PGM_FORMAT_AUTO,
		   FILES("1_a.up.sql", "a", "0001_b.up.sql", "b"),
		   "error 1_a.up.sql: version \"1\" is given twice\n"
		   "detail The other file is \"0001_b.up.sql\".\n");
	expect("duplicate down", PGM_FORMAT_AUTO,
		   FILES("1_a.up.sql", "a", "1_a.down.sql", "", "1_b.down.sql", "b"),
		   "error 1_b.down.sql: version \"1\" is given twice\n"
		   "detail The other file is \"1_a.down.sql\".\n");
	expect("gap", PGM_FORMAT_AUTO,
		   FILES("1_a.up.sql", "a", "2_b.up.sql", "b", "4_d.up.sql", "d"),
		   "1 [a]\n  up 1_a.up.sql:1 {a}\n2 [b]\n  up 2_b.up.sql:1 {b}\n"
		   "4 [d]\n  up 4_d.up.sql:1 {d}\n"
		   "warning 4_d.up.sql: no version between 2 and 4 was found\n");
	expect("numbers with a habit of gaps", PGM_FORMAT_AUTO,
		   FILES("10_a.up.sql", "a", "20_b.up.sql", "b", "30_d.up.sql", "d"),
		   "10 [a]\n  up 10_a.up.sql:1 {a}\n20 [b]\n  up 20_b.up.sql:1 {b}\n"
		   "30 [d]\n  up 30_d.up.sql:1 {d}\n");
	expect("other files", PGM_FORMAT_AUTO,
		   FILES("1_a.up.sql", "a", "README.md", "x", "notes.sql", "y"),
		   "1 [a]\n  up 1_a.up.sql:1 {a}\n"
		   "skipped README.md: not a migration file of this format\n"
		   "skipped notes.sql: not a migration file of this format\n");
	expect("plain", PGM_FORMAT_AUTO,
		   FILES("1_a.sql", "\xEF\xBB\xBF" "a;\r\n", "2_b.up.sql", "b", "2_b.down.sql", "c"),
		   "1 [a]\n  up 1_a.sql:1 {a;\r\n}\n2 [b]\n  up 2_b.up.sql:1 {b}\n"
		   "  down 2_b.down.sql:1 {c}\n");
	expect("not UTF-8", PGM_FORMAT_AUTO,
		   FILES("1_a.up.sql", "a;\nSELECT 'M\xfcller';\n"),
		   "error 1_a.up.sql:2: file is not valid UTF-8\n"
		   "hint Save the file as plain text in UTF-8.\n");
}

static void
test_diesel(void)
{
	expect("diesel", PGM_FORMAT_AUTO,
		   FILES("00000000000000_diesel_initial_setup/up.sql", "a",
				 "00000000000000_diesel_initial_setup/down.sql", "b",
				 "2019-02-26-002946_add_users/up.sql", "c",
				 "2019-02-26-002946_add_users/metadata.toml",
				 "run_in_transaction = false\n"),
		   "00000000000000 [diesel initial setup]\n"
		   "  up 00000000000000_diesel_initial_setup/up.sql:1 {a}\n"
		   "  down 00000000000000_diesel_initial_setup/down.sql:1 {b}\n"
		   "20190226002946 [add users] transactional=off\n"
		   "  up 2019-02-26-002946_add_users/up.sql:1 {c}\n");
	expect("diesel below a folder", PGM_FORMAT_AUTO,
		   FILES("migrations/20190226002946/up.sql", "c"),
		   "20190226002946 []\n  up migrations/20190226002946/up.sql:1 {c}\n");
	expect("diesel, duplicate", PGM_FORMAT_AUTO,
		   FILES("2019-02-26-002946_a/up.sql", "c",
				 "20190226002946_b/up.sql", "c"),
		   "error 20190226002946_b/up.sql: version \"20190226002946\" is given twice\n"
		   "detail The other file is \"2019-02-26-002946_a/up.sql\".\n");
	expect("diesel, only down", PGM_FORMAT_AUTO,
		   FILES("2019_a/down.sql", "c"),
		   "error 2019_a/down.sql: version \"2019\" has a way down but none up\n");
}

static void
test_atlas(void)
{
	expect("atlas", PGM_FORMAT_AUTO,
		   FILES("atlas.sum", "h1:x\n",
				 "20220318104614_team_A.sql", "a;\n",
				 "20220318104615.sql", "-- atlas:txmode none\n\nb;\n",
				 "20220318104616_checkpoint.sql", "-- atlas:checkpoint\n\nb;\n"),
		   "20220318104614 [team A]\n  up 20220318104614_team_A.sql:1 {a;\n}\n"
		   "20220318104615 [] transactional=off\n"
		   "  up 20220318104615.sql:1 {-- atlas:txmode none\n\nb;\n}\n"
		   "skipped 20220318104616_checkpoint.sql: a checkpoint repeats what the files before it do\n"
		   "skipped atlas.sum: not a migration file of this format\n");
	expect("atlas, delimiter", PGM_FORMAT_AUTO,
		   FILES("atlas.sum", "h1:x\n",
				 "1.sql", "-- c\n-- atlas:delimiter \\n\\n\na\n\nb"),
		   "error 1.sql:2: directive \"-- atlas:delimiter \\n\\n\" is not supported\n");
}

void
test_pairs(void)
{
	test_golang();
	test_diesel();
	test_atlas();
}

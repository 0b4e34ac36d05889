/*-------------------------------------------------------------------------
 *
 * test_native.c
 *	  Our own format: reading, writing, and both in turn.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres_fe.h"

#include "lib/stringinfo.h"

#include "unit.h"

#define HEAD "-- pgmigrate: revision\n"

static void
test_reading(void)
{
	expect("native", PGM_FORMAT_AUTO,
		   FILES("a.sql",
				 HEAD "-- id: r1\n-- message: add x\n-- down_revision: base\n"
				 "-- depends_on: d1, d2\n-- branch_labels: l1\n"
				 "-- transactional: false\n-- just a remark\n--\n\n"
				 "-- migrate:up\nu;\n\n-- migrate:down\nd;\n-- migrate:verify\nv;\n"),
		   "r1 [add x] base depends=d1,d2 labels=l1 transactional=off\n"
		   "  up a.sql:12 {u;\n}\n  down a.sql:15 {d;}\n  verify a.sql:17 {v;}\n");
	expect("native, little said", PGM_FORMAT_AUTO,
		   FILES("1_add_x.sql", HEAD "-- migrate:up\nu;",
				 "2_drop.sql", "\n" HEAD "-- migrate:up\n-- migrate:down",
				 "read.me", "x"),
		   "- [1 add x]\n  up 1_add_x.sql:3 {u;}\n"
		   "- [2 drop]\n  up 2_drop.sql:4 {}\n  down 2_drop.sql:5 {}\n"
		   "skipped read.me: not a migration file of this format\n");
	expect("native, CRLF and byte order mark", PGM_FORMAT_AUTO,
		   FILES("a.sql", "\xEF\xBB\xBF-- pgmigrate: revision\r\n-- id: r\r\n-- message: m \r\n"
				 "-- migrate:up\r\nu;\r\n-- migrate:down\r\n\r\n"),
		   "r [m]\n  up a.sql:5 {u;}\n  down a.sql:7 {}\n");
	expect("native, parents first", PGM_FORMAT_AUTO,
		   FILES("a.sql", HEAD "-- id: c\n-- message: m\n-- down_revision: a, b\n-- migrate:up\n",
				 "b.sql", HEAD "-- id: b\n-- message: m\n-- down_revision: z\n-- depends_on: l\n-- migrate:up\n",
				 "c.sql", HEAD "-- id: a\n-- message: m\n-- branch_labels: l\n-- down_revision: base\n-- migrate:up\n"),
		   "a [m] base labels=l\n  up c.sql:7 {}\n"
		   "b [m] parents=z depends=l\n  up b.sql:7 {}\n"
		   "c [m] parents=a,b\n  up a.sql:6 {}\n");
	expect("native, texts are not touched", PGM_FORMAT_AUTO,
		   FILES("a.sql", HEAD "-- id: r\n-- message: m\n-- migrate:up\nBEGIN;'\n  -- \\migrate:up\n-- \\\\migrate:x\n--migrated:\n"),
		   "r [m]\n  up a.sql:5 {BEGIN;'\n  -- migrate:up\n-- \\migrate:x\n--migrated:}\n");
}

static void
test_errors(void)
{
	expect("native, unknown key", PGM_FORMAT_AUTO,
		   FILES("a.sql", HEAD "-- down_revison: x\n-- migrate:up\n"),
		   "error a.sql:2: unknown key \"down_revison\"\n"
		   "hint Keys are id, message, down_revision, depends_on, branch_labels, transactional and repeatable.\n");
	expect("native, key with a hyphen", PGM_FORMAT_AUTO,
		   FILES("a.sql", HEAD "-- id: b\n-- down-revision: x\n-- migrate:up\n"),
		   "error a.sql:3: unknown key \"down-revision\"\nhint Write \"-- down_revision: ...\".\n");
	expect("native, key in two words", PGM_FORMAT_AUTO,
		   FILES("a.sql", HEAD "-- Down revision: x\n-- migrate:up\n"),
		   "error a.sql:2: unknown key \"Down revision\"\nhint Write \"-- down_revision: ...\".\n");
	expect("native, key with an equals sign", PGM_FORMAT_AUTO,
		   FILES("a.sql", HEAD "-- down_revision = x\n-- migrate:up\n"),
		   "error a.sql:2: unknown key \"down_revision\"\nhint Write \"-- down_revision: ...\".\n");
	expect("native, blank before the colon; remarks", PGM_FORMAT_AUTO,
		   FILES("a.sql", "-- Copyright: nobody\n" HEAD "-- down_revision : x\n-- a remark: none of the keys\n-- lang=en\n-- migrate:up\n"),
		   "error a.sql:1: unknown key \"Copyright\"\n"
		   "hint Keys are id, message, down_revision, depends_on, branch_labels, transactional and repeatable.\n");
	expect("native, blank before the colon; remarks", PGM_FORMAT_AUTO,
		   FILES("a.sql", "-- (c) nobody\n" HEAD "-- down_revision : x\n-- a remark: none of the keys\n-- lang=en\n-- migrate:up\n"),
		   "- [a] parents=x\n  up a.sql:7 {}\n");
	expect("native, a comment for lint in the header", PGM_FORMAT_AUTO,
		   FILES("a.sql", HEAD "-- pgmigrate: allow drop-table because I say so\n-- migrate:up\n"),
		   "error a.sql:2: comment for a statement stands in the header\n"
		   "hint It stands above its statement, after a line \"-- migrate:up\".\n");
	expect("a comment for lint does not make a file ours", PGM_FORMAT_AUTO,
		   FILES("0001_a.up.sql", "-- pgmigrate: allow drop-table because I say so\nDROP TABLE a;\n",
				 "0002_b.up.sql", "\n-- pgmigrate: ignore drop-table\nDROP TABLE b;\n"),
		   "0001 [a]\n  up 0001_a.up.sql:1 {-- pgmigrate: allow drop-table because I say so\nDROP TABLE a;\n}\n"
		   "0002 [b]\n  up 0002_b.up.sql:1 {\n-- pgmigrate: ignore drop-table\nDROP TABLE b;\n}\n");
	expect("a comment for lint above the heading of another tool", PGM_FORMAT_AUTO,
		   FILES("1_a.sql", "-- pgmigrate: allow drop-table because I say so\n-- migrate:up\nDROP TABLE a;\n"),
		   "1 [a]\n  up 1_a.sql:3 {DROP TABLE a;\n}\n");
	expect("native, first line with a slip", PGM_FORMAT_AUTO,
		   FILES("1_a.sql", "-- pgmigrate: revison\n-- migrate:up\nDROP TABLE a;\n"),
		   "error 1_a.sql:1: unknown kind of file\n"
		   "hint The first line of a revision's file is \"-- pgmigrate: revision\".\n");
	expect("native, parent not named among hashes", PGM_FORMAT_AUTO,
		   FILES("a3.sql", HEAD "-- id: a3\n-- down_revision: base\n-- migrate:up\n",
				 "f1.sql", HEAD "-- id: f1\n-- migrate:up\n"),
		   "error f1.sql: file does not name its parent\n"
		   "detail Other files name theirs, and its own name does not begin with a number.\n"
		   "hint Add a line \"-- down_revision: ...\", with \"base\" if it has none.\n");
	expect("native, parent not named among numbers", PGM_FORMAT_AUTO,
		   FILES("1.sql", HEAD "-- id: a3\n-- down_revision: base\n-- migrate:up\n",
				 "2.sql", HEAD "-- id: f1\n-- migrate:up\n"),
		   "a3 [1] base\n  up 1.sql:5 {}\nf1 [2] parents=a3\n  up 2.sql:4 {}\n");
	expect("native, key twice", PGM_FORMAT_AUTO,
		   FILES("a.sql", HEAD "-- id: x\n-- id: y\n-- migrate:up\n"),
		   "error a.sql:3: \"id\" is given twice\n");
	expect("native, bad id", PGM_FORMAT_AUTO,
		   FILES("a.sql", HEAD "-- down_revision: x, a-b\n-- migrate:up\n"),
		   "error a.sql:2: \"a-b\" cannot be the id of a revision\n");
	expect("native, bad escape", PGM_FORMAT_AUTO,
		   FILES("a.sql", HEAD "-- message: C:\\dir\n-- migrate:up\n"),
		   "error a.sql:2: unknown escape in the message\nhint Write a backslash as two.\n");
	expect("native, bad flag", PGM_FORMAT_AUTO,
		   FILES("a.sql", HEAD "-- transactional: no\n-- migrate:up\n"),
		   "error a.sql:2: value must be true or false\n");
	expect("native, bad section", PGM_FORMAT_AUTO,
		   FILES("a.sql", HEAD "-- migrate:up\n-- migrate:undo\n"),
		   "error a.sql:3: unknown section \"undo\"\n"
		   "hint Sections are \"-- migrate:up\", \"-- migrate:down\" and \"-- migrate:verify\".\n");
	expect("native, section twice", PGM_FORMAT_AUTO,
		   FILES("a.sql", HEAD "-- migrate:up\n-- migrate:up\n"),
		   "error a.sql:3: section is given twice\n");
	expect("native, no section", PGM_FORMAT_AUTO, FILES("a.sql", HEAD),
		   "error a.sql: file has no section \"up\"\n"
		   "hint SQL to apply stands after a line \"-- migrate:up\".\n");
	expect("native, SQL in the header", PGM_FORMAT_AUTO,
		   FILES("a.sql", HEAD "\nSELECT 1;\n"),
		   "error a.sql:3: text before the first section\n"
		   "hint SQL to apply stands after a line \"-- migrate:up\".\n");
	expect("native, cycle", PGM_FORMAT_AUTO,
		   FILES("a.sql", HEAD "-- id: a\n-- down_revision: b\n-- migrate:up\n",
				 "b.sql", HEAD "-- id: b\n-- depends_on: a\n-- down_revision: base\n-- migrate:up\n"),
		   "error b.sql: revisions stand on each other in a cycle\n"
		   "detail Revision \"b\" stands on \"a\", which stands on it.\n");
	expect("native, duplicate", PGM_FORMAT_AUTO,
		   FILES("a.sql", HEAD "-- id: a\n-- migrate:up\n",
				 "b.sql", HEAD "-- id: a\n-- migrate:up\n"),
		   "error b.sql:4: revision \"a\" is given twice\n"
		   "detail The other is in \"a.sql\", line 4.\n");
	expect("native, no way to name a parent", PGM_FORMAT_AUTO,
		   FILES("1.sql", HEAD "-- migrate:up\n",
				 "2.sql", HEAD "-- migrate:up\n",
				 "3.sql", HEAD "-- down_revision: x\n-- migrate:up\n"),
		   "error 2.sql: file does not name its parent\n"
		   "detail The file before it, \"1.sql\", has no id.\n"
		   "hint Add a line \"-- down_revision: ...\", or take those lines out of all files.\n");
}

static bool
same_text(const char *a, const char *b)
{
	return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}

/* Write a revision with these texts, read it, write it again. */
static void
check_round_trip(const char *up, const char *down, const char *message,
				 const char *name)
{
	PgmFormatRevision rev;
	PgmFormatError error;
	PgmFormatResult result;
	PgmFormatOptions options = {.format = PGM_FORMAT_AUTO};
	PgmFormatFile *files;
	PgmFormatFile *again;
	PgmFormatRevision *back;
	int			n;
	char	   *list[] = {pstrdup("p1"), pstrdup("p2")};

	memset(&rev, 0, sizeof(rev));
	rev.id = pstrdup("r1");
	rev.message = pstrdup(message);
	rev.upgrade.text = pstrdup(up);
	rev.downgrade.text = down ? pstrdup(down) : NULL;
	rev.verify.text = down ? pstrdup(up) : NULL;
	rev.nparents = down ? 2 : 0;
	rev.parents = list;
	rev.transactional = down ? PGM_FLAG_OFF : PGM_FLAG_UNSET;
	if (!pgm_format_write(PGM_FORMAT_PGMIGRATE, 1, &rev, &n, &files, &error) ||
		!pgm_format_parse(&options, n, files, &result))
	{
		check(false, name);
		return;
	}
	back = &result.revisions[0];
	check(strcmp(back->message, message) == 0 &&
		  same_text(back->upgrade.text, up) &&
		  same_text(back->downgrade.text, down) &&
		  same_text(back->verify.text, down ? up : NULL) &&
		  back->nparents == rev.nparents &&
		  back->transactional == rev.transactional, name);
	check(pgm_format_write(PGM_FORMAT_PGMIGRATE, 1, back, &n, &again,
						   &error) &&
		  strcmp(files[0].name, again[0].name) == 0 &&
		  files[0].len == again[0].len &&
		  memcmp(files[0].data, again[0].data, files[0].len) == 0, name);
}

static void
test_round_trip(void)
{
	static const char *const texts[] = {
		"", "\n", "\n\n", "a", "a\n", "a\r\n", "a\r", "\r\n", "\r", " ", "\n a ",
		"-- migrate:up", "-- migrate:down\n", "\n-- migrate:up\n\n",
		"-- \\migrate:up\n", "\t --\t\\\\migrate:\n", "--migrate:verify\r\n",
		"-- pgmigrate: revision\n-- id: x\n", "-- migrate:", "x -- migrate:up",
		"\xEF\xBB\xBF" "a", "'$$ \\", "\xc3\xa4\n\xff\n"
	};
	static const char *const messages[] = {
		"", "m", " m ", " ", "a\nb", "a\\nb", "\r\n", "\ttab", "it's \"x\"",
		"\xc3\xa4\xe2\x82\xac", "x:y, z", "\x01\x7f", "\\", "\\\\x20"
	};

	for (int i = 0; i < lengthof(texts); i++)
	{
		check_round_trip(texts[i], NULL, "m", texts[i]);
		for (int j = 0; j < lengthof(texts); j++)
			check_round_trip(texts[i], texts[j], "m", texts[j]);
	}
	for (int i = 0; i < lengthof(messages); i++)
		check_round_trip("u", "d", messages[i], messages[i]);
}

/* Texts made of the pieces that could upset the format. */
static void
test_random_round_trip(void)
{
	static const char *const pieces[] = {
		"\n", "\r\n", "-- ", "--", "migrate:", "up", "down", "verify", "\\",
		" ", "\t", "a", ";", "pgmigrate:", "\r"
	};
	uint32		seed = 1;

	for (int i = 0; i < 2000; i++)
	{
		StringInfoData text[2];

		for (int t = 0; t < 2; t++)
		{
			initStringInfo(&text[t]);
			for (int j = 0; j < 12; j++)
			{
				seed = seed * 1103515245 + 12345;
				appendStringInfoString(&text[t],
									   pieces[(seed >> 16) % lengthof(pieces)]);
			}
		}
		check_round_trip(text[0].data, text[1].data, text[1].data,
						 text[0].data);
	}
}

void
test_native(void)
{
	test_reading();
	test_errors();
	test_round_trip();
	test_random_round_trip();
}

/*-------------------------------------------------------------------------
 *
 * test_script.c
 *	  What becomes of transaction control, psql commands and COPY.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres_fe.h"

#include "lib/stringinfo.h"

#include "unit.h"

#define SPLIT "warning 1_a.up.sql:1: file has several transactions and will run statement by statement\n"
#define WRITE_SQL "hint Write what it does as SQL.\n"

static void
test_transactions(void)
{
	expect_script("nothing to do", "a;\r\n b  ", "1 {a;\r\n b  }\n");
	expect_script("pair", "BEGIN;\na;\nCOMMIT;\n", "2 {a;\n}\n");
	expect_script("pair with comments",
				  "-- c\nBEGIN; -- d\na;\n-- e\nCOMMIT; -- f\n",
				  "1 {-- c\n -- d\na;\n-- e\n -- f\n}\n");
	expect_script("pair with CRLF", "BEGIN;\r\na;\r\nEND;\r\n",
				  "2 {a;\r\n}\n");
	expect_script("other words",
				  "START TRANSACTION ;a;end\n work ;", "1 {a;\n}\n");
	expect_script("without final semicolon", "begin work;a;commit", "1 {a;}\n");
	expect_script("settings around", "SET a=1; BEGIN; b; COMMIT; RESET a;",
				  "1 {SET a=1;  b;  RESET a;}\n");
	expect_script("commit of the tool's own", "a; COMMIT;", "1 {a;}\n");
	expect_script("not a pair", "SELECT begin; x 'COMMIT;'; $$BEGIN; END;$$;",
				  "1 {SELECT begin; x 'COMMIT;'; $$BEGIN; END;$$;}\n");
	expect_script("modes", "BEGIN ISOLATION LEVEL SERIALIZABLE;a;COMMIT;",
				  "1 {a;}\nwarning 1_a.up.sql:1: transaction modes of BEGIN are not kept\n");
	expect_script("two", "BEGIN;a;COMMIT;\nBEGIN;b;COMMIT;",
				  "off 1 {a;\nb;}\n" SPLIT);
	expect_script("one and more", "BEGIN;a;COMMIT;\nCIC;",
				  "off 1 {a;\nCIC;}\n" SPLIT);
	expect_script("more and one", "CIC;\nBEGIN;a;COMMIT;",
				  "off 1 {CIC;\na;}\n" SPLIT);
	expect_script("middle", "a;COMMIT;b;BEGIN;c;",
				  "off 1 {a;b;c;}\n" SPLIT);
	expect_script("chain off", "BEGIN;a;COMMIT AND NO CHAIN;", "1 {a;}\n");
	expect_script("bound within one", "BEGIN;SET LOCAL x=1;LOCK t;COMMIT;",
				  "1 {SET LOCAL x=1;LOCK t;}\n");
	expect_script("bound within several",
				  "BEGIN;a;COMMIT;\nBEGIN;\nLOCK t;COMMIT;",
				  "error 1_a.up.sql:3: LOCK TABLE in a file of several transactions\n"
				  "hint A revision is one transaction, or runs statement by statement.  Make a revision of each transaction.\n");
}

static void
test_transaction_errors(void)
{
	expect_script("rollback", "BEGIN;a;\nROLLBACK;",
				  "error 1_a.up.sql:2: ROLLBACK is not allowed in a revision\n");
	expect_script("savepoint", "BEGIN;\nSAVEPOINT s;COMMIT;",
				  "error 1_a.up.sql:2: SAVEPOINT is not allowed in a revision\n");
	expect_script("release", "\nRELEASE s;",
				  "error 1_a.up.sql:2: RELEASE is not allowed in a revision\n");
	expect_script("rollback to", "ROLLBACK TO s;",
				  "error 1_a.up.sql:1: ROLLBACK is not allowed in a revision\n");
	expect_script("abort", "ABORT;",
				  "error 1_a.up.sql:1: ABORT is not allowed in a revision\n");
	expect_script("chain", "BEGIN;a;COMMIT AND CHAIN;b;COMMIT;",
				  "error 1_a.up.sql:1: AND CHAIN is not allowed in a revision\n");
	expect_script("two-phase", "BEGIN;a;PREPARE TRANSACTION 'x';",
				  "error 1_a.up.sql:1: PREPARE TRANSACTION is not allowed in a revision\n");
	expect_script("second phase", "COMMIT PREPARED 'x';",
				  "error 1_a.up.sql:1: COMMIT PREPARED is not allowed in a revision\n");
	expect_script("plain prepare", "PREPARE p AS SELECT 1;",
				  "1 {PREPARE p AS SELECT 1;}\n");
	expect_script("open", "\nBEGIN;\na;",
				  "error 1_a.up.sql:2: transaction is not ended\n");
	expect_script("nested", "BEGIN;\nBEGIN;COMMIT;",
				  "error 1_a.up.sql:2: BEGIN within a transaction\n");
	expect_script("ended twice", "BEGIN;COMMIT;\nCOMMIT;",
				  "error 1_a.up.sql:2: COMMIT without a transaction\n");
}

static void
test_psql_commands(void)
{
	expect_script("restrict", "\\restrict x\na;\n\\unrestrict x\n",
				  "2 {a;\n}\n");
	expect_script("harmless", "\\set ON_ERROR_STOP on\r\n\\echo 'a;\na;\n",
				  "3 {a;\n}\nwarning 1_a.up.sql:1: psql command \"\\set\" is passed over\n"
				  "warning 1_a.up.sql:2: psql command \"\\echo\" is passed over\n");
	expect_script("encoding", "\\encoding utf8\na;",
				  "2 {a;}\nwarning 1_a.up.sql:1: psql command \"\\encoding\" is passed over\n");
	expect_script("other encoding", "\\encoding latin1\na;",
				  "error 1_a.up.sql:1: psql command \"\\encoding\" is not supported\n" WRITE_SQL);
	expect_script("include", "a;\n\n\\i b.sql\n",
				  "error 1_a.up.sql:3: psql command \"\\i\" is not supported\n" WRITE_SQL);
	expect_script("connect", "\\connect other\n",
				  "error 1_a.up.sql:1: psql command \"\\connect\" is not supported\n" WRITE_SQL);
	expect_script("copy", "\\copy t from x\n",
				  "error 1_a.up.sql:1: psql command \"\\copy\" is not supported\n" WRITE_SQL);
	expect_script("set", "\\set v 1\n",
				  "error 1_a.up.sql:1: psql command \"\\set\" is not supported\n" WRITE_SQL);
	expect_script("set of a setting's namesake", "\\set QUIETER 1\n",
				  "error 1_a.up.sql:1: psql command \"\\set\" is not supported\n" WRITE_SQL);
	expect_script("second command", "\\echo a \\\\ DROP TABLE t;\n",
				  "error 1_a.up.sql:1: psql command \"\\echo\" is not supported\n" WRITE_SQL);
	expect_script("shell", "\\echo `rm x`\n",
				  "error 1_a.up.sql:1: psql command \"\\echo\" is not supported\n" WRITE_SQL);
	expect_script("gexec", "SELECT 1\n\\gexec\n",
				  "error 1_a.up.sql:2: psql command within a statement\n");
	expect_script("variable", "a;\nSELECT\n:x;",
				  "error 1_a.up.sql:3: psql variable in a statement\n"
				  "hint Write its value in its place; if it is no variable, put a blank after the colon.\n");
	expect_script("strings off", "a;\nSET standard_conforming_strings = off;",
				  "error 1_a.up.sql:2: \"standard_conforming_strings\" must be on\n");
	expect_script("session strings off",
				  "SET SESSION standard_conforming_strings TO 'off';",
				  "error 1_a.up.sql:1: \"standard_conforming_strings\" must be on\n");
	expect_script("strings on", "SET standard_conforming_strings = on;",
				  "1 {SET standard_conforming_strings = on;}\n");
	expect_script("no statement", "-- c\n",
				  "1 {-- c\n}\nwarning 1_a.up.sql:1: revision has no statement\n");
	expect_script("empty", "",
				  "1 {}\nwarning 1_a.up.sql:1: revision has no statement\n");
	expect_script("empty transaction", "BEGIN;\nCOMMIT;\n",
				  "3 {}\nwarning 1_a.up.sql:1: revision has no statement\n");
}

void
test_script(void)
{
	test_transactions();
	test_transaction_errors();
	test_psql_commands();
}

#define INSERT "INSERT /* COPY */ INTO t"
#define VALUES "OVERRIDING SYSTEM VALUE VALUES"
#define COPY_HINT "hint Write the data as INSERT.\n"

static void
test_copy_options(void)
{
	expect_script("delimiter", "COPY t (a, b) FROM stdin delimiter ',';\nx,some\\,thing\n\\N,\ty\n\\.\n",
				  "1 {" INSERT " (a, b) " VALUES "\n('x', 'some,thing'),\n(NULL, '\ty');\n}\n");
	expect_script("old syntax", "COPY t FROM STDIN WITH DELIMITER AS '~' QUOTE AS '@' CSV;\n@p~q@~2\n\\.\n",
				  "1 {" INSERT " " VALUES "\n('p~q', '2');\n}\n");
	expect_script("oldest syntax", "COPY t FROM STDIN USING DELIMITERS '|' WITH NULL AS '';\n|2\n\\.\n",
				  "1 {" INSERT " " VALUES "\n(NULL, '2');\n}\n");
	expect_script("csv", "COPY t FROM stdin (FORMAT csv);\n1,\"a \"\"b\"\"\",,\"\",x\"y,\"z\n\\.\nc;",
				  "1 {" INSERT " " VALUES "\n('1', 'a \"b\"', NULL, '', 'xy,z');\n\nc;}\n");
	expect_script("lines in quotes, header", "COPY t FROM stdin (FORMAT csv, HEADER);\n\"a\nb\",c\n1,\"d\ne\"\n2,f\n\\.\nx;",
				  "1 {" INSERT " " VALUES "\n\n\n('1', E'd\\ne')\n,\n('2', 'f');\n\nx;}\n");
	expect_script("escape, null, encoding",
				  "COPY t FROM stdin (FORMAT 'csv', ESCAPE '\\', NULL 'none', ENCODING 'UTF8', FREEZE);\n\"a\\\"b\",none,\"none\",\\\n\\.\n",
				  "1 {" INSERT " " VALUES "\n('a\"b', NULL, 'none', E'\\\\');\n}\n");
	expect_script("ASCII in another encoding", "COPY t FROM stdin CSV ENCODING 'latin1';\na\n\\.\nCOPY t FROM stdin (ENCODING 'SQL_ASCII');\n\xc3\xb6\n\\.\n",
				  "1 {" INSERT " " VALUES "\n('a');\n\n" INSERT " " VALUES "\n('\xc3\xb6');\n}\n");
	expect_script("force", "COPY t (a, \"B\", c) FROM stdin (FORMAT csv, FORCE_NOT_NULL (a), FORCE_NULL (\"B\"));\n,\"\",\n\"\",,\"\"\n\\.\n",
				  "1 {" INSERT " (a, \"B\", c) " VALUES "\n('', NULL, NULL),\n('', NULL, '');\n}\n");
	expect_script("force all", "COPY t FROM stdin (FORMAT csv, FORCE_NOT_NULL *, FORCE_NULL *);\n,\"\"\n\\.\n",
				  "1 {" INSERT " " VALUES "\n('', NULL);\n}\n");
	expect_script("escaped options", "COPY t FROM stdin (DELIMITER E'\\t', NULL 'it''s', HEADER off);\nit's\t1\n\\.\n",
				  "1 {" INSERT " " VALUES "\n(NULL, '1');\n}\n");
	expect_script("where", "COPY public.t (a, \"B\") FROM stdin WITH (FORMAT csv)\n WHERE t.a > 1 -- c\n AND \"B\" <> 'x''y';\n1,\"a\"\"\\'\nb\"\n2,\n\\.\nx;",
				  "1 {INSERT /* COPY */ INTO public.t (a, \"B\") OVERRIDING SYSTEM VALUE SELECT * FROM"
				  " (SELECT a, \"B\" FROM json_populate_recordset(NULL::public.t, E'[\n\n\n"
				  "{\"a\": \"1\", \"B\": \"a\\\\\"\\\\\\\\''\\\\u000ab\"}\n,\n{\"a\": \"2\", \"B\": null}"
				  "]')) AS t WHERE t.a > 1 AND \"B\" <> 'x''y';\n\nx;}\n");
	expect_script("CSV with CRLF", "COPY t FROM stdin CSV;\r\n1,\"a\r\nb\"\r\n\\.\r\n",
				  "1 {" INSERT " " VALUES "\n('1', E'a\\r\\nb')\n;\n}\n");
}

static void
test_copy_errors(void)
{
	static const char *const unsupported[] = {
		"(FORMAT binary)", "(FORMAT text, QUOTE '\"')", "(DELIMITER 'ab')",
		"(DELIMITER E'\\n')", "DELIMITER 'a'", "(FORMAT csv, DELIMITER '\"')",
		"(ENCODING 'LATIN99')", "(HEADER match)", "(ON_ERROR ignore)",
		"(DEFAULT 'x')", "(FORMAT csv, FORCE_NULL (b))", "CSV FORCE QUOTE a",
		"(NULL E'\\n')", "BINARY", "OIDS"
	};

	expect_script("where", "COPY t FROM stdin WHERE a > 1;\n1\n\\.\n",
				  "error 1_a.up.sql:1: WHERE of COPY without a list of columns is not supported\nhint Name the columns.\n");
	expect_script("encoding", "COPY t FROM stdin (ENCODING 'LATIN1');\na\n\xc3\xb6\n\\.\n",
				  "error 1_a.up.sql:3: row of COPY has characters that are not ASCII, and another encoding than the file\n"
				  "hint Save the file in the encoding of the database, and leave out the option ENCODING.\n");
	for (int i = 0; i < lengthof(unsupported); i++)
	{
		StringInfoData text;

		initStringInfo(&text);
		appendStringInfo(&text, "COPY t (a) FROM stdin\n%s;\n1\n\\.\n",
						 unsupported[i]);
		expect_script(unsupported[i], text.data,
					  "error 1_a.up.sql:2: option of COPY is not supported\n" COPY_HINT);
	}
	expect_script("force without names",
				  "COPY t FROM stdin CSV FORCE NOT NULL a;\n1\n\\.\n",
				  "error 1_a.up.sql:1: option of COPY is not supported\n" COPY_HINT);
	expect_script("open quote", "COPY t FROM stdin CSV;\n1\n\"a\nb\n\\.\n",
				  "error 1_a.up.sql:3: quoted field is not ended in the data of COPY\n" COPY_HINT);
	expect_script("carriage return in CSV", "COPY t FROM stdin CSV;\na\rb\n\\.\n",
				  "error 1_a.up.sql:2: literal carriage return in the data of COPY\n" COPY_HINT);
	expect_script("fields", "COPY t (a, b) FROM stdin;\n1\t2\n1\n\\.\n",
				  "error 1_a.up.sql:3: row of COPY has 1 fields instead of 2\n");
	expect_script("fields without list", "COPY t FROM stdin;\n1\t2\n1\n\\.\n",
				  "error 1_a.up.sql:3: row of COPY has 1 fields instead of 2\n");
	expect_script("line after a continued row",
				  "COPY t FROM stdin;\na\\\nb\n1\t2\n\\.\n",
				  "error 1_a.up.sql:4: row of COPY has 2 fields instead of 1\n");
	expect_script("carriage return", "COPY t FROM stdin;\n1\r2\n\\.\n",
				  "error 1_a.up.sql:2: literal carriage return in the data of COPY\n" COPY_HINT);
	expect_script("zero byte", "COPY t FROM stdin;\n1\n\\000\n\\.\n",
				  "error 1_a.up.sql:3: escape in the data of COPY makes no valid text\n" COPY_HINT);
	expect_script("half a character", "COPY t FROM stdin;\n\\xc3\n\\.\n",
				  "error 1_a.up.sql:2: escape in the data of COPY makes no valid text\n" COPY_HINT);
}

void
test_copy(void)
{
	expect_script("copy", "x;\nCOPY public.t (a, \"B;\") FROM stdin;\n1\tx\n\\N\t\n\\.\ny;\n",
				  "1 {x;\nINSERT /* COPY */ INTO public.t (a, \"B;\") OVERRIDING SYSTEM VALUE VALUES\n"
				  "('1', 'x'),\n(NULL, '');\n\ny;\n}\n");
	expect_script("no columns", "COPY t FROM stdin WITH (FORMAT text);\n\n\\.\n",
				  "1 {INSERT /* COPY */ INTO t OVERRIDING SYSTEM VALUE VALUES\n('');\n}\n");
	expect_script("no rows", "a;\nCOPY t (a)\nFROM stdin;\n\\.\nb;",
				  "1 {a;\n\n\n\nb;}\n");
	expect_script("lines and comments are kept apart",
				  "COPY t -- c\n(a,\nb) FROM stdin;\n1\t2\n\\.\nx;",
				  "1 {INSERT /* COPY */ INTO t (a, b) OVERRIDING SYSTEM VALUE VALUES\n\n\n('1', '2');\n\nx;}\n");
	expect_script("escapes",
				  "COPY t FROM stdin;\n\\b\\f\\n\\r\\t\\v\\\\\\q\\\"'\n\\101\\60\\7z\\x41\\x4g\\xg\n\\\\N\na\\Nb\n\\\\.\n\\.\n",
				  "1 {INSERT /* COPY */ INTO t OVERRIDING SYSTEM VALUE VALUES\n"
				  "(E'\b\f\\n\\r\t\v\\\\q\"'''),\n('A0\azA\004gxg'),\n(E'\\\\N'),\n('aNb'),\n(E'\\\\.');\n}\n");
	expect_script("newline by backslash",
				  "COPY t FROM stdin;\na\\\nb\tc\n1\t2\n\\.\nx;",
				  "1 {INSERT /* COPY */ INTO t OVERRIDING SYSTEM VALUE VALUES\n"
				  "(E'a\\nb', 'c')\n,\n('1', '2');\n\nx;}\n");
	expect_script("CRLF", "COPY t FROM stdin;\r\n1\t\xc3\xa4\r\n\\.\r\nx;\r\n",
				  "1 {INSERT /* COPY */ INTO t OVERRIDING SYSTEM VALUE VALUES\n('1', '\xc3\xa4');\n\r\nx;\r\n}\n");
	expect_script("in a transaction", "BEGIN;\nCOPY t FROM stdin;\n1\n\\.\nCOMMIT;\n",
				  "2 {INSERT /* COPY */ INTO t OVERRIDING SYSTEM VALUE VALUES\n('1');\n}\n");
	test_copy_options();
	test_copy_errors();
}

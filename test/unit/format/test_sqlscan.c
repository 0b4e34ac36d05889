/*-------------------------------------------------------------------------
 *
 * test_sqlscan.c
 *	  Splitting a script into statements.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres_fe.h"

#include "lib/stringinfo.h"

#include "unit.h"

/* "S1{text} M3{text}": kind, line and body of each piece, or "error 3: ..." */
static char *
split(const char *script)
{
	static const char kinds[] = "SECMR";
	PgmSqlSplitter splitter;
	PgmSqlItem	item;
	StringInfoData out;
	size_t		end = 0;

	initStringInfo(&out);
	pgm_sqlscan_splitter(&splitter, script, strlen(script), 1);
	while (pgm_sqlscan_next(&splitter, &item))
	{
		if (item.start != end)
			appendStringInfoString(&out, "GAP ");
		end = item.end;
		if (item.kind == PGM_SQL_REST)
			continue;
		appendStringInfo(&out, "%c%d{%.*s} ", kinds[item.kind], item.line,
						 (int) (item.body_end - item.body), script + item.body);
		if (item.kind == PGM_SQL_COPY)
			appendStringInfo(&out, "%d<%.*s> ", item.data_line,
							 (int) (item.data_end - item.data),
							 script + item.data);
		if (item.variable_line)
			appendStringInfo(&out, "variable:%d ", item.variable_line);
	}
	if (splitter.error)
		appendStringInfo(&out, "error %d: %s", splitter.error_line,
						 splitter.error);
	else if (end != strlen(script))
		appendStringInfoString(&out, "NOT ALL ");
	return out.data;
}

static void
expect_split(const char *text, const char *expected)
{
	check_text(split(text), expected, text);
}

static void
test_quotes(void)
{
	expect_split("", "");
	expect_split("  -- nothing\n", "");
	expect_split("a;b", "S1{a;} S1{b} ");
	expect_split(";;", "E1{;} E1{;} ");
	expect_split("a ';' b; c", "S1{a ';' b;} S1{c} ");
	expect_split("a 'it''s;' ; c", "S1{a 'it''s;' ;} S1{c} ");
	expect_split("a 'x\\'; b", "S1{a 'x\\';} S1{b} ");
	expect_split("a E'x\\';' ; b", "S1{a E'x\\';' ;} S1{b} ");
	expect_split("a e'\\\\'; b", "S1{a e'\\\\';} S1{b} ");
	expect_split("a E'x'\n  '\\';' ; b", "S1{a E'x'\n  '\\';' ;} S2{b} ");
	expect_split("a E'x' -- c\n  '\\';' ; b",
				 "S1{a E'x' -- c\n  '\\';' ;} S2{b} ");
	expect_split("a E'x''\\';' ; b", "S1{a E'x''\\';' ;} S1{b} ");
	expect_split("a 'x'\n  '\\'; b", "S1{a 'x'\n  '\\';} S2{b} ");
	expect_split("a somee'\\'; b", "S1{a somee'\\';} S1{b} ");
	expect_split("a U&'\\'; b", "S1{a U&'\\';} S1{b} ");
	expect_split("a \"x;\"\"y\"; b", "S1{a \"x;\"\"y\";} S1{b} ");
	expect_split("a $$;'$$; b", "S1{a $$;'$$;} S1{b} ");
	expect_split("a $x$ $$ ; $y$ $x; $x$; b",
				 "S1{a $x$ $$ ; $y$ $x; $x$;} S1{b} ");
	expect_split("a $1; b", "S1{a $1;} S1{b} ");
	expect_split("a$x$ ; b$x$", "S1{a$x$ ;} S1{b$x$} ");
	expect_split("a $\xc3\xa9$;$\xc3\xa9$; b",
				 "S1{a $\xc3\xa9$;$\xc3\xa9$;} S1{b} ");
	expect_split("a /* ; /* ; */ ; */ ; b", "S1{a /* ; /* ; */ ; */ ;} S1{b} ");
	expect_split("a -- ; ' \n; b", "S1{a -- ; ' \n;} S2{b} ");
	expect_split("a +-- ; \n; b", "S1{a +-- ; \n;} S2{b} ");
	expect_split("a\r\n;\r\nb", "S1{a\r\n;} S3{b} ");
}

static void
test_nesting(void)
{
	expect_split("CREATE RULE r AS ON INSERT TO t DO (a; b); c",
				 "S1{CREATE RULE r AS ON INSERT TO t DO (a; b);} S1{c} ");
	expect_split("a ); b", "S1{a );} S1{b} ");
	expect_split("CREATE FUNCTION f() BEGIN ATOMIC a; CASE WHEN 1 THEN 2 END; b; END; c",
				 "S1{CREATE FUNCTION f() BEGIN ATOMIC a; CASE WHEN 1 THEN 2 END; b; END;} S1{c} ");
	expect_split("create or replace procedure p() begin atomic a.end; select 1 as end; select (case when 1 then 2 end); end; c",
				 "S1{create or replace procedure p() begin atomic a.end; select 1 as end; select (case when 1 then 2 end); end;} S1{c} ");
	expect_split("CREATE FUNCTION begin() AS 'x'; c",
				 "S1{CREATE FUNCTION begin() AS 'x';} S1{c} ");
	expect_split("CREATE FUNCTION f(begin atomic) AS 'x'; c",
				 "S1{CREATE FUNCTION f(begin atomic) AS 'x';} S1{c} ");
	expect_split("CREATE TABLE t (begin int, atomic int); c",
				 "S1{CREATE TABLE t (begin int, atomic int);} S1{c} ");
	expect_split("BEGIN; a; END;", "S1{BEGIN;} S1{a;} S1{END;} ");
}

static void
test_psql(void)
{
	expect_split("COPY t (a) FROM stdin;\n1\n;'\n\\.\nb;",
				 "C1{COPY t (a) FROM stdin;} 2<1\n;'\n> S5{b;} ");
	expect_split("copy t from STDIN;\n\\.\n",
				 "C1{copy t from STDIN;} 2<> ");
	expect_split("COPY t FROM stdin;\r\n1\r\n\\.\r\nb;",
				 "C1{COPY t FROM stdin;} 2<1\r\n> S4{b;} ");
	expect_split("COPY (SELECT a FROM stdin) TO stdout; b;",
				 "S1{COPY (SELECT a FROM stdin) TO stdout;} S1{b;} ");
	expect_split("COPY t FROM 'stdin'; b;", "S1{COPY t FROM 'stdin';} S1{b;} ");
	expect_split("\\echo a; 'b\nc;", "M1{\\echo a; 'b} S2{c;} ");
	expect_split("a;\n  \\x\r\nb", "S1{a;} M2{\\x} S3{b} ");
	expect_split("a :b; c", "S1{a :b;} variable:1 S1{c} ");
	expect_split("a = :'b',\n:\"c\"", "S1{a = :'b',\n:\"c\"} variable:1 ");
	expect_split("a::int, b:=c, d[1:e], d[:e], json_object('k':'v', k:'v', \"k\":w)",
				 "S1{a::int, b:=c, d[1:e], d[:e], json_object('k':'v', k:'v', \"k\":w)} ");
}

static void
test_errors(void)
{
	expect_split("a;\n'b;\n", "S1{a;} error 2: quoted string is not ended");
	expect_split("a;\nE'b\\'", "S1{a;} error 2: quoted string is not ended");
	expect_split("\"b;\n", "error 1: quoted identifier is not ended");
	expect_split("\n\n$x$;$y$", "error 3: dollar-quoted string is not ended");
	expect_split("a;\n/* /* */ ;", "S1{a;} error 2: comment is not ended");
	expect_split("a;\n\n(b;\n(c;)", "S1{a;} error 3: parenthesis is not closed");
	expect_split("CREATE FUNCTION f()\nBEGIN ATOMIC a;",
				 "error 2: BEGIN ATOMIC has no END");
	expect_split("\nCOPY t FROM stdin;\n1\n",
				 "error 2: data of COPY is not ended by a line with \"\\.\"");
	expect_split("COPY t FROM stdin", "error 1: COPY FROM STDIN has no data");
	expect_split("COPY t FROM stdin; b\n\\.\n",
				 "error 1: COPY FROM STDIN is followed by other text in its line");
	expect_split("a\n \\g\n", "error 2: psql command within a statement");
}

void
test_sqlscan(void)
{
	test_quotes();
	test_nesting();
	test_psql();
	test_errors();
}

/*-------------------------------------------------------------------------
 *
 * test_diff.c
 *	  Names and lists in a model, and expressions after a dump.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres_fe.h"

#include "lib/stringinfo.h"

#include "diff/words.h"
#include "schema/expressions.h"
#include "unit.h"

/* The elements of a list, each in brackets. */
static char *
elements(const char *list)
{
	StringInfoData text;
	char	   *element;

	initStringInfo(&text);
	while ((element = pgm_ddl_next(&list)) != NULL)
		appendStringInfo(&text, "<%s>", element);
	return text.data;
}

static void
test_lists(void)
{
	unit_is(elements(NULL), "", "no list");
	unit_is(elements(""), "", "an empty list");
	unit_is(elements("a"), "<a>", "one element");
	unit_is(elements("a, \"b, c\", 'd, e'"), "<a><\"b, c\"><'d, e'>",
			"commas in quotes");
	unit_is(elements("'it''s, so', b"), "<'it''s, so'><b>",
			"quotes in quotes");
	unit_is(elements("f(a, b), numeric(10,2), ARRAY[1, 2]"),
			"<f(a, b)><numeric(10,2)><ARRAY[1, 2]>", "commas in brackets");
	unit_is(elements("\"a(\", b"), "<\"a(\"><b>", "a bracket in quotes");
	unit_is(elements("'open, b"), "<'open, b>", "a quote that is not closed");
	unit_is(pgm_ddl_first_word("a.\"b \"\" c\" (d) WHERE (e)"),
			"a.\"b \"\" c\"", "a name before a list");
	unit_is(pgm_ddl_first_word("a"), "a", "a name with nothing behind it");
	unit_check(pgm_ddl_in_list("'a', 'b, c'", "'b, c'"), false,
			   "an element is in a list");
	unit_check(!pgm_ddl_in_list("'ab', 'c'", "'a'"), false,
			   "the begin of an element is not in it");
	unit_check(!pgm_ddl_in_list(NULL, "'a'"), false, "nor is it in no list");
}

static void
test_names(void)
{
	unit_is(pgm_ddl_bare_name("app.users"), "users", "a name");
	unit_is(pgm_ddl_bare_name("\"a.b\".\"c.d\""), "\"c.d\"",
			"periods in quotes");
	unit_is(pgm_ddl_bare_name("\"a\"\".b\".c"), "c", "a quote in quotes");
	unit_is(pgm_ddl_bare_name("app"), "app", "a name in no schema");
	unit_is(pgm_ddl_bare_name("\"a.b\""), "\"a.b\"",
			"a quoted name in no schema");
	unit_check(pgm_ddl_equal(NULL, NULL) && !pgm_ddl_equal("a", NULL) &&
			   !pgm_ddl_equal(NULL, "a") && pgm_ddl_equal("a", "a"), false,
			   "no value is equal to none");
}

static void
test_kinds(void)
{
	PgmSchemaObject view = {.kind = "view",.identity = "app.v"};

	unit_check(pgm_ddl_is(&view, "view") && !pgm_ddl_is(&view, "table") &&
			   !pgm_ddl_is(NULL, "view"), false, "the kind of an object");
	unit_check(pgm_ddl_rank("schema") < pgm_ddl_rank("table") &&
			   pgm_ddl_rank("table") < pgm_ddl_rank("view") &&
			   pgm_ddl_rank("view") < pgm_ddl_rank("no such kind"), false,
			   "what is needed comes first, what is not known last");
	unit_is(pgm_ddl_keyword("composite type"), "TYPE", "the word of a kind");
	unit_check(pgm_ddl_keyword("cast") == NULL &&
			   pgm_ddl_keyword("no such kind") == NULL, false,
			   "kinds without a word");
}

static char *
settled(const char *text)
{
	return pgm_schema_settled_text(pstrdup(text));
}

static void
test_expressions(void)
{
	unit_is(settled("(a = ANY ((ARRAY['x'::character varying, "
					"'y, z'::character varying])::text[]))"),
			"(a = ANY (ARRAY[('x'::character varying)::text, "
			"('y, z'::character varying)::text]))",
			"the cast of an array goes to its elements");
	unit_is(settled("(a = ANY (ARRAY[1, 2]))"), "(a = ANY (ARRAY[1, 2]))",
			"an array without a cast stays");
	unit_is(settled("'(ARRAY[1])::int[]'"), "'(ARRAY[1])::int[]'",
			"a literal stays");
	unit_is(settled("(ARRAY[1, 2"), "(ARRAY[1, 2", "so does half an array");
}

static char *
written(const char *text)
{
	return pgm_schema_written_text(pstrdup(text));
}

static void
test_written_expressions(void)
{
	unit_is(written("(a = ANY ((ARRAY['x'::character varying, "
					"E'y\\\\'', z'::character varying, "
					"NULL::character varying])::text[]))"),
			"(a = ANY (((ARRAY['x'::character varying, "
			"E'y\\\\'', z'::character varying, "
			"NULL::character varying])::character varying[])::text[]))",
			"the cast of an array stays outside, past the type that it has");
	unit_is(written("((ARRAY[('x')::app.\"T 1\", (b)::app.\"T 1\"])::text[])"),
			"(((ARRAY[('x')::app.\"T 1\", (b)::app.\"T 1\"])"
			"::app.\"T 1\"[])::text[])",
			"whatever the type is called");
	unit_is(written("(ARRAY['x'::character varying(3)])::text[]"),
			"ARRAY[('x'::character varying(3))::text]",
			"a type with a length is not that of the array");
	unit_is(written("(ARRAY[a, 'b'::text])::name[]"),
			"ARRAY[(a)::name, ('b'::text)::name]",
			"nor is one known of a column");
	unit_is(written("(ARRAY['a'::character, 'b'::text])::name[]"),
			"ARRAY[('a'::character)::name, ('b'::text)::name]",
			"nor of elements that differ");
	unit_is(written("'(ARRAY[''a''::text])::name[]'"),
			"'(ARRAY[''a''::text])::name[]'", "a literal stays as it is");
	unit_is(settled(written("(a = ANY (ARRAY[('x'::text)::name]))")),
			"(a = ANY (ARRAY[('x'::text)::name]))",
			"what was moved into the array stays there");
}

void
test_diff(void)
{
	test_lists();
	test_names();
	test_kinds();
	test_expressions();
	test_written_expressions();
}

/*-------------------------------------------------------------------------
 *
 * test_examples.c
 *	  Tables of graphs, targets and what must come of them.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres_fe.h"

#include "unit.h"

#define CHAIN "a b<a c<b d<c e<d"
#define FORK "a b<a c1<b/left d1<c1 c2<b/right d2<c2"
#define MERGE "a b1<a b2<a m<b1,b2 e<m"
#define TREES "x1 x2<x1 x3<x2 y1 y2<y1+x2 y3<y2"
#define NAMES "0007 0008abcd<0007 0008abef<0008abcd 00zz<0008abef/00zlabel"

typedef struct Example
{
	const char *graph;
	const char *rows;
	char		command;		/* Upgrade, Downgrade, Stamp, Get, History */
	const char *target;
	const char *expected;
} Example;

static const Example examples[] = {
	/* a chain */
	{CHAIN, "", 'U', "head", "+a +b +c +d +e [e]"},
	{CHAIN, "b", 'U', "+2", "+c +d [d]"},
	{CHAIN, "d", 'U', "b", "[d]"},
	{CHAIN, "e", 'U', "head", "[e]"},
	{CHAIN, "e", 'D', "c-1", "-e -d -c [b]"},
	{CHAIN, "b", 'D', "d", "!NOT_APPLIED"},
	{CHAIN, "e", 'D', "base", "-e -d -c -b -a []"},
	{CHAIN, "", 'D', "base", "[]"},
	{CHAIN, "c", 'D', "c", "[c]"},
	{CHAIN, "c", 'D', "-1", "-c [b]"},
	{CHAIN, "c", 'D', "-3", "-c -b -a []"},
	{CHAIN, "c", 'D', "-4", "!OUT_OF_RANGE"},
	{CHAIN, "", 'D', "-1", "!OUT_OF_RANGE"},
	{CHAIN, "c", 'U', "+3", "!OUT_OF_RANGE"},
	{CHAIN, "", 'U', "+1", "+a [a]"},
	{CHAIN, "", 'U', "base", "[]"},
	{CHAIN, "c", 'U', "base", "[c]"},
	{CHAIN, "", 'U', "b+2", "+a +b +c +d [d]"},
	{CHAIN, "", 'U', "head-3", "+a +b [b]"},
	{CHAIN, "", 'U', "base+2", "+a +b [b]"},
	{CHAIN, "", 'U', "b+0", "+a +b [b]"},
	{CHAIN, "", 'U', "head+1", "!OUT_OF_RANGE"},
	{CHAIN, "", 'U', "e+9", "!OUT_OF_RANGE"},
	{CHAIN, "", 'U', "head-5", "!OUT_OF_RANGE"},
	{CHAIN, "", 'U', "base-1", "!OUT_OF_RANGE"},
	{CHAIN, "e", 'D', "head-5", "-e -d -c -b -a []"},
	{CHAIN, "e", 'D', "head-6", "!OUT_OF_RANGE"},
	{CHAIN, "e", 'D', "b+1", "-e -d [c]"},
	{CHAIN, "e", 'D', "a+99999999999999999999", "!OUT_OF_RANGE"},

	/* grammar */
	{CHAIN, "c", 'U', "-1", "!SYNTAX"},
	{CHAIN, "c", 'D', "+1", "!SYNTAX"},
	{CHAIN, "c", 'U', "a@-1", "!SYNTAX"},
	{CHAIN, "c", 'D', "a@+1", "!SYNTAX"},
	{CHAIN, "c", 'U', "+0", "!SYNTAX"},
	{CHAIN, "c", 'D', "-0", "!SYNTAX"},
	{CHAIN, "c", 'U', "", "!SYNTAX"},
	{CHAIN, "c", 'U', "b+1zz", "!SYNTAX"},
	{CHAIN, "c", 'U', "b+1+1", "!SYNTAX"},
	{CHAIN, "c", 'U', "b+", "!SYNTAX"},
	{CHAIN, "c", 'U', "b-", "!SYNTAX"},
	{CHAIN, "c", 'U', "+", "!SYNTAX"},
	{CHAIN, "c", 'U', "@", "!SYNTAX"},
	{CHAIN, "c", 'U', "@head", "!SYNTAX"},
	{CHAIN, "c", 'U', "a@", "!SYNTAX"},
	{CHAIN, "c", 'U', "a@b@c", "!SYNTAX"},
	{CHAIN, "c", 'U', "a+1@b", "!SYNTAX"},
	{CHAIN, "c", 'U', "a:b", "!SYNTAX"},
	{CHAIN, "c", 'U', "a b", "!SYNTAX"},
	{CHAIN, "c", 'U', " head", "!SYNTAX"},
	{CHAIN, "c", 'U', "a,b", "!SYNTAX"},
	{CHAIN, "c", 'U', "current", "!SYNTAX"},
	{CHAIN, "c", 'D', "current", "!SYNTAX"},
	{CHAIN, "c", 'S', "current", "!SYNTAX"},
	{CHAIN, "c", 'U', "head@c", "!UNKNOWN_LABEL"},
	{CHAIN, "c", 'U', "zz", "!UNKNOWN"},
	{CHAIN, "c", 'U', "zz+1", "!UNKNOWN"},
	{CHAIN, "c", 'U', "zz@head", "!UNKNOWN_LABEL"},
	{CHAIN, "c", 'D', "zz@b", "!UNKNOWN_LABEL"},
	{CHAIN, "c zz", 'U', "head", "!UNKNOWN_ROW"},
	{CHAIN, "a c", 'U', "head", "!OVERLAP"},
	{CHAIN, "a c", 'D', "b", "-c [a b]"},
	{"", "", 'U', "head", "[]"},
	{"", "", 'U', "heads", "[]"},
	{"", "", 'U', "+1", "!OUT_OF_RANGE"},
	{"", "", 'D', "base", "[]"},

	/* names and prefixes */
	{NAMES, "", 'G', "0007", "0007"},
	{NAMES, "", 'G', "0007+1", "0008abcd"},
	{NAMES, "", 'G', "000", "!AMBIGUOUS_PREFIX"},
	{NAMES, "", 'G', "0008", "!AMBIGUOUS_PREFIX"},
	{NAMES, "", 'G', "0008abc", "0008abcd"},
	{NAMES, "", 'G', "0008abe", "0008abef"},
	{NAMES, "", 'G', "00zl", "00zz"},
	{NAMES, "", 'G', "00zz", "00zz"},
	{NAMES, "", 'G', "00zlabel", "00zz"},
	{NAMES, "", 'G', "00ZL", "!UNKNOWN"},
	{NAMES, "", 'G', "0008abcde", "!UNKNOWN"},
	{"abc", "", 'G', "ab", "!UNKNOWN"},
	{"abcd", "", 'G', "a", "abcd"},
	{"\xC3\xA4\xC3\xB6\xC3\xBC", "", 'G', "\xC3\xA4", "!UNKNOWN"},
	{"abc1 abc2 abc3<abc2", "", 'G', "abc2@abc", "!AMBIGUOUS_PREFIX"},
	{"abc1 abc2 x", "", 'G', "abc2@abc", "abc2"},
	{"abc1 abc2 x", "", 'G', "x@abc1", "!NOT_ON_BRANCH"},
	{"abc1 abc2 xyz1", "", 'G', "abc2@xyz", "!NOT_ON_BRANCH"},

	/* looking */
	{CHAIN, "c", 'G', "current", "c"},
	{CHAIN, "c", 'G', "current-1", "b"},
	{CHAIN, "c", 'G', "+1", "d"},
	{CHAIN, "c", 'G', "-1", "b"},
	{CHAIN, "a", 'G', "-1", ""},
	{CHAIN, "c", 'G', "base", ""},
	{FORK, "d1 d2", 'G', "left@current", "d1"},
	{FORK, "d1 d2", 'G', "heads", "d1 d2"},
	{FORK, "d1 d2", 'G', "left", "c1"},
	{FORK, "d1 d2", 'G', "left@heads", "d1"},
	{FORK, "d1 d2", 'G', "b@heads", "d1 d2"},

	/* a fork */
	{FORK, "", 'U', "head", "!MULTIPLE_HEADS"},
	{FORK, "", 'U', "b@head", "!MULTIPLE_HEADS"},
	{FORK, "", 'U', "heads", "+a +b +c2 +d2 +c1 +d1 [d1 d2]"},
	{FORK, "", 'U', "left@head", "+a +b +c1 +d1 [d1]"},
	{FORK, "d1", 'U', "right@+1", "+c2 [d1 c2]"},
	{FORK, "b", 'U', "+1", "!AMBIGUOUS_WALK"},
	{FORK, "b", 'U', "left@+1", "+c1 [c1]"},
	{FORK, "b", 'U', "b+1", "!AMBIGUOUS_WALK"},
	{FORK, "b", 'U', "right@b+1", "+c2 [c2]"},
	{FORK, "d1 d2", 'U', "+1", "!AMBIGUOUS_WALK"},
	{FORK, "c1 c2", 'U', "left@+1", "+d1 [d1 c2]"},
	{FORK, "c1 c2", 'U', "left@c2", "!NOT_ON_BRANCH"},
	{FORK, "", 'U', "right", "+a +b +c2 [c2]"},
	{FORK, "d1 d2", 'D', "left@b", "-d1 -c1 [d2]"},
	{FORK, "d1 d2", 'D', "b", "-d1 -c1 -d2 -c2 [b]"},
	{FORK, "d1 d2", 'D', "-1", "!AMBIGUOUS_WALK"},
	{FORK, "d1 d2", 'D', "left@-1", "-d1 [c1 d2]"},
	{FORK, "d1 d2", 'D', "left@-2", "-d1 -c1 [d2]"},
	{FORK, "d1 d2", 'D', "left@-3", "-d1 -c1 -d2 -c2 -b [a]"},
	{FORK, "d1 d2", 'D', "left@base", "-d1 -c1 -d2 -c2 -b -a []"},
	{FORK, "d1", 'D', "right@-1", "!OUT_OF_RANGE"},
	{FORK, "d1", 'D', "c2", "!NOT_APPLIED"},
	{FORK, "d1 d2", 'D', "head", "!MULTIPLE_HEADS"},
	{FORK, "d1 d2", 'D', "left@head", "[d1 d2]"},
	{FORK, "d1", 'D', "right@b", "!NOT_APPLIED"},
	{FORK, "d2", 'D', "d1@b", "!NOT_APPLIED"},
	{FORK, "d1 d2", 'D', "a@b", "!NOT_ON_BRANCH"},

	/* a merge */
	{MERGE, "b1", 'U', "head", "+b2 +m +e [e]"},
	{MERGE, "m", 'D', "b1@a", "-m -b1 [b2]"},
	{MERGE, "m", 'D', "-1", "!AMBIGUOUS_WALK"},
	{MERGE, "m", 'D', "b1", "-m [b1 b2]"},
	{MERGE, "e", 'D', "base", "-e -m -b1 -b2 -a []"},

	/* trees that depend on each other */
	{TREES, "", 'U', "y3", "+x1 +x2 +y1 +y2 +y3 [y3]"},
	{TREES, "y3", 'D', "y1", "-y3 -y2 [x2 y1]"},
	{TREES, "x3 y3", 'D', "x2", "-x3 [y3]"},
	{TREES, "y3", 'D', "x2", "!NOT_APPLIED"},
	{TREES, "y3", 'U', "x1@+1", "+x3 [x3 y3]"},
	{TREES, "y3", 'D', "x1@-1", "-y3 -y2 -x2 [x1 y1]"},
	{TREES, "", 'U', "heads", "+x1 +x2 +y1 +y2 +y3 +x3 [x3 y3]"},
	{"x1 x2<x1 y1 y2<y1+x2", "", 'U', "head", "!MULTIPLE_HEADS"},
	{"x1 x2<x1 y1 y2<y1+x2", "", 'U', "heads", "+x1 +x2 +y1 +y2 [y2]"},
	{"a b1<a b2<a+b1", "", 'U', "a@heads", "!OVERLAP"},
	{"a b1<a b2<a+b1", "", 'S', "a@heads", "=b2 [b2]"},
	{"a b<a c<b+a", "", 'U', "head", "+a +b +c [c]"},
	{"a b<a c<b+a", "c", 'D', "b", "-c [b]"},

	/* stamps */
	{CHAIN, "", 'S', "c", "=c [c]"},
	{CHAIN, "c", 'S', "c", "[c]"},
	{CHAIN, "e", 'S', "b", "=b [b]"},
	{CHAIN, "b", 'S', "head", "=e [e]"},
	{CHAIN, "c", 'S', "base", "= []"},
	{CHAIN, "", 'S', "base", "[]"},
	{CHAIN, "a c", 'S', "c", "=c [c]"},
	{CHAIN, "c", 'S', "+1", "!SYNTAX"},
	{CHAIN, "c", 'S', "a@+1", "!SYNTAX"},
	{CHAIN, "c", 'S', "a+1", "=b [b]"},
	{CHAIN, "c", 'S', "", "!SYNTAX"},
	{CHAIN, "c", 'S', " , ", "!SYNTAX"},
	{CHAIN, "c", 'S', "a b", "=b [b]"},
	{CHAIN, "", 'S', "c a", "=c [c]"},
	{CHAIN, "c", 'S', "base a", "!SYNTAX"},
	{CHAIN, "c", 'S', "d, d ,d", "=d [d]"},
	{FORK, "b", 'S', "head", "!MULTIPLE_HEADS"},
	{FORK, "b", 'S', "heads", "=d1 =d2 [d1 d2]"},
	{FORK, "", 'S', "d1", "=d1 [d1]"},
	{FORK, "d1", 'S', "d2", "=d2 [d1 d2]"},
	{FORK, "d1 d2", 'S', "left@base", "= [d2]"},
	{FORK, "d1 d2", 'S', "b", "=b [b]"},
	{MERGE, "m", 'S', "b1", "=b1 [b1]"},
	{MERGE, "m", 'S', "b1 b2", "=b1 =b2 [b1 b2]"},
	{MERGE, "b1 b2", 'S', "m", "=m [m]"},
	{TREES, "x3 y3", 'S', "x2", "=x2 [x2]"},

	/* ranges */
	{CHAIN, "c", 'H', "b:d", "b c d"},
	{CHAIN, "c", 'H', ":b", "a b"},
	{CHAIN, "c", 'H', "d:", "d e"},
	{CHAIN, "c", 'H', ":", "a b c d e"},
	{CHAIN, "c", 'H', "base:heads", "a b c d e"},
	{CHAIN, "c", 'H', "current:head", "c d e"},
	{CHAIN, "c", 'H', "d-2:d", "b c d"},
	{CHAIN, "c", 'H', "-2:current", "a b c"},
	{CHAIN, "c", 'H', "-9:current", "a b c"},
	{CHAIN, "c", 'H', "current:+1", "c d"},
	{CHAIN, "c", 'H', "a:+9", "a b c d e"},
	{CHAIN, "c", 'H', "-1:+1", "b c d"},
	{CHAIN, "c", 'H', "b", "b"},
	{CHAIN, "c", 'H', "d:b", "!NOT_A_RANGE"},
	{CHAIN, "c", 'H', "a:b:c", "!SYNTAX"},
	{CHAIN, "c", 'H', "a:zz", "!UNKNOWN"},
	{CHAIN, "c", 'H', "", "!SYNTAX"},
	{FORK, "b", 'H', "c1:d2", "!NOT_A_RANGE"},
	{FORK, "b", 'H', "heads", "d1 d2"},
	{FORK, "b", 'H', "b:heads", "b c2 d2 c1 d1"},
	{MERGE, "b1", 'H', "current:head", "b2 b1 m e"},
	{TREES, "", 'H', "y1:y3", "x1 x2 y1 y2 y3"},
};

/* Graphs that must be refused, and something the message must name. */
typedef struct Broken
{
	const char *graph;
	const char *code;
	const char *names;
} Broken;

static const Broken broken[] = {
	{"a a", "!DUPLICATE", "\"a\""},
	{"a/x b/x", "!DUPLICATE", "label \"x\" of revision \"b\" is already used by revision \"a\""},
	{"a/x,x", "!DUPLICATE", "\"x\""},
	{"a/b b", "!DUPLICATE", "label \"b\" of revision \"a\""},
	{"a<z", "!MISSING", "parent \"z\" of revision \"a\""},
	{"a+z", "!MISSING", "dependency \"z\" of revision \"a\""},
	{"a/x b<x", "!MISSING", "is a label"},
	{"a<a", "!CYCLE", "own parent"},
	{"a+a", "!CYCLE", "depends on itself"},
	{"a+x/x", "!CYCLE", "depends on itself"},
	{"r a<r,c b<a c<b", "!CYCLE", "\"a\" -> \"c\" -> \"b\" -> \"a\""},
	{"a b<a+c c<b", "!CYCLE", "\"b\" -> \"c\" -> \"b\""},
	{"head", "!BAD_ID", "reserved"},
	{"a/current", "!BAD_ID", "reserved"},
	{"a:b", "!BAD_ID", "\":\""},
	{"a@b", "!BAD_ID", "\"@\""},
	{"a-b", "!BAD_ID", "\"-\""},
	{"a\tb", "!BAD_ID", "blank"},
	{"a\x7F", "!BAD_ID", "blank"},
	{"a\xC2\x85", "!BAD_ID", "blank"},
	{"a\xE2\x80\x8B", "!BAD_ID", "blank"},
	{"0123456789012345678901234567890123456789012345678901234567890123",
	"!BAD_ID", "too long"},
};

static const char *const accepted[] = {
	"", "a", "0007", "a.b_c~d", "\xC3\xA4\xE6\x97\xA5\xF0\x9F\x98\x80",
	"a\xFF\xC3", "a b<a,a c<b,a+a,b",
	"012345678901234567890123456789012345678901234567890123456789012",
};

static void
run_example(const Example *e)
{
	PgmGraph   *graph = unit_graph(e->graph);
	PgmRevSet	rows;
	PgmRevSet	set;
	PgmGraphPlan plan;
	PgmGraphError error;
	char	   *got;
	bool		ok;

	ok = unit_rows(graph, e->rows, &rows, &error);
	if (ok && e->command == 'G')
		ok = pgm_graph_resolve(graph, rows, e->target, &set, &error);
	else if (ok && e->command == 'H')
		ok = pgm_graph_range(graph, rows, e->target, &set, &error);
	else if (ok && e->command == 'U')
		ok = pgm_graph_plan_upgrade(graph, rows, e->target, &plan, &error);
	else if (ok && e->command == 'D')
		ok = pgm_graph_plan_downgrade(graph, rows, e->target, &plan, &error);
	else if (ok)
		ok = pgm_graph_plan_stamp(graph, rows, e->target, &plan, &error);

	if (!ok)
		got = unit_error(&error);
	else if (e->command == 'G' || e->command == 'H')
		got = unit_ids(graph, set);
	else
		got = unit_describe(graph, rows, &plan,
							e->command == 'U' ? '+' :
							e->command == 'D' ? '-' : '=');
	unit_is(got, e->expected, psprintf("%s [%s] %c %s", e->graph, e->rows,
									   e->command, e->target));
}

static void
run_broken(const Broken *b)
{
	PgmGraphError error;
	char	   *all;

	if (!unit_check(!pgm_graph_seal(unit_build(b->graph), &error), true,
					"%s is refused", b->graph))
		return;
	unit_is(unit_error(&error), b->code, psprintf("%s refused", b->graph));
	all = psprintf("%s %s %s", error.message, error.detail ? error.detail : "",
				   error.hint ? error.hint : "");
	unit_check(strstr(all, b->names) != NULL, false, "%s: names %s (%s)",
			   b->graph, b->names, all);
}

/* What a message names matters where the user must choose. */
static void
test_messages(void)
{
	PgmGraph   *graph = unit_graph(MERGE " 0008ab/0008cd 0009");
	PgmRevSet	rows;
	PgmRevSet	set;
	PgmGraphPlan plan;
	PgmGraphError error;

	unit_rows(graph, "m", &rows, &error);
	pgm_graph_plan_downgrade(graph, rows, "-1", &plan, &error);
	unit_check(error.detail && strstr(error.detail, "\"b1\", \"b2\""), false,
			   "a merge names its parents");
	pgm_graph_resolve(graph, rows, "000", &set, &error);
	unit_check(error.detail &&
			   strstr(error.detail, "\"0008ab\", \"0009\", \"0008cd\""),
			   false, "an ambiguous prefix lists its candidates");
	pgm_graph_plan_upgrade(graph, rows, "head", &plan, &error);
	unit_check(error.detail && strstr(error.detail, "\"e\", \"0008ab\""),
			   false, "several heads are named");
	unit_rows(graph, "b1 b2", &rows, &error);
	pgm_graph_plan_downgrade(graph, rows, "-1", &plan, &error);
	unit_check(error.hint && strstr(error.hint, "label@-1"), false,
			   "several rows hint at a branch");
	unit_check(!pgm_graph_plan_upgrade(graph, rows, NULL, &plan, &error) &&
			   error.code == PGM_GRAPH_SYNTAX, false, "no target is refused");
}

static void
test_reading(void)
{
	PgmGraph   *graph = unit_graph(TREES);
	bool		marked[6] = {false};
	bool	   *above;

	unit_is(unit_ids(graph, pgm_graph_roots(graph)), "x1 y1", "roots");
	unit_is(unit_ids(graph, pgm_graph_down_heads(graph)), "x3 y3",
			"down heads");
	unit_is(unit_ids(graph, pgm_graph_real_heads(graph)), "x3 y3",
			"real heads");
	unit_is(unit_ids(graph, pgm_graph_topological(graph)),
			"x1 x2 y1 y2 y3 x3", "topological");
	marked[pgm_graph_find(graph, "y2")] = true;
	above = pgm_graph_above(graph, marked);
	unit_check(above[pgm_graph_find(graph, "y3")] &&
			   !above[pgm_graph_find(graph, "y2")] &&
			   !above[pgm_graph_find(graph, "x2")] &&
			   !above[pgm_graph_find(graph, "x3")], false, "above");
	marked[pgm_graph_find(graph, "x2")] = true;
	above = pgm_graph_above(graph, marked);
	unit_check(above[pgm_graph_find(graph, "y2")] &&
			   above[pgm_graph_find(graph, "x3")] &&
			   !above[pgm_graph_find(graph, "x1")], false,
			   "above by a dependency");
	unit_is(unit_ids(graph, pgm_graph_depends(graph, 4)), "x2", "depends");
	unit_is(unit_ids(graph, pgm_graph_parents(graph, 4)), "y1", "parents");
	unit_is(unit_ids(graph, pgm_graph_children(graph, 1)), "x3", "children");
	unit_check(pgm_graph_find(graph, "y2") == 4 &&
			   pgm_graph_find(graph, "zz") < 0, false, "find");
}

void
test_examples(void)
{
	PgmGraphError error;

	for (int i = 0; i < lengthof(examples); i++)
		run_example(&examples[i]);
	for (int i = 0; i < lengthof(broken); i++)
		run_broken(&broken[i]);
	for (int i = 0; i < lengthof(accepted); i++)
		unit_check(pgm_graph_seal(unit_build(accepted[i]), &error), false,
				   "\"%s\" is accepted", accepted[i]);
	test_messages();
	test_reading();
}

/*-------------------------------------------------------------------------
 *
 * test_sqitch.c
 *	  Sqitch.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres_fe.h"

#include "lib/stringinfo.h"

#include "unit.h"

#define BY " 2012-07-16T17:25:07Z Marge N. O\xe2\x80\x99Vera <marge@example.com>"
#define PRAGMAS "%syntax-version=1.0.0\n%project=flipr\n%uri=https://example.com/\n\n"

static void
test_plan(void)
{
	expect("sqitch", PGM_FORMAT_AUTO,
		   FILES("sqitch.conf", "[core]\n", "sqitch.plan",
				 PRAGMAS "appschema" BY " # Adds #1.\n"
				 "+ users [appschema !other flipr:appschema ext:x]" BY " # Creates\\n\\\\ users.\r\n"
				 "# remark\n@v1.0-dev1" BY " # Tag.\n\n"
				 "insert-user [users@v1.0-dev1 @v1.0-dev1]" BY "\n",
				 "deploy/appschema.sql", "-- Deploy\nBEGIN;\na;\nCOMMIT;\n",
				 "revert/appschema.sql", "BEGIN;b;COMMIT;",
				 "verify/appschema.sql", "BEGIN;\nc;\nROLLBACK;\n",
				 "deploy/users.sql", "u", "revert/users.sql", "v",
				 "deploy/insert-user.sql", "w", "revert/insert-user.sql", "",
				 "deploy/left.sql", "x"),
		   "project flipr\n"
		   "appschema [Adds #1.]\n  up deploy/appschema.sql:1 {-- Deploy\n\na;\n}\n"
		   "  down revert/appschema.sql:1 {b;}\n  verify verify/appschema.sql:2 {c;\n}\n"
		   "users [Creates\n\\ users.] depends=appschema,appschema labels=v1.0_dev1\n"
		   "  up deploy/users.sql:1 {u}\n  down revert/users.sql:1 {v}\n"
		   "insert_user [insert-user] depends=users,users\n"
		   "  up deploy/insert-user.sql:1 {w}\n  down revert/insert-user.sql:1 {}\n"
		   "warning sqitch.plan:6: conflict of \"users\" with \"other\" is not kept\n"
		   "warning sqitch.plan:6: requirement \"ext:x\" of another project is not kept\n"
		   "skipped deploy/left.sql: not a migration file of this format\n"
		   "skipped sqitch.conf: not a migration file of this format\n");
	expect("sqitch, verify scripts that are none", PGM_FORMAT_AUTO,
		   FILES("sqitch.plan", "%project=p\n\na" BY "\nb" BY "\nc" BY "\nd" BY "\n",
				 "deploy/a.sql", "a", "revert/a.sql", "", "deploy/b.sql", "b", "revert/b.sql", "",
				 "deploy/c.sql", "c", "revert/c.sql", "", "deploy/d.sql", "d", "revert/d.sql", "",
				 "verify/a.sql", "BEGIN;\nSAVEPOINT s;\nx;\nROLLBACK TO s;\nROLLBACK;\n",
				 "verify/b.sql", "BEGIN;\nSET LOCAL x = 1;\nROLLBACK;\nBEGIN;\ny;\nROLLBACK;\n",
				 "verify/c.sql", "\n\\set x 1\nSELECT :x;\n",
				 "verify/d.sql", "SELECT 1;"),
		   "project p\na [a]\n  up deploy/a.sql:1 {a}\n  down revert/a.sql:1 {}\n"
		   "b [b]\n  up deploy/b.sql:1 {b}\n  down revert/b.sql:1 {}\n"
		   "c [c]\n  up deploy/c.sql:1 {c}\n  down revert/c.sql:1 {}\n"
		   "d [d]\n  up deploy/d.sql:1 {d}\n  down revert/d.sql:1 {}\n  verify verify/d.sql:1 {SELECT 1;}\n"
		   "warning verify/a.sql:2: verify script of change \"a\" is passed over: SAVEPOINT is not allowed in a revision\n"
		   "warning verify/b.sql:2: verify script of change \"b\" is passed over: SET LOCAL in a file of several transactions\n"
		   "warning verify/c.sql:2: verify script of change \"c\" is passed over: psql command \"\\set\" is not supported\n");
	expect("sqitch, reworked", PGM_FORMAT_AUTO,
		   FILES("db/sqitch.plan",
				 "a" BY "\n@t1" BY "\nb [a]" BY "\na [a@t1 b]" BY "\nc [a]" BY "\n@t2" BY "\n",
				 "db/deploy/a@t1.sql", "old", "db/deploy/a.sql", "new",
				 "db/revert/a@t1.sql", "x", "db/revert/a.sql", "old",
				 "db/deploy/b.sql", "b", "db/deploy/c.sql", "c"),
		   "a [a] labels=t1\n  up db/deploy/a@t1.sql:1 {old}\n  down db/revert/a@t1.sql:1 {x}\n"
		   "b [b] depends=a\n  up db/deploy/b.sql:1 {b}\n"
		   "a_2 [a] depends=a,b\n  up db/deploy/a.sql:1 {new}\n  down db/revert/a.sql:1 {old}\n"
		   "c [c] depends=a_2 labels=t2\n  up db/deploy/c.sql:1 {c}\n"
		   "warning db/sqitch.plan:3: change \"b\" has no revert script\n"
		   "warning db/sqitch.plan:5: change \"c\" has no revert script\n");
}

static void
test_plan_errors(void)
{
	expect("sqitch, cycle", PGM_FORMAT_AUTO,
		   FILES("sqitch.plan", "\na [b]" BY "\nx" BY "\nb [c]" BY "\nc [a]" BY "\n"),
		   "error sqitch.plan:2: changes require each other in a cycle\n"
		   "detail Change \"a\" requires \"b\" (line 4), which requires it.\n");
	expect("sqitch, requires itself", PGM_FORMAT_AUTO,
		   FILES("sqitch.plan", "a [a]" BY "\n"),
		   "error sqitch.plan:1: changes require each other in a cycle\n"
		   "detail Change \"a\" requires \"a\" (line 1), which requires it.\n");
	expect("sqitch, wrong order", PGM_FORMAT_AUTO,
		   FILES("sqitch.plan", "a [b]" BY "\nb" BY "\n"),
		   "error sqitch.plan:1: change \"a\" requires \"b\", which comes later\n"
		   "detail Change \"b\" is in line 2.\n");
	expect("sqitch, unknown", PGM_FORMAT_AUTO,
		   FILES("sqitch.plan", "a" BY "\nb [a c]" BY "\n"),
		   "error sqitch.plan:2: change \"b\" requires \"c\", which is not in the plan\n");
	expect("sqitch, unknown tag", PGM_FORMAT_AUTO,
		   FILES("sqitch.plan", "a" BY "\nb [a@x]" BY "\n"),
		   "error sqitch.plan:2: change \"b\" requires \"a@x\", which is not in the plan\n");
	expect("sqitch, tag twice", PGM_FORMAT_AUTO,
		   FILES("sqitch.plan", "a" BY "\n@x" BY "\nb" BY "\n@x" BY "\n"),
		   "error sqitch.plan:4: tag \"@x\" is given twice\ndetail The other is in line 2.\n");
	expect("sqitch, tag first", PGM_FORMAT_AUTO,
		   FILES("sqitch.plan", "@x" BY "\na" BY "\n"),
		   "error sqitch.plan:1: tag has no change before it\n");
	expect("sqitch, nameless tag", PGM_FORMAT_AUTO,
		   FILES("sqitch.plan", "a" BY "\n@ x\n"),
		   "error sqitch.plan:2: tag has no name\n");
	expect("sqitch, nameless change", PGM_FORMAT_AUTO,
		   FILES("sqitch.plan", "a" BY "\n+ \n"),
		   "error sqitch.plan:2: change has no name\n");
	expect("sqitch, open bracket", PGM_FORMAT_AUTO,
		   FILES("sqitch.plan", "a [b\n"),
		   "error sqitch.plan:1: list of requirements is not closed\n");
	expect("sqitch, no script", PGM_FORMAT_AUTO,
		   FILES("sqitch.plan", "a" BY "\n"),
		   "error sqitch.plan:1: change \"a\" has no deploy script\n");
	expect("sqitch, revert in the plan", PGM_FORMAT_AUTO,
		   FILES("sqitch.plan", "a" BY "\n-a" BY "\n"),
		   "error sqitch.plan:2: plan reverts a change, which is not supported\n");
	expect("sqitch, two plans", PGM_FORMAT_AUTO,
		   FILES("a/sqitch.plan", "", "b/sqitch.plan", ""),
		   "error b/sqitch.plan: there are several plans\ndetail The other is \"a/sqitch.plan\".\n"
		   "hint Load the folder of each by itself.\n");
	expect("sqitch, no plan", PGM_FORMAT_SQITCH,
		   FILES("deploy/a.sql", ""),
		   "error -: there is no file \"sqitch.plan\"\n");
	expect("sqitch, rollback in deploy", PGM_FORMAT_AUTO,
		   FILES("sqitch.plan", "a" BY "\n", "deploy/a.sql", "BEGIN;\na;\nROLLBACK;"),
		   "error deploy/a.sql:3: ROLLBACK is not allowed in a revision\n");
}

void
test_sqitch(void)
{
	test_plan();
	test_plan_errors();
}

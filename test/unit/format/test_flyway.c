/*-------------------------------------------------------------------------
 *
 * test_flyway.c
 *	  Flyway.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres_fe.h"

#include "lib/stringinfo.h"

#include "unit.h"

void
test_flyway(void)
{
	expect("flyway", PGM_FORMAT_AUTO,
		   FILES("V1__first.sql", "a", "V1.10__c.sql", "c", "V1_2__add_users.sql", "b",
				 "U1.2__undo_users.sql", "d", "R__b_view.sql", "f", "R__A-view.sql", "e",
				 "V002__x.sql", "g", "sub/V3.sql", "h"),
		   "1 [first]\n  up V1__first.sql:1 {a}\n"
		   "1.2 [add users]\n  up V1_2__add_users.sql:1 {b}\n  down U1.2__undo_users.sql:1 {d}\n"
		   "1.10 [c]\n  up V1.10__c.sql:1 {c}\n"
		   "002 [x]\n  up V002__x.sql:1 {g}\n"
		   "3 []\n  up sub/V3.sql:1 {h}\n"
		   "R__A_view [A-view] repeatable\n  up R__A-view.sql:1 {e}\n"
		   "R__b_view [b view] repeatable\n  up R__b_view.sql:1 {f}\n");
	expect("flyway, conf, callbacks and baselines", PGM_FORMAT_AUTO,
		   FILES("V1__a.sql", "a '${x}'", "V1__a.sql.conf",
				 "executeInTransaction=false\nplaceholderReplacement = false\n",
				 "B1__base.sql", "b", "afterMigrate.sql", "c"),
		   "1 [a] transactional=off\n  up V1__a.sql:1 {a '${x}'}\n"
		   "warning afterMigrate.sql: callback is passed over\n"
		   "skipped B1__base.sql: a baseline repeats what the migrations before it do\n"
		   "skipped afterMigrate.sql: a callback is no migration\n");
	expect("flyway, placeholder", PGM_FORMAT_AUTO,
		   FILES("V1__a.sql", "a;\nb $$ ${schema}$$"),
		   "error V1__a.sql:2: placeholder \"${schema}\" is not supported\n"
		   "hint Write its value in its place.\n");
	expect("flyway, no placeholder", PGM_FORMAT_AUTO,
		   FILES("V1__a.sql", "a '$' '${' $x${$x$"),
		   "1 [a]\n  up V1__a.sql:1 {a '$' '${' $x${$x$}\n");
	expect("flyway, duplicate", PGM_FORMAT_AUTO,
		   FILES("V1.0__a.sql", "a", "V1__b.sql", "b"),
		   "error V1__b.sql: version \"1\" is given twice\n"
		   "detail The other file is \"V1.0__a.sql\".\n");
	expect("flyway, undo alone", PGM_FORMAT_AUTO,
		   FILES("V1__a.sql", "a", "U2__b.sql", "b"),
		   "error U2__b.sql: version \"2\" has a way down but none up\n"
		   "hint Those of refinery are ways up: if it wrote the files, name format \"refinery\".\n");
	expect("flyway, ids that come out alike", PGM_FORMAT_AUTO,
		   FILES("R__a-b.sql", "a", "R__a+b.sql", "b"),
		   "error R__a-b.sql:1: revision \"R__a_b\" is given twice\n"
		   "detail The other is in \"R__a+b.sql\", line 1.\n");
	expect("flyway, Java", PGM_FORMAT_AUTO,
		   FILES("V1__a.sql", "a", "V2__B.java", ""),
		   "error V2__B.java: migration is written in Java\nhint Write it as SQL.\n");
}

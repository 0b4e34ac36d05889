-- Schemas: each has a branch that is made from the revisions of the database.
SET client_min_messages = warning;
DROP EXTENSION IF EXISTS pgmigrate;
CREATE EXTENSION pgmigrate;
RESET client_min_messages;
CREATE SCHEMA t1;
CREATE SCHEMA t2;
CREATE SCHEMA t3;
-- what belongs to the database, and what is for each schema
SELECT pgmigrate.revision('currencies', 'CREATE TABLE currency (code text PRIMARY KEY); INSERT INTO currency VALUES (''EUR'')', 'DROP TABLE currency', id => 'shared');
SELECT pgmigrate.revision('orders', 'CREATE TABLE orders (id int PRIMARY KEY, code text DEFAULT ''EUR'' REFERENCES currency)', 'DROP TABLE orders',
	id => 'r1', down_revision => '{}', depends_on => '{shared}', branch_labels => '{app}', verify => 'SELECT count(*) = 0 AS empty FROM orders');
SELECT pgmigrate.revision('index', 'CREATE UNIQUE INDEX CONCURRENTLY orders_code ON orders (code)', 'DROP INDEX CONCURRENTLY orders_code', id => 'r2', down_revision => '{r1}');
SELECT pgmigrate.revision('paid', 'ALTER TABLE orders ADD COLUMN paid boolean', 'ALTER TABLE orders DROP COLUMN paid', id => 'r3', down_revision => '{r2}');

-- two of them, the canary first
SELECT database = current_database() AS here, schema, wave, state, steps, duration > '0' AS timed, heads, error FROM pgmigrate.fleet('app@head', schemas => '{t1,t2,t1}');
SELECT c.oid::regclass FROM pg_class c WHERE relname IN ('orders', 'orders_code', 'currency') ORDER BY relname, c.oid::regclass::text COLLATE "C";
SELECT id, template, for_schema, down_revision, depends_on, branch_labels, is_head, upgrade FROM pgmigrate.revision WHERE for_schema = 't1' ORDER BY seq;
SELECT DISTINCT template_digest = (SELECT digest FROM pgmigrate.revision t WHERE t.id = r.template) AS same, author = CURRENT_USER AS mine, coauthors
FROM pgmigrate.revision r WHERE template IS NOT NULL;
SELECT revision FROM pgmigrate.current() ORDER BY 1;
SELECT revision, state FROM pgmigrate.revisions WHERE revision !~ '[.]';
SELECT schema, wave, state, steps, heads FROM pgmigrate.fleet('app@head', schemas => '{t1,t2}');
SELECT revision, source, ok, detail FROM pgmigrate.verify('t1@base:t1@head') WHERE source = 'written' OR NOT ok ORDER BY 1;
-- recorded at the end, as the last run has left it
SELECT * FROM pgmigrate.drift();
ALTER TABLE t1.orders ADD COLUMN by_hand int;
SELECT object, change FROM pgmigrate.drift();
ALTER TABLE t1.orders DROP COLUMN by_hand;

-- each goes its own way, and back
SELECT revision FROM pgmigrate.downgrade('t1@-1');
SELECT schema, wave, state, steps, heads FROM pgmigrate.fleet('r1', schemas => '{t1,t2,t3}', canary => 0);
SELECT schema, wave, state, steps, heads FROM pgmigrate.fleet('+1', schemas => '{t3,t2}', canary => 2);
SELECT schema, wave, state, steps, heads FROM pgmigrate.fleet('app@head', schemas => '{t1,t2,t3}');
SELECT revision FROM pgmigrate.downgrade('t1@base');
SELECT revision, statement, locks FROM pgmigrate.plan('t1@head');
SELECT line FROM pgmigrate.script('t1.r1') AS line
WHERE line ~ 'search_path|orders' AND line !~ '^--';
SELECT revision, rule FROM pgmigrate.assess('t1@head') WHERE rule IN ('lock', 'not-tried') ORDER BY 1, 2;
SELECT revision FROM pgmigrate.upgrade('t1@head');

-- stored as any other, without a word of the branches
SELECT pgmigrate.revision('total', 'ALTER TABLE orders ADD COLUMN total int NOT NULL DEFAULT 1', 'ALTER TABLE orders DROP COLUMN total', id => 'r4', down_revision => '{app@head}');
SELECT pgmigrate.revision('of one only', 'CREATE TABLE extra ()', id => 'special', down_revision => '{t2@head}');
SELECT revision FROM pgmigrate.upgrade('special');
SELECT pgmigrate.remove('shared');
SELECT pgmigrate.remove('r3');
SELECT pgmigrate.amend('t3.r3', message => 'other');
SELECT count(*), count(*) FILTER (WHERE export ~ 't[0-9]') AS of_schemas FROM (SELECT e::text FROM pgmigrate.export() AS e) AS e (export);

-- one fails: the others stay where they are, or go on
ALTER TABLE t2.orders ADD COLUMN total int;
SELECT schema, wave, state, steps, heads, error FROM pgmigrate.fleet('app@head', schemas => '{t1,t2,t3}');
SELECT count(*) FROM pgmigrate.revision WHERE id IN ('t1.r4', 't2.r4', 't3.r4');
SELECT pgmigrate.amend('t2.r4', upgrade => 'SELECT 1');
SELECT pgmigrate.remove('r4');
SELECT schema, wave, state, steps, heads, error FROM pgmigrate.fleet('app@head', schemas => '{t2,t3}');
SELECT schema, wave, state, steps, heads, error FROM pgmigrate.fleet('app@head', schemas => '{t2,t3}', stop_on_failure => false);
ALTER TABLE t2.orders DROP COLUMN total;
SELECT schema, wave, state, steps, heads, error FROM pgmigrate.fleet('app@head', schemas => '{t1,t2,t3}');

-- statement by statement, gone on with where it has stopped
SELECT revision FROM pgmigrate.downgrade('t3.r1');
INSERT INTO t3.orders VALUES (1), (2);
SELECT schema, state, steps, heads, error FROM pgmigrate.fleet('app@head', schemas => '{t3}');
DELETE FROM t3.orders WHERE id = 2;
SELECT schema, state, steps, heads, error FROM pgmigrate.fleet('app@head', schemas => '{t3}');
SELECT indexrelid::regclass, indisvalid FROM pg_index WHERE indrelid = 't3.orders'::regclass ORDER BY indexrelid::regclass::text COLLATE "C";

-- the revision that they are made from changes
SELECT pgmigrate.revision('note', 'ALTER TABLE orders ADD COLUMN note int', 'ALTER TABLE orders DROP COLUMN note', id => 'r5', down_revision => '{r4}');
ALTER TABLE t2.orders ADD COLUMN note int;
SELECT schema, state, steps, heads, error FROM pgmigrate.fleet('app@head', schemas => '{t1,t2,t3}');
SELECT pgmigrate.amend('r5', upgrade => 'ALTER TABLE orders ADD COLUMN IF NOT EXISTS note text');
SELECT schema, state, steps, heads, error FROM pgmigrate.fleet('app@head', schemas => '{t1,t2,t3}', stop_on_failure => false);
SELECT id, upgrade FROM pgmigrate.revision WHERE template = 'r5' ORDER BY id;
SELECT revision, change FROM pgmigrate.revision_change ORDER BY id;
SELECT revision FROM pgmigrate.downgrade('t1.r4');
SELECT schema, state, steps, heads, error FROM pgmigrate.fleet('app@head', schemas => '{t1,t2,t3}');
-- and the search_path of who calls
SELECT pgmigrate.revision('more', 'SELECT helper()', id => 'r6', down_revision => '{r5}');
CREATE SCHEMA tools;
CREATE FUNCTION tools.helper() RETURNS int LANGUAGE sql RETURN 1;
SELECT schema, state, error FROM pgmigrate.fleet('app@head', schemas => '{t1}');
SET search_path = pg_catalog, t1, tools, public;
SELECT schema, state, error FROM pgmigrate.fleet('app@head', schemas => '{t1}');
RESET search_path;
SELECT upgrade FROM pgmigrate.revision WHERE id = 't1.r6';
SELECT schema, state, steps FROM pgmigrate.fleet('app@head', schemas => '{t1}');

-- names
CREATE SCHEMA "OddName";
CREATE SCHEMA "Odd Name";
CREATE SCHEMA "head";
CREATE SCHEMA "$user";
CREATE SCHEMA app;
CREATE SCHEMA taken;
CREATE SCHEMA "a.b";
CREATE SCHEMA a;
CREATE SCHEMA "qu""o'te";
CREATE SCHEMA tenant_with_a_name_that_is_as_long_as_the_name_of_a_schema_may_;
SELECT pgmigrate.revision('in the way', 'SELECT 1', id => 'taken.r1', down_revision => '{}');
SELECT schema, state, steps, error FROM pgmigrate.fleet('r1', stop_on_failure => false,
	schemas => '{OddName,"Odd Name",$user,"qu\"o''te",head,app,taken,nowhere,a.b,a,tenant_with_a_name_that_is_as_long_as_the_name_of_a_schema_may_}');
SELECT id, for_schema FROM pgmigrate.revision WHERE template = 'r1' AND for_schema !~ '^t[0-9]' ORDER BY seq;
SELECT '"OddName".orders'::regclass, '"qu""o''te".orders'::regclass;
SELECT pgmigrate.remove('taken.r1');
SELECT * FROM pgmigrate.fleet(schemas => '{t1,pg_catalog}');
SELECT * FROM pgmigrate.fleet(schemas => '{pgmigrate}');
SELECT * FROM pgmigrate.fleet(schemas => '{t1,NULL}');
SELECT * FROM pgmigrate.fleet(schemas => '{t1}', databases => '{postgres}');
SELECT * FROM pgmigrate.fleet(schemas => '{}');
SELECT schema, state, error FROM pgmigrate.fleet('nonsense', schemas => '{t1}');

-- merges, a dependency that is an ancestor too, and several targets
SELECT pgmigrate.revision('left', 'CREATE TABLE "left" ()', 'DROP TABLE "left"', id => 'm1', down_revision => '{}', branch_labels => '{m}');
SELECT pgmigrate.revision('right', 'CREATE TABLE "right" ()', 'DROP TABLE "right"', id => 'm2', down_revision => '{}');
SELECT pgmigrate.merge('{m1,m2}', id => 'm3');
SELECT pgmigrate.revision('above', 'CREATE TABLE above ()', 'DROP TABLE above', id => 'm4', down_revision => '{m3}', depends_on => '{m2}');
SELECT pgmigrate.revision('other', 'CREATE TABLE other ()', 'DROP TABLE other', id => 'm5', down_revision => '{m3}', splice => true);
SELECT schema, state, steps, heads, error FROM pgmigrate.fleet('m@heads', schemas => '{a,t1}');
SELECT schema, state, steps, heads, error FROM pgmigrate.fleet('m4', schemas => '{a}');
SELECT schema, state, steps, heads, error FROM pgmigrate.fleet('m5', schemas => '{a}');
SELECT schema, state, steps, heads, error FROM pgmigrate.fleet('base', schemas => '{a}');
SELECT id, down_revision, depends_on, branch_labels, upgrade FROM pgmigrate.revision WHERE for_schema = 'a' ORDER BY seq;
SELECT revision FROM pgmigrate.current() WHERE revision ~ '^a[.]' ORDER BY 1;

-- names with a schema are the same for all
SELECT pgmigrate.revision('qualified', 'CREATE TABLE IF NOT EXISTS public.same (); INSERT INTO public.same DEFAULT VALUES; SELECT FROM public.currency', id => 'q1', down_revision => '{}');
SELECT pgmigrate.revision('path', 'SET search_path = public; CREATE TABLE IF NOT EXISTS same ()', id => 'q2', down_revision => '{q1}');
SELECT schema, state FROM pgmigrate.fleet('q2', schemas => '{t1,t2}');

-- a tenant that has gone
DROP SCHEMA a CASCADE;
SELECT schema, state, error FROM pgmigrate.fleet('app@head', schemas => '{a}');
SELECT count(*) FROM pgmigrate.stamp('a@base');
SELECT count(*) FROM pgmigrate.stamp('a.m@base');
SELECT pgmigrate.remove(id) FROM (SELECT id FROM pgmigrate.revision WHERE for_schema = 'a' ORDER BY seq DESC) AS r;
SELECT revision FROM pgmigrate.current() WHERE revision ~ '^a[.]';

-- who wrote what it is made from, and who else may make something there
CREATE ROLE regress_fleet_author;
CREATE ROLE regress_fleet_op;
SELECT count(*) > 0 AS granted FROM pgmigrate.grant_access('regress_fleet_author', 'author');
SELECT count(*) > 0 AS granted FROM pgmigrate.grant_access('regress_fleet_op', 'operator');
SET ROLE regress_fleet_author;
SELECT pgmigrate.revision('less', 'CREATE TABLE less ()', 'DROP TABLE less', id => 'l1', down_revision => '{}');
RESET ROLE;
SELECT schema, state, error FROM pgmigrate.fleet('l1', schemas => '{t1}');
SELECT count(*) FROM pgmigrate.revision WHERE template = 'l1';
SELECT pgmigrate.approve('l1', digest) FROM pgmigrate.revision WHERE id = 'l1';
SELECT schema, state, error FROM pgmigrate.fleet('l1', schemas => '{t1}');
SELECT author = CURRENT_USER AS mine, coauthors, approved_by FROM pgmigrate.revision WHERE id = 't1.l1';
-- made by him who may not: it is his SET, and not run with the rights of others
GRANT CREATE, USAGE ON SCHEMA t2 TO regress_fleet_op;
SELECT schema, state, error FROM pgmigrate.fleet('l1', schemas => '{t2}');
CREATE SCHEMA ops AUTHORIZATION regress_fleet_op;
SET ROLE regress_fleet_op;
SELECT schema, state, error FROM pgmigrate.fleet('l1', schemas => '{t1}');
SELECT schema, state, error FROM pgmigrate.fleet('l1', schemas => '{t2,ops}');
RESET ROLE;
SELECT id, author, coauthors = ARRAY[CURRENT_USER::text] AS approver, approved_by FROM pgmigrate.revision WHERE template = 'l1' AND for_schema <> 't1' ORDER BY seq;
SELECT schema, state, error FROM pgmigrate.fleet('l1', schemas => '{ops}');
REVOKE ALL ON SCHEMA t2 FROM regress_fleet_op;
SELECT pgmigrate.revision('mine', 'CREATE TABLE mine ()', 'DROP TABLE mine', id => 'l2', down_revision => '{l1}');
CREATE TABLE ops.mine ();
SET ROLE regress_fleet_op;
SELECT schema, state, error FROM pgmigrate.fleet('l2', schemas => '{ops}');
RESET ROLE;
DROP TABLE ops.mine;
ALTER SCHEMA ops OWNER TO CURRENT_USER;
SELECT revision FROM pgmigrate.upgrade('ops.l2');
SELECT schema, state, error FROM pgmigrate.fleet('l2', schemas => '{ops}');
SELECT id, author = CURRENT_USER AS mine, coauthors FROM pgmigrate.revision WHERE for_schema = 'ops' ORDER BY seq;
GRANT CREATE ON SCHEMA ops TO PUBLIC;
SELECT schema, state, error FROM pgmigrate.fleet('l2', schemas => '{ops}');
-- without the level
REVOKE ALL ON FUNCTION pgmigrate.revision FROM regress_fleet_op;
REVOKE CREATE ON SCHEMA ops FROM PUBLIC;
GRANT CREATE ON SCHEMA ops TO regress_fleet_op;
SET ROLE regress_fleet_op;
SELECT schema, state, error FROM pgmigrate.fleet('l2', schemas => '{ops}');
RESET ROLE;

-- approvals are those of what it is made from, as long as that is the same
SELECT pgmigrate.revision('approved', 'CREATE TABLE approved ()', 'DROP TABLE approved', id => 'p1', down_revision => '{}');
CREATE ROLE regress_fleet_reviewer;
SELECT count(*) > 0 AS granted FROM pgmigrate.grant_access('regress_fleet_reviewer', 'operator');
SET pgmigrate.environment = 'production';
SET pgmigrate.checklist = 'enforce';
SELECT schema, state, error FROM pgmigrate.fleet('p1', schemas => '{t1}');
SELECT item, state, detail FROM pgmigrate.checklist('t1.p1') WHERE item = 'approval';
SET ROLE regress_fleet_reviewer;
SELECT pgmigrate.approve('p1', digest) FROM pgmigrate.revision WHERE id = 'p1';
RESET ROLE;
SELECT item, state, detail FROM pgmigrate.checklist('t1.p1') WHERE item = 'approval';
SELECT pgmigrate.amend('p1', upgrade => 'CREATE TABLE approved (a int)');
SELECT item, state, detail FROM pgmigrate.checklist('t1.p1') WHERE item = 'approval';
RESET pgmigrate.environment;
RESET pgmigrate.checklist;

-- one history, which goes on as if there were no schemas
SET client_min_messages = warning;
DROP EXTENSION pgmigrate;
CREATE EXTENSION pgmigrate;
RESET client_min_messages;
SELECT pgmigrate.revision('first', 'CREATE TABLE h1 ()', 'DROP TABLE h1', id => 'h1');
SELECT schema, state, steps, heads FROM pgmigrate.fleet(schemas => '{t1,t2}');
SELECT pgmigrate.revision('second', 'CREATE TABLE h2 ()', 'DROP TABLE h2', id => 'h2');
SELECT pgmigrate.revision('third', 'CREATE TABLE h3 ()', 'DROP TABLE h3', id => 'h3');
SELECT id, down_revision, is_head FROM pgmigrate.revision WHERE template IS NULL ORDER BY seq;
SELECT schema, state, steps, heads FROM pgmigrate.fleet(schemas => '{t1,t2,t3}');
SELECT c.oid::regclass FROM pg_class c WHERE relname ~ '^h[0-9]$' ORDER BY c.oid::regclass::text COLLATE "C";
SELECT * FROM pgmigrate.upgrade();
-- a revision for one tenant alone is no head of it, and no file
SELECT pgmigrate.revision('of one only', 'CREATE TABLE extra ()', id => 'special', down_revision => '{t1@head}');
SELECT pgmigrate.revision('above', 'CREATE TABLE above ()', id => 'special2', down_revision => '{special}');
SELECT pgmigrate.revision('fourth', 'CREATE TABLE h4 ()', 'DROP TABLE h4', id => 'h4');
SELECT id, down_revision FROM pgmigrate.revision WHERE template IS NULL ORDER BY seq;
SELECT pgmigrate.merge();
SELECT count(*) FROM pgmigrate.export();

-- not run where the schema is gone: it would be done in the next of search_path
SELECT schema, state, steps FROM pgmigrate.fleet(schemas => '{t2,t3}');
SELECT revision FROM pgmigrate.downgrade('t3@-1');
ALTER SCHEMA t3 RENAME TO t3_renamed;
SELECT revision FROM pgmigrate.upgrade('t3@head');
SELECT revision FROM pgmigrate.downgrade('t3@-1');
SELECT to_regclass('public.h4');
ALTER SCHEMA t3_renamed RENAME TO t3;
-- nor where it is of no use to who calls
CREATE SCHEMA blind;
GRANT CREATE ON SCHEMA blind TO regress_fleet_op;
SELECT count(*) > 0 AS granted FROM pgmigrate.grant_access('regress_fleet_op', 'operator');
SET ROLE regress_fleet_op;
SELECT schema, state, error FROM pgmigrate.fleet('h1', schemas => '{blind}');
RESET ROLE;
-- nor where others may make, or have made, what takes the place of the server's
SELECT pgmigrate.revision('fifth', 'CREATE TABLE h5 (a varchar DEFAULT ''A''); INSERT INTO h5 SELECT FROM generate_series(1, 2); UPDATE h5 SET a = lower(a)', 'DROP TABLE h5',
	id => 'h5', verify => 'SELECT bool_and(lower(a) = ''a'') FROM h5');
SELECT schema, state, steps FROM pgmigrate.fleet(schemas => '{t2,t3}');
SELECT revision FROM pgmigrate.downgrade('t3@-1');
GRANT CREATE, USAGE ON SCHEMA t3, t2 TO regress_fleet_op;
SELECT revision FROM pgmigrate.upgrade('t3@head');
SET ROLE regress_fleet_op;
CREATE FUNCTION t3.lower(varchar) RETURNS text LANGUAGE sql RETURN 'planted';
CREATE FUNCTION t2.lower(varchar) RETURNS text LANGUAGE sql RETURN 'planted';
CREATE TABLE t3.of_the_tenant ();
RESET ROLE;
REVOKE CREATE ON SCHEMA t3, t2 FROM regress_fleet_op;
SELECT revision FROM pgmigrate.upgrade('t3@head');
SELECT schema, state, error FROM pgmigrate.fleet(schemas => '{t3}');
SELECT revision, ok, detail FROM pgmigrate.verify('t2.h5');
SELECT revision FROM pgmigrate.downgrade('t2@-1');
ALTER FUNCTION t3.lower(varchar) OWNER TO pg_database_owner;
SELECT current_database() AS db, datdba::regrole AS owner FROM pg_database WHERE datname = current_database() \gset
ALTER DATABASE :"db" OWNER TO regress_fleet_op;
SELECT revision FROM pgmigrate.upgrade('t3@head');
ALTER DATABASE :"db" OWNER TO :owner;
DROP FUNCTION t3.lower(varchar);
SELECT revision FROM pgmigrate.upgrade('t3@head');
SELECT schema, state, error FROM pgmigrate.fleet(schemas => '{t3}');
-- nobody drops it while a step is at work, whatever that does first
SELECT pgmigrate.revision('sixth', 'SELECT 1', 'SELECT 1', id => 'h6');
SELECT schema, state FROM pgmigrate.fleet(schemas => '{t3}');
SET pgmigrate.execution = 'inline';
BEGIN;
SELECT revision FROM pgmigrate.downgrade('t3@-1');
SELECT mode FROM pg_locks WHERE classid = 'pg_namespace'::regclass AND objid = 't3'::regnamespace;
ROLLBACK;
RESET pgmigrate.execution;
-- by names as the schema has them: carried out online, and no lock on what has the same name in public
SELECT pgmigrate.revision('indexed', 'CREATE INDEX h5_a ON h5 (a)', 'DROP INDEX h5_a', id => 'o1');
SET pgmigrate.online_threshold = 0;
SELECT schema, state FROM pgmigrate.fleet(schemas => '{t3}');
SELECT revision, relation, strategy, state FROM pgmigrate.operations;
RESET pgmigrate.online_threshold;
CREATE TABLE public.h5 ();
SELECT pgmigrate.revision('wide', 'ALTER TABLE h5 ADD COLUMN b int; CREATE TABLE locked AS SELECT relation::regclass FROM pg_locks WHERE pid = pg_backend_pid() AND mode = ''AccessExclusiveLock'' AND relation IN (''public.h5''::regclass, ''t3.h5''::regclass)',
	'DROP TABLE locked; ALTER TABLE h5 DROP COLUMN b', id => 'o2');
SELECT schema, state FROM pgmigrate.fleet(schemas => '{t3}');
SELECT * FROM t3.locked;
SET pgmigrate.execution = 'inline';
BEGIN;
SELECT revision FROM pgmigrate.downgrade('t3@-1');
SELECT relation::regclass FROM pg_locks WHERE mode = 'AccessExclusiveLock' AND relation IN ('public.h5'::regclass, 't3.h5'::regclass);
ROLLBACK;
RESET pgmigrate.execution;
DROP TABLE public.h5;
-- where it is gone, how far it came is told nevertheless
CREATE SCHEMA gone;
SELECT pgmigrate.revision('seventh', 'DROP SCHEMA gone CASCADE; SELECT 1 / 0', id => 'h7', down_revision => '{h6}', splice => true, transactional => false);
SELECT schema, state, steps, heads, error FROM pgmigrate.fleet('h7', schemas => '{gone}');

SET client_min_messages = warning;
DROP EXTENSION pgmigrate;
DROP SCHEMA blind, t1, t2, t3, tools, "$user", "OddName", "Odd Name", "head", app, taken, "a.b", ops, "qu""o'te",
	tenant_with_a_name_that_is_as_long_as_the_name_of_a_schema_may_ CASCADE;
DROP TABLE public.currency, public.same, public.extra;
DROP ROLE regress_fleet_author, regress_fleet_op, regress_fleet_reviewer;

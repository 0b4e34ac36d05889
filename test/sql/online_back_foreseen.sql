/*
 * What a downgrade would be refused with, where it is the way back of a change:
 * plan() and report() say it before, and then it is so.
 */
SET client_min_messages = error;
DROP EXTENSION IF EXISTS pgmigrate;
CREATE EXTENSION pgmigrate;
CREATE SCHEMA fore;
SET search_path = fore, public;
SET pgmigrate.online_threshold = 0;
CREATE TABLE t (id int PRIMARY KEY, v int, w int);
INSERT INTO t SELECT g, g, g FROM generate_series(1, 10) g;
CREATE FUNCTION foreseen() RETURNS text LANGUAGE sql AS $$
	SELECT string_agg(h, ', ') FROM pgmigrate.plan('-1', 'downgrade') AS p, unnest(p.hazards) AS h WHERE h ~ 'way-back'
$$;
CREATE FUNCTION reasons() RETURNS SETOF text LANGUAGE sql AS $$
	SELECT btrim(split_part(regexp_replace(part, '\d+', 'N', 'g'), ' Instead: ', 1)) FROM (SELECT string_agg(btrim(line), ' ') AS text FROM pgmigrate.report('-1', 'downgrade') AS line) AS r,
		regexp_split_to_table(text, 'danger, way-back-refused: ') WITH ORDINALITY AS p (part, n) WHERE n > 1
$$;
SELECT pgmigrate.revision('there', 'ALTER TABLE fore.t ALTER v TYPE bigint', 'ALTER TABLE fore.t ALTER v TYPE int', id => 'there');
\set VERBOSITY terse

-- by a new table
SET pgmigrate.online_method = 'table';
SELECT state FROM pgmigrate.upgrade('head');
SELECT foreseen();
CREATE INDEX t_w ON t (w, v);
SELECT foreseen();
INSERT INTO t VALUES (11, 5000000000, 11);
SELECT foreseen();
SELECT regexp_replace(line, '\d+', 'N', 'g') AS line FROM pgmigrate.report('-1', 'downgrade') AS line WHERE line ~ 'way-back|refused';
SELECT state FROM pgmigrate.downgrade('-1');
DELETE FROM t WHERE id = 11;
CREATE TABLE other (id bigint PRIMARY KEY);
ALTER TABLE t ADD FOREIGN KEY (v) REFERENCES other NOT VALID;
SELECT foreseen();
ALTER TABLE t DROP CONSTRAINT t_v_fkey;
-- what has no double beside the table
ALTER TABLE t ADD x int;
SELECT reasons();
ALTER TABLE t DROP x, ADD EXCLUDE USING btree (w WITH =);
SELECT reasons();
ALTER TABLE t DROP CONSTRAINT t_w_excl;
ALTER TABLE t RENAME w TO renamed;
SELECT reasons();
ALTER TABLE t RENAME renamed TO w;
SELECT foreseen();
-- all that is in the way is told at once
INSERT INTO t VALUES (12, 5000000000, 12);
BEGIN;
ALTER TABLE t DISABLE TRIGGER ALL;
SELECT reasons();
ROLLBACK;
DELETE FROM t WHERE id = 12;
BEGIN;
ALTER TABLE t DISABLE TRIGGER ALL;
SELECT foreseen();
ROLLBACK;
SELECT foreseen();
SELECT state FROM pgmigrate.downgrade('-1');
SELECT pg_typeof(v), count(*) FROM t GROUP BY 1;

-- by a new column
SET pgmigrate.online_method = 'column';
SELECT state FROM pgmigrate.upgrade('head');
SELECT foreseen();
DROP INDEX t_w;
CREATE INDEX t_v ON t (v);
SELECT foreseen();
ALTER TABLE t ADD CHECK (v > 0);
SELECT foreseen();
SELECT state FROM pgmigrate.downgrade('-1');
ALTER TABLE t DROP CONSTRAINT t_v_check, ALTER v SET NOT NULL;
SELECT foreseen();
ALTER TABLE t ALTER v DROP NOT NULL;
UPDATE t SET v = 5000000000 WHERE id = 1;
SELECT foreseen();
ALTER TABLE t ADD CONSTRAINT small CHECK (v < 6000000000), ADD CONSTRAINT large CHECK (v > 0), ALTER v SET NOT NULL;
CREATE VIEW on_it AS SELECT v FROM t;
SELECT reasons();
DROP VIEW on_it;
ALTER TABLE t DROP CONSTRAINT small, DROP CONSTRAINT large, ALTER v DROP NOT NULL;
UPDATE t SET v = 1 WHERE id = 1;
SELECT foreseen();
-- once it is finalized the downgrade runs its own statements
ALTER TABLE t ADD CHECK (v > 0);
SELECT foreseen();
-- who has not the rights of the owner is not told of rows, nor has his functions run
CREATE ROLE regress_fore;
SELECT count(*) > 0 AS granted FROM pgmigrate.grant_access('regress_fore', 'viewer');
GRANT USAGE ON SCHEMA fore TO regress_fore;
SET ROLE regress_fore;
SELECT foreseen();
RESET ROLE;
DROP OWNED BY regress_fore;
DROP ROLE regress_fore;
SELECT count(*) FROM pgmigrate.finalize();
SELECT foreseen();
SELECT state FROM pgmigrate.downgrade('-1');

-- of two tables none goes back while the other cannot, nor does what is before them
CREATE TABLE one (id int PRIMARY KEY, v int);
CREATE TABLE two (id int PRIMARY KEY, v int);
SELECT pgmigrate.revision('both', 'ALTER TABLE fore.one ALTER v TYPE bigint; ALTER TABLE fore.two ALTER v TYPE bigint; CREATE INDEX two_v ON fore.two (v)',
	'DROP INDEX fore.two_v; ALTER TABLE fore.one ALTER v TYPE int; ALTER TABLE fore.two ALTER v TYPE int', id => 'both', down_revision => '{}');
SET pgmigrate.online_method = 'table';
SELECT state FROM pgmigrate.upgrade('both');
INSERT INTO two VALUES (1, 5000000000);
SELECT state FROM pgmigrate.downgrade('both-1');
SELECT atttypid::regtype, to_regclass('fore.two_v') AS index, (SELECT r.state FROM pgmigrate.revisions r WHERE r.revision = 'both') AS state FROM pg_attribute WHERE attrelid IN ('one'::regclass, 'two'::regclass) AND attname = 'v';
UPDATE two SET v = 5;
SELECT state FROM pgmigrate.downgrade('both-1');
SELECT atttypid::regtype, to_regclass('fore.two_v') AS index, (SELECT r.state FROM pgmigrate.revisions r WHERE r.revision = 'both') AS state FROM pg_attribute WHERE attrelid IN ('one'::regclass, 'two'::regclass) AND attname = 'v';

-- the plan is of the way back, not of what the downgrade says
CREATE TABLE way (id int PRIMARY KEY, v int, w int);
INSERT INTO way SELECT g, g FROM generate_series(1, 1000) g;
CREATE VIEW over_way AS SELECT v FROM way;
CREATE FUNCTION planned() RETURNS TABLE (strategy text, locks text[], rewrite bool, moment bool, hazards text[]) LANGUAGE sql AS $$
	SELECT strategy, locks, rewrite, estimate < '100 ms', hazards FROM pgmigrate.plan('way-1', 'downgrade')
$$;
CREATE FUNCTION assessed() RETURNS TABLE (statement int, rule text, level text, lock text, rewrites bool, scans bool, strategy text, work jsonb) LANGUAGE sql AS $$
	SELECT statement, rule, level, relation || ' ' || lock_mode, rewrites, scans, strategy, details -> 'estimate' FROM pgmigrate.assess('way-1', 'downgrade') ORDER BY 1, 2, 3
$$;
SELECT pgmigrate.revision('way', 'ALTER TABLE fore.way ALTER v TYPE bigint', 'ALTER TABLE fore.way ALTER v TYPE int; ALTER TABLE fore.way ALTER w SET DEFAULT 1; COMMENT ON TABLE fore.way IS $c$again$c$',
	id => 'way', down_revision => '{}');
SET pgmigrate.online_method = 'table';
SELECT state FROM pgmigrate.upgrade('way');
SELECT * FROM planned();
SELECT * FROM assessed();
SELECT line FROM pgmigrate.report('way-1', 'downgrade') AS line WHERE line ~ '^Dangers|online: ';
-- a script runs what is written
SELECT line FROM pgmigrate.script('way-1', 'downgrade') AS script, regexp_split_to_table(script, '\n') AS line WHERE line ~ '^-- (as|danger|takes)';
UPDATE way SET v = 5000000000 WHERE id = 1;
SELECT * FROM planned();
UPDATE way SET v = 1 WHERE id = 1;
-- it may be of a run that was not to go online
SET pgmigrate.online_threshold = '1h';
SELECT * FROM planned();
SET pgmigrate.online_threshold = 0;
-- the old rows are gone, which is told once
BEGIN;
SELECT format('ALTER EXTENSION pgmigrate DROP TABLE %1$s; DROP TABLE %1$s CASCADE', oid::regclass) FROM pg_class WHERE relnamespace::regnamespace::text ~ '^pgmigrate_online' AND relname = 'pgm old' \gexec
SELECT count(*) FROM reasons();
ROLLBACK;
-- taken by hand
SELECT action FROM pgmigrate.revert((SELECT max(id) FROM pgmigrate.operation));
SELECT * FROM planned();
SELECT * FROM assessed();
SELECT state FROM pgmigrate.downgrade('way-1');
-- given up
SELECT state FROM pgmigrate.upgrade('way');
SELECT count(*) FROM pgmigrate.finalize();
SELECT strategy, rewrite, hazards[1] ~ '^shadow table' AS figures FROM planned();
SELECT state FROM pgmigrate.downgrade('way-1');
-- by a new column
SET pgmigrate.online_method = 'column';
DROP VIEW over_way;
SELECT state FROM pgmigrate.upgrade('way');
SELECT * FROM planned();
SELECT state FROM pgmigrate.downgrade('way-1');
DROP SCHEMA fore CASCADE;
DROP EXTENSION pgmigrate;
CREATE EXTENSION pgmigrate;

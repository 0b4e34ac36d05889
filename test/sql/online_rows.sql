-- UPDATE and DELETE of many rows, and columns with values of their own, carried
-- out range by range: the end is that of the statement as it is written.
SET client_min_messages = warning;
DROP EXTENSION IF EXISTS pgmigrate;
CREATE EXTENSION pgmigrate;
-- tables are made anew by hand between the runs
SET pgmigrate.drift_ignore = '%';
CREATE SCHEMA many;
SET search_path = many, public;

-- The table before each change.
CREATE FUNCTION many.anew() RETURNS void LANGUAGE plpgsql AS $$
BEGIN
	SET LOCAL client_min_messages = error;
	DROP TABLE IF EXISTS many.t CASCADE;
	CREATE TABLE many.t (id int PRIMARY KEY, v text, n int);
	INSERT INTO many.t SELECT g, CASE WHEN g % 2 = 0 THEN 'v' || g END FROM generate_series(1, 2000) g;
	ANALYZE many.t;
END $$;
-- Rows, and all that the catalog has of the table, without numbers.
CREATE FUNCTION many.state(columns text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE rows text;
BEGIN
	EXECUTE format('SELECT count(*) || '' rows, digest '' || md5(string_agg(x::text, '','' ORDER BY x::text)) FROM (SELECT %s FROM many.t) x', columns) INTO rows;
	RETURN rows || ', ' || pgmigrate.fingerprint('{many}');
END $$;

-- A statement both ways.
CREATE TABLE public.many_done (statement text, way text, state text, strategies text);
SET pgmigrate.online_threshold = 0;

CREATE PROCEDURE many.prepare(id text, sql text) LANGUAGE plpgsql AS $$
BEGIN
	PERFORM many.anew();
	PERFORM pgmigrate.revision('change ' || id, sql, id => id);
END $$;
CREATE PROCEDURE many.keep(which text, sql text, way text, columns text) LANGUAGE plpgsql AS $$
BEGIN
	INSERT INTO public.many_done VALUES (sql, way, many.state(columns),
		(SELECT string_agg(o.strategy || ', ' || o.state, '; ') FROM pgmigrate.operation o WHERE o.revision = which));
END $$;

\set sql 'UPDATE t SET v = ''none'' WHERE v IS NULL'
\set columns '*'
CALL prepare('r1a', :'sql');
SELECT revision, state FROM pgmigrate.upgrade();
CALL keep('r1a', :'sql', 'online', :'columns');
SET pgmigrate.online = off;
CALL prepare('r1b', :'sql');
SELECT revision, state FROM pgmigrate.upgrade();
CALL keep('r1b', :'sql', 'plain', :'columns');
RESET pgmigrate.online;

\set sql 'DELETE FROM t WHERE id % 3 = 0'
CALL prepare('r2a', :'sql');
SELECT revision, state FROM pgmigrate.upgrade();
CALL keep('r2a', :'sql', 'online', :'columns');
SET pgmigrate.online = off;
CALL prepare('r2b', :'sql');
SELECT revision, state FROM pgmigrate.upgrade();
CALL keep('r2b', :'sql', 'plain', :'columns');
RESET pgmigrate.online;

-- what would be changed twice stays as it is written
\set sql 'UPDATE t SET n = coalesce(n, 0) + 1'
CALL prepare('r3a', :'sql');
SELECT revision, state FROM pgmigrate.upgrade();
CALL keep('r3a', :'sql', 'online', :'columns');
SET pgmigrate.online = off;
CALL prepare('r3b', :'sql');
SELECT revision, state FROM pgmigrate.upgrade();
CALL keep('r3b', :'sql', 'plain', :'columns');
RESET pgmigrate.online;

-- a default that is another one for each row
\set sql 'ALTER TABLE t ADD COLUMN u uuid DEFAULT gen_random_uuid() NOT NULL CHECK (u <> ''00000000-0000-0000-0000-000000000000'') UNIQUE'
\set columns 'id, v, n, u IS NOT NULL'
CALL prepare('r4a', :'sql');
SELECT revision, state FROM pgmigrate.upgrade();
CALL keep('r4a', :'sql', 'online', :'columns');
SELECT count(*), count(DISTINCT u) FROM t;
SET pgmigrate.online = off;
CALL prepare('r4b', :'sql');
SELECT revision, state FROM pgmigrate.upgrade();
CALL keep('r4b', :'sql', 'plain', :'columns');
RESET pgmigrate.online;

\set sql 'ALTER TABLE t ADD COLUMN s bigserial'
\set columns 'id, v, n, s'
CALL prepare('r5a', :'sql');
SELECT revision, state FROM pgmigrate.upgrade();
CALL keep('r5a', :'sql', 'online', :'columns');
SELECT pg_get_serial_sequence('t', 's'), nextval('t_s_seq');
SET pgmigrate.online = off;
CALL prepare('r5b', :'sql');
SELECT revision, state FROM pgmigrate.upgrade();
CALL keep('r5b', :'sql', 'plain', :'columns');
RESET pgmigrate.online;

\set sql 'ALTER TABLE t ADD COLUMN i int GENERATED ALWAYS AS IDENTITY'
\set columns 'id, v, n, i'
CALL prepare('r6a', :'sql');
SELECT revision, state FROM pgmigrate.upgrade();
CALL keep('r6a', :'sql', 'online', :'columns');
INSERT INTO t VALUES (-1) RETURNING i;
SET pgmigrate.online = off;
CALL prepare('r6b', :'sql');
SELECT revision, state FROM pgmigrate.upgrade();
CALL keep('r6b', :'sql', 'plain', :'columns');
RESET pgmigrate.online;

-- what is joined: cut up where no part reads what another one has changed
CREATE TABLE public.o (id int PRIMARY KEY, v text, k int);
INSERT INTO public.o SELECT g, 'o' || g, g % 7 FROM generate_series(1, 3000, 3) g;
CREATE TABLE public.twice AS SELECT id, n, 'x' || n AS v FROM generate_series(1, 500) id, generate_series(1, 3) n;
CREATE VIEW public.behind AS SELECT id, v FROM public.o;
ANALYZE public.o, public.twice;
CREATE TABLE public.many_joined (n serial, sql text);
INSERT INTO public.many_joined (sql) VALUES
	('UPDATE t AS x SET v = o.v, n = k FROM o WHERE o.id = x.id AND x.v IS NULL'),
	('UPDATE t SET v = o.v FROM behind o WHERE t.id = o.id AND t.v <> o.v'),
	('UPDATE t SET n = a.k FROM o a LEFT JOIN twice b ON b.id = a.id AND b.n = 2 WHERE a.id = t.id AND b.id IS NULL'),
	('WITH w AS (SELECT k, count(*) FROM o GROUP BY k) UPDATE t SET n = w.count FROM w WHERE t.id % 7 = w.k'),
	('WITH w AS (SELECT id FROM o) DELETE FROM t USING w, twice b WHERE w.id = t.id AND b.id = w.id'),
	('UPDATE t SET n = p.id FROM t p WHERE p.id = t.id - 1 AND t.n IS NULL');
SELECT format('CALL prepare(%L, %L)', 'j' || n || way, sql) AS a,
	format('SET pgmigrate.online = %s', way) AS b,
	'SELECT revision, state FROM pgmigrate.upgrade()' AS c,
	format('CALL keep(%L, %L, %L, ''*'')', 'j' || n || way, sql, way) AS d
FROM public.many_joined, unnest(ARRAY['on', 'off']) way ORDER BY n, way DESC
\set ECHO none
\o /dev/null
\gexec
\o
\set ECHO all
RESET pgmigrate.online;
-- a row that several are joined to has the value of one of them
CALL prepare('j8', 'UPDATE t SET v = b.v FROM twice b WHERE b.id = t.id');
SET client_min_messages = notice;
SELECT revision, state, details - 'duration' AS details FROM pgmigrate.upgrade();
SET client_min_messages = warning;
SELECT count(*) FROM t JOIN twice USING (id, v);

-- the same end either way
SELECT statement, count(DISTINCT state) AS ends, string_agg(strategies, ' | ') AS carried_out
FROM public.many_done GROUP BY statement ORDER BY min(ctid);

-- why others run as they are written
SELECT anew();
CREATE TABLE public.far AS SELECT g AS id, g % 10 AS k FROM generate_series(1, 400000) g;
ANALYZE public.far;
CREATE TABLE public.hangs (id int REFERENCES t (id) ON DELETE CASCADE, k int);
CREATE TABLE public.above (id int, n int);
ALTER TABLE t INHERIT public.above;
CREATE TABLE public.over_hangs (k int);
ALTER TABLE public.hangs INHERIT public.over_hangs;
CREATE FUNCTION many.greatest_before(int) RETURNS int STABLE LANGUAGE plpgsql AS 'BEGIN RETURN (SELECT max(n) FROM many.t WHERE id < $1); END';
SELECT pgmigrate.revision('joined', $$
UPDATE t SET n = p.n + 1 FROM t p WHERE p.id = t.id - 1;
UPDATE t SET n = 1 WHERE NOT EXISTS (SELECT FROM t p WHERE p.n = 1);
DELETE FROM t USING t p WHERE p.id = t.id - 1;
DELETE FROM t WHERE id > 3 AND NOT EXISTS (SELECT FROM t p WHERE p.id = t.id + 1);
UPDATE t SET n = p.n + 1 FROM above p WHERE p.id = t.id - 1;
DELETE FROM t USING hangs h WHERE h.k = t.id;
DELETE FROM t USING over_hangs h WHERE h.k = t.id;
WITH w AS (UPDATE o SET v = v RETURNING id) UPDATE t SET n = 1 FROM w WHERE w.id = t.id;
DELETE FROM t USING (SELECT id FROM o ORDER BY id LIMIT 10) w WHERE w.id = t.id;
UPDATE t SET n = 1 FROM (SELECT id FROM o FOR SHARE) w WHERE w.id = t.id;
UPDATE t SET n = 1 FROM o TABLESAMPLE bernoulli (100) WHERE o.id = t.id;
UPDATE t SET n = 1 FROM (SELECT id, random() AS r FROM o) w WHERE w.id = t.id AND r < 2;
UPDATE t SET n = far.k FROM far WHERE far.id = t.id;
UPDATE t SET n = t.n + o.k FROM o WHERE o.id = t.id AND t.n IS NULL;
UPDATE t SET n = o.k FROM o WHERE o.id = t.id RETURNING t.id;
UPDATE t SET n = greatest_before(id) + 1;
-- and these are
UPDATE t SET n = o.k FROM o WHERE o.id = t.id;
DELETE FROM t USING o WHERE o.id = t.id;
UPDATE t SET n = h.k FROM hangs h WHERE h.id = t.id;
UPDATE t SET n = p.n + 1 FROM ONLY above p WHERE p.id = t.id - 1;
UPDATE t SET v = (SELECT o.v FROM o WHERE o.id = t.id) WHERE t.v IS NULL;
UPDATE t SET n = (SELECT count(*) FROM t p WHERE p.id < 10);
UPDATE t SET n = 1 FROM (SELECT id, max(k) AS k FROM o GROUP BY id) w WHERE w.id = t.id AND w.k > 1
$$, id => 'why');
SELECT statement, strategy FROM pgmigrate.plan('why');
SET client_min_messages = notice;
SELECT revision, state FROM pgmigrate.upgrade();
SET client_min_messages = warning;

\set SHOW_CONTEXT never
-- what fails leaves nothing of a column, and is gone on with for rows
\set sql 'ALTER TABLE t ADD COLUMN d float8 DEFAULT random() * 0 CHECK (d > 0)'
CALL prepare('r7', :'sql');
SELECT revision, state FROM pgmigrate.upgrade();
SELECT attname FROM pg_attribute WHERE attrelid = 't'::regclass AND attnum > 0 AND NOT attisdropped ORDER BY attnum;
SELECT pgmigrate.remove('r7');
CALL prepare('r8', 'UPDATE t SET n = 10 / (id - 1500) WHERE n IS NULL');
SELECT revision, state FROM pgmigrate.upgrade();
SELECT count(*) > 0 AS some, count(*) < 2000 AS not_all FROM t WHERE n IS NOT NULL;
SELECT state FROM pgmigrate.operation WHERE revision = 'r8';
UPDATE t SET id = 9999 WHERE id = 1500;
SELECT revision, state FROM pgmigrate.upgrade();
SELECT state FROM pgmigrate.operation WHERE revision = 'r8';
SELECT count(*) FROM t WHERE n IS NULL;

-- a column more than there may be is refused as it is for the statement, and nothing is left
SELECT anew();
DO $$ BEGIN EXECUTE (SELECT 'ALTER TABLE many.t ' || string_agg('ADD c' || g || ' int', ', ') FROM generate_series(1, 1596) g);
	EXECUTE (SELECT 'ALTER TABLE many.t ' || string_agg('DROP c' || g, ', ') FROM generate_series(1, 1596) g); END $$;
SELECT pgmigrate.revision('too many', 'ALTER TABLE t ADD COLUMN u uuid DEFAULT gen_random_uuid(), ADD COLUMN w uuid DEFAULT gen_random_uuid()', id => 'wide');
SELECT revision, state FROM pgmigrate.upgrade();
SELECT max(attnum), count(*) FILTER (WHERE NOT attisdropped) AS columns FROM pg_attribute WHERE attrelid = 't'::regclass AND attnum > 0;
SELECT pgmigrate.remove('wide');
SELECT pgmigrate.revision('the last', 'ALTER TABLE t ADD COLUMN u uuid DEFAULT gen_random_uuid()', id => 'last');
SELECT revision, state FROM pgmigrate.upgrade();
SELECT count(u), count(DISTINCT u) FROM t;
-- a table with triggers for UPDATE: they would not fire for ADD COLUMN
CREATE FUNCTION many.note() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN NEW.v := ''fired''; RETURN NEW; END';
CALL prepare('r9', 'ALTER TABLE t ADD COLUMN u uuid DEFAULT gen_random_uuid()');
CREATE TRIGGER note BEFORE UPDATE ON t FOR EACH ROW EXECUTE FUNCTION many.note();
SELECT revision, state FROM pgmigrate.upgrade();
SELECT count(*) FROM t WHERE v = 'fired';

DROP TRIGGER note ON t;
-- nor one whose policies hide rows from its owner, which an UPDATE would leave without a value
CREATE ROLE regress_pgmigrate_forced;
SELECT count(*) > 0 AS may FROM unnest(ARRAY['operator', 'author']) AS l, pgmigrate.grant_access('regress_pgmigrate_forced', l);
GRANT CREATE, USAGE ON SCHEMA many TO regress_pgmigrate_forced;
SET ROLE regress_pgmigrate_forced;
CREATE TABLE many.forced (id int);
INSERT INTO many.forced SELECT generate_series(1, 20);
CREATE POLICY few ON many.forced USING (id <= 5);
ALTER TABLE many.forced ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
SELECT pgmigrate.revision('r10', 'ALTER TABLE many.forced ADD COLUMN u uuid DEFAULT gen_random_uuid(), ADD COLUMN s serial', id => 'r10', down_revision => '{}');
SELECT statement, strategy FROM pgmigrate.plan('r10');
SELECT revision, state FROM pgmigrate.upgrade('r10');
RESET ROLE;
SELECT count(*), count(DISTINCT u), count(DISTINCT s) FROM many.forced;
DROP TABLE many.forced;
DROP OWNED BY regress_pgmigrate_forced;
DROP ROLE regress_pgmigrate_forced;

-- rows without their values yet are updated by others meanwhile, and may be given some of them
CREATE TABLE many.busy (id int PRIMARY KEY, v int);
INSERT INTO many.busy SELECT generate_series(1, 2000), 0;
VACUUM ANALYZE many.busy;
CREATE TABLE many.hold ();
INSERT INTO many.hold DEFAULT VALUES;
SELECT pgmigrate.revision('r11', 'ALTER TABLE many.busy ADD COLUMN u uuid NOT NULL DEFAULT gen_random_uuid(), ADD COLUMN s serial', id => 'r11', down_revision => '{}');
SET pgmigrate.throttle_query = 'SELECT EXISTS (SELECT FROM many.hold)';
SELECT pgmigrate.upgrade_start('r11') > 0 AS started;
DO $$
BEGIN
	FOR i IN 1 .. 3000 LOOP
		EXIT WHEN EXISTS (SELECT FROM pgmigrate.operations WHERE relation = 'many.busy' AND waiting_for ~ 'throttle');
		PERFORM pg_sleep(0.02);
	END LOOP;
END $$;
SELECT state FROM pgmigrate.operations WHERE relation = 'many.busy';
UPDATE many.busy SET v = 1 WHERE id = 1000;
UPDATE many.busy SET u = gen_random_uuid() WHERE id = 1001;
UPDATE many.busy SET s = 5000 WHERE id = 1002;
DELETE FROM many.hold;
SELECT state, error FROM pgmigrate.wait();
RESET pgmigrate.throttle_query;
SELECT count(DISTINCT u), count(DISTINCT s), sum(v) FROM many.busy;
SELECT conname FROM pg_constraint WHERE conrelid = 'many.busy'::regclass AND contype = 'c';

-- columns may have the schema of the table before theirs
CREATE SCHEMA apart;
CREATE TABLE apart.t (id int, n int);
INSERT INTO apart.t SELECT g, 7 FROM generate_series(1, 10) g;
SELECT many.anew();
SELECT pgmigrate.revision('r12', 'UPDATE many.t SET n = 5 WHERE many.t.id <= 100; DELETE FROM many.t USING apart.t AS a WHERE many.t.id = a.id AND a.id < 6; UPDATE many.t SET n = (SELECT max(n) FROM apart.t WHERE many.t.id = apart.t.id) WHERE many.t.id = 7; UPDATE many.t SET n = apart.t.n FROM apart.t WHERE many.t.id = apart.t.id AND apart.t.id = 8', id => 'r12', down_revision => '{}') IS NOT NULL AS stored;
SELECT strategy FROM pgmigrate.plan('r12');
SELECT state FROM pgmigrate.upgrade('r12');
SELECT count(*), sum(n), min(n) FILTER (WHERE id = 6) AS six, min(n) FILTER (WHERE id = 7) AS seven, min(n) FILTER (WHERE id = 8) AS eight FROM many.t;
DROP SCHEMA apart CASCADE;

-- DEFAULT is that of the table which the statement names, also in what is below it
CREATE TABLE many.whole (id int, n int DEFAULT 5, m int) PARTITION BY RANGE (id);
CREATE TABLE many.part PARTITION OF many.whole FOR VALUES FROM (0) TO (100000);
INSERT INTO many.whole SELECT g, 0, 0 FROM generate_series(1, 10000) g;
ANALYZE many.whole;
SELECT pgmigrate.revision('r13', 'UPDATE many.whole SET n = DEFAULT WHERE n = 0', 'SELECT 1', id => 'r13', down_revision => '{}') IS NOT NULL AS stored;
SELECT strategy, hazards FROM pgmigrate.plan('r13');
ALTER TABLE many.part ALTER n SET DEFAULT 6;
SELECT strategy, hazards FROM pgmigrate.plan('r13');
SELECT pgmigrate.backfill('many.whole', 'n = DEFAULT', 'n = 0');
SELECT pgmigrate.backfill('many.whole', '(m, n) = (1, DEFAULT)', 'n = 0');
SELECT state FROM pgmigrate.upgrade('r13');
SELECT n, count(*) FROM many.whole GROUP BY n;
CREATE TABLE many.numbered (id int GENERATED BY DEFAULT AS IDENTITY, n int);
CREATE TABLE many.numbered_too () INHERITS (many.numbered);
INSERT INTO many.numbered_too SELECT g, 0 FROM generate_series(1, 10000) g;
ANALYZE many.numbered_too;
SELECT pgmigrate.revision('r14', 'UPDATE many.numbered SET id = DEFAULT WHERE n = 0', 'SELECT 1', id => 'r14', down_revision => '{}') IS NOT NULL AS stored;
SELECT strategy, hazards FROM pgmigrate.plan('r14');

-- of a column that is newer than the statistics of its table the planner knows nothing: all rows may be meant
CREATE TABLE many.grown (id int PRIMARY KEY, v int);
CREATE TABLE many.grown_too () INHERITS (many.grown);
INSERT INTO many.grown SELECT g, g FROM generate_series(1, 50000) g;
INSERT INTO many.grown_too SELECT g, g FROM generate_series(100001, 100500) g;
ANALYZE many.grown;
ANALYZE many.grown_too;
SET pgmigrate.online_threshold = '10ms';
SELECT pgmigrate.revision('r15', 'ALTER TABLE many.grown ADD n int; UPDATE many.grown SET n = v WHERE n IS NULL; UPDATE many.grown SET n = 0 WHERE id = 7', id => 'r15', down_revision => '{}') IS NOT NULL AS stored;
SELECT strategy FROM pgmigrate.plan('r15');
SELECT state FROM pgmigrate.upgrade('r15');
SELECT statement, strategy, state FROM pgmigrate.operation WHERE revision = 'r15' ORDER BY 1;
SELECT count(*), count(n), count(*) FILTER (WHERE n = v) AS same FROM many.grown;
RESET pgmigrate.online_threshold;

DROP VIEW public.behind;
DROP TABLE public.many_done, public.many_joined, public.o, public.twice, public.far, public.hangs, public.over_hangs, public.above;
DROP SCHEMA many CASCADE;
DROP EXTENSION pgmigrate;

-- Many rows changed a few pages at a time: all kinds of tables, and what is
-- refused before anything is written.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS pgmigrate;
CREATE SCHEMA fill;
SET search_path = fill, public;
RESET client_min_messages;

-- what a call has to say
CREATE FUNCTION fill.kinds(OUT command text, OUT state text, OUT operation text, OUT message text) RETURNS SETOF record
LANGUAGE sql AS $$
SELECT r.command, r.state, o.state, s.message
FROM pgmigrate.run r JOIN pgmigrate.run_step s ON s.run = r.id
LEFT JOIN pgmigrate.operation o ON o.run = r.id
WHERE r.command = 'backfill' ORDER BY r.id DESC LIMIT 1 $$;

CREATE TABLE users (id int PRIMARY KEY, name text, phone text, n int);
INSERT INTO users SELECT g, 'user ' || g, CASE WHEN g % 3 = 0 THEN '0' END, 0
FROM generate_series(1, 20000) g;
ANALYZE users;

\set columns 'step, revision, direction, message, state, details - ''operation'' - ''rows'' AS details'
SELECT :columns FROM pgmigrate.backfill('users', 'phone = ''''', 'phone IS NULL');
SELECT phone, count(*) FROM users GROUP BY 1 ORDER BY 1;
SELECT * FROM kinds();
SELECT relation, strategy, method, state, switched, done, total, unit FROM pgmigrate.operations ORDER BY operation DESC LIMIT 1;
SELECT next_block = end_block AS complete, row_count FROM pgmigrate.operation_range ORDER BY operation DESC LIMIT 1;
-- nothing is left to do
SELECT :columns FROM pgmigrate.backfill('users', 'phone = ''''', 'phone IS NULL');

-- what it asks whether to wait releases no lock of the run, and leaves it none
CREATE SEQUENCE asked;
CREATE SEQUENCE wrong;
CREATE FUNCTION fill.unlocks() RETURNS bool LANGUAGE plpgsql AS $$BEGIN
	PERFORM nextval('fill.wrong') FROM pg_locks WHERE pid = pg_backend_pid() AND locktype = 'advisory';
	PERFORM pg_advisory_unlock_all(), pg_advisory_lock(71), pg_advisory_xact_lock(72), nextval('fill.asked');
	-- both of the run's
	PERFORM nextval('fill.wrong') FROM pg_locks WHERE pid = pg_backend_pid() AND locktype = 'userlock' HAVING count(*) <> 2;
	RETURN false;
END$$;
SET pgmigrate.throttle_query = 'SELECT fill.unlocks()';
SELECT state FROM pgmigrate.backfill('users', 'n = 1', 'n = 0', chunk_time => '1 ms', pause => '100 ms');
SELECT asked.last_value > 1 AS asked, wrong.is_called AS wrong FROM asked, wrong;
RESET pgmigrate.throttle_query;
UPDATE users SET n = 0;

-- without a condition, and as a new value of the old one
SELECT :columns FROM pgmigrate.backfill('users', 'n = length(name), phone = lower(name)');
SELECT count(*) FROM users WHERE n IS DISTINCT FROM length(name) OR phone IS DISTINCT FROM name;
SELECT :columns FROM pgmigrate.backfill('users', 'name = upper(name)', 'name <> upper(name)');
SELECT count(*) FROM users WHERE name = 'USER ' || id;
-- volatile
SELECT :columns FROM pgmigrate.backfill('users', 'n = (random() * 100)::int + 100', 'n < 100');
SELECT count(*) FROM users WHERE n < 100;
-- where nothing tells a changed row from one that is left, nothing is proven
SELECT details->'proven' AS proven FROM pgmigrate.backfill('users', 'n = (random() * 100)::int + 100');
-- by an index, whose condition few rows meet
CREATE INDEX users_phone ON users (phone);
UPDATE users SET phone = NULL WHERE id IN (5, 10000);
VACUUM ANALYZE users;
SELECT state, details->'rows' AS rows, details->'proven' AS proven FROM pgmigrate.backfill('users', 'phone = ''few''', 'phone IS NULL');
SELECT id FROM users WHERE phone = 'few' ORDER BY 1;
SELECT count(*) FROM pgmigrate.operation_range WHERE operation = (SELECT max(id) FROM pgmigrate.operation);

-- in a transaction the statement runs as it is written, and is undone with it
BEGIN;
SELECT :columns FROM pgmigrate.backfill('users', 'phone = ''no''', 'id <= 10');
SELECT count(*) FROM users WHERE phone = 'no';
ROLLBACK;
SELECT count(*) FROM users WHERE phone = 'no';

-- no key, TOAST, unlogged, long rows
CREATE UNLOGGED TABLE plain (a int, b text, c text);
ALTER TABLE plain ALTER b SET STORAGE EXTERNAL;
INSERT INTO plain SELECT g, repeat('x', 5000), NULL FROM generate_series(1, 500) g;
SELECT :columns FROM pgmigrate.backfill('plain', 'c = b', 'c IS NULL', chunk_time => '1 ms');
SELECT count(*), min(length(c)), max(length(c)) FROM plain WHERE b = c;

-- full pages behind many without a row: no chunk changes more than it may
CREATE TABLE holes (id int, c int);
INSERT INTO holes SELECT g FROM generate_series(1, 200000) g;
DELETE FROM holes WHERE id <= 180000;
VACUUM ANALYZE holes;
SELECT :columns FROM pgmigrate.backfill('holes', 'c = id', 'c IS NULL', chunk_time => '1 ms');
SELECT sum(n), max(n) <= 500 AS bounded FROM (SELECT count(*) AS n FROM holes WHERE c = id GROUP BY xmin::text) AS chunks;

-- each partition by itself; a dropped column and another order in one
CREATE TABLE parted (k int, v text, w text) PARTITION BY RANGE (k);
CREATE TABLE parted_1 PARTITION OF parted FOR VALUES FROM (0) TO (1000);
CREATE TABLE parted_2 (w text, gone int, v text, k int);
ALTER TABLE parted_2 DROP gone;
ALTER TABLE parted ATTACH PARTITION parted_2 FOR VALUES FROM (1000) TO (2000);
CREATE TABLE parted_3 PARTITION OF parted FOR VALUES FROM (2000) TO (3000) PARTITION BY LIST (k);
CREATE TABLE parted_3_rest PARTITION OF parted_3 DEFAULT;
INSERT INTO parted SELECT g, 'v' || g FROM generate_series(0, 2999) g;
SELECT :columns FROM pgmigrate.backfill('parted', 'w = parted.v', 'parted.w IS NULL', workers => 2);
SELECT tableoid::regclass, count(*) FROM parted WHERE v = w GROUP BY 1 ORDER BY 1;
SELECT part, relid::regclass, row_count FROM pgmigrate.operation_range WHERE operation = (SELECT max(id) FROM pgmigrate.operation) ORDER BY 1;
SELECT pgmigrate.backfill('parted', 'k = k + 1', 'k < 0');
SELECT pgmigrate.backfill('parted', 'k = 5', 'k = 4');
-- those that inherit, as UPDATE would
CREATE TABLE parent (a int, b int);
CREATE TABLE child () INHERITS (parent);
INSERT INTO parent VALUES (1), (2);
INSERT INTO child VALUES (3);
SELECT :columns FROM pgmigrate.backfill('parent', 'b = a * 2', 'b IS NULL');
SELECT tableoid::regclass, * FROM parent ORDER BY a;

-- triggers fire as for any UPDATE
CREATE TABLE noted (id int, v text, at text);
CREATE FUNCTION fill.note() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN NEW.at := TG_OP || ' ' || current_user; RETURN NEW; END $$;
CREATE TRIGGER note BEFORE UPDATE ON noted FOR EACH ROW EXECUTE FUNCTION fill.note();
INSERT INTO noted SELECT g FROM generate_series(1, 100) g;
SELECT :columns FROM pgmigrate.backfill('noted', 'v = ''x''', 'v IS NULL');
SELECT at = 'UPDATE ' || current_user AS fired, count(*) FROM noted GROUP BY 1;
-- once for each row where the condition is met by none that is changed, whatever room is on later pages
CREATE TABLE holes_noted (id int, v text, n int DEFAULT 0) WITH (autovacuum_enabled = off);
INSERT INTO holes_noted SELECT g FROM generate_series(1, 6000) g;
DELETE FROM holes_noted WHERE id % 3 = 0;
VACUUM ANALYZE holes_noted;
CREATE FUNCTION fill.tally() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.n := OLD.n + 1; RETURN NEW; END $$;
CREATE TRIGGER tally BEFORE UPDATE ON holes_noted FOR EACH ROW EXECUTE FUNCTION fill.tally();
SELECT details->'rows' AS rows FROM pgmigrate.backfill('holes_noted', 'v = ''x''', 'v IS NULL');
SELECT n, count(*) FROM holes_noted GROUP BY 1 ORDER BY 1;
SELECT details->'proven' AS proven FROM pgmigrate.backfill('holes_noted', 'v = ''y''');
SELECT min(n), count(*) FILTER (WHERE v = 'y') FROM holes_noted;

-- a row that cannot be changed is named, and the run goes on from there
CREATE TABLE bad (id int PRIMARY KEY, v text, n int);
INSERT INTO bad SELECT g, CASE WHEN g = 1234 THEN 'x' ELSE g::text END FROM generate_series(1, 3000) g;
\set SHOW_CONTEXT never
SELECT pgmigrate.backfill('bad', 'n = v::int', 'n IS NULL');
SELECT regexp_replace(context, '\(\d+,\d+\)', '(ctid)') FROM pgmigrate.run_error ORDER BY run DESC LIMIT 1;
SELECT * FROM kinds();
SELECT state, error FROM pgmigrate.runs LIMIT 1;
SELECT count(*) BETWEEN 1 AND 2999 AS partly FROM bad WHERE n IS NOT NULL;
UPDATE bad SET v = '1234' WHERE id = 1234;
\set QUIET on
SET client_min_messages = warning;
SELECT :columns FROM pgmigrate.backfill('bad', 'n = v::int', 'n IS NULL');
RESET client_min_messages;
SELECT count(*) FROM bad WHERE n IS DISTINCT FROM id;
-- or set aside
UPDATE bad SET n = NULL;
UPDATE bad SET v = 'y' WHERE id IN (7, 2000);
SET pgmigrate.on_row_error = quarantine;
SELECT :columns FROM pgmigrate.backfill('bad', 'n = v::int', 'n IS NULL');
RESET pgmigrate.on_row_error;
SELECT relation, relid::regclass, row_key, sqlstate, error FROM pgmigrate.operation_row ORDER BY row_key;
SELECT id FROM bad WHERE n IS NULL ORDER BY 1;
-- by constraints and RAISE as well
CREATE TABLE checked (id int PRIMARY KEY, n int CHECK (n <> 7), m int);
CREATE FUNCTION fill.refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'not this one'; END $$;
CREATE TRIGGER refuse BEFORE UPDATE ON checked FOR EACH ROW WHEN (new.m = 9) EXECUTE FUNCTION fill.refuse();
INSERT INTO checked SELECT g FROM generate_series(1, 10) g;
SET pgmigrate.on_row_error = quarantine;
SELECT state, details->'rows' AS rows, details->'rows_set_aside' AS set_aside, details->'proven' AS proven FROM pgmigrate.backfill('checked', 'n = id, m = id', 'n IS NULL');
SELECT row_key, sqlstate FROM pgmigrate.operation_row WHERE relid = 'checked'::regclass ORDER BY row_key;
-- a range that ends with such a row is done all the same
SELECT bool_and(next_block = end_block) AS complete FROM pgmigrate.operation_range WHERE operation = (SELECT max(id) FROM pgmigrate.operation);
-- where to ask whether a row would change fails for one, others that come meanwhile are found: each has a page of its own
CREATE TABLE late (id int PRIMARY KEY, v text, n int, pad text);
ALTER TABLE late ALTER pad SET STORAGE PLAIN;
CREATE FUNCTION fill.another() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN INSERT INTO fill.late VALUES (4, '4', NULL, new.pad); RETURN NULL; END $$;
CREATE TRIGGER another AFTER UPDATE ON late FOR EACH ROW WHEN (new.id = 3) EXECUTE FUNCTION fill.another();
INSERT INTO late SELECT g, CASE WHEN g = 1 THEN 'x' ELSE g::text END, NULL, repeat('x', 5000) FROM generate_series(1, 3) g;
SELECT state, details->'rows_set_aside' AS set_aside, details->'proven' AS proven FROM pgmigrate.backfill('late', 'n = v::int', 'n IS NULL');
SELECT id, n FROM late ORDER BY id;
RESET pgmigrate.on_row_error;
-- a failed one is given up
SELECT pgmigrate.backfill('bad', 'n = 1 / (id - 77)', 'n >= 0');
SELECT pgmigrate.cancel(max(id)) FROM pgmigrate.run;
SELECT pgmigrate.cancel(max(id)) FROM pgmigrate.run;
SELECT * FROM kinds();
-- where its names are looked for is a part of a call: with another search_path it is none that goes on
CREATE SCHEMA fill_too;
CREATE TABLE priced AS SELECT g AS id, NULL::int AS price FROM generate_series(1, 100) g;
CREATE FUNCTION fill.price(int) RETURNS int IMMUTABLE LANGUAGE sql AS 'SELECT 1 / ($1 - 50)';
CREATE FUNCTION fill_too.price(int) RETURNS int IMMUTABLE LANGUAGE sql AS 'SELECT 1000 + $1';
SELECT pgmigrate.backfill('priced', 'price = price(id)');
SET search_path = fill_too, fill, public;
SELECT state FROM pgmigrate.backfill('priced', 'price = price(id)');
SELECT count(*) FROM priced WHERE price = 1000 + id;
SET search_path = fill, public;
SELECT state, count(*) FROM pgmigrate.operation WHERE relid = 'priced'::regclass GROUP BY 1 ORDER BY 1;
SELECT pgmigrate.cancel(min(run)) FROM pgmigrate.operation WHERE relid = 'priced'::regclass;
DROP SCHEMA fill_too CASCADE;
-- a condition that is met for ever
SELECT pgmigrate.backfill('bad', 'n = n + 1', 'n > 0');
SELECT count(*) FROM bad WHERE n > 0 AND n <> id;
SELECT pgmigrate.cancel(max(id)) FROM pgmigrate.run;
SET client_min_messages = error;
SELECT state, (details->>'rows_left')::int >= 2900 AS left, details->'proven' AS proven FROM pgmigrate.backfill('bad', 'n = 5', 'n IS NOT NULL');
RESET client_min_messages;

-- a table that has had as many columns as there may be
DO $$ BEGIN EXECUTE (SELECT 'CREATE TABLE fill.wide (id int, n int, ' || string_agg('c' || g || ' int', ', ') || ')' FROM generate_series(1, 1590) g);
	EXECUTE (SELECT 'ALTER TABLE fill.wide ' || string_agg('DROP c' || g, ', ') FROM generate_series(1, 1590) g); END $$;
INSERT INTO wide SELECT g FROM generate_series(1, 1000) g;
SELECT :columns FROM pgmigrate.backfill('wide', 'n = id', 'n IS NULL');
SELECT count(*) FROM wide WHERE n = id;

-- syntax
\set SHOW_CONTEXT errors
SELECT pgmigrate.backfill('users', 'phone = ', 'phone IS NULL');
SELECT pgmigrate.backfill('users', 'phone = ''x''', 'phone IS NUL');
SELECT pgmigrate.backfill('users', 'phone = nosuch', 'id = 1');
SELECT pgmigrate.backfill('users', 'nosuch = 1');
SELECT pgmigrate.backfill('users', 'n = ''x''');
SELECT pgmigrate.backfill('users', 'n = 1', 'id');
-- one statement, on that relation
SELECT pgmigrate.backfill('users', 'n = 1; DROP TABLE users');
SELECT pgmigrate.backfill('users', 'n = 1', 'true; DROP TABLE users');
SELECT pgmigrate.backfill('users', 'n = 1', 'true) OR (true');
SELECT pgmigrate.backfill('users', 'n = 1 WHERE id = 1');
SELECT pgmigrate.backfill('users', 'n = 1 FROM bad', 'id = 1');
SELECT pgmigrate.backfill('users', 'n = 1 RETURNING 1');
SELECT pgmigrate.backfill('users', 'n = 1', 'id = 1 UNION SELECT true');
SELECT pgmigrate.backfill('users', 'n = 1', 'id = 1, true');
SELECT pgmigrate.backfill('users', '');
SELECT pgmigrate.backfill('users', 'n = 1', '');
SELECT :columns FROM pgmigrate.backfill('users', 'n = 1 --', 'id = 1 --');
SELECT count(*) FROM users WHERE n = 1;
-- arguments
SELECT pgmigrate.backfill(NULL, 'n = 1');
SELECT pgmigrate.backfill('users', NULL);
SELECT pgmigrate.backfill(0, 'n = 1');
SELECT pgmigrate.backfill(1234567890, 'n = 1');
SELECT pgmigrate.backfill('users', 'n = 1', workers => 0);
SELECT pgmigrate.backfill('users', 'n = 1', chunk_time => '0');
SELECT pgmigrate.backfill('users', 'n = 1', pause => '-1 s');
SELECT pgmigrate.backfill('users', 'n = 1', pause => '1 day');
-- a new value that is made of the old one
SELECT pgmigrate.backfill('users', 'n = n + 1');
SELECT pgmigrate.backfill('users', 'n = n + 1', 'id < 100');
-- a condition that is another one each time
SELECT pgmigrate.backfill('users', 'n = 1', 'random() < 0.5');
-- what is no table
CREATE VIEW looking AS SELECT * FROM users;
CREATE MATERIALIZED VIEW kept AS SELECT 1 AS a;
CREATE FOREIGN DATA WRAPPER nothing;
CREATE SERVER nowhere FOREIGN DATA WRAPPER nothing;
CREATE FOREIGN TABLE far (a int) SERVER nowhere;
CREATE TEMP TABLE mine (a int);
CREATE TABLE ruled (a int);
CREATE RULE nothing AS ON UPDATE TO ruled DO INSTEAD NOTHING;
CREATE SEQUENCE counted;
CREATE ACCESS METHOD other_heap TYPE TABLE HANDLER heap_tableam_handler;
CREATE TABLE other_kind (a int) USING other_heap;
CREATE TABLE made (a int, b int GENERATED ALWAYS AS (a * 2) STORED, c int GENERATED ALWAYS AS IDENTITY);
SELECT pgmigrate.backfill('looking', 'n = 1');
SELECT pgmigrate.backfill('kept', 'a = 1');
SELECT pgmigrate.backfill('far', 'a = 1');
SELECT pgmigrate.backfill('mine', 'a = 1');
SELECT pgmigrate.backfill('ruled', 'a = 1');
SELECT pgmigrate.backfill('counted', 'last_value = 1');
SELECT pgmigrate.backfill('pg_class', 'relname = ''x''');
SELECT pgmigrate.backfill('pgmigrate.run', 'target = ''x''');
SELECT pgmigrate.backfill('other_kind', 'a = 1');
SELECT pgmigrate.backfill('made', 'b = 1');
SELECT pgmigrate.backfill('made', 'c = 1');
-- nothing of all that was written
SELECT count(*) FROM pgmigrate.run WHERE state = 'running';
SELECT count(*) FROM pgmigrate.operation WHERE state <> 'finalized' AND state <> 'cancelled';

-- rights are those of the caller, asked for before anything else
CREATE ROLE regress_pgmigrate_filler;
SELECT count(*) > 20 AS many FROM pgmigrate.grant_access('regress_pgmigrate_filler', 'operator');
GRANT USAGE ON SCHEMA fill TO regress_pgmigrate_filler;
SET ROLE regress_pgmigrate_filler;
SELECT pgmigrate.backfill('users', 'n = 1', 'id = 1');
RESET ROLE;
GRANT SELECT (id), UPDATE (n) ON users TO regress_pgmigrate_filler;
SET ROLE regress_pgmigrate_filler;
SELECT pgmigrate.backfill('users', 'n = 1', 'id = 1');
RESET ROLE;
GRANT SELECT ON users TO regress_pgmigrate_filler;
SET ROLE regress_pgmigrate_filler;
SELECT :columns FROM pgmigrate.backfill('users', 'n = 1', 'id = 1');
SELECT pgmigrate.backfill('users', 'phone = ''x''', 'id = 1');
RESET ROLE;
-- the VACUUM between ranges is its owner's: who may only write is not told for each that he may not do it
CREATE TABLE wide_pages (id int, pad text);
ALTER TABLE wide_pages ALTER pad SET STORAGE PLAIN;
INSERT INTO wide_pages SELECT g, repeat('x', 5000) FROM generate_series(1, 1500) g;
GRANT SELECT, UPDATE ON wide_pages TO regress_pgmigrate_filler;
SET ROLE regress_pgmigrate_filler;
SELECT :columns FROM pgmigrate.backfill('wide_pages', 'id = -1', 'id > 0');
RESET ROLE;
-- rows that policies hide stay as they are
ALTER TABLE users ENABLE ROW LEVEL SECURITY;
CREATE POLICY few ON users TO regress_pgmigrate_filler USING (id <= 10);
SET ROLE regress_pgmigrate_filler;
SELECT :columns FROM pgmigrate.backfill('users', 'n = -1', 'n <> -1');
RESET ROLE;
SELECT count(*) FROM users WHERE n = -1;
-- those that it sees, but may not change, are hidden too; by a subquery
CREATE TABLE few_ids AS SELECT g AS id FROM generate_series(11, 15) g;
GRANT SELECT ON few_ids TO regress_pgmigrate_filler;
DROP POLICY few ON users;
CREATE POLICY look ON users FOR SELECT USING (id <= 100);
CREATE POLICY change ON users FOR UPDATE USING (id IN (SELECT f.id FROM few_ids f));
SET ROLE regress_pgmigrate_filler;
SELECT :columns FROM pgmigrate.backfill('users', 'n = -2', 'n <> -2');
RESET ROLE;
SELECT count(*) FROM users WHERE n = -2;
ALTER TABLE parted ENABLE ROW LEVEL SECURITY;
GRANT SELECT, UPDATE ON parted, parted_1 TO regress_pgmigrate_filler;
SET ROLE regress_pgmigrate_filler;
SELECT pgmigrate.backfill('parted', 'v = ''x''', 'v <> ''x''');
RESET ROLE;

-- what foreign keys change along is told
CREATE TABLE ours (id int PRIMARY KEY, v int);
CREATE TABLE hangs (ours int REFERENCES ours ON UPDATE CASCADE);
INSERT INTO ours VALUES (1);
INSERT INTO hangs VALUES (1);
SELECT state FROM pgmigrate.backfill('ours', 'id = id + 10', 'id < 10');
SELECT state FROM pgmigrate.backfill('ours', 'v = 2', 'v IS NULL');
SELECT ours FROM hangs;

-- code of another role is not run with more rights than its own
GRANT CREATE ON SCHEMA fill TO regress_pgmigrate_filler;
SET ROLE regress_pgmigrate_filler;
CREATE TABLE theirs (a int);
CREATE FUNCTION theirs_note() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
CREATE TRIGGER note BEFORE UPDATE ON theirs FOR EACH ROW EXECUTE FUNCTION theirs_note();
INSERT INTO theirs VALUES (1);
RESET ROLE;
SELECT pgmigrate.backfill('theirs', 'a = 2', 'a = 1');
SET ROLE regress_pgmigrate_filler;
SELECT :columns FROM pgmigrate.backfill('theirs', 'a = 2', 'a = 1');
RESET ROLE;

-- runs that are not at work
SELECT pgmigrate.pause(max(id)), pgmigrate.tune(max(id), 'chunk_time', '5 ms') FROM pgmigrate.run;
\set VERBOSITY sqlstate
SELECT pgmigrate.resume(max(id)) FROM pgmigrate.run;
\set VERBOSITY default
SELECT pgmigrate.pause(0);
SELECT pgmigrate.resume(min(id)) FROM pgmigrate.run;
SELECT pgmigrate.pause(NULL);

SET client_min_messages = warning;
DROP OWNED BY regress_pgmigrate_filler;
DROP ROLE regress_pgmigrate_filler;
DROP FOREIGN DATA WRAPPER nothing CASCADE;
DROP SCHEMA fill CASCADE;
DROP ACCESS METHOD other_heap;

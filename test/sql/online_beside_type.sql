/*
 * What an ALTER TABLE does beside a change of type.  A check that it drops, as
 * that of a number that becomes a boolean, is there again when it is taken
 * back.  What cannot be done online is said with the reason, and not let
 * through in production.
 */
SET client_min_messages = error;
DROP EXTENSION IF EXISTS pgmigrate;
CREATE EXTENSION pgmigrate;
CREATE SCHEMA one;
SET search_path = one, public;
SET pgmigrate.online_threshold = 0;
CREATE FUNCTION described(rel regclass) RETURNS text LANGUAGE sql AS $$
SELECT replace(concat_ws(E'\n',
	(SELECT string_agg(concat_ws(' ', attname, format_type(atttypid, atttypmod), attnotnull, pg_get_expr(adbin, adrelid), attstattarget), E'\n' ORDER BY attnum)
		FROM pg_attribute LEFT JOIN pg_attrdef ON adrelid = attrelid AND adnum = attnum WHERE attrelid = rel AND attnum > 0 AND NOT attisdropped),
	(SELECT string_agg(concat_ws(' ', conname, convalidated, pg_get_constraintdef(oid), obj_description(oid, 'pg_constraint')), E'\n' ORDER BY conname) FROM pg_constraint WHERE conrelid = rel),
	(SELECT string_agg(concat_ws(' ', pg_get_indexdef(indexrelid), indisvalid, indislive), E'\n' ORDER BY indexrelid::regclass::text) FROM pg_index WHERE indrelid = rel),
	(SELECT concat_ws(' ', relchecks, reloptions) FROM pg_class WHERE oid = rel)), 'plain', 'users')
$$;

-- the same table twice: one is changed as psql would
CREATE PROCEDURE make(name text) LANGUAGE plpgsql AS $$
BEGIN
	EXECUTE format('DROP TABLE IF EXISTS %1$s;
		CREATE TABLE %1$s (id int PRIMARY KEY, active int NOT NULL CONSTRAINT zero_or_one CHECK (active IN (0, 1)), level int DEFAULT 1 CONSTRAINT few CHECK (level < 9), age int, CONSTRAINT grown CHECK (age > 17));
		INSERT INTO %1$s SELECT g, g %% 2, g %% 7, 17 + g FROM generate_series(1, 500) g;
		ALTER TABLE %1$s ADD CONSTRAINT older CHECK (age > id + 1000) NOT VALID;
		COMMENT ON CONSTRAINT zero_or_one ON %1$s IS ''as long as it is a number'';
		COMMENT ON CONSTRAINT few ON %1$s IS ''less'';
		COMMENT ON CONSTRAINT grown ON %1$s IS ''stays'';
		CREATE INDEX %1$s_age ON %1$s (age)', name);
END $$;
CALL make('users');
CALL make('plain');
SELECT described('users') AS before \gset
-- rows of the one that the other has not
CREATE FUNCTION differing() RETURNS bigint LANGUAGE sql AS $$
SELECT count(*) FROM ((SELECT u::text FROM users u EXCEPT ALL SELECT p::text FROM plain p) UNION ALL (SELECT p::text FROM plain p EXCEPT ALL SELECT u::text FROM users u)) d
$$;

SELECT pgmigrate.revision('switches', $$ALTER TABLE one.users DROP CONSTRAINT zero_or_one, ALTER COLUMN active TYPE boolean USING active <> 0, ALTER COLUMN active SET DEFAULT true$$,
	$$ALTER TABLE one.users ALTER COLUMN active DROP DEFAULT, ALTER COLUMN active TYPE int USING active::int, ADD CONSTRAINT zero_or_one CHECK (active IN (0, 1))$$, id => 'b1');
SELECT statement, strategy, hazards FROM pgmigrate.plan('head');
SELECT DISTINCT level, message FROM pgmigrate.assess() WHERE rule IN ('way-back', 'no-way-back');
SELECT revision, state FROM pgmigrate.upgrade();
SELECT strategy, state FROM pgmigrate.operations;
ALTER TABLE plain DROP CONSTRAINT zero_or_one, ALTER COLUMN active TYPE boolean USING active <> 0, ALTER COLUMN active SET DEFAULT true;
SELECT described('users') = described('plain') AS same_catalog, differing();
INSERT INTO users (id, age) VALUES (1000, 5000);
UPDATE users SET active = NOT active, age = 5000 WHERE id <= 10;
-- a comment that is written meanwhile stays
COMMENT ON CONSTRAINT grown ON users IS 'meanwhile';
SELECT revision, state FROM pgmigrate.downgrade('base');
SELECT described('users') = replace(:'before', 'stays', 'meanwhile') AS as_before, sum(active), count(*) FROM users;
INSERT INTO users VALUES (1001, 2, 1, 5000);
SELECT state FROM pgmigrate.operations;

-- who writes what only the old check refuses is not hindered
SELECT action FROM pgmigrate.rebuild('users', 'DROP CONSTRAINT few, SET (fillfactor = 70)');
SELECT max(operation) AS rebuilt FROM pgmigrate.operations \gset
INSERT INTO users VALUES (1004, 1, 77, 5000);
SELECT action FROM pgmigrate.revert(:rebuilt);
UPDATE users SET level = 7 WHERE id = 1004;
SELECT action FROM pgmigrate.revert(:rebuilt);
SELECT described('users') = replace(:'before', 'stays', 'meanwhile') AS as_before, count(*), count(*) FILTER (WHERE id = 1004) FROM users;

-- others of the same name, defaults, NOT NULL, storage: all in one pass
SELECT pgmigrate.remove('b1');
CALL make('users');
CALL make('plain');
\set parts 'DROP CONSTRAINT few, DROP CONSTRAINT IF EXISTS never, ADD CONSTRAINT few CHECK (level <> ''9''), ALTER level DROP DEFAULT, ALTER level TYPE text USING ''L'' || level, ALTER level SET DEFAULT ''none'', ALTER active DROP NOT NULL, ALTER age SET NOT NULL, DROP CONSTRAINT older, DROP CONSTRAINT zero_or_one, ALTER age SET STATISTICS 7, SET (fillfactor = 90), ADD late text DEFAULT ''late'' CHECK (late <> ''never'')'
SELECT pgmigrate.revision('more', 'ALTER TABLE one.users ' || :'parts', 'ALTER TABLE one.users ALTER level TYPE int USING ltrim(level, ''L'')::int', id => 'b2');
SELECT statement ~ '^ALTER' AS alter, strategy, hazards FROM pgmigrate.plan('head');
SELECT revision, state FROM pgmigrate.upgrade();
ALTER TABLE plain :parts;
SELECT described('users') = described('plain') AS same_catalog, differing();
-- what the checks of before refuse is in the way back, and is told
INSERT INTO users VALUES (1002, 7, '3', 5000), (1003, 1, '12', 5000);
SELECT revision, state FROM pgmigrate.downgrade('base');
SELECT max(operation) AS more FROM pgmigrate.operations \gset
SELECT schema FROM (SELECT details->>'schema' AS schema FROM pgmigrate.operations WHERE operation = :more) s \gset
SELECT key FROM :schema."pgm unfit" ORDER BY 1;
UPDATE users SET active = 0 WHERE id = 1002;
SELECT action FROM pgmigrate.revert(:more);
SELECT action FROM pgmigrate.revert(:more, without_unfit => true);
SELECT described('users') = :'before' AS as_before, count(*), count(*) FILTER (WHERE id > 1000) FROM users;
SELECT pgmigrate.remove('b2');

-- what goes along from one statement to the next
CALL make('users');
CALL make('plain');
SELECT pgmigrate.revision('pass', $$ALTER TABLE one.users ALTER age TYPE bigint; ALTER TABLE one.users DROP CONSTRAINT few, ALTER level SET DEFAULT 2; ALTER TABLE one.users DROP CONSTRAINT grown$$, id => 'b3');
SELECT revision, state FROM pgmigrate.upgrade();
SELECT statement, strategy, details->>'last' AS last FROM pgmigrate.operations WHERE revision = 'b3';
ALTER TABLE plain ALTER age TYPE bigint, DROP CONSTRAINT few, ALTER level SET DEFAULT 2, DROP CONSTRAINT grown;
SELECT described('users') = described('plain') AS same_catalog, differing();
SELECT count(*) FROM pgmigrate.finalize();

-- what cannot be: with its reason, in the plan and before, and not in production
CREATE TABLE other (id int PRIMARY KEY);
CREATE TABLE t (id int CONSTRAINT t_key PRIMARY KEY, v int CONSTRAINT t_v CHECK (v > 0), w int CONSTRAINT t_w UNIQUE, r int CONSTRAINT t_r REFERENCES other, x int4range, CONSTRAINT t_x EXCLUDE USING gist (x WITH &&));
CREATE TABLE heap (v int CONSTRAINT heap_v CHECK (v > 0), w int);
INSERT INTO t SELECT g, g, g FROM generate_series(1, 100) g;
INSERT INTO heap SELECT g, g FROM generate_series(1, 100) g;
CREATE TABLE tried (n int GENERATED ALWAYS AS IDENTITY, parts text);
INSERT INTO tried (parts) VALUES
	('t DROP CONSTRAINT t_w, ALTER v TYPE bigint'),
	('t DROP CONSTRAINT t_r, ALTER r TYPE text'),
	('t DROP CONSTRAINT t_key, ALTER v TYPE bigint'),
	('t DROP CONSTRAINT t_x, ALTER v TYPE bigint'),
	('t ADD UNIQUE (v), ALTER v TYPE bigint'),
	('t ADD FOREIGN KEY (v) REFERENCES other, ALTER v TYPE bigint'),
	('t DROP COLUMN w, ALTER v TYPE bigint'),
	('t ADD COLUMN y serial, ALTER v TYPE bigint'),
	('t ADD COLUMN y int REFERENCES other, ALTER v TYPE bigint'),
	('t ALTER v TYPE bigint, ENABLE ROW LEVEL SECURITY'),
	('heap ALTER v TYPE bigint, DROP CONSTRAINT heap_v'),
	('heap ALTER v TYPE bigint, ALTER w SET DEFAULT 3'),
	-- and what can be
	('t ALTER v TYPE bigint, DROP CONSTRAINT t_v');
\set ECHO none
\o /dev/null
SELECT pgmigrate.revision(parts, 'ALTER TABLE one.' || parts, id => 'try' || n, down_revision => '{}') FROM tried;
\o
\set ECHO all
SELECT parts, strategy, (SELECT substring(h FROM '^plain: (.*)') FROM unnest(hazards) AS h WHERE h ~ '^plain') AS reason
FROM tried, pgmigrate.plan('try' || n) ORDER BY n;
SELECT n FROM tried, LATERAL (SELECT substring(h FROM '^plain: (.*)') AS why FROM pgmigrate.plan('try' || n) AS p, unnest(p.hazards) AS h WHERE h ~ '^plain') AS p
WHERE NOT EXISTS (SELECT FROM pgmigrate.assess('try' || n) AS a WHERE a.strategy = 'plain' AND strpos(a.hint, p.why) > 0);
SET pgmigrate.environment = 'production';
SET pgmigrate.danger_block = 0;
SELECT format('SELECT state FROM pgmigrate.upgrade(%L)', 'try' || n) FROM tried ORDER BY n \gexec

DROP SCHEMA one CASCADE;
DROP EXTENSION pgmigrate;
CREATE EXTENSION pgmigrate;

--
-- A revision that is written for one transaction and carried out online: what
-- it has SET LOCAL holds until its end, what else needs its transaction keeps
-- it as it is written, and what it has dropped before is in nobody's way.
--
SET client_min_messages = warning;
DROP EXTENSION IF EXISTS pgmigrate;
CREATE EXTENSION pgmigrate;
SET pgmigrate.execution = 'worker';
SET pgmigrate.drift_ignore = '%';
SET timezone = 'America/Lima';
CREATE SCHEMA forced;
SET search_path = forced;
CREATE DOMAIN word AS text CHECK (VALUE <> '');
CREATE TABLE item (id int PRIMARY KEY, made timestamp NOT NULL, name word NOT NULL);
CREATE TABLE seen (zone text, path text);
INSERT INTO item SELECT n, '2026-01-01', n FROM generate_series(1, 10) AS n;
CREATE INDEX item_name ON item (name);

-- one zone for the rows and for what comes after; nothing is left of it
SELECT pgmigrate.revision('zoned', id => 'zoned', upgrade => $$
	SET LOCAL timezone = 'Asia/Tokyo';
	SET LOCAL search_path = forced;
	-- pgmigrate: online
	ALTER TABLE item ALTER COLUMN made TYPE timestamptz;
	INSERT INTO seen SELECT current_setting('timezone'), current_setting('search_path');
	-- pgmigrate: online
	CREATE INDEX item_made ON item (made);
	ALTER TABLE gone ADD COLUMN a int;
	INSERT INTO seen SELECT current_setting('timezone'), current_setting('search_path');
	$$);
SELECT left(statement, 21) AS statement, strategy FROM pgmigrate.plan() WHERE strategy <> 'plain';
SELECT * FROM pgmigrate.upgrade();
CREATE TABLE gone ();
SELECT revision, state FROM pgmigrate.upgrade();
SELECT * FROM seen;
SELECT DISTINCT made AT TIME ZONE 'UTC' AS utc FROM item;

-- an index that is made anew
SELECT pgmigrate.revision('anew', id => 'anew', upgrade => $$
	DROP INDEX forced.item_name;
	-- pgmigrate: online
	CREATE INDEX item_name ON forced.item (name, id);
	$$);
SELECT left(statement, 12) AS statement, strategy, hazards FROM pgmigrate.plan();
SELECT revision, state FROM pgmigrate.upgrade();

-- what is bound to the transaction
CREATE FUNCTION strategy_after(statement text, OUT strategy text, OUT hazards text[])
LANGUAGE plpgsql AS $$
BEGIN
	PERFORM pgmigrate.revision('bound', statement || E';\n-- pgmigrate: online\n'
		'CREATE INDEX ON forced.item (made, id)', id => 'bound');
	SELECT p.strategy, p.hazards INTO strategy_after.strategy, strategy_after.hazards
	FROM pgmigrate.plan() AS p WHERE p.statement ~ 'INDEX';
	PERFORM pgmigrate.remove('bound');
END $$;
SELECT u AS bound, s.* FROM unnest(ARRAY[
	'SELECT set_config(''a.b'', ''c'', true)', 'SELECT set_config(''a.b'', ''c'', false)',
	'SELECT FROM forced.item FOR UPDATE', 'SELECT pg_advisory_xact_lock(1)',
	'SET LOCAL a.b = ''c''', 'INSERT INTO forced.seen SELECT name, NULL FROM forced.item FOR UPDATE',
	'WITH x AS (SELECT name FROM forced.item FOR SHARE) DELETE FROM forced.seen USING x WHERE false',
	'CREATE TABLE forced.first AS SELECT name FROM forced.item FOR UPDATE', 'EXPLAIN ANALYZE SELECT FROM forced.item FOR UPDATE',
	'EXPLAIN SELECT FROM forced.item FOR UPDATE', 'CREATE TEMP TABLE first ON COMMIT DROP AS SELECT 1']) AS u, strategy_after(u) AS s;

-- what is kept beside a table is no table to wait for, or to give a constraint
SELECT count(*) > 0 AS kept FROM pgmigrate.operation o JOIN pg_namespace n ON n.nspname ~ '^pgmigrate_online_' JOIN pg_class c ON c.relnamespace = n.oid
	JOIN pg_attribute a ON a.attrelid = c.oid AND a.atttypid = 'forced.word'::regtype WHERE o.state = 'switched';
SELECT rule, relation, hint FROM pgmigrate.lint($$ALTER DOMAIN forced.word ADD CHECK (VALUE <> ' ')$$) ORDER BY 1, 2;

-- no copy on which a statement was tried is a table of the database
SELECT count(*) FROM pgmigrate.finalize();
SELECT statement, relation, lock_mode FROM pgmigrate.lint($$
	ALTER TABLE forced.item ADD COLUMN b int;
	ALTER DOMAIN forced.word ADD CHECK (VALUE <> ' ');
	DROP DOMAIN forced.word CASCADE$$) WHERE rule = 'lock' AND statement > 1 ORDER BY 1, 2;

-- a zone that is named
CREATE TABLE stamps (at timestamp, noted timestamp);
SELECT message FROM pgmigrate.lint('ALTER TABLE forced.stamps
	ALTER at TYPE timestamptz USING at AT TIME ZONE ''UTC'',
	ALTER noted TYPE timestamptz USING noted::timestamptz') WHERE rule ~ 'timezone';

DROP SCHEMA forced CASCADE;

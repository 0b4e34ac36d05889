-- What a revision drops is away until it makes it again, and a domain is kept.
SET client_min_messages = error;
DROP EXTENSION IF EXISTS pgmigrate;
CREATE EXTENSION pgmigrate;
CREATE SCHEMA foreseen;
SET search_path = foreseen, public;
SET pgmigrate.online_threshold = 0;
CREATE DOMAIN held AS text;
CREATE TABLE t18 (id int PRIMARY KEY, a held);
-- what would read the values of a domain that a copy has is refused, nothing else of it
SELECT action FROM pgmigrate.rebuild('t18', 'ALTER id TYPE bigint');
SELECT sql, message, hint FROM unnest(ARRAY['ADD CHECK (value <> ''a'')', 'ADD CHECK (value <> ''a'') NOT VALID', 'SET NOT NULL', 'SET DEFAULT ''b''', 'DROP NOT NULL']) WITH ORDINALITY AS s (sql, n),
	LATERAL (SELECT regexp_replace(message, '\d+\M', 'N') AS message, hint FROM pgmigrate.lint('ALTER DOMAIN held ' || sql) WHERE rule = 'trial-fails') AS l ORDER BY n;
-- what is dropped and made again is away while another statement is at work, unless it goes along with the change
CREATE TABLE orders (id int PRIMARY KEY, state int, note text);
CREATE INDEX orders_open ON orders (id) WHERE state = 1;
CREATE VIEW open_orders AS SELECT id, state FROM orders WHERE state = 1;
CREATE MATERIALIZED VIEW sales AS SELECT count(*) AS n FROM orders;
CREATE FUNCTION twice(int) RETURNS int LANGUAGE sql AS 'SELECT 2 * $1';
CREATE POLICY own ON orders USING (true);
CREATE TEMP TABLE gap (n serial, sql text);
INSERT INTO gap (sql) VALUES
('DROP VIEW open_orders; DROP INDEX orders_open; ALTER TABLE orders ALTER state TYPE bigint; CREATE INDEX orders_open ON orders (id) WHERE state = 1; CREATE VIEW foreseen.open_orders AS SELECT id, state FROM orders'),
('DROP INDEX orders_open; DROP VIEW open_orders; ALTER TABLE orders ALTER state TYPE bigint; CREATE VIEW open_orders AS SELECT id, state FROM orders'),
('DROP VIEW open_orders; ALTER TABLE orders ALTER state TYPE bigint; GRANT SELECT ON orders TO public; CREATE VIEW open_orders AS SELECT id, state FROM orders; CREATE INDEX ON orders (state)'),
('DROP VIEW open_orders; CREATE VIEW open_orders AS SELECT id FROM orders; CREATE INDEX ON orders (note)'),
('DROP VIEW open_orders; DROP POLICY own ON orders; CREATE INDEX ON orders (note); CREATE POLICY own ON orders USING (id > 0); CREATE VIEW other AS SELECT 1'),
('DROP MATERIALIZED VIEW sales; DROP FUNCTION twice(int); CREATE INDEX ON orders (note); CREATE FUNCTION twice(int) RETURNS int LANGUAGE sql AS ''SELECT $1 + $1''; CREATE VIEW sales AS SELECT 1 AS n'),
('DROP VIEW open_orders; SELECT 1; CREATE VIEW open_orders AS SELECT id FROM orders');
SELECT n, statement, level, message FROM gap, LATERAL pgmigrate.lint(sql) WHERE rule = 'away-meanwhile' ORDER BY n, statement, message;
SELECT pgmigrate.revision('gap', sql, id => 'gap', down_revision => '{}') FROM gap WHERE n = 1;
SELECT statement, hazards FROM pgmigrate.plan('gap') WHERE 'warning: away-meanwhile' = ANY (hazards);
SELECT statement, hint FROM pgmigrate.assess('gap') WHERE rule = 'away-meanwhile';
\set SHOW_CONTEXT never
SELECT pgmigrate.revision('held', 'ALTER DOMAIN held SET NOT NULL', id => 'held', down_revision => '{}');
SELECT pgmigrate.upgrade('held');
SELECT error, hint FROM pgmigrate.run ORDER BY id DESC LIMIT 1;
DROP SCHEMA foreseen CASCADE;

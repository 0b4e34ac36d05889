/*
 * Before a change: whether it can be taken back, and what would be in the way.
 * What earlier statements of the revision drop is in the way of none after.
 */
SET client_min_messages = warning;
DROP EXTENSION IF EXISTS pgmigrate;
CREATE EXTENSION pgmigrate;
CREATE SCHEMA back;
SET search_path = back, public;
SET pgmigrate.online_threshold = 0;
CREATE TABLE accounts (id int PRIMARY KEY, v int NOT NULL UNIQUE, w text, f double precision, s date, day timestamptz);
INSERT INTO accounts SELECT g, g, g, g FROM generate_series(1, 10) g;
ANALYZE accounts;
CREATE TABLE parent (id bigint, a int CHECK (a > 0), b int);
CREATE TABLE heir () INHERITS (parent);
CREATE TABLE gone (id int PRIMARY KEY, a int);
CREATE FUNCTION told(text) RETURNS TABLE (statement int, strategy text, rule text, level text, message text) LANGUAGE sql AS $$
SELECT DISTINCT statement, strategy, rule, level, message FROM pgmigrate.lint($1)
WHERE rule IN ('way-back', 'no-way-back') ORDER BY statement, message
$$;
SELECT * FROM told('ALTER TABLE accounts ALTER v TYPE bigint');
SELECT * FROM told('ALTER TABLE accounts ALTER v TYPE bigint, ALTER v DROP NOT NULL, ALTER f TYPE numeric, ALTER w TYPE text COLLATE "C"');
SELECT * FROM told('ALTER TABLE accounts ALTER w TYPE date USING s, ALTER s TYPE text; ALTER TABLE accounts ALTER w TYPE int USING length(w)');
SELECT * FROM told('ALTER TABLE accounts ALTER v TYPE date USING s; ALTER TABLE accounts ALTER s TYPE int USING 1');
SELECT * FROM told('ALTER TABLE accounts SET TABLESPACE pg_default; ALTER TABLE accounts ADD CHECK (v > 0)');
-- by another column, where constraints are in the way too
SELECT * FROM told('ALTER TABLE parent ALTER b TYPE bigint; ALTER TABLE parent ALTER a TYPE bigint; ALTER TABLE parent ALTER a TYPE numeric; ALTER TABLE parent ALTER b TYPE text');
-- what is dropped
SELECT * FROM told('DROP TABLE gone; ALTER TABLE accounts DROP v');
-- as a plan and as a report
SELECT pgmigrate.revision('no way', 'ALTER TABLE accounts ALTER s TYPE int USING 1', id => 'b1');
SELECT statement, strategy, hazards FROM pgmigrate.plan('head');
SELECT report FROM pgmigrate.report() WHERE report ~ 'way-back|reverted';
-- and it is so
SELECT revision, state FROM pgmigrate.upgrade();
SELECT state, details->>'no_way_back' AS no_way_back FROM pgmigrate.operations;
SELECT * FROM told('ALTER TABLE accounts ALTER s TYPE bigint');
-- nobody waits for it, and it waits for nobody: others may have the table
SET pgmigrate.online = off;
SELECT * FROM told('ALTER TABLE accounts ALTER v TYPE bigint');
RESET pgmigrate.online;

-- statements before it
CREATE TABLE users (id int PRIMARY KEY, n int);
CREATE TABLE orders (id int PRIMARY KEY, u int CONSTRAINT o_u REFERENCES users, other int REFERENCES accounts);
CREATE MATERIALIZED VIEW counted AS SELECT n, count(*) FROM users GROUP BY n;
CREATE POLICY own ON users USING (n > 0);
ANALYZE users, orders;
CREATE FUNCTION planned(text) RETURNS TABLE (statement int, strategy text) LANGUAGE sql AS $$
SELECT DISTINCT statement, strategy FROM pgmigrate.lint($1) WHERE sql ~ 'TYPE' ORDER BY 1
$$;
SELECT * FROM planned('ALTER TABLE orders ALTER u TYPE text');
SELECT * FROM planned('ALTER TABLE orders DROP CONSTRAINT o_u; UPDATE orders SET u = 0 WHERE u IS NULL; CREATE TABLE extra (a int); ALTER TABLE orders ALTER u TYPE text');
SELECT * FROM planned('ALTER TABLE orders DROP CONSTRAINT o_u, ALTER id SET STATISTICS 100; CREATE INDEX ON orders (u); ALTER TABLE users ALTER id TYPE text');
SELECT * FROM planned('DROP MATERIALIZED VIEW counted; DROP POLICY own ON users; DELETE FROM users WHERE n = 0; ALTER TABLE users ALTER n TYPE text');
-- what is made again is there
SELECT * FROM planned('ALTER TABLE orders DROP CONSTRAINT o_u; ALTER TABLE orders ADD CONSTRAINT o_u FOREIGN KEY (u) REFERENCES users; ALTER TABLE orders ALTER u TYPE text');
SELECT * FROM planned('DROP MATERIALIZED VIEW counted; DROP POLICY own ON users; CREATE POLICY own ON users USING (n > 1); ALTER TABLE users ALTER n TYPE text');
SELECT * FROM planned('DROP POLICY own ON users; ALTER TABLE users ALTER n TYPE text');
-- and it is carried out so
SELECT pgmigrate.revision('apart', 'ALTER TABLE orders DROP CONSTRAINT o_u; UPDATE orders SET u = 0 WHERE u IS NULL; ALTER TABLE orders ALTER u TYPE text', id => 'b2');
SELECT statement, strategy FROM pgmigrate.plan('head');
SELECT revision, state FROM pgmigrate.upgrade();
SELECT relation, strategy, state FROM pgmigrate.operations WHERE revision = 'b2';

DROP SCHEMA back CASCADE;
DROP EXTENSION pgmigrate;
CREATE EXTENSION pgmigrate;

/*
 * Is what a change of type cuts off there?  A cast is judged by the rows, an
 * expression by what the downgrade makes of its values; what cannot be told is
 * asked.
 */
SET client_min_messages = error;
DROP EXTENSION IF EXISTS pgmigrate;
CREATE EXTENSION pgmigrate;
CREATE SCHEMA lost;
SET search_path = lost, public;
CREATE TABLE items (id int PRIMARY KEY, price numeric(10, 2), whole numeric, at timestamp, f float8);
INSERT INTO items SELECT g, g + 0.25, g, timestamp '2026-01-01 10:00', g FROM generate_series(1, 10) g;
INSERT INTO items (id) VALUES (11);
ANALYZE items;
CREATE FUNCTION found() RETURNS TABLE (level text, message text) LANGUAGE sql AS $$
SELECT level, message FROM pgmigrate.assess() WHERE rule = 'lossy-type-change' ORDER BY message
$$;
-- by a cast
SELECT pgmigrate.revision('cast', 'ALTER TABLE lost.items ALTER price TYPE bigint, ALTER whole TYPE int, ALTER at TYPE date, ALTER f TYPE bigint USING f::bigint', id => 'lost');
SELECT * FROM found();
-- by an expression, without and with what takes it back
SELECT pgmigrate.amend('lost', upgrade => 'ALTER TABLE lost.items ALTER price TYPE bigint USING (price * 100)::bigint, ALTER whole TYPE int USING whole / 3');
SELECT * FROM found();
SELECT pgmigrate.amend('lost', downgrade => 'ALTER TABLE lost.items ALTER whole TYPE numeric USING whole * 3, ALTER price TYPE numeric(10, 2) USING price / 100.0');
SELECT * FROM found();
-- not in one step: nobody can tell what the first of them makes of a value
SELECT pgmigrate.amend('lost', upgrade => 'ALTER TABLE lost.items ALTER whole TYPE int USING whole / 3', downgrade => 'ALTER TABLE lost.items ALTER whole TYPE bigint USING whole * 3; ALTER TABLE lost.items ALTER whole TYPE numeric USING whole');
SELECT * FROM found();
-- what makes a null of a value loses it
SELECT pgmigrate.amend('lost', upgrade => 'ALTER TABLE lost.items ALTER whole TYPE int USING CASE WHEN whole > 2 THEN whole END', downgrade => 'ALTER TABLE lost.items ALTER whole TYPE numeric USING whole');
SELECT * FROM found();
-- of a text alone nobody knows what takes it back
SELECT level, message FROM pgmigrate.lint('ALTER TABLE lost.items ALTER price TYPE bigint USING (price * 100)::bigint') WHERE rule = 'lossy-type-change';
SELECT level, message FROM pgmigrate.lint('ALTER TABLE lost.items ALTER price TYPE bigint USING (price * 100)::bigint', false) WHERE rule = 'lossy-type-change';
-- a function of this database is not run to find out
CREATE FUNCTION cents(numeric) RETURNS bigint LANGUAGE sql IMMUTABLE AS 'SELECT ($1 * 100)::bigint';
SELECT pgmigrate.amend('lost', upgrade => 'ALTER TABLE lost.items ALTER price TYPE bigint USING lost.cents(price)', downgrade => 'ALTER TABLE lost.items ALTER price TYPE numeric(10, 2) USING price / 100.0');
SELECT * FROM found();
DROP SCHEMA lost CASCADE;
DROP EXTENSION pgmigrate;
CREATE EXTENSION pgmigrate;

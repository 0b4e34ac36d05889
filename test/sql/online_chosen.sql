/*
 * A change of type goes by way of a new table or of a new column, by what both
 * would write, and the plan says so with the figures; its estimate is that of
 * what is done online.
 */
SET client_min_messages = warning;
DROP EXTENSION IF EXISTS pgmigrate;
CREATE EXTENSION pgmigrate;
CREATE SCHEMA chosen;
SET search_path = chosen, public;
SET pgmigrate.online_threshold = 0;
-- most of it is out of line, which an update leaves alone
CREATE TABLE docs (id int PRIMARY KEY, v int, body text);
ALTER TABLE docs ALTER body SET STORAGE EXTERNAL;
INSERT INTO docs SELECT g, g, repeat('x', 1000000) FROM generate_series(1, 80) g;
-- the same size in rows
CREATE TABLE rows (id int PRIMARY KEY, v int, a text, b text);
INSERT INTO rows SELECT g, g, repeat('x', 1500), repeat('x', 1500) FROM generate_series(1, 3000) g;
CREATE TABLE small (id int PRIMARY KEY, v int);
INSERT INTO small VALUES (1, 1);
VACUUM ANALYZE docs, rows, small;
CREATE FUNCTION way(sql text) RETURNS TABLE (strategy text, figures text) LANGUAGE plpgsql AS $$
DECLARE r text := pgmigrate.revision(sql, sql, id => 'way');
BEGIN
	RETURN QUERY SELECT p.strategy, regexp_replace(h, '\d+ MB', 'n MB', 'g') FROM pgmigrate.plan('head') AS p LEFT JOIN LATERAL (SELECT h FROM unnest(p.hazards) AS h WHERE h ~ '^shadow') AS h ON true;
	PERFORM pgmigrate.remove('way');
END $$;
SELECT * FROM way('ALTER TABLE chosen.docs ALTER v TYPE bigint');
SELECT * FROM way('ALTER TABLE chosen.rows ALTER v TYPE bigint');
SELECT * FROM way('ALTER TABLE chosen.small ALTER v TYPE bigint');
-- where what is out of line is altered itself
SELECT * FROM way('ALTER TABLE chosen.docs ALTER body TYPE bytea USING body::bytea');
-- several in one pass
SELECT * FROM way('ALTER TABLE chosen.docs ALTER v TYPE bigint; ALTER TABLE chosen.docs ALTER body TYPE varchar(2000000)');
-- where it can be by a table only, or one is asked for
SELECT * FROM way('ALTER TABLE chosen.docs ALTER v TYPE bigint, ALTER v SET NOT NULL');
SET pgmigrate.online_method = 'table';
SELECT * FROM way('ALTER TABLE chosen.docs ALTER v TYPE bigint');
RESET pgmigrate.online_method;
-- a table that could be taken back is not given up for a column that could not
ALTER TABLE docs ADD UNIQUE (v);
SELECT * FROM way('ALTER TABLE chosen.docs ALTER v TYPE text');
ALTER TABLE docs DROP CONSTRAINT docs_v_key;
-- the figures are those of the sizes: parts add up
SELECT f[5]::int + f[6]::int + f[7]::int - f[2]::int BETWEEN -3 AND 0 AS room, f[1]::int > f[2]::int AS wal, f[3]::int * 2 < f[1]::int AS less, f[6]::int > 70 AS out_of_line
FROM (SELECT pgmigrate.revision('way', 'ALTER TABLE chosen.docs ALTER v TYPE bigint', id => 'way')) AS r, LATERAL pgmigrate.plan('head') AS p, unnest(hazards) AS h,
LATERAL regexp_match(h, 'table (\d+) MB of WAL and (\d+) MB .* column (\d+) MB of WAL and (\d+) MB .*rows (\d+) MB, out of line (\d+) MB, indexes (\d+) MB, of which on changed columns (\d+) MB') AS f WHERE h ~ '^shadow' AND r.revision = 'way';
-- and it is what is done
SELECT state FROM pgmigrate.upgrade('head');
SELECT strategy, state FROM pgmigrate.operations WHERE relation = 'chosen.docs';

-- the estimate is of the steps: an index that does not lock writers out is built more slowly
SELECT pgmigrate.revision('index', 'CREATE INDEX ON chosen.rows (v); ALTER TABLE chosen.rows ADD UNIQUE (v), ADD CHECK (v > 0); -- pgmigrate: plain because it is to be compared
CREATE INDEX ON chosen.rows (v); -- pgmigrate: plain because it is to be compared
ALTER TABLE chosen.rows ADD UNIQUE (v), ADD CHECK (v > 0)', id => 'index');
CREATE TABLE estimates AS SELECT row_number() OVER () AS n, strategy, estimate FROM pgmigrate.plan('head');
SELECT a.strategy, b.strategy, a.estimate > b.estimate AS more FROM estimates AS a JOIN estimates AS b ON b.n = a.n + 2 ORDER BY a.n;
DROP SCHEMA chosen CASCADE;
DROP EXTENSION pgmigrate;
CREATE EXTENSION pgmigrate;

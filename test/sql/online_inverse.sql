/*
 * What becomes of a value that is written after a switch, where more than a
 * cast has made the new values: what the downgrade says; or what a cast makes
 * of it, if USING would make the value again of that.
 */
SET client_min_messages = error;
DROP EXTENSION IF EXISTS pgmigrate;
CREATE EXTENSION pgmigrate;
CREATE SCHEMA inverse;
SET search_path = inverse, public;
SET TimeZone = 'America/New_York';
SET pgmigrate.online_threshold = 0;
CREATE FUNCTION cents(numeric) RETURNS bigint LANGUAGE sql IMMUTABLE AS 'SELECT ($1 * 100)::bigint';
CREATE TABLE by_table (id int PRIMARY KEY, price numeric(10, 2), at timestamp, flag int, name text);
INSERT INTO by_table SELECT g, g + 0.5, timestamp '2026-01-01' + g * interval '1 h', g % 3, 'n' || g FROM generate_series(1, 4) g;
CREATE TABLE by_column AS TABLE by_table;
\set up 'ALTER price TYPE bigint USING cents(price), ALTER at TYPE timestamptz USING at AT TIME ZONE ''UTC'', ALTER flag TYPE boolean USING flag <> 0, ALTER name TYPE varchar(20) USING upper(name)'
\set down 'ALTER price TYPE numeric(10, 2) USING price / 100.0, ALTER at TYPE timestamp USING at AT TIME ZONE ''UTC'', ALTER flag TYPE int USING CASE WHEN flag THEN 1 ELSE 0 END, ALTER name TYPE text USING lower(name)'
-- as it says, where it does
SELECT pgmigrate.revision('said', format('ALTER TABLE by_table %s; ALTER TABLE by_column %1$s', :'up'), format('ALTER TABLE by_column %s; ALTER TABLE by_table %1$s', :'down'), id => 'said');
SELECT strategy, statement ~ 'by_table' AS by_table FROM pgmigrate.plan();
SELECT state FROM pgmigrate.upgrade();
INSERT INTO by_table (id, price, at, flag, name) VALUES (5, 1234, '2026-02-01 12:00Z', true, 'FIVE');
INSERT INTO by_column (id, price, at, flag, name) TABLE by_table EXCEPT SELECT id, price, at, flag, name FROM by_column;
UPDATE by_table SET price = 777 WHERE id = 2;
UPDATE by_column SET price = 777 WHERE id = 2;
SELECT state FROM pgmigrate.downgrade('base');
TABLE by_table ORDER BY id;
SELECT count(*) FROM (TABLE by_table EXCEPT TABLE by_column) AS d;
SELECT pgmigrate.remove('said');
-- where it does not, a cast must not be taken for it
SELECT pgmigrate.revision('cast', format('ALTER TABLE by_table %s; ALTER TABLE by_column %1$s', :'up'), 'ALTER TABLE by_column ALTER price TYPE numeric; ALTER TABLE by_table ALTER price TYPE numeric', id => 'cast');
SELECT substring(message, 'in the way would be.*?USING') AS in_the_way FROM pgmigrate.assess('cast') WHERE rule = 'way-back';
SELECT state FROM pgmigrate.upgrade();
-- what nobody has changed is the old value, and what USING makes again goes back
UPDATE by_table SET flag = false WHERE id = 1;
UPDATE by_column SET flag = false WHERE id = 1;
INSERT INTO by_table (id, price, name) VALUES (6, 0, 'SIX');
INSERT INTO by_column (id, price, name) VALUES (6, 0, 'SIX');
SELECT state FROM pgmigrate.downgrade('base');
TABLE by_table ORDER BY id;
SELECT count(*) FROM (TABLE by_table EXCEPT TABLE by_column) AS d;
SELECT state FROM pgmigrate.upgrade();
UPDATE by_table SET price = 100 WHERE id = 2;
UPDATE by_column SET at = '2026-02-01 12:00Z', name = 'Two' WHERE id = 2;
SELECT state FROM pgmigrate.downgrade('base');
UPDATE by_column SET at = NULL, name = 'TWO' WHERE id = 2;
SELECT state FROM pgmigrate.downgrade('base');
-- nor is it where the function that could prove it is gone
DELETE FROM by_table WHERE id = 2;
DROP FUNCTION cents(numeric);
\c -
SET search_path = inverse, public;
SET client_min_messages = error;
UPDATE by_table SET price = 0 WHERE id = 3;
SELECT operation AS op FROM pgmigrate.operations WHERE relation = 'inverse.by_table' AND state = 'switched' \gset
SELECT action FROM pgmigrate.revert(:op);
SELECT action FROM pgmigrate.finalize(:op);
SELECT state FROM pgmigrate.downgrade('base');
SELECT pgmigrate.remove('cast');
DROP TABLE by_table, by_column;
-- a key has to be made again in any case: by it the old row is found
SET pgmigrate.online_threshold = 0;
CREATE TABLE k (id int PRIMARY KEY, x int);
CREATE TABLE lost (id int PRIMARY KEY, x int);
INSERT INTO k VALUES (1, 1), (10, 10);
INSERT INTO lost TABLE k;
SELECT pgmigrate.revision('key', 'ALTER TABLE inverse.k ALTER id TYPE text USING ''u'' || id; ALTER TABLE inverse.lost ALTER id TYPE bigint USING id * 10',
	'ALTER TABLE inverse.lost ALTER id TYPE int; ALTER TABLE inverse.k ALTER id TYPE int USING substr(id, 2)::int', id => 'key');
SELECT state FROM pgmigrate.upgrade('key');
SELECT relation, state FROM pgmigrate.operations WHERE revision = 'key' ORDER BY 1;
UPDATE k SET x = x + 1;
INSERT INTO k VALUES ('u7', 7), ('x8', 8);
DELETE FROM k WHERE id = 'u10';
BEGIN;
INSERT INTO k VALUES ('y9', 9);
DELETE FROM k WHERE id = 'y9';
COMMIT;
SELECT operation AS op FROM pgmigrate.operations WHERE relation = 'inverse.k' \gset
SELECT action FROM pgmigrate.revert(:op);
UPDATE k SET x = 9 WHERE id = 'x8';
UPDATE k SET id = 'x7' WHERE id = 'u7';
UPDATE k SET id = 'u8' WHERE id = 'x8';
DELETE FROM k WHERE id = 'x7';
SELECT action FROM pgmigrate.revert(:op);
TABLE k ORDER BY id;

-- one that does not make it again of what was there loses the way back with the row
SELECT pgmigrate.stamp('base');
SELECT pgmigrate.remove('key');
TRUNCATE k;
INSERT INTO k VALUES (1, 1), (10, 10);
SELECT pgmigrate.revision('wrong', 'ALTER TABLE inverse.k ALTER id TYPE text USING ''u'' || id', 'ALTER TABLE inverse.k ALTER id TYPE int USING length(id)', id => 'wrong');
SELECT state FROM pgmigrate.upgrade('wrong');
DELETE FROM k WHERE id = 'u10';
SELECT operation AS op FROM pgmigrate.operations WHERE revision = 'wrong' \gset
SELECT action FROM pgmigrate.revert(:op);

DROP SCHEMA inverse CASCADE;
DROP EXTENSION pgmigrate;
CREATE EXTENSION pgmigrate;

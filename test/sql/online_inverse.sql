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
CREATE FUNCTION foreseen(text) RETURNS TABLE (relation text, rule text, what text) LANGUAGE sql AS $$
SELECT relation, rule, substring(message, '(?:in the way would be, if written since|reverted): (.*?)(?:; without_unfit.*)?$')
FROM pgmigrate.assess($1) WHERE rule IN ('way-back', 'no-way-back') ORDER BY 1, 2, 3
$$;
SELECT * FROM foreseen('said');
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
SELECT action FROM pgmigrate.operations AS o, pgmigrate.revert(o.operation) WHERE o.relation = 'inverse.by_column' AND o.state = 'switched';
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
SELECT * FROM foreseen('key');
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

-- nor is one that was written to left as it was
SELECT pgmigrate.stamp('base');
SELECT pgmigrate.remove('wrong');
CREATE TABLE written (id int PRIMARY KEY, x int);
INSERT INTO written VALUES (1, 1), (10, 10);
SELECT pgmigrate.revision('written', 'ALTER TABLE inverse.written ALTER id TYPE text USING ''u'' || id', 'ALTER TABLE inverse.written ALTER id TYPE int USING length(id)', id => 'written');
SELECT state FROM pgmigrate.upgrade('written');
UPDATE written SET x = 11 WHERE id = 'u10';
SELECT operation AS op FROM pgmigrate.operations WHERE revision = 'written' \gset
SELECT action FROM pgmigrate.revert(:op, without_unfit => true);
SELECT pg_typeof(id), x FROM written ORDER BY x;

-- so it has where a cast takes different values for the same, or the downgrade does
SELECT pgmigrate.stamp('base');
SELECT pgmigrate.remove('written');
CREATE TABLE d (id date PRIMARY KEY, x text);
INSERT INTO d SELECT date '2026-01-01' + g, 'old' FROM generate_series(1, 3) g;
CREATE TABLE n (id int PRIMARY KEY, x text);
INSERT INTO n SELECT g, 'old' FROM generate_series(1, 3) g;
CREATE TABLE m (LIKE n INCLUDING ALL);
INSERT INTO m TABLE n;
CREATE COLLATION loose (provider = icu, locale = 'und-u-ks-level2', deterministic = false);
CREATE TABLE w (id text COLLATE loose PRIMARY KEY, x text);
INSERT INTO w VALUES ('a', 'old');
SELECT pgmigrate.revision('merged', 'ALTER TABLE inverse.d ALTER id TYPE timestamp; ALTER TABLE inverse.n ALTER id TYPE text; ALTER TABLE inverse.m ALTER id TYPE bigint; ALTER TABLE inverse.w ALTER id TYPE text COLLATE "C"',
	'ALTER TABLE inverse.w ALTER id TYPE text COLLATE inverse.loose; ALTER TABLE inverse.m ALTER id TYPE int USING id % 1000; ALTER TABLE inverse.n ALTER id TYPE int USING id::int; ALTER TABLE inverse.d ALTER id TYPE date', id => 'merged');
SELECT * FROM foreseen('merged');
SELECT state FROM pgmigrate.upgrade('merged');
INSERT INTO d VALUES ('2026-01-02 10:00', 'new'), ('2026-01-05', 'fits');
INSERT INTO n VALUES ('002', 'new'), ('4', 'fits');
INSERT INTO m VALUES (1002, 'new'), (4, 'fits');
INSERT INTO w VALUES ('A', 'new');
SELECT relation, details->>'no_way_back' AS no_way_back FROM pgmigrate.operations WHERE revision = 'merged' ORDER BY 1;
SELECT action FROM pgmigrate.operations o, pgmigrate.revert(o.operation, without_unfit => true) WHERE revision = 'merged' AND o.state = 'switched';
TABLE d ORDER BY 1;
TABLE n ORDER BY 1;
TABLE m ORDER BY 1;
TABLE w ORDER BY x;

-- what can be said before is what the run finds: USING where there is no cast, and one that cannot be used
SELECT pgmigrate.stamp('base');
SELECT pgmigrate.remove('merged');
CREATE FUNCTION noted(int) RETURNS date LANGUAGE sql VOLATILE AS 'SELECT date ''2026-01-01'' + $1';
CREATE FUNCTION days(date) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT $1 - date ''2026-01-01''';
CREATE TABLE said_t (id int PRIMARY KEY, at date, w date);
INSERT INTO said_t VALUES (1, '2026-01-05', '2026-01-06');
CREATE TABLE noted_t AS TABLE said_t;
CREATE TABLE said_c AS TABLE said_t;
CREATE TABLE noted_c AS TABLE said_t;
ALTER TABLE noted_t ADD PRIMARY KEY (id);
\set up 'ALTER at TYPE int USING days(at), ALTER w TYPE int USING days(w)'
\set down 'ALTER at TYPE date USING date ''2026-01-01'' + at, ALTER w TYPE date USING date ''2026-01-01'' + w'
\set volatile 'ALTER at TYPE date USING date ''2026-01-01'' + at, ALTER w TYPE date USING noted(w)'
SELECT pgmigrate.revision('both', format('ALTER TABLE said_t %1$s; ALTER TABLE said_c %1$s; ALTER TABLE noted_t %1$s; ALTER TABLE noted_c %1$s', :'up'),
	format('ALTER TABLE noted_c %2$s; ALTER TABLE noted_t %2$s; ALTER TABLE said_c %1$s; ALTER TABLE said_t %1$s', :'down', :'volatile'), id => 'both');
SELECT * FROM foreseen('both');
SELECT p.strategy, h FROM pgmigrate.plan() AS p, unnest(p.hazards) AS h WHERE h ~ 'no-way-back';
SELECT state FROM pgmigrate.upgrade();
SELECT relation, state, details->>'no_way_back' AS no_way_back FROM pgmigrate.operations WHERE revision = 'both' ORDER BY 1;
INSERT INTO said_t VALUES (2, 9, 10);
INSERT INTO said_c (id, at, w) VALUES (2, 9, 10);
SELECT count(action) FROM pgmigrate.operations o, pgmigrate.revert(o.operation) WHERE revision = 'both' AND o.state = 'switched';
TABLE said_t ORDER BY id;
SELECT count(*) FROM (TABLE said_t EXCEPT TABLE said_c) AS d;
-- of a text that is of no revision the downgrade is not known
SELECT message FROM pgmigrate.lint(format('ALTER TABLE said_t %s', :'up')) WHERE rule = 'no-way-back';
-- what the upgrade adds, and what a later statement of the pass changes, may be read by the downgrade
SELECT pgmigrate.stamp('base');
SELECT pgmigrate.remove('both');
SELECT pgmigrate.revision('added', 'ALTER TABLE said_t ADD unit int DEFAULT 1, ALTER at TYPE int USING days(at); ALTER TABLE said_t ALTER w TYPE int USING days(w)',
	'ALTER TABLE said_t ALTER w TYPE date USING date ''2026-01-01'' + w, ALTER at TYPE date USING date ''2026-01-01'' + at * unit + w - w, DROP unit', id => 'added');
SELECT * FROM foreseen('added');
SELECT state FROM pgmigrate.upgrade();
SELECT relation, state, details->>'no_way_back' AS no_way_back FROM pgmigrate.operations WHERE revision = 'added' ORDER BY 1;

-- a later statement reads what an earlier one has made, which is not there yet
SELECT pgmigrate.stamp('base');
SELECT pgmigrate.remove('added');
CREATE TABLE s (id int PRIMARY KEY, a int, b int);
INSERT INTO s VALUES (1, 10, 2);
SELECT pgmigrate.revision('stages', 'ALTER TABLE inverse.s ALTER a TYPE bigint USING a * 10, ALTER b TYPE bigint USING b * 100', 'ALTER TABLE inverse.s ALTER b TYPE int USING b / 100; ALTER TABLE inverse.s ALTER a TYPE int USING a / 5 / b', id => 'stages');
SELECT state FROM pgmigrate.upgrade('stages');
INSERT INTO s VALUES (2, 100, 200);
SELECT state FROM pgmigrate.downgrade('base');
DELETE FROM s WHERE id = 2;
UPDATE s SET b = 300;
SELECT state FROM pgmigrate.downgrade('base');
TABLE s;

-- a column may be written with its table before it
SELECT pgmigrate.remove('stages');
SET pgmigrate.online_method = 'column';
CREATE TABLE q (v text);
INSERT INTO q VALUES ('12');
SELECT pgmigrate.revision('named', 'ALTER TABLE inverse.q ALTER v TYPE int USING q.v::int', 'ALTER TABLE inverse.q ALTER v TYPE text USING ''n'' || q.v', id => 'named');
SELECT state FROM pgmigrate.upgrade('named');
INSERT INTO q (v) VALUES (13);
SELECT state FROM pgmigrate.downgrade('base');
TABLE q ORDER BY v;

\set SHOW_CONTEXT never
-- a writer fails for nothing but the server's state; then the session is out of the transaction, as after any error
SELECT pgmigrate.remove('named');
RESET pgmigrate.online_method;
CREATE FUNCTION read(text) RETURNS tsquery LANGUAGE plpgsql IMMUTABLE AS 'BEGIN IF $1 = ''again'' THEN RAISE ''try again'' USING ERRCODE = ''40001''; END IF; RETURN $1::tsquery; END';
CREATE TABLE by_table (id int PRIMARY KEY, q tsquery);
CREATE TABLE by_column (id int, q tsquery);
INSERT INTO by_table VALUES (1, 'a & b');
INSERT INTO by_column TABLE by_table;
SELECT pgmigrate.revision('read', 'ALTER TABLE inverse.by_table ALTER q TYPE text; ALTER TABLE inverse.by_column ALTER q TYPE text',
	'ALTER TABLE inverse.by_column ALTER q TYPE tsquery USING inverse.read(q); ALTER TABLE inverse.by_table ALTER q TYPE tsquery USING inverse.read(q)', id => 'read');
SELECT state FROM pgmigrate.upgrade('read');
INSERT INTO by_table (id, q) VALUES (2, 'a b'), (3, 'c');
INSERT INTO by_column (id, q) VALUES (2, 'a b'), (3, 'c');
INSERT INTO by_table (id, q) VALUES (4, 'again');
INSERT INTO by_column (id, q) VALUES (4, 'again');
SELECT relation, strategy, state FROM pgmigrate.operations WHERE revision = 'read' ORDER BY 1;
SELECT action FROM pgmigrate.operations AS o, pgmigrate.revert(o.operation, without_unfit => true) WHERE o.revision = 'read' ORDER BY o.operation;
TABLE by_table ORDER BY id;
TABLE by_column ORDER BY id;

-- so it is where a look at what is to come is cancelled
CREATE FUNCTION slow() RETURNS boolean LANGUAGE plpgsql AS 'BEGIN PERFORM pg_sleep(60); RETURN true; END';
CREATE DOMAIN slowly AS int CHECK (slow());
SELECT pgmigrate.revision('slow', 'ALTER TABLE inverse.by_table ALTER id TYPE bigint USING (''{1}''::inverse.slowly[])[1]', id => 'slow');
SET statement_timeout = '200ms';
SELECT strategy FROM pgmigrate.plan('slow');
RESET statement_timeout;
SELECT strategy FROM pgmigrate.operations WHERE revision = 'read' ORDER BY operation LIMIT 1;

-- nor does the server crash for a check in SQL, which wants a snapshot
CREATE FUNCTION fine() RETURNS boolean LANGUAGE sql IMMUTABLE AS 'SELECT count(*) >= 0 FROM inverse.k';
CREATE DOMAIN finely AS int CHECK (fine());
SELECT pgmigrate.amend('slow', upgrade => 'ALTER TABLE inverse.by_table ALTER id TYPE bigint USING id + (''{1}''::inverse.finely[])[1]');
SELECT state FROM pgmigrate.upgrade('slow');
SELECT max(id) FROM by_table;

DROP SCHEMA inverse CASCADE;
DROP EXTENSION pgmigrate;
CREATE EXTENSION pgmigrate;

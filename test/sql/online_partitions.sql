/*
 * The type of a column of a partitioned table: each partition has a copy of
 * its own, and all are exchanged at once.
 */
SET client_min_messages = warning;
DROP EXTENSION IF EXISTS pgmigrate;
CREATE EXTENSION pgmigrate;
CREATE SCHEMA shop;
SET search_path = shop, public;
SET pgmigrate.online_threshold = 0;
\set ECHO none
SELECT format($$
CREATE TABLE %1$s (id int, v int DEFAULT 4, d int NOT NULL, t text, PRIMARY KEY (id, d), CONSTRAINT positive CHECK (v >= 0)) PARTITION BY RANGE (d);
CREATE TABLE %1$s_low (gone int, t text, d int NOT NULL, v int DEFAULT 4 CONSTRAINT positive CHECK (v >= 0), id int NOT NULL);
ALTER TABLE %1$s_low DROP gone;
CREATE UNIQUE INDEX %1$s_low_own ON %1$s_low (d, id);
ALTER TABLE %1$s ATTACH PARTITION %1$s_low FOR VALUES FROM (0) TO (100);
CREATE TABLE %1$s_high PARTITION OF %1$s FOR VALUES FROM (100) TO (200) PARTITION BY HASH (id);
CREATE TABLE %1$s_high_0 PARTITION OF %1$s_high FOR VALUES WITH (MODULUS 2, REMAINDER 0);
CREATE TABLE %1$s_high_1 PARTITION OF %1$s_high FOR VALUES WITH (MODULUS 2, REMAINDER 1);
CREATE TABLE %1$s_rest PARTITION OF %1$s DEFAULT;
CREATE INDEX ON %1$s (v);
CREATE INDEX ON %1$s_rest (t, v);
CREATE VIEW %1$s_view AS SELECT v, v + 1 AS more FROM %1$s;
INSERT INTO %1$s (id, v, d, t) SELECT g, g, g %% 250, repeat('x', g %% 50) FROM generate_series(1, 1000) g;
$$, name) FROM unnest(ARRAY['orders', 'plain', 'before']) AS name \gexec
CREATE FUNCTION described(name text) RETURNS TABLE (what text) LANGUAGE sql AS $$
SELECT replace(u.what, name, 'T') FROM (
SELECT concat_ws(' ', c.relname, a.attnum, a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull, a.attisdropped, a.attinhcount, a.attislocal, pg_get_expr(d.adbin, d.adrelid))
FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND attnum > 0 LEFT JOIN pg_attrdef d ON d.adrelid = c.oid AND d.adnum = a.attnum WHERE c.relkind IN ('r', 'p', 'v')
AND c.relnamespace = 'shop'::regnamespace AND c.relname ~ ('^' || name)
UNION ALL SELECT concat_ws(' ', pg_get_indexdef(i.indexrelid), i.indisvalid, i.indisprimary, p.inhparent::regclass) FROM pg_index i JOIN pg_class c ON c.oid = i.indrelid
LEFT JOIN pg_inherits p ON p.inhrelid = i.indexrelid WHERE c.relnamespace = 'shop'::regnamespace AND c.relname ~ ('^' || name)
UNION ALL SELECT concat_ws(' ', c.relname, k.conname, pg_get_constraintdef(k.oid), k.coninhcount, k.conislocal, k.convalidated) FROM pg_constraint k JOIN pg_class c ON c.oid = k.conrelid
WHERE c.relnamespace = 'shop'::regnamespace AND c.relname ~ ('^' || name) AND k.contype <> 'n'
UNION ALL SELECT pg_get_viewdef((name || '_view')::regclass)
UNION ALL SELECT concat_ws(' ', c.relname, regexp_replace(pg_get_partition_constraintdef(c.oid), '''\d+''', 'N')) FROM pg_class c WHERE c.relnamespace = 'shop'::regnamespace AND c.relname ~ ('^' || name)
UNION ALL SELECT concat_ws(' ', c.relname, g.tgname) FROM pg_class c JOIN pg_trigger g ON g.tgrelid = c.oid WHERE g.tgname !~ 'pgmigrate' AND c.relnamespace = 'shop'::regnamespace AND c.relname ~ ('^' || name)) AS u (what)
$$;
CREATE FUNCTION differences(a text, b text) RETURNS TABLE (what text) LANGUAGE plpgsql AS $$
BEGIN
	RETURN QUERY (SELECT '+ ' || x.what FROM (SELECT * FROM described(a) EXCEPT ALL SELECT * FROM described(b)) AS x)
	UNION ALL (SELECT '- ' || x.what FROM (SELECT * FROM described(b) EXCEPT ALL SELECT * FROM described(a)) AS x);
	RETURN QUERY EXECUTE format('SELECT x::text FROM ((SELECT replace(tableoid::regclass::text, %1$L, ''T''), t::text FROM %1$s t EXCEPT ALL SELECT replace(tableoid::regclass::text, %2$L, ''T''), t::text FROM %2$s t) UNION ALL (SELECT replace(tableoid::regclass::text, %2$L, ''T''), t::text FROM %2$s t EXCEPT ALL SELECT replace(tableoid::regclass::text, %1$L, ''T''), t::text FROM %1$s t)) AS x', a, b);
END
$$;
\set ECHO all
SELECT * FROM differences('orders', 'plain');

SELECT pgmigrate.revision('wide', 'ALTER TABLE orders ALTER v TYPE bigint; ALTER TABLE orders ALTER t SET NOT NULL', 'ALTER TABLE orders ALTER t DROP NOT NULL; ALTER TABLE orders ALTER v TYPE int', id => 'p1');
SELECT statement, strategy FROM pgmigrate.plan('head');
SELECT state FROM pgmigrate.upgrade();
SELECT operation, statement, relation, strategy, state FROM pgmigrate.operations ORDER BY relation;
DROP VIEW plain_view;
ALTER TABLE plain ALTER v TYPE bigint, ALTER t SET NOT NULL;
CREATE VIEW plain_view AS SELECT v, v + 1 AS more FROM plain;
SELECT * FROM differences('orders', 'plain');

-- written to, from one partition to another too, and back as one
\set ECHO none
SELECT format('UPDATE %1$s SET v = v + 1 WHERE id %% 7 = 0; UPDATE %1$s SET d = d + 60, t = ''moved'' WHERE id %% 11 = 0; DELETE FROM %1$s WHERE id %% 13 = 0; INSERT INTO %1$s (id, d, t) VALUES (2000, 5, ''new''); TRUNCATE %1$s_high_1', name)
FROM unnest(ARRAY['orders', 'plain', 'before']) AS name \gexec
\set ECHO all
SELECT * FROM differences('orders', 'plain');
SELECT state FROM pgmigrate.downgrade('base');
SELECT relation, state FROM pgmigrate.operations ORDER BY relation;
SELECT * FROM differences('orders', 'before');

-- again, by hand: one of them is the way back of all, but not if one is finalized
SELECT pgmigrate.remove('p1');
SELECT action FROM pgmigrate.rebuild('orders', 'ALTER v TYPE bigint, ALTER t SET NOT NULL');
SELECT action FROM pgmigrate.revert((SELECT max(operation) FROM pgmigrate.operations));
SELECT state, count(*) FROM pgmigrate.operations GROUP BY 1;
SELECT * FROM differences('orders', 'before');
SELECT action FROM pgmigrate.rebuild('orders', 'ALTER v TYPE bigint');
SELECT action FROM pgmigrate.rebuild('orders', 'ALTER v TYPE numeric');
SELECT relation, action FROM pgmigrate.finalize((SELECT max(operation) FROM pgmigrate.operations));
SELECT pgmigrate.revert((SELECT min(operation) FROM pgmigrate.operations WHERE state = 'switched'));
SELECT count(*) FROM pgmigrate.finalize();
SELECT nspname FROM pg_namespace WHERE nspname ~ '^pgmigrate_online';

-- a row that does not fit ends all of it
UPDATE orders SET v = 5000000000 WHERE id = 1;
SELECT pgmigrate.revision('narrow', 'ALTER TABLE orders ALTER v TYPE int', id => 'p3');
SELECT state FROM pgmigrate.upgrade();
SELECT nspname FROM pg_namespace WHERE nspname ~ '^pgmigrate_online';
SELECT tgrelid::regclass FROM pg_trigger WHERE tgname ~ 'pgmigrate';
SELECT pgmigrate.remove('p3');

-- the files of one partition
SELECT described('orders') AS what INTO TEMP was;
SELECT action FROM pgmigrate.rebuild('orders_low');
SELECT action FROM pgmigrate.finalize();
SELECT action FROM pgmigrate.rebuild('orders_low', 'SET (fillfactor = 70)');
SELECT reloptions FROM pg_class WHERE oid = 'orders_low'::regclass;
UPDATE orders SET v = 77 WHERE id = 3;
SELECT action FROM pgmigrate.revert((SELECT max(operation) FROM pgmigrate.operations));
SELECT reloptions FROM pg_class WHERE oid = 'orders_low'::regclass;
SELECT v FROM orders WHERE id = 3;
SELECT what FROM was EXCEPT ALL SELECT * FROM described('orders');
SELECT action FROM pgmigrate.rebuild('orders_low', 'ALTER t TYPE varchar');

-- what cannot be done so says why
SELECT pgmigrate.revision('a key', '-- pgmigrate: online
ALTER TABLE orders ALTER d TYPE bigint', id => 'p4');
SELECT strategy FROM pgmigrate.plan('head');
SELECT action FROM pgmigrate.rebuild('orders', 'ALTER d TYPE bigint');
SELECT action FROM pgmigrate.rebuild('orders', 'ALTER id TYPE bigint');
SELECT action FROM pgmigrate.rebuild('orders');
SELECT action FROM pgmigrate.rebuild('orders', 'ADD x int');
CREATE VIEW low AS SELECT v FROM orders_low;
SELECT action FROM pgmigrate.rebuild('orders', 'ALTER v TYPE numeric');
DROP VIEW low;
ALTER TABLE orders_rest ALTER v SET DEFAULT 9;
SELECT action FROM pgmigrate.rebuild('orders', 'ALTER v TYPE numeric');
ALTER TABLE orders_rest ALTER v SET DEFAULT 4;
ALTER TABLE orders DETACH PARTITION orders_rest;
DROP TABLE orders_low, orders_high;
SELECT action FROM pgmigrate.rebuild('orders', 'ALTER v TYPE numeric');

-- given up as one
CREATE TABLE fails (id int PRIMARY KEY, v int) PARTITION BY RANGE (id);
CREATE TABLE fails_low PARTITION OF fails FOR VALUES FROM (0) TO (100);
CREATE TABLE fails_high PARTITION OF fails FOR VALUES FROM (100) TO (200);
INSERT INTO fails SELECT g, g FROM generate_series(1, 199) g;
SELECT pgmigrate.revision('fails', 'ALTER TABLE shop.fails ALTER v TYPE bigint USING 10 / (v - 150)', id => 'fails', down_revision => '{}', splice => true);
SELECT state FROM pgmigrate.upgrade('fails');
SELECT relation, state FROM pgmigrate.operations WHERE revision = 'fails' ORDER BY relation;
SELECT action FROM pgmigrate.revert((SELECT max(operation) FROM pgmigrate.operations));
SELECT relation, state FROM pgmigrate.operations WHERE revision = 'fails' ORDER BY relation;
SELECT nspname FROM pg_namespace WHERE nspname ~ '^pgmigrate_online';

-- somebody holds one partition: all stay, and are given up as one
CREATE TABLE held (id int PRIMARY KEY, v int) PARTITION BY RANGE (id);
CREATE TABLE held_low PARTITION OF held FOR VALUES FROM (0) TO (100);
CREATE TABLE held_high PARTITION OF held FOR VALUES FROM (100) TO (200);
INSERT INTO held SELECT g, g FROM generate_series(1, 199) g;
BEGIN;
LOCK TABLE held_high IN ACCESS SHARE MODE;
PREPARE TRANSACTION 'regress_held';
SET pgmigrate.lock_deadline = '300ms';
\set VERBOSITY sqlstate
SELECT action FROM pgmigrate.rebuild('held', 'ALTER v TYPE bigint');
SELECT relation, state FROM pgmigrate.operations WHERE relation ~ 'held' ORDER BY relation;
SELECT count(DISTINCT tgrelid) FROM pg_trigger WHERE tgname ~ 'pgmigrate' AND tgrelid::regclass::text ~ '^held';
-- the writers go on, and what is not held stays too while one of them is
INSERT INTO held VALUES (0, 7);
SELECT action FROM pgmigrate.revert((SELECT operation FROM pgmigrate.operations WHERE relation = 'shop.held_low' ORDER BY 1 DESC LIMIT 1));
SELECT relation, state FROM pgmigrate.operations WHERE relation ~ 'held' ORDER BY relation;
\set VERBOSITY default
ROLLBACK PREPARED 'regress_held';
SELECT action FROM pgmigrate.revert((SELECT max(operation) FROM pgmigrate.operations));
SELECT relation, state FROM pgmigrate.operations WHERE relation ~ 'held' ORDER BY relation;
SELECT count(DISTINCT tgrelid) FROM pg_trigger WHERE tgname ~ 'pgmigrate' AND tgrelid::regclass::text ~ '^held';
SELECT nspname FROM pg_namespace WHERE nspname ~ '^pgmigrate_online';
SELECT action FROM pgmigrate.rebuild('held', 'ALTER v TYPE bigint');
SELECT count(*), pg_typeof(min(v)) FROM held;
RESET pgmigrate.lock_deadline;

DROP SCHEMA shop CASCADE;
DROP EXTENSION pgmigrate;
CREATE EXTENSION pgmigrate;

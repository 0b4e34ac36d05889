/*
 * Keys and the foreign keys on them: tables that are changed together are what
 * the statements as written leave, and go back together.
 */
SET client_min_messages = warning;
DROP EXTENSION IF EXISTS pgmigrate;
CREATE EXTENSION pgmigrate;
SET pgmigrate.online_threshold = 0;
\set tables 'CREATE TABLE users (id int PRIMARY KEY, boss int, n numeric UNIQUE); CREATE TABLE orders (id int PRIMARY KEY, u int CONSTRAINT o_u REFERENCES users ON DELETE CASCADE ON UPDATE CASCADE, n numeric CONSTRAINT o_n REFERENCES users (n)); CREATE TABLE notes (o int PRIMARY KEY CONSTRAINT n_o REFERENCES orders ON DELETE CASCADE, u int NOT NULL, CONSTRAINT n_u FOREIGN KEY (u) REFERENCES users (id) DEFERRABLE); CREATE INDEX ON orders (u); INSERT INTO users SELECT g, g, g FROM generate_series(1, 100) g; INSERT INTO orders SELECT g, nullif(g % 100 + 1, 7) FROM generate_series(1, 300) g; INSERT INTO notes SELECT g, g % 100 + 1 FROM generate_series(1, 300) g; ANALYZE users, orders, notes'

CREATE VIEW public.done AS SELECT statement, relation, strategy, state FROM pgmigrate.operations WHERE run = (SELECT max(run) FROM pgmigrate.operations) ORDER BY operation;

CREATE SCHEMA plain;
SET search_path = plain, public;
:tables;
CREATE SCHEMA online;
SET search_path = online, public;
:tables;

CREATE FUNCTION public.shape(text) RETURNS SETOF text LANGUAGE sql AS $$
SELECT replace(x, $1 || '.', '') FROM (
	SELECT format('%s %s %s %s', attrelid::regclass, attname, format_type(atttypid, atttypmod), attnotnull)
	FROM pg_attribute a JOIN pg_class c ON c.oid = attrelid WHERE relnamespace = $1::regnamespace AND relkind = 'r' AND attnum > 0
	UNION ALL SELECT format('%s %s %s %s %s %s', conrelid::regclass, conname, pg_get_constraintdef(c.oid), convalidated, conpfeqop::regoperator[],
		(SELECT array_agg(x ORDER BY x) FROM (SELECT format('%s %s', tgrelid::regclass, tgfoid::regproc) AS x, tgconstraint FROM pg_trigger) AS t WHERE tgconstraint = c.oid))
	FROM pg_constraint c WHERE connamespace = $1::regnamespace AND contype <> 'n'
	UNION ALL SELECT format('%s %s', indexrelid::regclass, pg_get_indexdef(indexrelid))
	FROM pg_index JOIN pg_class c ON c.oid = indrelid WHERE relnamespace = $1::regnamespace
	UNION ALL SELECT 'users ' || u::text FROM online.users u WHERE $1 = 'online'
	UNION ALL SELECT 'users ' || u::text FROM plain.users u WHERE $1 = 'plain'
	UNION ALL SELECT 'orders ' || u::text FROM online.orders u WHERE $1 = 'online'
	UNION ALL SELECT 'orders ' || u::text FROM plain.orders u WHERE $1 = 'plain'
	UNION ALL SELECT 'notes ' || u::text FROM online.notes u WHERE $1 = 'online'
	UNION ALL SELECT 'notes ' || u::text FROM plain.notes u WHERE $1 = 'plain') AS u (x)
$$;
CREATE VIEW public.differing AS (SELECT 'online' AS schema, s FROM shape('online') s EXCEPT ALL SELECT 'online', s FROM shape('plain') s)
	UNION ALL (SELECT 'plain', s FROM shape('plain') s EXCEPT ALL SELECT 'plain', s FROM shape('online') s);

-- no operator compares int and text: the keys are made again in one switch
\set up 'ALTER TABLE orders DROP CONSTRAINT o_u; ALTER TABLE notes DROP CONSTRAINT n_u; ALTER TABLE users ALTER id TYPE text; ALTER TABLE orders ALTER u TYPE text; ALTER TABLE notes ALTER u TYPE text; ALTER TABLE orders ADD CONSTRAINT o_u FOREIGN KEY (u) REFERENCES users ON DELETE SET NULL; ALTER TABLE notes ADD CONSTRAINT n_u FOREIGN KEY (u) REFERENCES users (id) DEFERRABLE'
\set down 'ALTER TABLE orders DROP CONSTRAINT o_u, DROP CONSTRAINT o_n; ALTER TABLE notes DROP CONSTRAINT n_u; ALTER TABLE notes ALTER u TYPE int USING u::int; ALTER TABLE users ALTER id TYPE int USING id::int; ALTER TABLE orders ALTER u TYPE int USING u::int; ALTER TABLE orders ADD CONSTRAINT o_n FOREIGN KEY (n) REFERENCES users (n), ADD CONSTRAINT o_u FOREIGN KEY (u) REFERENCES users ON DELETE SET NULL; ALTER TABLE notes ADD CONSTRAINT n_u FOREIGN KEY (u) REFERENCES users (id) DEFERRABLE'
SELECT pgmigrate.revision('text', :'up', :'down', id => 'k1');
SELECT revision, state FROM pgmigrate.upgrade();
TABLE done;
SET search_path = plain, public;
:up;
TABLE differing;
SET search_path = online, public;

-- the keys hold
INSERT INTO orders VALUES (1000, 'x');
DELETE FROM users WHERE id = '3';
DELETE FROM notes WHERE u = '3';
DELETE FROM users WHERE id = '3';
SELECT count(*) FROM orders WHERE u IS NULL;
INSERT INTO users VALUES ('500', 1, 500);
INSERT INTO orders VALUES (1000, '500');

-- and back in one, with what is said of a key
COMMENT ON CONSTRAINT o_u ON orders IS 'who has ordered';
SELECT revision, state FROM pgmigrate.downgrade('-1');
TABLE done;
SELECT obj_description(oid) FROM pg_constraint WHERE conname = 'o_u' AND conrelid = 'orders'::regclass;
INSERT INTO orders VALUES (1001, 501);
SELECT count(*), max(u) FROM orders;
SET search_path = plain, public;
DELETE FROM notes WHERE u = '3';
DELETE FROM users WHERE id = '3';
INSERT INTO users VALUES ('500', 1, 500);
INSERT INTO orders VALUES (1000, '500');
:down;
TABLE differing;
SET search_path = online, public;

-- what does not fit any more is left out if that is said, and said of the keys
SELECT revision, state FROM pgmigrate.upgrade();
INSERT INTO users VALUES ('none', 1);
INSERT INTO orders VALUES (1002, 'none');
SELECT revision, state FROM pgmigrate.downgrade('-1');
SELECT * FROM pgmigrate.revert((SELECT max(operation) FROM pgmigrate.operations), true);
SELECT conname, convalidated FROM pg_constraint WHERE connamespace = 'online'::regnamespace AND contype = 'f' ORDER BY 1;
TABLE done;

-- what is not proven to hold goes statement by statement
DELETE FROM orders WHERE id > 1000;
DELETE FROM notes WHERE o NOT IN (SELECT id FROM orders);
ALTER TABLE orders VALIDATE CONSTRAINT o_u, VALIDATE CONSTRAINT o_n;
ALTER TABLE notes VALIDATE CONSTRAINT n_o, VALIDATE CONSTRAINT n_u;
SELECT pgmigrate.revision('a key is not made again', 'ALTER TABLE orders DROP CONSTRAINT o_u; ALTER TABLE notes DROP CONSTRAINT n_u; ALTER TABLE users ALTER id TYPE text; ALTER TABLE orders ALTER u TYPE text USING (u + 0)::text; ALTER TABLE orders ADD CONSTRAINT o_u FOREIGN KEY (u) REFERENCES users', '', id => 'k2');
SELECT pgmigrate.revision('nulls', 'ALTER TABLE orders DROP CONSTRAINT o_u; ALTER TABLE users ALTER id TYPE int USING length(id); ALTER TABLE orders ALTER u TYPE int USING length(u); ALTER TABLE orders ADD CONSTRAINT o_u FOREIGN KEY (u) REFERENCES users', '', id => 'k3');
SELECT pgmigrate.revision('equal and not the same', 'ALTER TABLE orders DROP CONSTRAINT o_n; ALTER TABLE users ALTER n TYPE text; ALTER TABLE orders ALTER n TYPE text; ALTER TABLE orders ADD CONSTRAINT o_n FOREIGN KEY (n) REFERENCES users (n)', '', id => 'k4');
SELECT revision, state FROM pgmigrate.upgrade('k2');
TABLE done;
UPDATE orders SET u = NULL;
UPDATE users SET id = repeat('x', n::int);
SELECT revision, state FROM pgmigrate.upgrade('k3');
TABLE done;
SELECT revision, state FROM pgmigrate.upgrade('k4');
TABLE done;

-- a key that is referenced and shrinks
SELECT pgmigrate.revision('grow', 'ALTER TABLE orders ALTER id TYPE bigint; ALTER TABLE notes ALTER o TYPE bigint', '', id => 'k5');
SELECT pgmigrate.revision('shrink', 'ALTER TABLE orders ALTER id TYPE smallint', '', id => 'k6');
SELECT revision, state FROM pgmigrate.upgrade();
SELECT statement, relation, state FROM pgmigrate.operations WHERE revision > 'k4' ORDER BY operation;
SELECT conname, convalidated, conpfeqop::regoperator[] FROM pg_constraint WHERE conname = 'n_o' AND connamespace = 'online'::regnamespace;
INSERT INTO notes VALUES (1000000, 1);

-- a key that demands more is checked
CREATE TABLE pairs (a int, b int, PRIMARY KEY (a, b));
CREATE TABLE halves (a int, b int, CONSTRAINT h_p FOREIGN KEY (a, b) REFERENCES pairs);
INSERT INTO halves VALUES (1, NULL);
SELECT pgmigrate.revision('full', 'ALTER TABLE halves DROP CONSTRAINT h_p; ALTER TABLE pairs ALTER a TYPE text; ALTER TABLE halves ALTER a TYPE text; ALTER TABLE halves ADD CONSTRAINT h_p FOREIGN KEY (a, b) REFERENCES pairs MATCH FULL', id => 'k7');
SELECT revision, state FROM pgmigrate.upgrade();
DELETE FROM halves;
SELECT revision, state FROM pgmigrate.upgrade();

-- a referencing table that is partitioned, and views on both
CREATE TABLE depts (id int PRIMARY KEY, name text);
CREATE TABLE staff (id int PRIMARY KEY, d int CONSTRAINT s_d REFERENCES depts ON DELETE CASCADE) PARTITION BY RANGE (id);
CREATE TABLE staff_1 PARTITION OF staff FOR VALUES FROM (0) TO (100);
CREATE TABLE staff_2 PARTITION OF staff FOR VALUES FROM (100) TO (1000) PARTITION BY RANGE (id);
CREATE TABLE staff_21 PARTITION OF staff_2 FOR VALUES FROM (100) TO (1000);
INSERT INTO depts SELECT g, 'd' || g FROM generate_series(1, 10) g;
INSERT INTO staff SELECT g, g % 10 + 1 FROM generate_series(1, 200) g;
CREATE VIEW who AS SELECT s.id, d.id AS dept, name FROM staff s JOIN depts d ON d.id = s.d;
CREATE VIEW busy AS SELECT depts.id, dept, count(*) FROM who JOIN depts ON dept = depts.id GROUP BY 1, 2;
CREATE VIEW staffed AS SELECT format('%s %s', attrelid::regclass, attname) AS it, format_type(atttypid, atttypmod) AS is FROM pg_attribute
WHERE attrelid = ANY ('{depts,staff,staff_21,who,busy}'::regclass[]) AND attname IN ('id', 'd', 'dept') AND attnum > 0
UNION ALL SELECT format('%s %s', conrelid::regclass, conname), format('%s %s %s', pg_get_constraintdef(oid), convalidated,
	(SELECT count(*) FROM pg_trigger WHERE tgconstraint = c.oid)) FROM pg_constraint c WHERE conname = 's_d'
UNION ALL SELECT 'busy', concat(count(*), ' ', sum(count)) FROM busy ORDER BY 1;
CREATE TABLE staffed_before AS TABLE staffed;
ANALYZE depts, staff;
SELECT pgmigrate.revision('parts', $$
	ALTER TABLE staff DROP CONSTRAINT s_d;
	ALTER TABLE depts ALTER id TYPE text;
	ALTER TABLE staff ALTER d TYPE text;
	ALTER TABLE staff ADD CONSTRAINT s_d FOREIGN KEY (d) REFERENCES depts ON DELETE CASCADE;
$$, $$
	ALTER TABLE staff DROP CONSTRAINT s_d;
	ALTER TABLE depts ALTER id TYPE int USING id::int;
	ALTER TABLE staff ALTER d TYPE int USING d::int;
	ALTER TABLE staff ADD CONSTRAINT s_d FOREIGN KEY (d) REFERENCES depts ON DELETE CASCADE;
$$, id => 'k8');
SELECT strategy, count(*) FROM pgmigrate.plan('head') GROUP BY 1 ORDER BY 1;
SELECT revision, state FROM pgmigrate.upgrade();
TABLE done;
TABLE staffed;
INSERT INTO staff VALUES (300, 'none');
DELETE FROM depts WHERE id = '3';
INSERT INTO depts VALUES ('none', 'none');
INSERT INTO staff VALUES (300, 'none');
SELECT revision, state FROM pgmigrate.downgrade('-1');
SELECT pgmigrate.revert((SELECT max(operation) FROM pgmigrate.operations), true);
DELETE FROM depts WHERE id = 'none';
INSERT INTO depts VALUES ('3');
INSERT INTO staff SELECT g, '3' FROM generate_series(2, 199, 10) g;
SELECT revision, state FROM pgmigrate.downgrade('-1');
TABLE done;
TABLE staffed EXCEPT TABLE staffed_before;
SELECT count(*) FROM staffed;
SELECT count(*), count(DISTINCT d) FROM staff_21;

SELECT pgmigrate.remove('k8');

-- numbers that are equal are so as whole numbers, but not as text
CREATE TABLE prices (n numeric PRIMARY KEY);
CREATE TABLE sold (id int PRIMARY KEY, n numeric CONSTRAINT s_n REFERENCES prices);
INSERT INTO prices VALUES (1.0), (2);
INSERT INTO sold VALUES (1, 1.00), (2, 2), (3, 2.000);
SELECT pgmigrate.revision('whole', 'ALTER TABLE sold DROP CONSTRAINT s_n; ALTER TABLE prices ALTER n TYPE bigint; ALTER TABLE sold ALTER n TYPE bigint; ALTER TABLE sold ADD CONSTRAINT s_n FOREIGN KEY (n) REFERENCES prices', id => 'k9');
SELECT revision, state FROM pgmigrate.upgrade();
TABLE done;
SELECT sold.id, sold.n, prices.n FROM sold JOIN prices USING (n) ORDER BY id;
SELECT action FROM pgmigrate.revert((SELECT max(operation) FROM pgmigrate.operations));
SELECT sold.id, sold.n, prices.n FROM sold JOIN prices USING (n) ORDER BY id;

-- together only where both sides become the same and the key is to hold
SET pgmigrate.drift_ignore = '%';
\set make 'DROP TABLE IF EXISTS dep, base CASCADE; CREATE TABLE base (id int PRIMARY KEY, w int); CREATE TABLE dep (id int PRIMARY KEY, b int CONSTRAINT d_b REFERENCES base, w int)'
SELECT pgmigrate.revision(id, format('ALTER TABLE dep DROP CONSTRAINT d_b; ALTER TABLE base ALTER id TYPE varchar(12); ALTER TABLE dep ALTER b TYPE varchar(%s); ALTER TABLE dep ADD CONSTRAINT d_b FOREIGN KEY (b) REFERENCES base %s', size, key), id => id)
FROM (VALUES ('m1', 12, ''), ('m2', 11, ''), ('m3', 12, 'NOT VALID')) AS v (id, size, key);
:make;
SELECT revision, state FROM pgmigrate.upgrade('m1');
:make;
SELECT revision, state FROM pgmigrate.upgrade('m2');
:make;
SELECT revision, state FROM pgmigrate.upgrade('m3');
SELECT revision, statement, relation, strategy FROM pgmigrate.operations WHERE revision >= 'm1' ORDER BY operation;

-- whether several are worth it is told by the largest, wherever it stands
CREATE TABLE few (id int PRIMARY KEY);
CREATE TABLE many (id int PRIMARY KEY, f int CONSTRAINT m_f REFERENCES few);
INSERT INTO few SELECT g FROM generate_series(1, 10) g;
INSERT INTO many SELECT g, 1 FROM generate_series(1, 50000) g;
ANALYZE few, many;
SET pgmigrate.online_threshold = '10ms';
SELECT pgmigrate.revision('few first', 'ALTER TABLE many DROP CONSTRAINT m_f; ALTER TABLE few ALTER id TYPE bigint; ALTER TABLE many ALTER f TYPE bigint; ALTER TABLE many ADD CONSTRAINT m_f FOREIGN KEY (f) REFERENCES few', id => 'n1');
SELECT pgmigrate.revision('many first', 'ALTER TABLE many DROP CONSTRAINT m_f; ALTER TABLE many ALTER f TYPE int; ALTER TABLE few ALTER id TYPE int; ALTER TABLE many ADD CONSTRAINT m_f FOREIGN KEY (f) REFERENCES few', id => 'n2');
SELECT revision, state FROM pgmigrate.upgrade();
SELECT revision, statement, relation, strategy FROM pgmigrate.operations WHERE revision >= 'n1' ORDER BY operation;

DROP SCHEMA online, plain CASCADE;
DROP VIEW public.differing, public.done;
DROP FUNCTION public.shape;
DROP EXTENSION pgmigrate;
CREATE EXTENSION pgmigrate;

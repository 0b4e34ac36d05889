-- What looking costs: rows of the catalogs that are dead afterwards, and WAL, of
-- lint() for each kind of statement.  In a new database, as a superuser:
--     psql -X -d new -f bench/locks/looks.sql
\set ON_ERROR_STOP 1
\pset pager off
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS pgmigrate;
CREATE TABLE customer (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, email text NOT NULL UNIQUE, name varchar(60), created timestamptz DEFAULT now());
CREATE TABLE product (id int PRIMARY KEY, sku varchar(20) NOT NULL UNIQUE, name text, price numeric(10,2) CHECK (price >= 0));
CREATE TABLE orders (id bigserial PRIMARY KEY, customer_id bigint NOT NULL REFERENCES customer, status varchar(20) NOT NULL DEFAULT 'new', qty int, note text, total numeric(10,2), created timestamptz DEFAULT now(), updated timestamptz, CHECK (qty > 0));
CREATE INDEX orders_created ON orders (created);
CREATE INDEX orders_status ON orders (status, created);
CREATE TABLE item (id bigserial PRIMARY KEY, order_id bigint NOT NULL REFERENCES orders ON DELETE CASCADE, product_id int NOT NULL REFERENCES product, qty int, price numeric(10,2));
CREATE INDEX item_order ON item (order_id);
CREATE TABLE payment (id bigserial PRIMARY KEY, order_id bigint REFERENCES orders, amount numeric(10,2), at timestamptz);
CREATE TABLE ev (id bigint, at date NOT NULL, kind text) PARTITION BY RANGE (at);
CREATE TABLE ev1 PARTITION OF ev FOR VALUES FROM ('2026-01-01') TO ('2026-02-01');
CREATE TABLE ev2 PARTITION OF ev FOR VALUES FROM ('2026-02-01') TO ('2026-03-01');
CREATE TABLE evd PARTITION OF ev DEFAULT;
CREATE INDEX ev_at ON ev (at);
CREATE VIEW order_v AS SELECT o.id, o.status, c.name FROM orders o JOIN customer c ON c.id = o.customer_id;
CREATE VIEW order_vv AS SELECT id FROM order_v WHERE status = 'new';
INSERT INTO customer (email, name) SELECT 'e' || g, 'n' || g FROM generate_series(1, 1000) g;
INSERT INTO product SELECT g, 's' || g, 'p', 1 FROM generate_series(1, 100) g;
INSERT INTO orders (customer_id, qty, note) SELECT 1 + g % 1000, 1 + g % 5, 'n' FROM generate_series(1, 50000) g;
INSERT INTO item (order_id, product_id, qty, price) SELECT 1 + g % 50000, 1 + g % 100, 1, 2 FROM generate_series(1, 50000) g;
VACUUM ANALYZE;
CREATE TABLE cost (n int GENERATED ALWAYS AS IDENTITY, sql text, attributes bigint DEFAULT 0, rows bigint DEFAULT 0, wal bigint DEFAULT 0);
INSERT INTO cost (sql) VALUES
('ALTER TABLE orders ADD COLUMN a1 int'),
('ALTER TABLE orders ADD COLUMN a2 text DEFAULT ''x'' NOT NULL'),
('ALTER TABLE orders ADD COLUMN a3 uuid DEFAULT gen_random_uuid()'),
('CREATE INDEX ON orders (qty)'),
('CREATE INDEX CONCURRENTLY ON orders (note)'),
('ALTER TABLE orders ALTER qty SET NOT NULL'),
('ALTER TABLE orders ADD CONSTRAINT c7 CHECK (total >= 0)'),
('ALTER TABLE item ADD FOREIGN KEY (product_id) REFERENCES product'),
('ALTER TABLE orders ALTER qty TYPE bigint'),
('ALTER TABLE orders DROP COLUMN note'),
('ALTER TABLE orders RENAME COLUMN note TO remark'),
('UPDATE orders SET note = ''x'''),
('DROP TABLE payment'),
('ALTER TABLE product ADD CONSTRAINT u14 UNIQUE (name)'),
('CREATE TABLE nt (id bigint PRIMARY KEY, order_id bigint REFERENCES orders, v text)'),
('ALTER TABLE orders ALTER id TYPE numeric'),
('CREATE TABLE ev3 PARTITION OF ev FOR VALUES FROM (''2026-03-01'') TO (''2026-04-01'')'),
('DROP VIEW order_vv');

CREATE FUNCTION written(OUT attributes bigint, OUT rows bigint) LANGUAGE sql AS $$
	SELECT sum(n) FILTER (WHERE oid = 'pg_attribute'::regclass), sum(n)
	FROM (SELECT oid, coalesce(pg_stat_get_xact_tuples_inserted(oid), 0) + coalesce(pg_stat_get_xact_tuples_updated(oid), 0) AS n
		FROM pg_class WHERE relnamespace = 'pg_catalog'::regnamespace AND relkind = 'r') t
$$;
CREATE FUNCTION look(kind int) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
	before record;
	begun pg_lsn;
BEGIN
	SELECT * INTO before FROM written();
	begun := pg_current_wal_insert_lsn();
	PERFORM FROM cost c, pgmigrate.lint(c.sql) WHERE c.n = kind;
	UPDATE cost c SET attributes = w.attributes - before.attributes, rows = w.rows - before.rows, wal = pg_current_wal_insert_lsn() - begun
	FROM written() w WHERE n = kind;
END $$;

-- the second time: the first fills caches, and writes whole pages after a checkpoint
CHECKPOINT;
SELECT count(look(n)) FROM cost \g /dev/null
SELECT count(look(n)) FROM cost \g /dev/null
SELECT attributes AS "rows of pg_attribute", rows AS "of all catalogs", wal AS "bytes of WAL", left(sql, 60) AS statement FROM cost ORDER BY n;
SELECT round(avg(attributes), 1) AS "rows of pg_attribute", round(avg(rows), 1) AS "of all catalogs", round(avg(wal)) AS "bytes of WAL" FROM cost;
-- what the statistics of the tables say of it: nothing
SELECT pg_stat_force_next_flush() \g /dev/null
SELECT relname, seq_scan, seq_tup_read, idx_scan INTO TEMP before FROM pg_stat_user_tables;
SELECT count(*) FROM cost, pgmigrate.lint(sql) \g /dev/null
SELECT pg_stat_force_next_flush() \g /dev/null
SELECT a.relname, a.seq_scan - b.seq_scan AS seq_scans, a.seq_tup_read - b.seq_tup_read AS seq_rows, a.idx_scan - b.idx_scan AS idx_scans
FROM pg_stat_user_tables a JOIN before b USING (relname) WHERE a.relname <> 'cost' AND a.schemaname <> 'pgmigrate'
AND (a.seq_scan, a.seq_tup_read, coalesce(a.idx_scan, 0)) IS DISTINCT FROM (b.seq_scan, b.seq_tup_read, coalesce(b.idx_scan, 0));

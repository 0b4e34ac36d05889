/*
 * An ordinary table becomes a partitioned one, and keeps its OID: it is what it
 * would be had it been made so.
 */
SET client_min_messages = warning;
DROP EXTENSION IF EXISTS pgmigrate;
CREATE EXTENSION pgmigrate;
CREATE SCHEMA online;
CREATE SCHEMA plain;
CREATE FUNCTION public.touch() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';

-- the same twice, here partitioned from the beginning
\set columns 'CREATE TABLE users (id int PRIMARY KEY); CREATE TABLE orders (id int GENERATED ALWAYS AS IDENTITY, gone int, day date NOT NULL, u int CONSTRAINT o_u REFERENCES users ON DELETE CASCADE, note text DEFAULT $$x$$, twice int GENERATED ALWAYS AS (u * 2) STORED, CHECK (id > 0), CONSTRAINT orders_pkey PRIMARY KEY (id, day))'
\set storage 'WITH (fillfactor = 80)'
\set others 'ALTER TABLE orders DROP gone; ALTER TABLE orders ALTER note SET STORAGE EXTERNAL; CREATE INDEX orders_note ON orders (md5(note)) WHERE note <> $$$$; CREATE UNIQUE INDEX orders_day ON orders (day DESC, id) INCLUDE (u); ALTER TABLE orders REPLICA IDENTITY USING INDEX orders_day; CREATE TABLE lines (o int, day date, CONSTRAINT l_o FOREIGN KEY (o, day) REFERENCES orders ON UPDATE CASCADE ON DELETE CASCADE DEFERRABLE); CREATE VIEW v AS SELECT id, note FROM orders; CREATE RULE r AS ON DELETE TO v DO INSTEAD DELETE FROM orders WHERE id = OLD.id; COMMENT ON COLUMN orders.note IS $$n$$; COMMENT ON TABLE orders IS $$o$$; GRANT SELECT (note), INSERT ON orders TO PUBLIC; CREATE STATISTICS st ON id, day FROM orders; ALTER TABLE orders ADD late int DEFAULT 5 NOT NULL; CREATE TRIGGER tr BEFORE INSERT OR UPDATE ON orders FOR EACH ROW EXECUTE FUNCTION public.touch(); CREATE POLICY p ON orders USING (id > 0); ALTER TABLE orders ENABLE ROW LEVEL SECURITY'
\set rows 'INSERT INTO users SELECT generate_series(1, 50); INSERT INTO orders (day, u, note) SELECT date $$2025-01-01$$ + g, g % 50 + 1, repeat($$long $$, g % 7 * 500) FROM generate_series(0, 799) g; INSERT INTO lines SELECT id, day FROM orders'
SET search_path = online;
:columns :storage;
:others;
:rows;
ALTER TABLE orders CLUSTER ON orders_pkey;
SET search_path = plain;
:columns PARTITION BY RANGE (day);
:others;
CREATE TABLE y2025 PARTITION OF orders FOR VALUES FROM ('2025-01-01') TO ('2026-01-01') :storage;
CREATE TABLE y2026 PARTITION OF orders FOR VALUES FROM ('2026-01-01') TO ('2027-01-01') :storage;
CREATE TABLE rest PARTITION OF orders DEFAULT :storage;
ALTER TABLE y2025 REPLICA IDENTITY USING INDEX y2025_day_id_u_idx;
ALTER TABLE y2026 REPLICA IDENTITY USING INDEX y2026_day_id_u_idx;
ALTER TABLE rest REPLICA IDENTITY USING INDEX rest_day_id_u_idx;
:rows;

SET search_path = public;
CREATE FUNCTION public.shape(text) RETURNS SETOF text LANGUAGE sql AS $$
SELECT replace(x, $1, 's') FROM (
	SELECT format('%s: %s %s toast %s, %s %s %s %s %s %s %s frozen %s %s %s %s', c.oid::regclass, relkind, relam, reltoastrelid <> 0, reloptions, relhasindex, relhastriggers, relhassubclass,
		relispartition, relreplident, relrowsecurity, relfrozenxid <> '0', relacl, obj_description(c.oid), pg_get_expr(relpartbound, c.oid))
	FROM pg_class c WHERE relnamespace = $1::regnamespace
	UNION ALL SELECT format('%s: %s', partrelid::regclass, pg_get_partkeydef(partrelid)) FROM pg_partitioned_table JOIN pg_class c ON c.oid = partrelid WHERE relnamespace = $1::regnamespace
	UNION ALL SELECT format('%s %s %s %s %s %s %s %s %s %s %s %s %s', attrelid::regclass, attname, format_type(atttypid, atttypmod), attnotnull, attstorage, atthasmissing, attidentity, attgenerated, attislocal, attinhcount, attacl,
		pg_get_expr(adbin, attrelid), col_description(attrelid, attnum))
	FROM pg_attribute a JOIN pg_class c ON c.oid = attrelid LEFT JOIN pg_attrdef ON adrelid = attrelid AND adnum = attnum WHERE relnamespace = $1::regnamespace AND relkind <> 'S' AND attnum > 0 AND NOT attisdropped
	UNION ALL SELECT format('%s %s %s %s %s %s %s %s %s', k.conrelid::regclass, k.confrelid::regclass, k.conname, pg_get_constraintdef(k.oid), k.convalidated, k.conislocal, k.coninhcount, k.connoinherit, p.conname)
	FROM pg_constraint k LEFT JOIN pg_constraint p ON p.oid = k.conparentid WHERE k.connamespace = $1::regnamespace AND k.contype <> 'n'
	UNION ALL SELECT format('%s %s %s %s %s %s', indexrelid::regclass, pg_get_indexdef(indexrelid), indisvalid, indisreplident, indisclustered, inhparent::regclass)
	FROM pg_index JOIN pg_class c ON c.oid = indrelid LEFT JOIN pg_inherits ON inhrelid = indexrelid WHERE relnamespace = $1::regnamespace
	UNION ALL SELECT format('%s %s %s %s %s', tgrelid::regclass, regexp_replace(tgname, '\d+', 'N'), tgfoid::regproc, tgenabled, tgparentid <> 0)
	FROM pg_trigger JOIN pg_class c ON c.oid = tgrelid WHERE relnamespace = $1::regnamespace
	UNION ALL SELECT format('%s on %s %s', regexp_replace(pg_describe_object(d.classid, d.objid, d.objsubid), 'Trigger_._\d+', 'N'), regexp_replace(pg_describe_object(d.refclassid, d.refobjid, d.refobjsubid), 'Trigger_._\d+', 'N'), deptype)
	FROM pg_depend d JOIN pg_class c ON d.refclassid = 'pg_class'::regclass AND d.refobjid = c.oid WHERE relnamespace = $1::regnamespace AND pg_describe_object(d.classid, d.objid, d.objsubid) !~ 'toast|^type|row type|^trigger RI'
	) AS u (x)
$$;
CREATE VIEW public.differing AS (SELECT 'online' AS schema, s FROM shape('online') s EXCEPT ALL SELECT 'online', s FROM shape('plain') s)
	UNION ALL (SELECT 'plain', s FROM shape('plain') s EXCEPT ALL SELECT 'plain', s FROM shape('online') s);

-- what cannot be
SET search_path = online, public;
SELECT * FROM pgmigrate.rebuild('orders', partition_by => 'RANGE (day)');
SELECT * FROM pgmigrate.rebuild('orders', 'SET (fillfactor = 90)', partition_by => 'RANGE (day)', partitions => '{}');
SELECT * FROM pgmigrate.rebuild('orders', partition_by => 'RANGE (day) WITH (fillfactor = 9)', partitions => '{}');
SELECT * FROM pgmigrate.rebuild('orders', partition_by => 'RANGE (day)', partitions => ARRAY['rest DEFAULT; DROP TABLE users']);
-- the server's own words differ by version
\set VERBOSITY sqlstate
SELECT * FROM pgmigrate.rebuild('orders', partition_by => 'RANGE (u)', partitions => ARRAY['rest DEFAULT']);
\set VERBOSITY default
SELECT * FROM pgmigrate.rebuild('orders', partition_by => 'RANGE (day)', partitions => ARRAY['users DEFAULT']);
SELECT * FROM pgmigrate.rebuild('orders', partition_by => 'RANGE (day)', partitions => ARRAY['y2025 FOR VALUES FROM (''2025-01-01'') TO (''2026-01-01'')']);
SELECT * FROM pgmigrate.rebuild('orders', partition_by => 'RANGE ((id % 10))', partitions => ARRAY['rest DEFAULT']);
SELECT * FROM pgmigrate.rebuild('orders', partition_by => 'RANGE (day)', partitions => ARRAY['rest DEFAULT /* partition by */', 'y2025 FOR VALUES FROM (''partition'') TO (''by'') Partition By LIST (u)']);
SELECT relation, state FROM pgmigrate.operations;
SELECT nspname FROM pg_namespace WHERE nspname LIKE 'pgmigrate\_%';

-- and what can; then back, with what was written since
\set partitions 'ARRAY[$$y2025 FOR VALUES FROM (\'2025-01-01\') TO (\'2026-01-01\')$$, $$rest DEFAULT$$, $$y2026 FOR VALUES FROM (\'2026-01-01\') TO (\'2027-01-01\')$$]'
\set changes 'INSERT INTO orders (day, u, note) VALUES ($$2025-05-05$$, 3, $$new$$), ($$2035-05-05$$, 3, $$late$$); UPDATE orders SET day = $$2031-01-01$$ WHERE id = 3; UPDATE orders SET note = $$same$$, id = DEFAULT WHERE id = 4; DELETE FROM users WHERE id = 1'
CREATE TABLE public.before AS SELECT shape('online') AS s;
SELECT 'orders'::regclass::oid AS before \gset
SELECT relation_name, action FROM pgmigrate.rebuild('orders', partition_by => 'RANGE (day)', partitions => :partitions);
SELECT 'orders'::regclass = :before AS same_table, relkind FROM pg_class WHERE oid = :before;
:changes;
SET search_path = plain;
:changes;
SET search_path = online, public;
INSERT INTO lines VALUES (5000, '2025-01-01');
INSERT INTO orders (day, u) VALUES ('2024-01-01', 1);
SELECT tableoid::regclass, count(*), count(twice) FROM orders GROUP BY 1 ORDER BY 1;
SELECT action FROM pgmigrate.revert((SELECT max(operation) FROM pgmigrate.operations));
SELECT 'orders'::regclass = :before AS same_table, relkind FROM pg_class WHERE oid = :before;
(SELECT 'before', s FROM before EXCEPT ALL SELECT 'before', shape('online')) UNION ALL (SELECT 'after', shape('online') EXCEPT ALL SELECT 'after', s FROM before);
SELECT count(*) FROM (SELECT o::text FROM plain.orders o EXCEPT ALL SELECT o::text FROM orders o) d;
SELECT (SELECT count(*) FROM orders), (SELECT count(*) FROM lines);
INSERT INTO lines VALUES (5000, '2025-01-01');
INSERT INTO orders (day, u) VALUES ('2024-01-01', 1);

-- once more, and for good
SELECT action FROM pgmigrate.rebuild('orders', partition_by => 'RANGE (day)', partitions => :partitions);
SELECT action FROM pgmigrate.finalize();
SET search_path = public;
TABLE differing;
SELECT count(*) FROM (SELECT tableoid::regclass::text, o::text FROM plain.orders o EXCEPT ALL SELECT replace(tableoid::regclass::text, 'online', 'plain'), o::text FROM online.orders o) d;
SET search_path = online, public;

-- one partition is emptied
CREATE TABLE towns (id int, country text COLLATE "C", PRIMARY KEY (country, id));
INSERT INTO towns SELECT g, (ARRAY['fr', 'de', 'at'])[g % 3 + 1] FROM generate_series(1, 90) g;
SELECT action FROM pgmigrate.rebuild('towns', partition_by => 'LIST (country)', partitions => ARRAY['fr FOR VALUES IN (''fr'')', 'de FOR VALUES IN (''de'', ''at'')']);
SELECT tableoid::regclass, count(*) FROM towns GROUP BY 1 ORDER BY 1;
TRUNCATE fr;
SELECT action FROM pgmigrate.revert((SELECT max(operation) FROM pgmigrate.operations));
SELECT country, count(*) FROM towns GROUP BY 1 ORDER BY 1;

-- one is detached: there is no way back
SELECT action FROM pgmigrate.rebuild('towns', partition_by => 'LIST (country)', partitions => ARRAY['fr FOR VALUES IN (''fr'')', 'de FOR VALUES IN (''de'', ''at'')']);
ALTER TABLE towns DETACH PARTITION de;
UPDATE de SET id = id + 1000;
SELECT action FROM pgmigrate.revert((SELECT max(operation) FROM pgmigrate.operations));
SELECT action FROM pgmigrate.finalize();
UPDATE de SET id = id + 1000;
SELECT count(*) FROM pg_trigger WHERE tgname LIKE 'zzz%';

-- by hashes
CREATE TABLE h (a int PRIMARY KEY, b text);
INSERT INTO h SELECT g, g FROM generate_series(1, 300) g;
CREATE TABLE h_plain (a int PRIMARY KEY, b text) PARTITION BY HASH (a);
CREATE TABLE hp0 PARTITION OF h_plain FOR VALUES WITH (MODULUS 3, REMAINDER 0);
CREATE TABLE hp1 PARTITION OF h_plain FOR VALUES WITH (MODULUS 3, REMAINDER 1);
CREATE TABLE hp2 PARTITION OF h_plain FOR VALUES WITH (MODULUS 3, REMAINDER 2);
INSERT INTO h_plain SELECT * FROM h;
SELECT relation_name, action FROM pgmigrate.rebuild('h', partition_by => 'HASH (a)', partitions => ARRAY['h0 FOR VALUES WITH (MODULUS 3, REMAINDER 0)', 'h1 FOR VALUES WITH (MODULUS 3, REMAINDER 1)', 'h2 FOR VALUES WITH (MODULUS 3, REMAINDER 2)']);
SELECT count(*) FROM (SELECT replace(tableoid::regclass::text, 'hp', 'h'), a, b FROM h_plain EXCEPT ALL SELECT tableoid::regclass::text, a, b FROM h) d;

-- and a partition of it, which goes back to be one
SELECT action FROM pgmigrate.finalize();
SELECT relation_name, action FROM pgmigrate.rebuild('h0', partition_by => 'RANGE (a)', partitions => ARRAY['h0_low FOR VALUES FROM (MINVALUE) TO (100)', 'h0_high DEFAULT']);
INSERT INTO h SELECT g, g FROM generate_series(301, 330) g;
SELECT tableoid::regclass, count(*), sum(a) FROM h GROUP BY 1 ORDER BY 1;
SELECT action FROM pgmigrate.revert((SELECT max(operation) FROM pgmigrate.operations));
SELECT tableoid::regclass, count(*), sum(a) FROM h GROUP BY 1 ORDER BY 1;
SELECT pg_get_expr(relpartbound, oid) FROM pg_class WHERE oid = 'h0'::regclass;

-- what its table has and a partitioned one cannot have is named
CREATE TABLE can (id int PRIMARY KEY, up int, v int);
\set try 'SELECT action FROM pgmigrate.rebuild(\'can\', partition_by => \'RANGE (id)\', partitions => ARRAY[\'can_rest DEFAULT\'])'
ALTER TABLE can ADD CONSTRAINT own CHECK (v > 0) NO INHERIT;
:try;
ALTER TABLE can DROP CONSTRAINT own, ADD CONSTRAINT own CHECK (v > 0) NOT VALID;
:try;
ALTER TABLE can DROP CONSTRAINT own, ADD CONSTRAINT own FOREIGN KEY (up) REFERENCES can;
:try;
ALTER TABLE can DROP CONSTRAINT own;
CREATE TRIGGER tr AFTER INSERT ON can REFERENCING NEW TABLE AS made FOR EACH ROW EXECUTE FUNCTION public.touch();
:try;
DROP TRIGGER tr ON can;
ALTER TABLE can SET UNLOGGED;
:try;
ALTER TABLE can SET LOGGED;
SET client_min_messages = error;
CREATE PUBLICATION regress_rebuilt FOR TABLE can;
SET client_min_messages = warning;
:try;
DROP PUBLICATION regress_rebuilt;
:try;
-- not a foreign key that is valid, whatever VALIDATE leaves on partitions of what it refers to
CREATE TABLE whole (id int PRIMARY KEY) PARTITION BY RANGE (id);
CREATE TABLE whole_1 PARTITION OF whole DEFAULT;
CREATE TABLE points (id int PRIMARY KEY, half int);
ALTER TABLE points ADD FOREIGN KEY (half) REFERENCES whole NOT VALID, VALIDATE CONSTRAINT points_half_fkey;
SELECT action FROM pgmigrate.rebuild('points', partition_by => 'RANGE (id)', partitions => '{points_0 DEFAULT}');
SELECT conname, conrelid::regclass, confrelid::regclass, convalidated FROM pg_constraint WHERE confrelid = 'whole'::regclass ORDER BY conrelid::regclass::text;

DROP SCHEMA online, plain CASCADE;
DROP VIEW public.differing;
DROP TABLE public.before;
DROP FUNCTION public.shape, public.touch;
DROP EXTENSION pgmigrate;
CREATE EXTENSION pgmigrate;

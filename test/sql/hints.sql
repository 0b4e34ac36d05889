-- Hints are run as they are printed, with writes between their parts, and end where the statement itself does.
SET client_min_messages = error;
SET pgmigrate.danger_block = 0;
SET pgmigrate.online = off;
CREATE SCHEMA tried;
CREATE ROLE regress_hints;
CREATE PROCEDURE tried.make() LANGUAGE plpgsql AS $make$
BEGIN
	DROP SCHEMA IF EXISTS h, h2 CASCADE;
	CREATE SCHEMA h;
	CREATE SCHEMA h2;
	GRANT USAGE ON SCHEMA h, h2 TO regress_hints;
	CREATE TABLE h.ref (id int PRIMARY KEY, v int);
	CREATE TABLE h.t (id int PRIMARY KEY, a int, b text NOT NULL DEFAULT 'b', code varchar(10) CONSTRAINT short CHECK (length(code) < 9),
		r int, must int NOT NULL, "Q c" int);
	CREATE INDEX t_a ON h.t (a);
	CREATE TABLE h.child () INHERITS (h.t);
	CREATE TABLE h.keyless (k int, v text);
	CREATE TABLE h.keyed (id int, other int, v text, CONSTRAINT old_key PRIMARY KEY (id));
	CREATE TABLE h.p (k int, v text) PARTITION BY RANGE (k);
	CREATE TABLE h.p1 PARTITION OF h.p FOR VALUES FROM (0) TO (10000);
	CREATE TABLE h.p2 PARTITION OF h.p FOR VALUES FROM (10000) TO (20000) PARTITION BY RANGE (k);
	CREATE TABLE h.p2a PARTITION OF h.p2 FOR VALUES FROM (10000) TO (15000);
	CREATE TABLE h.att (k int, v text);
	CREATE TABLE h.d (k int, v text) PARTITION BY LIST (k);
	CREATE TABLE h.d1 PARTITION OF h.d FOR VALUES IN (1);
	CREATE TABLE h.d_rest PARTITION OF h.d DEFAULT;
	CREATE TABLE h.d_att (k int, v text);
	CREATE MATERIALIZED VIEW h.mv AS SELECT id, a FROM h.t;
	CREATE UNIQUE INDEX mv_id ON h.mv (id);
	GRANT SELECT, INSERT ON h.t TO regress_hints;
	GRANT UPDATE (a) ON h.t TO regress_hints;
	INSERT INTO h.ref SELECT g, g FROM generate_series(1, 50) g;
	INSERT INTO h.t SELECT g, g, 'b', 'c' || g, g % 50 + 1, g, g FROM generate_series(1, 300) g;
	INSERT INTO h.att SELECT g, 'x' FROM generate_series(20001, 20300) g;
	INSERT INTO h.d_rest SELECT g % 5 + 10, 'x' FROM generate_series(1, 300) g;
	INSERT INTO h.d_att SELECT 7, 'x' FROM generate_series(1, 300) g;
END
$make$;
-- what the application does all the time
CREATE PROCEDURE tried.write(n int) LANGUAGE plpgsql AS $write$
BEGIN
	INSERT INTO h.t (id, a, code, r, must, "Q c") SELECT g, g, 'w' || g, 1, g, g FROM generate_series(1001, 1000 + n) g WHERE NOT EXISTS (SELECT FROM h.t WHERE id = g);
	UPDATE h.t SET a = 7000 + id WHERE id <= n AND a < 7000;
	INSERT INTO h.keyless SELECT g, 'w' FROM generate_series(1, n) g WHERE NOT EXISTS (SELECT FROM h.keyless WHERE k = g);
	INSERT INTO h.keyed SELECT g, g, 'w' FROM generate_series(1, n) g WHERE NOT EXISTS (SELECT FROM h.keyed WHERE id = g);
	INSERT INTO h.p SELECT g * 700, 'w' FROM generate_series(1, n) g WHERE NOT EXISTS (SELECT FROM h.p WHERE k = g * 700);
	INSERT INTO h.d SELECT g + 100, 'w' FROM generate_series(1, n) g WHERE NOT EXISTS (SELECT FROM h.d WHERE k = g + 100);
END
$write$;
CREATE FUNCTION tried.state() RETURNS text LANGUAGE plpgsql AS $state$
DECLARE
	rows text := '';
	name regclass;
	part text;
BEGIN
	FOR name IN SELECT c.oid FROM pg_class c WHERE relnamespace IN ('h'::regnamespace, 'h2'::regnamespace) AND relkind IN ('r', 'p', 'm') ORDER BY oid::regclass::text LOOP
		EXECUTE format('SELECT %L || count(*) || coalesce(md5(string_agg(t::text, '','' ORDER BY t::text)), '''') FROM %s t', name, name) INTO part;
		rows := rows || ' ' || part;
	END LOOP;
	RETURN pgmigrate.fingerprint(ARRAY['h', 'h2'])::text || rows;
END
$state$;
CREATE TABLE tried.case (n int GENERATED ALWAYS AS IDENTITY, rule text, sql text, after text);
INSERT INTO tried.case (rule, sql, after) VALUES
('add-column-check', 'ALTER TABLE h.t ADD x int DEFAULT 3 CHECK (x > 0)', NULL),
('check-inline', 'ALTER TABLE h.t ADD CONSTRAINT c CHECK (a > 0)', NULL),
('check-inline', 'ALTER TABLE h.t ADD CHECK (a > 0 AND "Q c" > 0)', NULL),
('check-inline', 'ALTER TABLE h.t ADD z1 int, ADD CONSTRAINT z1c CHECK (z1 > 0)', NULL),
('set-not-null', 'ALTER TABLE h.t ALTER "Q c" SET NOT NULL, ADD z2 int DEFAULT 5', NULL),
('set-not-null', 'ALTER TABLE h.t ALTER "Q c" SET NOT NULL', NULL),
('set-not-null', 'ALTER TABLE h.p ALTER k SET NOT NULL', NULL),
('create-index', 'CREATE INDEX ON h.t (lower(b)) WHERE a > 0', NULL),
('create-index', 'CREATE UNIQUE INDEX "I x" ON h.t (must)', NULL),
('index-on-partitioned', 'CREATE INDEX ON h.p (v)', NULL),
('fk-inline', 'ALTER TABLE h.t ADD FOREIGN KEY (r) REFERENCES h.ref ON DELETE CASCADE', NULL),
('fk-in-add-column', 'ALTER TABLE h.t ADD f int DEFAULT 1 REFERENCES h.ref', NULL),
('pk-builds-index', 'ALTER TABLE h.keyless ADD PRIMARY KEY (k)', NULL),
('pk-builds-index', 'ALTER TABLE h.p ADD PRIMARY KEY (k)', NULL),
('unique-builds-index', 'ALTER TABLE h.t ADD UNIQUE (must) DEFERRABLE', NULL),
('unique-builds-index', 'ALTER TABLE h.p ADD UNIQUE (k)', NULL),
('unique-builds-index', 'ALTER TABLE h.t ADD CONSTRAINT u UNIQUE (must), ADD CHECK (a > 0), DROP CONSTRAINT short', NULL),
('redefine-pk', 'ALTER TABLE h.keyed DROP CONSTRAINT old_key, ADD PRIMARY KEY (other)', NULL),
('redefine-pk', 'ALTER TABLE h.keyed DROP CONSTRAINT old_key, ADD CONSTRAINT old_key PRIMARY KEY (other) INCLUDE (id)', NULL),
('type-change-rechecks', 'ALTER TABLE h.t ALTER code TYPE varchar(20)', NULL),
('attach-partition', 'ALTER TABLE h.p ATTACH PARTITION h.att FOR VALUES FROM (20000) TO (30000)', NULL),
('default-partition-scan', 'ALTER TABLE h.d ATTACH PARTITION h.d_att FOR VALUES IN (7)', NULL),
('partition-of-locks-parent', 'CREATE TABLE h.p3 PARTITION OF h.p FOR VALUES FROM (30000) TO (40000)', NULL),
('partition-of-locks-parent', 'CREATE TABLE h.d3 PARTITION OF h.d FOR VALUES IN (8)', NULL),
('detach-partition', 'ALTER TABLE h.p DETACH PARTITION h.p1', 'ALTER TABLE h.p1 DROP CONSTRAINT IF EXISTS p1_k_check'),
('drop-partition-locks-parent', 'DROP TABLE h.p2a', NULL),
('drop-column', 'ALTER TABLE h.t DROP must CASCADE', NULL),
('drop-index', 'DROP INDEX h.t_a', NULL),
('reindex', 'REINDEX TABLE h.t', NULL),
('refresh-matview', 'REFRESH MATERIALIZED VIEW h.mv', 'REFRESH MATERIALIZED VIEW h.mv'),
('rename-table', 'ALTER TABLE h.t RENAME TO tt', 'DROP VIEW IF EXISTS h.t'),
('set-schema', 'ALTER TABLE h.t SET SCHEMA h2', 'DROP VIEW IF EXISTS h.t');
CALL tried.make();
CREATE TABLE tried.hint AS SELECT c.n, c.rule, c.after, l.hint FROM tried.case c LEFT JOIN LATERAL pgmigrate.lint(c.sql) l ON l.rule = c.rule;
-- each is there, and is SQL
SELECT n, rule, hint FROM tried.hint WHERE hint IS NULL OR hint !~ ';' ORDER BY n;
CREATE TABLE tried.part AS SELECT n, k, sql FROM tried.hint h, regexp_split_to_table(h.hint, '-- in a later revision[^\n]*:\n') WITH ORDINALITY AS p (sql, k) WHERE sql <> '';
CREATE TABLE tried.step AS SELECT p.n, p.k, x.statement AS i, x.sql
	FROM tried.part p, LATERAL (SELECT DISTINCT l.statement, l.sql FROM pgmigrate.lint(p.sql, trial => false) l) x;
CREATE TABLE tried.end (n int, variant text, state text);
CREATE TABLE tried.finding (n int, k bigint, rule text, message text);
SELECT sql FROM (
	SELECT n, v, 0 AS k, 0 AS i, 'CALL tried.make()' AS sql FROM tried.case, unnest(ARRAY['hint', 'plain']) v
	UNION ALL SELECT n, 'plain', 1, 1, sql FROM tried.case
	UNION ALL SELECT n, 'hint', k, -1, format('INSERT INTO tried.finding SELECT %s, %s, rule, message FROM pgmigrate.lint(%L) WHERE level <> ''info'' AND rule <> ''lock''', n, k, sql) FROM tried.part
	UNION ALL SELECT n, 'hint', k, i * 2, sql FROM tried.step
	UNION ALL SELECT n, 'hint', k, i * 2 + 1, format('CALL tried.write(%s)', k) FROM tried.step s JOIN tried.case c USING (n) WHERE c.rule !~ '^(rename|set-schema|drop-column|detach)'
	UNION ALL SELECT n, v, 98, 1, after FROM tried.case, unnest(ARRAY['hint', 'plain']) v WHERE after ~ 'DROP'
	UNION ALL SELECT n, v, 98, 0, 'CALL tried.write(12)' FROM tried.case, unnest(ARRAY['hint', 'plain']) v WHERE rule !~ '^(rename|set-schema|drop-column|detach)'
	UNION ALL SELECT n, v, 98, 2, after FROM tried.case, unnest(ARRAY['hint', 'plain']) v WHERE after ~ 'REFRESH'
	UNION ALL SELECT n, v, 99, 0, format('INSERT INTO tried.end SELECT %s, %L, tried.state()', n, v) FROM tried.case, unnest(ARRAY['hint', 'plain']) v) x
ORDER BY n, v, k, i
\set ECHO none
\pset format unaligned
\pset tuples_only on
\gexec
\pset tuples_only off
\pset format aligned
\set ECHO all
SELECT count(*) FROM tried.end;
-- both are there, and they are equal
SELECT c.n, c.sql, h.hint, a.state AS hinted, b.state AS plain FROM tried.case c JOIN tried.hint h USING (n) LEFT JOIN tried.end a ON a.n = c.n AND a.variant = 'hint'
	LEFT JOIN tried.end b ON b.n = c.n AND b.variant = 'plain' WHERE a.state IS DISTINCT FROM b.state ORDER BY 1;
-- and whoever follows them is not warned of what they are
SELECT c.rule, f.k, f.rule, f.message FROM tried.finding f JOIN tried.case c USING (n) WHERE c.rule <> 'detach-partition' ORDER BY c.n, f.k, f.rule;
-- until 18 a partition keeps its bound as a CHECK when it is detached concurrently
SELECT string_agg(f.message, '') IS NOT DISTINCT FROM CASE WHEN current_setting('server_version_num')::int < 190000
	THEN 'h.p1 no longer refuses what constraint p1_k_check did' END AS dropped_where_it_is
FROM tried.finding f JOIN tried.case c USING (n) WHERE c.rule = 'detach-partition';
DROP SCHEMA h, h2, tried CASCADE;
DROP ROLE regress_hints;
RESET pgmigrate.online;

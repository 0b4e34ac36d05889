-- A table of 1,000 partitions: what is told of each of them and of its indexes
-- is what PostgreSQL does, and it does not take long.
-- It takes room for 6,000 locks: the default settings have it.
SELECT current_setting('max_locks_per_transaction')::int *
	(current_setting('max_connections')::int +
	current_setting('max_prepared_transactions')::int) < 6000 AS too_few \gset
\if :too_few
\echo skipped: raise max_locks_per_transaction or max_connections for this test
\quit
\endif
SET client_min_messages = error;
CREATE SCHEMA parted;
-- however busy the machine is
SET pgmigrate.assess_timeout = '1h';
SET search_path = parted;
CREATE TABLE p (id int, k int NOT NULL) PARTITION BY RANGE (k);
CREATE TABLE other (id int PRIMARY KEY, k int);
SELECT format('CREATE TABLE p%s PARTITION OF p FOR VALUES FROM (%s) TO (%s)', g, g, g + 1) FROM generate_series(1, 1000) g
\gexec
CREATE INDEX p_id ON p (id);
ALTER TABLE p ADD PRIMARY KEY (k);
ALTER TABLE other ADD CONSTRAINT other_k FOREIGN KEY (k) REFERENCES p;
-- not all of them are alike
SELECT format('CREATE INDEX ON p%s (id) WHERE id > 0', g * 100) FROM generate_series(1, 9) g
\gexec
ALTER TABLE p7 ADD CHECK (id IS NOT NULL);
ALTER TABLE p8 ADD CHECK (id > 0) NOT VALID;
CREATE INDEX ON p9 ((id + 1));
CREATE VIEW v AS SELECT k FROM p10;
CREATE TABLE att (id int, k int NOT NULL);
CREATE INDEX ON att (id);
INSERT INTO p SELECT g, g FROM generate_series(1, 1000) g;
INSERT INTO other SELECT g FROM generate_series(1, 1000) g;
ANALYZE p;
CREATE TEMP TABLE told (n int, relation regclass, mode text, rewrites bool, scans bool, sampled bool);
CREATE TEMP TABLE really (n int, relation regclass, mode text, rewrites bool, scans bool);
CREATE TEMP TABLE took (n int, ms float);
CREATE FUNCTION tell(sql text) RETURNS TABLE (relation regclass, mode text, rewrites bool, scans bool, sampled bool) LANGUAGE sql AS $$
	SELECT relation::regclass, lock_mode, coalesce(rewrites, false), coalesce(scans, false), details ? 'like'
	FROM pgmigrate.lint($1) WHERE rule = 'lock' AND relation LIKE 'parted.%'
$$;
CREATE TEMP TABLE was (oid oid, name text, kind "char", filenode oid, scans bigint);
CREATE FUNCTION do_it(sql text) RETURNS TABLE (relation regclass, mode text, rewrites bool, scans bool) LANGUAGE plpgsql AS $$
DECLARE
	seen json;
BEGIN
	DELETE FROM was;
	INSERT INTO was SELECT c.oid, c.relname, c.relkind, c.relfilenode, coalesce(pg_stat_get_xact_numscans(c.oid), 0)
		FROM pg_class c WHERE c.relnamespace = 'parted'::regnamespace;
	BEGIN
		EXECUTE sql;
		SELECT json_agg(json_build_object('relation', w.oid, 'mode', m.mode,
			'rewrites', w.filenode <> 0 AND coalesce(w.filenode <> c.relfilenode, false),
			'scans', w.kind = 'r' AND c.oid IS NOT NULL AND coalesce(pg_stat_get_xact_numscans(w.oid), 0) > w.scans))
		INTO seen FROM was w
		JOIN (SELECT l.relation, (array_agg(l.mode ORDER BY array_position(ARRAY['AccessExclusiveLock', 'ShareRowExclusiveLock',
			'ShareLock', 'ShareUpdateExclusiveLock', 'RowExclusiveLock', 'RowShareLock', 'AccessShareLock'], l.mode)))[1] AS mode
			FROM pg_locks l WHERE l.pid = pg_backend_pid() AND l.locktype = 'relation' AND l.granted GROUP BY l.relation) m ON m.relation = w.oid
		LEFT JOIN pg_class c ON c.relname = w.name AND c.relnamespace = 'parted'::regnamespace;
		RAISE SQLSTATE 'UNDOI';
	EXCEPTION WHEN SQLSTATE 'UNDOI' THEN
	END;
	RETURN QUERY SELECT (j->>'relation')::oid::regclass, j->>'mode', (j->>'rewrites')::bool, (j->>'scans')::bool
		FROM json_array_elements(seen) j;
END $$;
CREATE TEMP TABLE statement (n int GENERATED ALWAYS AS IDENTITY, sql text);
INSERT INTO statement (sql) VALUES
('ALTER TABLE p ALTER id TYPE bigint'),
('ALTER TABLE p ALTER id SET NOT NULL'),
('CREATE INDEX ON p (k, id)'),
('DROP INDEX p_id'),
('ALTER TABLE other DROP CONSTRAINT other_k'),
('ALTER TABLE p ADD FOREIGN KEY (id) REFERENCES other'),
('DROP TABLE p CASCADE'),
('ALTER TABLE p5 ADD CHECK (id > 0)'),
('DROP TABLE p5 CASCADE'),
('ALTER TABLE p DETACH PARTITION p5'),
('CREATE TABLE p1001 PARTITION OF p FOR VALUES FROM (1001) TO (1002)'),
('ALTER TABLE p ATTACH PARTITION att FOR VALUES FROM (1001) TO (1002)');

-- a transaction for each, so that no lock is left over from the one before
\set ECHO none
SELECT format('INSERT INTO %s SELECT %s, f.* FROM %s(%L) f', into_table, n, what, sql)
FROM statement, (VALUES ('tell', 'told', 1), ('do_it', 'really', 2)) AS w (what, into_table, o) ORDER BY n, o
\gexec
\set ECHO all
\pset format unaligned
SELECT s.n, s.sql, count(t) AS told, count(r) AS really, count(*) FILTER (WHERE t.sampled) AS sampled
FROM told t FULL JOIN really r USING (n, relation) JOIN statement s USING (n) GROUP BY s.n, s.sql ORDER BY s.n;
-- the far end of a foreign key may be read by its index
SELECT n, relation, t.mode AS told, t.rewrites, t.scans, r.mode AS really, r.rewrites, r.scans
FROM told t FULL JOIN really r USING (n, relation)
WHERE (t.mode, t.rewrites) IS DISTINCT FROM (r.mode, r.rewrites) OR relation <> 'other'::regclass AND t.scans IS DISTINCT FROM r.scans
ORDER BY 1, 2 LIMIT 20;
-- those that were left out say so, and none was left out for lack of time
SELECT relation, message, details->'like' AS "like" FROM pgmigrate.lint('ALTER TABLE p ALTER id TYPE bigint')
WHERE rule = 'lock' AND relation IN ('parted.p1', 'parted.p500', 'parted.p500_id_idx', 'parted.p600_id_idx1', 'parted.p7') ORDER BY relation;
SELECT DISTINCT rule FROM statement, pgmigrate.lint(sql) WHERE rule IN ('assess-timeout', 'trial-fails', 'not-tried');
-- more shapes than are cloned: the rest is told by the first of them, tables and indexes
\set ECHO none
SELECT format('ALTER TABLE p%s ADD CONSTRAINT c CHECK (id <> -%s)', g, g) FROM generate_series(501, 560) g
\gexec
\set ECHO all
BEGIN;
SELECT count(*), count(*) FILTER (WHERE lock_mode = 'AccessExclusiveLock') AS locked, count(*) FILTER (WHERE rewrites) AS rewritten
FROM pgmigrate.lint('ALTER TABLE p ALTER id TYPE bigint') WHERE rule = 'lock' AND relation LIKE 'parted.p%';
-- what is asked of each partition is looked up by indexes: the catalogs are not read for each
SELECT relation FROM unnest('{pg_type,pg_depend,pg_attribute,pg_constraint}'::regclass[]) AS relation
WHERE pg_stat_get_xact_tuples_returned(relation) > 1000000;
COMMIT;
-- what is known of each relation is looked up while there is time
SET pgmigrate.assess_timeout = '1ms';
SELECT rule, details->'not_looked_at' AS not_looked_at, count(*) FROM pgmigrate.lint('ALTER TABLE p ADD x int') GROUP BY 1, 2 ORDER BY 1;
SET pgmigrate.assess_timeout = '1h';
SELECT rule, count(details->'bytes') AS looked_at FROM pgmigrate.lint('ALTER TABLE p ADD x int') GROUP BY 1 ORDER BY 1;
-- locks for which there may be no room
SET pgmigrate.max_statements = 1000000;
SELECT rule, relation, regexp_replace(message, '[0-9]+', 'N', 'g') AS message, regexp_replace(hint, '[0-9]+', 'N', 'g') AS hint
FROM pgmigrate.lint((SELECT string_agg(format('CREATE TABLE m%s (id int)', g), ';')
	FROM generate_series(1, current_setting('max_locks_per_transaction')::int * current_setting('max_connections')::int) g), trial => false)
WHERE rule = 'many-locks';
SELECT count(*) FROM pgmigrate.lint('ALTER TABLE p ADD x int; CREATE TABLE n (id int)') WHERE rule = 'many-locks';
DROP SCHEMA parted CASCADE;
RESET search_path;
RESET client_min_messages;

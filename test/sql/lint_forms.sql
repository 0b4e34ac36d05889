-- What lint() says of statements, and the safe forms it proposes.
SET client_min_messages = error;
SET pgmigrate.danger_block = 0;
CREATE SCHEMA forms;
SET search_path = forms;
CREATE TABLE ref (id int PRIMARY KEY, v int);
CREATE TABLE t (id int PRIMARY KEY, a int, b text, r int);
CREATE TABLE p (k int, v text) PARTITION BY RANGE (k);
CREATE TABLE p1 PARTITION OF p FOR VALUES FROM (0) TO (10);
CREATE TABLE p2 (k int, v text, CHECK (v IS NOT NULL));
CREATE VIEW vw AS SELECT id, a FROM t;
CREATE MATERIALIZED VIEW mv AS SELECT id, a FROM t;
CREATE TYPE comp AS (x int);
CREATE TABLE uses_comp (c comp);
CREATE DOMAIN positive AS int CHECK (value > 0);
CREATE FUNCTION mine() RETURNS int IMMUTABLE LANGUAGE sql AS 'SELECT 1';
-- the findings of each statement, without the locks
CREATE FUNCTION findings(sql text) RETURNS TABLE (rule text, level text, message text, hint text)
	LANGUAGE sql AS $$SELECT rule, level, message, hint FROM pgmigrate.lint($1) WHERE rule <> 'lock' ORDER BY statement, rule COLLATE "C", message$$;

-- a query that only computes is no opaque step
SELECT sql, (SELECT array_agg(rule) FROM findings(sql)) AS rules, (SELECT rewrites FROM pgmigrate.lint(sql) LIMIT 1)
FROM unnest(ARRAY['SELECT 1', 'SELECT now(), random()', $$SELECT set_config('a.b', 'c', true)$$,
	'SELECT count(*) FROM generate_series(1, 3)', 'SELECT mine()', 'SELECT 1::positive', 'SELECT pg_sleep(0)',
	$$SELECT table_to_xml('t', true, true, '')$$, 'SELECT 1 INTO new', 'SELECT * FROM t', 'SELECT nowhere(1)']) AS x (sql);

-- what revision() refuses, lint() reports
SELECT sql, rule, level FROM unnest(ARRAY['COPY t FROM STDIN', 'COPY t TO STDOUT', 'DISCARD ALL',
	'SET SESSION AUTHORIZATION nobody', 'RESET SESSION AUTHORIZATION', 'BEGIN', $$COPY t FROM '/dev/null'$$, 'DISCARD PLANS'])
	AS x (sql), LATERAL findings(sql) ORDER BY 1;

-- rewritten and read: no is said where it is known
SELECT x.sql, relation, rewrites, scans FROM unnest(ARRAY['CREATE INDEX CONCURRENTLY ON t (a)', 'DROP INDEX CONCURRENTLY t_pkey',
	'VACUUM t', 'VACUUM FULL t', 'ANALYZE t', 'UPDATE t SET a = 1', 'UPDATE t SET a = 1 WHERE id = 1', 'DELETE FROM t',
	'INSERT INTO t (id) VALUES (1)', 'COPY t (id) FROM ''/dev/null''', 'COPY t TO ''/dev/null''', 'LOCK t',
	'ALTER TABLE p DETACH PARTITION p1 CONCURRENTLY', 'ALTER TABLE t OWNER TO CURRENT_USER', 'ALTER TYPE comp ADD ATTRIBUTE y int',
	'DROP TYPE comp CASCADE', 'REFRESH MATERIALIZED VIEW mv', 'EXPLAIN SELECT * FROM t']) WITH ORDINALITY AS x (sql, n),
	LATERAL pgmigrate.lint(x.sql) WHERE rule = 'lock' ORDER BY n, relation;

-- of a partitioned table it is the partitions that are read and rewritten
SELECT rule, message FROM findings('ALTER TABLE p ALTER v SET NOT NULL');
SELECT rule, message FROM findings('ALTER TABLE p ALTER v TYPE int USING 1');
SELECT rule, message FROM findings('ALTER TABLE p ADD w float DEFAULT random()');
ALTER TABLE p1 ADD CHECK (v IS NOT NULL);
SELECT rule, message FROM findings('ALTER TABLE p ALTER v SET NOT NULL');

-- CASCADE lets it through, and takes more along
SELECT rule, level, message FROM findings('ALTER TABLE t DROP COLUMN a');
SELECT rule, level, message FROM findings('ALTER TABLE t DROP COLUMN a CASCADE');
SELECT rule, level, message FROM findings('DROP TYPE comp CASCADE');
SELECT relation FROM pgmigrate.lint('DROP TABLE t CASCADE') WHERE rule = 'lock' ORDER BY 1;

-- the safe form has the names that the server would choose; until 18 a bound stays as a CHECK
SELECT rule, message, regexp_replace(hint, '\n-- in a later revision:\nALTER TABLE forms.p1 DROP CONSTRAINT IF EXISTS p1_k_check;', '') AS hint FROM unnest(ARRAY[
	'ALTER TABLE t ADD UNIQUE (a, b)', 'ALTER TABLE t ADD CONSTRAINT u UNIQUE (a) INCLUDE (b) DEFERRABLE',
	'ALTER TABLE uses_comp ADD id int, ADD PRIMARY KEY (id)', 'ALTER TABLE t ADD FOREIGN KEY (r) REFERENCES ref',
	'ALTER TABLE t ADD FOREIGN KEY (r, a) REFERENCES ref (id, v) MATCH FULL ON DELETE SET NULL ON UPDATE CASCADE DEFERRABLE INITIALLY DEFERRED',
	$$ALTER TABLE t ADD CHECK (a > 0 AND b <> ')' /* ( */ AND b <> $a$)$a$)$$, 'ALTER TABLE t ADD CHECK (a > 0)',
	'ALTER TABLE t ADD x int DEFAULT 1 UNIQUE CHECK (x > 0) REFERENCES ref', 'CREATE INDEX ON p (v)',
	E'CREATE UNIQUE INDEX IF NOT EXISTS i ON ONLY "t" USING btree (lower(b)) INCLUDE (a) WHERE a > 0 -- why\n',
	'ALTER TABLE t DROP CONSTRAINT t_pkey, ADD PRIMARY KEY (a)', 'ALTER TABLE p DETACH PARTITION p1',
	'ALTER TABLE p ADD UNIQUE (k)', 'REINDEX TABLE t', 'DROP INDEX t_pkey']) WITH ORDINALITY AS x (sql, n), LATERAL findings(sql)
WHERE hint ~ '[A-Z]{4}' AND hint !~ 'not_null' ORDER BY n, rule COLLATE "C";
-- and ends as the statement itself does
ALTER TABLE t ADD UNIQUE (a, b), ADD CHECK (a > 0), ADD FOREIGN KEY (r) REFERENCES ref;
SELECT conname FROM pg_constraint WHERE conrelid = 't'::regclass AND contype <> 'n' ORDER BY 1;

-- a comment allows a finding of the statement it stands before, in or behind
SELECT n, statement, rule, level FROM unnest(ARRAY[
	E'SELECT 1; CREATE INDEX ON t (a) -- pgmigrate: allow create-index because x\n;',
	'CREATE INDEX ON t (a); -- pgmigrate: allow create-index because x',
	E'CREATE INDEX ON t (a); -- pgmigrate: allow create-index because x\nCREATE INDEX ON t (b)',
	E'CREATE INDEX ON t (a);\n-- pgmigrate: allow create-index because x\nCREATE INDEX ON t (b)',
	'CREATE INDEX ON t (a); /* pgmigrate: allow create-index because x */ CREATE INDEX ON t (b)',
	E'CREATE INDEX ON /* pgmigrate: allow create-index because x */ t (a)',
	'CREATE INDEX ON t (a); -- pgmigrate: allow drop-table because x',
	E'CREATE INDEX ON t (a);\n\n-- pgmigrate: allow drop-table because x\n',
	$$CREATE INDEX ON t (a) WHERE b <> '-- pgmigrate: allow create-index because x'$$,
	E'CREATE INDEX ON t (a) WHERE b <> $x$\n-- pgmigrate: allow create-index because x\n$x$']) WITH ORDINALITY AS x (sql, n),
	LATERAL pgmigrate.lint(x.sql)
WHERE rule <> 'lock' ORDER BY n, statement, rule COLLATE "C";

DROP SCHEMA forms CASCADE;
RESET search_path;
RESET client_min_messages;

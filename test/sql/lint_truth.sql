-- What lint says is true: no alarm at what works, none missed at what does
-- not, and not a word about what nobody needs to know.
SET client_min_messages = error;
CREATE SCHEMA truth;
SET search_path = truth;
CREATE FUNCTION found(sql text, rules text = '.') RETURNS TABLE (n int, rule text, level text, relation text, message text)
	LANGUAGE sql AS $$ SELECT statement, rule, level, relation, message FROM pgmigrate.lint(sql) l
	WHERE l.rule <> 'lock' AND l.rule ~ rules ORDER BY statement, rule COLLATE "C", relation, message $$;
CREATE FUNCTION brief(sqls text[], rules text = '.') RETURNS TABLE (sql text, rules text) LANGUAGE sql AS $$
	SELECT s, string_agg(f.n || ' ' || f.rule || ' ' || f.level, ', ' ORDER BY f.n, f.rule COLLATE "C", f.relation)
	FROM unnest(sqls) WITH ORDINALITY AS u (s, o) LEFT JOIN LATERAL truth.found(s, brief.rules) f ON true GROUP BY o, s ORDER BY o $$;

-- names that the text has freed
CREATE TABLE users (id bigint PRIMARY KEY, a int);
CREATE INDEX users_a ON users (a);
CREATE SEQUENCE seq;
CREATE VIEW vw AS SELECT 1 AS x;
CREATE SCHEMA truth_staging;
CREATE TABLE truth_staging.users (id bigint PRIMARY KEY, a int);
SELECT * FROM brief(ARRAY[
	'CREATE TABLE nu (LIKE users INCLUDING ALL); ALTER TABLE users RENAME TO ou; ALTER TABLE nu RENAME TO users; ALTER TABLE users ADD z int',
	'CREATE TABLE u2 (id int); DROP TABLE users; ALTER TABLE u2 RENAME TO users; CREATE INDEX users_a ON users (id)',
	'CREATE TABLE nu (LIKE users); ALTER TABLE users RENAME TO ou; ALTER INDEX users_pkey RENAME TO ou_pkey; ALTER TABLE nu ADD CONSTRAINT users_pkey PRIMARY KEY (id); ALTER TABLE nu RENAME TO users',
	'CREATE TABLE nu (LIKE users INCLUDING ALL); ALTER INDEX users_a RENAME TO ou_a; ALTER INDEX nu_a_idx RENAME TO users_a',
	'ALTER TABLE users RENAME TO ou; ALTER TABLE ou RENAME CONSTRAINT users_pkey TO ou_pkey; CREATE TABLE nu (id bigint CONSTRAINT users_pkey PRIMARY KEY)',
	'CREATE TABLE nu AS SELECT * FROM users; ALTER TABLE users RENAME TO ou; ALTER TABLE nu RENAME TO users',
	'DROP TABLE truth_staging.users; ALTER TABLE users SET SCHEMA truth_staging; ALTER TABLE truth_staging.users ADD b int',
	'CREATE VIEW nv AS SELECT 2 AS x; DROP VIEW vw; ALTER VIEW nv RENAME TO vw',
	'CREATE SEQUENCE s2; ALTER SEQUENCE seq RENAME TO os; ALTER SEQUENCE s2 RENAME TO seq',
	-- these fail
	'CREATE TABLE nu (id int); ALTER TABLE nu RENAME TO users',
	'ALTER TABLE users SET SCHEMA truth_staging',
	'CREATE TABLE nu (id int); CREATE INDEX users_a ON nu (id)'], 'fails|not-tried');

-- after the switch everybody uses the new table
SELECT pgmigrate.revision('swap', id => 'truth_swap', upgrade => 'CREATE TABLE truth.nu (LIKE truth.users INCLUDING ALL); ALTER TABLE truth.users RENAME TO ou; ALTER TABLE truth.nu RENAME TO users');
SELECT pgmigrate.revision('col', id => 'truth_col', upgrade => 'ALTER TABLE truth.users ADD b int; CREATE TABLE truth.made (id bigint PRIMARY KEY)');
SELECT pgmigrate.revision('made', id => 'truth_made', upgrade => 'ALTER TABLE truth.made ADD b int; ALTER TABLE truth.ou DROP a');
SELECT revision, statement, rule, relation, lock_mode, message FROM pgmigrate.assess('head') WHERE rule IN ('lock', 'trial-fails') ORDER BY 1 DESC, 2, 3, 4;
SELECT revision, locks FROM pgmigrate.plan('head') ORDER BY step, statement COLLATE "C";
SELECT pgmigrate.remove('truth_made'), pgmigrate.remove('truth_col'), pgmigrate.remove('truth_swap');

-- rows: of a table itself, or of its children too
CREATE TABLE p (id int PRIMARY KEY, a int);
CREATE TABLE c () INHERITS (p);
INSERT INTO p VALUES (1, 1);
INSERT INTO c VALUES (1, NULL), (2, 5), (2, 7);
CREATE TABLE ref (pid int);
INSERT INTO ref VALUES (2);
CREATE DOMAIN has_default AS int DEFAULT 5;
CREATE DOMAIN no_nulls AS int NOT NULL;
CREATE TABLE s (id int PRIMARY KEY, a int, n varchar(20), t text);
INSERT INTO s VALUES (1, NULL, 'ab   ', 'abc  '), (2, 3, 'x', 'y');
SELECT * FROM brief(ARRAY[
	'ALTER TABLE p ADD UNIQUE (id); CREATE UNIQUE INDEX ON p (a)',
	'ALTER TABLE p ADD CHECK (a < 7) NO INHERIT',
	'ALTER TABLE p ADD CHECK (a < 7)',
	'ALTER TABLE p ALTER a SET NOT NULL',
	'ALTER TABLE ref ADD FOREIGN KEY (pid) REFERENCES p',
	'ALTER TABLE s ADD k serial NOT NULL, ADD k2 has_default NOT NULL, ADD k3 bigserial',
	'ALTER TABLE s ADD k no_nulls',
	'ALTER TABLE s ADD k int NOT NULL',
	'ALTER TABLE s ADD k int NOT NULL DEFAULT NULL',
	'ALTER TABLE ONLY users ADD k int NOT NULL',
	'ALTER TABLE s ADD COLUMN IF NOT EXISTS a int NOT NULL',
	'ALTER TABLE s ALTER a TYPE bigint USING coalesce(a, 0), ALTER a SET NOT NULL',
	'ALTER TABLE s ALTER a TYPE bigint USING coalesce(a, 0), ADD CHECK (a IS NOT NULL)',
	'ALTER TABLE s ALTER a TYPE bigint USING nullif(a, 3), ALTER a SET NOT NULL',
	'ALTER TABLE s ALTER n TYPE varchar(2), ALTER t TYPE char(3)',
	'ALTER TABLE s ALTER n TYPE varchar(1)',
	'ALTER TABLE s ADD z int DEFAULT 5, ADD CHECK (z > 10)',
	'ALTER TABLE s ADD z int DEFAULT 5, ADD CHECK (z > 1)',
	'ALTER TABLE s ADD z int, ADD CHECK (z > 10)'], 'data|required');

-- a table of many rows: what cannot fail is not doubted
CREATE TABLE orders AS SELECT g AS id, g AS qty, 'n' || g AS note, 'x'::varchar(20) AS v, 1.5::numeric(6, 2) AS num, now() AS at,
	ARRAY[g] AS arr FROM generate_series(1, 220000) g;
ALTER TABLE orders ADD PRIMARY KEY (id);
CREATE TABLE tiny (id int PRIMARY KEY, v int);
INSERT INTO tiny SELECT g, g FROM generate_series(1, 10) g;
CREATE VIEW v AS SELECT id FROM orders;
CREATE MATERIALIZED VIEW mv AS SELECT id FROM tiny;
ANALYZE orders, tiny;
SELECT * FROM brief(ARRAY['ALTER TABLE orders ALTER qty TYPE bigint', 'ALTER TABLE orders ALTER qty TYPE numeric', 'ALTER TABLE orders ALTER qty TYPE text',
	'ALTER TABLE orders ALTER note TYPE varchar', 'ALTER TABLE orders ALTER v TYPE varchar(30)', 'ALTER TABLE orders ALTER num TYPE numeric(8, 3)',
	'ALTER TABLE orders ALTER at TYPE timestamp', 'ALTER TABLE orders ALTER arr TYPE bigint[]',
	-- these may
	'ALTER TABLE orders ALTER qty TYPE smallint', 'ALTER TABLE orders ALTER note TYPE varchar(8)', 'ALTER TABLE orders ALTER num TYPE numeric(6, 3)',
	'SELECT count(*) FROM orders; ALTER TABLE orders ALTER qty SET NOT NULL'], 'data-');

-- a condition is no proof
SELECT * FROM brief(ARRAY['UPDATE orders SET note = ''x'' WHERE true', 'UPDATE orders SET note = ''x'' WHERE id > 0', 'UPDATE orders SET note = ''x'' WHERE note IS NOT NULL',
	'DELETE FROM orders WHERE qty > 0', 'WITH x AS (UPDATE orders SET note = ''q'' RETURNING id) SELECT count(*) FROM x',
	'UPDATE orders o SET note = ''x'' FROM orders t WHERE t.id = o.id', 'ALTER TABLE orders ADD z int; UPDATE orders SET z = 1 WHERE z IS NULL',
	-- these change few
	'UPDATE orders SET note = ''x'' WHERE id = 5', 'DELETE FROM orders WHERE id < 100', 'UPDATE orders o SET note = ''x'' FROM tiny t WHERE t.id = o.id',
	'UPDATE tiny SET v = 1 WHERE v > 0']);
SELECT bool_and(scans) FROM pgmigrate.lint('UPDATE orders SET note = ''x'' WHERE note IS NOT NULL');
SELECT pgmigrate.revision('e', id => 'truth_e', upgrade => 'SET search_path = truth; UPDATE orders SET note = ''x''; DELETE FROM orders;
	CREATE TABLE copied AS SELECT * FROM orders; INSERT INTO tiny SELECT id FROM orders');
SELECT statement, estimate > '10 ms' AS long FROM pgmigrate.plan('head') WHERE statement !~ '^SET' ORDER BY 1;
SELECT pgmigrate.remove('truth_e');

-- tables that refer to one alike are not all cloned, but all told of
CREATE TABLE hub (id bigint PRIMARY KEY);
DO $$ BEGIN FOR i IN 1 .. 20 LOOP EXECUTE format('CREATE TABLE spoke%s (id bigint PRIMARY KEY, h bigint REFERENCES truth.hub%s)', i,
	CASE WHEN i % 2 = 0 THEN ' ON DELETE CASCADE' END); END LOOP; END $$;
SELECT lock_mode, count(*), count(*) FILTER (WHERE rewrites) AS rewritten, count(*) FILTER (WHERE scans) AS read FROM pgmigrate.lint('ALTER TABLE hub ALTER id TYPE int')
	WHERE rule = 'lock' GROUP BY 1 ORDER BY 1;
BEGIN;
ALTER TABLE hub ALTER id TYPE int;
SELECT mode, count(*) FROM (SELECT DISTINCT ON (relation) relation, mode FROM pg_locks JOIN pg_class c ON c.oid = relation
	WHERE pid = pg_backend_pid() AND locktype = 'relation' AND relname ~ '^(hub|spoke)' ORDER BY relation, mode <> 'AccessExclusiveLock', mode <> 'ShareRowExclusiveLock') l
	GROUP BY 1 ORDER BY 1;
ROLLBACK;

-- rows that go along
CREATE TABLE par (id int PRIMARY KEY);
CREATE TABLE ch (id int PRIMARY KEY, p int REFERENCES par ON DELETE CASCADE);
CREATE TABLE grand (c int REFERENCES ch ON DELETE SET NULL);
INSERT INTO par SELECT generate_series(1, 100);
INSERT INTO ch SELECT g, 1 + g % 100 FROM generate_series(1, 20000) g;
ANALYZE par, ch, grand;
SELECT * FROM brief(ARRAY['DELETE FROM par WHERE id > 0', 'DELETE FROM par WHERE id = 5'], 'cascading');
SELECT relation, lock_mode FROM pgmigrate.lint('DELETE FROM par') WHERE rule = 'lock' ORDER BY 1;

-- locks that keep writers away, over long work
SELECT * FROM brief(ARRAY['ALTER TABLE ref ADD FOREIGN KEY (pid) REFERENCES tiny NOT VALID; UPDATE orders SET qty = qty + 1',
	'CREATE INDEX ON tiny (v); UPDATE orders SET qty = qty + 1', 'UPDATE orders SET qty = qty + 1; ALTER TABLE tiny ADD x int'], 'holding');

-- what is gone for applications, unless it comes back
CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN new; END';
CREATE TRIGGER tr BEFORE INSERT ON ref FOR EACH ROW EXECUTE FUNCTION f();
CREATE FUNCTION lone() RETURNS int LANGUAGE sql AS 'SELECT 1';
CREATE TYPE st AS ENUM ('a');
CREATE TABLE uses (s st, d has_default);
SELECT * FROM brief(ARRAY['DROP VIEW v', 'DROP VIEW v; CREATE VIEW v AS SELECT 1 AS x', 'DROP MATERIALIZED VIEW mv', 'DROP FUNCTION lone()',
	'DROP FUNCTION lone(); CREATE FUNCTION lone() RETURNS bigint LANGUAGE sql AS ''SELECT 1::bigint''',
	'DROP TRIGGER tr ON ref; CREATE TRIGGER tr BEFORE UPDATE ON ref FOR EACH ROW EXECUTE FUNCTION f()',
	-- what is certain to fail
	'DROP TYPE st', 'DROP DOMAIN has_default', 'DROP FUNCTION f()', 'DROP SCHEMA truth_staging',
	'ALTER TABLE uses DROP s; DROP TYPE st', 'DROP TRIGGER tr ON ref; DROP FUNCTION f()', 'DROP TYPE st CASCADE', 'DROP TYPE IF EXISTS nowhere'], 'drop-[vft]|fails');

-- IF NOT EXISTS of what is there
SELECT * FROM found('CREATE TABLE IF NOT EXISTS s (id int PRIMARY KEY, a int); CREATE TABLE IF NOT EXISTS s (id int, other json); CREATE TABLE IF NOT EXISTS s (a bigint);
	CREATE INDEX IF NOT EXISTS s_pkey ON s (a)');
SELECT scans FROM pgmigrate.lint('CREATE INDEX IF NOT EXISTS orders_pkey ON orders (qty)');
ALTER TABLE orders ADD CONSTRAINT positive CHECK (qty > 0);
SELECT rule, scans FROM pgmigrate.lint('ALTER TABLE orders VALIDATE CONSTRAINT positive');
SELECT rule, rewrites FROM pgmigrate.lint('ALTER TABLE orders SET TABLESPACE pg_default; ALTER INDEX orders_pkey SET TABLESPACE pg_default');
SET allow_in_place_tablespaces = on;
CREATE TABLESPACE regress_pgm_truth LOCATION '';
SELECT * FROM brief(ARRAY['ALTER INDEX orders_pkey SET TABLESPACE regress_pgm_truth']);
DROP TABLESPACE regress_pgm_truth;

-- nothing to say
SELECT * FROM brief(ARRAY['SELECT count(*) FROM orders', 'SELECT setval(''seq'', 10)', 'SELECT setval(''seq'', (SELECT max(id) FROM orders))', 'SELECT * FROM v',
	'CREATE EXTENSION IF NOT EXISTS pgmigrate', 'SET lock_timeout = ''2s''', 'ALTER TYPE st ADD VALUE ''b''', 'ALTER TABLE tiny OWNER TO CURRENT_USER',
	'ALTER TABLE tiny ALTER v DROP NOT NULL', 'ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO PUBLIC',
	-- this is code
	'SELECT lone()', 'SELECT 1::no_nulls', 'UPDATE tiny SET v = lone()']);

-- row security, missing privileges
CREATE ROLE regress_pgm_truth;
GRANT USAGE ON SCHEMA truth, pgmigrate TO regress_pgm_truth;
GRANT EXECUTE ON FUNCTION pgmigrate.lint(text, boolean) TO regress_pgm_truth;
CREATE TABLE hidden (a int, org int);
ALTER TABLE hidden OWNER TO regress_pgm_truth;
ALTER TABLE hidden ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY pol ON hidden USING (org = 1);
SELECT * FROM found('UPDATE hidden SET a = 1; SELECT count(*) FROM hidden');
SET ROLE regress_pgm_truth;
SELECT rule, level, message FROM pgmigrate.lint('UPDATE hidden SET a = 1') WHERE rule <> 'lock';
SELECT statement, rule, level, message, hint = format('Run it as the owner, %I.', session_user) AS by_owner FROM pgmigrate.lint('ALTER TABLE tiny ADD x int') WHERE rule <> 'lock';
SELECT statement, rule, level, message, hint FROM pgmigrate.lint('CREATE TABLE mine (id bigint PRIMARY KEY)') WHERE rule <> 'lock';
RESET ROLE;
GRANT CREATE ON SCHEMA truth TO regress_pgm_truth;
SET ROLE regress_pgm_truth;
SELECT statement, rule, level, message, hint FROM pgmigrate.lint('CREATE TABLE mine (id bigint PRIMARY KEY, t int REFERENCES truth.tiny)') WHERE rule <> 'lock';
RESET ROLE;
GRANT REFERENCES ON tiny TO regress_pgm_truth;
SET ROLE regress_pgm_truth;
SELECT statement, rule, level, message, hint FROM pgmigrate.lint('CREATE TABLE mine (id bigint PRIMARY KEY, t int REFERENCES truth.tiny)') WHERE rule <> 'lock';
RESET ROLE;

-- foreign tables, and an enum value where all revisions are one transaction
CREATE FOREIGN DATA WRAPPER regress_pgm_truth;
CREATE SERVER regress_pgm_truth FOREIGN DATA WRAPPER regress_pgm_truth;
CREATE TABLE whole (a int, b int) PARTITION BY LIST (a);
CREATE FOREIGN TABLE far PARTITION OF whole FOR VALUES IN (1) SERVER regress_pgm_truth;
SELECT * FROM found('ALTER FOREIGN TABLE far ALTER b SET DEFAULT 1; ALTER TABLE whole ADD c int; ALTER TABLE whole RENAME b TO d', 'foreign');
SELECT * FROM found('CREATE UNIQUE INDEX ON whole (a); CREATE INDEX ON whole (a); ALTER TABLE whole ADD PRIMARY KEY (a); CREATE UNIQUE INDEX ON ONLY whole (a)', 'foreign');
SELECT * FROM found('ALTER TABLE whole ADD FOREIGN KEY (b) REFERENCES tiny; ALTER TABLE whole ADD CHECK (b > 0), ALTER b SET NOT NULL; UPDATE whole SET b = 1; DELETE FROM far; SELECT FROM far; TRUNCATE whole', 'foreign');
SELECT * FROM found('WITH x AS (INSERT INTO far VALUES (1, 1) RETURNING a) MERGE INTO tiny USING x ON tiny.id = x.a WHEN MATCHED THEN DELETE;
	WITH x AS (DELETE FROM far RETURNING a) DELETE FROM tiny USING x WHERE id = a; CREATE TABLE moved AS WITH x AS (DELETE FROM far RETURNING a) SELECT * FROM x;
	CREATE TABLE later AS SELECT * FROM far; EXPLAIN ANALYZE DELETE FROM far; EXPLAIN DELETE FROM far', 'foreign');
SELECT * FROM found('WITH x AS (DELETE FROM tiny RETURNING id) UPDATE whole SET b = 1 FROM x WHERE a = id; WITH x AS (UPDATE tiny SET id = id RETURNING id) INSERT INTO whole SELECT id FROM x;
	CREATE TABLE moved AS WITH x AS (DELETE FROM tiny RETURNING id) SELECT * FROM x; EXPLAIN ANALYZE DELETE FROM tiny; EXPLAIN DELETE FROM tiny', 'bulk');
SELECT * FROM found('MERGE INTO far USING tiny ON tiny.id = far.a WHEN MATCHED THEN DELETE; MERGE INTO whole USING tiny ON tiny.id = whole.a WHEN MATCHED THEN DELETE; WITH x AS (DELETE FROM far RETURNING a) SELECT * FROM x', 'foreign');
SELECT rule, level, hint FROM pgmigrate.lint('UPDATE whole SET b = 1') WHERE rule ~ 'bulk';
SELECT * FROM found('CREATE CONSTRAINT TRIGGER c AFTER UPDATE ON whole FOR EACH ROW EXECUTE FUNCTION suppress_redundant_updates_trigger(); CREATE TRIGGER c AFTER UPDATE ON whole FOR EACH ROW EXECUTE FUNCTION suppress_redundant_updates_trigger()', 'foreign');
CREATE FOREIGN DATA WRAPPER postgres_fdw;
CREATE SERVER regress_pgm_names FOREIGN DATA WRAPPER postgres_fdw;
CREATE FOREIGN TABLE named (a int, b int) SERVER regress_pgm_names OPTIONS (schema_name 'there');
CREATE TABLE keyed_whole (a int PRIMARY KEY, b int) PARTITION BY LIST (a);
SELECT * FROM found('ALTER TABLE named ADD PRIMARY KEY (a); ALTER TABLE named ADD c int UNIQUE; ALTER TABLE named ENABLE ROW LEVEL SECURITY; CREATE INDEX ON named (a); CREATE POLICY p ON named USING (true); ALTER TABLE named SET (fillfactor = 70)', 'foreign');
SELECT * FROM found('ALTER FOREIGN TABLE named RENAME TO other; ALTER FOREIGN TABLE named SET SCHEMA public; ALTER FOREIGN TABLE named RENAME a TO x; ALTER TABLE keyed_whole ATTACH PARTITION named FOR VALUES IN (1); CREATE FOREIGN TABLE p PARTITION OF keyed_whole FOR VALUES IN (2) SERVER regress_pgm_names; ALTER TABLE whole ATTACH PARTITION named FOR VALUES IN (2)', 'foreign');
DROP TABLE keyed_whole;
DROP FOREIGN DATA WRAPPER postgres_fdw CASCADE;
SELECT pgmigrate.revision('enum', id => 'truth_enum', upgrade => 'ALTER TYPE truth.st ADD VALUE ''b''');
SELECT pgmigrate.revision('use', id => 'truth_use', upgrade => 'ALTER TABLE truth.uses ALTER s SET DEFAULT ''b''');
SELECT rule FROM pgmigrate.assess('head') WHERE rule ~ 'enum|fails' ORDER BY 1;
SET pgmigrate.transaction_per_migration = off;
SELECT rule FROM pgmigrate.assess('head') WHERE rule ~ 'enum|fails' ORDER BY 1;
RESET pgmigrate.transaction_per_migration;
SELECT pgmigrate.remove('truth_use'), pgmigrate.remove('truth_enum');

-- event triggers of users see nothing of it
CREATE SEQUENCE fired;
CREATE FUNCTION frozen() RETURNS event_trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM nextval('truth.fired'); RAISE 'DDL is frozen'; END $$;
CREATE EVENT TRIGGER regress_pgm_truth ON ddl_command_start EXECUTE FUNCTION frozen();
SELECT rule, relation, lock_mode FROM pgmigrate.lint('ALTER TABLE truth.tiny ADD x int');
DROP EVENT TRIGGER regress_pgm_truth;
SELECT is_called FROM fired;

-- nobody's statistics tell of it
SELECT pg_stat_force_next_flush();
SELECT seq_scan AS before, seq_tup_read FROM pg_stat_user_tables WHERE relid = 'ref'::regclass \gset
SELECT count(*) > 0 FROM pgmigrate.lint('ALTER TABLE ref ALTER pid SET NOT NULL; ALTER TABLE ref ADD UNIQUE (pid); UPDATE ref SET pid = 1 WHERE pid > 0');
SELECT pg_stat_force_next_flush();
SELECT seq_scan - :before AS scans, seq_tup_read - :seq_tup_read AS rows FROM pg_stat_user_tables WHERE relid = 'ref'::regclass;

-- of a table a trial copies what its statements are about: rows of pg_attribute that are dead afterwards; six of
-- each table are its system columns
CREATE TABLE wheel (id bigserial PRIMARY KEY, k text UNIQUE, a int CHECK (a > 0), b text DEFAULT 'x', c timestamptz, d text, e jsonb, f numeric, g uuid);
CREATE INDEX wheel_c ON wheel (c, d);
CREATE TABLE rim (id bigint PRIMARY KEY, wheel bigint REFERENCES wheel, v text, w text, x text);
CREATE VIEW wheels AS SELECT id, a FROM wheel;
SELECT pg_stat_force_next_flush();
CREATE TABLE cost (n int GENERATED ALWAYS AS IDENTITY, rows bigint, sql text);
INSERT INTO cost (sql) VALUES ('ALTER TABLE wheel ADD z text'), ('ALTER TABLE wheel ALTER a SET NOT NULL'), ('ALTER TABLE wheel ADD CHECK (f > 0)'),
	('CREATE INDEX ON wheel (e)'), ('ALTER TABLE wheel DROP b'), ('ALTER TABLE wheel RENAME a TO z'), ('ALTER TABLE wheel ADD UNIQUE (g)'),
	('ALTER TABLE rim ADD FOREIGN KEY (wheel) REFERENCES wheel NOT VALID'), ('ALTER TABLE wheel ADD z float DEFAULT random()'), ('ALTER TABLE wheel ALTER a TYPE bigint');
CREATE FUNCTION cost(number int) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
	before bigint := (SELECT coalesce(pg_stat_get_xact_tuples_inserted(1249), 0) + coalesce(pg_stat_get_xact_tuples_updated(1249), 0));
BEGIN
	PERFORM FROM cost c, pgmigrate.lint(c.sql) WHERE c.n = number;
	UPDATE cost SET rows = pg_stat_get_xact_tuples_inserted(1249) + pg_stat_get_xact_tuples_updated(1249) - before WHERE n = number;
END $$;
SELECT cost(n) FROM cost ORDER BY n;
SELECT sql, rows <= 30 AS some FROM cost WHERE rows > 13 ORDER BY n;
-- but all that a statement may meet: names that the server chooses, what refers to a key, what reads a column
SELECT rule, message FROM pgmigrate.lint('ALTER TABLE wheel DROP CONSTRAINT wheel_pkey') WHERE rule ~ 'fails';
SELECT rule, message FROM pgmigrate.lint('ALTER TABLE wheel ALTER a TYPE numeric') WHERE rule ~ 'fails|depend';
SELECT rule, message FROM pgmigrate.lint('ALTER TABLE wheel ADD CHECK (f > 0 OR a > 0); ALTER TABLE wheel DROP CONSTRAINT wheel_check') WHERE rule ~ 'fails';
ALTER TABLE wheel ADD CHECK (g IS NOT NULL OR e IS NOT NULL);
SELECT rule, message FROM pgmigrate.lint('ALTER TABLE wheel ADD CHECK (f > 0 OR a > 0); ALTER TABLE wheel DROP CONSTRAINT wheel_check1') WHERE rule ~ 'fails';
SELECT rule, message FROM pgmigrate.lint('ALTER TABLE wheel ADD COLUMN "D" int; ALTER TABLE wheel ADD COLUMN D int') WHERE rule ~ 'fails';
SELECT relation, lock_mode FROM pgmigrate.lint('DROP TABLE wheel CASCADE') WHERE rule = 'lock' ORDER BY 1;
DROP TABLE wheel, rim CASCADE;

-- rows that are referred to are locked where a row is stored that does
CREATE TABLE aim (id int PRIMARY KEY);
CREATE TABLE near (id int, far int REFERENCES aim, other int DEFAULT 1 REFERENCES aim, n int);
CREATE TABLE raw (far int);
CREATE TABLE crowd (id int) PARTITION BY LIST (id);
CREATE TABLE crowd1 PARTITION OF crowd FOR VALUES IN (1);
INSERT INTO aim VALUES (1), (2);
INSERT INTO raw VALUES (1);
INSERT INTO near VALUES (1, 1, 1, 1);
CREATE FUNCTION locked(sql text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE found text;
BEGIN
	EXECUTE sql;
	SELECT string_agg(relation::regclass || ' ' || mode, ', ' ORDER BY relation::regclass::text COLLATE "C") INTO found FROM (SELECT DISTINCT ON (relation) relation, mode FROM pg_locks JOIN pg_class c ON c.oid = relation
		WHERE pid = pg_backend_pid() AND relname IN ('aim', 'near', 'raw', 'crowd', 'crowd1') ORDER BY relation, array_position('{RowExclusiveLock,RowShareLock}', mode)) AS l;
	RAISE EXCEPTION SQLSTATE 'TT001' USING MESSAGE = found;
EXCEPTION WHEN SQLSTATE 'TT001' THEN
	RETURN SQLERRM;
END$$;
SELECT s, told, told = locked(s) AS so FROM unnest(ARRAY['INSERT INTO near VALUES (1, 1, 1)', 'INSERT INTO near SELECT 1, far FROM raw', 'INSERT INTO near (id, other) VALUES (1, 2)', 'INSERT INTO near (id, far, other) VALUES (1, 1, NULL)', 'INSERT INTO near (id) SELECT 1',
	'UPDATE near SET far = 2', 'UPDATE near SET n = 2', 'DELETE FROM near', 'WITH x AS (INSERT INTO raw VALUES (1)) UPDATE near SET n = 2',
	'MERGE INTO crowd USING raw ON crowd.id = raw.far WHEN MATCHED THEN DELETE', 'DELETE FROM crowd USING raw WHERE crowd.id = raw.far']) AS s,
	LATERAL (SELECT string_agg(relation || ' ' || lock_mode, ', ' ORDER BY relation COLLATE "C") AS told FROM (SELECT replace(relation, 'truth.', '') AS relation, lock_mode FROM pgmigrate.lint(s) WHERE rule = 'lock') AS l) AS l;
-- to read rows changes none, nor does to refer to them
SELECT rule, relation, message FROM pgmigrate.lint('INSERT INTO near SELECT 1, far FROM raw; ALTER TABLE raw ALTER far SET NOT NULL; ALTER TABLE aim ADD CHECK (id > 0); ALTER TABLE near ALTER n SET NOT NULL') WHERE rule ~ 'data';

-- a column that must have a value, in a table that the text makes
SELECT pgmigrate.revision('a', id => 'truth_a', upgrade => 'CREATE TABLE t0 (i int); CREATE TABLE t1 (i int); INSERT INTO t1 VALUES (1); CREATE TABLE t2 AS SELECT 1 AS i;
	CREATE TABLE t3 AS SELECT 1 AS i WITH NO DATA; CREATE TABLE t4 (i int); ALTER TABLE t4 RENAME TO t5; INSERT INTO t5 SELECT 1; UPDATE t0 SET i = 1; DELETE FROM t3; DO ''BEGIN END''; CREATE TABLE t6 (i int)');
SELECT pgmigrate.revision('b', id => 'truth_b', upgrade => 'ALTER TABLE t1 ADD a int NOT NULL; ALTER TABLE t2 ADD a int PRIMARY KEY; ALTER TABLE t5 ADD a int NOT NULL; ALTER TABLE t0 ADD a int NOT NULL;
	ALTER TABLE t6 ADD a int NOT NULL; ALTER TABLE t1 ADD b int NOT NULL DEFAULT 1, ADD c int, ADD d serial');
SELECT revision, statement, rule, relation, message FROM pgmigrate.assess('head') WHERE rule ~ 'data|fails' ORDER BY 1, 2;
SELECT pgmigrate.remove('truth_b'), pgmigrate.remove('truth_a');
SELECT s, rule, message FROM unnest(ARRAY['CREATE TABLE t0 (i int); ALTER TABLE t0 ADD a int NOT NULL', 'CREATE TABLE t3 AS SELECT 1 AS i WITH NO DATA; DELETE FROM t3; ALTER TABLE t3 ADD a int NOT NULL',
	'CREATE TABLE nu (LIKE raw); INSERT INTO nu SELECT * FROM raw; ALTER TABLE raw RENAME TO old; ALTER TABLE nu RENAME TO raw; ALTER TABLE raw ADD a int NOT NULL']) AS s
	LEFT JOIN LATERAL (SELECT * FROM pgmigrate.lint(s) WHERE rule ~ 'data|fails') AS l ON true ORDER BY 1;
DROP TABLE near, aim, raw;
DROP FUNCTION locked(text);

-- names that are not there, in what is not tried; unless a statement before may have made them
CREATE TABLE names (id int PRIMARY KEY, a int, gone int);
ALTER TABLE names DROP gone;
INSERT INTO names SELECT g, g FROM generate_series(1, 20000) g;
ANALYZE names;
CREATE PROCEDURE names_do(int) LANGUAGE sql AS 'SELECT 1';
SELECT s, string_agg(rule || ': ' || message, '; ' ORDER BY rule, statement) FROM unnest(ARRAY['UPDATE names SET b = 1', 'UPDATE names SET a = b', 'UPDATE names SET a = 1, a = 2 WHERE id = 1',
	'UPDATE names n SET a = m.a FROM names m WHERE m.id = n.id AND n.b = 1', 'UPDATE names SET (a, id) = (SELECT 1, 2) WHERE id = 1', 'DELETE FROM names WHERE b = 1', 'DELETE FROM nothing',
	'INSERT INTO names (id, b) VALUES (1, 2)', 'INSERT INTO names VALUES (1, 2, 3)', 'INSERT INTO names (id, a) VALUES (1)', 'INSERT INTO names VALUES (-1, DEFAULT)', 'INSERT INTO names SELECT b FROM names', 'SELECT b FROM names',
	'SELECT nothing()', 'CALL nothing(1)', 'CALL names_do(1)', 'SELECT 1 FROM names WHERE id = 1 FOR UPDATE', 'UPDATE names SET a = 1 WHERE CURRENT OF c', 'DELETE FROM names WHERE CURRENT OF c',
	'ALTER TABLE names ADD b int; UPDATE names SET b = 1 WHERE id = 1', 'CREATE TABLE nothing (); DELETE FROM nothing', 'CREATE FUNCTION nothing() RETURNS int LANGUAGE sql AS ''SELECT 1''; SELECT nothing()',
	'ALTER TABLE tiny ADD q int; UPDATE names SET b = 1', 'SET search_path = public; UPDATE truth.names SET b = 1', 'DO ''BEGIN ALTER TABLE names ADD b int; END''; UPDATE names SET b = 1 WHERE id = 1']) WITH ORDINALITY AS t (s, n),
	LATERAL (SELECT * FROM pgmigrate.lint(s) l WHERE rule ~ 'fails|bulk') l GROUP BY s, n ORDER BY n;
-- MERGE changes as many rows as its condition finds
SELECT rule, message FROM pgmigrate.lint('MERGE INTO names n USING names m ON m.id = n.id WHEN MATCHED THEN UPDATE SET a = 1') WHERE rule <> 'lock';
SELECT rule, message FROM pgmigrate.lint('MERGE INTO names n USING names m ON m.id = n.id WHEN NOT MATCHED THEN INSERT VALUES (1)') WHERE rule <> 'lock';
SELECT rule, message FROM pgmigrate.lint('MERGE INTO names n USING names m ON m.id = n.id WHEN MATCHED THEN DELETE') WHERE rule <> 'lock';
DROP TABLE names;
DROP PROCEDURE names_do;
DROP OWNED BY regress_pgm_truth;
DROP FOREIGN DATA WRAPPER regress_pgm_truth CASCADE;
DROP SCHEMA truth, truth_staging CASCADE;
DROP ROLE regress_pgm_truth;

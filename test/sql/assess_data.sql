-- Rows that will make a statement fail are found before it runs.
SET client_min_messages = error;
SET pgmigrate.danger_block = 0;
CREATE SCHEMA data;
SET search_path = data;
CREATE DOMAIN small AS int;
CREATE TABLE p (id int PRIMARY KEY);
CREATE TABLE t (id int PRIMARY KEY, a int, b text, n small, "odd, ( name" int);
INSERT INTO p VALUES (1), (2);
INSERT INTO t VALUES (1, 1, 'x', 1, 1), (2, 7, 'X', NULL, 1), (3, NULL, 'seven', 300, 2), (4, 7, NULL, 2, NULL);
ALTER TABLE t ADD CONSTRAINT a_small CHECK (a < 5) NOT VALID;
ALTER TABLE t ADD CONSTRAINT a_fk FOREIGN KEY (a) REFERENCES p NOT VALID;
ALTER DOMAIN small ADD CONSTRAINT limited CHECK (value < 100) NOT VALID;
CREATE TABLE parted (id int, k int) PARTITION BY LIST (k);
CREATE TABLE parted1 PARTITION OF parted FOR VALUES IN (1);
CREATE TABLE parted2 PARTITION OF parted FOR VALUES IN (2);
INSERT INTO parted VALUES (1, 1), (1, 1), (2, 2);
CREATE FUNCTION found(sql text) RETURNS TABLE (statement int, level text, relation text, message text, details jsonb)
LANGUAGE sql AS $$
	SELECT statement, level, relation, message, details FROM pgmigrate.lint(sql) WHERE rule = 'data-blocks' ORDER BY 1, message
$$;
CREATE TABLE data_case (n int GENERATED ALWAYS AS IDENTITY, sql text);
INSERT INTO data_case (sql) VALUES
('ALTER TABLE t ALTER b SET NOT NULL'),
('ALTER TABLE t ADD CHECK (a < 5)'),
('ALTER TABLE t ADD CHECK (a < 5) NOT VALID'),
('ALTER TABLE t ADD CONSTRAINT c CHECK (b <> ''x)'' /* ) */ AND b <> $q$x$q$)'),
('ALTER TABLE t VALIDATE CONSTRAINT a_small'),
('ALTER TABLE t VALIDATE CONSTRAINT a_fk'),
('ALTER TABLE t ADD CONSTRAINT later CHECK (id > 3) NOT VALID; ALTER TABLE t VALIDATE CONSTRAINT later'),
('ALTER TABLE t ADD CONSTRAINT fk2 FOREIGN KEY (id) REFERENCES p NOT VALID; ALTER TABLE t VALIDATE CONSTRAINT fk2'),
('ALTER TABLE t ADD FOREIGN KEY (a) REFERENCES p (id)'),
('ALTER TABLE t ADD UNIQUE (a)'),
('ALTER TABLE t ADD UNIQUE ("odd, ( name")'),
('CREATE UNIQUE INDEX ON t (a)'),
('CREATE UNIQUE INDEX CONCURRENTLY ON t (a)'),
('CREATE UNIQUE INDEX ON t (a) WHERE id < 4'),
('CREATE UNIQUE INDEX ON t (a) WHERE id > 1 -- a comment'),
('CREATE UNIQUE INDEX ON t (lower(b))'),
('CREATE UNIQUE INDEX ON t ((lower(b)) text_pattern_ops DESC NULLS LAST, (1))'),
('CREATE UNIQUE INDEX ON t (b COLLATE "C", "odd, ( name")'),
('CREATE UNIQUE INDEX ON t (("odd, ( name" / 2))'),
('CREATE UNIQUE INDEX ON t ((a / 100)) NULLS NOT DISTINCT'),
('ALTER TABLE t ALTER b TYPE int USING b::int'),
('ALTER TABLE t ALTER b TYPE int USING length(b), ALTER a TYPE bigint'),
('ALTER TABLE t ALTER a TYPE varchar(1) USING repeat(''x'', a), ALTER id TYPE bigint'),
('ALTER TABLE t ALTER b TYPE int USING 1 / (a - 7)'),
('ALTER TABLE t ALTER b TYPE varchar(3)'),
('ALTER DOMAIN small SET NOT NULL'),
('ALTER DOMAIN small VALIDATE CONSTRAINT limited'),
('ALTER DOMAIN small ADD CHECK (value > 1)'),
('ALTER DOMAIN small ADD CHECK (value > 1) NOT VALID'),
('ALTER TABLE t ADD x int NOT NULL'),
('ALTER TABLE parted ADD PRIMARY KEY (id, k)'),
('CREATE UNIQUE INDEX ON ONLY parted1 (k)'),
('ALTER TABLE t ALTER a TYPE char(1) USING repeat(''x'', a)');
SELECT n, f.* FROM data_case LEFT JOIN LATERAL found(sql) f ON true ORDER BY n, f.statement, f.message;
-- of a large table a sample is read, and the finding says so
CREATE TABLE large AS SELECT g AS id, 1 AS one FROM generate_series(1, 250000) g;
ANALYZE large;
SELECT (details->>'count')::int BETWEEN 1 AND 249999 AS some, details->'sampled' AS sampled, message ~ 'in a sample of the table$' AS said
FROM found('ALTER TABLE large ADD CHECK (one > 1)');
-- and so does one that finds nothing; nor is it known what rows will be when statements before have changed them
CREATE FUNCTION unsure(sql text) RETURNS TABLE (statement int, level text, relation text, message text) LANGUAGE sql AS $$
	SELECT statement, level, relation, message FROM pgmigrate.lint(sql) WHERE rule = 'data-unsure' ORDER BY 1, message
$$;
CREATE FUNCTION plain(int) RETURNS bool IMMUTABLE LANGUAGE plpgsql AS $$BEGIN RETURN nextval('data.moved') > 0; END$$;
CREATE SEQUENCE moved;
SELECT * FROM unsure('ALTER TABLE t ADD c int; ALTER TABLE t ADD CHECK (c > 0)');
SELECT * FROM unsure('ALTER TABLE t RENAME a TO c; ALTER TABLE t ALTER c TYPE bool USING c = 1');
CREATE TABLE full_match (a int, b int);
INSERT INTO full_match VALUES (1, NULL), (NULL, NULL), (1, 2);
CREATE TABLE pair (a int, b int, PRIMARY KEY (a, b));
INSERT INTO pair VALUES (1, 2);
CREATE TABLE bounded (k int, t text) PARTITION BY RANGE (k);
CREATE TABLE bounded_default PARTITION OF bounded DEFAULT;
INSERT INTO bounded VALUES (1, 'a'), (15, 'b'), (16, 'c');
CREATE TABLE outside (k int, t text);
INSERT INTO outside VALUES (21, 'in'), (31, 'out'), (NULL, 'out');
SELECT n, u.* FROM (VALUES
	(1, 'ALTER TABLE large ALTER id SET NOT NULL'),
	(2, 'CREATE UNIQUE INDEX ON large (id)'),
	(3, 'CREATE INDEX ON large (id)'),
	(4, 'DELETE FROM t WHERE b IS NULL; ALTER TABLE t ALTER b SET NOT NULL'),
	(5, 'DELETE FROM p; ALTER TABLE t ALTER b TYPE text'),
	(6, 'DO $x$BEGIN DELETE FROM data.t; END$x$; ALTER TABLE t ALTER b SET NOT NULL'),
	(7, 'ALTER TABLE t ADD CHECK (plain(a))'),
	(8, 'ALTER TABLE t ALTER a TYPE bool USING plain(a)'),
	(9, 'CREATE UNIQUE INDEX ON t (plain(a))'),
	(10, 'ALTER TABLE t ADD EXCLUDE USING btree (a WITH =)'),
	(11, 'ALTER TABLE t ALTER b SET NOT NULL')) AS v (n, sql) LEFT JOIN LATERAL unsure(sql) u ON true ORDER BY n;
SELECT is_called AS ran FROM moved;
SELECT n, f.* FROM (VALUES
	(1, 'DELETE FROM t WHERE b IS NULL; ALTER TABLE t ALTER b SET NOT NULL'),
	(2, 'ALTER TABLE full_match ADD FOREIGN KEY (a, b) REFERENCES pair'),
	(3, 'ALTER TABLE full_match ADD FOREIGN KEY (a, b) REFERENCES pair MATCH FULL'),
	(4, 'ALTER TABLE full_match ADD CONSTRAINT m FOREIGN KEY (a, b) REFERENCES pair MATCH FULL NOT VALID; ALTER TABLE full_match VALIDATE CONSTRAINT m'),
	(5, 'ALTER TABLE bounded ATTACH PARTITION outside FOR VALUES FROM (20) TO (30)'),
	(6, 'ALTER TABLE bounded ATTACH PARTITION outside FOR VALUES FROM (10) TO (50)'),
	(7, 'CREATE TABLE bounded_1 PARTITION OF bounded FOR VALUES FROM (10) TO (20)'),
	(8, 'CREATE TABLE bounded_1 PARTITION OF bounded FOR VALUES FROM (50) TO (60)'),
	(9, 'ALTER TABLE full_match ADD CHECK (10 / (a - 1) > 0)')) AS v (n, sql) LEFT JOIN LATERAL found(sql) f ON true ORDER BY n, relation;
-- what row security hides is not looked at
CREATE ROLE regress_pgm_secure;
GRANT ALL ON SCHEMA data, pgmigrate TO regress_pgm_secure;
GRANT SELECT ON ALL TABLES IN SCHEMA data TO regress_pgm_secure;
GRANT EXECUTE ON FUNCTION pgmigrate.lint TO regress_pgm_secure;
SET ROLE regress_pgm_secure;
CREATE TABLE data.secret (a int);
INSERT INTO data.secret VALUES (NULL);
CREATE POLICY pol ON data.secret USING (false);
ALTER TABLE data.secret ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
SELECT * FROM unsure('ALTER TABLE data.secret ALTER a SET NOT NULL');
SELECT rule, relation, message FROM pgmigrate.lint('ALTER TABLE data.t ALTER b SET NOT NULL') WHERE rule <> 'lock';
RESET ROLE;
DROP TABLE data.secret;
DROP OWNED BY regress_pgm_secure;
DROP ROLE regress_pgm_secure;
-- the rest of the answer does not depend on the rows, once it is not how many
SET pgmigrate.online = off;
CREATE TABLE empty (LIKE large);
CREATE FUNCTION answer(name text) RETURNS text LANGUAGE sql AS $$
	SELECT replace(string_agg(concat_ws(' ', statement, rule, level, relation, lock_mode, rewrites, scans, message), E'\n' ORDER BY statement, rule, relation) FILTER (WHERE rule NOT IN ('data-unsure', 'loses-data')), name, '')
	FROM pgmigrate.lint(format('ALTER TABLE %1$s ALTER one TYPE bigint; CREATE INDEX ON %1$s (one); ALTER TABLE %1$s ADD x uuid DEFAULT gen_random_uuid(); ALTER TABLE %1$s ADD CHECK (one = 1); ALTER TABLE %1$s ALTER id SET NOT NULL; TRUNCATE %1$s; DROP TABLE %1$s', name))
$$;
SELECT answer('large') = answer('empty') AS same;
RESET pgmigrate.online;
-- what looks at the rows has no more rights than the owner of the table, and changes nothing
CREATE ROLE regress_pgm_evil;
CREATE SCHEMA evil AUTHORIZATION regress_pgm_evil;
CREATE SEQUENCE evil.leak;
CREATE SEQUENCE evil.ran;
GRANT ALL ON SEQUENCE evil.ran, evil.leak TO PUBLIC;
SET ROLE regress_pgm_evil;
CREATE FUNCTION evil.who(int) RETURNS int IMMUTABLE LANGUAGE plpgsql AS $$BEGIN
	PERFORM nextval('evil.ran');
	IF current_user <> 'regress_pgm_evil' THEN PERFORM nextval('evil.leak'); END IF;
	RETURN $1; END$$;
CREATE FUNCTION evil.same(int, int) RETURNS bool IMMUTABLE LANGUAGE plpgsql AS $$BEGIN
	PERFORM evil.who(1);
	RETURN $1 = $2; END$$;
CREATE TABLE evil.t (a int DEFAULT evil.who(4) CHECK (evil.who(1) = 1), b int, g int GENERATED ALWAYS AS (evil.who(b)) STORED);
INSERT INTO evil.t VALUES (1, 1), (1, 1);
CREATE INDEX ON evil.t ((evil.who(2) + b)) WHERE evil.who(3) = 3;
CREATE INDEX ON evil.t ((evil.who(a)));
CREATE STATISTICS evil.st ON (evil.who(a)), b FROM evil.t;
CREATE POLICY pol ON evil.t USING (evil.who(5) = 5);
CREATE VIEW evil.v AS SELECT evil.who(a) AS a FROM evil.t;
CREATE DOMAIN evil.dom AS int DEFAULT evil.who(6) CHECK (evil.who(value) > 0);
CREATE TABLE evil.d (a evil.dom, b int);
INSERT INTO evil.d VALUES (1, 1);
CREATE FUNCTION evil.definer(int) RETURNS int IMMUTABLE SECURITY DEFINER LANGUAGE sql AS 'SELECT evil.who($1)';
CREATE FUNCTION evil.compare(int, int) RETURNS int IMMUTABLE LANGUAGE plpgsql AS 'BEGIN PERFORM evil.who(8); RETURN btint4cmp($1, $2); END';
CREATE OPERATOR evil.= (LEFTARG = int, RIGHTARG = int, FUNCTION = evil.same);
CREATE FUNCTION evil.trg() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN PERFORM evil.who(9); RETURN new; END';
CREATE TRIGGER trg BEFORE INSERT OR UPDATE ON evil.t FOR EACH ROW WHEN (evil.who(10) = 10) EXECUTE FUNCTION evil.trg();
CREATE RULE rul AS ON UPDATE TO evil.d WHERE evil.who(11) = 11 DO ALSO SELECT evil.who(12);
CREATE TABLE evil.parts (a int) PARTITION BY RANGE ((evil.who(a)));
CREATE TABLE evil.part1 PARTITION OF evil.parts FOR VALUES FROM (1) TO (5);
RESET ROLE;
CREATE OPERATOR CLASS evil.ops FOR TYPE int USING btree AS OPERATOR 1 <, OPERATOR 2 <=, OPERATOR 3 = (int, int), OPERATOR 4 >=, OPERATOR 5 >, FUNCTION 1 evil.compare(int, int);
CREATE FUNCTION evil.ddl() RETURNS event_trigger LANGUAGE plpgsql AS $$BEGIN PERFORM nextval('evil.leak'); END$$;
CREATE EVENT TRIGGER regress_pgm_ddl ON ddl_command_start EXECUTE FUNCTION evil.ddl();
CREATE EVENT TRIGGER regress_pgm_ddl_end ON ddl_command_end EXECUTE FUNCTION evil.ddl();
CREATE EVENT TRIGGER regress_pgm_ddl_drop ON sql_drop EXECUTE FUNCTION evil.ddl();
CREATE EVENT TRIGGER regress_pgm_ddl_rewrite ON table_rewrite EXECUTE FUNCTION evil.ddl();
SET search_path = evil, data;
SELECT setval('evil.ran', 1, false), setval('evil.leak', 1, false);
SELECT count(*) > 30 AS answers FROM pgmigrate.lint($$
ALTER TABLE evil.t ADD made int DEFAULT evil.who(13);
ALTER TABLE evil.t ADD made2 int DEFAULT evil.definer(14);
CREATE INDEX ON evil.t (b evil.ops);
ALTER TABLE evil.t ADD EXCLUDE USING btree (b evil.ops WITH =);
ALTER TABLE evil.d ALTER b TYPE bigint USING evil.definer(b);
UPDATE evil.d SET b = 2;
CREATE TABLE evil.part2 PARTITION OF evil.parts FOR VALUES FROM (evil.who(5)) TO (9);
ALTER TABLE evil.parts ADD x int DEFAULT evil.who(15);
ALTER TABLE evil.t ADD PRIMARY KEY (a);
ALTER TABLE evil.t ALTER b SET NOT NULL;
ALTER TABLE evil.t ALTER b TYPE bigint;
ALTER TABLE evil.t ALTER a TYPE bigint USING evil.who(a);
ALTER TABLE evil.t ADD CHECK (evil.who(a) > 0);
ALTER TABLE evil.t ADD UNIQUE (b);
ALTER TABLE evil.t ADD x int DEFAULT evil.who(7) NOT NULL;
CREATE UNIQUE INDEX ON evil.t ((evil.who(a)));
CREATE UNIQUE INDEX CONCURRENTLY ON evil.t ((evil.who(b)));
REINDEX TABLE evil.t;
CLUSTER evil.t;
ALTER TABLE evil.d ADD FOREIGN KEY (b) REFERENCES evil.t;
ALTER TABLE evil.d ADD y evil.dom;
ALTER DOMAIN evil.dom SET NOT NULL;
ALTER DOMAIN evil.dom ADD CHECK (evil.who(value) > 1);
CREATE TABLE evil.copy AS SELECT evil.who(a) FROM evil.t;
CREATE MATERIALIZED VIEW evil.m AS SELECT * FROM evil.v;
TRUNCATE evil.t, evil.d;
DROP TABLE evil.t CASCADE;
$$);
DROP EVENT TRIGGER regress_pgm_ddl, regress_pgm_ddl_end, regress_pgm_ddl_drop, regress_pgm_ddl_rewrite;
SET search_path = data;
SELECT is_called AS ran FROM evil.ran;
SELECT is_called AS leaked FROM evil.leak;
-- nor does code of one owner run for the sake of another, who may be a superuser
CREATE TABLE data.ours (a int, b int REFERENCES p);
SET ROLE regress_pgm_evil;
CREATE TABLE evil.target (a int PRIMARY KEY, b int);
CREATE INDEX ON evil.target ((evil.who(2) + b)) WHERE evil.who(3) = 3;
INSERT INTO evil.target VALUES (1, 1);
RESET ROLE;
SELECT setval('evil.leak', 1, false);
SET constraint_exclusion = on;
SELECT count(*) > 5 AS answers FROM pgmigrate.lint($$
ALTER TABLE data.ours ADD FOREIGN KEY (a) REFERENCES evil.target;
ALTER TABLE data.ours ADD CONSTRAINT fk FOREIGN KEY (a) REFERENCES evil.target NOT VALID;
ALTER TABLE data.ours VALIDATE CONSTRAINT fk;
ALTER TABLE data.ours INHERIT evil.target;
CREATE TABLE data.kid () INHERITS (evil.target);
DROP TABLE evil.target, data.ours CASCADE;
$$);
SELECT is_called AS leaked FROM evil.leak;
RESET constraint_exclusion;
DROP SCHEMA evil, data CASCADE;
DROP ROLE regress_pgm_evil;
RESET search_path;
RESET client_min_messages;

-- a function of the table's may use a sequence, whose lock is remembered by the
-- server until the transaction ends: it is not given back
CREATE SEQUENCE kept_locked;
CREATE FUNCTION uses_sequence(int) RETURNS int LANGUAGE plpgsql IMMUTABLE
	AS $$BEGIN PERFORM nextval('kept_locked'); RETURN $1; END$$;
CREATE TABLE with_sequence (a int CHECK (uses_sequence(1) = 1));
INSERT INTO with_sequence VALUES (1);
BEGIN;
SELECT count(*) > 0 AS some FROM pgmigrate.lint('ALTER TABLE with_sequence ADD x int DEFAULT uses_sequence(7)');
SELECT nextval('kept_locked') > 1 AS used;
SELECT mode FROM pg_locks WHERE relation = 'kept_locked'::regclass AND pid = pg_backend_pid();
COMMIT;
DROP TABLE with_sequence;
DROP FUNCTION uses_sequence(int);
DROP SEQUENCE kept_locked;

-- what all rows get in a new column, and lengths that a cast would cut: each fails as it is said, or not at all
CREATE TABLE lengths (id int PRIMARY KEY, bits bit(3), few varbit(5), words text[]);
INSERT INTO lengths VALUES (1, B'101', B'1', '{a}'), (2, B'110', B'111', '{b,"long  "}');
CREATE FUNCTION fails(sql text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
	EXECUTE sql;
	RAISE EXCEPTION USING errcode = 'ZZZZZ';
EXCEPTION WHEN OTHERS THEN
	RETURN nullif(sqlstate, 'ZZZZZ');
END $$;
SELECT x.sql, fails(x.sql), l.rule, l.message FROM unnest(ARRAY['ADD x int DEFAULT -1 CHECK (x > 0)', 'ADD x int DEFAULT 1 CHECK (x > 0)', 'ADD x int CHECK (x > 0)',
	'ADD x int CHECK (x IS NOT NULL)', 'ADD x int DEFAULT 7 REFERENCES lengths', 'ADD x int DEFAULT 2 REFERENCES lengths', 'ADD x int REFERENCES lengths',
	'ADD x int DEFAULT 1 UNIQUE', 'ADD x int UNIQUE', 'ADD x serial UNIQUE', 'ALTER bits TYPE bit(2)', 'ALTER bits TYPE varbit(2)', 'ALTER bits TYPE varbit(3)',
	'ALTER few TYPE bit(1)', 'ALTER few TYPE varbit(1)', 'ALTER few TYPE varbit(3)', 'ALTER words TYPE varchar(3)[]', 'ALTER words TYPE varchar(4)[]']) WITH ORDINALITY AS y (sql, n)
CROSS JOIN LATERAL (SELECT 'ALTER TABLE lengths ' || y.sql) AS x (sql)
LEFT JOIN LATERAL (SELECT * FROM pgmigrate.lint(x.sql) WHERE rule ~ '^data|fails') l ON true ORDER BY n;
DROP TABLE lengths;

-- a constraint beside a new type sees the values in that type, and what cannot be converted is said once
CREATE TYPE mood AS ENUM ('sad', 'ok');
CREATE TABLE retyped (id int PRIMARY KEY, m mood, n int, b text);
INSERT INTO retyped VALUES (1, 'sad', 1, 'x'), (2, 'ok', 70000, 'xx');
SELECT x.sql, fails(x.sql), l.rule, l.message FROM unnest(ARRAY['ALTER m TYPE text, ADD CHECK (m IN (''sad'', ''ok'', ''glad''))', 'ALTER m TYPE text, ADD CHECK (m <> ''ok'')',
	'ALTER n TYPE text, ADD CHECK (n <> '''')', 'ALTER n TYPE smallint, ADD CHECK (n > 0)', 'ALTER n TYPE smallint USING n % 7, ADD CHECK (n > 0)',
	'ALTER b TYPE "char", ADD UNIQUE (b)', 'ALTER m TYPE int USING 5, ADD UNIQUE (m)']) WITH ORDINALITY AS y (sql, n)
CROSS JOIN LATERAL (SELECT 'ALTER TABLE retyped ' || y.sql) AS x (sql)
LEFT JOIN LATERAL (SELECT * FROM pgmigrate.lint(x.sql) WHERE rule ~ '^data|fails') l ON true ORDER BY n;
SELECT statement, rule, message
FROM pgmigrate.lint('CREATE TYPE "new mood" AS ENUM (''sad'', ''ok'', ''glad''); ALTER TABLE retyped ALTER m TYPE "new mood" USING m::text::"new mood", ADD CHECK (m <> ''glad'')')
WHERE rule ~ '^data|fails';
-- so does one after it: what fails for the old values need not for the new ones
SELECT x.sql, l.statement, l.rule, l.message FROM unnest(ARRAY['ALTER TABLE retyped ADD CHECK (m <> ''glad'')', 'CREATE UNIQUE INDEX ON retyped (id) WHERE m <> ''glad''']) WITH ORDINALITY AS y (sql, n)
CROSS JOIN LATERAL (SELECT y.n, y.sql UNION ALL SELECT y.n, 'ALTER TABLE retyped ALTER m TYPE text; ' || y.sql) AS x (n, sql)
LEFT JOIN LATERAL (SELECT * FROM pgmigrate.lint(x.sql) WHERE rule ~ '^data|fails') l ON true ORDER BY x.n, x.sql, l.statement;
DROP TABLE retyped;
DROP TYPE mood;
DROP FUNCTION fails(text);

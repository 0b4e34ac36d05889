-- Statements that no trial tells fail for what they name; each is run here, and taken back.  Nobody else's code is.
SET client_min_messages = error;
SET pgmigrate.danger_block = 0;
CREATE SCHEMA missing_objects;
SET search_path = missing_objects;
CREATE ROLE missing_app;
CREATE ROLE missing_owner;
CREATE TABLE t (id int PRIMARY KEY, name text NOT NULL, note varchar(5), at date);
CREATE TABLE own (id int GENERATED ALWAYS AS IDENTITY, b int GENERATED ALWAYS AS (1) STORED, v text);
ALTER TABLE own OWNER TO missing_owner;
CREATE VIEW v AS SELECT id FROM t;
CREATE SEQUENCE sq;
CREATE MATERIALIZED VIEW mv AS SELECT id FROM t;
CREATE TYPE en AS ENUM ('a', 'b');
CREATE TYPE co AS (a int);
CREATE DOMAIN dm AS int CONSTRAINT positive CHECK (VALUE > 0);
CREATE TABLE uses (e en, d dm);
CREATE FUNCTION f(int) RETURNS int LANGUAGE sql AS 'SELECT 1';
CREATE FUNCTION f(int, int) RETURNS int LANGUAGE sql AS 'SELECT 1';
CREATE FUNCTION g(int) RETURNS int LANGUAGE sql AS 'SELECT 1';
CREATE PROCEDURE p(int) LANGUAGE sql AS 'SELECT 1';
CREATE AGGREGATE ag(int) (sfunc = int4pl, stype = int);
CREATE FUNCTION trf() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN new; END';
GRANT USAGE ON SCHEMA missing_objects TO missing_app;
GRANT SELECT ON t TO missing_app;
SELECT count(*) > 0 FROM pgmigrate.grant_access('missing_app', 'operator');

-- "state: message" of the error, or NULL
CREATE FUNCTION reality(sql text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
	EXECUTE sql;
	RAISE EXCEPTION USING errcode = 'ZZZZZ';
EXCEPTION WHEN OTHERS THEN
	RETURN nullif(concat_ws(': ', sqlstate, sqlerrm), 'ZZZZZ: ZZZZZ');
END $$;
CREATE FUNCTION foreseen(sql text) RETURNS text LANGUAGE sql AS $$
	SELECT min(concat_ws(': ', details ->> 'sqlstate', regexp_replace(message, '^.*?: ', ''))) FROM pgmigrate.lint(sql)
	WHERE rule IN ('trial-fails', 'missing-privilege') $$;
GRANT EXECUTE ON FUNCTION reality, foreseen TO missing_app;

CREATE TABLE wrong (n int GENERATED ALWAYS AS IDENTITY, sql text);
INSERT INTO wrong (sql) VALUES
('ALTER FUNCTION f(text) STABLE'), ('ALTER FUNCTION f STABLE'), ('ALTER FUNCTION p(int) STABLE'), ('ALTER FUNCTION ag(int) STABLE'),
('ALTER FUNCTION f(int) OWNER TO nobody'), ('ALTER FUNCTION g(int) RENAME TO f'), ('ALTER FUNCTION f(int) SET SCHEMA nowhere'),
('ALTER PROCEDURE f(int) RENAME TO x'), ('ALTER AGGREGATE g(int) RENAME TO x'), ('ALTER FUNCTION f(int) DEPENDS ON EXTENSION nothing'),
('DROP FUNCTION nothing'), ('DROP FUNCTION nothing(int)'), ('DROP FUNCTION f'), ('DROP FUNCTION p(int)'), ('DROP FUNCTION ag(int)'),
('DROP PROCEDURE f(int)'), ('DROP AGGREGATE g(int)'), ('DROP TYPE nothing'), ('DROP DOMAIN en'), ('DROP SCHEMA nowhere'), ('DROP ROLE nobody'),
('DROP EXTENSION nothing'), ('DROP PUBLICATION nothing'), ('DROP CAST (int AS co)'), ('DROP OPERATOR === (int, int)'), ('DROP STATISTICS nothing'),
('DROP OWNED BY nobody'), ('REASSIGN OWNED BY nobody TO missing_app'),
('GRANT SELECT ON t TO nobody'), ('GRANT SELECT ON nothing TO missing_app'), ('GRANT SELECT (nothing) ON t TO missing_app'),
('GRANT USAGE ON SEQUENCE t TO missing_app'), ('GRANT EXECUTE ON FUNCTION nothing() TO missing_app'), ('GRANT USAGE ON SCHEMA nowhere TO missing_app'),
('GRANT USAGE ON TYPE nothing TO missing_app'), ('GRANT nobody TO missing_app'), ('GRANT missing_app TO missing_app'),
('GRANT CONNECT ON DATABASE nothing TO missing_app'), ('GRANT ALL ON ALL TABLES IN SCHEMA nowhere TO missing_app'), ('REVOKE SELECT ON t FROM nobody'),
('ALTER DEFAULT PRIVILEGES IN SCHEMA nowhere GRANT SELECT ON TABLES TO missing_app'), ('ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO nobody'),
('CREATE EXTENSION nothing'), ('CREATE EXTENSION pgmigrate'), ('CREATE EXTENSION plpgsql VERSION ''99'''), ('ALTER EXTENSION nothing UPDATE'),
('ALTER EXTENSION pgmigrate UPDATE TO ''99'''), ('CREATE ROLE missing_app'), ('ALTER ROLE nobody LOGIN'), ('ALTER ROLE missing_app RENAME TO missing_owner'),
('ALTER ROLE missing_app SET nothing TO 1'), ('ALTER ROLE missing_app SET work_mem TO ''x'''), ('ALTER DATABASE nothing SET work_mem TO ''1MB'''),
('SET nothing = 1'), ('SET work_mem = ''x'''), ('SET LOCAL lock_timeout = ''x'''), ('SET ROLE nobody'),
('ALTER TABLE t OWNER TO nobody'), ('ALTER TABLE t SET TABLESPACE nothing'), ('ALTER INDEX t_pkey SET TABLESPACE nothing'), ('ALTER TABLE t RENAME TO sq'),
('ALTER TYPE co ADD ATTRIBUTE a int'), ('ALTER TYPE co DROP ATTRIBUTE nothing'), ('ALTER TYPE en RENAME TO co'), ('ALTER TYPE en SET SCHEMA nowhere'),
('ALTER TYPE en OWNER TO nobody'), ('ALTER TYPE t ADD ATTRIBUTE x int'), ('ALTER DOMAIN dm DROP CONSTRAINT nothing'), ('ALTER DOMAIN nothing SET NOT NULL'),
('ALTER DOMAIN dm RENAME CONSTRAINT nothing TO x'), ('ALTER DOMAIN dm VALIDATE CONSTRAINT nothing'), ('ALTER SCHEMA nowhere RENAME TO x'),
('ALTER SCHEMA missing_objects RENAME TO pgmigrate'), ('ALTER SCHEMA missing_objects OWNER TO nobody'),
('COMMENT ON FUNCTION nothing() IS ''x'''), ('COMMENT ON FUNCTION f IS ''x'''), ('COMMENT ON TYPE nothing IS ''x'''), ('COMMENT ON SCHEMA nowhere IS ''x'''),
('COMMENT ON ROLE nobody IS ''x'''), ('COMMENT ON EXTENSION nothing IS ''x'''), ('COMMENT ON CONSTRAINT nothing ON DOMAIN dm IS ''x'''),
('REFRESH MATERIALIZED VIEW t'), ('REFRESH MATERIALIZED VIEW nothing'), ('REFRESH MATERIALIZED VIEW CONCURRENTLY mv'),
('REFRESH MATERIALIZED VIEW CONCURRENTLY mv WITH NO DATA'), ('LOCK TABLE nothing'), ('LOCK TABLE sq'), ('ANALYZE nothing'), ('ANALYZE t (nothing)'),
('CREATE FUNCTION f(int) RETURNS int LANGUAGE sql AS ''SELECT 1'''), ('CREATE OR REPLACE FUNCTION f(int) RETURNS text LANGUAGE sql AS ''SELECT 1'''),
('CREATE OR REPLACE PROCEDURE f(int) LANGUAGE sql AS ''SELECT 1'''), ('CREATE FUNCTION x() RETURNS int LANGUAGE nothing AS '''''),
('CALL p()'), ('CALL nothing()'), ('DO LANGUAGE nothing '''''), ('CREATE EVENT TRIGGER x ON ddl_command_end EXECUTE FUNCTION trf()'),
('CREATE SERVER x FOREIGN DATA WRAPPER nothing'), ('IMPORT FOREIGN SCHEMA x FROM SERVER nothing INTO public'), ('CREATE PUBLICATION x FOR TABLE nothing'),
('UPDATE own SET id = 5'), ('UPDATE own SET b = 5'), ('INSERT INTO own (id) VALUES (1)'), ('INSERT INTO t (id, name, at) VALUES (1, ''x'', ''2025-02-30'')'),
('UPDATE t SET note = ''too long'''), ('UPDATE uses SET e = ''c'''), ('INSERT INTO t (id, name) VALUES (''one'', ''x'')');
-- what is given, what hangs on it, options, rows of constants, and what is made anew
CREATE ROLE missing_holder;
CREATE TABLE held (id int); ALTER TABLE held OWNER TO missing_holder;
CREATE SEQUENCE owned OWNED BY t.id;
CREATE SCHEMA missing_other CREATE TABLE b (id int);
CREATE TABLE parts (k int, v text) PARTITION BY RANGE (k);
CREATE TABLE part1 PARTITION OF parts FOR VALUES FROM (0) TO (10);
CREATE TABLE strict (a int CHECK (a > 0), b int NOT NULL DEFAULT 5, c int NOT NULL, n numeric(4,2), s smallint, yes boolean, d dm, UNIQUE (a, b));
CREATE TABLE filled (a int NOT NULL);
CREATE FUNCTION fill() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN new.a := 1; RETURN new; END';
CREATE TRIGGER fill BEFORE INSERT ON filled FOR EACH ROW EXECUTE FUNCTION fill();
CREATE FUNCTION eq(int, int) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT 1';
CREATE OPERATOR =#= (leftarg = int, rightarg = int, function = eq);
CREATE TABLE other_parts (k int, v text) PARTITION BY RANGE (k);
CREATE TABLE places (v text, k int);
ALTER TABLE other_parts ATTACH PARTITION places FOR VALUES FROM (100) TO (200);
CREATE TABLE later (a int UNIQUE DEFERRABLE INITIALLY DEFERRED, b int, c bool, u int DEFAULT eq(1, 2) CHECK (u IS NOT NULL));
CREATE UNIQUE INDEX ON later (b) WHERE c;
CREATE UNIQUE INDEX ON later (c, (b + 1));
CREATE FUNCTION to_en(int) RETURNS en LANGUAGE sql AS 'SELECT NULL::en';
CREATE CAST (int AS en) WITH FUNCTION to_en(int);
CREATE COLLATION coll FROM "C";
CREATE PUBLICATION missing_some FOR TABLE t WITH (publish = 'insert');
CREATE PUBLICATION missing_all FOR ALL TABLES WITH (publish = 'insert');
INSERT INTO wrong (sql) VALUES
('GRANT USAGE ON t TO missing_app'), ('GRANT EXECUTE ON SCHEMA missing_objects TO missing_app'), ('GRANT SELECT ON FUNCTION g(int) TO missing_app'),
('GRANT INSERT ON SEQUENCE sq TO missing_app'), ('GRANT DELETE (id) ON t TO missing_app'), ('GRANT USAGE (id) ON SCHEMA missing_objects TO missing_app'),
('GRANT FOO ON t TO missing_app'), ('REVOKE USAGE ON t FROM missing_app'), ('GRANT SELECT ON t TO PUBLIC WITH GRANT OPTION'),
('ALTER DEFAULT PRIVILEGES GRANT EXECUTE ON TABLES TO missing_app'), ('GRANT SELECT ON ALL FUNCTIONS IN SCHEMA missing_objects TO missing_app'),
('DROP ROLE missing_holder'), ('DROP ROLE IF EXISTS missing_app, missing_holder'), ('DROP ROLE pg_read_all_data'), ('DROP ROLE CURRENT_USER'),
('CREATE ROLE pg_x'), ('CREATE ROLE x LOGIN NOLOGIN'), ('CREATE ROLE x VALID UNTIL ''never'''), ('ALTER ROLE missing_app CONNECTION LIMIT -5'),
('ALTER SEQUENCE sq OWNED BY t.nothing'), ('ALTER SEQUENCE sq OWNED BY nothing.id'), ('ALTER SEQUENCE sq OWNED BY missing_other.b.id'),
('ALTER SEQUENCE sq OWNED BY held.id'), ('ALTER SEQUENCE sq OWNED BY t'), ('ALTER SEQUENCE owned SET SCHEMA missing_other'),
('ALTER SEQUENCE owned OWNER TO missing_app'), ('ANALYZE (FOO) t'), ('ANALYZE (VERBOSE maybe) t'), ('ANALYZE t (id, id)'), ('VACUUM (FOO) t'),
('VACUUM (FULL, PARALLEL 2) t'), ('VACUUM t (id)'), ('EXPLAIN (FOO) SELECT 1'), ('EXPLAIN (FORMAT foo) SELECT 1'), ('EXPLAIN SELECT nothing FROM t'),
('EXPLAIN UPDATE t SET nothing = 1'), ('DECLARE x CURSOR FOR SELECT nothing FROM t'), ('FETCH FROM nothing'), ('EXECUTE nothing'), ('DEALLOCATE nothing'),
('ALTER PUBLICATION missing_some ADD TABLE t'), ('ALTER PUBLICATION missing_some DROP TABLE own'), ('ALTER PUBLICATION missing_all ADD TABLE t'),
('ALTER PUBLICATION missing_some ADD TABLE v'), ('ALTER PUBLICATION missing_some ADD TABLE own (nothing)'), ('ALTER PUBLICATION missing_some ADD TABLES IN SCHEMA nowhere'),
('ALTER PUBLICATION missing_some DROP TABLES IN SCHEMA missing_other'), ('ALTER PUBLICATION missing_some SET (foo = 1)'), ('ALTER PUBLICATION missing_some SET (publish = ''foo'')'),
('CREATE PUBLICATION x FOR TABLE pg_class'), ('INSERT INTO t (id) VALUES (5)'), ('INSERT INTO t (id, name) VALUES (5, NULL)'), ('INSERT INTO t VALUES (5, ''x'', ''too long'')'),
('INSERT INTO t (id, name) VALUES (7, ''a''), (7, ''b'')'), ('INSERT INTO t (id, name) VALUES (7, ''a'') ON CONFLICT (name) DO NOTHING'),
('INSERT INTO t (id, name) VALUES (7, ''a'') ON CONFLICT ON CONSTRAINT nothing DO NOTHING'), ('INSERT INTO strict DEFAULT VALUES'), ('INSERT INTO strict VALUES (0, 1, 1)'),
('INSERT INTO strict VALUES (1, DEFAULT, 1), (1, 5, 2)'), ('INSERT INTO strict (c, n) VALUES (1, 100)'), ('INSERT INTO strict (c, s) VALUES (1, 40000)'),
('INSERT INTO strict (c, yes) VALUES (1, 1)'), ('INSERT INTO strict (c, d) VALUES (1, -1)'), ('UPDATE strict SET n = 100'), ('UPDATE strict SET yes = 1'),
('INSERT INTO later (c) VALUES (true) ON CONFLICT (c) DO NOTHING'), ('GRANT USAGE ON TYPE _en TO missing_app'),
('INSERT INTO parts VALUES (50, ''x'')'), ('INSERT INTO part1 VALUES (50, ''x'')'), ('INSERT INTO mv VALUES (5)'), ('DELETE FROM mv'), ('INSERT INTO own VALUES (1, 2, ''x'')'),
('MERGE INTO nothing USING t ON true WHEN MATCHED THEN DELETE'), ('CREATE AGGREGATE ag(int) (sfunc = int4pl, stype = int)'), ('CREATE AGGREGATE x(text) (sfunc = int4pl, stype = int)'),
('CREATE AGGREGATE x(int) (sfunc = int4pl, stype = int, initcond = ''one'')'), ('CREATE COLLATION coll FROM "C"'), ('CREATE COLLATION x FROM nothing'),
('CREATE CAST (int AS en) WITH FUNCTION to_en(int)'), ('CREATE CAST (int AS date) WITH FUNCTION g(int)'), ('CREATE OPERATOR =#= (leftarg = int, rightarg = int, function = eq)'),
('CREATE OPERATOR ==== (leftarg = int, rightarg = int, function = nothing)'), ('CREATE OPERATOR CLASS x DEFAULT FOR TYPE int USING btree AS OPERATOR 1 <'),
('CREATE TEXT SEARCH CONFIGURATION x (COPY = nothing)'), ('ALTER TEXT SEARCH DICTIONARY nothing (a = 1)'), ('DROP FUNCTION pg_catalog.now()'), ('DROP LANGUAGE plpgsql'),
('ALTER FUNCTION f(int) COST -1'), ('ALTER FUNCTION f(int) ROWS 10'), ('ALTER FUNCTION f(int) STABLE VOLATILE'), ('ALTER FUNCTION f(int) SET nothing = 1'),
('ALTER DOMAIN dm ADD CONSTRAINT positive CHECK (VALUE > 2)'), ('CREATE FUNCTION x() RETURNS int LANGUAGE sql RETURN nothing'), ('SET port = 1');
-- not foreseen as it comes: none
SELECT n, sql, reality, foreseen FROM wrong, reality(sql), foreseen(sql)
WHERE reality IS NULL OR left(reality, 5) IS DISTINCT FROM left(foreseen, 5) ORDER BY n;
-- foreseen in other words
SELECT sql, reality, foreseen FROM wrong, reality(sql), foreseen(sql) WHERE reality <> foreseen ORDER BY n;

-- as another role, with what would help
CREATE TABLE denied (n int GENERATED ALWAYS AS IDENTITY, sql text);
INSERT INTO denied (sql) VALUES ('ALTER FUNCTION f(int) STABLE'), ('DROP FUNCTION f(int)'), ('CREATE OR REPLACE FUNCTION f(int) RETURNS int LANGUAGE sql AS ''SELECT 1'''),
('ALTER TYPE en OWNER TO missing_app'), ('COMMENT ON TYPE en IS ''x'''), ('CREATE ROLE x'), ('UPDATE t SET name = ''x'''), ('DELETE FROM t'),
('INSERT INTO t (id, name) VALUES (1, ''x'')'), ('CREATE EXTENSION file_fdw');
GRANT SELECT ON denied TO missing_app;
SET ROLE missing_app;
SELECT d.sql, left(reality, 5) AS reality, l.rule, l.message, l.hint FROM denied d, reality(d.sql), pgmigrate.lint(d.sql) l
WHERE l.rule IN ('trial-fails', 'missing-privilege') ORDER BY n;
RESET ROLE;

-- what stands before makes it right, in one text
CREATE TABLE fine (n int GENERATED ALWAYS AS IDENTITY, sql text);
INSERT INTO fine (sql) VALUES
('CREATE FUNCTION h(int) RETURNS int LANGUAGE sql AS ''SELECT 1''; ALTER FUNCTION h(int) STABLE; COMMENT ON FUNCTION h(int) IS ''x''; GRANT EXECUTE ON FUNCTION h(int) TO missing_app; DROP FUNCTION h(int)'),
('DROP FUNCTION g(int); CREATE FUNCTION g(int) RETURNS text LANGUAGE sql AS ''SELECT 1::text'''),
('CREATE ROLE missing_new; GRANT SELECT ON t TO missing_new; ALTER TABLE t OWNER TO missing_new; REASSIGN OWNED BY missing_new TO CURRENT_USER; DROP OWNED BY missing_new; DROP ROLE missing_new'),
('CREATE SCHEMA missing_new; CREATE TABLE missing_new.a (id serial); GRANT USAGE ON SCHEMA missing_new TO missing_app; GRANT USAGE ON SEQUENCE missing_new.a_id_seq TO missing_app; ALTER FUNCTION g(int) SET SCHEMA missing_new'),
('ALTER SCHEMA missing_objects RENAME TO missing_new; COMMENT ON FUNCTION missing_new.g(int) IS ''x'''),
('DO $$ BEGIN CREATE ROLE missing_new; END $$; GRANT SELECT ON t TO missing_new'),
('CREATE UNIQUE INDEX ON mv (id); REFRESH MATERIALIZED VIEW CONCURRENTLY mv'),
('CREATE TABLE n (id int); ANALYZE n (id); LOCK TABLE n; GRANT SELECT (id) ON n TO missing_app; ALTER TABLE n RENAME TO n2; ANALYZE n2'),
('ALTER TABLE t RENAME TO t_old; CREATE TABLE t (id int); ALTER TABLE t_old RENAME TO t_older; ALTER TABLE t RENAME TO t_old; ALTER TABLE t_older RENAME TO t'),
('ALTER TYPE co ADD ATTRIBUTE z int; ALTER TYPE co RENAME ATTRIBUTE z TO y; ALTER TYPE co DROP ATTRIBUTE y'),
('ALTER DOMAIN dm ADD CONSTRAINT c CHECK (VALUE > 1); ALTER DOMAIN dm RENAME CONSTRAINT c TO c2; COMMENT ON CONSTRAINT c2 ON DOMAIN dm IS ''x''; ALTER DOMAIN dm DROP CONSTRAINT c2'),
('ALTER TABLE own ALTER id DROP IDENTITY, ALTER b DROP EXPRESSION; UPDATE own SET id = 1, b = 2'),
('ALTER TABLE uses ALTER e TYPE text; UPDATE uses SET e = ''c'''),
('INSERT INTO own (id, v) OVERRIDING SYSTEM VALUE VALUES (1, ''x''); INSERT INTO own VALUES (DEFAULT, DEFAULT, ''x''); UPDATE own SET id = DEFAULT; UPDATE t SET note = ''12345     '', at = ''today'''),
('DROP FUNCTION IF EXISTS nothing(int); DROP FUNCTION IF EXISTS nowhere.x(nothing); DROP TYPE IF EXISTS nothing; DROP SCHEMA IF EXISTS nowhere CASCADE; DROP ROLE IF EXISTS nobody; DROP EXTENSION IF EXISTS nothing; ALTER TABLE IF EXISTS nothing OWNER TO nobody; DROP DOMAIN IF EXISTS nothing; DROP CAST IF EXISTS (int AS co)'),
('CREATE EXTENSION IF NOT EXISTS plpgsql; CREATE OR REPLACE FUNCTION f(int) RETURNS int LANGUAGE sql AS ''SELECT 2''; CALL p(1)'),
('SET work_mem = ''8MB''; SET my.own = ''x''; SET LOCAL lock_timeout = ''2s''; SET search_path = nowhere, missing_objects; SET ROLE missing_app; RESET ROLE; RESET ALL'),
('GRANT CREATE ON SCHEMA missing_objects TO CURRENT_USER, PUBLIC; GRANT SET ON PARAMETER work_mem TO missing_app; ALTER ROLE ALL SET my.own TO ''1''; COMMENT ON DATABASE nothing IS ''x'''),
('CREATE TABLE r AS SELECT 1 AS a; CREATE FUNCTION takes(r) RETURNS r LANGUAGE sql AS ''SELECT $1''; COMMENT ON FUNCTION takes(r) IS ''x''; CREATE FUNCTION "My Fn"() RETURNS int LANGUAGE sql AS ''SELECT 1''; ALTER FUNCTION "My Fn"() RENAME TO mine');
INSERT INTO fine (sql) VALUES
('GRANT ALL (id) ON t TO missing_app; GRANT USAGE ON sq TO missing_app; GRANT CREATE ON TABLESPACE pg_default TO missing_app; ALTER DEFAULT PRIVILEGES GRANT USAGE, CREATE ON SCHEMAS TO missing_app'),
('DROP OWNED BY missing_holder; DROP ROLE missing_holder'), ('ALTER TABLE held OWNER TO CURRENT_USER; DROP ROLE missing_holder'), ('DROP TABLE held; DROP ROLE missing_holder'),
('CREATE TABLE n (id int); ALTER SEQUENCE sq OWNED BY n.id'), ('ALTER TABLE t ADD x int; ALTER SEQUENCE sq OWNED BY t.x'), ('ALTER SEQUENCE owned OWNED BY NONE; ALTER SEQUENCE owned SET SCHEMA missing_other'),
('ANALYZE (VERBOSE false, SKIP_LOCKED) t (id, name); EXPLAIN (ANALYZE, WAL, FORMAT json) SELECT * FROM t; EXPLAIN CREATE TABLE x AS SELECT * FROM t'),
('ALTER PUBLICATION missing_some DROP TABLE t; ALTER PUBLICATION missing_some ADD TABLE t; ALTER PUBLICATION missing_some SET (publish = ''insert, update'')'),
('ALTER TABLE t ALTER name DROP NOT NULL; INSERT INTO t (id) VALUES (5)'), ('ALTER TABLE t ALTER name SET DEFAULT ''x''; INSERT INTO t (id) VALUES (5)'),
('INSERT INTO t (id, name) VALUES (8, ''x''), (8, ''y'') ON CONFLICT (id) DO NOTHING; INSERT INTO t VALUES (9, ''x'', ''12345  '', ''today'')'),
('INSERT INTO strict VALUES (1, 1, 1), (1, 2, 1), (NULL, 1, 1), (NULL, 1, 1); INSERT INTO strict (c, n, s, yes, d) VALUES (1, 12.345, ''7'', ''t'', NULL)'),
('INSERT INTO filled VALUES (NULL)'), ('CREATE TABLE part2 PARTITION OF parts FOR VALUES FROM (50) TO (60); INSERT INTO parts VALUES (55, ''x'')'), ('INSERT INTO parts VALUES (5, ''x'')'),
('INSERT INTO other_parts VALUES (150, ''x'')'), ('INSERT INTO later (a) VALUES (1), (1); DELETE FROM later'), ('INSERT INTO later (b) VALUES (1), (1)'),
('CREATE ROLE missing_new SYSID 5 SYSID 6; GRANT missing_new TO missing_app; REVOKE missing_app FROM missing_new'),
('INSERT INTO own VALUES (DEFAULT, DEFAULT, ''x''); INSERT INTO own DEFAULT VALUES'), ('CREATE AGGREGATE x(int) (sfunc = int4pl, stype = int, initcond = ''0''); SELECT x(id) FROM t'),
('CREATE OPERATOR ==== (leftarg = int, rightarg = int, function = eq, commutator = ====); CREATE CAST (en AS int) WITH INOUT; CREATE COLLATION IF NOT EXISTS coll FROM "C"'),
('CREATE FUNCTION x(a int) RETURNS int LANGUAGE sql RETURN a + g(a); CREATE FUNCTION y() RETURNS bigint LANGUAGE sql RETURN (SELECT count(*) FROM t)'),
('DECLARE x CURSOR FOR SELECT 1; FETCH FROM x; CLOSE x; PREPARE x AS SELECT $1::int; EXECUTE x(1); DEALLOCATE x');
SELECT n, reality, foreseen FROM fine, reality(sql), foreseen(sql) WHERE reality IS NOT NULL OR foreseen IS NOT NULL ORDER BY n;
-- and in an earlier revision
SELECT pgmigrate.revision('one', id => 'missing1', upgrade => 'CREATE ROLE missing_new; CREATE FUNCTION missing_objects.h(int) RETURNS int LANGUAGE sql AS ''SELECT 1''');
SELECT pgmigrate.revision('two', id => 'missing2', upgrade => 'GRANT EXECUTE ON FUNCTION missing_objects.h(int) TO missing_new; COMMENT ON FUNCTION missing_objects.other(text) IS ''x''');
SELECT revision, statement, rule, message, details ->> 'sqlstate' AS sqlstate FROM pgmigrate.assess('head') WHERE rule = 'trial-fails';

-- where, and nothing of it was run
SELECT statement, message, details FROM pgmigrate.lint(E'ALTER TABLE t ADD x int;\nCREATE VIEW x AS SELECT nothing FROM t') WHERE rule = 'trial-fails';
SELECT count(*) FROM pg_locks WHERE pid = pg_backend_pid() AND mode ~ 'Exclusive' AND locktype IN ('relation', 'object');

SELECT pgmigrate.remove('missing2'), pgmigrate.remove('missing1');
-- a publication of all tables, in which every change has to name its row
ALTER PUBLICATION missing_all SET (publish = 'insert, update, delete');
SELECT pgmigrate.revision('kept', id => 'missing1', upgrade => 'ALTER TABLE missing_objects.strict ADD x int');
CREATE FUNCTION again(n int) RETURNS bigint LANGUAGE sql AS $$ SELECT count(*) FROM pgmigrate.assess('head') WHERE rule = 'lock' AND n > 0 $$;
SELECT again(1);
ALTER TABLE strict ADD y1 int REFERENCES t;
SELECT again(2);
SELECT pgmigrate.remove('missing1');
DROP PUBLICATION missing_some, missing_all;
DROP SCHEMA missing_objects, missing_other CASCADE;
DROP OWNED BY missing_app, missing_owner;
DROP ROLE missing_app, missing_owner, missing_holder;

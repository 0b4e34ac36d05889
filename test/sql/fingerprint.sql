-- The fingerprint of a schema: every change of it counts, nothing else does.
SET client_min_messages = error;
CREATE ROLE regress_fp_a;
CREATE ROLE regress_fp_b;

-- Make the schema from scratch, its parts in one order or in the other.
CREATE FUNCTION pg_temp.build(reverse boolean) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	command text;
	tables text[] := ARRAY[
		'CREATE TABLE fp.parent (id int PRIMARY KEY, code varchar(8) NOT NULL)',
		'CREATE TYPE fp.mood AS ENUM (''sad'', ''happy'')',
		'CREATE DOMAIN fp.positive AS int CHECK (VALUE > 0)',
		'CREATE TYPE fp.pair AS (a int, b text)',
		'CREATE TYPE fp.span AS RANGE (subtype = int)',
		'CREATE SEQUENCE fp.s START 10',
		'CREATE FUNCTION fp.f(a int) RETURNS int LANGUAGE sql IMMUTABLE AS ''SELECT a''',
		'CREATE FUNCTION fp.tf() RETURNS trigger LANGUAGE plpgsql AS ''BEGIN RETURN NEW; END''',
		'CREATE PROCEDURE fp.p() LANGUAGE sql AS ''SELECT 1''',
		'CREATE AGGREGATE fp.agg(int) (sfunc = int4pl, stype = int)',
		'CREATE TABLE fp.measure (at date NOT NULL, v float8) PARTITION BY RANGE (at)',
		'CREATE COLLATION fp.c (locale = ''C'')'];
	parts text[] := ARRAY[
		'CREATE TABLE fp.child (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, '
		'parent_id int REFERENCES fp.parent, state varchar(8) DEFAULT ''a'', price numeric(10,2), '
		'total numeric GENERATED ALWAYS AS (price * 2) STORED, tags text[], m fp.mood, '
		'CONSTRAINT states CHECK (state IN (''a'', ''b'', ''it''''s, (ARRAY['')))',
		'CREATE INDEX child_state ON fp.child (state) WHERE price > 0',
		'CREATE VIEW fp.v AS SELECT id, state FROM fp.child WHERE state IN (''a'', ''b'')',
		'CREATE MATERIALIZED VIEW fp.mv AS SELECT id, price FROM fp.child',
		'CREATE UNIQUE INDEX mv_id ON fp.mv (id)',
		'CREATE TRIGGER t BEFORE INSERT ON fp.child FOR EACH ROW EXECUTE FUNCTION fp.tf()',
		'CREATE RULE r AS ON DELETE TO fp.parent DO ALSO NOTIFY x',
		'CREATE POLICY mine ON fp.child FOR SELECT TO regress_fp_a USING (id > 0)',
		'CREATE STATISTICS fp.st ON state, price FROM fp.child',
		'CREATE TABLE fp.m1 PARTITION OF fp.measure FOR VALUES FROM (''2020-01-01'') TO (''2021-01-01'')',
		'CREATE TABLE fp.m2 PARTITION OF fp.measure DEFAULT',
		'GRANT SELECT ON fp.child TO regress_fp_a',
		'GRANT UPDATE ON fp.child TO regress_fp_b',
		'COMMENT ON TABLE fp.child IS ''a child''',
		'ALTER TABLE fp.child SET (fillfactor = 90, autovacuum_enabled = off)'];
BEGIN
	DROP SCHEMA IF EXISTS fp CASCADE;
	CREATE SCHEMA fp;
	IF reverse THEN
		-- a dropped column, other OIDs, other order of grants and options
		parts[1] := replace(parts[1], 'tags', 'gone int, tags');
		parts[12:13] := ARRAY[parts[13], parts[12]];
		parts[15] := replace(parts[15], 'fillfactor = 90, autovacuum_enabled = off',
			'autovacuum_enabled = off, fillfactor = 90');
	END IF;
	FOR i IN 1 .. cardinality(tables) LOOP
		EXECUTE tables[CASE WHEN reverse THEN cardinality(tables) + 1 - i ELSE i END];
	END LOOP;
	FOREACH command IN ARRAY parts LOOP
		EXECUTE command;
	END LOOP;
	IF reverse THEN
		ALTER TABLE fp.child DROP COLUMN gone;
	END IF;
	RETURN pgmigrate.fingerprint('{fp}');
END $$;

CREATE TEMP TABLE made AS SELECT pg_temp.build(false) AS fingerprint;
SELECT fingerprint ~ '^[0-9a-f]{64}$' AS is_digest FROM made;
SELECT pg_temp.build(true) = fingerprint AS other_order FROM made;

-- rows, statistics and the sequence's position are not of the schema
INSERT INTO fp.parent VALUES (1, 'one');
SELECT nextval('fp.s') > 0 AS used;
REFRESH MATERIALIZED VIEW fp.mv;
ANALYZE fp.parent;
SELECT pgmigrate.fingerprint('{fp}') = fingerprint AS rows_do_not_count FROM made;

-- nor are the settings of the session
SET search_path = fp, public;
SET quote_all_identifiers = on;
SET datestyle = 'German';
SET intervalstyle = 'iso_8601';
SET timezone = 'Asia/Tokyo';
-- always on since 19
SELECT CASE WHEN current_setting('server_version_num')::int < 190000 THEN set_config('standard_conforming_strings', 'off', false) END AS conforming \gset
SET extra_float_digits = -5;
SELECT pgmigrate.fingerprint('{fp}') = fingerprint AS settings_do_not_count FROM made;
SHOW timezone;
RESET ALL;
SET client_min_messages = error;

-- nor the way to an expression: this is what a dump makes of the list
ALTER TABLE fp.child DROP CONSTRAINT states;
ALTER TABLE fp.child ADD CONSTRAINT states CHECK (((state)::text = ANY (ARRAY[
	('a'::character varying)::text, ('b'::character varying)::text,
	('it''s, (ARRAY['::character varying)::text])));
SELECT pgmigrate.fingerprint('{fp}') = fingerprint AS dumped_expression FROM made;
ALTER TABLE fp.child DROP CONSTRAINT states;
ALTER TABLE fp.child ADD CONSTRAINT states CHECK (state IN ('a', 'b', 'it''s, [ARRAY['));
SELECT pgmigrate.fingerprint('{fp}') <> fingerprint AS other_value FROM made;

-- One change at a time: another fingerprint, and the old one when it is taken
-- back.  What cannot be taken back in place has no such command.
SELECT pg_temp.build(false) = fingerprint AS rebuilt FROM made;
CREATE TEMP TABLE change (id int GENERATED ALWAYS AS IDENTITY, change text, revert text);
INSERT INTO change (change, revert) VALUES
('CREATE TABLE fp.extra ()', 'DROP TABLE fp.extra'),
('ALTER TABLE fp.parent RENAME TO parents', 'ALTER TABLE fp.parents RENAME TO parent'),
('ALTER TABLE fp.parent RENAME code TO c', 'ALTER TABLE fp.parent RENAME c TO code'),
('ALTER TABLE fp.parent ADD extra int', 'ALTER TABLE fp.parent DROP extra'),
('ALTER TABLE fp.parent ALTER code TYPE varchar(9)', 'ALTER TABLE fp.parent ALTER code TYPE varchar(8)'),
('ALTER TABLE fp.parent ALTER code TYPE varchar(8) COLLATE "C"', 'ALTER TABLE fp.parent ALTER code TYPE varchar(8) COLLATE "default"'),
('ALTER TABLE fp.parent ALTER code SET DEFAULT ''x''', 'ALTER TABLE fp.parent ALTER code DROP DEFAULT'),
('ALTER TABLE fp.child ALTER state SET DEFAULT ''b''', 'ALTER TABLE fp.child ALTER state SET DEFAULT ''a'''),
('ALTER TABLE fp.parent ALTER code DROP NOT NULL', 'ALTER TABLE fp.parent ALTER code SET NOT NULL'),
('ALTER TABLE fp.child ALTER id SET GENERATED BY DEFAULT', 'ALTER TABLE fp.child ALTER id SET GENERATED ALWAYS'),
('ALTER TABLE fp.child ALTER total DROP EXPRESSION', NULL),
('ALTER TABLE fp.child ALTER tags SET STORAGE EXTERNAL', 'ALTER TABLE fp.child ALTER tags SET STORAGE EXTENDED'),
('ALTER TABLE fp.child ALTER tags SET COMPRESSION pglz', 'ALTER TABLE fp.child ALTER tags SET COMPRESSION default'),
('ALTER TABLE fp.child ALTER state SET STATISTICS 7', 'ALTER TABLE fp.child ALTER state SET STATISTICS -1'),
('ALTER TABLE fp.child ALTER state SET (n_distinct = 5)', 'ALTER TABLE fp.child ALTER state RESET (n_distinct)'),
('ALTER TABLE fp.child SET (fillfactor = 80)', 'ALTER TABLE fp.child SET (fillfactor = 90)'),
('ALTER TABLE fp.child SET (toast.autovacuum_enabled = off)', 'ALTER TABLE fp.child RESET (toast.autovacuum_enabled)'),
('ALTER TABLE fp.child REPLICA IDENTITY FULL', 'ALTER TABLE fp.child REPLICA IDENTITY DEFAULT'),
('ALTER TABLE fp.child REPLICA IDENTITY USING INDEX child_pkey', 'ALTER TABLE fp.child REPLICA IDENTITY DEFAULT'),
('CREATE UNLOGGED TABLE fp.u ()', 'DROP TABLE fp.u'),
('ALTER TABLE fp.child CLUSTER ON child_pkey', 'ALTER TABLE fp.child SET WITHOUT CLUSTER'),
('ALTER TABLE fp.child ENABLE ROW LEVEL SECURITY', 'ALTER TABLE fp.child DISABLE ROW LEVEL SECURITY'),
('ALTER TABLE fp.child FORCE ROW LEVEL SECURITY', 'ALTER TABLE fp.child NO FORCE ROW LEVEL SECURITY'),
('ALTER TABLE fp.measure DETACH PARTITION fp.m1', 'ALTER TABLE fp.measure ATTACH PARTITION fp.m1 FOR VALUES FROM (''2020-01-01'') TO (''2021-01-01'')'),
('ALTER TABLE fp.measure DETACH PARTITION fp.m1; ALTER TABLE fp.measure ATTACH PARTITION fp.m1 FOR VALUES FROM (''2020-01-01'') TO (''2021-02-01'')',
 'ALTER TABLE fp.measure DETACH PARTITION fp.m1; ALTER TABLE fp.measure ATTACH PARTITION fp.m1 FOR VALUES FROM (''2020-01-01'') TO (''2021-01-01'')'),
('CREATE TABLE fp.heir () INHERITS (fp.parent)', 'DROP TABLE fp.heir'),
('ALTER TABLE fp.parent OWNER TO regress_fp_a', 'ALTER TABLE fp.parent OWNER TO CURRENT_USER'),
('GRANT SELECT ON fp.parent TO regress_fp_a', 'REVOKE SELECT ON fp.parent FROM regress_fp_a'),
('GRANT SELECT ON fp.child TO regress_fp_a WITH GRANT OPTION', 'REVOKE GRANT OPTION FOR SELECT ON fp.child FROM regress_fp_a'),
('REVOKE ALL ON fp.parent FROM CURRENT_USER', 'GRANT ALL ON fp.parent TO CURRENT_USER'),
('GRANT SELECT (code) ON fp.parent TO regress_fp_a', 'REVOKE SELECT (code) ON fp.parent FROM regress_fp_a'),
('COMMENT ON TABLE fp.child IS ''another''', 'COMMENT ON TABLE fp.child IS ''a child'''),
('COMMENT ON COLUMN fp.child.id IS ''id''', 'COMMENT ON COLUMN fp.child.id IS NULL'),
('COMMENT ON SCHEMA fp IS ''s''', 'COMMENT ON SCHEMA fp IS NULL'),
('COMMENT ON INDEX fp.child_state IS ''i''', 'COMMENT ON INDEX fp.child_state IS NULL'),
('COMMENT ON CONSTRAINT states ON fp.child IS ''c''', 'COMMENT ON CONSTRAINT states ON fp.child IS NULL'),
('COMMENT ON TRIGGER t ON fp.child IS ''t''', 'COMMENT ON TRIGGER t ON fp.child IS NULL'),
('COMMENT ON FUNCTION fp.f IS ''f''', 'COMMENT ON FUNCTION fp.f IS NULL'),
('COMMENT ON TYPE fp.mood IS ''m''', 'COMMENT ON TYPE fp.mood IS NULL'),
('ALTER SCHEMA fp OWNER TO regress_fp_a', 'ALTER SCHEMA fp OWNER TO CURRENT_USER'),
('GRANT USAGE ON SCHEMA fp TO regress_fp_a', 'REVOKE USAGE ON SCHEMA fp FROM regress_fp_a'),
('ALTER TABLE fp.parent ADD CONSTRAINT x CHECK (id > 0)', 'ALTER TABLE fp.parent DROP CONSTRAINT x'),
('ALTER TABLE fp.parent ADD CONSTRAINT x CHECK (id > 0) NOT VALID', 'ALTER TABLE fp.parent DROP CONSTRAINT x'),
('ALTER TABLE fp.child ALTER CONSTRAINT child_parent_id_fkey DEFERRABLE', 'ALTER TABLE fp.child ALTER CONSTRAINT child_parent_id_fkey NOT DEFERRABLE'),
('ALTER TABLE fp.child RENAME CONSTRAINT states TO s', 'ALTER TABLE fp.child RENAME CONSTRAINT s TO states'),
('ALTER TABLE fp.child DISABLE TRIGGER ALL', 'ALTER TABLE fp.child ENABLE TRIGGER ALL'),
('ALTER TABLE fp.child DISABLE TRIGGER t', 'ALTER TABLE fp.child ENABLE TRIGGER t'),
('ALTER TABLE fp.child ENABLE ALWAYS TRIGGER t', 'ALTER TABLE fp.child ENABLE TRIGGER t'),
('DROP TRIGGER t ON fp.child; CREATE TRIGGER t AFTER INSERT ON fp.child FOR EACH ROW EXECUTE FUNCTION fp.tf()',
 'DROP TRIGGER t ON fp.child; CREATE TRIGGER t BEFORE INSERT ON fp.child FOR EACH ROW EXECUTE FUNCTION fp.tf()'),
('ALTER TABLE fp.parent DISABLE RULE r', 'ALTER TABLE fp.parent ENABLE RULE r'),
('DROP RULE r ON fp.parent', 'CREATE RULE r AS ON DELETE TO fp.parent DO ALSO NOTIFY x'),
('ALTER POLICY mine ON fp.child USING (id > 1)', 'ALTER POLICY mine ON fp.child USING (id > 0)'),
('ALTER POLICY mine ON fp.child TO regress_fp_b', 'ALTER POLICY mine ON fp.child TO regress_fp_a'),
('ALTER POLICY mine ON fp.child RENAME TO yours', 'ALTER POLICY yours ON fp.child RENAME TO mine'),
('DROP POLICY mine ON fp.child; CREATE POLICY mine ON fp.child AS RESTRICTIVE FOR SELECT TO regress_fp_a USING (id > 0)',
 'DROP POLICY mine ON fp.child; CREATE POLICY mine ON fp.child FOR SELECT TO regress_fp_a USING (id > 0)'),
('DROP INDEX fp.child_state', 'CREATE INDEX child_state ON fp.child (state) WHERE price > 0'),
('DROP INDEX fp.child_state; CREATE INDEX child_state ON fp.child (state DESC) WHERE price > 0',
 'DROP INDEX fp.child_state; CREATE INDEX child_state ON fp.child (state) WHERE price > 0'),
('DROP INDEX fp.child_state; CREATE INDEX child_state ON fp.child (state) INCLUDE (price) WHERE price > 0',
 'DROP INDEX fp.child_state; CREATE INDEX child_state ON fp.child (state) WHERE price > 0'),
('DROP INDEX fp.child_state; CREATE INDEX child_state ON fp.child (state varchar_pattern_ops) WHERE price > 0',
 'DROP INDEX fp.child_state; CREATE INDEX child_state ON fp.child (state) WHERE price > 0'),
('DROP INDEX fp.child_state; CREATE INDEX child_state ON fp.child (state) WHERE price > 1',
 'DROP INDEX fp.child_state; CREATE INDEX child_state ON fp.child (state) WHERE price > 0'),
('ALTER INDEX fp.child_state SET (fillfactor = 70)', 'ALTER INDEX fp.child_state RESET (fillfactor)'),
('CREATE INDEX x ON fp.child ((price + 1)); ', 'DROP INDEX fp.x'),
('CREATE INDEX x ON ONLY fp.measure (v)', 'DROP INDEX fp.x'),
('UPDATE pg_index SET indisvalid = false WHERE indexrelid = ''fp.child_state''::regclass', 'UPDATE pg_index SET indisvalid = true WHERE indexrelid = ''fp.child_state''::regclass'),
('ALTER SEQUENCE fp.s INCREMENT 2', 'ALTER SEQUENCE fp.s INCREMENT 1'),
('ALTER SEQUENCE fp.s MAXVALUE 1000', 'ALTER SEQUENCE fp.s NO MAXVALUE'),
('ALTER SEQUENCE fp.s CACHE 5', 'ALTER SEQUENCE fp.s CACHE 1'),
('ALTER SEQUENCE fp.s CYCLE', 'ALTER SEQUENCE fp.s NO CYCLE'),
('ALTER SEQUENCE fp.s AS int', NULL),
('ALTER SEQUENCE fp.s OWNED BY fp.parent.id', 'ALTER SEQUENCE fp.s OWNED BY NONE'),
('GRANT USAGE ON SEQUENCE fp.s TO regress_fp_a', 'REVOKE USAGE ON SEQUENCE fp.s FROM regress_fp_a'),
('CREATE OR REPLACE VIEW fp.v AS SELECT id, state FROM fp.child WHERE state IN (''a'', ''c'')', 'CREATE OR REPLACE VIEW fp.v AS SELECT id, state FROM fp.child WHERE state IN (''a'', ''b'')'),
('ALTER VIEW fp.v SET (security_barrier)', 'ALTER VIEW fp.v RESET (security_barrier)'),
('ALTER VIEW fp.v ALTER state SET DEFAULT ''x''', 'ALTER VIEW fp.v ALTER state DROP DEFAULT'),
('DROP INDEX fp.mv_id', 'CREATE UNIQUE INDEX mv_id ON fp.mv (id)'),
('DROP MATERIALIZED VIEW fp.mv', 'CREATE MATERIALIZED VIEW fp.mv AS SELECT id, price FROM fp.child; CREATE UNIQUE INDEX mv_id ON fp.mv (id)'),
('ALTER TYPE fp.mood RENAME VALUE ''sad'' TO ''blue''', 'ALTER TYPE fp.mood RENAME VALUE ''blue'' TO ''sad'''),
('ALTER TYPE fp.pair ADD ATTRIBUTE c int', 'ALTER TYPE fp.pair DROP ATTRIBUTE c'),
('ALTER TYPE fp.pair ALTER ATTRIBUTE a TYPE bigint', 'ALTER TYPE fp.pair ALTER ATTRIBUTE a TYPE int'),
('ALTER TYPE fp.mood OWNER TO regress_fp_a', 'ALTER TYPE fp.mood OWNER TO CURRENT_USER'),
('REVOKE USAGE ON TYPE fp.mood FROM PUBLIC', 'GRANT USAGE ON TYPE fp.mood TO PUBLIC'),
('ALTER DOMAIN fp.positive SET DEFAULT 1', 'ALTER DOMAIN fp.positive DROP DEFAULT'),
('ALTER DOMAIN fp.positive SET NOT NULL', 'ALTER DOMAIN fp.positive DROP NOT NULL'),
('ALTER DOMAIN fp.positive ADD CONSTRAINT x CHECK (VALUE < 9)', 'ALTER DOMAIN fp.positive DROP CONSTRAINT x'),
('CREATE DOMAIN fp.d2 AS text COLLATE "C"', 'DROP DOMAIN fp.d2'),
('DROP TYPE fp.span; CREATE TYPE fp.span AS RANGE (subtype = bigint)', 'DROP TYPE fp.span; CREATE TYPE fp.span AS RANGE (subtype = int)'),
('CREATE TYPE fp.shell', 'DROP TYPE fp.shell'),
('CREATE OR REPLACE FUNCTION fp.f(a int) RETURNS int LANGUAGE sql IMMUTABLE AS ''SELECT a + 0''', 'CREATE OR REPLACE FUNCTION fp.f(a int) RETURNS int LANGUAGE sql IMMUTABLE AS ''SELECT a'''),
('ALTER FUNCTION fp.f STABLE', 'ALTER FUNCTION fp.f IMMUTABLE'),
('ALTER FUNCTION fp.f STRICT', 'ALTER FUNCTION fp.f CALLED ON NULL INPUT'),
('ALTER FUNCTION fp.f SECURITY DEFINER', 'ALTER FUNCTION fp.f SECURITY INVOKER'),
('ALTER FUNCTION fp.f COST 5', 'ALTER FUNCTION fp.f COST 100'),
('ALTER FUNCTION fp.f PARALLEL SAFE', 'ALTER FUNCTION fp.f PARALLEL UNSAFE'),
('ALTER FUNCTION fp.f SET search_path = fp', 'ALTER FUNCTION fp.f RESET search_path'),
('REVOKE EXECUTE ON FUNCTION fp.f FROM PUBLIC', 'GRANT EXECUTE ON FUNCTION fp.f TO PUBLIC'),
('ALTER FUNCTION fp.f OWNER TO regress_fp_a', 'ALTER FUNCTION fp.f OWNER TO CURRENT_USER'),
('CREATE FUNCTION fp.f(text) RETURNS int LANGUAGE sql AS ''SELECT 1''', 'DROP FUNCTION fp.f(text)'),
('ALTER PROCEDURE fp.p RENAME TO q', 'ALTER PROCEDURE fp.q RENAME TO p'),
('DROP AGGREGATE fp.agg(int); CREATE AGGREGATE fp.agg(int) (sfunc = int4pl, stype = int, initcond = ''0'')', 'DROP AGGREGATE fp.agg(int); CREATE AGGREGATE fp.agg(int) (sfunc = int4pl, stype = int)'),
('DROP AGGREGATE fp.agg(int); CREATE AGGREGATE fp.agg(int) (sfunc = int4larger, stype = int)', 'DROP AGGREGATE fp.agg(int); CREATE AGGREGATE fp.agg(int) (sfunc = int4pl, stype = int)'),
('ALTER STATISTICS fp.st SET STATISTICS 9', 'ALTER STATISTICS fp.st SET STATISTICS -1'),
('DROP STATISTICS fp.st; CREATE STATISTICS fp.st (ndistinct) ON state, price FROM fp.child', 'DROP STATISTICS fp.st; CREATE STATISTICS fp.st ON state, price FROM fp.child'),
('DROP COLLATION fp.c; CREATE COLLATION fp.c (locale = ''POSIX'')', 'DROP COLLATION fp.c; CREATE COLLATION fp.c (locale = ''C'')'),
('CREATE OPERATOR fp.### (leftarg = int, rightarg = int, function = int4pl)', 'DROP OPERATOR fp.### (int, int)'),
('CREATE OPERATOR FAMILY fp.fam USING btree', 'DROP OPERATOR FAMILY fp.fam USING btree'),
('CREATE OPERATOR CLASS fp.ops FOR TYPE int USING btree AS OPERATOR 1 <, FUNCTION 1 btint4cmp(int, int)', 'DROP OPERATOR FAMILY fp.ops USING btree CASCADE'),
('CREATE TEXT SEARCH DICTIONARY fp.dict (template = simple)', 'DROP TEXT SEARCH DICTIONARY fp.dict'),
('CREATE TEXT SEARCH CONFIGURATION fp.conf (copy = simple)', 'DROP TEXT SEARCH CONFIGURATION fp.conf'),
('CREATE CONVERSION fp.conv FOR ''UTF8'' TO ''LATIN1'' FROM utf8_to_iso8859_1', 'DROP CONVERSION fp.conv');

CREATE FUNCTION pg_temp.try(schemas text[]) RETURNS TABLE (id int, change text, finding text)
LANGUAGE plpgsql AS $$
DECLARE
	before text := pgmigrate.fingerprint(schemas);
	tried record;
BEGIN
	FOR tried IN SELECT c.id, c.change, c.revert FROM change c ORDER BY c.id LOOP
		id := tried.id;
		change := tried.change;
		finding := NULL;
		BEGIN
			EXECUTE tried.change;
			IF pgmigrate.fingerprint(schemas) = before THEN
				finding := 'is not seen';
			END IF;
			IF tried.revert IS NULL THEN
				RAISE SQLSTATE 'FP000';
			END IF;
			EXECUTE tried.revert;
			IF pgmigrate.fingerprint(schemas) <> before THEN
				finding := concat_ws(', ', finding, 'is seen when taken back');
				RAISE SQLSTATE 'FP000';
			END IF;
		EXCEPTION
			WHEN SQLSTATE 'FP000' THEN
			WHEN OTHERS THEN
				finding := sqlerrm;
		END;
		IF finding IS NOT NULL THEN
			RETURN NEXT;
		END IF;
	END LOOP;
END $$;
SET allow_system_table_mods = on;
SELECT * FROM pg_temp.try('{fp}');
SELECT count(*) > 100 AS tried FROM change;
SELECT pgmigrate.fingerprint('{fp}') = fingerprint AS all_taken_back FROM made;

-- What is in no schema counts for the whole database only.
CREATE FOREIGN DATA WRAPPER regress_fp_fdw;
CREATE SERVER regress_fp_server FOREIGN DATA WRAPPER regress_fp_fdw;
CREATE FOREIGN TABLE fp.ft (a int OPTIONS (x '1')) SERVER regress_fp_server;
CREATE PUBLICATION regress_fp_pub FOR TABLE fp.child WITH (publish = 'insert');
TRUNCATE change;
INSERT INTO change (change, revert) VALUES
('ALTER FOREIGN DATA WRAPPER regress_fp_fdw OPTIONS (ADD a ''1'')', 'ALTER FOREIGN DATA WRAPPER regress_fp_fdw OPTIONS (DROP a)'),
('GRANT USAGE ON FOREIGN DATA WRAPPER regress_fp_fdw TO regress_fp_a', 'REVOKE USAGE ON FOREIGN DATA WRAPPER regress_fp_fdw FROM regress_fp_a'),
('ALTER SERVER regress_fp_server OPTIONS (ADD host ''x'')', 'ALTER SERVER regress_fp_server OPTIONS (DROP host)'),
('ALTER SERVER regress_fp_server VERSION ''2''; ', NULL),
('CREATE USER MAPPING FOR regress_fp_a SERVER regress_fp_server', 'DROP USER MAPPING FOR regress_fp_a SERVER regress_fp_server'),
('ALTER FOREIGN TABLE fp.ft OPTIONS (ADD t ''1'')', 'ALTER FOREIGN TABLE fp.ft OPTIONS (DROP t)'),
('ALTER FOREIGN TABLE fp.ft ALTER a OPTIONS (SET x ''2'')', 'ALTER FOREIGN TABLE fp.ft ALTER a OPTIONS (SET x ''1'')'),
('ALTER PUBLICATION regress_fp_pub ADD TABLE fp.parent', 'ALTER PUBLICATION regress_fp_pub DROP TABLE fp.parent'),
('ALTER PUBLICATION regress_fp_pub SET TABLE fp.child (id)', 'ALTER PUBLICATION regress_fp_pub SET TABLE fp.child'),
('ALTER PUBLICATION regress_fp_pub SET TABLE fp.child WHERE (id > 1)', 'ALTER PUBLICATION regress_fp_pub SET TABLE fp.child'),
('ALTER PUBLICATION regress_fp_pub ADD TABLES IN SCHEMA fp', 'ALTER PUBLICATION regress_fp_pub DROP TABLES IN SCHEMA fp'),
('ALTER PUBLICATION regress_fp_pub SET (publish = ''insert, update'')', 'ALTER PUBLICATION regress_fp_pub SET (publish = ''insert'')'),
('ALTER PUBLICATION regress_fp_pub OWNER TO regress_fp_a', NULL),
('CREATE CAST (fp.pair AS fp.mood) WITH INOUT', 'DROP CAST (fp.pair AS fp.mood)'),
('CREATE EVENT TRIGGER regress_fp_et ON ddl_command_end WHEN TAG IN (''CREATE CAST'') EXECUTE FUNCTION fp.etf()', 'DROP EVENT TRIGGER regress_fp_et'),
('ALTER DEFAULT PRIVILEGES IN SCHEMA fp GRANT SELECT ON TABLES TO regress_fp_a', 'ALTER DEFAULT PRIVILEGES IN SCHEMA fp REVOKE SELECT ON TABLES FROM regress_fp_a'),
('CREATE ACCESS METHOD regress_fp_am TYPE TABLE HANDLER heap_tableam_handler', 'DROP ACCESS METHOD regress_fp_am'),
('CREATE TRUSTED LANGUAGE regress_fp_lang HANDLER plpgsql_call_handler', 'DROP LANGUAGE regress_fp_lang'),
('CREATE SCHEMA fp2', 'DROP SCHEMA fp2'),
('ALTER TABLE fp.parent RENAME TO parents', 'ALTER TABLE fp.parents RENAME TO parent'),
('COMMENT ON EXTENSION plpgsql IS ''another''', 'COMMENT ON EXTENSION plpgsql IS ''PL/pgSQL procedural language''');
CREATE FUNCTION fp.etf() RETURNS event_trigger LANGUAGE plpgsql AS 'BEGIN END';
SELECT * FROM pg_temp.try(NULL);
RESET allow_system_table_mods;

-- What pgmigrate keeps is not of the schema, nor are temporary tables.
CREATE TEMP TABLE whole AS SELECT pgmigrate.fingerprint();
SELECT id IS NOT NULL AS stored FROM pgmigrate.revision('fp', 'SELECT 1') AS id;
SELECT pgmigrate.fingerprint() = fingerprint AS revisions_do_not_count FROM whole;
SELECT count(*) > 0 AS granted FROM pgmigrate.grant_access('regress_fp_a', 'viewer');
SELECT pgmigrate.fingerprint() = fingerprint AS access_does_not_count FROM whole;

-- A viewer sees the same.
GRANT SELECT ON made TO regress_fp_a;
GRANT SELECT ON whole TO regress_fp_a;
SET ROLE regress_fp_a;
SELECT pgmigrate.fingerprint() = fingerprint AS viewer_sees_the_same FROM whole;
RESET ROLE;
SET ROLE regress_fp_b;
SELECT pgmigrate.fingerprint();
RESET ROLE;

-- arguments
SELECT pgmigrate.fingerprint('{fp,"no such"}');
SELECT pgmigrate.fingerprint('{fp,NULL}');
SELECT pgmigrate.fingerprint('{fp,public}') = pgmigrate.fingerprint('{public,fp,fp}') AS a_set;
SELECT pgmigrate.fingerprint('{pgmigrate}') = pgmigrate.fingerprint('{}') AS members_are_not_part;

SELECT pgmigrate.remove(id) IS NOT NULL AS removed FROM pgmigrate.revision WHERE message = 'fp';
DROP PUBLICATION regress_fp_pub;
DROP SCHEMA fp CASCADE;
DROP FOREIGN DATA WRAPPER regress_fp_fdw CASCADE;
DROP OWNED BY regress_fp_a, regress_fp_b;
DROP ROLE regress_fp_a, regress_fp_b;

-- Each rule fires where it should and not at what only looks like it; what its
-- hint proposes is accepted by the server and raises no alarm of the same rule.
SET client_min_messages = error;
SET pgmigrate.danger_block = 0;
SET allow_in_place_tablespaces = on;
CREATE TABLESPACE regress_pgm_rules LOCATION '';
CREATE ACCESS METHOD heap2 TYPE TABLE HANDLER heap_tableam_handler;
CREATE SCHEMA rules;
CREATE TABLE rules.version AS SELECT current_setting('server_version_num')::int / 10000 AS major;

-- the schema that all statements are about; made anew after each hint
CREATE PROCEDURE rules.make() LANGUAGE plpgsql AS $make$
BEGIN
	DROP SCHEMA IF EXISTS "My App", "My App2", other CASCADE;
	EXECUTE format('DROP SCHEMA IF EXISTS %1$I; CREATE SCHEMA %1$I', current_user);
	CREATE SCHEMA "My App";
	CREATE SCHEMA other;
	SET LOCAL search_path = "My App";
	CREATE TYPE mood AS ENUM ('sad', 'Ok');
	CREATE DOMAIN "Positive" AS int CHECK (VALUE > 0);
	CREATE DOMAIN strict AS "Positive" NOT NULL CHECK (VALUE < 1000);
	CREATE TYPE comp AS (a int, b text);
	CREATE TYPE lone AS (a int);
	CREATE TABLE "Order" (id int PRIMARY KEY, "userId" int, "select" text, code varchar(10), price numeric(10, 2),
		made timestamp, m mood, d "Positive", body json, at_utc timestamptz, needed int NOT NULL, CONSTRAINT "Code Check" CHECK (code <> 'x' AND code <> 'value'));
	CREATE INDEX "Order Idx" ON "Order" ("select");
	CREATE UNIQUE INDEX order_needed ON "Order" (needed);
	CREATE UNIQUE INDEX order_user ON "Order" ("userId");
	CREATE VIEW "V 1" WITH (security_barrier = true) AS SELECT id, price FROM "Order";
	CREATE VIEW v2 AS SELECT price * 2 AS twice FROM "V 1";
	CREATE MATERIALIZED VIEW mv AS SELECT id, price FROM "Order";
	CREATE UNIQUE INDEX mv_id ON mv (id);
	GRANT SELECT ON "V 1" TO pg_monitor;
	CREATE TABLE item (id bigint PRIMARY KEY, order_id int CONSTRAINT item_order REFERENCES "Order", extra int CONSTRAINT extra_u UNIQUE);
	CREATE POLICY pol ON item USING (true);
	CREATE TABLE uses_comp (id int, "C" comp);
	CREATE TABLE part (k int NOT NULL, v text, o int) PARTITION BY RANGE (k);
	CREATE TABLE part1 PARTITION OF part FOR VALUES FROM (0) TO (10);
	CREATE TABLE part2 PARTITION OF part FOR VALUES FROM (10) TO (20) PARTITION BY LIST (v);
	CREATE TABLE "Part2 A" PARTITION OF part2 FOR VALUES IN ('a', NULL);
	CREATE TABLE full_part (k int, t timestamptz, v text) PARTITION BY LIST (v);
	CREATE TABLE full_a PARTITION OF full_part FOR VALUES IN ('a');
	CREATE TABLE "Default One" PARTITION OF full_part DEFAULT;
	CREATE TABLE att (k int NOT NULL, v text, o int);
	CREATE TABLE att2 (k int, t timestamptz, v text);
	CREATE TABLE att_proved (k int NOT NULL CHECK (k >= 40 AND k < 50), v text, o int);
	CREATE TABLE plain (a int, b text);
	ALTER TABLE plain ADD CONSTRAINT late CHECK (a > -5) NOT VALID;
	CREATE TABLE empty_one (id int, a int);
	CREATE TABLE other.plain (a int);
	CREATE SEQUENCE seq;
	INSERT INTO "Order" SELECT g, g, 'a', 'b', g, now(), 'sad', g, '{}', now(), g FROM generate_series(1, 20) g;
	INSERT INTO item SELECT g, g, g FROM generate_series(1, 10) g;
	INSERT INTO part SELECT g, 'a', g FROM generate_series(1, 19) g;
	INSERT INTO att VALUES (30, 'x', 3);
	INSERT INTO att2 VALUES (1, now(), 'b');
END
$make$;
CALL rules.make();
SET search_path = "My App";

-- rule, what it finds, and what it must not find; from and to which version
CREATE TABLE rules.sample (n int GENERATED ALWAYS AS IDENTITY, rule text, fires text, silent text, since int DEFAULT 15, until int DEFAULT 99);
INSERT INTO rules.sample (rule, fires, silent) VALUES
('add-column-check', 'ALTER TABLE "Order" ADD "New Col" varchar(5) DEFAULT ''a'' CHECK ("New Col" <> '''')', 'ALTER TABLE "Order" ADD x int'),
('add-column-check', 'ALTER TABLE part ADD x int CONSTRAINT "named one" CHECK (x > 0)', 'CREATE TABLE n (id int CHECK (id > 0)); ALTER TABLE n ADD x int CHECK (x > 0)'),
('allow-malformed', '-- pgmigrate: ignore drop-table because of this
	DROP TABLE plain', '-- pgmigrate: the table goes
	DROP TABLE plain'),
('allow-malformed', '-- pgmigrate: allow because of this
	DROP TABLE plain', '-- pgmigrate: allow drop-table because of this
	DROP TABLE plain'),
('allow-unused', '-- pgmigrate: allow drop-table because of this
	SELECT 1', '-- pgmigrate: allow drop-table because of this
	DROP TABLE plain'),
('allow-without-reason', '-- pgmigrate: allow drop-table
	DROP TABLE plain', '-- pgmigrate: allow drop-table because of this
	DROP TABLE plain'),
('attach-partition', 'ALTER TABLE part ATTACH PARTITION att FOR VALUES FROM (30) TO (40)', 'ALTER TABLE part ATTACH PARTITION att_proved FOR VALUES FROM (40) TO (50)'),
('authz-update', 'ALTER TABLE "Order" ENABLE ROW LEVEL SECURITY', 'CREATE TABLE n (id int); ALTER TABLE n ENABLE ROW LEVEL SECURITY'),
('authz-update', 'CREATE POLICY p ON "Order" USING (true)', 'CREATE TABLE n (id int); CREATE POLICY p ON n USING (true)'),
('authz-update', 'DROP POLICY pol ON item', 'CREATE TABLE n (id int); CREATE POLICY p ON n USING (true); DROP POLICY p ON n'),
('authz-update', 'REVOKE ALL ON "Order" FROM pg_monitor', 'GRANT SELECT ON "Order" TO pg_monitor'),
('authz-update', 'GRANT SELECT ON "Order" TO PUBLIC', 'CREATE TABLE n (id int); GRANT SELECT ON n TO PUBLIC'),
('autovacuum-off', 'ALTER TABLE "Order" SET (autovacuum_enabled = false)', 'ALTER TABLE "Order" SET (autovacuum_enabled = true, fillfactor = 80)'),
('bulk-update', 'UPDATE "Order" SET price = 1', 'UPDATE "Order" SET price = 1 WHERE id = 1'),
('bulk-update', 'DELETE FROM item', 'DELETE FROM item WHERE id = 1'),
('change-default', 'ALTER TABLE "Order" ALTER price SET DEFAULT 1', 'CREATE TABLE n (id int); ALTER TABLE n ALTER id SET DEFAULT 1'),
('char-type', 'CREATE TABLE n (id bigint PRIMARY KEY, "C" char(3))', 'CREATE TABLE n (id bigint PRIMARY KEY, c varchar(3), d "char")'),
('check-inline', 'ALTER TABLE "Order" ADD CHECK ("userId" > 0 AND "select" <> '')'')', 'ALTER TABLE "Order" ADD CHECK ("userId" > 0) NOT VALID'),
('cluster', 'CLUSTER "Order" USING "Order Idx"', 'ALTER TABLE "Order" CLUSTER ON "Order Idx"'),
('column-order', 'CREATE TABLE n (a bool, id bigint PRIMARY KEY, b bool, "C" bigint, c smallint, d bigint)', 'CREATE TABLE n (id bigint PRIMARY KEY, c bigint, b bool, a bool, d text, e bigint)'),
('composite-in-use', 'ALTER TYPE comp ALTER ATTRIBUTE a TYPE bigint', 'ALTER TYPE lone ALTER ATTRIBUTE a TYPE bigint'),
('constrained-domain-column', 'ALTER TABLE "Order" ADD "New" strict DEFAULT 7', 'ALTER TABLE "Order" ADD "New" int DEFAULT 7'),
('create-domain-constraint', 'CREATE DOMAIN dd AS int CHECK (VALUE > 1)', 'CREATE DOMAIN dd AS int'),
('create-enum', 'CREATE TYPE e2 AS ENUM (''x'')', 'CREATE TYPE e2 AS (x int)'),
('create-index', 'CREATE UNIQUE INDEX "Two Words" ON "Order" USING btree (lower("select") DESC, id) INCLUDE (code) WHERE id > 0 -- why', 'CREATE INDEX CONCURRENTLY i ON "Order" (code)'),
('create-index', 'CREATE INDEX IF NOT EXISTS i ON mv (price)', 'CREATE INDEX IF NOT EXISTS "Order Idx" ON "Order" (code)'),
('create-trigger', 'CREATE TRIGGER t BEFORE UPDATE ON "Order" FOR EACH ROW EXECUTE FUNCTION suppress_redundant_updates_trigger()', 'CREATE TABLE n (id int); CREATE TRIGGER t BEFORE UPDATE ON n FOR EACH ROW EXECUTE FUNCTION suppress_redundant_updates_trigger()'),
('data-blocks', 'ALTER TABLE "Order" ADD CHECK (id > 5)', 'ALTER TABLE "Order" ADD CHECK (id > 0)'),
('default-partition-scan', 'ALTER TABLE full_part ATTACH PARTITION att2 FOR VALUES IN (''b'', NULL)', 'ALTER TABLE part ATTACH PARTITION att FOR VALUES FROM (30) TO (40)'),
('default-partition-scan', 'CREATE TABLE full_c PARTITION OF full_part FOR VALUES IN (''c'')', 'CREATE TABLE part3 PARTITION OF part FOR VALUES FROM (60) TO (70)'),
('dependent-object-blocks', 'ALTER TABLE "Order" ALTER price TYPE numeric(12, 2)', 'DROP VIEW v2, "V 1"; DROP MATERIALIZED VIEW mv; ALTER TABLE "Order" ALTER price TYPE numeric(12, 2)'),
('dependent-object-blocks', 'ALTER TABLE "Order" DROP COLUMN price', 'ALTER TABLE "Order" DROP COLUMN price CASCADE'),
('detach-partition', 'ALTER TABLE part DETACH PARTITION part1', 'ALTER TABLE part DETACH PARTITION part1 CONCURRENTLY'),
('detach-partition', 'ALTER TABLE full_part DETACH PARTITION full_a', 'CREATE TABLE n (k int) PARTITION BY LIST (k); CREATE TABLE n1 PARTITION OF n FOR VALUES IN (1); ALTER TABLE n DETACH PARTITION n1'),
('domain-constraint', 'ALTER DOMAIN "Positive" ADD CONSTRAINT small CHECK (VALUE < 100 AND VALUE <> length(''value'') + 100)', 'ALTER DOMAIN "Positive" ADD CONSTRAINT small CHECK (VALUE < 100) NOT VALID'),
('domain-constraint', 'ALTER DOMAIN "Positive" SET NOT NULL', 'ALTER DOMAIN "Positive" SET DEFAULT 1'),
('drop-and-create', 'DROP TABLE plain; CREATE TABLE plain (a bigint)', 'DROP TABLE plain; CREATE TABLE plain2 (a bigint)'),
('drop-cascade', 'DROP TABLE "Order" CASCADE', 'DROP TABLE item CASCADE'),
('drop-cascade', 'DROP TYPE comp CASCADE', 'DROP TYPE lone CASCADE'),
('disable-trigger', 'ALTER TABLE item DISABLE TRIGGER ALL', 'ALTER TABLE item ENABLE TRIGGER ALL'),
('drop-expression', 'ALTER TABLE "Order" ADD g int GENERATED ALWAYS AS (id) STORED; ALTER TABLE "Order" ALTER g DROP EXPRESSION', 'ALTER TABLE "Order" ALTER code DROP DEFAULT'),
('drop-function', 'DROP FUNCTION nowhere()', 'DROP FUNCTION IF EXISTS nowhere()'),
('drop-trigger', 'CREATE TRIGGER x BEFORE UPDATE ON plain FOR EACH ROW EXECUTE FUNCTION suppress_redundant_updates_trigger(); DROP TRIGGER x ON plain', 'CREATE TRIGGER x BEFORE UPDATE ON plain FOR EACH ROW EXECUTE FUNCTION suppress_redundant_updates_trigger()'),
('drop-view', 'DROP VIEW v2', 'DROP VIEW v2; CREATE VIEW v2 AS SELECT 1 AS x'),
('exists-already', 'CREATE TABLE IF NOT EXISTS plain (zz int)', 'CREATE TABLE IF NOT EXISTS plain (a int)'),
('rewrite-rule', 'CREATE RULE r AS ON DELETE TO plain DO INSTEAD NOTHING', 'CREATE TABLE n (id bigint PRIMARY KEY); CREATE RULE r AS ON DELETE TO n DO INSTEAD NOTHING'),
('drop-check', 'ALTER TABLE "Order" DROP CONSTRAINT "Code Check"', 'ALTER TABLE item DROP CONSTRAINT item_order'),
('drop-column', 'ALTER TABLE "Order" DROP COLUMN needed', 'ALTER TABLE "Order" DROP COLUMN IF EXISTS nothing'),
('drop-column', 'ALTER TABLE "Order" DROP COLUMN code', 'CREATE TABLE n (a int, b int); ALTER TABLE n DROP COLUMN a'),
('drop-database', 'DROP DATABASE nowhere', 'DROP SCHEMA IF EXISTS nowhere'),
('drop-extension', 'DROP EXTENSION pgmigrate', 'COMMENT ON EXTENSION plpgsql IS ''x'''),
('drop-fk', 'ALTER TABLE item DROP CONSTRAINT item_order', 'ALTER TABLE item DROP CONSTRAINT item_pkey'),
('drop-index', 'DROP INDEX "Order Idx"', 'DROP INDEX CONCURRENTLY "Order Idx"'),
('drop-not-null', 'ALTER TABLE "Order" ALTER needed DROP NOT NULL', 'CREATE TABLE n (a int NOT NULL); ALTER TABLE n ALTER a DROP NOT NULL'),
('drop-partition-locks-parent', 'DROP TABLE part1', 'DROP TABLE att'),
('drop-primary-key', 'ALTER TABLE uses_comp ADD PRIMARY KEY (id); ALTER TABLE item DROP CONSTRAINT item_pkey', 'ALTER TABLE item DROP CONSTRAINT extra_u'),
('drop-primary-key', 'ALTER TABLE "Order" DROP CONSTRAINT "Order_pkey" CASCADE', 'ALTER TABLE item DROP CONSTRAINT item_pkey, ADD CONSTRAINT item_pkey PRIMARY KEY USING INDEX nowhere'),
('drop-schema', 'DROP SCHEMA other CASCADE', 'CREATE SCHEMA n'),
('drop-schema', 'DROP SCHEMA IF EXISTS other', 'DROP SCHEMA IF EXISTS nowhere'),
('drop-sequence', 'DROP SEQUENCE seq', 'CREATE SEQUENCE n; DROP SEQUENCE n'),
('drop-table', 'DROP TABLE plain', 'CREATE TABLE n (a int); DROP TABLE n'),
('drop-unique', 'ALTER TABLE item DROP CONSTRAINT extra_u', 'ALTER TABLE "Order" DROP CONSTRAINT "Code Check"'),
('dynamic-sql', 'CREATE FUNCTION f(t text) RETURNS void LANGUAGE plpgsql AS $$BEGIN EXECUTE ''DROP TABLE '' || t; END$$', 'CREATE FUNCTION f(t text, r regclass) RETURNS void LANGUAGE plpgsql AS $$BEGIN EXECUTE ''DROP TABLE '' || quote_ident(t); EXECUTE ''DROP TABLE '' || r::regclass; EXECUTE format(''DROP TABLE %I'', t); t := ''a'' || t; END$$'),
('dynamic-sql', 'DO $$DECLARE t text = ''x''; BEGIN EXECUTE ''SELECT '' || t || '' + 1''; END$$', 'DO $$BEGIN EXECUTE ''SELECT $1'' USING ''a'' || ''b''; END$$'),
('enum-value-used-same-tx', 'ALTER TYPE mood ADD VALUE ''y'' AFTER ''sad''; ALTER TABLE "Order" ALTER m SET DEFAULT ''y''', 'ALTER TYPE mood ADD VALUE ''y'' AFTER ''sad''; ALTER TABLE "Order" ALTER m SET DEFAULT ''Ok'''),
('exclusion', 'ALTER TABLE "Order" ADD EXCLUDE USING btree (id WITH =)', 'ALTER TABLE "Order" ADD UNIQUE (id)'),
('extension-upgrade', 'ALTER EXTENSION pgmigrate UPDATE', 'COMMENT ON EXTENSION pgmigrate IS ''x'''),
('fk-in-add-column', 'ALTER TABLE plain ADD "O" int DEFAULT 1 REFERENCES "Order" ON DELETE CASCADE', 'ALTER TABLE plain ADD o int DEFAULT NULL REFERENCES "Order"'),
('fk-inline', 'ALTER TABLE plain ADD FOREIGN KEY (a) REFERENCES "Order" (id) MATCH FULL ON DELETE SET NULL', 'ALTER TABLE plain ADD FOREIGN KEY (a) REFERENCES "Order" NOT VALID'),
('fk-inline', 'ALTER TABLE part ADD FOREIGN KEY (o) REFERENCES "Order"', 'CREATE TABLE n (a int); ALTER TABLE n ADD FOREIGN KEY (a) REFERENCES "Order"'),
('fk-without-index', 'ALTER TABLE plain ADD FOREIGN KEY (a) REFERENCES "Order" NOT VALID', 'ALTER TABLE plain ADD FOREIGN KEY (a) REFERENCES "Order" NOT VALID; CREATE INDEX ON plain (a, b)'),
('fk-without-index', 'ALTER TABLE part ADD FOREIGN KEY (o) REFERENCES "Order"', 'ALTER TABLE "Order" ADD FOREIGN KEY ("userId") REFERENCES item NOT VALID'),
('identity-column', 'ALTER TABLE "Order" ADD "New Id" int GENERATED ALWAYS AS IDENTITY', 'ALTER TABLE "Order" ALTER needed ADD GENERATED ALWAYS AS IDENTITY'),
('index-on-partitioned', 'CREATE INDEX ON part (o, lower(v))', 'CREATE INDEX ON ONLY part (o)'),
('index-on-partitioned', 'CREATE UNIQUE INDEX "Part U" ON part (k, v)', 'CREATE INDEX ON part1 (o)'),
('int-key', 'CREATE TABLE n ("Id" int, PRIMARY KEY ("Id"))', 'CREATE TABLE n (id bigint PRIMARY KEY, a int)'),
('int-key', 'CREATE TABLE n (id serial PRIMARY KEY)', 'CREATE TABLE n (a int, b int, PRIMARY KEY (a, b))'),
('json-column', 'ALTER TABLE plain ADD "J" json', 'ALTER TABLE plain ADD j jsonb'),
('long-lock-timeout', 'SET lock_timeout = ''1min''', 'SET lock_timeout = ''5s'''),
('long-work', 'ALTER MATERIALIZED VIEW mv SET ACCESS METHOD heap2', 'ALTER TABLE "Order" SET (fillfactor = 90)'),
('long-work', 'ALTER MATERIALIZED VIEW mv SET ACCESS METHOD heap2', 'REFRESH MATERIALIZED VIEW CONCURRENTLY mv'),
('long-work', 'ALTER MATERIALIZED VIEW mv SET ACCESS METHOD heap2', 'CREATE INDEX IF NOT EXISTS "Order Idx" ON "Order" (code)'),
('lossy-type-change', 'ALTER TABLE "Order" ALTER made TYPE date', 'ALTER TABLE "Order" ALTER id TYPE bigint'),
('mergeable-alters', 'ALTER TABLE plain ALTER a TYPE bigint; ALTER TABLE plain ADD "X" int DEFAULT random() -- why', 'ALTER TABLE plain ADD x int; ALTER TABLE plain ALTER a SET DEFAULT 1'),
('missing-pk', 'CREATE TABLE n (a int)', 'CREATE TABLE n (a bigint); ALTER TABLE n ADD PRIMARY KEY (a)'),
('mixed-tx-modes', 'CREATE INDEX CONCURRENTLY i ON plain (a); SELECT 1', 'CREATE INDEX CONCURRENTLY i ON plain (a)'),
('name-too-long', 'CREATE TABLE a_name_that_is_longer_than_sixty_three_bytes_and_so_it_is_cut_off_there (id bigint PRIMARY KEY)', 'COMMENT ON TABLE plain IS ''a_text_that_is_longer_than_sixty_three_bytes_and_so_it_is_cut_off_there'''),
('names-become-equal', 'CREATE INDEX CONCURRENTLY a_name_that_is_longer_than_sixty_three_bytes_and_so_it_is_cut_off_1 ON plain (a); CREATE INDEX CONCURRENTLY IF NOT EXISTS a_name_that_is_longer_than_sixty_three_bytes_and_so_it_is_cut_off_2 ON plain (b)', 'CREATE INDEX CONCURRENTLY a_name_that_is_longer_than_sixty_three_bytes_and_so_it_is_cut_off_1 ON plain (a); DROP INDEX CONCURRENTLY a_name_that_is_longer_than_sixty_three_bytes_and_so_it_is_cut_off_1'),
('not-in-a-revision', 'COPY plain FROM STDIN', 'COPY plain FROM ''/dev/null'''),
('not-tried', 'ALTER TABLE nowhere ADD x int; ALTER TABLE plain ADD a int', 'ALTER TABLE plain SET TABLESPACE regress_pgm_rules'),
('opaque-step', 'DO $$BEGIN END$$', 'SELECT 1'),
('partition-of-locks-parent', 'CREATE TABLE "Part 9" PARTITION OF part FOR VALUES FROM (90) TO (MAXVALUE)', 'CREATE TABLE n (k int) PARTITION BY LIST (k); CREATE TABLE n1 PARTITION OF n FOR VALUES IN (1)'),
('pk-builds-index', 'ALTER TABLE empty_one ADD PRIMARY KEY (id) INCLUDE (a)', 'CREATE TABLE n (id bigint); ALTER TABLE n ADD PRIMARY KEY (id)'),
('pk-builds-index', 'ALTER TABLE part2 ADD PRIMARY KEY (k, v)', 'ALTER TABLE part ADD UNIQUE (k, v)'),
('pk-sets-not-null', 'ALTER TABLE "Order" DROP CONSTRAINT "Order_pkey" CASCADE, ADD CONSTRAINT "New Key" PRIMARY KEY USING INDEX order_user', 'ALTER TABLE "Order" DROP CONSTRAINT "Order_pkey" CASCADE, ADD PRIMARY KEY USING INDEX order_needed'),
('quoted-name', 'CREATE TABLE "New Table" (id bigint PRIMARY KEY, "userId" int, "order" int)', 'CREATE TABLE new_table (id bigint PRIMARY KEY, user_id int, "position" int, CHECK ("user_id" > 1))'),
('quoted-name', 'CREATE INDEX CONCURRENTLY "idxOne" ON plain (a)', 'ALTER TABLE "Order" DROP COLUMN "userId"'),
('redefine-pk', 'ALTER TABLE item DROP CONSTRAINT item_pkey, ADD PRIMARY KEY (id)', 'ALTER TABLE item DROP CONSTRAINT item_pkey, ADD PRIMARY KEY USING INDEX nowhere'),
('refresh-matview', 'REFRESH MATERIALIZED VIEW mv', 'REFRESH MATERIALIZED VIEW CONCURRENTLY mv'),
('reindex', 'REINDEX TABLE "Order"', 'REINDEX TABLE CONCURRENTLY "Order"'),
('reindex', 'REINDEX SCHEMA "My App"', 'REINDEX (CONCURRENTLY) INDEX "Order Idx"'),
('rename-column', 'ALTER TABLE "Order" RENAME COLUMN "select" TO "New Name"', 'CREATE TABLE n (a int); ALTER TABLE n RENAME a TO b'),
('rename-column', 'ALTER VIEW v2 RENAME COLUMN twice TO double', 'ALTER TABLE "Order" RENAME CONSTRAINT "Code Check" TO cc'),
('rename-schema', 'ALTER SCHEMA "My App" RENAME TO "My App2"', 'ALTER SCHEMA "My App" OWNER TO CURRENT_USER'),
('rename-table', 'ALTER TABLE "Order" RENAME TO orders', 'ALTER TABLE "Order" RENAME TO orders; CREATE VIEW "Order" AS SELECT * FROM orders'),
('rename-type', 'ALTER TYPE mood RENAME VALUE ''Ok'' TO ''fine''', 'ALTER TYPE mood ADD VALUE ''fine'' AFTER ''Ok'''),
('rename-type', 'ALTER TYPE comp RENAME TO comp2', 'ALTER TABLE "Order" RENAME CONSTRAINT "Code Check" TO cc'),
('replica-identity', 'ALTER TABLE item REPLICA IDENTITY FULL', 'ALTER TABLE item REPLICA IDENTITY DEFAULT'),
('replica-identity', 'ALTER TABLE plain REPLICA IDENTITY NOTHING', 'ALTER TABLE "Order" REPLICA IDENTITY USING INDEX order_needed'),
('required-column', 'ALTER TABLE plain ADD "X" varchar(8) NOT NULL', 'ALTER TABLE plain ADD x int NOT NULL DEFAULT 0'),
('required-column', 'ALTER TABLE plain ADD x uuid NOT NULL', 'ALTER TABLE plain ADD x uuid'),
('rewrite-holding-locks', 'ALTER TABLE plain ADD x int; ALTER TABLE item ALTER extra TYPE bigint', 'ALTER TABLE plain ADD x int; ALTER TABLE item ADD x int'),
('rows-under-lock', 'ALTER TABLE plain ADD x int; DO $$BEGIN END$$', 'DO $$BEGIN END$$'),
('rows-under-lock', 'ALTER TABLE plain ADD x int; UPDATE item SET extra = 5 WHERE id = 5', 'ALTER TABLE plain ADD x int; INSERT INTO item VALUES (77)'),
('serial-column', 'ALTER TABLE "Order" ADD "Serial No" bigserial', 'ALTER TABLE "Order" ADD x bigint'),
('set-access-method', 'ALTER TABLE plain SET ACCESS METHOD heap2', 'ALTER TABLE plain SET ACCESS METHOD heap'),
('set-logged', 'ALTER TABLE plain SET UNLOGGED', 'CREATE TABLE n (a int); ALTER TABLE n SET UNLOGGED; ALTER TABLE plain SET LOGGED'),
('set-not-null', 'ALTER TABLE "Order" ALTER "select" SET NOT NULL', 'ALTER TABLE "Order" ALTER needed SET NOT NULL'),
('set-not-null', 'ALTER TABLE part ALTER v SET NOT NULL', 'ALTER TABLE "Order" ALTER "select" SET DEFAULT ''x'''),
('set-schema', 'ALTER TABLE "Order" SET SCHEMA other', 'ALTER TABLE "Order" SET SCHEMA other; CREATE VIEW "Order" AS SELECT * FROM other."Order"'),
('set-tablespace', 'ALTER TABLE plain SET TABLESPACE regress_pgm_rules', 'ALTER TABLE plain SET (fillfactor = 90)'),
('several-locked-tables', 'ALTER TABLE plain ADD x int; ALTER TABLE item ADD x int', 'ALTER TABLE plain ADD x int; ALTER TABLE plain ADD y int'),
('timeout-concurrently', 'SET lock_timeout = ''2s''; CREATE INDEX CONCURRENTLY i ON plain (a)', 'SET lock_timeout = ''2s''; RESET lock_timeout; CREATE INDEX CONCURRENTLY i ON plain (a)'),
('timeout-concurrently', 'SET statement_timeout = 1000; REINDEX INDEX CONCURRENTLY "Order Idx"', 'SET statement_timeout = 1000; SET statement_timeout = 0; REINDEX INDEX CONCURRENTLY "Order Idx"'),
('timestamp-type', 'CREATE TABLE n (id bigint PRIMARY KEY, t timestamp, "T" timestamp(3))', 'CREATE TABLE n (id bigint PRIMARY KEY, t timestamptz)'),
('transaction-control', 'BEGIN', 'SELECT 1'),
('trial-fails', 'ALTER TABLE nowhere ADD x int', 'ALTER TABLE plain ADD x int'),
('truncate', 'TRUNCATE item', 'CREATE TABLE n (a int); TRUNCATE n'),
('truncate', 'TRUNCATE part', 'DELETE FROM item WHERE id = 1'),
('truncate-cascade', 'TRUNCATE "Order" CASCADE', 'TRUNCATE item'),
('type-change-by-timezone', 'ALTER TABLE "Order" ALTER made TYPE timestamptz', 'ALTER TABLE "Order" ALTER made TYPE timestamp(3)'),
('type-change-plan-break', 'ALTER TABLE "Order" ALTER code TYPE varchar(20)', 'ALTER TABLE "Order" ALTER code SET DEFAULT ''y'''),
('type-change-rechecks', 'ALTER TABLE "Order" ALTER code TYPE varchar(20)', 'ALTER TABLE "Order" ALTER "select" TYPE varchar'),
('type-change-reindex', 'ALTER TABLE "Order" ALTER "select" TYPE text COLLATE "C"', 'ALTER TABLE plain ALTER b TYPE text COLLATE "C"'),
('type-change-rewrite', 'ALTER TABLE "Order" ALTER "userId" TYPE numeric(12, 2) USING CASE WHEN "Order"."userId" IS NOT NULL THEN "userId" + 1 END', 'ALTER TABLE plain ALTER b TYPE varchar'),
('type-change-rewrite', 'ALTER TABLE "Order" ALTER body TYPE text USING body #>> ''{}'' -- why', 'ALTER TABLE plain ADD x int DEFAULT random(), ALTER b TYPE varchar'),
('type-change-rewrite', 'ALTER TABLE "Order" ALTER needed TYPE bigint, ALTER code TYPE varchar(12)', 'ALTER TABLE "Order" ALTER price TYPE numeric(12, 2)'),
('unique-builds-index', 'ALTER TABLE "Order" ADD UNIQUE NULLS NOT DISTINCT ("userId", code) INCLUDE (id) DEFERRABLE', 'ALTER TABLE item DROP CONSTRAINT extra_u, ADD PRIMARY KEY USING INDEX nowhere'),
('unique-builds-index', 'ALTER TABLE part2 ADD UNIQUE (v, o)', 'ALTER TABLE plain ADD x int'),
('unique-builds-index', 'ALTER TABLE plain ADD "U" int UNIQUE', 'CREATE TABLE n (a int); ALTER TABLE n ADD b int UNIQUE'),
('unqualified-name', 'SET search_path = "My App", other; ALTER TABLE plain ADD x int', 'SET search_path = "My App", other; ALTER TABLE "My App".plain ADD x int'),
('unqualified-name', 'SET search_path = other, "My App"; CREATE TABLE item (id bigint PRIMARY KEY)', 'SET search_path = other, "My App"; CREATE TABLE n (id bigint PRIMARY KEY)'),
('unqualified-name', 'SET search_path = "$user"; CREATE TABLE n (id bigint PRIMARY KEY)', 'SET search_path = "$user"; CREATE TEMP TABLE n (id bigint PRIMARY KEY)'),
('vacuum-full', 'VACUUM FULL "Order"', 'VACUUM (FULL false) "Order"'),
('validate-same-tx', 'ALTER TABLE plain ADD CONSTRAINT q CHECK (a > 0) NOT VALID; ALTER TABLE plain VALIDATE CONSTRAINT q', 'ALTER TABLE plain ADD CONSTRAINT q CHECK (a > 0) NOT VALID; ALTER TABLE "Order" VALIDATE CONSTRAINT "Code Check"'),
('validate-same-tx', 'ALTER TABLE plain ADD CONSTRAINT q CHECK (a > 0) NOT VALID, VALIDATE CONSTRAINT q', 'ALTER TABLE plain ADD CONSTRAINT q CHECK (a > 0) NOT VALID'),
('volatile-default', 'ALTER TABLE "Order" ADD "New Uuid" uuid NOT NULL DEFAULT gen_random_uuid(), ADD plain_one int DEFAULT 1, ADD nothing int', 'ALTER TABLE "Order" ADD x timestamptz DEFAULT now()'),
('volatile-default', 'ALTER TABLE part ADD x float DEFAULT random()', 'ALTER TABLE "Order" ADD x int DEFAULT 1'),
('wide-index', 'CREATE INDEX CONCURRENTLY i ON "Order" (id, code, price, made)', 'CREATE INDEX CONCURRENTLY i ON "Order" (id, code, price)');
INSERT INTO rules.sample (rule, fires, silent, until) VALUES
('generated-stored', 'ALTER TABLE "Order" ADD "Gen" int GENERATED ALWAYS AS ("userId" + length("select") + length(''userId'')) STORED', 'CREATE TABLE n (a int); ALTER TABLE n ADD b int GENERATED ALWAYS AS (a) STORED', 17);
INSERT INTO rules.sample (rule, fires, silent, since) VALUES
('set-expression', 'ALTER TABLE "Order" ADD g int GENERATED ALWAYS AS (id) STORED; ALTER TABLE "Order" ALTER g SET EXPRESSION AS (id + 1)', 'ALTER TABLE "Order" ALTER code DROP DEFAULT', 17),
('generated-stored', 'ALTER TABLE "Order" ADD "Gen" int GENERATED ALWAYS AS ("userId" + 1) STORED', 'ALTER TABLE "Order" ADD "Gen" int GENERATED ALWAYS AS ("userId" + 1) VIRTUAL', 18),
('set-not-null', 'ALTER TABLE "Order" ADD CONSTRAINT nn NOT NULL "select"', 'ALTER TABLE "Order" ADD CONSTRAINT nn NOT NULL "select" NOT VALID', 18),
('check-inline', 'ALTER TABLE "Order" ADD CHECK (id > 0)', 'ALTER TABLE "Order" ADD CHECK (id > 0) NOT ENFORCED', 18),
('fk-inline', 'ALTER TABLE plain ADD FOREIGN KEY (a) REFERENCES "Order"', 'ALTER TABLE plain ADD FOREIGN KEY (a) REFERENCES "Order" NOT ENFORCED', 18),
('not-enforced', 'ALTER TABLE "Order" ADD CHECK (id > 0) NOT ENFORCED', 'ALTER TABLE "Order" ADD CHECK (id > 0) NOT VALID', 18),
('cluster', 'REPACK "Order" USING INDEX "Order Idx"', 'REPACK (CONCURRENTLY) "Order" USING INDEX "Order Idx"', 19),
('repack-concurrently', 'REPACK (CONCURRENTLY) "Order"', 'REPACK "Order"', 19);
DELETE FROM rules.sample USING rules.version WHERE major NOT BETWEEN since AND until;

-- what of the statements of a rule fires it, and with which hint
CREATE FUNCTION rules.hints(sql text, rule text) RETURNS TABLE (hint text, level text) LANGUAGE sql AS
	$$SELECT l.hint, l.level FROM pgmigrate.lint($1) l WHERE l.rule = $2$$;
CREATE TABLE rules.found AS SELECT s.n, s.rule, h.hint FROM rules.sample s, rules.hints(s.fires, s.rule) h;

-- all of these are empty: rules that do not fire, or do where they should not
SELECT rule, fires FROM rules.sample s WHERE NOT EXISTS (SELECT FROM rules.found f WHERE f.n = s.n);
SELECT s.rule, s.silent FROM rules.sample s, rules.hints(s.silent, s.rule) h WHERE h.level <> 'info' OR s.silent NOT LIKE '%: allow%' ORDER BY s.n;
-- rules without a sample, but for those that other tests have or that this server cannot have
SELECT rule FROM pgmigrate.lint_rules(), rules.version WHERE rule NOT IN (SELECT rule FROM rules.sample)
	AND major BETWEEN coalesce(since, 0) AND coalesce(until, 99)
	AND rule NOT IN ('assess-timeout', 'away-meanwhile', 'index-in-use', 'invalid-index-left', 'many-locks', 'data-unsure', 'loses-data', 'cascading-delete', 'foreign-table-changed', 'foreign-partition', 'foreign-rows',
		'missing-privilege', 'no-way-back', 'row-security', 'citus-sequential', 'citus-unsupported', 'way-back', 'way-back-refused') ORDER BY rule;
-- hints are SQL, with no gaps, or a sentence
SELECT rule, hint FROM rules.found WHERE hint LIKE '%...%' OR hint !~ '(;|\.)$' AND hint !~ E'\n-- the same for \\d+ more partitions$'
	OR hint ~ 'NULL|null' AND hint !~* 'not null|is null|set null|or null|nulls|null\)' OR hint LIKE '%(null)%' ORDER BY rule;
SELECT rule, count(*) FROM rules.found WHERE hint IS NULL AND rule NOT IN ('trial-fails', 'not-tried') GROUP BY rule ORDER BY rule;
-- what the hints propose raises no alarm of the same rule, but for the index of
-- a partitioned table, which comes when its partitions have theirs
SELECT f.rule, f.hint, h.level FROM rules.found f, rules.hints(f.hint, f.rule) h WHERE f.hint LIKE '%;%' AND h.level = 'danger' AND f.rule <> 'index-on-partitioned' ORDER BY f.n;

-- and the server does it: each hint on a fresh copy; which ones there are
-- depends on the version, so only errors and results of queries are shown
CREATE TABLE rules.part AS
	SELECT f.n, f.rule, p.k, p.sql FROM (SELECT DISTINCT n, rule, hint FROM rules.found WHERE hint LIKE '%;%') f,
	LATERAL regexp_split_to_table(f.hint, '-- in a later revision[^\n]*:\n') WITH ORDINALITY AS p (sql, k)
	-- proposed for what the statement before has made
	WHERE f.rule NOT IN ('validate-same-tx', 'timeout-concurrently') AND p.sql <> '';
CREATE TABLE rules.step AS
	SELECT p.n, p.k, p.rule, x.statement AS i, x.sql FROM rules.part p,
	LATERAL (SELECT DISTINCT l.statement, l.sql FROM pgmigrate.lint(p.sql, trial => false) l) x;
SELECT count(*) > 100 AS many FROM rules.step;
-- each part is a revision without danger when it is its turn; but for these the server has no way that is
SELECT sql FROM (
	SELECT n, 0 AS k, 0 AS i, 'CALL rules.make()' AS sql FROM rules.part GROUP BY n
	UNION ALL SELECT n, k, 0, format('SELECT %L, l.rule, l.message FROM pgmigrate.lint(%L) l WHERE level = ''danger'' AND rule <> ''loses-data''', rule, sql)
	FROM rules.part WHERE rule NOT IN ('mergeable-alters', 'truncate-cascade')
	UNION ALL SELECT n, k, i, sql FROM rules.step) x ORDER BY n, k, i
\set ECHO none
\pset format unaligned
\pset tuples_only on
\gexec
\pset tuples_only off
\pset format aligned
\set ECHO all

-- rules that need more than a statement
CALL rules.make();
INSERT INTO plain SELECT 1 FROM generate_series(1, 2);
CREATE UNIQUE INDEX CONCURRENTLY plain_a ON plain (a);
SELECT rule, message, hint FROM pgmigrate.lint('CREATE UNIQUE INDEX IF NOT EXISTS plain_a ON plain (a)') WHERE rule = 'invalid-index-left';
DROP INDEX plain_a;
SELECT rule FROM pgmigrate.lint('CREATE UNIQUE INDEX IF NOT EXISTS "Order Idx" ON "Order" (code)') WHERE rule = 'invalid-index-left';
BEGIN;
SET LOCAL enable_seqscan = off;
SELECT count(*) FROM "Order" WHERE "select" = 'a';
COMMIT;
SELECT pg_stat_force_next_flush() \gset
SELECT count(*) > 0 AS used FROM pg_stat_user_indexes WHERE indexrelname = 'Order Idx' AND idx_scan > 0;
SELECT rule, regexp_replace(message, '\d+ times.*', 'N times') AS message, hint FROM pgmigrate.lint('DROP INDEX CONCURRENTLY "Order Idx"') WHERE rule = 'index-in-use';
SELECT rule FROM pgmigrate.lint('DROP INDEX CONCURRENTLY order_user') WHERE rule = 'index-in-use';

-- another method by default is that of what a trial makes
SET default_table_access_method = heap2;
SELECT l.rule, l.message FROM pgmigrate.lint($$ALTER TABLE plain ADD method int DEFAULT 1 / (length(current_setting('default_table_access_method')) - length('pgmigrate_trial'))$$) l WHERE l.level = 'danger';
RESET default_table_access_method;

RESET search_path;
DROP SCHEMA "My App", other, rules CASCADE;
SELECT format('DROP SCHEMA %I', current_user) AS drop_mine \gset
:drop_mine;
DROP ACCESS METHOD heap2;
DROP TABLESPACE regress_pgm_rules;
RESET client_min_messages;

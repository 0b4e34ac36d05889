/*
 * Statements carried out online, in place: what is there in the end is what
 * the statement as written makes.  Each kind is run on twins, one plain and
 * one online, empty and with rows.
 */
SET client_min_messages = warning;
DROP EXTENSION IF EXISTS pgmigrate;
CREATE EXTENSION pgmigrate;
-- tables are made anew by hand between the runs
SET pgmigrate.drift_ignore = '%';
SET search_path = tw, public;
SET pgmigrate.online_threshold = 0;
SET pgmigrate.danger_block = 0;

CREATE TABLE public.kinds (
	name text PRIMARY KEY,
	setup text NOT NULL,
	change text NOT NULL
);
CREATE TABLE public.outcome (
	name text,
	many int,
	online bool,
	fingerprint text,
	catalog text,
	strategies text
);

/*
 * What the fingerprint may not tell apart.  Left out is what no command shows
 * and the server itself does not keep alike: whether the key of a partition
 * was to be inherited, and whether its part of a foreign key is validated,
 * which VALIDATE forgets before 18; whether its NOT NULL, a constraint since
 * 18, is local too, which a dump does not keep.
 */
CREATE FUNCTION public.catalog_of(schema text) RETURNS text
LANGUAGE sql SET search_path = pg_catalog AS $$
	SELECT string_agg(line, E'\n' ORDER BY line) FROM (
		SELECT format('%s %s %s', c.relname, c.relkind, c.reloptions)
			|| format(' %s %s', c.relispartition, c.relpersistence) AS line
		FROM pg_class c WHERE c.relnamespace = schema::regnamespace
		UNION ALL SELECT format('%s.%s %s %s %s %s %s', a.attrelid::regclass,
			a.attname, a.attnotnull, a.attislocal, a.attinhcount,
			a.atttypid::regtype, pg_get_expr(d.adbin, d.adrelid))
		FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
		LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid
			AND d.adnum = a.attnum
		WHERE c.relnamespace = schema::regnamespace AND a.attnum > 0
			AND NOT a.attisdropped
		UNION ALL SELECT format('%s %s %s %s %s %s %s %s %s %s', k.conname,
			k.conrelid::regclass, k.convalidated OR k.conparentid <> 0,
			k.condeferrable, k.condeferred, k.conislocal AND NOT
			(k.contype = 'n' AND k.coninhcount > 0 AND (SELECT relispartition
			FROM pg_class WHERE oid = k.conrelid)), k.coninhcount,
			k.connoinherit AND k.contype NOT IN ('p', 'u', 'f'),
			k.conindid::regclass,
			replace(pg_get_constraintdef(k.oid), CASE WHEN k.conparentid <> 0
				THEN ' NOT VALID' ELSE '' END, ''))
		FROM pg_constraint k WHERE k.connamespace = schema::regnamespace
			AND k.conrelid <> 0
		UNION ALL SELECT format('%s %s %s %s %s %s %s %s',
			pg_get_indexdef(i.indexrelid), i.indisunique, i.indisprimary,
			i.indimmediate, i.indisvalid, i.indisready, i.indislive,
			i.indisreplident)
		FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
		WHERE c.relnamespace = schema::regnamespace
		UNION ALL SELECT format('%s < %s', h.inhrelid::regclass,
			h.inhparent::regclass)
		FROM pg_inherits h JOIN pg_class c ON c.oid = h.inhrelid
		WHERE c.relnamespace = schema::regnamespace
	) AS l
$$;

INSERT INTO public.kinds VALUES
('create index', 'one', 'CREATE INDEX ON t (a)'),
('create index, expressions', 'one', $$CREATE INDEX ON t (lower(b), (a + 1), a, (a * 2), a) INCLUDE (c) WITH (fillfactor = 70) WHERE a > 5 -- end$$),
('create index, named', 'one', $$CREATE UNIQUE INDEX "An index" ON t USING btree (a DESC NULLS LAST, b COLLATE "C" text_pattern_ops)$$),
('create index if not exists', 'one', 'CREATE INDEX IF NOT EXISTS new_one ON t (a)'),
('create index that exists', 'one', 'CREATE INDEX IF NOT EXISTS t_c_idx ON t (a)'),
('create index, long names', 'one', 'CREATE INDEX ON "a table with quite a long name, and a blank" ("a column with quite a long name", "another column with a long name")'),
('create index, matview', 'one', 'CREATE INDEX ON m (b)'),
('create index, partitioned', 'parted', 'CREATE INDEX ON t (a, b)'),
('create index, partitioned, one has it', 'parted', 'CREATE INDEX here_already ON t1 (b); CREATE INDEX ON t (b)'),
('create index, partitioned, unique', 'parted', 'CREATE UNIQUE INDEX uu ON t (id, b)'),
('create index, lacks the key', 'parted', 'CREATE UNIQUE INDEX ON t (b)'),
('unique, lacks the key', 'parted', 'ALTER TABLE t ADD UNIQUE (a)'),
('create index only', 'parted', 'CREATE INDEX ON ONLY t (a)'),
('create index, comments', 'one', E'-- first\nCREATE INDEX /* in\nbetween */ ON t -- table\n(a) -- end\n'),
('drop index', 'one', 'DROP INDEX t_c_idx'),
('drop indexes', 'one', 'DROP INDEX IF EXISTS nothing, t_c_idx, tw.t_b_idx'),
('reindex', 'one', 'REINDEX TABLE t; REINDEX INDEX t_c_idx'),
('refresh', 'one', 'REFRESH MATERIALIZED VIEW m'),
('check', 'one', 'ALTER TABLE t ADD CHECK (a > 0)'),
('check, two columns', 'one', 'ALTER TABLE t ADD CHECK (a > 0 OR b IS NULL), ADD CHECK (b <> $$x$$), ADD CONSTRAINT "Named one" CHECK (a > -1) NO INHERIT'),
('check, same names', 'one', 'ALTER TABLE t ADD CHECK (a > 0), ADD CHECK (a > -1), ADD CHECK (a IS NOT NULL)'),
('check, inheritance', 'family', 'ALTER TABLE t ADD CHECK (a > 0)'),
('check, merged', 'family', 'ALTER TABLE t ADD CONSTRAINT same CHECK (b <> $$q$$)'),
('check, partitioned', 'parted', 'ALTER TABLE t ADD CHECK (a > 0)'),
('check, domain', 'one', 'ALTER TABLE t ADD CHECK (d > 0), ALTER d SET NOT NULL'),
('foreign key', 'one', 'ALTER TABLE t ADD FOREIGN KEY (a) REFERENCES p'),
('foreign key, options', 'one', 'ALTER TABLE t ADD CONSTRAINT fk FOREIGN KEY (a, "Q c") REFERENCES tw.p (id, other) MATCH FULL ON UPDATE CASCADE ON DELETE SET NULL DEFERRABLE INITIALLY DEFERRED'),
('foreign key to itself', 'one', 'ALTER TABLE t ADD UNIQUE (id), ADD FOREIGN KEY (a) REFERENCES p (id), ADD FOREIGN KEY (a) REFERENCES p (id)'),
('foreign key of partitions', 'parted', 'ALTER TABLE t ADD FOREIGN KEY (a) REFERENCES ref ON DELETE CASCADE DEFERRABLE'),
('foreign key to partitions', 'parted', 'ALTER TABLE o ADD FOREIGN KEY (t) REFERENCES k'),
('set not null', 'one', 'ALTER TABLE t ALTER a SET NOT NULL, ALTER COLUMN "Q c" SET NOT NULL'),
('set not null, proved', 'one', 'ALTER TABLE t ADD CONSTRAINT x CHECK (a IS NOT NULL); ALTER TABLE t ALTER a SET NOT NULL'),
('set not null, family', 'family', 'ALTER TABLE t ALTER a SET NOT NULL'),
('set not null, partitioned', 'parted', 'ALTER TABLE t ALTER a SET NOT NULL'),
('unique', 'one', 'ALTER TABLE t ADD UNIQUE (a)'),
('unique, options', 'one', 'ALTER TABLE t ADD CONSTRAINT "U u" UNIQUE (a, "Q c") INCLUDE (b) WITH (fillfactor = 80) USING INDEX TABLESPACE pg_default DEFERRABLE INITIALLY DEFERRED'),
('unique, several', 'one', 'ALTER TABLE t ADD UNIQUE (a), ADD UNIQUE ("Q c", a), ADD UNIQUE (b) DEFERRABLE'),
('unique, family', 'family', 'ALTER TABLE t ADD UNIQUE (id, b)'),
('unique, partitioned', 'parted', 'ALTER TABLE t ADD UNIQUE (id, a)'),
('primary key', 'one', 'ALTER TABLE t ADD PRIMARY KEY (id)'),
('primary key, nullable', 'one', 'ALTER TABLE t ADD CONSTRAINT pk PRIMARY KEY (a, "Q c") INCLUDE (b)'),
('primary key, nullable, set', 'one', 'ALTER TABLE t ADD PRIMARY KEY (a), ALTER a SET NOT NULL'),
('primary key, partitioned', 'parted', 'ALTER TABLE t ADD PRIMARY KEY (id, a)'),
('primary key, made anew', 'one', 'ALTER TABLE t ADD PRIMARY KEY (id); ALTER TABLE t DROP CONSTRAINT t_pkey, ADD PRIMARY KEY (id, a)'),
('unique, made anew', 'one', 'ALTER TABLE t ADD CONSTRAINT again UNIQUE (a); ALTER TABLE t ADD CHECK (a > 0), ADD CONSTRAINT again UNIQUE (a, b), DROP CONSTRAINT again'),
('add column, check', 'one', 'ALTER TABLE t ADD COLUMN z int DEFAULT 5 CHECK (z > 1) NOT NULL'),
('add column, references', 'one', 'ALTER TABLE t ADD z int DEFAULT 5 CONSTRAINT zz REFERENCES p ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED NOT NULL, ADD y int REFERENCES p'),
('add column, unique', 'one', 'ALTER TABLE t ADD z int UNIQUE WITH (fillfactor = 90) CHECK (z > a), ADD y int CONSTRAINT yy UNIQUE DEFERRABLE'),
('add column if not exists', 'one', 'ALTER TABLE t ADD COLUMN IF NOT EXISTS a int CHECK (a > 7), ADD COLUMN IF NOT EXISTS n int CHECK (n > 7)'),
('add column and constraint of it', 'one', 'ALTER TABLE t ADD z int DEFAULT 3, ADD y int, ADD CHECK (z > a - 100000), ALTER a SET DEFAULT 4, ADD x int'),
('several kinds', 'one', E'ALTER TABLE t -- a comment\n ADD PRIMARY KEY (id), -- another\n ADD CHECK (a > 0), DROP COLUMN c, ADD FOREIGN KEY (a) REFERENCES p, ALTER b SET NOT NULL -- the last\n'),
('one makes what another drops', 'one', 'ALTER TABLE t DROP CONSTRAINT old, ADD CONSTRAINT old CHECK (a > 1)'),
('attach', 'parted', 'ALTER TABLE t ATTACH PARTITION loose FOR VALUES FROM (5000) TO (6000)'),
('attach, list', 'lists', $$ALTER TABLE t ATTACH PARTITION loose FOR VALUES IN ('x', 'y', NULL)$$),
('detach', 'lists', 'ALTER TABLE t DETACH PARTITION t_a'),
('detach beside a default', 'parted', 'ALTER TABLE t DETACH PARTITION t1'),
('exclusion', 'one', 'ALTER TABLE t ADD EXCLUDE USING btree (a WITH =)'),
('only', 'family', 'ALTER TABLE ONLY t ADD CHECK (a > 0) NO INHERIT'),
('only, a key of a partitioned table', 'parted', 'ALTER TABLE ONLY t ADD UNIQUE (id, a)'),
('keys that partitions have', 'parted', 'ALTER TABLE t1 ADD CONSTRAINT own PRIMARY KEY (id); ALTER TABLE t22 ADD UNIQUE (id, a); ALTER TABLE t21 ADD FOREIGN KEY (a) REFERENCES ref; ALTER TABLE t ADD PRIMARY KEY (id), ADD UNIQUE (id, a), ADD FOREIGN KEY (a) REFERENCES ref'),
('keys of partitions with long names', 'parted', 'ALTER TABLE t1 RENAME TO a_name_of_which_the_server_cuts_off_what_is_different_in_it1; ALTER TABLE t22 RENAME TO a_name_of_which_the_server_cuts_off_what_is_different_in_it2; CREATE INDEX ON t (b, a); ALTER TABLE t ADD UNIQUE (id, a)'),
('key, and reference to it', 'one', 'ALTER TABLE t ADD PRIMARY KEY (id), ADD FOREIGN KEY (a) REFERENCES t'),
('add columns, some are filled', 'one', 'CREATE SEQUENCE s; ALTER TABLE t ADD z int, ADD y int CHECK (y > 0), ADD x serial, ADD w bigserial PRIMARY KEY, ADD v int DEFAULT nextval($$s$$), ADD u int'),
('add columns, some are filled, partitioned', 'parted', 'CREATE SEQUENCE s; ALTER TABLE t ADD z int, ADD y int CHECK (y > 0), ADD x serial, ADD v bigint NOT NULL DEFAULT nextval($$s$$), ADD UNIQUE (id, v)'),
('checks of rows and of one column', 'one', 'ALTER TABLE t ADD CHECK (t IS NOT NULL), ADD CHECK (t.a > 0), ADD CHECK (tableoid > 0::oid)'),
('add serial, unlogged', 'one', 'ALTER TABLE t SET UNLOGGED; ALTER TABLE t ADD x bigserial, ADD w int GENERATED ALWAYS AS IDENTITY'),
('add serial, of another role', 'one', 'GRANT USAGE ON SCHEMA tw TO pg_monitor; ALTER TABLE t OWNER TO pg_monitor; ALTER TABLE t ADD x bigserial, ADD w int GENERATED BY DEFAULT AS IDENTITY'),
('add column, a domain without nulls', 'one', 'CREATE SEQUENCE s; CREATE DOMAIN full_one AS int NOT NULL; ALTER TABLE t ADD z full_one DEFAULT nextval($$s$$)');

CREATE FUNCTION public.setup(kind text, many int) RETURNS text
LANGUAGE sql AS $$
SELECT 'DROP SCHEMA IF EXISTS tw CASCADE; CREATE SCHEMA tw; SET LOCAL search_path = tw;' ||
CASE kind WHEN 'one' THEN '
CREATE DOMAIN dom AS int CHECK (VALUE <> -5);
CREATE TABLE p (id int PRIMARY KEY, other int, UNIQUE (id, other));
INSERT INTO p SELECT g, g FROM generate_series(1, 1000) g;
CREATE TABLE t (id int NOT NULL, a int, b text, c int, "Q c" int, d dom, CONSTRAINT old CHECK (a > -9));
INSERT INTO t SELECT g, g, ''b'' || g, g, g, g FROM generate_series(1, MANY) g;
CREATE INDEX t_c_idx ON t (c);
CREATE INDEX t_b_idx ON t (b);
CREATE TABLE "a table with quite a long name, and a blank" ("a column with quite a long name" int, "another column with a long name" int);
CREATE MATERIALIZED VIEW m AS SELECT id, a, b FROM t;
CREATE UNIQUE INDEX ON m (id);
' WHEN 'family' THEN '
CREATE TABLE t (id int NOT NULL, a int, b text);
CREATE TABLE t1 (more int, CONSTRAINT same CHECK (b <> ''q'')) INHERITS (t);
CREATE TABLE t2 (a int, extra text) INHERITS (t1);
INSERT INTO t SELECT g, g, ''b'' || g FROM generate_series(1, MANY) g;
INSERT INTO t1 SELECT g, g, ''b'' || g FROM generate_series(1, MANY) g;
INSERT INTO t2 SELECT g, g, ''b'' || g FROM generate_series(1, MANY) g;
' WHEN 'parted' THEN '
CREATE TABLE t (id int NOT NULL, a int, b text) PARTITION BY RANGE (id);
CREATE TABLE t1 (b text, a int, id int NOT NULL);
ALTER TABLE t ATTACH PARTITION t1 FOR VALUES FROM (0) TO (500);
CREATE TABLE t2 PARTITION OF t FOR VALUES FROM (500) TO (1500) PARTITION BY RANGE (id);
CREATE TABLE t21 PARTITION OF t2 FOR VALUES FROM (500) TO (800);
CREATE TABLE t22 PARTITION OF t2 FOR VALUES FROM (800) TO (1500);
CREATE TABLE rest PARTITION OF t DEFAULT;
INSERT INTO t SELECT g, g, ''b'' || g FROM generate_series(1, MANY) g;
INSERT INTO t SELECT g, g, ''b'' || g FROM generate_series(4000, 4000 + MANY / 10) g;
CREATE TABLE loose (id int NOT NULL, a int, b text);
INSERT INTO loose SELECT g, g, ''b'' || g FROM generate_series(5000, 5000 + MANY / 10) g;
CREATE TABLE k (id int PRIMARY KEY) PARTITION BY HASH (id);
CREATE TABLE k1 PARTITION OF k FOR VALUES WITH (MODULUS 2, REMAINDER 0);
CREATE TABLE k2 PARTITION OF k FOR VALUES WITH (MODULUS 2, REMAINDER 1);
INSERT INTO k SELECT generate_series(1, 1000);
CREATE TABLE ref (id int PRIMARY KEY);
INSERT INTO ref SELECT generate_series(1, 5000);
CREATE TABLE o (t int);
INSERT INTO o SELECT generate_series(1, MANY);
' ELSE '
CREATE TABLE t (id int, l text) PARTITION BY LIST (l);
CREATE TABLE t_a PARTITION OF t FOR VALUES IN (''a'', ''b'');
CREATE TABLE loose (l text, id int);
INSERT INTO t SELECT g, ''a'' FROM generate_series(1, MANY) g;
INSERT INTO loose SELECT ''x'', g FROM generate_series(1, MANY) g;
' END
$$;

/* The statements that compare one kind; each is run by itself. */
\pset tuples_only on
SELECT trim(both E'\n' FROM s) FROM public.kinds k, unnest(ARRAY[0, 1000]) AS many,
LATERAL (SELECT 'k' || many || '_' || (SELECT count(*) FROM public.kinds o WHERE o.name <= k.name COLLATE "C")) AS r (id),
LATERAL (VALUES
	(1, format('DO $do$ BEGIN EXECUTE replace(public.setup(%L, %s), %L, %L); END $do$', k.setup, many, 'MANY', many)),
	(2, format('DO $do$ BEGIN EXECUTE %L; END $do$', k.change)),
	(3, format('INSERT INTO public.outcome SELECT %L, %s, false, pgmigrate.fingerprint(ARRAY[%L]), public.catalog_of(%L)', k.name, many, 'tw', 'tw')),
	(4, format('DO $do$ BEGIN EXECUTE replace(public.setup(%L, %s), %L, %L); END $do$', k.setup, many, 'MANY', many)),
	(5, format('DO $do$ BEGIN PERFORM pgmigrate.revision(%L, %L, id => %L, down_revision => %L); END $do$', k.name, k.change, r.id, '{}')),
	(6, format('SELECT FROM pgmigrate.upgrade(%L)', r.id)),
	(7, format('INSERT INTO public.outcome SELECT %L, %s, true, pgmigrate.fingerprint(ARRAY[%L]), public.catalog_of(%L), (SELECT string_agg(strategy || CASE WHEN state <> %L THEN %L || state ELSE %L END, %L ORDER BY operation) FROM pgmigrate.operations WHERE revision = %L)', k.name, many, 'tw', 'tw', 'finalized', ' ', '', '; ', r.id))
) AS w (n, s)
ORDER BY many, k.name COLLATE "C", n
\set ECHO none
\gexec
\set ECHO all
\pset tuples_only off
SELECT p.name, p.many, p.fingerprint = o.fingerprint AND p.catalog = o.catalog AS same, o.strategies
FROM public.outcome p JOIN public.outcome o USING (name, many)
WHERE o.online AND NOT p.online ORDER BY p.many, p.name COLLATE "C";

/* ---- a statement that fails leaves nothing */

SET client_min_messages = notice;
CREATE SCHEMA IF NOT EXISTS tw;
CREATE TABLE tw.f (id int, a int, b int);
INSERT INTO tw.f VALUES (1, 1, 1), (2, 1, NULL), (3, -1, 999);
CREATE TABLE tw.g (id int PRIMARY KEY);
INSERT INTO tw.g VALUES (1);
SELECT public.catalog_of('tw') AS before \gset
\set VERBOSITY terse
SELECT pgmigrate.revision('check', 'ALTER TABLE f ADD CHECK (id > 0), ADD CHECK (a > 0), ADD COLUMN z int UNIQUE', id => 'fails1', down_revision => '{}');
SELECT state FROM pgmigrate.upgrade('fails1');
SELECT pgmigrate.revision('key', 'ALTER TABLE f ADD CHECK (id > 0), ADD UNIQUE (id), ADD UNIQUE (a)', id => 'fails2', down_revision => '{}');
SELECT state FROM pgmigrate.upgrade('fails2');
SET client_min_messages = warning;
SELECT pgmigrate.revision('nulls', E'\n\nALTER TABLE f ADD PRIMARY KEY (b)', id => 'fails3', down_revision => '{}');
\set VERBOSITY default
SELECT state FROM pgmigrate.upgrade('fails3');
\set VERBOSITY terse
SET client_min_messages = notice;
SELECT pgmigrate.revision('foreign key', 'ALTER TABLE f ADD FOREIGN KEY (b) REFERENCES g', id => 'fails4', down_revision => '{}');
SELECT state FROM pgmigrate.upgrade('fails4');
SELECT pgmigrate.revision('index', 'CREATE UNIQUE INDEX ON f (a)', id => 'fails5', down_revision => '{}');
SELECT state FROM pgmigrate.upgrade('fails5');
SELECT pgmigrate.revision('no such column', 'CREATE INDEX ON f (nothing)', id => 'fails6', down_revision => '{}');
SELECT state FROM pgmigrate.upgrade('fails6');
SELECT public.catalog_of('tw') = :'before' AS as_before;
-- nor does one of several tables or indexes
CREATE TABLE tw.l (id int, a int) PARTITION BY RANGE (id);
CREATE TABLE tw.l1 PARTITION OF tw.l FOR VALUES FROM (0) TO (5);
CREATE TABLE tw.l2 PARTITION OF tw.l DEFAULT;
INSERT INTO tw.l VALUES (1, 1), (7, 1), (7, 2), (12, 3);
CREATE TABLE tw.l3 (LIKE tw.l);
CREATE UNIQUE INDEX ga ON tw.f (id);
CREATE INDEX gb ON tw.f (a);
CREATE TABLE tw.o (f int REFERENCES tw.f (id));
SELECT public.catalog_of('tw') AS before \gset
SET client_min_messages = warning;
SELECT pgmigrate.revision('keys', 'ALTER TABLE l ADD PRIMARY KEY (id)', id => 'fails7', down_revision => '{}');
SELECT state FROM pgmigrate.upgrade('fails7');
SELECT pgmigrate.revision('rest', 'ALTER TABLE l ATTACH PARTITION l3 FOR VALUES FROM (10) TO (20)', id => 'fails8', down_revision => '{}');
SELECT state FROM pgmigrate.upgrade('fails8');
INSERT INTO tw.l3 VALUES (99);
DELETE FROM tw.l WHERE id = 12;
SELECT state FROM pgmigrate.upgrade('fails8');
SELECT pgmigrate.revision('indexes', 'DROP INDEX gb, ga', id => 'fails9', down_revision => '{}');
SELECT state FROM pgmigrate.upgrade('fails9');
SELECT pgmigrate.revision('name', 'ALTER TABLE o ADD CONSTRAINT o_f_fkey UNIQUE (f)', id => 'fails10', down_revision => '{}');
SELECT state FROM pgmigrate.upgrade('fails10');
SET client_min_messages = notice;
SELECT public.catalog_of('tw') = :'before' AS as_before;
DROP TABLE o;
SELECT revision, statement, relation, strategy, method, state, done, total, unit FROM pgmigrate.operations WHERE revision LIKE 'fails%' ORDER BY operation;
-- what is done before it stays, and the next run begins the statement anew
UPDATE f SET a = id, b = 1;
SELECT state FROM pgmigrate.upgrade('fails2');
SELECT state FROM pgmigrate.upgrade('fails4');
SELECT revision, state, done FROM pgmigrate.operations WHERE revision IN ('fails2', 'fails4') ORDER BY operation;

-- a helper's name is none that the statement gives; 18 has no helper, and that name itself
\set given n_a_not_null
SELECT current_setting('server_version_num')::int >= 180000 AS has_no_helper \gset
\if :has_no_helper
\set given n_given
\endif
CREATE TABLE n (a int);
SELECT pgmigrate.revision('names', format('ALTER TABLE n ALTER a SET NOT NULL, ADD CONSTRAINT %I CHECK (a > 0)', :'given'), id => 'names', down_revision => '{}');
SET client_min_messages = warning;
SELECT state FROM pgmigrate.upgrade('names');
SET client_min_messages = notice;
SELECT conname = :'given' AS given FROM pg_constraint WHERE conrelid = 'n'::regclass AND contype = 'c';
DROP TABLE n;
-- of partitions one after the other, which no block may have as it is written
CREATE TABLE n (a int) PARTITION BY LIST (a);
CREATE TABLE n1 PARTITION OF n FOR VALUES IN (1);
CREATE TABLE n2 PARTITION OF n DEFAULT PARTITION BY LIST (a);
CREATE TABLE "n.2" PARTITION OF n2 DEFAULT;
INSERT INTO n VALUES (1), (2);
CREATE INDEX n_a ON n (a);
SELECT pgmigrate.revision('reindex', 'REINDEX INDEX n_a; REINDEX TABLE n2', id => 'reindex', down_revision => '{}');
-- those of others are rebuilt by who may rebuild the parent, if as it is written
CREATE ROLE regress_in_place;
SELECT count(*) > 0 AS granted FROM pgmigrate.grant_access('regress_in_place', 'viewer');
GRANT USAGE ON SCHEMA tw TO regress_in_place;
ALTER TABLE n OWNER TO regress_in_place;
ALTER TABLE n2 OWNER TO regress_in_place;
ALTER TABLE "n.2" OWNER TO regress_in_place;
SET ROLE regress_in_place;
SELECT statement, strategy FROM pgmigrate.plan('reindex');
RESET ROLE;
SELECT state FROM pgmigrate.upgrade('reindex');
SELECT strategy, state, done, total FROM pgmigrate.operations WHERE revision = 'reindex' ORDER BY statement;
SELECT count(*) FROM pg_index i JOIN pg_class c ON c.oid = i.indrelid WHERE c.relname LIKE 'n%' AND c.relnamespace = 'tw'::regnamespace AND indisvalid;
DROP TABLE n;
DROP OWNED BY regress_in_place;
DROP ROLE regress_in_place;

-- no room for the sort of an index: it is gone on with, and not said to run as written
CREATE TABLE n AS SELECT g AS id, md5(g::text) AS a FROM generate_series(1, 40000) g;
SELECT pgmigrate.revision('room', 'CREATE INDEX n_i ON n (a)', id => 'room', down_revision => '{}');
SET maintenance_work_mem = '1MB';
SET temp_file_limit = '64kB';
\set VERBOSITY sqlstate
SELECT state FROM pgmigrate.upgrade('room');
\set VERBOSITY default
RESET temp_file_limit;
SELECT indisvalid FROM pg_index WHERE indrelid = 'n'::regclass;
SELECT state FROM pgmigrate.upgrade('room');
RESET maintenance_work_mem;
SELECT indisvalid FROM pg_index WHERE indrelid = 'n'::regclass;
DROP TABLE n;

-- a step is not done that a deferred trigger refuses at its end
CREATE TABLE n (a int);
CREATE TABLE seen (tag text);
CREATE TABLE refused AS SELECT false AS valid;
CREATE FUNCTION see() RETURNS event_trigger LANGUAGE plpgsql AS $$
BEGIN INSERT INTO tw.seen VALUES (tg_tag); END $$;
CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	IF EXISTS (SELECT FROM pg_constraint, tw.refused WHERE conrelid = 'tw.n'::regclass AND contype = 'c' AND convalidated = valid) THEN
		RAISE 'refused';
	END IF;
	RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER refuse AFTER INSERT ON seen DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION refuse();
CREATE EVENT TRIGGER tw_see ON ddl_command_end WHEN TAG IN ('ALTER TABLE') EXECUTE FUNCTION see();
SELECT pgmigrate.revision('late', 'ALTER TABLE n ADD CHECK (a > 0)', id => 'late', down_revision => '{}');
\set VERBOSITY default
SELECT state FROM pgmigrate.upgrade('late');
UPDATE refused SET valid = true;
SELECT state FROM pgmigrate.upgrade('late');
\set VERBOSITY terse
DROP EVENT TRIGGER tw_see;
SELECT state, done, total FROM pgmigrate.operations WHERE revision = 'late' ORDER BY operation;
DROP TABLE n, seen, refused;
DROP FUNCTION see, refuse;

/* ---- when: what the plan, the assessment and the gate say */

CREATE TABLE h (id int, a int);
INSERT INTO h SELECT g, g FROM generate_series(1, 10) g;
SELECT pgmigrate.revision('marks', $$
CREATE INDEX ON h (a);
-- pgmigrate: plain because it is small
CREATE INDEX ON h (id);
CREATE TABLE i (a int);
CREATE INDEX ON i (a);
ALTER TABLE h ADD CHECK (a > 0);
$$, id => 'marks', down_revision => '{}');
SELECT statement, strategy, locks, hazards FROM pgmigrate.plan('marks');
SELECT statement, rule, level, lock_mode, strategy, hint FROM pgmigrate.assess('marks') WHERE rule IN ('lock', 'create-index', 'check-inline') ORDER BY statement, rule DESC, level;
RESET pgmigrate.online_threshold;
SELECT statement, strategy, hazards FROM pgmigrate.plan('marks');
SELECT pgmigrate.amend('marks', upgrade => $$
-- pgmigrate: online
CREATE INDEX ON h (a);
CREATE INDEX ON h (id);
$$);
SELECT statement, strategy, hazards FROM pgmigrate.plan('marks');
SET pgmigrate.online_threshold = 0;
SET pgmigrate.online = off;
SELECT statement, strategy, hazards FROM pgmigrate.plan('marks');
SET pgmigrate.environment = production;
SELECT state FROM pgmigrate.upgrade('marks');
SET pgmigrate.online = on;
-- in the caller's transaction nothing is online
BEGIN;
SELECT state FROM pgmigrate.upgrade('marks');
ROLLBACK;
SELECT state FROM pgmigrate.upgrade('marks');
RESET pgmigrate.environment;
SELECT strategy, state FROM pgmigrate.operations WHERE revision = 'marks' ORDER BY operation;
-- nor in a revision that is to be one transaction, or needs to be
SELECT pgmigrate.revision('one transaction', 'ALTER TABLE h ADD CHECK (a > -1)', transactional => true, id => 'whole', down_revision => '{}');
SELECT pgmigrate.revision('locked', 'LOCK TABLE h; ALTER TABLE h ADD CHECK (a > -2)', id => 'locked', down_revision => '{}');
SELECT revision, strategy, hazards FROM pgmigrate.plan('whole') UNION ALL SELECT revision, strategy, hazards FROM pgmigrate.plan('locked');
SELECT state FROM pgmigrate.upgrade('whole');
SELECT state FROM pgmigrate.upgrade('locked');
SELECT count(*) FROM pgmigrate.operations WHERE revision IN ('whole', 'locked');
-- why there is no way is said by the plan, and by the run
CREATE TABLE keyless (a int, r int4range);
SELECT pgmigrate.revision('no way', $$
ALTER TABLE keyless ADD b int GENERATED ALWAYS AS (a * 2) STORED;
ALTER TABLE keyless ADD EXCLUDE USING gist (r WITH &&);
ALTER TABLE keyless SET UNLOGGED;
ALTER TABLE keyless SET UNLOGGED, ALTER a SET DEFAULT 1;
UPDATE keyless SET a = a + 1;
ALTER TABLE keyless ALTER a SET DEFAULT 2;
$$, id => 'none', down_revision => '{}');
SELECT statement, strategy, hazards FROM pgmigrate.plan('none');
SET pgmigrate.online_threshold = '1 h';
SELECT count(*) FROM pgmigrate.plan('none'), unnest(hazards) AS h WHERE h ~ '^plain';
SET pgmigrate.online_threshold = 0;
SELECT state FROM pgmigrate.upgrade('none');
-- a script is run by psql, as written
SELECT pgmigrate.revision('scripted', 'CREATE INDEX ON h (a, id)', id => 'scripted', down_revision => '{}');
SELECT line FROM pgmigrate.script('scripted') AS line WHERE line LIKE '%INDEX%' OR line LIKE '-- as%';
SET pgmigrate.online_method = other;

SET client_min_messages = warning;
DROP SCHEMA tw CASCADE;
DROP TABLE public.kinds, public.outcome;
DROP FUNCTION public.setup, public.catalog_of;
DROP EXTENSION pgmigrate;

-- A rehearsal with a sample of rows: what a revision fails on in the rows is
-- found before it is run.
CREATE DATABASE regress_reh_rows;
\c regress_reh_rows
SET client_min_messages = warning;
CREATE EXTENSION pgmigrate;
CREATE ROLE regress_rr_owner;
CREATE ROLE regress_rr_author CREATEDB LOGIN;
SELECT count(*) > 0 AS granted FROM pgmigrate.grant_access('regress_rr_author', 'author');
\pset format unaligned
SELECT pgmigrate.revision('tables', $$
CREATE TYPE public.mood AS ENUM ('ok', 'so so');
CREATE DOMAIN public.pos AS int CHECK (VALUE > 0);
CREATE TABLE public.country (code char(2) PRIMARY KEY, name text);
INSERT INTO public.country VALUES ('zz', 'of the history');
CREATE TABLE public."per son" (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, country char(2) NOT NULL REFERENCES public.country,
	gone int, boss bigint REFERENCES public."per son", "Na""me" text, m public.mood[], n public.pos, f float8, b bytea, at timestamptz,
	twice int GENERATED ALWAYS AS (2 * 3) STORED, j jsonb);
ALTER TABLE public."per son" DROP gone;
CREATE INDEX ON public."per son" (lower("Na""me"));
CREATE TABLE public.p (id int, y int, person bigint REFERENCES public."per son", PRIMARY KEY (id, y)) PARTITION BY RANGE (y);
CREATE TABLE public.p1 PARTITION OF public.p FOR VALUES FROM (0) TO (10);
CREATE TABLE public.p2 PARTITION OF public.p FOR VALUES FROM (10) TO (20);
CREATE TABLE public.line (id serial PRIMARY KEY, p int, y int, t text, FOREIGN KEY (p, y) REFERENCES public.p);
CREATE TABLE public.loose (c char(2));
ALTER TABLE public.loose ADD CONSTRAINT loose_fk FOREIGN KEY (c) REFERENCES public.country NOT VALID;
CREATE TABLE public.none ();
CREATE TABLE public.secret (id int PRIMARY KEY, person bigint REFERENCES public."per son");
CREATE TABLE public.of_secret (secret int REFERENCES public.secret);
CREATE TABLE public.owned (id int, tenant text);
CREATE FUNCTION public.only_owner(int) RETURNS int LANGUAGE plpgsql IMMUTABLE AS
	'BEGIN IF current_user <> ''regress_rr_owner'' THEN RAISE EXCEPTION ''run as %'', current_user; END IF; RETURN $1; END';
CREATE INDEX ON public.owned (public.only_owner(id));
ALTER TABLE public.owned OWNER TO regress_rr_owner;
CREATE FUNCTION public.boom() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RAISE EXCEPTION ''fired''; END'$$,
	$$DROP TABLE public.owned, public.of_secret, public.secret, public.none, public.loose, public.line, public.p, public."per son", public.country;
DROP FUNCTION public.boom(), public.only_owner(int); DROP TYPE public.mood; DROP DOMAIN public.pos$$, id => 'tables') AS id;
SELECT state FROM pgmigrate.upgrade();
INSERT INTO country SELECT chr(65 + i / 26) || chr(65 + i % 26), 'c' || i FROM generate_series(0, 499) i;
INSERT INTO "per son" (country, boss, "Na""me", m, n, f, b, at, j)
SELECT chr(65 + i % 500 / 26) || chr(65 + i % 500 % 26), nullif(i / 2, 0), E'it''s "' || i || E'"\n\\', ARRAY['so so', NULL]::mood[], i, i / 3.0::float8, '\x00ff', '2026-01-01 12:00:00.123456+05', '{"a": [1, null]}'
FROM generate_series(1, 1000) i;
INSERT INTO p SELECT i, i % 20, i FROM generate_series(1, 1000) i;
INSERT INTO line (p, y, t) SELECT i, i % 20, CASE WHEN i % 10 = 0 THEN 'same' ELSE i::text END FROM generate_series(1, 1000) i;
INSERT INTO none DEFAULT VALUES;
INSERT INTO secret SELECT i, i FROM generate_series(1, 20) i;
INSERT INTO of_secret SELECT i FROM generate_series(1, 20) i;
SET ROLE regress_rr_owner;
INSERT INTO owned SELECT i, CASE WHEN i % 2 = 0 THEN 'regress_rr_author' ELSE 'other' END FROM generate_series(1, 40) i;
RESET ROLE;
-- a row without its parent, as one of before the constraint
SET session_replication_role = replica;
INSERT INTO loose VALUES ('??');
RESET session_replication_role;

-- a table that is not larger is copied whole, byte by byte
SET extra_float_digits = 0;
SET datestyle = 'German, DMY';
SELECT md5(string_agg(t::text, '|' ORDER BY id)) AS persons FROM "per son" t \gset
SELECT md5(string_agg(t::text, '|' ORDER BY code)) AS countries FROM country t \gset
SELECT pgmigrate.revision('whole', 'SELECT 1', '', id => 'whole', verify => format($$
	SELECT md5(string_agg(t::text, '|' ORDER BY id)) = %L AS persons FROM public."per son" t;
	SELECT md5(string_agg(t::text, '|' ORDER BY code)) = %L AS countries FROM public.country t;
	SELECT count(*) = 1 AS none FROM public.none;
	SELECT count(*) = 1 AS loose FROM public.loose;
	SELECT (SELECT count(*) FROM public.p1) = 500 AS p1, (SELECT count(*) FROM public.p2) = 500 AS p2$$, :'persons', :'countries')) AS id;
SELECT step, state, ok, detail FROM pgmigrate.rehearse(rows => 1000);
RESET datestyle;
RESET extra_float_digits;

-- of larger ones some rows, and no reference leads to nowhere
SELECT pgmigrate.amend('whole', verify => $$
	SELECT (SELECT count(*) FROM public."per son") BETWEEN 10 AND 400 AS some_persons;
	SELECT (SELECT count(*) FROM public.line) = 10 AS lines;
	SELECT count(*) = 0 AS bosses FROM public."per son" x WHERE NOT EXISTS (SELECT FROM public."per son" y WHERE y.id = x.boss) AND x.boss IS NOT NULL;
	SELECT count(*) = 0 AS countries FROM public."per son" x WHERE NOT EXISTS (SELECT FROM public.country y WHERE y.code = x.country);
	SELECT count(*) = 0 AS persons FROM public.p x WHERE NOT EXISTS (SELECT FROM public."per son" y WHERE y.id = x.person);
	SELECT count(*) = 0 AS lines FROM public.line x WHERE NOT EXISTS (SELECT FROM public.p y WHERE (y.id, y.y) = (x.p, x.y));
	SELECT count(*) = 1 AS index FROM (SELECT FROM public."per son" WHERE id = (SELECT max(boss) FROM public."per son") OFFSET 0) i$$);
SELECT step, state, ok, CASE WHEN step > 0 THEN detail END AS detail FROM pgmigrate.rehearse(rows => 10);
-- without it there are none but those of the history
SELECT step, state, ok, left(detail, 90) AS detail FROM pgmigrate.rehearse() WHERE step = 1;

-- sequences go on, triggers have not fired and are as they were
CREATE TRIGGER tr BEFORE INSERT ON line FOR EACH ROW EXECUTE FUNCTION boom();
SELECT pgmigrate.amend('whole', upgrade => $$
	INSERT INTO public."per son" (country, n) SELECT code, 1 FROM public.country LIMIT 1;
	DO 'BEGIN INSERT INTO public.line (t) VALUES (''x''); EXCEPTION WHEN raise_exception THEN NULL; END'$$,
	downgrade => 'DELETE FROM public."per son" WHERE id > 1000', verify => 'SELECT max(id) > 1000 AS ok FROM public."per son"');
SELECT step, direction, state, ok FROM pgmigrate.rehearse(rows => 30);
DROP TRIGGER tr ON line;

-- what a revision fails on
SELECT pgmigrate.amend('whole', verify => 'SELECT true AS ok', upgrade => $$DO $d$
DECLARE
	failures text;
	command text;
BEGIN
	FOREACH command IN ARRAY ARRAY['ALTER TABLE public.loose VALIDATE CONSTRAINT loose_fk', 'ALTER TABLE public."per son" ALTER boss SET NOT NULL',
		'CREATE UNIQUE INDEX line_t ON public.line (t)', 'ALTER TABLE public.line ADD CHECK (t <> ''same'')',
		'ALTER TABLE public.line ADD must int NOT NULL', 'ALTER TABLE public.line ALTER t TYPE int USING t::int',
		'CREATE UNIQUE INDEX line_p ON public.line (p)'] LOOP
		BEGIN
			EXECUTE command;
		EXCEPTION WHEN OTHERS THEN
			failures := concat_ws(E'\n', failures, SQLERRM);
		END;
	END LOOP;
	RAISE EXCEPTION '%', failures;
END $d$ $$);
SELECT state, detail FROM pgmigrate.rehearse(rows => 1000) WHERE step = 1;

-- bad input
SELECT * FROM pgmigrate.rehearse(rows => 0);
SELECT * FROM pgmigrate.rehearse(rows => -1);
SELECT * FROM pgmigrate.rehearse(rows => 100001);
UPDATE line SET t = repeat(t || 'x', 100000);
SELECT * FROM pgmigrate.rehearse(rows => 1000);
SELECT datname FROM pg_database WHERE datname LIKE 'pgmigrate%';

-- whose rows: those that he may read
CREATE DATABASE regress_reh_rows2 OWNER regress_rr_author;
\c regress_reh_rows2
SET client_min_messages = warning;
CREATE EXTENSION pgmigrate;
SELECT count(*) > 0 AS granted FROM pgmigrate.grant_access('regress_rr_author', 'operator');
SET ROLE regress_rr_author;
SELECT pgmigrate.revision('tables', $$
CREATE TABLE public.tenant (id int PRIMARY KEY, name text);
ALTER TABLE public.tenant ENABLE ROW LEVEL SECURITY;
ALTER TABLE public.tenant FORCE ROW LEVEL SECURITY;
CREATE POLICY own ON public.tenant USING (name = 'ours');
CREATE TABLE public.bill (id int PRIMARY KEY, tenant int REFERENCES public.tenant);
CREATE TABLE public.secret (id int PRIMARY KEY);
REVOKE SELECT ON public.secret FROM regress_rr_author;
CREATE TABLE public.of_secret (id int PRIMARY KEY, secret int REFERENCES public.secret);
CREATE TABLE public.of_of_secret (of_secret int REFERENCES public.of_secret)$$,
	'DROP TABLE public.of_of_secret, public.of_secret, public.secret, public.bill, public.tenant', id => 'tables') AS id;
SELECT state FROM pgmigrate.upgrade();
RESET ROLE;
INSERT INTO tenant SELECT i, CASE WHEN i % 4 = 0 THEN 'ours' ELSE 'theirs' END FROM generate_series(1, 20) i;
INSERT INTO bill SELECT i, i FROM generate_series(1, 20) i;
INSERT INTO bill VALUES (21, NULL);
INSERT INTO secret SELECT generate_series(1, 20);
SET session_replication_role = replica;
INSERT INTO of_secret SELECT i, nullif(i, 1) FROM generate_series(1, 20) i;
INSERT INTO of_of_secret SELECT generate_series(1, 20);
RESET session_replication_role;
SET ROLE regress_rr_author;
SELECT pgmigrate.revision('look', $$
ALTER TABLE public.tenant NO FORCE ROW LEVEL SECURITY;
GRANT SELECT ON public.secret TO regress_rr_author$$, $$
REVOKE SELECT ON public.secret FROM regress_rr_author;
ALTER TABLE public.tenant FORCE ROW LEVEL SECURITY$$, id => 'look', verify => $$
SELECT count(*) = 5 AS tenants FROM public.tenant;
SELECT count(*) = 6 AS bills FROM public.bill;
SELECT count(*) = 0 AS secrets FROM public.secret;
SELECT count(*) = 1 AS of_secret FROM public.of_secret;
SELECT count(*) = 1 AS of_of_secret FROM public.of_of_secret$$) AS id;
-- what others watch is not run with rights that he does not have
SELECT pgmigrate.watch('mine', 'SELECT count(*) FROM public.tenant') > 0 AS watched;
RESET ROLE;
SELECT pgmigrate.watch('of others', 'SELECT count(*) FROM public.tenant') > 0 AS watched;
SET ROLE regress_rr_author;
SELECT step, state, ok, detail FROM pgmigrate.rehearse(rows => 100);
RESET ROLE;
SELECT queries #>> '{0,name}' AS name, queries #>> '{0,state}' AS state, jsonb_array_length(queries) AS n FROM pgmigrate.rehearsal;

-- nor is what is in the definition of a table
SET ROLE regress_rr_author;
CREATE FUNCTION public.one(int) RETURNS int LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN IF current_user = session_user AND current_database() = 'regress_reh_rows2' THEN RAISE WARNING 'caught'; END IF; RETURN 1; END $$;
CREATE TABLE public.partly (id int);
CREATE INDEX ON public.partly (id) WHERE one(1) = 1;
INSERT INTO public.partly VALUES (1);
RESET ROLE;
SELECT pgmigrate.approve('tables') AS a, pgmigrate.approve('look') AS b;
SELECT regexp_replace(detail, '.*\n', '') AS detail FROM pgmigrate.rehearse(rows => 100) WHERE step = 0;

-- watched queries, executed before and after each revision
CREATE DATABASE regress_reh_queries;
\c regress_reh_queries
SET client_min_messages = warning;
CREATE EXTENSION pgmigrate;
\pset format unaligned
SELECT pgmigrate.revision('orders', $$
CREATE TABLE public.orders (id int PRIMARY KEY, customer int, note text);
CREATE INDEX orders_customer ON public.orders (customer);
CREATE TABLE public.noted (i int);
CREATE FUNCTION public.noting(int) RETURNS int LANGUAGE plpgsql AS 'BEGIN INSERT INTO public.noted VALUES (1); RETURN $1; END';
CREATE FUNCTION public.slow() RETURNS int LANGUAGE plpgsql AS 'BEGIN PERFORM pg_sleep(60); RETURN 1; END'$$,
	'DROP FUNCTION public.slow(), public.noting(int); DROP TABLE public.noted, public.orders', id => 'orders') AS id;
SELECT state FROM pgmigrate.upgrade();
INSERT INTO orders SELECT i, i % 500, repeat('x', 200) FROM generate_series(1, 5000) i;
ANALYZE orders;
CREATE ROLE regress_rr_watcher;
SELECT count(*) > 0 AS granted FROM pgmigrate.grant_access('regress_rr_watcher', 'author');
GRANT SELECT ON orders TO regress_rr_watcher;
SELECT pgmigrate.watch('by customer', 'SELECT count(note) FROM orders WHERE customer = $1 AND note <> $2', '{42, "it''s"}') > 0 AS watched;
SELECT pgmigrate.watch('writes', 'UPDATE orders SET note = NULL WHERE id = 1') > 0 AS watched;
SELECT pgmigrate.watch('inside', 'SELECT noting(id) FROM orders LIMIT 1') > 0 AS watched;
SELECT pgmigrate.watch('endless', 'SELECT slow()') > 0 AS watched;
SET ROLE regress_rr_watcher;
SELECT pgmigrate.watch('of another', 'SELECT id FROM orders WHERE id = 1') > 0 AS watched;
RESET ROLE;
SELECT pgmigrate.revision('no index', 'DROP INDEX public.orders_customer', 'CREATE INDEX orders_customer ON public.orders (customer)', id => 'no_index') AS id;
SELECT pgmigrate.revision('other', 'ALTER TABLE public.orders ADD COLUMN more int', 'ALTER TABLE public.orders DROP COLUMN more', id => 'other') AS id;
SELECT pgmigrate.revision('no note', 'ALTER TABLE public.orders RENAME note TO remark', 'ALTER TABLE public.orders RENAME remark TO note', id => 'no_note') AS id;
-- the same rows each time: blocks do not vary, times do
\set rehearse 'SELECT step, revision, direction, state, ok, regexp_replace(detail, ''[0-9]+ blocks in [0-9.]+ ms'', ''N blocks'', ''g'') AS detail FROM pgmigrate.rehearse(rows => 10000) WHERE revision IS NOT NULL'
:rehearse;
SELECT q ->> 'name' AS name, q ->> 'revision' AS revision, q ->> 'state' AS state, (q #> '{after,blocks}')::int > 3 * (q #> '{before,blocks}')::int AS more,
	q #> '{before,cost}' IS NOT NULL AS cost, q #> '{before,ms}' IS NOT NULL AS time
FROM pgmigrate.rehearsal, jsonb_array_elements(queries) AS q ORDER BY 2, 1;
SELECT ok FROM pgmigrate.rehearsal;
SELECT pgmigrate.unwatch('endless');
-- who refuses them in a run has a rehearsal that fails
SET pgmigrate.guard = 'refuse';
SELECT step, revision, state, ok FROM pgmigrate.rehearse('no_index', rows => 10000) WHERE direction = 'up';
SELECT item, state FROM pgmigrate.checklist('no_index') WHERE item = 'rehearsal';
RESET pgmigrate.guard;
-- without rows what is broken is found
SELECT step, revision, state, ok FROM pgmigrate.rehearse() WHERE direction = 'up';

\c contrib_regression
DROP DATABASE regress_reh_rows;
DROP DATABASE regress_reh_rows2;
DROP DATABASE regress_reh_queries;
DROP ROLE regress_rr_watcher;
DROP ROLE regress_rr_author;
DROP ROLE regress_rr_owner;

/*
 * 35 shapes of keys times 12 changes of type: the table that was changed by way
 * of a shadow, written to, is what the plain statement makes of its twin; and
 * reverted it is what it was.  By hand, a few minutes:
 *	psql -X -f bench/online/matrix.sql
 * It ends with the cases that differ, which are none, and their number.
 */
\set ON_ERROR_STOP on
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS pgmigrate;
DROP SCHEMA IF EXISTS matrix CASCADE;
CREATE SCHEMA matrix;
SET search_path = matrix, public;
SET timezone = 'Europe/Paris';
CREATE TYPE mood AS ENUM ('sad', 'ok', 'happy');
CREATE DOMAIN code AS text CHECK (VALUE <> '');
CREATE TYPE pair AS (a int, b text);
CREATE TABLE change (n serial, was text, value text, becomes text);
INSERT INTO change (was, value, becomes) VALUES
	('int', 'g', 'bigint'), ('int', 'g', 'numeric(12, 2)'), ('bigint', 'g', 'int'), ('int', 'g', 'boolean USING v % 2 = 0'),
	('mood', '(ARRAY[''sad'', ''ok'', ''happy'']::mood[])[g % 3 + 1]', 'text'), ('text', '(ARRAY[''sad'', ''ok'', ''happy''])[g % 3 + 1]', 'mood USING v::mood'),
	('timestamp', 'timestamp ''2026-03-29 00:00'' + g * interval ''10 min''', 'timestamptz'), ('text', 'g::text', 'int USING v::int'),
	('text', 'repeat(g::text, 2000)', 'text COLLATE "C"'), ('json', 'json_build_object(''a'', g)', 'jsonb'), ('int[]', 'ARRAY[g, g + 1]', 'bigint[]'), ('varchar(10)', 'g::text', 'char(12)');
CREATE TABLE shape (n serial, key text, values text);
INSERT INTO shape (key, values) SELECT format('k %s PRIMARY KEY, x text', type), value || ', ''x'' || g' FROM (VALUES
	('smallint', 'g'), ('int', 'g'), ('bigint', 'g'), ('numeric', 'g / 10.0'), ('numeric(10, 3)', 'g'), ('real', 'g'), ('double precision', 'g / 3.0'), ('text', '''k'' || g'),
	('text COLLATE "C"', '''k'' || g'), ('varchar(20)', '''k'' || g'), ('char(12)', '''k'' || g'), ('name', '''k'' || g'), ('code', '''k'' || g'), ('bytea', 'decode(md5(g::text), ''hex'')'),
	('uuid', 'md5(g::text)::uuid'), ('date', 'date ''2026-01-01'' + g'), ('time', 'time ''00:00'' + g * interval ''1 min'''), ('timestamp', 'timestamp ''2026-03-29'' + g * interval ''10 min'''),
	('timestamptz', 'timestamptz ''2026-03-29'' + g * interval ''10 min'''), ('interval', 'g * interval ''1 hour'''), ('inet', '''10.0.0.1''::inet + g'), ('macaddr', 'lpad(to_hex(g), 12, ''0'')::macaddr'),
	('bit(16)', 'g::bit(16)'), ('int[]', 'ARRAY[g, 1]'), ('pair', 'ROW(g, ''b'')::pair'), ('int4range', 'int4range(g, g + 5)'), ('jsonb', 'jsonb_build_object(''a'', g)'), ('oid', 'g')) AS t (type, value);
INSERT INTO shape (key, values) VALUES
	('k int, x text, PRIMARY KEY (x, k)', 'g, ''x'' || g'), ('k int NOT NULL, x text, UNIQUE (k) INCLUDE (x)', 'g, ''x'' || g'), ('k int GENERATED ALWAYS AS IDENTITY (START 1000) PRIMARY KEY, x text', 'g, ''x'' || g'),
	('k int, x text, PRIMARY KEY (k), EXCLUDE USING btree (x WITH =)', 'g, ''x'' || g'), ('gone int, k int PRIMARY KEY, x text', 'g, ''x'' || g'), ('k int PRIMARY KEY, x text, y int GENERATED ALWAYS AS (k * 2) STORED', 'g, ''x'' || g'),
	('k int, x text, z timestamptz DEFAULT ''2026-01-01'', PRIMARY KEY (k, z, x)', 'g, ''x'' || g');
SELECT count(*) AS shapes FROM shape;
CREATE TABLE pairing AS SELECT format('%s_%s', s.n, c.n) AS id, s.n AS shape, c.n AS change, s.key, s.values, c.was, c.value, c.becomes FROM shape s, change c;
CREATE FUNCTION described(rel regclass) RETURNS text LANGUAGE sql AS $$
SELECT regexp_replace(concat_ws(E'\n',
	(SELECT string_agg(concat_ws(' ', attname, format_type(atttypid, atttypmod), attnotnull, attidentity, attgenerated, attstorage, attcollation, pg_get_expr(adbin, adrelid)), E'\n' ORDER BY attnum)
		FROM pg_attribute LEFT JOIN pg_attrdef ON adrelid = attrelid AND adnum = attnum WHERE attrelid = rel AND attnum > 0 AND NOT attisdropped),
	(SELECT string_agg(concat_ws(' ', pg_get_indexdef(indexrelid), indisprimary, indisvalid), E'\n' ORDER BY indexrelid::regclass::text) FROM pg_index WHERE indrelid = rel),
	(SELECT string_agg(concat_ws(' ', conname, convalidated, pg_get_constraintdef(oid)), E'\n' ORDER BY conname) FROM pg_constraint WHERE conrelid = rel)), '(online|plain|before)_', '', 'g')
$$;
CREATE FUNCTION differing(a regclass, b regclass) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE n bigint; BEGIN
	EXECUTE format('SELECT count(*) FROM ((SELECT t::text FROM %1$s t EXCEPT ALL SELECT t::text FROM %2$s t) UNION ALL (SELECT t::text FROM %2$s t EXCEPT ALL SELECT t::text FROM %1$s t)) d', a, b) INTO n;
	RETURN n;
END $$;
CREATE TABLE result (id text, step text, definition boolean, rows bigint);
\o /dev/null
SELECT format('CREATE TABLE %1$s_%2$s (%3$s, v %4$s)', name, id, key, was), format('INSERT INTO %1$s_%2$s (k, x, v) OVERRIDING SYSTEM VALUE SELECT %3$s, %4$s FROM generate_series(1, 60) g', name, id, values, value),
	format('CREATE INDEX ON %1$s_%2$s (x, k)', name, id), CASE WHEN key ~ 'gone' THEN format('ALTER TABLE %1$s_%2$s DROP gone, ADD late text DEFAULT ''late''', name, id) END
FROM pairing, unnest(ARRAY['online', 'plain', 'before']) AS name ORDER BY shape, change, name \gexec
SELECT format('SELECT pgmigrate.rebuild(''online_%1$s'', %2$L)', id, 'ALTER v TYPE ' || becomes), format('ALTER TABLE plain_%1$s ALTER v TYPE %2$s', id, becomes),
	format('DELETE FROM online_%1$s WHERE x < ''x3''; DELETE FROM plain_%1$s WHERE x < ''x3''; DELETE FROM before_%1$s WHERE x < ''x3''', id),
	format('UPDATE online_%1$s SET x = x || ''y'' WHERE ctid > ''(0,5)''; UPDATE plain_%1$s SET x = x || ''y'' WHERE k IN (SELECT k FROM online_%1$s WHERE x ~ ''y''); UPDATE before_%1$s SET x = x || ''y'' WHERE k IN (SELECT k FROM online_%1$s WHERE x ~ ''y'')', id),
	format('INSERT INTO result SELECT %1$L, ''changed'', described(''online_%1$s'') = described(''plain_%1$s''), differing(''online_%1$s'', ''plain_%1$s'')', id),
	format('SELECT pgmigrate.revert(max(operation)) FROM pgmigrate.operations WHERE state = ''switched'' AND relation = ''matrix.online_%1$s''', id),
	format('INSERT INTO result SELECT %1$L, ''reverted'', described(''online_%1$s'') = described(''before_%1$s''), differing(''online_%1$s'', ''before_%1$s'')', id)
FROM pairing ORDER BY shape, change \gexec
\o
SELECT r.step, p.key, p.was, p.becomes, r.definition, r.rows FROM result r JOIN pairing p USING (id) WHERE NOT r.definition OR r.rows > 0 ORDER BY p.shape, p.change;
SELECT step, count(*) FROM result GROUP BY 1 ORDER BY 1;

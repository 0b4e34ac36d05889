-- compare(): every difference is found, none is invented.
SET TimeZone = 'UTC';
CREATE SCHEMA cmp;
SET search_path = cmp;

-- What differs, row by row: its key, the columns, and the side it is on.
CREATE FUNCTION cmp.differing(a regclass, b regclass, mapping jsonb = NULL)
RETURNS TABLE (rows bigint, differences bigint, example text) LANGUAGE sql AS
$$
	SELECT c.rows, c.differences,
		concat_ws(' ', e->'key', e->'columns',
			CASE WHEN e->'a' = 'null' THEN 'only in b'
				WHEN e->'b' = 'null' THEN 'only in a' END)
	FROM pgmigrate.compare($1, $2, $3) c
	LEFT JOIN LATERAL jsonb_array_elements(c.examples) e ON true
$$;

-- All types that are looked at in a way of their own, and what is not NULL.
CREATE TYPE mood AS ENUM ('sad', 'ok', 'happy');
CREATE TYPE pair AS (x float8, y text);
CREATE DOMAIN shout AS text CHECK (VALUE = upper(VALUE));
CREATE TABLE a (
	id int PRIMARY KEY,
	gone int,
	b bool, i2 int2, i8 bigint, f4 float4, f8 float8, n numeric, n2 numeric(12,2),
	t text, v varchar(40), c char(10), nm name, by bytea, d date,
	ts timestamp, tz timestamptz, iv interval, u uuid, j json, jb jsonb,
	ip inet, bits varbit, m mood, ms mood[], ia int[], ta text[], p pair,
	pa pair[], r int4range, s shout, x xml, pt point, big text);
ALTER TABLE a DROP COLUMN gone;
INSERT INTO a
SELECT i, i % 2 = 0, i, i, i / 7.0, i / 7.0, i / 7.0, i / 7.0,
	repeat('é', i % 5), 'v' || i, 'c' || i, 'n' || i, decode(md5(i::text), 'hex'),
	date '2026-01-01' + i, timestamp '2026-01-01' + i * interval '1 s',
	timestamptz '2026-01-01' + i * interval '1 s', i * interval '1 min',
	md5(i::text)::uuid, json_build_object('i', i), jsonb_build_object('i', i, 'a', NULL),
	inet '10.0.0.0' + i, (i::bit(8))::varbit, (enum_range(NULL::mood))[1 + i % 3],
	enum_range(NULL::mood), ARRAY[i, NULL, 3], ARRAY['x', 'y' || i], ROW(i::float8, 'p'::text)::pair,
	ARRAY[ROW(i::float8, NULL::text)::pair], int4range(i, i + 5), 'S' || i, '<a/>', point(i, 0),
	CASE WHEN i % 100 = 0 THEN (SELECT string_agg(md5((i + g)::text), '')
		FROM generate_series(1, 400) g) END
FROM generate_series(1, 500) i;
INSERT INTO a (id) VALUES (0);

-- Another order of columns, and toasted otherwise.
CREATE TABLE b (big text, pt point, x xml, s shout, r int4range, pa pair[], p pair,
	ta text[], ia int[], ms mood[], m mood, bits varbit, ip inet, jb jsonb,
	j json, u uuid, iv interval, tz timestamptz, ts timestamp, d date, by bytea,
	nm name, c char(10), v varchar(40), t text, n2 numeric(12,2), n numeric,
	f8 float8, f4 float4, i8 bigint, i2 int2, b bool, id int);
ALTER TABLE b ALTER big SET STORAGE external;
INSERT INTO b SELECT big, pt, x, s, r, pa, p, ta, ia, ms, m, bits, ip, jb, j, u,
	iv, tz, ts, d, by, nm, c, v, t, n2, n, f8, f4, i8, i2, b, id
FROM a ORDER BY md5(id::text);
SELECT rows, differences, bound, examples, method, duration >= '0' AS took_time
FROM pgmigrate.compare('a', 'b');
-- rows that an ALTER TABLE has not touched
ALTER TABLE b ADD later int DEFAULT 5;
SELECT rows, differences, method FROM pgmigrate.compare('a', 'b');

-- One planted difference each.
UPDATE b SET i8 = -i8 WHERE id = 1;
DELETE FROM b WHERE id = 2;
INSERT INTO b (id) VALUES (1000);
UPDATE b SET t = '' WHERE id = 0;
UPDATE b SET v = 'V4' WHERE id = 4;
UPDATE a SET f8 = 0 WHERE id = 5;
UPDATE b SET f8 = '-0' WHERE id = 5;
UPDATE a SET n = 1.0 WHERE id = 6;
UPDATE b SET n = 1.00 WHERE id = 6;
UPDATE b SET tz = tz + interval '1 us' WHERE id = 7;
UPDATE b SET j = '{"i":8}' WHERE id = 8;
UPDATE b SET big = big || ' ' WHERE id = 100;
UPDATE b SET ia = ia || 4 WHERE id = 10;
UPDATE b SET ia = '[0:2]={11,NULL,3}' WHERE id = 11;
UPDATE b SET p.x = '-0' WHERE id = 12;
UPDATE a SET p.x = 0 WHERE id = 12;
UPDATE b SET m = 'ok', ms = '{ok}' WHERE id = 14;
UPDATE b SET by = by || '\x00' WHERE id = 15;
UPDATE b SET iv = interval '1 day' WHERE id = 16;
UPDATE a SET iv = interval '24 hours' WHERE id = 16;
UPDATE b SET t = E'e\u0301' WHERE id = 17;
UPDATE a SET t = E'\u00e9' WHERE id = 17;
UPDATE b SET jb = NULL WHERE id = 18;
UPDATE a SET jb = 'null' WHERE id = 18;
SELECT * FROM cmp.differing('a', 'b');

-- What reads the same is the same.
UPDATE a SET jb = '{"a": 1, "b": 2}', f8 = 'NaN', ta = '{}' WHERE id = 30;
UPDATE b SET jb = '{"b": 2,  "a": 1, "a": 1}', f8 = '-NaN'::float8, ta = ARRAY[]::text[] WHERE id = 30;
UPDATE a SET c = 'x' WHERE id = 31;
UPDATE b SET c = 'x     ' WHERE id = 31;
-- an array that once had a null keeps room for it
UPDATE a SET ia = ARRAY[1, NULL] WHERE id = 32;
UPDATE a SET ia[2] = 2 WHERE id = 32;
UPDATE b SET ia = ARRAY[1, 2] WHERE id = 32;
SELECT count(*) FROM cmp.differing('a', 'b') WHERE example ~ '"id": 3[0-2]\M';

-- a NaN that was computed has a sign that nobody can read
CREATE TABLE nan1 (id int PRIMARY KEY, f float8[], g float4[], h float8, p point, b box[]);
CREATE TABLE nan2 (LIKE nan1);
INSERT INTO nan1 SELECT i, ARRAY['NaN', i]::float8[], '{1,NULL,NaN}', 'NaN', point('NaN', i), '{(1,NaN),(0,0)}'
FROM generate_series(1, 3) i;
INSERT INTO nan2 SELECT id, ARRAY[x, id], ARRAY[1, NULL, x]::float4[], x, point(x, id), ARRAY[box(point(1, x), point(0, 0))]
FROM nan1, (SELECT 'Infinity'::float8 - 'Infinity'::float8) AS i (x);
SELECT differences, examples FROM pgmigrate.compare('nan1', 'nan2');
UPDATE nan2 SET f[2] = '-0' WHERE id = 1;
UPDATE nan2 SET g = '{1,1,NaN}' WHERE id = 2;
UPDATE nan2 SET p = point(0, 3) WHERE id = 3;
SELECT * FROM cmp.differing('nan1', 'nan2');

-- Tables of one layout are compared by what is on their pages first: rows that
-- are stored otherwise are no differences, and hide none.
CREATE TABLE s1 (id int PRIMARY KEY, n int, t text) WITH (toast_tuple_target = 128);
CREATE TABLE s2 (LIKE s1 INCLUDING ALL);
ALTER TABLE s2 ALTER t SET STORAGE PLAIN;
INSERT INTO s1 SELECT i, i, CASE WHEN i % 10 = 0 THEN repeat('ab', 1200) ELSE 's' END FROM generate_series(1, 2000) i;
INSERT INTO s2 SELECT id, n, t || '' FROM s1;
SELECT pg_column_size(s1.t) < pg_column_size(s2.t) AS otherwise, differences, examples
FROM s1 JOIN s2 USING (id), pgmigrate.compare('s1', 's2') WHERE id = 10;
UPDATE s2 SET n = 0 WHERE id IN (7, 500, 1999);
SELECT * FROM cmp.differing('s1', 's2');
INSERT INTO s1 SELECT i, i, repeat('ab', 1200) FROM generate_series(2001, 6000) i;
INSERT INTO s2 SELECT id, n, t || '' FROM s1 WHERE id > 2000;
SELECT * FROM cmp.differing('s1', 's2');
-- which of the columns is null
CREATE TABLE null1 (id int PRIMARY KEY, v int, w int);
CREATE TABLE null2 (LIKE null1 INCLUDING ALL);
INSERT INTO null1 VALUES (1, NULL, 5);
INSERT INTO null2 VALUES (1, 5, NULL);
SELECT differences FROM pgmigrate.compare('null1', 'null2');
-- in TOAST, and not there at all
ALTER TABLE s1 ALTER t SET STORAGE EXTERNAL;
ALTER TABLE s2 ALTER t SET STORAGE EXTERNAL;
UPDATE s1 SET t = t || 'x' WHERE id = 2;
UPDATE s2 SET t = t || 'y' WHERE id = 2;
SELECT * FROM cmp.differing('s1', 's2');
UPDATE s1 SET t = '', n = 0;
UPDATE s2 SET t = '', n = 0;
SELECT * FROM cmp.differing('s1', 's2');
ALTER TABLE s1 ADD later int DEFAULT 1;
ALTER TABLE s2 ADD later int DEFAULT 2;
SELECT differences FROM pgmigrate.compare('s1', 's2');

-- Columns of another type, and expressions.
CREATE TABLE t1 (id int PRIMARY KEY, price numeric(10,2), code char(4), name text, at timestamp, old text);
CREATE TABLE t2 (id bigint PRIMARY KEY, price numeric(14,4), code char(8), given text, family text,
	at timestamptz, cents int, Name text);
INSERT INTO t1 VALUES (1, 1.5, 'ab', 'Ada Lovelace', '2026-01-01', 'x'), (2, 2.25, 'c', 'Alan Turing', NULL, NULL);
INSERT INTO t2 VALUES (1, 1.5, 'ab', 'Ada', 'Lovelace', '2026-01-01', 150), (2, 2.25, 'c', 'Alan', 'Turing', NULL, 225);
SELECT rows, differences, method FROM pgmigrate.compare('t1', 't2', '{"name": "given || '' '' || family -- both"}');
SELECT * FROM cmp.differing('t1', 't2', '{"name": null, "price": "cents / 100"}');
SELECT * FROM cmp.differing('t1', 't2', '{"name": "concat(given, '' '', t2.family)", "price": "cents / 100.0"}');
UPDATE t2 SET price = 1.5001 WHERE id = 1;
SELECT * FROM cmp.differing('t1', 't2', '{"name": null}');
-- digits for which a float has no room are a difference
CREATE TABLE d1 (id int PRIMARY KEY, n numeric, l bigint, i int, s float4);
CREATE TABLE d2 (id int PRIMARY KEY, n float8, l float8, i float4, s numeric);
INSERT INTO d1 VALUES (1, 0.1, 1, 1, 0.1), (2, 'NaN', -5, NULL, '-0'), (3, 1.50, 1000000007, 16777216, 'Infinity'),
	(4, 0.10000000000000000001, 1, 1, 1), (5, 1, 9007199254740993, 1, 1), (6, 1, 1, 16777217, 1);
INSERT INTO d2 SELECT * FROM d1;
SELECT * FROM cmp.differing('d1', 'd2');
SELECT * FROM cmp.differing('d2', 'd1', '{"n": "n::float8", "l": "l::float8", "i": "i::float4"}');
UPDATE d2 SET s = 0.1000000015 WHERE id = 1;
SELECT * FROM cmp.differing('d2', 'd1', '{"n": null, "l": null, "i": null}');
-- a column and what is to replace it
ALTER TABLE t1 ADD new_price bigint;
UPDATE t1 SET new_price = price * 100;
UPDATE t1 SET new_price = new_price + 1 WHERE id = 2;
SELECT rows, differences, examples, method FROM pgmigrate.compare('t1', 't1', '{"price": "new_price / 100.0"}');

-- Without a key: as often here as there.
CREATE TABLE m1 (x int, y text);
CREATE TABLE m2 (y text, x int);
INSERT INTO m1 VALUES (1, 'a'), (1, 'a'), (1, 'a'), (2, NULL), (2, NULL), (3, 'c');
INSERT INTO m2 VALUES ('a', 1), (NULL, 2), (NULL, 2), ('c', 3), ('d', 4), ('d', 4);
SELECT rows, differences, bound, examples, method FROM pgmigrate.compare('m1', 'm2');
SELECT rows, differences, bound, examples FROM pgmigrate.compare('m2', 'm1');
-- a key that b does not keep
CREATE TABLE k1 (id int PRIMARY KEY, v int);
CREATE TABLE k2 (id int, v int);
INSERT INTO k1 VALUES (1, 1), (2, 2), (3, 3);
INSERT INTO k2 VALUES (1, 1), (1, 1), (2, 5), (2, 2), (3, 4), (3, 5);
SELECT * FROM cmp.differing('k1', 'k2');
-- a part, by views of the same range
CREATE VIEW k1_part AS SELECT * FROM k1 WHERE id >= 2;
CREATE VIEW k2_part AS SELECT * FROM k2 WHERE id >= 2;
SELECT rows, differences, method FROM pgmigrate.compare('k1_part', 'k2_part');
-- a unique index does as well, one that takes NULL does not
CREATE TABLE u1 (x int, y int NOT NULL, UNIQUE (x));
SELECT method FROM pgmigrate.compare('u1', 'u1');
CREATE TABLE u2 (LIKE u1);
SELECT rows, differences, bound, examples, method FROM pgmigrate.compare('u1', 'u2');
ALTER TABLE u1 ADD UNIQUE (y);
SELECT method FROM pgmigrate.compare('u1', 'u2');

-- Partitioned, inherited, generated, materialized, through a view.
CREATE TABLE pt (id int, v text, PRIMARY KEY (id)) PARTITION BY RANGE (id);
CREATE TABLE pt1 PARTITION OF pt FOR VALUES FROM (0) TO (10);
CREATE TABLE pt2 (v text, id int NOT NULL, PRIMARY KEY (id));
ALTER TABLE pt ATTACH PARTITION pt2 FOR VALUES FROM (10) TO (100);
INSERT INTO pt SELECT i, 'v' || i FROM generate_series(1, 50) i;
CREATE TABLE plain (id int PRIMARY KEY, v text, w text GENERATED ALWAYS AS ('v' || id) STORED);
INSERT INTO plain SELECT id, v FROM pt;
CREATE MATERIALIZED VIEW mv AS SELECT * FROM pt;
CREATE VIEW vw AS SELECT * FROM pt WHERE id <> 3;
SELECT * FROM cmp.differing('pt', 'plain');
SELECT * FROM cmp.differing('pt', 'plain', '{"v": "w"}');
UPDATE pt SET v = 'other' WHERE id = 20;
SELECT * FROM cmp.differing('pt', 'plain');
SELECT * FROM cmp.differing('plain', 'mv');
SELECT * FROM cmp.differing('pt', 'vw');
SELECT method FROM pgmigrate.compare('vw', 'pt');

-- More columns than bits in a word, and names that need quotes.
SELECT format('CREATE TABLE wide1 (%s, "Odd ""name"";--" text, id int PRIMARY KEY)',
	string_agg(format('c%s int', i), ', ')) FROM generate_series(1, 70) i \gexec
INSERT INTO wide1 (id, c70, c3, "Odd ""name"";--") SELECT i, i, i, 'x' FROM generate_series(1, 100) i;
CREATE TABLE wide2 AS SELECT * FROM wide1;
SELECT * FROM cmp.differing('wide1', 'wide2');
UPDATE wide2 SET c66 = 5 WHERE id = 7;
UPDATE wide2 SET c70 = NULL WHERE id = 8;
UPDATE wide2 SET "Odd ""name"";--" = 'X' WHERE id = 9;
SELECT * FROM cmp.differing('wide1', 'wide2');
SELECT * FROM cmp.differing('wide1', 'wide2', jsonb_build_object('Odd "name";--', 'lower("Odd ""name"";--")'));

-- Keys of b may have null.
CREATE TABLE n1 (a int, b int, v int, PRIMARY KEY (a, b));
CREATE TABLE n2 (a int, b int, v int);
INSERT INTO n1 VALUES (1, 1, 1);
INSERT INTO n2 VALUES (NULL, 1, 1), (1, NULL, 1), (1, 1, 1), (NULL, NULL, NULL);
SELECT * FROM cmp.differing('n1', 'n2');

-- Large numbers, ranges, arrays of arrays.
CREATE TABLE f1 AS SELECT g AS id, 'NaN'::numeric AS n, repeat('1234567890', 3000)::numeric AS big,
	array_fill(1.5::float8, ARRAY[2, 2]) AS arr, int4range(1, 5) AS r,
	tstzmultirange(tstzrange('2026-01-01', NULL)) AS mr FROM generate_series(1, 10) g;
ALTER TABLE f1 ADD PRIMARY KEY (id);
CREATE TABLE f2 AS TABLE f1;
SELECT * FROM cmp.differing('f1', 'f2');
UPDATE f2 SET big = big + 1 WHERE id = 3;
UPDATE f2 SET r = 'empty' WHERE id = 4;
UPDATE f2 SET mr = '{}' WHERE id = 5;
UPDATE f2 SET arr[1][1] = '-0' WHERE id = 6;
SELECT * FROM cmp.differing('f1', 'f2');

-- Rows that are too long to be shown.
CREATE TABLE l1 (id int PRIMARY KEY, t text);
CREATE TABLE l2 (id int PRIMARY KEY, t text);
INSERT INTO l1 VALUES (1, repeat('x', 200000));
INSERT INTO l2 VALUES (1, repeat('x', 200000) || 'y');
SELECT differences, examples FROM pgmigrate.compare('l1', 'l2');

-- Many differences: sorted on disk, few of them shown.
SET work_mem = '64kB';
CREATE TABLE many1 AS SELECT i AS id, i AS v FROM generate_series(1, 20000) i;
ALTER TABLE many1 ADD PRIMARY KEY (id);
CREATE TABLE many2 AS SELECT id + 5000 AS id, v + id % 2 + 5000 AS v FROM many1;
SELECT rows, differences, bound, jsonb_array_length(examples) FROM pgmigrate.compare('many1', 'many2');
SELECT (SELECT count(*) FROM many1 FULL JOIN many2 USING (id) WHERE many1.v IS DISTINCT FROM many2.v) AS differences;
SELECT rows, differences, jsonb_array_length(examples) FROM pgmigrate.compare('many1', 'many1', '{"v": "v + id % 2"}');
-- no room for that: an error, and nothing is left of it
SET temp_file_limit = '64kB';
\set VERBOSITY sqlstate
SELECT rows, differences FROM pgmigrate.compare('many1', 'many2');
\set VERBOSITY default
SELECT count(*) FROM pg_ls_tmpdir() WHERE name LIKE 'pgsql_tmp' || pg_backend_pid() || '.%';
RESET temp_file_limit;
SELECT rows, differences FROM pgmigrate.compare('many1', 'many2');
RESET work_mem;

-- A thousand differences of twenty kinds, against an oracle: the operator
-- that compares the images of rows, where no value is toasted.
CREATE TABLE w1 (id int PRIMARY KEY, x int, t text, f float8, n numeric, ts timestamptz, jb jsonb, arr text[], c char(8));
INSERT INTO w1 SELECT i, i % 7, nullif('t' || i % 9, 't0'), i % 3, i % 5 / 2.0,
	timestamptz '2026-01-01' + i * interval '1 min', jsonb_build_object('k', i % 4), ARRAY['a', (i % 6)::text], i % 11
FROM generate_series(1, 10000) i;
CREATE TABLE w2 (LIKE w1);
INSERT INTO w2 SELECT * FROM w1 ORDER BY md5(id::text);
INSERT INTO w2 SELECT id + 100000, x, t, f, n, ts, jb, arr, c FROM w1 WHERE id % 200 = 0;
DELETE FROM w2 WHERE id % 200 = 1 OR id BETWEEN 100000 AND 109999 AND id % 400 = 0;
UPDATE w2 SET x = -1 - x WHERE id % 200 = 2;
UPDATE w2 SET x = NULL WHERE id % 200 = 3;
UPDATE w2 SET t = '' WHERE id % 200 = 4;
UPDATE w2 SET t = upper(coalesce(t, 'x')) WHERE id % 200 = 5;
UPDATE w2 SET t = coalesce(t, '') || ' ' WHERE id % 200 = 6;
UPDATE w2 SET f = '-0' WHERE id % 200 = 7;
UPDATE w2 SET f = 'NaN' WHERE id % 200 = 8;
UPDATE w2 SET f = f + 1e-15 WHERE id % 200 = 9;
UPDATE w2 SET n = n + 0.00 WHERE id % 200 = 10;
UPDATE w2 SET n = -n WHERE id % 200 = 11;
UPDATE w2 SET ts = ts + interval '1 us' WHERE id % 200 = 12;
UPDATE w2 SET ts = 'infinity' WHERE id % 200 = 13;
UPDATE w2 SET jb = jb || '{"l": null}' WHERE id % 200 = 14;
UPDATE w2 SET jb = '[]' WHERE id % 200 = 15;
UPDATE w2 SET arr[1] = NULL WHERE id % 200 = 16;
UPDATE w2 SET arr = ARRAY[arr] WHERE id % 200 = 17;
UPDATE w2 SET c = 'other' WHERE id % 200 = 18;
UPDATE w2 SET x = (x + 1) % 7 WHERE id % 200 = 19;
SELECT rows, differences, jsonb_array_length(examples) FROM pgmigrate.compare('w1', 'w2');
SELECT count(*) AS rows, count(*) FILTER (WHERE (w1 *= w2) IS NOT TRUE) AS differences FROM w1 FULL JOIN w2 USING (id);
-- the key is that of b here, and a column left out
SELECT rows, differences, method FROM pgmigrate.compare('w2', 'w1', '{"f": null}');
SELECT count(*) AS differences FROM w1 FULL JOIN w2 USING (id)
WHERE ((SELECT r FROM (SELECT w1.id, w1.x, w1.t, w1.n, w1.ts, w1.jb, w1.arr, w1.c) r) *=
	(SELECT r FROM (SELECT w2.id, w2.x, w2.t, w2.n, w2.ts, w2.jb, w2.arr, w2.c) r)) IS NOT TRUE;

-- A sample: which rows is chance, what it says is not.
CREATE TABLE many3 AS SELECT * FROM many1;
SELECT rows BETWEEN 1500 AND 2500 AS drawn, differences,
	abs(bound - (1 - power(0.05, 1.0 / rows))) < 1e-12 AS exact,
	bound BETWEEN 2.9 / rows AND 3.0 / rows AS about_three, examples, method
FROM pgmigrate.compare('many1', 'many3', sample => 0.1);
UPDATE many3 SET v = 0 WHERE id % 10 = 0;
SELECT differences BETWEEN 500 AND 1500 AS some, bound > differences::float8 / rows AS above, bound < 0.12 AS close
FROM pgmigrate.compare('many1', 'many3', sample => 0.5);
DELETE FROM many3;
SELECT rows = differences AS all_of_them, bound FROM pgmigrate.compare('many1', 'many3', sample => 0.5);
SELECT rows, differences, bound, method FROM pgmigrate.compare('m1', 'm1', sample => 1);
SELECT rows, differences, bound FROM pgmigrate.compare('u1', 'u2', sample => 0.5);

-- By ranges of pages.
CREATE FUNCTION cmp.range(a regclass, b regclass, mapping jsonb, first bigint, until bigint)
RETURNS bigint[] AS 'pgmigrate', 'pgmigrate_compare_range' LANGUAGE C;
CREATE TABLE r1 (id int PRIMARY KEY, v text);
CREATE TABLE r2 (v text, id int PRIMARY KEY);
INSERT INTO r1 SELECT i, repeat(md5(i::text), 10) FROM generate_series(1, 1000) i;
INSERT INTO r2 SELECT v, id FROM r1 ORDER BY md5(id::text);
UPDATE r2 SET v = 'x' WHERE id IN (10, 990);
DELETE FROM r2 WHERE id = 500;
INSERT INTO r2 VALUES ('y', 2000), ('z', 2001);
WITH p AS (SELECT g, cmp.range('r1', 'r2', NULL, g * 10, g * 10 + 10) AS f FROM generate_series(0, 9) g)
SELECT sum(f[1]) AS rows, sum(f[2]) AS differences, sum(f[3]) AS only_b, max(f[1]) < 1000 AS in_parts FROM p;
WITH p AS (SELECT g, cmp.range('r1', 'r1', '{"v": "repeat(md5((id + (id = 7)::int)::text), 10)"}', g * 10, g * 10 + 10) AS f FROM generate_series(0, 9) g)
SELECT sum(f[1]) AS rows, sum(f[2]) AS differences FROM p;
SELECT cmp.range('m1', 'm2', NULL, 0, 10);

-- One moment: what is written later is not seen, what the caller has written is.
BEGIN ISOLATION LEVEL REPEATABLE READ;
DELETE FROM k2 WHERE id = 3;
SELECT * FROM cmp.differing('k1', 'k2');
ROLLBACK;

-- Bad input.
SELECT * FROM pgmigrate.compare(NULL, 'b');
SELECT * FROM pgmigrate.compare('a', 'nowhere');
SELECT * FROM pgmigrate.compare('a', 0);
SELECT * FROM pgmigrate.compare('a', 'a_pkey');
SELECT * FROM pgmigrate.compare('k1', 'l1', '{"id": null}');
SELECT * FROM pgmigrate.compare('k1', 'k2', sample => 0);
SELECT * FROM pgmigrate.compare('k1', 'k2', sample => 1.5);
SELECT * FROM pgmigrate.compare('k1', 'k2', sample => 'NaN');
SELECT * FROM pgmigrate.compare('k1', 'k2', '["v"]');
SELECT * FROM pgmigrate.compare('k1', 'k2', '{"w": "v"}');
SELECT * FROM pgmigrate.compare('k1', 'k2', '{"v": 1}');
SELECT * FROM pgmigrate.compare('k1', 'k2', '{"v": ""}');
SELECT * FROM pgmigrate.compare('k1', 'k2', '{"v": "v) FROM cmp.k1; DROP TABLE cmp.k1; --"}');
SELECT * FROM pgmigrate.compare('k1', 'k2', '{"v": "v), (1"}');
SELECT * FROM pgmigrate.compare('k1', 'k2', '{"v": "v) FROM (k2"}');
SELECT * FROM pgmigrate.compare('k1', 'k2', '{"v": "count(*)"}');
SELECT * FROM pgmigrate.compare('k1', 'k2', '{"v": "generate_series(1, v)"}');
SELECT * FROM pgmigrate.compare('k1', 'k2', '{"v": "(SELECT 1)"}');
SELECT * FROM pgmigrate.compare('k1', 'k2', '{"v": "nowhere"}');
SELECT * FROM pgmigrate.compare('k1', 'k2', '{"v": "md5(v::text)"}');
SELECT * FROM pgmigrate.compare('k1', 'k2', '{"v": "1 / (v - v)"}');
CREATE TABLE e1 (m mood);
CREATE TYPE mood2 AS ENUM ('sad');
CREATE TABLE e2 (m mood2);
SELECT * FROM pgmigrate.compare('e1', 'e2');
SELECT rows FROM pgmigrate.compare('e1', 'e2', '{"m": "m::text::mood"}');
CREATE TABLE none1 ();
SELECT * FROM pgmigrate.compare('none1', 'none1');

-- Rights are those of the caller.
CREATE ROLE regress_cmp_user;
SELECT count(*) > 0 AS granted FROM pgmigrate.grant_access('regress_cmp_user', 'viewer');
GRANT USAGE, CREATE ON SCHEMA cmp TO regress_cmp_user;
GRANT SELECT ON k1 TO regress_cmp_user;
SET ROLE regress_cmp_user;
SELECT * FROM pgmigrate.compare('k1', 'k2');
RESET ROLE;
GRANT SELECT (id) ON k2 TO regress_cmp_user;
SET ROLE regress_cmp_user;
SELECT * FROM pgmigrate.compare('k1', 'k2');
SELECT rows FROM pgmigrate.compare('k1', 'k2', '{"v": null}');
SELECT rows FROM pgmigrate.compare('k1', 'k2', '{"v": "v"}');
-- whose functions a superuser would run
CREATE VIEW theirs AS SELECT * FROM k1;
RESET ROLE;
SELECT * FROM pgmigrate.compare('theirs', 'k1');
-- hidden rows are no rows that are the same
GRANT SELECT ON k2 TO regress_cmp_user;
ALTER TABLE k2 ENABLE ROW LEVEL SECURITY;
SET ROLE regress_cmp_user;
SELECT * FROM pgmigrate.compare('k1', 'k2');
RESET ROLE;
SELECT rows FROM pgmigrate.compare('k1', 'k2');
-- an expression runs in a restricted context
CREATE FUNCTION cmp.makes() RETURNS int LANGUAGE plpgsql AS
$$ BEGIN CREATE TEMP TABLE made (); RETURN 1; END $$;
SELECT * FROM pgmigrate.compare('k1', 'k2', '{"v": "cmp.makes()"}');
SHOW row_security;
SET client_min_messages = warning;
DROP OWNED BY regress_cmp_user;
DROP ROLE regress_cmp_user;
DROP SCHEMA cmp CASCADE;

-- COPY of a loaded file does what COPY does, though it is stored as INSERT
SET client_min_messages = warning;
DROP EXTENSION pgmigrate;
CREATE EXTENSION pgmigrate;
-- tables are made anew by hand between the runs
SET pgmigrate.drift_ignore = '%';

-- options
SELECT pgmigrate.load('1_a.up.sql', $$CREATE TABLE comma (a text, b text);
COPY comma (a, b) FROM stdin delimiter ',';
x,some company
\.
CREATE TABLE at (a text, b text);
COPY at FROM STDIN WITH DELIMITER AS '~' QUOTE AS '@' CSV;
@p~q@~2
\.
CREATE TABLE csv (i int GENERATED ALWAYS AS IDENTITY, t text, d date, e text);
COPY csv (i, t, d, e) FROM stdin (FORMAT csv, HEADER, NULL 'none', FORCE_NOT_NULL (e));
i,t,d,e
7,"two
lines, ""quoted""",2024-01-01,none
8,none,none,C:\dir	tab
\.
CREATE TABLE "Chosen" (n int DEFAULT 5, "T" text, a int[], d date);
COPY public."Chosen" ("T", a, d) FROM stdin WHERE "Chosen".d > '2024-01-01' AND a[1] < 10;
it's "\\" \t	{1,2}	2024-02-01
\N	{9}	2024-03-01
old	{1}	2023-01-01
large	{10,1}	2024-02-01
\.
$$);
SELECT revision, state FROM pgmigrate.upgrade();
TABLE comma;
TABLE at;
SELECT i, t, d, e FROM csv;
TABLE "Chosen";
-- a default that COPY would have looked at is not passed over
SELECT pgmigrate.load('2_b.up.sql', E'COPY "Chosen" (d) FROM stdin WHERE n = 5;\n2024-01-01\n\\.\n');
\set VERBOSITY terse
SELECT pgmigrate.upgrade();
\set VERBOSITY default
SELECT pgmigrate.remove('2');

-- rules are not applied, and an INSTEAD OF trigger is; in both executions
CREATE TABLE ruled (a int);
CREATE TABLE other (a int);
CREATE RULE r AS ON INSERT TO ruled DO INSTEAD INSERT INTO other VALUES (new.a);
CREATE VIEW auto AS SELECT a FROM other;
CREATE VIEW instead AS SELECT a FROM other;
CREATE FUNCTION instead() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	INSERT INTO other VALUES (new.a * 10);
	RETURN new;
END $$;
CREATE TRIGGER t INSTEAD OF INSERT ON instead FOR EACH ROW EXECUTE FUNCTION instead();
SELECT pgmigrate.load('2_b.up.sql', E'COPY ruled FROM stdin;\n1\n\\.\nCOPY instead (a) FROM stdin;\n2\n\\.\n');
SELECT revision, state FROM pgmigrate.upgrade();
SET pgmigrate.execution = inline;
SELECT pgmigrate.load('3_c.up.sql', E'COPY ruled FROM stdin;\n3\n\\.\nINSERT INTO ruled VALUES (4);\n');
SELECT revision, state FROM pgmigrate.upgrade();
TABLE ruled;
TABLE other;

-- what COPY refuses is refused
SELECT pgmigrate.load('4_d.up.sql', E'COPY auto (a) FROM stdin;\n5\n\\.\n');
SELECT pgmigrate.upgrade();
SELECT pgmigrate.remove('4');
SELECT pgmigrate.load('4_d.up.sql', E'COPY comma FROM stdin;\n5\n\\.\n');
SELECT pgmigrate.upgrade();
SELECT pgmigrate.remove('4');
SELECT pgmigrate.load('4_d.up.sql', E'COPY csv (i, d) FROM stdin;\n9\t2024-01-01\n10\tx\n\\.\n');
SELECT pgmigrate.upgrade();
SELECT pgmigrate.remove('4');

SELECT pgmigrate.load('4_d.up.sql', E'DO $$BEGIN PERFORM set_config(''transaction_read_only'', ''on'', true); END$$;\nCOPY comma (a) FROM stdin;\nread only\n\\.\n');
SELECT pgmigrate.upgrade();
SELECT pgmigrate.remove('4');

-- the rights are those of INSERT
CREATE ROLE regress_copy;
SET client_min_messages = error;
SELECT count(*) > 0 FROM pgmigrate.grant_access('regress_copy', 'operator');
SET client_min_messages = warning;
GRANT INSERT (a) ON comma TO regress_copy;
CREATE TABLE guarded (a int);
ALTER TABLE guarded ENABLE ROW LEVEL SECURITY;
GRANT ALL ON guarded TO regress_copy;
SET ROLE regress_copy;
SELECT pgmigrate.load('4_d.up.sql', E'COPY comma (a) FROM stdin;\nmine\n\\.\n');
SELECT pgmigrate.load('5_e.up.sql', E'COPY comma (a, b) FROM stdin;\nmine\tb\n\\.\n');
SELECT pgmigrate.load('6_f.up.sql', E'COPY guarded FROM stdin;\n1\n\\.\n');
SELECT revision, state FROM pgmigrate.upgrade('4');
SELECT pgmigrate.upgrade('5');
RESET ROLE;
GRANT INSERT (b) ON comma TO regress_copy;
SET ROLE regress_copy;
SELECT revision, state FROM pgmigrate.upgrade('5');
SELECT pgmigrate.upgrade('6');
RESET ROLE;
SELECT a, b FROM comma ORDER BY a, b;

-- our comment over another INSERT does not make it COPY
SELECT pgmigrate.load('7_g.up.sql', E'INSERT /* COPY */ INTO ruled VALUES (1 + 5);\n');
SELECT revision, state FROM pgmigrate.stamp('6');
SELECT revision, state FROM pgmigrate.upgrade();
SELECT count(*) FROM other WHERE a = 6;

DROP VIEW auto, instead;
DROP TABLE comma, at, csv, "Chosen", ruled, other, guarded;
DROP FUNCTION instead;
DROP OWNED BY regress_copy;
DROP ROLE regress_copy;
DROP EXTENSION pgmigrate;
CREATE EXTENSION pgmigrate;

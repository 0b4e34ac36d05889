-- What an environment called production lets through, and what not.
SET client_min_messages = error;
DROP EXTENSION IF EXISTS pgmigrate;
CREATE EXTENSION pgmigrate;
CREATE SCHEMA prod;
SET search_path = prod;
CREATE TABLE far (id int PRIMARY KEY);
CREATE TABLE dirty (a int, b text);
INSERT INTO dirty VALUES (1, 'too long'), (NULL, 'x');
CREATE INDEX dirty_a ON dirty (a);
CREATE TABLE parted (k int, n int, v varchar(10)) PARTITION BY RANGE (k);
CREATE TABLE parted_1 PARTITION OF parted FOR VALUES FROM (0) TO (10);
CREATE TABLE parted_default PARTITION OF parted DEFAULT;
CREATE TABLE parent (k int, n int);
CREATE TABLE child () INHERITS (parent);
CREATE TABLE named ("Col B" int, a_column_whose_name_leaves_no_room_for_what_a_hint_has_to_add_ int);
SET pgmigrate.environment = 'production';

CREATE FUNCTION public.gate(sql text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	answer text;
BEGIN
	PERFORM pgmigrate.revision('a change', sql, id => 'a');
	PERFORM pgmigrate.upgrade();
	RAISE SQLSTATE 'RB000' USING MESSAGE = 'runs';
EXCEPTION WHEN SQLSTATE 'RB000' THEN
	RETURN SQLERRM;
WHEN OTHERS THEN
	GET STACKED DIAGNOSTICS answer = PG_EXCEPTION_DETAIL;
	RETURN concat_ws(' ', SQLSTATE, coalesce(substring(answer FROM 'Rule "([^"]*)"'), SQLERRM));
END $$;

-- rows that are there are no matter of a constraint that is NOT VALID
SELECT sql, public.gate(sql) FROM (VALUES
	('ALTER TABLE dirty ADD CONSTRAINT c CHECK (length(b) < 3)'),
	('ALTER TABLE dirty ADD CONSTRAINT c CHECK (length(b) < 3) NOT VALID'),
	('ALTER TABLE dirty ADD CONSTRAINT c FOREIGN KEY (a) REFERENCES far'),
	('ALTER TABLE dirty ADD CONSTRAINT c FOREIGN KEY (a) REFERENCES far NOT VALID')) AS v (sql);
SELECT DISTINCT rule FROM pgmigrate.lint('ALTER TABLE dirty ADD CONSTRAINT c CHECK (length(b) < 3) NOT VALID') ORDER BY 1;

-- the partitions are rewritten and read, not their parent
SELECT sql, public.gate(sql) FROM (VALUES
	('ALTER TABLE parted ADD x float DEFAULT random()'),
	('ALTER TABLE parted ADD x float DEFAULT 1'),
	('ALTER TABLE parted ADD x int GENERATED ALWAYS AS (n + 1) STORED'),
	('ALTER TABLE parted ADD x serial'),
	('ALTER TABLE parted ALTER n TYPE bigint'),
	('ALTER TABLE parted ALTER v TYPE varchar(20)'),
	('ALTER TABLE parted ALTER n SET NOT NULL'),
	('ALTER TABLE parted ADD CHECK (n > 0)'),
	('ALTER TABLE parted_1 ALTER n SET NOT NULL'),
	('ALTER TABLE parent ADD x float DEFAULT random()'),
	('ALTER TABLE ONLY parent ALTER n SET DEFAULT 1'),
	('ALTER TABLE parent ALTER n TYPE bigint')) AS v (sql);

-- what could not be assessed is not let through, unless somebody says why
SET pgmigrate.assess_timeout = '1ms';
SELECT sql, public.gate(sql) FROM (VALUES
	('ALTER TABLE dirty ALTER a TYPE bigint'),
	('-- pgmigrate: allow assess-timeout because it was tried on a copy
ALTER TABLE dirty ALTER b TYPE varchar'),
	('CREATE TABLE fresh (a int); ALTER TABLE fresh ALTER a TYPE bigint')) AS v (sql);
RESET pgmigrate.assess_timeout;

-- all that is in the way is counted, and the reason of what is allowed is kept
SELECT pgmigrate.revision('two', 'ALTER TABLE dirty ALTER a TYPE bigint; DROP SCHEMA prod; DROP DATABASE regression', id => 'two', transactional => false);
SELECT pgmigrate.upgrade();
SELECT pgmigrate.remove('two');
SELECT rule, level, details -> 'allowed' AS allowed FROM pgmigrate.lint('
-- pgmigrate: allow type-change-rewrite, data-blocks because two rows only: "a"
ALTER TABLE dirty ALTER a TYPE bigint') WHERE details ? 'allowed' OR rule = 'allow-unused' ORDER BY 1;

-- names that hints make are names
SELECT hint FROM (VALUES
	(1, 'ALTER TABLE named ALTER "Col B" SET NOT NULL'),
	(2, 'ALTER TABLE named ALTER a_column_whose_name_leaves_no_room_for_what_a_hint_has_to_add_ SET NOT NULL'),
	(3, 'ALTER TABLE named ALTER "Col B" TYPE bigint'),
	(4, 'DROP TABLE named')) AS v (n, sql), LATERAL pgmigrate.lint(sql) AS l
WHERE rule IN ('set-not-null', 'type-change-rewrite', 'drop-table') ORDER BY n;

DROP FUNCTION public.gate;
DROP SCHEMA prod CASCADE;
DROP EXTENSION pgmigrate;
CREATE EXTENSION pgmigrate;
RESET pgmigrate.environment;
RESET search_path;
RESET client_min_messages;

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

DROP FUNCTION public.gate;
DROP SCHEMA prod CASCADE;
DROP EXTENSION pgmigrate;
CREATE EXTENSION pgmigrate;
RESET pgmigrate.environment;
RESET search_path;
RESET client_min_messages;

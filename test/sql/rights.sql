-- Who has which right on what: every function, view, table, sequence and column
-- of the extension, as the catalog has them, against the table that is expected.
-- What is new is a line here, which somebody has to read.
SET client_min_messages = warning;
DROP EXTENSION IF EXISTS pgmigrate;
CREATE EXTENSION pgmigrate;
RESET client_min_messages;
CREATE ROLE regress_pgm_nobody;
CREATE ROLE regress_pgm_viewer;
CREATE ROLE regress_pgm_author;
CREATE ROLE regress_pgm_operator;
SELECT count(*) > 10 AS many FROM unnest('{viewer,author,operator}'::text[]) AS level, pgmigrate.grant_access('regress_pgm_' || level, level);

-- the roles by one letter each; the owner is the one of the extension
CREATE TEMP TABLE who AS
SELECT w.letter, r.oid, w.n FROM (VALUES
	('-', 'regress_pgm_nobody', 0), ('v', 'regress_pgm_viewer', 1), ('a', 'regress_pgm_author', 2),
	('o', 'regress_pgm_operator', 3), ('O', NULL, 4), ('R', 'pg_read_all_data', 5),
	('W', 'pg_write_all_data', 6), ('M', 'pg_monitor', 7)) AS w (letter, role, n)
JOIN pg_roles r ON r.rolname = coalesce(w.role, (SELECT pg_get_userbyid(extowner) FROM pg_extension WHERE extname = 'pgmigrate'));

-- "-" anywhere would be a right of PUBLIC
SELECT p.oid::regprocedure AS function,
	string_agg(w.letter, '' ORDER BY n) FILTER (WHERE has_function_privilege(w.oid, p.oid, 'EXECUTE')) AS execute
FROM pg_proc p CROSS JOIN who w WHERE p.pronamespace = 'pgmigrate'::regnamespace
GROUP BY p.oid ORDER BY p.proname COLLATE "C", p.oid::regprocedure::text COLLATE "C";

SELECT c.relname AS relation, c.relkind AS kind,
	string_agg(w.letter, '' ORDER BY n) FILTER (WHERE CASE c.relkind WHEN 'S' THEN has_sequence_privilege(w.oid, c.oid, 'SELECT')
		ELSE has_table_privilege(w.oid, c.oid, 'SELECT') END) AS read,
	string_agg(w.letter, '' ORDER BY n) FILTER (WHERE CASE c.relkind WHEN 'S' THEN has_sequence_privilege(w.oid, c.oid, 'USAGE, UPDATE')
		ELSE has_table_privilege(w.oid, c.oid, 'INSERT, UPDATE, DELETE') END) AS write,
	string_agg(w.letter, '' ORDER BY n) FILTER (WHERE c.relkind <> 'S'
		AND has_table_privilege(w.oid, c.oid, 'TRUNCATE, REFERENCES, TRIGGER')) AS other,
	string_agg(w.letter, '' ORDER BY n) FILTER (WHERE CASE c.relkind WHEN 'S' THEN has_sequence_privilege(w.oid, c.oid, 'SELECT WITH GRANT OPTION')
		ELSE has_table_privilege(w.oid, c.oid, 'SELECT WITH GRANT OPTION') END) AS grant
FROM pg_class c CROSS JOIN who w WHERE c.relnamespace = 'pgmigrate'::regnamespace AND c.relkind <> 'i'
GROUP BY c.oid ORDER BY c.relname COLLATE "C";

-- no column has rights of its own, nor has a role more on one than on its table
SELECT a.attrelid::regclass, a.attname, a.attacl FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
WHERE c.relnamespace = 'pgmigrate'::regnamespace AND a.attacl IS NOT NULL;
SELECT c.relname, a.attname, w.letter FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
CROSS JOIN who w CROSS JOIN unnest('{SELECT,INSERT,UPDATE,REFERENCES}'::text[]) AS p
WHERE c.relnamespace = 'pgmigrate'::regnamespace AND c.relkind IN ('r', 'v')
	AND has_column_privilege(w.oid, c.oid, a.attnum, p) <> has_table_privilege(w.oid, c.oid, p);

-- and the schema
SELECT string_agg(w.letter, '' ORDER BY n) FILTER (WHERE has_schema_privilege(w.oid, 'pgmigrate', 'USAGE')) AS usage,
	string_agg(w.letter, '' ORDER BY n) FILTER (WHERE has_schema_privilege(w.oid, 'pgmigrate', 'CREATE')) AS create
FROM who w;

-- nothing is granted to whoever comes by default privileges
SELECT count(*) FROM pg_default_acl WHERE defaclnamespace = 'pgmigrate'::regnamespace;
DROP OWNED BY regress_pgm_viewer, regress_pgm_author, regress_pgm_operator;
-- and what was granted can be taken away
SELECT count(*) FROM pg_proc p CROSS JOIN who w WHERE p.pronamespace = 'pgmigrate'::regnamespace
	AND w.letter IN ('-', 'v', 'a', 'o') AND has_function_privilege(w.oid, p.oid, 'EXECUTE');
DROP TABLE who;
DROP ROLE regress_pgm_nobody, regress_pgm_viewer, regress_pgm_author, regress_pgm_operator;

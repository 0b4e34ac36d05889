-- What holds for every object of the extension: each query lists the objects
-- that break a rule, so what is expected is no rows.
CREATE TEMP VIEW member AS
SELECT d.classid, d.objid,
	pg_describe_object(d.classid, d.objid, 0) AS object
FROM pg_depend d
WHERE d.refclassid = 'pg_extension'::regclass
	AND d.refobjid = (SELECT oid FROM pg_extension WHERE extname = 'pgmigrate')
	AND d.deptype = 'e';

-- the kinds of members that the rules below know; since PostgreSQL 17 the types
-- that come with tables are members too
SELECT DISTINCT classid::regclass FROM member
WHERE classid <> 'pg_type'::regclass ORDER BY 1;

-- every member has a comment; types come with their tables
SELECT object FROM member m
WHERE classid <> 'pg_type'::regclass
	AND NOT EXISTS (SELECT FROM pg_class c WHERE c.oid = m.objid
		AND m.classid = 'pg_class'::regclass AND c.relkind = 'S')
	AND obj_description(objid, classid::regclass::name) IS NULL
ORDER BY 1;

-- every column of a table has one
SELECT m.object, a.attname FROM member m
JOIN pg_class c ON c.oid = m.objid AND m.classid = 'pg_class'::regclass
JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
WHERE c.relkind = 'r' AND col_description(c.oid, a.attnum) IS NULL
ORDER BY 1, 2;

-- comments are phrases: no capital, no period, one line
SELECT object, d.description FROM member m
JOIN pg_description d ON d.classoid = m.classid AND d.objoid = m.objid
WHERE d.description !~ '^([a-z]|SQL)' OR d.description ~ '\.$|\n'
ORDER BY 1;

-- PUBLIC has nothing
SELECT p.oid::regprocedure FROM pg_proc p JOIN member m ON m.objid = p.oid
	AND m.classid = 'pg_proc'::regclass
WHERE EXISTS (SELECT FROM aclexplode(coalesce(p.proacl,
		acldefault('f', p.proowner))) a WHERE a.grantee = 0)
ORDER BY 1;
SELECT c.oid::regclass FROM pg_class c JOIN member m ON m.objid = c.oid
	AND m.classid = 'pg_class'::regclass
WHERE EXISTS (SELECT FROM aclexplode(coalesce(c.relacl,
		acldefault(CASE c.relkind WHEN 'S' THEN 's' ELSE 'r' END::"char", c.relowner))) a
	WHERE a.grantee = 0)
ORDER BY 1;
SELECT nspname FROM pg_namespace n WHERE nspname = 'pgmigrate'
	AND EXISTS (SELECT FROM aclexplode(coalesce(n.nspacl,
		acldefault('n', n.nspowner))) a WHERE a.grantee = 0);

-- functions are in C, run with the rights of the caller, and say what they are
SELECT p.oid::regprocedure FROM pg_proc p JOIN member m ON m.objid = p.oid
	AND m.classid = 'pg_proc'::regclass
WHERE p.prosecdef OR p.prolang <> (SELECT oid FROM pg_language WHERE lanname = 'c')
ORDER BY 1;
-- what is volatile writes, or asks for what is true now
SELECT p.oid::regprocedure, p.provolatile, p.proparallel FROM pg_proc p
JOIN member m ON m.objid = p.oid AND m.classid = 'pg_proc'::regclass
WHERE (p.provolatile = 'v') <> (p.proparallel = 'u')
ORDER BY 1;
-- every parameter has a name
SELECT p.oid::regprocedure FROM pg_proc p JOIN member m ON m.objid = p.oid
	AND m.classid = 'pg_proc'::regclass
WHERE p.pronargs > 0 AND (p.proargnames IS NULL OR '' = ANY (p.proargnames))
ORDER BY 1;

-- pg_dump takes all rows of every table, and every sequence; but for the outbox:
-- what a restored database did elsewhere, people have been told of; and it must
-- not read the one that is always empty, by which a reading of the metrics is
-- known
SELECT m.object FROM member m
JOIN pg_class c ON c.oid = m.objid AND m.classid = 'pg_class'::regclass
WHERE c.relkind IN ('r', 'S') AND c.oid <> ALL (
	SELECT unnest(extconfig) FROM pg_extension WHERE extname = 'pgmigrate')
	AND c.relname NOT LIKE 'event%'
ORDER BY 1;
SELECT extcondition FROM pg_extension
WHERE extname = 'pgmigrate' AND '' <> ANY (extcondition);

-- rows of every table can be changed where a publication has all tables
SELECT c.oid::regclass FROM pg_class c
WHERE c.relnamespace = 'pgmigrate'::regnamespace AND c.relkind = 'r' AND c.relreplident <> 'f'
	AND NOT EXISTS (SELECT FROM pg_index i WHERE i.indrelid = c.oid AND i.indisprimary)
	AND c.relname <> 'metrics_marker'
ORDER BY 1;

-- members depend on each other and on pg_catalog only
SELECT m.object, pg_describe_object(d.refclassid, d.refobjid, d.refobjsubid) AS on
FROM member m JOIN pg_depend d ON d.classid = m.classid AND d.objid = m.objid
WHERE d.deptype <> 'e' AND d.refobjid >= 16384
	AND NOT EXISTS (SELECT FROM member r
		WHERE r.classid = d.refclassid AND r.objid = d.refobjid)
ORDER BY 1, 2;

-- the schema cannot be moved, nor the extension be taken by a lesser role
SELECT e.extrelocatable, n.nspname FROM pg_extension e
JOIN pg_namespace n ON n.oid = e.extnamespace WHERE e.extname = 'pgmigrate';
SELECT DISTINCT superuser, trusted FROM pg_available_extension_versions
WHERE name = 'pgmigrate';

-- an operator gets every function but these, which are for the owner
CREATE ROLE regress_pgmigrate_operator;
SELECT count(*) > 20 AS many
FROM pgmigrate.grant_access('regress_pgmigrate_operator', 'operator');
SELECT p.oid::regprocedure FROM pg_proc p JOIN member m ON m.objid = p.oid
	AND m.classid = 'pg_proc'::regclass
WHERE NOT has_function_privilege('regress_pgmigrate_operator', p.oid, 'EXECUTE')
ORDER BY 1;
-- and reads every table but this, and writes none
SELECT c.oid::regclass FROM pg_class c JOIN member m ON m.objid = c.oid
	AND m.classid = 'pg_class'::regclass
WHERE c.relkind IN ('r', 'v')
	AND NOT has_table_privilege('regress_pgmigrate_operator', c.oid, 'SELECT')
ORDER BY 1;
SELECT c.oid::regclass FROM pg_class c JOIN member m ON m.objid = c.oid
	AND m.classid = 'pg_class'::regclass
WHERE CASE c.relkind WHEN 'S'
	THEN has_sequence_privilege('regress_pgmigrate_operator', c.oid, 'USAGE, UPDATE')
	ELSE has_table_privilege('regress_pgmigrate_operator', c.oid,
		'INSERT, UPDATE, DELETE, TRUNCATE, REFERENCES, TRIGGER') END
ORDER BY 1;
-- a right to write would be of no use: 62 is each kind of write, before it, by
-- statement; A is also where session_replication_role is set
SELECT c.oid::regclass FROM pg_class c JOIN member m ON m.objid = c.oid
	AND m.classid = 'pg_class'::regclass
WHERE c.relkind IN ('r', 'p', 'f') AND NOT EXISTS (SELECT FROM pg_trigger t
	WHERE t.tgrelid = c.oid AND t.tgenabled = 'A' AND t.tgtype = 62
		AND t.tgqual IS NULL AND t.tgattr = ''
		AND t.tgfoid = 'pgmigrate.check_writer'::regproc)
ORDER BY 1;
DROP OWNED BY regress_pgmigrate_operator;
DROP ROLE regress_pgmigrate_operator;

-- settings are described in sentences, and no others can be made up
SELECT name, short_desc, extra_desc FROM pg_settings
WHERE name LIKE 'pgmigrate.%'
	AND (short_desc !~ '^[A-Z].*\.$' OR extra_desc !~ '\.$')
ORDER BY 1;
SET pgmigrate.no_such_setting = 1;
SET pgmigrate.execution = 'client';
DROP VIEW member;

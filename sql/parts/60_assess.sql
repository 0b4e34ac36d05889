-- what SQL and revisions will do, before they do it

CREATE FUNCTION pgmigrate.lint(
	sql text,
	trial boolean DEFAULT true,
	OUT revision text,
	OUT statement integer,
	OUT sql text,
	OUT rule text,
	OUT level text,
	OUT relation text,
	OUT lock_mode text,
	OUT rewrites boolean,
	OUT scans boolean,
	OUT message text,
	OUT hint text,
	OUT strategy text,
	OUT details jsonb
) RETURNS SETOF record
AS 'MODULE_PATHNAME', 'pgmigrate_lint'
LANGUAGE C VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION pgmigrate.lint(text, boolean) IS
'tell which locks each statement takes, whether it rewrites or scans, and what the rules find; tried on empty clones of the tables, of which nothing remains';

CREATE FUNCTION pgmigrate.assess(
	target text DEFAULT 'head',
	trial boolean DEFAULT true,
	OUT revision text,
	OUT statement integer,
	OUT sql text,
	OUT rule text,
	OUT level text,
	OUT relation text,
	OUT lock_mode text,
	OUT rewrites boolean,
	OUT scans boolean,
	OUT message text,
	OUT hint text,
	OUT strategy text,
	OUT details jsonb
) RETURNS SETOF record
AS 'MODULE_PATHNAME', 'pgmigrate_assess'
LANGUAGE C VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION pgmigrate.assess(text, boolean) IS
'the same as lint() for all statements that an upgrade to the target would run';

CREATE FUNCTION pgmigrate.lint_rules(
	OUT rule text,
	OUT level text,
	OUT title text,
	OUT since integer,
	OUT until integer,
	OUT why text,
	OUT safe text
) RETURNS SETOF record
AS 'MODULE_PATHNAME', 'pgmigrate_lint_rules'
LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION pgmigrate.lint_rules() IS
'the rules that lint() and assess() know';

REVOKE ALL ON FUNCTION pgmigrate.lint(text, boolean) FROM PUBLIC;
REVOKE ALL ON FUNCTION pgmigrate.assess(text, boolean) FROM PUBLIC;
REVOKE ALL ON FUNCTION pgmigrate.lint_rules() FROM PUBLIC;

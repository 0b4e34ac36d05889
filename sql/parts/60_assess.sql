-- what SQL and revisions will do, before they do it

CREATE FUNCTION pgmigrate.lint(
	sql text,
	trial boolean DEFAULT true
) RETURNS TABLE (
	revision text,
	statement integer,
	sql text,
	rule text,
	level text,
	relation text,
	lock_mode text,
	rewrites boolean,
	scans boolean,
	message text,
	hint text,
	strategy text,
	details jsonb
)
AS 'MODULE_PATHNAME', 'pgmigrate_lint'
LANGUAGE C VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION pgmigrate.lint(text, boolean) IS
'tell which locks each statement takes, whether it rewrites or scans, and what the rules find; tried on empty clones of the tables, of which nothing remains';

CREATE FUNCTION pgmigrate.assess(
	target text DEFAULT 'head',
	direction text DEFAULT 'upgrade',
	trial boolean DEFAULT true
) RETURNS TABLE (
	revision text,
	statement integer,
	sql text,
	rule text,
	level text,
	relation text,
	lock_mode text,
	rewrites boolean,
	scans boolean,
	message text,
	hint text,
	strategy text,
	details jsonb
)
AS 'MODULE_PATHNAME', 'pgmigrate_assess'
LANGUAGE C VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION pgmigrate.assess(text, text, boolean) IS
'the same as lint() for all statements that an upgrade or downgrade to the target would run';

CREATE FUNCTION pgmigrate.check_target(
	target text DEFAULT 'head',
	fail_on text DEFAULT 'danger'
) RETURNS void
AS 'MODULE_PATHNAME', 'pgmigrate_check_target'
LANGUAGE C VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION pgmigrate.check_target(text, text) IS
'assess an upgrade to the target and raise an error with the findings of the level fail_on (info, warning or danger) or above, if there are any; for continuous integration';

CREATE FUNCTION pgmigrate.lint_rules() RETURNS TABLE (
	rule text,
	level text,
	title text,
	since integer,
	until integer,
	why text,
	safe text
)
AS 'MODULE_PATHNAME', 'pgmigrate_lint_rules'
LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION pgmigrate.lint_rules() IS
'the rules that lint() and assess() know';

REVOKE ALL ON FUNCTION pgmigrate.lint(text, boolean) FROM PUBLIC;
REVOKE ALL ON FUNCTION pgmigrate.assess(text, text, boolean) FROM PUBLIC;
REVOKE ALL ON FUNCTION pgmigrate.check_target(text, text) FROM PUBLIC;
REVOKE ALL ON FUNCTION pgmigrate.lint_rules() FROM PUBLIC;

CREATE FUNCTION pgmigrate.trial_method(argument internal) RETURNS table_am_handler
AS 'MODULE_PATHNAME', 'pgmigrate_trial_method'
LANGUAGE C STRICT;
COMMENT ON FUNCTION pgmigrate.trial_method(internal) IS
'handler of the access method pgmigrate_trial';
REVOKE ALL ON FUNCTION pgmigrate.trial_method(internal) FROM PUBLIC;

CREATE ACCESS METHOD pgmigrate_trial TYPE TABLE
HANDLER pgmigrate.trial_method;
COMMENT ON ACCESS METHOD pgmigrate_trial IS
'of the empty copies that statements are tried on: heap without TOAST tables';

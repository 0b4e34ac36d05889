/*
 * What the output of script() calls.  They keep the same ledger for SQL that
 * psql runs as upgrade() keeps for SQL that it runs itself.
 */
CREATE FUNCTION pgmigrate.script_begin(command text, target text, heads text[], revisions text[], digests text[])
RETURNS bigint
AS 'MODULE_PATHNAME', 'pgmigrate_script_begin'
LANGUAGE C VOLATILE STRICT PARALLEL UNSAFE;
COMMENT ON FUNCTION pgmigrate.script_begin(text, text, text[], text[], text[]) IS
'begin the run of a script made by script(); refuses when the ledger is not where the script begins';

CREATE FUNCTION pgmigrate.script_statement(revision text, statement integer)
RETURNS void
AS 'MODULE_PATHNAME', 'pgmigrate_script_statement'
LANGUAGE C VOLATILE STRICT PARALLEL UNSAFE;
COMMENT ON FUNCTION pgmigrate.script_statement(text, integer) IS
'record in the run of a script that a statement begins; statement by statement revisions only';

CREATE FUNCTION pgmigrate.script_locks(revision text, first integer, last integer)
RETURNS void
AS 'MODULE_PATHNAME', 'pgmigrate_script_locks'
LANGUAGE C VOLATILE STRICT PARALLEL UNSAFE;
COMMENT ON FUNCTION pgmigrate.script_locks(text, integer, integer) IS
'take the locks of statements of the next revision as a run does, in the transaction of the script that calls it';

CREATE FUNCTION pgmigrate.script_step(revision text)
RETURNS void
AS 'MODULE_PATHNAME', 'pgmigrate_script_step'
LANGUAGE C VOLATILE STRICT PARALLEL UNSAFE;
COMMENT ON FUNCTION pgmigrate.script_step(text) IS
'verify a revision and record in the run of a script that its SQL ran';

CREATE FUNCTION pgmigrate.script_end()
RETURNS void
AS 'MODULE_PATHNAME', 'pgmigrate_script_end'
LANGUAGE C VOLATILE STRICT PARALLEL UNSAFE;
COMMENT ON FUNCTION pgmigrate.script_end() IS
'end the run of a script';

REVOKE ALL ON FUNCTION pgmigrate.script_begin(text, text, text[], text[], text[]) FROM PUBLIC;
REVOKE ALL ON FUNCTION pgmigrate.script_statement(text, integer) FROM PUBLIC;
REVOKE ALL ON FUNCTION pgmigrate.script_locks(text, integer, integer) FROM PUBLIC;
REVOKE ALL ON FUNCTION pgmigrate.script_step(text) FROM PUBLIC;
REVOKE ALL ON FUNCTION pgmigrate.script_end() FROM PUBLIC;

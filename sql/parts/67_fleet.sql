/* Many databases of the cluster, or many schemas of one. */

CREATE FUNCTION pgmigrate.fleet(
	target text DEFAULT 'head',
	databases text[] DEFAULT NULL,
	at_once integer DEFAULT 4,
	canary integer DEFAULT 1,
	stop_on_failure boolean DEFAULT true,
	allow text[] DEFAULT '{}',
	reason text DEFAULT NULL,
	schemas text[] DEFAULT NULL
) RETURNS TABLE (
	database text,
	wave integer,
	state text,
	steps integer,
	duration interval,
	heads text[],
	error text,
	schema text
)
AS 'MODULE_PATHNAME', 'pgmigrate_fleet'
LANGUAGE C VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION pgmigrate.fleet(text, text[], integer, integer, boolean, text[], text, text[]) IS
'upgrade many databases of the cluster, by default all that have pgmigrate, several at a time and the canaries first; or schemas of this one, one after the other; a later call goes on where this one has stopped';

REVOKE ALL ON FUNCTION pgmigrate.fleet(text, text[], integer, integer, boolean, text[], text, text[]) FROM PUBLIC;

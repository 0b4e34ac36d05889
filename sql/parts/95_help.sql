/* What there is, for people: not what scripts and the other parts call. */

CREATE VIEW pgmigrate.help AS
SELECT o.name, o.description, o.kind, o.usage
FROM (
	SELECT 1 AS place, 'function' AS kind, p.proname::pg_catalog.text AS name,
		pg_catalog.format('%s(%s)', p.proname,
			pg_catalog.array_to_string(p.proargnames[1:p.pronargs], ', ')) AS usage,
		pg_catalog.obj_description(p.oid, 'pg_proc') AS description
	FROM pg_catalog.pg_proc AS p
	WHERE p.pronamespace OPERATOR(pg_catalog.=)
			(SELECT n.oid FROM pg_catalog.pg_namespace AS n
			WHERE n.nspname OPERATOR(pg_catalog.=) 'pgmigrate')
		AND p.prorettype OPERATOR(pg_catalog.<>)
			ALL (ARRAY['pg_catalog.trigger', 'pg_catalog.table_am_handler']::regtype[])
		AND p.proname OPERATOR(pg_catalog.<>) ALL (ARRAY['capture_ddl', 'run_state',
			'revision_digest', 'script_begin', 'script_end', 'script_locks',
			'script_statement', 'script_step', 'system_identifier',
			'wait_before_drop', 'wait_for_run']::name[])
	UNION ALL
	SELECT 2, 'view', c.relname::pg_catalog.text,
		'pgmigrate.' OPERATOR(pg_catalog.||) c.relname::pg_catalog.text,
		pg_catalog.obj_description(c.oid, 'pg_class')
	FROM pg_catalog.pg_class AS c
	WHERE c.relnamespace OPERATOR(pg_catalog.=)
			(SELECT n.oid FROM pg_catalog.pg_namespace AS n
			WHERE n.nspname OPERATOR(pg_catalog.=) 'pgmigrate')
		AND c.relkind OPERATOR(pg_catalog.=) 'v'
		AND c.relname OPERATOR(pg_catalog.<>) 'applied'
) AS o
ORDER BY o.place, o.name;
COMMENT ON VIEW pgmigrate.help IS
'what there is: functions and views with a line on each';

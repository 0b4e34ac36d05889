-- reference.sql
--	  doc/reference.md, made from the catalog; for tools/reference.sh.

SET client_min_messages = warning;
CREATE EXTENSION pgmigrate;

\qecho '# Reference'
\qecho
\qecho 'Made by tools/reference.sh from the comments of the objects; `\\df+ pgmigrate.*` and `\\d+` show the same.'
\qecho
\qecho '## Functions'
\qecho

SELECT format(E'### %s\n\n    %s(%s)%s\n\n%s.\n',
	p.proname, p.proname,
	CASE WHEN length(args.input) > 60
		THEN E'\n        ' || replace(args.input, ', ', E',\n        ')
		ELSE args.input END,
	CASE WHEN args.output IS NOT NULL
		THEN E'\n    returns ' || CASE WHEN p.proretset THEN 'rows ' ELSE '' END ||
			'(' || args.output || ')'
		ELSE E'\n    returns ' || CASE WHEN p.proretset THEN 'rows of ' ELSE '' END ||
			format_type(p.prorettype, NULL) END,
	upper(left(obj_description(p.oid, 'pg_proc'), 1)) ||
		substr(obj_description(p.oid, 'pg_proc'), 2))
FROM pg_proc p,
	LATERAL (
		SELECT string_agg(a.text || a.value, ', ' ORDER BY a.n)
				FILTER (WHERE a.mode IN ('i', 'b', 'v')) AS input,
			string_agg(a.text, ', ' ORDER BY a.n)
				FILTER (WHERE a.mode IN ('o', 'b', 't')) AS output
		FROM (
			SELECT m.n, m.mode,
				quote_ident(p.proargnames[m.n]) || ' ' ||
					format_type(m.type, NULL) AS text,
					CASE WHEN m.mode IN ('i', 'b') AND
							pg_get_function_arg_default(p.oid, m.n::integer) IS NOT NULL
						THEN ' = ' || regexp_replace(
							pg_get_function_arg_default(p.oid, m.n::integer),
							'::[a-z ]+(\[\])?$', '')
						ELSE '' END AS value
			FROM unnest(coalesce(p.proallargtypes, p.proargtypes::oid[]),
					coalesce(p.proargmodes,
						array_fill('i'::"char", ARRAY[p.pronargs::integer])))
				WITH ORDINALITY AS m (type, mode, n)
			WHERE m.n IS NOT NULL AND m.type IS NOT NULL
		) AS a
	) AS args
WHERE p.pronamespace = 'pgmigrate'::regnamespace
ORDER BY p.proname, p.oid;

\qecho '## Tables and views'
\qecho

SELECT format(E'### %s (%s)\n\n%s.\n\n| column | type | |\n| --- | --- | --- |\n%s\n',
	c.relname, CASE c.relkind WHEN 'v' THEN 'view' ELSE 'table' END,
	upper(left(obj_description(c.oid, 'pg_class'), 1)) ||
		substr(obj_description(c.oid, 'pg_class'), 2),
	(SELECT string_agg(format('| `%s` | %s | %s |', a.attname,
			format_type(a.atttypid, a.atttypmod),
			coalesce(col_description(c.oid, a.attnum), '')), E'\n'
			ORDER BY a.attnum)
		FROM pg_attribute a
		WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped))
FROM pg_class c
WHERE c.relnamespace = 'pgmigrate'::regnamespace AND c.relkind IN ('r', 'v')
ORDER BY c.relkind DESC, c.relname;

\qecho '## Settings'
\qecho

-- the library defines them when it is loaded
LOAD 'pgmigrate';
SELECT E'| setting | default | context | |\n| --- | --- | --- | --- |';
SELECT format('| `%s` | `%s` | %s | %s |', name,
	coalesce(boot_val, '') || coalesce(unit, ''), context,
	short_desc || coalesce('  ' || extra_desc, ''))
FROM pg_settings
WHERE name LIKE 'pgmigrate.%'
ORDER BY name;

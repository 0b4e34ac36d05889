-- Targets, order and rows through SQL, and the pictures of a history.
SET client_min_messages = warning;
DROP EXTENSION IF EXISTS pgmigrate;
CREATE EXTENSION pgmigrate;
SET search_path = pg_catalog, public;

-- a revision of this test does nothing, and can be taken back
CREATE FUNCTION pg_temp.add(id text, parents text[], labels text[] = '{}', depends text[] = '{}')
RETURNS void LANGUAGE sql AS $$
	SELECT pgmigrate.revision('revision ' || id, 'SELECT 1', 'SELECT 1', id => id,
		down_revision => parents, splice => true, branch_labels => labels,
		depends_on => depends)
$$;
-- a command, the revisions it ran, and the rows it left; or its error
CREATE FUNCTION pg_temp.run(command text, target text,
	OUT ran text, OUT heads text) LANGUAGE plpgsql AS $$
DECLARE
	code text;
	message text;
	detail text;
	hint text;
BEGIN
	EXECUTE format('SELECT string_agg(CASE direction WHEN ''up'' THEN ''+'' '
		'WHEN ''down'' THEN ''-'' ELSE ''='' END || revision, '' '' ORDER BY step) '
		'FROM pgmigrate.%I(%L)', command, target) INTO ran;
	SELECT string_agg(revision, ',' ORDER BY revision COLLATE "C") INTO heads
	FROM pgmigrate.head;
EXCEPTION WHEN OTHERS THEN
	GET STACKED DIAGNOSTICS code = RETURNED_SQLSTATE,
		message = MESSAGE_TEXT, detail = PG_EXCEPTION_DETAIL,
		hint = PG_EXCEPTION_HINT;
	ran := code || ': ' || message
		|| CASE WHEN detail <> '' THEN E'\n' || detail ELSE '' END
		|| CASE WHEN hint <> '' THEN E'\n' || hint ELSE '' END;
	SELECT string_agg(revision, ',' ORDER BY revision COLLATE "C") INTO heads
	FROM pgmigrate.head;
END
$$;

-- a chain
SELECT pg_temp.add('a', '{}'), pg_temp.add('b', '{a}'), pg_temp.add('c', '{b}'),
	pg_temp.add('d', '{c}'), pg_temp.add('e', '{d}') \g (tuples_only format=unaligned)
SELECT * FROM pg_temp.run('upgrade', 'b');
SELECT * FROM pg_temp.run('upgrade', '+2');
SELECT * FROM pg_temp.run('upgrade', 'b');
SELECT * FROM pg_temp.run('upgrade', '+2');
SELECT * FROM pg_temp.run('upgrade', 'head');
SELECT * FROM pg_temp.run('upgrade', 'head');
SELECT * FROM pg_temp.run('downgrade', 'c-1');
SELECT * FROM pg_temp.run('downgrade', 'd');
SELECT * FROM pg_temp.run('downgrade', '-3');
SELECT * FROM pg_temp.run('downgrade', '+1');
SELECT * FROM pg_temp.run('upgrade', '-1');
SELECT * FROM pg_temp.run('upgrade', '+0');
SELECT * FROM pg_temp.run('upgrade', '+9');
SELECT * FROM pg_temp.run('upgrade', 'b+1');
SELECT * FROM pg_temp.run('upgrade', 'head+1');
SELECT * FROM pg_temp.run('upgrade', 'b+1zz');
SELECT * FROM pg_temp.run('upgrade', 'a:c');
SELECT * FROM pg_temp.run('upgrade', '');
SELECT * FROM pg_temp.run('upgrade', NULL);
SELECT * FROM pg_temp.run('upgrade', 'nowhere');
SELECT * FROM pg_temp.run('upgrade', 'nowhere@head');
SELECT * FROM pg_temp.run('upgrade', 'base');
SELECT * FROM pg_temp.run('downgrade', '-1');
SELECT * FROM pg_temp.run('downgrade', 'base');
SELECT * FROM pg_temp.run('downgrade', 'base');
SELECT * FROM pg_temp.run('downgrade', '-1');

-- a fork with labels
TRUNCATE pgmigrate.revision, pgmigrate.applied;
SELECT pg_temp.add('a', '{}'), pg_temp.add('b', '{a}'),
	pg_temp.add('c1', '{b}', '{left}'), pg_temp.add('d1', '{c1}'),
	pg_temp.add('c2', '{b}', '{right}'), pg_temp.add('d2', '{c2}') \g (tuples_only format=unaligned)
SELECT * FROM pg_temp.run('upgrade', 'head');
SELECT * FROM pg_temp.run('upgrade', 'left@head');
SELECT * FROM pg_temp.run('upgrade', 'right@+1');
SELECT * FROM pg_temp.run('upgrade', 'right@d1');
SELECT * FROM pg_temp.run('upgrade', '+1');
SELECT * FROM pg_temp.run('upgrade', 'heads');
SELECT * FROM pg_temp.run('downgrade', '-1');
SELECT * FROM pg_temp.run('downgrade', 'left@b');
SELECT * FROM pg_temp.run('upgrade', 'b+1');
SELECT * FROM pg_temp.run('upgrade', 'left@b+1');
SELECT * FROM pg_temp.run('downgrade', 'left@-1');
SELECT * FROM pg_temp.run('upgrade', 'heads');
SELECT * FROM pg_temp.run('downgrade', 'b');
SELECT * FROM pg_temp.run('upgrade', 'left');
SELECT * FROM pg_temp.run('upgrade', 'rig');
SELECT * FROM pg_temp.run('downgrade', 'right@base');

-- a merge
TRUNCATE pgmigrate.revision, pgmigrate.applied;
SELECT pg_temp.add('a', '{}'), pg_temp.add('b1', '{a}'), pg_temp.add('b2', '{a}'),
	pg_temp.add('m', '{b1,b2}'), pg_temp.add('e', '{m}') \g (tuples_only format=unaligned)
SELECT * FROM pg_temp.run('upgrade', 'b1');
SELECT * FROM pg_temp.run('upgrade', 'head');
SELECT * FROM pg_temp.run('downgrade', '-1');
SELECT * FROM pg_temp.run('downgrade', '-1');
SELECT * FROM pg_temp.run('downgrade', 'b1@a');
SELECT * FROM pg_temp.run('upgrade', 'm');
SELECT * FROM pg_temp.run('downgrade', 'b1');
SELECT * FROM pg_temp.run('downgrade', 'base');

-- two trees, one of which depends on the other
TRUNCATE pgmigrate.revision, pgmigrate.applied;
SELECT pg_temp.add('x1', '{}'), pg_temp.add('x2', '{x1}'), pg_temp.add('x3', '{x2}'),
	pg_temp.add('y1', '{}'), pg_temp.add('y2', '{y1}', depends => '{x2}'),
	pg_temp.add('y3', '{y2}') \g (tuples_only format=unaligned)
SELECT * FROM pg_temp.run('upgrade', 'y3');
SELECT * FROM pg_temp.run('downgrade', 'y1');
SELECT * FROM pg_temp.run('upgrade', 'heads');
SELECT * FROM pg_temp.run('downgrade', 'x2');
SELECT * FROM pg_temp.run('downgrade', 'y3');
SELECT * FROM pg_temp.run('downgrade', 'x2');

-- prefixes
TRUNCATE pgmigrate.revision, pgmigrate.applied, pgmigrate.head;
SELECT pg_temp.add('abc1', '{}'), pg_temp.add('abc2', '{abc1}'), pg_temp.add('abd3', '{abc2}') \g (tuples_only format=unaligned)
SELECT * FROM pg_temp.run('upgrade', 'abc');
SELECT * FROM pg_temp.run('upgrade', 'ABC1');
SELECT * FROM pg_temp.run('upgrade', 'abd');

-- a row without a stored revision
INSERT INTO pgmigrate.head (revision) VALUES ('gone');
SELECT * FROM pg_temp.run('upgrade', 'head');
SELECT revision, message, is_head FROM pgmigrate.current();
DELETE FROM pgmigrate.head WHERE revision = 'gone';

-- a graph that was broken by hand
UPDATE pgmigrate.revision SET down_revision = '{abd3}' WHERE id = 'abc1';
SELECT * FROM pg_temp.run('upgrade', 'abd3');
UPDATE pgmigrate.revision SET down_revision = '{lost}' WHERE id = 'abc1';
SELECT * FROM pg_temp.run('upgrade', 'abd3');
SELECT * FROM pgmigrate.graph();

-- looking
TRUNCATE pgmigrate.revision, pgmigrate.applied, pgmigrate.head, pgmigrate.run, pgmigrate.run_step, pgmigrate.run_error;
SELECT * FROM pgmigrate.current();
SELECT * FROM pgmigrate.heads();
SELECT * FROM pgmigrate.branches();
SELECT * FROM pgmigrate.history();
SELECT * FROM pgmigrate.graph();
SELECT * FROM pgmigrate.graph('dot');
SELECT * FROM pgmigrate.graph('mermaid');
SELECT pgmigrate.revision('create table users', 'SELECT 1', 'SELECT 1', id => '0001');
SELECT pgmigrate.revision('add column users.phone, which is the number that a person can be called at, without blanks', 'SELECT 1', 'SELECT 1', id => '0002', down_revision => '{0001}', branch_labels => '{users}');
SELECT pgmigrate.revision('create table "settings"', 'SELECT 1', 'SELECT 1', id => '0003', down_revision => '{0001}', splice => true, branch_labels => '{settings,flags}');
SELECT pgmigrate.revision('settings.flag: boolean, not integer', 'SELECT 1/0', 'SELECT 1', id => '0004', down_revision => '{0003}');
SELECT pgmigrate.merge(message => 'join', id => '0005');
SELECT pgmigrate.revision('größer', 'SELECT 1', 'SELECT 1', id => '0006_ä');
SELECT pgmigrate.revision('reports', 'SELECT 1', 'SELECT 1', id => 'r1', down_revision => '{}', depends_on => '{users}', branch_labels => '{reports}');
SELECT * FROM pg_temp.run('upgrade', '0002');
SELECT * FROM pg_temp.run('upgrade', '0003');
SELECT step, revision, state FROM pgmigrate.upgrade('0004');
SELECT revision, message, is_head, branch_labels FROM pgmigrate.current();
SELECT * FROM pgmigrate.heads();
SELECT * FROM pgmigrate.branches();
SELECT revision, down_revision, left(message, 30) AS message, state, mark,
	applied_at IS NOT NULL AS applied FROM pgmigrate.history();
SELECT revision, mark FROM pgmigrate.history('0003:heads');
SELECT revision, mark FROM pgmigrate.history('0001:0003');
SELECT revision, mark FROM pgmigrate.history('base:current');
SELECT revision, mark FROM pgmigrate.history('0002:0003');
SELECT revision, mark FROM pgmigrate.history('0003');
SELECT revision, mark FROM pgmigrate.history('nowhere:');
SELECT revision, state, is_current, down_revision, depends_on FROM pgmigrate.revisions;
SELECT graph AS "text" FROM pgmigrate.graph();
SELECT graph AS "dot" FROM pgmigrate.graph('dot');
SELECT graph AS "mermaid" FROM pgmigrate.graph('mermaid');
SELECT pgmigrate.graph('png');
\echo :LAST_ERROR_SQLSTATE
SELECT pgmigrate.graph(NULL);

-- hostile messages and ids
TRUNCATE pgmigrate.revision, pgmigrate.applied, pgmigrate.head, pgmigrate.run, pgmigrate.run_step, pgmigrate.run_error;
SELECT pgmigrate.revision(E'two\nlines, \\ a backslash, "quotes" and a tab\t.', 'SELECT 1', id => 'it''s"1"\n');
SELECT pgmigrate.revision(E'\\! echo hello', 'SELECT 1', id => '</script><b>');
SELECT pgmigrate.revision(E'<img src=x onerror=alert(1)> #quot; ]] --> %% {{', 'SELECT 1', id => '[x](y)', branch_labels => '{"\"];evil","<i>"}');
SELECT pgmigrate.revision(E'escape \x1b[31mred\x1b[0m and bell \x07', 'SELECT 1', id => '$$;');
SELECT graph AS "text" FROM pgmigrate.graph();
SELECT graph AS "dot" FROM pgmigrate.graph('dot');
SELECT graph AS "mermaid" FROM pgmigrate.graph('mermaid');

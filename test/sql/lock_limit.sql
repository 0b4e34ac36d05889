/*
 * What limit the statements of a run have for their own waits: ours, which for
 * who only changes rows is the deadline; unless the session has a smaller one
 * or the revision sets one itself.
 */
SET client_min_messages = warning;
DROP EXTENSION IF EXISTS pgmigrate;
CREATE EXTENSION pgmigrate;
CREATE SCHEMA lim;
SET search_path = lim;
SET pgmigrate.lock_timeout = '700ms';
SET pgmigrate.lock_deadline = '11min';
CREATE TABLE seen (id text, value text);
CREATE TABLE t (a int);
CREATE FUNCTION lim.note(id text) RETURNS void LANGUAGE sql AS $$INSERT INTO lim.seen VALUES (id, current_setting('lock_timeout'))$$;
SELECT pgmigrate.revision('strong', 'ALTER TABLE lim.t ADD b int; SELECT lim.note(''strong'')', 'ALTER TABLE lim.t DROP b', id => 'a');
SELECT pgmigrate.revision('weak', 'INSERT INTO lim.seen VALUES (''weak'', current_setting(''lock_timeout''))', 'SELECT', id => 'b');
SELECT pgmigrate.revision('share', 'LOCK TABLE lim.t IN SHARE MODE; INSERT INTO lim.seen VALUES (''share'', current_setting(''lock_timeout''))', 'SELECT', id => 'd');
SELECT pgmigrate.revision('own', 'SET lock_timeout = ''5ms''; SELECT lim.note(''own'')', 'SELECT', id => 'c');
SELECT revision, state FROM pgmigrate.upgrade();
TABLE seen;
TRUNCATE seen;
SELECT count(*) FROM pgmigrate.downgrade('base');

SET lock_timeout = '300ms';
SELECT revision, state FROM pgmigrate.upgrade();
TABLE seen;
TRUNCATE seen;
SELECT count(*) FROM pgmigrate.downgrade('base');

SET lock_timeout = '1h';
SELECT revision, state FROM pgmigrate.upgrade();
TABLE seen;

RESET lock_timeout;
DROP SCHEMA lim CASCADE;
DROP EXTENSION pgmigrate;
CREATE EXTENSION pgmigrate;

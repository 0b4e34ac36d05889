-- verify(): what was verified once is looked at again.
SET client_min_messages = warning;
DROP EXTENSION IF EXISTS pgmigrate;
CREATE EXTENSION pgmigrate;
CREATE SCHEMA ver;
SET search_path = ver;
SET pgmigrate.execution = inline;

SELECT pgmigrate.revision('users', 'CREATE TABLE users (id int PRIMARY KEY, email text)',
	'DROP TABLE users', id => 'v1', verify => 'SELECT count(*) = 0 AS empty FROM users;
SELECT count(*) >= 0 AS many, bool_and(email IS NOT NULL) IS NOT false AS emails FROM users');
SELECT pgmigrate.revision('no checks', 'CREATE TABLE logs ()', 'DROP TABLE logs', id => 'v2');
SELECT pgmigrate.revision('elsewhere', 'SET search_path = ver2; CREATE TABLE t (x int)',
	id => 'v3', verify => 'SELECT count(*) = 0 AS ok FROM t');
SELECT pgmigrate.revision('not applied', 'SELECT 1', id => 'v4', verify => 'SELECT true');
CREATE SCHEMA ver2;
-- nothing is applied yet
SELECT * FROM pgmigrate.verify();
SELECT * FROM pgmigrate.verify('v1');
SELECT count(*) FROM pgmigrate.upgrade('v3');
SELECT * FROM pgmigrate.verify();
-- later
INSERT INTO users VALUES (1, NULL);
SELECT * FROM pgmigrate.verify();
SELECT * FROM pgmigrate.verify('v3');
SELECT * FROM pgmigrate.verify('v1:v3');
SELECT * FROM pgmigrate.verify('v2');
SELECT * FROM pgmigrate.verify('v4');
SELECT * FROM pgmigrate.verify('nowhere');
-- the names of the caller are those of the caller again
SHOW search_path;
DROP TABLE ver2.t;
SELECT * FROM pgmigrate.verify('v3');
ALTER TABLE users DROP COLUMN email;
SELECT * FROM pgmigrate.verify('v1');
-- it takes no lock and releases none
SELECT pgmigrate.revision('locks', 'SELECT 1', id => 'v5', down_revision => '{v3}', splice => true,
	verify => 'SELECT pg_advisory_unlock_all() IS NOT NULL AS ok, pg_advisory_lock(7) IS NOT NULL, pg_advisory_xact_lock(8) IS NOT NULL');
SET client_min_messages = error;
SELECT count(*) FROM pgmigrate.upgrade('v5');
SET client_min_messages = warning;
SELECT pg_advisory_unlock_all(), pg_advisory_lock(6);
SELECT revision, ok FROM pgmigrate.verify('v5');
SELECT objid FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid();
SELECT pg_advisory_unlock_all();
-- inside of a transaction, which goes on
BEGIN;
INSERT INTO users VALUES (2);
SELECT ok, detail FROM pgmigrate.verify('v1');
SELECT count(*) FROM users;
COMMIT;

-- Read only, and nothing remains.
CREATE FUNCTION ver.counts() RETURNS bool LANGUAGE plpgsql AS
$$ BEGIN INSERT INTO ver.users VALUES (99); RETURN true; END $$;
CREATE FUNCTION ver.writes() RETURNS bool LANGUAGE plpgsql AS
$$ BEGIN PERFORM set_config('transaction_read_only', 'off', true);
	INSERT INTO ver.users VALUES (98); RETURN true; END $$;
SELECT pgmigrate.revision('writes', 'SELECT 1', id => 'w1', down_revision => '{v4}', verify => 'SELECT ver.counts(); SELECT ver.writes(); SELECT true AS ok');
SELECT count(*) FROM pgmigrate.upgrade('w1');
SELECT count(*) FROM users WHERE id IN (98, 99);
SELECT * FROM pgmigrate.verify('w1');
SELECT count(*) FROM users WHERE id IN (98, 99);
SHOW transaction_read_only;

-- A cancel is one.
SELECT pgmigrate.revision('slow', 'SELECT 1', id => 's1', down_revision => '{w1}', verify => 'SELECT clock_timestamp() IS NOT NULL');
SELECT count(*) FROM pgmigrate.upgrade('s1');
CREATE FUNCTION ver.clock_timestamp() RETURNS timestamptz LANGUAGE sql AS $$ SELECT pg_sleep(60); SELECT now() $$;
SET search_path = ver, pg_catalog;
SET statement_timeout = '100ms';
SELECT * FROM pgmigrate.verify('s1');
RESET statement_timeout;
SET search_path = ver;

-- With whose rights.
CREATE ROLE regress_ver_author;
CREATE ROLE regress_ver_viewer;
SELECT count(*) > 0 AS granted FROM pgmigrate.grant_access('regress_ver_author', 'operator');
SELECT count(*) > 0 AS granted FROM pgmigrate.grant_access('regress_ver_viewer', 'viewer');
GRANT ALL ON SCHEMA ver TO regress_ver_author, regress_ver_viewer;
SET ROLE regress_ver_author;
CREATE FUNCTION ver.superb() RETURNS bool LANGUAGE plpgsql AS
$$ BEGIN RAISE WARNING 'runs as %', current_user; RESET ROLE; RETURN true; END $$;
SELECT pgmigrate.revision('theirs', 'CREATE TABLE theirs (id int)', id => 'r1', down_revision => '{}', verify => 'SELECT count(*) = 0 FROM ver.theirs');
SELECT count(*) FROM pgmigrate.upgrade('r1');
RESET ROLE;
SELECT * FROM pgmigrate.verify('r1');
SET ROLE regress_ver_viewer;
SELECT * FROM pgmigrate.verify('r1');
SET ROLE regress_ver_author;
SELECT * FROM pgmigrate.verify('r1');
RESET ROLE;
-- approved, but the role cannot be changed
SELECT pgmigrate.revision('role', 'SELECT 1', id => 'r2', down_revision => '{r1}', verify => 'SELECT ver.superb()');
SELECT count(*) FROM pgmigrate.stamp('r2, s1');
SET ROLE regress_ver_author;
SELECT * FROM pgmigrate.verify('r2');
RESET ROLE;

DROP EXTENSION pgmigrate;
DROP OWNED BY regress_ver_author, regress_ver_viewer;
DROP ROLE regress_ver_author, regress_ver_viewer;
DROP SCHEMA ver, ver2 CASCADE;

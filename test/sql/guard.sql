-- The performance guard: a change that makes queries slow is caught before
-- its commit.
SET client_min_messages = warning;
DROP EXTENSION IF EXISTS pgmigrate;
CREATE EXTENSION pgmigrate;
CREATE SCHEMA guard;
CREATE TABLE guard.orders (id int PRIMARY KEY, customer int, note text);
INSERT INTO guard.orders SELECT i, i % 5000, 'note' FROM generate_series(1, 50000) AS i;
CREATE INDEX orders_customer ON guard.orders (customer);
CREATE TABLE guard.calls (n int);
CREATE FUNCTION guard.noted() RETURNS int LANGUAGE plpgsql VOLATILE AS $$BEGIN INSERT INTO guard.calls VALUES (1); RETURN 1; END$$;
ANALYZE guard.orders;
SET pgmigrate.online = off;
SET pgmigrate.execution = 'worker';

\set VERBOSITY terse
-- nothing is watched: nothing is said
SELECT pgmigrate.revision('one', 'DROP INDEX guard.orders_customer', 'CREATE INDEX orders_customer ON guard.orders (customer)', id => 'one');
SELECT pgmigrate.revision('two', 'ALTER TABLE guard.orders ALTER customer TYPE numeric', 'ALTER TABLE guard.orders ALTER customer TYPE int', id => 'two', down_revision => '{}', splice => true);
SELECT pgmigrate.revision('three', 'ALTER TABLE guard.orders RENAME TO old_orders', 'ALTER TABLE guard.old_orders RENAME TO orders', id => 'three', down_revision => '{}', splice => true);
SELECT state FROM pgmigrate.upgrade('one');
SELECT state FROM pgmigrate.downgrade('one@base');
SELECT count(*) FROM pgmigrate.regressions();

-- what can be watched: names by the search_path of the watcher, parameters
SET search_path = guard;
SELECT pgmigrate.watch('by customer', 'SELECT * FROM orders WHERE customer = $1 AND note <> $2 OR customer = $1', '{4711, "it''s"}') > 0;
RESET search_path;
SELECT pgmigrate.watch('typed', 'SELECT count(*) FROM guard.orders WHERE customer = 4711::int') > 0;
SELECT pgmigrate.watch('write', 'UPDATE guard.orders SET note = $1 WHERE id = $2', ARRAY[NULL, '5']) > 0;
SELECT pgmigrate.watch('calls', 'SELECT guard.noted() FROM guard.orders WHERE id = 1') > 0;
SELECT pgmigrate.watch('no', 'SELECT * FROM guard.nowhere');
SELECT pgmigrate.watch('no', 'SELECT FROM');
SELECT pgmigrate.watch('no', 'DROP TABLE guard.orders');
SELECT pgmigrate.watch('no', 'SELECT 1; DROP TABLE guard.orders');
SELECT pgmigrate.watch('no', 'EXPLAIN ANALYZE DELETE FROM guard.orders');
SELECT pgmigrate.watch('no', 'SELECT * FROM guard.orders WHERE id = $1');
SELECT pgmigrate.watch('no', 'SELECT * FROM guard.orders WHERE id = $1', '{x}');
SELECT pgmigrate.watch(repeat('x', 201), 'SELECT 1');
SELECT pgmigrate.watch('no', NULL);
SELECT name, parameters, author = current_user AS mine FROM pgmigrate.watched_query ORDER BY name;

-- an index goes: told, why, and what would help
SELECT state FROM pgmigrate.upgrade('one');
SELECT revision, name, state, cost_after > cost_before * 2 AS slower, factor > 2 AS factor, cause, proposal FROM pgmigrate.regressions();
SELECT plans #>> '{before,0,Plan,Node Type}' AS before, plans #>> '{after,0,Plan,Node Type}' AS after FROM pgmigrate.regressions() WHERE name = 'by customer';
SELECT count(*) FROM pgmigrate.regressions(0);
SELECT kind, revision, payload ->> 'state' AS state, payload ->> 'name' AS name, payload ->> 'message' AS message FROM pgmigrate.events('test') WHERE kind = 'regression';
-- what it proposes is taken as it is
SELECT proposal FROM pgmigrate.regressions() WHERE name = 'typed' \gset
:proposal;
SELECT count(*) FROM pgmigrate.stamp('base');

-- refused: rolled back, with the list; no error of a query refuses
SET pgmigrate.guard = 'refuse';
\set VERBOSITY sqlstate
SELECT state FROM pgmigrate.upgrade('one');
\set VERBOSITY terse
SELECT regexp_replace(line, '\d+', '(n)', 'g') AS line FROM pgmigrate.status(), regexp_split_to_table(details ->> 'detail', '\n') AS line;
SELECT count(*) FROM pg_indexes WHERE indexname = 'orders_customer';
SELECT count(*) FROM pgmigrate.head;
-- likewise inside of a transaction
BEGIN;
SET LOCAL pgmigrate.execution = 'auto';
SELECT state FROM pgmigrate.upgrade('one');
ROLLBACK;

-- the type no longer matches; its statistics went with the change and are made
-- again, else each plan would be a bad one
SET pgmigrate.guard = 'warn';
SET client_min_messages = notice;
SELECT state FROM pgmigrate.upgrade('two');
SET client_min_messages = warning;
SELECT name, state, cause FROM pgmigrate.regressions();
SELECT count(*) > 0 AS statistics FROM pg_stats WHERE schemaname = 'guard' AND tablename = 'orders' AND attname = 'customer';
SELECT pgmigrate.watch('numeric', 'SELECT count(*) FROM guard.orders WHERE customer = 4711::numeric') > 0;
SELECT state FROM pgmigrate.downgrade('two@base');
SELECT name, state, cause, proposal FROM pgmigrate.regressions();
SELECT pgmigrate.unwatch('numeric');

-- a type that the query cannot be compared with at all
SELECT pgmigrate.revision('four', 'ALTER TABLE guard.orders ALTER customer TYPE text', NULL, id => 'four', down_revision => '{}', splice => true);
BEGIN;
SET LOCAL pgmigrate.execution = 'auto';
SELECT state FROM pgmigrate.upgrade('four');
SELECT name, state, cause, proposal FROM pgmigrate.regressions();
ROLLBACK;
SELECT pgmigrate.watch('typed', 'SELECT count(*) FROM guard.orders WHERE customer::int = 4711::int AND id > 0 OR customer = ''4711''') > 0;

-- a query whose table is gone: told, and no run is held up, not when refused
SET pgmigrate.guard = 'refuse';
SELECT state FROM pgmigrate.upgrade('three');
SELECT name, state, cost_after, cause FROM pgmigrate.regressions();
-- and told again at the next run, which it does not hold up either
SELECT state FROM pgmigrate.downgrade('three@base');
SET pgmigrate.guard = 'off';
SELECT state FROM pgmigrate.upgrade('one');
SELECT count(*) FROM pgmigrate.regressions();
SELECT state FROM pgmigrate.downgrade('one@base');
SET pgmigrate.guard = 'warn';

-- statement by statement nothing can be taken back: told
SET pgmigrate.guard = 'refuse';
SELECT pgmigrate.revision('five', 'DROP INDEX CONCURRENTLY guard.orders_customer', 'SELECT 1', id => 'five', down_revision => '{}', splice => true);
SELECT state FROM pgmigrate.upgrade('five');
SELECT name, state, cause FROM pgmigrate.regressions();
CREATE INDEX orders_customer ON guard.orders (customer);
RESET pgmigrate.guard;

-- no query was executed
SELECT count(*) FROM guard.calls;

-- of a role with fewer rights, that is gone later; one that names code of others
CREATE ROLE regress_guard;
GRANT USAGE ON SCHEMA guard TO regress_guard;
GRANT SELECT ON guard.orders TO regress_guard;
SELECT count(*) > 0 FROM pgmigrate.grant_access('regress_guard', 'author');
CREATE FUNCTION guard.folded() RETURNS int LANGUAGE plpgsql IMMUTABLE AS $$BEGIN RAISE EXCEPTION 'it ran as %', current_user; END$$;
CREATE ROLE regress_guard_other;
ALTER FUNCTION guard.folded() OWNER TO regress_guard_other;
SET ROLE regress_guard;
SELECT pgmigrate.watch('mine', 'SELECT * FROM guard.orders WHERE id = 1') > 0;
SELECT pgmigrate.watch('strange', 'SELECT * FROM guard.orders WHERE id = guard.folded()');
SELECT pgmigrate.watch('secret', 'SELECT * FROM guard.calls');
SELECT pgmigrate.watch('write', 'SELECT 1');
SELECT pgmigrate.unwatch('write');
SET pgmigrate.guard = 'off';
RESET ROLE;
SELECT pgmigrate.watch('strange', 'SELECT * FROM guard.orders WHERE id = guard.folded()');
-- its own code could keep up the runs of others, or make them fail
ALTER FUNCTION guard.folded() OWNER TO regress_guard;
CREATE OR REPLACE FUNCTION guard.folded() RETURNS int LANGUAGE plpgsql IMMUTABLE AS $$BEGIN RETURN 1; END$$;
SET ROLE regress_guard;
SELECT pgmigrate.watch('own', 'SELECT * FROM guard.orders WHERE id = guard.folded()') > 0;
RESET ROLE;
CREATE OR REPLACE FUNCTION guard.folded() RETURNS int LANGUAGE plpgsql IMMUTABLE AS $$BEGIN RAISE EXCEPTION 'cancelled' USING ERRCODE = 'query_canceled'; END$$;
SELECT pgmigrate.revision('six', 'SELECT 6', id => 'six', down_revision => '{}', splice => true);
\set VERBOSITY default
SELECT state FROM pgmigrate.upgrade('six');
\set VERBOSITY terse
SELECT pgmigrate.unwatch('own');
-- nor is more planned than a revision may have, or for longer than five seconds
SELECT pgmigrate.watch('long', format('SELECT %L', repeat('x', 17000000)));
SELECT pgmigrate.watch('long', 'SELECT ' || repeat('$1 || ', 1000) || '1', ARRAY[repeat('x', 100000)]);
CREATE OR REPLACE FUNCTION guard.folded() RETURNS int LANGUAGE plpgsql IMMUTABLE AS $$BEGIN LOOP END LOOP; END$$;
SET ROLE regress_guard;
SELECT pgmigrate.watch('slow', 'SELECT * FROM guard.orders WHERE id = guard.folded()');
RESET ROLE;
DROP OWNED BY regress_guard;
DROP OWNED BY regress_guard_other;
DROP ROLE regress_guard, regress_guard_other;
SELECT state FROM pgmigrate.upgrade('one');
SELECT pgmigrate.unwatch('mine'), pgmigrate.unwatch('mine'), pgmigrate.unwatch('typed');
SELECT state FROM pgmigrate.downgrade('one@base');

RESET pgmigrate.execution;
RESET pgmigrate.online;
DROP SCHEMA guard CASCADE;
DROP EXTENSION pgmigrate;
CREATE EXTENSION pgmigrate;

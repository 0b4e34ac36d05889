-- What assess() tells of a table's dependents, and about how long it will take.
SET client_min_messages = error;
CREATE SCHEMA blast;
CREATE SCHEMA blast2;
SET search_path = blast;
CREATE TABLE account (id int PRIMARY KEY, n int, t text) WITH (autovacuum_enabled = off);
INSERT INTO account SELECT g, g, repeat('x', 100) FROM generate_series(1, 20000) g;
CREATE TABLE "Odd ""Name" (id int PRIMARY KEY, n int REFERENCES account);
CREATE TABLE blast2.account (id int);
ANALYZE account;
-- one details object of each kind
CREATE FUNCTION details(sql text, relation text DEFAULT 'blast.account') RETURNS jsonb LANGUAGE sql AS
$$SELECT l.details FROM pgmigrate.lint(sql) l WHERE l.rule = 'lock' AND l.relation = $2 LIMIT 1$$;

-- dependents
CREATE VIEW v AS SELECT id FROM account;
CREATE FUNCTION parsed() RETURNS bigint LANGUAGE sql BEGIN ATOMIC SELECT count(*) FROM account; END;
CREATE FUNCTION names_it() RETURNS void LANGUAGE plpgsql AS $$BEGIN UPDATE blast.Account SET n = 1; END$$;
CREATE FUNCTION quotes_it() RETURNS void LANGUAGE plpgsql AS $$BEGIN EXECUTE 'UPDATE account SET n = 1'; END$$;
CREATE FUNCTION names_another() RETURNS void LANGUAGE plpgsql AS $$BEGIN UPDATE blast2.account SET id = 1; END$$;
CREATE FUNCTION comments_on_it() RETURNS void LANGUAGE plpgsql AS $$BEGIN /* account */ NULL; -- account
END$$;
CREATE FUNCTION accounts() RETURNS void LANGUAGE plpgsql AS $$BEGIN PERFORM account_id FROM accounts; END$$;
CREATE STATISTICS st ON id, n FROM account;
CREATE PUBLICATION regress_blast FOR TABLE account;
CREATE PUBLICATION regress_blast_schema FOR TABLES IN SCHEMA blast;
CREATE PUBLICATION regress_other FOR TABLE blast2.account;
SELECT details - '{bytes,tried,relkind}'::text[] AS details FROM details('ALTER TABLE account SET (fillfactor = 90)');
SELECT details->'rows' AS rows, (details->'bytes')::bigint = pg_total_relation_size('account') AS bytes FROM details('DROP TABLE account');
-- rows that were never counted are not none
SELECT details ? 'rows' AS rows FROM details('DROP TABLE "Odd ""Name"', 'blast."Odd ""Name"');

-- prepared statements of this session
PREPARE all_columns AS SELECT * FROM account;
PREPARE qualified AS SELECT a.* FROM blast.account AS a;
PREPARE returning_all AS DELETE FROM account RETURNING *;
PREPARE counts AS SELECT count(*) FROM account;
PREPARE multiplies AS SELECT id * 2 FROM account;
PREPARE one_column AS SELECT n FROM account;
PREPARE another AS SELECT * FROM blast2.account;
PREPARE odd AS SELECT * FROM "Odd ""Name";
SELECT sql, jsonb_pretty(details(sql)->'prepared_statements_that_fail_once') AS prepared FROM (VALUES
	(1, 'ALTER TABLE account ADD x int'), (2, 'ALTER TABLE account ALTER n TYPE bigint'),
	(3, 'ALTER TABLE account RENAME n TO m'), (4, 'ALTER TABLE account ALTER n SET DEFAULT 1'),
	(5, 'ALTER TABLE account RENAME TO accounts'), (6, 'CREATE INDEX ON account (n)')) AS x (i, sql) ORDER BY i;
SELECT details#>'{prepared_statements_that_fail_once,in_this_session}' AS odd
FROM details('ALTER TABLE "Odd ""Name" DROP n', 'blast."Odd ""Name"');
-- what the server says of them after the change
CREATE FUNCTION attempt(name text) RETURNS text LANGUAGE plpgsql AS $$BEGIN
	EXECUTE 'EXECUTE ' || name; RETURN 'works';
	EXCEPTION WHEN feature_not_supported THEN RETURN SQLERRM; END$$;
BEGIN;
ALTER TABLE account ADD x int;
SELECT name, attempt(name) FROM pg_prepared_statements ORDER BY prepare_time;
ROLLBACK;
BEGIN;
ALTER TABLE account ALTER n TYPE bigint;
SELECT name, attempt(name) FROM pg_prepared_statements ORDER BY prepare_time;
ROLLBACK;
DEALLOCATE ALL;

-- how long: the assumed throughput, and what it is multiplied with; a fork of
-- free space may come while we look
SELECT sql, e->>'work' AS work, (e->>'estimated')::bool AS estimated, e->>'basis' AS basis,
	(e->>'ms')::bigint = round((e->>'bytes')::numeric * 1000 / (e->>'bytes_per_second')::numeric) AS ms,
	CASE WHEN abs((e->>'bytes')::bigint - pg_total_relation_size('account')) < 65536 THEN 'total'
		WHEN abs((e->>'bytes')::bigint - pg_relation_size('account')) < 65536 THEN 'heap' END AS bytes
FROM (VALUES (1, 'ALTER TABLE account ALTER n TYPE bigint'), (2, 'ALTER TABLE account ALTER t SET NOT NULL'),
	(3, 'CREATE INDEX ON account (n)'), (4, 'CREATE INDEX CONCURRENTLY ON account (n)'),
	(5, 'ALTER TABLE account ADD UNIQUE (n)'), (6, 'REINDEX TABLE account'), (7, 'VACUUM FULL account'),
	(8, 'ALTER TABLE account ADD x int'), (9, 'TRUNCATE account CASCADE'), (10, 'DROP TABLE account CASCADE')) AS x (i, sql),
	LATERAL (SELECT details(sql)->'estimate') AS d (e) ORDER BY i;
-- of a plan
SELECT pgmigrate.revision('blast', $$
ALTER TABLE account ADD x int;
ALTER TABLE account ALTER n TYPE bigint;
ALTER TABLE account ADD UNIQUE (t);
CREATE INDEX ON account (t);
UPDATE account SET n = 1;
DO 'BEGIN NULL; END';
CREATE TABLE fresh (id int);
ALTER TABLE fresh ALTER id TYPE bigint;
$$, id => 'blast', down_revision => '{}') AS id;
SELECT statement, estimate IS NOT NULL AS estimated, estimate > '50 ms' AS long, estimate < '20 s' AS sane FROM pgmigrate.plan('blast');
SELECT pgmigrate.remove('blast');
DROP SCHEMA blast, blast2 CASCADE;
DROP PUBLICATION regress_blast, regress_blast_schema, regress_other;

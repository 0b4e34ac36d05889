-- Statements that the server refuses inside of a transaction block, by the script that is written of them.
SET client_min_messages = warning;
CREATE TABLE packed (id int PRIMARY KEY);
CREATE FUNCTION stands_alone(sql text) RETURNS bool LANGUAGE plpgsql AS $$
DECLARE
	alone bool;
BEGIN
	PERFORM pgmigrate.revision('outside', sql, id => 'outside', down_revision => '{}', transactional => false);
	SELECT bool_and(line !~ 'BEGIN;(?!.*COMMIT;)') INTO alone FROM (SELECT split_part(string_agg(s, E'\n'), sql, 1) FROM pgmigrate.script('outside') AS s) AS w (line);
	PERFORM pgmigrate.remove('outside');
	RETURN alone;
END $$;
SELECT sql, stands_alone(sql) FROM (VALUES
	('VACUUM pg_class'),
	('ALTER SUBSCRIPTION s REFRESH PUBLICATION'),
	('ALTER SUBSCRIPTION s REFRESH PUBLICATION WITH (copy_data = false)'),
	('ALTER SUBSCRIPTION s SET PUBLICATION p'),
	('ALTER SUBSCRIPTION s ADD PUBLICATION p'),
	('ALTER SUBSCRIPTION s SET PUBLICATION p WITH (refresh = true)'),
	('ALTER SUBSCRIPTION s SET PUBLICATION p WITH (refresh = false)'),
	('ALTER SUBSCRIPTION s DISABLE'),
	('ALTER SUBSCRIPTION s SET (synchronous_commit = on)'),
	('CLUSTER'),
	('CLUSTER packed USING packed_pkey')
) AS v (sql);
-- since 19; empty where it is as it should be
DO $$
BEGIN
	IF current_setting('server_version_num')::int < 190000 THEN
		RETURN;
	END IF;
	IF NOT stands_alone('REPACK (CONCURRENTLY) packed') OR NOT stands_alone('REPACK (ANALYZE) packed')
		OR NOT stands_alone('REPACK') OR stands_alone('REPACK packed') OR stands_alone('REPACK (VERBOSE) packed USING INDEX packed_pkey')
		OR NOT stands_alone('ALTER SUBSCRIPTION s REFRESH SEQUENCES') THEN
		RAISE EXCEPTION 'REPACK is not where it belongs';
	END IF;
	ALTER TABLE packed REPLICA IDENTITY FULL;
	CREATE TABLE keyless (a int);
	IF (SELECT string_agg(message, '; ' ORDER BY statement) FROM pgmigrate.lint('REPACK (CONCURRENTLY) packed; REPACK (CONCURRENTLY) keyless; REPACK packed')
		WHERE rule = 'repack-concurrently')
		<> 'public.packed has no index as its replica identity: the statement fails; public.keyless has no index as its replica identity: the statement fails' THEN
		RAISE EXCEPTION 'what REPACK (CONCURRENTLY) refuses is not foreseen';
	END IF;
	ALTER TABLE packed REPLICA IDENTITY DEFAULT;
	IF EXISTS (SELECT FROM pgmigrate.lint('REPACK (CONCURRENTLY) packed') WHERE message ~ 'fails') THEN
		RAISE EXCEPTION 'what REPACK (CONCURRENTLY) takes is refused';
	END IF;
	DROP TABLE keyless;
	CREATE TABLE parted (a int) PARTITION BY LIST (a);
	CREATE TABLE part PARTITION OF parted DEFAULT;
	EXECUTE 'CREATE PUBLICATION most FOR ALL TABLES EXCEPT (TABLE packed)';
	IF (SELECT array_agg(l.message ORDER BY s.n) FROM unnest(ARRAY['REPACK (CONCURRENTLY)', 'REPACK (CONCURRENTLY) missing', 'REPACK (CONCURRENTLY) packed (id)',
		'REPACK (CONCURRENTLY, ANALYZE) packed (id)', 'REPACK (CONCURRENTLY) packed USING INDEX missing', 'CREATE PUBLICATION rest FOR ALL TABLES EXCEPT (TABLE part)',
		'ALTER PUBLICATION most SET ALL TABLES EXCEPT (TABLE parted)']) WITH ORDINALITY AS s (sql, n), LATERAL pgmigrate.lint(s.sql) l WHERE l.message ~ 'statement fails')
		IS DISTINCT FROM ARRAY['the statement fails: REPACK (CONCURRENTLY) requires an explicit table name', 'the statement fails: relation "missing" does not exist',
		'the statement fails: ANALYZE option must be specified when a column list is provided', 'the statement fails: index "missing" for table "packed" does not exist',
		'the statement fails: cannot specify relation "public.part" in the publication EXCEPT clause'] THEN
		RAISE EXCEPTION 'what the server refuses of REPACK and EXCEPT is not foreseen, or more';
	END IF;
	IF (SELECT hint FROM pgmigrate.lint('REPACK parted') WHERE rule = 'cluster') !~ 'with each partition of public.parted' THEN
		RAISE EXCEPTION 'a hint for a partitioned table that takes none';
	END IF;
	EXECUTE 'CREATE TABLE reckoned (a int, b int GENERATED ALWAYS AS (a + 1) VIRTUAL, c int GENERATED ALWAYS AS (a + 1) VIRTUAL)';
	IF (SELECT array_agg(d) FROM pgmigrate.diff('CREATE TABLE packed (id int PRIMARY KEY); CREATE TABLE parted (a int) PARTITION BY LIST (a);
		CREATE TABLE part PARTITION OF parted DEFAULT; CREATE TABLE reckoned (a int, b int GENERATED ALWAYS AS (a + 1) STORED, c int);
		CREATE PUBLICATION most FOR ALL TABLES EXCEPT (TABLE parted); CREATE PUBLICATION rest FOR ALL TABLES EXCEPT (TABLE packed), ALL SEQUENCES') AS d
		WHERE d ~ 'PUBLICATION|reckoned') IS DISTINCT FROM ARRAY['ALTER TABLE public.reckoned' || E'\n\tDROP COLUMN b,\n\tDROP COLUMN c,\n\tADD COLUMN b integer GENERATED ALWAYS AS ((a + 1)) STORED,\n\tADD COLUMN c integer',
		'ALTER PUBLICATION most SET ALL TABLES EXCEPT (TABLE public.parted)',
		'CREATE PUBLICATION rest FOR ALL TABLES EXCEPT (TABLE public.packed), ALL SEQUENCES WITH (publish = ''insert, update, delete, truncate'', publish_via_partition_root = false)'] THEN
		RAISE EXCEPTION 'what is new in 19 is not compared';
	END IF;
	DROP TABLE reckoned;
	DROP PUBLICATION most;
	DROP TABLE parted;
END $$;
DROP FUNCTION stands_alone;
DROP TABLE packed;

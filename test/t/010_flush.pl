
# Copyright (c) 2026, pgmigrate developers

# Which revisions commit without waiting for the WAL.  Those that have an effect
# outside of the database must not, for a crash would take back their row of
# the ledger, and not the effect.

use strict;
use warnings;

use PgMigrate::Test;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

# Nothing else writes or flushes WAL meanwhile, be it to make room for a page.
my $node = new_node('flush', 'autovacuum = off', 'full_page_writes = off',
	'wal_writer_delay = 10s', 'bgwriter_lru_maxpages = 0',
	'shared_buffers = 64MB', 'wal_buffers = 4MB');
my $n = 0;
my $walwriter = query($node,
	"SELECT pid FROM pg_stat_activity WHERE backend_type = 'walwriter'");

# which wakes up in the end
kill 'STOP', $walwriter;
END
{
	kill 'CONT', $walwriter if $walwriter;
}

query($node, <<'SQL');
CREATE TABLE plain (a int PRIMARY KEY, b text DEFAULT upper('x'), c timestamptz DEFAULT now(), status text);
CREATE TABLE child (a int REFERENCES plain);
CREATE TABLE mother (a int PRIMARY KEY);
CREATE TABLE cascaded (a int REFERENCES mother ON DELETE CASCADE);
CREATE TABLE triggered (a int);
CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
CREATE TRIGGER t BEFORE INSERT ON triggered FOR EACH ROW EXECUTE FUNCTION f();
CREATE AGGREGATE sum_here(int) (SFUNC = int4pl, STYPE = int);
CREATE FUNCTION add_elsewhere(int, int) RETURNS int LANGUAGE plpgsql AS 'BEGIN RETURN $1; END';
CREATE AGGREGATE sum_elsewhere(int) (SFUNC = add_elsewhere, STYPE = int);
CREATE FUNCTION calls() RETURNS int LANGUAGE plpgsql AS 'BEGIN RETURN 1; END';
CREATE FUNCTION "Calls"() RETURNS int LANGUAGE plpgsql AS 'BEGIN RETURN 1; END';
CREATE TABLE defaulted (a int, b int DEFAULT calls());
CREATE TABLE checked (a int CHECK (a >= calls()));
CREATE TABLE ruled (a int);
CREATE RULE r AS ON INSERT TO ruled DO ALSO INSERT INTO triggered VALUES (1);
CREATE VIEW seen AS SELECT a FROM plain;
CREATE TABLE secured (a int);
ALTER TABLE secured ENABLE ROW LEVEL SECURITY;
CREATE DOMAIN dom AS int CHECK (VALUE >= calls());
CREATE TABLE typed (a dom);
CREATE TABLE parted (a int) PARTITION BY LIST (a);
CREATE TABLE parted_1 PARTITION OF parted FOR VALUES IN (1);
CREATE TABLE half (a int) PARTITION BY LIST (a);
CREATE TABLE half_1 PARTITION OF half FOR VALUES IN (1);
CREATE FOREIGN DATA WRAPPER nothing;
CREATE SERVER nowhere FOREIGN DATA WRAPPER nothing;
CREATE FOREIGN TABLE half_2 PARTITION OF half FOR VALUES IN (2) SERVER nowhere;
SQL

# The next revision is not to try again meanwhile, each time with a commit.
my $patient = 'SET pgmigrate.lock_timeout = 0;';

# Bytes of WAL that are not flushed once a revision is committed and the next
# one waits.
sub behind
{
	my ($upgrade, %more) = @_;
	my $settings = delete $more{settings} // '';
	my $gate = session($node);

	$n++;
	$gate->query('SELECT pg_advisory_lock(1)');
	revision($node, "r$n", $upgrade, %more);
	revision($node, "g$n", 'SELECT pg_advisory_xact_lock(1)');
	my $run = query($node, "$patient $settings SELECT pgmigrate.upgrade_start()");
	worker_waits($node);
	my $bytes = query($node,
		'SELECT pg_wal_lsn_diff(pg_current_wal_insert_lsn(), pg_current_wal_flush_lsn())'
	);
	$gate->query('SELECT pg_advisory_unlock(1)');
	$gate->quit;
	is(query($node, "SELECT state FROM pgmigrate.wait($run)"), 'done', "$upgrade: done");
	return $bytes;
}

# What locking the row of the next revision writes, and no commit.
my $small = 200;

cmp_ok(behind('SELECT 1'), '>', $small, 'a commit that is not waited for shows');
cmp_ok(behind('SELECT 1', settings => 'SET pgmigrate.flush_per_migration = on;'),
	'<', $small, 'one that is does not');

my @local = (
	'CREATE TABLE made (a int PRIMARY KEY, b text DEFAULT lower(\'X\'), c numeric(10,2)); CREATE INDEX ON made (upper(b)); COMMENT ON TABLE made IS \'calls()\'',
	'ALTER TABLE made ADD COLUMN d timestamptz NOT NULL DEFAULT now(); ALTER TABLE made ADD CHECK (a > 0); ALTER TABLE made RENAME COLUMN d TO e',
	'INSERT INTO plain (a, status) SELECT i, \'calls\' FROM generate_series(1, 3) AS i; UPDATE plain SET a = a + 10 WHERE status = \'calls\'; /* calls() */ DELETE FROM plain WHERE a = 11',
	'INSERT INTO child VALUES (12); SELECT setval(\'pgmigrate.run_id_seq\', nextval(\'pgmigrate.run_id_seq\'))',
	'INSERT INTO parted VALUES (1); UPDATE parted SET a = 1',
	'CREATE FUNCTION g() RETURNS int LANGUAGE sql AS \'SELECT calls()\'; CREATE VIEW v AS SELECT calls() AS c; DROP VIEW v',
	'SET search_path = public; CREATE TABLE copy AS SELECT a FROM plain',
	'SELECT sum_here(a) FROM plain');
my @further = (
	'SELECT calls()',
	'SELECT "Calls"()',
	'SELECT U&"calls"()',
	'SELECT pg_notify(\'a\', \'b\')',
	'NOTIFY a',
	'DO $$BEGIN PERFORM 1; END$$',
	'COPY plain (a) TO PROGRAM \'cat >/dev/null\'',
	'CREATE TABLE with_default (a int DEFAULT calls()); ALTER TABLE with_default ADD COLUMN b int DEFAULT calls()',
	'INSERT INTO triggered VALUES (1)',
	'DELETE FROM mother',
	'SELECT sum_elsewhere(a) FROM plain',
	'INSERT INTO defaulted VALUES (1)',
	'INSERT INTO checked VALUES (1)',
	'INSERT INTO ruled VALUES (1)',
	'UPDATE seen SET a = a',
	'INSERT INTO typed VALUES (1)',
	'SELECT 1::dom',
	'SELECT count(*) FROM secured',
	'INSERT INTO half VALUES (1)',
	'ALTER TABLE half ADD COLUMN b int',
	'SELECT 1; CREATE ROLE somebody; SELECT 1');

cmp_ok(behind($_), '>', $small, "$_: is local") foreach @local;
cmp_ok(behind($_), '<', $small, "$_: is not") foreach @further;

# the verify query counts too
cmp_ok(behind('SELECT 1', verify => "'SELECT calls() = 1'"),
	'<', $small, 'a verify query that calls a function');
cmp_ok(behind('SELECT 1', verify => "'SELECT count(*) > 0 FROM plain'"),
	'>', $small, 'one that does not');

# and so does what is there for all statements
query($node, <<'SQL');
CREATE FUNCTION e() RETURNS event_trigger LANGUAGE plpgsql AS 'BEGIN END';
CREATE EVENT TRIGGER e ON ddl_command_end EXECUTE FUNCTION e();
SQL
cmp_ok(behind('CREATE TABLE under_event_trigger (a int)'), '<', $small, 'event trigger');
query($node, 'DROP EVENT TRIGGER e; CREATE OPERATOR === (FUNCTION = int4eq, LEFTARG = int, RIGHTARG = int)');
cmp_ok(behind('SELECT 2'), '>', $small, 'an operator by a function of the server');
query($node, <<'SQL');
CREATE FUNCTION same(int, int) RETURNS bool LANGUAGE plpgsql AS 'BEGIN RETURN $1 = $2; END';
CREATE OPERATOR ==== (FUNCTION = same, LEFTARG = int, RIGHTARG = int);
SQL
cmp_ok(behind('SELECT 1 ==== 1'), '<', $small, 'an operator by another');
query($node, 'DROP FUNCTION same CASCADE');

# A switch.  An event trigger stops it where it has the table of the operations
# locked, so that whoever asks for that has it next, and what follows the commit
# waits.
query($node, <<'SQL');
CREATE FUNCTION stop_switch() RETURNS event_trigger LANGUAGE plpgsql AS $$
BEGIN
	IF EXISTS (SELECT FROM pgmigrate.operation WHERE state = 'switching') THEN
		LOCK TABLE pgmigrate.operation IN ROW EXCLUSIVE MODE;
		PERFORM pg_advisory_xact_lock(2);
	END IF;
END $$;
SQL

sub behind_switch
{
	my ($id, $function) = @_;
	my ($gate, $next) = map { session($node) } 1 .. 2;

	revision($node, $id, "ALTER TABLE $id ALTER v TYPE bigint");
	query($node, "CREATE TABLE $id (id int PRIMARY KEY, v int); INSERT INTO $id SELECT i, i FROM generate_series(1, 100) i");
	query($node, "CREATE EVENT TRIGGER stop ON ddl_command_end WHEN TAG IN ('ALTER TABLE') EXECUTE FUNCTION $function()");
	$gate->query('SELECT pg_advisory_lock(2)');
	my $run = query($node, "$patient SET pgmigrate.online_method = 'table'; SET pgmigrate.online_threshold = 0; SELECT pgmigrate.upgrade_start()");
	my $worker = worker_waits($node);
	$next->send('BEGIN; LOCK TABLE pgmigrate.operation IN SHARE MODE');
	poll($node, "SELECT count(*) = 1 FROM pg_locks WHERE NOT granted AND relation = 'pgmigrate.operation'::regclass");
	$gate->query('SELECT pg_advisory_unlock(2)');
	$next->result;
	is(worker_waits($node, 'relation'), $worker, "$id: it is committed");
	my $bytes = query($node,
		'SELECT pg_wal_lsn_diff(pg_current_wal_insert_lsn(), pg_current_wal_flush_lsn())'
	);
	$next->query('ROLLBACK');
	is(query($node, "SELECT state FROM pgmigrate.wait($run)"), 'done', "$id: done");
	query($node, 'DROP EVENT TRIGGER stop');
	$_->quit foreach $gate, $next;
	return $bytes;
}

cmp_ok(behind_switch('switched', 'stop_switch'), '<', $small, 'a switch under an event trigger is flushed');

# one in our schema counts as ours
query($node, 'ALTER FUNCTION stop_switch SET SCHEMA pgmigrate');
cmp_ok(behind_switch('switched_locally', 'pgmigrate.stop_switch'), '>', $small, 'for another nobody waits for the disk');
query($node, 'DROP FUNCTION pgmigrate.stop_switch');

kill 'CONT', $walwriter;
undef $walwriter;

# The case that matters: another server has committed, and this one crashes.
SKIP:
{
	skip 'postgres_fdw is not installed', 8
	  if query($node,
		"SELECT count(*) FROM pg_available_extensions WHERE name = 'postgres_fdw'") eq '0';

	my $host = $node->host;
	my $port = $node->port;
	query($node, 'CREATE DATABASE other');
	query($node, 'CREATE TABLE m (k int, n int); INSERT INTO m VALUES (1, 0)', 'other');
	query($node, <<SQL);
CREATE EXTENSION postgres_fdw;
CREATE SERVER other FOREIGN DATA WRAPPER postgres_fdw OPTIONS (host '$host', port '$port', dbname 'other');
CREATE USER MAPPING FOR CURRENT_USER SERVER other;
CREATE TABLE m (k int, n int) PARTITION BY LIST (k);
CREATE FOREIGN TABLE m_1 PARTITION OF m FOR VALUES IN (1) SERVER other OPTIONS (table_name 'm');
SQL
	revision($node, 'away', 'UPDATE m SET n = n + 100');
	revision($node, 'gate', 'SELECT pg_advisory_xact_lock(1)');
	my $gate = session($node);
	$gate->query('SELECT pg_advisory_lock(1)');
	query($node, "$patient SELECT pgmigrate.upgrade_start()");
	kill_and_recover($node, worker_waits($node));
	$gate->quit;
	head_is($node, 'away', 'a crash leaves the revision applied');
	query($node, 'SELECT pgmigrate.upgrade()');
	is(query($node, 'SELECT n FROM m', 'other'), '100', 'which is not repeated');
	ledger_ok($node, 'a crash beside another server');

	# by a function, which is not seen through
	skip 'dblink is not installed', 5
	  if query($node,
		"SELECT count(*) FROM pg_available_extensions WHERE name = 'dblink'") eq '0';
	query($node, <<SQL);
CREATE EXTENSION dblink;
CREATE FUNCTION opaque() RETURNS text STABLE LANGUAGE plpgsql AS
\$f\$ BEGIN RETURN dblink_exec('host=$host port=$port dbname=other', 'UPDATE m SET n = n + 1'); END \$f\$;
SQL
	my $times = query($node, 'SELECT n FROM m', 'other');
	foreach my $call ("dblink_exec('host=$host port=$port dbname=other', 'UPDATE m SET n = n + 1')", 'opaque()')
	{
		my $gate = session($node);
		my $id = $call =~ /^(\w+)/ ? $1 : '';

		$times++;
		$gate->query('SELECT pg_advisory_lock(1)');
		revision($node, $id, "SELECT $call");
		revision($node, "after_$id", 'SELECT pg_advisory_xact_lock(1)');
		query($node, "$patient SELECT pgmigrate.upgrade_start()");
		kill_and_recover($node, worker_waits($node));
		$gate->quit;
		head_is($node, $id, "$id: a crash leaves the revision applied");
		query($node, 'SELECT pgmigrate.upgrade()');
		is(query($node, 'SELECT n FROM m', 'other'), $times, "$id: it is not repeated");
	}
	ledger_ok($node, 'a crash beside another server, by functions');
}

done_testing();

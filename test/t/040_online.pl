
# Copyright (c) 2026, pgmigrate developers

# A table changed by way of another one, under writers of every kind: none of
# what they write is lost, in whatever phase the worker is killed.

use strict;
use warnings;

use PgMigrate::Test;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = new_node('online', 'max_wal_size = 4GB',
	'autovacuum_naptime = 1s', 'log_statement = none');
my $rows = 20_000;
my $dir = $node->basedir;

# Rows 1 to 200 are fought for; the others come and go, and who touches one has
# an advisory lock, so that both tables are written in the same order.
my %script = (
	update => <<'EOT',
\set id random(1, 200)
\set d random(1, 100)
BEGIN;
UPDATE acc SET v = v + :d WHERE id = :id;
UPDATE oracle SET v = v + :d WHERE id = :id;
COMMIT;
EOT
	upsert => <<'EOT',
\set id random(201, 30000)
\set d random(1, 100)
BEGIN;
SELECT pg_advisory_xact_lock(:id / 10);
INSERT INTO acc AS a VALUES (:id, :d, 'upsert') ON CONFLICT (id) DO UPDATE SET v = a.v - :d, t = NULL;
INSERT INTO oracle AS a VALUES (:id, :d, 'upsert') ON CONFLICT (id) DO UPDATE SET v = a.v - :d, t = NULL;
COMMIT;
EOT
	merge => <<'EOT',
\set id random(201, 30000)
BEGIN;
SELECT pg_advisory_xact_lock(:id / 10);
MERGE INTO acc a USING (VALUES (:id)) AS n (id) ON a.id = n.id
WHEN MATCHED AND v % 2 = 0 THEN DELETE WHEN MATCHED THEN UPDATE SET v = v + 1
WHEN NOT MATCHED THEN INSERT (id, v) VALUES (n.id, 1);
MERGE INTO oracle a USING (VALUES (:id)) AS n (id) ON a.id = n.id
WHEN MATCHED AND v % 2 = 0 THEN DELETE WHEN MATCHED THEN UPDATE SET v = v + 1
WHEN NOT MATCHED THEN INSERT (id, v) VALUES (n.id, 1);
COMMIT;
EOT
	delete => <<'EOT',
\set id 10 * random(21, 3000)
BEGIN;
SELECT pg_advisory_xact_lock(:id / 10);
DELETE FROM acc WHERE id BETWEEN :id AND :id + 2;
DELETE FROM oracle WHERE id BETWEEN :id AND :id + 2;
COMMIT;
EOT
	key => <<'EOT',
\set id random(201, 30000)
SELECT nextval('new_key') AS new \gset
BEGIN;
SELECT pg_advisory_xact_lock(:id / 10);
UPDATE acc SET id = :new WHERE id = :id;
UPDATE oracle SET id = :new WHERE id = :id;
COMMIT;
EOT
	savepoint => <<'EOT',
\set id random(1, 200)
\set d random(1, 100)
BEGIN;
SAVEPOINT a;
UPDATE acc SET v = -1 WHERE id = :id;
DELETE FROM acc WHERE id = :id;
ROLLBACK TO a;
UPDATE acc SET v = v + :d WHERE id = :id;
UPDATE oracle SET v = v + :d WHERE id = :id;
COMMIT;
EOT
	rollback => <<'EOT',
\set id random(1, 200)
BEGIN;
UPDATE acc SET v = 0 WHERE id = :id;
DELETE FROM acc WHERE id = :id;
INSERT INTO acc VALUES (:client_id - 100, 1);
ROLLBACK;
EOT
	toast => <<'EOT',
\set id random(1, 200)
\set d random(1, 1000000)
BEGIN;
UPDATE acc SET t = (SELECT string_agg(md5((:d + i)::text), '') FROM generate_series(1, 150) i) WHERE id = :id;
UPDATE oracle SET t = (SELECT string_agg(md5((:d + i)::text), '') FROM generate_series(1, 150) i) WHERE id = :id;
COMMIT;
EOT
	for_update => <<'EOT',
\set id random(201, 30000)
BEGIN;
SELECT pg_advisory_xact_lock(:id / 10);
SELECT v FROM acc WHERE id = :id FOR UPDATE;
DELETE FROM acc WHERE id = :id;
DELETE FROM oracle WHERE id = :id;
INSERT INTO acc VALUES (:id, :id, 'again');
INSERT INTO oracle VALUES (:id, :id, 'again');
COMMIT;
EOT
	prepared => <<'EOT',
\set id random(1, 200)
BEGIN;
UPDATE acc SET v = v + 1, t = 'prepared' WHERE id = :id;
UPDATE oracle SET v = v + 1, t = 'prepared' WHERE id = :id;
PREPARE TRANSACTION 'p:client_id';
COMMIT PREPARED 'p:client_id';
EOT
	same_statement => <<'EOT',
\set id random(201, 30000)
BEGIN;
SELECT pg_advisory_xact_lock(:id / 10);
WITH gone AS (DELETE FROM acc WHERE id = :id RETURNING *)
INSERT INTO acc SELECT id + 40000000, v + 1, t FROM gone ON CONFLICT DO NOTHING;
WITH gone AS (DELETE FROM oracle WHERE id = :id RETURNING *)
INSERT INTO oracle SELECT id + 40000000, v + 1, t FROM gone ON CONFLICT DO NOTHING;
COMMIT;
EOT
);

append_to_file("$dir/$_.sql", $script{$_}) foreach keys %script;
delete $script{merge} if $node->pg_version < 15;

# The oracle is written by the same transactions, and never changed.
sub new_tables
{
	query($node, <<SQL);
DROP TABLE IF EXISTS acc, oracle;
CREATE TABLE acc (id int, v int NOT NULL DEFAULT 0, t text);
ALTER TABLE acc ADD COLUMN gone int;
ALTER TABLE acc DROP COLUMN gone;
INSERT INTO acc SELECT i, i, CASE WHEN i % 3 = 0 THEN NULL ELSE repeat('x', i % 50) END
FROM generate_series(1, $rows) i;
ALTER TABLE acc ADD COLUMN n int NOT NULL DEFAULT 5;
ALTER TABLE acc ADD PRIMARY KEY (id);
CREATE INDEX acc_v ON acc (v);
CREATE INDEX acc_t ON acc (left(t, 10)) WHERE v > 10;
CREATE SEQUENCE IF NOT EXISTS new_key START 1000000;
CREATE TABLE oracle (LIKE acc INCLUDING ALL);
INSERT INTO oracle SELECT * FROM acc;
SQL

	# One that writes to the row again, so that events overtake each other.  A
	# field whose type changes fails once in PL/pgSQL, whoever changes it.
	query($node, <<'SQL');
CREATE OR REPLACE FUNCTION touch() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	IF NEW.t IS DISTINCT FROM OLD.t THEN
		EXECUTE format('UPDATE %I SET n = n + 1 WHERE id = $1', TG_TABLE_NAME) USING (to_jsonb(NEW) ->> 'id')::bigint;
	END IF;
	RETURN NULL;
END $$;
CREATE TRIGGER touch AFTER UPDATE ON acc FOR EACH ROW EXECUTE FUNCTION touch();
CREATE TRIGGER touch AFTER UPDATE ON oracle FOR EACH ROW EXECUTE FUNCTION touch();
SQL
	return;
}

my @writers;

sub start_writers
{
	my ($seconds) = @_;
	local %ENV = $node->_get_env();
	my ($in, $out, $err) = ('', '', '');
	my @scripts = map { ('-f', "$dir/$_.sql") } sort keys %script;

	@writers = (
		IPC::Run::start(
			[
				$node->installed_command('pgbench'), '-n', '-c', 6, '-j', 2,
				'-T', $seconds, '--max-tries=1000', @scripts,
				$node->connstr('postgres')
			],
			'<', \$in, '>', \$out, '2>', \$err),
		\$out,
		\$err);
	return;
}

# A test, if they were to end well.
sub stop_writers
{
	my ($name) = @_;
	my ($run, $out, $err) = @writers;

	$run->finish;
	return unless $name;
	is($run->result(0), 0, "$name: no writer has failed") or diag($$err);
	my ($done) = $$out =~ /actually processed: (\d+)/;
	cmp_ok($done, '>', 100, "$name: they wrote");
	return;
}

sub same_as_oracle
{
	my ($name) = @_;

	return is(
		query(
			$node, <<'SQL'), '0', "$name: every row is as the oracle says");
SELECT count(*) FROM acc a FULL JOIN oracle o USING (id)
WHERE (a.id, a.v, a.t, a.n) IS DISTINCT FROM (o.id, o.v, o.t, o.n)
SQL
}

sub no_trace
{
	my ($name) = @_;

	return is(
		query(
			$node, <<'SQL'), '0|0|0', "$name: nothing of ours is left");
SELECT (SELECT count(*) FROM pg_namespace WHERE nspname LIKE 'pgmigrate\_online%'),
	(SELECT count(*) FROM pg_trigger WHERE tgname LIKE 'zzz_pgmigrate%'),
	(SELECT count(*) FROM pg_class WHERE relname LIKE 'pgm old%')
SQL
}

sub state
{
	return query($node,
		'SELECT state FROM pgmigrate.operations ORDER BY operation DESC LIMIT 1'
	);
}

sub type_of
{
	my ($column) = @_;

	return query($node,
		"SELECT format_type(atttypid, atttypmod) FROM pg_attribute WHERE attrelid = 'acc'::regclass AND attname = '$column'"
	);
}

my $change = "SELECT action FROM pgmigrate.rebuild('acc', 'ALTER COLUMN id TYPE bigint, ALTER COLUMN v TYPE numeric')";

# From the first row to the last under load: there and back, and there.
new_tables();
start_writers(15);
is(query($node, $change), 'switched', 'a key and a column are changed');
is(type_of('id') . ',' . type_of('v'), 'bigint,numeric', 'they are new');
is( query($node,
		'SELECT action FROM pgmigrate.revert((SELECT max(operation) FROM pgmigrate.operations))'
	),
	'reverted',
	'it is taken back under load');
is(type_of('id') . ',' . type_of('v'), 'integer,integer', 'they are old');
no_trace('revert');
is(query($node, $change), 'switched', 'and done again');
stop_writers('load');
same_as_oracle('after the second switch');
is( query($node,
		'SELECT count(*) FROM acc WHERE n <> (SELECT n FROM oracle o WHERE o.id = acc.id)'
	),
	'0',
	'what a trigger wrote too');
is(query($node, 'SELECT action FROM pgmigrate.finalize()'),
	'finalized', 'finalize()');
no_trace('finalize');
same_as_oracle('after finalize');
is( query($node,
		"SELECT count(*) FROM pg_index WHERE indrelid = 'acc'::regclass AND indisvalid"
	),
	'3',
	'all of its indexes are there');
is( query($node,
		'SET enable_seqscan = off; SELECT count(*) FROM acc WHERE v = 17'),
	query($node, 'SELECT count(*) FROM oracle WHERE v = 17'),
	'an index finds what the table has');

my $last = 'ORDER BY operation DESC LIMIT 1';
my $n = 0;
my %order = map { $_ => $n++ }
  qw(preparing copying indexing comparing switching switched);

sub holder
{
	my ($sql) = @_;
	my $session = session($node);

	$session->query($sql);
	return $session;
}

# Start the change, and kill its worker in a phase that somebody holds up.
# False if it was over before.
sub kill_while
{
	my ($state, $before, $during) = @_;
	my $caller = session($node);
	my @holders = map { holder($_) } @$before;
	my @later = map { session($node) } @$during;
	my $number = query($node, 'SELECT count(*) FROM pgmigrate.operation');
	my $is;

	$caller->send($change);
	poll($node, "SELECT count(*) > $number FROM pgmigrate.operation");
	if (@$during)
	{
		poll($node,
			"SELECT state <> 'preparing' FROM pgmigrate.operations $last");
		$later[$_]->query($during->[$_]) foreach 0 .. $#later;
	}
	wait_until("it is $state",
		sub { $is = state(); return $order{$is} >= $order{$state}; });
	kill_and_recover($node, worker_pid($node)) if $is eq $state;
	$_->quit foreach @holders, @later;
	$caller->result if $is ne $state;
	$caller->quit;
	stop_writers();
	query($node, "ROLLBACK PREPARED '$_'")
	  foreach split /\n/, query($node, 'SELECT gid FROM pg_prepared_xacts');
	return 1 if $is eq $state;
	query($node,
		"SELECT pgmigrate.revert((SELECT operation FROM pgmigrate.operations $last))"
	);
	return 0;
}

# Killed in each phase.  Who is in the way of the phase holds it there.
sub kill_in
{
	my ($state, $before, $during, $more) = @_;
	my $killed = 0;

	for (my $try = 0; $try < 5 && !$killed; $try++)
	{
		new_tables();
		query($node, $more) if $more;
		start_writers(60);
		$killed = kill_while($state, $before, $during);
	}
	ok($killed, "killed while $state");
	same_as_oracle("killed while $state");
	start_writers(6);
	is(query($node, $change), 'switched', "$state: the next call goes on");
	stop_writers("resumed from $state");
	same_as_oracle("resumed from $state");
	is( query($node,
			"SELECT count(*) FROM pgmigrate.operations WHERE state = 'switched'"
		),
		'1',
		"$state: it is one operation");
	query($node,
		"SELECT pgmigrate.revert((SELECT operation FROM pgmigrate.operations $last))"
	);
	same_as_oracle("reverted from $state");
	no_trace("reverted from $state");
	return;
}

my $old_snapshot =
  'BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT count(*) FROM oracle';

kill_in('preparing', ['BEGIN; UPDATE acc SET v = v WHERE id = 20000'], []);
kill_in('copying', [], ['BEGIN; UPDATE acc SET v = v WHERE id = 20000']);
kill_in('indexing', [$old_snapshot], []);
kill_in('comparing', [$old_snapshot], [],
	'DROP INDEX acc_v; DROP INDEX acc_t');
kill_in('switching', ['BEGIN; SELECT count(*) FROM acc WHERE id = 1'], []);

# Given up after a crash: nothing stays.
new_tables();
my $caller = session($node);
my $writer = holder('BEGIN; UPDATE acc SET v = v WHERE id = 1');
$caller->send($change);
poll($node,
	"SELECT state = 'preparing' FROM pgmigrate.operations ORDER BY operation DESC LIMIT 1"
);
kill_and_recover($node, worker_pid($node));
$caller->quit;
$writer->quit;
is( query($node,
		'SELECT action FROM pgmigrate.revert((SELECT max(operation) FROM pgmigrate.operations))'
	),
	'cancelled',
	'what was killed can be cancelled');
no_trace('cancelled');

# Cancelled while it copies.
$caller = session($node);
$writer = holder('BEGIN; UPDATE acc SET v = v WHERE id = 1');
$caller->send($change);
poll($node,
	"SELECT state = 'preparing' FROM pgmigrate.operations ORDER BY operation DESC LIMIT 1"
);
query($node,
	'SELECT pgmigrate.cancel(max(id)) FROM pgmigrate.run WHERE state = \'running\''
);
$writer->query('ROLLBACK');
$caller->fails_with('57014', 'its caller is told of a cancel');
is(state(), 'cancelled', 'the operation is cancelled');
no_trace('cancel()');
$_->quit foreach $caller, $writer;

# What refers to the table since it was looked for, before the lock, is seen
# under it: else the key would be looked for in a table without rows.
new_tables();
$caller = session($node);
my $reader = holder('BEGIN; SELECT count(*) FROM acc WHERE id = 1');
$caller->send($change);
poll($node,
	"SELECT EXISTS (SELECT FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND query LIKE '%waiting for AccessExclusiveLock on public.acc%')"
);
is(state(), 'switching', 'it waits for the lock of the switch');
query($node,
	'CREATE TABLE refers (id int REFERENCES acc); INSERT INTO refers VALUES (1)'
);
$reader->quit;
is($caller->result, 'switched', 'what was made while it waited goes along');
$caller->quit;
is( query($node,
		"SELECT convalidated FROM pg_constraint WHERE conname = 'refers_id_fkey'"
	),
	't',
	'and is valid');
query($node, 'DROP TABLE refers; SELECT pgmigrate.finalize()');

# The switch is there for all before its commit is flushed and at a standby, but
# not where it may have told another server something: no crash may part them.
$node->append_conf('postgresql.conf', 'synchronous_commit = local');
$node->reload;
poll($node, "SELECT current_setting('synchronous_commit') = 'local'");

# The state of the operation and its lock, as the worker waits for the standby.
sub switch_at_standby
{
	my $waits = session($node);
	my ($worker, $at);

	new_tables();
	$waits->query('SET synchronous_commit = on');
	$reader = holder('BEGIN; SELECT count(*) FROM acc WHERE id = 1');
	$waits->send($change);
	poll($node,
		"SELECT EXISTS (SELECT FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND query LIKE '%waiting for AccessExclusiveLock on public.acc%')"
	);
	$node->append_conf('postgresql.conf', "synchronous_standby_names = 'nobody'");
	$node->reload;
	poll($node, "SELECT current_setting('synchronous_standby_names') = 'nobody'");
	$reader->quit;
	$worker = worker_waits($node, 'SyncRep');
	$at = state() . ' '
	  . query($node,
		"SELECT count(*) FROM pg_locks WHERE pid = $worker AND relation = 'acc'::regclass AND mode = 'AccessExclusiveLock'"
	  );
	$node->append_conf('postgresql.conf', "synchronous_standby_names = ''");
	$node->reload;
	is($waits->result, 'switched', 'the standby is not waited for any more');
	$waits->quit;
	query($node, 'SELECT pgmigrate.finalize()');
	return $at;
}

# An attempt that was given up may have had a commit before that.
sub is_at_standby
{
	my ($expected, $what) = @_;
	my $at;

	for (my $try = 0; $try < 5; $try++)
	{
		$at = switch_at_standby();
		last if $at ne 'switching 0';
	}
	is($at, $expected, $what);
	return;
}

is_at_standby('switched 0', 'it is switched and unlocked before its commit is safe');
query($node, <<'SQL');
CREATE FUNCTION tell() RETURNS event_trigger LANGUAGE plpgsql AS 'BEGIN END';
CREATE EVENT TRIGGER tell ON ddl_command_end WHEN TAG IN ('COMMENT') EXECUTE FUNCTION tell();
SQL
is_at_standby('switching 1', 'but not where somebody may have told another server');

log_is_clean($node);
$node->stop;

done_testing();

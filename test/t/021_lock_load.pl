
# Copyright (c) 2026, pgmigrate developers

# Runs beside an application under load, autovacuum, and sessions of others.

use strict;
use warnings;

use IPC::Run;
use PgMigrate::Test;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = new_node(
	'lock_load',
	'autovacuum_naptime = 1s',
	'autovacuum_freeze_max_age = 100000');
my $n = 0;

sub next_revision
{
	my ($sql, %params) = @_;

	$n++;
	revision($node, "r$n", $sql, %params);
	return "r$n";
}

# A column of all lock attempts of the last run.
sub attempts
{
	my ($column) = @_;

	return query($node,
		"SELECT string_agg(DISTINCT $column, ' ') FROM pgmigrate.lock_timeline((SELECT max(id) FROM pgmigrate.run))"
	);
}

# Slowest transaction of pgbench's logs, in ms, and how many there were.
sub slowest
{
	my ($prefix) = @_;
	my ($max, $count) = (0, 0);

	for my $file (glob "$prefix.*")
	{
		for my $line (split /\n/, slurp_file($file))
		{
			my $latency = (split / /, $line)[2] / 1000;

			$max = $latency if $latency > $max;
			$count++;
		}
	}
	return ($max, $count);
}

query($node, <<'SQL');
CREATE TABLE t (id int PRIMARY KEY, x int) WITH (autovacuum_enabled = off,
	autovacuum_vacuum_cost_limit = 1, autovacuum_vacuum_cost_delay = 100);
INSERT INTO t SELECT i, 0 FROM generate_series(1, 1000) i;
CREATE TABLE child (t int REFERENCES t) WITH (autovacuum_enabled = off);
CREATE TABLE mark (id text);
SQL

# An application that writes and a report of three seconds: the change comes
# after the report, and no transaction of the application waits for it.
my $dir = PostgreSQL::Test::Utils::tempdir();
append_to_file("$dir/load.sql", <<'SQL');
\set id random(1, 1000)
BEGIN;
UPDATE t SET x = x + 1 WHERE id = :id;
INSERT INTO child VALUES (:id);
\sleep 2 ms
COMMIT;
\sleep 5 ms
SQL
my $load = IPC::Run::start(
	[
		$node->installed_command('pgbench'), '-n',
		'-c', '8', '-T', '1000', '-l', "--log-prefix=$dir/log",
		'-f', "$dir/load.sql", $node->connstr('postgres')
	],
	'>', \my $load_out, '2>', \my $load_err);
poll($node,
	"SELECT count(*) >= 8 FROM pg_stat_activity WHERE query = 'COMMIT;' OR query ~ '^(UPDATE t|INSERT INTO child)'"
);
my $report = session($node);
$report->send('BEGIN; SELECT count(*) FROM t; SELECT pg_sleep(3); COMMIT');
poll($node,
	"SELECT count(*) = 1 FROM pg_stat_activity WHERE wait_event = 'PgSleep'");
next_revision('INSERT INTO mark VALUES (\'first\')');
next_revision(
	'INSERT INTO mark VALUES (\'second\'); ALTER TABLE t ADD c1 int; ALTER TABLE child ADD c1 int'
);
next_revision('DO $$ BEGIN ALTER TABLE t ADD c2 int; END $$');
query($node, "SET pgmigrate.lock_deadline = '100s'; SELECT pgmigrate.upgrade()");
head_is($node, "r$n", 'done under load');
$report->result;
is( query($node, 'SELECT string_agg(id, \' \' ORDER BY id) FROM mark'),
	'first second',
	'each revision took effect once');
$load->kill_kill;
my ($max, $count) = slowest("$dir/log");
cmp_ok($count, '>', 50, 'the application did its work');
cmp_ok($max, '<', 1500, 'and was not held up by the change')
  or diag("slowest: $max ms of $count");
like(attempts('blocked_by'), qr/user|pgbench|process/,
	'who was in the way is kept');

# An autovacuum goes away when it is asked to.
query($node,
	'UPDATE t SET x = x + 1; ALTER TABLE t SET (autovacuum_enabled = on, autovacuum_vacuum_threshold = 1, autovacuum_vacuum_scale_factor = 0)'
);
poll($node,
	"SELECT count(*) > 0 FROM pg_stat_progress_vacuum WHERE relid = 't'::regclass"
);
next_revision('ALTER TABLE t ADD c3 int');
query($node, 'SELECT pgmigrate.upgrade()');
head_is($node, "r$n", 'an autovacuum gives way');
like(attempts('phase'), qr/queue/, 'which was asked for');
like(attempts('outcome'), qr/granted/, 'and granted');
ok( query($node,
		"SELECT extract(epoch FROM max(waited)) < 0.2 FROM pgmigrate.lock_timeline((SELECT max(id) FROM pgmigrate.run)) WHERE attempt > 0"
	) eq 't',
	'within lock_timeout');

# One that prevents wraparound does not, and is not disturbed.
query($node, 'ALTER TABLE t SET (autovacuum_enabled = off)');
query($node, <<'SQL');
CREATE TABLE xids (i int) WITH (autovacuum_enabled = off);
DO $$
BEGIN
	FOR i IN 1 .. 100001 LOOP
		BEGIN
			INSERT INTO xids VALUES (i);
		EXCEPTION WHEN division_by_zero THEN
			NULL;
		END;
	END LOOP;
END $$;
SQL
my $vacuum = "SELECT string_agg(pid::text, ' ') FROM pg_stat_activity WHERE query ~ 'public.t \\(to prevent wraparound\\)'";
poll($node, "SELECT ($vacuum) IS NOT NULL");
my $pid = query($node, $vacuum);
next_revision('ALTER TABLE t ADD c4 int');
like(
	notices($node,
		"SET pgmigrate.lock_deadline = '1s'; SET pgmigrate.blocker_policy = terminate; SELECT pgmigrate.upgrade()"
	),
	qr/ERROR:  55P03: .*DETAIL:  Process $pid \(autovacuum worker to prevent wraparound, /s,
	'an autovacuum to prevent wraparound is waited for, and named');
is(query($node, $vacuum), $pid, 'it is not disturbed');
query($node, 'SELECT pgmigrate.upgrade()');
head_is($node, "r$n", 'the run goes on when it is done');

# blocker_policy acts with the rights of the caller.
query($node, <<'SQL');
CREATE ROLE owner LOGIN;
SELECT pgmigrate.grant_access('owner', 'operator');
GRANT CREATE ON SCHEMA public TO owner;
ALTER TABLE t OWNER TO owner;
SQL
my $owner = session($node, user => 'owner');
my $other = session($node);
$owner->query(
	"SELECT pgmigrate.revision('poor', 'ALTER TABLE t ADD c5 int', id => 'poor')"
);
$other->query('BEGIN; SELECT count(*) FROM t');
$owner->query("SET pgmigrate.blocker_policy = terminate");
$owner->query("SET pgmigrate.lock_deadline = '2s'");
$owner->send('SELECT pgmigrate.upgrade()');
$owner->fails_with('55P03', 'blocker_policy: not beyond the rights of the caller');
like($owner->err, qr/process ${\$other->pid}: not permitted/, 'who is told');
like(attempts('outcome'), qr/not permitted/, 'which is kept');
is($other->query('SELECT 1'), '1', 'the other session goes on');

# To cancel does not reach a session that is idle in its transaction.
$owner->query("SET pgmigrate.blocker_policy = cancel");
$owner->send('SELECT pgmigrate.upgrade()');
$owner->fails_with('55P03', 'cancel and a session that is idle');
like($owner->err, qr/process ${\$other->pid}: not cancelled, idle/,
	'what is told is what was done');
$other->query('COMMIT');
$owner->query('SELECT pgmigrate.upgrade()');
head_is($node, 'poor', 'done when it is gone');

ledger_ok($node, 'at the end');
log_is_clean($node);
done_testing();

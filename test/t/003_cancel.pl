
# Copyright (c) 2026, pgmigrate developers

# All the ways to stop a run, and that it can go on afterwards.

use strict;
use warnings;

use PgMigrate::Test;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(time);

my $node = new_node('cancel');
my $block;
my @done;
my $n = 0;

query($node, <<'SQL');
CREATE TABLE mark (id text);
CREATE TABLE big (id int);
INSERT INTO big SELECT generate_series(1, 100);
SQL
$block = session($node);
$block->query('SELECT pg_advisory_lock(1)');

# Start an upgrade of a revision that leaves its mark and then works.
sub begin
{
	my ($work, $settings) = @_;
	my $caller = session($node);
	my $worker;

	$n++;
	revision($node, "r$n", "INSERT INTO mark VALUES ('r$n'); $work");
	$caller->query($settings) if $settings;
	$caller->send('SELECT pgmigrate.upgrade()');
	poll($node,
		"SELECT count(*) = 1 FROM pg_stat_activity WHERE backend_type = 'pgmigrate worker' AND query LIKE '%statement 2 of 2%'"
	);
	worker_waits($node, 'advisory') if $work =~ /advisory/;
	worker_waits($node, 'virtualxid') if $work =~ /INDEX/;
	return ($caller, worker_pid($node));
}

# The run is stopped; a new one goes on to the end.
sub stopped
{
	my ($caller, $worker, $state, $sqlstate, $name) = @_;

	if ($sqlstate)
	{
		$caller->fails_with($sqlstate, "$name: the caller is told $sqlstate");
		is($caller->query('SELECT 1'), '1', "$name: its session goes on")
		  unless $caller->ended;
	}
	cmp_ok(is_gone($worker), '<', 3, "$name: the worker is gone");
	is(query($node, 'SELECT state FROM pgmigrate.status()'),
		$state, "$name: status() is $state");
	$caller->quit;
	query($node,
		"SELECT pgmigrate.amend('r$n', upgrade => \$r\$INSERT INTO mark VALUES ('r$n'); SELECT 2\$r\$)"
	);
	query($node, 'SELECT pgmigrate.upgrade()');
	push @done, "r$n";
	applied_once($node, join(' ', sort @done), "$name: it goes on to the end");
	ledger_ok($node, $name);
	return;
}

my %work = (
	'waiting for a lock' => 'SELECT pg_advisory_xact_lock(1)',
	'busy' => 'SELECT count(*) FROM generate_series(1, 1000000000000)',
	'busy with notices' =>
	  'DO $$ BEGIN LOOP RAISE NOTICE \'%\', repeat(\'x\', 1000); END LOOP; END $$',
	'sleeping' => 'SELECT pg_sleep(1000)');

for my $name (sort keys %work)
{
	my ($caller, $worker) = begin($work{$name});
	my $start = time();

	$caller->interrupt;
	$caller->result;
	cmp_ok(time() - $start, '<', 3, "Ctrl-C, $name: prompt");
	stopped($caller, $worker, 'cancelled', '57014', "Ctrl-C, $name");
}

my ($caller, $worker) = begin($work{busy});
query($node, 'SELECT pg_cancel_backend(' . $caller->pid . ')');
stopped($caller, $worker, 'cancelled', '57014', 'pg_cancel_backend(caller)');

($caller, $worker) = begin($work{busy}, "SET statement_timeout = '4s'");
stopped($caller, $worker, 'cancelled', '57014', 'statement_timeout');

# No statement of the worker ran into it, but the call as a whole.
$n++;
revision($node, "r$n", join(';', ('SELECT pg_sleep(0.5)') x 10));
fails($node, "SET statement_timeout = '1s'; SELECT pgmigrate.upgrade()",
	'57014', 'statement_timeout of the call');
is( last_run($node, 'state, error'),
	'cancelled|canceling statement due to statement timeout',
	'the run says what cancelled it');
query($node, "SELECT pgmigrate.remove('r$n')");

# A limit of one statement of the run, whoever has set it, is a failure: nobody
# has cancelled anything.  A revision that cancels itself has been.
my $index = 'CREATE INDEX CONCURRENTLY big_late ON big (id)';
my $late = session($node);
$late->query('BEGIN; INSERT INTO big VALUES (0)');
for my $case (
	[ "SET statement_timeout = '100ms'; SELECT pg_sleep(1000)", '', 'failed', 'statement timeout' ],
	[ 'SELECT pg_sleep(1000)', 'statement_timeout', 'failed', 'statement timeout' ],
	[ $index, 'pgmigrate.concurrently_timeout', 'failed', 'statement timeout' ],
	[ 'SELECT pg_cancel_backend(pg_backend_pid()), pg_sleep(1000)', '', 'cancelled', 'user request' ])
{
	my ($sql, $setting, $state, $reason) = @$case;

	$n++;
	revision($node, "r$n", $sql);
	my $limit = $setting ? "SET $setting = '3s';" : '';
	my $run = query($node, "$limit SELECT pgmigrate.upgrade_start()");
	is( query($node, "SELECT state, error FROM pgmigrate.wait($run)"),
		"$state|canceling statement due to $reason",
		"$state: $limit $sql");
	is( query($node, "SELECT state FROM pgmigrate.run_step WHERE run = $run"),
		$state, 'and so is its step');
	query($node, "SELECT pgmigrate.remove('r$n')");
}
$late->query('ROLLBACK');
$late->quit;
query($node, 'DROP INDEX big_late');

# Cancelled in the moment in which its time is over, before it looks at either:
# the server calls that a timeout, but it was cancelled before.  The worker
# stands still meanwhile; where it was too slow to be stopped in time, again.
for my $seconds (3, 12, 48)
{
	$n++;
	revision($node, "r$n", "SET statement_timeout = '${seconds}s'; SELECT pg_sleep(1000)");
	my $run = query($node, 'SELECT pgmigrate.upgrade_start()');
	my $waiting = worker_waits($node, 'PgSleep');
	my $over = "clock_timestamp() - query_start FROM pg_stat_activity WHERE pid = $waiting";

	kill 'STOP', $waiting;
	my $in_time = query($node, "SELECT interval '$seconds s' > 0.1 * interval '1 s' + $over");
	if ($in_time eq 't')
	{
		is(query($node, "SELECT pgmigrate.cancel($run)"), 't', 'a cancel of a worker that stands still');
		poll($node, "SELECT interval '$seconds s' < $over");
	}
	kill 'CONT', $waiting;
	my $said = query($node, "SELECT state, error FROM pgmigrate.wait($run)");
	query($node, "SELECT pgmigrate.remove('r$n')");
	next if $in_time ne 't';
	is($said, 'cancelled|canceling statement due to user request',
		'a cancel that meets a timeout is a cancel');
	last;
}

# One that comes when the time is over, and that is about to be written down.
$n++;
revision($node, "r$n", "SET statement_timeout = '100ms'; SELECT pg_sleep(1000)");
my $keeps = session($node);
$keeps->query('BEGIN; LOCK TABLE pgmigrate.operation IN SHARE ROW EXCLUSIVE MODE');
my $timed = query($node, 'SELECT pgmigrate.upgrade_start()');
my $timed_worker = worker_waits($node, 'relation');
kill 'INT', $timed_worker;
$keeps->query('COMMIT');
$keeps->quit;
is( query($node, "SELECT state, error FROM pgmigrate.wait($timed)"),
	'failed|canceling statement due to statement timeout',
	'a timeout that meets a cancel is a failure');
query($node, "SELECT pgmigrate.remove('r$n')");

($caller, $worker) = begin($work{busy});
query($node, "SET statement_timeout = '1h'; SELECT pg_cancel_backend($worker)");
stopped($caller, $worker, 'cancelled', '57014', 'pg_cancel_backend(worker)');
is(last_run($node, 'state'), 'done', 'the run after that is done');

($caller, $worker) = begin($work{busy});
is( query($node,
		'SELECT pgmigrate.cancel((SELECT max(id) FROM pgmigrate.run))'),
	't', 'cancel() of a run');
stopped($caller, $worker, 'cancelled', '57014', 'cancel()');
is( query($node,
		'SELECT pgmigrate.cancel((SELECT max(id) FROM pgmigrate.run))'),
	'f', 'cancel() of a run that is over');
fails($node, 'SELECT pgmigrate.cancel(12345)', '42704',
	'cancel() of no run');

# By a role that has no right to signal the other one, but to cancel runs.
query($node, <<'SQL');
CREATE ROLE alice LOGIN;
CREATE ROLE bob LOGIN;
CREATE ROLE eve LOGIN;
SELECT pgmigrate.grant_access(role, level)
FROM (VALUES ('alice', 'operator'), ('bob', 'operator'), ('eve', 'author')) AS v (role, level);
SELECT pgmigrate.revision('sleeps', 'SELECT pg_sleep(1000)', id => 'sleeps');
SQL
my $bob = session($node, user => 'bob');
my $eve = session($node, user => 'eve');
my $run = query($node, 'SET SESSION AUTHORIZATION alice; SELECT pgmigrate.upgrade_start()');
$worker = worker_waits($node, 'PgSleep');
$eve->send("SELECT pgmigrate.cancel($run)");
$eve->fails_with('42501', 'an author cannot cancel a run');
$bob->send("SELECT pg_cancel_backend($worker)");
$bob->fails_with('42501', 'an operator has no right to signal the worker');
is($bob->query("SELECT pgmigrate.cancel($run)"),
	't', 'an operator cancels the run of another');
is_gone($worker);
is(last_run($node, 'state'), 'cancelled', 'it is cancelled');
$run = query($node, 'SELECT pgmigrate.upgrade_start()');
$worker = worker_waits($node, 'PgSleep');
$bob->send("SELECT pgmigrate.cancel($run)");
$bob->fails_with('42501', 'but not the run of a superuser');
query($node, "SELECT pgmigrate.cancel($run)");
is_gone($worker);

$_->quit foreach $bob, $eve;
query($node, "SELECT pgmigrate.remove('sleeps')");

# A transaction whose snapshot is older than the end of a run.
$n++;
revision($node, "r$n",
	"INSERT INTO mark VALUES ('r$n'); SELECT pg_advisory_xact_lock(2)");
push @done, "r$n";
my $holds = session($node);
my $looks = session($node);
$holds->query('SELECT pg_advisory_lock(2)');
$run = query($node, 'SELECT pgmigrate.upgrade_start()');
$worker = worker_waits($node, 'advisory');
$looks->query('BEGIN ISOLATION LEVEL REPEATABLE READ');
my $look = "SELECT state FROM pgmigrate.runs WHERE run = $run";
is($looks->query($look), 'running', 'a run that is at work');
is($looks->query("SELECT count(*) FROM pgmigrate.progress"),
	'1', 'has its progress');
$holds->query('SELECT pg_advisory_unlock(2)');
is_gone($worker);
is($looks->query($look), 'running',
	'is not interrupted where its end is not to be seen');
is($looks->query("SELECT pgmigrate.run_state($run)"),
	'done', 'run_state() tells of its end');
$looks->query('COMMIT');
is($looks->query($look), 'done', 'it is done afterwards');
$_->quit foreach $holds, $looks;

($caller, $worker) = begin($work{busy});
query($node, "SELECT pg_terminate_backend($worker)");
stopped($caller, $worker, 'interrupted', '57P01',
	'pg_terminate_backend(worker)');

for my $name ('busy', 'busy with notices', 'waiting for a lock')
{
	($caller, $worker) = begin($work{$name});
	query($node, 'SELECT pg_terminate_backend(' . $caller->pid . ')');
	is_gone($worker);
	is( last_run($node, 'error'),
		'the session that called it has ended',
		"pg_terminate_backend(caller), $name: the run says so");
	stopped($caller, $worker, 'cancelled', undef,
		"pg_terminate_backend(caller), $name");
}

# Terminated while no transaction is open, as after a commit that waited for a
# standby: the run lock must not outlive the process.
$node->append_conf('postgresql.conf',
	"synchronous_standby_names = 'nobody'\nsynchronous_commit = local\n");
$node->reload;
poll($node, "SELECT current_setting('synchronous_standby_names') = 'nobody'");
my $waits = session($node);
$waits->query('SET synchronous_commit = on');
$waits->query("LOAD 'pgmigrate'");
$waits->query('SET pgmigrate.flush_per_migration = on');
revision($node, 'before', 'SELECT 1');
revision($node, 'sync', 'SELECT 1');
$waits->send('SELECT pgmigrate.upgrade()');
$worker = worker_waits($node, 'SyncRep');
query($node, "SELECT pg_terminate_backend($worker)");
$waits->fails_with('08000', 'pg_terminate_backend(worker) after a commit');
is_gone($worker);
like(
	slurp_file($node->logfile),
	qr/canceling the wait for synchronous replication and terminating connection/,
	'the worker was in the commit');
$waits->quit;
ledger_ok($node, 'pg_terminate_backend(worker) after a commit');
query($node, 'SELECT pgmigrate.upgrade()');
head_is($node, 'sync', 'the next upgrade goes on to the end');

# What the server says of a worker that was stopped so.
like(
	slurp_file($node->logfile),
	qr/pgmigrate worker .*canceling statement due to user request/,
	'the worker was cancelled');

# Cancelled in CREATE INDEX CONCURRENTLY: the index is not left for ever.
my $writer = session($node);
$writer->query('BEGIN; INSERT INTO big VALUES (0)');
($caller, $worker) = begin('CREATE INDEX CONCURRENTLY big_id ON big (id)');
$caller->interrupt;
$caller->fails_with('57014', 'Ctrl-C in CREATE INDEX CONCURRENTLY');
is_gone($worker);
is( query($node,
		"SELECT indisvalid FROM pg_index WHERE indexrelid = 'big_id'::regclass"
	),
	'f',
	'it leaves an INVALID index');
$writer->query('ROLLBACK');
query($node, 'SELECT pgmigrate.upgrade()');
is( query($node,
		"SELECT string_agg(indisvalid::text, ' ') FROM pg_index WHERE indrelid = 'big'::regclass"
	),
	'true',
	'the next upgrade makes a valid one');
push @done, "r$n";
applied_once($node, join(' ', sort @done), 'its first statement ran once');

# Between two steps.
$n++;
revision($node, "r$n", "INSERT INTO mark VALUES ('r$n')");
push @done, "r$n";
($caller, $worker) = begin($work{'waiting for a lock'});
$caller->interrupt;
$caller->fails_with('57014', 'Ctrl-C in the second revision');
is_gone($worker);
head_is($node, 'r' . ($n - 1), 'the first one stays');
$block->query('SELECT pg_advisory_unlock(1)');
query($node, 'SELECT pgmigrate.upgrade()');
push @done, "r$n";
applied_once($node, join(' ', sort @done), 'both are applied');

# lock_timeout is that of the caller, for each attempt; the deadline ends them.
$block->query('BEGIN; LOCK TABLE big');
$n++;
revision($node, "r$n", 'ALTER TABLE big ADD COLUMN more int');
fails(
	$node,
	"SET lock_timeout = '100ms'; SET pgmigrate.lock_deadline = 0; SELECT pgmigrate.upgrade()",
	'55P03',
	'lock_timeout');
is(last_run($node, 'state, sqlstate'), 'failed|55P03', 'it is in the run');
$block->query('ROLLBACK');
query($node, 'SELECT pgmigrate.upgrade()');
head_is($node, "r$n", 'it goes on to the end');

# No slot for a worker.
$node->append_conf('postgresql.conf', "max_worker_processes = 1\n");
$node->restart;
$n++;
revision($node, "r$n", 'VACUUM big');
my $before = query($node, 'SELECT count(*) FROM pgmigrate.run');
my $messages = notices($node, 'SELECT pgmigrate.upgrade()');
like($messages, qr/ERROR:  53400: could not register a background worker/,
	'no worker slot');
like($messages, qr/HINT:  Raise "max_worker_processes"/, 'with a hint');
fails($node, 'SELECT pgmigrate.upgrade_start()', '53400',
	'no worker slot for upgrade_start()');
is(query($node, 'SELECT count(*) FROM pgmigrate.run'), $before, 'no run');
query($node,
	'CREATE TABLE filled AS SELECT g AS id, NULL::int AS n FROM generate_series(1, 5000) g'
);
fails(
	$node,
	"SELECT pgmigrate.backfill_start('filled', 'n = 1', 'n IS NULL')",
	'53400',
	'no worker slot for a backfill');

# One slot: it does what its helpers were for.
$node->append_conf('postgresql.conf', "max_worker_processes = 2\n");
$node->restart;
like(
	notices(
		$node,
		"SELECT state FROM pgmigrate.backfill('filled', 'n = 1', 'n IS NULL', workers => 3)"
	),
	qr/NOTICE: .*no worker process is free: the backfill is at work in 1 instead of 3/,
	'no worker slot for its helpers');
is(query($node, 'SELECT count(*) FROM filled WHERE n = 1'),
	'5000', 'it is complete');
query($node, "SELECT pgmigrate.amend('r$n', upgrade => 'ANALYZE big')");
query($node, "SET pgmigrate.execution = 'inline'; SELECT pgmigrate.upgrade()");
head_is($node, "r$n", 'inline it goes');

ledger_ok($node, 'cancel');
log_is_clean($node);
done_testing();

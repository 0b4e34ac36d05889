
# Copyright (c) 2026, pgmigrate developers

# Clients that go away, that do not wait, and that come at the same time.

use strict;
use warnings;

use PgMigrate::Test;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(time);

my $node = new_node('clients');
my $block = session($node);

query($node, 'CREATE TABLE mark (id text); CREATE TABLE big (id int)');
$block->query('SELECT pg_advisory_lock(1)');

sub finish_with
{
	my ($state, $name) = @_;

	poll($node, "SELECT state = '$state' FROM pgmigrate.status()");
	poll($node,
		"SELECT count(*) = 0 FROM pg_stat_activity WHERE backend_type = 'pgmigrate worker'"
	);
	ledger_ok($node, $name);
	return;
}

# The client is killed; what it began goes on.
revision($node, 'a1', "INSERT INTO mark VALUES ('a1'); SELECT pg_advisory_xact_lock(1)");
revision($node, 'a2', "INSERT INTO mark VALUES ('a2')");
my $caller = session($node);
$caller->send('SELECT pgmigrate.upgrade()');
worker_waits($node);
$caller->kill9;
poll($node,
	'SELECT count(*) = 0 FROM pg_stat_activity WHERE pid = ' . $caller->pid);
like(
	slurp_file($node->logfile),
	qr/client backend .*FATAL:  08006: connection to client lost/,
	'the server sees that the client is gone');
is(query($node, 'SELECT state, revision FROM pgmigrate.status()'),
	'running|a1', 'kill -9 of psql: the run goes on');
$block->query('SELECT pg_advisory_unlock(1)');
finish_with('done', 'kill -9 of psql');
applied_once($node, 'a1 a2', 'kill -9 of psql: it goes to the end');

# The same with many notices that nobody reads any more.
$block->query('SELECT pg_advisory_lock(1)');
revision($node, 'a3', <<'SQL');
INSERT INTO mark VALUES ('a3'); SELECT pg_advisory_xact_lock(1);
DO $$ BEGIN FOR i IN 1..2000 LOOP RAISE NOTICE '%', repeat('x', 1000); END LOOP; END $$
SQL
$caller = session($node);
$caller->send('SELECT pgmigrate.upgrade()');
worker_waits($node);
$caller->kill9;
$block->query('SELECT pg_advisory_unlock(1)');
finish_with('done', 'kill -9 of psql, with notices');
applied_once($node, 'a1 a2 a3', 'notices that nobody reads do not matter');

# Or it is cancelled, if so wished.
$block->query('SELECT pg_advisory_lock(1)');
revision($node, 'a4', "INSERT INTO mark VALUES ('a4'); SELECT pg_advisory_xact_lock(1)");
$caller = session($node);
$caller->query("SET pgmigrate.on_disconnect = 'cancel'");
$caller->send('SELECT pgmigrate.upgrade()');
my $worker = worker_waits($node);
$caller->kill9;
cmp_ok(is_gone($worker), '<', 4, 'on_disconnect = cancel: the worker is gone');
finish_with('cancelled', 'on_disconnect = cancel');
applied_once($node, 'a1 a2 a3', 'on_disconnect = cancel: nothing is left');

# Start, look, wait.
my $run = query($node, 'SELECT pgmigrate.upgrade_start()');
like($run, qr/^\d+$/, 'upgrade_start() returns the run');
worker_waits($node);
is( query($node,
		"SELECT run, command, target, state, step, steps, revision, message, error, details ->> 'execution' FROM pgmigrate.status($run)"
	),
	"$run|upgrade|head|running|1|1|a4|revision a4||worker",
	'status()');
my $start = time();
is( query($node,
		"SELECT state FROM pgmigrate.wait($run, '300 milliseconds')"),
	'running', 'wait() with a timeout');
cmp_ok(time() - $start, '>=', 0.3, 'it waits so long');
cmp_ok(time() - $start, '<', 3, 'and no longer');
is(query($node, "SELECT state FROM pgmigrate.wait($run, '0')"),
	'running', 'wait() with a timeout of 0');
is(query($node, "SELECT state FROM pgmigrate.wait($run, '-1 hour')"),
	'running', 'wait() with a negative timeout');
fails($node, 'SELECT pgmigrate.wait(12345)', '42704', 'wait() for no run');
my $waiter = session($node);
$waiter->send("SELECT state FROM pgmigrate.wait($run)");

# The second is told who the first is, at once.
for my $call (
	'SELECT pgmigrate.upgrade()',
	'SELECT pgmigrate.upgrade_start()',
	'BEGIN; SELECT pgmigrate.upgrade(); COMMIT',
	"SELECT pgmigrate.stamp('base')",
	"SELECT pgmigrate.downgrade('-1')")
{
	$start = time();
	my $messages = notices($node, "SET pgmigrate.run_wait = 0; $call");
	like($messages,
		qr/ERROR:  PM003: another run is in progress in this database/,
		"$call while another run works");
	my $pid = worker_pid($node);
	like(
		$messages,
		qr/DETAIL:  Process $pid \(pgmigrate worker, user "postgres", application "pgmigrate", started .* ago\) works on run $run\./,
		'it is told who works');
	cmp_ok(time() - $start, '<', 5, 'at once');
}
is(query($node, 'SELECT count(*) FROM pgmigrate.run WHERE state = \'running\''),
	'1', 'there is one run');
$block->query('SELECT pg_advisory_unlock(1)');
is($waiter->result, 'done', 'wait() returns when the run ends');
applied_once($node, 'a1 a2 a3 a4', 'upgrade_start() does the work');
is( query($node, 'SELECT state FROM pgmigrate.wait((SELECT max(id) FROM pgmigrate.run))'),
	'done', 'wait() for a run that is over');

# A run that is started but fails.
revision($node, 'a5', 'SELECT pg_advisory_xact_lock(1); SELECT 1/0',
	downgrade => "'SELECT 1'");
$run = query($node, 'SELECT pgmigrate.upgrade_start()');
is( query($node,
		"SELECT state, revision, error, details ->> 'sqlstate' FROM pgmigrate.wait($run)"),
	'failed|a5|division by zero|22012',
	'wait() tells the error of a run');
fails($node, "SELECT pgmigrate.wait($run, raise => true)",
	'22012', 'wait() fails as the run did, if it is to');
query($node, "SELECT pgmigrate.amend('a5', upgrade => 'SELECT 1')");
fails($node, "SELECT pgmigrate.upgrade_start('nonsense')",
	'42704', 'upgrade_start() is told of a target that is not there');
query($node,
	"SELECT state FROM pgmigrate.wait(pgmigrate.upgrade_start())");
head_is($node, 'a5', 'upgrade_start() as an argument of wait()');
query($node, "SELECT state FROM pgmigrate.wait(pgmigrate.downgrade_start('-1'))");
head_is($node, 'a4', 'downgrade_start()');

my $at_once = 'SET pgmigrate.run_wait = 0;';

# An uncommitted run in somebody's transaction, rolled back, prepared, committed.
for my $end ('ROLLBACK', "PREPARE TRANSACTION 'run'", 'COMMIT')
{
	my $other = session($node);

	$other->query('BEGIN; SELECT pgmigrate.upgrade()');
	like(
		notices($node, "$at_once SELECT pgmigrate.upgrade()"),
		qr/ERROR:  PM003: .*\n(?:.*\n)*.*DETAIL:  Process @{[ $other->pid ]} \(client backend/,
		"a run in a transaction is in the way before $end");
	$other->query($end);
	if ($end =~ /PREPARE/)
	{
		like(notices($node, "$at_once SELECT pgmigrate.upgrade()"),
			qr/DETAIL:  A prepared transaction holds the run lock, "run", prepared .* ago\.\n(?:.*\n)*.*HINT:  End it with COMMIT PREPARED or ROLLBACK PREPARED\./,
			'it is in the way as long as it is prepared');
		query($node, "ROLLBACK PREPARED 'run'");
	}
	$other->quit;
	head_is($node, $end eq 'COMMIT' ? 'a5' : 'a4', "after $end");
	ledger_ok($node, $end);
}

# Many at the same time, also with less worker slots than callers.
for my $i (1 .. 30)
{
	revision($node, sprintf('m%02d', $i), $i % 5 == 0 ?
		sprintf('CREATE INDEX CONCURRENTLY m%02d ON big (id)', $i) :
		sprintf("INSERT INTO mark VALUES ('m%02d')", $i));
}
my @sessions = map { session($node) } 1 .. 20;
for my $round (1 .. 3)
{
	my $to = $round == 3 ? 'head' : "m${round}0";

	$_->send(<<"SQL") foreach @sessions;
\\set ON_ERROR_STOP 0
SELECT count(*) FROM pgmigrate.upgrade('$to')
SQL
	$_->result foreach @sessions;
	my $ran = grep { $_->err !~ /ERROR/ } @sessions;
	my @strange = grep { $_->err =~ /ERROR/ } @sessions;

	is($ran, 20, '20 at once: one works, the others wait');
	is(scalar @strange, 0, '20 at once: none fails')
	  or diag $strange[0]->err;
}
query($node, 'SELECT pgmigrate.upgrade()');
head_is($node, 'm30', '20 at once: all is applied');
applied_once($node,
	join(' ', sort 'a1', 'a2', 'a3', 'a4', map { sprintf 'm%02d', $_ } grep { $_ % 5 } 1 .. 30),
	'20 at once: each is applied once');
is(query($node, "SELECT count(*) FROM pg_index WHERE indrelid = 'big'::regclass AND indisvalid"),
	'6', '20 at once: all indexes are there');
is( query($node,
		"SELECT count(*) FROM (SELECT FROM pgmigrate.run_step WHERE state = 'done' AND revision LIKE 'm%' GROUP BY revision HAVING count(*) > 1) AS s"
	),
	'0',
	'20 at once: no step is done twice');
$_->quit foreach @sessions;

ledger_ok($node, 'clients');
log_is_clean($node);
done_testing();

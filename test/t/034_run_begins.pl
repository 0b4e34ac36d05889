
# Copyright (c) 2026, pgmigrate developers

# A run is known from its first moment, and after a restart in it.

use strict;
use warnings;

use PgMigrate::Test;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = new_node('begins', 'wal_writer_delay = 10s');
my $at_once = 'SET pgmigrate.run_wait = 0;';
my $holds = session($node);
my $starts = session($node);

query($node, 'CREATE TABLE mark (id text)');
revision($node, 'r1', "INSERT INTO mark VALUES ('r1')");

# Planning waits for a table of ours.
sub plans
{
	$holds->query('BEGIN');
	$holds->query('LOCK TABLE pgmigrate.revision');
	$starts->send('SELECT pgmigrate.upgrade_start()');
	return worker_waits($node, 'relation');
}

my $worker = plans();
is( query($node,
		"SELECT run, command, target, state, step, steps, message, started IS NOT NULL, duration >= '0', details FROM pgmigrate.status()"
	),
	"1|upgrade|head|running|||being planned|t|t|{\"pid\": $worker, \"role\": \"postgres\", \"execution\": \"worker\"}",
	'status() knows a run that is being planned');
is(query($node, 'SELECT state FROM pgmigrate.status(1)'),
	'running', 'by its number too');
fails($node, 'SELECT pgmigrate.status(2)', '42704', 'but no other number');
is(query($node, "SELECT state, message FROM pgmigrate.wait(1, '10ms')"),
	'running|being planned', 'wait() waits for it');
is(query($node, 'SELECT pgmigrate.run_state(1)'), 'running', 'run_state()');
fails($node, 'SELECT pgmigrate.pause(1)', '55000', 'there is nothing to pause');
like(
	notices($node, "$at_once SELECT pgmigrate.upgrade_start()"),
	qr/PM003: .*\n(?:.*\n)*DETAIL: .* works on run 1\.\nHINT: .*pgmigrate.cancel\(1\)/,
	'who comes second is told its number');
is(query($node, 'SELECT pgmigrate.cancel(1)'), 't', 'it can be cancelled');
$starts->fails_with('57014', 'which its caller is told');
is_gone($worker);
is(query($node, 'SELECT count(*) FROM pgmigrate.status()'),
	'0', 'nothing is left of it');
$holds->query('ROLLBACK');

plans();
fails($node, 'SELECT pgmigrate.cancel(1)',
	'42704', 'a late cancel does not meet the run after it');
$holds->query('ROLLBACK');
is($starts->result, '2', 'which has a number of its own');
is(query($node, 'SELECT state FROM pgmigrate.wait(2)'), 'done', 'it ends');

# In the transaction of its caller.
revision($node, 'r2', "INSERT INTO mark VALUES ('r2')");
$starts->query('BEGIN');
is($starts->query('SELECT revision, state FROM pgmigrate.upgrade()'),
	'r2|done', 'a run in a transaction');
is($starts->query('SELECT run, state FROM pgmigrate.status()'),
	'3|done', 'is done for its own session');
is( query($node,
		"SELECT run, state, message, details ->> 'execution' FROM pgmigrate.status()"
	),
	'3|running|in a transaction that has not committed it|inline',
	'and at work for the others');
is(query($node, 'SELECT pgmigrate.cancel(3)'),
	't', 'cancel() ends the session, which is idle');
is_gone($starts->pid);
is(query($node, 'SELECT run, state FROM pgmigrate.status()'),
	'2|done', 'the run is taken back');
$starts = session($node);

# Its row is on disk when its number is told, whatever the session says.
$holds->query('SELECT pg_advisory_lock(1)');
revision($node, 'r3', 'SELECT pg_advisory_xact_lock(1)');
my $run = query($node,
	'SET synchronous_commit = off; SELECT pgmigrate.upgrade_start()');
$node->stop('immediate');
$node->start;
is( query($node,
		"SELECT run, state, step, steps, error FROM pgmigrate.status($run)"),
	"$run|interrupted|1|2|the process that ran it is gone",
	'a run whose number was told is known after a crash');
is(query($node, "SELECT state FROM pgmigrate.wait($run)"),
	'interrupted', 'wait() ends at once');
fails($node, "SELECT pgmigrate.wait($run, raise => true)",
	'57000', 'and fails where it is to');
is( query($node, "SELECT state, done FROM pgmigrate.runs WHERE run = $run"),
	'interrupted|0', 'so says the view');
is( query($node,
		"SELECT string_agg(state, ' ' ORDER BY revision) FROM pgmigrate.history()"),
	'applied pending pending',
	'history() has nothing of it');
like(
	notices($node, 'SELECT pgmigrate.upgrade()'),
	qr/NOTICE:  00000: run $run was interrupted after 0 of 2 steps\nDETAIL:  upgrade: head/,
	'the next run says so');
head_is($node, 'r3', 'and goes to the end');
is(query($node, "SELECT state FROM pgmigrate.status($run)"),
	'interrupted', 'the other one stays interrupted');

# At a standby that never answers.
revision($node, 'r4', "INSERT INTO mark VALUES ('r4')");
$node->append_conf('postgresql.conf',
	"synchronous_standby_names = 'nobody'\nsynchronous_commit = local\n");
$node->reload;
poll($node, "SELECT current_setting('synchronous_standby_names') = 'nobody'");
for my $call (
	'SELECT count(*) FROM pgmigrate.upgrade()',
	"SELECT count(*) FROM pgmigrate.backfill('mark', 'id = ''r5''', 'id = ''r4''')")
{
	my $waits = session($node);

	$waits->query('SET synchronous_commit = on');
	$waits->send($call);
	$worker = worker_waits($node, 'SyncRep');
	is(query($node, 'SELECT state FROM pgmigrate.status()'),
		'running', "$call: is known while its commit waits for a standby");
	is(query($node, 'SELECT pgmigrate.cancel(run) FROM pgmigrate.status()'),
		't', 'and can be cancelled');
	is_gone($worker);
	isnt(query($node, 'SELECT state FROM pgmigrate.status()'),
		'running', 'it has ended');
	$waits->result;
	$waits->quit;
}
ledger_ok($node, 'begins');
log_is_clean($node);
done_testing();


# Copyright (c) 2026, pgmigrate developers

# What a run leaves is recorded after it has ended, whoever stops it meanwhile.

use strict;
use warnings;

use PgMigrate::Test;
use Test::More;

my $node = new_node('record');
my $n = 0;
my $recorded = "SELECT run FROM pgmigrate.schema_object WHERE kind = 'database'";
my $drift = 'SELECT object, change FROM pgmigrate.drift()';

# To put out a view the server locks what it reads.
query($node, 'CREATE TABLE viewed (id int); CREATE VIEW viewer AS SELECT id FROM viewed');

# A run that has ended so, and whose worker waits to record the schema.
sub begin
{
	my ($state, $set) = @_;
	my $holder = session($node);

	$n++;
	revision($node, "first$n", "CREATE TABLE left_$n (id int)");
	revision($node, "second$n", 'SELECT pg_advisory_xact_lock(1)');
	$holder->query('SELECT pg_advisory_lock(1)');
	my $run = query($node, ($set // '') . <<'SQL');
;LOAD 'pgmigrate';
SET pgmigrate.lock_timeout = '60s';
SELECT pgmigrate.upgrade_start();
SQL
	my $worker = worker_waits($node, 'advisory');
	$holder->query('BEGIN; LOCK TABLE viewed');
	query($node, "SELECT pgmigrate.cancel($run)") if $state eq 'cancelled';
	$holder->query('SELECT pg_advisory_unlock(1)') if $state eq 'done';
	is(worker_waits($node, 'relation'), $worker, "$state: the schema is read");
	is(query($node, "SELECT state FROM pgmigrate.run WHERE id = $run"),
		$state, "$state: the run has ended by then");
	return ($holder, $run, $worker);
}

for my $state ('cancelled', 'done')
{
	my ($holder, $run, $worker) = begin($state);

	kill 'INT', $worker foreach 1 .. 2;
	is( query($node, "SELECT count(*) FILTER (WHERE clock_timestamp() - statement_timestamp() >= '1 s') FROM pgmigrate.wait($run, '1 s')"),
		'1', "$state: who waits for the run waits for the record");
	$holder->query('COMMIT');
	$holder->quit;
	is(query($node, "SELECT state FROM pgmigrate.wait($run)"),
		$state, "$state: it stays so");
	is_gone($worker);
	is(query($node, $recorded), $run, "$state: a cancel ends no record");
	is(query($node, $drift), '', "$state: what it has left is known");
	query($node, "SELECT pgmigrate.remove('second$n')") if $state eq 'cancelled';
}

# Who has seen that the run is done goes on, also who waits for no run.
for my $case (
	[ 'SELECT count(*) FROM pgmigrate.upgrade()', '1' ],
	[ 'SELECT pgmigrate.upgrade_start() > 0', 't' ],
	[ "SELECT count(*) FROM pgmigrate.stamp('head')", '1' ],
	[ $drift, '' ])
{
	my ($call, $answer) = @$case;
	my ($holder) = begin('done');
	my $next = session($node);

	revision($node, "next$n", "CREATE TABLE next_$n (id int)");
	$next->query('SET pgmigrate.run_wait = 0');
	$next->send($call);
	poll($node, "SELECT state = 'idle' OR wait_event_type IS NOT DISTINCT FROM 'Extension' FROM pg_stat_activity WHERE pid = "
		  . $next->pid);
	$holder->query('COMMIT');
	is($next->result, $answer, "$call: goes on after the record");
	unlike($next->err, qr/ERROR|was not recorded|another run/,
		"$call: meets no run in progress");
	query($node, 'SELECT count(*) FROM pgmigrate.wait()');
	$_->quit foreach $holder, $next;
}

# Unless the record waits for the one who would wait.
my ($locker) = begin('done');
$locker->send("SELECT pgmigrate.stamp('head')");
$locker->fails_with('PM003', 'who has locked what is read waits for no record');
$locker->query('ROLLBACK');
$locker->quit;
query($node, 'SELECT count(*) FROM pgmigrate.wait()');

# Terminated, as by a launcher that has lost its patience.
my ($holder, $run, $worker) = begin('cancelled');
my $before = query($node, $recorded);

kill 'TERM', $worker;
is_gone($worker);
$holder->query('COMMIT');
$holder->quit;
is( query($node, "SELECT state, details ->> 'sqlstate' FROM pgmigrate.status($run)"),
	'cancelled|57014', 'terminated: the run stays cancelled');
like(
	notices($node, $drift),
	qr/NOTICE:  00000: the schema that run $run has left was not recorded, what is compared is that of run $before\n/,
	'terminated: drift() says what it compares with');
is(query($node, "SELECT count(*) FROM pgmigrate.event WHERE kind = 'drift' AND payload ->> 'state' = 'found'"),
	'0', 'terminated: no drift is announced');
fails($node, "SELECT pgmigrate.adopt_drift('of the run')",
	'55000', 'terminated: what the run has left is not adopted');
query($node, "SELECT pgmigrate.remove('second$n')");

# The next run records it first, so it is known when that fails.
revision($node, 'fails', 'SELECT 1/0');
like(
	notices($node, 'SELECT pgmigrate.upgrade()'),
	qr/NOTICE:  00000: the schema that run $run has left was not recorded, it is recorded as it is now\n(?:.*\n)*.*ERROR:  22012/,
	'terminated: the next run says that it records it');
is(query($node, $drift), '', 'terminated: and has done so before it began');

# What has no schema to record is done, too, once its work is.
query($node, <<'SQL');
CREATE TABLE plain (id int PRIMARY KEY, t text);
INSERT INTO plain SELECT i, i FROM generate_series(1, 100) i;
SQL
for my $case (
	[ 'rebuild', "SELECT action FROM pgmigrate.rebuild('plain', 'ALTER id TYPE bigint')", 'SELECT count(*) FROM plain' ],
	[ 'backfill', "SELECT count(*) FROM pgmigrate.backfill('plain', 't = 0', 't <> ''0''')", 'SELECT FROM plain WHERE id = 100 FOR UPDATE' ])
{
	my ($command, $call, $in_the_way) = @$case;
	my ($other, $keeper, $caller) = map { session($node) } 1 .. 3;

	$other->query("BEGIN; $in_the_way");
	$caller->send($call);
	poll($node, 'SELECT EXISTS (SELECT FROM pgmigrate.operation JOIN pgmigrate.run r ON r.id = run '
		  . "WHERE r.command = '$command')");
	$keeper->query('BEGIN; LOCK TABLE pgmigrate.run IN SHARE MODE');
	$other->query('COMMIT');
	$worker = worker_waits($node, 'relation');
	kill 'INT', $worker;
	$keeper->query('COMMIT');
	is_gone($worker);
	is(last_run($node, 'command, state'), "$command|done", "$command: a cancel comes too late");
	$_->quit foreach $other, $keeper, $caller;
}
is( query($node, "SELECT count(*), count(*) FILTER (WHERE t = '0'), pg_typeof(min(id)) FROM plain"),
	'100|100|bigint', 'both have done their work');

# A role without any right locks a view of its own: nobody waits for long.
query($node, <<'SQL');
CREATE ROLE bystander LOGIN;
CREATE SCHEMA own AUTHORIZATION bystander;
SET ROLE bystander;
CREATE TABLE own.t (a int);
CREATE VIEW own.v AS TABLE own.t;
CREATE VIEW own.gone AS TABLE own.t;
CREATE VIEW own.above AS TABLE own.v;
CREATE TABLE own.u (a int);
CREATE RULE r AS ON INSERT TO own.u DO ALSO DELETE FROM own.t;
SQL
query($node, "SELECT pgmigrate.remove('fails')");
revision($node, 'not_held', 'CREATE TABLE not_held (id int)');
query($node, 'SELECT count(*) FROM pgmigrate.upgrade()');
query($node, 'SET ROLE bystander; CREATE VIEW own.added AS TABLE own.t; DROP VIEW own.gone');
my $bystander = session($node);
$bystander->query('SET ROLE bystander; BEGIN; LOCK TABLE own.v');
for my $call ("SELECT pgmigrate.adopt_drift('held up')", 'SELECT * FROM pgmigrate.drift()', 'SELECT pgmigrate.fingerprint()')
{
	fails($node, "SET statement_timeout = '60s'; $call", '55P03', "a view is locked: $call");
}

# The end of the first run waits as long as it may, that of the next does not.
for my $id ('held_up', 'held_again')
{
	revision($node, $id, "CREATE TABLE $id (id int)");
	my $took = query($node, "LOAD 'pgmigrate'; SET pgmigrate.lock_timeout = '10s'; SELECT count(*) FROM pgmigrate.upgrade(); "
		  . "SELECT clock_timestamp() - started < '9 s' FROM pgmigrate.run ORDER BY id DESC LIMIT 1");
	is($took, $id eq 'held_up' ? "1\nf" : "1\nt", "a view is locked: $id");
}
my $own = "SELECT string_agg(kind || ' ' || identity, ', ' ORDER BY kind, identity) FROM pgmigrate.schema_object WHERE kind IN ('view', 'rule') AND identity ~ 'own[.]'";
is(query($node, $own), 'rule r on own.u, view own.above, view own.v', 'a view is locked: of what is not to be read the rows stay');
is( query($node, "SELECT count(*) FROM pgmigrate.schema_object WHERE kind = 'table' AND identity ~ 'held_(up|again)'"),
	'2', 'a view is locked: all else is recorded');
is(query($node, $recorded), last_run($node, 'id'), 'a view is locked: of the last run');
revision($node, 'held_told', 'CREATE TABLE held_told (id int)');
like(
	notices($node, 'SELECT pgmigrate.upgrade()'),
	qr/WARNING:  55P03: could not record 4 views or rules, .*\nDETAIL:  rule r on own.u, view own.above, view own.added, view own.v\n/,
	'a view is locked: the run says so');
$bystander->query('ROLLBACK');
$bystander->quit;
like(
	notices($node, $drift),
	qr/NOTICE:  00000: not all of the schema that run \d+ has left was recorded.*\nDETAIL:  Not compared: rule r on own.u, view own.above, view own.added, view own.v.\n/,
	'a view was locked: drift() says what it leaves out');
is(query($node, $drift), '', 'a view was locked: it is no drift');
query($node, 'CREATE TABLE by_hand (id int)');
is(query($node, "$drift WHERE object ~ '^table'"), 'table public.by_hand|added', 'a view was locked: what else was changed is');
query($node, 'DROP TABLE by_hand');
fails($node, "SELECT pgmigrate.adopt_drift('while it was locked')", '55000', 'a view was locked: nothing is adopted');
revision($node, 'held_no_more', 'CREATE TABLE held_no_more (id int)');
unlike(notices($node, 'SELECT pgmigrate.upgrade()'), qr/WARNING/, 'a view was locked: the next run has nothing to say of it');
is(query($node, $own), 'rule r on own.u, view own.above, view own.added, view own.v', 'a view was locked: the next run has recorded all');
is(query($node, $drift), '', 'a view was locked: there is no drift after it');
unlike(notices($node, $drift), qr/NOTICE/, 'a view was locked: nothing is left out any more');

# In the transaction of the work its locks are held: others wait for nobody who
# has a view.
for my $call (
	[ 'inline', 'BEGIN; SELECT count(*) FROM pgmigrate.upgrade(); COMMIT' ],
	[ 'in one transaction', 'SET pgmigrate.transaction_per_migration = off; SELECT count(*) FROM pgmigrate.upgrade()' ],
	[ 'a stamp', "SELECT count(*) FROM pgmigrate.stamp('head')" ])
{
	my ($how, $sql) = @$call;

	$n++;
	$holder = session($node);
	$holder->query('BEGIN; LOCK TABLE viewed');
	revision($node, "amid$n", "CREATE TABLE amid_$n (id int)");
	is( query($node, "LOAD 'pgmigrate'; SET pgmigrate.lock_timeout = '20s'; CREATE TEMP TABLE begun AS SELECT clock_timestamp() AS at; "
			  . "$sql; SELECT clock_timestamp() - at < '19 s' FROM begun"),
		"1\nt", "$how: the record waits for no view");
	is(query($node, $recorded), last_run($node, 'id'), "$how: all else is recorded");
	$holder->query('ROLLBACK');
	$holder->quit;
	revision($node, "after$n", "CREATE TABLE after_$n (id int)");
	query($node, 'SELECT count(*) FROM pgmigrate.upgrade()');
	is(query($node, $drift), '', "$how: the next run records the rest");
}

# Nor does one before it begins, to tell what was changed by hand.
query($node, 'ALTER TABLE left_1 ADD by_hand int; CREATE RULE held AS ON DELETE TO left_1 DO ALSO DELETE FROM viewed');
query($node, 'SELECT pgmigrate.stamp(\'head\'); ALTER TABLE left_1 DROP by_hand');
$holder = session($node);
$holder->query('BEGIN; LOCK TABLE viewed');
revision($node, 'before', 'COMMENT ON TABLE left_1 IS $$left$$');
my $told = notices($node, "LOAD 'pgmigrate'; SET pgmigrate.lock_timeout = '20s'; CREATE TEMP TABLE begun AS SELECT clock_timestamp() AS at; "
	  . "BEGIN; SELECT count(*) FROM pgmigrate.upgrade(); COMMIT; DO 'BEGIN ASSERT (SELECT clock_timestamp() - at < ''19 s'' FROM begun); END'");
like($told, qr/DETAIL:  table public.left_1 \(changed\), column public.left_1.by_hand \(removed\)\n/, 'before the run: what is not locked is told, and nothing else');
unlike($told, qr/ERROR|could not look/, 'before the run: it waits for no view');
$holder->query('ROLLBACK');
$holder->quit;
query($node, 'DROP RULE held ON left_1; SELECT pgmigrate.stamp(\'head\')');

# A run that has ended cannot be cancelled: its record waits for no standby.
$node->append_conf('postgresql.conf', 'synchronous_commit = local');
$node->reload;
poll($node, "SELECT current_setting('synchronous_commit') = 'local'");
for my $state ('cancelled', 'done')
{
	($holder, $run, $worker) = begin($state, 'SET synchronous_commit = on');
	$node->append_conf('postgresql.conf', "synchronous_standby_names = 'nobody'");
	$node->reload;
	poll($node, "SELECT current_setting('synchronous_standby_names') = 'nobody'");
	$holder->query('COMMIT');
	$holder->quit;
	is_gone($worker);
	is(query($node, $recorded), $run, "$state: the record waits for no standby");
	$node->append_conf('postgresql.conf', "synchronous_standby_names = ''");
	$node->reload;
	query($node, "SELECT pgmigrate.remove('second$n')") if $state eq 'cancelled';
}

ledger_ok($node, 'record');
log_is_clean($node);
done_testing();

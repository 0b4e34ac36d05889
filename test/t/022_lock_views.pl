
# Copyright (c) 2026, pgmigrate developers

# What is shown of the sessions in the way of a run, and to whom.

use strict;
use warnings;

use PgMigrate::Test;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = new_node('lock_views', 'autovacuum = off');
my $n = 0;

sub next_revision
{
	my ($sql) = @_;

	$n++;
	revision($node, "r$n", $sql);
	return "r$n";
}

sub waiting
{
	my ($what) = @_;

	return poll($node,
		"SELECT count(*) = 1 FROM pgmigrate.progress WHERE waiting ~ '$what'");
}

# Outside of the queue: the notice has been sent.
sub looking
{
	my ($what) = @_;

	return waiting("$what' AND wait_event_type IS DISTINCT FROM 'Lock' AND '' = '");
}

sub tree_as
{
	my ($role) = @_;

	return query($node, "SET ROLE $role; SELECT * FROM pgmigrate.lock_tree()");
}

query($node, <<'SQL');
CREATE ROLE looker;
CREATE ROLE statist;
CREATE ROLE runner LOGIN;
GRANT pg_read_all_stats TO statist;
SELECT pgmigrate.grant_access('looker', 'viewer');
SELECT pgmigrate.grant_access('statist', 'viewer');
SELECT pgmigrate.grant_access('runner', 'operator');
CREATE SCHEMA own AUTHORIZATION runner;
SET ROLE runner;
CREATE TABLE own.t (id int);
SQL

my $holder = session($node);
$holder->query("SET application_name = 'h'");
my $caller = session($node);

# Queries are for those who may see them in pg_stat_activity.
$holder->query(q{BEGIN; SELECT 'psst' FROM own.t});
next_revision('ALTER TABLE own.t ADD c1 int');
$caller->send('SELECT pgmigrate.upgrade()');
looking('AccessExclusiveLock on own.t, blocked by process ' . $holder->pid);
my $line = qr/^  process ${\$holder->pid} .*holds AccessShareLock/m;
like(tree_as('looker'), $line, 'a viewer sees who is in the way');
unlike(tree_as('looker'), qr/psst/, 'but not what it runs');
like(tree_as('statist'), qr/$line\n {8}SELECT 'psst'/m,
	'pg_read_all_stats sees that');
like(query($node, 'SELECT * FROM pgmigrate.lock_tree()'),
	qr/$line\n {8}SELECT 'psst'/m, 'and a superuser');
$holder->query('COMMIT');
$caller->result;
like($caller->err, qr/DETAIL:  Process .*psst/,
	'the notice has it, for a superuser who runs');
like(
	query($node,
		q{SELECT string_agg(details::text, '') FROM pgmigrate.run_step}),
	qr/"pid": ${\$holder->pid}.*"state": "idle in transaction"/,
	'the step keeps who it was');
unlike(
	query($node, <<'SQL'),
SELECT (SELECT string_agg(s::text, '') FROM pgmigrate.run_step s)
	|| (SELECT string_agg(r::text, '') FROM pgmigrate.run r)
	|| (SELECT string_agg(l::text, '') FROM pgmigrate.run r, pgmigrate.lock_timeline(r.id) l)
SQL
	qr/psst/,
	'not what it ran');

# An operator is told as much as it may see.
my $weak = session($node, user => 'runner');
$n++;
$weak->query(
	"SELECT pgmigrate.revision('weak', 'ALTER TABLE own.t ADD c2 int', id => 'r$n')"
);
$holder->query(q{BEGIN; SELECT 'psst' FROM own.t});
$weak->send('SELECT pgmigrate.upgrade()');
looking('AccessExclusiveLock on own.t');
$holder->query('COMMIT');
$weak->result;
like($weak->err, qr/DETAIL:  Process ${\$holder->pid} .*own\.t$/m,
	'a notice of an operator');
unlike($weak->err, qr/psst/, 'without the query of a superuser');

# A cancel does not reach who is idle.
$holder->query('BEGIN; SELECT 1 FROM own.t');
next_revision('ALTER TABLE own.t ADD c3 int');
my $told = notices($node,
	"SET pgmigrate.blocker_policy = cancel; SET pgmigrate.lock_deadline = '1s'; SELECT pgmigrate.upgrade()"
);
like(
	$told,
	qr/blocker_policy, process ${\$holder->pid}: not cancelled, idle in its transaction/,
	'nothing to cancel: it is told');
like($told, qr/HINT:  .*pg_terminate_backend\(${\$holder->pid}\)/,
	'with what would help');
my $count = () = $told =~ /not cancelled/g;
is($count, 1, 'once');
is( query($node,
		q{SELECT string_agg(DISTINCT outcome, ',' ORDER BY outcome) FROM pgmigrate.lock_timeline((SELECT max(id) FROM pgmigrate.run)) WHERE phase = 'policy'}
	),
	'not cancelled, idle in its transaction',
	'and recorded');
is($holder->query('SELECT 2'), '2', 'the session lives');
like($told, qr/DETAIL:  Process ${\$holder->pid} .*SELECT 1 FROM own/,
	'the error at the deadline has the query, for who runs');
like(
	query($node,
		'SELECT detail FROM pgmigrate.run_error ORDER BY run DESC LIMIT 1'),
	qr/^Process ${\$holder->pid} .* holds AccessShareLock on own[.]t$/,
	'what is kept of it for operators has not');
$holder->query('COMMIT');
query($node, 'SELECT pgmigrate.upgrade()');

# CONCURRENTLY waits for transactions, not for relations.
$holder->query(q{BEGIN; INSERT INTO own.t VALUES (1); SELECT 'psst'});
next_revision('CREATE INDEX CONCURRENTLY t_id ON own.t (id)');
$caller->send('SELECT pgmigrate.upgrade()');
waiting('ShareLock on virtual transaction [0-9/]+, blocked by process '
	  . $holder->pid);
like(
	query($node, 'SELECT * FROM pgmigrate.lock_tree()'),
	qr{^virtual transaction [0-9/]+\n  process ${\$holder->pid} \(.*\) holds ExclusiveLock\n {8}SELECT 'psst' ?;?\n    run [0-9]+, process [0-9]+ waits for ShareLock$}m,
	'a virtual transaction: the tree');
unlike(tree_as('looker'), qr/psst/, 'without the query for a viewer');
$holder->query('COMMIT');
$caller->result;

# As a step of an online change: the operation tells for whom.
$holder->query('BEGIN; INSERT INTO own.t VALUES (1)');
next_revision('CREATE INDEX t_online ON own.t (id)');
$caller->query('SET pgmigrate.online_threshold = 0');
$caller->send('SELECT pgmigrate.upgrade()');
poll($node,
	"SELECT count(*) = 1 FROM pgmigrate.operations WHERE waiting_for = 'process ${\$holder->pid}'"
);
is( query(
		$node, "SELECT details->>'waiting_for' FROM pgmigrate.status()"),
	'process ' . $holder->pid,
	'an online change that waits in a step: for whom');
$holder->query('COMMIT');
$caller->result;
is( query(
		$node, 'SELECT count(*) FROM pgmigrate.operations WHERE waiting_for IS NOT NULL'),
	'0',
	'and when it is over, for nobody');

# And one that is switched, whose way back builds an index on the old rows.
query($node, <<'SQL');
CREATE TABLE own.back (id int PRIMARY KEY, v int);
SELECT pgmigrate.revision('there and back', 'ALTER TABLE own.back ALTER v TYPE bigint', 'ALTER TABLE own.back ALTER v TYPE int', id => 'back');
SQL
$caller->query('SELECT pgmigrate.upgrade()');
query($node, 'CREATE INDEX back_v ON own.back (v)');
$holder->query('BEGIN; INSERT INTO own.back VALUES (1, 1)');
$caller->send("SELECT pgmigrate.downgrade('-1')");
poll($node,
	"SELECT count(*) = 1 FROM pgmigrate.operations WHERE state = 'switched' AND waiting_for = 'process ${\$holder->pid}'"
);
is( query(
		$node, "SELECT details->>'waiting_for' FROM pgmigrate.status()"),
	'process ' . $holder->pid,
	'a way back that waits: for whom');
$holder->query('COMMIT');
$caller->result;
is( query(
		$node,
		"SELECT state FROM pgmigrate.operations WHERE relation = 'own.back' AND waiting_for IS NULL"
	),
	'reverted',
	'and when it is over, for nobody');
query($node, "SELECT pgmigrate.remove('back')");
$caller->query('RESET pgmigrate.online_threshold');

# So does a change of rows.
query($node, 'INSERT INTO own.t VALUES (1)');
$holder->query('BEGIN; UPDATE own.t SET id = 2');
next_revision('UPDATE own.t SET id = 3');
$caller->query("SET pgmigrate.lock_timeout = 0");
$caller->send('SELECT pgmigrate.upgrade()');
waiting(
	'ShareLock on transaction [0-9]+, blocked by process ' . $holder->pid);
like(
	query($node, 'SELECT * FROM pgmigrate.lock_tree()'),
	qr{^transaction [0-9]+\n  process ${\$holder->pid} \(.*\) holds ExclusiveLock\n {8}.*UPDATE}m,
	'a transaction: the tree');
$holder->query('COMMIT');
$caller->result;
head_is($node, "r$n", 'and the run goes on');

ledger_ok($node, 'at the end');
log_is_clean($node);
done_testing();


# Copyright (c) 2026, pgmigrate developers

# What a crash leaves, and that the next upgrade goes on from there.

use strict;
use warnings;

use PgMigrate::Test;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = new_node('crash');

query($node, <<'SQL');
CREATE TABLE mark (id text);
CREATE TABLE big (id int, v text);
INSERT INTO big SELECT i, i::text FROM generate_series(1, 100) i;
SQL

# Hold a lock that a revision waits for.
sub blocker
{
	my ($sql) = @_;
	my $session = session($node);

	$session->query($sql);
	return $session;
}

# Call upgrade in a session of its own, and wait until the worker waits.
sub upgrade_until
{
	my ($event, $settings) = @_;
	my $session = session($node);

	$session->query($settings) if $settings;
	$session->send('SELECT pgmigrate.upgrade()');
	return ($session, worker_waits($node, $event));
}

sub index_state
{
	my ($name) = @_;

	return query($node,
		"SELECT CASE WHEN indisvalid THEN 'valid' ELSE 'invalid' END FROM pg_index WHERE indexrelid = to_regclass('$name')"
	);
}

# The worker is killed in a revision that is one transaction.
revision($node, 'a1', "INSERT INTO mark VALUES ('a1')");
revision($node, 'a2',
	"INSERT INTO mark VALUES ('a2'); SELECT pg_advisory_xact_lock(1)");
revision($node, 'a3', "INSERT INTO mark VALUES ('a3')");
my $block = blocker('SELECT pg_advisory_lock(1)');
my ($caller, $pid) =
  upgrade_until('advisory', 'SET pgmigrate.flush_per_migration = on');
is(query($node, 'SELECT state, step, steps, revision FROM pgmigrate.status()'),
	'running|2|3|a2', 'it is running');
kill_and_recover($node, $pid);
$caller->quit;
$block->quit;
is(query($node, 'SELECT state, step, revision FROM pgmigrate.status()'),
	'interrupted|2|a2', 'status() after a crash');
is(last_run($node, 'state'), 'running',
	'nobody had the time to write that down');
head_is($node, 'a1', 'the flushed revision before it stays');
applied_once($node, 'a1', 'nothing is left of the interrupted one');
ledger_ok($node, 'kill -9 of the worker');
query($node, 'SELECT pgmigrate.upgrade()');
head_is($node, 'a3', 'the next upgrade goes on to the end');
applied_once($node, 'a1 a2 a3', 'each is applied once');
is( query(
		$node,
		'SELECT state, error IS NOT NULL, finished IS NOT NULL FROM pgmigrate.run ORDER BY id'
	),
	"interrupted|t|t\ndone|f|t",
	'the interrupted run is written down by the next');

# The caller is killed.
revision($node, 'a4',
	"INSERT INTO mark VALUES ('a4'); SELECT pg_advisory_xact_lock(1)");
$block = blocker('SELECT pg_advisory_lock(1)');
($caller, $pid) = upgrade_until('advisory');
kill_and_recover($node, $caller->pid);
$caller->quit;
$block->quit;
is(query($node, 'SELECT state FROM pgmigrate.status()'),
	'interrupted', 'kill -9 of the caller');
ledger_ok($node, 'kill -9 of the caller');
query($node, 'SELECT pgmigrate.upgrade()');
applied_once($node, 'a1 a2 a3 a4', 'kill -9 of the caller: applied once');

# The whole run as one transaction.
revision($node, 'a5', "INSERT INTO mark VALUES ('a5')");
revision($node, 'a6',
	"INSERT INTO mark VALUES ('a6'); SELECT pg_advisory_xact_lock(1)");
$block = blocker('SELECT pg_advisory_lock(1)');
($caller, $pid) = upgrade_until('advisory',
	'SET pgmigrate.transaction_per_migration = off');
kill_and_recover($node, $pid);
$_->quit foreach $caller, $block;
head_is($node, 'a4', 'a run that was one transaction is gone as a whole');
applied_once($node, 'a1 a2 a3 a4', 'and so is its work');
query($node, 'SELECT pgmigrate.upgrade()');
applied_once($node, 'a1 a2 a3 a4 a5 a6', 'it goes on to the end');

# In CREATE INDEX CONCURRENTLY, between statements that commit by themselves.
revision($node, 'b1', <<'SQL');
INSERT INTO mark VALUES ('b1');
CREATE INDEX CONCURRENTLY b1 ON big (id);
INSERT INTO mark VALUES ('b1b');
SQL
$block = blocker('BEGIN; INSERT INTO big VALUES (0)');
($caller, $pid) = upgrade_until('virtualxid');
kill_and_recover($node, $pid);
$_->quit foreach $caller, $block;
is(index_state('b1'), 'invalid', 'a crash leaves an INVALID index');
is( query($node,
		"SELECT state, step, revision, details ->> 'statement' FROM pgmigrate.status()"
	),
	'interrupted|1|b1|1',
	'status() tells the last statement done');
my $messages = notices($node, 'SELECT pgmigrate.upgrade()');
like($messages, qr/"b1" was begun before, going on at statement 2 of 3/,
	'the next upgrade resumes');
like($messages, qr/cleaning up a failed try: DROP INDEX CONCURRENTLY/,
	'it drops the INVALID index');
is(index_state('b1'), 'valid', 'the index is made');
applied_once($node, 'a1 a2 a3 a4 a5 a6 b1 b1b', 'no statement ran twice');
ledger_ok($node, 'crash in CREATE INDEX CONCURRENTLY');

# After the statement, before it was written down.
revision($node, 'b2', 'CREATE INDEX CONCURRENTLY b2 ON big (id)');
$block = blocker('BEGIN; INSERT INTO big VALUES (0)');
($caller, $pid) = upgrade_until('virtualxid');
my $row = blocker(
	"BEGIN; SELECT FROM pgmigrate.run_step WHERE revision = 'b2' FOR UPDATE");
$block->query('ROLLBACK');
worker_waits($node, 'transactionid');
is(index_state('b2'), 'valid', 'the index was made');
kill_and_recover($node, $pid);
$_->quit foreach $caller, $block, $row;
is(index_state('b2'), 'valid', 'the index is still there');
query($node, 'SELECT pgmigrate.upgrade()');
head_is($node, 'b2', 'it is known to be done');

revision($node, 'b3', 'DROP INDEX CONCURRENTLY b2');
$block = blocker('BEGIN; INSERT INTO big VALUES (0)');
($caller, $pid) = upgrade_until('virtualxid');
$row = blocker(
	"BEGIN; SELECT FROM pgmigrate.run_step WHERE revision = 'b3' FOR UPDATE");
$block->query('ROLLBACK');
worker_waits($node, 'transactionid');
is(index_state('b2'), '', 'the index was dropped');
kill_and_recover($node, $pid);
$_->quit foreach $caller, $block, $row;
query($node, 'SELECT pgmigrate.upgrade()');
head_is($node, 'b3', 'a DROP that is done is known to be');

# DETACH CONCURRENTLY, interrupted when it is pending.
query($node, <<'SQL');
CREATE TABLE part (id int) PARTITION BY RANGE (id);
CREATE TABLE part1 PARTITION OF part FOR VALUES FROM (0) TO (10);
SQL
revision($node, 'b4', 'ALTER TABLE part DETACH PARTITION part1 CONCURRENTLY');
$block = blocker('BEGIN; SELECT FROM part');
($caller, $pid) = upgrade_until('virtualxid');
kill_and_recover($node, $pid);
$_->quit foreach $caller, $block;
is( query($node,
		'SELECT inhdetachpending FROM pg_inherits WHERE inhrelid = \'part1\'::regclass'
	),
	't',
	'the DETACH is pending');
$messages = notices($node, 'SELECT pgmigrate.upgrade()');
like($messages, qr/DETACH PARTITION public.part1 FINALIZE/, 'it is finished');
is( query($node,
		'SELECT count(*) FROM pg_inherits WHERE inhrelid = \'part1\'::regclass'),
	'0',
	'the partition is detached');
ledger_ok($node, 'crash in DETACH CONCURRENTLY');

# REINDEX of all there is, TOAST tables among it, stopped in one of them.
query($node, 'CREATE TABLE long (t text); CREATE INDEX b5 ON long (t)');
revision($node, 'b5', 'REINDEX DATABASE CONCURRENTLY postgres');
$block = blocker("BEGIN; INSERT INTO long VALUES ('')");
($caller, $pid) = upgrade_until('virtualxid');
my $invalid =
  "SELECT count(*) FILTER (WHERE indrelid = 'long'::regclass) AS ours, count(*) FILTER (WHERE indrelid <> 'long'::regclass) AS toast FROM pg_index WHERE NOT indisvalid";
poll($node, "SELECT ours = 1 FROM ($invalid) AS i");
query($node, "SELECT pg_terminate_backend($pid)");
$_->quit foreach $caller, $block;
is_gone($pid);
is(query($node, $invalid), '1|1', 'indexes of a table and its TOAST are left');
$messages = notices($node, 'SELECT pgmigrate.upgrade()');
like(
	$messages,
	qr/cleaning up a failed try: DROP INDEX CONCURRENTLY IF EXISTS pg_toast\./,
	'they are dropped');
is(query($node, $invalid), '0|0', 'nothing is left');
head_is($node, 'b5', 'the database is reindexed');

# Failing again and again, without a crash.
query($node, 'INSERT INTO big VALUES (1)');
revision($node, 'c1', <<'SQL');
SET search_path = pg_catalog, hidden;
INSERT INTO public.mark VALUES ('c1');
CREATE UNIQUE INDEX CONCURRENTLY IF NOT EXISTS c1 ON public.big (id);
SQL
for my $try (1 .. 4)
{
	fails($node, 'SELECT pgmigrate.upgrade()',
		'23505', "a unique index that cannot be made, try $try");
	is(index_state('c1'), 'invalid', "an INVALID index is left, try $try");
}
query($node, 'DELETE FROM big WHERE ctid IN (SELECT max(ctid) FROM big GROUP BY id HAVING count(*) > 1)');
query($node, 'SELECT pgmigrate.upgrade()');
is(index_state('c1'), 'valid', 'the index is made in the end');
is(query($node, "SELECT count(*) FROM mark WHERE id = 'c1'"),
	'1', 'the statement before ran once');

query($node,
	'CREATE SCHEMA hidden; CREATE TABLE hidden.there (id int); CREATE TABLE there (id int)'
);
revision($node, 'c2', <<'SQL');
SET search_path = hidden;
CREATE UNIQUE INDEX CONCURRENTLY c2 ON there ((id / 0));
CREATE INDEX CONCURRENTLY c2b ON there (id);
SQL
query($node, 'INSERT INTO hidden.there VALUES (1)');
fails($node, 'SELECT pgmigrate.upgrade()', '22012',
	'an index that cannot be made');
query($node, 'DELETE FROM hidden.there');
query($node, 'SELECT pgmigrate.upgrade()');
is( query($node,
		"SELECT string_agg(indexrelid::regclass::text, ' ' ORDER BY indexrelid::regclass::text COLLATE \"C\") FROM pg_index WHERE indexrelid::regclass::text ~ 'c2'"
	),
	'hidden.c2 hidden.c2b',
	'a resumed revision has the search_path that it had set');

revision($node, 'c3', 'DROP INDEX CONCURRENTLY nowhere');
fails($node, 'SELECT pgmigrate.upgrade()',
	'42704', "DROP INDEX of none, try $_")
  foreach 1 .. 3;
query($node, "SELECT pgmigrate.amend('c3', upgrade => 'ALTER TABLE part DETACH PARTITION part1 CONCURRENTLY')");
fails($node, 'SELECT pgmigrate.upgrade()',
	'42P01', "DETACH of a table that is none of it, try $_")
  foreach 1 .. 3;
query($node, "SELECT pgmigrate.amend('c3', upgrade => 'SELECT 1')");
query($node, 'SELECT pgmigrate.upgrade()');
head_is($node, 'c3', 'it goes on to the end');
ledger_ok($node, 'failing again and again');

# Statements that are done must not change.
revision($node, 'd1',
	"INSERT INTO mark VALUES ('d1'); SELECT 1/0; INSERT INTO mark VALUES ('d1b')",
	transactional => 'false');
fails($node, 'SELECT pgmigrate.upgrade()', '22012', "failing, try $_")
  foreach 1 .. 3;
query($node,
	"SELECT pgmigrate.amend('d1', upgrade => \$r\$INSERT INTO mark VALUES ('other'); SELECT 1; INSERT INTO mark VALUES ('d1b')\$r\$)"
);
fails($node, 'SELECT pgmigrate.upgrade()',
	'PM004', 'a statement that is done was changed');
query($node,
	"SELECT pgmigrate.amend('d1', upgrade => \$r\$INSERT INTO mark VALUES ('d1'); SELECT 1; INSERT INTO mark VALUES ('d1b')\$r\$)"
);
query($node, 'SELECT pgmigrate.upgrade()');
applied_once($node, 'a1 a2 a3 a4 a5 a6 b1 b1b c1 d1 d1b',
	'no statement ran twice');

# Also not when the revision has become one for a transaction.
revision($node, 'd2', <<'SQL');
INSERT INTO mark VALUES ('d2');
CREATE INDEX CONCURRENTLY d2 ON big ((1 / (id - id)));
SQL
fails($node, 'SELECT pgmigrate.upgrade()', '22012', 'failing statement 2');
query($node,
	"SELECT pgmigrate.amend('d2', upgrade => \$r\$INSERT INTO mark VALUES ('other'); SELECT 2\$r\$)"
);
fails($node, 'SELECT pgmigrate.upgrade()',
	'PM004', 'a statement that is done was changed, transactional now');
query($node,
	"SELECT pgmigrate.amend('d2', upgrade => \$r\$INSERT INTO mark VALUES ('d2');\nSELECT 2\$r\$)"
);
fails($node, 'BEGIN; SELECT pgmigrate.upgrade(); COMMIT',
	'PM004', 'a revision that is partly applied, in a transaction');
query($node, 'SELECT pgmigrate.upgrade()');
applied_once($node, 'a1 a2 a3 a4 a5 a6 b1 b1b c1 d1 d1b d2',
	'no statement ran twice in the amended one');
is(query($node, "SELECT to_regclass('d2') IS NULL"),
	't', 'what its first text left INVALID is gone');

# The server is stopped at once, and fast.
for my $mode (qw(immediate fast))
{
	revision($node, "e$mode",
		"INSERT INTO mark VALUES ('$mode'); SELECT pg_advisory_xact_lock(1)");
	$block = blocker('SELECT pg_advisory_lock(1)');
	($caller, $pid) = upgrade_until('advisory');
	$node->stop($mode);
	$_->quit foreach $caller, $block;
	cmp_ok(is_gone($pid), '<', 2, "stop -m $mode: the worker is gone");
	$node->start;
	is(query($node, 'SELECT state FROM pgmigrate.status()'),
		'interrupted', "stop -m $mode: status()");
	ledger_ok($node, "stop -m $mode");
	query($node, 'SELECT pgmigrate.upgrade()');
	is(query($node, "SELECT count(*) FROM mark WHERE id = '$mode'"),
		'1', "stop -m $mode: it goes on to the end");
}

# The postmaster is killed: nobody goes on without it, waiting or busy.  (Not
# waiting for a lock: whoever held it is gone as well, and may be so first.)
for my $work ('pg_sleep(1000)',
	'count(*) FROM generate_series(1, 1000000000000)')
{
	my $name = $work =~ /sleep/ ? 'waiting' : 'busy';

	revision($node, "p$name",
		"INSERT INTO mark VALUES ('$name'); SELECT $work");
	$caller = session($node);
	$caller->send('SELECT pgmigrate.upgrade()');
	poll($node,
		"SELECT count(*) = 1 FROM pg_stat_activity WHERE backend_type = 'pgmigrate worker' AND query LIKE '%SELECT $work'"
	);
	$pid = worker_pid($node);
	$node->kill9;
	cmp_ok(is_gone($pid), '<', 5, "kill -9 of the postmaster, $name worker");
	$caller->quit;
	is_gone($caller->pid);
	$node->start;
	is(query($node, 'SELECT state FROM pgmigrate.status()'),
		'interrupted', "kill -9 of the postmaster: status()");
	ledger_ok($node, 'kill -9 of the postmaster');
	query($node,
		"SELECT pgmigrate.amend('p$name', upgrade => \$r\$INSERT INTO mark VALUES ('$name')\$r\$)"
	);
	query($node, 'SELECT pgmigrate.upgrade()');
	is(query($node, "SELECT count(*) FROM mark WHERE id = '$name'"),
		'1', 'kill -9 of the postmaster: it goes on to the end');
}

ledger_ok($node, 'crashes');
log_is_clean($node, undef, postmaster_killed => 1);
done_testing();

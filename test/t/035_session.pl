
# Copyright (c) 2026, pgmigrate developers

# The worker is a session like the caller's; what a revision has SET does not
# reach the ledger; and a cancel is remembered, and true.

use strict;
use warnings;

use PgMigrate::Test;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = new_node('session');

query($node, <<'SQL');
CREATE ROLE op LOGIN;
CREATE SCHEMA op_schema AUTHORIZATION op;
GRANT CREATE ON SCHEMA public TO op;
CREATE TABLE seen (what text, value text);
GRANT ALL ON seen TO PUBLIC;
SELECT pgmigrate.grant_access('op', 'operator') \gexec
SQL

sub runs_as_op
{
	my ($id, $sql, @set) = @_;
	my $op = session($node, user => 'op');

	$op->query("SELECT pgmigrate.revision('$id', \$r\$$sql\$r\$, id => '$id')");
	$op->query($_) foreach @set;
	$op->query('SELECT count(*) FROM pgmigrate.upgrade()');
	$op->quit;
	return;
}

sub seen
{
	my ($what) = @_;

	return query($node, "SELECT string_agg(value, ' ') FROM seen WHERE what = '$what'");
}

# A setting of a library that is not loaded is nothing that a user may set.
runs_as_op('conflict', <<'SQL', "SET plpgsql.variable_conflict = 'use_column'");
DO $$ BEGIN NULL; END $$;
INSERT INTO seen VALUES ('conflict', current_setting('plpgsql.variable_conflict'))
SQL
is(seen('conflict'), 'error', 'a placeholder gets no right in the worker');
runs_as_op('own',
	"INSERT INTO seen VALUES ('own', current_setting('my.own'))",
	"SET my.own = 'kept'");
is(seen('own'), 'kept', 'a setting of no library is sent');

# After SET ROLE: the settings of this session, not those of the role.
query($node, 'ALTER ROLE op SET search_path = op_schema');
revision($node, 'role', 'CREATE TABLE made (i int)');
query($node, 'SET ROLE op; SELECT pgmigrate.upgrade(); RESET ROLE');
is(query($node, "SELECT to_regclass('public.made'), to_regclass('op_schema.made')"),
	'made|', 'settings of the role that the session does not have');
query($node, 'ALTER ROLE op RESET search_path');

# What is loaded into each session is loaded into the worker.
SKIP:
{
	skip 'there is no auto_explain', 1
	  if query($node, "SELECT count(*) FROM pg_ls_dir((SELECT setting FROM pg_config WHERE name = 'PKGLIBDIR')) AS f WHERE f LIKE 'auto_explain.%'") eq '0';
	query($node, "ALTER DATABASE postgres SET session_preload_libraries = 'auto_explain'");
	revision($node, 'preload',
		"INSERT INTO seen VALUES ('preload', current_setting('auto_explain.log_min_duration'))");
	query($node, 'SELECT pgmigrate.upgrade()');
	is(seen('preload'), '-1', 'session_preload_libraries');
	query($node, 'ALTER DATABASE postgres RESET session_preload_libraries');
}

# The failure is written whatever the revision has SET.
for my $set (
	'default_transaction_read_only = on',
	"lock_timeout = '1ms'",
	'default_transaction_isolation = serializable',
	"search_path = 'nowhere'",
	'ROLE op')
{
	my ($id) = $set =~ /^(\w+)/;

	revision($node, "f_$id", "SET $set; SELECT 1/0",
		transactional => 'false');
	fails($node, 'SELECT pgmigrate.upgrade()', '22012',
		"SET $set: the caller is told of the error");
	is( last_run($node, 'state, sqlstate, error'),
		'failed|22012|division by zero',
		"SET $set: and so is the ledger");
	query($node, "SELECT pgmigrate.amend('f_$id', upgrade => \$r\$SET $set; SELECT 1\$r\$)");
	query($node, 'SELECT pgmigrate.upgrade()');
	head_is($node, "f_$id", "SET $set: and what is done");
}

# A cancel while a commit waits for a standby: what is committed is done, and
# nothing comes after it.
my $local = 'SET synchronous_commit = local;';
for my $way ('plain', 'signal', 'caller', 'CONCURRENTLY')
{
	my @ids = map { "s_${way}_$_" } 1 .. 3;

	revision($node, $_,
		$way eq 'CONCURRENTLY' ?
		"CREATE INDEX CONCURRENTLY \"$_\" ON seen (what)" : 'SELECT 1')
	  foreach @ids;
	$node->append_conf('postgresql.conf', "synchronous_standby_names = 'nobody'");
	$node->reload;
	my $caller = session($node);
	$caller->query("LOAD 'pgmigrate'");
	$caller->query('SET pgmigrate.flush_per_migration = on');
	$caller->send('SELECT count(*) FROM pgmigrate.upgrade()');
	my $pid = worker_waits($node, 'SyncRep');
	my $run = query($node, "$local SELECT run FROM pgmigrate.status()");
	is(query($node, "$local SELECT state FROM pgmigrate.status($run)"),
		'running', "$way: the run is known while it waits");
	if ($way eq 'caller')
	{
		$caller->interrupt;
	}
	else
	{
		is( query($node, "$local SELECT "
				  . ($way eq 'signal' ? "pg_cancel_backend($pid)" : "pgmigrate.cancel($run)")),
			't', "$way: it can be cancelled");
	}
	$caller->fails_with('57014', "$way: the caller is told");
	like(
		$caller->err,
		qr/^WARNING:  01000: canceling wait for synchronous replication .*\nDETAIL:  The transaction has already committed locally, .*\n(?:.*\n)*?ERROR:  57014: .*\nHINT: .* pgmigrate\.status\($run\)\.$/m,
		"$way: and of the commit that no standby may have, and of the run");
	ok(is_gone($pid) < 10, "$way: the worker ends");
	is( last_run($node, 'state'), 'cancelled', "$way: the run is cancelled");
	is( query($node, "SELECT count(*) FROM pgmigrate.applied WHERE revision LIKE 's_${way}_%'"),
		$way eq 'CONCURRENTLY' ? '0' : '1',
		"$way: no revision was begun after it");
	$node->append_conf('postgresql.conf', "synchronous_standby_names = ''");
	$node->reload;
	$caller->quit;
	ledger_ok($node, "$way, after the cancel");
	query($node, 'SELECT pgmigrate.upgrade()');
	head_is($node, $ids[2], "$way: the next call ends it");
	ledger_ok($node, $way);
}

# In the caller's own transaction the server tells the same.  What it wrote is
# there, and the run is done.
revision($node, 'inline', 'CREATE TABLE inline ()');
$node->append_conf('postgresql.conf', "synchronous_standby_names = 'nobody'");
$node->reload;
my $inline = session($node);
$inline->query("LOAD 'pgmigrate'");
$inline->query('SET pgmigrate.execution = inline');
$inline->send('SELECT count(*) FROM pgmigrate.upgrade()');
poll($node,
	"$local SELECT wait_event = 'SyncRep' FROM pg_stat_activity WHERE pid = " . $inline->pid);
is(query($node, "$local SELECT pg_cancel_backend(@{[$inline->pid]})"),
	't', 'inline: it can be cancelled');
is($inline->result, '1', 'inline: the call has its answer');
like(
	$inline->err,
	qr/^WARNING:  01000: canceling wait for synchronous replication .*\nDETAIL:  The transaction has already committed locally, /m,
	'inline: and the caller is told');
$node->append_conf('postgresql.conf', "synchronous_standby_names = ''");
$node->reload;
$inline->quit;
is(last_run($node, 'state'), 'done', 'inline: the run is done');
head_is($node, 'inline', 'inline: what it did is there');
ledger_ok($node, 'inline');

# On the way down through an online change: the switch back and its mark are one
# transaction.  It is on disk, and its commit waits for a standby, when the
# worker is killed, or the run cancelled.
my $base = query($node, 'SELECT revision FROM pgmigrate.head');
my @change =
  ('ALTER TABLE way ALTER v TYPE bigint', 'ALTER TABLE way ALTER v TYPE int');
my %back = (
	reverted => [@change],
	again => [ @change, 'SELECT pgmigrate.finalize(operation) FROM pgmigrate.operations' ],
	kept => [
		"-- pgmigrate: online\nALTER TABLE way DROP COLUMN w",
		'ALTER TABLE way ADD COLUMN w int'
	]);
my $columns =
  "SELECT string_agg(attname || ' ' || atttypid::regtype, ', ' ORDER BY attname) FROM pg_attribute WHERE attrelid = 'way'::regclass AND attnum > 0 AND NOT attisdropped";

query($node, <<'SQL');
CREATE TABLE way (id int PRIMARY KEY, v int, w int);
INSERT INTO way SELECT g, g, g FROM generate_series(1, 100) g;
ALTER DATABASE postgres SET pgmigrate.online_threshold = 0;
SQL
revision($node, 'floor', 'CREATE TABLE floor ()', downgrade => "'DROP TABLE floor'");
foreach my $kind (sort keys %back)
{
	foreach my $end ('killed', 'cancelled')
	{
		my ($up, $down, $then) = @{ $back{$kind} };
		my $hold = session($node);
		my $caller = session($node);
		my $probe = session($node);
		my $name = join '_', 'way', $kind, $end;
		my $was = query($node, $columns);

		revision($node, $name, $up, downgrade => "'$down'");
		query($node, 'SELECT pgmigrate.upgrade()');
		query($node, "$then WHERE revision = '$name'") if $then;
		isnt(query($node, $columns), $was, "$name: the table is another");

		$hold->query('BEGIN');
		$hold->query('LOCK TABLE way IN ACCESS SHARE MODE');
		$caller->send("SELECT count(*) FROM pgmigrate.downgrade('$base')");
		poll($node,
			"SELECT count(*) = 1 FROM pg_stat_activity WHERE backend_type = 'pgmigrate worker' AND query LIKE '%waiting for AccessExclusiveLock on public.way,%'"
		);
		$node->append_conf('postgresql.conf', "synchronous_standby_names = 'nobody'");
		$node->reload;
		poll($node,
			"$local SELECT current_setting('synchronous_standby_names') = 'nobody'");
		$probe->send('CREATE TABLE probe ()');
		poll($node,
			"SELECT wait_event = 'SyncRep' FROM pg_stat_activity WHERE pid = " . $probe->pid);
		$hold->query('ROLLBACK');
		my $pid = worker_waits($node, 'SyncRep');
		$end eq 'killed' ? kill_and_recover($node, $pid) :
		  query($node, "$local SELECT pgmigrate.cancel(run) FROM pgmigrate.status()");
		is_gone($pid);
		$node->append_conf('postgresql.conf', "synchronous_standby_names = ''");
		$node->reload;
		$probe->result;
		$_->quit foreach $hold, $caller, $probe;

		is(query($node, $columns), $was, "$name: it was switched back");
		like(last_run($node, 'state'), qr/^(running|cancelled)$/, "$name: the run is not done");
		is( query($node,
				"SELECT state FROM pgmigrate.revisions WHERE revision IN ('floor', '$name') ORDER BY revision"),
			"applied\n" . ($end eq 'killed' ? 'partly applied' : 'pending'),
			"$name: no revision was taken back after it");
		ledger_ok($node, "$name, stopped");
		query($node, "SELECT pgmigrate.downgrade('$base')");
		head_is($node, $base, "$name: the next call goes to its goal");
		is(query($node, $columns), $was, "$name: and does nothing twice");
		is( query($node, 'SELECT count(*), sum(v), sum(w) FROM way'),
			'100|5050|5050', "$name: with all values");
		is( query($node,
				"SELECT count(*) FROM pgmigrate.operations WHERE revision = '$name' AND state NOT IN ('reverted', 'finalized', 'switched')"
			),
			'0',
			"$name: no operation is left");
		ledger_ok($node, $name);
		query($node, "DROP TABLE IF EXISTS probe; SELECT pgmigrate.remove('$name')");
	}
}

log_is_clean($node);
done_testing();


# Copyright (c) 2026, pgmigrate developers

# A standby looks and does not touch; a promoted one goes on.

use strict;
use warnings;

use PgMigrate::Test;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(time);

my $primary = new_node('primary');
$primary->backup('copy');
my $standby = PostgreSQL::Test::Cluster->new('standby');
$standby->init_from_backup($primary, 'copy', has_streaming => 1);
$standby->start;

query($primary, 'CREATE TABLE mark (id text)');
revision($primary, 'a1', "INSERT INTO mark VALUES ('a1')");
revision($primary, 'a2',
	"INSERT INTO mark VALUES ('a2'); SELECT pg_advisory_xact_lock(1)");
revision($primary, 'a3', "INSERT INTO mark VALUES ('a3')");
query($primary,
	"SELECT pgmigrate.amend('a1', verify => 'SELECT count(*) = 1 FROM mark')");
my $block = session($primary);
$block->query('SELECT pg_advisory_lock(1)');
my $run = query($primary,
	'SET pgmigrate.flush_per_migration = on; SELECT pgmigrate.upgrade_start()');
worker_waits($primary);
$primary->wait_for_catchup($standby, 'replay',
	query($primary, 'SELECT pg_current_wal_insert_lsn()'));

# Looking.
is(query($standby, 'SELECT state, step, revision FROM pgmigrate.status()'),
	'running|2|a2', 'status() on a standby');
is(query($standby, "SELECT state FROM pgmigrate.wait($run, '100 ms')"),
	'running', 'wait() on a standby');
for my $call (
	"current()", "heads()", "branches()", "history()", "show('a1')", "graph()",
	"graph('dot')", "graph('svg')", "report()", "report($run)", "metrics_text()", "plan('head')", "script('base:head')", "verify()", "fingerprint()",
	"compare('mark', 'pgmigrate.head', '{\"id\": \"revision\"}')")
{
	my ($rc, $out, $err) =
	  $standby->psql('postgres', "SELECT count(*) >= 0 FROM pgmigrate.$call");
	is("$rc $out $err", '0 t ', "$call on a standby");
}
is(query($standby, 'SELECT revision, ok FROM pgmigrate.verify()'),
	'a1|t', 'verify() runs queries');
for my $view (qw(runs revisions progress metrics))
{
	my ($rc, $out, $err) =
	  $standby->psql('postgres', "SELECT count(*) > 0 FROM pgmigrate.$view");
	is("$rc $out $err", '0 t ', "$view on a standby");
}

# Touching: refused at once, not when the server is promoted one day.
for my $call (
	'upgrade()', "upgrade('+0')", "downgrade('-1')", "stamp('head')",
	'upgrade_start()', "downgrade_start('base')", "revision('x', 'SELECT 1')",
	'merge()', "amend('a3', message => 'x')", "remove('a3')", "approve('a3')",
	"cancel($run)")
{
	my $start = time();

	fails($standby, "SET statement_timeout = '10s'; SELECT pgmigrate.$call",
		'25006', "$call on a standby");
	cmp_ok(time() - $start, '<', 5, 'at once');
	fails($standby, "BEGIN; SELECT pgmigrate.$call",
		'25006', "$call in a transaction on a standby");
}

# Promoted in the middle of the run.
$primary->stop('immediate');
$block->quit;
$standby->promote;
poll($standby, 'SELECT NOT pg_is_in_recovery()');
is(query($standby, 'SELECT state, step, revision FROM pgmigrate.status()'),
	'interrupted|2|a2', 'the run is interrupted on the new primary');
is(query($standby, "SELECT state FROM pgmigrate.wait($run)"),
	'interrupted', 'wait() returns');
head_is($standby, 'a1', 'what was committed is there');
ledger_ok($standby, 'promoted');
query($standby, 'SELECT pgmigrate.upgrade()');
head_is($standby, 'a3', 'the next upgrade goes on to the end');
applied_once($standby, 'a1 a2 a3', 'each is applied once');
ledger_ok($standby, 'promoted, and on');
is( query($standby, 'SELECT count(*) > 0 FROM pgmigrate.schema_object'),
	't', 'its schema is recorded');
is(query($standby, 'SELECT * FROM pgmigrate.drift()'), '', 'nothing is drift');

# DROP EXTENSION waits for a run there, too.
revision($standby, 'a4', 'SELECT pg_sleep(1000)');
$run = query($standby, 'SELECT pgmigrate.upgrade_start()');
worker_waits($standby, 'PgSleep');
fails($standby, "SET lock_timeout = '10ms'; DROP EXTENSION pgmigrate",
	'55P03', 'its event trigger works on the new primary');
query($standby, "SELECT pgmigrate.cancel($run)");
is(query($standby, "SELECT state FROM pgmigrate.wait($run)"), 'cancelled', 'the run is cancelled');
log_is_clean($standby);
done_testing();

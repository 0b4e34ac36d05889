
# Copyright (c) 2026, pgmigrate developers

# The copy of a table gives way to a standby that is behind, to a query and to
# whoever pauses it; and goes on where the standby is promoted.

use strict;
use warnings;

use PgMigrate::Test;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = new_node('primary', 'log_statement = none');
my $last = 'ORDER BY operation DESC LIMIT 1';

query($node, 'CREATE TABLE hold (); CREATE TABLE t (id int PRIMARY KEY, v int, s text);
INSERT INTO t SELECT g, g, repeat(\'x\', 100) FROM generate_series(1, 20000) g; CREATE INDEX ON t (v)');
$node->backup('copy');
my $standby = PostgreSQL::Test::Cluster->new('standby');
$standby->init_from_backup($node, 'copy', has_streaming => 1);
$standby->append_conf('postgresql.conf', "recovery_min_apply_delay = '2s'");
$standby->start;

my $operation = 0;

# Start one, which is new, and wait for what it waits for.
sub gives_way
{
	my ($settings, $reason, $name) = @_;
	my $caller = session($node);

	$caller->query($settings);
	$caller->send("SELECT action FROM pgmigrate.rebuild('t', 'ALTER v TYPE bigint')");
	$operation++;
	poll($node, "SELECT waiting_for ~ '$reason' FROM pgmigrate.operation WHERE id = $operation");
	is( query($node, "SELECT state, done FROM pgmigrate.operation WHERE id = $operation"),
		'copying|0', "$name: nothing is copied");
	query($node, 'UPDATE t SET v = v + 1 WHERE id = 1');
	return $caller;
}

sub goes_on
{
	my ($caller, $name) = @_;

	is($caller->result, 'switched', "$name: then it goes on");
	$caller->quit;
	query($node, "SELECT pgmigrate.revert($operation)");
	return;
}

# behind by what it delays, as long as there is something to replay
my $load = session($node);
$load->send('CREATE TABLE load (n int); INSERT INTO load VALUES (1);
DO $$ BEGIN WHILE NOT EXISTS (SELECT FROM hold) LOOP UPDATE load SET n = n + 1; COMMIT; PERFORM pg_sleep(0.02); END LOOP; END $$');
poll($node, "SELECT replay_lag > '1 s' FROM pg_stat_replication");
my $caller = gives_way("SET pgmigrate.max_replica_lag = '500 ms'",
	'^replicas to catch up$', 'a standby that is behind');
$standby->append_conf('postgresql.conf', 'recovery_min_apply_delay = 0');
$standby->reload;
query($node, 'INSERT INTO hold DEFAULT VALUES');
$load->result;
$load->quit;
goes_on($caller, 'a standby that is behind');

# a query, and whoever pauses it
my $hold = 'SET pgmigrate.throttle_query = \'SELECT EXISTS (SELECT FROM public.hold)\'';
$caller = gives_way($hold, '^pgmigrate.throttle_query$', 'a query');
my $run = last_run($node, 'id');
is(query($node, "SELECT pgmigrate.pause($run)"), 't', 'it is paused');
query($node, 'DELETE FROM hold');
poll($node, "SELECT waiting_for = 'resume' FROM pgmigrate.operation WHERE id = $operation");
query($node, "SELECT pgmigrate.resume($run)");
goes_on($caller, 'a query');

# The primary is lost in the middle.
query($node, 'INSERT INTO hold DEFAULT VALUES');
$caller = gives_way($hold, '^pgmigrate.throttle_query$', 'before the promotion');
$node->wait_for_catchup($standby, 'replay', query($node, 'SELECT pg_current_wal_insert_lsn()'));
$node->stop('immediate');
$caller->result;
$standby->promote;
query($standby, 'DELETE FROM hold; UPDATE t SET v = v + 10 WHERE id IN (2, 20000)');
is(query($standby, "SELECT action FROM pgmigrate.rebuild('t', 'ALTER v TYPE bigint')"),
	'switched', 'the promoted standby goes on with it');
is(query($standby, "SELECT id FROM pgmigrate.operation WHERE state = 'switched'"),
	$operation, 'and not with another');
is( query($standby, "SELECT count(*), sum(v), max(v) FROM t"),
	'20000|200010023|20010', 'with all rows');
query($standby, "UPDATE t SET v = 0 WHERE id = 2");
is(query($standby, "SELECT action FROM pgmigrate.revert($operation)"),
	'reverted', 'and back');
is( query($standby, "SELECT count(*), sum(v), max(v) FROM t"),
	'20000|200010011|20010', 'with all rows');

log_is_clean($standby);
$standby->stop;

done_testing();


# Copyright (c) 2026, pgmigrate developers

# The copy of a table gives way to a standby that is behind, to a query and to
# whoever pauses it, a backfill to the archiver and autovacuum too; and both go
# on where the standby is promoted, as do the steps of a statement.

use strict;
use warnings;

use PgMigrate::Test;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = new_node('primary', 'log_statement = none', 'archive_mode = on',
	"archive_command = 'false'", 'autovacuum_naptime = 1s');
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

# A backfill, by a call that may be repeated.
my $call = q{'f', 'v = 1', 'v IS NULL', chunk_time => '5 ms', pause => '10 ms'};

query($node, <<'SQL');
CREATE TABLE f (id int, v int, pad text) WITH (autovacuum_enabled = off);
INSERT INTO f SELECT g, NULL, repeat('x', 100) FROM generate_series(1, 20000) g;
SELECT pg_switch_wal();
SQL

# Start one, and see what it waits for, until that is taken away.
sub backfill_gives_way
{
	my ($reason, $away, $settings) = @_;

	$run = query($node, ($settings // '') . "SELECT pgmigrate.backfill_start($call)");
	poll($node, "SELECT waiting_for = '$reason' FROM pgmigrate.operation WHERE run = $run");
	is(query($node, 'SELECT count(v) FROM f'), '0', "$reason: nothing is changed");
	like(
		query($node, "SELECT line FROM pgmigrate.progress"),
		qr/waiting for \Q$reason\E$/,
		"$reason: progress says so");
	$away->();
	poll($node, "SELECT waiting_for IS NULL FROM pgmigrate.operation WHERE run = $run");
	query($node, "SELECT pgmigrate.tune($run, 'pause', '0')");
	is(query($node, "SELECT state FROM pgmigrate.wait($run)"), 'done', "$reason: then it goes on");
	query($node, 'UPDATE f SET v = NULL');
	$operation++;
	return;
}

# a file is older than these, and cannot be archived
my $status = $node->data_dir . '/pg_wal/archive_status';
my @ready = map { sprintf '%s/FFFFFFFF00000000000000%02X.ready', $status, $_ } 1 .. 65;

append_to_file($_, '') foreach @ready;
backfill_gives_way('the archiver to catch up', sub { unlink @ready });
chmod 0, $status;
backfill_gives_way('the archiver, which cannot be read', sub { chmod 0700, $status });

query($node, <<'SQL');
ALTER TABLE f SET (autovacuum_enabled = on, autovacuum_vacuum_threshold = 1, autovacuum_vacuum_scale_factor = 0,
	autovacuum_vacuum_cost_delay = 100, autovacuum_vacuum_cost_limit = 1);
SQL
poll($node, "SELECT count(*) = 1 FROM pg_stat_progress_vacuum WHERE relid = 'f'::regclass");
backfill_gives_way('autovacuum of the table',
	sub { query($node, 'ALTER TABLE f SET (autovacuum_enabled = off)') });

# What of a standby its owner may not see is null, and not known; nor is it when
# it cannot be asked at all.
my $mods = 'SET allow_system_table_mods = on; ';
my $hide = $mods . 'ALTER VIEW pg_catalog.pg_stat_replication RENAME TO pg_stat_hidden; ';
my $show = $mods . 'ALTER VIEW pg_catalog.pg_stat_hidden RENAME TO pg_stat_replication';
my $unknown = 'the replica lag, which cannot be read';

query($node, $hide . <<'SQL');
CREATE VIEW pg_catalog.pg_stat_replication AS
SELECT NULL AS state, sent_lsn, replay_lsn, NULL::interval AS write_lag, NULL::interval AS flush_lag, NULL::interval AS replay_lag
FROM pg_catalog.pg_stat_hidden
SQL
backfill_gives_way($unknown,
	sub { query($node, "SET allow_system_table_mods = on; DROP VIEW pg_catalog.pg_stat_replication; $show") });
query($node, $hide);
backfill_gives_way($unknown, sub { query($node, $show) });
query($node, $hide);
is( query($node,
		"SET pgmigrate.max_replica_lag = 0; SELECT state FROM pgmigrate.wait(pgmigrate.backfill_start($call))"),
	'done', 'where no lag is a limit it is not asked');
query($node, "$show; UPDATE f SET v = NULL");
$operation++;

# one that is stopped in the middle
$run = query($node, "SELECT pgmigrate.backfill_start($call)");
poll($node,
	"SELECT sum(next_block - first_block) > 5 FROM pgmigrate.operation_range WHERE operation = (SELECT id FROM pgmigrate.operation WHERE run = $run)"
);
query($node, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE backend_type = 'pgmigrate worker'");
query($node, "SELECT pgmigrate.wait($run)");
$operation++;
my $stopped = query($node, 'SELECT count(v) FROM f');
isnt($stopped, '20000', 'a backfill is stopped in the middle');

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

my $notices = notices($standby, "SELECT state FROM pgmigrate.backfill($call)");
like($notices, qr/going on where it stopped/, 'a backfill goes on there too');
is(query($standby, 'SELECT count(*), count(v) FROM f'), '20000|20000', 'to its end');

# Another one: the first step of a statement is done, the second waits.
revision($standby, 'steps', 'ALTER TABLE f ADD CHECK (v > 0), ADD UNIQUE (id)');
$standby->backup('again');
my $third = PostgreSQL::Test::Cluster->new('third');
$third->init_from_backup($standby, 'again', has_streaming => 1);
$third->start;
my $old = session($standby);
$old->query('BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT count(*) FROM hold');
$caller = session($standby);
$caller->query('SET pgmigrate.online_threshold = 0');
$caller->send('SELECT state FROM pgmigrate.upgrade()');
poll($standby, "SELECT count(*) = 1 FROM pg_stat_progress_create_index WHERE phase LIKE 'waiting for old snapshots'");
like(query($standby, 'SELECT line FROM pgmigrate.progress'),
	qr/^\[#{7}\.{3}\] 75 % of upgrade/, 'the bar is that of all four steps');
$standby->wait_for_catchup($third, 'replay', query($standby, 'SELECT pg_current_wal_insert_lsn()'));
$standby->stop('immediate');
$caller->result;
$third->promote;
is( query($third, "SET pgmigrate.online_threshold = 0; SELECT state FROM pgmigrate.upgrade()"),
	'done', 'the steps of a statement go on there');
is( query($third,
		"SELECT string_agg(pg_get_constraintdef(oid) || convalidated, ', ' ORDER BY contype) FROM pg_constraint WHERE conrelid = 'f'::regclass UNION ALL SELECT string_agg(indexrelid::regclass::text || indisvalid, ', ') FROM pg_index WHERE indrelid = 'f'::regclass"
	),
	"CHECK ((v > 0))true, UNIQUE (id)true\nf_id_keytrue",
	'and nothing else is left');
log_is_clean($third);
$third->stop;

done_testing();

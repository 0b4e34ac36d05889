
# Copyright (c) 2026, pgmigrate developers

# Statements carried out online, and a kill -9 in each of their steps: the next
# upgrade goes on, and ends where the statement as written does.

use strict;
use warnings;

use PgMigrate::Test;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = new_node('online_crash', 'pgmigrate.online_threshold = 0',
	'autovacuum = off');

# The run stands still at the command that is asked for, before it or after it.
query($node, <<'SQL');
CREATE SCHEMA stop;
CREATE TABLE stop.at (n int);
INSERT INTO stop.at VALUES (0);
CREATE SEQUENCE stop.command;
CREATE FUNCTION stop.here() RETURNS event_trigger LANGUAGE plpgsql AS $$
BEGIN
	IF (SELECT n FROM stop.at) > 0
		AND nextval('stop.command') >= (SELECT n FROM stop.at) THEN
		PERFORM pg_advisory_lock(42);
	END IF;
END $$;
CREATE EVENT TRIGGER before_it ON ddl_command_start EXECUTE FUNCTION stop.here();
CREATE EVENT TRIGGER after_it ON ddl_command_end EXECUTE FUNCTION stop.here();
SQL

my $setup = <<'SQL';
SET client_min_messages = warning;
DROP SCHEMA IF EXISTS tw CASCADE;
CREATE SCHEMA tw;
SET search_path = tw;
CREATE TABLE p (id int PRIMARY KEY);
INSERT INTO p SELECT generate_series(1, 200);
CREATE TABLE t (id int, a int, b text);
INSERT INTO t SELECT g, g, g FROM generate_series(1, 200) g;
CREATE INDEX t_b ON t (b);
CREATE TABLE r (id int, a int) PARTITION BY RANGE (id);
CREATE TABLE r1 PARTITION OF r FOR VALUES FROM (0) TO (100);
CREATE TABLE r2 PARTITION OF r FOR VALUES FROM (100) TO (300);
INSERT INTO r SELECT g, g FROM generate_series(1, 200) g;
CREATE TABLE loose (id int, a int);
INSERT INTO loose VALUES (500, 1);
SQL

# CONCURRENTLY waits for it, and nothing else does.
my $old_snapshot = 'BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT 1';

my %kinds = (
	index => 'CREATE INDEX ON t (a)',
	drop => 'DROP INDEX t_b',
	parted => 'CREATE INDEX ON r (a)',
	alter =>
	  'ALTER TABLE t ADD PRIMARY KEY (id), ADD CHECK (a > 0), ALTER b SET NOT NULL, ADD z int UNIQUE',
	foreign => 'ALTER TABLE t ADD FOREIGN KEY (a) REFERENCES p',
	attach =>
	  'ALTER TABLE r ATTACH PARTITION loose FOR VALUES FROM (500) TO (600)',
	detach => 'ALTER TABLE r DETACH PARTITION r2');

sub fingerprint
{
	return query($node,
		"SELECT pgmigrate.fingerprint(ARRAY['tw']) || (SELECT count(*) FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid WHERE c.relnamespace = 'tw'::regnamespace AND i.indisvalid)"
	);
}

# As it is when the statement was run as written.
sub expected
{
	my ($change) = @_;

	query($node, "$setup; $change");
	return fingerprint();
}

# Begin to carry it out; the worker, once it stands still, or nothing when the
# run came to its end before that.
sub begin
{
	my ($id, $change, $event) = @_;
	my $session = session($node);
	my $stands;

	$session->query('SET search_path = tw; SET client_min_messages = warning');
	revision($node, $id, $change, down_revision => q('{}'));
	$session->send("SELECT state FROM pgmigrate.upgrade('$id')");
	wait_until(
		'the worker stands still or is done',
		sub {
			my $state = query($node,
				"SELECT CASE WHEN EXISTS (SELECT FROM pgmigrate.run WHERE target = '$id' AND state <> 'running') THEN 'done' WHEN EXISTS (SELECT FROM pg_stat_activity WHERE backend_type = 'pgmigrate worker' AND wait_event = '$event') THEN 'stands' END"
			);
			$stands = $state eq 'stands';
			return $state ne '';
		});
	return ($session, $stands ? worker_pid($node) : undef);
}

sub goes_on
{
	my ($id, $expected, $name) = @_;

	query($node,
		"UPDATE stop.at SET n = 0; SET search_path = tw; SELECT pgmigrate.upgrade('$id')"
	);
	is(fingerprint(), $expected, "$name: the end is that of the statement");
	is( query(
			$node,
			"SELECT string_agg(DISTINCT state, ' ') FROM pgmigrate.operations WHERE revision = '$id'"
		),
		'finalized',
		"$name: its operation is done");
	return;
}

foreach my $kind (sort keys %kinds)
{
	my $change = $kinds{$kind};
	my $expected = expected($change);
	my $kills = 0;

	for (my $n = 1;; $n++)
	{
		my $block = session($node);

		query($node,
			"$setup; SELECT setval('stop.command', 1, false); UPDATE stop.at SET n = $n"
		);
		$block->query('SELECT pg_advisory_lock(42)');
		my ($caller, $pid) = begin("${kind}_$n", $change, 'advisory');
		if (!defined $pid)
		{
			query($node, 'UPDATE stop.at SET n = 0');
			$caller->quit;
			$block->quit;
			last;
		}
		kill_and_recover($node, $pid);
		$caller->quit;
		$block->quit;
		goes_on("${kind}_$n", $expected, "$kind, killed at command $n");
		$kills++;
	}
	cmp_ok($kills, '>=', 1, "$kind: killed at $kills points");
}

# In the middle of CONCURRENTLY: the index is there, but INVALID.
foreach my $kind ('index', 'alter', 'parted', 'reindex')
{
	my $change = $kinds{$kind} // 'REINDEX TABLE t';
	my $expected = expected($change);
	my $snapshot = session($node);

	query($node, $setup);
	$snapshot->query($old_snapshot);
	my ($caller, $pid) = begin("${kind}_half", $change, 'virtualxid');
	is( notices(
			$node,
			"SET lock_timeout = '2s'; INSERT INTO tw.t VALUES (1000, 1000, 'x'); UPDATE tw.t SET b = b || 'x' WHERE id < 5; DELETE FROM tw.r WHERE id = 7; SELECT count(*) FROM tw.t"
		),
		'',
		"$kind: while its index is built the application writes");
	kill_and_recover($node, $pid);
	$caller->quit;
	$snapshot->quit;
	goes_on("${kind}_half", $expected, "$kind, killed with an index half built");
}

# The same of an index on the double of a column, on the way there: none is
# missing in the end.
my $types = 'ALTER TABLE t ALTER a TYPE bigint, ALTER b TYPE varchar(20)';
my $reader = session($node);
query($node, "$setup; CREATE INDEX t_a ON tw.t (a, b)");
query($node, "ALTER DATABASE postgres SET pgmigrate.online_method = 'column'");
$reader->query($old_snapshot);
my ($changing, $changer) = begin('doubles', $types, 'virtualxid');
is( query($node,
		"SELECT count(*) FROM pg_index WHERE indrelid = 'tw.t'::regclass AND NOT indisvalid"
	),
	'1',
	'an index on the double of a column is half built');
kill_and_recover($node, $changer);
$_->quit foreach $changing, $reader;
is( query($node,
		"SET search_path = tw; SELECT state FROM pgmigrate.upgrade('doubles')"),
	'done',
	'killed with an index on a double half built: the next run goes on');
query($node,
	"SELECT pgmigrate.finalize(operation) FROM pgmigrate.operations WHERE state = 'switched'"
);
query($node, 'ALTER DATABASE postgres RESET pgmigrate.online_method');
is( query($node,
		"SELECT string_agg(indexrelid::regclass || ' ' || indisvalid, ', ' ORDER BY indexrelid::regclass::text) FROM pg_index WHERE indrelid = 'tw.t'::regclass"
	),
	'tw.t_a true, tw.t_b true',
	'the table has the indexes that it had');

# The column is made NOT NULL before the next run: nobody has looked whether the
# one that is to have the name has nulls, and it is begun anew.
query($node, "$setup; CREATE INDEX t_a ON tw.t (a, b); ALTER DATABASE postgres SET pgmigrate.online_method = 'column'");
$reader = session($node);
$reader->query($old_snapshot);
($changing, $changer) = begin('nulls', 'ALTER TABLE t ALTER a TYPE bigint USING nullif(a, 7)', 'virtualxid');
kill_and_recover($node, $changer);
$_->quit foreach $changing, $reader;
query($node, 'ALTER TABLE tw.t ALTER a SET NOT NULL');
like( notices($node, "SET search_path = tw; SELECT pgmigrate.upgrade('nulls')"),
	qr/ERROR:  55000: definition of table tw.t has changed\n(?:.*\n)*?DETAIL:  Since operation \d+ began, column "a" of table "t" was made NOT NULL\./m,
	'made NOT NULL before the switch: refused');
is(query($node, q(SELECT attnotnull, format_type(atttypid, NULL), (SELECT count(*) FROM pg_attribute WHERE attrelid = 'tw.t'::regclass AND attname ~ 'pgmigrate') FROM pg_attribute WHERE attrelid = 'tw.t'::regclass AND attname = 'a')),
	't|integer|0', 'the table is what it was');
fails($node, "SET search_path = tw; SELECT pgmigrate.upgrade('nulls')", '23502', 'repeated as it is: there is a null');
query($node, 'ALTER TABLE tw.t ALTER a DROP NOT NULL');
is(query($node, "SET search_path = tw; SELECT state FROM pgmigrate.upgrade('nulls')"), 'done', 'taken back and repeated: it is done');
is(query($node, 'SELECT count(*) FROM tw.t WHERE a IS NULL'), '1', 'with the null');
query($node, "SELECT pgmigrate.finalize(); ALTER DATABASE postgres RESET pgmigrate.online_method");

# A revision that is amended after that: what was begun is taken back.
query($node, $setup);
my $before = fingerprint();
my $snapshot = session($node);
$snapshot->query($old_snapshot);
my ($caller, $pid) = begin('amended',
	'ALTER TABLE t ADD CHECK (a > 0), ADD UNIQUE (a)', 'virtualxid');
kill_and_recover($node, $pid);
$caller->quit;
$snapshot->quit;
isnt(fingerprint(), $before, 'the first step is there');
query($node, "SELECT pgmigrate.amend('amended', upgrade => 'SELECT 1')");
query($node, "SET search_path = tw; SELECT pgmigrate.upgrade('amended')");
is(fingerprint(), $before, 'amended: what was begun is taken back');
is( query($node,
		"SELECT state FROM pgmigrate.operations WHERE revision = 'amended'"),
	'cancelled',
	'amended: the operation is cancelled');

# A cancelled run leaves what it has done, and the next one goes on with it.
my $expected = expected($kinds{alter});
query($node, $setup);
$snapshot = session($node);
$snapshot->query($old_snapshot);
($caller, $pid) = begin('cancelled', $kinds{alter}, 'virtualxid');
query($node, 'SELECT pgmigrate.cancel((SELECT max(id) FROM pgmigrate.run))');
is_gone($pid);
is( query($node,
		"SELECT state FROM pgmigrate.operations WHERE revision = 'cancelled'"),
	'failed',
	'cancelled: the operation says that it stopped');
$caller->quit;
$snapshot->quit;
fails(
	$node, "BEGIN; SET search_path = tw; SELECT pgmigrate.upgrade('cancelled')",
	'PM004', 'cancelled: another transaction cannot go on with it');
goes_on('cancelled', $expected, 'cancelled');

# A change of a type that has its last step still to do when it is killed, with
# its copy as it is, or cut off because the disk is full, which is not taken back.
# The rows are there afterwards, and it goes on.
sub kill_postmaster
{
	my @backends = split /\n/, query($node, 'SELECT pid FROM pg_stat_activity WHERE pid <> pg_backend_pid()');

	$node->kill9;
	is_gone($_) foreach @backends;
	$node->start;
	return;
}

query($node, <<'SQL');
UPDATE stop.at SET n = 0;
CREATE TABLE stop.mode (name text);
INSERT INTO stop.mode VALUES ('no');
CREATE FUNCTION stop.switch() RETURNS event_trigger LANGUAGE plpgsql AS $$
BEGIN
	IF (SELECT name FROM stop.mode) = 'no' OR NOT EXISTS (SELECT FROM pgmigrate.operation WHERE state = 'switching') THEN
		RETURN;
	END IF;
	PERFORM pg_advisory_lock(43);
	IF (SELECT name FROM stop.mode) = 'full' THEN
		RAISE EXCEPTION 'no space left' USING ERRCODE = 'disk_full';
	END IF;
END $$;
CREATE EVENT TRIGGER in_switch ON ddl_command_end WHEN TAG IN ('ALTER TABLE') EXECUTE FUNCTION stop.switch();
SQL
foreach my $mode ('whole', 'full')
{
	foreach my $victim ('worker', 'postmaster')
	{
		my $name = "switch, $mode, $victim";
		my $id = "${mode}_$victim";
		my $block = session($node);
		my $hold = session($node);

		query($node, "$setup; ALTER TABLE tw.t ADD PRIMARY KEY (id); INSERT INTO tw.t SELECT g, g, repeat('x', 100) FROM generate_series(1001, 6000) g; UPDATE stop.mode SET name = '$mode'");
		$block->query('SELECT pg_advisory_lock(43)');
		my ($call, $worker) = begin($id, 'ALTER TABLE t ALTER a TYPE bigint', 'advisory');
		is(query($node, "SELECT state FROM pgmigrate.operations WHERE revision = '$id'"), 'switching', "$name: it stands in the switch");
		my $beside = query($node, "SELECT (details->>'beside')::oid::regclass FROM pgmigrate.operation WHERE revision = '$id'");
		if ($mode eq 'full')
		{
			$hold->query('BEGIN; LOCK TABLE pgmigrate.operation_range IN SHARE MODE');
			$block->query('SELECT pg_advisory_unlock(43)');
			poll($node, "SELECT EXISTS (SELECT FROM pg_locks WHERE pid = $worker AND NOT granted AND relation = 'pgmigrate.operation_range'::regclass)");
		}
		$victim eq 'worker' ? kill_and_recover($node, $worker) : kill_postmaster();
		$_->quit foreach $call, $block, $hold;
		is(query($node, "SELECT pg_relation_size('$beside') > 0"), $mode eq 'full' ? 'f' : 't', "$name: the copy is $mode");
		is(query($node, "UPDATE stop.mode SET name = 'no'; INSERT INTO tw.t VALUES (7000, 1, 'since'); SELECT count(*), sum(id) FROM tw.t"), '5201|' . (200 * 201 / 2 + 5000 * 7001 / 2 + 7000), "$name: the rows are there");
		my $again = notices($node, "SET search_path = tw; SELECT pgmigrate.upgrade('$id')");
		$mode eq 'full'
		  ? like($again, qr/ERROR:  /, "$name: the next run finds that the copy has lost rows")
		  : is($again =~ /ERROR:/ ? $again : '', '', "$name: the next run goes on");
		query($node, "SET search_path = tw; SELECT pgmigrate.upgrade('$id')");
		is(query($node, "SELECT count(*), sum(id), pg_typeof(max(a)) FROM tw.t"), '5201|' . (200 * 201 / 2 + 5000 * 7001 / 2 + 7000) . '|bigint', "$name: it is done with all rows");
		is(query($node, "SELECT action FROM pgmigrate.operations, pgmigrate.revert(operation) WHERE revision = '$id' AND state = 'switched'"), 'reverted', "$name: and taken back");
		is(query($node, "SELECT count(*), sum(id), pg_typeof(max(a)) FROM tw.t"), '5201|' . (200 * 201 / 2 + 5000 * 7001 / 2 + 7000) . '|integer', "$name: with all rows");
	}
}
query($node, 'DROP EVENT TRIGGER in_switch');

log_is_clean($node, undef, postmaster_killed => 1);
done_testing();


# Copyright (c) 2026, pgmigrate developers

# A backfill beside an application that writes, killed at any point, paused,
# tuned and cancelled: no row is lost, none is passed over.

use strict;
use warnings;

use IPC::Run;
use PgMigrate::Test;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(usleep);

my $node = new_node('backfill', 'autovacuum_naptime = 1s', 'fsync = off');
my $rows = 60_000;
my $dir = PostgreSQL::Test::Utils::tempdir();
my $call = q{'account', 'note = ''none''', 'note IS NULL'};

# What the application has committed is in its log, in the same transaction.
query($node, <<SQL);
CREATE TABLE account (id int PRIMARY KEY, n int, note text, pad text) WITH (fillfactor = 90);
CREATE TABLE log (id int, step int);
INSERT INTO account SELECT g, 0, NULL, repeat('x', 100) FROM generate_series(1, $rows) g;
ALTER TABLE account ALTER note SET DEFAULT 'new';
CREATE SEQUENCE fresh START $rows;
VACUUM ANALYZE account;
SQL
append_to_file("$dir/load.sql", <<"SQL");
\\set id random(1, $rows)
\\set gone random(1, $rows)
BEGIN;
UPDATE account SET n = n + 1 WHERE id = :id;
INSERT INTO log SELECT :id, 1 WHERE EXISTS (SELECT FROM account WHERE id = :id);
COMMIT;
BEGIN;
INSERT INTO account (id, n, pad) VALUES (nextval('fresh') + 1, 0, 'y');
INSERT INTO log VALUES (currval('fresh') + 1, 2);
COMMIT;
BEGIN;
WITH d AS (DELETE FROM account WHERE id = :gone AND id % 50 = 0 RETURNING id)
INSERT INTO log SELECT id, 3 FROM d;
COMMIT;
BEGIN;
UPDATE account SET n = n + 1000 WHERE id = :id;
ROLLBACK;
SQL

my $load;

sub start_load
{
	local %ENV = $node->_get_env();
	my $null = '';
	$load = IPC::Run::start(
		[
			$node->installed_command('pgbench'), '-n', '-c', '4', '-R', '300',
			'-T', '600', '-f', "$dir/load.sql", 'postgres'
		],
		'<', \$null, '>', '/dev/null', '2>', '/dev/null');
	return;
}

sub stop_load
{
	$load->kill_kill;
	return;
}

# A test: every row is what its log says, and each was met by the backfill.
sub all_is_well
{
	my ($name) = @_;

	is( query(
			$node, <<SQL), '', "$name: rows and their log agree");
WITH written AS (
	SELECT id, count(*) FILTER (WHERE step = 1) AS n, bool_or(step = 2) AS made,
		bool_or(step = 3) AS gone FROM log GROUP BY id
), expected AS (
	SELECT g AS id, coalesce(w.n, 0) AS n FROM generate_series(1, $rows) g
	LEFT JOIN written w ON w.id = g WHERE w.gone IS NOT TRUE
	UNION ALL
	SELECT id, n FROM written WHERE made
)
SELECT coalesce(e.id, a.id), e.n, a.n FROM expected e FULL JOIN account a USING (id)
WHERE a.n IS DISTINCT FROM e.n LIMIT 5
SQL
	is(query($node, q{SELECT count(*) FROM account WHERE note IS NULL}),
		'0', "$name: no row was passed over");
	return;
}

sub blocks_done
{
	return query($node,
		'SELECT sum(next_block - first_block) FROM pgmigrate.operation_range WHERE operation = (SELECT max(id) FROM pgmigrate.operation)'
	);
}

# Until the run has done something since.
sub progresses
{
	my ($from) = @_;

	wait_until('the backfill goes on', sub { return blocks_done() > $from; });
	return;
}

# Killed at points as they come; each run goes on from where the last one was.
start_load();
my $before = 0;
my $resumed = 0;
for my $round (1 .. 5)
{
	my $run = query($node,
		"SELECT pgmigrate.backfill_start($call, workers => 2, chunk_time => '1 ms', pause => '40 ms')"
	);

	progresses($before);
	usleep(int(rand(300_000)));
	my $pid = query($node,
		$round % 2 == 1
		? "SELECT pid FROM pg_stat_activity WHERE backend_type = 'pgmigrate worker'"
		: "SELECT pid FROM pg_stat_activity WHERE backend_type = 'pgmigrate helper' LIMIT 1"
	);
	last if $pid eq '';
	kill_and_recover($node, $pid);
	stop_load();
	start_load();
	is( query($node, "SELECT state FROM pgmigrate.status($run)"),
		'interrupted', "round $round: the run is found interrupted");
	my $now = blocks_done();
	cmp_ok($now, '>=', $before, "round $round: what was done stays done");
	$before = $now;
	$resumed++;
}
cmp_ok($resumed, '>', 2, 'it was killed a few times');
is(query($node, 'SELECT count(*) FROM pgmigrate.operation'),
	'1', 'one operation goes through all the runs');
is( query(
		$node,
		"SELECT state FROM pgmigrate.wait(pgmigrate.resume((SELECT max(id) FROM pgmigrate.run)))"
	),
	'done',
	'and is carried to its end by number');
stop_load();
poll($node,
	"SELECT count(*) = 0 FROM pg_stat_activity WHERE application_name = 'pgbench'"
);
cmp_ok(query($node, 'SELECT count(*) FROM log'),
	'>', 1000, 'the application was at work');
all_is_well('killed');
is(query($node, 'SELECT state FROM pgmigrate.operation'),
	'finalized', 'the operation is over');

# The same as statements of revisions: rows, and a column that is filled.
start_load();
for my $case (
	[ 'rows', q{UPDATE account SET note = 'all' WHERE note <> 'all'} ],
	[
		'column',
		q{ALTER TABLE account ADD COLUMN token uuid DEFAULT gen_random_uuid() NOT NULL UNIQUE}
	])
{
	my ($id, $sql) = @$case;

	revision($node, $id, $sql);
	for my $round (1 .. 2)
	{
		query($node,
			"SET pgmigrate.online_threshold = 0; SET pgmigrate.chunk_time = '1ms'; SELECT pgmigrate.upgrade_start()"
		);
		poll($node,
			"SELECT sum(next_block - first_block) > $round * 50 FROM pgmigrate.operation_range WHERE operation = (SELECT max(id) FROM pgmigrate.operation)"
		);
		kill_and_recover($node, worker_pid($node));
		stop_load();
		start_load();
	}
	is( query(
			$node,
			'SET pgmigrate.online_threshold = 0; SELECT state FROM pgmigrate.wait(pgmigrate.upgrade_start())'
		),
		'done',
		"$id: a revision goes on after its worker was killed");
	is( query(
			$node,
			"SELECT count(*), min(state) FROM pgmigrate.operation WHERE revision = '$id'"
		),
		'1|finalized',
		"$id: with the same operation");
}
stop_load();
poll($node,
	"SELECT count(*) = 0 FROM pg_stat_activity WHERE application_name = 'pgbench'"
);
all_is_well('revisions');
is( query(
		$node,
		'SELECT count(*) FROM account WHERE token IS NULL UNION ALL SELECT count(*) - count(DISTINCT token) FROM account'
	),
	"0\n0",
	'each row has a value of its own');
is( query(
		$node,
		"SELECT attnotnull, (SELECT count(*) FROM pg_constraint WHERE conrelid = attrelid AND contype = 'c') FROM pg_attribute WHERE attrelid = 'account'::regclass AND attname = 'token'"
	),
	't|0',
	'the column is NOT NULL, and no helper is left');

# Paused, tuned, resumed and cancelled.
query($node, 'UPDATE account SET note = NULL; VACUUM ANALYZE account');
my $run = query($node,
	"SELECT pgmigrate.backfill_start($call, chunk_time => '1 ms', pause => '100 ms')"
);
progresses(0);
fails(
	$node,
	"SET pgmigrate.run_wait = 0; SELECT pgmigrate.backfill('account', 'note = ''two''', 'note IS NULL')",
	'PM003', 'a second one is refused');
is(query($node, "SELECT pgmigrate.pause($run)"), 't', 'pause');
poll($node,
	"SELECT waiting_for = 'resume' FROM pgmigrate.operations ORDER BY operation DESC LIMIT 1"
);
is(query($node, "SELECT state FROM pgmigrate.status($run)"),
	'paused', 'status() says so');
my $stopped = blocks_done();
is( query(
		$node,
		"SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'pgmigrate worker' AND (backend_xid IS NOT NULL OR backend_xmin IS NOT NULL OR xact_start IS NOT NULL)"
	),
	'0',
	'it holds nothing meanwhile');
is(blocks_done(), $stopped, 'and does nothing');
is(query($node, "SELECT pgmigrate.resume($run)"), $run, 'resume');
progresses($stopped);
fails(
	$node,
	"SELECT pgmigrate.tune($run, 'throttle_query', 'SELECT true')",
	'42704', 'a query cannot be tuned');
fails($node, "SELECT pgmigrate.tune($run, 'pause', 'soon')",
	'22023', 'nor can nonsense');
fails($node, "SELECT pgmigrate.tune($run, '$_', '61min')",
	'22023', "nor can $_ be longer than the argument may")
  foreach 'pause', 'chunk_time';
is(query($node, "SELECT pgmigrate.tune($run, 'pause', '0')"), 't', 'tune');
is(query($node, "SELECT state FROM pgmigrate.wait($run)"),
	'done', 'and it is soon done');
all_is_well('tuned');

query($node, 'UPDATE account SET note = NULL; VACUUM ANALYZE account');
$run = query($node,
	"SELECT pgmigrate.backfill_start($call, chunk_time => '1 ms', pause => '100 ms')"
);
progresses(0);
is(query($node, "SELECT pgmigrate.cancel($run)"), 't', 'cancel');
is(query($node, "SELECT state FROM pgmigrate.wait($run)"),
	'cancelled', 'the run is cancelled');
is( query(
		$node,
		'SELECT state FROM pgmigrate.operation ORDER BY id DESC LIMIT 1'),
	'cancelled',
	'and so is its operation');

# The VACUUM between the ranges naps: for long, where a page is dear.  Nobody
# else vacuums the table, since ours would not wait for him.
query($node, <<SQL);
CREATE TABLE wide (id int, pad text) WITH (autovacuum_enabled = off);
INSERT INTO wide SELECT g, repeat('x', 1000) FROM generate_series(1, 16000) g;
SQL
$run = query($node,
	"SET vacuum_cost_page_hit = 10000; SELECT pgmigrate.backfill_start('wide', 'id = 0', 'id > 0')"
);
poll($node,
	"SELECT count(*) = 1 FROM pg_stat_activity WHERE backend_type = 'pgmigrate worker' AND wait_event = 'VacuumDelay'"
);
is(query($node, "SELECT pgmigrate.cancel($run)"),
	't', 'the VACUUM of a backfill naps');
query($node, "SELECT pgmigrate.wait($run)");

# What it gives way to, and how it fails closed.
for my $case (
	[ 'SELECT true', qr/^pgmigrate.throttle_query$/, 'a query that says so' ],
	[ 'SELECT NULL::bool', qr/returned null/, 'one that says nothing' ],
	[ 'SELECT 1/0 = 1', qr/failed/, 'one that fails' ],
	[ 'SELECT 1', qr/failed/, 'one of another type' ],
	[ '', qr/^room on disk$/, 'a disk that is full', undef, '2000TB' ],
	[ '', qr/^the WAL rate to fall$/, 'a limit of the WAL rate', 'max_wal_rate' ])
{
	my ($sql, $expected, $name, $rate, $room) = @$case;
	my $limit = $rate ? '1kB' : '0';

	$room //= '0';

	query($node, 'UPDATE account SET note = NULL') if $rate;
	$run = query($node,
		"SET pgmigrate.min_free_space = '$room'; SET pgmigrate.max_wal_rate = '$limit'; SET pgmigrate.throttle_query = '$sql'; SELECT pgmigrate.backfill_start($call, chunk_time => '5 ms', pause => '10 ms')"
	);
	wait_until(
		'it waits',
		sub {
			return query($node,
				"SELECT waiting_for FROM pgmigrate.operation WHERE run = $run")
			  =~ $expected;
		});
	ok(1, "$name makes it wait");
	query($node, "SELECT pgmigrate.cancel($run)");
	query($node, "SELECT pgmigrate.wait($run)");
}

# The table gets another file, another name, another column, or goes.
sub in_the_middle
{
	my ($sql, $state, $name) = @_;

	query($node,
		'TRUNCATE account; INSERT INTO account SELECT g, 0, NULL FROM generate_series(1, 20000) g; VACUUM ANALYZE account'
	);
	$run = query($node,
		"SELECT pgmigrate.backfill_start($call, chunk_time => '1 ms', pause => '20 ms')"
	);
	progresses(2);
	query($node, $sql);
	query($node, "SELECT pgmigrate.tune($run, 'pause', '0')");
	is(query($node, "SELECT state FROM pgmigrate.wait($run)"), $state, $name);
	is(query($node, 'SELECT count(*) FROM account WHERE note IS NULL'),
		'0', "$name: no row is left")
	  if $state eq 'done';
	return;
}
in_the_middle('VACUUM FULL account', 'done', 'VACUUM FULL');
in_the_middle('CLUSTER account USING account_pkey', 'done', 'CLUSTER');
in_the_middle('TRUNCATE account', 'done', 'TRUNCATE');
in_the_middle('ALTER TABLE account ADD COLUMN extra int DEFAULT 1',
	'done', 'ADD COLUMN');
in_the_middle(
	'ALTER TABLE account ALTER n TYPE bigint, ALTER pad SET DEFAULT 1',
	'done', 'ALTER TYPE');
in_the_middle(
	'ALTER TABLE account RENAME TO moved; CREATE TABLE account (id int, note text)',
	'done', 'RENAME');
is(query($node, 'SELECT count(*) FROM moved WHERE note IS NULL'),
	'0', 'the table itself was meant, not its name');
query($node, 'DROP TABLE account; ALTER TABLE moved RENAME TO account');
in_the_middle('ALTER TABLE account RENAME note TO remark',
	'failed', 'a column that is gone');
is(last_run($node, 'sqlstate'), '42703', 'is an error');
query($node,
	"ALTER TABLE account RENAME remark TO note; SELECT pgmigrate.cancel($run)");
in_the_middle('DROP TABLE account', 'failed', 'a table that is gone');
is(last_run($node, 'sqlstate'), '42P01', 'is an error');
fails($node, "SELECT pgmigrate.wait(pgmigrate.resume($run))",
	'42P01', 'nor can it be gone on with');
query($node, "SELECT pgmigrate.cancel($run)");

# A partitioned table goes with all of its partitions, or when they have left.
for my $case ([ 'DROP TABLE parted', '42P01' ],
	[ 'ALTER TABLE parted DETACH PARTITION parted_1; DROP TABLE parted', '42P01' ],
	[ 'DROP TABLE parted_2', '' ])
{
	my ($sql, $sqlstate) = @$case;

	query($node, <<SQL);
DROP TABLE IF EXISTS parted, parted_1;
CREATE TABLE parted (id int, note text) PARTITION BY RANGE (id);
CREATE TABLE parted_1 PARTITION OF parted FOR VALUES FROM (0) TO (10000);
CREATE TABLE parted_2 PARTITION OF parted FOR VALUES FROM (10000) TO (20000);
INSERT INTO parted SELECT g FROM generate_series(0, 19999) g;
SQL
	$run = query($node,
		q{SELECT pgmigrate.backfill_start('parted', $$note = 'x'$$, 'note IS NULL', chunk_time => '1 ms', pause => '20 ms')}
	);
	progresses(2);
	query($node, $sql);
	query($node, "SELECT pgmigrate.tune($run, 'pause', '0')");
	query($node, "SELECT pgmigrate.wait($run)");
	is(last_run($node, "coalesce(sqlstate, '')"),
		$sqlstate, "$sql in the middle");
	query($node, "SELECT pgmigrate.cancel($run)") if $sqlstate ne '';
}
is(query($node, 'SELECT count(*) - count(note) FROM parted'),
	'0', 'the partition that is left is done');

ledger_ok($node, 'backfill');
log_is_clean($node);
done_testing();

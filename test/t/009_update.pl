
# Copyright (c) 2026, pgmigrate developers

# ALTER EXTENSION UPDATE from each released version leads to what CREATE
# EXTENSION makes.

use strict;
use warnings;

use PgMigrate::Test;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = new_node('update');
my $dir = $node->config_data('--sharedir');
my $version = query($node,
	"SELECT extversion FROM pg_extension WHERE extname = 'pgmigrate'");
chomp $dir;
$dir .= '/extension';
my $n = 0;

# All that the extension has, without OIDs.
sub catalog
{
	my ($database) = @_;

	return query($node, <<'SQL', $database);
SET search_path = pg_catalog;
WITH member AS (
	SELECT d.classid, d.objid FROM pg_depend d
	JOIN pg_extension e ON e.oid = d.refobjid
	WHERE d.refclassid = 'pg_extension'::regclass AND d.deptype = 'e' AND e.extname = 'pgmigrate'
)
SELECT 'member ' || pg_describe_object(classid, objid, 0) AS line FROM member
UNION ALL
SELECT 'function ' || pg_get_functiondef(p.oid) || ' ' || coalesce(p.proacl::text, '')
FROM member JOIN pg_proc p ON p.oid = objid WHERE classid = 'pg_proc'::regclass
UNION ALL
SELECT 'relation ' || c.oid::regclass || ' ' || c.relkind::text || ' ' || coalesce(c.relacl::text, '') || ' '
	|| coalesce(c.reloptions::text, '') || coalesce(pg_get_viewdef(CASE WHEN c.relkind = 'v' THEN c.oid END), '')
FROM member JOIN pg_class c ON c.oid = objid WHERE classid = 'pg_class'::regclass
UNION ALL
SELECT 'column ' || c.oid::regclass || ' ' || a.attname || ' ' || format_type(a.atttypid, a.atttypmod)
	|| concat_ws(' ', '', a.attnotnull, a.attidentity::text, a.attgenerated::text, a.attcollation::regcollation, pg_get_expr(f.adbin, f.adrelid), a.attacl)
FROM member JOIN pg_class c ON c.oid = objid JOIN pg_attribute a ON a.attrelid = c.oid
LEFT JOIN pg_attrdef f ON f.adrelid = c.oid AND f.adnum = a.attnum
WHERE classid = 'pg_class'::regclass AND a.attnum > 0 AND NOT a.attisdropped
UNION ALL
SELECT 'index ' || pg_get_indexdef(i.indexrelid)
FROM member JOIN pg_index i ON i.indrelid = objid WHERE classid = 'pg_class'::regclass
UNION ALL
SELECT 'constraint ' || o.conrelid::regclass || ' ' || o.conname || ' ' || pg_get_constraintdef(o.oid)
FROM member JOIN pg_constraint o ON o.conrelid = objid WHERE classid = 'pg_class'::regclass
UNION ALL
SELECT 'trigger ' || pg_get_triggerdef(t.oid)
FROM member JOIN pg_trigger t ON t.tgrelid = objid WHERE classid = 'pg_class'::regclass AND NOT t.tgisinternal
UNION ALL
SELECT 'comment ' || pg_describe_object(t.classoid, t.objoid, t.objsubid) || ' ' || t.description
FROM member JOIN pg_description t ON (t.classoid, t.objoid) = (classid, objid)
UNION ALL
SELECT 'dumped ' || u.id::regclass || ' ' || u.condition
FROM pg_extension e, unnest(e.extconfig, e.extcondition) AS u (id, condition) WHERE e.extname = 'pgmigrate'
UNION ALL
SELECT 'initial privileges ' || pg_describe_object(p.classoid, p.objoid, p.objsubid) || ' ' || p.initprivs::text
FROM member JOIN pg_init_privs p ON (p.classoid, p.objoid) = (classid, objid)
ORDER BY 1
SQL
}

sub database_with
{
	my (@commands) = @_;
	my $database = 'd' . ++$n;

	query($node, "CREATE DATABASE $database");
	query($node, $_, $database) foreach @commands;
	return $database;
}

my $fresh = catalog('postgres');
cmp_ok(scalar(() = $fresh =~ /^function /mg), '>', 20, 'the catalog is read');

# Every version that there is a way from.
my @from = split /\n/, query($node,
	"SELECT source FROM pg_extension_update_paths('pgmigrate') WHERE target = '$version' AND path IS NOT NULL"
);
for my $from (@from)
{
	my $database = database_with("CREATE EXTENSION pgmigrate VERSION '$from'",
		'ALTER EXTENSION pgmigrate UPDATE');

	is(catalog($database), $fresh, "update from $from");
}
note 'no earlier version' if !@from;

# That this would find a difference, and that an update keeps the ledger.
SKIP:
{
	skip 'the directory of extensions cannot be written', 1 if !-w $dir;

	my @files = map { "$dir/pgmigrate--$_.sql" } "$version--7same",
	  "$version--7more", '7same--7tables', '7tables--7same';

	END { unlink @files if @files; }
	append_to_file($files[0], "SELECT pgmigrate.wait_for_run();\n");
	append_to_file($files[1],
		"CREATE FUNCTION pgmigrate.more() RETURNS int LANGUAGE sql AS 'SELECT 1';\n"
	);


	# what a release may do: each run finds other tables than the one before
	my @tables = qw(run run_step revision head applied operation begun_statement);
	append_to_file($files[2], join "\n", 'SELECT pgmigrate.wait_for_run();',
		map { "ALTER TABLE pgmigrate.$_ ADD COLUMN seven int NOT NULL DEFAULT 7;" }
		  @tables);
	append_to_file($files[3], join "\n", 'SELECT pgmigrate.wait_for_run();',
		map { "ALTER TABLE pgmigrate.$_ DROP COLUMN seven;" } @tables);

	my $same = database_with(
		'CREATE EXTENSION pgmigrate',
		"CREATE TABLE mark (id text); SELECT pgmigrate.revision('one', 'INSERT INTO mark VALUES (1)', id => 'u1')",
		'SELECT pgmigrate.upgrade()',
		"SELECT pgmigrate.revision('two', 'INSERT INTO mark VALUES (2); SELECT pg_advisory_xact_lock(1)', id => 'u2')",
		"ALTER EXTENSION pgmigrate UPDATE TO '7same'");
	is(catalog($same), $fresh, 'an update that does nothing changes nothing');
	is( query($node, "SELECT extversion FROM pg_extension WHERE extname = 'pgmigrate'", $same),
		'7same', 'it was made');
	query($node, 'SELECT pgmigrate.upgrade()', $same);
	is(query($node, 'SELECT string_agg(id, \' \' ORDER BY id) FROM mark', $same),
		'1 2', 'the ledger goes on after an update');
	ledger_ok($node, 'after an update', $same);

	my $more = database_with('CREATE EXTENSION pgmigrate',
		"ALTER EXTENSION pgmigrate UPDATE TO '7more'");
	isnt(catalog($more), $fresh, 'an update that does more is found out');
	like(catalog($more), qr/^function .*pgmigrate\.more/m, 'and named');

	# an update waits for a run
	my $busy = database_with('CREATE EXTENSION pgmigrate',
		"SELECT pgmigrate.revision('waits', 'SELECT pg_advisory_xact_lock(1)', id => 'w1')"
	);
	my $block = session($node, database => $busy);
	my $update = session($node, database => $busy);

	$block->query('SELECT pg_advisory_lock(1)');
	query($node, 'SELECT pgmigrate.upgrade_start()', $busy);
	worker_waits($node, 'advisory');
	$update->send("ALTER EXTENSION pgmigrate UPDATE TO '7same'");
	poll($node,
		"SELECT count(*) = 1 FROM pg_stat_activity WHERE query LIKE 'ALTER EXTENSION%' AND wait_event IN ('Extension', 'PgmigrateWait')",
		$busy);
	is( query($node, "SELECT extversion FROM pg_extension WHERE extname = 'pgmigrate'", $busy),
		$version, 'an update waits for the run in progress');
	$block->quit;
	poll($node,
		"SELECT extversion = '7same' FROM pg_extension WHERE extname = 'pgmigrate'",
		$busy);
	is( query($node, 'SELECT state FROM pgmigrate.status()', $busy),
		'done', 'which is done then');
	$update->quit;

	# beside each kind of run, there and back
	my $version_is = sub {
		return query($node,
			"SELECT extversion FROM pg_extension WHERE extname = 'pgmigrate'", $busy);
	};
	my $to = '7tables';
	my $other = sub { $to = $to eq '7same' ? '7tables' : '7same' };
	my $updates =
	  "SELECT count(*) = 1 FROM pg_stat_activity WHERE query LIKE 'ALTER EXTENSION%' AND state = 'active' AND wait_event IN ('Extension', 'PgmigrateWait')";

	query($node, <<"SQL", $busy);
CREATE TABLE t (id int PRIMARY KEY, v int);
INSERT INTO t SELECT g, g FROM generate_series(1, 1000) g;
ALTER DATABASE $busy SET pgmigrate.online_threshold = 0;
SQL
	my %runs = (
		'an index that is built' => {
			hold => 'DELETE FROM t WHERE id = -1',
			event => 'virtualxid',
			up => 'CREATE INDEX CONCURRENTLY t_v ON t (v)',
			down => 'DROP INDEX CONCURRENTLY t_v'
		},
		'a column type that is changed' => {
			hold => 'LOCK TABLE t IN ACCESS SHARE MODE',
			up => 'ALTER TABLE t ALTER v TYPE bigint',
			down => 'ALTER TABLE t ALTER v TYPE int'
		},
		'a backfill' => {
			hold => 'UPDATE t SET v = v WHERE id = 500',
			up => 'UPDATE t SET v = -1 WHERE v > 0',
			down => 'UPDATE t SET v = 1 WHERE v < 0'
		},
		'statement by statement' => {
			hold => 'LOCK TABLE t',
			up => 'CREATE TABLE u (i int); INSERT INTO t VALUES (-2, -2)',
			down => 'DROP TABLE u; DELETE FROM t WHERE id = -2',
			transactional => 'false'
		});

	foreach my $kind (sort keys %runs)
	{
		my %run = %{ $runs{$kind} };
		my $hold = session($node, database => $busy);
		my $run = session($node, database => $busy);
		my $change = session($node, database => $busy);
		my ($id) = $kind =~ /(\w+)$/;

		revision($node, $id, $run{up}, database => $busy, downgrade => "'$run{down}'",
			$run{transactional} ? (transactional => $run{transactional}) : ());
		foreach my $way ("upgrade('$id')", "downgrade('-1')")
		{
			$hold->query('BEGIN');
			$hold->query($run{hold});
			$run->send("SELECT string_agg(state, ' ') FROM pgmigrate.$way");
			poll($node,
				"SELECT count(*) > 0 FROM pg_stat_activity WHERE backend_type = 'pgmigrate worker' AND query NOT LIKE 'planning%' AND wait_event IS NOT NULL",
				$busy);
			poll($node,
				"SELECT count(*) > 0 FROM pg_stat_activity WHERE backend_type LIKE 'pgmigrate%' AND wait_event = '$run{event}'",
				$busy) if $run{event};
			$change->send("ALTER EXTENSION pgmigrate UPDATE TO '$to'");
			poll($node, $updates, $busy);
			isnt($version_is->(), $to, "$kind, $way: an update waits");
			$hold->query('COMMIT');
			like($run->result, qr/^done( done)*$/, "$kind, $way: the run goes on");
			$change->result;
			if ($change->err ne '')
			{
				# the run waited for the transaction of the update
				like($change->err, qr/^ERROR:  PM003: /, "$kind, $way: the update gives up");
				$change->query("ALTER EXTENSION pgmigrate UPDATE TO '$to'");
			}
			is($version_is->(), $to, "$kind, $way: the update is made");
			ledger_ok($node, "$kind, $way", $busy);
			$other->();
		}
		query($node, "SELECT pgmigrate.upgrade()", $busy);
		$_->quit foreach $hold, $run, $change;
	}

	# between two tries of a revision
	revision($node, 'half',
		'CREATE TABLE h1 (i int); SELECT 1 / count(*) FROM h; CREATE TABLE h2 (i int)',
		transactional => 'false', database => $busy);
	query($node, 'CREATE TABLE h (i int)', $busy);
	like(notices($node, 'SELECT pgmigrate.upgrade()', database => $busy),
		qr/division by zero/, 'a revision stops half way');
	query($node, "ALTER EXTENSION pgmigrate UPDATE TO '$to'; INSERT INTO h VALUES (1); SELECT pgmigrate.upgrade()",
		$busy);
	is(query($node, "SELECT to_regclass('h1'), to_regclass('h2'), state FROM pgmigrate.revisions WHERE revision = 'half'", $busy),
		'h1|h2|applied', 'the next run goes on after an update');
	ledger_ok($node, 'half', $busy);

	my $twice = database_with("CREATE EXTENSION pgmigrate VERSION '7more' CASCADE");
	is(catalog($twice), catalog($more),
		'CREATE EXTENSION VERSION goes over the update');
}

log_is_clean($node);
done_testing();

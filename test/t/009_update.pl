
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
	skip 'the directory of extensions cannot be written', 9 if !-w $dir;

	my @files = map { "$dir/pgmigrate--$version--$_.sql" } qw(7same 7more);

	END { unlink @files if @files; }
	append_to_file($files[0], "SELECT pgmigrate.wait_for_run();\n");
	append_to_file($files[1],
		"CREATE FUNCTION pgmigrate.more() RETURNS int LANGUAGE sql AS 'SELECT 1';\n"
	);

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

	my $twice = database_with("CREATE EXTENSION pgmigrate VERSION '7more' CASCADE");
	is(catalog($twice), catalog($more),
		'CREATE EXTENSION VERSION goes over the update');
}

log_is_clean($node);
done_testing();


# Copyright (c) 2026, pgmigrate developers

# One call upgrades many databases of the cluster, each in a run of its own.

use strict;
use warnings;

use PgMigrate::Test;
use Test::More;

my $node = new_node('fleet');
my @tenants = map { sprintf 'tenant_%02d', $_ } 1 .. 12;

sub fleet
{
	my ($arguments, %params) = @_;
	my ($out, $err) = ('', '');
	my $columns = $params{columns}
	  // q{database || ' ' || wave || ' ' || state || coalesce(' ' || steps, '') || coalesce(' ' || array_to_string(heads, '+'), '')};
	my $set = join '', map { "SET $_;" } @{ $params{set} // [] };

	$node->psql(
		$params{database} // 'postgres', "$set SELECT $columns FROM pgmigrate.fleet($arguments)",
		stdout => \$out,
		stderr => \$err,
		extra_params => [ '-q', '-U', $params{user} // 'postgres' ]);
	return ($out, $err);
}

sub names
{
	return "databases => '{" . join(',', @_) . "}'";
}

sub workers_gone
{
	return poll($node,
		"SELECT count(*) = 0 FROM pg_stat_activity WHERE backend_type = 'pgmigrate worker'"
	);
}

# A worker is given what the session has SET, not what its database has.
query($node, 'CREATE SCHEMA elsewhere');
query($node, 'ALTER DATABASE postgres SET search_path = elsewhere');

query($node, 'CREATE DATABASE tenant');
query($node, 'CREATE EXTENSION pgmigrate', 'tenant');
query($node, 'CREATE ROLE op LOGIN');
query($node, 'GRANT ALL ON SCHEMA public TO op', 'tenant');
query($node, "SELECT pgmigrate.grant_access('op', 'operator')", 'tenant');
revision($node, 'one', 'CREATE TABLE one (id int)', database => 'tenant');
revision(
	$node, 'two',
	'SELECT pg_advisory_xact_lock(7); CREATE TABLE two (id int)',
	database => 'tenant');
query($node, "CREATE DATABASE $_ TEMPLATE tenant") foreach @tenants;
query($node, 'CREATE DATABASE without');

# ---- where and how

my ($out, $err) = fleet(names('tenant_02', 'tenant_01', 'tenant_02', 'without', 'nowhere'));
is($out, <<'EOT' =~ s/\n\z//r, 'each database has a row, in the order given');
tenant_02 1 done 2 two
tenant_01 2 done 2 two
without 2 skipped
nowhere 2 skipped
EOT
like($err, qr/database "tenant_02": 2 steps done/, 'what is done is told');
like($err, qr/database "without" skipped: extension "pgmigrate" is not installed/,
	'and what is not, with the reason');
like($err, qr/database "nowhere" skipped: database does not exist/,
	'also of one that is not there');
is( query($node, "SELECT relnamespace::regnamespace FROM pg_class WHERE relname = 'two'",
		'tenant_01'),
	'public',
	'settings of the database of the call do not go along');
is(query($node, 'SELECT command, target, state FROM pgmigrate.run', 'tenant_01'),
	'upgrade|head|done', 'there is a run in the database');
($out, $err) = fleet(names('tenant_03', 'tenant_04') . ", target => 'one'");
is($out, "tenant_03 1 done 1 one\ntenant_04 2 done 1 one", 'a target');
($out, $err) = fleet(names('tenant_03', 'tenant_01') . ", target => 'one'");
like($out, qr/tenant_01 2 done 0 two/, 'one that is past the target is left there');
like(
	$err,
	qr/1 database has other heads than most, which are at /,
	'heads that differ are told');

fails($node, 'BEGIN; SELECT * FROM pgmigrate.fleet()',
	'25001', 'not in a transaction block');
fails($node, 'SELECT * FROM pgmigrate.fleet(at_once => 0)',
	'22023', 'at least one at a time');
fails($node, "SELECT * FROM pgmigrate.fleet(databases => '{a,NULL}')",
	'22004', 'no database is null');
fails($node, "SELECT * FROM pgmigrate.fleet(allow => '{nonsense}', reason => 'r')",
	qr/nonsense/, 'a rule that is none');

# ---- one fails

query($node, 'CREATE TABLE two (id int)', $_) foreach 'tenant_06';
($out, $err) =
  fleet(names(@tenants[4 .. 7]) . ', at_once => 1');
is($out, <<'EOT' =~ s/\n\z//r, 'the first failure ends it');
tenant_05 1 done 2 two
tenant_06 2 failed 1 one
tenant_07 2 pending
tenant_08 2 pending
EOT
like($err, qr/database "tenant_06" failed: relation "two" already exists/,
	'with its error');
($out, $err) = fleet(names(@tenants[5 .. 7]) . ', stop_on_failure => false');
is($out, <<'EOT' =~ s/\n\z//r, 'unless it is to go on');
tenant_06 1 failed 0 one
tenant_07 2 done 2 two
tenant_08 2 done 2 two
EOT
like($err, qr/other heads than most, which are at two\nDETAIL:  tenant_06: one/,
	'whose heads differ is named');
query($node, 'CREATE TABLE two (id int)', 'tenant_09');
($out, $err) = fleet(names(@tenants[8 .. 11]) . ', canary => 1, at_once => 4');
is($out, <<'EOT' =~ s/\n\z//r, 'none begins after a canary that fails');
tenant_09 1 failed 1 one
tenant_10 2 pending
tenant_11 2 pending
tenant_12 2 pending
EOT
query($node, 'DROP TABLE two', $_) foreach 'tenant_06', 'tenant_09';
($out, $err) = fleet(names(@tenants[4 .. 8]) . ', canary => 0');
is($out, <<'EOT' =~ s/\n\z//r, 'a later call does what was left');
tenant_05 2 done 0 two
tenant_06 2 done 1 two
tenant_07 2 done 0 two
tenant_08 2 done 0 two
tenant_09 2 done 1 two
EOT
ledger_ok($node, $_, $_) foreach 'tenant_06', 'tenant_09';

# ---- whose right

query($node, 'GRANT USAGE ON SCHEMA pgmigrate TO op');
query($node, "SELECT pgmigrate.grant_access('op', 'operator')");
query($node, 'REVOKE CONNECT ON DATABASE tenant_10 FROM PUBLIC');
query($node, 'REVOKE ALL ON FUNCTION pgmigrate.upgrade FROM op', 'tenant_11');
($out, $err) = fleet(
	names(@tenants[9 .. 11]),
	user => 'op',
	columns => q{database || ' ' || wave || ' ' || state || coalesce(' ' || steps, '') || coalesce(' ' || error, '')});
is($out, <<'EOT' =~ s/\n\z//r, 'CONNECT and the level are asked for there, and a canary that is skipped is none');
tenant_10 1 skipped permission denied for database "tenant_10"
tenant_11 1 skipped permission denied for function pgmigrate.upgrade
tenant_12 1 done 2
EOT
is( query($node, "SELECT tableowner FROM pg_tables WHERE tablename = 'two'", 'tenant_12'),
	'op',
	'it is done as who called');
($out, $err) = fleet('', user => 'op');
unlike($out, qr/without|tenant_10|template/,
	'by default those that have it and may be connected to');
like($out, qr/^postgres 1 done 0 ?$/m, 'with that of the call');
is(scalar(() = $out =~ /done/g), 12, 'all of them');

# ---- cancelled, and killed

query($node, 'REVOKE CONNECT ON DATABASE tenant_10 FROM op');
my $holder = session($node, database => 'tenant_10');
$holder->query('SELECT pg_advisory_lock(7)');
my $caller = session($node);
$caller->send(
	"SELECT count(*) FROM pgmigrate.fleet(databases => '{tenant_10,tenant_11}')");
worker_waits($node);
$caller->interrupt;
$caller->fails_with('57014', 'a cancel ends the call');
workers_gone();
is(query($node, 'SELECT state FROM pgmigrate.run', 'tenant_10'),
	'cancelled', 'and the run');
is(query($node, 'SELECT count(*) FROM pgmigrate.run', 'tenant_11'),
	'0', 'no other is begun');
$caller = session($node);
$caller->send(
	"SELECT string_agg(database || ' ' || state || ' ' || error, ',') FROM pgmigrate.fleet(databases => '{tenant_10,tenant_11}')");
query($node, 'SELECT pg_terminate_backend(' . worker_waits($node) . ')');
like($caller->result, qr/tenant_10 failed .*/, 'a worker that ends is a failure of its database');
$holder->query('SELECT pg_advisory_unlock(7)');
($out, $err) = fleet(names('tenant_10', 'tenant_11'));
is($out, "tenant_10 1 done 1 two\ntenant_11 2 done 2 two", 'which is retried');

# ---- a database of somebody who is not trusted

# no name has a newline since 19
my $evil = (query($node, 'SHOW server_version_num') < 190000 ? "evil\n" :
	'evil ') . "\e[2J host=x";
query($node, 'CREATE ROLE mallory LOGIN');
query($node, qq{CREATE DATABASE "$evil" TEMPLATE tenant OWNER mallory});
query($node, "SELECT pgmigrate.grant_access('mallory', 'operator'); GRANT ALL ON SCHEMA public TO mallory", $evil);
my $early = session($node, database => $evil);
query(
	$node,
	q{SET SESSION AUTHORIZATION mallory;
	SELECT pgmigrate.revision('m', 'SET ROLE postgres; ALTER ROLE mallory SUPERUSER', id => 'm');
	DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET role = mallory', current_database()); END $$},
	$evil);
($out, $err) = fleet(names(qq{"$evil"}), columns => 'state');
is($out, 'failed', 'a revision of its owner is not run with the rights of who calls');
like($err, qr/NOTICE:  database "evil \\x1b\[2J host=x" failed: revision "m" was written by a role/m,
	'though he has set his role for all who connect; and the name of the database is written out');
unlike($err, qr/\e/, 'all of it');
$early->send('SELECT pgmigrate.upgrade()');
$early->fails_with('42501', 'nor is it by a session that was there before');
is(query($node, q{SELECT rolsuper FROM pg_roles WHERE rolname = 'mallory'}), 'f', 'he is no superuser');
$early->quit;
query($node, qq{DROP DATABASE "$evil"});

# ---- another encoding

foreach my $encoding ('LATIN1', 'UTF8')
{
	query($node,
		"CREATE DATABASE \L$encoding\E ENCODING '$encoding' LOCALE 'C' TEMPLATE template0"
	);
	query($node, 'CREATE EXTENSION pgmigrate', lc $encoding);
}
query($node,
	q{SET client_encoding = 'UTF8'; SELECT pgmigrate.revision('r', 'SELECT FROM "é"', id => 'é')},
	'latin1');
($out, $err) = fleet(
	names('latin1') . ", target => 'é'",
	columns => 'state, error, heads',
	database => 'utf8',
	set => ["client_encoding = 'UTF8'"]);
like($out, qr/^failed\|relation ".*" does not exist/, 'a target is found in another encoding, and its error is valid text here');

# ---- processes

$node->append_conf('postgresql.conf', 'max_worker_processes = 2');
$node->restart;
($out, $err) = fleet(names(@tenants[0 .. 5]) . ', canary => 0');
is(scalar(() = $out =~ /done/g), 6, 'one process is enough');
$node->append_conf('postgresql.conf', 'max_worker_processes = 1');
$node->restart;
fails($node, 'SELECT * FROM pgmigrate.fleet()', '53400', 'none is not');

log_is_clean($node);
done_testing();

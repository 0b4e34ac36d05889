
# Copyright (c) 2026, pgmigrate developers

# The commands of the recipes in doc/loading.md, as they are printed, and those
# for a schema for each tenant and for several clusters in doc/fleet.md.

use strict;
use warnings;

use Cwd qw(abs_path);
use File::Basename qw(dirname);
use IPC::Run qw(start finish);
use PgMigrate::Test;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $top = abs_path(dirname(__FILE__) . '/../..');
my $doc = slurp_file("$top/doc/loading.md");
my ($recipes) = $doc =~ /^## Recipes\n(.*)\z/ms or die 'no recipes';
my %section = $recipes =~ /^### (.*)\n((?:(?!^### ).*\n)*)/mg;
my $node = new_node('recipes');
my $root = PostgreSQL::Test::Utils::tempdir();

local $ENV{PATH} = "$top/tools:$ENV{PATH}";
local $ENV{PGHOST} = $node->host;
local $ENV{PGPORT} = $node->port;
local $ENV{HOME} = $root;

sub block
{
	my ($section, $kind) = @_;
	my @blocks = ($section{$section} // die "no section $section") =~ /^```$kind\n(.*?)^```$/msg;

	die "no $kind in $section" if !@blocks;
	return join '', @blocks;
}

# A script, in a directory: status and all that it prints.
sub shell
{
	my ($script, $directory) = @_;
	my $out = '';

	IPC::Run::run([ 'sh', '-e', '-c', $script ], '<', \undef, '>&', \$out,
		init => sub { chdir $directory or die });
	return ($? >> 8, $out);
}

sub file
{
	my ($name, $contents) = @_;

	open my $fh, '>', "$root/$name" or die "$name: $!";
	print $fh $contents;
	close $fh;
	return;
}

sub database
{
	my ($name) = @_;

	query($node, "CREATE DATABASE $name");
	query($node, 'CREATE EXTENSION pgmigrate', $name);
	$ENV{PGDATABASE} = $name;
	return;
}

# A job: production has a table with rows, the branch changes it.
SKIP:
{
	skip 'git is not here', 6 if system('git --version >/dev/null 2>&1') != 0;
	database('job');
	my $job = block('A job that is red or green', 'yaml');
	my @steps = map { s/^ {10}//mgr } $job =~ /^ {8}run: \|\n((?: {10}.*\n)+)/mg;
	is(scalar @steps, 3, 'steps with commands');
	mkdir "$root/$_" foreach qw(repo repo/migrations);
	file('repo/migrations/0001_users.up.sql', "CREATE TABLE users (id int, name text);\n");
	file('repo/migrations/0001_users.down.sql', "DROP TABLE users;\n");
	my ($rc, $out) = shell(<<'SH', "$root/repo");
git init -q .
git config user.email a@example.org
git config user.name a
git add -A
git commit -q -m main
git update-ref refs/remotes/origin/main HEAD
git checkout -q -b branch
SH
	is($rc, 0, 'a repository') or diag($out);
	file('repo/migrations/0002_wide.up.sql', "ALTER TABLE users ALTER id TYPE bigint;\n");
	file('repo/migrations/0002_wide.down.sql', "ALTER TABLE users ALTER id TYPE int;\n");
	($rc, $out) = shell($steps[0], "$root/repo");
	is($rc, 0, 'what production has') or diag($out);
	query($node, 'INSERT INTO users SELECT generate_series(1, 10)', 'job');

	# a job's tables are small, production's are not
	query($node, 'ALTER DATABASE job SET pgmigrate.danger_block = 0', 'job');
	($rc, $out) = shell($steps[1], "$root/repo");
	is($rc, 1, 'the branch is red');
	like($out, qr/danger 0002 .*type-change-rewrite/, 'and says why');
	file('repo/migrations/0002_wide.up.sql',
		"-- wide enough\n-- pgmigrate: allow type-change-rewrite because it is small\nALTER TABLE users ALTER id TYPE bigint;\n");
	($rc, $out) = shell($steps[1], "$root/repo");
	is($rc, 0, 'what is allowed is green') or diag($out);
	($rc, $out) = shell($steps[2], "$root/repo");
	is($rc, 0, 'up, down, and up again') or diag($out);
}

# Three replicas, with the links of a ConfigMap.
database('pods');
my $job = block('Three replicas that start together', 'yaml');
my ($command) = $job =~ /^ *command: \[(.*)\]$/m or die;
my @command = $command =~ /"([^"]*)"/g;
my ($replicas) = $job =~ /parallelism: (\d+)/;
mkdir "$root/$_" foreach qw(map map/..1);
file('map/..1/0001_a.up.sql', "CREATE TABLE a (i int);\nSELECT pg_sleep(1);\n");
file('map/..1/0001_a.down.sql', "DROP TABLE a;\n");
symlink '..1', "$root/map/..data" or die;
symlink "..data/0001_a.$_.sql", "$root/map/0001_a.$_.sql" or die foreach qw(up down);
s,^/migrations$,$root/map, foreach @command;
my @pods = map {
	my $pod = { out => '' };
	$pod->{run} = start([@command], '<', \undef, '>&', \$pod->{out});
	$pod;
} 1 .. $replicas;
finish($_->{run}) foreach @pods;
is(join(' ', map { $_->{run}->full_result(0) } @pods), '0 0 0', 'three replicas succeed')
  or diag(map { $_->{out} } @pods);
is(scalar(grep { $_->{out} =~ /^done 0001/m } @pods), 1, 'and one of them works');

# Behind a pooler: what a role has set holds in its runs.
database('pooler');
query($node, 'CREATE ROLE deployer SUPERUSER LOGIN');
my @sql = split /(?<=;)\n/, block('Behind a pooler', 'sql');
query($node, $_, 'pooler') foreach grep { /^ALTER/ } @sql;
query($node, "SELECT pgmigrate.revision('see', 'CREATE TABLE seen AS SELECT current_setting(''pgmigrate.lock_timeout'') AS t')", 'pooler');
local $ENV{PGUSER} = 'deployer';
my ($start, $wait, $status) = grep { /^SELECT/ } @sql;
like(query($node, $start, 'pooler'), qr/^1$/, 'a run is started');
is(query($node, $wait, 'pooler'), 'done|', 'and waited for');
is(query($node, $status, 'pooler'), 'done|', 'and looked at');
is(query($node, 'SELECT t FROM seen', 'pooler'), '100ms', 'with the settings of its role');
local $ENV{PGUSER} = 'postgres';

# From a laptop, from top to bottom.
database('laptop');
mkdir "$root/laptop";
foreach my $line (split /\n/, block('From a laptop', 'sh'))
{
	my ($rc, $out) = shell($line, "$root/laptop");
	is($rc, 0, $line) or diag($out);
}
ok(-s "$root/laptop/release.sql", 'a script is there');

# A schema for each tenant: by one call, one by itself, one that is gone.
my ($tenants) = slurp_file("$top/doc/fleet.md") =~ /^## A schema for each tenant\n(.*?)^## /ms
  or die 'no recipe for tenants';
my @recipes = $tenants =~ /^```sql\n(.*?)^```$/msg;
is(scalar @recipes, 7, 'what is told of tenants');
my ($call, $pattern, $alone, $gone, $ledgers, $stamp, $code) = @recipes;
my $invoices = q{SELECT string_agg(relnamespace::regnamespace::text, ', ' ORDER BY relnamespace::regnamespace::text) FROM pg_class WHERE relname = 'invoice'};

database('tenants');
query($node, "CREATE SCHEMA tenant_$_", 'tenants') foreach 7, 9;
my (undef, $each) = split /(?<=;)\n/, $call;
query($node, $call, 'tenants');
is(query($node, $invoices, 'tenants'), 'tenant_7, tenant_9', 'each schema has it by one call');
is(query($node, $each, 'tenants'), "tenant_7|1|done|0|{r1}|\ntenant_9|2|done|0|{r1}|", 'another finds that it is done');
query($node, 'CREATE SCHEMA tenant_a', 'tenants');
$node->psql('tenants', $pattern, stdout => \my $wave, on_error_die => 1);
is(query($node, $invoices, 'tenants'), 'tenant_7, tenant_9, tenant_a', 'and a new one, by a pattern of names');
s/\bt1\b/tenant_7/g foreach $alone, $gone;
query($node, $alone, 'tenants');
is(query($node, $invoices, 'tenants'), 'tenant_9, tenant_a', 'one is taken back by itself');
query($node, $each, 'tenants');
query($node, $gone, 'tenants');
is(query($node, "SELECT string_agg(id, ', ' ORDER BY id) FROM pgmigrate.revision", 'tenants'), 'r1, tenant_9.r1, tenant_a.r1', 'one that is gone leaves nothing');

# Those that another tool has migrated, to where its ledgers say; and without one.
my $invoice = 'CREATE TABLE invoice (id bigint PRIMARY KEY)';
my $all = q{SELECT schema, state, steps, heads FROM pgmigrate.fleet(schemas => '{tenant_7,tenant_9}')};
database('tenants_taken');
query($node, "CREATE SCHEMA tenant_$_ $invoice CREATE TABLE alembic_version (version_num varchar(32) NOT NULL)", 'tenants_taken') foreach 7, 9;
query($node, q{INSERT INTO tenant_7.alembic_version VALUES ('r1'); INSERT INTO tenant_9.alembic_version VALUES ('r2');
	ALTER TABLE tenant_9.invoice ADD paid boolean}, 'tenants_taken');
query($node, "SELECT pgmigrate.revision('$_->[0]', '$_->[1]', id => '$_->[0]')", 'tenants_taken')
  foreach [ r1 => $invoice ], [ r2 => 'ALTER TABLE invoice ADD paid boolean' ], [ r3 => 'ALTER TABLE invoice ADD note text' ];
is(query($node, $ledgers, 'tenants_taken'), "tenant_7|r1|tenant_7.r1|known\ntenant_9|r2|tenant_9.r2|known", 'the ledgers of schemas are taken over');
is(query($node, $all, 'tenants_taken'), "tenant_7|done|2|{r3}\ntenant_9|done|1|{r3}", 'and all go on from there');
database('tenants_stamped');
query($node, "CREATE SCHEMA tenant_$_ $invoice", 'tenants_stamped') foreach 7, 9;
query($node, $call =~ s/^SELECT schema.*\n//mr, 'tenants_stamped');
is(query($node, $stamp, 'tenants_stamped'), "tenant_7.r1|done\ntenant_9.r1|done", 'schemas are recorded to be there');
is(query($node, $all, 'tenants_stamped'), "tenant_7|done|0|{r1}\ntenant_9|done|0|{r1}", 'nothing is left to do');
query($node, "DROP DATABASE $_", 'postgres') foreach qw(tenants_taken tenants_stamped);

# And one revision for all of them, which finds them when it runs.
my $paid = q{SELECT string_agg(relnamespace::regnamespace || ' ' || (a.attname IS NOT NULL), ', ' ORDER BY relnamespace::regnamespace::text)
	FROM pg_class c LEFT JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'paid_at' WHERE relname = 'invoice'};
my $upgrade = 'SELECT * FROM pgmigrate.upgrade()';
database('tenants_all');
query($node, "CREATE SCHEMA tenant_$_ CREATE TABLE invoice (id int)", 'tenants_all') foreach qw(a b c);
query($node, 'ALTER TABLE tenant_b.invoice ADD paid_at text', 'tenants_all');
query($node, $code, 'tenants_all');
like(($node->psql('tenants_all', $upgrade))[2], qr/column "paid_at" of relation "invoice" already exists/, 'a tenant that differs stops it');
is(query($node, $paid, 'tenants_all'), 'tenant_a false, tenant_b true, tenant_c false', 'what was done by then');
query($node, 'ALTER TABLE tenant_b.invoice DROP paid_at', 'tenants_all');
query($node, $upgrade, 'tenants_all');
is(query($node, $paid, 'tenants_all'), 'tenant_a true, tenant_b true, tenant_c true', 'all have it');
is(query($node, 'SELECT count(*) FROM pgmigrate.current()', 'tenants_all'), '1', 'one head');

# Several clusters: the first one that is not at the target ends it.
my ($clusters) = slurp_file("$top/doc/fleet.md") =~ /^## Several clusters\n.*?^```sh\n(.*?)^```$/ms
  or die 'no recipe for several clusters';
my $other = new_node('other');
mkdir "$root/fleet";
file('fleet/clusters.txt', $node->connstr('laptop') . "\n" . $other->connstr('postgres') . "\n");
foreach my $place ([ $node, 'laptop' ], [ $other, 'postgres' ])
{
	query($place->[0], $_, $place->[1])
	  foreach "SELECT pgmigrate.revision('wave', 'SELECT 1 / CAST(current_setting(''regress.one'') AS int)', id => 'wave')",
	  "ALTER DATABASE $place->[1] SET regress.one = " . ($place->[0] == $node ? 0 : 1);
}
query($node, "DROP DATABASE IF EXISTS $_ WITH (FORCE)") foreach qw(job pods pooler tenants tenants_all);
my ($rc, $out) = shell($clusters, "$root/fleet");
like($out, qr/database "laptop" failed.*ERROR: +not all databases are at the target/s, 'a failure in the first cluster is told');
is(query($other, 'SELECT count(*) FROM pgmigrate.run'), '0', 'the second is not begun');
query($node, 'ALTER DATABASE laptop SET regress.one = 1', 'laptop');
($rc, $out) = shell($clusters, "$root/fleet");
is("$rc " . query($node, 'SELECT revision FROM pgmigrate.current()', 'laptop') . ' ' . query($other, 'SELECT revision FROM pgmigrate.current()'),
	'0 wave wave', 'both get there')
  or diag($out);

log_is_clean($node);
done_testing();

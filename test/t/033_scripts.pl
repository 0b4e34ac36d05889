
# Copyright (c) 2026, pgmigrate developers

# The scripts for clients: git is the truth, and a job is red or green.

use strict;
use warnings;

use Cwd qw(abs_path);
use File::Basename qw(basename dirname);
use IPC::Run qw(start finish);
use PgMigrate::Test;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $tools = abs_path(dirname(__FILE__) . '/../../tools');
my $man = abs_path(dirname(__FILE__) . '/../../man');
my $node = new_node('scripts', 'max_connections = 30');
my $root = PostgreSQL::Test::Utils::tempdir();

local $ENV{PGHOST} = $node->host;
local $ENV{PGPORT} = $node->port;
delete $ENV{PGDATABASE};

sub file
{
	my ($name, $contents) = @_;
	my $path = '';

	$path .= "/$1", mkdir "$root$path" while $name =~ m{\G([^/]+)/}gc;
	open my $fh, '>:raw', "$root/$name" or die "$name: $!";
	print $fh $contents;
	close $fh;
	return;
}

# A file of our own format.
sub revision_file
{
	my ($folder, $id, $parent, $up, $down) = @_;

	return file("$folder/$id.sql",
		"-- pgmigrate: revision\n-- id: $id\n-- message: message of $id\n"
		  . "-- down_revision: $parent\n\n-- migrate:up\n$up\n"
		  . "\n-- migrate:down\n$down\n");
}

sub database
{
	my ($name) = @_;

	query($node, "CREATE DATABASE $name");
	query($node, 'CREATE EXTENSION pgmigrate', $name);
	return;
}

# Run a script: its exit status, output and messages.
sub run_script
{
	my ($name, @arguments) = @_;
	my ($out, $err) = ('', '');

	IPC::Run::run([ "$tools/pgmigrate-$name", @arguments ],
		'<', \undef, '>', \$out, '2>', \$err);
	return ($? >> 8, $out, $err);
}

# A test: status, output as a whole and a pattern of the messages.
sub script_is
{
	my ($arguments, $status, $output, $messages, $name) = @_;
	my ($rc, $out, $err) = run_script(@$arguments);

	is($rc, $status, "$name: exit status") or diag($err);
	is($out, $output, "$name: output");
	like($err, $messages, "$name: messages");
	return;
}

my $quiet = qr/^(?:NOTICE: .*\n)*$/;
database($_) foreach qw(shop feature job pods);
query($node, "ALTER DATABASE $_ SET client_min_messages = warning") foreach qw(shop feature job pods);

# every option is in the help and in the manual page
foreach my $script (glob "$tools/pgmigrate-*")
{
	my $name = basename($script) =~ s/^pgmigrate-//r;
	my ($rc, $help) = run_script($name, '--help');
	my $page = slurp_file("$man/pgmigrate-$name.1") =~ s/\\-/-/gr;
	my %in_help = map { $_ => 1 } $help =~ /^ {2}(?:-\w, |    )(--[a-z-]+)/mg;
	my %in_page = map { $_ => 1 } $page =~ /^\.B.*?(--[a-z-]+)[ "\n]/mg;
	my %in_code = map { $_ => 1 } map { /--[a-z-]+/g } slurp_file($script) =~ /^\t\t(-[^)\n]*)\)/mg;

	is($rc, 0, "$name: help");
	delete $in_page{'--check'} if $name ne 'load' && !$in_help{'--check'};
	is_deeply([ sort keys %in_page ], [ sort keys %in_help ],
		"$name: the manual page has the options of the help");
	is_deeply([ sort keys %in_code ], [ sort keys %in_help ],
		"$name: and so has the script");
	($rc) = run_script($name, '--no-such-option', 'x');
	is($rc, $name eq 'script' ? 1 : 2, "$name: an option that is none");
}

# pgmigrate-new: a file with id and parents
my $folder = "$root/new files";
my ($rc, $first) = run_script('new', 'Add "users" \ a table', $folder);
like($first, qr{^\Q$folder\E/[0-9a-f]{12}_add_users_a_table\.sql\n$}, 'new: the first file');
like(slurp_file($first =~ s/\n//r), qr/^-- message: Add "users" \\\\ a table\n-- down_revision: base\n/m,
	'new: stands on nothing');
my ($first_id) = $first =~ /([0-9a-f]{12})_/;
($rc, my $second) = run_script('new', '--id', 'two', 'second', $folder);
like(slurp_file($second =~ s/\n//r), qr/^-- id: two\n-- message: second\n-- down_revision: $first_id\n/m,
	'new: the second on the first');
run_script('new', '-p', $first_id, '--label', 'side', '--id', 'three', 'third', $folder);
my ($status, $out, $err) = run_script('new', 'fourth', $folder);
is($status, 1, 'new: two heads');
like($err, qr/has 2 heads: three two; name one/, 'new: are named');
($status, $out) = run_script('new', '--merge', '--id', 'joined', 'join them', $folder);
script_is([ 'load', $folder, 'shop' ], 0,
	"added $first_id ${first_id}_add_users_a_table.sql\nadded three three_third.sql\nadded two two_second.sql\nadded joined joined_join_them.sql\nhead joined\n",
	$quiet, 'what it writes is loaded');
is(query($node, "SELECT message FROM pgmigrate.show('$first_id')", 'shop'),
	'Add "users" \ a table', 'with its message');
is(query($node, "SELECT array_to_string(down_revision, ',') FROM pgmigrate.show('joined')", 'shop'),
	'three,two', 'and its parents');
query($node, 'DROP DATABASE shop');
database('shop');
query($node, 'ALTER DATABASE shop SET client_min_messages = warning');

# load: a pending file that changed is no longer run as it was
revision_file('git', 'd1', 'base', 'CREATE TABLE d (i int);', 'DROP TABLE d;');
revision_file('git', 'd2', 'd1', 'ALTER TABLE d ADD zip text;', 'ALTER TABLE d DROP zip;');
script_is([ 'load', '--check', "$root/git", 'shop' ], 0,
	"added d1 d1.sql\nadded d2 d2.sql\nhead d2\n", $quiet, 'check of a new folder');
is(query($node, 'SELECT count(*) FROM pgmigrate.revision', 'shop'), '0', 'stores nothing');
script_is([ 'load', "$root/git", 'shop' ], 0,
	"added d1 d1.sql\nadded d2 d2.sql\nhead d2\n", $quiet, 'load');
revision_file('git', 'd2', 'd1', 'ALTER TABLE d ADD zip varchar(10);', 'ALTER TABLE d DROP zip;');
revision_file('git', 'd3', 'd2', 'SELECT 3;', 'SELECT 3;');
script_is([ 'load', '--upgrade', "$root/git", 'shop' ], 1,
	"unchanged d1 d1.sql\ndiffers d2 d2.sql\nadded d3 d3.sql\nhead d3\n",
	qr/revisions that differ: 1; nothing was stored/, 'a file that differs');
is(query($node, "SELECT count(*) FROM pgmigrate.revision WHERE id = 'd3'", 'shop'), '0',
	'nothing is stored beside it');
is(query($node, 'SELECT count(*) FROM pgmigrate.current()', 'shop'), '0', 'nor applied');
script_is([ 'load', '--check', "$root/git", 'shop' ], 1,
	"unchanged d1 d1.sql\ndiffers d2 d2.sql\nadded d3 d3.sql\nhead d3\n",
	qr/revisions that differ: 1$/, 'and a check fails');
script_is([ 'load', '--amend', '--upgrade', "$root/git", 'shop' ], 0,
	"unchanged d1 d1.sql\namended d2 d2.sql\nadded d3 d3.sql\nhead d3\ndone d1 message of d1\ndone d2 message of d2\ndone d3 message of d3\n",
	$quiet, 'amend takes it over');
is(query($node, "SELECT format_type(atttypid, atttypmod) FROM pg_attribute WHERE attrelid = 'd'::regclass AND attname = 'zip'", 'shop'),
	'character varying(10)', 'and that is what runs');
revision_file('git', 'd2', 'd1', 'ALTER TABLE d ADD zip text;', 'ALTER TABLE d DROP zip;');
script_is([ 'load', '--amend', "$root/git", 'shop' ], 1,
	"unchanged d1 d1.sql\ndiffers d2 d2.sql\nunchanged d3 d3.sql\nhead d3\n",
	qr/differ: 1/, 'but not what is applied');
revision_file('git', 'd2', 'd1', 'ALTER TABLE d ADD zip varchar(10);', 'ALTER TABLE d DROP zip;');

# the head of the folder is not that of the database
script_is([ 'load', "$root/git", 'feature' ], 0,
	"added d1 d1.sql\nadded d2 d2.sql\nadded d3 d3.sql\nhead d3\n", $quiet, 'main');
revision_file('branch', $_->[0], $_->[1], 'SELECT 1;', 'SELECT 1;') foreach [ 'd3', 'd2' ], [ 'f1', 'd3' ];
system('cp', "$root/git/$_.sql", "$root/branch/$_.sql") foreach qw(d1 d2 d3);
script_is([ 'load', "$root/branch", 'feature' ], 0,
	"unchanged d1 d1.sql\nunchanged d2 d2.sql\nunchanged d3 d3.sql\nadded f1 f1.sql\nhead f1\n",
	$quiet, 'a branch');
script_is([ 'load', '--upgrade', "$root/git", 'feature' ], 0,
	"unchanged d1 d1.sql\nunchanged d2 d2.sql\nunchanged d3 d3.sql\nmissing f1 f1.sql\nhead d3\ndone d1 message of d1\ndone d2 message of d2\ndone d3 message of d3\n",
	$quiet, 'main again');
is(query($node, 'SELECT revision FROM pgmigrate.current()', 'feature'), 'd3',
	'does not run what the branch has left');
script_is([ 'load', '--check', "$root/git", 'feature' ], 1,
	"unchanged d1 d1.sql\nunchanged d2 d2.sql\nunchanged d3 d3.sql\nmissing f1 f1.sql\nhead d3\n",
	qr/revisions without a file: 1/, 'a check tells the file that is gone');
script_is([ 'load', '--check', '--part', "$root/git", 'feature' ], 0,
	"unchanged d1 d1.sql\nunchanged d2 d2.sql\nunchanged d3 d3.sql\nhead d3\n",
	$quiet, 'unless it is a part');
revision_file('branch', 'f2', 'd3', 'SELECT 1;', 'SELECT 1;');
script_is([ 'load', '--upgrade', "$root/branch", 'feature' ], 1,
	"unchanged d1 d1.sql\nunchanged d2 d2.sql\nunchanged d3 d3.sql\nunchanged f1 f1.sql\nadded f2 f2.sql\nhead f1\nhead f2\n",
	qr/the folder has several heads: f1 f2/, 'two heads');

# line ends of the machine are no difference, nor is an adopted revision gone
system('cp', '-r', "$root/git", "$root/crlf");
foreach my $name (glob "$root/crlf/*.sql")
{
	my $text = slurp_file($name);
	$text =~ s/\r?\n/\r\n/g;
	file('crlf/' . basename($name), $text =~ s/\s+$//r);
}
script_is([ 'load', '--check', "$root/crlf", 'shop' ], 0,
	"unchanged d1 d1.sql\nunchanged d2 d2.sql\nunchanged d3 d3.sql\nhead d3\n",
	$quiet, 'line ends');

# repeatable files: older texts of one are not gone
file('flyway/V1__a.sql', "CREATE TABLE f (i int);\n");
file('flyway/R__v.sql', "SELECT 1;\n");
run_script('load', "$root/flyway", 'job');
file('flyway/R__v.sql', "SELECT 2;\n");
($rc, $out) = run_script('load', "$root/flyway", 'job');
is($rc, 0, 'a repeatable file that changed');
unlike($out, qr/missing/, 'is not missing');
query($node, 'DELETE FROM pgmigrate.revision', 'job');

# the job: main is applied, the files of the branch are checked
query($node, 'ALTER DATABASE job SET pgmigrate.danger_block = 0', 'job');
query($node, 'CREATE TABLE big (i int); INSERT INTO big VALUES (1)', 'job');
revision_file('job', 'j1', 'base', 'ALTER TABLE big ALTER i TYPE bigint;', 'SELECT 1;');
script_is([ 'load', '--check', "$root/job", 'job' ], 1,
	"added j1 j1.sql\nhead j1\ndanger j1 statement 1: type-change-rewrite: changing the type of i rewrites public.big and all its indexes\n",
	qr/findings: 1$/, 'findings');
script_is([ 'load', '--check', '--fail-on', 'none', "$root/job", 'job' ], 0,
	"added j1 j1.sql\nhead j1\n", $quiet, 'that nobody asks for');
revision_file('job', 'j1', 'base', 'ALTER TABLE big RENAME TO large;', 'SELECT 1;');
($rc, $out) = run_script('load', '--check', '--fail-on', 'danger', "$root/job", 'job');
is($rc, 0, 'a warning is no danger');
($rc, $out) = run_script('load', '--check', "$root/job", 'job');
is($rc, 1, 'but fails by default');
revision_file('job', 'j1', 'base', "SELECT 1;\nSELEKT;", 'SELECT 1;');
script_is([ 'load', '--check', "$root/job", 'job' ], 1, '',
	qr/line 8 of file "j1.sql"/, 'what cannot be parsed');
is(query($node, 'SELECT count(*) FROM pgmigrate.revision', 'job'), '0', 'nothing is stored');

# files that are not as they should be: the file, and why
file('bad/1_a.up.sql', "SELECT 1;\nSELECT '\0';\n");
script_is([ 'load', "$root/bad", 'job' ], 1, '',
	qr/"1_a\.up\.sql" has a zero byte in line 2/, 'a zero byte');
file('bad/1_a.up.sql', "SELECT 1;\nSELECT '\xe9t\xe9';\n");
script_is([ 'load', "$root/bad", 'job' ], 1, '',
	qr/"1_a\.up\.sql" is not in UTF-8, see line 2/, 'Latin-1');
file('bad/1_a.up.sql', "\xff\xfeS\0");
script_is([ 'load', "$root/bad", 'job' ], 1, '', qr/"1_a\.up\.sql".*UTF-16/, 'UTF-16');
file('bad/1_a.up.sql', "SELECT '\xc3\xa9\xe2\x82\xac\xf0\x9f\x90\x98';\n");
file('bad/seed.py', '');
script_is([ 'load', "$root/bad", 'job' ], 0, "added 1 1_a.up.sql\nhead 1\n",
	qr/"seed\.py" is passed over/, 'UTF-8, and a program beside it');
file("odd/7_a\n\e[2J.up.sql", "SELECT FROM \"no\e[2J\";\n");
file("odd/b\e[2J.py", '');
script_is([ 'load', '--part', "$root/odd", 'job' ], 0, "added 7 7_a \\x1b[2J.up.sql\nhead 7\n",
	qr/"b\?\[2J\.py" is passed over/, 'names of files are written out');
($rc, $out) = run_script('load', '--part', '--check', "$root/odd", 'job');
like($out, qr/^danger 7 statement 1: trial-fails: .*"no\\x1b\[2J" does not exist$/m, 'and so are those in findings');
mkdir "$root/empty";
script_is([ 'load', "$root/empty", 'job' ], 1, '', qr/has no migration files/, 'an empty folder');
file('versions/ab_x.py', '');
script_is([ 'load', "$root/versions", 'job' ], 1, '',
	qr/Python, such as "ab_x\.py": pgmigrate-alembic/, 'the folder of Alembic');
script_is([ 'load', "$root/git", 'no_such_database' ], 2, '', qr/does not exist/, 'no database');

# as a ConfigMap of Kubernetes: links to links
mkdir "$root/map";
system('cp', '-r', "$root/git", "$root/map/..2026");
symlink '..2026', "$root/map/..data" or die;
symlink "..data/$_.sql", "$root/map/$_.sql" or die foreach qw(d1 d2 d3);

# three replicas begin at once: one works, the others find it done
query($node, 'CREATE TABLE gate (i int)', 'pods');
my $blocker = $node->background_psql('pods');
$blocker->query_safe('BEGIN; LOCK TABLE gate IN ACCESS SHARE MODE');
system('cp', '-r', "$root/git", "$root/pods");
revision_file('pods', 'd4', 'd3', 'ALTER TABLE gate ADD j int;', 'SELECT 1;');
my @pods = map {
	my $pod = { out => '', err => '' };
	$pod->{run} = start([ "$tools/pgmigrate-load", '--upgrade', "$root/pods", 'pods' ],
		'<', \undef, '>', \$pod->{out}, '2>', \$pod->{err});
	$pod;
} 1 .. 3;
poll($node, "SELECT count(*) > 0 FROM pgmigrate.runs WHERE state = 'running'", 'pods');
wait_until('two wait', sub {
	$_->{run}->pump_nb foreach @pods;
	return query($node, "SELECT count(*) = 3 FROM pg_stat_activity WHERE query ~ 'pgmigrate.upgrade' AND backend_type = 'client backend' AND pid <> pg_backend_pid()", 'pods') eq 't';
});
$blocker->query_safe('COMMIT');
$blocker->quit;
finish($_->{run}) foreach @pods;
is(scalar(grep { $_->{err} =~ /PM003/ } @pods), 0, 'none is refused');
is(join(' ', map { $_->{run}->full_result(0) } @pods), '0 0 0', 'three replicas succeed');
is(scalar(grep { $_->{out} =~ /^added d1/m } @pods), 1, 'one has loaded');
is(scalar(grep { $_->{out} =~ /^done d4/m } @pods), 1, 'one has upgraded');
script_is([ 'load', "$root/map", 'pods' ], 0,
	"unchanged d1 d1.sql\nunchanged d2 d2.sql\nunchanged d3 d3.sql\nmissing d4 d4.sql\nhead d3\n",
	$quiet, 'links are followed');

$blocker = $node->background_psql('pods');
$blocker->query_safe('BEGIN; LOCK TABLE gate IN ACCESS SHARE MODE');
revision_file('pods', 'd5', 'd4', 'ALTER TABLE gate ADD k int;', 'SELECT 1;');
my $first_pod = start([ "$tools/pgmigrate-load", '--upgrade', "$root/pods", 'pods' ],
	'<', \undef, '>', \my $first_out, '2>', \my $first_err);
poll($node, "SELECT count(*) > 0 FROM pgmigrate.runs WHERE state = 'running'", 'pods');
script_is([ 'load', '--upgrade', '--wait', '100 ms', "$root/pods", 'pods' ], 1,
	"unchanged d1 d1.sql\nunchanged d2 d2.sql\nunchanged d3 d3.sql\nunchanged d4 d4.sql\nunchanged d5 d5.sql\nhead d5\n",
	qr/ERROR: /, 'one that does not want to wait');
$blocker->query_safe('COMMIT');
$blocker->quit;
finish($first_pod);
is($first_pod->full_result(0), 0, 'leaves the other alone');

# script: the preview as a file, which runs
revision_file('git', 'd4', 'd3', 'CREATE TABLE d4 ();', 'DROP TABLE d4;');
run_script('load', "$root/git", 'shop');
script_is([ 'script', '-o', "$root/release.sql", 'head', '-d', 'shop' ], 0, '', $quiet, 'script');
unlike(slurp_file("$root/release.sql"), qr/row\)|^ *script/m, 'nothing of psql is around it');
$node->command_ok([ 'psql', '-X', '-q', '-v', 'ON_ERROR_STOP=1', '-d', 'shop', '-f', "$root/release.sql" ],
	'and it runs');
is(query($node, 'SELECT revision FROM pgmigrate.current()', 'shop'), 'd4', 'to the head');
($rc, $out) = run_script('script', '--downgrade', 'd4:d3', 'shop');
like($out, qr/DROP TABLE d4;/, 'the way down');
unlink "$root/release.sql";
($rc) = run_script('script', '-o', "$root/release.sql", 'nowhere', 'shop');
is($rc, 1, 'no such target');
ok(!-e "$root/release.sql", 'and no half file');

# export: what is there keeps its name
system('cp', '-r', "$root/git", "$root/back");
rename "$root/back/d2.sql", "$root/back/zip code.sql";
unlink "$root/back/d3.sql";
my $before = (stat "$root/back/d1.sql")[9];
utime $before - 100, $before - 100, "$root/back/d1.sql";
script_is([ 'export', "$root/back", 'shop' ], 0,
	"d1.sql\nzip code.sql\nd3_message_of_d3.sql\nd4.sql\n", $quiet, 'export');
is((stat "$root/back/d1.sql")[9], $before - 100, 'a file that says the same is not written');
script_is([ 'load', '--check', "$root/back", 'shop' ], 0,
	"unchanged d1 d1.sql\nunchanged d2 zip code.sql\nunchanged d3 d3_message_of_d3.sql\nunchanged d4 d4.sql\nhead d4\n",
	$quiet, 'and it is the same');

# what failed is told from the log of a TAP test, with and without times
sub points
{
	my ($time, @lines) = @_;
	my $log = join '', map { /^\+/ ? substr($_, 1) . "\n" : "$time$_\n" } @lines;

	file('logs/regress_log_a', $log);
	file('logs/regress_log_b', "${time}ok 1 - fine\n${time}1..1\n");
	return scalar qx('$tools/tap-logs.sh' '$root/logs' points);
}
my @failed = (
	'ok 1 - first', 'not ok 2 - the ledger', '', q{#   Failed test 'the ledger'},
	q{+#          got: 'fault one}, q{+# fault two'}, q{+#     expected: ''});
my $told = "# what failed in a:\nnot ok 2 - the ledger\n#   Failed test 'the ledger'\n"
  . "#          got: 'fault one\n# fault two'\n#     expected: ''\n";
foreach my $time ('', '[13:50:44.042](0.001s) ')
{
	is(points($time, @failed, 'ok 3 - third', '# running', '1..3'), $told,
		"tap-logs: the point and what was got, after '$time'");
	is(points($time, @failed, 'ok 3 - third', 'could not connect'),
		"$told# it died: #     expected: ''\n# it died: ok 3 - third\n# it died: could not connect\n",
		'tap-logs: the last words of a file without a plan');
}
is(points('', 'not ok 1 - x', ("+# more") x 100, '1..1'),
	join("\n", '# what failed in a:', 'not ok 1 - x', ('# more') x 12, ''),
	'tap-logs: in a few lines');

log_is_clean($node);
done_testing();

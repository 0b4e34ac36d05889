
# Copyright (c) 2026, pgmigrate developers

# Histories in the layout of each tool: loaded from a folder, applied, taken
# back and applied again; and folders that are not as they should be.

use strict;
use warnings;

use PgMigrate::Test;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(time);

my $revisions = 300;
my $node = new_node('load', 'max_connections = 20');
my $root = PostgreSQL::Test::Utils::tempdir();

# Write a file of a folder below the root; folders are made.
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

# The SQL of revision n: up, down, must it run alone?
sub statements
{
	my ($i) = @_;


	return (
		"CREATE INDEX CONCURRENTLY idx_$i ON t_1 (i);\n",
		"DROP INDEX idx_$i;\n", 1) if $i % 50 == 0;
	return (
		"CREATE FUNCTION f_$i() RETURNS text LANGUAGE plpgsql AS \$body\$\nBEGIN\n\tRETURN 'a; -- b';\nEND;\n\$body\$;\n",
		"DROP FUNCTION f_$i();\n", 0) if $i % 7 == 0;
	return (
		"CREATE TABLE t_$i (i int PRIMARY KEY, t text DEFAULT 'it''s; \$\$');\nINSERT INTO t_$i VALUES ($i, E'a\\tb');\nCOMMENT ON TABLE t_$i IS 'number $i';\n",
		"DROP TABLE t_$i;\n", 0);
}

sub fingerprint
{
	my ($database) = @_;

	return query($node, "SELECT pgmigrate.fingerprint('{public}')", $database);
}

# Write all revisions of a format: a sub gets number, up, down, alone.
sub history
{
	my ($write) = @_;

	$write->($_, statements($_)) foreach 1 .. $revisions;
	return;
}

sub round_trip
{
	my ($folder, $format, $head) = @_;
	(my $database = $folder) =~ s/\W/_/g;
	my ($before, $after);

	query($node, "CREATE DATABASE $database");
	query($node, 'CREATE EXTENSION pgmigrate', $database);
	is(query($node, "SELECT action, count(*) FROM pgmigrate.load_directory('$root/$folder') WHERE action <> 'skipped' GROUP BY 1", $database),
		"added|$revisions", "$format: all are added");
	is(query($node, "SELECT action, count(*) FROM pgmigrate.load_directory('$root/$folder', '$format') WHERE action <> 'skipped' GROUP BY 1", $database),
		"unchanged|$revisions", "$format: a second time none");
	is(query($node, 'SELECT revision FROM pgmigrate.heads()', $database),
		$head, "$format: the last one is the head") if defined $head;

	$before = fingerprint($database);
	query($node, 'SELECT count(*) FROM pgmigrate.upgrade()', $database);
	$after = fingerprint($database);
	is(query($node, "SELECT count(*) FROM pg_class WHERE relname ~ '^t_[0-9]+\$' AND relkind = 'r'", $database),
		scalar(grep { $_ % 50 && $_ % 7 } 1 .. $revisions),
		"$format: applied");
	query($node, "SELECT count(*) FROM pgmigrate.downgrade('base')", $database);
	is(fingerprint($database), $before, "$format: taken back");
	query($node, 'SELECT count(*) FROM pgmigrate.upgrade()', $database);
	is(fingerprint($database), $after, "$format: the same again");

	# what is exported does the same in another database
	query($node, "CREATE DATABASE ${database}_2");
	query($node, 'CREATE EXTENSION pgmigrate', "${database}_2");
	query($node, "COPY (SELECT * FROM pgmigrate.export()) TO '$root/$database.copy'", $database);
	query($node, "CREATE TEMP TABLE e (n text, c text); COPY e FROM '$root/$database.copy'; SELECT count(*) FROM pgmigrate.load_files((SELECT array_agg(n) FROM e), (SELECT array_agg(c) FROM e)); COPY (SELECT * FROM pgmigrate.export()) TO '$root/$database.again'", "${database}_2");
	is(slurp_file("$root/$database.again"), slurp_file("$root/$database.copy"),
		"$format: exported, loaded and exported it is the same");
	query($node, "DROP DATABASE $_") foreach $database, "${database}_2";
	return;
}

# golang-migrate
history(sub {
	my ($i, $up, $down) = @_;
	my $name = sprintf 'golang/%06d_step_%d', $i, $i;
	file("$name.up.sql", $i % 3 == 1 && $i % 50 ? "BEGIN;\n${up}COMMIT;\n" : $up);
	file("$name.down.sql", $i % 3 == 1 ? "BEGIN;\r\n${down}COMMIT;\r\n" : $down);
});
file('golang/README.md', 'not a migration');
file('golang/.git/0001_x.up.sql', 'not looked at');
round_trip('golang', 'golang-migrate', sprintf '%06d', $revisions);

# Diesel
history(sub {
	my ($i, $up, $down, $alone) = @_;
	my $name = sprintf 'diesel/2020-01-01-%06d_step', $i;
	file("$name/up.sql", $up);
	file("$name/down.sql", $down);
	file("$name/metadata.toml", "run_in_transaction = false\n") if $alone;
});
round_trip('diesel', 'diesel', sprintf '20200101%06d', $revisions);

# dbmate
history(sub {
	my ($i, $up, $down, $alone) = @_;
	file(sprintf('dbmate/20200101%06d_step.sql', $i),
		"\xef\xbb\xbf-- migrate:up" . ($alone ? ' transaction:false' : '')
		  . "\n$up\n-- migrate:down\n$down");
});
round_trip('dbmate', 'dbmate', sprintf '20200101%06d', $revisions);

# goose
history(sub {
	my ($i, $up, $down, $alone) = @_;
	my $block = $up =~ /FUNCTION/;
	file(sprintf('goose/%05d_step.sql', $i),
		($alone ? "-- +goose NO TRANSACTION\n" : '') . "-- +goose Up\n"
		  . ($block ? "-- +goose StatementBegin\n" : '') . $up
		  . ($block ? "-- +goose StatementEnd\n" : '')
		  . "\n-- +goose Down\n$down");
});
round_trip('goose', 'goose', sprintf '%05d', $revisions);

# Flyway
history(sub {
	my ($i, $up, $down, $alone) = @_;
	file("flyway/V${i}__step_$i.sql", $up);
	file("flyway/undo/U${i}__step_$i.sql", $down);
	file("flyway/V${i}__step_$i.sql.conf", "executeInTransaction=false\n") if $alone;
});
round_trip('flyway', 'flyway', $revisions);

# Sqitch
my $plan = "%syntax-version=1.0.0\n%project=test\n\n";
history(sub {
	my ($i, $up, $down, $alone) = @_;
	my $requires = $i % 9 == 0 ? ' [step' . ($i - 3) . ']' : '';
	$plan .= "step$i$requires 2020-01-01T00:00:00Z A <a\@b.c> # step $i\n";
	$plan .= "\@v$i 2020-01-01T00:00:00Z A <a\@b.c> # tag\n" if $i % 100 == 0;
	my ($begin, $commit) = $alone ? ('', '') : ("BEGIN;\n\n", "\nCOMMIT;\n");
	file("sqitch/deploy/step$i.sql", "-- Deploy step$i\n\n$begin$up$commit");
	file("sqitch/revert/step$i.sql", "-- Revert step$i\n\nBEGIN;\n\n$down\nCOMMIT;\n");
	file("sqitch/verify/step$i.sql", "BEGIN;\n\nSELECT i, t FROM t_$i WHERE false;\n\nROLLBACK;\n") if $i % 50 && $i % 7;
});
file('sqitch/sqitch.plan', $plan);
file('sqitch/sqitch.conf', "[core]\n\tengine = pg\n");
round_trip('sqitch', 'sqitch', "step$revisions");

# alembic upgrade --sql, and downgrade
my ($up_sql, $down_sql) = ("BEGIN;\n\nCREATE TABLE alembic_version (\n    version_num VARCHAR(32) NOT NULL, \n    CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num)\n);\n\n", '');
history(sub {
	my ($i, $up, $down) = @_;
	my ($id, $last) = map { sprintf 'a%011d', $_ } $i, $i - 1;
	$up =~ s/CONCURRENTLY //;
	$up_sql .= $i == 1
	  ? "-- Running upgrade  -> $id\n\n$up\nINSERT INTO alembic_version (version_num) VALUES ('$id') RETURNING alembic_version.version_num;\n\n"
	  : "-- Running upgrade $last -> $id\n\n$up\nUPDATE alembic_version SET version_num='$id' WHERE alembic_version.version_num = '$last';\n\n";
	$down_sql = ($i == 1
		? "-- Running downgrade $id -> \n\n$down\nDELETE FROM alembic_version WHERE alembic_version.version_num = '$id';\n\n"
		: "-- Running downgrade $id -> $last\n\n$down\nUPDATE alembic_version SET version_num='$last' WHERE alembic_version.version_num = '$id';\n\n") . $down_sql;
});
file('alembic/up.sql', "${up_sql}COMMIT;\n");
file('alembic/down.sql', "BEGIN;\n\n${down_sql}DROP TABLE alembic_version;\n\nCOMMIT;\n");
round_trip('alembic', 'alembic', sprintf 'a%011d', $revisions);

# A folder that is not as it should be: one error, with file and line, and
# nothing half loaded.
sub refuses
{
	my ($folder, $pattern, $name, $options) = @_;
	my $messages = '';

	$node->psql('postgres', ($options // '') . "SELECT * FROM pgmigrate.load_directory('$root/$folder')",
		stderr => \$messages, on_error_stop => 0);
	like($messages, $pattern, $name);
	is(query($node, 'SELECT count(*) FROM pgmigrate.revision'),
		0, "$name: nothing is loaded");
	return;
}

file("bad_$_/1_good.up.sql", "SELECT 1;\n") foreach qw(utf8 zero pair twice syntax link big meta open deep);
file('bad_utf8/2_b.up.sql', "SELECT 1;\n-- caf\xe9\nSELECT 2;\n");
refuses('bad_utf8', qr/file "2_b.up.sql" has bytes that are not valid in encoding "UTF8".*line 2 of file/s, 'not UTF-8');
file('bad_zero/2_b.up.sql', "SELECT 1;\n\0\n");
refuses('bad_zero', qr/zero byte.*line 2 of file "2_b.up.sql"/s, 'a zero byte');
file('bad_pair/2_b.down.sql', "SELECT 1;\n");
refuses('bad_pair', qr/way down but none up.*file "2_b.down.sql"/s, 'a missing pair');
file('bad_twice/01_b.up.sql', "SELECT 1;\n");
refuses('bad_twice', qr/version ".*1" is given twice.*file "/s, 'a duplicate version');
file('bad_syntax/2_b.up.sql', "SELECT 1;\n\nCREATE TABEL x ();\n");
refuses('bad_syntax', qr/syntax error at or near "TABEL".*line 3 of file "2_b.up.sql"/s, 'a syntax error');
file('bad_meta/2_b.up.sql', "SELECT 1;\n\\i other.sql\n");
refuses('bad_meta', qr/psql command "\\i" is not supported.*line 2 of file "2_b.up.sql"/s, 'a command of psql');
file('outside.sql', "SELECT 1;\n");
symlink "$root/outside.sql", "$root/bad_link/2_b.up.sql" or die;
refuses('bad_link', qr/symbolic link "2_b.up.sql" leads out of the folder.*HINT:  Put a copy/s, 'a link that leads out');
file('bad_empty/notes.txt', 'SELECT 1');
refuses('bad_empty', qr/no migration file was found\nHINT:  .*\nCONTEXT:  folder "[^"]*bad_empty"/, 'a folder without files');
file('bad_big/2_b.up.sql', '-- ' . 'x' x 200_000 . "\nSELECT 1;\n");
refuses('bad_big', qr/file "2_b.up.sql" is too large/, 'a large file', 'SET pgmigrate.max_file_size = 100;');
open my $huge, '>', "$root/bad_big/2_b.up.sql" or die;
truncate $huge, 100 * 1024 * 1024 or die;
close $huge;
my $began = time;
refuses('bad_big', qr/file "2_b.up.sql" is too large/, 'a file of 100 MB');
cmp_ok(time - $began, '<', 10, 'at once');
symlink '.', "$root/bad_deep/again" or die;
refuses('bad_deep', qr/is nested too deep/, 'a loop of links');
file('bad_cycle/sqitch.plan', "%syntax-version=1.0.0\n%project=test\n\na [b] 2020-01-01T00:00:00Z A <a\@b.c> # a\nb [a] 2020-01-01T00:00:00Z A <a\@b.c> # b\n");
file("bad_cycle/deploy/$_.sql", "SELECT 1;\n"), file("bad_cycle/revert/$_.sql", "SELECT 1;\n") foreach qw(a b);
refuses('bad_cycle', qr/ERROR:.*line 4 of file "sqitch.plan"/s, 'a cycle in a plan');
refuses('nowhere', qr/could not open "[^"]*nowhere": No such file/, 'no folder');
refuses('outside.sql', qr/is not a folder/, 'a file');
SKIP:
{
	skip 'root reads every file', 2 if $> == 0;
	file('bad_open/2_b.up.sql', "SELECT 1;\n");
	chmod 0, "$root/bad_open/2_b.up.sql";
	refuses('bad_open', qr/could not open file "2_b.up.sql": Permission denied/, 'an unreadable file');
}

# a version that is not there may be on its way
file("gap/${_}_step.up.sql", "SELECT $_;\n"), file("gap/${_}_step.down.sql", "SELECT -$_;\n") foreach 1, 2, 4;
like(notices($node, "BEGIN; SELECT pgmigrate.load_directory('$root/gap'); ROLLBACK"),
	qr/no version between 2 and 4 was found.*4_step.up.sql/s, 'a gap is told');

# a link that stays inside is followed
file('good_link/1_a.up.sql', "SELECT 1;\n");
symlink '1_a.up.sql', "$root/good_link/2_b.up.sql" or die;
is(query($node, "SELECT count(*) FROM pgmigrate.load_directory('$root/good_link') WHERE action = 'added'"),
	2, 'a link inside the folder is followed');
query($node, 'DELETE FROM pgmigrate.revision');

# 10,000 files; what a loaded machine does to a tenth of them it does to all
sub steps
{
	my ($folder, $n) = @_;

	file(sprintf("$folder/2020%06d_step.sql", $_), "-- migrate:up\nSELECT $_;\n-- migrate:down\nSELECT -$_;\n") foreach 1 .. $n;
	return;
}
steps('few', 1000);
steps('many', 10000);
my $start = time;
$node->psql('postgres', "BEGIN; SELECT count(*) FROM pgmigrate.load_directory('$root/few'); ROLLBACK");
my $tenth = time - $start;
$start = time;
is(query($node, "SELECT action, count(*) FROM pgmigrate.load_directory('$root/many') GROUP BY 1"),
	'added|10000', '10,000 files');
my $seconds = time - $start;
cmp_ok($seconds, '<', 40 * $tenth, 'do not take longer each the more there are');
note sprintf '10,000 files: %.1f s, 1,000: %.1f s', $seconds, $tenth;

$node->psql('postgres', "BEGIN; SELECT count(*) FROM pgmigrate.load_directory('$root/golang'); ROLLBACK");
is(query($node, "SELECT count(*) FROM pgmigrate.revision WHERE id = '000001'"),
	0, 'a load can be rolled back');

$node->stop;
done_testing();


# Copyright (c) 2026, pgmigrate developers

# Backup verified: the item of the checklist with a server that archives, or
# fails to, and the recipes of doc/launch.md with tools that print what the
# real ones do.

use strict;
use warnings;

use Cwd qw(abs_path);
use File::Basename qw(dirname);
use IPC::Run;
use PgMigrate::Test;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $top = abs_path(dirname(__FILE__) . '/../..');
my $doc = slurp_file("$top/doc/launch.md");
my %section = $doc =~ /^##+ (.*)\n((?:(?!^##).*\n)*)/mg;
my $root = PostgreSQL::Test::Utils::tempdir();
my $node = new_node('backup', 'archive_mode = on', "archive_command = 'false'");
my $state = q{SELECT state FROM pgmigrate.checklist() WHERE item = 'backup'};

local $ENV{PGHOST} = $node->host;
local $ENV{PGPORT} = $node->port;
local $ENV{PGDATABASE} = 'postgres';
local $ENV{PATH} = "$root:$ENV{PATH}";

sub block
{
	my ($name, $kind) = @_;
	my @blocks = $section{$name} =~ /^```$kind\n(.*?)^```$/msg;

	return $blocks[-1] // die "no $kind in $name";
}

# The recipe of a tool that prints this; what is in the table then.
sub recipe
{
	my ($name, $tool, $json) = @_;

	open my $fh, '>', "$root/$tool" or die "$tool: $!";
	print $fh "#!/bin/sh\ncat <<'END'\n$json\nEND\n";
	close $fh;
	chmod 0755, "$root/$tool";
	query($node, 'DELETE FROM ops.backup');
	for (1, 2)
	{
		my $out = '';

		IPC::Run::run([ 'sh', '-e', '-c', block($name, 'sh') ], '<', \undef, '>&', \$out)
		  or diag $out;
	}
	return query($node,
		q{SELECT string_agg(label || '=' || extract(epoch FROM finished)::bigint, ' ' ORDER BY label) FROM ops.backup});
}

# ---- archiving fails, though there is a backup; then it works

query($node, q{ALTER DATABASE postgres SET pgmigrate.backup_query = 'SELECT now()'});
query($node, 'SELECT pg_switch_wal()');
poll($node, "SELECT ($state) = 'failed'");
is(query($node, q{SELECT detail FROM pgmigrate.checklist() WHERE item = 'backup'}),
	'archiving of WAL has failed since its last success', 'a backup without its WAL is none');
$node->append_conf('postgresql.conf', "archive_command = 'true'");
$node->reload;
poll($node, "SELECT ($state) = 'ok'");
pass('archiving and the query are both asked');

# ---- recipes

query($node, block('Backups', 'sql'));
is(recipe('pgBackRest', 'pgbackrest', <<'JSON'), '20261101-010000F=1793494900', 'pgBackRest');
[{"name":"shop","status":{"code":0,"message":"ok"},"backup":[
 {"label":"20261101-010000F","type":"full","error":false,"timestamp":{"start":1793494800,"stop":1793494900}},
 {"label":"20261102-010000F","type":"full","error":true,"timestamp":{"start":1793581200,"stop":1793581300}}]}]
JSON
is(recipe('barman', 'barman', <<'JSON'), '20261101T010000=1793494900', 'barman');
{"shop":[{"backup_id":"20261101T010000","status":"DONE","end_time_timestamp":"1793494900"},
 {"backup_id":"20261102T010000","status":"FAILED"}]}
JSON
is(recipe('WAL-G', 'wal-g', <<'JSON'), 'base_000000010000000000000003=1793494900', 'WAL-G');
[{"backup_name":"base_000000010000000000000003","time":"2026-11-01T01:00:00Z","start_time":"2026-11-01T01:00:00Z","finish_time":"2026-11-01T01:01:40Z"}]
JSON

# ---- the real pgBackRest, where it is installed

SKIP:
{
	my $tool = (grep { -x } map { "$_/pgbackrest" } qw(/usr/bin /usr/local/bin))[0];
	my $config = "$root/real.conf";

	skip 'pgBackRest is not installed', 5 unless defined $tool;
	unlink "$root/pgbackrest";
	mkdir "$root/repository";
	mkdir "$root/$_" foreach qw(lock log spool);
	append_to_file($config, join "\n", '[global]', "repo1-path=$root/repository",
		"lock-path=$root/lock", "log-path=$root/log", "spool-path=$root/spool",
		'start-fast=y', 'log-level-console=warn', '', '[shop]',
		'pg1-path=' . $node->data_dir, 'pg1-port=' . $node->port,
		'pg1-socket-path=' . $node->host, '');
	local $ENV{PGBACKREST_CONFIG} = $config;
	query($node, 'DELETE FROM ops.backup');
	$node->append_conf('postgresql.conf',
		"archive_command = '$tool --config=$config --stanza=shop archive-push %p'");
	$node->reload;
	query($node, 'SELECT pg_stat_reset_shared(\'archiver\')');
	query($node, q{ALTER DATABASE postgres SET pgmigrate.backup_query = 'SELECT max(finished) FROM ops.backup'});
	is(query($node, $state), 'failed', 'there is no backup');
	command_ok([ $tool, '--stanza=shop', 'stanza-create' ], 'stanza');
	command_ok([ $tool, '--stanza=shop', 'backup' ], 'backup');
	my $before = query($node, 'SELECT extract(epoch FROM now())::bigint');
	my $out = '';
	IPC::Run::run([ 'sh', '-e', '-c', block('pgBackRest', 'sh') ], '<', \undef, '>&', \$out)
	  or diag $out;
	is( query($node,
			"SELECT count(*), bool_and(label ~ '^\\d{8}-\\d{6}F\$'), bool_and(abs($before - extract(epoch FROM finished)) < 600) FROM ops.backup"),
		'1|t|t', 'the recipe has it');
	is(query($node, $state), 'ok', 'the backup of the real pgBackRest is verified');
	query($node, q{INSERT INTO ops.backup VALUES ('20261101-010000F', now()) ON CONFLICT DO NOTHING});
}

# ---- the table is asked: told how old the newest one is

query($node, q{ALTER DATABASE postgres SET pgmigrate.backup_query = 'SELECT max(finished) FROM ops.backup'});
query($node, q{UPDATE ops.backup SET finished = now() - interval '2 days'});
is(query($node, $state), 'expired', 'an old backup is expired');
query($node, q{UPDATE ops.backup SET finished = now()});
is(query($node, $state), 'ok', 'a new one is not');

$node->stop;
done_testing();

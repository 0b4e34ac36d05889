
# Copyright (c) 2026, pgmigrate developers

# The team is notified: the recipes of doc/notification.md as they are printed,
# and commands that fail, hang and are fed with what they should not believe.

use strict;
use warnings;

use Cwd qw(abs_path);
use File::Basename qw(dirname);
use IO::Socket::INET;
use IPC::Run;
use PgMigrate::Test;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $top = abs_path(dirname(__FILE__) . '/../..');
my $doc = slurp_file("$top/doc/notification.md");
my %section = $doc =~ /^##+ (.*)\n((?:(?!^##).*\n)*)/mg;
my $root = PostgreSQL::Test::Utils::tempdir();
my $node = new_node('notification', 'log_min_messages = log');

local $ENV{PGHOST} = $node->host;
local $ENV{PGPORT} = $node->port;

sub recipe
{
	my ($name, $n) = @_;
	my @blocks = $section{$name} =~ /^```sh\n(.*?)^```$/msg;

	return $blocks[ $n // 0 ] // die "no recipe in $name";
}

sub script
{
	my ($name, $text) = @_;

	open my $fh, '>', "$root/$name" or die "$name: $!";
	print $fh $text;
	close $fh;
	chmod 0755, "$root/$name";
	return "$root/$name";
}

sub output
{
	my @command = @_;
	my $out = '';

	IPC::Run::run(\@command, '<', \undef, '>&', \$out);
	return $out;
}

sub command
{
	my ($text) = @_;

	$node->safe_psql('postgres', $text eq ''
		? 'ALTER DATABASE postgres RESET pgmigrate.notify_command'
		: "ALTER DATABASE postgres SET pgmigrate.notify_command = '$text'");
	return;
}

sub lines
{
	my ($name) = @_;

	return -e "$root/$name" ? split(/\n/, slurp_file("$root/$name")) : ();
}

sub attest
{
	my ($note) = @_;

	$node->safe_psql('postgres', "SELECT pgmigrate.attest('metrics', \$n\$$note\$n\$)");
	return;
}

# Somebody whose name is more than that.
sub approve_as
{
	my ($role) = @_;

	$node->safe_psql('postgres', <<SQL);
SELECT set_config('test.role', \$n\$$role\$n\$, false);
DO \$do\$
BEGIN
	EXECUTE format('CREATE ROLE %I', current_setting('test.role'));
	PERFORM pgmigrate.grant_access(current_setting('test.role'), 'operator');
	EXECUTE format('SET ROLE %I', current_setting('test.role'));
	PERFORM pgmigrate.approve('first');
END\$do\$;
SQL
	return;
}

my $open = q(SELECT count(*) FROM pgmigrate.event e WHERE e.id > %s AND NOT EXISTS (
	SELECT FROM pgmigrate.event_consumer c WHERE c.consumer = 'notify_command' AND e.xid < c.settled)
	AND NOT EXISTS (SELECT FROM pgmigrate.event_delivery d WHERE d.event = e.id AND d.acknowledged));

# ---- psql LISTEN

revision($node, 'first', 'CREATE TABLE one (a int)', downgrade => q('DROP TABLE one'));
$node->safe_psql('postgres', 'CREATE DATABASE shop TEMPLATE postgres');
my $listen = recipe('psql, LISTEN');
my $out = output('sh', '-c', $listen);
my @heard = $out =~ /notification "pgmigrate" with payload "(\{.*\})" received/g;
like($heard[0], qr/"kind": "run".*"state": "running"/, 'a listener hears of a run that begins');
like($heard[1], qr/"state": "done".*"database": "shop"/, 'and of its end');
is($node->safe_psql('shop', "SELECT ('" . $heard[1] . "')::jsonb #>> '{payload,command}'"),
	'upgrade', 'what is said is JSON');

# any role can listen: neither notes nor errors
$out = output('psql', '-X', '-At', '-d', 'shop', '-c', 'LISTEN pgmigrate', '-c',
	q{SELECT pgmigrate.attest('metrics', repeat('secret ', 3000))}, '-c',
	q{SELECT pgmigrate.attest(item => 'backup', note => 'x', valid_for => '1 day')}, '-c',
	q{SELECT pgmigrate.revision('f', 'SELECT 1/0', id => 'f')}, '-c',
	q{DO $$BEGIN PERFORM pgmigrate.upgrade(); EXCEPTION WHEN OTHERS THEN NULL; END$$}, '-c',
	q{SELECT count(*) FROM (SELECT pgmigrate.stamp(e) FROM (VALUES ('head'),('base')) AS v(e)) s});
unlike($out, qr/secret|division/, 'neither notes nor errors are said aloud');
like($out, qr/"kind": "attestation"/, 'but that something was attested');

# ---- a transaction that is prepared says nothing, and the outbox has it

$node->append_conf('postgresql.conf', "max_prepared_transactions = 5\nmax_worker_processes = 8");
$node->restart;
$node->safe_psql('postgres', q{BEGIN; SELECT pgmigrate.upgrade(); PREPARE TRANSACTION 'run'});
$node->safe_psql('postgres', q{COMMIT PREPARED 'run'});
is($node->safe_psql('postgres', q{SELECT string_agg(payload ->> 'state', ' ' ORDER BY id)
	FROM pgmigrate.events('test') WHERE kind = 'run'}), 'running done',
	'a run that was prepared is in the outbox');

# ---- what is committed late is not missed

my $late = session($node);
$late->query(q{BEGIN; SELECT pgmigrate.attest('backup', 'late')});
attest('early');
$node->safe_psql('postgres', q{SELECT pgmigrate.acknowledge('test', VARIADIC array_agg(id)) FROM pgmigrate.events('test')});
$late->query('COMMIT');
$late->quit;
is($node->safe_psql('postgres', q{SELECT payload ->> 'note' FROM pgmigrate.events('test')}), 'late',
	'an event that was committed late is delivered');
$node->safe_psql('postgres', q{SELECT pgmigrate.acknowledge('test', VARIADIC array_agg(id)) FROM pgmigrate.events('test')});
poll($node, q{SELECT pgmigrate.acknowledge('test', 0) = 0 AND count(*) = 0 FROM pgmigrate.event_delivery WHERE consumer = 'test'});
pass('what is settled is one number');

# ---- a webhook by a shell script

SKIP:
{
	skip 'needs curl', 3 if system('command -v curl >/dev/null') != 0;

	my $server = IO::Socket::INET->new(Listen => 5, LocalAddr => '127.0.0.1', Proto => 'tcp')
	  or die "no socket: $!";
	my $webhook = script('webhook', recipe('A webhook'));
	command("WEBHOOK_URL=http://127.0.0.1:" . $server->sockport . "/hook $webhook");
	$node->safe_psql('postgres', 'SELECT pgmigrate.downgrade(\'base\')');
	my @posted;
	$server->timeout($PostgreSQL::Test::Utils::timeout_default);
	while (@posted < 2)
	{
		my $client = $server->accept or die 'nobody calls the hook';
		my $request = '';
		my $length = 0;

		while (my $line = <$client>)
		{
			$request .= $line;
			$length = $1 if $line =~ /^Content-Length: (\d+)/i;
			last if $line =~ /^\r?\n$/;
		}
		read($client, my $body, $length);
		print $client "HTTP/1.1 204 No Content\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
		close $client;
		push @posted, $body;
	}
	close $server;
	like($posted[0], qr/^\{.*"state": "running".*"command": "downgrade".*\}\n$/, 'the webhook gets the event as JSON');
	like($posted[1], qr/"state": "done"/, 'and the next');
	poll($node, sprintf("SELECT (%s) = 0", sprintf($open, q{(SELECT max(id) - 2 FROM pgmigrate.event)})));
	pass('both are acknowledged');
}

# ---- e-mail, by a sendmail that is not one; a message that would be a header

my $mail = script('mail', recipe('E-mail'));
my $sendmail = script('sendmail', "#!/bin/sh\ncat >$root/mail.\$\$\nmv $root/mail.\$\$ $root/letter\n");
command("SENDMAIL=$sendmail $mail");
approve_as('a
Bcc: all@example.com');
wait_until('the letter', sub { -e "$root/letter" });
my $letter = slurp_file("$root/letter");
like($letter, qr/^To: dba\@example.com\nSubject: \[postgres\] revision first was approved by a Bcc: all\@example.com *\n\n/,
	'a letter has a subject of one line');
like($letter, qr/^\{.*"kind": "approval"/m, 'and the event');

# ---- values are never a part of what the shell reads

command("cat >>$root/got; echo \"\$PGMIGRATE_ROLE\" >>$root/roles");
my $nasty = q{$(exit 1)`id`;"'%k \\ $PATH};
approve_as($nasty);
wait_until('the command', sub { lines('roles') });
is((lines('roles'))[0], $nasty, 'a value is a value');

# ---- fails at first, then works: at least once, in the end

$node->safe_psql('postgres', q{ALTER DATABASE postgres SET pgmigrate.notify_retry = '10ms'});
command("cat >/dev/null; echo \"\$PGMIGRATE_EVENT\" >>$root/tries; test -e $root/open");
attest('fails at first');
wait_until('three tries', sub { lines('tries') >= 3 });
like($node->safe_psql('postgres', q{SELECT tries >= 2 AND NOT acknowledged AND next_try IS NOT NULL, error
	FROM pgmigrate.event_delivery WHERE consumer = 'notify_command' ORDER BY event DESC LIMIT 1}),
	qr/^t\|the command ended with exit code 1$/, 'a failure is there to be seen');
# the clock goes back: what was to be tried in an hour is not waited for
$node->safe_psql('postgres', q{UPDATE pgmigrate.event_delivery SET next_try = now() + interval '1 year' WHERE NOT acknowledged});
my $tries = lines('tries');
wait_until('another try', sub { lines('tries') > $tries });
script('open', '');
poll($node, sprintf("SELECT (%s) = 0", sprintf($open, q{(SELECT max(id) - 1 FROM pgmigrate.event)})));
my %tried = map { $_ => 1 } lines('tries');
is(scalar keys %tried, 1, 'only that event was tried');

# ---- hangs: killed with all that it has started, and no run waits

# one that is about to end would take the events along, with the command of before
poll($node, q{SELECT count(*) = 0 FROM pg_stat_activity WHERE backend_type = 'pgmigrate notifier'});
$node->safe_psql('postgres', q{ALTER DATABASE postgres SET pgmigrate.notify_timeout = '200ms'});
command("echo \$\$ >>$root/pids; sleep 1000 & echo \$! >>$root/pids; wait");
$node->safe_psql('postgres', q{SELECT pgmigrate.upgrade('first')});
is(last_run($node, 'state'), 'done', 'a run does not wait for a command that hangs');
poll($node, q{SELECT count(*) > 0 FROM pgmigrate.event_delivery WHERE error = 'the command did not end within 200 ms'});
command('');
poll($node, q{SELECT count(*) = 0 FROM pg_stat_activity WHERE backend_type = 'pgmigrate notifier'});
my @left = grep { `ps -o stat= -p $_` =~ /^[^Z]/ } lines('pids');
is("@left", '', 'nothing is left of it') or diag slurp_file("$root/pids");

# ---- all workers in use: told, and the next event takes it along

$node->safe_psql('postgres', q{ALTER DATABASE postgres RESET pgmigrate.notify_timeout});
$node->append_conf('postgresql.conf', 'max_worker_processes = 0');
$node->restart;
command("cat >>$root/all");
attest('no worker');
$node->wait_for_log(qr/could not start a background worker to run "pgmigrate.notify_command"/);
$node->append_conf('postgresql.conf', 'max_worker_processes = 8');
$node->restart;
attest('a worker');
wait_until('both events', sub { (grep { /"note": "a worker"/ } lines('all')) && (grep { /"note": "no worker"/ } lines('all')) });
pass('what could not be delivered before is delivered now');
command('');

# ---- a run that waits for a lock, told while it waits

my $holder = session($node);
$holder->query('BEGIN; LOCK TABLE one IN ACCESS SHARE MODE');
revision($node, 'second', 'ALTER TABLE one ADD b int');
my $run = session($node);
$run->query(q{SET pgmigrate.lock_wait_event = '100ms'});
$run->send(q{SELECT count(*) FROM pgmigrate.upgrade('second')});
poll($node, q{SELECT count(*) = 1 FROM pgmigrate.event WHERE kind = 'lock_wait'});
is($node->safe_psql('postgres', q{SELECT revision, payload ->> 'relation', payload ->> 'blockers' ~* 'process \d+.*AccessShareLock'
	FROM pgmigrate.event WHERE kind = 'lock_wait'}), 'second|public.one|t',
	'a long wait for a lock is told of while it waits');
$holder->query('COMMIT');
$holder->quit;
is($run->result, '1', 'and the run goes on');
$run->quit;
is($node->safe_psql('postgres', q{SELECT count(*) FROM pgmigrate.event WHERE kind = 'lock_wait'}), 1, 'once');

# ---- a database that is dropped, an extension that is

$node->safe_psql('postgres', 'DROP EXTENSION pgmigrate; CREATE EXTENSION pgmigrate');
$node->safe_psql('postgres', 'DROP DATABASE shop');
$node->stop;
done_testing();

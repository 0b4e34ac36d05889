
# Copyright (c) 2026, pgmigrate developers

=head1 NAME

PgMigrate::Test - helpers of the TAP tests

=head1 DESCRIPTION

A node with the extension, sessions that work beside the test, and the check
that a ledger is in order.  Nothing here sleeps to let something happen: a test
waits for the thing itself, with a deadline, and holds an advisory lock where a
run is to stand still.

=cut

package PgMigrate::Test;

use strict;
use warnings;

use Exporter 'import';
use IPC::Run;
use PgMigrate::Ledger;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(time usleep);

our @EXPORT = qw(
  new_node init_node revision query fails notices session wait_until poll
  worker_pid worker_waits head_is ledger_ok last_run log_is_clean
  applied_once kill_and_recover is_gone answers python_with_alembic
);

my $deadline = $PostgreSQL::Test::Utils::timeout_default || 180;

# A cluster has the superuser "postgres", whoever runs the tests, and that is
# who connects.
$ENV{PGUSER} = 'postgres';

sub init_node
{
	my ($node, %params) = @_;

	return $node->init(%params, extra => [ '--username=postgres' ]);
}

# A started node with the extension in database postgres.
sub new_node
{
	my ($name, @settings) = @_;
	my $node = PostgreSQL::Test::Cluster->new($name);

	init_node($node, allows_streaming => 1);
	$node->append_conf('postgresql.conf', <<EOT);
fsync = off
jit = off
restart_after_crash = on
max_connections = 50
max_worker_processes = 32
max_wal_senders = 4
max_prepared_transactions = 10
deadlock_timeout = 1s
log_line_prefix = '%m [%p] %b %q%a '
log_error_verbosity = verbose
EOT
	$node->append_conf('postgresql.conf', "$_\n") foreach @settings;
	$node->start;
	query($node, 'CREATE EXTENSION pgmigrate');
	return $node;
}

# A Python that has Alembic and a driver: of ALEMBIC_PYTHON, or made in a
# directory from the package index; undef if there is none.
sub python_with_alembic
{
	my ($root) = @_;
	my $made = "$root/venv/bin/python";
	my $log = "$root/venv.log";

	return $ENV{ALEMBIC_PYTHON} if $ENV{ALEMBIC_PYTHON};
	return if system("python3 -m venv '$root/venv' >'$log' 2>&1") != 0;
	return $made if system("'$made' -m pip install -q --disable-pip-version-check --timeout 10 --retries 1 alembic sqlalchemy \"psycopg[binary]\" >>'$log' 2>&1") == 0;
	note slurp_file($log);
	return;
}

# Run SQL, which must work, and return its rows.
sub query
{
	my ($node, $sql, $database) = @_;

	return $node->safe_psql($database // 'postgres', $sql);
}

# Run SQL, which may fail; return its messages, verbose.
sub notices
{
	my ($node, $sql, %params) = @_;
	my ($stdout, $stderr) = ('', '');

	$node->psql(
		$params{database} // 'postgres', $sql,
		stdout => \$stdout,
		stderr => \$stderr,
		on_error_stop => 0,
		extra_params => [ '-v', 'VERBOSITY=verbose', '-v', 'SHOW_CONTEXT=never',
			@{ $params{extra} // [] } ]);
	return $stderr;
}

# What psql shows of SQL that another role sends, errors last and verbose.
sub answers
{
	my ($node, $role, $sql, $database) = @_;
	my ($out, $err) = ('', '');

	$node->psql(
		'postgres', "\\set VERBOSITY verbose\n$sql",
		stdout => \$out,
		stderr => \$err,
		on_error_stop => 0,
		connstr => $node->connstr($database // 'postgres') . " user=$role");
	return "$out\n$err";
}

# A test: SQL fails with a SQLSTATE or a pattern over its messages.
sub fails
{
	my ($node, $sql, $expected, $name) = @_;

	$expected = qr/^(?:psql:<stdin>:\d+: )?(?:ERROR|FATAL):  $expected: /m
	  if ref($expected) eq '';
	return like(notices($node, $sql), $expected, $name);
}

# Store a revision on the only head; what else revision() takes is SQL text.
sub revision
{
	my ($node, $id, $upgrade, %params) = @_;
	my $database = delete $params{database};
	my $more = '';

	$more .= ", $_ => $params{$_}" foreach sort keys %params;
	return query($node,
		"SELECT pgmigrate.revision('revision $id', \$revision\$$upgrade\$revision\$, id => '$id'$more)",
		$database);
}

# Poll a sub until it is true, or die.
sub wait_until
{
	my ($what, $sub) = @_;
	my $end = time() + $deadline;

	while (time() < $end)
	{
		my $result = $sub->();

		return $result if $result;
		usleep(20_000);
	}
	die "timed out waiting until $what";
}

# Poll a query until it returns true, or die.
sub poll
{
	my ($node, $sql, $database) = @_;

	return wait_until(
		$sql,
		sub {
			my ($rc, $out) = $node->psql($database // 'postgres', $sql);
			return $rc == 0 && $out eq 't';
		});
}

# The pid of the worker, once it is there.
sub worker_pid
{
	my ($node) = @_;
	my $pid;

	wait_until(
		'a worker is at work',
		sub {
			$pid = query($node,
				"SELECT pid FROM pg_stat_activity WHERE backend_type = 'pgmigrate worker'"
			);
			return $pid ne '';
		});
	return $pid;
}

# Wait until the worker waits as said; return its pid.
sub worker_waits
{
	my ($node, $event) = @_;

	$event //= 'advisory';
	poll($node,
		"SELECT count(*) = 1 FROM pg_stat_activity WHERE backend_type = 'pgmigrate worker' AND wait_event = '$event'"
	);
	return worker_pid($node);
}

sub last_run
{
	my ($node, $columns) = @_;

	return query($node,
		"SELECT $columns FROM pgmigrate.run ORDER BY id DESC LIMIT 1");
}

sub head_is
{
	my ($node, $head, $name) = @_;

	return is(
		query($node,
			"SELECT string_agg(revision, ',' ORDER BY revision) FROM pgmigrate.head"
		),
		$head, $name);
}

# A test: each of the revisions left its mark once; see the table "mark".
sub applied_once
{
	my ($node, $list, $name) = @_;

	return is(
		query($node,
			"SELECT string_agg(id || ':' || n, ' ' ORDER BY id) FROM (SELECT id, count(*) AS n FROM mark GROUP BY id) AS m"
		),
		join(' ', map { "$_:1" } split / /, $list),
		$name);
}

# A test: head, applied, run and run_step agree with each other.
sub ledger_ok
{
	my ($node, $name, $database) = @_;

	my $ask = sub { return split /\n/, query($node, $_[0], $database) };

	return is(
		join("\n", PgMigrate::Ledger::found($ask, $PgMigrate::Ledger::leftovers)),
		'',
		"$name: the ledger is in order");
}

# A test: the server had nothing to complain of but what was provoked.  Where
# the postmaster was killed: who deletes files at the end of a commit asks the
# checkpointer, and leaves when the postmaster is gone (RegisterSyncRequest); the
# server calls that a PANIC, of a transaction that has committed.
sub log_is_clean
{
	my ($node, $name, %was) = @_;
	my $log = slurp_file($node->logfile);

	$log =~ s/^.* \[(\d+)\] .*WARNING: .* AbortTransaction while in COMMIT state\n(?:.*LOCATION:.*\n)?.* \[\1\] .*PANIC: .* cannot abort transaction \d+, it was already committed\n//mg
	  if $was{postmaster_killed};

	my @found = grep {
		/TRAP:|PANIC:|signal (?:4|6|7|8|11)\b|reference leak|refcount leak|still referenced|was not closed|failed to clean up|cannot drop active/
	} split /\n/, $log;

	return is(join("\n", @found), '', $name // 'the log of the server is clean');
}

# Kill a server process as the kernel would; wait until the server is back.
sub kill_and_recover
{
	my ($node, $pid) = @_;
	my $offset = -s $node->logfile;

	kill 'KILL', $pid;
	$node->wait_for_log(qr/terminated by signal 9/, $offset);
	$node->wait_for_log(qr/database system is ready to accept connections/,
		$offset);
	poll($node, 'SELECT true');
	return;
}

# Wait until a process is gone; return the seconds that took.
sub is_gone
{
	my ($pid) = @_;
	my $start = time();

	wait_until("process $pid is gone", sub { return !kill 0, $pid; });
	return time() - $start;
}

# A session beside the test.
sub session
{
	my ($node, %params) = @_;

	return PgMigrate::Session->new($node, %params);
}

package PgMigrate::Session;

use strict;
use warnings;

use IPC::Run;
use Test::More;
use Time::HiRes qw(time);

sub new
{
	my ($class, $node, %params) = @_;
	my $self = bless {
		in => '',
		out => '',
		err => '',
		n => 0,
		timer => IPC::Run::timeout($deadline)
	}, $class;
	my $connstr = $node->connstr($params{database} // 'postgres');

	$connstr .= " user=$params{user}" if $params{user};
	local %ENV = $node->_get_env();
	local $ENV{PGCLIENTENCODING} = $params{encoding} if $params{encoding};
	$self->{run} = IPC::Run::start(
		[
			$node->installed_command('psql'), '-XAtq', '-v',
			'VERBOSITY=verbose', '-v', 'SHOW_CONTEXT=never', '-d', $connstr
		],
		'<', \$self->{in}, '>', \$self->{out}, '2>', \$self->{err},
		$self->{timer});
	$self->{pid} = $self->query('SELECT pg_backend_pid()');
	die "could not connect: $self->{err}" if $self->{ended};
	return $self;
}

# The pid of its server process, and of psql.
sub pid
{
	my ($self) = @_;

	return $self->{pid};
}

sub psql_pid
{
	my ($self) = @_;

	return $self->{run}{KIDS}[0]{PID};
}

# Send without waiting.
sub send
{
	my ($self, $sql) = @_;

	$self->{n}++;
	$self->{out} = $self->{err} = '';
	$self->{in} .= "$sql\n;\n\\echo =$self->{n}=\n\\warn =$self->{n}=\n";
	$self->{timer}->start($deadline);
	$self->{run}->pump_nb;
	return;
}

# Wait for the answer of what was sent; its messages are in err().
sub result
{
	my ($self) = @_;
	my $mark = "=$self->{n}=";

	until ($self->{out} =~ /^$mark\n/m && $self->{err} =~ /^$mark\n/m)
	{
		next if eval { $self->{run}->pump };
		die "timed out: $self->{err}" if $self->{timer}->is_expired;
		$self->{ended} = 1;
		last;
	}
	$self->{out} =~ s/^$mark\n//m;
	$self->{err} =~ s/^$mark\n//m;
	chomp $self->{out};
	return $self->{out};
}

sub query
{
	my ($self, $sql) = @_;

	$self->send($sql);
	return $self->result;
}

sub err
{
	my ($self) = @_;

	return $self->{err};
}

# A test: what was sent fails with a SQLSTATE.
sub fails_with
{
	my ($self, $state, $name) = @_;

	$self->result;
	return like($self->{err}, qr/^(?:ERROR|FATAL):  $state: /m, $name);
}

# Is psql gone?
sub ended
{
	my ($self) = @_;

	return $self->{ended};
}

# As Ctrl-C at its terminal; psql without a terminal ends after the answer.
sub interrupt
{
	my ($self) = @_;

	kill 'INT', $self->psql_pid;
	return;
}

# As kill -9 of the client.
sub kill9
{
	my ($self) = @_;

	kill 'KILL', $self->psql_pid;
	eval { $self->{run}->finish };
	return;
}

# The server is gone, or the session is not needed any more.
sub quit
{
	my ($self) = @_;

	$self->{in} .= "\\q\n";
	eval { $self->{run}->finish };
	return $self->{err};
}

1;

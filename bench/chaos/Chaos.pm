
# Copyright (c) 2026, pgmigrate developers

=head1 NAME

Chaos - interrupt runs at random, and look whether the ledger tells the truth

=head1 DESCRIPTION

See README.md.  The server must be there for the test only, and its files those
of the user that calls.

=cut

package Chaos;

use strict;
use warnings;

use Client;
use History;
use PgMigrate::Ledger;
use Time::HiRes qw(time usleep);

# Seconds after which something hangs.
my $patience = 90;

# Who was told that the run ended well, although it did not.
my %returns_early = map { $_ => 1 } qw(client_gone second_upgrade);

my @kinds = qw(
  cancel_caller cancel_worker cancel_run sigint_worker cancel_online
  kill9_worker kill9_caller kill9_postmaster sigquit_worker
  stop_fast stop_immediate terminate_worker terminate_caller
  client_gone sighup second_upgrade drop_extension update_extension
  timeout_caller dead_standby pause_backfill kill_backfill);

sub kinds
{
	return @kinds;
}

# data, bindir, socket, port; seed, cycles, log (a sub)
sub new
{
	my ($class, %options) = @_;
	my $self = bless {
		user => 'postgres',
		database => 'chaos',
		seed => 1,
		cycles => 3,
		log => sub { },
		faults => [],
		count => {},
		outcome => {},
		events => 0,
		filled => 0,
		%options
	}, $class;

	$self->{path} = "$self->{socket}/.s.PGSQL.$self->{port}";
	srand $self->{seed};
	$self->{history} = [ history($self->{cycles}, 0.01) ];
	return $self;
}

sub fault
{
	my ($self, $what) = @_;

	push @{ $self->{faults} }, $what;
	$self->{log}->("FAULT $what");
	return;
}

# A connection; the server may be about to come back.
sub connection
{
	my ($self, $database) = @_;
	my $end = time() + $patience;

	while (time() < $end)
	{
		my $client = Client->new($self->{path}, $database // $self->{database},
			$self->{user});

		return $client if $client;
		usleep(50_000);
	}
	die "the server does not answer\n";
}

# The rows and the error of a query, in a session of its own.
sub try
{
	my ($self, $sql, $database) = @_;
	my $client = $self->connection($database);

	$client->send($sql);
	my $error = $client->finish($patience) ? $client->{error} : 'it hangs';

	$error = 'the connection was lost' if $client->{lost};
	my $rows = $client->{rows};
	$client->close;
	return ($rows, $error);
}

sub query
{
	my ($self, $sql, $database) = @_;

	for (1 .. 40)
	{
		my ($rows, $error) = $self->try($sql, $database);

		return $rows if !defined $error;
		die "$error: $sql\n" if $error !~ /lost|^57P0/;
		usleep(200_000);
	}
	die "no answer: $sql\n";
}

sub one
{
	my ($self, $sql) = @_;
	my $rows = $self->query($sql);

	return @$rows ? $rows->[0][0] : undef;
}

# ---- the writers beside the runs

sub writer
{
	my ($self, $n) = @_;
	my ($client, $stop);

	srand $self->{seed} * 100 + $n;
	local $SIG{TERM} = sub { $stop = 1 };
	until ($stop)
	{
		my $delta = int(rand 11) - 5;
		my $id = 1 + int rand 1000;

		$client //= Client->new($self->{path}, $self->{database},
			$self->{user});
		if ($client)
		{
			# one transaction
			$client->send(
				"UPDATE acc SET bal = bal + $delta WHERE id = $id; INSERT INTO led VALUES ($delta)"
			);
			$client->finish($patience);
			undef $client if $client->{lost};
		}
		usleep($client ? 5_000 : 100_000);
	}
	return;
}

sub start_writers
{
	my ($self) = @_;

	for my $n (1 .. 2)
	{
		my $pid = fork // die "could not fork: $!\n";

		if ($pid == 0)
		{
			$self->writer($n);
			require POSIX;
			POSIX::_exit(0);
		}
		push @{ $self->{writers} }, $pid;
	}
	return;
}

sub stop_writers
{
	my ($self) = @_;

	for my $pid (splice @{ $self->{writers} // [] })
	{
		kill 'TERM', $pid;
		waitpid $pid, 0;
	}
	return;
}

# ---- the truth

my $operations = <<'SQL';
SELECT 'operation left ' || o.state || ': ' || o.id
FROM pgmigrate.operation o JOIN pgmigrate.revisions v USING (revision)
WHERE v.state <> 'partly applied'
AND o.state NOT IN ('switched', 'finalized', 'reverted', 'cancelled', 'failed')
SQL

my $states = <<'SQL';
SELECT v.revision, v.state, a.revision IS NOT NULL,
	(SELECT count(*) FILTER (WHERE m.dir = 'up') - count(*) FILTER (WHERE m.dir = 'down')
		FROM mark m WHERE m.rev = v.revision),
	h.state
FROM pgmigrate.revisions v
JOIN pgmigrate.history() h ON h.revision = v.revision
LEFT JOIN pgmigrate.applied a ON a.revision = v.revision
ORDER BY v.revision
SQL

# The ledger against the objects and the marks, with nothing at work; returns
# what is partly applied.
sub check
{
	my ($self, $tag) = @_;
	my @history = @{ $self->{history} };
	my $stamp = 0;
	my @partly;

	my $ask = sub { return map { $_->[0] } @{ $self->query($_[0]) } };

	$self->fault("$tag: $_") foreach PgMigrate::Ledger::found($ask, $operations);
	my $rows = $self->query($states);
	my ($truth) = @{
		$self->query('SELECT '
			  . join(', ', map { "($_->{there}), ($_->{gone})" } @history)) };
	my @truth = map { $_ eq 't' } @$truth;

	for my $i (0 .. $#history)
	{
		my $r = $history[$i];
		my ($id, $state, $applied, $net, $seen) = @{ $rows->[$i] };
		my ($there, $gone) = @truth[ 2 * $i, 2 * $i + 1 ];
		my $what = "$tag: $id is $state";

		$applied = $applied eq 't';
		$self->fault("$what, history() says $seen") if $seen ne $state;
		$self->fault("$what, and is it in applied: " . ($applied ? 'yes' : 'no'))
		  if $state ne 'partly applied' && $applied != ($state eq 'applied');
		if ($state eq 'partly applied')
		{
			# the mark is the first statement of either direction
			push @partly, [ $id, $applied ? 'down' : 'up' ];
			$self->fault("$what, marks $net") if $net != ($applied ? 0 : 1);
			$self->fault("$what, but is one transaction") if $r->{kind} eq 'tx';
		}
		elsif ($applied)
		{
			$self->fault("$what, marks $net") if $net != 1;
			$self->fault("$what, objects are missing") if !$there;
		}
		else
		{
			$self->fault("$what, marks $net") if $net != 0;
			$self->fault("$what, objects are there") if !$gone;
		}
		$stamp += $net if $r->{data};
	}

	my ($sums) = @{
		$self->query(
			'SELECT sum(stamp), min(filled), max(filled), sum(bal - stamp), (SELECT coalesce(sum(delta), 0) FROM led) FROM acc'
		) };
	$self->fault("$tag: data revisions $stamp, in effect " . $sums->[0] / 200)
	  if $sums->[0] != $stamp * 200;
	$self->fault("$tag: sum of accounts $sums->[3], of the writers' ledger $sums->[4]")
	  if $sums->[3] != $sums->[4];
	$self->fault("$tag: backfilled $sums->[1] to $sums->[2] times, not $self->{filled}")
	  if !defined $self->{backfill}
	  && ($sums->[1] != $self->{filled} || $sums->[2] != $self->{filled});
	$self->{count}{'partly applied'} += @partly;
	return @partly;
}

# ---- the server

sub postmaster
{
	my ($self) = @_;

	open my $file, '<', "$self->{data}/postmaster.pid"
	  or die "no server in $self->{data}\n";
	my $pid = <$file>;

	close $file;
	chomp $pid;
	return $pid;
}

sub pg_ctl
{
	my ($self, @arguments) = @_;

	return system(
		"'$self->{bindir}/pg_ctl' -D '$self->{data}' -l '$self->{data}/chaos.log' -w -t $patience -s @arguments >/dev/null 2>&1"
	) == 0;
}

sub start_server
{
	my ($self) = @_;

	for (1 .. 100)
	{
		return if $self->pg_ctl('start');
		usleep(200_000);
	}
	die "the server does not start\n";
}

sub stop_server
{
	my ($self, $mode) = @_;
	my $begun = time();

	$self->pg_ctl("stop -m $mode")
	  or $self->fault("stop $mode did not end");
	$self->{count}{"slowest stop $mode, ms"} =
	  max($self->{count}{"slowest stop $mode, ms"}, (time() - $begun) * 1000);
	$self->start_server;
	return;
}

sub max
{
	my ($a, $b) = @_;

	return int(($a // 0) > $b ? $a // 0 : $b);
}

# ---- what happens to a run

sub signal_function
{
	my ($self, $function, $pid) = @_;

	$self->try("SELECT $function($pid)");
	return;
}

# Must wait for the run: a transaction of its own, taken back.  The worker is
# there before its run begins, which then waits for us, and for a moment after
# its run has ended.
sub extension_command
{
	my ($self, $command, $worker) = @_;
	my (undef, $error) = $self->try(
		"SET lock_timeout = '150ms'; BEGIN; $command; DO \$d\$ BEGIN IF EXISTS (SELECT FROM pg_stat_activity WHERE pid = $worker) THEN RAISE '%', clock_timestamp() USING ERRCODE = 'XXCHA'; END IF; END \$d\$; ROLLBACK"
	);

	# an update to the version that is there does nothing
	if (defined $error && $command =~ /^DROP/ && $error =~ /^XXCHA (.*)/)
	{
		my $moment = $1;

		$self->wait_idle($command);
		$self->fault("$command went through beside a run")
		  if $self->one(
			"SELECT count(*) FROM pgmigrate.run WHERE pid = $worker AND '$moment' BETWEEN started AND finished"
		  );
	}
	return;
}

# Each commit that waits for a standby waits for ever; the run is cancelled.
sub dead_standby
{
	my ($self) = @_;
	my $set = 'ALTER SYSTEM SET synchronous_standby_names =';
	my $end = time() + $patience;
	my ($run, $told);

	$self->query("$set 'nobody'");
	$self->query('SELECT pg_reload_conf()');
	usleep(rand 400_000);
	do
	{
		# once, and not before there is a run
		($told) = map { $_->[0] eq 't' } @{
			($self->try('SELECT pgmigrate.cancel(run) FROM pgmigrate.status()'))[0] }
		  if !$told;
		$run = $self->worker;
		usleep(20_000) if $run;
	} while ($run && time() < $end);
	$self->fault('a cancel does not end a run whose standby is dead') if $run;
	$self->query("$set ''");
	$self->query('SELECT pg_reload_conf()');
	return;
}

sub strike
{
	my ($self, $kind, $worker, $caller) = @_;
	my %signals =
	  (sigint => 'INT', sigquit => 'QUIT', kill9 => 'KILL', sighup => 'HUP');

	return $self->signal_function('pg_cancel_backend', $caller->{pid})
	  if $kind eq 'cancel_caller' || $kind eq 'cancel_online';
	return $self->signal_function('pg_cancel_backend', $worker)
	  if $kind eq 'cancel_worker';
	return $self->signal_function('pg_terminate_backend', $worker)
	  if $kind eq 'terminate_worker';
	return $self->signal_function('pg_terminate_backend', $caller->{pid})
	  if $kind eq 'terminate_caller';
	return $self->try('SELECT pgmigrate.cancel(run) FROM pgmigrate.status()')
	  if $kind eq 'cancel_run';
	return kill 'KILL', $caller->{pid} if $kind eq 'kill9_caller';
	return $self->dead_standby if $kind eq 'dead_standby';
	return if $kind eq 'timeout_caller';
	return $self->stop_server('fast') if $kind eq 'stop_fast';
	return $self->stop_server('immediate') if $kind eq 'stop_immediate';
	return $caller->close if $kind eq 'client_gone';
	return $self->try("SELECT count(*) FROM pgmigrate.upgrade('head')")
	  if $kind eq 'second_upgrade';
	return $self->extension_command('DROP EXTENSION pgmigrate CASCADE', $worker)
	  if $kind eq 'drop_extension';
	return $self->extension_command('ALTER EXTENSION pgmigrate UPDATE', $worker)
	  if $kind eq 'update_extension';
	if ($kind eq 'kill9_postmaster')
	{
		my $end = time() + $patience;

		kill 'KILL', $self->postmaster;
		usleep(20_000) while kill(0, $worker) && time() < $end;
		return $self->start_server;
	}
	my ($signal) = $kind =~ /^([a-z0-9]+)/;
	return kill $signals{$signal}, $worker if $signals{$signal};
	die "unknown kind of event: $kind\n";
}

sub worker
{
	my ($self) = @_;

	return $self->query(
		"SELECT a.pid, coalesce(p.done, 0) FROM pg_stat_activity a LEFT JOIN pgmigrate.progress p ON p.pid = a.pid WHERE a.backend_type = 'pgmigrate worker' AND a.datname = current_database()"
	)->[0];
}

# Until nothing is at work.
sub wait_idle
{
	my ($self, $tag) = @_;
	my $end = time() + $patience;
	my $held;

	do
	{
		$held = $self->one(
			"SELECT count(*) FROM pg_stat_activity WHERE backend_type LIKE 'pgmigrate %'"
		);
		usleep(30_000) if $held;
	} while ($held && time() < $end);
	$self->fault("$tag: a worker is still there") if $held;
	return;
}

# A direction and a target at random, and how many steps lead there.
sub command
{
	my ($self, $kind) = @_;
	my $all = @{ $self->{history} };
	my $n = $self->one('SELECT count(*) FROM pgmigrate.applied');
	my $k;

	if ($kind eq 'cancel_online')
	{
		# stop in the revision that is carried out online
		$self->go_to('base');
		my @online = grep { $self->{history}[$_]{online} } 0 .. $all - 1;
		return ('upgrade', 'head', $online[ rand @online ]);
	}
	if ($n < $all && rand() < 0.62 || $n == 0)
	{
		return ('upgrade', 'head', int rand($all - $n)) if rand() < 0.5;
		$k = 1 + int rand($all - $n);
		return ('upgrade', "+$k", int rand $k);
	}
	return ('downgrade', 'base', int rand $n) if rand() < 0.2;
	$k = 1 + int rand $n;
	return ('downgrade', "-$k", int rand $k);
}

# Without repair.  What is partly applied is refused the other way, and
# finished in its own.
sub go_to
{
	my ($self, $goal) = @_;
	my $error;

	for my $try (1 .. 2)
	{
		my $function = $goal eq 'head' ? 'upgrade' : 'downgrade';

		(undef, $error) =
		  $self->try("SELECT count(*) FROM pgmigrate.$function('$goal')");
		return $error if !defined $error || $error !~ /^PM004/;
		$self->{count}{'turns refused'}++;
		my (undef, $other) = $self->try(
			$goal eq 'head' ?
			  "SELECT count(*) FROM pgmigrate.downgrade('base')" :
			  "SELECT count(*) FROM pgmigrate.upgrade('head')");
		return $other if defined $other;
	}
	return $error;
}

# What the caller was told, and what the looking functions say.
sub check_told
{
	my ($self, $tag, $kind, $caller, $target) = @_;
	my ($run) = @{ $self->query('SELECT state FROM pgmigrate.status()') };
	my $state = $run ? $run->[0] : 'none';
	my $view = $self->one('SELECT state FROM pgmigrate.runs LIMIT 1') // 'none';
	my $error = $caller->{error};

	$self->{outcome}{$kind}{$state}++;
	$self->fault("$tag: status() says $state, runs $view") if $state ne $view;
	$self->fault("$tag: status() says $state, nothing runs")
	  if $state eq 'running';
	return if $caller->{lost} || $returns_early{$kind};
	if (!defined $error)
	{
		my $n = $self->one('SELECT count(*) FROM pgmigrate.applied');

		$self->fault("$tag: told done, the run is $state") if $state ne 'done';
		$self->fault("$tag: told done, $n are applied")
		  if $target eq 'head' && $n != @{ $self->{history} }
		  || $target eq 'base' && $n != 0;
	}
	return;
}

sub recover
{
	my ($self, $tag) = @_;
	my $goal = rand() < 0.66 ? 'head' : 'base';
	my $error = $self->go_to($goal);
	my $n = $self->one('SELECT count(*) FROM pgmigrate.applied');
	my $expected = $goal eq 'head' ? scalar @{ $self->{history} } : 0;

	$tag .= ", then $goal";
	$self->fault("$tag: $error") if defined $error;
	$self->fault("$tag: $n are applied") if $n != $expected;
	$self->fault("$tag: INVALID $_->[0]")
	  foreach @{
		$self->query(
			'SELECT indexrelid::regclass FROM pg_index WHERE NOT indisvalid')
	  };
	$self->fault("$tag: $_->[0] is partly applied")
	  foreach $self->check($tag);
	$self->{count}{"went on to $goal"}++;
	return;
}

# Pause, resume, kill; in the end each row is changed.
sub backfill_event
{
	my ($self, $kind) = @_;
	my $tag = "$self->{events} $kind";
	my $n = $self->{filled} + 1;
	my $run = $self->one(
		"SELECT pgmigrate.backfill_start('acc', 'filled = $n', 'filled < $n', chunk_time => '2 ms', pause => '5 ms')"
	);
	my $end = time() + $patience;

	$self->{backfill} = $run;
	usleep(rand 150_000);
	if ($kind eq 'pause_backfill')
	{
		$self->try("SELECT pgmigrate.pause($run)");
		usleep(rand 100_000);
		$self->try("SELECT pgmigrate.resume($run)");
	}
	else
	{
		my $worker = $self->worker;

		kill 'KILL', $worker->[0] if $worker;
		$self->{log}->("$tag: killed") if $worker;
	}
	while (time() < $end)
	{
		my ($state) = map { $_->[0] }
		  @{ $self->query("SELECT state FROM pgmigrate.wait($run, '20 s')") };

		$self->{outcome}{$kind}{$state}++;
		last if $state eq 'done';
		$run = $self->one("SELECT pgmigrate.resume($run)")
		  if $state ne 'running';
	}
	$self->wait_idle($tag);
	$self->{filled}++;
	undef $self->{backfill};
	$self->check($tag);
	return;
}

# One event; false if the run was over before it.
sub event
{
	my ($self, $kind) = @_;

	if ($kind =~ /_backfill$/)
	{
		$self->{events}++;
		$self->backfill_event($kind);
		return 1;
	}
	$self->query('UPDATE sw SET v = ' . (rand() < 0.15 ? 0 : 1));
	my ($function, $target, $want) = $self->command($kind);
	my $caller = $self->connection;

	if (rand() < 0.25)
	{
		$caller->send(
			"LOAD 'pgmigrate'; SET pgmigrate.flush_per_migration = on");
		$caller->finish($patience);
	}
	my $set =
	  $kind eq 'timeout_caller' ? 'statement_timeout = ' . (50 + int rand 1500) :
	  $kind eq 'dead_standby' ? 'synchronous_commit = on' :
	  undef;
	if (defined $set)
	{
		$caller->send("SET $set");
		$caller->finish($patience);
	}
	$caller->send("SELECT count(*) FROM pgmigrate.$function('$target')");

	my $worker;
	my $end = time() + $patience;
	until ($caller->pump(0.005) || time() > $end)
	{
		my $row = $self->worker or next;

		$worker = $row->[0];
		last if $row->[1] >= $want;
	}
	usleep(rand 100_000);
	if (!defined $worker || $caller->pump(0) || !kill 0, $worker)
	{
		$caller->finish($patience);
		$self->{count}{'came too late'}++;
		if (defined $caller->{error} && $caller->{error} =~ /^PM004/)
		{
			$self->{count}{'turns refused'}++;
			$self->go_to('head');
		}
		$caller->close;
		return 0;
	}

	$self->{events}++;
	my $tag = "$self->{events} $kind $function $target";
	$self->strike($kind, $worker, $caller);
	$caller->finish($patience)
	  or $self->fault("$tag: the caller hangs");
	$self->wait_idle($tag);
	$self->check_told($tag, $kind, $caller, $target);
	$self->check($tag);
	$caller->close;
	$self->query('UPDATE sw SET v = 1');
	$self->recover($tag) if rand() < 0.5;
	return 1;
}

sub setup
{
	my ($self) = @_;

	$self->query("DROP DATABASE IF EXISTS $self->{database} WITH (FORCE)",
		'postgres');
	$self->query("DROP DATABASE IF EXISTS t${_}_db WITH (FORCE)", 'postgres')
	  foreach 1 .. $self->{cycles};
	$self->query("CREATE DATABASE $self->{database}", 'postgres');
	# the writers, and we, wait for no standby
	$self->query(
		"ALTER DATABASE $self->{database} SET synchronous_commit = local",
		'postgres');
	$self->query(setup_sql());
	foreach my $r (@{ $self->{history} })
	{
		$self->query(
			"SELECT pgmigrate.revision('$r->{id}', upgrade => \$chaos\$$r->{up}\$chaos\$, downgrade => \$chaos\$$r->{down}\$chaos\$, id => '$r->{id}', transactional => $r->{transactional})"
		);
	}
	return;
}

# So many events; fewer when the seconds are over, but not less than the least.
sub run
{
	my ($self, $events, $seconds, $least) = @_;
	my $end = time() + ($seconds // 1e9);
	my $tries = 20 * $events;
	my @left;

	$self->setup;
	my $error = $self->go_to('head');
	$self->fault("undisturbed: $error") if defined $error;
	my $at_head = $self->one('SELECT pgmigrate.fingerprint()');
	$self->check('undisturbed');
	$self->start_writers;
	while ($self->{events} < $events
		&& ($self->{events} < ($least // 0) || time() < $end)
		&& $tries-- > 0)
	{
		@left = sort { rand() <=> 0.5 } @kinds if !@left;
		my $kind = $left[0];
		my $hit = eval { $self->event($kind) };

		if ($@)
		{
			$self->fault("$self->{events} $kind: $@");
			die $@ if $@ =~ /does not (?:start|answer)/;
			$hit = 1;
		}
		next if !$hit;
		shift @left;
		$self->{log}->("$self->{events} events, "
			  . scalar @{ $self->{faults} }
			  . ' faults')
		  if $self->{events} % 25 == 0;
	}
	$self->stop_writers;
	$self->query('UPDATE sw SET v = 1');
	$error = $self->go_to('head');
	$self->fault("at the end: $error") if defined $error;
	$self->check('at the end');
	$self->fault('the fingerprint is not that of an undisturbed run')
	  if $self->one('SELECT pgmigrate.fingerprint()') ne $at_head;
	return scalar @{ $self->{faults} };
}

# What must turn the oracle red, and the way back.
my @plants = (
	[
		'an object is missing', 'DROP INDEX t1_v',
		'CREATE INDEX t1_v ON t1 (v)'
	],
	[
		'a revision ran twice',
		"INSERT INTO mark VALUES ('r001', 'up')",
		"INSERT INTO mark VALUES ('r001', 'down')"
	],
	[ 'a row was lost', 'INSERT INTO led VALUES (7)', 'DELETE FROM led WHERE delta = 7' ],
	[
		'a chunk is missing',
		'UPDATE acc SET filled = filled - 1 WHERE id = 1',
		'UPDATE acc SET filled = filled + 1 WHERE id = 1'
	],
	[
		'a data revision is in effect twice',
		'UPDATE acc SET bal = bal + 1, stamp = stamp + 1 WHERE id <= 200',
		'UPDATE acc SET bal = bal - 1, stamp = stamp - 1 WHERE id <= 200'
	],
	[
		'a step that is applied says cancelled',
		"UPDATE pgmigrate.run_step s SET state = 'cancelled' FROM pgmigrate.applied a WHERE (a.run, a.step) = (s.run, s.step) AND a.revision = 'r002'",
		"UPDATE pgmigrate.run_step s SET state = 'done' FROM pgmigrate.applied a WHERE (a.run, a.step) = (s.run, s.step) AND a.revision = 'r002'"
	],
	[
		'a row of applied is missing',
		"CREATE TABLE kept AS SELECT * FROM pgmigrate.applied WHERE revision = 'r003'; DELETE FROM pgmigrate.applied WHERE revision = 'r003'",
		'INSERT INTO pgmigrate.applied TABLE kept; DROP TABLE kept'
	],
	[
		'a begun statement is forgotten',
		"UPDATE mark SET dir = 'none' WHERE ctid = (SELECT ctid FROM mark WHERE rev = 'r003' AND dir = 'up' LIMIT 1)",
		"UPDATE mark SET dir = 'up' WHERE dir = 'none'"
	],
	[
		'the run lock is held', "BEGIN; SELECT count(*) FROM pgmigrate.stamp('base')",
		'ROLLBACK'
	]);

# Each with the number of faults that were found by a check.
sub plant
{
	my ($self, $check, @planted) = @_;
	my @found;

	foreach my $plant (@planted)
	{
		my ($name, $sql, $back) = @$plant;
		my $client = $self->connection;
		local $self->{faults} = [];
		local $self->{log} = sub { };

		$client->send($sql);
		$client->finish($patience);
		die "$name: $client->{error}\n" if defined $client->{error};
		$check->($name);
		$client->send($back);
		$client->finish($patience);
		die "$name: $client->{error}\n" if defined $client->{error};
		$client->close;
		push @found, [ $name, scalar @{ $self->{faults} } ];
	}
	return @found;
}

# After run(), at the head.
sub planted
{
	my ($self) = @_;

	return $self->plant(sub { $self->check($_[0]) }, @plants);
}

1;

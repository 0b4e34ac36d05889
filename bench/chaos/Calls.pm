
# Copyright (c) 2026, pgmigrate developers

=head1 NAME

Calls - interrupt what is no upgrade and no downgrade, and look what it leaves

=head1 DESCRIPTION

See README.md.  Each call is made ready, interrupted at a random moment of it,
looked at, made again until it is done, looked at once more, and cleared away.

=cut

package Calls;

use strict;
use warnings;

use Chaos;
use PgMigrate::Ledger;
use Time::HiRes qw(time usleep);

our @ISA = ('Chaos');

my $patience = 90;
my @ways = qw(cancel_caller kill9_caller kill9_worker kill9_postmaster
  terminate_caller terminate_worker client_gone);
my $many = 120;

my $forget = <<'SQL';
SET client_min_messages = error;
SELECT count(*) FROM pgmigrate.stamp('base', purge => true);
DO $d$
DECLARE
	r text;
BEGIN
	LOOP
		SELECT id INTO r FROM pgmigrate.revision v WHERE NOT EXISTS (SELECT FROM pgmigrate.revision w WHERE v.id = ANY (w.down_revision || w.depends_on) OR w.for_schema IS NOT NULL AND v.for_schema IS NULL);
		EXIT WHEN r IS NULL;
		PERFORM pgmigrate.remove(r);
	END LOOP;
END $d$;
SQL

# ---- the calls

sub all_or_none
{
	my ($count, $n) = @_;

	return "SELECT CASE n WHEN 0 THEN 'before' WHEN $n THEN 'done' ELSE n || ' of $n' END FROM (SELECT $count) AS c (n)";
}

sub stored
{
	return
	  "SELECT count(pgmigrate.revision('m' || i, format('CREATE TABLE s%s (id int)', i), format('DROP TABLE s%s', i), id => 's' || i)) FROM generate_series(1, $many) i";
}

# Three tables that an online change has switched.
sub switched
{
	my ($n) = @_;
	my @tables = map { "o${n}_$_" } 1 .. 3;

	return (
		(map { "CREATE TABLE $_ AS SELECT i AS id, i AS v FROM generate_series(1, 3000) i; ALTER TABLE $_ ADD PRIMARY KEY (id)" } @tables),
		"SELECT pgmigrate.revision('o', '"
		  . join('; ', map { "ALTER TABLE $_ ALTER v TYPE bigint" } @tables)
		  . "', id => 'o')",
		"LOAD 'pgmigrate'; SET pgmigrate.online_threshold = 0; SET pgmigrate.online_method = 'table'",
		'SELECT count(*) FROM pgmigrate.upgrade()');
}

sub types
{
	my ($n, $type) = @_;

	return "SELECT count(*) FROM pg_attribute WHERE attrelid IN ('o${n}_1'::regclass, 'o${n}_2'::regclass, 'o${n}_3'::regclass) AND attname = 'v' AND atttypid = '$type'::regtype";
}

# By the name: what makes it ready, the call, its state, and what clears it
# away; "parts": it commits parts of its work; "rows": they say what failed;
# "told": done is who was told so.
sub calls
{
	my ($n) = @_;
	my $tables = join '; ', map { "CREATE TABLE d${n}_$_ (id int PRIMARY KEY, v text)" } 1 .. 40;

	return (
		store => {
			call => stored(),
			state => all_or_none("count(*) FROM pgmigrate.revision WHERE id ~ '^s'", $many)
		},
		amend => {
			ready => [ stored() ],
			call => "SELECT count(pgmigrate.amend('s' || i, message => 'n' || i)) FROM generate_series(1, $many) i",
			state => all_or_none("count(*) FROM pgmigrate.revision WHERE message ~ '^n'", $many)
		},
		remove => {
			ready => [ stored() ],
			call => "SELECT count(pgmigrate.remove('s' || ($many + 1 - i))) FROM generate_series(1, $many) i",
			state => all_or_none("$many - count(*) FROM pgmigrate.revision WHERE id ~ '^s'", $many)
		},
		stamp => {
			ready => [ stored() ],
			call => "SELECT count(*) FROM pgmigrate.stamp('head')",
			state => all_or_none('count(*) FROM pgmigrate.applied', $many)
		},
		load => {
			call => "SELECT count(*) FROM pgmigrate.load_files(ARRAY(SELECT format('V%s__m.sql', i) FROM generate_series(1, $many) i), ARRAY(SELECT format('CREATE TABLE s%s (id int)', i) FROM generate_series(1, $many) i), 'flyway')",
			state => all_or_none('count(*) FROM pgmigrate.revision', $many)
		},
		adopt => {
			ready => [
				'DROP TABLE IF EXISTS goose_db_version',
				'CREATE TABLE goose_db_version (id serial PRIMARY KEY, version_id bigint NOT NULL, is_applied boolean NOT NULL, tstamp timestamp DEFAULT now())',
				"INSERT INTO goose_db_version (version_id, is_applied) SELECT i, true FROM generate_series(0, $many) i"
			],
			call => "SELECT count(*) FROM pgmigrate.adopt('goose')",
			state => all_or_none(
				'count(*) FROM pgmigrate.revision JOIN pgmigrate.applied a ON a.revision = id', $many),
			clean => ['DROP TABLE goose_db_version']
		},
		adopt_drift => {
			ready => [
				"SELECT pgmigrate.revision('first', 'SELECT 1', 'SELECT 1', id => 'first')",
				'SELECT count(*) FROM pgmigrate.upgrade()', $tables
			],
			call => "SELECT pgmigrate.adopt_drift('drift', id => 'drift')",
			state => all_or_none("count(*) FROM pgmigrate.revision JOIN pgmigrate.applied a ON a.revision = id WHERE id = 'drift'", 1),
			clean => [ join '; ', map { "DROP TABLE d${n}_$_" } 1 .. 40 ]
		},
		autogenerate => {
			call => "SELECT pgmigrate.autogenerate('auto', (SELECT string_agg(t, '; ') FROM unnest(ARRAY[\$q\$$tables\$q\$]) t), id => 'auto')",
			state => all_or_none("count(*) FROM pgmigrate.revision WHERE id = 'auto'", 1)
		},
		rehearse => {
			ready => [
				map {
					"SELECT pgmigrate.revision('h', 'CREATE TABLE h${n}_$_ AS SELECT pg_sleep(0.01)::text AS v', 'DROP TABLE h${n}_$_', id => 'h$_')"
				} 1 .. 5
			],
			call => 'SELECT count(*) FROM pgmigrate.rehearse()',
			told => 1
		},
		fleet => {
			parts => 1,
			rows => 1,
			call => "SELECT count(*) FROM pgmigrate.fleet(databases => '{fleet_1,fleet_2,fleet_3}', at_once => 2)",
			fleet => 1
		},
		schemas => {
			parts => 1,
			rows => 1,
			ready => [
				(map { "CREATE SCHEMA f${n}_$_" } 1 .. 3),
				"SELECT pgmigrate.revision('item', 'CREATE TABLE item (id int)', 'DROP TABLE item', id => 'item')"
			],
			call => "SELECT count(*) FROM pgmigrate.fleet(schemas => '{f${n}_1,f${n}_2,f${n}_3}', at_once => 2)",
			state => all_or_none("count(to_regclass(format('f${n}_%s.item', i))) FROM generate_series(1, 3) i", 3),
			clean => [ map { "DROP SCHEMA f${n}_$_ CASCADE" } 1 .. 3 ]
		},
		finalize => {
			parts => 1,
			ready => [ switched($n) ],
			call => 'SELECT count(*) FROM pgmigrate.finalize()',
			state => all_or_none("3 - count(*) FROM pgmigrate.operation WHERE state = 'switched'", 3),
			holds => types($n, 'bigint'),
			clean => [ "DROP TABLE o${n}_1, o${n}_2, o${n}_3" ]
		},
		revert => {
			parts => 1,
			ready => [ switched($n) ],
			call => "SELECT count(*) FROM (SELECT pgmigrate.revert(id) FROM pgmigrate.operation WHERE state = 'switched' ORDER BY id DESC) AS r",
			state => all_or_none("3 - count(*) FROM pgmigrate.operation WHERE state = 'switched'", 3),
			clean => [ "DROP TABLE o${n}_1, o${n}_2, o${n}_3" ]
		},
		rebuild => {
			parts => 1,
			ready => [ "CREATE TABLE b$n AS SELECT i AS id, md5(i::text) AS v FROM generate_series(1, 20000) i; ALTER TABLE b$n ADD PRIMARY KEY (id)" ],
			call => "SELECT count(*) FROM pgmigrate.rebuild('b$n', 'ALTER id TYPE bigint')",
			state => all_or_none("count(*) FROM pg_attribute WHERE attrelid = 'b$n'::regclass AND attname = 'id' AND atttypid = 'bigint'::regtype", 1),
			holds => "SELECT count(*) / 20000 * 3 FROM b$n",
			clean => [ 'SELECT count(*) FROM pgmigrate.finalize()', "DROP TABLE b$n" ]
		},
		watch => {
			call => "SELECT count(pgmigrate.watch('w' || i, 'SELECT * FROM acc WHERE id = \$1', '{1}')) FROM generate_series(1, $many) i",
			clean => [ 'SELECT count(pgmigrate.unwatch(name)) FROM pgmigrate.watched_query' ],
			state => all_or_none('count(*) FROM pgmigrate.watched_query', $many)
		},
		unwatch => {
			ready => [ "SELECT count(pgmigrate.watch('w' || i, 'SELECT * FROM acc WHERE id = \$1', '{1}')) FROM generate_series(1, $many) i" ],
			call => "SELECT count(pgmigrate.unwatch('w' || i)) FROM generate_series(1, $many) i",
			state => all_or_none("$many - count(*) FROM pgmigrate.watched_query", $many)
		},
		compare => {
			ready => [ "CREATE TABLE c${n}_1 AS SELECT i AS id, md5(i::text) AS v FROM generate_series(1, 60000) i; ALTER TABLE c${n}_1 ADD PRIMARY KEY (id); CREATE TABLE c${n}_2 (LIKE c${n}_1 INCLUDING ALL); INSERT INTO c${n}_2 SELECT * FROM c${n}_1 ORDER BY v" ],
			call => "SELECT differences FROM pgmigrate.compare('c${n}_1', 'c${n}_2')",
			told => 1,
			clean => ["DROP TABLE c${n}_1, c${n}_2"]
		});
}

my @names = qw(store amend remove stamp load adopt adopt_drift autogenerate
  rehearse fleet schemas finalize revert rebuild watch unwatch compare);

# ---- what must be

# Of ours, and of no use to anybody when nothing is at work.
my $left = <<'SQL';
SELECT 'role ' || rolname FROM pg_roles WHERE rolname ~ '^pgmigrate'
UNION ALL
SELECT 'slot ' || slot_name FROM pg_replication_slots
UNION ALL
SELECT 'prepared transaction ' || gid FROM pg_prepared_xacts
UNION ALL
SELECT 'lock ' || locktype || ' ' || classid || ' ' || objid FROM pg_locks WHERE locktype IN ('advisory', 'userlock')
UNION ALL
SELECT 'schema ' || nspname FROM pg_namespace WHERE nspname ~ '^pgmigrate_' AND NOT EXISTS (SELECT FROM pgmigrate.operation WHERE state NOT IN ('finalized', 'reverted', 'cancelled'))
UNION ALL
SELECT 'temporary ' || oid::regclass FROM pg_class WHERE relpersistence = 't' AND relname ~ 'pgmigrate'
UNION ALL
SELECT 'event trigger ' || evtname FROM pg_event_trigger WHERE evtname !~ '^pgmigrate_'
SQL

my $scratch = <<'SQL';
SELECT 'database ' || datname FROM pg_database WHERE datname ~ '^pgmigrate_'
SQL

sub state
{
	my ($self, $call) = @_;

	return $self->one($call->{state}) if $call->{state};
	return 'unknown' if !$call->{fleet};
	my $n = 0;
	$n += $self->query('SELECT count(*) FROM pgmigrate.applied', "fleet_$_")->[0][0] foreach 1 .. 3;
	return $n == 0 ? 'before' : $n == 9 ? 'done' : "$n of 9";
}

# With nothing at work.  A process that was killed or terminated leaves its
# scratch databases to the next one that makes some.
sub check
{
	my ($self, $tag, $call, $killed) = @_;

	foreach my $database ($self->{database}, $call->{fleet} ? map { "fleet_$_" } 1 .. 3 : ())
	{
		my $ask = sub { return map { $_->[0] } @{ $self->query($_[0], $database) } };

		$self->fault("$tag: $_") foreach PgMigrate::Ledger::found($ask);
	}
	my $ask = sub { return map { $_->[0] } @{ $self->query($_[0]) } };
	$self->fault("$tag: $_ is left") foreach $ask->($left), $killed ? () : $ask->($scratch);
	my $state = $self->state($call);
	$self->fault("$tag: $state")
	  if !$call->{parts} && $state !~ /^(?:before|done|unknown)$/;
	return $state;
}

# ---- one call

sub worker_of
{
	my ($self) = @_;

	return $self->one(
		"SELECT pid FROM pg_stat_activity WHERE backend_type LIKE 'pgmigrate %' ORDER BY random() LIMIT 1"
	);
}

# True if it was hit.
sub strike
{
	my ($self, $way, $caller, $tag) = @_;
	my $worker = $way =~ /worker/ ? $self->worker_of : 0;

	return 0 if !defined $worker || $caller->pump(0);
	if ($way eq 'cancel_caller' || $way =~ /^terminate/)
	{
		my $function = $way =~ /cancel/ ? 'pg_cancel_backend' : 'pg_terminate_backend';

		$self->try("SELECT $function(" . ($worker || $caller->{pid}) . ')');
	}
	elsif ($way eq 'client_gone')
	{
		$caller->close;
	}
	else
	{
		my $pid = $way eq 'kill9_caller' ? $caller->{pid} : $worker || $self->postmaster;
		my $end = time() + $patience;

		return 0 if !kill 'KILL', $pid;
		usleep(5_000) while kill(0, $pid) && time() < $end;
		if ($way eq 'kill9_postmaster')
		{
			usleep(5_000) while kill(0, $caller->{pid}) && time() < $end;
			$self->start_server;
		}
		$self->connection->close;
	}
	return 1;
}

sub wait_gone
{
	my ($self, $pid, $tag) = @_;
	my $end = time() + $patience;

	while ($self->one("SELECT count(*) FROM pg_stat_activity WHERE pid = $pid AND application_name = 'chaos' AND state <> 'idle' AND pid <> pg_backend_pid()"))
	{
		if (time() > $end)
		{
			$self->fault("$tag: the caller's process stays");
			last;
		}
		usleep(10_000);
	}
	$self->wait_idle($tag);
	return;
}

# Make it, and interrupt it if so asked; the way it was hit, if it was, and its
# error.
sub make
{
	my ($self, $name, $call, $way, $tag) = @_;
	my $caller = $self->connection;
	my $begun = time();
	my $hit = 0;

	$caller->send($call->{call});
	if (defined $way)
	{
		my $end = time() + rand($self->{took}{$name} // 0.1);

		$caller->pump(0.002) while time() < $end && $caller->{sent} && !$caller->{lost};
		$hit = $self->strike($way, $caller, $tag);
	}
	$caller->finish($patience) or $self->fault("$tag: the caller hangs");
	my $lost = $caller->{lost};
	my $error = $caller->{error};
	$self->{took}{$name} = time() - $begun if !defined $way && !defined $error;
	$caller->close;
	$self->wait_gone($caller->{pid}, $tag);
	return ($hit, $lost ? 'lost' : $error);
}

sub ready
{
	my ($self, @sql) = @_;
	my $client = $self->connection;

	foreach my $sql (@sql)
	{
		$client->send($sql);
		$client->finish($patience) or die "it hangs: $sql\n";
		die "$client->{error}: $sql\n" if defined $client->{error};
	}
	$client->close;
	return;
}

sub interrupt
{
	my ($self, $name, @struck) = @_;
	my $n = $self->{calls}++;
	my %calls = calls($n);
	my $call = $calls{$name};
	my $hits = 0;

	$self->ready(@{ $call->{ready} // [] });
	foreach my $way (@struck, (undef) x 4)
	{
		my $tag = "$n $name" . (defined $way ? ", $way" : '');
		my ($hit, $error) = $self->make($name, $call, $way, $tag);

		if ($hit)
		{
			$hits++;
			$self->{events}++;
			$self->{hits}{$name}{$way}++;
		}
		elsif (defined $way)
		{
			$self->{count}{'came too late'}++;
		}
		my $state = $self->check($tag, $call, defined $way && $way ne 'cancel_caller');
		$self->fault("$tag: told done, it is $state")
		  if !defined $error && !$call->{rows} && $state !~ /^(?:done|unknown)$/;
		$self->fault("$tag: told \"$error\", and it is done")
		  if defined $error && $error !~ /^(?:lost$|57P0)/ && !$call->{parts} && $state eq 'done';
		$self->fault("$tag: $error")
		  if defined $error && (!$hit || $error =~ /XX000/);
		last if $call->{told} ? !defined $error : $state eq 'done';
	}
	my $state = $self->state($call);
	$self->fault("$n $name: in the end it is $state")
	  if !$call->{told} && $state ne 'done';
	$self->fault("$n $name: $call->{holds} does not hold")
	  if $call->{holds} && $self->one($call->{holds}) != 3;
	$self->query("SELECT count(*) FROM pgmigrate.diff('CREATE TABLE t ()')")
	  if @{ $self->query($scratch) };
	$self->check("$n $name, done", $call, 0);
	$self->ready(@{ $call->{clean} // [] }) if $call->{clean};
	$self->ready($forget);
	$self->query("SELECT count(*) FROM pgmigrate.downgrade('base')", "fleet_$_")
	  foreach $call->{fleet} ? 1 .. 3 : ();
	return $hits;
}

# ---- the whole

sub setup
{
	my ($self) = @_;

	foreach my $database ($self->{database}, map { "fleet_$_" } 1 .. 3)
	{
		$self->query("DROP DATABASE IF EXISTS $database WITH (FORCE)", 'postgres');
		$self->query("CREATE DATABASE $database", 'postgres');
		$self->query('CREATE EXTENSION pgmigrate', $database);
	}
	foreach my $i (1 .. 3)
	{
		$self->query(
			"SELECT pgmigrate.revision('f', 'CREATE TABLE f$_ AS SELECT pg_sleep(0.05)::text AS v', 'DROP TABLE f$_', id => 'f$_')",
			"fleet_$i") foreach 1 .. 3;
	}
	$self->query('CREATE TABLE acc (id int PRIMARY KEY)');
	return;
}

# Until each call was hit so often, or the seconds are over.
sub run
{
	my ($self, $times, $seconds, @only) = @_;
	my $end = time() + ($seconds // 1e9);
	my %left = map { $_ => $times } @only ? @only : @names;

	$self->{calls} = 0;
	$self->{hits} = {};
	$self->setup;

	# undisturbed, which says how long it takes
	$self->interrupt($_) foreach @only ? @only : @names;
	for my $round (1 .. 4 * $times)
	{
		foreach my $name (grep { $left{$_} > 0 } @only ? @only : @names)
		{
			return scalar @{ $self->{faults} } if time() > $end;
			my @struck = map { $ways[ $self->{turn}++ % @ways ] } 1 .. 2;

			eval { $left{$name} -= $self->interrupt($name, @struck); 1 } or do
			{
				$self->fault("$name: $@");
				return scalar @{ $self->{faults} };
			};
		}
		$self->{log}->("$self->{events} hits in $self->{calls} calls, "
			  . scalar @{ $self->{faults} }
			  . ' faults');
		last if !grep { $_ > 0 } values %left;
	}
	return scalar @{ $self->{faults} };
}

# What must turn the oracle red, and the way back.
my @plants = (
	[ 'a scratch database is left', 'CREATE DATABASE pgmigrate_scratch_1_1', 'DROP DATABASE pgmigrate_scratch_1_1' ],
	[ 'a schema is left', 'CREATE SCHEMA pgmigrate_online_0', 'DROP SCHEMA pgmigrate_online_0' ],
	[ 'a role is left', 'CREATE ROLE pgmigrate_0', 'DROP ROLE pgmigrate_0' ],
	[ 'half is stored', "SELECT pgmigrate.remove('s$many')", "SELECT pgmigrate.revision('m', 'SELECT 1', id => 's$many')" ],
	[ 'a head is not applied', "INSERT INTO pgmigrate.head (revision) VALUES ('s$many')", "DELETE FROM pgmigrate.head WHERE revision = 's$many'" ],
	[ 'a lock is held', 'SELECT pg_advisory_lock(1)', 'SELECT pg_advisory_unlock(1)' ]);

sub planted
{
	my ($self) = @_;
	my %calls = calls(0);
	my @found;

	$self->ready(stored());
	@found = $self->plant(sub { $self->check($_[0], $calls{store}, 0) }, @plants);
	local $self->{faults} = [];
	$self->check('as it was', $calls{store}, 0);
	push @found, [ 'nothing is wrong', @{ $self->{faults} } ? 0 : 1 ];
	$self->ready($forget);
	return @found;
}

1;


# Copyright (c) 2026, pgmigrate developers

=head1 NAME

Operations - kill processes of online changes at random, and look at every row

=head1 DESCRIPTION

See README.md.  One revision after another changes a table online, there and
back, beside writers; each transaction of theirs writes to the table and to
"oracle" alike, which nothing else touches.

=cut

package Operations;

use strict;
use warnings;

use Chaos;
use PgMigrate::Ledger;
use Time::HiRes qw(time usleep);

our @ISA = ('Chaos');

my $rows = 40_000;
my $patience = 90;
my @victims = qw(worker helper caller postmaster);

my $table = <<'SQL';
CREATE TABLE t (id int PRIMARY KEY, v int DEFAULT 7, n int, note text DEFAULT 'new', filled int DEFAULT 0, part int DEFAULT 1, pad text);
CREATE INDEX t_v ON t (v) WHERE v > 0;
CREATE INDEX t_sum ON t ((v + coalesce(n, 0)), note);
COMMENT ON COLUMN t.v IS 'a number';
SQL

# name; up and down of the revision; settings; must the order of columns stay?
my @changes = (
	[ 'backfill', undef, undef, '' ],
	[
		'update',
		'UPDATE t SET filled = 1 WHERE filled IS DISTINCT FROM 1',
		'UPDATE t SET filled = 0 WHERE filled IS DISTINCT FROM 0', ''
	],
	[
		'shadow table',
		'ALTER TABLE t ALTER v TYPE bigint, ALTER note SET DEFAULT \'n\'',
		'ALTER TABLE t ALTER v TYPE int, ALTER note SET DEFAULT \'new\'',
		'SET pgmigrate.online_method = table'
	],
	[
		'shadow column', 'ALTER TABLE t ALTER v TYPE bigint',
		'ALTER TABLE t ALTER v TYPE int', 'SET pgmigrate.online_method = column',
		'any order'
	],
	[
		'constraints',
		'ALTER TABLE t ADD CONSTRAINT t_id CHECK (id > 0), ADD FOREIGN KEY (part) REFERENCES parts, ALTER filled SET NOT NULL, ADD CONSTRAINT t_key UNIQUE (id, part)',
		'ALTER TABLE t DROP CONSTRAINT t_key, ALTER filled DROP NOT NULL, DROP CONSTRAINT t_part_fkey, DROP CONSTRAINT t_id',
		''
	],
	[
		'new column',
		'ALTER TABLE t ADD COLUMN token uuid NOT NULL DEFAULT gen_random_uuid()',
		'ALTER TABLE t DROP COLUMN token', ''
	],
	[
		'index', 'CREATE INDEX t_part ON t (part, id); REINDEX INDEX t_v',
		'DROP INDEX t_part', ''
	],
	[
		'kept column', 'ALTER TABLE t DROP COLUMN pad',
		'ALTER TABLE t ADD COLUMN pad text', ''
	]);

# ---- the application

sub id
{
	return 1 + int rand $rows;
}

# Both tables, the first one first; ids of other ranges are never met again.
sub transaction
{
	my $i = id();
	my $d = 1 + int rand 100;
	my $both = sub { return join '; ', map { $_[0] =~ s/\bT\b/$_/gr } 't', 'oracle' };
	my @kinds = (
		$both->("UPDATE T SET v = v + $d WHERE id = $i"),
		$both->("UPDATE T SET n = NULL, note = NULL WHERE id = $i"),
		$both->("UPDATE T SET n = coalesce(n, 0) + $d, note = 'u' WHERE id BETWEEN $i AND $i + 3"),
		$both->("DELETE FROM T WHERE id = $i"),
		$both->("DELETE FROM T WHERE id BETWEEN $i AND $i + 2"),
		"INSERT INTO t (id, v) VALUES (nextval('fresh'), $d); INSERT INTO oracle (id, v, note) SELECT id, v, note FROM t WHERE id = currval('fresh')",
		"SELECT nextval('moved'); " . $both->("UPDATE T SET id = currval('moved') WHERE id = $i"),
		"BEGIN; UPDATE t SET v = -1 WHERE id BETWEEN $i AND $i + 30; ROLLBACK",
		"BEGIN; DELETE FROM t WHERE id = $i; SELECT 1 / 0; ROLLBACK",
		'BEGIN; ' . $both->("UPDATE T SET v = $d WHERE id = $i")
		  . "; SAVEPOINT a; DELETE FROM t WHERE id BETWEEN $i AND $i + 5; ROLLBACK TO a; COMMIT");

	return $kinds[ rand @kinds ];
}

sub writer
{
	my ($self, $n) = @_;
	my ($client, $stop);

	srand $self->{seed} * 100 + $n;
	local $SIG{TERM} = sub { $stop = 1 };
	until ($stop)
	{
		$client //= Client->new($self->{path}, $self->{database}, $self->{user});
		if ($client)
		{
			foreach my $sql (transaction(), 'ROLLBACK')
			{
				$client->send($sql);
				$client->finish($patience);
			}
			undef $client if $client->{lost};
		}
		usleep($client ? 3_000 : 100_000);
	}
	return;
}

# ---- what must be

my $differing = <<'SQL';
SELECT count(*) FROM (
	(SELECT id, v::int, n, note FROM t EXCEPT ALL TABLE oracle)
	UNION ALL
	(TABLE oracle EXCEPT ALL SELECT id, v::int, n, note FROM t)) AS d
SQL

my $left = <<'SQL';
SELECT 'schema ' || nspname FROM pg_namespace WHERE nspname ~ '^pgmigrate_'
UNION ALL
SELECT 'trigger ' || tgname FROM pg_trigger
WHERE tgrelid = 't'::regclass AND NOT tgisinternal
UNION ALL
SELECT 'index ' || indexrelid::regclass FROM pg_index WHERE NOT indisvalid
UNION ALL
SELECT 'operation ' || id || ', ' || state FROM pgmigrate.operation
WHERE state NOT IN ('finalized', 'reverted', 'cancelled')
SQL

# Columns in their order, or by name; with all that hangs on the table.
sub definition
{
	my ($self, $client, $schema, $any_order) = @_;
	my $by = $any_order ? 'attname' : 'attnum';

	$client->send(<<"SQL");
SELECT string_agg(format('%s %s %s %s %s', attname, format_type(atttypid, atttypmod), attnotnull, pg_get_expr(adbin, adrelid), col_description(attrelid, attnum)), ', ' ORDER BY $by)
FROM pg_attribute LEFT JOIN pg_attrdef ON (adrelid, adnum) = (attrelid, attnum)
WHERE attrelid = '$schema.t'::regclass AND attnum > 0 AND NOT attisdropped
UNION ALL
SELECT string_agg(replace(pg_get_indexdef(indexrelid), '$schema.', '') || indisvalid || indisunique, ', ' ORDER BY indexrelid::regclass::text)
FROM pg_index WHERE indrelid = '$schema.t'::regclass
UNION ALL
SELECT string_agg(conname || ' ' || replace(pg_get_constraintdef(oid), '$schema.', '') || convalidated, ', ' ORDER BY conname)
FROM pg_constraint WHERE conrelid = '$schema.t'::regclass AND contype <> 'n'
SQL
	$client->finish($patience);
	die "$client->{error}\n" if defined $client->{error};
	return join "\n", map { $_->[0] // '' } @{ $client->{rows} };
}

# What the plain statement makes of it, on a table without rows.
sub make_twins
{
	my ($self) = @_;
	my $client = $self->connection;

	foreach my $change (@changes)
	{
		my ($name, $up, undef, undef, $any) = @$change;

		$client->send("BEGIN; SET search_path = plain, public; $up") if defined $up;
		$client->finish($patience);
		die "$name: $client->{error}\n" if defined $client->{error};
		$self->{twin}{$name} = $self->definition($client, 'plain', $any);
		$client->send('ROLLBACK');
		$client->finish($patience);
		$self->{base}{$name} = $self->definition($client, 'plain', $any);
	}
	$client->close;
	return;
}

# With nothing at work; $kept: what the way back needs may be there.
sub check
{
	my ($self, $tag, $change, $is_up, $kept) = @_;
	my ($name, undef, undef, undef, $any) = @$change;
	my $ask = sub { return map { $_->[0] } @{ $self->query($_[0]) } };
	my $client = $self->connection;
	my $definition = $self->definition($client, 'public', $any);

	$client->close;
	$self->fault("$tag: $_") foreach PgMigrate::Ledger::found($ask);
	my $n = $self->one($differing);
	$self->fault("$tag: $n rows differ") if $n != 0;
	if (!$kept)
	{
		$self->fault("$tag: $_ is left") foreach $ask->($left);
		$self->fault("$tag: the table is\n$definition\nand not\n$self->{$is_up ? 'twin' : 'base'}{$name}")
		  if $definition ne $self->{ $is_up ? 'twin' : 'base' }{$name};
	}
	$n = $self->one(
		"SELECT count(*) FROM t WHERE filled IS DISTINCT FROM $self->{filled} AND id NOT BETWEEN 1000000 AND 1999999"
	);
	$self->fault("$tag: $n rows are not filled") if $n != 0;
	$n = $name eq 'new column' && $is_up
	  && $self->one('SELECT count(*) - count(DISTINCT token) FROM t');
	$self->fault("$tag: $n tokens are missing") if $n;
	return;
}

# ---- kills

sub pid_of
{
	my ($self, $victim) = @_;

	return $self->one(
		"SELECT pid FROM pg_stat_activity WHERE backend_type = 'pgmigrate $victim' AND datname = current_database() ORDER BY random() LIMIT 1"
	);
}

# After some time of the call, whose run must be at work; true if it is gone.
sub strike
{
	my ($self, $victim, $caller, $tag) = @_;
	my $worker = $self->pid_of('worker') or return 0;
	my $pid = $victim eq 'worker' ? $worker :
	  $victim eq 'caller' ? $caller->{pid} :
	  $victim eq 'helper' ? $self->pid_of('helper') : $self->postmaster;
	my $end = time() + $patience;

	return 0 if !$pid || $caller->pump(0) || !kill('KILL', $pid);
	usleep(10_000) while kill(0, $pid) && time() < $end;

	# one postmaster restarts what is left, another one has to be started
	usleep(10_000) while kill(0, $worker) && time() < $end;
	$self->fault("$tag: the worker outlives it") if kill 0, $worker;
	$self->start_server if $victim eq 'postmaster';
	$self->connection->close;
	return 1;
}

# One way: call, kill, and call again until it is done.
sub carry_out
{
	my ($self, $tag, $settings, $sql, $done) = @_;
	my $took = $self->{took}{$sql =~ s/\d+//gr} // 1;

	for my $try (1 .. 60)
	{
		my $victim = $try <= 3 ? $victims[ $self->{turn} % @victims ] : undef;
		my $caller = $self->connection;
		my $begun = time();

		foreach my $set ("LOAD 'pgmigrate'", 'SET pgmigrate.online_threshold = 0',
			'SET pgmigrate.online_workers = 2', grep { $_ } $settings)
		{
			$caller->send($set);
			$caller->finish($patience);
		}
		$caller->send($sql);
		if (defined $victim)
		{
			usleep(int(rand($took) * 1e6));

			# a helper is not always there
			my $end = time() + 1;
			usleep(5_000)
			  until $victim ne 'helper' || $caller->pump(0.005)
			  || $self->pid_of('helper') || time() > $end;
			$self->{turn}++;
			if ($self->strike($victim, $caller, $tag))
			{
				$self->{killed}{$victim}++;
				$self->{events}++;
				$self->{kinds}{ $tag =~ s/^\d+ //r }++;
			}
			else
			{
				$self->{count}{'came too late'}++;
			}
		}
		$caller->finish($patience) or $self->fault("$tag: the caller hangs");
		my $error = $caller->{lost} ? undef : $caller->{error};
		$caller->close;
		$self->wait_idle($tag);
		$self->{took}{ $sql =~ s/\d+//gr } = time() - $begun
		  if !defined $victim && !defined $error;
		if ($self->one($done) eq 't')
		{
			$self->{count}{'calls'} += $try;
			return 1;
		}
		$self->{log}->("$tag: $error") if defined $error;
		$self->fault("$tag: $error")
		  if defined $error && $error =~ /differ|duplicate|unexpected|XX000/;
	}
	$self->fault("$tag: not done after 60 calls");
	return 0;
}

# A change there and back.  What is switched is finalized where it can be left
# so: the old type comes back by another change.
sub change
{
	my ($self, $change) = @_;
	my ($name, $up, $down, $settings, $any) = @$change;
	my $n = $self->{changes}++;
	my $id = sprintf 'r%05d', $n;
	my $tag = "$n $name";
	my $idle = "NOT EXISTS (SELECT FROM pgmigrate.operation WHERE state IN ('preparing', 'copying', 'indexing', 'comparing', 'switching', 'failed'))";

	if (!defined $up)
	{
		my $k = 1 - $self->{filled};
		my $call = "SELECT count(*) FROM pgmigrate.backfill('t', 'filled = $k', 'filled IS DISTINCT FROM $k', workers => 2, chunk_time => '5 ms')";

		$self->carry_out($tag, $settings, $call,
			"SELECT $idle AND NOT EXISTS (SELECT FROM t WHERE filled IS DISTINCT FROM $k AND id < 1000000)");
		$self->{filled} = $k;
		$self->check($tag, $change, 0, 0);
		return;
	}
	$self->query(
		"SELECT pgmigrate.revision('$name', \$c\$$up\$c\$, \$c\$$down\$c\$, id => '$id')");
	$self->{filled} = 1 if $name eq 'update';
	$self->carry_out("$tag, up", $settings,
		"SELECT count(*) FROM pgmigrate.upgrade('head')",
		"SELECT $idle AND EXISTS (SELECT FROM pgmigrate.applied WHERE revision = '$id')");
	$self->check("$tag, up", $change, 1, 1);
	if (rand() < 0.5 && $name =~ /table|constraints|new|index/)
	{
		$self->carry_out("$tag, for good", '',
			'SELECT count(*) FROM pgmigrate.finalize()',
			"SELECT NOT EXISTS (SELECT FROM pgmigrate.operation WHERE state = 'switched')");
		$self->check("$tag, for good", $change, 1, 0);
	}
	$self->{filled} = 0 if $name eq 'update';
	$self->carry_out("$tag, down", $settings,
		"SELECT count(*) FROM pgmigrate.downgrade('base')",
		"SELECT $idle AND NOT EXISTS (SELECT FROM pgmigrate.applied WHERE revision = '$id') AND NOT EXISTS (SELECT FROM pgmigrate.revisions WHERE state = 'partly applied')");
	$self->query('SELECT count(*) FROM pgmigrate.finalize()');
	$self->check("$tag, down", $change, 0, 0);
	$self->query("SELECT pgmigrate.remove('$id')");
	return;
}

# ---- the whole

sub setup
{
	my ($self) = @_;

	$self->query("DROP DATABASE IF EXISTS $self->{database} WITH (FORCE)", 'postgres');
	$self->query("CREATE DATABASE $self->{database}", 'postgres');
	$self->query(<<"SQL");
CREATE EXTENSION pgmigrate;
CREATE TABLE parts (part int PRIMARY KEY);
INSERT INTO parts VALUES (1);
CREATE SCHEMA plain;
SET search_path = plain;
$table
RESET search_path;
$table
CREATE TABLE oracle (id int PRIMARY KEY, v int, n int, note text);
CREATE SEQUENCE fresh START 1000000;
CREATE SEQUENCE moved START 2000000;
INSERT INTO t (id, v, n, pad) SELECT g, g, g, repeat('x', 200) FROM generate_series(1, $rows) g;
INSERT INTO oracle SELECT id, v, n, note FROM t;
SQL
	$self->query('VACUUM ANALYZE t');
	$self->make_twins;
	return;
}

# Until so many kills have hit an operation.
sub run
{
	my ($self, $kills, $seconds) = @_;
	my $end = time() + ($seconds // 1e9);

	$self->{turn} = $self->{filled} = $self->{changes} = 0;
	$self->setup;
	$self->start_writers;
	while ($self->{events} < $kills && time() < $end)
	{
		my $change = $changes[ $self->{changes} % @changes ];

		eval { $self->change($change); 1 } or do
		{
			$self->fault("$change->[0]: $@");
			last;
		};
		$self->{log}->("$self->{events} kills in $self->{changes} changes, "
			  . scalar @{ $self->{faults} }
			  . ' faults');
	}
	$self->stop_writers;
	return scalar @{ $self->{faults} };
}

# What must turn the oracle red, and the way back.
my @plants = (
	[ 'a write was lost', 'UPDATE t SET v = v + 1 WHERE id = (SELECT min(id) FROM t)', 'UPDATE t SET v = v - 1 WHERE id = (SELECT min(id) FROM t)' ],
	[ 'a null came back', "UPDATE t SET note = coalesce(note, '') || '?' WHERE id = (SELECT min(id) FROM t)", 'UPDATE t SET note = o.note FROM oracle o WHERE o.id = t.id AND t.note IS DISTINCT FROM o.note' ],
	[ 'a row came back', 'INSERT INTO t (id) VALUES (-1)', 'DELETE FROM t WHERE id = -1' ],
	[ 'a row is missing', 'CREATE TABLE kept AS SELECT * FROM t WHERE id = (SELECT min(id) FROM t); DELETE FROM t WHERE id = (SELECT id FROM kept)', 'INSERT INTO t SELECT * FROM kept; DROP TABLE kept' ],
	[ 'a row was passed over', 'UPDATE t SET filled = 1 - filled WHERE id = (SELECT min(id) FROM t)', 'UPDATE t SET filled = 1 - filled WHERE id = (SELECT min(id) FROM t)' ],
	[ 'a constraint of ours is left', 'ALTER TABLE t ADD CHECK (id IS NOT NULL) NOT VALID', 'ALTER TABLE t DROP CONSTRAINT t_id_check' ],
	[ 'the end state is another', 'ALTER TABLE t ALTER v SET DEFAULT 8', 'ALTER TABLE t ALTER v SET DEFAULT 7' ],
	[ 'a schema of ours is left', 'CREATE SCHEMA pgmigrate_online_0', 'DROP SCHEMA pgmigrate_online_0' ],
	[ 'an index is not valid', "UPDATE pg_index SET indisvalid = false WHERE indexrelid = 't_v'::regclass", "UPDATE pg_index SET indisvalid = true WHERE indexrelid = 't_v'::regclass" ]);

# Each with the number of faults that were found, after run().
sub planted
{
	my ($self) = @_;
	my @found = $self->plant(sub { $self->check($_[0], $changes[0], 0, 0) }, @plants);

	local $self->{faults} = [];
	$self->check('as it was', $changes[0], 0, 0);
	push @found, [ 'nothing is wrong', @{ $self->{faults} } ? 0 : 1 ];
	return @found;
}

1;


# Copyright (c) 2026, pgmigrate developers

# Random pairs of schemas: what leads from one to the other and back, with
# pg_dump as the judge that knows nothing of our model.
#
# DIFF_PAIRS and DIFF_SEED choose how many and which, DIFF_BATCH how many of
# them are one pair of databases, each pair in a schema of its own.  Without
# them the pairs are the same in every run: what fails here fails for whoever
# changed something, not for whoever came at the wrong second.

use strict;
use warnings;

use PgMigrate::RandomSchema;
use PgMigrate::Test;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $pairs = $ENV{DIFF_PAIRS} // 3;
my $batch = $ENV{DIFF_BATCH} // $pairs;
my $seed = $ENV{DIFF_SEED} // 20261129;
my $node = new_node('diff');

# The lines of a dump in an order that columns have no say in.
sub dump_lines
{
	my ($database) = @_;
	my ($dump) = run_command([ 'pg_dump', '-s', '-N', 'pgmigrate', '-d',
			$node->connstr($database) ]);

	return join "\n", sort
	  map { s/^\s+//r =~ s/,$//r }
	  grep { /\S/ && !/^(?:--|\\)/ && !/pgmigrate/ } split /\n/, $dump;
}

sub scratch_databases
{
	return query($node,
		"SELECT count(*) FROM pg_database WHERE datname LIKE 'pgmigrate%'");
}

sub remake
{
	my ($database, $sql) = @_;

	query($node, "DROP DATABASE IF EXISTS $database");
	query($node, "CREATE DATABASE $database");
	query($node, 'CREATE EXTENSION pgmigrate', $database);
	query($node, $sql, $database);
	return;
}

# Both sides of a pair, the same for its number whatever comes before it.
sub pair
{
	my ($n) = @_;

	srand($seed * 100000 + $n);
	return map { random_schema() =~ s/SCH(?![A-Z])/app$n/gr } 1, 2;
}

# Those that an error or a difference names, or all.
sub told
{
	my ($text, $from, $to) = @_;
	my %named = map { $_ => 1 } $text =~ /\bapp(\d+)\b/g;

	foreach my $n (%named ? sort { $a <=> $b } keys %named : sort keys %$from)
	{
		diag("-- pair $n of seed $seed, from\n$from->{$n}\n-- to\n$to->{$n}");
	}
	return;
}

sub same_lines
{
	my ($have, $want, $name, $from, $to) = @_;
	my %have = map { $_ => 1 } split /\n/, $have;
	my %want = map { $_ => 1 } split /\n/, $want;
	my $differ = join "\n", (map { "- $_" } grep { !$have{$_} } sort keys %want),
	  map { "+ $_" } grep { !$want{$_} } sort keys %have;

	ok($have eq $want, $name) or do { diag($differ); told($differ, $from, $to); };
	return;
}

query($node, 'CREATE ROLE regress_reader; CREATE ROLE regress_writer');
note("seed $seed");
for (my $first = 1; $first <= $pairs; $first += $batch)
{
	my $last = $first + $batch - 1 > $pairs ? $pairs : $first + $batch - 1;
	my $name = "pairs $first to $last of seed $seed";
	my (%from, %to, $result, $stdout, $stderr);

	foreach my $n ($first .. $last)
	{
		($from{$n}, $to{$n}) = pair($n);
	}
	my $wanted = join '', map { $to{$_} } sort { $a <=> $b } keys %to;

	# A text that names no owner and no privilege has those that there are.
	$wanted .= "ALTER SCHEMA app$first OWNER TO CURRENT_USER;\n"
	  . "REVOKE CREATE ON SCHEMA app$first FROM regress_writer;\n";

	remake('present', join '', map { $from{$_} } sort { $a <=> $b } keys %from);
	remake('desired', $wanted);
	my $before = dump_lines('present');

	($result, $stdout, $stderr) = $node->psql('present',
		"SELECT pgmigrate.autogenerate('random', \$desired\$$wanted\$desired\$)");
	if (!is($result, 0, "$name: generated and proven"))
	{
		diag($stderr);
		told($stderr =~ s/CONTEXT:  generated SQL.*//sr, \%from, \%to);
		next;
	}
	query($node, "SET client_min_messages = warning; SELECT pgmigrate.upgrade()",
		'present');
	same_lines(dump_lines('present'), dump_lines('desired'),
		"$name: pg_dump finds what is desired", \%from, \%to);
	is(query($node,
			"SET client_min_messages = warning; SELECT count(*) FROM pgmigrate.diff(desired_database => 'desired')",
			'present'),
		'0', "$name: nothing is left to do");
	query($node, "SET client_min_messages = warning; SELECT pgmigrate.downgrade('base')",
		'present');
	same_lines(dump_lines('present'), $before,
		"$name: pg_dump finds what there was", \%from, \%to);
}
is(scratch_databases(), '0', 'no scratch database is left');

# A call that is cancelled drops its databases; of one that is killed the next
# call does.
sub begin_call
{
	my $session = session($node, database => 'present');

	$session->send("SELECT pgmigrate.diff('SELECT pg_sleep(600)')");
	poll($node,
		"SELECT count(*) = 1 FROM pg_stat_activity WHERE wait_event = 'PgSleep' AND backend_type = 'pgmigrate scratch worker'"
	);
	return $session;
}

my $session = begin_call();
query($node, 'SELECT pg_cancel_backend(' . $session->pid . ')');
$session->fails_with('57014', 'a call is cancelled');
is(scratch_databases(), '0', 'its database is dropped');

$session = begin_call();
query($node, 'SELECT pg_terminate_backend(' . $session->pid . ')');
poll($node,
	"SELECT count(*) = 0 FROM pg_stat_activity WHERE backend_type = 'pgmigrate scratch worker'"
);
is(scratch_databases(), '1', 'a call that is killed leaves its database');
poll($node, 'SELECT count(*) = 0 FROM pg_stat_activity WHERE pid = ' . $session->pid);
cmp_ok(query($node, "SELECT count(*) FROM pgmigrate.diff('SELECT 1')", 'present'),
	'>', 0, 'the next call works');
is(scratch_databases(), '0', 'and drops what was left over');

done_testing();

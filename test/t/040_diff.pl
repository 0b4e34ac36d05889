
# Copyright (c) 2026, pgmigrate developers

# Random pairs of schemas: what leads from one to the other and back, with
# pg_dump as the judge that knows nothing of our model.
#
# DIFF_PAIRS and DIFF_SEED choose how many and which.

use strict;
use warnings;

use PgMigrate::Test;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $pairs = $ENV{DIFF_PAIRS} // 3;
my $seed = srand($ENV{DIFF_SEED} // time());
my $node = new_node('diff');

# What a column of this name may be: types that can be cast to each other.
my @numbers = ('int', 'bigint', 'numeric(10,2)', 'positive');
my @texts = ('text', 'varchar(20)', 'mood');
my %types = (
	a => \@numbers,
	b => \@numbers,
	c => \@texts,
	d => \@texts,
	e => [ 'date', 'timestamptz' ],
	f => [ 'int[]', 'bigint[]' ]);
my %defaults = (
	'int' => '7',
	'bigint' => 'twice(3)',
	'text' => "'it''s'",
	'varchar(20)' => "'x'",
	'mood' => "'happy'",
	'timestamptz' => 'now()');

sub chance { return rand() < shift; }
sub pick { return $_[ int(rand(@_)) ]; }

# Columns of a table: always a key, then some of a pool of names.
sub columns
{
	my %columns;

	foreach my $name (sort keys %types)
	{
		$columns{$name} = pick(@{ $types{$name} }) if chance(0.6);
	}
	return %columns;
}

sub column_text
{
	my ($name, $type) = @_;
	my $text = "$name $type";

	$text .= " DEFAULT $defaults{$type}" if $defaults{$type} && chance(0.4);
	$text .= ' NOT NULL' if chance(0.2);
	return $text;
}

sub table_text
{
	my ($table, $others, %columns) = @_;
	my @texts = (pick('id serial', 'id bigint GENERATED ALWAYS AS IDENTITY',
			'id int') . ' PRIMARY KEY');

	push @texts, column_text($_, $columns{$_}) foreach sort keys %columns;
	push @texts, 'g int GENERATED ALWAYS AS (' . pick('id + 1', 'id * 2') .
	  ') STORED'
	  if chance(0.2);
	push @texts, "other int REFERENCES " . pick(@$others) . pick('', ' ON DELETE CASCADE')
	  if @$others && chance(0.5);
	push @texts, 'CHECK (id > ' . int(rand(3)) . ')' if chance(0.3);
	return "CREATE TABLE $table (" . join(', ', @texts) . ")" .
	  pick('', '', ' WITH (fillfactor = 80)') . ";\n";
}

# What may be on a table, by its columns.
sub extras
{
	my ($table, %columns) = @_;
	my @names = sort keys %columns;
	my $sql = '';

	foreach my $name (@names)
	{
		$sql .= "CREATE INDEX ON $table ($name" . pick('', ' DESC') . ")" .
		  pick('', ' WHERE id > 5') . ";\n"
		  if chance(0.25) && $columns{$name} !~ /\[/;
		$sql .= "COMMENT ON COLUMN $table.$name IS '" . pick('one', 'two') . "';\n"
		  if chance(0.2);
	}
	$sql .= "CREATE VIEW ${table}_view AS SELECT " .
	  join(', ', 'id', @names) . " FROM $table;\n"
	  if chance(0.5);
	$sql .= "CREATE MATERIALIZED VIEW ${table}_sum AS SELECT count(*) AS n FROM $table;\n"
	  if chance(0.2);
	$sql .= "CREATE TRIGGER touch BEFORE " . pick('INSERT', 'UPDATE', 'INSERT OR UPDATE') .
	  " ON $table FOR EACH ROW EXECUTE FUNCTION touch();\n"
	  if chance(0.3);
	$sql .= "ALTER TABLE $table ENABLE ROW LEVEL SECURITY;\n" .
	  "CREATE POLICY p ON $table " . pick('', 'FOR SELECT ') .
	  "USING (id > " . int(rand(3)) . ");\n"
	  if chance(0.3);
	$sql .= "GRANT " . pick('SELECT', 'INSERT, SELECT') . " ON $table TO regress_reader;\n"
	  if chance(0.3);
	return $sql;
}

sub schema_text
{
	my @labels = ('sad', 'ok', 'happy', 'fine');
	my @tables;
	my $sql;

	splice(@labels, pick(0, 1, 3), 1) if chance(0.5);
	push @labels, 'happy' if !grep { $_ eq 'happy' } @labels;
	@labels = reverse @labels if chance(0.3);
	$sql = "CREATE SCHEMA app;\nSET search_path = app;\n" .
	  "CREATE TYPE mood AS ENUM (" . join(', ', map { "'$_'" } @labels) . ");\n" .
	  "CREATE DOMAIN positive AS int CHECK (VALUE > " . int(rand(2)) . ");\n" .
	  "CREATE FUNCTION twice(i int) RETURNS " . pick('int', 'bigint') .
	  " LANGUAGE sql AS 'SELECT i * " . pick(2, 3) . "';\n" .
	  "CREATE FUNCTION touch() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';\n" .
	  "GRANT USAGE ON SCHEMA app TO regress_reader;\n";
	foreach my $table ('t1' .. 't5')
	{
		next if chance(0.25);
		my %columns = columns();

		$sql .= table_text($table, [@tables], %columns) . extras($table, %columns);
		push @tables, $table;
	}
	$sql .= "CREATE TABLE log (at date NOT NULL, note text) PARTITION BY RANGE (at);\n" .
	  "CREATE TABLE log_1 PARTITION OF log FOR VALUES FROM ('2020-01-01') TO ('" .
	  pick('2021-01-01', '2022-01-01') . "');\n" .
	  pick('', "CREATE INDEX ON log (at);\n") .
	  pick('', "CREATE TABLE log_2 PARTITION OF log DEFAULT;\n")
	  if chance(0.5);
	foreach my $table (@tables)
	{
		$sql .= "CREATE TABLE ref_$table (id int PRIMARY KEY" .
		  pick(' DEFAULT 1', '') . ");\nALTER TABLE ref_$table ADD " .
		  pick('', 'CONSTRAINT named ') . "FOREIGN KEY (id) REFERENCES $table;\n"
		  if chance(0.3);
	}
	return $sql;
}

# The lines of a dump in an order that columns have no say in.
sub dump_lines
{
	my ($database) = @_;
	my ($dump) = run_command([ 'pg_dump', '-s', '-n', 'app', '-d',
			$node->connstr($database) ]);

	return join "\n", sort
	  map { s/^\s+//r =~ s/,$//r }
	  grep { /\S/ && !/^(?:--|\\)/ } split /\n/, $dump;
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

query($node, 'CREATE ROLE regress_reader');
note("seed $seed");
foreach my $n (1 .. $pairs)
{
	my $from = schema_text();
	my $to = schema_text();
	my ($result, $stdout, $stderr);

	remake('present', $from);
	remake('desired', $to);
	my $before = dump_lines('present');

	($result, $stdout, $stderr) = $node->psql('present',
		"SELECT pgmigrate.autogenerate('random', \$desired\$$to\$desired\$)");
	if (!is($result, 0, "pair $n of seed $seed: generated and proven"))
	{
		diag("$stderr\n-- from\n$from\n-- to\n$to");
		next;
	}
	query($node, "SET client_min_messages = warning; SELECT pgmigrate.upgrade()",
		'present');
	is(dump_lines('present'), dump_lines('desired'),
		"pair $n of seed $seed: pg_dump finds what is desired")
	  or diag("-- from\n$from\n-- to\n$to");
	is(query($node,
			"SELECT count(*) FROM pgmigrate.diff(desired_database => 'desired')",
			'present'),
		'0', "pair $n of seed $seed: nothing is left to do");
	query($node, "SET client_min_messages = warning; SELECT pgmigrate.downgrade('base')",
		'present');
	is(dump_lines('present'), $before,
		"pair $n of seed $seed: pg_dump finds what there was")
	  or diag("-- from\n$from\n-- to\n$to");
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

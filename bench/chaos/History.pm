
# Copyright (c) 2026, pgmigrate developers

=head1 NAME

History - the revisions that bench/chaos interrupts

=head1 DESCRIPTION

Each has, beside its SQL, a query that says whether all of its objects are
there, one that says whether none is, and writes to the table "mark" in either
direction, so that what ran twice shows.  "kind" is "tx" for what is one
transaction and "st" for what commits statement by statement, where the mark is
the first statement.

=cut

package History;

use strict;
use warnings;

use Exporter 'import';

our @EXPORT = qw(history setup_sql);

sub there
{
	my ($name) = @_;

	return "to_regclass('$name') IS NOT NULL";
}

sub valid
{
	my ($name) = @_;

	return "EXISTS (SELECT FROM pg_index WHERE indexrelid = to_regclass('$name') AND indisvalid)";
}

sub column
{
	my ($table, $name) = @_;

	return "EXISTS (SELECT FROM pg_attribute WHERE attrelid = to_regclass('$table') AND attname = '$name' AND NOT attisdropped)";
}

sub rows_are
{
	my ($table, $condition, $n) = @_;

	return "rows_of('$table', \$q\$$condition\$q\$) = $n";
}

sub indexes_are
{
	my ($table, $n) = @_;

	return "(SELECT count(*) FROM pg_index WHERE indrelid = to_regclass('$table')) = $n";
}

# What the revisions and the writers beside them work on.
sub setup_sql
{
	return <<'SQL';
CREATE EXTENSION pgmigrate;
CREATE TABLE mark (rev text, dir text);
CREATE TABLE acc (id int PRIMARY KEY, bal bigint NOT NULL, stamp int NOT NULL DEFAULT 0, filled int NOT NULL DEFAULT 0);
INSERT INTO acc SELECT i, 0 FROM generate_series(1, 1000) i;
CREATE TABLE led (delta int);
CREATE TABLE sw (v int);
INSERT INTO sw VALUES (1);
CREATE FUNCTION rows_of(name text, condition text) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
	n bigint := 0;
BEGIN
	IF to_regclass(name) IS NOT NULL THEN
		EXECUTE format('SELECT count(*) FROM %I WHERE %s', name, condition) INTO n;
	END IF;
	RETURN n;
END $$;
SQL
}

# kind, up, down, there, gone (the opposite unless given)
sub cycle
{
	my ($k) = @_;
	my $t = "t$k";

	return (
		[
			'tx',
			"CREATE TABLE $t (id bigint PRIMARY KEY, v text, n int); INSERT INTO $t SELECT i, md5(i::text), i FROM generate_series(1, 2000) i",
			"DROP TABLE $t",
			there($t)
		],
		[
			'tx',
			"ALTER TABLE $t ADD COLUMN c int NOT NULL DEFAULT $k, ALTER n TYPE bigint",
			"ALTER TABLE $t ALTER n TYPE int, DROP COLUMN c",
			column($t, 'c')
		],
		[
			'st',
			"CREATE INDEX CONCURRENTLY ${t}_v ON $t (v); UPDATE $t SET n = n + 1 WHERE id <= 100; CREATE UNIQUE INDEX CONCURRENTLY ${t}_u ON $t (id, v)",
			"DROP INDEX CONCURRENTLY ${t}_u; DROP INDEX CONCURRENTLY ${t}_v",
			valid("${t}_v") . ' AND ' . valid("${t}_u"),
			"to_regclass('${t}_v') IS NULL AND to_regclass('${t}_u') IS NULL"
		],
		[
			'tx',
			'UPDATE acc SET bal = bal + 1, stamp = stamp + 1 WHERE id <= 200',
			'UPDATE acc SET bal = bal - 1, stamp = stamp - 1 WHERE id <= 200',
			'true', 'true'
		],
		[
			'st',
			"-- pgmigrate: online\nCREATE INDEX acc_o$k ON acc (bal, id);\n-- pgmigrate: online\nALTER TABLE $t ADD CHECK (id > 0), ALTER v SET NOT NULL",
			"ALTER TABLE $t ALTER v DROP NOT NULL, DROP CONSTRAINT ${t}_id_check; DROP INDEX CONCURRENTLY acc_o$k",
			valid("acc_o$k") . " AND EXISTS (SELECT FROM pg_constraint WHERE conname = '${t}_id_check' AND convalidated) AND EXISTS (SELECT FROM pg_attribute WHERE attrelid = to_regclass('$t') AND attname = 'v' AND attnotnull)",
			"to_regclass('acc_o$k') IS NULL AND NOT EXISTS (SELECT FROM pg_constraint WHERE conname = '${t}_id_check')"
		],
		[
			'tx',
			"DO \$d\$ BEGIN FOR i IN 1..10 LOOP EXECUTE format('CREATE TABLE ${t}_d%s (id int)', i); END LOOP; END \$d\$; CREATE TYPE e$k AS ENUM ('a', 'b'); CREATE VIEW ${t}_w AS SELECT id FROM $t",
			"DROP VIEW ${t}_w; DROP TYPE e$k; DO \$d\$ BEGIN FOR i IN 1..10 LOOP EXECUTE format('DROP TABLE ${t}_d%s', i); END LOOP; END \$d\$",
			there("${t}_d10") . ' AND ' . there("${t}_w"),
			"NOT (" . there("${t}_d1") . ') AND NOT (' . there("${t}_w") . ')'
		],
		# fails while sw.v is 0
		[
			'tx', "CREATE TABLE ${t}_f AS SELECT 1 / v AS x FROM sw",
			"DROP TABLE ${t}_f", there("${t}_f")
		],
		[
			'st',
			"CREATE TABLE ${t}_p (id int) PARTITION BY RANGE (id); CREATE TABLE ${t}_p1 PARTITION OF ${t}_p FOR VALUES FROM (0) TO (10); ALTER TABLE ${t}_p DETACH PARTITION ${t}_p1 CONCURRENTLY; REINDEX TABLE CONCURRENTLY $t; VACUUM $t",
			"DROP TABLE ${t}_p1; DROP TABLE ${t}_p",
			there("${t}_p1") . " AND NOT EXISTS (SELECT FROM pg_inherits WHERE inhrelid = to_regclass('${t}_p1'))",
			"NOT (" . there("${t}_p") . ') AND NOT (' . there("${t}_p1") . ')'
		],
		# a copy of the table, dual write and a switch; down reverts it
		[
			'st',
			"-- pgmigrate: online\nALTER TABLE $t ALTER n TYPE numeric(12, 2)",
			"ALTER TABLE $t ALTER n TYPE bigint",
			"(SELECT format_type(atttypid, atttypmod) = 'numeric(12,2)' FROM pg_attribute WHERE attrelid = to_regclass('$t') AND attname = 'n') IS TRUE"
		],
		# range by range
		[
			'st',
			"-- pgmigrate: online\nUPDATE $t SET v = 'x' || id WHERE v NOT LIKE 'x%'",
			"UPDATE $t SET v = md5(id::text) WHERE v LIKE 'x%'",
			rows_are($t, "v LIKE 'x%'", 2000), rows_are($t, "v LIKE 'x%'", 0)
		],
		# an index without a name, and what is no object of the database
		[
			'st',
			"CREATE INDEX CONCURRENTLY ON ${t}_f (x); CREATE DATABASE ${t}_db TEMPLATE template0",
			"DROP DATABASE ${t}_db WITH (FORCE); DROP INDEX CONCURRENTLY ${t}_f_x_idx",
			indexes_are("${t}_f", 1) . " AND EXISTS (SELECT FROM pg_database WHERE datname = '${t}_db')",
			indexes_are("${t}_f", 0) . " AND NOT EXISTS (SELECT FROM pg_database WHERE datname = '${t}_db')"
		]);
}

sub history
{
	my ($cycles, $nap) = @_;
	my @revisions;

	for my $k (1 .. $cycles)
	{
		for my $row (cycle($k))
		{
			my ($kind, $up, $down, $there, $gone) = @$row;
			my $id = sprintf 'r%03d', @revisions + 1;
			my $end = "SELECT pg_sleep($nap)";

			push @revisions,
			  {
				id => $id,
				kind => $kind,
				up => "INSERT INTO mark VALUES ('$id', 'up'); $up; $end",
				down => "INSERT INTO mark VALUES ('$id', 'down'); $down; $end",
				there => $there,
				gone => $gone // "NOT ($there)",
				data => $up =~ /UPDATE acc/ ? 1 : 0,
				online => $up =~ /pgmigrate: online/ ? 1 : 0,
				transactional => $kind eq 'st' ? 'false' : 'NULL'
			  };
		}
	}
	return @revisions;
}

1;


# Copyright (c) 2026, pgmigrate developers

=head1 NAME

PgMigrate::RandomSchema - the SQL of schemas made by chance

=head1 DESCRIPTION

A schema has the same names each time, so that two of them are two versions of
one.  Its own name is SCH; what is in no schema begins with it.  The roles
regress_reader and regress_writer must be there.

=cut

package PgMigrate::RandomSchema;

use strict;
use warnings;

use Exporter 'import';

our @EXPORT = qw(random_schema);

# What a column of this name may be: types that can be cast to each other.
my @numbers = ('int', 'bigint', 'numeric(10,2)', 'positive', 'small');
my @texts = ('text', 'varchar(20)', 'mood', 'text COLLATE "C"', 'text COLLATE own', 'label');
my %types = (
	a => \@numbers,
	b => \@numbers,
	c => \@texts,
	d => \@texts,
	e => [ 'date', 'timestamptz' ],
	f => [ 'int[]', 'bigint[]' ],
	h => ['place'],
	r => ['int4range']);
my %defaults = (
	'int' => '7',
	'bigint' => 'twice(3)',
	'small' => '2',
	'text' => "'it''s'",
	'varchar(20)' => "'x'",
	'mood' => "'happy'",
	'timestamptz' => 'now()',
	'place' => "'(1,2)'",
	'int4range' => "'empty'");

sub chance { return rand() < shift; }
sub pick { return $_[ int(rand(@_)) ]; }

sub is_text { return shift =~ /^(?:text|varchar|label)/; }

# Can be compared, so that it can be in an index.
sub is_scalar { return shift !~ /\[|place|range/; }

# Columns of a table: always a key, then some of a pool of names.
sub columns
{
	my %columns;

	foreach my $name (sort keys %types)
	{
		$columns{$name} = pick(@{ $types{$name} })
		  if chance($name =~ /[hr]/ ? 0.25 : 0.55);
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

sub identity
{
	return 'id bigint GENERATED ' . pick('ALWAYS', 'BY DEFAULT') . ' AS IDENTITY' .
	  pick('', '', ' (START 5 INCREMENT 3)', ' (CACHE 7 CYCLE MAXVALUE 900)');
}

sub table_text
{
	my ($table, $others, %columns) = @_;
	my @texts = (pick('id serial', 'id bigserial', identity(), 'id int') . ' PRIMARY KEY' .
		  pick('', '', ' DEFERRABLE'));
	my $plain = $texts[0] !~ /DEFERRABLE/;

	push @texts, column_text($_, $columns{$_}) foreach sort keys %columns;
	push @texts, 'g int GENERATED ALWAYS AS (' . pick('id + 1', 'id * 2') . ') STORED'
	  if chance(0.2);
	push @texts, "other int REFERENCES " . pick(@$others) .
	  pick('', ' ON DELETE CASCADE', ' ON UPDATE SET NULL', ' DEFERRABLE INITIALLY DEFERRED')
	  if @$others && chance(0.5);
	push @texts, pick('', 'CONSTRAINT named ') . 'CHECK (id > ' . int(rand(3)) . ')' .
	  pick('', '', ' NO INHERIT')
	  if chance(0.3);
	push @texts, 'EXCLUDE USING gist (r WITH ' . pick('&&', '-|-') . ')' .
	  pick('', ' WHERE (id > 3)')
	  if $columns{r} && chance(0.5);
	push @texts, 'UNIQUE ' . pick('(id, a)', '(a)', '(a) DEFERRABLE', 'NULLS NOT DISTINCT (a)')
	  if $columns{a} && chance(0.2);
	return ("CREATE TABLE $table (" . join(', ', @texts) . ")" .
		  pick('', '', ' WITH (fillfactor = 80)', ' WITH (autovacuum_enabled = off, toast.autovacuum_enabled = off)') .
		  ";\n", $plain);
}

sub index_text
{
	my ($table, $name, $type) = @_;
	my $key = pick($name, "$name DESC", "$name NULLS FIRST", "coalesce($name, $name)");

	$key = "lower($name)" if is_text($type) && chance(0.3);
	$key = "$name text_pattern_ops" if $type eq 'text' && chance(0.2);
	return 'CREATE ' . pick('', '', 'UNIQUE ') . 'INDEX ' .
	  pick('', "${table}_$name ") . "ON $table ($key" . pick('', '', ', id') . ')' .
	  pick('', '', ' INCLUDE (id)') . pick('', '', ' WITH (fillfactor = 70)') .
	  pick('', ' WHERE id > 5') . ";\n";
}

# On one column of a table.
sub column_extras
{
	my ($table, $name, $type) = @_;
	my $sql = '';

	$sql .= index_text($table, $name, $type) if is_scalar($type) && chance(0.3);
	$sql .= "CREATE INDEX ON $table USING " . pick('hash', 'brin') . " ($name);\n"
	  if $type =~ /int$|^text$/ && chance(0.1);
	$sql .= "CREATE INDEX ON $table USING gin ($name);\n" if $type =~ /\[/ && chance(0.3);
	$sql .= "COMMENT ON COLUMN $table.$name IS '" . pick('one', 'two') . "';\n"
	  if chance(0.2);
	$sql .= "ALTER TABLE $table ALTER COLUMN $name SET STORAGE " .
	  pick('EXTERNAL', 'MAIN', 'EXTENDED') . ";\n"
	  if is_text($type) && chance(0.2);
	$sql .= "ALTER TABLE $table ALTER COLUMN $name SET COMPRESSION pglz;\n"
	  if is_text($type) && chance(0.15);
	$sql .= "ALTER TABLE $table ALTER COLUMN $name SET STATISTICS " . pick(50, 200) . ";\n"
	  if chance(0.1);
	$sql .= "ALTER TABLE $table ALTER COLUMN $name SET (n_distinct = " . pick(5, -0.5) . ");\n"
	  if chance(0.1);
	$sql .= "GRANT " . pick('SELECT', 'UPDATE') . " ($name) ON $table TO " .
	  pick('regress_reader', 'PUBLIC') . ";\n"
	  if chance(0.1);
	return $sql;
}

sub views
{
	my ($table, @names) = @_;
	my $sql = '';

	if (chance(0.5))
	{
		$sql .= "CREATE VIEW ${table}_view " . pick('', 'WITH (security_barrier) ') .
		  'AS SELECT ' . join(', ', 'id', @names) . " FROM $table;\n";
		$sql .= "CREATE VIEW ${table}_upon AS SELECT * FROM ${table}_view WHERE id > " .
		  pick(1, 2) . ";\n"
		  if chance(0.4);
		$sql .= "ALTER VIEW ${table}_view ALTER COLUMN id SET DEFAULT " . pick(4, 5) . ";\n"
		  if chance(0.2);
		$sql .= "GRANT SELECT ON ${table}_view TO " .
		  pick('PUBLIC', 'regress_reader WITH GRANT OPTION') . ";\n"
		  if chance(0.3);
		$sql .= "COMMENT ON VIEW ${table}_view IS 'seen';\n" if chance(0.2);
	}
	if (chance(0.25))
	{
		$sql .= "CREATE MATERIALIZED VIEW ${table}_sum AS SELECT " .
		  join(', ', 'id', @names) . " FROM $table;\n";
		$sql .= "CREATE " . pick('', 'UNIQUE ') . "INDEX ${table}_sum_id ON ${table}_sum (id);\n"
		  if chance(0.6);
	}
	return $sql;
}

# What may be on a table, by its columns.
sub extras
{
	my ($table, $plain, %columns) = @_;
	my @names = sort keys %columns;
	my $sql = join '', map { column_extras($table, $_, $columns{$_}) } @names;

	$sql .= views($table, @names);
	$sql .= "CREATE TRIGGER touch " . pick('BEFORE', 'AFTER') . ' ' .
	  pick('INSERT', 'UPDATE', 'INSERT OR UPDATE') .
	  " ON $table FOR EACH ROW " . pick('', 'WHEN (NEW.id > 3) ') .
	  "EXECUTE FUNCTION touch();\n" .
	  pick('', '', "ALTER TABLE $table DISABLE TRIGGER touch;\n",
		"ALTER TABLE $table ENABLE ALWAYS TRIGGER touch;\n")
	  if chance(0.3);
	$sql .= "ALTER TABLE $table " . pick('ENABLE', 'FORCE') . " ROW LEVEL SECURITY;\n" .
	  "CREATE POLICY p ON $table " . pick('', 'AS RESTRICTIVE ') . pick('', 'FOR SELECT ') .
	  pick('', 'TO regress_reader ') . "USING (id > " . int(rand(3)) . ");\n"
	  if chance(0.3);
	$sql .= "CREATE RULE r AS ON " . pick('DELETE', 'UPDATE') . " TO $table " .
	  pick('WHERE OLD.id > 4 ', '') . "DO INSTEAD NOTHING;\n"
	  if chance(0.15);
	$sql .= "CREATE STATISTICS ${table}_stat " . pick('', '(ndistinct) ', '(dependencies, mcv) ') .
	  "ON " . pick('id, a', 'a, (id + 1)') . " FROM $table;\n"
	  if $columns{a} && chance(0.3);
	$sql .= "ALTER TABLE $table REPLICA IDENTITY " .
	  pick('FULL', 'NOTHING', $plain ? "USING INDEX ${table}_pkey" : 'FULL') . ";\n"
	  if chance(0.2);
	$sql .= "ALTER TABLE $table CLUSTER ON ${table}_pkey;\n" if chance(0.1);
	$sql .= "GRANT " . pick('SELECT', 'INSERT, SELECT', 'ALL') . " ON $table TO " .
	  pick('regress_reader', 'PUBLIC', 'regress_reader WITH GRANT OPTION') . ";\n"
	  if chance(0.3);
	$sql .= "COMMENT ON TABLE $table IS " . pick("'a table'", "E'of two\\nlines'") . ";\n"
	  if chance(0.2);
	$sql .= "CREATE SEQUENCE ${table}_more " . pick('', 'INCREMENT 5 ', 'AS smallint ') .
	  pick('', "OWNED BY $table.id") . ";\n"
	  if chance(0.15);
	$sql .= "CREATE TABLE ${table}_child (z int" . pick('', ', y text') .
	  ") INHERITS ($table);\n" . pick('', "CREATE INDEX ON ${table}_child (z);\n")
	  if chance(0.15);
	$sql .= "ALTER TABLE $table OWNER TO regress_writer;\n" if chance(0.1);
	return $sql;
}

# Types, functions and what is in no schema.
sub beginning
{
	my @labels = ('sad', 'ok', 'happy', 'fine');

	splice(@labels, pick(0, 1, 3), 1) if chance(0.5);
	push @labels, 'happy' if !grep { $_ eq 'happy' } @labels;
	@labels = reverse @labels if chance(0.3);
	return "CREATE SCHEMA SCH;\nSET search_path = SCH;\n" .
	  "CREATE COLLATION own FROM \"" . pick('C', 'POSIX') . "\";\n" .
	  "CREATE TYPE mood AS ENUM (" . join(', ', map { "'$_'" } @labels) . ");\n" .
	  "CREATE DOMAIN positive AS int CHECK (VALUE > " . int(rand(2)) . ")" .
	  pick('', ' DEFAULT 3') . ";\n" .
	  "CREATE DOMAIN small AS positive CHECK (VALUE < " . pick(100, 200) . ");\n" .
	  "CREATE DOMAIN label AS " . pick('text', 'varchar(30)') . pick('', ' NOT NULL') . ";\n" .
	  "CREATE TYPE place AS (x int, y int);\n" .
	  "CREATE TYPE free AS (x " . pick('int', 'text') . pick('', ', z mood') . ");\n" .
	  "CREATE FUNCTION twice(i int) RETURNS " . pick('int', 'bigint') .
	  " LANGUAGE sql " . pick('', 'IMMUTABLE ', 'STRICT SECURITY DEFINER ') .
	  pick('', 'SET search_path = pg_catalog ') . "AS 'SELECT i * " . pick(2, 3) . "';\n" .
	  "CREATE FUNCTION touch() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';\n" .
	  pick('', 'GRANT USAGE ON SCHEMA SCH TO ' . pick('PUBLIC', 'regress_reader') . ";\n") .
	  pick('', "COMMENT ON TYPE mood IS 'how';\n") .
	  pick('', "REVOKE EXECUTE ON FUNCTION twice(int) FROM PUBLIC;\n") .
	  pick('', "COMMENT ON SCHEMA SCH IS 'mine';\n") .
	  pick('', "GRANT USAGE ON TYPE positive TO regress_reader;\n");
}

sub ending
{
	my (@tables) = @_;
	my $sql = '';

	$sql .= "CREATE PROCEDURE work(i int) LANGUAGE sql AS 'SELECT " . pick(1, 2) . "';\n"
	  if chance(0.3);
	$sql .= "CREATE AGGREGATE most(int) (sfunc = int4larger, stype = int" .
	  pick('', ', initcond = 0') . ");\n"
	  if chance(0.3);
	$sql .= "CREATE PUBLICATION SCH_pub" .
	  (@tables ? ' FOR TABLE ' . pick(@tables) .
		  pick('', ' (id)', ' WHERE (id > 3)', ', TABLES IN SCHEMA SCH') : '') .
	  pick('', " WITH (publish = 'insert')") . ";\n"
	  if chance(0.3);
	$sql .= "CREATE FUNCTION seen() RETURNS event_trigger LANGUAGE plpgsql AS 'BEGIN END';\n" .
	  "CREATE EVENT TRIGGER SCH_event ON ddl_command_end " .
	  pick('', "WHEN TAG IN ('CREATE TABLE') ") . "EXECUTE FUNCTION seen();\n" .
	  pick('', "ALTER EVENT TRIGGER SCH_event DISABLE;\n")
	  if chance(0.2);
	$sql .= "ALTER DEFAULT PRIVILEGES IN SCHEMA SCH GRANT " .
	  pick('SELECT ON TABLES', 'USAGE ON SEQUENCES', 'EXECUTE ON FUNCTIONS') .
	  " TO regress_reader;\n"
	  if chance(0.2);
	$sql .= "CREATE SEQUENCE alone " . pick('', 'INCREMENT 2 ', 'MINVALUE 3 MAXVALUE 90 CYCLE ') .
	  ";\n" . pick('', "GRANT USAGE ON SEQUENCE alone TO regress_reader;\n")
	  if chance(0.3);
	$sql .= "CREATE OPERATOR <=> (LEFTARG = int, RIGHTARG = int, FUNCTION = " .
	  pick('int4eq', 'int4ne') . ");\n"
	  if chance(0.2);
	$sql .= "CREATE VIEW moods AS SELECT unnest(enum_range(NULL::mood)) AS mood;\n"
	  if chance(0.2);
	return $sql;
}

# A table that may be partitioned, by this or by that.
sub log_text
{
	my $columns = '(at date NOT NULL, kind int NOT NULL, note text' .
	  pick('', ', PRIMARY KEY (at, kind)') . ')';
	my $by = pick('none', 'range', 'range', 'list', 'hash');
	my $sql;

	if ($by eq 'none')
	{
		$sql = "CREATE TABLE log $columns;\n";
	}
	elsif ($by eq 'range')
	{
		$sql = "CREATE TABLE log $columns PARTITION BY RANGE (at);\n" .
		  "CREATE TABLE log_1 PARTITION OF log FOR VALUES FROM ('2020-01-01') TO ('" .
		  pick('2021-01-01', '2022-01-01') . "');\n" .
		  pick('', "CREATE TABLE log_2 PARTITION OF log DEFAULT;\n") .
		  pick('', "CREATE TABLE log_3 PARTITION OF log FOR VALUES FROM ('2022-01-01') TO ('2023-01-01') PARTITION BY LIST (kind);\n" .
			"CREATE TABLE log_4 PARTITION OF log_3 FOR VALUES IN (1, 2);\n");
	}
	elsif ($by eq 'list')
	{
		$sql = "CREATE TABLE log $columns PARTITION BY LIST (kind);\n" .
		  "CREATE TABLE log_1 PARTITION OF log FOR VALUES IN (" . pick('1', '1, 2') . ");\n";
	}
	else
	{
		$sql = "CREATE TABLE log $columns PARTITION BY HASH (kind);\n" .
		  "CREATE TABLE log_1 PARTITION OF log FOR VALUES WITH (MODULUS 2, REMAINDER " .
		  pick(0, 1) . ");\n";
	}
	$sql .= "CREATE INDEX ON log (at);\n" if chance(0.5);
	$sql .= "CREATE VIEW log_view AS SELECT at, note FROM log;\n" if chance(0.3);
	$sql .= "CREATE TRIGGER touch AFTER INSERT ON log FOR EACH ROW EXECUTE FUNCTION touch();\n"
	  if chance(0.2);
	return $sql;
}

sub random_schema
{
	my @tables;
	my $sql = beginning();

	foreach my $table ('t1' .. 't5')
	{
		next if chance(0.25);
		my %columns = columns();
		my ($text, $plain) = table_text($table, [@tables], %columns);

		$sql .= $text . extras($table, $plain, %columns);
		push @tables, $table if $plain;
	}
	$sql .= log_text() if chance(0.5);
	foreach my $table (@tables)
	{
		$sql .= "CREATE TABLE ref_$table (id int PRIMARY KEY" .
		  pick(' DEFAULT 1', '') . ");\nALTER TABLE ref_$table ADD " .
		  pick('', 'CONSTRAINT named ') . "FOREIGN KEY (id) REFERENCES $table;\n"
		  if chance(0.2);
	}
	return $sql . ending(@tables);
}

1;

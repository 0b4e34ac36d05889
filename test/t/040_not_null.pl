
# Copyright (c) 2026, pgmigrate developers

# NOT NULL is a constraint since 18, of a domain since 17: it has the name that
# is desired, and is a child's own only where it is desired to be.  On servers
# where it is none, what is generated is proven all the same.

use strict;
use warnings;

use PgMigrate::Test;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = new_node('not_null');

# Each in a schema of its own, from the first to the second and back.
my @cases = (
	[ 'a domain that is made anew',
		'CREATE DOMAIN label AS text NOT NULL; CREATE TABLE t (l label)',
		'CREATE DOMAIN label AS varchar(30) NOT NULL; CREATE TABLE t (l label)' ],
	[ 'a name of a domain that is not the usual one',
		'CREATE DOMAIN label AS text',
		'CREATE DOMAIN label AS text CONSTRAINT x NOT NULL; CREATE DOMAIN d AS int CONSTRAINT y NOT NULL' ],
	[ 'the usual name, which another one has',
		'CREATE TABLE a (b int)',
		'CREATE TABLE a (b int NOT NULL); CREATE DOMAIN a_b AS int CONSTRAINT a_b_not_null NOT NULL' ],
	[ 'a name of a column that is not the usual one',
		'CREATE TABLE t (i int)', 'CREATE TABLE t (i int CONSTRAINT x NOT NULL)' ],
	[ 'what comes from a parent',
		'CREATE TABLE p (i int); CREATE TABLE c (z int) INHERITS (p); CREATE TABLE b () INHERITS (c)',
		'CREATE TABLE p (i int NOT NULL); CREATE TABLE c (z int) INHERITS (p); CREATE TABLE b () INHERITS (c)' ],
	[ 'of a column that a child has too',
		'CREATE TABLE p (i int NOT NULL); CREATE TABLE c (i int) INHERITS (p); CREATE TABLE b () INHERITS (c)',
		'CREATE TABLE p (i int); CREATE TABLE c (i int) INHERITS (p); CREATE TABLE b () INHERITS (c)' ],
	[ 'of one of two children',
		'CREATE TABLE p (i int); CREATE TABLE c () INHERITS (p); CREATE TABLE d () INHERITS (p)',
		'CREATE TABLE p (i int); CREATE TABLE c () INHERITS (p); CREATE TABLE d () INHERITS (p); ALTER TABLE d ALTER i SET NOT NULL' ]);

sub make
{
	my ($database, $side) = @_;
	my $sql = 'CREATE EXTENSION pgmigrate;';

	foreach my $n (0 .. $#cases)
	{
		$sql .= "CREATE SCHEMA s$n; SET search_path = s$n; $cases[$n][$side];";
	}
	query($node, "CREATE DATABASE $database");
	query($node, $sql, $database);
	return;
}

sub are_same
{
	my ($have, $want, $when) = @_;

	foreach my $n (0 .. $#cases)
	{
		my $constraints = qq{
SELECT conname, conrelid::regclass, contypid::regtype, conislocal, coninhcount
FROM pg_constraint WHERE contype = 'n' AND connamespace = 's$n'::regnamespace
ORDER BY 2, 3, 1};

		is(query($node, $constraints, $have), query($node, $constraints, $want),
			"$when: $cases[$n][0]");
	}
	return;
}

make('present', 1);
make('before', 1);
make('desired', 2);
my ($result, $stdout, $stderr) = $node->psql('present', q{
SET client_min_messages = warning;
SELECT pgmigrate.autogenerate('x', desired_database => 'desired');
SELECT pgmigrate.upgrade()});
is($result, 0, 'a revision is generated and runs') or diag($stderr);
are_same('present', 'desired', 'as desired');
query($node, q{
SET client_min_messages = warning;
SELECT pgmigrate.downgrade('base')}, 'present');
are_same('present', 'before', 'as before');

done_testing();

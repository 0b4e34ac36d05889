
# Copyright (c) 2026, pgmigrate developers

# A schema that is compared is that of one moment, whatever changes it
# meanwhile, and comes from other databases in as many messages as it takes.

use strict;
use warnings;

use PgMigrate::Test;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = new_node('snapshot');

# Both readers see the database at the same moment, whatever happens while the
# first of them waits for a lock.
sub meanwhile
{
	my ($sql, $isolation) = @_;
	my $holder = session($node, database => 'meanwhile');
	my $caller = session($node, database => 'meanwhile');

	# nobody is waited for longer than this, or two seconds
	$caller->query(q{SET pgmigrate.lock_timeout = '60s'});
	$holder->query('BEGIN; LOCK TABLE base');
	$caller->query("BEGIN ISOLATION LEVEL $isolation; SELECT 1") if $isolation;
	$caller->send(q{
SELECT pgmigrate.autogenerate('x', $$
CREATE TABLE u (i int, n int);
CREATE TABLE base (i int);
CREATE VIEW v AS SELECT i FROM base;
CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 1'$$)});
	poll($node, 'SELECT count(*) > 0 FROM pg_locks WHERE NOT granted AND pid = ' .
		$caller->pid);
	$holder->query("$sql; COMMIT");
	$caller->result;
	$holder->quit;
	return $caller;
}

query($node, 'CREATE DATABASE meanwhile');
query($node, q{
CREATE EXTENSION pgmigrate;
CREATE TABLE u (i int);
CREATE TABLE base (i int);
CREATE VIEW v AS SELECT i FROM base;
CREATE DOMAIN d AS int CHECK (VALUE > 0);
CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 1'}, 'meanwhile');
my $caller = meanwhile(q{COMMENT ON TABLE u IS 'x'});
unlike($caller->err, qr/ERROR/, 'a change meanwhile is no difference');
$caller->quit;
$caller = meanwhile(q{CREATE OR REPLACE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 2'});
like($caller->err, qr/ERROR:  40001: the schema was changed while it was compared/,
	'one that both see in part is told as what it is');
$caller->quit;
$caller = meanwhile(q{DROP DOMAIN d});
like($caller->err, qr/ERROR:  40001: the schema was changed while it was compared/,
	'so is one that leaves no text of what the snapshot has');
$caller->quit;
$caller = meanwhile(q{CREATE OR REPLACE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 3'},
	'REPEATABLE READ');
like($caller->err, qr/ERROR:  40001: the schema was changed while it was compared/,
	'also where the snapshot of the caller is older than that');
$caller->quit;
$caller = meanwhile(q{ALTER TABLE base RENAME TO renamed});
like($caller->err, qr/ERROR:  40001: the schema was changed while it was compared/,
	'and one that makes the generated text fail is told');
$caller->quit;

# A view that the snapshot still has, over a function that nobody has any more,
# has no text: the server fails, and it is read again.
query($node, q{ALTER TABLE renamed RENAME TO base;
DROP FUNCTION f(); CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 1';
CREATE FUNCTION g() RETURNS int LANGUAGE sql AS 'SELECT 1';
CREATE VIEW w AS SELECT i, g() FROM base}, 'meanwhile');
$caller = meanwhile(q{DROP VIEW w; DROP FUNCTION g()});
unlike($caller->err, qr/ERROR/, 'what is dropped while it is read is no error');
$caller->quit;

# Where it stays so the error of the server is told, and nothing is left over.
query($node, q{
CREATE FUNCTION g() RETURNS int LANGUAGE sql AS 'SELECT 1';
CREATE VIEW w AS SELECT i, g() FROM base;
SET allow_system_table_mods = on;
DELETE FROM pg_proc WHERE proname = 'g'}, 'meanwhile');
my (undef, $lost_out, $lost_err) = $node->psql('meanwhile', q{
SELECT pgmigrate.diff('SELECT 1');
SELECT 'goes on'}, on_error_stop => 0);
like($lost_err, qr/cache lookup failed for function/,
	'what is lost for good is told by the server');
is($lost_out, 'goes on', 'and the session goes on');
is(query($node, q{SELECT count(*) FROM pg_database WHERE datname LIKE 'pgmigrate%'}),
	'0', 'without a scratch database');

# A model of several messages is that of the database.
query($node, 'CREATE DATABASE large');
query($node, q{
CREATE EXTENSION pgmigrate;
DO $$ BEGIN FOR i IN 1..5 LOOP
	EXECUTE format('CREATE FUNCTION public.long_%s() RETURNS text LANGUAGE sql AS %L', i,
		format('SELECT %L', repeat(i::text, 700000)));
END LOOP; END $$;
CREATE TABLE public.of_long (i int);
}, 'large');
query($node, 'CREATE DATABASE desired TEMPLATE large');
query($node, 'ALTER TABLE public.of_long ADD n int', 'desired');
is(query($node, q{
SELECT pgmigrate.diff(desired_database => 'desired')}, 'large'),
	"ALTER TABLE public.of_long\n\tADD COLUMN n integer",
	'only what differs is told of a schema of several megabytes');
is(query($node, q{SET client_min_messages = error;
SELECT pgmigrate.autogenerate('x', desired_database => 'desired') IS NULL}, 'large'),
	'f', 'which is read more than once');

# A text may be as pg_dump, an editor or another system wrote it.
query($node, 'CREATE DATABASE texts');
query($node, 'CREATE EXTENSION pgmigrate; CREATE TABLE t (i int)', 'texts');
foreach my $case (
	[ 'a byte order mark', q{E'\uFEFFCREATE TABLE t (i int);'} ],
	[ 'line ends of Windows', q{E'\\\\restrict x\r\nCREATE TABLE t\r\n(i int);\r\n\\\\unrestrict x\r\n'} ],
	[ 'a dump of one schema', q{'CREATE SCHEMA public; CREATE TABLE public.t (i int)'} ],
	[ 'a dump of a newer pg_dump', q{'SET far_timeout = 0; CREATE TABLE public.t (i int)'} ])
{
	my ($result, $stdout, $stderr) =
	  $node->psql('texts', "SELECT pgmigrate.diff($case->[1])");
	is("$result$stdout$stderr", '0', "$case->[0] is no difference");
}
foreach my $case (
	[ 'comments only', q{E'-- none\n/* nothing */'}, qr/the desired text is empty/ ],
	[ 'a byte order mark only', q{E'\uFEFF'}, qr/the desired text is empty/ ],
	[ 'rows of a table', q{E'CREATE TABLE t (i int);\r\nCOPY t (i) FROM stdin;\r\n1\r\n\\\\.\r\n'}, qr/rows of a table.*after line 2/s ])
{
	my ($result, $stdout, $stderr) =
	  $node->psql('texts', "SELECT pgmigrate.diff($case->[1])");
	like($stderr, $case->[2], "$case->[0] are refused");
}
done_testing();


# Copyright (c) 2026, pgmigrate developers

# Logical replication goes on while its table is changed: on the side that is
# published from, and on the one that is subscribed, where who writes is the
# server, as a replica.  Nothing is lost, doubled or in need of a new copy.

use strict;
use warnings;

use PgMigrate::Test;
use PostgreSQL::Test::Utils;
use Test::More;

my $publisher = new_node('publisher', 'log_statement = none', 'wal_level = logical');
my $subscriber = new_node('subscriber', 'log_statement = none');
my $last = 'ORDER BY operation DESC LIMIT 1';
my $all = 'SELECT id, v::bigint, s, big FROM t ORDER BY id';

my $table = <<'SQL';
CREATE TABLE t (id int PRIMARY KEY, v int, s text, big text);
ALTER TABLE t ALTER big SET STORAGE EXTERNAL;
CREATE INDEX t_v ON t (v);
CREATE INDEX t_s ON t (s);
SQL

query($publisher, <<"SQL");
$table
CREATE TABLE hold ();
INSERT INTO t SELECT g, g, 's', CASE WHEN g % 100 = 0 THEN repeat('b', 5000) END FROM generate_series(1, 20000) g;
CREATE PUBLICATION p FOR TABLE t;
SQL
query($subscriber, $table);
query($subscriber,
	"CREATE SUBSCRIPTION s CONNECTION '" . $publisher->connstr . " dbname=postgres' PUBLICATION p");
poll($subscriber, "SELECT bool_and(srsubstate = 'r') FROM pg_subscription_rel");

# All kinds of writes, until it is told to stop.
my $writes = <<'SQL';
DO $$ DECLARE i int; n int := 0; BEGIN
	WHILE NOT EXISTS (SELECT FROM hold) LOOP
		i := 1 + random() * 19999;
		n := n + 1;
		UPDATE t SET v = v + 1 WHERE id = i;
		UPDATE t SET s = 'u', big = CASE WHEN big IS NULL THEN repeat('n', 3000) END WHERE id = i + 1;
		DELETE FROM t WHERE id = i + 2;
		INSERT INTO t VALUES (i + 2, n, 'i') ON CONFLICT DO NOTHING;
		UPDATE t SET id = 100000 + id WHERE id = i + 3 AND NOT EXISTS (SELECT FROM t WHERE id = i + 100003);
		COMMIT;
	END LOOP;
END $$
SQL

sub start_writer
{
	my $writer = session($publisher);

	query($publisher, 'TRUNCATE hold');
	$writer->send($writes);
	return $writer;
}

sub stop_writer
{
	my ($writer) = @_;

	query($publisher, 'INSERT INTO hold DEFAULT VALUES');
	$writer->result;
	is($writer->err, '', 'nobody was in the way of the writer');
	$writer->quit;
	return;
}

sub same
{
	my ($name) = @_;

	$publisher->wait_for_catchup('s');
	is(query($subscriber, $all), query($publisher, $all), "$name: the rows are the same");
	is(query($subscriber, "SELECT count(*) FROM pg_stat_subscription WHERE subname = 's' AND pid IS NOT NULL"),
		'1', "$name: the subscription is at work");
	return;
}

# Through all phases, with writers before, in each of them and after.
sub change
{
	my ($node, $sql, $action, $name) = @_;
	my $writer = start_writer();
	my $before = query($publisher, 'SELECT pg_current_wal_lsn()');

	is(query($node, $sql), $action, "$name: $action");
	poll($publisher, "SELECT pg_current_wal_lsn() - '$before'::pg_lsn > 100000");
	stop_writer($writer);
	same($name);
	return;
}

sub back
{
	my ($action) = @_;

	return "SELECT action FROM pgmigrate.$action((SELECT operation FROM pgmigrate.operations $last))";
}

my $rebuild = "SELECT action FROM pgmigrate.rebuild('t', 'ALTER v TYPE bigint')";

# where it comes from
change($publisher, $rebuild, 'switched', 'publisher');
is(query($publisher, 'SELECT tablename FROM pg_publication_tables'), 't', 'one table is published');
change($publisher, back('revert'), 'reverted', 'publisher');
change($publisher, $rebuild, 'switched', 'publisher, again');
change($publisher, back('finalize'), 'finalized', 'publisher, again');

# where it goes to
change($subscriber, $rebuild, 'switched', 'subscriber');
query($publisher, 'INSERT INTO t VALUES (900000, 5000000000)');
query($publisher, 'DELETE FROM t WHERE id = 900000');
same('subscriber, a value of the new type');
change($subscriber, back('revert'), 'reverted', 'subscriber');
change($subscriber, $rebuild, 'switched', 'subscriber, again');
change($subscriber, back('finalize'), 'finalized', 'subscriber, again');

# neither side has needed another copy, or a repetition
is(query($publisher, 'SELECT count(*) FROM pg_replication_slots'), '1', 'nor was it copied anew');
foreach my $node ($subscriber, $publisher)
{
	unlike(slurp_file($node->logfile), qr/ERROR:/, $node->name . ': nothing has failed');
	log_is_clean($node);
	$node->stop;
}

done_testing();


# Copyright (c) 2026, pgmigrate developers

# A type is changed, by either way, while others are at the table: readers with
# a snapshot of before the switch, prepared transactions, COPY, MERGE, TRUNCATE.
# What hangs on the table stays: extension, security labels, tablespaces.

use strict;
use warnings;

use PgMigrate::Test;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $dir = PostgreSQL::Test::Utils::tempdir;
my $cc = `pg_config --cc`;
my $headers = `pg_config --includedir-server`;

chomp($cc, $headers);
append_to_file("$dir/label.c", <<'C');
#include "postgres.h"

#include "commands/seclabel.h"
#include "fmgr.h"

PG_MODULE_MAGIC;
PGDLLEXPORT void _PG_init(void);

/* All labels are good. */
static void
relabel(const ObjectAddress *object, const char *label)
{
}

void
_PG_init(void)
{
	register_label_provider("test", relabel);
}
C
my $labels =
  system("$cc -shared -fPIC -I'$headers' -o '$dir/label.so' '$dir/label.c' >'$dir/cc.log' 2>&1") == 0;

my $node = new_node('company', 'autovacuum = off', 'pgmigrate.online_threshold = 0',
	'pgmigrate.lock_deadline = 10min', 'allow_in_place_tablespaces = on',
	"pgmigrate.throttle_query = 'SELECT EXISTS (SELECT FROM public.hold)'",
	$labels ? "shared_preload_libraries = '$dir/label.so'" : ());
my $last = 'ORDER BY operation DESC LIMIT 1';
my $n = 0;

query($node, "CREATE TABLE hold (); CREATE TABLE other (id int); CREATE TABLESPACE apart LOCATION ''; CREATE TABLESPACE indexes LOCATION ''");

sub new_tables
{
	query($node, <<'SQL');
DROP TABLE IF EXISTS t, oracle;
CREATE TABLE t (id int PRIMARY KEY USING INDEX TABLESPACE indexes, v int NOT NULL, s text) TABLESPACE apart;
ALTER TABLE t ALTER s SET STORAGE EXTERNAL;
INSERT INTO t SELECT g, g, repeat('x', CASE g % 100 WHEN 0 THEN 5000 ELSE 5 END) FROM generate_series(1, 2000) g;
CREATE INDEX t_v ON t (v) TABLESPACE indexes;
CREATE INDEX t_s ON t (left(s, 10), v);
CREATE TABLE oracle AS TABLE t;
SQL
	return;
}

# Begin a change, which stands still before the first row is copied.
sub begin
{
	my ($method) = @_;
	my $caller = session($node);
	my $id = 'r' . ++$n;

	revision($node, $id, 'ALTER TABLE t ALTER v TYPE bigint',
		downgrade => "'ALTER TABLE t ALTER v TYPE int'");
	query($node, 'INSERT INTO hold DEFAULT VALUES');
	$caller->query("SET pgmigrate.online_method = '$method'");
	$caller->send('SELECT state FROM pgmigrate.upgrade()');
	poll($node, "SELECT waiting_for ~ 'throttle' FROM pgmigrate.operations $last");
	return $caller;
}

sub reaches
{
	my ($state, $waiting) = @_;

	poll($node, "SELECT state ~ '^($state)\$' AND coalesce(waiting_for, '') ~ '$waiting' FROM pgmigrate.operations $last");
	return;
}

# In both tables, and nobody waits for it.
sub write_both
{
	my ($sql, $name) = @_;
	my $both = join '; ', map { $sql =~ s/\bT\b/$_/gr } 't', 'oracle';

	return is(notices($node, "SET lock_timeout = '5s'; SET client_min_messages = error; BEGIN; $both; COMMIT"), '', $name);
}

sub rows_are_right
{
	my ($name) = @_;

	return is(query($node, "SELECT (SELECT count(*) FROM (SELECT id, v, s FROM t EXCEPT ALL TABLE oracle) d), (SELECT count(*) FROM (SELECT * FROM oracle EXCEPT ALL SELECT id, v, s FROM t) d), count(*) > 0 FROM t"),
		'0|0|t', "$name: the rows are right");
}

sub taken_back
{
	my ($name, $caller) = @_;

	is($caller->query("SELECT state FROM pgmigrate.downgrade('-1')"), 'done', "$name: taken back");
	rows_are_right("$name, taken back");
	query($node, "SELECT pgmigrate.remove('r$n')");
	$caller->quit;
	return;
}

my $all = 'SELECT count(*), sum(v) FROM t';
my $writing = 'UPDATE T SET v = v + 1000 WHERE id % 10 = 3; DELETE FROM T WHERE id % 10 = 4; INSERT INTO T SELECT max(id) + 1, 5 FROM T';

foreach my $method ('table', 'column')
{
	# Who has a snapshot of before the end of the copy is waited for, and hinders
	# nobody; one of after it sees after the switch what it saw before.
	foreach my $level ('REPEATABLE READ', 'SERIALIZABLE')
	{
		my $name = "$method, \L$level";

		new_tables();

		# that is waited for where indexes are built, too
		query($node, 'DROP INDEX t_v, t_s');
		my $caller = begin($method);
		my $old = session($node);
		my $young = session($node);
		$old->query("BEGIN ISOLATION LEVEL $level; SELECT count(*) FROM other");
		query($node, 'DELETE FROM hold');
		reaches('comparing', 'older');
		is($old->query($all), '2000|2001000', "$name: the old snapshot sees all rows");
		write_both($writing, "$name: the application writes meanwhile");
		is($old->query($all), '2000|2001000', "$name: it still does");
		my $now = query($node, $all);
		$young->query("BEGIN ISOLATION LEVEL $level; SELECT count(*) FROM other");
		write_both($writing, "$name: and once more");
		$old->query('COMMIT');
		is($caller->result, 'done', "$name: then it is switched");
		is($young->query("SELECT pg_typeof(v), count(*), sum(v) FROM t GROUP BY 1"), "bigint|$now",
			"$name: a snapshot of before the switch sees its rows, and no empty table");
		is($young->query("SET enable_seqscan = off; SELECT count(*), sum(v) FROM (SELECT id, v FROM t WHERE id > 0) t"), $now,
			"$name: by an index too");
		$young->query('COMMIT');
		rows_are_right($name);
		$_->quit foreach $old, $young;
		taken_back($name, $caller);
	}

	# A prepared transaction has rows in work: while they are copied, and at the
	# switch, there and back.
	foreach my $end ('COMMIT', 'ROLLBACK')
	{
		my $name = "$method, \L$end\E prepared";

		new_tables();
		my $caller = begin($method);
		query($node, "BEGIN; UPDATE t SET v = -1 WHERE id IN (1, 1000); DELETE FROM t WHERE id = 2; INSERT INTO t VALUES (-1, -1, 'new'); PREPARE TRANSACTION 'in work'");
		query($node, 'DELETE FROM hold');
		poll($node, "SELECT waiting_for IS NOT NULL AND waiting_for !~ 'throttle' FROM pgmigrate.operations $last");
		write_both('UPDATE T SET v = v + 7 WHERE id IN (3, 999); DELETE FROM T WHERE id = 4', "$name: the application writes meanwhile");
		query($node, "$end PREPARED 'in work'");
		query($node, "UPDATE oracle SET v = -1 WHERE id IN (1, 1000); DELETE FROM oracle WHERE id = 2; INSERT INTO oracle VALUES (-1, -1, 'new')")
		  if $end eq 'COMMIT';
		is($caller->result, 'done', "$name: it goes on to the switch");
		rows_are_right($name);

		query($node, "BEGIN; UPDATE t SET v = -2 WHERE id IN (5, 998); PREPARE TRANSACTION 'in work'");
		$caller->send("SELECT state FROM pgmigrate.downgrade('-1')");
		poll($node, "SELECT count(*) = 1 FROM pg_stat_activity WHERE backend_type = 'pgmigrate worker' AND wait_event IN ('Extension', 'PgmigrateWait')");
		write_both('UPDATE T SET v = v + 7 WHERE id = 6', "$name: and before the way back");
		is(query($node, 'SELECT DISTINCT pg_typeof(v) FROM t'), 'bigint', "$name: which waits");
		query($node, "$end PREPARED 'in work'");
		query($node, 'UPDATE oracle SET v = -2 WHERE id IN (5, 998)') if $end eq 'COMMIT';
		is($caller->result, 'done', "$name: taken back when it has ended");
		rows_are_right("$name, taken back");
		query($node, "SELECT pgmigrate.remove('r$n')");
		$caller->quit;
	}

	# What writes in other ways than INSERT, UPDATE and DELETE: before the copy,
	# between copy and switch, and after it.
	new_tables();
	my $file = "$dir/rows";
	unlink $file;
	append_to_file($file, join '', map { "$_\t$_\tcopied\n" } 3001 .. 3050);
	chmod 0644, $file;
	my $merge = "MERGE INTO T USING (SELECT generate_series(1990, 2010) AS id) n ON T.id = n.id WHEN MATCHED AND n.id % 2 = 0 THEN DELETE WHEN MATCHED THEN UPDATE SET v = v + 1 WHEN NOT MATCHED THEN INSERT VALUES (n.id, 1, 'merged')";
	my $copy = "COPY T (id, v, s) FROM '$file'; UPDATE T SET id = -id WHERE id > 3000";
	my $truncate = 'TRUNCATE T; INSERT INTO T SELECT g, g, \'anew\' FROM generate_series(1, 500) g';
	my $caller = begin($method);
	my $old = session($node);
	$old->query('BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT count(*) FROM other');
	write_both($_, "$method: " . (split ' ')[0] . ' before the copy') foreach $merge, $copy;
	query($node, 'DELETE FROM hold');
	reaches('indexing|comparing', '');
	write_both("$merge; DELETE FROM T WHERE id < -3000; $copy", "$method: MERGE and COPY before the switch");
	$old->query('COMMIT');
	is($caller->result, 'done', "$method: switched");
	rows_are_right("$method, MERGE and COPY");
	write_both("$merge; DELETE FROM T WHERE id < -3000; $copy", "$method: MERGE and COPY after the switch");
	taken_back("$method, MERGE and COPY", $caller);

	# One who truncates waits while an index of the copy is built.
	new_tables();
	query($node, 'DROP INDEX t_v, t_s');
	$caller = begin($method);
	$old->query('BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT count(*) FROM other');
	write_both("$truncate; DELETE FROM T WHERE id = 1", "$method: TRUNCATE before the copy");
	query($node, 'DELETE FROM hold');
	reaches('comparing', 'older');
	write_both($truncate, "$method: TRUNCATE before the switch");
	$old->query('COMMIT');
	is($caller->result, 'done', "$method: switched");
	rows_are_right("$method, TRUNCATE");
	write_both($truncate, "$method: TRUNCATE after the switch");
	taken_back("$method, TRUNCATE", $caller);
	$old->quit;

	# What hangs on it
	new_tables();
	my $hangs = <<'SQL';
SELECT c.relname, coalesce((SELECT spcname FROM pg_tablespace s WHERE s.oid = c.reltablespace), '-'),
	(SELECT e.extname FROM pg_depend d JOIN pg_extension e ON e.oid = d.refobjid WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.refclassid = 'pg_extension'::regclass AND d.deptype = 'e'),
	(SELECT string_agg(coalesce((SELECT attname FROM pg_attribute WHERE attrelid = objoid AND attnum = objsubid), '') || ' ' || label, ',' ORDER BY label) FROM pg_seclabel l WHERE l.objoid = c.oid AND l.classoid = 'pg_class'::regclass)
FROM (SELECT oid, CASE WHEN oid = (SELECT reltoastrelid FROM pg_class WHERE oid = 't'::regclass) THEN 'toast' ELSE relname END AS relname, reltablespace FROM pg_class
	WHERE oid IN ('t'::regclass, (SELECT reltoastrelid FROM pg_class WHERE oid = 't'::regclass)) OR oid IN (SELECT indexrelid FROM pg_index WHERE indrelid = 't'::regclass)) c
WHERE c.relname !~ '^pgmigrate_' ORDER BY 1
SQL
	query($node, 'ALTER EXTENSION plpgsql ADD TABLE t');
	if ($labels)
	{
		query($node, "SECURITY LABEL FOR test ON TABLE t IS 'of the table'; SECURITY LABEL FOR test ON COLUMN t.s IS 'of a column'");
		query($node, "SECURITY LABEL FOR test ON COLUMN t.v IS 'of what changes'") if $method eq 'table';
	}
	my $before = query($node, $hangs);
	like($before, qr/^t\|apart\|plpgsql\|.*^t_pkey\|indexes\|\|.*^t_s\|-\|\|.*^t_v\|indexes\|\|.*^toast\|apart\|/ms,
		"$method: the table is somewhere, and belongs to something");
	like($before, qr/of a column/, "$method: it has labels") if $labels;
	$caller = begin($method);
	query($node, 'DELETE FROM hold');
	is($caller->result, 'done', "$method: the table is changed");
	is(query($node, "SELECT method, state FROM pgmigrate.operations $last"), "$method|switched", "$method: in this way");
	is(query($node, $hangs), $before, "$method: all is where it was");
	is(query($node, "SELECT count(*) FROM pg_depend d JOIN pg_extension e ON e.oid = d.refobjid AND d.refclassid = 'pg_extension'::regclass WHERE extname = 'plpgsql' AND d.classid = 'pg_class'::regclass"),
		'1', "$method: the extension has got nothing more");
	is($caller->query("SELECT state FROM pgmigrate.downgrade('-1')"), 'done', "$method: taken back");
	is(query($node, $hangs), $before, "$method: all is where it was");
	is($caller->query('SELECT state FROM pgmigrate.upgrade()'), 'done', "$method: once more");
	query($node, 'SELECT * FROM pgmigrate.finalize()');
	is(query($node, $hangs), $before, "$method: for good");
	query($node, 'ALTER EXTENSION plpgsql DROP TABLE t');
	$caller->quit;
	query($node, "SELECT pgmigrate.downgrade('-1'); SELECT pgmigrate.remove('r$n')");
}

log_is_clean($node);
$node->stop;
done_testing();

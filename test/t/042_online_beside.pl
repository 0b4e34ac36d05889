
# Copyright (c) 2026, pgmigrate developers

# What else may go on with a table while it is changed: TRUNCATE, VACUUM FULL,
# other definitions, values that do not fit, code of others.

use strict;
use warnings;

use File::Temp qw(tempdir);
use PgMigrate::Test;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = new_node('beside', 'log_statement = none');
my $last = 'ORDER BY operation DESC LIMIT 1';

sub new_table
{
	my ($more) = @_;

	query($node, 'DROP TABLE IF EXISTS t CASCADE');
	query($node, "CREATE TABLE t (id int PRIMARY KEY, v int, s text);
INSERT INTO t SELECT g, g, 's' FROM generate_series(1, 1000) g; " . ($more // ''));
	return;
}

# Start a change, and hold it before it compares: an old snapshot does.
sub hold
{
	my ($change) = @_;
	my $caller = session($node);
	my $old = session($node);

	$old->query('BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT count(*) FROM pg_class');
	$caller->send("SELECT action FROM pgmigrate.rebuild('t', \$c\$$change\$c\$)");
	poll($node, "SELECT state = 'comparing' FROM pgmigrate.operations $last");
	return ($caller, $old);
}

sub release
{
	my ($caller, $old) = @_;
	my $result;

	$old->query('COMMIT');
	$result = $caller->result;
	$_->quit foreach $caller, $old;
	return $result eq '' ? $caller->err : $result;
}

sub rows
{
	return query($node,
		"SELECT count(*), sum(v), count(DISTINCT v) FROM t");
}

sub finish
{
	my ($action) = @_;

	return query($node,
		"SELECT action FROM pgmigrate.$action((SELECT operation FROM pgmigrate.operations $last))"
	);
}

my $to_bigint = 'ALTER v TYPE bigint';

# TRUNCATE
new_table();
my @held = hold($to_bigint);
query($node, "TRUNCATE t; INSERT INTO t VALUES (5, 5, 'after')");
is(release(@held), 'switched', 'TRUNCATE in between');
is(rows(), '1|5|1', 'only the rows after it are there');
query($node, "TRUNCATE t; INSERT INTO t VALUES (6, 6, 'later')");
is(finish('revert'), 'reverted', 'TRUNCATE after the switch');
is(rows(), '1|6|1', 'reverted, only the rows after it are there');

# One that is rolled back
new_table();
@held = hold($to_bigint);
query($node, "BEGIN; TRUNCATE t; INSERT INTO t VALUES (5, 5, 'after'); ROLLBACK");
is(release(@held), 'switched', 'TRUNCATE rolled back');
is(rows(), '1000|500500|1000', 'all rows are there');
finish('finalize');

# Rows move to another file.
new_table();
@held = hold($to_bigint);
query($node, 'VACUUM FULL t');
query($node, 'UPDATE t SET v = v + 1 WHERE id <= 10');
is(release(@held), 'switched', 'VACUUM FULL in between');
is(rows(), '1000|500510|999', 'all rows are there after it');
query($node, 'VACUUM FULL t; CLUSTER t USING t_pkey; REINDEX TABLE t');
query($node, 'UPDATE t SET v = v + 1 WHERE id <= 10');
is(finish('revert'), 'reverted', 'VACUUM FULL after the switch');
is(rows(), '1000|500520|998', 'all rows are there when reverted');

# Replication does not get round the triggers, nor does an empty search_path.
new_table();
@held = hold($to_bigint);
query($node, "SET session_replication_role = replica; SET search_path = ''; UPDATE public.t SET v = -v WHERE id = 7");
is(release(@held), 'switched', 'session_replication_role = replica');
is(query($node, 'SELECT v FROM t WHERE id = 7'), '-7', 'is followed');
finish('finalize');

# Others change the definition.
foreach my $ddl (
	'ADD COLUMN n int',
	'ADD CONSTRAINT u UNIQUE (v)', 'OWNER TO pg_monitor')
{
	new_table();
	@held = hold($to_bigint);
	query($node, "ALTER TABLE t $ddl");
	like(
		release(@held),
		qr/definition of table .* has changed.*HINT: .*begins anew/s,
		"$ddl in between ends it, and the hint is to begin anew");
	is( query($node, "SELECT count(*) FROM pg_namespace WHERE nspname LIKE 'pgmigrate\\_online%'"),
		'0',
		"$ddl: nothing is left");
	is(rows(), '1000|500500|1000', "$ddl: all rows are there");
}
new_table();
@held = hold($to_bigint);
fails($node, 'ALTER TABLE t ALTER v TYPE numeric',
	'0A000', 'the type of a column that changes is held');
fails($node, 'ALTER TABLE t DROP COLUMN s',
	'2BP01', 'and so is a column');
query($node, 'DROP TABLE t');
like(release(@held), qr/was dropped|does not exist/, 'DROP TABLE ends it');

# A value that does not fit fails nobody but the change.
new_table();
@held = hold('ALTER v TYPE smallint');
query($node, 'UPDATE t SET v = 100000 WHERE id = 9');
like(release(@held), qr/out of range/, 'a value that does not fit ends it');
is(rows(), '1000|600491|1000', 'but was written');
new_table();
@held = hold('ALTER v TYPE smallint, ADD CHECK (id < 5000)');
query($node, 'UPDATE t SET v = 100000 WHERE id = 9');
query($node, "INSERT INTO t VALUES (6000, 1, 's')");
query($node, 'UPDATE t SET v = 9 WHERE id = 9; DELETE FROM t WHERE id = 6000');
is(release(@held), 'switched', 'one that was mended is none');
is(rows(), '1000|500500|1000', 'mended rows are there');
query($node, 'UPDATE t SET v = 12 WHERE id = 9');
is(finish('revert'), 'reverted', 'and back');
is(query($node, 'SELECT v FROM t WHERE id = 9'), '12', 'with what was written');

# After the switch: what fits again is no obstacle.
new_table();
@held = hold($to_bigint);
is(release(@held), 'switched', 'to bigint');
query($node, 'UPDATE t SET v = 5000000000 WHERE id IN (1, 2, 3)');
fails($node,
	"SELECT pgmigrate.revert((SELECT operation FROM pgmigrate.operations $last))",
	qr/22000: 3 rows written since the switch do not fit/, 'three rows do not fit');
query($node, 'UPDATE t SET v = 1 WHERE id = 1; DELETE FROM t WHERE id = 2; UPDATE t SET id = 3000, v = 3 WHERE id = 3');
is(finish('revert'), 'reverted', 'when they do it is reverted');
is(rows(), '999|500498|999', 'with all rows');

# A writer with triggers that write, in functions, exceptions, cursors.
new_table(<<'SQL');
CREATE FUNCTION again() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	IF TG_OP = 'DELETE' THEN
		INSERT INTO t VALUES (OLD.id, OLD.v + 1, 'reborn') ON CONFLICT DO NOTHING;
	ELSIF NEW.s = 'swap' THEN
		UPDATE t SET id = id + 5000, s = 'swapped' WHERE id = NEW.id;
		UPDATE t SET id = id - 5000 WHERE id = NEW.id + 5000;
	ELSIF NEW.s = 'gone' THEN
		DELETE FROM t WHERE id = NEW.id AND s = 'gone';
	END IF;
	RETURN NULL;
END $$;
CREATE TRIGGER again AFTER INSERT OR UPDATE OR DELETE ON t FOR EACH ROW WHEN (pg_trigger_depth() < 2) EXECUTE FUNCTION again();
SQL
@held = hold('ALTER v TYPE numeric, ALTER id TYPE bigint');
query($node, <<'SQL');
DELETE FROM t WHERE id BETWEEN 1 AND 10;
UPDATE t SET s = 'swap' WHERE id BETWEEN 11 AND 20;
INSERT INTO t VALUES (2001, 1, 'gone'), (2002, 1, 'swap'), (2003, 1, 'x');
UPDATE t SET id = id + 10000 WHERE id BETWEEN 21 AND 40;
UPDATE t SET id = id - 1 WHERE id = 10021;
DO $$
DECLARE r record; BEGIN
	FOR r IN SELECT * FROM t WHERE id BETWEEN 50 AND 60 FOR UPDATE LOOP
		BEGIN
			UPDATE t SET v = r.v * 2 WHERE id = r.id;
			IF r.id % 2 = 0 THEN RAISE EXCEPTION 'no'; END IF;
		EXCEPTION WHEN raise_exception THEN
			UPDATE t SET s = 'caught' WHERE id = r.id;
		END;
	END LOOP;
END $$;
WITH a AS (UPDATE t SET v = 0 WHERE id BETWEEN 70 AND 80 RETURNING id), b AS (DELETE FROM t WHERE id BETWEEN 81 AND 90 RETURNING *)
INSERT INTO t SELECT id + 20000, v, s FROM b;
COPY (SELECT g, g, 'copied' FROM generate_series(30000, 30010) g) TO '/dev/null';
INSERT INTO t SELECT g, g, 'many' FROM generate_series(40000, 40500) g;
SQL
query($node, 'CREATE TABLE expected AS SELECT id::bigint, v::numeric, s FROM t');
is(release(@held), 'switched', 'triggers that write to the table');
is( query($node, 'SELECT count(*) FROM ((SELECT * FROM t EXCEPT ALL SELECT * FROM expected) UNION ALL (SELECT * FROM expected EXCEPT ALL SELECT * FROM t)) d'),
	'0',
	'the rows are what they were');
query($node, 'DELETE FROM t WHERE id BETWEEN 100 AND 110; UPDATE t SET s = \'swap\' WHERE id BETWEEN 111 AND 120; DROP TABLE expected; CREATE TABLE expected AS SELECT id::int, v::int, s FROM t');
is(finish('revert'), 'reverted', 'back');
is( query($node, 'SELECT count(*) FROM ((SELECT * FROM t EXCEPT ALL SELECT * FROM expected) UNION ALL (SELECT * FROM expected EXCEPT ALL SELECT * FROM t)) d'),
	'0',
	'the rows are what they were, again');

# Rights: the owner's code has the owner's rights, whoever writes.
query($node, <<'SQL');
DROP TABLE t;
CREATE ROLE owner_of_t LOGIN;
CREATE ROLE writer LOGIN;
GRANT CREATE ON SCHEMA public TO owner_of_t;
SELECT pgmigrate.grant_access('owner_of_t', 'operator');
SELECT pgmigrate.grant_access('writer', 'operator');
CREATE TABLE seen (who text, whole text);
GRANT ALL ON seen TO PUBLIC;
SET ROLE owner_of_t;
CREATE TABLE t (id int PRIMARY KEY, v int, s text);
INSERT INTO t SELECT g, g, 's' FROM generate_series(1, 10) g;
GRANT ALL ON t TO writer;
CREATE FUNCTION spy(int) RETURNS bigint LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
	IF current_user <> 'owner_of_t' THEN RAISE WARNING 'ran as %', current_user; RETURN -1; END IF;
	PERFORM set_config('role', 'none', true);
	RETURN $1;
EXCEPTION WHEN insufficient_privilege THEN RETURN $1;
END $$;
SQL
fails($node, "SET ROLE writer; SELECT pgmigrate.rebuild('t', 'ALTER v TYPE bigint')",
	'42501', 'who does not own it cannot change it');
@held = hold('ALTER v TYPE bigint USING spy(v)');
query($node, "SET ROLE writer; UPDATE t SET v = v + 100; RESET ROLE; UPDATE t SET v = v + 1");
is(release(@held), 'switched', 'an expression with a function of the owner');
is(query($node, 'SELECT min(v), max(v) FROM t'), '102|111', 'it ran as the owner');
fails($node, "SET ROLE writer; SELECT pgmigrate.revert((SELECT operation FROM pgmigrate.operations $last))",
	'42501', 'nor revert it');
fails($node, "SET ROLE writer; SELECT pgmigrate.finalize((SELECT operation FROM pgmigrate.operations $last))",
	'42501', 'nor finalize it');
is(query($node, 'SET ROLE writer; SELECT count(*) FROM pgmigrate.finalize()'),
	'0', 'nor with all');
fails($node, 'SET ROLE writer; CREATE TABLE own (id int); CREATE TRIGGER x AFTER INSERT ON own FOR EACH ROW EXECUTE FUNCTION pgmigrate.online_row()',
	'42501', 'nor make such a trigger');
fails($node, 'CREATE TABLE own (id int); CREATE TRIGGER x AFTER INSERT ON own FOR EACH ROW EXECUTE FUNCTION pgmigrate.online_row(1, 2, 3, 4, 5, 6); INSERT INTO own VALUES (1)',
	'39P01', 'which does nothing on any table');
query($node, "SET ROLE owner_of_t; SELECT pgmigrate.revert((SELECT operation FROM pgmigrate.operations $last))");

# The owner tampers with what is his, beside.
@held = hold('ALTER v TYPE bigint');
my $beside = query($node, "SELECT format('%I.t', details->>'schema') FROM pgmigrate.operations $last");
for my $tamper (
	[ 'ALTER TABLE % ALTER v TYPE text', '0A000', 'a copy is not rewritten' ],
	[ 'ALTER TABLE % ALTER v TYPE bigint USING 0', '0A000', 'nor are its values' ],
	[ 'UPDATE % SET v = 0', '42501', 'nor written' ],
	[ 'TRUNCATE %', '42501', 'nor emptied' ])
{
	my ($sql, $sqlstate, $name) = @$tamper;

	$sql =~ s/%/$beside/;
	fails($node, "SET ROLE owner_of_t; $sql", $sqlstate, "$name by another");
}
query($node, "SET ROLE owner_of_t; ALTER TABLE $beside ALTER v SET NOT NULL");
query($node, 'UPDATE t SET v = 1 WHERE id = 1');
like(release(@held), qr/differ: column "v"/, 'what it demands else is noticed');

# Of several that are finalized only the first is waited for, since it is
# locked until the others are done.
query($node, 'CREATE TABLE quiet (id int PRIMARY KEY); CREATE TABLE busy (id int PRIMARY KEY)');
query($node, "SELECT * FROM pgmigrate.rebuild('$_', 'ALTER id TYPE bigint')") foreach qw(quiet busy);
my $user = session($node);
$user->query('BEGIN; INSERT INTO busy VALUES (1)');
is( query($node,
		"SET pgmigrate.lock_deadline = '1h'; SELECT string_agg(relation::text, ' ') FROM pgmigrate.finalize() WHERE relation::text ~ 'quiet|busy'"
	),
	'public.quiet',
	'finalize() holds no table while it waits for another');
$user->query('COMMIT');
$user->quit;
is(query($node, "SELECT string_agg(relation::text, ' ') FROM pgmigrate.finalize() WHERE relation::text ~ 'quiet|busy'"),
	'public.busy', 'which is for the next call');

# finalize_after
@held = hold('ALTER v TYPE bigint');
is(release(@held), 'switched', 'switched');
finish('revert');
query($node, 'ALTER ROLE owner_of_t SET pgmigrate.finalize_after = 1');
my $session = session($node, user => 'owner_of_t');
is($session->query("SELECT action FROM pgmigrate.rebuild('t', 'ALTER v TYPE bigint')"),
	'switched', 'with pgmigrate.finalize_after');
is( $session->query("SELECT revert_until > now(), revert_until < now() + '2 s' FROM pgmigrate.operations $last"),
	't|t',
	'it says until when');
$session->query('CREATE TABLE t2 (id int PRIMARY KEY)');
poll($node, "SELECT revert_until < now() FROM pgmigrate.operations $last");
is($session->query("SELECT action FROM pgmigrate.rebuild('t2')"),
	'switched', 'the next change');
like($session->err, qr/is finalized, its time to be reverted is over/,
	'finalizes it');
$session->quit;

# What is left of a large copy after a way back, when nobody could drop it.
foreach my $who ('finalize', 'the next change')
{
	new_table();
	query($node,
		"ALTER TABLE t ALTER s SET STORAGE EXTERNAL; UPDATE t SET s = repeat('x', 2000000) WHERE id <= 10");
	query($node, "SELECT pgmigrate.rebuild('t', 'ALTER v TYPE bigint')");
	query($node,
		"BEGIN; SELECT pgmigrate.revert(max(operation)) FROM pgmigrate.operations; PREPARE TRANSACTION 'back'");
	$node->stop('immediate');
	$node->start;
	query($node, "COMMIT PREPARED 'back'");
	my $operation =
	  query($node, "SELECT operation FROM pgmigrate.operations $last");
	my $state =
	  "SELECT state, phase, (SELECT count(*) FROM pg_namespace WHERE nspname = 'pgmigrate_online_$operation') FROM pgmigrate.operations WHERE operation = $operation";
	is(query($node, $state), 'reverted|dropping the copy|1', 'it is left');
	is( query(
			$node,
			$who eq 'finalize'
			? "SELECT relation, action FROM pgmigrate.finalize($operation)"
			: "SELECT relation_name, action FROM pgmigrate.rebuild('t')"),
		$who eq 'finalize' ? 'public.t|dropped' : 'public.t|switched',
		"$who goes on");
	is(query($node, $state), 'reverted||0', "$who drops what is left");
	is(query($node, 'SELECT count(*), sum(v), max(length(s)) FROM t'),
		'1000|500500|2000000', 'the rows are there');
}

# On the way back a sequence that has gone too far begins again after the rows.
# Where no index knows the last of them they are read before the lock, and what
# is written while that is waited for does not count.
for my $case (
	[ '', 31 ],
	[ 'CREATE INDEX ON t (id, n); CREATE INDEX ON t USING hash (n); CREATE INDEX ON t (n) WHERE n > 0', 31 ],
	[ 'CREATE INDEX ON t (n)', 51 ])
{
	my ($index, $next) = @$case;
	my $holder = session($node);
	my $caller = session($node);

	query($node, "DROP TABLE IF EXISTS t CASCADE;
CREATE TABLE t (id int PRIMARY KEY, n smallint GENERATED BY DEFAULT AS IDENTITY);
INSERT INTO t VALUES (1, 1), (2, 2), (3, 30); $index");
	query($node, "SELECT pgmigrate.rebuild('t', 'ALTER n TYPE int')");
	query($node, "SELECT setval('t_n_seq', 40000)");
	$holder->query('BEGIN; SELECT count(*) FROM t');
	$caller->send("SELECT action FROM pgmigrate.revert((SELECT operation FROM pgmigrate.operations $last))");
	wait_until('it waits for the lock',
		sub { $caller->{run}->pump_nb; $caller->err =~ /waiting for AccessExclusiveLock on public\.t/ });
	$holder->query('INSERT INTO t VALUES (4, 50)');
	$holder->query('COMMIT');
	is($caller->result, 'reverted', "a sequence goes back: '$index'");
	query($node, 'INSERT INTO t (id) VALUES (5)');
	is(query($node, 'SELECT n FROM t WHERE id = 5'), $next, 'after the rows that were asked for');
	$_->quit foreach $holder, $caller;
}

# Room on the disk where the copy is, which another one than that of the data.
sub room
{
	my ($path) = @_;
	my $line = (split /\n/, qx{df -Pm '$path'})[-1];

	return (split ' ', $line)[3];
}

SKIP:
{
	my $elsewhere = '/dev/shm';
	skip 'no smaller file system', 2
	  if !-w $elsewhere || room($elsewhere) + 2000 > room($node->data_dir);
	my $place = tempdir('pgm_XXXXXX', DIR => $elsewhere, CLEANUP => 1);
	my $limit = room($elsewhere) + 1000;
	query($node, "CREATE TABLESPACE tight LOCATION '$place'");
	query($node, 'CREATE TABLE tight (id int PRIMARY KEY, v int) TABLESPACE tight; INSERT INTO tight VALUES (1, 1)');
	my $caller = session($node);
	$caller->query("SET pgmigrate.min_free_space = '$limit MB'");
	$caller->send("SELECT pgmigrate.rebuild('tight', 'ALTER v TYPE bigint')");
	poll($node, "SELECT waiting_for = 'room on disk' FROM pgmigrate.operations $last");
	is(query($node, "SELECT state, done FROM pgmigrate.operations $last"), 'copying|0', 'it waits for room in the tablespace');
	$caller->interrupt;
	$caller->fails_with('57014', 'and can be cancelled meanwhile');
	$caller->quit;
	query($node, 'DROP TABLE tight');
	query($node, 'DROP TABLESPACE tight');
}

log_is_clean($node);
$node->stop;

done_testing();

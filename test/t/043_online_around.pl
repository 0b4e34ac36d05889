
# Copyright (c) 2026, pgmigrate developers

# What others do to a table that can be taken back, and what refers to it:
# foreign keys, owners, dumps, other revisions, the extension itself.

use strict;
use warnings;

use PgMigrate::Test;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = new_node('around', 'log_statement = none');
my $last = 'ORDER BY operation DESC LIMIT 1';

sub new_tables
{
	query($node, <<'SQL');
DROP TABLE IF EXISTS p, c CASCADE;
CREATE TABLE p (id int PRIMARY KEY, up int REFERENCES p, v int);
CREATE TABLE c (id int PRIMARY KEY, p int REFERENCES p ON UPDATE CASCADE ON DELETE CASCADE DEFERRABLE);
COMMENT ON CONSTRAINT c_p_fkey ON c IS 'of the parent';
INSERT INTO p SELECT g, g, g FROM generate_series(1, 1000) g;
INSERT INTO c SELECT g, g FROM generate_series(1, 1000) g;
SQL
	return;
}

sub rebuild
{
	my ($table, $change) = @_;

	return query($node,
		"SELECT action FROM pgmigrate.rebuild('$table', \$c\$$change\$c\$)");
}

sub finish
{
	my ($action) = @_;

	return query($node,
		"SELECT action FROM pgmigrate.$action((SELECT operation FROM pgmigrate.operations $last))"
	);
}

my $keys = <<'SQL';
SELECT conrelid::regclass, conname, convalidated, pg_get_constraintdef(oid), obj_description(oid, 'pg_constraint'),
	(SELECT count(*) FROM pg_trigger WHERE tgconstraint = c.oid), conpfeqop::regoperator[]
FROM pg_constraint c WHERE contype = 'f' ORDER BY 1, 2
SQL

# ---- a key that is referenced grows

new_tables();
query($node, 'CREATE TABLE twin AS SELECT 1 AS n');
my $before = query($node, $keys);
is(rebuild('p', 'ALTER id TYPE bigint, ALTER up TYPE bigint'),
	'switched', 'the key of a table with foreign keys on it');
my $grown = query($node, $keys);
is(finish('revert'), 'reverted', 'and back');
is(query($node, $keys), $before, 'the foreign keys are what they were');
query($node, 'ALTER TABLE p ALTER id TYPE bigint, ALTER up TYPE bigint');
is($grown, query($node, $keys), 'and were as the statement leaves them');

new_tables();
rebuild('p', 'ALTER id TYPE bigint');
fails($node, 'INSERT INTO c VALUES (2001, 5000)',
	'23503', 'a foreign key holds after the switch');
query($node, 'INSERT INTO p VALUES (5000000000, NULL, 0)');
query($node, 'DELETE FROM p WHERE id = 5000000000; UPDATE p SET id = 3000, up = NULL WHERE id = 1; DELETE FROM p WHERE id = 2');
is(query($node, 'SELECT count(*), max(p) FROM c'),
	'999|3000', 'and does what it does on update and delete');
is(finish('revert'), 'reverted', 'with that back');
is(query($node, 'SELECT count(*), max(p) FROM c'), '999|3000', 'the same');
fails($node, 'INSERT INTO c VALUES (2001, 5000)',
	'23503', 'the foreign key holds when reverted');

# a row that is referenced and left out
rebuild('p', 'ALTER id TYPE bigint');
query($node, 'ALTER TABLE c ALTER p TYPE bigint; INSERT INTO p VALUES (5000000000, NULL, 0); INSERT INTO c VALUES (7, 5000000000) ON CONFLICT (id) DO UPDATE SET p = 5000000000');
like(
	notices($node,
		"SELECT pgmigrate.revert((SELECT operation FROM pgmigrate.operations $last), true)"
	),
	qr/2 foreign keys on table public.p are not valid/,
	'left out although it is referenced: it is said');
fails($node, 'ALTER TABLE c VALIDATE CONSTRAINT c_p_fkey',
	'23503', 'and true');

# both sides
new_tables();
rebuild('p', 'ALTER id TYPE bigint');
is(rebuild('c', 'ALTER p TYPE bigint'), 'switched', 'the other side too');
is( query($node,
		"SELECT convalidated, conpfeqop::regoperator[] FROM pg_constraint WHERE conname = 'c_p_fkey'"),
	't|{"=(bigint,bigint)"}',
	'as it would be');
query($node, 'SELECT * FROM pgmigrate.finalize()');
fails($node, "SELECT pgmigrate.rebuild('p', 'ALTER id TYPE text')",
	'0A000', 'what is no wider number is refused');

# ---- the table is altered again

new_tables();
rebuild('p', 'ALTER v TYPE bigint');
fails($node, "SELECT pgmigrate.rebuild('p', 'ALTER up TYPE bigint')",
	qr/neither finalized nor reverted/, 'a second change by hand is refused');
query($node, 'ALTER TABLE p ADD n int');
query($node, 'UPDATE p SET n = 1, v = 2 WHERE id = 1');
fails(
	$node,
	"SELECT pgmigrate.revert((SELECT operation FROM pgmigrate.operations $last))",
	qr/definition of table public\.p has changed.*HINT:.*finalize\(\d+\)/s,
	'with another column it is not reverted');
query($node, 'ALTER TABLE p DROP n');
is(finish('revert'), 'reverted', 'without it, it is');
is(query($node, 'SELECT v FROM p WHERE id = 1'), '2', 'with all rows');

rebuild('p', 'ALTER v TYPE bigint');
query($node, 'DROP TABLE p CASCADE');
is(query($node, 'SELECT count(*) FROM pgmigrate.finalize()'),
	'1', 'DROP TABLE after the switch: it is finalized');
is( query($node, "SELECT count(*) FROM pg_namespace WHERE nspname LIKE 'pgmigrate\\_online%'"),
	'0', 'and nothing is left');

# ---- owners

new_tables();
query($node, 'CREATE ROLE a; CREATE ROLE b; GRANT CREATE ON SCHEMA public TO a, b; ALTER TABLE p OWNER TO a; GRANT ALL ON p TO b');
rebuild('p', 'ALTER v TYPE bigint');
query($node, 'ALTER TABLE p OWNER TO b');
query($node, 'UPDATE p SET v = 77 WHERE id = 1; TRUNCATE p CASCADE; INSERT INTO p VALUES (1, NULL, 77)');
query($node, 'ALTER TABLE p OWNER TO a');
fails($node, "SELECT pgmigrate.revert((SELECT operation FROM pgmigrate.operations $last), true)",
	qr/cannot revert operation.*its owner was changed/s,
	'another owner writes, but then there is no way back');
is(finish('finalize'), 'finalized', 'only forward');
rebuild('p', 'ALTER v TYPE int');
query($node, 'REASSIGN OWNED BY a TO b');
query($node, 'UPDATE p SET v = 78');
is(finish('revert'), 'reverted', 'both tables given to another owner');
is(query($node, 'SELECT v FROM p'), '78', 'with all rows');
rebuild('p', 'ALTER v TYPE bigint');
fails($node, 'DROP OWNED BY b', '2BP01', 'what is kept is not dropped with its owner');
finish('finalize');

# ---- the extension's own

new_tables();
rebuild('p', 'ALTER v TYPE bigint');
my ($schema) =
  query($node, "SELECT details->>'schema' FROM pgmigrate.operations $last");
fails($node, "DROP SCHEMA $schema CASCADE", '2BP01', 'what is kept is not dropped by others');
fails($node, 'DROP EXTENSION pgmigrate', '2BP01', 'nor is the extension');
my $dump = $node->basedir . '/dump.sql';
$node->command_ok([ 'pg_dump', '-d', $node->connstr('postgres'), '-f', $dump ],
	'a dump');
query($node, 'CREATE DATABASE restored');
$node->command_ok([ 'psql', '-Xq', '-v', 'ON_ERROR_STOP=1', '-d', $node->connstr('restored'), '-f', $dump ],
	'is restored');
is( query($node, "SELECT count(*) FROM pg_namespace WHERE nspname = '$schema'", 'restored'),
	'0', 'without what was kept');
is(query($node, 'SELECT count(*), sum(v) FROM p', 'restored'),
	'1000|500500', 'with the rows once');
like(
	notices($node, "SELECT pgmigrate.revert((SELECT operation FROM pgmigrate.operations $last))", database => 'restored'),
	qr/The old rows of the table are not there.*HINT:  Use pgmigrate\.finalize\(\d+\)/s,
	'there is no way back there');
is(query($node, 'SELECT count(*) FROM pgmigrate.finalize()', 'restored'),
	'1', 'the operation is closed');
query($node, 'UPDATE p SET v = 9 WHERE id = 1', 'restored');
query($node, 'DROP EXTENSION pgmigrate CASCADE');
is( query($node,
		"SELECT (SELECT count(*) FROM pg_namespace WHERE nspname LIKE 'pgmigrate%'), (SELECT count(*) FROM pg_trigger WHERE tgname LIKE 'zzz%')"
	),
	'0|0',
	'DROP EXTENSION CASCADE leaves nothing');
is(query($node, "UPDATE p SET v = 5000000000 WHERE id = 1 RETURNING v"),
	'5000000000', 'and the table as it was switched');
query($node, 'CREATE EXTENSION pgmigrate');

# ---- one revision after the other

new_tables();
my $online = 'SET pgmigrate.online_threshold = 0; SET client_min_messages = warning; ';
revision($node, 'r1', 'ALTER TABLE p ALTER v TYPE bigint', downgrade => "'ALTER TABLE p ALTER v TYPE int'");
revision($node, 'r2', 'ALTER TABLE p ALTER up TYPE bigint', downgrade => "'ALTER TABLE p ALTER up TYPE int'");
query($node, "SET pgmigrate.online_threshold = 0; SELECT pgmigrate.upgrade()");
is(query($node, "SELECT string_agg(revision || ' ' || state, ', ' ORDER BY operation) FROM pgmigrate.operations"),
	'r1 finalized, r2 switched', 'the next change of a table finalizes the one before');
query($node, "UPDATE p SET v = 1, up = 2 WHERE id = 1");
query($node, "SET pgmigrate.online_threshold = 0; SELECT pgmigrate.downgrade('base')");
is( query($node, "SELECT string_agg(atttypid::regtype::text, ' ' ORDER BY attnum) FROM pg_attribute WHERE attrelid = 'p'::regclass AND attnum > 0"),
	'integer integer integer', 'both are taken back');
is(query($node, "SELECT v, up FROM p WHERE id = 1"), '1|2', 'with what was written');

# ---- what an expression means is what it meant for the call that began it

query($node, "CREATE TABLE z (id int PRIMARY KEY, at timestamp); INSERT INTO z SELECT g, '2026-07-01 12:00' FROM generate_series(1, 10) g");
my $old = session($node);
$old->query('BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT count(*) FROM pg_class');
my $caller = session($node);
$caller->query("SET timezone = 'Europe/Paris'");
$caller->send("SELECT action FROM pgmigrate.rebuild('z', 'ALTER at TYPE timestamptz')");
poll($node, "SELECT state = 'comparing' FROM pgmigrate.operations $last");
query($node, "SET timezone = 'Asia/Tokyo'; INSERT INTO z VALUES (11, '2026-07-01 12:00')");
kill_and_recover($node, worker_pid($node));
query($node, "SET timezone = 'America/New_York'; UPDATE z SET id = 12 WHERE id = 1; SELECT action FROM pgmigrate.rebuild('z', 'ALTER at TYPE timestamptz')");
is(query($node, "SELECT DISTINCT at AT TIME ZONE 'UTC' FROM z"),
	'2026-07-01 10:00:00', 'the time zone is that of the first call');
query($node, "SET timezone = 'Asia/Tokyo'; INSERT INTO z VALUES (13, '2026-07-01 10:00Z')");
is(finish('revert'), 'reverted', 'and back');
is(query($node, 'SELECT DISTINCT at FROM z'), '2026-07-01 12:00:00', 'for the way back too');

# ---- tables that are changed together, for the foreign keys between them

query($node, <<'SQL');
CREATE TABLE users (id int PRIMARY KEY, n int);
CREATE TABLE orders (id serial PRIMARY KEY, u int CONSTRAINT o_u REFERENCES users ON DELETE CASCADE ON UPDATE CASCADE);
CREATE INDEX ON orders (u);
INSERT INTO users SELECT g, g FROM generate_series(1, 2000) g;
INSERT INTO orders (u) SELECT g % 2000 + 1 FROM generate_series(1, 6000) g;
CREATE TABLE oracle_users (id text PRIMARY KEY, n int);
CREATE TABLE oracle_orders (id int PRIMARY KEY, u text);
INSERT INTO oracle_users SELECT * FROM users;
INSERT INTO oracle_orders SELECT * FROM orders;
CREATE TABLE orphans ();
CREATE TABLE stop ();
CREATE FUNCTION follow() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	IF TG_OP <> 'INSERT' THEN
		EXECUTE format('DELETE FROM oracle_%1$s WHERE id::text = ($1::text::%1$s).id::text', TG_ARGV[0]) USING OLD;
	END IF;
	IF TG_OP <> 'DELETE' THEN
		EXECUTE format('INSERT INTO oracle_%1$s SELECT ($1::text::%1$s).*', TG_ARGV[0]) USING NEW;
	END IF;
	RETURN NULL;
END $$;
CREATE TRIGGER follow AFTER INSERT OR UPDATE OR DELETE ON users FOR EACH ROW EXECUTE FUNCTION follow('users');
CREATE TRIGGER follow AFTER INSERT OR UPDATE OR DELETE ON orders FOR EACH ROW EXECUTE FUNCTION follow('orders');
CREATE PROCEDURE write() LANGUAGE plpgsql AS $$
DECLARE
	i int;
BEGIN
	WHILE NOT EXISTS (SELECT FROM stop) LOOP
		i := 1 + random() * 2100;
		BEGIN
			CASE i % 7
				WHEN 0 THEN EXECUTE format('DELETE FROM users WHERE id = %L', i);
				WHEN 1 THEN EXECUTE format('INSERT INTO users VALUES (%L, 1)', i - 1);
				WHEN 2 THEN EXECUTE format('UPDATE users SET id = %L WHERE id = %L', i + 1, i);
				WHEN 3 THEN EXECUTE format('INSERT INTO orders (u) VALUES (%L)', i - 3);
				WHEN 4 THEN EXECUTE format('UPDATE orders SET u = %L WHERE id = %s', i - 4, i);
				WHEN 5 THEN EXECUTE format('DELETE FROM orders WHERE id = %s', i);
				ELSE
					INSERT INTO orders (u) VALUES ('-1');
					INSERT INTO orphans DEFAULT VALUES;
			END CASE;
		EXCEPTION WHEN foreign_key_violation OR unique_violation OR deadlock_detected THEN
			NULL;
		END;
		COMMIT;
	END LOOP;
END $$;
SQL
revision($node, 'r3', 'ALTER TABLE orders DROP CONSTRAINT o_u; ALTER TABLE users ALTER id TYPE text; ALTER TABLE orders ALTER u TYPE text; ALTER TABLE orders ADD CONSTRAINT o_u FOREIGN KEY (u) REFERENCES users ON DELETE CASCADE ON UPDATE CASCADE',
	down_revision => "'{}'",
	downgrade => "'ALTER TABLE orders DROP CONSTRAINT o_u; ALTER TABLE users ALTER id TYPE int USING id::int; ALTER TABLE orders ALTER u TYPE int USING u::int; ALTER TABLE orders ADD CONSTRAINT o_u FOREIGN KEY (u) REFERENCES users ON DELETE CASCADE ON UPDATE CASCADE'");
revision($node, 'r4', 'ALTER TABLE users ALTER id TYPE bigint; ALTER TABLE orders ALTER u TYPE bigint',
	down_revision => "'{}'",
	downgrade => "'ALTER TABLE orders ALTER u TYPE int; ALTER TABLE users ALTER id TYPE int'");

my @writers;

sub with_writers
{
	my ($sql) = @_;

	query($node, 'TRUNCATE stop');
	@writers = map { session($node) } 1 .. 3;
	$_->send('CALL write()') foreach @writers;
	query($node, "SET pgmigrate.online_threshold = 0; $sql");
	query($node, 'INSERT INTO stop DEFAULT VALUES');
	$_->result foreach @writers;
	is(join('', map { $_->err } @writers), '', 'nobody fails');
	return query($node, <<'SQL');
SELECT (SELECT count(*) FROM orphans), (SELECT count(*) FROM orders WHERE u IS NOT NULL AND u NOT IN (SELECT id FROM users)),
	(SELECT count(*) FROM (TABLE oracle_users EXCEPT ALL SELECT id::text, n FROM users) a),
	(SELECT count(*) FROM (SELECT id::text, n FROM users EXCEPT ALL TABLE oracle_users) a),
	(SELECT count(*) FROM (TABLE oracle_orders EXCEPT ALL SELECT id, u::text FROM orders) a),
	(SELECT count(*) FROM (SELECT id, u::text FROM orders EXCEPT ALL TABLE oracle_orders) a),
	(SELECT count(*) > 0 FROM orders WHERE id > 6000),
	(SELECT string_agg(state, ' ') FROM pgmigrate.operations WHERE run = (SELECT max(run) FROM pgmigrate.operations))
SQL
}

my $holder = session($node);
$holder->query('BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT count(*) FROM pg_class');
$caller = session($node);
$caller->query('SET pgmigrate.online_threshold = 0');
$caller->send("SELECT pgmigrate.upgrade('r3')");
poll($node, "SELECT state = 'comparing' FROM pgmigrate.operations $last");
kill_and_recover($node, worker_pid($node));
is( query($node, "SELECT count(*), min(statement), max(statement) FROM pgmigrate.operations WHERE revision = 'r3' AND state IN ('comparing', 'switching')"),
	'1|1|1', 'a crash leaves it where it is');
is(with_writers("SELECT pgmigrate.upgrade('r3')"),
	'0|0|0|0|0|0|t|switched switched', 'a key of text, with writers');
is(with_writers("SELECT pgmigrate.downgrade('r3\@-1')"),
	'0|0|0|0|0|0|t|reverted reverted', 'and back');
is(with_writers("SELECT pgmigrate.upgrade('r4')"),
	'0|0|0|0|0|0|t|switched switched', 'a wider key, with writers');
is(with_writers("SELECT pgmigrate.downgrade('r4\@-1')"),
	'0|0|0|0|0|0|t|reverted reverted', 'and back');

# ---- into partitions, on both sides of a foreign key

my $parts = join ', ', map { "'users_$_ FOR VALUES WITH (MODULUS 3, REMAINDER $_)'" } 0 .. 2;
my $by_hash = "SELECT pgmigrate.rebuild('users', partition_by => 'HASH (id)', partitions => ARRAY[$parts])";
my $by_range = "SELECT pgmigrate.rebuild('orders', partition_by => 'RANGE (id)', partitions => ARRAY['orders_old FOR VALUES FROM (MINVALUE) TO (3000)', 'orders_new DEFAULT'])";
my $kinds = "SELECT string_agg(concat(relname, ' ', relkind), ', ' ORDER BY relname) FROM pg_class WHERE pg_table_is_visible(oid) AND relname ~ '^(users|orders)' AND relkind IN ('r', 'p')";

$holder = session($node);
$holder->query('BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT count(*) FROM pg_class');
$caller = session($node);
$caller->send($by_hash);
poll($node, "SELECT state = 'comparing' FROM pgmigrate.operations $last");
kill_and_recover($node, worker_pid($node));
is(query($node, $kinds), 'orders r, users r', 'a crash leaves the table as it was');
is(with_writers($by_hash), '0|0|0|0|0|0|t|switched', 'the referenced table is partitioned, with writers');
is(with_writers("SELECT pgmigrate.revert((SELECT max(operation) FROM pgmigrate.operations))"),
	'0|0|0|0|0|0|t|reverted', 'and back');
with_writers($by_hash);
is(with_writers($by_range), '0|0|0|0|0|0|t|switched', 'and the one that references it');
is(query($node, $kinds), 'orders p, orders_new r, orders_old r, users p, users_0 r, users_1 r, users_2 r', 'into their partitions');
is(query($node, "SELECT count(*) FROM pg_constraint WHERE contype = 'f' AND conrelid::regclass::text ~ '^orders' AND convalidated"),
	'12', 'with the foreign keys between all of them');

log_is_clean($node);
$node->stop;

done_testing();

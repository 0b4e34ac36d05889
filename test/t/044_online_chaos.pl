
# Copyright (c) 2026, pgmigrate developers

# A change of types while everything goes wrong: writers of every kind, and
# processes that are killed in each phase, on the way there and back.  What the
# rows must be is kept by a trigger of the test in the writers' transactions.
#
# PGMIGRATE_CHAOS=N does N rounds instead of one, with other kills each;
# PGMIGRATE_CHAOS_SEED repeats one; PGMIGRATE_CHAOS_METHOD is table or column for
# rounds of that way only, or order for columns and rows in another order;
# PGMIGRATE_CHAOS_WRITERS is how many write.

use strict;
use warnings;

use IPC::Run;
use PgMigrate::Test;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(usleep);

my $rounds = $ENV{PGMIGRATE_CHAOS} || 1;
my $seed = $ENV{PGMIGRATE_CHAOS_SEED} || time() % 100000;
my $rows = $ENV{PGMIGRATE_CHAOS_ROWS} || 12000;
my $method = $ENV{PGMIGRATE_CHAOS_METHOD} // 'both';
my $nwriters = $ENV{PGMIGRATE_CHAOS_WRITERS} || 4;
my $change =
  'ALTER v TYPE bigint, ALTER id TYPE bigint, ALTER n TYPE text USING n::text';
my $last = 'ORDER BY operation DESC LIMIT 1';
my @killed_in = qw(preparing copying indexing comparing switching switched);
my %kills;

srand($seed);
note("seed $seed");

my $node = new_node('chaos', 'log_statement = none', 'autovacuum = on',
	'autovacuum_naptime = 1s', 'pgmigrate.lock_deadline = 60s',
	'log_min_error_statement = panic');

# The same table in two schemas: one is changed as psql would.
my $table = <<'SQL';
CREATE TABLE t (id int PRIMARY KEY, v int DEFAULT 7, n int, big text, gone int, note text DEFAULT 'x' NOT NULL, CHECK (v IS NULL OR v > -2000000000));
ALTER TABLE t DROP COLUMN gone, ADD COLUMN late int DEFAULT 3;
ALTER TABLE t ALTER big SET STORAGE EXTERNAL;
CREATE INDEX t_v ON t (v) WHERE v > 0;
CREATE INDEX t_sum ON t ((v + coalesce(late, 0)), note);
COMMENT ON COLUMN t.v IS 'a number';
SQL

query($node, <<"SQL");
CREATE SCHEMA plain;
SET search_path = plain;
$table
RESET search_path;
$table
CREATE TABLE oracle (id bigint PRIMARY KEY, v bigint, n text, big text, note text, late int);
CREATE FUNCTION follow() RETURNS trigger LANGUAGE plpgsql AS \$\$
BEGIN
	IF TG_OP = 'TRUNCATE' THEN TRUNCATE oracle; RETURN NULL; END IF;
	IF TG_OP <> 'INSERT' THEN DELETE FROM oracle WHERE id = OLD.id; END IF;
	IF TG_OP <> 'DELETE' THEN
		INSERT INTO oracle VALUES (NEW.id, NEW.v, NEW.n::text, NEW.big, NEW.note, NEW.late);
	END IF;
	RETURN NULL;
END \$\$;
CREATE TRIGGER follow AFTER INSERT OR UPDATE OR DELETE ON t FOR EACH ROW EXECUTE FUNCTION follow();
CREATE TRIGGER follow_truncate AFTER TRUNCATE ON t EXECUTE FUNCTION follow();
ALTER TABLE t ENABLE ALWAYS TRIGGER follow;
ALTER TABLE t ENABLE ALWAYS TRIGGER follow_truncate;
CREATE TABLE child (t int REFERENCES t ON DELETE CASCADE, x int);
INSERT INTO t SELECT g, g, g, CASE WHEN g % 50 = 0 THEN repeat(md5(g::text), 100) END FROM generate_series(1, $rows) g;
VACUUM ANALYZE t;
SQL
query($node, 'ALTER TABLE child DROP CONSTRAINT child_t_fkey');

# ---- writers

sub id
{
	return 1 + int(rand($rows));
}

my @kinds = (
	sub { my $i = id(); "UPDATE t SET v = v + 1 WHERE id = $i" },
	sub { my $i = id(); "UPDATE t SET v = NULL, note = 'null' WHERE id BETWEEN $i AND $i + 5" },
	sub { my $i = id(); "UPDATE t SET big = CASE WHEN big IS NULL THEN repeat(md5('$i'), 150) END WHERE id = $i" },
	sub { my $i = id(); "UPDATE t SET n = CASE WHEN id % 2 = 0 THEN NULL ELSE n END, late = late + 1 WHERE id = $i" },
	sub { my $i = id(); "DELETE FROM t WHERE id BETWEEN $i AND $i + 2" },
	sub { my $i = id(); "INSERT INTO t (id, v) VALUES ($i, 1), ($i + 1, 2) ON CONFLICT (id) DO NOTHING" },
	sub { my $i = id(); "INSERT INTO t (id, note) VALUES ($i, 'i') ON CONFLICT (id) DO UPDATE SET v = 1, note = 'u'" },
	sub { my $i = id(); "UPDATE t SET id = id + 1 WHERE id = $i" },
	sub { my $i = id(); my $j = id(); "UPDATE t SET id = $j WHERE id = $i" },
	sub { my $i = id(); "BEGIN; UPDATE t SET id = -id WHERE id BETWEEN $i AND $i + 3; UPDATE t SET id = -id, v = 4 WHERE id BETWEEN -$i - 3 AND -$i; COMMIT" },
	sub { my $i = id(); "BEGIN; SAVEPOINT a; UPDATE t SET v = 5 WHERE id BETWEEN $i AND $i + 9; DELETE FROM t WHERE id = $i; ROLLBACK TO a; UPDATE t SET note = 's' WHERE id = $i; SAVEPOINT b; INSERT INTO t (id) VALUES ($i + 1) ON CONFLICT DO NOTHING; RELEASE b; COMMIT" },
	sub { my $i = id(); "BEGIN; UPDATE t SET v = 6 WHERE id BETWEEN $i AND $i + 30; ROLLBACK" },
	sub { my $i = id(); "BEGIN; DELETE FROM t WHERE id = $i; INSERT INTO t (id, v) VALUES ($i, 8); COMMIT" },
	sub { my $i = id(); "BEGIN; INSERT INTO t (id, v) VALUES ($i, 8) ON CONFLICT DO NOTHING; DELETE FROM t WHERE id = $i; COMMIT" },
	sub { my $i = id(); my $j = 1000000 + id(); "COPY t (id, v) FROM STDIN;\n$j\t1\n" . ($j + 1) . "\t\\N\n\\.\n" },
	sub { my $i = id(); "MERGE INTO t USING (SELECT generate_series($i, $i + 4) AS id) s ON t.id = s.id WHEN MATCHED AND t.id % 3 = 0 THEN DELETE WHEN MATCHED THEN UPDATE SET v = 9 WHEN NOT MATCHED THEN INSERT (id, v) VALUES (s.id, 10)" },
	sub { my $i = id(); "BEGIN; SELECT v FROM t WHERE id = $i FOR UPDATE; UPDATE t SET v = 11 WHERE id = $i; COMMIT" },
	sub { my $i = id(); "BEGIN; SELECT id FROM t WHERE id BETWEEN $i AND $i + 20 FOR KEY SHARE; UPDATE t SET note = 'k' WHERE id = $i; COMMIT" },
	sub { my $i = id(); "WITH d AS (DELETE FROM t WHERE id BETWEEN $i AND $i + 3 RETURNING id, v) INSERT INTO t (id, v) SELECT id + 2000000, v FROM d" },
	sub { my $i = id(); "BEGIN ISOLATION LEVEL REPEATABLE READ; UPDATE t SET v = 12 WHERE id = $i; UPDATE t SET v = 13 WHERE id = $i + 1; COMMIT" },
	sub { my $i = id(); "SET session_replication_role = replica; UPDATE t SET v = 14 WHERE id = $i; RESET session_replication_role" },
	sub { my $i = id(); "DO \$\$ BEGIN UPDATE t SET v = 15 WHERE id = $i; BEGIN UPDATE t SET id = id + 1 WHERE id = $i; EXCEPTION WHEN unique_violation THEN DELETE FROM t WHERE id = $i; END; END \$\$" },
	sub { my $i = id(); "UPDATE t SET v = v + 1 WHERE id % 997 = " . ($i % 997) });

# What is prepared and forgotten would hold up everybody.
sub two_phases
{
	my ($writer) = @_;
	my $i = id();
	my $end = rand() < 0.5 ? 'COMMIT' : 'ROLLBACK';

	return "ROLLBACK PREPARED 'w$writer';\nBEGIN; UPDATE t SET v = 20 WHERE id = $i; DELETE FROM t WHERE id = $i + 1; PREPARE TRANSACTION 'w$writer';\n$end PREPARED 'w$writer'";
}

sub script
{
	my ($writer) = @_;
	my @lines = ('SET deadlock_timeout = 50', 'SET statement_timeout = 20000',
		'SET client_min_messages = error');

	for (1 .. 150)
	{
		push @lines, rand() < 0.04 ? two_phases($writer) :
		  $kinds[ int(rand(@kinds)) ]->();
		push @lines, 'ROLLBACK';
	}
	push @lines,
	  "BEGIN; TRUNCATE t; INSERT INTO t (id, v) SELECT g, g FROM generate_series(1, $rows, 3) g; "
	  . (rand() < 0.2 ? 'COMMIT' : 'ROLLBACK')
	  if $writer == 1;
	push @lines, 'VACUUM FULL t' if $writer == 2 && rand() < 0.2;
	push @lines,
	  "INSERT INTO t (id, v) SELECT g, g FROM generate_series(1, $rows) g ON CONFLICT DO NOTHING"
	  if $writer == 3;
	push @lines, "ROLLBACK PREPARED 'w$writer'";
	return join ";\n", @lines, '';
}

my $dir = $node->basedir;
my @writers;

END
{
	append_to_file("$dir/stop", '') if defined $dir && -d $dir;
}

sub start_writers
{
	unlink "$dir/stop";
	for my $writer (1 .. $nwriters)
	{
		unlink "$dir/writer_$writer.sql";
		append_to_file("$dir/writer_$writer.sql",
			join '', map { script($writer) } 1 .. 5);
		local %ENV = $node->_get_env();
		local $ENV{PGAPPNAME} = 'writer';
		push @writers,
		  IPC::Run::start(
			[
				'bash', '-c',
				"until [ -e '$dir/stop' ]; do psql -Xq -d '"
				  . $node->connstr('postgres')
				  . "' -f '$dir/writer_$writer.sql' || sleep 0.1; done"
			],
			'>', '/dev/null', '2>', "$dir/writer_$writer.err");
	}
	return;
}

sub stop_writers
{
	append_to_file("$dir/stop", '');
	query($node,
		"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'writer'"
	);
	$_->finish foreach @writers;
	@writers = ();
	query($node, "ROLLBACK PREPARED '$_'")
	  foreach split /\n/, query($node, 'SELECT gid FROM pg_prepared_xacts');
	return;
}

# ---- kills

sub is_up
{
	poll($node, 'SELECT true');
	return;
}

sub children_of
{
	my ($parent) = @_;
	my @found;

	foreach my $file (glob '/proc/[0-9]*/stat')
	{
		my $stat = eval { slurp_file($file) } // '';

		push @found, $1 if $stat =~ /^(\d+) \(.*\) \S $parent /s;
	}
	return @found;
}

sub kill_something
{
	my ($phase) = @_;
	my $what = (qw(worker backend postmaster))[ int(rand(3)) ];
	my $offset = -s $node->logfile;
	my $pid;

	# After the commit of the switch the worker is gone soon.
	$what = 'postmaster'
	  if $what eq 'worker'
	  && query($node, "SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'pgmigrate worker'") == 0;
	if ($what eq 'postmaster')
	{
		my ($postmaster) = slurp_file($node->data_dir . '/postmaster.pid') =~ /^(\d+)/;
		my @children;

		kill 'STOP', $postmaster;
		@children = children_of($postmaster);
		$node->kill9;
		is_gone($_) foreach @children;
		$node->start;
	}
	else
	{
		$pid = query($node,
			'SELECT pid FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND '
			  . ($what eq 'worker'
				? "backend_type = 'pgmigrate worker'"
				: "application_name = 'writer'")
			  . ' ORDER BY random() LIMIT 1');
		return unless $pid ne '' && kill('KILL', $pid);
		is_gone($pid);
		return unless slurp_file($node->logfile, $offset) =~ /terminated by signal 9/;
		$node->wait_for_log(qr/database system is ready to accept connections/,
			$offset);
	}
	is_up();
	$kills{$phase}{$what}++;
	note("killed in $phase: $what");
	return;
}

sub state
{
	return query($node, "SELECT state FROM pgmigrate.operations $last");
}

sub call
{
	my ($sql) = @_;
	my $session = session($node);

	$session->send($sql);
	return $session;
}

# The answer, or what went wrong.
sub answer
{
	my ($session) = @_;
	my $result = $session->result;

	$session->quit unless $session->ended;
	return $result eq '' ? $session->err : $result;
}

# Call until it is done; kill something once in each of the phases.
sub until_done
{
	my ($sql, $done, @phases) = @_;
	my %left = map { $_ => 1 } @phases;

	for (1 .. 200)
	{
		my $watcher = session($node);
		my $session = call($sql);
		my $pid = $session->pid;
		my ($phase, $result);

		for (;;)
		{
			(my $state, $phase) = split /\|/, $watcher->query(
				"SELECT a.state, (SELECT state FROM pgmigrate.operation ORDER BY id DESC LIMIT 1) FROM pg_stat_activity a WHERE pid = $pid");
			last if $watcher->ended || ($state // '') ne 'active' || $left{ $phase // '' };
		}
		$watcher->quit unless $watcher->ended;
		if (defined $phase && delete $left{$phase})
		{
			usleep(int(rand($phase eq 'switched' ? 3_000 : 40_000)));
			kill_something($phase);
		}
		$result = answer($session);
		return $done if state() eq $done;
		note($result) if $result =~ /ERROR/;
		die "it differs: $result" if $result =~ / differs? from|duplicate|unexpected result/;
	}
	die 'not done after 200 calls';
}

# Back or for good, killed at any moment.
sub with_a_kill
{
	my ($action, $done) = @_;
	my $sql =
	  "SELECT action FROM pgmigrate.$action((SELECT operation FROM pgmigrate.operations $last))";
	my $session = call($sql);

	usleep(int(rand(60_000)));
	kill_something($action);
	answer($session);
	for (1 .. 100)
	{
		return $done if state() eq $done;
		answer(call($sql));
	}
	return state();
}

# ---- what must be

my $differing = <<'SQL';
SELECT count(*) FROM (
	(SELECT id::bigint, v::bigint, n::text, big, note, late FROM t EXCEPT ALL SELECT * FROM oracle)
	UNION ALL
	(SELECT * FROM oracle EXCEPT ALL SELECT id::bigint, v::bigint, n::text, big, note, late FROM t)) AS d
SQL

sub rows_are_right
{
	my ($name) = @_;

	return is(query($node, $differing), '0', "$name: 0 rows differ");
}

# After the switch the old rows are written along.
sub old_rows_are_right
{
	my ($name) = @_;
	my $old = query($node,
		"SELECT format('%I.\"pgm old\"', schema) FROM (SELECT details->>'schema' AS schema FROM pgmigrate.operations $last) AS o"
	);
	my $sql = $differing;

	$sql =~ s/FROM t\b/FROM $old/g;
	return is(query($node, $sql), '0', "$name: 0 old rows differ");
}

sub definition
{
	my ($schema) = @_;
	my ($dump, $err) =
	  run_command([ 'pg_dump', '-d', $node->connstr('postgres'),
		'--schema-only', '-t', "$schema.t" ]);

	$dump =~ s/\b$schema\.//g;
	$dump =~ s/Schema: $schema;//g;
	$dump =~ s/^\\(?:un)?restrict .*$//mg;
	$dump =~ s/^.*TRIGGER follow.*$//mg;
	$dump =~ s/^--.*$//mg;
	$dump =~ s/\n\n+/\n/g;
	return $dump . query($node, <<"SQL");
SELECT attnum, attname, atttypid::regtype, attlen, attalign, attnotnull, atthasdef, attstorage, attcompression, attisdropped
FROM pg_attribute WHERE attrelid = '$schema.t'::regclass AND attnum > 0 AND NOT attisdropped ORDER BY attnum;
SELECT c.relname, indisunique, indisprimary, indisvalid, indisready, indislive, indkey FROM pg_index i JOIN pg_class c ON c.oid = indexrelid
WHERE indrelid = '$schema.t'::regclass ORDER BY 1;
SQL
}

sub definition_is
{
	my ($name) = @_;

	return is(definition('public'), definition('plain'), "$name: the catalog is that of the plain statement");
}

sub nothing_is_left
{
	my ($name) = @_;

	return is( query($node,
			"SELECT (SELECT count(*) FROM pg_namespace WHERE nspname LIKE 'pgmigrate\\_online%'), (SELECT count(*) FROM pg_trigger WHERE tgname ~ '^(zzz|~pgmigrate)'), (SELECT count(*) FROM pg_index JOIN pg_class c ON c.oid = indexrelid WHERE indrelid = 't'::regclass AND (NOT indisvalid OR relname LIKE 'pgmigrate%'))"
		),
		'0|0|0',
		"$name: nothing is left");
}

my $rebuild = "SELECT action FROM pgmigrate.rebuild('public.t', \$c\$$change\$c\$)";
my $amcheck = 'SELECT (SELECT count(*) FROM verify_heapam(\'t\')), (SELECT count(*) FROM pg_index, LATERAL bt_index_check(indexrelid, true) WHERE indrelid = \'t\'::regclass)';
my $checked = eval { query($node, 'CREATE EXTENSION amcheck'); 1 };

start_writers() if $method ne 'column';
for my $round (1 .. ($method =~ /^(?:column|order)$/ ? 0 : $rounds))
{
	my @phases = $rounds > 1 || $round % 2 ? @killed_in : ();

	is(until_done($rebuild, 'switched', @phases), 'switched', "round $round: switched");
	rows_are_right('switched');
	old_rows_are_right('switched');
	is(with_a_kill('revert', 'reverted'), 'reverted', 'reverted');
	rows_are_right('reverted');
	definition_is('reverted');
	nothing_is_left('reverted');

	is(until_done($rebuild, 'switched', $rounds > 1 ? @phases : ()), 'switched', 'switched again');
	rows_are_right('switched again');
	is(with_a_kill('finalize', 'finalized'), 'finalized', 'finalized');
	rows_are_right('finalized');
	query($node, "SET search_path = plain; ALTER TABLE t $change");
	definition_is('finalized');
	nothing_is_left('finalized');
	is(query($node, $amcheck), "0|3", 'heap and indexes are sound') if $checked;

	# from there to what was at first
	last if $round == $rounds;
	stop_writers();
	my $back =
	  'ALTER TABLE t ALTER v TYPE int, ALTER id TYPE int, ALTER n TYPE int USING n::int';
	query($node, "$back; SET search_path = plain; $back");
	start_writers();
}
for my $round (1 .. ($method eq 'order' ? $rounds : 0))
{
	my $order = $round % 2 ? '{late, big, v}' : '{note, id}';
	my $sql =
	  "SELECT action FROM pgmigrate.rebuild('public.t', column_order => '$order', order_by => 'v')";
	my $before = definition('public');

	is(until_done($sql, 'switched', @killed_in), 'switched', "order, round $round: switched");
	rows_are_right('switched');
	old_rows_are_right('switched');
	is(with_a_kill('revert', 'reverted'), 'reverted', 'reverted');
	rows_are_right('reverted');
	is(definition('public'), $before, 'the catalog is what it was');
	nothing_is_left('reverted');
	is(until_done($sql, 'switched', @killed_in), 'switched', 'switched again');
	rows_are_right('switched again');
	is(with_a_kill('finalize', 'finalized'), 'finalized', 'finalized');
	rows_are_right('finalized');
	nothing_is_left('finalized');
	is(query($node, $amcheck), '0|3', 'heap and indexes are sound') if $checked;
}
stop_writers();
rows_are_right('at the end');

# The same by way of other columns of the table, there and back.  A trigger that
# fires always would fire for the backfill too.
my $narrow = 'ALTER v TYPE int, ALTER id TYPE int, ALTER n TYPE int USING n::int';

query($node, <<"SQL");
ALTER TABLE t ENABLE TRIGGER follow, ENABLE TRIGGER follow_truncate;
ALTER DATABASE postgres SET pgmigrate.online_method = 'column';
ALTER DATABASE postgres SET pgmigrate.online_threshold = 0;
SQL
@kinds = grep { $_->() !~ /session_replication_role/ } @kinds;

# The double of each column is what the other way makes of it.
sub doubles_are_right
{
	my ($name, @columns) = @_;
	my $id = query($node, "SELECT operation FROM pgmigrate.operations $last");
	my $doubles = join ', ', map { "pgmigrate_${id}_$_" } @columns;

	return is(
		query($node,
			"SELECT count(*) FROM t WHERE ($doubles) IS DISTINCT FROM (id::bigint, v::bigint, n::text)"
		),
		'0',
		"$name: 0 doubles differ");
}

for my $round (1 .. ($method =~ /^(?:table|order)$/ ? 0 : $rounds))
{
	my $name = "by column, round $round";
	my $upgrade = "SELECT state FROM pgmigrate.upgrade('types$round')";
	my ($before, @columns);

	query($node, "ALTER TABLE t $change")
	  if query($node, "SELECT count(*) FROM t WHERE pg_typeof(v) = 'int'::regtype") > 0;
	$before = definition('public');
	@columns = split /\n/, query($node,
		"SELECT attnum FROM pg_attribute JOIN unnest(ARRAY['id', 'v', 'n']) WITH ORDINALITY AS c (name, i) ON attname = name WHERE attrelid = 't'::regclass ORDER BY i"
	);
	revision($node, "types$round", "ALTER TABLE t $narrow",
		downgrade => "'ALTER TABLE t ALTER v TYPE bigint'");
	start_writers();
	is(until_done($upgrade, 'switched', @killed_in),
		'switched', "$name: switched");
	rows_are_right("$name, switched");
	doubles_are_right("$name, switched", @columns);
	is(with_a_kill('revert', 'reverted'), 'reverted', "$name: reverted");
	rows_are_right("$name, reverted");
	is(definition('public'), $before, "$name, reverted: the catalog is what it was");
	nothing_is_left("$name, reverted");

	query($node, "SELECT pgmigrate.stamp('" . ($round > 1 ? 'types' . ($round - 1) : 'base') . "')");
	is(until_done($upgrade, 'switched', $rounds > 1 ? @killed_in : ()),
		'switched', "$name: switched again");
	is(with_a_kill('finalize', 'finalized'), 'finalized', "$name: finalized");
	rows_are_right("$name, finalized");
	nothing_is_left("$name, finalized");
	is(query($node,
			"SELECT string_agg(format('%s %s', attname, atttypid::regtype), ', ' ORDER BY attname) FROM pg_attribute WHERE attrelid = 't'::regclass AND attnum > 0 AND NOT attisdropped"
		),
		'big text, id integer, late integer, n integer, note text, v integer',
		"$name: the types are those of the statement");
	is(query($node, $amcheck), "0|3", "$name: heap and indexes are sound") if $checked;
	stop_writers();
}
note("all that were killed in $_: " . join ', ', %{ $kills{$_} })
  foreach sort keys %kills;

log_is_clean($node, undef, postmaster_killed => 1);
$node->stop;

done_testing();

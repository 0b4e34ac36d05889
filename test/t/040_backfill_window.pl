
# Copyright (c) 2026, pgmigrate developers

# The part of the day in which a backfill works, and what those are told who
# wait for its run.

use strict;
use warnings;

use PgMigrate::Test;
use Test::More;

my $node = new_node('window', 'autovacuum = off', 'fsync = off');
my $zone = "SET timezone = 'Asia/Kolkata';";

# A window that begins in so many hours, for an hour.
sub window_in
{
	my ($hours) = @_;

	return query($node,
		"$zone SELECT to_char(now() + interval '$hours h', 'HH24:00') || '-' || to_char(now() + interval '1 h' + interval '$hours h', 'HH24:00')"
	);
}

query($node, <<SQL);
CREATE TABLE account (id int PRIMARY KEY, note text);
INSERT INTO account SELECT g FROM generate_series(1, 5000) g;
VACUUM ANALYZE account;
SELECT pgmigrate.revision('later', 'CREATE TABLE later ()');
SQL

for my $wrong ('22:00', '22:00-', '25:00-05:00', '22:60-05:00', '24:01-05:00',
	'5-6', '22:00-05:00 UTC', '07:00-07:00', 'night')
{
	fails($node, "LOAD 'pgmigrate'; SET pgmigrate.backfill_window = '$wrong'",
		'22023', "$wrong is no window");
}
for my $right ('', ' ', '22:00-05:00', '9:30 - 17:00', '00:00-24:00',
	'22:00-24:00')
{
	is(notices($node, "LOAD 'pgmigrate'; SET pgmigrate.backfill_window = '$right'"),
		'', "'$right' is one");
}

# Outside of it: nothing is done, and it is said until when.  It begins in
# three hours, or in twenty, where it is over midnight at some time of the day.
for my $hours (3, 20)
{
	my $window = window_in($hours);
	my ($begin) = split /-/, $window;
	my $run = query($node,
		"$zone SET pgmigrate.backfill_window = '$window'; SELECT pgmigrate.backfill_start('account', 'note = ''x''', 'note IS NULL')"
	);

	poll($node,
		"SELECT waiting_for IS NOT NULL FROM pgmigrate.operations WHERE run = $run"
	);
	is( query(
			$node,
			"SELECT waiting_for FROM pgmigrate.operations WHERE run = $run"),
		"$begin, when the window $window begins (Asia/Kolkata)",
		'it waits, and says until when');
	is(query($node, 'SELECT count(note) FROM account'),
		'0', 'nothing is changed');
	is( query(
			$node,
			"SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'pgmigrate worker' AND (backend_xid IS NOT NULL OR backend_xmin IS NOT NULL)"
		),
		'0',
		'and nothing is held');

	# who comes second
	my $told = notices($node,
		'SET pgmigrate.run_wait = 0; SELECT pgmigrate.upgrade()');
	like($told, qr/^(?:psql:<stdin>:\d+: )?ERROR:  PM003: /m, 'it keeps others out');
	like(
		$told,
		qr/DETAIL: .* works on run $run\. Its operation \d+, backfill of relation public.account, is 0 % done, and waits for \Q$begin\E, when the window \Q$window\E begins/,
		'who are told what it is, and what it waits for');
	like(
		$told,
		qr/HINT: .*pgmigrate\.cancel\($run\)\. What it has changed stays; pgmigrate\.backfill\(\) with the same arguments does the rest later\./,
		'and how to end it');

	# tuned while it waits; the zone stays that of the run
	fails($node, "SELECT pgmigrate.tune($run, 'backfill_window', 'soon')",
		'22023', 'nonsense is refused');
	is( query(
			$node,
			"SELECT pgmigrate.tune($run, 'backfill_window', '"
			  . ($hours == 3 ? '' : window_in(23) =~ s/-.*/-/r . window_in(2) =~ s/-.*//r)
			  . "')"),
		't',
		'another window');
	is(query($node, "SELECT state FROM pgmigrate.wait($run)"),
		'done', 'and it goes on at once');
	is(query($node, 'SELECT count(note) FROM account'),
		'5000', 'every row is changed');
	query($node, 'UPDATE account SET note = NULL');
}

done_testing();

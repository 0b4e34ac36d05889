
# Copyright (c) 2026, pgmigrate developers

# The clock of the server is set, back and forward, while a run is at work.  A
# library before gettimeofday() does that, by what a file says.

use strict;
use warnings;

use PgMigrate::Test;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(time);

my $dir = PostgreSQL::Test::Utils::tempdir;
my $day = 86400;
my $cc = `pg_config --cc`;

chomp $cc;
append_to_file("$dir/clock.c", <<'C');
#include <fcntl.h>
#include <stdlib.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

/* Called by handlers of signals, too. */
int
gettimeofday(struct timeval *restrict tv, void *restrict tz)
{
	struct timespec now;
	char		text[32];
	ssize_t		n = 0;
	int			fd = open(getenv("CLOCK_FILE"), O_RDONLY);

	if (fd >= 0)
	{
		n = read(fd, text, sizeof(text) - 1);
		close(fd);
	}
	text[n > 0 ? n : 0] = '\0';
	clock_gettime(CLOCK_REALTIME, &now);
	tv->tv_sec = now.tv_sec + atol(text);
	tv->tv_usec = now.tv_nsec / 1000;
	return 0;
}
C
plan skip_all => "no library can be made with \"$cc\""
  if system("$cc -shared -fPIC -o '$dir/clock.so' '$dir/clock.c' >'$dir/cc.log' 2>&1") != 0;

# The whole of the file is there at each moment.
sub set_clock
{
	my ($seconds) = @_;

	append_to_file("$dir/clock.new", $seconds);
	rename "$dir/clock.new", "$dir/clock" or die "could not set the clock: $!";
	return;
}

set_clock(0);
my $node = new_node('clock');
$node->stop;
{
	local $ENV{LD_PRELOAD} = "$dir/clock.so";
	local $ENV{CLOCK_FILE} = "$dir/clock";
	$node->start;
}
set_clock(-$day);
cmp_ok(abs(query($node, 'SELECT extract(epoch FROM clock_timestamp())') + $day - time()),
	'<', 600, 'the clock of the server can be set');
set_clock(0);

my $block = session($node);
my $app = session($node);

query($node, 'CREATE TABLE a (); CREATE TABLE b (); CREATE TABLE mark (id text)');
$app->query("SET deadlock_timeout = '1h'");
my $n = 0;

for my $jump (-$day, $day)
{
	my $name = $jump < 0 ? 'set back' : 'set forward';

	# A deadlock with an application that does not look for it, and comes when
	# the server has looked already: only our own look finds it.
	$n++;
	$block->query('SELECT pg_advisory_lock(1)');
	revision($node, "r$n", "INSERT INTO mark VALUES ('r$n'); SELECT pg_advisory_xact_lock(1)");
	revision($node, "s$n",
		"INSERT INTO mark VALUES ('s$n'); DO \$\$ BEGIN LOCK a; LOCK b; END \$\$");
	$app->query('BEGIN; LOCK b');
	my $run = query($node,
		"SET pgmigrate.lock_timeout = '10min'; SET pgmigrate.max_block_time = '10min'; SELECT pgmigrate.upgrade_start()"
	);
	worker_waits($node, 'advisory');
	set_clock($jump);
	$block->query('SELECT pg_advisory_unlock(1)');
	poll($node,
		"SELECT count(*) = 1 FROM pg_locks JOIN pg_stat_activity USING (pid) WHERE backend_type = 'pgmigrate worker' AND relation = 'b'::regclass AND NOT granted AND waitstart < clock_timestamp() - interval '1.2 s'"
	);
	my $start = time();
	$app->query('LOCK a');
	cmp_ok(time() - $start, '<', 30, "$name: a deadlock is found");
	$app->query('COMMIT');
	is(query($node, "SELECT state FROM pgmigrate.wait($run)"),
		'done', "$name: the run goes on to the end");
	applied_once($node, join(' ', map({ "r$_" } 1 .. $n), map({ "s$_" } 1 .. $n)),
		"$name: each step ran once");

	# A wait lasts as long as it was told.
	revision($node, "t$n", 'SELECT pg_advisory_xact_lock(1)');
	$block->query('SELECT pg_advisory_lock(1)');
	$run = query($node, 'SELECT pgmigrate.upgrade_start()');
	worker_waits($node, 'advisory');
	my $waiter = session($node);
	$start = time();
	$waiter->send("SELECT state FROM pgmigrate.wait($run, '3s')");
	poll($node,
		"SELECT count(*) = 1 FROM pg_stat_activity WHERE pid = @{[$waiter->pid]} AND wait_event IN ('Extension', 'PgmigrateWait')"
	);
	set_clock(0);
	is($waiter->result, 'running', "$name, and right again: wait() ends");
	my $took = time() - $start;
	cmp_ok($took, '>=', 3, 'not before its time');
	cmp_ok($took, '<', 60, 'nor long after it');
	$waiter->quit;
	$block->query('SELECT pg_advisory_unlock(1)');
	is(query($node, "SELECT state FROM pgmigrate.wait($run)"), 'done', 'the run ends');

	# A backfill goes on at its pace.
	query($node, "CREATE TABLE filled$n AS SELECT g AS id, NULL::int AS v FROM generate_series(1, 20000) g; ALTER TABLE filled$n ADD PRIMARY KEY (id)");
	$run = query($node,
		"SELECT pgmigrate.backfill_start('filled$n', 'v = coalesce(v, 0) + 1', 'v IS NULL', chunk_time => '1 ms', pause => '40 ms')"
	);
	poll($node, "SELECT count(*) > 0 FROM filled$n WHERE v = 1");
	set_clock($jump);
	is(query($node, "SELECT state FROM pgmigrate.wait($run, '120s')"), 'done', "$name: a backfill goes on");
	is(query($node, "SELECT count(*) FROM filled$n WHERE v = 1"), '20000', 'each row once');
	set_clock(0);
	ledger_ok($node, $name);
}

log_is_clean($node);
done_testing();

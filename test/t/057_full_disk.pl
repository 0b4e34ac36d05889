
# Copyright (c) 2026, pgmigrate developers

# The disk is full while a table is changed: in copying, indexing and switching,
# by either way.  A library before the calls that make a file larger says so when
# the room that the test leaves is used up; what is in the files can be written
# anew.

use strict;
use warnings;

use PgMigrate::Test;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $dir = PostgreSQL::Test::Utils::tempdir;
my $cc = `pg_config --cc`;

chomp $cc;
append_to_file("$dir/disk.c", <<'C');
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

/* The bytes that files of tables, indexes and sorts may still grow by. */
static long *room;

__attribute__((constructor))
static void
attach(void)
{
	int			fd = open(getenv("DISK_ROOM"), O_RDWR);

	room = mmap(NULL, sizeof(*room), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (room == MAP_FAILED)
		abort();
	close(fd);
}

static int
is_on_disk(int fd, struct stat *st)
{
	char		link[64];
	char		path[PATH_MAX];
	ssize_t		n;

	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	n = readlink(link, path, sizeof(path) - 1);
	path[n > 0 ? n : 0] = '\0';
	return strstr(path, "/base/") != NULL && fstat(fd, st) == 0;
}

static int
is_full(int fd, off_t end)
{
	struct stat st;
	long		more;

	if (!is_on_disk(fd, &st) || end <= st.st_size)
		return 0;
	more = end - st.st_size;
	if (__sync_sub_and_fetch(room, more) >= 0)
		return 0;
	__sync_add_and_fetch(room, more);
	return 1;
}

ssize_t
pwrite(int fd, const void *data, size_t n, off_t at)
{
	static ssize_t (*real) (int, const void *, size_t, off_t) = NULL;

	if (real == NULL)
		real = dlsym(RTLD_NEXT, "pwrite");
	if (!is_full(fd, at + (off_t) n))
		return real(fd, data, n, at);
	errno = ENOSPC;
	return -1;
}

ssize_t
pwritev(int fd, const struct iovec *data, int count, off_t at)
{
	static ssize_t (*real) (int, const struct iovec *, int, off_t) = NULL;
	off_t		end = at;

	if (real == NULL)
		real = dlsym(RTLD_NEXT, "pwritev");
	for (int i = 0; i < count; i++)
		end += (off_t) data[i].iov_len;
	if (!is_full(fd, end))
		return real(fd, data, count, at);
	errno = ENOSPC;
	return -1;
}

int
posix_fallocate(int fd, off_t at, off_t n)
{
	static int	(*real) (int, off_t, off_t) = NULL;

	if (real == NULL)
		real = dlsym(RTLD_NEXT, "posix_fallocate");
	return is_full(fd, at + n) ? ENOSPC : real(fd, at, n);
}

int
ftruncate(int fd, off_t size)
{
	static int	(*real) (int, off_t) = NULL;
	struct stat st;

	if (real == NULL)
		real = dlsym(RTLD_NEXT, "ftruncate");
	if (is_on_disk(fd, &st) && st.st_size > size)
		__sync_add_and_fetch(room, st.st_size - size);
	return real(fd, size);
}
C
plan skip_all => "no library can be made with \"$cc\""
  if system("$cc -shared -fPIC -o '$dir/disk.so' '$dir/disk.c' -ldl >'$dir/cc.log' 2>&1") != 0;

my $node = new_node('disk', 'autovacuum = off', 'pgmigrate.online_threshold = 0',
	'pgmigrate.chunk_time = 1ms',
	"pgmigrate.throttle_query = 'SELECT EXISTS (SELECT FROM public.hold) AND EXISTS (SELECT FROM pgmigrate.operations WHERE done > 0)'");
my $last = 'ORDER BY operation DESC LIMIT 1';

query($node, 'CREATE TABLE hold ()');
$node->stop;
append_to_file("$dir/room", "\0" x 8);
make_room();
{
	local $ENV{LD_PRELOAD} = "$dir/disk.so";
	local $ENV{DISK_ROOM} = "$dir/room";
	$node->start;
}

# The room on the disk, in bytes.
sub set_room
{
	my ($bytes) = @_;

	open(my $file, '+<', "$dir/room") or die "could not open: $!";
	syswrite($file, pack('q', $bytes)) == 8 or die "could not write: $!";
	close($file);
	return;
}

sub fill
{
	set_room(0);
	return;
}

sub make_room
{
	set_room(1 << 50);
	return;
}

fill();
fails($node, 'CREATE TABLE more AS SELECT generate_series(1, 1000) AS n', '53100', 'the disk can be full');
make_room();
query($node, 'CREATE TABLE more AS SELECT generate_series(1, 1000) AS n');

# The throttle is asked every half a second, which the copying has to outlast.
query($node, <<'SQL');
CREATE FUNCTION slowly(int) RETURNS bigint LANGUAGE plpgsql IMMUTABLE AS
$$ BEGIN IF $1 % 500 = 0 THEN PERFORM pg_sleep(0.05); END IF; RETURN $1; END $$
SQL

# What the application writes is in both tables.
sub new_tables
{
	query($node, <<'SQL');
DROP TABLE IF EXISTS t, oracle;
CREATE TABLE t (id int PRIMARY KEY, v int NOT NULL, s text) WITH (fillfactor = 50);
INSERT INTO t SELECT g, g, repeat('x', 100) FROM generate_series(1, 20000) g;
CREATE INDEX t_v ON t (v);
CREATE TABLE oracle (LIKE t INCLUDING ALL) WITH (fillfactor = 50);
INSERT INTO oracle TABLE t;
SQL
	return;
}

# It may be refused for want of room, then in both.
sub write_rows
{
	my ($at) = @_;

	notices($node, "BEGIN; UPDATE t SET v = v + $at WHERE id % 1000 = $at; UPDATE oracle SET v = v + $at WHERE id % 1000 = $at; DELETE FROM t WHERE id = 50 + $at; DELETE FROM oracle WHERE id = 50 + $at; COMMIT");
	return;
}

sub rows_are_right
{
	my ($name) = @_;

	return is(query($node, "SELECT (SELECT count(*) FROM (SELECT id, v, s FROM t EXCEPT ALL TABLE oracle) d), (SELECT count(*) FROM (SELECT * FROM oracle EXCEPT ALL SELECT id, v, s FROM t) d), count(*) > 19000 FROM t"),
		'0|0|t', "$name: no row is lost");
}

sub nothing_is_left
{
	my ($name) = @_;

	return is(query($node, <<'SQL'), '0|0|0|3|2', "$name: nothing of ours is left");
SELECT (SELECT count(*) FROM pg_namespace WHERE nspname LIKE 'pgmigrate\_online%'),
	(SELECT count(*) FROM pg_trigger WHERE tgrelid = 't'::regclass),
	(SELECT count(*) FROM pg_class WHERE relname ~ '^pgm[ i]' AND relnamespace <> 'pgmigrate'::regnamespace),
	(SELECT count(*) FROM pg_attribute WHERE attrelid = 't'::regclass AND attnum > 0 AND NOT attisdropped),
	(SELECT count(*) FROM pg_index WHERE indrelid = 't'::regclass AND indisvalid)
SQL
}

# Who holds it up in a phase: nobody, but the throttle; one who has the table
# whose indexes are to be built; one who reads.
sub holder
{
	my ($phase, $method) = @_;
	my $session = session($node);
	my $beside = query($node, "SELECT coalesce(details->>'schema', '') FROM pgmigrate.operations $last");

	$session->query($phase eq 'indexing' ?
		  'BEGIN; LOCK TABLE ' . ($method eq 'table' ? "$beside.t" : 't') . ' IN SHARE UPDATE EXCLUSIVE MODE' :
		  $phase eq 'switching' ? 'BEGIN; SELECT count(*) FROM t WHERE id = 1' : 'BEGIN');
	is($session->err, '', "$method, $phase: it is held");
	return $session;
}

my $n = 0;

foreach my $method ('table', 'column')
{
	foreach my $phase ('copying', 'indexing', 'switching')
	{
		my $name = "$method, $phase";
		my $id = 'r' . ++$n;

		new_tables();
		revision($node, $id, 'ALTER TABLE t ALTER v TYPE bigint USING slowly(v)',
			downgrade => "'ALTER TABLE t ALTER v TYPE int'");
		query($node, 'INSERT INTO hold DEFAULT VALUES');
		my $caller = session($node);
		$caller->query("SET pgmigrate.online_method = '$method'");
		$caller->send('SELECT state FROM pgmigrate.upgrade()');
		poll($node, "SELECT waiting_for ~ 'throttle' FROM pgmigrate.operations $last");
		my $holder = holder($phase, $method);
		if ($phase ne 'copying')
		{
			query($node, 'DELETE FROM hold');
			poll($node, "SELECT state = '$phase' AND EXISTS (SELECT FROM pg_stat_activity WHERE backend_type = 'pgmigrate worker' AND (wait_event_type = 'Lock' OR wait_event IN ('Extension', 'PgmigrateWait'))) FROM pgmigrate.operations $last");
		}
		write_rows($n);
		fill();
		write_rows($n + 20);
		query($node, 'DELETE FROM hold');
		$holder->quit;
		my $answer = $caller->result;
		write_rows($n + 40);
		rows_are_right("$name, full");
		make_room();

		# Names and files are exchanged with next to no room.
		if ($phase eq 'switching' && $answer eq 'done')
		{
			pass("$name: it is done with the disk full");
		}
		else
		{
			like($caller->err, qr/^ERROR:  53100: /m, "$name: the disk is full");
			my $state = query($node, "SELECT state FROM pgmigrate.operations $last");

			# A column that is dropped gives no room back, so there may be none for
			# that either: then it is there until it is cancelled, or goes on.
			# What is written of the run after the switch may find none either.
			if ($state eq 'switched' || $method eq 'column' && $state ne 'failed')
			{
				my $switched = $phase eq 'switching' && $state eq 'switched';

				is($state, $switched ? 'switched' : $phase, "$name: it stays as it is");
				is(query($node, "SELECT action FROM pgmigrate.revert((SELECT operation FROM pgmigrate.operations $last))"),
					$switched ? 'reverted' : 'cancelled', "$name: it is taken back");
			}
			else
			{
				is($state, 'failed', "$name: the operation has failed");
			}
			nothing_is_left("$name, full");
			is($caller->query('SELECT state FROM pgmigrate.upgrade()'), 'done', "$name: it is done when there is room");
		}
		is(query($node, 'SELECT DISTINCT pg_typeof(v) FROM t'), 'bigint', 'the type is changed');
		rows_are_right("$name, done");
		write_rows($n + 60);
		is($caller->query("SELECT state FROM pgmigrate.downgrade('-1')"), 'done', "$name: taken back");
		rows_are_right("$name, taken back");
		nothing_is_left("$name, taken back");
		query($node, "SELECT pgmigrate.remove('$id')");
		$caller->quit;
	}
}

log_is_clean($node);
$node->stop;
done_testing();

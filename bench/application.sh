#!/bin/bash
# application.sh
#	  A table, and an application that works on it while something is measured.
#
# Sourced by the benchmarks that change the table, after tools/cluster.sh.
# They set ROWS, RATE and DATABASE; SERVER, if it is set, is the directory of
# the socket and the port of a server to use, with a colon between.

client()
{
	if [ -n "${SERVER:-}" ]; then "$@"; else as_user "$@"; fi
}

query()
{
	client "$BINDIR/psql" -X -q -A -t -v ON_ERROR_STOP=1 -d "$DATABASE" "$@"
}

# Microseconds.
now()
{
	echo "${EPOCHREALTIME/./}"
}

# CPU of all processes of the server so far, in ms; the dead ones by their
# parent, the postmaster.
cpu()
{
	local postmaster ticks=0 part pid
	postmaster=$(head -n 1 "$(query -c 'SHOW data_directory')/postmaster.pid")

	for pid in "$postmaster" $(pgrep -P "$postmaster"); do
		part=$(sed 's/.*) //' "/proc/$pid/stat" 2>/dev/null |
			awk '{ print $12 + $13 }') || continue
		ticks=$((ticks + ${part:-0}))
		[ "$pid" != "$postmaster" ] ||
			ticks=$((ticks + $(sed 's/.*) //' "/proc/$pid/stat" |
				awk '{ print $14 + $15 }')))
	done
	echo $((ticks * 1000 / $(getconf CLK_TCK)))
}

# The server, a private one with these settings unless one was given, and the
# script of the application.
start_server()
{
	if [ -n "${SERVER:-}" ]; then
		export PGHOST=${SERVER%:*} PGPORT=${SERVER##*:} PGUSER=postgres
		BINDIR=$("${PG_CONFIG:-pg_config}" --bindir)
		WORK=$(mktemp -d)
		trap 'rm -rf "$WORK"' EXIT
		mkdir "$WORK/load"
	else
		clean_up_at_exit
		new_cluster "max_wal_size = 8GB" "shared_buffers = 512MB" "$@" >&2
		user_dir "$WORK/load"
	fi
	client tee "$WORK/load/script.sql" >/dev/null <<SQL
\\set id random(1, $ROWS)
BEGIN;
SELECT v FROM account WHERE id = :id;
UPDATE account SET v = v + 1, updated_at = now() WHERE id = :id;
COMMIT;
SQL
}

fresh_database()
{
	client "$BINDIR/psql" -X -q -d postgres -c "DROP DATABASE IF EXISTS $DATABASE" -c "CREATE DATABASE $DATABASE" 2>/dev/null
	query -c 'CREATE EXTENSION pgmigrate'
}

# The indexes besides the key are those of the arguments.
make_table()
{
	local index

	query <<SQL
DROP TABLE IF EXISTS account;
CREATE TABLE account (id int PRIMARY KEY, v int NOT NULL, kind int, name text, updated_at timestamptz DEFAULT now());
INSERT INTO account SELECT g, g, g % 1000, repeat('x', 80), now() FROM generate_series(1, $ROWS) g;
SQL
	for index in "$@"; do
		query -c "CREATE INDEX ON account ($index)"
	done
	query <<SQL
VACUUM (FREEZE, ANALYZE) account;
CHECKPOINT;
SQL
}

start_load()
{
	rm -f "$WORK"/load/log.*
	(cd "$WORK/load" && client "$BINDIR/pgbench" -n -c 4 -j 1 -R "$RATE" -T 7200 -l \
		--log-prefix="$WORK/load/log" -f "$WORK/load/script.sql" "$DATABASE" >/dev/null 2>&1) &
	LOAD=$!
	sleep 3
}

# Its log is whole then.
end_load()
{
	sleep 1
	query -c "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'pgbench'" >/dev/null
	wait "$LOAD" || true
}

# p99, longest and gap in ms of the transactions between two moments.
latencies()
{
	cat "$WORK"/load/log.* | awk -v from="$1" -v to="$2" '
		{ end = $5 * 1000000 + $6 }
		end >= from && end - $3 <= to { printf "%.0f %d\n", end, $3 }' | sort -n |
		awk '{ if (last && $1 - last > gap) gap = $1 - last
			last = $1; latency[NR] = $2 }
			END { n = asort_numeric(latency, NR)
				printf "%.0f %.0f %.0f\n", latency[int(n * 0.99) + (n < 1)] / 1000,
					latency[n] / 1000, gap / 1000 }
			function asort_numeric(a, n, i, j, h, t)
			{
				for (h = 1; h < n / 3; h = 3 * h + 1) ;
				for (; h >= 1; h = int(h / 3))
					for (i = h + 1; i <= n; i++)
					{
						t = a[i]
						for (j = i; j > h && a[j - h] > t; j -= h)
							a[j] = a[j - h]
						a[j] = t
					}
				return n
			}'
}

# Of lines of numbers.
median()
{
	sort -n | awk '{ v[NR] = $1 } END { print v[int((NR + 1) / 2)] }'
}

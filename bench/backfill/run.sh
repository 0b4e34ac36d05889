#!/bin/bash
# run.sh
#	  What does it cost to change every row while the application writes?
#
# Prints the table and writes it to RESULTS.md beside this file; README.md
# tells the method.
#
# Environment:
#	PG_CONFIG	the PostgreSQL to use
#	ROUNDS		how often each way has its turn, default 3
#	ROWS		of the table, default 1000000
#	RATE		transactions of the application a second, default 400
#	WAYS		a choice of them
#	RESULTS		where the table goes, default RESULTS.md beside this file

set -eu
HERE=$(cd "$(dirname "$0")" && pwd)
ROOT=$(cd "$HERE/../.." && pwd)
# shellcheck source=tools/cluster.sh
. "$ROOT/tools/cluster.sh"

ROUNDS=${ROUNDS:-3}
ROWS=${ROWS:-1000000}
RATE=${RATE:-400}
LOAD=$(cut -d' ' -f1 /proc/loadavg)
WAYS=${WAYS:-none update procedure backfill no_vacuum}
CALL="SELECT state FROM pgmigrate.backfill('t', 'filled = 1', 'filled IS NULL')"

query()
{
	as_user "$BINDIR/psql" -X -q -A -t -v ON_ERROR_STOP=1 -d bench "$@"
}

now()
{
	echo "${EPOCHREALTIME/./}"
}

# CPU of all processes of the server so far, in ms; the dead ones by their
# parent, the postmaster.
cpu()
{
	local postmaster ticks=0 part pid
	postmaster=$(head -n 1 "$DATA/postmaster.pid")

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

new_table()
{
	query <<SQL
DROP TABLE IF EXISTS t;
CREATE TABLE t (id int PRIMARY KEY, a int, b text, n int DEFAULT 0, filled int);
INSERT INTO t SELECT g, g % 1000, md5(g::text) FROM generate_series(1, $ROWS) g;
CREATE INDEX ON t (a);
CREATE INDEX ON t (b);
VACUUM ANALYZE t;
CHECKPOINT;
SQL
}

change()
{
	case $1 in
		none) sleep 5 ;;
		update) query -c "UPDATE t SET filled = 1 WHERE filled IS NULL" ;;
		procedure) query -c "CALL in_batches()" ;;
		backfill) query -c "$CALL" >/dev/null 2>&1 ;;
		no_vacuum) query -c "SET pgmigrate.backfill_vacuum = off" -c "$CALL" >/dev/null 2>&1 ;;
	esac
}

start_application()
{
	as_user tee "$WORK/run/load.sql" >/dev/null <<SQL
\\set id random(1, $ROWS)
UPDATE t SET n = n + 1 WHERE id = :id;
SQL
	as_user rm -f "$WORK/run/load".[0-9]*
	(cd "$WORK/run" && as_user "$BINDIR/pgbench" -n -c 4 -j 2 -T 1000 \
		-R "$RATE" -l --log-prefix=load -f load.sql bench >/dev/null 2>&1) &
	sleep 2
}

stop_application()
{
	query -d postgres -c "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'pgbench'" >/dev/null
	wait
}

# p99, longest and gap in ms of the transactions between two moments.
latencies()
{
	cat "$WORK/run/load".[0-9]* | awk -v from="$1" -v to="$2" '
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

size()
{
	query -c "SELECT pg_total_relation_size('t') / 1024 / 1024"
}

# Median and worst of the numbers of standard input.
spread()
{
	sort -n | awk '{ v[NR] = $1 } END { if (NR) printf "%s (%s)", v[int((NR + 1) / 2)], v[NR]; else printf "-" }'
}

measure()
{
	local way=$1 began cpu_began size_began ended

	new_table
	size_began=$(size)
	began=$(now)
	cpu_began=$(cpu)
	change "$way"
	echo "$(((($(now) - began)) / 1000)) $(($(cpu) - cpu_began)) $(($(size) - size_began))" >>"$WORK/alone.$way"
	new_table
	start_application
	began=$(now)
	change "$way"
	ended=$(now)
	sleep 1
	stop_application
	echo "$(((ended - began) / 1000)) $(latencies "$began" "$ended") $(query -c 'SELECT count(*) FROM t WHERE filled IS NULL')" >>"$WORK/loaded.$way"
}

column()
{
	awk -v n="$2" '{ print $n }' "$WORK/$1" | spread
}

clean_up_at_exit
new_cluster "shared_buffers = 512MB" "max_wal_size = 8GB" \
	"checkpoint_timeout = 30min" "autovacuum = off" "synchronous_commit = on"
user_dir "$WORK/run"
as_user "$BINDIR/createdb" bench
query <<'SQL'
CREATE EXTENSION pgmigrate;
CREATE PROCEDURE in_batches() LANGUAGE plpgsql AS $$
DECLARE most int;
BEGIN
	SELECT max(id) INTO most FROM t;
	FOR i IN 0 .. most / 10000 LOOP
		UPDATE t SET filled = 1 WHERE id > i * 10000 AND id <= (i + 1) * 10000 AND filled IS NULL;
		COMMIT;
	END LOOP;
END $$;
SQL
for ((round = 1; round <= ROUNDS; round++)); do
	for way in $WAYS; do
		say "round $round of $ROUNDS: $way"
		measure "$way"
	done
done
{
	echo "# Results"
	echo
	echo "$(query -c 'SHOW server_version'), $(nproc) cores, $(date +%F); rows: $ROWS; rounds: $ROUNDS, the ways take turns; application: $RATE transactions a second."
	echo "Figures are medians, the worst in parentheses."
	echo "Load average before and after, the benchmark's own included: $LOAD and $(cut -d' ' -f1 /proc/loadavg)."
	echo
	echo "| way | s | CPU ms | growth MB | with application: s | p99 ms | longest ms | gap ms | rows left |"
	echo "|---|---|---|---|---|---|---|---|---|"
	for way in $WAYS; do
		echo "| ${way/_/ } | $(awk '{ print $1 / 1000 }' "$WORK/alone.$way" | spread) | $(column "alone.$way" 2) | $(column "alone.$way" 3) | $(awk '{ print $1 / 1000 }' "$WORK/loaded.$way" | spread) | $(column "loaded.$way" 2) | $(column "loaded.$way" 3) | $(column "loaded.$way" 4) | $(column "loaded.$way" 5) |"
	done
} | tee "${RESULTS:-$HERE/RESULTS.md}"

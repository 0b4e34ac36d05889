#!/bin/bash
# switches.sh
#	  For how long does a switch lock everybody out?
#
# A table of a few thousand rows is changed there and back under 16 writers;
# prints for how long the locks were held, and for how much of it the worker had
# a processor.  The rest is the disk, and waiting for a processor: what the disk
# takes for 8 kB and fdatasync, beside the data, is measured meanwhile.
#
# Environment: PG_CONFIG and SERVER as for run.sh, and
#	SWITCHES	default 50
#	CLIENTS		default 16
#	TPS			of all clients; default as many as they can
#	ROWS		default 20000

set -eu
HERE=$(cd "$(dirname "$0")" && pwd)
ROOT=$(cd "$HERE/../.." && pwd)
# shellcheck source=tools/cluster.sh
. "$ROOT/tools/cluster.sh"
# shellcheck source=bench/application.sh
. "$ROOT/bench/application.sh"

DATABASE=bench
SWITCHES=${SWITCHES:-50}
CLIENTS=${CLIENTS:-16}
ROWS=${ROWS:-20000}
RATE=unused
TPS=${TPS:-}

start_server "autovacuum = off"
fresh_database
make_table v 'kind, updated_at'
DISK=$(query -c 'SHOW data_directory')/pgmigrate_disk
load=$(cut -d' ' -f1 /proc/loadavg)
client "$BINDIR/pgbench" -n -c "$CLIENTS" -j 2 ${TPS:+-R "$TPS"} -T 100000 -f "$WORK/load/script.sql" "$DATABASE" >/dev/null 2>&1 &
LOAD=$!
client touch "$DISK"
while [ -e "$DISK" ]; do
	client dd if=/dev/zero of="$DISK" bs=8k count=1 conv=nocreat,notrunc,fdatasync 2>&1 |
		sed -n 's/.* copied, \([0-9.e-]*\) s,.*/\1/p'
	sleep 0.2
done >"$WORK/disk" &
PROBE=$!
for n in $(seq "$SWITCHES"); do
	type=bigint
	[ $((n % 2)) -eq 1 ] || type=int
	query -c "SELECT pgmigrate.rebuild('account', 'ALTER COLUMN v TYPE $type')" >/dev/null
	query -c 'SELECT pgmigrate.finalize()' >/dev/null
done
end_load
client rm "$DISK"
wait "$PROBE"
disk=$(sort -g "$WORK/disk" | awk '{ v[NR] = $1 * 1000 }
	END { printf "%.1f ms (p50), %.1f (p99) of %d", v[int((NR + 1) / 2)], v[int(NR * 0.99) + (NR < 100)], NR }')
query <<SQL
SELECT format('%s switches, %s writers${TPS:+ of $TPS transactions a second}, %s rows; load before and after: $load and $(cut -d' ' -f1 /proc/loadavg)', count(*), $CLIENTS, $ROWS)
FROM pgmigrate.operation;
SELECT format('%s: %s ms (p50), %s (p90), %s (p99), %s at most', what, round(percentile_cont(0.5) WITHIN GROUP (ORDER BY ms)::numeric, 1), round(percentile_cont(0.9) WITHIN GROUP (ORDER BY ms)::numeric, 1),
	round(percentile_cont(0.99) WITHIN GROUP (ORDER BY ms)::numeric, 1), round(max(ms)::numeric, 1))
FROM pgmigrate.operation, LATERAL (VALUES (1, 'locked', details->>'held_ms'), (2, 'processor time of it', details->>'held_cpu_ms')) AS v (n, what, value), CAST(value AS float8) AS ms
GROUP BY n, what ORDER BY n;
SELECT '8 kB and fdatasync: $disk';
SQL

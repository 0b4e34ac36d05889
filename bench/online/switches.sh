#!/bin/bash
# switches.sh
#	  For how long does a switch lock everybody out?
#
# A table of a few thousand rows is changed there and back under 16 writers;
# prints the times of the locks, and what the writers noticed of all of it.
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
load=$(cut -d' ' -f1 /proc/loadavg)
client "$BINDIR/pgbench" -n -c "$CLIENTS" -j 2 ${TPS:+-R "$TPS"} -T 100000 -f "$WORK/load/script.sql" "$DATABASE" >/dev/null 2>&1 &
LOAD=$!
for n in $(seq "$SWITCHES"); do
	type=bigint
	[ $((n % 2)) -eq 1 ] || type=int
	query -c "SELECT pgmigrate.rebuild('account', 'ALTER COLUMN v TYPE $type')" >/dev/null
	query -c 'SELECT pgmigrate.finalize()' >/dev/null
done
end_load
query <<SQL
SELECT format('%s switches, %s writers${TPS:+ of $TPS transactions a second}, %s rows: locked for %s ms (p50), %s (p90), %s (p99), %s at most; load before and after: $load and $(cut -d' ' -f1 /proc/loadavg)',
	count(*), $CLIENTS, $ROWS, round(percentile_cont(0.5) WITHIN GROUP (ORDER BY held)::numeric, 1), round(percentile_cont(0.9) WITHIN GROUP (ORDER BY held)::numeric, 1),
	round(percentile_cont(0.99) WITHIN GROUP (ORDER BY held)::numeric, 1), round(max(held)::numeric, 1))
FROM (SELECT (details->>'held_ms')::float8 AS held FROM pgmigrate.operation) o;
SQL

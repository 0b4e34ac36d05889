#!/bin/bash
# run.sh
#	  What does it cost to change every row while the application writes?
#
# Prints the table and writes it to RESULTS.md beside this file; README.md
# tells the method.
#
# Environment:
#	PG_CONFIG	the PostgreSQL to use
#	SERVER		one that is there, see application.sh
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
# shellcheck source=bench/application.sh
. "$ROOT/bench/application.sh"

DATABASE=bench
ROUNDS=${ROUNDS:-3}
ROWS=${ROWS:-1000000}
RATE=${RATE:-400}
LOAD_BEFORE=$(cut -d' ' -f1 /proc/loadavg)
WAYS=${WAYS:-none update procedure backfill no_vacuum}
CALL="SELECT state FROM pgmigrate.backfill('t', 'filled = 1', 'filled IS NULL')"

new_table()
{
	query >/dev/null <<SQL
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
	start_load
	began=$(now)
	change "$way"
	ended=$(now)
	end_load
	echo "$(((ended - began) / 1000)) $(latencies "$began" "$ended") $(query -c 'SELECT count(*) FROM t WHERE filled IS NULL')" >>"$WORK/loaded.$way"
}

column()
{
	awk -v n="$2" '{ print $n }' "$WORK/$1" | spread
}

start_server "checkpoint_timeout = 30min" "autovacuum = off"
fresh_database
client tee "$WORK/load/script.sql" >/dev/null <<SQL
\\set id random(1, $ROWS)
UPDATE t SET n = n + 1 WHERE id = :id;
SQL
query <<'SQL'
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
	echo "Load average before and after, the benchmark's own included: $LOAD_BEFORE and $(cut -d' ' -f1 /proc/loadavg)."
	echo
	echo "| way | s | CPU ms | growth MB | with application: s | p99 ms | longest ms | gap ms | rows left |"
	echo "|---|---|---|---|---|---|---|---|---|"
	for way in $WAYS; do
		echo "| ${way/_/ } | $(awk '{ print $1 / 1000 }' "$WORK/alone.$way" | spread) | $(column "alone.$way" 2) | $(column "alone.$way" 3) | $(awk '{ print $1 / 1000 }' "$WORK/loaded.$way" | spread) | $(column "loaded.$way" 2) | $(column "loaded.$way" 3) | $(column "loaded.$way" 4) | $(column "loaded.$way" 5) |"
	done
} | tee "${RESULTS:-$HERE/RESULTS.md}"

#!/bin/bash
# run.sh
#	  What does it cost to know that two tables have the same rows?
#
# Prints the table and writes it to RESULTS.md beside this file; README.md
# tells the method.
#
# Environment:
#	PG_CONFIG	the PostgreSQL to use
#	ROUNDS		default 5
#	ROWS		default 1000000
#	RESULTS		file to write, default RESULTS.md
#	SHARED_BUFFERS	default 1GB, which holds the tables

set -eu
HERE=$(cd "$(dirname "$0")" && pwd)
ROOT=$(cd "$HERE/../.." && pwd)
# shellcheck source=tools/cluster.sh
. "$ROOT/tools/cluster.sh"

ROUNDS=${ROUNDS:-5}
ROWS=${ROWS:-1000000}
SHARED_BUFFERS=${SHARED_BUFFERS:-1GB}

query()
{
	as_user "$BINDIR/psql" -X -q -A -t -v ON_ERROR_STOP=1 -d bench "$@"
}

# Wall time and CPU time of statement $2, each in ms, are added to the files
# of $1.  CPU is that of the backend; workers would not be in it, so there are
# none.
measure()
{
	query >"$WORK/measured" <<SQL
SET max_parallel_workers_per_gather = 0;
SET jit = off;
SELECT pg_backend_pid() AS pid \gset
\setenv BACKEND :pid
SELECT count(*) FROM a;
\! awk '{ print "cpu", \$1 / 1000000 }' /proc/\$BACKEND/schedstat
\timing on
$2;
\timing off
\! awk '{ print "cpu", \$1 / 1000000 }' /proc/\$BACKEND/schedstat
SQL
	awk '$1 == "cpu" { cpu = $2 - cpu } END { print cpu }' \
		"$WORK/measured" >>"$WORK/$1.cpu"
	sed -n 's/^Time: \([0-9]*\).*/\1/p' "$WORK/measured" >>"$WORK/$1.wall"
}

median()
{
	sort -n | sed -n "$(((ROUNDS + 1) / 2))p"
}

clean_up_at_exit
new_cluster "shared_buffers = $SHARED_BUFFERS" "autovacuum = off" "work_mem = 64MB" >&2
as_user "$BINDIR/createdb" bench
query <<SQL
CREATE EXTENSION pgmigrate;
CREATE TABLE a (id bigint PRIMARY KEY, n int NOT NULL, name text, amount numeric(12,2),
	at timestamptz NOT NULL, ok bool, email text);
INSERT INTO a SELECT i, i % 1000, md5(i::text), i / 100.0, timestamptz '2026-01-01' + i * interval '1 s',
	i % 3 = 0, CASE WHEN i % 10 > 0 THEN 'user' || i || '@example.com' END
FROM generate_series(1, $ROWS) i;
CREATE TABLE b (LIKE a INCLUDING ALL);
INSERT INTO b SELECT * FROM a;
CREATE TABLE c (LIKE a INCLUDING ALL);
INSERT INTO c SELECT * FROM a;
UPDATE c SET n = -1 WHERE id % ($ROWS / 1000) = 0;
CREATE TABLE d AS SELECT * FROM a ORDER BY md5(id::text);
VACUUM ANALYZE;
SQL

names=(count equal shuffled differ sample hash join except)
declare -A title=(
	[count]='count(*) of both'
	[equal]='compare, equal'
	[shuffled]='compare, equal, the rows of one in random order'
	[differ]='compare, 1,000 rows differ'
	[sample]='compare, sample of 1 %'
	[hash]='sum(hash_record_extended) of both'
	[join]='full join on the key, columns compared'
	[except]='EXCEPT both ways')
declare -A statement=(
	[count]='SELECT (SELECT count(*) FROM a), (SELECT count(*) FROM b)'
	[equal]="SELECT rows FROM pgmigrate.compare('a', 'b')"
	[shuffled]="SELECT rows FROM pgmigrate.compare('a', 'd')"
	[differ]="SELECT differences FROM pgmigrate.compare('a', 'c')"
	[sample]="SELECT bound FROM pgmigrate.compare('a', 'b', sample => 0.01)"
	[hash]='SELECT (SELECT sum(hash_record_extended(a, 0)) FROM a), (SELECT sum(hash_record_extended(b, 0)) FROM b)'
	[join]='SELECT count(*) FROM a FULL JOIN b USING (id) WHERE (a.n, a.name, a.amount, a.at, a.ok, a.email) IS DISTINCT FROM (b.n, b.name, b.amount, b.at, b.ok, b.email)'
	[except]='SELECT count(*) FROM ((TABLE a EXCEPT TABLE b) UNION ALL (TABLE b EXCEPT TABLE a)) x')

for round in $(seq "$ROUNDS"); do
	echo "round $round" >&2
	for name in "${names[@]}"; do
		measure "$name" "${statement[$name]}"
	done
done
cpu=$(median <"$WORK/count.cpu")
wall=$(median <"$WORK/count.wall")
{
	echo "PostgreSQL $(query -c 'SHOW server_version'), $ROWS rows in each table, shared_buffers $SHARED_BUFFERS, medians of $ROUNDS rounds, $(nproc) cores, load $(cut -d' ' -f1 /proc/loadavg)."
	echo
	echo '| | CPU ms | x count(*) | elapsed ms | x count(*) |'
	echo '|---|---|---|---|---|'
	for name in "${names[@]}"; do
		echo "$(median <"$WORK/$name.cpu") $(median <"$WORK/$name.wall")" |
			awk -v what="${title[$name]}" -v cpu="$cpu" -v wall="$wall" \
				'{ printf "| %s | %.0f | %.2f | %.0f | %.2f |\n", what, $1, $1 / cpu, $2, $2 / wall }'
	done
} | tee "$HERE/${RESULTS:-RESULTS.md}"

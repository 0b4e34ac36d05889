#!/bin/bash
# run.sh
#	  What does the application notice of a type change of a large table?
#
# Prints the table and writes it to RESULTS.md beside this file; README.md
# tells the method.
#
# Environment:
#	PG_CONFIG	the PostgreSQL to use
#	ROUNDS		default 3
#	ROWS		default 1000000
#	RATE		transactions a second of the application, default 200

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
RATE=${RATE:-200}

stop_load()
{
	end_load
	evaluate
}

# From the log of the load: of the transactions that ended in the time, the
# longest, those over 100 ms, and the windows of 100 ms without any.
noticed()
{
	cat "$WORK"/load/log.* | awk -v from="$1" -v to="$2" '
		{ end = $5 * 1000000 + $6 }
		end >= from && end <= to + 500000 {
			n++
			if ($3 > longest) longest = $3
			if ($3 > 100000) slow++
			if (end <= to) seen[int((end - from) / 100000)] = 1
		}
		END {
			windows = int((to - from) / 100000)
			for (i = 0; i < windows; i++) if (!(i in seen)) empty++
			printf "%d %d %d %d\n", longest / 1000, slow, n, windows ? 100 * empty / windows : 0
		}'
}

# One change under load.
measure()
{
	local name=$1 sql=$2 from to wal

	wal=$(query -c 'SELECT pg_current_wal_insert_lsn()')
	from=$(now)
	query -c "$sql" >/dev/null
	to=$(now)
	wal=$(query -c "SELECT (pg_wal_lsn_diff(pg_current_wal_insert_lsn(), '$wal') / 1048576)::int")
	echo "$name $from $to $wal" >>"$WORK/measured"
}

# The log of the load is whole when it has ended.
evaluate()
{
	local name from to wal

	while read -r name from to wal; do
		echo "$(((to - from) / 1000)) $(noticed "$from" "$to") $wal" >>"$WORK/$name"
	done <"$WORK/measured"
	rm "$WORK/measured"
}

# Milliseconds of an UPDATE of a tenth of the rows.
bulk()
{
	local from

	from=$(now)
	query -c "UPDATE account SET kind = kind + 1 WHERE id % 10 = $2"
	echo $((($(now) - from) / 1000)) >>"$WORK/$1"
}

# Medians of the columns of a file, and the range of the first two.
row()
{
	local column cells="" file=$WORK/$2

	for column in 1 2 3 5 6; do
		cells="$cells | $(awk -v c="$column" '{ print $c }' "$file" | median)"
	done
	echo "| $1$cells | $(awk '{ print $2 }' "$file" | sort -n | sed -n '1p;$p' | paste -sd-) |"
}

start_server "autovacuum = off"
fresh_database

for round in $(seq "$ROUNDS"); do
	make_table v 'kind, updated_at'
	start_load
	measure plain 'ALTER TABLE account ALTER COLUMN v TYPE bigint'
	stop_load

	make_table v 'kind, updated_at'
	start_load
	measure online "SELECT pgmigrate.rebuild('account', 'ALTER COLUMN v TYPE bigint')"
	measure revert "SELECT pgmigrate.revert(max(operation)) FROM pgmigrate.operations"
	stop_load

	make_table v 'kind, updated_at'
	for part in 1 2 3; do bulk alone "$part"; done
	query -c "SELECT pgmigrate.rebuild('account')" >/dev/null
	for part in 4 5 6; do bulk written_along "$part"; done
	query -c 'SELECT pgmigrate.finalize()' >/dev/null
done

alone=$(median <"$WORK/alone")
along=$(median <"$WORK/written_along")
{
	cat <<EOT
# Results

$(query -c 'SELECT version()'), $(nproc) processors, $ROWS rows, $RATE transactions
a second, $ROUNDS rounds, $(date -u +%Y-%m-%d). Medians.

| | wall ms | longest transaction ms | over 100 ms | windows of 100 ms without a commit, % | WAL MB | longest, range |
|---|---|---|---|---|---|---|
$(row 'ALTER TABLE' plain)
$(row 'rebuild()' online)
$(row 'revert()' revert)

UPDATE of a tenth of the rows, one statement: $alone ms, while it is written along $along ms, $(awk "BEGIN { printf \"%.2f\", $along / $alone }") x.
EOT
} | tee "$HERE/RESULTS.md"

#!/bin/bash
# constraints.sh
#	  What does the application notice of a new constraint?
#
# SET NOT NULL, a CHECK, a foreign key and a UNIQUE of a large table, each as it
# is written, by hand in stages and by a revision, while pgbench reads and
# updates its rows at a steady rate.  Prints the table and writes it to
# CONSTRAINTS.md beside this file.
#
# Environment: PG_CONFIG and SERVER as for run.sh, and
#	ROUNDS		default 1
#	ROWS		default 1000000
#	RATE		transactions of the application a second, default 200
#	RESULTS		file to write, default CONSTRAINTS.md

set -eu
HERE=$(cd "$(dirname "$0")" && pwd)
ROOT=$(cd "$HERE/../.." && pwd)
# shellcheck source=tools/cluster.sh
. "$ROOT/tools/cluster.sh"
# shellcheck source=bench/application.sh
. "$ROOT/bench/application.sh"

DATABASE=bench
ROUNDS=${ROUNDS:-1}
ROWS=${ROWS:-1000000}
RATE=${RATE:-200}
LOAD_BEFORE=$(cut -d' ' -f1 /proc/loadavg)

declare -A plain=(
	[not_null]='ALTER TABLE account ALTER kind SET NOT NULL'
	[check]='ALTER TABLE account ADD CONSTRAINT account_v_check CHECK (v > 0)'
	[foreign_key]='ALTER TABLE account ADD FOREIGN KEY (kind) REFERENCES kind'
	[unique]='ALTER TABLE account ADD UNIQUE (id, v)')
declare -A staged=(
	[not_null]='ALTER TABLE account ADD CONSTRAINT n CHECK (kind IS NOT NULL) NOT VALID;
		ALTER TABLE account VALIDATE CONSTRAINT n;
		ALTER TABLE account ALTER kind SET NOT NULL; ALTER TABLE account DROP CONSTRAINT n;'
	[check]="${plain[check]} NOT VALID; ALTER TABLE account VALIDATE CONSTRAINT account_v_check;"
	[foreign_key]="${plain[foreign_key]} NOT VALID; ALTER TABLE account VALIDATE CONSTRAINT account_kind_fkey;"
	[unique]='CREATE UNIQUE INDEX CONCURRENTLY u ON account (id, v);
		ALTER TABLE account ADD CONSTRAINT account_id_v_key UNIQUE USING INDEX u;')
declare -A title=([not_null]='SET NOT NULL' [check]=CHECK
	[foreign_key]='FOREIGN KEY' [unique]=UNIQUE)

measure()
{
	local name=$1 from to

	shift
	make_table v >/dev/null
	query -c 'DROP TABLE IF EXISTS kind' -c 'CREATE TABLE kind (id int PRIMARY KEY)' \
		-c 'INSERT INTO kind SELECT generate_series(0, 999)' 2>/dev/null
	start_load
	from=$(now)
	"$@" >/dev/null 2>&1
	to=$(now)
	end_load
	echo "$(((to - from) / 1000)) $(latencies "$from" "$to")" >>"$WORK/$name"
}

by_stages()
{
	query <<<"$1"
}

by_revision()
{
	query -c "SELECT pgmigrate.revision('$1', \$\$${plain[$1]}\$\$, id => '$1_$2', down_revision => '{}')"
	query -c "SELECT pgmigrate.upgrade('$1_$2')"
}

row()
{
	local column cells=

	for column in 1 3 4; do
		cells="$cells | $(awk -v c="$column" '{ print $c }' "$WORK/$2" | median)"
	done
	echo "| $1$cells |"
}

start_server "autovacuum = off"
fresh_database
for round in $(seq "$ROUNDS"); do
	say "round $round of $ROUNDS"
	measure alone sleep 5
	for what in not_null check foreign_key unique; do
		measure "plain.$what" query -c "${plain[$what]}"
		measure "staged.$what" by_stages "${staged[$what]}"
		measure "online.$what" by_revision "$what" "$round"
	done
done
{
	cat <<EOT
# New constraints

$(query -c 'SELECT version()'), $(nproc) processors, $ROWS rows, $RATE transactions
a second, rounds: $ROUNDS, $(date -u '+%F %H:%M') UTC. Medians. Load average of the machine before and after: $LOAD_BEFORE and $(cut -d' ' -f1 /proc/loadavg).

| | ms | longest transaction ms | longest without a commit ms |
|---|---|---|---|
$(row 'the application alone' alone)
EOT
	for what in not_null check foreign_key unique; do
		row "${title[$what]}, as written" "plain.$what"
		row "${title[$what]}, by hand in stages" "staged.$what"
		row "${title[$what]}, by a revision" "online.$what"
	done
} | tee "${RESULTS:-$HERE/CONSTRAINTS.md}"

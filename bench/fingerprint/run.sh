#!/bin/bash
# run.sh
#	  How long does the fingerprint of 1,000 tables take?
#
# Prints the table and writes it to RESULTS.md beside this file; README.md
# tells the method.
#
# Environment:
#	PG_CONFIG	the PostgreSQL to use
#	ROUNDS		default 5
#	TABLES		default 1000

set -eu
HERE=$(cd "$(dirname "$0")" && pwd)
ROOT=$(cd "$HERE/../.." && pwd)
# shellcheck source=tools/cluster.sh
. "$ROOT/tools/cluster.sh"

ROUNDS=${ROUNDS:-5}
TABLES=${TABLES:-1000}

query()
{
	as_user "$BINDIR/psql" -X -q -A -t -v ON_ERROR_STOP=1 -d bench "$@"
}

# Microseconds that a command takes.
took()
{
	local start=${EPOCHREALTIME/./}

	"$@" >/dev/null
	echo $((${EPOCHREALTIME/./} - start))
}

open_session()
{
	query -c '\timing on' -c 'SELECT pgmigrate.fingerprint()' \
		-c 'SELECT pgmigrate.fingerprint()' \
		-c 'SELECT pgmigrate.fingerprint()' |
		sed -n 's/^Time: \([0-9]*\)\.\([0-9]*\) ms.*/\1\2/p' | tail -n 1
}

median()
{
	sort -n | sed -n "$(((ROUNDS + 1) / 2))p"
}

clean_up_at_exit
new_cluster >&2
as_user "$BINDIR/createdb" bench
query -c 'CREATE EXTENSION pgmigrate'
for first in $(seq 1 100 "$TABLES"); do
	query <<SQL
DO \$\$
BEGIN
	FOR i IN $first .. $((first + 99)) LOOP
		EXECUTE format('CREATE TABLE t%s (id int PRIMARY KEY, c1 int NOT NULL
			REFERENCES t%s, c2 text DEFAULT ''x'', c3 varchar(20),
			c4 timestamptz DEFAULT now(), c5 numeric(10,2), c6 bool, c7 jsonb,
			c8 uuid, c9 bigint, CHECK (c1 > 0))', i, i - (i - 1) % 10);
		EXECUTE format('CREATE INDEX ON t%s (c1)', i);
	END LOOP;
END \$\$;
SQL
done
query -c 'VACUUM ANALYZE'

for round in $(seq "$ROUNDS"); do
	took query -c 'SELECT pgmigrate.fingerprint()' >>"$WORK/new"
	open_session >>"$WORK/open"
	took as_user "$BINDIR/pg_dump" -s bench >>"$WORK/dump"
done
dump=$(median <"$WORK/dump")
{
	echo "PostgreSQL $(query -c 'SHOW server_version'), $TABLES tables, medians of $ROUNDS rounds, $(nproc) cores."
	echo
	echo '| | ms | ratio |'
	echo '|---|---|---|'
	for what in 'new:fingerprint, new session' 'open:fingerprint, open session' \
		'dump:pg_dump -s'; do
		median <"$WORK/${what%%:*}" |
			awk -v what="${what#*:}" -v dump="$dump" \
				'{ printf "| %s | %.0f | %.2f |\n", what, $1 / 1000, $1 / dump }'
	done
} | tee "$HERE/RESULTS.md"

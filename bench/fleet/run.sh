#!/bin/bash
# run.sh
#	  How long does a wave over many databases take?
#
# One of the databases fails: the others have to be right, and the next call
# has to retry that one alone.  If they are not, the exit status says so.
# Prints the table and writes it to RESULTS.md beside this file; README.md
# tells the method.
#
# Environment:
#	PG_CONFIG	the PostgreSQL to use
#	DATABASES	default 200
#	REVISIONS	of each database, default 20
#	AT_ONCE		default 4
#	RESULTS		file to write, default RESULTS.md

set -eu
HERE=$(cd "$(dirname "$0")" && pwd)
ROOT=$(cd "$HERE/../.." && pwd)
# shellcheck source=tools/cluster.sh
. "$ROOT/tools/cluster.sh"

DATABASES=${DATABASES:-200}
REVISIONS=${REVISIONS:-20}
AT_ONCE=${AT_ONCE:-4}
FAILING=tenant_$((DATABASES / 2))

query()
{
	as_user "$BINDIR/psql" -X -q -A -t -v ON_ERROR_STOP=1 \
		-d "${DATABASE:-postgres}" "$@"
}

load()
{
	cut -d ' ' -f 1 /proc/loadavg
}

# A wave; what has become of the databases is in the file of $1.
wave()
{
	local from to

	from=$(date +%s%N)
	query -F ' ' -c "SELECT database, state, steps FROM pgmigrate.fleet(
		at_once => $AT_ONCE, stop_on_failure => false)" >"$WORK/$1" 2>"$WORK/$1.err" ||
		{ cat "$WORK/$1.err" >&2; exit 1; }
	to=$(date +%s%N)
	echo "$(((to - from) / 100000000))" | sed 's/\(.\)$/.\1/; s/^\./0./'
}

# "10 done 5, 1 failed 2": databases, their state and their steps.
summary()
{
	cut -d ' ' -f 2,3 "$WORK/$1" | sort | uniq -c |
		sed 's/^ *//' | paste -s -d ',' | sed 's/,/, /g'
}

# Of each database: revisions that are applied, tables that are there.
applied()
{
	seq "$DATABASES" | while read -r n; do
		DATABASE=tenant_$n query -F ' ' -c "SELECT
			(SELECT count(*) FROM pgmigrate.revisions WHERE state = 'applied'),
			(SELECT count(*) FROM pg_class WHERE relname ~ '^t_[0-9]+\$')"
	done | sort | uniq -c | sed 's/^ *//' | paste -s -d ',' | sed 's/,/, /g'
}

check()
{
	[ "$2" = "$3" ] || fail "$1: \"$3\", expected \"$2\""
}

clean_up_at_exit
new_cluster "fsync = off" "max_connections = 50" >&2
as_user "$BINDIR/createdb" template
DATABASE=template query >/dev/null <<SQL
CREATE EXTENSION pgmigrate;
SELECT count(pgmigrate.revision('r', format('CREATE TABLE t_%s (id bigint PRIMARY KEY, name text); CREATE INDEX ON t_%1\$s (name)', n),
	format('DROP TABLE t_%s', n), id => 'r' || n)) FROM generate_series(1, $REVISIONS) n;
SQL
for ((n = 1; n <= DATABASES; n++)); do
	as_user "$BINDIR/createdb" -T template "tenant_$n"
done
DATABASE=postgres query -c 'CREATE EXTENSION pgmigrate' -c CHECKPOINT
DATABASE=$FAILING query -c 'CREATE TABLE t_2 (id int)'
# the fleet is all of these, and no other
as_user "$BINDIR/dropdb" template

before=$(load)
first=$(wave first)
check "states of the first wave" \
	"1 done 0, $((DATABASES - 1)) done $REVISIONS, 1 failed 1" "$(summary first)"
check "the one that failed" "$FAILING failed 1" \
	"$(grep -v ' done ' "$WORK/first")"
check "revisions and tables after it" \
	"1 1 2, $((DATABASES - 1)) $REVISIONS $REVISIONS" "$(applied)"
DATABASE=$FAILING query -c 'DROP TABLE t_2'
again=$(wave again)
check "states of the second wave" \
	"$DATABASES done 0, 1 done $((REVISIONS - 1))" "$(summary again)"
check "revisions and tables after it" "$DATABASES $REVISIONS $REVISIONS" \
	"$(applied)"

{
	echo '# A wave over many databases'
	echo
	echo "$(date -u '+%Y-%m-%d %H:%M') UTC, $("$PG_CONFIG" --version), $(nproc) processors, load $before before and $(load) after, fsync off."
	echo "$DATABASES databases, $REVISIONS revisions each, $AT_ONCE at a time."
	echo
	echo '| wave | s | databases |'
	echo '|---|---|---|'
	echo "| the first, one fails at its second revision | $first | $((DATABASES - 1)) done, 1 failed |"
	echo "| the second, its table mended | $again | 1 went on, $((DATABASES - 1)) were looked at |"
	echo
	echo 'After each wave the ledger and the tables of all databases were counted, and were as they should be.'
} | tee "${RESULTS:-$HERE/RESULTS.md}"

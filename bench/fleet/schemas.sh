#!/bin/bash
# schemas.sh
#	  How long does a wave over many schemas of one database take?
#
# As run.sh, with schemas for databases: one of them fails, the others have to
# be right, and the next call has to retry that one alone.  If they are not,
# the exit status says so.  Prints the table and writes it to SCHEMAS.md beside
# this file; README.md tells the method.
#
# Environment:
#	PG_CONFIG	the PostgreSQL to use
#	SCHEMAS		default 200
#	REVISIONS	of each schema, default 20
#	RESULTS		file to write, default SCHEMAS.md

set -eu
HERE=$(cd "$(dirname "$0")" && pwd)
ROOT=$(cd "$HERE/../.." && pwd)
# shellcheck source=tools/cluster.sh
. "$ROOT/tools/cluster.sh"

SCHEMAS=${SCHEMAS:-200}
REVISIONS=${REVISIONS:-20}
FAILING=tenant_$((SCHEMAS / 2))

query()
{
	as_user "$BINDIR/psql" -X -q -A -t -v ON_ERROR_STOP=1 -d postgres "$@"
}

load()
{
	cut -d ' ' -f 1 /proc/loadavg
}

# Seconds of one call of psql with these arguments, its output in the file $1.
timed()
{
	local from to out=$WORK/$1

	shift
	from=$(date +%s%N)
	query -F ' ' "$@" >"$out" 2>"$out.err" || { cat "$out.err" >&2; exit 1; }
	to=$(date +%s%N)
	echo "$(((to - from) / 100000000))" | sed 's/\(.\)$/.\1/; s/^\./0./'
}

wave()
{
	timed "$1" -c "SELECT schema, state, steps FROM pgmigrate.fleet(
		schemas => '{$(seq -s , -f 'tenant_%.0f' "$SCHEMAS")}', stop_on_failure => false)"
}

# "10 done 5, 1 failed 2": schemas, their state and their steps.
summary()
{
	cut -d ' ' -f 2,3 "$WORK/$1" | sort | uniq -c |
		sed 's/^ *//' | paste -s -d ',' | sed 's/,/, /g'
}

# Of each schema: revisions that are applied, tables that are there.
applied()
{
	query -F ' ' -c "SELECT count(*), revisions, tables FROM (
		SELECT n.nspname,
			(SELECT count(*) FROM pgmigrate.revision r JOIN pgmigrate.applied a ON a.revision = r.id
				WHERE r.for_schema = n.nspname) AS revisions,
			(SELECT count(*) FROM pg_class c WHERE c.relnamespace = n.oid AND c.relname ~ '^t_[0-9]+\$') AS tables
		FROM pg_namespace n WHERE n.nspname ~ '^tenant_') AS s GROUP BY 2, 3 ORDER BY 1" |
		paste -s -d ',' | sed 's/,/, /g'
}

check()
{
	[ "$2" = "$3" ] || fail "$1: \"$3\", expected \"$2\""
}

clean_up_at_exit
new_cluster "fsync = off" "max_connections = 50" >&2
query >/dev/null <<SQL
CREATE EXTENSION pgmigrate;
SELECT count(pgmigrate.revision('r', format('CREATE TABLE t_%s (id bigint PRIMARY KEY, name text); CREATE INDEX ON t_%1\$s (name)', n),
	format('DROP TABLE t_%s', n), id => 'r' || n)) FROM generate_series(1, $REVISIONS) n;
SELECT format('CREATE SCHEMA tenant_%s', n) FROM generate_series(1, $SCHEMAS) n \gexec
CREATE TABLE $FAILING.t_2 (id int);
CHECKPOINT;
SQL

before=$(load)
first=$(wave first)
check "states of the first wave" \
	"$((SCHEMAS - 1)) done $REVISIONS, 1 failed 1" "$(summary first)"
check "the one that failed" "$FAILING failed 1" \
	"$(grep -v ' done ' "$WORK/first")"
check "revisions and tables after it" \
	"1 1 2, $((SCHEMAS - 1)) $REVISIONS $REVISIONS" "$(applied)"
query -c "DROP TABLE $FAILING.t_2"
again=$(wave again)
check "states of the second wave" \
	"$((SCHEMAS - 1)) done 0, 1 done $((REVISIONS - 1))" "$(summary again)"
check "revisions and tables after it" "$SCHEMAS $REVISIONS $REVISIONS" \
	"$(applied)"
query -c "SELECT pgmigrate.revision('one more', 'CREATE TABLE more ()', 'DROP TABLE more', id => 'more')" >/dev/null
more=$(wave more)
check "states of the third wave" "$SCHEMAS done 1" "$(summary more)"
query -c "SELECT pgmigrate.downgrade('tenant_1.r$REVISIONS')" >/dev/null
alone=$(timed alone -c "SELECT revision FROM pgmigrate.upgrade('tenant_1@head')")
check "one without a fleet" tenant_1.more "$(cat "$WORK/alone")"

{
	echo '# A wave over many schemas'
	echo
	echo "$(date -u '+%Y-%m-%d %H:%M') UTC, $("$PG_CONFIG" --version), $(nproc) processors, load $before before and $(load) after, fsync off."
	echo "$SCHEMAS schemas of one database, $REVISIONS revisions each, one after the other."
	echo
	echo '| call | s | schemas |'
	echo '|---|---|---|'
	echo "| the first wave, one fails at its second revision | $first | $((SCHEMAS - 1)) done, 1 failed |"
	echo "| the second, its table mended | $again | 1 went on, $((SCHEMAS - 1)) were looked at |"
	echo "| the third, with one revision more | $more | $SCHEMAS done |"
	echo "| upgrade() of one schema by one revision, among the $((SCHEMAS * (REVISIONS + 1))) of all | $alone | 1 |"
	echo
	echo 'After each wave the ledger and the tables of all schemas were counted, and were as they should be.'
} | tee "${RESULTS:-$HERE/SCHEMAS.md}"

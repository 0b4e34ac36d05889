#!/bin/bash
# run.sh
#	  Time pgmigrate beside Alembic and psql on a private server.
#
# Prints the table and writes it to RESULTS.md beside this file; README.md
# tells the method.  Needs Debian's alembic and python3-psycopg2, which are
# installed if missing.
#
# Environment:
#	PG_CONFIG	the PostgreSQL to use
#	REPEAT		repetitions of each measurement, default 5
#	REVISIONS	revisions of the applied history, default 1000
#	STORED		revisions of the history that is stored, default 10000
#	PLANNED		revisions of the history that is planned, default 100000

set -eu
HERE=$(cd "$(dirname "$0")" && pwd)
ROOT=$(cd "$HERE/../.." && pwd)
# shellcheck source=tools/cluster.sh
. "$ROOT/tools/cluster.sh"

REPEAT=${REPEAT:-5}
REVISIONS=${REVISIONS:-1000}
STORED=${STORED:-10000}
PLANNED=${PLANNED:-100000}
NOOPS=500

query()
{
	as_user "$BINDIR/psql" -X -q -A -t -v ON_ERROR_STOP=1 "$@"
}

fresh_database()
{
	query -d postgres -c "DROP DATABASE IF EXISTS $1" \
		-c "CREATE DATABASE $1 TEMPLATE $2" -c CHECKPOINT 2>/dev/null
}

# Add the wall time of a command to the results: work, arm, command.
measure()
{
	local work=$1 arm=$2 start=$EPOCHREALTIME end

	shift 2
	"$@" >"$WORK/out" 2>&1 || { cat "$WORK/out" >&2; fail "$arm failed"; }
	end=$EPOCHREALTIME
	echo "$work,$arm,$(((${end/./} - ${start/./})))" >>"$WORK/results.csv"
}

# Does the database $1 have $2 tables t_n?
expect_tables()
{
	local found

	found=$(query -d "$1" -c "SELECT count(*) FROM pg_class WHERE relname ~ '^t_[0-9]+\$' AND relkind = 'r'")
	[ "$found" -eq "$2" ] || fail "$1 has $found tables, not $2"
}

# ---- the arms: each applies the same statements and takes them back

pgmigrate_run()
{
	query -d "$1" -c "SET pgmigrate.transaction_per_migration = $2" \
		-c "SELECT * FROM pgmigrate.$3"
}

alembic_run()
{
	(
		cd "$WORK/alembic"
		as_user env DATABASE="$1" PER_MIGRATION="$2" alembic "$3" "$4"
	)
}

arms='pgmigrate_each pgmigrate_one alembic_each alembic_one psql_each psql_one'

up()
{
	case $1 in
		pgmigrate_each) pgmigrate_run "$2" on "upgrade('head')" ;;
		pgmigrate_one) pgmigrate_run "$2" off "upgrade('head')" ;;
		alembic_each) alembic_run "$2" on upgrade head ;;
		alembic_one) alembic_run "$2" off upgrade head ;;
		psql_each) query -d "$2" -f "$WORK/alembic/up.sql" ;;
		psql_one) query -1 -d "$2" -f "$WORK/alembic/up.sql" ;;
	esac
}

down()
{
	case $1 in
		pgmigrate_each) pgmigrate_run "$2" on "downgrade('base')" ;;
		pgmigrate_one) pgmigrate_run "$2" off "downgrade('base')" ;;
		alembic_each) alembic_run "$2" on downgrade base ;;
		alembic_one) alembic_run "$2" off downgrade base ;;
		psql_each) query -d "$2" -f "$WORK/alembic/down.sql" ;;
		psql_one) query -1 -d "$2" -f "$WORK/alembic/down.sql" ;;
	esac
}

# ---- preparation

make_files()
{
	local n parent=None dir=$WORK/alembic

	user_dir "$dir"
	as_user mkdir -p "$dir/scripts/versions"
	as_user tee "$dir/alembic.ini" >/dev/null <<-'INI'
		[alembic]
		script_location = scripts
	INI
	as_user tee "$dir/scripts/env.py" >/dev/null <"$HERE/env.py"
	for ((n = 1; n <= REVISIONS; n++)); do
		printf 'from alembic import op\n\nrevision = "r%d"\ndown_revision = %s\n\n\ndef upgrade():\n    op.execute("CREATE TABLE t_%d (id int)")\n\n\ndef downgrade():\n    op.execute("DROP TABLE t_%d")\n' \
			"$n" "$parent" "$n" "$n" >"$WORK/revision.py"
		cp "$WORK/revision.py" "$dir/scripts/versions/r$n.py"
		parent="\"r$n\""
		echo "CREATE TABLE t_$n (id int);"
	done >"$dir/up.sql"
	for ((n = REVISIONS; n >= 1; n--)); do
		echo "DROP TABLE t_$n;"
	done >"$dir/down.sql"
	chmod -R a+rX "$dir"
	[ -z "$RUN_USER" ] || chown -R "$RUN_USER:$RUN_GROUP" "$dir"
}

store()
{
	query -d "$1" -c "SELECT count(pgmigrate.revision('create t_' || n,
		format('CREATE TABLE t_%s (id int)', n), format('DROP TABLE t_%s', n),
		id => 'r' || n)) FROM generate_series(1, $2) AS n"
}

clean_up_at_exit
need_packages
missing=
have alembic || missing=alembic
/usr/bin/python3 -c 'import psycopg2' 2>/dev/null ||
	missing="$missing python3-psycopg2"
# shellcheck disable=SC2086
[ -z "$missing" ] || install_packages $missing
work_area
private_tree
copy_source
build_install
# what a server of this size would be set to; fsync stays on
start_cluster "shared_buffers = 1GB" "max_wal_size = 8GB" \
	"max_locks_per_transaction = 256" "wal_level = replica" \
	"autovacuum = off"
make_files

query -d postgres -c "CREATE DATABASE plain" -c "CREATE DATABASE stored"
query -d stored -c "CREATE EXTENSION pgmigrate" -c "CHECKPOINT"
query -d postgres -c "CREATE DATABASE extended TEMPLATE stored"
store stored "$REVISIONS" >/dev/null
query -d postgres -c "CREATE DATABASE planned TEMPLATE extended"
say "storing $PLANNED revisions"
store planned "$PLANNED" >/dev/null
query -d planned -c "VACUUM ANALYZE"
echo "SELECT * FROM pgmigrate.upgrade('head');" >"$WORK/noop.sql"
echo "SELECT count(*) FROM pgmigrate.plan('head');" >"$WORK/plan.sql"
chmod 644 "$WORK"/*.sql

# ---- one run, interleaved

# Milliseconds of a script in an open session, on average of so many calls.
in_session()
{
	local ms

	ms=$(as_user "$BINDIR/pgbench" -n -t "$4" -f "$WORK/$5.sql" "$3" \
		2>/dev/null | sed -n 's/^latency average = \([0-9.]*\) ms$/\1/p')
	[ -n "$ms" ] || fail "pgbench failed"
	awk -v ms="$ms" -v work="$1" -v arm="$2" \
		'BEGIN { printf "%s,%s,%d\n", work, arm, ms * 1000 }' \
		>>"$WORK/results.csv"
}

for ((i = 1; i <= REPEAT; i++)); do
	say "repetition $i of $REPEAT"
	for arm in $arms; do
		case $arm in
			pgmigrate*) fresh_database bench stored ;;
			*) fresh_database bench plain ;;
		esac
		measure up "$arm" up "$arm" bench
		expect_tables bench "$REVISIONS"
		case $arm in
			pgmigrate_each)
				in_session noop pgmigrate bench "$NOOPS" noop
				;;
			alembic_each)
				measure noop alembic up "$arm" bench
				;;
		esac
		query -d bench -c CHECKPOINT
		measure down "$arm" down "$arm" bench
		expect_tables bench 0
	done
	in_session plan pgmigrate planned 3 plan
	fresh_database bench extended
	measure store pgmigrate store bench "$STORED"
done

version()
{
	"$@" --version 2>/dev/null | sed -n '1s/^[^0-9]*//p'
}

{
	echo "date $(date +%F)"
	echo "postgresql $("$PRIVATE_CONFIG" --version | sed 's/^PostgreSQL //')"
	echo "alembic $(/usr/bin/python3 -c 'import alembic; print(alembic.__version__)')"
	echo "cpus $(nproc)"
	echo "cpu $(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -n 1)"
	echo "memory $(awk '/^MemTotal/ { printf "%d GiB", $2 / 1048576 }' /proc/meminfo)"
	echo "load $(cut -d' ' -f1-3 /proc/loadavg)"
	echo "repeat $REPEAT"
	echo "revisions $REVISIONS"
	echo "stored $STORED"
	echo "planned $PLANNED"
	echo "noops $NOOPS"
} >"$WORK/facts"
/usr/bin/python3 "$HERE/report.py" "$WORK/facts" "$WORK/results.csv" |
	tee "$HERE/RESULTS.md"

#!/bin/bash
# run.sh
#	  What does it take to find the SQL from one schema to another?
#
# Prints the table and writes it to RESULTS.md beside this file; README.md
# tells the method.
#
# Environment:
#	PG_CONFIG	the PostgreSQL to use
#	ROUNDS		default 5
#	TABLES		default 1000
#	PYTHON		one that has alembic, migra and psycopg2; they are left out
#				where it has them not
#	ALEMBIC_PYTHON	one for alembic alone, default PYTHON
#	RESULTS		file to write, default RESULTS.md

set -eu
HERE=$(cd "$(dirname "$0")" && pwd)
ROOT=$(cd "$HERE/../.." && pwd)
# shellcheck source=tools/cluster.sh
. "$ROOT/tools/cluster.sh"

ROUNDS=${ROUNDS:-5}
TABLES=${TABLES:-1000}
PYTHON=${PYTHON:-python3}
ALEMBIC_PYTHON=${ALEMBIC_PYTHON:-$PYTHON}

query()
{
	as_user "$BINDIR/psql" -X -q -A -t -v ON_ERROR_STOP=1 -d present "$@"
}

# Ten columns, two indexes beside the key, a foreign key.
make_tables()
{
	as_user "$BINDIR/createdb" "$1"
	as_user "$BINDIR/psql" -X -q -v ON_ERROR_STOP=1 -d "$1" >/dev/null <<SQL
CREATE SCHEMA app;
SET search_path = app;
SELECT format('CREATE TABLE t%s (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	a int, b text NOT NULL, c varchar(20) DEFAULT ''x'', d timestamptz NOT NULL DEFAULT now(),
	e numeric(10,2), f int, g text NOT NULL, h varchar(20), parent bigint REFERENCES t%s)',
	i, greatest(i / 2, 1)) FROM generate_series(1, $TABLES) AS i \gexec
SELECT format('CREATE INDEX ON t%s (a)', i) FROM generate_series(1, $TABLES) AS i \gexec
SELECT format('CREATE INDEX ON t%s (parent)', i) FROM generate_series(1, $TABLES) AS i \gexec
SQL
}

# In every tenth table a column more, and one that is text now.
change_tables()
{
	as_user "$BINDIR/psql" -X -q -v ON_ERROR_STOP=1 -d "$1" >/dev/null <<SQL
SELECT format('ALTER TABLE app.t%s ADD COLUMN more int, ALTER COLUMN c TYPE text', i)
FROM generate_series(1, $TABLES, 10) AS i \gexec
SQL
}

now()
{
	date +%s%N
}

# The wall time of a command, in ms, is added to the file of $1.
wall()
{
	local name=$1 begin
	shift
	begin=$(now)
	"$@" >"$WORK/$name.out"
	echo $((($(now) - begin) / 1000000)) >>"$WORK/$name.ms"
}

difference()
{
	query -c "SELECT count(*) FROM pgmigrate.diff(desired_database => 'desired')"
}

difference_of_text()
{
	query -c "SELECT count(*) FROM pgmigrate.diff(pg_read_file('$WORK/desired.sql'))"
}

generated()
{
	query <<SQL
BEGIN;
SELECT pgmigrate.autogenerate('bench', desired_database => 'desired');
ROLLBACK;
SQL
}

dump_twice()
{
	as_user "$BINDIR/pg_dump" -s -d present
	as_user "$BINDIR/pg_dump" -s -d desired
}

python_of()
{
	if [ "$1" = alembic ]; then
		echo "$ALEMBIC_PYTHON"
	else
		echo "$PYTHON"
	fi
}

other_tool()
{
	local name=$1 url="postgresql://$RUN_USER@/%s?host=$PGHOST&port=$PGPORT"

	# shellcheck disable=SC2059
	as_user "$(python_of "$name")" "$HERE/other_tools.py" "$name" \
		"$(printf "$url" present)" "$(printf "$url" desired)" \
		2>"$WORK/$name.err" | cut -d' ' -f1 >>"$WORK/$name.ms" || true
}

median()
{
	sort -n "$WORK/$1.ms" | sed -n "$(((ROUNDS + 1) / 2))p"
}

clean_up_at_exit
new_cluster "shared_buffers = 256MB" "autovacuum = off" "fsync = off" >&2
make_tables present
make_tables desired
change_tables desired
query -c 'CREATE EXTENSION pgmigrate' -c 'VACUUM ANALYZE'
as_user "$BINDIR/psql" -X -q -d desired -c 'VACUUM ANALYZE'
as_user "$BINDIR/pg_dump" -s -d desired >"$WORK/desired.sql"

names=(difference difference_of_text generated dump_twice)
declare -A title=(
	[difference]="diff(desired_database => ...)"
	[difference_of_text]="diff(text)"
	[generated]="autogenerate(desired_database => ...), proven"
	[dump_twice]="pg_dump -s twice"
	[alembic]="alembic, compare_metadata"
	[migra]="migra")
for name in alembic migra; do
	if as_user "$(python_of "$name")" -c "import $name, psycopg2" 2>/dev/null; then
		names+=("$name")
	else
		echo "without $name" >&2
	fi
done

for round in $(seq "$ROUNDS"); do
	echo "round $round" >&2
	for name in "${names[@]}"; do
		case $name in
			alembic | migra) other_tool "$name" ;;
			*) wall "$name" "$name" ;;
		esac
	done
done
base=$(median dump_twice)
{
	echo "PostgreSQL $(query -c 'SHOW server_version'), $TABLES tables, medians of $ROUNDS rounds, $(nproc) cores, load $(cut -d' ' -f1 /proc/loadavg)."
	echo
	echo '| | ms | x pg_dump twice |'
	echo '|---|---|---|'
	for name in "${names[@]}"; do
		[ -s "$WORK/$name.ms" ] || continue
		median "$name" | awk -v what="${title[$name]}" -v base="$base" \
			'{ printf "| %s | %d | %.2f |\n", what, $1, $1 / base }'
	done
} | tee "$HERE/${RESULTS:-RESULTS.md}"

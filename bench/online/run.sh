#!/bin/bash
# run.sh
#	  What does the application notice of a type change of a large table?
#
# Prints the table and writes it to RESULTS.md beside this file; README.md
# tells the method.
#
# Environment:
#	PG_CONFIG	the PostgreSQL to use
#	SERVER		one that is there, see application.sh
#	ROUNDS		default 3
#	ROWS		default 1000000
#	RATE		transactions a second of the application, default 200
#	WAYS		a choice of them, default all; "repack" and "rewrite" need
#				pg_repack and pg_rewrite beside the server
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
RATE=${RATE:-200}
WAYS=${WAYS:-alone plain staged repack rewrite online bulk}
LOAD_BEFORE=$(cut -d' ' -f1 /proc/loadavg)

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

# One change under load: a command.
measure()
{
	local name=$1 from to wal cpu_began

	shift
	wal=$(query -c 'SELECT pg_current_wal_insert_lsn()')
	cpu_began=$(cpu)
	from=$(now)
	"$@" >/dev/null
	to=$(now)
	wal=$(query -c "SELECT (pg_wal_lsn_diff(pg_current_wal_insert_lsn(), '$wal') / 1048576)::int")
	echo "$name $from $to $wal $(($(cpu) - cpu_began))" >>"$WORK/measured"
}

# As it is done by hand: a second column, a trigger, batches, an index, names.
staged()
{
	query <<'SQL'
ALTER TABLE account ADD COLUMN v_new bigint;
CREATE FUNCTION staged() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.v_new := NEW.v; RETURN NEW; END $$;
CREATE TRIGGER staged BEFORE INSERT OR UPDATE ON account FOR EACH ROW EXECUTE FUNCTION staged();
CREATE PROCEDURE in_batches() LANGUAGE plpgsql AS $$
DECLARE most int;
BEGIN
	SELECT max(id) INTO most FROM account;
	FOR i IN 0 .. most / 10000 LOOP
		UPDATE account SET v_new = v WHERE id > i * 10000 AND id <= (i + 1) * 10000 AND v_new IS NULL;
		COMMIT;
	END LOOP;
END $$;
CALL in_batches();
ALTER TABLE account ADD CONSTRAINT staged CHECK (v_new IS NOT NULL) NOT VALID;
ALTER TABLE account VALIDATE CONSTRAINT staged;
CREATE INDEX CONCURRENTLY account_v_new ON account (v_new);
SET lock_timeout = '2s';
BEGIN;
ALTER TABLE account ALTER v_new SET NOT NULL;
DROP TRIGGER staged ON account;
ALTER TABLE account DROP CONSTRAINT staged, DROP COLUMN v;
ALTER TABLE account RENAME v_new TO v;
ALTER INDEX account_v_new RENAME TO account_v_idx;
COMMIT;
DROP FUNCTION staged();
DROP PROCEDURE in_batches();
SQL
}

repack()
{
	client "$BINDIR/pg_repack" --no-order --no-analyze --wait-timeout=10 -t account "$DATABASE" 2>&1
}

# The target is made by hand, with its indexes, which nothing may lack when the
# names are exchanged.  Where NOT NULL is a constraint, it comes by itself and is
# to be validated.
rewrite()
{
	query <<'SQL'
CREATE TABLE account_new (LIKE account INCLUDING DEFAULTS);
ALTER TABLE account_new ALTER COLUMN v TYPE bigint, ADD PRIMARY KEY (id);
SELECT 'ALTER TABLE account_new ALTER COLUMN v DROP NOT NULL' WHERE current_setting('server_version_num')::int >= 180000 \gexec
CREATE INDEX ON account_new (v);
CREATE INDEX ON account_new (kind, updated_at);
SELECT rewrite_table('account', 'account_new', 'account_old');
SELECT format('ALTER TABLE account VALIDATE CONSTRAINT %I', conname) FROM pg_constraint WHERE conrelid = 'account'::regclass AND NOT convalidated \gexec
DROP TABLE account_old;
ANALYZE account;
SQL
}

# What psql's clock says, without its own start.
revert()
{
	query -c '\timing on' -c "SELECT pgmigrate.revert(max(operation)) FROM pgmigrate.operations" |
		sed -n 's/^Time: \([0-9.]*\) ms.*/\1/p' >>"$WORK/reverts"
}

# The log of the load is whole when it has ended.
evaluate()
{
	local name from to wal cpu

	while read -r name from to wal cpu; do
		echo "$(((to - from) / 1000)) $(noticed "$from" "$to") $wal $cpu" >>"$WORK/$name"
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

# Medians of the columns of a file, and the range of the first two.  What the
# application alone has in that time is taken from WAL and CPU.
row()
{
	local column cells="" file=$WORK/$2

	for column in 1 2 3 5; do
		cells="$cells | $(awk -v c="$column" '{ print $c }' "$file" | median)"
	done
	for column in 6 7; do
		cells="$cells | $(awk -v c="$column" -v of="$WORK/alone" '
			BEGIN { while ((getline line < of) > 0) { split(line, v, " "); part += v[c]; time += v[1] } }
			{ printf "%.0f\n", $c - (time ? $1 * part / time : 0) }' "$file" | median)"
	done
	echo "| $1$cells | $(awk '{ print $2 }' "$file" | sort -n | sed -n '1p;$p' | paste -sd-) |"
}

# Of the ways that were measured.
rows()
{
	local way name

	while IFS=: read -r way name; do
		[ ! -e "$WORK/$way" ] || row "$name" "$way"
	done <<'EOT'
alone:no change
plain:ALTER TABLE
staged:by hand, in stages
repack:pg_repack
rewrite:pg_rewrite
online:rebuild()
revert:revert()
EOT
}

# What an UPDATE costs when rows are written twice, a sentence.
bulk_row()
{
	local alone along

	[ -e "$WORK/written_alone" ] || return 0
	alone=$(median <"$WORK/written_alone")
	along=$(median <"$WORK/written_along")
	echo
	echo "UPDATE of a tenth of the rows, one statement: $alone ms, while it is written along $along ms, $(awk "BEGIN { printf \"%.2f\", $along / $alone }") x."
}

change()
{
	case $1 in
		alone) measure alone sleep 20 ;;
		plain) measure plain query -c 'ALTER TABLE account ALTER COLUMN v TYPE bigint' ;;
		staged) measure staged staged ;;
		repack) measure repack repack ;;
		rewrite) measure rewrite rewrite ;;
		online)
			measure online query -c "SELECT pgmigrate.rebuild('account', 'ALTER COLUMN v TYPE bigint')"
			measure revert revert
			;;
	esac
}

# It wants to be there from the start of the server, and the log of all rows.
if [ -e "$("${PG_CONFIG:-pg_config}" --sharedir)/extension/pg_rewrite.control" ]; then
	set -- "wal_level = logical" "shared_preload_libraries = pg_rewrite"
fi
start_server "autovacuum = off" "$@"
fresh_database

if [ -x "$BINDIR/pg_repack" ]; then
	query -c 'CREATE EXTENSION pg_repack'
else
	WAYS=${WAYS//repack/}
fi
# Newer minor releases have a list of libraries that may decode the log.
if [[ " $WAYS " == *" rewrite "* ]] && query -c 'CREATE EXTENSION pg_rewrite' 2>/dev/null; then
	query -c "ALTER SYSTEM SET output_plugin_libraries = pg_rewrite" 2>/dev/null &&
		query -c 'SELECT pg_reload_conf()' >/dev/null
else
	WAYS=${WAYS//rewrite/}
fi

for round in $(seq "$ROUNDS"); do
	for way in $WAYS; do
		echo "# round $round of $ROUNDS: $way" >&2
		make_table v 'kind, updated_at'
		if [ "$way" != bulk ]; then
			start_load
			change "$way"
			stop_load
			continue
		fi
		for part in 1 2 3; do bulk written_alone "$part"; done
		query -c "SELECT pgmigrate.rebuild('account')" >/dev/null
		for part in 4 5 6; do bulk written_along "$part"; done
		query -c 'SELECT pgmigrate.finalize()' >/dev/null
	done
done

{
	cat <<EOT
# Results

$(query -c 'SELECT version()'), $(nproc) processors, $ROWS rows, $RATE transactions
a second, rounds: $ROUNDS, $(date -u +%Y-%m-%d). Medians. Load average of the machine before and after: $LOAD_BEFORE and $(cut -d' ' -f1 /proc/loadavg).
WAL and CPU of all processes of the server are without what the application alone had in the same time.

| | wall ms | longest transaction ms | over 100 ms | windows of 100 ms without a commit, % | WAL MB | CPU ms | longest, range |
|---|---|---|---|---|---|---|---|
$(rows)
$([ ! -e "$WORK/reverts" ] || echo "
revert() by psql's clock: $(median <"$WORK/reverts") ms.")
$(bulk_row)
EOT
} | tee "${RESULTS:-$HERE/RESULTS.md}"

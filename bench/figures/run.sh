#!/bin/bash
# run.sh
#	  The figures of the article, and ours beside them.
#
# Prints doc/figures.md and writes it.  Each figure has its baseline, its
# sample and its method, in the text that is written.
#
# Environment:
#	PG_CONFIG	the PostgreSQL to use, on a private server
#	SERVER		instead: the directory of the socket and the port, with a colon
#			between, of a server that has the extension; the superuser is
#			"postgres", and the database "figures" is made anew there
#	ROUNDS		default 3
#	ROWS		rows of the table, default 1000000
#	RATE		transactions a second of the application, default 200
#	REVISIONS	revisions of the history, default 1000

set -eu
HERE=$(cd "$(dirname "$0")" && pwd)
ROOT=$(cd "$HERE/../.." && pwd)
# shellcheck source=tools/cluster.sh
. "$ROOT/tools/cluster.sh"
# shellcheck source=bench/application.sh
. "$ROOT/bench/application.sh"

DATABASE=figures
ROUNDS=${ROUNDS:-3}
ROWS=${ROWS:-1000000}
RATE=${RATE:-200}
REVISIONS=${REVISIONS:-1000}

# Milliseconds of a command, added to the file of $1.
timed()
{
	local name=$1 from to

	from=$(now)
	shift
	"$@" >/dev/null 2>"$WORK/err" || { cat "$WORK/err" >&2; exit 1; }
	to=$(now)
	echo $(((to - from) / 1000)) >>"$WORK/$name"
}

median_of()
{
	median <"$WORK/$1"
}

# ---- the time that a history takes

history()
{
	fresh_database
	query -c "SELECT count(pgmigrate.revision('r', format('CREATE TABLE t_%s (id int)', n), format('DROP TABLE t_%s', n), id => 'r' || n)) FROM generate_series(1, $REVISIONS) n" >/dev/null
	timed history query -c "SELECT count(*) FROM pgmigrate.upgrade('head')"
	timed history_back query -c "SELECT count(*) FROM pgmigrate.downgrade('base')"
	for ((n = 1; n <= REVISIONS; n++)); do
		echo "CREATE TABLE t_$n (id int);"
	done >"$WORK/history.sql"
	timed psql query -f "$WORK/history.sql"
}

# ---- the way back, tried

# Ten revisions of each of 30 tables, of the kinds that a project has.
rehearsal()
{
	fresh_database
	query >/dev/null <<'SQL'
SELECT count(pgmigrate.revision(v.message, v.up, v.down))
FROM (SELECT n / 10 AS g, n % 10 AS kind, 't' || n / 10 AS t FROM generate_series(0, 299) n ORDER BY n) AS r
CROSS JOIN LATERAL (VALUES
	(0, 'create ' || t, format('CREATE TABLE %1$I (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, name varchar(80) NOT NULL, state text,
		amount int, parent bigint %2$s);
		CREATE INDEX %1$s_parent ON %1$I (parent);
		COMMENT ON TABLE %1$I IS ''table %1$s'';', t, CASE WHEN g > 0 THEN 'REFERENCES t' || g - 1 ELSE '' END),
		format('DROP TABLE %I', t)),
	(1, 'add note to ' || t, format('ALTER TABLE %I ADD note text', t), format('ALTER TABLE %I DROP note', t)),
	(2, 'add changed to ' || t, format('ALTER TABLE %I ADD changed timestamptz NOT NULL DEFAULT now()', t),
		format('ALTER TABLE %I DROP changed', t)),
	(3, 'index state of ' || t, format('CREATE INDEX CONCURRENTLY %1$s_state ON %1$I (state)', t), format('DROP INDEX CONCURRENTLY %s_state', t)),
	(4, 'names of ' || t, format('ALTER TABLE %1$I ADD CONSTRAINT %1$s_name UNIQUE (name)', t), format('ALTER TABLE %1$I DROP CONSTRAINT %1$s_name', t)),
	(5, 'states of ' || t, format('ALTER TABLE %1$I ADD CONSTRAINT %1$s_states CHECK (state IN (''new'', ''old'')) NOT VALID;
		ALTER TABLE %1$I VALIDATE CONSTRAINT %1$s_states', t), format('ALTER TABLE %1$I DROP CONSTRAINT %1$s_states', t)),
	(6, 'view of ' || t, format('CREATE VIEW v_%1$s AS SELECT id, name FROM %1$I WHERE state IS NULL; GRANT SELECT ON v_%1$s TO pg_monitor', t),
		format('DROP VIEW v_%s', t)),
	(7, 'trigger of ' || t, format('CREATE FUNCTION touch_%1$s() RETURNS trigger LANGUAGE plpgsql AS $f$ BEGIN NEW.changed := now(); RETURN NEW; END $f$;
		CREATE TRIGGER touch BEFORE UPDATE ON %1$I FOR EACH ROW EXECUTE FUNCTION touch_%1$s()', t),
		format('DROP TRIGGER touch ON %1$I; DROP FUNCTION touch_%1$s()', t)),
	(8, 'amounts of ' || t, format('ALTER TABLE %I ALTER amount TYPE bigint', t), format('ALTER TABLE %I ALTER amount TYPE int', t)),
	(9, 'rows of ' || t, format('INSERT INTO %I (name) SELECT ''n'' || i FROM generate_series(1, 100) i', t), format('DELETE FROM %I', t))
) AS v (kind, message, up, down)
WHERE v.kind = r.kind;
SQL
	timed rehearsal query -c "SELECT * FROM pgmigrate.rehearse()"
	query -c "SELECT ok FROM pgmigrate.rehearsal" | grep -qx t || fail "the rehearsal found something amiss"
}

# ---- a type change of a large table, under load

# Of the load between two moments: transactions, and those over a second.
stop_load()
{
	end_load
	cat "$WORK"/load/log.* | awk -v from="$2" -v to="$3" '
		{ end = $5 * 1000000 + $6 }
		end >= from && end - $3 <= to { n++; if ($3 > 1000000) late++; if ($3 > longest) longest = $3 }
		END { printf "%d %d %d\n", n, late, longest / 1000 }' >>"$WORK/$1"
}

change()
{
	local from to

	make_table 'kind, updated_at'
	start_load
	from=$(now)
	timed plain query -c 'ALTER TABLE account ALTER COLUMN v TYPE bigint'
	stop_load plain_load "$from" "$(now)"
	make_table 'kind, updated_at'
	start_load
	from=$(now)
	timed online query -c "SELECT pgmigrate.rebuild('account', 'ALTER COLUMN v TYPE bigint')"
	to=$(now)
	timed revert query -c "SELECT pgmigrate.revert(max(operation)) FROM pgmigrate.operations"
	stop_load online_load "$from" "$to"
	query -c "SELECT differences FROM pgmigrate.operation ORDER BY id DESC LIMIT 1" >"$WORK/compared"
	grep -q '[0-9]' "$WORK/compared" || fail "the change did not compare"
	cat "$WORK/compared" >>"$WORK/differences"
}

# ---- is a difference found?

planted()
{
	make_table 'kind, updated_at'
	query <<SQL
DROP TABLE IF EXISTS copy;
CREATE TABLE copy (LIKE account INCLUDING ALL);
INSERT INTO copy TABLE account;
SQL
	query -c "SELECT differences FROM pgmigrate.compare('account', 'copy')" >"$WORK/invented"
	query <<SQL
DELETE FROM copy WHERE id % ($ROWS / 250) = 0;
UPDATE copy SET v = v + 1 WHERE id % ($ROWS / 250) = 1;
UPDATE copy SET kind = NULL WHERE id % ($ROWS / 250) = 2;
UPDATE copy SET name = name || ' ' WHERE id % ($ROWS / 250) = 3;
SQL
	query -c "SELECT differences FROM pgmigrate.compare('account', 'copy')" >"$WORK/found"
	query -c "SELECT to_char(100 * bound, 'FM0.0000') FROM pgmigrate.compare('account', 'account', sample => 0.1)" >"$WORK/bound"
}

sum()
{
	awk -v c="$2" '{ s += $c } END { print s + 0 }' "$WORK/$1"
}

# ---- what is written

share()
{
	awk -v n="$(sum "$1" 1)" -v late="$(sum "$1" 2)" 'BEGIN { printf "%.3f %%", n ? 100 * (n - late) / n : 0 }'
}

less()
{
	awk -v a="$1" -v b="$2" 'BEGIN { printf "%+.0f %%", 100 * (b - a) / a }'
}

report()
{
	local longest_plain longest_online

	longest_plain=$(awk '$3 > m { m = $3 } END { print m }' "$WORK/plain_load")
	longest_online=$(awk '$3 > m { m = $3 } END { print m }' "$WORK/online_load")
	cat <<EOT
# The figures of the article, and ours

Written by \`bench/figures/run.sh\`, which measures all of it. A figure is worth its method: the article gives none, so that
what is comparable here is the baseline in the same row, on the same machine in the same hour.

$(query -c 'SELECT version()'), $(nproc) processors, load $(cut -d' ' -f1 /proc/loadavg),
fsync $(query -c 'SHOW fsync'), a table of $ROWS rows, an application of $RATE transactions a second on four connections,
$ROUNDS rounds, medians of the times; $(date -u +%Y-%m-%d).

| the article | what was measured | baseline | ours | against the baseline |
|---|---|---|---|---|
| migration time -40 % | $REVISIONS revisions of one \`CREATE TABLE\`, each a transaction | psql: $(median_of psql) ms | \`upgrade()\`: $(median_of history) ms | $(less "$(median_of psql)" "$(median_of history)") |
| | \`int\` to \`bigint\`, until it is done | \`ALTER TABLE\`: $(median_of plain) ms | \`rebuild()\`: $(median_of online) ms | $(less "$(median_of plain)" "$(median_of online)") |
| | the same, longest time that a transaction of the application took | $longest_plain ms | $longest_online ms | $(less "$longest_plain" "$longest_online") |
| consistency 99.999 % | rows that differ after the change under load, all rows compared | | $(sum differences 1) of $((ROWS * ROUNDS)) | |
| | of 1,000 differences planted in $ROWS rows | | $(cat "$WORK/found") found, $(cat "$WORK/invented") invented before | |
| rollback under 30 s | \`revert()\` of the change | \`ALTER TABLE\` back: as the change, $(median_of plain) ms | $(median_of revert) ms | $(less "$(median_of plain)" "$(median_of revert)") |
| | \`downgrade('base')\` of the $REVISIONS revisions | | $(median_of history_back) ms | |
| rollback plan tested | \`rehearse()\` of 300 revisions of ten kinds in 30 tables: up, down and up again, the schema read after each | | $(median_of rehearsal) ms | |
| availability 99.95 % | transactions of the application within a second, during the change | $(share plain_load) of $(sum plain_load 1) | $(share online_load) of $(sum online_load 1) | |

- **Migration time.** The article's figure is one of projects, of people's time with it; that cannot be measured here. The
  machine's part is: the time of the statements. A change that is made online takes longer than the statement that locks
  the table, and the application does not wait for it.
- **Consistency.** \`compare()\` reads every row of both sides with one snapshot; the change compares the same way before it
  switches. That a difference is found is tested with planted ones: rows that are missing, a value, a null, a
  blank at the end. A sample of a tenth of the rows without a difference bounds the share that can differ
  at $(cat "$WORK/bound") %, with 95 % confidence.
- **Rollback.** From the call to the moment that the application has the old type back, with all that it wrote meanwhile.
  A downgrade that loses data gives the schema back, not the data.
- **Rehearsal.** The revisions are generated, ten for each table: the table with its key, index and foreign key, columns,
  an index built CONCURRENTLY, constraints, a view with a privilege, a trigger with its function, a change of type, rows.
  Each of the 900 steps is followed by a look at all of the schema.
- **Availability.** A transaction that took longer than a second counts as a failed request; those of the baseline wait for
  the lock. The share is of the time of the change only: of a month it is a different figure, and a better one.
EOT
}

start_server
for round in $(seq "$ROUNDS"); do
	echo "round $round" >&2
	history
	fresh_database
	change
	rehearsal
done
fresh_database
planted
report | tee "$WORK/figures.md"
cp "$WORK/figures.md" "$ROOT/doc/figures.md"

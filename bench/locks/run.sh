#!/bin/bash
# run.sh
#	  How long does a change of a hot table make its application wait?
#
# Prints the table and writes it to RESULTS.md beside this file; README.md
# tells the method.
#
# Environment:
#	PG_CONFIG	the PostgreSQL to use
#	ROUNDS		how often each policy has its turn, default 3
#	READER		seconds that the long reader of S1 reads, default 5
#	LIMIT		seconds that a policy may try, default 8
#	ROWS		of the tables that W1 to W3 work through, default 1500000
#	SCENARIOS, POLICIES		a choice of them; of W1 to W4 only "naive" and
#				"pgmigrate" are measured, and "script" in S1 as well
#	RESULTS		where the table goes, default RESULTS.md beside this file

set -eu
HERE=$(cd "$(dirname "$0")" && pwd)
ROOT=$(cd "$HERE/../.." && pwd)
# shellcheck source=tools/cluster.sh
. "$ROOT/tools/cluster.sh"

ROUNDS=${ROUNDS:-3}
READER=${READER:-5}
LIMIT=${LIMIT:-8}
ROWS=${ROWS:-1500000}
LOAD=$(cut -d' ' -f1 /proc/loadavg)
SCENARIOS=${SCENARIOS:-S1 S2 S3 S4 H1 H2 H3 W1 W2 W3 W4}
POLICIES=${POLICIES:-naive fixed exponential nowait script pgmigrate}

query()
{
	as_user "$BINDIR/psql" -X -q -A -t -v ON_ERROR_STOP=1 -d bench "$@"
}

now()
{
	echo "${EPOCHREALTIME/./}"
}

# ---- the application

# Clients of pgbench, until stop_application: name, number, script.
client()
{
	local name=$1 clients=$2

	as_user tee "$WORK/run/$name.sql" >/dev/null
	(cd "$WORK/run" && as_user "$BINDIR/pgbench" -n -c "$clients" -j 2 \
		-T 1000 -l --log-prefix="$name" -f "$name.sql" bench \
		>/dev/null 2>&1) &
}

prober()
{
	client probe 4 <<'SQL'
\set id random(1, 10000)
SELECT x FROM t WHERE id = :id;
\sleep 5 ms
SQL
}

stop_application()
{
	query -d postgres -c "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = 'bench'" >/dev/null
	wait
}

# One transaction that reads t for some seconds, then does what else is said.
reader()
{
	query -c "BEGIN; SELECT count(*) FROM t; SELECT pg_sleep($1); COMMIT" \
		>/dev/null 2>&1
	now >"$WORK/reader_end"
}

begin_S1()
{
	prober
	reader "$READER" &
	sleep 1
}

begin_S2()
{
	prober
	client holder 2 <<'SQL'
BEGIN;
SELECT count(*) FROM t WHERE id < 10;
\sleep 300 ms
COMMIT;
SQL
	sleep 1
}

begin_S3()
{
	prober
	query -c "UPDATE t SET x = x + 1" \
		-c "ALTER TABLE t SET (autovacuum_enabled = on)" >/dev/null
	until [ "$(query -c "SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'autovacuum worker' AND query ~ ' public.t$'")" -gt 0 ]; do
		sleep 0.1
	done
}

begin_S4()
{
	client probe 16 <<'SQL'
\set id random(1, 10000)
BEGIN;
SELECT x FROM t WHERE id = :id;
\sleep 4 ms
COMMIT;
SQL
	sleep 1
}

# Held out: transactions of 20 to 900 ms, five at a time.
begin_H1()
{
	prober
	client holder 5 <<'SQL'
\set ms random(20, 900)
BEGIN;
UPDATE t SET x = x WHERE id = :client_id + 1;
\sleep :ms ms
COMMIT;
\set ms random(100, 1500)
\sleep :ms ms
SQL
	sleep 1
}

# Held out: writers of two tables, and one session idle in its transaction.
begin_H2()
{
	client probe 6 <<'SQL'
\set id random(1, 10000)
BEGIN;
INSERT INTO child VALUES (:id);
UPDATE t SET x = x + 1 WHERE id = :id;
\sleep 10 ms
COMMIT;
\sleep 5 ms
SQL
	(
		query -c "BEGIN" -c "SELECT count(*) FROM t" -c "\\! sleep 4" \
			-c "COMMIT" >/dev/null 2>&1
		now >"$WORK/reader_end"
	) &
	sleep 1
}

# Held out: a report of 1.5 s every two seconds, and short work all the time.
begin_H3()
{
	prober
	client holder 4 <<'SQL'
\set ms random(60, 120)
BEGIN;
SELECT count(*) FROM t WHERE id < 10;
\sleep :ms ms
COMMIT;
\sleep 20 ms
SQL
	client report 1 <<'SQL'
BEGIN;
SELECT count(*) FROM t;
\sleep 1500 ms
COMMIT;
\sleep 500 ms
SQL
	sleep 1
}

big_table()
{
	query -c "CREATE TABLE big (id int PRIMARY KEY, x int);
		INSERT INTO big SELECT i, i FROM generate_series(1, $ROWS) i" \
		-c 'VACUUM ANALYZE big' >/dev/null
}

# Eight sessions write to t all the time, as those of a small pool do.
writers()
{
	client probe 8 <<'SQL'
\set id random(1, 10000)
BEGIN;
UPDATE t SET x = x + 1 WHERE id = :id;
INSERT INTO child VALUES (:id);
\sleep 2 ms
COMMIT;
\sleep 10 ms
SQL
	sleep 1
}

# The table that is read anew is t itself, and large.
begin_W1()
{
	query -c "INSERT INTO t SELECT i, i FROM generate_series(10001, $ROWS) i" \
		-c 'VACUUM ANALYZE t' >/dev/null
	client probe 8 <<'SQL'
\set id random(1, 1000000000)
INSERT INTO t VALUES (10000000 + :id, 1) ON CONFLICT DO NOTHING;
\sleep 10 ms
SQL
	sleep 1
}

begin_W2()
{
	big_table
	writers
}

begin_W3()
{
	big_table
	query -c 'ALTER TABLE child DROP CONSTRAINT child_t_fkey' >/dev/null
	writers
}

# The order of pgbench's tables: tellers, then branches.
begin_W4()
{
	query -c 'CREATE TABLE branches (bid int PRIMARY KEY, x int)' \
		-c 'CREATE TABLE tellers (tid int PRIMARY KEY, bid int, x int)' \
		-c 'INSERT INTO branches SELECT i, 0 FROM generate_series(1, 10) i' \
		-c 'INSERT INTO tellers SELECT i, i % 10 + 1, 0 FROM generate_series(1, 100) i' \
		>/dev/null
	client probe 8 <<'SQL'
\set tid random(1, 100)
\set bid random(1, 10)
BEGIN;
UPDATE tellers SET x = x + 1 WHERE tid = :tid;
SELECT count(*) FROM t WHERE id < 10;
UPDATE branches SET x = x + 1 WHERE bid = :bid;
COMMIT;
SQL
	sleep 1
}

# ---- the policies: each adds a column, or does what the scenario is about

change_of()
{
	case $1 in
		H2) echo "ALTER TABLE t ADD c int; ALTER TABLE child ADD c int" ;;
		W1) echo "CREATE TABLE nu (LIKE t INCLUDING ALL); INSERT INTO nu SELECT * FROM t; ALTER TABLE t RENAME TO t_old; ALTER TABLE nu RENAME TO t" ;;
		W2) echo "UPDATE big SET x = x + 1; ALTER TABLE t ADD c int" ;;
		W3) echo "ALTER TABLE child ADD FOREIGN KEY (t) REFERENCES t NOT VALID; UPDATE big SET x = x + 1" ;;
		W4) echo "ALTER TABLE tellers ADD FOREIGN KEY (bid) REFERENCES branches NOT VALID" ;;
		*) echo "ALTER TABLE t ADD c int" ;;
	esac
}

policy_none()
{
	sleep 2
}

policy_naive()
{
	query -c "SET statement_timeout = '${LIMIT}s'" -c "BEGIN; $1; COMMIT"
}

# A loop on the server: before the change, after a failure.
loop()
{
	query <<SQL
SET statement_timeout = '${LIMIT}s';
DO \$do\$
DECLARE
	n int := 0;
BEGIN
	LOOP
		BEGIN
			$2
			EXECUTE '$1';
			EXIT;
		EXCEPTION WHEN lock_not_available THEN
			n := n + 1;
		END;
		$3
	END LOOP;
END \$do\$;
SQL
}

policy_fixed()
{
	loop "$1" "SET LOCAL lock_timeout = '50ms';" 'PERFORM pg_sleep(1);'
}

policy_exponential()
{
	loop "$1" "SET LOCAL lock_timeout = '50ms';" \
		'PERFORM pg_sleep(least(10, 0.1 * 2 ^ n) * (0.5 + random() / 2));'
}

policy_nowait()
{
	local lock='LOCK TABLE t NOWAIT;'

	case $1 in *child*) lock="$lock LOCK TABLE child NOWAIT;" ;; esac
	loop "$1" "$lock" 'PERFORM pg_sleep(0.01);'
}

# What a reviewer has approved, run by psql.
policy_script()
{
	query -c "SELECT pgmigrate.revision('change', '$1', id => 'change')" \
		>/dev/null || return
	query -c "SELECT pgmigrate.script('base:heads')" >"$WORK/script.sql" ||
		return
	query -c "SET pgmigrate.lock_deadline = '${LIMIT}s'" -f - \
		<"$WORK/script.sql"
}

policy_pgmigrate()
{
	query -c "SELECT pgmigrate.revision('change', '$1', id => 'change')" \
		-c "SET pgmigrate.lock_deadline = '${LIMIT}s'" \
		-c 'SELECT FROM pgmigrate.upgrade()'
}

# ---- the measurement

fresh_database()
{
	as_user "$BINDIR/psql" -X -q -d postgres -c 'DROP DATABASE IF EXISTS bench' \
		-c 'CREATE DATABASE bench' 2>/dev/null
	query <<'SQL'
CREATE EXTENSION pgmigrate;
CREATE TABLE t (id int PRIMARY KEY, x int) WITH (autovacuum_enabled = off,
	autovacuum_vacuum_cost_delay = 100, autovacuum_vacuum_cost_limit = 1);
INSERT INTO t SELECT i, i FROM generate_series(1, 10000) i;
CREATE TABLE child (t int REFERENCES t);
SQL
}

# Blocked seconds, and the longest time of a transaction beyond the median, ms.
summary()
{
	perl -e '
		use strict;
		use warnings;
		my ($begin, $end) = splice @ARGV, 0, 2;
		my (@at, @latency);
		while (<>) {
			my @f = split;
			my $at = $f[4] * 1e6 + $f[5];
			next if $at < $begin || $at > $end + 1e6;
			push @at, $at;
			push @latency, $f[2];
		}
		my $blocked = 0;
		my $last = $begin;
		foreach my $at (sort { $a <=> $b } @at) {
			$blocked += $at - $last - 40000 if $at - $last > 40000;
			$last = $at;
		}
		@latency = sort { $a <=> $b } @latency;
		printf "%.3f %.0f\n", $blocked / 1e6,
			($latency[-1] - $latency[@latency / 2]) / 1e3;
		' "$1" "$2" "$WORK"/run/probe.*.*
}

measure()
{
	local scenario=$1 policy=$2 begin end result=done after=- lock=- figures
	local LIMIT=$LIMIT

	case $scenario in W*) LIMIT=120 ;; esac

	rm -rf "$WORK/run" "$WORK/reader_end"
	user_dir "$WORK/run"
	fresh_database
	"begin_$scenario"
	begin=$(now)
	"policy_$policy" "$(change_of "$scenario")" >"$WORK/out" 2>&1 ||
		result=failed
	end=$(now)
	if [ "$result" = done ] && [ -e "$WORK/reader_end" ]; then
		after=$(awk -v a="$end" -v b="$(cat "$WORK/reader_end")" \
			'BEGIN { printf "%.2f", (a - b) / 1000000 }')
	fi
	sleep 1.2
	stop_application
	figures=$(summary "$begin" "$end")
	# the wait in the queue that got the lock: without start and planning
	if [ "$policy" = pgmigrate ]; then
		lock=$(query -c "SELECT round((a ->> 'waited_ms')::numeric)
			FROM pgmigrate.run_step, jsonb_array_elements(details -> 'lock_attempts') AS a
			WHERE a ->> 'outcome' = 'granted' ORDER BY (a ->> 'n')::int DESC LIMIT 1")
	fi
	# shellcheck disable=SC2086 # two figures
	echo "$scenario" "$policy" "$result" $((end - begin)) "$after" $figures \
		"${lock:--}" | tee -a "$WORK/runs"
}

# Of the rounds of each policy: how many were done, medians, the worst.
table()
{
	perl -e '
		use strict;
		use warnings;
		my (@order, %runs);
		sub median { my @v = sort { $a <=> $b } @_; return $v[@v / 2]; }
		sub worst { my @v = sort { $a <=> $b } @_; return $v[-1]; }
		sub figures {
			my ($format, @v) = @_;
			@v = grep { $_ ne "-" } @v;
			return "-" unless @v;
			return sprintf "$format ($format)", median(@v), worst(@v);
		}
		# what the project promises of itself, of the worst round; where the
		# change is long, to be no worse than psql, of the median one
		sub goal {
			my ($scenario, @runs) = @_;
			my @missed;
			if ($scenario =~ /^W/) {
				my @naive = grep { $_->[2] eq "done" } @{ $runs{"$scenario naive"} || [] };
				return "-" unless @naive;
				return "missed: not done" if grep { $_->[2] ne "done" } @runs;
				push @missed, "longest" if median(map { $_->[6] } @runs) >
					median(map { $_->[6] } @naive) + 50;
				push @missed, "time" if median(map { $_->[3] } @runs) >
					2 * median(map { $_->[3] } @naive) + 2e5;
				return @missed ? "missed: @missed" : "met";
			}
			my $over = sub {
				my ($what, $n, $limit) = @_;
				push @missed, $what
				  if grep { $_->[$n] ne "-" && $_->[$n] > $limit } @runs;
			};
			push @missed, "not done" if grep { $_->[2] ne "done" } @runs;
			$over->("longest", 6, 250);
			$over->("blocked", 5, 0.05) if $scenario eq "S1";
			$over->("after the reader", 4, 0.1) if $scenario eq "S1";
			$over->("lock", 7, 30) if $scenario eq "S3";
			return @missed ? "missed: @missed" : "met";
		}
		while (<>) {
			my @f = split;
			push @order, "$f[0] $f[1]" unless $runs{"$f[0] $f[1]"};
			push @{ $runs{"$f[0] $f[1]"} }, \@f;
		}
		foreach my $key (@order) {
			my @runs = @{ $runs{$key} };
			my ($scenario, $policy) = split / /, $key;
			my $column = sub { my $n = shift; return map { $_->[$n] } @runs; };
			printf "| %s | %s | %d of %d | %s | %s | %s | %s | %s | %s |\n",
				$scenario, $policy, scalar(grep { $_->[2] eq "done" } @runs),
				scalar(@runs),
				figures("%.2f", map { $_ / 1e6 } $column->(3)),
				figures("%.2f", $column->(4)), figures("%.3f", $column->(5)),
				figures("%.0f", $column->(6)), figures("%.0f", $column->(7)),
				$policy eq "pgmigrate" || $policy eq "script" ?
				goal($scenario, @runs) : "-";
		}' "$WORK/runs"
}

need_packages
work_area
trap 'stop_cluster >/dev/null 2>&1 || true; rm -rf "$WORK"' EXIT
private_tree
copy_source
build_install
start_cluster autovacuum_naptime=1s max_connections=60 jit=off \
	autovacuum_vacuum_threshold=1000

as_user "$BINDIR/psql" -X -q -d postgres -c 'CREATE DATABASE bench'
: >"$WORK/runs"
for round in $(seq "$ROUNDS"); do
	for scenario in $SCENARIOS; do
		case $round:$scenario in
			1:W*) ;;
			1:*) measure "$scenario" none ;;
		esac
		for policy in $POLICIES; do
			case $scenario:$policy in
				W*:naive | W*:pgmigrate | S1:script) ;;
				W* | *:script) continue ;;
			esac
			measure "$scenario" "$policy"
		done
	done
done
{
	echo '# Results'
	echo
	echo "$("$BINDIR/postgres" --version), $(nproc) cores, $(date -u +%F); rounds: $ROUNDS, the policies take turns."
	echo "The reader of S1 reads for $READER s; a policy may try for $LIMIT s."
	echo "Figures are medians, the worst in parentheses; goals are of the worst."
	echo "Load average before and after, the benchmark's own included: $LOAD and $(cut -d' ' -f1 /proc/loadavg)."
	echo
	echo '| scenario | policy | done | s | s after the reader | blocked s | longest beyond median, ms | wait in the queue, ms | goal |'
	echo '|---|---|---|---|---|---|---|---|---|'
	table
} >"$WORK/RESULTS.md"
cp "$WORK/RESULTS.md" "${RESULTS:-$HERE/RESULTS.md}"

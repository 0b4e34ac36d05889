#!/bin/bash
# citus.sh
#	  Run pgmigrate on a cluster of Citus: a coordinator and two workers.
#
# Where the server of PG_CONFIG has Citus installed, a private copy of it is
# started three times, on ports of the loopback device that are free, behind a
# password; all is removed in the end.  Where it has not, that is said and
# nothing is done.  By hand or nightly: it takes minutes.
#
# One line per check, at the end "N passed, N failed"; the exit status says
# the same.
#
# Environment:
#	PG_CONFIG		pg_config of a server with Citus
#	KEEP			if set, what was made stays
#	ROUNDS			how often a run is killed, default 12

set -eu
# background jobs write to files, which are read when they have ended
ROOT=$(cd "$(dirname "$0")/.." && pwd)
cd "$ROOT"
# shellcheck source=tools/cluster.sh
. "$ROOT/tools/cluster.sh"

ROUNDS=${ROUNDS:-12}
PASSED=0
FAILED=0

check()
{
	local name=$1 expected=$2 got=$3

	if [ "$got" = "$expected" ]; then
		PASSED=$((PASSED + 1))
		echo "ok - $name"
	else
		FAILED=$((FAILED + 1))
		echo "not ok - $name"
		printf '# expected: %s\n# got:      %s\n' "$expected" "$got" |
			sed 's/\r//'
	fi
}

# The text must have a line that the regular expression matches.
check_like()
{
	local name=$1 pattern=$2 text=$3

	if grep -qE -- "$pattern" <<<"$text"; then
		check "$name" yes yes
	else
		check "$name" "a line like $pattern" "$text"
	fi
}

# A number may be at most so large.
check_most()
{
	local name=$1 most=$2 got=$3

	if [ -n "$got" ] && [ "$got" -le "$most" ]; then
		check "$name ($got, at most $most)" yes yes
	else
		check "$name" "at most $most" "$got"
	fi
}

# ---- the cluster

# psql on node $1, values only.
on()
{
	local node=$1

	shift
	as_user env PGPASSFILE="$WORK/log/password" "$BINDIR/psql" -X -A -t -q \
		-h 127.0.0.1 -p "${PORTS[$node]}" -U postgres -d "${DATABASE:-app}" \
		-v ON_ERROR_STOP=1 "$@"
}

# The same, with what it has to say, and whatever becomes of it.
say_on()
{
	on "$@" 2>&1 || true
}

free_ports()
{
	perl -MIO::Socket::INET -e '
		my @s = map { IO::Socket::INET->new(Listen => 1,
			LocalAddr => "127.0.0.1") or die } 1 .. 3;
		print join(" ", map { $_->sockport } @s), "\n";'
}

start_node()
{
	as_user env PGPASSFILE="$WORK/log/password" "$BINDIR/pg_ctl" -D "$WORK/n$1" \
		-l "$WORK/log/n$1" -w -s start ||
		{ cat "$WORK/log/n$1" >&2; fail "could not start a node"; }
}

stop_node()
{
	as_user "$BINDIR/pg_ctl" -D "$WORK/n$1" -m immediate -w -s stop
}

start_nodes()
{
	local node plugins=

	# a newer server asks which may decode the log, as a move of shards does
	if "$BINDIR/postgres" --describe-config | grep -q '^output_plugin_libraries'; then
		plugins="output_plugin_libraries = 'citus, citus_pgoutput, pgoutput'"
	fi
	# shellcheck disable=SC2207
	PORTS=($(free_ports))
	user_dir "$WORK/log"
	as_user sh -c 'umask 077; echo "*:*:*:postgres:$1" >"$2"
		echo "$1" >"$2.new"' - "$(od -An -N16 -tx1 /dev/urandom |
		tr -d ' \n')" "$WORK/log/password"
	for node in 0 1 2; do
		user_dir "$WORK/n$node"
		as_user "$BINDIR/initdb" -D "$WORK/n$node" -U postgres -N \
			-A scram-sha-256 --pwfile="$WORK/log/password.new" --encoding=UTF8 \
			--locale=C.UTF-8 >"$WORK/log/initdb" 2>&1 ||
			{ cat "$WORK/log/initdb" >&2; fail "could not create a cluster"; }
		as_user tee -a "$WORK/n$node/postgresql.conf" >/dev/null <<-CONF
			listen_addresses = '127.0.0.1'
			port = ${PORTS[$node]}
			unix_socket_directories = ''
			shared_preload_libraries = 'citus'
			max_prepared_transactions = 50
			max_worker_processes = 24
			max_connections = 60
			shared_buffers = '32MB'
			wal_level = logical
			fsync = off
			$plugins
			citus.node_conninfo = 'sslmode=disable'
			citus.recover_2pc_interval = '5s'
			log_line_prefix = '%m [%p] %a '
		CONF
		start_node "$node"
		DATABASE=postgres on "$node" -c 'CREATE DATABASE app'
		on "$node" -c 'CREATE EXTENSION citus'
	done
}

# A reference table, two that are distributed together, and a local one.
make_schema()
{
	on 0 -v c="${PORTS[0]}" -v a="${PORTS[1]}" -v b="${PORTS[2]}" \
		>/dev/null 2>&1 <<-'SQL'
		SELECT citus_set_coordinator_host('127.0.0.1', :c);
		SELECT citus_add_node('127.0.0.1', :a);
		SELECT citus_add_node('127.0.0.1', :b);
		SET citus.shard_count = 4;
		CREATE TABLE country (code text PRIMARY KEY, name text NOT NULL);
		SELECT create_reference_table('country');
		CREATE TABLE tenant (id bigint PRIMARY KEY, name text NOT NULL,
			country text REFERENCES country);
		SELECT create_distributed_table('tenant', 'id');
		CREATE TABLE orders (tenant bigint NOT NULL REFERENCES tenant,
			id bigint, qty int, placed timestamptz DEFAULT now(), note text,
			PRIMARY KEY (tenant, id));
		SELECT create_distributed_table('orders', 'tenant',
			colocate_with => 'tenant');
		CREATE TABLE setting (key text PRIMARY KEY,
			country text REFERENCES country);
		CREATE TABLE local (a int PRIMARY KEY);
		INSERT INTO country SELECT 'c' || i, 'Country ' || i
			FROM generate_series(1, 20) i;
		INSERT INTO tenant SELECT i, 'T' || i, 'c' || (1 + i % 20)
			FROM generate_series(1, 1000) i;
		INSERT INTO orders (tenant, id, qty, note)
			SELECT 1 + i % 1000, i, i % 7, 'n' || i
			FROM generate_series(1, 50000) i;
		INSERT INTO setting SELECT 'k' || i, 'c' || (1 + i % 20)
			FROM generate_series(1, 50) i;
		CREATE EXTENSION pgmigrate;
	SQL
}

# ---- what is checked

check_worker_refuses()
{
	local said

	said=$(say_on 1 -c "SELECT * FROM pgmigrate.upgrade()")
	check_like "a worker node refuses to run" \
		'cannot run revisions on a worker node of Citus' "$said"
	check_like "and names the coordinator" \
		"on the coordinator, 127.0.0.1:${PORTS[0]}" "$said"
}

# $1: what; the rest: its revision, up, down.
revision()
{
	on 0 -v id="$1" -v up="$2" -v down="${3-}" >/dev/null <<-'SQL'
		SELECT pgmigrate.revision(:'id', id => :'id',
			upgrade => :'up', downgrade => nullif(:'down', ''));
	SQL
}

revisions()
{
	revision r01 "CREATE TABLE item (tenant bigint, id bigint, price int,
			PRIMARY KEY (tenant, id));
		SELECT create_distributed_table('item', 'tenant',
			colocate_with => 'tenant')" 'DROP TABLE item'
	revision r02 "ALTER TABLE orders ADD state text NOT NULL DEFAULT 'new'" \
		'ALTER TABLE orders DROP state'
	revision r03 'CREATE INDEX CONCURRENTLY placed ON orders (placed)' \
		'DROP INDEX CONCURRENTLY placed'
	revision r04 'ALTER TABLE orders ADD country text;
		ALTER TABLE orders ADD CONSTRAINT in_country
			FOREIGN KEY (country) REFERENCES country (code)' \
		'ALTER TABLE orders DROP CONSTRAINT in_country;
		ALTER TABLE orders DROP country'
	revision r05 'ALTER TABLE orders ALTER qty TYPE bigint' \
		'ALTER TABLE orders ALTER qty TYPE int'
	revision r06 'ALTER TABLE orders ALTER qty SET NOT NULL;
		ALTER TABLE orders ALTER qty SET DEFAULT 1' \
		'ALTER TABLE orders ALTER qty DROP DEFAULT;
		ALTER TABLE orders ALTER qty DROP NOT NULL'
	revision r07 'ALTER TABLE orders DROP note' \
		'ALTER TABLE orders ADD note text'
	revision r08 'ALTER TABLE orders RENAME placed TO placed_at' \
		'ALTER TABLE orders RENAME placed_at TO placed'
	revision r09 'ALTER TABLE item RENAME TO items' \
		'ALTER TABLE items RENAME TO item'
	revision r10 "CREATE TABLE event (tenant bigint, at date, what text,
			PRIMARY KEY (tenant, at)) PARTITION BY RANGE (at);
		SELECT create_distributed_table('event', 'tenant');
		CREATE TABLE event_26 PARTITION OF event
			FOR VALUES FROM ('2026-01-01') TO ('2027-01-01');
		CREATE TABLE event_27 PARTITION OF event
			FOR VALUES FROM ('2027-01-01') TO ('2028-01-01')" \
		'DROP TABLE event'
	revision r11 'ALTER TABLE event DETACH PARTITION event_27;
		ALTER TABLE event ADD extra int DEFAULT 3' \
		"ALTER TABLE event DROP extra;
		ALTER TABLE event_27 DROP extra;
		ALTER TABLE event ATTACH PARTITION event_27
			FOR VALUES FROM ('2027-01-01') TO ('2028-01-01')"
	# what was detached did not get the column
	on 0 >/dev/null <<-'SQL'
		SELECT pgmigrate.amend('r11', downgrade =>
			$$ALTER TABLE event DROP extra;
			ALTER TABLE event ATTACH PARTITION event_27
				FOR VALUES FROM ('2027-01-01') TO ('2028-01-01')$$);
	SQL
	revision r12 "SELECT undistribute_table('items')" \
		"SELECT create_distributed_table('items', 'tenant',
			colocate_with => 'tenant')"
	revision r13 'CREATE INDEX by_qty ON orders (qty);
		ALTER TABLE tenant ENABLE ROW LEVEL SECURITY;
		COMMENT ON TABLE orders IS $$ää$$' \
		'COMMENT ON TABLE orders IS NULL;
		ALTER TABLE tenant DISABLE ROW LEVEL SECURITY;
		DROP INDEX by_qty'
	revision r14 "CREATE FUNCTION plus(a int, b int) RETURNS int
			LANGUAGE sql IMMUTABLE AS 'SELECT a + b';
		CREATE TYPE mood AS ENUM ('good', 'bad');
		ALTER TABLE tenant ADD m mood" \
		'ALTER TABLE tenant DROP m; DROP TYPE mood; DROP FUNCTION plus'
	revision r15 "UPDATE orders SET state = 'old' WHERE id % 2 = 0;
		UPDATE setting SET country = 'c1';
		INSERT INTO country VALUES ('zz', 'Z')" \
		"DELETE FROM country WHERE code = 'zz';
		UPDATE orders SET state = 'new'"
}

# A call that says what it comes to: a number, or the error.
SEQUENTIAL="SET citus.multi_shard_modify_mode = 'sequential'; SET client_min_messages = warning;"
call()
{
	say_on 0 -c "$SEQUENTIAL" -c "SELECT count(*) FROM pgmigrate.$1" |
		tail -n 4
}

check_revisions()
{
	local before

	revisions
	before=$(on 0 -c 'SELECT pgmigrate.fingerprint()')
	check "15 revisions up" 15 "$(call 'upgrade()')"
	check "and down" 15 "$(call "downgrade('base')")"
	check "the schema is as before" "$before" \
		"$(on 0 -c 'SELECT pgmigrate.fingerprint()')"
	check "and up again" 15 "$(call 'upgrade()')"
	check "in one transaction down" 3 "$(say_on 0 -c "$SEQUENTIAL" \
		-c 'SET pgmigrate.transaction_per_migration = off' \
		-c "SELECT count(*) FROM pgmigrate.downgrade('r12')" | tail -n 4)"
	check "and up" 3 "$(say_on 0 -c "$SEQUENTIAL" \
		-c 'SET pgmigrate.transaction_per_migration = off' \
		-c "SELECT count(*) FROM pgmigrate.upgrade()" | tail -n 4)"
}

# Each as the second statement of a revision, taken back.
kinds()
{
	cat <<-'SQL'
		ALTER TABLE orders ADD COLUMN m1 int
		ALTER TABLE orders ADD CONSTRAINT m2 CHECK (qty < 1000)
		ALTER TABLE orders ADD CHECK (qty < 1000)
		ALTER TABLE orders ADD CONSTRAINT m3 FOREIGN KEY (country) REFERENCES country (code) NOT VALID
		ALTER TABLE orders ALTER COLUMN qty TYPE numeric
		ALTER TABLE orders ALTER COLUMN qty DROP NOT NULL
		ALTER TABLE orders ALTER COLUMN qty SET DEFAULT 3
		ALTER TABLE orders DROP COLUMN state
		ALTER TABLE orders RENAME COLUMN qty TO q2
		ALTER TABLE orders RENAME TO orders2
		ALTER TABLE orders ADD COLUMN m4 int, ADD COLUMN m5 int
		CREATE INDEX m6 ON orders (qty)
		DROP INDEX placed
		TRUNCATE orders
		CREATE VIEW m7 AS SELECT * FROM orders
		CREATE FUNCTION m8() RETURNS int LANGUAGE sql AS 'SELECT 1'
		CREATE TYPE m9 AS (a int)
		CREATE SCHEMA m10
		GRANT SELECT ON orders TO PUBLIC
		ALTER TABLE orders ENABLE ROW LEVEL SECURITY
		CREATE POLICY m11 ON orders USING (true)
		ALTER TABLE orders OWNER TO postgres
		CREATE SEQUENCE m12
		ALTER TABLE orders SET (fillfactor = 70)
		ALTER TABLE orders REPLICA IDENTITY FULL
		CREATE STATISTICS m13 ON tenant, qty FROM orders
		COMMENT ON TABLE orders IS 'x'
		ALTER TABLE country ADD COLUMN m14 int
		ALTER TABLE setting ADD COLUMN m15 int
		DROP TABLE orders
		ALTER TABLE orders DROP CONSTRAINT orders_tenant_fkey
		ALTER TABLE orders VALIDATE CONSTRAINT orders_tenant_fkey
		ALTER INDEX placed RENAME TO m17
		REINDEX TABLE orders
		CREATE ROLE m16
		SET LOCAL citus.propagate_set_commands = 'local'; SET LOCAL work_mem = '8MB'; UPDATE orders SET qty = qty
	SQL
}

check_kinds()
{
	local kind said

	while IFS= read -r kind; do
		said=$(say_on 0 -v kind="SELECT 'ä'; $kind" <<-SQL
			$SEQUENTIAL
			BEGIN;
			SELECT pgmigrate.revision('k', id => 'k', upgrade => :'kind');
			SELECT state FROM pgmigrate.upgrade('k');
			ROLLBACK;
		SQL
		)
		check "$kind" done "$(tail -n 1 <<<"$said")"
	done < <(kinds)
}

# What Citus refuses on a table that is distributed.
refused()
{
	cat <<-'SQL'
		ALTER TABLE orders ALTER COLUMN tenant TYPE int
		ALTER TABLE orders DROP COLUMN tenant
		ALTER TABLE orders ADD CONSTRAINT uq UNIQUE (id)
		CREATE UNIQUE INDEX ON orders (qty)
		ALTER TABLE orders ADD FOREIGN KEY (state) REFERENCES setting (key)
		ALTER TABLE orders ADD FOREIGN KEY (id) REFERENCES tenant (id)
		ALTER TABLE orders ADD COLUMN g int GENERATED ALWAYS AS IDENTITY
		ALTER TABLE orders ADD COLUMN s serial
		CREATE TRIGGER t BEFORE UPDATE ON orders FOR EACH ROW EXECUTE FUNCTION suppress_redundant_updates_trigger()
		UPDATE orders SET tenant = tenant + 1
		ALTER TABLE orders CLUSTER ON orders_pkey
		ALTER TABLE orders INHERIT local
		ALTER TABLE orders ALTER COLUMN qty SET STATISTICS 10
		ALTER TABLE country ADD COLUMN s serial
	SQL
}

check_refused()
{
	local statement said

	while IFS= read -r statement; do
		said=$(say_on 0 -c "SELECT rule FROM pgmigrate.lint(\$x\$$statement\$x\$)
			WHERE rule = 'citus-unsupported'" \
			-c BEGIN -c "$statement" -c ROLLBACK)
		check "foreseen: $statement" 'citus-unsupported ERROR' \
			"$(sed -n 's/^\(citus-unsupported\)$/\1/p; s/^ERROR:.*/ERROR/p' \
				<<<"$said" | paste -s -d ' ')"
	done < <(refused)

	# of what it takes, nothing is said
	check 'and nothing else' '' "$(while IFS= read -r statement; do
		say_on 0 -v sql="$statement" <<<"SELECT :'sql' FROM pgmigrate.lint(:'sql')
			WHERE rule = 'citus-unsupported';"
	done < <(kinds))"
	said=$(say_on 0 -c "SELECT rule FROM pgmigrate.lint('ALTER TABLE orders ADD c text;
		ALTER TABLE orders ADD FOREIGN KEY (c) REFERENCES country (code)')
		WHERE rule = 'citus-sequential'")
	check 'a reference table after shards in parallel' citus-sequential "$said"
}

# What the catalog of this node cannot tell.
check_looks()
{
	local said before

	on 0 -c 'ANALYZE orders'
	said=$(on 0 -c "SELECT (details ->> 'rows')::int > 1000
		AND (details ->> 'bytes')::int > 1000000 FROM pgmigrate.lint(
		'ALTER TABLE orders ALTER qty TYPE numeric')
		WHERE rule = 'lock' AND relation = 'public.orders'")
	check 'rows and bytes are those of the shards' t "$said"
	said=$(on 0 -c "SELECT message FROM pgmigrate.lint(
		'SELECT undistribute_table(''orders'')') WHERE rule = 'lock'")
	check 'what undistribute_table() locks' 'blocks reads and writes' "$said"
	before=$(on 0 -c 'SELECT pgmigrate.fingerprint()')
	said=$(on 0 -c 'SET citus.override_table_visibility = off' \
		-c 'SELECT pgmigrate.fingerprint()')
	check 'shards are not in the fingerprint' "$before" "$said"
	said=$(on 0 -c 'BEGIN' \
		-c "SELECT FROM undistribute_table('event', cascade_via_foreign_keys => true)" \
		-c 'SELECT pgmigrate.fingerprint()' -c ROLLBACK 2>/dev/null | tail -n 1)
	check 'but how a table is distributed' different \
		"$([ "$said" = "$before" ] && echo same || echo different)"
}

# By statements that go to the shards; nothing that copies or goes by ranges.
check_online()
{
	local statement said i=0

	while IFS= read -r statement; do
		i=$((i + 1))
		revision "online$i" "-- pgmigrate: online"$'\n'"$statement"
		said=$(say_on 0 -c "SELECT state FROM pgmigrate.upgrade('online$i')")
		check_like "online: $statement" 'step 1 of' "$said"
		check "and done" done "$(tail -n 1 <<<"$said")"
	done <<-'SQL'
		ALTER TABLE orders ADD CONSTRAINT positive CHECK (qty >= 0)
		CREATE INDEX by_placed ON orders (placed_at)
		REINDEX INDEX by_placed
		DROP INDEX by_placed
		ALTER TABLE orders ADD CONSTRAINT once UNIQUE (tenant, id)
		ALTER TABLE orders ADD CONSTRAINT of_tenant FOREIGN KEY (tenant) REFERENCES tenant (id)
	SQL
	revision copied '-- pgmigrate: online
		ALTER TABLE orders ALTER qty TYPE numeric'
	said=$(say_on 0 -c "SELECT hint FROM pgmigrate.lint(
		'ALTER TABLE orders ALTER qty TYPE numeric')")
	check_like 'a copy beside it is not possible, and why' \
		'its rows are on other nodes of Citus' "$said"
	said=$(say_on 0 -c "SET pgmigrate.environment = 'production'" \
		-c 'SET pgmigrate.danger_block = 0' \
		-c "SELECT state FROM pgmigrate.upgrade('copied')")
	check_like 'production refuses the statement' 'is dangerous' "$said"
	on 0 -c "SELECT FROM pgmigrate.remove('copied')"
}

# Functions that refuse transaction blocks.
check_marked()
{
	local said

	on 0 -c 'CREATE TABLE moved (id bigint PRIMARY KEY, t text)' \
		-c "INSERT INTO moved SELECT i, 'x' FROM generate_series(1, 1000) i"
	revision moved "SELECT create_distributed_table_concurrently('moved', 'id')" \
		"SELECT undistribute_table('moved')"
	said=$(say_on 0 -c "SELECT rule, hint FROM pgmigrate.assess('moved')")
	check_like 'a function that refuses a transaction block is foreseen' \
		'^citus-unsupported\|.*-- pgmigrate: no-transaction' "$said"
	said=$(call "upgrade('moved')")
	check_like 'and fails, with a hint' 'HINT:.*-- pgmigrate: no-transaction' "$said"
	on 0 >/dev/null <<-'SQL'
		SELECT pgmigrate.amend('moved', upgrade => $$-- pgmigrate: no-transaction
			SELECT create_distributed_table_concurrently('moved', 'id')$$);
	SQL
	said=$(say_on 0 -c "SELECT rule FROM pgmigrate.assess('moved')
		WHERE rule = 'citus-unsupported'")
	check 'marked it is not' '' "$said"
	check 'and is carried out' 1 "$(call "upgrade('moved')")"
	check 'with all rows, elsewhere' '1000 distributed' "$(on 0 -F ' ' \
		-c "SELECT (SELECT count(*) FROM moved), citus_table_type
			FROM citus_tables WHERE table_name = 'moved'::regclass")"
}

# The application reads through the coordinator, session after session.
# Prints the longest time in ms.
longest_read()
{
	on 0 -c '\timing on' -f - <<<"$(yes \
		'SELECT count(*) FROM orders WHERE tenant = 7; SELECT pg_sleep(0.03);' |
		head -n "$1")" | awk '/count|^Time/ {
			if (/^Time/ && ++n % 2 && $2 > most) most = $2
		} END { printf "%d\n", most }'
}

check_reader()
{
	local reader run said longest

	revision reader 'ALTER TABLE orders ADD lk int' \
		'ALTER TABLE orders DROP lk'
	on 1 >/dev/null <<-'SQL' &
		BEGIN;
		SELECT count(*) FROM orders WHERE tenant = 5;
		SELECT pg_sleep(8);
	SQL
	reader=$!
	sleep 1
	say_on 0 -c "SELECT state FROM pgmigrate.upgrade('reader')" \
		>"$WORK/log/reader" &
	run=$!
	longest=$(longest_read 40)
	for _ in {1..40}; do
		[ -z "$(say_on 0 -c 'SELECT waiting FROM pgmigrate.progress')" ] || break
		sleep 0.1
	done
	said=$(say_on 0 -c 'SELECT waiting FROM pgmigrate.progress' \
		-c 'SELECT * FROM pgmigrate.lock_tree()')
	wait "$reader" "$run"
	check_most "a reader on a worker, ms that the application waits" 250 \
		"$longest"
	check_like "progress says on which node" \
		"blocked by process [0-9]+ on node 127.0.0.1:${PORTS[1]}" "$said"
	check_like "lock_tree() shows the session" \
		"process [0-9]+ on node 127.0.0.1:${PORTS[1]} .*holds" "$said"
	check_like "and its query" 'pg_sleep\(8\)' "$said"
	check_like "so does a NOTICE" \
		"on node 127.0.0.1:${PORTS[1]} .*pg_sleep" "$(cat "$WORK/log/reader")"
	check_like "the run is done when the reader is gone" '^done$' \
		"$(cat "$WORK/log/reader")"
}

# Over two nodes; the run is the younger one, so the victim.
check_deadlock()
{
	local a b app said

	a=$(on 0 -v port="${PORTS[1]}" -f - <<<"$ON_NODE")
	b=$(on 0 -v port="${PORTS[2]}" -f - <<<"$ON_NODE")
	revision dead "UPDATE tenant SET name = name WHERE id = $b;
		UPDATE tenant SET name = name WHERE id = $a" 'SELECT 1'
	say_on 0 >"$WORK/log/app" <<-SQL &
		BEGIN;
		UPDATE tenant SET name = name WHERE id = $a;
		DO \$\$
		BEGIN
			FOR i IN 1..300 LOOP
				PERFORM pg_stat_clear_snapshot(), pg_sleep(0.1);
				EXIT WHEN EXISTS (SELECT FROM pg_stat_activity
					WHERE backend_type = 'pgmigrate worker'
					AND query LIKE '%statement 2 of 2%');
			END LOOP;
		END \$\$;
		UPDATE tenant SET name = name WHERE id = $b;
		COMMIT;
	SQL
	app=$!
	for _ in {1..100}; do
		[ "$(on 0 -c "SELECT count(*) FROM pg_stat_activity
			WHERE query LIKE '%DO \$\$%' AND pid <> pg_backend_pid()")" = 0 ] ||
			break
		sleep 0.1
	done
	said=$(say_on 0 -c "SELECT state FROM pgmigrate.upgrade('dead')" \
		-c "SELECT outcome FROM pgmigrate.lock_timeline((SELECT max(id)
			FROM pgmigrate.run)) WHERE outcome = 'deadlock'")
	wait "$app"
	check "the application goes on in a distributed deadlock" '' \
		"$(grep ERROR "$WORK/log/app")"
	check_like "the run is repeated" '^done$' "$said"
	check_like "and told as what it is" '^deadlock$' "$said"
}
ON_NODE="SELECT i FROM generate_series(1, 50) i JOIN pg_dist_shard_placement p
	ON p.shardid = get_shard_id_for_distribution_column('tenant', i)
	WHERE p.nodeport = :port LIMIT 1"

check_concurrently()
{
	local said

	revision unique 'CREATE UNIQUE INDEX CONCURRENTLY u ON orders (tenant, qty)' \
		'DROP INDEX CONCURRENTLY u'
	said=$(call "upgrade('unique')")
	check_like "a unique index over duplicates fails" \
		'could not create unique index|duplicate' "$said"
	on 0 -c 'DELETE FROM orders o USING (SELECT tenant, qty, min(id) AS id
		FROM orders GROUP BY 1, 2) k WHERE (o.tenant, o.qty) =
		(k.tenant, k.qty) AND o.id <> k.id'
	check "and is built when they are gone" 1 "$(call "upgrade('unique')")"
	check "on all shards, and valid" 4 "$(on 0 -c "SELECT sum(result::int)
		FROM run_command_on_shards('orders', 'SELECT count(*) FROM pg_index
		WHERE indrelid = ''%s''::regclass AND indisvalid
		AND indexrelid::regclass::text LIKE ''u\_%%''')")"
}

# The columns of that name: of the two tables here, of shards and copies there.
columns()
{
	local node

	on 0 -c "SELECT count(*) FROM pg_attribute a JOIN pg_class c
		ON c.oid = a.attrelid WHERE a.attname = '$1'
		AND c.relname IN ('orders', 'tenant')"
	for node in 1 2; do
		on "$node" -c 'SET citus.override_table_visibility = off' \
			-c "SELECT count(*) FROM pg_attribute WHERE attname = '$1'"
	done
}

# A worker process is killed at some moment; whatever the ledger says then is
# so on all nodes.
check_kills()
{
	local i run killed=0 wrong=0 state pid

	for ((i = 1; i <= ROUNDS; i++)); do
		revision "kill$i" "ALTER TABLE orders ADD kill$i int;
			ALTER TABLE tenant ADD kill$i int"
		say_on 0 -c "$SEQUENTIAL" -c "SELECT pgmigrate.upgrade('kill$i')" \
			>"$WORK/log/kill" 2>&1 &
		run=$!
		pid=
		while [ -z "$pid" ] && kill -0 "$run" 2>/dev/null; do
			pid=$(say_on 0 -c "SELECT pid FROM pg_stat_activity
				WHERE backend_type = 'pgmigrate worker' LIMIT 1")
		done
		sleep "0.$(printf %03d $((RANDOM % 300)))"
		if [ -n "$pid" ] && as_user kill -KILL "$pid" 2>/dev/null; then
			killed=$((killed + 1))
		fi
		wait "$run" || true
		until [ "$(say_on 0 -c 'SELECT 1')" = 1 ]; do sleep 0.2; done
		for _ in 1 2 3; do
			say_on 0 -c 'SELECT recover_prepared_transactions()' >/dev/null
		done
		state=$(on 0 -c "SELECT state = 'applied' FROM pgmigrate.revisions
			WHERE revision = 'kill$i'"; columns "kill$i")
		case ${state//$'\n'/ } in
			't 2 6 6' | 'f 0 0 0') ;;
			*) wrong=$((wrong + 1)); say "kill $i: ${state//$'\n'/ }" ;;
		esac
		[ "${state%%$'\n'*}" = t ] || on 0 -c "SELECT pgmigrate.remove('kill$i')" \
			>/dev/null 2>&1 || true
	done
	check "$ROUNDS runs, $killed killed at work: all nodes and the ledger agree" \
		0 "$wrong"
}

check_node_down()
{
	local said

	revision here 'ALTER TABLE local ADD b int' 'ALTER TABLE local DROP b'
	revision there 'ALTER TABLE orders ADD down int' \
		'ALTER TABLE orders DROP down'
	stop_node 2
	said=$(say_on 0 -c "SELECT rule FROM pgmigrate.lint('ALTER TABLE local ADD c int')")
	check_like "a node is down: a local table is assessed" '^lock$' "$said"
	said=$(say_on 0 -c "SET pgmigrate.environment = 'production'" \
		-c "SELECT state FROM pgmigrate.upgrade('here')")
	check_like "and changed, in production" '^done$' "$said"
	said=$(call "upgrade('there')")
	check_like "a distributed one is not" 'ERROR' "$said"
	start_node 2
	check "until the node is back" 1 "$(call "upgrade('there')")"
}

# 50 times ADD COLUMN, by psql and by a run, in turns; the best of three.  What
# a run takes before its first step and after its last one, where it records the
# schema that it leaves, does not grow with the statements, and is told apart.
check_time()
{
	local i round start psql=999999 run=999999 all=999999 took

	for ((i = 1; i <= 50; i++)); do
		echo "SELECT pgmigrate.revision('t$i', id => 't$i', upgrade =>
			'ALTER TABLE tenant ADD COLUMN t$i int', downgrade =>
			'ALTER TABLE tenant DROP COLUMN t$i');"
	done | on 0 >/dev/null
	for round in 1 2 3; do
		start=$(date +%s%N)
		for ((i = 1; i <= 50; i++)); do
			echo "ALTER TABLE tenant ADD COLUMN p${round}_$i int;"
		done | on 0
		took=$((($(date +%s%N) - start) / 1000000))
		[ "$took" -ge "$psql" ] || psql=$took
		start=$(date +%s%N)
		on 0 -c 'SELECT count(*) FROM pgmigrate.upgrade()' >/dev/null 2>&1
		took=$((($(date +%s%N) - start) / 1000000))
		[ "$took" -ge "$all" ] || all=$took
		took=$(on 0 -c 'SELECT round(1000 * extract(epoch FROM max(finished) -
			min(started))) FROM pgmigrate.run_step WHERE run =
			(SELECT max(id) FROM pgmigrate.run)')
		[ "$took" -ge "$run" ] || run=$took
		on 0 -c "SELECT count(*) FROM pgmigrate.downgrade('-50')" \
			>/dev/null 2>&1
	done
	say "50 x ADD COLUMN: psql $psql ms, the steps of a run $run ms, all $all ms"
	check_most "its time in percent of psql's" 115 $((run * 100 / psql))
}

# ---- the run

need_packages
if [ ! -e "$("$PG_CONFIG" --sharedir)/extension/citus.control" ]; then
	say "Citus is not installed for \"$PG_CONFIG\": nothing is tested"
	exit 0
fi
clean_up_at_exit
work_area
private_tree
copy_source
build_install
say "starting three nodes"
start_nodes
make_schema
say "Citus $(on 0 -c "SELECT extversion FROM pg_extension
	WHERE extname = 'citus'") on PostgreSQL $(on 0 -c 'SHOW server_version')"

check_worker_refuses
check_revisions
check_kinds
check_refused
check_looks
check_online
check_marked
check_reader
check_deadlock
check_concurrently
check_kills
check_node_down
check_time

echo "$PASSED passed, $FAILED failed"
[ "$FAILED" -eq 0 ]

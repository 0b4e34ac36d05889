
# Copyright (c) 2026, pgmigrate developers

=head1 NAME

Calls - interrupt what is no upgrade and no downgrade, and look what it leaves

=head1 DESCRIPTION

See README.md.  Each call is made ready, interrupted at a random moment of it,
looked at, made again until it is done, looked at once more, and cleared away.

=cut

package Calls;

use strict;
use warnings;

use Chaos;
use PgMigrate::Ledger;
use Time::HiRes qw(time usleep);

our @ISA = ('Chaos');

my $patience = 300;
my @ways = qw(cancel_caller kill9_caller kill9_worker kill9_postmaster
  terminate_caller terminate_worker client_gone);
my $many = 120;

# What was stored goes at once, as its owner: to remove one after the other took
# longer than the calls.
my $forget = <<'SQL';
SET client_min_messages = error;
SELECT count(*) FROM pgmigrate.stamp('base', purge => true);
DELETE FROM pgmigrate.revision;
SQL

# ---- the calls

sub all_or_none
{
	my ($count, $n) = @_;

	return "SELECT CASE n WHEN 0 THEN 'before' WHEN $n THEN 'done' ELSE n || ' of $n' END FROM (SELECT $count) AS c (n)";
}

sub stored
{
	return
	  "SELECT count(pgmigrate.revision('m' || i, format('CREATE TABLE s%s (id int)', i), format('DROP TABLE s%s', i), id => 's' || i)) FROM generate_series(1, $many) i";
}

# Three tables that an online change has switched.
sub switched
{
	my ($n) = @_;
	my @tables = map { "o${n}_$_" } 1 .. 3;

	return (
		(map { "CREATE TABLE $_ AS SELECT i AS id, i AS v FROM generate_series(1, 3000) i; ALTER TABLE $_ ADD PRIMARY KEY (id)" } @tables),
		"SELECT pgmigrate.revision('o', '"
		  . join('; ', map { "ALTER TABLE $_ ALTER v TYPE bigint" } @tables)
		  . "', id => 'o')",
		"LOAD 'pgmigrate'; SET pgmigrate.online_threshold = 0; SET pgmigrate.online_method = 'table'",
		'SELECT count(*) FROM pgmigrate.upgrade()');
}

sub types
{
	my ($n, $type) = @_;

	return "SELECT count(*) FROM pg_attribute WHERE attrelid IN ('o${n}_1'::regclass, 'o${n}_2'::regclass, 'o${n}_3'::regclass) AND attname = 'v' AND atttypid = '$type'::regtype";
}

# The ledgers of other tools: the table, and a row for each number i.
my $day = "date '2020-01-01' + i * interval '1 s'";
my $version = "to_char($day, 'YYYYMMDDHH24MISS')";
my %ledgers = (
	alembic => [ 'alembic_version (version_num varchar(32) PRIMARY KEY)', "md5(i::text)" ],
	atlas => [
		'atlas_schema_revisions (version varchar PRIMARY KEY, description varchar NOT NULL, type bigint NOT NULL, applied bigint NOT NULL, total bigint NOT NULL, executed_at timestamptz NOT NULL, execution_time bigint NOT NULL, error text, error_stmt text, hash varchar NOT NULL, partial_hashes jsonb, operator_version varchar NOT NULL)',
		"$version, 'm', 2, 1, 1, now(), 1, '', '', 'h', NULL, 'v'"
	],
	dbmate => [ 'schema_migrations (version varchar(128) PRIMARY KEY)', $version ],
	diesel => [
		'__diesel_schema_migrations (version varchar(50) PRIMARY KEY NOT NULL, run_on timestamp NOT NULL)',
		"$version, now()"
	],
	django => [
		'django_migrations (id bigint PRIMARY KEY, app varchar(255) NOT NULL, name varchar(255) NOT NULL, applied timestamptz NOT NULL)',
		"i, 'shop', format('%s_m', i), now()"
	],
	drizzle => [
		'__drizzle_migrations (id int PRIMARY KEY, hash text NOT NULL, created_at bigint)',
		'i, md5(i::text), 1700000000000 + i'
	],
	ecto => [
		'schema_migrations (version bigint PRIMARY KEY, inserted_at timestamp(0))',
		"$version\::bigint, now()"
	],
	efcore => [
		'"__EFMigrationsHistory" ("MigrationId" varchar(150) PRIMARY KEY, "ProductVersion" varchar(32) NOT NULL)',
		"$version || '_m', '8.0'"
	],
	flyway => [
		'flyway_schema_history (installed_rank int PRIMARY KEY, version varchar(50), description varchar(200) NOT NULL, type varchar(20) NOT NULL, script varchar(1000) NOT NULL, checksum int, installed_by varchar(100) NOT NULL, installed_on timestamp NOT NULL, execution_time int NOT NULL, success bool NOT NULL)',
		"i, i, 'm', 'SQL', format('V%s__m.sql', i), 1, 'x', now(), 1, true"
	],
	goose => [
		'goose_db_version (id int PRIMARY KEY, version_id bigint NOT NULL, is_applied boolean NOT NULL, tstamp timestamp)',
		'i, i, true, now()'
	],
	'graphile-migrate' => [
		'migrations (hash text PRIMARY KEY, previous_hash text, filename text NOT NULL, date timestamptz NOT NULL)',
		"md5(i::text), CASE WHEN i > 1 THEN md5((i - 1)::text) END, format('%s.sql', to_char(i, 'FM000000')), now()"
	],
	knex => [
		'knex_migrations (id int PRIMARY KEY, name varchar(255), batch int, migration_time timestamptz)',
		"i, $version || '_m.js', 1, now()"
	],
	liquibase => [
		'databasechangelog (id varchar(255) NOT NULL, author varchar(255) NOT NULL, filename varchar(255) NOT NULL, dateexecuted timestamp NOT NULL, orderexecuted int NOT NULL, exectype varchar(10) NOT NULL, md5sum varchar(35), description varchar(255), comments varchar(255), tag varchar(255), liquibase varchar(20), contexts varchar(255), labels varchar(255), deployment_id varchar(10))',
		"i, 'ann', 'log.xml', now(), i, 'EXECUTED'"
	],
	'node-pg-migrate' => [
		'pgmigrations (id int PRIMARY KEY, name varchar(255) NOT NULL, run_on timestamp NOT NULL)',
		"i, $version || '_m', now()"
	],
	prisma => [
		'_prisma_migrations (id varchar(36) PRIMARY KEY, checksum varchar(64) NOT NULL, finished_at timestamptz, migration_name varchar(255) NOT NULL, logs text, rolled_back_at timestamptz, started_at timestamptz NOT NULL, applied_steps_count int NOT NULL)',
		"i, 'c', now(), $version || '_m', NULL, NULL, now(), 1"
	],
	rails => [ 'schema_migrations (version varchar NOT NULL PRIMARY KEY)', $version ],
	sqitch => [
		'changes (change_id text PRIMARY KEY, script_hash text, change text NOT NULL, project text NOT NULL, note text NOT NULL, committed_at timestamptz NOT NULL, committer_name text NOT NULL, committer_email text NOT NULL, planned_at timestamptz NOT NULL, planner_name text NOT NULL, planner_email text NOT NULL)',
		"md5(i::text), NULL, format('m%s', i), 'p', '', $day, 'a', 'b', $day, 'a', 'b'"
	],
	sqlx => [
		'_sqlx_migrations (version bigint PRIMARY KEY, description text NOT NULL, installed_on timestamptz NOT NULL, success boolean NOT NULL, checksum bytea NOT NULL, execution_time bigint NOT NULL)',
		"i, 'm', now(), true, '\\x00', 1"
	]);
my %kept_in_step = map { $_ => 1 } qw(alembic dbmate diesel ecto flyway goose rails);

# Takes the ledger of a tool over, in step with it where that can be.
sub adopted
{
	my ($tool) = @_;
	my ($table, $row) = @{ $ledgers{$tool} };
	my ($name) = split ' ', $table;
	my $mirror = $kept_in_step{$tool} ? ', mirror => true' : '';

	return {
		ready => [
			'DROP SCHEMA IF EXISTS ledger CASCADE',
			"CREATE SCHEMA ledger; CREATE TABLE ledger.$table; INSERT INTO ledger.$name SELECT $row FROM generate_series(1, $many) i"
		],
		call => "SELECT count(*) FROM pgmigrate.adopt('$tool'$mirror)",
		state => all_or_none(
			'(SELECT count(*) FROM pgmigrate.revision JOIN pgmigrate.applied a ON a.revision = id)'
			  . ($mirror ? ' + count(*) FROM pgmigrate.mirror WHERE broken IS NULL' : ''),
			$many + ($mirror ? 1 : 0)),
		clean => [
			($mirror ? "SELECT count(*) FROM pgmigrate.adopt('$tool', mirror => false)" : ()),
			'DROP SCHEMA ledger CASCADE'
		]
	};
}

# So many announcements of what is pending, told to a consumer.
my $events = 1000;

sub announced
{
	my ($n) = @_;

	return (
		"SELECT pgmigrate.revision('one', 'SELECT 1', 'SELECT 1', id => 'one')",
		"SELECT count(pgmigrate.announce(note => 'e$n')) FROM generate_series(1, $events) i",
		"SELECT count(*) FROM pgmigrate.events('c$n', 100000)");
}

# Half of them, which are kept in mind as long as the others are open.
sub acknowledged
{
	my ($n) = @_;

	return
	  "SELECT pgmigrate.acknowledge('c$n', VARIADIC (SELECT array_agg(id) FROM (SELECT id FROM pgmigrate.event WHERE payload ->> 'note' = 'e$n' ORDER BY id DESC LIMIT $events / 2) AS e))";
}

# How many functions of the extension a role may call that not all may.
my $granted = <<'SQL';
count(*) FROM pg_proc p JOIN pg_depend d ON d.classid = 'pg_proc'::regclass AND d.objid = p.oid
	AND d.refclassid = 'pg_extension'::regclass AND d.deptype = 'e' AND d.refobjid = (SELECT oid FROM pg_extension WHERE extname = 'pgmigrate')
WHERE NOT has_function_privilege('nobody', p.oid, 'EXECUTE') AND has_function_privilege('%s', p.oid, 'EXECUTE')
SQL

# By the name: what makes it ready, the call, its state, and what clears it
# away; "parts": it commits parts of its work; "rows": they say what failed;
# "told": done is who was told so.
sub calls
{
	my ($n) = @_;
	my $tables = join '; ', map { "CREATE TABLE d${n}_$_ (id int PRIMARY KEY, v text)" } 1 .. 40;

	return (
		store => {
			call => stored(),
			state => all_or_none("count(*) FROM pgmigrate.revision WHERE id ~ '^s'", $many)
		},
		amend => {
			ready => [ stored() ],
			call => "SELECT count(pgmigrate.amend('s' || i, message => 'n' || i)) FROM generate_series(1, $many) i",
			state => all_or_none("count(*) FROM pgmigrate.revision WHERE message ~ '^n'", $many)
		},
		remove => {
			ready => [ stored() ],
			call => "SELECT count(pgmigrate.remove('s' || ($many + 1 - i))) FROM generate_series(1, $many) i",
			state => all_or_none("$many - count(*) FROM pgmigrate.revision WHERE id ~ '^s'", $many)
		},
		stamp => {
			ready => [ stored() ],
			call => "SELECT count(*) FROM pgmigrate.stamp('head')",
			state => all_or_none('count(*) FROM pgmigrate.applied', $many)
		},
		load => {
			call => "SELECT count(*) FROM pgmigrate.load_files(ARRAY(SELECT format('V%s__m.sql', i) FROM generate_series(1, $many) i), ARRAY(SELECT format('CREATE TABLE s%s (id int)', i) FROM generate_series(1, $many) i), 'flyway')",
			state => all_or_none('count(*) FROM pgmigrate.revision', $many)
		},
		(map { ("adopt_$_" => adopted($_)) } keys %ledgers),
		merge => {
			ready => [
				"SELECT pgmigrate.revision('root', 'SELECT 1', 'SELECT 1', id => 'root')",
				"SELECT count(pgmigrate.revision('m', 'SELECT 1', 'SELECT 1', id => 's' || i, down_revision => '{root}', splice => true)) FROM generate_series(1, $many) i"
			],
			call => "SELECT pgmigrate.merge(id => 'merged')",
			state => all_or_none("(SELECT coalesce(sum(cardinality(down_revision)), 0) FROM pgmigrate.revision WHERE id = 'merged') + count(*) FROM pgmigrate.revision WHERE id ~ '^s' AND NOT is_head", 2 * $many)
		},
		approve => {
			ready => [ "SELECT count(pgmigrate.revision('m', 'SELECT 1', 'SELECT 1', id => 'a${n}_' || 1000 + i)) FROM generate_series(1, $many) i" ],
			call => "SELECT count(pgmigrate.approve('a${n}_' || 1000 + i)) FROM generate_series(1, $many) i",
			state => all_or_none("(SELECT count(*) FROM pgmigrate.revision_change WHERE change = 'approve' AND revision ~ '^a${n}_') + count(*) FROM pgmigrate.event WHERE kind = 'approval' AND revision ~ '^a${n}_'", 2 * $many)
		},
		attest => {
			ready => [ "SELECT pgmigrate.revision('one', 'SELECT 1', 'SELECT 1', id => 'one')" ],
			call => "SELECT count(pgmigrate.attest('backup', 't$n')) FROM generate_series(1, $many) i",
			state => all_or_none("(SELECT count(*) FROM pgmigrate.attestation WHERE note = 't$n') + count(*) FROM pgmigrate.event WHERE kind = 'attestation' AND payload ->> 'note' = 't$n'", 2 * $many)
		},
		announce => {
			ready => [ "SELECT pgmigrate.revision('one', 'SELECT 1', 'SELECT 1', id => 'one')" ],
			call => "SELECT count(pgmigrate.announce(note => 'e$n')) FROM generate_series(1, $many) i",
			state => all_or_none("count(*) FROM pgmigrate.event WHERE kind = 'announcement' AND payload ->> 'note' = 'e$n'", $many),
			clean => [ "SELECT pgmigrate.prune_events('0')" ]
		},
		acknowledge => {
			ready => [ announced($n) ],
			call => "SELECT pgmigrate.acknowledge('c$n', VARIADIC ARRAY(SELECT id FROM pgmigrate.event WHERE payload ->> 'note' = 'e$n'))",
			state => all_or_none("$events - count(*) FROM pgmigrate.events('c$n', 100000) WHERE payload ->> 'note' = 'e$n'", $events),
			clean => [ "SELECT pgmigrate.drop_consumer('c$n')", "SELECT pgmigrate.prune_events('0')" ]
		},
		prune_events => {
			ready => [ announced($n), acknowledged($n) ],
			call => "SELECT pgmigrate.prune_events('0')",
			state => all_or_none("$events * 3 / 2 - (SELECT count(*) FROM pgmigrate.event_delivery WHERE consumer = 'c$n') - count(*) FROM pgmigrate.event WHERE payload ->> 'note' = 'e$n'", $events * 3 / 2),
			clean => [ "SELECT pgmigrate.drop_consumer('c$n')" ]
		},
		checklist => {
			ready => [
				(map { "CREATE TABLE k${n}_$_ AS SELECT i AS id FROM generate_series(1, 1000) i" } 1 .. 20),
				(map { "SELECT pgmigrate.revision('k', 'ALTER TABLE k${n}_$_ ADD v int NOT NULL DEFAULT 1, ALTER id TYPE bigint', 'ALTER TABLE k${n}_$_ DROP v', id => 'k$_')" } 1 .. 20)
			],
			call => 'SELECT count(*) FROM pgmigrate.checklist()',
			told => 1,
			clean => [ map { "DROP TABLE k${n}_$_" } 1 .. 20 ]
		},
		require => {
			call => "SELECT count(pgmigrate.checklist_require('i' || i, 'SELECT true')) FROM generate_series(1, $many) i",
			state => all_or_none('count(*) FROM pgmigrate.checklist_item', $many),
			clean => [ 'SELECT count(pgmigrate.checklist_require(item, NULL)) FROM pgmigrate.checklist_item' ]
		},
		grant_access => {
			ready => [ "DROP ROLE IF EXISTS g$n", "CREATE ROLE g$n" ],
			call => "SELECT count(*) FROM pgmigrate.grant_access('g$n', 'operator')",
			state => sprintf("SELECT CASE has.n WHEN 0 THEN 'before' WHEN wants.n THEN 'done' ELSE has.n || ' of ' || wants.n END FROM (SELECT $granted) AS has (n), (SELECT $granted) AS wants (n)", "g$n", 'operator'),
			clean => [ "DROP OWNED BY g$n", "DROP ROLE g$n" ]
		},
		capture_drift => {
			call => "SELECT count(pgmigrate.capture_drift(i % 2 = 1)) FROM generate_series(1, 201) i",
			state => all_or_none("count(*) FROM pg_event_trigger WHERE evtname ~ '^pgmigrate_capture' AND evtenabled <> 'D'", 2),
			clean => ['SELECT pgmigrate.capture_drift(false)']
		},
		verify => {
			ready => [
				(map { "SELECT pgmigrate.revision('v', 'CREATE TABLE v${n}_$_ (id int)', 'DROP TABLE v${n}_$_', id => 'v$_', verify => 'SELECT pg_sleep(0.02) IS NOT NULL')" } 1 .. 10),
				'SELECT count(*) FROM pgmigrate.upgrade()'
			],
			call => 'SELECT count(*) FROM pgmigrate.verify()',
			told => 1,
			clean => [ 'DROP TABLE ' . join(', ', map { "v${n}_$_" } 1 .. 10) ]
		},
		adopt_drift => {
			ready => [
				"SELECT pgmigrate.revision('first', 'SELECT 1', 'SELECT 1', id => 'first')",
				'SELECT count(*) FROM pgmigrate.upgrade()', $tables
			],
			call => "SELECT pgmigrate.adopt_drift('drift', id => 'drift')",
			state => all_or_none("count(*) FROM pgmigrate.revision JOIN pgmigrate.applied a ON a.revision = id WHERE id = 'drift'", 1),
			clean => [ join '; ', map { "DROP TABLE d${n}_$_" } 1 .. 40 ]
		},
		autogenerate => {
			call => "SELECT pgmigrate.autogenerate('auto', (SELECT string_agg(t, '; ') FROM unnest(ARRAY[\$q\$$tables\$q\$]) t), id => 'auto')",
			state => all_or_none("count(*) FROM pgmigrate.revision WHERE id = 'auto'", 1)
		},
		rehearse => {
			ready => [
				map {
					"SELECT pgmigrate.revision('h', 'CREATE TABLE h${n}_$_ AS SELECT pg_sleep(0.01)::text AS v', 'DROP TABLE h${n}_$_', id => 'h$_')"
				} 1 .. 5
			],
			call => 'SELECT count(*) FROM pgmigrate.rehearse()',
			told => 1
		},
		fleet => {
			parts => 1,
			rows => 1,
			call => "SELECT count(*) FROM pgmigrate.fleet(databases => '{fleet_1,fleet_2,fleet_3}', at_once => 2)",
			fleet => 1
		},
		schemas => {
			parts => 1,
			rows => 1,
			ready => [
				(map { "CREATE SCHEMA f${n}_$_" } 1 .. 3),
				"SELECT pgmigrate.revision('item', 'CREATE TABLE item (id int)', 'DROP TABLE item', id => 'item')"
			],
			call => "SELECT count(*) FROM pgmigrate.fleet(schemas => '{f${n}_1,f${n}_2,f${n}_3}', at_once => 2)",
			state => all_or_none("count(to_regclass(format('f${n}_%s.item', i))) FROM generate_series(1, 3) i", 3),
			clean => [ map { "DROP SCHEMA f${n}_$_ CASCADE" } 1 .. 3 ]
		},
		finalize => {
			parts => 1,
			ready => [ switched($n) ],
			call => 'SELECT count(*) FROM pgmigrate.finalize()',
			state => all_or_none("3 - count(*) FROM pgmigrate.operation WHERE state = 'switched'", 3),
			holds => types($n, 'bigint'),
			clean => [ "DROP TABLE o${n}_1, o${n}_2, o${n}_3" ]
		},
		revert => {
			parts => 1,
			ready => [ switched($n) ],
			call => "SELECT count(*) FROM (SELECT pgmigrate.revert(id) FROM pgmigrate.operation WHERE state = 'switched' ORDER BY id DESC) AS r",
			state => all_or_none("3 - count(*) FROM pgmigrate.operation WHERE state = 'switched'", 3),
			clean => [ "DROP TABLE o${n}_1, o${n}_2, o${n}_3" ]
		},
		rebuild => {
			parts => 1,
			ready => [ "CREATE TABLE b$n AS SELECT i AS id, md5(i::text) AS v FROM generate_series(1, 20000) i; ALTER TABLE b$n ADD PRIMARY KEY (id)" ],
			call => "SELECT count(*) FROM pgmigrate.rebuild('b$n', 'ALTER id TYPE bigint')",
			state => all_or_none("count(*) FROM pg_attribute WHERE attrelid = 'b$n'::regclass AND attname = 'id' AND atttypid = 'bigint'::regtype", 1),
			holds => "SELECT count(*) / 20000 * 3 FROM b$n",
			clean => [ 'SELECT count(*) FROM pgmigrate.finalize()', "DROP TABLE b$n" ]
		},
		watch => {
			call => "SELECT count(pgmigrate.watch('w' || i, 'SELECT * FROM acc WHERE id = \$1', '{1}')) FROM generate_series(1, $many) i",
			clean => [ 'SELECT count(pgmigrate.unwatch(name)) FROM pgmigrate.watched_query' ],
			state => all_or_none('count(*) FROM pgmigrate.watched_query', $many)
		},
		unwatch => {
			ready => [ "SELECT count(pgmigrate.watch('w' || i, 'SELECT * FROM acc WHERE id = \$1', '{1}')) FROM generate_series(1, $many) i" ],
			call => "SELECT count(pgmigrate.unwatch('w' || i)) FROM generate_series(1, $many) i",
			state => all_or_none("$many - count(*) FROM pgmigrate.watched_query", $many)
		},
		compare => {
			ready => [ "CREATE TABLE c${n}_1 AS SELECT i AS id, md5(i::text) AS v FROM generate_series(1, 60000) i; ALTER TABLE c${n}_1 ADD PRIMARY KEY (id); CREATE TABLE c${n}_2 (LIKE c${n}_1 INCLUDING ALL); INSERT INTO c${n}_2 SELECT * FROM c${n}_1 ORDER BY v" ],
			call => "SELECT differences FROM pgmigrate.compare('c${n}_1', 'c${n}_2')",
			told => 1,
			clean => ["DROP TABLE c${n}_1, c${n}_2"]
		});
}

my @names = (
	qw(store amend remove merge stamp load adopt_drift autogenerate
	  rehearse fleet schemas finalize revert rebuild watch unwatch compare
	  approve attest announce acknowledge prune_events checklist require
	  grant_access capture_drift verify),
	map { "adopt_$_" } sort keys %ledgers);

# ---- what must be

# Of ours, and of no use to anybody when nothing is at work.
my $left = <<'SQL';
SELECT 'role ' || rolname FROM pg_roles WHERE rolname ~ '^pgmigrate'
UNION ALL
SELECT 'slot ' || slot_name FROM pg_replication_slots
UNION ALL
SELECT 'prepared transaction ' || gid FROM pg_prepared_xacts
UNION ALL
SELECT 'lock ' || locktype || ' ' || classid || ' ' || objid FROM pg_locks WHERE locktype IN ('advisory', 'userlock')
UNION ALL
SELECT 'schema ' || nspname FROM pg_namespace WHERE nspname ~ '^pgmigrate_' AND NOT EXISTS (SELECT FROM pgmigrate.operation WHERE state NOT IN ('finalized', 'reverted', 'cancelled'))
UNION ALL
SELECT 'temporary ' || oid::regclass FROM pg_class WHERE relpersistence = 't' AND relname ~ 'pgmigrate'
UNION ALL
SELECT 'event trigger ' || evtname FROM pg_event_trigger WHERE evtname !~ '^pgmigrate_'
SQL

my $scratch = <<'SQL';
SELECT 'database ' || datname FROM pg_database WHERE datname ~ '^pgmigrate_'
SQL

sub state
{
	my ($self, $call) = @_;

	return $self->one($call->{state}) if $call->{state};
	return 'unknown' if !$call->{fleet};
	my $n = 0;
	$n += $self->query('SELECT count(*) FROM pgmigrate.applied', "fleet_$_")->[0][0] foreach 1 .. 3;
	return $n == 0 ? 'before' : $n == 9 ? 'done' : "$n of 9";
}

# With nothing at work.  A process that was killed or terminated leaves its
# scratch databases to the next one that makes some.
sub check
{
	my ($self, $tag, $call, $killed) = @_;

	foreach my $database ($self->{database}, $call->{fleet} ? map { "fleet_$_" } 1 .. 3 : ())
	{
		my $ask = sub { return map { $_->[0] } @{ $self->query($_[0], $database) } };

		$self->fault("$tag: $_") foreach PgMigrate::Ledger::found($ask);
	}
	my $ask = sub { return map { $_->[0] } @{ $self->query($_[0]) } };
	$self->fault("$tag: $_ is left") foreach $ask->($left), $killed ? () : $ask->($scratch);
	my $state = $self->state($call);
	$self->fault("$tag: $state")
	  if !$call->{parts} && $state !~ /^(?:before|done|unknown)$/;
	return $state;
}

# ---- one call

sub worker_of
{
	my ($self) = @_;

	return $self->one(
		"SELECT pid FROM pg_stat_activity WHERE backend_type LIKE 'pgmigrate %' ORDER BY random() LIMIT 1"
	);
}

# True if it was hit.
sub strike
{
	my ($self, $name, $way, $caller) = @_;
	my $worker = $way =~ /worker/ ? $self->worker_of : 0;

	return 0 if $caller->pump(0);
	if (!defined $worker)
	{
		$self->{alone}{$name}++;
		return 0;
	}
	if ($way eq 'cancel_caller' || $way =~ /^terminate/)
	{
		# what pg_cancel_backend() and pg_terminate_backend() send, at once
		kill $way =~ /cancel/ ? 'INT' : 'TERM', $worker || $caller->{pid};
	}
	elsif ($way eq 'client_gone')
	{
		$caller->close;
	}
	else
	{
		my $pid = $way eq 'kill9_caller' ? $caller->{pid} : $worker || $self->postmaster;
		my $end = time() + $patience;

		return 0 if !kill 'KILL', $pid;
		usleep(5_000) while kill(0, $pid) && time() < $end;
		if ($way eq 'kill9_postmaster')
		{
			usleep(5_000) while kill(0, $caller->{pid}) && time() < $end;
			$self->start_server;
		}
		$self->connection->close;
	}
	return 1;
}

sub wait_gone
{
	my ($self, $pid, $tag) = @_;
	my $end = time() + $patience;

	while ($self->one("SELECT count(*) FROM pg_stat_activity WHERE pid = $pid AND application_name = 'chaos' AND state <> 'idle' AND pid <> pg_backend_pid()"))
	{
		if (time() > $end)
		{
			$self->fault("$tag: the caller's process stays");
			last;
		}
		usleep(10_000);
	}
	$self->wait_idle($tag);
	return;
}

# Make it, and interrupt it if so asked; the way it was hit, if it was, and its
# error.
sub make
{
	my ($self, $name, $call, $way, $tag) = @_;
	my $caller = $self->connection;
	my $begun = time();
	my $hit = 0;

	$caller->send($call->{call});
	if (defined $way)
	{
		my $end = time() + rand($self->{took}{$name} // 0.1);

		$caller->pump(0.002) while time() < $end && $caller->{sent} && !$caller->{lost};
		$hit = $self->strike($name, $way, $caller);
	}
	$caller->finish($patience) or $self->fault("$tag: the caller hangs");
	my $lost = $caller->{lost};
	my $error = $caller->{error};

	# as long as now, not as in a busier moment
	$self->{took}{$name} = time() - $begun if !$hit && !defined $error;
	$caller->close;
	$self->wait_gone($caller->{pid}, $tag);
	return ($hit, $lost ? 'lost' : $error);
}

sub ready
{
	my ($self, @sql) = @_;
	my $client = $self->connection;

	foreach my $sql (@sql)
	{
		$client->send($sql);
		$client->finish($patience) or die "it hangs: $sql\n";
		die "$client->{error}: $sql\n" if defined $client->{error};
	}
	$client->close;
	return;
}

sub interrupt
{
	my ($self, $name, @struck) = @_;
	my $n = ++$self->{calls};
	my %calls = calls($n);
	my $call = $calls{$name};
	my $hits = 0;

	$self->ready(@{ $call->{ready} // [] });
	foreach my $way (@struck, (undef) x 4)
	{
		my $tag = "$n $name" . (defined $way ? ", $way" : '');
		my ($hit, $error) = $self->make($name, $call, $way, $tag);

		if ($hit)
		{
			$hits++;
			$self->{events}++;
			$self->{hits}{$name}{$way}++;
		}
		elsif (defined $way)
		{
			$self->{count}{'came too late'}++;
		}
		my $state = $self->check($tag, $call, defined $way && $way ne 'cancel_caller');
		$self->fault("$tag: told done, it is $state")
		  if !defined $error && !$call->{rows} && $state !~ /^(?:done|unknown)$/;
		$self->fault("$tag: told \"$error\", and it is done")
		  if defined $error && $error !~ /^(?:lost$|57P0)/ && !$call->{parts} && $state eq 'done';
		$self->fault("$tag: $error")
		  if defined $error && (!$hit || $error =~ /XX000/);
		last if $call->{told} ? !defined $error : $state eq 'done';
	}
	my $state = $self->state($call);
	$self->fault("$n $name: in the end it is $state")
	  if !$call->{told} && $state ne 'done';
	$self->fault("$n $name: $call->{holds} does not hold")
	  if $call->{holds} && $self->one($call->{holds}) != 3;
	$self->query("SELECT count(*) FROM pgmigrate.diff('CREATE TABLE t ()')")
	  if @{ $self->query($scratch) };
	$self->check("$n $name, done", $call, 0);
	$self->ready(@{ $call->{clean} // [] }) if $call->{clean};
	$self->ready($forget);
	$self->query("SELECT count(*) FROM pgmigrate.downgrade('base')", "fleet_$_")
	  foreach $call->{fleet} ? 1 .. 3 : ();
	return $hits;
}

# ---- the whole

sub setup
{
	my ($self) = @_;

	foreach my $database ($self->{database}, map { "fleet_$_" } 1 .. 3)
	{
		$self->query("DROP DATABASE IF EXISTS $database WITH (FORCE)", 'postgres');
		$self->query("CREATE DATABASE $database", 'postgres');
		$self->query('CREATE EXTENSION pgmigrate', $database);
	}
	foreach my $i (1 .. 3)
	{
		$self->query(
			"SELECT pgmigrate.revision('f', 'CREATE TABLE f$_ AS SELECT pg_sleep(0.05)::text AS v', 'DROP TABLE f$_', id => 'f$_')",
			"fleet_$i") foreach 1 .. 3;
	}
	$self->query('CREATE TABLE acc (id int PRIMARY KEY)');
	foreach my $role (qw(nobody operator))
	{
		$self->query("DROP ROLE IF EXISTS $role");
		$self->query("CREATE ROLE $role");
	}
	$self->query("SELECT count(*) FROM pgmigrate.grant_access('operator', 'operator')");
	return;
}

# The next one.  A call of which no worker was ever seen has none to be hit.
sub way
{
	my ($self, $name) = @_;
	my $seen = grep { /worker/ } keys %{ $self->{hits}{$name} // {} };
	my $alone = !$seen && ($self->{alone}{$name} // 0) >= 4;

	while (1)
	{
		my $way = $ways[ $self->{turn}++ % @ways ];

		return $way if !$alone || $way !~ /worker/;
	}
}

# Until each call was hit so often, or the seconds are over.
sub run
{
	my ($self, $times, $seconds, @only) = @_;
	my $end = time() + ($seconds // 1e9);
	my %left = map { $_ => $times } @only ? @only : @names;

	# ended by hand, it tells what it has found
	local $SIG{TERM} = local $SIG{INT} = sub { $end = 0 };
	$self->{calls} = 0;
	$self->{hits} = {};
	$self->setup;

	# undisturbed, which says how long it takes
	$self->interrupt($_) foreach @only ? @only : @names;
	for my $round (1 .. 4 * $times)
	{
		foreach my $name (grep { $left{$_} > 0 } @only ? @only : @names)
		{
			return scalar @{ $self->{faults} } if time() > $end;
			my @struck = map { $self->way($name) } 1 .. 4;

			eval { $left{$name} -= $self->interrupt($name, @struck); 1 } or do
			{
				$self->fault("$name: $@");
				return scalar @{ $self->{faults} };
			};
		}
		$self->{log}->("$self->{events} hits in $self->{calls} calls, "
			  . scalar @{ $self->{faults} }
			  . ' faults');
		last if !grep { $_ > 0 } values %left;
	}
	return scalar @{ $self->{faults} };
}

# What must turn the oracle red, and the way back.
my @plants = (
	[ 'a scratch database is left', 'CREATE DATABASE pgmigrate_scratch_1_1', 'DROP DATABASE pgmigrate_scratch_1_1' ],
	[ 'a schema is left', 'CREATE SCHEMA pgmigrate_online_0', 'DROP SCHEMA pgmigrate_online_0' ],
	[ 'a role is left', 'CREATE ROLE pgmigrate_0', 'DROP ROLE pgmigrate_0' ],
	[ 'half is stored', "SELECT pgmigrate.remove('s$many')", "SELECT pgmigrate.revision('m', 'SELECT 1', id => 's$many')" ],
	[ 'a head is not applied', "INSERT INTO pgmigrate.head (revision) VALUES ('s$many')", "DELETE FROM pgmigrate.head WHERE revision = 's$many'" ],
	[ 'a lock is held', 'SELECT pg_advisory_lock(1)', 'SELECT pg_advisory_unlock(1)' ]);

# Half of a call: what is taken from one that is done, or, where it says so,
# made instead of it.
my @halves = (
	[ 'merge', "UPDATE pgmigrate.revision SET down_revision = down_revision[2:] WHERE id = 'merged'" ],
	[ 'approve', "DELETE FROM pgmigrate.event WHERE id = (SELECT max(id) FROM pgmigrate.event WHERE kind = 'approval')" ],
	[ 'attest', 'DELETE FROM pgmigrate.attestation WHERE id = (SELECT max(id) FROM pgmigrate.attestation)' ],
	[ 'announce', 'DELETE FROM pgmigrate.event WHERE id = (SELECT max(id) FROM pgmigrate.event)' ],
	[ 'acknowledge', "SELECT pgmigrate.acknowledge('c0', max(id)) FROM pgmigrate.event", 'instead' ],
	[ 'prune_events', 'DELETE FROM pgmigrate.event WHERE id = (SELECT max(id) FROM pgmigrate.event)', 'instead' ],
	[ 'require', "SELECT pgmigrate.checklist_require('i1', NULL)" ],
	[ 'grant_access', 'REVOKE EXECUTE ON FUNCTION pgmigrate.approve(text, text) FROM g0' ],
	[ 'capture_drift', 'ALTER EVENT TRIGGER pgmigrate_capture_ddl ENABLE', 'instead' ],
	[ 'adopt_flyway', 'DELETE FROM pgmigrate.mirror' ]);

sub planted_half
{
	my ($self, $name, $sql, $instead) = @_;
	my $call = {calls(0)}->{$name};
	local $self->{faults} = [];
	local $self->{log} = sub { };

	$self->ready(@{ $call->{ready} // [] }, $instead ? () : $call->{call});
	$self->check($name, $call, 0);
	die "$name: $self->{faults}[0]\n" if @{ $self->{faults} };
	$self->ready($sql);
	$self->check($name, $call, 0);
	$self->ready(@{ $call->{clean} // [] }, $forget);
	return [ "half of $name", scalar @{ $self->{faults} } ];
}

sub planted
{
	my ($self) = @_;
	my %calls = calls(0);
	my @found = map { $self->planted_half(@$_) } @halves;

	$self->ready(stored());
	push @found, $self->plant(sub { $self->check($_[0], $calls{store}, 0) }, @plants);
	local $self->{faults} = [];
	$self->check('as it was', $calls{store}, 0);
	push @found, [ 'nothing is wrong', @{ $self->{faults} } ? 0 : 1 ];
	$self->ready($forget);
	return @found;
}

1;


# Copyright (c) 2026, pgmigrate developers

# The ledger of another tool is taken over whole or not at all, whatever stops
# it while a part of it is written; the next call does it.

use strict;
use warnings;

use PgMigrate::Test;
use Test::More;

my $node = new_node('adopt');

# The table, a row for each number i, and whether the tool is kept in step.
my %ledgers = (
	rails => [
		'schema_migrations (version varchar NOT NULL PRIMARY KEY)',
		"to_char(date '2020-01-01' + i, 'YYYYMMDD000000')", 1
	],
	django => [
		'django_migrations (id bigint PRIMARY KEY, app varchar(255) NOT NULL, name varchar(255) NOT NULL, applied timestamptz NOT NULL)',
		"i, 'shop', format('%s_m', i), now()", 0
	],
	liquibase => [
		'databasechangelog (id varchar(255) NOT NULL, author varchar(255) NOT NULL, filename varchar(255) NOT NULL, dateexecuted timestamp NOT NULL, orderexecuted int NOT NULL, exectype varchar(10) NOT NULL, md5sum varchar(35), description varchar(255), comments varchar(255), tag varchar(255), liquibase varchar(20), contexts varchar(255), labels varchar(255), deployment_id varchar(10))',
		"i, 'ann', 'log.xml', now(), i, 'EXECUTED'", 0
	]);

my $adopted = "SELECT concat_ws(' ', (SELECT count(*) FROM pgmigrate.revision), "
  . '(SELECT count(*) FROM pgmigrate.applied), (SELECT count(*) FROM pgmigrate.head), '
  . '(SELECT count(*) FROM pgmigrate.mirror))';

for my $tool (sort keys %ledgers)
{
	my ($table, $row, $kept_in_step) = @{ $ledgers{$tool} };
	my ($name) = split ' ', $table;
	my $mirror = $kept_in_step ? ', mirror => true' : '';

	query($node, "CREATE TABLE $table; INSERT INTO $name SELECT $row FROM generate_series(1, 5) i");
	for my $way (qw(cancel terminate kill))
	{
		my $holder = session($node);
		my $caller = session($node);
		my $pid = $caller->pid;

		$holder->query("BEGIN; LOCK TABLE pgmigrate.head IN SHARE MODE");
		$caller->send("SELECT count(*) FROM pgmigrate.adopt('$tool'$mirror)");
		poll($node, "SELECT wait_event_type = 'Lock' FROM pg_stat_activity WHERE pid = $pid");
		is( query($node, "SELECT count(*) FROM pg_locks WHERE pid = $pid AND relation = 'pgmigrate.revision'::regclass AND mode = 'RowExclusiveLock'"),
			'1', "$tool, $way: a part is written");
		kill_and_recover($node, $pid) if $way eq 'kill';
		if ($way ne 'kill')
		{
			query($node, "SELECT pg_${way}_backend($pid)");
			$caller->fails_with($way eq 'cancel' ? '57014' : '57P01', "$tool, $way: the caller is told");
			$holder->query('COMMIT');
		}
		$_->quit foreach $holder, $caller;
		is(query($node, $adopted), '0 0 0 0', "$tool, $way: nothing of it is there");
		ledger_ok($node, "$tool, $way");
	}
	query($node, "SELECT pgmigrate.adopt('$tool'$mirror)");
	like(query($node, $adopted), qr/^5 5 \d+ $kept_in_step$/, "$tool: the next call takes it over");
	ledger_ok($node, $tool);
	query($node, "SELECT pgmigrate.adopt('$tool', mirror => false)") if $kept_in_step;
	query($node, "SET client_min_messages = error; SELECT pgmigrate.stamp('base', purge => true); DELETE FROM pgmigrate.revision; DROP TABLE $name");
}

done_testing();

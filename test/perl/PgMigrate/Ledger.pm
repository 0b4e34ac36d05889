
# Copyright (c) 2026, pgmigrate developers

=head1 NAME

PgMigrate::Ledger - what must never be true of a ledger with nothing at work

=head1 DESCRIPTION

Queries whose rows are faults, for the TAP tests and for bench/chaos, and what
they find.  Of no server, and of no way to ask one.

=cut

package PgMigrate::Ledger;

use strict;
use warnings;

use Time::HiRes qw(time usleep);

# A lock of nobody stays for ever; any other is gone within these seconds.
our $patience = 10;

our $faults = <<'SQL';
WITH RECURSIVE implied (id) AS (
	SELECT revision FROM pgmigrate.head
	UNION
	SELECT u.id FROM implied i JOIN pgmigrate.revision r ON r.id = i.id,
		unnest(r.down_revision || r.depends_on) AS u (id)
)
SELECT 'applied without a head above: ' || revision FROM pgmigrate.applied
WHERE revision NOT IN (SELECT id FROM implied)
UNION ALL
SELECT 'under a head but not applied: ' || id FROM implied
WHERE id NOT IN (SELECT revision FROM pgmigrate.applied)
UNION ALL
SELECT 'digest differs: ' || a.revision FROM pgmigrate.applied a
JOIN pgmigrate.revision r ON r.id = a.revision WHERE r.digest <> a.digest
UNION ALL
SELECT 'applied by a step that is ' || coalesce(s.state, 'not there') || ': ' || a.revision
FROM pgmigrate.applied a LEFT JOIN pgmigrate.run_step s USING (run, step)
WHERE a.step IS NOT NULL AND (s.state IS DISTINCT FROM 'done' OR s.revision <> a.revision)
UNION ALL
SELECT 'a run that is done with a step that is not: ' || r.id
FROM pgmigrate.run r JOIN pgmigrate.run_step s ON s.run = r.id
WHERE r.state = 'done' AND s.state <> 'done'
UNION ALL
SELECT 'an ended run without an end: ' || id FROM pgmigrate.run
WHERE state <> 'running' AND finished IS NULL
UNION ALL
SELECT 'a step left running: run ' || s.run || ' step ' || s.step
FROM pgmigrate.run r JOIN pgmigrate.run_step s ON s.run = r.id
WHERE r.state <> 'running' AND s.state = 'running'
UNION ALL
SELECT 'more than one running run' FROM pgmigrate.run
WHERE state = 'running' HAVING count(*) > 1
UNION ALL
SELECT 'is_head is wrong: ' || r.id FROM pgmigrate.revision r
WHERE r.is_head = EXISTS (SELECT FROM pgmigrate.revision c WHERE r.id = ANY (c.down_revision))
UNION ALL
SELECT 'the run lock is held' FROM pg_locks
WHERE locktype = 'userlock' AND classid = 'pg_extension'::regclass
AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
SQL

# A session that comes or goes is in one of the two views only, for a moment.
our $locks = <<'SQL';
SELECT 'a lock of nobody: ' || locktype || ' ' || mode FROM pg_locks l
WHERE pid IS NOT NULL AND NOT EXISTS (SELECT FROM pg_stat_activity a WHERE a.pid = l.pid)
SQL

# Not where a run has stopped in the middle of CONCURRENTLY.
our $leftovers = <<'SQL';
SELECT 'invalid index: ' || indexrelid::regclass FROM pg_index WHERE NOT indisvalid
SQL

# The faults that a sub finds, which is given a query and returns its rows; more
# queries may follow.
sub found
{
	my ($ask, @more) = @_;
	my $end = time() + $patience;
	my @locks = $ask->($locks);

	while (@locks && time() < $end)
	{
		usleep(20_000);
		@locks = $ask->($locks);
	}
	return (@locks, map { $ask->($_) } $faults, @more);
}

1;


# Copyright (c) 2026, pgmigrate developers

# A worker and its launcher: messages, whatever becomes of the client.

use strict;
use warnings;

use PgMigrate::Test;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = new_node('process');

# Peak of a process's resident memory, in kB; 0 where the system has no /proc.
sub peak
{
	my ($pid) = @_;
	my ($status) = eval { slurp_file("/proc/$pid/status") } // '';

	return $status =~ /^VmHWM:\s+(\d+)/m ? $1 : 0;
}

# 40 MB of messages: the session that relays them keeps none.
revision($node, 'chatty', <<'SQL');
DO $$ BEGIN
	FOR i IN 1 .. 20000 LOOP RAISE NOTICE '%', repeat('x', 2000); END LOOP;
END $$
SQL
my $caller = session($node);
my $before = peak($caller->pid);
SKIP:
{
	skip 'there is no /proc', 1 if $before == 0;
	$caller->query('SELECT pgmigrate.upgrade()');
	cmp_ok(peak($caller->pid) - $before,
		'<', 20_000, 'the caller does not grow with what its worker reports');
}
$caller->quit;

ledger_ok($node, 'process');
log_is_clean($node);
done_testing();

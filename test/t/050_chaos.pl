
# Copyright (c) 2026, pgmigrate developers

# Runs that are interrupted at random, as bench/chaos does by the thousand: the
# ledger says what the schema has, and the next call goes on.

use strict;
use warnings;

use lib 'bench/chaos';

use Chaos;
use PgMigrate::Test;
use Test::More;

my $node = new_node('chaos');
my $chaos = Chaos->new(
	data => $node->data_dir,
	bindir => $node->config_data('--bindir'),
	socket => $node->host,
	port => $node->port,
	cycles => 1,
	seed => 12,
	log => sub { diag(@_) });

$chaos->run(25, 45);
is(join("\n", @{ $chaos->{faults} }),
	'', "the ledger is true after $chaos->{events} interruptions");
cmp_ok($chaos->{events}, '>=', 5, 'enough runs were interrupted');
foreach my $plant ($chaos->planted)
{
	cmp_ok($plant->[1], '>', 0, "it is seen that $plant->[0]");
}
log_is_clean($node, undef, postmaster_killed => 1);
# it was stopped and started by another hand
$node->_update_pid(1);
$node->stop;
done_testing();


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

# 10 on any machine
$chaos->run(25, 45, 10);
is(join("\n", @{ $chaos->{faults} }),
	'', "the ledger is true after $chaos->{events} interruptions");
cmp_ok($chaos->{events}, '>=', 10, 'enough runs were interrupted');
foreach my $plant ($chaos->planted)
{
	cmp_ok($plant->[1], '>', 0, "it is seen that $plant->[0]");
}

# a lock of nobody, which cannot be planted: one that stays is a fault
my $looks = 0;
my $passes = sub { return $_[0] ne $PgMigrate::Ledger::locks || $looks++ ? () : 'a lock' };
is_deeply([ PgMigrate::Ledger::found($passes) ], [], 'a session that comes or goes is none');
is($looks, 2, 'it was looked at again');
local $PgMigrate::Ledger::patience = 0.1;
my $stays = sub { return $_[0] eq $PgMigrate::Ledger::locks ? 'a lock' : () };
is_deeply([ PgMigrate::Ledger::found($stays) ], ['a lock'], 'a lock of nobody is one');

log_is_clean($node, undef, postmaster_killed => 1);
# it was stopped and started by another hand
$node->_update_pid(1);
$node->stop;
done_testing();

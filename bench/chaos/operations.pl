#!/usr/bin/perl

# Copyright (c) 2026, pgmigrate developers

# Kill processes of online changes on a server that is there for the test only;
# see README.md.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin, "$FindBin::RealBin/../../test/perl";

use Getopt::Long;
use Operations;
use POSIX qw(strftime);

my %option = (kills => 200, seed => 1);

GetOptions(\%option, 'data=s', 'bindir=s', 'socket=s', 'port=i', 'kills=i',
	'seed=i', 'seconds=i')
  or die "usage: operations.pl --data DIR --bindir DIR --socket DIR --port N [--kills N] [--seed N] [--seconds N]\n";
$| = 1;

my $chaos = Operations->new(%option,
	log => sub { print strftime('%H:%M:%S', gmtime), " @_\n" });
my $faults = $chaos->run($option{kills}, $option{seconds});

print "\n| killed | times |\n|---|---|\n";
print "| $_ | $chaos->{killed}{$_} |\n" foreach sort keys %{ $chaos->{killed} };
print "\n| in | kills |\n|---|---|\n";
print "| $_ | $chaos->{kinds}{$_} |\n" foreach sort keys %{ $chaos->{kinds} };
print "\n$_: $chaos->{count}{$_}\n" foreach sort keys %{ $chaos->{count} };
my $blind = 0;
foreach my $plant ($faults ? () : $chaos->planted)
{
	print "planted: $plant->[0]: $plant->[1] found\n";
	$blind++ if $plant->[1] == 0;
}
print "$chaos->{events} kills, $chaos->{changes} changes, $faults faults, $blind planted faults not seen\n";
exit($faults || $blind ? 1 : 0);


# Copyright (c) 2026, pgmigrate developers

=head1 NAME

Client - a connection to PostgreSQL that need not wait for its answer

=head1 DESCRIPTION

The protocol of the server, version 3, over a Unix socket, as far as simple
queries need it, with the modules of Perl itself only.  A caller is sent off and
looked after later, or lost on purpose.

=cut

package Client;

use strict;
use warnings;

use IO::Select;
use IO::Socket::UNIX;
use Time::HiRes qw(time);

# undef if the server does not take us.
sub new
{
	my ($class, $path, $database, $user) = @_;
	my $socket = IO::Socket::UNIX->new(Peer => $path) or return undef;
	my $self = bless { socket => $socket, buffer => '' }, $class;
	my $startup = pack('N', 196608)
	  . join('', map { "$_\0" } 'user', $user, 'database', $database,
		'application_name', 'chaos')
	  . "\0";

	$self->write(pack('N', length($startup) + 4) . $startup) or return undef;
	$self->{sent} = 1;
	$self->finish(30);
	return $self->{lost} || $self->{error} ? undef : $self;
}

sub write
{
	my ($self, $bytes) = @_;
	my $socket = $self->{socket};

	local $SIG{PIPE} = 'IGNORE';
	return 1 if defined syswrite($socket, $bytes);
	$self->{lost} = 1;
	return 0;
}

# Send a query without waiting.
sub send
{
	my ($self, $sql) = @_;

	$self->{rows} = [];
	$self->{error} = undef;
	$self->{sent} = 1;
	return $self->write('Q' . pack('N', length($sql) + 5) . "$sql\0");
}

sub message
{
	my ($self, $type, $body) = @_;

	if ($type eq 'K')
	{
		($self->{pid}) = unpack('N', $body);
	}
	elsif ($type eq 'D')
	{
		my @row;
		my ($n, $at) = (unpack('n', $body), 2);

		for (1 .. $n)
		{
			my $length = unpack('N', substr($body, $at, 4));

			$at += 4;
			if ($length == 0xFFFFFFFF)
			{
				push @row, undef;
				next;
			}
			push @row, substr($body, $at, $length);
			$at += $length;
		}
		push @{ $self->{rows} }, \@row;
	}
	elsif ($type eq 'E')
	{
		my %field = map { substr($_, 0, 1) => substr($_, 1) }
		  grep { length } split /\0/, $body;

		$self->{error} = "$field{C} $field{M}";
	}
	elsif ($type eq 'Z')
	{
		$self->{sent} = 0;
	}
	return;
}

# Read what is there, waiting for at most so long; is the answer complete?
sub pump
{
	my ($self, $seconds) = @_;
	my $socket = $self->{socket};

	return 1 if !$self->{sent} || $self->{lost};
	if (IO::Select->new($socket)->can_read($seconds))
	{
		my $n = sysread($socket, $self->{buffer}, 65536,
			length $self->{buffer});

		$self->{lost} = 1 if !$n;
	}
	while (length $self->{buffer} >= 5)
	{
		my ($type, $length) = unpack('a N', $self->{buffer});

		last if length $self->{buffer} < $length + 1;
		$self->message($type, substr($self->{buffer}, 5, $length - 4));
		substr($self->{buffer}, 0, $length + 1, '');
	}
	return !$self->{sent} || $self->{lost};
}

# Wait for the end of the answer; false if it did not come in time.
sub finish
{
	my ($self, $seconds) = @_;
	my $end = time() + $seconds;

	until ($self->pump(0.1))
	{
		return 0 if time() > $end;
	}
	return 1;
}

sub close
{
	my ($self) = @_;

	$self->{lost} = 1;
	close $self->{socket};
	return;
}

1;

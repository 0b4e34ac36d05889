
# Copyright (c) 2026, pgmigrate developers

# What is kept must be what it was when it comes back.

use strict;
use warnings;

use PgMigrate::Test;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = new_node('reach');

query($node, <<'SQL');
CREATE TYPE public.pair AS (a int, b int);
CREATE DOMAIN public.dpair AS public.pair;
CREATE TYPE public.span AS RANGE (subtype = public.pair);
CREATE TABLE public.t (id int PRIMARY KEY, p public.pair, q public.pair[], r public.dpair, s public.span, m public.span_multirange, n int);
INSERT INTO public.t VALUES (1, (1, 2), ARRAY[(1, 2)::public.pair], (1, 2), public.span((1, 2)::public.pair, (3, 4)::public.pair), '{}', 7);
SQL

# A value of a row type is read as the type says now.
for my $column (qw(p q r s m n))
{
	query($node, <<"SQL");
SET pgmigrate.online_threshold = 0;
SELECT pgmigrate.revision('$column', 'ALTER TABLE public.t DROP COLUMN $column', 'ALTER TABLE public.t ADD COLUMN $column text', id => 'drop_$column');
SELECT pgmigrate.upgrade();
SQL
	is(query($node, "SELECT count(*) FROM pgmigrate.operation WHERE revision = 'drop_$column'"),
		$column eq 'n' ? 1 : 0,
		"column $column is " . ($column eq 'n' ? 'kept' : 'dropped as it is written'));
}

log_is_clean($node);
done_testing();

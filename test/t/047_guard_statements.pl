
# Copyright (c) 2026, pgmigrate developers

# The guard beside pg_stat_statements and HypoPG: what the server is busy with
# is watched without being told, what got slower is measured, and an index is
# proposed that HypoPG proves.

use strict;
use warnings;

use PgMigrate::Test;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = new_node('statements',
	q{shared_preload_libraries = 'pg_stat_statements'});
my $has = sub {
	query($node, "SELECT count(*) FROM pg_available_extensions WHERE name = '$_[0]'");
};

plan skip_all => 'pg_stat_statements is not installed'
  unless $has->('pg_stat_statements');

query($node, <<'SQL');
CREATE EXTENSION pg_stat_statements;
CREATE ROLE app LOGIN;
ALTER ROLE app SET search_path = shop;
CREATE SCHEMA shop;
CREATE TABLE shop.orders (id int PRIMARY KEY, customer int, note text);
INSERT INTO shop.orders SELECT i, i % 5000, repeat('x', 100) FROM generate_series(1, 20000) i;
CREATE INDEX orders_customer ON shop.orders (customer);
CREATE DOMAIN shop.word AS text CHECK (VALUE <> '');
CREATE TABLE shop.words (w shop.word);
GRANT USAGE ON SCHEMA shop TO app;
GRANT SELECT, INSERT ON ALL TABLES IN SCHEMA shop TO app;
VACUUM ANALYZE shop.orders;
SQL

sub as_app
{
	return query($node, "SET ROLE app; SET search_path = shop; $_[0]");
}

as_app("SELECT note FROM orders WHERE customer = 4711; " x 20);
as_app("INSERT INTO words VALUES ('a')");
as_app("SELECT interval '1 day' + now()");

my $one = q{SELECT pgmigrate.revision('drop', 'DROP INDEX shop.orders_customer', 'CREATE INDEX orders_customer ON shop.orders (customer)', id => 'one')};
my $regressions =
  q{SELECT revision, name ~ '^statement -?\d+$', state, coalesce(factor > 2, false), cause, proposal FROM pgmigrate.regressions() ORDER BY state};

query($node, $one);
my $err = notices($node, q{SELECT state FROM pgmigrate.upgrade('one')});
like($err, qr/WARNING: .*makes 1 watched query slower/, 'nobody called watch(), and it is told');
unlike($err, qr/cannot be planned/, 'what cannot be planned is not told of');
is(query($node, $regressions),
	'one|t|slower|t|index shop.orders_customer, which its plan used, is gone|CREATE INDEX CONCURRENTLY orders_customer ON shop.orders USING btree (customer)',
	'the statement, why and what would help');
is(query($node, q{SELECT count(*) FROM pg_prepared_statements}), '0', 'nothing stays prepared');
is(query($node, 'SELECT count(*) FROM shop.words'), '1', 'nothing was executed');

# ---- and measured
as_app("SELECT note FROM orders WHERE customer = 4711; " x 30);
is( query($node,
		q{SELECT name = (SELECT name FROM pgmigrate.regression), cost_before, factor > 2, cause ~ '^mean time [\d.]+ ms since the run began, in 30 calls; [\d.]+ ms before, in 20 calls$' FROM pgmigrate.regressions() WHERE state = 'measured'}),
	't||t|t', 'it takes longer since, by pg_stat_statements');
is(query($node, q{SELECT count(*) FROM pgmigrate.regressions(0)}), '0', 'not of a run that was not');

# ---- not asked for
query($node, q{SELECT state FROM pgmigrate.downgrade('base')});
query($node, q{LOAD 'pgmigrate'; SET pgmigrate.guard_statements = 0; SELECT state FROM pgmigrate.upgrade('one')});
is(query($node, $regressions), '', 'none where none are to be watched');

# ---- kept for the last runs only
is(query($node, 'SELECT count(DISTINCT run) FROM pgmigrate.statement_time WHERE run < (SELECT max(run) - 20 FROM pgmigrate.statement_time)'), '0', 'no more than that');

SKIP:
{
	skip 'HypoPG is not installed', 3 unless $has->('hypopg');
	query($node, 'CREATE SCHEMA tools; CREATE EXTENSION hypopg SCHEMA tools');
	query($node, 'CREATE VIEW shop.recent AS SELECT * FROM shop.orders WHERE id < 10');
	query($node, q{SELECT pgmigrate.watch('recent', 'SELECT note FROM shop.recent WHERE customer = 4711')});
	query($node, q{SELECT pgmigrate.revision('view', 'CREATE OR REPLACE VIEW shop.recent AS SELECT * FROM shop.orders', NULL, id => 'two', down_revision => '{}', splice => true)});
	query($node, q{SELECT state FROM pgmigrate.upgrade('two')});
	is( query($node,
			q{SELECT regexp_replace(proposal, '\d+', '(n)', 'g') FROM pgmigrate.regressions() WHERE name = 'recent'}),
		'CREATE INDEX CONCURRENTLY ON shop.orders (customer) /* HypoPG: cost (n) instead of (n) */',
		'an index that HypoPG proves');
	query($node, query($node, q{SELECT proposal FROM pgmigrate.regressions() WHERE name = 'recent'}));
	is(query($node, q{SELECT count(*) FROM pg_indexes WHERE tablename = 'orders'}), '2', 'it can be taken as it is');
	is(query($node, q{SELECT count(*) FROM pgmigrate.regression WHERE proposal ~ 'HypoPG' AND cost_after IS NULL}), '0', 'none for what cannot be planned');
}

log_is_clean($node);
$node->stop;
done_testing();

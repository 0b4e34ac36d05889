-- What a plan will do and what a run did, as pages to be read.
SET client_min_messages = warning;
DROP EXTENSION IF EXISTS pgmigrate;
CREATE EXTENSION pgmigrate;
CREATE ROLE regress_pgm_reader;
SELECT count(*) > 0 AS granted FROM pgmigrate.grant_access('regress_pgm_reader', 'viewer');
CREATE TABLE rep_user (id int PRIMARY KEY, name text);
INSERT INTO rep_user VALUES (1, 'x'), (2, 'y');
ANALYZE rep_user;
SET pgmigrate.online = off;

-- nothing is stored
SELECT line FROM pgmigrate.report() AS r (line) WHERE line !~ '^(Server|Made|Author): ';

-- a plan with a danger that is allowed, one that is not, and a safe form
SELECT pgmigrate.revision('first', 'ALTER TABLE rep_user ADD phone text', 'ALTER TABLE rep_user DROP phone', id => 'r1');
SELECT pgmigrate.revision('second', 'ALTER TABLE rep_user ALTER phone SET NOT NULL;
-- pgmigrate: allow drop-column because nobody reads it
ALTER TABLE rep_user DROP name', 'SELECT 1', id => 'r2');
SELECT line FROM pgmigrate.report() AS r (line) WHERE line !~ '^(Server|Made|Author): ' AND line !~ '^  time: ';
SELECT line FROM pgmigrate.report('r1', format => 'markdown') AS r (line) WHERE line !~ '\*\*(Server|Made|Author)\*\*' AND line !~ '^- time: ';
SELECT regexp_replace(line, '<style>.*</style>', '') FROM pgmigrate.report('r1', format => 'html') AS r (line) WHERE line !~ '<td>(Server|Made|Author)</td>' AND line !~ '<b>time</b>';

-- the way down, when there is one
SELECT state FROM pgmigrate.upgrade('r1');
SELECT line FROM pgmigrate.report('base', 'downgrade') AS r (line) WHERE line ~ 'Downgrade|^From|^To|DROP';

-- a run, and one that fails
INSERT INTO rep_user VALUES (3, 'z');
SELECT state FROM pgmigrate.upgrade('r2', allow => '{set-not-null}', reason => 'it is <empty> & "small"');
CREATE FUNCTION rep_run(run bigint, format text) RETURNS SETOF text LANGUAGE sql AS $$
	SELECT regexp_replace(regexp_replace(line, '\d+(\.\d)? (ms|s)\M|less than 1 ms', '? ms', 'g'), '\|[#.!w]*\|', '|bar|')
	FROM pgmigrate.report(run, format) AS r (line)
	WHERE line !~ '^(Database|Started|Role):' AND line !~ '<td>(Database|Started|Role)</td>|<style>' $$;
SELECT * FROM rep_run(1, 'text');
SELECT * FROM rep_run(2, 'text');
SELECT regexp_replace(regexp_replace(line, 'left:[0-9.]+%;width:[0-9.]+%', 'place'), 'width="\d+" height="\d+" viewBox="[0-9 ]+"', 'size')
FROM rep_run(2, 'html') AS r (line);

-- who may not run revisions sees no values of rows
SELECT pgmigrate.amend('r2', upgrade => 'INSERT INTO rep_user VALUES (3, ''a secret'')');
SELECT state FROM pgmigrate.upgrade('r2');
SELECT line FROM pgmigrate.report(3) AS r (line) WHERE line ~ '^(State|SQLSTATE|Detail|Context|    )';
SET ROLE regress_pgm_reader;
SELECT line FROM pgmigrate.report(3) AS r (line) WHERE line ~ '^(State|SQLSTATE|Detail|Context|    )';
SELECT count(*) FROM pgmigrate.report(3, 'html') AS r (line) WHERE line ~ 'secret|\(3\)';
SELECT count(*) > 10 AS reads FROM pgmigrate.report();
RESET ROLE;

-- texts of others neither leave their place nor do anything there
SELECT pgmigrate.remove('r2');
SELECT pgmigrate.revision(E'</title><script>alert(1)</script> "q" ''a'' & ``` @all #1 http://x.example [l](u) \u202e \x1b[2J\n- two', 'CREATE TABLE "<b>|`x`*_" (a int); COMMENT ON TABLE "<b>|`x`*_" IS ''```` </pre>''', 'SELECT 1', id => 'r3', branch_labels => '{lab}');
SELECT line FROM pgmigrate.report() AS r (line) WHERE line ~ 'alert|<b>|pre>';
SELECT line FROM pgmigrate.report(format => 'markdown') AS r (line) WHERE line ~ 'alert|<b>|pre>|````';
SELECT line FROM pgmigrate.report(format => 'html') AS r (line) WHERE line ~ 'alert|lt;b|pre>';
-- no tag but ours, no address, nothing that is not ASCII
SELECT DISTINCT (regexp_matches(line, '</?([a-z0-9]+)', 'g'))[1] AS tag FROM pgmigrate.report(format => 'html') AS r (line) ORDER BY 1;
SELECT line FROM pgmigrate.report(format => 'html') AS r (line)
WHERE line ~ '[^ -~]' OR line ~ '(src|href|url|@import| on[a-z]+=)' AND line !~ '^<style>' OR line ~ '^<style>.*(url|@import)';
SELECT line FROM pgmigrate.graph('svg') AS g (line);
-- within 100 columns, whatever it is of
SELECT pgmigrate.amend('r3', upgrade => 'SELECT ' || repeat('''a long text'' || ', 60) || ' ''''; SELECT ''' || repeat('x', 300) || '''', message => repeat('word ', 60));
SELECT max(length(line)) FROM pgmigrate.report() AS r (line);

-- why there is no online way, and none for what is small
SET pgmigrate.online = on;
SET pgmigrate.online_threshold = 0;
CREATE TABLE rep_keyless (a int, b int);
CREATE RULE also AS ON INSERT TO rep_keyless DO ALSO SELECT 1;
SELECT pgmigrate.amend('r3', message => 'no way', upgrade => 'ALTER TABLE rep_keyless ALTER a TYPE bigint; CREATE RULE tell AS ON DELETE TO rep_keyless DO ALSO NOTIFY told');
SELECT line FROM pgmigrate.report() AS r (line) WHERE line ~ '^  (not )?online:|columns that are|^    (ALTER|CREATE)';
RESET pgmigrate.online_threshold;
SELECT line FROM pgmigrate.report() AS r (line) WHERE line ~ 'online';
SET pgmigrate.online = off;
DROP TABLE rep_keyless;

-- the graph with branches, merges, dependencies and what failed
SELECT pgmigrate.remove('r3');
SELECT pgmigrate.revision('left', 'SELECT 1', 'SELECT 1', id => 'left1', down_revision => '{r1}');
SELECT pgmigrate.revision('right', 'SELECT 1/0', 'SELECT 1', id => 'right1', down_revision => '{r1}', splice => true);
SELECT pgmigrate.revision('right on', 'SELECT 1', 'SELECT 1', id => 'right2', down_revision => '{right1}', depends_on => '{left1}');
SELECT pgmigrate.merge('{left1,right2}', id => 'both');
SELECT state FROM pgmigrate.upgrade('right1');
SELECT line FROM pgmigrate.graph('svg') AS g (line);
SELECT line FROM pgmigrate.report() WITH ORDINALITY AS r (line, n)
WHERE n > (SELECT n FROM pgmigrate.report() WITH ORDINALITY AS s (line, n) WHERE line = 'Graph') ORDER BY n;

-- what cannot be
SELECT * FROM pgmigrate.report(format => 'pdf');
SELECT * FROM pgmigrate.report('head', 'sideways');
SELECT * FROM pgmigrate.report(NULL::text);
SELECT * FROM pgmigrate.report('nowhere');
SELECT * FROM pgmigrate.report(NULL::bigint);
SELECT * FROM pgmigrate.report(99);
SELECT * FROM pgmigrate.report(1, NULL);
SELECT * FROM pgmigrate.graph('png');

-- in psql as it is, what is within 100 columns of a history with names of everybody
SET datestyle = ISO;
SET timezone = 'UTC';
TRUNCATE pgmigrate.revision, pgmigrate.applied, pgmigrate.head;
SELECT count(pgmigrate.revision(message, upgrade, 'SELECT 1')) FROM (VALUES
	('create the customers and their addresses', 'CREATE TABLE customer_delivery_address_of_former_customers (id bigint PRIMARY KEY, customer_id bigint)'),
	('orders', 'CREATE TABLE orders (id int PRIMARY KEY, state text)'),
	('orders have a state', 'ALTER TABLE orders ADD CHECK (state IN (''new'', ''paid'', ''sent'', ''returned'', ''cancelled''))'),
	('Antidisestablishmentarianism_is_one_word', 'SELECT 1'),
	('find the orders of a customer by an index that is built while people work', 'CREATE INDEX CONCURRENTLY customer_delivery_address_of_former_customers_customer_id_idx ON customer_delivery_address_of_former_customers (customer_id)'),
	('identifiers of orders are bigint', 'ALTER TABLE orders ALTER COLUMN id TYPE bigint'),
	(E'two lines:\nthe second', 'SELECT 1'),
	('drop the addresses', 'DROP TABLE customer_delivery_address_of_former_customers')) AS v (message, upgrade);
\o |awk '{ if (length($0) > widest) widest = length($0) } END { print "widest line: " widest ", within 100: " (widest <= 100 ? "yes" : "no") }'
SELECT * FROM pgmigrate.history();
\o
\o |awk 'length($0) > 100 { print }'
SELECT * FROM pgmigrate.report();
SELECT * FROM pgmigrate.heads();
SELECT * FROM pgmigrate.graph();
SELECT line FROM pgmigrate.progress;
SELECT item, state, detail FROM pgmigrate.checklist();
\o
-- the head is what is meant
SELECT count(*) FROM pgmigrate.plan();
SELECT state, count(*) FROM pgmigrate.upgrade() GROUP BY state;
SELECT replace(message, E'\n', ' / ') AS message, state, mark FROM pgmigrate.history();
\o |awk 'length($0) > 100 { print }'
SELECT * FROM pgmigrate.history();
SELECT * FROM pgmigrate.current();
SELECT * FROM pgmigrate.report((SELECT max(id) FROM pgmigrate.run));
SELECT * FROM pgmigrate.upgrade();
SELECT * FROM pgmigrate.drift();
SELECT * FROM pgmigrate.verify();
\o

-- what is kept takes no time to speak of
SET pgmigrate.online = on;
SET pgmigrate.online_threshold = 0;
SELECT pgmigrate.revision('drop', 'DROP TABLE rep_user', NULL, id => 'r9');
SELECT line FROM pgmigrate.report() AS r (line) WHERE line ~ ' in all';
RESET pgmigrate.online_threshold;
RESET pgmigrate.online;

-- nothing was written
BEGIN READ ONLY;
SELECT count(*) > 10 AS reads FROM pgmigrate.report();
SELECT count(*) > 10 AS reads FROM pgmigrate.report(1);
COMMIT;
DROP OWNED BY regress_pgm_reader;
DROP ROLE regress_pgm_reader;
DROP FUNCTION rep_run;
DROP TABLE rep_user, orders;
DROP EXTENSION pgmigrate;
CREATE EXTENSION pgmigrate;

#!/bin/bash
# lint-rules.sh
#	  The page doc/lint-rules.md, made from pgmigrate.lint_rules().
#
#	lint-rules.sh			write it
#	lint-rules.sh --check	fail if it is not what would be written
#
# Asks the server of PGHOST, PGPORT and PGDATABASE, which must have pgmigrate.

set -eu
cd "$(dirname "$0")/.."
PAGE=doc/lint-rules.md

page()
{
	cat <<'MD'
# The rules of lint() and assess()

Made from `pgmigrate.lint_rules()` by tools/lint-rules.sh; do not edit.

A finding is allowed by a comment with a reason, which stands before the
statement, in it, or behind it on its last line:

```sql
-- pgmigrate: allow create-index because the table has ten rows
CREATE INDEX ON app.small (id);
```

The levels here are those of the rules. `assess` lowers one about blocking to
info where the estimate is below `pgmigrate.danger_block`, and makes it a danger
from there on.

Where `pgmigrate.environment` is `production`, `upgrade` and `downgrade` refuse
revisions with findings of level danger that are not allowed, and statements
that could not be assessed. The reason is in the finding's `details`, and `script` shows it.
MD
	psql -X -A -t -v ON_ERROR_STOP=1 <<'SQL'
SELECT format(E'\n## %s\n\n%s, %s%s.\n\nWhy: %s.%s', rule, level, title,
	CASE WHEN since IS NOT NULL THEN format(', since PostgreSQL %s', since) ELSE '' END
	|| CASE WHEN until IS NOT NULL THEN format(', until PostgreSQL %s', until) ELSE '' END,
	why, CASE WHEN safe <> '' THEN format(E'\n\nInstead: %s.', safe) ELSE '' END)
FROM pgmigrate.lint_rules();
SQL
}

if [ "${1:-}" != --check ]; then
	page >"$PAGE.new"
	mv "$PAGE.new" "$PAGE"
	exit 0
fi
page | diff -u "$PAGE" - || {
	echo "$PAGE is not current: run tools/lint-rules.sh" >&2
	exit 1
}

#!/usr/bin/env python3
"""Linters beside lint(), on the statements of test/sql/lint_reports.sql.

That test runs each statement and takes it back, to see by pg_locks, files and
scans what it does to tables of others; the rest is what public reports say.
Here the other tools judge the same statements, each in a file of its own.

	createdb peers                  # superuser, the extension installed
	pip install squawk-cli==2.70.0
	cargo install eugene@0.8.3
	PGDATABASE=peers SQUAWK=squawk EUGENE=eugene bench/locks/peers.py

A tool whose variable is not set is left out.  Rules about style, and those
that ask for settings of the session, are not counted.
"""
import json
import os
import subprocess
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
TEST = os.path.join(HERE, "..", "..", "test", "sql", "lint_reports.sql")
CHECKS = "SELECT count(*) >= 150"

STYLE = {
    "ban-char-field", "identifier-too-long", "prefer-bigint-over-int",
    "prefer-bigint-over-smallint", "prefer-identity", "prefer-repack",
    "prefer-robust-stmts", "prefer-text-field", "prefer-timestamp-tz",
    "require-enum-value-ordering", "require-lock-timeout",
    "require-statement-timeout", "require-table-schema",
    "require-timeout-settings", "transaction-nesting",
}
# of eugene: a statement without lock_timeout
STYLE |= {"E9"}


def told():
    """The statements, what they do, and what lint() says."""
    with open(TEST, encoding="utf-8") as test:
        script = test.read().split(CHECKS)[0]
    script = "CREATE EXTENSION IF NOT EXISTS pgmigrate;\n" + script
    script += "\n\\o\nSELECT json_agg(told ORDER BY n) FROM told;\n"
    script += "DROP SCHEMA reports CASCADE;\n"
    script = script.replace("SET client_min_messages = error;",
                            "SET client_min_messages = error;\n"
                            "\\o /dev/null", 1)
    result = subprocess.run(["psql", "-X", "-q", "-A", "-t"], input=script,
                            stdout=subprocess.PIPE, text=True, check=True)
    return json.loads(result.stdout)


def squawk(program, name, sql):
    """The rules of squawk that strike."""
    where = "--no-assume-in-transaction" if "concurrently" in sql.lower() \
        else "--assume-in-transaction"
    result = subprocess.run([program, "--reporter", "json", where, name],
                            stdout=subprocess.PIPE, text=True, check=False)
    return {finding["rule_name"] for finding in json.loads(result.stdout)}


def eugene(program, name, _):
    """The rules of eugene lint that strike."""
    result = subprocess.run([program, "lint", "--format", "json", name],
                            stdout=subprocess.PIPE, text=True, check=False)
    return {hint["id"] for statement in json.loads(result.stdout)["statements"]
            for hint in statement["triggered_rules"]}


def kind(row):
    """What the statement is."""
    if row["real"] == "blocks":
        return "blocks while it works"
    if row["real"] == "fails":
        return "fails"
    if row["harm"] in ("breaks", "data"):
        return "breaks or loses something"
    return "a matter of style" if row["harm"] == "style" else "harmless"


def main():
    """Count, and print a table."""
    tools = {"lint()": None, "lint(), danger": None}
    for name, call in (("squawk", squawk), ("eugene", eugene)):
        program = os.environ.get(name.upper())
        if program:
            tools[name] = lambda file, sql, call=call, program=program: \
                call(program, file, sql)
    kinds = {}
    silent = []
    for row in told():
        row_kind = kind(row)
        counts = kinds.setdefault(row_kind, dict.fromkeys(tools, 0))
        counts["all"] = counts.get("all", 0) + 1
        counts["lint()"] += row["worst"] in ("danger", "warning")
        counts["lint(), danger"] += row["worst"] == "danger"
        with tempfile.NamedTemporaryFile("w", suffix=".sql") as file:
            file.write(row["sql"] + ";\n")
            file.flush()
            for name, call in tools.items():
                if call is None:
                    continue
                found = call(file.name, row["sql"]) - STYLE
                counts[name] += bool(found)
                if bool(found) == (row_kind == "harmless"):
                    silent.append((name, row_kind, row["sql"], found))
    print("| the statement | number | " + " | ".join(tools) + " |")
    print("|---" * (len(tools) + 2) + "|")
    for row_kind, counts in kinds.items():
        print(f"| {row_kind} | {counts['all']} | " +
              " | ".join(str(counts[name]) for name in tools) + " |")
    for entry in silent:
        if entry[1] in ("blocks while it works", "harmless"):
            print(*entry[:3], *sorted(entry[3]), sep="\t")


if __name__ == "__main__":
    main()

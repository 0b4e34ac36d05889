# Medians and ratios of what run.sh has measured, as Markdown.
import statistics
import sys

facts = dict(line.rstrip("\n").split(" ", 1) for line in open(sys.argv[1]))
samples = {}
for line in open(sys.argv[2]):
    work, arm, microseconds = line.split(",")
    samples.setdefault((work, arm), []).append(int(microseconds) / 1e6)

NAMES = {
    "pgmigrate_each": "pgmigrate, a transaction per revision",
    "pgmigrate_one": "pgmigrate, one transaction",
    "alembic_each": "Alembic, a transaction per revision",
    "alembic_one": "Alembic, one transaction",
    "psql_each": "psql, autocommit",
    "psql_one": "psql -1",
}


def median(work, arm):
    return statistics.median(samples[work, arm])


def seconds(work, arm):
    """Median and range."""
    s = samples[work, arm]
    return "%.3f (%.3f-%.3f)" % (statistics.median(s), min(s), max(s))


def times(work, slow, fast):
    """How many times as long, by the pairs of one repetition each."""
    pairs = [a / b for a, b in zip(samples[work, slow], samples[work, fast])]
    return "%.1f (%.1f-%.1f)" % (
        statistics.median(pairs), min(pairs), max(pairs))


def table(*rows):
    for i, row in enumerate(rows):
        print("| " + " | ".join(row) + " |")
        if i == 0:
            print("|" + " --- |" * len(row))
    print()


print("# Results of bench/apply\n")
print("Written by `bench/apply/run.sh` on %s.\n" % facts["date"])
print("Machine: %s x %s, %s.  PostgreSQL %s, Alembic %s." % (
    facts["cpus"], facts["cpu"], facts["memory"], facts["postgresql"],
    facts["alembic"]))
print("n = %s, interleaved; seconds are medians with (least-most); a ratio is"
      % facts["repeat"])
print("the median of the ratios within one repetition.  Load average at the end:")
print("%s.\n" % facts["load"])

print("## %s revisions, `CREATE TABLE t_n (id int)` each\n"
      % facts["revisions"])
table(["", "up, s", "down, s"],
      *[[name, seconds("up", arm), seconds("down", arm)]
        for arm, name in NAMES.items()])

table(["baseline / pgmigrate", "up", "down"],
      *[["%s / %s" % (NAMES[slow], NAMES[fast]),
         times("up", slow, fast), times("down", slow, fast)]
        for slow, fast in [
            ("alembic_each", "pgmigrate_each"),
            ("alembic_one", "pgmigrate_one"),
            ("psql_one", "pgmigrate_one"),
            ("psql_one", "pgmigrate_each"),
            ("psql_each", "pgmigrate_each")]])

print("## The rest\n")
table(["work", "median", "goal"],
      ["no-op `upgrade('head')` in an open session, mean of %s calls"
       % facts["noops"],
       "%.2f ms" % (1000 * median("noop", "pgmigrate")), "under 3 ms"],
      ["no-op `alembic upgrade head`, the process",
       "%.0f ms" % (1000 * median("noop", "alembic")), ""],
      ["`plan('head')` over %s revisions" % facts["planned"],
       seconds("plan", "pgmigrate") + " s", "under 1 s"],
      ["storing %s revisions in one statement" % facts["stored"],
       seconds("store", "pgmigrate") + " s", "under 3 s"])

"""Time of other tools for the same comparison, in ms, by themselves.

usage: other_tools.py alembic|migra PRESENT_URL DESIRED_URL
"""
import sys
import time


def alembic(present, desired):
    from alembic.autogenerate import compare_metadata
    from alembic.migration import MigrationContext
    from sqlalchemy import MetaData, create_engine

    models = MetaData(schema="app")
    models.reflect(create_engine(desired))
    with create_engine(present).connect() as connection:
        begin = time.perf_counter()
        context = MigrationContext.configure(
            connection,
            opts={
                "compare_type": True,
                "compare_server_default": True,
                "include_schemas": True,
            },
        )
        found = compare_metadata(context, models)
        return begin, len(found)


def migra(present, desired):
    from migra import Migration
    from sqlbag import S

    with S(present) as a, S(desired) as b:
        begin = time.perf_counter()
        migration = Migration(a, b)
        migration.set_safety(False)
        migration.add_all_changes()
        return begin, len(migration.statements)


begin, found = {"alembic": alembic, "migra": migra}[sys.argv[1]](*sys.argv[2:])
print(round((time.perf_counter() - begin) * 1000), found)

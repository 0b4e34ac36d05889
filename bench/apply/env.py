# The env.py that "alembic init" writes, without what a model needs, logging
# included as it is there.
import logging
import os

from alembic import context
from sqlalchemy import create_engine, pool

logging.basicConfig(format="%(levelname)-5.5s [%(name)s] %(message)s")
logging.getLogger("alembic").setLevel(logging.INFO)

engine = create_engine(
    "postgresql+psycopg2:///" + os.environ["DATABASE"], poolclass=pool.NullPool
)
with engine.connect() as connection:
    context.configure(
        connection=connection,
        transaction_per_migration=os.environ["PER_MIGRATION"] == "on",
    )
    with context.begin_transaction():
        context.run_migrations()

"""Alembic's entry point: runs the migrations on the connection that store.engine hands over."""

from alembic import context

from nuan_gateway.store.schema import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    transactional_ddl=True,
)
context.run_migrations()

"""Run by Alembic: migrate on the connection that `catalog.migrations.runner` hands over, in its transaction."""

from alembic import context

context.configure(connection=context.config.attributes["connection"], transactional_ddl=True)
context.run_migrations()

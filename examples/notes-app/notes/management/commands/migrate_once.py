"""`manage.py migrate_once`: migrates the database, one process at a time."""

import contextlib
import time

from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError
from django.db import DEFAULT_DB_ALIAS, OperationalError, connections

# Any number will do, as long as no other program locks the same one in this database: "notes" in ASCII.
LOCK = 0x6E6F746573


class Command(BaseCommand):
    """Runs `migrate` under a lock of the database.

    Replicas start together; without a lock two of them would create the same table. SQLite needs none: it serves one
    process, and Django's migrations there are transactions that lock the file.
    """

    help = "Migrates the database, one process at a time; waits a while for a database that is still starting."

    def add_arguments(self, parser):
        parser.add_argument("--wait", type=float, default=20.0, help="seconds to wait for the database (default 20)")

    def handle(self, *args, wait: float, **options):
        connection = connections[DEFAULT_DB_ALIAS]
        self.connect(connection, wait)
        with advisory_lock(connection):
            call_command("migrate", interactive=False, verbosity=options["verbosity"])

    def connect(self, connection, wait: float) -> None:
        """Connects, trying again until `wait` seconds are over."""
        end, pause = time.monotonic() + wait, 0.25
        while True:
            try:
                return connection.ensure_connection()
            except OperationalError as error:
                reason = " ".join(str(error).split())
                if time.monotonic() + pause > end:
                    raise CommandError(f"the database does not answer: {reason}") from error
                self.stderr.write(f"waiting for the database: {reason}")
            time.sleep(pause)
            pause = min(pause * 2, 4.0)


@contextlib.contextmanager
def advisory_lock(connection):
    """Holds a lock that ends with the connection at the latest, so that a killed process leaves none."""
    if connection.vendor != "postgresql":
        yield
        return
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_lock(%s)", [LOCK])
    try:
        yield
    finally:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_unlock(%s)", [LOCK])

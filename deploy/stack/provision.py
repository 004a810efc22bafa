"""Brings an existing Kafka and PostgreSQL into line: topics beside roles, schemas and tables.

The one-machine stack does this at every start; with servers of one's own (containers, a cluster) `paidan provision`
does it once per release, before the services start. Doing it again changes nothing.
"""

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from deploy.stack import migrations, roles, topics
from deploy.stack.home import Home
from deploy.stack.keys import password_of

__all__ = ["provision"]


def provision(
    home: Home,
    say: Callable[[str], None],
    *,
    bootstrap: str | None = None,
    admin_url: str | None = None,
    maintenance_url: str | None = None,
    url_of: Callable[[str], str],
) -> None:
    """Provision Kafka at `bootstrap` and PostgreSQL at `admin_url`, side by side; None leaves one out.

    `maintenance_url`: where the database itself must be made first; `url_of`: the address for a role.
    Raises Trouble when a server refuses, or a migration fails.
    """

    def kafka() -> None:
        began = time.monotonic()
        changes = topics.ensure_topics(bootstrap or "")
        what = f"{len(changes)} changed" if changes else "as they should be"
        say(f"{'topics':<18} {what} ({time.monotonic() - began:.1f} s)")

    def postgres() -> None:
        began = time.monotonic()
        if maintenance_url is not None:
            roles.ensure_database(maintenance_url)
        roles.ensure_roles(admin_url or "", {role: password_of(home, role) for role in roles.ROLES})
        changed = migrations.migrate({role: url_of(role) for role in roles.ROLES})
        what = f"migrated: {', '.join(changed)}" if changed else "tables are the newest"
        say(f"{'database':<18} {what} ({time.monotonic() - began:.1f} s)")

    with ThreadPoolExecutor(2) as pool:
        jobs = [pool.submit(job) for job, wanted in ((kafka, bootstrap), (postgres, admin_url)) if wanted]
        for job in jobs:
            job.result()

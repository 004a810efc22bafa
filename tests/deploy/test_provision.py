"""Roles see only their own schema, topics follow the table, migrations run as their service and never half."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import jwt
import psycopg
import pytest
from kafka.admin import ConfigResource, ConfigResourceType, KafkaAdminClient

from deploy.stack import roles
from deploy.stack.keys import AUDIENCE, ISSUER, issue_token, jwks_file
from deploy.stack.lifecycle import Stack
from deploy.stack.migrations import heads_of, migrate
from deploy.stack.topics import ensure_topics
from deploy.stack.trouble import Trouble
from schemas.topics import TOPICS, Topic
from tests.deploy.conftest import some_base

pytestmark = pytest.mark.stack


def run(url: str, statement: str) -> list[tuple[object, ...]]:
    with psycopg.connect(url, autocommit=True) as connection:
        cursor = connection.execute(statement)
        return cursor.fetchall() if cursor.description else []


def test_a_role_reads_its_own_schema_only(own_stack: Stack) -> None:
    own = own_stack.database_url("paidan_dispatch")
    run(own, "create table secret (n int)")
    assert run(own, "select count(*) from dispatch.secret") == [(0,)]
    for other in ("paidan_intake", "paidan_router", "paidan_supervision"):
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            run(own_stack.database_url(other), "select * from dispatch.secret")
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            run(own_stack.database_url(other), "create table dispatch.mine (n int)")
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        run(own, "create table public.mine (n int)")


def test_audit_reads_everything_also_later_tables_and_changes_nothing(own_stack: Stack) -> None:
    audit = own_stack.database_url(roles.AUDIT)
    for service in ("intake", "router", "dispatch", "supervision"):
        run(own_stack.database_url(f"paidan_{service}"), "create table later (n int)")
        assert run(audit, f"select count(*) from {service}.later") == [(0,)]
        for forbidden in (f"insert into {service}.later values (1)", f"delete from {service}.later"):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                run(audit, forbidden)


def test_a_wrong_password_is_refused(own_stack: Stack) -> None:
    right = own_stack.database_url("paidan_intake")
    password = right.split(":")[2].split("@")[0]
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        run(right.replace(password, "guessed"), "select 1")


def test_every_topic_of_the_table_is_there_as_the_table_says(own_stack: Stack) -> None:
    assert ensure_topics(own_stack.kafka_bootstrap) == []
    admin = KafkaAdminClient(bootstrap_servers=own_stack.kafka_bootstrap)
    described = {entry["name"]: entry for entry in admin.describe_topics([topic.name for topic in TOPICS])}
    admin.close()
    assert {name: len(entry["partitions"]) for name, entry in described.items()} == {
        topic.name: topic.partitions for topic in TOPICS
    }


def test_a_topic_that_differs_is_mended_and_never_shrunk(own_stack: Stack) -> None:
    def wanted(partitions: int, retention_ms: int) -> Topic:
        return Topic("tests.mended", "key", (), (), (), "", partitions, retention_ms)

    assert len(ensure_topics(own_stack.kafka_bootstrap, [wanted(2, 60_000)])) == 1
    changes = ensure_topics(own_stack.kafka_bootstrap, [wanted(4, 90_000)])
    assert [change.what for change in changes] == ["raised from 2 to 4 partitions", "set retention.ms=90000"]
    assert ensure_topics(own_stack.kafka_bootstrap, [wanted(1, 90_000)]) == []
    admin = KafkaAdminClient(bootstrap_servers=own_stack.kafka_bootstrap)
    asked = ConfigResource(ConfigResourceType.TOPIC, "tests.mended", configs={"retention.ms": None})
    answer = next(iter(admin.describe_configs([asked], config_filter="all").values()))
    admin.close()
    assert answer["tests.mended"]["retention.ms"]["value"] == "90000"


_MIGRATION = """
from alembic import op
import sqlalchemy as sa
revision = "{revision}"
down_revision = {before!r}
def upgrade():
    op.create_table("{table}", sa.Column("n", sa.Integer, primary_key=True))
    {more}
"""


def write_migration(checkout: Path, revision: str, before: str | None, table: str, more: str = "") -> None:
    versions = checkout / "services" / "supervision" / "migrations" / "versions"
    versions.mkdir(parents=True, exist_ok=True)
    text = _MIGRATION.format(revision=revision, before=before, table=table, more=more)
    (versions / f"{revision}.py").write_text(text)


@pytest.fixture
def fresh_database(own_stack: Stack) -> dict[str, str]:
    """Addresses by role of a database without any migration."""
    run(own_stack.database_url("postgres"), "drop database if exists fresh with (force)")
    run(own_stack.database_url("postgres"), "create database fresh")
    urls = {role: own_stack.database_url(role).rpartition("/")[0] + "/fresh" for role in roles.ROLES}
    passwords = {role: url.split(":")[2].split("@")[0] for role, url in urls.items()}
    roles.ensure_roles(own_stack.database_url("postgres").rpartition("/")[0] + "/fresh", passwords)
    return urls


def test_migrations_run_as_the_service_in_its_own_schema(fresh_database: dict[str, str], tmp_path: Path) -> None:
    write_migration(tmp_path, "a1", None, "first")
    assert migrate(fresh_database, tmp_path) == ["supervision"]
    assert migrate(fresh_database, tmp_path) == []
    write_migration(tmp_path, "a2", "a1", "second")
    assert migrate(fresh_database, tmp_path) == ["supervision"]
    found = run(
        fresh_database["paidan_supervision"],
        "select schemaname, tablename, tableowner from pg_tables where schemaname !~ '^(pg_|information)' order by 2",
    )
    assert found == [("supervision", name, "paidan_supervision") for name in ("alembic_version", "first", "second")]


def test_a_failing_migration_leaves_nothing_behind(fresh_database: dict[str, str], tmp_path: Path) -> None:
    write_migration(tmp_path, "a1", None, "first", more='op.execute("select nonsense")')
    with pytest.raises(Trouble, match="migration of supervision failed"):
        migrate(fresh_database, tmp_path)
    assert run(fresh_database[roles.AUDIT], "select 1 from pg_tables where schemaname = 'supervision'") == []


def test_a_server_of_ones_own_is_prepared_without_a_superuser(
    own_stack: Stack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Roles are shared by a server's databases, so this one is a second server, with other passwords."""
    landlord = Stack(tmp_path / "landlord", some_base(), "shanghai")
    landlord.up(only={"postgres"})
    try:
        owner = landlord.database_url("postgres")
        run(owner, "create role landlord login createrole password 'x'")
        run(owner, "create database theirs owner landlord")
        address = f"postgresql://landlord:x@127.0.0.1:{landlord.ports.of('postgres')}/theirs"
        for role in roles.ROLES:
            run(owner, f"drop owned by {role}")
            run(owner, f"drop schema if exists {role.removeprefix('paidan_')} cascade")
            run(owner, f"drop role {role}")
        monkeypatch.setenv("DATABASE_URL", address)
        guest = Stack(tmp_path / "guest", some_base(), "shanghai", processes=())
        guest.home.prepare()
        for _ in range(2):  # the second time finds everything in place
            guest.up(only=set())
        assert guest.pid("postgres") is None
        run(guest.database_url("paidan_intake"), "create table mine (n int)")
        assert run(guest.database_url(roles.AUDIT), "select count(*) from intake.mine") == [(0,)]
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            run(guest.database_url("paidan_router"), "select * from intake.mine")
        run(owner, "alter role landlord nocreaterole")
        run(owner.rpartition("/")[0] + "/theirs", "alter schema intake owner to postgres")
        with pytest.raises(Trouble, match="may not prepare the database .*CREATEROLE"):
            guest.up(only=set())
    finally:
        monkeypatch.delenv("DATABASE_URL", raising=False)
        landlord.down()


def test_heads_are_the_revisions_that_no_other_replaces(tmp_path: Path) -> None:
    (tmp_path / "one.py").write_text('revision = "1"\ndown_revision = None\n')
    (tmp_path / "two.py").write_text('revision: str = "2"\ndown_revision: str | None = "1"\n')
    (tmp_path / "helper.py").write_text("n = 1\n")
    assert heads_of(tmp_path) == {"2"}


def test_an_issued_token_is_verified_by_the_public_keys(own_stack: Stack) -> None:
    now = datetime.now(UTC).replace(microsecond=0)
    token = issue_token("clerk", subject="li.wei", unit="u-1", ttl=timedelta(minutes=5), home=own_stack.home, now=now)
    keys = jwt.PyJWKSet.from_json(jwks_file(own_stack.home).read_text())
    key = keys[jwt.get_unverified_header(token)["kid"]]
    claims = jwt.decode(token, key, algorithms=["EdDSA"], audience=AUDIENCE, issuer=ISSUER)
    assert (claims["sub"], claims["role"], claims["unit"]) == ("li.wei", "clerk", "u-1")
    assert claims["exp"] - claims["iat"] == 300
    with pytest.raises(jwt.ExpiredSignatureError):
        old = issue_token("clerk", subject="x", home=own_stack.home, now=now - timedelta(days=2))
        jwt.decode(old, key, algorithms=["EdDSA"], audience=AUDIENCE)
    with pytest.raises(jwt.InvalidSignatureError):
        jwt.decode(token[:-8] + "AAAAAAAA", key, algorithms=["EdDSA"], audience=AUDIENCE)

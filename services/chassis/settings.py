"""What can be tuned from outside, read once at start from the environment (prefix `PAIDAN_`), checked whole."""

import sys
from pathlib import Path
from typing import TypeVar

from pydantic import Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict


class ServiceSettings(BaseSettings):
    """Settings every service has. Spans are in seconds, sizes in bytes unless a name says otherwise."""

    model_config = SettingsConfigDict(env_prefix="PAIDAN_", extra="ignore", frozen=True)

    home: Path = Path(".paidan")
    state_dir: Path = Path(".paidan/state")
    city_dir: Path = Path("deploy/cities/shanghai")
    kafka_bootstrap: str = "127.0.0.1:29092"
    database_url: str
    http_host: str = "127.0.0.1"
    http_port: int = 0
    metrics_port: int = 0
    jwks_file: Path = Path(".paidan/keys/jwks.json")
    city_secret_file: Path = Path(".paidan/keys/city_secret")
    platforms_file: Path = Path(".paidan/keys/platforms.toml")  # other platforms' addresses and secrets; may be absent
    intake_url: str = "http://127.0.0.1:8101"
    router_url: str = "http://127.0.0.1:8102"
    dispatch_url: str = "http://127.0.0.1:8103"
    supervision_url: str = "http://127.0.0.1:8104"
    dispatch_page: str = Field(default="/app/", pattern=r"^(https?://[^\s]+)?/([^/\s][^\s]*)?$")  # as browsers find it
    dispatch_token: SecretStr = SecretStr("")  # of the role `service`; only a rebuild asks dispatch for anything

    pool_size: int = Field(default=6, ge=1, le=100)
    transaction_timeout: float = Field(default=5.0, gt=0, le=60)
    batch_normal: int = Field(default=500, ge=1, le=5000)
    batch_urgent: int = Field(default=50, ge=1, le=5000)
    dead_after_tries: int = Field(default=3, ge=1)
    stop_after_dead: int = Field(default=20, ge=1)
    watchdog: float = Field(default=60.0, gt=0)
    body_limit: int = Field(default=2_000_000, ge=1000)
    upload_limit: int = Field(default=12_000_000, ge=1000)
    request_timeout: float = Field(default=30.0, gt=0)

    def city_secret(self) -> bytes:
        """The city's secret, from which the codes that callers are told are derived."""
        return self.city_secret_file.read_bytes().strip()


Settings = TypeVar("Settings", bound=ServiceSettings)


def read_settings(kind: type[Settings]) -> Settings:
    """The settings of a service; prints every fault and ends the process with 2 when one does not fit."""
    try:
        return kind()
    except ValidationError as error:
        for fault in error.errors():
            name = "PAIDAN_" + "_".join(str(part) for part in fault["loc"]).upper()
            print(f"{name}: {fault['msg']}", file=sys.stderr)
        raise SystemExit(2) from None

"""Settings of the bare processes: those of every service, and where the templates lie."""

from pathlib import Path

from services.chassis.settings import ServiceSettings


class BareSettings(ServiceSettings):
    """`bench_templates` is the file that `templates.save` wrote."""

    bench_templates: Path
    pool_size: int = 5

"""Labels: what people decided otherwise than the router, one row a decision, for ever."""

from collections.abc import Sequence

from msgspec.structs import astuple

from services.chassis.database import Connection
from services.router.rules.labels import Label

_COLUMNS = ", ".join(Label.__struct_fields__)


async def save_labels(connection: Connection, labels: Sequence[Label]) -> None:
    """Keep labels; one that is known already stays as it is."""
    columns = list(zip(*(astuple(label) for label in labels), strict=True))
    await connection.execute(
        f"INSERT INTO labels ({_COLUMNS}) SELECT * FROM unnest($1::uuid[], $2::int4[], $3::text[], $4::text[],"
        " $5::text[], $6::text[], $7::text[], $8::timestamptz[]) ON CONFLICT DO NOTHING",
        *(list(column) for column in columns),
    )

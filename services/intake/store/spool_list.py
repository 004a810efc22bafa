"""What waits in the spool files of a folder, read without disturbing the process that holds them.

`python -m services.intake.store.spool_list DIR` prints it, one JSON line a report (for the audit).
"""

import sys
from collections.abc import Iterator
from pathlib import Path

import msgspec

from schemas.codec import Unreadable, decode
from schemas.envelope import Outgoing, Record
from schemas.facts import ReportReceived
from services.intake.store.frames import intact

_unpack = msgspec.msgpack.Decoder(Outgoing).decode


def waiting_reports(folder: Path) -> Iterator[ReportReceived]:
    """Reports that were spooled and not yet drained, file by file in their order."""
    for path in sorted(folder.glob("*.spool")):
        done = path.with_suffix(".done")
        offset = int(done.read_text() or 0) if done.exists() else 0
        for payload, _, end in intact(path.read_bytes()):
            if end > offset and (report := _report(payload)) is not None:
                yield report


def _report(payload: bytes) -> ReportReceived | None:
    message = _unpack(payload)
    try:
        fact = decode(Record(message.topic, 0, 0, message.key, message.value, message.headers))
    except Unreadable:
        return None
    return fact if isinstance(fact, ReportReceived) else None


def main() -> None:
    """Print what waits in the folder named on the command line."""
    for report in waiting_reports(Path(sys.argv[1])):
        line = {"report_id": report.report_id, "source": report.source, "received_at": report.received_at}
        print(msgspec.json.encode(line).decode())


if __name__ == "__main__":
    main()

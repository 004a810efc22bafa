"""The file: what it said it has, it has, wherever the power was cut."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.intake.store.frames import MARK, frame, intact
from services.intake.store.spool_file import SpoolFile, Taken, open_spool

PAYLOADS = st.lists(st.binary(max_size=60) | st.sampled_from([MARK, MARK * 3, b"", frame(b"inner")]), max_size=12)


def contents(file: SpoolFile) -> list[bytes]:
    return [payload for payload, _ in file.read(10_000)]


def reopened(file: SpoolFile) -> SpoolFile:
    file.close()
    return SpoolFile(file.path)


@settings(max_examples=150, deadline=None)
@given(payloads=PAYLOADS, data=st.data())
def test_any_prefix_keeps_its_whole_records(
    tmp_path_factory: pytest.TempPathFactory, payloads: list[bytes], data: st.DataObject
) -> None:
    path = tmp_path_factory.mktemp("spool") / "normal.000.spool"
    whole = b"".join(map(frame, payloads))
    cut = data.draw(st.integers(0, len(whole)), label="cut")
    path.write_bytes(whole[:cut])
    survivors, end = [], 0
    for payload in payloads:
        if end + len(frame(payload)) > cut:
            break
        end += len(frame(payload))
        survivors.append(payload)
    file = SpoolFile(path)
    assert contents(file) == survivors
    assert (file.waiting, file.end, path.stat().st_size) == (len(survivors), end, end)
    file.append([b"after"])
    file = reopened(file)
    assert contents(file) == [*survivors, b"after"]
    file.close()


@settings(max_examples=200, deadline=None)
@given(payloads=st.lists(st.binary(min_size=1, max_size=40), min_size=1, max_size=8), data=st.data())
def test_a_damaged_byte_costs_one_record(payloads: list[bytes], data: st.DataObject) -> None:
    whole = bytearray(b"".join(map(frame, payloads)))
    spot = data.draw(st.integers(0, len(whole) - 1))
    whole[spot] ^= data.draw(st.integers(1, 255))
    end, hit = 0, 0
    for n, payload in enumerate(payloads):
        end += len(frame(payload))
        if spot < end:
            hit = n
            break
    expected = [payload for n, payload in enumerate(payloads) if n != hit]
    assert [payload for payload, _, _ in intact(bytes(whole))] == expected


def test_draining_goes_on_where_it_stopped(tmp_path: Path) -> None:
    file = SpoolFile(tmp_path / "normal.000.spool")
    file.append([b"%d" % n for n in range(10)])
    records = file.read(4)
    file.advance(records[-1][1], 4)
    file = reopened(file)
    assert contents(file) == [b"%d" % n for n in range(4, 10)]
    assert file.waiting == 6


@pytest.mark.parametrize("damage", [b"", b"\0" * 12, b"\xff" * 12, b"short"])
def test_an_unreadable_offset_means_repeats_never_a_loss(tmp_path: Path, damage: bytes) -> None:
    file = SpoolFile(tmp_path / "normal.000.spool")
    file.append([b"1", b"2"])
    file.advance(file.read(1)[-1][1], 1)
    (tmp_path / "normal.000.done").write_bytes(damage)
    file = reopened(file)
    assert contents(file) == [b"1", b"2"]


def test_a_cleared_file_starts_anew(tmp_path: Path) -> None:
    file = SpoolFile(tmp_path / "normal.000.spool")
    file.append([b"1" * 100, b"2"])
    file.advance(file.end, 2)
    file.clear()
    file.append([b"3"])
    file = reopened(file)
    assert contents(file) == [b"3"]


def test_a_crash_between_offset_and_truncation_repeats(tmp_path: Path) -> None:
    file = SpoolFile(tmp_path / "normal.000.spool")
    file.append([b"1", b"2"])
    file.advance(file.end, 2)
    (tmp_path / "normal.000.done").unlink()  # as far as `clear` had come
    file = reopened(file)
    assert contents(file) == [b"1", b"2"]


def test_a_failed_write_leaves_nothing_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = SpoolFile(tmp_path / "normal.000.spool")
    file.append([b"kept"])

    def no_sync(_: int) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "fdatasync", no_sync)
        with pytest.raises(OSError, match="No space"):
            file.append([b"lost", b"too"])
    assert contents(file) == [b"kept"]
    file.append([b"next"])
    file = reopened(file)
    assert contents(file) == [b"kept", b"next"]


def test_one_owner_at_a_time_and_what_the_dead_left_is_taken_over(tmp_path: Path) -> None:
    first = open_spool(tmp_path, "normal")
    second = open_spool(tmp_path, "normal")
    assert first.path != second.path
    with pytest.raises(Taken):
        SpoolFile(first.path)
    first.append([b"a1", b"a2", b"a3"])
    first.advance(first.read(1)[-1][1], 1)
    second.append([b"b1"])
    first.close()
    second.close()
    third = open_spool(tmp_path, "normal")
    assert contents(third) == [b"a2", b"a3", b"b1"]
    assert [path.name for path in tmp_path.glob("*.spool")] == [third.path.name]
    assert open_spool(tmp_path, "urgent").waiting == 0


WRITER = """
import sys
from pathlib import Path
from services.intake.store.spool_file import SpoolFile
file = SpoolFile(Path(sys.argv[1]))
n = 0
while True:
    file.append([b"%d" % n, b"%d" % (n + 1)])
    n += 2
    print(n, flush=True)
"""


def test_what_was_said_before_a_sigkill_is_there(tmp_path: Path) -> None:
    path = tmp_path / "normal.000.spool"
    writer = subprocess.Popen([sys.executable, "-c", WRITER, str(path)], stdout=subprocess.PIPE, text=True)
    assert writer.stdout is not None
    said = 0
    while said < 40:
        said = int(writer.stdout.readline())
    writer.send_signal(signal.SIGKILL)
    said = max([said, *(int(line) for line in writer.communicate()[0].split())])
    file = SpoolFile(path)
    found = contents(file)
    assert found == [b"%d" % n for n in range(len(found))]
    assert len(found) >= said

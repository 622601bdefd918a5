"""Whatever happens to the bytes on disk: what is whole is read, what is not is kept aside, nothing else is lost."""

import asyncio
import tempfile
from collections.abc import Sequence
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from parcours_collector.wal.log import WriteAheadLog
from parcours_collector.wal.record import MAGIC, START, RecordKind

# The magic inside a payload must not fool a reader that lost its place.
PAYLOADS = st.lists(
    st.one_of(st.binary(max_size=120), st.binary(max_size=20).map(lambda tail: MAGIC + tail)), min_size=1, max_size=12
)


async def write(folder: Path, payloads: Sequence[bytes], segment_bytes: int) -> None:
    wal = WriteAheadLog.open(folder, segment_bytes=segment_bytes)
    for payload in payloads:
        await wal.append([(RecordKind.TOUCHPOINTS, payload)])
    await wal.close()


async def read(folder: Path, then_append: bytes) -> tuple[list[bytes], int, int, int]:
    """Open the log, append once more, and read everything in small chunks."""
    wal = WriteAheadLog.open(folder)
    await wal.append([(RecordKind.TOUCHPOINTS, then_append)])
    found: list[bytes] = []
    position = START
    while wal.bytes_after(position):
        chunk = wal.read(position, max_bytes=150)
        assert chunk.end > position, "a read must go on"
        found += [record.payload for record in chunk.records]
        position = chunk.end
    again = [record.payload for record in wal.read(START, max_bytes=1 << 30).records]
    assert again == found
    records, size_bytes = wal.quarantined_records, wal.quarantined_bytes
    await wal.close()
    return found, records, size_bytes, len(list((folder / "quarantine").glob("*.torn")))


def files(folder: Path) -> list[Path]:
    return sorted(folder.glob("*.wal"))


def is_all_but(found: list[bytes], written: list[bytes], lost: int) -> bool:
    """Whether `found` is `written` without `lost` neighbouring records."""
    return any(found == written[:at] + written[at + lost :] for at in range(len(written) + 1))


@given(payloads=PAYLOADS, segment_bytes=st.integers(50, 1000))
@settings(deadline=None, max_examples=60)
def test_everything_appended_comes_back(payloads: list[bytes], segment_bytes: int) -> None:
    with tempfile.TemporaryDirectory() as name:
        asyncio.run(write(Path(name), payloads, segment_bytes))
        assert asyncio.run(read(Path(name), b"last")) == ([*payloads, b"last"], 0, 0, 0)


@given(payloads=PAYLOADS, segment_bytes=st.integers(50, 1000), share=st.floats(0, 1))
@settings(deadline=None, max_examples=120)
def test_a_truncated_last_segment_gives_a_prefix_and_takes_new_records(
    payloads: list[bytes], segment_bytes: int, share: float
) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        asyncio.run(write(folder, payloads, segment_bytes))
        last = files(folder)[-1]
        content = last.read_bytes()
        last.write_bytes(content[: int(len(content) * share)])
        found, records, _, _ = asyncio.run(read(folder, b"last"))
        assert found[-1] == b"last"
        assert found[:-1] == payloads[: len(found) - 1]
        assert records == 0, "a torn end is no damage"
        if share == 1:
            assert found[:-1] == payloads


@given(payloads=PAYLOADS, segment_bytes=st.integers(50, 1000), data=st.data())
@settings(deadline=None, max_examples=200)
def test_a_flipped_byte_anywhere_costs_one_record_at_most_and_is_quarantined(
    payloads: list[bytes], segment_bytes: int, data: st.DataObject
) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        asyncio.run(write(folder, payloads, segment_bytes))
        file = data.draw(st.sampled_from(files(folder)))
        content = bytearray(file.read_bytes())
        at = data.draw(st.integers(0, len(content) - 1))
        content[at] ^= data.draw(st.integers(1, 255))
        file.write_bytes(content)
        found, records, size_bytes, torn = asyncio.run(read(folder, b"last"))
        assert found[-1] == b"last"
        if found[:-1] == payloads:
            assert (records, size_bytes, torn) == (0, 0, 0)
            return
        assert is_all_but(found[:-1], payloads, 1)
        assert (records, torn) in {(1, 0), (0, 1)}
        assert bool(size_bytes) == bool(records)


def test_a_record_at_the_end_that_is_there_whole_but_for_wrong_bytes_is_an_alarm_not_a_torn_write(
    tmp_path: Path,
) -> None:
    asyncio.run(write(tmp_path, [b'{"n":1}\n', b'{"n":2}\n', b'{"text":"acknowledged"}\n'], 1000))
    last = files(tmp_path)[-1]
    content = bytearray(last.read_bytes())
    content[-5] ^= 1
    content[-9] ^= 1
    last.write_bytes(content)
    found, records, size_bytes, torn = asyncio.run(read(tmp_path, b"last"))
    assert found == [b'{"n":1}\n', b'{"n":2}\n', b"last"]
    assert (records, size_bytes > 0, torn) == (1, True, 0)
    # Blocks that a crash kept from the disk read as zeros: nobody was told that these are kept.
    content[-12:] = bytes(12)
    other = tmp_path / "other"
    other.mkdir()
    (other / last.name).write_bytes(content)
    assert asyncio.run(read(other, b"last"))[1:] == (0, 0, 1)


LINES = st.lists(
    st.lists(st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=40), min_size=1, max_size=4).map(
        lambda lines: b"".join(line.encode() + b"\n" for line in lines)
    ),
    min_size=1,
    max_size=10,
)


@given(payloads=LINES, segment_bytes=st.integers(50, 1000), data=st.data())
@settings(deadline=None, max_examples=200)
def test_one_wrong_byte_in_a_record_of_lines_is_put_right_wherever_it_is(
    payloads: list[bytes], segment_bytes: int, data: st.DataObject
) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        asyncio.run(write(folder, payloads, segment_bytes))
        file = data.draw(st.sampled_from(files(folder)))
        content = bytearray(file.read_bytes())
        content[data.draw(st.integers(0, len(content) - 1))] ^= data.draw(st.integers(1, 255))
        file.write_bytes(content)
        assert asyncio.run(read(folder, b"last")) == ([*payloads, b"last"], 0, 0, 0)


def test_every_byte_of_a_small_log_may_be_wrong_and_costs_nothing(tmp_path: Path) -> None:
    payloads = [b'{"id":"1"}\n', b'{"id":"2"}\n{"id":"3"}\n', b'{"id":"4"}\n']
    asyncio.run(write(tmp_path / "log", payloads, 1 << 20))
    (file,) = files(tmp_path / "log")
    whole = file.read_bytes()
    for at in range(len(whole)):
        folder = tmp_path / str(at)
        folder.mkdir()
        (folder / file.name).write_bytes(whole[:at] + bytes([whole[at] ^ 0x55]) + whole[at + 1 :])
        found, records, _, torn = asyncio.run(read(folder, b"last"))
        assert (found, records, torn) == ([*payloads, b"last"], 0, 0), at


@given(payloads=LINES, data=st.data())
@settings(deadline=None, max_examples=200)
def test_nothing_is_made_up_of_several_wrong_bytes(payloads: list[bytes], data: st.DataObject) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        asyncio.run(write(folder, payloads, 1 << 20))
        (file,) = files(folder)
        content = bytearray(file.read_bytes())
        for at in data.draw(st.lists(st.integers(0, len(content) - 1), min_size=2, max_size=30, unique=True)):
            content[at] ^= data.draw(st.integers(1, 255))
        file.write_bytes(content)
        found, _, _, _ = asyncio.run(read(folder, b"last"))
        rest = iter([*payloads, b"last"])
        assert all(any(one == expected for expected in rest) for one in found), (
            "a record that nobody wrote, or no order"
        )


@given(
    payloads=PAYLOADS,
    garbage=st.binary(min_size=1, max_size=200),
    at_share=st.floats(0, 1),
)
@settings(deadline=None, max_examples=80)
def test_bytes_thrown_into_a_segment_hide_nothing_behind_them(
    payloads: list[bytes], garbage: bytes, at_share: float
) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        asyncio.run(write(folder, payloads, 1 << 20))
        file = files(folder)[0]
        content = file.read_bytes()
        at = int(len(content) * at_share)
        file.write_bytes(content[:at] + garbage + content[at:])
        found, _, _, _ = asyncio.run(read(folder, b"last"))
        assert found[-1] == b"last"
        assert is_all_but(found[:-1], payloads, 0) or is_all_but(found[:-1], payloads, 1)


def test_damage_is_counted_once_and_again_at_the_next_start(tmp_path: Path) -> None:
    asyncio.run(write(tmp_path, [b"one", b"two", b"three"], 1 << 20))
    file = files(tmp_path)[0]
    content = bytearray(file.read_bytes())
    content[content.index(b"two")] ^= 1
    content[content.index(b"wo")] ^= 1
    file.write_bytes(content)
    for _ in range(2):
        found, records, size_bytes, _ = asyncio.run(read(tmp_path, b"last"))
        assert b"two" not in found
        assert (records, size_bytes) == (1, 36 + 3)
    (kept,) = (tmp_path / "quarantine").iterdir()
    assert kept.read_bytes().endswith(b"uvo")


def test_a_wiped_header_region_of_many_records_costs_only_those(tmp_path: Path) -> None:
    payloads = [b"%03d" % number for number in range(100)]
    asyncio.run(write(tmp_path, payloads, 1 << 20))
    file = files(tmp_path)[0]
    content = bytearray(file.read_bytes())
    content[39 * 10 : 39 * 20] = bytes(390)
    file.write_bytes(content)
    found, records, size_bytes, _ = asyncio.run(read(tmp_path, b"last"))
    assert found == [*payloads[:10], *payloads[20:], b"last"]
    assert (records, size_bytes) == (10, 390)

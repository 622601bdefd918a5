"""A batch's bytes and names: what ClickHouse tells one insert from another by."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from parcours_collector.delivery.batch import Part, make_batch
from parcours_collector.wal.record import Position, Record, RecordKind

LINES = st.lists(st.binary(max_size=8).map(lambda line: line.replace(b"\n", b"\r")), min_size=2, max_size=30)


def part(lines: list[bytes]) -> Part:
    return Part("touchpoints", b"".join(line + b"\n" for line in lines), len(lines), "1:0-1:99")


@given(lines=LINES)
def test_halves_hold_every_row_once_in_order_under_names_of_their_own(lines: list[bytes]) -> None:
    whole = part(lines)
    first, second = whole.halves()
    assert first.lines + second.lines == whole.lines
    assert first.rows + second.rows == whole.rows
    assert min(first.rows, second.rows) >= 1
    assert len({whole.token, first.token, second.token}) == 3, "equal rows in both halves are two inserts"


def test_a_name_changes_with_the_table_the_range_and_the_bytes_and_with_nothing_else() -> None:
    original = part([b"a", b"b"])
    assert original.token == part([b"a", b"b"]).token
    others = [
        replace(original, table="dead_letters"),
        replace(original, origin="1:0-1:98"),
        replace(original, lines=b"a\nc\n"),
    ]
    assert len({original.token, *(other.token for other in others)}) == 4


def test_records_of_one_kind_become_one_part_and_no_record_no_part() -> None:
    start, end = Position(1, 0), Position(1, 99)
    records = [
        Record(RecordKind.DEAD_LETTERS, b"l\n", end, 1, 1, 5_000_000),
        Record(RecordKind.TOUCHPOINTS, b"a\nb\n", end, 2, 2, 6_000_000),
        Record(RecordKind.TOUCHPOINTS, b"c\n", end, 1, 3, 7_000_000),
    ]
    batch = make_batch(start, end, records)
    assert [(p.table, p.lines, p.rows) for p in batch.parts] == [
        ("touchpoints", b"a\nb\nc\n", 3),
        ("dead_letters", b"l\n", 1),
    ]
    assert (batch.rows, batch.appended_at_us) == (4, 5_000_000)
    assert make_batch(start, end, []).parts == ()

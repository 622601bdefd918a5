"""What an ordinary ClickHouse user writes must work behind the guard."""

from tests.embedded_fixtures import Door, door, engine, read_statements

__all__ = ["door", "engine"]

STATEMENTS = read_statements("ordinary.sql")


def test_ordinary_statements_work_one_after_the_other(door: Door) -> None:
    failures = []
    for statement in STATEMENTS:
        answer = door.ask(statement)
        if answer.status != 200:
            failures.append((statement, answer.text))
    assert not failures, "\n".join(f"{statement}\n    {text}" for statement, text in failures)

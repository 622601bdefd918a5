"""Unmerging as data, and who was who: cuts part people and may be taken back, and two days can be compared."""

import os
import re
import subprocess
import sys
import uuid
from collections import defaultdict
from datetime import UTC, datetime, timedelta
from pathlib import Path

from clickhouse_connect.driver.client import Client
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from parcours_collector.atlas.identity import as_of, changes, why
from parcours_collector.warehouse.identity_cuts import Identifier, cut, cuts, take_back
from parcours_collector.warehouse.stitching import stitch
from tests.oracle import Touch
from tests.touchpoint_rows import IDENTIFIERS, lives, store, touch

random_lives = settings(
    max_examples=int(os.environ.get("CUT_EXAMPLES", "3")),
    deadline=None,
    phases=(Phase.reuse, Phase.generate),
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


def people(client: Client, project: str) -> set[frozenset[Identifier]]:
    rows = client.query(
        "SELECT dictGetOrDefault('parcours.person_of', 'person_id', identifier, identifier), kind, value "
        "FROM parcours.identity_persons FINAL WHERE project = {project:String}",
        parameters={"project": project},
    ).result_rows
    found: dict[int, set[Identifier]] = defaultdict(set)
    for person, kind, value in rows:
        found[person].add((kind, value))
    return {frozenset(held) for held in found.values()}


def components(touches: list[Touch], told: set[frozenset[Identifier]]) -> set[frozenset[Identifier]]:
    """Who is one person, without the pairs and the single identifiers that were cut."""
    found: list[set[Identifier]] = [{one} for one in {one for t in touches for one in t.identifiers}]
    for t in touches:
        for one in t.identifiers:
            for other in t.identifiers:
                if frozenset((one, other)) in told or frozenset((one,)) in told or frozenset((other,)) in told:
                    continue
                joined = [held for held in found if one in held or other in held]
                found = [held for held in found if held not in joined] + [set().union(*joined)]
    return {frozenset(held) for held in found}


@random_lives
@given(
    touches=lives(),
    late=lives(max_touches=5),
    told=st.lists(st.lists(st.sampled_from(IDENTIFIERS), min_size=1, max_size=2, unique=True), min_size=1, max_size=3),
)
def test_what_is_cut_joins_nobody_and_what_is_taken_back_joins_again(
    clickhouse: Client, touches: list[Touch], late: list[Touch], told: list[list[Identifier]]
) -> None:
    project = f"test-{uuid.uuid4().hex[:12]}"
    store(clickhouse, project, touches)
    stitch(clickhouse)
    for pair in told:
        cut(clickhouse, project, *pair, reason="not the same")
    held = {frozenset(pair) for pair in told}
    assert people(clickhouse, project) == components(touches, held)
    # New evidence of what was cut joins nobody either, nor does a rebuild.
    store(clickhouse, project, late)
    stitch(clickhouse)
    assert people(clickhouse, project) == components(touches + late, held)
    stitch(clickhouse, full=True)
    assert people(clickhouse, project) == components(touches + late, held)
    assert len(cuts(clickhouse, project)) == len(held)
    for pair in told:
        take_back(clickhouse, project, *pair[::-1])
    assert cuts(clickhouse, project) == []
    assert people(clickhouse, project) == components(touches + late, set())


def test_two_days_are_compared(clickhouse: Client, project: str) -> None:
    store(
        clickhouse,
        project,
        [
            *(touch("product_viewed", n, anonymous_id="phone") for n in range(3)),
            touch("product_viewed", 10, anonymous_id="tablet"),
            touch("product_viewed", 20, loyalty_card="card"),
            touch("product_viewed", 20, loyalty_card="other"),
        ],
    )
    stitch(clickhouse)
    monday = _now()
    store(clickhouse, project, [touch("identified", 30, anonymous_id="phone", user_id="ada", loyalty_card="card")])
    store(clickhouse, project, [touch("identified", 40, anonymous_id="tablet", user_id="ada")])
    stitch(clickhouse)
    tuesday = _now()
    cut(clickhouse, project, ("anonymous_id", "tablet"), reason="the family's")
    wednesday = _now()

    assert not changes(clickhouse, tuesday, tuesday, project=project)
    merged = changes(clickhouse, monday, tuesday, project=project)
    assert {row.change for row in merged} == {"merged"}
    assert len({row.person_after for row in merged}) == 1
    assert sum(row.identifiers for row in merged) == 4
    assert sum(row.touchpoints for row in merged) == 7
    split = changes(clickhouse, tuesday, wednesday, project=project)
    assert {row.change for row in split} == {"split"}
    assert sorted(row.identifiers for row in split) == [1, 3]
    assert [row.change for row in changes(clickhouse, monday, wednesday, project=project)].count("merged") == 3
    assert {row.person_after for row in merged} == {
        row.person_id for row in as_of(clickhouse, tuesday, project=project)
    }
    for at in (monday, tuesday, wednesday):
        by_hand = clickhouse.query(
            "SELECT project, identifier, person_id, run FROM identity_as_of(at = {at:DateTime64(6, 'UTC')}) "
            "WHERE project = {project:String} ORDER BY person_id, identifier",
            parameters={"at": at, "project": project},
        ).result_rows
        said = as_of(clickhouse, at, project=project)
        assert [(row.project, row.identifier, row.person_id, row.run) for row in said] == by_hand
        # Numbers of runs are microseconds: what was said later is not known then.
        assert all(row.run <= at.timestamp() * 1_000_000 for row in said)
    assert not as_of(clickhouse, monday - timedelta(days=365), project=project)
    assert len(as_of(clickhouse, wednesday, project=project, limit=2)) == 2


def test_the_commands_cut_mend_and_compare(
    clickhouse_url: str, clickhouse: Client, project: str, tmp_path: Path
) -> None:
    def identity(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "parcours_collector", "identity", *arguments, "--project", project],
            env={**os.environ, "PARCOURS_CLICKHOUSE_URL": clickhouse_url, "COLUMNS": "150"},
            cwd=tmp_path, capture_output=True, text=True, check=False, timeout=100,
        )  # fmt: skip

    pair = ("user_id=ada", "device_id=till")
    store(
        clickhouse,
        project,
        [touch("identified", n, user_id="ada", device_id="till", anonymous_id="x") for n in range(2)],
    )
    stitch(clickhouse)
    still = identity("cut", *pair, "--because", "a till")
    assert "0 identifiers are of another person now" in still.stdout
    assert "one person still" in still.stdout
    told = identity("cut", "device_id=till")
    # Which of the three gives the person its number, and stays, is a matter of hashes.
    assert re.match(r"cut: [12] identifiers are of another person now", told.stdout)
    assert why(clickhouse, ("user_id", "ada"), ("device_id", "till"), project=project) is None
    shown = identity("cuts").stdout
    assert "a till" in shown
    assert "everything" in shown
    assert identity("diff", "--from", "2026-01-01").stdout.count("merged") == 2
    ghost = identity("cut", "user_id=ada", "user_id=ghost")
    assert (ghost.returncode, "is known by user_id=ghost" in ghost.stderr, "--unseen" in ghost.stderr) == (
        2,
        True,
        True,
    )
    assert "user_id=ghost" not in identity("cuts").stdout
    assert identity("cut", "user_id=ghost", "--unseen").returncode == 0
    assert "user_id=ghost" in identity("cuts").stdout
    unknown = identity("mend", "user_id=bob")
    assert (unknown.returncode, "no such cut" in unknown.stderr) == (2, True)
    for back in (pair[::-1], ("device_id=till",)):
        assert identity("mend", *back).returncode == 0
    assert why(clickhouse, ("user_id", "ada"), ("device_id", "till"), project=project)


def _now() -> datetime:
    """An instant between two runs of stitching, which take longer than their numbers' microsecond."""
    return datetime.now(UTC)

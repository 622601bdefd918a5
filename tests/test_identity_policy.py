"""A project's policy: what may not join does not, whatever the order and the pieces in which evidence comes."""

import random
import re

import pytest
from clickhouse_connect.driver.client import Client
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from parcours_collector.warehouse.identity_policy import KindPolicy, read_policy, write_policy
from parcours_collector.warehouse.stitching import stitch
from tests.oracle import Person, Touch
from tests.test_stitching import fresh_project, people_of, real_engine
from tests.touchpoint_rows import lives, store, touch

_CLASSES = ("strong", "medium", "weak")


def people_by(touches: list[Touch], policies: list[KindPolicy], key: dict[tuple[str, str], int]) -> set[Person]:
    """The rule of docs/views.md in plain Python: sets joined one edge at a time. `key` breaks the last ties."""
    rules = {one.kind: one for one in policies}
    everything = rules.get("*", KindPolicy("*"))

    def is_blocked(identifier: tuple[str, str]) -> bool:
        kind, value = identifier
        tests = (*everything.blocked, *(rules[kind].blocked if kind in rules else ()))
        return any(value == one[1:] if one.startswith("=") else re.search(one, value) for one in tests)

    first_seen: dict[tuple[tuple[str, str], tuple[str, str]], object] = {}
    seen_with: dict[tuple[str, str], set[tuple[str, str]]] = {}
    for one in touches:
        for identifier in one.identifiers:
            seen_with.setdefault(identifier, set())
        named = sorted((i for i in one.identifiers if not is_blocked(i)), key=lambda i: key[i])
        for place, a in enumerate(named):
            for b in named[place + 1 :]:
                first_seen[a, b] = min(first_seen.get((a, b), one.occurred_at), one.occurred_at)  # type: ignore[call-overload]
                seen_with[a].add(b)
                seen_with[b].add(a)

    def is_shared(identifier: tuple[str, str]) -> bool:
        rule = rules.get(identifier[0])
        if rule is None or not rule.max_strong or rule.identifier_class == "strong":
            return False
        strong = [b for b in seen_with[identifier] if b[0] in rules and rules[b[0]].identifier_class == "strong"]
        return len(strong) > rule.max_strong

    def turn(edge: tuple[tuple[str, str], tuple[str, str]]) -> object:
        said = [rules.get(kind, KindPolicy(kind)) for kind, _ in edge]
        ends = sorted(((_CLASSES.index(one.identifier_class), one.priority) for one in said), reverse=True)
        return (ends, first_seen[edge], key[edge[0]], key[edge[1]])

    person = {identifier: {identifier} for identifier in seen_with}
    for a, b in sorted(first_seen, key=turn):  # type: ignore[arg-type]
        together = person[a] | person[b]
        fits = all(
            not rule.max_per_person or sum(rule.kind in (kind, "*") for kind, _ in together) <= rule.max_per_person
            for rule in rules.values()
        )
        if fits and not is_shared(a) and not is_shared(b):
            for identifier in together:
                person[identifier] = together
    return {frozenset(members) for members in person.values()}


def keys_of(client: Client, project: str) -> dict[tuple[str, str], int]:
    rows = client.query(
        "SELECT kind, value, identifier FROM identity_persons FINAL WHERE project = {project:String}",
        parameters={"project": project},
    ).result_rows
    return {(kind, value): identifier for kind, value, identifier in rows}


POLICIES = st.fixed_dictionaries(
    {
        "user_id": st.builds(KindPolicy, st.just("user_id"), st.just("strong"), max_per_person=st.integers(0, 2)),
        "loyalty_card": st.builds(
            KindPolicy, st.just("loyalty_card"), st.sampled_from(_CLASSES), st.integers(0, 2), st.integers(0, 2)
        ),
        "anonymous_id": st.builds(
            KindPolicy,
            st.just("anonymous_id"),
            st.sampled_from(("medium", "weak")),
            max_strong=st.integers(0, 2),
            blocked=st.sampled_from(((), ("=anonymous_id-0",), ("-[01]$",))),
        ),
        "*": st.builds(KindPolicy, st.just("*"), max_per_person=st.sampled_from((0, 3, 5))),
    }
).map(lambda chosen: list(chosen.values()))


@settings(real_engine, phases=[Phase.generate])
@given(touches=lives(max_touches=8), policies=POLICIES, cut=st.integers(0, 40), order=st.randoms(use_true_random=False))
def test_people_are_what_the_policy_says_of_the_evidence_in_any_order_and_pieces(
    clickhouse: Client, touches: list[Touch], policies: list[KindPolicy], cut: int, order: random.Random
) -> None:
    project = fresh_project()
    write_policy(clickhouse, project, policies)
    arriving = order.sample(touches, len(touches))
    for piece in (arriving[:cut], arriving[cut:]):
        if piece:
            store(clickhouse, project, piece)
            stitch(clickhouse)
    found = people_of(clickhouse, project)
    assert set(found.values()) == people_by(touches, policies, keys_of(clickhouse, project))
    stitch(clickhouse, full=True)
    assert people_of(clickhouse, project) == found


def test_a_kiosk_joins_nobody_once_it_is_known_as_one_and_the_joined_part_again(
    clickhouse: Client, project: str
) -> None:
    write_policy(
        clickhouse,
        project,
        [KindPolicy("user_id", "strong"), KindPolicy("device_id", "weak", max_strong=2)],
    )
    store(clickhouse, project, [touch("store_visited", n, device_id="till", user_id=f"u{n}") for n in range(2)])
    stitch(clickhouse)
    assert len(people_of(clickhouse, project)) == 1
    store(clickhouse, project, [touch("store_visited", 9, device_id="till", user_id="u9")])
    stitch(clickhouse)
    assert sorted(map(len, people_of(clickhouse, project).values())) == [1, 1, 1, 1]


def test_a_policy_that_changes_is_heard_at_the_next_stitching(clickhouse: Client, project: str) -> None:
    store(clickhouse, project, [touch("identified", n, anonymous_id="a", user_id=f"u{n}") for n in range(2)])
    stitch(clickhouse)
    assert len(people_of(clickhouse, project)) == 1
    limited = KindPolicy("user_id", "strong", max_per_person=1)
    write_policy(clickhouse, project, [limited])
    assert read_policy(clickhouse, project) == [limited]
    stitch(clickhouse)
    assert {frozenset({("anonymous_id", "a"), ("user_id", "u0")}), frozenset({("user_id", "u1")})} == set(
        people_of(clickhouse, project).values()
    ), "the older evidence stands"
    refused = "SELECT a_value, b_value, touchpoints FROM identity_refused WHERE project = {project:String}"
    ((a, b, count),) = clickhouse.query(refused, parameters={"project": project}).result_rows
    assert ({a, b}, count) == ({"a", "u1"}, 1)


@pytest.mark.parametrize("middle", ["anonymous", "weak-2", "weak-3"])
def test_two_strong_identifiers_stay_joined_when_the_third_beside_them_is_left_out(
    clickhouse: Client, project: str, middle: str
) -> None:
    write_policy(clickhouse, project, [KindPolicy("device_id", "weak", blocked=("=" + middle,))])
    store(clickhouse, project, [touch("identified", 0, device_id=middle, user_id="u", loyalty_card="c")])
    stitch(clickhouse)
    assert frozenset({("user_id", "u"), ("loyalty_card", "c")}) in set(people_of(clickhouse, project).values())

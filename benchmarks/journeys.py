"""Questions of journeys beside what one would write by hand, over the same table as the benchmark `funnel`.

Funnels by rules beside `windowFunnel` over raw ids, which has none: an exclusion and a window per step; the same with a
condition on a property at every touchpoint, also beside `windowFunnel` under that condition; a condition on a property
of the last step, under rules of each kind, beside `windowFunnel` under it; the preset `posthog`, by which touchpoints
of one instant go any way round, by itself and with an exclusion; a condition on the channel; any order, strict order,
an optional step, and every attempt counted. A funnel of one in sixteen people beside the whole
one, void unless the whole lies in its interval of five standard deviations; black holes and bright paths by themselves.
"""

from dataclasses import replace

from clickhouse_connect.driver.client import Client

from benchmarks.clickstream import PROJECT, STEPS, WINDOW_SECONDS, fill
from benchmarks.funnel import BY_RAW_ID, WORK, Took, Turns, figures, levels, wait_for_merges
from benchmarks.rig.engine import running_engine
from benchmarks.rig.figure import Figure, Goal, Outcome, Size, Void
from benchmarks.rig.rounds import alternate, say
from parcours_collector.atlas import questions
from parcours_collector.atlas.funnels import Exclusion, Rules, Step, Where, funnel_by_rules
from parcours_collector.atlas.network import Network, black_holes, bright_paths
from parcours_collector.atlas.sampling import funnel_sampled
from parcours_collector.warehouse.client import connect
from parcours_collector.warehouse.indexing import JourneyIndex
from parcours_collector.warehouse.stitching import stitch

_IS_TV = Where.is_("properties.product_id", "tv-55")
_RULES = Rules(
    window_seconds=WINDOW_SECONDS,
    where=[_IS_TV],
    exclusions=[Exclusion(names=["store_visited"])],
)
_UNCONDITIONAL = replace(_RULES, where=[])
_POSTHOG = Rules(preset="posthog", window_seconds=WINDOW_SECONDS)
_POSTHOG_EXCLUDED = replace(_POSTHOG, exclusions=[Exclusion(names=["store_visited"])])
_BY_CHANNEL = Rules(window_seconds=WINDOW_SECONDS, where=[Where.is_("channel", "web")])
_WINDOW = Rules(window_seconds=WINDOW_SECONDS)
_ANY_ORDER = Rules(step_order="any", window_seconds=WINDOW_SECONDS)
_STRICT = Rules(step_order="strict", window_seconds=WINDOW_SECONDS)
_ATTEMPTS = Rules(count_attempts=True, window_seconds=WINDOW_SECONDS)
_OPTIONAL_STEPS = [STEPS[0], Step(names=[STEPS[1]], optional=True), *STEPS[2:]]
_BY_RAW_ID_CONDITIONAL = BY_RAW_ID.replace("WHERE ", "WHERE JSONExtractString(properties, 'product_id') = 'tv-55' AND ")
_LAST_STEP = Step(names=[STEPS[-1]], where=[_IS_TV])
_BY_RAW_ID_LAST = BY_RAW_ID.replace(
    "name = {steps:Array(String)}[4]",
    "name = {steps:Array(String)}[4] AND JSONExtractString(properties, 'product_id') = 'tv-55'",
)
_OF_LAST_STEP = {
    "plain": ([*STEPS[:-1], _LAST_STEP], _WINDOW),
    "any order": ([*STEPS[:-1], _LAST_STEP], _ANY_ORDER),
    "strict order": ([*STEPS[:-1], _LAST_STEP], _STRICT),
    "optional step": ([*_OPTIONAL_STEPS[:-1], _LAST_STEP], _WINDOW),
    "attempts": ([*STEPS[:-1], _LAST_STEP], _ATTEMPTS),
}
_RULED_STEPS = [STEPS[0], *(Step(names=[name], within_seconds=3 * 86_400) for name in STEPS[1:])]
_Given = dict[str, list[Took]]


def run(size: Size) -> Outcome:
    """Fill a table, stitch it, and ask."""
    work = WORK[size]
    with running_engine() as engine, connect(engine.url) as client:
        say(f"journeys: inserting {work.touchpoints:,} touchpoints of {work.people:,} people")
        fill(client, touchpoints=work.touchpoints, people=work.people)
        stitch(client, full=True)
        JourneyIndex(client, linger_seconds=0).refresh()
        wait_for_merges(client)
        note = _sample_note(client)
        turns = Turns(engine)
        network = Network(project=PROJECT)
        asked = {
            "by rules": turns.of(lambda: funnel_by_rules(client, _RULED_STEPS, _RULES, project=PROJECT)),
            "unconditional": turns.of(lambda: funnel_by_rules(client, _RULED_STEPS, _UNCONDITIONAL, project=PROJECT)),
            "posthog": turns.of(lambda: funnel_by_rules(client, STEPS, _POSTHOG, project=PROJECT)),
            "posthog, excluded": turns.of(lambda: funnel_by_rules(client, STEPS, _POSTHOG_EXCLUDED, project=PROJECT)),
            "channel": turns.of(lambda: funnel_by_rules(client, STEPS, _BY_CHANNEL, project=PROJECT)),
            "any order": turns.of(lambda: funnel_by_rules(client, STEPS, _ANY_ORDER, project=PROJECT)),
            "strict order": turns.of(lambda: funnel_by_rules(client, STEPS, _STRICT, project=PROJECT)),
            "optional step": turns.of(lambda: funnel_by_rules(client, _OPTIONAL_STEPS, _WINDOW, project=PROJECT)),
            "attempts": turns.of(lambda: funnel_by_rules(client, STEPS, _ATTEMPTS, project=PROJECT)),
            **{
                f"last, {kind}": turns.of(
                    lambda steps=steps, rules=rules: funnel_by_rules(client, steps, rules, project=PROJECT)
                )
                for kind, (steps, rules) in _OF_LAST_STEP.items()
            },
            "raw ids, last": turns.of(lambda: levels(client, _BY_RAW_ID_LAST)),
            "raw ids": turns.of(lambda: levels(client, BY_RAW_ID)),
            "raw ids, conditional": turns.of(lambda: levels(client, _BY_RAW_ID_CONDITIONAL)),
            "exact": turns.of(lambda: questions.funnel(client, STEPS, WINDOW_SECONDS, project=PROJECT)),
            "sampled": turns.of(lambda: funnel_sampled(client, STEPS, WINDOW_SECONDS, project=PROJECT)),
            "black holes": turns.of(lambda: black_holes(client, network)),
            "bright paths": turns.of(lambda: bright_paths(client, network)),
            "nothing": turns.of(lambda: client.query("SELECT 1")),
        }
        took: _Given = alternate("journeys", work.rounds, asked, show=str)
    return Outcome(
        [
            *_beside(
                took,
                "funnel by rules, 4 steps",
                "unconditional",
                "windowFunnel over raw ids",
                "raw ids",
                Goal(most=1.5),
            ),
            *_beside(took, "funnel, preset posthog", "posthog", "windowFunnel over raw ids", "raw ids", Goal(most=1.5)),
            *_beside(
                took,
                "preset posthog and an exclusion",
                "posthog, excluded",
                "windowFunnel over raw ids",
                "raw ids",
                Goal(most=1.5),
            ),
            *_beside(took, "funnel on one channel", "channel", "windowFunnel over raw ids", "raw ids", Goal(most=1.5)),
            *(
                figure
                for kind in ("any order", "strict order", "optional step", "attempts")
                for figure in _beside(
                    took, f"funnel, {kind}", kind, "windowFunnel over raw ids", "raw ids", Goal(most=1.5)
                )
            ),
            *_beside(
                took,
                "funnel by rules and a property",
                "by rules",
                "windowFunnel over raw ids",
                "raw ids",
                Goal(most=1.5),
            ),
            *_beside(
                took,
                "funnel by rules and a property",
                "by rules",
                "windowFunnel under its condition",
                "raw ids, conditional",
                None,
            ),
            *(
                figure
                for kind in _OF_LAST_STEP
                for figure in _beside(
                    took,
                    f"funnel, a property of a step, {kind}",
                    f"last, {kind}",
                    "windowFunnel under its condition",
                    "raw ids, last",
                    Goal(most=1.5),
                )
            ),
            *_beside(took, "sampled funnel, 1 in 16", "sampled", "the whole funnel", "exact", Goal(most=0.15)),
            *_beside(took, "black holes", "black holes", "SELECT 1", "nothing", Goal(most=2, of_ours=True))[:1],
            *_beside(took, "bright paths", "bright paths", "SELECT 1", "nothing", Goal(most=2, of_ours=True))[:1],
        ],
        [note],
    )


def _beside(took: _Given, name: str, ours: str, against: str, theirs: str, goal: Goal | None) -> tuple[Figure, Figure]:
    return figures(name, against, {"ours": took[ours], theirs: took[theirs]}, theirs, goal)


def _sample_note(client: Client) -> str:
    exact = questions.funnel(client, STEPS, WINDOW_SECONDS, project=PROJECT)
    sampled = funnel_sampled(client, STEPS, WINDOW_SECONDS, z=5, project=PROJECT)
    for whole, step in zip(exact, sampled, strict=True):
        if not step.people_low <= whole.people <= step.people_high:
            raise Void(
                f"{whole.people} people did {whole.name}, the sample says {step.people_low} to {step.people_high}"
            )
    return (
        f"the funnel counts {tuple(step.people for step in exact)}, the sample {tuple(step.people for step in sampled)}"
    )

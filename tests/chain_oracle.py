"""The absorbing chain of journeys, solved exactly with fractions: what the views `nodes` and `black_holes` mean."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from fractions import Fraction
from itertools import pairwise
from math import sqrt

START, CONVERTED, LOST = "(start)", "(converted)", "(lost)"
Chain = Mapping[str, Mapping[str, Fraction]]


def moves(journeys: Iterable[tuple[Sequence[str], bool]]) -> Counter[tuple[str, str]]:
    """Every move of journeys, told as their nodes and whether they converted, with the first and the last."""
    found: Counter[tuple[str, str]] = Counter()
    for path, has_converted in journeys:
        whole = [START, *path, CONVERTED if has_converted else LOST]
        found.update(pairwise(whole))
    return found


def chain(moved: Counter[tuple[str, str]]) -> Chain:
    """From every node, the share of its moves that goes to each."""
    out: Counter[str] = Counter()
    for (origin, _), count in moved.items():
        out[origin] += count
    found: dict[str, dict[str, Fraction]] = {}
    for (origin, target), count in moved.items():
        found.setdefault(origin, {})[target] = Fraction(count, out[origin])
    return found


def conversion(of: Chain) -> dict[str, Fraction]:
    """From every node, the probability to convert: h = c + Q h, by elimination; 0 where no way leads to conversion."""
    names = _leading_to_conversion(of)
    lines = [
        [Fraction(origin == name) - of[origin].get(name, 0) for name in names]
        + [of[origin].get(CONVERTED, Fraction(0))]
        for origin in names
    ]
    for k in range(len(names)):
        pivot = next(i for i in range(k, len(names)) if lines[i][k])
        lines[k], lines[pivot] = lines[pivot], lines[k]
        lines[k] = [x / lines[k][k] for x in lines[k]]
        for i in range(len(names)):
            if i != k and lines[i][k]:
                lines[i] = [x - lines[i][k] * y for x, y in zip(lines[i], lines[k], strict=True)]
    return dict.fromkeys(of, Fraction(0)) | {name: line[-1] for name, line in zip(names, lines, strict=True)}


def _leading_to_conversion(of: Chain) -> list[str]:
    """The nodes from which conversion can be reached: of the others the equations may say nothing."""
    found, grew = {CONVERTED}, True
    while grew:
        more = {name for name, targets in of.items() if name not in found and not found.isdisjoint(targets)}
        found |= more
        grew = bool(more)
    return [name for name in of if name in found]


def without(of: Chain, node: str) -> Fraction:
    """The conversion of the whole when whoever comes to a node is lost."""
    return conversion({**of, node: {LOST: Fraction(1)}})[START]


def mended(of: Chain, node: str) -> Fraction:
    """The conversion of the whole when nobody is lost at a node and all go on as the others do."""
    stays = 1 - of[node].get(LOST, Fraction(0))
    if not stays:
        return conversion(of)[START]
    return conversion({**of, node: {to: share / stays for to, share in of[node].items() if to != LOST}})[START]


def wilson(successes: int, of: int, z: float = 1.96) -> tuple[float, float]:
    """The interval of a rate, as the roots of (p - rate)² = z² p (1 - p) / n."""
    rate = successes / of
    a, b, c = 1 + z * z / of, -(2 * rate + z * z / of), rate * rate
    root = sqrt(max(b * b - 4 * a * c, 0))
    return (-b - root) / (2 * a), (-b + root) / (2 * a)


def newcombe(before: tuple[int, int], after: tuple[int, int]) -> tuple[float, float]:
    """The interval of the difference of two rates, each told as successes of trials."""
    p, q = before[0] / before[1], after[0] / after[1]
    (p_low, p_high), (q_low, q_high) = wilson(*before), wilson(*after)
    return q - p - sqrt((q - q_low) ** 2 + (p_high - p) ** 2), q - p + sqrt((q_high - q) ** 2 + (p - p_low) ** 2)

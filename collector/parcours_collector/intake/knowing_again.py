"""The identifiers by which somebody who was forgotten is known again: under every key that the project ever had."""

from collections.abc import Mapping

from parcours_collector.intake.steps import Circumstances
from parcours_schemas.errors import InvalidIdentifier
from parcours_schemas.identifiers import HASHED_KINDS, hash_ids
from parcours_schemas.validation import Accepted


def ids_to_know_again(at_rest: Mapping[str, object], accepted: Accepted, around: Circumstances) -> Mapping[str, object]:
    """Return the identifiers by which somebody forgotten is known: those at rest, and what retired keys would make."""
    keys = around.identifier_keys
    if not keys.retired or HASHED_KINDS.keys().isdisjoint(accepted.ids):
        return at_rest
    return hash_ids(accepted.ids, keys.newest, around.phone_region, former_keys=keys.all[1:])


def ids_of_refused(event: object, around: Circumstances) -> dict[str, object]:
    """Return the identifiers of a refused event by every key there was; those that are none are left out."""
    given = event.get("ids") if isinstance(event, dict) else None
    ids: dict[str, object] = {}
    for kind, values in given.items() if isinstance(given, dict) else ():
        for value in values if isinstance(values, list) else [values]:
            if not isinstance(kind, str) or not isinstance(value, str):
                continue
            if kind not in HASHED_KINDS:
                ids.setdefault(kind, values)
                continue
            try:
                hashed = hash_ids(
                    {kind: value},
                    around.identifier_keys.newest,
                    around.phone_region,
                    former_keys=around.identifier_keys.all[1:],
                )
            except InvalidIdentifier:
                continue
            for kept_as, digests in hashed.items():
                held = ids.get(kept_as, [])
                ids[kept_as] = [*(held if isinstance(held, list) else [held]), *digests]
    return ids

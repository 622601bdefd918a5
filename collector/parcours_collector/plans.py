"""Read a team's tracking plan from its folder."""

from pathlib import Path

from parcours_collector.errors import InvalidSettings
from parcours_schemas.errors import InvalidPlan, MissingExtra
from parcours_schemas.plan import TrackingPlan


def read_plan(folder: Path | None) -> TrackingPlan | None:
    """Return the plan that a folder of `.json` files holds; None for no folder.

    Raises:
        InvalidSettings: The folder is not there, or a file in it cannot be used; the message names the file.
    """
    if folder is None:
        return None
    if not folder.is_dir():
        raise InvalidSettings(
            f"The plan {folder} is not a folder.", remedy="Give the folder of your JSON Schema files."
        )
    try:
        return TrackingPlan.from_documents({file.name: file.read_bytes() for file in sorted(folder.glob("*.json"))})
    except (InvalidPlan, MissingExtra) as error:
        raise InvalidSettings(f"The plan in {folder} cannot be used: {error}.", remedy="Mend the file.") from error

"""Tell the warehouse what each kind of touchpoint means: stage, need, valence, conversion.

The catalogue's kinds stand under the project '' and serve every project; a team's own plan stands under its project and
goes before them. Views read both through the dictionary `kind_of`.
"""

from collections.abc import Iterable

from clickhouse_connect.driver.client import Client

from parcours_collector.warehouse.dictionaries import reload_dictionary
from parcours_schemas.catalogue import CATALOGUE
from parcours_schemas.touchpoint import Declaration

EVERY_PROJECT = ""
_COLUMNS = ("project", "name", "channel", "stage", "need", "valence", "conversion", "version")


def write_catalogue(client: Client) -> None:
    """Write the kinds of the catalogue, for every project."""
    write_kinds(client, EVERY_PROJECT, (model.__touchpoint__ for model in CATALOGUE.values()))


def write_kinds(client: Client, project: str, declarations: Iterable[Declaration]) -> None:
    """Write the kinds of one project. A kind that is there already is replaced."""
    rows = [
        (
            project,
            kind.name,
            str(kind.channel),
            str(kind.stage),
            str(kind.need),
            str(kind.valence),
            kind.conversion,
            str(kind.version),
        )
        for kind in declarations
    ]
    if rows:
        client.insert("touchpoint_kinds", rows, column_names=_COLUMNS)
        reload_dictionary(client, "kind_of")

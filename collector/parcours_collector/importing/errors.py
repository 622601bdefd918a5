"""Why an import cannot start or go on; everything that is wrong with one row only is a value, not one of these."""

from parcours_collector.errors import ImportRefused


class InvalidMap(ImportRefused):
    """The mapping file cannot be used."""

    tag = "invalid_map"
    remedy = "Correct the mapping file; docs/import.md shows every key."


class UnusableFile(ImportRefused):
    """The file cannot be read, or not to its end."""

    tag = "unusable_file"

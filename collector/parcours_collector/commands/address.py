"""Where the collector answers and the key to send with, for the commands that send."""

import os
from pathlib import Path
from typing import Annotated

import typer

from parcours_collector.errors import InvalidSettings
from parcours_collector.sending.collector import Address

EndpointOption = Annotated[
    str | None,
    typer.Option("--endpoint", help="Where the collector answers. Default: PARCOURS_ENDPOINT.", show_default=False),
]
WriteKeyFileOption = Annotated[
    Path | None,
    typer.Option(
        "--write-key-file",
        help="File that holds the write key. Default: the key in PARCOURS_WRITE_KEY.",
        show_default=False,
    ),
]


def read_address(endpoint: str | None, write_key_file: Path | None) -> Address:
    """Return the address that options and environment give.

    Raises:
        InvalidSettings: The endpoint or the key is missing, or the file cannot be read.
    """
    where = endpoint or os.environ.get("PARCOURS_ENDPOINT")
    if not where:
        raise InvalidSettings(
            "PARCOURS_ENDPOINT is not set.",
            remedy="Set it or give --endpoint; `parcours up` writes it to parcours.env in its data folder.",
        )
    if not where.startswith(("http://", "https://")):
        raise InvalidSettings(f"The endpoint {where} is not an http or https URL.", remedy="Write http://host:port.")
    try:
        write_key = (
            write_key_file.read_text(encoding="utf-8") if write_key_file else os.environ.get("PARCOURS_WRITE_KEY")
        )
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidSettings(f"{write_key_file} cannot be read.", remedy="Correct --write-key-file.") from error
    key = (write_key or "").strip()
    if not key or not key.isascii() or not key.isprintable():
        raise InvalidSettings(
            "There is no write key.",
            remedy="Set PARCOURS_WRITE_KEY or give --write-key-file; `parcours keys create SOURCE` makes a key.",
        )
    return Address(where, key)

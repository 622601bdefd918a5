"""What was done, signed: whoever has the public key can see that a report is ours and was not changed.

It names nobody: identifiers stand in it as the keyed hashes by which they are kept out.
"""

import base64
import os
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Any

import orjson
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from parcours_collector.errors import OperatorError
from parcours_collector.forgetting.erasure import Remains
from parcours_collector.forgetting.person import Held

KEY_FILE = "report-key.pem"


class ForgedReport(OperatorError):
    """A report is not what was signed."""

    tag = "forged_report"
    remedy = "Ask whoever gave it to you for the report as it was written."


def write_report(
    file: Path,
    key_file: Path,
    *,
    project: str,
    suppressed: list[str],
    asked_at: datetime,
    finished_at: datetime,
    erased: Held,
    quarantined_files: int,
    remains: Remains,
) -> None:
    """Write a signed report; the key is made at the first one, readable by its owner only."""
    key = _key(key_file)
    said: dict[str, Any] = {
        "version": 1,
        "project": project,
        "suppressed_identifiers": sorted(suppressed),
        "asked_at": asked_at.isoformat(),
        "finished_at": finished_at.isoformat(),
        "erased_rows": asdict(erased),
        "erased_quarantine_files": quarantined_files,
        "searched": {"columns": remains.searched_columns, "files": remains.searched_files},
        "found_afterwards": {"rows": remains.rows, "files": list(remains.files)},
        "public_key": base64.b64encode(_raw(key.public_key())).decode(),
    }
    signature = base64.b64encode(key.sign(_canonical(said))).decode()
    file.write_bytes(orjson.dumps({"report": said, "signature": signature}, option=orjson.OPT_INDENT_2))


def verify_report(file: Path) -> dict[str, Any]:
    """Return what a report says.

    Raises:
        ForgedReport: It cannot be read, or its signature does not hold.
    """
    try:
        held = orjson.loads(file.read_bytes())
        said, signature = held["report"], base64.b64decode(held["signature"], validate=True)
        key = Ed25519PublicKey.from_public_bytes(base64.b64decode(said["public_key"], validate=True))
        key.verify(signature, _canonical(said))
    except (OSError, ValueError, KeyError, TypeError, InvalidSignature) as error:
        raise ForgedReport(f"{file} is no report that was signed with the key it names.") from error
    if not isinstance(said, dict):
        raise ForgedReport(f"{file} is no report.")
    return said


def _canonical(said: dict[str, Any]) -> bytes:
    return orjson.dumps(said, option=orjson.OPT_SORT_KEYS)


def _key(file: Path) -> Ed25519PrivateKey:
    if file.exists():
        held = serialization.load_pem_private_key(file.read_bytes(), password=None)
        if not isinstance(held, Ed25519PrivateKey):
            raise ForgedReport(f"{file} is no Ed25519 key.", remedy="Move it away: a new one is made.")
        return held
    key = Ed25519PrivateKey.generate()
    content = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as out:
        out.write(content)
    return key


def _raw(key: Ed25519PublicKey) -> bytes:
    return key.public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)

"""Everything that can go wrong in the collector, and who should do what about it.

    CollectorError
    ├── RequestError                 the sender's request, answered by HTTP
    │   ├── Unreadable               400  the body is not what it says it is
    │   ├── Unauthorized             401  no write key, an unknown one, a revoked one
    │   ├── Forbidden                403  a key that is not good for this page or this door
    │   ├── TooLarge                 413  before or after decompression
    │   ├── UnsupportedEncoding      415  a compression or media type we do not read
    │   └── NotNow                   503  full or stopping: send the same again later
    │       ├── WalUnavailable            the write-ahead log cannot be written
    │       ├── Busy                      the bodies under way fill the memory
    │       └── OverQuota        429  the source has sent more than it may
    └── OperatorError                the one who runs it, told on the terminal, exit status 2
        ├── InvalidSettings
        ├── FolderInUse
        │   └── WalInUse
        ├── PortInUse
        ├── WarehouseUnreachable
        ├── WarehouseTooOld
        ├── WarehouseNotMigrated
        ├── MigrationChanged
        └── ImportRefused

Each class owns its tag, its HTTP status, whether a retry can help, and its remedy. Handlers never choose a status.
"""

import math
from typing import ClassVar


class CollectorError(Exception):
    """The root of what the collector raises: `message` says what and where, `remedy` what to do."""

    tag: ClassVar[str] = "collector_error"
    retryable: ClassVar[bool] = False
    remedy: ClassVar[str] = ""

    def __init__(self, message: str, *, remedy: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.what_to_do = self.remedy if remedy is None else remedy

    def __str__(self) -> str:
        return f"{self.message} {self.what_to_do}".strip()


class RequestError(CollectorError):
    """A request that is answered with an error as a whole."""

    tag = "bad_request"
    http_status: ClassVar[int] = 400
    retry_after_seconds: int | None = None


class Unreadable(RequestError):
    """The body could not be read as JSON, NDJSON or the compression it declares."""

    tag = "unreadable"
    remedy = 'Send a JSON array, {"touchpoints": […]} or NDJSON in UTF-8.'


class Unauthorized(RequestError):
    """The write key is missing, unknown or revoked."""

    tag = "unauthorized"
    http_status = 401
    remedy = "Send 'Authorization: Bearer <write key>'; `parcours keys list` shows which sources exist."


class Forbidden(RequestError):
    """The key is good, but not for this origin or this door."""

    tag = "forbidden"
    http_status = 403
    remedy = "`parcours keys list` shows what each source may do."


class TooLarge(RequestError):
    """The body is over a size limit, as sent or once decompressed."""

    tag = "too_large"
    http_status = 413
    remedy = "Send smaller batches."


class UnsupportedEncoding(RequestError):
    """The body is compressed or typed in a way the collector does not read."""

    tag = "unsupported_encoding"
    http_status = 415
    remedy = "Use gzip, zstd or no compression, and application/json or application/x-ndjson."


class NotNow(RequestError):
    """The collector cannot keep its promise at this moment: nothing of the request was accepted."""

    tag = "not_now"
    http_status = 503
    retryable = True
    retry_after_seconds = 5
    remedy = "Send the same touchpoints with the same ids again later."

    def __init__(self, message: str, *, remedy: str | None = None, after_seconds: float | None = None) -> None:
        super().__init__(message, remedy=remedy)
        if after_seconds is not None:
            self.retry_after_seconds = max(1, math.ceil(after_seconds))


class Busy(NotNow):
    """The requests under way fill the memory that they may."""

    tag = "busy"


class OverQuota(NotNow):
    """The source has sent more than its quota."""

    tag = "over_quota"
    http_status = 429
    remedy = "Send more slowly, or have the quota raised: `parcours keys create --help`."


class WalUnavailable(NotNow):
    """The write-ahead log could not be written or synced: disk full or failing."""

    tag = "wal_unavailable"


class OperatorError(CollectorError):
    """A command that cannot go on, told to the one who runs it."""

    tag = "operator_error"
    exit_status: ClassVar[int] = 2


class InvalidSettings(OperatorError):
    """A setting is unknown, missing or out of bounds."""

    tag = "invalid_settings"
    remedy = "`parcours doctor` prints every setting with its meaning and where its value comes from."


class FolderInUse(OperatorError):
    """Another process holds the data folder."""

    tag = "folder_in_use"
    remedy = "Stop that process, or give this one another folder with --data."


class WalInUse(FolderInUse):
    """Another process writes this write-ahead log."""

    tag = "wal_in_use"


class PortInUse(OperatorError):
    """Something else listens on the port."""

    tag = "port_in_use"
    remedy = "Stop it, give another --port, or give --port 0 for any free one."


class WarehouseUnreachable(OperatorError):
    """ClickHouse does not answer at its URL."""

    tag = "warehouse_unreachable"
    retryable = True
    remedy = "Check PARCOURS_CLICKHOUSE_URL, and that ClickHouse runs."


class WarehouseForbids(OperatorError):
    """This user of ClickHouse may not do what a command has to."""

    tag = "warehouse_forbids"
    remedy = "Give --clickhouse-url, or PARCOURS_CLICKHOUSE_URL, a user who may; an analyst's may only read."


class WarehouseTooOld(OperatorError):
    """The ClickHouse server lacks what Parcours needs."""

    tag = "warehouse_too_old"
    remedy = "Upgrade ClickHouse."


class WarehouseNotMigrated(OperatorError):
    """The database lacks the tables of this version."""

    tag = "warehouse_not_migrated"
    remedy = "Run `parcours migrate`."


class MigrationChanged(OperatorError):
    """A migration file is not the one that was applied."""

    tag = "migration_changed"
    remedy = "Restore the file as it was and put the change into a new migration with the next number."


class ImportRefused(OperatorError):
    """An import cannot start: its file or its map cannot be used."""

    tag = "import_refused"

"""Every setting of the collector, with its default, its unit and its meaning, here and only here.

A setting comes from the command line, else the environment (`PARCOURS_…`, two underscores between the words of a group:
`PARCOURS_WAL__SEGMENT_BYTES`), else `parcours.toml` in the current folder (or the file that PARCOURS_CONFIG names). An
unknown key is an error, not a silence. Secrets have no default.
"""

import os
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict, TomlConfigSettingsSource

from parcours_collector.errors import InvalidSettings
from parcours_schemas.envelope import MAX_BATCH_EVENTS, MAX_BODY_BYTES, MAX_INFLATED_BYTES
from parcours_schemas.reject import UnknownPolicy

PREFIX = "PARCOURS_"
CONFIG_FILE = "parcours.toml"

_SDK_VARIABLES = frozenset(
    {"PARCOURS_ENDPOINT", "PARCOURS_WRITE_KEY", "PARCOURS_DISABLED", "PARCOURS_IDENTIFIER_KEY", "PARCOURS_SPOOL"}
)
_OWN_VARIABLES = frozenset({"PARCOURS_CONFIG"})


class _Group(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class HttpSettings(_Group):
    """The door for touchpoints."""

    max_body_bytes: int = Field(MAX_BODY_BYTES, ge=1024, description="Largest body as sent.")
    max_inflated_bytes: int = Field(MAX_INFLATED_BYTES, ge=1024, description="Largest body once decompressed.")
    max_batch_events: int = Field(MAX_BATCH_EVENTS, ge=1, description="Most touchpoints in one request.")
    body_timeout_seconds: float = Field(30.0, gt=0, description="Longest time a body may take to arrive.")
    head_timeout_seconds: float = Field(
        15.0, gt=0, description="Longest time that a new connection may take to send the head of its first request."
    )
    idle_timeout_seconds: float = Field(
        900.0,
        gt=0,
        description="Longest time between an answer and the head of the next request on the same connection; longer "
        "than a load balancer in front keeps its own.",
    )
    max_connections: int = Field(
        10_000,
        ge=1,
        description="Most open connections of one process, and never so many that it has no files left for the log and "
        "delivery. For a new one the connection that has been idle longest is closed.",
    )
    linger_seconds: float = Field(
        2.0,
        ge=0,
        le=60,
        description="When it stops or is replaced: how long open connections are still answered, with `Connection: "
        "close`, before idle ones are closed.",
    )
    max_held_bytes: int = Field(
        256 * 1024**2,
        ge=1024**2,
        description="Memory for the bodies under way; what comes beyond is answered 503: web pages from 80 % of it, "
        "servers from 90 %, tills and CRM last.",
    )
    metrics_token: SecretStr | None = Field(
        None,
        description="What `Authorization: Bearer` must carry to read /metrics; without one it is open to this machine "
        "only. A write key never opens it.",
    )
    duplicate_window_events: int = Field(
        100_000,
        ge=0,
        description="How many recent ids are remembered to answer 'duplicate'; ClickHouse keeps each id once anyway.",
    )
    unknown_names: UnknownPolicy = Field(
        "reject",
        description="What becomes of a touchpoint whose name is in neither the catalogue nor the plan; "
        "'warn' takes it, counts it and says so in the answer.",
    )
    unknown_properties: UnknownPolicy = Field(
        "allow",
        description="What becomes of a touchpoint with a property that its schema neither names nor refuses; "
        "by default it is kept: its sender may know an addition to the schema that is not known here yet.",
    )
    clock_tolerance_seconds: float = Field(
        60.0,
        ge=0,
        description="A sender's clock that is wrong by more is corrected by the difference of sent_at and receipt.",
    )
    max_skew_seconds: float = Field(
        604_800.0,
        ge=0,
        le=2_592_000,
        description="A sender's clock that is wrong by more is left alone: "
        "it says nothing about when something happened.",
    )
    phone_region: str | None = Field(
        None, pattern="^[A-Z]{2}$", description="Country of phone numbers without a country code, such as FR."
    )


class WalSettings(_Group):
    """The write-ahead log."""

    segment_bytes: int = Field(64 * 1024**2, ge=64 * 1024, description="Size of one file of the log.")
    high_water_bytes: int = Field(
        16 * 1024**3,
        ge=1024**2,
        description="Size of the log at which every source is answered 503; web pages are at 80 % of it, servers at "
        "90 %, tills and CRM last.",
    )
    high_water_age_seconds: float = Field(
        0.0, ge=0, description="Age of the oldest undelivered touchpoint at which the same happens; 0 = at no age."
    )
    max_pending_bytes: int = Field(
        64 * 1024**2, ge=1024**2, description="Bytes that may wait for the disk before requests are answered 503."
    )


class PrivacySettings(_Group):
    """What is kept of whom."""

    purpose: str = Field("analytics", description="The purpose in `consent` that keeping a touchpoint needs.")
    consent_required: bool = Field(
        False, description="Whether a touchpoint that says nothing of this purpose counts as refused."
    )
    on_refusal: Literal["keep", "anonymise", "drop"] = Field(
        "anonymise",
        description="What becomes of a touchpoint whose person has refused: kept, kept without who, or not kept.",
    )
    on_gpc: Literal["keep", "anonymise", "drop"] = Field(
        "anonymise", description="The same for a request with `Sec-GPC: 1`, or a touchpoint with `context.gpc`."
    )
    ip: Literal["truncated", "none", "full"] = Field(
        "truncated", description="What is kept of `context.ip`: its network (/24, /48), nothing, all."
    )
    user_agent: Literal["reduced", "none", "full"] = Field(
        "reduced",
        description="What is kept of `context.user_agent`: browser with major version, system and kind of device; "
        "nothing; all.",
    )


class EnrichmentSettings(_Group):
    """What is derived from a touchpoint's circumstances."""

    enabled: bool = Field(
        True, description="Whether campaign, click ids, referrer, browser, bot and country are derived."
    )
    geoip_file: Path | None = Field(None, description="A MaxMind file (.mmdb) with countries; none: no country.")


class DeliverySettings(_Group):
    """From the log to ClickHouse."""

    max_batch_rows: int = Field(50_000, ge=1, le=1_000_000, description="Most rows of one insert.")
    max_batch_bytes: int = Field(
        8 * 1024**2, ge=1024, le=9 * 1024**2, description="Most bytes of one insert, uncompressed."
    )
    linger_seconds: float = Field(0.25, ge=0, le=60, description="How long a batch that is not full waits for more.")
    max_backoff_seconds: float = Field(
        5.0, gt=0, description="Longest pause between attempts while ClickHouse is away."
    )


class StitchingSettings(_Group):
    """From evidence to people."""

    interval_seconds: float = Field(
        2.0, ge=0, description="Shortest time between two runs while touchpoints arrive; 0 = only by `parcours stitch`."
    )


class RetentionSettings(_Group):
    """What projects keep for a time only (`parcours retention`)."""

    interval_seconds: float = Field(
        3600.0,
        ge=0,
        description="Time between two looks for what has expired; 0 = only `parcours retention apply`.",
    )


class Settings(BaseSettings):
    """The collector's settings."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, env_nested_delimiter="__", extra="forbid", frozen=True)

    clickhouse_url: SecretStr | None = Field(
        None, description="Where ClickHouse answers: http://user:password@host:port."
    )
    data: Path = Field(
        Path("parcours-data"), description="Folder of the write-ahead log, the keys and the embedded engine."
    )
    host: str = Field("127.0.0.1", description="Address to listen on.")
    port: int = Field(8080, ge=0, le=65535, description="Port to listen on; 0 = any free one.")
    workers: int = Field(
        0,
        ge=0,
        le=64,
        description="Processes of `parcours collector` on the port, under one that starts and replaces them; 0 = it "
        "works by itself.",
    )
    plan: Path | None = Field(None, description="Folder of JSON Schema files: the team's own touchpoints.")
    shutdown_seconds: float = Field(10.0, ge=0, description="How long SIGTERM may take to deliver what is in the log.")
    log_format: Literal["console", "json"] = Field("console", description="How the log is written to standard error.")
    http: HttpSettings = HttpSettings()
    wal: WalSettings = WalSettings()
    privacy: PrivacySettings = PrivacySettings()
    enrichment: EnrichmentSettings = EnrichmentSettings()
    delivery: DeliverySettings = DeliverySettings()
    stitching: StitchingSettings = StitchingSettings()
    retention: RetentionSettings = RetentionSettings()

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Command line before environment before file; no other source."""
        return init_settings, env_settings, TomlConfigSettingsSource(settings_cls, config_file())

    @property
    def wal_folder(self) -> Path:
        """Where the write-ahead log lives."""
        return self.data / "wal"

    @property
    def leader_file(self) -> Path:
        """What the process holds that stitches and delivers orphans."""
        return self.data / "leader.lock"

    @property
    def registry_file(self) -> Path:
        """Where projects, sources and the hashes of their keys are kept."""
        return self.data / "registry.json"

    @property
    def suppressions_file(self) -> Path:
        """Where the keyed hashes of the forgotten are kept."""
        return self.data / "suppressed.json"

    @property
    def engine_folder(self) -> Path:
        """Where the embedded engine keeps its data."""
        return self.data / "clickhouse"

    def require_clickhouse_url(self) -> str:
        """Return the URL of ClickHouse; raise InvalidSettings when none is set."""
        if self.clickhouse_url is None:
            raise InvalidSettings(
                "PARCOURS_CLICKHOUSE_URL is not set.",
                remedy="Set it to http://user:password@host:port, or run `parcours up`, which brings one.",
            )
        return self.clickhouse_url.get_secret_value()


def config_file() -> Path:
    """Return the configuration file, which may be absent: PARCOURS_CONFIG, else `parcours.toml` here."""
    return Path(os.environ.get("PARCOURS_CONFIG") or CONFIG_FILE)


def load_settings(**given: Any) -> Settings:
    """Return the effective settings; options that are None were not given.

    Raises:
        InvalidSettings: A key is unknown or a value is out of bounds; the message names it, and near names.
    """
    named = os.environ.get("PARCOURS_CONFIG")
    if named and not Path(named).is_file():
        raise InvalidSettings(f"PARCOURS_CONFIG names {named}, which is not a file.", remedy="Correct or unset it.")
    _refuse_unknown_variables()
    try:
        return Settings(**{key: value for key, value in given.items() if value is not None})
    except ValidationError as error:
        raise InvalidSettings(_first_problem(error)) from error
    except ValueError as error:  # a file that is not TOML
        raise InvalidSettings(f"{config_file()} cannot be read: {error}.", remedy="Correct the file.") from error


def known_keys() -> tuple[str, ...]:
    """Return every setting by its dotted name, such as `wal.segment_bytes`."""
    keys: list[str] = []
    for name, field in Settings.model_fields.items():
        group = field.annotation
        if isinstance(group, type) and issubclass(group, _Group):
            keys.extend(f"{name}.{inner}" for inner in group.model_fields)
        else:
            keys.append(name)
    return tuple(keys)


def _refuse_unknown_variables() -> None:
    known = {PREFIX + key.upper().replace(".", "__") for key in known_keys()} | _SDK_VARIABLES | _OWN_VARIABLES
    groups = {PREFIX + key.split(".")[0].upper() for key in known_keys() if "." in key}
    for variable in sorted(os.environ):
        if variable.startswith(PREFIX) and variable not in known and variable not in groups:
            near = get_close_matches(variable, sorted(known), n=1)
            hint = f" Did you mean {near[0]}?" if near else ""
            raise InvalidSettings(f"The environment variable {variable} is not a setting of Parcours.{hint}")


def _first_problem(error: ValidationError) -> str:
    problem = error.errors()[0]
    key = ".".join(map(str, problem["loc"]))
    if problem["type"] == "extra_forbidden":
        near = get_close_matches(key, known_keys(), n=1)
        hint = f" Did you mean '{near[0]}'?" if near else ""
        return f"'{key}' is not a setting of Parcours.{hint}"
    return f"The setting '{key}' cannot be used: {problem['msg']}."

"""Settings: from options, environment and file, and an unknown one is an error that names its neighbour."""

from pathlib import Path

import pytest

from parcours_collector.errors import InvalidSettings
from parcours_collector.settings import Settings, known_keys, load_settings


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder without a parcours.toml of the developer's."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_an_option_goes_before_the_environment_and_that_before_the_file(
    elsewhere: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (elsewhere / "parcours.toml").write_text('port = 1111\nhost = "127.0.0.9"\n[wal]\nsegment_bytes = 100000\n')
    assert (load_settings().port, load_settings().wal.segment_bytes) == (1111, 100_000)
    monkeypatch.setenv("PARCOURS_PORT", "2222")
    monkeypatch.setenv("PARCOURS_WAL__SEGMENT_BYTES", "200000")
    settings = load_settings()
    assert (settings.port, settings.wal.segment_bytes, settings.host) == (2222, 200_000, "127.0.0.9")
    assert load_settings(port=3333).port == 3333
    assert load_settings(port=None).port == 2222


@pytest.mark.parametrize(
    ("variable", "near"),
    [("PARCOURS_PROT", "PARCOURS_PORT"), ("PARCOURS_WAL__SEGMENT_BYTE", "PARCOURS_WAL__SEGMENT_BYTES")],
)
def test_an_unknown_variable_is_refused_and_its_neighbour_named(
    monkeypatch: pytest.MonkeyPatch, variable: str, near: str
) -> None:
    monkeypatch.setenv(variable, "1")
    with pytest.raises(InvalidSettings, match=f"{variable} is not a setting.*Did you mean {near}"):
        load_settings()


def test_the_variables_of_the_sdk_are_no_error(monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in (
        "PARCOURS_ENDPOINT",
        "PARCOURS_WRITE_KEY",
        "PARCOURS_DISABLED",
        "PARCOURS_IDENTIFIER_KEY",
        "PARCOURS_SPOOL",
    ):
        monkeypatch.setenv(variable, "x")
    load_settings()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("prot = 1", "'prot' is not a setting of Parcours. Did you mean 'port'?"),
        ("[wal]\nsegment_size = 1", "'wal.segment_size' is not a setting"),
        ("port = 99999", "The setting 'port' cannot be used"),
        ("[delivery]\nmax_batch_bytes = 20000000", "The setting 'delivery.max_batch_bytes' cannot be used"),
        ("port = ", "cannot be read"),
    ],
)
def test_a_wrong_file_is_refused_by_key(elsewhere: Path, text: str, said: str) -> None:
    (elsewhere / "parcours.toml").write_text(text)
    with pytest.raises(InvalidSettings) as refused:
        load_settings()
    assert said in str(refused.value)


def test_a_file_that_is_named_must_be_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PARCOURS_CONFIG", "nowhere.toml")
    with pytest.raises(InvalidSettings, match=r"nowhere\.toml"):
        load_settings()


def test_the_url_of_clickhouse_has_no_default_and_is_never_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(InvalidSettings, match="PARCOURS_CLICKHOUSE_URL"):
        load_settings().require_clickhouse_url()
    monkeypatch.setenv("PARCOURS_CLICKHOUSE_URL", "http://me:secret@127.0.0.1:1")
    assert "secret" not in repr(load_settings())


def test_every_setting_says_what_it_means_and_durations_and_sizes_name_their_unit() -> None:
    for key in known_keys():
        group, _, inner = key.partition(".")
        field = Settings.model_fields[group]
        if inner:
            field = field.annotation.model_fields[inner]  # type: ignore[union-attr]
        assert field.description, key
        if field.annotation in (int, float) and key not in {"port", "workers", "http.max_connections"}:
            assert key.endswith(("_bytes", "_seconds", "_events", "_rows")), key

"""Sources and their write keys: made once, kept as a hash, revoked without a restart."""

import multiprocessing
import stat
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path

import pytest

from parcours_collector.commands.keys import create
from parcours_collector.errors import Unauthorized
from parcours_collector.intake.keys import KeyRing
from parcours_collector.intake.registry import Registry, UnknownSource, UnreadableRegistry


def test_a_key_is_on_disk_as_a_hash_only_in_a_file_of_its_owner(tmp_path: Path) -> None:
    file = tmp_path / "registry.json"
    registry, write_key = Registry().with_source("till", "shop")
    registry.write(file)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert write_key not in file.read_text()
    assert Registry.read(file) == registry
    assert registry.find(write_key) == registry.sources[0]
    assert registry.find(write_key + "x") is None


def test_a_source_has_one_good_key_and_may_get_another_once_it_is_revoked() -> None:
    registry, first = Registry().with_source("till", "shop")
    with pytest.raises(UnknownSource, match="has a write key already"):
        registry.with_source("till", "shop")
    registry, second = registry.without_source("till").with_source("till", "shop")
    old, new = registry.find(first), registry.find(second)
    assert old is not None
    assert old.revoked_at is not None
    assert new is not None
    assert new.revoked_at is None
    with pytest.raises(UnknownSource):
        registry.without_source("nobody")


def test_a_project_keeps_its_identifier_key_when_sources_come() -> None:
    registry, _ = Registry().with_source("till", "shop")
    again, _ = registry.with_source("web", "shop")
    other, _ = again.with_source("web2", "other")
    assert again.identifier_keys == registry.identifier_keys
    assert other.identifier_keys["other"] != other.identifier_keys["shop"]
    assert len(other.identifier_keys["shop"].newest) == 32


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"{}", b'{"sources":[{}],"identifier_keys":{}}'])
def test_a_file_that_is_no_registry_is_refused_and_left_alone(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "registry.json"
    file.write_bytes(content)
    with pytest.raises(UnreadableRegistry, match="not a registry"):
        Registry.read(file)
    assert file.read_bytes() == content


def test_a_ring_notices_new_and_revoked_keys_without_a_restart(tmp_path: Path) -> None:
    file = tmp_path / "registry.json"
    ring = KeyRing(file)
    registry, write_key = Registry().with_source("till", "shop")
    with pytest.raises(Unauthorized, match="unknown"):
        ring.authenticate(f"Bearer {write_key}")
    registry.write(file)
    ring.refresh()
    assert ring.authenticate(f"bearer  {write_key} ").name == "till"
    assert len(ring.identifier_keys("shop").newest) == 32
    registry.without_source("till").write(file)
    ring.refresh()
    with pytest.raises(Unauthorized, match="revoked") as refused:
        ring.authenticate(f"Bearer {write_key}")
    assert write_key not in str(refused.value)


def test_a_ring_keeps_the_last_good_registry_when_the_file_breaks(tmp_path: Path) -> None:
    file = tmp_path / "registry.json"
    registry, write_key = Registry().with_source("till", "shop")
    registry.write(file)
    ring = KeyRing(file)
    file.write_text("{")
    ring.refresh()
    assert ring.authenticate(f"Bearer {write_key}").name == "till"
    with pytest.raises(UnreadableRegistry):
        KeyRing(file)


def make_sources(number: int, *, data: Path) -> None:
    """Make five sources of a project of their own, as `parcours keys create` does."""
    for each in range(5):
        create(f"source-{number}-{each}", project=f"project-{number}", data=data)


def test_sources_that_several_commands_make_at_once_are_all_kept(tmp_path: Path) -> None:
    processes = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(4, processes, initializer=processes.Barrier(4).wait) as commands:
        list(commands.map(partial(make_sources, data=tmp_path), range(4)))
    registry = Registry.read(tmp_path / "registry.json")
    assert len(registry.sources) == 20
    assert set(registry.identifier_keys) == {f"project-{number}" for number in range(4)}

"""The house: who may import whom, what `import parcours` loads, and how large a module may grow."""

import ast
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
FOLDERS = {"parcours_schemas": "schemas", "parcours": "sdk", "parcours_collector": "collector"}
STANDARD = frozenset(sys.stdlib_module_names)
LONGEST_MODULE_LINES = 320

OF_THE_COLLECTOR = {
    "errors": set(),
    "settings": {"errors"},
    "measures": set(),
    "logs": set(),
    "plans": {"errors"},
    "wal": {"errors"},
    "warehouse": {"errors", "settings", "measures"},
    "intake": {"errors", "settings", "wal", "measures"},
    "delivery": {"errors", "settings", "wal", "warehouse", "measures"},
    "atlas": {"errors", "settings", "warehouse"},
    "forgetting": {"errors", "settings", "wal", "delivery", "warehouse"},
}
"""For each room of the collector, the rooms it may import; `app` and what stands around it may import all of these."""

AROUND = {
    "app",
    "connections",
    "door",
    "leadership",
    "supervising",
    "commands",
    "importing",
    "sending",
    "replaying",
    "__main__",
}
"""The composition root and the clients of the public doors: nobody else imports them."""

LIBRARIES = {
    "parcours_schemas": {"pydantic", "pydantic_core", "orjson", "typing_extensions", "phonenumbers", "jsonschema_rs"},
    "parcours": {"pydantic", "pydantic_core", "orjson", "typing_extensions", "aiohttp"},
}
HOSTS = {
    "parcours.pytest_plugin": {"pytest"},
    "parcours.integrations.celery": {"celery"},
    "parcours.integrations.django": {"asgiref", "django"},
    "parcours.integrations.flask": {"flask"},
}
"""Modules of the SDK that one framework alone imports, and that framework."""
ONLY_IN = {
    "chdb": ("parcours_collector.warehouse.embedded",),
    "clickhouse_connect": ("parcours_collector.warehouse", "parcours_collector.atlas", "parcours_collector.app",
                           "parcours_collector.commands", "parcours_collector.replaying",
                           "parcours_collector.forgetting"),
}  # fmt: skip
"""Libraries that a few rooms only may import; those outside the warehouse use the clients' types."""


def modules() -> Iterator[tuple[str, Path]]:
    """Every module of the three packages, by dotted name."""
    for package, folder in FOLDERS.items():
        for file in sorted((ROOT / folder / package).rglob("*.py")):
            parts = file.relative_to(ROOT / folder).with_suffix("").parts
            yield ".".join(parts[:-1] if parts[-1] == "__init__" else parts), file


def imports(file: Path, *, everywhere: bool = True) -> Iterator[str]:
    """What a module imports; with `everywhere` false, only what loading it loads."""
    tree = ast.parse(file.read_text("utf-8"))
    nodes = ast.walk(tree) if everywhere else _loaded(tree)
    for node in nodes:
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{file}: relative import"
            yield f"{node.module}"


def _loaded(tree: ast.AST) -> Iterator[ast.AST]:
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test):
            continue
        yield node
        yield from _loaded(node)


def room(module: str) -> str:
    """The room of the collector that a module stands in."""
    return module.split(".")[1] if "." in module else "__init__"


MODULES = list(modules())


@pytest.mark.parametrize(("module", "file"), MODULES, ids=[name for name, _ in MODULES])
def test_a_module_imports_only_what_its_room_may(module: str, file: Path) -> None:
    package = module.split(".", maxsplit=1)[0]
    for imported in imports(file):
        top = imported.split(".")[0]
        if top in STANDARD:
            continue
        if top in FOLDERS:
            if package == "parcours_schemas":
                assert top == "parcours_schemas", imported
            elif package == "parcours":
                assert top != "parcours_collector", imported
            elif top == "parcours":
                assert room(module) == "commands", f"only commands emit: {imported}"
            elif top == "parcours_collector" and room(module) not in AROUND | {"__init__"}:
                target = room(imported)
                own = room(module)
                allowed = OF_THE_COLLECTOR[own] | {own}
                if module.startswith("parcours_collector.warehouse.embedded"):
                    allowed = allowed | {"commands"} if module.endswith("__main__") else allowed
                assert target in allowed, f"{module} imports {imported}"
        elif package in LIBRARIES:
            assert top in LIBRARIES[package] | HOSTS.get(module, set()), f"{module} imports {imported}"
        else:
            for library, rooms in ONLY_IN.items():
                if top == library:
                    assert module.startswith(rooms), f"{module} imports {imported}"


@pytest.mark.parametrize(("module", "file"), MODULES, ids=[name for name, _ in MODULES])
def test_a_module_stays_small(module: str, file: Path) -> None:
    assert len(file.read_text("utf-8").splitlines()) <= LONGEST_MODULE_LINES, module


def test_no_module_is_called_by_a_name_that_says_nothing() -> None:
    names = {part for module, _ in MODULES for part in module.split(".")}
    assert not names & {"utils", "util", "common", "helpers", "helper", "misc"}


def test_the_write_ahead_log_knows_bytes_only() -> None:
    for module, file in MODULES:
        if module.startswith("parcours_collector.wal"):
            for imported in imports(file):
                assert imported.split(".")[0] in STANDARD or imported.startswith(
                    ("parcours_collector.wal", "parcours_collector.errors")
                ), f"{module} imports {imported}"


def test_importing_the_sdk_loads_no_heavy_library() -> None:
    script = (
        "import sys, parcours\n"
        "heavy = {'aiohttp', 'clickhouse_connect', 'chdb', 'pandas', 'numpy', 'pyarrow', 'parcours_collector'}\n"
        "print(sorted(heavy & set(sys.modules)))"
    )
    loaded = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert loaded.stdout.strip() == "[]"


def test_base_dependencies_are_three_and_the_extras_are_named() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    assert sorted(line.split(">")[0] for line in project["dependencies"]) == ["aiohttp", "orjson", "pydantic"]
    assert {"server", "embedded", "dev"} <= set(project["optional-dependencies"])


def test_the_lock_pins_every_package_exactly() -> None:
    lines = (ROOT / "requirements.lock").read_text("utf-8").split()
    assert lines
    assert all(line.count("==") == 1 for line in lines)


def test_no_file_of_the_repository_is_larger_than_its_reader() -> None:
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True).stdout
    files = [ROOT / name.decode() for name in listed.split(b"\0") if name]
    assert not [str(file) for file in files if file.is_file() and file.stat().st_size > 1_000_000]

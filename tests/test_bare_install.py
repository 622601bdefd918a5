"""`pip install .` alone is enough for the SDK, and the command line says politely what it lacks."""

import subprocess
import sys
import venv
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="module")
def bare_python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A fresh environment that holds the package as installed from this folder, and its base dependencies."""
    folder = tmp_path_factory.mktemp("bare")
    venv.create(folder, with_pip=True)
    python = folder / "bin" / "python"
    subprocess.run(
        [
            *(python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"),
            *("--constraint", ROOT / "requirements.lock", ROOT),
        ],
        check=True,
    )
    return python


def run(*command: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_a_bare_install_has_the_base_dependencies_only(bare_python: Path) -> None:
    listed = run(bare_python, "-m", "pip", "list", "--format=freeze").stdout.lower()
    assert "parcours==" in listed
    for absent in ("clickhouse", "chdb", "pandas", "typer", "uvloop", "phonenumbers"):
        assert absent not in listed


def test_a_bare_install_emits_typed_touchpoints(bare_python: Path) -> None:
    script = (
        "from parcours import Tracker\n"
        "from parcours.touchpoints import ProductViewed\n"
        "tracker = Tracker('http://127.0.0.1:1', 'key')\n"
        "print(tracker.emit(ProductViewed(product_id='tv-55'), anonymous_id='a1') is not None)\n"
        "print(tracker.close(0.1).emitted)"
    )
    done = run(bare_python, "-W", "error", "-c", script)
    assert done.stdout.split() == ["True", "1"], done.stderr


def test_the_command_line_of_a_bare_install_says_which_extra_is_missing(bare_python: Path) -> None:
    done = run(bare_python.parent / "parcours", "up")
    assert done.returncode == 2
    assert "pip install 'parcours[server]'" in done.stderr
    assert "Traceback" not in done.stderr


def test_the_wheel_holds_the_sql_and_the_marks_of_typing_but_no_tests(bare_python: Path) -> None:
    script = "import importlib.metadata as m\nprint('\\n'.join(str(f) for f in m.files('parcours')))"
    files = run(bare_python, "-c", script).stdout.split()
    assert "parcours_collector/warehouse/sql/views/funnel.sql" in files
    assert "parcours_collector/warehouse/sql/migrations/0001_create_touchpoints.sql" in files
    for package in ("parcours", "parcours_schemas", "parcours_collector"):
        assert f"{package}/py.typed" in files
    assert not [file for file in files if Path(file).name.startswith("test_")]
    assert sys.version_info >= (3, 11)

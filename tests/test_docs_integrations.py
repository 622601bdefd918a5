"""Every example of docs/integrations.md runs: its files in a folder of their own, under the server of its command."""

import re
import shlex
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from parcours.testing import FaultyCollector
from tests.integration_apps.serving import serving

PAGE = (Path(__file__).resolve().parents[1] / "docs" / "integrations.md").read_text(encoding="utf-8")
SECTIONS = dict(re.findall(r"^## (.*?)\n(.*?)(?=^## |\Z)", PAGE, re.MULTILINE | re.DOTALL))
KEY = "docs-" * 8
ON_A_FREE_PORT = {
    "gunicorn": (sys.executable, "-m", "gunicorn", "--bind", "127.0.0.1:0"),
    "uvicorn": (sys.executable, "-m", "uvicorn", "--port", "0"),
    "python": (sys.executable,),
}
OF_A_DJANGO_PROJECT = {
    "settings.py": """
SECRET_KEY = "not a secret"
ROOT_URLCONF = "urls"
ALLOWED_HOSTS = ["127.0.0.1"]
""",
    "urls.py": """
from analytics import tracker
from django.http import HttpResponse
from django.urls import path

from parcours.touchpoints import ProductViewed


def product(_request, product_id):
    tracker.emit(ProductViewed(product_id=product_id))
    return HttpResponse("<!doctype html><title>Product</title>")


urlpatterns = [path("products/<product_id>", product)]
""",
    "wsgi.py": """
import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "settings")
application = get_wsgi_application()
""",
}


def files_of(section: str) -> Mapping[str, str]:
    return {
        content.split("\n", 1)[0].removeprefix("# "): content
        for content in re.findall(r"^```python\n(.*?)^```", SECTIONS[section], re.MULTILINE | re.DOTALL)
    }


def command_of(section: str) -> tuple[str, ...]:
    (line,) = re.findall(r"^```sh\n(.*?)\n```", SECTIONS[section], re.MULTILINE | re.DOTALL)
    program, *arguments = shlex.split(line)
    return (*ON_A_FREE_PORT[program], *arguments)


def write(folder: Path, *every: Mapping[str, str]) -> None:
    for files in every:
        for name, content in files.items():
            with (folder / name).open("a") as file:
                file.write(content)


@pytest.mark.parametrize(
    ("section", "needs", "command"),
    [
        ("Flask", ["flask", "gunicorn"], None),
        ("Django", ["django", "gunicorn"], None),
        ("Django", ["django", "uvicorn"], (*ON_A_FREE_PORT["uvicorn"], "asgi:application")),
        ("FastAPI and Starlette", ["fastapi", "uvicorn"], None),
        ("aiohttp.web", ["aiohttp"], None),
    ],
    ids=["flask", "django", "django under asgi", "fastapi", "aiohttp"],
)
def test_an_example_knows_its_visitor_again_and_loses_nothing_at_its_end(
    section: str, needs: list[str], command: tuple[str, ...] | None, tmp_path: Path
) -> None:
    for needed in needs:
        pytest.importorskip(needed, reason=f"needs {needed}: install the dev extra")
    write(tmp_path, files_of(section), OF_A_DJANGO_PROJECT if section == "Django" else {})
    with (
        FaultyCollector() as collector,
        serving(command or command_of(section), collector, folder=tmp_path, COOKIE_KEY=KEY, PORT="0") as server,
    ):
        first = server.get("/products/tv-55?utm_source=news", Cookie="consent=yes")
        assert first.status == 200, "".join(server.output)
        cookie = first.cookies[0].partition(";")[0]
        again = server.get("/products/tv-55", Cookie=f"consent=yes; {cookie}", X_User="u1")
        refused = server.get("/products/tv-55", Cookie="consent=no", X_User="u1")
        assert (again.cookies, refused.cookies) == ([], [])
        server.end()
        sent = list(collector.touchpoints.values())
    assert sorted(one["name"] for one in sent) == ["page_viewed"] * 3 + ["product_viewed"] * 3, "".join(server.output)
    known = [one for one in sent if "ids" in one]
    assert len(known) == 4
    assert {one["ids"]["anonymous_id"] for one in known} == {cookie.removeprefix("parcours_id=").split(".")[0]}
    assert [one["context"]["campaign"] for one in sent if "campaign" in one["context"]] == [{"source": "news"}] * 2


def test_the_example_of_tasks_runs_and_takes_the_context_along(tmp_path: Path) -> None:
    pytest.importorskip("celery", reason="needs celery: install the dev extra")
    write(tmp_path, files_of("Celery"))
    script = "import parcours, tasks\nwith parcours.context(user_id='u1'):\n    tasks.send_receipt.apply(('o-1',))"
    with FaultyCollector() as collector:
        environment = {
            "PARCOURS_ENDPOINT": collector.endpoint,
            "PARCOURS_WRITE_KEY": collector.write_key,
            "PATH": "",
        }
        subprocess.run([sys.executable, "-c", script], cwd=tmp_path, env=environment, check=True)
        (sent,) = collector.touchpoints.values()
    assert (sent["name"], sent["ids"]) == ("receipt_sent", {"user_id": "u1"})


def test_every_example_of_the_page_is_run_by_one_of_these() -> None:
    with_code = {name for name, content in SECTIONS.items() if "```python" in content}
    assert with_code == {"Flask", "Django", "FastAPI and Starlette", "aiohttp.web", "Celery"}

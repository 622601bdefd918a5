"""What is in deploy/: valid by its own schemas, about metrics that exist, with something to do for every alert."""

import json
import os
import re
import shutil
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml

from parcours_collector.measures.catalogue import MEASURES
from parcours_collector.settings import PREFIX, known_keys

ROOT = Path(__file__).resolve().parents[1]
DEPLOY = ROOT / "deploy"
_KUBERNETES = "1.33"
_SERIES = re.compile(r"\b((?:parcours|process)_[a-z_]+)(?:\{([^}]*)\})?")
_BY = re.compile(r"\bby\s*\(([^)]*)\)")
_OF_SCRAPING = frozenset({"instance", "job", "le"})
_SUFFIXES = ("_bucket", "_sum", "_count")


def dashboard() -> dict[str, Any]:
    content: dict[str, Any] = json.loads((DEPLOY / "grafana" / "parcours.json").read_text())
    return content


def alerts() -> list[dict[str, Any]]:
    groups = yaml.safe_load((DEPLOY / "prometheus" / "alerts.yml").read_text())["groups"]
    return [rule for group in groups for rule in group["rules"]]


def manifests() -> Iterator[tuple[str, dict[str, Any]]]:
    for file in sorted((DEPLOY / "kubernetes").glob("*.yaml")):
        for document in yaml.safe_load_all(file.read_text()):
            yield f"{file.name}: {document['kind']} {document['metadata']['name']}", document


def expressions() -> list[tuple[str, str]]:
    panels = [
        (panel["title"], target["expr"]) for panel in dashboard()["panels"] for target in panel.get("targets", ())
    ]
    return [*panels, *((rule["alert"], rule["expr"]) for rule in alerts())]


@pytest.mark.parametrize(("where", "expression"), expressions(), ids=lambda value: str(value)[:40])
def test_an_expression_asks_for_metrics_and_labels_that_exist(where: str, expression: str) -> None:
    asked = _SERIES.findall(expression)
    assert asked or where == "ParcoursCollectorDown"
    labels: set[str] = set()
    for name, selector in asked:
        base = next((name.removesuffix(suffix) for suffix in _SUFFIXES if name.removesuffix(suffix) in MEASURES), name)
        assert base in MEASURES, f"{where}: {name}"
        assert (base != name) == (MEASURES[base].kind == "histogram"), f"{where}: {name} of a {MEASURES[base].kind}"
        known = {*MEASURES[base].labels, *_OF_SCRAPING}
        labels |= known
        assert {part.split("=")[0].rstrip("!~ ").strip() for part in selector.split(",") if part} <= known, where
    for names in _BY.findall(expression):
        assert {name.strip() for name in names.split(",")} <= labels | _OF_SCRAPING, where
    for name, _ in asked:
        if MEASURES.get(name, None) is not None and MEASURES[name].kind == "counter":
            assert re.search(rf"(rate|increase)\({name}", expression), f"{where}: {name} is a counter"


def test_the_panels_of_the_dashboard_do_not_overlap_and_fill_its_width() -> None:
    taken: set[tuple[int, int]] = set()
    for panel in dashboard()["panels"]:
        place = panel["gridPos"]
        cells = {(place["x"] + x, place["y"] + y) for x in range(place["w"]) for y in range(place["h"])}
        assert not cells & taken, panel["title"]
        taken |= cells
    assert {x for x, _ in taken} == set(range(24))
    assert len({panel["id"] for panel in dashboard()["panels"]}) == len(dashboard()["panels"])


def test_every_alert_says_what_to_do_in_a_section_of_its_name() -> None:
    page = (ROOT / "docs" / "operations.md").read_text()
    for rule in alerts():
        assert rule["labels"]["severity"] in {"page", "ticket"}
        assert rule["annotations"]["summary"]
        assert rule["annotations"]["runbook"] == f"docs/operations.md#{rule['alert'].lower()}"
        assert f"\n### {rule['alert']}\n" in page, f"docs/operations.md has no section {rule['alert']}"


@pytest.mark.skipif(shutil.which("promtool") is None, reason="promtool is not installed: Debian's package prometheus")
@pytest.mark.parametrize("what", [("check", "rules", "alerts.yml"), ("test", "rules", "alerts_test.yml")], ids=" ".join)
def test_prometheus_takes_the_rules_and_they_fire_when_they_should(what: tuple[str, ...]) -> None:
    done = subprocess.run(
        ["promtool", *what], cwd=DEPLOY / "prometheus", capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize(
    ("where", "manifest"), [*manifests()], ids=lambda value: value if isinstance(value, str) else ""
)
def test_kubernetes_would_take_a_manifest(where: str, manifest: dict[str, Any]) -> None:
    kubernetes_validate.validate(manifest, _KUBERNETES, strict=True)


def test_a_pod_has_more_time_to_end_than_its_collector_takes() -> None:
    stateful = next(manifest for where, manifest in manifests() if "StatefulSet" in where)
    spec = stateful["spec"]["template"]["spec"]
    (container,) = spec["containers"]
    variables = {one["name"]: one.get("value", "") for one in container["env"]}
    pause = int(container["lifecycle"]["preStop"]["exec"]["command"][1])
    assert spec["terminationGracePeriodSeconds"] > int(variables["PARCOURS_SHUTDOWN_SECONDS"]) + pause + 10
    size = stateful["spec"]["volumeClaimTemplates"][0]["spec"]["resources"]["requests"]["storage"]
    assert int(variables["PARCOURS_WAL__HIGH_WATER_BYTES"]) < int(size.removesuffix("Gi")) * 1024**3 * 0.9


def test_compose_is_valid_by_its_own_schema() -> None:
    done = subprocess.run(
        [
            *(sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.compose-spec"),
            str(DEPLOY / "compose" / "compose.yaml"),
        ],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_what_compose_mounts_and_builds_is_there() -> None:
    compose = yaml.safe_load((DEPLOY / "compose" / "compose.yaml").read_text())
    for service in compose["services"].values():
        for volume in service.get("volumes", ()):
            source = volume.split(":")[0]
            assert source in compose["volumes"] or (DEPLOY / "compose" / source).exists(), source
        if "build" in service:
            context = DEPLOY / "compose" / service["build"]["context"]
            assert (context / service["build"]["dockerfile"]).is_file()


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd-analyze is not installed")
def test_systemd_takes_the_unit(tmp_path: Path) -> None:
    unit = (DEPLOY / "systemd" / "parcours-collector.service").read_text()
    here = tmp_path / "parcours-collector.service"
    here.write_text(unit.replace("/opt/parcours/bin/parcours", "/bin/true"))
    done = subprocess.run(
        ["systemd-analyze", "verify", str(here)], capture_output=True, text=True, check=False, timeout=60
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_every_variable_that_is_set_in_deploy_is_a_setting() -> None:
    settings = {PREFIX + key.upper().replace(".", "__") for key in known_keys()} | {"PARCOURS_CONFIG"}
    used = {
        name
        for file in DEPLOY.rglob("*")
        if file.is_file() and file.suffix in {".yaml", ".yml", ".service", ""}
        for name in re.findall(r"\bPARCOURS_[A-Z_]+\b", file.read_text())
    }
    assert used
    assert used <= settings, used - settings


def test_a_pod_that_starts_again_keeps_the_keys_that_were_rotated_in_it_until_it_is_given_new_ones(
    tmp_path: Path,
) -> None:
    [stateful] = [manifest for _, manifest in manifests() if manifest["kind"] == "StatefulSet"]
    [start] = stateful["spec"]["template"]["spec"]["initContainers"]
    secret, data = tmp_path / "secret", tmp_path / "data"
    secret.mkdir()
    data.mkdir()

    def start_pod() -> str:
        environment = {**os.environ, "PARCOURS_DATA": str(data), "SECRET": str(secret)}
        subprocess.run(start["command"], env=environment, check=True, timeout=20)
        return (data / "registry.json").read_text()

    (secret / "registry.json").write_text("first")
    assert start_pod() == "first"
    (data / "registry.json").write_text("rotated in the pod")
    assert start_pod() == "rotated in the pod"
    (secret / "registry.json").write_text("second")
    assert start_pod() == "second"
    assert stat.S_IMODE((data / "registry.json").stat().st_mode) == 0o600

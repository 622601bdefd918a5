"""Facts about the machine and the versions that a run was made on."""

import os
import platform
import subprocess
import sys
import tempfile
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import psutil

_DISTRIBUTIONS = (
    *("parcours", "aiohttp", "uvloop", "orjson", "pydantic", "clickhouse-connect", "chdb"),
    *("posthog", "segment-analytics-python", "rudder-sdk-python", "snowplow-tracker", "mixpanel"),
    *("amplitude-analytics", "scipy"),
)


def installed(distribution: str) -> bool:
    """Say whether a distribution is there to be measured."""
    try:
        version(distribution)
    except PackageNotFoundError:
        return False
    return True


def machine_facts() -> dict[str, str]:
    """Return what a reader needs to judge the figures, by name."""
    return {
        "processor": f"{os.cpu_count()} × {_processor()}",
        "memory": f"{psutil.virtual_memory().total / 2**30:.1f} GiB",
        "system": f"{platform.system()} {platform.release()}, {_filesystem()} for temporary files",
        "python": f"{platform.python_implementation()} {platform.python_version()}",
        "versions": ", ".join(f"{name} {version(name)}" for name in _DISTRIBUTIONS if installed(name)),
        "commit": _commit(),
        "load": f"{os.getloadavg()[0]:.1f} runnable on average over the last minute",
    }


def _processor() -> str:
    if sys.platform == "linux":
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def _filesystem() -> str:
    """Which filesystem is behind the write-ahead log of a run: what an fsync costs depends on it."""
    folder = Path(tempfile.gettempdir()).resolve()
    mounts = {Path(one.mountpoint): one.fstype for one in psutil.disk_partitions(all=True)}
    for parent in (folder, *folder.parents):
        if parent in mounts:
            return mounts[parent]
    return "an unknown filesystem"


def _commit() -> str:
    answer = subprocess.run(
        ["git", "describe", "--always", "--dirty"],
        cwd=Path(__file__).parent,
        capture_output=True,
        text=True,
        check=False,
    )
    return answer.stdout.strip() or "not a clone"

"""What pip would install, into environments that hold nothing but what a test says; nothing is installed."""

import json
import subprocess
import sys
import sysconfig
import tomllib
import zipfile
from pathlib import Path

ROOT = Path(__file__).parents[1]
EXTRA = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]["train"]
CONSTRAINTS = ROOT / "requirements" / "train-constraints.txt"
CPU_BUILDS = ROOT / "requirements" / "train-cpu.txt"
CPU_TORCH = "2.13.0+cpu"


def make_environment(folder, **held):
    """A virtual environment whose records name these packages (name=version) as installed."""
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", folder], check=True)
    packages = Path(sysconfig.get_path("purelib", vars={"base": str(folder), "platbase": str(folder)}))
    for name, version in held.items():
        record = packages / f"{name}-{version}.dist-info"
        record.mkdir(parents=True)
        (record / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
        (record / "INSTALLER").write_text("pip\n")
        (record / "RECORD").write_text("")
    return folder


def write_wheel(folder, name, version, *requires):
    """A wheel of metadata alone."""
    stem = f"{name.replace('-', '_')}-{version}"
    metadata = ["Metadata-Version: 2.1", f"Name: {name}", f"Version: {version}"]
    files = {
        "METADATA": "\n".join([*metadata, *(f"Requires-Dist: {one}" for one in requires), ""]),
        "WHEEL": "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        "RECORD": "",
    }
    with zipfile.ZipFile(folder / f"{stem}-py3-none-any.whl", "w") as wheel:
        for file, text in files.items():
            wheel.writestr(f"{stem}.dist-info/{file}", text)


def run_pip(environment, *arguments, variables=None):
    """`pip install --dry-run` for an environment: its exit status, messages, and versions by name."""
    command = [sys.executable, "-m", "pip", "--python", environment, "install", "--quiet", "--dry-run"]
    report = Path(environment) / "report.json"
    report.unlink(missing_ok=True)
    ran = subprocess.run(
        [*command, "--disable-pip-version-check", "--report", report, *arguments],
        env=variables,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    planned = json.loads(report.read_text())["install"] if ran.returncode == 0 else []
    return ran, {one["metadata"]["name"].lower(): one["metadata"]["version"] for one in planned}


def cuda_packages(planned):
    """The packages that only a build for graphics cards brings."""
    return [name for name in planned if name.startswith(("nvidia-", "cuda-")) or name in ("triton", "pytorch-triton")]

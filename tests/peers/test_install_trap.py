"""What pip would do with the extra `train` and the package index of this machine; nothing is installed."""

import json

import pytest
from packaging.requirements import Requirement
from tests.pip_plans import CPU_TORCH, EXTRA, ROOT, cuda_packages, make_environment, run_pip

pytestmark = pytest.mark.extras

pytest.importorskip("pip")


@pytest.fixture(scope="module", autouse=True)
def _index(tmp_path_factory):
    environment = make_environment(tmp_path_factory.mktemp("index") / "environment")
    ran, _ = run_pip(environment, "--no-deps", "--retries", "0", "--timeout", "15", "nnunetv2", "hatchling")
    if ran.returncode:
        pytest.skip(f"no package index: {ran.stderr.strip()[-200:]}")


def planned(environment, *requirements):
    ran, versions = run_pip(environment, *requirements)
    assert ran.returncode == 0, ran.stderr
    return versions


def test_a_cpu_build_of_torch_stays(tmp_path):
    found = planned(make_environment(tmp_path / "environment", torch=CPU_TORCH), f"{ROOT}[train]")
    assert "torch" not in found
    assert not cuda_packages(found)
    assert (found["torchvision"], found["nnunetv2"]) == ("0.28.0", "2.8.1")
    assert {"oncohort", "batchgeneratorsv2"} <= found.keys()


def test_an_empty_environment_gets_the_torch_of_the_extra(tmp_path):
    environment = make_environment(tmp_path / "environment")
    ran, _ = run_pip(environment, "--no-deps", f"torch=={CPU_TORCH}")
    if ran.returncode:
        pytest.skip("the index has no build of torch without CUDA")
    found = planned(environment, *EXTRA)
    assert (found["torch"], found["torchvision"].partition("+")[0]) == (CPU_TORCH, "0.28.0")
    assert not cuda_packages(found)


def test_the_newest_torchvision_asks_for_another_torch(tmp_path):
    """That an installer then replaces torch, and takes CUDA with it, tests/test_train_extra.py shows."""
    environment = make_environment(tmp_path / "environment", torch=CPU_TORCH)
    if planned(environment, "--no-deps", "torchvision")["torchvision"].startswith("0.28."):
        pytest.skip("the index has no newer torchvision than that of the extra")
    (newest,) = json.loads((environment / "report.json").read_text())["install"]
    (wanted,) = (one for one in map(Requirement, newest["metadata"]["requires_dist"]) if one.name == "torch")
    assert not wanted.specifier.contains(CPU_TORCH)

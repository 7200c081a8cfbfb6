"""The extra `train` against an index of made-up wheels in which the trap is laid: no network, nothing installed."""

import os

import pytest
from tests.pip_plans import (
    CONSTRAINTS,
    CPU_BUILDS,
    CPU_TORCH,
    EXTRA,
    cuda_packages,
    make_environment,
    run_pip,
    write_wheel,
)

pytest.importorskip("pip")

WHEELS = (
    ("torch", "2.13.0+cpu"),
    ("torch", "2.13.0", "nvidia-cublas", "triton"),
    ("torch", "2.15.0", "nvidia-cublas", "triton"),
    ("torchvision", "0.28.0+cpu", "torch==2.13.0"),
    ("torchvision", "0.28.0", "torch==2.13.0"),
    ("torchvision", "0.29.2", "torch>=2.14.0"),
    ("timm", "1.0.22", "torch", "torchvision"),
    ("timm", "1.0.23", "torch", "torchvision"),
    ("dynamic-network-architectures", "0.4.4", "torch>=1.6.0a", "timm<1.0.23"),
    ("dynamic-network-architectures", "0.4.9", "torch>=1.6.0a", "timm"),
    ("nnunetv2", "2.8.1", "torch!=2.9.*,>=2.1.2", "dynamic-network-architectures<0.5,>=0.4.4"),
    ("nvidia-cublas", "13.4.1.3"),
    ("triton", "3.9.0"),
)


@pytest.fixture(scope="module")
def index(tmp_path_factory):
    """A folder of wheels, and the variables under which pip knows no other place."""
    folder = tmp_path_factory.mktemp("wheels")
    for wheel in WHEELS:
        write_wheel(folder, *wheel)
    return folder


def planned(index, environment, *arguments):
    variables = {name: value for name, value in os.environ.items() if not name.startswith("PIP_")}
    variables["PIP_CONFIG_FILE"] = os.devnull
    ran, versions = run_pip(environment, "--no-index", "--find-links", index, *arguments, variables=variables)
    assert ran.returncode == 0, ran.stderr
    return versions


@pytest.fixture(scope="module")
def with_cpu_torch(tmp_path_factory):
    return make_environment(tmp_path_factory.mktemp("held") / "environment", torch=CPU_TORCH)


def test_without_the_pins_the_cpu_build_is_replaced(index, with_cpu_torch):
    found = planned(index, with_cpu_torch, "nnunetv2==2.8.1")
    assert found["torch"] == "2.15.0"
    assert cuda_packages(found)


def test_the_extra_leaves_the_cpu_build_where_it_is(index, with_cpu_torch):
    found = planned(index, with_cpu_torch, *EXTRA)
    assert "torch" not in found
    assert not cuda_packages(found)
    assert found["nnunetv2"] == "2.8.1"


def test_the_file_of_cpu_builds_gives_both_without_cuda(index, tmp_path):
    found = planned(index, make_environment(tmp_path / "empty"), "-r", CPU_BUILDS, *EXTRA)
    assert (found["torch"], found["torchvision"]) == ("2.13.0+cpu", "0.28.0+cpu")
    assert not cuda_packages(found)


def test_the_constraints_name_the_versions_of_the_extra_and_hold_the_rest(index, with_cpu_torch):
    assert set(EXTRA) <= set(CONSTRAINTS.read_text().splitlines())
    found = planned(index, with_cpu_torch, "-c", CONSTRAINTS, *EXTRA)
    assert (found["timm"], found["dynamic-network-architectures"]) == ("1.0.22", "0.4.4")
    assert planned(index, with_cpu_torch, *EXTRA)["dynamic-network-architectures"] == "0.4.9"

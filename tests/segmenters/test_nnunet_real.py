"""The segmenter nnunet with nnU-Net itself: a tiny untrained model, and models that a stranger may have made."""

import json
import os
import pickle
import subprocess
import sys
from copy import deepcopy

import numpy as np
import pytest
from tests.segmenters.nnunet_models import write_model, write_pet_cohort, write_run

from oncohort import segment
from oncohort.errors import PredictionError, SettingsError
from oncohort.formats.predictions import find_prediction, read_prediction
from oncohort.formats.reading import read_volume
from oncohort.segmenters.nnunet import Nnunet, held_worker
from oncohort.workers import Worker

pytestmark = pytest.mark.extras

RESAMPLING = {"is_seg": False, "order": 1, "order_z": 0, "force_separate_z": None}
INTENSITIES = dict.fromkeys(("mean", "percentile_00_5", "min", "median"), 0.0) | dict.fromkeys(
    ("std", "percentile_99_5", "max"), 1.0
)
ARCHITECTURE = {
    "network_class_name": "dynamic_network_architectures.architectures.unet.PlainConvUNet",
    "arch_kwargs": {
        "n_stages": 2,
        "features_per_stage": [2, 4],
        "conv_op": "torch.nn.modules.conv.Conv3d",
        "kernel_sizes": [[3, 3, 3], [3, 3, 3]],
        "strides": [[1, 1, 1], [2, 2, 2]],
        "n_conv_per_stage": [1, 1],
        "n_conv_per_stage_decoder": [1],
        "conv_bias": True,
        "norm_op": "torch.nn.modules.instancenorm.InstanceNorm3d",
        "norm_op_kwargs": {"eps": 1e-05, "affine": True},
        "dropout_op": None,
        "dropout_op_kwargs": None,
        "nonlin": "torch.nn.LeakyReLU",
        "nonlin_kwargs": {"inplace": True},
    },
    "_kw_requires_import": ["conv_op", "norm_op", "dropout_op", "nonlin"],
}
CONFIGURATION = {
    "data_identifier": "nnUNetPlans_3d_fullres",
    "preprocessor_name": "DefaultPreprocessor",
    "batch_size": 2,
    "patch_size": [4, 8, 8],
    "median_image_size_in_voxels": [4.0, 5.0, 6.0],
    "spacing": [3.0, 2.0, 2.0],
    "normalization_schemes": ["CTNormalization", "NoNormalization"],
    "use_mask_for_norm": [False, False],
    "resampling_fn_data": "resample_data_or_seg_to_shape",
    "resampling_fn_seg": "resample_data_or_seg_to_shape",
    "resampling_fn_probabilities": "resample_data_or_seg_to_shape",
    "resampling_fn_data_kwargs": RESAMPLING,
    "resampling_fn_seg_kwargs": {**RESAMPLING, "is_seg": True},
    "resampling_fn_probabilities_kwargs": RESAMPLING,
    "batch_dice": False,
    "architecture": ARCHITECTURE,
}
PLANS = {
    "dataset_name": "Dataset001_Phantom",
    "plans_name": "nnUNetPlans",
    "original_median_spacing_after_transp": [3.0, 2.0, 2.0],
    "original_median_shape_after_transp": [4, 5, 6],
    "image_reader_writer": "SimpleITKIO",
    "transpose_forward": [0, 1, 2],
    "transpose_backward": [0, 1, 2],
    "configurations": {"3d_fullres": CONFIGURATION},
    "experiment_planner_used": "ExperimentPlanner",
    "label_manager": "LabelManager",
    "foreground_intensity_properties_per_channel": {"0": INTENSITIES, "1": INTENSITIES},
}
CHANNELS = {"0": "CT", "1": "PET"}


@pytest.fixture(scope="module")
def torch():
    return pytest.importorskip("torch")


@pytest.fixture(autouse=True)
def _closed():
    yield
    held_worker.release_all()


@pytest.fixture
def cohort(tmp_path):
    return write_pet_cohort(tmp_path / "cohort", cases=("A", "B", "T"))


def save_weights(torch, model, seeds):
    """Untrained weights for every fold, as nnU-Net saves them."""
    get_network = pytest.importorskip("nnunetv2.utilities.get_network_from_plans").get_network_from_plans
    arguments = (ARCHITECTURE["network_class_name"], ARCHITECTURE["arch_kwargs"], ARCHITECTURE["_kw_requires_import"])
    for fold, seed in seeds.items():
        torch.manual_seed(seed)
        network = get_network(*arguments, 2, 2, allow_init=True, deep_supervision=False)
        checkpoint = {
            "network_weights": network.state_dict(),
            "trainer_name": "nnUNetTrainer",
            "init_args": {"configuration": "3d_fullres", "fold": int(fold), "plans": PLANS},
            "inference_allowed_mirroring_axes": (0, 1, 2),
            "logging": {"train_losses": [np.float64(0.5), np.float32(0.25)]},
        }
        torch.save(checkpoint, model / f"fold_{fold}" / "checkpoint_final.pth")


@pytest.fixture
def model(torch, tmp_path):
    found = write_model(tmp_path, CHANNELS, folds={"0": "", "1": ""}, plans=PLANS)
    save_weights(torch, found, {"0": 1, "1": 2})
    return found


def test_an_ensemble_predicts_masks_and_probabilities(model, cohort, tmp_path):
    settings = {"device": "cpu", "probabilities": "lesion", "mirroring": False}
    outs = {}
    for word, folds in (("both", ""), ("0", "0"), ("1", "1")):
        done = segment(cohort, Nnunet(str(model), folds=folds, **settings), out=tmp_path / word)
        assert dict(done.failed) == {}
        outs[word] = read_volume(tmp_path / word / "A.prob.nii.gz")
        mask = read_prediction(find_prediction(tmp_path / word, "A"))
        clear = np.abs(outs[word].array - 0.5) > 2 / 65535  # files of the worker hold steps of 1/65535
        assert np.array_equal(mask.layers[0].array[clear] > 0, outs[word].array[clear] > 0.5)
        assert mask.geometry.is_same_grid(cohort["A"].image("ct").geometry)
    both, first, second = (outs[word].array.astype(float) for word in ("both", "0", "1"))
    kept = np.logical_and.reduce([(one > 0.01) & (one < 0.99) for one in (both, first, second)])
    odds = [np.log(one[kept] / (1 - one[kept])) for one in (both, first, second)]
    assert kept.sum() > 10
    # nnU-Net takes the mean of the outputs of its folds before the softmax: of the log odds, with two outputs
    assert np.allclose(odds[0], (odds[1] + odds[2]) / 2, atol=0.01)
    assert not np.allclose(first, second, atol=0.01)
    taken = done.cases[0]
    assert taken.measured.seconds > 0
    assert taken.measured.peak_memory_mib > 50
    assert taken.facts == {"folds": ["1"], "device": "cpu"}


def test_a_run_gives_each_case_to_the_fold_that_held_it_out(torch, cohort, tmp_path):
    folds = {"0": ("", ("A",)), "1": ("", ("B",))}
    words = {"channels": ("ct", "pet"), "test": ("T",)}
    model = write_model(tmp_path / "unused", CHANNELS, folds={"0": "", "1": ""}, plans=PLANS)
    save_weights(torch, model, {"0": 1, "1": 2})
    run = write_run(
        tmp_path / "run", cohort, folds, weights=model, model={"channels": CHANNELS, "plans": PLANS}, **words
    )
    prepared = Nnunet(str(run), device="cpu").prepared(cohort)
    assert [prepared.predict(cohort[case]).facts["folds"] for case in ("A", "B", "T")] == [["0"], ["1"], ["0", "1"]]


class Hostile:
    """What a stranger may put into a checkpoint: it writes a file when it is loaded carelessly."""

    def __init__(self, victim):
        self.victim = victim

    def __reduce__(self):
        return os.mkdir, (self.victim,)


def test_a_checkpoint_with_code_is_refused_and_its_code_not_run(torch, model, cohort, tmp_path):
    victim = tmp_path / "victim"
    file = model / "fold_1" / "checkpoint_final.pth"
    torch.save({"network_weights": Hostile(str(victim))}, file)
    with pytest.raises(SettingsError, match="trust=true"):
        Nnunet(str(model), device="cpu").prepared(cohort)
    file.write_bytes(pickle.dumps(Hostile(str(victim))))
    with pytest.raises(SettingsError, match="trust=true"):
        Nnunet(str(model), device="cpu").prepared(cohort)
    assert not victim.exists()
    with pytest.raises(PredictionError):  # trusted, it runs: that is what the word means
        Nnunet(str(model), device="cpu", trust=True).prepared(cohort)
    assert victim.exists()


CALLS = (
    "os.mkdir",
    "torch.nn.functional.importlib._bootstrap_external._os.mkdir",  # reached through what a module imports
    "torch.nn.functional.relu",
    "torch.nn.functional",
    "torch.nn.NoSuchLayer",
)
"""What a plans file may name in place of a layer."""


@pytest.fixture
def refusals(model):
    """A function that loads the model with other plans or words, and gives the last event."""
    request = {"do": "load", "model": str(model), "folds": ["0"], "checkpoint": "checkpoint_final.pth"}
    request |= {"device": "cpu", "mirroring": True, "step": 0.5, "trust": False}
    with Worker.start(held_worker.MODULE) as worker:

        def load(arguments=None, network=ARCHITECTURE["network_class_name"], **words):
            plans = deepcopy(PLANS)
            architecture = plans["configurations"]["3d_fullres"]["architecture"]
            architecture["network_class_name"] = network
            architecture["arch_kwargs"].update(arguments or {})
            (model / "plans.json").write_text(json.dumps(plans))
            return list(worker.ask({**request, **words}))[-1]

        yield load


def test_plans_that_name_what_is_no_layer_are_refused(torch, refusals, tmp_path):
    victim = tmp_path / "victim"
    for name in CALLS:
        for plans in ({"arguments": {"nonlin": name, "nonlin_kwargs": {"path": str(victim)}}}, {"network": name}):
            event = refusals(**plans)
            assert (event["event"], event["found"]) == ("refused", name)
            assert not victim.exists()
    assert refusals()["event"] == "done"
    event = refusals({"features_per_stage": [3, 4]})
    assert (event["event"], event["found"].partition(",")[0]) == ("refused", "those of another one")
    if not torch.cuda.is_available():
        assert "cuda" in refusals(device="cuda")["found"]


def test_the_command_line_does_the_same(model, cohort, tmp_path):
    out = tmp_path / "out"
    words = ["segment", str(cohort.root), "--with", f"nnunet:{model}", "folds=0", "device=cpu", "--out", str(out)]
    done = subprocess.run([sys.executable, "-m", "oncohort", *words], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert sorted(path.name for path in out.glob("*.nii.gz")) == ["A.nii.gz", "B.nii.gz", "T.nii.gz"]

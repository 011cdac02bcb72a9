"""The teacher: its shape, what stays frozen, how it is taken up, and that its ONNX form says the same."""

from __future__ import annotations

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="torch is not installed: training tests need it")

import onnxruntime  # noqa: E402

from qana_desktop.training.distil import DistilSettings, distillation_loss, distilled_objective, smaller  # noqa: E402
from qana_desktop.training.efficientnet import FROZEN_BLOCKS, EfficientNetLite0, own_name  # noqa: E402
from qana_desktop.training.efficientnet_onnx import to_second_reader_onnx  # noqa: E402
from qana_desktop.training.loop import TrainSettings, optimiser_for  # noqa: E402

SIDE = 32


def lively_network() -> EfficientNetLite0:
    """A drawn network whose norms do something."""
    torch.manual_seed(3)
    model = EfficientNetLite0()
    for module in model.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.running_mean.normal_(0.0, 0.2)
            module.running_var.uniform_(0.5, 2.0)
            module.weight.data.uniform_(0.5, 1.5)
            module.bias.data.normal_(0.0, 0.3)
    return model.eval()


def test_the_published_names_cover_every_parameter_but_the_classifier(tmp_path) -> None:
    model = EfficientNetLite0()
    back = {ours: theirs for theirs, ours in _published_names(model)}
    values = {back[name]: torch.rand_like(v.float()) for name, v in model.state_dict().items() if name in back}
    values |= {"_fc.weight": torch.zeros(1000, 1280), "_fc.bias": torch.zeros(1000)}
    torch.save(values, tmp_path / "imagenet.pth")

    model.load_imagenet(tmp_path / "imagenet.pth")

    assert model.classifier.weight.shape == (7, 1280)
    for theirs, ours in _published_names(model):
        assert own_name(theirs) == ours
        if not ours.endswith("num_batches_tracked"):
            assert torch.equal(model.state_dict()[ours], values[theirs])


def test_a_file_of_another_network_is_refused(tmp_path) -> None:
    torch.save({"_conv_stem.weight": torch.zeros(32, 3, 3, 3)}, tmp_path / "other.pth")
    with pytest.raises(RuntimeError):
        EfficientNetLite0().load_imagenet(tmp_path / "other.pth")


def test_the_frozen_part_neither_learns_nor_moves_its_statistics(tmp_path) -> None:
    model = lively_network()
    torch.save({theirs: model.state_dict()[ours] for theirs, ours in _published_names(model)}, tmp_path / "w.pth")
    model.load_imagenet(tmp_path / "w.pth")
    kept = {name: value.clone() for name, value in model.state_dict().items()}

    optimiser = optimiser_for(model, TrainSettings(stage="t", epochs=1, rate=0.1, optimiser="adamw"))
    model.train()
    model(torch.rand(4, 3, SIDE, SIDE) * 255).square().sum().backward()
    optimiser.step()

    frozen = ("stem.", "stem_norm.", *(f"blocks.{i}." for i in range(FROZEN_BLOCKS)))
    for name, value in model.state_dict().items():
        if name.startswith(frozen):
            assert torch.equal(value, kept[name]), name
    assert not torch.equal(model.classifier.weight, kept["classifier.weight"])


def test_the_onnx_form_gives_the_logits_of_the_network() -> None:
    model = lively_network()
    images = np.random.default_rng(5).integers(0, 256, (3, SIDE, SIDE, 3), dtype=np.uint8)
    with torch.no_grad():
        expected = model(torch.from_numpy(images).permute(0, 3, 1, 2).float()).numpy()

    session = onnxruntime.InferenceSession(to_second_reader_onnx(model, SIDE), providers=["CPUExecutionProvider"])
    found = session.run(["logits"], {"images": images})[0]

    np.testing.assert_allclose(found, expected, rtol=1e-3, atol=1e-3)


def test_a_student_that_agrees_with_its_teacher_has_nothing_to_learn_from_it() -> None:
    logits = torch.tensor([[2.0, -1.0, 0.5], [0.0, 3.0, -2.0]])
    assert float(distillation_loss(logits, logits, 2.0)) == pytest.approx(0.0, abs=1e-6)
    assert float(distillation_loss(logits, logits.flip(1), 2.0)) > 0.1


def test_the_student_sees_whole_levels_of_the_view_that_the_teacher_saw() -> None:
    levels = torch.randint(0, 256, (2, 3, 48, 48)).float()
    small = smaller(levels, 32)
    assert small.shape == (2, 3, 32, 32)
    assert torch.equal(small, small.round())
    assert float(small.mean()) == pytest.approx(float(levels.mean()), abs=1.0)


def test_the_gradient_reaches_the_student_and_not_the_teacher() -> None:
    teacher = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(3 * 16 * 16, 7))
    student = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(3 * 8 * 8, 7))
    truth = np.arange(14) % 7
    settings = TrainSettings(stage="t", epochs=1, rate=0.1, bfloat16=False)
    objective = distilled_objective(teacher, truth, settings, DistilSettings(side=8), "cpu")

    objective(student, torch.rand(4, 3, 16, 16), torch.eye(7)[:4]).backward()

    assert student[1].weight.grad is not None
    assert teacher[1].weight.grad is None


def _published_names(model: EfficientNetLite0) -> list[tuple[str, str]]:
    """(published, own) names of all values but the classifier's, written out from the published structure."""
    pairs = []
    for ours in model.state_dict():
        if ours.startswith("classifier."):
            continue
        theirs = ours.replace("stem_norm.", "_bn0.").replace("top_norm.", "_bn1.")
        theirs = theirs.replace("expand_norm.", "_bn0.").replace("depthwise_norm.", "_bn1.")
        theirs = theirs.replace("project_norm.", "_bn2.").replace("expand.", "_expand_conv.")
        theirs = theirs.replace("depthwise.", "_depthwise_conv.").replace("project.", "_project_conv.")
        theirs = theirs.replace("stem.", "_conv_stem.").replace("top.", "_conv_head.").replace("blocks.", "_blocks.")
        pairs.append((theirs, ours))
    return pairs

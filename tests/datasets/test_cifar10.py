"""The domain ``cifar10``, on a small copy with the layout of the published files."""

import pickle
from pathlib import Path

import numpy as np
import pytest
import torch
from torchvision.datasets import cifar

from bench import zoo
from bench.domain import DOMAINS, build_domain
from bench.errors import UsageError

zoo.load()
Cifar10 = DOMAINS.get("cifar10")
PER_BATCH = 100


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Five batches to train on and one to test on: red tells the class, green the batch, blue grows downwards."""
    monkeypatch.setattr(cifar, "check_integrity", lambda *args: True)
    folder = tmp_path / "cifar-10-batches-py"
    folder.mkdir()
    for number, name in enumerate([*(f"data_batch_{i}" for i in range(1, 6)), "test_batch"]):
        labels = [i % 10 for i in range(PER_BATCH)]
        pixels = np.zeros((PER_BATCH, 3, 32, 32), np.uint8)
        for i, label in enumerate(labels):
            pixels[i] = np.array([20 * label, number, i])[:, None, None]
            pixels[i, 2] = i + np.arange(32)[:, None]
        (folder / name).write_bytes(pickle.dumps({"data": pixels.reshape(PER_BATCH, -1), "labels": labels}))
    (folder / "batches.meta").write_bytes(pickle.dumps({"label_names": list("abcdefghij")}))
    return tmp_path


def test_images_are_upright_and_in_the_split_that_was_published(root: Path) -> None:
    domain = Cifar10(root=str(root), held_out=3)
    assert domain.classes == ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog")
    for split, batches in (("train", range(5)), ("val", range(5)), ("test", [5])):
        images = domain.draw(split, 0, 300).a
        assert torch.equal(images.pixels[:, 0, 5, 9], (20 * images.latents["class"]).to(torch.uint8))
        assert (images.pixels[:, 2].int().diff(dim=1) == 1).all()
        assert set(images.pixels[:, 1].flatten().tolist()) <= set(batches)


def test_one_of_25_images_of_every_class_is_for_validation(root: Path) -> None:
    bank = Cifar10(root=str(root)).bank
    assert torch.bincount(bank.parts).tolist() == [480, 20, 100]
    assert torch.bincount(bank.classes[bank.parts == 1]).tolist() == [2] * 10


def test_held_out_classes_are_tested_by_default(root: Path) -> None:
    (companion,) = Cifar10(root=str(root)).companions
    assert companion == f"cifar10:root={root}:shift=novel"
    assert build_domain(companion).classes == ("ship", "truck")


def test_a_copy_elsewhere_is_the_same_data(root: Path) -> None:
    text = f"cifar10:root={root}"
    assert str(root) not in str(DOMAINS.settle(text).identity())


@pytest.mark.parametrize("given", ["", "nowhere"])
def test_absent_data_is_one_clear_line(given: str) -> None:
    with pytest.raises(
        UsageError, match=r"expected cifar10:root=FOLDER where FOLDER holds cifar-10-batches-py"
    ) as caught:
        Cifar10(root=given)
    assert "\n" not in str(caught.value)


def test_damaged_data_is_one_clear_line_before_anything_is_trained(tmp_path: Path) -> None:
    (tmp_path / "cifar-10-batches-py").mkdir()
    for text in (f"cifar10:root={tmp_path}", f"cifar10:root={tmp_path}:shift=noise"):
        with pytest.raises(
            UsageError, match=r"-py is incomplete or damaged \(Dataset not found or corrupted\)$"
        ) as caught:
            build_domain(text)
        assert "\n" not in str(caught.value)

"""Nothing but the shape tells the class of an image or the label of a pair."""

import importlib
from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from bench import zoo
from bench.domain import Images, Pairs, build_domain

zoo.load()
bank_module = importlib.import_module("_fusebench_plugins.datasets.texture_bank")

AUDIT = 4096
each_domain = pytest.mark.parametrize("name", ["color", "texture"])


@cache
def drawn(name: str) -> Pairs:
    return build_domain(name).draw("train", 0, AUDIT)


Describe = Callable[[str, Images], NDArray[np.float64]]


def nuisances(name: str, images: Images) -> NDArray[np.float64]:
    """Everything that may vary but must not tell the shape: place, size, angle, colours."""
    latents = {key: value.double().numpy() for key, value in images.latents.items()}
    columns = [latents["x"], latents["y"], latents["radius"], latents["radius"] ** 2]
    columns += [f(k * latents["angle"]) for k in (1, 2, 4) for f in (np.sin, np.cos)]
    if name.startswith("color"):
        surfaces = [latents[key] / 255 for key in ("figure_color", "ground_color")]
    else:
        means = bank_module.texture_bank("train").mean_rgb
        surfaces = [means[images.latents[key]].numpy() for key in ("figure_texture", "ground_texture")]
        surfaces.append(latents["texture_offset"])
    features = np.column_stack([*columns, *surfaces])
    return np.column_stack([features, features**2])


def statistics(name: str, images: Images) -> NDArray[np.float64]:
    pixels = images.pixels.double()
    return torch.cat([pixels.mean((2, 3)), pixels.std((2, 3))], 1).numpy()


def joint(a: NDArray[np.float64], b: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.column_stack([a, b, np.abs(a - b), (a - a.mean(0)) * (b - b.mean(0))])


def probe(features: NDArray[np.float64], target: NDArray[np.int64]) -> tuple[float, float]:
    """Accuracy of a logistic regression on the second half after training on the first, and the limit for chance:
    the 99.9 % binomial band around one half."""
    half = len(target) // 2
    model = make_pipeline(StandardScaler(), LogisticRegression(C=0.1, max_iter=300))
    model.fit(features[:half], target[:half])
    return float((model.predict(features[half:]) == target[half:]).mean()), 3.29 * 0.5 / (len(target) - half) ** 0.5


def both(a: NDArray[np.float64], b: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.stack([a, b], 1).reshape(-1, *a.shape[1:])


def class_from(describe: Describe, name: str, pairs: Pairs) -> tuple[float, float]:
    classes = both(*(side.latents["class"].numpy() for side in (pairs.a, pairs.b)))
    return probe(both(describe(name, pairs.a), describe(name, pairs.b)), classes)


def label_from(describe: Describe, name: str, pairs: Pairs) -> tuple[float, float]:
    return probe(joint(describe(name, pairs.a), describe(name, pairs.b)), pairs.label.numpy())


def label_from_a(describe: Describe, name: str, pairs: Pairs) -> tuple[float, float]:
    return probe(describe(name, pairs.a), pairs.label.numpy())


def label_from_b(describe: Describe, name: str, pairs: Pairs) -> tuple[float, float]:
    return probe(describe(name, pairs.b), pairs.label.numpy())


@each_domain
@pytest.mark.parametrize("describe", [nuisances, statistics])
@pytest.mark.parametrize("target", [class_from, label_from, label_from_a, label_from_b])
def test_nothing_but_the_shape_tells_class_or_label(name: str, describe: Describe, target: Callable[..., Any]) -> None:
    accuracy, band = target(describe, name, drawn(name))
    assert abs(accuracy - 0.5) < band


@pytest.mark.parametrize(
    ("shift", "describe"),
    [
        ("translated", nuisances), ("larger", nuisances), ("size_mismatch", nuisances), ("jittered_pose", nuisances),
        ("occlusion", statistics), ("clutter", statistics), ("blob", statistics), ("inverted", statistics),
    ],
)  # fmt: skip
@pytest.mark.parametrize("target", [class_from, label_from])
def test_nor_does_a_shift_tell_them(shift: str, describe: Describe, target: Callable[..., Any]) -> None:
    accuracy, band = target(describe, "color", drawn(f"color:shift={shift}"))
    assert abs(accuracy - 0.5) < band


def test_the_audit_catches_larger_squares() -> None:
    clean = drawn("color")

    def enlarged(images: Images) -> Images:
        scale = torch.where(images.latents["class"] == 1, 1.1, 1.0)
        return Images(images.pixels, {**images.latents, "radius": images.latents["radius"] * scale})

    accuracy, band = class_from(nuisances, "color", Pairs(enlarged(clean.a), enlarged(clean.b), clean.label))
    assert accuracy > 0.5 + band


def test_the_audit_catches_brighter_squares() -> None:
    clean = drawn("texture")

    def brighter(images: Images) -> Images:
        more = 12 * images.latents["class"][:, None, None, None]
        return Images((images.pixels.long() + more).clamp(max=255).to(torch.uint8), images.latents)

    accuracy, band = class_from(statistics, "texture", Pairs(brighter(clean.a), brighter(clean.b), clean.label))
    assert accuracy > 0.5 + band


def test_the_audit_catches_same_images_that_lie_nearer_to_each_other() -> None:
    clean = drawn("color")
    a, b = clean.a.latents["x"], clean.b.latents["x"]
    nearer = torch.where(clean.label == 1, 0.7 * b + 0.3 * a, b)
    leaky = Pairs(clean.a, Images(clean.b.pixels, {**clean.b.latents, "x": nearer}), clean.label)
    accuracy, band = label_from(nuisances, "color", leaky)
    assert accuracy > 0.5 + band

"""Everything built in passes the checks of its kind, and a planted mistake fails the check that is there for it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from textwrap import dedent, indent
from typing import Any

import numpy as np
import pytest
from PIL import Image

from bench import zoo
from bench.conformance.kinds import KINDS, OF_ALL
from bench.conformance.suite import check_choice, registered_in
from bench.domain import DOMAINS
from bench.registry import Choice

zoo.load()
# Minutes to compute; the other domains of its family show the same code.
SLOW = {"contours"}
# With parameters or not registered by name.
MORE = [KINDS[kind].registry.settle(text) for kind, text in (
    ("backbone", "timm:regnetx_002"), ("domain", "digits:shift=novel"), ("warm-up", "rotation:relative=false"),
)]  # fmt: skip


def built_in(*kinds: str) -> list[Any]:
    """All choices of these kinds, marked where they take long."""
    choices = [
        Choice(cls.name, registry=KINDS[kind].registry) for kind in kinds for cls in KINDS[kind].registry.classes
    ]
    choices += [choice for choice in MORE if choice.registry.kind in kinds]
    slow = pytest.mark.slow
    return [
        pytest.param(one, id=f"{one.registry.kind} {one}", marks=slow if one.name in SLOW else ()) for one in choices
    ]


def problems(choice: Choice[Any]) -> dict[str, str]:
    return {result.check: result.problem for result in check_choice(choice) if result.problem}


HEAVY = ("domain", "backbone", "warm-up")


@pytest.mark.parametrize("choice", built_in(*(kind for kind in KINDS if kind not in HEAVY)))
def test_whatever_is_built_in_conforms(choice: Choice[Any]) -> None:
    assert problems(choice) == {}


@pytest.mark.conformance
@pytest.mark.parametrize("choice", built_in(*HEAVY))
def test_what_computes_conforms(choice: Choice[Any]) -> None:
    # The class of a timm:NAME is made when asked for, and is listed under the one that it derives from.
    assert set(problems(choice)) == ({"described"} if choice.name.startswith("timm:") else set())


def test_a_domain_of_files_conforms(tmp_path: Path) -> None:
    for number in range(36):
        pixels = np.random.default_rng(number).integers(0, 256, (20, 20, 3), dtype=np.uint8)
        file = tmp_path / "photos" / "abc"[number % 3] / f"{number}.png"
        file.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels).save(file)
    results = check_choice(DOMAINS.settle(f"folder:{tmp_path / 'photos'}"))
    assert [result.check for result in results] == [*OF_ALL, "builds", *KINDS["domain"].checks]
    assert not [result for result in results if result.problem]


def test_a_domain_without_its_files_is_not_applicable() -> None:
    *generic, skipped = check_choice(DOMAINS.settle("folder"))
    assert [result.check for result in generic] == list(OF_ALL)
    assert skipped.skipped.startswith("needs files of yours")


SOUND_DOMAIN = """
import torch
from bench.domain import Domain, Images, Pairs, register_domain, uniforms


@register_domain
class Planted(Domain):
    '''Noise that is brighter for the second class.'''

    name, version = "planted", 1
    classes, warmup_classes = ("dark", "bright"), ("grey", "white")
    shifts = {}

    def __init__(self, root: str = "", shift: str = "") -> None:
        self.root = root

    def images(self, key, classes, n, start):
        u = uniforms(key, start, n, 3072).view(n, 3, 32, 32)
        return Images((100 * u + 100 * classes.view(-1, 1, 1, 1)).to(torch.uint8), {"class": classes})

    def draw(self, split, seed, n, start=0):
        key = (self.name, split, seed)
        i = torch.arange(start, start + n)
        a = i // 2 % 2
        b = (a + i) % 2
        label = (a == b).long()
        return Pairs(self.images((*key, "a"), a, n, start), self.images((*key, "b"), b, n, start), label)

    def draw_named(self, split, seed, n, start=0, easy=False):
        return self.images((self.name, split, seed, easy), torch.arange(start, start + n) % 2, n, start)
"""


def test_a_sound_domain_passes(plugin: Callable[..., Path]) -> None:
    (choice,) = registered_in(plugin(SOUND_DOMAIN))
    assert problems(choice) == {}


DOMAIN_MISTAKES = {
    "another key for another number of pairs": ("numbered", "key = (self.name, split, seed)", "key = (split, seed, n)"),
    "pairs counted from the start of the draw": (
        "numbered",
        "i = torch.arange(start, start + n)",
        "i = torch.arange(n)",
    ),
    "three of four pairs are same": ("balanced", "b = (a + i) % 2", "b = (a + (i % 4 == 0)) % 2"),
    "labels the wrong way round": ("balanced", "label = (a == b).long()", "label = (a != b).long()"),
    "labels of another type": ("pixels", "(a == b).long()", "(a == b).float()"),
    "pixels in [0, 1]": ("pixels", ".to(torch.uint8)", ".div(255)"),
    "a class too many": ("latents", '{"class": classes}', '{"class": 2 * classes}'),
    "a latent of one row": ("latents", '{"class": classes}', '{"class": classes, "x": torch.zeros(1)}'),
    "one draw for all splits": ("apart", "key = (self.name, split, seed)", "key = (self.name, seed)"),
    "one draw for all seeds": ("apart", "key = (self.name, split, seed)", "key = (self.name, split)"),
    "a class of the task in the warm-up": ("named", '("grey", "white")', '("grey", "dark")'),
    "a shift that is not there": ("related", "shifts = {}", "shifts, __class_getitem__ = {'x:y': 'Nothing.'}, None"),
    "a collection of other images": (
        "collected",
        "shifts = {}",
        "shifts = {}\n    collection = torch.zeros(200, 3, 32, 32, dtype=torch.uint8)",
    ),
    "a companion that is not there": ("related", "shifts = {}", "companions = ('nowhere',)"),
}


@pytest.mark.parametrize("mistake", DOMAIN_MISTAKES)
def test_a_mistake_in_a_domain_is_found(mistake: str, plugin: Callable[..., Path]) -> None:
    check, sound, wrong = DOMAIN_MISTAKES[mistake]
    assert sound in SOUND_DOMAIN
    (choice,) = registered_in(plugin(SOUND_DOMAIN.replace(sound, wrong)))
    assert check in problems(choice)


def test_a_path_in_the_identity_of_a_domain_is_found(plugin: Callable[..., Path], tmp_path: Path) -> None:
    plugin(SOUND_DOMAIN.replace("planted", "planted_path"))
    assert set(problems(DOMAINS.settle(f"planted_path:root={tmp_path}"))) == {"identity"}


COLLECTION = """
    @property
    def collection(self):
        classes = torch.arange(50) % 2
        return self.images(("all",), classes, 50, 0).pixels

    def images(self, key, classes, n, start):
        if key == ("all",):
            u = uniforms(key, start, n, 3072).view(n, 3, 32, 32)
            return Images((100 * u + 100 * classes.view(-1, 1, 1, 1)).to(torch.uint8), {"class": classes})
        number = (uniforms(key, start, n, 1)[:, 0] * 25).long() * 2 + classes
        return Images(self.collection[number], {"class": classes, "image": number})
"""


@pytest.mark.parametrize(("wrong", "found"), [("number})", set()), ("49 - number})", {"collected"})])
def test_the_numbers_of_images_are_compared_with_their_pixels(
    plugin: Callable[..., Path], wrong: str, found: set[str]
) -> None:
    (choice,) = registered_in(plugin(SOUND_DOMAIN + COLLECTION.replace("number})", wrong)))
    assert set(problems(choice)) == found


# Of each kind: the check that finds it, decorator, class that is built on, docstring, and what that gets wrong.
MISTAKES = {
    "fusion": ("described", "bench.fusion.register", "bench.fusion.Fusion", "No full stop", """
        family, needs, symmetric, paper = "embedding", "embedding", True, "none"
        def __init__(self, spec: FeatureSpec) -> None:
            super().__init__(spec.dim)
    """),
    "backbone": ("both_signs", "bench.backbones.register_backbone", "bench.backbones.tiny_vit.TinyViT", "Positive.", """
        def __init__(self, image: MapShape, pretrained: bool = False) -> None:
            super().__init__(image, pretrained)
            self.embedding = nn.Sequential(self.embedding, nn.ReLU())
    """),
    "warm-up": ("examples", "bench.training.warmup.register_warmup", "bench.training.warmup.names.Names", "Random.", """
        def examples(self, images, u):
            return images.pixels, torch.randint(0, 14, (len(images),))
    """),
    "objective": ("finite", "bench.training.objectives.register_objective",
                  "bench.training.objectives.contract.Term", "``mean |u - v|``, without a gradient at 0.", """
        reads, paper = "pairs", "none"
        def forward(self, u, v, label):
            return (u - v).square().sum(1).sqrt().mean()
    """),
    "metric": ("in_range", "bench.metrics.register_metric", "bench.metrics.Metric", "Mean score.", """
        direction = 1
        def compute(self, scored):
            return float(scored.scores.mean())
    """),
    "observer": ("described", "bench.observers.register_observer", "bench.observers.profiler.Profiler", "Looks on", ""),
    "executor": ("parameters", "bench.executors.register_executor", "bench.executors.inline.InlineExecutor", "One.", """
        def __init__(self, workplace, jobs, timeout, queue="short") -> None:
            super().__init__(workplace, jobs, timeout)
    """),
    "plot": ("parameters", "bench.plots.contract.register_plot", "bench.plots.ranks.Ranks", "Ranks.", """
        def __init__(self, width: int) -> None:
            pass
    """),
    "view": ("parameters", "bench.look.contract.register_view", "bench.look.views.predictions.Predictions", "Them.", """
        def __init__(self, most: int) -> None:
            pass
    """),
    "classifier": ("parameters", "bench.probe.contract.register_classifier", "bench.probe.classifiers.Linear", "X.", """
        def __init__(self, most: int) -> None:
            pass
    """),
    "report format": ("parameters", "bench.report.formats.register_report_format", "bench.report.formats.csv.Csv",
                      "Text.", """
        def __init__(self, wide: bool = "yes") -> None:
            pass
    """),
    "check format": ("described", "bench.gate.formats.register_check_format", "bench.gate.formats.json.Json", "Text",
                     ""),
    "audit format": ("builds", "bench.audit.formats.register_audit_format", "bench.audit.formats.json.Json", "It.", """
        def __init__(self, wide: bool = False) -> None:
            raise ZeroDivisionError
    """),
    "audit baseline": ("parameters", "bench.audit.baselines.register_audit_baseline",
                       "bench.audit.baselines.unary.Unary", "Everything.", """
        def __init__(self, **options: int) -> None:
            pass
    """),
}  # fmt: skip


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "domain"])
def test_a_mistake_in_each_kind_is_found(kind: str, plugin: Callable[..., Path]) -> None:
    check, *imported, docstring, body = MISTAKES[kind]
    imports = [f"from {path.rpartition('.')[0]} import {path.rpartition('.')[2]}" for path in imported]
    decorator, base = (path.rpartition(".")[2] for path in imported)
    lines = [*imports, f"@{decorator}", f"class Planted({base}):", f'    """{docstring}"""', "    name = 'planted_one'"]
    (choice,) = registered_in(plugin("\n".join(lines) + indent(dedent(body), "    ")))
    assert choice.registry.kind == kind
    assert check in problems(choice)

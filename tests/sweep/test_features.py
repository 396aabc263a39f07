"""Images of a collection are encoded once for all fusions and seeds, and kept on disk."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import Tensor

from bench.backbones import BACKBONES, create_backbone
from bench.domain import DOMAINS, Domain, Images, Pairs, Split, register_domain, uniforms
from bench.fusion import FUSIONS as ZOO
from bench.model import IMAGE, PairModel, build_model
from bench.spec import parse_spec
from bench.sweep import features, inputs
from bench.sweep.cache import Cache
from bench.sweep.cell import Cell
from bench.training.recipe import Recipe
from bench.training.warmup import WarmupSpec

BACKBONE, PAIRS, IMAGES = "mobilenetv3_small_32", 40, 30


@pytest.fixture
def few(registries: None) -> str:
    @register_domain
    class Few(Domain):
        """Thirty images of noise."""

        name, version = "test_few", 1
        classes = warmup_classes = ("a", "b", "c")

        @property
        def collection(self) -> Tensor:
            return torch.randint(0, 256, (IMAGES, 3, 32, 32), generator=torch.Generator().manual_seed(0)).byte()

        def draw(self, split: Split, seed: int, n: int, start: int = 0) -> Pairs:
            rows = (uniforms((self.name, split, seed), start, n, 2) * IMAGES).long()
            a, b = (Images(self.collection[row], {"class": row % 3, "image": row}) for row in rows.unbind(1))
            return Pairs(a, b, (rows[:, 0] % 3 == rows[:, 1] % 3).long())

        def draw_named(self, split: Split, seed: int, n: int, start: int = 0, easy: bool = False) -> Images:
            return self.draw(split, seed, n, start).a

    return Few.name


@pytest.fixture(autouse=True)
def folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    monkeypatch.setenv("FUSEBENCH_CACHE", str(tmp_path))
    _forget(monkeypatch)
    return tmp_path / "features"


def _forget(monkeypatch: pytest.MonkeyPatch) -> None:
    """As another process would begin."""
    monkeypatch.setattr(features, "_opened", Cache(16))
    monkeypatch.setattr(inputs, "_embeddings", Cache(inputs.ENCODED_BYTES, lambda tensor: tensor.nbytes))


def given(domain: str, fusion: str, seed: int = 0, weights: int = 0) -> tuple[PairModel, tuple[Tensor, Tensor], int]:
    """A model whose backbone is initialised from ``weights``, its inputs, and how many images were encoded for them."""
    model, images = build_model(parse_spec(fusion), BACKBONE, seed=weights), []
    assert model.backbone is not None
    model.backbone.stem.register_forward_hook(lambda stem, args, result: images.append(len(args[0])))
    choice = DOMAINS.settle(domain)
    warmup = WarmupSpec.declared("none", BACKBONE, "color")
    cell = Cell(
        fusion=ZOO.settle(fusion),
        backbone=BACKBONES.settle(BACKBONE),
        domain=choice,
        seed=seed,
        protocol="frozen",
        recipe=Recipe(train_pairs=PAIRS, batch_size=8),
        warmup=warmup,
        eval_domains=(choice,),
        test_pairs=PAIRS,
    )
    return model, inputs.inputs(cell, model, None, choice, "train"), sum(images)


@pytest.mark.parametrize("fusion", ["fmap_diff", "cross_attention", "abs_diff", "attention_gate:map_stage=0"])
def test_gathered_encodings_are_those_of_the_pairs(few: str, fusion: str) -> None:
    model, found, encoded = given(few, fusion, seed=1)
    assert encoded == IMAGES
    pairs = DOMAINS.get(few)().draw("train", 1, PAIRS)
    model.eval()
    for side, images in zip(found, (pairs.a, pairs.b), strict=True):
        with torch.no_grad():
            assert torch.allclose(side, model.encode(images.pixels), rtol=1e-5, atol=1e-5)


def test_all_fusions_seeds_and_processes_share_them(few: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    counts = [given(few, fusion, seed)[2] for seed in (0, 1) for fusion in ("abs_diff", "fmap_diff", "cross_attention")]
    assert counts == [IMAGES, 0, 0, 0, 0, 0]
    _forget(monkeypatch)
    assert given(few, "abs_diff", 2)[2] == 0
    assert given(few, "abs_diff", weights=1)[2] == IMAGES
    assert len([*folder.glob("*.npy")]) == 2


def test_a_damaged_file_is_named_and_computed_again(
    few: str, folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    _, before, _ = given(few, "fmap_diff")
    (file,) = folder.glob("*.npy")
    content = bytearray(file.read_bytes())
    content[-1] ^= 64
    for damage in (content, content[:200], b""):
        file.write_bytes(damage)
        _forget(monkeypatch)
        _, after, encoded = given(few, "fmap_diff")
        assert encoded == IMAGES
        assert torch.equal(after[0], before[0])
        assert f"{file.name}: not the encodings" in capsys.readouterr().err


def test_drawn_images_and_large_collections_are_encoded_pair_by_pair(
    few: str, folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert given("color", "abs_diff")[2] == 2 * PAIRS
    assert capsys.readouterr().err == ""
    monkeypatch.setattr(features, "LARGEST_BYTES", 4 * IMAGES * 96 * 4 * 4 - 1)
    assert given(few, "abs_diff")[2] == 2 * PAIRS
    assert capsys.readouterr().err.startswith(f"{few}: the maps of its 30 images take more than")
    given(few, "fmap_diff")
    assert capsys.readouterr().err == ""
    assert not folder.exists()


def test_kept_encodings_of_pairs_are_found_without_drawing_them(monkeypatch: pytest.MonkeyPatch) -> None:
    before = given("color", "abs_diff", seed=5)[1]
    monkeypatch.setattr(inputs, "draw", lambda *asked: pytest.fail("drawn again"))
    again = given("color", "abs_diff", seed=5)[1]
    assert all(torch.equal(one, other) for one, other in zip(before, again, strict=True))


def test_what_was_used_longest_ago_makes_room(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def keep(name: str) -> int:
        made = []
        monkeypatch.setattr(features, "_opened", Cache(16))
        features.stored({"of": name}, 4, lambda: made.append(name) or [torch.ones(2, 8), torch.zeros(2, 8)], print)
        return len(made)

    assert keep("a") == keep("b") == 1
    size = next(folder.glob("*.npy")).stat().st_size
    monkeypatch.setattr(features, "ALL_BYTES", 2 * size)
    assert keep("a") == 0
    assert keep("c") == 1
    assert keep("a") == 0
    assert keep("b") == 1
    assert len([*folder.glob("*.npy")]) == 2


def test_an_embedding_that_has_seen_no_image_is_centred_on_training_images(few: str, tmp_path: Path) -> None:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        trained = create_backbone(BACKBONE, IMAGE)
        for _ in range(20):  # what follows a BatchNorm that has seen nothing would fade out
            trained.read(torch.randn(64, 3, 32, 32), "embedding")
    state = {name: value for name, value in trained.state_dict().items() if not name.startswith("embedding.")}
    torch.save(state, tmp_path / "w.pt")
    choice = DOMAINS.settle(few)
    warmup = WarmupSpec.declared(f"file:{tmp_path / 'w.pt'}", BACKBONE, "color")
    cell = Cell(
        ZOO.settle("abs_diff"), BACKBONES.settle(BACKBONE), choice, 0, "frozen", Recipe(), warmup, (choice,), PAIRS
    )
    model = build_model(cell.fusion, BACKBONE, weights=cell.weights)
    inputs.settle_embedding(cell, model)
    a, _ = inputs.inputs(cell, model, None, choice, "train")
    seen = a[: inputs.SETTLING]
    assert torch.allclose(seen.mean(0), torch.zeros(128), atol=1e-3)
    assert torch.allclose(seen.std(0), torch.ones(128), atol=2e-2)

"""What a stored model says of files."""

import csv
import io
import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import bench
from bench.errors import UsageError
from bench.models.files import stored_models
from bench.models.matches import best_matches
from bench.models.pair_list import read_pair_list
from bench.models.predict import as_csv, as_json, predict_against, predict_files
from bench.sweep.inputs import draw


@pytest.fixture(scope="module")
def models(kept):
    """A model of each fusion, by its name."""
    found = [bench.load_model(weights) for weights in stored_models(kept / "models")]
    return {model.card.cell.fusion: model for model in found}


@pytest.fixture
def pictures(models, tmp_path):
    """Six test pairs as files, and a list of them with labels."""
    pairs = draw(models["concat"].cell.domain, "test", 0, 6)
    rows = ["a,b,label"]
    for side, images in (("a", pairs.a), ("b", pairs.b)):
        for number, image in enumerate(images.pixels):
            Image.fromarray(image.permute(1, 2, 0).numpy()).save(tmp_path / f"{number}{side}.png")
    rows += [f"{number}a.png,{number}b.png,{int(label)}" for number, label in enumerate(pairs.label)]
    (tmp_path / "pairs.csv").write_text("\n".join(rows))
    return tmp_path, pairs


def test_a_list_of_files_is_scored_as_the_pairs_are(models, pictures):
    folder, pairs = pictures
    for model in models.values():
        found = predict_files(model, [str(folder / "pairs.csv")])
        scores = model.scores(pairs.a.pixels, pairs.b.pixels)
        np.testing.assert_array_equal(found.predicted.scores, scores)
        assert found.accuracy == ((scores > 0) == pairs.label.numpy()).mean()
        single = predict_files(model, [str(folder / "2a.png"), str(folder / "2b.png")])
        np.testing.assert_allclose(single.predicted.scores, scores[2:3], atol=1e-4)
        assert single.accuracy is None
        read = list(csv.DictReader(io.StringIO(as_csv(found))))
        assert [np.float32(row["score"]) for row in read] == scores.tolist()
        assert [{key: str(value) for key, value in row.items()} for row in json.loads(as_json(found))] == read


def test_called_with_images_it_says_scores_probabilities_and_decisions(models, pictures):
    folder, pairs = pictures
    model = models["cosine"]
    found = model(folder / "0a.png", [folder / f"{number}b.png" for number in range(6)])
    assert len(found) == 6
    np.testing.assert_array_equal(found.same, found.scores > 0)
    np.testing.assert_array_equal(found.probabilities, model.card.calibration(found.scores))
    np.testing.assert_allclose(found.scores, model(pairs.a.pixels[0], pairs.b.pixels).scores, atol=1e-5)


def test_the_best_matches_are_those_of_all_pairs(models, pictures):
    _, pairs = pictures
    a, b = pairs.a.pixels, pairs.b.pixels
    for model in models.values():
        every = np.stack([model.scores(one.expand_as(b), b) for one in a])
        every[0, 3] = -np.inf
        found = best_matches(model, a, b, 2, [3, *[None] * 5])
        np.testing.assert_allclose(found.scores, np.sort(every, axis=1)[:, :-3:-1].ravel(), atol=1e-4)
        np.testing.assert_allclose(found.scores, every[found.a, found.b], atol=1e-4)
        assert found.a.tolist() == np.repeat(range(6), 2).tolist()


def test_an_image_is_not_its_own_match(models, pictures):
    folder, _ = pictures
    said = []
    found = predict_against(models["cosine"], folder, folder, 99, said.append)
    assert len(found.a) == 12 * 11
    assert not any(a == b for a, b in zip(found.a, found.b, strict=True))
    assert said == ["132 pairs, each image encoded once"]


def test_an_image_under_two_names_is_not_its_own_match(models, tmp_path):
    Image.new("RGB", (9, 9)).save(tmp_path / "one.png")
    Image.new("RGB", (9, 9), "red").save(tmp_path / "other.png")
    (tmp_path / "link.png").symlink_to(tmp_path / "one.png")
    found = predict_against(models["cosine"], tmp_path / "one.png", tmp_path, 3, lambda _: None)
    assert [Path(name).name for name in found.b] == ["other.png"]


def test_a_list_that_cannot_be_used_is_refused(tmp_path):
    path = tmp_path / "pairs.csv"
    for text, why in (
        ("a,label\nx,1", "no column b"),
        ("a,b\n", "no pairs found"),
        ("a,b\nx,", "row 2 has no b"),
        ("a,b,label\nx,y,maybe", "row 2: label 'maybe'"),
        ("a,b,label\nx,y,1\nx,y, z,1", "row 3 has more values than columns"),
        ('a,b\nx,y\nx,"y\nx,y', "not a readable CSV file in UTF-8 .unexpected end of data"),
        ("a,b\n\xff\xfe,y", "UTF-8"),
    ):
        path.write_bytes(text.encode("latin-1"))
        with pytest.raises(UsageError, match=why):
            read_pair_list(path)
    with pytest.raises(UsageError, match="No such file"):
        read_pair_list(tmp_path / "none.csv")
    path.write_text("a,b\nx,y")
    assert read_pair_list(path).label is None

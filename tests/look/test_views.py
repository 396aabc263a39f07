"""What views show, recomputed another way."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import expit

from bench.domain import Images, Pairs
from bench.errors import NotApplicableError
from bench.look.subject import Subject
from bench.look.views.attention import as_weights, from_sharpest, grid_of, seen
from bench.look.views.clusters import numbers, silhouettes, unit
from bench.look.views.embeddings import pca
from bench.look.views.galleries import ends, surest
from bench.look.views.gradients import integrated_gradients
from bench.look.views.occlusion import occlusion
from bench.look.views.reliability import isotonic, points, rescaled, temperature
from bench.metrics import binary_log_loss, expected_calibration_error
from bench.plots.contract import NothingToDrawError

# Subject


def test_captions_tell_the_stored_scores(looked: Any) -> None:
    subject, stored = looked.subject("concat"), looked.stored("concat")
    assert np.array_equal(subject.scores, stored["color"])
    assert np.array_equal(subject.cosine, stored["color/cosine"])
    for row in (0, 17, 63):
        sides = subject.pairs.a, subject.pairs.b
        a, b = (subject.domain.classes[int(side.latents["class"][row])] for side in sides)
        named, scored, sure = subject.caption(row)
        assert named == f"{a}, {b}"
        assert scored == f"score {stored['color'][row]:+z.2f}, cos {stored['color/cosine'][row]:z.2f}"
        assert sure == f"P(same) {subject.stored.probabilities(stored['color'])[row]:.2f}"


def test_the_scores_of_an_objective_without_scores_are_the_stored_ones(looked: Any) -> None:
    assert np.array_equal(looked.subject("cosine").scores, looked.stored("cosine")["color"])


def test_an_image_that_is_never_alone_has_no_encoding(looked: Any) -> None:
    assert looked.subject("two_channel").cosine is None
    with pytest.raises(NotApplicableError, match="joins the images before"):
        _ = looked.subject("two_channel").encoded


def test_encodings_are_those_of_the_images(looked: Any) -> None:
    subject = looked.subject("concat")
    assert len(subject.encoded.vectors) == 2 * len(subject.pairs)
    with torch.inference_mode():
        one = subject.stored.model.encode(subject.pairs.b.pixels[3:4])[0]
    np.testing.assert_allclose(subject.encoded.vectors[len(subject.pairs) + 3], one, rtol=1e-3, atol=1e-5)


def test_examples_show_each_label_and_the_surest_mistakes(looked: Any) -> None:
    subject = looked.subject("concat")
    assert [*subject.label[subject.examples[:4]]] == [1, 1, 0, 0]
    for row in subject.examples[4:]:
        alike = ~subject.right & (subject.label == subject.label[row])
        assert abs(subject.scores[row]) == np.abs(subject.scores[alike]).max()


# Galleries


@given(st.lists(st.tuples(st.booleans(), st.integers(-3, 3)), min_size=1, max_size=30))
@settings(max_examples=50, deadline=None)
def test_galleries_hold_the_ends_in_order(pairs: list[tuple[bool, int]]) -> None:
    label = np.array([int(same) for same, _ in pairs])
    values = np.array([value for _, value in pairs], dtype=np.float32)
    for one in ends(label, values, "score", 4):
        sign = -1 if one.title.startswith("Closest") else 1
        own = [row for row in range(len(label)) if bool(label[row]) == (" same " in one.title)]
        assert [*one.rows] == sorted(own, key=lambda row: (sign * values[row], row))[:4]
    right = (values > 0) == (label == 1)
    mistakes, decisions = surest(values, right, 4)
    assert not right[mistakes.rows].any()
    assert right[decisions.rows].all()
    for one in (mistakes, decisions):
        assert [*np.abs(values[one.rows])] == sorted(np.abs(values[one.rows]), reverse=True)


def test_a_pair_that_was_drawn_twice_is_shown_once() -> None:
    values, right = np.array([-3, -3, -1, 2, -2], dtype=np.float32), np.zeros(5, dtype=bool)
    pictured = np.array([0, 0, 1, 2, 3])
    mistakes, _ = surest(values, right, 3, pictured)
    assert [*mistakes.rows] == [0, 3, 4]
    farthest = {one.title: [*one.rows] for one in ends(np.zeros(5, dtype=np.int64), values, "score", 3, pictured)}
    assert farthest["Farthest different by score"] == [0, 4, 2]


def test_pairs_of_the_same_pictures_have_one_number(looked: Any) -> None:
    subject = Subject(looked.subject("concat").stored)
    rows = torch.tensor([0, 1, 2, 1])
    a, b = (Images(side.pixels[rows], {}) for side in (subject.pairs.a, subject.pairs.b))
    subject.pairs = Pairs(a, b, subject.pairs.label[rows])
    assert [*subject.pictured] == [0, 1, 2, 1]


def test_scores_that_are_all_equal_are_said_to_be() -> None:
    label = np.array([0, 1, 0])
    for one in ends(label, np.ones(3, dtype=np.float32), "score", 2):
        assert one.text.endswith("All are equal.")
        assert [*one.rows] == [*np.flatnonzero(label == (" same " in one.title))]


# Occlusion


def test_to_hide_what_shows_nothing_changes_nothing() -> None:
    even = torch.full((3, 12, 12), 77, dtype=torch.uint8)

    def score(a: torch.Tensor, b: torch.Tensor) -> Any:
        return (a.float() * a.float() + 3 * b.float()).sum((1, 2, 3)).numpy()

    assert (occlusion(score, even, even, 4) == 0).all()


def test_only_the_place_that_the_score_reads_matters_and_only_in_its_image() -> None:
    a, b = torch.randint(0, 256, (2, 3, 16, 16), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    b[:, 9, 2] = 255

    def score(a: torch.Tensor, b: torch.Tensor) -> Any:
        return b[:, 0, 9, 2].float().numpy()

    heat = occlusion(score, a, b, 8)
    assert (heat[0] == 0).all()
    # The pixel lies in place (4, 1), and so do parts of the squares that reach one place further on each side.
    assert {(int(y), int(x)) for y, x in np.argwhere(heat[1])} == {(y, x) for y in (3, 4, 5) for x in (0, 1, 2)}
    assert heat[1, 4, 1] == heat[1].max() == 255 - round(float(b[0].float().mean()))
    assert heat[1, 3, 0] == heat[1, 4, 1] / 4


# Attention


def test_what_is_seen_and_what_the_sharpest_place_sees() -> None:
    weights = np.zeros((1, 2, 4, 4))
    weights[0, 0] = 0.25
    weights[0, 0, 2] = [0.1, 0.1, 0.7, 0.1]
    weights[0, 1] = np.eye(4)
    weights[0, 1, 3] = [0.5, 0.5, 0, 0]
    assert np.allclose(seen(weights)[0, 1], weights[0, 0].mean(0))
    assert np.allclose(seen(weights)[0, 0], weights[0, 1].mean(0))
    assert (seen(weights[:, :1])[0, 0] == 0).all()
    marks, found = from_sharpest(weights)
    assert marks == [(2, 0)]
    assert np.allclose(found[0, 1], weights[0, 0, 2])
    assert np.allclose(found[0, 0], [1, 0, 0, 0])


def test_weights_of_another_shape_are_told(looked: Any) -> None:
    with pytest.raises(NothingToDrawError, match=r"gate is \(2, 3, 4\); expected \(B, 2, L\) or \(B, 2, L, L\)"):
        as_weights("gate", torch.zeros(2, 3, 4))
    assert grid_of(16, looked.subject("concat")) == (4, 4)
    with pytest.raises(NothingToDrawError, match="15 places make no grid of a 32x32 image"):
        grid_of(15, looked.subject("concat"))


# Gradients


@pytest.mark.parametrize("fusion", ["concat", "two_channel"])
def test_gradients_add_up_to_the_difference_of_the_scores(looked: Any, fusion: str) -> None:
    subject = looked.subject(fusion)
    model, (a, b) = subject.stored.model, subject.images(np.arange(2))
    heat, missed = integrated_gradients(model, a, b, 16)
    assert heat.shape == (2, 2, 32, 32)
    with torch.no_grad():
        gained = (model(a, b) - model.score_normalised(torch.zeros_like(model.together(a, b)))).numpy()
    assert np.abs(heat.sum((1, 2, 3)) - gained).max() == pytest.approx(missed, rel=0.02, abs=1e-4)
    assert missed < 0.3 * np.abs(gained).max() + 0.05


# Embeddings and clusters


def test_principal_components_are_those_of_scikit_learn() -> None:
    from sklearn.decomposition import PCA

    vectors = np.random.default_rng(0).normal(size=(40, 6)).astype(np.float32) * np.arange(1, 7, dtype=np.float32)
    flat, share = pca(vectors)
    other = PCA(2).fit(vectors)
    np.testing.assert_allclose(np.abs(flat), np.abs(other.transform(vectors)), atol=1e-3)
    assert share == pytest.approx(other.explained_variance_ratio_.sum(), rel=1e-4)
    assert (flat[np.abs(flat).argmax(0), [0, 1]] > 0).all()
    assert pca(np.ones((5, 1), dtype=np.float32))[0].shape == (5, 2)


def test_silhouettes_are_those_of_plain_loops() -> None:
    rng = np.random.default_rng(0)
    blobs = np.concatenate([rng.normal(at, 0.2, size=(9, 3)) for at in ((3, 0, 0), (0, 3, 0), (0, 0, 3))])
    vectors = unit(blobs.astype(np.float32))
    found = silhouettes(vectors, [2, 3, 5])
    assert max(found, key=lambda k: found[k][0]) == 3
    value, clusters = found[3]
    widths = []
    for i, point in enumerate(vectors):
        far = {c: [np.linalg.norm(point - other) for other in vectors[clusters == c]] for c in set(clusters)}
        own = sum(far[clusters[i]]) / (len(far[clusters[i]]) - 1)
        nearest = min(np.mean(distances) for c, distances in far.items() if c != clusters[i])
        widths.append((nearest - own) / max(nearest, own))
    assert value == pytest.approx(np.mean(widths), abs=1e-5)


def test_the_classes_are_among_the_numbers_that_are_tried_and_one_point_has_no_clusters() -> None:
    assert {2, 10} <= set(numbers(2, 100)) <= set(range(2, 11))
    assert 27 in numbers(27, 1000)
    assert max(numbers(50, 20)) < 20
    assert silhouettes(np.ones((10, 3), dtype=np.float32), [2, 3]) == {}


# Reliability


def test_calibration_before_rescaling_is_that_of_the_record(looked: Any) -> None:
    subject = looked.subject("concat")
    ways = rescaled(subject)
    error = expected_calibration_error(subject.label, ways["as trained"])
    assert error == pytest.approx(subject.evaluated.metrics["color"]["ece"], rel=1e-6)
    assert len(ways) == 4
    assert all(((one >= 0) & (one <= 1)).all() for one in ways.values())


def test_rescaling_finds_the_temperature_that_scores_were_spoilt_by() -> None:
    rng = np.random.default_rng(0)
    logits = rng.normal(0, 2, 4000)
    label = (rng.random(4000) < expit(logits)).astype(np.int64)
    spoilt = (5 * logits).astype(np.float32)
    heat = temperature(spoilt, label)
    assert heat == pytest.approx(5, rel=0.1)
    tried = [binary_log_loss(label, spoilt / t) for t in (0.9 * heat, heat, 1.1 * heat)]
    assert tried[1] == min(tried)
    own = isotonic(spoilt, label, spoilt)
    assert (np.diff(own[np.argsort(spoilt, kind="stable")]) >= 0).all()
    assert expected_calibration_error(label, own) < 0.02 < expected_calibration_error(label, expit(spoilt))
    chance, share = points(label, own)
    np.testing.assert_allclose(chance, share, atol=0.06)

"""What follows from what was tried: a verdict on findings that the test makes up."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from bench.debug.course import Course, Look
from bench.debug.findings import Findings, verdict
from bench.debug.page import page
from bench.debug.trials import Trial
from bench.training.checks import Check
from bench.training.loop import History

CONE = {"cosine_low": 0.9951, "cosine_high": 0.9999, "compared_lowest": 0.3}


def trial(name: str, accuracy: float = 1.0, loss: float = 0.1, **facts: object) -> Trial:
    made = {"low": -2.0, "high": 2.0, "right": accuracy, **facts}
    return Trial(name, [(64, loss, accuracy)], **made)  # type: ignore[arg-type]


def healthy() -> Findings:
    check = Check(3200, 96, 0.2, 0.9, 0.9, 0.9, 0.9, 0.0, {"stem": 0.1, "head": 0.2})
    look = Look(np.array([1.0, -1.0], np.float32), None, {"embedding_std": 0.9})
    history = History(curve=[(3200, 0.2, 0.95)], examples=3200, checks=[check])
    course = Course(history, look, look, np.array([1, 0]), None, "", {})
    by_heart = [trial(name) for name in ("one different pair", "one pair of each label", "one batch")]
    one_label = [trial("different pairs alone"), trial("same pairs alone")]
    rates = [trial("2e-05", 0.5, 0.69), trial("0.002", 0.9, 0.2), Trial("0.2", diverged="the loss is not finite")]
    return Findings(course, by_heart, one_label, [trial("loss x 1"), trial("loss x 10")], rates, 0.002)


def test_nothing_is_wrong_with_what_passes_everything() -> None:
    assert healthy().problems() == []
    first, scale, rate, diverged = verdict(healthy())
    assert first.startswith("nothing that was tried stands in its way: after 3,200 pairs its training accuracy is 0.95")
    assert "ends alike" in scale
    assert rate.startswith("of the rates tried 0.002 ends lowest")
    assert "about that of the recipe" in rate
    assert diverged == "it diverges at a rate of 0.2"


def test_a_cone_is_named_with_what_makes_it() -> None:
    found = healthy()
    before = replace(found.course.before, measures=CONE)
    course = replace(found.course, before=before, squashing={"fusion.project.1": "Sigmoid"})
    (problem,) = replace(found, course=course).problems()
    assert problem == (
        "before training the vectors that it compares lie within a cone: every cosine is between 0.995 and 1.000, "
        "because none of their entries is negative; there is Sigmoid (fusion.project.1)"
    )


def test_the_smallest_set_that_cannot_be_learned_by_heart_is_named_alone() -> None:
    found = healthy()
    by_heart = [found.by_heart[0], trial("one pair of each label", 0.5), trial("one batch", 0.5)]
    (problem,) = replace(found, by_heart=by_heart).problems()
    assert problem.startswith("it cannot learn one pair of each label by heart (training accuracy 0.50, loss 0.1,")
    forgotten = [*found.by_heart[:2], trial("one batch", right=0.5)]
    (problem,) = replace(found, by_heart=forgotten).problems()
    assert "one batch learned by heart is wrong again in evaluation mode (50% right)" in problem


def test_a_score_that_cannot_be_negative_and_a_layer_without_gradient_are_problems() -> None:
    found = healthy()
    stuck = [trial("different pairs alone", 0.0, low=0.4, high=0.9), found.one_label[1]]
    starved = replace(found.course.history.checks[0], gradients={"stem": 0.0, "head": 0.2})
    course = replace(found.course, history=replace(found.course.history, checks=[starved]))
    label, gradient = replace(found, one_label=stuck, course=course).problems()
    assert label.startswith("trained on different pairs alone its scores do not become negative (0.4 to 0.9)")
    assert gradient == "next to no gradient reaches stem (0); the largest norm of a layer is 0.2"


def test_the_page_holds_the_verdict_and_escapes_what_is_foreign() -> None:
    html = page("<b>", "bench debug x", replace(healthy(), known_failure="<i>"), {"Learning rates": b"png"})
    assert "<h1>&lt;b&gt;</h1>" in html
    assert "The fusion says of itself: &lt;i&gt;." in html
    assert 'src="data:image/png;base64,cG5n"' in html
    assert "<td>the loss is not finite</td>" in html
    assert "http" not in html.replace("http-equiv", "")

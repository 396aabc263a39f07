"""What the repetitions of a report are called: replicates where records are replicates, in every sentence and table."""

import re

import numpy as np
import pytest

NOVEL = "color:shift=novel"
LEVELS = {"concat": 0.9, "abs_diff": 0.95, "neg_l2": 0.8, "cosine": 0.9}


@pytest.fixture
def records(record, strata):
    """Ten replicates with all that reports have a block for."""
    rng = np.random.default_rng(0)

    def make(fusion, number, level, backbone, **more):
        near = [float(value) for value in level + rng.normal(0, [0.004, 0.03, 0.03])]
        of = record(fusion, number, near[0], abroad={NOVEL: near[1] - 0.05, "texture": near[2] - 0.1},
                    repeats="replicate", backbone=backbone, **more)  # fmt: skip
        of["eval"]["color"] |= {"quarter": "seen", "strata": strata({"far": near[1], "near": near[2]})}
        of["eval"][NOVEL]["quarter"] = "novel"
        return of

    found = []
    for backbone in ("mobilenetv3_small_32", "resnet18"):
        for number in range(10):
            found += [make(fusion, number, level, backbone) for fusion, level in LEVELS.items()]
            found.append(make("moody", number, 0.7 if number else 0.5, backbone, diagnostics={"overfits_from": 2560}))
            found.append(make("lost", number, 0.5, backbone, diagnostics={"note": "the loss never fell"}))
            found.append(make("pixels", number, 0.6, backbone, family="control"))
            found.append(make("name_then_xnor", number, 0.97, backbone, family="reference"))
            found.append(make("kept", number, 0.9, backbone, known_failure="it should not learn"))
            found[-1]["execution"] = {"seeds_together": 5}
        found.append(record("broken", 0, status="error", message="boom", repeats="replicate", backbone=backbone))
    return found


def shown(text):
    """What is read of a report: a page without its scripts, styles and tags; all on one line."""
    page = re.sub(r"<(script|style).*?</\1>", " ", text, flags=re.DOTALL) if text.startswith("<!") else text
    return " ".join(re.sub(r"</?[a-z][^>]*>", " ", page).split())


@pytest.mark.parametrize("form", ["md", "tex", "html", "terminal"])
@pytest.mark.parametrize("most", [2, 10])
def test_replicates_are_never_called_seeds(records, run_folder, bench_report, form, most, monkeypatch):
    monkeypatch.setenv("COLUMNS", "300")
    folder = run_folder([one for one in records if one["seed"] < most])
    text = shown(bench_report(folder, "--baseline", "concat", "--format", form).stdout)
    assert re.findall(r".{,60}seed.{,20}", text, re.IGNORECASE) == []
    assert form == "terminal" or "paired by replicate" in text
    assert most == 10 or "too few replicates" in text


def test_what_is_concluded_counts_replicates(records, run_folder, bench_report):
    text = shown(bench_report(run_folder(records), "--baseline", "concat").stdout)
    for said in (
        ", 10 replicates)",
        "these replicates alone",
        "and the rest with the replicate.",
        "Mean rank by accuracy over 10 replicates",
        "some replicates not learned",
        "moody × resnet18, replicates 0, 1, 2, 3, 4, 5, 6, 7, 8, 9: overfits",
        "broken × resnet18, replicate 0: error",
        "| fusion x replicate ",
        "what all replicates share, such as weights that others trained, is in none of them",
        "t interval over replicates. Paired t tests",
    ):
        assert said in text
    two = shown(
        bench_report(run_folder([one for one in records if one["seed"] < 2], "two"), "--baseline", "concat").stdout
    )
    assert "2 shared replicates, it takes 3 to infer anything. To find 1 point" in two

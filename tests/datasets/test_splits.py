"""Splits of labelled images by image, class, group or both: what is seen and new is what training shows."""

import importlib
from collections.abc import Sequence

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from bench import zoo
from bench.errors import UsageError
from bench.quarters import QUARTERS

zoo.load()
splits = importlib.import_module("_fusebench_plugins.datasets.splits")
dealt = importlib.import_module("_fusebench_plugins.datasets.dealt")
bank = importlib.import_module("_fusebench_plugins.datasets.bank")
Plan, split_images = dealt.Plan, splits.split_images

# 40 classes in 6 groups; a sixth of the cells is empty.
CELLS = [(c, g) for c in range(40) for g in range(6) if (c + g) % 6]
CLASSES = tuple(f"c{c}" for c, _ in CELLS for _ in range(2))
GROUPS = tuple(f"g{g}" for _, g in CELLS for _ in range(2))
PLANS = (
    Plan(),
    Plan(held_out=9),
    Plan(split="class"),
    Plan(split="class", held_out_groups=1),
    Plan(split="group"),
    Plan(split="group", held_out=9),
    Plan(split="both"),
)
OWN = ("novel_group", "novel_group", "novel", "novel", "novel_group", "novel_group", "novel_both")
TRAIN, VAL, TEST = range(3)


def made(plan: object, groups: tuple[str, ...] | None = GROUPS, given: tuple[str, ...] | None = None) -> object:
    return split_images("here", CLASSES, groups, plan, given)


def of(values: Sequence[str], mask: torch.Tensor) -> set[str]:
    return {value for value, chosen in zip(values, mask.tolist(), strict=True) if chosen}


@pytest.mark.parametrize(("plan", "own"), list(zip(PLANS, OWN, strict=True)))
@given(seed=st.integers(0, 200), fold=st.integers(0, 2))
@settings(max_examples=8, deadline=None)
def test_a_quarter_is_what_training_and_validation_make_it(plan: object, own: str, seed: int, fold: int) -> None:
    found = made(Plan(**{**vars(plan), "split_seed": seed, "fold": fold}))
    train, shown = found.parts == TRAIN, (found.parts == TRAIN) | (found.parts == VAL)
    assert found.own == own
    assert torch.equal(found.parts == TEST, found.in_quarter(own))
    for name in QUARTERS:
        images = found.in_quarter(name)
        assert not (images & shown).any()
        for values, new in (
            (CLASSES, name in ("novel", "novel_both")),
            (GROUPS, name in ("novel_group", "novel_both")),
        ):
            inside = of(values, images)
            assert not (inside & of(values, shown)) if new else inside <= of(values, train)
    assert [found.names[number] for number in found.classes.tolist()] == list(CLASSES)


@pytest.mark.parametrize("plan", PLANS[3:])
def test_whole_classes_and_groups_stay_in_one_split(plan: object) -> None:
    found = made(plan)
    for values, whole in ((CLASSES, plan.split in ("class", "both")), (GROUPS, plan.split in ("group", "both"))):
        if whole:
            assert not of(values, found.parts == TRAIN) & of(values, found.parts == VAL)
            assert not of(values, found.parts == TEST) & of(values, found.parts == VAL)


@pytest.mark.parametrize("plan", PLANS)
def test_all_four_quarters_have_pairs_where_both_are_held_out(plan: object) -> None:
    found = made(plan)
    has_new = {
        "class": {"novel"} | ({"novel_group", "novel_both"} if plan.held_out_groups else set()),
        "both": {"novel", "novel_group", "novel_both"},
    }.get(plan.split, {"novel_group"} | ({"novel", "novel_both"} if plan.held_out else set()))
    assert {name for name in QUARTERS if found.in_quarter(name).any()} == has_new | {"seen"}


def test_every_class_is_tested_once_over_the_folds_and_shares_are_those_stated() -> None:
    tested = []
    for fold in range(4):
        found = made(Plan(split="class", fold=fold))
        classes = [of(CLASSES, found.parts == part) for part in (TRAIN, VAL, TEST)]
        assert list(map(len, classes)) == [24, 6, 10]
        tested += sorted(classes[TEST])
    assert sorted(tested) == sorted(set(CLASSES))


def test_about_a_tenth_of_training_is_withheld_for_seen_pairs() -> None:
    found = made(Plan(split="class"))
    withheld, left = int(found.in_quarter("seen").sum()), int((found.parts == TRAIN).sum())
    assert 0.07 < withheld / (withheld + left) < 0.13
    assert (
        min(np.bincount(found.classes[found.in_quarter("seen")].numpy()).tolist(), key=lambda n: n or 9)
        >= bank.MIN_IMAGES
    )


def test_without_groups_only_classes_are_new_and_nothing_needs_to_be_withheld() -> None:
    found = made(Plan(held_out=9), groups=None)
    assert found.own == "seen"
    assert {name for name in QUARTERS if found.in_quarter(name).any()} == {"seen", "novel"}
    assert found.held_out == 9
    assert of(CLASSES, found.in_quarter("novel")) == set(found.names[-9:])


def test_groups_of_one_class_each_are_as_new_as_the_class() -> None:
    found = made(Plan(split="class"), groups=tuple(f"{c} {g}" for c, g in zip(CLASSES, GROUPS, strict=True)))
    assert found.own == "novel_both"


def test_splits_follow_the_names_and_not_their_order() -> None:
    order = np.random.default_rng(0).permutation(len(CLASSES))
    moved = split_images("here", *(tuple(np.array(v)[order].tolist()) for v in (CLASSES, GROUPS)), Plan(split="both"))
    assert torch.equal(moved.parts == TEST, (made(Plan(split="both")).parts == TEST)[torch.from_numpy(order)])


def test_the_fold_of_most_groups_validates() -> None:
    # Class folds of the same size, one of which has a group per image.
    classes = tuple(f"c{i % 2}" for i in range(60))
    groups = tuple(f"many {i}" if i < 12 else f"few {(i - 12) // 12}" for i in range(60))
    found = split_images("here", classes, groups, Plan(split="group", fold=1, val="most_groups"), None)
    count = {part: len(of(groups, found.parts == part)) for part in (VAL, TEST)}
    per_fold = [
        len(of(groups, split_images("here", classes, groups, Plan(split="group", fold=fold), None).parts == TEST))
        for fold in range(5)
    ]
    assert count[VAL] == max(number for fold, number in enumerate(per_fold) if fold != 1)


def test_splits_that_the_user_gives_stand_and_their_quarter_is_found() -> None:
    given = tuple("train" if c < 20 else "val" if c < 25 else "test" for c, _ in CELLS for _ in range(2))
    found = made(Plan(), given=given)
    assert found.own == "novel"
    assert [("train", "val", "test")[part] for part in found.parts.tolist()] == list(given)
    mixed = tuple("test" if g == 5 or c > 30 else "val" if g == 4 else "train" for c, g in CELLS for _ in range(2))
    found = made(Plan(), given=mixed)
    assert found.own == ""
    assert [("train", "val", "test")[part] for part in found.parts.tolist()] == list(mixed)
    assert of(CLASSES, found.in_quarter("novel_group")) & of(CLASSES, found.parts == TRAIN)


@pytest.mark.parametrize(
    ("plan", "groups", "message"),
    [
        (Plan(split="pixel"), GROUPS, "split='pixel'; expected one of image, class, group, both"),
        (Plan(val="best"), GROUPS, "val='best'; expected one of next, most_groups"),
        (Plan(split="group"), None, "split=group needs groups"),
        (Plan(split="class", held_out=3), GROUPS, "held_out=3; split=class tests new classes anyway"),
        (Plan(held_out_groups=1), GROUPS, "held_out_groups=1; expected 0 unless split=class"),
        (Plan(split="class", held_out_groups=6), GROUPS, "held_out_groups=6 of 6 groups; expected 0 to 5"),
        (Plan(split="class", fold=4), GROUPS, "fold=4; there are 4 folds, 0 to 3"),
        (Plan(split_seed=-1), GROUPS, "split_seed=-1; expected 0 or more"),
        (Plan(held_out=39), GROUPS, "held_out=39 of 40 classes; expected 0 to 38"),
    ],
)
def test_plans_that_do_not_fit_are_refused_in_one_line(plan: object, groups: object, message: str) -> None:
    with pytest.raises(UsageError, match=message) as caught:
        made(plan, groups)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("classes", "plan", "message"),
    [
        (tuple("aabbccdd"), Plan(split="class"), "4 classes; with split=class at least 6 are needed"),
        (tuple("aabbcc"), Plan(), "class 'a' has 2 images; .* with split=class two are enough"),
        (tuple("abcdefghijkl"), Plan(split="class"), "the split train has no two classes of 2 images or more"),
    ],
)
def test_too_few_images_are_told_with_what_would_do(classes: tuple[str, ...], plan: object, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        split_images("here", classes, None, plan, None)


def test_pairs_across_groups_do_not_tell_their_label_by_the_groups() -> None:
    found = made(Plan(split="class"))
    part = bank.Part(found.parts == TRAIN, found.classes, len(found.names), found.groups)
    usable = part.spans_groups.nonzero()[:, 0]
    n, rng = 20_000, torch.Generator().manual_seed(0)
    a = usable[torch.randint(len(usable), (n,), generator=rng)]
    b = usable[torch.randint(len(usable), (n,), generator=rng)]
    b[::2] = a[::2]
    one, other = part.pick_across(a, b, torch.rand(n, bank.ACROSS_COLUMNS, generator=rng, dtype=torch.float64))
    assert (found.parts[torch.cat([one, other])] == TRAIN).all()
    assert torch.equal(found.classes[one], a)
    assert torch.equal(found.classes[one] == found.classes[other], a == b)
    group_a, group_b = found.groups[one], found.groups[other]
    assert (group_a != group_b).all()
    same = a == b
    tables = [torch.bincount(6 * group_a[rows] + group_b[rows], minlength=36) / rows.sum() for rows in (same, ~same)]
    assert (tables[0] - tables[1]).abs().max() < 0.012

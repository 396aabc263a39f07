"""The domain ``pairs``: a user's own pairs come as listed, no image in two splits, and one line says what is wrong."""

from collections import Counter
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from bench import zoo
from bench.domain import DOMAINS, Domain, build_domain
from bench.errors import UsageError

zoo.load()
ListedPairs = DOMAINS.get("pairs")
Row = tuple[str, ...]
SPLITS = ("train", "val", "test")


def write_image(path: Path, seed: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.random.default_rng(seed).integers(0, 256, (16, 16, 3), dtype=np.uint8)).save(path)


@pytest.fixture
def make(tmp_path: Path) -> Callable[..., Path]:
    """Writes a list and every file that it names; the header tells what stands in a row."""

    def write(rows: list[Row], header: str = "a,b,label", name: str = "list.csv") -> Path:
        for seed, file in enumerate(sorted({file for row in rows for file in row[:2]})):
            write_image(tmp_path / file, seed)
        (tmp_path / name).write_text("\n".join([header, *(",".join(row) for row in rows)]) + "\n")
        return tmp_path / name

    return write


def apart(n: int) -> list[Row]:
    """Pairs that share nothing, every third one same."""
    return [(f"{i}a.png", f"{i}b.png", "same" if i % 3 == 0 else "different") for i in range(n)]


def shown(domain: Domain, split: str, n: int = 400) -> set[int]:
    pairs = domain.draw(split, 0, n)
    return {*pairs.a.latents["image"].tolist(), *pairs.b.latents["image"].tolist()}


def test_pairs_are_those_listed_with_their_labels_and_half_are_same(make: Callable[..., Path]) -> None:
    rows = apart(60)
    domain = ListedPairs(str(make(rows)), size=16)
    listed = {row[:2]: int(row[2] == "same") for row in rows}
    drawn: Counter[tuple[str, str]] = Counter()
    for split in SPLITS:
        pairs = domain.draw(split, 0, 200)
        files = [[domain.classes[i] for i in side.latents["image"].tolist()] for side in (pairs.a, pairs.b)]
        both = list(zip(*files, strict=True))
        assert [listed[pair] for pair in both] == pairs.label.tolist()
        assert (pairs.label.view(-1, 2).sum(1) == 1).all()
        assert torch.equal(pairs.label, (pairs.a.latents["class"] == pairs.b.latents["class"]).long())
        drawn.update(both)
        for side in (pairs.a, pairs.b):
            assert torch.equal(side.pixels, domain.collection[side.latents["image"]])
    assert drawn.keys() == listed.keys()


def test_a_pair_depends_on_its_number_alone(make: Callable[..., Path]) -> None:
    domain = ListedPairs(str(make(apart(40))), size=16)
    whole = domain.draw("train", 3, 150)
    for start, n in ((0, 1), (1, 1), (7, 60), (149, 1)):
        part = domain.draw("train", 3, n, start)
        assert torch.equal(part.label, whole.label[start : start + n])
        assert torch.equal(part.a.pixels, whole.a.pixels[start : start + n])
        assert torch.equal(part.b.latents["pair"], whole.b.latents["pair"][start : start + n])
    assert not torch.equal(domain.draw("train", 4, 150).a.latents["pair"], whole.a.latents["pair"])


def test_test_pairs_come_once_before_any_comes_again(make: Callable[..., Path]) -> None:
    domain = ListedPairs(str(make(apart(90))), size=16)
    drawn = domain.draw("test", 0, domain.test_pairs)
    assert len(set(drawn.a.latents["pair"].tolist())) == domain.test_pairs
    again = domain.draw("test", 0, 3 * domain.test_pairs)
    of_same = Counter(again.a.latents["pair"][again.label == 1].tolist())
    assert set(of_same.values()) == {3}
    rounds = again.a.latents["pair"][again.label == 1].view(3, -1)
    assert not torch.equal(rounds[0], rounds[1])


def test_which_of_two_neighbours_is_same_is_random(make: Callable[..., Path]) -> None:
    first = ListedPairs(str(make(apart(30))), size=16).draw("train", 0, 800).label[::2]
    assert 150 < int(first.sum()) < 250


def test_every_image_is_in_one_split_and_tested_in_one_fold(make: Callable[..., Path]) -> None:
    # Chains of three pairs, which share an image, and of two chains each a group.
    rows = [
        (f"{c}-{i}.png", f"{c}-{i + 1}.png", str(int(i % 2 == c % 2)), f"g{c // 2}")
        for c in range(40)
        for i in range(3)
    ]
    path = str(make(rows, "a,b,label,group"))
    tested: list[int] = []
    for fold in range(5):
        domain = ListedPairs(path, size=16, fold=fold)
        parts = [shown(domain, split) for split in SPLITS]
        assert sum(map(len, parts)) == len(set.union(*parts)) == 160
        groups = [{int(domain.classes[i].partition("-")[0]) // 2 for i in part} for part in parts]
        assert sum(map(len, groups)) == 20
        tested += parts[2]
    assert sorted(tested) == list(range(160))
    assert shown(ListedPairs(path, size=16, split_seed=1), "test") != shown(ListedPairs(path, size=16), "test")


def test_a_column_split_wins(make: Callable[..., Path]) -> None:
    rows = [(*row, SPLITS[(i // 3) % 3]) for i, row in enumerate(apart(36))]
    domain = ListedPairs(str(make(rows, "a,b,label,split")), size=16)
    for split in SPLITS:
        assert {rows[i][3] for i in domain.draw(split, 0, 100).a.latents["pair"].tolist()} == {split}


def test_only_pairs_are_labelled_in_a_csv_file(make: Callable[..., Path]) -> None:
    assert not ListedPairs(str(make(apart(30))), size=16).names_images


def test_a_large_part_that_hangs_together_is_trained_on_and_never_tested(make: Callable[..., Path]) -> None:
    large = [("hub.png", f"h{i}.png", str(i % 2)) for i in range(40)]
    path = str(make([*large, *((a, b, str(int(label == "same"))) for a, b, label in apart(24))]))
    for fold in range(4):
        domain = ListedPairs(path, size=16, fold=fold)
        hub = domain.classes.index("hub.png")
        assert hub in shown(domain, "train")
        assert hub not in shown(domain, "val") | shown(domain, "test")
    with pytest.raises(UsageError, match="fold=4; there are 4 folds"):
        ListedPairs(path, size=16, fold=4)


def test_the_key_follows_the_content_and_not_the_place(make: Callable[..., Path], tmp_path: Path) -> None:
    path = make(apart(30))
    first = dict(DOMAINS.settle(f"pairs:path={path}").identity())
    assert str(tmp_path) not in str(first)
    rows = apart(30)
    other = make([(*rows[0][:2], "different"), *rows[1:]], name="other.csv")
    assert dict(DOMAINS.settle(f"pairs:path={other}").identity())["content"] != first["content"]


# --- LFW ---


@pytest.fixture
def lfw(tmp_path: Path) -> Path:
    """Three folds of two same and two different pairs; every person has three images."""
    lines = ["3\t2"]
    for fold in range(3):
        people = [f"P{fold}{i}" for i in range(4)]
        for number, person in enumerate(people):
            for i in (1, 2, 3):
                write_image(tmp_path / "faces" / person / f"{person}_{i:04}.png", 100 * fold + 10 * number + i)
        lines += [
            f"{people[0]}\t1\t3",
            f"{people[1]}\t2\t1",
            f"{people[0]}\t1\t{people[2]}\t2",
            f"{people[1]} 3 {people[3]} 1",
        ]
    (tmp_path / "pairs.txt").write_text("\n".join(lines) + "\n")
    return tmp_path


def test_a_list_of_lfw_is_read_with_its_folds_and_people(lfw: Path) -> None:
    domain = build_domain(f"pairs:{lfw}/pairs.txt:root={lfw}/faces:size=16:fold=1")
    assert domain.names_images
    assert domain.test_pairs == 4
    for split, fold in zip(SPLITS, (0, 1, 2), strict=False):
        pairs = domain.draw(split, 0, 40)
        people = [[domain.classes[i] for i in side.latents["class"].tolist()] for side in (pairs.a, pairs.b)]
        assert {person[1] for side in people for person in side} == {str({"test": 1, "val": 2, "train": 0}[split])}, (
            fold
        )
        assert pairs.label.tolist() == [int(a == b) for a, b in zip(*people, strict=True)]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("3\t2\nP00\t1\t3\n", "the first row says 3 2, which is 3 folds of 4 pairs, and there are 1 pairs"),
        ("P00\t1\n", "no pairs found"),
        ("P00\t1\t2\nP00 1 ²\n", "row 2: expected name 1 2 or name 1 other 2, found P00 1 ²"),
        ("P00\t1\t2\nP00 one 2\n", "row 2: expected name 1 2 or name 1 other 2, found P00 one 2"),
        ("P00\t1\t9\n", "row 1: no file P00/P00_0009.jpg in .*expected pairs:FILE:root=FOLDER"),
    ],
)
def test_lists_of_lfw_that_cannot_be_used(lfw: Path, text: str, message: str) -> None:
    (lfw / "bad.txt").write_text(text)
    with pytest.raises(UsageError, match=message):
        ListedPairs(str(lfw / "bad.txt"), root=str(lfw / "faces"))


def test_a_mark_of_the_byte_order_is_no_part_of_a_name(lfw: Path) -> None:
    plain, marked = lfw / "pairs.txt", lfw / "marked.txt"
    marked.write_bytes(b"\xef\xbb\xbf" + plain.read_bytes())
    first, second = (ListedPairs(str(file), root=str(lfw / "faces"), size=16) for file in (plain, marked))
    assert torch.equal(first.draw("test", 0, 8).a.pixels, second.draw("test", 0, 8).a.pixels)


# --- what cannot be used ---

ROW = ("x.png", "y.png", "1")


@pytest.mark.parametrize(
    ("rows", "header", "message"),
    [
        ([ROW], "a,b,same", "no column label; expected a,b,label and .optional. group and split in the first line"),
        ([], "a,b,label", "no pairs found; expected a row per pair"),
        ([("x.png", "y.png", "maybe")], "a,b,label", "row 2: label 'maybe'; expected 1 or same, 0 or different"),
        ([("x.png", "x.png", "1")], "a,b,label", "row 2 pairs x.png with itself"),
        ([ROW, ("y.png", "x.png", "0")], "a,b,label", "row 3 contradicts row 2, y.png and x.png"),
        ([ROW, ROW], "a,b,label", "row 3 repeats row 2"),
        (
            [("hub.png", f"{i}.png", str(i % 2)) for i in range(9)],
            "a,b,label",
            r"9 of 9 pairs hang together .*\(1 comp",
        ),
        ([(*ROW, "dev")], "a,b,label,split", "split 'dev'; expected train, val, test"),
        ([(*ROW, "train"), ("y.png", "z.png", "0", "test")], "a,b,label,split", "x.png and y.png .train. share images"),
        ([(*row[:2], "1") for row in apart(9)], "a,b,label", "the split train has no pair labelled different"),
    ],
)
def test_lists_that_cannot_be_used_are_told_in_one_line(
    make: Callable[..., Path], rows: list[Row], header: str, message: str
) -> None:
    with pytest.raises(UsageError, match=message) as caught:
        ListedPairs(str(make(rows, header)), size=16)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ("fold=5", "fold=5; there are 5 folds"),
        ("size=8", "size=8; expected 16 to 256"),
        ("shift=novel", "unknown shift"),
        ("val=last", "val='last'; expected"),
        ("split_seed=-1", "split_seed=-1; expected 0 or more"),
    ],
)
def test_parameters_out_of_range(make: Callable[..., Path], params: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        build_domain(f"pairs:path={make(apart(40))}:{params}")


def test_a_file_that_is_not_there_is_named(make: Callable[..., Path], tmp_path: Path) -> None:
    path = make(apart(30))
    (tmp_path / "7b.png").unlink()
    with pytest.raises(UsageError, match=r"row 9: no file 7b\.png in "):
        ListedPairs(str(path))
    with pytest.raises(UsageError, match="does not exist; expected a CSV file with the columns a, b, label"):
        ListedPairs(str(tmp_path / "absent.csv"))

"""What the repetitions of two runs are called: replicates where records are replicates, in every finding."""

import re

import pytest

from bench.errors import UsageError

CELL = "concat × mobilenetv3_small_32 on color · finetune · warm-up names · recipe aaaaaaaa"


def test_replicates_are_never_called_seeds(judged, cells):
    base, new = ([*cells("concat", values, repeats="replicate"), *cells("cosine", [0.9, 0.9], repeats="replicate")]
                 for values in ([0.95, 0.96, 0.97, 0.9], [0.91, 0.93, 0.93]))  # fmt: skip
    new[1]["cost"]["parameters"] = 7
    new[2] |= {"status": "error", "error": {"type": "ValueError", "message": "boom"}}
    said = [f"{one.cell}: {one.text}" for one in judged(base, new).findings]
    assert [text for text in said if re.search("seed", text)] == []
    text = "\n".join(said)
    assert "points over 2 replicates, 95 %" in text
    assert "the same on 2 replicates" in text
    assert "260,749 -> 7 (replicate 1)" in text
    assert f"{CELL}, replicate 2: error" in text
    assert f"{CELL}, replicate 3: in the baseline" in text


@pytest.mark.parametrize(
    ("base", "reason"), [("replicate", "; replicate 0 against 9"), ("seed", "; seed or replicate 0 against 9")]
)
def test_nothing_in_common_names_what_is_counted(judged, record, base, reason):
    with pytest.raises(UsageError, match=f"nothing to compare: .*{reason}"):
        judged([record("concat", repeats=base)], [record(seed=9, repeats="replicate")])

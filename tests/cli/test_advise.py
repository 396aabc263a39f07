"""``bench advise`` as a user calls it."""

import pytest


@pytest.fixture
def rows(bench, capfd, tables):
    """The rows that it prints."""

    def ask(*options):
        assert bench("advise", *options) == 0
        (table,) = tables(capfd.readouterr().out)
        return table

    return ask


def test_a_domain_that_a_study_measured_is_told_of_itself_alone(rows):
    (row,) = rows("--domain", "geo:displacement=8", "--protocol", "scratch")
    assert row["your pairs"].startswith("Two pictures displaced")
    assert {row["study"] for row in rows("--domain", "emoji")} == {"finetuned-pairs", "real-pairs"}


def test_other_pairs_are_told_of_pairs_that_are_aligned_as_theirs_are(rows):
    every, others = rows(), rows("--domain", "color")
    assert 0 < len(others) < len(every)
    assert not any("to the pixel" in row["your pairs"] for row in others)


def test_a_protocol_may_be_a_glob(rows):
    assert rows("--protocol", "fro*,") == rows("--protocol", "frozen") != []


def test_what_no_study_tells_of_is_refused(bench, capfd):
    assert bench("advise", "--protocol", "melted") == 2
    assert "allowed: scratch, finetune, frozen" in capfd.readouterr().err

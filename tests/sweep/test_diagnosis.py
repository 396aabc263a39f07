"""Whole cells that collapse, that do not learn and that may not learn."""


def test_cells_say_what_is_wrong_with_them(sweep) -> None:
    code, records, printed = sweep(fusion=["siamese_cosine_sigmoid", "two_channel", "single_image"])
    assert code == 0, "the one that collapses is kept to show how"
    assert "siamese_cosine_sigmoid: collapsed, as it is known to: Sigmoid embeddings are positive" in printed
    raw_cosine, two_channel, control = records
    assert [record["status"] for record in records] == ["collapsed", "ok", "ok"]
    assert "no negative values; remove the Sigmoid or ReLU" in raw_cosine["error"]["message"]
    assert raw_cosine["error"]["message"] in printed.replace("\n", "")
    assert raw_cosine["eval"]["color"]["p_same"] == 1
    assert raw_cosine["diagnostics"]["cosine_low"] > 0
    assert "name_probe" in control["diagnostics"]
    assert "note" not in control["diagnostics"]
    assert isinstance(two_channel["diagnostics"]["loss_is_trivial"], bool)


def test_a_frozen_cell_is_diagnosed_like_any_other(sweep) -> None:
    (record,) = sweep(protocol="frozen")[1]
    assert {"name_probe", "alignment", "uniformity", "embedding_std"} <= set(record["diagnostics"])

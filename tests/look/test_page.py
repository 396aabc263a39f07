"""``bench look`` as a user calls it: the page, its pictures, and what cannot be seen."""

from __future__ import annotations

import base64
import copy
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
import typer
from typer.testing import CliRunner, Result

from bench.cli.look import look
from bench.errors import UsageError
from bench.look.contract import VIEWS
from bench.look.page import page
from bench.look.subject import Subject
from bench.look.visit import visit

Plugin = Callable[..., Path]

MINE = '''
from bench.look.contract import WIDTH, Picture, View, register_view
from bench.plots.style import new_figure


@register_view
class Mine(View):
    """<b>Scores</b> in a row."""

    name = "mine"

    def __init__(self, every: int = 1) -> None:
        self.every = every

    def pictures(self, subject):
        figure = new_figure(WIDTH, 2, "Mine")
        figure.subplots().plot(subject.scores[:: self.every])
        yield Picture("A & B", "Every <i>pair</i>.", figure)
'''


def run(*arguments: object) -> Result:
    app = typer.Typer()
    app.command()(look)
    return CliRunner().invoke(app, [str(part) for part in arguments], catch_exceptions=False)


def test_the_page_holds_each_picture_and_loads_nothing(looked: Any, plugin: Plugin, tmp_path: Path) -> None:
    file, out = plugin(MINE, load=False), tmp_path / "out"
    views = "mine:every=8,histograms,embeddings,attention"
    done = run(looked.path("two_channel"), "--view", views, "--out", out, "--include", file)
    page = (out / "index.html").read_text()
    pictures = sorted(path.name for path in out.glob("*.png"))
    assert pictures == ["histograms-scores.png", "mine-a-b.png"]
    inlined = {base64.b64decode(data) for data in re.findall(r'src="data:image/png;base64,([^"]+)"', page)}
    assert inlined == {(out / name).read_bytes() for name in pictures}
    assert not re.findall(r"""(?:src|href)=["'](?!data:|#)|url\(|@import""", page)
    assert "&lt;b&gt;Scores&lt;/b&gt; in a row." in page
    assert "Every &lt;i&gt;pair&lt;/i&gt;." in page
    assert "not drawn: embeddings: two_channel joins the images before they are encoded" in done.stderr
    assert "not drawn: attention: two_channel does not say where it looks" in done.stderr
    assert "Not drawn: two_channel joins the images" in page
    # In the order in which they are registered, not that of the alphabet or of the command.
    shown = re.findall(r'<section id="(\w+)"', page)
    assert [name for name in shown if name != "mine"] == ["histograms", "attention", "embeddings"]
    accuracy = looked.subject("two_channel").evaluated.metrics["color"]["accuracy"]
    assert f"<dt>accuracy</dt><dd>{accuracy:.4f}</dd>" in page


def test_a_collapsed_model_is_looked_at_like_any_other(looked: Any) -> None:
    stored = looked.subject("concat").stored
    flat = copy.deepcopy(stored.model)
    with torch.no_grad():
        for weight in flat.parameters():
            weight.zero_()
    subject = Subject(replace(stored, model=flat))
    names = "reliability", "embeddings", "clusters", "umap"
    seen = {one.name: one for one in visit(subject, [VIEWS.settle(name).build() for name in names])}
    assert [len(seen[name].shots) for name in names] == [1, 1, 0, 0]
    assert seen["clusters"].missing == "all encodings are the same: there is one cluster"
    assert seen["umap"].missing == "all encodings are the same"


def test_a_model_whose_images_have_changed_says_that_its_numbers_are_others(looked: Any, tmp_path: Path) -> None:
    stored = looked.subject("concat").stored
    other = replace(stored, card=stored.card.model_copy(update={"key": "0" * 16}))
    assert not Subject(stored).changed
    assert not Subject(other, "texture").changed
    said = Subject(other).changed
    assert said.startswith(
        "its domain, or what this program measures, has changed since this model was trained: numbers "
    )
    assert f"Careful: {said}." in page(Subject(other), [])


def test_another_domain_is_looked_at_by_name(looked: Any, tmp_path: Path) -> None:
    run(looked.path("concat"), "--view", "histograms", "--domain", "texture", "--out", tmp_path)
    assert "Looked at on texture." in (tmp_path / "index.html").read_text()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--view", "gallery"], "unknown view 'gallery': did you mean galleries"),
        (["--view", "galleries:most=0"], "view galleries: most = 0: expected at least 1"),
        (["--view", "occlusion:parts=1"], "view occlusion: parts = 1: expected 2 to 64"),
        (["--domain", "color:channels=1"], "domain color:channels=1: its images are 1x32x32; this model takes 3x32x32"),
        (["--domain", "colour"], "unknown domain 'colour': did you mean color"),
    ],
)
def test_what_cannot_be_looked_at_is_one_line(looked: Any, tmp_path: Path, options: list[str], message: str) -> None:
    with pytest.raises(UsageError) as error:
        run(looked.path("concat"), "--out", tmp_path, *options)
    assert str(error.value).startswith(message)
    assert "\n" not in str(error.value)

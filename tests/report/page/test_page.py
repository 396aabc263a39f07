"""The HTML page: self-contained, complete, safe against what records say, and explained where it cannot be made."""

import base64
import json
import math
import re
import sys
import zlib
from html.parser import HTMLParser

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from bench.errors import UsageError
from bench.plots.board import Board, lines_of
from bench.records.entries import entries_of
from bench.records.leaderboard import rows
from bench.records.load import load_runs, pool
from bench.records.sections import sections_of
from bench.report.page.cells import cell_links, packed
from bench.report.page.libraries import sortable
from bench.report.page.page import figure_json
from bench.report.page.tables import across_table, leaderboard_table, shifts_table
from bench.verdicts.across import across

EVIL = "<script>alert(1)</script>"


class Reader(HTMLParser):
    """Collects headings, addresses that the page would load, the visible text, and the JSON of the figures."""

    def __init__(self):
        super().__init__()
        self.headings, self.loaded, self.text, self.figures = [], [], [], {}
        self._stack, self._figure, self._is_data = [], "", False

    def handle_starttag(self, tag, attrs):
        known = dict(attrs)
        self._stack.append(tag)
        if tag in ("script", "img", "iframe") and "src" in known:
            self.loaded.append(known["src"])
        if tag == "link":
            self.loaded.append(known.get("href"))
        if tag == "figure":
            self._figure = known["data-title"]
        self._is_data = known.get("type") == "application/json"

    def handle_endtag(self, tag):
        while tag in self._stack and self._stack.pop() != tag:
            pass

    def handle_data(self, data):
        tag = self._stack[-1] if self._stack else ""
        if tag == "script" and self._is_data:
            self.figures[self._figure] = json.loads(data)
            self._is_data = False
        elif tag in ("h2", "h3"):
            self.headings.append(data)
        elif tag not in ("script", "style"):
            self.text.append(data)


def read(html):
    reader = Reader()
    reader.feed(html)
    return reader


def unpacked(html):
    """The lines of the packed records of a page."""
    packed = re.search(r'<script type="text/plain" id="records">([^<]+)</script>', html)[1]
    return zlib.decompress(base64.b64decode(packed)).decode().split("\n")


@pytest.fixture
def make_page(run_folder, bench_report, tmp_path):
    def make(records, *options):
        out = tmp_path / "page.html"
        bench_report(run_folder(records), "--format", "html", "--out", out, *options)
        return out.read_text(encoding="utf-8")

    return make


def test_the_page_loads_nothing_has_every_part_and_stays_small(sweep, make_page):
    html = make_page(sweep)
    page = read(html)
    assert page.loaded == []
    assert len(html.encode()) < 8e6
    shown = [heading.strip() for heading in page.headings if heading.strip()]
    assert shown[:3] == [
        "Which fusion? finetune · warm-up names",
        "Trained on color · finetune · warm-up names",
        "Leaderboard",
    ]
    assert {
        "Shifts · resnet18",
        "Learning curves · resnet18",
        "Failed, not learned, not applicable",
        "Provenance",
    } <= set(shown)
    assert any("git 0123456789 + uncommitted changes" in text for text in page.text)


def test_figures_hold_the_numbers_of_the_records(sweep, make_page):
    figures = read(make_page(sweep)).figures
    values = [one["eval"]["color"]["accuracy"] for one in sweep if one["fusion"] == "cosine" and "color" in one["eval"]]
    by_backbone = [sum(values[at : at + 3]) / 3 for at in (0, 3)]
    heat = figures["Fusion × backbone"][0]["data"][0]
    assert heat["x"] == ["mobilenetv3_small_32", "resnet18"]
    assert heat["z"][heat["y"].index("cosine")] == pytest.approx(by_backbone)
    assert [view["name"] for view in figures["Accuracy and cost"]] == ["infer pairs/s", "MACs", "params"]
    points = figures["Accuracy and cost"][2]["data"][1]
    at = points["text"].index("cosine × mobilenetv3_small_32")
    assert (points["x"][at], points["y"][at]) == (260749, pytest.approx(by_backbone[0]))
    assert figures["Learning curves · resnet18"][1]["data"][0]["y"] == [0.69, 0.1]


def test_the_page_opens_with_who_may_be_the_best_and_every_part_has_an_address(sweep, make_page):
    html = make_page(sweep)
    opening = html[html.index("<h2>Which fusion?") : html.index("Trained on color · finetune · warm-up names <a")]
    found = re.findall(r'<th scope="row">(\w+)</th>(.*?)</tr>', opening, re.DOTALL)
    assert {"abs_diff", "concat"} == {name for name, _ in found[:2]}
    assert ' class="tied"' in found[0][1]
    assert "Differences finetune · warm-up names" in opening
    links, places = re.findall(r'class="link" href="#([^"]+)"', html), re.findall(r'<\w+ id="([^"]+)"', html)
    assert len(links) > 8
    assert [link for link in links if places.count(link) != 1] == []


def test_the_page_opens_with_differences_from_the_best_and_from_a_baseline(sweep, make_page):
    views = read(make_page(sweep, "--baseline", "abs_diff")).figures["Differences finetune · warm-up names"]
    assert [view["name"] for view in views] == [
        "color · mobilenetv3_small_32",
        "color · resnet18",
        "color · mobilenetv3_small_32, from abs_diff",
        "color · resnet18, from abs_diff",
    ]
    own = {
        name: [one["eval"]["color"]["accuracy"] for one in sweep if one["fusion"] == name and "color" in one["eval"]]
        for name in ("abs_diff", "cosine")
    }
    gap = (sum(own["cosine"][3:]) - sum(own["abs_diff"][3:])) / 3
    (points,) = views[3]["data"]
    shown = dict(zip(points["y"], points["x"], strict=True))
    assert "abs_diff" not in shown
    assert shown["cosine"] == pytest.approx(100 * gap)


def test_the_front_and_the_best_are_marked_and_named_in_the_legend(record, make_page):
    levels, records = {"cheap": 0.80, "no_step": 0.80, "dear": 0.90, "dearest": 0.90}, []
    for place, (name, level) in enumerate(levels.items()):
        # Scores that vary apart, so that only a step of ten points is sure; the dearest has the best mean.
        noise = 0.004 * np.random.default_rng(place).standard_normal(6)
        for seed, own in enumerate(noise - noise.mean()):
            one = record(name, seed, round(float(level + 0.001 * place + own), 4))
            one["cost"] |= {"macs": 1000 * (place + 1)}
            records.append(one)
    (view,) = (view for view in read(make_page(records)).figures["Accuracy and cost"] if view["name"] == "MACs")
    line, points, *marks = view["data"]
    marked = {mark["name"]: (mark["x"], mark["marker"]["symbol"], mark["text"]) for mark in marks}
    assert marked == {
        "1 dearest": ([4000.0], "diamond-open", ["1"]),
        "2 dear": ([3000.0], "circle-open", ["2"]),
        "3 cheap": ([1000.0], "circle-open", ["3"]),
    }
    assert line["x"] == [1000.0, 3000.0]
    assert len(points["x"]) == 4


@pytest.fixture
def with_references(record):
    """Two fusions and two references, tested under a shift as well."""
    families = {"concat": "vector", "abs_diff": "vector", "mask_oracle": "reference", "name_then_xnor": "reference"}
    return [
        record(name, seed, 0.9 - place / 100, abroad={"color:shift=blur": 0.8}, family=family)
        for place, (name, family) in enumerate(families.items())
        for seed in range(3)
    ]


def test_references_are_told_from_fusions_and_from_each_other(with_references, run_folder, make_page):
    figures = read(make_page(with_references)).figures
    named = ["concat", "abs_diff", "mask_oracle (reference)", "name_then_xnor (reference)"]
    assert figures["Fusion × backbone"][0]["data"][0]["y"] == named
    lines = {one["name"]: (one["line"]["color"], one["line"]["dash"]) for one in figures["Learning curves"][0]["data"]}
    assert sorted(lines) == sorted(named)
    assert len(set(lines.values())) == len(lines)
    (section,) = sections_of(entries_of(pool(load_runs([run_folder(with_references)])).cells))
    table = shifts_table(Board(section.title, lines_of(rows(section.entries))), "accuracy")
    assert table["fusion"].tolist() == named


@pytest.fixture
def two_domains(record):
    levels = {"attention": (0.95, 0.71), "concat": (0.9, 0.7)}
    return [
        record(name, seed, level + seed / 1000, domain=domain)
        for name, own in levels.items()
        for domain, level in zip(("color", "texture:difficulty=hard"), own, strict=True)
        for seed in range(3)
    ]


def test_domains_stand_beside_each_other_before_the_chapters(two_domains, make_page):
    html = make_page(two_domains)
    assert html.index("<h2>Which fusion?") < html.index("<h2>Across domains: ") < html.index('id="chapter-1"')
    (nav,) = re.findall(r"<nav>(.*?)</nav>", html, re.DOTALL)
    links = re.findall(r'<a href="#([^"]+)">([^<]+)</a>', nav)
    assert [name for _, name in links[:2]] == ["Which fusion?", "Across domains"]
    assert all(html.count(f'id="{place}"') == 1 for place, _ in links)
    assert "Not worse than the best on the mean: attention (of 2)." in html
    assert html.count('id="across-0"') == 1


def test_nothing_is_said_of_bold_where_a_column_names_the_tie_group(two_domains, make_page):
    text = " ".join(read(make_page(two_domains)).text)
    assert [words for words in re.findall("[^.;]*[Bb]old[^.;]*", text) if "bold with a dot" not in words] == []
    assert "Tie group, by accuracy: not worse than the best in the column" in text
    assert "Tie group: by the mean. A lower mean may be in it where a higher one is not: its differences vary" in text


def test_the_table_of_domains_has_the_mean_beside_the_name(two_domains, run_folder):
    entries = entries_of(pool(load_runs([run_folder(two_domains)])).cells)
    (found,) = across(sections_of(entries), "accuracy")
    table = across_table(found)
    assert list(table.columns) == [
        "fusion", "mean", "± mean", "tie group", "behind, points", "color", "± color", "texture", "± texture",
    ]  # fmt: skip
    assert table[["fusion", "mean", "tie group", "behind, points", "texture"]].to_numpy().tolist() == [
        ["attention", 0.831, "yes", 0.0, 0.711],
        ["concat", 0.801, "", 5.0, 0.701],
    ]


def test_the_leaderboard_has_the_best_first_and_the_score_beside_the_name(sweep, run_folder):
    entries = entries_of(pool(load_runs([run_folder(sweep)])).cells)
    (section,) = sections_of(entries)
    table = leaderboard_table(section, ("accuracy",), ())
    assert list(table.columns[:2]) == ["fusion", "accuracy ↑"]
    fusions = table[table["role"] == "fusion"]["accuracy ↑"].dropna()
    assert fusions.is_monotonic_decreasing
    assert fusions.size == 10


def test_texts_of_records_cannot_become_markup(record, make_page):
    html = make_page([record(), record(seed=1, status="error", error={"type": "", "message": EVIL})])
    assert EVIL not in html
    assert "alert(1)" in html
    assert "</script>" not in figure_json([{"name": EVIL}])


def test_every_cell_has_a_link_to_its_record_as_it_was_written(sweep, run_folder, bench_report, tmp_path):
    folder, out = run_folder(sweep), tmp_path / "page.html"
    bench_report(folder, "--format", "html", "--out", out)
    html = out.read_text(encoding="utf-8")
    links = re.findall(r'<a href="#cell-([^"]+)">([^<]+)</a>', html)
    assert {key for key, _ in links} == {one["key"] for one in sweep}
    (first, shown) = links[0]
    index, *lines = unpacked(html)
    place, command = json.loads(index)[first]
    assert lines[place - 1] in (folder / "records.jsonl").read_text().splitlines()
    record = json.loads(lines[place - 1])
    assert (record["key"], f"{record['eval'][record['domain']]['accuracy']:.3f}") == (first, shown)
    assert command == json.loads((folder / "run.json").read_text())["command"]


def test_of_two_attempts_at_a_cell_the_page_shows_the_later(record, make_page):
    failed = record(status="error", error={"type": "", "message": "early"})
    html = make_page([failed, record(), record(seed=1, status="oom", error={"type": "", "message": "late"})])
    _, *lines = unpacked(html)
    assert sorted(json.loads(line)["status"] for line in lines) == ["ok", "oom"]
    assert re.findall(r'<a href="#cell-[^"]+">([^<]+)</a>', html) == ["0.950", "oom"]


def test_a_cell_that_collapsed_shows_no_score_though_it_was_tested(record, make_page):
    html = make_page([record(), record(seed=1) | {"status": "collapsed"}])
    assert re.findall(r'<a href="#cell-[^"]+">([^<]+)</a>', html) == ["0.950", "collapsed"]


def test_a_cell_names_the_command_that_it_is_of(record, run_folder):
    first = {"created": "2026-01-01T00:00:00+00:00", "command": "bench run --seed 0"}
    header = {"schema": 1, "created": "2026-02-01T00:00:00+00:00", "command": None, "earlier": [first]}
    early, late = (record(seed=seed, finished=f"2026-0{seed + 1}-02T00:00:00+00:00") for seed in range(2))
    # The key of a record is that of the record, whatever stands before it.
    nested = {"times": {"key": "other"}, **late}
    runs = load_runs([run_folder([early, nested], header=header)])
    index, *lines = zlib.decompress(base64.b64decode(packed(runs, {early["key"], late["key"]}))).decode().split("\n")
    found = {
        key: (json.loads(lines[place - 1])["seed"], command) for key, (place, command) in json.loads(index).items()
    }
    assert found == {early["key"]: (0, "bench run --seed 0"), late["key"]: (1, "")}


def test_of_many_cells_the_best_lines_have_links(record, run_folder):
    records = [record(f"f{level}", seed, level / 10) for level in range(1, 6) for seed in range(3)]
    (section,) = sections_of(entries_of(pool(load_runs([run_folder(records)])).cells))
    found = cell_links(section, "accuracy", most=7)
    assert [name for name, _ in found.rows] == ["f5", "f4"]
    assert (len(found.keys), found.lines) == (6, 5)
    assert len(cell_links(section, "accuracy", most=0).rows) == 1


def test_the_conclusion_stands_before_the_leaderboard(record, make_page):
    records = [
        record(name, seed, level + 0.001 * seed) for name, level in (("good", 0.9), ("bad", 0.6)) for seed in range(8)
    ]
    page = read(make_page(records, "--baseline", "bad"))
    shown = [heading.strip() for heading in page.headings]
    assert shown.index("Conclusion") < shown.index("Leaderboard")
    assert "Compared with bad on color" in shown
    assert re.search(r"good.*30", " ".join(page.text))


def test_without_the_extra_the_way_to_get_it_is_named(sweep, make_page, monkeypatch):
    monkeypatch.setitem(sys.modules, "plotly", None)
    monkeypatch.setitem(sys.modules, "plotly.offline.offline", None)
    with pytest.raises(UsageError, match=r"needs plotly.*pip install 'fusebench\[html\]'"):
        make_page(sweep)


def test_a_missing_number_shows_nothing_and_sorts_as_missing():
    html = sortable(pd.DataFrame({"fusion": ["concat", "sum"], "p (Holm)": [0.04, math.nan]}), "t")
    assert r"[\"0.04\", 0.04]" in html
    assert r"[\"\", \"___NaN___\"]" in html
    assert r"\"NaN\"" not in html


def test_runs_that_repeat_cells_stand_beside_each_other(record, run_folder, bench_report, tmp_path):
    out = tmp_path / "page.html"

    def page_of(**values):
        """By name of a run, the accuracy of its seeds; later names are later runs."""
        folders = [
            run_folder([record("concat", seed, value) for seed, value in own.items()], name, {"created": name})
            for name, own in values.items()
        ]
        bench_report(*folders, "--format", "html", "--out", out)
        return out.read_text(encoding="utf-8")

    before = {0: 0.80, 1: 0.81, 2: 0.82}
    html = page_of(run1=before, run2={seed: value + 0.05 + 0.001 * seed for seed, value in before.items()})
    assert html.count("<h2>Run over run: ") == 1
    assert html.index("<h2>Run over run: ") > html.index('id="chapter-1"')
    change = np.array([0.05, 0.051, 0.052]) * 100
    half_width = stats.t.ppf(0.975, 2) * stats.sem(change)
    assert f"+{change.mean():.2f} ± {half_width:.2f} *" in html.replace("\\u00b1", "±")
    # Parts of one sweep have no cell in common.
    assert "Run over run" not in page_of(part1={0: 0.80, 1: 0.81}, part2={2: 0.82})

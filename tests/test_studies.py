"""The pages of studies, against their records by plain loops."""

from __future__ import annotations

import gzip
import json
import re
import runpy
from functools import cache
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest
from scipy import stats

from bench.advise.cases import read_cases
from bench.sweep.config import load_config
from bench.yaml12 import read_yaml

ROOT = Path(__file__).parents[1]
RECORDS = ROOT / "results" / "reference" / "studies"
STUDIES = sorted(path.name for path in RECORDS.iterdir())


@cache
def records(study):
    """Of all runs of a study, or of ``STUDY/RUN``."""
    files = sorted((RECORDS / study).rglob("records.jsonl.gz"))
    assert files
    return [json.loads(line) for file in files for line in gzip.decompress(file.read_bytes()).splitlines()]


def scores(study, metric, shift="", train_pairs=None):
    found = {}
    for record in records(study):
        if train_pairs not in (None, record["recipe"]["train_pairs"]):
            continue
        if record["status"] == "ok" and record["role"] == "fusion":
            tested = f"{record['domain']}:shift={shift}" if shift else record["domain"]
            if tested in record["eval"] or not shift:
                of = found.setdefault((record["fusion"], record["domain"]), {})
                of[record["seed"]] = record["eval"][tested][metric]
    return found


def test_every_page_says_what_its_records_say(monkeypatch):
    monkeypatch.syspath_prepend(ROOT / ".ci")
    script = runpy.run_path(str(ROOT / ".ci" / "write_studies.py"))
    for file, text in script["texts"]():
        assert file.read_text() == text, file


@pytest.mark.parametrize("study", STUDIES)
def test_a_study_has_a_page_and_a_configuration_that_would_make_its_records(study):
    config = load_config({}, ROOT / "configs" / "studies" / f"{study}.yaml")
    page = (ROOT / "docs" / "studies" / f"{study}.md").read_text()
    assert f"studies/{study}" in page
    ran = {(one["protocol"], one["backbone"], one["domain"]) for one in records(study)}
    assert ran <= {(config.protocol, backbone, domain) for backbone in config.backbone for domain in config.domain}


@pytest.mark.parametrize("study", STUDIES)
def test_the_means_of_a_page_are_those_of_the_records(study):
    page = (ROOT / "docs" / "studies" / f"{study}.md").read_text()
    for run, metric, part in re.findall(r"<!-- across (\S+) (\S+) -->\n(.*?)<!-- end -->", page, re.DOTALL):
        (table, *_) = re.findall(r"(?:^\|.*\n)+", part, re.MULTILINE)
        header, _, *rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in table.splitlines()]
        known = scores(run, metric)
        domains = {domain for _, domain in known}
        for row in rows:
            for column, text in zip(header[3:], row[3:], strict=True):
                domain = column if column in domains else next(one for one in domains if one.split(":")[0] == column)
                assert float(re.sub(r"[*]| ±.*", "", text)) == pytest.approx(
                    np.mean(list(known[row[0], domain].values())), abs=6e-4
                )


def macs(case, fusion):
    return np.mean(
        [
            record["cost"]["macs"]
            for record in records(f"{case.study}/{case.run}")
            if record["domain"] in case.domains and fusion in (record["fusion"], record["fusion"].split(":")[0])
        ]
    )


def test_the_cases_say_who_leads_and_by_how_much():
    assert read_cases()
    for case in read_cases():
        known = scores(f"{case.study}/{case.run}", case.metric, case.shift, case.train_pairs)
        means = {}
        for fusion in {fusion for fusion, _ in known}:
            if all((fusion, domain) in known for domain in case.domains):
                means[fusion] = np.mean([np.mean(list(known[fusion, domain].values())) for domain in case.domains])
        best = max(means, key=means.get)
        over = next(mean for fusion, mean in means.items() if fusion.split(":")[0] == case.over)
        assert best.split(":")[0] == case.use[0]
        assert case.lead == pytest.approx(means[best] - over, abs=6e-4)
        assert case.low <= case.lead <= case.high
        assert case.macs == pytest.approx(macs(case, best) / macs(case, case.over), abs=6e-4)


def without_size(fusion):
    return re.sub(r":(head|width|rank|perspectives)=\d+", "", fusion)


def test_what_became_of_published_orders_is_a_paired_t_interval():
    _, front, page = (ROOT / "docs" / "published-orders.md").read_text().split("---\n", 2)
    claims = read_yaml(front)["claims"]
    lines = [line.strip("|") for line in page.splitlines() if line[:1] == "|"][2:]
    rows = [[re.sub(r"\\(.)", r"\1", cell).strip() for cell in re.split(r"(?<!\\)\|", line)] for line in lines]
    assert [row[:2] for row in rows] == [[claim["said"], claim["source"]] for claim in claims]
    tested = [(claim, row) for claim, row in zip(claims, rows, strict=True) if "study" in claim]
    for claim, (*_, points, interval, verdict) in tested:
        metric = claim.get("metric", "auc")
        known = scores(f"{claim['study']}/{claim.get('run', '')}", metric, claim.get("shift", ""))
        leads = []
        for domain in claim.get("domains") or {domain for _, domain in known}:
            better, worse = (
                next(own for (fusion, where), own in known.items() if where == domain and without_size(fusion) == name)
                for name in (claim["better"], claim["worse"])
            )
            leads.append([100 * (better[seed] - worse[seed]) for seed in sorted(better)])
        lead = np.mean(leads, axis=0) * (-1 if metric == "fpr95" else 1)
        low, high = stats.t.interval(1 - 0.05 / len(tested), len(lead) - 1, lead.mean(), stats.sem(lead))
        assert [float(points), *map(float, interval.split(" to "))] == pytest.approx([lead.mean(), low, high], abs=0.02)
        assert verdict == ("confirmed" if low > 0 else "contradicted" if high < 0 else "not told apart")


def test_encoders_order_joins_as_the_page_says():
    page = (ROOT / "docs" / "studies" / "zoo.md").read_text()
    means = []
    for study in ("zoo", "zoo-resnet18", "zoo-tiny-vit"):
        own = {}
        for (fusion, _), by_seed in scores(study, "auc").items():
            own.setdefault(fusion.split(":")[0], []).append(np.mean(list(by_seed.values())))
        means.append({fusion: np.mean(found) for fusion, found in own.items() if len(found) == 2})
    shared = sorted(set.intersection(*map(set, means)))
    values = [[own[fusion] for fusion in shared] for own in means]
    (part,) = re.findall(r"<!-- encoders .*?<!-- end -->", page, re.DOTALL)
    said = " ".join(part.split())
    assert f"among {len(shared)} fusions" in said
    names = ["mobilenetv3_small_32", "resnet18", "tiny_vit"]
    for one, two in combinations(range(3), 2):
        assert f"{names[one]} and {names[two]} {stats.spearmanr(values[one], values[two]).statistic:.2f}" in said
    ranks = [stats.rankdata([-value for value in own]) for own in values]
    rows = re.findall(r"^\| (\w+) +\|" + r" +([\d.]+) \(([\d.]+)\) \|" * 3, part, re.MULTILINE)
    assert len(rows) == len(re.findall(r"^\|", part, re.MULTILINE)) - 2
    for fusion, *cells in rows:
        place = shared.index(fusion)
        expected = [number for own, rank in zip(values, ranks, strict=True) for number in (own[place], rank[place])]
        assert [float(cell) for cell in cells] == pytest.approx(expected, abs=6e-4)


def test_drawn_domains_order_joins_as_the_page_says():
    page = (ROOT / "docs" / "studies" / "transfer.md").read_text()
    tables = [
        [[cell.strip() for cell in line.strip("|").split("|")] for line in table.splitlines()]
        for table in re.findall(r"(?:^\|.*\n)+", page, re.MULTILINE)
    ]
    (_, *real), _, *rows = tables[0]
    known = scores("transfer", "auc")
    fusions = sorted({fusion for fusion, _ in known})
    mean = {
        domain: [np.mean(list(known[fusion, domain].values())) for fusion in fusions]
        for domain in {d for _, d in known}
    }
    for drawn, *cells in rows:
        for domain, cell in zip(real, cells, strict=True):
            assert float(cell.split()[0]) == pytest.approx(stats.spearmanr(mean[drawn], mean[domain])[0], abs=6e-3)
    elsewhere = np.mean([mean[domain] for domain in real], axis=0)
    for drawn, chosen in tables[1][2:]:
        best, *others = [one.split() for one in chosen.split("; ")]
        assert best[0] == fusions[int(np.argmax(mean[drawn]))]
        for name, lost, *_ in (best, *others):
            assert float(lost) == pytest.approx(100 * (elsewhere.max() - elsewhere[fusions.index(name)]), abs=6e-3)


def test_scores_by_the_number_of_labelled_pairs_are_those_of_the_records():
    page = (ROOT / "docs" / "studies" / "few-pairs.md").read_text()
    (part,) = re.findall(r"<!-- labelled few-pairs auc -->\n(.*?)<!-- end -->", page, re.DOTALL)
    every, *by_domain, best = [
        [[cell.strip(" *") for cell in line.strip("|").split("|")] for line in table.splitlines()]
        for table in re.findall(r"(?:^\|.*\n)+", part, re.MULTILINE)
    ]
    numbers = [int(text.replace(",", "")) for text in every[0][1:]]
    assert numbers == sorted({record["recipe"]["train_pairs"] for record in records("few-pairs")})
    for table, domains in zip([every, *by_domain], [("digits", "emoji"), ("digits",), ("emoji",)], strict=True):
        for column, number in enumerate(numbers, start=1):
            known = scores("few-pairs", "auc", train_pairs=number)
            assert len(table[2:]) == len({fusion for fusion, _ in known})
            for row in table[2:]:
                mean = np.mean([np.mean(list(known[row[0], domain].values())) for domain in domains])
                assert float(row[column].replace("*", "").split(" ±")[0]) == pytest.approx(mean, abs=6e-4)
    assert [row[0].replace(",", "") for row in best[2:]] == [str(number) for number in numbers]


@pytest.mark.parametrize(
    ("run", "joins", "rows"),
    [
        ("poses", 1, 8),
        ("aligned/once", 8, 6),
        ("aligned/re-paired", 8, 3),
        ("aligned/more", 1, 4),
        ("aligned-warmed", 2, 2),
    ],
)
def test_leads_of_stacked_images_are_those_of_the_records(run, joins, rows):
    """``joins``: how many pairs of joins the two best were chosen from."""
    page = (ROOT / "docs" / "studies" / f"{run.partition('/')[0]}.md").read_text()
    (part,) = re.findall(rf"<!-- early {run} auc -->\n(.*?)<!-- end -->", page, re.DOTALL)
    lines = [[cell.strip() for cell in line.strip("|").split("|")] for line in part.splitlines() if line[:1] == "|"][2:]
    assert len(lines) == rows
    for domain, pairs, *sides, ahead, interval in lines:
        known = scores(run, "auc", train_pairs=int(pairs.replace(",", "")))
        stacked, other = (known[side.split()[0], domain] for side in sides)
        for side, own in zip(sides, (stacked, other), strict=True):
            assert float(side.split()[1]) == pytest.approx(np.mean(list(own.values())), abs=6e-4)
        lead = 100 * np.array([stacked[seed] - other[seed] for seed in sorted(stacked)])
        low, high = stats.t.interval(1 - 0.05 / joins, len(lead) - 1, lead.mean(), stats.sem(lead))
        assert [float(ahead), *map(float, interval.split(" to "))] == pytest.approx([lead.mean(), low, high], abs=0.02)


def test_scores_on_new_classes_are_those_of_the_records():
    page = (ROOT / "docs" / "studies" / "novel-shapes.md").read_text()
    (part,) = re.findall(r"<!-- novel novel-shapes auc -->\n(.*?)<!-- end -->", page, re.DOTALL)
    tables = [
        [[cell.strip(" *") for cell in line.strip("|").split("|")] for line in table.splitlines()]
        for table in re.findall(r"(?:^\|.*\n)+", part, re.MULTILINE)
    ]
    both = [scores("novel-shapes", "auc", shift) for shift in ("novel", "")]
    means = {
        (fusion, re.sub(r"\D", "", domain) or "8"): np.array(
            [np.mean(list(known[fusion, domain].values())) for known in both]
        )
        for fusion, domain in both[0]
    }
    fusions = [row[0] for row in tables[0][2:]]
    lead = means["cosine", "2"][0] - means["concat", "2"][0]
    assert f"After two shapes it is {100 * lead:.0f} points of AUC ahead" in (ROOT / "README.md").read_text()
    assert {(fusion, k) for fusion in fusions for k in tables[0][0][1:]} == means.keys()
    for table, value in ((tables[0], lambda new, old: new), (tables[1], lambda new, old: 100 * (new - old))):
        for fusion, *cells in table[2:]:
            for k, text in zip(table[0][1:], cells, strict=True):
                assert float(text.split(" ± ")[0]) == pytest.approx(value(*means[fusion, k]), abs=6e-3)
    for k, correlation, _, old, new in tables[2][2:]:
        columns = np.array([means[fusion, k] for fusion in fusions]).T
        assert float(correlation.split(" (")[0]) == pytest.approx(stats.spearmanr(*columns).statistic, abs=6e-3)
        for told, column in ((new, columns[0]), (old, columns[1])):
            assert told == ", ".join(fusions[place] for place in np.argsort(-column)[:4])


def test_what_tuning_gained_is_what_the_records_say():
    page = (ROOT / "docs" / "studies" / "tuned.md").read_text()
    (part,) = re.findall(r"<!-- tuned tuned auc -->\n(.*?)<!-- end -->", page, re.DOTALL)
    tried, own = {}, {}
    for record in records("tuned/trials/run"):
        if record["status"] == "ok":
            recipe = json.dumps(record["recipe"], sort_keys=True)
            trials = tried.setdefault((record["domain"], record["fusion"]), {})
            trials.setdefault(recipe, []).append(record["validation"]["auc"])
    for run in ("default", "tuned"):
        for record in records(f"tuned/{run}"):
            recipe = json.dumps(record["recipe"], sort_keys=True)
            known = own.setdefault((record["domain"], record["fusion"], recipe), {})
            known[record["seed"]] = record["eval"][record["domain"]]["auc"]
    (default,) = {json.dumps(record["recipe"], sort_keys=True) for record in records("tuned/default")}
    sections = re.split(r"^## Tuned on ", part, flags=re.MULTILINE)[1:]
    assert len(sections) == len({domain for domain, _ in tried})
    for section in sections:
        domain = section.split(" · ")[0].replace("\\", "")
        (table,) = re.findall(r"(?:^\|.*\n)+", section, re.MULTILINE)
        _, _, *rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in table.splitlines()]
        means = []
        for fusion, _, _, before, after, points, interval, *_, recipe in rows:
            complete = {one: np.mean(found) for one, found in tried[domain, fusion].items() if len(found) == 2}
            chosen = max(complete, key=complete.get)
            old, new = (own[domain, fusion, one] for one in (default, chosen))
            assert (chosen == default) == (recipe == "default")
            means.append([np.mean(list(old.values())), np.mean(list(new.values()))])
            assert [float(before), float(after)] == pytest.approx(means[-1], abs=6e-4)
            if recipe != "default":
                gained = [100 * (new[seed] - old[seed]) for seed in sorted(old)]
                low, high = stats.t.interval(0.95, len(gained) - 1, np.mean(gained), stats.sem(gained))
                shown = [float(points), *map(float, interval.split(" to "))]
                assert shown == pytest.approx([np.mean(gained), low, high], abs=6e-3)
        correlation = stats.spearmanr(*np.array(means).T).statistic
        assert f"before and after (Spearman): {correlation:.2f}" in " ".join(section.split())

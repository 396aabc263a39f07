"""LaTeX: what a compiler needs, since none runs here."""

import re

import pytest

from bench.report.formats.latex import escaped, label_of, latex_table
from bench.report.table import Grid


def test_special_signs_are_shown_and_not_obeyed():
    assert escaped("a_b & 5 % of {x}") == r"a\_b \& 5 \% of \{x\}"
    assert escaped("\\~^") == r"\textbackslash{}\textasciitilde{}\textasciicircum{}"
    assert escaped("0.9 ± 0.1 †") == r"0.9 $\pm$ 0.1 \dag{}"


def test_a_grid_becomes_rows_of_cells():
    text = latex_table(Grid(["fusion", "accuracy ↑"], [["a|b", "**0.9**"]], 1), "50 % done", "tab:x", ["note"])
    assert r"\begin{tabular}{lr}" in text
    assert r"fusion & accuracy $\uparrow$ \\" in text
    assert r"a\textbar{}b & \textbf{0.9} \\" in text
    assert r"\caption{50 \% done}" in text
    assert label_of("Trained on color · frozen", "") == "tab:trained-on-color-frozen"


@pytest.mark.parametrize("options", [[], ["--baseline", "concat"]])
def test_a_whole_report_is_well_formed(sweep, run_folder, bench_report, options):
    text = bench_report(run_folder(sweep), "--format", "tex", *options).stdout
    assert text.count(r"\begin{") == text.count(r"\end{")
    assert text.count(r"\begin{table}") == (4 if options else 2)
    for table in re.findall(r"\\begin\{tabular\}\{([lr]+)\}(.*?)\\end\{tabular\}", text, flags=re.DOTALL):
        rows = [line for line in table[1].splitlines() if line.endswith(r"\\")]
        assert {len(re.findall(r"(?<!\\)&", row)) + 1 for row in rows} == {len(table[0])}
    assert not re.search(r"(?<!\\)[#%_](?! \\usepackage)", text.replace("\\label{tab:", ""))
    labels = re.findall(r"\\label\{(.*?)\}", text)
    assert len(labels) == len(set(labels))


def test_domains_beside_each_other_come_first(record, run_folder, bench_report):
    records = [
        record(name, seed, level + 0.001 * seed, domain=domain)
        for name, level in (("concat", 0.9), ("sum", 0.7))
        for domain in ("color", "texture")
        for seed in range(3)
    ]
    text = bench_report(run_folder(records), "--format", "tex").stdout
    assert text.count(r"\begin{table}") == 3
    first = text.split(r"\begin{table}")[1]
    assert r"fusion & mean & behind points & color & texture \\" in first
    assert r"Not worse than the best on the mean: concat (of 2)." in first

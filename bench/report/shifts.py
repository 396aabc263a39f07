"""How the fusions of a section hold under shifts of the domain they were trained on."""

from __future__ import annotations

from bench.plots.style import metric_label
from bench.records.entries import Entry
from bench.records.sections import Section
from bench.report.table import Block, estimate_text, matrix
from bench.stats.intervals import LEVEL

MOSTLY_SAME, MOSTLY_DIFFERENT = "=", "≠"
FEWEST_SAME, MOST_SAME = 0.2, 0.8
LEGEND = (
    f"{MOSTLY_SAME} says mostly same (to more than {100 * MOST_SAME:.0f} % of the pairs), {MOSTLY_DIFFERENT} mostly "
    f"different (same to less than {100 * FEWEST_SAME:.0f} %): compare the AUC (--metric auc)"
)


def shift_block(section: Section, metric: str) -> Block | None:
    """Tables of a metric by shift and fusion; None where no shift was tested.

    Args:
        section: of a single backbone. The first row is the domain it was trained on; fusions stand best first, then
            references.
    """
    domains = {"no shift": section.domain, **section.shifts}
    entries = [*section.ranked("fusion", metric), *section.references()]
    tested = [entry for entry in entries if entry.quality.keys() & section.shifts.values()]
    if not tested:
        return None
    signs = {_sign(entry, domain) for entry in tested for domain in domains.values()} - {""}
    # The blank in place of a sign keeps the numbers of a column in line.
    blank = "  " if signs else ""

    def value(domain: str, entry: Entry) -> str:
        text = estimate_text(entry.mean(domain, metric), entry.half_width(domain, metric))
        sign = _sign(entry, domain)
        return f"{text} {sign}" if sign else text + blank

    rows = [([name], domain) for name, domain in domains.items()]
    return Block(_sentence(section, metric, tested), matrix(["shift"], rows, tested, value), [LEGEND] if signs else [])


def _sign(entry: Entry, domain: str) -> str:
    p_same = entry.mean(domain, "p_same")
    return MOSTLY_SAME if p_same > MOST_SAME else MOSTLY_DIFFERENT if p_same < FEWEST_SAME else ""


def _sentence(section: Section, metric: str, tested: list[Entry]) -> str:
    has_intervals = any(len(entry.finished) > 1 for entry in tested)
    interval = f" ± half width of the {LEVEL:.0%} t interval".replace("%", " %") if has_intervals else ""
    references = "; references last" if any(entry.role == "reference" for entry in tested) else ""
    return (
        f"{metric_label(metric)} after training on {section.domain} alone: mean{interval}; "
        f"fusions best first{references}."
    )

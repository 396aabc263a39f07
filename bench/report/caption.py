"""The sentences above a table: under which conditions it was made and how to read it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from bench.records.entries import Entry
from bench.records.record import NO_SEED, Record
from bench.records.references import Efficiency
from bench.records.sections import Section
from bench.records.ties import how_bold
from bench.report.mixed import origins
from bench.stats.intervals import FEWEST_SEEDS, LEVEL
from bench.text import span

# Of labelled pairs that a caption names with their rows.
MOST_COUNTS = 4


def caption(section: Section, mark: str = "Bold") -> list[str]:
    """Sentences of the caption; what its cells do not share ends the first, those about backbones come last.

    Args:
        mark: what the table shows the tie group by, as a sentence starts with it.
    """
    conditions = " ".join([_conditions(section), *origins(section)])
    how_to_read = " ".join(filter(None, [_how_to_read(section, mark), _efficiency(section), _passes(section)]))
    return [conditions, how_to_read, *backbone_facts(section)]


def backbone_facts(section: Section) -> list[str]:
    """For each backbone its training pairs and, as far as known, quality and cost of its warm-up."""
    facts = []
    for backbone in section.backbones:
        entries = [entry for entry in section.entries if entry.group.backbone == backbone]
        cells = [cell for entry in entries for cell in entry.cells]
        warmup = {
            _measure(cells): span((cell.warmup.get("quality") for cell in cells), ".3f"),
            "{} images": span((cell.warmup.get("images") for cell in cells), ","),
            "{} s, paid once": span((cell.warmup.get("seconds") for cell in cells), ",.0f"),
        }
        parts = {
            "{} training pairs": span((cell.recipe.get("train_pairs") for cell in cells), ","),
            "budget {} for every fusion": _given(cells),
            "{}": _labelled(entries),
            "warm-up: {}": _known(", ", warmup),
            "fusion and head sized to {}": _budgets(cells),
            "objective {}": _objectives(cells),
            "trained with {}": _departures(cells),
            "recipe {}": ", ".join(sorted({entry.group.recipe_id for entry in entries})),
        }
        facts.append(f"Backbone {backbone}: {_known('; ', parts)}.")
    return facts


def _given(cells: Iterable[Record]) -> str:
    """The budget of training that every fusion was given; empty where there was none."""
    return " and ".join(sorted({cell.recipe.get("budget", "none") for cell in cells} - {"none"}))


def _labelled(entries: Iterable[Entry]) -> str:
    """How many labelled pairs the rows were trained on, and which rows on others than most; empty where that is no more
    than the pairs drawn for each, and where no record tells."""
    rows: dict[str, list[str]] = {}
    is_news = False
    for entry in entries:
        known = [cell for cell in entry.finished if cell.labelled_pairs]
        if known:
            rows.setdefault(span((cell.labelled_pairs for cell in known), ","), []).append(entry.group.fusion)
            is_news |= any((cell.labelled_pairs or 0) > cell.recipe.get("train_pairs", 0) for cell in known)
    if not is_news and len(rows) < 2:
        return ""
    if len(rows) > MOST_COUNTS:
        return f"{len(rows)} different numbers of labelled pairs, see labelled_pairs of the leaderboard"
    most, *others = sorted(rows, key=lambda pairs: -len(rows[pairs]))
    apart = (f"{n} for {' and '.join(sorted(rows[n]))}" for n in others)
    return ", ".join([f"{most} labelled pairs a row", *apart, "counted each time"])


def _objectives(cells: Iterable[Record]) -> str:
    """What was minimised, and the auxiliary heads beside it; empty where that is plain bce."""
    found = set()
    for cell in cells:
        heads = ", ".join(f"{name} {weight:g}" for name, weight in cell.recipe.get("auxiliary", {}).items() if weight)
        found.add(cell.recipe.get("objective", "bce") + (f" with auxiliary heads {heads}" if heads else ""))
    return "" if found == {"bce"} else " and ".join(sorted(found))


def _departures(cells: Iterable[Record]) -> str:
    """Optimiser, schedule and augmentation, where one of them is not what recipes have by default."""
    usual = {"optimizer": "adamw", "schedule": "cosine", "augment": "none"}
    found = {tuple(str(cell.recipe.get(name, default)) for name, default in usual.items()) for cell in cells}
    if found == {tuple(usual.values())}:
        return ""
    return " and ".join(sorted(f"{one}, {schedule} schedule, augment {augment}" for one, schedule, augment in found))


def _budgets(cells: Iterable[Record]) -> str:
    """The budgets of parameters that fusions were matched to; empty where they were not."""
    budgets = {(cell.matching["budget"], cell.matching["tolerance"]) for cell in cells if cell.matching}
    return " and ".join(f"{budget:,} parameters ± {100 * tolerance:.3g} %" for budget, tolerance in sorted(budgets))


def _measure(cells: Iterable[Record]) -> str:
    """Form for the quality of a warm-up: the name of its measure, which older records do not have."""
    facts = next((cell.warmup for cell in cells if "measure" in cell.warmup), None)
    if facts is None:
        return "quality {}"
    return f"{facts['measure']} {{}}{' (lower is better)' if facts.get('better') == 'lower' else ''}"


def _conditions(section: Section) -> str:
    return f"Protocol {section.protocol} on {section.domain}, {_start(section)}.{_tested(section)}"


def _start(section: Section) -> str:
    if section.warmup == "none":
        return "without a warm-up"
    if section.repeats == "replicate":
        weights = {cell.warmup["task"] for cell in section.finished if "seed" not in cell.warmup} - {"none"}
        of_others = ", whose weights all replicates share" if weights else ", computed anew for each replicate"
        return f"from warm-up {section.warmup}{of_others}"
    seed = "" if section.warmup_seed == NO_SEED else f" (seed {section.warmup_seed})"
    shared = "shared by all seeds: the intervals do not include its variance"
    return f"from warm-up {section.warmup}{seed}, {shared}"


def _tested(section: Section) -> str:
    cells = [cell for entry in section.entries for cell in entry.finished]
    pairs = span((tested.pairs for cell in cells for tested in cell.eval.values()), ",")
    if not pairs:
        return ""
    its_own = _drawn(section)
    each = " of each domain" if section.other_domains or section.shifts else ""
    unnamed = f"; columns that name no domain are {section.domain}" if section.other_domains else ""
    return f" Tested on {pairs} pairs{each}{its_own}{unnamed}."


def _drawn(section: Section) -> str:
    """Who is tested on the same pairs, and whether intervals know."""
    if section.repeats == "replicate":
        return f", other ones in each replicate{_shared(section)}"
    if len({cell.seed for cell in section.finished}) < 2:
        return ""
    known = all(entry.scores.cover(entry.finished) for entry in section.entries if entry.finished)
    told = "include their draw" if known else "do not include their draw, as not all scores are stored"
    return f", the same for all seeds: intervals {told}"


def _shared(section: Section) -> str:
    """What the replicates share of finite collections of images."""
    facts = {(name, own["shared"]) for cell in section.finished for name, own in cell.data.items() if "shared" in own}
    shared = {what: ", ".join(sorted(name for name, own in facts if own == what)) for _, what in facts}
    forms = {
        "images": "the images of {} are the same, dealt anew to training, validation and testing",
        "parts": "those of {} come from the same test images",
    }
    return "".join(f"; {form.format(shared[what])}" for what, form in forms.items() if what in shared)


def _passes(section: Section) -> str:
    """Why training rates are missing, where several were trained in one pass."""
    most = max((cell.execution.get("seeds_together", 1) for cell in section.finished), default=1)
    if most == 1:
        return ""
    return f"Up to {most} {section.repeats}s were trained in one pass: such cells have no rate of training."


def _known(separator: str, texts: Mapping[str, str]) -> str:
    """Forms filled with their texts, without those that have none."""
    return separator.join(form.format(text) for form, text in texts.items() if text)


def _how_to_read(section: Section, mark: str) -> str:
    finished = [entry for entry in section.entries if entry.finished]
    # A reference is not compared: how many seeds it has says nothing about the comparison.
    finished = [entry for entry in finished if entry.role != "reference"] or finished
    seeds = [tuple(cell.seed for cell in entry.finished) for entry in finished]
    if not seeds:
        return "No cell finished."
    counts = [len(own) for own in seeds]
    text = f"{span(counts, 'd')} {section.repeats if max(counts) == 1 else section.repeats + 's'}"
    if min(counts) != max(counts):
        text += " (column n)"
    elif len(set(seeds)) > 1:
        text += ", not the same ones in every row"
    else:
        text += f" ({', '.join(map(str, seeds[0]))})"
    if max(counts) > 1:
        text += f"; ± is the half width of the {LEVEL:.0%} t interval over {section.repeats}s".replace("%", " %")
    if min(counts) < FEWEST_SEEDS:
        text += f"; no inference: fewer than {FEWEST_SEEDS} {section.repeats}s"
    per_backbone = ", per backbone" if len(section.backbones) > 1 else ""
    # Another domain may have been tested by some of them alone.
    tested = [len(entry.tested(domain)) for domain in (section.domain, *section.other_domains) for entry in finished]
    return f"{text}. {mark}: {how_bold(min(filter(None, tested), default=0), max(counts))}{per_backbone}."


def _efficiency(section: Section) -> str:
    references = Efficiency(section.entries).measured_by(section.domain)
    if not references:
        return ""
    return (
        f"Efficiency: (accuracy - 0.5) / (accuracy of {' or '.join(references)} - 0.5), paired by {section.repeats}; "
        "100 % is what naming both shapes and comparing the names reaches."
    )

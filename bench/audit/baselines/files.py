"""The files that images come from."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from bench.audit.baselines import AuditBaseline, register_audit_baseline
from bench.audit.draws import Draws
from bench.audit.probes import Features, additive_probes, additive_question, boosting, label_question
from bench.audit.rows import Row, flagged_above, not_applicable
from bench.domain import Images

ORDER = "image"
# Number of the pair in the list that it comes from.
PAIR = "pair"


@register_audit_baseline
class Files(AuditBaseline):
    """What the order of files, their sizes, formats and JPEG qualities say about the label.

    No model is shown them, so that nothing of this is a leak by itself. But what was stored in another way for the
    different pairs was often also made in another way, and that may be seen in the pixels: it is flagged.
    """

    name = "files"

    def rows(self, draws: Draws) -> Iterator[Row]:
        if ORDER not in draws.test.a.latents or draws.domain.collection is None:
            yield not_applicable("images come from no files")
            return
        facts = draws.domain.file_facts

        def order(images: Images) -> Features:
            known = [images.latents[name] for name in (ORDER, PAIR) if name in images.latents]
            return np.stack([number.double().numpy() for number in known], 1)

        def stored(images: Images) -> Features:
            return np.stack([column[images.latents[ORDER]].numpy() for column in facts.values()], 1)

        for what, extract in (("order", order), ("size, format, quality", stored))[: 2 if facts else 1]:
            for probe, hits in additive_probes(additive_question(draws, extract)):
                yield flagged_above(f"{what} of the files, added up → label, {probe}", hits)
        if facts and not draws.domain.names_images:
            # Of labelled images two of a class may well come from files that are alike.
            hits = boosting(label_question(draws, stored))
            yield flagged_above("size, format, quality of both → label, gradient boosting", hits)

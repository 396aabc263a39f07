"""The files that images come from."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np
from torch import Tensor

from bench.audit.baselines import AuditBaseline, register_audit_baseline
from bench.audit.baselines.statistics import content_question
from bench.audit.draws import Draws
from bench.audit.probes import (
    Features,
    additive_probes,
    additive_question,
    beside,
    boosting,
    class_question,
    label_question,
)
from bench.audit.rows import Row, flagged, judged, judged_gain, judged_mean, not_applicable
from bench.domain import Images

ORDER = "image"
# Number of the pair in the list that it comes from.
PAIR = "pair"
# The one fact of a file that follows from what it shows.
CONTENT = "bytes"


@register_audit_baseline
class Files(AuditBaseline):
    """What the order of files, their sizes, formats and JPEG qualities say about the label, or about the class.

    No model is shown them, so that nothing of this is a leak by itself. But what was stored in another way for the
    different pairs was often also made in another way, and that may be seen in the pixels: it is flagged. How many
    bytes a file takes depends on what it shows: of both files together counts only what they say beyond the pixels,
    and no class is asked of it.
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
            return _stated(facts, images)

        def made(images: Images) -> Features:
            return _stated({name: column for name, column in facts.items() if name != CONTENT}, images)

        for what, extract in (("order", order), ("size, format, quality", stored))[: 2 if facts else 1]:
            for probe, sums in additive_probes(additive_question(draws, extract)):
                yield flagged(judged_mean(f"{what} of the files, added up → label, {probe}", sums))
        if not facts:
            return
        if draws.domain.names_images:
            hits = boosting(class_question(draws, made))
            what = "height, width, format, quality of the file → class, gradient boosting"
            yield flagged(judged(what, "single", hits, draws.class_chance))
        else:
            shown = content_question(draws)
            both = beside(shown, label_question(draws, stored))
            what = "size, format, quality of both files over what pixels show → label, gradient boosting"
            yield flagged(judged_gain(what, boosting(both), boosting(shown)))


def _stated(facts: Mapping[str, Tensor], images: Images) -> Features:
    """What is known of the file of each image, (N, F)."""
    return np.stack([column[images.latents[ORDER]].numpy() for column in facts.values()], 1)

"""One place of both images beside its neighbours."""

from __future__ import annotations

from collections.abc import Iterator

from bench.audit.baselines import AuditBaseline, register_audit_baseline
from bench.audit.draws import Draws
from bench.audit.places import hits_beside_neighbours
from bench.audit.rows import Row, flagged, judged_gain, not_applicable


@register_audit_baseline
class OnePlace(AuditBaseline):
    """What one place of both images says about the label beyond the places around it, such as a small mark.

    What looks alike does so over several pixels, so that neighbours know what a place says; a mark of one to three
    pixels, or in their last bits, they do not. No classes are needed, so that lists of pairs are asked as well. What
    gains is flagged and fails no audit: strokes may be as thin as marks. A mark as wide as the image, such as a common
    brightness, cannot be told from likeness where only pairs are labelled.
    """

    name = "one_place"

    def rows(self, draws: Draws) -> Iterator[Row]:
        if draws.domain.aligned:
            yield not_applicable("the two images of a pair lie on each other, so that every place says something")
            return
        what = "one place of both over those around it → label, gradient boosting"
        yield flagged(judged_gain(what, *hits_beside_neighbours(draws)))

"""A file of one's own to start from: a fusion that runs as it is."""

from __future__ import annotations

import re
from pathlib import Path

from bench.errors import UsageError
from bench.registry import ALLOWED, NAME, RESERVED
from bench.text import printable

FUSION = '''\
"""{name}: a way to join two images.

    bench test {file}
    bench run --fusion {name},concat --include {file}
    bench report results/ --baseline concat
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from bench.fusion import FeatureSpec, Fusion, register


@register
class {cls}(Fusion):
    """A layer on sum and absolute difference: ``f(u, v) = W [u + v; |u - v|]``, (B, D), (B, D) -> (B, width).

    Args:
        width: features that the layer gives; any parameter with a type and a default can be set, {name}:width=128.
    """

    name, family, needs, symmetric = "{name}", "own", "embedding", True

    def __init__(self, spec: FeatureSpec, width: int = 64) -> None:
        super().__init__(out_dim=width)
        self.layer = nn.Linear(2 * spec.dim, width)

    def forward(self, u: Tensor, v: Tensor) -> Tensor:
        return self.layer(torch.cat([u + v, (u - v).abs()], dim=1))
'''


def fusion_source(name: str, file: Path) -> str:
    """The text of a plug-in with a fusion called ``name``.

    Args:
        file: that it will stand in, as its first lines name it.

    Raises:
        UsageError: nothing can be called that.
    """
    if not NAME.fullmatch(name) or name in RESERVED:
        raise UsageError(f"the name {printable(repr(name), 60)} is not allowed; expected {ALLOWED}")
    words = re.split(r"[_.+-]+", name)
    return FUSION.format(name=name, file=file, cls="".join(word[:1].upper() + word[1:] for word in words))

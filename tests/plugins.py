"""The plug-in that tests write when any one will do, and why one failed to load."""

from __future__ import annotations

from pathlib import Path

from bench import zoo


def fusion(
    name: str = "mine", answer: str = "return (a - b).abs()", construction: str = "super().__init__(out_dim=spec.dim)"
) -> str:
    """Source of a sound fusion of embeddings, class ``Mine``, below the imports that the ``plugin`` fixture writes.

    Args:
        answer: a statement, what it does with the embeddings a and b.
        construction: a statement, what its constructor does.
    """
    return f'''
@register
class Mine(Fusion):
    """Absolute difference."""

    name, family, needs, symmetric, paper = "{name}", "embedding", "embedding", True, "none"

    def __init__(self, spec: FeatureSpec) -> None:
        {construction}

    def forward(self, a: Tensor, b: Tensor) -> Tensor:
        {answer}
'''


def broken(path: Path) -> str | None:
    """The error with which the plug-in at ``path`` failed to load."""
    return next((plugin.error for plugin in zoo.broken_plugins() if plugin.path == path), None)

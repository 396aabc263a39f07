"""Compact bilinear pooling: the outer product of the two embeddings, sketched by convolution."""

import torch
from torch import Tensor

from bench.fusion import FeatureSpec, Fusion, register

from .power_norm import power_norm


def count_sketch(in_dim: int, out_dim: int, generator: torch.Generator) -> Tensor:
    """Random matrix (in_dim, out_dim) with one +1 or -1 in every row: ``x @ sketch`` adds the signed entries of x up in
    random buckets, and keeps inner products in expectation."""
    bucket = torch.randint(out_dim, (in_dim,), generator=generator)
    sign = 2.0 * torch.randint(2, (in_dim,), generator=generator) - 1
    return torch.zeros(in_dim, out_dim).scatter_(1, bucket[:, None], sign[:, None])


@register
class CompactBilinear(Fusion):
    """Multimodal compact bilinear pooling: ``f = norm(ifft(fft(S1 u) * fft(S2 v)))``, (B, D) twice -> (B, width).

    S1 and S2 are fixed count sketches, and the circular convolution of two sketches is a sketch of the outer product.
    Both orders are averaged before ``norm`` (signed square root, then length), which sketches the symmetric part of the
    outer product; ``shared=false`` is the form of the paper: S1 for A, S2 for B. ``seed`` draws the sketches.
    """

    name, family, needs, symmetric = "compact_bilinear", "bilinear", "embedding", True
    paper = "Gao et al., 2016, Compact bilinear pooling; Fukui et al., 2016, MCB"

    def __init__(self, spec: FeatureSpec, width: int = 256, shared: bool = True, seed: int = 0) -> None:
        super().__init__(out_dim=width)
        self.symmetric = shared
        generator = torch.Generator().manual_seed(seed)
        self.register_buffer("first", count_sketch(spec.dim, width, generator))
        self.register_buffer("second", count_sketch(spec.dim, width, generator))

    def forward(self, a: Tensor, b: Tensor) -> Tensor:
        sketch = self.sketch(a, b)
        return power_norm((sketch + self.sketch(b, a)) / 2 if self.symmetric else sketch)

    def sketch(self, a: Tensor, b: Tensor) -> Tensor:
        """Sketch (B, width) of the outer product of a and b, (B, D) each."""
        spectrum = torch.fft.rfft(a @ self.first) * torch.fft.rfft(b @ self.second)
        return torch.fft.irfft(spectrum, n=self.out_dim)

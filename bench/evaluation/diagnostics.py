"""State of the encodings of a model: spread, rank, alignment, uniformity, and what a probe reads off them."""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn import functional as F

RIDGE = 100.0


def embedding_diagnostics(a: Tensor, b: Tensor, class_a: Tensor, class_b: Tensor) -> dict[str, float]:
    """All measures of the encoded images of pairs.

    Args:
        a, b: (N, ...) encodings; maps and tokens are flattened. class_a, class_b: (N,) int64.

    Returns:
        Values by name; a measure of same pairs is left out where there are none, and so for different pairs.
    """
    u, v, same = _flat(a), _flat(b), class_a == class_b
    cosine = F.cosine_similarity(u, v, dim=1)
    found = {
        "embedding_std": embedding_std(u),
        "effective_rank": effective_rank(u),
        "uniformity": uniformity(torch.cat([u, v])),
        "name_probe": name_probe(u, class_a, v, class_b),
    }
    if same.any():
        found |= {"alignment": alignment(u[same], v[same]), "similarity_same": float(cosine[same].mean())}
    if not same.all():
        found["similarity_different"] = float(cosine[~same].mean())
    return found


def embedding_std(embeddings: Tensor) -> float:
    """Mean deviation of the L2-normalised embeddings (N, D) times sqrt(D): near 1 when healthy, 0 when collapsed.

    Chen & He, 2021, Exploring simple siamese representation learning.
    """
    normalised = F.normalize(_flat(embeddings), dim=1)
    return float(normalised.std(0).mean() * math.sqrt(normalised.shape[1]))


def effective_rank(embeddings: Tensor) -> float:
    """exp of the entropy of the normalised singular values of the centred embeddings (N, D). Roy & Vetterli, 2007.

    With two classes, 1 is enough.
    """
    flat = _flat(embeddings)
    values = torch.linalg.svdvals(flat - flat.mean(0))
    share = values / values.sum().clamp_min(1e-12)
    return float(torch.exp(-(share * share.clamp_min(1e-12).log()).sum()))


def alignment(u: Tensor, v: Tensor) -> float:
    """Mean squared distance of the normalised embeddings (N, D) of same pairs; 0 when they coincide.

    Wang & Isola, 2020, Understanding contrastive representation learning through alignment and uniformity.
    """
    return float((F.normalize(_flat(u), dim=1) - F.normalize(_flat(v), dim=1)).square().sum(1).mean())


def uniformity(embeddings: Tensor) -> float:
    """log of the mean of exp(-2 d^2) over all pairs of normalised embeddings (N, D): 0 when all coincide, at least -4.

    Wang & Isola, 2020.
    """
    normalised = F.normalize(_flat(embeddings), dim=1)
    # |x - y|^2 = 2 - 2 cos on the sphere; a matrix product is many times faster than all distances.
    cosine = normalised @ normalised.T
    rows, columns = torch.triu_indices(len(cosine), len(cosine), offset=1)
    distance = (2 - 2 * cosine[rows, columns]).clamp_min(0)
    return float((-2 * distance).exp().mean().log())


def name_probe(train: Tensor, train_class: Tensor, test: Tensor, test_class: Tensor) -> float:
    """Accuracy on ``test`` (M, D) of a linear ridge classifier of the class, fitted to ``train`` (N, D)."""
    x, y = _flat(train).double(), _flat(test).double()
    mean, deviation = x.mean(0), x.std(0).clamp_min(1e-6)
    x, y = (x - mean) / deviation, (y - mean) / deviation
    classes, target = train_class.unique(return_inverse=True)
    one_hot = F.one_hot(target).double()
    # The dual form: N equations however wide the embedding is.
    gram = x @ x.T + RIDGE * torch.eye(len(x), dtype=x.dtype, device=x.device)
    guess = y @ (x.T @ torch.linalg.solve(gram, one_hot)) + one_hot.mean(0)
    return float((classes[guess.argmax(1)] == test_class).double().mean())


def _flat(embeddings: Tensor) -> Tensor:
    return embeddings.flatten(1).float()

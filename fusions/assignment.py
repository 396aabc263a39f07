"""Optimal one-to-one assignment, shared by the Hungarian fusions."""

import torch
from torch import Tensor


def best_partners(similarity: Tensor) -> Tensor:
    """For each row its partner in the one-to-one assignment of largest total similarity: (B, L, L) -> (B, L) int64.

    It is solved by scipy on the CPU, one matrix after the other. An assignment is a choice and has no gradient; train
    through the values at the pairs that it chose. Where the similarity is not finite it counts as 0, so that a
    training that diverged ends with its own error and not with scipy's.
    """
    from scipy.optimize import linear_sum_assignment  # slow to load

    matrices = similarity.detach().nan_to_num(0.0, 0.0, 0.0).tolist()
    partners = [linear_sum_assignment(matrix, maximize=True)[1].tolist() for matrix in matrices]
    return torch.tensor(partners, device=similarity.device)

"""Every planted bug fails the check that is there for it, with words that lead to it, and no other without reason."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from textwrap import dedent, indent

import pytest

from bench.conformance.suite import check_case


@dataclass(frozen=True)
class Planted:
    """A sound fusion, ``|a - b|``, but for what is given here."""

    fails: str
    says: str
    forward: str = "return (a - b).abs()"
    init: str = ""
    out_dim: str = "spec.dim"
    params: str = ""
    head: str = "mlp"
    symmetric: bool = True
    also: tuple[str, ...] = ()

    def source(self) -> str:
        return TEMPLATE.format(
            symmetric=self.symmetric,
            head=self.head,
            params=self.params,
            out_dim=self.out_dim,
            init=indent(dedent(self.init).strip(), " " * 8),
            forward=indent(dedent(self.forward).strip(), " " * 8),
        )


TEMPLATE = """
@register
class Planted(Fusion):
    '''A fusion with a bug.'''

    name, family, needs, symmetric, paper = "planted", "embedding", "embedding", {symmetric}, "none"
    head = "{head}"

    def __init__(self, spec: FeatureSpec{params}) -> None:
        super().__init__(out_dim={out_dim})
{init}

    def forward(self, a: Tensor, b: Tensor) -> Tensor:
{forward}
"""

BUGS = {
    "factors in a plain list": Planted(
        "registered",
        "self.factors[0]",
        init="self.factors = [nn.Parameter(torch.randn(spec.dim, spec.dim)) for _ in range(2)]",
        forward="return sum((a @ factor) * (b @ factor) for factor in self.factors)",
        also=("state_dict", "float64", "device"),
    ),
    "layers in a dict": Planted(
        "registered",
        "self.layers['left'] (weight)",
        init="self.layers = {'left': nn.Linear(spec.dim, spec.dim)}",
        forward="return (self.layers['left'](a) - self.layers['left'](b)).abs()",
        also=("state_dict", "float64", "device"),
    ),
    "a trainable tensor that is no parameter": Planted(
        "registered",
        "not in parameters()",
        init="self.scale = torch.ones(spec.dim, requires_grad=True)",
        forward="return (a - b).abs() * self.scale",
        also=("device",),
    ),
    "a layer that forward forgets": Planted(
        "registered", "gate.weight never got a gradient", init="self.gate = nn.Linear(spec.dim, 1, bias=False)"
    ),
    "a layer behind detach": Planted(
        "registered",
        "gate.bias, gate.weight never got a gradient",
        init="self.gate = nn.Linear(spec.dim, spec.dim)",
        forward="return (a - b).abs() * self.gate((a - b).abs()).detach()",
    ),
    "a bias that the softmax cancels": Planted(
        "registered",
        "bias never got a gradient",
        init="self.bias = nn.Parameter(torch.zeros(1))",
        forward="return ((a - b).abs() + self.bias).softmax(1) * 100",
    ),
    "a random sketch outside the buffers": Planted(
        "state_dict",
        "register_buffer",
        init="self.signs = (torch.randint(0, 2, (spec.dim,)) * 2.0 - 1).tolist()",
        forward="return (a - b).abs() * a.new_tensor(self.signs)",
    ),
    "a random sketch in a buffer that is not saved": Planted(
        "state_dict",
        "persistent",
        init="self.register_buffer('signs', torch.randint(0, 2, (spec.dim,)) * 2.0 - 1, persistent=False)",
        forward="return (a - b).abs() * self.signs",
    ),
    "noise in forward": Planted(
        "state_dict",
        "draw nothing in forward",
        forward="return (a - b).abs() + torch.rand_like(a)",
        also=("independent", "symmetric"),
    ),
    "attention over (B, D): the batch is the sequence": Planted(
        "independent",
        "other pairs of the batch",
        init="self.attention = nn.MultiheadAttention(spec.dim, 4)",
        forward="x = (a - b).abs()\nreturn x + self.attention(x, x, x)[0]",
    ),
    "statistics over the batch": Planted(
        "independent", "statistics over dim 0", forward="return (a - b).abs() - (a - b).abs().mean(0)"
    ),
    "squeeze without a dimension": Planted(
        "independent",
        "look for squeeze()",
        forward="""
            x = (a - b).abs().squeeze()
            return x - x.mean(-1, keepdim=True) if x.ndim == 2 else x.unsqueeze(0)
        """,
    ),
    "declared symmetric, but is not": Planted("symmetric", "declared symmetric, but", "return a - b"),
    "declared not symmetric, but is": Planted("symmetric", "declared not symmetric, but", symmetric=False),
    "Sigmoid on the score": Planted(
        "signs",
        "negative",
        init="self.decide = mlp(spec.dim)",
        forward="return self.decide((a - b).abs()).flatten().sigmoid()",
        head="score",
        also=("overfits",),
    ),
    "ReLU on the score": Planted(
        "signs",
        "without Sigmoid or ReLU",
        init="self.decide = mlp(spec.dim)",
        forward="return self.decide((a - b).abs()).flatten().relu()",
        head="score",
        also=("overfits",),
    ),
    "a distance without scale and bias": Planted(
        "signs", "positive", "return -(a - b).square().sum(1)", head="score", also=("overfits",)
    ),
    "the slope of a root at identical pairs": Planted(
        "finite", "gradient on identical features", "return (a - b).square().sum(1, keepdim=True).sqrt()", out_dim="1"
    ),
    "a division by the norm": Planted(
        "finite",
        "all-zero features is not finite",
        "return (a / a.norm(dim=1)[:, None] - b / b.norm(dim=1)[:, None]).abs()",
    ),
    "a saturated join": Planted(
        "overfits", "accuracy", "return 1e-2 * a.mean(1, keepdim=True) * b.mean(1, keepdim=True)", out_dim="1"
    ),
    "a fixed precision": Planted("float64", "call no .float()", "return (a.float() - b.float()).abs()"),
    "a fixed device": Planted(
        "device",
        "device=a.device",
        "return torch.cat([(a - b).abs(), torch.ones(len(a), 1, dtype=a.dtype, device='cpu')], dim=1)",
        out_dim="spec.dim + 1",
    ),
    "a constant matrix that stays behind": Planted(
        "device",
        "register_buffer",
        init="self.mixing = torch.eye(spec.dim).roll(1, 0)",
        forward="return (a - b).abs() @ self.mixing.to(a.dtype)",
    ),
    "scores moved to the CPU": Planted(
        "device", "call no .cpu()", "return (a - b).abs().mean(1).cpu()", head="score", also=("signs", "overfits")
    ),
    "another width than declared": Planted("shape", "out_dim", out_dim="spec.dim + 1"),
    "scores (B, 1)": Planted("shape", "flatten", "return a.mean(1, keepdim=True)", head="score"),
    "two results": Planted("shape", "returned tuple", "return a, b"),
    "a parameter without a type": Planted("parameters", "'power' has no type", params=", power=1"),
    "a default of another type": Planted("parameters", "must be int", params=", power: int = 1.5"),
    "options without names": Planted("parameters", "name every parameter", params=", **options: int"),
}


@pytest.mark.parametrize("bug", BUGS)
def test_a_planted_bug_fails_the_right_check(bug: str, plugin: Callable[..., Path]) -> None:
    planted = BUGS[bug]
    plugin(planted.source())
    found = {result.check: result.problem for result in check_case("planted", "mobilenetv3_small_32") if result.problem}
    assert planted.says in found.get(planted.fails, f"{planted.fails} passed")
    assert set(found) - {planted.fails} <= set(planted.also)


SOUND = {
    "as it stands": Planted("", ""),
    "a gate that opens in the second step": Planted(
        "",
        "",
        init="self.residual, self.gate = nn.Linear(spec.dim, spec.dim), nn.Parameter(torch.zeros(()))",
        forward="return (a - b).abs() + self.gate * self.residual((a - b).abs())",
    ),
    "BatchNorm and dropout": Planted(
        "",
        "",
        init="self.layers = nn.Sequential(nn.BatchNorm1d(spec.dim), nn.Dropout(0.2))",
        forward="return self.layers((a - b).abs())",
    ),
    "a fixed sketch in a buffer": Planted(
        "",
        "",
        init="self.register_buffer('order', torch.randperm(spec.dim))",
        forward="return (a - b).abs()[:, self.order]",
    ),
    "layers in a ModuleList": Planted(
        "",
        "",
        init="self.layers = nn.ModuleList([nn.Linear(spec.dim, spec.dim, bias=False)])",
        forward="return (self.layers[0](a) - self.layers[0](b)).abs()",
    ),
    "a branch on values": Planted("", "", "return (a - b).abs() if (a < 1e9).all() else a * b"),
}


@pytest.mark.parametrize("kind", SOUND)
def test_a_sound_fusion_passes(kind: str, plugin: Callable[..., Path]) -> None:
    plugin(SOUND[kind].source())
    assert [result for result in check_case("planted", "mobilenetv3_small_32") if result.problem] == []

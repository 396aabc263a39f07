"""``bench doctor``."""

from __future__ import annotations

import typer

OPTIONAL = {"torch-tb-profiler": "bench run --profile", "pytest": "make test"}


def doctor() -> None:
    """Say what is installed, which devices there are, which optional parts are missing and which plug-ins are
    broken."""
    from bench import zoo
    from bench.backbones import BACKBONES
    from bench.backbones.weights import PACKAGES
    from bench.cache_folder import cache_folder
    from bench.domain import DOMAINS
    from bench.fusion import FUSIONS
    from bench.sweep.provenance import provenance
    from bench.text import printable

    zoo.load()
    facts = provenance()
    hardware, git = facts["hardware"], facts["git"]
    print("versions")
    for name, version in facts["versions"].items():
        print(f"  {name:<14} {version}")
    print("machine")
    print(f"  {hardware['cpu']}, {hardware['cores']} cores, {hardware['memory_gib']} GiB, {hardware['capability']}")
    print(f"  GPU: {', '.join(hardware['gpus']) or 'none; cells run on the CPU'}")
    print("code")
    print(
        f"  {git['sha'][:12]}{' with uncommitted changes' if git['dirty'] else ''}"
        if git
        else "  installed, no git checkout"
    )
    print("zoo")
    print(f"  {len(list(FUSIONS))} fusions, {len(list(BACKBONES))} backbones, {len(list(DOMAINS))} domains")
    print(f"  warm-ups, packages, rendered images and features of frozen encoders are kept in {cache_folder()}")
    print("optional")
    weights = {package.distribution: f"--warmup imagenet on timm:{model}" for model, package in PACKAGES.items()}
    optional = OPTIONAL | weights
    for package, use in optional.items():
        print(f"  {package:<{max(map(len, optional))}} {_version(package)} (for {use})")
    for plugin in zoo.broken_plugins():
        print(printable(f"broken plug-in: {plugin.path}: {plugin.error}"))
    if zoo.broken_plugins():
        raise typer.Exit(1)


def _version(package: str) -> str:
    import importlib.metadata

    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return "not installed"

"""What domains read of packages: which, under which licence, and where each was found or looked for."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from bench.domain import DOMAINS, Domain, build_domain
from bench.errors import UsageError
from bench.packages import Package
from bench.packages.find import search

MB = 1e6


@dataclass(frozen=True)
class Need:
    """A package that a domain reads.

    Attributes:
        installed: where it was found with the content of the lock; empty where it was not.
        looked_in: the places without it; those with another content say so.
    """

    domain: str
    package: str
    version: str
    client: str
    licence: str
    author: str
    home: str
    size_mb: float
    integrity: str
    installed: str
    looked_in: tuple[str, ...]

    @property
    def row(self) -> tuple[str, ...]:
        """Its cells in a table."""
        found = self.installed or f"no; looked in {', '.join(self.looked_in) or 'no place'}"
        package = f"{self.package} {self.version}"
        return self.domain, package, self.client, f"{self.size_mb:.1f} MB", self.licence, found


COLUMNS = ("domain", "package", "client", "size", "licence", "installed")


def needs() -> list[Need]:
    """The packages of every domain that states some, in the order of the domains' names."""
    return [_need(cls.name, package) for cls in with_packages() for package in cls.packages]


def with_packages(names: Iterable[str] = ("all",)) -> list[type[Domain]]:
    """The domains that read packages: those named, or ``all``.

    Raises:
        UsageError: an unknown domain, or one that reads none.
    """
    known = [cls for cls in map(DOMAINS.get, DOMAINS) if cls.packages]
    chosen: dict[type[Domain], None] = {}
    for name in names:
        found = known if name == "all" else [DOMAINS.get(name)]
        if not all(cls.packages for cls in found):
            allowed = ", ".join(cls.name for cls in known) or "no domain"
            raise UsageError(f"{name} reads no packages; those that do: {allowed}")
        chosen |= dict.fromkeys(found)
    return list(chosen)


def prepare(cls: type[Domain]) -> None:
    """Have a domain read its packages, and with that render what it keeps of them."""
    build_domain(cls.name)


def _need(domain: str, package: Package) -> Need:
    found = search(package)
    places = [*map(str, found.empty), *(f"{root} (other content)" for root, _ in found.other)]
    facts = {name: getattr(package, name) for name in ("version", "client", "licence", "author", "home", "integrity")}
    return Need(
        domain=domain,
        package=package.name,
        size_mb=package.size / MB,
        installed=str(found.root or ""),
        looked_in=tuple(places),
        **facts,
    )

"""The ordinary clients of the registries: where each installs packages, how it fetches and unpacks one."""

from __future__ import annotations

import base64
import os
import subprocess
import sys
import tarfile
import zipfile
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

from bench.errors import UsageError
from bench.packages.contract import Client, Package
from bench.text import printable

LIMIT_SECONDS = 900
LONGEST_SAID = 300


class RegistryClient(ABC):
    """How one client finds, fetches and unpacks. Nothing that a package brings is run."""

    @abstractmethod
    def places(self, package: Package) -> list[Path]:
        """Roots below which a package may lie that the user installed with the client."""

    @abstractmethod
    def fetch(self, package: Package, into: Path) -> None:
        """Put the archive, alone, into an empty folder."""

    @abstractmethod
    def unpack(self, archive: Path, into: Path) -> None:
        """Unpack an archive, whose integrity has been checked, into an empty folder, which is then the root."""


class Npm(RegistryClient):
    """``npm``: packages lie in ``node_modules``."""

    def places(self, package: Package) -> list[Path]:
        roots = [Path("node_modules"), *map(Path, filter(None, os.environ.get("NODE_PATH", "").split(os.pathsep)))]
        return [root.absolute() / package.name for root in roots]

    def fetch(self, package: Package, into: Path) -> None:
        _call(["npm", "pack", "--ignore-scripts", "--loglevel=error", f"{package.name}@{package.version}"], into)

    def unpack(self, archive: Path, into: Path) -> None:
        with tarfile.open(archive) as tar:
            inside = [member for member in tar.getmembers() if member.isfile() and "/" in member.name]
            for member in inside:
                member.name = member.name.partition("/")[2]
            tar.extractall(into, inside, filter="data")


class Pip(RegistryClient):
    """``pip``: a wheel, found by its distribution; source archives, which need to be run, are refused."""

    def places(self, package: Package) -> list[Path]:
        try:
            found = distribution(package.name)
        except PackageNotFoundError:
            return []
        return [Path(str(found.locate_file("")))]

    def fetch(self, package: Package, into: Path) -> None:
        algorithm, _, digest = package.integrity.partition("-")
        hashes = f"--hash={algorithm}:{base64.b64decode(digest).hex()}"
        # Beside the folder: the archive must be alone in it.
        needed = into.with_name("requirements.txt")
        needed.write_text(f"{package.name}=={package.version} {hashes}\n")
        options = ["--quiet", "--disable-pip-version-check", "--no-deps", "--only-binary=:all:", "--require-hashes"]
        _call([sys.executable, "-m", "pip", "download", *options, "-r", str(needed)], into)

    def unpack(self, archive: Path, into: Path) -> None:
        with zipfile.ZipFile(archive) as wheel:
            wheel.extractall(into)


class Apt(RegistryClient):
    """``apt-get`` and ``dpkg-deb``, of Debian and its relatives: packages lie in the folders of the system."""

    def places(self, package: Package) -> list[Path]:
        return [Path("/")]

    def fetch(self, package: Package, into: Path) -> None:
        _call(["apt-get", "download", "--quiet=2", f"{package.name}={package.version}"], into)

    def unpack(self, archive: Path, into: Path) -> None:
        _call(["dpkg-deb", "--extract", str(archive), "."], into)


CLIENTS: Mapping[Client, RegistryClient] = {"npm": Npm(), "pip": Pip(), "apt": Apt()}


def _call(command: Sequence[str], folder: Path) -> None:
    """Run a client in a folder.

    Raises:
        UsageError: it is not installed, fails or takes too long; the message has what it said of the error.
    """
    try:
        done = subprocess.run(
            command, cwd=folder, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=LIMIT_SECONDS
        )
    except FileNotFoundError:
        raise UsageError(f"{command[0]} is not installed; it is needed to fetch what is missing") from None
    except subprocess.TimeoutExpired:
        raise UsageError(f"{_shown(command)}: not done after {LIMIT_SECONDS} s") from None
    if done.returncode:
        said = [line for line in (done.stderr + done.stdout).splitlines() if line.strip()] or ["no message"]
        # npm says last where its log is, pip says first what is unusual about the machine.
        told = next((line for line in said if "error" in line.lower()), said[-1])
        raise UsageError(f"{_shown(command)}: {printable(told.strip(), LONGEST_SAID)}")


def _shown(command: Sequence[str]) -> str:
    return " ".join(word for word in command if not word.startswith("--"))

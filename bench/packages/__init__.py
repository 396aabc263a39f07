"""Data that domains read from pinned packages: what one is, where it is found, how it is installed, what is rendered
from it."""

from bench.packages.contract import Client, Package
from bench.packages.find import locate
from bench.packages.rendered import Rendered, rendered

__all__ = ["Client", "Package", "Rendered", "locate", "rendered"]

"""fusebench: benchmark how a network should join two images."""

__version__ = "0.2.0"

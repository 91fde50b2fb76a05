"""The version of sightd."""

from importlib.metadata import version

VERSION = version("sightd")

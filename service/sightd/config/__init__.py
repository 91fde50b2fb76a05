"""What /etc/sightd says: sections, the sources they come from, and the problems found in them."""

from .loading import Loaded, load
from .problems import ConfigError, Problem
from .settings import Settings

__all__ = ["ConfigError", "Loaded", "Problem", "Settings", "load"]

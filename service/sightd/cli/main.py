"""The command and its verbs."""

from __future__ import annotations

import click

from .. import version
from .audit import audit
from .bench import bench
from .check import check
from .config import check_config, show_config
from .keys import keys
from .model import model
from .recognize import recognize
from .selftest import selftest


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(version.VERSION, prog_name="sightctl")
def main() -> None:
    """Ask, check and look after a sightd."""


for verb in (audit, bench, check, check_config, keys, model, show_config, recognize, selftest):
    main.add_command(verb)

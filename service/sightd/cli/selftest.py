"""`sightctl selftest`: does every device of this server compute right answers?"""

from __future__ import annotations

import asyncio
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ..config import Settings
from ..config.live import Live
from ..config.model import Model
from ..ending import Ending
from .config import config_option, loaded_or_exit

if TYPE_CHECKING:
    from ..api.services import Services
    from ..selftest.known import Known

START_SECONDS = 300.0


@click.command()
@config_option
def selftest(config: Path | None) -> None:
    """Start an engine on each configured device and ask the embedded model questions whose answers are known."""
    from ..engine.devices import resolve
    from ..logs import configure

    settings = loaded_or_exit(config).settings
    quiet = settings.logging.model_copy(update={"level": "error"})
    configure(quiet, "selftest")
    settings = settings.model_copy(update={"logging": quiet, "model": Model()})
    wrong = sum(asyncio.run(examine(settings, device)) for device in resolve(settings.engine.devices))
    click.echo("All answers are right." if wrong == 0 else f"{wrong} answers are wrong or missing.")
    sys.exit(0 if wrong == 0 else 1)


async def examine(settings: Settings, device: str) -> int:
    """Ask every known question on one device. Returns how many answers were wrong or missing."""
    from ..app import make_services
    from ..selftest.known import known_questions

    engine = settings.engine.model_copy(update={"devices": (device,)})
    settings = settings.model_copy(update={"engine": engine})
    services = make_services(settings, Live(settings), Ending(0))
    services.decoders.start()
    services.engines.start(load=True, unload_seconds=0)
    try:
        if not await started(services):
            click.echo(f"{device}  {services.engines.why_not_ready()}", err=True)
            return len(known_questions())
        return sum([not await is_right(services, device, known) for known in known_questions()])
    finally:
        services.engines.stop()
        services.decoders.close()


async def started(services: Services) -> bool:
    """Wait for the engine; False when it gave up or took too long."""
    deadline = time.monotonic() + START_SECONDS
    while not services.engines.ready:
        if services.engines.failed or time.monotonic() > deadline:
            return False
        await asyncio.sleep(0.05)
    return True


async def is_right(services: Services, device: str, known: Known) -> bool:
    """Ask one question and print what came of it."""
    from ..api.answering import text_of
    from ..api.conversation import Wishes
    from ..api.picture import as_conversation
    from ..api.record import RequestRecord
    from ..selftest.known import same

    began = time.monotonic()
    pictures = [path.read_bytes() for path in known.files()]
    record = RequestRecord("selftest", "", "")
    conversation = as_conversation(pictures, known.question, None)
    plainly = Wishes(temperature=0, repetition_penalty=1.0, frequency_penalty=0.0, presence_penalty=0.0)
    given = await text_of(services, record, conversation, plainly)
    right = same(given, known.answer)
    verdict = "right" if right else f"WRONG, expected: {known.answer}"
    click.echo(f"{device}  {known.question}  →  {given}  ({verdict}, {time.monotonic() - began:.2f} s)")
    return right

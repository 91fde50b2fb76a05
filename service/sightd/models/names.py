"""The names that clients may call the model by."""

from __future__ import annotations

from pathlib import Path

from ..config.model import EMBEDDED, Model
from .checkpoint import EMBEDDED_FOLDER
from .store import manifest


class ServedNames:
    """The checkpoint's name, its path and the listed aliases, in any case; or any name at all. A checkpoint of the
    store has the name it was fetched by, with and without its owner; any other has its folder's."""

    def __init__(self, settings: Model) -> None:
        folder = checkpoint_folder(settings)
        stored = manifest.read(folder)
        full = stored.name if stored else folder.name
        own = full.rpartition("/")[2]
        self.primary = settings.served_names[0] if settings.served_names else own
        self.all = list(dict.fromkeys([*settings.served_names, own]))
        self._known = {plain(name) for name in (*self.all, full, str(folder), settings.path)}
        self._any = settings.accept_any_name

    def accepts(self, name: str) -> bool:
        """Whether a request for this model name is for us."""
        return self._any or plain(name) in self._known


def plain(name: str) -> str:
    """The name as it is compared: in small letters, and a path without a slash at its end."""
    return name.casefold().rstrip("/")


def checkpoint_folder(settings: Model) -> Path:
    """The folder of the configured checkpoint."""
    return EMBEDDED_FOLDER if settings.path == EMBEDDED else Path(settings.path).expanduser()

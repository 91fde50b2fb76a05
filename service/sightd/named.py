"""Whether what the configuration names is there and may be read."""

from __future__ import annotations

import os
import pwd
import shutil
from pathlib import Path

from .auth.exposure import exposed
from .config import Loaded
from .models.checkpoint import CheckpointError
from .models.names import checkpoint_folder
from .models.wholeness import check


def missing_things(loaded: Loaded) -> list[str]:
    """Problems with what the settings point at, each a sentence that names the setting and its origin."""
    origin = loaded.origins.get("model.path", "default")
    problems = [
        f"{origin}: model.path: {problem}" for problem in model_problems(checkpoint_folder(loaded.settings.model))
    ]
    if complaint := exposed(loaded.settings):
        problems.append(complaint)
    if (path := loaded.settings.audit.path) and (complaint := audit_problem(path)):
        problems.append(f"{loaded.origins.get('audit.path', 'default')}: audit.path: {complaint}")
    gone = [path for path in loaded.settings.media.allowed_paths if not path.is_dir()]
    origin = loaded.origins.get("media.allowed_paths", "default")
    return problems + [f"{origin}: media.allowed_paths: {path} is not a directory." for path in gone]


def model_problems(folder: Path) -> list[str]:
    """What keeps a checkpoint folder from being served, if anything."""
    if closed := unreadable(folder):
        remedy = f"`chmod -R a+rX {folder}` lets everybody read the model (folders above it must let through, too)"
        return [f"{closed} cannot be read by user {user()}; {remedy}."]
    try:
        check(folder)
    except CheckpointError as error:
        return [str(error)]
    return []


def audit_problem(path: Path) -> str | None:
    """What keeps an audit log from being written, if anything."""
    if not os.access(path if path.exists() else path.parent, os.W_OK):
        return f"{path} cannot be written by user {user()}; /var/lib/sightd can be."
    if not shutil.disk_usage(path.parent).free:
        return f"{path} cannot be written, its file system is full; `df -h {path.parent}` shows it. Make room there."
    return None


def user() -> str:
    """The name of the user that this process runs as."""
    return pwd.getpwuid(os.geteuid()).pw_name


def unreadable(folder: Path) -> Path | None:
    """The folder or a file in it that this process may not read; None when all may be, or nothing is there."""
    try:
        files = [path for path in folder.iterdir() if not path.is_dir()]
    except PermissionError:
        return folder
    except OSError:
        return None
    return next((path for path in files if not os.access(path, os.R_OK)), None)

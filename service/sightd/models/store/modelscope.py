"""ModelScope. `MODELSCOPE_ENDPOINT` names another server that speaks its protocol.

The client is modelscope-hub, to which modelscope's own `snapshot_download` hands everything on; importing `modelscope`
itself would load torch. It asks for the tokens that `modelscope login` keeps.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Sequence
from pathlib import Path

from ..checkpoint import first_line
from . import StoreError
from .hubs import RemoteFile

PARTS = ".hub"
"""A folder for the client's locks, inside the one that is filled."""


class ModelScope:
    """See `hubs.Hub`. Interrupted files go on with a Range request; checksums are compared by the client too."""

    name = "modelscope"
    default_revision = "master"

    def __init__(self, endpoint: str | None = None) -> None:
        # Its own progress bars, one for each file and one for all, would be drawn over ours.
        os.environ["TQDM_DISABLE"] = "1"
        from modelscope_hub import HubApi

        logging.getLogger("modelscope_hub").setLevel(logging.CRITICAL)
        self._api = HubApi(endpoint=endpoint)

    def files(self, repository: str, revision: str) -> list[RemoteFile]:
        """See `hubs.Hub.files`."""
        from modelscope_hub.errors import HubError

        try:
            found = self._api.list_repo_files(repository, "model", revision=revision)
        except (HubError, OSError) as error:
            raise StoreError(f"ModelScope did not list {repository} {revision}: {first_line(error)}.") from error
        return [RemoteFile(file.path, file.size, file.sha256) for file in found if not file.is_dir]

    def fetch(self, repository: str, revision: str, files: Sequence[RemoteFile], folder: Path) -> None:
        """See `hubs.Hub.fetch`."""
        from modelscope_hub.errors import FileDownloadError, HubError

        listing = [{"Path": file.path, "Size": file.size, "Sha256": file.sha256, "Type": "blob"} for file in files]
        try:
            self._api.download_repo(
                repository, "model", revision=revision, local_dir=folder, cache_dir=folder / PARTS, file_list=listing
            )
        except FileDownloadError as error:
            causes = "; ".join(f"{path}: {first_line(cause)}" for path, cause in error.failed_files.items())
            raise StoreError(f"Not everything of {repository} came: {causes}. The same command goes on.") from error
        except (HubError, OSError) as error:
            raise StoreError(f"{repository} did not come: {first_line(error)}. The same command goes on.") from error

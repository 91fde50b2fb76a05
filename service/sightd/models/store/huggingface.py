"""Hugging Face's hub. `HF_ENDPOINT` names another server that speaks its protocol, a mirror for instance."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from ..checkpoint import first_line
from . import StoreError
from .hubs import RemoteFile

PARTIAL = ".incomplete"


class HuggingFace:
    """See `hubs.Hub`. The hub's own snapshot_download begins interrupted files again; files are fetched one by one with
    its `http_get` instead, which goes on with a Range request."""

    name = "huggingface"
    default_revision = "main"

    def __init__(self, endpoint: str | None = None) -> None:
        from huggingface_hub import HfApi
        from huggingface_hub.utils.tqdm import disable_progress_bars

        disable_progress_bars()
        self._api = HfApi(endpoint=endpoint)

    def files(self, repository: str, revision: str) -> list[RemoteFile]:
        """See `hubs.Hub.files`."""
        from huggingface_hub.hf_api import RepoFile

        with failures(f"Hugging Face did not list {repository} {revision}"):
            tree = list(self._api.list_repo_tree(repository, revision=revision, recursive=True))
        found = [entry for entry in tree if isinstance(entry, RepoFile)]
        return [RemoteFile(file.path, file.size, file.lfs.sha256 if file.lfs else None) for file in found]

    def fetch(self, repository: str, revision: str, files: Sequence[RemoteFile], folder: Path) -> None:
        """See `hubs.Hub.fetch`."""
        with failures(f"{repository} did not come"):
            for file in files:
                target = folder / file.path
                if not target.exists() or target.stat().st_size != file.size:
                    self._fetch_one(repository, revision, file, target)

    def _fetch_one(self, repository: str, revision: str, file: RemoteFile, target: Path) -> None:
        from huggingface_hub import get_token, hf_hub_url
        from huggingface_hub.file_download import http_get

        partial = target.with_name(target.name + PARTIAL)
        url = hf_hub_url(repository, file.path, revision=revision, endpoint=self._api.endpoint)
        # Text files would come compressed otherwise, and a Range counts bytes of what comes.
        token = get_token()
        headers = {"Accept-Encoding": "identity"} | ({"Authorization": f"Bearer {token}"} if token else {})
        with partial.open("ab") as out:
            if out.tell() > file.size:
                out.truncate(0)
            http_get(url, out, resume_size=out.tell(), headers=headers, expected_size=file.size)
        partial.rename(target)


@contextmanager
def failures(what: str) -> Iterator[None]:
    """Turns the client's errors into StoreError."""
    import httpx2

    try:
        yield
    except (httpx2.HTTPError, OSError, ValueError) as error:
        raise StoreError(f"{what}: {first_line(error)}. The same command goes on where it stopped.") from error

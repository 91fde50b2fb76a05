"""The store: checkpoints that `sightctl model` fetched from a hub or took from a folder or archive.

Each is a folder <store>/<name>/<revision>/ with nothing in it but weights, texts and a manifest. It appears under its
name only when it is whole; until then it grows in <store>/.incoming/.
"""

from __future__ import annotations


class StoreError(Exception):
    """A checkpoint cannot be fetched, taken in, found or removed; the message says what to do."""

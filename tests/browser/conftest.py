"""A real Chromium."""

from __future__ import annotations

import shutil
from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, sync_playwright


@pytest.fixture
def page() -> Iterator[Page]:
    """A page of a browser of its own; tests that want one are skipped where there is none."""
    if (chromium := shutil.which("chromium")) is None:
        pytest.skip("chromium is not installed: make tools")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        yield browser.new_page(locale="en-GB")
        browser.close()

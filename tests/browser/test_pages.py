"""Pages of other origins in a real Chromium."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Page

from ..conftest import StartServer
from ..pictures import data_uri, encoded, shape
from ..server import Server
from ..websites import website

RECOGNISE = """async ([server, picture]) => {
  const form = new FormData();
  form.append("image", await (await fetch(picture)).blob(), "picture.png");
  form.append("prompt", "What colour is it?");
  const answer = await fetch(server + "/v1/image/recognize", { method: "POST", body: form });
  return [answer.status, await answer.json(), answer.headers.get("X-Request-ID")];
}"""
STREAM = """async ([server, picture]) => {
  const content = [{ type: "image_url", image_url: { url: picture } }, { type: "text", text: "What colour is it?" }];
  const answer = await fetch(server + "/v1/chat/completions", {
    method: "POST",
    headers: { "Content-Type": "application/json", Authorization: "Bearer none" },
    body: JSON.stringify({ messages: [{ role: "user", content }], stream: true }),
  });
  const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
  let text = "";
  for (let part = await reader.read(); !part.done; part = await reader.read()) text += part.value;
  const events = text.split("\\n\\n").filter((line) => line.startsWith("data: {"));
  return events.map((line) => JSON.parse(line.slice(6)).choices[0].delta.content ?? "").join("");
}"""


@pytest.fixture
def origins() -> Iterator[tuple[str, str]]:
    """Two web servers with an empty page."""
    pages = {"/": b"<!doctype html><title>A page of the intranet</title>"}
    with website(pages) as one, website(pages) as other:
        yield one, other


@pytest.fixture
def listed(start_server: StartServer, origins: tuple[str, str]) -> Server:
    """A server that lets pages of the first origin call."""
    return start_server(environment={"SIGHTD_CORS__ORIGINS": origins[0]}).wait_ready()


def test_pages_that_may_call_and_that_may_not(listed: Server, origins: tuple[str, str], page: Page) -> None:
    """A listed origin's page recognises a picture and reads a streamed answer; a foreign one's gets neither."""
    given = [listed.url, data_uri(encoded(shape("ellipse", "red")))]
    page.goto(origins[0])
    status, body, request_id = page.evaluate(RECOGNISE, given)
    assert (status, body) == (200, {"status": "success", "result": "It is red."})
    assert request_id
    assert page.evaluate(STREAM, given) == "It is red."
    page.goto(origins[1])
    for script in (RECOGNISE, STREAM):
        with pytest.raises(Exception, match="Failed to fetch"):
            page.evaluate(script, given)
    refused = [line for line in listed.lines() if line["event"] == "request" and line.get("error")]
    assert {line["error"] for line in refused} <= {"origin_not_allowed"}

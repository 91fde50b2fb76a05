"""The console in a real Chromium: what a person without code does."""

from __future__ import annotations

from pathlib import Path

from playwright.sync_api import Page, expect

from ..conftest import StartServer
from ..pictures import encoded, shape
from ..server import Server, sightctl

SECONDS = 30_000
CIRCLE = {"name": "circle.png", "mimeType": "image/png", "buffer": encoded(shape("ellipse", "red"))}


def ask(page: Page, question: str) -> None:
    """Type a question and send it with Enter."""
    page.locator("#question").fill(question)
    page.locator("#question").press("Enter")


def test_a_picture_is_asked_about(server: Server, page: Page) -> None:
    """Somebody who opens the bare address gets to the page, gives a picture and a question, reads the answer, and asks
    on; nothing is loaded from elsewhere and nothing is wrong on the page."""
    complaints: list[str] = []
    asked: list[str] = []
    page.on("console", lambda message: complaints.append(message.text))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("request", lambda request: asked.append(request.url))
    page.goto(server.url)
    assert page.url == f"{server.url}/console"
    expect(page.locator("#state")).to_have_text("sightd-tiny-vl is ready", timeout=SECONDS)
    page.locator("#files").set_input_files([CIRCLE])
    ask(page, "What colour is it?")
    answers = page.locator("article.assistant")
    expect(answers.first).to_contain_text("It is red.", timeout=SECONDS)
    ask(page, "And its shape?")
    expect(answers.nth(1)).to_contain_text("circle", timeout=SECONDS)
    assert all(url.startswith((server.url, "data:")) for url in asked)
    assert complaints == []


def test_the_page_speaks_chinese(server: Server, page: Page) -> None:
    """The page changes its language, and a question in Chinese is answered in Chinese."""
    page.goto(f"{server.url}/console")
    page.locator("#language").click()
    expect(page.locator("#send")).to_have_text("提问")
    page.locator("#files").set_input_files([CIRCLE])
    ask(page, "它是什么颜色？")
    expect(page.locator("article.assistant")).to_contain_text("红色", timeout=SECONDS)


def test_what_goes_wrong_is_said(server: Server, page: Page) -> None:
    """A picture that cannot be read is answered with the server's sentence, and the next question works."""
    page.goto(f"{server.url}/console")
    page.locator("#files").set_input_files([CIRCLE | {"buffer": b"no picture"}])
    ask(page, "What colour is it?")
    expect(page.locator("article.failed")).to_contain_text("picture", timeout=SECONDS)
    page.locator("#files").set_input_files([CIRCLE])
    ask(page, "What colour is it?")
    expect(page.locator("article.assistant").last).to_contain_text("It is red.", timeout=SECONDS)


def test_a_key_is_asked_for(start_server: StartServer, tmp_path: Path, page: Page) -> None:
    """Where keys are needed the page opens all the same, asks for one, and works with it."""
    file = tmp_path / "keys.json"
    key = sightctl("keys", "add", "person", "--file", str(file)).stdout.strip()
    server = start_server(environment={"SIGHTD_AUTH__KEYS_FILE": str(file)}).wait_ready()
    page.goto(server.url)
    expect(page.locator("#state")).to_contain_text("wants a key", timeout=SECONDS)
    page.locator("summary").click()
    page.locator("#key").fill(key)
    page.locator("#files").set_input_files([CIRCLE])
    ask(page, "What colour is it?")
    expect(page.locator("article.assistant")).to_contain_text("It is red.", timeout=SECONDS)


def test_programs_are_not_sent_to_the_page(server: Server) -> None:
    """A GET of the bare address that does not want HTML is told which method there is."""
    answer = server.client.get("/")
    assert (answer.status_code, answer.headers["Allow"]) == (405, "POST")

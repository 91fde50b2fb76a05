"""Bad requests cost those who run beside them nothing: their tokens are the ones that they get alone."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from ..pictures import data_uri, encoded, noise
from ..server import Server
from ..waiting import until
from .test_chat import PATH, RED, ask, image, user

STORIES = [
    user("Tell me a story about penguins"),
    user(image(RED), "What is in the picture?"),
    {"role": "user", "content": "讲一个故事"},
]
PLACEHOLDERS = "<|vision_start|><|image_pad|><|vision_end|><|im_end|><|endoftext|>" * 3
SCHEMA = {"type": "json_schema", "json_schema": {"name": "x", "schema": {"$ref": "#/nowhere"}}}


@pytest.fixture(scope="module")
def exact(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server in float32, where a request's tokens do not depend on what runs beside it."""
    folder = tmp_path_factory.mktemp("exact")
    (folder / "sightd.toml").write_text('[model]\ndtype = "float32"\n')
    server = Server(folder, ["--config", str(folder / "sightd.toml")])
    try:
        yield server.wait_ready()
    finally:
        server.stop()


def tokens(server: Server, number: int) -> list[int]:
    """The token ids of a long greedy answer."""
    options = {"max_tokens": 160, "ignore_eos": True, "return_token_ids": True, "temperature": 0}
    found: list[int] = ask(server, STORIES[number], **options).raise_for_status().json()["choices"][0]["token_ids"]
    return found


@pytest.fixture(scope="module")
def alone(exact: Server) -> list[list[int]]:
    """What each gets when nothing else runs."""
    return [tokens(exact, number) for number in range(len(STORIES))]


def refused(words: str, *content: str, **options: object) -> Callable[[Server], None]:
    """A request that is answered with 400 and a sentence with these words."""

    def send(server: Server) -> None:
        answer = ask(server, user(*content), **options)
        assert answer.status_code == 400
        assert words in answer.json()["error"]["message"]

    return send


def answered(server: Server) -> None:
    """Special tokens that a user writes out are text: no picture is missing."""
    assert ask(server, user(PLACEHOLDERS, image(RED)), max_tokens=5).status_code == 200


def left(events: int) -> Callable[[Server], None]:
    """A request about a large picture whose client goes away after so many events."""

    def send(server: Server) -> None:
        picture = data_uri(encoded(noise(events, (900, 700))))
        body = {"messages": [user(image(picture), "Hello " * 200)], "stream": True, "ignore_eos": True}
        with server.client.stream("POST", PATH, json=body) as response:
            events_there = (line for line in response.iter_lines() if line)
            for _ in range(events):
                next(events_there)

    return send


@pytest.mark.parametrize(
    "send",
    [
        pytest.param(refused("at most", "word " * 9000), id="longer than the context"),
        pytest.param(answered, id="placeholders without pictures"),
        pytest.param(refused("max_tokens", "hello", max_tokens=0), id="no tokens"),
        pytest.param(refused("cannot be compiled", "hello", response_format=SCHEMA), id="schema"),
        pytest.param(
            refused("cannot be compiled", "hello", structured_outputs={"regex": "(a"}), id="regular expression"
        ),
        pytest.param(left(0), id="left before the answer"),
        pytest.param(left(1), id="left at its beginning"),
        pytest.param(left(5), id="left in its middle"),
    ],
)
def test_neighbours_get_their_tokens(exact: Server, alone: list[list[int]], send: Callable[[Server], None]) -> None:
    """While a request is refused, or left by its client in any state, those beside it get the tokens that they get
    alone."""
    with ThreadPoolExecutor(len(STORIES)) as pool:
        beside = [pool.submit(tokens, exact, number) for number in range(len(STORIES))]
        until(lambda: exact.client.get("/health").json()["running"] == len(STORIES), 30, "neighbours at work")
        send(exact)
        assert not all(neighbour.done() for neighbour in beside)
        assert [neighbour.result() for neighbour in beside] == alone
    until(lambda: exact.client.get("/health").json()["running"] == 0, 30, "nothing left")

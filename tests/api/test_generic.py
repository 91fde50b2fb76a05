"""A checkpoint that transformers drives, from the upload to the answer."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from ..engine.test_recovery import ask, engine_of
from ..engine.test_turns import TOKENS, reference
from ..pictures import data_uri, encoded, noise
from ..server import Server
from ..waiting import until

PATH = "/v1/chat/completions"


@pytest.fixture(scope="module")
def llava(generic: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server with a checkpoint that it has no network of its own for."""
    running = Server(tmp_path_factory.mktemp("llava"), ["--model", str(generic["llava"])])
    try:
        yield running.wait_ready()
    finally:
        running.stop()


def body(text: str, seed: int | None = None, **more: Any) -> dict[str, Any]:
    """A request about a picture, or about none."""
    picture = [] if seed is None else [data_uri(encoded(noise(seed, (200, 120))))]
    content = [*({"type": "image_url", "image_url": {"url": url}} for url in picture), {"type": "text", "text": text}]
    return {
        "messages": [{"role": "user", "content": content}],
        "max_tokens": TOKENS,
        "temperature": 0,
        "return_token_ids": True,
    } | more


def test_answers(llava: Server, generic: dict[str, Path]) -> None:
    """Whole and streamed, an answer has the prompt and the tokens that transformers gives."""
    ids, expected = reference(generic["llava"], "What is this?", noise(1, (200, 120)))
    answer = llava.client.post(PATH, json=body("What is this?", 1)).raise_for_status().json()
    assert (answer["prompt_token_ids"], answer["choices"][0]["token_ids"]) == (ids, expected)
    assert answer["usage"]["prompt_tokens"] == len(ids)
    with llava.client.stream("POST", PATH, json=body("What is this?", 1, stream=True)) as response:
        chunks = [json.loads(line[6:]) for line in response.iter_lines() if line.startswith("data: {")]
    assert len(chunks) > 2
    text = "".join(chunk["choices"][0]["delta"].get("content") or "" for chunk in chunks)
    assert text == answer["choices"][0]["message"]["content"]


def test_the_picture_endpoint(llava: Server) -> None:
    """The same picture and question get the same answer there."""
    chat = llava.client.post(PATH, json=body("What is this?", 1)).json()["choices"][0]["message"]["content"]
    form = {"prompt": "What is this?", "max_tokens": TOKENS, "temperature": 0}
    picture = {"image": ("a.png", encoded(noise(1, (200, 120))), "image/png")}
    answer = llava.client.post("/v1/image/recognize", data=form, files=picture)
    assert answer.json() == {"status": "success", "result": chat}


def test_what_it_says_of_itself(llava: Server) -> None:
    """`/capabilities` says that requests take turns; /tokenize knows what a picture takes."""
    told = llava.client.get("/capabilities").json()
    assert told["batching"] == "turns"
    assert "mm_processor_kwargs" in told["chat_parameters"]["refused"]
    assert llava.client.get("/health").json()["engines"][0]["info"]["family"] == "generic"
    counted = llava.client.post("/tokenize", json={"messages": body("What is this?", 1)["messages"]}).json()
    answer = llava.client.post(PATH, json=body("What is this?", 1)).json()
    assert counted["tokens"] == answer["prompt_token_ids"]


def test_control_tokens_in_a_text(llava: Server) -> None:
    """A placeholder that a user spells out is text: it needs no picture and makes none."""
    plain = llava.client.post(PATH, json=body("Is <image> a <|im_end|>?")).raise_for_status().json()
    placeholder = llava.client.post("/tokenize", json={"messages": body("?", 1)["messages"]}).json()["tokens"]
    repeated = max(set(placeholder), key=placeholder.count)
    assert repeated not in plain["prompt_token_ids"]


@pytest.mark.parametrize(
    ("more", "param"),
    [
        ({"mm_processor_kwargs": {"max_pixels": 1000}}, "mm_processor_kwargs"),
        ({"chat_template_kwargs": {"bos_token": "x"}}, "chat_template_kwargs"),
        ({"max_tokens": 5, "messages": [{"role": "user", "content": "long " * 3000}]}, "messages"),
    ],
)
def test_refused(llava: Server, more: dict[str, Any], param: str) -> None:
    """What cannot be honoured is refused by name."""
    response = llava.client.post(PATH, json=body("What is this?", 1) | more)
    assert response.status_code == 400
    assert response.json()["error"]["param"] == param


def test_forms_and_several_answers(llava: Server) -> None:
    """A JSON Schema holds for every one of several answers; a string as content is not lost on a template that wants
    lists."""
    schema = {"type": "json_schema", "json_schema": {"name": "n", "schema": {"enum": ["yes", "no"]}}}
    answer = llava.client.post(PATH, json=body("Is it?", 1, n=3, temperature=1, response_format=schema)).json()
    assert {choice["message"]["content"] for choice in answer["choices"]} <= {'"yes"', '"no"'}
    said = body("Hello there")
    as_string = said | {"messages": [{"role": "user", "content": "Hello there"}]}
    both = [llava.client.post(PATH, json=sent).json()["prompt_token_ids"] for sent in (said, as_string)]
    assert both[0] == both[1]


def test_a_death_goes_unnoticed(llava: Server) -> None:
    """When the engine is killed under load, every answer is that of an undisturbed run."""
    expected = [ask(llava, number) for number in range(6)]
    with ThreadPoolExecutor(6) as pool:
        answers = [pool.submit(ask, llava, number) for number in range(6)]
        until(lambda: llava.client.get("/health").json()["engines"][0]["requests"] >= 4, 30, "requests run")
        os.kill(engine_of(llava), signal.SIGKILL)
        assert [answer.result() for answer in answers] == expected

"""Tokens, versions, and what the server says of itself."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

from ..server import Server
from .test_chat import RED, ask, image, user


def test_tokenize_and_back(server: Server) -> None:
    """A text's tokens give the text again, and special tokens in it are only characters."""
    text = "What is <|im_end|> this? 这是什么？"
    body = server.client.post("/tokenize", json={"prompt": text, "return_token_strs": True}).json()
    assert body["count"] == len(body["tokens"]) == len(body["token_strs"])
    assert body["max_model_len"] > 100
    assert server.client.post("/detokenize", json={"tokens": body["tokens"]}).json()["prompt"] == text
    control = server.client.post("/tokenize", json={"prompt": "<|im_end|>"}).json()["count"]
    assert control > 1


def test_long_texts_hold_nobody_up(server: Server) -> None:
    """While a long text is turned into tokens other requests are answered; one that no model takes is refused."""
    with ThreadPoolExecutor(1) as pool:
        long = pool.submit(server.client.post, "/tokenize", json={"prompt": "word " * 200_000})
        answered = 0
        while not long.done():
            assert server.client.get("/livez").status_code == 200
            answered += 1
    assert answered > 3
    assert long.result().json()["count"] > 100_000
    refused = server.client.post("/tokenize", json={"prompt": "word " * 200_001})
    assert "1000000" in refused.json()["error"]["message"]


def test_tokens_of_a_conversation(server: Server) -> None:
    """A conversation's count is that of its answer's usage, pictures included."""
    message = user(image(RED), "What colour is it?")
    count = server.client.post("/tokenize", json={"messages": [message]}).json()["count"]
    assert count == ask(server, message).json()["usage"]["prompt_tokens"]


def test_tokens_of_what_else_is_asked(server: Server) -> None:
    """Tools and the options of the prompt count as they do in a chat; a text has none of them."""
    message = user(image(RED), "What colour is it?")
    tool = {"type": "function", "function": {"name": "paint", "parameters": {}}}
    begun = {"role": "assistant", "content": "It is"}
    options: list[dict[str, Any]] = [
        {"messages": [message], "tools": [tool]},
        {"messages": [message, begun], "continue_final_message": True},
        {"messages": [message], "mm_processor_kwargs": {"max_pixels": 5_000}},
        {"messages": [message], "add_generation_prompt": False},
    ]
    for body in options:
        count = server.client.post("/tokenize", json=body).json()["count"]
        asked = server.client.post("/v1/chat/completions", json=body | {"max_tokens": 1}).json()
        assert count == asked["usage"]["prompt_tokens"]
    refused = server.client.post("/tokenize", json={"prompt": "hello", "tools": [tool]})
    assert refused.json()["error"]["param"] == "tools"


def test_messages_that_no_chat_takes(server: Server) -> None:
    """Messages that a chat request may not have are refused when they are only counted, too."""
    twice = [{"role": "system", "content": "a"}, {"role": "system", "content": "b"}, user("c")]
    refused = server.client.post("/tokenize", json={"messages": twice})
    assert refused.status_code == 400
    assert "more than one system message" in refused.json()["error"]["message"]


def test_bad_tokens(server: Server) -> None:
    """Neither and both of prompt and messages, and tokens that there are none of, are refused."""
    assert server.client.post("/tokenize", json={}).status_code == 400
    assert server.client.post("/tokenize", json={"prompt": "a", "messages": [user("a")]}).status_code == 400
    assert "no token" in server.client.post("/detokenize", json={"tokens": [10**8]}).json()["error"]["message"]


def test_what_the_server_says_of_itself(server: Server) -> None:
    """/version, /capabilities and /v1/models/{id} tell programs what there is, truthfully."""
    version = server.client.get("/version").json()["version"]
    can = server.client.get("/capabilities").json()
    assert can["version"] == version
    assert "POST /v1/chat/completions" in can["endpoints"]
    parameters = can["chat_parameters"]
    assert {"messages", "logprobs", "tools"} <= set(parameters["honoured"])
    assert {"user", "store"} <= set(parameters["no_effect"])
    assert {"functions", "prompt_logprobs"} <= set(parameters["refused"])
    for name in parameters["refused"]:
        words = "has no variable" if name in ("enable_thinking", "reasoning_effort") else "not supported"
        value = {"enable_thinking": True, "reasoning_effort": "low"}.get(name, 1)
        assert words in ask(server, user("hello"), **{name: value}).json()["error"]["message"], name
    assert "enable_thinking" not in parameters["honoured"]
    model = server.client.get("/v1/models/sightd-tiny-vl").json()
    assert model["input_modalities"] == ["text", "image", "video"]
    assert model["max_model_len"] == can["max_model_len"]
    missing = server.client.get("/v1/models/gpt-4")
    assert (missing.status_code, missing.json()["error"]["code"]) == (404, "model_not_found")

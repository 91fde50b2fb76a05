"""Requests that do not say how they want to be answered."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ..conftest import StartServer
from ..server import Server

DEFAULTS = {
    "temperature": 0.7,
    "top_p": 0.8,
    "top_k": 7,
    "min_p": 0.0,
    "repetition_penalty": 1.05,
    "frequency_penalty": 0.0,
    "presence_penalty": 0.5,
}


def tokens(server: Server, **options: Any) -> list[int]:
    """The tokens of an answer."""
    message = {"role": "user", "content": "Tell me something long"}
    body = {"messages": [message], "max_tokens": 40, "seed": 3, "return_token_ids": True} | options
    answer = server.client.post("/v1/chat/completions", json=body).raise_for_status().json()
    found: list[int] = answer["choices"][0]["token_ids"]
    return found


def test_model_then_operator_then_request(start_server: StartServer, minicpm: dict[str, Path]) -> None:
    """The model's defaults and the operator's are shown together with lengths, modalities and limits, are in force
    where a request is silent, and give way one by one where it is not."""
    environment = {"SIGHTD_SAMPLING__TOP_K": "7", "SIGHTD_SAMPLING__PRESENCE_PENALTY": "0.5"}
    server = start_server(["--model", str(minicpm["minicpmo"])], environment).wait_ready()
    shown = server.client.get("/v1/models/minicpmo").json()
    assert shown["defaults"] == DEFAULTS
    assert (shown["max_model_len"], shown["input_modalities"]) == (8192, ["text", "image", "video"])
    assert shown["limits"]["image_pixels"] > 0
    assert tokens(server) == tokens(server, **DEFAULTS)
    for name, value in {"temperature": 0, "repetition_penalty": 1.5, "presence_penalty": 0, "top_k": 0}.items():
        assert tokens(server, **{name: value}) == tokens(server, **DEFAULTS | {name: value})
    greedy = tokens(server, temperature=0, repetition_penalty=1, presence_penalty=0)
    assert greedy != tokens(server, temperature=0, presence_penalty=0)

"""A family that slices pictures, from the upload to the answer."""

from __future__ import annotations

import base64
from pathlib import Path

from sightd.engine.protocol import Sampling
from sightd.models.families import prompt_builder

from ..conftest import StartServer
from ..engine.requests import conversation, engine, finish, submit
from ..pictures import encoded, noise

SIZES = [(640, 480), (300, 300), (1500, 400)]


def test_an_answer_about_sliced_pictures(start_server: StartServer, minicpm: dict[str, Path]) -> None:
    """Pictures of several grids reach the model as they were prepared: prompt and answer are the engine's own."""
    server = start_server(["--model", str(minicpm["minicpmv"])]).wait_ready()
    pictures = [noise(number, size) for number, size in enumerate(SIZES)]
    urls = [f"data:image/png;base64,{base64.b64encode(encoded(picture)).decode()}" for picture in pictures]
    text = {"type": "text", "text": "What are these?"}
    content = [*({"type": "image_url", "image_url": {"url": url}} for url in urls), text]
    body = {"messages": [{"role": "user", "content": content}], "temperature": 0, "max_tokens": 12}
    answer = server.client.post("/v1/chat/completions", json=body).json()

    builder = prompt_builder(minicpm["minicpmv"])
    messages = [{"role": "user", "content": [*({"type": "image"} for _ in pictures), text]}]
    asked = conversation(builder, builder.picture_plan, messages, *pictures)
    running = engine(minicpm["minicpmv"])
    number = submit(running, asked, Sampling(12))
    assert answer["usage"]["prompt_tokens"] == len(asked.prompt.token_ids)
    assert answer["choices"][0]["message"]["content"] == builder.tokenizer.decode(finish(running)[number])

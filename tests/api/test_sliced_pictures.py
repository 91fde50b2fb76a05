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
    """Pictures of several grids reach the model as they were prepared: prompt and answer are the engine's own. At POST /
    there are two slices at most and no numbers."""
    server = start_server(["--model", str(minicpm["minicpmv"])]).wait_ready()
    pictures = [noise(number, size) for number, size in enumerate(SIZES)]
    urls = [f"data:image/png;base64,{base64.b64encode(encoded(picture)).decode()}" for picture in pictures]
    text = {"type": "text", "text": "What are these?"}
    content = [*({"type": "image_url", "image_url": {"url": url}} for url in urls), text]
    body = {"messages": [{"role": "user", "content": content}], "max_tokens": 12}
    body |= {"temperature": 0, "repetition_penalty": 1}
    answer = server.client.post("/v1/chat/completions", json=body).json()

    builder = prompt_builder(minicpm["minicpmv"])
    messages = [{"role": "user", "content": [*({"type": "image"} for _ in pictures), text]}]
    asked = conversation(builder, builder.picture_plan, messages, *pictures)
    running = engine(minicpm["minicpmv"])
    number = submit(running, asked, Sampling(12))
    assert answer["usage"]["prompt_tokens"] == len(asked.prompt.token_ids)
    assert answer["choices"][0]["message"]["content"] == builder.tokenizer.decode(finish(running)[number])

    options = {"max_slice_nums": 2, "use_image_id": False}
    fewer = server.client.post("/v1/chat/completions", json=body | {"mm_processor_kwargs": options}).json()
    asked = conversation(builder, builder.picture_plan.sliced(2), messages, *pictures, use_image_id=False)
    assert fewer["usage"]["prompt_tokens"] == len(asked.prompt.token_ids)
    history = [{"role": "user", "content": urls}, {"role": "assistant", "content": "Noise."}]
    response = server.client.post("/", json={"history": history, "prompt": "What are these?"})
    assert response.status_code == 200
    line = server.request_line(response.headers["x-request-id"])
    turns = [
        {"role": "user", "content": [{"type": "image"} for _ in pictures]},
        {"role": "assistant", "content": "Noise."},
        {"role": "user", "content": "What are these?"},
    ]
    asked = conversation(builder, builder.picture_plan.sliced(2), turns, *pictures, use_image_id=False)
    assert line["gen_ai.usage.input_tokens"] == len(asked.prompt.token_ids)

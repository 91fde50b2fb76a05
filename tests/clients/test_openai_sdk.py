"""The official OpenAI SDK, unchanged but for its base_url."""

from __future__ import annotations

from collections.abc import Iterator

import openai
import pytest

from ..pictures import data_uri, encoded, shape
from ..server import Server

PICTURE = {"type": "image_url", "image_url": {"url": data_uri(encoded(shape("ellipse", "green")))}}


@pytest.fixture
def client(server: Server) -> Iterator[openai.OpenAI]:
    """The SDK pointed at the server."""
    with openai.OpenAI(base_url=f"{server.url}/v1", api_key="unused", max_retries=0) as client:
        yield client


def test_whole(client: openai.OpenAI) -> None:
    """A picture question is answered."""
    content = [PICTURE, {"type": "text", "text": "What colour is it?"}]
    answer = client.chat.completions.create(
        model="sightd-tiny-vl", messages=[{"role": "user", "content": content}], temperature=0, max_tokens=20, seed=1
    )  # type: ignore[list-item, misc]
    assert answer.choices[0].message.content == "It is green."
    assert answer.choices[0].finish_reason == "stop"
    assert answer.usage is not None
    assert answer.usage.total_tokens > 30


def test_stream(client: openai.OpenAI) -> None:
    """The streamed answer is the same, with usage at the end."""
    content = [PICTURE, {"type": "text", "text": "它是什么形状？"}]
    stream = client.chat.completions.create(
        model="sightd-tiny-vl",
        messages=[{"role": "user", "content": content}],
        stream=True,
        stream_options={"include_usage": True},
    )  # type: ignore[list-item, misc]
    chunks = list(stream)
    assert "".join(c.choices[0].delta.content or "" for c in chunks if c.choices) == "是圆形。"
    assert chunks[-1].usage is not None
    assert chunks[-1].usage.completion_tokens > 2


def test_extra_body(client: openai.OpenAI) -> None:
    """Fields beyond OpenAI's go through extra_body."""
    answer = client.chat.completions.create(
        model="sightd-tiny-vl", messages=[{"role": "user", "content": "hello"}], max_tokens=3, extra_body={"top_k": 1}
    )
    assert answer.usage is not None
    assert answer.usage.completion_tokens == 3


def test_errors(client: openai.OpenAI) -> None:
    """Errors arrive as the SDK's own exceptions with the server's words."""
    with pytest.raises(openai.NotFoundError, match="not served here"):
        client.chat.completions.create(model="gpt-4", messages=[{"role": "user", "content": "hello"}])
    with pytest.raises(openai.BadRequestError, match="less than or equal to 2"):
        client.chat.completions.create(
            model="sightd-tiny-vl", messages=[{"role": "user", "content": "hello"}], temperature=5
        )


def test_models(client: openai.OpenAI) -> None:
    """The model list is understood."""
    assert [model.id for model in client.models.list()] == ["sightd-tiny-vl"]

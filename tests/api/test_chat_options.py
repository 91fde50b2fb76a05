"""Chat options that change what an answer holds: several answers, log probabilities, token ids, what is shown."""

from __future__ import annotations

import json
import math
from base64 import encodebytes
from typing import Any

import pytest
from sightd.api.conversation import Wishes
from sightd.api.sampling import longest_answer
from sightd.config.limits import Limits

from ..conftest import StartServer
from ..pictures import encoded, shape
from ..server import Server
from .test_chat import PATH, RED, ask, image, text, user

QUESTION = user(image(RED), "What colour is it?")
STORY = {"role": "user", "content": "Tell me a story about penguins"}


def chunks(server: Server, **body: Any) -> list[dict[str, Any]]:
    """The chunks of a streamed answer."""
    with server.client.stream("POST", PATH, json=body | {"stream": True}) as response:
        return [json.loads(line[6:]) for line in response.iter_lines() if line.startswith("data: {")]


def test_several_answers(server: Server) -> None:
    """Answer number i of n is the one that the seed `seed + i` gives alone, streamed or not; usage counts all."""
    hot: dict[str, Any] = {"temperature": 1.5, "max_tokens": 12, "ignore_eos": True}
    alone = [text(ask(server, STORY, seed=seed, **hot)) for seed in (7, 8, 9)]
    body = ask(server, STORY, seed=7, n=3, **hot).json()
    assert [choice["index"] for choice in body["choices"]] == [0, 1, 2]
    assert [choice["message"]["content"] for choice in body["choices"]] == alone
    assert body["usage"]["completion_tokens"] == 36
    streamed = ["", "", ""]
    for chunk in chunks(server, messages=[STORY], seed=7, n=3, **hot):
        for choice in chunk["choices"]:
            streamed[choice["index"]] += choice["delta"].get("content", "")
    assert streamed == alone


def test_log_probabilities(server: Server) -> None:
    """Every token of the answer comes with its log probability and as many of the likeliest tokens as were asked for,
    and the tokens' bytes make up the text, streamed or not."""
    wanted = {"logprobs": True, "top_logprobs": 3}
    choice = ask(server, QUESTION, **wanted).json()["choices"][0]
    content = choice["logprobs"]["content"]
    assert bytes(b for entry in content for b in entry["bytes"]).decode() == choice["message"]["content"]
    for entry in content:
        assert len(entry["top_logprobs"]) == 3
        assert entry["token"] == entry["top_logprobs"][0]["token"], "a greedy answer takes the likeliest token"
        assert 0 < sum(math.exp(other["logprob"]) for other in entry["top_logprobs"]) <= 1.001
    streamed = [
        entry
        for chunk in chunks(server, messages=[QUESTION], **wanted)
        for choice in chunk["choices"]
        for entry in (choice["logprobs"] or {"content": []})["content"]
    ]
    assert [entry["token"] for entry in streamed] == [entry["token"] for entry in content]
    plain = ask(server, QUESTION, logprobs=True).json()["choices"][0]["logprobs"]["content"]
    assert [entry["top_logprobs"] for entry in plain] == [[]] * len(content)


def test_stopped_text_has_no_reports(server: Server) -> None:
    """Tokens that only a stop string is made of are not reported."""
    choice = ask(server, QUESTION, logprobs=True, stop=" red").json()["choices"][0]
    assert choice["message"]["content"] == "It is"
    assert "".join(entry["token"] for entry in choice["logprobs"]["content"]) == "It is"


def test_token_ids(server: Server) -> None:
    """return_token_ids gives the prompt's and the answer's ids, streamed or not; without it there are none."""
    body = ask(server, QUESTION, return_token_ids=True).json()
    ids = body["choices"][0]["token_ids"]
    assert len(ids) == body["usage"]["completion_tokens"]
    assert len(body["prompt_token_ids"]) == body["usage"]["prompt_tokens"]
    got = chunks(server, messages=[QUESTION], return_token_ids=True)
    assert got[0]["prompt_token_ids"] == body["prompt_token_ids"]
    assert [i for chunk in got for choice in chunk["choices"] for i in choice.get("token_ids", [])] == ids
    assert "token_ids" not in ask(server, QUESTION).json()["choices"][0]


def test_what_is_shown(server: Server) -> None:
    """A stop string, a stop token and the end token are shown when that is asked for."""
    assert text(ask(server, QUESTION, stop="red", include_stop_str_in_output=True)) == "It is red"
    red = ask(server, QUESTION, return_token_ids=True).json()["choices"][0]["token_ids"][2]
    assert text(ask(server, QUESTION, stop_token_ids=[red])) == "It is"
    assert text(ask(server, QUESTION, stop_token_ids=[red], include_stop_str_in_output=True)) == "It is red"
    shown = ask(server, QUESTION, skip_special_tokens=False, include_stop_str_in_output=True)
    assert text(shown) == "It is red.<|im_end|>"
    assert text(ask(server, QUESTION, skip_special_tokens=False)) == "It is red."


def test_continued_message(server: Server) -> None:
    """continue_final_message goes on with the assistant's words, and echo repeats them first."""
    begun = {"role": "assistant", "content": "It is"}
    options = {"continue_final_message": True, "add_generation_prompt": False}
    assert text(ask(server, QUESTION, begun, **options)) == " red."
    assert text(ask(server, QUESTION, begun, echo=True, **options)) == "It is red."
    streamed = chunks(server, messages=[QUESTION, begun], echo=True, **options)
    assert "".join(c["choices"][0]["delta"].get("content", "") for c in streamed) == "It is red."


def test_usage_in_every_chunk(server: Server) -> None:
    """continuous_usage_stats counts up in every chunk."""
    options = {"include_usage": True, "continuous_usage_stats": True}
    counts = [c["usage"]["completion_tokens"] for c in chunks(server, messages=[QUESTION], stream_options=options)]
    assert counts[0] == 0
    assert counts == sorted(counts)
    assert counts[-1] == 5
    without = chunks(server, messages=[QUESTION], stream_options={"continuous_usage_stats": True})
    assert without[-1]["choices"]
    assert [without[0]["usage"]["completion_tokens"], without[-1]["usage"]["completion_tokens"]] == [0, 5]


def test_what_is_not_wanted(server: Server) -> None:
    """Beam search that is switched off, and end tokens that the model does not have, change nothing."""
    assert text(ask(server, QUESTION, use_beam_search=False, stop_token_ids=[151645, 151643])) == "It is red."


def test_at_least_more_than_usual() -> None:
    """min_tokens alone asks for an answer longer than the usual most."""
    assert longest_answer(Wishes(min_tokens=1030), Limits(), 8000) == 1030
    assert longest_answer(Wishes(min_tokens=5), Limits(), 8000) == Limits().default_max_tokens


def test_stop_strings_wait_for_the_least(server: Server) -> None:
    """A stop string ends nothing in the first min_tokens tokens, and does after them."""
    hello = user("hello")
    whole = text(ask(server, hello))
    assert text(ask(server, hello, stop=["e"])) == whole[: whole.index("e")]
    waited = ask(server, hello, stop=["e"], min_tokens=5).json()
    assert waited["choices"][0]["finish_reason"] == "stop"
    assert waited["usage"]["completion_tokens"] > 5
    said = waited["choices"][0]["message"]["content"]
    assert "e" in said
    assert whole.startswith(said + "e")


def test_request_id(server: Server) -> None:
    """request_id makes the answer's id."""
    assert ask(server, QUESTION, request_id="job-17").json()["id"] == "chatcmpl-job-17"


@pytest.mark.parametrize(
    "part",
    [
        {"type": "input_image", "image_url": RED},
        {"type": "image", "image": RED},
        {"type": "image", "url": RED},
        {"type": "image", "base64": RED.partition(",")[2]},
        {"type": "image", "image": "data:image;base64," + RED.partition(",")[2]},
        {"type": "image_url", "image_url": RED},
        {"type": "image_url", "image_url": {"url": RED.replace("data:image/png", "DATA:IMAGE/PNG")}},
        {"type": "image_url", "image_url": {"url": "data:image/png;base64," + encodebytes(encoded(shape())).decode()}},
    ],
    ids=["input_image", "image", "url", "base64", "no subtype", "no object", "capitals", "lines"],
)
def test_other_forms_of_pictures(server: Server, part: dict[str, Any]) -> None:
    """Pictures in the forms of the responses API, of transformers' chat format and of other clients are seen too."""
    assert text(ask(server, user(part, "What colour is it?"))) == "It is red."


def test_smaller_pictures(server: Server) -> None:
    """mm_processor_kwargs makes the model see a picture with fewer pixels, even with fewer than it was trained on."""
    sizes = [{}, {"max_pixels": 30_000}, {"max_pixels": 5_000}]
    answers = [ask(server, QUESTION, max_tokens=1, mm_processor_kwargs=size).json() for size in sizes]
    large, small, smallest = (answer["usage"]["prompt_tokens"] for answer in answers)
    assert smallest < small < large


def test_answers_sent_back(server: Server) -> None:
    """An assistant's message with the empty fields that SDKs send back is taken."""
    empty: dict[str, Any] = {"refusal": None, "annotations": [], "tool_calls": None, "reasoning_content": None}
    empty["provider_specific_fields"] = {"refusal": None}
    back = {"role": "assistant", "content": "It is red.", **empty}
    assert ask(server, QUESTION, back, user("And what shape?"), modalities=["text"]).status_code == 200


def test_silent_stream(start_server: StartServer) -> None:
    """A stream whose answer lets itself be waited for gets comments, which clients skip."""
    server = start_server(environment={"SIGHTD_SERVER__STREAM_COMMENT_SECONDS": "0.001"}).wait_ready()
    with server.client.stream("POST", PATH, json={"messages": [QUESTION], "stream": True}) as response:
        lines = [line for line in response.iter_lines() if line]
    assert any(line.startswith(":") for line in lines)
    assert all(line.startswith((": ", "data: ")) for line in lines)
    assert lines[-1] == "data: [DONE]"

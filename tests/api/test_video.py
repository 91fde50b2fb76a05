"""Videos through a whole server: uploads, chat, files of the server, and what is refused."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from ..clips import circles, plain, video
from ..conftest import StartServer
from ..pictures import data_uri, encoded, shape
from ..server import Server
from ..websites import website as serving

PATH = "/v1/video/recognize"
CHAT = "/v1/chat/completions"
RED = circles()
PICTURE = encoded(shape("ellipse", "red"))
SETTINGS = {
    "SIGHTD_MEDIA__ALLOWED_NETWORKS": "127.0.0.1",
    "SIGHTD_LIMITS__VIDEO_BYTES": "200000",
    "SIGHTD_LIMITS__VIDEO_SECONDS": "20",
    "SIGHTD_LIMITS__VIDEO_FILE_FRAMES": "50",
    "SIGHTD_LIMITS__VIDEO_FRAME_PIXELS": "100000",
    "SIGHTD_LIMITS__VIDEO_FRAMES": "6",
}


@pytest.fixture(scope="module")
def website() -> Iterator[str]:
    """The URL of a web server with a video on it."""
    with serving({"/red.mp4": RED, "/page.html": b"<html>", "/large.mp4": bytes(200_001)}) as url:
        yield url


@pytest.fixture(scope="module")
def films(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory that the operator allows, with a video in it and a link out of it."""
    folder = tmp_path_factory.mktemp("films")
    (folder / "red.mp4").write_bytes(RED)
    (folder / "link.mp4").symlink_to("/etc/passwd")
    return folder


@pytest.fixture(scope="module")
def strict(tmp_path_factory: pytest.TempPathFactory, films: Path) -> Iterator[Server]:
    """A server with tight limits, which may read the films."""
    paths = {"SIGHTD_MEDIA__ALLOWED_PATHS": str(films)}
    running = Server(tmp_path_factory.mktemp("strict"), environment=SETTINGS | paths)
    try:
        yield running.wait_ready()
    finally:
        running.stop()


def upload(server: Server, data: bytes, kind: str = "video/mp4", **fields: str) -> httpx.Response:
    """The answer to an uploaded video."""
    form = {"prompt": "What colour is it?"} | fields
    return server.client.post(PATH, files={"video": ("a.mp4", data, kind)}, data=form)


def ask(server: Server, *parts: dict[str, Any], **fields: Any) -> httpx.Response:
    """The answer to a chat request about these parts."""
    content = [*parts, {"type": "text", "text": "What colour is it?"}]
    body = {"messages": [{"role": "user", "content": content}], "temperature": 0, "max_tokens": 24}
    return server.client.post(CHAT, json=body | fields)


def url_part(url: str) -> dict[str, Any]:
    """A part with a video by URL."""
    return {"type": "video_url", "video_url": {"url": url}}


VIDEO = url_part(data_uri(RED, "video/mp4"))


def said(response: httpx.Response) -> str:
    """The text of a chat answer."""
    assert response.status_code == 200, response.text
    text: str = response.json()["choices"][0]["message"]["content"]
    return text


def test_upload_and_chat(server: Server) -> None:
    """A video as an upload and as a part of a chat, in each form it may have, is seen alike; a stream ends with the
    whole answer."""
    response = upload(server, RED, max_tokens="24", temperature="0")
    assert response.status_code == 200, response.text
    assert set(response.json()) == {"status", "result"}
    result = response.json()["result"]
    assert result
    line = server.request_line(response.headers["x-request-id"])
    assert (line["videos"], line["pictures"]) == (1, 0)
    uri = data_uri(RED, "video/mp4")
    base64 = uri.partition(",")[2]
    forms = [VIDEO, {"type": "video", "video": uri}, {"type": "video", "url": uri}, {"type": "video", "base64": base64}]
    assert {said(ask(server, form)) for form in forms} == {result}
    form = {"prompt": "What colour is it?", "stream": "true", "max_tokens": "24", "temperature": "0"}
    files = {"video": ("a.mp4", RED, "video/mp4")}
    with server.client.stream("POST", PATH, data=form, files=files) as stream:
        events = [json.loads(text[6:]) for text in stream.iter_lines() if text.startswith("data: ")]
    assert events[-1] == {"status": "success", "result": result}


def test_beside_a_picture(server: Server) -> None:
    """A picture and a video in one conversation are both seen, in either order."""
    picture = {"type": "image_url", "image_url": {"url": data_uri(PICTURE)}}
    tokens = set()
    for parts in ((picture, VIDEO), (VIDEO, picture)):
        response = ask(server, *parts)
        assert said(response)
        tokens.add(response.json()["usage"]["prompt_tokens"])
        line = server.request_line(response.headers["x-request-id"])
        assert (line["videos"], line["pictures"]) == (1, 1)
    assert len(tokens) == 1


def test_sampling(server: Server) -> None:
    """Fewer frames a second and a smaller bound on frames make shorter prompts; what is out of bounds is refused."""
    long = url_part(data_uri(video([shape("ellipse", "red", (160, 120))] * 16), "video/mp4"))

    def length(**options: Any) -> int:
        response = ask(server, long, mm_processor_kwargs=options, max_tokens=1)
        assert response.status_code == 200, response.text
        tokens: int = response.json()["usage"]["prompt_tokens"]
        return tokens

    assert length(fps=0.5) < length()
    assert length(max_frames=2) < length(max_frames=4) < length()
    refused = ask(server, long, mm_processor_kwargs={"max_frames": 1000})
    assert (refused.status_code, refused.json()["error"]["param"]) == (400, "mm_processor_kwargs")
    assert "at most" in refused.json()["error"]["message"]


def test_wrong_uploads(server: Server) -> None:
    """An upload that does not say it is a video, is empty, is none, or is missing gets the family's sentence."""
    for data, kind, status, sentence in (
        (RED, "application/octet-stream", 400, "上传的文件必须是视频类型，但收到的是 application/octet-stream。"),
        (b"", "video/mp4", 400, "上传的视频是空文件。"),
        (
            b"no video",
            "video/mp4",
            400,
            "文件不是可识别的视频，请上传 MP4、MOV、WebM、MKV、AVI、FLV 或 MPEG 格式的视频。",
        ),
        (RED[: len(RED) // 2], "video/mp4", 400, "视频已损坏或不完整，无法解码。"),
    ):
        response = upload(server, data, kind)
        assert (response.status_code, response.json()) == (status, {"detail": sentence})
    missing = server.client.post(PATH, data={"prompt": "?"})
    assert (missing.status_code, missing.json()) == (422, {"detail": "缺少必填字段：video。"})


def test_what_is_said_of_it(server: Server) -> None:
    """The server says that its model takes videos, and which limits they have."""
    said_of_it = server.client.get("/capabilities").json()
    assert said_of_it["input_modalities"] == ["text", "image", "video"]
    assert f"POST {PATH}" in said_of_it["endpoints"]
    assert said_of_it["limits"]["video_seconds"] == 600
    assert server.client.get("/v1/models/sightd-tiny-vl").json()["input_modalities"] == ["text", "image", "video"]


HOSTILE = {
    "bytes": (bytes(200_001), 413, "A video has 200001 bytes; at most 200000 are allowed."),
    "frames": (video(plain(51, (32, 32)), rate=25), 422, "more than 50 frames"),
    "seconds": (video(plain(21, (32, 32)), rate=1), 422, "21.0 seconds long; at most 20 are allowed"),
    "pixels": (video(plain(1, (640, 480))), 422, "640 x 480 pixels; at most 100000 are allowed"),
    "playlist": (b"#EXTM3U\n#EXTINF:9,\nhttp://127.0.0.1/\n", 400, "not a video that can be read"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_limits(strict: Server, name: str) -> None:
    """Each limit has its own status and sentence, and the next request is answered."""
    data, status, words = HOSTILE[name]
    response = ask(strict, url_part(data_uri(data, "video/mp4")))
    assert response.status_code == status
    assert words in response.json()["error"]["message"]
    assert said(ask(strict, VIDEO))


def test_too_many_videos(strict: Server) -> None:
    """More videos than may be in a request are refused."""
    response = ask(strict, VIDEO, VIDEO, VIDEO)
    assert (response.status_code, response.json()["error"]["code"]) == (422, "too_many_videos")


def test_by_url(strict: Server, website: str) -> None:
    """A video on the web is fetched and seen; what may not be fetched, is too large or none, is refused as a video."""
    assert said(ask(strict, url_part(f"{website}/red.mp4"))) == said(ask(strict, VIDEO))
    for url, status, code in (
        (f"{website}/large.mp4", 413, "video_too_large"),
        (f"{website}/page.html", 400, "invalid_video"),
        (f"{website}/nothing", 422, "video_fetch_failed"),
        ("http://127.0.0.2/", 400, "video_fetch_forbidden"),
        ("file:///etc/passwd", 400, "invalid_video_url"),
        (data_uri(RED, "image/png"), 400, "invalid_video_url"),
    ):
        response = ask(strict, url_part(url))
        assert (response.status_code, response.json()["error"]["code"]) == (status, code), url


def test_files_of_the_server(strict: Server, films: Path) -> None:
    """POST / takes a video below an allowed directory, alone or after a history, and one refusal for any other path."""
    alone = strict.client.post("/", json={"prompt": "What colour is it?", "video_path": str(films / "red.mp4")})
    assert alone.status_code == 200, alone.text
    assert strict.request_line(alone.headers["x-request-id"])["videos"] == 1
    history = [{"role": "user", "content": "hello"}, {"role": "assistant", "content": "Hello."}]
    both = strict.client.post("/", json={"prompt": "?", "history": history, "video_path": str(films / "red.mp4")})
    assert both.status_code == 200
    sentences = set()
    for path in ("/etc/passwd", f"{films}/../x.mp4", f"{films}/link.mp4", f"{films}/none.mp4", "red.mp4", "/dev/zero"):
        refused = strict.client.post("/", json={"prompt": "?", "video_path": path})
        assert refused.status_code == 400
        sentences.add(refused.json()["error"])
    assert len(sentences) == 1


def test_only_where_the_contract_has_them(strict: Server) -> None:
    """The responses and messages APIs take pictures only."""
    uri = data_uri(RED, "video/mp4")
    content = [{"type": "video_url", "video_url": {"url": uri}}]
    answers = [
        strict.client.post("/v1/responses", json={"model": "x", "input": [{"role": "user", "content": content}]}),
        strict.client.post(
            "/v1/messages",
            json={"model": "x", "max_tokens": 9, "messages": [{"role": "user", "content": content}]},
        ),
    ]
    assert [answer.status_code for answer in answers] == [400, 400]


def test_a_server_without_videos(start_server: StartServer, minicpm: dict[str, Path]) -> None:
    """Where the operator turned videos off, they are refused by the model's name, and /capabilities has none."""
    server = start_server(["--model", str(minicpm["minicpmv"])], {"SIGHTD_MEDIA__VIDEO_DECODERS": "0"}).wait_ready()
    response = ask(server, VIDEO)
    assert (response.status_code, response.json()["error"]["code"]) == (400, "unsupported_modality")
    assert "minicpmv takes no videos" in response.json()["error"]["message"]
    assert server.client.get("/capabilities").json()["input_modalities"] == ["text", "image"]
    assert server.client.get("/health").json()["video_decoders"]["processes"] == 0

"""POST /v1/image/recognize: the bodies of the service it replaces, to the letter."""

from __future__ import annotations

import json
import socket

import pytest

from ..pictures import encoded, shape
from ..server import Server

PATH = "/v1/image/recognize"
CIRCLE = encoded(shape("ellipse", "red"))


def test_success(server: Server) -> None:
    """A picture and a question give status 200 and exactly `status` and `result`."""
    for question, answer in (("What shape is it?", "It is a circle."), ("图里有什么？", "一个红色的圆形。")):
        response = server.client.post(PATH, files={"image": ("a.png", CIRCLE, "image/png")}, data={"prompt": question})
        assert response.status_code == 200
        assert response.json() == {"status": "success", "result": answer}


def test_jpeg_and_several_pictures(server: Server) -> None:
    """Several `image` parts are seen in order."""
    files = [
        ("image", ("a.jpg", encoded(shape("ellipse", "red"), "JPEG"), "image/jpeg")),
        ("image", ("b.png", encoded(shape("rectangle", "blue")), "image/png")),
    ]
    response = server.client.post(
        PATH, files=files, data={"prompt": "In the second picture, what colour is the shape?"}
    )
    assert response.json()["result"] == "It is blue."


@pytest.mark.parametrize("kind", ["application/octet-stream", "text/plain", "application/pdf"])
def test_not_of_an_image_type(server: Server, kind: str) -> None:
    """A part whose content type is not image/* gets 400 with the exact sentence."""
    response = server.client.post(PATH, files={"image": ("a.png", CIRCLE, kind)}, data={"prompt": "?"})
    assert response.status_code == 400
    assert response.json() == {"detail": f"上传的文件必须是图片类型，但收到的是 {kind}。"}


def test_types_in_capitals(server: Server) -> None:
    """Content types are the same in capitals."""
    files = {"image": ("a.png", CIRCLE, "IMAGE/PNG")}
    assert server.client.post(PATH, files=files, data={"prompt": "What colour is it?"}).status_code == 200


def test_missing_fields(server: Server) -> None:
    """Both fields are required; the answer names what is missing."""
    for files, data, missing in (
        ({"image": ("a.png", CIRCLE, "image/png")}, {}, "prompt"),
        (None, {"prompt": "?"}, "image"),
        (None, {}, "image、prompt"),
    ):
        response = server.client.post(PATH, files=files, data=data)
        assert response.status_code == 422
        assert response.json() == {"detail": f"缺少必填字段：{missing}。"}


@pytest.mark.parametrize(
    ("content", "status", "sentence"),
    [
        (b"", 400, "上传的图片是空文件。"),
        (b"this is no picture", 400, "文件不是可识别的图片"),
        (CIRCLE[: len(CIRCLE) // 2], 400, "图片已损坏或不完整"),
        (CIRCLE[:40], 400, "图片已损坏或不完整"),
        (b"\xff" * (20 * 1024 * 1024 + 1), 413, "超过了 20971520 字节的限制"),
        (encoded(shape(size=(9000, 4000))), 422, "图片尺寸为 9000×4000 像素，超过了最多 33177600 像素的限制"),
        (encoded(shape(size=(9000, 40))), 422, "长宽比例过大"),
    ],
    ids=["empty", "no picture", "truncated", "header only", "too many bytes", "too many pixels", "too narrow"],
)
def test_bad_pictures(server: Server, content: bytes, status: int, sentence: str) -> None:
    """Every kind of bad picture has its own sentence, and the next request is answered."""
    response = server.client.post(PATH, files={"image": ("a.png", content, "image/png")}, data={"prompt": "?"})
    assert response.status_code == status
    assert list(response.json()) == ["detail"]
    assert sentence in response.json()["detail"]
    good = server.client.post(
        PATH, files={"image": ("a.png", CIRCLE, "image/png")}, data={"prompt": "What colour is it?"}
    )
    assert good.json()["result"] == "It is red."


def test_a_body_over_the_limit(server: Server) -> None:
    """A body over the limit is refused by its declared length, before it is sent."""
    head = f"POST {PATH} HTTP/1.1\r\nHost: x\r\nContent-Type: multipart/form-data; boundary=x\r\nContent-Length: {10**9}\r\n\r\n"
    with socket.create_connection(("127.0.0.1", server.port), timeout=30) as connection:
        connection.sendall(head.encode())
        answer = b""
        while "字节的限制".encode() not in answer and (piece := connection.recv(65536)):
            answer += piece
    assert answer.startswith(b"HTTP/1.1 413 ")
    assert b'"detail":"' in answer
    assert "字节的限制" in answer.decode()


def test_options(server: Server) -> None:
    """`system`, `max_tokens` and `temperature` are honoured; values out of bounds are refused."""
    files = {"image": ("a.png", CIRCLE, "image/png")}
    short = server.client.post(
        PATH,
        files=files,
        data={"prompt": "What shape is it?", "max_tokens": "2", "temperature": "0", "system": "Be precise."},
    )
    assert short.json()["result"] == "It is"
    wrong = server.client.post(PATH, files=files, data={"prompt": "?", "temperature": "9"})
    assert wrong.status_code == 422
    assert "temperature" in wrong.json()["detail"]


def test_errors_of_other_kinds_keep_the_shape(server: Server) -> None:
    """A wrong method on this path is told in the family's shape too."""
    response = server.client.get(PATH)
    assert response.status_code == 405
    assert list(response.json()) == ["detail"]


def test_stream_and_form(server: Server) -> None:
    """With stream the text comes as events, the last of which is the whole answer; a JSON Schema holds the answer to
    its form."""
    files = {"image": ("a.png", encoded(shape("ellipse", "red")), "image/png")}
    asked = {"prompt": "What colour is it?"}
    with server.client.stream("POST", PATH, data=asked | {"stream": "true"}, files=files) as response:
        assert response.headers["content-type"].startswith("text/event-stream")
        events = [json.loads(line[6:]) for line in response.iter_lines() if line.startswith("data: ")]
    assert events[-1] == {"status": "success", "result": "It is red."}
    assert "".join(event["text"] for event in events[:-1]) == "It is red."
    schema = {"type": "object", "properties": {"colour": {"enum": ["red", "blue"]}}, "required": ["colour"]}
    form = server.client.post(PATH, data=asked | {"json_schema": json.dumps(schema), "max_tokens": "40"}, files=files)
    assert form.json()["result"].startswith('{"colour": "')
    broken = server.client.post(PATH, data=asked | {"json_schema": "{"}, files=files)
    assert (broken.status_code, set(broken.json())) == (400, {"detail"})

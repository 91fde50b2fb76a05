"""`make demo`: starts sightd with its own model, asks it about sample pictures over HTTP, and goes on serving.

Off a terminal, or with ONCE=1, it stops the service after the answers.
"""

from __future__ import annotations

import base64
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
from rich.console import Console
from rich.live import Live
from rich.spinner import Spinner

from .known import Known, known_questions, same

ADDRESS = os.environ.get("DEMO_BIND", "127.0.0.1:8000")
START_SECONDS = 180.0

console = Console(highlight=False)


def main() -> None:
    """Start, ask, and serve until Ctrl-C (or stop at once)."""
    once = os.environ.get("ONCE") == "1" or not sys.stdout.isatty()
    with Path(os.environ.get("DEMO_LOG", "/dev/null")).open("ab") as log:
        command = [str(Path(sys.executable).with_name("sightd")), "--bind", ADDRESS, "--model", "embedded"]
        server = subprocess.Popen(command, stderr=log, stdout=log)
    try:
        with httpx.Client(base_url=f"http://{ADDRESS}", timeout=120) as client:
            wait(client, server)
            wrong = sum(not asked(client, number, known) for number, known in enumerate(known_questions()))
        if not once:
            serve(server)
    except KeyboardInterrupt:
        once = True
    finally:
        stop(server)
    if wrong:
        sys.exit(f"{wrong} answers were wrong.")


def wait(client: httpx.Client, server: subprocess.Popen[bytes]) -> None:
    """Wait until the server is ready; ends the demo with a sentence when it will not be."""
    began = time.monotonic()
    with Live(Spinner("dots", "starting sightd"), console=console, transient=True) as live:
        while time.monotonic() - began < START_SECONDS:
            if server.poll() is not None:
                hint = f"Is {ADDRESS} in use? Try DEMO_BIND=127.0.0.1:8765 make demo."
                sys.exit(f"sightd ended with status {server.returncode}. {hint}")
            state = readiness(client)
            if state is None:
                seconds = time.monotonic() - began
                console.print(
                    f"sightd is ready on http://{ADDRESS} after {seconds:.1f} s. Its own small model answers:"
                )
                console.print()
                return
            live.update(Spinner("dots", state))
            time.sleep(0.05)
    sys.exit(f"sightd was not ready after {START_SECONDS:.0f} s.")


def readiness(client: httpx.Client) -> str | None:
    """None when the server is ready, else what it is doing."""
    try:
        response = client.get("/readyz", timeout=2)
    except httpx.TransportError:
        return "starting sightd"
    return None if response.status_code == 200 else str(response.json()["reason"])


def asked(client: httpx.Client, number: int, known: Known) -> bool:
    """Ask one question, by turns at the picture endpoint and as a streamed chat, and print it. Whether it was right."""
    console.print(f"[dim]{', '.join(known.pictures)}[/dim]  {known.question}")
    began = time.monotonic()
    streamed = number % 2 == 1
    console.print("  → ", end="")
    answer = ""
    for text in chat(client, known) if streamed else recognize(client, known):
        console.print(text, end="", markup=False)
        answer += text
    way = "/v1/chat/completions, streamed" if streamed else "/v1/image/recognize"
    right = same(answer, known.answer)
    console.print(
        f"  [dim]{time.monotonic() - began:.2f} s, {way}[/dim]"
        + ("" if right else f"  [red]wrong: {known.answer}[/red]")
    )
    return right


def recognize(client: httpx.Client, known: Known) -> Iterator[str]:
    """The answer of the picture endpoint."""
    files = [("image", (path.name, path.read_bytes(), media_type(path))) for path in known.files()]
    response = client.post("/v1/image/recognize", files=files, data={"prompt": known.question})
    response.raise_for_status()
    yield response.json()["result"]


def chat(client: httpx.Client, known: Known) -> Iterator[str]:
    """The answer of the chat endpoint, as it comes."""
    uris = [f"data:{media_type(path)};base64,{base64.b64encode(path.read_bytes()).decode()}" for path in known.files()]
    content = [
        *({"type": "image_url", "image_url": {"url": uri}} for uri in uris),
        {"type": "text", "text": known.question},
    ]
    body = {"messages": [{"role": "user", "content": content}], "stream": True}
    with client.stream("POST", "/v1/chat/completions", json=body) as response:
        response.raise_for_status()
        for line in response.iter_lines():
            if line.startswith("data: {"):
                delta = json.loads(line[6:])["choices"][0]["delta"]
                yield delta.get("content", "")


def media_type(path: Path) -> str:
    """The picture's content type."""
    return "image/png" if path.suffix == ".png" else "image/jpeg"


def serve(server: subprocess.Popen[bytes]) -> None:
    """Go on until Ctrl-C."""
    console.print(f"\nServing on http://{ADDRESS} (API: http://{ADDRESS}/docs). Try, in another terminal:\n")
    pictures = "service/sightd/selftest/pictures/*.png"
    console.print(f"  .venv/bin/sightctl recognize --url http://{ADDRESS} --prompt '图里有什么？' {pictures}\n")
    console.print("Ctrl-C stops it.")
    server.wait()


def stop(server: subprocess.Popen[bytes]) -> None:
    """Stop the server in order; at once if it does not obey."""
    if server.poll() is None:
        server.send_signal(signal.SIGTERM)
        try:
            server.wait(60)
        except subprocess.TimeoutExpired:
            server.kill()
            server.wait()


if __name__ == "__main__":
    main()

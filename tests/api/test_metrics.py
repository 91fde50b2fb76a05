"""What Prometheus reads."""

from __future__ import annotations

from prometheus_client.parser import text_string_to_metric_families

from ..conftest import StartServer
from ..server import Server
from ..waiting import until
from .test_chat import RED, ask, image, user

Samples = dict[tuple[str, tuple[tuple[str, str], ...]], float]


def samples(server: Server) -> Samples:
    """Every sample of /metrics by name and labels."""
    response = server.client.get("/metrics")
    assert response.headers["content-type"].startswith("text/plain")
    families = text_string_to_metric_families(response.text)
    return {(s.name, tuple(sorted(s.labels.items()))): s.value for f in families for s in f.samples}


def grown(before: Samples, after: Samples, name: str, **labels: str) -> float:
    """By how much a counter has grown."""
    key = (name, tuple(sorted(labels.items())))
    return after.get(key, 0.0) - before.get(key, 0.0)


def test_a_request_is_counted(server: Server) -> None:
    """An answered request moves the counters and histograms by what it was."""
    before = samples(server)
    usage = ask(server, user(image(RED), "What colour is it?")).json()["usage"]
    after = samples(server)
    route = {"endpoint": "/v1/chat/completions", "status": "200"}
    assert grown(before, after, "sightd_requests_total", **route) == 1
    assert grown(before, after, "sightd_prompt_tokens_total") == usage["prompt_tokens"]
    assert grown(before, after, "sightd_generation_tokens_total") == usage["completion_tokens"]
    assert grown(before, after, "sightd_pictures_total") == 1
    assert grown(before, after, "sightd_answers_total", finish_reason="stop") == 1
    assert grown(before, after, "sightd_decoder_jobs_total") == 1
    for name in ("request_seconds", "queue_seconds", "decode_media_seconds", "time_to_first_token_seconds"):
        assert grown(before, after, f"sightd_{name}_count") == 1, name
    assert 0 < grown(before, after, "sightd_inter_token_seconds_count") < usage["completion_tokens"]


def test_what_is_refused_and_unknown(server: Server) -> None:
    """Refused requests are counted by status, and paths that there are none of under one name."""
    before = samples(server)
    assert ask(server, user("a"), n=10**6).status_code == 400
    server.client.get("/made-up-1")
    server.client.get("/made-up-2")
    after = samples(server)
    assert grown(before, after, "sightd_requests_total", endpoint="/v1/chat/completions", status="400") == 1
    assert grown(before, after, "sightd_requests_total", endpoint="other", status="404") == 2


def test_the_state_of_the_service(server: Server) -> None:
    """Engines, caches, decoders and places are shown as they are now."""
    until(lambda: samples(server)["sightd_device_memory_bytes", (("device", "cpu"),)] > 10**7, 10, "engine's counts")
    now = samples(server)
    assert now["sightd_ready", ()] == 1
    assert now["sightd_engine_ready", (("device", "cpu"),)] == 1
    assert now["sightd_engine_restarts_total", (("device", "cpu"),)] == 0
    assert now["sightd_engine_silence_seconds", (("device", "cpu"),)] < 10
    assert now["sightd_decoders", ()] >= 1
    assert not any(name.startswith("vllm:") for name, _ in now)


def test_names_of_vllm(start_server: StartServer) -> None:
    """Dashboards made for vLLM's server find its names when they are switched on."""
    server = start_server(environment={"SIGHTD_METRICS__VLLM_NAMES": "true"}).wait_ready()
    assert ask(server, user("hello")).status_code == 200
    now, labels = samples(server), (("model_name", "sightd-tiny-vl"),)
    assert now["vllm:num_requests_running", labels] == 0
    assert now["vllm:prompt_tokens_total", labels] == now["sightd_prompt_tokens_total", ()] > 0
    assert now["vllm:time_to_first_token_seconds_count", labels] == 1
    assert now["vllm:request_success_total", (("finished_reason", "stop"), *labels)] == 1
    assert ("vllm:kv_cache_usage_perc", (("engine", "cpu"), *labels)) in now

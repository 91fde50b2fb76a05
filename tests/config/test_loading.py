"""Where settings come from, and what is said about wrong ones."""

from __future__ import annotations

from pathlib import Path

import pytest
from sightd.config import ConfigError, load


def problems(**arguments: object) -> list[str]:
    """The problems of a configuration that cannot be used."""
    with pytest.raises(ConfigError) as caught:
        load(**({"environment": {}} | arguments))  # type: ignore[arg-type]
    return [str(problem) for problem in caught.value.problems]


def test_no_file_is_the_embedded_default(tmp_path: Path) -> None:
    """With nothing configured, the embedded model is served on the loopback address."""
    settings = load(tmp_path, environment={}).settings
    assert settings.model.path == "embedded"
    assert settings.server.bind == ("127.0.0.1:8000",)


def test_sources_win_in_order(tmp_path: Path) -> None:
    """conf.d overrides the main file in the order of names, the environment overrides files, credentials the
    environment, and the command line everything; origins say which it was."""
    (tmp_path / "sightd.toml").write_text(
        "[limits]\nqueue = 1\nconcurrency = 1\nimages = 1\nmax_tokens = 1\nimage_pixels = 1\n"
    )
    (tmp_path / "conf.d").mkdir()
    (tmp_path / "conf.d" / "20-b.toml").write_text("[limits]\nconcurrency = 3\n")
    (tmp_path / "conf.d" / "10-a.toml").write_text("[limits]\nconcurrency = 2\nimages = 2\n")
    secrets = tmp_path / "credentials"
    secrets.mkdir()
    (secrets / "limits.image_pixels").write_text("5\n")
    environment = {
        "SIGHTD_LIMITS__MAX_TOKENS": "4",
        "SIGHTD_LIMITS__IMAGE_PIXELS": "4",
        "CREDENTIALS_DIRECTORY": str(secrets),
    }
    loaded = load(tmp_path, {"server": {"bind": ["127.0.0.1:1"]}}, environment)
    limits = loaded.settings.limits
    assert (limits.queue, limits.images, limits.concurrency, limits.max_tokens, limits.image_pixels) == (1, 2, 3, 4, 5)
    assert loaded.origins["limits.queue"] == str(tmp_path / "sightd.toml")
    assert loaded.origins["limits.concurrency"] == str(tmp_path / "conf.d" / "20-b.toml")
    assert loaded.origins["limits.max_tokens"] == "environment variable SIGHTD_LIMITS__MAX_TOKENS"
    assert "credentials" in loaded.origins["limits.image_pixels"]
    assert loaded.origins["server.bind"] == "command line"


def test_lists_in_the_environment() -> None:
    """A list in an environment variable is JSON or separated by commas."""
    for text in ("127.0.0.1:1, [::1]:2", '["127.0.0.1:1", "[::1]:2"]'):
        assert load(environment={"SIGHTD_SERVER__BIND": text}).settings.server.bind == ("127.0.0.1:1", "[::1]:2")


def test_all_problems_at_once(tmp_path: Path) -> None:
    """Every problem of every source is reported in one go, with its place, key, value and remedy."""
    file = tmp_path / "bad.toml"
    file.write_text(
        '[server]\nbnd = ["x"]\nbind = ["localhost"]\n[modle]\npath = "x"\n[limits]\nqueue = -3\nconcurrency = "many"\n[media]\nallowed_paths = ["data"]\n'
    )
    environment = {"SIGHTD_LIMITS__QUEU": "3", "SIGHTD_LOGGING__LEVEL": "loud"}
    said = problems(config=file, environment=environment)
    for part in (
        f"{file}: server.bnd = ['x']: is not known; did you mean 'bind'?",
        f"{file}: [modle]: is not a section; did you mean 'model'?",
        f"{file}: server.bind = 'localhost': write HOST:PORT",
        f"{file}: limits.queue = -3: input should be greater than or equal to 0.",
        f"{file}: limits.concurrency = 'many': input should be a valid integer",
        f"{file}: media.allowed_paths = 'data': write an absolute path, beginning with /.",
        "environment variable SIGHTD_LIMITS__QUEU: limits.queu: is not known; did you mean 'queue'?",
        "environment variable SIGHTD_LOGGING__LEVEL: logging.level = 'loud': input should be 'debug', 'info', 'warning' or 'error'.",
    ):
        assert any(part in line for line in said), (part, said)
    assert len(said) == 8


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (b"[server", "is not valid TOML"),
        (b"\xff\xfe", "is not UTF-8"),
        (b"server = 3\n", "is a section: write [server]"),
        (b'[engine]\ndevices = ["gpu"]\n', "'gpu' is no device"),
        (b'[server]\nbind = ["a:1", "a:1"]\n', "an address is listed twice"),
        (b'[server]\nbind = ["0.0.0.0:70000"]\n', "write HOST:PORT"),
        (b"[server]\nbind = []\n", "at least 1 item"),
        (b'[tracing]\nendpoint = "collector:4318"\n', "for example http://collector:4318/v1/traces"),
        (b'[tracing]\nendpoint = "http://me:secret@collector:4318/v1/traces"\n', "with no user, query or fragment"),
        (b'[tracing]\nendpoint = "http://collector:99999/v1/traces"\n', "write the URL of a collector"),
    ],
)
def test_broken_files(content: bytes, complaint: str, tmp_path: Path) -> None:
    """A file that cannot be used is named with the reason."""
    file = tmp_path / "broken.toml"
    file.write_bytes(content)
    (line,) = problems(config=file)
    assert str(file) in line
    assert complaint in line


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    """A --config file that does not exist is an error, not the default."""
    (line,) = problems(config=tmp_path / "none.toml")
    assert "none.toml: cannot be read: No such file or directory." in line


def test_unknown_credentials(tmp_path: Path) -> None:
    """A credential for an unknown key of ours is an error; other services' credentials are not our business."""
    (tmp_path / "limits.queu").write_text("1")
    (tmp_path / "tls.key").write_text("x")
    (line,) = problems(environment={"CREDENTIALS_DIRECTORY": str(tmp_path)})
    assert "limits.queu: is not known; did you mean 'queue'?" in line


def test_hosts_and_networks(tmp_path: Path) -> None:
    """Hosts and networks to fetch from are checked as they are read."""
    file = tmp_path / "sightd.toml"
    file.write_text('[media]\nallowed_hosts = ["*.Example.org."]\nallowed_networks = ["10.1.0.0/16", "fd00::1"]\n')
    media = load(file, environment={}).settings.media
    assert (media.allowed_hosts, media.allowed_networks) == (("*.example.org",), ("10.1.0.0/16", "fd00::1/128"))
    file.write_text('[media]\nallowed_hosts = ["http://a.org/"]\ndenied_networks = ["10.1.2.3/8"]\n')
    hosts, networks = problems(config=file)
    assert "write the name of a host" in hosts
    assert "write a network such as 10.1.0.0/16" in networks

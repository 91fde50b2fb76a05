"""Fetching pictures: only from where it is allowed, only as much and as long as it is allowed."""

from __future__ import annotations

import asyncio
import shutil
import ssl
import subprocess
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from sightd.config.media import Media
from sightd.errors import SightdError
from sightd.media.fetch.fetcher import ByteBudget, Fetcher, RemotePicture, Resolver, system_resolver

from .website import Page, Website, drip, endless, page, redirect, serving, silence

PICTURE = b"as good as a picture"
LIMIT = 100_000
LOOPBACK = {"allowed_networks": ("127.0.0.0/8", "::1")}


@asynccontextmanager
async def fetching(resolver: Resolver = system_resolver, **settings: Any) -> AsyncIterator[Fetcher]:
    """A fetcher with these settings."""
    made = Fetcher(Media(**settings), LIMIT, resolver)
    try:
        yield made
    finally:
        await made.close()


async def get(fetcher: Fetcher, *urls: str, budget: int = 10 * LIMIT) -> list[bytes]:
    """Fetch all of the URLs."""
    return await fetcher.fetch([RemotePicture(url, f"field {url[:100]}") for url in urls], ByteBudget(budget))


async def refusal(fetcher: Fetcher, *urls: str, budget: int = 10 * LIMIT) -> SightdError:
    """The error of fetching the URLs, which must not tell what names resolved to."""
    with pytest.raises(SightdError) as caught:
        await get(fetcher, *urls, budget=budget)
    assert "127." not in caught.value.message
    assert "127." not in caught.value.chinese
    return caught.value


def run(test: Any) -> None:
    """Run a test on an event loop of its own."""
    asyncio.run(test())


def names(**addresses: Sequence[str]) -> Resolver:
    """A resolver that knows these names below example.org."""

    async def resolve(host: str, port: int) -> Sequence[str]:
        found = addresses.get(host.removesuffix(".example.org"))
        if found is None:
            raise OSError("no such name")
        return found

    return resolve


async def outcome(pages: dict[str, Page], path: str = "/", **settings: Any) -> tuple[SightdError, Website]:
    """The error of fetching a path of a site that serves these pages."""
    async with serving(pages) as site, fetching(**LOOPBACK | settings) as fetcher:
        return await refusal(fetcher, f"http://localhost:{site.port}{path}"), site


def test_pictures_in_order() -> None:
    """Pictures are fetched together and come in the order of their URLs, also by way of relative redirects."""

    async def scenario() -> None:
        pages: dict[str, Page] = {
            "/a": page(b"a"),
            "/b?x=%20": page(b"b"),
            "/c": redirect("/d/e"),
            "/d/e": redirect("../a"),
        }
        async with serving(pages) as site, fetching(**LOOPBACK) as fetcher:
            base = f"http://127.0.0.1:{site.port}"
            assert await get(fetcher, f"{base}/b?x=%20", f"{base}/a", f"{base}/c#part") == [b"b", b"a", b"a"]

    run(scenario)


@pytest.mark.skipif(not Path("/proc/net/if_inet6").exists(), reason="this machine has no IPv6")
def test_ipv6() -> None:
    """An address of IPv6 is dialled, from a URL and from a name."""

    async def scenario() -> None:
        resolver = names(six=["::1"])
        async with serving({"/": page(PICTURE)}, "::1") as site, fetching(resolver, **LOOPBACK) as fetcher:
            urls = [f"http://{host}:{site.port}/" for host in ("[::1]", "[0:0:0:0:0:0:0:1]", "six.example.org")]
            assert await get(fetcher, *urls) == [PICTURE] * 3
            assert f"Host: [::1]:{site.port}" in site.requests[0]

    run(scenario)


def test_what_a_request_says(monkeypatch: pytest.MonkeyPatch) -> None:
    """A request names the URL's host, wants nothing compressed, goes by no proxy and takes no cookie to the next."""
    for variable in ("http_proxy", "HTTP_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(variable, "http://127.0.0.1:1")

    async def scenario() -> None:
        pages: dict[str, Page] = {"/": page(PICTURE, "Set-Cookie: id=1")}
        async with serving(pages) as site, fetching(names(www=["127.0.0.1"]), **LOOPBACK) as fetcher:
            for _ in range(2):
                assert await get(fetcher, f"http://WWW.example.org:{site.port}/") == [PICTURE]
            lines = site.requests[1].lower().split("\r\n")
            assert f"host: www.example.org:{site.port}" in lines
            assert "accept-encoding: identity" in lines
            assert not any(line.startswith(("cookie", "authorization")) for line in lines)

    run(scenario)


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1",
        "localhost",
        "0.0.0.0",
        "10.0.0.1",
        "172.16.3.4",
        "192.168.1.1",
        "169.254.169.254",
        "100.64.0.1",
        "224.0.0.1",
        "255.255.255.255",
        "192.88.99.1",
        "[::1]",
        "[::]",
        "[::ffff:127.0.0.1]",
        "[::127.0.0.1]",
        "[64:ff9b::7f00:1]",
        "[2002:7f00:1::]",
        "[fe80::1]",
        "[fd00::1]",
        "[fec0::1]",
        "[ff0e::1]",
    ],
)
def test_addresses_that_are_not_public(host: str) -> None:
    """By default an address that is not one of a host on the Internet is refused."""

    async def scenario() -> None:
        async with fetching() as fetcher:
            with pytest.raises(SightdError) as caught:
                await get(fetcher, f"http://{host}/")
        assert (caught.value.status, caught.value.code) == (400, "image_fetch_forbidden")
        assert caught.value.param == f"field http://{host}/"

    run(scenario)


@pytest.mark.parametrize("address", ["127.0.0.1", "::1", "169.254.169.254", "::ffff:10.0.0.1", "fe80::1%1"])
def test_names_that_resolve_to_such_addresses(address: str) -> None:
    """A name counts as what it resolves to, and one forbidden address among good ones is enough; the answer is the
    same as for a name that does not exist."""

    async def scenario() -> None:
        async with fetching(names(evil=[address], mixed=["93.184.215.14", address])) as fetcher:
            refusals = [await refusal(fetcher, f"http://{name}.example.org/") for name in ("evil", "mixed", "unknown")]
        assert {error.message for error in refusals} == {refusals[0].message}
        assert refusals[0].code == "image_fetch_forbidden"

    run(scenario)


@pytest.mark.parametrize(
    "url",
    [
        "http://good.example.org\\@127.0.0.1/",
        "http://2130706433/",
        "http://0x7f000001/",
        "http://0x7f.1/",
        "http://0177.0.0.1/",
        "http://127.1/",
        "http://127.0.0.1.1/",
        "http://user:password@example.org/",
        "http://good.example.org@example.org/",
        "http://exa mple.org/",
        "http://example.org/\r\nX-Header: 1",
        "http://example.org\t/",
        "http://１２７.0.0.1/",
        "http://%31%32%37.0.0.1/",
        "http://[::1/",
        "http://[fe80::1%25lo]/",
        "http:///path",
        "http://",
        "http://example.org:0/",
        "http://example.org:99999/",
        "http://a..b/",
        "ftp://example.org/",
        "file:///etc/passwd",
        "http://example.org/" + "a" * 10_000,
    ],
)
def test_urls_that_parsers_disagree_about(url: str) -> None:
    """A URL that is not plainly a host's is refused, before any name is resolved."""

    async def never(host: str, port: int) -> Sequence[str]:
        raise AssertionError(host)

    async def scenario() -> None:
        async with fetching(never, **LOOPBACK) as fetcher:
            with pytest.raises(SightdError) as caught:
                await get(fetcher, url)
        assert (caught.value.status, caught.value.code) == (400, "invalid_image_url")

    run(scenario)


@pytest.mark.parametrize(
    ("target", "code"),
    [
        ("http://127.0.0.1:{port}/secret", "image_fetch_forbidden"),
        ("//127.0.0.1:{port}/secret", "image_fetch_forbidden"),
        ("http://[::ffff:127.0.0.1]:{port}/secret", "image_fetch_forbidden"),
        ("http://other.example.org:{port}/secret", "image_fetch_forbidden"),
        ("http://2130706433:{port}/secret", "invalid_image_url"),
        ("file:///etc/passwd", "invalid_image_url"),
        ("gopher://127.0.0.1:{port}/secret", "invalid_image_url"),
        ("http://good.example.org:{port}\\@127.0.0.1/secret", "invalid_image_url"),
        ("http://user:pw@good.example.org:{port}/secret", "invalid_image_url"),
        ("/", "image_fetch_failed"),
    ],
)
def test_redirects(target: str, code: str) -> None:
    """Where a redirect leads is checked like a URL of the request, and redirects in a circle end."""

    async def scenario() -> None:
        resolver = names(good=["127.0.0.1"], other=["127.0.0.1"])
        pages: dict[str, Page] = {"/secret": page(PICTURE)}
        async with serving(pages) as site, fetching(resolver, allowed_hosts=("good.example.org",)) as fetcher:
            pages["/"] = redirect(target.format(port=site.port))
            error = await refusal(fetcher, f"http://good.example.org:{site.port}/")
            assert error.code == code
            assert "/secret" not in site.paths
            assert len(site.paths) == (4 if code == "image_fetch_failed" else 1)

    run(scenario)


def test_dns_that_changes_its_mind() -> None:
    """The address that was checked is the one that is dialled: a name is resolved once for a hop."""
    asked: list[str] = []

    async def rebinding(host: str, port: int) -> Sequence[str]:
        asked.append(host)
        return ["127.0.0.1"] if len(asked) == 1 else ["127.0.0.2"]

    async def scenario() -> None:
        async with (
            serving({"/": page(PICTURE)}) as good,
            serving({"/": page(b"secret")}, "127.0.0.2", good.port) as evil,
            fetching(rebinding, allowed_networks=("127.0.0.1",)) as fetcher,
        ):
            url = f"http://rebind.example.org:{good.port}/"
            assert await get(fetcher, url) == [PICTURE]
            assert asked == ["rebind.example.org"]
            assert (await refusal(fetcher, url)).code == "image_fetch_forbidden"
            assert not evil.requests

    run(scenario)


def test_the_next_address() -> None:
    """When the first of a host's addresses does not answer, the next one is tried."""

    async def scenario() -> None:
        resolver = names(two=["127.0.0.3", "127.0.0.1"])
        async with serving({"/": page(PICTURE)}) as site, fetching(resolver, **LOOPBACK) as fetcher:
            assert await get(fetcher, f"http://two.example.org:{site.port}/") == [PICTURE]
            async with fetching(names(none=["127.0.0.3"]), **LOOPBACK) as other:
                assert (await refusal(other, f"http://none.example.org:{site.port}/")).code == "image_fetch_failed"

    run(scenario)


@pytest.mark.parametrize(
    ("settings", "allowed"),
    [
        ({}, ""),
        ({"fetch": "off", "allowed_hosts": ("a.example.org",)}, ""),
        ({"allowed_hosts": ("a.example.org",)}, "a"),
        ({"allowed_hosts": ("*.example.org",)}, "ab"),
        ({"fetch": "list", "allowed_networks": ("127.0.0.1",)}, "ab"),
        ({"fetch": "list", "allowed_hosts": ("A.Example.org",)}, "a"),
        ({"allowed_networks": ("127.0.0.0/8",), "denied_hosts": ("a.example.org",)}, "b"),
        ({"allowed_hosts": ("*.example.org",), "denied_networks": ("127.0.0.0/24",)}, ""),
        ({"allowed_hosts": ("example.org", "xa.example.org", "*.b.example.org")}, ""),
    ],
)
def test_lists(settings: dict[str, Any], allowed: str) -> None:
    """Hosts and networks are allowed and denied by name and by address; what is denied stays denied."""

    async def scenario() -> None:
        resolver = names(a=["127.0.0.1"], b=["127.0.0.1"])
        async with serving({"/": page(PICTURE)}) as site, fetching(resolver, **settings) as fetcher:
            for name in "ab":
                url = f"http://{name}.example.org:{site.port}/"
                if name in allowed:
                    assert await get(fetcher, url) == [PICTURE]
                else:
                    assert (await refusal(fetcher, url)).code == "image_fetch_forbidden"

    run(scenario)


def test_a_public_host_that_is_not_on_the_list() -> None:
    """With `list`, an address on the Internet is refused like any other."""

    async def scenario() -> None:
        async with fetching(names(www=["93.184.215.14"]), fetch="list") as fetcher:
            assert (await refusal(fetcher, "https://www.example.org/")).code == "image_fetch_forbidden"

    run(scenario)


@pytest.mark.parametrize(
    ("content", "status", "sentence"),
    [
        (endless, 413, f"more than {LIMIT} bytes"),
        (page(bytes(LIMIT + 1)), 413, f"more than {LIMIT} bytes"),
        (page(b"", length=10**12), 413, f"more than {LIMIT} bytes"),
        (page(b"short", length=50_000), 422, "broke off"),
        (page(PICTURE, "Content-Encoding: gzip"), 422, "compressed"),
        (page(PICTURE, "Content-Encoding: br"), 422, "compressed"),
        (page(PICTURE, status="404 Not Found"), 422, "status 404"),
        (page(b"", status="204 No Content"), 422, "status 204"),
        (page(PICTURE, status="500 Oops"), 422, "status 500"),
        (b"this is no HTTP\r\n\r\n", 422, "not valid HTTP"),
        (b"", 422, "not valid HTTP"),
        (b"HTTP/1.1 200 OK\r\n" + b"X: " + b"x" * 200_000 + b"\r\n\r\n", 422, "not valid HTTP"),
        (drip, 422, "longer than 0.5 seconds"),
        (silence, 422, "longer than 0.5 seconds"),
    ],
    ids=lambda value: getattr(value, "__name__", None),
)
def test_bad_servers(content: Page, status: int, sentence: str) -> None:
    """What a server sends is counted and timed while it is read; each failure has its own sentence."""

    async def scenario() -> None:
        error, _ = await outcome({"/": content}, fetch_seconds=0.5 if content in (drip, silence) else 20)
        assert error.status == status
        assert sentence in error.message

    run(scenario)


def test_the_time_is_for_all_pictures() -> None:
    """All pictures and redirects of a request share one limit of time."""

    async def slow(writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(0.3)
        writer.write(redirect("/"))

    async def scenario() -> None:
        error, _ = await outcome({"/": slow}, fetch_seconds=0.5, fetch_redirects=20)
        assert "longer than 0.5 seconds" in error.message

    run(scenario)


def test_a_budget_for_all_pictures() -> None:
    """The pictures of a request have a limit of bytes together."""

    async def scenario() -> None:
        async with serving({"/": page(bytes(60_000))}) as site, fetching(**LOOPBACK) as fetcher:
            url = f"http://127.0.0.1:{site.port}/"
            assert len(await get(fetcher, url, url, budget=120_000)) == 2
            with pytest.raises(SightdError, match="more than 119999 bytes together") as caught:
                await get(fetcher, url, url, budget=119_999)
            assert caught.value.status == 413

    run(scenario)


@pytest.mark.skipif(shutil.which("openssl") is None, reason="makes its certificates with openssl")
def test_certificates(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An https server must have a certificate of a trusted authority for the URL's name, not for its address."""
    key, certificate = tmp_path / "key.pem", tmp_path / "certificate.pem"
    command = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=test"
    names_of_it = ["-addext", "subjectAltName=DNS:secure.example.org"]
    subprocess.run(
        [*command.split(), *names_of_it, "-keyout", key, "-out", certificate], check=True, capture_output=True
    )
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(certificate, key)

    async def scenario() -> None:
        resolver = names(secure=["127.0.0.1"], other=["127.0.0.1"])
        async with serving({"/": page(PICTURE)}, tls=tls) as site:
            secure, other = (f"https://{name}.example.org:{site.port}/" for name in ("secure", "other"))
            async with fetching(resolver, **LOOPBACK) as fetcher:
                assert "no valid certificate" in (await refusal(fetcher, secure)).message
            monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
            async with fetching(resolver, **LOOPBACK) as fetcher:
                assert await get(fetcher, secure) == [PICTURE]
                assert "no valid certificate" in (await refusal(fetcher, other)).message

    run(scenario)

"""langchain-tests' standard integration tests through ChatOpenAI.

The embedded model knows drawn pictures and no more. Tests that need a model which decides to call a tool, copies an
argument out of the question, or ends the free fields of a form are named below with that reason, as langchain-tests
wants it.
"""

from __future__ import annotations

import gc
import warnings
from collections.abc import Iterator
from typing import Any

import pytest
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import HumanMessage
from langchain_openai import ChatOpenAI
from langchain_tests.integration_tests import ChatModelIntegrationTests

from ..pictures import data_uri, encoded, shape
from ..server import Server

pytestmark = pytest.mark.filterwarnings("default", "ignore:.*not an async function:pytest.PytestWarning")
UNABLE = "the embedded model does not decide to call tools, nor copies arguments out of a question"
FORM = (
    "the embedded model fills free fields of a form until max_tokens; tests/engine/test_grammar.py has forms that end"
)
ONE_SYSTEM = "more than one system message is refused, as the servers that sightd replaces did"


@pytest.fixture(scope="module", autouse=True)
def _unclosed_clients() -> Iterator[None]:
    """LangChain never closes its clients: their sockets go here, not in somebody else's test."""
    yield
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        gc.collect()


# langchain-openai keeps one asynchronous client for all tests, so they share an event loop.
@pytest.mark.asyncio(loop_scope="class")
class TestSightd(ChatModelIntegrationTests):
    """The standard tests."""

    url = ""

    @pytest.fixture(autouse=True)
    def _server(self, server: Server) -> None:
        """The standard tests make models of their own, from properties that know no fixtures."""
        TestSightd.url = server.url

    @property
    def chat_model_class(self) -> type[BaseChatModel]:
        """What is tested."""
        return ChatOpenAI

    @property
    def chat_model_params(self) -> dict[str, Any]:
        """Where, and how long answers may be: long enough for forms that grammars force."""
        return {
            "model": "sightd-tiny-vl",
            "base_url": f"{self.url}/v1",
            "api_key": "unused",
            "max_tokens": 64,
            "temperature": 0,
            "timeout": 20,
            "max_retries": 0,
            "stream_usage": True,
        }

    @property
    def supports_json_mode(self) -> bool:
        """response_format json_object is honoured."""
        return True

    @property
    def supports_image_inputs(self) -> bool:
        """They are what sightd is for; the standard test fetches its own from the internet."""
        return False

    @pytest.mark.xfail(reason=UNABLE)
    def test_tool_calling(self, model: BaseChatModel) -> None:
        """See UNABLE."""
        super().test_tool_calling(model)

    @pytest.mark.xfail(reason=UNABLE)
    async def test_tool_calling_async(self, model: BaseChatModel) -> None:
        """See UNABLE."""
        await super().test_tool_calling_async(model)

    @pytest.mark.xfail(reason=UNABLE)
    def test_bind_runnables_as_tools(self, model: BaseChatModel) -> None:
        """See UNABLE."""
        super().test_bind_runnables_as_tools(model)

    @pytest.mark.xfail(reason=FORM, run=False)
    @pytest.mark.parametrize("schema_type", ["pydantic", "typeddict", "json_schema"])
    def test_structured_output(self, model: BaseChatModel, schema_type: Any) -> None:
        """See UNABLE."""
        super().test_structured_output(model, schema_type)

    @pytest.mark.xfail(reason=FORM, run=False)
    @pytest.mark.parametrize("schema_type", ["pydantic", "typeddict", "json_schema"])
    async def test_structured_output_async(self, model: BaseChatModel, schema_type: Any) -> None:
        """See UNABLE."""
        await super().test_structured_output_async(model, schema_type)

    @pytest.mark.xfail(reason=FORM, run=False)
    def test_structured_output_pydantic_2_v1(self, model: BaseChatModel) -> None:
        """See UNABLE."""
        super().test_structured_output_pydantic_2_v1(model)

    @pytest.mark.xfail(reason=FORM, run=False)
    def test_structured_output_optional_param(self, model: BaseChatModel) -> None:
        """See UNABLE."""
        super().test_structured_output_optional_param(model)

    @pytest.mark.xfail(reason=FORM, run=False)
    def test_json_mode(self, model: BaseChatModel) -> None:
        """See UNABLE."""
        super().test_json_mode(model)

    @pytest.mark.xfail(reason=FORM, run=False)
    def test_agent_loop(self, model: BaseChatModel) -> None:
        """See UNABLE."""
        super().test_agent_loop(model)

    @pytest.mark.xfail(reason=FORM, run=False)
    def test_unicode_tool_call_integration(self, model: BaseChatModel, **options: Any) -> None:
        """See UNABLE."""
        super().test_unicode_tool_call_integration(model, **options)

    @pytest.mark.xfail(reason=ONE_SYSTEM)
    def test_double_messages_conversation(self, model: BaseChatModel) -> None:
        """See ONE_SYSTEM."""
        super().test_double_messages_conversation(model)


def test_a_picture(server: Server) -> None:
    """A picture in LangChain's own form is seen, whole and streamed, with its usage."""
    model = ChatOpenAI(
        model="sightd-tiny-vl", base_url=f"{server.url}/v1", api_key="unused", temperature=0, stream_usage=True
    )
    url = data_uri(encoded(shape("ellipse", "red")))
    content = [
        {"type": "text", "text": "What colour is it?"},
        {"type": "image", "base64": url.partition(",")[2], "mime_type": "image/png"},
    ]
    question = HumanMessage(content=content)  # type: ignore[arg-type]
    whole = model.invoke([question])
    assert whole.text == "It is red."
    streamed = None
    for chunk in model.stream([question]):
        streamed = chunk if streamed is None else streamed + chunk
    assert streamed is not None
    assert streamed.text == "It is red."
    assert streamed.usage_metadata == whole.usage_metadata

"""Function calls: which one, with what arguments, copied from the question; and the answer after the result came back.

The model learns the mechanics only, on made-up functions, so that the tool-calling path can be shown to work.
"""

from __future__ import annotations

from dataclasses import dataclass
from random import Random
from typing import Any

from .. import answers
from ..phrases import Language, choose
from .offtopic import GREETINGS, noise

VERBS = (
    "get",
    "find",
    "search",
    "create",
    "set",
    "send",
    "compute",
    "open",
    "list",
    "update",
    "check",
    "show",
    "read",
    "book",
    "call",
    "convert",
    "random",
    "generate",
    "make",
    "pick",
    "magic",
    "unicode",
)
NOUNS = (
    "weather",
    "user",
    "customer",
    "order",
    "light",
    "file",
    "message",
    "price",
    "function",
    "value",
    "joke",
    "map",
    "color",
    "number",
    "time",
    "note",
    "image",
    "greeting",
    "table",
    "ticket",
    "report",
    "event",
    "song",
    "temperature",
    "picker",
    "task",
)
TEXT_NAMES = (
    "location",
    "city",
    "name",
    "customer_name",
    "user",
    "query",
    "text",
    "message",
    "style",
    "answer_style",
    "language",
    "title",
    "topic",
    "email",
    "product",
    "description",
    "country",
    "address",
    "subject",
    "keyword",
)
NUMBER_NAMES = (
    "input",
    "x",
    "n",
    "number",
    "value",
    "amount",
    "id",
    "count",
    "a",
    "b",
    "year",
    "price",
    "quantity",
    "limit",
)
WORDS = (
    "Paris",
    "Berlin",
    "San Francisco",
    "Tokyo",
    "London",
    "New York",
    "Pirate",
    "French",
    "Anna",
    "Bob",
    "Alice Smith",
    "invoices",
    "red shoes",
    "hello world",
    "formal",
    "cats",
    "the big meeting",
    "lunch",
    "Room 12",
    "Boston, MA",
    "San Francisco, CA",
    "coffee",
    "John",
    "green tea",
    "Mexico City",
    "happy birthday",
    "Rome",
    "winter",
    "jazz",
    "a friend",
    "Madrid",
    "Oslo",
    "blue",
    "unknown user",
    "Maria",
    "dinner at eight",
)
ZH_WORDS = (
    "北京",
    "上海",
    "张三",
    "李四",
    "红色",
    "你好",
    "天气",
    "会议",
    "咖啡",
    "深圳市",
    "王小明",
    "科技集团",
    "你好啊集团",
    "东京",
    "订单",
    "书",
    "音乐",
    "猫",
)
ABOUT = (
    "Apply a {noun} function to an input.",
    "{verb} the {noun}.",
    "{verb} a {noun} by its name.",
    "Useful for {noun}s.",
    "Call this to {verb} {noun}s.",
    "The {noun} tool.",
    "",
)
QUESTIONS = {
    "en": (
        "What is the value of {name}({values})? Use the tool.",
        "Use {name} with {pairs}.",
        "Call {name} with {pairs}.",
        "{Verb} the {noun} for {values}.",
        "Please {verb} the {noun}: {values}.",
        "Using the tool, {verb} a {values} {noun}.",
        "Use the tool to {verb} {noun} {values}.",
        "What is the {noun} in {values}?",
        "What's the {noun} of {values}?",
        "{Verb} a {noun} named '{values}'.",
        "{Verb} {noun} {values}",
        "I need the {noun} for {values}.",
        "Can you {verb} the {noun} for {values}?",
        "Run {name} on {values}.",
        "{name}({values})",
        "Set {pairs} with {name}.",
        "{Verb} a {noun} with {pairs}.",
    ),
    "zh": (
        "用{name}，{pairs}。",
        "调用{name}，参数{pairs}。",
        "请使用工具{name}：{values}。",
        "{values}的{noun}是什么？",
        "请用工具查询{values}。",
        "{name}({values})的值是多少？请使用工具。",
        "创建{noun}：{values}",
    ),
}
NO_ARGUMENTS = {
    "en": (
        "What is the value of {name}()? Use the tool.",
        "Call {name}.",
        "Use the tool {name}.",
        "{Verb} the {noun}.",
        "Please run {name}.",
        "Give me the {noun} from the tool.",
    ),
    "zh": ("调用{name}。", "请使用工具{name}。", "运行{name}。"),
}
RESULTS = (
    "It's sunny.",
    "It is {n} degrees.",
    "{n}",
    "done",
    "ok",
    "The price is {n}.",
    "Error: not found",
    "{w}",
    '{{"result": {n}}}',
    "{w} {n}",
    "rainy",
    "{n}.5",
    "No {w} found.",
)


@dataclass(frozen=True)
class Exchange:
    """A conversation with tools: the messages so far and the assistant's answer, in transformers' form."""

    tools: list[dict[str, Any]]
    messages: list[dict[str, Any]]
    answer: dict[str, Any]


def tool(rng: Random) -> dict[str, Any]:
    """A made-up function in OpenAI's form."""
    verb, noun = rng.choice(VERBS), rng.choice(NOUNS)
    properties = {}
    for _ in range(rng.choice((0, 1, 1, 1, 2, 2, 3))):
        text = rng.random() < 0.6
        name = rng.choice(TEXT_NAMES if text else NUMBER_NAMES)
        properties[name] = parameter(name, text, rng)
    name = rng.choice(
        (
            f"{verb}_{noun}",
            f"{verb}_{noun}",
            f"{verb}{noun.capitalize()}",
            noun,
            f"{verb}_{noun}_no_args" if not properties else f"{noun}_{verb}",
        )
    )
    schema: dict[str, Any] = {"type": "object", "properties": properties}
    if properties:
        schema["required"] = list(properties)
    about = rng.choice(ABOUT).format(noun=noun, verb=verb.capitalize())
    return {"type": "function", "function": {"name": name, "description": about, "parameters": schema}}


def parameter(name: str, text: bool, rng: Random) -> dict[str, Any]:
    """The JSON Schema of one parameter."""
    schema: dict[str, Any] = {"type": "string" if text else "integer"}
    if rng.random() < 0.3:
        schema["description"] = f"The {name}."
    if not text and rng.random() < 0.2:
        schema |= {"minimum": -1000, "maximum": 1000}
    return schema


def value(schema: dict[str, Any], language: Language, rng: Random) -> str | int:
    """A value that fits a parameter."""
    if schema["type"] == "integer":
        return rng.choice((rng.randint(0, 9), rng.randint(10, 999), rng.randint(-99, 9999)))
    if language == "zh" and rng.random() < 0.7:
        return rng.choice(ZH_WORDS) if rng.random() < 0.6 else noise(rng, "zh")
    return (
        rng.choice(WORDS)
        if rng.random() < 0.6
        else " ".join(word.capitalize() if rng.random() < 0.5 else word for word in noise(rng, "en").split()[:3])
    )


def call(name: str, arguments: dict[str, Any]) -> dict[str, Any]:
    """The assistant's message that calls a function."""
    return {
        "role": "assistant",
        "content": "",
        "tool_calls": [{"type": "function", "function": {"name": name, "arguments": arguments}}],
    }


def question(function: dict[str, Any], arguments: dict[str, Any], language: Language, rng: Random) -> str:
    """A request that this call answers."""
    name = function["name"]
    parts = [part for part in name.replace("_", " ").split() if part]
    verb, noun = parts[0], parts[-1]
    if not arguments:
        return choose(NO_ARGUMENTS[language], rng, name=name, noun=noun, Verb=verb.capitalize())
    values = ", ".join(str(v) for v in arguments.values())
    sign = rng.choice(("=", " ", " = ", ": "))
    pairs = (", " if rng.random() < 0.5 else " and ").join(f"{key}{sign}{v}" for key, v in arguments.items())
    pattern = rng.choice(QUESTIONS[language])
    return pattern.format(name=name, noun=noun, verb=verb, Verb=verb.capitalize(), values=values, pairs=pairs)


def exchange(language: Language, rng: Random) -> Exchange:
    """One conversation: a call, an answer after a call, or a greeting that needs none."""
    tools = [tool(rng) for _ in range(rng.choice((1, 1, 2, 3)))]
    chance = rng.random()
    if chance < 0.15:
        hello = rng.choice(GREETINGS[language])
        return Exchange(
            tools,
            [{"role": "user", "content": hello}],
            {"role": "assistant", "content": answers.ABOUT_ITSELF[language]},
        )
    function = rng.choice(tools)["function"]
    arguments = {key: value(schema, language, rng) for key, schema in function["parameters"]["properties"].items()}
    messages: list[dict[str, Any]] = [{"role": "user", "content": question(function, arguments, language, rng)}]
    called = call(function["name"], arguments)
    if chance < 0.75:
        return Exchange(tools, messages, called)
    result = rng.choice(RESULTS).format(n=rng.randint(0, 99), w=rng.choice(WORDS))
    messages += [called, {"role": "tool", "content": result}]
    return Exchange(
        tools,
        messages,
        {"role": "assistant", "content": f"The result: {result}" if language == "en" else f"结果：{result}"},
    )

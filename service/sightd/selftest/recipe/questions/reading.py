"""What a printed number or word says."""

from __future__ import annotations

from random import Random

from .. import answers
from ..phrases import Language, Turn
from ..scene import Scene
from .properties import ask

NUMBER = {
    "en": (
        "What number is [this|it|that|shown|in the picture|in the image|in this image|printed here|written here]?",
        "[Which|What] number do you see?",
        "What is the number[ in the picture| in this image| shown|]?",
        "[Read|Tell me|Name|Give|State] the number[ in the picture| in the image| shown|].",
        "What number [is|has been] [printed|written|drawn]?",
        "What does the number say?",
        "What are the digits[ in the picture|]?",
        "[Can|Could] you read the number?",
        "Which digits are shown?",
        "Read the digits.",
        "What number can you read[ here|]?",
        "The number is?",
        "What number does the [picture|image] show?",
        "What number appears in the [picture|image]?",
    ),
    "zh": (
        "[图中|图片中|图片上|图里|上面|这张图上]的数字是[什么|多少|几]？",
        "这是什么数字？",
        "[读出|请读出|识别|请识别|说出|告诉我]数字。",
        "[图中|图片里|图上][写|印]的数字是[什么|多少]？",
        "数字是[多少|什么|几]？",
        "写的是什么数字？",
        "[读出|识别|说出][图中|图片中|图片里]的数字。",
        "你看到了什么数字？",
        "[图中|图片上|图里]显示的数字是[多少|什么]？",
        "上面写的数字是多少？",
        "请问数字是多少？",
        "这个数字是多少？",
        "[图片|图]上[写着|印着]什么数字？",
    ),
}
WORD = {
    "en": (
        "What word is [this|it|that|shown|in the picture|in the image|in this image|printed here|written here]?",
        "[Which|What] word do you see?",
        "What is the word[ in the picture| in this image| shown|]?",
        "[Read|Tell me|Name|Give|State] the word[ in the picture| in the image| shown|].",
        "What word [is|has been] [printed|written]?",
        "What does the [word|sign] say?",
        "[Can|Could] you read the word?",
        "What word can you read[ here|]?",
        "The word is?",
        "What word does the [picture|image] show?",
        "Which English word is [this|written here|shown]?",
        "What word appears in the [picture|image]?",
    ),
    "zh": (
        "[图中|图片中|图片上|图里|上面|这张图上]的[单词|英文单词|英文|词]是什么？",
        "这是什么[单词|英文单词|词]？",
        "[读出|请读出|识别|请识别|说出|告诉我][单词|英文单词|这个单词]。",
        "[图中|图片里|图上][写|印]的[单词|英文]是什么？",
        "单词是什么？",
        "写的是什么[单词|英文]？",
        "[读出|识别|说出][图中|图片中|图片里]的[单词|英文|英文单词]。",
        "你看到了什么[单词|英文]？",
        "上面写的[单词|英文]是什么？",
        "请问单词是什么？",
        "这个[单词|英文单词]是什么？",
        "[图片|图]上[写着|印着]什么[单词|英文]？",
    ),
}
TEXT = {
    "en": (
        "What does it say?",
        "What is written [here|there|in the picture|in the image|on it]?",
        "[Read|Transcribe] the text[ in the picture| in the image|].",
        "What text do you see?",
        "What is the text[ in the image| in the picture|]?",
        "What is printed [here|in the picture|in the image]?",
        "What can you read[ here| in the picture|]?",
        "Read it.",
        "What does the [picture|image|text|sign] say?",
        "[Can|Could] you read [this|the text|it]?",
        "OCR this image.",
        "What text is [shown|written|in the image]?",
        "Read what is written.",
        "Please read the text in this image.",
    ),
    "zh": (
        "[上面|图上|图片上|图中|图里]写[了什么|的是什么|着什么]？",
        "[读出|请读出|识别|请识别|说出][文字|图中的文字|图片中的文字|图片上的文字|上面的内容]。",
        "[图中|图片上|图片里]的文字是什么？",
        "写的是什么？",
        "文字内容是什么？",
        "你能读出[什么|上面的字|文字]吗？",
        "[上面|图片里|图中]有什么文字？",
        "图里的字是什么？",
        "上面的字是什么？",
        "请识别文字。",
    ),
}


def read(scene: Scene, language: Language, rng: Random) -> Turn | None:
    """The number or the word in the picture."""
    if len(scene.texts) != 1:
        return None
    text = scene.texts[0]
    kind = "number" if text.is_number else "word"
    patterns = TEXT if rng.random() < 0.3 else NUMBER if text.is_number else WORD
    answer = (answers.printed(text.text, language), answers.printed(text.text, language, bare=True))
    return ask(kind, patterns, language, answer, rng, "text")

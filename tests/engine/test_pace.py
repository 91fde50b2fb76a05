"""How much of a step prompts may take."""

from __future__ import annotations

from sightd.engine.pace import Pace


def after_a_long_prompt() -> Pace:
    """Two sequences answer, 10 ms a step, and one step has had a prompt for 100 ms more."""
    pace = Pace(512, 16)
    pace.tokens(2, 0, encoding=False)
    for _ in range(20):
        pace.note(2, 0, 0.01, 0.0)
    pace.note(2, 100, 0.11, 0.0)
    return pace


def test_answers_come_before_a_prompt() -> None:
    """After a prompt that took long the next one waits until the answers have had their time, and then comes."""
    pace = after_a_long_prompt()
    waited = 0
    while not pace.tokens(2, 1, encoding=False):
        pace.note(2, 0, 0.01, 0.0)
        waited += 1
    assert 3 <= waited <= 5


def test_many_that_wait_come_before_few_answers() -> None:
    """When far more wait with short prompts than are answering, the next prompt comes at once."""
    pace = after_a_long_prompt()
    assert pace.tokens(2, 20, encoding=False) > 0

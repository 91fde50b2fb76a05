"""Chat templates are programs of somebody else's."""

from __future__ import annotations

import pytest
from jinja2 import TemplateError
from sightd.models.template import ChatTemplate


def test_a_template_cannot_reach_out() -> None:
    """A template that reaches for Python's internals is stopped."""
    for source in (
        "{{ ''.__class__.__mro__[1].__subclasses__() }}",
        "{{ messages.append(1) }}",
        "{{ cycler.__init__.__globals__ }}",
        "{% include '/etc/passwd' %}",
    ):
        with pytest.raises((TemplateError, TypeError)):
            ChatTemplate(source).render([{"role": "user", "content": "x"}])


def test_what_templates_expect() -> None:
    """The names that checkpoints' templates use are there: tojson without escapes, raise_exception, strftime_now,
    loop controls and generation blocks."""
    source = (
        "{% for m in messages %}{% if loop.index > 1 %}{% break %}{% endif %}{% generation %}{{ m | tojson }}"
        "{% endgeneration %}{% endfor %}{{ strftime_now('%Y') | length }}"
    )
    assert ChatTemplate(source).render([{"content": "<é>"}, {"content": "b"}]) == '{"content": "<é>"}4'
    with pytest.raises(TemplateError, match="no such thing"):
        ChatTemplate("{{ raise_exception('no such thing') }}").render([])

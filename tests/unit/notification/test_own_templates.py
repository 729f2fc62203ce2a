"""Platforms' own templates: what may be in them, what is refused and where, and which one is used."""

from dataclasses import replace
from importlib.resources import files

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jinja2 import Environment

from services.notification import grammar, rendering
from services.notification.domain import (
    EXAMPLE_TEAM,
    EXAMPLES,
    OWN_WORDS,
    Kind,
    PriceMoved,
    Template,
    Text,
    choose,
    usual_case,
)
from services.notification.grammar import TemplateProblem
from services.notification.rendering import (
    LONGEST_BODY,
    LONGEST_SUBJECT,
    check_own,
    languages,
    render,
    variables_of,
    wanted_languages,
    write,
)


def own(body: str, subject: str = "News", kind: Kind = Kind.PRICE_FELL, language: str = "en") -> Template:
    return Template(kind, "", language, 1, subject, body)


def refused(template: Template) -> TemplateProblem | None:
    try:
        check_own(template)
    except TemplateProblem as wrong:
        return wrong
    return None


def problem(template: Template) -> TemplateProblem:
    wrong = refused(template)
    assert wrong is not None
    return wrong


def test_every_kind_has_examples() -> None:
    assert set(EXAMPLES) == set(Kind) - OWN_WORDS


@pytest.mark.parametrize("kind", EXAMPLES)
def test_built_in_words_keep_to_the_grammar_too(kind: Kind) -> None:
    for language in languages():
        path = files("services.notification") / "templates" / language / f"{kind.lower()}.txt"
        subject, _, body = path.read_text(encoding="utf-8").partition("\n\n")
        check_own(own(body, subject, kind, language))


def test_a_template_is_written_with_money_counts_and_the_members_own_way_of_numbers() -> None:
    template = own("Now {{ now|amount }}, {{ missing|plural(one='one more', other='# more') }}.", "{{ title }}!")
    check_own(template)
    words = write(template, PriceMoved(1, 3990, 3490, 2990, 1200, 3990), EXAMPLE_TEAM, "en-GB", "")
    assert words.subject == "Mangoes, 5 kg!"
    assert words.body == "Now €34.90, 1,200 more.\n"
    assert words.version == 1


ATTACKS = [
    "{{ 'a' * 10**8 }}",
    "{{ 'a' * 100000000 }}",
    "{{ 10 ** 1000000 }}",
    "{{ now * now }}",
    "{{ now + now }}",
    "{{ title ~ title }}",
    "{{ range(10**9)|list }}",
    "{% for i in range(10**9) %}{% endfor %}",
    "{% for a in title %}{% for b in title %}{% for c in title %}x{% endfor %}{% endfor %}{% endfor %}",
    "{% set ns = namespace(a=[]) %}{% endset %}",
    "{% set x = title %}{{ x }}",
    "{% macro again() %}{{ again() }}{% endmacro %}{{ again() }}",
    "{% include 'en/joined.txt' %}",
    "{% import 'x' as x %}",
    "{% extends 'x' %}",
    "{% block x %}{% endblock %}",
    "{% filter money %}1{% endfilter %}",
    "{% call x() %}{% endcall %}",
    "{% with %}{% endwith %}",
    "{% autoescape true %}{% endautoescape %}",
    "{% trans %}{% endtrans %}",
    "{{ ''.__class__.__mro__[1].__subclasses__() }}",
    "{{ title['__class__'] }}",
    "{{ title.__class__ }}",
    "{{ title|attr('__class__') }}",
    "{{ now.bit_length() }}",
    "{{ '%1000000000s' % title }}",
    "{{ '%s'|format(title) }}",
    "{{ '{0.__class__}'.format(title) }}",
    "{{ title|center(1000000000) }}",
    "{{ title|e }}",
    "{{ title|map('upper') }}",
    "{{ self._TemplateReference__context }}",
    "{{ self }}",
    "{{ cycler }}",
    "{{ lipsum() }}",
    "{{ lipsum.__globals__ }}",
    "{{ joiner() }}",
    "{{ dict(a=1) }}",
    "{{ loop }}",
    "{{ locale }}",
    "{{ time_zone }}",
    "{{ context }}",
    "{{ config }}",
    "{{ request }}",
    "{{ caller() }}",
    "{{ [title, title] }}",
    "{{ {'a': title} }}",
    "{{ (title, title) }}",
    "{{ title[0] }}",
    "{{ title is defined }}",
    "{{ title in title }}",
    "{{ 1.5 }}",
    "{{ 1e308 }}",
    "{{ " + "9" * 3000 + " }}",
    "{{ 0x" + "f" * 3000 + " }}",
    "{{ " + "(" * 1500 + "now" + ")" * 1500 + " }}",
    "{{ " + "-" * 3000 + "now }}",
    "{{ " + "not " * 900 + "now }}",
    "{% if " + " or ".join(["now"] * 500) + " %}x{% endif %}",
    "{% if now %}" * 180 + "x" + "{% endif %}" * 180,
    "{% if now %}x{% elif now %}" + "{% if now %}" * 20,
    "{{ " + "[" * 1900 + " }}",
    "{{ now|plural(**title) }}",
    "{{ now|plural(*title) }}",
    "{{ now|plural(other=title) }}",
    "{{ now|plural(other='a', other='b') }}",
    "{{ now|plural(context='a', other='b') }}",
    "{{ now|plural(one='a') }}",
    "{{ now|money(1) }}",
    "{{ now|money|money }}",
    "{{ title|money }}",
    "{{ now|time }}",
    "{{ ends_at }}",
    "{{ of_campaign }}",
    "{{ now < title }}",
    "{{ now if of_campaign }}",
    "{{ True }}",
    "{{ none }}",
    "{{ '\\N{BELL}' }}{{ nothing }}",
    "{{ {{ now }} }}",
    "{{{ now }}}",
    "{{ now",
    "{% if now %}",
    "{% endif %}",
    "{% raw %}",
    "{# open",
    "{{ now | }}",
    "{{ 'open }}",
    "{{ \u202e }}",
    "\x00",
    "a\x1b[31m",
    "x" * 4001,
    "{{ now }}" * 301,
    "{% if now < " + "now < " * 300 + "now %}x{% endif %}y",
]


@pytest.mark.parametrize("source", ATTACKS, ids=range(len(ATTACKS)))
def test_what_could_cost_or_reach_more_than_its_length_is_refused(source: str) -> None:
    wrong = problem(own(source))
    assert 1 <= wrong.position <= len(source) + 1
    assert wrong.problem.startswith(("in the body, ", "with example facts: "))
    assert "\n" not in wrong.problem


@pytest.mark.parametrize(
    ("source", "at", "said"),
    [
        ("Now {{ nwo }}", "nwo", "did you mean now?"),
        ("{{ now|money }}{{ title }}\n{{ now|mony }}", "mony", "there are money, amount, time, plural"),
        ("{{ now|money }} {{ now|money }} {% for x in y %}{% endfor %}", "{% for", "if, elif, else and endif"),
        ("{{ now|money }} {{ now now }}", "{{ now now", "expected"),
        ("{{ title.upper() }} {{ seller.upper() }}", "{{ title", "call is not allowed"),
        ("a {{ now|money }} {{ ends_at }}", "ends_at", "|time"),
        ("{# {{ nothing }} #} {{ nothing }}", "nothing", "there is no variable nothing"),
        ("Hello\r", "\r", "control character"),
    ],
)
def test_an_error_says_where_it_is_and_how_to_mend_it(source: str, at: str, said: str) -> None:
    wrong = problem(own(source))
    assert said in wrong.problem
    places = [place + 1 for place in range(len(source)) if source.startswith(at, place)]
    assert wrong.position in places


def test_an_error_in_the_subject_says_so() -> None:
    assert problem(own("Fine.", "{{ nothing }}")).problem.startswith("in the subject, there is no variable nothing")


def test_what_may_be_missing_has_to_be_asked_for() -> None:
    wrong = problem(own("By {{ pay_by|time }}", kind=Kind.FORMED))
    assert "pay_by may be missing" in wrong.problem
    for asked in (
        "{% if pay_by %}By {{ pay_by|time }}{% endif %}",
        "{{ 'By ' if due }}{% if due and pay_by %}x{% endif %}",
    ):
        check_own(own(f"Formed. {asked}", kind=Kind.FORMED))


def test_what_comes_out_empty_or_too_long_is_refused() -> None:
    assert "empty" in problem(own("{% if of_campaign %}x{% endif %}")).problem
    assert f"more than {LONGEST_SUBJECT}" in problem(own("x", "{{ title }}" * 40)).problem
    forms = "{{ now|plural(other='" + "#" * 1500 + "') }}"
    assert f"more than {LONGEST_BODY}" in problem(own(forms)).problem


def test_a_template_that_fails_later_gives_way_to_built_in_words() -> None:
    facts = EXAMPLES[Kind.PRICE_FELL][0]
    long = replace(EXAMPLE_TEAM, texts=(Text("en", "x" * 200),))
    template = own("x", "{{ title }} {{ title }}")
    check_own(template)
    words = render(Kind.PRICE_FELL, facts, long, "en", "", template)
    assert (words.version, words.subject) == (0, f"The price fell: {'x' * 200}")
    stale = own("{{ left_out_by_a_later_version }}")
    for facts in EXAMPLES[Kind.PRICE_FELL]:
        assert render(Kind.PRICE_FELL, facts, EXAMPLE_TEAM, "en", "", stale).version == 0


def test_a_stored_template_that_cannot_be_used_is_read_once(monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[str] = []
    checked = grammar.check

    def counted(environment: Environment, source: str, variables: grammar.Types, most: int) -> None:
        read.append(source)
        checked(environment, source, variables, most)

    monkeypatch.setattr(rendering, "check", counted)
    stale = own("{{ not_there_any_more }}", "Once")
    for cap in range(4000, 4010):
        render(Kind.PRICE_FELL, PriceMoved(1, 3990, 3490, 2990, 1, cap), EXAMPLE_TEAM, "en", "", stale)
    assert read == ["Once", "{{ not_there_any_more }}"]


def test_a_title_with_a_template_in_it_is_text() -> None:
    team = replace(EXAMPLE_TEAM, texts=(Text("en", "{{ 7*7 }}{% for %}"),))
    assert write(own("{{ title }}"), EXAMPLES[Kind.PRICE_FELL][0], team, "en", "").body == "{{ 7*7 }}{% for %}\n"


PARTS = st.sampled_from(
    [
        *(
            "{{",
            "}}",
            "{%",
            "%}",
            "{#",
            "#}",
            "{",
            "}",
            "%",
            "-",
            "+",
            "\n",
            " ",
            "\t",
            "'",
            '"',
            "\\",
            "(",
            ")",
            "[",
            "]",
        ),
        *(
            "if",
            "elif",
            "else",
            "endif",
            "for",
            "in",
            "endfor",
            "set",
            "raw",
            "endraw",
            "and",
            "or",
            "not",
            "is",
            "block",
        ),
        *(
            "now",
            "title",
            "ends_at",
            "of_campaign",
            "missing",
            "self",
            "range",
            "loop",
            "none",
            "true",
            "0",
            "1",
            "9999999",
        ),
        *(
            "|money",
            "|amount",
            "|time",
            "|plural",
            "(other='#')",
            "other=",
            "|attr",
            ".__class__",
            "*",
            "**",
            "~",
            "==",
            "<",
        ),
        *("芒果", "\u202e", "é", ",", ":", ";", "#"),
    ]
)
TAGS = st.lists(PARTS, max_size=6).map(" ".join)
SOURCES = st.lists(
    st.one_of(st.text(max_size=10), PARTS, TAGS.map("{{{{ {} }}}}".format), TAGS.map("{{% {} %}}".format)), max_size=12
).map("".join)


@given(SOURCES)
def test_any_source_is_refused_with_a_place_or_is_written_within_bounds(source: str) -> None:
    template = own(source)
    if wrong := refused(template):
        assert 1 <= wrong.position <= len(source) + 1
        return
    for facts in EXAMPLES[Kind.PRICE_FELL]:
        words = write(template, facts, EXAMPLE_TEAM, "en", "")
        assert len(words.body) <= LONGEST_BODY + 1


NAMES = st.sampled_from(sorted(variables_of(Kind.FORMED)))
SIMPLE = st.one_of(NAMES, st.integers(-99, 99).map(str), st.sampled_from(["'a'", "true"]))


def grown(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return st.one_of(
        st.tuples(inner, st.sampled_from(["==", "<", "and", "or", "!="]), inner).map(" ".join),
        inner.map("not {}".format),
        inner.map("-({})".format),
        st.tuples(inner, inner, inner).map(lambda parts: "({} if {} else {})".format(*parts)),
        st.tuples(inner, st.sampled_from(["money", "amount", "time", "plural(one='a', other='# b')"])).map(
            lambda parts: "({})|{}".format(*parts)
        ),
    )


@given(st.recursive(SIMPLE, grown, max_leaves=6))
def test_whatever_is_allowed_can_be_written_with_every_example(expression: str) -> None:
    template = own(f"x{{% if {expression} %}}a{{% endif %}}{{{{ {expression} }}}}", kind=Kind.FORMED)
    if refused(template):
        return
    for facts in EXAMPLES[Kind.FORMED]:
        assert write(template, facts, EXAMPLE_TEAM, "zh", "").body.startswith("x")


@pytest.mark.parametrize(
    ("wanted", "looked_for"),
    [
        ("zh-Hant-TW", ("zh-Hant-TW", "zh-Hant", "zh", "zh-Hans")),
        ("zh-CN", ("zh-CN", "zh-Hans", "zh")),
        ("ZH-hans-cn", ("zh-Hans-CN", "zh-Hans", "zh")),
        ("en", ("en",)),
        ("es-419", ("es-419", "es")),
        ("de-AT", ("de-AT", "de", "en")),
        ("tlh", ("tlh", "en")),
        ("de-x-shop", ("de-x-shop", "de", "en")),
    ],
)
def test_languages_fall_back_to_their_parents_and_then_to_the_built_in_one(
    wanted: str, looked_for: tuple[str, ...]
) -> None:
    assert wanted_languages(wanted) == looked_for


def templates(*rows: tuple[str, str]) -> dict[tuple[Kind, str, str], Template]:
    return {(Kind.LEFT, *row): Template(Kind.LEFT, *row, 1, "s", "b") for row in rows}


@pytest.mark.parametrize(
    ("there", "chosen"),
    [
        ([("email", "zh-Hant"), ("", "zh-Hant"), ("email", "zh")], ("email", "zh-Hant")),
        ([("", "zh-Hant"), ("email", "zh")], ("", "zh-Hant")),
        ([("chat", "zh-Hant"), ("email", "zh")], ("email", "zh")),
        ([("chat", "zh-Hant"), ("", "en")], None),
        ([], None),
    ],
)
def test_the_channels_own_comes_before_that_of_all_and_both_before_the_next_language(
    there: list[tuple[str, str]], chosen: tuple[str, str] | None
) -> None:
    found = choose(templates(*there), Kind.LEFT, "email", wanted_languages("zh-Hant-TW"))
    assert (found and (found.channel, found.language)) == chosen
    assert choose(templates(*there), Kind.JOINED, "email", wanted_languages("zh-Hant-TW")) is None


@pytest.mark.parametrize(("given_", "usual"), [("ZH-HANT-tw", "zh-Hant-TW"), ("EN-us-X-abcd-EF", "en-US-x-abcd-ef")])
def test_tags_are_written_in_their_usual_case(given_: str, usual: str) -> None:
    assert usual_case(given_) == usual

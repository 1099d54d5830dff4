"""One page reads once; whatever writes never reads what was kept."""

import pytest

from costs.reading import one_reading, read_once
from costs.scope import Scope
from costs.selectors import active_imports
from tests.tagging.builders import OCTOBER, Spend, month


def test_a_question_is_read_once_within_a_reading_and_afresh_outside() -> None:
    answers = iter(range(10))

    def ask(key: str) -> int:
        return read_once(key, lambda: next(answers))

    assert (ask("a"), ask("a")) == (0, 1)
    with one_reading():
        assert (ask("a"), ask("b"), ask("a"), ask("b")) == (2, 3, 2, 3)
    assert ask("a") == 4


def test_readings_are_apart_and_end_with_an_error() -> None:
    with one_reading():
        assert read_once("a", lambda: 1) == 1
        with one_reading():
            assert read_once("a", lambda: 2) == 2
        assert read_once("a", lambda: 3) == 1
    with pytest.raises(ZeroDivisionError), one_reading():
        assert read_once("a", lambda: 4) / 0
    assert read_once("a", lambda: 5) == 5


@pytest.mark.django_db
def test_a_page_answers_from_the_imports_it_started_with() -> None:
    month([Spend("1")], period=OCTOBER)
    with one_reading():
        before = active_imports(Scope.all())
        month([Spend("2")])
        assert active_imports(Scope.all()) == before
    assert len(active_imports(Scope.all())) == 2

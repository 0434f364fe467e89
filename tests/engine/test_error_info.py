"""Exceptions as data: bounded, with the user's frames told from all others."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable

import msgspec
import pytest
from hypothesis import given, strategies as st

from headwater.engine.error_info import (
    MAX_CAUSES,
    MAX_FRAMES,
    MAX_MESSAGE_BYTES,
    error_info_from,
    format_error,
    is_user_code,
)
from headwater.model.errors.types import TypeCheckDidNotPass
from headwater.model.events import ErrorInfo


def info_of(function: Callable[[], object]) -> ErrorInfo:
    try:
        function()
    except BaseException as error:
        return error_info_from(error)
    raise AssertionError("nothing was raised")


def fails() -> None:
    raise ValueError("no such table")


def fails_for_a_reason() -> None:
    try:
        fails()
    except ValueError as error:
        raise RuntimeError("could not load") from error


def test_frames_are_outermost_first_with_their_source():
    info = info_of(fails)
    assert (info.class_name, info.message, info.cause, info.code) == ("ValueError", "no such table", None, None)
    assert [frame.function for frame in info.frames] == ["info_of", "fails"]
    assert info.frames[-1].source == 'raise ValueError("no such table")'
    assert info.frames[-1].path == __file__
    assert all(frame.is_user_code for frame in info.frames)


def test_frames_of_libraries_and_of_headwater_are_not_the_users():
    info = info_of(lambda: json.loads("{"))
    assert [frame.is_user_code for frame in info.frames] == [True, True, False, False, False]
    pydantic = pytest.importorskip("pydantic")
    import headwater.model.keys as ours

    assert not is_user_code(pydantic.__file__)
    assert not is_user_code(ours.__file__)
    assert not is_user_code("<frozen importlib._bootstrap>")
    assert is_user_code("<stdin>")
    assert is_user_code("/home/ada/project/assets.py")


def test_the_cause_is_what_it_was_raised_from():
    info = info_of(fails_for_a_reason)
    assert info.message == "could not load"
    assert info.cause is not None
    assert (info.cause.class_name, info.cause.message) == ("ValueError", "no such table")
    assert info.root is info.cause


def test_what_was_being_handled_is_the_cause_unless_it_is_suppressed():
    def while_handling() -> None:
        try:
            fails()
        except ValueError:
            _ = {}["missing"]

    def suppressing() -> None:
        try:
            fails()
        except ValueError:
            raise RuntimeError("clean") from None

    cause = info_of(while_handling).cause
    assert cause is not None
    assert cause.message == "no such table"
    assert info_of(suppressing).cause is None


def test_errors_of_headwater_carry_their_code():
    def wrong_type() -> None:
        raise TypeCheckDidNotPass('asset "orders"', "output", "result", "int", "str")

    info = info_of(wrong_type)
    assert info.code == "wrong-type"
    assert info.message.startswith('Output "result" of asset "orders" is a str')


def test_the_members_of_a_group_are_listed_and_the_first_shows_its_frames():
    def group() -> None:
        errors: list[Exception] = []
        try:
            fails()
        except ValueError as error:
            errors.append(error)
        errors.append(ExceptionGroup("inner", [KeyError("x")]))
        raise ExceptionGroup("two things", errors)

    info = info_of(group)
    assert "1. ValueError: no such table" in info.message
    assert "2. ExceptionGroup: inner" in info.message
    assert "     1. KeyError: 'x'" in info.message
    assert info.cause is not None
    assert info.cause.frames[-1].function == "fails"
    many = info_of(lambda: (_ for _ in ()).throw(ExceptionGroup("many", [ValueError(n) for n in range(50)])))
    assert "... and 30 more" in many.message


def test_notes_belong_to_the_message():
    def noted() -> None:
        error = ValueError("plain")
        error.add_note("while reading row 5")
        raise error

    assert info_of(noted).message == "plain\nwhile reading row 5"


def test_a_runaway_recursion_keeps_its_two_ends():
    def deeper(depth: int) -> int:
        return deeper(depth + 1) + 1

    info = info_of(lambda: deeper(0))
    assert info.class_name == "RecursionError"
    assert len(info.frames) == MAX_FRAMES
    assert info.frames[0].function == "info_of"
    assert info.frames[-1].function == "deeper"
    assert "frames left out" in format_error(info)


@pytest.mark.parametrize("message", ["x" * 10_000_000, "ü" * 100_000, "🦆" * 50_000, "\ud800" * 50_000])
def test_a_gigantic_message_keeps_its_two_ends(message):
    def gigantic() -> None:
        raise ValueError("first " + message + " last")

    info = info_of(gigantic)
    assert len(info.message.encode()) <= MAX_MESSAGE_BYTES
    assert info.message.startswith("first ")
    assert info.message.endswith(" last")
    assert "characters left out" in info.message


def test_a_message_that_cannot_be_read_says_so():
    class Mute(Exception):
        def __str__(self) -> str:
            raise KeyError("no")

    def mute() -> None:
        raise Mute

    assert info_of(mute).message == "(its message could not be read: __str__ raised KeyError)"


def test_a_circle_of_causes_and_a_long_chain_end():
    first, second = ValueError("first"), ValueError("second")
    first.__cause__, second.__cause__ = second, first
    info = error_info_from(first)
    assert info.cause is not None
    assert info.cause.cause is None
    chain: BaseException | None = None
    for number in range(1_000):
        error = ValueError(number)
        error.__cause__ = chain
        chain = error
    assert chain is not None
    count, current = 0, error_info_from(chain)
    while current.cause is not None:
        count, current = count + 1, current.cause
    assert count == MAX_CAUSES - 1


def test_text_is_trimmed_to_the_users_frames_with_the_rest_on_demand():
    info = info_of(lambda: json.loads("{"))
    short, full = format_error(info), format_error(info, full=True)
    assert short.startswith("JSONDecodeError: Expecting property name")
    assert "decoder.py" not in short
    assert 'File "' + __file__ in short
    assert short.endswith("(3 frames of Headwater and libraries not shown.)")
    assert "decoder.py" in full
    assert "not shown" not in full


def test_text_names_each_cause():
    text = format_error(info_of(fails_for_a_reason))
    assert text.startswith("RuntimeError: could not load\n")
    assert "\nCaused by ValueError: no such table\n" in text
    assert text.index("fails_for_a_reason") < text.index("Caused by")


def test_an_error_that_was_never_raised_has_no_frames():
    info = error_info_from(KeyboardInterrupt())
    assert (info.frames, format_error(info)) == ((), "KeyboardInterrupt")


@given(st.text(st.characters()))
def test_any_error_can_be_stored_and_read_back(message):
    def with_message() -> None:
        raise ValueError(message)

    info = info_of(with_message)
    assert msgspec.json.decode(msgspec.json.encode(info), type=ErrorInfo) == info


def test_describing_an_error_is_cheap():
    try:
        fails_for_a_reason()
    except RuntimeError as caught:
        error = caught
    error_info_from(error)
    fastest = min(_seconds(lambda: error_info_from(error)) for _ in range(50))
    assert fastest < 0.002, f"{fastest * 1e6:.0f} µs on {sys.platform}"


def _seconds(function: Callable[[], object]) -> float:
    started = time.process_time()
    function()
    return time.process_time() - started

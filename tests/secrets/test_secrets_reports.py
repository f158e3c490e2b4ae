"""What pytest keeps and plugins are handed is masked in place, by the functions that the hooks call."""

from __future__ import annotations

import logging
import sys
import threading
import traceback
import types
from collections import OrderedDict, namedtuple
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import pytest
from _pytest._code.code import ReprFileLocation

from pytest_adyen_creds.compat.pytest import change_parameters, change_sections
from pytest_adyen_creds.secrets import MASK, SECRETS, SecretRegistry
from pytest_adyen_creds.secrets.masking import (
    mask_call,
    mask_error,
    mask_excepthooks,
    mask_exception,
    mask_report,
    mask_session_finish,
    mask_warning,
    masked_records,
    plain,
)

KEY = "AQEcanary0002/TestsOnly+aVeryLongOne="


@pytest.fixture(autouse=True)
def known(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in vars(SecretRegistry()).items():
        monkeypatch.setattr(SECRETS, name, value)
    SECRETS.add(KEY)


class Shown:
    """An object that is no plain data; it shows a secret."""

    def __str__(self) -> str:
        return f"str {KEY}"

    def __repr__(self) -> str:
        return f"repr {KEY}"


def report(longrepr: Any = None, **more: Any) -> pytest.TestReport:
    return pytest.TestReport("a.py::test", ("a.py", 1, "test"), {}, "failed", longrepr, "call", **more)


def failure(error: BaseException | None = None, **options: Any) -> Any:
    try:
        held = {"key": KEY}
        raise error or ValueError(f"told {held['key']}")
    except BaseException:  # noqa: BLE001 - of any kind
        return pytest.ExceptionInfo.from_current().getrepr(**options)


def located(message: Any) -> ReprFileLocation:
    return ReprFileLocation("a.py", 1, message)


class TestReports:
    @pytest.mark.parametrize("style", ["long", "short", "line", "native", "value", "no"])
    @pytest.mark.parametrize("showlocals", [True, False])
    def test_tracebacks_are_masked_and_stay_what_they_are(self, style: Any, showlocals: bool) -> None:
        longrepr = failure(style=style, showlocals=showlocals, chain=True)
        made = report(longrepr)
        assert KEY in str(longrepr) or style == "no"
        mask_report(made)
        assert made.longrepr is longrepr
        assert KEY not in made.longreprtext
        assert MASK in made.longreprtext or style == "no"
        assert longrepr.reprcrash.message == f"ValueError: told {MASK}"

    def test_a_cause_is_masked_too(self) -> None:
        error = KeyError("plain")
        error.__cause__ = ValueError(KEY)
        made = report(failure(error, chain=True))
        assert KEY in made.longreprtext
        mask_report(made)
        assert KEY not in made.longreprtext

    def test_a_key_over_several_lines_is_one(self) -> None:
        longrepr = failure(style="short")
        longrepr.chain[0][0].reprentries[0].lines[:] = ["plain text", KEY[:9], KEY[9:], "plain"]
        mask_report(report(longrepr))
        assert longrepr.chain[0][0].reprentries[0].lines == ["plain text", MASK, "plain"]

    def test_the_ends_of_lines_stay(self) -> None:
        longrepr = failure(style="native")
        longrepr.reprtraceback.reprentries[0].lines[:] = ["plain\n", f"{KEY[:9]}\n", f"{KEY[9:]}\n", "plain"]
        mask_report(report(longrepr))
        assert longrepr.reprtraceback.reprentries[0].lines == ["plain\n", f"{MASK}\n", "plain"]

    def test_lines_without_a_secret_stay_as_they_are(self) -> None:
        longrepr = failure(style="short")
        lines = ["a\nb", "", "c"]
        longrepr.chain[0][0].reprentries[0].lines[:] = lines
        mask_report(report(longrepr))
        assert longrepr.chain[0][0].reprentries[0].lines == lines

    @pytest.mark.parametrize(
        ("longrepr", "masked"),
        [
            (f"text {KEY}", f"text {MASK}"),
            (("a.py", 3, f"Skipped: {KEY}"), ("a.py", 3, f"Skipped: {MASK}")),
            (["a", [KEY, 1], None, (KEY,)], ["a", [MASK, 1], None, (MASK,)]),
            (None, None),
            (7, 7),
        ],
    )
    def test_texts_are_masked(self, longrepr: Any, masked: Any) -> None:
        made = report(longrepr)
        mask_report(made)
        assert made.longrepr == masked

    @pytest.mark.parametrize("within", [lambda held: [held, 1], lambda held: (held, 1), located])
    def test_what_lies_deep_is_masked(self, within: Any) -> None:
        def deep(within: Any) -> tuple[Any, list[Any]]:
            held = innermost = [KEY, 1]
            for _ in range(12):
                held = within(held)
            return held, innermost

        excrepr, innermost = deep(within)
        mask_exception(excrepr)
        assert innermost == [MASK, 1]
        made = report()
        (made.longrepr, first), (made.sections, second) = deep(lambda held: (held, 1)), deep(lambda held: [held])
        mask_report(made)
        assert first == second == [MASK, 1]

    @pytest.mark.parametrize("within", [lambda held: [held, 1], lambda held: (held, 1), located])
    def test_what_holds_itself_ends(self, within: Any) -> None:
        held: list[Any] = [KEY, 1]
        held.append(within(held))
        mask_exception(held)
        assert held[:2] == [MASK, 1]

    def test_a_plugins_own_traceback_is_its_text_where_that_shows_a_secret(self) -> None:
        class Own:
            def __init__(self, text: str) -> None:
                self.text = text

            def toterminal(self, out: Any) -> None:
                out.line(self.text)

        shows, shows_not = report(Own(f"own {KEY}")), report(Own("own"))
        whole = shows_not.longrepr
        for made in (shows, shows_not):
            mask_report(made)
        assert str(shows.longrepr) == f"own {MASK}"
        assert shows_not.longrepr is whole

    def test_all_else_is_masked(self) -> None:
        made = report(
            sections=[("Captured stdout call", f"out {KEY}"), (f"own {KEY}", "plain")],
            user_properties=[(f"name {KEY}", KEY), ("object", Shown()), ("data", [KEY]), ("number", 7)],
            extras={"key": [KEY]},
            shown=Shown(),
        )
        made.keywords = {f"word {KEY}": [KEY], "plain": 1}
        mask_report(made)
        assert made.sections == [("Captured stdout call", f"out {MASK}"), (f"own {MASK}", "plain")]
        assert made.user_properties == [
            (f"name {MASK}", MASK),
            ("object", f"str {MASK}"),
            ("data", [MASK]),
            ("number", 7),
        ]
        assert made.keywords == {f"word {MASK}": [MASK], "plain": 1}
        assert made.extras == {"key": [MASK]}
        assert isinstance(made.shown, Shown)
        assert (made.nodeid, made.outcome, made.when) == ("a.py::test", "failed", "call")

    def test_what_pytest_gave_it_stays(self) -> None:
        made = report(nodeid_of_another=KEY)
        own = dict.fromkeys(
            ("nodeid", "location", "outcome", "when", "duration", "start", "stop", "result", "call"), KEY
        )
        vars(made).update(own)
        mask_report(made)
        assert {name: vars(made)[name] for name in own} == own
        assert made.nodeid_of_another == MASK

    def test_a_report_of_collection_has_less(self) -> None:
        made = pytest.CollectReport("a.py", "failed", f"text {KEY}", None, [("out", KEY)])
        mask_report(made)
        assert (made.longrepr, made.sections) == (f"text {MASK}", [("out", MASK)])

    def test_a_subtests_message_and_parameters(self) -> None:
        @dataclass(frozen=True)
        class Context:
            msg: Any
            kwargs: dict[str, Any]

        made = report(context=Context(f"message {KEY}", {"key": [KEY], "object": Shown(), "number": 7}))
        mask_report(made)
        assert made.context.msg == f"message {MASK}"
        assert made.context.kwargs == {"key": f"['{MASK}']", "object": f"repr {MASK}", "number": 7}

    def test_an_exception_that_ends_the_run(self) -> None:
        excrepr = failure()
        mask_exception(excrepr)
        assert KEY not in str(excrepr)
        assert MASK in str(excrepr)


Pair = namedtuple("Pair", "one other")


class TestPlainData:
    @pytest.mark.parametrize(
        ("value", "masked"),
        [
            (KEY, MASK),
            ([KEY, 1, None], [MASK, 1, None]),
            ((KEY, [KEY]), (MASK, [MASK])),
            ({KEY: {"a": (KEY,)}, ("b", KEY): 2}, {MASK: {"a": (MASK,)}, ("b", MASK): 2}),
            (Pair(KEY, 1), f"Pair(one='{MASK}', other=1)"),
            ({KEY}, f"{{'{MASK}'}}"),
            (frozenset({KEY}), f"frozenset({{'{MASK}'}})"),
            (KEY.encode(), f"b'{MASK}'"),
            (bytearray(KEY.encode()), f"bytearray(b'{MASK}')"),
            (types.MappingProxyType({"a": KEY}), types.MappingProxyType({"a": KEY})),
        ],
        ids=lambda value: type(value).__name__,
    )
    def test_is_masked_anew(self, value: Any, masked: Any) -> None:
        before = repr(value)
        assert plain(value) == masked
        assert type(plain(value)) is type(masked)
        assert repr(value) == before

    @pytest.mark.parametrize(
        "value",
        ["text", 7, None, ["a", 1], ("a",), {"a": ["b"]}, Pair("a", 1), {"a"}, b"a", bytearray(b"a"), Shown(), [], {}],
        ids=lambda value: type(value).__name__,
    )
    def test_without_a_secret_is_the_same_object(self, value: Any) -> None:
        assert plain(value) is value

    @pytest.mark.parametrize("within", [lambda held: [held], lambda held: (held,), lambda held: {0: held}])
    def test_is_a_text_where_it_lies_too_deep(self, within: Any) -> None:
        value, masked = within(KEY), repr(within(MASK))
        for _ in range(13):
            value, masked = within(value), within(masked)
        assert plain(value) == masked
        assert plain(value[0]) != masked[0]

    def test_and_so_is_a_name(self) -> None:
        name, masked, text = (KEY,), (MASK,), repr((MASK,))
        for _ in range(11):
            name, masked, text = (name,), (masked,), (text,)  # type: ignore[assignment]
        assert plain({name: 0}) == {masked: 0}
        assert plain({(name,): 0}) == {(text,): 0}


def test_warnings_keep_their_kind_and_lose_the_secret() -> None:
    shows = types.SimpleNamespace(message=UserWarning(f"warned {KEY}"), category=UserWarning)
    shows_not = types.SimpleNamespace(message=UserWarning("warned"), category=UserWarning)
    for warning in (shows, shows_not):
        mask_warning(warning)
    assert (shows.message, shows.category) == (f"warned {MASK}", UserWarning)
    assert isinstance(shows_not.message, UserWarning)


def test_what_pytest_keeps_until_a_run_ends() -> None:
    @dataclass
    class Junit:
        global_properties: list[Any] = field(default_factory=lambda: [("suite", f"x {KEY}")])
        node_reporters_ordered: list[Any] = field(
            default_factory=lambda: [types.SimpleNamespace(attrs={"a": f"y {KEY}"})]
        )
        add_global_property = None

    junit, memo = Junit(), failure()
    plugins = [object(), types.SimpleNamespace(_keyboardinterrupt_memo=memo), junit]
    mask_session_finish(types.SimpleNamespace(pluginmanager=types.SimpleNamespace(get_plugins=lambda: plugins)))  # type: ignore[arg-type]
    assert KEY not in str(memo)
    assert junit.global_properties == [("suite", f"x {MASK}")]
    assert junit.node_reporters_ordered[0].attrs == {"a": f"y {MASK}"}


class TestHooks:
    @pytest.fixture(autouse=True)
    def passed_on(self, monkeypatch: pytest.MonkeyPatch) -> list[Any]:
        passed_on: list[Any] = []
        for module, name in ((sys, "excepthook"), (threading, "excepthook"), (sys, "unraisablehook")):
            monkeypatch.setattr(module, name, lambda *given: passed_on.append(given))
        mask_excepthooks()
        return passed_on

    def said_of(self, text: str, **more: Any) -> Any:
        error = ValueError(text)
        return types.SimpleNamespace(exc_type=ValueError, exc_value=error, exc_traceback=None, **more)

    def test_mask_what_ends_a_process(self, capsys: pytest.CaptureFixture[str], passed_on: list[Any]) -> None:
        sys.excepthook(ValueError, ValueError(f"told {KEY}"), None)
        assert capsys.readouterr() == ("", f"ValueError: told {MASK}\n")
        assert passed_on == []

    def test_mask_what_ends_a_thread(self, capsys: pytest.CaptureFixture[str], passed_on: list[Any]) -> None:
        threading.excepthook(self.said_of(KEY, thread=threading.Thread(name=f"thread {KEY}")))
        threading.excepthook(self.said_of(KEY, thread=None))
        assert capsys.readouterr().err == (
            f"Exception in thread thread {MASK}:\nValueError: {MASK}\n"
            f"Exception in thread unknown:\nValueError: {MASK}\n"
        )
        assert passed_on == []

    def test_mask_what_cannot_be_raised(self, capsys: pytest.CaptureFixture[str], passed_on: list[Any]) -> None:
        sys.unraisablehook(self.said_of("told", err_msg=None, object=Shown()))
        sys.unraisablehook(self.said_of(KEY, err_msg="While deleting", object=7))
        assert capsys.readouterr().err == (
            f"Exception ignored in: repr {MASK}\nValueError: told\nWhile deleting: 7\nValueError: {MASK}\n"
        )
        assert passed_on == []

    def test_show_where_it_came_from(self, capsys: pytest.CaptureFixture[str]) -> None:
        try:
            raise ValueError(KEY)
        except ValueError as error:
            shown = "".join(traceback.format_exception(error)).replace(KEY, MASK)
            hooked = {"exc_type": ValueError, "exc_value": error, "exc_traceback": error.__traceback__}
            sys.excepthook(ValueError, error, error.__traceback__)
        threading.excepthook(types.SimpleNamespace(thread=None, **hooked))  # type: ignore[arg-type]
        sys.unraisablehook(types.SimpleNamespace(err_msg="x", object=7, **hooked))  # type: ignore[arg-type]
        assert "raise ValueError(KEY)" in shown
        assert capsys.readouterr().err == f"{shown}Exception in thread unknown:\n{shown}x: 7\n{shown}"

    def test_pass_all_else_on(self, capsys: pytest.CaptureFixture[str], passed_on: list[Any]) -> None:
        error, in_thread = ValueError("told"), self.said_of("told", thread=None)
        unraisable = self.said_of("told", err_msg=None, object=None)
        sys.excepthook(ValueError, error, None)
        threading.excepthook(in_thread)
        sys.unraisablehook(unraisable)
        assert passed_on == [(ValueError, error, None), (in_thread,), (unraisable,)]
        assert capsys.readouterr().err == ""

    def test_say_nothing_where_nobody_listens(self, monkeypatch: pytest.MonkeyPatch, passed_on: list[Any]) -> None:
        monkeypatch.setattr(sys, "stderr", None)
        sys.excepthook(ValueError, ValueError(KEY), None)
        assert passed_on == []

    def test_may_have_been_of_no_module(self, monkeypatch: pytest.MonkeyPatch) -> None:
        before = "plain".__eq__
        assert not hasattr(before, "__module__")
        monkeypatch.setattr(sys, "excepthook", before)
        mask_excepthooks()
        assert sys.excepthook is not before

    def test_are_put_in_once(self) -> None:
        hooks = sys.excepthook, threading.excepthook, sys.unraisablehook
        mask_excepthooks()
        assert (sys.excepthook, threading.excepthook, sys.unraisablehook) == hooks


class TestErrors:
    def call(self, error: BaseException) -> pytest.CallInfo[None]:
        def fails() -> None:
            raise error

        return pytest.CallInfo.from_call(fails, "call")

    def test_a_phase_that_failed(self) -> None:
        call = self.call(Unmasked())
        mask_call(call)
        assert call.excinfo is not None
        assert isinstance(call.excinfo.value, Unmasked)
        assert str(call.excinfo.value) == f"told {MASK}"
        assert call.excinfo.traceback[-1].name == "fails"

    def test_a_phase_that_failed_without_a_secret(self) -> None:
        call = self.call(ValueError("plain"))
        before = call.excinfo
        mask_call(call)
        assert call.excinfo is before

    def test_a_phase_that_passed(self) -> None:
        call = pytest.CallInfo.from_call(lambda: 7, "call")
        mask_call(call)
        assert (call.excinfo, call.result) == (None, 7)

    @pytest.mark.parametrize("suppressed", [True, False])
    def test_keep_what_led_to_them(self, suppressed: bool) -> None:
        error, cause, context = Unmasked(), Unmasked(), Unmasked()
        error.__cause__, error.__context__ = cause, context
        error.__suppress_context__ = suppressed
        masked = mask_error(error)
        assert masked is not error
        for linked, before in ((masked.__cause__, cause), (masked.__context__, context)):
            assert linked is not before
            assert isinstance(linked, Unmasked)
            assert str(linked) == f"told {MASK}"
        assert masked.__suppress_context__ is suppressed

    @pytest.mark.parametrize("suppressed", [True, False])
    def test_keep_it_where_they_show_none_themselves(self, suppressed: bool) -> None:
        error = ValueError("plain")
        error.__cause__ = Unmasked()
        error.__suppress_context__ = suppressed
        assert mask_error(error) is error
        assert str(error.__cause__) == f"told {MASK}"
        assert error.__suppress_context__ is suppressed

    def test_that_are_the_same_stay_the_same(self) -> None:
        shared = Unmasked()
        group = ExceptionGroup("several", [shared, shared, ValueError("plain")])
        masked = mask_error(group)
        assert isinstance(masked, ExceptionGroup)
        first, second, third = masked.exceptions
        assert first is second
        assert third is group.exceptions[2]
        assert (masked.message, str(first)) == ("several", f"told {MASK}")
        assert type(masked).__module__ == "builtins"
        assert type(masked).__qualname__ == "ExceptionGroup"

    def test_a_groups_message(self) -> None:
        member = ValueError("plain")
        masked = mask_error(ExceptionGroup(f"several {KEY}", [member]))
        assert isinstance(masked, ExceptionGroup)
        assert (masked.message, masked.exceptions) == (f"several {MASK}", (member,))
        assert repr(masked) == f"ExceptionGroup('several {MASK}', [ValueError('plain')])"

    def test_what_they_hold_is_kept(self) -> None:
        error = Unmasked()
        error.number, error.key = 7, KEY
        masked = mask_error(error)
        assert vars(masked) == {"number": 7, "key": MASK}
        assert masked.args == ("told",)
        assert (type(masked).__name__, type(masked).__module__) == ("Unmasked", __name__)

    def test_a_long_chain_ends(self) -> None:
        errors = [Unmasked() for _ in range(150)]
        for error, cause in pairwise(errors):
            error.__cause__ = cause
        masked = mask_error(errors[0])
        shown = []
        while masked is not None:
            shown.append(str(masked))
            masked = masked.__cause__  # type: ignore[assignment]
        assert (len(shown), shown.count(f"told {MASK}"), shown.count(f"told {KEY}")) == (150, 101, 49)

    def test_what_a_class_computes_is_left_to_it(self) -> None:
        class Computed(Exception):
            filename = property(lambda self: KEY)

            def __str__(self) -> str:
                return self.filename

        masked = mask_error(Computed("plain"))
        assert (str(masked), masked.args) == (MASK, ("plain",))
        assert type(masked).__qualname__ == Computed.__qualname__

    def test_that_show_it_in_their_repr_only(self) -> None:
        class Represented(Exception):
            def __repr__(self) -> str:
                return f"repr {KEY}"

        masked = mask_error(Represented("plain"))
        assert (str(masked), repr(masked)) == ("plain", f"repr {MASK}")

    def test_that_hold_it_in_a_slot(self) -> None:
        class Slotted(Exception):
            __slots__ = ("key",)

        error = Slotted("plain")
        error.key = KEY
        assert mask_error(error) is error
        assert error.key == MASK

    @pytest.mark.parametrize("kind", [ValueError, ExceptionGroup])
    def test_say_what_they_said_where_they_cannot_any_more(self, kind: type[Exception]) -> None:
        class Told(kind):  # type: ignore[misc, valid-type]
            def __str__(self) -> str:
                return f"told of {self.held['whole']}"

            def __repr__(self) -> str:
                return f"Told({self.held['whole']})"

        error = Told(f"several {KEY}", [ValueError("plain")])
        error.held = OrderedDict(whole=KEY)
        masked = mask_error(error)
        assert isinstance(masked.held, str)  # type: ignore[attr-defined]
        assert (str(masked), repr(masked)) == (f"told of {MASK}", f"Told({MASK})")

    def test_say_what_has_become_of_them(self) -> None:
        class Counting(Exception):
            number = 1

            def __str__(self) -> str:
                return f"{self.number} {KEY}"

            def __repr__(self) -> str:
                return f"Counting({self})"

        masked = mask_error(Counting())
        masked.number = 2  # type: ignore[attr-defined]
        assert (str(masked), repr(masked)) == (f"2 {MASK}", f"Counting(2 {MASK})")

    def test_that_cannot_be_shown(self) -> None:
        class Broken(Exception):
            def __str__(self) -> str:
                raise RuntimeError(KEY)

        error = Broken()
        assert mask_error(error) is not error

    def test_are_made_as_built_in_ones_are(self) -> None:
        class Picky(OSError):
            def __new__(cls, *given: Any, path: str) -> Picky:
                return super().__new__(cls, *given)

            def __init__(self, *given: Any, path: str) -> None:
                super().__init__(*given)

            def __str__(self) -> str:
                return KEY

        error = Picky(2, "plain", path="x")
        masked = mask_error(error)
        assert isinstance(masked, Picky)
        assert (str(masked), masked.errno, masked.strerror) == (MASK, 2, "plain")

    @pytest.mark.parametrize(
        ("make", "names"),
        [
            (lambda: OSError(2, f"no {KEY}", f"/a/{KEY}", None, f"/b/{KEY}"), ("strerror", "filename", "filename2")),
            (lambda: SyntaxError(f"bad {KEY}", (f"{KEY}.py", 1, 1, f"key = {KEY}")), ("msg", "filename", "text")),
            (lambda: UnicodeDecodeError("utf-8", b"", 0, 1, f"why {KEY}"), ("reason",)),
            (lambda: NameError(f"no {KEY}", name=f"a{KEY}"), ("name",)),
        ],
    )
    def test_that_are_built_in_hold_none(self, make: Callable[[], BaseException], names: tuple[str, ...]) -> None:
        error = make()
        before = [getattr(error, name) for name in names]
        assert mask_error(error) is error
        assert [getattr(error, name) for name in names] == [each.replace(KEY, MASK) for each in before]

    def test_in_a_circle_stay_in_it(self) -> None:
        first, second = ValueError("plain"), KeyError("plain")
        first.__context__, second.__context__ = second, first
        assert mask_error(first) is first
        assert (first.__context__, second.__context__) == (second, first)


class Unmasked(Exception):
    """Says a secret that is nowhere in it."""

    number: int
    key: str

    def __init__(self) -> None:
        super().__init__("told")

    def __str__(self) -> str:
        return f"told {KEY}"


def made(module: str, base: type = object, **members: Any) -> Any:
    """Return an object of a class of ``module``."""
    return type("Made", (base,), {"__module__": module, **members})()


class TestRecords:
    @pytest.fixture
    def handlers(self) -> Iterator[dict[str, Any]]:
        def emit(self: Any, record: logging.LogRecord) -> None:
            self.seen.append(record)

        names = ("of_object.handlers", "of_module", "of_nobody", "conftest", "logging.x", "_pytest.logging")
        handlers = {name: made(name, logging.Handler, emit=emit) for name in names}
        root = logging.getLogger()
        for handler in handlers.values():
            handler.seen = []
            root.addHandler(handler)
        yield handlers
        for handler in handlers.values():
            root.removeHandler(handler)

    def config(self) -> Any:
        modules = [types.ModuleType(name) for name in ("of_module.plugin", "conftest", "logging")]
        plugins = [made("of_object.plugin"), *modules, made("_pytest.x"), object()]
        return types.SimpleNamespace(pluginmanager=types.SimpleNamespace(get_plugins=lambda: plugins))

    def test_are_masked_for_the_handlers_of_plugins(self, handlers: dict[str, Any]) -> None:
        with masked_records(self.config()):
            logging.getLogger("x").error("logged %s", KEY)
        logging.getLogger("x").error("after %s", KEY)
        seen = {name: [record.getMessage() for record in handler.seen] for name, handler in handlers.items()}
        whole, after = f"logged {KEY}", f"after {KEY}"
        masked = ["of_object.handlers", "of_module"]
        assert seen == {name: [f"logged {MASK}" if name in masked else whole, after] for name in handlers}

    def test_are_whole_again_whatever_happens(self, handlers: dict[str, Any]) -> None:
        with pytest.raises(ValueError, match="plain"), masked_records(self.config()):
            raise ValueError("plain")
        assert not any("emit" in vars(handler) for handler in handlers.values())

    def test_keep_all_else(self, handlers: dict[str, Any]) -> None:
        with masked_records(self.config()):
            try:
                raise ValueError(KEY)
            except ValueError:
                logging.getLogger("x").exception("logged", extra={"about": [KEY], "number": 7})
        masked, whole = handlers["of_module"].seen[0], handlers["of_nobody"].seen[0]
        assert (masked.name, masked.levelno, masked.about, masked.number) == ("x", logging.ERROR, [MASK], 7)
        assert (masked.args, masked.exc_info) == (None, None)
        assert masked.exc_text.startswith("Traceback (most recent call last):")
        assert masked.exc_text.endswith(f"ValueError: {MASK}")
        assert (whole.about, whole.exc_info[0]) == ([KEY], ValueError)


def test_the_output_of_a_test_up_to_now() -> None:
    item: Any = types.SimpleNamespace(_report_sections=[("call", "stdout", f"printed {KEY}")])
    change_sections(item, SECRETS.mask)
    assert item._report_sections == [("call", "stdout", f"printed {MASK}")]


def test_the_parameters_of_a_test() -> None:
    callspec = types.SimpleNamespace(params={"given": [KEY], "number": 7})
    item: Any = types.SimpleNamespace(callspec=callspec, stash=pytest.Stash())
    change_parameters(item, plain)
    assert callspec.params == {"given": [MASK], "number": 7}

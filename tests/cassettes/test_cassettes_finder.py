"""The finder: known values in all their spellings, and keys, names and ids by what they look like."""

from __future__ import annotations

import base64
import json
import re
from urllib.parse import quote

import pytest

from pytest_adyen_creds.cassettes.redact.finder import (
    Finder,
    any_of,
    find_keys,
    find_keys_in_base64,
    keys_in,
    masked,
    may_be,
    names_in,
)
from pytest_adyen_creds.secrets import MASK, SECRETS, SecretRegistry

SECRET = "Zq7?/m!k2>Wx"
KEY = "AQE" + "h+/K" * 6
CLIENT_KEY = "test_7QWERTYUIOPASDFGH"
LIVE_KEY = "live_7QWERTYUIOPASDFGH"


def registry(*values: str) -> SecretRegistry:
    made = SecretRegistry()
    for value in values:
        made.add(value)
    return made


def encoded(text: str, *, urlsafe: bool = False) -> str:
    return (base64.urlsafe_b64encode if urlsafe else base64.b64encode)(text.encode()).decode()


def replaced(text: str, *values: str, known: tuple[str, ...] = ()) -> str:
    return Finder(values or (SECRET,), registry(*known)).replace(text, lambda value: f"<{value[:2]}>")


class TestFinding:
    @pytest.mark.parametrize("known", [(), (SECRET,), (SECRET, "another-one")])
    def test_whether_the_registry_knows_a_value_or_not(self, known: tuple[str, ...]) -> None:
        finder = Finder([SECRET, "second-one"], registry(*known))
        text = f"a {SECRET} second-one another-one"
        assert finder.find(text) == [(2, 14, SECRET), (15, 25, "second-one")]

    def test_nothing_without_values(self) -> None:
        assert Finder([], registry(SECRET)).find(SECRET) == []
        assert Finder([], registry(SECRET)).replace(SECRET, str.upper) == SECRET
        assert Finder([], registry()).find("") == []

    @pytest.mark.parametrize("known", [(), ("next-1",), (SECRET, "next-1")])
    def test_values_that_are_added(self, known: tuple[str, ...]) -> None:
        finder = Finder([SECRET], registry(*known))
        assert finder.find(f"next-1 {SECRET}") == [(7, 19, SECRET)]
        finder.add({"next-1"})
        assert finder.find(f"next-1 {SECRET}") == [(0, 6, "next-1"), (7, 19, SECRET)]
        assert finder.find("next-1") == [(0, 6, "next-1")]

    def test_no_piece_that_every_pseudonym_holds(self) -> None:
        value = "zz?EUDONYM0000000q7"
        assert Finder([value], registry()).find("AQEPSEUDONYM000000001") == []
        assert Finder([value], registry()).find("EUDONYM0000000q") == [(0, 15, value)]

    @pytest.mark.parametrize(
        ("values", "text", "found"),
        [
            (("abcdefgh1", "efgh1jklmnop2"), "abcdefgh1jklmnop2", [(0, 17, "efgh1jklmnop2")]),
            (("abcdefgh1jk2", "gh1jk2xyz"), "abcdefgh1jk2xyz", [(0, 15, "abcdefgh1jk2")]),
            (("abcdef1", "ghijkl2"), "abcdef1ghijkl2", [(0, 7, "abcdef1"), (7, 14, "ghijkl2")]),
            (("abcdef1", "abcdef1ghi"), "abcdef1ghi abcdef1", [(0, 10, "abcdef1ghi"), (11, 18, "abcdef1")]),
            (("abcdefghi1", "cdefgh"), ".abcdefghi1.", [(1, 11, "abcdefghi1")]),
            (("abcde1", "de1fghi", "hijk2lmnop"), "abcde1fghijk2lmnop", [(0, 18, "hijk2lmnop")]),
            (("abcde1", "de1fghi"), ".abcde1fghi abcde1fghi", [(1, 11, "de1fghi"), (12, 22, "de1fghi")]),
            (("abcdef1", "ef1ghi2"), "abcdef1ghi2", [(0, 11, "abcdef1")]),
        ],
    )
    def test_spans_apart(self, values: tuple[str, ...], text: str, found: list[tuple[int, int, str]]) -> None:
        assert Finder(values, registry()).find(text) == found


class TestReplacing:
    @pytest.mark.parametrize(
        ("text", "clean"),
        [
            (SECRET, "<Zq>"),
            (f"a {SECRET}, {SECRET} b", "a <Zq>, <Zq> b"),
            (quote(SECRET, safe=""), "<Zq>"),
            ("Zq7?/m!k2", "Zq7?/m!k2"),
            ("", ""),
            ("a text without it", "a text without it"),
        ],
    )
    def test_each_occurrence(self, text: str, clean: str) -> None:
        assert replaced(text) == clean

    @pytest.mark.parametrize("urlsafe", [False, True])
    @pytest.mark.parametrize("before", ["", "u", "us", "use", "user:"])
    @pytest.mark.parametrize("after", ["", "1", "12", "\u00ff?"])
    def test_base64_still_decodes(self, before: str, after: str, urlsafe: bool) -> None:
        token, clean = (encoded(f"{before}{each}{after}", urlsafe=urlsafe) for each in (SECRET, "<Zq>"))
        bare, clean_bare = token.rstrip("="), clean.rstrip("=")
        assert replaced(f"a {bare}; b") == f"a {clean_bare}; b"
        # padded where it was padded
        assert replaced(f"a {token}; b") == f"a {clean_bare if bare == token else clean}; b"

    @pytest.mark.parametrize("path", ["x", "xy", "xyz", "xyz/", "a/"])
    def test_base64_may_begin_behind_a_path(self, path: str) -> None:
        assert replaced(path + encoded(f"user:{SECRET}")) == path + encoded("user:<Zq>")

    def test_base64_may_end_like_any_text(self) -> None:
        token, clean = (encoded(f"ab{each}W") for each in (SECRET, "<Zq>"))
        assert token.endswith("X")
        assert replaced(token) == clean.rstrip("=")
        token, clean = (encoded(f"abcd{each}W") for each in (SECRET, "<Zq>"))
        assert clean.endswith("X")
        assert replaced(token.rstrip("=")) == clean

    def test_a_letter_behind_base64_stays(self) -> None:
        token = encoded(f"use{SECRET}")
        assert len(token) % 4 == 0
        assert replaced(f"{token}x.") == f"{encoded('use<Zq>')}".rstrip("=") + "x."

    @pytest.mark.parametrize(
        "spell",
        [
            lambda text: quote(text, safe=""),
            lambda text: json.dumps(text).replace("/", "\\/"),
            lambda text: text.replace(">", "&gt;"),
            lambda text: f"a\\b&c {quote(text, safe='')}",
        ],
    )
    def test_what_is_escaped_in_base64(self, spell: object) -> None:
        token = encoded(f"say {spell(SECRET)}")  # type: ignore[operator]
        clean = base64.b64decode(replaced(token) + "==").decode()
        assert "<Zq>" in clean
        assert clean.startswith("say ")

    def test_what_only_looks_like_base64_is_torn(self) -> None:
        value = "Zq7Km2Wx9Lp4"
        assert replaced(f"AAAAAAA{value}BBBBB", value) == "AAAAAAA<Zq>BBBBB"
        assert replaced(f"AAAAAAA{value}BBBBB {encoded(value)}", value) == "AAAAAAA<Zq>BBBBB PFpxPg"

    def test_other_base64_stays_as_it_is(self) -> None:
        text = f"{encoded('nothing in it %41')} {encoded('or in this one')}= x{encoded('?' * 9)}"
        assert replaced(text) == text
        assert replaced(f"{text} {SECRET}") == f"{text} <Zq>"

    def test_texts_that_are_too_short_for_any_value(self) -> None:
        # without white space a value may be found in a shorter text
        assert replaced("correct+horse", "correct horse") == "<co>"
        assert replaced("a-1 b-2-c", "a-1 b-2 -c", "longer-than-the-text-1") == "<a->"
        assert replaced("a-1b-2-c", "a-1 b-2 -c", "longer-than-the-text-1") == "<a->"


class TestKeys:
    @pytest.mark.parametrize(
        ("text", "found"),
        [
            (f"x {KEY}.", ("an API key", KEY)),
            (f"{KEY}==-mB4x=-q7W!", ("an API key", f"{KEY}==-mB4x=-q7W!")),
            (f"a:{CLIENT_KEY}", ("a client key", CLIENT_KEY)),
            (f"{LIVE_KEY}x", ("a live client key", LIVE_KEY)),
            (f"x1{KEY}", ("an API key", KEY)),
        ],
    )
    def test_by_their_looks(self, text: str, found: tuple[str, str]) -> None:
        assert [(match.span(), what, key) for match, what, key in find_keys(text)] == [
            ((text.index(found[1]), text.index(found[1]) + len(found[1])), *found)
        ]
        assert keys_in(text) == {found[1]}

    @pytest.mark.parametrize("key", [KEY, CLIENT_KEY, LIVE_KEY])
    @pytest.mark.parametrize("before", ["", "u:", "us:", "u\xff?"])
    @pytest.mark.parametrize("path", ["", "x", "xy", "xyz"])
    def test_in_base64(self, key: str, before: str, path: str) -> None:
        for urlsafe in (False, True):
            token = path + encoded(f"{before}{key} .", urlsafe=urlsafe).rstrip("=")
            ((match, what, found),) = find_keys_in_base64(f"a {token}: b")
            assert (match[0], found) == (token, key)
            assert what == {"A": "an API key", "t": "a client key", "l": "a live client key"}[key[0]] + " in base64"
            assert key in keys_in(f"a {token}: b")

    @pytest.mark.parametrize("behind", ["", "x", "xx", "xxx"])
    def test_in_base64_that_something_follows(self, behind: str) -> None:
        for before in ("", ".", ".."):
            token = encoded(f"{before}{CLIENT_KEY}.").rstrip("=") + behind
            assert [(what, key) for _, what, key in find_keys_in_base64(token)] == [
                ("a client key in base64", CLIENT_KEY)
            ]

    @pytest.mark.parametrize("sign", ["-", "_"])
    def test_in_base64_of_either_alphabet(self, sign: str) -> None:
        token = encoded(f"{'>>>' if sign == '-' else '???'}{CLIENT_KEY}.", urlsafe=True)
        assert set(token) & set("-_") == {sign}
        assert [key for _, _, key in find_keys_in_base64(token)] == [CLIENT_KEY]
        secret = f"{'>>>' if sign == '-' else '???'}Zq7Km2Wx9"
        assert set(encoded(secret, urlsafe=True)) & set("-_") == {sign}
        clean = encoded("<>>>" if sign == "-" else "<???", urlsafe=True).rstrip("=")
        assert (
            Finder([secret], registry()).replace(encoded(secret, urlsafe=True), lambda value: f"<{value[:3]}") == clean
        )

    def test_whatever_they_are_escaped_with(self) -> None:
        assert keys_in(f"a {quote(KEY, safe='')} {CLIENT_KEY}") >= {KEY, CLIENT_KEY}
        assert keys_in(quote(encoded(f"u:{KEY}."), safe="")) == {KEY}

    def test_none_in_other_texts(self) -> None:
        for text in (
            "",
            KEY[:20],
            "AQEPSEUDONYM" + "0" * 30,
            "test_" + "a" * 30,
            "xlive_" + "A" * 30,
            "7" + CLIENT_KEY,
            "A" * 60,
        ):
            assert keys_in(text) == set()
            assert list(find_keys_in_base64(encoded(text))) == []

    def test_the_shortest_is_found(self) -> None:
        assert keys_in(f"test_{'A' * 16}") == {f"test_{'A' * 16}"}

    def test_are_masked_beside_the_secrets_that_are_known(self, own_secrets: None) -> None:
        SECRETS.add(SECRET)
        assert masked(f"{SECRET} {CLIENT_KEY} {encoded(KEY)} x") == f"{MASK} {MASK} {encoded(MASK).rstrip('=')} x"
        assert masked("nothing of anybody") == "nothing of anybody"


class TestNames:
    @pytest.mark.parametrize(
        ("text", "names"),
        [
            ("by ws_1@Company.Acme,", [("username", "ws_1@"), ("company", "Acme")]),
            ("ws%40Company.Acme-1", [("username", "ws@"), ("company", "Acme-1")]),
            ("a.b+c@BalancePlatform.Acme", [("username", "a.b+c@"), ("account", "Acme")]),
            ("a@Scope.Company_Acme", [("username", "a@"), ("company", "Acme")]),
            ("/v3/companies/Acme/users", [("company", "Acme")]),
            ("/merchants/Shop", [("merchant", "Shop")]),
            ("/apiCredentials/S2-1234", [("id", "S2-1234")]),
            (
                "S2-1234 and CRED42ABC12345678M0123456789AB",
                [("id", "S2-1234"), ("id", "CRED42ABC12345678M0123456789AB")],
            ),
            (
                "id 9e30815c-35b2-c75e-11c1-b1030b96bf20_0-9E30815C34FZ2822",
                [("reference", "9e30815c-35b2-c75e-11c1-b1030b96bf20_0-9E30815C34FZ2822")],
            ),
            ("pytest-adyen-creds 0a1b2c3d exp 2026-07-01T12:30Z", []),
            ("nothing of anybody", []),
        ],
    )
    def test_by_their_looks(self, text: str, names: list[tuple[str, str]]) -> None:
        assert list(names_in(text)) == names

    @pytest.mark.parametrize(
        ("kind", "values"),
        [
            ("secret", {"": True, "x": True}),
            ("reference", {"": True, "x": True}),
            ("id", {"S2-1": True, "abc": False, "test": False, "a b c": False}),
            (
                "username",
                {
                    "bot": True,
                    "my": False,
                    "b\not": False,
                    "Null": False,
                    "adyen": False,
                    "ws_1@Company.Acme": False,
                    "x ws_1@Company.Acme": True,
                },
            ),
            (
                "company",
                {"Acme": True, "A": False, "1234": True, "123": False, "A\nB": False, "A b.": True, "12a4": True},
            ),
            ("merchant", {"Acme": True, "": False}),
            ("account", {"Acme": True, "-": False}),
        ],
    )
    def test_by_their_place(self, kind: str, values: dict[str, bool]) -> None:
        assert {value: may_be(value, kind) for value in values} == values  # type: ignore[arg-type]


class TestPatterns:
    def test_of_nothing_match_nothing(self) -> None:
        assert re.search(any_of([]), "") is None

    def test_of_few_are_one_after_another(self) -> None:
        assert any_of(["a.b", "abcd", "ab", "ab"]) == r"abcd|a\.b|ab"
        assert any_of(f"x{number}" for number in range(8)) == "|".join(f"x{number}" for number in range(8))

    def test_of_many_are_grouped_by_how_they_begin(self) -> None:
        assert any_of([f"{letter}{number}" for letter in "ab" for number in range(4)] + ["c"]) == (
            "a(?:0|1|2|3)|b(?:0|1|2|3)|c(?:)"
        )

    def test_match_the_longest_and_no_other(self) -> None:
        values = [
            *(f"acc{'ount' * (number % 3)}{number}" for number in range(60)),
            *("a" * length for length in range(1, 90)),
            *("b.*" * 1000 + letter for letter in "123456789"),
        ]
        pattern = re.compile(any_of(values))
        for value in values:
            assert pattern.match(value)[0] == value  # type: ignore[index]
        for other in ("acc", "b", "ount1", "bcd" * 1000 + "1", ""):
            assert pattern.fullmatch(other) is None

"""Forms: exactly what is masked of a text, and in which views of it; test_secrets_masking.py has any values."""

from __future__ import annotations

import base64
import html
import json
import pickle
from itertools import product
from typing import Any
from urllib.parse import quote

import pytest

from pytest_adyen_creds.secrets import MASK, SECRETS, Secret, SecretRegistry, mask_text
from pytest_adyen_creds.secrets.unescaping import unescaped, unescaped_views

KEY = 'q8Zr5Tw2/Y+7Lk"X4Vé9>s'
PLAIN = "q8Zr5Tw2Yx7Lk4Vb9Sd3"


def registry(*values: str) -> SecretRegistry:
    made = SecretRegistry()
    for value in values:
        made.add(value)
    return made


def masked(text: str, *values: str) -> str:
    return registry(*(values or (PLAIN,))).mask(text)


class TestSecrets:
    def test_have_one_format(self) -> None:
        secret = Secret("AQE-of-one-format")
        assert f"{secret:>20}" == "    Secret([masked])"
        assert f"{secret:<20}|{secret}" == "Secret([masked])    |Secret([masked])"

    def test_are_told_apart_by_their_hashes(self) -> None:
        assert hash(Secret("AQE-the-same-1")) == hash(Secret("AQE-the-same-1"))
        assert len({hash(Secret(f"AQE-number-{number}")) for number in range(10)}) > 1

    def test_say_why_they_do_not_travel(self) -> None:
        with pytest.raises(TypeError) as caught:
            pickle.dumps(Secret("AQE-stays-at-home"))
        assert str(caught.value) == (
            "a Secret cannot be pickled or copied to another process; pass the object that holds it"
        )

    def test_are_those_that_were_added(self) -> None:
        made = registry("second-one", "secret", "five5", "second-one")
        assert made.values() == {"second-one", "secret"}
        assert len(made) == 2
        assert registry().values() == frozenset()

    def test_in_a_pointer(self, own_secrets: None) -> None:
        SECRETS.add("q8Zr/5Tw2")
        SECRETS.add("Yx~17Lk4V")
        for text, clean in (
            ("/a/q8Zr~15Tw2", f"/a/{MASK}"),
            ("/a/q8Zr/5Tw2", f"/a/{MASK}"),
            ("/a~1b/Yx~17Lk4V", f"/a~1b/{MASK}"),
            ("/a/Yx~017Lk4V", f"/a/{MASK}"),
            ("/a~1b~0c", "/a~1b~0c"),
            ("a b", "a b"),
        ):
            assert mask_text(text) == clean


class TestPlaces:
    @pytest.mark.parametrize("length", [6, 7, 8, 9, 10, 14, 15, 16, 20])
    def test_wherever_one_stands(self, length: int) -> None:
        value = PLAIN[:length]
        for before in range(18):
            assert masked(f"{'.' * before}{value}.,", value) == f"{'.' * before}{MASK}.,"
            assert registry(value).find("." * before + value) == {(before, before + length, value)}
        assert masked(value, value) == MASK
        assert masked(f"{value}{value} {value}", value) == f"{MASK}{MASK} {MASK}"

    def test_many_of_one_shape(self) -> None:
        values = [f"key-{number}-of-{number}" for number in range(10, 40)]
        made = registry(*values)
        for value in values:
            assert made.mask(f"a {value}, {value[:9]}") == f"a {MASK}, {value[:9]}"

    def test_those_that_are_too_short_are_not_looked_for(self) -> None:
        assert masked("12345 abcde", "12345", "abcde") == "12345 abcde"
        assert registry("12345").find("12345") == set()
        assert registry(PLAIN).find("") == set()

    def test_those_that_share_a_part_are_one(self) -> None:
        assert masked("abcdef1ghi2jkl3", "abcdef1ghi2", "1ghi2jkl3") == MASK
        assert masked("<abcdef1ghi2jkl3 1ghi2jkl3>", "abcdef1ghi2", "1ghi2jkl3") == f"<{MASK} {MASK}>"
        assert masked("abcdef1ghi2jkl3", "abcdef1", "ghi2jkl3") == MASK * 2
        assert masked("abcdef1ghi2jkl3", "abcdef1ghi2jkl3", "f1ghi2") == MASK

    def test_white_space_may_be_lost_or_changed(self) -> None:
        for text in (
            "correct horse 1",
            "correct+horse+1",
            "correcthorse1",
            "correct\t horse\n1",
            "c o r r e c thorse 1",
        ):
            assert masked(f"<{text}>", "correct horse 1") == f"<{MASK}>"
            assert masked(f"<{text}>", "second-one", "correct horse 1") == f"<{MASK}>"
        assert registry("correct horse 1").find("correcthorse1") == {(0, 13, "correct horse 1")}
        assert masked("corr ecthorse1", "correcthorse1") == "corr ecthorse1"

    def test_bytes_that_were_read_one_by_one(self) -> None:
        assert masked(KEY.encode().decode("latin-1"), KEY) == MASK
        assert masked("".join(f"%{byte:02x}" for byte in KEY.encode()), KEY) == MASK


class TestEncodings:
    @pytest.mark.parametrize("value", ["q8Zr5T", "q8Zr5Tw", "q8Zr5Tw2", PLAIN, "q8>>?/~é\xff9"])
    @pytest.mark.parametrize("encode", [base64.b64encode, base64.urlsafe_b64encode])
    def test_base64_is_masked_to_the_last_bit(self, encode: Any, value: str) -> None:
        for lead, tail in product(range(6), range(4)):
            token = encode(b"u" * lead + value.encode() + b"t" * tail).decode()
            start, end = 8 * lead // 6, -(-8 * (lead + len(value.encode())) // 6)
            assert masked(f"a {token}; b", value) == f"a {token[:start]}{MASK}{token[end:]}; b"
            assert masked(token, value) == f"{token[:start]}{MASK}{token[end:]}"

    def test_base64_that_something_else_stands_beside(self) -> None:
        inner = base64.b64encode(b"u" + PLAIN.encode()).decode()[2:28]
        assert masked(f".{inner}.", PLAIN) == f".{MASK}."
        assert masked(inner, PLAIN) == MASK
        token = base64.b64encode(b"u" + PLAIN.encode()).decode()
        assert masked(token[1:]) == MASK
        assert masked(f".{token[1:]}") == f".{MASK}"
        token = base64.b64encode(PLAIN.encode()).decode()
        assert masked(token[:26]) == MASK

    def test_base64_of_json(self) -> None:
        for text in (json.dumps(KEY)[1:-1], json.dumps(KEY, ensure_ascii=False)[1:-1]):
            token = base64.b64encode(f"{text}".encode()).decode()
            assert masked(token.rstrip("="), KEY) == MASK

    @pytest.mark.parametrize("value", ["q8Zr5Tw2Y", PLAIN])
    def test_base32(self, value: str) -> None:
        for lead in range(6):
            token = base64.b32encode(b"u" * lead + value.encode() + b"tail").decode()
            start, end = -(-8 * lead // 5), 8 * (lead + len(value)) // 5
            assert masked(token, value) == f"{token[:start]}{MASK}{token[end:]}"

    @pytest.mark.parametrize("value", ["q8Zr5Tw2Yx7", PLAIN])
    @pytest.mark.parametrize("encode", [base64.b85encode, base64.a85encode])
    def test_base85(self, encode: Any, value: str) -> None:
        for lead in range(5):
            token = encode(b"u" * lead + value.encode() + b"tail").decode()
            start, end = 5 * -(-lead // 4), 5 * ((lead + len(value)) // 4)
            assert masked(token, value) == f"{token[:start]}{MASK}{token[end:]}"

    def test_hexadecimal(self) -> None:
        assert masked(f"x{PLAIN.encode().hex()}x") == f"x{MASK}x"
        assert masked(f"x{PLAIN.encode().hex().upper()}x") == f"x{MASK}x"

    def test_each_leads_back_to_the_secret(self) -> None:
        raw = PLAIN.encode()
        encodings = (base64.b64encode, base64.b32encode, base64.b85encode, base64.a85encode)
        for text in (PLAIN, raw.hex(), raw.hex().upper(), *(encode(raw).decode() for encode in encodings)):
            assert {value for _, _, value in registry(PLAIN, "second-one").find(text)} == {PLAIN}

    def test_a_secret_that_holds_escapes_may_have_lost_them(self) -> None:
        for value in ("q8%5AT&w2", "q8\\u005aT&w2", "q8&#90;T&w2"):
            assert registry(value).find("q8ZT&w2") == {(0, 7, value)}
            assert masked(f"<{value}>", value) == f"<{MASK}>"


class TestPieces:
    @pytest.mark.parametrize("length", [9, 10, 11, 15])
    def test_of_ten_characters_or_more(self, length: int) -> None:
        for start in range(len(PLAIN) - length + 1):
            for before in range(6):
                piece = PLAIN[start : start + length]
                text = f"{',' * before}{{}}{'-' * (start % 3)}"
                assert masked(text.format(piece)) == text.format(MASK if length > 9 else piece)

    def test_are_as_long_as_they_can_be(self) -> None:
        value = "abc123XQabc123Z9Y8"  # the same six characters twice
        for piece in (value[:10], value[2:14], value[8:], value[6:16], value[4:]):
            assert masked(f"<{piece}>", value) == f"<{MASK}>"
            assert masked(piece, value) == MASK
        assert masked("abc123Z9", value) == "abc123Z9"
        assert masked("abc123Yw9Z", "abc123Xqabc123Yw9Zabc123Kp") == MASK
        assert masked(f"{PLAIN[1:12]},{PLAIN[0]}") == f"{MASK},{PLAIN[0]}"
        assert masked(f"{value[:10]}{value[:10]}", value) == MASK * 2

    def test_of_several_secrets(self) -> None:
        values = [f"q8Zr5Tw2Yx{number:02}Lk4Vb9Sd{number:02}" for number in range(8)]
        made = registry(*values)
        for value in values:
            assert made.mask(f"<{value[:-2]}>") == f"<{MASK}>"
            assert made.mask(f"<{value[8:-1]}>") == f"<{MASK}>"
        assert {value for _, _, value in made.find("q8Zr5Tw2Yx")} == set(values)

    @pytest.mark.parametrize(
        ("value", "piece", "is_masked"),
        [
            ("1231231234q8Zr5Tw2Yx7Lk4Vb9", "1231231234", False),
            ("1231234455q8Zr5Tw2Yx7Lk4Vb9", "1231234455", True),
            ("Correct-Horse9Battery-Staple8", "Correct-Hor", False),
            ("CORRECTHorse-battery-staple8", "CORRECTHorse-batt", False),
            ("correctHorse9Battery-Staple8", "correctHors", True),
            ("correctHorse9Battery-Staple8", "e9Battery-S", True),
            ("ab1" * 12, "ab1" * 5, False),
            ("q8Zr5Tw2Yx" * 2, "q8Zr5Tw2Yxq8", False),
            ("q8Zr5Tw2Yx7Lk4Vb9Sd3" + "q8Zr5Tw2Y", "q8Zr5Tw2Yx7", True),
        ],
    )
    def test_that_tell_nothing_stay(self, value: str, piece: str, is_masked: bool) -> None:
        assert masked(f"<{piece}>", value) == f"<{MASK if is_masked else piece}>"


class TestEllipses:
    @pytest.mark.parametrize("ellipsis", ["...", ".....", "…", "[12 chars]", "...…[1 chars]"])
    def test_eight_characters_beside_one(self, ellipsis: str) -> None:
        befores, afters = ("", " ", "say ", "a\n", "a\t", "key='", "x" * 30), ("", "'", " and", "'\n", " q8Z and more")
        for before, after, length in product(befores, afters, (8, 9, 13)):
            head, tail = PLAIN[:length], PLAIN[-length:]
            assert masked(f"{before}{head}{ellipsis}{after}") == f"{before}{MASK}{ellipsis}{after}"
            assert masked(f"{before}{ellipsis}{tail}{after}") == f"{before}{ellipsis}{MASK}{after}"
            assert masked(f"{before}{head}{ellipsis}{tail}{after}") == f"{before}{MASK}{ellipsis}{MASK}{after}"

    @pytest.mark.parametrize(
        "text",
        [
            f"{PLAIN[:7]}...{PLAIN[-7:]}",
            f"{PLAIN[:9]} ...",
            f"... {PLAIN[-9:]}",
            f"{PLAIN[:9]}..",
            f"...abcdefgh {PLAIN[-9:]}",
            f"{PLAIN[1:10]}...{PLAIN[-10:-1]}",
            f"{PLAIN[:8]}x...x{PLAIN[-8:]}",
        ],
    )
    def test_less_than_that_stays(self, text: str) -> None:
        assert masked(text) == text

    def test_several(self) -> None:
        other = "Kp6Xc1Gh0Jn5Mt8Rv2"
        text = f"{PLAIN[:9]}...{other[-9:]} and {other[:9]}…{PLAIN[-9:]} and {PLAIN}..., ...{other}"
        clean = f"{MASK}...{MASK} and {MASK}…{MASK} and {MASK}..., ...{MASK}"
        assert masked(text, PLAIN, other) == clean

    def test_in_a_secret_are_none(self) -> None:
        assert masked("q8Zr5T...X", "q8Zr5T...w2Yx7") == "q8Zr5T...X"

    def test_nothing_is_left_of_a_short_secret(self) -> None:
        assert masked("q8Zr5Tw...", "q8Zr5Tw2") == "q8Zr5Tw..."
        assert masked("q8Zr5Tw2...", "q8Zr5Tw2Y") == f"{MASK}..."


ENCODERS = {
    "raw": str,
    "json": lambda value: json.dumps(value)[1:-1].replace("/", "\\/"),
    "repr": lambda value: ascii(value)[1:-1],
    "bytes": lambda value: repr(value.encode())[2:-1],
    "quote": lambda value: quote(value, safe=""),
    "html": html.escape,
    "numbers": lambda value: "".join(f"&#{ord(char)};" for char in value),
    "hexadecimal numbers": lambda value: "".join(f"&#x{ord(char):X};" for char in value),
}
BREAKS = (
    *("\n", "\r\n", "\n    ", "\n\t", "   \n   ", "\nE   ", "\n>   ", "\n  | ", "\n    | E   ", " │\n│ ", "\nE     - "),
    *("\nE     + ", "\x1b[0m\n\x1b[1m\x1b[31mE   ", "\x1b[31m", "'\n b'", '"\n"', "\\n", "\\r\\nE   "),
)


class TestViews:
    @pytest.mark.parametrize("encode", ENCODERS.values(), ids=ENCODERS)
    def test_of_each_kind_of_escapes(self, encode: Any) -> None:
        assert masked(f"<{encode(KEY)}>", KEY) == f"<{MASK}>"
        for outer in ENCODERS.values():
            assert masked(f"< {outer(encode(KEY))} >", KEY) == f"< {MASK} >"

    @pytest.mark.parametrize("line_break", BREAKS)
    def test_of_broken_lines(self, line_break: str) -> None:
        for at in range(1, len(PLAIN)):
            assert masked(f"<{PLAIN[:at]}{line_break}{PLAIN[at:]}>") == f"<{MASK}>"
        broken = line_break.join([PLAIN[:5], PLAIN[5:12], PLAIN[12:]])
        assert masked(f"a\n{broken}\nb") == f"a\n{MASK}\nb"

    @pytest.mark.parametrize(
        ("text", "views"),
        [
            ("plain", []),
            ("\\u0041\\x42\\103\\t\\b\\f\\a\\v\\/\\\\", ["ABC\t\b\f\a\v/\\"]),
            ("\\uD83D\\uDE00 \\U0001F600 \\U0010FFFF \\U00110000", ["\U0001f600 \U0001f600 \U0010ffff "]),
            ("\\7\\12\\1234", ["\a\nS4", "\aS4"]),
            ("%41%7e%FF%4", ["A~\xff%4"]),
            ("&amp;&lt;&gt;&quot;&apos;&nbsp;", ["&<>\"'&nbsp;"]),
            ("&#65;&#x42;&#X43;&#1114111;&#1114112;&#x110000;", ["ABC\U0010ffff"]),
            ("a\\nb\\n  c\\r\\nd", ["abcd"]),
            ("%2525252541", ["%25252541", "%252541", "%2541"]),
            ("&amp;%41", ["&A"]),
            ("&amp;#65;", ["&#65;", "A"]),
            ("\\x2541", ["%41", "A"]),
            ("\\w\\ z\\", []),
        ],
    )
    def test_are_what_escapes_stand_for(self, text: str, views: list[str]) -> None:
        assert list(unescaped(text)) == views

    @pytest.mark.parametrize(
        ("text", "views"),
        [
            ("plain", ["plain"]),
            ("plain\n", ["plain\n"]),
            ("a\n  b", ["a\n  b", "ab"]),
            (
                "a%41\\x42&amp;",
                [
                    "a%41\\x42&amp;",
                    *("aA\\x42&amp;", "a%41B&amp;", "a%41\\x42&"),
                    *("aAB&amp;", "aA\\x42&", "a%41B&"),
                    "aAB&",
                ],
            ),
            ("%25\\x41", ["%25\\x41", "%\\x41", "%25A", "%A"]),
            ("\\x2541%42", ["\\x2541%42", "%41%42", "\\x2541B", "%41B", "AB"]),
            ("%2525252541", ["%2525252541", "%25252541", "%252541", "%2541", "%41"]),
            ("'a'\n 'b'%41", ["'a'\n 'b'%41", "'a''b'%41", "'a''b'A", "'ab'%41", "'ab'A"]),
            ("\x1b[31ma\x1b[0m", ["\x1b[31ma\x1b[0m", "a"]),
        ],
    )
    def test_are_of_one_kind_of_two_and_of_all(self, text: str, views: list[str]) -> None:
        found = [view.text for view in unescaped_views(text)]
        assert found[0] == text
        assert sorted(found) == sorted(views)

    def test_without_space(self) -> None:
        found = [view.text for view in unescaped_views("a b\n c", without_space=True)]
        assert found == ["a b\n c", "abc", "a bc", "abc"]

    def test_lead_back_to_the_text(self) -> None:
        text = "a%41b\n  c&amp;d e"
        origins = {view.text: view for view in unescaped_views(text, without_space=True)}
        whole = origins["aAbc&d e"]
        assert [whole.origin(at, at + 1) for at in range(8)] == [
            *((0, 1), (1, 4), (4, 5), (8, 9), (9, 14), (14, 15), (15, 16), (16, 17)),
        ]
        assert whole.origin(0, 8) == (0, 17)
        assert whole.origin(1, 3) == (1, 5)
        assert origins[text].origin(3, 5) == (3, 5)
        assert origins["aAbc&de"].origin(5, 7) == (14, 17)

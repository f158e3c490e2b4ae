"""The cassette's file: what it holds comes back, other readers read it, and hostile files are refused in one line."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
import yaml
from hypothesis import example, given, settings
from hypothesis import strategies as st
from vcr.serialize import deserialize
from vcr.serializers import yamlserializer

from pytest_adyen_creds import formats
from pytest_adyen_creds.cassettes import paths, serializer
from pytest_adyen_creds.cassettes.model import Cassette, Interaction, Provenance
from pytest_adyen_creds.errors import AdyenCredsError, CassetteError, FileRefused

PROVENANCE = Provenance(
    backend="sandbox",
    recorded_at="2026-11-22T00:41:20Z",
    contract="v3",
    contract_digest="sha256:00",
    generator="pytest-adyen-creds 0.1.0",
    versions={"vcrpy": "9.4.2"},
)

MANY = settings(max_examples=4 * settings.default.max_examples)

printable = st.text(st.characters(exclude_categories=("Cs",)))
nasty = st.text(st.sampled_from("ab:- \"\\\n#|>&*!{[\t'\x85\u2028"))
bodies = st.one_of(
    st.binary(max_size=60), printable.map(str.encode), nasty.map(str.encode), st.just(b'{\n  "a": [\n    1\n  ]\n}')
)
header_names = st.text(st.sampled_from("abcdefghij-"), min_size=1, max_size=12)
headers = st.dictionaries(header_names, printable, max_size=3).map(lambda mapping: tuple(mapping.items()))
interactions = st.builds(
    Interaction,
    method=st.sampled_from(["GET", "POST", "PATCH", "DELETE"]),
    uri=st.sampled_from(["https://management-test.adyen.com/v3/me", "https://x/%7B?a=b&c=%20"]) | printable,
    request_headers=headers,
    request_body=bodies,
    status=st.integers(100, 599),
    reason=printable,
    response_headers=headers,
    response_body=bodies,
    meta=st.dictionaries(printable, printable, max_size=2),
)


def exchange(body: bytes = b"{}") -> Interaction:
    return Interaction("GET", "https://management-test.adyen.com/v3/me", (("accept", "x"),), b"", 200, "OK", (), body)


@MANY
@given(st.lists(interactions, max_size=3))
def test_every_interaction_comes_back_exactly(recorded: list[Interaction]) -> None:
    cassette = Cassette(tuple(recorded), PROVENANCE)

    text = serializer.dumps(cassette)

    assert serializer.loads(text, "x") == cassette
    assert serializer.dumps(serializer.loads(text, "x")) == text


@MANY
@given(st.lists(interactions, max_size=3))
def test_plain_vcrpy_reads_the_same(recorded: list[Interaction]) -> None:
    requests, responses = deserialize(serializer.dumps(Cassette(tuple(recorded), PROVENANCE)), yamlserializer)[:2]

    assert [request.method for request in requests] == [item.method for item in recorded]
    assert [request.uri for request in requests] == [item.uri for item in recorded]
    assert [request.body or b"" for request in requests] == [item.request_body for item in recorded]
    assert [response["body"]["string"] for response in responses] == [item.response_body for item in recorded]
    assert [response["status"]["code"] for response in responses] == [item.status for item in recorded]


scalars = (
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | printable | nasty
)
values = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(printable, inner, max_size=3), max_leaves=8
)


@MANY
@given(st.dictionaries(printable | nasty, values, min_size=1, max_size=3))
def test_the_context_means_the_same_to_every_yaml_reader(mapping: dict[str, object]) -> None:
    text = serializer.dumps(Cassette((), PROVENANCE, mapping))

    assert yaml.safe_load(text)["context"] == mapping
    assert yaml.load(text, Loader=yaml.CSafeLoader)["context"] == mapping
    assert serializer.loads(text, "x").context == mapping


@MANY
@given(st.dictionaries(printable | nasty, values, min_size=1, max_size=3))
@example({"": "é", "long" * 40: ["\U000efc35\nb", ""], "ü" * 100: "\x85 \u2028", "\r": None})
def test_it_is_the_same_without_libyaml(mapping: dict[str, object]) -> None:
    text = serializer.dumps(Cassette((), PROVENANCE, mapping))

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(serializer, "_FastDumper", serializer._Dumper)
        assert serializer.dumps(Cassette((), PROVENANCE, mapping)) == text


@MANY
@given(st.text(st.sampled_from("ab:- \"\\\n#|>.1{}[],?!~'"), max_size=40))
@example("a:\n-")
@example("a: 2026-01-01\nb: !!binary aGk=\nc: [0x1F, ~, yes, 1.5, ! x, !!str 1]")
@example("a: b\n---\nc: d")
@example("? [a]\n: b")
@example("!!int x")
@example("!!python/name:os.system")
def test_what_is_read_is_what_a_yaml_parser_reads_or_it_is_refused(text: str) -> None:
    try:
        value = formats.parse_document(f"\n{text}", "x")
    except FileRefused:
        return

    assert text.lstrip()[:1] in ("{", "[") or yaml.load(text, Loader=yaml.CSafeLoader) == value


@MANY
@given(st.text(st.sampled_from('ab:- "\\\n#|>.1{}[],?~'), max_size=40))
def test_plain_yaml_is_not_refused(text: str) -> None:
    text = f"a: b\n{text}"
    try:
        value = yaml.load(text, Loader=yaml.CSafeLoader)
    except (yaml.YAMLError, ValueError):
        return

    assert formats.parse_document(text, "x") == value


def test_a_reviewer_sees_json_line_by_line_and_where_it_came_from() -> None:
    text = serializer.dumps(Cassette((exchange(b'{\n  "id": "S2-1"\n}'),), PROVENANCE))

    assert text.startswith("# Recorded from the embedded sandbox: its answers are not Adyen's answers.\n")
    assert '      string: |-\n        {\n          "id": "S2-1"\n        }\n' in text


WHOLE = serializer.dumps(Cassette((exchange(),), PROVENANCE))


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("!!python/object/apply:os.system ['true']", "neither JSON nor plain YAML"),
        ("version: 1\ninteractions: !!python/name:os.system\n", "neither JSON nor plain YAML"),
        ("a: &a [x]\nb: [*a, *a]\nversion: 1\ninteractions: []\n", "aliases are not read"),
        ("a: &a {x: y}\nb: {<<: *a}\n", "aliases are not read"),
        ("[" * 5000 + "]" * 5000, "nested deeper"),
        ("version: 1\ninteractions: " + "[" * 5000 + "]" * 5000, "nested deeper"),
        ("version: 2\ninteractions: []\n", "version 2"),
        ("interactions: []\n", "version None"),
        ("- request: {}\n", "is not a cassette"),
        ("just a text\n", "is not a cassette"),
        ("version: 1\ninteractions: {}\n", "not a list"),
        ("version: 1\ninteractions: [1]\n", "interaction 1"),
        ("version: 1\ninteractions: [{request: {method: GET, uri: x, headers: {}, body: null}}]\n", "interaction 1"),
        (WHOLE.replace("code: 200", "code: two"), "interaction 1"),
        (WHOLE.replace("code: 200", "code: 99"), "interaction 1"),
        (WHOLE.replace("method: GET", 'method: "GET /"'), "interaction 1"),
        (WHOLE.replace("backend: sandbox", "backend: adyen"), "names no backend"),
        (WHOLE.replace("backend: sandbox", "backend: [sandbox]"), "names no backend"),
        (WHOLE.replace("backend: sandbox", "backend: !!set {sandbox}"), "no list and no mapping"),
        (WHOLE + "---\n" + WHOLE, "more than one document"),
        (WHOLE.replace("contract_digest: sha256:00\n", "contract_digest: 7\n"), "without contract_digest"),
        ("\x00", "neither JSON nor plain YAML"),
    ],
)
def test_a_hostile_or_wrong_file_is_refused_in_one_line(tmp_path: Path, text: str, says: str) -> None:
    path = tmp_path / "cassette.yaml"
    path.write_text(text)

    with pytest.raises(AdyenCredsError) as refused:
        serializer.read(path)

    assert says in str(refused.value)
    assert "\n" not in str(refused.value)
    assert str(path) in str(refused.value)


@pytest.mark.parametrize("loader", [yaml.SafeLoader, yaml.CSafeLoader])
@pytest.mark.parametrize("levels", [201, 1500])
@pytest.mark.parametrize(
    ("opening", "closing", "lead"),
    [("[", "]", ""), ('[{"a[":', "}]", ""), ("[", "]", "a: "), ("{a: ", "}", "a: "), ("- ", "", "")],
)
def test_the_limit_of_nesting_comes_before_any_parser_s_own(
    monkeypatch: pytest.MonkeyPatch, loader: type, levels: int, opening: str, closing: str, lead: str
) -> None:
    monkeypatch.setattr(formats, "SafeLoader", loader)

    with pytest.raises(FileRefused, match="nested deeper than 200 levels"):
        formats.parse_document(lead + opening * levels + "x" + closing * levels, "deep")


@pytest.mark.parametrize("loader", [yaml.SafeLoader, yaml.CSafeLoader])
@pytest.mark.parametrize(
    "text", ['["' + "[" * 900 + '"]', "a: |-\n  " + "[" * 900, "a: '" + "{" * 900 + "'", "[" * 200 + "]" * 200]
)
def test_brackets_within_a_text_are_no_nesting(monkeypatch: pytest.MonkeyPatch, loader: type, text: str) -> None:
    monkeypatch.setattr(formats, "SafeLoader", loader)

    assert formats.parse_document(text, "flat") == yaml.load(text, Loader=yaml.CSafeLoader)


def test_a_cassette_cut_off_anywhere_is_refused(tmp_path: Path) -> None:
    text = serializer.dumps(Cassette((exchange(b'{\n  "a": 1\n}'), exchange(b"{\n}\n")), PROVENANCE))

    for end in range(text.index("interactions"), len(text) - 2):
        with pytest.raises(AdyenCredsError):
            serializer.loads(text[:end], "cut.yaml")


def test_an_oversized_file_is_refused_before_it_is_parsed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(serializer, "LARGEST", 100)
    (tmp_path / "big.yaml").write_text(WHOLE)

    with pytest.raises(AdyenCredsError, match="larger than"):
        serializer.read(tmp_path / "big.yaml")


@pytest.mark.parametrize("name", ["../x", "../../etc/passwd", "/etc/passwd", "a/../../x", "..", "x\0y"])
def test_no_name_of_a_test_leads_out_of_the_folder(tmp_path: Path, name: str) -> None:
    path = paths.cassette_path(tmp_path / "test_x.py", None, name)
    assert Path(os.path.normpath(path)).parent == tmp_path / "cassettes" / "test_x"


def test_a_link_out_of_the_folder_is_refused(tmp_path: Path) -> None:
    folder = tmp_path / "cassettes" / "test_x"
    folder.mkdir(parents=True)
    (folder / "x.yaml").symlink_to(tmp_path / "elsewhere.yaml")

    with pytest.raises(CassetteError, match="link"):
        paths.cassette_path(tmp_path / "test_x.py", None, "x")


@pytest.mark.parametrize(
    ("test_class", "name", "expected"),
    [
        (None, "test_a", "test_a.yaml"),
        ("TestMe", "test_a[x/../y]", "TestMe.test_a[x-..-y].yaml"),
        (None, "test_a[../../../x]", "test_a[..-..-..-x].yaml"),
    ],
)
def test_a_tests_cassette_lies_beside_it(tmp_path: Path, test_class: str | None, name: str, expected: str) -> None:
    path = paths.cassette_path(tmp_path / "test_module.py", test_class, name)

    assert path == tmp_path / "cassettes" / "test_module" / expected


def test_a_long_name_still_is_one_file(tmp_path: Path) -> None:
    one = paths.cassette_path(tmp_path / "test_m.py", None, "test_" + "é" * 300 + "1")
    other = paths.cassette_path(tmp_path / "test_m.py", None, "test_" + "é" * 300 + "2")

    serializer.write(one, Cassette((exchange(),), PROVENANCE))

    assert one != other
    assert serializer.read(one).interactions == (exchange(),)


def test_leftovers_of_the_dead_go_and_those_of_the_living_stay(tmp_path: Path) -> None:
    dead, living = tmp_path / ".999999999-x.adyen-creds.tmp", tmp_path / ".1-x.adyen-creds.tmp"
    dead.touch()
    living.touch()

    serializer.write(tmp_path / "a.yaml", Cassette((exchange(),), PROVENANCE))

    assert sorted(path.name for path in tmp_path.iterdir()) == [living.name, "a.yaml"]


def test_a_failed_write_leaves_the_old_cassette_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a.yaml"
    serializer.write(path, Cassette((exchange(),), PROVENANCE))
    before = path.read_bytes()

    def fail(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", fail)
    with pytest.raises(CassetteError, match="No space left"):
        serializer.write(path, Cassette((exchange(b"other"),), PROVENANCE))

    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]

"""Accepted drift: a reason each, a last day if wanted, and nothing accepted by accident."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_adyen_creds.contract.baseline import Baseline, Entry, read_baseline, write_baseline
from pytest_adyen_creds.contract.finding import Finding
from pytest_adyen_creds.errors import FileRefused

TODAY = date(2026, 11, 22)
NEW = Finding("response-undocumented-property", "warning", "GET /me", 200, "/new", "a new one")
OTHER = Finding("response-undocumented-property", "warning", "POST /me/allowedOrigins", 401, "/new", "a new one")


def written(path: Path, text: str) -> Path:
    path.write_text(text)
    return path


def test_an_entry_accepts_what_it_names_and_nothing_else(tmp_path: Path) -> None:
    text = """
    [[accepted]]
    id = "response-undocumented-property"
    operations = ["GET /me"]
    statuses = [200]
    location = "/new"
    reason = "told by Adyen"
    """
    judgement = read_baseline(written(tmp_path / "b.toml", text)).judge([NEW, OTHER], TODAY)
    assert [(finding, entry.reason) for finding, entry in judgement.accepted.items()] == [(NEW, "told by Adyen")]
    assert judgement.findings == (OTHER,)
    assert list(judgement.notes()) == []


def test_what_an_entry_leaves_out_matches_any() -> None:
    baseline = Baseline((Entry(NEW.id, "all of them"),))
    assert baseline.judge([NEW, OTHER], TODAY).findings == ()


def test_an_entry_matches_an_operation_whatever_its_parameters_are_called() -> None:
    finding = Finding("x", "info", "GET /companies/{companyId}", 200, "", "")
    assert Baseline((Entry("x", "r", operations=("GET /companies/{id}",)),)).judge([finding], TODAY).findings == ()


@pytest.mark.parametrize(("days", "accepted"), [(1, True), (0, True), (-1, False)])
def test_an_entry_ends_after_its_last_day(days: int, accepted: bool) -> None:
    entry = Entry(NEW.id, "for now", expires=TODAY + timedelta(days=days))
    judgement = Baseline((entry,)).judge([NEW], TODAY)
    assert bool(judgement.accepted) is accepted
    assert bool(judgement.findings) is not accepted
    assert bool(judgement.expired) is not accepted
    assert any("expired" in note for note in judgement.notes()) is not accepted


def test_an_unused_entry_is_reported() -> None:
    judgement = Baseline((Entry("gone", "r"), Entry(NEW.id, "r"))).judge([NEW], TODAY)
    assert [entry.id for entry in judgement.unused] == ["gone"]
    assert "gone" in next(judgement.notes())
    assert list(judgement.notes(unused=False)) == []


def test_an_update_keeps_reasons_drops_the_unused_and_accepts_the_rest(tmp_path: Path) -> None:
    kept = Entry(NEW.id, "agreed", operations=("GET /me",), expires=TODAY)
    before = Baseline((kept, Entry("gone", "r"), Entry(OTHER.id, "old", expires=TODAY - timedelta(days=1))))
    after = before.updated([NEW, OTHER], TODAY)
    assert after.entries[0] == kept
    assert len(after.entries) == 2
    assert str(TODAY) in after.entries[1].reason
    assert after.judge([NEW, OTHER], TODAY).findings == ()
    assert len(before.updated([NEW], TODAY, complete=False).entries) == 2
    write_baseline(tmp_path / "b.toml", after)
    assert read_baseline(tmp_path / "b.toml") == after


findings = st.lists(
    st.builds(
        Finding,
        st.sampled_from(["a", "b-enum-value-added"]),
        st.just("info"),
        st.sampled_from(["GET /me", "POST /me/{x}", "DELETE /me"]),
        st.sampled_from([None, 200, 401]),
        st.sampled_from(["", "/a", '/"\\\x7f\u2028']),
        st.sampled_from(["one", "two"]),
    ),
    unique=True,
)


@given(findings, findings)
def test_an_update_accepts_exactly_what_was_found(found: list[Finding], others: list[Finding]) -> None:
    baseline = Baseline().updated(found, TODAY)
    assert baseline.judge(found, TODAY).findings == ()
    places = {(f.id, f.operation.partition("{")[0], f.location) for f in found}
    for finding in others:
        if (finding.id, finding.operation.partition("{")[0], finding.location) not in places:
            assert baseline.judge([finding], TODAY).findings == (finding,)


@given(found=findings)
def test_what_is_written_is_read_back(found: list[Finding], tmp_path_factory: pytest.TempPathFactory) -> None:
    path = tmp_path_factory.mktemp("b") / "b.toml"
    baseline = Baseline().updated(found, TODAY)
    write_baseline(path, baseline)
    assert read_baseline(path) == baseline


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("x = ", "TOML"),
        ("x = 1", "'x'"),
        ("accepted = 1", "entries"),
        ("accepted = [1]", "entry 1"),
        ('[[accepted]]\nid = "a"', "reason"),
        ('[[accepted]]\nid = "a"\nreason = " "', "reason"),
        ('[[accepted]]\nreason = "a"', "an id"),
        ('[[accepted]]\nid = "a"\nreason = "r"\nstatus = 200', "'status'"),
        ('[[accepted]]\nid = "a"\nreason = "r"\nstatuses = 200', "statuses"),
        ('[[accepted]]\nid = "a"\nreason = "r"\noperations = []', "operations"),
        ('[[accepted]]\nid = "a"\nreason = "r"\nlocation = 1', "location"),
        ('[[accepted]]\nid = "a"\nreason = "r"\nexpires = "soon"', "expires"),
        ("a = " + "[" * 5000, "TOML"),
        ("", "empty"),
    ],
)
def test_a_file_that_is_no_baseline_is_refused_with_one_line(tmp_path: Path, text: str, says: str) -> None:
    with pytest.raises(FileRefused) as refusal:
        read_baseline(written(tmp_path / "b.toml", text))
    assert says in str(refusal.value)
    assert "\n" not in str(refusal.value)


@pytest.mark.parametrize("day", ["2026-11-22", '"2026-11-22"', "2026-11-22T10:00:00Z"])
def test_a_day_is_written_in_any_of_toml_s_ways(tmp_path: Path, day: str) -> None:
    text = f'[[accepted]]\nid = "a"\nreason = "r"\nexpires = {day}'
    assert read_baseline(written(tmp_path / "b.toml", text)).entries[0].expires == TODAY


def test_a_baseline_that_cannot_be_written_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for path in (tmp_path / "file" / "b.toml", tmp_path / ("b" * 300), tmp_path):
        with pytest.raises(FileRefused, match="cannot be written"):
            write_baseline(path, Baseline())
    assert [each.name for each in tmp_path.iterdir()] == ["file"]


def test_a_baseline_s_name_may_be_as_long_as_the_system_lets_it(tmp_path: Path) -> None:
    path = tmp_path / ("b" * 250)
    write_baseline(path, Baseline((Entry(NEW.id, "r"),)))
    assert read_baseline(path).entries == (Entry(NEW.id, "r"),)
    assert [each.name for each in tmp_path.iterdir()] == [path.name]


def test_a_finding_is_held_against_the_entries_about_it_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    found = [Finding("x", "info", f"GET /{n % 7}", 200, f"/p{n}", f"m{n}") for n in range(300)]
    baseline = Baseline((Entry("gone", "r"), *Baseline().updated(found, TODAY).entries))
    asked, accepts = [], Entry.accepts
    monkeypatch.setattr(Entry, "accepts", lambda self, finding: asked.append(finding) or accepts(self, finding))
    assert baseline.judge(found, TODAY).findings == ()
    assert len(asked) == len(found)


def test_the_first_entry_that_is_not_expired_is_the_one_that_accepts() -> None:
    expired = Entry(NEW.id, "old", expires=TODAY - timedelta(days=1))
    entries = (expired, Entry(NEW.id, "by place", location="/new"), Entry(NEW.id, "all of them"))
    judgement = Baseline(entries).judge([NEW], TODAY)
    assert judgement.accepted == {NEW: entries[1]}
    assert (judgement.unused, judgement.expired) == ((), ())


def test_a_reason_that_nobody_wrote_yet_is_told() -> None:
    baseline = Baseline().updated([NEW, OTHER], TODAY)
    (note,) = baseline.judge([NEW, OTHER], TODAY).notes()
    assert "warning: the reason of 2 entries of the baseline is still to be written" in note
    assert list(Baseline((Entry(NEW.id, "agreed with Adyen"),)).judge([NEW], TODAY).notes()) == []

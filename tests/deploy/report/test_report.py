"""What a report covers, how its numbers read, and that its page stands by itself."""

from datetime import date
from pathlib import Path
from typing import Any

import httpx
import pytest

from deploy.report import picture
from deploy.report.figures import RATES, Asking, Figures, Span, figures
from deploy.report.page import render, shown
from deploy.stack.trouble import Trouble

DAY = Span.of(date(2026, 11, 25), week=False)


@pytest.mark.parametrize(
    ("day", "first", "last"),
    [
        ("2026-11-25", "2026-11-23", "2026-11-29"),
        ("2026-11-23", "2026-11-23", "2026-11-29"),
        ("2026-11-29", "2026-11-23", "2026-11-29"),
        ("2027-01-01", "2026-12-28", "2027-01-03"),
    ],
)
def test_a_week_goes_from_monday_to_sunday(day: str, first: str, last: str) -> None:
    span = Span.of(date.fromisoformat(day), week=True)
    assert span.period() == f"{first}..{last}"
    before = span.before()
    assert (span.first - before.last).days == 1 and (before.last - before.first).days == 6


def test_the_day_before_a_day() -> None:
    assert DAY.before() == Span(date(2026, 11, 24), date(2026, 11, 24))


@pytest.mark.parametrize(
    ("kind", "value", "text"),
    [
        *(("rate", 0.9534, "95.3%"), ("rate", None, "–"), ("count", 12_345, "12,345"), ("stock", 0, "0")),
        *(("duration", 95.0, "2 min"), ("duration", 5400.0, "1.5 h"), ("duration", 259_200.0, "3.0 d")),
    ],
)
def test_how_numbers_read(kind: str, value: Any, text: str) -> None:
    assert shown({"kind": kind, "value": value}) == text


def number(kpi: str, value: float | None = 0.5, kind: str = "rate") -> dict[str, Any]:
    """A row as the API gives it."""
    row = {"kpi": kpi, "zh": f"{kpi}率", "en": kpi, "kind": kind, "numerator": 10.0, "denominator": 20, "value": value}
    return row | {"name": "<黄浦> & 区", "p50": 60.0, "p90": 7200.0}


KPIS = [number(kpi) for kpi in (*RATES, "repeat", "found_first", "reopened")]
KPIS.append(number("time_to_accept", 5400.0, "duration"))
BOARD = {
    "at": "2026-11-26T08:00:00+08:00",
    **{"breaches": 7, "due_2h": 2, "due_24h": 9},
    "stages": [{"stage": "accept", "breaches": 7, "due_2h": 2, "due_24h": 9}],
    "places": [{"division": "D1", "name": "甲<街道>", "district": "区", "breaches": 7, "due_2h": 2, "due_24h": 9}],
    "ladder": [{"kind": "supervise", "level": 1, "count": 3, "oldest": "2026-11-25T21:00:00+08:00"}],
}
LEAGUE = {"rank": 1, "unit": {"name": "甲街道办"}, "rate": 0.9, "numerator": 27.0, "denominator": 30}


def told(request: httpx.Request) -> httpx.Response:
    """Supervision, as far as a report asks it."""
    place = {"division": "D1", "name": "甲<街道>", "tier": "street", "parent": "D", "lon": 121.4, "lat": 31.2}
    answers: dict[str, dict[str, Any]] = {
        "/v1/kpis": {"items": KPIS, "period": {"frozen_through": "2026-11-25"}},
        "/v1/kpis/league": {"items": [LEAGUE, LEAGUE | {"rank": None}], "league_from": 20},
        "/v1/findings": {"items": [], "counts": {"too_fast": 4}},
        "/v1/board": BOARD,
        "/v1/places": {"items": [place]},
    }
    return httpx.Response(200, json=answers[request.url.path])


def made(span: Span) -> Figures:
    """Figures of that supervision."""
    asking = Asking("http://supervision", "token", httpx.MockTransport(told))
    return figures(asking, span, ("玩具城", "Toy"), "2026-11-25T00:00:00+08:00")


def test_the_page_stands_by_itself_and_says_all_of_it() -> None:
    text = render(made(DAY))
    for said in (
        "玩具城日报",
        "Toy: daily report",
        "已冻结",
        "50.0%",
        "甲街道办",
        "27 / 30",
        "办结过快",
        "督办 Supervised L1",
    ):
        assert said in text, said
    assert "<黄浦>" not in text and "&lt;黄浦&gt; &amp; 区" in text and "<街道>" not in text
    assert "<script" not in text and "http://" not in text and "https://" not in text and "@import" not in text
    assert text.count("1. 甲街道办") == 2, "ranked once in each league; without a rank in none"
    assert 'r="22.0"' in text and "2026-11-26 08:00" in text


def test_a_week_that_still_runs_says_that_it_moves() -> None:
    text = render(made(Span.of(date(2026, 11, 26), week=True)))
    assert "周报" in text and "未冻结" in text and "2026-11-23 – 2026-11-29" in text


def test_a_refusal_is_told_in_one_line() -> None:
    asking = Asking("http://supervision", "token", httpx.MockTransport(lambda _: httpx.Response(403, text="no")))
    with pytest.raises(Trouble, match="/v1/kpis answered 403"):
        figures(asking, DAY, ("", ""), "")


def test_without_a_browser_there_is_html_and_a_clear_word(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shutil.which", lambda _: None)
    picture.write("<p>", tmp_path / "a.html")
    assert (tmp_path / "a.html").read_text(encoding="utf-8") == "<p>"
    with pytest.raises(Trouble, match="needs Chromium"):
        picture.write("<p>", tmp_path / "a.pdf")

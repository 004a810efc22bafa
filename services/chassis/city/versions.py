"""The policy of a pack and the versions it replaced: `policy.toml`, and older ones in `policies/`.

A version is replaced for everything by leaving it out, or only from a moment on: `since` of the newer one says from
when, `covers` whether that is the start of a clock or the opening of an order.
"""

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from typing import Literal

from schemas.city import Detector, Limit, Policy, RequestRule
from schemas.ladder import Channel, Rung
from services.chassis.city.callbacks import callbacks_of, conclude_after_of, late_hours_of
from services.chassis.city.detectors import count_of, detectors_of
from services.chassis.city.files import toml_document, toml_table
from services.chassis.city.ladder import channels_of, ladder_of
from services.chassis.city.limits import check_limits
from services.chassis.city.requests import requests_of, returns_of
from services.chassis.city.shapes import Draft

FOLDER = "policies"
COVERS = ("clocks", "orders")


def policies_of(draft: Draft) -> tuple[Policy, tuple[Policy, ...]]:
    """The policy that holds now, and those it replaced, the oldest first."""
    versions = [(draft, _policy(draft)), *((each, _policy(each)) for each in _earlier(draft))]
    (_, newest), *older = versions
    _check_names(versions)
    dated = [(each, policy) for each, policy in versions if policy.since is not None]
    undated = [each for each, policy in versions if policy.since is None and each.policy.present]
    if older and len(undated) > 1:
        for each in undated:
            cause = "since: missing; of several versions only the oldest may hold since ever"
            draft.faults.add(each.policy.file, 1, cause)
    seen: dict[datetime, str] = {}
    for each, policy in dated:
        assert policy.since is not None
        line = each.policy.line_of("since")
        if policy.since in seen:
            draft.faults.add(each.policy.file, line, f"since: {seen[policy.since]} holds from the same moment")
        seen.setdefault(policy.since, each.policy.file)
        if each is not draft and newest.since is not None and policy.since > newest.since:
            draft.faults.add(
                each.policy.file, line, f"since: later than that of {draft.policy.file}, the newest version"
            )
    if older and newest.since is None and len(undated) == 1:
        draft.faults.add(draft.policy.file, 1, f"since: missing; it says from when this version replaces {FOLDER}/")
    return newest, tuple(sorted((p for _, p in older), key=lambda p: (p.since is not None, p.since or datetime.max)))


def _earlier(draft: Draft) -> Iterator[Draft]:
    for path in sorted((draft.directory / FOLDER).glob("*.toml")):
        document = toml_document(draft.directory, f"{FOLDER}/{path.name}", draft.faults)
        yield replace(
            draft,
            policy=document,
            limits=toml_table(document, "limit", Limit, "limit_id", draft.faults),
            requests=toml_table(document, "request", RequestRule, "kind", draft.faults),
            rungs=toml_table(document, "rung", Rung, "rung_id", draft.faults),
            channels=toml_table(document, "channel", Channel, "name", draft.faults),
            detectors=toml_table(document, "detector", Detector, "kind", draft.faults),
        )


def _policy(draft: Draft) -> Policy:
    day_end = check_limits(draft)
    return Policy(
        version=draft.policy.word("version", draft.faults),
        limits=draft.limits.items,
        day_end=day_end,
        callback=callbacks_of(draft),
        late_hours=late_hours_of(draft),
        requests=requests_of(draft),
        returns=returns_of(draft),
        conclude_after=conclude_after_of(draft),
        detectors=detectors_of(draft),
        league_from=count_of(draft, "league_from"),
        appeal_days=count_of(draft, "appeal_days"),
        since=_since(draft),
        covers=_covers(draft),
        ladder=ladder_of(draft),
        channels=channels_of(draft),
    )


def _since(draft: Draft) -> datetime | None:
    value = draft.policy.values.get("since")
    if value is None:
        return None
    if isinstance(value, datetime) and value.tzinfo is not None:
        return value
    cause = "since: must be a moment with an offset, like 2026-12-01T00:00:00+08:00"
    draft.faults.add(draft.policy.file, draft.policy.line_of("since"), cause)
    return None


def _covers(draft: Draft) -> Literal["clocks", "orders"]:
    value = draft.policy.values.get("covers", COVERS[0])
    if value not in COVERS:
        cause = f"covers: {value!r} is not one of {', '.join(COVERS)}"
        draft.faults.add(draft.policy.file, draft.policy.line_of("covers"), cause)
    return "orders" if value == "orders" else "clocks"


def _check_names(versions: list[tuple[Draft, Policy]]) -> None:
    seen: dict[str, str] = {}
    for draft, policy in versions:
        if policy.version in seen:
            line, cause = (
                draft.policy.line_of("version"),
                f"version: {policy.version!r} is also {seen[policy.version]}'s",
            )
            draft.faults.add(draft.policy.file, line, cause)
        elif policy.version:
            seen[policy.version] = draft.policy.file

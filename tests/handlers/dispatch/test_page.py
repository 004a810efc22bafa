"""What the service sends of the responder's page, and what the page asks before it asks for work."""

import gzip

from services.chassis.pages import SHARED, files
from services.dispatch.api.pages import FOLDER
from tests.handlers.dispatch.client import Desk
from tests.handlers.dispatch.conftest import Send
from tests.rules.dispatch.town import a_plan, a_report, linked, proposed

MOST = 102_000  # bytes of the whole page, nothing compressed: seconds on a slow line


def test_the_page_is_small_and_all_its_own() -> None:
    served = files(FOLDER)
    assert sorted(place.name for each in (SHARED, FOLDER) for place in each.iterdir()) == sorted(served), (
        "a file there that is not served"
    )
    assert sum(len(one.plain) for one in served.values()) <= MOST
    for name, one in served.items():
        text = one.plain.decode()
        assert gzip.decompress(one.packed) == one.plain
        assert "innerHTML" not in text and "eval(" not in text, name
        outside = text.replace("http://www.w3.org/2000/svg", "")
        assert "http://" not in outside and "https://" not in outside, name
    first = served["index.html"].plain.decode()
    modules = {name for name in served if name.endswith(".js")} - {"app.js"}
    assert all(f'<link rel="modulepreload" href="{name}">' in first for name in modules), "loaded one after another"
    assert "<style" not in first and "onclick" not in first and first.count("<script") == 1


async def test_a_file_is_sent_once_and_then_only_asked_for(desk: Desk) -> None:
    reply = await desk.client.get("/app/")
    assert reply.status_code == 200 and reply.headers["content-encoding"] == "gzip"
    assert reply.headers["cache-control"] == "no-cache" and reply.headers.get_list("cache-control") == ["no-cache"]
    again = await desk.client.get("/app/", headers={"if-none-match": f'"other", W/{reply.headers["etag"]}'})
    assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", reply.headers["etag"])
    plain = await desk.client.get("/app/app.js", headers={"accept-encoding": "identity"})
    assert "content-encoding" not in plain.headers and plain.headers["content-type"].startswith("text/javascript")
    assert (await desk.client.get("/app")).headers["location"] == "/app/"


async def test_nothing_foreign_runs_in_the_page(desk: Desk) -> None:
    headers = (await desk.client.get("/app/index.html")).headers
    policy = dict(part.split(" ", 1) for part in headers["content-security-policy"].split("; "))
    assert policy["default-src"] == "'none'" and policy["script-src"] == policy["style-src"] == "'self'"
    assert policy["connect-src"] == "'self'" and policy["frame-ancestors"] == policy["base-uri"] == "'none'"
    assert policy["require-trusted-types-for"] == "'script'"
    assert (headers["x-content-type-options"], headers["referrer-policy"], headers["x-frame-options"]) == (
        *("nosniff", "no-referrer"),
        "DENY",
    )
    assert (await desk.client.get("/v1/me")).headers["cache-control"] == "no-store"


async def test_only_the_files_of_the_page_are_served(desk: Desk) -> None:
    for name in ("nothing.js", "../api/pages.py", "%2e%2e/api/pages.py", "..%2fmain.py", "/etc/passwd", "app.js/"):
        reply = await desk.client.get(f"/app/{name}")
        assert reply.status_code == 404 and reply.json()["code"] == "not_found", name


async def test_a_caller_learns_who_he_is_and_where_he_works(desk: Desk) -> None:
    status, body = await desk.person("responder", "s1-road", "wang").get("/v1/me")
    assert status == 200 and (body["id"], body["role"]) == ("wang", "responder")
    assert body["unit"] == {"unit_id": "s1-road", "name": "桥头市政", "tier": "street"} and body["expires"] > 0
    assert (await desk.person("agent").get("/v1/me"))[1]["unit"] is None
    assert (await desk.client.get("/v1/me")).status_code == 401


async def test_actions_are_described_and_units_found_by_name(desk: Desk) -> None:
    person = desk.person("responder", "s1-road")
    _, known = await person.get("/v1/actions")
    finish = {one["name"]: one for one in known["assignment"]["finish"]["fields"]}
    assert finish["result"]["options"][0] == {"value": "solved", "zh": "实际解决", "en": "Solved"}
    assert known["assignment"]["finish"]["zh"] == "办结" and "route" in known["order"]
    assert [one["unit_id"] for one in (await person.get("/v1/units", q="桥头"))[1]["items"]] == [
        "s1-clean",
        "s1-road",
        "s1",
    ]
    assert (await person.get("/v1/units", q="没有"))[1] == {"items": []}
    assert (await person.get("/v1/units", q=""))[0] == 422
    for path in ("/v1/actions", "/v1/units?q=x"):
        assert (await desk.client.get(path)).status_code == 401
    assert (await desk.person("gateway").get("/v1/units", q="x"))[0] == 403


async def test_a_card_says_what_the_order_was_opened_for(send: Send, desk: Desk) -> None:
    fact = proposed(a_report("first", text="井盖" + "很破" * 100), a_plan("s1-road"))
    await send(fact, linked(fact.order_id, a_report("second", text="另一件")))
    [card] = (await desk.person("responder", "s1-road").get("/v1/me/queue"))[1]["items"]
    assert card["said"] == ("井盖" + "很破" * 100)[:120] and card["address"] == "桥头路 1 号"

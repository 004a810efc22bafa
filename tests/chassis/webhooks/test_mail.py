"""Letters against a real SMTP server: brought at least once under one id, given up or refused with their reason."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import pytest

from services.chassis.webhooks import deliveries
from services.chassis.webhooks.courier import Courier
from services.chassis.webhooks.mail import sealed
from services.chassis.webhooks.office import Letter, Office
from services.chassis.webhooks.platforms import read_platforms
from tests.chassis.webhooks.conftest import KEY, Post
from tests.chassis.webhooks.postman import Postman, delivering


def write(body: bytes) -> Letter:
    return Letter("督办 L1 7K3M9-QX2TB-C", f"工单 {body.decode()}\n")


def people(port: int, *to: str) -> str:
    return (
        f'[mail]\nhost = "127.0.0.1"\nport = {port}\nsender = "paidan@city.example"\ntls = "none"\n'
        f'[[platform]]\nname = "night-desk"\nmail = {list(to or ("night@city.example",))}\n'
    )


@pytest.fixture
async def postman() -> AsyncIterator[Postman]:
    async with delivering() as found:
        yield found


def courier(post: Post, **tuned: Any) -> Courier:
    return post.courier(write=write, **tuned)


async def test_a_letter_arrives_once_with_a_stable_id(post: Post, postman: Postman) -> None:
    post.file.write_text(people(postman.port, "night@city.example", "chief@city.example"))
    id_ = await post.put("night-desk", said="井盖缺失")
    async with post.bringing(courier(post)):
        await post.all_in("delivered")
    (letter,) = postman.got
    assert (letter["subject"], letter["from"]) == ("督办 L1 7K3M9-QX2TB-C", "paidan@city.example")
    assert letter["message-id"] == f"<{id_}@city.example>" and letter["auto-submitted"] == "auto-generated"
    assert postman.to == [["night@city.example", "chief@city.example"]]
    assert letter.get_payload(decode=True).decode() == '工单 {"said": "井盖缺失"}\n'.replace("\n", "\r\n")  # type: ignore[union-attr]


async def test_it_comes_again_under_the_same_id_until_it_is_taken(post: Post, postman: Postman) -> None:
    post.file.write_text(people(postman.port))
    answers = iter(["451 try later", "421 busy"])
    postman.answer = lambda _: next(answers, "250 taken")
    id_ = await post.put("night-desk")
    async with post.bringing(courier(post)):
        await post.all_in("delivered")
    assert [letter["message-id"] for letter in postman.got] == [f"<{id_}@city.example>"]
    assert await post.pool.fetchval("SELECT attempts FROM webhook_deliveries") == 3


async def test_a_server_that_is_not_there_or_hangs_is_waited_for(post: Post, postman: Postman) -> None:
    post.file.write_text(people(1))  # nobody listens there
    await post.put("night-desk")
    async with post.bringing(courier(post, total=0.3)):
        await post.until("SELECT count(*) FROM webhook_deliveries WHERE reason <> ''", 1)
        postman.hangs = 1.0
        post.file.write_text(people(postman.port))
        await post.until("SELECT count(*) FROM webhook_deliveries WHERE reason LIKE 'no answer within%'", 1)
        postman.hangs = 0.0
        await post.all_in("delivered")
    assert len({letter["message-id"] for letter in postman.got}) == 1


@pytest.mark.parametrize("where", ["recipient", "letter"])
async def test_what_is_refused_for_good_is_a_dead_letter_at_once_and_can_be_replayed(
    post: Post, postman: Postman, where: str
) -> None:
    post.file.write_text(people(postman.port))
    if where == "recipient":
        postman.refuses["night@city.example"] = "550 no such user"
    else:
        postman.answer = lambda _: "554 <night@city.example> looks like spam"
    id_ = await post.put("night-desk")
    async with post.bringing(courier(post)):
        await post.all_in("dead")
        row = await post.pool.fetchrow("SELECT attempts, reason FROM webhook_deliveries")
        assert row["attempts"] == 1 and ("550" in row["reason"] or "554" in row["reason"])
        assert "night@" not in row["reason"], "an address is nobody's to read"
        postman.refuses.clear()
        postman.answer = lambda _: "250 taken"
        assert await deliveries.replay(post.pool, "night-desk") == 1
        await post.all_in("delivered")
    assert [letter["message-id"] for letter in postman.got] == [f"<{id_}@city.example>"]


async def test_a_full_mailbox_is_tried_again(post: Post, postman: Postman) -> None:
    post.file.write_text(people(postman.port))
    postman.refuses["night@city.example"] = "452 mailbox full"
    await post.put("night-desk")
    async with post.bringing(courier(post)):
        await post.until("SELECT attempts >= 2 FROM webhook_deliveries", True)
        assert await post.pool.fetchval("SELECT state FROM webhook_deliveries") == "waiting"
        postman.refuses.clear()
        await post.all_in("delivered")


async def test_who_has_the_letter_does_not_get_it_twice_for_another_s_sake(post: Post, postman: Postman) -> None:
    post.file.write_text(people(postman.port, "night@city.example", "gone@city.example"))
    postman.refuses["gone@city.example"] = "550 no such user"
    await post.put("night-desk")
    async with post.bringing(courier(post)):
        await post.all_in("delivered")
    assert postman.to == [["night@city.example"]]


async def test_a_hanging_mail_server_holds_up_nobody_else(post: Post, postman: Postman) -> None:
    from tests.chassis.webhooks.conftest import SECRET, row
    from tests.chassis.webhooks.receiver import receiving

    postman.hangs = 30.0
    async with receiving(SECRET) as receiver:
        post.file.write_text(people(postman.port) + row("city:b", receiver.port))
        for _ in range(6):
            await post.put("night-desk")
            await post.put("city:b")
        async with post.bringing(courier(post, total=20.0)):
            await receiver.until(lambda r: len(r.got) == 6, seconds=8)
    assert postman.got == []


async def test_without_somebody_to_write_them_letters_wait(post: Post, postman: Postman) -> None:
    post.file.write_text(people(postman.port))
    await post.put("night-desk")
    async with post.bringing():
        await asyncio.sleep(0.3)
    assert await post.pool.fetchval("SELECT attempts FROM webhook_deliveries") == 0


def test_nothing_that_came_makes_a_header_of_its_own() -> None:
    office = Office("h", 25, "paidan@city.example")
    letter = Letter("one\r\nBcc: everybody@x.example\n two", "text\nBcc: no header\n")
    sent = sealed(office, ["a@b.example"], "id", letter, datetime(2026, 3, 2, tzinfo=UTC)).as_string()
    head = sent.partition("\r\n\r\n")[0]
    assert "\nBcc:" not in head


OFFICE = '[mail]\nhost = "smtp.city.example"\nport = 465\nsender = "p@city.example"\n'
SIGNED = f'sign_with = ["{KEY}"]\n'
BROKEN = [
    ('[[platform]]\nname = "desk"\nmail = ["a@b.example"]\n', "mail needs a [mail] table"),
    (OFFICE + '[[platform]]\nname = "d"\nmail = ["a@b.example"]\nurl = "https://x"\n' + SIGNED, "not both"),
    (OFFICE + '[[platform]]\nname = "d"\nmail = ["nobody"]\n', "matching regex"),
    (OFFICE + '[[platform]]\nname = "d"\nmail = ["a@b.example\\r\\nBcc: x@y.example"]\n', "matching regex"),
    (OFFICE + 'tls = "none"\n', "without TLS only to this machine"),
    (OFFICE + "colour = 1\n", "colour"),
    ('[mail]\nhost = "h"\nport = 0\nsender = "p@x"\n', ">= 1"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "cause"), BROKEN)
def test_a_file_that_names_no_way_is_refused(text: str, cause: str) -> None:
    with pytest.raises(ValueError, match=".*") as told:
        read_platforms(text)
    assert cause in str(told.value)


def test_people_and_platforms_stand_in_one_file() -> None:
    found = read_platforms(OFFICE + '[[platform]]\nname = "desk"\nmail = ["a@b.example"]\n')
    assert found["desk"].mail == ("a@b.example",) and found["desk"].office == Office(
        "smtp.city.example", 465, "p@city.example"
    )

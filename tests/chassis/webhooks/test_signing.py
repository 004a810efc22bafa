"""Signatures: the specification's own example, and every way in which a message is not what its sender signed."""

import base64
import shutil
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from schemas.refusals import Refused
from services.chassis.webhooks.signing import ID, SIGNATURE, TIMESTAMP, secret_of, signature, signed, verified

# Source: the reference libraries of https://github.com/standard-webhooks/standard-webhooks
SECRET = secret_of("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
MESSAGE, AT, BODY = "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, b'{"test": 2432232314}'
VECTOR = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
OTHER = secret_of("whsec_" + base64.b64encode(b"another secret of another key").decode())
NOW = datetime.fromtimestamp(AT, UTC)
HEADERS = {ID: MESSAGE, TIMESTAMP: str(AT), SIGNATURE: VECTOR}


def test_the_example_of_the_specification() -> None:
    assert signature(SECRET, MESSAGE, AT, BODY) == VECTOR
    assert signed([SECRET], MESSAGE, NOW, BODY) == HEADERS
    assert verified([SECRET], HEADERS, BODY, NOW) == MESSAGE


@pytest.mark.skipif(shutil.which("openssl") is None, reason="no openssl here")
def test_the_lines_for_integrators_sign_rightly() -> None:
    page = (Path(__file__).parents[3] / "docs" / "integrator.md").read_text(encoding="utf-8")
    start = page.index("SECRET=whsec_")
    lines = page[start : page.index("curl", start)]
    shown = 'printf "%s\\n" "$ID" "$AT" "$SIGNATURE" "$BODY"'
    run = subprocess.run(["sh", "-c", lines + shown], capture_output=True, check=True, text=True)
    id_, at, signature, body = run.stdout.splitlines()
    headers = {ID: id_, TIMESTAMP: at, SIGNATURE: f"v1,{signature}"}
    assert verified([SECRET], headers, body.encode(), datetime.fromtimestamp(int(at), UTC)) == id_


def test_two_keys_hold_while_one_is_being_changed() -> None:
    both = signed([SECRET, OTHER], MESSAGE, NOW, BODY)
    for known in ([SECRET], [OTHER], [OTHER, SECRET]):
        assert verified(known, both, BODY, NOW) == MESSAGE
        for one in (SECRET, OTHER):
            headers = signed([one], MESSAGE, NOW, BODY)
            if one in known:
                assert verified(known, headers, BODY, NOW) == MESSAGE
            else:
                with pytest.raises(Refused, match="signature_invalid"):
                    verified(known, headers, BODY, NOW)


@pytest.mark.parametrize(
    ("changed", "body", "code"),
    [
        ({ID: None}, BODY, "signature_invalid"),
        ({ID: "msg_other"}, BODY, "signature_invalid"),
        ({ID: "x" * 201}, BODY, "signature_invalid"),
        ({ID: "m\x00"}, BODY, "signature_invalid"),
        ({TIMESTAMP: None}, BODY, "signature_invalid"),
        ({TIMESTAMP: "soon"}, BODY, "signature_invalid"),
        ({TIMESTAMP: "-5"}, BODY, "signature_invalid"),
        ({TIMESTAMP: "１６１４２６５３３０"}, BODY, "signature_invalid"),
        ({TIMESTAMP: "9" * 40}, BODY, "signature_invalid"),
        ({TIMESTAMP: str(AT + 1)}, BODY, "signature_invalid"),
        ({SIGNATURE: None}, BODY, "signature_invalid"),
        ({SIGNATURE: ""}, BODY, "signature_invalid"),
        ({SIGNATURE: VECTOR.removeprefix("v1,")}, BODY, "signature_invalid"),
        ({SIGNATURE: VECTOR.replace("v1,", "v1a,")}, BODY, "signature_invalid"),
        ({SIGNATURE: VECTOR[:-2]}, BODY, "signature_invalid"),
        ({SIGNATURE: "v1,Gruß"}, BODY, "signature_invalid"),
        ({SIGNATURE: "v1,x " * 16 + VECTOR}, BODY, "signature_invalid"),
        ({}, BODY + b" ", "signature_invalid"),
        ({}, b"", "signature_invalid"),
    ],
)
def test_what_was_not_signed_is_refused(changed: dict[str, str | None], body: bytes, code: str) -> None:
    headers = {name: value for name, value in {**HEADERS, **changed}.items() if value is not None}
    with pytest.raises(Refused) as refused:
        verified([SECRET], headers, body, NOW)
    assert refused.value.code == code


@pytest.mark.parametrize(("off", "fits"), [(-301, False), (-300, True), (0, True), (300, True), (301, False)])
def test_a_signature_is_good_for_five_minutes(off: int, fits: bool) -> None:
    now = NOW + timedelta(seconds=off)
    if fits:
        assert verified([SECRET], HEADERS, BODY, now) == MESSAGE
        return
    with pytest.raises(Refused, match="signature_expired"):
        verified([SECRET], HEADERS, BODY, now)


def test_without_a_secret_nothing_is_signed() -> None:
    with pytest.raises(Refused, match="signature_invalid"):
        verified([], HEADERS, BODY, NOW)


@pytest.mark.parametrize("text", ["", "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "whsec_", "whsec_%%%", "whsec_c2hvcnQ="])
def test_a_secret_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="secret"):
        secret_of(text)

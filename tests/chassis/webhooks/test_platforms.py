"""The platforms' file: what it may say, and that it is read anew."""

import os
from pathlib import Path

import pytest

from services.chassis.webhooks.platforms import Platforms, read_platforms

KEY = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
GOOD = f"""
[[platform]]
name = "city:hangzhou"
url = "https://handovers.example.gov.cn/in?from=us"
sign_with = ["{KEY}"]
accept = ["{KEY}"]

[[platform]]
name = "110"
accept = ["{KEY}"]
"""


def test_what_a_file_says() -> None:
    found = read_platforms(GOOD)
    assert list(found) == ["city:hangzhou", "110"]
    assert found["110"].url == "" and len(found["110"].accept[0]) == 24
    assert read_platforms("") == {}


@pytest.mark.parametrize(
    ("row", "fault"),
    [
        ('name = "X"', "lower case"),
        ('name = "a/b"', "slash"),
        ('name = "１１０"', "half-width"),
        ('name = ""', "length"),
        (f'name = "a"\nurl = "http://10.0.0.1/x"\nsign_with = ["{KEY}"]', "use https"),
        (f'name = "a"\nurl = "ftp://example.org"\nsign_with = ["{KEY}"]', "must be https"),
        (f'name = "a"\nurl = "https://u:p@example.org"\nsign_with = ["{KEY}"]', "must be https"),
        (f'name = "a"\nurl = "https:///x"\nsign_with = ["{KEY}"]', "must be https"),
        ('name = "a"\nurl = "https://example.org"', "needs sign_with"),
        ('name = "a"\naccept = ["whsec_short"]', "secret"),
        (f'name = "a"\naccept = ["{KEY}", "{KEY}", "{KEY}"]', "length"),
        ('name = "a"\nsecret = "x"', "unknown field"),
        ('name = "a"\n[[platform]]\nname = "a"', "twice"),
        ("name =", "Invalid"),
    ],
)
def test_a_fault_is_named_without_a_secret(row: str, fault: str) -> None:
    with pytest.raises(ValueError, match=fault) as refused:
        read_platforms(f"[[platform]]\n{row}")
    assert KEY not in str(refused.value)


def test_it_is_read_anew_and_a_broken_file_changes_nothing(tmp_path: Path) -> None:
    file = tmp_path / "platforms.toml"
    platforms = Platforms(file)
    assert platforms.now() == {} and platforms.told() == frozenset()
    file.write_text(GOOD)
    assert platforms.told() == {"city:hangzhou"}
    file.write_text("name = ")
    assert platforms.told() == {"city:hangzhou"}
    file.write_text(GOOD.replace("hangzhou", "ningbo"))
    os.utime(file, ns=(1, 1))
    assert platforms.told() == {"city:ningbo"}
    file.unlink()
    assert platforms.now() == {}


def test_a_broken_file_stops_a_start(tmp_path: Path) -> None:
    file = tmp_path / "platforms.toml"
    file.write_text("[[platform]]")
    with pytest.raises(ValueError, match="name"):
        Platforms(file)

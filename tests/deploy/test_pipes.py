"""The pure rules on a pipe: nothing runs, text in, one answer a line out."""

import json

from typer.testing import CliRunner, Result

from deploy.cli import build

RUNNER = CliRunner()


def run(*args: str, text: str) -> Result:
    return RUNNER.invoke(build(), list(args), input=text)


def test_deadlines_of_a_csv_with_the_make_up_saturday_and_a_row_that_cannot_be_read() -> None:
    done = run(
        "clock",
        "due",
        text="id,start,amount,unit\na,2026-10-08T09:00:00+08:00,5,work_day\nb,2026-10-08T09:00,2,urgent_hour\nc,soon,1,work_day\n",
    )
    assert done.exit_code == 1, "one row could not be read"
    lines = done.stdout.splitlines()
    assert lines[0] == "id,due"
    assert lines[1] == "a,2026-10-14T17:30:00+08:00" and lines[2] == "b,2026-10-08T11:00:00+08:00" and lines[3] == "c,"
    assert "c: " in done.stderr


def test_whatever_ends_the_lines_of_a_csv_they_are_rows() -> None:
    done = run("clock", "due", text="id,start,amount,unit\ra,2026-10-08T10:00:00+08:00,5,work_day\r")
    assert (done.exit_code, done.stdout.splitlines()) == (0, ["id,due", "a,2026-10-14T17:30:00+08:00"])


def test_a_line_that_is_no_row_is_named_and_the_others_are_answered() -> None:
    long = "x" * 200_000
    done = run("clock", "due", text=f"id,start,amount,unit\n{long},1,1,1\na,2026-10-08T10:00:00+08:00,5,work_day\n")
    assert done.exit_code == 1 and "line 2: field larger than" in done.stderr
    assert done.stdout.splitlines()[1:] == ["a,2026-10-14T17:30:00+08:00"]


def test_text_is_classified_with_a_reason() -> None:
    done = run("classify", text="徐汇区田林街道田林路100弄门口路灯不亮\n\n")
    [answer, empty] = map(json.loads, done.stdout.splitlines())
    assert answer["name"] == "路灯" and answer["confidence"] > 0.5 and "路灯不亮" in answer["why"]
    assert empty["confidence"] == 0, "one answer a line, an empty one included"


def test_text_is_located_and_look_alikes_are_told_apart() -> None:
    done = run("locate", text="长宁区虹桥街道虹桥路100弄\n闵行区虹桥镇某小区\n没有地点\n")
    answers = [json.loads(line) for line in done.stdout.splitlines()]
    assert [answer["division"] for answer in answers] == ["310105009", "310112107", None]
    assert [(part["words"], part["start"], part["end"]) for part in answers[0]["evidence"]] == [("虹桥街道", 3, 7)]


def test_a_line_to_locate_may_be_an_object_and_a_bad_one_is_named() -> None:
    point = '{"text":"噪音","lon":121.40445,"lat":31.19909,"crs":"cgcs2000"}'
    grid = '{"text":"噪音","grid_code":"310105009888012"}'
    done = run("locate", text=f'{point}\n{grid}\n{{"text":1}}\n{{"txt":"x"}}\n{{"lon":500}}\n')
    answers = [json.loads(line) for line in done.stdout.splitlines()]
    assert [answer.get("division") for answer in answers] == ["310105009", "310105009", None, None, None]
    assert "第10位起无此登记" in answers[1]["why"] and answers[2:] == [{}, {}, {}]
    assert done.exit_code == 1
    for number, cause in ((3, "text"), (4, "txt"), (5, "lon")):
        assert any(line.startswith(f"line {number}: ") and cause in line for line in done.stderr.splitlines())


def test_readings_become_alarms_and_a_bad_line_is_named() -> None:
    readings = [
        {
            "device_id": "WL-310104-0042",
            "kind": "water_level",
            "value": v,
            "unit": "cm",
            "at": f"2026-07-18T17:4{n}:05+08:00",
        }
        for n, v in enumerate((2.0, 23.5, 25.5, 1.0))
    ]
    done = run("sensors", "screen", text="\n".join(json.dumps(r) for r in readings) + "\n{bad\n")
    events = [json.loads(line) for line in done.stdout.splitlines()]
    assert [(e["event"], e["line"]) for e in events][:1] == [("raised", 3)], "two readings in a row confirm"
    assert "line 5" in done.stderr and done.exit_code == 1

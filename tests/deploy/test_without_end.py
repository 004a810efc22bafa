"""A process that fails is tried again for ever. In a file of its own because it needs half a minute."""

import pytest

from deploy.stack.lifecycle import Stack
from tests.deploy.conftest import FAILING, eventually

pytestmark = [pytest.mark.stack, pytest.mark.timeout(240)]


def test_a_failing_process_is_started_again_without_end_and_without_ever_longer_pauses(own_stack: Stack) -> None:
    own_stack.launch_without_waiting(FAILING.name)
    marks = own_stack.home.state_of(FAILING.service) / "starts"
    # supervisord gives up after four failures by default; pauses grow 1, 2, 3, 4, 5 s and then stay
    assert eventually(lambda: marks.exists() and len(marks.read_text().splitlines()) >= 8, seconds=150)
    at = [float(line) for line in marks.read_text().splitlines()]
    assert max(later - earlier for earlier, later in zip(at, at[1:], strict=False)) < 8

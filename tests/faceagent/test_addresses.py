from __future__ import annotations

import pytest

from faceagent.addresses import is_loopback


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "127.8.9.1", "::1"])
def test_this_machine_for_itself(host: str) -> None:
    assert is_loopback(host)


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.4", "127.0.0.1.example.org", "localhost.example.org", ""])
def test_others_reach_it(host: str) -> None:
    assert not is_loopback(host)

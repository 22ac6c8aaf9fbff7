"""The tests that the tutorial of Channels 4 writes in its part 4, run as it says."""

import pytest

from tests.acceptance.channels_4.test_tutorial import write
from tests.browser.chromium import find_chromium
from tests.conftest import give_up
from tests.processes import Split


@pytest.mark.parametrize("overlays", [(), ("tutorial_part_3",)], ids=["part_2", "part_3"])
def test_the_tests_of_part_4_pass(overlays, redis_url, tmp_path):
    if find_chromium() is None:
        give_up("no Chromium with its driver: apt install chromium-driver")
    directory = write(tmp_path / "tutorial", *overlays)
    with Split(directory, settings="mysite.settings", redis_url=redis_url) as split:
        split.manage("test", "chat.tests", limit_s=100)

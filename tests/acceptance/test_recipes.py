"""What an installed package writes for a project, with nothing of this checkout beside it."""

import subprocess

import pytest

from channels.recipes.writing import RECIPES
from tests.acceptance.wheel import clean_environment


@pytest.fixture
def project(installed, tmp_path):
    command = [installed, "-m", "django", "startproject", "shop", tmp_path]
    subprocess.run(command, env=clean_environment(), check=True, timeout=60)
    with open(tmp_path / "shop" / "settings.py", "a") as settings:
        settings.write('INSTALLED_APPS.append("channels")\n')
    return tmp_path


@pytest.mark.parametrize("recipe", RECIPES)
def test_every_recipe_is_in_the_wheel(installed, project, recipe):
    command = [installed, "manage.py", "channels_deploy", recipe, "--output", "-"]
    run = subprocess.run(
        command, cwd=project, env=clean_environment(), capture_output=True, text=True, timeout=60
    )
    assert run.returncode == 0, run.stderr
    assert run.stdout.startswith("# ---- ")
    # The extra is not installed there, and files with --metrics would not work without it.
    assert ("channels-classic[metrics]" in run.stderr) == (recipe != "procfile")

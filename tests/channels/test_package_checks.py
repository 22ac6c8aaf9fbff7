import pytest

from channels import package_checks


def install(folder, name, version, files=None, requires=()):
    """Make `folder` look as if a distribution had been installed into it."""
    info = folder / f"{name}-{version}.dist-info"
    info.mkdir()
    lines = ["Metadata-Version: 2.1", f"Name: {name}", f"Version: {version}"]
    lines += [f"Requires-Dist: {one}" for one in requires]
    (info / "METADATA").write_text("\n".join(lines) + "\n")
    if files is not None:
        (info / "RECORD").write_text("".join(f"{file},,\n" for file in files))
        for path in (folder / file for file in files):  # what is missing is not read since 3.12
            path.parent.mkdir(exist_ok=True)
            path.touch()


@pytest.fixture
def site(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(tmp_path)
    return tmp_path


def test_nothing_is_found_in_an_environment_that_fits():
    assert package_checks.find_conflicts() == []
    assert package_checks.find_old_versions() == []
    package_checks.check_all()


@pytest.mark.parametrize("files", [None, ["channels/__init__.py", "channels/layers.py"]])
def test_another_package_of_the_same_import_name_is_found(site, files):
    install(site, "channels", "4.3.2", files)
    (text,) = package_checks.find_conflicts()
    assert text.startswith("the distribution 'channels' 4.3.2 is installed")
    assert "pip uninstall" in text
    with pytest.raises(RuntimeError, match="pip uninstall"):
        package_checks.check_all()


def test_a_distribution_of_that_name_without_a_package_is_no_conflict(site):
    install(site, "channels", "4.3.2", ["channels-4.3.2.dist-info/METADATA"])
    assert package_checks.find_conflicts() == []


@pytest.mark.parametrize(
    ("requirement", "needs"),
    [
        ("channels", True),
        ("channels>=4.0", True),
        ("Channels (>=3)", True),
        ("channels[daphne]>=4; python_version > '3'", True),
        ("channels-redis", False),
        ("channels_redis>=4", False),
        ("channelsplus", False),
        ("channels>=4 ; extra == 'channels'", False),
    ],
)
def test_packages_that_need_the_distribution_are_named_until_it_is_there(site, requirement, needs):
    install(site, "library", "1.0", requires=["django", requirement])
    assert package_checks.find_dependents() == (["library"] if needs else [])
    install(site, "channels", "4.3.2", [])
    assert package_checks.find_dependents() == []


@pytest.mark.parametrize("version", ["4.0.9", "4", "3.9.9", "4.0rc1"])
def test_a_dependency_that_is_too_old_is_found(site, version):
    install(site, "daphne", version)
    assert package_checks.find_old_versions() == [
        f"daphne {version} is too old: pip install 'daphne>=4.1'"
    ]


@pytest.mark.parametrize("version", ["4.1", "4.1.0", "4.10", "5", "10.0"])
def test_a_dependency_that_is_new_enough_is_let_be(site, version):
    install(site, "daphne", version)
    assert package_checks.find_old_versions() == []


def test_the_oldest_versions_are_those_of_the_packaging():
    import configparser
    import pathlib

    setup = configparser.ConfigParser()
    setup.read(pathlib.Path(__file__).parent.parent.parent / "setup.cfg")
    needed = setup["options"]["install_requires"].replace("[hiredis]", "").split()
    for name, oldest in package_checks.REQUIRED_VERSIONS.items():
        assert f"{name}>={oldest}" in needed

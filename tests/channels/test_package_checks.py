import pytest

from channels import package_checks


def install(folder, name, version):
    """Make `folder` look as if a distribution had been installed into it."""
    info = folder / f"{name}-{version}.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")


@pytest.fixture
def site(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(tmp_path)
    return tmp_path


def test_nothing_is_found_in_an_environment_that_fits():
    assert package_checks.find_conflicts() == []
    assert package_checks.find_old_versions() == []
    package_checks.check_all()


@pytest.mark.parametrize("name", ["channels", "channels_redis"])
def test_another_package_of_the_same_import_name_is_found(site, name):
    install(site, name, "4.3.2")
    (text,) = package_checks.find_conflicts()
    assert text.startswith(f"the distribution {name!r} 4.3.2 is installed")
    assert "pip uninstall" in text
    with pytest.raises(RuntimeError, match="pip uninstall"):
        package_checks.check_all()


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

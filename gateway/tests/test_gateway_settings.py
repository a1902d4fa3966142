"""gateway.toml and keys.toml."""

import pytest

from nuan_gateway.errors import SettingsError
from nuan_gateway.settings import load_keys, load_settings


def test_defaults_and_paths(site_folder):
    settings = load_settings(site_folder / "gateway.toml")
    assert settings.data_dir == site_folder / "data"
    assert settings.site == site_folder / "site.toml"
    assert settings.mqtt.embedded
    assert (settings.mqtt.host, settings.mqtt.port) == ("127.0.0.1", 0)
    assert settings.clock.file is None
    assert settings.forward.url == ""


@pytest.mark.parametrize(
    ("added", "problem"),
    [
        ("[mqtt]\nembedded = false\nport = 0\n", r":8: mqtt\.port: 0 is for the embedded broker"),
        ("[forward]\nurl = 'example'\n", r":7: forward\.url: 'example' is no web address"),
        ("[forward]\nretry_min_s = 60\nretry_max_s = 5\n", r":8: forward\.retry_max_s: 5 is below"),
        ("[ingest]\ncredit_total = 0\n", r":7: ingest\.credit_total: 0 is below the minimum of 1"),
        ("[log]\nlevel = 'loud'\n", r":7: log\.level: 'loud' is unknown; write 'debug', 'info'"),
    ],
)
def test_problems(site_folder, added, problem):
    path = site_folder / "gateway.toml"
    head, _, _ = path.read_text().partition("[mqtt]")
    path.write_text(head + added)
    with pytest.raises(SettingsError, match=problem):
        load_settings(path)


def test_a_password_is_not_shown(site_folder):
    path = site_folder / "gateway.toml"
    path.write_text(path.read_text() + "password = 'secret'\n")
    settings = load_settings(path)
    assert settings.mqtt.password == "secret"
    assert "secret" not in repr(settings)


def test_keys(site_folder):
    keys = load_keys(site_folder / "keys.toml")
    assert keys == {"6e75616e00000001": bytes(range(32))}


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ('"6E75616E00000001" = "{key}"', "is no node id; write 16 lower-case hex digits"),
        ('"6e75616e00000001" = "{key}00"', "not a 32-byte key; write 64 hex digits in quotes"),
        ('"6e75616e00000001" = 5', "not text; write 64 hex digits in quotes"),
    ],
)
def test_bad_keys_are_named_but_never_shown(tmp_path, line, problem):
    path = tmp_path / "keys.toml"
    path.write_text("# nodes\n" + line.format(key="ab" * 32))
    with pytest.raises(SettingsError) as caught:
        load_keys(path)
    assert problem in str(caught.value)
    assert f"{path}:2: " in str(caught.value)
    assert "abab" not in str(caught.value)

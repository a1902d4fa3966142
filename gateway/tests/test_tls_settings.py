"""[mqtt] and TLS: what goes together, and what is said when it doesn't."""

from pathlib import Path

import pytest

from nuan_gateway.errors import SettingsError
from nuan_gateway.settings import load_settings

HEAD = 'format = 1\ndata_dir = "data"\nsite = "site.toml"\nkeys = "keys.toml"\n[mqtt]\n'


def load(folder: Path, mqtt: str):
    path = folder / "gateway.toml"
    path.write_text(HEAD + mqtt, "utf-8")
    return load_settings(path)


def test_paths_are_relative_to_the_file(tmp_path: Path) -> None:
    mqtt = load(tmp_path, 'tls_cert = "tls/server.pem"\ntls_key = "tls/server.key"\n').mqtt
    assert mqtt.tls_cert == tmp_path / "tls" / "server.pem"
    assert mqtt.tls_key == tmp_path / "tls" / "server.key"
    mqtt = load(tmp_path, 'embedded = false\nport = 8883\nca_file = "ca0.pem"\n').mqtt
    assert mqtt.ca_file == tmp_path / "ca0.pem"


@pytest.mark.parametrize(
    ("mqtt", "said"),
    [
        ('tls_cert = "a"\n', "mqtt.tls_key: missing; a certificate needs its key"),
        ('tls_key = "a"\n', "mqtt.tls_cert: missing; a key needs its certificate"),
        ('ca_file = "a"\n', "mqtt.ca_file: is for another broker; write tls_cert and tls_key"),
        (
            'embedded = false\ntls_cert = "a"\n',
            "mqtt.tls_cert: is for the embedded broker; write ca_file",
        ),
        ('tls_crt = "a"\n', "mqtt.tls_crt: unknown key; did you mean tls_cert?"),
    ],
)
def test_what_doesnt_go_together_is_named(tmp_path: Path, mqtt: str, said: str) -> None:
    with pytest.raises(SettingsError) as caught:
        load(tmp_path, mqtt)
    assert [problem.split(": ", 1)[1] for problem in caught.value.problems] == [said]

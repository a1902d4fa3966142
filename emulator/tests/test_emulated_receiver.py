"""The company's receiver over real HTTP, in its own process."""

import base64
import hashlib
import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
PUBLIC = KEY.public_key().public_bytes_raw()
SECOND = {"key": "b", "kind": "bill", "payload": {"fen": 1}}
FIRST = {"key": "a", "kind": "readings", "payload": [1, {"x": "暖"}]}


class Company:
    """One receiver process and a client that signs."""

    def __init__(self, folder: Path, *options: str) -> None:
        ready = folder / "ready.json"
        self.process = subprocess.Popen(
            [sys.executable, "-m", "nuan_emulator.receiver", "--db", str(folder / "feed.sqlite"),
             "--ready", str(ready), *options],
            stdout=subprocess.PIPE,
            text=True,
        )  # fmt: skip
        assert self.process.stdout is not None
        announced = json.loads(self.process.stdout.readline())
        assert announced == json.loads(ready.read_text())
        assert announced["pid"] == self.process.pid
        self.client = httpx.Client(base_url=f"http://127.0.0.1:{announced['port']}")

    def send(self, *messages: object, **headers: str) -> httpx.Response:
        return self.send_raw(json.dumps({"messages": messages}).encode(), **headers)

    def send_raw(self, body: bytes, **headers: str) -> httpx.Response:
        signature = base64.b64encode(KEY.sign(body)).decode()
        sent = {
            "Nuan-Key-Id": hashlib.sha256(PUBLIC).digest()[:8].hex(),
            "Nuan-Signature": f"ed25519={signature}",
        }
        sent.update({name.replace("_", "-"): value for name, value in headers.items()})
        return self.client.post("/v1/messages", content=body, headers=sent)

    def status(self) -> dict[str, object]:
        return self.client.get("/status").json()

    def control(self, **wish: object) -> httpx.Response:
        return self.client.post("/control", json=wish)

    def stop(self) -> int:
        self.client.close()
        self.process.send_signal(signal.SIGTERM)
        assert self.process.stdout is not None
        code = self.process.wait(20)
        self.process.stdout.close()
        return code


@pytest.fixture
def company(tmp_path) -> Iterator[Company]:
    receiver = Company(tmp_path, "--trust", PUBLIC.hex())
    yield receiver
    receiver.stop()


@pytest.fixture(scope="module")
def refusing(tmp_path_factory) -> Iterator[Company]:
    """A receiver for requests that must leave no trace."""
    receiver = Company(tmp_path_factory.mktemp("refusing"), "--trust", PUBLIC.hex())
    yield receiver
    assert receiver.status()["messages"] == 0
    receiver.stop()


def test_messages_are_stored_once_however_often_they_come(company):
    answer = company.send(FIRST, SECOND)
    assert (answer.status_code, answer.json()) == (200, {"accepted": ["a", "b"]})
    assert company.send(SECOND).json() == {"accepted": ["b"]}
    assert company.send(SECOND, FIRST).json() == {"accepted": ["b", "a"]}
    assert company.status() == {
        "messages": 2,
        "duplicates": 3,
        "kinds": {"bill": 1, "readings": 1},
        "failed": 0,
        "answers_lost": 0,
    }


def test_a_known_key_with_another_content_is_refused_whole(company):
    company.send(FIRST)
    answer = company.send(SECOND, {**FIRST, "payload": [2]})
    assert answer.status_code == 409
    assert "'a'" in answer.json()["error"] or " a " in answer.json()["error"]
    assert company.status()["messages"] == 1


def test_what_was_stored_survives_a_restart(tmp_path):
    first = Company(tmp_path, "--trust", PUBLIC.hex())
    first.send(FIRST)
    assert first.stop() == 0
    second = Company(tmp_path, "--trust", PUBLIC.hex())
    second.send(FIRST)
    assert second.status()["messages"] == 1
    assert second.status()["duplicates"] == 1
    second.stop()


@pytest.mark.parametrize(
    "headers",
    [
        {"Nuan_Signature": "ed25519=" + base64.b64encode(bytes(64)).decode()},
        {"Nuan_Signature": "ed25519=!"},
        {"Nuan_Signature": "rsa=AAAA"},
        {"Nuan_Key_Id": "00" * 8},
        {"Nuan_Key_Id": ""},
    ],
)
def test_a_wrong_signature_or_key_is_refused(refusing, headers):
    answer = refusing.send(FIRST, **headers)
    assert answer.status_code == 401


def test_a_changed_body_breaks_the_signature(refusing):
    body = json.dumps({"messages": [FIRST]}).encode()
    signature = "ed25519=" + base64.b64encode(KEY.sign(body)).decode()
    assert refusing.send_raw(body.replace(b"1", b"2"), Nuan_Signature=signature).status_code == 401


def test_the_full_public_key_names_itself_too(company):
    assert company.send(FIRST, Nuan_Key_Id=PUBLIC.hex()).status_code == 200


def test_a_key_file_may_appear_later(tmp_path):
    path = tmp_path / "signing.pub"
    receiver = Company(tmp_path, "--trust", str(path))
    assert receiver.send(FIRST).status_code == 401
    path.write_bytes(KEY.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
    assert receiver.send(FIRST).status_code == 200
    receiver.stop()


@pytest.mark.parametrize(
    ("body", "what"),
    [
        (b"{", "not JSON"),
        (b"[]", "messages"),
        (b'{"messages": 1}', "messages"),
        (b'{"messages": [1]}', r"messages[0] is not an object"),
        (b'{"messages": [{"key": "", "kind": "x", "payload": 1}]}', "messages[0].key"),
        (b'{"messages": [{"key": "k", "kind": 1, "payload": 1}]}', "messages[0].kind"),
        (b'{"messages": [{"key": "k", "kind": "x"}]}', "messages[0].payload"),
    ],
)
def test_malformed_bodies_are_named(refusing, body, what):
    answer = refusing.send_raw(body)
    assert answer.status_code == 400
    assert what in answer.json()["error"]


def test_down_means_no_answer_until_it_is_up_again(company):
    assert company.control(down=True).status_code == 200
    with pytest.raises(httpx.TransportError):
        company.send(FIRST)
    assert company.control(down=False).status_code == 200
    assert company.send(FIRST).status_code == 200
    assert company.status()["duplicates"] == 0


def test_failures_before_and_after_storing_end_with_every_message_once(tmp_path):
    receiver = Company(
        tmp_path, "--trust", PUBLIC.hex(), "--seed", "3",
        "--fail-rate", "0.3", "--lose-answer-rate", "0.3",
    )  # fmt: skip
    for number in range(40):
        message = {"key": f"r-{number}", "kind": "readings", "payload": number}
        while (answer := receiver.send(message)).status_code != 200:
            assert answer.status_code == 500
    status = receiver.status()
    assert status["messages"] == 40
    assert status["answers_lost"] == status["duplicates"] != 0
    assert status["failed"] != 0
    receiver.stop()


def test_control_is_checked(refusing):
    assert refusing.control(fail_rate=2).status_code == 400
    assert refusing.control(down="yes").status_code == 400
    assert refusing.control(speed=1).status_code == 400
    assert refusing.client.get("/else").status_code == 404
    assert refusing.client.post("/else", content=b"{}").status_code == 404


def test_bad_usage_is_one_clear_line_and_exit_code_2(company, tmp_path):
    port = str(company.client.base_url.port)
    cases = (
        (("--port", port), f"port {port}"),
        (("--fail-rate", "1.5"), "outside 0..1"),
        (("--db", str(tmp_path / "none" / "x.sqlite")), "can be written"),
    )
    for options, what in cases:
        ended = subprocess.run(
            [
                sys.executable,
                "-m",
                "nuan_emulator.receiver",
                "--db",
                str(tmp_path / "x.sqlite"),
                *options,
            ],
            capture_output=True,
            text=True,
            check=False,
            timeout=30,
        )
        assert ended.returncode == 2
        assert ended.stderr.count("\n") == 1
        assert what in ended.stderr

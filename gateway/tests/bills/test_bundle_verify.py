"""A bundle proves its bill from its bytes alone, and any change of it is found and named."""

import copy
import json
import random
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from nuan_gateway.bundle_export import ExportError, bundle_text, export_bundle
from nuan_gateway.evidence.canonical import canonical_bytes, digest_hex
from nuan_gateway.evidence.signing import Signer
from nuan_gateway.evidence.verify import verify

NODE = "6e75616e00000001"
KEY = bytes(range(32))
Path = tuple[str | int, ...]


def export(world: Any, unit: str = "102") -> dict[str, Any]:
    return export_bundle(world.bench.engine, "2025-2026", unit, {NODE: KEY}, world.signer.public)


@pytest.fixture
def bundle(world: Any) -> dict[str, Any]:
    world.run()
    return export(world)


@pytest.fixture
def small_bundle(make_world: Callable[..., Any]) -> dict[str, Any]:
    world = make_world(days=2)
    world.fill()
    world.run()
    return export(world)


def links(bundle: dict[str, Any], key: bytes | None = None) -> list[str]:
    return [finding.link for finding in verify(bundle_text(bundle), key).findings]


def first(bundle: dict[str, Any]) -> str:
    findings = verify(bundle_text(bundle)).findings
    assert findings, "the change went unnoticed"
    return str(findings[0])


def resign(bundle: dict[str, Any], signer: Signer) -> None:
    """What a gateway that lies would do: sign the changed statement with its own key."""
    signature = signer.sign(canonical_bytes(bundle["statement"]))
    bundle["signature"] = signature.hex()


def leaves(document: object, path: Path = ()) -> Iterator[tuple[Path, Any]]:
    if isinstance(document, dict):
        for key, value in document.items():
            yield from leaves(value, (*path, key))
    elif isinstance(document, list):
        for index, value in enumerate(document):
            yield from leaves(value, (*path, index))
    else:
        yield path, document


def replaced(bundle: dict[str, Any], path: Path, value: object) -> dict[str, Any]:
    changed = copy.deepcopy(bundle)
    place: Any = changed
    for step in path[:-1]:
        place = place[step]
    place[path[-1]] = value
    return changed


def variants(value: object) -> Iterator[object]:
    """Values that differ from a leaf in each class of its characters, and in kind."""
    if value is None:
        yield from ("", 0)
    elif isinstance(value, int):
        yield from (value + 1, value - 1, -value - 1, str(value), None)
    else:
        text = str(value)
        yield from (text + "0", text[1:] if text else "x", None, 7)
        for is_class, other in (
            (str.isdigit, "7"),
            (str.islower, "q"),
            (str.isupper, "Q"),
            (lambda c: not c.isalnum(), "_"),
        ):
            for at, character in enumerate(text):
                if is_class(character) and character != other:
                    yield text[:at] + other + text[at + 1 :]
                    break
        if text.upper() != text:
            yield text.upper()


def test_a_true_bundle_holds(world: Any, bundle: dict[str, Any]) -> None:
    verdict = verify(bundle_text(bundle), world.signer.public)
    assert verdict.findings == ()
    assert verdict.holds
    assert verdict.key_id == world.signer.key_id
    assert verdict.bundle is not None
    assert verdict.bundle.statement.unit.id == "102"


def test_every_unit_can_have_its_bundle(world: Any) -> None:
    world.run()
    for unit in ("101", "102", "201"):
        assert links(export(world, unit)) == []


def test_a_bundle_shows_nothing_of_the_neighbours(world: Any, bundle: dict[str, Any]) -> None:
    text = bundle_text(bundle)
    own = {entry["raw"] for entry in bundle["entries"]}
    others = [raw.hex() for (raw,) in world.bench.rows("SELECT raw FROM entry")]
    assert not [raw for raw in others if raw in text and raw not in own]
    assert '"10000001"' not in text
    assert "101室" not in text
    salts = {entry["salt"] for entry in bundle["entries"]}
    assert len(salts) == len(own)


def test_the_wrong_key_is_named(bundle: dict[str, Any]) -> None:
    assert links(bundle, bytes(32)) == ["gateway key"]


def test_every_changed_leaf_is_found(small_bundle: dict[str, Any]) -> None:
    unnoticed = [
        (path, value, other)
        for path, value in leaves(small_bundle)
        for other in variants(value)
        if not links(replaced(small_bundle, path, other))
    ]
    assert unnoticed == []


def test_every_changed_byte_of_hex_is_found(small_bundle: dict[str, Any]) -> None:
    unnoticed: list[tuple[Path, int]] = []
    for path, value in leaves(small_bundle):
        if (
            not isinstance(value, str)
            or len(value) < 32
            or not set(value) <= set("0123456789abcdef")
        ):
            continue
        # The two characters of a byte take turns, so that both nibbles are tried all over.
        for at in range(0, len(value), 2):
            place = at + at // 2 % 2
            other = "0" if value[place] != "0" else "8"
            changed = value[:place] + other + value[place + 1 :]
            if not links(replaced(small_bundle, path, changed)):
                unnoticed.append((path, place))
    assert unnoticed == []


def test_any_changed_character_is_found(small_bundle: dict[str, Any], seed: int) -> None:
    text = bundle_text(small_bundle)
    rng = random.Random(seed)
    for at in rng.sample(range(len(text)), 400):
        other = rng.choice('0123456789abcdefABCXYZ"{}[]:,.-_ 暖\\\n')
        changed = text[:at] + other + text[at + 1 :]
        try:
            says_the_same = json.loads(changed) == small_bundle
        except ValueError:
            says_the_same = False
        assert verify(changed).holds == says_the_same, text[at - 20 : at + 20]


def test_keys_cannot_be_added_or_left_out(small_bundle: dict[str, Any]) -> None:
    def objects(document: Any) -> Iterator[dict[str, Any]]:
        if isinstance(document, dict):
            yield document
        for inner in document.values() if isinstance(document, dict) else document:
            if isinstance(inner, dict | list):
                yield from objects(inner)

    for index, found in enumerate(objects(small_bundle)):
        changed = copy.deepcopy(small_bundle)
        list(objects(changed))[index]["surprise"] = 1
        assert links(changed), found
        for key in found:
            changed = copy.deepcopy(small_bundle)
            del list(objects(changed))[index][key]
            assert links(changed), (key, found)


def changed_entry_byte(bundle: dict[str, Any]) -> None:
    raw = bytearray.fromhex(bundle["entries"][2]["raw"])
    raw[-5] ^= 1
    bundle["entries"][2]["raw"] = raw.hex()


def changed_salt(bundle: dict[str, Any]) -> None:
    bundle["entries"][2]["salt"] = "00" * 16


def changed_proof(bundle: dict[str, Any]) -> None:
    bundle["entries"][2]["proof"][0] = "00" * 32


def changed_leaf(bundle: dict[str, Any]) -> None:
    bundle["entries"][2]["leaf"] += 1


def changed_meaning(bundle: dict[str, Any]) -> None:
    bundle["entries"][2]["reads"]["registers"][0]["value"] = "1"


def left_out(bundle: dict[str, Any]) -> None:
    del bundle["entries"][2]


def swapped(bundle: dict[str, Any]) -> None:
    held = bundle["entries"]
    held[2], held[3] = held[3], held[2]


def held_twice(bundle: dict[str, Any]) -> None:
    bundle["entries"].insert(2, bundle["entries"][2])


def another_tariff(bundle: dict[str, Any]) -> None:
    bundle["tariff"]["metered"]["price"] = "0.15"


def changed_total(bundle: dict[str, Any]) -> None:
    bundle["statement"]["total_fen"] -= 1


def changed_root(bundle: dict[str, Any]) -> None:
    bundle["roots"][1]["statement"]["leaf_count"] += 1


def root_left_out(bundle: dict[str, Any]) -> None:
    del bundle["roots"][2]


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (changed_entry_byte, "entry 3: digest does not match its bytes"),
        (changed_salt, "entry 3: digest does not match its bytes"),
        (changed_proof, "entry 3: proof does not lead to the root of 2025-11-02"),
        (changed_leaf, "entry 3: proof does not lead to the root of 2025-11-02"),
        (changed_meaning, "entry 3: reads.registers[0].value says '1', recomputed"),
        (left_out, "entry 3: the statement names it, the bundle doesn't hold it"),
        (swapped, "entry 3: out of place: the statement names it as entry 4"),
        (held_twice, "entry 4: is in the bundle twice"),
        (another_tariff, "tariff digest: the tariff isn't the one the statement was made with"),
        (changed_total, "statement signature: does not hold over the statement"),
        (changed_root, "root 2025-11-01: signature does not hold over the root statement"),
        (root_left_out, "root 2025-11-03: does not name the root statement before it"),
    ],
)
def test_the_broken_link_is_named_first(
    bundle: dict[str, Any], change: Callable[[dict[str, Any]], None], expected: str
) -> None:
    change(bundle)
    assert first(bundle).startswith(expected)


def lower_total(bundle: dict[str, Any]) -> None:
    bundle["statement"]["total_fen"] -= 1


def lower_line(bundle: dict[str, Any]) -> None:
    bundle["statement"]["lines"][1]["amount_fen"] -= 1


def other_arithmetic(bundle: dict[str, Any]) -> None:
    bundle["statement"]["lines"][1]["arithmetic"] = "trust me"


def other_register(bundle: dict[str, Any]) -> None:
    bundle["statement"]["closing"]["integer"] += 1


def other_tariff(bundle: dict[str, Any]) -> None:
    bundle["tariff"]["metered"]["price"] = "0.17"
    bundle["statement"]["tariff"]["digest"] = digest_hex(bundle["tariff"])


def by_area(bundle: dict[str, Any]) -> None:
    bundle["statement"]["basis"] = "area"


def later_opening(bundle: dict[str, Any]) -> None:
    statement = bundle["statement"]
    del statement["entries"][0]
    del bundle["entries"][0]


def longer_season(bundle: dict[str, Any]) -> None:
    bundle["statement"]["season"]["end_utc"] += 3600


def other_meter(bundle: dict[str, Any]) -> None:
    bundle["statement"]["meter"]["serial"] = "10000003"


def other_slot(bundle: dict[str, Any]) -> None:
    bundle["statement"]["meter"]["places"][0]["slot"] = 3


def second_version(bundle: dict[str, Any]) -> None:
    bundle["statement"]["version"] = 2


@pytest.mark.parametrize(
    ("lie", "link"),
    [
        (lower_total, "totals"),
        (lower_line, "bill lines"),
        (other_arithmetic, "bill lines"),
        (other_register, "closing register"),
        (other_tariff, "bill lines"),
        (by_area, "consumption"),
        (later_opening, "opening register"),
        (longer_season, "season"),
        (other_meter, "entry 1"),
        (other_slot, "entry 1"),
        (second_version, "correction"),
    ],
)
def test_a_gateway_that_signs_a_lie_is_found_out(
    world: Any, bundle: dict[str, Any], lie: Callable[[dict[str, Any]], None], link: str
) -> None:
    lie(bundle)
    resign(bundle, world.signer)
    assert link in links(bundle, world.signer.public)


def test_another_gateways_root_does_not_count(
    make_world: Callable[..., Any], bundle: dict[str, Any]
) -> None:
    other = make_world(name="other")
    other.fill()
    other.run()
    stranger = export(other)
    assert first({**bundle, "roots": stranger["roots"]}).startswith("root 2025-10-31: signature")


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("", "structure: line 1, column 1"),
        ("[]", "structure: $: "),
        ("{}", "structure: $.format: Field required"),
        ('{"format":1,"format":1}', "structure: key 'format' appears twice"),
        ('{"format":1.0}', "structure: number '1.0': only whole numbers"),
        ("{" * 100_000, "structure: "),
        ('"\ud800"', "structure: "),
    ],
)
def test_what_is_no_bundle_is_refused(text: str, complaint: str) -> None:
    verdict = verify(text)
    assert str(verdict.findings[0]).startswith(complaint)
    assert verdict.bundle is None
    assert not verdict.holds


@pytest.mark.parametrize("depth", [300, 980, 985, 990, 995, 1000, 5000])
def test_deep_nesting_is_no_crash(depth: int) -> None:
    for text in ("[" * depth + "]" * depth, '{"a":' * depth + "1" + "}" * depth):
        assert str(verify(text).findings[0]).startswith("structure: ")


@pytest.mark.parametrize(
    ("path", "other"),
    [
        (("format",), True),
        (("entries", 0, "day"), "2025-10-31T00:00:00"),
        (("entries", 0, "day"), "1761868800"),
        (("entries", 0, "day"), 1_761_868_800),
        (("entries", 0, "day"), "20251031"),
        (("entries", 0, "day"), "2025-W44-5"),
    ],
)
def test_a_value_has_one_spelling(small_bundle: dict[str, Any], path: Path, other: object) -> None:
    assert small_bundle["entries"][0]["day"] == "2025-10-31"
    assert links(replaced(small_bundle, path, other)) == ["structure"]


def test_a_bill_by_area_has_a_bundle_too(make_world: Callable[..., Any]) -> None:
    world = make_world()
    world.fill(first_s=1_761_926_400 + 2 * 86_400)
    world.run()
    bundle = export(world)
    assert bundle["statement"]["basis"] == "area"
    assert links(bundle) == []
    bundle["statement"]["problems"] = []
    assert "statement signature" in links(bundle)


def test_a_correction_has_a_bundle_too(world: Any) -> None:
    world.run()
    metered = world.tariff.metered.model_copy(update={"price": "0.17"})
    world.run(tariff=world.tariff.model_copy(update={"metered": metered, "version": "2"}))
    bundle = export(world)
    assert bundle["statement"]["version"] == 2
    assert links(bundle) == []


def test_a_root_that_is_not_sealed_yet_is_told(make_world: Callable[..., Any]) -> None:
    world = make_world()
    world.fill(last_s=world.end_s - 6 * 3600)
    world.read(world.end_s)
    world.bench.clock.ms = world.end_s * 1000 + 60_000
    world.run()
    with pytest.raises(ExportError, match="the root of 2025-11-07 isn't sealed yet"):
        export(world)
    world.bench.clock.ms = (world.end_s + 4 * 86_400) * 1000
    world.bench.writer.seal()
    assert links(export(world)) == []


def test_what_cannot_be_exported_is_told(world: Any) -> None:
    with pytest.raises(ExportError, match="has no bills yet; run: nuan bill run"):
        export(world)
    world.run()
    with pytest.raises(ExportError, match=r"no bill for unit '999'.*it has 101, 102, 201"):
        export(world, "999")
    with pytest.raises(ExportError, match=f"no key of node {NODE}"):
        export_bundle(world.bench.engine, "2025-2026", "101", {}, world.signer.public)

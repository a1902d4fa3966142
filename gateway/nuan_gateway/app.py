"""The gateway as one process: broker, ingest and forwarder around one database."""

import asyncio
import contextlib
import fcntl
import json
import logging
import os
import signal
from collections.abc import AsyncGenerator, Callable, Coroutine, Generator, Mapping
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Engine

from nuan_gateway import inbox
from nuan_gateway.broker import BrokerChannel, embedded_broker
from nuan_gateway.clock import Clock, open_clock
from nuan_gateway.errors import GatewayError, SettingsError
from nuan_gateway.evidence.signing import KeyFileError, Signer, open_signer
from nuan_gateway.forward.outbox import Forwarder
from nuan_gateway.ingest.commit import Writer
from nuan_gateway.ingest.courier import Courier
from nuan_gateway.ingest.credit import Credits
from nuan_gateway.ingest.decode import Decoder
from nuan_gateway.ingest.messages import Gatekeeper
from nuan_gateway.ingest.seal import Sealer
from nuan_gateway.ingest.subscriber import Ingest
from nuan_gateway.key_file import KeyFile
from nuan_gateway.poll.run import poll_site
from nuan_gateway.settings import NODE_KEY_BYTES, Settings, load_keys
from nuan_gateway.site import Site, load_site
from nuan_gateway.store.engine import DATABASE_NAME, begin_write, open_database
from nuan_gateway.store.master import load_slots, sync_site
from nuan_gateway.whole_file import write_whole
from nuan_gateway.workspace import LOCK_NAME

# A HELLO needs no credit, so the queue is larger than the credit that all nodes share.
QUEUE_PER_CREDIT = 2
READY_NAME = "gateway.json"

log = logging.getLogger(__name__)


async def run(settings: Settings, *, ready: Callable[[int], None] | None = None) -> None:
    """Run until SIGTERM, SIGINT or cancellation; `ready` gets the broker's port once nodes can
    talk to the gateway. Raises GatewayError, with nothing half-written, when it can't start."""
    site = load_site(settings.site)
    keys = load_keys(settings.keys)
    _check_keys(site, keys, settings.keys)
    clock = open_clock(settings.clock.file)
    with _locked(settings.data_dir):
        # The port before the database: a start that fails there leaves no file behind.
        async with _broker(settings) as (port, channel):
            with _database(settings.data_dir, site, clock) as engine:
                signer = _signer(settings.data_dir)
                credit = settings.ingest.credit_total
                writer = _writer(engine, clock, site, keys, signer, settings)
                forwarder = Forwarder(engine, clock, settings.forward, signer)
                ingest = Ingest(settings.mqtt, writer, clock, QUEUE_PER_CREDIT * credit)
                announce = _announcer(settings, port, ready)
                work = {
                    "ingest": ingest.run(announce, channel),
                    "forward": _forward(forwarder),
                    "poll": _poll(site, clock, ingest),
                    "inbox": inbox.serve(settings.data_dir / inbox.INBOX_NAME, ingest.keep),
                }
                await _until_stopped(work)


@contextmanager
def writer_at_rest(settings: Settings) -> Generator[tuple[Engine, Writer]]:
    """The database and the writer of a gateway that doesn't run, held as if it did; raises
    GatewayError when it runs, or couldn't start."""
    site = load_site(settings.site)
    keys = load_keys(settings.keys)
    clock = open_clock(settings.clock.file)
    with _locked(settings.data_dir), _database(settings.data_dir, site, clock) as engine:
        yield engine, _writer(engine, clock, site, keys, _signer(settings.data_dir), settings)


async def _until_stopped(work: Mapping[str, Coroutine[Any, Any, None]]) -> None:
    """Run all of it until a signal comes or one of them fails."""
    stop = asyncio.Event()
    with _stopping_on_signals(stop):
        tasks = [asyncio.create_task(job, name=name) for name, job in work.items()]
        tasks.append(asyncio.create_task(_wait(stop), name="stop"))
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)


async def _wait(stop: asyncio.Event) -> None:
    await stop.wait()


async def _forward(forwarder: Forwarder) -> None:
    await forwarder.run()
    # It returns when there is nobody to deliver to: that is no reason for the gateway to stop.
    await asyncio.Event().wait()


async def _poll(site: Site, clock: Clock, ingest: Ingest) -> None:
    if site.gateway_nodes:
        await poll_site(site, clock, ingest.journal)
    await asyncio.Event().wait()


@contextmanager
def _stopping_on_signals(stop: asyncio.Event) -> Generator[None]:
    loop = asyncio.get_running_loop()
    signals = (signal.SIGTERM, signal.SIGINT)
    for number in signals:
        loop.add_signal_handler(number, stop.set)
    try:
        yield
    finally:
        for number in signals:
            loop.remove_signal_handler(number)


def _announcer(
    settings: Settings, port: int, ready: Callable[[int], None] | None
) -> Callable[[], None]:
    """What is done when the subscription stands: the first time, the world is told."""
    told = False

    def announce() -> None:
        nonlocal told
        if told:
            return
        told = True
        path = settings.data_dir / READY_NAME
        text = json.dumps({"port": port, "pid": os.getpid()}) + "\n"
        write_whole(path, text.encode())
        log.info("ready, broker on port %d", port)
        if ready is not None:
            ready(port)

    return announce


@asynccontextmanager
async def _broker(settings: Settings) -> AsyncGenerator[tuple[int, BrokerChannel | None]]:
    """The broker's port, and the embedded one's channel while it runs."""
    if not settings.mqtt.embedded:
        yield settings.mqtt.port, None
        return
    queue = QUEUE_PER_CREDIT * settings.ingest.credit_total
    async with embedded_broker(settings.mqtt, queue) as (port, channel):
        yield port, channel


@contextmanager
def _locked(data_dir: Path) -> Generator[None]:
    """Hold the data folder for this process alone; the system lets go when the process ends."""
    try:
        data_dir.mkdir(parents=True, exist_ok=True)
        file = (data_dir / LOCK_NAME).open("a")
    except OSError as error:
        raise GatewayError(
            f"{error.filename}: {error.strerror}; make data_dir a folder the gateway may write to"
        ) from None
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise GatewayError(
                f"{data_dir}: another gateway runs on this folder; stop it first"
            ) from None
        try:
            yield
        finally:
            with contextlib.suppress(FileNotFoundError):
                (data_dir / READY_NAME).unlink()


@contextmanager
def _database(data_dir: Path, site: Site, clock: Clock) -> Generator[Engine]:
    engine = open_database(data_dir / DATABASE_NAME)
    try:
        with begin_write(engine) as connection:
            sync_site(connection, site, clock.now_ms() // 1000)
        yield engine
    finally:
        engine.dispose()


def _check_keys(site: Site, keys: dict[str, bytes], path: Path) -> None:
    """What the gateway can't journal without is an error. A board's key may come while it runs."""
    missing = [node.id for node in site.gateway_nodes if node.id not in keys]
    if missing:
        raise SettingsError(
            [
                f"{path}: node {node} of the site has no key; add its line, "
                f'"{node}" = "the {2 * NODE_KEY_BYTES} hex digits of its key"'
                for node in missing
            ]
        )
    for board in site.boards:
        if board.id not in keys:
            log.warning(
                "%s: node %s of the site has no key yet, its messages are refused; "
                "nuan provision adds its line",
                path,
                board.id,
            )


def _signer(data_dir: Path) -> Signer:
    try:
        return open_signer(data_dir)
    except KeyFileError as error:
        raise GatewayError(str(error)) from None


def _writer(
    engine: Engine,
    clock: Clock,
    site: Site,
    keys: dict[str, bytes],
    signer: Signer,
    settings: Settings,
) -> Writer:
    with engine.connect() as connection:
        slots = load_slots(connection)
    gatekeeper = Gatekeeper(keys, KeyFile(settings.keys).renewed)
    return Writer(
        engine,
        clock,
        gatekeeper,
        Decoder(slots),
        Sealer(site.site.id, signer),
        Credits(settings.ingest.credit_total),
        site.site.id,
        Courier(gatekeeper.keys_of, site, push_config=settings.nodes.push_config),
        site.time_zone,
    )

import asyncio

from config_kit import make_config

from nuan_firmware import config, config_links, several_links
from nuan_firmware import links as one_link
from nuan_firmware.config import Bus, Section

BUS = Bus("mbus", "mbus", 1, 17, 16, -1, 2400, "E", 30)


class Patience:
    """Stands in for asyncio where links wait for themselves: nobody has half a second here."""

    @staticmethod
    async def sleep_ms(duration):
        pass

    @staticmethod
    def create_task(work):
        work.close()


one_link.asyncio = several_links.asyncio = Patience


class Time:
    def __init__(self):
        self.s = 0

    def uptime(self):
        return self.s


class Way:
    """A link that comes up when started, while it is `good`; `log` is what was asked of it."""

    start_s = 1

    def __init__(self, kind, good=True):
        self.kind = kind
        self.good = good
        self.started = False
        self.log = []

    def start(self):
        self.log.append("start")
        self.started = True

    def step(self):
        pass

    def is_up(self):
        return self.started and self.good

    def why(self):
        return "no " + self.kind

    def stop(self):
        self.log.append("stop")
        self.started = False


class Story:
    """Links under test, the time in our hand."""

    def __init__(self, *ways):
        self.ways = ways
        self.clock = Time()
        self.notes = []
        made = several_links.SeveralLinks if len(ways) > 1 else one_link.Links
        self.links = made(ways, self.clock, self.notes.append)

    def connect(self, reached=True):
        """A connection begins; the kind of link it goes over, or what is said without one."""
        try:
            asyncio.run(self.links.bring_up())
        except OSError as problem:
            return problem.args[0]
        if reached:
            self.links.reached()
        return self.links.describe()["link"]

    def beats(self, minutes, is_idle=True):
        """Beats until the connection should be ended for a better link: the minute, or -1."""
        for minute in range(minutes):
            self.clock.s += 60
            if self.links.check(is_idle):
                return minute + 1
        return -1


def test_the_first_that_comes_up_is_used_and_the_others_are_off():
    story = Story(Way("ethernet", False), Way("wifi"), Way("ppp"))
    assert story.connect() == "wifi"
    assert [way.started for way in story.ways] == [False, True, False]
    assert story.notes == ["ethernet -> wifi: no ethernet; away 0 s"]


def test_a_driver_that_fails_in_its_own_way_does_not_keep_the_next_link_from_its_turn():
    for error in (RuntimeError, AttributeError, ValueError, OSError):
        story = Story(Way("ethernet"), Way("wifi"))

        def start(error=error):
            raise error("driver")

        story.ways[0].start = start
        assert story.connect() == "wifi"
        assert story.beats(60) == -1


def test_none_says_why_and_begins_anew_with_the_first():
    story = Story(Way("wifi", False), Way("ppp", False))
    assert story.connect() == "no link: no ppp"
    story.ways[0].good = True
    assert story.connect() == "wifi"
    assert story.notes == []


def test_without_any_link_the_network_is_somebody_elses():
    story = Story()
    assert story.connect() == ""
    assert story.links.is_up()


def test_a_link_over_which_the_gateway_is_silent_is_left_after_five_minutes():
    story = Story(Way("wifi"), Way("ppp"))
    assert story.connect() == "wifi"
    for _ in range(5):
        story.links.failed("reset")
        story.clock.s += 60
        assert story.connect(reached=False) == "wifi"
    story.links.failed("reset")
    assert story.connect() == "ppp"
    assert story.notes == ["wifi -> ppp: reset; away 300 s"]


def test_one_link_is_never_left():
    story = Story(Way("wifi"))
    story.connect()
    for _ in range(20):
        story.links.failed("reset")
        story.clock.s += 60
        assert story.connect(reached=False) == "wifi"
    assert story.ways[0].log == ["start"]


def fallen_back():
    story = Story(Way("wifi", False), Way("ppp"))
    story.connect()
    story.notes.clear()
    return story


def test_a_better_link_must_hold_for_five_minutes():
    story = fallen_back()
    story.ways[0].good = True
    assert story.beats(34) == -1
    # The look begins after 30 minutes, sees the link a minute later, and five after that it's good.
    assert story.beats(10) == 2
    story.links.failed("a better link works again")
    assert story.connect() == "wifi"
    assert [way.started for way in story.ways] == [True, False]
    assert story.notes == ["ppp -> wifi: it works again; away 0 s"]


def test_a_better_link_waits_until_everything_is_delivered():
    story = fallen_back()
    story.ways[0].good = True
    assert story.beats(90, is_idle=False) == -1
    assert story.beats(2) == 1


def test_looks_become_rarer_to_every_four_hours():
    story = fallen_back()
    looks = []
    for minute in range(24 * 60):
        story.beats(1)
        if story.ways[0].log and story.ways[0].log[-1] == "start":
            looks.append(minute)
            story.ways[0].log.append("seen")
    pauses = [looks[i] - looks[i - 1] for i in range(1, len(looks))]
    assert looks[0] >= 29
    assert pauses == sorted(pauses)
    assert 240 <= pauses[-1] <= 250
    assert len(looks) <= 9


def test_a_better_link_without_the_gateway_is_left_at_once():
    story = fallen_back()
    story.ways[0].good = True
    assert story.beats(60) == 36
    story.links.failed("a better link works again")
    assert story.connect(reached=False) == "wifi"
    story.links.failed("no answer")
    assert story.connect() == "ppp"
    assert story.notes == []
    # And the next look comes later.
    assert story.beats(60) == -1
    assert story.beats(60) > 0


def test_a_connection_that_breaks_during_a_look_takes_only_one_link():
    story = fallen_back()
    story.ways[0].good = True
    story.beats(33)
    assert [way.started for way in story.ways] == [True, True]
    story.links.failed("reset")
    assert story.connect() == "wifi"
    assert [way.started for way in story.ways] == [True, False]


WIFI = {"kind": "wifi", "ssid": "house"}
LAN = {"kind": "ethernet", "phy": "LAN8720", "mdc": 23, "mdio": 18}
SPI = {"kind": "ethernet", "phy": "W5500", "spi": 1, "sck": 1, "mosi": 2, "miso": 3, "cs": 4}
PPP = {"kind": "ppp", "uart": 2, "tx": 4, "rx": 5}


def links(*given, **top):
    document = dict(top)
    if given:
        document["links"] = [dict(each) for each in given]
    section = Section(document, "")
    found = config_links.links(section, (BUS,))
    section.done()
    return found


def refusal(*given, **top):
    try:
        links(*given, **top)
    except config.ConfigError as problem:
        return str(problem)
    raise AssertionError(given)


def changed(link, **values):
    found = dict(link)
    found.update(values)
    return found


def test_links_keep_their_order_and_have_their_defaults():
    found = links(LAN, WIFI, PPP)
    assert [kind for kind, _ in found] == ["ethernet", "wifi", "ppp"]
    assert (found[0][1]["addr"], found[0][1]["clock"], found[0][1]["power_pin"]) == (1, "", -1)
    assert (found[2][1]["baud"], found[2][1]["apn"], found[2][1]["power_ms"]) == (115200, "", 1500)
    assert links(changed(SPI, irq=5))[0][1]["addr"] == 0


def test_the_old_key_is_one_wifi_link():
    assert links(wifi={"ssid": "nuan"}) == (("wifi", {"ssid": "nuan"}),)
    assert "wifi: write it into links" in refusal(WIFI, wifi={"ssid": "nuan"})


def test_what_is_wrong_with_links_is_named():
    assert refusal() == "links: missing"
    assert refusal(WIFI, WIFI) == "links[1].kind: there is a link of kind wifi already"
    assert refusal(changed(PPP, uart=1)) == "links[0].uart: 1 is the one of bus mbus"
    assert refusal(SPI) == "links[0].irq: missing"
    assert refusal(changed(WIFI, mdc=1)) == "links[0].mdc: unknown key"
    assert "'LAN1' is none of" in refusal(changed(LAN, phy="LAN1"))
    assert "'on' is none of" in refusal(changed(LAN, clock="on"))
    assert "a list of 1 to 3 objects" in refusal(WIFI, LAN, PPP, PPP)


def test_tls_changes_the_port():
    assert (config.MQTT_PORT, config.MQTT_TLS_PORT) == (1883, 8883)
    assert make_config(tls=True).tls

"""Weather: sensible for Yangquan, the same however it is asked; EPW files read or refused."""

from datetime import UTC, datetime
from statistics import mean

import pytest

from nuan_emulator.epw import EpwError, read_epw
from nuan_emulator.weather import HOUR_MS, BuiltInWeather, EpwWeather, open_weather

SEASON_MS = int(datetime(2025, 10, 31, 16, tzinfo=UTC).timestamp()) * 1000
HEADER = ["LOCATION,Here,Shanxi,CHN,test,0,37.9,113.6,8.0,741", *["COMMENTS"] * 7]


def epw_lines(temperature: float = 1.5) -> list[str]:
    days = (31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
    return HEADER + [
        f"2005,{month},{day},{hour},0,flags,{temperature + month + hour / 100:.2f},0"
        for month, length in enumerate(days, 1)
        for day in range(1, length + 1)
        for hour in range(1, 25)
    ]


def span(weather, first_day, last_day):
    hours = range(first_day * 24, last_day * 24)
    return [weather.temperature_c(SEASON_MS + h * HOUR_MS) for h in hours]


def test_a_heating_season_is_like_yangquans():
    means = [mean(span(BuiltInWeather(s), 0, 151)) for s in range(8)]
    januaries = [mean(span(BuiltInWeather(s), 61, 92)) for s in range(8)]
    assert 0 < mean(means) < 3
    assert -6 < mean(januaries) < -2
    assert len(set(means)) == 8
    season = span(BuiltInWeather(1), 0, 151)
    assert -25 < min(season) < -8
    assert 8 < max(season) < 25


def test_afternoons_are_warmer_than_mornings():
    weather = BuiltInWeather(3)
    days = range(151)
    afternoons = mean(weather.temperature_c(SEASON_MS + (d * 24 + 15) * HOUR_MS) for d in days)
    mornings = mean(weather.temperature_c(SEASON_MS + (d * 24 + 4) * HOUR_MS) for d in days)
    assert 6 < afternoons - mornings < 11


def test_order_of_asking_does_not_matter():
    forwards, backwards = BuiltInWeather(5), BuiltInWeather(5)
    instants = [SEASON_MS + k * 1_234_567 for k in range(500)]
    first = [forwards.temperature_c(t) for t in instants]
    assert first == [backwards.temperature_c(t) for t in reversed(instants)][::-1]


def test_between_hours_it_is_linear():
    weather = BuiltInWeather(5)
    a, b = weather.temperature_c(SEASON_MS), weather.temperature_c(SEASON_MS + HOUR_MS)
    assert weather.temperature_c(SEASON_MS + HOUR_MS // 2) == pytest.approx((a + b) / 2)


def test_epw_hours_are_local_and_end_at_their_number(tmp_path):
    path = tmp_path / "here.epw"
    path.write_text("\n".join(epw_lines()))
    weather = EpwWeather(path)
    # 00:00 civil on 1 November is row "11,1,1": the hour that ends at one.
    assert weather.temperature_c(SEASON_MS) == pytest.approx(1.5 + 11 + 0.01)
    assert weather.temperature_c(SEASON_MS + 23 * HOUR_MS) == pytest.approx(1.5 + 11 + 0.24)


def test_epw_repeats_28_february_in_a_leap_year(tmp_path):
    path = tmp_path / "here.epw"
    path.write_text("\n".join(epw_lines()))
    leap_ms = int(datetime(2028, 2, 28, 20, tzinfo=UTC).timestamp()) * 1000
    assert open_weather(0, path).temperature_c(leap_ms) == pytest.approx(1.5 + 2 + 0.05)


def test_real_epw_of_beijing(shared_data):
    weather = EpwWeather(shared_data / "real" / "weather" / "CHN_Beijing.545110_CSWD.epw")
    new_year_ms = int(datetime(2025, 12, 31, 16, tzinfo=UTC).timestamp()) * 1000
    assert weather.temperature_c(new_year_ms) == -5.1
    assert -4 < mean(span(weather, 0, 151)) < 4


@pytest.mark.parametrize(
    ("change", "line", "reason"),
    [
        (lambda rows: rows[1:], 1, "LOCATION"),
        (lambda rows: rows[:-1], 8767, "cut short"),
        (lambda rows: [*rows[:20], rows[20][:14], *rows[21:]], 21, "fields"),
        (lambda rows: [*rows[:20], *rows[19:]], 21, "occurs twice"),
        (lambda rows: [*rows[:20], "2005,1,1,13,0,f,99.9,0", *rows[21:]], 21, "missing"),
        (lambda rows: [*rows[:20], "2005,1,1,13,0,f,mild,0", *rows[21:]], 21, "numbers"),
        (lambda rows: [*rows[:20], "2005,1,1,25,0,f,1.0,0", *rows[21:]], 21, "no such hour"),
        (lambda rows: [*rows[:20], "2005,2,30,1,0,f,1.0,0", *rows[21:]], 21, "no such hour"),
        (lambda rows: ["LOCATION,a,b,c,d,e,1,2", *rows[1:]], 1, "time zone"),
        (lambda rows: ["LOCATION,a,b,c,d,e,1,2,88,0", *rows[1:]], 1, "time zone"),
    ],
)
def test_bad_epw_names_file_and_line(tmp_path, change, line, reason):
    path = tmp_path / "bad.epw"
    path.write_text("\n".join(change(epw_lines())))
    with pytest.raises(EpwError, match=reason) as caught:
        read_epw(path)
    assert caught.value.line == line
    assert str(caught.value).startswith(f"{path}, line {line}: ")


def test_missing_epw_is_named(tmp_path):
    with pytest.raises(EpwError, match="No such file"):
        read_epw(tmp_path / "none.epw")

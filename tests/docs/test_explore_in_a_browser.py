"""The page on which schedules are dragged, in a real browser: by keyboard, mouse and touch, on a telephone, light and dark."""

import os
from pathlib import Path

import pytest

from lrtheory import Polynomial, tuned_lr, worst_case
from tests.docs import browser
from tests.docs.browser import Browser
from tests.docs.test_explore import PAGE

ADDRESS = PAGE.as_uri()
SIZES = {"telephone": (390, 844), "desk": (1440, 900)}
pytestmark = browser.needed


@pytest.fixture(scope="module")
def chromium(tmp_path_factory):
    made = Browser(tmp_path_factory.mktemp("chromium"))
    yield made
    made.close()


@pytest.fixture(autouse=True)
def _no_errors(chromium):
    chromium.errors.clear()
    yield
    assert chromium.errors == []


def state(chromium):
    return dict(part.split("=") for part in chromium.ask("location.hash").removeprefix("#").split("&"))


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", SIZES)
def test_it_fits_and_is_drawn(chromium, tmp_path, size, scheme):
    width, height = SIZES[size]
    chromium.open(f"{ADDRESS}#s=cosine&rho=4&T=3&R=5", width, height, scheme, touch=size == "telephone")
    assert chromium.ask("document.documentElement.scrollWidth") <= width
    assert chromium.ask("document.querySelectorAll('#plots path.mine').length") == 3
    assert chromium.ask("document.querySelectorAll('#claims li').length") == 5
    dark = chromium.ask("getComputedStyle(document.body).backgroundColor") == "rgb(20, 23, 26)"
    assert dark == (scheme == "dark")
    folder = Path(os.environ.get("SCREENSHOTS") or tmp_path)
    chromium.picture(folder / f"{size}_{scheme}.png")
    assert (folder / f"{size}_{scheme}.png").stat().st_size > 30_000


def test_sliders_by_keyboard(chromium):
    chromium.open(f"{ADDRESS}#s=polynomial&p=1&rho=2&T=3&R=4", *SIZES["desk"])
    chromium.ask("document.getElementById('p').focus()")
    chromium.press("ArrowRight", 39)
    assert state(chromium)["p"] == "1.25"
    chromium.ask("document.getElementById('rho').focus()")
    chromium.press("End", 35)
    assert state(chromium)["rho"] == "8"


def test_the_claims_follow_the_sliders(chromium):
    chromium.open(f"{ADDRESS}#s=polynomial&p=1&rho=4&T=3&R=4", *SIZES["desk"])
    lr = tuned_lr(Polynomial(1), 1000, diameter=1.0)
    tuned, wrong = worst_case(Polynomial(1), horizon=1000, lr=[lr, 16 * lr], diameter=1.0)
    told = chromium.ask("document.getElementById('claims').textContent")
    assert f"is {wrong / tuned:.2f} times its tuned value" in told
    chromium.ask("document.getElementById('rho').focus()")
    chromium.press("Home", 36)
    assert "64 times too small" in chromium.ask("document.getElementById('claims').textContent")


def test_a_slider_and_the_wrong_rate_by_mouse(chromium):
    chromium.open(f"{ADDRESS}#s=cosine&rho=0&T=3&R=4", *SIZES["desk"])
    x, y, w, h = chromium.ask(
        "(r => [r.x, r.y, r.width, r.height])(document.getElementById('T').getBoundingClientRect())"
    )
    chromium.drag((x + w / 2, y + h / 2), (x + w - 2, y + h / 2))
    assert state(chromium)["T"] == "4.25"
    x, y, w, h = chromium.ask(
        "(r => [r.x, r.y, r.width, r.height])(document.getElementById('loss').getBoundingClientRect())"
    )
    chromium.drag((x + w / 2, y + h / 2), (x + w * 350 / 360, y + h / 2))
    assert state(chromium)["rho"] == "8"


@pytest.mark.parametrize("touch", [False, True])
def test_a_schedule_drawn_by_hand(chromium, touch):
    chromium.open(f"{ADDRESS}#s=drawn&rho=0&T=2&R=4&d=1,1,1,1,1,1,1,1,0", *SIZES["telephone"], touch=touch)
    chromium.ask("document.getElementById('shape').scrollIntoView()")
    x, y, w, h = chromium.ask(
        "(r => [r.x, r.y, r.width, r.height])(document.getElementById('shape').getBoundingClientRect())"
    )
    first = (x + w * 44 / 360, y + h * 20 / 250)
    chromium.drag(first, (first[0], y + h * 112 / 250), touch=touch)
    assert float(state(chromium)["d"].split(",")[0]) == pytest.approx(0.5, abs=0.02)


def test_a_schedule_drawn_by_keyboard(chromium):
    chromium.open(f"{ADDRESS}#s=drawn&rho=0&T=2&R=4&d=1,1,1,1,1,1,1,1,0", *SIZES["desk"])
    chromium.ask("document.querySelector('[data-node=\"4\"]').focus()")
    for _ in range(2):
        chromium.press("ArrowDown", 40)
    assert state(chromium)["d"].split(",")[4] == "0.96"


def test_an_address_is_a_plan(chromium):
    address = "#s=wsd&c=0.3&rho=-2&T=2.5&R=6"
    chromium.open(f"{ADDRESS}{address}", *SIZES["desk"])
    assert chromium.ask("document.getElementById('c').value") == "0.3"
    assert chromium.ask("address()") == address
    chromium.open(f"{ADDRESS}#s=nothing&p=900&rho=x&d=1,2", *SIZES["desk"])
    assert chromium.ask("address()") == chromium.ask("(state = {...DEFAULT}, address())")

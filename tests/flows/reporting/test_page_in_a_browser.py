"""The report page in Chromium: nothing is wider than the window, nothing is complained about."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from flows.reporting.page import Report, RunFacts, report_page
from tasks import Row
from tests.flows.reporting.reports import PLAN, report
from tests.flows.versions import saved, version_of

CHROMIUM = next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), ""
)

pytestmark = pytest.mark.skipif(not CHROMIUM, reason="Chromium is not installed")

MEASURE = """<!doctype html><meta charset="utf-8"><link rel="icon" href="data:,"><body>
<iframe src="NAME.html" style="width:WIDTHpx;height:900px;border:0"></iframe>
<pre id="found"></pre>
<script>
addEventListener("load", () => {
  const page = document.querySelector("iframe").contentDocument;
  const all = [...page.querySelectorAll("details")];
  const width = () => page.documentElement.scrollWidth;
  const closed = width();
  all.forEach(its => its.open = true);
  const style = getComputedStyle(page.body);
  const rect = its => page.querySelector(its).getBoundingClientRect();
  const shown = its => getComputedStyle(page.querySelector(its)).display !== "none";
  const bars = [...page.querySelectorAll(".chart .now")].map(its => getComputedStyle(its).fill);
  document.getElementById("found").textContent = JSON.stringify({
    closed, open: width(), paper: style.backgroundColor, ink: style.color,
    beside: rect("nav").right < rect("main").left, across: shown(".wide"), down: shown(".narrow"),
    bars: [...new Set(bars)], height: page.documentElement.scrollHeight,
    text: page.body.innerText.length,
  });
});
</script>"""


@dataclass(frozen=True, slots=True)
class Shown:
    """What a browser measured of the page, and what it complained about."""

    found: dict[str, Any]
    complaints: list[str]


def extreme(folder: Path) -> Report:
    """Return a report on values without a space in them, and on many columns and steps."""

    def rows(letter: str) -> list[Row]:
        wide = {f"{letter * 60}{number}": number for number in range(30)}
        chat = [{"role": "r" * 90, "content": letter * 2_000}]
        return [{"id": n, "text": letter * 900, "chat": chat, **wide} for n in range(9)]

    before, version = (
        saved(folder / letter, version_of(rows(letter), name="n" * 120, key_columns=("id",)))
        for letter in "ab"
    )
    verdict = {
        "gate": "g" * 90,
        "subject": "s" * 200,
        "passed": False,
        "measured": "m" * 200,
        "wanted": "w" * 200,
        "sentence": "t" * 900,
    }
    run = RunFacts("r" * 300, "o" * 300, 1, 1, 1.0, 1.0, {"l" * 300: "http://127.0.0.1/"})
    return report(version, before, run, [verdict], PLAN)


@pytest.fixture(scope="module")
def address(full: Report, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("page")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("STILLHOUSE_HOME", str(folder / "home"))
        reports = {"full": full, "extreme": extreme(folder)}
    for name, its in reports.items():
        (folder / f"{name}.html").write_text(report_page(its), encoding="utf-8")
        for width in (400, 1400):
            frame = MEASURE.replace("WIDTH", str(width)).replace("NAME", name)
            (folder / f"{name}-{width}.html").write_text(frame)
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(_Quiet, directory=str(folder)))
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_: Any) -> None:
        pass


def shown(page: str, width: int, dark: bool, profile: Path) -> Shown:
    command = [
        CHROMIUM,
        "--headless=new",
        "--no-sandbox",
        "--disable-gpu",
        "--hide-scrollbars",
        "--disable-dev-shm-usage",
        "--enable-logging=stderr",
        f"--user-data-dir={profile}",
        f"--window-size={width + 100},1000",
        "--virtual-time-budget=5000",
        *(["--blink-settings=preferredColorScheme=0"] if dark else []),
        "--dump-dom",
        f"{page}-{width}.html",
    ]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    found = re.search(r'<pre id="found">(\{.*?\})</pre>', done.stdout, re.DOTALL)
    assert found, done.stderr
    return Shown(json.loads(found[1]), re.findall(r".*CONSOLE.*", done.stderr))


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("width", [400, 1400])
def test_the_page_fits_and_nothing_is_complained_about(
    address: str, width: int, dark: bool, tmp_path: Path
) -> None:
    seen = shown(f"{address}/full", width, dark, tmp_path)
    assert seen.complaints == []
    assert (seen.found["closed"], seen.found["open"]) == (width, width)
    wide = width > 1000
    assert (seen.found["beside"], seen.found["across"], seen.found["down"]) == (
        wide,
        wide,
        not wide,
    )
    assert seen.found["text"] > 5_000
    paper, ink = (_lightness(seen.found[its]) for its in ("paper", "ink"))
    assert (paper < 0.2 < 0.8 < ink) if dark else (ink < 0.2 < 0.8 < paper)
    assert len(seen.found["bars"]) == 1


@pytest.mark.parametrize("width", [400, 1400])
def test_values_without_a_space_in_them_fit_too(address: str, width: int, tmp_path: Path) -> None:
    seen = shown(f"{address}/extreme", width, False, tmp_path)
    assert seen.complaints == []
    assert (seen.found["closed"], seen.found["open"]) == (width, width)


def _lightness(colour: str) -> float:
    return sum(map(int, re.findall(r"\d+", colour)[:3])) / (3 * 255)

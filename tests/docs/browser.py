"""A headless Chromium, spoken to over its debugging protocol."""

import asyncio
import base64
import itertools
import json
import re
import shutil
import subprocess
from collections.abc import Coroutine
from pathlib import Path
from typing import Any

import pytest

PROGRAM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
needed = pytest.mark.skipif(PROGRAM is None, reason="trying the page in a browser needs Chromium (Debian: chromium)")
STARTS = 60
"""Seconds that a browser may take to start or to answer before it counts as broken."""


class Browser:
    """One tab. Each method waits for the browser's answer."""

    def __init__(self, folder: Path):
        self.loop = asyncio.new_event_loop()
        self.numbers = itertools.count(1)
        self.errors: list[str] = []
        flags = [
            "--headless=new",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-dev-shm-usage",
            "--hide-scrollbars",
            "--no-first-run",
        ]
        command = [str(PROGRAM), *flags, "--remote-debugging-port=0", f"--user-data-dir={folder}", "about:blank"]
        self.process = subprocess.Popen(command, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True)
        assert self.process.stderr is not None
        for line in self.process.stderr:
            if found := re.search(r"ws://\S+", line):
                break
        else:
            raise RuntimeError("Chromium ended before it listened.")
        self._wait(self._connect(found[0]))

    def _wait(self, task: Coroutine[Any, Any, Any]) -> Any:
        return self.loop.run_until_complete(asyncio.wait_for(task, STARTS))

    async def _connect(self, address: str) -> None:
        from tornado.websocket import websocket_connect

        self.socket = await websocket_connect(address, max_message_size=2**26)
        self.session = ""
        targets = await self._say("Target.getTargets")
        (page,) = [each for each in targets["targetInfos"] if each["type"] == "page"]
        attached = await self._say("Target.attachToTarget", targetId=page["targetId"], flatten=True)
        self.session = attached["sessionId"]
        for domain in ("Page", "Runtime", "Log"):
            await self._say(f"{domain}.enable")

    async def _say(self, method: str, **parameters: Any) -> dict[str, Any]:
        number = next(self.numbers)
        session = {"sessionId": self.session} if self.session else {}
        await self.socket.write_message(json.dumps({"id": number, "method": method, "params": parameters, **session}))
        while True:
            answer = await self._hear()
            if answer.get("id") == number:
                if "error" in answer:
                    raise RuntimeError(f"{method}: {answer['error']['message']}")
                return answer["result"]

    async def _hear(self) -> dict[str, Any]:
        answer = json.loads(await self.socket.read_message())
        if answer.get("method") in ("Runtime.exceptionThrown", "Log.entryAdded"):
            self.errors.append(json.dumps(answer["params"]))
        return answer

    def say(self, method: str, **parameters: Any) -> dict[str, Any]:
        """One command of the protocol, and its answer."""
        return self._wait(self._say(method, **parameters))

    def open(self, address: str, width: int, height: int, scheme: str = "light", *, touch: bool = False) -> None:
        """Load a page in a window of a size, in a colour scheme."""
        self.say("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=touch)
        self.say("Emulation.setTouchEmulationEnabled", enabled=touch)
        self.say("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])
        self.say("Page.navigate", url="about:blank")
        self._wait(self._load(address))
        self.settle()

    async def _load(self, address: str) -> None:
        await self._say("Page.navigate", url=address)
        while (await self._say("Runtime.evaluate", expression="document.readyState"))["result"]["value"] != "complete":
            await asyncio.sleep(0.01)

    def ask(self, expression: str) -> Any:
        """The value of an expression in the page."""
        found = self.say("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in found, found
        return found["result"].get("value")

    def settle(self) -> None:
        """Wait until what was asked of the page is drawn."""
        self.ask("new Promise(done => requestAnimationFrame(() => requestAnimationFrame(() => done(1))))")

    def press(self, key: str, code: int) -> None:
        """A key of the keyboard."""
        for kind in ("rawKeyDown", "keyUp"):
            self.say("Input.dispatchKeyEvent", type=kind, key=key, code=key, windowsVirtualKeyCode=code)
        self.settle()

    def drag(self, *points: tuple[float, float], touch: bool = False) -> None:
        """Press at the first point, move over the others, and let go."""
        for number, (x, y) in enumerate([*points, points[-1]]):
            last = number == len(points)
            if touch:
                kind = "touchEnd" if last else "touchMove" if number else "touchStart"
                self.say("Input.dispatchTouchEvent", type=kind, touchPoints=[] if last else [{"x": x, "y": y}])
            else:
                kind = "mouseReleased" if last else "mouseMoved" if number else "mousePressed"
                held = 0 if last else 1
                self.say("Input.dispatchMouseEvent", type=kind, x=x, y=y, button="left", buttons=held, clickCount=1)
        self.settle()

    def picture(self, path: Path) -> None:
        """What the whole page looks like, as a PNG."""
        height = self.ask("document.documentElement.scrollHeight")
        width = self.ask("innerWidth")
        clip = {"x": 0, "y": 0, "width": width, "height": height, "scale": 1}
        shot = self.say("Page.captureScreenshot", format="png", captureBeyondViewport=True, clip=clip)
        path.write_bytes(base64.b64decode(shot["data"]))

    def close(self) -> None:
        """End the browser."""
        self.process.terminate()
        self.process.wait()
        assert self.process.stderr is not None
        self.process.stderr.close()
        self._wait(self._closed())
        self.loop.close()

    async def _closed(self) -> None:
        self.socket.close()  # with the loop running: it is the only one that the socket knows
        await asyncio.sleep(0)

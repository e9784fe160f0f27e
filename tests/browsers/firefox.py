"""Debian's Firefox for Playwright, which drives it over WebDriver BiDi and asks for more than this version offers.

Run as a program with Firefox's arguments, it starts Firefox, relays between Playwright and Firefox, and answers the
commands that Firefox does not know. They change how media queries are answered and nothing else that a test needs.
"""

import asyncio
import atexit
import json
import re
import shutil
import sys
import tempfile
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

from websockets.asyncio.client import connect
from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed

LISTENING = re.compile(r"WebDriver BiDi listening on (ws://\S+)")


def executable() -> str | None:
    return shutil.which("firefox-esr") or shutil.which("firefox")


def launch_arguments() -> dict[str, Any]:
    """What Playwright starts this program with."""
    script = Path(tempfile.mkdtemp(prefix="uploads-firefox-")) / "firefox"
    atexit.register(shutil.rmtree, script.parent, ignore_errors=True)
    script.write_text(f'#!/bin/sh\nexec {sys.executable} -P {__file__} "$@"\n')
    script.chmod(0o755)
    return {"channel": "moz-firefox", "executable_path": str(script)}


async def relay(address: str, client: ServerConnection) -> None:
    """Between one client and Firefox at `address`, until either ends."""
    path = client.request.path if client.request else ""
    async with connect(address + path, max_size=None, ping_interval=None) as firefox:

        async def forth() -> None:
            async for message in client:
                await firefox.send(message)

        async def back() -> None:
            async for message in firefox:
                await client.send(without_refusal(str(message)))

        with suppress(ConnectionClosed):
            tasks = [asyncio.create_task(forth()), asyncio.create_task(back())]
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            for task in tasks:
                task.cancel()


def without_refusal(message: str) -> str:
    """The message; for a command that Firefox does not know, an answer as if it had been obeyed."""
    if '"unknown command"' in message:
        answer = json.loads(message)
        if answer.get("error") == "unknown command":
            return json.dumps({"type": "success", "id": answer["id"], "result": {}})
    return message


async def main(arguments: list[str]) -> int:
    process = await asyncio.create_subprocess_exec(str(executable()), *arguments, stderr=asyncio.subprocess.PIPE)
    assert process.stderr
    async for line in process.stderr:
        found = LISTENING.search(line.decode(errors="replace"))
        if found:
            server = await serve(partial(relay, found[1]), "127.0.0.1", 0, max_size=None, ping_interval=None)
            port = next(iter(server.sockets)).getsockname()[1]
            line = f"WebDriver BiDi listening on ws://127.0.0.1:{port}\n".encode()
        sys.stderr.buffer.write(line)
        sys.stderr.buffer.flush()
    return await process.wait()


if __name__ == "__main__":
    sys.exit(asyncio.run(main(sys.argv[1:])))

"""The same work by hand, as little as it can be: what our figures are held against. One JSON line a sample, no cache.

    python -m benchmarks.floor raw|sdk|sdkaio SAMPLES AT_ONCE FOLDER
    python -m benchmarks.floor fill|warm SAMPLES 1 FOLDER

`raw` is aiohttp alone, `sdk` the plain script that everyone writes first, `sdkaio` the SDK over aiohttp. `fill` puts replies
into a diskcache without asking anyone, `warm` reads and grades them: the floor of a run that has everything.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

from benchmarks.work import KEY, body, passes, persona, reply

RETRIES = 5
Call = Callable[[dict[str, Any]], Awaitable[dict[str, Any]]]


@asynccontextmanager
async def raw(at_once: int) -> AsyncIterator[Call]:
    import aiohttp

    url = os.environ["ANTHROPIC_BASE_URL"] + "/v1/messages"
    headers = {"x-api-key": KEY, "anthropic-version": "2023-06-01"}
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=at_once), headers=headers) as session:

        async def call(params: dict[str, Any]) -> dict[str, Any]:
            for attempt in range(RETRIES + 1):
                async with session.post(url, json=params) as response:
                    data = await response.read()
                    if response.status == 200:
                        return dict(json.loads(data))
                    wait = float(response.headers.get("retry-after", 0.5 * 2**attempt))
                await asyncio.sleep(wait)
            message = f"refused {RETRIES + 1} times"
            raise RuntimeError(message)

        yield call


@asynccontextmanager
async def sdk(*, aiohttp: bool) -> AsyncIterator[Call]:
    import anthropic

    client: dict[str, Any] = {"http_client": anthropic.DefaultAioHttpClient()} if aiohttp else {}
    async with anthropic.AsyncAnthropic(api_key=KEY, max_retries=RETRIES, **client) as messages:

        async def call(params: dict[str, Any]) -> dict[str, Any]:
            return dict((await messages.messages.create(**params)).model_dump(mode="json"))

        yield call


async def ask_all(call: Call, samples: int, at_once: int, folder: Path) -> int:
    """Ask, grade and write; how many passed."""
    system = persona()
    numbers = iter(range(samples))
    passed = 0
    with (folder / "samples.jsonl").open("w", encoding="utf-8") as file:

        async def worker() -> None:
            nonlocal passed
            for number in numbers:
                params = body(number, system)
                message = await call(params)
                ok = passes(message["content"][0]["text"])
                passed += ok
                file.write(
                    json.dumps({"id": number, "messages": params["messages"], "response": message, "ok": ok}) + "\n"
                )

        await asyncio.gather(*[worker() for _ in range(at_once)])
    return passed


@contextmanager
def remembered(folder: Path) -> Iterator[Any]:
    import diskcache

    cache = diskcache.Cache(str(folder / "cache"))
    try:
        yield cache
    finally:
        cache.close()


def _key(params: dict[str, Any]) -> str:
    return hashlib.sha256(json.dumps(params, sort_keys=True).encode()).hexdigest()


def fill(samples: int, folder: Path) -> int:
    system = persona()
    with remembered(folder) as cache, cache.transact():
        for number in range(samples):
            cache[_key(body(number, system))] = json.dumps(
                {"content": [{"type": "text", "text": reply(f"{number:012d}")}]}
            )
    return samples


def warm(samples: int, folder: Path) -> int:
    """Read, grade and write what the cache has; how many passed."""
    system = persona()
    passed = 0
    with remembered(folder) as cache, (folder / "samples.jsonl").open("w", encoding="utf-8") as file:
        for number in range(samples):
            params = body(number, system)
            message = json.loads(cache[_key(params)])
            ok = passes(message["content"][0]["text"])
            passed += ok
            file.write(json.dumps({"id": number, "messages": params["messages"], "response": message, "ok": ok}) + "\n")
    return passed


async def _asked(mode: str, samples: int, at_once: int, folder: Path) -> int:
    async with raw(at_once) if mode == "raw" else sdk(aiohttp=mode == "sdkaio") as call:
        return await ask_all(call, samples, at_once, folder)


def main() -> None:
    mode, samples, at_once, folder = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), Path(sys.argv[4])
    local = {"fill": fill, "warm": warm}
    passed = local[mode](samples, folder) if mode in local else asyncio.run(_asked(mode, samples, at_once, folder))
    print(passed)


if __name__ == "__main__":
    main()

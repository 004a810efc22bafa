"""A toy API that ends by itself while a request is under way: `python -m tests.chassis.ending PORT`."""

import asyncio
import sys

from fastapi import FastAPI

from services.chassis.runner import run_api
from services.chassis.settings import ServiceSettings

app = FastAPI()
asked, ending = asyncio.Event(), asyncio.Event()


@app.get("/slow")
async def slow() -> str:
    """Answers after the end has begun."""
    asked.set()
    await ending.wait()
    await asyncio.sleep(0)
    return "answered"


async def until() -> None:
    """Until somebody asked."""
    await asked.wait()
    asyncio.get_running_loop().call_later(0.2, ending.set)


if __name__ == "__main__":
    run_api(app, ServiceSettings(database_url="postgresql://nobody", http_port=int(sys.argv[1])), until)

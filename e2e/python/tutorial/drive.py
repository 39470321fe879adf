"""Makes a service of a file that sets tracing up and leaves `app` and `tracer`: one route asks the other, as the tutorial's
services ask each other. It is asked once, and ends; what is still gathered is sent by the SDK itself, as always."""

import sys
import threading
import time
import urllib.request
from pathlib import Path

import aiohttp
import uvicorn
from fastapi import FastAPI, Request

PORT = 8000

file = Path(sys.argv[1])
# A file without the imports of the application that it is meant for has them all the same.
names = {"__name__": "service", "FastAPI": FastAPI, "Request": Request}
exec(compile(file.read_text(), str(file), "exec"), names)  # noqa: S102
app, tracer = names["app"], names["tracer"]


@app.get("/inner")
async def inner():
    with tracer.start_as_current_span("by hand"):
        return {}


@app.get("/outer")
async def outer():
    async with aiohttp.ClientSession() as session, session.get(f"http://127.0.0.1:{PORT}/inner") as answer:
        return await answer.json()


server = uvicorn.Server(uvicorn.Config(app, host="127.0.0.1", port=PORT, log_level="warning"))
thread = threading.Thread(target=server.run)
thread.start()
while not server.started and thread.is_alive():
    time.sleep(0.05)
urllib.request.urlopen(f"http://127.0.0.1:{PORT}/outer", timeout=60).read()
server.should_exit = True
thread.join()

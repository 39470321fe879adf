"""The inference service once more, in Python: FastAPI, ONNX Runtime and OpenTelemetry's own SDK, set up by hand.

It answers the same requests as src/inference/service.ts, makes the same spans, and stands in the same trace.
`npm run python` sets up what it needs and starts it.
"""

import argparse
import asyncio
import json
import os
import time
from pathlib import Path

import numpy
import onnxruntime
import uvicorn
from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse
from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.instrumentation.fastapi import FastAPIInstrumentor
from opentelemetry.sdk.resources import SERVICE_NAME, Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from PIL import Image
from starlette.concurrency import run_in_threadpool

MOST_WAITING = 32
"""Images that may wait or run at once; more are answered with 503."""


def start_tracing(service_name: str) -> trace.Tracer:
    # 1. Who is it? Most backends need a name.
    resource = Resource.create({SERVICE_NAME: service_name})
    # 2. Where do spans go? Over HTTP to OTEL_EXPORTER_OTLP_ENDPOINT, or http://localhost:4318.
    exporter = OTLPSpanExporter()
    # 3. How are they gathered? In batches: one request for many spans.
    processor = BatchSpanProcessor(exporter)
    # 4. The provider makes tracers of these. It sends the rest when the process ends.
    provider = TracerProvider(resource=resource)
    provider.add_span_processor(processor)
    # 5. For the whole process. W3C context in headers and the parent across await are there already.
    trace.set_tracer_provider(provider)
    # 6. Libraries: the application below, in instrument_app. 7. A tracer for spans by hand.
    return trace.get_tracer(service_name)


def create_app(name: str, version: str | None, session: onnxruntime.InferenceSession, labels: list[str], tracer: trace.Tracer) -> FastAPI:
    side = session.get_inputs()[0].shape[1]
    line = asyncio.Lock()
    waiting = 0
    app = FastAPI(openapi_url=None)

    def error(status: int, code: str, message: str) -> JSONResponse:
        headers = {"retry-after": "1"} if status == 503 else None
        return JSONResponse({"error": {"code": code, "message": message}}, status, headers)

    @app.get("/health")
    async def health():
        return {"status": "ok", "model": name, "side": side, "queue": waiting, "loaded": True}

    @app.post("/inference")
    async def inference(request: Request, request_id: str = "", width: int = 0, height: int = 0):
        nonlocal waiting
        body = await request.body()
        if request_id == "" or width < 1 or height < 1 or len(body) != width * height * 3:
            return error(400, "bad_image", f"{width} x {height} pixels of raw RGB, and a request_id, are expected; the body has {len(body)} bytes")
        if waiting >= MOST_WAITING:
            return error(503, "queue_full", f"{MOST_WAITING} images are waiting already")
        trace.get_current_span().set_attributes({"request.id": request_id, "model.name": name})
        wait = tracer.start_span("wait for the model", attributes={"stage.name": "queue", "queue.length": waiting})
        waiting += 1
        try:
            async with line:
                wait.end()
                probabilities = await run_in_threadpool(classify, body, width, height)
        finally:
            waiting -= 1
        return {"model": name, "probabilities": probabilities.tolist()}

    def classify(body: bytes, width: int, height: int) -> numpy.ndarray:
        with tracer.start_as_current_span("fit to the model", attributes={"stage.name": "preprocess"}):
            image = Image.frombytes("RGB", (width, height), body).resize((side, side))
        with tracer.start_as_current_span("run the model") as span:
            started = time.perf_counter()
            pixels = numpy.asarray(image, dtype=numpy.float32)[numpy.newaxis]
            (probabilities,) = session.run(["probs"], {"input": pixels})
            best = int(probabilities[0].argmax())
            span.set_attributes(
                {
                    "stage.name": "model",
                    "model.name": name,
                    **({"model.version": version} if version else {}),
                    "model.batch_size": 1,
                    "model.input.shape": [1, side, side, 3],
                    "model.run_ms": (time.perf_counter() - started) * 1000,
                    "prediction.label": labels[best],
                    "prediction.probability": float(probabilities[0][best]),
                }
            )
        return probabilities[0]

    FastAPIInstrumentor.instrument_app(app, excluded_urls="health", exclude_spans=["send", "receive"])
    return app


def main() -> None:
    parser = argparse.ArgumentParser(description="Serves one ONNX model over HTTP")
    parser.add_argument("--port", type=int, default=5014, help="port on 127.0.0.1")
    parser.add_argument("--model", type=Path, required=True, help="the ONNX file")
    parser.add_argument("--name", help="the model's name; default: the name of its file")
    parser.add_argument("--model-version", help="the model's version, for its spans")
    parser.add_argument("--labels", type=Path, default=Path(".cache/labels.json"), help="the 1000 labels as a JSON array")
    arguments = parser.parse_args()
    name = arguments.name or arguments.model.stem
    tracer = start_tracing(os.environ.get("OTEL_SERVICE_NAME", f"inference-{name}"))
    session = onnxruntime.InferenceSession(arguments.model, providers=["CPUExecutionProvider"])
    labels = json.loads(arguments.labels.read_text())
    app = create_app(name, arguments.model_version, session, labels, tracer)
    uvicorn.run(app, host="127.0.0.1", port=arguments.port, log_level="warning")


if __name__ == "__main__":
    main()

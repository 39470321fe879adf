/**
 * The thread that holds the ONNX session. `session.run` blocks the thread that calls it, so the service's own thread,
 * which answers health checks and sends spans, must not.
 */
import { availableParallelism } from 'node:os'
import { parentPort, workerData } from 'node:worker_threads'
import { InferenceSession, Tensor } from 'onnxruntime-node'
import type { ModelInfo, WorkerReply, WorkerRequest } from './protocol.ts'

const port = parentPort
if (!port) throw new Error('inference/worker runs in a worker thread only')

const { file } = workerData as { file: string }
const session = await InferenceSession.create(file, {
  // The services of the example share one machine.
  intraOpNumThreads: Math.max(1, Math.floor(availableParallelism() / 2)),
})
const info = readContract()
const size = info.side * info.side * 3
// The same memory for each image: a thread that makes little else has no reason to collect what it leaves behind, which
// would be some 60 MB.
const pixels = new Uint8Array(new SharedArrayBuffer(size))
const input = new Tensor('float32', new Float32Array(size), [1, info.side, info.side, 3])
// The first run of a session allocates what all later ones use; nobody should have to wait for that.
await classify()
const reply = (message: WorkerReply): void => port.postMessage(message)
reply({ kind: 'ready', info, pixels: pixels.buffer })

port.on('message', (request: WorkerRequest) => {
  run(request).catch((error: unknown) => {
    reply({ kind: 'failed', id: request.id, message: error instanceof Error ? error.message : String(error) })
  })
})

async function run({ id }: WorkerRequest): Promise<void> {
  const started = performance.now()
  const probabilities = await classify()
  reply({ kind: 'done', id, probabilities, runMs: performance.now() - started })
}

async function classify(): Promise<Float32Array> {
  input.data.set(pixels)
  const { probs } = await session.run({ input })
  const data = probs?.data
  if (!(data instanceof Float32Array) || data.length !== 1000)
    throw new Error(`${file}: the output "probs" is not float32 [N, 1000]`)
  return data
}

/** Checks the contract: input `input` float32 `[N, S, S, 3]`, output `probs` `[N, 1000]`. */
function readContract(): ModelInfo {
  const [input] = session.inputMetadata
  const [output] = session.outputMetadata
  const shape = input?.isTensor ? input.shape : []
  const [, height, width, channels] = shape
  if (input?.name !== 'input' || typeof height !== 'number' || height !== width || channels !== 3)
    throw new Error(
      `${file}: expected the one input "input" float32 [N, S, S, 3], got "${input?.name}" [${shape.join(', ')}]`,
    )
  if (output?.name !== 'probs')
    throw new Error(`${file}: expected the one output "probs" [N, 1000], got "${output?.name}"`)
  return { side: height }
}

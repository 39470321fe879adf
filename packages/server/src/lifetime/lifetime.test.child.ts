/**
 * A program for the tests of lifetimes. argv[2] says how it behaves; it prints `ready`, and `stopped` when its stop was called. `fifo` in
 * argv[3] is a named pipe that nobody writes to: a thread that opens it is blocked in a system call for good.
 */
import { Worker } from 'node:worker_threads'
import { createLogger } from '../logging.ts'
import { SpoorError } from '../error.ts'
import { endProcess } from './end-process.ts'
import { type Running, runUntilStopped } from './lifetime.ts'
import { stopParts } from './stop.ts'

const [, , how, fifo] = process.argv
const never = new Promise<never>(() => {})
const logger = createLogger('error', false)

function blockThread(): Worker {
  const script = `require('node:fs').openSync(${JSON.stringify(fifo)}, 'r')`
  return new Worker(script, { eval: true })
}

async function start(signal: AbortSignal): Promise<Running> {
  if (how === 'hangs-in-start') {
    console.log('ready')
    const alive = setInterval(() => {}, 1000)
    signal.addEventListener('abort', () => clearInterval(alive), { once: true })
    return never
  }
  if (how === 'gives-way-in-start') {
    console.log('ready')
    const alive = setInterval(() => {}, 1000)
    await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }))
    clearInterval(alive)
    throw new SpoorError('stopped', 'told to stop')
  }
  const failed = Promise.withResolvers<Error>()
  const running: Running = {
    failed: failed.promise,
    drain: () => console.log('drained'),
    async stop(deadlineMs) {
      console.log('stopped')
      clearInterval(alive)
      if (how === 'hangs') await never
      if (how === 'thread-hangs') {
        const parts = [
          { name: 'the first', share: 0.5, stop: () => Promise.reject(new Error('the first failed')) },
          { name: 'the second', share: 0.5, stop: () => never },
          { name: 'the third', share: 1, stop: async () => console.log('the third stopped') },
        ]
        await stopParts(parts, deadlineMs, logger)
      }
    },
  }
  if (how === 'thread-hangs' || how === 'hangs') blockThread()
  // Something has to keep the process alive, as sockets do.
  const alive = setInterval(() => {}, 1000)
  setTimeout(() => {
    console.log('ready')
    if (how === 'fails') failed.resolve(new Error('the disk burns'))
    if (how === 'throws') throw new Error('a bug here')
    if (how === 'rejects') void Promise.reject(new Error('a bug there'))
  }, 300)
  return running
}

const code = await runUntilStopped(start, {
  logger,
  onStopping: () => console.log('stopping'),
  say: (line) => console.log(`says ${line}`),
  delayMs: how === 'delays' || how === 'delays-long' ? (how === 'delays' ? 300 : 60_000) : 0,
  deadlineMs: how === 'hangs' ? 60_000 : 1_000,
  endNow: endProcess,
})
process.exit(code)

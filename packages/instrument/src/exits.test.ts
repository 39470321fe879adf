import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Receiver, startHttpReceiver } from './testkit/receiver.ts'
import { runApp, type RunOptions, type RunResult } from './testkit/run-app.ts'

const error = 2

let receiver: Receiver

beforeAll(async () => {
  receiver = await startHttpReceiver()
})

afterAll(() => receiver.close())

async function leave(way: string, options: RunOptions = {}) {
  const service = `exit ${way}`
  const run = await runApp('exit.mjs', {
    ...options,
    args: [way],
    env: { OTEL_SERVICE_NAME: service, OTEL_EXPORTER_OTLP_ENDPOINT: receiver.url, SPOOR_QUIET: '1', ...options.env },
  })
  const spans = receiver.spans.filter((span) => span.resource['service.name'] === service)
  return { run, spans, names: spans.map((span) => span.name) }
}

function killWhenReady(signal: NodeJS.Signals): RunOptions {
  return {
    onLine: (line, child) => {
      if (line === 'ready') child.kill(signal)
    },
  }
}

describe.concurrent('the rest is sent', () => {
  test('at the end of the script', async () => {
    const { run, names } = await leave('end')
    expect(run).toMatchObject({ code: 0, signal: null, stderr: '' } satisfies Partial<RunResult>)
    expect(names).toEqual(['work'])
  })

  test('at process.exit(), which keeps its code', async () => {
    const { run, names } = await leave('exit')
    expect(run).toMatchObject({ code: 3, stderr: '' })
    expect(names).toEqual(['work'])
  })

  test('at process.exit() after a burst, in few requests, once each', async () => {
    const { run, names } = await leave('burst')
    expect(run).toMatchObject({ code: 6, stderr: '' })
    expect(names).toHaveLength(12_001)
    expect(new Set(names).size).toBe(12_001)
    const requests = receiver.requests.filter(({ spans }) => spans > 1_000)
    expect(requests.length).toBeGreaterThan(1)
    expect(requests.length).toBeLessThan(5)
  })

  test('with spans that an exit listener of the application ends', async () => {
    const { run, names } = await leave('exit-listener')
    expect(run.code).toBe(0)
    expect(names).toEqual(['work', 'until exit'])
  })

  test("at an uncaught exception, with Node's own message and code", async () => {
    const { run, names, spans } = await leave('throw')
    expect(run.code).toBe(1)
    expect(run.stderr).toContain('Error: boom')
    expect(run.stderr).toContain('exit.mjs')
    // withSpan has ended the outer span before Node hears of the error; the inner one is nobody's any more.
    expect(names).toEqual(['work', 'outer'])
    expect(spans[1]?.status).toEqual({ code: error, message: 'boom' })
  })

  test('at an uncaught exception, with the open spans in whose context it was thrown', async () => {
    const { run, names, spans } = await leave('timer-throw')
    expect(run.code).toBe(1)
    expect(names).toEqual(['work', 'query', 'request'])
    expect(spans.slice(1).map((span) => span.status)).toEqual([
      { code: error, message: 'boom' },
      { code: error, message: 'boom' },
    ])
    expect(spans.map((span) => span.events.map((event) => event.name))).toEqual([[], ['exception'], []])
  })

  test('at an unhandled rejection', async () => {
    const { run, names } = await leave('reject')
    expect(run.code).toBe(1)
    expect(run.stderr).toContain('Error: boom')
    expect(names).toEqual(['work', 'rejecting'])
  })

  test('but no span is ended for an exception that the application handles', async () => {
    const { run, names, spans } = await leave('survive')
    expect(run).toMatchObject({ code: 0, stdout: 'handled\n' })
    expect(names).toEqual(['work', 'surviving'])
    expect(spans[1]?.status.code).toBe(0)
  })

  test.each(['SIGTERM', 'SIGINT'] as const)('at %s, and the process dies of it', async (signal) => {
    const { run, names } = await leave('wait', {
      ...killWhenReady(signal),
      env: { OTEL_SERVICE_NAME: 'exit wait', OTEL_RESOURCE_ATTRIBUTES: `signal=${signal}` },
    })
    expect(run).toMatchObject({ code: null, signal, stderr: '' })
    expect(names).toContain('work')
    expect(receiver.spans.filter((span) => span.resource['signal'] === signal)).toHaveLength(1)
  })

  test("at a signal that the application handles, after the application's own work", async () => {
    const { run, names } = await leave('handler', killWhenReady('SIGTERM'))
    expect(run).toMatchObject({ code: 5, signal: null, stderr: '' })
    expect(names).toEqual(['work', 'closing'])
  })

  test('at a signal with listeners that only act when they are alone', async () => {
    const { run, names } = await leave('polite', killWhenReady('SIGTERM'))
    expect(run).toMatchObject({ code: null, signal: 'SIGTERM' })
    expect(run.stdout).toContain('polite handler ran')
    expect(names).toEqual(['work'])
  })
})

describe.concurrent('an exit is not held up', () => {
  test('when nothing listens: one attempt, and the loss is said', async () => {
    const { run } = await leave('exit', { env: { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:9' } })
    expect(run.code).toBe(3)
    expect(run.stderr).toMatch(
      /^spoor: 1 span lost at the end: http:\/\/127\.0\.0\.1:9\/v1\/traces: .*ECONNREFUSED.*\n$/,
    )
  })

  test('longer than the deadline when the receiver hangs', async () => {
    const hanging = await startHttpReceiver()
    hanging.behaviour = 'hang'
    const env = { OTEL_EXPORTER_OTLP_ENDPOINT: hanging.url, SPOOR_EXIT_DEADLINE_MS: '200' }
    const { run } = await leave('exit', { env })
    await hanging.close()
    expect(run.code).toBe(3)
    expect(run.stderr).toMatch(/1 span sent at the end and not acknowledged: .*: no answer within 200 ms\n$/)
  })

  test('and a refusal is said with its status', async () => {
    const refusing = await startHttpReceiver()
    refusing.behaviour = 401
    const { run } = await leave('exit', { env: { OTEL_EXPORTER_OTLP_ENDPOINT: refusing.url } })
    await refusing.close()
    expect(run.stderr).toMatch(
      /1 span lost at the end: .*: HTTP 401 Unauthorized; no header was sent: set OTEL_EXPORTER_OTLP_HEADERS=.*\n$/,
    )
  })
})

import { spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { chmod, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import { type Program, eventually, freePorts, getJson, root, runProgram, worldFlags } from './spoor.ts'

interface JaegerSpan {
  spanID: string
  operationName: string
  startTime: number
  duration: number
  processID: string
  references: { refType: string; spanID: string }[]
}
interface JaegerTrace {
  traceID: string
  spans: JaegerSpan[]
  processes: Record<string, { serviceName: string }>
}

const world = join(root, 'examples', 'object-classification', 'dist', 'world.js')
let program: Program | undefined
let directory: string | undefined

afterEach(async () => {
  await program?.stop('SIGINT')
  if (directory) await rm(directory, { recursive: true, force: true })
  program = undefined
  directory = undefined
})

/** The world on ports of its own, with the models and photographs of the shared cache. */
async function startWorld(
  ...flags: string[]
): Promise<
  Record<'page' | 'otlp' | 'preprocessing' | 'control' | 'queue' | 'consumer', string> & { program: Program }
> {
  directory = await mkdtemp(join(tmpdir(), 'spoor-world-'))
  // As root the servers have users of their own, who have to get there.
  await chmod(directory, 0o711)
  const ports = await freePorts(12)
  const { flags: own, page } = worldFlags(ports, directory)
  program = runProgram([world, ...own, ...flags])
  return {
    page,
    program,
    otlp: `http://127.0.0.1:${ports[2]}`,
    preprocessing: `http://127.0.0.1:${ports[5]}/preprocessing`,
    control: `http://127.0.0.1:${ports[9]}`,
    queue: `http://127.0.0.1:${ports[10]}`,
    consumer: `http://127.0.0.1:${ports[11]}`,
  }
}

/** The client as a user starts it, with the tutorial's arguments and as many photographs at a time as it may. @returns Its summary. */
async function runClient(page: string, otlp: string, url: string, count: number): Promise<Record<string, unknown>> {
  const folder = join(process.env['SPOOR_CACHE'] ?? join(root, '.cache'), 'photographs')
  const flags = ['--url', url, '--ds_path', folder, '--rate', '10', '--device_id', 'drone_1']
  const more = [
    '--count',
    String(count),
    '--seed',
    '1',
    '--ramp',
    '0.2',
    '--concurrency',
    '2',
    '--page',
    page,
    '--json',
  ]
  const client = runProgram(
    ['--import', '@spoor/instrument/register', join(dirname(world), 'client', 'main.js'), ...flags, ...more],
    {
      OTEL_SERVICE_NAME: 'drone',
      OTEL_EXPORTER_OTLP_ENDPOINT: otlp,
      SPOOR_QUIET: '1',
    },
  )
  await once(client.child, 'exit')
  const line = client
    .output()
    .split('\n')
    .find((one) => one.startsWith('{"summary"'))
  if (line === undefined) throw new Error(`the client gave no summary\n${client.output()}`)
  return (JSON.parse(line) as { summary: Record<string, unknown> }).summary
}

/** Spans whose parent is not there; each service sends on its own clock, so some come before their parents. */
function orphans({ spans }: JaegerTrace): number {
  const ids = new Set(spans.map((span) => span.spanID))
  return spans.filter(({ references }) =>
    references.some(({ refType, spanID }) => refType === 'CHILD_OF' && !ids.has(spanID)),
  ).length
}

const services = ['client', 'consumer', 'ensemble', 'inference-inception', 'inference-mobilenet', 'preprocessing']

describe.each([
  ['directly', []],
  ['through a collector', ['--via-collector']],
])('the world, reporting %s', (_, flags) => {
  // More than the waits in it together, so that what the world said is told when one of them is too long.
  it('classifies photographs, and each request is one complete trace', { timeout: 300_000 }, async () => {
    const { page, program, otlp, preprocessing, control, consumer } = await startWorld(...flags)
    const traces = await eventually(
      'a complete trace',
      async () => {
        if (program.child.exitCode !== null) throw new Error(`the world ended\n${program.output()}`)
        const found = await getJson<{ data: JaegerTrace[] }>(`${page}/api/traces?service=client&limit=20`).catch(
          () => undefined,
        )
        const complete = found?.data.filter(
          (one) =>
            new Set(Object.values(one.processes).map((process) => process.serviceName)).size === services.length &&
            orphans(one) === 0,
        )
        return complete?.length ? complete : undefined
      },
      150_000,
      program.output,
    )
    const [trace] = traces
    const serviceOf = (span: JaegerSpan) => trace!.processes[span.processID]!.serviceName
    expect([...new Set(trace!.spans.map(serviceOf))].sort()).toEqual(services)

    // One root, in the client; every other span's parent is in the trace.
    const byId = new Map(trace!.spans.map((span) => [span.spanID, span]))
    const parentOf = (span: JaegerSpan) =>
      byId.get(span.references.find((reference) => reference.refType === 'CHILD_OF')?.spanID ?? '')
    const roots = trace!.spans.filter((span) => !parentOf(span))
    expect(roots.map(serviceOf)).toEqual(['client'])

    // The services call each other in the order of the application.
    const calls = new Set(
      trace!.spans.flatMap((span) =>
        parentOf(span) && serviceOf(parentOf(span)!) !== serviceOf(span)
          ? [`${serviceOf(parentOf(span)!)} → ${serviceOf(span)}`]
          : [],
      ),
    )
    expect([...calls].filter((call) => !call.startsWith('client → ensemble')).sort()).toEqual([
      'client → preprocessing',
      'ensemble → consumer',
      'ensemble → inference-inception',
      'ensemble → inference-mobilenet',
      'preprocessing → ensemble',
    ])

    // The ensemble answers before its work is done: some span of it ends after its parent.
    const late = trace!.spans.filter((span) => {
      const parent = parentOf(span)
      return (
        parent && serviceOf(span) === 'ensemble' && span.startTime + span.duration > parent.startTime + parent.duration
      )
    })
    expect(late.length).toBeGreaterThan(0)

    // What a person sees: a photograph of a dog is a dog.
    await eventually(
      'the table of photographs',
      async () =>
        /dog.*(retriever|terrier|dog|sheepdog|hound|spaniel|poodle|corgi|collie|husky|samoyed|pug|beagle|shepherd)/i.test(
          program.output(),
        )
          ? true
          : undefined,
      60_000,
      program.output,
    )

    // Load from outside, and all of its traces come back.
    if (flags.length === 0) {
      const summary = await runClient(page, otlp, preprocessing, 6)
      expect(summary).toMatchObject({ sent: 6, classified: 6, failed: 0, traces: { expected: 6, whole: 6 } })
      const found = await getJson<{ traces: { rootService: string }[] }>(
        `${page}/api/spoor/v1/search?q=device.id:drone_1`,
      )
      // Six photographs and nothing else: looking the traces up leaves none.
      expect(found.traces.map(({ rootService }) => rootService)).toEqual(Array(6).fill('drone'))
      const all = await getJson<{ traces: unknown[] }>(`${page}/api/spoor/v1/search?q=root.service:drone`)
      expect(all.traces).toHaveLength(6)

      // A message is one call: its wait in the queue is none.
      const calls = await eventually(
        'one call of the consumer a message',
        async () => {
          const { stored } = await getJson<{ stored: number }>(`${consumer}/health`)
          const { data } = await getJson<{ data: { parent: string; child: string; callCount: number }[] }>(
            `${page}/api/dependencies?endTs=${Date.now() + 60_000}&lookback=3600000`,
          )
          const edge = data.find(({ parent, child }) => parent === 'ensemble' && child === 'consumer')
          // Both grow; a message that comes between the two questions is there at the next look.
          return edge && stored >= 6 && edge.callCount === stored ? edge.callCount : undefined
        },
        60_000,
        program.output,
      )
      expect(calls).toBeGreaterThanOrEqual(6)

      // One inference service down: the ensemble goes on with the other one and says so.
      const down = `${control}/faults/service_down/inference-inception`
      expect((await fetch(down, { method: 'PUT' })).status).toBe(200)
      expect(await runClient(page, otlp, preprocessing, 2)).toMatchObject({ classified: 2, traces: { whole: 2 } })
      const gone = await getJson<{ total: { traces: number } }>(
        `${page}/api/spoor/v1/search?q=${encodeURIComponent('{device.id:drone_1} && {has:event.inference.url}')}&totals=true`,
      )
      expect(gone.total.traces).toBe(2)
      expect((await fetch(down, { method: 'DELETE' })).status).toBe(200)
    }

    // Ctrl-C stops everything: nobody listens any more.
    expect(await program.stop('SIGINT')).toBe(0)
    await expect(fetch(page)).rejects.toThrow()
  })
})

/** Debian's packages. */
const servers = ['/usr/lib/rabbitmq/bin/rabbitmq-server', '/usr/lib/postgresql'].every((path) => existsSync(path))

it.skipIf(!servers)(
  'the world with RabbitMQ and PostgreSQL: results are stored, or put aside, and all ends',
  { timeout: 600_000 },
  async () => {
    const { program, control, consumer, queue } = await startWorld('--with-queue', '--rate', '2')
    const health = (): Promise<Record<string, unknown>> => getJson(`${consumer}/health`)
    const stored = await eventually(
      'results in PostgreSQL',
      async () => {
        if (program.child.exitCode !== null) throw new Error(`the world ended\n${program.output()}`)
        const { classifications } = await getJson<{ classifications: { label: string }[] }>(
          `${consumer}/classifications`,
        ).catch(() => ({ classifications: [] }))
        // The table is written, whatever a busy machine has made of its first photograph.
        return classifications.length >= 3 && program.output().includes('Goes on with') ? classifications : undefined
      },
      300_000,
      program.output,
    )
    expect(stored.every(({ label }) => label.length > 2)).toBe(true)
    // Nobody listens where the queue in the ensemble would be.
    await expect(fetch(queue)).rejects.toThrow()

    expect(
      (await fetch(`${control}/faults/poison_message/ensemble`, { method: 'PUT', body: '{"percent":100}' })).status,
    ).toBe(200)
    const buried = await eventually(
      'a dead letter',
      async () => {
        const one = await health()
        return Number(one['buried']) > 0 ? one : undefined
      },
      120_000,
      program.output,
    )
    // Each is tried four times.
    expect(Number(buried['again'])).toBeGreaterThanOrEqual(3 * Number(buried['buried']))
    const ports = /RabbitMQ (\d+) +PostgreSQL (\d+)/.exec(program.output())?.slice(1) ?? []
    expect(ports).toHaveLength(2)
    expect(await program.stop('SIGINT')).toBe(0)
    for (const port of ports) await expect(fetch(`http://127.0.0.1:${port}`)).rejects.toThrow('fetch failed')
  },
)

/** Root on a kernel with network namespaces, and `ip`. */
const canPlug =
  process.platform === 'linux' && process.getuid?.() === 0 && spawnSync('unshare', ['--net', 'ip', 'link']).status === 0

it.skipIf(!servers || !canPlug)(
  'the world in namespaces, RabbitMQ and PostgreSQL in ones of their own: all traces are complete, and nothing is left',
  { timeout: 600_000 },
  async () => {
    const { program } = await startWorld('--netns', '--with-queue', '--rate', '2')
    await eventually(
      'a table of complete traces',
      async () => {
        if (program.child.exitCode !== null) throw new Error(`the world ended\n${program.output()}`)
        return program.output().includes('traces, all complete') ? true : undefined
      },
      400_000,
      program.output,
    )
    const names = /Namespaces +(.*)/.exec(program.output())?.[1]?.match(/[a-z][a-z-]+(?= 10\.83)/g)
    expect(names).toEqual(expect.arrayContaining(['client', 'ensemble', 'consumer', 'spoor', 'rabbitmq', 'postgresql']))
    // Each server is in its own, and nowhere else.
    const inside = (name: string): string =>
      spawnSync('ip', ['netns', 'exec', `spoor-${program.child.pid}-${name}`, 'cat', '/proc/net/tcp']).stdout.toString()
    const [amqp = '', postgres = ''] = /RabbitMQ (\d+) +PostgreSQL (\d+)/.exec(program.output())?.slice(1) ?? []
    const listens = (name: string, port: string): boolean =>
      inside(name).includes(`00000000:${Number(port).toString(16).toUpperCase().padStart(4, '0')} 00000000:0000 0A`)
    expect([listens('rabbitmq', amqp), listens('postgresql', postgres)]).toEqual([true, true])
    expect([listens('rabbitmq', postgres), listens('ensemble', amqp)]).toEqual([false, false])
    expect(await program.stop('SIGINT')).toBe(0)
    expect(spawnSync('ip', ['netns', 'list']).stdout.toString()).not.toContain(`spoor-${program.child.pid}-`)
  },
)

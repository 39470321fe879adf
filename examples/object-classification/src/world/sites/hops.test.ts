import { once } from 'node:events'
import { Agent, createServer, request } from 'node:http'
import type { IncomingMessage } from 'node:http'
import { withSpan } from '@spoor/instrument'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { serve } from '../../service/serve.ts'
import type { Running } from '../../service/serve.ts'
import type { JsonSpan } from '../../testkit/receive-spans.ts'
import { traced } from '../../testkit/traced.ts'
import { IDEAL } from './link.ts'
import type { HopDisplay } from './link.ts'
import { Network } from './network.ts'

const own = traced('network')
let service: Running
beforeAll(async () => {
  service = await serve(
    createServer((incoming, response) => void incoming.resume().on('end', () => response.end('answer'))),
    { port: 0 },
  )
})
afterAll(() => service.stop())

/** Two requests over a chain of sites on one connection, the second without a parent. @returns The parent's id and the hops. */
async function hopsOf(sites: readonly string[], show: HopDisplay): Promise<{ parent: string; hops: JsonSpan[] }> {
  const links = sites.slice(1).map((site, index) => ({
    between: [sites[index] ?? '', site] as const,
    conditions: { ...IDEAL, latencyMs: 15 },
    show,
  }))
  const network = new Network({ links }, own.tracing.tracer)
  const [from = '', to = ''] = [sites[0], sites.at(-1)]
  const port = await network.reach(from, to, Number(new URL(service.url).port))
  let parent = ''
  // One connection for both.
  const agent = new Agent({ keepAlive: true, maxSockets: 1 })
  await withSpan('call', async (span) => {
    const { traceId, spanId } = span.spanContext()
    parent = spanId
    const headers = { traceparent: `00-${traceId}-${spanId}-01` }
    for (const more of [headers, {}]) await post(port, more, agent)
  })
  agent.destroy()
  await network.close()
  await own.tracing.flush()
  return { parent, hops: own.receiver.spans.filter(({ parentSpanId }) => parentSpanId === parent) }
}
async function post(port: number, headers: Record<string, string>, agent: Agent): Promise<void> {
  const sent = request({ port, host: '127.0.0.1', method: 'POST', headers, agent })
  sent.end('x'.repeat(40_000))
  const [response] = (await once(sent, 'response')) as [IncomingMessage]
  await once(response.resume(), 'end')
}
const msOf = ({ startTimeUnixNano, endTimeUnixNano }: JsonSpan): number =>
  Number(BigInt(endTimeUnixNano) - BigInt(startTimeUnixNano)) / 1e6

describe('hops in traces', () => {
  it('are spans of each way over each link, below the span that has sent the request', async () => {
    const { hops } = await hopsOf(['edge', 'fog', 'cloud'], 'span')
    expect(hops.map(({ name }) => name).sort()).toEqual(['cloud → fog', 'edge → fog', 'fog → cloud', 'fog → edge'])
    for (const hop of hops) expect(msOf(hop)).toBeGreaterThan(12)
    const bytes = hops.find(({ name }) => name === 'edge → fog')?.attributes?.find(({ key }) => key === 'link.bytes')
    expect(Number(bytes?.value.intValue)).toBeGreaterThan(40_000)
    // And not those of the next request.
    expect(Number(bytes?.value.intValue)).toBeLessThan(41_000)
    const starts = (name: string): bigint => BigInt(hops.find((hop) => hop.name === name)?.startTimeUnixNano ?? 0)
    expect(starts('edge → fog') < starts('fog → cloud')).toBe(true)
    expect(starts('cloud → fog') < starts('fog → edge')).toBe(true)
  })

  it('are events of one span where that is asked for', async () => {
    const { hops } = await hopsOf(['edge', 'cloud'], 'event')
    expect(hops.map(({ name }) => name)).toEqual(['edge ↔ cloud'])
    expect(hops[0]?.events?.map(({ name }) => name)).toEqual([
      'request is at cloud',
      'answer leaves cloud',
      'answer is at edge',
    ])
  })

  it('are not there where nobody asked for them', async () => {
    expect((await hopsOf(['edge', 'cloud'], 'none')).hops).toEqual([])
  })
})

describe('Network', () => {
  it('needs no relay on one site, and a way to others', async () => {
    const network = new Network({ links: [] })
    expect(await network.reach('edge', 'edge', 80)).toBe(80)
    await expect(network.reach('edge', 'moon', 80)).rejects.toThrow('no links lead from edge to moon')
    expect(() => network.link('edge-moon')).toThrow('there is no link edge-moon')
  })
})

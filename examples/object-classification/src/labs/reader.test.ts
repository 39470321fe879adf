import { expect, it } from 'vitest'
import { FAULTS } from '../world/faults/catalogue.ts'
import type { FaultName } from '../world/faults/catalogue.ts'
import { readFault } from './reader.ts'
import type { LabSpan } from './spans.ts'

let count = 0
function span(name: string, service: string, more: Partial<LabSpan> & { tags?: object } = {}): LabSpan {
  const { tags = {}, ...rest } = more
  const attributes = new Map(Object.entries(tags).map(([key, value]) => [key, String(value)]))
  const about = { traceId: 't', spanId: `s${count++}`, parentId: 'elsewhere', name, service, attributes }
  return { ...about, kind: 'internal', start: 0, end: 10, failed: false, message: '', ...rest }
}

/** Two requests as they are when all is well. `change` gives what stands in a span's place. */
function requests(change: (span: LabSpan) => LabSpan | undefined = (one) => one): LabSpan[] {
  const all = ['t1', 't2'].flatMap((traceId) => {
    const served = { traceId, kind: 'server', tags: { 'runtime.gc_ms': 0.1 } } as const
    const root = span('classify a photograph', 'client', { traceId, parentId: '', end: 400 })
    const call = (from: LabSpan, service: string, to: string, url: string): LabSpan[] => {
      const asking = span('POST', service, { ...served, kind: 'client', parentId: from.spanId, end: 390 })
      const tags = { ...Object.fromEntries(asking.attributes), 'url.full': url }
      const asked = { ...asking, attributes: new Map(Object.entries(tags)) }
      return [asked, span(`POST ${new URL(url).pathname}`, to, { ...served, parentId: asked.spanId, end: 390 })]
    }
    const first = call(root, 'client', 'preprocessing', 'http://p/preprocessing')
    const second = call(first[1] ?? root, 'preprocessing', 'ensemble', 'http://e/ensemble_service')
    const models = ['a', 'b'].flatMap((model) => [
      ...call(second[1] ?? root, 'ensemble', `inference-${model}`, `http://${model}/inference?request_id=x`),
      span('wait for the model', `inference-${model}`, { traceId }),
      span('run the model', `inference-${model}`, { traceId, end: 300, tags: { 'model.name': model } }),
    ])
    const inside = [
      span('prepare the image', 'preprocessing', { traceId, tags: { 'request.id': traceId } }),
      span('classify in the background', 'ensemble', { traceId }),
      span('store the result', 'consumer', { traceId }),
      ...[20, 25].map((ms) => span('way', 'network', { traceId, tags: { 'link.name': 'edge-fog', 'link.ms': ms } })),
      ...[8, 9].map((ms) => span('way', 'network', { traceId, tags: { 'link.name': 'fog-cloud', 'link.ms': ms } })),
    ]
    return [root, ...first, ...second, ...models, ...inside]
  })
  return all.flatMap((one) => change(one) ?? [])
}
const of = (service: string, name: RegExp, change: Partial<LabSpan>) => (one: LabSpan) =>
  one.service === service && name.test(one.name) ? { ...one, ...change } : one
const tagged = (one: LabSpan, key: string, value: string): LabSpan => ({
  ...one,
  attributes: new Map([...one.attributes, [key, value]]),
})
const CASES: Readonly<Record<FaultName, readonly [at: string, spans: readonly LabSpan[]]>> = {
  bad_images: [
    'client',
    requests((one) => (one.name.startsWith('POST /prep') ? tagged(one, 'http.response.status_code', '400') : one)),
  ],
  wrong_service_name: ['ensemble', requests(of('ensemble', /background/, { service: 'consumer' }))],
  errors: [
    'inference-b',
    requests((one) =>
      one.service === 'inference-b' && one.kind === 'server'
        ? tagged({ ...one, failed: true }, 'http.response.status_code', '500')
        : one,
    ),
  ],
  poison_message: [
    'ensemble',
    requests((one) => (one.service === 'consumer' ? tagged(one, 'message.outcome', 'dead_letter') : one)),
  ],
  lost_context: ['preprocessing', requests(of('preprocessing', /^POST \/prep/, { parentId: '' }))],
  skewed_clock: ['inference-a', requests(of('inference-a', /^POST/, { start: 5000, end: 5390 }))],
  retry_storm: [
    'ensemble',
    [
      ...requests(),
      span('POST', 'ensemble', { traceId: 't1', kind: 'client', tags: { 'url.full': 'http://a/inference?more' } }),
    ],
  ],
  service_down: [
    'inference-a',
    requests((one) => (one.service === 'inference-a' && one.traceId === 't2' ? undefined : one)),
  ],
  cold_start: ['inference-a', [...requests(), span('load the model', 'inference-a')]],
  dropped_link: [
    'fog-cloud',
    [...requests(), span('way', 'network', { tags: { 'link.name': 'fog-cloud', 'link.ms': 4000 } })],
  ],
  slow_link: [
    'fog-cloud',
    requests((one) => (one.attributes.get('link.name') === 'fog-cloud' ? tagged(one, 'link.ms', '160') : one)),
  ],
  slow_model: ['inference-b', requests(of('inference-b', /^run/, { end: 1200 }))],
  saturated_queue: ['inference-a', requests(of('inference-a', /^wait/, { end: 900 }))],
  slow_consumer: ['consumer', requests(of('consumer', /^store/, { end: 800 }))],
  memory_pressure: [
    'ensemble',
    requests((one) => (one.service === 'ensemble' && one.kind === 'server' ? tagged(one, 'runtime.gc_ms', '90') : one)),
  ],
}

it('finds nothing where nothing is wrong', () => {
  expect(readFault(requests(), requests())).toBeUndefined()
})

it.each(Object.entries(CASES))('reads %s from the traces', (fault, [at, spans]) => {
  expect(readFault(spans, requests())).toEqual({ fault, at })
})

it('knows all that there are', () => {
  expect(Object.keys(CASES).sort()).toEqual(Object.keys(FAULTS).sort())
})

import { createBudget, createCounters, EMPTY_CONTEXT, type Consumer, type ProcessorFactory } from '@spoor/collector'
import { builtinFactories } from '@spoor/collector/factories'
import { createBatch, indexItems } from '@spoor/otlp'
import { createCorpus } from 'spoor/loadgen'
import type { Section } from '../context.ts'
import type { Figure } from '../figure.ts'
import { compareCpu } from '../measure.ts'
import { decodeRequest, encodeRequest } from '../rival/proto.ts'

const REQUESTS = 16
const CASES: readonly [name: string, type: string, config: object][] = [
  [
    'transform: set an attribute of each',
    'transform',
    { trace_statements: ['set(span.attributes["deployment.environment"], "production")'] },
  ],
  [
    'transform: set an attribute where another says so',
    'transform',
    {
      trace_statements: [
        'set(span.attributes["slow"], true) where span.attributes["http.response.status_code"] >= 500 and span.kind == SPAN_KIND_SERVER',
      ],
    },
  ],
  [
    'transform: replace a pattern in each name',
    'transform',
    { trace_statements: ['replace_pattern(span.name, "/v[0-9]+/", "/")'] },
  ],
  ['filter: an attribute', 'filter', { trace_conditions: ['span.attributes["http.request.method"] == "GET"'] }],
]

/** What conditions and statements cost, from batch to batch. */
export const statements: Section = {
  name: 'statements',
  title: 'Statements (rival: protobufjs decode and encode, with nothing in between)',
  async run(context) {
    const batches = createCorpus(REQUESTS).requests.map(({ bytes }) =>
      createBatch('traces', [{ bytes, items: indexItems('traces', bytes).count }]),
    )
    const spans = batches.reduce((sum, { items }) => sum + items, 0)
    const recode = (): unknown => batches.map(({ chunks }) => encodeRequest(decodeRequest(chunks[0]!.bytes)).length)
    return CASES.map(([name, type, config]): Figure => {
      context.progress(name)
      const processor = createProcessor(type, config)
      const work = (): unknown => batches.map((batch) => processor.consume(batch, EMPTY_CONTEXT))
      return { name, ...compareCpu(context, spans, work, recode) }
    })
  },
}

function createProcessor(type: string, input: object): Consumer {
  const factory = builtinFactories.find((each) => each.kind === 'processor' && each.type === type) as ProcessorFactory
  const parsed = factory.config.safeParse(input)
  if (!parsed.success) throw new Error(parsed.error.issues.map(({ message }) => message).join('\n'))
  const logger = { debug() {}, info() {}, warn() {}, error() {} }
  const counters = createCounters()
  const context = { id: type, logger, counters, report: () => {}, budget: createBudget(undefined, { counters }) }
  return factory.create(context, parsed.data, { consume: () => Promise.resolve() }, 'traces')
}

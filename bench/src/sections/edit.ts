import { editRequest, indexItems, splitItems, type AnyValue, type SpanView } from '@spoor/otlp'
import { createCorpus } from 'spoor/loadgen'
import type { Section } from '../context.ts'
import type { Figure } from '../figure.ts'
import { compareCpu } from '../measure.ts'
import { decodeRequest, encodeRequest } from '../rival/proto.ts'

const REQUESTS = 16
const KEYS = ['http.request.method', 'http.response.status_code', 'not.there']
const VALUE: AnyValue = { type: 'string', value: 'production' }

/** What it costs to look into spans and to change them, on bytes. */
export const edit: Section = {
  name: 'edit',
  title: 'Edit (rival: protobufjs decode, and encode where something changes)',
  async run(context) {
    const requests = createCorpus(REQUESTS).requests.map(({ bytes }) => bytes)
    const spans = requests.reduce((sum, bytes) => sum + indexItems('traces', bytes).count, 0)
    const decode = (): unknown => requests.map((bytes) => decodeRequest(bytes).resourceSpans.length)
    const recode = (): unknown => requests.map((bytes) => encodeRequest(decodeRequest(bytes)).length)
    /** `row` counts the spans of a request. */
    const visit = (item: (span: SpanView, row: number) => void) => (): void => {
      for (const bytes of requests) {
        let row = 0
        editRequest('traces', bytes, { item: (span) => item(span, row++) })
      }
    }
    let found = 0
    const cases: readonly [name: string, ours: () => unknown, rival: () => unknown][] = [
      ['walk: where each span is', () => requests.map((bytes) => indexItems('traces', bytes).count), decode],
      [
        'get 3 attributes of each',
        visit(({ attributes }) => {
          for (const key of KEYS) if (attributes.get(key)) found++
        }),
        decode,
      ],
      [
        'set an attribute of one in ten',
        visit(({ attributes }, row) => {
          if (row % 10 === 0) attributes.set('deployment.environment', VALUE)
        }),
        recode,
      ],
      ['set an attribute of each', visit(({ attributes }) => attributes.set('deployment.environment', VALUE)), recode],
      [
        'drop every other',
        visit((span, row) => {
          if (row % 2 === 0) span.drop()
        }),
        recode,
      ],
      [
        'set an attribute of the resource',
        () => {
          for (const bytes of requests) {
            editRequest('traces', bytes, {
              resource: ({ attributes }) => attributes.set('deployment.environment', VALUE),
            })
          }
        },
        recode,
      ],
      [
        'split into parts of 100',
        () => requests.map((bytes) => splitItems('traces', bytes, { maxItems: 100 })),
        recode,
      ],
    ]
    const figures: Figure[] = []
    for (const [name, work, against] of cases) {
      context.progress(name)
      figures.push({ name, ...compareCpu(context, spans, work, against) })
    }
    if (found === 0) throw new Error('no attribute was found')
    return figures
  },
}

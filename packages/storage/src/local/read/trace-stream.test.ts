import { countSpans } from '@spoor/otlp'
import { expect, it } from 'vitest'
import { MS, sent, T0, traceId } from '../../conformance/spans.ts'
import { blockOf, StillClock } from './blocks.test.helper.ts'
import { LostBlock } from './lost-block.ts'
import { traceWords } from './trace-parts.ts'
import { TraceStream } from './trace-stream.ts'
import { Turn } from './turn.ts'

const here = blockOf([sent({ trace: 1, id: 1, at: 1000, ms: 10 })])
const at = (ms: number): string => String(T0 + BigInt(ms) * MS)

/** How many spans of the trace are given, and what is said at the end. */
async function read(trace: number, lost: LostBlock): Promise<{ spans: number; error: unknown }> {
  const stream = new TraceStream([here, lost], traceWords(traceId(trace)))
  let spans = 0
  try {
    for (;;) {
      const { chunks, done } = await stream.next(new Turn(new StillClock(), 1000))
      for (const chunk of chunks) spans += countSpans(chunk)
      if (done) return { spans, error: undefined }
    }
  } catch (error) {
    return { spans, error }
  }
}

it.each([
  ['whose time it may have had', 1, 500, 1500, 1],
  ['that ended when it began', 1, 1005, 1500, 1],
  ['that is not known, so that it may be there', 2, 5000, 6000, 0],
])('says of a trace %s that what cannot be read now may have spans of it', async (_, trace, from, to, spans) => {
  expect(await read(trace, new LostBlock([at(from), at(to)], '00000001.log: EIO'))).toEqual({
    spans,
    error: expect.objectContaining({ code: 'io', message: expect.stringContaining('00000001.log: EIO') as string }),
  })
})

it('takes a trace of another time for whole, and damage for what was told', async () => {
  expect(await read(1, new LostBlock([at(1011), at(2000)], 'EIO'))).toEqual({ spans: 1, error: undefined })
  expect(await read(1, new LostBlock([at(0), at(999)], 'EIO'))).toEqual({ spans: 1, error: undefined })
  expect(await read(1, new LostBlock([at(0), at(2000)]))).toEqual({ spans: 1, error: undefined })
})

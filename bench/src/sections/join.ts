import { joinBytes } from '@spoor/otlp'
import { createCorpus, SPANS_PER_REQUEST } from 'spoor/loadgen'
import type { Section } from '../context.ts'
import { compareCpu } from '../measure.ts'
import { decodeRequest, encodeRequest } from '../rival/proto.ts'

const REQUESTS = 16

/** What it costs to make one request of sixteen. */
export const join: Section = {
  name: 'join',
  title: 'Join (rival: protobufjs decode, encode)',
  async run(context) {
    context.progress('join')
    const parts = createCorpus(REQUESTS).requests.map((request) => request.bytes)
    const joined = compareCpu(
      context,
      REQUESTS * SPANS_PER_REQUEST,
      () => joinBytes(parts),
      () => encodeRequest({ resourceSpans: parts.flatMap((part) => decodeRequest(part).resourceSpans) }),
    )
    return [{ name: `join ${REQUESTS} requests`, ...joined }]
  },
}

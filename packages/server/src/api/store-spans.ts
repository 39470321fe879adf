/* oxlint-disable oxc/no-async-endpoint-handlers -- that is Express; Fastify answers with what a handler rejects with */
import { createBatch } from '@spoor/otlp'
import { Refusals, validPart } from '@spoor/trace/files'
import type { FastifyInstance } from 'fastify'
import type { StoredResponse } from '../api.ts'
import { callOf } from '../http/query-call.ts'
import { API } from './catalogue.ts'
import { RequestError } from './params.ts'
import { at } from './route.ts'
import type { StoreQueries } from './store-queries.ts'

const TYPE = 'application/x-protobuf'
/** The most that is stored by one request. Bytes. */
const MAX_BYTES = 16 << 20

/**
 * `POST traces`: puts spans that the page has into the store, past all pipelines, as `spoor import` does. Only of this media type, which a page of another
 * site cannot send without asking.
 */
export function storeSpansRoute(app: FastifyInstance, store: StoreQueries): void {
  app.addContentTypeParser(TYPE, { parseAs: 'buffer', bodyLimit: MAX_BYTES }, (_, body, done) => done(null, body))

  const [path, options] = at(API.storeSpans)
  app.post(path, { ...options, bodyLimit: MAX_BYTES }, async (request): Promise<StoredResponse> => {
    const { body } = request
    if (!(body instanceof Uint8Array))
      throw new RequestError(415, 'bad_body', `send a serialized TracesData as ${TYPE}, at most ${MAX_BYTES >> 20} MiB`)
    const refusals = new Refusals()
    let rejected = 0
    const valid = validPart(body, (reason, spans) => {
      refusals.add(reason, '', spans)
      rejected += spans ?? 0
    })
    const [first] = refusals.all
    if (!valid) throw new RequestError(400, 'bad_body', first!.reason)
    const { bytes, items } = valid
    if (items > 0) await store.append(createBatch('traces', [{ bytes, items }]), callOf(request))
    return { spans: items, rejected, ...(first && { reason: first.reason }) }
  })
}

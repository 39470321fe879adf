import { INVALID_SPAN_CONTEXT } from '@opentelemetry/api'
import { describe, expect, it } from 'vitest'
import type { EnsembleResult } from '../service/prediction.ts'
import { ResultStore } from './results.ts'

const result = (requestId: string): EnsembleResult => ({
  requestId,
  index: 0,
  label: 'red',
  probability: 1,
  top: [],
  votes: [],
  failed: [],
})
const never = new AbortController().signal

describe('ResultStore', () => {
  it('tells how a request stands', async () => {
    const store = new ResultStore(10)
    const { promise, resolve } = Promise.withResolvers<EnsembleResult>()
    store.add('a', INVALID_SPAN_CONTEXT, promise)
    expect(store.pending).toBe(1)
    expect(store.get('a')?.outcome()).toEqual({ state: 'pending' })
    expect(await store.get('a')?.wait(0, never)).toEqual({ state: 'pending' })
    resolve(result('a'))
    expect(await store.get('a')?.wait(10_000, never)).toEqual({ state: 'done', result: result('a') })
    expect(store.pending).toBe(0)
  })

  it('keeps a failure', async () => {
    const store = new ResultStore(10)
    store.add('a', INVALID_SPAN_CONTEXT, Promise.reject(new Error('no model')))
    expect(await store.get('a')?.wait(10_000, never)).toEqual({ state: 'failed', message: 'no model' })
  })

  it('ends a wait that nobody waits for any more', async () => {
    const store = new ResultStore(10)
    store.add('a', INVALID_SPAN_CONTEXT, new Promise(() => undefined))
    const gone = new AbortController()
    const waiting = store.get('a')?.wait(2 ** 30, gone.signal)
    gone.abort()
    expect(await waiting).toEqual({ state: 'pending' })
    expect(await store.get('a')?.wait(2 ** 30, gone.signal)).toEqual({ state: 'pending' })
  })

  it('forgets the oldest beyond its limit', () => {
    const store = new ResultStore(2)
    for (const id of ['a', 'b', 'c']) store.add(id, INVALID_SPAN_CONTEXT, Promise.resolve(result(id)))
    expect(['a', 'b', 'c'].map((id) => store.get(id)?.requestId)).toEqual([undefined, 'b', 'c'])
  })

  it('drains what is pending', async () => {
    const store = new ResultStore(10)
    const { promise, resolve } = Promise.withResolvers<EnsembleResult>()
    store.add('a', INVALID_SPAN_CONTEXT, promise)
    const drained = store.drain()
    resolve(result('a'))
    await drained
    expect(store.pending).toBe(0)
  })
})

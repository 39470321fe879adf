import { decodeTraces } from '@spoor/otlp'
import { expect, it } from 'vitest'
import { ArrivalBook, createNumbered, KEPT_ONE_IN, TRACES_PER_REQUEST } from './numbered.ts'

const request = createNumbered(5)
const message = (number: number): Buffer => request(number).subarray(5)

it('gives each trace an id of its own, and one in ten what it is kept by', () => {
  const spans = [0, 1].flatMap((number) =>
    decodeTraces(message(number)).resourceSpans.flatMap(({ scopeSpans }) =>
      scopeSpans.flatMap(({ spans: all }) => all),
    ),
  )
  expect(new Set(spans.map(({ traceId }) => traceId)).size).toBe(2 * TRACES_PER_REQUEST)
  const kept = spans.filter(({ attributes }) => JSON.stringify(attributes).includes('"yes"'))
  expect(kept).toHaveLength((2 * TRACES_PER_REQUEST) / KEPT_ONE_IN)
})

it('counts what has come, what came again, what is of no run, and what is missing', () => {
  const book = new ArrivalBook(2 * TRACES_PER_REQUEST)
  book.take(message(1))
  book.take(message(1))
  book.take(message(7))
  expect(book.arrivals).toEqual({
    seen: TRACES_PER_REQUEST,
    twice: TRACES_PER_REQUEST,
    kept: TRACES_PER_REQUEST / KEPT_ONE_IN,
    foreign: TRACES_PER_REQUEST,
  })
  expect(book.missing(TRACES_PER_REQUEST, 3)).toEqual([0, 1, 2])
  book.take(message(0))
  expect(book.missing(2 * TRACES_PER_REQUEST, 3)).toEqual([])
})

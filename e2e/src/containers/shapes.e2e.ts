import { expect, it } from 'vitest'
import { differences, usualOf } from './shapes.ts'
import type { JaegerTrace } from './trial.ts'

const SERVICES = ['client', 'ensemble']

/** A client's span and one of the ensemble below it, in the order in which they came. */
function trace(traceID: string, { parent = 'a', keys = ['x', 'y'], calls = 1 } = {}): JaegerTrace {
  const child = (index: number): JaegerTrace['spans'][number] => ({
    spanID: `b${index}`,
    operationName: 'POST',
    processID: 'p2',
    references: [
      { refType: 'FOLLOWS_FROM', spanID: 'elsewhere' },
      { refType: 'CHILD_OF', spanID: parent },
    ],
    tags: keys.map((key) => ({ key })),
    logs: [],
  })
  const root = { spanID: 'a', operationName: 'classify', processID: 'p1', references: [], tags: [], logs: [{}] }
  const spans = [...Array.from({ length: calls }, (_, index) => child(index)), root]
  return { traceID, spans, processes: { p1: { serviceName: 'client' }, p2: { serviceName: 'ensemble' } } }
}
const five = (options: Parameters<typeof trace>[1] = {}): JaegerTrace[] =>
  ['1', '2', '3', '4', '5'].map((id) => trace(id, options))

it('the usual shape of whole traces has a line for each span', () => {
  expect(usualOf([...five(), trace('6', { calls: 2 })], SERVICES)).toEqual({
    traceId: '1',
    shape: ['client: classify <  0 links, 1 events, ', 'ensemble: POST < client: classify 1 links, 0 events, x y'],
  })
  expect(usualOf(five({ keys: ['y', 'x'] }), SERVICES)).toEqual(usualOf(five(), SERVICES))
})

it('there is none of traces that are not whole, or too few', () => {
  expect(usualOf(five().slice(1), SERVICES)).toBeUndefined()
  expect(usualOf(five({ parent: 'gone' }), SERVICES)).toBeUndefined()
  expect(usualOf(five(), [...SERVICES, 'consumer'])).toBeUndefined()
})

it('runs differ in a span more, another parent and another attribute', () => {
  const shape = (options: Parameters<typeof trace>[1]): readonly string[] => usualOf(five(options), SERVICES)!.shape
  expect(differences(shape({}), shape({}))).toEqual([])
  expect(differences(shape({}), shape({ calls: 2 }))).toEqual([
    '+ ensemble: POST < client: classify 1 links, 0 events, x y',
  ])
  expect(differences(shape({}), shape({ keys: ['x'] }))).toEqual([
    '- ensemble: POST < client: classify 1 links, 0 events, x y',
    '+ ensemble: POST < client: classify 1 links, 0 events, x',
  ])
})

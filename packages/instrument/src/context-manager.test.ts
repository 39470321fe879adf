import { EventEmitter } from 'node:events'
import { context, createContextKey, ROOT_CONTEXT } from '@opentelemetry/api'
import { expect, test } from 'vitest'
import { bindEmitter, ContextManager, contexts, putInForce } from './context-manager.ts'
import { rootContext } from './flat-context.ts'

const key = createContextKey('test')
const one = ROOT_CONTEXT.setValue(key, 1)
const two = ROOT_CONTEXT.setValue(key, 2)

test('listeners of a bound emitter run in its context, whoever emits and whenever they were added', () => {
  const manager = new ContextManager().enable()
  const emitter = new EventEmitter()
  const seen: unknown[] = []
  const listener = (...args: unknown[]): void => void seen.push(manager.active().getValue(key), ...args)
  emitter.on('early', listener)
  expect(manager.bind(one, emitter)).toBe(emitter)
  const bound = Object.getOwnPropertyDescriptor(emitter, 'emit')
  manager.bind(two, emitter)
  expect(Object.getOwnPropertyDescriptor(emitter, 'emit')).toEqual(bound)
  emitter.once('late', listener)
  manager.with(two, () => emitter.emit('early', 'a'))
  manager.with(one, () => emitter.emit('late', 'b', 'c'))
  expect(emitter.emit('late')).toBe(false)
  emitter.off('early', listener)
  expect(emitter.emit('early')).toBe(false)
  expect(seen).toEqual([1, 'a', 1, 'b', 'c'])
  expect(manager.active()).toBe(rootContext)
  expect(manager.with(ROOT_CONTEXT, () => manager.active())).toBe(rootContext)
})

test('who listens to an emitter is told after its listeners, also where it is bound already, or one throws', () => {
  const manager = new ContextManager().enable()
  const emitter = manager.bind(one, new EventEmitter())
  const told: unknown[] = []
  bindEmitter(emitter, two, (event, value) => told.push('last', event, value), manager)
  emitter.on('end', (value: unknown) => told.push(manager.active().getValue(key), value))
  emitter.emit('end', 5, 6)
  expect(told).toEqual([1, 5, 'last', 'end', 5])
  expect(() => emitter.emit('error', new TypeError('bad'))).toThrow('bad')
  expect(told.at(-2)).toBe('error')
})

test('functions are bound as before, and what is neither stays', () => {
  const manager = new ContextManager().enable()
  const bound = manager.bind(one, function (this: unknown, add: number) {
    return [this, add, manager.active().getValue(key)]
  })
  const self = {}
  expect(bound.call(self, 3)).toEqual([self, 3, 1])
  expect(manager.bind(one, 7)).toBe(7)
})

test('the manager in force is the API’s until one of ours is, and again when the API lets go of that', () => {
  expect(contexts()).toBe(context)
  const manager = new ContextManager().enable()
  context.setGlobalContextManager(manager)
  putInForce(manager)
  expect(contexts()).toBe(manager)
  new ContextManager().disable()
  expect(contexts()).toBe(manager)
  context.disable()
  expect(contexts()).toBe(context)
})

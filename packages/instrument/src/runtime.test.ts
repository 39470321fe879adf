import { expect, test } from 'vitest'
import { otherRuntime, runtimeProblem } from './runtime.ts'

test.each([
  [{ node: '20.19.4' }, 'Node 20.19.4 is too old, @spoor/instrument needs 22.15 or newer'],
  [{ node: '22.14.0' }, 'Node 22.14.0 is too old, @spoor/instrument needs 22.15 or newer'],
  [{ node: '22.15.0' }, undefined],
  [{ node: '26.1.0' }, undefined],
  [{ node: '20.0.0', bun: '1.3.0' }, undefined],
])('%o: %s', (versions, problem) => {
  expect(runtimeProblem(versions as never)).toBe(problem)
})

test('runtimes that take themselves for Node', () => {
  expect(otherRuntime()).toBeUndefined()
  expect(otherRuntime({ node: '24.3.0', bun: '1.3.0' } as never)).toBe('Bun 1.3.0')
  expect(otherRuntime({ node: '24.3.0', deno: '2.5.0' } as never)).toBe('Deno 2.5.0')
})

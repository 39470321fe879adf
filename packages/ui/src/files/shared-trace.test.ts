import { expect, it } from 'vitest'
import { placeOfTrace, type SharedTrace, withTrace } from './shared-trace.ts'

const shared: SharedTrace = {
  traceId: '0'.repeat(31) + '1',
  search: '?span=0000000000000002',
  sharedMs: 7,
  slots: { '</script><script>alert(1)</script><!--': 3, '$&': 4 },
  gzip: 'H4sI',
}

it('puts a trace into the viewer, whatever its services are called', () => {
  const [before, after] = ['<html><body>', '<script type="module">run()</script></body></html>']
  const html = withTrace(before + placeOfTrace + after, shared)
  expect([html.startsWith(before), html.endsWith(after)]).toEqual([true, true])
  const inside = html.slice(before.length, -after.length)
  // Nothing in it begins or ends an element but its own.
  expect(inside.match(/</g)).toHaveLength(2)
  expect(JSON.parse(inside.slice(inside.indexOf('>') + 1, inside.lastIndexOf('<')))).toEqual(shared)
})

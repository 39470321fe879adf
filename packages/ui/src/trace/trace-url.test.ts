import { describe, expect, it } from 'vitest'
import { readTraceUrl } from './trace-url.ts'

describe('readTraceUrl', () => {
  it('keeps what it knows', () => {
    expect(readTraceUrl({ span: '3EE00B53EAB18EA2', view: 'tree', find: 'dog', other: 'x' })).toEqual({
      span: '3ee00b53eab18ea2',
      view: 'tree',
      find: 'dog',
    })
  })

  it('drops what makes no sense, and the default view', () => {
    expect(readTraceUrl({ span: 'ensemble', view: 'timeline', find: '' })).toEqual({})
  })

  it('reads the find text of links to the trace page of Jaeger', () => {
    expect(readTraceUrl({ uiFind: 'dog' })).toEqual({ find: 'dog' })
  })
})

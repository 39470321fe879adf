import { describe, expect, it } from 'vitest'
import { readTraceUrl, readZoom } from './trace-url.ts'

describe('readTraceUrl', () => {
  it('keeps what it knows', () => {
    expect(readTraceUrl({ span: '3EE00B53EAB18EA2', view: 'tree', find: 'dog', other: 'x' })).toEqual({
      span: '3ee00b53eab18ea2',
      view: 'tree',
      find: 'dog',
    })
  })

  it('drops what makes no sense, and the default view', () => {
    expect(readTraceUrl({ span: 'ensemble', view: 'timeline', find: '', zoom: '9-3', folded: 'x' })).toEqual({})
    expect(readTraceUrl({ view: '../x', zoom: '1-', folded: 'all,all' })).toEqual({})
  })

  it('keeps what was zoomed to and collapsed', () => {
    const url = { zoom: '0-1500', folded: '3ee00b53eab18ea2,3ee00b53eab18ea3' }
    expect(readTraceUrl(url)).toEqual(url)
    expect(readZoom(url.zoom)).toEqual({ from: 0, to: 1500 })
    expect(readTraceUrl({ folded: 'all' })).toEqual({ folded: 'all' })
  })

  it('keeps whether clocks are aligned, and nothing else of them', () => {
    expect(readTraceUrl({ clocks: 'aligned' })).toEqual({ clocks: 'aligned' })
    expect(readTraceUrl({ clocks: 'apart' })).toEqual({})
  })

  it('reads the find text of links to the trace page of Jaeger', () => {
    expect(readTraceUrl({ uiFind: 'dog' })).toEqual({ find: 'dog' })
  })
})

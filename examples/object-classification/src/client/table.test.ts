import { describe, expect, it } from 'vitest'
import type { Classification } from './send.ts'
import { tableHeader, tableLayout, tableRow } from './table.ts'

const page = 'http://127.0.0.1:16686'
const traceId = '5b8aa5a2d2c872e8321cf37308d69df2'
const link = `${page}/trace/${traceId}`

function classification(label: string, probability: number, elapsedMs: number, file = 'dog.jpg'): Classification {
  const prediction = { index: 0, label, probability }
  return { file, traceId, elapsedMs, result: { requestId: 'x', ...prediction, top: [], votes: [], failed: [] } }
}

describe('the table of classifications', () => {
  const layout = tableLayout(['dog.jpg', 'long-haired-cat.jpg'], 160, page)

  it('aligns its columns', () => {
    const lines = [
      tableHeader(layout),
      tableRow(classification('Brittany spaniel', 0.774, 143.4), layout),
      tableRow(classification('tabby', 1, 1204, 'long-haired-cat.jpg'), layout),
      tableRow(classification('ear', 0.004, 9), layout),
    ]
    expect(lines).toEqual([
      '  photograph           label                      prob     time  trace',
      `  dog.jpg              Brittany spaniel           77 %   143 ms  ${link}`,
      `  long-haired-cat.jpg  tabby                     100 %   1.20 s  ${link}`,
      `  dog.jpg              ear                         0 %     9 ms  ${link}`,
    ])
  })

  it('puts the link on a line of its own when the terminal is narrow, so that it can be clicked', () => {
    const narrow = { ...layout, width: 80 }
    const [row, below] = tableRow(classification('tabby', 0.5, 100), narrow).split('\n')
    expect(row).toBe('  dog.jpg              tabby                      50 %   100 ms')
    expect(below).toBe(`    ${link}`)
  })

  it('shortens long names and labels', () => {
    const long = tableLayout([`${'x'.repeat(100)}.jpg`], 160, page)
    const row = tableRow(classification('y'.repeat(100), 0.5, 100, `${'x'.repeat(100)}.jpg`), long)
    expect(row).toContain(`${'x'.repeat(27)}…  ${'y'.repeat(23)}…   50 %`)
  })

  it('says why a photograph was not classified', () => {
    const failed: Classification = { file: 'dog.jpg', traceId, elapsedMs: 5, error: 'HTTP 400: corrupt' }
    expect(tableRow(failed, layout)).toBe(`  dog.jpg              failed: HTTP 400: corrupt\n    ${link}`)
  })
})

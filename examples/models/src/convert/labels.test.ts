import { describe, expect, it } from 'vitest'
import { parseLabels } from './labels.ts'

/** A class list as it is published, from these names. */
function classList(entries: readonly string[]): string {
  return `/** @license */\nexport const IMAGENET_CLASSES = {\n${entries.join(',\n')}\n};\n`
}

describe('parseLabels', () => {
  const plain = Array.from({ length: 1001 }, (_, index) => `  ${index}: 'name ${index}, other name'`)

  it('drops the background and takes the first name', () => {
    const labels = parseLabels(classList(plain))
    expect(labels).toHaveLength(1000)
    expect(labels[0]).toBe('name 1')
    expect(labels[999]).toBe('name 1000')
  })

  it('reads joined, escaped and double-quoted names', () => {
    const entries = [...plain]
    entries[1] = "  1: 'great white shark, white shark,' +\n      ' man-eater'"
    entries[2] = `  2: "jack-o'-lantern"`
    entries[3] = String.raw`  3: 'yellow lady\'s slipper, orchid'`
    const labels = parseLabels(classList(entries))
    expect(labels.slice(0, 4)).toEqual(['great white shark', "jack-o'-lantern", "yellow lady's slipper", 'name 4'])
  })

  it('names a class that is missing', () => {
    expect(() => parseLabels(classList(plain.filter((_, index) => index !== 500)))).toThrow('class 500 is missing')
  })
})

import { describe, expect, it } from 'vitest'
import {
  goalText,
  median,
  numberText,
  peerRatioOf,
  percentile,
  rivalRatioOf,
  runsOf,
  runsText,
  spreadOf,
  verdictOf,
  worseBy,
  type Figure,
} from './figure.ts'
import { renderMarkdown, renderText } from './report.ts'
import { eagerFiles, lazyViews } from './sections/page.ts'

const forward: Figure = {
  name: 'plain',
  unit: 'spans/CPU s',
  value: 900_000,
  peer: runsOf([170_000, 180_000, 190_000]),
  rival: 60_000,
  goal: { ratio: 5 },
}
const byId: Figure = { name: 'by id', unit: 'ms', value: 6, rival: 1.5, goal: { value: 5 } }
const alone: Figure = { name: 'page', unit: 'kB', value: 120 }

describe('a figure', () => {
  it('is compared with peer and rival so that a ratio above 1 means better', () => {
    expect([peerRatioOf(forward), rivalRatioOf(forward)]).toEqual([5, 15])
    expect([peerRatioOf(byId), rivalRatioOf(byId)]).toEqual([undefined, 0.25])
    expect([peerRatioOf(alone), rivalRatioOf(alone)]).toEqual([undefined, undefined])
  })

  it('is judged by its goal, on the right side', () => {
    expect(verdictOf(forward)).toBe('ok')
    expect(verdictOf({ ...forward, value: 600_000 })).toBe('falls short')
    expect(verdictOf({ ...forward, goal: { value: 1_200_000 } })).toBe('falls short')
    expect(verdictOf(byId)).toBe('falls short')
    expect(verdictOf({ ...byId, value: 5 })).toBe('ok')
    expect(verdictOf(alone)).toBeUndefined()
  })

  it('is judged neither way where the goal lies within its noise', () => {
    const runs = (values: readonly number[], goal = 100): Figure => ({
      name: 'ready',
      unit: 'ms',
      ...runsOf(values),
      goal: { value: goal },
    })
    expect(verdictOf(runs([88, 92, 96]))).toBe('about')
    expect(verdictOf(runs([98, 104, 110]))).toBe('about')
    expect(verdictOf(runs([78, 82, 86]))).toBe('ok')
    expect(verdictOf(runs([116, 120, 124]))).toBe('falls short')
    // Runs that happen to be alike, and a single one.
    expect(verdictOf(runs([102, 102, 102]))).toBe('about')
    expect(verdictOf(runs([104, 104, 104]))).toBe('falls short')
    expect([verdictOf(runs([110])), verdictOf(runs([120]))]).toEqual(['about', 'falls short'])
    // With the peer's noise.
    const beside = (value: number): Figure => ({ ...forward, ...runsOf([value]), peer: runsOf([180_000]) })
    expect([650_000, 800_000, 1_000_000, 1_300_000].map((value) => verdictOf(beside(value)))).toEqual([
      'about',
      'about',
      'about',
      'ok',
    ])
  })

  it('has no noise where it is counted and not measured', () => {
    const page: Figure = { ...alone, goal: { value: 119 } }
    expect([verdictOf(page), verdictOf({ ...page, value: 118.9 })]).toEqual(['falls short', 'ok'])
  })

  it('is not judged by a ratio to somebody who was not there', () => {
    const { peer: _, ...withoutPeer } = forward
    expect(verdictOf(withoutPeer)).toBeUndefined()
    expect(verdictOf({ ...withoutPeer, goal: { ratio: 15, of: 'rival' } })).toBe('ok')
    expect(verdictOf({ ...withoutPeer, goal: { ratio: 19, of: 'rival' } })).toBe('falls short')
  })

  it('says its goal with the right sign', () => {
    const third = { ...forward, goal: { ratio: 10 / 7 } }
    expect([
      goalText(forward),
      goalText(third),
      goalText(byId),
      goalText({ ...forward, goal: { value: 250_000 } }),
    ]).toEqual(['≥ 5 ×', '≥ 1.43 ×', '≤ 5 ms', '≥ 250,000 spans/CPU s'])
  })

  it('says how far its runs lie apart, where there were several', () => {
    expect(spreadOf(runsOf([90, 100, 110]))).toBeCloseTo(0.1)
    expect([spreadOf({ value: 5 }), spreadOf(runsOf([5]))]).toEqual([undefined, undefined])
    expect([runsText(runsOf([90, 100, 110]), 'MB'), runsText({ value: 5 }, 'ms')]).toEqual(['100 MB ±10 %', '5 ms'])
  })

  it('knows which way is worse', () => {
    expect([worseBy('MB', 100, 150), worseBy('spans/CPU s', 150, 100)]).toEqual([0.5, 0.5])
    expect(worseBy('MB', 100, 50)).toBe(-0.5)
  })
})

describe('statistics', () => {
  it('median and percentile', () => {
    expect(median([3, 1, 2])).toBe(2)
    expect(median([4, 1, 2, 3])).toBe(2.5)
    expect(percentile([0, 10, 20, 30, 40], 95)).toBe(38)
    expect(() => median([])).toThrow(RangeError)
  })

  it('numbers with three or four digits', () => {
    expect([0.1234, 4.567, 45.67, 456.7, 4567.8, 912_345].map(numberText)).toEqual([
      '0.12',
      '4.57',
      '45.7',
      '457',
      '4,568',
      '912,300',
    ])
  })
})

describe('the report', () => {
  const results = [
    { section: 'forward', title: 'Forward', figures: [forward] },
    { section: 'query', title: 'Query', figures: [byId] },
    { section: 'page', title: 'Page', figures: [], error: 'the page is not built' },
  ]

  it('shows verdicts and what could not be measured', () => {
    const text = renderText(results)
    expect(text).toMatch(/^plain +900,000 spans\/CPU s +180,000 ±6 % +5 × +60,000 +15 × +≥ 5 × +ok$/m)
    expect(text).toMatch(/^by id .+ falls short$/m)
    expect(text).toContain('not measured: the page is not built')
  })

  it('is a Markdown table with what else is to be known of the run', () => {
    const text = renderMarkdown(results, [['Node', process.version]])
    expect(text).toContain(`| Node | ${process.version} |`)
    expect(text).toContain('| plain | 900,000 spans/CPU s | 180,000 ±6 % | 5 × | 60,000 | 15 × | ≥ 5 × | ok |  |')
    expect(text).toContain('|---|---:|---:|---:|---:|---:|---|---|---|')
    expect(text).toContain('Not measured: the page is not built')
  })
})

it('finds what a page loads at once', () => {
  const html = `<link rel="icon" href="/icon.svg"><script type="module" crossorigin src="/assets/index-1.js"></script>
    <link rel="modulepreload" href="./assets/react-2.js"><link rel="stylesheet" href="/assets/index-3.css">
    <script src="https://example.com/other.js"></script><link rel="prefetch" href="/assets/later.js">`
  expect(eagerFiles(html)).toEqual(['assets/index-1.js', 'assets/react-2.js', 'assets/index-3.css'])
})

it('finds what a view of the page loads', () => {
  const script = `const __vite__mapDeps=(i,m=__vite__mapDeps,d=(m.f||(m.f=["assets/a-12345678.js","assets/b-12345678.js"])))=>i;
    u(()=>q(()=>import(\`./search-page-CYMUk8FO.js\`).then(e=>e.t),__vite__mapDeps([0,1])));q(()=>import("./x.js"))`
  expect(lazyViews(script)).toEqual([{ name: 'search-page', files: ['assets/a-12345678.js', 'assets/b-12345678.js'] }])
})

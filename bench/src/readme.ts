import { numberText, peerRatioOf, type Figure } from './figure.ts'
import type { SectionResult } from './report.ts'
import type { RunRecord } from './results.ts'

/** What the table of README.md is between. */
const [BEGIN, END] = ['<!-- written by npm run bench -- --write -->', '<!-- until here -->']

interface Row {
  readonly what: string
  readonly section: string
  readonly figures: readonly string[]
  /** What its values are divided by, and said behind the first. */
  readonly unit: readonly [divisor: number, text: string]
  readonly peer: string
}

const COLLECTOR = 'OpenTelemetry Collector'
const MEMORY = 'Jaeger, memory store'
const PER_CPU: Row['unit'] = [1_000, 'k spans per CPU second']

/** The rows, whatever they say: those where Spoor is behind, too. */
const ROWS: readonly Row[] = [
  {
    what: 'forward OTLP, gRPC / gzip',
    section: 'forward',
    figures: ['gRPC', 'gRPC, gzip'],
    unit: PER_CPU,
    peer: COLLECTOR,
  },
  {
    what: 'forward OTLP, HTTP / gzip',
    section: 'forward',
    figures: ['HTTP', 'HTTP, gzip'],
    unit: PER_CPU,
    peer: COLLECTOR,
  },
  {
    what: 'store, 32 senders / 1 sender, on disk against in memory',
    section: 'senders',
    figures: ['32 senders', '1 sender'],
    unit: [1, 'µs a span'],
    peer: MEMORY,
  },
  {
    what: 'memory of storing 1 M spans with searches beside it',
    section: 'memory',
    figures: ['peak'],
    unit: [1, 'MB'],
    peer: MEMORY,
  },
  {
    what: 'a trace of 1 to 50 spans a request, 32 senders / 1 sender',
    section: 'small-requests',
    figures: ['32 senders', '1 sender'],
    unit: [1, 'µs a request'],
    peer: MEMORY,
  },
  {
    what: 'a steady 10,000 spans/s, store / collector',
    section: 'steady',
    figures: ['store, CPU', 'collector, CPU'],
    unit: [1, '% of a core'],
    peer: `${MEMORY}, and ${COLLECTOR}`,
  },
  {
    what: 'a trace by id, from disk against from memory, median',
    section: 'answers',
    figures: ['a trace by id, median'],
    unit: [1, 'ms'],
    peer: MEMORY,
  },
  {
    what: 'start until ready, store / collector',
    section: 'start',
    figures: ['store, ready', 'collector, ready'],
    unit: [1, 'ms'],
    peer: `Jaeger and ${COLLECTOR}`,
  },
  {
    what: 'idle memory, store / collector',
    section: 'start',
    figures: ['store, idle memory after 5 s', 'collector, idle memory after 5 s'],
    unit: [1, 'MB'],
    peer: `Jaeger and ${COLLECTOR}`,
  },
]

/** README.md with the table of a run; throws where one of its rows was not measured beside its peer. */
export function withTable(readme: string, { at, commit, load, results }: RunRecord): string {
  const [begin, end] = [readme.indexOf(BEGIN), readme.indexOf(END)]
  if (begin < 0 || end < begin) throw new Error(`README.md: its table is to stand between ${BEGIN} and ${END}`)
  const [before, after] = [load.before, load.after].map((average) => average.toFixed(1))
  const run = `Of ${at.slice(0, 10)}, commit ${commit.slice(0, 10)}; load average before and after ${before}, ${after}.`
  return `${readme.slice(0, begin)}${BEGIN}\n\n${tableOf(results)}\n\n${run}\n\n${readme.slice(end)}`
}

function tableOf(results: readonly SectionResult[]): string {
  const rows = ROWS.map(({ what, section, figures, unit: [divisor, unit], peer }) => {
    const measured = figures.map((name) => measuredOf(results, section, name))
    const values = (of: (figure: Measured) => number) => measured.map((one) => numberText(of(one))).join(' / ')
    const isBehind = measured.some((one) => one.times < 1)
    const bold = (text: string) => (isBehind ? `**${text}**` : text)
    const own = values(({ value }) => value / divisor)
    const theirs = values((one) => one.peer / divisor)
    return `| ${bold(what)} | ${own} ${unit} | ${peer}: ${theirs} | ${bold(values(({ times }) => times))} |`
  })
  return ['| | Spoor | | times |', '|---|---:|---|---:|', ...rows].join('\n')
}

interface Measured {
  readonly value: number
  readonly peer: number
  readonly times: number
}

function measuredOf(results: readonly SectionResult[], section: string, name: string): Measured {
  const figures: readonly Figure[] = results.find((result) => result.section === section)?.figures ?? []
  const figure = figures.find((one) => one.name === name)
  const times = figure && peerRatioOf(figure)
  if (!figure?.peer || times === undefined)
    throw new Error(`README.md: ${section}, ${name}: was not measured beside its peer; npm run peers builds it`)
  return { value: figure.value, peer: figure.peer.value, times }
}

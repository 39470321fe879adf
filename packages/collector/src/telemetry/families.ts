/** The counters, gauges and histograms of a level, by name. */
import type { Counters, HistogramSample, Sample } from '../component/index.ts'
import type { MetricCatalogue, MetricInfo } from './catalogue.ts'
import { METRIC_LEVELS, type MetricLevel } from './config.ts'

export interface Family {
  readonly name: string
  /** Undefined for one that no catalogue has. */
  readonly info: MetricInfo | undefined
  readonly samples: readonly Sample[]
  readonly histograms: readonly HistogramSample[]
}

/** In the order in which they were made, with the series of a name together. */
export function familiesOf(counters: Counters, catalogue: MetricCatalogue, level: MetricLevel = 'detailed'): Family[] {
  const families = new Map<string, { samples: Sample[]; histograms: HistogramSample[] }>()
  const of = (name: string): { samples: Sample[]; histograms: HistogramSample[] } => {
    let family = families.get(name)
    if (!family) families.set(name, (family = { samples: [], histograms: [] }))
    return family
  }
  for (const sample of counters.snapshot()) of(sample.name).samples.push(sample)
  for (const histogram of counters.histograms()) of(histogram.name).histograms.push(histogram)
  return [...families]
    .map(([name, family]) => ({ name, info: catalogue[name], ...family }))
    .filter(({ info }) => METRIC_LEVELS.indexOf(info?.level ?? 'basic') <= METRIC_LEVELS.indexOf(level))
}

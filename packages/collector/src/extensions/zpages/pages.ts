/** What each page says. */
import type { ComponentOverview, Figures, Overview, Sample, StatusEvent } from '../../component/index.ts'
import { html, table, type Html } from '../../extension-helper/index.ts'
import type { Rates } from './rates.ts'

/** A component has come into a status. */
export interface Change {
  readonly kind: string
  readonly id: string
  readonly event: StatusEvent
}

export function servicePage(overview: Overview, version: string): readonly Html[] {
  const { heapUsed, rss } = process.memoryUsage()
  return [
    state(overview.status),
    table(
      ['', ''],
      [
        ['Version', `Spoor ${version}, Node ${process.versions.node}`],
        ['Process', String(process.pid)],
        ['Running since', `${time(overview.startedAtMs)} (${age(overview.startedAtMs)})`],
        ['Memory', `${mebibytes(rss)} MiB, of which ${mebibytes(heapUsed)} MiB heap`],
        ['Pipelines', String(overview.pipelines.length)],
        ['Extensions', overview.extensions.map(({ id }) => id).join(', ')],
      ],
    ),
  ]
}

export function pipelinePage(overview: Overview, rates: Rates): readonly Html[] {
  const per = rates.isSinceStart ? 'since the start' : `in the last ${Math.round(rates.seconds)} s`
  return [
    state(overview.status),
    html`<p class="dim">
      Items are spans, data points or log records; rates are averages ${per}. A component that is in several pipelines
      of a signal has the same figures in each.
    </p>`,
    ...overview.pipelines.flatMap(({ id, status, components }) => [
      html`<h2 id="${id}">${id}</h2>`,
      state(status),
      table(
        ['component', 'status', ...NUMBERS, 'lost or refused'],
        components.map((component) => row(component, id, rates)),
      ),
    ]),
  ]
}

/** The heads of columns that are at the right. */
const NUMBERS = ['in /s', 'out /s', 'in', 'out', 'queue', 'kept'].map((head) => html`<span class="n">${head}</span>`)

function row(component: ComponentOverview, pipeline: string, rates: Rates): readonly (string | Html)[] {
  const { kind, id, status, figures, listening } = component
  const ports = listening.map(({ protocol, address }) => html`<br /><span class="dim">${protocol} ${address}</span>`)
  const rate = rates.of(pipeline, component)
  return [
    html`${kind} <b>${id}</b>${ports}`,
    state(status),
    number(rate.in),
    number(rate.out),
    number(figures.in),
    number(figures.out),
    figures.queue ? html`${number(figures.queue.size)} of ${number(figures.queue.capacity)}` : '',
    number(figures.kept),
    reasons(figures),
  ]
}

function reasons({ failed }: Figures): Html {
  const each = Object.entries(failed).map(([reason, items]) => html`${reason}: ${number(items)}<br />`)
  return html`${each}`
}

export function extensionPage({ extensions }: Overview): readonly Html[] {
  const rows = extensions.map(({ id, status, listening }) => [
    html`<b>${id}</b>`,
    state(status),
    listening.map(({ protocol, address }) => `${protocol} ${address}`).join(', '),
  ])
  return [table(['extension', 'status', 'listens on'], rows)]
}

export function featurePage(): readonly Html[] {
  return [html`<p>There are no feature gates: what is built in is on, and what a key says is done.</p>`]
}

/** In place of spans of its own. */
export function tracePage(changes: readonly Change[]): readonly Html[] {
  const rows = changes
    .toReversed()
    .map(({ kind, id, event }) => [time(event.sinceMs), html`${kind} <b>${id}</b>`, state(event)])
  return [
    html`<p>
      The collector makes no spans about itself. These are the latest changes of its components; what each does is at
      <a href="/debug/pipelinez">pipelines</a>.
    </p>`,
    table(['at', 'component', 'came into'], rows),
  ]
}

export function expvars(samples: readonly Sample[]): string {
  const figures = samples.map(({ name, labels, value }) => {
    const pairs = Object.entries(labels).map(([key, text]) => `${key}=${JSON.stringify(text)}`)
    return [pairs.length === 0 ? name : `${name}{${pairs.join(',')}}`, value]
  })
  const body = { memory: process.memoryUsage(), figures: Object.fromEntries(figures) as Record<string, number> }
  return `${JSON.stringify(body, null, 2)}\n`
}

function state({ status, sinceMs, message }: StatusEvent): Html {
  const since = sinceMs > 0 ? html` <span class="dim" title="${time(sinceMs)}">${age(sinceMs)}</span>` : ''
  const why = message === '' ? '' : html`<br />${message}`
  return html`<span class="s ${status}">${status.replace('_', ' ')}</span>${since}${why}`
}

function number(value: number | undefined): Html {
  return html`<span class="n"
    >${value === undefined ? '' : value.toLocaleString('en', { maximumFractionDigits: 1 })}</span
  >`
}

const mebibytes = (bytes: number): string => (bytes / 1024 / 1024).toFixed(0)
const time = (ms: number): string => new Date(ms).toISOString().replace('T', ' ').replace(/\.\d+/, '')

function age(sinceMs: number): string {
  const seconds = Math.max(0, Math.round((Date.now() - sinceMs) / 1000))
  if (seconds < 120) return `${seconds} s`
  if (seconds < 7200) return `${Math.round(seconds / 60)} min`
  return seconds < 172_800 ? `${Math.round(seconds / 3600)} h` : `${Math.round(seconds / 86_400)} days`
}

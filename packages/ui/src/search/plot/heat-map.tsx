import { formatDuration } from '@spoor/otlp'
import { useQuery } from '@tanstack/react-query'
import type { AggregateResponse, HeatMapResponse } from 'spoor/api'
import { type ReactNode, useCallback, useMemo, useState } from 'react'
import type { Palette } from '../../canvas/palette.ts'
import { formatCount, formatCounted } from '../../format/numbers.ts'
import { formatStart } from '../../format/time.ts'
import { heatMapQuery, requestsQuery } from '../groups/queries.ts'
import { useSettings } from '../../settings/settings.ts'
import type { SearchUrl } from '../search-url.ts'
import { drawBins, drawMarks, type Mark } from './heat-draw.ts'
import { type Bin, binOf, heatScale } from './heat-layout.ts'
import { type BoxChoice, type Hovered, Plot } from './plot.tsx'
import { type Area, msAt, nsAt, type PlotScale, xOf, yOf } from './plot-scale.ts'

/** Requests of all that matches by start and duration, counted by the store. A click opens the longest of a bin. */
export function HeatMap(props: {
  url: SearchUrl
  /** Stands here until the answer is there, and when none comes. */
  instead: (note: string) => ReactNode
  onOpen: (traceId: string) => void
  choices: readonly BoxChoice[]
}) {
  const map = useQuery(heatMapQuery(props.url))
  const requests = useQuery(requestsQuery(props.url))
  if (!map.data) return props.instead(map.error ? `all could not be counted: ${map.error.message}` : 'counting all')
  return <Bins map={map.data} requests={requests.data} onOpen={props.onOpen} choices={props.choices} />
}

function Bins(props: {
  map: HeatMapResponse
  requests: AggregateResponse | undefined
  onOpen: (traceId: string) => void
  choices: readonly BoxChoice[]
}) {
  const { map, requests } = props
  const zone = useSettings((settings) => settings.zone)
  const [bin, setBin] = useState<Bin>()
  const marks = useMemo(() => (requests ? marksOf(requests) : []), [requests])
  const scaleFor = useCallback((area: Area) => heatScale(map, area), [map])
  const draw = useCallback(
    (context: CanvasRenderingContext2D, scale: PlotScale, palette: Palette) => {
      drawBins(context, map, scale, palette)
      drawMarks(context, marks, scale, palette)
    },
    [map, marks],
  )
  const hovered = (scale: PlotScale): Hovered | undefined =>
    bin && {
      x: xOf(scale, (bin.fromMs + bin.toMs) / 2),
      y: yOf(scale, Math.sqrt(Math.max(1, bin.minNs) * bin.maxNs)),
      tip: (
        <>
          <b>{formatCounted(bin.count, 'request')}</b>
          {bin.errors > 0 && ` · ${formatCount(bin.errors)} failed`} · {formatDuration(bin.minNs)} –{' '}
          {formatDuration(bin.maxNs)}
          <br />
          <span>{formatStart(BigInt(Math.round(bin.fromMs * 1000)) * 1000n, zone)} · a click opens the longest</span>
        </>
      ),
    }
  const total = requests && formatCounted(requests.total.count, 'request')
  const told = [
    'duration (log)',
    ...(total ? [total, ...marks.map(({ label, ns }) => `${label} ${formatDuration(ns)}`)] : []),
    ...(requests && requests.total.errors > 0 ? [`${formatCount(requests.total.errors)} failed`] : []),
    ...(map.complete ? [] : ['not complete: the numbers are too small']),
  ].join(' · ')
  return (
    <Plot
      label={`Durations of ${total ?? 'all requests that match'} over time. The groups below tell the same in numbers.`}
      caption={told}
      scaleFor={scaleFor}
      draw={draw}
      hovered={bin && bin.count > 0 ? hovered : undefined}
      onMove={(scale, at) => setBin(at && binOf(map, scale, msAt(scale, at.x), nsAt(scale, at.y)))}
      onClick={(scale, at) => {
        const clicked = binOf(map, scale, msAt(scale, at.x), nsAt(scale, at.y))
        const longest = map.exemplars.find((one) => one.bin === clicked?.index)
        if (longest) props.onOpen(longest.traceId)
      }}
      choices={props.choices}
    />
  )
}

function marksOf({ total }: AggregateResponse): Mark[] {
  if (total.count === 0) return []
  return ['p50', 'p95', 'p99'].map((label, index) => ({ label, ns: total.percentilesNs[index] ?? 0 }))
}

import { useState } from 'react'
import { formatStart, type Zone } from '../format/time.ts'
import { useSettings } from '../settings/settings.ts'
import { lazyPart } from '../widgets/lazy-part.tsx'
import { MenuButton } from '../widgets/menu-button.tsx'
import { defaultRange, type SearchUrl } from './search-url.ts'

const RangeDialog = lazyPart(async () => (await import('./range-dialog.tsx')).RangeDialog, {
  name: 'The choice of times',
  floating: { onClose: (props) => props.onClose() },
})

const ranges: readonly (readonly [range: string, label: string])[] = [
  ['15m', 'Last 15 min'],
  ['1h', 'Last 1 h'],
  ['6h', 'Last 6 h'],
  ['24h', 'Last 24 h'],
  ['168h', 'Last 7 d'],
  ['all', 'All time'],
]

/** The menu of times that a search looks at; `fixed` (default true) also offers a first and a last time. */
export function TimeRange(props: {
  url: Pick<SearchUrl, 'range' | 'from' | 'to'>
  fixed?: boolean
  onChange: (change: { range?: string; from?: string; to?: string }) => void
}) {
  const [custom, setCustom] = useState(false)
  const zone = useSettings((settings) => settings.zone)
  const { url } = props
  const current = url.from ? undefined : (url.range ?? defaultRange)
  return (
    <>
      <MenuButton
        label={rangeLabel(url, zone)}
        title="Time range"
        align="end"
        items={[
          ...ranges.map(([range, label]) => ({
            key: range,
            label,
            checked: range === current,
            onSelect: () => props.onChange(range === defaultRange ? {} : { range }),
          })),
          ...(props.fixed === false
            ? []
            : [
                {
                  key: 'custom',
                  label: 'From … to …',
                  checked: url.from !== undefined,
                  separated: true,
                  onSelect: () => setCustom(true),
                },
              ]),
        ]}
      />
      {custom && (
        <RangeDialog
          url={url}
          zone={zone}
          onClose={() => setCustom(false)}
          onChoose={(times) => {
            setCustom(false)
            props.onChange(times)
          }}
        />
      )}
    </>
  )
}

function rangeLabel(url: Pick<SearchUrl, 'range' | 'from' | 'to'>, zone: Zone): string {
  if (url.from) {
    const from = formatStart(BigInt(url.from), zone)
    return url.to ? `${from} – ${formatStart(BigInt(url.to), zone)}` : `Since ${from}`
  }
  const range = url.range ?? defaultRange
  return ranges.find(([known]) => known === range)?.[1] ?? `Last ${range}`
}

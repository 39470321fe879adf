import { useNavigate } from '@tanstack/react-router'
import { useEffect, useRef, useState } from 'react'
import { earlierOnes } from '../../compare/questions.ts'
import { saveBlob } from '../../files/save-blob.ts'
import { formatCount, formatCounted } from '../../format/numbers.ts'
import { useSettings } from '../../settings/settings.ts'
import { MenuButton } from '../../widgets/menu-button.tsx'
import type { MenuItem } from '../../widgets/menu.tsx'
import { allColumns, chosenColumns, columns } from '../columns.ts'
import { searchParameters, type SearchUrl } from '../search-url.ts'
import { exportList, type ListForm, maxRows, maxTraces } from './export-list.ts'
import { keptOf, recentWith, searchOf, wordsOf } from './kept-searches.ts'
import styles from './list-tools.module.css'

/** What can be done with the list as a whole: compare it, choose its columns, save it, and keep the search. */
export function ListTools({ url, onChange }: { url: SearchUrl; onChange: (url: SearchUrl) => void }) {
  const navigate = useNavigate()
  const earlier = earlierOnes(url)
  return (
    <>
      {earlier.length > 0 && (
        <MenuButton
          label="compare"
          title="Compare all that matches"
          items={earlier.map(({ label, search }) => ({
            key: label,
            label,
            onSelect: () => void navigate({ to: '/compare', search }),
          }))}
        />
      )}
      <ColumnsMenu />
      <ExportMenu url={url} />
      <SearchesMenu url={url} onChange={onChange} />
    </>
  )
}

function ColumnsMenu() {
  const kept = useSettings((settings) => settings.columns)
  const set = useSettings((settings) => settings.set)
  const chosen = chosenColumns(kept)
  const toggle = (key: (typeof allColumns)[number]) =>
    set({ columns: chosen.includes(key) ? chosen.filter((other) => other !== key) : [...chosen, key] })
  return (
    <MenuButton
      label="columns"
      title="Columns of the list"
      items={allColumns.map((key) => ({
        key,
        label: columns[key][0],
        checked: chosen.includes(key),
        onSelect: () => toggle(key),
      }))}
    />
  )
}

const forms: readonly (readonly [form: ListForm, label: string])[] = [
  ['csv', `CSV, a row a trace (at most ${formatCount(maxRows)})`],
  ['json', `JSON, a row a trace (at most ${formatCount(maxRows)})`],
  ['otlp', `OTLP protobuf, all spans (of at most ${formatCount(maxTraces)} traces)`],
]

type Saving = { readonly kind: 'under way'; readonly traces: number } | { readonly kind: 'done'; readonly text: string }

function ExportMenu({ url }: { url: SearchUrl }) {
  const [saving, setSaving] = useState<Saving>()
  const stop = useRef<AbortController>(undefined)
  useEffect(() => () => stop.current?.abort(), [])
  const save = async (form: ListForm) => {
    stop.current?.abort()
    const { signal } = (stop.current = new AbortController())
    setSaving({ kind: 'under way', traces: 0 })
    try {
      const onProgress = (traces: number) => setSaving({ kind: 'under way', traces })
      const { blob, name, traces, isCut } = await exportList(searchParameters(url), form, onProgress, signal)
      saveBlob(blob, name)
      setSaving(
        isCut
          ? { kind: 'done', text: `${formatCounted(traces, 'trace')} saved; there are, or may be, more` }
          : undefined,
      )
    } catch (error) {
      if (!signal.aborted) setSaving({ kind: 'done', text: `Not saved: ${(error as Error).message}` })
    }
  }
  return (
    <>
      <MenuButton
        label="export"
        title="Save what the search finds as a file"
        items={forms.map(([form, label]) => ({ key: form, label, onSelect: () => void save(form) }))}
      />
      {saving && (
        <span className={styles.saving} role="status">
          {saving.kind === 'done' ? saving.text : `Saving: ${formatCounted(saving.traces, 'trace')}`}
          <button
            type="button"
            onClick={() => {
              stop.current?.abort()
              setSaving(undefined)
            }}
          >
            {saving.kind === 'done' ? 'Close' : 'Stop'}
          </button>
        </span>
      )}
    </>
  )
}

function SearchesMenu({ url, onChange }: { url: SearchUrl; onChange: (url: SearchUrl) => void }) {
  const { saved, recent, set } = useSettings()
  useEffect(() => {
    const next = recentWith(recent, url)
    if (next !== recent) set({ recent: next })
  }, [url])
  const now = keptOf(url)
  const isSaved = saved.includes(now)
  const itemOf =
    (group: string) =>
    (kept: string, index: number): MenuItem => ({
      key: group + kept,
      label: wordsOf(kept),
      checked: kept === now,
      separated: index === 0,
      onSelect: () => onChange(searchOf(kept)),
    })
  return (
    <MenuButton
      label="searches"
      title="Saved and recent searches"
      wide
      items={[
        {
          key: 'save',
          label: isSaved ? 'Do not keep this search any more' : 'Keep this search',
          onSelect: () => set({ saved: isSaved ? saved.filter((kept) => kept !== now) : [now, ...saved] }),
        },
        ...saved.map(itemOf('saved ')),
        ...recent.filter((kept) => !saved.includes(kept)).map(itemOf('recent ')),
      ]}
    />
  )
}

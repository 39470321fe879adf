import type { AnyValue } from '@spoor/otlp'
import { useNavigate } from '@tanstack/react-router'
import { hasServer } from '../../files/opened-files.ts'
import { shown } from '../../format/outside.ts'
import { quote } from '../../search/search-url.ts'
import { useCopy } from '../../widgets/copy.tsx'
import { MenuButton } from '../../widgets/menu-button.tsx'
import type { MenuItem } from '../../widgets/menu.tsx'
import { useTraceView } from '../trace-view.ts'
import { type AttributeLevel, termOf } from './attribute-query.ts'
import styles from './detail.module.css'
import { valueText } from './value-text.ts'

/** What can be done with an attribute: find traces that have it or have it not, find it in this one, copy it. */
export function AttributeVerbs(props: { level: AttributeLevel; attribute: string; value: AnyValue }) {
  const { level, attribute, value } = props
  const navigate = useNavigate()
  const { trace } = useTraceView((view) => view.loaded)
  const selected = useTraceView((view) => view.selected)
  const { copy } = useCopy()
  const term = termOf(level, attribute, value)
  const search = (q: string) => void navigate({ to: '/search', search: { q } })
  const finding: MenuItem[] = []
  if (term && hasServer() && selected >= 0) {
    const service = trace.services[trace.service[selected]!]!
    const name = trace.names[trace.name[selected]!]!
    const operation = `service:${quote(service)} name:${quote(name)}`
    finding.push(
      { key: 'with', label: 'Find traces with it', onSelect: () => search(term) },
      { key: 'same', label: 'Find this operation with it', onSelect: () => search(`${operation} ${term}`) },
      { key: 'without', label: 'Find this operation without it', onSelect: () => search(`${operation} -${term}`) },
    )
  }
  const text = valueText(value)
  const here: MenuItem[] =
    text.length > 0 && text.length <= 200 && !text.includes('\n')
      ? [
          {
            key: 'here',
            label: 'Find it in this trace',
            separated: finding.length > 0,
            onSelect: () => void navigate({ from: '/trace/$id', search: (url) => ({ ...url, find: text }) }),
          },
        ]
      : []
  return (
    <MenuButton
      label=""
      title={`What can be done with ${shown(attribute, 200)}`}
      align="end"
      className={styles.verbs}
      items={[
        ...finding,
        ...here,
        { key: 'copy', label: 'Copy the value', separated: true, onSelect: () => copy(text) },
        { key: 'copy both', label: 'Copy key and value', onSelect: () => copy(`${attribute}=${text}`) },
      ]}
    />
  )
}

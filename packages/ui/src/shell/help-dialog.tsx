import { useState } from 'react'
import { keysNow, type Keys } from '../keyboard/use-keys.ts'
import { Dialog } from '../widgets/dialog.tsx'
import styles from './help-dialog.module.css'

type Entry = readonly [term: string, meaning: string]

const query: readonly Entry[] = [
  ['service:checkout status:error', 'both; terms side by side are AND'],
  ['duration>200ms', 'also >= < <= != and = for numbers'],
  ['name:"POST /orders"', 'quotes around spaces'],
  ['http.route:/api/*', 'any attribute; * stands for anything'],
  ['resource.host.name:edge-1', 'only on the resource; also span. event. scope.'],
  ['status:error OR http.response.status_code>=500', 'either'],
  ['-kind:client   NOT has:db.system', 'not'],
  ['name~^GET', 'a regular expression'],
  ['service:cart,checkout', 'one of several'],
]

/** What the keys do here and now, and the query language. */
export function HelpDialog(props: { onClose: () => void }) {
  const [places] = useState(() =>
    [...keysNow()].sort(([one], [other]) => Number(other === 'Everywhere') - Number(one === 'Everywhere')),
  )
  return (
    <Dialog
      title="Keyboard and query"
      description="Keys and the query language of the page"
      onClose={props.onClose}
      wide
    >
      <div className={styles.columns}>
        {places.map(([place, keys]) => (
          <KeyList key={place} title={place} keys={keys} />
        ))}
      </div>
      <h3 className={styles.heading}>Query</h3>
      <dl className={styles.query}>
        {query.map(([term, meaning]) => (
          <div key={term}>
            <dt>
              <code>{term}</code>
            </dt>
            <dd>{meaning}</dd>
          </div>
        ))}
      </dl>
    </Dialog>
  )
}

function KeyList(props: { title: string; keys: readonly (Keys & { help: string })[] }) {
  return (
    <section>
      <h3 className={styles.heading}>{props.title}</h3>
      <dl className={styles.keys}>
        {props.keys.map(({ help, on, shown = Object.keys(on ?? {}).map(labelOf) }) => (
          <div key={help}>
            <dt>
              {shown.map((key) => (
                <kbd key={key}>{key}</kbd>
              ))}
            </dt>
            <dd>{help}</dd>
          </div>
        ))}
      </dl>
    </section>
  )
}

const labels: Readonly<Record<string, string>> = {
  ArrowLeft: '←',
  ArrowUp: '↑',
  ArrowDown: '↓',
  ArrowRight: '→',
  Escape: 'Esc',
  ' ': 'Space',
  '-': '−',
}

function labelOf(key: string): string {
  return labels[key] ?? key.replace(/^ctrl\+(.)$/, (_, letter: string) => `Ctrl ${letter.toUpperCase()}`)
}

import { Dialog } from '../widgets/dialog.tsx'
import styles from './help-dialog.module.css'

type Entry = readonly [keys: string, meaning: string]

const everywhere: readonly Entry[] = [
  ['?', 'This help'],
  ['/', 'To the query (search), the find box (trace)'],
  ['Esc', 'Close, clear, deselect'],
]

const search: readonly Entry[] = [
  ['j k', 'Next, previous trace'],
  ['Enter', 'Open the trace'],
  ['Space c', 'Pick a trace (two can be), compare both'],
  ['l', 'Live on, off'],
  ['p .', 'While live: pause; show what is new'],
  ['← ↑ ↓ → Enter', 'In the flame graph: walk the call paths, zoom to one'],
]

const trace: readonly Entry[] = [
  ['j k  ↓ ↑', 'Next, previous span'],
  ['→ ←', 'Open, close the subtree; to the first child, the parent'],
  ['[ ]', 'Expand all, collapse all'],
  ['o p', 'Expand, collapse one level'],
  ['f  Ctrl F', 'Find in the trace'],
  ['n N', 'Next, previous match'],
  ['+ − 0', 'Zoom in, out, whole trace'],
  ['a d', 'Pan left, right'],
  ['Shift+drag', 'Measure a stretch of time; a double click zooms to the span'],
  ['w s', 'Scroll up, down a page'],
  ['c', 'To the next span on the critical path'],
  ['e', 'To the next error'],
  ['i', 'Detail panel on, off'],
  ['1 – 5', 'Views: timeline, tree, table, flame graph, JSON'],
]

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

export function HelpDialog(props: { onClose: () => void }) {
  return (
    <Dialog
      title="Keyboard and query"
      description="Keys and the query language of the page"
      onClose={props.onClose}
      wide
    >
      <div className={styles.columns}>
        <div>
          <Keys title="Everywhere" entries={everywhere} />
          <Keys title="Search" entries={search} />
        </div>
        <Keys title="Trace" entries={trace} />
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

function Keys(props: { title: string; entries: readonly Entry[] }) {
  return (
    <section>
      <h3 className={styles.heading}>{props.title}</h3>
      <dl className={styles.keys}>
        {props.entries.map(([keys, meaning]) => (
          <div key={keys}>
            <dt>
              {keys.split(/ +/).map((key) => (
                <kbd key={key}>{key}</kbd>
              ))}
            </dt>
            <dd>{meaning}</dd>
          </div>
        ))}
      </dl>
    </section>
  )
}

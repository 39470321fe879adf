import { useNavigate } from '@tanstack/react-router'
import { type FormEvent, useState } from 'react'
import { quote } from '../search/search-url.ts'
import { SearchIcon } from '../widgets/icons.tsx'
import styles from './shell.module.css'
import { traceIdOf } from './trace-id.ts'

/** Opens a trace by its id: 32 hex digits, or fewer with the leading zeros left out. What is none, as the id of an order, is looked for in all spans. */
export function TraceLookup() {
  const navigate = useNavigate()
  const [text, setText] = useState('')
  const submit = (event: FormEvent) => {
    event.preventDefault()
    const wanted = text.trim()
    if (wanted === '') return
    setText('')
    const id = traceIdOf(wanted)
    if (id === undefined) void navigate({ to: '/search', search: { q: quote(wanted), range: 'all' } })
    else void navigate({ to: '/trace/$id', params: { id }, search: {} })
  }
  return (
    <form className={styles.lookup} onSubmit={submit} aria-label="Trace by an id" role="search">
      <SearchIcon />
      <input
        value={text}
        onChange={(event) => setText(event.target.value)}
        placeholder="any id"
        aria-label="Open a trace by its id, or look for any other"
        title="Open a trace by its id, or look for any other: of an order, a customer, a message"
        spellCheck={false}
        autoComplete="off"
      />
    </form>
  )
}

import { useNavigate } from '@tanstack/react-router'
import { type FormEvent, useState } from 'react'
import { SearchIcon } from '../widgets/icons.tsx'
import styles from './shell.module.css'
import { traceIdOf } from './trace-id.ts'

/** Opens a trace by its id: 32 hex digits, or fewer with the leading zeros left out. */
export function TraceLookup() {
  const navigate = useNavigate()
  const [text, setText] = useState('')
  const [invalid, setInvalid] = useState(false)
  const submit = (event: FormEvent) => {
    event.preventDefault()
    const id = traceIdOf(text)
    setInvalid(id === undefined)
    if (id === undefined) return
    setText('')
    void navigate({ to: '/trace/$id', params: { id }, search: {} })
  }
  return (
    <form className={styles.lookup} onSubmit={submit} aria-label="Trace by its id" role="search">
      <SearchIcon />
      <input
        value={text}
        onChange={(event) => {
          setText(event.target.value)
          setInvalid(false)
        }}
        placeholder="trace id"
        aria-label="Open a trace by its id"
        aria-invalid={invalid}
        title={invalid ? 'A trace id has 1 to 32 hexadecimal digits' : 'Open a trace by its id'}
        spellCheck={false}
        autoComplete="off"
      />
    </form>
  )
}

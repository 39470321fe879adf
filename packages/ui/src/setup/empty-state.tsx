import { Link } from '@tanstack/react-router'
import type { StatusResponse } from 'spoor/api'
import { useState } from 'react'
import { addressesOf } from './addresses.ts'
import { Attention } from './attention.tsx'
import { Listening } from './listening.tsx'
import styles from './setup.module.css'
import { Steps } from './steps.tsx'

/** What stands on the search page while there is not one span: what is wrong with what came, and how to send some. */
export function EmptyState({ status }: { status: StatusResponse }) {
  const [chosen, setChosen] = useState<string>()
  const addresses = addressesOf(status.endpoints, location.hostname)
  return (
    <div className={styles.content}>
      <header className={styles.head}>
        <h2>No traces yet</h2>
        <Listening {...addresses} />
        <p>
          This page fills by itself when the first span comes. <Link to="/setup">Setup</Link> tells who has sent what. A
          trace file can be dropped here, too.
        </p>
      </header>
      <Attention rows={status.attention} />
      {(addresses.http ?? addresses.grpc) && <Steps addresses={addresses} chosen={chosen} onChoose={setChosen} />}
    </div>
  )
}

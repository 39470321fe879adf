import { useQuery } from '@tanstack/react-query'
import type { PipelinesResponse } from 'spoor/api'
import { useEffect, useState } from 'react'
import { formatCounted } from '../format/numbers.ts'
import { FailureNotice, StaleBar } from '../widgets/failure-notice.tsx'
import { Loading } from '../widgets/loading.tsx'
import page from '../widgets/page.module.css'
import { useLastFailure } from '../widgets/use-last-failure.ts'
import { PipelineFlow } from './pipeline-flow.tsx'
import styles from './pipelines.module.css'
import { pipelinesQuery, sendersQuery } from './queries.ts'
import type { CollectorLook } from './rates.ts'
import { Senders } from './senders.tsx'

/** The collector in Spoor and those that send to it, running: what goes where, how much, and what was lost on the way. */
export function PipelinesPage() {
  const { data, error, isFetching, refetch } = useQuery(pipelinesQuery)
  const senders = useQuery(sendersQuery)
  const before = useBefore(data)
  const failure = useLastFailure(error, data !== undefined, 'pipelines')
  const again = () => void refetch()
  useEffect(() => {
    document.title = 'Pipelines - Spoor'
  }, [])
  return (
    <div className={page.page}>
      <header className={page.header}>
        <h1>Pipelines</h1>
        {data && <span>{summary(data)}</span>}
      </header>
      {failure && !data && (
        <FailureNotice title="The pipelines cannot be shown" error={failure} onAgain={again} busy={isFetching} />
      )}
      {failure && data && <StaleBar error={failure} onAgain={again} busy={isFetching} />}
      {!failure && !data && <Loading label="Asking the collector" />}
      {data && (
        <div className={styles.content}>
          <Collector title="This Spoor" now={data} before={before} />
          {data.collectors.map(({ address, status, error: reason }) => (
            <Collector
              key={address}
              title={`The collector at ${address}, which sends here`}
              now={status}
              before={before?.collectors.find((each) => each.address === address)?.status}
              reason={reason}
            />
          ))}
          {senders.data && <Senders {...senders.data} nowMs={data.atMs} />}
        </div>
      )}
    </div>
  )
}

function Collector(props: {
  title: string
  now: CollectorLook | undefined
  before: CollectorLook | undefined
  reason?: string | undefined
}) {
  const { title, now, before, reason } = props
  return (
    <section className={styles.collector} aria-label={title}>
      <h2>{title}</h2>
      {!now && (
        <p className={styles.trouble}>
          It cannot be asked how it is: <bdi>{reason}</bdi>
        </p>
      )}
      {now?.pipelines.map((pipeline) => (
        <PipelineFlow key={pipeline.id} pipeline={pipeline} now={now} before={before} />
      ))}
    </section>
  )
}

/** The answer before this one, which rates are made with. */
function useBefore(data: PipelinesResponse | undefined): PipelinesResponse | undefined {
  const [looks, setLooks] = useState<{ now?: PipelinesResponse | undefined; before?: PipelinesResponse | undefined }>(
    {},
  )
  if (data !== looks.now) setLooks({ now: data, before: looks.now })
  return looks.before
}

function summary({ pipelines, collectors }: PipelinesResponse): string {
  const others = collectors.length > 0 ? `, and ${formatCounted(collectors.length, 'collector')} before it` : ''
  return `${formatCounted(pipelines.length, 'pipeline')}${others}`
}

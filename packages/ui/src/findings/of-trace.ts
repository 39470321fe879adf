import { useQuery } from '@tanstack/react-query'
import type { AttentionRow } from 'spoor/api'
import { statusQuery } from '../api/queries.ts'
import { hasServer } from '../files/opened-files.ts'

const none: readonly AttentionRow[] = []

/** What is to be mended that this trace is shown as an example of, in the same words as everywhere. */
export function useFindingsOf(traceId: string): readonly AttentionRow[] {
  const { data } = useQuery({ ...statusQuery, enabled: hasServer() })
  const rows = data?.attention ?? none
  return rows.filter(({ spans }) => spans?.some((span) => span.traceId === traceId))
}

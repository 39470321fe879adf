import { queryOptions } from '@tanstack/react-query'
import type { PipelinesResponse, SendersResponse } from 'spoor/api'
import { getJson } from '../api/client.ts'
import { liveIntervalMs } from '../api/queries.ts'

export const pipelinesQuery = queryOptions({
  queryKey: ['pipelines'],
  queryFn: ({ signal }) => getJson<PipelinesResponse>('pipelines', {}, signal),
  refetchInterval: liveIntervalMs,
  retry: false,
})

export const sendersQuery = queryOptions({
  queryKey: ['senders'],
  queryFn: ({ signal }) => getJson<SendersResponse>('senders', {}, signal),
  refetchInterval: liveIntervalMs,
  retry: false,
})

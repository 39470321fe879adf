import { queryOptions } from '@tanstack/react-query'
import type {
  AttributesResponse,
  AttributeValuesResponse,
  DependenciesResponse,
  OperationsResponse,
  ServicesResponse,
  StatusResponse,
} from 'spoor/api'
import { getJson } from './client.ts'

/** Lists for completion change slowly: half a minute old is fresh enough. */
const listStaleMs = 30_000

/** How often a live view asks again, in milliseconds. */
export const liveIntervalMs = 2_000

export const statusQuery = queryOptions({
  queryKey: ['status'],
  queryFn: ({ signal }) => getJson<StatusResponse>('status', {}, signal),
  refetchInterval: liveIntervalMs,
  retry: false,
})

export const servicesQuery = queryOptions({
  queryKey: ['services'],
  queryFn: ({ signal }) => getJson<ServicesResponse>('services', {}, signal),
  staleTime: listStaleMs,
})

export function operationsQuery(service: string | undefined) {
  return queryOptions({
    queryKey: ['operations', service],
    queryFn: ({ signal }) => getJson<OperationsResponse>('operations', { service }, signal),
    staleTime: listStaleMs,
  })
}

export const attributesQuery = queryOptions({
  queryKey: ['attributes'],
  queryFn: ({ signal }) => getJson<AttributesResponse>('attributes', { limit: 500 }, signal),
  staleTime: listStaleMs,
})

export function attributeValuesQuery(key: string) {
  return queryOptions({
    queryKey: ['attribute-values', key],
    queryFn: ({ signal }) => getJson<AttributeValuesResponse>('attribute-values', { key, limit: 100 }, signal),
    staleTime: listStaleMs,
  })
}

export function dependenciesQuery(from: string | undefined) {
  return queryOptions({
    queryKey: ['dependencies', from],
    queryFn: ({ signal }) => getJson<DependenciesResponse>('dependencies', { from }, signal),
    retry: false,
  })
}

import { infiniteQueryOptions, queryOptions } from '@tanstack/react-query'
import type {
  AttributesResponse,
  AttributeValuesResponse,
  DependenciesResponse,
  OperationsResponse,
  SearchResponse,
  ServicesResponse,
  StatusResponse,
} from 'spoor/api'
import { getJson, type Parameters } from './client.ts'
import { getSearch } from './search.ts'

/** Lists for completion change slowly: half a minute old is fresh enough. */
const listStaleMs = 30_000

/** Traces to a page of the list. */
const pageSize = 500

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

/** Nothing, of all that there is. A search that had to stop would have to stop again. */
const foundNothing = (first: SearchResponse | undefined) => first?.complete === true && first.traces.length === 0

/** What a page of the search is asked with. */
export function pageOf(parameters: Parameters): Parameters {
  return { ...parameters, limit: parameters['limit'] ?? pageSize }
}

/** Pages of a search. `live` asks again every {@link liveIntervalMs}; so does a search that found nothing, for what comes later. */
export function searchQuery(parameters: Parameters, live: boolean) {
  return infiniteQueryOptions({
    queryKey: ['search', parameters],
    queryFn: ({ signal, pageParam }) => getSearch(pageOf(parameters), pageParam, signal),
    initialPageParam: '',
    getNextPageParam: (page) => page.next,
    refetchInterval: ({ state }) => (live || foundNothing(state.data?.pages[0]) ? liveIntervalMs : false),
    placeholderData: (previous) => previous,
    retry: false,
  })
}

export function dependenciesQuery(from: string | undefined) {
  return queryOptions({
    queryKey: ['dependencies', from],
    queryFn: ({ signal }) => getJson<DependenciesResponse>('dependencies', { from }, signal),
    retry: false,
  })
}

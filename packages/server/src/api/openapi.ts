import { version } from '../version.ts'
import { API, type ApiRoute } from './catalogue.ts'
import { duration, type Parameter } from './parameters.ts'

/** What each question to the store takes, too. */
export const timeout = duration('timeout', 'How long it may take: 1ms to 1m. Default: 10s.')

export const PREFIX = '/api/spoor/v1'
const LINES = 'application/x-ndjson'
/** The types of the answers. */
const TYPES_URL = 'packages/server/src/api.ts'

export function parametersOf({ lane, parameters }: ApiRoute): readonly Parameter[] {
  // What has no end has no time.
  return lane && lane !== 'tails' ? [...parameters, timeout] : parameters
}

/** Spoor's own API as an OpenAPI document, from what its requests are read by. */
export function openApiDocument(): object {
  return {
    openapi: '3.1.0',
    info: {
      title: 'Spoor',
      version,
      summary: 'What is asked of stored traces, and of the collector that feeds them.',
      description: `Answers are of the types of \`${TYPES_URL}\`. Times are nanoseconds since 1970, as text where a number of JSON would not hold them; durations are nanoseconds.`,
    },
    paths: pathsOf(Object.entries(API)),
    components: {
      responses: {
        Problem: {
          description: 'What is wrong, and the way out.',
          content: { 'application/json': { schema: { $ref: '#/components/schemas/Problem' } } },
        },
      },
      schemas: {
        Problem: {
          type: 'object',
          required: ['error'],
          properties: {
            error: {
              type: 'object',
              required: ['code', 'message'],
              properties: {
                code: { type: 'string' },
                message: { type: 'string' },
                position: { type: 'integer', description: 'In the query, from 0 on.' },
              },
            },
          },
        },
      },
    },
  }
}

function pathsOf(routes: readonly (readonly [id: string, route: ApiRoute])[]): object {
  const paths: Record<string, Record<string, object>> = {}
  for (const [id, route] of routes) {
    const path = PREFIX + route.path.replace(/:(\w+)/g, '{$1}')
    paths[path] = { ...paths[path], [route.method ?? 'get']: operationOf(id, route) }
  }
  return paths
}

function operationOf(id: string, route: ApiRoute): object {
  const isMedia = route.answer.includes('/')
  const media = isMedia ? route.answer : 'application/json'
  const ids = [...route.path.matchAll(/:(\w+)/g)].map(([, name]) => ({
    name,
    in: 'path',
    required: true,
    description: 'A trace id: up to 32 hex digits.',
    schema: { type: 'string', pattern: '^[0-9a-fA-F]{1,32}$' },
  }))
  return {
    operationId: id,
    summary: route.summary,
    parameters: [
      ...ids,
      ...parametersOf(route).map(({ name, description, schema, required = false }) => ({
        name,
        in: 'query',
        required,
        description,
        schema,
      })),
    ],
    ...(route.body && { requestBody: { required: true, content: { [route.body]: {} } } }),
    responses: {
      200: {
        description: isMedia ? route.answer : `\`${route.answer}\` of \`${TYPES_URL}\`.`,
        content: {
          [media]: {},
          ...(route.lines && {
            [LINES]: { schema: { description: `A line each: \`${route.lines}\` of \`${TYPES_URL}\`.` } },
          }),
        },
      },
      default: { $ref: '#/components/responses/Problem' },
    },
    ...(route.example !== '' && { 'x-example': `${PREFIX}${route.path}?${route.example}` }),
  }
}

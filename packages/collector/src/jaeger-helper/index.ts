/** What is known of Jaeger's formats, by the receiver and by who serves Jaeger's APIs. */
export {
  DURATION,
  JAEGER_COLLECTOR_PROTOS,
  JAEGER_MODEL,
  JAEGER_V2,
  POST_SPANS,
  protoMessage,
  TIME_FILES,
  TIME_IMPORTS,
  TIMESTAMP,
} from './protos.ts'

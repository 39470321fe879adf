/**
 * The forms in which traces come and go as files: OTLP as JSON, JSON lines and protobuf, and Jaeger's JSON. No I/O; the same in a browser and on a server.
 */
export { formOf, isGzip, isZstd } from './form.ts'
export type { Intake } from './intake.ts'
export type { JaegerProcess, JaegerReference, JaegerSpan, JaegerTag, JaegerTrace } from './jaeger-model.ts'
export { WARNINGS } from './jaeger-tags.ts'
export { jaegerJsonOf } from './jaeger-text.ts'
export { createProcesses, type JaegerProcesses, jaegerSpanOf, shortTraceId } from './jaeger-write.ts'
export { jsonForm } from './json-form.ts'
export { JsonReader } from './json-reader.ts'
export { InputProblem, type Place, placeText } from './place.ts'
export { type Refusal, Refusals, validPart } from './refusals.ts'
export { type FileContent, tracesOf } from './traces-of.ts'

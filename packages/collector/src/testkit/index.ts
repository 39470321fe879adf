/** What tests of components need: sinks, a context, realistic requests. */
export { createSink, type Sink } from './sink.ts'
export { createTestContext, createTestLogger, type LogLine, type TestLogger } from './context.ts'
export { freePort, postOtlp, postTraces, spanIdsIn } from './otlp-http.ts'
export { logsRequest, metricsRequest, tracesRequest, type TracesRequest } from './requests.ts'
export { OTHER_CERTIFICATE, OTHER_KEY, TEST_CERTIFICATE, TEST_KEY } from './tls.ts'

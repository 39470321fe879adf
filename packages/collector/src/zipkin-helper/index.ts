/** What the receiver and the exporter of Zipkin's formats have in common. */
export { type ZipkinAnnotation, type ZipkinEndpoint, type ZipkinKind, type ZipkinSpan } from './model.ts'
export { linkTag, NO_SERVICE, START_ABSENT, TAGS } from './tags.ts'

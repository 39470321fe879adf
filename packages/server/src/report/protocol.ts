/** What is made of a trace: its report, or its row in a list. */
export type ReportKind = 'report' | 'row'

/** Server -> worker: the chunks of a trace, in order, then what is wanted of it. */
export type ToReportWorker =
  | { readonly type: 'chunk'; readonly bytes: Uint8Array }
  | { readonly type: 'make'; readonly kind: ReportKind; readonly traceId: string }

/** Worker -> server: the answer as JSON text in UTF-8, or why there is none. */
export type FromReportWorker = { readonly body: Uint8Array } | { readonly error: string }

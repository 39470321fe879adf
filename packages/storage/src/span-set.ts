/**
 * The one tree that Jaeger's parameters, the search bar and later query languages compile to: a question about the sets of spans of one trace.
 * Its leaves are filters, which are asked of one span at a time. Types only; an engine gives them their meaning, and the conformance suite
 * compares that with a naive one.
 */

/** Where an attribute is looked for. `any` is on the span, its events and links, its resource and its scope. */
export type Level = 'any' | 'span' | 'resource' | 'scope' | 'event' | 'link'

/**
 * The intrinsic fields of a span that a filter can name. Durations are nanoseconds; kind and status are names, ids are hex digits. Of events and links each has its
 * own: there may be several, or none.
 */
export type Field =
  | 'service'
  | 'name'
  | 'kind' // unspecified internal server client producer consumer
  | 'status' // unset ok error
  | 'statusMessage'
  | 'duration' // between -2^63 and 2^63, exactly where that is less than 2^53; what is longer counts as the longest
  | 'start'
  | 'traceState'
  | 'scopeName'
  | 'scopeVersion'
  | 'traceId'
  | 'spanId'
  | 'parentId' // '' of a span without a parent
  | 'eventName' // of events that have one
  | 'linkTraceId'
  | 'linkSpanId'

export type Target = { readonly field: Field } | { readonly attribute: string; readonly level?: Level }

export type Comparison = 'eq' | 'ne' | 'lt' | 'lte' | 'gt' | 'gte'

/**
 * A condition on one span.
 *
 * A target may have several values (an attribute on the span, on two events and on the resource): a comparison holds when one
 * of them makes it true, `ne` when there is a value and none is equal. `exists` of a field: it is not empty.
 *
 * A string or boolean compares with the value's text form (Jaeger's rule: `true`, `200`), by code units: numbers as JavaScript
 * writes them, bytes in base64, arrays and maps as JSON, nothing as ''. A number or bigint compares with numbers, exactly, and
 * with text that is a number in that same form; never with other text.
 */
export type Filter =
  | { readonly op: 'and' | 'or'; readonly args: readonly Filter[] }
  | { readonly op: 'not'; readonly arg: Filter }
  | {
      readonly op: Comparison
      readonly target: Target
      readonly value: string | number | bigint | boolean
    }
  /**
   * Regular expression in the syntax of RE2 (https://github.com/google/re2/wiki/Syntax), unanchored, matched in time linear in the text. It
   * has no lookaround and no back references; `.` is anything but a line feed, `\d`, `\s`, `\w` and `\b` are of ASCII. Of more than plain text with
   * `[\s\S]*` in between it has at most 4,096 characters and 10,000 steps. A text that is too long for it (length times steps beyond 2^28) is left
   * out, and the answer says that it is not complete.
   */
  | { readonly op: 'regex'; readonly target: Target; readonly value: string }
  | { readonly op: 'in'; readonly target: Target; readonly values: readonly (string | number | bigint | boolean)[] }
  | { readonly op: 'exists'; readonly target: Target }
  /**
   * What somebody pastes: it is in the span's name or service, in any case of its letters; or it is the text form of an attribute's value, of any
   * key and at any level; or it is the span's id or its trace's, as hex digits. {@link MatchedSpan.key} tells which.
   */
  | { readonly op: 'word'; readonly value: string }

/** What a span of the right set is to one of the left. Siblings have the same parent, and are not the same span. */
export type Relation = 'child' | 'parent' | 'descendant' | 'ancestor' | 'sibling'

/** What of a whole trace a condition can name; see {@link TraceSummary} for what each is. Durations are nanoseconds. */
export type TraceField = 'requestDuration' | 'duration' | 'tail' | 'spans' | 'errors' | 'rootService' | 'rootName'

/**
 * A set of spans of one trace. A trace matches when the set is not empty. A span that was sent twice is in it once. Only spans that start in the
 * query's range are in a set; who is whose parent, and what a whole trace is, counts all spans of the trace.
 */
export type SpanSet =
  /** The spans of which the filter is true; without one, all. */
  | { readonly op: 'spans'; readonly filter?: Filter }
  /** `and`: all spans of the sets when none of these is empty, else none. `or`: all spans of the sets. */
  | { readonly op: 'and' | 'or'; readonly args: readonly SpanSet[] }
  /** The spans of `among` (default: all of the trace) when `arg` is empty, else none. */
  | { readonly op: 'without'; readonly arg: SpanSet; readonly among?: SpanSet }
  /** The spans of `right` that are the `relation` of one of `left`; with `not`, those that are it of none. */
  | {
      readonly op: 'related'
      readonly relation: Relation
      readonly not?: boolean
      readonly left: SpanSet
      readonly right: SpanSet
    }
  /**
   * The spans of `arg` when there are some, and their aggregate compares with the value as asked; else none. `count` is of spans; the others are of
   * the numbers that `of` has on them (default: duration in nanoseconds), as which text counts that is a number; where there are no numbers, nothing compares.
   */
  | {
      readonly op: 'having'
      readonly arg: SpanSet
      readonly aggregate: 'count' | 'min' | 'max' | 'sum' | 'avg'
      readonly of?: Target
      readonly compare: Comparison
      readonly value: number
    }
  /** The spans of `among` (default: all of the trace) when the trace's field compares with the value as asked (names by code units), else none. */
  | {
      readonly op: 'trace'
      readonly among?: SpanSet
      readonly field: TraceField
      readonly compare: Comparison
      readonly value: string | number
    }

/** OTLP/JSON of metrics and logs as a person is shown it: what is read of it, and its values as those of spans. */
import type { AnyValue, KeyValue } from '@spoor/otlp'
import type { ResourceText, ScopeText } from './lines.ts'

export interface JsonValue {
  readonly stringValue?: string
  readonly boolValue?: boolean
  readonly intValue?: string
  readonly doubleValue?: number | string
  readonly arrayValue?: { readonly values?: readonly JsonValue[] }
  readonly kvlistValue?: { readonly values?: readonly JsonAttribute[] }
  readonly bytesValue?: string
}

export interface JsonAttribute {
  readonly key?: string
  readonly value?: JsonValue
}

/** Of a resource with its scopes, whatever the signal. */
export interface JsonResource {
  readonly resource?: { readonly attributes?: readonly JsonAttribute[] }
  readonly schemaUrl?: string
}

export interface JsonScope {
  readonly scope?: { readonly name?: string; readonly version?: string; readonly attributes?: readonly JsonAttribute[] }
  readonly schemaUrl?: string
}

export function resourceOf({ resource, schemaUrl = '' }: JsonResource): ResourceText {
  return { schemaUrl, attributes: attributesOf(resource?.attributes) }
}

export function scopeOf({ scope: { name = '', version = '', attributes } = {}, schemaUrl = '' }: JsonScope): ScopeText {
  return { name, version, schemaUrl, attributes: attributesOf(attributes) }
}

export function attributesOf(attributes: readonly JsonAttribute[] | undefined): KeyValue[] {
  return (attributes ?? []).map(({ key = '', value }) => ({ key, value: valueOf(value) }))
}

export function valueOf(json: JsonValue | undefined): AnyValue {
  if (json?.stringValue !== undefined) return { type: 'string', value: json.stringValue }
  if (json?.boolValue !== undefined) return { type: 'bool', value: json.boolValue }
  if (json?.intValue !== undefined) return { type: 'int', value: BigInt(json.intValue) }
  if (json?.doubleValue !== undefined) return { type: 'double', value: Number(json.doubleValue) }
  if (json?.arrayValue) return { type: 'array', value: (json.arrayValue.values ?? []).map(valueOf) }
  if (json?.kvlistValue) return { type: 'map', value: attributesOf(json.kvlistValue.values) }
  if (json?.bytesValue !== undefined) return { type: 'bytes', value: Buffer.from(json.bytesValue, 'base64') }
  return { type: 'empty' }
}

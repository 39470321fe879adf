/** An integer outside of quotes that may need more than 53 bits. */
const LONG_INTEGER = /[[:,]\s*-?\d{16}/

/** `JSON.parse` with integers that no number can hold as their text. Throws SyntaxError. */
export function parseExact(text: string): unknown {
  return LONG_INTEGER.test(text) ? JSON.parse(text, keepLongInteger) : JSON.parse(text)
}

/** The third argument is the text of the value. Source: the ECMAScript proposal "JSON.parse source text access", which Node has from 21 on. */
function keepLongInteger(_key: string, value: unknown, context?: { readonly source?: string }): unknown {
  if (typeof value !== 'number' || Number.isSafeInteger(value)) return value
  const source = context?.source
  return source !== undefined && /^-?\d+$/.test(source) ? source : value
}

/** Parameters of a query whose values are nobody’s business; as in `@spoor/instrument`. */
const SECRET =
  /([?&](?:[^=&#]*[^a-z=&#])?(?:[a-z]*(?:token|secret|password)|access|api[_-]?key|apikey|awsaccesskeyid|auth|authorization|credentials?|jwt|key|passwd|pwd|session|sig|signature)=)[^&#]+/gi

/** An address as a span has it: without password, secrets and fragment. */
export function shownUrl(url: URL): string {
  const shown = new URL(url)
  shown.username = ''
  shown.password = ''
  shown.hash = ''
  return shown.href.replaceAll(SECRET, '$1REDACTED')
}

/*
 * A message without what differs from one error to the next, but with the codes that say which error it is.
 *
 *   java.sql.SQLException: ORA-00060: deadlock while waiting for row 4711   →   java.sql.SQLException: ORA-00060: deadlock while waiting for row <n>
 *   Request failed with status code 503 after 3 tries                       →   Request failed with status code 503 after <n> tries
 *
 * A number is a code when it stands in a form that is known for codes. A number that is in doubt is taken for a variable: two errors in one group can be told apart by their
 * spans, an error in a thousand groups is not found.
 */

/** Characters of a message that are looked at. */
const MAX_MESSAGE = 1_000
/** Characters of what is told. */
const MAX_TEXT = 300

/** Families of codes of databases, runtimes and compilers: letters, then digits. A family with `-` is written with one. */
const FAMILIES = [
  String.raw`(?:ORA|PLS|TNS|RMAN|DPI|DPY|OCI|UCP|IMP|EXP|MY|HHH|BEA|WFLYCTL|WFLYEE|CWWKS|DSRA|AMQ|IJ|PG|SQLCODE|KBA?|CVE-\d{4})-\d{1,6}`,
  String.raw`(?:AADSTS|AMQ|DSRA|HHH|IJ|WFLY[A-Z]{2,6}|CWW[A-Z]{2}|MSB|NETSDK|NU|CS|BC|TS)\d{4,6}[EIWS]?`,
  String.raw`SQL\d{4,5}[CNW]`,
  String.raw`E11000`,
]

/** Words whose digits are part of the name: of an algorithm, a protocol, a type, a product. */
const NAMES = String.raw`x509|utf-?(?:8|16|32)|ipv[46]|http\/?[123](?:\.[01])?|h2c?|tlsv?1\.[0-3]|md5|sha-?(?:1|224|256|384|512)|(?:aes|rs|es|hs|ps)-?(?:128|192|256|384|512)|base(?:32|64)|u?int(?:8|16|32|64)|float(?:32|64)|oauth2|log4j2?|[wx]?win32|x86|arm64|amd64|s3|ec2|k8s|i18n|grpc-\w{1,20}`

/** Reasons of HTTP statuses. */
const REASONS =
  'continue|ok|created|accepted|no content|moved|found|see other|not modified|temporary redirect|permanent redirect|bad request|unauthorized|payment required|forbidden|not found|method not allowed|not acceptable|request timeout|conflict|gone|precondition|payload too large|content too large|request entity|unsupported media|unprocessable|locked|too many requests|internal server error|not implemented|bad gateway|service unavailable|service temporarily|gateway time-?out|http version'

/** What says that the next number is a code, up to that number. */
const BEFORE = [
  String.raw`\bhttp(?:s|\/[123](?:\.[01])?)?(?: error| status| code| response){0,2}[ :=]{1,2}`,
  String.raw`\bstatus(?:[ _-]?code)?(?: was| is| of| does not indicate success)?[ :=[('"]{1,3}`,
  String.raw`\b(?:status|error|exit|return|result|response|reason|vendor|oracle|sql|native|grpc|http)[ _-]?code(?: was| is| of)?[ :=[('"#]{1,3}-?`,
  String.raw`\b(?:with|and|the) code[ :=]{1,2}|[(,[{] ?code[ :=]{1,2}-?|\bcode ?[:=] ?-?`,
  String.raw`\b(?:errno|winerror|sqlcode|hresult|errcode|msg|signal|exit status)[ :=[('"#]{1,3}-?`,
  String.raw`\b(?:error|err)[ #]{1,2}(?=\d{1,5}(?: ?\(|:|,|$))`,
]

/** Of an HTTP status, a verb of who had it: upstream answered 503 */
const ANSWERED = String.raw`\b(?:answered|returned|responded|replied|failed|rejected)(?: with)? [45]\d\d(?=$|[.,;:)]| (?:from|for|to|on|by)\b)`

/** SQLSTATE: five digits and letters, where it says so; after the number of MySQL's error. */
const SQLSTATE = String.raw`\bSQL ?STATE[ :=[('"]{1,3}[0-9A-Z]{5}\b|\b(?:error|err)[ #]{1,2}\d{1,5} \([0-9A-Z]{5}\)`

/** Codes that are written in capitals. */
const CAPITALS = [
  // A code of one's own begins the message, or follows what a wrapper has put before it: BOOK-4093: seat is taken
  String.raw`(?<=^|: )[A-Z][A-Z_]{1,11}[-_]?\d{2,5}(?=:)`,
  String.raw`(?<=^|: |= )\d{1,2} [A-Z][A-Z_]{3,20}\b`, // gRPC: 14 UNAVAILABLE
  ...FAMILIES.map((family) => String.raw`\b${family}\b`),
].join('|')

const CODES = [
  SQLSTATE,
  ...BEFORE.map((before) => String.raw`(?:${before})(?:0x[0-9a-f]{1,8}|\d{1,6})\b(?![.:]\d)`),
  ANSWERED,
  String.raw`\b[1-5]\d\d(?=:? \(?(?:${REASONS})\b)`,
  String.raw`\b0x80[0-9a-f]{6}\b`, // HRESULT of a failure
  String.raw`(?<![a-z\d])(?:${NAMES})(?![a-z\d])`,
].join('|')

/** A UUID; hexadecimal digits, with `0x` or of 8 and more with a digit among them; a number, with its decimals. */
const VARIABLES = String.raw`\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b|\b0x[0-9a-f]+\b|\b(?=[a-f]*[0-9])[0-9a-f]{8,}\b|\d+(?:\.\d+)*`

const VARIABLE = new RegExp(VARIABLES, 'gi')
const CODE_OR_VARIABLE = new RegExp(`(?<capitals>${CAPITALS})|(?<code>${CODES})|${VARIABLES}`, 'gi')

/** The first line, at most 300 characters; `<id>` for a UUID or hexadecimal digits, `<n>` for a number that is no code. */
export function withoutVariables(message: string): string {
  const line = message.slice(0, MAX_MESSAGE).trim().split(/\r?\n/, 1)[0]!
  const replaced = line.replaceAll(CODE_OR_VARIABLE, (text: string, capitals?: string, code?: string) =>
    code !== undefined || (capitals !== undefined && capitals === capitals.toUpperCase())
      ? text
      : text.replaceAll(VARIABLE, placeholder),
  )
  return replaced.replaceAll(/\s+/g, ' ').slice(0, MAX_TEXT)
}

function placeholder(variable: string): string {
  return /^\d[\d.]*$/.test(variable) && variable.length < 16 ? '<n>' : '<id>'
}

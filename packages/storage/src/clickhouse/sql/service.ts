import { UNKNOWN_SERVICE } from '@spoor/trace'

/** The name of a span's service. Others leave it empty where there is none. */
export function serviceSql(column = 'ServiceName'): string {
  return `if(${column} = '', '${UNKNOWN_SERVICE}', ${column})`
}

/**
 * Names the place that records are delivered to, without user, password and options: a sink that is given another place
 * begins again.
 */
export function targetOf(uri: string, database: string): string {
  const [, scheme = '', rest = ''] = /^(mongodb(?:\+srv)?):\/\/(.*)$/.exec(uri) ?? []
  const authority = rest.split(/[/?]/, 1)[0] ?? ''
  const hosts = authority
    .slice(authority.lastIndexOf('@') + 1)
    .toLowerCase()
    .split(',')
    .sort()
    .join(',')
  return `${scheme}://${hosts}/${database}`
}

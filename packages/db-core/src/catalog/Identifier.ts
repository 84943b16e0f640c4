/** Names in the SQL that findings offer. Always quoted: a name may be a keyword, have capitals, or a quote in it. */

export const quoted = (name: string): string => `"${name.replaceAll("\"", "\"\"")}"`

export const qualified = (schema: string, name: string): string => `${quoted(schema)}.${quoted(name)}`

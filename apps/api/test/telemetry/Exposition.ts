/** A strict reader of Prometheus's text format 0.0.4: throws at whatever a scraper would refuse or misread. */

interface Family {
  readonly type: string
  readonly samples: Array<
    { readonly name: string; readonly labels: Readonly<Record<string, string>>; readonly value: number }
  >
}

const metricName = /^[a-zA-Z_:][a-zA-Z0-9_:]*$/
const sample = /^([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(.*)\})? (\S+)$/
const label = /([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\[\\"n])*)"(?:,|$)/gy

const labelsOf = (text: string, line: string): Record<string, string> => {
  const found: Record<string, string> = {}
  label.lastIndex = 0
  while (label.lastIndex < text.length) {
    const match = label.exec(text)
    if (match?.[1] === undefined || match[1] in found) throw new Error(`labels: ${line}`)
    found[match[1]] = match[2] ?? ""
  }
  return found
}

const numberOf = (text: string, line: string): number => {
  if (text === "+Inf" || text === "-Inf") return text === "+Inf" ? Infinity : -Infinity
  if (!/^-?\d+(?:\.\d+)?(?:e[+-]?\d+)?$/.test(text)) throw new Error(`value: ${line}`)
  return Number(text)
}

const checkHistogram = (name: string, { samples }: Family): void => {
  const series = new Map<string, { last: number; bound: number; inf?: number; count?: number; hasSum?: boolean }>()
  for (const { labels: { le, ...rest }, name: part, value } of samples) {
    const key = JSON.stringify(rest)
    const one = series.get(key) ?? { last: 0, bound: -Infinity }
    series.set(key, one)
    if (part === `${name}_bucket`) {
      const bound = numberOf(le ?? "", `${name} ${le}`)
      if (value < one.last || bound <= one.bound) throw new Error(`buckets of ${name} ${key}`)
      Object.assign(one, { last: value, bound, ...(bound === Infinity && { inf: value }) })
    } else if (part === `${name}_count`) one.count = value
    else if (part === `${name}_sum`) one.hasSum = true
    else throw new Error(`${part} in the histogram ${name}`)
  }
  for (const [key, { count, hasSum, inf }] of series) {
    if (inf === undefined || inf !== count || hasSum !== true) throw new Error(`histogram ${name} ${key}`)
  }
}

/** Families by name. */
export const parse = (text: string): ReadonlyMap<string, Family> => {
  if (!text.endsWith("\n")) throw new Error("the last line has no end")
  const families = new Map<string, Family>()
  const seen = new Set<string>()
  let current: [string, Family] | undefined
  for (const line of text.slice(0, -1).split("\n")) {
    const comment = /^# (HELP|TYPE) (\S+) (.+)$/.exec(line)
    if (comment?.[2] !== undefined) {
      if (!metricName.test(comment[2])) throw new Error(`name: ${line}`)
      if (comment[1] === "HELP") continue
      if (!["counter", "gauge", "histogram"].includes(comment[3] ?? "")) throw new Error(`type: ${line}`)
      if (families.has(comment[2])) throw new Error(`twice: ${line}`)
      current = [comment[2], { type: comment[3] ?? "", samples: [] }]
      families.set(...current)
      continue
    }
    const [, name, labels = "", value] = sample.exec(line) ?? []
    if (name === undefined || value === undefined) throw new Error(`line: ${line}`)
    if (current === undefined || !name.startsWith(current[0])) throw new Error(`no type before: ${line}`)
    const key = line.slice(0, line.lastIndexOf(" "))
    if (seen.has(key)) throw new Error(`twice: ${key}`)
    seen.add(key)
    current[1].samples.push({ name, labels: labelsOf(labels, line), value: numberOf(value, line) })
  }
  for (const [name, family] of families) if (family.type === "histogram") checkHistogram(name, family)
  return families
}

import { parseArgs } from "node:util"

export interface BenchOptions {
  /** How often each side is measured; the median is reported. */
  readonly rounds: number
  /** Length of one measurement. */
  readonly seconds: number
  /** How much data, as of `emsdb seed`; only `maintenance` asks for it. */
  readonly scale: number
  /** Where to write the figures as JSON. */
  readonly json: string | undefined
}

const number = (name: string, value: string): number => {
  const parsed = Number(value)
  if (parsed > 0) return parsed
  console.error(`--${name} ${value}: expected a number above 0`)
  process.exit(2)
}

export const parseOptions = (args: Array<string>): BenchOptions => {
  const { values } = parseArgs({
    args,
    options: {
      rounds: { type: "string", default: "9" },
      seconds: { type: "string", default: "1" },
      scale: { type: "string", default: "200" },
      json: { type: "string" }
    }
  })
  return {
    rounds: number("rounds", values.rounds),
    seconds: number("seconds", values.seconds),
    scale: number("scale", values.scale),
    json: values.json
  }
}

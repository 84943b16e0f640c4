/** One part of the suite: what it shows, and whether that is what it has to be. */
import { type Measured, ratioOf } from "./Side.ts"

export interface Outcome {
  readonly what: string
  readonly figure: string
  readonly goal: string
  readonly isMet: boolean
}

export interface Part {
  readonly title: string
  /** What was measured round by round. */
  readonly measured: ReadonlyArray<Measured>
  /** What else was seen, a line each. */
  readonly seen: ReadonlyArray<string>
  readonly outcomes: ReadonlyArray<Outcome>
}

const times = (ratio: number): string => `${ratio.toFixed(ratio < 10 ? 2 : 0)}x`

export const atLeast = (what: string, ratio: number, goal: number): Outcome => ({
  what,
  figure: times(ratio),
  goal: `at least ${goal}x`,
  isMet: ratio >= goal
})

export const atMost = (what: string, ratio: number, goal: number): Outcome => ({
  what,
  figure: times(ratio),
  goal: `at most ${goal}x`,
  isMet: ratio <= goal
})

/** How many times as often one of the sides is done as another one. */
export const among = (measured: ReadonlyArray<Measured>) => (ours: string, theirs: string): number => {
  const sideOf = (wanted: string): Measured => measured.find(({ name }) => name === wanted)!
  return ratioOf(sideOf(ours), sideOf(theirs))
}

export const thousands = (figure: number): string => Math.round(figure).toLocaleString("en")

/** Gives how many goals were missed. */
export const print = ({ measured, outcomes, seen, title }: Part): number => {
  console.log(title)
  for (const { median, name, rounds, stallMs } of measured) {
    console.log(
      `  ${name.padEnd(36)} ${thousands(median).padStart(10)}   rounds ${
        rounds.map((figure) => Math.round(figure)).join(" ")
      }${stallMs === undefined ? "" : `   longest stall ${Math.round(stallMs)} ms`}`
    )
  }
  for (const line of seen) console.log(`  ${line}`)
  for (const { figure, goal, isMet, what } of outcomes) {
    console.log(`  ${what}: ${figure}, goal ${goal}: ${isMet ? "met" : "MISSED"}`)
  }
  return outcomes.filter(({ isMet }) => !isMet).length
}

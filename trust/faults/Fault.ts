/** One named way in which the world around a data layer breaks. */
import type { Arena, Cancelled } from "../Arena.ts"
import type { Verdict } from "../Checker.ts"
import { type ContenderName, type ContenderOptions, ours } from "../contenders/Contender.ts"
import type { Findings, Load } from "../Protocol.ts"
import type { ServerKind } from "../Servers.ts"

/** What a run of the fault has shown. */
export interface Seen {
  readonly verdict: Verdict
  readonly findings: Findings
  /** By code, e.g. `failed: PoolTimeout`. */
  readonly codes: Readonly<Record<string, number>>
  readonly cancelled: ReadonlyArray<Cancelled>
}

export interface Fault {
  /** Of the catalogue; a letter behind the number tells variants apart. */
  readonly id: string
  readonly name: string
  /** Why it cannot run here, or for this contender. */
  readonly skip?: (contender: ContenderName) => string | undefined
  /** A server of its own instead of the run's. */
  readonly server?: ServerKind
  /** Through Neon's proxy, for those who know one. */
  readonly neon?: boolean
  readonly load?: Partial<Load>
  readonly options?: Partial<ContenderOptions>
  /** Before the first connection. With `cold`, nobody waits for a first success. */
  readonly before?: (arena: Arena) => Promise<unknown>
  readonly cold?: boolean
  /** Changes the URL that the data layer is given. */
  readonly url?: (url: URL) => void
  /** Keeps the fault in force while operations are offered; resolves with how often it took effect. */
  readonly inject: (arena: Arena) => Promise<number>
  /** Takes back what healing the wire does not. */
  readonly heal?: (arena: Arena) => Promise<unknown>
  /** When nobody is under way any more. */
  readonly after?: (arena: Arena) => Promise<unknown>
  /** Afterwards it works again without help. Default true. */
  readonly recovers?: boolean
  /** It cancels statements itself: a 57014 is then no stranger's cancel. */
  readonly cancels?: boolean
  /** It ends the process of the data layer. */
  readonly kills?: boolean
  /** A promise of ours beyond the common ones: what is wrong, or undefined. */
  readonly expect?: (seen: Seen) => string | undefined
}

/** Ours must have failed with one of these, and with nothing else. */
export const only = (...codes: ReadonlyArray<string>) => ({ codes: seen }: Seen): string | undefined => {
  const others = Object.keys(seen).filter((code) => !codes.some((expected) => code.includes(expected)))
  if (others.length > 0) return `also saw ${others.join(", ")}`
  return Object.keys(seen).length === 0 ? `nobody saw ${codes.join(" or ")}` : undefined
}

/** No caller of ours may notice. */
export const unnoticed = ({ codes }: Seen): string | undefined =>
  Object.keys(codes).length === 0 ? undefined : `callers noticed: ${JSON.stringify(codes)}`

/** Whatever happened, no caller may be left not knowing. */
export const noUnknown = ({ codes, verdict }: Seen): string | undefined =>
  verdict.unknown === 0 ? undefined : `${verdict.unknown} unknown: ${JSON.stringify(codes)}`

/** Behind Neon's proxy, which cancels by keys of its own and ends no statement when a WebSocket closes. */
export const overNeon = (fault: Fault): Fault => ({
  ...fault,
  id: `${fault.id}n`,
  name: `${fault.name} (Neon)`,
  neon: true,
  skip: (contender) => contender === ours ? undefined : "it does not know Neon's proxy"
})

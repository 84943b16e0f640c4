/** Where news go, and which. */
import * as Redacted from "effect/Redacted"
import * as Result from "effect/Result"
import type { Unusable } from "../Unusable.ts"

/** `health`: the health of a process changed. `error`: a check found something to act on now, or it is gone. */
export type WebhookEvent = "health" | "error"

const events = ["health", "error"] as const

export interface WebhookSettings {
  /** May hold a token. */
  readonly url: Redacted.Redacted
  readonly events: ReadonlySet<WebhookEvent>
  /** The key of the signature; without it nothing is signed. */
  readonly key: Redacted.Redacted<Uint8Array> | undefined
  /** Between two runs of the checks. Milliseconds. */
  readonly checkInterval: number
}

export const variables = [
  "EMS_WEBHOOK_URL",
  "EMS_WEBHOOK_EVENTS",
  "EMS_WEBHOOK_SECRET",
  "EMS_CHECK_INTERVAL_MS"
] as const
type Variable = (typeof variables)[number]

/** Milliseconds. */
const checkIntervals = { fallback: 300_000, min: 1000, max: 86_400_000 } as const

/** Bytes of a key. Source: Standard Webhooks, symmetric secrets. */
const keyLength = { min: 24, max: 64 } as const

const keyOf = (secret: string): Uint8Array | undefined => {
  const encoded = /^whsec_([A-Za-z0-9+/]+={0,2})$/.exec(secret)?.[1]
  if (encoded === undefined) return undefined
  const key = Buffer.from(encoded, "base64")
  return key.length >= keyLength.min && key.length <= keyLength.max ? key : undefined
}

/** `read` gives a variable's value, `""` for none. `undefined` where nobody wants to be told. */
export const parse = (read: (key: Variable) => string): Result.Result<WebhookSettings | undefined, Unusable> => {
  const unusable = (key: Variable, expected: string) => Result.fail({ key, expected })
  const [url, secret, interval] = [read("EMS_WEBHOOK_URL"), read("EMS_WEBHOOK_SECRET"), read("EMS_CHECK_INTERVAL_MS")]
  const wanted = (read("EMS_WEBHOOK_EVENTS") || events.join(",")).split(",").map((event) => event.trim())
  const known = events.filter((event) => wanted.includes(event))
  if (wanted.some((event) => !events.some((one) => one === event))) {
    return unusable("EMS_WEBHOOK_EVENTS", `${events.join(" or ")}, or both with a comma between them`)
  }
  const key = secret === "" ? undefined : keyOf(secret)
  if (secret !== "" && key === undefined) {
    return unusable("EMS_WEBHOOK_SECRET", `whsec_ and ${keyLength.min} to ${keyLength.max} bytes in base64`)
  }
  const checkInterval = interval === "" ? checkIntervals.fallback : /^\d{1,8}$/.test(interval) ? Number(interval) : 0
  if (checkInterval < checkIntervals.min || checkInterval > checkIntervals.max) {
    return unusable("EMS_CHECK_INTERVAL_MS", `milliseconds from ${checkIntervals.min} to ${checkIntervals.max}`)
  }
  if (url === "") return Result.succeed(undefined)
  if (!/^https?:$/.test(URL.parse(url)?.protocol ?? "")) {
    return unusable("EMS_WEBHOOK_URL", "a URL that begins with https:// or http://")
  }
  return Result.succeed({
    url: Redacted.make(url),
    events: new Set(known),
    key: key && Redacted.make(key),
    checkInterval
  })
}

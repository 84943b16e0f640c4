/** Holds what comes back against what may. */
import type { Answer, Lost } from "../Wire.ts"
import type { Attempt } from "./Attempt.ts"
import type { Canaries, Place } from "./Canaries.ts"

/** Told of so many that are distinct; all are counted. */
const told = 5

/** What an operation is for is to show it. */
const shows: Readonly<Record<string, Place["mayShow"]>> = {
  // What was written down with somebody's reason, and who that was.
  "GET /api/audit": ["planted", "email"],
  "GET /api/auth/tokens": ["email"],
  "GET /api/auth/me": ["email"],
  // Who began it.
  "POST /api/db/maintenance": ["email"],
  "GET /api/db/maintenance/jobs": ["email"],
  "GET /api/db/maintenance/jobs/{id}": ["email"],
  "DELETE /api/db/maintenance/jobs/{id}": ["email"],
  // A plan holds the constants of the statement that it is of.
  "POST /api/db/explain": ["planted"]
}

export class Judge {
  private readonly canaries: Canaries
  private readonly wrong = new Map<string, number>()
  requests = 0
  unexpected5xx = 0
  readonly statuses = new Map<number, number>()

  constructor(canaries: Canaries) {
    this.canaries = canaries
  }

  private note(problem: string): void {
    this.wrong.set(problem, (this.wrong.get(problem) ?? 0) + 1)
  }

  take({ expects, isHead, kind, operation }: Attempt, answer: Answer | Lost): void {
    this.requests++
    const where = `${operation}, ${kind}`
    if (typeof answer === "string") {
      this.statuses.set(0, (this.statuses.get(0) ?? 0) + 1)
      if (answer === "hung") this.note(`${where}: no answer within 20 s`)
      else if (expects !== "anything") this.note(`${where}: closed without an answer`)
      return
    }
    const { body, headers, raw, status } = answer
    this.statuses.set(status, (this.statuses.get(status) ?? 0) + 1)
    const mayShow = status < 400 ? shows[operation] : undefined
    this.canaries.look(raw, { where: `the answer ${status} of ${where}`, ...(mayShow !== undefined && { mayShow }) })
    if (headers.has("x-injected")) this.note(`${where}: a header was injected`)
    // Bun's own word for a first line that is none: it has seen no request, and so no request id.
    const isSockets = expects === "anything" && status === 505 && !headers.has("x-request-id")
    if (status >= 500 && status !== 503 && !isSockets) {
      this.unexpected5xx++
      this.note(`${where}: answered ${status}`)
    } else if (expects === "refused" && (status < 400 || status > 499)) {
      this.note(`${where}: is malformed, and answered ${status}`)
    }
    // What the socket refuses by itself has no body.
    if (status < 400 || isHead || (expects === "anything" && body === "")) return
    if (headers.get("content-type") !== "application/problem+json") this.note(`${where}: ${status} is not problem+json`)
    else if (!new RegExp(`"status":${status}\\b`).test(body)) this.note(`${where}: ${status} has another status inside`)
  }

  add(problem: string): void {
    this.note(problem)
  }

  get problems(): ReadonlyArray<string> {
    const all = [...this.wrong]
    return [
      ...all.slice(0, told).map(([problem, times]) => `${problem} (${times} times)`),
      ...(all.length > told ? [`and ${all.length - told} more kinds`] : [])
    ]
  }

  get summary(): string {
    return [...this.statuses].toSorted(([a], [b]) => a - b).map(([status, times]) => `${status || "closed"} ${times}`)
      .join(", ")
  }
}

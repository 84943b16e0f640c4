/** Asks a server many things at once, and keeps what became of each. */
import * as http from "node:http"
import { setTimeout as sleep } from "node:timers/promises"

export interface Asked {
  /** 0: there was no complete answer. */
  readonly status: number
  readonly ms: number
  readonly retryAfter: boolean
  /** When all of the request had been handed to the system; `undefined`: never. `performance.now()`. */
  readonly sentAt: number | undefined
  /** Of a request without an answer. */
  readonly error: string | undefined
}

export const agent = () => new http.Agent({ keepAlive: true, maxSockets: Number.POSITIVE_INFINITY })

/** One request; never rejects. */
export const ask = (url: string, bearer: string | undefined, by: http.Agent): Promise<Asked> =>
  new Promise((resolve) => {
    const began = performance.now()
    let sentAt: number | undefined
    const end = (status: number, retryAfter: boolean, error?: string) =>
      resolve({ status, ms: performance.now() - began, retryAfter, sentAt, error })
    const request = http.request(url, {
      agent: by,
      headers: bearer === undefined ? {} : { authorization: `Bearer ${bearer}` }
    }, (response) => {
      response.resume()
      response.once("end", () => end(response.statusCode ?? 0, response.headers["retry-after"] !== undefined))
      response.once("error", (error) => end(0, false, error.message))
      response.once("aborted", () => end(0, false, "aborted"))
    })
    request.once("finish", () => sentAt = performance.now())
    request.once("error", (error) => end(0, false, error.message))
    request.end()
  })

/** `clients` at once, each the next when it has its answer, for `ms`. */
export const closedLoop = async (
  clients: number,
  ms: number,
  one: () => Promise<Asked>
): Promise<ReadonlyArray<Asked>> => {
  const until = performance.now() + ms
  const all: Array<Asked> = []
  await Promise.all(Array.from({ length: clients }, async () => {
    while (performance.now() < until) all.push(await one())
  }))
  return all
}

/** `clients` at once, together `rate` a second, as long as they keep up, for `ms`. */
export const paced = async (
  clients: number,
  rate: number,
  ms: number,
  one: () => Promise<Asked>
): Promise<ReadonlyArray<Asked>> => {
  const interval = 1000 * clients / rate
  const until = performance.now() + ms
  const all: Array<Asked> = []
  await Promise.all(Array.from({ length: clients }, async (_, at) => {
    for (let next = performance.now() + interval * at / clients; next < until; next += interval) {
      await sleep(Math.max(0, next - performance.now()))
      all.push(await one())
    }
  }))
  return all
}

export const percentile = (asked: ReadonlyArray<Asked>, part: number): number => {
  const sorted = asked.map(({ ms }) => ms).toSorted((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? 0
}

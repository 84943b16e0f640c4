/**
 * DNS and TCP: what the host's name stands for, and whether anybody listens there.
 */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Net from "node:net"
import { type Address, resolve } from "../driver/probe/Addresses.ts"
import { dial, type Reached, reachedOf } from "../driver/probe/Dial.ts"
import type { Endpoint } from "./Endpoint.ts"
import { failed, judged, ok, type Outcome } from "./Step.ts"

/** More are not tried: whoever has so many has them behind one name for spreading load. */
const mostAddresses = 8

export interface Resolved {
  readonly outcome: Outcome
  readonly addresses: ReadonlyArray<Address>
}

const unresolved = (host: string, code: string): Outcome => {
  const seen = { host, code }
  switch (code) {
    case "ENOTFOUND":
    case "ENODATA":
      return failed(
        `nobody knows the name ${host}`,
        seen,
        "compare the host in DATABASE_URL with your provider's console: a letter, or the whole domain, may be missing",
        "a name of a private network resolves only inside it: connect its VPN, or ask its own DNS server"
      )
    case "timeout":
    case "EAI_AGAIN":
      return failed(
        `the DNS server gives no answer about ${host}`,
        seen,
        "check that this machine reaches its DNS server (in a container: /etc/resolv.conf), then try again"
      )
    default:
      return failed(`${host} could not be resolved (${code})`, seen, "try again; then look at this machine's DNS")
  }
}

export const dns = ({ host }: Endpoint, limitMs: number): Effect.Effect<Resolved> => {
  const family = Net.isIP(host)
  if (family !== 0) {
    return Effect.succeed({
      outcome: ok("an address, with nothing to resolve", { host }),
      addresses: [{ address: host, family: family === 6 ? 6 : 4 }]
    })
  }
  return resolve(host).pipe(
    Effect.timeoutOrElse({ duration: limitMs, orElse: () => Effect.fail("timeout") }),
    Effect.match({
      onFailure: (code) => ({ outcome: unresolved(host, code), addresses: [] }),
      onSuccess: (addresses) => {
        const of = (family: 4 | 6) => addresses.filter((one) => one.family === family).map(({ address }) => address)
        return {
          outcome: ok(`${host} has ${addresses.length === 1 ? "one address" : `${addresses.length} addresses`}`, {
            host,
            ipv4: of(4).join(", "),
            ipv6: of(6).join(", ")
          }),
          addresses
        }
      }
    })
  )
}

interface Attempt extends Address {
  readonly reached: Reached
  readonly text: string
}

const words: Readonly<Record<Reached, string>> = {
  connected: "connected",
  refused: "refused",
  unreachable: "no way there",
  timedOut: "no answer",
  failed: "failed"
}

const attempt = (one: Address, port: number, limitMs: number): Effect.Effect<Attempt> =>
  Effect.scoped(dial(one.address, port)).pipe(
    Effect.timeoutOrElse({ duration: limitMs, orElse: () => Effect.fail("ETIMEDOUT") }),
    Effect.match({ onFailure: (code) => code, onSuccess: () => "connected" }),
    Effect.timed,
    Effect.map(([took, code]) => {
      const reached = code === "connected" ? "connected" : reachedOf(code)
      return {
        ...one,
        reached,
        text: reached === "connected"
          ? `connected in ${Math.round(Duration.toMillis(took))} ms`
          : `${words[reached]} (${code})`
      }
    })
  )

/** Bun calls every connection that fails at once refused, whatever the system said. */
const orUnreachable = process.versions["bun"] === undefined
  ? ""
  : "; on Bun, a network that is not there looks the same"

const unreached: Readonly<Record<Exclude<Reached, "connected">, (where: string) => readonly [string, string]>> = {
  refused: (where) => [
    `a machine answers, and nobody listens on ${where}`,
    `start the server, or correct the port; it listens where listen_addresses and port say${orUnreachable}`
  ],
  unreachable: (where) => [
    `there is no way to ${where}`,
    "connect the network or VPN that the server is in, or open the firewall on the way"
  ],
  timedOut: (where) => [
    `nobody answers at ${where}`,
    "a firewall or a security group drops the packets: let this machine's address in; or the machine is off"
  ],
  failed: (where) => [
    `no connection to ${where}`,
    "see the system's code beside each address"
  ]
}

export interface Connected {
  readonly outcome: Outcome
  /** The one that the next steps look at; none when nobody listens. */
  readonly address: Address | undefined
}

/** Tries every address at once, since a connection takes whichever answers. */
export const tcp = (
  { host, port }: Endpoint,
  addresses: ReadonlyArray<Address>,
  limitMs: number
): Effect.Effect<Connected> =>
  Effect.map(
    Effect.forEach(addresses.slice(0, mostAddresses), (one) => attempt(one, port, limitMs), {
      concurrency: "unbounded"
    }),
    (attempts) => {
      const seen = { port, ...Object.fromEntries(attempts.map(({ address, text }) => [address, text])) }
      const address = attempts.find(({ reached }) => reached === "connected")
      const dead = attempts.filter(({ reached }) => reached !== "connected")
      if (address === undefined) {
        // The most telling one: a refusal says more than silence.
        const told = (["refused", "failed", "unreachable", "timedOut"] as const)
          .find((one) => attempts.some(({ reached }) => reached === one)) ?? "failed"
        const [summary, advice] = unreached[told](`${host}:${port}`)
        return { outcome: failed(summary, seen, advice), address }
      }
      // `localhost` is two addresses on most machines, and servers mostly listen on one of them.
      const isWrong = dead.some(({ reached }) => reached === "timedOut") ||
        (dead.length > 0 && host !== "localhost")
      return {
        outcome: judged(
          "the port is open",
          seen,
          isWrong
            ? [{
              summary: `${dead.length} of ${attempts.length} addresses of ${host} cannot be connected to`,
              advice: `take ${
                dead.map((one) => one.address).join(", ")
              } out of the DNS entry, or write an address that ` +
                "answers into DATABASE_URL: connections may try the dead one first"
            }]
            : []
        ),
        address
      }
    }
  )

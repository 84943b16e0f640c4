/** The verdict first, then the server in one look. */
import type { Report } from "@ems/schema/contract/Report"
import type { Status } from "@ems/schema/contract/Status"
import { bytes, elapsed, figure, instant, percent } from "../../Output.ts"
import { type Html, html, type Piece } from "../Html.ts"
import { section } from "../Section.ts"

/** `18.4` of 180004. */
export const versionOf = (version: number): string => `${Math.floor(version / 10_000)}.${version % 10_000}`

const tile = (count: number, noun: string, several: string, kind: string): Html =>
  html`<li><b class="${count === 0 ? "fine" : kind}">${figure(count)}</b> ${count === 1 ? noun : several}</li>`

export const verdict = ({ parts: { findings: { content } } }: Report): Html | null =>
  content === null ? null : html`<ul class="tiles">
${tile(content.summary.error, "error", "errors", "error")}
${tile(content.summary.warn, "warning", "warnings", "warn")}
${tile(content.summary.info, "for information", "for information", "info")}
${tile(content.summary.unavailable, "check could not look", "checks could not look", "warn")}
</ul>
`

const facts = (now: Status): ReadonlyArray<readonly [name: string, value: string]> => {
  const { connections, longestTransaction: longest, oldestTransactionId: oldest, server } = now
  const unknown = new Map<string, string>(now.unavailableParts.map(({ part, text }) => [part, `not known: ${text}`]))
  return [
    ["Database", server.database],
    ["Server", `Postgres ${versionOf(server.version)}${server.isStandby ? ", a standby" : ""}`],
    ["Up since", instant(server.startedAt)],
    ["Size", now.databaseBytes === null ? unknown.get("databaseBytes") ?? "" : bytes(now.databaseBytes)],
    [
      "Connections",
      connections === null
        ? unknown.get("connections") ?? ""
        : `${connections.used} of ${connections.limit}, and ${connections.reserved} reserved`
    ],
    [
      "Cache hits",
      now.cacheHitRatio === null ? unknown.get("cacheHitRatio") ?? "nothing was read yet" : percent(now.cacheHitRatio)
    ],
    [
      "Longest transaction",
      longest === null
        ? unknown.get("longestTransaction") ?? "none is open"
        : `${elapsed(longest.transactionMs)}, pid ${longest.pid} (${
          [longest.user, longest.application, longest.state].filter((text) => text !== null && text !== "").join(", ")
        })`
    ],
    [
      "Oldest transaction id",
      oldest === null
        ? unknown.get("oldestTransactionId") ?? ""
        : `${figure(oldest.xidAge)} ago in ${oldest.name}, ${percent(oldest.share)} of the way to where writes stop`
    ],
    [
      "Maintenance",
      now.jobs.length === 0
        ? "none is running"
        : now.jobs.map(({ action, actor, percent }) =>
          `${action}${percent === null ? "" : `, ${Math.floor(percent)} %`}${actor === null ? "" : `, by ${actor}`}`
        ).join("; ")
    ]
  ]
}

export const list = (pairs: ReadonlyArray<readonly [name: string, value: Piece]>): Html =>
  html`<dl class="facts">
${
    pairs.map(([name, value]) =>
      html`<dt>${name}</dt><dd>${value}</dd>
`
    )
  }</dl>
`

export const status = ({ parts }: Report): Html => section("status", parts.status, (now) => list(facts(now)))

/** What runs, who waits for whom, which transactions are open, who is connected. */
import type { Blocking } from "@ems/schema/contract/Blocking"
import type { Report } from "@ems/schema/contract/Report"
import { count, duration, elapsed, figure, percent, shortFigure } from "../../Output.ts"
import { type Html, html, type Piece } from "../Html.ts"
import { dataTable, howMany, pageTable, section, statement } from "../Section.ts"

const mean = (ms: number): string => ms < 10 ? `${ms.toFixed(2)} ms` : duration(ms)
const span = (ms: number | null): string | null => ms === null ? null : elapsed(ms)

export const queries = ({ parts }: Report): Html =>
  section("queries", parts.queries, (page) =>
    pageTable(page, {
      caption: "Statements of the last 24 hours, those that took longest together first",
      empty: "No statements."
    }, [
      { name: "Statement", of: ({ queryId, text }) => queryId === null ? "all others" : statement(text), isWide: true },
      { name: "User", of: ({ user }) => user },
      { name: "Total", of: ({ totalMs }) => elapsed(totalMs), isRight: true },
      { name: "Share", of: ({ share }) => share === null ? null : percent(share), isRight: true },
      { name: "Calls", of: ({ calls }) => shortFigure(calls), isRight: true },
      { name: "Mean", of: ({ meanMs }) => mean(meanMs), isRight: true },
      { name: "Rows", of: ({ rows }) => shortFigure(rows), isRight: true },
      { name: "Blocks read", of: ({ sharedReadBlocks }) => shortFigure(sharedReadBlocks), isRight: true }
    ]))

type Root = Blocking["items"][number]

const nameOf = ({ pid }: { readonly pid: number }): string => pid === 0 ? "a prepared transaction" : `pid ${pid}`

const queue = (root: Root): Piece => [
  html`<h3>${nameOf(root)} holds up ${count(root.victims, "session")}${
    root.longestWaitMs === null ? "" : `, one for ${elapsed(root.longestWaitMs)}`
  }</h3>
<p>${[root.user, root.application, root.state].filter((text) => text !== null && text !== "").join(", ")}${
    root.transactionMs === null ? "" : `; its transaction is open for ${elapsed(root.transactionMs)}`
  }</p>
${root.query === null ? null : html`<p>${statement(root.query)}</p>`}`,
  dataTable(`Behind it: ${howMany(root.waiters.length, root.victims)}`, root.waiters, [
    { name: "Pid", of: ({ pid }) => pid },
    { name: "User", of: ({ user }) => user },
    {
      name: "Behind",
      of: ({ behind, behindPrepared }) =>
        behindPrepared.length > 0 ? `prepared ${behindPrepared.join(", ")}` : `pid ${behind}`
    },
    {
      name: "Wants",
      of: ({ lockMode, lockObject, lockType }) =>
        lockMode === null ? null : `${lockMode} on ${[lockType, lockObject].filter((text) => text !== null).join(" ")}`
    },
    { name: "Waits", of: ({ waitedMs }) => span(waitedMs), isRight: true },
    { name: "Statement", of: ({ query }) => statement(query), isWide: true }
  ])
]

const waiting = (page: Blocking): Piece =>
  // With its own words about what is empty or not known, and without a table: each root has one.
  page.unavailable === null && page.items.length + page.cycles.length > 0
    ? [
      page.items.length < page.total
        ? html`<p class="quiet">${howMany(page.items.length, page.total)} that hold others up</p>`
        : null,
      page.items.map(queue),
      page.cycles.map((pids) =>
        html`<p>Deadlock that Postgres has not found yet: ${[...pids, pids[0]].join(" → ")}</p>`
      )
    ]
    : pageTable({ ...page, items: [] }, { caption: "", empty: "Nobody waits for a lock." }, [{
      name: "",
      of: () => null
    }])

export const blocking = ({ parts }: Report): Html => section("blocking", parts.blocking, waiting)

export const transactions = ({ parts }: Report): Html =>
  section(
    "transactions",
    parts.transactions,
    (page) =>
      pageTable(page, { caption: "Open transactions of clients, the oldest first", empty: "None is open." }, [
        { name: "Pid", of: ({ pid }) => pid },
        { name: "Open for", of: ({ transactionMs }) => elapsed(transactionMs), isRight: true },
        {
          name: "State",
          of: ({ state, stateMs }) => `${state ?? "–"}${stateMs === null ? "" : `, ${elapsed(stateMs)}`}`
        },
        { name: "Wrote", of: ({ hasWritten }) => hasWritten ? "yes" : "no" },
        { name: "Snapshot", of: ({ snapshotAge }) => snapshotAge === null ? null : figure(snapshotAge), isRight: true },
        { name: "User", of: ({ user }) => user },
        { name: "Application", of: ({ application }) => application },
        { name: "Last statement", of: ({ query }) => statement(query), isWide: true }
      ])
  )

export const connections = ({ parts }: Report): Html =>
  section("connections", parts.connections, (page) => [
    page.limits.length === 0 ? null : dataTable("What is taken of what is allowed", page.limits, [
      { name: "Of", of: ({ kind, name }) => kind === "server" ? "the server" : `${kind} ${name}` },
      { name: "Used", of: ({ used }) => figure(used), isRight: true },
      { name: "Limit", of: ({ limit }) => figure(limit), isRight: true },
      { name: "Reserved", of: ({ reserved }) => figure(reserved), isRight: true }
    ]),
    pageTable(page, { caption: "Groups of connections, the largest first", empty: "Nobody is connected." }, [
      { name: "User", of: ({ user }) => user },
      { name: "Application", of: ({ application }) => application },
      { name: "Database", of: ({ database }) => database },
      { name: "State", of: ({ state }) => state },
      { name: "Connections", of: ({ count }) => figure(count), isRight: true },
      { name: "Longest in it", of: ({ oldestStateMs }) => span(oldestStateMs), isRight: true }
    ])
  ])

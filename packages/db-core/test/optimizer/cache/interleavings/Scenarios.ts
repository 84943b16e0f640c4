/**
 * What is enumerated. All that can happen in one scenario would be millions of schedules, so each has what a few of the
 * promises depend on.
 */
import type { Key, ReaderPlan, Scenario } from "./Scenario.ts"

const bounded = (key: Key = "A"): ReaderPlan => ({ key, level: "bounded" })
const strong = (key: Key = "A"): ReaderPlan => ({ key, level: "strong" })
const after = (key: Key = "A"): ReaderPlan => ({ key, level: "after" })

export const scenarios = {
  "bounded reads, nothing cached": {
    start: "ready",
    readers: [bounded(), bounded()],
    writer: "statement",
    outsider: "running"
  },
  "bounded reads while the feed polls": {
    start: "ready",
    readers: [bounded(), bounded()],
    outsider: "running",
    polls: 2
  },
  "bounded reads of a cached answer": {
    start: ["A"],
    readers: [bounded(), bounded()],
    writer: "statement",
    outsider: "running",
    polls: 1
  },
  "bounded reads of two queries, one cached": {
    start: ["B"],
    readers: [bounded("A"), bounded("B")],
    writer: "statement",
    outsider: "late"
  },
  "bounded reads of two queries, nothing cached": {
    start: "ready",
    readers: [bounded("A"), bounded("A"), bounded("B")],
    writer: "statement"
  },
  "bounded reads while a query is slow": {
    start: "ready",
    readers: [bounded(), bounded()],
    outsider: "late",
    pauses: [300, 300]
  },
  "bounded reads while the lease runs out": {
    start: ["A"],
    readers: [bounded(), bounded()],
    outsider: "late",
    pauses: [501],
    polls: 1
  },
  "bounded reads while a poll is slow": {
    start: ["A"],
    readers: [bounded()],
    outsider: "running",
    pauses: [300, 300],
    polls: 2
  },
  "bounded reads, a lease that runs out, and a writer": {
    start: ["A"],
    readers: [bounded(), bounded()],
    writer: "statement",
    pauses: [501]
  },
  "bounded reads while polls fail": {
    start: ["A"],
    readers: [bounded(), bounded()],
    outsider: "running",
    pauses: [501],
    polls: 1,
    failures: 1
  },
  "bounded reads around the loss of the log": {
    start: ["A"],
    readers: [bounded()],
    outsider: "late",
    pauses: [501],
    polls: 2,
    losesLog: true
  },
  "a strong read around the loss of the log": {
    start: ["A"],
    readers: [strong()],
    outsider: "late",
    polls: 2,
    losesLog: true
  },
  "strong reads, nothing cached": {
    start: "ready",
    readers: [strong(), strong()],
    writer: "statement",
    outsider: "running"
  },
  "strong reads of a cached answer": {
    start: ["A"],
    readers: [strong(), strong()],
    writer: "statement",
    outsider: "running"
  },
  "a strong read while the feed polls": { start: ["A"], readers: [strong()], outsider: "running", polls: 1 },
  "a strong read beside a bounded one": {
    start: ["A"],
    readers: [bounded(), strong()],
    writer: "statement",
    outsider: "running"
  },
  "strong reads while polls fail": {
    start: ["A"],
    readers: [strong(), strong()],
    outsider: "late",
    pauses: [60],
    failures: 1
  },
  "a causal read beside a bounded one": {
    start: "ready",
    readers: [bounded(), after()],
    outsider: "running",
    polls: 1
  },
  "causal reads of a cached answer": {
    start: ["A"],
    readers: [after(), after()],
    writer: "statement",
    outsider: "late"
  },
  "the first reads of a process": {
    start: "cold",
    readers: [bounded(), bounded()],
    writer: "statement",
    outsider: "running"
  },
  "the first reads of a process, one of them strong": {
    start: "cold",
    readers: [bounded(), strong()],
    outsider: "running"
  },
  "the first reads of a process while polls fail": {
    start: "cold",
    readers: [bounded(), bounded()],
    outsider: "late",
    pauses: [60],
    failures: 1
  },
  "reads beside a transaction": {
    start: "ready",
    readers: [bounded("A"), bounded("A")],
    writer: "transaction",
    outsider: "late"
  },
  "reads beside a transaction that is rolled back": {
    start: "ready",
    readers: [bounded(), strong()],
    writer: "rollback",
    outsider: "late"
  },
  "reads beside a COMMIT that is never answered": {
    start: ["A"],
    readers: [bounded("A"), bounded("B")],
    writer: "unanswered"
  },
  "readers that give up": {
    start: "ready",
    readers: [bounded(), bounded(), bounded()],
    writer: "statement",
    interrupts: 1
  },
  "strong readers that give up, two of three": {
    start: "ready",
    readers: [strong(), strong(), strong()],
    interrupts: 2
  },
  "strong readers that give up": { start: ["A"], readers: [strong(), strong()], writer: "statement", interrupts: 1 }
} satisfies Record<string, Scenario>

/** Few enough steps to run them in every order. */
export const small: ReadonlyArray<keyof typeof scenarios> = [
  "bounded reads, nothing cached",
  "bounded reads while a query is slow",
  "a strong read while the feed polls",
  "a causal read beside a bounded one"
]

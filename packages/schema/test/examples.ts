/** For each contract a good value, and members to replace in it: with others as good, and with bad ones. */
import { Baseline } from "../src/contract/Baseline.ts"
import { Cache, CacheDiagnosis } from "../src/contract/Cache.ts"
import { Checks } from "../src/contract/Checks.ts"
import { Endpoints } from "../src/contract/Endpoints.ts"
import { Health } from "../src/contract/Health.ts"
import { Init } from "../src/contract/Init.ts"
import { Migrate } from "../src/contract/Migrate.ts"
import { Problem } from "../src/contract/Problem.ts"
import { Seed } from "../src/contract/Seed.ts"

/** Names or positions from the root of a value to one of its members. */
export type Path = ReadonlyArray<string | number>

const notCounts = [-1, 0.5, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 53, "1", null]
const notSpans = [-0.1, Number.NaN, Number.POSITIVE_INFINITY, "1", null]
const notTexts = ["", " \n", 1, null]
const notNames = ["", "x".repeat(64), "é".repeat(32), 1, null]
const notInstants = [
  "",
  "yesterday",
  "2026-01-31",
  "2026-01-31T10:00:00Z",
  "2026-01-31T10:00:00.000+01:00",
  "2026-02-30T10:00:00.000Z",
  "2026-01-31T24:00:00.000Z",
  0
]
const at = (path: Path, values: ReadonlyArray<unknown>) =>
  values.map((value): readonly [Path, unknown] => [path, value])

const level2 = {
  state: "ready",
  hits: 3,
  misses: 1,
  rejected: { changed: 1 },
  skipped: {},
  errors: { timeout: 1 },
  waits: 0,
  puts: 2,
  dropped: 0,
  tooLarge: 0,
  bytesRead: 300,
  bytesWritten: 200
}

const migrate = {
  applied: [
    { name: "20260101000000_dry_bullseye", appliedNow: false },
    { name: "20260101000001_spicy_exodus", appliedNow: true }
  ],
  pending: 0,
  durationMs: 12.5
}

const accepted = {
  name: "no-primary-key",
  severity: "warn",
  object: { kind: "table", name: "public.log" },
  summary: "public.log has no primary key",
  evidence: {},
  impact: "The same row can be there twice",
  remediation: null,
  documentation: "https://www.postgresql.org/docs/current/ddl-constraints.html",
  cacheKey: "no-primary-key:table:public.log",
  reason: "nobody refers to it",
  until: "2026-12-31"
}

export const contracts = {
  Health: {
    schema: Health,
    optional: [],
    good: {
      status: "healthy",
      timestamp: "2026-01-31T23:59:59.999Z",
      database: {
        connection: "connected",
        lastHealthCheck: "2026-01-31T23:59:30.000Z",
        connectionCount: 2,
        errorCount: 0
      },
      performance: { responseTimeMs: 1.25, pool: { max: 10, acquired: 1, idle: 1, waiting: 0 } },
      message: "The database answers."
    },
    alsoGood: at(["database", "lastHealthCheck"], [null]),
    bad: [
      ...at(["status"], ["ok", "", null]),
      ...at(["timestamp"], [...notInstants, null]),
      ...at(["database", "connection"], ["maybe", true]),
      ...at(["database", "lastHealthCheck"], notInstants),
      ...at(["database", "connectionCount"], notCounts),
      ...at(["database", "errorCount"], notCounts),
      ...at(["performance", "responseTimeMs"], notSpans),
      ...at(["performance", "pool", "max"], [0, ...notCounts]),
      ...at(["performance", "pool", "acquired"], notCounts),
      ...at(["performance", "pool", "idle"], notCounts),
      ...at(["performance", "pool", "waiting"], notCounts),
      ...at(["message"], notTexts)
    ]
  },
  Problem: {
    schema: Problem,
    optional: ["detail", "instance", "reason", "retryAfterMs"],
    good: {
      type: "about:blank",
      title: "Service Unavailable",
      status: 503,
      detail: "No connection became free in time.",
      instance: "/api/db/health",
      requestId: "8f14e45f-ceea-467f-a8d1-0b5c2f2b6b3e",
      reason: "PoolTimeout",
      retryAfterMs: 1000
    },
    alsoGood: [...at(["retryAfterMs"], [undefined, { nested: [null, true] }]), ...at(["detail"], [undefined])],
    bad: [
      ...at(["type"], ["", "two words", 1]),
      ...at(["title"], notTexts),
      ...at(["status"], [200, 399, 600, 503.5, "503"]),
      ...at(["detail"], notTexts),
      ...at(["instance"], ["", "a b", 1]),
      ...at(["requestId"], ["", "a b", "a\nb", "x".repeat(129), 1]),
      ...at(["reason"], ["", "two words", "x".repeat(65), 1]),
      ...at(["retryAfterMs"], [() => 1, 1n])
    ]
  },
  Endpoints: {
    schema: Endpoints,
    optional: [],
    good: {
      name: "ems",
      version: "1.0.0-rc.1",
      endpoints: [{ method: "GET", path: "/api/db/health", description: "Health of the database" }]
    },
    alsoGood: [...at(["endpoints"], [[]]), ...at(["endpoints", 0, "path"], ["/"])],
    bad: [
      ...at(["name"], notTexts),
      ...at(["version"], ["", "1", "v1.0.0", "1.0"]),
      ...at(["endpoints"], [null, {}, [null], [{}]]),
      ...at(["endpoints", 0, "method"], ["get", "BREW", 1, undefined]),
      ...at(["endpoints", 0, "path"], ["", "api", "/a b", 1, undefined]),
      ...at(["endpoints", 0, "description"], [...notTexts, undefined])
    ]
  },
  Migrate: {
    schema: Migrate,
    optional: [],
    good: migrate,
    alsoGood: at(["applied"], [[]]),
    bad: [
      ...at(["applied"], [null, [migrate.applied[0], migrate.applied[0]], migrate.applied.toReversed()]),
      ...at(["applied", 0, "name"], ["", "0001_init", "20260101000000", "20260101000000_Init", "../x", undefined]),
      ...at(["applied", 0, "appliedNow"], ["yes", 1, undefined]),
      ...at(["pending"], notCounts),
      ...at(["durationMs"], notSpans)
    ]
  },
  Init: {
    schema: Init,
    optional: [],
    good: {
      database: { name: "ems", created: true },
      schema: { name: "ems_internal", created: true },
      migrations: migrate,
      changeLog: { tracked: ["public.events", "public.users"], added: ["public.users"], definitions: true },
      indexes: { present: ["idx_users_email"], created: ["idx_users_created_at"], missing: [], invalid: [] },
      statistics: { analyzed: 6 }
    },
    alsoGood: [...at(["database", "name"], ["é".repeat(31)]), ...at(["changeLog"], [null])],
    bad: [
      ...at(["database", "name"], notNames),
      ...at(["database", "created"], ["yes", 1]),
      ...at(["schema", "name"], ["public", ""]),
      ...at(["schema", "created"], [0]),
      ...at(["migrations", "pending"], notCounts),
      ...["present", "created", "missing", "invalid"].flatMap((list) =>
        at(["indexes", list], [null, "idx_users_email", ["a", "a"], ...notNames.map((name) => [name])])
      ),
      ...["tracked", "added"].flatMap((list) =>
        at(["changeLog", list], [null, "public.users", ["a.b", "a.b"], ["users"], [""], [".users"]])
      ),
      ...at(["changeLog", "definitions"], ["yes", 1, undefined]),
      ...at(["statistics", "analyzed"], notCounts)
    ]
  },
  Cache: {
    schema: Cache,
    optional: ["transaction"],
    good: {
      enabled: true,
      guarantee: "bounded",
      stalenessMs: 500,
      reads: { hits: 8, revalidated: 1, joined: 0, shared: 0, misses: 1, bypasses: { transaction: 2 } },
      hitRatio: 0.75,
      savedMs: 12.5,
      memory: { entries: 1, maxEntries: 100, bytes: 300, maxBytes: 67_108_864, tooLarge: 0 },
      feed: { state: "live", leaseMs: 430, polls: 7, failures: 0, roundTripMs: 0.3 },
      level2: null,
      queries: [{
        text: "select ? from events",
        tables: ["public.events"],
        bypass: null,
        hits: 8,
        revalidated: 1,
        joined: 0,
        shared: 0,
        misses: 1,
        bypassed: 0,
        hitRatio: 0.9,
        bytes: 300,
        savedMs: 12.5
      }],
      tables: [{ name: "public.events", bypass: null }]
    },
    alsoGood: [
      ...at(["feed"], [null]),
      ...at(["level2"], [level2]),
      ...at(["stalenessMs"], [null]),
      ...at(["hitRatio"], [null, 0, 1]),
      ...at(["queries", 0, "bypass"], ["volatile"]),
      ...at(["queries", 0, "tables"], [[]])
    ],
    bad: [
      ...at(["guarantee"], ["eventual", null]),
      ...at(["hitRatio"], [-0.1, 1.1, "1"]),
      ...["hits", "revalidated", "joined", "shared", "misses"].flatMap((name) => at(["reads", name], notCounts)),
      ...at(["reads", "bypasses", "transaction"], notCounts),
      ...at(["savedMs"], notSpans),
      ...["entries", "maxEntries", "bytes", "maxBytes", "tooLarge"].flatMap((name) => at(["memory", name], notCounts)),
      ...at(["feed", "state"], ["dead", null]),
      ...at(["level2"], [{ ...level2, state: "asleep" }, { ...level2, hits: -1 }]),
      ...at(["queries", 0, "bypass"], ["because"]),
      ...at(["tables", 0, "bypass"], ["because"]),
      ...at(["tables", 0, "name"], notTexts)
    ]
  },
  Checks: {
    schema: Checks,
    optional: ["bytes"],
    good: {
      timestamp: "2026-01-31T23:59:59.999Z",
      checks: [{
        name: "invalid-index",
        title: "Indexes that no query can use",
        findings: [{
          name: "invalid-index",
          severity: "error",
          object: { kind: "index", name: "public.idx" },
          summary: "public.idx was not built to its end",
          evidence: { bytes: 8192 },
          impact: "Every write keeps it, and no query uses it",
          remediation: "reindex index concurrently public.idx;",
          documentation: "https://www.postgresql.org/docs/current/sql-createindex.html",
          cacheKey: "invalid-index:index:public.idx"
        }],
        unavailable: null,
        notes: []
      }],
      summary: { error: 1, warn: 0, info: 0, unavailable: 0 },
      durationMs: 12.5
    },
    alsoGood: [
      ...at(["checks", 0, "unavailable"], [{ because: "extension", text: "needs pgstattuple" }]),
      ...at(["checks", 0, "findings", 0, "remediation"], [null]),
      ...at(["checks", 0, "findings", 0, "evidence"], [{}, { reset: null, exact: false, text: "t" }]),
      ...at(["checks", 0, "accepted"], [[], [{ ...accepted, reason: null, until: null }], [accepted]]),
      ...at(["baseline"], [{ accepted: 1, stale: ["a:b"], expired: [], worse: [], isWritten: false }]),
      ...at(["leftOut"], [{ reason: "it is empty", names: ["setting"] }])
    ],
    bad: [
      ...at(["timestamp"], notInstants),
      ...at(["durationMs"], notSpans),
      ...["error", "warn", "info", "unavailable"].flatMap((name) => at(["summary", name], notCounts)),
      ...at(["checks", 0, "findings", 0, "severity"], ["fatal", null]),
      ...at(["checks", 0, "findings", 0, "object", "kind"], ["thing"]),
      ...at(["checks", 0, "findings", 0, "cacheKey"], notTexts),
      ...at(["checks", 0, "unavailable"], [{ because: "mood", text: "t" }]),
      ...at(["checks", 0, "accepted"], [null, [{ ...accepted, until: "soon" }], [{ ...accepted, reason: " " }]]),
      ...at(["baseline"], [null, {}, { accepted: 1 }]),
      ...at(["leftOut"], [null, { reason: "", names: [] }])
    ]
  },
  Baseline: {
    schema: Baseline,
    optional: [],
    good: { version: 1, accepted: [{ cacheKey: "invalid-index:index:public.idx" }] },
    alsoGood: [
      ...at(["accepted"], [[]]),
      ...at(["accepted", 0], [{ cacheKey: "a:b", severity: "warn", reason: "a log", until: "2028-02-29" }])
    ],
    bad: [
      ...at(["version"], [0, 2, "1", null]),
      ...at(["accepted"], [null, [{}], [{ cacheKey: "a:b" }, { cacheKey: "a:b" }]]),
      ...at(["accepted", 0, "cacheKey"], notTexts),
      ...at(["accepted", 0], [
        { cacheKey: "a:b", reason: " " },
        { cacheKey: "a:b", severity: "fatal" },
        ...["2026-02-29", "2026-2-1", "2026-01-31T00:00:00.000Z", "", null].map((until) => ({ cacheKey: "a:b", until }))
      ])
    ]
  },
  CacheDiagnosis: {
    schema: CacheDiagnosis,
    optional: [],
    good: {
      guarantee: "bounded",
      stalenessMs: 500,
      log: { bytes: 16_384, rows: 12, sweptAt: "2026-01-31T23:59:59.999Z", definitions: true },
      tables: [{ name: "public.events", bypass: "untracked" }],
      query: { tables: ["public.events"], bypass: null },
      advice: ["not under the change log: public.events"]
    },
    alsoGood: [
      ...at(["log"], [null]),
      ...at(["log", "sweptAt"], [null]),
      ...at(["query"], [null]),
      ...at(["advice"], [[]])
    ],
    bad: [
      ...at(["guarantee"], ["eventual", null]),
      ...at(["stalenessMs"], notSpans.filter((value) => value !== null)),
      ...at(["log", "rows"], notCounts),
      ...at(["log", "sweptAt"], notInstants),
      ...at(["query", "bypass"], ["because"]),
      ...at(["advice"], [null, [""], [1]])
    ]
  },
  Seed: {
    schema: Seed,
    optional: ["reason", "users", "events"],
    good: { seeded: true, reason: "Asked for", scale: 1, rows: { users: 100, events: 20 }, durationMs: 250 },
    alsoGood: [
      ...at(["reason"], [undefined]),
      ...at(["rows"], [{}]),
      ...at(["scale"], [0.1]),
      ...at(["seeded"], [false])
    ],
    bad: [
      ...at(["seeded"], ["yes", 1]),
      ...at(["reason"], notTexts),
      ...at(["scale"], [0, -1, Number.NaN, Number.POSITIVE_INFINITY, "1"]),
      ...at(["rows"], [null, [], { "": 1 }, { ["x".repeat(64)]: 1 }]),
      ...at(["rows", "users"], notCounts),
      ...at(["durationMs"], notSpans)
    ]
  }
}

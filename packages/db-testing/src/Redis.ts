/** A real Redis or Valkey of a test's own, where the machine has one. Keeps nothing on disk. */
import * as fs from "node:fs"
import * as os from "node:os"
import * as path from "node:path"
import type { Certificates } from "./Certificates.ts"
import { freePort } from "./Ports.ts"
import { watch, type Watched } from "./Watchdog.ts"

const names = ["redis-server", "valkey-server"]
const folders = ["/usr/bin", "/usr/local/bin", "/opt/homebrew/bin"]

/** Where it is; `undefined` when this machine has none. */
export const findRedis = (): string | undefined =>
  names.flatMap((name) => folders.map((folder) => path.join(folder, name))).find((file) => fs.existsSync(file))

/** The note of a test that has to be skipped, or `undefined` when there is one. */
export const redisMissing = (): string | undefined =>
  findRedis() === undefined ? "this machine has neither redis-server nor valkey-server" : undefined

export interface RedisOptions {
  /** Default: a free one. */
  readonly port?: number
  readonly password?: string
  /** Listens with TLS, and only so. */
  readonly certificates?: Certificates
}

export interface Redis {
  readonly url: string
  readonly port: number
  /** Stops it where it stands, as a machine that hangs; `resume` lets it go on. */
  readonly freeze: () => void
  readonly resume: () => void
  /** Without a farewell, as a machine that lost its power. */
  readonly close: () => Promise<void>
}

const listening = ({ exited, stdout }: Watched): Promise<void> =>
  new Promise((resolve, reject) => {
    let said = ""
    const timer = setTimeout(() => reject(new Error(`Redis did not start: ${said}`)), 10_000)
    stdout?.on("data", (chunk: Buffer) => {
      said += chunk.toString()
      if (!said.includes("eady to accept connections")) return
      clearTimeout(timer)
      resolve()
    })
    void exited.then(() => {
      clearTimeout(timer)
      reject(new Error(`Redis ended: ${said}`))
    })
  })

export const startRedis = async (options: RedisOptions = {}): Promise<Redis> => {
  const binary = findRedis()
  if (binary === undefined) throw new Error("this machine has no Redis")
  const { certificates, password } = options
  const port = options.port ?? await freePort()
  const directory = fs.mkdtempSync(path.join(os.tmpdir(), "ems-redis-"))
  const settings = [
    ["bind", "127.0.0.1"],
    ["dir", directory],
    ["pidfile", path.join(directory, "redis.pid")],
    ["save", ""],
    ["appendonly", "no"],
    ...(password === undefined ? [] : [["requirepass", password]]),
    ...(certificates === undefined ? [["port", String(port)]] : [
      ["port", "0"],
      ["tls-port", String(port)],
      ["tls-cert-file", certificates.cert],
      ["tls-key-file", certificates.key],
      ["tls-ca-cert-file", certificates.ca],
      ["tls-auth-clients", "no"]
    ])
  ]
  const file = path.join(directory, "redis.conf")
  fs.writeFileSync(file, settings.map(([name, value]) => `${name} "${value}"\n`).join(""), { mode: 0o600 })
  const watched = watch({
    command: [binary, file],
    cwd: directory,
    env: {},
    signal: "TERM",
    lastSignal: "KILL",
    remove: { directory, when: "always" },
    stdio: "both"
  })
  const close = async () => {
    // A process that is stopped hears of nothing else.
    watched.kill()
    await watched.exited
    fs.rmSync(directory, { recursive: true, force: true })
  }
  try {
    await listening(watched)
  } catch (error) {
    await close()
    throw error
  }
  const pid = Number(fs.readFileSync(path.join(directory, "redis.pid"), "utf8"))
  const login = password === undefined ? "" : `:${encodeURIComponent(password)}@`
  return {
    url: certificates === undefined
      ? `redis://${login}127.0.0.1:${port}`
      : `rediss://${login}127.0.0.1:${port}/?sslrootcert=${encodeURIComponent(certificates.ca)}`,
    port,
    freeze: () => void process.kill(pid, "SIGSTOP"),
    resume: () => void process.kill(pid, "SIGCONT"),
    close
  }
}

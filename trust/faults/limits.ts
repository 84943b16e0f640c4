/** What happens when a limit of the machine itself is met: a full disk, no more descriptors. */
import { spawnSync } from "node:child_process"
import * as fs from "node:fs"
import * as path from "node:path"
import type { Arena } from "../Arena.ts"
import { ours } from "../contenders/Contender.ts"
import { type Fault, only } from "./Fault.ts"

const run = (program: string, ...words: ReadonlyArray<string>): void => {
  const { error, status, stderr } = spawnSync(program, [...words], { encoding: "utf8" })
  if (status !== 0) throw new Error(`${program} ${words[0]}: ${error?.message ?? stderr}`)
}

const has = (program: string): boolean => spawnSync(program, ["--version"]).status === 0

const isRoot = process.platform === "linux" && process.getuid?.() === 0

const diskOf = (arena: Arena): string => path.join(path.dirname(path.dirname(arena.cluster.dataDir)), "small")

const mount = (disk: string, megabytes: number, owner: { readonly uid: number; readonly gid: number }): void => {
  fs.mkdirSync(disk)
  run("mount", "-t", "tmpfs", "-o", `size=${megabytes}m,mode=700,uid=${owner.uid},gid=${owner.gid}`, "tmpfs", disk)
}

const unmount = (disk: string): void => {
  run("umount", disk)
  fs.rmdirSync(disk)
}

const cannotMount = () => isRoot && has("mount") ? undefined : "only root on Linux can mount a small file system"

/** Until not one more page is to be had. */
const fill = `do $$ declare many int := 4096; begin
  while many > 0 loop
    begin
      insert into filler select repeat('x', 6000) from generate_series(1, many);
    exception when disk_full then many := many / 2;
    end;
  end loop;
end $$`

export const limitFaults: ReadonlyArray<Fault> = [
  {
    id: "F46b",
    name: "53100: a file system that is really full",
    skip: cannotMount,
    load: { kinds: ["insert", "transaction"] },
    before: async (arena) => {
      const disk = diskOf(arena)
      mount(disk, 6, fs.statSync(arena.cluster.dataDir))
      await arena.sql(`create tablespace small location '${disk}'`)
      // Without compression the size is what it says.
      await arena.sql("create table filler (t text) tablespace small; alter table filler alter t set storage plain")
      await arena.sql("alter table h set tablespace small")
    },
    inject: async (arena) => {
      const said = arena.said("53100")
      await arena.sql(fill)
      await arena.window({ offered: 60, until: () => said.fired >= 20 })
      return said.fired
    },
    heal: (arena) => arena.sql("drop table filler"),
    after: async (arena) => {
      await arena.sql("drop table if exists filler")
      await arena.sql("alter table h set tablespace pg_default")
      await arena.sql("drop tablespace if exists small")
      unmount(diskOf(arena))
    },
    expect: only("53100")
  },
  {
    id: "F47",
    name: "the volume of the WAL is full: PANIC, and no recovery until there is room",
    skip: (contender) => contender === ours ? cannotMount() : "only ours is run against a server that is ruined",
    server: "own",
    load: { kinds: ["insert", "transaction"] },
    before: async (arena) => {
      const disk = diskOf(arena)
      const { cluster } = arena
      await cluster.stop("SIGINT")
      mount(disk, 48, fs.statSync(cluster.dataDir))
      const wal = path.join(cluster.dataDir, "pg_wal")
      run("cp", "-a", `${wal}/.`, disk)
      fs.rmSync(wal, { recursive: true })
      fs.symlinkSync(disk, wal)
      await cluster.startAgain()
      await cluster.sql("create table filler (t text)")
    },
    inject: async (arena) => {
      const { cluster } = arena
      const ended = cluster.exited.then(() => true)
      for (let tries = 0; tries < 40; tries++) {
        // It fails when the server does.
        await cluster.sql("insert into filler select repeat(md5(i::text), 60) from generate_series(1, 3000) i").catch(
          () => {}
        )
        if (await Promise.race([ended, arena.sleep(50).then(() => false)])) break
      }
      await arena.window({ atLeastMs: 300 })
      return await Promise.race([ended, arena.sleep(0).then(() => false)]) ? 1 : 0
    },
    heal: async (arena) => {
      run("mount", "-o", "remount,size=512m", diskOf(arena))
      await arena.cluster.startAgain()
    },
    after: async (arena) => {
      const disk = diskOf(arena)
      const { dataDir } = arena.cluster
      await arena.cluster.stop("SIGINT")
      const { gid, uid } = fs.statSync(dataDir)
      const wal = path.join(dataDir, "pg_wal")
      fs.unlinkSync(wal)
      fs.mkdirSync(wal, { mode: 0o700 })
      fs.chownSync(wal, uid, gid)
      run("cp", "-a", `${disk}/.`, wal)
      unmount(disk)
      await arena.cluster.startAgain()
    }
  },
  {
    id: "F57",
    name: "no file descriptors left (EMFILE)",
    skip: () => process.platform === "linux" && has("prlimit") ? undefined : "needs prlimit, which Linux has",
    inject: async (arena) => {
      const limit = (soft: string) => run("prlimit", `--pid=${arena.child.pid}`, `--nofile=${soft}`)
      const before = fs.readFileSync(`/proc/${arena.child.pid}/limits`, "utf8").match(/Max open files\s+(\d+)/)?.[1]
      if (before === undefined) return 0
      try {
        // What is open stays open; nothing new can be opened, whatever was closed.
        await arena.afresh(() => limit("3:"))
        await arena.window({ atLeastMs: 400 })
        return arena.proxy.stats.open === 0 ? arena.offered : 0
      } finally {
        limit(`${before}:`)
      }
    }
  }
]

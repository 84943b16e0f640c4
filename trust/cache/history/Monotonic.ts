/**
 * The machine's monotonic clock in milliseconds, the same for every process of it. Bun's `process.hrtime` begins anew in
 * each process, so the times of two processes could not be compared by it.
 */

const clocks: { readonly [platform: string]: { readonly library: string; readonly id: number } } = {
  linux: { library: "libc.so.6", id: 1 },
  darwin: { library: "libSystem.B.dylib", id: 6 }
}

const onBun = async (): Promise<() => number> => {
  const clock = clocks[process.platform]
  if (clock === undefined) throw new Error(`no monotonic clock is known on ${process.platform}`)
  const { dlopen, ptr } = await import("bun:ffi")
  const { symbols } = dlopen(clock.library, { clock_gettime: { args: ["i32", "ptr"], returns: "i32" } })
  const time = new BigInt64Array(2)
  const address = ptr(time)
  return () => {
    symbols.clock_gettime(clock.id, address)
    return Number(time[0]) * 1e3 + Number(time[1]) / 1e6
  }
}

export const monotonic: () => number = process.versions["bun"] === undefined
  ? () => Number(process.hrtime.bigint()) / 1e6
  : await onBun()

import type { StatsFs } from 'node:fs';
import { statfs } from 'node:fs/promises';
import { Gauge, Counter, type Registry } from '@prometheus-io/client';

/** Folders whose disk is watched, by what they are called in the metrics. */
export type WatchedFolders = Readonly<Record<string, string>>;

/** The platform's own processor time and memory, by the names of Prometheus' clients, and the disks it writes to. */
export function registerHostMetrics(registry: Registry, folders: WatchedFolders, version: string): void {
  const startedS = Date.now() / 1000 - process.uptime();
  const gauges: [name: string, help: string, value: () => number][] = [
    ['process_resident_memory_bytes', 'Memory of the platform itself', () => process.memoryUsage.rss()],
    ['process_start_time_seconds', 'When the platform started, in Unix time', () => startedS],
  ];
  for (const [name, help, value] of gauges) {
    const gauge = new Gauge({
      name,
      help,
      registers: [],
      collect() {
        this.set(value());
      },
    });
    registry.registerMetric(gauge);
  }
  const cpu = new Counter({
    name: 'process_cpu_seconds_total',
    help: 'Processor time of the platform itself',
    registers: [],
    collect() {
      const { user, system } = process.cpuUsage();
      this.reset();
      this.inc((user + system) / 1e6);
    },
  });
  registry.registerMetric(cpu);
  new Gauge({
    name: 'tinderbox_build_info',
    help: 'Always 1; the version is in the label',
    labelNames: ['version'],
    registers: [registry],
  }).set({ version }, 1);
  registerDisks(registry, folders);
}

function registerDisks(registry: Registry, folders: WatchedFolders): void {
  const columns: [name: string, help: string, value: (disk: StatsFs) => number][] = [
    ['tinderbox_disk_size_bytes', 'Size of the disk a folder lies on', ({ blocks, bsize }) => blocks * bsize],
    ['tinderbox_disk_free_bytes', 'What may still be written to that disk', ({ bavail, bsize }) => bavail * bsize],
  ];
  for (const [name, help, value] of columns) {
    const gauge = new Gauge<string>({
      name,
      help,
      labelNames: ['folder'],
      registers: [],
      async collect() {
        for (const [folder, path] of Object.entries(folders)) {
          const disk = await statfs(path).catch(() => undefined);
          if (disk !== undefined) this.set({ folder }, value(disk));
        }
      },
    });
    registry.registerMetric<string>(gauge);
  }
}

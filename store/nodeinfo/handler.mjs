import os from 'node:os';

/** Where the function runs, as text, or as JSON for a caller that accepts it. */
export default {
  fetch(request) {
    const facts = {
      hostname: os.hostname(),
      platform: os.platform(),
      arch: os.arch(),
      cpus: os.availableParallelism(),
      uptime: Math.floor(os.uptime()),
      node: process.version,
    };
    return request.headers.get('accept')?.includes('application/json') ? Response.json(facts) : describe(facts);
  },
};

function describe({ hostname, platform, arch, cpus, uptime, node }) {
  const lines = [`Platform: ${platform}`, `Arch: ${arch}`, `CPU count: ${cpus}`, `Uptime: ${uptime}`, `Node: ${node}`];
  return new Response(`Hostname: ${hostname}\n\n${lines.join('\n')}\n`, { headers: { 'content-type': 'text/plain' } });
}

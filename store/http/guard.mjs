import { lookup } from 'node:dns';
import { BlockList, isIP } from 'node:net';

/** Why a URL is not fetched, with the status that says so; the caller may see the text. */
export class Refusal extends Error {
  constructor(message, status = 403) {
    super(message);
    this.status = status;
  }
}

/**
 * A function that fetches what a stranger names would open this machine's own network to him. So nothing is fetched
 * unless `allowed_hosts` names its host: `example.org` (ports 80 and 443), `example.org:8443`, `*.example.org`, or `*` for
 * all. Whatever it names, addresses that are not public stay closed unless `allow_private` is `true`, and an address is
 * judged where the connection is made, so that no name can change its mind in between.
 */
export function createGuard({ allowed_hosts: hosts = '', allow_private: privateToo = 'false' }) {
  const rules = hosts
    .split(',')
    .map((rule) => rule.trim().toLowerCase())
    .filter((rule) => rule !== '');
  const open = privateToo === 'true';
  return {
    /** The URL when it may be fetched. Throws a Refusal. */
    check(text) {
      const url = URL.parse(text.trim());
      if (url === null || !/^https?:$/.test(url.protocol))
        throw new Refusal(`"${text.slice(0, 200)}" is no http or https URL`, 400);
      if (url.username !== '' || url.password !== '') throw new Refusal('the URL carries a user or password');
      const host = url.hostname.replace(/^\[|\]$/g, '');
      if (!rules.some((rule) => matches(rule, host, url.port))) {
        throw new Refusal(`host "${url.host}" is not one that the variable allowed_hosts of this function names`);
      }
      if (!open && isIP(host) !== 0 && !isPublic(host)) throw new Refusal(`address ${host} is not a public one`);
      return url;
    },
    /** For `http.request`: resolves names, and only to addresses that may be reached. */
    lookup(name, options, done) {
      lookup(name, { ...options, all: true }, (error, addresses = []) => {
        const reachable = addresses.filter(({ address }) => open || isPublic(address));
        if (error) done(error);
        else if (reachable.length === 0) done(new Refusal(`host "${name}" has no public address`));
        else if (options.all) done(null, reachable);
        else done(null, reachable[0].address, reachable[0].family);
      });
    },
  };
}

function matches(rule, host, port) {
  const [, name = '', rulePort = ''] = /^(\*|\[[0-9a-f:.]+\]|[^:]*)(?::(\d+))?$/.exec(rule) ?? [];
  if (rulePort !== port && !(rulePort === '' && (port === '80' || port === '443'))) return false;
  if (name === '*') return true;
  return name.startsWith('*.') ? host.endsWith(name.slice(1)) : host === name.replace(/^\[|\]$/g, '');
}

/** IANA's special-purpose registries: all that does not lead out to the internet. */
const special = new BlockList();
for (const range of (
  '0.0.0.0/8 10.0.0.0/8 100.64.0.0/10 127.0.0.0/8 169.254.0.0/16 172.16.0.0/12 192.0.0.0/24 192.0.2.0/24 192.88.99.0/24 ' +
  '192.168.0.0/16 198.18.0.0/15 198.51.100.0/24 203.0.113.0/24 224.0.0.0/3'
).split(' ')) {
  const [network, bits] = range.split('/');
  special.addSubnet(network, Number(bits), 'ipv4');
}
// Of IPv6 only global unicast is public, without what leads back to IPv4 (Teredo, 6to4) and the documentation's range.
const global = new BlockList();
global.addSubnet('2000::', 3, 'ipv6');
for (const [network, bits] of [
  ['2001::', 23],
  ['2001:db8::', 32],
  ['2002::', 16],
  ['3fff::', 20],
]) {
  special.addSubnet(network, bits, 'ipv6');
}

export function isPublic(address) {
  if (isIP(address) === 4) return !special.check(address, 'ipv4');
  return isIP(address) === 6 && global.check(address, 'ipv6') && !special.check(address, 'ipv6');
}

import { BlockList, isIPv4, isIPv6 } from 'node:net';

/**
 * Ranges no callback may reach: loopback, link-local, private, shared, multicast, reserved and translated ones (IANA's
 * special-purpose registries, RFC 6890 and its updates).
 */
const specialRanges: readonly (readonly [address: string, prefix: number, family: 'ipv4' | 'ipv6'])[] = [
  ['0.0.0.0', 8, 'ipv4'],
  ['10.0.0.0', 8, 'ipv4'],
  ['100.64.0.0', 10, 'ipv4'],
  ['127.0.0.0', 8, 'ipv4'],
  ['169.254.0.0', 16, 'ipv4'],
  ['172.16.0.0', 12, 'ipv4'],
  ['192.0.0.0', 24, 'ipv4'],
  ['192.0.2.0', 24, 'ipv4'],
  ['192.88.99.0', 24, 'ipv4'],
  ['192.168.0.0', 16, 'ipv4'],
  ['198.18.0.0', 15, 'ipv4'],
  ['198.51.100.0', 24, 'ipv4'],
  ['203.0.113.0', 24, 'ipv4'],
  ['224.0.0.0', 4, 'ipv4'],
  ['240.0.0.0', 4, 'ipv4'],
  // Of IPv6 only 2000::/3 is given out as global unicast.
  ['::', 3, 'ipv6'],
  ['4000::', 2, 'ipv6'],
  ['8000::', 1, 'ipv6'],
  ['2001::', 23, 'ipv6'],
  ['2001:db8::', 32, 'ipv6'],
  ['2002::', 16, 'ipv6'],
  ['3fff::', 20, 'ipv6'],
];

/** Says whether an address is one of the public internet; `allowed` are exceptions in CIDR notation (`10.1.0.0/16`). */
export function createAddressRule(allowed: readonly string[]): (address: string) => boolean {
  // One list each: in one, ranges of IPv6 hold the IPv4 addresses that can be written in them.
  const special = { ipv4: new BlockList(), ipv6: new BlockList() };
  for (const [address, prefix, family] of specialRanges) special[family].addSubnet(address, prefix, family);
  const exceptions = { ipv4: new BlockList(), ipv6: new BlockList() };
  for (const text of allowed) {
    const [address = '', prefix] = text.split('/');
    const family = isIPv6(address) ? 'ipv6' : 'ipv4';
    exceptions[family].addSubnet(address, Number(prefix ?? (family === 'ipv6' ? 128 : 32)), family);
  }
  return (address) => {
    const plain = unmapped(address);
    if (!isIPv4(plain) && !isIPv6(plain)) return false;
    const family = isIPv4(plain) ? 'ipv4' : 'ipv6';
    return exceptions[family].check(plain, family) || !special[family].check(plain, family);
  };
}

/** An IPv4 address in IPv6 clothing is judged as what it is, as the system writes it or as a URL does (`::ffff:7f00:1`). */
function unmapped(address: string): string {
  const dotted = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address)?.[1];
  if (dotted !== undefined) return dotted;
  const [, high, low] = /^::ffff:([\da-f]{1,4}):([\da-f]{1,4})$/i.exec(address) ?? [];
  if (high === undefined || low === undefined) return address;
  return [high, low]
    .map((half) => Number.parseInt(half, 16))
    .flatMap((half) => [half >> 8, half & 255])
    .join('.');
}

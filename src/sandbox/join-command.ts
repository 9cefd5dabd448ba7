import { TinderboxError } from '../model/errors.ts';
import type { Tools } from './tools.ts';

/**
 * Joins namespaces that a user without root made, and becomes a command. Whoever made a user namespace has every right in
 * it, also in the one bubblewrap locks by putting another inside; but nobody lives in the outer one, which owns the rest,
 * and only the kernel can lead there (NS_GET_USERNS of the mount namespace, ioctl_ns(2)). nsenter cannot ask for that,
 * so it is done here, constant as the launcher's text: all values are arguments.
 *
 * Into the outer user namespace, the others, then the inner one, as the function is; no privilege may come back
 * (no_new_privs, no bounding set), and the rights that entering took end with execve, since the user is not root. Until
 * then they keep the function, which has the same user, from tracing this process. Its exit is that of the command.
 */
const script = `
import ctypes, fcntl, os, signal, sys
pid, kinds, command = sys.argv[1], sys.argv[2].split(','), sys.argv[3:]
flags = {'user': 0x10000000, 'mnt': 0x20000, 'pid': 0x20000000, 'ipc': 0x8000000, 'uts': 0x4000000, 'net': 0x40000000}
for each in (signal.SIGINT, signal.SIGPIPE, signal.SIGXFSZ):
    signal.signal(each, signal.SIG_DFL)
libc = ctypes.CDLL(None, use_errno=True)
def enter(fd, kind):
    if libc.setns(fd, flags[kind]) != 0:
        raise OSError(ctypes.get_errno(), 'cannot enter its ' + kind + ' namespace')
try:
    held = {kind: os.open('/proc/%s/ns/%s' % (pid, kind), os.O_RDONLY) for kind in ['user', *kinds]}
    outer = fcntl.ioctl(held['mnt'], 0xb701)
    enter(outer, 'user')
    for kind in kinds:
        enter(held[kind], kind)
    if os.fstat(outer).st_ino != os.fstat(held['user']).st_ino:
        enter(held['user'], 'user')
    for fd in [outer, *held.values()]:
        os.close(fd)
    if libc.prctl(38, 1, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), 'cannot give up new privileges')
    bound = 0
    while libc.prctl(24, bound, 0, 0, 0) == 0:
        bound += 1
    child = os.fork()
except OSError as error:
    sys.stderr.write('tinderbox: %s\\n' % error)
    os._exit(125)
if child == 0:
    try:
        os.execv(command[0], command)
    finally:
        os._exit(125)
status = os.waitpid(child, 0)[1]
if os.WIFSIGNALED(status):
    os.kill(os.getpid(), os.WTERMSIG(status))
os._exit(os.WEXITSTATUS(status))
`;

/**
 * `next`, which begins with an absolute path, in the namespaces of `target`: `mnt` among `kinds`. Throws `unsupported`
 * where there is no Python.
 */
export function joinCommand(
  { python }: Pick<Tools, 'python'>,
  target: number,
  kinds: readonly string[],
  next: readonly string[],
): readonly string[] {
  if (python !== undefined) return [python, '-I', '-S', '-c', script, String(target), kinds.join(','), ...next];
  throw new TinderboxError(
    'unsupported',
    'a command cannot be run beside this instance: entering what bubblewrap made without root takes python3, which is missing',
    {
      hint: 'install python3 on the machine of the platform, or deploy the function with the annotation com.tinderbox.isolation=none',
    },
  );
}

"""A generic process becomes one function: identity, descriptors, environment, directory, module path."""

import os
import sys
import time


def become(spec, keep):
    """`keep`: descriptors of our own. Raises before anything of the function is loaded when it cannot be done whole."""
    _close_others(keep)
    os.environ.clear()
    os.environ.update(spec["env"])
    if "TZ" in os.environ:
        time.tzset()
    identity = spec.get("identity")
    if identity is not None:
        _take_identity(identity["uid"], identity["gid"], identity["groups"])
    # Files a function makes are its own.
    os.umask(0o077)
    if os.environ.get("TMPDIR"):
        os.makedirs(os.environ["TMPDIR"], exist_ok=True)
    os.chdir(spec["workdir"])
    handler = spec.get("handler", "")
    folders = [spec["workdir"], *spec["modulePaths"], os.path.dirname(os.path.abspath(handler))]
    sys.path[:0] = [folder for at, folder in enumerate(folders) if folder not in folders[:at]]
    sys.argv = [handler]


def _close_others(keep):
    """Whatever the platform had open when it started this process is none of the function's business."""
    kept = sorted({0, 1, 2, *keep})
    listed = _listed_descriptors()
    if listed is None:
        for below, above in zip(kept, [*kept[1:], os.sysconf("SC_OPEN_MAX")]):
            os.closerange(below + 1, above)
        return
    for fd in listed:
        if fd not in kept:
            try:
                os.close(fd)
            except OSError:
                pass  # the one that listed the folder


def _listed_descriptors():
    """What is open; None where the system does not list it."""
    for folder in ("/proc/self/fd", "/dev/fd"):
        try:
            return [int(name) for name in os.listdir(folder)]
        except OSError:
            pass
    return None


def _take_identity(uid, gid, groups):
    if os.geteuid() == 0:
        os.setgroups(groups)
        os.setgid(gid)
        os.setuid(uid)
    if _current() != (uid, gid, sorted(set(groups) | {gid})) or _can_return(uid):
        raise PermissionError("the process could not become user %d, group %d for good" % (uid, gid))


def _current():
    if hasattr(os, "getresuid"):
        uids, gids = set(os.getresuid()), set(os.getresgid())
    else:
        uids, gids = {os.getuid(), os.geteuid()}, {os.getgid(), os.getegid()}
    if len(uids) > 1 or len(gids) > 1:
        return None
    gid = gids.pop()
    return uids.pop(), gid, sorted({*os.getgroups(), gid})


def _can_return(uid):
    if uid == 0:
        return False
    try:
        os.setuid(0)
    except OSError:
        return False
    return True

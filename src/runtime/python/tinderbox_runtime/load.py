"""Finds the handler of a function and its shape."""

import os
import sys
from importlib.machinery import ModuleSpec, SourceFileLoader

from .shapes import classic_shape, event_shape

_CO_VARARGS = 0x04
_CO_COROUTINE = 0x80
_CO_ASYNC_GENERATOR = 0x200
_PACKAGE = "function"


class Loaded:
    """`run(call, server)` is a plain function, or a coroutine function when `is_async`.

    `eager`: it begins with the head of a request and reads the body itself. `app`: the ASGI application, if it is one.
    """

    def __init__(self, style, run, is_async=False, eager=False, app=None):
        self.style = style
        self.run = run
        self.is_async = is_async
        self.eager = eager
        self.app = app


def load_handler(spec):
    """Imports the function's module. Raises what the import raises, and LookupError when it has no handler."""
    path = spec.get("handler") or "handler.py"
    if not path.endswith(".py"):
        path += ".py"
    module = _import(os.path.join(spec["workdir"], path))
    handle = getattr(module, "handle", None)
    if callable(handle):
        return _from_handle(handle, spec)
    for name in ("app", "application"):
        app = getattr(module, name, None)
        if callable(app):
            return _from_app(app)
    raise LookupError(
        "%s has no handler: define handle(event, context), handle(req), or an ASGI or WSGI app or application" % path
    )


def _import(path):
    """As `function.handler`, so that `from . import x` works beside `import x`."""
    folder, name = os.path.split(path)
    if not os.path.isfile(path):
        raise FileNotFoundError("there is no handler file %s" % path)
    initial = os.path.join(folder, "__init__.py")
    package = _module(_PACKAGE, initial if os.path.isfile(initial) else None, _folders(folder))
    module = _module("%s.%s" % (_PACKAGE, name[:-3]), path)
    setattr(package, name[:-3], module)
    return module


def _module(name, path, folders=None):
    """A module of that name in sys.modules, run from its file. What importlib.util does, without importing that."""
    loader = None if path is None else SourceFileLoader(name, path)
    spec = ModuleSpec(name, loader, origin=path, is_package=folders is not None)
    spec.has_location = path is not None
    module = type(sys)(name)
    module.__spec__ = spec
    module.__loader__ = loader
    module.__package__ = spec.parent
    if path is not None:
        module.__file__ = path
    if folders is not None:
        spec.submodule_search_locations[:] = folders
        module.__path__ = spec.submodule_search_locations
    sys.modules[name] = module
    if loader is not None:
        loader.exec_module(module)
    return module


def _folders(folder):
    """A function may have a package of that name itself."""
    own = os.path.join(folder, _PACKAGE)
    return [folder, own] if os.path.isdir(own) else [folder]


def _from_handle(handle, spec):
    code, bound = _code_of(handle)
    is_async = _is_async(code) or _is_async(getattr(handle, "__code__", None))
    if code is None or code.co_flags & _CO_VARARGS:
        count = 2
    else:
        count = code.co_argcount - bound
    if count not in (1, 2):
        raise LookupError("handle takes %d arguments; it must be handle(event, context) or handle(req)" % count)
    style = "event-context" if count == 2 else "classic"
    shape = event_shape if count == 2 else classic_shape
    return Loaded(style, shape(handle, spec, is_async), is_async)


def _from_app(app):
    code, bound = _code_of(app)
    count = code.co_argcount - bound if code is not None else 2
    if count == 3:
        from .asgi import asgi_shape

        return Loaded("asgi", asgi_shape(app), is_async=True, eager=True, app=app)
    if count == 2:
        from .wsgi import wsgi_shape

        return Loaded("wsgi", wsgi_shape(app), eager=True)
    raise LookupError("the app takes %d arguments; ASGI apps take 3, WSGI apps 2" % count)


def _is_async(code):
    return code is not None and bool(code.co_flags & (_CO_COROUTINE | _CO_ASYNC_GENERATOR))


def _code_of(function):
    """The code that will run, through decorators, methods, partials and callable objects; and its bound arguments."""
    bound = 0
    for _ in range(32):
        if hasattr(function, "__wrapped__"):
            function = function.__wrapped__
        elif hasattr(function, "__func__"):
            bound += 1
            function = function.__func__
        elif hasattr(function, "__code__"):
            return function.__code__, bound
        elif hasattr(function, "func") and hasattr(function, "args"):
            bound += len(function.args)
            function = function.func
        elif hasattr(type(function).__call__, "__code__"):
            bound += 1
            function = type(function).__call__
        else:
            break
    return None, 0

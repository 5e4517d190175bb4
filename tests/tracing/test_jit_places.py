"""Places where a value can live: after it has changed there, a jitted function computes what the function does.

Each place is a few lines: what is set up, an expression that reads it, and a change. The same lines are run as a
script's, as an installed package's, and as those of a module that bears the name of one of Python's own.
"""

# ruff: noqa: E501

from __future__ import annotations

import importlib
import sys
import types

import numpy as np
import pytest

import tinygrad_cv as tg

pytestmark = pytest.mark.usefixtures("on_numpy")

IMPORTS = """
import array, argparse, builtins, collections, contextvars, copy, ctypes, dataclasses, enum, fractions, functools
import math, operator, os, queue, sys, threading, types, typing, weakref
import numpy as np
import tinygrad_cv as tg
from tinygrad_cv import nn, functional as F
"""

# name: (what is set up, what is read, a change)
PLACES = {
    "global": ("k = 2.0", "k", "k = 3.0"),
    "global that is deleted": ("k = 2.0", "globals().get('k', 5.0)", "del k"),
    "global by a computed name": ("k_1 = 2.0", "globals()['k_' + str(1)]", "k_1 = 3.0"),
    "global by eval": ("k = 2.0", "eval('k + 1')", "k = 3.0"),
    "builtin": ("builtins.my_k = 2.0", "my_k", "builtins.my_k = 3.0"),
    "function's default": ("def h(a=2.0): return a", "h()", "h.__defaults__ = (3.0,)"),
    "keyword default": ("def h(*, a=2.0): return a", "h()", "h.__kwdefaults__['a'] = 3.0"),
    "mutable default": ("def h(a=[2.0]): return a[0]", "h()", "h.__defaults__[0][0] = 3.0"),
    "function's code": ("def h(): return 2.0\ndef h2(): return 3.0", "h()", "h.__code__ = h2.__code__"),
    "function's attribute": ("def h(): return h.k\nh.k = 2.0", "h()", "h.k = 3.0"),
    "closure": (
        "def make():\n a = 2.0\n def get(): return a\n def put(b):\n  nonlocal a\n  a = b\n return get, put\nget, put = make()",
        "get()",
        "put(3.0)",
    ),
    "lambda's default": ("h = lambda a=[2.0]: a[0]", "h()", "h.__defaults__[0][0] = 3.0"),
    "partial": ("c = [2.0]\nh = functools.partial(operator.getitem, c, 0)", "h()", "c[0] = 3.0"),
    "partial that is replaced": ("h = functools.partial(max, 2.0)", "h(1.0)", "h = functools.partial(max, 3.0)"),
    "partial's keywords": ("h = functools.partial(dict, a=2.0)", "h()['a']", "h.keywords['a'] = 3.0"),
    "bound method": ("class C:\n def m(self): return self.k\nc = C(); c.k = 2.0\nh = c.m", "h()", "c.k = 3.0"),
    "bound method of a dict": ("c = {'a': 2.0}\nh = c.get", "h('a')", "c['a'] = 3.0"),
    "bound method of a list": ("c = [2.0]\nh = c.__getitem__", "h(0)", "c[0] = 3.0"),
    "wrapped": (
        "def deco(g):\n @functools.wraps(g)\n def w(): return g()\n return w\nk = 2.0\n@deco\ndef h(): return k",
        "h()",
        "k = 3.0",
    ),
    "cache": ("k = 2.0\n@functools.cache\ndef h(): return k", "h()", "k = 3.0; h.cache_clear()"),
    "lru_cache cleared later": (
        "c = [2.0]\n@functools.lru_cache(4)\ndef h(): return c[0]",
        "h()",
        "h.cache_clear(); c[0] = 3.0",
    ),
    "cached property": (
        "class C:\n @functools.cached_property\n def p(self): return self.k\nc = C(); c.k = 2.0",
        "c.p",
        "c.k = 3.0; c.__dict__.pop('p', None)",
    ),
    "singledispatch": (
        "@functools.singledispatch\ndef h(a): return 2.0",
        "h(1)",
        "h.register(int)(lambda a: 3.0)",
    ),
    "attribute": ("class C: pass\nc = C(); c.k = 2.0", "c.k", "c.k = 3.0"),
    "attribute by getattr": ("class C: pass\nc = C(); c.k_1 = 2.0", "getattr(c, 'k_' + str(1))", "c.k_1 = 3.0"),
    "attribute by vars": ("class C: pass\nc = C(); c.k = 2.0", "sum(vars(c).values())", "c.k = 3.0"),
    "attribute by attrgetter": (
        "class C: pass\nc = C(); c.a = C(); c.a.k = 2.0\ng = operator.attrgetter('a.k')",
        "g(c)",
        "c.a.k = 3.0",
    ),
    "attribute by format": ("class C: pass\nc = C(); c.k = 2.0", "float('{0.k}'.format(c))", "c.k = 3.0"),
    "attribute by match": (
        "class C:\n __match_args__ = ('k',)\nc = C(); c.k = 2.0\ndef h():\n match c:\n  case C(k): return k",
        "h()",
        "c.k = 3.0",
    ),
    "attribute that comes": ("class C: pass\nc = C()", "getattr(c, 'k', 2.0)", "c.k = 3.0"),
    "attribute that goes": ("class C: k = 2.0\nc = C(); c.k = 3.0", "c.k", "del c.k"),
    "instance over class": ("class C: k = 2.0\nc = C()", "c.k", "c.k = 3.0"),
    "class attribute": ("class C: k = 2.0\nc = C()", "c.k", "C.k = 3.0"),
    "class attribute by the class": ("class C: k = 2.0", "C.k", "C.k = 3.0"),
    "attribute of a base": ("class B: k = 2.0\nclass C(B): pass\nc = C()", "c.k", "B.k = 3.0"),
    "derived over base": ("class B: k = 2.0\nclass C(B): pass\nc = C()", "c.k", "C.k = 3.0"),
    "attribute of a metaclass": ("class M(type): k = 2.0\nclass C(metaclass=M): pass", "C.k", "M.k = 3.0"),
    "another class": (
        "class B: k = 2.0\nclass C:\n k = 3.0\nb = B()",
        "b.k",
        "b.__class__ = C",
    ),
    "another base": (
        "class A: pass\nclass B(A): k = 2.0\nclass D(A): k = 3.0\nclass C(B): pass\nc = C()",
        "c.k",
        "C.__bases__ = (D,)",
    ),
    "method replaced": ("class C:\n def m(self): return 2.0\nc = C()", "c.m()", "C.m = lambda self: 3.0"),
    "method of an instance": ("class C:\n def m(self): return 2.0\nc = C()", "c.m()", "c.m = lambda: 3.0"),
    "class method": ("class C:\n k = 2.0\n @classmethod\n def m(cls): return cls.k", "C.m()", "C.k = 3.0"),
    "static method": ("k = 2.0\nclass C:\n @staticmethod\n def m(): return k", "C.m()", "k = 3.0"),
    "property": ("class C:\n @property\n def p(self): return self.k\nc = C(); c.k = 2.0", "c.p", "c.k = 3.0"),
    "property replaced": (
        "class C:\n p = property(lambda self: 2.0)\nc = C()",
        "c.p",
        "C.p = property(lambda self: 3.0)",
    ),
    "descriptor": (
        "class D:\n def __get__(self, o, c=None): return self.k\nclass C: p = D()\nc = C(); vars(C)['p'].k = 2.0",
        "c.p",
        "vars(C)['p'].k = 3.0",
    ),
    "__getattr__": (
        "class C:\n def __init__(self): self.data = {'k': 2.0}\n def __getattr__(self, n): return self.data[n]\nc = C()",
        "c.k",
        "c.data['k'] = 3.0",
    ),
    "__getitem__": ("class C:\n def __getitem__(self, i): return self.k\nc = C(); c.k = 2.0", "c[0]", "c.k = 3.0"),
    "__call__": ("class C:\n def __call__(self): return self.k\nc = C(); c.k = 2.0", "c()", "c.k = 3.0"),
    "__len__": ("class C:\n def __len__(self): return self.k\nc = C(); c.k = 2", "len(c)", "c.k = 3"),
    "slots": ("class C: __slots__ = ('k',)\nc = C(); c.k = 2.0", "c.k", "c.k = 3.0"),
    "slot that is filled": ("class C: __slots__ = ('k',)\nc = C()", "getattr(c, 'k', 2.0)", "c.k = 3.0"),
    "private slot": (
        "class C:\n __slots__ = ('__k',)\n def put(self, k): self.__k = k\n def get(self): return self.__k\nc = C(); c.put(2.0)",
        "c.get()",
        "c.put(3.0)",
    ),
    "slots of a base": (
        "class B: __slots__ = ('k',)\nclass C(B): __slots__ = ()\nc = C(); c.k = 2.0",
        "c.k",
        "c.k = 3.0",
    ),
    "dataclass": ("@dataclasses.dataclass\nclass C: k: float = 2.0\nc = C()", "c.k", "c.k = 3.0"),
    "dataclass by asdict": (
        "@dataclasses.dataclass\nclass C: k: float = 2.0\nc = C()",
        "sum(dataclasses.asdict(c).values())",
        "c.k = 3.0",
    ),
    "dataclass with slots": (
        "@dataclasses.dataclass(slots=True)\nclass C: k: float = 2.0\nc = C()",
        "c.k",
        "c.k = 3.0",
    ),
    "dict": ("c = {'k': 2.0}", "c['k']", "c['k'] = 3.0"),
    "dict in another order": ("c = {'a': 1.0, 'b': 2.0}", "list(c.values())[0]", "c['a'] = c.pop('a')"),
    "dict's keys in another order": ("c = {2.0: 0, 3.0: 0}", "next(iter(c))", "c[2.0] = c.pop(2.0)"),
    "equal values under other keys": ("c = {2.0: 0}", "list(c)[0]", "del c[2.0]; c[3.0] = 0"),
    "dict's key": ("class K: pass\nkey = K(); key.k = 2.0\nc = {key: 1}", "list(c)[0].k", "list(c)[0].k = 3.0"),
    "dict of dicts": ("c = {'a': {'b': [2.0]}}", "c['a']['b'][0]", "c['a']['b'][0] = 3.0"),
    "dict subclass": ("class C(dict): pass\nc = C(a=2.0)", "c['a']", "c['a'] = 3.0"),
    "attribute of a dict": ("class C(dict): pass\nc = C(); c.k = 2.0", "c.k", "c.k = 3.0"),
    "dict with attributes": (
        "class C(dict):\n def __getattr__(self, n): return self[n]\nc = C(k=2.0)",
        "c.k",
        "c['k'] = 3.0",
    ),
    "OrderedDict": ("c = collections.OrderedDict(k=2.0)", "c['k']", "c['k'] = 3.0"),
    "OrderedDict moved": ("c = collections.OrderedDict(a=2.0, b=3.0)", "list(c.values())[0]", "c.move_to_end('a')"),
    "defaultdict": ("c = collections.defaultdict(float, k=2.0)", "c['k']", "c['k'] = 3.0"),
    "default factory": (
        "c = collections.defaultdict(lambda: 2.0)",
        "c.default_factory()",
        "c.default_factory = lambda: 3.0",
    ),
    "Counter": ("c = collections.Counter(k=2)", "c['k']", "c['k'] += 1"),
    "ChainMap": ("a = {'k': 2.0}\nc = collections.ChainMap({}, a)", "c['k']", "a['k'] = 3.0"),
    "UserDict": ("c = collections.UserDict(k=2.0)", "c['k']", "c['k'] = 3.0"),
    "UserList": ("c = collections.UserList([2.0])", "c[0]", "c[0] = 3.0"),
    "mappingproxy": ("a = {'k': 2.0}\nc = types.MappingProxyType(a)", "c['k']", "a['k'] = 3.0"),
    "list": ("c = [2.0]", "c[0]", "c[0] = 3.0"),
    "list grown": ("c = [2.0]", "len(c)", "c.append(0.0)"),
    "list sorted": ("c = [3.0, 2.0]", "c[0]", "c.sort()"),
    "list subclass": ("class C(list): pass\nc = C(); c.k = 2.0", "c.k", "c.k = 3.0"),
    "set": ("c = {2.0}", "sum(c)", "c.clear(); c.add(3.0)"),
    "object in a set": ("class K: pass\nx = K(); x.k = 2.0\nc = {x}", "sum(i.k for i in c)", "x.k = 3.0"),
    "object in a frozenset": (
        "class K: pass\nx = K(); x.k = 2.0\nc = frozenset([x])",
        "sum(i.k for i in c)",
        "x.k = 3.0",
    ),
    "tuple": ("c = ([2.0],)", "c[0][0]", "c[0][0] = 3.0"),
    "tuple subclass": ("class C(tuple): pass\nc = C((1.0,)); c.k = 2.0", "c.k", "c.k = 3.0"),
    "int subclass": ("class C(int): pass\nc = C(1); c.k = 2.0", "c.k", "c.k = 3.0"),
    "str subclass": ("class C(str): pass\nc = C('a'); c.k = 2.0", "c.k", "c.k = 3.0"),
    "float subclass": ("class C(float): pass\nc = C(1); c.k = 2.0", "c.k", "c.k = 3.0"),
    "deque": ("c = collections.deque([2.0])", "c[0]", "c[0] = 3.0"),
    "deque rotated": ("c = collections.deque([2.0, 3.0])", "c[0]", "c.rotate()"),
    "namedtuple": ("N = collections.namedtuple('N', 'a b')\nc = N([2.0], 1)", "c.a[0]", "c.a[0] = 3.0"),
    "namedtuple replaced": ("class N(typing.NamedTuple):\n a: float\nc = N(2.0)", "c.a", "c = c._replace(a=3.0)"),
    "Enum": ("class E(enum.Enum): A = 2.0", "E.A.value", "E.A._value_ = 3.0"),
    "Enum by its name": ("class E(enum.Enum): A = 2.0", "E['A'].value", "E.A._value_ = 3.0"),
    "attribute of an Enum's member": ("class E(enum.Enum): A = 1\nE.A.k = 2.0", "E.A.k", "E.A.k = 3.0"),
    "attribute of an IntEnum's member": ("class E(enum.IntEnum): A = 1\nE.A.k = 2.0", "E.A.k", "E.A.k = 3.0"),
    "SimpleNamespace": ("c = types.SimpleNamespace(k=2.0)", "c.k", "c.k = 3.0"),
    "argparse": ("c = argparse.Namespace(k=2.0)", "c.k", "c.k = 3.0"),
    "module": ("m = types.ModuleType('m_of_mine'); m.k = 2.0", "m.k", "m.k = 3.0"),
    "module by getattr": ("m = types.ModuleType('m_of_mine'); m.k_1 = 2.0", "getattr(m, 'k_' + str(1))", "m.k_1 = 3.0"),
    "module by its dict": (
        "m = types.ModuleType('m_of_mine'); m.k_1 = 2.0",
        "m.__dict__['k_' + str(1)]",
        "m.k_1 = 3.0",
    ),
    "module in a list": ("m = types.ModuleType('m_of_mine'); m.k = 2.0\nc = [m]", "c[0].k", "m.k = 3.0"),
    "module in a module": (
        "m = types.ModuleType('m_of_mine'); m.n = types.ModuleType('n'); m.n.k = 2.0",
        "m.n.k",
        "m.n.k = 3.0",
    ),
    "module's __getattr__": (
        "m = types.ModuleType('m_of_mine'); k = 2.0\nm.__dict__['__getattr__'] = lambda n: k",
        "m.anything",
        "k = 3.0",
    ),
    "import within": (
        "m = sys.modules['m_of_mine'] = types.ModuleType('m_of_mine'); m.k = 2.0\ndef h():\n import m_of_mine as n\n return n.k",
        "h()",
        "m.k = 3.0",
    ),
    "from-import within": (
        "m = sys.modules['m_of_mine'] = types.ModuleType('m_of_mine'); m.k = 2.0\ndef h():\n from m_of_mine import k\n return k",
        "h()",
        "m.k = 3.0",
    ),
    "sys.modules": (
        "m = sys.modules['m_of_mine'] = types.ModuleType('m_of_mine'); m.k = 2.0",
        "sys.modules['m_of_mine'].k",
        "m.k = 3.0",
    ),
    "standard library's module": ("math.my_k = 2.0", "math.my_k", "math.my_k = 3.0"),
    "standard function replaced": ("math.my_f = math.sqrt", "math.my_f(4.0)", "math.my_f = math.exp"),
    "environment": ("os.environ['MY_K'] = '2.0'", "float(os.environ['MY_K'])", "os.environ['MY_K'] = '3.0'"),
    "environment by getenv": ("os.environ['MY_K'] = '2.0'", "float(os.getenv('MY_K'))", "os.environ['MY_K'] = '3.0'"),
    "environment by a name": (
        "os.environ['MY_K'] = '2.0'\nfrom os import environ as e",
        "float(e['MY_K'])",
        "e['MY_K'] = '3.0'",
    ),
    "sys.argv": ("sys.argv.append('2.0')", "float(sys.argv[-1])", "sys.argv[-1] = '3.0'"),
    "context variable": ("v = contextvars.ContextVar('v'); v.set(2.0)", "v.get()", "v.set(3.0)"),
    "context variable's value": ("v = contextvars.ContextVar('v'); v.set([2.0])", "v.get()[0]", "v.get()[0] = 3.0"),
    "thread's own": ("t = threading.local(); t.k = 2.0", "t.k", "t.k = 3.0"),
    "event": ("e = threading.Event()", "(2.0 if e.is_set() else 1.0)", "e.set()"),
    "queue": ("q = queue.Queue(); q.put(2.0)", "q.queue[0]", "q.queue[0] = 3.0"),
    "weak reference": ("class C: pass\nc = C(); c.k = 2.0\nr = weakref.ref(c)", "r().k", "c.k = 3.0"),
    "weak proxy": ("class C: pass\nc = C(); c.k = 2.0\nr = weakref.proxy(c)", "r.k", "c.k = 3.0"),
    "weak dict": ("class C: pass\nc = C(); c.k = 2.0\nd = weakref.WeakValueDictionary(a=c)", "d['a'].k", "c.k = 3.0"),
    "weak-key dict": ("class C: pass\nc = C()\nd = weakref.WeakKeyDictionary(); d[c] = 2.0", "d[c]", "d[c] = 3.0"),
    "array.array": ("c = array.array('d', [2.0])", "c[0]", "c[0] = 3.0"),
    "bytearray": ("c = bytearray(b'a')", "c[0]", "c[0] = 3"),
    "memoryview": ("a = bytearray(b'a')\nc = memoryview(a)", "c[0]", "a[0] = 3"),
    "ctypes number": ("c = ctypes.c_double(2.0)", "c.value", "c.value = 3.0"),
    "ctypes array": ("c = (ctypes.c_double * 2)(2.0)", "c[0]", "c[0] = 3.0"),
    "ctypes structure": (
        "class S(ctypes.Structure): _fields_ = [('k', ctypes.c_double)]\nc = S(2.0)",
        "c.k",
        "c.k = 3.0",
    ),
    "NumPy array": ("c = np.array([2.0, 1.0])", "float(c[0])", "c[0] = 3.0"),
    "NumPy array of objects": ("c = np.array([2.0, [1]], object)", "c[0]", "c[0] = 3.0"),
    "object in a NumPy array": ("class K: pass\nx = K(); x.k = 2.0\nc = np.array([x], object)", "c[0].k", "x.k = 3.0"),
    "NumPy records": ("c = np.zeros(1, [('k', 'f8')]); c['k'] = 2.0", "float(c['k'][0])", "c['k'] = 3.0"),
    "NumPy mask": ("c = np.ma.array([1.0, 2.0], mask=[0, 1])", "float(c.sum())", "c.mask = [0, 0]"),
    "NumPy view": ("a = np.array([2.0, 1.0])\nc = a[::-1]", "float(c[-1])", "a[0] = 3.0"),
    "NumPy array's shape": ("c = np.zeros((2, 3))", "c.shape[0]", "c.shape = (3, 2)"),
    "NumPy array's shape, of bytes": ("c = np.frombuffer(bytes(6), 'u1')", "c.shape[0]", "c.shape = (3, 2)"),
    "NumPy array's dtype": (
        "import warnings\nc = np.ones(1, np.float32)",
        "float(c[0])",
        "with warnings.catch_warnings():\n warnings.simplefilter('ignore')\n c.dtype = np.int32",
    ),
    "NumPy subclass": ("class A(np.ndarray): pass\nc = np.zeros(1).view(A); c.k = 2.0", "c.k", "c.k = 3.0"),
    "NumPy number": ("c = np.float64(2.0)", "float(c)", "c = np.float64(3.0)"),
    "NumPy polynomial": ("c = np.polynomial.Polynomial([2.0])", "float(c.coef[0])", "c.coef[0] = 3.0"),
    "complex zero": ("c = complex(0.0, -0.0)", "math.copysign(1.0, c.imag)", "c = complex(0.0, 0.0)"),
    "negative zero": ("c = -0.0", "math.copysign(1.0, c)", "c = 0.0"),
    "type": ("c = 2", "(3.0 if isinstance(c, bool) else c)", "c = True"),
    "type in a tuple": ("c = (1,)", "(3.0 if c[0] is True else 2.0)", "c = (True,)"),
    "negative zero in a tuple": ("c = ((-0.0,),)", "math.copysign(1.0, c[0][0])", "c = ((0.0,),)"),
    "fraction": ("c = fractions.Fraction(2)", "float(c)", "c = fractions.Fraction(3)"),
    "range": ("c = range(2)", "len(c)", "c = range(3)"),
    "tensor": ("c = tg.tensor([2.0])", "c", "c = tg.tensor([3.0])"),
    "tensor in place": ("c = tg.tensor([2.0])", "c", "c[0] = 3.0"),
    "attribute of a tensor's subclass": ("class T(tg.Tensor): pass\nc = T([1.0]); c.k = 2.0", "c.k", "c.k = 3.0"),
    "attribute of a parameter": (
        "p = nn.Parameter(tg.ones(1))\ntry: p.k = 2.0\nexcept AttributeError: p = types.SimpleNamespace(k=2.0)",
        "p.k",
        "p.k = 3.0",
    ),
    "module's attribute": (
        "class N(nn.Module):\n def forward(self): return self.k\nn = N(); n.k = 2.0",
        "n()",
        "n.k = 3.0",
    ),
    "nested module": (
        "n = nn.Sequential(nn.Sequential(nn.Dropout(0.0)))\nn[0][0].k = 2.0",
        "n[0][0].k",
        "n[0][0].k = 3.0",
    ),
    "module's buffer": (
        "n = nn.BatchNorm1d(1)\nn.running_mean.assign([2.0])",
        "n.running_mean",
        "n.running_mean.assign([3.0])",
    ),
    "training": ("n = nn.Dropout(0.0)", "(2.0 if n.training else 3.0)", "n.eval()"),
    "a layer's forward": ("n = nn.Flatten()", "n(tg.ones(1, 1)).sum()", "nn.Flatten.forward = lambda self, x: x * 3.0"),
    "a function of this package": ("F.my_f = F.relu", "F.my_f(tg.ones(1))", "F.my_f = lambda x: x * 3.0"),
    "user's iterable": (
        "class C:\n def __iter__(self): return iter(self.items)\nc = C(); c.items = [2.0]",
        "sum(c)",
        "c.items[0] = 3.0",
    ),
    "user's generator function": ("k = 2.0\ndef g():\n yield k", "sum(g())", "k = 3.0"),
    "context manager": (
        "class C:\n def __enter__(self): return self.k\n def __exit__(self, *a): pass\nc = C(); c.k = 2.0\n"
        "def h():\n with c as k: return k",
        "h()",
        "c.k = 3.0",
    ),
    "generic alias": ("class C(typing.Generic[typing.TypeVar('T')]): k = 2.0\nc = C[int]()", "c.k", "C.k = 3.0"),
    "copy": ("class C: pass\nc = C(); c.k = 2.0", "sum(vars(copy.copy(c)).values())", "c.k = 3.0"),
    "cell in a cell": (
        "def make(b):\n def outer():\n  def inner(): return b[0]\n  return inner\n return outer\nb = [2.0]\nh = make(b)",
        "h()()",
        "b[0] = 3.0",
    ),
    "object behind many": (
        "class C: pass\nc = C(); x = c\nfor _ in range(50): x.next = C(); x = x.next\nx.k = 2.0\n"
        "def h():\n y = c\n while hasattr(y, 'next'): y = y.next\n return y.k",
        "h()",
        "x.k = 3.0",
    ),
}

SOURCE = """{imports}
{setup}
@tg.jit
def f(x): return x * ({read})
def change():
    exec({change!r}, globals())
"""


@pytest.fixture
def clean():
    """What the lines above leave in shared places is taken away."""
    from tinygrad_cv import functional, nn

    modules, arguments, forward = set(sys.modules), list(sys.argv), nn.Flatten.forward
    yield
    import builtins
    import math
    import os

    for name in set(sys.modules) - modules:
        if "mine" in name:
            del sys.modules[name]
    for holder, names in ((builtins, ("my_k",)), (math, ("my_k", "my_f")), (functional, ("my_f",))):
        for name in names:
            vars(holder).pop(name, None)
    os.environ.pop("MY_K", None)
    sys.argv[:] = arguments
    nn.Flatten.forward = forward


def compared(f, change, name):
    x = tg.ones(1)
    for step in range(2):
        expected = f.function(x).tolist()
        for _ in range(2):
            assert f(x).tolist() == expected, (name, step)
        if step == 0:
            change()
    assert expected != [0.0]


@pytest.mark.parametrize("name", PLACES)
def test_a_value_that_changes_in_its_place(name, clean):
    setup, read, change = PLACES[name]
    source = SOURCE.format(imports=IMPORTS, setup=setup, read=read, change=change)
    scope = vars(sys.modules.setdefault("a_script_of_mine", types.ModuleType("a_script_of_mine")))
    exec(compile(source, "a_script_of_mine.py", "exec"), scope)
    before = scope["f"].function(tg.ones(1)).tolist()
    compared(scope["f"], scope["change"], name)
    assert scope["f"].function(tg.ones(1)).tolist() != before or "zero" in name or name in ("lru_cache cleared later",)


@pytest.mark.parametrize("home", ["site-packages", "dist-packages", "lib"])
@pytest.mark.parametrize("module", ["a_package_of_mine", "profile_of_mine", "this"])
def test_values_in_modules_wherever_they_lie(home, module, clean, tmp_path, monkeypatch):
    folder = tmp_path / home
    folder.mkdir()
    named = [
        name
        for name in PLACES
        if name in ("global", "attribute", "class attribute", "dict", "closure", "module's attribute")
    ]
    monkeypatch.syspath_prepend(str(folder))
    monkeypatch.delitem(sys.modules, module, raising=False)
    for name in named:
        setup, read, change = PLACES[name]
        text = SOURCE.format(imports=IMPORTS, setup=setup, read=read, change=change)
        (folder / f"{module}.py").write_text(text)
        importlib.invalidate_caches()
        sys.modules.pop(module, None)
        loaded = importlib.import_module(module)
        assert str(tmp_path) in loaded.__file__
        compared(loaded.f, loaded.change, name)
        outer = tg.jit(lambda x, loaded=loaded: loaded.f.function(x))
        loaded.change()
        compared(outer, lambda: None, name)
    sys.modules.pop(module, None)


def test_what_cannot_be_looked_into_is_a_warning_once():
    """Objects of C that show neither attributes nor memory."""
    import sqlite3

    connection = sqlite3.connect(":memory:")
    f = tg.jit(lambda x: x * connection.total_changes)
    with pytest.warns(RuntimeWarning, match=r"connection \(a Connection\).*go unnoticed.*Pass"):
        f(np.ones(1, np.float32))
    f(np.ones(2, np.float32))

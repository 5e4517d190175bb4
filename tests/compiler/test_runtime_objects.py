"""Compiling, keeping and loading machine code."""

import ctypes
import errno
import gc
import os
import threading

import numpy as np
import pytest

pytest.importorskip("llvmlite")

from tests.faults import failing_in_turn
from tinygrad_cv.compiler.runtime import disk_cache, objects
from tinygrad_cv.compiler.runtime.objects import assembly, compile_module, compile_modules, load
from tinygrad_cv.compiler.runtime.target import CPUS, host, named

pytestmark = pytest.mark.any_python


def scale(name="scale", factor=2.0):
    """y[i] = factor x[i] for n floats"""
    return f"""
        define void @{name}(ptr noalias %x, ptr noalias %y, i64 %n) {{
        entry:
          br label %loop
        loop:
          %i = phi i64 [0, %entry], [%next, %loop]
          %px = getelementptr float, ptr %x, i64 %i
          %py = getelementptr float, ptr %y, i64 %i
          %v = load float, ptr %px
          %w = fmul float %v, {factor:.1f}
          store float %w, ptr %py
          %next = add i64 %i, 1
          %more = icmp slt i64 %next, %n
          br i1 %more, label %loop, label %done
        done:
          ret void
        }}"""


def call(address, *arguments):
    values = [a.ctypes.data if isinstance(a, np.ndarray) else a for a in arguments]
    ctypes.CFUNCTYPE(None, *[ctypes.c_int64] * len(values))(address)(*values)


@pytest.fixture(autouse=True)
def folder(monkeypatch, tmp_path):
    """a cache of its own for each test"""
    monkeypatch.setenv("TGCV_CACHE_DIR", str(tmp_path / "cache"))
    return tmp_path / "cache"


def entries(folder):
    return list(folder.glob("??/*"))


@pytest.fixture
def emitted(monkeypatch):
    """the texts that LLVM was really asked to compile"""
    texts = []
    emit = objects._emit
    monkeypatch.setattr(objects, "_emit", lambda text, *rest, **more: texts.append(text) or emit(text, *rest, **more))
    return texts


@pytest.mark.parametrize("level", range(4))
def test_compiled_code_computes(level):
    x, y = np.arange(37, dtype=np.float32), np.zeros(40, np.float32)
    library = load([compile_module(scale(), host(), level)], ["scale"])
    call(library["scale"], x, y, 37)
    np.testing.assert_array_equal(y, [*(2 * x), 0, 0, 0])


@pytest.mark.parametrize("cpu", [cpu for cpu in CPUS if named(cpu).runs_here])
def test_code_for_a_lesser_processor_runs_here(cpu):
    x, y = np.arange(5, dtype=np.float32), np.zeros(5, np.float32)
    library = load([compile_module(scale(), named(cpu))], ["scale"])
    call(library["scale"], x, y, 5)
    np.testing.assert_array_equal(y, 2 * x)


def test_many_modules_in_one_library():
    texts = [scale(f"scale{i}", float(i)) for i in range(20)]
    library = load(compile_modules(texts, host()), [f"scale{i}" for i in range(20)])
    x, y = np.ones(3, np.float32), np.zeros(3, np.float32)
    for i in range(20):
        call(library[f"scale{i}"], x, y, 3)
        assert y.tolist() == [i] * 3
    assert sorted(library) == sorted(f"scale{i}" for i in range(20))


def test_memory_functions_that_llvm_calls_are_found():
    text = """
        declare void @llvm.memset.p0.i64(ptr, i8, i64, i1)
        declare void @llvm.memcpy.p0.p0.i64(ptr, ptr, i64, i1)
        declare void @llvm.memmove.p0.p0.i64(ptr, ptr, i64, i1)
        define void @f(ptr %x, ptr %y, ptr %z, i64 %n) {
          call void @llvm.memset.p0.i64(ptr %x, i8 7, i64 %n, i1 false)
          call void @llvm.memcpy.p0.p0.i64(ptr %y, ptr %x, i64 %n, i1 false)
          call void @llvm.memmove.p0.p0.i64(ptr %z, ptr %y, i64 %n, i1 false)
          ret void
        }"""
    x, y, z = (np.zeros(5000, np.uint8) for _ in range(3))
    library = load([compile_module(text, host())], ["f"])
    call(library["f"], x, y, z, 4999)
    for array in x, y, z:
        assert array[:4999].min() == 7 and array[4999] == 0


def test_constants_of_a_module_are_found():
    """a vector constant lies in a section of its own, which has to be in reach of the code"""
    text = """
        define void @f(ptr %x) {
          store <4 x float> <float 1.0, float 2.0, float 3.0, float 4.0>, ptr %x
          ret void
        }"""
    x = np.zeros(8, np.float32)
    library = load([compile_module(text, host())], ["f"])
    call(library["f"], x)
    assert x.tolist() == [1, 2, 3, 4, 0, 0, 0, 0]


def test_a_second_time_the_code_comes_from_disk(emitted, folder):
    first = compile_module(scale(), host())
    assert compile_module(scale(), host()) == first
    assert len(emitted) == 1 and len(entries(folder)) == 1


def test_one_text_twice_in_a_list_is_compiled_once(emitted):
    one, two, three = compile_modules([scale(), scale(factor=3.0), scale()], host())
    assert one == three != two
    assert len(emitted) == 2


def test_other_text_target_or_level_is_another_entry(emitted, folder):
    compile_module(scale(), host())
    compile_module(scale(factor=3.0), host())
    compile_module(scale(), named("aarch64"))
    compile_module(scale(), host(), level=0)
    assert len(emitted) == len(entries(folder)) == 4


@pytest.mark.parametrize("damage", [lambda b: b"", lambda b: b[:40], lambda b: b[:-1] + b"?", lambda b: b"?" * 100])
def test_a_damaged_entry_is_compiled_again(damage, emitted, folder):
    whole = compile_module(scale(), host())
    (entry,) = entries(folder)
    entry.write_bytes(damage(entry.read_bytes()))
    assert compile_module(scale(), host()) == whole
    assert compile_module(scale(), host()) == whole
    assert len(emitted) == 2


def test_an_entry_that_cannot_be_read(emitted, folder):
    compile_module(scale(), host())
    (entry,) = entries(folder)
    entry.unlink()
    entry.mkdir()
    compile_module(scale(), host())
    assert len(emitted) == 2


def test_a_place_that_cannot_be_written_costs_only_time(emitted, monkeypatch, tmp_path):
    (tmp_path / "file").touch()
    monkeypatch.setenv("TGCV_CACHE_DIR", str(tmp_path / "file"))
    compile_module(scale(), host())
    compile_module(scale(), host())
    assert len(emitted) == 2


def test_where_objects_are_kept(monkeypatch, tmp_path):
    assert disk_cache.directory() == tmp_path / "cache"
    monkeypatch.delenv("TGCV_CACHE_DIR")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert disk_cache.directory() == tmp_path / "tinygrad_cv"
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert disk_cache.directory() == tmp_path / ".cache" / "tinygrad_cv"


def test_a_relative_place_for_caches_is_passed_over(monkeypatch, tmp_path):
    monkeypatch.delenv("TGCV_CACHE_DIR")
    monkeypatch.setenv("XDG_CACHE_HOME", "caches")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert disk_cache.directory() == tmp_path / ".cache" / "tinygrad_cv"


def test_without_a_home_nothing_is_kept(emitted, monkeypatch):
    monkeypatch.delenv("TGCV_CACHE_DIR")
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)

    def nobody():
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.setattr(disk_cache.Path, "home", nobody)
    assert disk_cache.directory() is None
    compile_module(scale(), host())
    compile_module(scale(), host())
    assert len(emitted) == 2


posix = pytest.mark.skipif(not hasattr(os, "geteuid"), reason="owners and modes as POSIX has them")


@posix
@pytest.mark.parametrize("bits", [0o002, 0o020, 0o022, 0o007, 0o1777])
@pytest.mark.parametrize("place", ["directory", "folder", "entry"])
def test_what_others_may_write_is_neither_read_nor_written(place, bits, emitted, folder):
    compile_module(scale(), host())
    (entry,) = entries(folder)
    path = {"directory": folder, "folder": entry.parent, "entry": entry}[place]
    mode = path.stat().st_mode & 0o777
    path.chmod(mode | bits)
    before = entry.stat().st_ino
    compile_module(scale(), host())
    assert len(emitted) == 2
    if place == "entry":  # written anew, for this user alone
        assert entry.stat().st_mode & 0o777 == 0o600
    else:
        assert entry.stat().st_ino == before
        path.chmod(mode)
    compile_module(scale(), host())
    assert len(emitted) == 2


@posix
@pytest.mark.parametrize("place", ["directory", "folder", "entry"])
def test_what_belongs_to_another_is_not_read(place, emitted, folder, monkeypatch):
    compile_module(scale(), host())
    (entry,) = entries(folder)
    inode = {"directory": folder, "folder": entry.parent, "entry": entry}[place].stat().st_ino
    foreign = lambda s: os.stat_result((*s[:4], os.geteuid() + 1, *s[5:])) if s.st_ino == inode else s  # noqa: E731
    stat, fstat = os.stat, os.fstat
    monkeypatch.setattr(os, "stat", lambda *a, **k: foreign(stat(*a, **k)))
    monkeypatch.setattr(os, "fstat", lambda *a: foreign(fstat(*a)))
    compile_module(scale(), host())
    assert len(emitted) == 2


@posix
def test_entries_are_for_this_user_alone_whatever_the_umask(emitted, folder):
    before = os.umask(0)
    try:
        compile_module(scale(), host())
    finally:
        os.umask(before)
    (entry,) = entries(folder)
    assert [path.stat().st_mode & 0o777 for path in (folder, entry.parent, entry)] == [0o700, 0o700, 0o600]
    compile_module(scale(), host())
    assert len(emitted) == 1


@posix
@pytest.mark.parametrize("make", [os.mkfifo, os.mkdir, lambda path: os.symlink("/dev/zero", path)])
def test_what_is_no_file_neither_hangs_nor_is_read(make, emitted, folder):
    compile_module(scale(), host())
    (entry,) = entries(folder)
    copy = entry.with_name("copy")
    entry.rename(copy)
    make(entry)
    compile_module(scale(), host())
    assert len(emitted) == 2
    if entry.is_dir():
        entry.rmdir()
    else:
        entry.unlink()
    entry.symlink_to(copy.name)
    compile_module(scale(), host())
    assert len(emitted) == 3


def test_an_entry_under_another_name_is_not_taken(emitted, folder):
    compile_module(scale(), host())
    (entry,) = entries(folder)
    other = disk_cache.entry_path(objects._key(scale(factor=3.0), host(), objects.LEVEL))
    other.parent.mkdir(mode=0o700, exist_ok=True)
    entry.rename(other)
    assert disk_cache.read_entry(other.name) is None and disk_cache.read_entry(entry.name) is None


def test_where_the_system_knows_no_owners(emitted, folder, monkeypatch):
    for name in ("geteuid", "getuid"):
        monkeypatch.delattr(os, name, raising=False)
    compile_module(scale(), host())
    compile_module(scale(), host())
    assert len(emitted) == 1


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EIO, errno.EROFS])
def test_a_disk_that_fails_anywhere_costs_only_time(number, folder, monkeypatch):
    """each file operation fails in turn: the code is right, and nothing is left behind but whole entries"""
    operations = set()

    def action():
        disk_cache.write_entries({"a" * 64: b"code"})
        disk_cache.read_entry("a" * 64)

    for operation, error in failing_in_turn(monkeypatch, action, number):
        assert error is None
        operations.add(operation)
        names = [entry.name for entry in entries(folder)]
        assert names in ([], ["a" * 64]), operation
        assert disk_cache.read_entry("a" * 64) in (None, b"code")
        for entry in entries(folder):
            entry.unlink()
    assert operations >= {"open", "write", "flush", "replace"}
    assert disk_cache.read_entry("a" * 64) == b"code"


def neighbours():
    """texts whose entries are kept in one folder"""
    texts = [scale(factor=float(i)) for i in range(2000)]
    keys = [objects._key(text, host(), objects.LEVEL) for text in texts]
    return [(text, key) for text, key in zip(texts, keys, strict=True) if key[:2] == keys[0][:2]]


def test_the_entry_unused_for_longest_goes_first(emitted, folder, monkeypatch):
    (one, two, three, four), keys = zip(*neighbours()[:4], strict=True)
    compile_modules([one, two, three], host())
    size = max(entry.stat().st_size for entry in entries(folder))
    for i, key in enumerate(keys[:3]):
        os.utime(disk_cache.entry_path(key), (i, i))
    (folder / "not-ours.txt").write_text("x" * 100)
    (folder / keys[0][:2] / "not-ours.txt").write_text("x" * 10000)
    compile_module(one, host())  # used again
    monkeypatch.setattr(disk_cache, "FOLDER_BYTES", 3 * size)
    compile_module(four, host())
    compile_modules([one, three, four], host())
    assert len(emitted) == 4
    compile_module(two, host())
    assert len(emitted) == 5
    assert len(list(folder.rglob("not-ours.txt"))) == 2


def test_an_entry_larger_than_all_may_be_is_kept(emitted, monkeypatch):
    monkeypatch.setattr(disk_cache, "FOLDER_BYTES", 10)
    compile_module(scale(), host())
    compile_module(scale(), host())
    assert len(emitted) == 1


def test_a_full_cache_is_as_fast_as_an_empty_one(folder, monkeypatch):
    """Only one of its folders is looked at when an entry is written."""
    looked = []
    bound = disk_cache._bound
    monkeypatch.setattr(disk_cache, "_bound", lambda place, limit: looked.append(place) or bound(place, limit))
    compile_module(scale(), host())
    assert looked == [entries(folder)[0].parent] != [folder]


def test_several_python_threads_compile_at_once():
    codes = {}

    def work(i):
        codes[i] = compile_modules([scale(f"f{j}", float(i)) for j in range(10)], host())

    threads = [threading.Thread(target=work, args=(i,)) for i in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    x, y = np.ones(1, np.float32), np.zeros(1, np.float32)
    for i in range(4):
        library = load(codes[i], ["f9"])
        call(library["f9"], x, y, 1)
        assert y.tolist() == [i]


def test_llvmlite_with_its_lock_does_it_as_well(monkeypatch):
    monkeypatch.setattr(objects, "_unlocked", lambda name: getattr(objects.ffi.lib, name))
    assert "scale" in assembly(scale(), host())


def test_assembly_for_64_bit_arm():
    text = assembly(scale(), named("aarch64"))
    assert "fadd\ts" in text or "fmul\ts" in text
    assert "scale:" in text


def test_scalar_loops_are_vectorized_at_level_3_alone():
    target = named("haswell")
    assert "%ymm" in assembly(scale(factor=3.0), target, 3)
    for level in range(3):
        assert "%ymm" not in assembly(scale(factor=3.0), target, level)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("define void @f() { rett void }", "expected instruction"),
        ("define void @f() { entry: br label %entry }", "Entry block"),
    ],
)
def test_malformed_ir_is_refused(text, words, folder):
    with pytest.raises(RuntimeError, match=words):
        compile_module(text, host())
    with pytest.raises(RuntimeError, match=words):
        compile_modules([scale(), text], host())
    assert not folder.exists() or not list(folder.iterdir())


def test_a_function_that_nobody_defines():
    with pytest.raises(RuntimeError, match=r"none of the objects defines missing\."):
        load([compile_module(scale(), host())], ["scale", "missing"])


@pytest.mark.parametrize("make", [lambda: load([compile_module(scale(), host())], ["scale"]), lambda: malformed()])
def test_cycles_of_references_are_collected_safely(make):
    """the collector finalizes the objects of a cycle in any order, LLVM's owners must outlive what they own"""
    for _ in range(3):
        cycle = [make()]
        cycle.append(cycle)
        del cycle
        gc.collect()


def malformed():
    try:
        compile_module("define void @f() { entry: br label %entry }", host())
    except RuntimeError as error:
        return error


def test_a_freed_library_leaves_others_alone():
    code = compile_module(scale(), host())
    kept = load([code], ["scale"])
    for _ in range(20):
        load([code], ["scale"])
    x, y = np.ones(1, np.float32), np.zeros(1, np.float32)
    call(kept["scale"], x, y, 1)
    assert y.tolist() == [2]

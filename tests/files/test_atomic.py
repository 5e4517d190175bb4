"""A file is whole or as it was, whatever fails."""

import ast
import os
import signal
import stat
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from tests.faults import failing_in_turn
from tinygrad_cv import files

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("kind", [OSError, KeyboardInterrupt])
@pytest.mark.parametrize("before", [None, b"what was there"])
def test_each_operation_that_fails_leaves_the_file_as_it_was(before, kind, tmp_path, monkeypatch):
    path = tmp_path / "file"
    if before is not None:
        path.write_bytes(before)
    operations = set()
    for operation, error in failing_in_turn(monkeypatch, lambda: files.write_bytes(path, b"new" * 99), kind=kind):
        operations.add(operation)
        found = path.read_bytes() if path.exists() else None
        if error is None:  # what may fail without harm: keeping the mode, syncing the folder, clearing up
            assert found == b"new" * 99
        else:
            assert found in ((before,) if operation != "fsync" else (before, b"new" * 99))
            assert kind is KeyboardInterrupt or operation in ("stat", "mkdir") or error.filename == str(path)
        assert len(os.listdir(tmp_path)) == (found is not None), operation
        path.unlink(missing_ok=True)
        if before is not None:
            path.write_bytes(before)
    assert operations >= {"open", "write", "flush", "fsync", "replace"}
    assert path.read_bytes() == b"new" * 99


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such limit")
def test_a_disk_that_is_really_full(tmp_path):
    """the system's own limit of a file's size fails a write halfway, as a full disk does"""
    path = tmp_path / "file"
    path.write_bytes(b"before")
    code = (
        "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (5000, 5000))\n"
        f"from tinygrad_cv.files import write_bytes\nwrite_bytes({str(path)!r}, b'x' * 100000)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=False)
    assert "File too large" in done.stderr and repr(str(path)) in done.stderr.splitlines()[-1]
    assert path.read_bytes() == b"before" and os.listdir(tmp_path) == ["file"]


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="no kill without a last word")
def test_a_writer_that_is_killed_leaves_a_whole_file(tmp_path):
    path = tmp_path / "file"
    code = (
        "import itertools, sys\nfrom tinygrad_cv.files import write_bytes\n"
        f"for i in itertools.count(): write_bytes({str(path)!r}, bytes([i % 256]) * 100000); print(i, flush=True)"
    )
    process = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, cwd=ROOT)
    with process:
        process.stdout.readline()
        for _ in range(100):
            data = path.read_bytes()
            assert len(data) == 100000 and len(set(data)) == 1
        process.kill()
    data = path.read_bytes()
    assert len(data) == 100000 and len(set(data)) == 1


def test_what_a_killed_writer_left_goes_with_the_next(tmp_path):
    old, young, other = (tmp_path / name for name in (".tinygrad_cv-0.partial", ".tinygrad_cv-1.partial", "x.partial"))
    for path in (old, young, other):
        path.touch()
        os.utime(path, (0, 0) if path != young else None)
    files.write_text(tmp_path / "file", "text")
    assert not old.exists() and young.exists() and other.exists()


@pytest.mark.skipif(os.name != "posix", reason="permissions and links as POSIX has them")
def test_permissions_links_and_pipes_are_what_they_are_for_open(tmp_path):
    path, link = tmp_path / "file", tmp_path / "link"
    before = os.umask(0o027)
    try:
        files.write_text(path, "first")
    finally:
        os.umask(before)
    assert stat.S_IMODE(path.stat().st_mode) == 0o640
    path.chmod(0o604)
    link.symlink_to(path.name)
    files.write_text(link, "second")
    assert link.is_symlink() and path.read_text() == "second" and stat.S_IMODE(path.stat().st_mode) == 0o604
    os.mkfifo(tmp_path / "pipe")
    got = []
    reader = threading.Thread(target=lambda: got.append((tmp_path / "pipe").read_text()))
    reader.start()
    files.write_text(tmp_path / "pipe", "third")
    reader.join(10)
    assert got == ["third"] and stat.S_ISFIFO((tmp_path / "pipe").stat().st_mode)


def test_a_name_of_any_length_and_a_folder_that_is_not_there(tmp_path):
    files.write_text(tmp_path / ("n" * 255), "text")
    with pytest.raises(FileNotFoundError) as caught:
        files.write_text(tmp_path / "no" / "file", "text")
    assert caught.value.filename == str(tmp_path / "no" / "file")
    with pytest.raises(IsADirectoryError):
        files.write_text(tmp_path, "text")


def test_two_writers_of_one_file(tmp_path):
    path = tmp_path / "file"

    def write(letter):
        for _ in range(50):
            files.write_bytes(path, letter * 5000, sync=False)

    writers = [threading.Thread(target=write, args=(letter,)) for letter in (b"a", b"b", b"c")]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    assert path.read_bytes() in (b"a" * 5000, b"b" * 5000, b"c" * 5000) and os.listdir(tmp_path) == ["file"]


WRITERS = ("write_text", "write_bytes", "savefig", "save_file", "savez", "mkstemp")


def _writes(tree):
    """Calls that write a file by its name."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute | ast.Name):
            name = node.func.attr if isinstance(node.func, ast.Attribute) else node.func.id
            values = [a.value for a in [*node.args, *(k.value for k in node.keywords)] if isinstance(a, ast.Constant)]
            writing = name == "open" and any(isinstance(v, str) and len(v) < 4 and set(v) & set("wxa") for v in values)
            ours = isinstance(node.func, ast.Name) and name.startswith("write_")
            if writing or (name in WRITERS and not ours):
                yield node.lineno, name


# files of a temporary folder, read by the process that waits for them; a site, made anew; what stands alone
EXCEPT = {"benchmarks/compare.py", "benchmarks/workers/pictures.py", "benchmarks/workers/protocol.py"}
EXCEPT |= {"benchmarks/export.py", "benchmarks/links.py"}
EXCEPT |= {"docs/__main__.py", "docs/panels/images.py"}
EXCEPT |= {"tinygrad_cv/viz/page/vendor/fetch.py"}
EXCEPT |= {"tinygrad_cv/files/npz.py"}  # members of an archive that is written so itself


@pytest.mark.parametrize("folder", ["tinygrad_cv", "benchmarks", "docs"])
def test_every_writer_of_the_project_writes_so(folder):
    found = {
        (path.relative_to(ROOT).as_posix(), *call)
        for path in (ROOT / folder).rglob("*.py")
        for call in _writes(ast.parse(path.read_text(encoding="utf-8")))
    }
    assert [call for call in sorted(found) if call[0] not in {*EXCEPT, "tinygrad_cv/files/atomic.py"}] == []

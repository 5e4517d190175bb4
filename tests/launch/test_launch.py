"""``launch``: what is started, what each rank sees, and how all end, under a launcher that needs no MPI."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from importlib.util import find_spec
from pathlib import Path

import pytest

from tests.launch import fake_mpiexec
from tinygrad_cv.__main__ import main
from tinygrad_cv.launch import mpiexec, supervise, watch

FAKE = f"{sys.executable} {fake_mpiexec.__file__}"


@pytest.fixture
def fake(tmp_path, monkeypatch):
    """The path of a launcher that needs no MPI."""
    path = tmp_path / "bin" / "mpiexec"
    path.parent.mkdir()
    path.write_text(f'#!/bin/sh\nexec {FAKE} "$@"\n')
    path.chmod(0o755)
    return path


@pytest.fixture
def launched(fake, tmp_path, capfd):
    """(exit code, output, error output) of a script in two ranks."""

    def launch(script, *words):
        path = tmp_path / "script.py"
        path.write_text(script)
        code = supervise.run(mpiexec.find(str(fake)), 2, [], [str(path), *words])
        return code, *capfd.readouterr()

    return launch


def left(pids):
    """Those that still run, a while after they were killed."""
    for _ in range(100):
        if not any(map(alive, pids)):
            return []
        time.sleep(0.05)
    return list(filter(alive, pids))


def alive(pid):
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"


def test_each_rank_runs_the_script_with_its_share_of_the_cores(launched, tmp_path, monkeypatch):
    script = (
        "import json, os, sys\n"
        "cores = sorted(os.sched_getaffinity(0)) if hasattr(os, 'sched_getaffinity') else []\n"
        "rank, threads = os.environ['PMI_RANK'], os.environ['OPENBLAS_NUM_THREADS']\n"
        "seen = [rank, __name__, sys.argv[1:], cores, threads, sys.path[0]]\n"
        "open(sys.argv[1] + rank, 'w').write(json.dumps(seen))\n"
        "print('out'); print('error', file=sys.stderr)\n"
    )
    for name in watch.THREADS:
        monkeypatch.delenv(name, raising=False)
    assert launched(script, str(tmp_path / "seen"), "--flag", "-n") == (0, "out\nout\n", "error\nerror\n")
    seen = [json.loads((tmp_path / f"seen{rank}").read_text()) for rank in range(2)]
    for rank, (number, name, words, _, threads, path) in enumerate(seen):
        assert (number, name, words[1:]) == (str(rank), "__main__", ["--flag", "-n"])
        assert Path(path) == tmp_path
        assert int(threads) == max(1, len(os.sched_getaffinity(0)) // 2)
    if len(os.sched_getaffinity(0)) > 1:
        assert sorted(seen[0][3] + seen[1][3]) == sorted(os.sched_getaffinity(0))


@pytest.mark.parametrize(
    ("end", "code", "cause"),
    [
        ("raise ValueError('a bad batch')", 1, r"ValueError: a bad batch"),
        ("print('error: no such file', file=sys.stderr); sys.exit(2)", 2, "error: no such file"),
        ("os.kill(os.getpid(), signal.SIGSEGV)", 139, "killed by SIGSEGV"),
        ("sys.stderr.write('30%\\r50% '); sys.stderr.flush(); os._exit(3)", 3, "50%"),
    ],
)
def test_one_rank_fails_and_all_end(launched, end, code, cause):
    script = (
        "import os, signal, subprocess, sys, time\n"
        "child = subprocess.Popen(['sleep', '60'])\n"  # as a loader's worker
        "print(os.getpid(), os.getppid(), child.pid, flush=True)\n"
        f"if os.environ['PMI_RANK'] == '1': {end}\n"
        "time.sleep(60)\n"
    )
    found, out, error = launched(script)
    assert found == code
    assert re.fullmatch(rf"launch: rank 1 on \S+ failed: {cause}", error.splitlines()[-1]), error
    assert "runpy" not in error
    pids = [int(number) for number in out.split()]
    assert len(pids) >= 3 and not left(pids)


def test_what_a_rank_sees_of_anothers_end_is_no_cause(launched):
    script = (
        "import os, sys, time\n"
        "if os.environ['PMI_RANK'] == '0': sys.exit('mpi4py.MPI.Exception: the other has closed the connection')\n"
        "time.sleep(0.1); sys.exit('no space left')\n"
    )
    assert launched(script)[2].endswith("failed: no space left\n")


def test_ranks_that_do_not_begin_are_told(launched, monkeypatch):
    """Nobody is there yet to tell that a process is stopped."""
    monkeypatch.setattr(supervise, "HERE_BEGUN", 0.5)
    monkeypatch.setenv("FAKE_STOPPED", "yes")
    code, _, error = launched("")
    assert code == 1 and "rank 0 on its host failed: it has not begun" in error.splitlines()[-1]


def test_ranks_do_not_outlive_their_launcher(launched):
    script = (
        "import os, signal, sys, time\n"
        "print(os.getpid(), os.getppid(), flush=True)\n"
        "agent = int(open(f'/proc/{os.getppid()}/stat').read().rpartition(')')[2].split()[1])\n"
        "if os.environ['PMI_RANK'] == '1': time.sleep(0.3); os.kill(agent, signal.SIGKILL)\n"
        "time.sleep(60)\n"
    )
    code, out, error = launched(script)
    assert code == 137 and "was killed by SIGKILL; ranks that ran: 0, 1\n" in error
    pids = [int(number) for number in out.split()]
    assert len(pids) == 4 and not left(pids)


def test_a_signal_ends_ranks_in_their_own_way(launched):
    script = (
        "import os, signal, sys, time\n"
        "def end(number, frame):\n"
        "    time.sleep(0.6 * int(os.environ['PMI_RANK'])); print('saved', flush=True); sys.exit(130)\n"
        "signal.signal(signal.SIGINT, end)\n"
        "if os.environ['PMI_RANK'] == '0': time.sleep(0.4); os.kill(int(sys.argv[1]), signal.SIGINT)\n"
        "time.sleep(60)\n"
    )
    code, out, error = launched(script, str(os.getpid()))
    assert code == 128 + signal.SIGINT
    assert out == "saved\nsaved\n" and error.endswith("launch: interrupted\n"), error


@pytest.mark.parametrize(
    ("version", "name", "expected"),
    [
        ("HYDRA build details:", "MPICH", ["-n", "3", "-hosts", "a,b:2", "x"]),
        ("mpirun (Open MPI) 5.0.7", "Open MPI", ["-n", "3", "--host", "a,b:2", "x"]),
        ("slurm 24.05.1", "SLURM", ["-n", "3", "-w", "a,b:2", "x"]),
        ("Intel(R) MPI Library for Linux* OS, Version 2021.13", "Intel MPI", ["-n", "3", "-hosts", "a,b:2", "x"]),
    ],
)
def test_launchers_are_asked_in_their_own_words(fake, monkeypatch, version, name, expected):
    monkeypatch.setenv("FAKE_VERSION", version)
    found = mpiexec.find(f"{fake} --tag 'a b'")
    assert found.kind.name == name
    assert found.command(3, ["a", "b:2"], ["x"]) == [str(fake), "--tag", "a b", *expected]


def test_ranks_of_one_host_listen_on_no_network(fake, monkeypatch):
    for name in (*mpiexec.DEVICES, *mpiexec.ELSEWHERE):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(sys, "platform", "linux")
    launcher = mpiexec.find(str(fake))
    assert launcher.environment([]) == {"UCX_NET_DEVICES": "lo", "FI_TCP_IFACE": "lo"}
    assert launcher.environment(["a", "b"]) == mpiexec.find(f"{fake} -f hosts").environment([]) == {}
    monkeypatch.setenv("UCX_NET_DEVICES", "eth1")
    assert launcher.environment([]) == {"FI_TCP_IFACE": "lo"}
    monkeypatch.setenv("SLURM_JOB_ID", "7")
    assert launcher.environment([]) == {}


def test_the_launcher_of_this_python_comes_before_those_of_the_path(fake, monkeypatch):
    monkeypatch.setattr(sys, "executable", str(fake.parent / "python"))
    monkeypatch.setenv("PATH", os.defpath)
    assert mpiexec.find().words == (str(fake),)


@pytest.mark.parametrize(
    ("words", "parts"),
    [
        (["-n", "2"], ["COMMAND", "train or resume"]),
        (["trian"], ["COMMAND='trian'", "train"]),
        (["--", "train"], ["COMMAND='train'", "script"]),
        (["--", "-m", "no_such_module"], ["MODULE='no_such_module'"]),
        (["-n", "0", "train"], ["--ranks", "above 0"]),
        (["-n", str(10**30), "train"], ["ranks=1000000", "at most 65536"]),
        (["--hosts", "a,,b", "train"], ["hosts='a,,b'", "node1:2"]),
        (["--hosts", "a:0", "train"], ["hosts='a:0'", "node1:2"]),
        (["--hosts=-x", "train"], ["hosts='-x'", "node1:2"]),
        (["--mpiexec", "no-such-program", "train"], ["mpiexec='no-such-program'", "pip install '.[mpi]'"]),
        (["--mpiexec", "", "train"], ["mpiexec=''", "pip install '.[mpi]'"]),
        (["--mpiexec", "echo", "train"], ["echo", "MPICH, Intel MPI, Open MPI"]),
    ],
)
def test_errors_of_usage_are_one_line(capsys, words, parts):
    if "--mpiexec" in words:
        pytest.importorskip("mpi4py")
    with pytest.raises(SystemExit) as error:
        main(["launch", *words])
    assert error.value.code == 2
    line = capsys.readouterr().err.splitlines()[-1]
    assert all(part in line for part in parts), line


def test_without_mpi4py_the_remedy_is_told(capsys, monkeypatch):
    from tinygrad_cv.commands import launch

    monkeypatch.setattr(launch.importlib.util, "find_spec", lambda name: None if name == "mpi4py" else find_spec(name))
    with pytest.raises(SystemExit):
        main(["launch", "train"])
    error = capsys.readouterr().err
    assert error.startswith("error: launch: mpi4py is not installed") and "pip install '.[mpi]'" in error


@pytest.mark.parametrize(
    ("given", "slurm", "ranks", "hosts"),
    [
        ([], {}, 2, []),
        (["-n", "5"], {"SLURM_NTASKS": "8"}, 5, []),
        ([], {"SLURM_NTASKS": "8"}, 8, []),
        (["--hosts", "a:4,b"], {"SLURM_NTASKS": "8"}, 5, ["a:4", "b"]),
    ],
)
def test_how_many_ranks_and_where(fake, monkeypatch, given, slurm, ranks, hosts):
    pytest.importorskip("mpi4py")
    from tinygrad_cv.commands import launch

    started = []
    monkeypatch.setattr(launch, "run_ranks", lambda *found: started.append(found) or 0)
    monkeypatch.delenv("SLURM_NTASKS", raising=False)
    for name, value in slurm.items():
        monkeypatch.setenv(name, value)
    assert main(["launch", *given, "--mpiexec", str(fake), "train", "--config", "run.toml", "-n"]) == 0
    ((_, *found),) = started
    assert found == [ranks, hosts, ["-m", "tinygrad_cv", "train", "--config", "run.toml", "-n"]]


def test_the_program_of_a_rank_is_watched():
    program = supervise.program(["script.py"], 4)
    assert program[0] == program[5] == sys.executable and json.loads(program[4])["ranks"] == 4
    assert [Path(program[place]).name for place in (3, 6)] == ["watch.py", "rank.py"]


@pytest.mark.parametrize(
    ("waits", "expected"),
    [
        ({0: 31.0, 1: 44.0}, "each of 2 ranks waits for rank 2 on here, for 44 seconds"),
        ({2: 31.0}, "one rank waits for rank 0 on here and rank 1 on here, for 31 seconds"),
        ({0: 40.0, 1: 40.0, 2: 40.0}, "each of 3 ranks waits for every other"),
        ({0: 29.0, 1: 29.0}, ""),
        ({}, ""),
    ],
)
def test_ranks_for_which_the_others_wait_are_named_once(capsys, waits, expected):
    process = subprocess.Popen([sys.executable, "-c", ""], stderr=subprocess.PIPE)
    run = supervise._Run(mpiexec.Launcher(mpiexec.KINDS[0], ("mpiexec",)), process, 3, 60.0)
    for number in range(3):
        run._note({"rank": number, "host": "here", "pid": 0, "parent": 0})
    for number, seconds in waits.items():
        run._note({"rank": number, "waits": seconds})
    run._count(), run._count()
    process.wait()
    process.stderr.close()
    run._selector.close()
    error = capsys.readouterr().err
    assert error.startswith(f"launch: {expected}") and error.count("\n") == 1 if expected else not error
    assert not run.causes

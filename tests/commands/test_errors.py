"""However a command is used wrongly: one line that says what to do, exit code 2, no traceback, and nothing written."""

import os

import pytest

from tinygrad_cv.__main__ import COMMANDS, main

FUNCTIONS = """
import numpy as np
def double(x): return x * 2
def nothing(): return 1
def two(x, y): return x * y
def raises(x): raise KeyError("oh\\nno")
def quits(x): raise RuntimeError("own\\nerror")
def text(x): return "text"
class Needs:
    def __init__(self, size): pass
class Raises:
    def __init__(self): raise ValueError("in the constructor")
"""


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    (tmp_path / "subject.py").write_text(FUNCTIONS)
    (tmp_path / "broken.py").write_text("1 +")
    (tmp_path / "failing.py").write_text("raise OSError('at import')")
    (tmp_path / "leaving.py").write_text("import sys; sys.exit(3)")
    (tmp_path / "odd.toml").write_text("epochz = 3")
    (tmp_path / "FILE").touch()
    yield tmp_path
    for name in ("subject", "broken", "failing", "leaving"):
        monkeypatch.delitem(__import__("sys").modules, name, raising=False)


GRADCHECK = [
    ("subject:nothing", "cannot be called with 1 inputs"),
    ("subject:two", "missing a required argument: 'y'"),
    ("subject:raises", "KeyError: 'oh\\nno' ("),
    ("subject:quits", "RuntimeError: own error ("),
    ("subject:text", "gradcheck"),
    ("subject:Needs", "size"),
    ("subject:Raises", "in the constructor"),
    ("subject:absent", "has no 'absent'"),
    ("broken:f", "SyntaxError"),
    ("failing:f", "at import"),
    ("leaving:f", "ends the program"),
    ("subject", "package.module:function"),
]
NO = os.path.join("no", "folder", "x.svg")
WRONG = [
    *((["gradcheck", target, "--inputs", "3"], words) for target, words in GRADCHECK),
    (["gradcheck", "subject:double", "--inputs", "3", "--plot", NO], NO),
    (["gradcheck", "subject:double", "--inputs", "3", "--draw", "x.gif"], "must end in"),
    (["gradcheck", "subject:double", "--inputs", "3", "--seed", "-1"], "--seed"),
    (["gradcheck", "subject:double", "--inputs", "3", "--order", "0"], "--order"),
    (["graph", "--model", "lenet5", "--out", NO], "there is no folder"),
    (["graph", "--model", "lenet5", "--out", "net.gif"], "must end in"),
    (["graph", "--model", "lenet5", "--out", os.path.join("FILE", "x.dot")], "there is no folder"),
    (["graph", "--model", "lenet5", "--out", "x.dot", "--batch-size", "0"], "--batch-size"),
    (["graph", "--model", "lenet5", "--out", "x.dot", "--depth", "-1"], "--depth"),
    (["graph", "--model", "lenet5", "--out", "x.dot", "--seed", "x"], "--seed"),
    (
        ["summary", "--model", "resnet18", "--input", "4", "32", "32"],
        "resnet18 does not take images of",
    ),
    (["summary", "--model", "lenet5", "--input", "1", "0", "28"], "--input"),
    (["models", "--task", "detection"], "--task"),
    (["train", "--out", "FILE"], "--out: FILE"),
    (["train", "--out", os.path.join("FILE", "run")], "Give a folder"),
    (["train", "--data", "FILE"], "there is no folder"),
    (["train", "--data", "."], "add the missing one"),
    (["train", "--classes", "3"], "--classes is for --data"),
    (["train", "--lr", "nan"], "--lr"),
    (["train", "--lr", "inf"], "--lr"),
    (["train", "--epochs", "1.5"], "--epochs"),
    (["train", "--config", "FILE2"], "FILE2 cannot be read (No such file or directory)"),
    (["train", "--config", "broken.py"], "broken.py is not TOML"),
    (["train", "--config", "odd.toml"], "odd.toml has 'epochz', which is no option; there is epochs"),
    (["resume", "FILE"], "there is no file"),
    (["evaluate", "FILE"], "models.load"),
    (["evaluate", "no/run"], "models.load"),
    (["train", "--seed", "-1"], "--seed"),
    (["train", "--augment", "swirl"], "--augment"),
    (["train", "--optimizer", "sdg"], "--optimizer"),
    (["train", "--label-smoothing", "1"], "--label-smoothing: 1 must be at least 0, and below 1"),
    (["train", "--weight-decay", "-1"], "--weight-decay: -1 must be at least 0"),
    (["train", "--mixup", "1", "--cutmix", "1"], "--mixup and --cutmix both mix the images of a batch"),
    (["train", "--image-size", "8"], "--image-size is for image files; the images of the package have one size"),
    (["train", "--init", "no.pt"], "--init: [Errno 2] No such file or directory: 'no.pt'"),
    (["train", "--init", "FILE"], "--init: load: FILE: it is empty"),
    (["train", "--init", "broken.py"], "--init: load: broken.py: it is of no known format"),
    (["train", "--norm", "none", "--model", "lenet5"], "--norm is for --model convnet"),
    (["predict", "no/run", "x.png"], "there is no file no"),
    (["predict", "FILE", "x.png"], "models.load: FILE"),
    ([], "COMMAND"),
    (["fly"], "invalid choice"),
]


@pytest.mark.parametrize(
    ("arguments", "words"), WRONG, ids=lambda value: " ".join(value) if type(value) is list else ""
)
def test_what_is_wrong_is_told_in_one_line(arguments, words, here, capsys):
    before = {path: path.stat().st_mtime_ns for path in here.rglob("*") if path.is_file()}
    try:
        code = main(arguments)
    except SystemExit as stopped:
        code = stopped.code
    err = capsys.readouterr().err.strip()
    assert code == 2 and "Traceback" not in err
    assert "error: " in err.splitlines()[-1] and words in err.splitlines()[-1]
    after = {path: path.stat().st_mtime_ns for path in here.rglob("*") if path.is_file() and path.suffix != ".pyc"}
    assert after == before


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_that_cannot_be_written(here, capsys):
    here.chmod(0o500)
    for arguments in (["train", "--out", "run"], ["graph", "--model", "lenet5", "--out", "x.dot"]):
        try:
            assert main(arguments) == 2
        except SystemExit as stopped:
            assert stopped.code == 2
        assert capsys.readouterr().err.startswith("error: ")


@pytest.mark.parametrize("command", COMMANDS)
def test_the_exit_codes_are_said_by_every_help(command, capsys):
    with pytest.raises(SystemExit) as stopped:
        main([command, "--help"])
    assert stopped.value.code == 0 and "1 the check failed; 2 wrong usage" in " ".join(capsys.readouterr().out.split())


def test_an_interrupt_and_a_closed_pipe_leave_no_traceback(monkeypatch, capsys):
    def run(error):
        def command(arguments):
            raise error

        monkeypatch.setattr(COMMANDS["graph"][0], "run", command)
        return main(["graph", "--model", "lenet5", "--out", "x.dot"])

    assert run(KeyboardInterrupt()) == 130 and capsys.readouterr().err == "interrupted\n"
    assert run(OSError(28, "No space left on device", "x.md")) == 2
    assert capsys.readouterr().err == "error: [Errno 28] No space left on device: 'x.md'\n"

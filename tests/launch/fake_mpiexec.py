"""A launcher that starts its ranks on this machine and leaves them alone: it ends when all have ended, as SLURM's may.

Run as a script, in the place of ``mpiexec``; it needs no MPI.
"""

import os
import signal
import subprocess
import sys

VERSION = "HYDRA build details, of a fake"


def main(words):
    if words == ["--version"]:
        print(os.environ.get("FAKE_VERSION", VERSION))
        return 0
    ranks, program = int(words[words.index("-n") + 1]), words[words.index("-n") + 2 :]
    if program[0] == "-hosts":
        program = program[2:]
    if "FAKE_STOPPED" in os.environ:
        os.kill(os.getpid(), signal.SIGSTOP)
    processes = []
    for rank in range(ranks):
        place = {"PMI_RANK": str(rank), "MPI_LOCALRANKID": str(rank), "MPI_LOCALNRANKS": str(ranks)}
        processes.append(subprocess.Popen(program, env={**os.environ, **place}))

    def hand_on(number, frame):
        for process in processes:
            os.killpg(process.pid, number)

    signal.signal(signal.SIGINT, hand_on)
    return max(process.wait() & 0xFF for process in processes)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

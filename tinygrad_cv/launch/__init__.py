"""Ranks: the processes of one training, started by MPI's launcher, watched, and ended together.

Names are imported from the modules: nothing here may cost the time of an import, since ``rank`` and ``watch`` run
before everything else.
"""

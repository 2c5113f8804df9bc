"""Who serves whom and when: candidates, problems, runs, releases, single assignments.

The use cases take an open database session, flush what they change and leave the commit to the
caller; `runs.execute_run` alone, which lasts, opens transactions of its own.
"""

"""The code of the stages travels with the job: packed by the master, installed on the worker."""

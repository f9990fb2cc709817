"""Grading a lab: every submission judged, every score kept, nbgrader's gradebook filled.

The work is split so that nothing is lost and nothing is done twice:

- `prepare` makes the course folder ready: gradebook, release, nbgrader's settings;
- `submissions` finds one notebook for each student, or says why there is none;
- `spread` judges them in worker processes, here or on a Dask cluster;
- `keep` takes each judgement to the `journal` first, which is on the disk before anything else
  happens with it, then makes the `paper` that formgrader and the feedback show, then fills the
  `gradebook`; only the grader's own process writes;
- `pages` holds back hidden tests and a student's HTML when nbgrader makes its pages;
- `run` puts them together, `report` makes the rows and the CSV.
"""

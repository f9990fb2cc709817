"""The instructor's side: release labs to students, and grade what comes back, through nbgrader.

A lab is a folder ``source/labN_<technique>/`` with three files, beside its questions in
``tinyml_course/course/labN_<technique>/``; the rest, tests included, finds it by itself:

- ``labN_<technique>.py``: the notebook with solutions, jupytext percent format. A cell's header
  names what is particular about it, such as ``nbgrader={"grade_id": "q1", "solution": true}``.
- ``hidden.py``: ``GROUPS``, a generator of hidden inputs for each question.
- ``alternatives.py``: ``ALTERNATIVES``, right answers that must not lose points.

Nothing is imported here: learners who only check themselves need no nbgrader.
"""

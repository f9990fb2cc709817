"""What stands in the place of a solution in the student's notebook."""

import re

from nbformat import NotebookNode
from nbgrader.preprocessors import ClearSolutions
from traitlets import Unicode

FUNCTION_STUB = (
    "# Write your answer here, then run this cell and the next one.\n"
    'raise NotImplementedError("{lab} {question}: {function} is not written yet")'
)
CELL_STUB = "# Write your answer here."
TEXT_STUB = "*Write your answer here.*"

_FUNCTION = re.compile(r"^def (\w+)", re.MULTILINE)


class QuestionStubs(ClearSolutions):  # type: ignore[misc]
    """nbgrader's preprocessor, with stubs that name the question.

    A function's stub raises, so that a first error is found at the stub and not far from it; a
    cell's stub is a comment, so that the notebook still runs to its end.
    """

    text_stub = Unicode(TEXT_STUB)

    def preprocess(
        self, nb: NotebookNode, resources: dict[str, object]
    ) -> tuple[NotebookNode, dict[str, object]]:
        """Note which lab it is, then clear every cell."""
        details = resources.get("nbgrader")
        assignment = details.get("assignment", "") if isinstance(details, dict) else ""
        self.lab = str(assignment).split("_")[0]
        result: tuple[NotebookNode, dict[str, object]] = super().preprocess(nb, resources)
        return result

    def preprocess_cell(
        self, cell: NotebookNode, resources: dict[str, object], cell_index: int
    ) -> tuple[NotebookNode, dict[str, object]]:
        """Clear one cell."""
        question = cell.metadata.get("nbgrader", {}).get("grade_id", "")
        functions = _FUNCTION.findall(cell.source)
        stub = CELL_STUB
        if functions:
            stub = FUNCTION_STUB.format(lab=self.lab, question=question, function=functions[-1])
        self.code_stub = {"python": stub}
        result: tuple[NotebookNode, dict[str, object]] = super().preprocess_cell(
            cell, resources, cell_index
        )
        return result

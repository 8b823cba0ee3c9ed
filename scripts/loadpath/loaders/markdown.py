"""Writes tables and error messages as Markdown."""
import re

# What PyTorch writes around the words that tell the fault.
AROUND = (
    (r"^(\w+\.)*\w*(Error|Exception): ", ""),
    (r"(?s)^Weights only load failed.*WeightsUnpickler error: ", ""),
    (r"(?s)^Weights only load failed.*\n\t(?=[^\n]*(Unsupported|allowed global))", ""),
    (r"(?s) This is an internal miniz error.*", ""),
    (r"(?s) In PyTorch 2\.6, we changed.*", ""),
    (r"^\S+ INTERNAL ASSERT FAILED at .*, please report a bug to PyTorch\. ", ""),
    (r"(unknown type) \S+", r"\1 …"),
)


def first_words(words, path, limit=100):
    """Returns the first line of an error message without the file's name and PyTorch's advice."""
    words = words.replace(f"{path}: ", "").replace(str(path), "FILE")
    for pattern, text in AROUND:
        words = re.sub(pattern, text, words)
    words = "".join(c if c.isprintable() else "\ufffd" for c in words.strip().split("\n")[0])
    return words if len(words) <= limit else words[:limit].rsplit(" ", 1)[0] + " …"


def code(text):
    """Returns the text as inline code, whatever quotes it contains."""
    fence = "``" if "`" in text else "`"
    pad = " " if text.startswith("`") or text.endswith("`") else ""
    return f"{fence}{pad}{text}{pad}{fence}"


def table(header, rows):
    """Returns the lines of a table with aligned columns."""
    rows = [header, *rows]
    widths = [max(len(row[i]) for row in rows) for i in range(len(header))]
    lines = ["| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths)) + " |" for row in rows]
    lines.insert(1, "|" + "|".join("-" * (width + 2) for width in widths) + "|")
    return lines

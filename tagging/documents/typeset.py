"""Run as a program of its own: JSON on standard input, a template's PDF on standard output. Knows nothing else."""

import json
import sys
from pathlib import Path

import typst

NO_LETTER = "could not be displayed with font"  # what typst says of a letter that none of its fonts has
PROBE = b"""
#set document(date: datetime(year: 2000, month: 1, day: 1))
#set text(font: "Libertinus Serif")
#for letter in sys.inputs.letters.clusters() [#text(letter) ]
"""


def main() -> None:
    """Compile the template named on the command line. It may read its own folder and fonts, and no network.

    The second argument is a folder with more fonts, or empty; fonts of the system are used too.
    """
    template, folder = Path(sys.argv[1]), sys.argv[2]
    data = sys.stdin.buffer.read().decode()
    fonts = typst.Fonts(include_system_fonts=True, include_embedded_fonts=True, font_paths=[folder] if folder else [])
    inputs = {"data": data}
    if lacks_letters(data, fonts):
        inputs["missing"] = "yes"
    made = typst.compile(template, root=template.parent, font_paths=fonts, format="pdf", sys_inputs=inputs)
    sys.stdout.buffer.write(made)


def lacks_letters(data: str, fonts: typst.Fonts) -> bool:
    """Whether a letter is in no font. PDF/A allows none such, so typst refuses to make one of these letters."""
    text = json.dumps(json.loads(data), ensure_ascii=False)
    letters = "".join(sorted({letter for letter in text if letter > "~"}))
    if not letters:
        return False
    try:
        typst.compile(PROBE, font_paths=fonts, format="pdf", sys_inputs={"letters": letters}, pdf_standards="a-2b")
    except typst.TypstError as error:
        return NO_LETTER in str(error)
    return False


if __name__ == "__main__":
    main()

"""The records of a delimited file, counted without parsing it: the control total of what was read."""

import numpy as np

from .sources import StudyError

_BLOCK, _LONGEST = 1 << 21, 1 << 25      # what stays in a processor's cache is looked through four times as fast
_ODD = (b"\xc2", b"\xe1\x9a\x80", b"\xe2\x80", b"\xe2\x81", b"\xe3\x80\x80", b"\xef\xbb\xbf", b"\xef\xbf\xbd")


class Records:
    """Where the records of a file are, found by counting quotation marks and line endings (RFC 4180).

    A line ending or delimiter inside quotes belongs to its cell; blank lines are no records. Only a few numbers are kept
    for each stretch of the file, which is read again where a line is asked for, so memory does not grow with the file.

    Parameters
    ----------
    path : path-like
        A file in UTF-8.
    delimiter, ending : str
        One character each.
    headed : bool
        Whether the first record holds headings, and so is none of the rows.

    Attributes
    ----------
    rows : int
        Records without the headings.
    cells : int
        Cells of all records, headings included.
    breaks : int
        Lines of the file, blank ones and those within cells included.
    odd_spaces : bool
        Whether there may be space that is no blank, or a character that cannot be seen.

    Raises
    ------
    StudyError
        If a quotation mark is never closed.
    """

    def __init__(self, path, delimiter=",", ending="\n", *, headed=True):
        self.path, self.delimiter, self.ending, self.headed = path, delimiter, ending, headed
        firsts, blocks, self.cells, self.breaks, self.odd_spaces = [0], [], 0, 0, False
        for position, line, text in self._blocks():
            records, cells, breaks = self._counted(text)
            blocks.append((position, line, len(text)))
            firsts.append(firsts[-1] + records)
            self.cells += cells
            self.breaks += breaks
            self.odd_spaces = self.odd_spaces or self._has_odd_spaces(text, breaks, position)
        self._blocks_at, self._firsts = np.array(blocks, dtype=np.int64).reshape(-1, 3), np.array(firsts)
        self.rows = firsts[-1] - headed

    def lines(self, rows):
        """Line in the file of each row, rows counted from 0 after the headings."""
        rows = np.asarray(rows, dtype=np.int64) + self.headed
        return self._looked_up(np.searchsorted(self._firsts, rows, side="right") - 1, rows, lambda found, first, lines, _: (
            lines[found - first]))

    def rows_after(self, offsets):
        """The row that begins at or after each byte offset; one past the last where none does."""
        offsets = np.asarray(offsets, dtype=np.int64)
        blocks = np.searchsorted(self._blocks_at[:, 0], offsets, side="right") - 1
        return self._looked_up(blocks, offsets, lambda found, first, _, starts: (
            first + np.searchsorted(starts, found))) - self.headed

    def uneven(self, width):
        """Rows that do not have `width` cells, and how many more (or, below 0, fewer) they have."""
        rows, extra = [], []
        for first, (_, _, text) in zip(self._firsts, self._blocks(), strict=False):
            cells = self._within(text, each=True)[2] - width
            rows.append(first + np.flatnonzero(cells) - self.headed)
            extra.append(cells[cells != 0])
        rows, extra = (np.concatenate(parts) if parts else np.empty(0, np.int64) for parts in (rows, extra))
        return rows[rows >= 0], extra[rows >= 0]

    def _looked_up(self, blocks, wanted, answer):
        """Answers for what is wanted of each block, from reading these blocks again."""
        answers = np.empty(len(wanted), dtype=np.int64)
        with open(self.path, "rb") as file:
            for block in np.unique(blocks):
                position, line, length = self._blocks_at[block]
                file.seek(position)
                offsets, lines, _ = self._within(self._ended(file.read(length)))
                here = blocks == block
                answers[here] = answer(wanted[here], self._firsts[block], lines + line, offsets + position)
        return answers

    def _ended(self, text):
        return text if text.endswith(self.ending.encode()) else text + self.ending.encode()

    def _blocks(self):
        """Position, line and bytes of stretches of the file, each of whole records."""
        position, line, rest = 0, 1, b""
        with open(self.path, "rb") as file:
            while True:
                chunk = file.read(_BLOCK)
                text = rest + chunk
                if not chunk and text:
                    text = self._ended(text)
                end = self._last_end(text)
                if not end and (len(text) > _LONGEST or (text and not chunk)):
                    raise StudyError(
                        f"{self.path.name}, line {line}: a quotation mark is opened here or later and never closed, so "
                        "where rows end cannot be told. Correct that line, or export the file again as CSV.")
                if end:
                    yield position, line, text[:end]
                    position, line, rest = position + end, line + text.count(self.ending.encode(), 0, end), text[end:]
                else:
                    rest = text
                if not chunk and not rest:
                    return

    def _last_end(self, text):
        """One past the last line ending outside quotes."""
        if b'"' not in text:
            return text.rfind(self.ending.encode()) + 1
        data = np.frombuffer(text, dtype=np.uint8)
        breaks, quotes = np.flatnonzero(data == ord(self.ending)), np.flatnonzero(data == ord('"'))
        closing = np.flatnonzero(np.searchsorted(quotes, breaks) % 2 == 0)
        return int(breaks[closing[-1]]) + 1 if len(closing) else 0

    def _counted(self, text):
        """Records, cells and lines of a stretch; without quotation marks or blank lines by sums alone."""
        data = np.frombuffer(text, dtype=np.uint8)
        ends = data == ord(self.ending)
        breaks = int(np.count_nonzero(ends))
        if b'"' in text or b"\r" in text or ends[0] or (ends[1:] & ends[:-1]).any():
            offsets, _, cells = self._within(text)
            return len(offsets), cells, breaks
        return breaks, int(np.count_nonzero(data == ord(self.delimiter))) + breaks, breaks

    def _has_odd_spaces(self, text, breaks, position):
        data = np.frombuffer(text, dtype=np.uint8)
        other = b"\r" if self.ending == "\n" else b"\n"
        returns = text.count(other) if other in text else 0
        usual = breaks + returns + (text.count(self.delimiter.encode()) if self.delimiter < " " else 0)
        text = text if position else text.removeprefix(b"\xef\xbb\xbf")
        return bool((returns and self.ending == "\n" and returns > text.count(b"\r\n"))
                    or np.count_nonzero(data < 32) > usual or b"\x7f" in text
                    or (not text.isascii() and any(mark in text for mark in _ODD)))

    def _within(self, text, *, each=False):
        """Offset and line, counted from 0, of the records of a stretch; their cells, of each or of all together."""
        data = np.frombuffer(text, dtype=np.uint8)
        breaks = np.flatnonzero(data == ord(self.ending))
        quotes = np.flatnonzero(data == ord('"')) if b'"' in text else np.empty(0, dtype=int)
        closing = np.flatnonzero(np.searchsorted(quotes, breaks) % 2 == 0) if len(quotes) else np.arange(len(breaks))
        ends = breaks[closing]
        starts = np.concatenate([[0], ends[:-1] + 1])
        lines = np.concatenate([[0], closing[:-1] + 1])
        length = ends - starts
        full = (length > 1) | ((length == 1) & ~((data[ends - 1] == ord("\r")) & (self.ending == "\n")))
        if each or len(quotes):
            cuts = np.flatnonzero(data == ord(self.delimiter))
            cuts = cuts[np.searchsorted(quotes, cuts) % 2 == 0]
            cells = np.diff(np.searchsorted(cuts, starts), append=len(cuts))[full] + 1
            return starts[full], lines[full], cells if each else int(cells.sum())
        return starts[full], lines[full], np.count_nonzero(data == ord(self.delimiter)) + int(full.sum())

"""Drives the shell of `sql` in a terminal of 100 columns: shell.py PROGRAM LAKE. Exit code 1, with the screen, if an answer
does not come."""

import os
import pty
import select
import struct
import sys
import termios
import time
from fcntl import ioctl

PROGRAM, LAKE = sys.argv[1:]
SECONDS = 60


class Terminal:
    def __init__(self):
        pid, self.file = pty.fork()
        if pid == 0:
            os.environ.update(TERM="xterm", COLUMNS="100")
            os.execv(PROGRAM, [PROGRAM, "--lake", LAKE, "sql", "--cells", "number"])
        self.pid, self.screen = pid, ""
        ioctl(self.file, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 100, 0, 0))

    def expect(self, text):
        """Waits for a text, and forgets the screen up to its end."""
        end = time.time() + SECONDS
        while text not in self.screen:
            if time.time() > end or not self.read(end - time.time()):
                sys.exit(f"no {text!r} on the screen:\n{self.screen}")
        self.screen = self.screen.split(text, 1)[1]

    def read(self, seconds):
        if select.select([self.file], [], [], max(0, seconds))[0]:
            try:
                part = os.read(self.file, 65536)
            except OSError:
                part = b""
            self.screen += part.decode(errors="replace")
            return bool(part)
        return False

    def type(self, text):
        os.write(self.file, text.encode())


terminal = Terminal()
terminal.expect("hotspots-lake> ")
terminal.type("SELECT SUM(count) AS n\rFROM counts;\r")
if "HOTSPOTS_RESOURCES" in os.environ:
    # The definition there is not the one that the rows were counted under.
    terminal.expect("warning: ")
terminal.expect("| 90 |")
terminal.expect("(1 row)")
terminal.expect("hotspots-lake> ")
# A tab completes the only table that begins so.
terminal.type("SELECT COUNT(*) AS k FROM boundar\t;\r")
terminal.expect("| 0 |")
terminal.expect("hotspots-lake> ")
terminal.type("\\format csv\r")
terminal.expect("hotspots-lake> ")
terminal.type("SELECT h3_string_to_h3('8a2830828007fff') AS cell;\r")
terminal.expect("622203769584648191")
terminal.expect("hotspots-lake> ")
terminal.type("SELECT nonsense FROM counts;\r")
terminal.expect("error: ")
terminal.expect("hotspots-lake> ")
terminal.type("\\d\r")
terminal.expect("incidents")
terminal.expect("hotspots-lake> ")
terminal.type("\\format csv\r")
terminal.expect("hotspots-lake> ")
terminal.type("SELECT resource, SUM(count) AS n FROM counts GROUP BY 1;\r")
terminal.expect("311-cases,90")
terminal.expect("hotspots-lake> ")
# ^C clears what was typed, ^D ends.
terminal.type("SELECT 1\x03")
terminal.expect("hotspots-lake> ")
terminal.type("\x04")
_, status = os.waitpid(terminal.pid, 0)
sys.exit(os.waitstatus_to_exitcode(status))

"""A real browser without network: what a page shows, and how much room it takes."""

import base64
import shutil
import subprocess
from pathlib import Path

import pytest

WIDTH, HEIGHT = 1366, 900
"""Of the screen, in pixels."""
_MEASURE = """<!DOCTYPE html><body style="margin:0"><iframe style="border:0;width:{width}px;height:{height}px"></iframe><script>
const frame = document.querySelector("iframe");
frame.onload = () => {{
  const page = frame.contentDocument.documentElement;
  document.body.textContent = [page.scrollWidth, page.scrollHeight].join("x");
}};
frame.srcdoc = new TextDecoder().decode(Uint8Array.from(atob("{page}"), letter => letter.charCodeAt(0)));
</script>"""


def opened(path: Path, *, seconds: int = 10) -> str:
    """The document as scripts left it after so long, of a file that is opened where no name resolves and no host is there."""
    chromium = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if chromium is None:
        pytest.skip("no chromium on this machine")
    command = [
        chromium,
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        "--disable-dev-shm-usage",
        "--host-resolver-rules=MAP * ~NOTFOUND",
        "--proxy-server=127.0.0.1:9",
        f"--user-data-dir={path.parent / 'browser'}",
        f"--window-size={WIDTH},{HEIGHT}",
        f"--virtual-time-budget={1000 * seconds}",
        "--dump-dom",
        path.as_uri(),
    ]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stdout


def size_of(html: str, folder: Path) -> tuple[int, int]:
    """Width and height in pixels that a page takes on a screen of :data:`WIDTH` x :data:`HEIGHT`, at least those."""
    page = base64.b64encode(html.encode()).decode()
    (folder / "measure.html").write_text(_MEASURE.format(width=WIDTH, height=HEIGHT, page=page))
    body = opened(folder / "measure.html").partition("<body")[2].partition(">")[2]
    width, _, height = body.partition("</body>")[0].strip().partition("x")
    return int(width), int(height)

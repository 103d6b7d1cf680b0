"""Makes the README's picture of the explorer: `python benchmarks/explorer_picture.py VECTORS`.

VECTORS are of English words, such as those that train_vs_gensim.py trains. Their UMAP of 20,000 words is shown with
`king − man + woman`, in headless Chromium.
"""

from __future__ import annotations

import base64
import sys
from pathlib import Path
from urllib.parse import quote

from browser import chromium, served, visit

import lexigrad
from lexigrad.files.atomic import atomic_write
from lexigrad.view.explorer.data import Explorer

PICTURE = Path(__file__).parent.parent / "docs" / "pictures" / "explorer.webp"
WORDS = 20_000
SUM = "king − man + woman"

CLOSER = """
const places = explorer.maps[0].places, words = explorer.highlights.filter((item) => item.strong);
const middle = (k) => words.reduce((sum, item) => sum + places[2 * item.id + k], 0) / words.length;
Object.assign(explorer.view, { x: middle(0), y: middle(1) });
explorer.zoom(2, 0, 0);
"""


def main() -> None:
    """Compute the map, open the page, write the picture."""
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    vectors = lexigrad.load_vectors(sys.argv[1])
    first = lexigrad.KeyedVectors(vectors.words[:WORDS], vectors.matrix[:WORDS])
    explorer = Explorer(first, "wikipedia.safetensors", slow="umap")
    explorer.begin().join()
    if explorer.failure:
        sys.exit(explorer.failure)
    with served(explorer) as url, chromium(1200, 720, 1.5) as browser:
        visit(browser, f"{url}#theme=light&color=cluster&q={quote(SUM)}")
        browser.execute_script(CLOSER)
        browser.execute_async_script("requestAnimationFrame(() => requestAnimationFrame(arguments[0]))")
        shot = browser.execute_cdp_cmd("Page.captureScreenshot", {"format": "webp", "quality": 75})
    content = base64.b64decode(shot["data"])
    with atomic_write(PICTURE) as file:
        file.write(content)
    print(f"wrote {PICTURE}, {len(content):,} bytes")


if __name__ == "__main__":
    main()

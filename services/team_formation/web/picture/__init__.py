"""The preview picture of an invite link: what a chat shows of it, and keeps.

It holds only what stays true of a campaign; what a price is now is on the page. Sizes and limits have their sources at
`Shape`. Drawing takes tens of milliseconds of one processor: call it on another thread, and keep what it gives.

Text is shaped and drawn by HarfBuzz (uharfbuzz), all else by Pillow; fonts lie in web/fonts. Both are wheels that need
nothing of the system, for Linux (glibc and musl), macOS and Windows. What else was tried, with Python alone:

- Pillow's own layout by Raqm: its wheel loads FriBiDi from the system, and without it joins no Arabic
  (`PIL.features.check("raqm")` is False). It has one font a line, too.
- resvg-py: shapes and joins, but tells no widths, so nothing can be wrapped or kept within its place.
- freetype-py beside uharfbuzz: draws the same, one library more, last released in 2024.
- skia-python, pycairo and WeasyPrint need libraries of the system.
- Fonts from PyPI: whole CJK fonts of 15 MB and more in packages of single persons. Ours are cut by tools/fonts.py.

HarfBuzz does not order text of two directions, nor break lines: `bidi` does by UAX #9, `breaks` by a part of UAX #14.
"""

from services.team_formation.web.picture.draw import draw
from services.team_formation.web.picture.poster import Poster, Shape, media_type

__all__ = ["Poster", "Shape", "draw", "media_type"]

"""The data files that the current version of a table of the lake consists of."""

from pathlib import Path
from urllib.parse import unquote, urlparse

import deltalake


def data_files(lake: Path, table: str) -> list[str]:
    """Returns the paths of a table's data files."""
    found = deltalake.DeltaTable(str(lake / table)).file_uris()
    return sorted(unquote(urlparse(uri).path) if uri.startswith("file:") else uri for uri in found)

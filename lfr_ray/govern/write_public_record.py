"""Writing a public record: JSON for programs, CSV for spreadsheets, HTML for people."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from lfr_ray.durable_files import write_durable
from lfr_ray.report.html_page import record_page

COLUMNS = ("field", "value", "count", "of", "low", "high")


def write_record(folder: Path, document: Mapping[str, Any]) -> tuple[Path, Path, Path]:
    """Write ``<deployment>.json``, ``.csv`` and ``.html``.

    Raises:
        StoreError: One cannot be written.
    """
    stem = folder / str(document["record"]["deployment"])
    json_path, csv_path, page_path = (stem.with_name(f"{stem.name}.{ending}") for ending in ("json", "csv", "html"))
    write_durable(json_path, (json.dumps(document, indent=2, ensure_ascii=False) + "\n").encode())
    write_durable(csv_path, record_csv(document).encode())
    write_durable(page_path, record_page(document).encode())
    return json_path, csv_path, page_path


def record_csv(document: Mapping[str, Any]) -> str:
    """Every figure in a line: its path in the JSON document, and for a rate its parts and interval."""
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\r\n")
    writer.writerow(COLUMNS)
    writer.writerows(_lines("", document["record"]))
    writer.writerow(("sha256", document["sha256"], "", "", "", ""))
    writer.writerow(("signature", _cell(document["signature"]["value"]), "", "", "", ""))
    writer.writerow(("public_key", _cell(document["public_key"]), "", "", "", ""))
    return buffer.getvalue()


def _lines(path: str, value: Any) -> Iterator[tuple[Any, ...]]:
    if isinstance(value, Mapping):
        if value.get("suppressed") or {"count", "of", "low", "high"} <= value.keys():
            shown = "withheld" if value.get("suppressed") else _cell(value["value"])
            yield (path, shown, *(_cell(value.get(name)) for name in COLUMNS[2:]))
            return
        for key, inner in value.items():
            yield from _lines(f"{path}.{key}" if path else str(key), inner)
    elif isinstance(value, (list, tuple)):
        for number, inner in enumerate(value):
            yield from _lines(f"{path}[{number}]", inner)
    else:
        yield (path, _cell(value), "", "", "", "")


def _cell(value: Any) -> Any:
    """A cell; text that a spreadsheet would take for a formula is quoted."""
    if value is None:
        return ""
    if isinstance(value, str) and value[:1] in ("=", "+", "-", "@", "\t"):
        return f"'{value}"
    return value

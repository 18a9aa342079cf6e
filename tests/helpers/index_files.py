"""Index files as instruments write them, made for tests: small, and as wrong as a test wants them."""

from collections.abc import Iterable, Mapping


def harmony(pictures: Iterable[Mapping[str, str]], *, rows: int = 16, columns: int = 24, shared: str = "") -> bytes:
    """Write an Index.idx.xml; each picture is its URL and further elements."""
    images = "".join(
        "<Image>" + "".join(f"<{key}>{value}</{key}>" for key, value in one.items()) + "</Image>" for one in pictures
    )
    return (
        '\ufeff<?xml version="1.0" encoding="utf-8"?>'
        '<EvaluationInputData xmlns="http://www.perkinelmer.com/PEHH/HarmonyV5"><Plates><Plate><Name>P</Name>'
        f"<PlateRows>{rows}</PlateRows><PlateColumns>{columns}</PlateColumns></Plate></Plates>{shared}"
        f"<Images>{images}</Images></EvaluationInputData>"
    ).encode()


def htd(*waves: str, rows: int = 8, columns: int = 12) -> bytes:
    """Write an .HTD file."""
    lines = ['"HTSInfoFile", Version 1.0', f'"XWells", {columns}', f'"YWells", {rows}', f'"NWavelengths", {len(waves)}']
    lines += [f'"WaveName{number}", "{wave}"' for number, wave in enumerate(waves, 1)]
    return "\r\n".join([*lines, '"EndFile"']).encode("cp1252")


def yokogawa(kind: str, inner: str, **attributes: str) -> bytes:
    """Write one of Yokogawa's files."""
    written = "".join(f' bts:{name}="{value}"' for name, value in attributes.items())
    root = f'xmlns:bts="http://www.yokogawa.co.jp/BTS/BTSSchema/1.0"{written}'
    return f'<?xml version="1.0" encoding="utf-8"?><bts:{kind} {root}>{inner}</bts:{kind}>'.encode()


def record(name: str, *, channel: int = 1, z_um: float = 0.0, kind: str = "IMG") -> str:
    """Write one record of a .mlf file."""
    return (
        f'<bts:MeasurementRecord bts:Type="{kind}" bts:Ch="{channel}" bts:X="1.5" bts:Y="-2" bts:Z="{z_um}" '
        f'bts:Time="2023-09-18T13:58:44.438+02:00">{name}</bts:MeasurementRecord>'
    )

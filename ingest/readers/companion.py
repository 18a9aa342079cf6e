"""OME-TIFF companions (``NAME.companion.ome``): OME-XML in a file of its own, which describes the files beside it."""

import re

from ingest.hardened_xml import XML_BYTES_AT_MOST
from ingest.readers import ome_xml
from ingest.readers.ome_sets import describing
from ingest.readers.protocol import DamagedError, NotWholeError, OpenedFileImages, Source

_STARTS = (b"<?xml", b"<OME", b"\xef\xbb\xbf<?xml")
_COMMENT = re.compile(rb"<!--.*?(?:-->|\Z)", re.DOTALL)
_FIRST_ELEMENT = re.compile(rb"<(?:[\w.-]+:)?([\w.-]+)[\s/>]")


class CompanionReader:
    """OME-XML in a file, by its first bytes."""

    name = "OME-TIFF companion"
    endings = (b".companion.ome",)

    def recognises(self, head: bytes) -> bool:
        """Say whether it begins like OME-XML; other XML is nobody's image."""
        start = head.lstrip()
        first = _FIRST_ELEMENT.search(_COMMENT.sub(b"", start))
        return start.startswith(_STARTS) and (first is None or first[1] == b"OME")

    def open(self, source: Source) -> OpenedFileImages:
        """Say what it describes, by raising DescribesError; raises DamagedError for other XML."""
        if source.size_bytes > XML_BYTES_AT_MOST:
            raise DamagedError(f"the OME-XML is larger than {XML_BYTES_AT_MOST >> 20} MiB")
        source.stream.seek(0)
        document = ome_xml.parse(source.stream.read())
        own_name = source.name.decode("utf-8", "surrogateescape")
        named = [entry.file_name for image in document.images for entry in image.tiff_data if entry.file_name]
        if not named:
            raise NotWholeError("the OME-XML names no file with pixels")
        raise describing(document, own_name, holds_pixels=False)

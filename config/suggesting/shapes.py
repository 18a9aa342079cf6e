"""Files whose names have the same shape, and which of the numbers in it count something. Pure."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from config.endings import ending_of, without_ending
from config.suggesting.reading import Element, as_dimension, as_whole, elements_of
from config.suggesting.vocabulary import SLIDE_ENDINGS, Role
from config.value_types import PLATES, read_well

_DIMENSIONS = (Role.Z, Role.T, Role.CHANNEL)
#: So many files without a gap, or with a few, count something; fewer than half of a range do not.
_LEAST_DENSITY = 0.5
#: A microscope has no more channels than this.
_MOST_CHANNELS = 12
#: So many different wells are a plate even if nothing else in the name says so.
_WELLS_OF_A_PLATE = 3
#: Names may begin with that of one of so many folders above them.
_FOLDERS_IN_NAMES = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class NamedFile:
    """A file by its path's text: ``head`` are the folders above ``tail``, which is what its elements are read from.

    ``tail`` has no known ending.
    """

    path: str
    head: tuple[str, ...]
    tail: str
    elements: tuple[Element, ...]

    @property
    def key(self) -> tuple[tuple[object, ...], ...]:
        """Give what files of one shape have in common: the elements, and in which component each lies."""
        return tuple((e.role, e.prefix.lower(), self.tail.count("/", e.end)) for e in self.elements)

    def without(self, left_out: Iterable[int]) -> str:
        """Give the path with these elements and all GUIDs blotted out: equal for files that differ only in them."""
        chosen = set(left_out)
        text, at = "/".join(self.head) + "/", 0
        for number, element in enumerate(self.elements):
            if number in chosen or element.role is Role.GUID:
                text += self.tail[at : element.value_start] + "\0"
                at = element.end
        return text + self.tail[at:]


def read_file(path: str) -> NamedFile:
    """Read a path: the name, with the folders directly above it whose whole name is one number or well."""
    *folders, name = path.split("/")
    stem = without_ending(name)
    count = 0
    while count < len(folders) and as_whole(folders[-1 - count]):
        count += 1
    inner = folders[len(folders) - count :]
    elements: list[Element] = []
    at = 0
    for folder in inner:
        whole = as_whole(folder)
        if whole:
            elements.append(replace(whole, start=at + whole.start, end=at + whole.end))
        at += len(folder) + 1
    elements += [replace(e, start=at + e.start, end=at + e.end) for e in _elements_of_name(stem, folders)]
    return NamedFile(
        path=path, head=tuple(folders[: len(folders) - count]), tail="/".join([*inner, stem]), elements=tuple(elements)
    )


def _elements_of_name(stem: str, folders: Sequence[str]) -> tuple[Element, ...]:
    """Read a name; one that begins with its folder's name (`P01/P01_A03`) has its well behind that."""
    for folder in reversed(folders[-_FOLDERS_IN_NAMES:]):
        rest = stem.removeprefix(folder)
        if len(rest) < len(stem) and rest[:1] and not rest[0].isalnum():
            behind = [replace(e, start=len(folder) + e.start, end=len(folder) + e.end) for e in elements_of(rest)]
            if any(element.role is Role.WELL for element in behind):
                return tuple(behind)
    return elements_of(stem)


@dataclass(frozen=True, kw_only=True)
class Shape:
    """Files of one shape with only those elements that count. No elements: each file is an image of its own.

    ``plate_wells`` is the size of the plate that a running number of wells was checked against or assumed for.
    """

    files: tuple[NamedFile, ...]
    is_plate: bool = False
    plate_wells: int | None = None
    assumed: tuple[str, ...] = ()

    @cached_property
    def roles(self) -> tuple[Role, ...]:
        """Give what the elements are, in order."""
        return tuple(element.role for element in self.files[0].elements)


def shapes_of(paths: Iterable[str]) -> list[Shape]:
    """Sort paths by the shape of their names, the largest shape first; what counts nothing is taken for plain text."""
    read = _grouped(read_file(path) for path in paths)
    groups = _grouped(file for files in read for file in _wells_reread(files))
    found: dict[object, list[Shape]] = defaultdict(list)
    for files in groups:
        shape = _confirmed(files)
        found[(shape.is_plate, shape.plate_wells, shape.files[0].key if shape.files[0].elements else ())].append(shape)
    joined = [replace(same[0], files=tuple(file for shape in same for file in shape.files)) for same in found.values()]
    return sorted(joined, key=lambda shape: -len(shape.files))


def _grouped(files: Iterable[NamedFile]) -> list[list[NamedFile]]:
    groups: dict[object, list[NamedFile]] = defaultdict(list)
    for file in files:
        groups[file.key].append(file)
    return list(groups.values())


def _confirmed(files: list[NamedFile]) -> Shape:
    """Keep the elements of one shape that count something."""
    first = files[0].elements
    assumed: list[str] = []
    well = _well(files)
    varied = [_is_counted(files, number) for number in range(len(first))]
    kept = {number for number in range(len(first)) if varied[number] and first[number].role in _DIMENSIONS}
    if well is None and len(kept) == 1:
        kept = {number for number in kept if _is_sure_alone(files, number)}
    kept |= set() if well is None else {well}
    if well is not None or kept:
        kept |= {
            number
            for number, element in enumerate(first)
            if _goes_with(element, is_plate=well is not None, width=_width(files, number))
            and not (element.role is Role.FIELD and _is_folder_above(files[0], number, well))
        }
        kept |= {number for number, element in enumerate(first) if element.role is Role.GUID}
    kept = _one_of_each(first, varied, kept, well) | _said_twice(files, well)
    plate_wells = _plate_wells(files, well, kept, assumed)
    return Shape(
        files=tuple(_with_elements(file, kept) for file in files),
        is_plate=well is not None,
        plate_wells=plate_wells,
        assumed=tuple(assumed),
    )


def _wells_reread(files: list[NamedFile]) -> list[NamedFile]:
    """Read `C01 C02 C03` as channels: wells have several letters, or a field beside them and no running number.

    Directly behind a plane or a time point (`Z00_T004_C1`) a field beside them is no reason.
    """
    number = _index(files[0].elements, Role.WELL)
    if number is None:
        return files
    letters = {file.elements[number].value[0] for file in files}
    is_behind = number > 0 and files[0].elements[number - 1].role in (Role.Z, Role.T)
    says_field = _index(files[0].elements, Role.FIELD) is not None and not is_behind
    counts_wells = _index(files[0].elements, Role.WELL_NUMBER) is not None
    if len(letters) > 1 or (says_field and not counts_wells):
        return files
    read = [(file, as_dimension(file.elements[number])) for file in files]
    if len(files) < 2 or any(element is None for _, element in read):
        return files
    return [
        replace(file, elements=tuple(element if n == number and element else e for n, e in enumerate(file.elements)))
        for file, element in read
    ]


def _index(elements: Sequence[Element], role: Role) -> int | None:
    return next((number for number, element in enumerate(elements) if element.role is role), None)


def _well(files: list[NamedFile]) -> int | None:
    """Find the element that names the wells of a plate."""
    if any(_is_slide(file) for file in files):
        return None
    first = files[0].elements
    named = [number for number, element in enumerate(first) if element.role is Role.WELL]
    if named:
        # `P2/B06.tif`: what has more values is the well, the other may be a plate that is called so.
        number = max(named, key=lambda n: (len({file.elements[n].value for file in files}), n))
        wells = {file.elements[number].value for file in files}
        says_field = _index(first, Role.FIELD) is not None
        is_exact = all(len(well) == 3 or well[0] in "Rr" for well in wells)
        says_channel = any(e.role is Role.CHANNEL and e.is_number for e in first)
        if len(wells) >= _WELLS_OF_A_PLATE or says_field or (is_exact and says_channel):
            return number
    counting = _index(first, Role.WELL_NUMBER)
    if counting is None:
        return None
    values = {int(file.elements[counting].value) for file in files}
    return counting if len(values) >= _WELLS_OF_A_PLATE and min(values) >= 1 and max(values) <= max(PLATES) else None


def _is_slide(file: NamedFile) -> bool:
    ending = ending_of(file.path.rpartition("/")[2])
    return ending is not None and ending.text in SLIDE_ENDINGS


def _is_counted(files: Sequence[NamedFile], number: int) -> bool:
    """Tell whether files stand side by side that differ in this element only, and its values lie close together."""
    values: dict[str, set[str]] = defaultdict(set)
    counts: Counter[str] = Counter()
    for file in files:
        context = file.without((number,))
        values[context].add(file.elements[number].value)
        counts[context] += 1
    side_by_side = sum(count for context, count in counts.items() if len(values[context]) > 1)
    if side_by_side * 2 < len(files):
        return False
    element = files[0].elements[number]
    fullest = max(values.values(), key=len)
    if element.role is Role.CHANNEL and len(fullest) > _MOST_CHANNELS:
        return False
    if not element.is_number or element.role is Role.T:
        return True
    numbers = {int(value) for value in fullest}
    return len(numbers) >= _LEAST_DENSITY * (max(numbers) - min(numbers) + 1)


def _is_sure_alone(files: Sequence[NamedFile], number: int) -> bool:
    """Tell whether the only number of a name counts: `c1 c2 c3` may be cells, unless every image has the same ones."""
    element = files[0].elements[number]
    if element.role is not Role.CHANNEL or not element.is_number or len(element.prefix.rstrip("_=")) > 1:
        return True
    if len(files[0].tail.rpartition("/")[2]) == element.end - element.start:
        return False
    values: dict[str, set[str]] = defaultdict(set)
    for file in files:
        values[file.without((number,))].add(file.elements[number].value)
    return len(values) > 1 and len({frozenset(found) for found in values.values()}) == 1


def _goes_with(element: Element, *, is_plate: bool, width: int | None) -> bool:
    """Tell whether a number that does not vary counts all the same, beside others that do."""
    if not element.is_number:
        return False
    is_padded = width is not None and width > 1
    match element.role:
        case Role.FIELD | Role.WELL_NUMBER:
            return is_plate
        case Role.Z | Role.T | Role.CHANNEL:
            return is_plate or is_padded or len(element.prefix) > 1
        case _:
            return False


def _said_twice(files: Sequence[NamedFile], well: int | None) -> set[int]:
    """Find elements that name the same well again: that of the folder in `A01/A01_1.tif`."""
    if well is None:
        return set()
    same = [n for n, element in enumerate(files[0].elements) if element.role is Role.WELL and n != well]
    return {n for n in same if all(file.elements[n].value == file.elements[well].value for file in files)}


def _is_folder_above(file: NamedFile, number: int, well: int | None) -> bool:
    """Tell whether an element is a folder above the well: `P1` is a plate there, and no position."""
    return well is not None and number < well and "/" in file.tail[file.elements[number].end :]


def _width(files: Sequence[NamedFile], number: int) -> int | None:
    widths = {len(file.elements[number].value) for file in files}
    return widths.pop() if len(widths) == 1 else None


def _one_of_each(elements: Sequence[Element], varied: Sequence[bool], kept: set[int], well: int | None) -> set[int]:
    """Leave one element for each meaning: the one that varies, else the first; running numbers and GUIDs may repeat."""
    chosen: dict[Role, int] = {} if well is None else {elements[well].role: well}
    for number in sorted(kept, key=lambda number: (not varied[number], number)):
        chosen.setdefault(elements[number].role, number)
    repeated = {
        n for n in kept if elements[n].role is Role.GUID or (elements[n].role is Role.WELL_NUMBER and n != well)
    }
    if well is None:
        repeated = {n for n in repeated if elements[n].role is Role.GUID}
        chosen.pop(Role.WELL_NUMBER, None)
    return set(chosen.values()) | repeated


def _plate_wells(files: Sequence[NamedFile], well: int | None, kept: set[int], assumed: list[str]) -> int | None:
    """Find the plate whose wells a running number counts; letters in the same name are asked first."""
    if well is None:
        return None
    first = files[0].elements
    numbers = [n for n in sorted(kept) if first[n].role is Role.WELL_NUMBER]
    if not numbers:
        return None
    sample = files[0].elements[numbers[0]]
    written = f"{sample.prefix}{sample.value}"
    largest = max(int(file.elements[numbers[0]].value) for file in files)
    if first[well].role is Role.WELL_NUMBER:
        fits = next(wells for wells in PLATES if wells >= largest)
        assumed.append(f"'{written}' counts the wells of a plate with {fits} wells along its rows, from 1")
        return fits
    pairs = {(read_well(file.elements[well].value), int(file.elements[numbers[0]].value)) for file in files}
    for wells, (_, columns) in PLATES.items():
        if all(letters is not None and letters[0] * columns + letters[1] + 1 == count for letters, count in pairs):
            assumed.append(
                f"'{written}' is the well's running number on a plate with {wells} wells: it agrees with the letters"
                f" in all {len(pairs)} wells, which are used"
            )
            return None
    assumed.append(f"'{written}' agrees with the letters of the well on no usual plate; the letters are used")
    return None


def _with_elements(file: NamedFile, kept: set[int]) -> NamedFile:
    """Keep these elements; folders above the first component that has one belong to the head."""
    elements = [element for number, element in enumerate(file.elements) if number in kept]
    *folders, name = file.tail.split("/")
    passed = 0
    while folders and not any(element.start < passed + len(folders[0]) for element in elements):
        passed += len(folders.pop(0)) + 1
    head = file.tail[:passed].split("/")[:-1] if passed else []
    return replace(
        file,
        head=(*file.head, *head),
        tail="/".join([*folders, name]),
        elements=tuple(replace(e, start=e.start - passed, end=e.end - passed) for e in elements),
    )

"""Twenty ways in which facilities really lay out their folders: rules, files, and what people expect of each file."""

from collections.abc import Mapping
from dataclasses import dataclass, field

#: What a file becomes: fields of its image, or a state with a part of its reason ("held: nobody").
Expected = Mapping[str, object] | str


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """A watch root: what stands below ``- root:`` in the file, and the files in it."""

    name: str
    rules: str
    files: Mapping[str | bytes, Expected]
    #: Files that are there and are no images: tables, index files.
    beside: Mapping[str, str] = field(default_factory=dict)


PEOPLE = r"""
groups:
  smith-lab: {owners: [js2x], members: [ab3c, cd4e], aliases: [smith_lab, "Smith Lab"]}
  jones-lab: {owners: [jones], members: [ef5g, ab3c]}
  Prüfung: {members: [ef5g]}
users:
  ab3c: {name: Ada Byron, default_group: smith-lab, aliases: ["Ada Byron", ada]}
  cd4e: {name: Charles Darwin}
  ef5g: {name: Else Frühling, default_group: jones-lab}
  js2x: {}
  jones: {}
lookups:
  folk: {AB: ab3c, CD: cd4e, "E. Frühling": ef5g}
  stains: {h: Haematoxylin, e: Eosin}
"""

ADA = {"owner": "ab3c", "group": "smith-lab"}
CHARLES = {"owner": "cd4e", "group": "smith-lab"}
ELSE = {"owner": "ef5g", "group": "jones-lab"}

LAYOUTS = (
    Layout(
        name="plain",
        rules=r"""
      - match: '{group}/{owner}/{project}/[{dataset}/**/]{image}.{ext}'
""",
        files={
            "smith-lab/ab3c/mitosis/day1/cells.ome.tif": ADA
            | {"project": "mitosis", "dataset": "day1", "name": "cells"},
            "Smith Lab/ada/mitosis/day1/a/b/deep.tif": ADA | {"project": "mitosis", "dataset": "day1", "name": "deep"},
            "SMITH-LAB/AB3C/mitosis/loose.TIF": ADA | {"project": "mitosis", "dataset": "mitosis", "name": "loose"},
            "jones-lab/cd4e/x/a.tif": "held: cd4e",
            "smith-lab/root/x/a.tif": "held: root",
            "nobody-lab/ab3c/x/a.tif": "held: nobody-lab",
            "smith-lab/a.tif": "unmatched: no rule",
        },
    ),
    Layout(
        name="dates",
        rules=r"""
      - match: '{day:%Y%m%d}_{initials:word}[_{stain}]/**/{image}.{ext}'
        set: {owner: '{initials|folk}', dataset: '{day:%Y-%m-%d}[ {stain|spaces}]'}
        tags: ['[{stain|lower}]', confocal]
        key_values: {Acquired: '{day:%d.%m.%Y}', Stain: '[{stain|title}]'}
        description: 'Taken on {day:%d %B %Y}'
""",
        files={
            "20240229_AB_Anti_Tubulin/s1/c.tif": ADA
            | {
                "project": None,
                "dataset": "2024-02-29 Anti Tubulin",
                "tags": ["anti_tubulin", "confocal"],
                "key_values": [["Acquired", "29.02.2024"], ["Stain", "Anti_Tubulin"]],
                "description": "Taken on 29 February 2024",
            },
            "20240301_AB/d.tif": ADA
            | {"dataset": "2024-03-01", "tags": ["confocal"], "key_values": [["Acquired", "01.03.2024"]]},
            "20230229_AB/leap.tif": "unmatched: no rule",
            "20240301_XY/who.tif": "held: XY",
        },
    ),
    Layout(
        name="group_user",
        rules=r"""
      - match: '{group:smith_lab|jones-lab}_{owner}/{dataset}/{image}.{ext}'
""",
        files={
            "smith_lab_cd4e/fish/1.tif": CHARLES | {"project": None, "dataset": "fish", "name": "1"},
            "jones-lab_ef5g/fish/1.tif": ELSE | {"dataset": "fish"},
            "brown-lab_ef5g/fish/1.tif": "unmatched: no rule",
        },
    ),
    Layout(
        name="camera",
        rules=r"""
      - match: '**/{image}.{ext}'
""",
        files={
            "IMG_0001.jpg": ADA | {"project": None, "dataset": None, "plate": None, "name": "IMG_0001"},
            "a/b/IMG 0002.png": ADA | {"dataset": None, "name": "IMG 0002"},
        },
    ),
    Layout(
        name="lists",
        rules=r"""
      - name: by-products
        match: ['**/thumbs/*', '**/*_thumb.{ext}', '**/*.log']
        skip: true
      - name: slides
        match:
          - '{owner}/slides/{dataset}/{image}_{stain:h|e}.{ext}'
          - '{owner}/slides/{image}.{ext}'
        set: {project: slides, group: smith-lab}
        tags: ['[{stain|stains}]']
      - match: '{owner}/{dataset}/{image}.{ext}'
        where: {dataset: '[0-9]{4}-.*'}
""",
        files={
            "ab3c/slides/kidney/s1_H.tif": "held: stains",
            "ab3c/slides/kidney/s2_e.tif": ADA
            | {"project": "slides", "dataset": "kidney", "name": "s2", "tags": ["Eosin"]},
            "ab3c/slides/s3.tif": ADA | {"project": "slides", "dataset": "slides", "name": "s3", "tags": []},
            "ab3c/2024-kidney/one.tif": ADA | {"dataset": "2024-kidney", "project": None},
            "ab3c/kidney/one.tif": "unmatched: no rule",
            "ab3c/kidney/one_thumb.tif": "skipped: by-products",
            "ab3c/thumbs/anything.jpg": "skipped: by-products",
        },
        beside={"ab3c/microscope.log": "on\n", "ab3c/notes.docx": "hello"},
    ),
    Layout(
        name="regex",
        rules=r"""
      - regex: '(?P<owner>[a-z]{2}\d[a-z])/(?P<project>[^/]+)/(?P<dataset>\d{4}-\d{2}-\d{2})/(?P<image>[^/]+)\.tiff?'
        key_values: {Day: '{dataset}'}
""",
        files={
            "ab3c/heart/2024-05-06/beat.tif": ADA
            | {"project": "heart", "dataset": "2024-05-06", "name": "beat", "key_values": [["Day", "2024-05-06"]]},
            "ab3c/heart/yesterday/beat.tif": "unmatched: no rule",
        },
    ),
    Layout(
        name="screens",
        rules=r"""
      - match: '{group}/{owner}/{screen}/{plate}[/{run:path}]/{:word}_{well}_s{field}.{ext}'
""",
        files={
            "smith-lab/ab3c/siRNA/P001/exp_B03_s1.tif": ADA
            | {"screen": "siRNA", "plate": "P001", "well": "B3", "name": "P001 B3 field 1", "dataset": None},
            "smith-lab/ab3c/siRNA/P001/exp_B3_s2.tif": ADA | {"plate": "P001", "well": "B3", "name": "P001 B3 field 2"},
            "smith-lab/ab3c/siRNA/P001/exp_r02c12_s1.tif": ADA | {"plate": "P001", "well": "B12"},
            "smith-lab/ab3c/siRNA/P001/exp_AF48_s1.tif": ADA | {"plate": "P001", "well": "AF48"},
            "smith-lab/ab3c/siRNA/P002/day 2/exp_A01_s1.tif": ADA
            | {"plate": "P002", "run": "day 2", "well": "A1", "screen": "siRNA"},
            "smith-lab/ab3c/siRNA/P001/exp_B00_s1.tif": "unmatched: no rule",
            "smith-lab/ab3c/siRNA/P001/exp_b03_s9.tif": "unmatched: no rule",
        },
    ),
    Layout(
        name="plates",
        rules=r"""
      - match: '{plate}/{well}[ {comment}].{ext}'
        tags: ['[{comment}]']
        on: well
""",
        files={
            "Plate 7/A01.tif": ADA | {"screen": None, "plate": "Plate 7", "well": "A1", "name": "Plate 7 A1"},
            "Plate 7/H12 dead.tif": ADA | {"plate": "Plate 7", "well": "H12"},
        },
    ),
    Layout(
        name="running",
        rules=r"""
      - match: '{plate}/W{well:96}_F{field}.{ext}'
""",
        files={
            "run1/W0013_F0001.tif": ADA | {"plate": "run1", "well": "B1", "name": "run1 B1 field 1"},
            "run1/W0096_F0001.tif": ADA | {"plate": "run1", "well": "H12"},
            "run1/W0097_F0001.tif": "unmatched: no rule",
        },
    ),
    Layout(
        name="rows",
        rules=r"""
      - match: '{screen}/{plate}/{row}/{column}.{ext}'
      - match: 'zero_{plate}/r{row:int0}_c{column:int0}.{ext}'
""",
        files={
            "S/P/C/07.tif": ADA | {"screen": "S", "plate": "P", "well": "C7", "name": "P C7"},
            "zero_Q/r0_c11.tif": ADA | {"plate": "Q", "well": "A12"},
        },
    ),
    Layout(
        name="brackets",
        rules=r"""
      - match: '{project}/{image}_\[{code:word}\].{ext}'
        key_values: {Code: '{code}'}
      - match: 'curly\{\}/{project}/{image}.{ext}'
      - match: 'back\\slash/{dataset}/{image}.{ext}'
      - match: 'star\*/{dataset}/{image}.{ext}'
""",
        files={
            "worms/a_[9AA4D9EA].tif": ADA | {"project": "worms", "name": "a", "key_values": [["Code", "9AA4D9EA"]]},
            "curly{}/p/b {1}.tif": ADA | {"project": "p", "name": "b {1}"},
            "back\\slash/d/c.tif": ADA | {"dataset": "d", "name": "c"},
            "star*/d/e?.tif": ADA | {"dataset": "d", "name": "e?"},
            "starfish/d/e.tif": "unmatched: no rule",
        },
    ),
    Layout(
        name="unicode",
        rules=r"""
      - match: '{group}/{person}/Übersicht/{dataset}/{image}.{ext}'
        set: {owner: '{person|folk}'}
""",
        files={
            "Pru\u0308fung/E. Fru\u0308hling/U\u0308bersicht/ta\u0308g/ä.tif": {
                "owner": "ef5g",
                "group": "Prüfung",
                "dataset": "täg",
                "name": "ä",
            },
            "Prüfung/E. Frühling/Übersicht/täg/日本.tif": {"owner": "ef5g", "dataset": "täg", "name": "日本"},
            b"Pr\xc3\xbcfung/E. Fr\xc3\xbchling/\xc3\x9cbersicht/t/bad\xff.tif": {"owner": "ef5g", "name": "bad\\xff"},
        },
    ),
    Layout(
        name="nested",
        rules=r"""
      - match: '{project}[/{dataset}[/{slide:word}[_{region:2d}]]]/{image}[ \({copy:int}\)].{ext}'
        key_values: {Slide: '[{slide}]', Region: '[{region:d}]', Copy: '[{copy}]'}
""",
        files={
            "p/d/S1_07/i (2).tif": ADA
            | {
                "project": "p",
                "dataset": "d",
                "name": "i",
                "key_values": [["Slide", "S1"], ["Region", "7"], ["Copy", "2"]],
            },
            "p/d/S1/i.tif": ADA | {"project": "p", "dataset": "d", "key_values": [["Slide", "S1"]]},
            "p/d/i.tif": ADA | {"project": "p", "dataset": "d", "key_values": []},
            "p/i.tif": ADA | {"project": "p", "dataset": "p"},
        },
    ),
    Layout(
        name="times",
        rules=r"""
      - match: '{dataset}/{image}_{at:%Y-%m-%d_%H%M}.{ext}'
        key_values: {Time: '{at:%H:%M}'}
        on: dataset
""",
        files={
            "film/drop_2024-06-01_2359.tif": ADA | {"dataset": "film", "name": "drop"},
            "film/drop_2024-06-01_2460.tif": "unmatched: no rule",
        },
    ),
    Layout(
        name="leader",
        rules=r"""
      - match: '{owner}/{project}/{dataset}/{image}.{ext}'
        set: {group: smith-lab, container_owner: js2x}
""",
        files={
            "ab3c/shared/one/a.tif": "held: container",
            "js2x/shared/one/b.tif": {"owner": "js2x", "group": "smith-lab", "project": "shared", "dataset": "one"},
        },
    ),
    Layout(
        name="wells_by_set",
        rules=r"""
      - match: 'P{number:int}/{letter:word}-{digits:2d}.{ext}'
        set: {plate: 'Plate {number:03d}', screen: 'all', well: '{letter}{digits}'}
""",
        files={
            "P7/C-09.tif": ADA | {"screen": "all", "plate": "Plate 007", "well": "C9"},
            "P7/CC1-09.tif": "unmatched: no rule",
        },
    ),
    Layout(
        name="alternatives",
        rules=r"""
      - match: '(raw|processed)/{:guid}/*{kind:fixed|live}*/{dataset}/**/{image}.{ext}'
        tags: ['{kind}']
""",
        files={
            "Raw/9aa4d9ea-18e4-4354-8c7d-0202029a8048/my LIVE cells/d/x/y.tif": ADA
            | {"dataset": "d", "name": "y", "tags": ["LIVE"]},
            "cooked/9aa4d9ea-18e4-4354-8c7d-0202029a8048/live/d/y.tif": "unmatched: no rule",
        },
    ),
    Layout(
        name="posix",
        rules=r"""
      - match: '{dataset}/{image}.{ext}'
        owner: posix
""",
        files={"d/mine.tif": "held: "},
    ),
    Layout(
        name="oneowner",
        rules=r"""
      - match: '{owner}/{dataset}/{image}.{ext}'
""",
        files={
            "cd4e/d/only one group.tif": CHARLES | {"dataset": "d"},
            "js2x/d/a.tif": {"owner": "js2x", "group": "smith-lab"},
            "ef5g/d/b.tif": ELSE,
            "posix/d/c.tif": "held: posix",
        },
    ),
    Layout(
        name="platewells",
        rules=r"""
      - match: '{screen}/{plate}/{image}.{ext}'
""",
        files={"S/P9/all.tif": "held: well"},
    ),
    Layout(
        name="tables",
        rules=r"""
      - match: '{screen}/{plate}/**/{well}_{field}.{ext}'
        key_values: {from: platemap.csv, by: well, on: well}
""",
        files={
            "S/T1/img/A01_1.tif": ADA | {"plate": "T1", "well": "A1"},
            "S/T1/img/A02_1.tif": ADA | {"plate": "T1", "well": "A2"},
        },
        beside={"S/T1/platemap.csv": "Well;Gene;Dose\na1;PLK1;10 nM\nB07;;5 nM\n"},
    ),
)


def configuration() -> str:
    """Write the configuration of a facility with all these layouts."""
    watched = "".join(_watch(layout) for layout in LAYOUTS)
    return f"state_dir: @/state\n{PEOPLE}\nwatch:{watched}"


def _watch(layout: Layout) -> str:
    # Whose the files are where the folders don't say it: Ada watches over the rest.
    default = "" if "{owner" in layout.rules or "owner: posix" in layout.rules else "\n    default: {owner: ab3c}"
    return f"\n  - root: @/data/{layout.name}\n    settle: 100ms{default}\n    rules:{layout.rules.rstrip()}"

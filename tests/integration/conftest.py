"""Fixtures of the commands' tests."""

import io
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image as Picture
from sqlalchemy import update

from catalog.engine import open_catalogue
from catalog.models.images import Thumbnail
from catalog.models.ingest import Root
from catalog.people import sync_with_settings
from config.loader import load
from tests.helpers.lab import HOSTILE, NOW, Lab
from tests.helpers.shell import Shell, configure


@pytest.fixture
def shell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Shell:
    """Give a site with people in a catalogue that ``init`` has made, and nothing in it yet."""
    monkeypatch.setenv("COVERSLIP_CONFIG", str(tmp_path / "coverslip.yaml"))
    monkeypatch.chdir(tmp_path)
    (tmp_path / "data").mkdir()
    configure(tmp_path)
    made = Shell(tmp_path, capsys)
    assert made.run("init")[0] == 0
    return made


@pytest.fixture
def site(shell: Shell) -> Iterator[Shell]:
    """Give the site with images: two of ab3c's in a dataset, one of ef5g's in the private group."""
    settings = load(shell.folder / "coverslip.yaml", environ={})
    catalogue = open_catalogue(f"sqlite:///{shell.folder}/state/catalog.db")
    with catalogue.writing() as connection:
        sync_with_settings(connection, settings, now=NOW)
    lab = Lab(catalogue)
    ada, ef5g = (lab.acting(name) for name in ("ab3c", "ef5g"))
    assert ada.experimenter_id is not None
    assert ef5g.experimenter_id is not None
    (smith,), (jones,) = ada.member_of, ef5g.member_of
    root = lab.root("confocal")
    with catalogue.writing() as connection:
        connection.execute(update(Root).values(path=os.fsencode(shell.folder / "data")))
    project = lab.project(ada.experimenter_id, smith, "mitosis")
    dataset = lab.dataset(ada.experimenter_id, smith, "day 1", project=project)
    for name in ("cell", HOSTILE):
        lab.put(
            lab.image(ada.experimenter_id, smith, name, root=root, path=b"smith-lab/ab3c/" + name.encode()), dataset
        )
    lab.image(ef5g.experimenter_id, jones, "hidden", root=root, path=b"jones-lab/ef5g/\xff.tif")
    lab.sighting(root, b"smith-lab/who/held.tif", "held", reason="'who' is not a user here", group_id=smith)
    picture = io.BytesIO()
    Picture.new("RGB", (64, 48), (200, 30, 30)).save(picture, "JPEG")
    with catalogue.writing() as connection:
        connection.execute(update(Thumbnail).values(data=picture.getvalue(), width_px=64, height_px=48))
    yield shell
    catalogue.close()

"""What an index says of single files, joined to what is believed of the image that they make."""

from datetime import UTC, datetime, timedelta

import pytest

from catalog.records import Acquisition, Channel, Objective, StagePosition
from ingest.index_facts import image_facts
from ingest.indexes.values import PlaneFacts

START = datetime(2026, 1, 1, tzinfo=UTC)


def test_nothing_said_is_nothing_believed() -> None:
    assert image_facts([]) is None


def test_sizes_position_instrument_and_channels_come_from_the_first_file_that_has_them() -> None:
    dapi, gfp = Channel(name="DAPI"), Channel(name="GFP", color="#00FF00")
    objective = Acquisition(objective=Objective(nominal_magnification=20))
    facts = image_facts(
        [
            ({"channel": "01"}, PlaneFacts(channel=dapi, acquired_at=START + timedelta(seconds=2))),
            ({"channel": "02"}, PlaneFacts(channel=gfp, physical_size_x_um=0.5, physical_size_y_um=0.6)),
            ({"channel": "02"}, PlaneFacts(channel=dapi, acquisition=objective, acquired_at=START)),
            ({}, PlaneFacts(position_x_um=1.5, position_y_um=-2.0, position_z_um=0.0)),
        ]
    )
    assert facts is not None
    assert (facts.physical_size_x_um, facts.physical_size_y_um, facts.physical_size_z_um) == (0.5, 0.6, None)
    assert facts.channels == {"01": dapi, "02": gfp}
    assert facts.acquired_at == START
    assert facts.acquisition == Acquisition(
        objective=Objective(nominal_magnification=20), stage_position=StagePosition(x_um=1.5, y_um=-2, z_um=0)
    )


@pytest.mark.parametrize(
    ("positions_um", "step_um"),
    [
        ([0.0, 3.0, 6.0, 9.0], 3.0),
        ([9.0, 6.0], 3.0),
        ([0.0, 3.01, 5.99], 2.995),
        ([0.0, 3.0, 9.0], None),
        ([4.0], None),
    ],
)
def test_the_step_in_z_is_that_of_evenly_spaced_planes_of_one_channel(
    positions_um: list[float], step_um: float | None
) -> None:
    told = [({"channel": "1", "z": str(z)}, PlaneFacts(position_z_um=um)) for z, um in enumerate(positions_um)]
    other = [({"channel": "2", "z": str(z)}, PlaneFacts(position_z_um=um + 1)) for z, um in enumerate(positions_um)]
    facts = image_facts([*told, *other])
    assert facts is not None
    assert facts.physical_size_z_um == step_um


def test_a_step_that_is_told_comes_before_one_that_is_reckoned() -> None:
    facts = image_facts(
        [({"z": "1"}, PlaneFacts(position_z_um=0.0, z_step_um=0.7)), ({"z": "2"}, PlaneFacts(position_z_um=5.0))]
    )
    assert facts is not None
    assert facts.physical_size_z_um == 0.7


def test_the_time_between_time_points_is_that_of_their_earliest_pictures() -> None:
    told = [
        ({"t": str(t), "channel": str(c)}, PlaneFacts(acquired_at=START + timedelta(seconds=60 * t + c)))
        for t in range(3)
        for c in (2, 1)
    ]
    facts = image_facts(told)
    assert facts is not None
    assert facts.time_increment_s == 60
    single = image_facts(told[:2])
    assert single is not None
    assert single.time_increment_s is None

"""One synthetic patient that the tests of this room share."""

from collections.abc import Callable

import pytest

from oncohort.phantoms import PhantomCohort, PhantomPatient, phantom_patient
from oncohort.phantoms.twins import write_twin


@pytest.fixture(scope="session")
def patient() -> PhantomPatient:
    return phantom_patient(11, lesions=9)


@pytest.fixture(scope="session")
def twin(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., PhantomCohort]:
    """Writes small twins, each once."""
    written: dict[tuple[str, int], PhantomCohort] = {}

    def write(name: str, cases: int = 2) -> PhantomCohort:
        key = (name, cases)
        if key not in written:
            out = tmp_path_factory.mktemp("twin") / "out"
            written[key] = write_twin(name, out, cases=cases, size="tiny")
        return written[key]

    return write

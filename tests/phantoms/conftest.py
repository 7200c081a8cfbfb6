"""One synthetic patient that the tests of this room share."""

import pytest

from oncohort.phantoms import PhantomPatient, phantom_patient


@pytest.fixture(scope="session")
def patient() -> PhantomPatient:
    return phantom_patient(11, lesions=9)

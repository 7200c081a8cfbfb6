"""Every twin by its name."""

from __future__ import annotations

from oncohort.phantoms.twins import autopet, deep_psma, enhance_pet, longitudinal_ct, lung_pet_ct_dx, msd, pants
from oncohort.phantoms.twins.protocol import Twin

TWINS: dict[str, Twin] = {
    twin.name: twin
    for twin in (
        pants.TWIN,
        msd.TWIN,
        autopet.TWIN,
        autopet.STUDY_TWIN,
        deep_psma.TWIN,
        longitudinal_ct.TWIN,
        lung_pet_ct_dx.TWIN,
        enhance_pet.TWIN,
        enhance_pet.FIRST_TWIN,
    )
}
"""Every twin, in the order of the documentation."""

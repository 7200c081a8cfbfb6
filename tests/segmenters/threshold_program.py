"""A program as a user might have it: PET file, mask file, threshold."""

import sys

import nibabel as nib
import numpy as np


def main(pet_file, mask_file, threshold):
    pet = nib.load(pet_file)
    array = np.asanyarray(pet.dataobj)
    affine = pet.affine.copy()
    if threshold == "fail":
        return "no GPU\nout of luck"
    if threshold == "silent":
        return None
    if threshold == "shifted":
        affine[0, 3] += 50
        threshold = 1
    nib.save(nib.Nifti1Image((array >= float(threshold)).astype(np.uint8), affine), mask_file)
    return None


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))

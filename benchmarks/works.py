"""What can be measured, and where it stands; nothing is imported before it is run."""

WORKS = {
    "overlap": "benchmarks.label_overlap:OVERLAP",
    "overlap-whole-body": "benchmarks.label_overlap:OVERLAP_WHOLE_BODY",
    "surfaces": "benchmarks.surfaces:SURFACES",
    "lesion-metrics": "benchmarks.lesion_metrics:LESIONS",
    "auc": "benchmarks.auc:AUC",
    "files": "benchmarks.files:FILES",
    "fingerprint": "benchmarks.fingerprint:FINGERPRINT",
}
OTHERS = {
    "demo": "benchmarks.demo:measure_demo",
    "ingest": "benchmarks.ingest:measure_ingest",
    "index": "benchmarks.index:measure_index",
    "headers": "benchmarks.dicom_headers:measure_headers",
    "conversion": "benchmarks.conversion:measure_conversion",
    "annotations": "benchmarks.voc_files:measure_annotations",
}

"""One file from scans to a scored, ranked, illustrated benchmark."""

from oncohort.study.demo import DEMO_STUDY, make_demo
from oncohort.study.running import StudyResult, rebuild_report, run
from oncohort.study.settings import Study, load_study

__all__ = ["DEMO_STUDY", "Study", "StudyResult", "load_study", "make_demo", "rebuild_report", "run"]

"""Table of what a cluster needs and what this machine has, for the first notebook."""

import pandas as pd

from workbook.lessons.tables import headed
from workbook.machine.checks import PREFLIGHT, PROVIDED, findings
from workbook.machine.findings import Facts


def preflight() -> pd.DataFrame:
    """Check what a cluster needs from this machine; where possible, install and start a missing Docker engine.

    While the set-up is running, it only looks, and shows the set-up's progress. `make doctor` checks more, and changes
    nothing.

    Returns:
        One row per check; the index names it, the columns are OK (✓, ✗, or · for a note), NEEDED, FOUND, and FIX, which
        is empty where there is nothing to do.

    Documentation: https://minikube.sigs.k8s.io/docs/start/#what-youll-need
    """
    facts = Facts(changes=True)
    results = list(findings(PREFLIGHT, facts))
    for result in results:
        if facts.setting_up and result.check in PROVIDED and result.ok is False:
            result.ok, result.fix = None, "Wait for the set-up."
    rows = [[result.check, result.sign, result.needed, result.found, result.fix] for result in results]
    return headed(pd.DataFrame(rows, columns=["CHECK", "OK", "NEEDED", "FOUND", "FIX"]))

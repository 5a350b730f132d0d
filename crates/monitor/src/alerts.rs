//! The rules as Prometheus reads them.

use crate::watch::{Watch, quoted};
use specc_catalog::MARK;
use std::fmt::Write;

pub(crate) fn yaml(watch: &Watch) -> String {
    let mut out = format!("# {MARK}\ngroups:\n");
    for (group, alerts) in &watch.alerts {
        let _ = write!(out, "  - name: specc_{group}\n    rules:\n");
        for alert in alerts {
            let _ = write!(
                out,
                "      - alert: {}\n        expr: {}\n        for: {}\n        labels:\n          severity: {}\n          project: {}\n        \
                 annotations:\n          summary: {}\n          mend: {}\n",
                alert.name,
                quoted(&alert.expr),
                alert.wait,
                alert.severity,
                quoted(&watch.project),
                quoted(&alert.says),
                quoted(&alert.mend)
            );
        }
    }
    out
}

//! The dashboard as Grafana imports it.

use crate::watch::{Panel, Watch};
use serde_json::{Value, json};
use specc_catalog::MARK;

/// How wide the page is, and how high a panel.
const WIDE: usize = 24;
const HIGH: usize = 8;

pub(crate) fn json(watch: &Watch) -> String {
    let mut panels = Vec::new();
    let mut top = 0;
    let mut id = 0;
    let mut next = || {
        id += 1;
        id
    };
    for (title, all) in &watch.panels {
        panels.push(json!({
            "id": next(), "type": "row", "title": title, "collapsed": false, "panels": [],
            "gridPos": { "x": 0, "y": top, "w": WIDE, "h": 1 },
        }));
        top += 1;
        let width = WIDE / all.len().clamp(1, 3);
        for line in all.chunks(3) {
            for (at, one) in line.iter().enumerate() {
                panels.push(panel(one, next(), (at * width, top, width)));
            }
            top += HIGH;
        }
    }
    let source =
        json!({ "name": "source", "label": "Prometheus", "type": "datasource", "query": "prometheus", "hide": 0 });
    let dashboard = json!({
        "title": titled(&format!("{}: database", watch.project)),
        "description": MARK,
        "tags": ["specc", "postgres"],
        "uid": null,
        "schemaVersion": 37,
        "editable": true,
        "refresh": "1m",
        "time": { "from": "now-6h", "to": "now" },
        "templating": { "list": [source] },
        "panels": panels,
    });
    serde_json::to_string_pretty(&dashboard).unwrap_or_default() + "\n"
}

/// A title in which Grafana finds none of its variables (`$name`, `${name}`, `[[name]]`): it knows no way to write one that is
/// none, so that a letter without a width stands where it looks for the name.
fn titled(text: &str) -> String {
    // Twice: of three in a row the second is an end and a beginning.
    text.replace('$', "$\u{2060}").replace("[[", "[\u{2060}[").replace("[[", "[\u{2060}[")
}

/// An expression likewise: its texts may have a letter by its number. What specc asks has no variable.
fn asked(expr: &str) -> String {
    expr.replace('$', "\\x24").replace("[[", "[\\x5b")
}

fn panel(panel: &Panel, id: usize, (x, y, width): (usize, usize, usize)) -> Value {
    let source = json!({ "type": "prometheus", "uid": "${source}" });
    let targets: Vec<Value> = panel
        .lines
        .iter()
        .enumerate()
        .map(|(at, (expr, legend))| {
            let name = char::from(b'A' + u8::try_from(at % 26).unwrap_or(0)).to_string();
            json!({ "refId": name, "expr": asked(expr), "legendFormat": legend, "datasource": source })
        })
        .collect();
    let stacking = json!({ "mode": if panel.stacked { "normal" } else { "none" } });
    json!({
        "id": id,
        "type": "timeseries",
        "title": titled(&panel.title),
        "datasource": source,
        "gridPos": { "x": x, "y": y, "w": width, "h": HIGH },
        "fieldConfig": {
            "defaults": {
                "unit": panel.unit,
                "min": 0,
                "custom": { "stacking": stacking, "fillOpacity": if panel.stacked { 40 } else { 0 } },
            },
            "overrides": [],
        },
        "options": { "legend": { "displayMode": "table", "placement": "bottom", "calcs": ["lastNotNull"] } },
        "targets": targets,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_no_variable_of_grafana() {
        for name in ["$__interval", "${x}", "[[x]]", "a$b", "[[[x]]]"] {
            let lines = vec![(format!("m{{relation={}}}", crate::watch::quoted(name)), "{{state}}".to_owned())];
            let panel = Panel { title: name.to_owned(), unit: "short", stacked: false, lines };
            let watch = Watch { project: name.to_owned(), panels: vec![("rows", vec![panel])], ..Watch::default() };
            let text = json(&watch).replace("${source}", "");
            let is_name = |c: char| c.is_alphanumeric() || c == '_' || c == '{';
            assert!(!text.split('$').skip(1).any(|rest| rest.starts_with(is_name)), "{name}: {text}");
            assert!(!text.contains("[["), "{name}: {text}");
        }
    }
}

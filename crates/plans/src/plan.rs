//! Plans as trees.

use serde_json::Value;
use std::fmt::Write;

/// A node of a plan.
#[derive(Clone, Debug, PartialEq)]
pub struct Node {
    /// `Index Scan`, `Nested Loop` …
    pub kind: String,
    /// How it joins, where it joins otherwise than by `inner`.
    pub join: Option<String>,
    /// The schema and name of the table that it reads.
    pub relation: Option<(String, String)>,
    /// The index that it uses.
    pub index: Option<String>,
    /// What it is for the node above: `Outer`, `Inner`, `InitPlan`, `SubPlan`.
    pub part: Option<String>,
    /// The condition that an index is searched with.
    pub sought: Option<String>,
    /// What rows are asked after they are read.
    pub filter: Option<String>,
    /// Rows that come out of it each time, as the planner expects.
    pub rows: f64,
    /// What it costs until the last row is there.
    pub cost: f64,
    /// Below it.
    pub children: Vec<Node>,
}

/// Reads what `explain (format json, verbose)` says.
pub fn read(explained: &Value) -> Option<Node> {
    node(explained.get(0)?.get("Plan")?)
}

fn node(value: &Value) -> Option<Node> {
    let text = |name: &str| value.get(name).and_then(Value::as_str).map(str::to_owned);
    let number = |name: &str| value.get(name).and_then(Value::as_f64).unwrap_or(0.0);
    let kind = text("Node Type")?;
    let strategy = text("Strategy").filter(|_| kind == "Aggregate");
    let relation = text("Relation Name").map(|name| (text("Schema").unwrap_or_default(), name));
    let children = value.get("Plans").and_then(Value::as_array);
    Some(Node {
        kind: match strategy.as_deref() {
            Some("Hashed") => "HashAggregate".to_owned(),
            Some("Sorted") => "GroupAggregate".to_owned(),
            _ => kind,
        },
        join: text("Join Type").filter(|join| join != "Inner"),
        relation,
        index: text("Index Name"),
        part: text("Parent Relationship"),
        sought: text("Index Cond").or_else(|| text("Recheck Cond")).or_else(|| text("Order By")),
        filter: text("Filter"),
        rows: number("Plan Rows"),
        cost: number("Total Cost"),
        children: children.into_iter().flatten().filter_map(node).collect(),
    })
}

impl Node {
    /// All nodes, each before those below it.
    pub fn visit<'n>(&'n self, see: &mut dyn FnMut(&'n Node)) {
        see(self);
        self.children.iter().for_each(|child| child.visit(see));
    }

    /// The shape: nodes, tables, indexes and the order of joins, without numbers.
    pub fn shape(&self) -> String {
        let mut out = String::new();
        self.write(0, &mut out);
        out
    }

    fn write(&self, depth: usize, out: &mut String) {
        let _ = write!(out, "{:1$}", "", depth * 2);
        if let Some(part @ ("InitPlan" | "SubPlan")) = self.part.as_deref() {
            let _ = write!(out, "{part}: ");
        }
        out.push_str(&self.kind);
        if let Some(join) = &self.join {
            let _ = write!(out, " ({join})");
        }
        if let Some((schema, name)) = &self.relation {
            let _ = match schema.as_str() {
                "public" | "" => write!(out, " on {name}"),
                schema => write!(out, " on {schema}.{name}"),
            };
        }
        if let Some(index) = &self.index {
            let _ = write!(out, " using {index}");
        }
        out.push('\n');
        self.children.iter().for_each(|child| child.write(depth + 1, out));
    }
}

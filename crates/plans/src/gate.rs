//! What a plan may not do.

use crate::explain::Planned;
use crate::plan::Node;
use specc_model::{EntityId, Model};
use specc_size::Sizes;

/// A budget that a plan does not keep.
#[derive(Clone, Debug, PartialEq)]
pub enum Breach {
    /// Postgres does not plan the query for its role.
    Refused(String),
    /// Reads a table whole: its name and rows; whether the query says that it never does so.
    Whole {
        /// The table.
        table: String,
        /// Its rows.
        rows: u64,
        /// `no seq scan on` says so.
        forbidden: bool,
        /// What its rows are asked, as Postgres writes it.
        filter: Option<String>,
    },
    /// Reads so many rows, and may read so many.
    Rows {
        /// As the planner expects.
        expected: u64,
        /// The budget.
        allowed: u64,
    },
}

/// A table of more rows is not read whole unless the query says so.
pub const MANY: u64 = 10_000;

/// What a plan does that its query does not allow.
pub fn breaches(planned: &Planned<'_>, model: &Model, sizes: &Sizes) -> Vec<Breach> {
    let plan = match &planned.plan {
        Ok(plan) => plan,
        Err(why) => return vec![Breach::Refused(why.clone())],
    };
    let query = planned.query;
    let mut found = Vec::new();
    let mut read = 0f64;
    Reader { model, sizes }.scans(plan, 1.0, 1.0, &mut |scan| {
        read += scan.read;
        let is = |id: &EntityId| scan.entity == Some(*id);
        if !scan.whole || query.whole.iter().any(is) {
            return;
        }
        let forbidden = query.no_scan.iter().any(is) && scan.sequential;
        if forbidden || scan.read > MANY as f64 {
            let breach = Breach::Whole {
                table: scan.table.to_owned(),
                rows: scan.rows,
                forbidden,
                filter: scan.filter.map(str::to_owned),
            };
            if !found.contains(&breach) {
                found.push(breach);
            }
        }
    });
    if let Some(allowed) = query.rows.filter(|allowed| read > *allowed as f64) {
        found.push(Breach::Rows { expected: read.round() as u64, allowed });
    }
    found
}

/// A table that is read.
struct Scan<'p> {
    table: &'p str,
    entity: Option<EntityId>,
    /// Rows that the table has.
    rows: u64,
    /// Rows that are read, all times together.
    read: f64,
    /// From one end to the other.
    whole: bool,
    /// As a sequential scan.
    sequential: bool,
    /// What its rows are asked.
    filter: Option<&'p str>,
}

struct Reader<'m> {
    model: &'m Model,
    sizes: &'m Sizes,
}

impl Reader<'_> {
    /// `times`: how often the node runs; `part`: how much of what it could give is asked of it.
    fn scans<'p>(&self, node: &'p Node, times: f64, part: f64, see: &mut dyn FnMut(Scan<'p>)) {
        if let Some((schema, name)) = &node.relation {
            let of = self.sizes.table(schema, name);
            let rows = of.map_or(0, |table| table.rows);
            let sequential = node.kind.ends_with("Seq Scan");
            let unbounded = node.kind.ends_with("Index Scan") || node.kind.ends_with("Index Only Scan");
            // A bitmap says below it how it is found.
            let whole = sequential || unbounded && node.sought.is_none();
            let each = if whole { rows as f64 } else { node.rows };
            let name_of = specc_model::Qualified { schema: schema.as_str().into(), name: name.as_str().into() };
            see(Scan {
                table: name,
                entity: self.model.index.entities.get(&name_of).copied(),
                rows,
                read: (each * part * times).max(1.0),
                whole,
                sequential,
                filter: node.filter.as_deref(),
            });
        }
        for child in &node.children {
            // A limit ends what is below it as soon as it has enough, unless that must be complete first.
            let part = match node.kind.as_str() {
                "Limit" if child.rows > 0.0 => part * (node.rows / child.rows).min(1.0),
                "Sort" | "Incremental Sort" | "HashAggregate" | "Hash" | "Materialize" | "WindowAgg" | "Unique" => 1.0,
                "Aggregate" | "GroupAggregate" => 1.0,
                _ => part,
            };
            let inner = node.kind == "Nested Loop" && child.part.as_deref() == Some("Inner");
            let (times, part) = match child.part.as_deref() {
                _ if inner && child.kind != "Materialize" && child.kind != "Memoize" => {
                    let outer = node.children.first().map_or(1.0, |outer| outer.rows);
                    (times * (outer * part).max(1.0), 1.0)
                }
                Some("InitPlan") => (1.0, 1.0),
                Some("SubPlan") => (times * node.rows.max(1.0) * part, 1.0),
                _ => (times, part),
            };
            self.scans(child, times, part, see);
        }
    }
}

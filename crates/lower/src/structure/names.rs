//! Names that the author left to us.

use smol_str::SmolStr;
use specc_model::{Entity, Model, Qualified};

/// The longest name that Postgres keeps whole, in bytes.
const LONGEST: usize = 63;

/// `parts` joined by `_`, cut where that is too long.
pub(crate) fn joined(parts: &[&str]) -> SmolStr {
    crate::names::cut(&parts.join("_"), LONGEST)
}

/// The name of a generated function for `entity`: with the schema where that is not the default one, since the
/// functions of all schemas share the helper schema.
pub(crate) fn helper(model: &Model, entity: &Entity, what: &[&str]) -> SmolStr {
    helper_of(model, &entity.name, what)
}

/// The same for an entity or view of this name.
pub(crate) fn helper_of(model: &Model, name: &Qualified, what: &[&str]) -> SmolStr {
    let mut parts = Vec::with_capacity(what.len() + 2);
    if name.schema != model.options.default_schema {
        parts.push(name.schema.as_str());
    }
    parts.push(&name.name);
    parts.extend(what);
    joined(&parts)
}

/// Postgres's own convention for `<table>_<columns>_<label>`: where it is too long, the longer of the first two is
/// shortened.
pub(crate) fn conventional(table: &str, columns: &[&str], label: &str) -> SmolStr {
    let mut columns = columns.join("_");
    let mut table = table.to_owned();
    let room = LONGEST - label.len() - 2;
    while table.len() + columns.len() > room {
        let longer = if table.len() > columns.len() { &mut table } else { &mut columns };
        longer.pop();
    }
    format!("{table}_{columns}_{label}").into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_names_stay_whole() {
        assert_eq!(joined(&["events", "workflow", "status"]), "events_workflow_status");
        assert_eq!(conventional("events", &["organizer_id"], "idx"), "events_organizer_id_idx");
    }

    #[test]
    fn long_names_fit_and_stay_apart() {
        let long = "a".repeat(70);
        let (one, two) = (joined(&[&long, "one"]), joined(&[&long, "two"]));
        assert_eq!((one.len(), two.len()), (63, 63));
        assert_ne!(one, two);
        assert_eq!(conventional(&long, &["organizer_id"], "idx").len(), 63);
        assert!(joined(&[&"ä".repeat(40)]).len() <= 63);
    }
}

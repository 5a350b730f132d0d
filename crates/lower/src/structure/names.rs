//! Names that the author left to us.

use smol_str::SmolStr;
use specc_model::{Entity, Model};

/// The longest name that Postgres keeps whole, in bytes.
const LONGEST: usize = 63;

/// `parts` joined by `_`. What is too long is cut and gets a short hash of the whole, so that two long names that start
/// alike stay apart.
pub(crate) fn joined(parts: &[&str]) -> SmolStr {
    let whole = parts.join("_");
    if whole.len() <= LONGEST {
        return whole.into();
    }
    let hash = format!("_{:08x}", hash(&whole));
    format!("{}{hash}", cut(&whole, LONGEST - hash.len())).into()
}

/// The name of a generated function for `entity`: with the schema where that is not the default one, since the
/// functions of all schemas share the helper schema.
pub(crate) fn helper(model: &Model, entity: &Entity, what: &[&str]) -> SmolStr {
    let mut parts = Vec::with_capacity(what.len() + 2);
    if entity.name.schema != model.options.default_schema {
        parts.push(entity.name.schema.as_str());
    }
    parts.push(&entity.name.name);
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
        let longer = if table.len() > columns.len() {
            &mut table
        } else {
            &mut columns
        };
        longer.pop();
    }
    format!("{table}_{columns}_{label}").into()
}

/// The first `bytes` of `text`, less if that would split a character.
fn cut(text: &str, bytes: usize) -> &str {
    let mut end = bytes.min(text.len());
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}

/// FNV-1a: the same on every machine and in every version.
fn hash(text: &str) -> u32 {
    text.bytes().fold(0x811c_9dc5, |hash, byte| {
        (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_names_stay_whole() {
        assert_eq!(
            joined(&["events", "workflow", "status"]),
            "events_workflow_status"
        );
        assert_eq!(
            conventional("events", &["organizer_id"], "idx"),
            "events_organizer_id_idx"
        );
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

//! Rows that no trigger saw: made by the million, by who holds each limit over all of them at once.

use super::Places;
use super::formula::promoted_values;
use crate::behaviour::plpgsql::{column, over, table};

/// Rows of this transaction: those that were there stay as they are, and are first in line.
const NEW: &str = "(r.xmin::text::bigint = txid_current() & 4294967295)";

impl Places<'_> {
    /// All who wait get a place, so that the last of them in line can be told to wait.
    pub(super) fn bulk_promoted(&self) -> Option<String> {
        let values: Option<Vec<_>> = promoted_values(self)
            .iter()
            .map(|(field, value)| Some(format!("{} = {}", column(self.entity, *field), value.as_ref()?)))
            .collect();
        let set = values.filter(|set| self.promotes() && !set.is_empty())?;
        Some(format!("update {} r set {} where {NEW} and {}", table(self.entity), set.join(", "), self.waiting("r")))
    }

    /// Rows that are over become what they become, or go where nothing is said.
    pub(super) fn bulk(&self) -> String {
        let per: Vec<String> = self.per().iter().map(|column| format!("r.{column}")).collect();
        let each = if per.is_empty() { String::new() } else { format!("partition by {} ", per.join(", ")) };
        let name = table(self.entity);
        let found = format!(
            "(select r.tableoid as specc_part, r.ctid as specc_place, row_number() over ({each}order by {NEW}, {}) as specc_nth, {} as specc_places
from {name} r{}
where {}) o
where r.tableoid = o.specc_part and r.ctid = o.specc_place and o.specc_nth > o.specc_places and {NEW}",
            self.order(false),
            self.number_of(),
            self.join_owner("r"),
            self.satisfied("r"),
        );
        let set: Vec<String> = self
            .limit
            .overflow
            .iter()
            .map(|(field, value)| {
                format!("{} = {}", column(self.entity, *field), over(self.model, self.entity, "r", value))
            })
            .collect();
        match set.as_slice() {
            [] => format!("delete from {name} r using {found}"),
            set => format!("update {name} r set {} from {found}", set.join(", ")),
        }
    }
}
